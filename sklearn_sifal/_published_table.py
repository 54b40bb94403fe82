"""A loss table as its user sees it: one record per row that was given."""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._saved_states import SavedState, written_by_name

_Scalar = TypeVar("_Scalar", bound=np.generic)
_LOSSES = ("loss", "mean_loss", "loss_variability")


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
        return self._of_given_rows(self.table.visits)

    def training_mask(self) -> NDArray[np.bool_]:
        """Which of the given rows the table has, read-only."""
        return self._of_given_rows(np.ones(len(self.table), bool))

    def held_out_mask(self) -> NDArray[np.bool_]:
        """Which of the given rows were held out."""
        mask = np.zeros(self.n_given, bool)
        if self.held_out is not None:
            mask[self.held_out.rows] = True
        return mask

    def _of_given_rows(self, column: NDArray[_Scalar]) -> NDArray[_Scalar]:
        """A column of the table for every given row, zero where it has none; read-only."""
        if self.rows is None:
            values = column.view()
        else:
            values = np.zeros(self.n_given, column.dtype)
            values[self.rows] = column
        values.flags.writeable = False
        return values

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
