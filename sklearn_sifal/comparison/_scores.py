"""Test figures of a fitted estimator, and how each is shown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._targets import ClassTargets
from sklearn_sifal.comparison._net_estimator import NetEstimator
from sklearn_sifal.comparison._row_values import RowResults


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

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.higher_is_better else -1

    def error(self, value: float) -> float:
        """How far a figure is from the best there is.

        A loss may be negative, since the logarithm of a density has no bound: it counts by
        its size.
        """
        return 1 - value if self.higher_is_better else abs(value)


CLASSIFICATION = (
    Metric("accuracy", "accuracy"),
    Metric("balanced_accuracy", "balanced accuracy"),
    Metric("precision", "macro precision"),
    Metric("recall", "macro recall"),
    Metric("f1", "macro F1"),
    Metric("nll", "negative log-likelihood", 1.0, "nats", False, 4),
)
# Where a loss of the user's own, or one with weights, stands in the place of the likelihood.
_MEAN_LOSS = Metric("nll", "mean loss", 1.0, "", False, 4)
CLASSIFICATION_BY_OWN_LOSS = (*CLASSIFICATION[:-1], _MEAN_LOSS)
#: Where nobody but the criterion knows what a good output is.
LOSS_ALONE = (Metric("loss", "mean loss", 1.0, "", False, 4),)
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
    rows : RowResults or None
        Of every test row; None where there was nothing to score.
    """

    __test__ = False  # for pytest, which collects by name

    figures: dict[str, float]
    per_class: NDArray[np.float64] | None = None
    rows: RowResults | None = None


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
        Takes a fitted estimator, inputs as it takes them, their targets and all labels that
        there are (None for numbers), and gives `TestScores`.
    """

    metrics: tuple[Metric, ...]
    has_labels: bool
    score: Callable[[Any, Any, NDArray[Any], Any], TestScores]


def scoring_of(estimator: Any) -> Scoring:
    """How an estimator is scored: the one place that asks of what kind it is."""
    if estimator._kind is None:
        return Scoring(LOSS_ALONE, False, _score_losses)
    if issubclass(estimator._kind, ClassTargets):
        if isinstance(estimator, NetEstimator) and not estimator.targets.is_likelihood:
            return Scoring(CLASSIFICATION_BY_OWN_LOSS, True, _score_labels)
        return Scoring(CLASSIFICATION, True, _score_labels)
    return Scoring(REGRESSION, False, _score_numbers)


def loss_among(metrics: Iterable[Metric]) -> Metric:
    """The figure that is a mean loss."""
    return next(metric for metric in metrics if not metric.higher_is_better)


def losses_and_predictions(
    estimator: LossSampledEstimator, X: Any, y: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Loss of every row, as the estimator is trained with, and the target predicted for it."""
    losses, predicted = estimator._losses_and_predictions(X, y)
    return losses.astype(np.float64), predicted


def _score_labels(estimator: Any, X: Any, y: NDArray[Any], labels: NDArray[Any]) -> TestScores:
    losses, predicted = losses_and_predictions(estimator, X, y)
    codes, predicted_codes = (_codes(values, labels) for values in (y, predicted))
    per_class = _per_class(codes, predicted_codes, len(labels))
    tested = ~np.isnan(per_class[1])
    precision, recall, f1 = per_class[:, tested].mean(axis=1)
    figures = {
        "accuracy": float(np.mean(codes == predicted_codes)),
        "balanced_accuracy": float(recall),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "nll": float(losses.mean()),
    }
    smallest = np.min_scalar_type(len(labels))
    rows = RowResults(
        codes.astype(smallest), predicted_codes.astype(smallest), losses.astype(np.float32)
    )
    return TestScores(figures, per_class, rows)


def _codes(values: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers of labels; their number for what is none, as a module with more outputs predicts."""
    codes = np.searchsorted(labels, values)
    known = np.take(labels, codes, mode="clip") == values
    return np.where(known, codes, len(labels))


def _per_class(
    y: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int
) -> NDArray[np.float64]:
    precision, recall, f1, support = precision_recall_fscore_support(
        y, predicted, labels=np.arange(n_classes), zero_division=0
    )
    values = np.array([precision, recall, f1], np.float64)
    values[1:, support == 0] = np.nan
    return values


def _score_numbers(estimator: Any, X: Any, y: NDArray[Any], labels: None) -> TestScores:
    losses, predicted = losses_and_predictions(estimator, X, y)
    y = np.asarray(y, np.float64)
    residuals = y - predicted
    mse, variance = float(np.mean(residuals**2)), float(np.var(y))
    figures = {
        "r2": 1 - mse / variance if variance > 0 else float("nan"),
        "mse": mse,
        "mae": float(np.abs(residuals).mean()),
    }
    rows = RowResults(y, np.asarray(predicted, np.float64), losses.astype(np.float32))
    return TestScores(figures, rows=rows)


def _score_losses(estimator: Any, X: Any, y: NDArray[Any], labels: None) -> TestScores:
    losses, predicted = losses_and_predictions(estimator, X, y)
    rows = RowResults(np.asarray(y, np.float64), predicted, losses.astype(np.float32))
    return TestScores({"loss": float(losses.mean())}, rows=rows)
