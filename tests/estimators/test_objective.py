"""The objective, worked by hand in numpy: steps, weights, what equals what."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import softmax
from sklearn.utils.class_weight import compute_sample_weight

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.strategies import STRATEGIES, Importance, SamplingStrategy
from sklearn_sifal.strategies._selection import Selection

N, D, K = 24, 5, 3


def small(strategy: Any = "base", **parameters: Any) -> LossSampledClassifier:
    settings = {"hidden_layer_sizes": (8,), "budget": 3, "batch_size": 8, "random_state": 0}
    return LossSampledClassifier(strategy, **{**settings, **parameters})


def one_step(strategy: Any = "base", **parameters: Any) -> LossSampledClassifier:
    """A linear model that takes one step of gradient descent on all rows at rate 0.5."""
    return small(
        strategy,
        **{
            "hidden_layer_sizes": (),
            "budget": 1,
            "batch_size": N,
            "lr": 0.5,
            "optimizer": torch.optim.SGD,
            **parameters,
        },
    )


@pytest.fixture
def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.poisson(1.0, (N, D)).astype(np.float64)
    y = np.r_[np.zeros(14, int), np.ones(6, int), np.full(4, 2)]
    return X, rng.permutation(y)


def gradient(weights: dict[str, Any], X: Any, y: Any, factors: Any) -> tuple[Any, Any]:
    """Of the sum of factor times loss over the rows, divided by their number."""
    p = softmax(X @ weights["input.weight"] + weights["input.bias"], axis=1)
    error = (p - np.eye(K)[y]) * np.asarray(factors)[:, None] / len(y)
    return X.T @ error, error.sum(axis=0)


def assert_stepped_by(model: Any, grad_weight: Any, grad_bias: Any, lr: float = 0.5) -> None:
    before, after = model.initial_weights_, model.net_.get_weights()
    np.testing.assert_allclose(
        after["input.weight"], before["input.weight"] - lr * grad_weight, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(
        after["input.bias"], before["input.bias"] - lr * grad_bias, rtol=1e-10, atol=1e-12
    )


WEIGHTS = np.random.default_rng(3).uniform(0.1, 5, N)


class TestOneStep:
    def test_without_weights(self, data: Any) -> None:
        model = one_step().fit(*data)
        assert_stepped_by(model, *gradient(model.initial_weights_, *data, np.ones(N)))

    def test_sample_weights_have_mean_one(self, data: Any) -> None:
        model = one_step().fit(*data, WEIGHTS)
        scaled = WEIGHTS / WEIGHTS.mean()
        assert_stepped_by(model, *gradient(model.initial_weights_, *data, scaled))

    def test_divided_by_the_rows_of_the_batch_not_by_its_weights(self, data: Any) -> None:
        """Two batches in row order: each divides by 12, whatever its weights sum to."""
        X, y = data
        weights = np.r_[np.full(12, 0.1), np.full(12, 3.0)]
        scaled = weights / weights.mean()
        model = one_step(batch_size=12, shuffle=False, lr_schedule="constant").fit(X, y, weights)
        by_hand = {k: v.copy() for k, v in model.initial_weights_.items()}
        for rows in (slice(0, 12), slice(12, 24)):
            grad_weight, grad_bias = gradient(by_hand, X[rows], y[rows], scaled[rows])
            by_hand["input.weight"] -= 0.5 * grad_weight
            by_hand["input.bias"] -= 0.5 * grad_bias
        for name, values in by_hand.items():
            np.testing.assert_allclose(model.net_.get_weights()[name], values, rtol=1e-10)

    def test_zero_weights_do_not_count_as_rows(self, data: Any) -> None:
        X, y = data
        weights = np.where(np.arange(N) < 6, 0.0, WEIGHTS)
        kept = weights > 0
        scaled = weights[kept] / weights[kept].mean()
        model = one_step().fit(X, y, weights)
        assert_stepped_by(model, *gradient(model.initial_weights_, X[kept], y[kept], scaled))

    def test_class_weight_times_sample_weight(self, data: Any) -> None:
        X, y = data
        model = one_step(class_weight={0: 1.0, 1: 2.0, 2: 7.0}).fit(X, y, WEIGHTS)
        factors = np.array([1.0, 2.0, 7.0])[y] * WEIGHTS
        scaled = factors / factors.mean()
        assert_stepped_by(model, *gradient(model.initial_weights_, X, y, scaled))

    def test_weights_of_the_strategy(self, data: Any) -> None:
        model = one_step(Weighted(lr_scale=1.0)).fit(*data, WEIGHTS)
        factors = Weighted.weights * WEIGHTS / WEIGHTS.mean()
        assert_stepped_by(model, *gradient(model.initial_weights_, *data, factors))

    def test_lr_scale_of_the_strategy(self, data: Any) -> None:
        model = one_step(Weighted(lr_scale=3.0)).fit(*data)
        assert model.history_[0]["lr"] == 1.5
        assert_stepped_by(model, *gradient(model.initial_weights_, *data, Weighted.weights), lr=1.5)

    def test_sparse_first_layer_takes_row_wise_adagrad(self, data: Any) -> None:
        """Per feature: w - lr g / sqrt(mean(g^2)); the bias takes the dense optimiser."""
        X, y = data
        model = one_step().fit(sp.csr_array(X), y, WEIGHTS)
        before, after = model.initial_weights_, model.net_.get_weights()
        grad_weight, grad_bias = gradient(before, X, y, WEIGHTS / WEIGHTS.mean())
        root = np.sqrt((grad_weight**2).mean(axis=1, keepdims=True))
        np.testing.assert_allclose(
            after["input.weight"], before["input.weight"] - 0.5 * grad_weight / root, rtol=1e-6
        )
        np.testing.assert_allclose(after["input.bias"], -0.5 * grad_bias, rtol=1e-6, atol=1e-12)

    def test_sparse_first_layer_with_adam(self, data: Any) -> None:
        """The first step of Adam is lr times the sign of the gradient."""
        X, y = data
        model = one_step(sparse_optimizer="adam", lr=0.01).fit(sp.csr_array(X), y)
        before, after = model.initial_weights_, model.net_.get_weights()
        grad_weight, _ = gradient(before, X, y, np.ones(N))
        np.testing.assert_allclose(
            after["input.weight"] - before["input.weight"], -0.01 * np.sign(grad_weight), rtol=1e-4
        )


class Weighted(SamplingStrategy):
    """All rows, with weights."""

    weights = np.random.default_rng(4).permutation(np.linspace(0.5, 1.5, N))

    def __init__(self, *, lr_scale: float = 1.0) -> None:
        super().__init__()
        self.lr_scale = lr_scale

    def draw(self, table: Any, context: Any) -> Any:
        yield Selection(np.arange(len(table)), self.weights, self.lr_scale)


BIG = 150


@pytest.fixture(params=["dense", "sparse"])
def more_data(request: pytest.FixtureRequest) -> Any:
    rng = np.random.default_rng(0)
    X = rng.poisson(0.7, (BIG, 10)).astype(np.float32)
    y = (X @ rng.normal(size=(10, 3))).argmax(axis=1)
    return (X if request.param == "dense" else sp.csr_array(X)), y


def assert_same(model: Any, expected: Any, X: Any) -> None:
    np.testing.assert_array_equal(model.predict_log_proba(X), expected.predict_log_proba(X))


@pytest.mark.parametrize("strategy", [*STRATEGIES, Importance(refresh="epoch")], ids=str)
class TestEqualities:
    def test_zero_weight_is_removal(self, more_data: Any, strategy: Any) -> None:
        X, y = more_data
        weights = np.random.default_rng(1).uniform(0.5, 2, BIG)
        weights[::4] = 0
        kept = np.flatnonzero(weights)
        with_zeros = small(strategy, dropout=0.1).fit(X, y, weights)
        without = small(strategy, dropout=0.1).fit(X[kept], y[kept], weights[kept])
        assert_same(with_zeros, without, X)
        np.testing.assert_array_equal(with_zeros.visit_counts_[kept], without.visit_counts_)

    @pytest.mark.parametrize("value", [1.0, 0.3, 1e5])
    def test_equal_weights_are_none(self, more_data: Any, strategy: Any, value: float) -> None:
        X, y = more_data
        weighted = small(strategy).fit(X, y, np.full(BIG, value))
        assert_same(weighted, small(strategy).fit(X, y), X)

    def test_class_weight_is_sample_weight(self, more_data: Any, strategy: Any) -> None:
        X, y = more_data
        for class_weight in ("balanced", {0: 1, 1: 3.5, 2: 0.5}, {1: 4}):
            by_class = small(strategy, class_weight=class_weight).fit(X, y)
            by_row = small(strategy).fit(X, y, compute_sample_weight(class_weight, y))
            np.testing.assert_allclose(
                by_class.predict_log_proba(X), by_row.predict_log_proba(X), rtol=1e-4, atol=1e-5
            )


class TestClassWeight:
    def test_balanced_counts_rows_by_their_weights(self, more_data: Any) -> None:
        X, y = more_data
        weights = np.random.default_rng(1).uniform(0.5, 2, BIG)
        mass = np.bincount(y, weights)
        by_hand = (mass.sum() / (3 * mass))[y] * weights
        np.testing.assert_allclose(
            small(class_weight="balanced").fit(X, y, weights).predict_log_proba(X),
            small().fit(X, y, by_hand).predict_log_proba(X),
            rtol=1e-4,
            atol=1e-5,
        )

    def test_labels_as_keys(self, more_data: Any) -> None:
        X, y = more_data
        names = np.array(["a", "b", "c"])
        named = small(class_weight={"b": 3}).fit(X, names[y])
        assert_same(named, small(class_weight={1: 3}).fit(X, y), X)

    def test_a_chunk_may_lack_a_class(self, more_data: Any) -> None:
        X, y = more_data
        model = small(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2, 3])
        assert np.isfinite(model.predict_proba(X)).all()

    def test_heavier_class_is_predicted_more(self, more_data: Any) -> None:
        X, y = more_data
        rare = np.argmin(np.bincount(y))
        plain = small(budget=2, lr=0.003).fit(X, y).predict(X)
        heavy = small(budget=2, lr=0.003, class_weight={int(rare): 50}).fit(X, y).predict(X)
        assert (heavy == rare).sum() > (plain == rare).sum()
