"""RePB: rows below the mean of their batch are left out by chance, and weighted for it."""

from typing import Any

import numpy as np
import pytest

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._repb import RePB
from sklearn_sifal.strategies._selection import Selection, Setup

# In batches of four the means are 2.5 and 25: rows 2, 3, 6 and 7 are hard.
LOSSES = np.array([1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0])
HARD, EASY = [2, 3, 6, 7], [0, 1, 4, 5]


def test_rows_worked_by_hand(driver) -> None:
    # The batch decides, not the whole: row 3 is hard with 4, row 5 easy with 20.
    n_rounds = 2000
    run = driver(RePB(30), LOSSES, batch_size=4)
    run.round()
    counts = np.zeros(8)
    for _ in range(n_rounds):
        selection = run.draw()
        assert np.isin(HARD, selection.rows).all()
        counts[selection.rows] += 1
        # All rows were in all rounds so far: nothing to make up for, and no larger step.
        np.testing.assert_allclose(selection.weights, 1.0)
        assert selection.lr_scale == pytest.approx(1.0)
    assert (counts[HARD] == n_rounds).all()
    # Easy rows, and rows left out, join with probability 0.3, independently.
    assert (abs(counts[EASY] - 0.3 * n_rounds) < 5 * np.sqrt(n_rounds * 0.21)).all()
    assert run.score_calls == []


def test_weights_worked_by_hand(driver) -> None:
    # Two rounds of all rows, two of the hard ones alone; the next is round 5, with rows 4 and
    # 5 besides. E = 5; N = 5 for hard rows, 3 for easy ones: raw weights 1 and 5/3. The
    # hard batch has mean 19.25: rows 6 and 7 stay for certain, the other six with p = 1/2.
    # Mean weight: (2 + (2 + 4 x 5/3) / 2) / 5 = (2 + 13/3) / 5 = 19/15.
    run = driver(RePB(50, warmup_epochs=2), LOSSES, batch_size=4)
    run.rounds(2)
    for _ in range(2):
        run.draw()
        run.train(Selection(np.array(HARD)))
    raw = np.where(np.isin(np.arange(8), HARD), 1.0, 5 / 3)
    seen = set()
    for _ in range(60):
        selection = run.draw()
        assert {6, 7} <= set(selection.rows.tolist())
        if len(selection) > 4:  # else rows of weight 1 may have filled the batch
            np.testing.assert_allclose(selection.weights, raw[selection.rows] * 15 / 19)
        assert selection.lr_scale == pytest.approx(19 / 15)
        seen.update(selection.rows.tolist())
    assert seen == set(range(8))


def test_weights_are_limited(driver) -> None:
    # After 19 rounds the easy rows have E / N = 20 / 2, raised to at most 4; hard ones have 1.
    run = driver(RePB(50, max_weight=4.0), LOSSES, batch_size=4)
    run.round()
    for _ in range(18):
        run.draw()
        run.train(Selection(np.array(HARD)))
    selection = next(s for s in (run.draw() for _ in range(50)) if len(s) > 4)
    ratio = selection.weights.max() / selection.weights.min()
    assert ratio == pytest.approx(4.0)


def test_weights_average_one_over_the_draw(driver) -> None:
    losses = np.random.default_rng(0).lognormal(size=300)
    run = driver(RePB(30), losses, batch_size=20)
    run.rounds(8)
    draws = [run.draw() for _ in range(1000)]
    excess = np.array([s.weights.sum() - len(s) for s in draws])
    assert abs(excess.mean()) < 5 * excess.std() / np.sqrt(len(excess))
    assert draws[0].lr_scale > 1


def test_the_weights_of_a_row_make_up_for_the_rounds_it_missed(driver) -> None:
    # Over 200 rounds, weights times step of every row add up to about 200, however
    # often it was trained on.
    run = driver(RePB(30), LOSSES, batch_size=4)
    total = np.zeros(8)
    for selection in run.rounds(200):
        weights = np.ones(len(selection)) if selection.weights is None else selection.weights
        total[selection.rows] += weights * selection.lr_scale
    assert run.table.visits.min() < 100
    assert (abs(total / 200 - 1) < 0.25).all()


def test_rows_left_out_return_though_they_were_hard(driver) -> None:
    # What counts is the last round: row 7 was hard in the first and did not take part in it.
    run = driver(RePB(50), LOSSES, batch_size=4)
    run.round()
    run.draw()
    run.train(Selection(np.array([0, 1, 2, 3])))
    drawn = [run.draw().rows for _ in range(60)]
    assert all(np.isin([2, 3], rows).all() for rows in drawn)
    assert 0 < sum(7 in rows for rows in drawn) < 60


def test_a_scoring_pass_decides_nothing(driver) -> None:
    run = driver(RePB(50), LOSSES, batch_size=4)
    run.round()
    run.score(np.arange(8), ("loss",))
    np.testing.assert_array_equal(np.flatnonzero(run.strategy.hard_), HARD)
    run.score_calls.clear()
    run.rounds(3)
    assert run.score_calls == []
    assert not run.strategy.needs_score


def test_visits_of_an_earlier_training_do_not_count(driver) -> None:
    run = driver(RePB(50), LOSSES, batch_size=4)
    run.table.visits[:4] = 7
    run.strategy.begin(run.table, Setup(8, np.zeros(8, np.int64), 4, run.rng))
    run.round()
    np.testing.assert_allclose(run.draw().weights, 1.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_losses_are_all_hard(dtype: Any, driver) -> None:
    run = driver(RePB(10), np.ones(30), batch_size=7)
    run.strategy.observe(np.arange(30), {"loss": np.full(30, 0.1, dtype)}, training=True)
    assert run.strategy.hard_.all()


@pytest.mark.parametrize("parameters", [{"percentage": 0}, {"max_weight": 0.5}])
def test_parameters_are_checked(parameters: Any, driver) -> None:
    with pytest.raises(InvalidParameterError, match=f"{next(iter(parameters))!r} parameter of ReP"):
        driver(RePB(**parameters), LOSSES)
