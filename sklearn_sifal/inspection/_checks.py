"""Checks of what the functions of this package are given."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._labels import check_labels, missing_among, read, refuse_missing
from sklearn_sifal._training_data import read_numbers


def check_losses(
    losses: ArrayLike, name: str = "losses", n_rows: int | None = None
) -> NDArray[Any]:
    """One finite or NaN loss per row, as floats of at least single precision."""
    values = as_numbers(losses, name)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    check_one_per_row(values, name, n_rows)
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise ValueError(
            f"{name} must be finite, or NaN where not known. Got {values[row]} in row {row}."
        )
    return values


def as_numbers(given: Any, name: str) -> NDArray[Any]:
    """Numbers of any container, NaN where they are missing."""
    values = read(given, name)
    if values.dtype.kind in "fiub":
        return values
    if values.dtype.kind != "O":
        return read_numbers(values, name)  # which says what is wrong with them
    objects = values.ravel()
    missing = missing_among(objects.tolist())
    numbers = read_numbers(np.where(missing, 0.0, objects), name)
    numbers[missing] = np.nan
    return numbers.reshape(values.shape)


def check_one_per_row(values: NDArray[Any], name: str, n_rows: int | None) -> None:
    """Raise unless an array has one dimension, and as many entries as there are rows."""
    if values.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional. Got an array of shape {values.shape}.")
    if n_rows is not None and len(values) != n_rows:
        raise ValueError(
            f"{name} must have one entry for each of {n_rows} rows. Got {len(values)}."
        )


def check_visits(visits: ArrayLike, n_rows: int | None = None) -> NDArray[np.int64]:
    """One visit count per row."""
    values = read(visits, "visits")
    check_one_per_row(values, "visits", n_rows)
    if values.dtype.kind in "biuf":
        with np.errstate(invalid="ignore"):  # NaN becomes a number that differs from it
            counts = values.astype(np.int64)
        if not (counts < 0).any() and np.array_equal(counts, values):
            return counts
    raise ValueError("visits must be counts: integers of at least 0.")


def check_correct(correct: ArrayLike, n_rows: int) -> NDArray[np.float64]:
    """Whether each row was predicted correctly, as 1 and 0."""
    values = read(correct, "correct")
    check_one_per_row(values, "correct", n_rows)
    demand = "must say True or False for every row."
    if values.dtype.kind == "O":
        refuse_missing(missing_among(values.tolist()), "correct", demand)
    wrong = ~np.isin(values, (0, 1)) if values.dtype.kind in "biuf" else np.ones(n_rows, bool)
    if wrong.any():
        position = int(wrong.argmax())
        found = values.tolist()[position]
        raise ValueError(f"correct {demand} Got {found!r:.80} at position {position}.")
    return values.astype(np.float64)


def check_selections(
    selections: Iterable[Any], n_rows: int, name: str = "selections"
) -> list[NDArray[np.int64]]:
    """Row numbers of every round."""
    checked = []
    for number, rows in enumerate(selections):
        chosen = np.asarray(rows)
        if len(chosen) == 0:
            chosen = np.zeros(0, np.int64)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise ValueError(
                f"{name} must hold one array of row numbers a round. Got an array of shape "
                f"{chosen.shape} and dtype {chosen.dtype} in round {number}."
            )
        if len(chosen) and (chosen.min() < 0 or chosen.max() >= n_rows):
            raise ValueError(
                f"{name} must hold rows from 0 to {n_rows - 1}. Got {chosen.min()} to "
                f"{chosen.max()} in round {number}."
            )
        checked.append(chosen)
    return checked


def encode(values: Any, name: str, n_rows: int | None) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Distinct labels or groups, sorted, and the position of each row's among them.

    Strings and objects go through a dictionary, which for a million rows takes a fraction
    of the time of sorting them.
    """
    given = read(values, name)
    check_one_per_row(given, name, n_rows)
    check_labels(given, name, mixed=True)
    if given.dtype.kind not in "SUO":
        distinct, codes = np.unique(given, return_inverse=True)
        return distinct, codes.astype(np.int64, copy=False)
    listed = given.tolist()
    in_order = sorted(set(listed), key=_type_and_value)
    code_of = {value: code for code, value in enumerate(in_order)}
    codes = np.fromiter((code_of[value] for value in listed), np.int64, len(listed))
    distinct = np.empty(len(in_order), object)
    distinct[:] = in_order
    return distinct.astype(given.dtype, copy=False), codes


def _type_and_value(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value  # objects may be of several types


def group_sums(
    codes: NDArray[np.int64], n_groups: int, values: NDArray[Any] | None = None
) -> NDArray[np.float64]:
    """Sum of the values, or number of the rows, of every group."""
    return np.bincount(codes, weights=values, minlength=n_groups).astype(np.float64)


def divide(numerator: Any, denominator: Any) -> NDArray[np.float64]:
    """Quotient in double precision, NaN where the denominator is 0."""
    a, b = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    quotient: NDArray[np.float64] = np.divide(a, b, out=np.full(a.shape, np.nan), where=b != 0)
    return quotient
