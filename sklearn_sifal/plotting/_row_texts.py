"""Rows of any kind as texts: strings, rows of numbers, sparse rows."""

from typing import Any

import numpy as np

from sklearn_sifal.plotting._style import printable

# What follows these would be cut off anyway.
_MOST_VALUES = 200


def as_texts(contents: Any) -> list[str]:
    """Each row as one text.

    Parameters
    ----------
    contents : sequence of str, array of shape (n, ...), sparse matrix or data frame
        Rows of numbers become lists of them; sparse rows name the columns that are not zero.

    Returns
    -------
    texts : list of str
    """
    if hasattr(contents, "tocsr"):
        return _sparse_texts(contents.tocsr())
    if hasattr(contents, "to_numpy"):
        contents = contents.to_numpy()
    return [_text(content) for content in contents]


def holds_strings(contents: Any) -> bool:
    """Whether the rows are texts already, to go by the first one."""
    # Rows of a matrix are not; a sparse one could not even be iterated over.
    return getattr(contents, "ndim", 1) == 1 and isinstance(next(iter(contents), None), str)


def _sparse_texts(rows: Any) -> list[str]:
    texts = []
    for start, stop in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        part = slice(start, min(stop, start + _MOST_VALUES))
        pairs = zip(rows.indices[part], rows.data[part], strict=True)
        texts.append(", ".join(f"{column}: {value_text(value)}" for column, value in pairs))
    return texts


def _text(content: Any) -> str:
    if isinstance(content, str | bytes) or np.ndim(content) == 0:
        return printable(content)
    return ", ".join(value_text(value) for value in np.ravel(content)[:_MOST_VALUES])


def value_text(value: Any) -> str:
    """A label or number as text; fractions to three digits."""
    return f"{value:.3g}" if isinstance(value, float | np.floating) else printable(value)
