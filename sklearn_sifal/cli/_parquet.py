"""Reading Parquet, with pandas and pyarrow."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_sifal.cli._errors import UserError, in_short
from sklearn_sifal.cli._room import Room
from sklearn_sifal.cli._table import Table
from sklearn_sifal.cli._wording import listed

_POINTER = 8  # bytes of a cell without a text of its own


def read_parquet(path: str, name: str, room: Room) -> Table:
    """Read columns, and what pandas wrote as an index with a name.

    Raises
    ------
    UserError
        If the file is not there or no Parquet, a library is missing, or two columns have the
        same name.
    """
    frame = _frame(path, name, room)
    columns = [(str(title), column) for title, column in frame.items()]
    columns = [*_of_index(frame, dict(columns)), *columns]
    _refuse_twins([title for title, _ in columns], name)
    cells = {title: _cells(column, room) for title, column in columns}
    return Table(name, cells, None, np.arange(1, len(frame) + 1))


def _frame(path: str, name: str, room: Room) -> Any:
    if Path(path).is_dir():
        raise UserError(f"{name} is a folder: name a file.")
    if not Path(path).exists():
        raise UserError(f"There is no file {path!r}.")
    if not Path(path).is_file():
        raise UserError(f"{name} is no regular file, from which alone Parquet is read.")
    try:
        import pandas as pd
        from pyarrow.parquet import read_metadata

        about = read_metadata(path)
        _refuse_twins(about.schema.to_arrow_schema().names, name)
        # A value that comes again takes next to nothing in the file.
        room.check(_POINTER * about.num_rows * about.num_columns)
        return pd.read_parquet(path)
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


def _refuse_twins(titles: list[str], name: str) -> None:
    twice = [title for title, times in Counter(titles).items() if times > 1]
    if twice:
        raise UserError(f"{name} has more than one column named {listed(twice)}: rename them.")


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
    room.take(2 * _POINTER * len(cells))
    return cells


def _texts(column: Any) -> list[str]:
    return [
        "" if missing else _as_text(value)
        for value, missing in zip(column, column.isna(), strict=True)
    ]


def _as_text(value: Any) -> str:
    if isinstance(value, np.ndarray):  # whose own text leaves out all but the ends
        return json.dumps(value.tolist(), ensure_ascii=False, default=str)
    return str(value)
