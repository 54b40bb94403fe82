"""Every figure as a mean over the test rows, so that one law judges them all."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

_Values = NDArray[np.float64]


@dataclass(frozen=True)
class RowResults:
    """What one training did on its test rows, in compact form.

    Attributes
    ----------
    y : ndarray of shape (n_test,)
        Numbers of the labels, or targets.
    predicted : ndarray of shape (n_test,)
        The same as predicted.
    losses : ndarray of shape (n_test,), float32
        As the estimator is trained with, in nats for labels.
    """

    y: NDArray[np.generic]
    predicted: NDArray[np.generic]
    losses: NDArray[np.float32]


def values_by_row(metric: str, results: RowResults) -> _Values:
    """What each row adds to a figure.

    Means over labels are no means over rows. They enter by their influence functions: the figure,
    plus how it changes with the weight of the row. The mean over the rows is the figure, and
    differences and their errors are right to the first order (the infinitesimal jackknife [1]_).

    Parameters
    ----------
    metric : str
        Name of the figure.
    results : RowResults
        Of one training.

    Returns
    -------
    values : ndarray of shape (n_test,), float64
        Whose mean is the figure.

    References
    ----------
    .. [1] L. A. Jaeckel. The infinitesimal jackknife. Bell Laboratories Memorandum, 1972.
    """
    return _VALUES[metric](results)


def _accuracy(results: RowResults) -> _Values:
    return np.asarray(results.predicted == results.y, np.float64)


def _loss(results: RowResults) -> _Values:
    return results.losses.astype(np.float64)


def _squared(results: RowResults) -> _Values:
    return np.asarray(_residuals(results) ** 2, np.float64)


def _absolute(results: RowResults) -> _Values:
    return np.abs(_residuals(results))


def _residuals(results: RowResults) -> _Values:
    residuals: _Values = results.y.astype(np.float64) - results.predicted.astype(np.float64)
    return residuals


def _r2(results: RowResults) -> _Values:
    y = results.y.astype(np.float64)
    deviations, errors = (y - y.mean()) ** 2, _squared(results)
    variance = deviations.mean()
    if variance == 0:
        return np.full(len(y), np.nan)
    ratio = errors.mean() / variance
    return np.asarray(1 - ratio - (errors - ratio * deviations) / variance, np.float64)


def _mean_over_labels(
    results: RowResults, *, right: float = 1.0, of_label: float = 0.0, of_predicted: float = 0.0
) -> _Values:
    """Mean over the labels of the test part of weighted right rows by weighted rows of the label.

    Parameters
    ----------
    results : RowResults
        Of one training.
    right : float
        Weight of the rows of a label that are predicted so, above the line.
    of_label, of_predicted : float
        Weights of all rows of the label, and of all that are predicted so, below the line.
    """
    y, predicted = results.y.astype(np.int64), results.predicted.astype(np.int64)
    n_labels = int(max(y.max(), predicted.max())) + 1
    hit = y == predicted
    n_true = np.bincount(y, minlength=n_labels)
    below = of_label * n_true + of_predicted * np.bincount(predicted, minlength=n_labels)
    counted = (n_true > 0) & (below > 0)
    ratios = np.zeros(n_labels)
    ratios[counted] = right * np.bincount(y[hit], minlength=n_labels)[counted] / below[counted]
    scale = np.zeros(n_labels)
    scale[counted] = len(y) / (below[counted] * np.count_nonzero(n_true))
    mean = ratios.sum() / np.count_nonzero(n_true)
    own, other = (ratios * scale)[y], (ratios * scale)[predicted]
    change = right * hit * scale[y] - of_label * own - of_predicted * other
    return np.asarray(mean + change, np.float64)


_VALUES: dict[str, Callable[[RowResults], _Values]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": partial(_mean_over_labels, of_label=1.0),
    "precision": partial(_mean_over_labels, of_predicted=1.0),
    "recall": partial(_mean_over_labels, of_label=1.0),
    "f1": partial(_mean_over_labels, right=2.0, of_label=1.0, of_predicted=1.0),
    "nll": _loss,
    "loss": _loss,
    "r2": _r2,
    "mse": _squared,
    "mae": _absolute,
}
