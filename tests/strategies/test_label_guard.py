"""How likely labels are wrong, worked by hand."""

import numpy as np
import pytest

from sklearn_sifal.strategies._label_guard import (
    LabelEvidence,
    can_tell,
    chance_losses,
    probability_wrong,
    share_wrong,
)

ONE = np.array([0])


def evidence_of(n_rows: int = 1, chance: float = 4.0, margin: float = 0.0) -> LabelEvidence:
    """One class; the middle between certainty and a guess is half of `chance`."""
    return LabelEvidence(np.zeros(n_rows, np.int64), np.array([chance]), margin)


def knowing(n_rows: int = 1, chance: float = 4.0, margin: float = 0.0) -> LabelEvidence:
    """Of a net that knows everything: the typical loss is 0."""
    evidence = evidence_of(n_rows, chance, margin)
    evidence._typical[:] = 0.0
    return evidence


def test_chance_is_the_share_of_the_class() -> None:
    losses = chance_losses(np.array([0, 0, 0, 2]), 3)
    np.testing.assert_allclose(losses, [np.log(4 / 3), np.inf, np.log(4)])


def test_one_measurement() -> None:
    # 3 is 3/4 of chance, and one row counts 1 of 6: typical is 1/8 of chance, and f = 7/8.
    evidence = knowing()
    evidence.add(ONE, np.array([3.0], np.float32), training=True)
    assert evidence.evidence[0] == pytest.approx(7 / 8 * (3.0 - 2.0))


@pytest.mark.parametrize("loss, bound", [(900.0, 4.0), (0.0, -4.0)])
def test_a_measurement_says_no_more_than_four(loss: float, bound: float) -> None:
    evidence = knowing(1000, 20.0, 0.5)
    losses = np.zeros(1000)
    losses[0] = loss
    evidence.add(np.arange(1000), losses, training=True)
    assert evidence.evidence[0] == bound


def test_a_net_that_guesses_says_nothing() -> None:
    evidence = evidence_of(201)
    for _ in range(5):
        evidence.add(np.arange(201), np.linspace(3.0, 5.0, 201), training=True)  # of median 4
        np.testing.assert_allclose(evidence.evidence, 0.0, atol=1e-12)


def test_of_a_class_that_is_not_known_yet_no_label_is_accused() -> None:
    # 70 of 100 rows are of class 0, which the net always guesses, and 30 of class 1.
    codes = np.repeat([0, 1], [70, 30])
    evidence = LabelEvidence(codes, chance_losses(codes, 2), 1.0)
    guess = np.where(codes == 0, -np.log(0.9), -np.log(0.1))
    for training in (True, False, True, False):
        evidence.add(np.arange(100), guess, training=training)
    assert evidence.evidence.max() <= 0
    # Once it knows class 1 but for one row, that one is.
    known = np.where(np.arange(100) == 99, 6.0, 0.05)
    for training in (True, False):
        evidence.add(np.arange(100), known, training=training)
    assert evidence.evidence.argmax() == 99
    assert evidence.evidence[99] > 4
    assert np.sort(evidence.evidence)[-2] <= 0


def test_a_small_loss_may_be_learnt_by_heart() -> None:
    evidence = knowing()
    for loss, change in ((0.0, -2.0), (0.0, 0.0), (3.0, 1.0), (0.0, 0.0)):
        before = evidence.evidence[0]
        evidence._typical[:] = 0.0
        evidence.add(ONE, np.array([loss]), training=True)
        assert evidence.evidence[0] - before == pytest.approx(change, abs=0.13)


def test_the_typical_loss_follows_the_median_of_each_class() -> None:
    codes = np.repeat([0, 1, 2], [5, 15, 1])
    evidence = LabelEvidence(codes, np.full(3, 4.0), 0.0)
    losses = np.concatenate([[1.0, 1.0, 1.0, 9.0, 9.0], np.full(15, 2.0), [4.0]])
    evidence.add(np.arange(20), losses[:20], training=True)
    assert (evidence.evidence[:5] != 0).any()
    # Class 0: half-way from 1 to 1/4; class 1: three quarters of the way from 1 to 1/2.
    np.testing.assert_allclose(evidence._typical, [0.625, 0.625, 1.0])


