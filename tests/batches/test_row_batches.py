"""Bulk gathering of rows, and dropout of sparse ones."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_sifal.batches import _row_batches
from sklearn_sifal.batches._row_batches import RowBatch, RowGatherer, SparseRows

CPU = torch.device("cpu")
N, D = 50, 12


def dense_data(dtype: Any = np.float32) -> Any:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, D)).astype(dtype)
    X[rng.random((N, D)) < 0.7] = 0
    X[[4, 5, 20]] = 0  # empty rows
    return X


def as_sparse(X: Any, kind: Any, index_dtype: Any) -> Any:
    S = kind(X)
    S.indices, S.indptr = S.indices.astype(index_dtype), S.indptr.astype(index_dtype)
    return S


CONTAINERS = [
    pytest.param(lambda X: X, id="C"),
    pytest.param(np.asfortranarray, id="Fortran"),
    pytest.param(lambda X: np.repeat(X, 2, axis=0)[::2], id="strided"),
    *(
        pytest.param(
            lambda X, kind=kind, index=index: as_sparse(X, kind, index),
            id=f"{kind.__name__}-{index.__name__}",
        )
        for kind in (sp.csr_array, sp.csr_matrix)
        for index in (np.int32, np.int64)
    ),
]


def to_dense(X: Any) -> Any:
    """Rows of a batch as a dense array, written out value by value."""
    if not isinstance(X, SparseRows):
        return X.numpy()
    dense = np.zeros((len(X), X.n_features), X.values.numpy().dtype)
    for row, (begin, end) in enumerate(pairwise(X.indptr.tolist())):
        np.add.at(dense[row], X.indices[begin:end].numpy(), X.values[begin:end].numpy())
    return dense


def gather(X: Any, y: Any, rows: Any, batch_size: int) -> list[Any]:
    return list(RowGatherer(X, y, CPU).gather(rows, batch_size))


def check_batches(X: Any, dense: Any, y: Any, rows: Any, batch_size: int) -> None:
    """Batches hold X[rows] in order, each of `batch_size` rows but the last."""
    batches = gather(X, y, rows, batch_size)
    assert len(batches) == -(-len(rows) // batch_size)
    done = 0
    for part, inputs, targets in batches:
        n = min(batch_size, len(rows) - done)
        assert part == slice(done, done + n)
        assert len(inputs) == len(targets) == n
        np.testing.assert_array_equal(to_dense(inputs), dense[rows[part]])
        np.testing.assert_array_equal(targets.numpy(), y[rows[part]])
        done += n
    assert done == len(rows)


ROWS = [
    pytest.param(np.arange(N), id="all"),
    pytest.param(np.array([17]), id="one"),
    pytest.param(np.array([4]), id="one-empty"),
    pytest.param(np.array([4, 5, 20]), id="empty-rows"),
    pytest.param(np.array([3, 3, 4, 3, 49, 0, 49]), id="repeats"),
    pytest.param(np.random.default_rng(1).integers(0, N, 133), id="many"),
]


@pytest.mark.parametrize("make", CONTAINERS)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
@pytest.mark.parametrize("values_per_block", [1, 100, 1 << 19])
def test_batches_are_the_rows_of_x(
    make: Any, rows: Any, batch_size: int, values_per_block: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(_row_batches, "_VALUES_PER_BLOCK", values_per_block)
    dense, y = dense_data(), np.arange(N)
    check_batches(make(dense), dense, y, rows, batch_size)


@pytest.mark.parametrize("make", CONTAINERS)
def test_an_empty_selection_gives_no_batch(make: Any) -> None:
    assert gather(make(dense_data()), np.arange(N), np.empty(0, np.int64), 8) == []


@pytest.mark.parametrize("make", CONTAINERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_are_kept(make: Any, dtype: Any) -> None:
    y = np.arange(N, dtype=np.int64)
    ((_, inputs, targets),) = gather(make(dense_data(dtype)), y, np.arange(3), 8)
    values = inputs.values if isinstance(inputs, SparseRows) else inputs
    assert values.numpy().dtype == dtype
    assert targets.dtype == torch.int64


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_index_types_are_kept(index: Any) -> None:
    X = as_sparse(dense_data(), sp.csr_array, index)
    ((_, inputs, _),) = gather(X, np.arange(N), np.arange(3), 8)
    assert inputs.indices.numpy().dtype == index
    assert inputs.indptr.numpy().dtype == index
    assert inputs.n_features == D


def test_index_pointer_of_another_type_than_the_indices() -> None:
    # scipy itself keeps both alike; a matrix put together by hand need not.
    X = sp.csr_array(dense_data())
    X.indptr = X.indptr.astype(np.int64)
    check_batches(X, dense_data(), np.arange(N), np.arange(N), 8)


def test_unsorted_and_repeated_columns_stay_as_they_are() -> None:
    X = sp.csr_array(
        (np.float32([1, 2, 3, 4]), np.array([3, 0, 3, 1]), np.array([0, 3, 4])), shape=(2, 5)
    )
    ((_, inputs, _),) = gather(X, np.arange(2), np.array([1, 0]), 8)
    np.testing.assert_array_equal(inputs.indices, [1, 3, 0, 3])
    np.testing.assert_array_equal(to_dense(inputs), [[0, 4, 0, 0, 0], [2, 0, 0, 4, 0]])


def test_a_matrix_without_any_value() -> None:
    check_batches(sp.csr_array((N, D)), np.zeros((N, D)), np.arange(N), np.arange(N), 8)


def test_more_than_two_axes() -> None:
    X = np.random.default_rng(0).normal(size=(N, 3, 4))
    check_batches(X, X, np.arange(N), np.arange(N)[::-1].copy(), 8)


@pytest.mark.parametrize("make", CONTAINERS)
def test_batches_are_copies(make: Any) -> None:
    X, y = make(dense_data()), np.arange(N)
    before = X.copy()
    for _, inputs, targets in gather(X, y, np.arange(N), 8):
        (inputs.values if isinstance(inputs, SparseRows) else inputs).fill_(9.0)
        targets.fill_(-1)
    np.testing.assert_array_equal(X.data, before.data)
    np.testing.assert_array_equal(y, np.arange(N))


@pytest.mark.parametrize("make", CONTAINERS)
def test_read_only_input(make: Any) -> None:
    # torch.from_numpy warns of arrays that cannot be written to, and here a warning is
    # an error: what is handed over has to be a copy.
    X, y = make(dense_data()), np.arange(N)
    for part in (X.data, X.indices, X.indptr) if sp.issparse(X) else (X,):
        part.flags.writeable = False
    y.flags.writeable = False
    check_batches(X, dense_data(), y, np.arange(N), 8)


@pytest.mark.parametrize("make", CONTAINERS)
@pytest.mark.parametrize("mode", ["r", "c"])
def test_input_mapped_from_a_file(make: Any, mode: str, tmp_path: Path) -> None:
    # What joblib hands to its workers.
    joblib.dump((make(dense_data()), np.arange(N)), tmp_path / "data")
    X, y = joblib.load(tmp_path / "data", mmap_mode=mode)
    check_batches(X, dense_data(), y, np.array([4, 40, 4, 0, 49, 7]), 4)


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csr_matrix])
def test_sparse_input_never_becomes_dense(kind: Any, monkeypatch: Any) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a sparse matrix was made dense")

    X = kind(dense_data())
    for name in ("toarray", "todense", "__array__"):
        monkeypatch.setattr(kind, name, refuse, raising=False)
    assert len(gather(X, np.arange(N), np.arange(N), 8)) == 7


def test_length() -> None:
    assert len(RowGatherer(sp.csr_array(dense_data()), np.arange(N), CPU)) == N
    assert len(RowBatch(np.arange(3), torch.zeros(3, 2), torch.zeros(3))) == 3


class TestSparseRows:
    @pytest.fixture
    def rows(self) -> SparseRows:
        rng = np.random.default_rng(0)
        X = sp.random_array(
            (400, 90), density=0.3, format="csr", random_state=rng, dtype=np.float32
        )
        X.data += 1.0
        ((_, rows, _),) = gather(X, np.arange(400), np.arange(400), 400)
        return rows

    @pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
    def test_share_kept(self, rows: SparseRows, p: float) -> None:
        kept = len(rows.dropout(p, torch.Generator().manual_seed(0)).values)
        n = len(rows.values)
        assert abs(kept - n * (1 - p)) < 5 * np.sqrt(n * p * (1 - p))

    @pytest.mark.parametrize("index", [torch.int32, torch.int64])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_what_is_kept_is_scaled_in_place(
        self, rows: SparseRows, index: torch.dtype, dtype: torch.dtype
    ) -> None:
        rows = SparseRows(
            rows.indptr.to(index), rows.indices.to(index), rows.values.to(dtype), rows.n_features
        )
        dropped = rows.dropout(0.25, torch.Generator().manual_seed(0))
        assert len(dropped) == len(rows)
        assert dropped.n_features == rows.n_features
        assert dropped.indptr.dtype == dropped.indices.dtype == index
        assert dropped.values.dtype == dtype
        assert dropped.indptr[0] == 0
        assert dropped.indptr[-1] == len(dropped.values) == len(dropped.indices)
        assert (dropped.indptr.diff() >= 0).all()
        before, after = to_dense(rows), to_dense(dropped)
        kept = after != 0
        assert kept.sum() == len(dropped.values)
        np.testing.assert_allclose(after[kept], before[kept] / 0.75, rtol=1e-6)

    def test_mean_is_unchanged(self, rows: SparseRows) -> None:
        generator = torch.Generator().manual_seed(0)
        total = sum(float(rows.dropout(0.5, generator).values.sum()) for _ in range(20)) / 20
        assert total == pytest.approx(float(rows.values.sum()), rel=0.02)

    def test_nothing_dropped(self, rows: SparseRows) -> None:
        same = rows.dropout(0.0, torch.Generator().manual_seed(0))
        for name in ("indptr", "indices", "values"):
            assert torch.equal(getattr(same, name), getattr(rows, name))

    def test_a_generator_repeats_and_moves(self, rows: SparseRows) -> None:
        generator = torch.Generator().manual_seed(3)
        first, second = rows.dropout(0.5, generator), rows.dropout(0.5, generator)
        again = rows.dropout(0.5, torch.Generator().manual_seed(3))
        assert torch.equal(first.indices, again.indices)
        assert torch.equal(first.indptr, again.indptr)
        assert not torch.equal(first.indptr, second.indptr)

    def test_the_global_generator_is_left_alone(self, rows: SparseRows) -> None:
        before = torch.get_rng_state()
        rows.dropout(0.5, torch.Generator().manual_seed(3))
        assert torch.equal(torch.get_rng_state(), before)

    def test_rows_without_values(self) -> None:
        X = sp.csr_array((3, 5), dtype=np.float32)
        ((_, rows, _),) = gather(X, np.arange(3), np.arange(3), 3)
        dropped = rows.dropout(0.5, torch.Generator().manual_seed(0))
        assert dropped.indptr.tolist() == [0, 0, 0, 0]
        assert len(dropped.values) == 0
