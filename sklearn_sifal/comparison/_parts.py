"""The data of a comparison, and the parts of it that trainings are given."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from sklearn_sifal.comparison._inputs import (
    check_scored,
    prepare_part,
    read_groups,
    read_row_weights,
    read_targets,
)
from sklearn_sifal.comparison._splits import Split, equal_rows, held_out, make_splits
from sklearn_sifal.comparison._trainings import Part


@dataclass(frozen=True)
class Data:
    """Rows to train on and to test on.

    Attributes
    ----------
    before : Pipeline or None
        Steps before the estimator.
    X, y : array-like
        The rows given to train on; without a test part, all rows.
    test : tuple of (array-like, ndarray) or None
        The test part.
    splits : list of (ndarray, ndarray) or None
        Of all rows, where there is no test part.
    groups, sample_weight : ndarray of shape (n_rows,) or None
        Of the rows of `X`.
    has_labels : bool
        Whether targets are labels.
    """

    before: Pipeline | None
    X: Any
    y: NDArray[Any]
    test: tuple[Any, NDArray[Any]] | None
    splits: list[Split] | None
    groups: NDArray[np.int64] | None
    sample_weight: NDArray[Any] | None
    has_labels: bool

    @property
    def n_splits(self) -> int:
        """Number of test parts."""
        return 1 if self.splits is None else len(self.splits)

    @cached_property
    def labels(self) -> NDArray[Any] | None:
        """All labels that there are."""
        return np.unique(self.y) if self.has_labels else None

    def train_rows(self, split: int) -> NDArray[np.int64]:
        """Numbers of the rows to train on."""
        return np.arange(len(self.y)) if self.splits is None else self.splits[split][0]

    def test_rows(self, split: int) -> NDArray[np.int64]:
        """Numbers of the rows to test on, among those of `X` or of the test part."""
        if self.test is not None:
            return np.arange(len(self.test[1]))
        assert self.splits is not None
        return self.splits[split][1]

    @cached_property
    def tested_rows(self) -> NDArray[np.int64]:
        """Numbers of the rows of any test part."""
        return np.unique(np.concatenate([self.test_rows(split) for split in range(self.n_splits)]))

    @cached_property
    def _units(self) -> NDArray[np.int64]:
        """Rows with the same number are on one side of a split: a group, or equal rows."""
        return equal_rows(self.X) if self.groups is None else self.groups

    def part(self, split: int) -> Part:
        """What the trainings of a split are given."""
        if self.test is not None:
            return self._prepared(self.train_rows(split), *self.test)
        rows = self.test_rows(split)
        return self._prepared(self.train_rows(split), self._taken(rows), self.y[rows])

    def validation_parts(
        self, split: int, share: float, seeds: tuple[int, ...]
    ) -> Iterator[tuple[int, Part]]:
        """Seeds and parts of a split's training rows to choose learning rates by."""
        rows = self.train_rows(split)
        by_value = self.groups is None
        for seed in seeds:
            try:
                inner = held_out(
                    self.y[rows],
                    self._units[rows],
                    share,
                    seed,
                    by_value=by_value,
                    has_labels=self.has_labels,
                )
                train, test = (rows[side] for side in inner)
                if self.has_labels and len(lost := np.setdiff1d(self.y[test], self.y[train])):
                    raise ValueError(f"{lost.tolist()[0]!r} is in no row that is left to train on.")
            except ValueError as error:
                raise ValueError(
                    "lr has several rates, but no validation split to choose them by could be "
                    f"made with validation_fraction={share}: {error}"
                ) from error
            yield seed, self._prepared(train, self._taken(test), self.y[test])

    def _prepared(self, train: NDArray[np.int64], X: Any, y: NDArray[Any]) -> Part:
        weights = self.sample_weight
        return prepare_part(
            self.before,
            self.X if len(train) == len(self.y) else self._taken(train),
            self.y[train],
            X,
            y,
            labels=self.labels,
            sample_weight=None if weights is None else weights[train],
        )

    def _taken(self, rows: NDArray[np.int64]) -> Any:
        return _safe_indexing(self.X, rows)


def read_data(
    before: Pipeline | None,
    parts: tuple[Any, Any, Any, Any],
    *,
    cv: Any,
    groups: Any,
    sample_weight: Any,
    has_labels: bool,
    seed: int,
) -> Data:
    """Check what is given, and split it where there is no test part.

    Parameters
    ----------
    before : Pipeline or None
        Steps before the estimator.
    parts : tuple
        `X_train`, `y_train`, `X_test` and `y_test`.
    cv, groups, sample_weight : Any
        As given to `compare_strategies`.
    has_labels : bool
        Whether targets are labels.
    seed : int
        Of the splits.
    """
    X, y, X_test, y_test = parts
    y = read_targets(X, y, "train", has_labels=has_labels)
    groups = read_groups(groups, len(y))
    weights = read_row_weights(sample_weight, len(y))
    if (X_test is None) != (y_test is None):
        missing, given = ("X_test", "y_test") if X_test is None else ("y_test", "X_test")
        raise ValueError(f"{given} was given without {missing}. Give both, or neither.")
    if X_test is not None:
        if cv is not None:
            raise ValueError(
                f"cv makes test parts of X_train, and X_test was given, too: cv={cv!r}."
            )
        y_test = read_targets(X_test, y_test, "test", has_labels=has_labels)
        y_test = check_scored(y, y_test, "y_test", has_labels=has_labels)
        return Data(before, X, y, (X_test, y_test), None, groups, weights, has_labels)
    splits = make_splits(cv, X, y, groups, has_labels=has_labels, seed=seed)
    for number, (train, test) in enumerate(splits):
        check_scored(y[train], y[test], f"The test part of split {number}", has_labels=has_labels)
    return Data(before, X, y, None, splits, groups, weights, has_labels)
