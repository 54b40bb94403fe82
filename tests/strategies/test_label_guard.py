"""How likely labels are wrong, worked by hand."""

import numpy as np
import pytest

from sklearn_sifal.strategies._label_guard import LabelEvidence, probability_wrong

ONE = np.array([0])


def knowing() -> LabelEvidence:
    """Of a net that knows everything: the typical loss is 0, chance is 4 nats, the middle 2."""
    evidence = LabelEvidence(1, 4.0, 0.0)
    evidence._typical = 0.0
    return evidence


def test_one_measurement() -> None:
    # One row is 1 / 101 of the way: the typical loss becomes 3 / 101, and f = 1 - 3 / 404.
    evidence = knowing()
    evidence.add(ONE, np.array([3.0], np.float32))
    assert evidence.evidence[0] == pytest.approx((1 - 3 / 404) * (3.0 - 2.0))


@pytest.mark.parametrize("loss, bound", [(900.0, 4.0), (0.0, -4.0)])
def test_a_measurement_says_no_more_than_four(loss: float, bound: float) -> None:
    evidence = LabelEvidence(1000, 20.0, 0.5)
    evidence._typical = 0.0
    losses = np.zeros(1000)
    losses[0] = loss
    evidence.add(np.arange(1000), losses)
    assert evidence.evidence[0] == bound


def test_a_net_that_guesses_says_nothing() -> None:
    evidence = LabelEvidence(200, 4.0, 0.0)
    for _ in range(5):
        evidence.add(np.arange(200), np.linspace(3.0, 5.0, 200))  # of median 4
    np.testing.assert_allclose(evidence.evidence, 0.0, atol=1e-12)


def test_a_small_loss_may_be_learnt_by_heart() -> None:
    evidence = knowing()
    for loss, change in ((0.0, -2.0), (0.0, -2.0), (0.0, 0.0), (3.0, 1.0), (0.0, 0.0)):
        # The first f is a little below 1, so that a second small loss still counts.
        before = evidence.evidence[0]
        evidence._typical = 0.004
        evidence.add(ONE, np.array([loss]))
        assert evidence.evidence[0] - before == pytest.approx(change, abs=0.03)


def test_the_typical_loss_follows_the_median() -> None:
    evidence = LabelEvidence(300, 4.0, 0.0)
    evidence.add(np.arange(100), np.full(100, 1.0))  # half-way from 4 to 1
    assert evidence._typical == pytest.approx(2.5)
    evidence.add(np.arange(300), np.full(300, 0.5))  # three quarters of the way on
    assert evidence._typical == pytest.approx(1.0)


def test_no_rows_are_no_special_case() -> None:
    evidence = knowing()
    evidence.add(np.empty(0, np.int64), np.empty(0, np.float32))
    assert evidence._typical == 0.0


def test_probabilities_worked_by_hand() -> None:
    # One of four rows is above 1: s = 1/4, and odds of 1/3 times exp(evidence).
    evidence = np.log([9.0, 2.0, 1.0, 0.5])
    probabilities, share = probability_wrong(evidence)
    assert share == 0.25
    np.testing.assert_allclose(probabilities, [3 / 4, 2 / 5, 1 / 4, 1 / 7])


@pytest.mark.parametrize("evidence", [-1e9, 0.0, 1e9])
def test_all_alike_is_no_special_case(evidence: float) -> None:
    probabilities, share = probability_wrong(np.full(10, evidence))
    assert np.isfinite(probabilities).all()
    assert share == (0.5 if evidence > 1 else 0.0)
