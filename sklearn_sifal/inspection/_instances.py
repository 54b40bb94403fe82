"""The hardest, the easiest and the most visited instances, with what they contain."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._labels import read
from sklearn_sifal._parameters import check_integer_value
from sklearn_sifal.inspection._checks import check_losses, check_one_per_row, check_visits
from sklearn_sifal.inspection._record import Record


@dataclass(frozen=True, eq=False, repr=False)
class InstanceTable(Record):
    """Some rows of the data, in the order that was asked for.

    Fields that were not given are None.

    Attributes
    ----------
    rows : ndarray of shape (n_instances,), int64
        Row numbers in the arrays given.
    losses : ndarray of shape (n_instances,), or None
        Losses in nats.
    labels : ndarray of shape (n_instances,), or None
        Labels given.
    predictions : ndarray of shape (n_instances,), or None
        Labels predicted.
    visits : ndarray of shape (n_instances,), int64, or None
        How often the rows were trained on.
    contents : list, ndarray or sparse matrix of n_instances entries, or None
        The rows themselves, such as texts or images.
    """

    rows: NDArray[np.int64]
    losses: NDArray[Any] | None = None
    labels: NDArray[Any] | None = None
    predictions: NDArray[Any] | None = None
    visits: NDArray[np.int64] | None = None
    contents: Any = None

    def __len__(self) -> int:
        return len(self.rows)

    def _columns(self) -> dict[str, Any]:
        columns: dict[str, Any] = {
            "row": self.rows,
            "loss": self.losses,
            "label": self.labels,
            "prediction": self.predictions,
            "visits": self.visits,
        }
        # Rows of numbers do not fit into a column.
        if getattr(self.contents, "ndim", 1) == 1:
            columns["content"] = self.contents
        return {name: values for name, values in columns.items() if values is not None}


def hardest_instances(
    losses: Any,
    n_instances: int = 10,
    *,
    y: Any = None,
    y_pred: Any = None,
    visits: Any = None,
    contents: Any = None,
) -> InstanceTable:
    """List the rows with the largest losses, the largest first.

    Parameters
    ----------
    losses : array-like of shape (n_samples,)
        Losses in nats; rows with NaN are left out.
    n_instances : int, default=10
        How many rows; fewer if there are not as many.
    y : array-like of shape (n_samples,), default=None
        Labels.
    y_pred : array-like of shape (n_samples,), default=None
        Predicted labels.
    visits : array-like of shape (n_samples,), default=None
        How often each row was trained on.
    contents : sequence, array, sparse matrix or data frame of n_samples rows, default=None
        What the rows are, such as texts.

    Returns
    -------
    instances : InstanceTable
        Of rows with equal losses the earlier comes first.

    Raises
    ------
    ValueError
        If something given is not one per row, or a loss is infinite.

    Examples
    --------
    >>> table = hardest_instances([0.1, 3.0, 0.4], 2, contents=["hi", "refund?", "hello"])
    >>> table.rows
    array([1, 2])
    >>> table.contents
    ['refund?', 'hello']
    """
    check_integer_value("hardest_instances", "n_instances", n_instances, 1)
    values = check_losses(losses)
    rows = _first_by(-values, n_instances)
    return _table(rows, values, y, y_pred, _visits(visits, values), contents)


def easiest_instances(
    losses: Any,
    n_instances: int = 10,
    *,
    y: Any = None,
    y_pred: Any = None,
    visits: Any = None,
    contents: Any = None,
) -> InstanceTable:
    """List the rows with the smallest losses, the smallest first.

    Parameters
    ----------
    losses : array-like of shape (n_samples,)
        Losses in nats; rows with NaN are left out.
    n_instances : int, default=10
        How many rows; fewer if there are not as many.
    y : array-like of shape (n_samples,), default=None
        Labels.
    y_pred : array-like of shape (n_samples,), default=None
        Predicted labels.
    visits : array-like of shape (n_samples,), default=None
        How often each row was trained on.
    contents : sequence, array, sparse matrix or data frame of n_samples rows, default=None
        What the rows are, such as texts.

    Returns
    -------
    instances : InstanceTable
        Of rows with equal losses the earlier comes first.

    Raises
    ------
    ValueError
        If something given is not one per row, or a loss is infinite.

    Examples
    --------
    >>> easiest_instances([0.1, 3.0, float("nan"), 0.4], 2).rows
    array([0, 3])
    """
    check_integer_value("easiest_instances", "n_instances", n_instances, 1)
    values = check_losses(losses)
    rows = _first_by(values, n_instances)
    return _table(rows, values, y, y_pred, _visits(visits, values), contents)


def most_visited_instances(
    visits: Any,
    n_instances: int = 10,
    *,
    losses: Any = None,
    y: Any = None,
    y_pred: Any = None,
    contents: Any = None,
) -> InstanceTable:
    """List the rows that were trained on most often.

    Parameters
    ----------
    visits : array-like of shape (n_samples,)
        How often each row was trained on.
    n_instances : int, default=10
        How many rows; fewer if there are not as many.
    losses : array-like of shape (n_samples,), default=None
        Losses in nats, NaN where not known. Of rows with equal visits the one with the
        larger loss comes first, then the earlier one.
    y : array-like of shape (n_samples,), default=None
        Labels.
    y_pred : array-like of shape (n_samples,), default=None
        Predicted labels.
    contents : sequence, array, sparse matrix or data frame of n_samples rows, default=None
        What the rows are, such as texts.

    Returns
    -------
    instances : InstanceTable

    Raises
    ------
    ValueError
        If something given is not one per row, or `visits` are no counts.

    Examples
    --------
    >>> table = most_visited_instances([2, 5, 2], 3, losses=[0.1, 0.2, 0.3])
    >>> table.rows
    array([1, 2, 0])
    """
    check_integer_value("most_visited_instances", "n_instances", n_instances, 1)
    counts = check_visits(visits)
    if losses is None:
        rows = np.argsort(-counts, kind="stable")
        return _table(rows[:n_instances], None, y, y_pred, counts, contents)
    values = check_losses(losses, n_rows=len(counts))
    rows = np.lexsort((-values, -counts))  # stable, NaN last
    return _table(rows[:n_instances], values, y, y_pred, counts, contents)


def _first_by(keys: NDArray[Any], n_instances: int) -> NDArray[np.int64]:
    """Rows of the smallest keys, the smallest first, without those of NaN."""
    rows = np.flatnonzero(~np.isnan(keys))
    return rows[np.argsort(keys[rows], kind="stable")[:n_instances]]


def _visits(visits: Any, losses: NDArray[Any]) -> NDArray[np.int64] | None:
    return None if visits is None else check_visits(visits, len(losses))


def _table(
    rows: NDArray[np.int64],
    losses: NDArray[Any] | None,
    y: Any,
    y_pred: Any,
    visits: NDArray[np.int64] | None,
    contents: Any,
) -> InstanceTable:
    n_rows = len(next(values for values in (losses, visits) if values is not None))
    return InstanceTable(
        rows=rows,
        losses=None if losses is None else losses[rows],
        labels=_column(y, "y", n_rows, rows),
        predictions=_column(y_pred, "y_pred", n_rows, rows),
        visits=None if visits is None else visits[rows],
        contents=_rows_of(contents, n_rows, rows),
    )


def _column(values: Any, name: str, n_rows: int, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    if values is None:
        return None
    column = read(values, name)
    check_one_per_row(column, name, n_rows)
    return column[rows]


def _rows_of(contents: Any, n_rows: int, rows: NDArray[np.int64]) -> Any:
    """Rows of a list, an array, a sparse matrix or a data frame."""
    if contents is None:
        return None
    n_given = contents.shape[0] if hasattr(contents, "shape") else len(contents)
    if n_given != n_rows:
        raise ValueError(f"contents must have one entry for each of {n_rows} rows. Got {n_given}.")
    if hasattr(contents, "iloc"):  # pandas
        return contents.iloc[rows].to_numpy()
    if hasattr(contents, "shape"):
        return contents[rows]
    return [contents[row] for row in rows]
