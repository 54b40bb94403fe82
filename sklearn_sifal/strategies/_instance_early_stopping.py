"""Instance-dependent early stopping: rows whose loss no longer bends sit out."""

from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._fields import integer, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._hiding import HidingStrategy
from sklearn_sifal.strategies._ranking import top_k
from sklearn_sifal.strategies._selection import (
    Chosen,
    DrawContext,
    Measured,
    Rows,
    Selection,
    Setup,
)
from sklearn_sifal.strategies._state_checks import check_part
from sklearn_sifal.strategies._trajectories import LossTrajectories


class InstanceEarlyStopping(HidingStrategy):
    """Leave out rows for as long as their loss hardly changes its course (IES).

    With l_t the loss of a row in round t, the last if it was measured more than once, a
    row is mastered when the mean of the last `window` values of
    abs(l_t - 2 l_(t-1) + l_(t-2)) is below `delta`. Mastered rows sit out. The set is made
    anew every round, so that rows return as soon as their loss moves. A row needs
    `window` + 3 losses before it can be left out, 6 by default, so that the first
    `window` + 3 rounds have all rows. When fewer rows than one batch, or than
    `min_fraction`, are not mastered, those of the largest mean change fill the round.

    There is no percentage: how many rows sit out follows from `delta`, and no value of it
    stands for a share of the rows.

    After a round a forward pass measures the rows that sat out; it is left out where no
    choice follows. By default the other rows' losses are those of their training steps, as
    in the paper. The two kinds differ by when in the round they are measured and, with
    dropout, by a jump whenever a row comes or goes, which looks like change and brings it
    back. With ``refresh="epoch"`` all rows are measured before every choice and only
    these losses are compared, those of training steps are not. That is the setting to use
    with dropout.

    Cost per round, in passes over all rows: k forward and backward for a share k not
    mastered, and 1 - k forward; with ``refresh="epoch"`` 1 forward instead of 1 - k.

    It starts late, and saves little on hard tasks. `delta` depends on the learning rate:
    with a rate that falls to zero every row ends up mastered, learnt or not, and with short
    budgets of ten rounds or so there is little to leave out. A row stuck on a wrong label
    at a constant large loss counts as mastered too.

    Parameters
    ----------
    delta : float, default=1e-3
        Mean change of slope, in nats, below which a row is mastered; at least 0, where
        no row ever is. The paper's users tune it from 1e-1 to 1e-5.
    window : int, default=3
        Number of second differences that are averaged, at least 1.
    {{warmup_epochs, final_epochs, refresh}}
        See above for 'epoch'; other values only add a loss to rounds that have one anyway.
    {{exploration, max_visits}}
        Up to `window` + 3, all rows are evicted before there is a choice.
    {{min_fraction}}

    Attributes
    ----------
    trajectories_ : LossTrajectories
        The last `window` + 2 losses of every row: 8 bytes for each loss, so 40 for a row
        by default.

    Notes
    -----
    In the authors' code the losses of rows that sit out come from the model in evaluation
    mode and the others from training mode, whatever the setting; here 'epoch' does
    without. There an empty set of mastered rows leaves the last round's in place; here the
    rows return. The default of `refresh` differs from the other strategies', since a
    single pass after the warm-up would tell nothing that the training steps do not.

    References
    ----------
    Yuan, Lin, Feng, Han and Liu, "Instance-dependent early stopping", ICLR 2025.

    Examples
    --------
    >>> from sklearn_sifal.strategies import InstanceEarlyStopping
    >>> InstanceEarlyStopping(delta=0.01, refresh="epoch")
    InstanceEarlyStopping(delta=0.01, refresh='epoch')
    """

    delta: float = real(0, default=1e-3)
    window: int = integer(1, default=3)
    refresh = "table"

    reads_nats: ClassVar[bool] = True  # against `delta`
    _adaptive_size: ClassVar[bool] = True

    def begin(self, table: LossTable, setup: Setup) -> Self:
        super().begin(table, setup)
        self.trajectories_ = LossTrajectories(setup.n_rows, int(self.window) + 2)
        return self

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        self.trajectories_.next_round()
        yield from super().draw(table, context)

    def observe(self, rows: Rows, measured: Measured, *, training: bool) -> None:
        if training and self._measures_before_every_choice():
            return
        self.trajectories_.record(rows, measured["loss"])

    def _check_state(self, table: LossTable) -> None:
        super()._check_state(table)
        length = int(self.window) + 2
        check_part(self, "trajectories_", LossTrajectories).check_state(len(table), length)

    def _select_rows(self, rows: Rows, table: LossTable, context: DrawContext) -> Chosen:
        change = self._change(rows)
        positions = np.flatnonzero(change >= self.delta)
        least = self._least_rows(len(rows), context.batch_size)
        if len(positions) < least:
            positions = top_k(change, least, context.rng)
        return positions, None

    def _change(self, rows: Rows) -> NDArray[np.float32]:
        """Mean absolute second difference; infinite for rows with too few losses."""
        second = np.diff(self.trajectories_.losses[rows], n=2, axis=1)
        change: NDArray[np.float32] = np.abs(second).mean(axis=1)
        change[self.trajectories_.counts[rows] < self.window + 3] = np.inf
        return change

    def _measures_before_every_choice(self) -> bool:
        return self.refresh in ("epoch", 1)

    def _takes_everything(self) -> bool:
        return float(self.delta) == 0.0
