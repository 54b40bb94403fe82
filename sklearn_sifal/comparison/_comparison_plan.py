"""Which trainings a comparison has, and in which order."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._progress import ProgressBar
from sklearn_sifal.comparison._candidates import YARDSTICK
from sklearn_sifal.comparison._recordings import Recording, look_inside, look_inside_base
from sklearn_sifal.comparison._scores import Metric, TestScores, loss_among
from sklearn_sifal.comparison._trainings import Part, Run, Task, train


@dataclass(frozen=True)
class ComparisonPlan:
    """Which trainings there are."""

    candidates: Mapping[str, LossSampledEstimator]
    budgets: tuple[float, ...]
    seeds: tuple[tuple[int, ...], ...]  # of each split
    rates: tuple[float, ...]
    fixed: frozenset[str]  # strategies that bring a rate of their own
    n_jobs: int | None
    metrics: tuple[Metric, ...]
    validation_share: float

    def n_trainings(self, n_validation_splits: int) -> int:
        """Number of trainings, with those of the search for rates and those that are recorded."""
        searched = len(self.candidates) - len(self.fixed)
        of_search = n_validation_splits * len(self.rates) * searched
        per_budget = sum(map(len, self.seeds)) * len(self.candidates) + of_search
        return len(self.budgets) * per_budget + len(self.candidates)

    def search(self, seed: int, split: int, part: Part, progress: Callable[[], None]) -> list[Run]:
        """Train on one validation split of a split's training part, with each rate."""
        tasks = [
            Task(name, seed, budget, rate, split)
            for budget, rate, name in product(self.budgets, self.rates, self.candidates)
            if name not in self.fixed
        ]
        return [run for run, _ in self.train(tasks, part, progress)]

    def tasks(self, split: int, search: Sequence[Run]) -> list[Task]:
        """A split's trainings that are compared, strategies in turn, at the best rates of each."""
        rates = {
            (name, budget): self._rate(name, budget, search)
            for name, budget in product(self.candidates, self.budgets)
        }
        return [
            Task(name, seed, budget, rates[name, budget], split)
            for seed, budget, name in product(self.seeds[split], self.budgets, self.candidates)
        ]

    def _rate(self, name: str, budget: float, search: Sequence[Run]) -> float | None:
        if name in self.fixed:
            return None
        if not search:
            return self.rates[0] if self.rates else None
        main, loss = self.metrics[0].name, loss_among(self.metrics).name
        sign = -1 if self.metrics[0].higher_is_better else 1

        def badness(rate: float) -> tuple[float, float, float]:
            found = [
                run
                for run in search
                if (run["strategy"], run["budget"], run["lr"]) == (name, budget, rate)
            ]
            means = [float(np.mean([run[key] for run in found])) for key in (main, loss)]
            # A rate at which any training broke down comes last.
            worst = float("inf")
            return (worst, worst, rate) if np.isnan(means[0]) else (sign * means[0], means[1], rate)

        return min(self.rates, key=badness)

    def train(
        self, tasks: Sequence[Task], part: Part, progress: Callable[[], None]
    ) -> Iterator[tuple[Run, TestScores]]:
        """Train on the clock and score."""
        calls = (delayed(train)(self.candidates[task.strategy], task, part) for task in tasks)
        return self._results(calls, progress)

    def look_inside(
        self, tasks: Sequence[Task], part: Part, progress: Callable[[], None]
    ) -> dict[str, Recording]:
        """Train the first seed at the largest budget again, and keep what happens inside."""
        which = self.seeds[0][0], self.budgets[-1]
        again = {task.strategy: task for task in tasks if (task.seed, task.budget) == which}
        base = again.pop(YARDSTICK)
        first, yardstick = look_inside_base(self.candidates[YARDSTICK], base, part)
        progress()
        calls = (
            delayed(look_inside)(self.candidates[name], task, part, yardstick)
            for name, task in again.items()
        )
        others = zip(again, self._results(calls, progress), strict=True)
        return {YARDSTICK: first} | {name: found for name, found in others if found is not None}

    def _results(self, calls: Iterable[Any], progress: Callable[[], None]) -> Iterator[Any]:
        results = Parallel(self.n_jobs, return_as="generator")(calls)
        try:
            for result in results:
                progress()
                yield result
        finally:
            # Joblib warns of trainings that are dropped; the error that drops them says why.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                results.close()


class Progress:
    """Counts trainings on a bar."""

    def __init__(self, bar: ProgressBar | None, total: int) -> None:
        self.bar, self.total, self.done = bar, total, 0

    def __call__(self) -> None:
        self.done += 1
        if self.bar is not None:
            self.bar.update_to(self.done / self.total, f"{self.done} of {self.total}")
