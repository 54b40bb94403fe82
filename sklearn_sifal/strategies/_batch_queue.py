"""A priority queue of rows that is filled and emptied a batch at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._saved_states import written_by_name
from sklearn_sifal.strategies._state_checks import (
    check_column,
    check_part,
    check_truth,
    check_whole,
)

#: Numbers that rank equal losses are below this.
ORDER_LIMIT = 1 << 32

_SIGN_BIT = np.uint32(1 << 31)
_HALF = np.uint64(32)


@written_by_name
class BatchQueue:
    """Rows by their loss: the best come out first, a batch in a handful of array operations.

    Rows of equal loss come out by their order number, the smallest first. Entries lie in
    two sorted runs, a main one and a short one of recent entries that is merged into the
    main one when it is full; so there is no Python object per row, and a batch copies about
    the square root of the number of rows. An entry that a later one of the same row
    replaces stays where it is until it is met, and is then passed over.

    Parameters
    ----------
    n_rows : int
        Rows are numbered from 0 to n_rows - 1.
    largest : bool, default=True
        Whether the largest loss is the best, or the smallest.
    """

    def __init__(self, n_rows: int, *, largest: bool = True) -> None:
        self.largest = largest
        # Key of the entry that counts, for every row; 0, which no loss gives, for none.
        self._keys = np.zeros(n_rows, np.uint64)
        # Key with which a row was last discarded: that entry may still lie in a run.
        self._discarded = np.zeros(n_rows, np.uint64)
        self._recent_limit = max(1024, 32 * int(np.sqrt(n_rows)))
        self.clear()

    def __len__(self) -> int:
        return self._count

    def clear(self) -> None:
        """Take all rows out."""
        self._keys[:] = 0
        self._count = 0
        self._main, self._recent = _Run.empty(), _Run.empty()

    def contains(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of the rows is in the queue."""
        inside: NDArray[np.bool_] = self._keys[rows] != 0
        return inside

    def push(
        self, rows: NDArray[np.int64], losses: NDArray[np.float32], order: NDArray[np.int64]
    ) -> None:
        """Put distinct rows in, or change the finite losses, in nats, of rows that are in.

        Orders are numbers from 0 to `ORDER_LIMIT` - 1 that no other row has. A row that is in
        needs one it never had; one that is not may come back with its last.
        """
        keys = self._encoded(losses, order)
        if (self._discarded[rows] == keys).any():
            self._merge_runs()
        self._count += len(rows) - int(np.count_nonzero(self._keys[rows]))
        self._keys[rows] = keys
        by_key = np.argsort(keys)
        self._recent = self._recent.merged(_Run(keys[by_key], rows[by_key]))
        if len(self._recent) > self._recent_limit:
            self._merge_runs()

    def pop(self, n: int) -> NDArray[np.int64]:
        """Take out the n best rows, or as many as there are; the best first."""
        return self._take(n, best=True)[::-1]

    def drop_lowest(self, n: int) -> NDArray[np.int64]:
        """Take out the n worst rows, or as many as there are; the worst first."""
        return self._take(n, best=False)

    def discard(self, rows: NDArray[np.int64]) -> None:
        """Take out those of some distinct rows that are in."""
        rows = rows[self.contains(rows)]
        self._count -= len(rows)
        self._discarded[rows] = self._keys[rows]
        self._keys[rows] = 0

    def to_structured(self) -> NDArray[Any]:
        """The rows that are in, the best first, with the fields `row`, `loss` (nats), `order`."""
        self._merge_runs()
        keys, rows = self._main.keys[::-1], self._main.rows[::-1]
        fields = [("row", np.int64), ("loss", np.float32), ("order", np.int64)]
        table = np.zeros(len(rows), np.dtype(fields, align=True))
        table["row"] = rows
        table["loss"], table["order"] = self._decoded(keys)
        return table

    def check_state(self, n_rows: int, *, largest: bool) -> None:
        """Raise unless the attributes, read from a file, are ones that a training leaves."""
        keys = check_column(self, "_keys", (n_rows,), np.uint64)
        check_column(self, "_discarded", (n_rows,), np.uint64)
        check_whole(self, "_recent_limit", 1)
        check_whole(self, "_count", count := int(np.count_nonzero(keys)), count)
        check_truth(self, "largest")
        if self.largest != largest:
            raise ValueError("'largest' of BatchQueue is not that of the strategy")
        counting = []
        for name in ("_main", "_recent"):
            run = check_part(self, name, _Run)
            entries = check_column(run, "keys", (-1,), np.uint64)
            check_column(run, "rows", (len(entries),), np.int64, 0, n_rows - 1)
            if (entries[1:] < entries[:-1]).any():
                raise ValueError("'keys' of a run are not in order")
            counting.append(run.rows[run._counting(keys, slice(None))])
        if not np.array_equal(np.sort(np.concatenate(counting)), np.flatnonzero(keys)):
            raise ValueError("'_keys' of BatchQueue have no entries")
        if not np.isfinite(self._decoded(keys[keys != 0])[0]).all():
            raise ValueError("'_keys' of BatchQueue have a loss that is not finite")

    def _take(self, n: int, *, best: bool) -> NDArray[np.int64]:
        """Take rows out at one end of the runs; in ascending order of their keys."""
        n = min(n, self._count)
        if n <= 0:
            return np.empty(0, np.int64)
        main, recent = (run.end(n, self._keys, best) for run in (self._main, self._recent))
        keys = np.concatenate([self._main.keys[main], self._recent.keys[recent]])
        rows = np.concatenate([self._main.rows[main], self._recent.rows[recent]])
        by_key = np.argsort(keys)
        taken = by_key[-n:] if best else by_key[:n]
        n_main = int(np.count_nonzero(taken < len(main)))
        self._main.cut(main, n_main, best)
        self._recent.cut(recent, n - n_main, best)
        rows = rows[taken]
        self._keys[rows] = 0
        self._count -= n
        return rows

    def _merge_runs(self) -> None:
        self._main.drop_replaced(self._keys)
        self._recent.drop_replaced(self._keys)
        self._main, self._recent = self._main.merged(self._recent), _Run.empty()

    def _encoded(self, losses: NDArray[np.float32], order: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Unsigned integers, none 0, that rise with the priority of a row.

        The upper half is the loss, in the bits of a float32 so turned that they compare
        as its value does; the lower half counts down what the order number counts up.
        """
        signed = losses if self.largest else -losses
        bits = (signed + np.float32(0)).view(np.uint32)  # adding 0 makes -0 a 0
        upper = np.where(bits & _SIGN_BIT, ~bits, bits | _SIGN_BIT).astype(np.uint64)
        keys: NDArray[np.uint64] = upper << _HALF | (ORDER_LIMIT - 1 - order).astype(np.uint64)
        return keys

    def _decoded(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        upper = (keys >> _HALF).astype(np.uint32)
        signed = np.where(upper & _SIGN_BIT, upper & ~_SIGN_BIT, ~upper).view(np.float32)
        order = ORDER_LIMIT - 1 - (keys & np.uint64(ORDER_LIMIT - 1)).astype(np.int64)
        return (signed if self.largest else -signed + np.float32(0)), order


@written_by_name
class _Run:
    """Entries in ascending order of their keys, those that were replaced among them."""

    def __init__(self, keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> None:
        self.keys = keys
        self.rows = rows

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def empty(cls) -> "_Run":
        return cls(np.empty(0, np.uint64), np.empty(0, np.int64))

    def merged(self, other: "_Run") -> "_Run":
        """Both in one new run; fastest if `other` is the shorter one."""
        n = len(self) + len(other)
        theirs = np.searchsorted(self.keys, other.keys) + np.arange(len(other))
        own = np.ones(n, dtype=bool)
        own[theirs] = False
        run = _Run(np.empty(n, np.uint64), np.empty(n, np.int64))
        run.keys[theirs], run.rows[theirs] = other.keys, other.rows
        run.keys[own], run.rows[own] = self.keys, self.rows
        return run

    def end(self, n: int, current: NDArray[np.uint64], best: bool) -> NDArray[np.int64]:
        """Ascending positions of the n last (`best`) or first entries that count."""
        width = 2 * n + 64
        if len(self) > width:
            start = len(self) - width if best else 0
            found = self._counting(current, slice(start, start + width))
            if len(found) >= n:
                return (found[-n:] if best else found[:n]) + start
            # Most are replaced ones: without them the next calls need not look far.
            self.drop_replaced(current)
        found = self._counting(current, slice(None))
        return found[-n:] if best else found[:n]

    def cut(self, end: NDArray[np.int64], n: int, best: bool) -> None:
        """Take off the last or first n of the positions `end`, and all beyond them."""
        if n == 0:
            return
        part = slice(0, end[-n]) if best else slice(end[n - 1] + 1, None)
        self.keys, self.rows = self.keys[part], self.rows[part]

    def drop_replaced(self, current: NDArray[np.uint64]) -> None:
        kept = self._counting(current, slice(None))
        if len(kept) < len(self):
            self.keys, self.rows = self.keys[kept], self.rows[kept]

    def _counting(self, current: NDArray[np.uint64], part: slice) -> NDArray[np.int64]:
        return np.flatnonzero(current[self.rows[part]] == self.keys[part])
