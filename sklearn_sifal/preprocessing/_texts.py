"""Reading a list of texts out of whatever holds them.

pandas and polars are recognised by how they behave: importing either would make it a dependency.
"""

from collections.abc import Iterator, Mapping, Set
from typing import Any

from scipy.sparse import issparse

from sklearn_sifal._plain_arrays import is_missing


def as_texts(X: Any, missing: str) -> list[str]:
    """Return the texts of `X` as a new list of plain `str`.

    Parameters
    ----------
    X : sequence of str
        List, tuple, 1-D array, Series of pandas or polars, or column of pyarrow.

    missing : {"raise", "empty"}
        Whether a missing value raises or becomes the empty text.

    Returns
    -------
    texts : list of str
        One text for each element of `X`, in order.
    """
    texts = _elements(X)
    if set(map(type, texts)) <= {str}:
        return texts
    return [_as_text(value, position, missing) for position, value in enumerate(texts)]


def _elements(X: Any) -> list[Any]:
    """Return the elements of a 1-D container as a new list."""
    if isinstance(X, str):
        raise ValueError(
            "X must be a sequence of texts, got a single str. "
            "To clean one text, put it in a list: [text]."
        )
    if issparse(X):
        raise TypeError("X must be a sequence of texts, got a sparse matrix.")
    _reject_unordered(X)
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple) and len(shape) != 1:
        hint = " Select the one column that holds the texts." if len(shape) == 2 else ""
        raise ValueError(
            f"X must be a 1-D sequence of texts, got shape {shape} ({type(X).__name__}).{hint}"
        )
    # Of numpy and pandas; of polars; of a column of a pyarrow Table.
    for method in ("tolist", "to_list", "to_pylist"):
        if hasattr(X, method):
            return list(getattr(X, method)())
    try:
        return list(X)
    except TypeError:
        raise TypeError(
            f"X must be a sequence of texts, got an object of type {type(X).__name__!r}."
        ) from None


def _reject_unordered(X: Any) -> None:
    """Raise for what can be iterated over, but not as one text after another, twice."""
    if isinstance(X, (bytes, bytearray)):
        problem = "bytes have no encoding. Decode them first"
    elif isinstance(X, Mapping):
        problem = "it is not clear whether its keys or its values are meant"
    elif isinstance(X, Set):
        problem = "its elements have no order. Make it a list"
    elif isinstance(X, Iterator):
        problem = "it could be read only once, by fit or by transform. Make it a list"
    else:
        return
    raise TypeError(
        f"X must be a sequence of texts, got an object of type {type(X).__name__!r}: {problem}."
    )


def _as_text(value: Any, position: int, missing: str) -> str:
    """Return one element as a plain `str`, or raise with its position."""
    if isinstance(value, str):
        return str.__str__(value)  # str(value) is the member's name for an Enum of strings
    if not is_missing(value):
        raise TypeError(
            f"X must hold texts only: the element at position {position} is {value!r:.50} "
            f"of type {type(value).__name__!r}."
        )
    if missing == "raise":
        raise ValueError(
            f"X must hold texts only: the element at position {position} is missing ({value!r}). "
            "Set missing='empty' to read missing values as empty texts."
        )
    return ""
