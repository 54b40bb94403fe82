"""Test figures of a fitted estimator, and how each is shown."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.metrics import precision_recall_fscore_support

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


def metrics_of(estimator: Any) -> tuple[Metric, ...]:
    """The metrics of a classifier or of a regressor."""
    return CLASSIFICATION if is_classifier(estimator) else REGRESSION


def score(estimator: Any, X: Any, y: NDArray[Any]) -> TestScores:
    """Score a fitted estimator.

    Parameters
    ----------
    estimator : LossSampledEstimator
        Fitted.
    X : {ndarray, sparse matrix} of shape (n_test, n_features)
        Inputs as the estimator takes them.
    y : ndarray of shape (n_test,)
        Targets; labels among the estimator's.
    """
    if metrics_of(estimator) is REGRESSION:
        return _regression_scores(y, estimator.predict(X))
    losses, predicted = losses_and_predictions(estimator, X, y)
    codes = np.searchsorted(estimator.classes_, y)
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


def losses_and_predictions(
    estimator: Any, X: Any, y: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Loss of every row and what is predicted for it.

    Parameters
    ----------
    estimator : LossSampledEstimator
        Fitted.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Inputs.
    y : ndarray of shape (n_samples,)
        Targets.

    Returns
    -------
    losses : ndarray of shape (n_samples,), float64
        In nats, or those that a regressor is trained with.
    predictions : ndarray of shape (n_samples,)
        Codes of labels, or predicted targets.
    """
    if metrics_of(estimator) is REGRESSION:
        return estimator.instance_losses(X, y), estimator.predict(X)
    codes = np.searchsorted(estimator.classes_, y)
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


def _regression_scores(y: NDArray[Any], predicted: NDArray[np.float64]) -> TestScores:
    residuals = np.asarray(y, np.float64) - predicted
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
