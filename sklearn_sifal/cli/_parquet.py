"""Reading Parquet, with pandas and pyarrow."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_sifal.cli._errors import UserError, in_short
from sklearn_sifal.cli._room import POINTER, Room
from sklearn_sifal.cli._table import Table, refuse_twins


def read_parquet(path: str, name: str, room: Room) -> Table:
    """Read columns, and what pandas wrote as an index with a name.

    Raises
    ------
    UserError
        If the file is not there or no Parquet, a library is missing, or two columns have the
        same name.
    """
    if Path(path).is_dir():
        raise UserError(f"{name} is a folder: name a file.")
    if not Path(path).exists():
        raise UserError(f"There is no file {path!r}.")
    if not Path(path).is_file():
        raise UserError(f"{name} is no regular file, from which alone Parquet is read.")
    with _errors_of_reading(name):
        frame = _frame(path, name, room)
        columns = [(str(title), column) for title, column in frame.items()]
        columns = [*_of_index(frame, dict(columns)), *columns]
        refuse_twins([title for title, _ in columns], name)
        cells = {title: _cells(column, room) for title, column in columns}
    return Table(name, cells, None, np.arange(1, len(frame) + 1))


def _frame(path: str, name: str, room: Room) -> Any:
    import pandas as pd
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    def kind(arrow: Any) -> Any:
        """Those of pandas' own are its own; numpy makes floats of integers if one is missing."""
        return None if isinstance(arrow, pa.BaseExtensionType) else pd.ArrowDtype(arrow)

    with ParquetFile(path) as file:
        refuse_twins(file.schema_arrow.names, name)
        # A value that comes again takes next to nothing in the file.
        room.check(POINTER * file.metadata.num_rows * file.metadata.num_columns)
        return file.read().to_pandas(types_mapper=kind)


@contextmanager
def _errors_of_reading(name: str) -> Iterator[None]:
    """Turn whatever the libraries say, now or when a cell is looked at, into a message."""
    try:
        yield
    except ImportError:
        raise UserError(
            f"{name}: reading Parquet needs pandas and pyarrow: pip install pandas pyarrow. "
            "Or save the file as CSV."
        ) from None
    except (UserError, MemoryError):
        raise
    except Exception as error:  # pyarrow has errors of its own, of several kinds
        message = in_short(error).rstrip(".")
        raise UserError(f"{name} cannot be read as Parquet: {message}.") from error


def _of_index(frame: Any, columns: dict[str, Any]) -> list[tuple[str, Any]]:
    """Named levels of an index that was written as columns, which numbers of rows are not.

    A column that was made the index and kept as a column as well is one.
    """
    import pandas as pd

    if isinstance(frame.index, pd.RangeIndex):
        return []
    levels = [
        (str(title), frame.index.get_level_values(number).to_series(index=frame.index))
        for number, title in enumerate(frame.index.names)
        if title is not None
    ]
    return [
        (title, level)
        for title, level in levels
        if title not in columns or _texts(level) != _texts(columns[title])
    ]


def _cells(column: Any, room: Room) -> list[str]:
    cells = _texts(column)
    room.take(2 * POINTER * len(cells))
    return cells


def _texts(column: Any) -> list[str]:
    return [
        # NaN is not missing to Arrow.
        "" if missing or (isinstance(value, float) and math.isnan(value)) else _as_text(value)
        for value, missing in zip(column, column.isna(), strict=True)
    ]


def _as_text(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
