"""Test figures of a fitted estimator, and how each is shown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.metrics import precision_recall_fscore_support

from sklearn_sifal._estimator import LossSampledEstimator

_ROWS_PER_PART = 1 << 16


@dataclass(frozen=True)
class Metric:
    """A figure of the test part.

    Attributes
    ----------
    name : str
        Key in the records.
    label : str
        In words.
    factor : float
        From the figure to the unit of `unit`: 100 for shares.
    unit : str
        Of differences; empty for none.
    higher_is_better : bool
        Which way is up.
    digits : int
        Decimals of the figure, times `factor`.
    """

    name: str
    label: str
    factor: float = 100.0
    unit: str = "points"
    higher_is_better: bool = True
    digits: int = 2


CLASSIFICATION = (
    Metric("accuracy", "accuracy"),
    Metric("balanced_accuracy", "balanced accuracy"),
    Metric("precision", "macro precision"),
    Metric("recall", "macro recall"),
    Metric("f1", "macro F1"),
    Metric("nll", "negative log-likelihood", 1.0, "nats", False, 4),
)
REGRESSION = (
    Metric("r2", "R²", 1.0, "", True, 4),
    Metric("mse", "mean squared error", 1.0, "squared units of y", False, 4),
    Metric("mae", "mean absolute error", 1.0, "units of y", False, 4),
)


@dataclass(frozen=True)
class TestScores:
    """What one fitted estimator does on the test part.

    Attributes
    ----------
    figures : dict of str to float
        One a metric; the first is the main one.
    per_class : ndarray of shape (3, n_classes) or None
        Precision, recall and F1; NaN for the recall and F1 of a class without test rows.
    by_row : dict of str to ndarray of shape (n_test,)
        For figures that are means over the test rows, what each row adds to the mean.
    """

    __test__ = False  # for pytest, which collects by name

    figures: dict[str, float]
    per_class: NDArray[np.float64] | None = None
    by_row: dict[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scoring:
    """What differs in a comparison between classifiers and regressors.

    Attributes
    ----------
    metrics : tuple of Metric
        The figures; the first is the main one.
    has_labels : bool
        Whether targets are labels, and not numbers.
    score : callable
        Takes a fitted estimator, inputs as it takes them and their targets, and gives
        `TestScores`.
    losses_and_predictions : callable
        Takes the same and gives the loss of every row, in nats or what a regressor is trained
        with, and the targets that are predicted.
    """

    metrics: tuple[Metric, ...]
    has_labels: bool
    score: Callable[[Any, Any, NDArray[Any]], TestScores]
    losses_and_predictions: Callable[
        [Any, Any, NDArray[Any]], tuple[NDArray[np.float64], NDArray[Any]]
    ]


def scoring_of(estimator: LossSampledEstimator) -> Scoring:
    """How an estimator is scored: the one place that asks of what kind it is."""
    if is_classifier(estimator):
        return Scoring(CLASSIFICATION, True, _score_labels, _losses_and_labels)
    return Scoring(REGRESSION, False, _score_numbers, _losses_and_numbers)


def loss_among(metrics: Iterable[Metric]) -> Metric:
    """The figure that is a mean loss."""
    return next(metric for metric in metrics if not metric.higher_is_better)


def _score_labels(estimator: Any, X: Any, y: NDArray[Any]) -> TestScores:
    codes = np.searchsorted(estimator.classes_, y)
    losses, predicted = _losses_and_codes(estimator, X, codes)
    per_class = _per_class(codes, predicted, len(estimator.classes_))
    tested = ~np.isnan(per_class[1])
    precision, recall, f1 = per_class[:, tested].mean(axis=1)
    correct = predicted == codes
    figures = {
        "accuracy": float(correct.mean()),
        "balanced_accuracy": float(recall),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "nll": float(losses.mean()),
    }
    by_row = {"accuracy": correct, "nll": losses.astype(np.float32)}
    return TestScores(figures, per_class, by_row)


def _losses_and_labels(
    estimator: Any, X: Any, y: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    losses, codes = _losses_and_codes(estimator, X, np.searchsorted(estimator.classes_, y))
    return losses, estimator.classes_[codes]


def _losses_and_codes(
    estimator: Any, X: Any, codes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Loss of every row, and the code of the label that is predicted for it."""
    losses, predicted = np.empty(len(codes)), np.empty(len(codes), np.int64)
    # In parts: the outputs for a million rows and many classes would fill the memory.
    for start in range(0, len(codes), _ROWS_PER_PART):
        part = slice(start, start + _ROWS_PER_PART)
        log_proba = estimator.predict_log_proba(X[part])
        predicted[part] = log_proba.argmax(axis=1)
        losses[part] = -log_proba[np.arange(len(log_proba)), codes[part]]
    return losses, predicted


def _per_class(
    codes: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int
) -> NDArray[np.float64]:
    precision, recall, f1, support = precision_recall_fscore_support(
        codes, predicted, labels=np.arange(n_classes), zero_division=0
    )
    values = np.array([precision, recall, f1], np.float64)
    values[1:, support == 0] = np.nan
    return values


def _losses_and_numbers(
    estimator: Any, X: Any, y: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return estimator.instance_losses(X, y), estimator.predict(X)


def _score_numbers(estimator: Any, X: Any, y: NDArray[Any]) -> TestScores:
    residuals = np.asarray(y, np.float64) - estimator.predict(X)
    mse = float(np.mean(residuals**2))
    variance = float(np.var(y))
    figures = {
        "r2": 1 - mse / variance if variance > 0 else float("nan"),
        "mse": mse,
        "mae": float(np.abs(residuals).mean()),
    }
    # Of a difference in R² the variance of y is a common factor.
    by_row = {"mse": residuals**2, "mae": np.abs(residuals)}
    if variance > 0:
        by_row["r2"] = -by_row["mse"] / variance
    return TestScores(figures, by_row=by_row)
