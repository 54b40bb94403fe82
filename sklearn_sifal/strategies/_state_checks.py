"""Whether attributes that were read from a file are ones that a training could have left.

Each function raises a ValueError that names the attribute.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Above what any round or count is in a training, and below where int64 arrays end.
MOST = 1 << 62
#: The last round that the loss table has room for.
LAST_ROUND = int(np.iinfo(np.int32).max)


def check_column(
    owner: Any,
    name: str,
    shape: tuple[int, ...],
    kind: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    nan: bool = False,
) -> NDArray[Any]:
    """An attribute that is an array of some shape, with -1 for any length, and some type.

    `kind` may be a kind of types, such as numpy.integer. NaN may be among the values if `nan`
    says so; infinity may not, unless `high` is infinite.
    """
    array = getattr(owner, name)
    where = f"{name!r} of {type(owner).__name__}"
    if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, kind):
        got = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{where} is no array of {kind.__name__}, but {got}")
    if len(array.shape) != len(shape) or any(
        n not in (wanted, *([n] if wanted == -1 else []))
        for n, wanted in zip(array.shape, shape, strict=True)
    ):
        raise ValueError(f"{where} has the shape {array.shape}, not {shape}")
    values = array[~np.isnan(array)] if nan else array
    inside = np.ones(values.shape, bool) if array.dtype.kind != "f" else ~np.isnan(values)
    if array.dtype.kind == "f" and high != np.inf:
        inside &= np.isfinite(values)
    if low is not None:
        inside &= values >= low
    if high is not None:
        inside &= values <= high
    if not inside.all():
        raise ValueError(f"{where} has the impossible value {values[~inside][0]}")
    return array


def check_whole(owner: Any, name: str, low: int = 0, high: int = MOST) -> None:
    """An attribute that is an integer."""
    value = getattr(owner, name)
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)
    if not (is_whole and low <= value <= high):
        raise ValueError(f"{name!r} of {type(owner).__name__} is {value!r}")


def check_number(owner: Any, name: str, low: float, high: float) -> None:
    """An attribute that is a finite real number."""
    value = getattr(owner, name)
    is_real = isinstance(value, int | float | np.floating | np.integer)
    if isinstance(value, bool) or not (is_real and np.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name!r} of {type(owner).__name__} is {value!r}")


def check_truth(owner: Any, name: str) -> None:
    """An attribute that is true or false."""
    value = getattr(owner, name)
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name!r} of {type(owner).__name__} is {value!r}")


def check_part(owner: Any, name: str, kind: type) -> Any:
    """An attribute that is an object of some type."""
    value = getattr(owner, name)
    if not isinstance(value, kind):
        raise ValueError(f"{name!r} of {type(owner).__name__} is {type(value).__name__}")
    return value


def check_rows_of(rows: Any, n_rows: int) -> None:
    """An array of row numbers."""
    is_array = isinstance(rows, np.ndarray) and rows.dtype == np.int64 and rows.ndim == 1
    if not is_array or (len(rows) and (rows.min() < 0 or rows.max() >= n_rows)):
        raise ValueError(f"{rows!r} are no numbers of {n_rows} rows")
