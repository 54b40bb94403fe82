"""Budgets and rates by hand."""

import pytest

from sklearn_sifal.neural._schedule import LR_SCHEDULES, SCORED_ROW_COST, Budget


@pytest.mark.parametrize(
    "name, factors",
    [("constant", (1, 1, 1)), ("linear", (1, 0.75, 0.5)), ("cosine", (1, 0.8536, 0.5))],
)
def test_schedules(name: str, factors: tuple[float, ...]) -> None:
    found = [LR_SCHEDULES[name](progress) for progress in (0.0, 0.25, 0.5)]
    assert found == pytest.approx(factors, abs=1e-4)


def test_visits() -> None:
    budget = Budget(100)
    assert (budget.visits_left, budget.rounds_left, budget.progress) == (100, None, 0.0)
    budget.visits = 60
    budget.scored = 90  # free in this unit
    assert (budget.visits_left, budget.progress, budget.is_spent) == (40, 0.6, False)
    budget.visits = 100
    assert budget.is_spent
    assert budget.progress < 1.0


def test_passes() -> None:
    budget = Budget(100, SCORED_ROW_COST["passes"], visits=60, scored=90)
    assert budget.visits_left == 10
    assert budget.progress == pytest.approx(0.9)
    budget.scored = 200
    assert budget.visits_left == 0
    assert budget.is_spent


def test_rounds() -> None:
    budget = Budget(100, max_epochs=4, visits=10, rounds=3)
    assert budget.rounds_left == 1
    assert budget.progress == 0.75
    budget.rounds = 4
    assert budget.is_spent
    assert budget.visits_left == 90
