"""What is told of the end of every round: recorder, validation, progress."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal._inputs import Inputs
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._progress import ProgressBar
from sklearn_sifal._targets import Targets
from sklearn_sifal.neural._rounds import Figures, ObservedNet, RoundObserver, Rounds, Weights


class FullRecorder(RoundObserver):
    """Keeps the losses, the rows and the weights of every round.

    Parameters
    ----------
    dtype : {'float32', 'float16'}
        Type that the losses are kept in. Those beyond its range become its largest number.

    Attributes
    ----------
    losses : list of ndarray of shape (n_rows,)
        Last known losses at the end of each round.
    selections : list of ndarray, int64
        Rows trained on, ascending.
    weights : list of dict of str to ndarray
        Weights at the end of each round.
    """

    records_rows = True

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)
        self.losses: list[NDArray[np.floating]] = []
        self.selections: list[NDArray[np.int64]] = []
        self.weights: list[Weights] = []

    def after_round(self, net: ObservedNet, rounds: Rounds, figures: Figures) -> bool:
        """Copy losses, rows and weights; never stops."""
        self.losses.append(as_kept(rounds.plan.table.loss, self.dtype))
        # Empty where scoring used up what was left of the budget.
        trained = [np.empty(0, np.int64), *rounds.counts.rows]
        self.selections.append(np.sort(np.concatenate(trained)))
        self.weights.append(net.get_weights())
        return False

    def enter_into(self, table: LossTable, records: NDArray[np.int64]) -> None:
        """Tell of the records of a larger table instead, where the only round's rows now are.

        Parameters
        ----------
        table : LossTable
            The larger table, after the round.
        records : ndarray of shape (n_rows,), int64
            Its record for each row.
        """
        self.losses = [as_kept(table.loss, self.dtype)]
        self.selections = [np.sort(records[rows]) for rows in self.selections]


def as_kept(losses: NDArray[np.floating], dtype: np.dtype[Any]) -> NDArray[np.floating]:
    """A copy of losses in a type that may be too narrow for some; NaN stays NaN."""
    largest = float(np.finfo(dtype).max)
    if largest < float(np.finfo(losses.dtype).max):
        losses = np.clip(losses, -largest, largest)
    return losses.astype(dtype)


@dataclass(eq=False, kw_only=True)
class ValidationMonitor(RoundObserver):
    """Measures a validation score once per full epoch's worth of visits.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_inputs, n_features)
        Inputs.
    y : ndarray of shape (n_samples,)
        Class codes, or standardised targets.
    weights : ndarray of shape (n_samples,) or None
        Sample weights; None for ones.
    rows : ndarray of shape (n_samples,), int64, or None
        Which rows of X to validate with; None for all.
    targets : Targets
        Says what the score is.
    n_rows_trained : int
        Rows of the training part: the visits of a full epoch.
    patience : int or None
        Checks without an improvement of more than `tol` after which training stops;
        None never stops, and keeps the last weights.
    tol : float
        Least improvement of the score.

    Attributes
    ----------
    scores : list of float
        The score at each check.
    losses : ndarray of shape (n_samples,) or None
        Validation losses of the weights that are kept.
    epoch : int
        Round in which `losses` were measured.
    """

    X: Inputs
    y: NDArray[Any]
    weights: NDArray[Any] | None
    rows: NDArray[np.int64] | None
    targets: Targets
    n_rows_trained: int
    patience: int | None
    tol: float
    scores: list[float] = field(default_factory=list)
    losses: NDArray[np.float32] | None = None
    epoch: int = -1
    _best_score: float = -np.inf
    _best_weights: Weights | None = None
    _checks_without_gain: int = 0
    _visits_at_check: int = 0

    def after_round(self, net: ObservedNet, rounds: Rounds, figures: Figures) -> bool:
        """Check if it is time; returns True when patience has run out."""
        budget = rounds.plan.budget
        due = budget.visits - self._visits_at_check >= self.n_rows_trained
        if not (due or budget.is_spent):
            return False
        self._visits_at_check = budget.visits
        score, losses = self._measure(net)
        figures["validated"] = len(self.y)
        figures[self.targets.score_name] = score
        figures["valid_loss"] = _mean(losses, self.weights)
        # The best is any improvement; patience asks for one that counts.
        self._checks_without_gain += 1
        if not self.scores or score > max(self.scores) + self.tol:
            self._checks_without_gain = 0
        self.scores.append(score)
        if self.patience is None:
            self.losses, self.epoch = losses, int(figures["epoch"])
            return False
        if score > self._best_score:
            self._best_score, self.losses, self.epoch = score, losses, int(figures["epoch"])
            self._best_weights = net.get_weights()
        return self._checks_without_gain >= self.patience

    def _measure(self, net: ObservedNet) -> tuple[float, NDArray[np.float32]]:
        outputs = net.forward(net.get_dataset(self.X, self.y, self.rows))
        losses: NDArray[np.float32] = net.get_loss(outputs, torch.from_numpy(self.y)).numpy()
        self._check_losses(losses)
        return self.targets.score(outputs.numpy(), self.y, self.weights), losses

    def _check_losses(self, losses: NDArray[np.floating]) -> None:
        """Raise for what would be no score: NaN outputs have a largest one, too."""
        wrong = np.flatnonzero(~np.isfinite(losses))
        if len(wrong):
            row = int(wrong[0] if self.rows is None else self.rows[wrong[0]])
            raise NonFiniteLossError(
                f"Training stopped because the loss of validation row {row} became infinite or "
                "NaN. Try a smaller lr, and features of validation rows that are scaled as those "
                "trained on.",
                row,
            )

    def restore_best(self, net: ObservedNet) -> None:
        """Put the best weights back, if early stopping kept any."""
        if self._best_weights is not None:
            net.set_weights(self._best_weights)
            self._best_weights = None


def _mean(losses: NDArray[np.floating], weights: NDArray[Any] | None) -> float:
    """Weighted mean; in float64 where the sum is too large for the type of the losses."""
    with np.errstate(over="ignore"):
        mean = float(np.average(losses, weights=weights))
    if np.isfinite(mean):
        return mean
    return float(np.average(losses.astype(np.float64), weights=weights))


@dataclass(frozen=True, eq=False)
class ProgressObserver(RoundObserver):
    """Moves a progress bar by the share of the training that is done.

    Parameters
    ----------
    bar : ProgressBar
        The bar; closed by its owner.
    targets : Targets
        Says what the validation score is called.
    """

    bar: ProgressBar
    targets: Targets

    def after_round(self, net: ObservedNet, rounds: Rounds, figures: Figures) -> bool:
        """Show the round; never stops."""
        budget = rounds.plan.budget
        done = 1.0 if budget.is_spent else budget.progress
        text = f"round {budget.rounds}, loss {figures['train_loss']:.3f}"
        score = figures.get(self.targets.score_name)
        if score is not None:
            text += f", validation {self.targets.score_in_words} {score:.3f}"
        self.bar.update_to(done, text)
        return False
