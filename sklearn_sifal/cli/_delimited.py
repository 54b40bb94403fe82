"""Cells between delimiters: CSV and its relatives, as spreadsheets write them."""

import csv
import itertools
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import numpy as np

from sklearn_sifal.cli._errors import UserError, counted
from sklearn_sifal.cli._table import Table, refuse_twins

_DELIMITERS = (",", ";", "\t", "|")
# The first line by which Excel is told.
_SAYS_DELIMITER = re.compile(r'"?sep=([,;\t|])"?\s*', re.IGNORECASE)
_LONGEST_CELL = 2**31 - 1  # the most that csv takes as its limit on every system


def read_delimited(text: TextIO, name: str, delimiter: str | None, quotes: bool) -> Table:
    """Read lines of cells under a header.

    Parameters
    ----------
    text : text file
        Opened with ``newline=""``.
    name : str
        What messages call the file.
    delimiter : str or None
        None for the one that gives the header the most columns.
    quotes : bool
        Whether quotation marks hold cells together.

    Raises
    ------
    UserError
        If a line has fewer or more cells than the header, a column's name comes twice, or
        a quotation mark is not closed.
    """
    start = _first_lines(text)
    first = start[-1] if start else ""
    with _CELLS_OF_ANY_LENGTH:
        if said := _SAYS_DELIMITER.fullmatch(first):
            delimiter = delimiter or said[1]
            start[-1] = "\n"  # a blank line, which keeps the numbers of those that follow
        elif delimiter is None:
            delimiter = _guess_delimiter(first)
        reader = csv.reader(
            itertools.chain(start, text),
            delimiter=delimiter,
            quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
            # Else a quotation mark that is never closed swallows the rest of the file.
            strict=True,
        )
        records = _numbered(reader, name)
        _, header = next(records, (0, []))
        return _collect(records, header, name, delimiter)


def _first_lines(text: TextIO) -> list[str]:
    """Lines up to the first one that is not blank."""
    lines = []
    while line := text.readline():
        lines.append(line)
        if line.strip():
            break
    return lines


def _guess_delimiter(header: str) -> str:
    # max() takes the first of equals: a header of one column has commas.
    return max(_DELIMITERS, key=lambda d: len(next(csv.reader([header], delimiter=d), [])))


class _CellsOfAnyLength:
    """Lifts csv's limit, one for the whole process, while anything is read, in whatever thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_readers = 0
        self._before = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._n_readers:
                self._before = csv.field_size_limit(_LONGEST_CELL)
            self._n_readers += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._n_readers -= 1
            if not self._n_readers:
                csv.field_size_limit(self._before)


_CELLS_OF_ANY_LENGTH = _CellsOfAnyLength()


def _numbered(reader: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    """Records that are not blank, each with the number of its first line."""
    line = 1
    try:
        for cells in reader:
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{name}, line {line}: {_in_words(str(error))}") from None


def _in_words(message: str) -> str:
    if "unexpected end of data" in message:
        problem = "a cell that begins here has an opening quotation mark and no closing one"
    elif "expected after" in message:
        problem = "a cell goes on after its closing quotation mark"
    else:
        return f"{message}."
    return (
        f"{problem}. Inside a quoted cell a quotation mark is doubled; if quotation marks are "
        "ordinary characters in this file, say --no-quotes."
    )


def _collect(
    records: Iterable[tuple[int, list[str]]], header: list[str], name: str, delimiter: str
) -> Table:
    names = [title.strip() for title in header]
    width = len(names)
    columns: list[list[str]] = [[] for _ in names]
    lines: list[int] = []
    for line, cells in records:
        if len(cells) != width:
            cells = _fitted(cells, width, f"{name}, line {line}")
        lines.append(line)
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
    named = _named(names, columns, name)
    rows = np.arange(1, len(lines) + 1)
    decimal = "," if delimiter == ";" else "."
    return Table(name, named, np.array(lines, np.int64), rows, decimal, delimiter)


def _fitted(cells: list[str], width: int, where: str) -> list[str]:
    """The cells without empty ones beyond the header, which spreadsheets leave behind."""
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    raise UserError(
        f"{where}: {counted(len(cells), 'cell')} under a header of {width}. If a cell contains the "
        "delimiter, it needs quotation marks; --delimiter sets another one."
    )


def _named(names: list[str], columns: list[list[str]], where: str) -> dict[str, list[str]]:
    """Columns by name; those with neither a name nor contents are dropped."""
    found = [
        (title or f"column {number}", cells)
        for number, (title, cells) in enumerate(zip(names, columns, strict=True), 1)
        if title or any(cells)
    ]
    refuse_twins((title for title, _ in found), where)
    return dict(found)
