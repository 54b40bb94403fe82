"""Attributes that a training leaves, and whether those read from a file could be such.

Each check raises a ValueError that names the attribute. A strategy states an attribute by which
value it begins with, as `attribute` with a check or as `column`; `begin_state` and
`check_stated` then go through them.
"""

from dataclasses import field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._fields import HasFields, stated_by
from sklearn_sifal._parameters import is_integer

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
    lengths = zip(shape, array.shape, strict=False)
    if array.ndim != len(shape) or any(wanted not in (n, -1) for wanted, n in lengths):
        raise ValueError(f"{where} has the shape {array.shape}, not {shape}")
    values = array[~np.isnan(array)] if nan else array
    inside = ~np.isnan(values) if high == np.inf else np.isfinite(values)
    if low is not None:
        inside &= values >= low
    if high is not None:
        inside &= values <= high
    if not inside.all():
        raise ValueError(f"{where} has the impossible value {values[~inside][0]}")
    return array


def check_whole(
    owner: Any, name: str, low: int = 0, high: int = MOST, *, none: bool = False
) -> None:
    """An attribute that is an integer, or None where that is allowed."""
    value = getattr(owner, name)
    if not ((none and value is None) or is_integer(value, low, high)):
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


def column(
    kind: Any,
    initial: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    nan: bool = False,
) -> Any:
    """An attribute with a value for every row, at first the same for all."""
    make = partial(np.full, fill_value=initial, dtype=kind)
    check = partial(check_column, kind=kind, low=low, high=high, nan=nan)
    return field(init=False, metadata={"make": make, "check": check})


def begin_state(owner: HasFields, n_rows: int) -> None:
    """Give all attributes that are stated with a check the values that they begin with."""
    for name, stated in stated_by(type(owner)).items():
        if not stated.init and stated.metadata["check"]:
            make = stated.metadata.get("make")
            setattr(owner, name, make(n_rows) if make else stated.default)


def check_stated(owner: HasFields, n_rows: int) -> None:
    """Raise unless all of them have possible values."""
    for name, stated in stated_by(type(owner)).items():
        if not stated.init and (check := stated.metadata["check"]):
            check(owner, name, **({"shape": (n_rows,)} if "make" in stated.metadata else {}))
