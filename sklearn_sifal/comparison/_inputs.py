"""From what the user passes to what is trained on, with errors that name the argument."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, check_random_state

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._labels import encode_among, shown_labels
from sklearn_sifal._parameters import check_random_state_value, check_real_value
from sklearn_sifal._training_data import validate_numbers, validate_targets
from sklearn_sifal.comparison._trainings import Part

_NAME = "compare_strategies"


def split_estimator(estimator: Any) -> tuple[Pipeline | None, LossSampledEstimator]:
    """The steps before the estimator, if there are any, and the estimator."""
    before, last = None, estimator
    if isinstance(estimator, Pipeline):
        last = estimator.steps[-1][1]
        before = estimator[:-1] if len(estimator) > 1 else None
    if not isinstance(last, LossSampledEstimator):
        kind = type(last).__name__
        where = f"a Pipeline that ends in {kind}" if last is not estimator else kind
        raise TypeError(
            "The estimator must be a LossSampledClassifier, a LossSampledRegressor or a Pipeline "
            f"that ends in one. Got {where}."
        )
    return before, last


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


def check_targets(
    X_train: Any, y_train: Any, X_test: Any, y_test: Any, *, has_labels: bool
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Targets as arrays, as many as the rows, without missing values."""
    validate = validate_targets if has_labels else validate_numbers
    parts: list[NDArray[Any]] = []
    for X, y, of in ((X_train, y_train, "train"), (X_test, y_test, "test")):
        y = validate(y, None, f"y_{of}", warn=False)
        try:
            check_consistent_length(X, y)
        except ValueError as error:
            raise ValueError(f"X_{of} and y_{of}: {error}") from error
        if len(y) == 0:
            raise ValueError(f"y_{of} is empty.")
        parts.append(y)
    y_train, y_test = parts
    if has_labels:
        classes = np.unique(y_train)
        codes, unknown = encode_among(y_test, classes)
        if len(unknown):
            raise ValueError(
                f"y_test has labels that are not in y_train: {shown_labels(unknown)}. No model can "
                "predict them: leave their rows out, or split with stratify=y."
            )
        y_test = classes[codes]  # of the type of y_train
    elif y_test.min() == y_test.max():
        raise ValueError(
            f"y_test has no two values that differ, so that R² is not defined: {y_test[0]:g} in "
            f"{len(y_test)} row(s)."
        )
    return y_train, y_test


def seeds_from(random_state: Any, n_seeds: int) -> tuple[int, ...]:
    check_random_state_value(_NAME, random_state)
    first = random_state
    if not isinstance(random_state, int | np.integer):
        first = check_random_state(random_state).randint(2**31 - n_seeds)
    return tuple(range(int(first), int(first) + n_seeds))


def prepare_part(before: Pipeline | None, X_train: Any, y_train: Any, X: Any, y: Any) -> Part:
    """Fit the steps before the estimator on the rows to train on, and apply them to all."""
    if before is None:
        return Part(_as_matrix(X_train), y_train, _as_matrix(X), y)
    fitted = clone(before)
    transformed = _as_matrix(fitted.fit_transform(X_train, y_train))
    return Part(transformed, y_train, _as_matrix(fitted.transform(X)), y)


def _as_matrix(X: Any) -> Any:
    """CSR or an array, whose rows can be taken; raw text is left for the estimator to refuse."""
    if sp.issparse(X):
        return X.tocsr()
    array = np.asarray(X)
    return X if array.ndim < 2 else array


def validation_part(
    before: Pipeline | None, X: Any, y: NDArray[Any], share: float, seed: int, has_labels: bool
) -> tuple[int, Part]:
    """Seed and data of a split to choose rates by."""
    try:
        X_fit, X_val, y_fit, y_val = train_test_split(
            X, y, test_size=share, stratify=y if has_labels else None, random_state=seed
        )
        if has_labels and len(lost := np.setdiff1d(y_val, y_fit)):
            raise ValueError(f"{lost.tolist()[0]!r} is in no row that is left to train on.")
    except ValueError as error:
        raise ValueError(
            "lr has several rates, but no validation split to choose them by could be made with "
            f"validation_fraction={share}: {error}"
        ) from error
    return seed, prepare_part(before, X_fit, y_fit, X_val, y_val)
