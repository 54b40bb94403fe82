"""Replaying the rows of largest loss, batch by batch, with limits on their visits."""

from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._fields import attribute, flag, integer, real
from sklearn_sifal._loss_table import MOST_VISITS, LossTable
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._batch_queue import ORDER_LIMIT, BatchQueue
from sklearn_sifal.strategies._ranking import count_for
from sklearn_sifal.strategies._selection import (
    DrawContext,
    DrawsAhead,
    Measured,
    Rows,
    Selection,
    Setup,
)
from sklearn_sifal.strategies._state_checks import (
    LAST_ROUND,
    check_column,
    check_part,
    check_rows_of,
    check_whole,
    column,
)

# Single rows that are drawn at once until it is known how many come between two reports.
_FIRST_AHEAD = 64
_ONE = np.int32(1)  # of the type of the counts, which `add.at` is several times faster for

_Drawn = TypeVar("_Drawn", bound=Sized)


class HeapQueue(SamplingStrategy):
    """Train on the batch of rows with the largest last known losses, again and again.

    A queue holds rows by their last known loss. A round is made of percentage N / 100
    draws, a batch of B at a time:

    - the next B rows of a base order (random, or ascending) whose loss is known enter the
      queue, if they are not in it;
    - the B rows of largest loss leave the queue and are trained on; of equal losses the
      one measured first, of those measured together a seeded choice;
    - they come back with the loss of that step, and beyond `size` rows the ones with the
      smallest losses are dropped.

    So a row is in a batch once, and can be in every batch of a round. Rows never seen are
    trained on first, all of them, and count as draws. Losses are those of training steps;
    nothing is scored.

    Cost per round: percentage / 100 forward and backward passes over all rows. At 100,
    the default, that is what a round on all rows costs: nothing is saved.

    It fails under label noise, and without `max_visits` completely: in a simulation of
    2,000 rows of which 5 per cent are never learned, with batches of 64, all draws after
    the first round went to these. With ``max_visits=10`` all of them were evicted within
    that second round. The gradient is biased towards hard rows, and without weights that
    undo it the predicted probabilities tend to get worse.

    Parameters
    ----------
    percentage : float, default=100.0
        Draws per round as a percentage of the number of rows, in (0, 100].
    size : int, default=None
        Most rows in the queue between two batches. None for no limit.
    steps : int, default=None
        Every `steps`-th draw takes the row of the base order itself; 1 for a plain walk.
        None for no such draws.
    start_at : int, default=1
        Rounds on all rows at the start, as `warmup_epochs` of other strategies.
    reset_every : int, default=None
        After this many draws the queue is emptied and evictions are lifted, before the
        next batch. None for never.
    shuffle : bool, default=True
        Whether each walk through the base order is random, or ascending.
    largest : bool, default=True
        Whether the largest losses come first, or the smallest.
    {{final_epochs}}
    max_visits : int, default=None
        A row with this many visits within a round is evicted: it sits out until a reset.
        When fewer than one batch remain, all come back with a warning and the count
        starts anew. None for no limit.

    Attributes
    ----------
    queue_ : structured ndarray of shape (n_in_queue,)
        Rows that wait in the queue, the next one first: `row`, `loss`, `visits`.
    history_ : structured ndarray of shape (n_rows,)
        All rows: `row`, `visits`, `round_visits` (of the latest round, or since evictions
        were lifted in it), `evicted`, `loss` (NaN where not known).
    evicted_ : structured ndarray of shape (n_evicted,)
        Rows that sit out: `row`, `visits`, `epoch` (the round in which it was evicted),
        `loss`.

    Notes
    -----
    The method is the heap sampler of datasetq, with these differences. There, the row
    dropped beyond `size` was the last leaf of the heap, whatever its loss; a row of the
    base order that had been evicted was drawn all the same when the heap was empty; a
    round always had as many draws as there are rows; and the walk went through evicted
    rows too. Here, resets and limits are looked at between batches, and the queue is made
    of sorted arrays: a batch costs a few array operations instead of a Python object per
    row. Which rows are in a batch is the same as if they were drawn one by one.

    Losses must be seen before the next batch is drawn. Where a loader fetches batches in
    advance, the rows that are out stay out of the batches in between; evictions that leave
    no other rows are lifted.

    References
    ----------
    Brandhsu, "datasetq" (software), 2022; no paper.

    Examples
    --------
    >>> from sklearn_sifal.strategies import HeapQueue
    >>> HeapQueue(50, max_visits=10)
    HeapQueue(max_visits=10, percentage=50)
    """

    percentage: float = real(0, 100, default=100.0, open_low=True, kw_only=False)
    size: int | None = integer(1, default=None, none=True)
    steps: int | None = integer(1, default=None, none=True)
    start_at: int = integer(0, default=1)
    reset_every: int | None = integer(1, default=None, none=True)
    shuffle: bool = flag(default=True)
    largest: bool = flag(default=True)
    refresh: str | int = attribute("table")
    exploration: float = attribute(0.0)
    min_fraction: float = attribute(0.0)

    per_batch: ClassVar[bool] = True
    replacement: ClassVar[bool] = True

    # Until `begin` counts.
    epoch_: int = attribute(0, check=check_whole)
    n_draws_: int = attribute(0, check=check_whole)
    n_measured_: int = attribute(0, check=partial(check_whole, high=ORDER_LIMIT))
    reset_at_: int = attribute(0, check=check_whole)
    measured_at_ = column(np.int64, -1)  # rank of a row's latest measurement
    round_visits_ = column(np.int32, 0, 0, MOST_VISITS)
    is_out_ = column(np.bool_, False)  # drawn, and its loss not yet back
    # Only there while rows that were drawn ahead are handed out.
    ahead_: "_Ahead | None" = attribute(None)

    @property  # type: ignore[misc]
    def warmup_epochs(self) -> int:  # type: ignore[override]
        """`start_at`, under the name that other strategies give it."""
        return self.start_at

    def begin(self, table: LossTable, setup: Setup) -> Self:
        self._settle()
        super().begin(table, setup)
        n = setup.n_rows
        self.ties_ = setup.rng.permutation(n)
        self.losses_ = table.loss.copy()
        self.visits_ = table.visits.copy()
        # A row evicted in an earlier training was last measured when it was evicted.
        self.evicted_at_ = np.where(table.evicted, table.loss_epoch.clip(min=0), -1)
        self.to_evict_: list[Rows] = []
        self.batch_queue_ = BatchQueue(n, largest=self.largest)
        known = np.flatnonzero(table.loss_epoch >= 0)
        self._number(known[np.lexsort((self.ties_[known], table.loss_epoch[known]))])
        self._fill_queue(table)
        return self

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        self._begin_round(table, context.epoch)
        for selection in super().draw(table, context):
            self.n_draws_ += len(selection)
            self.is_out_[selection.rows] = True
            yield selection

    def observe(self, rows: Rows, measured: Measured, *, training: bool) -> None:
        self._settle()
        self.losses_[rows] = measured["loss"]
        if training:
            np.add.at(self.visits_, rows, _ONE)
            np.add.at(self.round_visits_, rows, _ONE)
            self.is_out_[rows] = False
        rows = _distinct(rows)
        self._number(rows[np.argsort(self.ties_[rows])])
        if not training:
            self._enter(rows[self.batch_queue_.contains(rows)])
            return
        if self.max_visits is not None:
            self._note_evictions(rows, self.max_visits)
        self._enter(rows[self.evicted_at_[rows] < 0])

    @property
    def queue_(self) -> NDArray[Any]:
        """Rows in the queue in the order in which they will be drawn."""
        self._settle()
        rows = self.batch_queue_.to_structured()["row"]
        return _as_table(row=rows, loss=self.losses_[rows], visits=self.visits_[rows])

    @property
    def history_(self) -> NDArray[Any]:
        """Visits, eviction and last loss of every row."""
        return _as_table(
            row=np.arange(len(self.visits_)),
            visits=self.visits_,
            round_visits=self.round_visits_,
            evicted=self.evicted_at_ >= 0,
            loss=self.losses_,
        )

    @property
    def evicted_(self) -> NDArray[Any]:
        """Rows that sit out, and since which round."""
        rows = np.flatnonzero(self.evicted_at_ >= 0)
        return _as_table(
            row=rows,
            visits=self.visits_[rows],
            epoch=self.evicted_at_[rows],
            loss=self.losses_[rows],
        )

    def _check_state(self, table: LossTable) -> None:
        super()._check_state(table)
        n = len(table)
        check_whole(self, "reset_at_", 0, self.n_draws_)
        ties = check_column(self, "ties_", (n,), np.int64, 0, n - 1)
        measured_at = check_column(self, "measured_at_", (n,), np.int64, -1, self.n_measured_ - 1)
        known = measured_at[measured_at >= 0]
        if len(np.unique(ties)) < n or len(np.unique(known)) < len(known):
            raise ValueError("'ties_' or 'measured_at_' of HeapQueue have a number twice")
        losses = check_column(self, "losses_", (n,), np.float32, nan=True)
        if np.isnan(losses[measured_at >= 0]).any():
            raise ValueError("'losses_' of HeapQueue lack some that were measured")
        check_column(self, "visits_", (n,), np.int32, 0, MOST_VISITS)
        check_column(self, "evicted_at_", (n,), np.integer, -1, LAST_ROUND)
        for rows in check_part(self, "to_evict_", list):
            check_rows_of(rows, n)
        check_part(self, "batch_queue_", BatchQueue).check_state(n, largest=bool(self.largest))

    def _active_rows(self, table: LossTable, context: DrawContext) -> Rows:
        self._review_evictions(table, context)
        return np.flatnonzero(~table.evicted)

    def _evict(self, table: LossTable) -> None:
        for rows in self.to_evict_:
            table.evict(rows)
        self.to_evict_.clear()

    def _is_one_batch(self, n_active: int, context: DrawContext) -> bool:
        # Where evictions leave one batch of more rows, its rows must be able to come again
        # within the round: visits of several rounds do not add up to `max_visits`.
        return len(self.visits_) <= context.batch_size

    def _draw_round(
        self, active: Rows, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        room = self._room(len(active), context)
        n_draws = max(count_for(self.percentage, len(table)), min(context.batch_size, len(active)))
        unseen = active[table.loss_epoch[active] < 0]
        if len(unseen):
            selection = self._leave_room(Selection(unseen), room, context)
            n_draws, room = n_draws - len(selection), room - len(selection)
            yield selection
        n_draws = int(min(n_draws, room))
        walk = _Walk(table, context.rng if self.shuffle else None)
        draw = self._draw_ahead if context.one_by_one else self._draw_batches
        yield from draw(walk, n_draws, table, context)

    def _draw_batches(
        self, walk: "_Walk", n_draws: int, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        while n_draws > 0:
            self._review_evictions(table, context)
            size = min(n_draws, context.batch_size)
            rows = self._free(partial(self._next_batch, walk, size, table), table, context)
            if len(rows) == 0:
                return
            n_draws -= len(rows)
            yield Selection(np.sort(rows))

    def _draw_ahead(
        self, walk: "_Walk", n_draws: int, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        """Yield the rows of single draws, as many at once as are handed out between two reports."""
        n_ahead, n_unreported = _FIRST_AHEAD, 0
        while n_draws > 0:
            self._review_evictions(table, context)
            size = min(n_draws, n_ahead)
            if self.reset_every is not None:
                size = min(size, self.reset_at_ + self.reset_every - self.n_draws_)
            ahead = self._free(partial(self._look_ahead, walk, size, table), table, context)
            if len(ahead) == 0:
                return
            self.ahead_ = ahead
            yield Selection(np.array(ahead.draws.rows), ahead=ahead.draws)
            is_reported = self.ahead_ is None
            self._settle()
            n_taken = ahead.draws.n_taken
            walk.go_to(ahead.places[n_taken - 1])
            n_draws -= n_taken
            n_unreported += n_taken
            n_ahead = n_unreported
            if is_reported:
                n_unreported = 0

    def _free(self, draw: Callable[[], _Drawn], table: LossTable, context: DrawContext) -> _Drawn:
        """What is drawn, after evictions are lifted if nothing else is free; it may be empty."""
        drawn = draw()
        if len(drawn) == 0 and table.evicted.any():  # a loader has fetched all the others
            self._lift_with_warning(0, table, context)
            drawn = draw()
        return drawn  # empty if a loader has fetched all there are and trained on none

    def _next_batch(self, walk: "_Walk", n: int, table: LossTable) -> Rows:
        base = walk.take(n, table.evicted, self.is_out_)
        plain = base[:0]
        if self.steps is not None:
            is_plain = (self.n_draws_ + np.arange(len(base))) % self.steps == 0
            plain, base = base[is_plain], base[~is_plain]
            self.batch_queue_.discard(plain)
        new = base[~self.batch_queue_.contains(base)]
        if len(new):
            # Not cut to `size`: as many rows leave at once as have come.
            self.batch_queue_.push(new, table.loss[new], self.measured_at_[new])
        best = self.batch_queue_.pop(n - len(plain))
        self._cut_queue()
        return np.concatenate([plain, best])

    def _look_ahead(self, walk: "_Walk", n: int, table: LossTable) -> "_Ahead":
        """The next n single draws, or fewer, as they are if no loss is reported meanwhile."""
        # Rows that are drawn on the way are passed over in the walk.
        base, places = walk.look_ahead(2 * n, table.evicted, self.is_out_)
        others = base[~self.batch_queue_.contains(base)]
        entering = dict(zip(others.tolist(), self._entries(others), strict=True))
        best = self.batch_queue_.pop(n) if len(base) else base
        rows = best.tolist()
        entered = dict.fromkeys(rows, 0)
        is_undisturbed = self.steps is None and not entering and n <= len(base)
        if is_undisturbed and entered.keys().isdisjoint(base[:n].tolist()):
            # As it is most often: no row enters, and none of the walk is drawn on the way.
            return _Ahead(DrawsAhead(rows), places[:n].tolist(), entered)
        waiting = self._entries(best)  # sorted, so it is a heap
        drawn: dict[int, int] = {}  # and where the walk goes on after it
        for row, place in zip(base.tolist(), places.tolist(), strict=True):
            number = len(drawn)
            if number == n:
                break
            if row in drawn:
                continue
            if self.steps is not None and (self.n_draws_ + number) % self.steps == 0:
                if row not in entering:
                    entered[row] = 0
            else:
                if row in entering:
                    heappush(waiting, entering[row])
                    entered[row] = number
                row = heappop(waiting)[-1]
                while row in drawn:  # as a plain draw
                    row = heappop(waiting)[-1]
            drawn[row] = place
        rows = list(drawn)
        if self.steps is not None:
            self.batch_queue_.discard(np.array(rows, np.int64))
        return _Ahead(DrawsAhead(rows), list(drawn.values()), entered)

    def _entries(self, rows: Rows) -> list[tuple[float, int, int]]:
        """Rows with what ranks them in front, the best the least."""
        losses = -self.losses_[rows] if self.largest else self.losses_[rows]
        order = self.measured_at_[rows]
        return list(zip(losses.tolist(), order.tolist(), rows.tolist(), strict=True))

    def _settle(self) -> None:
        """Let the rows drawn ahead that were not handed out be as if they had not been drawn."""
        ahead = self.ahead_
        if ahead is None:
            return
        del self.ahead_
        left = ahead.draws.end()
        self.is_out_[left] = False
        self.n_draws_ -= len(left)
        back = ahead.waiting()
        if back:
            self._enter(np.array(back))

    def _begin_round(self, table: LossTable, epoch: int) -> None:
        self._settle()
        self.epoch_ = epoch
        self.round_visits_[:] = 0
        self.is_out_[:] = False
        # Losses that were recorded by somebody who did not call `observe`.
        missed = np.flatnonzero((table.loss_epoch >= 0) & (self.measured_at_ < 0))
        self.losses_[missed] = table.loss[missed]
        self._number(missed[np.argsort(self.ties_[missed])])

    def _review_evictions(self, table: LossTable, context: DrawContext) -> None:
        """Evict the rows that are due, or lift all evictions if that is."""
        self._evict(table)
        if self.reset_every is not None and self.n_draws_ - self.reset_at_ >= self.reset_every:
            self.reset_at_ = self.n_draws_
            self.batch_queue_.clear()
            self._lift_evictions(table)
        n_active = len(table) - int(np.count_nonzero(table.evicted))
        if n_active < min(context.batch_size, len(table)):
            self._lift_with_warning(n_active, table, context)

    def _lift_with_warning(self, n_left: int, table: LossTable, context: DrawContext) -> None:
        self._warn_of_lifting(n_left, context)
        self._lift_evictions(table)
        self._fill_queue(table)

    def _lift_evictions(self, table: LossTable) -> None:
        table.restore()
        self.evicted_at_[:] = -1
        self.round_visits_[:] = 0

    def _note_evictions(self, rows: Rows, max_visits: int) -> None:
        """Take rows that have had their visits out; the table learns of it before the next draw."""
        full = (self.round_visits_[rows] >= max_visits) & (self.evicted_at_[rows] < 0)
        if full.any():
            self.evicted_at_[rows[full]] = self.epoch_
            self.batch_queue_.discard(rows[full])
            self.to_evict_.append(rows[full])

    def _fill_queue(self, table: LossTable) -> None:
        """Let all rows with a known loss enter that are neither in it, nor out, nor evicted."""
        free = (table.loss_epoch >= 0) & ~table.evicted & ~self.is_out_
        rows = np.flatnonzero(free)
        self._enter(rows[~self.batch_queue_.contains(rows)])

    def _enter(self, rows: Rows) -> None:
        self.batch_queue_.push(rows, self.losses_[rows], self.measured_at_[rows])
        self._cut_queue()

    def _cut_queue(self) -> None:
        if self.size is not None and len(self.batch_queue_) > self.size:
            self.batch_queue_.drop_lowest(len(self.batch_queue_) - self.size)

    def _number(self, rows: Rows) -> None:
        """Number new measurements, in the order of the rows, from where the last ones ended."""
        if self.n_measured_ + len(rows) > ORDER_LIMIT:
            self._renumber()
        self.measured_at_[rows] = np.arange(self.n_measured_, self.n_measured_ + len(rows))
        self.n_measured_ += len(rows)

    def _renumber(self) -> None:
        """Close the gaps between the numbers, so that new ones fit into the queue's keys."""
        queued = self.batch_queue_.to_structured()
        self.batch_queue_.clear()
        known = np.flatnonzero(self.measured_at_ >= 0)
        by_age = known[np.argsort(self.measured_at_[known])]
        self.measured_at_[by_age] = np.arange(len(by_age))
        self.n_measured_ = len(by_age)
        rows = queued["row"]
        self.batch_queue_.push(rows, queued["loss"], self.measured_at_[rows])


@dataclass(slots=True)
class _Ahead:
    """Single draws that were made at once, and what is needed to take some of them back.

    Attributes
    ----------
    draws : DrawsAhead
        The rows drawn, and how many of them were handed out.
    places : list of int
        Where the walk goes on after each.
    entered : dict of int to int
        For each row taken out of the queue, or let in by the walk, the number of the draw
        before which it was in.
    """

    draws: DrawsAhead
    places: list[int]
    entered: dict[int, int]

    def __len__(self) -> int:
        return len(self.draws.rows)

    def waiting(self) -> list[int]:
        """Rows that are in the queue after the draws that were handed out."""
        n_taken = self.draws.n_taken
        left = self.entered.keys() - self.draws.rows[:n_taken]
        return [row for row in left if self.entered[row] < n_taken]


class _Walk:
    """Walks through the rows that can be drawn, and begins anew at the end."""

    def __init__(self, table: LossTable, rng: np.random.Generator | None) -> None:
        self._table = table
        self._rng = rng
        self._rows = np.empty(0, np.int64)
        self._next = 0

    def take(self, n: int, evicted: NDArray[np.bool_], is_out: NDArray[np.bool_]) -> Rows:
        """The next n distinct rows; fewer at the end of a walk, none only if none is free."""
        free = self._take(n, evicted, is_out)
        if len(free) == 0:
            self._begin()
            free = self._take(n, evicted, is_out)
        return free

    def look_ahead(
        self, n: int, evicted: NDArray[np.bool_], is_out: NDArray[np.bool_]
    ) -> tuple[Rows, Rows]:
        """Some rows that single calls of `take` would return, and after each where to `go_to`."""
        found = self._free_places(n, evicted, is_out)
        if len(found) == 0:
            self._begin()
            found = self._free_places(n, evicted, is_out)
        return self._rows[found], found + 1

    def go_to(self, place: int) -> None:
        """Go on from a place that `look_ahead` named."""
        self._next = place

    def _begin(self) -> None:
        rows = np.flatnonzero((self._table.loss_epoch >= 0) & ~self._table.evicted)
        self._rows = rows if self._rng is None else self._rng.permutation(rows)
        self._next = 0

    def _take(self, n: int, evicted: NDArray[np.bool_], is_out: NDArray[np.bool_]) -> Rows:
        found = self._rows[:0]
        while len(found) < n and self._next < len(self._rows):
            rows = self._rows[self._next : self._next + n - len(found)]
            self._next += len(rows)
            free = rows[~(evicted[rows] | is_out[rows])]
            found = np.concatenate([found, free]) if len(found) else free
        return found

    def _free_places(self, n: int, evicted: NDArray[np.bool_], is_out: NDArray[np.bool_]) -> Rows:
        """Places of the free rows among the next n, or among the first n with a free one."""
        free = np.empty(0, np.int64)
        start = self._next
        while len(free) == 0 and start < len(self._rows):
            rows = self._rows[start : start + n]
            free = np.flatnonzero(~(evicted[rows] | is_out[rows])) + start
            start += n
        return free


def _distinct(rows: Rows) -> Rows:
    """The rows without repeats, in any order."""
    ordered = np.sort(rows)
    return np.unique(rows) if (ordered[1:] == ordered[:-1]).any() else rows


def _as_table(**columns: NDArray[Any]) -> NDArray[Any]:
    """Columns of equal length as a structured array."""
    n = len(next(iter(columns.values())))
    dtype = np.dtype([(name, values.dtype) for name, values in columns.items()], align=True)
    table = np.zeros(n, dtype)
    for name, values in columns.items():
        table[name] = values
    return table
