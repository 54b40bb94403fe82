"""partial_fit: one pass a call, a table by sample ids, and nothing left over from a failure."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import softmax

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal.neural._checkpoint import Checkpoint

N, D = 96, 12  # the shape of the fixture data
CLASSES = [0, 1, 2]
Small = Callable[..., LossSampledClassifier]


def decays_of(model: LossSampledClassifier) -> set[float]:
    optimizers = model.net_.optimizers().values()
    return {group["weight_decay"] for o in optimizers for group in o.param_groups}


def dense_rows() -> tuple[Any, Any]:
    return np.random.default_rng(0).normal(size=(N, D)).astype(np.float32), np.arange(N) % 3


class TestDecay:
    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    def test_an_automatic_one_ends_with_fit(self, small: Small, container: Any) -> None:
        X, y = dense_rows()
        model = small(warm_start=True).fit(X, y)
        (automatic,) = decays_of(model)
        assert automatic > 0
        assert decays_of(model.partial_fit(container(X), y)) == {0}
        assert decays_of(model.fit(X, y)) == {automatic}

    @pytest.mark.parametrize("first", [np.asarray, sp.csr_array])
    @pytest.mark.parametrize("then", [np.asarray, sp.csr_array])
    def test_a_given_one_stays(self, small: Small, first: Any, then: Any) -> None:
        X, y = dense_rows()
        model = small(weight_decay=0.25).fit(first(X), y).partial_fit(then(X), y)
        assert decays_of(model) == {0.25}
        model.set_params(weight_decay=0.5).partial_fit(then(X), y)
        assert decays_of(model) == {0.5}

    def test_undone_with_a_chunk_that_fails(self, small: Small) -> None:
        X, y = dense_rows()
        model = small().fit(X, y)
        before = decays_of(model)
        far = X.copy()
        far[0] = 3e38
        with pytest.raises(ValueError):
            model.partial_fit(far, y)
        assert decays_of(model) == before

    def test_towards_what_the_chunks_say(self) -> None:
        # As scikit-learn's test of loading and going on: 200 chunks of one row, from 4 to 1.
        model = LossSampledRegressor(
            hidden_layer_sizes=(42,), random_state=42, lr=0.01, budget=200, lr_schedule="constant"
        ).fit([[2]], [4])
        for _ in range(200):
            model.partial_fit([[2]], [1])
        assert model.predict([[2]])[0] == pytest.approx(1, abs=1e-3)


class TestOnePass:
    def test_every_row_once_at_a_constant_rate(self, small: Small, data: Any) -> None:
        model = small("percentile", lr=0.01, budget=7, max_epochs=3)
        for call in range(1, 4):
            model.partial_fit(*data, classes=CLASSES)
            np.testing.assert_array_equal(model.visit_counts_, 1)
            assert model.history_[-1]["lr"] == 0.01
            assert model.history_[-1]["scored"] == 0
            assert model.n_iter_ == call

    def test_by_hand(self, small: Small) -> None:
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(12, 3)), np.arange(12) % 2
        model = small(
            hidden_layer_sizes=(), batch_size=12, lr=0.5, optimizer=torch.optim.SGD
        ).partial_fit(X, y, classes=[0, 1])
        weight, bias = (model.initial_weights_[f"input.{k}"] for k in ("weight", "bias"))
        for _ in range(2):
            error = (softmax(X @ weight + bias, axis=1) - np.eye(2)[y]) / 12
            weight, bias = weight - 0.5 * X.T @ error, bias - 0.5 * error.sum(axis=0)
            np.testing.assert_allclose(model.net_.get_weights()["input.weight"], weight)
            np.testing.assert_allclose(model.net_.get_weights()["input.bias"], bias, atol=1e-12)
            model.partial_fit(X, y)

    def test_the_rate_is_that_of_the_first_chunk(self, small: Small) -> None:
        X = sp.random_array((60, 2000), density=0.02, format="csr", dtype=np.float32, rng=0)
        short = sp.random_array((60, 2000), density=0.002, format="csr", dtype=np.float32, rng=0)
        y = np.arange(60) % 3
        model, rates = small(lr="auto"), []
        for chunk in (X, short, X[:1]):
            model.partial_fit(chunk, y[: chunk.shape[0]], classes=CLASSES)
            rates.append(model.history_[-1]["lr"])
        assert rates == [rates[0]] * 3
        model.set_params(lr=0.5).partial_fit(X, y)
        assert model.history_[-1]["lr"] == 0.5

    def test_learns(self, small: Small, data: Any) -> None:
        model = small(lr=0.03)
        for _ in range(30):
            model.partial_fit(*data, classes=CLASSES)
        assert model.score(*data) > 0.9

    def test_calls_with_one_seed_repeat_and_differ_from_each_other(
        self, small: Small, data: Any
    ) -> None:
        batches: list[Any] = []
        for _ in range(2):
            model = small(dropout=0.3, record="history")
            for _ in range(2):
                model.partial_fit(*data, classes=CLASSES)
            batches.append(model.net_.get_weights()["input.weight"])
        np.testing.assert_array_equal(batches[0], batches[1])

    def test_goes_on_after_fit(self, small: Small, data: Any) -> None:
        model = small(budget=3).fit(*data)
        weights = model.initial_weights_
        model.partial_fit(*data)
        assert model.visit_counts_.sum() == N
        np.testing.assert_array_equal(
            model.initial_weights_["input.weight"], weights["input.weight"]
        )

    def test_fit_starts_over(self, small: Small, data: Any) -> None:
        X, y = data
        expected = small(budget=3).fit(X, y).partial_fit(X, y).predict_proba(X)
        model = small(budget=3)
        for _ in range(3):
            model.partial_fit(X, y, classes=CLASSES, sample_ids=np.arange(N))
        model.fit(X, y).partial_fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(X), expected)

    def test_a_chunk_with_some_of_the_classes(self, small: Small, data: Any) -> None:
        X, y = data
        model = small().partial_fit(X[y == 1], y[y == 1], classes=CLASSES)
        assert model.predict_proba(X).shape == (N, 3)
        model.partial_fit(X[y != 1], y[y != 1])
        assert list(model.classes_) == CLASSES

    def test_weights(self, small: Small, data: Any) -> None:
        X, y = data
        weights = np.where(np.arange(N) % 3 == 0, 0.0, np.linspace(1, 2, N))
        kept = np.flatnonzero(weights)
        model = small().partial_fit(X, y, CLASSES, weights)
        without = small().partial_fit(X[kept], y[kept], CLASSES, weights[kept])
        np.testing.assert_array_equal(model.predict_proba(X), without.predict_proba(X))
        np.testing.assert_array_equal(model.visit_counts_, weights > 0)

    def test_init_weights(self, small: Small, data: Any) -> None:
        weights = small(random_state=3).fit(*data).net_.get_weights()
        model = small(init_weights=weights).partial_fit(*data, classes=CLASSES)
        for name, values in weights.items():
            np.testing.assert_array_equal(model.initial_weights_[name], values)

    @pytest.mark.parametrize("first", ["dense", "sparse"])
    def test_container_may_change(self, small: Small, data: Any, first: str) -> None:
        X, y = np.asarray(data[0].todense() if sp.issparse(data[0]) else data[0]), data[1]
        chunks = [X, sp.csr_array(X)] if first == "dense" else [sp.csr_array(X), X]
        model = small(lr=0.03)
        for chunk in chunks * 10:
            model.partial_fit(chunk, y, classes=CLASSES)
        assert model.score(X, y) > 0.85

    def test_type_may_change(self, small: Small, data: Any) -> None:
        X, y = data
        model = small().partial_fit(X, y, classes=CLASSES).partial_fit(X.astype(np.float64), y)
        assert model.predict_proba(X.astype(np.float64)).dtype == np.float32


class TestSampleIds:
    def test_without_them_the_table_is_of_the_last_call(self, small: Small, data: Any) -> None:
        X, y = data
        model = small().partial_fit(X, y, classes=CLASSES).partial_fit(X[:10], y[:10])
        np.testing.assert_array_equal(model.loss_table_["id"], np.arange(10))
        assert len(model.history_) == 1

    @pytest.mark.parametrize("kind", ["int", "str", "object"])
    def test_visits_add_up(self, small: Small, data: Any, kind: str) -> None:
        X, y = data
        names = {
            "int": np.arange(1000, 1000 + N),
            "str": np.array([f"q{i}" for i in range(N)]),
            "object": np.array([f"q{i}" for i in range(N)], dtype=object),
        }[kind]
        model = small(record="dynamics")
        for rows in (np.arange(0, 50), np.arange(40, 80), np.arange(90, 39, -1)):
            model.partial_fit(X[rows], y[rows], classes=CLASSES, sample_ids=names[rows])
        table = model.loss_table_
        # In order of first appearance.
        order = [*range(80), *range(90, 79, -1)]
        np.testing.assert_array_equal(table["id"], names[order].astype(table["id"].dtype))
        expected = np.zeros(N, int)
        for rows in (np.arange(0, 50), np.arange(40, 80), np.arange(90, 39, -1)):
            expected[rows] += 1
        np.testing.assert_array_equal(table["visits"], expected[order])
        np.testing.assert_array_equal(model.visit_counts_, expected[order])
        np.testing.assert_array_equal(table["loss_epoch"], np.where(np.array(order) < 40, 0, 2))
        assert np.isfinite(table["mean_loss"]).all()
        assert len(model.history_) == model.n_iter_ == 3

    def test_repeats_in_one_call(self, small: Small, data: Any) -> None:
        X, y = data
        model = small(record="dynamics").partial_fit(
            X[[0, 1, 0]], y[[0, 1, 0]], classes=CLASSES, sample_ids=["a", "b", "a"]
        )
        assert model.loss_table_["id"].tolist() == ["a", "b"]
        assert model.visit_counts_.tolist() == [2, 1]

    def test_longer_strings_later(self, small: Small, data: Any) -> None:
        X, y = data
        model = small().partial_fit(X[:2], y[:2], classes=CLASSES, sample_ids=["a", "b"])
        model.partial_fit(X[:2], y[:2], sample_ids=["a", "a long name"])
        assert model.loss_table_["id"].tolist() == ["a", "b", "a long name"]
        assert model.visit_counts_.tolist() == [2, 1, 1]

    def test_rows_of_weight_zero_have_a_record(self, small: Small, data: Any) -> None:
        X, y = data
        model = small().partial_fit(X[:3], y[:3], CLASSES, [1, 0, 1], ["a", "b", "c"])
        assert model.visit_counts_.tolist() == [1, 0, 1]
        assert np.isnan(model.loss_table_["loss"]).tolist() == [False, True, False]

    def test_full_history(self, small: Small, data: Any) -> None:
        X, y = data
        model = small(record="history")
        model.partial_fit(X[:5], y[:5], classes=CLASSES, sample_ids=np.arange(5))
        model.partial_fit(X[3:8], y[3:8], sample_ids=np.arange(3, 8))
        assert [rows.tolist() for rows in model.selections_] == [[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]]
        assert model.loss_history_.shape == (2, 8)
        assert np.isnan(model.loss_history_[0, 5:]).all()
        np.testing.assert_array_equal(model.loss_history_[0, :3], model.loss_history_[1, :3])
        np.testing.assert_array_equal(model.loss_history_[1], model.loss_table_["loss"])
        assert len(model.weight_history_) == 2

    def test_end_with_a_fit(self, small: Small, data: Any) -> None:
        X, y = data
        model = small(budget=2)
        model.partial_fit(X, y, classes=CLASSES, sample_ids=np.arange(N)).fit(X, y)
        model.partial_fit(X[:7], y[:7], sample_ids=np.arange(50, 57))
        assert model.loss_table_["id"].tolist() == list(range(50, 57))
        assert model.visit_counts_.tolist() == [1] * 7

    @pytest.mark.parametrize(
        "ids", [[1, 2], [[1], [2], [3]], [1.5, 2.5, 3.5], "abc", [True, False, True]], ids=str
    )
    def test_wrong(self, small: Small, data: Any, ids: Any) -> None:
        X, y = data
        with pytest.raises(ValueError, match="sample_ids must be 3 integers or strings"):
            small().partial_fit(X[:3], y[:3], classes=CLASSES, sample_ids=ids)


class TestErrors:
    def test_classes_in_the_first_call(self, small: Small, data: Any) -> None:
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            small().partial_fit(*data)

    def test_one_class(self, small: Small, data: Any) -> None:
        with pytest.raises(ValueError, match="classes must name at least 2"):
            small().partial_fit(*data, classes=[1])

    def test_other_classes_later(self, small: Small, data: Any) -> None:
        model = small().partial_fit(*data, classes=CLASSES)
        model.partial_fit(*data, classes=[2, 1, 0])
        with pytest.raises(ValueError, match=r"not the same as on the last call.*\[0, 1, 2\]"):
            model.partial_fit(*data, classes=[0, 1, 5])

    def test_unseen_label(self, small: Small, data: Any) -> None:
        X, y = data
        with pytest.raises(ValueError, match=r"y contains labels that were not seen.*: 7"):
            small().partial_fit(X, np.where(np.arange(N) == 3, 7, y), classes=CLASSES)


def with_huge_rows(X: Any) -> Any:
    """The same rows, the last batch of them too large for float32."""
    dense = X.toarray() if sp.issparse(X) else X.copy()
    dense[-8:] = 1e38
    return sp.csr_array(dense) if sp.issparse(X) else dense


class TestFailure:
    """Weights, optimisers and attributes are put back bit for bit."""

    @pytest.mark.parametrize("other_container", [False, True])
    @pytest.mark.parametrize("sparse_optimizer", ["adagrad", "adam"])
    def test_goes_on_as_if_it_had_not_happened(
        self, small: Small, data: Any, sparse_optimizer: str, other_container: bool
    ) -> None:
        X, y = data
        bad = with_huge_rows(X)
        if other_container:
            bad = bad.toarray() if sp.issparse(bad) else sp.csr_array(bad)
        settings = {"shuffle": False, "sparse_optimizer": sparse_optimizer, "lr": 0.05}
        expected, model = (
            small(**settings).partial_fit(X, y, classes=CLASSES, sample_ids=np.arange(N))
            for _ in range(2)
        )
        state, weights = vars(model).copy(), model.net_.get_weights()
        with pytest.raises(FloatingPointError, match=r"row (8[89]|9\d)"):
            model.partial_fit(bad, y, sample_ids=np.arange(N))
        assert vars(model) == state
        assert len(model.net_.history) == 1
        for name, values in weights.items():
            np.testing.assert_array_equal(model.net_.get_weights()[name], values)
        for either in (expected, model):
            either.partial_fit(X, y, sample_ids=np.arange(N))
        np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
        assert model.loss_table_.tobytes() == expected.loss_table_.tobytes()

    def test_in_the_first_call(self, small: Small, data: Any) -> None:
        X, y = data
        weights = {"input.weight": np.full((D, 3), 4.0), "input.bias": np.zeros(3)}
        settings = {"shuffle": False, "hidden_layer_sizes": (), "init_weights": weights}
        model = small(**settings)
        with pytest.raises(FloatingPointError, match="epoch 0"):
            model.partial_fit(with_huge_rows(X), y, classes=CLASSES)
        assert vars(model) == vars(small(**settings))


def test_small_chunks_through_a_wide_layer_stay_cheap(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a call puts aside depends on the features it has, not on the width of the layer."""
    made = []
    make = Checkpoint.__init__

    def recorded(checkpoint: Checkpoint, *arguments: Any) -> None:
        make(checkpoint, *arguments)
        made.append(checkpoint)

    monkeypatch.setattr(Checkpoint, "__init__", recorded)
    # 20 of the first 1000 features a row, at either width.
    columns, y = np.random.default_rng(0).integers(0, 1000, 16 * 20), np.arange(16) % 2
    values, ends = np.ones(16 * 20, np.float32), range(0, 16 * 20 + 1, 20)
    for n_features in (1000, 100_000):
        X = sp.csr_array((values, columns, ends), shape=(16, n_features))
        small(hidden_layer_sizes=(16,)).partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
    narrow, wide = map(copied_elements, made)
    assert wide == narrow
    # At least 16 weights of each feature.
    assert wide > 16 * len(np.unique(columns))


def copied_elements(checkpoint: Checkpoint) -> int:
    copies = [saved for _, saved in checkpoint.params]
    for states in checkpoint.states:
        copies += [value for state in states.values() for value in state.values()]
    return sum(copy.numel() for copy in copies if isinstance(copy, torch.Tensor))
