"""The interface of a strategy, and the steps that every strategy shares."""

import math
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_sifal._fields import HasFields, attribute, integer, parameter, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import check_choice, check_integer
from sklearn_sifal._saved_states import SavedState
from sklearn_sifal.strategies._ranking import others
from sklearn_sifal.strategies._selection import (
    Chosen,
    DrawContext,
    Losses,
    Measured,
    Rows,
    Selection,
    Setup,
    as_context,
    check_rows,
    check_weights,
)
from sklearn_sifal.strategies._state_checks import (
    LAST_ROUND,
    begin_state,
    check_column,
    check_stated,
    check_whole,
)

#: A criterion may give a loss just below zero by rounding; further down it is no rounding.
LOWEST_LOSS = -1e-6


def _check_refresh(strategy: Any, name: str) -> None:
    words = ("once", "table", "epoch")
    if isinstance(getattr(strategy, name), str):
        check_choice(strategy, name, words)
    else:
        check_integer(strategy, name, 1, choices=words)


class SamplingStrategy(HasFields, SavedState, BaseEstimator):
    """Base class of all strategies: draws the rows of each round.

    A round is: all rows while warming up or in the final epochs; otherwise the losses
    are refreshed if that is due, `_select` chooses among the rows whose loss is known,
    and rows never seen join with weight 1. A subclass usually writes `_select` alone;
    `_select_rows` if it needs row numbers or the round, `_draw_round` if it draws more
    than one selection. State is kept in attributes, so that a strategy can be pickled
    between rounds.

    Parameters
    ----------
    warmup_epochs : int, default=1
        Rounds on all rows at the start.
    final_epochs : int, default=0
        Rounds on all rows at the end, taken out of the budget.
    refresh : {'once', 'table', 'epoch'} or int, default='once'
        When all losses are measured anew by a forward pass: 'once' after the warm-up; 'table'
        never, the losses seen in training steps are used; 'epoch' before every choice, as in
        SIFAL's original form; a number k before every k-th choice.
    exploration : float, default=0.0
        Share, in [0, 1], of the rows not chosen that join at random, with weight 1.
    max_visits : int, default=None
        Rows with this many visits are evicted: they sit out all later rounds. When
        fewer than one batch remain, all come back with a warning and the count
        starts anew. None for no limit.
    min_fraction : float, default=0.05
        Least share of the rows in a round, in [0, 1], where its size follows from the
        losses; a round is never smaller than one batch anyway.

    Attributes
    ----------
    measures : tuple of str
        What a scoring pass has to return; empty if losses are not looked at.
    per_batch : bool
        True if the losses of a selection must be seen before the next is drawn.
    replacement : bool
        True if a row may come back within a round.
    non_negative : bool
        True if a negative loss is an error.
    reads_nats : bool
        True if the rule goes by how large a loss is in nats, so that a score of another
        kind, which only ranks the rows, cannot stand in for it.
    """

    # What every rule has.
    warmup_epochs: int = integer(0, default=1)
    final_epochs: int = integer(0, default=0)
    # What rules have that choose by the losses in the table.
    refresh: str | int = parameter(_check_refresh, default="once")
    exploration: float = real(0, 1, default=0.0)
    max_visits: int | None = integer(1, default=None, none=True)
    # What rules have whose number of rows follows from the losses.
    min_fraction: float = real(0, 1, default=0.05)

    measures: ClassVar[tuple[str, ...]] = ("loss",)
    per_batch: ClassVar[bool] = False
    replacement: ClassVar[bool] = False
    non_negative: ClassVar[bool] = False
    reads_nats: ClassVar[bool] = False

    # True if the number of rows follows from the losses and so needs a lower bound.
    _adaptive_size: ClassVar[bool] = False

    # A subclass whose begin leaves out ours has these all the same.
    refreshed_at_: int | None = attribute(
        None, check=partial(check_whole, high=LAST_ROUND, none=True)
    )
    n_lifted_: int = attribute(0, check=check_whole)
    # Visits made before the last time that evictions were lifted do not count: an array from
    # then on.
    forgiven_visits_: NDArray[np.int32] | int = attribute(0)

    def begin(self, table: LossTable, setup: Setup) -> Self:
        """Check the parameters and start anew; called once before the first round.

        Parameters
        ----------
        table : LossTable
            The losses, possibly known already after a warm start.
        setup : Setup
            Rows, targets, batch size and generator.

        Returns
        -------
        self : SamplingStrategy
        """
        self._check_parameters()
        self._warn_of_parameters()
        begin_state(self, setup.n_rows)
        self.forgiven_visits_ = 0
        return self

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        """Yield the selections of one round.

        Parameters
        ----------
        table : LossTable
            The losses as known now; not to be written to.
        context : DrawContext
            Round, progress, batch size, generator and scoring function.

        Yields
        ------
        selection : Selection
            Rows in ascending order, with weights.
        """
        context = as_context(context)
        active = self._active_rows(table, context)
        if self._is_full_round(len(active), context):
            yield Selection(active)
        else:
            yield from self._draw_round(active, table, context)
        # By now the selections were trained on, and the table counts their visits.
        self._evict(table)

    @property
    def needs_score(self) -> bool:
        """Whether a round cannot do without a scoring pass, as the parameters are."""
        return bool(self.measures) and self.refresh not in ("once", "table")

    @property
    def needs_end(self) -> bool:
        """Whether the rule depends on how much of the training is left."""
        return self.final_epochs > 0

    def observe(self, rows: Rows, measured: Measured, *, training: bool) -> None:
        """Take note of measured values; called after every record in the table.

        Parameters
        ----------
        rows : ndarray of shape (n,), int64
            Row numbers.
        measured : mapping of str to ndarray of shape (n,)
            The losses ("loss", nats) and the other `measures`.
        training : bool
            True for a training step, False for a scoring pass.
        """

    def _draw_round(
        self, active: Rows, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        """Yield the selections of a round that is not on all rows.

        By default one: losses are refreshed if that is due, then the rule chooses.

        Parameters
        ----------
        active : ndarray of shape (n,), int64
            Rows that are not evicted, ascending; more than one batch.
        table : LossTable
            The losses as known now.
        context : DrawContext
            Round, progress, batch size, generator and scoring function.
        """
        room = self._room(len(active), context) - self._refresh(active, context)
        yield self._leave_room(self._choose(active, table, context), room, context)

    def _select_rows(self, rows: Rows, table: LossTable, context: DrawContext) -> Chosen:
        """Choose among rows with known losses; for rules that need more than the losses.

        Parameters
        ----------
        rows : ndarray of shape (n,), int64
            Rows that are active and whose loss is known, ascending.
        table : LossTable
            Only to be read.
        context : DrawContext
            Round, progress, batch size, generator and scoring function.

        Returns
        -------
        positions, weights
            As from `_select`: positions in `rows`.
        """
        return self._select(table.loss[rows], context.rng)

    def _lr_scale(self, n_chosen: int, n_active: int) -> float:
        """Factor on the learning rate of a round with so many rows chosen among the active."""
        return 1.0

    def _select(self, losses: Losses, rng: np.random.Generator) -> Chosen:
        """Choose among rows with known losses.

        Parameters
        ----------
        losses : ndarray of shape (n,), float32
            Last known losses in nats; a copy.
        rng : numpy.random.Generator
            The selection stream.

        Returns
        -------
        positions : ndarray of shape (m,), integer
            Positions in `losses`, without repeats.
        weights : ndarray of shape (m,), float64, or None
            Factors with expectation 1, None for ones.
        """
        raise NotImplementedError(f"{type(self).__name__} must write _select or draw")

    def _select_at_least(
        self, n: int, losses: Losses, chosen: Chosen, rng: np.random.Generator
    ) -> Chosen:
        """Add rows to a choice of fewer than n: at random, with weight 1."""
        positions, weights = chosen
        extra = rng.choice(others(len(losses), positions), n - len(positions), replace=False)
        return _join(positions, weights, extra)

    def _check_state(self, table: LossTable) -> None:
        """Raise unless the attributes, read from a file, are ones that a training leaves.

        Parameters
        ----------
        table : LossTable
            The losses and visits that were read with them.
        """
        check_stated(self, len(table))
        if isinstance(self.forgiven_visits_, np.ndarray):
            check_column(self, "forgiven_visits_", (len(table),), np.int32, 0)
        else:
            check_whole(self, "forgiven_visits_", 0, 0)
        if self.non_negative:
            check_column(table, "loss", (len(table),), np.float32, LOWEST_LOSS, nan=True)

    def _takes_everything(self) -> bool:
        """Whether the parameters alone say that every round has all rows."""
        return False

    def _check_parameters(self) -> None:
        """Raise for values that are not allowed; subclasses add what takes several parameters."""
        self._check_fields()

    def _warn_of_parameters(self) -> None:
        """Warn of values that are allowed and probably not meant; once a training."""

    def _active_rows(self, table: LossTable, context: DrawContext) -> Rows:
        self._evict(table)
        active = np.flatnonzero(~table.evicted)
        if len(active) < min(context.batch_size, len(table)):
            self._warn_of_lifting(len(active), context)
            table.restore()
            self.forgiven_visits_ = table.visits.copy()
            active = np.arange(len(table))
        return active

    def _evict(self, table: LossTable) -> None:
        if self.max_visits is not None:
            table.evict(table.visits - self.forgiven_visits_ >= self.max_visits)

    def _warn_of_lifting(self, n_active: int, context: DrawContext) -> None:
        self.n_lifted_ += 1
        if self.n_lifted_ == 1:  # once a training; it happens again and again
            warnings.warn(
                f"max_visits={self.max_visits} left {n_active} rows, fewer than one batch of "
                f"{context.batch_size}: all evictions are lifted and visits are counted anew. "
                "Raise max_visits or lower the budget.",
                UserWarning,
                stacklevel=2,
            )

    def _is_full_round(self, n_active: int, context: DrawContext) -> bool:
        if context.round < self.warmup_epochs:
            return True
        if self._is_one_batch(n_active, context) or self._takes_everything():
            return True
        if context.rounds_left is not None and context.rounds_left <= self.final_epochs:
            return True
        return self._room(n_active, context) <= 0

    def _is_one_batch(self, n_active: int, context: DrawContext) -> bool:
        """Whether there are too few rows to choose among."""
        return n_active <= context.batch_size

    def _room(self, n_active: int, context: DrawContext) -> float:
        """Row visits left before the final epochs begin."""
        if context.visits_left is None:
            return math.inf
        return context.visits_left - self.final_epochs * n_active

    def _refresh(self, active: Rows, context: DrawContext) -> float:
        """Score the active rows if that is due and can be paid for; returns what it cost."""
        cost = context.scored_row_cost * len(active)
        if not self._refresh_is_due(context) or self._room(len(active), context) - cost < min(
            context.batch_size, len(active)
        ):
            return 0.0
        context.score(active, self.measures)
        self.refreshed_at_ = context.epoch
        return cost

    def _refresh_is_due(self, context: DrawContext) -> bool:
        if not self.measures or self.refresh == "table" or not context.can_score:
            return False
        if self.refresh == "epoch" or self.refreshed_at_ is None:
            return True
        if self.refresh == "once":
            return False
        return bool(context.epoch - self.refreshed_at_ >= int(self.refresh))

    def _choose(self, active: Rows, table: LossTable, context: DrawContext) -> Selection:
        """Apply the rule to rows with a known loss and add the never-seen ones."""
        measured = table.loss_epoch[active] >= 0
        if not measured.any():
            return Selection(active)
        # Most often all are known; what has an entry for each of them is not copied then.
        all_known = bool(measured.all())
        known = slice(None) if all_known else np.flatnonzero(measured)
        unknown = np.empty(0, np.int64) if all_known else np.flatnonzero(~measured)
        rows, n_known = active[known], len(active) - len(unknown)
        positions, weights = self._checked(self._select_rows(rows, table, context), n_known)
        needed = self._least_rows(len(active), context.batch_size) - len(unknown)
        if len(positions) < needed:
            chosen = self._select_at_least(
                needed, table.loss[rows], (positions, weights), context.rng
            )
            positions, weights = self._checked(chosen, n_known)
        positions, weights = self._explore(n_known, (positions, weights), context.rng)
        if not all_known:
            positions, weights = _join(np.flatnonzero(measured)[positions], weights, unknown)
        lr_scale = self._lr_scale(len(positions), len(active))
        if not (positions[1:] >= positions[:-1]).all():
            order = np.argsort(positions, kind="stable")
            positions, weights = positions[order], None if weights is None else weights[order]
        return Selection(active[positions], weights, lr_scale)

    def _checked(self, chosen: Any, n_known: int) -> Chosen:
        """What a rule returned, checked: subclasses are written by users too."""
        origin = f"{type(self).__name__}._select"
        if not (isinstance(chosen, tuple) and len(chosen) == 2):
            raise TypeError(
                f"{origin} must return a pair (positions, weights), weights None for ones. "
                f"Got {type(chosen).__name__}."
            )
        positions = check_rows(chosen[0], n_known, origin, replacement=self.replacement)
        return positions, check_weights(chosen[1], len(positions), origin)

    def _least_rows(self, n_active: int, batch_size: int) -> int:
        least = math.ceil(self.min_fraction * n_active) if self._adaptive_size else 0
        return min(n_active, max(least, batch_size))

    def _explore(self, n_known: int, chosen: Chosen, rng: np.random.Generator) -> Chosen:
        if self.exploration == 0.0:
            return chosen
        positions, weights = chosen
        rest = others(n_known, positions)
        extra = rng.choice(rest, round(self.exploration * len(rest)), replace=False)
        return _join(positions, weights, extra)

    def _check_non_negative(self, losses: NDArray[Any]) -> None:
        """Raise for losses that a rule cannot add up or take powers of."""
        lowest = float(losses.min(initial=0.0))
        if lowest < LOWEST_LOSS:
            raise ValueError(
                f"{type(self).__name__} needs non-negative losses, since it adds them up or takes "
                f"powers of them. Got a loss of {lowest:g}."
            )

    def _leave_room(self, selection: Selection, room: float, context: DrawContext) -> Selection:
        """Cut a selection, at random, where the final epochs have to begin."""
        if self.final_epochs == 0 or len(selection) <= room:
            return selection
        kept = np.sort(context.rng.choice(len(selection), int(room), replace=False))
        weights = None if selection.weights is None else selection.weights[kept]
        return Selection(selection.rows[kept], weights, selection.lr_scale)


def _join(
    positions: NDArray[Any], weights: NDArray[np.float64] | None, extra: NDArray[Any]
) -> Chosen:
    """Append positions with weight 1."""
    if len(extra) and weights is not None:
        weights = np.concatenate([weights, np.ones(len(extra))])
    return np.concatenate([positions, extra]), weights
