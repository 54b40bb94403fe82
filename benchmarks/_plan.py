"""Which cells there are, in which order they run, and which learning rate is the best."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from benchmarks._cells import Cell, Record, Records, cell_of
from benchmarks._datasets import DATA_SETS, SHARED_RATE

_FIRST_BUDGETS = (2.0, 4.0)


class Group(NamedTuple):
    """One entry of the table: a strategy on a data set, with noise or without, at a budget."""

    dataset: str
    noise: float
    strategy: str
    budget: float

    @property
    def rates(self) -> tuple[float, ...]:
        return DATA_SETS[self.dataset].rates

    @property
    def shared_rate(self) -> float:
        return SHARED_RATE[DATA_SETS[self.dataset].kind]

    def rate_cells(self) -> list[Cell]:
        splits = range(DATA_SETS[self.dataset].n_splits)
        return [Cell(*self, lr, split, "validation") for lr in self.rates for split in splits]

    def test_cells(self, lr: float, seeds: Iterable[int]) -> list[Cell]:
        return [Cell(*self, lr, seed, "test") for seed in seeds]


def best_rate(records: Records, group: Group) -> float | None:
    """The rate with the best mean validation score; None before all of them were tried.

    A rate at which training diverged on any split is out. Of equal ones the nearest to the shared
    rate is taken, by ratio. None also where training diverged at every rate.
    """
    scores = rate_scores(records, group)
    if not scores:
        return None
    return max(scores, key=lambda lr: (scores[lr], -abs(math.log(lr / group.shared_rate))))


def rate_scores(records: Records, group: Group) -> dict[float, float] | None:
    """Mean validation score of each rate that did not diverge; None as long as one is missing."""
    by_rate: dict[float, list[Record]] = {}
    for cell in group.rate_cells():
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
) -> list[Group]:
    """All groups, the most informative first: budgets 2 and 4, then the order given."""
    first = [b for b in budgets if b in _FIRST_BUDGETS]
    others = [b for b in budgets if b not in _FIRST_BUDGETS]
    return [
        Group(dataset, noise, strategy, budget)
        for some in (first, others)
        for strategy in strategies
        for dataset in datasets
        for noise in noises
        for budget in some
    ]


@dataclass
class Queue:
    """Hands out cells as they can be run, and takes in their records.

    The cells of a group at its best rate can be run when its rates were tried.
    """

    groups: list[Group]
    seeds: Sequence[int]
    records: Records
    in_flight: set[Cell] = field(default_factory=set)

    def next_cell(self) -> Cell | None:
        """The next cell to run; None if there is none, for now or at all."""
        while self.groups:
            for group in self.groups:
                missing = [c for c in self._cells(group) if c not in self.records]
                ready = [c for c in missing if c not in self.in_flight]
                if ready:
                    self.in_flight.add(ready[0])
                    return ready[0]
                if not missing:
                    self.groups.remove(group)
                    break  # the list has changed: start again
            else:
                return None
        return None

    def add(self, record: Record) -> None:
        cell = cell_of(record)
        self.in_flight.discard(cell)
        self.records[cell] = record

    def _cells(self, group: Group) -> list[Cell]:
        lr = best_rate(self.records, group)
        best = [] if lr is None else group.test_cells(lr, self.seeds)
        shared = group.test_cells(group.shared_rate, self.seeds)
        return list(dict.fromkeys([*group.rate_cells(), *best, *shared]))


def count_cells(groups: Sequence[Group], seeds: Sequence[int], records: Records) -> tuple[int, int]:
    """Fits that are there, and the most that there will be."""
    there = most = 0
    for group in groups:
        lr = best_rate(records, group)
        rates = {group.shared_rate} if lr is None else {lr, group.shared_rate}
        cells = [*group.rate_cells(), *(c for r in rates for c in group.test_cells(r, seeds))]
        there += sum(cell in records for cell in cells)
        most += len(cells) + (len(seeds) if lr is None else 0)
    return there, most
