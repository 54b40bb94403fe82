"""One object a line, or one list of objects."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO

import numpy as np

from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._room import POINTER, Room
from sklearn_sifal.cli._table import Table
from sklearn_sifal.cli._wording import quoted

_SPACE = re.compile(r"[ \t\n\r]*+")


def read_json(text: TextIO, name: str, room: Room) -> Table:
    """Read objects: a column for each key, a cell for each value.

    Raises
    ------
    UserError
        If something is no JSON, no object, or nothing that a cell could hold as it is.
    """
    cells: dict[str, list[str]] = {}
    lines: list[int] = []
    numbered = True
    for line, is_line, record in _records(text, name):
        numbered = is_line
        if not isinstance(record, dict):
            raise UserError(
                f"{name}, line {line}: expected an object such as "
                '{"text": "...", "label": "..."}. Each line holds one.'
            )
        for key, value in record.items():
            if key not in cells:
                # Objects that have no key in common make more cells than the file has letters.
                room.take(POINTER * len(lines))
                cells[key] = [""] * len(lines)
            cells[key].append(_as_cell(value, name, line))
        lines.append(line)
        room.take(POINTER * (len(cells) - len(record)))
        for column in cells.values():
            if len(column) < len(lines):
                column.append("")
    rows = np.arange(1, len(lines) + 1)
    return Table(name, cells, np.array(lines, np.int64) if numbered else None, rows)


def _records(text: TextIO, name: str) -> Iterator[tuple[int, bool, Any]]:
    """Values, each with the line that it begins on and whether it is one of a value a line."""
    line, begun = 0, False
    for line, content in enumerate(text, 1):
        start = content.lstrip()
        if not start:
            continue
        if start.startswith("[") and not begun:
            yield from _elements(content + text.read(), name, line)
            return
        begun = True
        try:
            yield line, True, _DECODER.decode(content.rstrip())
        except (ValueError, RecursionError) as error:
            raise _explained(error, name, line, line) from None


def _elements(document: str, name: str, first: int) -> Iterator[tuple[int, bool, Any]]:
    """Values of a list, one by one, to know the line of one that cannot be read."""
    line, counted = first, 0
    position = _after_space(document, document.index("[") + 1)
    ended = document.startswith("]", position)
    while not ended:
        line += document.count("\n", counted, position)
        counted = position
        try:
            value, end = _DECODER.raw_decode(document, position)
            ended, position = _next_element(document, end)
        except (ValueError, RecursionError) as error:
            raise _explained(error, name, line, first) from None
        yield line, False, value


def _next_element(document: str, end: int) -> tuple[bool, int]:
    """Whether the list ends after an element, and where the next one begins if not."""
    mark = _after_space(document, end)
    following = _after_space(document, mark + 1)
    if document.startswith(",", mark):
        return False, following
    if not document.startswith("]", mark):
        raise json.JSONDecodeError("Expecting ',' delimiter", document, mark)
    if following < len(document):
        raise json.JSONDecodeError("Extra data", document, following)
    return True, following


def _after_space(document: str, position: int) -> int:
    space = _SPACE.match(document, position)
    return space.end() if space else position


def _as_cell(value: object, name: str, line: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, _Decimal):
        return value.written
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError as error:
        raise _explained(error, name, line, line) from None


# ------------------------------------------------------------- what JSON is made of here


class _UnreadableError(ValueError):
    """Valid JSON that a cell cannot hold as it is."""


def _with_single_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise _UnreadableError(f"the key {quoted(twice)} comes twice in an object")
    return found


class _Decimal(float):
    """A number that knows its digits: two ids may be one as doubles."""

    written: str


def _finite(written: str) -> _Decimal:
    number = _Decimal(written)
    number.written = written
    if not math.isfinite(number):
        raise _UnreadableError(f"the number {quoted(written)} is larger than any that is kept")
    return number


def _constant(written: str) -> float | None:
    # No JSON, but what programs write for what is missing and for what is infinite.
    return None if written == "NaN" else float(written)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_with_single_keys, parse_float=_finite, parse_constant=_constant
)


def _explained(error: Exception, name: str, line: int, first: int) -> UserError:
    """What is wrong with a value that begins on a line; `first` is where the text began."""
    if isinstance(error, json.JSONDecodeError):
        return UserError(
            f"{name}, line {first + error.lineno - 1}: not JSON ({error.msg}, character "
            f"{error.colno}). A .jsonl file has one object on each line."
        )
    if isinstance(error, RecursionError):
        what = "lists or objects are nested too deeply"
    elif isinstance(error, _UnreadableError):
        what = str(error)
    else:  # what Python says of whole numbers beyond a limit of its own
        what = "a whole number has too many digits: put it in quotation marks if it is an id"
    return UserError(f"{name}, line {line}: {what}.")
