"""What a training loop hands over, as checked numpy arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._labels import check_labels, read
from sklearn_sifal.batches._as_array import as_array

# Bounds of the measures that have some, and how far rounding may lead out of them.
_RANGES = {"correct": (0, 1), "max_probability": (0, 1), "el2n": (0, np.inf)}
_ROUNDING = 1e-3
_NUMBERS = "fiub"  # kinds of dtype


def _as_regular_array(values: Any, needed: str) -> NDArray[Any]:
    try:
        return as_array(values)
    except ValueError as error:  # numpy does not say of what
        raise ValueError(f"{needed}. Got sequences of different lengths.") from error


def as_rows(rows: Any, n_rows: int, origin: str, *, replacement: bool) -> NDArray[np.int64]:
    """Row numbers as int64.

    Parameters
    ----------
    rows : array-like or Tensor of shape (n,), integer
        The numbers.
    n_rows : int
        They have to be below it.
    origin : str
        Who was given them, for messages.
    replacement : bool
        Whether a row may stand there twice.
    """
    array = _as_regular_array(rows, f"{origin} needs row numbers as a 1-D array of integers")
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(
            f"{origin} needs row numbers as a 1-D array of integers. "
            f"Got shape {array.shape} and dtype {array.dtype}."
        )
    if array.size and (array.min() < 0 or array.max() >= n_rows):
        raise ValueError(
            f"{origin} takes rows from 0 to {n_rows - 1}. Got {array.min()} to {array.max()}."
        )
    if not replacement:
        ordered = np.sort(array)
        repeated = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(repeated):
            raise ValueError(
                f"{origin} was given row {repeated[0]} more than once, which this strategy never "
                "draws twice in a batch."
            )
    return array.astype(np.int64)


def as_values(values: Any, n: int, name: str, origin: str) -> NDArray[Any]:
    """One number for each of n rows; they may still be infinite or NaN."""
    array = _as_regular_array(values, f"{origin} needs one {name} per row, shape ({n},)")
    if array.ndim == 0 and array.dtype.kind not in _NUMBERS:
        raise ValueError(
            f"{origin} needs one {name} per row, shape ({n},). Got {type(values).__name__}."
        )
    if array.ndim == 0 and n != 0:
        raise ValueError(
            f"{origin} needs one {name} per row, {n} of them. Got a single number: compute the "
            "losses with reduction='none', hand them over, and take the mean afterwards."
        )
    if array.shape != (n,):
        raise ValueError(
            f"{origin} needs one {name} per row, shape ({n},). Got shape {array.shape}."
        )
    if n and array.dtype.kind not in _NUMBERS:
        raise ValueError(f"{origin} needs numbers as {name}. Got dtype {array.dtype}.")
    return array


def check_measure(values: NDArray[Any], rows: NDArray[np.int64], name: str, origin: str) -> None:
    """Raise for a measure that is not finite or outside of its range, naming its row."""
    check_finite(values, rows, name, origin)
    low, high = _RANGES.get(name, (-np.inf, np.inf))
    wrong = np.flatnonzero((values < low - _ROUNDING) | (values > high + _ROUNDING))
    if len(wrong):
        first = wrong[0]
        raise ValueError(
            f"{origin} needs {name} between {low} and {high}. Got {values[first]} for row "
            f"{rows[first]}."
        )


def check_finite(values: NDArray[Any], rows: NDArray[np.int64], name: str, origin: str) -> None:
    """Raise for a value that is infinite or NaN, naming its row."""
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        first = wrong[0]
        raise ValueError(f"{origin} was given {name} {values[first]} for row {rows[first]}.")


def as_targets(values: Any, n_rows: int, origin: str) -> NDArray[Any] | None:
    """A copy of labels, or of targets that are numbers, of shape (n_rows,); None stays None."""
    if values is None:
        return None
    owned = f"The 'y' parameter of {origin} must have"
    targets = read(values, "y")
    if targets.shape != (n_rows,):
        raise ValueError(
            f"{owned} one value per row, shape ({n_rows},). Got shape {targets.shape}."
        )
    try:
        check_labels(targets, "y", fractions=True)
    except ValueError as error:
        raise ValueError(f"{owned} labels that can be compared, or numbers. {error}") from error
    return targets.copy()
