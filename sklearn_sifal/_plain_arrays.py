"""From any container of values to a numpy array that holds exactly these values.

`numpy.asarray` makes texts of what stands among texts, NaN and numbers alike, and floats of large
integers beside a missing one; it drops masks and the NULs that a text ends in. Here values of one
kind become an array of that kind, and all others an array of objects, as they are, so that who
asked for them can say what is wrong and where.

Containers are told apart by what they can do: importing pandas, polars, pyarrow or torch would
make them dependencies.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EXACT_IN_FLOAT = 2**53  # not every integer above it is a float

# Types of polars and pyarrow that numpy has as well, by the beginning of their names.
_OF_NUMPY = (
    *("int", "uint", "bool", "float", "double", "halffloat"),
    *("date", "timestamp", "duration"),
)


def plain_array(values: Any) -> NDArray[Any]:
    """An array of exactly the given values.

    Parameters
    ----------
    values : Any
        Sequence, array, tensor, or column of a data frame; nested sequences and data frames of
        one column become an array of two dimensions.

    Returns
    -------
    array : ndarray
        Of bools, integers, floats, texts, dates or durations if all values are of that kind;
        whole numbers among floats become floats where that is exact. Otherwise of objects, with
        None for what a mask hides. No dimensions for what is no container, or has no order.
        It may share memory with `values`.
    """
    if isinstance(values, np.ndarray):
        return _narrowed(_unmasked(values) if isinstance(values, np.ma.MaskedArray) else values)
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return _of_sequence(values)
    if is_tensor(values):
        return array_of_tensor(values)
    if hasattr(values, "columns") and len(getattr(values, "shape", ())) == 2:
        return _of_frame(values)
    if hasattr(values, "isna") and hasattr(values, "to_numpy"):
        return _of_pandas(values)
    if hasattr(values, "null_count") and hasattr(values, "to_list"):
        return _of_column(values, values.dtype, values.null_count(), values.to_list)
    if hasattr(values, "null_count") and hasattr(values, "to_pylist"):
        return _of_column(values, values.type, values.null_count, values.to_pylist)
    return _narrowed(np.asarray(values))


def is_missing(value: Any) -> bool:
    """Whether a single value is None, NaN, NaT or pandas.NA, of whatever type."""
    if value is None or value is np.ma.masked:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA refuses to be true or false
        return True
    # Arrays and tensors of several values have no truth; Decimal's signalling NaN raises.
    except (ValueError, RuntimeError, ArithmeticError):
        return not hasattr(value, "__len__")


def _unmasked(values: Any) -> NDArray[Any]:
    data, mask = np.asarray(values.data), np.ma.getmaskarray(values)
    if data.dtype.names or not mask.any():
        return data
    objects = data.astype(object)
    objects[mask] = None
    return objects


def _narrowed(array: NDArray[Any]) -> NDArray[Any]:
    """A native array; one of objects as one of what they are, if they are of one kind."""
    array = np.asarray(array)
    if not array.dtype.isnative:  # numpy.setdiff1d fails for some others
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "T":  # numpy's strings of variable width: missing ones stay objects
        array = array.astype(object)
    if array.dtype.kind != "O" or array.ndim == 0:
        return array
    listed = array.ravel().tolist()
    if set(map(type, listed)) == {str}:
        return array
    narrow = _of_objects(listed)
    return narrow.reshape(array.shape) if narrow.size == array.size else narrow


def _of_sequence(values: Sequence[Any]) -> NDArray[Any]:
    listed = values if isinstance(values, list) else list(values)
    if set(map(type, listed)) == {str}:
        return _of_texts(listed)
    array = _of_objects(listed)
    if array.dtype.kind == "O" and array.ndim == 1 and set(map(type, array.tolist())) == {str}:
        return _of_texts(array.tolist())
    return array


def _of_objects(values: list[Any]) -> NDArray[Any]:
    """An array of values of any type; texts stay objects."""
    types = set(map(type, values))
    if any(_may_hold_values(kind) for kind in types):
        values = [_unwrapped(value) for value in values]
        types = set(map(type, values))
    if types and all(map(_is_nested, types)):
        return _of_rows(values)
    array = _of_one_kind(values, types)
    return as_objects(values) if array is None else array


def _of_one_kind(values: list[Any], types: set[type]) -> NDArray[Any] | None:
    """An array of values of one kind; None if they are not, or would not be exact."""
    if not types:
        return np.asarray(values)
    if types <= {bool, np.bool_}:
        return np.asarray(values, bool)
    if all(issubclass(kind, str) for kind in types):
        # str(value) is the name of a member for an Enum of strings.
        return as_objects([str.__str__(value) for value in values])
    whole = {kind for kind in types if is_whole(kind)}
    if whole == types:
        return _of_integers(values if types == {int} else [int(value) for value in values])
    if all(issubclass(kind, float | np.floating) for kind in types - whole):
        return _of_floats(values, mixed=bool(whole))
    if types == {np.datetime64} or types == {np.timedelta64}:
        return np.asarray(values)
    return None


def is_whole(kind: type) -> bool:
    """Whether values of a type are integers; bools are not, nor are numpy's durations."""
    return issubclass(kind, int | np.integer) and not issubclass(kind, bool | np.timedelta64)


