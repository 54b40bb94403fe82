"""Rows to train on, and what is said of each: checked, with errors that name the argument."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from sklearn_sifal._inputs import Inputs
from sklearn_sifal._labels import (
    check_labels,
    encode_among,
    missing_among,
    read,
    refuse_missing,
    several_labels,
    shown_labels,
)
from sklearn_sifal._row_weights import refuse_lost_weights

_ROWS_PER_PART = 1 << 13


@dataclass(frozen=True)
class TrainingData:
    """Rows to train on, and where they stood in the input.

    Attributes
    ----------
    X : ndarray or CSR of shape (n_inputs, n_features)
        Inputs, all of them: they may be larger than memory, so that none is copied because
        others are left out.
    y : ndarray of shape (n_rows,), int64 or float64
        Class codes, or targets.
    weights : ndarray of shape (n_rows,) or None
        Sample times class weights, not yet scaled; None for ones.
    rows : ndarray of shape (n_rows,), int64, or None
        Which of the inputs these rows are, ascending; None for all.
    n_given : int
        Number of rows given to `fit`; 0 if these are not among them.
    """

    X: Inputs
    y: NDArray[Any]
    weights: NDArray[np.float64] | None
    rows: NDArray[np.int64] | None
    n_given: int

    def take(self, chosen: NDArray[np.int64]) -> "TrainingData":
        """The same for some of the rows, given by their positions in ascending order."""
        if len(chosen) == len(self.y):
            return self
        weights = None if self.weights is None else self.weights[chosen]
        rows = chosen if self.rows is None else self.rows[chosen]
        return TrainingData(self.X, self.y[chosen], weights, rows, self.n_given)

    def weighted(self, weights: NDArray[np.float64] | None, meaning: str) -> "TrainingData":
        """The same with other weights, positive but for those too small for a double."""
        refuse_lost_weights(weights, self.rows, meaning)
        return replace(self, weights=weights)

    def inputs(self, chosen: NDArray[np.bool_]) -> Inputs:
        """Inputs of some of the rows, given by a mask, as a copy."""
        return self.X[chosen if self.rows is None else self.rows[chosen]]

    @property
    def mean_non_zeros(self) -> float | None:
        """Weighted mean of the stored values of a row; None if the inputs are dense.

        Weighted, since a row of weight 2 has to count as much as two rows.
        """
        if not sp.issparse(self.X):
            return None
        weights = self.scaled_weights
        if self.rows is None and weights is None:
            return float(self.X.nnz / self.X.shape[0])
        starts = self.X.indptr
        rows = slice(-1) if self.rows is None else self.rows
        after = slice(1, None) if self.rows is None else self.rows + 1
        return float(np.average(starts[after] - starts[rows], weights=weights))

    @property
    def mean_row_size(self) -> float:
        """Weighted mean of the sum of the sizes of a row's values."""
        sizes = np.empty(self.X.shape[0])
        for start in range(0, len(sizes), _ROWS_PER_PART):
            part = slice(start, min(start + _ROWS_PER_PART, len(sizes)))
            sizes[part] = _row_sizes(self.X, part)
        if self.rows is not None:
            sizes = sizes[self.rows]
        return float(np.average(sizes, weights=self.scaled_weights))

    @property
    def scaled_weights(self) -> NDArray[np.float64] | None:
        """Weights with mean 1; None if they are all equal."""
        if self.weights is None or np.all(self.weights == self.weights[0]):
            return None
        relative = self.weights / self.weights.max()  # the sum of huge weights would overflow
        scaled: NDArray[np.float64] = relative / relative.mean()
        return scaled


def _row_sizes(X: Inputs, part: slice) -> NDArray[np.float64]:
    """Sums of the sizes of the values in some rows, which follow each other."""
    with np.errstate(over="ignore"):
        if not sp.issparse(X):
            sums: NDArray[np.float64] = np.abs(X[part]).sum(axis=1, dtype=np.float64)
            return sums
        bounds = X.indptr[part.start : part.stop + 1]
        owners = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        sizes = np.abs(X.data[bounds[0] : bounds[-1]])
        return np.bincount(owners, sizes, len(bounds) - 1).astype(np.float64, copy=False)


