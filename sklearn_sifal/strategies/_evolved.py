"""Evolved Sampling: batches drawn from presamples by loss and by its past."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._fields import real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._presample import PresampleStrategy
from sklearn_sifal.strategies._ranking import count_for, top_k
from sklearn_sifal.strategies._scores import two_beta_average
from sklearn_sifal.strategies._selection import (
    Chosen,
    DrawContext,
    Measured,
    Rows,
    Selection,
    Setup,
)
from sklearn_sifal.strategies._state_checks import column


class EvolvedSampling(PresampleStrategy):
    """Draw each batch from a scored presample, by the loss and its moving average (ES).

    Every row has an average s, at first 1 / N. When a presample is scored, with losses l,

    - its rows get the weight w = beta1 s + (1 - beta1) l,
    - then s becomes beta2 s + (1 - beta2) l,
    - and `percentage` of them are drawn without replacement, one after the other with
      probability in proportion to w. They are trained on without weights.

    Taken apart, w is mostly the loss, plus its difference to its own past: a row whose
    loss has just risen comes up more often. With betas (0, 1) it is the loss alone.

    With `set_fraction` below 1 (ESWP) a round first draws this share of the rows, in
    proportion to s, and makes presamples of these alone.

    A row counts once a round in s: a row that was scored and then trained on counts with
    the loss of the scoring pass, in evaluation mode, and not a second time with nearly the
    same loss in the training step. Rows of warm-up and final rounds, and rows never seen
    before, count with the loss of their training step.

    Cost per round, in passes over all rows: 1 forward for the scores, and percentage / 100
    forward and backward; both times `set_fraction`. With a backward pass as dear as a
    forward pass, a batch costs as much as 1 + 50 / percentage plain ones: 3 by default.

    Under label noise, wrong labels have large losses and are drawn more often; the average
    does not change this, as it is large for them too. The gradient is biased towards hard
    rows.

    Parameters
    ----------
    percentage : float, default=25.0
        Share of a presample that is trained on, in (0, 100]; at 100, with a `set_fraction`
        of 1, nothing is scored and every round has all rows.
    beta1 : float, default=0.2
        Share of the past in the weight, in [0, 1].
    beta2 : float, default=0.8
        Share of the past in the average, in [0, 1].
    set_fraction : float, default=1.0
        Share of the rows, in (0, 1], that a round takes its presamples from.
    {{warmup_epochs, final_epochs}}
        The paper trains plainly at both ends.
    {{max_visits}}

    Attributes
    ----------
    averages_ : ndarray of shape (n_rows,), float32
        The averages s, in nats.
    weights_ : ndarray of shape (n_rows,), float32
        The weights w when last computed, in nats; not weights of the loss.

    Notes
    -----
    Betas are the paper's. The share of a presample is not: we know of no single value, and
    took 25, one batch of four, between the 10 of RHO-LOSS and the 50 of Selective Backprop.
    Drawing the set in proportion to s is our reading of "by score": the rows of largest
    s alone would never give the others a chance to be measured again. The paper
    was not accepted at two conferences, where reviews missed a random baseline: compare
    with `Random`.

    References
    ----------
    Cheng, Li and Bian, "Data-efficient training by evolved sampling", arXiv 2509.23461,
    2025. Draws in proportion without replacement by largest keys: Efraimidis and Spirakis,
    "Weighted random sampling with a reservoir", Information Processing Letters 97, 2006.

    Examples
    --------
    >>> from sklearn_sifal.strategies import EvolvedSampling
    >>> EvolvedSampling(percentage=50, set_fraction=0.8)
    EvolvedSampling(percentage=50, set_fraction=0.8)
    """

    percentage = 25.0
    beta1: float = real(0, 1, default=0.2)
    beta2: float = real(0, 1, default=0.8)
    set_fraction: float = real(0, 1, default=1.0, open_low=True)

    non_negative: ClassVar[bool] = True

    averages_ = column(np.float32, 0)
    weights_ = column(np.float32, 0)
    counted_ = column(np.bool_, False)

    @property
    def needs_score(self) -> bool:
        """Whether a round cannot do without a scoring pass: always, below 100 per cent."""
        return not self._keeps_presamples_whole()

    def begin(self, table: LossTable, setup: Setup) -> Self:
        super().begin(table, setup)
        self.averages_[:] = self.weights_[:] = 1 / setup.n_rows
        return self

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        self.counted_[:] = False
        yield from super().draw(table, context)

    def observe(self, rows: Rows, measured: Measured, *, training: bool) -> None:
        new = ~self.counted_[rows]
        rows, losses = rows[new], measured["loss"][new]
        self.counted_[rows] = True
        self.weights_[rows], self.averages_[rows] = two_beta_average(
            self.averages_[rows], losses, self.beta1, self.beta2
        )

    def _draw_round(
        self, active: Rows, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        kept = self._set_of_round(active, table, context)
        if context.visits_left is not None:
            # The final epochs have all active rows, not only the ones kept.
            reserved = self.final_epochs * (len(active) - len(kept))
            context = replace(context, visits_left=context.visits_left - reserved)
        if self._keeps_presamples_whole():
            room = self._room(len(kept), context)
            yield self._leave_room(Selection(kept), room, context)
        else:
            yield from super()._draw_round(kept, table, context)

    def _set_of_round(self, active: Rows, table: LossTable, context: DrawContext) -> Rows:
        """The rows to make presamples of, ascending, with all that were never seen."""
        seen = table.loss_epoch[active] >= 0
        n = max(count_for(100 * self.set_fraction, int(seen.sum())), context.batch_size)
        kept = ~seen
        kept[np.flatnonzero(seen)[_draw(self.averages_[active[seen]], n, context.rng)]] = True
        return active[kept]

    def _keep(self, candidates: Rows, n: int, measured: Measured, context: DrawContext) -> Chosen:
        self._check_non_negative(measured["loss"])
        # `observe` has just computed the weights, with the averages of before.
        return _draw(self.weights_[candidates], n, context.rng), None

    def _keeps_presamples_whole(self) -> bool:
        return float(self.percentage) == 100.0

    def _takes_everything(self) -> bool:
        return self._keeps_presamples_whole() and float(self.set_fraction) == 1.0


def _draw(weights: NDArray[np.float32], n: int, rng: np.random.Generator) -> Rows:
    """Draw n positions one after the other, in proportion to the weights of those left."""
    if n >= len(weights):
        return np.arange(len(weights))
    # The order of exponential variables divided by the weights is that of such draws. A
    # criterion may give a loss just below zero by rounding.
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(weights.astype(np.float64), 0.0))
    return top_k(logs - np.log(rng.standard_exponential(len(weights))), n, rng)
