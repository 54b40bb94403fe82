"""Results of all trainings by test row, and the differences that follow from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.comparison._row_values import RowResults, values_by_row
from sklearn_sifal.comparison._statistics import PairedDifference, paired_difference

#: Strategy and budget.
Key = tuple[str, float]


@dataclass
class FitResults:
    """What every training did on every test row.

    Attributes
    ----------
    rows : dict of int to ndarray of shape (n_test,), int64
        By split, which rows of the data its test part has.
    groups : ndarray of shape (n_rows,) or None
        Groups of rows that depend on each other.
    results : dict of (str, float) to list of (int, RowResults or None)
        By strategy and budget, split and results of each training in the order of the seeds;
        None for one that broke down.
    """

    rows: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    groups: NDArray[np.int64] | None = None
    results: dict[Key, list[tuple[int, RowResults | None]]] = field(default_factory=dict)
    _targets: dict[int, NDArray[Any]] = field(default_factory=dict)
    # Tables, words and the page ask for the same ones; of 100,000 test rows each takes a while.
    _differences: dict[tuple[str, Key, Key], PairedDifference] = field(default_factory=dict)

    def add(self, run: Mapping[str, Any], found: RowResults | None) -> None:
        """Take in one training; of its split there is one array of targets for all."""
        self._differences.clear()
        split = run["split"]
        if found is not None:
            found = replace(found, y=self._targets.setdefault(split, found.y))
        self.results.setdefault((run["strategy"], run["budget"]), []).append((split, found))

    def knows(self, *keys: Key) -> bool:
        """Whether there are results of all rows, of all trainings of these."""
        return all(
            key in self.results and all(found is not None for _, found in self.results[key])
            for key in keys
        )

    def difference(self, metric: str, ours: Key, theirs: Key) -> PairedDifference:
        """Of a figure, in its own unit."""
        asked = metric, ours, theirs
        if asked not in self._differences:
            self._differences[asked] = self._judged(
                [
                    (split, values_by_row(metric, mine), values_by_row(metric, other), None)
                    for split, mine, other in self._pairs(ours, theirs)
                ]
            )
        return self._differences[asked]

    def difference_to_mean(
        self, metric: str, ours: Key, theirs: Mapping[Key, float]
    ) -> PairedDifference:
        """Of a figure to the weighted mean of several, such as base between two budgets.

        Parameters
        ----------
        metric : str
            Name of the figure, in whose unit the difference is.
        ours : (str, float)
            Strategy and budget.
        theirs : mapping of (str, float) to float
            Weights, which add up to 1.
        """
        parts = []
        for of_key in zip(*(self._pairs(ours, key) for key in theirs), strict=True):
            split, mine, _ = of_key[0]
            others = (values_by_row(metric, other) for _, _, other in of_key)
            mean = sum(w * values for w, values in zip(theirs.values(), others, strict=True))
            parts.append((split, values_by_row(metric, mine), mean, None))
        return self._judged(parts)

    def difference_in_recall(self, label: int, ours: Key, theirs: Key) -> PairedDifference | None:
        """Of one label, by its number; None if no test part has it."""
        parts = []
        for split, mine, other in self._pairs(ours, theirs):
            of_label = np.flatnonzero(mine.y == label)
            if len(of_label):
                values = (found.predicted[of_label] == label for found in (mine, other))
                parts.append((split, *values, of_label))
        return self._judged(parts) if parts else None

    def _pairs(self, ours: Key, theirs: Key) -> Iterator[tuple[int, RowResults, RowResults]]:
        for (split, mine), (_, other) in zip(self.results[ours], self.results[theirs], strict=True):
            assert mine is not None
            assert other is not None
            yield split, mine, other

    def _judged(self, parts: Sequence[tuple[int, Any, Any, Any]]) -> PairedDifference:
        rows = []
        for split, _, _, chosen in parts:
            numbers = self.rows[split] if chosen is None else self.rows[split][chosen]
            rows.append(numbers if self.groups is None else self.groups[numbers])
        return paired_difference(
            np.concatenate([mine for _, mine, _, _ in parts]),
            np.concatenate([other for _, _, other, _ in parts]),
            fits=np.repeat(np.arange(len(parts)), [len(numbers) for numbers in rows]),
            rows=np.concatenate(rows),
        )

    def columns(self, seeds: Sequence[int], labels: NDArray[Any] | None) -> dict[str, NDArray[Any]]:
        """Everything in long format, one entry a training and test row.

        Parameters
        ----------
        seeds : sequence of int
            Of the trainings, in their order.
        labels : ndarray of shape (n_classes,) or None
            Labels by number.
        """
        found: dict[str, list[NDArray[Any]]] = {}
        for (strategy, budget), fits in self.results.items():
            for seed, (split, of_fit) in zip(seeds, fits, strict=True):
                if of_fit is None:
                    continue
                n = len(of_fit.y)
                one = {"strategy": strategy, "budget": budget, "split": split, "seed": seed}
                entry = {name: np.full(n, value) for name, value in one.items()}
                entry["row"] = self.rows[split]
                if self.groups is not None:
                    entry["group"] = self.groups[self.rows[split]]
                targets = {"y": of_fit.y, "predicted": of_fit.predicted}
                entry |= {name: _named(values, labels) for name, values in targets.items()}
                entry["loss"] = of_fit.losses
                for name, values in entry.items():
                    found.setdefault(name, []).append(values)
        return {name: np.concatenate(values) for name, values in found.items()}


def _named(values: NDArray[Any], labels: NDArray[Any] | None) -> NDArray[Any]:
    """Labels by their numbers; None for the outputs of a module that are no label."""
    if labels is None:
        return values
    if values.max(initial=0) < len(labels):
        return np.asarray(labels[values])
    return np.asarray(np.append(labels.astype(object), [None])[values])