@dataclass(frozen=True)
class RowMetadata:
    """What else the user says of the rows, for strategies that make use of it.

    Attributes
    ----------
    irreducible_losses : ndarray of shape (n,), float64, or None
        Losses that training is not expected to go below.
    trusted : ndarray of shape (n,), bool, or None
        Rows whose targets the user vouches for.
    """

    irreducible_losses: NDArray[np.float64] | None = None
    trusted: NDArray[np.bool_] | None = None

    def take(self, positions: NDArray[np.int64] | None) -> "RowMetadata":
        """The same for the rows at some positions of the input; None for all."""
        if positions is None:
            return self
        irreducible, trusted = self.irreducible_losses, self.trusted
        return RowMetadata(
            None if irreducible is None else irreducible[positions],
            None if trusted is None else trusted[positions],
        )


def validate_row_metadata(irreducible_losses: Any, trusted: Any, n_rows: int) -> RowMetadata:
    """Check what is given of the rows for the strategy, to `fit` or to a sampler."""
    losses, mask = None, None
    if irreducible_losses is not None:
        # A copy: a strategy keeps them.
        losses = read_numbers(irreducible_losses, "irreducible_losses").copy()
        if losses.shape != (n_rows,):
            raise ValueError(
                f"irreducible_losses must have one number per row, ({n_rows},). "
                f"Got shape {losses.shape}."
            )
    if trusted is not None:
        mask = _read_mask(trusted, n_rows, "trusted")
    return RowMetadata(losses, mask)


def read_numbers(
    values: Any, name: str, *, demand: str = "must be numbers", hint: str = ""
) -> NDArray[np.float64]:
    """Finite numbers of any container as float64, of any shape.

    Parameters
    ----------
    values : array-like
        As given.
    name : str
        What they are called in messages.
    demand, hint : str
        What they have to be, and what to do with others, for messages.
    """
    given = read(values, name)
    if given.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} {demand}.")
    if given.dtype.kind in "biuf":
        with np.errstate(over="ignore"):  # a longdouble beyond float64 is told below
            numbers = given.astype(np.float64, copy=False)
    else:
        listed = list(given.ravel()) if given.dtype.kind in "mM" else given.ravel().tolist()
        refuse_missing(missing_among(listed), name, "must have no missing values.")
        position = next((p for p, value in enumerate(listed) if not _is_real(value)), -1)
        if position >= 0:
            raise ValueError(
                f"{name} {demand}: could not convert {listed[position]!r:.80} at position "
                f"{position}{hint}."
            )
        numbers = np.array([_as_float(value) for value in listed], np.float64).reshape(given.shape)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        position = int(wrong.argmax())
        what = "NaN"
        if np.isinf(numbers.ravel()[position]):
            what = "infinity or a value too large for dtype('float64')"
        raise ValueError(f"Input {name} contains {what} at position {position}.")
    return numbers


def _is_real(value: Any) -> bool:
    # numpy's durations are among its integers.
    return isinstance(value, Real | Decimal) and not isinstance(value, np.timedelta64)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer or a fraction beyond any float
        return float("inf")


def _read_mask(values: Any, n_rows: int, name: str) -> NDArray[np.bool_]:
    mask = read(values, name)
    if mask.dtype.kind == "O" and mask.ndim == 1:
        refuse_missing(missing_among(mask.tolist()), name, "must say True or False.")
    elif mask.dtype.kind == "f":
        refuse_missing(np.isnan(mask), name, "must say True or False.")
    if mask.shape != (n_rows,) or mask.dtype != bool:
        raise ValueError(
            f"{name} must be a mask, one bool per row, ({n_rows},). "
            f"Got an array of shape {mask.shape} and dtype {mask.dtype}."
        )
    return mask.copy()


