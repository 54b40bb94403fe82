"""What the rows of a table are: texts, images, values by column."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sklearn_sifal.comparison._recordings import Recording

_MOST_CHARACTERS = 2000
# More values than a large image has tell nobody anything.
_MOST_VALUES = 1 << 16
_MOST_COLUMNS = 200


def shown_rows(recordings: Mapping[str, Recording]) -> list[int]:
    """Training rows that a page shows."""
    return sorted({int(row) for r in recordings.values() for row in r.hardest.rows})


def contents_of(X: Any, rows: Iterable[int]) -> dict[int, Any]:
    """Contents of some rows, to be shown later, when the data is gone.

    Parameters
    ----------
    X : array-like
        Inputs as they were given: texts, a data frame, an array, a sparse matrix.
    rows : iterable of int
        Which of them.

    Returns
    -------
    contents : dict of int to object
        By row a text, a dict of values by column name, or an array of values; nothing for rows
        of a sparse matrix, of which nobody could make sense.
    """
    found = {}
    for row in rows:
        content = _content(X, int(row))
        if content is not None:
            found[int(row)] = content
    return found


def _content(X: Any, row: int) -> Any:
    if hasattr(X, "tocsr"):
        return None
    if hasattr(X, "iloc"):  # pandas
        value = X.iloc[row]
        if hasattr(X, "columns"):
            names = list(X.columns)[:_MOST_COLUMNS]
            return {str(name): _plain(value.iloc[i]) for i, name in enumerate(names)}
        return _plain(value)
    if hasattr(X, "columns") and hasattr(X, "row"):  # polars
        pairs = zip(X.columns[:_MOST_COLUMNS], X.row(row), strict=False)
        return {str(name): _plain(value) for name, value in pairs}
    value = X[row]
    if isinstance(value, str | bytes):
        return _plain(value)
    values = np.asarray(value)
    if values.ndim == 0:
        return _plain(values.item())
    if values.dtype.kind in "biuf" and values.size <= _MOST_VALUES:
        return np.array(values)
    if values.ndim == 1 and values.dtype.kind in "OUS":
        return {str(i): _plain(v) for i, v in enumerate(values[:_MOST_COLUMNS].tolist())}
    return None


def _plain(value: Any) -> Any:
    """A number as it is, everything else as text that is not too long."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int | float):
        return value
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"
