"""Which trainings a comparison has, and in which order."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._progress import ProgressBar
from sklearn_sifal.comparison._candidates import YARDSTICK
from sklearn_sifal.comparison._recordings import Recording, record, record_base
from sklearn_sifal.comparison._scores import TestScores
from sklearn_sifal.comparison._trainings import Part, Task, train


@dataclass(frozen=True)
class Plan:
    """Which trainings there are."""

    candidates: Mapping[str, LossSampledEstimator]
    budgets: tuple[float, ...]
    seeds: tuple[int, ...]
    rates: tuple[float, ...]
    fixed: frozenset[str]  # strategies that bring a rate of their own
    n_jobs: int | None

    def n_trainings(self, n_splits: int) -> int:
        """Number of trainings, with those of the search for rates and those that are recorded."""
        of_search = n_splits * len(self.rates) * (len(self.candidates) - len(self.fixed))
        per_budget = len(self.seeds) * len(self.candidates) + of_search
        return len(self.budgets) * per_budget + len(self.candidates)

    def search(self, split: tuple[int, Part], progress: Callable[[], None]) -> list[dict[str, Any]]:
        """Train on one split with each rate."""
        seed, part = split
        tasks = [
            Task(name, seed, budget, rate)
            for budget, rate, name in product(self.budgets, self.rates, self.candidates)
            if name not in self.fixed
        ]
        return [run for run, _ in self._train(tasks, part, progress)]

    def choose_rates(self, search: list[dict[str, Any]]) -> dict[tuple[str, float], float | None]:
        """Rate of each strategy at each budget."""
        return {
            (name, budget): self._rate(name, budget, search)
            for name, budget in product(self.candidates, self.budgets)
        }

    def _rate(self, name: str, budget: float, search: list[dict[str, Any]]) -> float | None:
        if name in self.fixed:
            return None
        if not search:
            return self.rates[0] if self.rates else None
        main, loss = ("accuracy", "nll") if "nll" in search[0] else ("r2", "mse")

        def badness(rate: float) -> tuple[float, float, float]:
            found = [
                run
                for run in search
                if (run["strategy"], run["budget"], run["lr"]) == (name, budget, rate)
            ]
            means = [float(np.mean([run[key] for run in found])) for key in (main, loss)]
            # A rate at which any training broke down comes last.
            worst = float("inf")
            return (worst, worst, rate) if np.isnan(means[0]) else (-means[0], means[1], rate)

        return min(self.rates, key=badness)

    def run(
        self,
        part: Part,
        chosen: Mapping[tuple[str, float], float | None],
        progress: Callable[[], None],
    ) -> Iterator[tuple[dict[str, Any], TestScores]]:
        """Train for the record, strategies in turn."""
        tasks = [
            Task(name, seed, budget, chosen[name, budget])
            for seed, budget, name in product(self.seeds, self.budgets, self.candidates)
        ]
        return self._train(tasks, part, progress)

    def record(
        self,
        part: Part,
        chosen: Mapping[tuple[str, float], float | None],
        progress: Callable[[], None],
    ) -> dict[str, Recording]:
        """Train the first seed at the largest budget again, and keep what happens inside."""
        budget = self.budgets[-1]
        tasks = {
            name: Task(name, self.seeds[0], budget, chosen[name, budget])
            for name in self.candidates
        }
        base = tasks.pop(YARDSTICK)
        first, yardstick = record_base(self.candidates[YARDSTICK], base, part)
        progress()
        recordings = {YARDSTICK: first}
        calls = (
            delayed(record)(self.candidates[name], task, part, yardstick)
            for name, task in tasks.items()
        )
        found = Parallel(self.n_jobs, return_as="generator")(calls)
        for name, recording in zip(tasks, found, strict=True):
            progress()
            if recording is not None:
                recordings[name] = recording
        return recordings

    def _train(
        self, tasks: Sequence[Task], part: Part, progress: Callable[[], None]
    ) -> Iterator[tuple[dict[str, Any], TestScores]]:
        calls = (delayed(train)(self.candidates[task.strategy], task, part) for task in tasks)
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