def _of_integers(values: list[int]) -> NDArray[Any] | None:
    for dtype in (np.int64, np.uint64):
        try:
            return np.array(values, dtype)
        except OverflowError:
            continue
    return None


def _of_floats(values: list[Any], *, mixed: bool) -> NDArray[Any] | None:
    if not mixed:
        return np.asarray(values)
    try:
        array = np.array(values, np.float64)
    except OverflowError:
        return None
    if (np.abs(array) >= _EXACT_IN_FLOAT).any():
        pairs = zip(array.tolist(), values, strict=True)  # Python compares them exactly
        if any(number != value and not is_missing(value) for number, value in pairs):
            return None
    return array


def _of_texts(values: list[str]) -> NDArray[Any]:
    """Texts as numpy's, or as objects if one ends in a NUL, which numpy would lose."""
    if "\0" in "".join(values) and any(value.endswith("\0") for value in values):
        return as_objects(values)
    return np.asarray(values)


def _of_rows(rows: list[Any]) -> NDArray[Any]:
    """Nested sequences: a column if each has one value."""
    if all(len(row) == 1 for row in rows):
        column = _of_sequence([row[0] for row in rows])
        return column.reshape(len(rows), -1)
    try:
        return np.asarray([array_of_tensor(row) if is_tensor(row) else row for row in rows])
    except ValueError:  # of different lengths
        return as_objects(rows)


def _is_nested(kind: type) -> bool:
    return issubclass(kind, list | tuple | np.ndarray) or is_tensor(kind)


def as_objects(values: list[Any]) -> NDArray[np.object_]:
    """An array of values as they are, whatever they are: numpy would look into sequences."""
    return np.fromiter(values, object, len(values))


def _may_hold_values(kind: type) -> bool:
    """Whether a type is one of scalars around a value, or of arrays: pyarrow's and torch's."""
    return hasattr(kind, "as_py") or (hasattr(kind, "item") and not issubclass(kind, np.generic))


def _unwrapped(value: Any) -> Any:
    """The value that an array without dimensions, or a scalar of pyarrow, stands for."""
    if hasattr(value, "as_py"):
        return value.as_py()
    if getattr(value, "ndim", None) == 0:
        if value is np.ma.masked:
            return None
        return value[()] if isinstance(value, np.ndarray) else value.item()
    return value


def is_tensor(values: object) -> bool:
    """Whether something is a tensor of torch, or a type of tensors."""
    return hasattr(values, "detach") and hasattr(values, "cpu") and hasattr(values, "numpy")


def array_of_tensor(tensor: Any) -> NDArray[Any]:
    """The numbers of a tensor, which may be on any device and have a gradient."""
    tensor = tensor.detach().cpu()
    try:
        return np.asarray(tensor.numpy())
    except TypeError:  # numpy has no bfloat16; every such number is a float32
        return np.asarray(tensor.float().numpy())


def _of_frame(frame: Any) -> NDArray[Any]:
    """A data frame: only one of one column can be of use."""
    if frame.shape[1] != 1:
        return np.asarray(frame)
    if hasattr(frame, "iloc"):  # pandas
        column = frame.iloc[:, 0]
    else:  # polars, pyarrow
        column = frame.to_series(0) if hasattr(frame, "to_series") else frame.column(0)
    return plain_array(column).reshape(-1, 1)


def _of_pandas(column: Any) -> NDArray[Any]:
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return _narrowed(np.asarray(column))
    if hasattr(dtype, "categories"):
        return _of_categories(column)
    missing = np.asarray(column.isna()).any()
    counterpart = getattr(dtype, "numpy_dtype", None)  # of nullable and pyarrow's types
    if not missing and counterpart is not None and counterpart.kind in "biuf":
        return np.asarray(column.to_numpy(dtype=counterpart))
    return _narrowed(np.asarray(column, dtype=object) if missing else np.asarray(column))


def _of_categories(column: Any) -> NDArray[Any]:
    categories = plain_array(column.dtype.categories)
    codes = np.asarray(column.cat.codes if hasattr(column, "cat") else column.codes)
    if (codes < 0).any():  # the code of a missing one is -1, the last
        categories = as_objects([*categories.tolist(), None])
    values: NDArray[Any] = categories[codes]
    return values


def _of_column(
    column: Any, dtype: object, n_missing: int, listed: Callable[[], list[Any]]
) -> NDArray[Any]:
    """A column of polars or pyarrow."""
    name = str(dtype).lower()
    if n_missing or not name.startswith(_OF_NUMPY) or name.endswith("int128"):
        return _narrowed(as_objects(listed()))
    return np.asarray(column)
