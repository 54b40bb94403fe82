"""What a strategy does on the way: one training off the clock, kept in compact form."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._loss_table import NonFiniteLossError
from sklearn_sifal.comparison._scores import losses_and_predictions, score
from sklearn_sifal.comparison._trainings import Part, Task, one_thread
from sklearn_sifal.inspection._deciles import LossDeciles, loss_deciles
from sklearn_sifal.inspection._instances import InstanceTable, ranked_instances
from sklearn_sifal.inspection._visits import VisitsByGroup, visits_by_decile
from sklearn_sifal.inspection._weights import (
    WeightHistogram,
    WeightStatistics,
    weight_histogram,
    weight_statistics,
)

_N_INSTANCES = 12
# Twice as many evaluations are thinned to this many: rounds can be short and test parts large.
_MOST_POINTS = 40
_Weights = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Recording:
    """One training of a strategy, seen from inside.

    Attributes
    ----------
    rounds : list of dict
        Test figures on the way.
    deciles : LossDeciles
        Of the training rows by their loss after the training; without `bin_of_row`, which
        has an entry for every row.
    visits_by_decile : VisitsByGroup
        Visits by the deciles of the loss that base leaves, which are the same rows for
        every strategy.
    visits, n_rows : ndarray of shape (n_values,), int64
        Numbers of visits that occur, ascending, and how many rows have each.
    weights : WeightStatistics
        Of the fitted net; `kl_from_reference` is that from base's.
    histogram, initial_histogram : WeightHistogram
        Of its weights and of those that it began with, over the range of base's.
    hardest : InstanceTable
        Rows with the largest losses after the training.
    """

    rounds: list[dict[str, Any]]
    deciles: LossDeciles
    visits_by_decile: VisitsByGroup
    visits: NDArray[np.int64]
    n_rows: NDArray[np.int64]
    weights: WeightStatistics
    histogram: WeightHistogram
    initial_histogram: WeightHistogram
    hardest: InstanceTable


@dataclass(frozen=True)
class Yardstick:
    """What other strategies are seen against: base's weights and the losses it leaves.

    Attributes
    ----------
    weights : dict of str to ndarray
        By name.
    losses : ndarray of shape (n_train,), float64
        Of the training rows.
    """

    weights: _Weights
    losses: NDArray[np.float64]


def record_base(
    candidate: LossSampledEstimator, task: Task, part: Part
) -> tuple[Recording, Yardstick]:
    """Record base, which the others are seen against."""
    fitted, rounds, losses, predicted = _fit(candidate, task, part)
    yardstick = Yardstick(fitted.weights_, losses)
    return _recording(fitted, rounds, losses, predicted, part.y, yardstick), yardstick


def record(
    candidate: LossSampledEstimator, task: Task, part: Part, yardstick: Yardstick
) -> Recording | None:
    """Record another strategy; None if a loss became infinite or NaN."""
    try:
        fitted, rounds, losses, predicted = _fit(candidate, task, part)
    except NonFiniteLossError:
        return None
    return _recording(fitted, rounds, losses, predicted, part.y, yardstick)


def _fit(
    candidate: LossSampledEstimator, task: Task, part: Part
) -> tuple[Any, list[dict[str, Any]], NDArray[np.float64], NDArray[Any]]:
    """A fitted estimator, its rounds, and losses and predictions of the training rows."""
    from sklearn_sifal.neural._round_callback import RoundCallback

    estimator: Any = task.configure(candidate)
    watch = _Watch(estimator, part)
    estimator.set_params(callbacks=[*(estimator.callbacks or ()), RoundCallback(watch.after_round)])
    with one_thread():
        estimator.fit(part.X, part.y)
        losses, predicted = losses_and_predictions(estimator, part.X, part.y)
    if is_classifier(estimator):
        predicted = estimator.classes_[predicted]
    return estimator, watch.rounds(task.strategy), losses, predicted


class _Watch:
    """Scores the net on the test part after rounds, as many as are worth drawing.

    Parameters
    ----------
    estimator : LossSampledEstimator
        That is being fitted; what it has learnt of labels and columns is set before its net.
    part : Part
        With the rows to score.
    """

    def __init__(self, estimator: Any, part: Part) -> None:
        self.estimator, self.part = estimator, part
        self._n_rounds, self._step = 0, 1
        self._figures: dict[int, dict[str, float]] = {}

    def after_round(self, net: Any) -> None:
        """Score the net, if this round is worth drawing."""
        number = self._n_rounds
        self._n_rounds += 1
        if number % self._step:
            return
        view = copy.copy(self.estimator)
        view.net_ = net
        self._figures[number] = score(view, self.part.X_scored, self.part.y_scored).figures
        if len(self._figures) > 2 * _MOST_POINTS:
            self._step *= 2
            self._figures = {n: f for n, f in self._figures.items() if n % self._step == 0}

    def rounds(self, strategy: str) -> list[dict[str, Any]]:
        """Records of the rounds that were scored, with the last one among them."""
        history = self.estimator.history_
        figures = dict(self._figures)
        last = len(history) - 1
        if last not in figures:
            figures[last] = score(self.estimator, self.part.X_scored, self.part.y_scored).figures
        visits = np.cumsum([round_["visits"] for round_ in history])
        return [
            {
                "strategy": strategy,
                "round": number,
                "visits": int(visits[number]),
                **figures[number],
                "train_loss": history[number]["train_loss"],
                "chosen_loss": history[number]["chosen_loss"],
                "other_loss": history[number]["other_loss"],
            }
            for number in sorted(figures)
        ]


def _recording(
    fitted: Any,
    rounds: list[dict[str, Any]],
    losses: NDArray[np.float64],
    predicted: NDArray[Any],
    y: NDArray[Any],
    yardstick: Yardstick,
) -> Recording:
    visits = fitted.visit_counts_
    labels = y if is_classifier(fitted) else None
    deciles = loss_deciles(losses, labels)
    # Rows held out, or of weight zero, could not be visited: no choice of the strategy.
    trained = fitted.training_mask_
    values, n_rows = np.unique(visits[trained], return_counts=True)
    weights, initial = fitted.weights_, fitted.initial_weights_
    # A strategy may stand for a net of another depth, too.
    reference = yardstick.weights if yardstick.weights.keys() == weights.keys() else None
    span = _range_of(yardstick.weights)
    return Recording(
        rounds=rounds,
        deciles=replace(deciles, bin_of_row=np.empty(0, np.int64)),
        visits_by_decile=visits_by_decile(visits[trained], yardstick.losses[trained]),
        visits=values.astype(np.int64),
        n_rows=n_rows.astype(np.int64),
        weights=weight_statistics(weights, initial=initial, reference=reference),
        histogram=weight_histogram(weights, value_range=span),
        initial_histogram=weight_histogram(initial, value_range=span),
        hardest=ranked_instances(losses, _N_INSTANCES, y=y, y_pred=predicted, visits=visits),
    )


def _range_of(weights: _Weights) -> tuple[float, float]:
    """Symmetric range that holds all but one in a thousand of a net's weights."""
    values = np.concatenate([np.abs(v).ravel() for k, v in weights.items() if "bias" not in k])
    end = float(np.quantile(values, 0.999)) or 1.0
    return -end, end
