"""What a strategy does on the way: one training off the clock, kept in compact form."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal.comparison._scores import losses_and_predictions, scoring_of
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
_LOSSES = ("train_loss", "chosen_loss", "other_loss")
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


def look_inside_base(
    candidate: LossSampledEstimator, task: Task, part: Part
) -> tuple[Recording, Yardstick]:
    """Train base, which the others are seen against."""
    fit = _Fit(candidate, task, part)
    yardstick = Yardstick(fit.estimator.weights_, fit.losses)
    return fit.seen_against(yardstick), yardstick


def look_inside(
    candidate: LossSampledEstimator, task: Task, part: Part, yardstick: Yardstick
) -> Recording | None:
    """Train with another strategy; None if a loss became infinite or NaN."""
    try:
        return _Fit(candidate, task, part).seen_against(yardstick)
    except NonFiniteLossError:
        return None


class _Fit:
    """A training for the eyes alone: the fitted estimator, and what it makes of the rows."""

    def __init__(self, candidate: LossSampledEstimator, task: Task, part: Part) -> None:
        from sklearn_sifal.neural._round_callback import RoundCallback

        self.estimator: Any = task.configure(candidate)
        self.y, self.scoring = part.y, scoring_of(candidate)
        watch = _Watch(self.estimator, part)
        callbacks = [*(self.estimator.callbacks or ()), RoundCallback(watch.after_round)]
        self.estimator.set_params(callbacks=callbacks)
        with one_thread():
            part.fit(self.estimator)
            found = losses_and_predictions(self.estimator, part.X, part.y)
            self.losses, self.predicted = found
        self.rounds = watch.rounds(task.strategy)

    def seen_against(self, yardstick: Yardstick) -> Recording:
        """What is kept of it."""
        visits, y = self.estimator.visit_counts_, self.y
        deciles = loss_deciles(self.losses, y if self.scoring.has_labels else None)
        # Rows held out, or of weight zero, could not be visited: no choice of the strategy.
        trained = self.estimator.training_mask_
        values, n_rows = np.unique(visits[trained], return_counts=True)
        weights, initial = self.estimator.weights_, self.estimator.initial_weights_
        # A strategy may stand for a net of another depth, too.
        reference = yardstick.weights if yardstick.weights.keys() == weights.keys() else None
        span = _range_of(yardstick.weights)
        return Recording(
            rounds=self.rounds,
            deciles=replace(deciles, bin_of_row=np.empty(0, np.int64)),
            visits_by_decile=visits_by_decile(visits[trained], yardstick.losses[trained]),
            visits=values.astype(np.int64),
            n_rows=n_rows.astype(np.int64),
            weights=weight_statistics(weights, initial=initial, reference=reference),
            histogram=weight_histogram(weights, value_range=span),
            initial_histogram=weight_histogram(initial, value_range=span),
            hardest=ranked_instances(
                self.losses, _N_INSTANCES, y=y, y_pred=self.predicted, visits=visits
            ),
        )


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
        self._figures[number] = self._score(view)
        if len(self._figures) > 2 * _MOST_POINTS:
            self._step *= 2
            self._figures = {n: f for n, f in self._figures.items() if n % self._step == 0}

    def rounds(self, strategy: str) -> list[dict[str, Any]]:
        """Figures of the rounds that were scored, with the last one among them."""
        history = self.estimator.history_
        figures = dict(self._figures)
        last = len(history) - 1
        if last not in figures:
            figures[last] = self._score(self.estimator)
        visits = np.cumsum([round_["visits"] for round_ in history])
        return [
            {
                "strategy": strategy,
                "round": number,
                "visits": int(visits[number]),
                **figures[number],
                **{key: history[number][key] for key in _LOSSES},
            }
            for number in sorted(figures)
        ]

    def _score(self, estimator: Any) -> dict[str, float]:
        return self.part.score(estimator).figures


def _range_of(weights: _Weights) -> tuple[float, float]:
    """Symmetric range that holds all but one in a thousand of a net's weights."""
    values = np.concatenate([np.abs(v).ravel() for k, v in weights.items() if "bias" not in k])
    end = float(np.quantile(values, 0.999)) or 1.0
    return -end, end
