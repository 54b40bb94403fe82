"""InfoBatch: its rule worked by hand, and that its weights undo the choice."""

from typing import Any

import numpy as np
import pytest

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._infobatch import InfoBatch

# Mean 3: rows 0, 1, 2, 4 and 6 are easy, row 5 equals the mean and is not.
LOSSES = np.array([0.0, 1.0, 2.0, 7.0, 2.5, 3.0, 2.5, 6.0])
EASY, HARD = [0, 1, 2, 4, 6], [3, 5, 7]


@pytest.mark.parametrize(
    "percentage, n_kept",
    [(50, 2), (60, 3), (79, 3), (99, 4), (10, 1)],  # floor of 2.5, 3, 3.95, 4.95, 0.5; at least 1
)
def test_worked_by_hand(percentage: float, n_kept: int, driver) -> None:
    run = driver(InfoBatch(percentage), LOSSES).after_warmup()
    size = 3 + n_kept
    seen = set()
    for _ in range(40):
        selection = run.draw()
        assert len(selection) == size
        assert np.isin(HARD, selection.rows).all()
        is_easy = np.isin(selection.rows, EASY)
        # Relative weights are 5 / n_kept and 1; over the rows chosen they add up to 8.
        np.testing.assert_allclose(selection.weights[is_easy], 5 / n_kept * size / 8)
        np.testing.assert_allclose(selection.weights[~is_easy], size / 8)
        assert selection.weights.mean() == pytest.approx(1.0)
        assert selection.lr_scale == pytest.approx(8 / size)
        # What the paper's code multiplies the loss by.
        np.testing.assert_allclose(selection.weights[~is_easy] * selection.lr_scale, 1.0)
        seen.update(selection.rows[is_easy].tolist())
    assert seen == set(EASY)


@pytest.mark.parametrize("percentage, batch_size", [(50, 1), (31, 1), (3, 1), (3, 150)])
def test_weighted_gradients_are_unbiased(percentage: float, batch_size: int, driver) -> None:
    # E[sum over S of w_i g_i] / E|S| = mean of g. Without weights the mean of the first
    # column would be far too large. |S| is fixed. The bound is five standard errors.
    n, n_rounds = 300, 2000
    rng = np.random.default_rng(0)
    losses = rng.lognormal(0.0, 1.0, n)
    gradients = np.stack([losses, rng.normal(size=n), np.ones(n)], axis=1)
    run = driver(InfoBatch(percentage), losses, batch_size=batch_size).after_warmup()
    means, plain = np.empty((n_rounds, 3)), np.empty(n_rounds)
    for i in range(n_rounds):
        selection = run.draw()
        means[i] = selection.weights @ gradients[selection.rows] / len(selection)
        plain[i] = losses[selection.rows].mean()
    error = means - gradients.mean(axis=0)
    standard_error = error.std(axis=0) / np.sqrt(n_rounds)
    assert (abs(error.mean(axis=0)) <= 5 * standard_error + 1e-9).all()
    assert plain.mean() - losses.mean() > 20 * plain.std() / np.sqrt(n_rounds)


def test_a_round_of_one_batch_keeps_more_easy_rows(driver) -> None:
    # Three hard rows and floor(0.5) = 0 easy ones are fewer than seven: four easy rows stay,
    # of weight 5 / 4, and all weights times 7 / 8.
    selection = driver(InfoBatch(10), LOSSES, batch_size=7).after_warmup().draw()
    assert len(selection) == 7
    is_easy = np.isin(selection.rows, EASY)
    np.testing.assert_allclose(selection.weights, np.where(is_easy, 35 / 32, 7 / 8))
    assert selection.lr_scale == pytest.approx(8 / 7)


def test_equal_losses_are_no_less_than_their_mean(driver) -> None:
    for value in (0.1, 1e30):
        selection = driver(InfoBatch(10), np.full(37, value)).after_warmup().draw()
        assert len(selection) == 37
        assert selection.weights is None
        assert selection.lr_scale == 1.0


@pytest.mark.parametrize("max_rounds", [8, 10])  # the paper's code resets weights for 8 only
def test_all_rows_without_weights_from_delta_on(max_rounds: int, driver) -> None:
    run = driver(InfoBatch(50), LOSSES, max_rounds=max_rounds)
    for i, selection in enumerate(run.rounds(max_rounds)):
        is_full = i == 0 or i / max_rounds >= 0.875
        assert len(selection) == (8 if is_full else 5)
        assert (selection.weights is None) == is_full
        assert selection.lr_scale == (1.0 if is_full else 8 / 5)


def test_delta_at_its_limits(driver) -> None:
    assert len(driver(InfoBatch(delta=1), LOSSES, progress=1 - 1e-9).after_warmup().draw()) == 5
    assert len(driver(InfoBatch(delta=0), LOSSES, progress=0.0).after_warmup().draw()) == 8


@pytest.mark.parametrize(
    "parameters, needs_end", [({}, True), ({"delta": 1}, False), ({"final_epochs": 1}, True)]
)
def test_whether_the_end_must_be_known(parameters: Any, needs_end: bool) -> None:
    assert InfoBatch(**{"delta": 1.0, **parameters} if parameters else {}).needs_end is needs_end


def test_nothing_is_scored_by_default(driver) -> None:
    run = driver(InfoBatch(), LOSSES)
    run.rounds(4)
    assert run.score_calls == []


@pytest.mark.parametrize(
    "parameters",
    [{"percentage": 0}, {"percentage": 101}, {"delta": -0.1}, {"delta": 1.5}, {"delta": None}],
)
def test_parameters_are_checked(parameters: Any, driver) -> None:
    with pytest.raises(InvalidParameterError, match=f"{next(iter(parameters))!r} parameter of Inf"):
        driver(InfoBatch(**parameters), LOSSES)
