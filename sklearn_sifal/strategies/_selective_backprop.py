"""Selective Backprop: each row that comes along is trained on with a chance set by its loss."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._fields import attribute, choice, integer, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import reject
from sklearn_sifal.strategies._presample import PresampleStrategy
from sklearn_sifal.strategies._ranking import ranks_from_top, top_k
from sklearn_sifal.strategies._selection import (
    Chosen,
    DrawContext,
    Losses,
    Measured,
    Rows,
    Selection,
)
from sklearn_sifal.strategies._state_checks import check_column


class SelectiveBackprop(PresampleStrategy):
    r"""Train on a share of the rows that come along, rows of larger loss more often.

    Variant 'cdf', the original: of each batch scored with the present weights, row i is
    kept with probability

        p_i = F(l_i) ** beta,    beta = 100 / percentage - 1,

    independently of the others. F(l) is the share of the last `history_size` losses, those
    of the batch included, that lie strictly below l, so that ties share the lowest rank
    and the smallest loss is never kept. Kept rows wait until a batch is full. What is
    left at the end of the round is trained on; if a round kept less than one batch, the
    largest losses among the others fill it.

    Variant 'rank', Composer's: of a presample of n rows, one batch is drawn without
    replacement with probabilities proportional to ((rank + 1/2) / n) ** beta, rank 0 for
    the smallest loss; equal losses are ranked at random.

    No weights: the gradient is biased towards rows of large loss.

    Losses are fresh: every row is scored once in a round, unless `staleness` lets known
    losses stand.

    Cost per round, in passes over all rows: one forward pass for scoring, and
    percentage / 100 forward and backward on average. If a backward pass costs no more than
    a forward pass, as in small nets on wide input, keeping half saves nothing.

    It fails under label noise, as wrong labels keep the largest losses, and on small nets,
    where scoring eats up what is saved.

    Parameters
    ----------
    percentage : float, default=25.0
        Expected kept share, in (0, 100]; at 100 every round has all rows. 25 is the
        original's beta = 3.
    variant : {'cdf', 'rank'}, default='cdf'
        The rule.
    history_size : int, default=1024
        Number of losses that 'cdf' ranks a loss among.
    staleness : int, default=0
        A loss measured less than this many rounds ago is used as it is, which saves its
        forward pass (Stale-SB); the losses of training steps are used too. 0 and 1 score
        every row, 2 about every second time, and so on.
    start : float, default=0.0
        Share of the training, in [0, 1], after which rows are selected; rounds that begin
        before have all rows.
    end : float, default=1.0
        Share of the training, in (start, 1], from which on rounds have all rows again.
    interrupt : int, default=0
        Each batch of a round whose number, from 1, is a multiple of this is kept whole,
        unscored; 0 for none, else at least 2.
    {{warmup_epochs, final_epochs, max_visits}}

    Attributes
    ----------
    history_ : ndarray of shape (n,), float64
        The last losses that 'cdf' looked at, oldest first.

    Notes
    -----
    Composer's defaults are ``SelectiveBackprop(50, variant="rank", start=0.5, end=0.9,
    interrupt=2)``. Its text speaks of one whole batch after two selected ones, while its
    code, followed here, alternates. It draws a part of each batch, so that the step
    shrinks; here a presample is so large that the part is a batch. In the published code
    of the original, rows wait over the end of an epoch; here a round trains them.

    References
    ----------
    Jiang et al., "Accelerating deep learning by focusing on the biggest losers",
    arXiv:1910.00762, 2019. Composer, MosaicML, algorithm "Selective Backprop".

    Examples
    --------
    >>> from sklearn_sifal.strategies import SelectiveBackprop
    >>> SelectiveBackprop(percentage=20).beta
    4.0
    """

    percentage = 25.0
    variant: str = choice("cdf", "rank", default="cdf")
    history_size: int = integer(1, default=1024)
    staleness: int = integer(0, default=0)
    start: float = real(0, 1, default=0.0)
    end: float = real(0, 1, default=1.0)
    interrupt: int = integer(0, default=0)

    # Until `begin` empties it.
    history_: NDArray[np.float64] = attribute(
        np.empty(0), check=partial(check_column, shape=(-1,), kind=np.float64)
    )

    @property
    def beta(self) -> float:
        """Power of the rank that keeps `percentage` per cent on average."""
        return 100 / self.percentage - 1

    @property
    def needs_end(self) -> bool:
        return self.start > 0 or self.end < 1 or super().needs_end

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.end <= self.start:
            reject(self, "end", f"a number above start={self.start!r}", self.end)
        if self.interrupt == 1:
            reject(self, "interrupt", "0 or an integer of at least 2", self.interrupt)

    def _is_full_round(self, n_active: int, context: DrawContext) -> bool:
        if not self.start <= context.progress < self.end:
            return True
        return super()._is_full_round(n_active, context)

    def _is_plain(self, number: int, batch_size: int) -> bool:
        return self.interrupt > 0 and (number + 1) % self.interrupt == 0

    def _measure(
        self, candidates: Rows, table: LossTable, context: DrawContext
    ) -> tuple[Measured, int]:
        losses = table.loss[candidates]
        old = context.epoch - table.loss_epoch[candidates] >= self.staleness
        if old.any():
            losses[old] = context.score(candidates[old], self.measures)["loss"]
        return {"loss": losses}, int(np.count_nonzero(old))

    def _draw_seen(
        self, rows: Rows, room: float, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        if self.variant == "rank":
            yield from super()._draw_seen(rows, room, table, context)
        else:
            yield from self._draw_queued(rows, room, table, context)

    def _draw_queued(
        self, rows: Rows, room: float, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        """Keep rows of each batch that comes along, and yield the kept ones in full batches."""
        size = context.batch_size
        passed_over = np.ones(len(rows), dtype=bool)
        queue = np.empty(0, np.int64)
        for number, start in enumerate(range(0, len(rows), size)):
            candidates = rows[start : start + size]
            left = room - len(queue)
            whole = self._is_plain(number, size)
            if left < 1 or not (whole or self._can_score(len(candidates), left, context)):
                break
            if whole:
                kept = np.arange(len(candidates))
            else:
                measured, n_scored = self._measure(candidates, table, context)
                room -= context.scored_row_cost * n_scored
                kept = self._keep_by_history(measured["loss"], context.rng)
            passed_over[start + kept] = False
            queue = np.concatenate([queue, candidates[kept]])
            if len(queue) >= size:
                selection = self._leave_room(Selection(np.sort(queue[:size])), room, context)
                queue = queue[size:]
                room -= len(selection)
                yield selection
        queue = np.concatenate([queue, self._fill(rows, passed_over, table, context)])
        if len(queue) and room >= 1:
            yield self._leave_room(Selection(np.sort(queue)), room, context)

    def _fill(
        self,
        rows: Rows,
        passed_over: NDArray[np.bool_],
        table: LossTable,
        context: DrawContext,
    ) -> Rows:
        """The largest losses among the rows not kept, as many as a first batch lacks."""
        others = rows[passed_over]
        missing = min(context.batch_size, len(rows)) - (len(rows) - len(others))
        return others[top_k(table.loss[others], missing, context.rng)]

    def _keep_by_history(self, losses: Losses, rng: np.random.Generator) -> Rows:
        """Positions of the rows that are kept; their losses join the history first."""
        self.history_ = np.concatenate([self.history_, losses])[-self.history_size :]
        below = np.searchsorted(np.sort(self.history_), losses, side="left")
        chance = (below / len(self.history_)) ** self.beta
        return np.flatnonzero(rng.random(len(losses)) < chance)

    def _keep(self, candidates: Rows, n: int, measured: Measured, context: DrawContext) -> Chosen:
        count = len(candidates)
        ranks = count - 1 - ranks_from_top(measured["loss"], context.rng)
        shares = ((ranks + 0.5) / count) ** self.beta
        return context.rng.choice(count, n, replace=False, p=shares / shares.sum()), None
