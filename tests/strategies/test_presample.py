"""Rounds made of presamples: sizes, never-seen rows, and what is scored for the budget."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sklearn_sifal.strategies._ordered_sgd import OrderedSGD
from sklearn_sifal.strategies._selective_backprop import SelectiveBackprop

DISTINCT = np.arange(1.0, 41.0)

STRATEGIES = [OrderedSGD(50), SelectiveBackprop(50), SelectiveBackprop(50, variant="rank")]


def draw_with(run: Any, **changes: Any) -> list[Any]:
    """One round under another context, each selection trained on."""
    drawn = []
    for selection in run.strategy.draw(run.table, replace(run.context(), **changes)):
        drawn.append(selection)
        run.record(selection)
    return drawn


@pytest.mark.parametrize(
    "percentage, batch_size, scored, kept",
    [
        (50, 5, [10, 10, 10, 10], [5, 5, 5, 5]),
        (30, 5, [17, 17, 6], [5, 5, 2]),  # 16.7 rows, and 1.8 of the last 6
        (33.3, 4, [12, 12, 12, 4], [4, 4, 4, 2]),  # 12.01
        (99, 10, [11, 11, 11, 7], [10, 10, 10, 7]),  # at least one more than is kept
        (10, 8, [40], [8]),  # one presample smaller than 80: still a whole batch
    ],
)
def test_sizes(percentage: float, batch_size: int, scored: Any, kept: Any, driver) -> None:
    run = driver(OrderedSGD(percentage), DISTINCT, batch_size=batch_size).after_warmup()
    assert [len(selection) for selection in run.selections()] == kept
    calls = [rows for _, rows, _ in run.score_calls]
    if kept[-1] == 7:
        scored = scored[:-1]  # where all are kept there is nothing to score for
    assert [len(rows) for rows in calls] == scored
    assert len(np.unique(np.concatenate(calls))) == sum(scored)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rows_never_seen_come_first_and_unscored(strategy: Any, driver) -> None:
    run = driver(strategy, DISTINCT, batch_size=4)
    known = np.arange(3, 40)
    run.table.record(known, run.losses[known], epoch=0, training=True)
    run.epoch = 1
    first = run.selections()[0]
    np.testing.assert_array_equal(first.rows, [0, 1, 2])
    assert first.weights is None
    np.testing.assert_array_equal(np.sort(np.concatenate([c[1] for c in run.score_calls])), known)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rows_that_cannot_be_trained_on_are_not_scored(strategy: Any, driver) -> None:
    # 4 visits are one batch; a Bernoulli batch may need a few scored ones to fill.
    run = driver(strategy, DISTINCT, batch_size=4).after_warmup()
    drawn = draw_with(run, visits_left=4)
    assert sum(map(len, drawn)) >= 4
    assert sum(len(rows) for _, rows, _ in run.score_calls) <= 20


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_left_is_trained_on_where_scoring_is_too_dear(strategy: Any, driver) -> None:
    # Scoring 4 rows costs more than is left; a round without any row would never end.
    run = driver(strategy, DISTINCT, batch_size=4).after_warmup()
    drawn = draw_with(run, visits_left=2, scored_row_cost=0.5)
    assert sum(map(len, drawn)) >= 2
    assert run.score_calls == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_scoring_is_paid_out_of_the_room_before_final_rounds(strategy: Any, driver) -> None:
    strategy = strategy.set_params(final_epochs=1)
    run = driver(strategy, DISTINCT, batch_size=4).after_warmup()
    drawn = draw_with(run, visits_left=40 + 16, rounds_left=9, scored_row_cost=0.25)
    strategy.set_params(final_epochs=0)
    n_scored = sum(len(rows) for _, rows, _ in run.score_calls)
    spent = sum(map(len, drawn)) + 0.25 * n_scored
    assert n_scored > 0
    assert 14 <= spent <= 16


def test_a_fraction_given_as_percentage_warns(driver) -> None:
    with pytest.warns(UserWarning, match="0.5, which is less than one per cent"):
        driver(OrderedSGD(0.5), DISTINCT)
