"""Splits into rows to train on and rows to test on, with equal rows on one side."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)

_Rows = NDArray[np.int64]
#: Rows to train on and rows to test on, by number.
Split = tuple[_Rows, _Rows]

N_FOLDS = 5


def equal_rows(X: Any) -> NDArray[np.int64]:
    """Number rows so that equal ones have the same number.

    Parameters
    ----------
    X : array-like of shape (n_rows, ...)
        Texts, an array, a sparse matrix or a data frame. Missing values equal each other.

    Returns
    -------
    numbers : ndarray of shape (n_rows,), int64
        From 0, in the order in which the rows first occur.
    """
    seen: dict[Any, int] = {}
    return np.fromiter((seen.setdefault(key, len(seen)) for key in _keys(X)), np.int64)


def _keys(X: Any) -> Iterable[Any]:
    """Something to look each row up by."""
    if sp.issparse(X):
        rows = X.tocsr(copy=True)
        rows.sum_duplicates()
        rows.eliminate_zeros()
        ends = rows.indptr
        return ((rows.indices[i:j].tobytes(), rows.data[i:j].tobytes()) for i, j in pairwise(ends))
    if hasattr(X, "iloc"):  # pandas, whose missing values are of many kinds
        from pandas.util import hash_pandas_object

        try:
            return list(hash_pandas_object(X, index=False))
        except TypeError:  # cells that are lists or arrays
            return map(_key, X.to_numpy(dtype=object))
    if hasattr(X, "hash_rows"):  # polars
        return list(X.hash_rows())
    # An array, a tensor; a list stays one, since its rows need not be of one length.
    return map(_key, np.asarray(X) if hasattr(X, "__array__") else X)


def _key(value: Any) -> Any:
    """Of a row or a part of it: texts of cells, digests of arrays of numbers."""
    if isinstance(value, list | tuple):
        return tuple(map(_key, value))
    if not hasattr(value, "__array__") or isinstance(value, str):
        return str(value)
    array = np.asarray(value)
    if array.dtype == object:
        return tuple(map(_key, array)) if array.ndim else str(value)
    if array.dtype.kind == "f":  # zeros, and missing values, are equal whatever their sign
        array = np.where(np.isnan(array), array.dtype.type("nan"), array + array.dtype.type(0))
    # Rows may be images: their digests take a fraction of the memory.
    return blake2b(array.tobytes(), digest_size=16).digest()


def make_splits(
    cv: Any, X: Any, y: NDArray[Any], groups: Any, *, has_labels: bool, seed: int
) -> list[Split]:
    """Splits of the rows into training and test parts.

    Parameters
    ----------
    cv : int, splitter, iterable of (train, test) or None
        As given to `compare_strategies`.
    X, y : array-like
        All rows.
    groups : ndarray of shape (n_rows,) or None
        Rows of a group are on one side; None for equal rows.
    has_labels : bool
        Whether `y` has labels, by which folds are stratified.
    seed : int
        Of the folds.

    Raises
    ------
    ValueError
        If `cv` is nothing of the kind, or a split is not possible.
    """
    if hasattr(cv, "split") and not isinstance(cv, str):
        return _given(cv.split(X, y, groups), len(y), groups)
    if cv is not None and not isinstance(cv, int | np.integer):
        if isinstance(cv, str) or not np.iterable(cv):
            raise ValueError(
                "cv must be a number of folds, a splitter of scikit-learn or an iterable of "
                f"(train, test) row numbers. Got {cv!r}."
            )
        return _given(cv, len(y), groups)
    n_folds = N_FOLDS if cv is None else int(cv)
    if isinstance(cv, bool | np.bool_) or n_folds < 2:
        raise ValueError(f"cv must be at least 2 folds. Got {cv!r}.")
    by_value = groups is None
    units = equal_rows(X) if by_value else np.unique(groups, return_inverse=True)[1]
    with warnings.catch_warnings():
        # That a label has fewer rows than there are folds: some folds do not test it.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        try:
            tests = _folds(y, units, n_folds, by_value, has_labels, seed)
        except ValueError as error:
            raise ValueError(f"cv={n_folds}: {error}") from error
    everything = np.arange(len(y))
    splits = [(np.setdiff1d(everything, test), test) for test in tests]
    if has_labels:
        splits = [(train, test[np.isin(y[test], y[train])]) for train, test in splits]
    return _checked(splits, len(y))


def _folds(
    y: NDArray[Any], units: _Rows, n_folds: int, by_value: bool, has_labels: bool, seed: int
) -> list[_Rows]:
    """Test rows of every fold."""
    if not by_value:
        return [test for _, test in _group_folds(y, units, n_folds, has_labels, seed)]
    first = _distinct_rows(y, units, has_labels)
    if not len(first):
        raise ValueError("no label has two rows that differ, one to learn from and one to test.")
    kind = StratifiedKFold if has_labels else KFold
    drawn = kind(n_folds, shuffle=True, random_state=seed).split(first, y[first])
    return [np.flatnonzero(np.isin(units, units[first[test]])) for _, test in drawn]


def _group_folds(
    y: NDArray[Any], groups: _Rows, n_folds: int, has_labels: bool, seed: int
) -> Iterator[Split]:
    kind: Callable[..., Any] = StratifiedGroupKFold if has_labels else GroupKFold
    folds: Iterator[Split] = kind(n_folds, shuffle=True, random_state=seed).split(y, y, groups)
    return folds


def _distinct_rows(y: NDArray[Any], units: _Rows, has_labels: bool) -> _Rows:
    """The first of each set of equal rows, of those that may be held out.

    A label with a single distinct row can be learnt or tested, not both: it is learnt.
    """
    first = np.sort(np.unique(units, return_index=True)[1])
    if not has_labels:
        return first
    _, codes, counts = np.unique(y[first], return_inverse=True, return_counts=True)
    return np.asarray(first[counts[codes] > 1])


def _given(splits: Iterable[Any], n_rows: int, groups: Any) -> list[Split]:
    """Splits of the caller's own, which may not have known of the groups."""
    checked = _checked(splits, n_rows)
    if groups is not None:
        for number, (train, test) in enumerate(checked):
            shared = np.intersect1d(groups[train], groups[test])
            if len(shared):
                raise ValueError(
                    f"cv, split {number}: rows of {len(shared)} of the groups are on both sides. "
                    "Use a splitter that keeps groups together, such as StratifiedGroupKFold."
                )
    return checked


