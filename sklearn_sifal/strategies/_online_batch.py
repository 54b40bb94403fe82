"""Online batch selection: draws whose probability falls exponentially with the loss's rank."""

import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from sklearn_sifal._fields import attribute, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._ranking import count_for, ranks_from_top, top_k
from sklearn_sifal.strategies._selection import DrawContext, Rows, Selection
from sklearn_sifal.strategies._share import FixedShareStrategy


class OnlineBatchSelection(FixedShareStrategy):
    r"""Train on rows drawn by the rank of their loss (Loshchilov and Hutter).

    With N rows sorted by their latest loss, i = 1 for the largest, draws are made with
    replacement with probabilities proportional to exp(-log(s) i / N): the hardest row is
    drawn s times as often as the easiest. The pressure s falls over the training from
    `s_e` to `s_e_end`, by the same factor in equal times. No weights.

    A round makes percentage N / 100 draws. Every `r_freq` rounds, the `r_ratio` N rows of
    largest loss are scored with the present weights and all are ranked anew. With
    ``r_freq=0.5`` that is twice a round: the draws are split in halves, and the rows are
    scored before each. Between, the losses of training steps count. Rows never seen join
    the first draws of a round, once.

    Cost per round, in passes over all rows: percentage / 100 forward and backward, and
    r_ratio / r_freq forward for scoring; two forward passes by default.

    It fails under label noise, as wrong labels keep the first ranks, and it overtrains on
    hard rows: results depend much on `s_e`. The gradient is biased.

    Parameters
    ----------
    percentage : float, default=100.0
        Draws per round in per cent of the rows, in (0, 100]. At 100 this is not `Base`:
        rows are drawn with replacement all the same.
    s_e : float, default=100.0
        Selection pressure at the start, at least 1; 1 draws evenly.
    s_e_end : float, default=1.0
        Selection pressure at the end, at least 1.
    r_ratio : float, default=1.0
        Share of the rows, in (0, 1], that is scored; the largest losses.
    r_freq : float, default=0.5
        Rounds between two scorings, at least 0. Below 1, a round is split into the whole
        number of parts nearest to 1 / r_freq, none less than a batch; 0 for no scoring.
    {{warmup_epochs, final_epochs, max_visits}}
        Each draw is a visit.

    Notes
    -----
    The paper sorts anew after a set number of steps; here the rows are sorted whenever
    draws are made: before each part of a round. The pressure is that of the beginning of
    the round.

    References
    ----------
    Loshchilov and Hutter, "Online batch selection for faster training of neural networks",
    ICLR 2016 workshop, arXiv:1511.06343.

    Examples
    --------
    >>> from sklearn_sifal.strategies import OnlineBatchSelection
    >>> OnlineBatchSelection(percentage=50, r_freq=1)
    OnlineBatchSelection(percentage=50, r_freq=1)
    """

    percentage = 100.0
    s_e: float = real(1, default=100.0)
    s_e_end: float = real(1, default=1.0)
    r_ratio: float = real(0, 1, default=1.0, open_low=True)
    r_freq: float = real(0, default=0.5)
    # It has its own scorings and draws.
    refresh: str | int = attribute("table")
    exploration: float = attribute(0.0)

    per_batch: ClassVar[bool] = True
    replacement: ClassVar[bool] = True

    @property
    def needs_score(self) -> bool:
        return self.r_freq > 0

    @property
    def needs_end(self) -> bool:
        return self.s_e != self.s_e_end or super().needs_end

    def _takes_everything(self) -> bool:
        return False

    def _draw_round(
        self, active: Rows, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        room = self._room(len(active), context)
        is_known = table.loss_epoch[active] >= 0
        known, unknown = active[is_known], active[~is_known]
        if len(known) == 0:
            yield self._leave_room(Selection(unknown), room, context)
            return
        for n in self._parts(len(active), context):
            if room < 1:
                return
            room -= self._rescore(known, room - min(n, context.batch_size), table, context)
            rows = np.concatenate([self._drawn(known, n, table, context), unknown])
            unknown = unknown[:0]
            selection = self._leave_room(Selection(np.sort(rows)), room, context)
            room -= len(selection)
            yield selection

    def _parts(self, n_active: int, context: DrawContext) -> list[int]:
        """Numbers of draws between two scorings of the round."""
        total = max(count_for(self.percentage, n_active), min(n_active, context.batch_size))
        wanted = round(1 / self.r_freq) if 0 < self.r_freq < 1 else 1
        n_parts = max(1, min(wanted, total // context.batch_size))
        return [total * (k + 1) // n_parts - total * k // n_parts for k in range(n_parts)]

    def _rescore(self, known: Rows, room: float, table: LossTable, context: DrawContext) -> float:
        """Score the rows of largest loss if that is due and there is room; returns the cost."""
        n = math.ceil(self.r_ratio * len(known))
        cost = context.scored_row_cost * n
        if not self._rescore_is_due(context) or (cost > 0 and cost > room):
            return 0.0
        context.score(known[top_k(table.loss[known], n, context.rng)], self.measures)
        self.refreshed_at_ = context.epoch
        return cost

    def _rescore_is_due(self, context: DrawContext) -> bool:
        if self.r_freq == 0 or not context.can_score:
            return False
        if self.r_freq < 1 or self.refreshed_at_ is None:
            return True
        return bool(context.epoch - self.refreshed_at_ >= self.r_freq)

    def _drawn(self, known: Rows, n: int, table: LossTable, context: DrawContext) -> Rows:
        """So many draws among rows of known loss."""
        ranks = ranks_from_top(table.loss[known], context.rng)
        shares = np.exp(-math.log(self._pressure(context)) * (ranks + 1) / len(known))
        drawn: Rows = context.rng.choice(known, n, p=shares / shares.sum())
        return drawn

    def _pressure(self, context: DrawContext) -> float:
        """The ratio s at the beginning of the round."""
        return float(self.s_e * (self.s_e_end / self.s_e) ** context.progress)
