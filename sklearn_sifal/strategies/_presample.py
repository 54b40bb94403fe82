"""Base of the strategies that score a presample and train on a part of it."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from sklearn_sifal._fields import attribute
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._ranking import count_for
from sklearn_sifal.strategies._selection import Chosen, DrawContext, Measured, Rows, Selection
from sklearn_sifal.strategies._share import FixedShareStrategy


class PresampleStrategy(FixedShareStrategy):
    """A strategy that measures some rows with the present weights and keeps a share of them.

    A round goes over the active rows once, in random order, in presamples so large that
    the share kept of each is one batch. Each is scored just before it is trained on. Rows
    never seen are trained on first, all of them, without being scored. Where the budget
    counts scored rows, and what is left of it pays for no presample, the last rows are
    trained on without being scored.

    Parameters
    ----------
    percentage : float, default=50.0
        Kept share of a presample, in (0, 100]; at 100 nothing is scored and every round
        has all rows.
    {{warmup_epochs, final_epochs, max_visits}}
    """

    # These are about the losses in the table.
    refresh: str | int = attribute("table")
    exploration: float = attribute(0.0)

    per_batch: ClassVar[bool] = True

    @property
    def needs_score(self) -> bool:
        """Whether a round cannot do without a scoring pass: always, below 100 per cent."""
        return not self._takes_everything()

    @abstractmethod
    def _keep(self, candidates: Rows, n: int, measured: Measured, context: DrawContext) -> Chosen:
        """Choose among scored rows.

        Parameters
        ----------
        candidates : ndarray of shape (n_candidates,), int64
            Rows of the presample.
        n : int
            How many to keep.
        measured : dict of str to ndarray of shape (n_candidates,)
            Their losses and the other `measures`.
        context : DrawContext
            Round, progress, batch size and generator.

        Returns
        -------
        positions : ndarray of shape (n_kept,), integer
            Positions in `candidates`.
        weights : ndarray of shape (n_kept,), float64, or None
            Factors with expectation 1, None for ones.
        """

    def _kept_percentage(self) -> float:
        """Share, in per cent, that is kept of the next presample."""
        return self.percentage

    def _is_plain(self, number: int, batch_size: int) -> bool:
        """Whether the batch of this number in the round is trained on without being scored."""
        return False

    def _measure(
        self, candidates: Rows, table: LossTable, context: DrawContext
    ) -> tuple[Measured, int]:
        """What `_keep` is told of the candidates, and how many rows were scored for it."""
        return context.score(candidates, self.measures), len(candidates)

    def _draw_round(
        self, active: Rows, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        room = self._room(len(active), context)
        seen = table.loss_epoch[active] >= 0
        if not seen.all():
            unseen = self._leave_room(Selection(active[~seen]), room, context)
            room -= len(unseen)
            yield unseen
        yield from self._draw_seen(context.rng.permutation(active[seen]), room, table, context)

    def _draw_seen(
        self, rows: Rows, room: float, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        """Yield the selections of rows with a known loss, in the order in which they are looked at.

        `room` are the row visits that the round may still cost.
        """
        for candidates, n in self._presamples(rows, context.batch_size):
            if room < 1:
                return
            if n == len(candidates) or not self._can_score(len(candidates), room, context):
                selection = Selection(np.sort(candidates))
            else:
                measured, n_scored = self._measure(candidates, table, context)
                room -= context.scored_row_cost * n_scored
                selection = self._kept(candidates, n, measured, context)
            selection = self._leave_room(selection, room, context)
            room -= len(selection)
            yield selection

    def _can_score(self, n: int, room: float, context: DrawContext) -> bool:
        """Whether scoring n rows leaves room to train on at least one."""
        return room - context.scored_row_cost * n >= 1

    def _presamples(self, rows: Rows, batch_size: int) -> Iterator[tuple[Rows, int]]:
        """Cut rows into presamples, each with the number of rows to keep.

        The size of each follows from what is known once the one before was trained on.
        """
        start = number = 0
        while start < len(rows):
            plain = self._is_plain(number, batch_size)
            size = batch_size if plain else self._presample_size(batch_size)
            candidates = rows[start : start + size]
            if plain:
                yield candidates, len(candidates)
            else:
                n = min(batch_size, count_for(self._kept_percentage(), len(candidates)))
                # A round is never smaller than one batch, even where it is one presample.
                least = min(batch_size, len(rows)) if len(rows) <= size else 0
                yield candidates, max(n, least)
            start += size
            number += 1

    def _presample_size(self, batch_size: int) -> int:
        # More than is kept, however few the rows of a batch.
        return max(batch_size + 1, round(100 * batch_size / self._kept_percentage()))

    def _kept(
        self, candidates: Rows, n: int, measured: Measured, context: DrawContext
    ) -> Selection:
        """The rows to train on, ascending, with checked positions and weights."""
        chosen = self._keep(candidates, n, measured, context)
        positions, weights = self._checked(chosen, len(candidates))
        order = np.argsort(candidates[positions], kind="stable")
        return Selection(candidates[positions[order]], None if weights is None else weights[order])
