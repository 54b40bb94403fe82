"""What is known of every training instance: its loss, its visits, its dynamics."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._saved_states import SavedState, written_by_name

#: Measures of one forward pass that training dynamics are made of.
DYNAMICS_MEASURES = ("correct", "margin", "el2n")


#: Visits of a row that a saved state may have, well below where int32 ends.
MOST_VISITS = int(np.iinfo(np.int32).max) - (1 << 20)

_LOSSES = ("loss", "mean_loss", "loss_variability")
_DYNAMICS_SUMS = (
    "loss",
    "confidence",
    "confidence_squared",
    "margin",
    "el2n",
    "correct",
    "forgotten",
)


class NonFiniteLossError(FloatingPointError, ValueError):
    """A measured loss is infinite or not a number.

    Parameters
    ----------
    message : str
        What happened.
    row : int, default=None
        The row it happened for.

    Attributes
    ----------
    row : int or None
        The row, as numbered by the raiser.
    """

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


@written_by_name
class TrainingDynamics:
    """Running sums over the visits of every row.

    Only losses and outputs of training steps enter, one value per visit, so that
    each mean is a sum divided by the row's visits.

    Parameters
    ----------
    n_rows : int
        Number of rows.

    Attributes
    ----------
    measures : tuple of str
        What a step has to measure beside the loss.
    """

    measures: tuple[str, ...] = DYNAMICS_MEASURES

    def __init__(self, n_rows: int) -> None:
        self.loss = np.zeros(n_rows, np.float64)
        self.confidence = np.zeros(n_rows, np.float64)
        self.confidence_squared = np.zeros(n_rows, np.float64)
        self.margin = np.zeros(n_rows, np.float64)
        self.el2n = np.zeros(n_rows, np.float64)
        self.correct = np.zeros(n_rows, np.int32)
        self.forgotten = np.zeros(n_rows, np.int32)
        self._seen = np.zeros(n_rows, bool)
        self._began_wrong = np.zeros(n_rows, bool)
        self._was_correct = np.zeros(n_rows, bool)

    def add(
        self, rows: NDArray[np.int64], losses: NDArray[Any], measured: Mapping[str, Any]
    ) -> None:
        """Add one training step."""
        confidence = np.exp(-losses.astype(np.float64))  # of the given label: loss = -log p
        correct = np.asarray(measured["correct"], dtype=bool)
        np.add.at(self.loss, rows, losses)
        np.add.at(self.confidence, rows, confidence)
        np.add.at(self.confidence_squared, rows, confidence**2)
        np.add.at(self.margin, rows, measured["margin"])
        np.add.at(self.el2n, rows, measured["el2n"])
        np.add.at(self.correct, rows, correct)
        np.add.at(self.forgotten, rows, self._was_correct[rows] & ~correct)
        self._note_order(rows, ~correct, correct)

    def add_sums(self, other: "TrainingDynamics", positions: NDArray[np.int64]) -> None:
        """Add the sums of other rows at `positions`."""
        for name in _DYNAMICS_SUMS:
            np.add.at(getattr(self, name), positions, getattr(other, name))
        # A row may also be forgotten between its last visit here and its first there.
        np.add.at(self.forgotten, positions, self._was_correct[positions] & other._began_wrong)
        seen = other._seen
        self._note_order(positions[seen], other._began_wrong[seen], other._was_correct[seen])

    def _note_order(
        self, rows: NDArray[np.int64], began_wrong: NDArray[Any], was_correct: NDArray[Any]
    ) -> None:
        """Keep how the first visit of a row went, and how the last."""
        new = ~self._seen[rows]
        self._began_wrong[rows[new]] = began_wrong[new]
        self._was_correct[rows] = was_correct
        self._seen[rows] = True

    def columns(self, visits: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
        """Per-visit means as float32, NaN where a row was never visited."""
        with np.errstate(invalid="ignore", divide="ignore"):
            n = np.where(visits > 0, visits, np.nan)
            confidence = self.confidence / n
            variance = np.maximum(self.confidence_squared / n - confidence**2, 0.0)
            columns = {
                "mean_loss": self.loss / n,
                "confidence": confidence,
                "variability": np.sqrt(variance),
                "correctness": self.correct / n,
                "margin": self.margin / n,
                "el2n": self.el2n / n,
            }
        largest = np.finfo(np.float32).max  # a margin in float64 may be larger
        result: dict[str, NDArray[Any]] = {
            k: np.clip(v, -largest, largest).astype(np.float32) for k, v in columns.items()
        }
        result["forgotten"] = self.forgotten
        return result


@written_by_name
class LossDynamics:
    """Running sums over the visits of every row, of the loss alone.

    For a regression, where there is no label to be right about.

    Parameters
    ----------
    n_rows : int
        Number of rows.

    Attributes
    ----------
    measures : tuple of str
        What a step has to measure beside the loss.
    """

    measures: tuple[str, ...] = ()

    def __init__(self, n_rows: int) -> None:
        self.loss = np.zeros(n_rows, np.float64)
        self.loss_squared = np.zeros(n_rows, np.float64)

    def add(
        self, rows: NDArray[np.int64], losses: NDArray[Any], measured: Mapping[str, Any]
    ) -> None:
        """Add one training step."""
        losses = losses.astype(np.float64)
        np.add.at(self.loss, rows, losses)
        np.add.at(self.loss_squared, rows, losses**2)

    def add_sums(self, other: "LossDynamics", positions: NDArray[np.int64]) -> None:
        """Add the sums of other rows at `positions`."""
        np.add.at(self.loss, positions, other.loss)
        np.add.at(self.loss_squared, positions, other.loss_squared)

    def columns(self, visits: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
        """Mean and standard deviation as float32, NaN where a row was never visited."""
        with np.errstate(invalid="ignore", divide="ignore"):
            n = np.where(visits > 0, visits, np.nan)
            mean = self.loss / n
            variance = np.maximum(self.loss_squared / n - mean**2, 0.0)
        return {
            "mean_loss": mean.astype(np.float32),
            "loss_variability": np.sqrt(variance).astype(np.float32),
        }


#: What the parameter `dynamics` of a LossTable may be, beside False.
_DYNAMICS: dict[bool | str, Any] = {True: TrainingDynamics, "loss": LossDynamics}


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
        self.dynamics = _DYNAMICS[dynamics](n_rows) if dynamics else None

    def __len__(self) -> int:
        return len(self.loss)

    def _set_saved_attributes(self, attributes: dict[str, Any]) -> None:
        n, dynamics = len(attributes["loss"]), attributes["dynamics"]
        _check_columns(attributes, LossTable(0), n)
        self.__dict__.update(attributes)
        _make_writable(self)
        if dynamics is not None:
            if type(dynamics) not in _DYNAMICS.values():
                raise ValueError(f"'dynamics' is {type(dynamics).__name__}")
            _check_columns(vars(dynamics), type(dynamics)(0), n)
            _make_writable(dynamics)

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
        for name in ("loss", "loss_epoch", "fresh", "visits", "evicted"):
            getattr(table, name)[: len(self)] = getattr(self, name)
        if table.dynamics is not None and self.dynamics is not None:
            table.dynamics.add_sums(self.dynamics, np.arange(len(self)))
            if other.dynamics is not None:
                table.dynamics.add_sums(other.dynamics, positions)
        measured = other.loss_epoch >= 0
        for name in ("loss", "loss_epoch", "fresh"):
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
        columns: dict[str, NDArray[Any]] = {
            "loss": self.loss,
            "loss_epoch": self.loss_epoch,
            "fresh": self.fresh,
            "visits": self.visits,
            "evicted": self.evicted,
        }
        dynamics = self.dynamics.columns(self.visits) if self.dynamics is not None else {}
        empty = LossTable(0)
        dtype: list[Any] = [("id", ids.dtype)]
        dtype += [(name, getattr(empty, name).dtype) for name in columns]
        dtype += [("held_out", bool), *((name, v.dtype) for name, v in dynamics.items())]
        table = np.zeros(len(ids), dtype=np.dtype(dtype, align=True))
        table["id"] = ids
        table["loss"], table["loss_epoch"] = np.nan, -1
        for name, values in dynamics.items():
            if values.dtype.kind == "f":
                table[name] = np.nan
            columns[name] = values
        where = slice(None) if positions is None else positions
        for name, values in columns.items():
            table[name][where] = values
        return table


def _check_columns(attributes: Mapping[str, Any], empty: Any, n: int) -> None:
    """Raise unless there is an array of n rows for each that an empty object has."""
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


def _make_writable(owner: Any) -> None:
    """Copy arrays that came read-only, such as those of a file that is mapped into memory."""
    for name, column in vars(owner).items():
        if isinstance(column, np.ndarray) and not column.flags.writeable:
            setattr(owner, name, np.array(column))


def copied_records(records: NDArray[Any], dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
    """A copy of records, with zeros between the fields: numpy's own has there what it finds.

    Parameters
    ----------
    records : structured ndarray of shape (n,)
        The records.
    dtype : dtype, default=None
        Of the copy, with the same fields; None for the same.
    """
    copied = np.zeros(records.shape, records.dtype if dtype is None else dtype)
    for name in records.dtype.names or ():
        copied[name] = records[name]
    return copied


@written_by_name
class HeldOut(NamedTuple):
    """Rows that were validated with instead of trained on.

    Attributes
    ----------
    rows : ndarray of shape (n,), int64
        Which of the given rows they are.
    losses : ndarray of shape (n,), float32, or None
        Their losses, measured in evaluation mode; None if they were not.
    epoch : int
        Round of the measurement.
    """

    rows: NDArray[np.int64]
    losses: NDArray[np.float32] | None = None
    epoch: int = -1


class PublishedTable(SavedState):
    """A loss table as its user sees it: one record per row given to `fit`.

    The structured array takes more memory than the columns that it is made from, and many
    never look at it. So it is made when it is first asked for, kept from then on, and left
    out of pickles and copies.

    Parameters
    ----------
    table : LossTable
        The columns, which must not change any more.
    n_given : int
        Number of rows given.
    rows : ndarray of shape (len(table),), int64, or None
        Which of them the rows of `table` are; None for all.
    ids : ndarray of shape (n_given,), default=None
        Their identifiers; None for 0, 1, 2, ...
    held_out : HeldOut, default=None
        Those that were held out.
    loss_unit : float, default=None
        What a loss of 1 is in the units of the user, and then losses are float64; None if
        they are the same.
    """

    def __init__(
        self,
        table: LossTable,
        n_given: int,
        rows: NDArray[np.int64] | None,
        *,
        ids: NDArray[Any] | None = None,
        held_out: HeldOut | None = None,
        loss_unit: float | None = None,
    ) -> None:
        self.table = table
        self.n_given = n_given
        self.rows = rows
        self.ids = ids
        self.held_out = held_out
        self.loss_unit = loss_unit
        self._structured: NDArray[Any] | None = None

    def _attributes_to_save(self) -> dict[str, Any]:
        return {**self.__dict__, "_structured": None}

    def _set_saved_attributes(self, attributes: dict[str, Any]) -> None:
        table, rows, ids = attributes["table"], attributes["rows"], attributes["ids"]
        if not isinstance(table, LossTable):
            raise ValueError(f"'table' is {type(table).__name__}, not a LossTable")
        n, n_given = len(table), attributes["n_given"]
        if n != (n_given if rows is None else len(rows)):
            raise ValueError(f"a table of {n} rows does not fit to {n_given} given ones")
        if rows is not None and n and not (rows.min() >= 0 and rows.max() < n_given):
            raise ValueError(f"'rows' are not among {n_given} given ones")
        if ids is not None and len(ids) != n_given:
            raise ValueError(f"there are {len(ids)} ids of {n_given} rows")
        self.__dict__.update(attributes)

    def structured(self) -> NDArray[Any]:
        """The structured array, the same one every time, read-only."""
        if self._structured is None:
            self._structured = self._in_units_of_the_user(self._make())
            # It is made again in copies and pickles, where a change would be lost.
            self._structured.flags.writeable = False
        return self._structured

    def visits(self) -> NDArray[np.int32]:
        """Visits of every given row, read-only."""
        visits = self.table.visits.view()
        if self.rows is not None:
            visits = np.zeros(self.n_given, np.int32)
            visits[self.rows] = self.table.visits
        visits.flags.writeable = False
        return visits

    def training_mask(self) -> NDArray[np.bool_]:
        """Which of the given rows the table has, read-only."""
        mask = np.full(self.n_given, self.rows is None)
        if self.rows is not None:
            mask[self.rows] = True
        mask.flags.writeable = False
        return mask

    def held_out_mask(self) -> NDArray[np.bool_]:
        """Which of the given rows were held out."""
        mask = np.zeros(self.n_given, bool)
        if self.held_out is not None:
            mask[self.held_out.rows] = True
        return mask

    def _make(self) -> NDArray[Any]:
        ids = np.arange(self.n_given) if self.ids is None else self.ids
        records = self.table.to_structured(ids, self.rows)
        if self.held_out is not None:
            rows, losses, epoch = self.held_out
            records["held_out"][rows] = True
            if losses is not None:
                records["loss"][rows] = losses
                records["loss_epoch"][rows] = epoch
                records["fresh"][rows] = True
        return records

    def _in_units_of_the_user(self, records: NDArray[Any]) -> NDArray[Any]:
        if self.loss_unit is None:
            return records
        names = records.dtype.names or ()
        types = {name: np.float64 if name in _LOSSES else records.dtype[name] for name in names}
        published = copied_records(records, np.dtype(list(types.items()), align=True))
        for name in set(_LOSSES) & types.keys():
            published[name] *= self.loss_unit
        return published
