"""The hardest, the easiest and the most visited instances, with what they contain."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._labels import read
from sklearn_sifal._parameters import check_integer_value, reject_value
from sklearn_sifal.inspection._checks import check_losses, check_one_per_row, check_visits
from sklearn_sifal.inspection._tabular import Tabular

_ORDERS = ("hardest", "easiest", "most_visited")


@dataclass(frozen=True, eq=False, repr=False)
class InstanceTable(Tabular):
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
        columns: dict[str, Any] = {"row": self.rows, "loss": self.losses, "label": self.labels}
        columns |= {"prediction": self.predictions, "visits": self.visits}
        # Rows of numbers do not fit into a column.
        if getattr(self.contents, "ndim", 1) == 1:
            columns["content"] = self.contents
        return {name: values for name, values in columns.items() if values is not None}


def ranked_instances(
    losses: ArrayLike | None = None,
    n_instances: int = 10,
    *,
    order: str = "hardest",
    y: ArrayLike | None = None,
    y_pred: ArrayLike | None = None,
    visits: ArrayLike | None = None,
    contents: Any = None,
) -> InstanceTable:
    """List the hardest, the easiest or the most visited rows.

    Parameters
    ----------
    losses : array-like of shape (n_samples,), default=None
        Losses in nats, NaN where not known. Needed for the orders 'hardest' and 'easiest'.
    n_instances : int, default=10
        How many rows; fewer if there are not as many.
    order : {'hardest', 'easiest', 'most_visited'}, default='hardest'
        Which rows come first: those with the largest losses, those with the smallest, neither
        with rows of unknown loss; or those trained on most often, of rows with equal visits the
        one with the larger loss. Where all is equal the earlier row comes first.
    y : array-like of shape (n_samples,), default=None
        Labels.
    y_pred : array-like of shape (n_samples,), default=None
        Predicted labels.
    visits : array-like of shape (n_samples,), default=None
        How often each row was trained on. Needed for the order 'most_visited'.
    contents : sequence, array, sparse matrix or data frame of n_samples rows, default=None
        What the rows are, such as texts.

    Returns
    -------
    instances : InstanceTable

    Raises
    ------
    ValueError
        If what the order goes by is missing, something given is not one per row, a loss is
        infinite, or `visits` are no counts.

    Examples
    --------
    >>> table = ranked_instances([0.1, 3.0, 0.4], 2, contents=["hi", "refund?", "hello"])
    >>> table.rows
    array([1, 2])
    >>> table.contents
    ['refund?', 'hello']
    >>> ranked_instances(visits=[2, 5, 2], order="most_visited").rows
    array([1, 0, 2])
    """
    check_integer_value("ranked_instances", "n_instances", n_instances, 1)
    if order not in _ORDERS:
        reject_value("ranked_instances", "order", f"one of {list(_ORDERS)}", order)
    counts: NDArray[np.int64] | None
    if order == "most_visited":
        if visits is None:
            raise ValueError("order='most_visited' needs the visits of the training rows.")
        counts = check_visits(visits)
        values = None if losses is None else check_losses(losses, n_rows=len(counts))
        # Stable, and rows of unknown loss last.
        rows = np.lexsort([-counts] if values is None else [-values, -counts])
    else:
        if losses is None:
            raise ValueError(f"order={order!r} needs the losses of the rows.")
        values = check_losses(losses)
        counts = None if visits is None else check_visits(visits, len(values))
        rows = np.flatnonzero(~np.isnan(values))
        keys = values[rows] if order == "easiest" else -values[rows]
        rows = rows[np.argsort(keys, kind="stable")]
    return _table(rows[:n_instances], values, y, y_pred, counts, contents)


def _table(
    rows: NDArray[np.int64],
    losses: NDArray[Any] | None,
    y: ArrayLike | None,
    y_pred: ArrayLike | None,
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


def _column(
    values: ArrayLike | None, name: str, n_rows: int, rows: NDArray[np.int64]
) -> NDArray[Any] | None:
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
