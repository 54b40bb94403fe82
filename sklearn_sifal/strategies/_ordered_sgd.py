"""Ordered SGD: the largest losses of each batch."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from sklearn_sifal._fields import attribute, flag
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._presample import PresampleStrategy
from sklearn_sifal.strategies._ranking import top_k
from sklearn_sifal.strategies._selection import (
    Chosen,
    DrawContext,
    Measured,
    Rows,
    Selection,
)
from sklearn_sifal.strategies._state_checks import check_number, check_whole

# From this training accuracy on, this percentage of each batch is kept.
_SHARES = ((0.995, 6.25), (0.95, 12.5), (0.90, 25.0), (0.80, 50.0))


class OrderedSGD(PresampleStrategy):
    """Train on the rows with the largest losses of each presample (Ordered SGD, q-SGD).

    Of each presample of s rows, scored just before with the present weights, the
    q = percentage s / 100 rows of largest loss are trained on, without weights; rows
    equal to the smallest of them are drawn. s is such that q is one batch. The step is
    an unbiased gradient of an average in which a row counts by the rank of its loss.

    With ``adaptive=True``, q follows the accuracy of the last round as in the paper: s
    below 80 % (then nothing is scored), s / 2 from 80 %, s / 4 from 90 %, s / 8 from 95 %
    and s / 16 from 99.5 %. It never grows back, and `percentage` bounds it from below:
    ``OrderedSGD(6.25, adaptive=True)`` is the paper's rule.

    Losses are fresh: every row is scored once in a round.

    Cost per round, in passes over all rows: one forward pass for scoring, and
    percentage / 100 forward and backward; with k = percentage / 100 and a backward pass
    of twice the forward pass's cost, 1 / 3 + k of a plain round.

    It fails under label noise: wrong labels keep the largest losses of their batch. The
    gradient of the mean loss is biased towards hard rows. With small q, its variance is
    large. The paper presents it for generalisation rather than speed.

    Parameters
    ----------
    percentage : float, default=50.0
        Kept share of each presample, in (0, 100]; at 100 every round has all rows. The
        least share where `adaptive`.
    adaptive : bool, default=False
        Whether the share starts at 100 and falls as the training accuracy rises.
    {{warmup_epochs, final_epochs, max_visits}}

    Attributes
    ----------
    share_ : float
        Where `adaptive`, the percentage that the accuracies so far lead to.

    Notes
    -----
    The published code takes the largest losses of a forward pass with gradient, so that
    the backward pass goes over the whole batch all the same and the step shrinks to q
    rows. Here s grows instead and the step has a full batch: fewer steps a round, each at
    its usual cost. The accuracy is that of all rows as they are first looked at in the
    round: in training steps while all are trained on, later in scoring passes, since
    the rows trained on would then be the hard ones.

    References
    ----------
    Kawaguchi and Lu, "Ordered SGD: a new stochastic optimization framework for empirical
    risk minimization", AISTATS 2020.

    Examples
    --------
    >>> from sklearn_sifal.strategies import OrderedSGD
    >>> OrderedSGD(6.25, adaptive=True)
    OrderedSGD(adaptive=True, percentage=6.25)
    """

    adaptive: bool = flag(default=False)

    share_: float = attribute(100.0, check=partial(check_number, low=_SHARES[0][1], high=100))
    # Rows looked at since the last round began, and how many of them were right.
    n_measured_: int = attribute(0, check=check_whole)
    n_correct_: int = attribute(0, check=check_whole)

    @property
    def measures(self) -> tuple[str, ...]:  # type: ignore[override]  # a constant elsewhere
        """What a scoring pass has to return."""
        return ("loss", "correct") if self.adaptive else ("loss",)

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        self._follow_accuracy()
        yield from super().draw(table, context)

    def observe(self, rows: Rows, measured: Measured, *, training: bool) -> None:
        # Trained rows stand for all while all are trained on, scored ones from then on.
        if self.adaptive and training == (self._kept_percentage() == 100.0):
            self.n_measured_ += len(rows)
            self.n_correct_ += int(np.count_nonzero(measured["correct"]))

    def _check_state(self, table: LossTable) -> None:
        super()._check_state(table)
        check_whole(self, "n_correct_", 0, self.n_measured_)

    def _follow_accuracy(self) -> None:
        """Lower the share by the accuracy of the last round."""
        if self.n_measured_ == 0:
            return
        accuracy = self.n_correct_ / self.n_measured_
        reached = next((share for least, share in _SHARES if accuracy >= least), 100.0)
        self.share_ = min(self.share_, reached)
        self.n_measured_ = self.n_correct_ = 0

    def _kept_percentage(self) -> float:
        return max(self.percentage, self.share_) if self.adaptive else self.percentage

    def _is_full_round(self, n_active: int, context: DrawContext) -> bool:
        return self._kept_percentage() == 100.0 or super()._is_full_round(n_active, context)

    def _keep(self, candidates: Rows, n: int, measured: Measured, context: DrawContext) -> Chosen:
        return top_k(measured["loss"], n, context.rng), None
