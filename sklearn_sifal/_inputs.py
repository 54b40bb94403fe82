"""Inputs as scikit-learn does not read them: what it would let pass, and what it would name X."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from sklearn_sifal._labels import read

#: Checked inputs: a C-contiguous ndarray, or a CSR container with sorted rows, of float32 or
#: float64. Any, since scipy has no types.
Inputs: TypeAlias = Any

_ENTRIES_PER_PART = 1 << 20
# Doubles in the byte order of other machines, as files of FITS and HDF5 have them.
_SWAPPED_DOUBLE = np.dtype(np.float64).newbyteorder()


def check_before_validation(X: Any, name: str, owner: str) -> None:
    """Raise for inputs that scikit-learn would let pass, or would speak of in other words.

    Parameters
    ----------
    X : Any
        Inputs as given.
    name : str
        What they are called in messages.
    owner : str
        Name of the estimator's class.
    """
    _refuse_complex(X)
    _refuse_raw_text(X, name, owner)
    _refuse_masked(X, name)
    if sp.issparse(X) and X.format == "csr":
        check_columns(X, name)


def types_of_inputs(X: Any, *, lists_as_float64: bool) -> tuple[Any, Any]:
    """Types that inputs may have; those of another type become the first.

    Parameters
    ----------
    X : Any
        Inputs as given.
    lists_as_float64 : bool
        Whether those without a type, such as lists, become float64 instead of float32.
    """
    untyped = not (hasattr(X, "dtype") or hasattr(X, "columns"))
    if (untyped and lists_as_float64) or _SWAPPED_DOUBLE in _types_of(X):
        return np.float64, np.float32
    return np.float32, np.float64


@contextmanager
def speaking_of(name: str) -> Iterator[None]:
    """Let scikit-learn's errors, which speak of X, speak of the argument called `name`."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
            yield
    except ValueError as error:
        if name == "X":
            raise
        if "could not convert string" in str(error):
            raise ValueError(_raw_text_message(name)) from error
        raise ValueError(f"{name}: {error}") from error


def as_computed_with(X: Inputs) -> Inputs:
    """Validated inputs in this machine's byte order; CSR ones with sorted rows.

    Sorted indices without repeats let word dropout drop a feature rather than one of its
    entries.
    """
    if not X.dtype.isnative:  # columns of a data frame
        X = X.astype(X.dtype.newbyteorder("="))
    return canonical_csr(X) if sp.issparse(X) else X


def check_columns(X: Any, name: str = "X") -> None:
    """Raise unless the rows of a CSR matrix follow each other, with columns that there are.

    Nothing else looks: scipy reads and writes wherever these numbers lead, and numpy and
    torch count negative ones from the end. In parts, since X may be a memory map.
    """
    for start in range(0, X.shape[0], _ENTRIES_PER_PART):
        part = X.indptr[start : start + _ENTRIES_PER_PART + 1]
        falls = np.flatnonzero(part[1:] < part[:-1])
        if len(falls):
            raise ValueError(
                f"{name}{_file_of(X.indptr)} has an index pointer that falls after row "
                f"{start + falls[0]}."
            )
    for start in range(0, X.nnz, _ENTRIES_PER_PART):
        part = X.indices[start : min(start + _ENTRIES_PER_PART, X.nnz)]
        if part.min() < 0 or part.max() >= X.shape[1]:
            at = start + np.flatnonzero((part < 0) | (part >= X.shape[1]))[0]
            row = np.searchsorted(X.indptr, at, side="right") - 1
            raise ValueError(
                f"{name}{_file_of(X.indices)} has a value in column {X.indices[at]} of row {row}, "
                f"and columns from 0 to {X.shape[1] - 1}."
            )


def _file_of(array: Any) -> str:
    """Which file an array is mapped from, in words; nothing if from none."""
    while array is not None:
        if isinstance(array, np.memmap):
            return f" (mapped from {array.filename})"
        array = getattr(array, "base", None)
    return ""


def _types_of(X: Any) -> list[np.dtype[Any]]:
    """numpy's types of an array, or of the columns of a data frame; nothing of other inputs."""
    given: Any = getattr(X, "dtypes", None)
    if not hasattr(given, "__iter__"):  # of an array, or of a single column
        given = [getattr(X, "dtype", None)]
    return [kind for kind in given if isinstance(kind, np.dtype)]


def _refuse_complex(X: Any) -> None:
    """Raise for complex numbers, which scikit-learn looks for in arrays only."""
    if isinstance(X, np.ndarray):
        return
    found = [kind for kind in _types_of(X) if kind.kind == "c"]
    if found:
        raise ValueError(f"Complex data not supported. Got numbers of dtype {found[0]}.")


def canonical_csr(X: Any) -> Any:
    """Return X itself if its rows are sorted, without repeats and stored zeros, else a copy."""
    if _rises_in_rows(X) and X.data.all():
        return X
    X = X.copy()
    X.sum_duplicates()
    X.eliminate_zeros()
    return X


def _rises_in_rows(X: Any) -> bool:
    """Whether the columns of every row of a CSR matrix are sorted, without repeats."""
    if X.indptr.dtype == X.indices.dtype:
        return bool(X.has_canonical_format)
    # scipy would copy both arrays into one type, and they may be memory maps.
    for start in range(0, X.nnz, _ENTRIES_PER_PART):
        part = X.indices[start : min(start + _ENTRIES_PER_PART + 1, X.nnz)]
        falls = np.flatnonzero(part[1:] <= part[:-1]) + start + 1
        row = np.searchsorted(X.indptr, falls)
        if not np.array_equal(X.indptr[row], falls):  # a fall that no row begins with
            return False
    return True


def _refuse_raw_text(X: Any, name: str, owner: str) -> None:
    """Raise if X is a column of texts of any container: scikit-learn would speak of floats."""
    first = _first_text_of_column(X)
    if first is None:
        return
    if name == "X":
        raise ValueError(
            f"X is raw text ({first[:40]!r}), but must have numeric features of shape (n_samples, "
            "n_features). Put a vectorizer before the estimator: "
            f"make_pipeline(CountVectorizer(), {owner}())."
        )
    raise ValueError(_raw_text_message(name, f" ({first[:40]!r})"))


def _first_text_of_column(X: Any) -> str | bytes | None:
    """The first text of what has one dimension, or one column; None of anything else."""
    if sp.issparse(X):
        return None
    shape = getattr(X, "shape", None)
    if isinstance(X, list | tuple) or (shape is None and hasattr(X, "to_pylist")):
        shape = (len(X),)  # pyarrow's columns have no shape
    if not shape or not shape[0] or (len(shape) > 1 and shape[1:] != (1,)):
        return None
    row = read(X[:1], "X")
    first = row.ravel().tolist()
    if len(first) != 1 or not isinstance(first[0], str | bytes):
        return None
    if row.ndim == 2 and _is_number(first[0]):
        return None  # a column of numbers that are written as texts can be converted
    text: str | bytes = first[0]
    return text


def _is_number(text: str | bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _refuse_masked(X: Any, name: str) -> None:
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        position = tuple(int(i) for i in np.argwhere(np.ma.getmaskarray(X))[0])
        raise ValueError(
            f"{name} has masked values, the first at {position}: what a mask hides would be "
            "learnt. Fill it, or leave these rows out."
        )


def _raw_text_message(name: str, shown: str = "") -> str:
    return (
        f"{name} is raw text{shown}, but must have the numeric features of X. In a Pipeline, let "
        "the steps before the estimator transform it: "
        f'Pipeline(steps, transform_input=["{name}"]), with metadata routing enabled.'
    )
