"""What is known of every training instance: its last loss, its visits, its evictions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._dynamics import DYNAMICS, RunningSums
from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal._saved_states import SavedState

#: Visits of a row that a saved state may have, well below where int32 ends.
MOST_VISITS = int(np.iinfo(np.int32).max) - (1 << 20)
_LAST_MEASURED = ("loss", "loss_epoch", "fresh")
_COLUMNS = (*_LAST_MEASURED, "visits", "evicted")


class LossTable(SavedState):
    """The last known loss of every row, when and how it was measured, and the visits.

    `record` is the only writer of losses and visits.

    Parameters
    ----------
    n_rows : int
        Number of rows trained on.
    dynamics : bool or 'loss', default=False
        Whether to keep the sums that training dynamics are made of; 'loss' keeps those
        of the loss alone, for a regression.

    Attributes
    ----------
    loss : ndarray of shape (n_rows,), float32
        Last known loss in nats, without weights; NaN where never measured.
    loss_epoch : ndarray of shape (n_rows,), int32
        Round in which `loss` was measured; -1 for never.
    fresh : ndarray of shape (n_rows,), bool
        True if `loss` comes from a scoring pass (evaluation mode), False if from the
        training step, where dropout was active.
    visits : ndarray of shape (n_rows,), int32
        How often the row was trained on.
    evicted : ndarray of shape (n_rows,), bool
        Rows that sit out.
    n_evictions, n_restored : int
        How many times a row was evicted, and an eviction lifted, since the table was made.
    dynamics : TrainingDynamics, LossDynamics or None
        Running sums over the visits.
    """

    # Here for tables that were pickled without them.
    n_evictions: int = 0
    n_restored: int = 0

    def __init__(self, n_rows: int, *, dynamics: bool | str = False) -> None:
        self.loss = np.full(n_rows, np.nan, np.float32)
        self.loss_epoch = np.full(n_rows, -1, np.int32)
        self.fresh = np.zeros(n_rows, bool)
        self.visits = np.zeros(n_rows, np.int32)
        self.evicted = np.zeros(n_rows, bool)
        self.dynamics: RunningSums | None = DYNAMICS[dynamics](n_rows) if dynamics else None

    def __len__(self) -> int:
        return len(self.loss)

    def _set_saved_attributes(self, attributes: dict[str, Any]) -> None:
        n, dynamics = len(attributes["loss"]), attributes["dynamics"]
        self.__dict__.update(_checked_columns(attributes, LossTable(0), n))
        if dynamics is not None:
            if type(dynamics) not in DYNAMICS.values():
                raise ValueError(f"'dynamics' is {type(dynamics).__name__}")
            vars(dynamics).update(_checked_columns(vars(dynamics), type(dynamics)(0), n))

    def check_state(self, epoch: int) -> None:
        """Raise unless the columns, read from a file, are ones that training leaves.

        Parameters
        ----------
        epoch : int
            The latest round.
        """
        known = self.loss_epoch >= 0
        evicted = int(np.count_nonzero(self.evicted))
        counts = (self.n_evictions, self.n_restored)
        wrong = {
            "'visits' are negative": self.visits < 0,
            "'visits' are too many to count on": self.visits > MOST_VISITS,
            "'visits' were made to rows without a loss": (self.visits > 0) & ~known,
            "'loss_epoch' is of no round so far": (self.loss_epoch < -1)
            | (self.loss_epoch > max(epoch, 0)),
            "'loss' is not finite where it was measured": known & ~np.isfinite(self.loss),
            "'loss' is there where it was not measured": ~known & ~np.isnan(self.loss),
            "'fresh' are losses that were not measured": self.fresh & ~known,
        }
        for what, where in wrong.items():
            if where.any():
                raise ValueError(f"{what}, first in row {int(where.argmax())}")
        if any(type(n) is not int or n < 0 for n in counts) or counts[0] - counts[1] != evicted:
            raise ValueError(
                f"'n_evictions' and 'n_restored' are {counts[0]!r} and {counts[1]!r} with "
                f"{evicted} rows evicted"
            )

    def empty_like(self, n_rows: int) -> "LossTable":
        """A table of rows never seen, with the same kind of dynamics.

        Parameters
        ----------
        n_rows : int
            Number of its rows.

        Returns
        -------
        table : LossTable
        """
        table = LossTable(n_rows)
        if self.dynamics is not None:
            table.dynamics = type(self.dynamics)(n_rows)
        return table

    def record(
        self,
        rows: NDArray[np.int64],
        losses: NDArray[Any],
        *,
        epoch: int = 0,
        training: bool = True,
        measured: Mapping[str, Any] | None = None,
    ) -> None:
        """Store the losses of one step or scoring pass.

        Parameters
        ----------
        rows : ndarray of shape (n,), int64
            Row numbers. Repeats count as that many visits; the last loss stays.
        losses : ndarray of shape (n,)
            Losses in nats.
        epoch : int, default=0
            The current round.
        training : bool, default=True
            True for a training step, which counts as a visit; False for a scoring pass.
        measured : mapping of str to ndarray of shape (n,), default=None
            The `DYNAMICS_MEASURES` of the step, needed when dynamics are kept.

        Raises
        ------
        NonFiniteLossError
            If a loss is infinite or NaN.
        ValueError
            If there is not one loss per row, or no such row. After an error the table is
            unchanged.
        """
        rows, losses = np.asarray(rows, dtype=np.int64), np.asarray(losses)
        if rows.shape != losses.shape or rows.ndim != 1:
            raise ValueError(
                f"record needs one loss per row. Got {rows.shape} rows and {losses.shape} losses."
            )
        if len(rows) and (rows.min() < 0 or rows.max() >= len(self)):
            raise ValueError(
                f"record takes rows from 0 to {len(self) - 1}. Got {rows.min()} to {rows.max()}."
            )
        with np.errstate(over="ignore"):
            stored = losses.astype(np.float32, copy=False)
        finite = np.isfinite(stored)
        if not finite.all():
            first = int(np.flatnonzero(~finite)[0])
            row = int(rows[first])
            raise NonFiniteLossError(f"the loss of row {row} is {float(losses[first])}", row)
        self.loss[rows] = stored
        self.loss_epoch[rows] = epoch
        self.fresh[rows] = not training
        if training:
            np.add.at(self.visits, rows, np.int32(1))  # a Python 1 would be cast row by row
            if self.dynamics is not None and measured is not None:
                self.dynamics.add(rows, losses, measured)

    def evict(self, rows: NDArray[Any]) -> None:
        """Let rows sit out until `restore`.

        Parameters
        ----------
        rows : ndarray of shape (n,), integer, or of shape (n_rows,), bool
            Row numbers or a mask.
        """
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        # By numbers it takes time for these rows alone: a heap evicts after most batches.
        self.n_evictions += len(np.unique(rows[~self.evicted[rows]]))
        self.evicted[rows] = True

    def restore(self) -> None:
        """Lift every eviction."""
        self.n_restored += int(np.count_nonzero(self.evicted))
        self.evicted[:] = False

    def merged(self, other: "LossTable", positions: NDArray[np.int64], n_rows: int) -> "LossTable":
        """A new table: this one, grown, with another entered into it.

        Parameters
        ----------
        other : LossTable
            Its losses replace the ones here where they were measured; its visits and
            dynamics are added.
        positions : ndarray of shape (len(other),), int64
            Rows of the new table, repeats allowed.
        n_rows : int
            Number of rows of the new table; at least as many as here.

        Returns
        -------
        table : LossTable
        """
        table = self.empty_like(max(n_rows, len(self)))
        for name in _COLUMNS:
            getattr(table, name)[: len(self)] = getattr(self, name)
        if table.dynamics is not None and self.dynamics is not None:
            table.dynamics.add_sums(self.dynamics, np.arange(len(self)))
            if other.dynamics is not None:
                table.dynamics.add_sums(other.dynamics, positions)
        measured = other.loss_epoch >= 0
        for name in _LAST_MEASURED:
            getattr(table, name)[positions[measured]] = getattr(other, name)[measured]
        np.add.at(table.visits, positions, other.visits)
        table.evicted[positions] |= other.evicted
        return table

    def to_structured(
        self, ids: NDArray[Any], positions: NDArray[np.int64] | None = None
    ) -> NDArray[Any]:
        """One record per id, as a structured array.

        Parameters
        ----------
        ids : ndarray of shape (n,)
            Identifiers of all rows given to `fit`.
        positions : ndarray of shape (n_rows,), int64, default=None
            Which of them the rows of this table are; None for all.

        Returns
        -------
        table : structured ndarray of shape (n,)
            Rows that this table does not have get a NaN loss, epoch -1 and no visits. Fields
            are aligned, so that each can be a torch tensor; what is between them is zero.
        """
        columns = {name: getattr(self, name) for name in _COLUMNS}
        dynamics = self.dynamics.columns(self.visits) if self.dynamics is not None else {}
        fields = {"id": ids, **columns, "held_out": np.zeros(0, bool), **dynamics}
        dtype = [(name, values.dtype) for name, values in fields.items()]
        table = np.zeros(len(ids), np.dtype(dtype, align=True))
        table["id"] = ids
        table["loss_epoch"] = -1
        where = slice(None) if positions is None else positions
        for name, values in {**columns, **dynamics}.items():
            if values.dtype.kind == "f":
                table[name] = np.nan
            table[name][where] = values
        return table


def _checked_columns(attributes: Mapping[str, Any], empty: object, n: int) -> dict[str, Any]:
    """Attributes, if they have an array of n rows for each that an empty object has.

    Arrays that came read-only, such as those of a file that is mapped into memory, are copied.
    """
    checked = dict(attributes)
    for name, column in vars(empty).items():
        if not isinstance(column, np.ndarray):
            continue
        saved = attributes[name]
        if not isinstance(saved, np.ndarray):
            raise ValueError(f"{name!r} is {type(saved).__name__}, not an array")
        if saved.shape != (n,) or saved.dtype != column.dtype:
            raise ValueError(
                f"{name!r} has shape {saved.shape} and dtype {saved.dtype}, not {(n,)} and "
                f"{column.dtype}"
            )
        checked[name] = saved if saved.flags.writeable else np.array(saved)
    return checked
