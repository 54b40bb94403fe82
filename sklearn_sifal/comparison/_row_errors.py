"""How far differences to base might be others with other test rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.comparison._candidates import YARDSTICK
from sklearn_sifal.comparison._scores import TestScores
from sklearn_sifal.comparison._statistics import standard_error_over_rows

#: Strategy, budget and name of a metric.
Key = tuple[str, float, str]


class RowSums:
    """Sums over the seeds of what each test row adds to a figure.

    They are summed on the way, since the rows of all trainings together would fill the memory.
    """

    def __init__(self) -> None:
        self._sums: dict[Key, NDArray[np.float64]] = {}
        self._counts: dict[Key, int] = {}

    def add(self, run: Mapping[str, Any], scores: TestScores) -> None:
        """Count one training."""
        for metric, values in scores.by_row.items():
            key = run["strategy"], run["budget"], metric
            if key not in self._sums:
                self._sums[key], self._counts[key] = np.zeros(len(values)), 0
            self._sums[key] += values
            self._counts[key] += 1

    def errors(self) -> dict[Key, float]:
        """Standard error over test rows of each strategy's mean difference to base."""
        means = {key: total / self._counts[key] for key, total in self._sums.items()}
        return {
            (name, budget, metric): standard_error_over_rows(
                mean - means[YARDSTICK, budget, metric]
            )
            for (name, budget, metric), mean in means.items()
        }
