"""The product with sparse rows against dense autograd, and the optimisers against numpy."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_sifal.batches._row_batches import SparseRows
from sklearn_sifal.neural._row_sparse import (
    ROW_SPARSE_OPTIMIZERS,
    ColumnNumbers,
    RowAdagrad,
    RowAdam,
    _touched_rows,
    _touched_rows_on_cpu,
)
from sklearn_sifal.neural._row_sparse import sparse_rows_product as sparse_rows_product_with

D, M = 9, 4  # features, outputs


def sparse_rows(
    entries: list[list[tuple[int, float]]], index: torch.dtype = torch.int64, n_features: int = D
) -> SparseRows:
    """Rows given as lists of (column, value), in any order, columns repeated or not."""
    flat = [entry for row in entries for entry in row]
    indptr = np.cumsum([0, *(len(row) for row in entries)])
    return SparseRows(
        torch.tensor(indptr, dtype=index),
        torch.tensor([column for column, _ in flat], dtype=index),
        torch.tensor([value for _, value in flat], dtype=torch.float64),
        n_features,
    )


def sparse_rows_product(rows: SparseRows, weight: torch.Tensor) -> torch.Tensor:
    return sparse_rows_product_with(rows, weight, ColumnNumbers())


def dense(rows: SparseRows) -> torch.Tensor:
    result = torch.zeros(len(rows), rows.n_features, dtype=torch.float64)
    owner = torch.repeat_interleave(torch.arange(len(rows)), rows.indptr.long().diff())
    return result.index_put_((owner, rows.indices.long()), rows.values, accumulate=True)


BATCHES = {
    "plain": [[(0, 1.0), (3, 2.0)], [(3, -1.0)], [(8, 0.5), (1, 4.0), (0, 1.0)]],
    "one-row": [[(2, 3.0), (5, 1.0)]],
    "one-value": [[(7, -2.0)]],
    "repeats-in-a-row": [[(2, 1.0), (2, 3.0), (1, 1.0), (2, -0.5)], [(1, 2.0)]],
    "empty-rows": [[], [(4, 1.5)], [], [], [(4, 1.0), (6, 1.0)], []],
    "all-empty": [[], [], []],
    "explicit-zeros": [[(0, 0.0), (3, 1.0)], [(5, 0.0)]],
    "every-feature": [[(column, 1.0 + column) for column in range(D)], [(0, 1.0)]],
}
every_batch = pytest.mark.parametrize("entries", BATCHES.values(), ids=BATCHES.keys())
every_index = pytest.mark.parametrize("index", [torch.int32, torch.int64])


def weights(dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(D, M, dtype=dtype, generator=generator).requires_grad_()


@every_batch
@every_index
def test_product_and_gradient_equal_dense_autograd(entries: Any, index: torch.dtype) -> None:
    rows = sparse_rows(entries, index)
    upstream = torch.randn(len(rows), M, dtype=torch.float64)
    weight, expected = weights(), weights()
    product, product_dense = sparse_rows_product(rows, weight), dense(rows) @ expected
    torch.testing.assert_close(product, product_dense, rtol=1e-14, atol=1e-14)
    (product.sin() * upstream).sum().backward()
    (product_dense.sin() * upstream).sum().backward()
    assert weight.grad is not None
    assert weight.grad.is_sparse
    torch.testing.assert_close(weight.grad.to_dense(), expected.grad, rtol=1e-13, atol=1e-13)


@every_batch
def test_gradient_equals_finite_differences(entries: Any) -> None:
    rows = sparse_rows(entries)
    weight = weights()
    sparse_rows_product(rows, weight).tanh().sum().backward()
    assert weight.grad is not None
    numeric = np.zeros((D, M))
    for position in np.ndindex(D, M):
        for sign in (1, -1):
            moved = weights().detach()
            moved[position] += sign * 1e-6
            numeric[position] += sign * float(sparse_rows_product(rows, moved).tanh().sum()) / 2e-6
    np.testing.assert_allclose(weight.grad.to_dense().numpy(), numeric, atol=1e-8)


@every_batch
def test_gradient_holds_the_touched_rows_alone(entries: Any) -> None:
    rows = sparse_rows(entries)
    weight = weights()
    sparse_rows_product(rows, weight).sum().backward()
    assert weight.grad is not None
    touched = weight.grad._indices()[0]
    assert touched.tolist() == sorted({column for row in entries for column, _ in row})
    assert weight.grad._values().shape == (len(touched), M)


@every_batch
@every_index
def test_both_ways_to_the_touched_rows_agree(entries: Any, index: torch.dtype) -> None:
    rows = sparse_rows(entries, index)
    upstream = torch.randn(len(rows), M, dtype=torch.float64)
    touched, values = _touched_rows(rows, upstream)
    touched_on_cpu, values_on_cpu = _touched_rows_on_cpu(rows, upstream, ColumnNumbers())
    assert touched.dtype == touched_on_cpu.dtype == torch.int64
    assert torch.equal(touched, touched_on_cpu)
    torch.testing.assert_close(values, values_on_cpu, rtol=1e-14, atol=1e-14)


@every_index
def test_columns_are_renumbered_as_by_unique(index: torch.dtype) -> None:
    numbers, rng = ColumnNumbers(), np.random.default_rng(0)
    # Wider and narrower batches by turns: what an earlier one left behind must not matter.
    for n_features, n_values in ((5, 12), (300, 40), (7, 0), (300, 2000), (1, 3)):
        columns = rng.integers(n_features, size=n_values).astype(str(index).removeprefix("torch."))
        distinct, positions = numbers.renumber(columns, n_features)
        expected, inverse = np.unique(columns, return_inverse=True)
        np.testing.assert_array_equal(distinct, expected)
        np.testing.assert_array_equal(positions, inverse)


def test_working_memory_is_not_pickled() -> None:
    numbers = ColumnNumbers()
    numbers.renumber(np.arange(100_000), 100_000)
    assert len(pickle.dumps(numbers)) < 200
    assert len(copy.deepcopy(numbers)._number) == 0


def test_single_precision() -> None:
    rows = sparse_rows(BATCHES["plain"], torch.int32)
    rows = SparseRows(rows.indptr, rows.indices, rows.values.float(), rows.n_features)
    weight = weights(torch.float32)
    product = sparse_rows_product(rows, weight)
    product.sum().backward()
    assert product.dtype == torch.float32
    assert weight.grad is not None
    assert weight.grad.dtype == torch.float32


def test_gradients_of_two_batches_add_up() -> None:
    weight, expected = weights(), weights()
    for name in ("plain", "repeats-in-a-row"):
        rows = sparse_rows(BATCHES[name])
        sparse_rows_product(rows, weight).square().sum().backward()
        (dense(rows) @ expected).square().sum().backward()
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad.to_dense(), expected.grad)


def refuse_dense(monkeypatch: Any) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("made dense")

    monkeypatch.setattr(torch.Tensor, "to_dense", refuse)
    for kind in (sp.csr_array, sp.csc_array, sp.csr_matrix, sp.csc_matrix):
        for name in ("toarray", "todense"):
            monkeypatch.setattr(kind, name, refuse)


@pytest.mark.parametrize("optimizer", ROW_SPARSE_OPTIMIZERS.values())
def test_nothing_is_ever_made_dense(optimizer: Any, monkeypatch: Any) -> None:
    refuse_dense(monkeypatch)
    weight = weights()
    step = optimizer([weight], 0.1, weight_decay=0.1)
    for entries in BATCHES.values():
        step.zero_grad()
        rows = sparse_rows(entries)
        sparse_rows_product(rows, weight).square().sum().backward()
        step.step()
        _touched_rows(rows, torch.ones(len(rows), M, dtype=torch.float64))


# The gradients of five steps: rows {0, 3}, {3}, none, all, {8, 3}.
STEPS = [[0, 3], [3], [], list(range(D)), [3, 8]]


def gradients() -> list[tuple[list[int], Any]]:
    rng = np.random.default_rng(1)
    return [(rows, rng.normal(size=(len(rows), M))) for rows in STEPS]


def set_gradient(weight: torch.Tensor, rows: list[int], values: Any, form: str) -> None:
    """The same gradient as sorted rows, as unsorted repeated rows, or as a dense matrix."""
    index, values = torch.tensor(rows, dtype=torch.int64), torch.tensor(values)
    if form == "uncoalesced":  # two halves, the second in reverse order
        index = torch.cat([index, index.flip(0)])
        values = torch.cat([0.25 * values, 0.75 * values.flip(0)])
    gradient = row_gradient(index, values.reshape(-1, M))
    weight.grad = gradient.to_dense() if form == "dense" else gradient


def row_gradient(index: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return torch.sparse_coo_tensor(index.unsqueeze(0), values, (D, M), check_invariants=True)


def adagrad_by_hand(lr: float, eps: float, decay: float) -> Any:
    weight, total = weights().detach().numpy().copy(), np.zeros(D)
    for rows, values in gradients():
        for row, g in zip(rows, values, strict=True):
            weight[row] *= 1 - lr * decay
            total[row] += (g**2).mean()
            weight[row] -= lr * g / (np.sqrt(total[row]) + eps)
    return weight


def adam_by_hand(lr: float, betas: tuple[float, float], eps: float, decay: float) -> Any:
    weight = weights().detach().numpy().copy()
    mean, square, count = np.zeros((D, M)), np.zeros((D, M)), np.zeros(D, int)
    for rows, values in gradients():
        for row, g in zip(rows, values, strict=True):
            weight[row] *= 1 - lr * decay
            count[row] += 1
            mean[row] = betas[0] * mean[row] + (1 - betas[0]) * g
            square[row] = betas[1] * square[row] + (1 - betas[1]) * g**2
            unbiased_mean = mean[row] / (1 - betas[0] ** count[row])
            unbiased_square = square[row] / (1 - betas[1] ** count[row])
            weight[row] -= lr * unbiased_mean / (np.sqrt(unbiased_square) + eps)
    return weight


def run_steps(optimizer: Any, weight: torch.Tensor, form: str) -> None:
    for rows, values in gradients():
        set_gradient(weight, rows, values, form)
        optimizer.step()


@pytest.mark.parametrize("form", ["sorted", "uncoalesced"])
@pytest.mark.parametrize("decay", [0.0, 0.5])
class TestAgainstNumpy:
    def test_adagrad(self, form: str, decay: float) -> None:
        weight = weights()
        run_steps(RowAdagrad([weight], 0.1, eps=1e-3, weight_decay=decay), weight, form)
        expected = adagrad_by_hand(0.1, 1e-3, decay)
        np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-12)

    def test_adam(self, form: str, decay: float) -> None:
        weight, betas = weights(), (0.8, 0.9)
        optimizer = RowAdam([weight], 0.1, betas=betas, eps=1e-3, weight_decay=decay)
        run_steps(optimizer, weight, form)
        expected = adam_by_hand(0.1, betas, 1e-3, decay)
        np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", ROW_SPARSE_OPTIMIZERS.values())
class TestBothOptimizers:
    def test_a_dense_gradient_touches_every_row(self, optimizer: Any) -> None:
        values = np.random.default_rng(0).normal(size=(D, M))
        by_rows, by_matrix = weights(), weights()
        for weight, form in ((by_rows, "sorted"), (by_matrix, "dense")):
            set_gradient(weight, list(range(D)), values, form)
            optimizer([weight], 0.1, weight_decay=0.1).step()
        torch.testing.assert_close(by_rows, by_matrix)

    @pytest.mark.parametrize("decay", [0.0, 0.5])
    def test_untouched_rows_stay_bit_for_bit(self, optimizer: Any, decay: float) -> None:
        weight = weights(torch.float32)
        before = weight.detach().clone()
        step = optimizer([weight], 0.1, weight_decay=decay)
        for _ in range(3):
            weight.grad = row_gradient(torch.tensor([1, 4]), torch.ones(2, M))
            step.step()
        changed = (weight != before).any(dim=1)
        assert changed.nonzero().ravel().tolist() == [1, 4]
        assert torch.equal(weight[~changed], before[~changed])

    def test_decay_alone_shrinks_touched_rows(self, optimizer: Any) -> None:
        # A gradient of zero has touched its rows: they shrink by lr * decay, no others do.
        weight = weights()
        before = weight.detach().clone()
        set_gradient(weight, [2, 6], np.zeros((2, M)), "sorted")
        optimizer([weight], 0.1, weight_decay=0.5).step()
        expected = before.clone()
        expected[[2, 6]] *= 1 - 0.1 * 0.5
        torch.testing.assert_close(weight.detach(), expected)

    def test_parameters_without_gradient_are_left_alone(self, optimizer: Any) -> None:
        weight = weights()
        before = weight.detach().clone()
        optimizer([weight], 0.1, weight_decay=0.5).step()
        assert torch.equal(weight, before)

    def test_a_gradient_without_rows_changes_nothing(self, optimizer: Any) -> None:
        weight = weights()
        before = weight.detach().clone()
        set_gradient(weight, [], np.empty((0, M)), "sorted")
        optimizer([weight], 0.1, weight_decay=0.5).step()
        assert torch.equal(weight, before)

    def test_the_gradient_is_only_read(self, optimizer: Any) -> None:
        for form in ("sorted", "dense"):
            weight = weights()
            values = np.random.default_rng(0).normal(size=(D, M))
            set_gradient(weight, list(range(D)), values.copy(), form)
            optimizer([weight], 0.1, weight_decay=0.5).step()
            assert weight.grad is not None
            np.testing.assert_array_equal(weight.grad.to_dense().numpy(), values)

    def test_state_survives_saving(self, optimizer: Any) -> None:
        straight, resumed = weights(), weights()
        one = optimizer([straight], 0.1)
        run_steps(one, straight, "sorted")
        run_steps(one, straight, "sorted")
        first = optimizer([resumed], 0.1)
        run_steps(first, resumed, "sorted")
        second = optimizer([resumed], 0.7)
        second.load_state_dict(first.state_dict())
        run_steps(second, resumed, "sorted")
        assert torch.equal(straight, resumed)

    def test_rate_of_a_group_can_be_changed(self, optimizer: Any) -> None:
        weight = weights()
        before = weight.detach().clone()
        step = optimizer([weight], 0.1)
        step.param_groups[0]["lr"] = 0.0
        run_steps(step, weight, "sorted")
        assert torch.equal(weight, before)

    def test_closure_gives_the_loss(self, optimizer: Any) -> None:
        weight = weights()
        step = optimizer([weight], 0.1)
        rows = sparse_rows(BATCHES["plain"])

        def closure() -> torch.Tensor:
            step.zero_grad()
            loss = sparse_rows_product(rows, weight).square().sum()
            loss.backward()
            return loss.detach()

        losses = [float(step.step(closure)) for _ in range(20)]
        assert losses[-1] < losses[0]

    def test_steps_lower_a_loss(self, optimizer: Any) -> None:
        weight = weights()
        step = optimizer([weight], 0.1)
        rows, target = sparse_rows(BATCHES["every-feature"]), torch.ones(2, M, dtype=torch.float64)
        losses = []
        for _ in range(200):
            step.zero_grad()
            loss = (sparse_rows_product(rows, weight) - target).square().mean()
            loss.backward()
            step.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < 0.05 * losses[0]


def test_a_rare_feature_takes_as_long_a_first_step_as_a_common_one() -> None:
    # The bias correction of RowAdam counts the visits of the row, not the steps.
    weight = weights()
    before = weight.detach().clone()
    step = RowAdam([weight], 0.1)
    for _ in range(50):
        set_gradient(weight, [0], np.ones((1, M)), "sorted")
        step.step()
    set_gradient(weight, [5], np.ones((1, M)), "sorted")
    step.step()
    torch.testing.assert_close((before - weight.detach())[5], torch.full((M,), 0.1).double())


def test_names() -> None:
    assert dict(ROW_SPARSE_OPTIMIZERS) == {"adagrad": RowAdagrad, "adam": RowAdam}
