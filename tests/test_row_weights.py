"""Weights of rows and classes that are huge, tiny or far apart."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal._row_weights import (
    refuse_lost_weights,
    scaled_to_one,
    times_balanced_factors,
    times_class_factors,
)
from sklearn_sifal._training_data import TrainingData

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5)).astype(np.float32)
Y = np.arange(60) % 2
T = X[:, 0].astype(np.float64)
FIRST_CHUNK_OF_CLASSES = (LossSampledClassifier, "partial_fit")


def weights_of(model: Any) -> np.ndarray:
    return np.concatenate([w.ravel() for w in model.weights_.values()])


def small(make: Any = LossSampledClassifier, **parameters: Any) -> Any:
    return make(**{"budget": 2, "hidden_layer_sizes": (4,), "random_state": 0, **parameters})


@pytest.mark.parametrize("largest", [5e-324, 1e-310, 0.3, 1.0, 1.5, 1e308])
def test_scaled_to_one(largest: float) -> None:
    scaled = scaled_to_one(np.array([largest / 2, largest]))
    assert 0.5 <= scaled[1] <= 1
    assert np.frexp(scaled[1])[0] == np.frexp(largest)[0]  # the same digits


def test_products_are_the_plain_ones() -> None:
    factors, codes = np.array([0.3, 1.7, 0.0]), np.array([0, 1, 1, 2, 0])
    weights = np.array([1.1, 0.7, 3.0, 1.0, 1e-9])
    found = times_class_factors(factors, codes, weights)
    np.testing.assert_array_equal(found, factors[codes] * weights)
    np.testing.assert_array_equal(times_class_factors(factors, codes, None), factors[codes])


def test_products_beyond_doubles_keep_their_ratios() -> None:
    factors, codes = np.array([1e200, 1e-200]), np.array([0, 1, 1])
    large = times_class_factors(factors, codes, np.array([1e200, 1e-100, 1e300]))
    assert np.isfinite(large).all()
    assert large[2] / large[0] == pytest.approx(1e-300)  # 1e100 / 1e400
    tiny = times_class_factors(factors[[1, 1]], codes, np.array([1e-200, 2e-200, 4e-200]))
    np.testing.assert_allclose(tiny / tiny[0], [1, 2, 4])


def test_balanced_by_hand() -> None:
    codes = np.array([0, 0, 0, 1])
    # 4 / (2 * 3) and 4 / (2 * 1).
    np.testing.assert_array_equal(times_balanced_factors(codes, 2, None), [2 / 3] * 3 + [2.0])
    # A class without a row, as in a chunk.
    np.testing.assert_array_equal(times_balanced_factors(codes, 3, None), [4 / 9] * 3 + [4 / 3])
    weights = np.array([1.0, 2.0, 3.0, 2.0])  # totals 6 and 2: factors 8 / 12 and 8 / 4
    found = times_balanced_factors(codes, 2, weights)
    np.testing.assert_array_equal(found, weights * [8 / 12, 8 / 12, 8 / 12, 2])


def test_balanced_totals_far_apart() -> None:
    codes, weights = np.array([0, 0, 1, 1]), np.array([1e-308, 3e-308, 1e308, 1e308])
    found = times_balanced_factors(codes, 2, weights)
    np.testing.assert_allclose(found / found[2], [0.5, 1.5, 1, 1])


def test_a_weight_that_is_nothing_beside_another() -> None:
    weights = np.array([1e-300, 1e300, 1.0])
    with pytest.raises(ValueError, match=r"sample_weight: that of row 4 .* beside that of row 6"):
        refuse_lost_weights(weights, np.array([4, 6, 7]), "sample_weight")
    refuse_lost_weights(np.array([1e-300, 1.0]), None, "sample_weight")
    refuse_lost_weights(None, None, "sample_weight")


class TestClassifier:
    @pytest.mark.parametrize("factor", [1e200, 1e-200])
    def test_products_beyond_doubles_are_those_within(self, factor: float) -> None:
        weights = np.linspace(1, 2, 60)
        plain, beyond = (
            small(class_weight={0: 3.0 * f, 1: 1.0 * f}).fit(X, Y, weights * f)
            for f in (1.0, factor)
        )
        np.testing.assert_allclose(weights_of(beyond), weights_of(plain), rtol=1e-4, atol=1e-6)

    def test_in_chunks(self) -> None:
        model = small(class_weight={0: 1e-200, 1: 1e-200})
        model.partial_fit(X, Y, [0, 1], sample_weight=np.full(60, 1e-200))
        assert model.visit_counts_.sum() == 60

    def test_balanced_over_the_whole_range(self) -> None:
        weights = np.where(Y == 0, 1e-308, 1e308)
        plain = small(class_weight="balanced").fit(X, Y)
        far = small(class_weight="balanced").fit(X, Y, weights)
        np.testing.assert_array_equal(far.visit_counts_, plain.visit_counts_)
        np.testing.assert_allclose(weights_of(far), weights_of(plain), rtol=1e-4, atol=1e-6)

    def test_both_parameters_are_named(self) -> None:
        weights = np.where(np.arange(60) == 8, 1e-200, 1e200)
        match = "sample_weight times class_weight: that of row 8"
        with pytest.raises(ValueError, match=match):
            small(class_weight={0: 1e-200, 1: 1.0}).fit(X, Y, weights)

    def test_a_class_of_weight_zero_is_left_out_still(self) -> None:
        model = small(class_weight={0: 0.0, 1: 1e-200}).fit(X, Y, np.full(60, 1e-200))
        np.testing.assert_array_equal(model.training_mask_, Y == 1)


@pytest.mark.parametrize("make, y", [(LossSampledClassifier, Y), (LossSampledRegressor, T)])
class TestBoth:
    def test_far_apart(self, make: Any, y: np.ndarray) -> None:
        weights = np.r_[1e300, np.full(59, 1e-300)]
        for method in ("fit", "partial_fit"):
            arguments = {"classes": [0, 1]} if (make, method) == FIRST_CHUNK_OF_CLASSES else {}
            with pytest.raises(ValueError, match="sample_weight: that of row 1"):
                getattr(small(make), method)(X, y, sample_weight=weights, **arguments)

    def test_weights_whose_sum_overflows(self, make: Any, y: np.ndarray) -> None:
        weights = np.where(Y == 0, 1e308, 5e307)
        scores = [
            small(make, early_stopping=True, budget=3)
            .fit(X, y, X_val=X, y_val=y, sample_weight_val=w, sample_weight=w)
            .validation_scores_
            for w in (weights, weights / 1e300)
        ]
        np.testing.assert_allclose(scores[0], scores[1])
        model = small(make).fit(X, y)
        plain = model.score(X, y, sample_weight=weights / 1e300)
        assert model.score(X, y, sample_weight=weights) == pytest.approx(plain)


def test_weights_that_leave_one_target_are_named() -> None:
    weights = np.r_[1.0, np.full(59, 1e-290)]
    with pytest.raises(ValueError, match="With these sample weights the targets y"):
        small(LossSampledRegressor).fit(X, T, weights)
    with pytest.raises(ValueError, match=r"y has a target .* sample weights"):
        small(LossSampledRegressor).fit(X, T, np.r_[1.0, np.full(59, 1e-200)])


def test_mean_row_size_counts_a_row_of_weight_two_as_two() -> None:
    values = np.array([[1.0, -2.0], [0.0, 4.0], [3.0, 0.0]])
    weights = np.array([1.0, 2.0, 1.0])
    # (3 + 2 * 4 + 3) / 4
    for data in (values, sp.csr_array(values)):
        assert TrainingData(data, Y[:3], weights, None, 3).mean_row_size == 3.5
        assert TrainingData(data, Y[:2], None, np.array([0, 1]), 3).mean_row_size == 3.5
