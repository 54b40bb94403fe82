"""How likely labels are wrong, worked by hand."""

import numpy as np
import pytest

from sklearn_sifal.strategies._label_guard import evidence_of, probability_wrong


def test_evidence_is_the_loss_above_the_threshold_within_bounds() -> None:
    found = evidence_of(np.array([0.0, 1.0, 2.5, 100.0], np.float32), 2.0)
    np.testing.assert_array_equal(found, [-2.0, -1.0, 0.5, 4.0])
    np.testing.assert_array_equal(evidence_of(np.array([0.0]), 7.0), [-4.0])


def test_share_is_the_mean_of_the_probabilities() -> None:
    evidence = np.random.default_rng(0).normal(-3, 3, 500)
    probabilities, share = probability_wrong(evidence)
    odds = share / (1 - share) * np.exp(evidence)
    np.testing.assert_allclose(probabilities, odds / (1 + odds), rtol=1e-3)
    assert probabilities.mean() == pytest.approx(share, abs=1e-4)
    assert (np.diff(probabilities[np.argsort(evidence)]) >= 0).all()


def test_clear_cases_are_told_apart() -> None:
    evidence = np.repeat([12.0, -12.0], [20, 80])
    probabilities, share = probability_wrong(evidence)
    assert share == pytest.approx(0.2, abs=1e-3)
    np.testing.assert_allclose(probabilities, np.repeat([1.0, 0.0], [20, 80]), atol=1e-3)


@pytest.mark.parametrize("evidence", [-1e9, 0.0, 1e9])
def test_all_alike_is_no_special_case(evidence: float) -> None:
    probabilities, share = probability_wrong(np.full(10, evidence))
    assert np.isfinite(probabilities).all()
    assert 0 < share <= 0.5


def test_no_evidence_leaves_the_first_guess() -> None:
    # With a ratio of 1 for every row any share is a fixed point: it stays where it began.
    _, share = probability_wrong(np.zeros(5))
    assert share == pytest.approx(0.05)
