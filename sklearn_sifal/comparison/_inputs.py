"""From what the user passes to what is trained on, with errors that name the argument."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, check_random_state

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._labels import encode_among, shown_labels
from sklearn_sifal._parameters import check_random_state_value, check_real_value
from sklearn_sifal._training_data import validate_numbers, validate_targets
from sklearn_sifal.comparison._net_estimator import wrapped
from sklearn_sifal.comparison._trainings import Part

_NAME = "compare_strategies"
_MOST_SEEDS = 2**20


def split_estimator(estimator: Any, y: Any) -> tuple[Pipeline | None, Any]:
    """The steps before the estimator, if there are any, and the estimator.

    Parameters
    ----------
    estimator : estimator
        As given to `compare_strategies`.
    y : array-like
        Targets of the training part.

    Returns
    -------
    before : Pipeline or None
        The steps before.
    last : LossSampledEstimator or NetEstimator
        The estimator.

    Raises
    ------
    TypeError
        If it is of another kind.
    """
    before, last = None, estimator
    if isinstance(estimator, Pipeline):
        last = estimator.steps[-1][1]
        before = estimator[:-1] if len(estimator) > 1 else None
    if isinstance(last, LossSampledEstimator):
        return before, last
    from sklearn_sifal.neural._net import LossSampledNet

    if isinstance(last, LossSampledNet):
        return before, wrapped(last, y)
    kind = type(last).__name__
    where = f"a Pipeline that ends in {kind}" if last is not estimator else kind
    raise TypeError(
        "The estimator must be a LossSampledClassifier, a LossSampledRegressor, a LossSampledNet "
        f"or a Pipeline that ends in one. Got {where}."
    )


def check_share(validation_fraction: Any) -> None:
    name = "validation_fraction"
    check_real_value(_NAME, name, validation_fraction, 0, 1, open_low=True, open_high=True)


def positive_numbers(values: Any, name: str) -> tuple[float, ...]:
    """One number or several, ascending."""
    listed = list(values) if np.iterable(values) and not isinstance(values, str) else [values]
    if not listed:
        raise ValueError(f"The {name!r} parameter of {_NAME} must not be empty.")
    for value in listed:
        check_real_value(_NAME, name, value, 0, open_low=True)
    ascending = tuple(sorted(float(value) for value in listed))
    if len(set(ascending)) < len(ascending):
        raise ValueError(f"The {name!r} parameter of {_NAME} has a number twice: {values!r}.")
    return ascending


def read_inputs(X: Any, name: str) -> Any:
    """Inputs whose rows can be counted and taken.

    Raises
    ------
    TypeError
        If they are something else, such as a dict of inputs or a data set of torch.
    """
    if not (hasattr(X, "shape") or hasattr(X, "__array__") or isinstance(X, Sequence)):
        raise TypeError(
            f"{name} must be an array, a tensor, a sparse matrix, a data frame or a list, with an "
            f"entry for each row. Got {type(X).__name__}; nets of several inputs, and data sets of "
            "torch or skorch, cannot be compared."
        )
    return X.tocsr() if sp.issparse(X) else X


def read_targets(X: Any, y: Any, name: str, *, has_labels: bool) -> NDArray[Any]:
    """Targets as an array, as many as the rows, without missing values."""
    validate = validate_targets if has_labels else validate_numbers
    read: NDArray[Any] = validate(y, None, f"y_{name}", warn=False)
    try:
        check_consistent_length(X, read)
    except ValueError as error:
        raise ValueError(f"X_{name} and y_{name}: {error}") from error
    if len(read) == 0:
        raise ValueError(f"y_{name} is empty.")
    return read


def check_scored(
    y_train: NDArray[Any], y_test: NDArray[Any], name: str, *, has_labels: bool
) -> NDArray[Any]:
    """Targets of a test part, of the type of those of the training part, as can be scored."""
    if has_labels:
        classes = np.unique(y_train)
        codes, unknown = encode_among(y_test, classes)
        if len(unknown):
            raise ValueError(
                f"{name} has labels that are not in y_train: {shown_labels(unknown)}. No model can "
                "predict them: leave their rows out, or split with stratify=y."
            )
        return np.asarray(classes[codes])
    if y_test.min() == y_test.max():
        raise ValueError(
            f"{name} has no two values that differ, so that R² is not defined: {y_test[0]:g} in "
            f"{len(y_test)} row(s)."
        )
    return y_test


def read_groups(groups: Any, n_rows: int) -> NDArray[np.int64] | None:
    """Number of each row's group."""
    if groups is None:
        return None
    read = _one_per_row(groups, "groups", n_rows)
    missing = [value is None or value != value for value in read.tolist()]
    if any(missing):
        raise ValueError(f"groups must not be missing. Got {sum(missing)} missing value(s).")
    return np.unique(read, return_inverse=True)[1].astype(np.int64)


def read_row_weights(sample_weight: Any, n_rows: int) -> NDArray[Any] | None:
    """Weights of the training rows."""
    return None if sample_weight is None else _one_per_row(sample_weight, "sample_weight", n_rows)


def _one_per_row(values: Any, name: str, n_rows: int) -> NDArray[Any]:
    read = np.asarray(values)
    if read.shape != (n_rows,):
        raise ValueError(
            f"{name} must have one entry for each of the {n_rows} rows of X_train. Got shape "
            f"{read.shape}."
        )
    return read


def seed_from(random_state: Any) -> int:
    """The first of the seeds, which are this number and those after it."""
    check_random_state_value(_NAME, random_state)
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - _MOST_SEEDS))


def prepare_part(
    before: Pipeline | None,
    X_train: Any,
    y_train: NDArray[Any],
    X: Any,
    y: NDArray[Any],
    *,
    labels: NDArray[Any] | None,
    sample_weight: NDArray[Any] | None,
) -> Part:
    """Fit the steps before the estimator on the rows to train on, and apply them to all."""
    if before is not None:
        fitted = clone(before)
        X_train = fitted.fit_transform(X_train, y_train)
        X = fitted.transform(X)
    return Part(_as_matrix(X_train), y_train, _as_matrix(X), y, labels, sample_weight)


def _as_matrix(X: Any) -> Any:
    """CSR or an array, whose rows can be taken; raw text is left for the estimator to refuse."""
    if sp.issparse(X):
        return X.tocsr()
    array = np.asarray(X)
    return X if array.ndim < 2 else array
