"""What the Displays read from a fitted estimator or pipeline."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_sifal._labels import read

#: Name and unit of a classifier's losses, which alone are negative log-likelihoods: what has
#: losses of this name has labels, which are right or wrong, and not targets that are numbers.
LOSS_OF_LABELS = "loss (nats)"


class Predictor(Protocol):
    """An estimator that is asked for its predictions."""

    def predict(self, X: Any, /) -> Any:
        """Predictions for rows."""


def last_step(estimator: Any) -> Any:
    """The estimator that was trained: the last step of a pipeline, or itself.

    A search that was refitted stands for its best estimator.
    """
    if hasattr(estimator, "best_estimator_"):
        return last_step(estimator.best_estimator_)
    if hasattr(estimator, "steps"):
        return last_step(estimator.steps[-1][1])
    check_is_fitted(estimator)
    if not hasattr(estimator, "loss_table_"):
        raise TypeError(
            "estimator must be one of sklearn_sifal's, or a Pipeline that ends in one. "
            f"Got {type(estimator).__name__}, which has no loss_table_."
        )
    return estimator


def transformed(estimator: Any, X: Any) -> Any:
    """`X` as the last step of a pipeline sees it."""
    if hasattr(estimator, "best_estimator_"):
        return transformed(estimator.best_estimator_, X)
    if hasattr(estimator, "steps"):
        steps = estimator.steps
        if len(steps) > 1:
            X = estimator[:-1].transform(X)
        return transformed(steps[-1][1], X)
    return X


def of_history(estimator: object, name: str) -> Any:
    """An attribute that is only there with ``record='history'``."""
    net = last_step(estimator)
    value = getattr(net, name, None)
    if value is None:
        raise ValueError(
            f"The estimator has no {name}: fit it with record='history', not "
            f"record={getattr(net, 'record', None)!r}."
        )
    return value


def trained_rows(estimator: object) -> NDArray[np.bool_]:
    """Which rows of the training input could be chosen: not those held out or of weight zero."""
    net = last_step(estimator)
    mask = getattr(net, "training_mask_", None)
    # A `LossSampledNet` has none, and leaves out no rows by their weight.
    trained = ~net.loss_table_["held_out"] if mask is None else mask
    return np.asarray(trained, dtype=bool)


def selections_among(estimator: object) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """What each round chose, in numbers of the rows that could be chosen, and which these are.

    Rows held out for validation, or of weight zero, would count as given up, and make chance
    look smaller.
    """
    selections = of_history(estimator, "selections_")
    trained = trained_rows(estimator)
    number = np.cumsum(trained) - 1
    return [number[np.asarray(rows, dtype=np.int64)] for rows in selections], trained


def losses_of(estimator: object, X: Any = None, y: Any = None) -> NDArray[Any]:
    """Losses of rows: fresh ones of those given, or the last known of the training rows.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
    X : array-like or None, default=None
        Rows, as the pipeline takes them. None for the training rows, of which those held
        out for validation, and those of weight zero, count as unknown.
    y : array-like or None, default=None
        Their labels; needed with `X`.
    """
    net = last_step(estimator)
    if X is None:
        table = net.loss_table_
        # Rows held out for validation were not trained on: theirs is another kind of loss.
        losses: NDArray[Any] = np.where(table["held_out"], np.nan, table["loss"])
        return losses
    if y is None:
        raise ValueError("y must be given with X: losses are those of the labels.")
    fresh: NDArray[Any] = np.asarray(net.instance_losses(transformed(estimator, X), y))
    return fresh


def staged_losses(estimator: object, X: Any, y: Any) -> Iterator[NDArray[Any]]:
    """Fresh losses of given rows after each round; needs ``record='history'``."""
    if y is None:
        raise ValueError("y must be given with X: losses are those of the labels.")
    of_history(estimator, "weight_history_")
    yield from last_step(estimator).staged_instance_losses(transformed(estimator, X), y)


def loss_name(estimator: object) -> str:
    """The axis label of the estimator's losses."""
    return LOSS_OF_LABELS if hasattr(last_step(estimator), "classes_") else "loss"


def check_counts(
    values: ArrayLike, name: str, per: str, length: int | None = None
) -> NDArray[np.int64]:
    """Counts, one a row or round."""
    counts = np.asarray(values)
    is_fitting = counts.ndim == 1 and 0 < len(counts) == (length or len(counts))
    if not is_fitting or counts.dtype.kind not in "iu" or counts.min() < 0:
        raise ValueError(
            f"{name} must be non-negative integers, one a {per}. "
            f"Got shape {counts.shape} and dtype {counts.dtype}."
        )
    return counts.astype(np.int64)


def check_length(values: ArrayLike, name: str, n_rows: int) -> NDArray[Any]:
    """`values` as an array with one entry a row."""
    array = read(values, name)
    if array.shape != (n_rows,):
        raise ValueError(
            f"{name} must have one value per row, shape ({n_rows},). Got shape {array.shape}."
        )
    return array