def _checked(splits: Iterable[Any], n_rows: int) -> list[Split]:
    checked = []
    for number, pair in enumerate(splits):
        try:
            train, test = (_row_numbers(part, n_rows) for part in pair)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"cv, split {number}: expected row numbers to train on and to test on, from 0 to "
                f"{n_rows - 1}. {error}"
            ) from error
        if len(np.intersect1d(train, test)):
            raise ValueError(f"cv, split {number}: some rows are in both of its parts.")
        if not len(train) or not len(test):
            part = "test" if len(train) else "train"
            raise ValueError(f"cv, split {number}: there are no rows to {part} on.")
        checked.append((train, test))
    if not checked:
        raise ValueError("cv has no split.")
    return checked


def _row_numbers(part: Any, n_rows: int) -> _Rows:
    rows = np.asarray(part)
    if rows.dtype == bool and rows.shape == (n_rows,):
        return np.flatnonzero(rows)
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise ValueError(f"Got an array of shape {rows.shape} and type {rows.dtype}.")
    if len(rows) and not (rows.min() >= 0 and rows.max() < n_rows):
        raise ValueError(f"Got {rows.min()} to {rows.max()}.")
    if len(np.unique(rows)) < len(rows):
        raise ValueError("A row comes twice.")
    return rows.astype(np.int64)


def held_out(
    y: NDArray[Any], units: _Rows, share: float, seed: int, *, by_value: bool, has_labels: bool
) -> Split:
    """One split of training rows, to choose learning rates by.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Labels or targets.
    units : ndarray of shape (n_rows,), int64
        Rows with the same number are on one side.
    share : float
        Of the rows that are held out.
    seed : int
        Of the draw.
    by_value : bool
        Whether equal numbers stand for equal rows, whose labels are alike for the most part.
    has_labels : bool
        Whether the split is stratified by `y`.
    """
    if not by_value:
        return next(_group_folds(y, units, max(2, round(1 / share)), has_labels, seed))
    first = _distinct_rows(y, units, has_labels)
    labels = y[first] if has_labels else None
    _, drawn = train_test_split(first, test_size=share, stratify=labels, random_state=seed)
    test = np.isin(units, units[drawn])
    return np.flatnonzero(~test), np.flatnonzero(test)
