"""Self-paced learning: a threshold on the loss that grows until all rows are in."""

from typing import Any

import numpy as np
import pytest

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._self_paced import SelfPaced

LOSSES = np.array([4.0, 1.0, 1.5, 2.5, 0.5, 9.0])


def rows_of(selections: Any) -> list[list[int]]:
    return [selection.rows.tolist() for selection in selections]


def test_threshold_worked_by_hand(driver) -> None:
    # Half of six rows are those up to 1.5. The threshold is then 1.5, 3, 6, 12.
    run = driver(SelfPaced(50, growth=2.0), LOSSES)
    selections = run.rounds(6)
    assert rows_of(selections) == [
        [0, 1, 2, 3, 4, 5],  # warm-up
        [1, 2, 4],
        [1, 2, 3, 4],
        [0, 1, 2, 3, 4],
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5],
    ]
    assert all(s.weights is None and s.lr_scale == 1.0 for s in selections)
    assert len(run.score_calls) == 1


def test_the_percentage_is_rounded_up(driver) -> None:
    # 34 per cent of six rows is 2.04.
    assert rows_of([driver(SelfPaced(34), LOSSES).after_warmup().draw()]) == [[1, 2, 4]]


def test_the_rule_goes_by_the_present_losses(driver) -> None:
    # The threshold stays what it was; what falls below it joins, what rises above leaves.
    run = driver(SelfPaced(50, growth=1.1, refresh="epoch"), LOSSES).after_warmup()
    run.round()  # up to 1.5; next, up to 1.65
    run.losses = np.array([1.6, 2.0, 1.0, 1.7, 0.1, 9.0], np.float32)
    assert rows_of([run.round()]) == [[0, 2, 4]]


def test_a_draw_repeated_within_a_round_has_the_same_threshold(driver) -> None:
    run = driver(SelfPaced(50, growth=2.0), LOSSES).after_warmup()
    assert rows_of([run.draw(), run.draw()]) == [[1, 2, 4], [1, 2, 4]]


def test_once_all_are_in_nothing_is_measured_any_more(driver) -> None:
    run = driver(SelfPaced(50, growth=10.0, refresh="epoch"), LOSSES)
    run.rounds(3)
    assert len(run.score_calls) == 2
    run.losses = 100 * run.losses
    assert rows_of(run.rounds(2)) == [[0, 1, 2, 3, 4, 5]] * 2
    assert len(run.score_calls) == 2


def test_rows_never_seen_are_not_in_yet(driver) -> None:
    # All rows take part, two of them for want of a loss: they have to pass like the others.
    run = driver(SelfPaced(50, growth=100.0, refresh="table"), LOSSES)
    run.table.record(np.arange(4), run.losses[:4], epoch=0)
    run.epoch = 1
    assert rows_of(run.rounds(2)) == [[1, 2, 4, 5], [0, 1, 2, 3, 4, 5]]
    assert run.strategy.all_in_


def test_a_round_of_one_batch_takes_the_next_smallest(driver) -> None:
    run = driver(SelfPaced(1), LOSSES, batch_size=4).after_warmup()
    assert rows_of([run.draw()]) == [[1, 2, 3, 4]]
    assert not run.strategy.all_in_


def test_a_threshold_of_zero_would_not_grow(driver) -> None:
    losses = [0.0, 0.0, 0.0, -1e-7, 0.25, 0.5, 1.0, 3.0]
    run = driver(SelfPaced(50, growth=2.0), losses).after_warmup()
    assert rows_of(run.rounds(3)) == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5], list(range(7))]
    none_positive = driver(SelfPaced(50), np.zeros(8)).after_warmup()
    assert rows_of([none_positive.draw()]) == [list(range(8))]


def test_thousands_of_rounds_do_not_overflow(driver) -> None:
    run = driver(SelfPaced(50), np.full(8, 1e30)).after_warmup()
    run.strategy.all_in_ = False
    run.draw()
    run.strategy.all_in_ = False
    run.epoch = 100_000
    assert len(run.draw()) == 8


@pytest.mark.parametrize("y", [np.array([0, 0, 0, 0, 1, 1, 1, 1]), list("aaaabbbb")])
def test_each_class_with_its_own_threshold(y: Any, driver) -> None:
    # Class 1 is ten times as hard: together its rows come last, with a threshold of 4, then
    # of 8. Half of each class has thresholds 2 and 20, then 4 and 40, then 8 and 80.
    losses = [1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 50.0]
    y = np.asarray(y)
    together = driver(SelfPaced(50, growth=2.0), losses, y=y).after_warmup()
    assert rows_of(together.rounds(2)) == [[0, 1, 2, 3], [0, 1, 2, 3]]
    losses[3] = 5.0
    apart = driver(SelfPaced(50, growth=2.0, per_class=True), losses, y=y).after_warmup()
    assert rows_of(apart.rounds(3)) == [[0, 1, 4, 5], [0, 1, 2, 4, 5, 6], list(range(8))]


def test_a_class_without_a_known_loss_has_no_threshold(driver) -> None:
    run = driver(
        SelfPaced(50, per_class=True, refresh="table"), LOSSES, y=np.array([0, 0, 0, 0, 1, 1])
    )
    run.table.record(np.arange(4), run.losses[:4], epoch=0)
    run.epoch = 1
    assert rows_of([run.draw()]) == [[1, 2, 4, 5]]


def test_targets_of_a_regression_are_no_classes(driver) -> None:
    with pytest.raises(InvalidParameterError, match=r"must be False unless .* dtype float64"):
        driver(SelfPaced(per_class=True), LOSSES, y=LOSSES / 2)
    assert driver(SelfPaced(), LOSSES, y=LOSSES / 2).after_warmup().draw().weights is None


@pytest.mark.parametrize(
    "parameters",
    [{"percentage": 0}, {"growth": 1.0}, {"growth": np.inf}, {"per_class": "yes"}],
)
def test_parameters_are_checked(parameters: Any, driver) -> None:
    with pytest.raises(InvalidParameterError, match=f"{next(iter(parameters))!r} parameter of Sel"):
        driver(SelfPaced(**parameters), LOSSES)
