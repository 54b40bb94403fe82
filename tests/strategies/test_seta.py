"""SeTa: a window that slides over groups of similar loss."""

from itertools import chain
from typing import Any

import numpy as np
import pytest

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._seta import SeTa

# Four groups of sizes 4, 3, 2 and 1: rows 0-3, 4-6, 7-8 and 9.
LOSSES = np.array([0.0, 0.1, 0.1, 0.2, 1.0, 1.1, 1.2, 5.0, 5.2, 9.0])
GROUPS = [[0, 1, 2, 3], [4, 5, 6], [7, 8], [9]]
ALL = list(range(10))


@pytest.mark.parametrize(
    "alpha, windows",
    [
        (0.25, [None, 1, 2, 3, 0, 1]),  # one group, start = j mod 4
        (0.5, [None, 1, 2, 0, 1, 2]),  # two groups, start = j mod 3
        (0.75, [None, 1, 0, 1, 0, 1]),
        (0.1, [None, 1, 2, 3, 0, 1]),  # round(0.4) = 0, and at least one
    ],
)
def test_window_worked_by_hand(alpha: float, windows: list[int | None], driver) -> None:
    width = max(1, round(4 * alpha))
    run = driver(SeTa(n_groups=4, alpha=alpha), LOSSES)
    np.testing.assert_array_equal(run.round().rows, ALL)
    for start in windows:  # None: the first round after the warm-up has all groups
        expected = ALL if start is None else [*chain(*GROUPS[start : start + width])]
        selection = run.round()
        np.testing.assert_array_equal(selection.rows, expected)
        assert selection.weights is None
        assert selection.lr_scale == 1.0
    assert run.score_calls == []


def test_a_draw_repeated_within_a_round_has_the_same_window(driver) -> None:
    run = driver(SeTa(n_groups=4), LOSSES).after_warmup()
    run.epoch = 2
    for _ in range(3):
        np.testing.assert_array_equal(run.draw().rows, ALL[4:9])


def test_the_percentage_is_drawn_before_the_groups(driver) -> None:
    # 90 of 300 rows; of these, the easy half of the groups in the third window of six: j = 6.
    losses = np.random.default_rng(0).uniform(size=300)
    run = driver(SeTa(30), losses).after_warmup()
    assert len(run.draw()) == 90
    run.epoch = 7
    rows = run.draw().rows
    # Uniform losses make for groups of about equal size: half of 90, all below the others.
    assert 30 < len(rows) < 60
    assert losses[rows].max() < 0.6
    seen = set(rows.tolist()).union(*(run.draw().rows.tolist() for _ in range(30)))
    assert len(seen) > 120


@pytest.mark.parametrize("percentage, count", [(100, 10), (45, 5)])
def test_from_delta_on_the_window_is_given_up(percentage: float, count: int, driver) -> None:
    strategy = SeTa(percentage, n_groups=4, alpha=0.25, refresh="epoch")
    run = driver(strategy, LOSSES, progress=0.875).after_warmup()
    run.epoch = 4  # the window would be the last group, a single row
    selection = run.draw()
    assert len(selection) == count
    assert selection.weights is None
    assert run.score_calls == []  # losses are not looked at
    run.progress = 0.874
    assert len(run.draw()) < count
    assert len(run.score_calls) == 1


def test_one_hundred_per_cent_with_a_window_of_all_groups_is_base(driver) -> None:
    run = driver(SeTa(alpha=0.96, refresh="epoch"), LOSSES)  # round(9.6) = 10 groups
    for selection in run.rounds(4):
        np.testing.assert_array_equal(selection.rows, ALL)
    assert run.score_calls == []


def test_equal_losses_are_grouped_at_random(driver) -> None:
    run = driver(SeTa(), np.full(40, 2.0)).after_warmup()
    run.epoch = 2
    first, second = run.draw().rows, run.draw().rows
    assert len(first) == len(second) == 20
    assert not np.array_equal(first, second)


def test_a_window_smaller_than_a_batch_is_filled(driver) -> None:
    run = driver(SeTa(n_groups=4, alpha=0.25), LOSSES, batch_size=3).after_warmup()
    run.epoch = 4
    rows = run.draw().rows
    assert len(rows) == 3
    assert 9 in rows


def test_whether_the_end_must_be_known() -> None:
    assert SeTa().needs_end is True
    assert SeTa(delta=1).needs_end is False


@pytest.mark.parametrize(
    "parameters",
    [{"percentage": 0}, {"n_groups": 0}, {"n_groups": 2.0}, {"alpha": 0}, {"delta": 2}],
)
def test_parameters_are_checked(parameters: Any, driver) -> None:
    with pytest.raises(InvalidParameterError, match=f"{next(iter(parameters))!r} parameter of SeT"):
        driver(SeTa(**parameters), LOSSES)