def test_a_long_pass_is_judged_in_parts() -> None:
    rng = np.random.default_rng(0)
    codes, losses = rng.integers(3, size=5000), rng.exponential(size=5000)
    found = []
    for size in (2500, 5000):
        evidence = LabelEvidence(codes, chance_losses(codes, 3), 0.5)
        for start in range(0, 5000, size):
            rows = np.arange(start, start + size)
            evidence.add(rows, losses[rows], training=True)
        found.append(evidence.evidence)
    np.testing.assert_array_equal(*found)


def test_training_and_scoring_are_judged_apart() -> None:
    apart, together = knowing(2), knowing(2)
    for evidence in (apart, together):
        evidence.add(np.array([0]), np.array([1.0]), training=True)
    apart.add(np.array([1]), np.array([3.0]), training=False)
    together.add(np.array([1]), np.array([3.0]), training=True)
    # Apart: 1/24 and then 1/24 + (3/4 - 1/24) / 6 = 23/144; together: (3/4) 2/7 = 3/14.
    np.testing.assert_allclose(apart.evidence, [-23 / 24, 121 / 144])
    np.testing.assert_allclose(together.evidence, [-11 / 14, 11 / 14])


def test_no_rows_are_no_special_case() -> None:
    evidence = knowing()
    evidence.add(np.empty(0, np.int64), np.empty(0, np.float32), training=True)
    assert evidence.evidence[0] == 0.0


def test_one_label_alone_is_no_special_case() -> None:
    codes = np.ones(4, np.int64)
    evidence = LabelEvidence(codes, chance_losses(codes, 2), 1.0)
    evidence.add(np.arange(4), np.array([0.0, 0.1, 1.0, 9.0]), training=True)
    np.testing.assert_array_equal(evidence.evidence, 0.0)


def test_probabilities_worked_by_hand() -> None:
    # One of four rows is above 1: s = 1/4, and odds of 1/3 times exp(evidence).
    evidence = np.log([9.0, 2.0, 1.0, 0.5])
    share = share_wrong(evidence)
    probabilities = probability_wrong(evidence, share)
    assert share == 0.25
    np.testing.assert_allclose(probabilities, [3 / 4, 2 / 5, 1 / 4, 1 / 7])


@pytest.mark.parametrize("evidence", [-1e9, 0.0, 1e9])
def test_all_alike_is_no_special_case(evidence: float) -> None:
    share = share_wrong(np.full(10, evidence))
    probabilities = probability_wrong(np.full(10, evidence), share)
    assert np.isfinite(probabilities).all()
    assert share == (0.5 if evidence > 1 else 0.0)


@pytest.mark.parametrize(
    "evidence, of_few, of_many",
    [
        ([-5.0, -5.0, 0.0, 5.0], True, True),
        ([-5.0, -5.0, -5.0, 0.0, 1.0, 5.0], True, True),  # a third of them is undecided
        ([-5.0, -5.0, 0.0, 1.0, 5.0], True, False),
        ([-5.0, 0.0, 1.0, 5.0], True, False),  # half of them are undecided, not more
        ([-5.0, -1.0, 0.0, 0.5, 5.0], False, False),
        ([-5.0, -5.0, 5.0, 5.0], False, False),  # half of them look wrong
        ([0.0, 0.0], False, False),
    ],
)
def test_only_a_majority_that_is_decided_can_tell(
    evidence: list[float], of_few: bool, of_many: bool
) -> None:
    assert can_tell(np.array(evidence), 10) is of_few
    assert can_tell(np.array(evidence), 11) is of_many
