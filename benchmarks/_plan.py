"""Which cells there are, in which order they run, and which learning rate is the best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from benchmarks._cells import Cell, Record, Records, cell_of
from benchmarks._datasets import DATA_SETS


class Group(NamedTuple):
    """One entry of the table: a strategy on a data set, with noise or without, at a budget."""

    dataset: str
    noise: float
    strategy: str
    budget: float

    @property
    def rates(self) -> tuple[float, ...]:
        return DATA_SETS[self.dataset].rates

    def rate_cells(self, seed: int) -> list[Cell]:
        splits = range(DATA_SETS[self.dataset].n_splits)
        return [Cell(*self, lr, seed, "validation", split) for lr in self.rates for split in splits]

    def test_cell(self, records: Records, seed: int) -> Cell | None:
        """The fit at the best rate, once that is known."""
        lr = best_rate(records, self, seed)
        return None if lr is None else Cell(*self, lr, seed, "test")

    def cells(self, records: Records, seed: int) -> list[Cell]:
        """All that are known by now."""
        test = self.test_cell(records, seed)
        return [*self.rate_cells(seed), *([] if test is None else [test])]


#: A group with one of its seeds.
Task = tuple[Group, int]


def best_rate(records: Records, group: Group, seed: int) -> float | None:
    """The rate with the best mean validation score with this seed; None before all were tried.

    A rate at which training diverged on any split is out. Of equal ones the nearest to the
    middle one is taken, by ratio. None also where training diverged at every rate.
    """
    scores = rate_scores(records, group, seed)
    if not scores:
        return None
    middle = sorted(group.rates)[len(group.rates) // 2]
    return max(scores, key=lambda lr: (scores[lr], -abs(math.log(lr / middle))))


def rate_scores(records: Records, group: Group, seed: int) -> dict[float, float] | None:
    """Mean validation score of each rate that did not diverge; None as long as one is missing."""
    by_rate: dict[float, list[Record]] = {}
    for cell in group.rate_cells(seed):
        record = records.get(cell)
        if record is None or record["status"] == "failed":
            return None
        by_rate.setdefault(cell.lr, []).append(record)
    return {
        lr: float(np.mean([r["rate_score"] for r in found]))
        for lr, found in by_rate.items()
        if all(r["status"] == "ok" for r in found)
    }


def is_edge(group: Group, lr: float) -> bool:
    """Whether a still better rate may lie outside the grid."""
    return lr in (min(group.rates), max(group.rates))


def plan(
    strategies: Sequence[str],
    datasets: Sequence[str],
    noises: Sequence[float],
    budgets: Sequence[float],
    seeds: Sequence[int],
) -> list[Task]:
    """A data set and a seed after the other, so that what is loaded is used up.

    In between, what is compared with each other is fitted one after the other: whatever else
    the machine does slows all of it alike.
    """
    return [
        (Group(dataset, noise, strategy, budget), seed)
        for dataset in datasets
        for seed in seeds
        for noise in noises
        for budget in budgets
        for strategy in strategies
    ]


@dataclass
class Queue:
    """Hands out cells as they can be run, and takes in their records.

    The test of a group can be run when its rates were tried with the same seed.
    """

    tasks: list[Task]
    records: Records
    in_flight: set[Cell] = field(default_factory=set)

    def next_cell(self) -> Cell | None:
        """The next cell to run; None if there is none, for now or at all."""
        for task in tuple(self.tasks):
            group, seed = task
            missing = [c for c in group.cells(self.records, seed) if c not in self.records]
            ready = [c for c in missing if c not in self.in_flight]
            if ready:
                self.in_flight.add(ready[0])
                return ready[0]
            if not missing:
                self.tasks.remove(task)
        return None

    def add(self, record: Record) -> None:
        cell = cell_of(record)
        self.in_flight.discard(cell)
        self.records[cell] = record


def count_cells(tasks: Sequence[Task], records: Records) -> tuple[int, int]:
    """Fits that are there, and the most that there will be."""
    cells = [cell for group, seed in tasks for cell in group.cells(records, seed)]
    most = sum(len(group.rate_cells(seed)) + 1 for group, seed in tasks)
    return sum(cell in records for cell in cells), most