def validate_targets(y: Any, X: Any, name: str = "y", *, warn: bool = True) -> NDArray[Any]:
    """Check labels: one-dimensional, discrete, none missing, as many as the rows of X."""
    _refuse_none(y, name, "LossSampledClassifier")
    labels = _one_column(y, name, several_labels(name), warn=warn)
    check_labels(labels, name)
    _check_lengths(X, labels, name)
    # Texts are classes, and long to look through; scikit-learn makes int64 of floats.
    is_beyond = labels.dtype.kind == "f" and float(np.abs(labels).max(initial=0)) >= 2**63
    if not (labels.dtype.kind in "UO" or is_beyond):
        check_classification_targets(labels)
    return labels


def validate_numbers(y: Any, X: Any, name: str = "y", *, warn: bool = True) -> NDArray[np.float64]:
    """Check targets of a regression: one-dimensional finite numbers, as many as the rows of X."""
    _refuse_none(y, name, "LossSampledRegressor")
    several = "For several targets a row, wrap the estimator in a MultiOutputRegressor."
    targets = _one_column(y, name, several, warn=warn)
    numbers = read_numbers(
        targets,
        name,
        demand="must have numbers, the targets of a regression",
        hint="; LossSampledClassifier takes classes",
    )
    _check_lengths(X, numbers, name)
    return numbers


def _one_column(y: Any, name: str, several: str, *, warn: bool) -> NDArray[Any]:
    """Targets of one dimension; a single column is taken, with a warning."""
    shape = y.shape if sp.issparse(y) else None
    if shape is None:
        targets = read(y, name)
        if targets.ndim == 1:
            return targets
        shape = targets.shape
        if len(shape) == 2 and shape[1] == 1:
            if warn:
                warnings.warn(
                    f"A column-vector {name} was passed when a 1d array was expected. Please "
                    f"change the shape of {name} to (n_samples,), for example using ravel().",
                    DataConversionWarning,
                    stacklevel=2,
                )
            return targets.ravel()
    advice = several if len(shape) > 1 else f"Got {type(y).__name__}."
    raise ValueError(
        f"{name} should be a 1d array, got an array of shape {shape} instead. {advice}"
    )


def _refuse_none(y: Any, name: str, owner: str) -> None:
    if y is None:
        raise ValueError(
            f"This {owner} estimator requires {name} to be passed, but the target {name} is None."
        )


def _check_lengths(X: Any, y: NDArray[Any], name: str) -> None:
    if X is not None and len(y) != X.shape[0]:
        inputs = name.replace("y", "X")
        raise ValueError(
            f"{inputs} and {name} have inconsistent numbers of samples: {X.shape[0]} and {len(y)}."
        )


def validate_weights(weights: Any, n_rows: int, name: str) -> NDArray[np.float64] | None:
    """Check sample weights: finite, non-negative, one per row, not all zero."""
    if weights is None:
        return None
    array = read_numbers(weights, name)
    if array.ndim != 1:
        raise ValueError(f"{name} must be a 1-D array. Got an array of shape {array.shape}.")
    if len(array) != n_rows:
        raise ValueError(
            f"{name} must have one number per row, ({n_rows},). Got shape {array.shape}."
        )
    negative = np.flatnonzero(array < 0)
    if len(negative):
        row = int(negative[0])
        raise ValueError(f"{name} must not be negative. Got {array[row]:g} for row {row}.")
    if not array.any():
        raise ValueError(f"{name}: sample weights must contain at least one non-zero number.")
    return array


def encode_labels(labels: NDArray[Any], classes: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Codes of labels among sorted classes; unknown ones raise."""
    codes, unknown = encode_among(labels, classes)
    if len(unknown):
        raise ValueError(
            f"{name} contains labels that were not seen in fit: {shown_labels(unknown)}."
        )
    return codes


def class_factors(
    class_weight: Mapping[Any, float], classes: NDArray[Any], codes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Factor of each class, as given by its label; 1 for those that are not named."""
    given = dict(class_weight)
    if all(map(_is_real, given.values())):
        factors: NDArray[np.float64] = np.asarray(
            compute_class_weight(given, classes=classes, y=classes[codes]), np.float64
        )
        if np.isfinite(factors).all() and factors.min() >= 0 and factors[codes].any():
            return factors
    raise ValueError(
        "The 'class_weight' parameter must have finite, non-negative numbers, not all of "
        f"them zero. Got {given!r}."
    )
