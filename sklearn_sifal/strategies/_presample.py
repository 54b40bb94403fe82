"""Base of the strategies that score a presample and train on a part of it."""

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import check_real
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._ranking import count_for
from sklearn_sifal.strategies._selection import DrawContext, Selection


class PresampleStrategy(SamplingStrategy):
    """A strategy that measures some rows with the present weights and keeps a share of them.

    A round goes over the active rows once, in random order, in presamples so large that
    the share kept of each is one batch. Each is scored just before it is trained on. Rows
    never seen are trained on first, all of them, without being scored.

    Parameters
    ----------
    percentage : float
        Kept share of a presample, in (0, 100]; at 100 nothing is scored and every round
        has all rows.
    warmup_epochs, final_epochs, max_visits
        See `SamplingStrategy`. The other shared knobs are about losses in the table.
    """

    per_batch: ClassVar[bool] = True

    def __init__(
        self,
        percentage: float,
        *,
        warmup_epochs: int = 1,
        final_epochs: int = 0,
        max_visits: int | None = None,
    ) -> None:
        self.percentage = percentage
        self.warmup_epochs = warmup_epochs
        self.final_epochs = final_epochs
        self.max_visits = max_visits

    @property
    def needs_score(self) -> bool:
        """Whether a round cannot do without a scoring pass: always, below 100 per cent."""
        return not self._takes_everything()

    @abstractmethod
    def _keep(
        self,
        candidates: NDArray[np.int64],
        n: int,
        measured: dict[str, NDArray[Any]],
        context: DrawContext,
    ) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
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

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_real(self, "percentage", 0, 100, open_low=True)

    def _takes_everything(self) -> bool:
        return float(self.percentage) == 100.0

    def _draw_round(
        self, active: NDArray[np.int64], table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        room = self._room(len(active), context)
        seen = table.loss_epoch[active] >= 0
        if not seen.all():
            unseen = self._leave_room(Selection(active[~seen]), room, context)
            room -= len(unseen)
            yield unseen
        rows = context.rng.permutation(active[seen])
        for candidates, n in self._presamples(rows, context.batch_size):
            # Scoring rows that cannot be trained on any more would be a waste.
            cost = context.scored_row_cost * len(candidates)
            if room <= cost:
                return
            measured = context.score(candidates, self.measures)
            selection = self._kept(candidates, n, measured, context)
            selection = self._leave_room(selection, room - cost, context)
            room -= cost + len(selection)
            yield selection

    def _presamples(
        self, rows: NDArray[np.int64], batch_size: int
    ) -> Iterator[tuple[NDArray[np.int64], int]]:
        """Cut rows into presamples, each with the number of rows to keep."""
        size = math.ceil(100 * batch_size / self.percentage)
        # A round is never smaller than one batch, even where all rows are one presample.
        least = min(batch_size, len(rows)) if len(rows) <= size else 0
        for start in range(0, len(rows), size):
            candidates = rows[start : start + size]
            share = min(batch_size, count_for(self.percentage, len(candidates)))
            yield candidates, max(least, share)

    def _kept(
        self,
        candidates: NDArray[np.int64],
        n: int,
        measured: dict[str, NDArray[Any]],
        context: DrawContext,
    ) -> Selection:
        """The rows to train on, ascending, with checked positions and weights."""
        chosen = self._keep(candidates, n, measured, context)
        positions, weights = self._checked(chosen, len(candidates))
        order = np.argsort(candidates[positions], kind="stable")
        return Selection(candidates[positions[order]], None if weights is None else weights[order])
