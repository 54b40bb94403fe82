"""Characters that are read but are no part of a sound text."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from sklearn_sifal._whole_files import without_surrogates
from sklearn_sifal.cli._errors import UserError, counted
from sklearn_sifal.cli._table import Table
from sklearn_sifal.cli._wording import listed, quoted

_AT_ONCE = 10_000  # cells


def with_sound_texts(table: Table) -> Table:
    """The table with U+FFFD for halves of characters, and notes on these and on zeros.

    Raises
    ------
    UserError
        If two columns then have the same name.
    """
    if next(_places(table, _is_odd), None) is None:
        return table
    notes = list(table.notes)
    columns = dict(table.columns)
    if halves := list(_places(table, _has_half)):
        columns = {
            without_surrogates(name): list(map(without_surrogates, cells))
            for name, cells in columns.items()
        }
        if len(columns) < len(table.columns):
            raise UserError(
                f"{table.name} has columns whose names differ only in half of a character (a "
                "surrogate without the other one): rename them."
            )
        notes.append(
            "Half of a character (a surrogate without the other one) is read as U+FFFD in "
            f"{_said(table, halves)}."
        )
        melted = [
            name
            for name, now in zip(table.columns, columns, strict=True)
            if len(set(columns[now])) < len(set(table.columns[name]))
        ]
        if melted:
            notes.append(
                f"Cells that differ in nothing else are the same then, in {listed(melted)}."
            )
    if zeros := list(_places(table, _has_zero)):
        notes.append(
            f"There are zero characters (\\x00) in {_said(table, zeros)}: the file may be damaged, "
            "or be in another encoding."
        )
    return replace(table, columns=columns, notes=tuple(notes))


def _is_odd(text: str) -> bool:
    return _has_zero(text) or _has_half(text)


def _has_half(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _has_zero(text: str) -> bool:
    return "\0" in text


def _places(table: Table, is_odd: Callable[[str], bool]) -> Iterator[tuple[str, int]]:
    """Columns and rows of cells with an odd character; -1 is the name of the column."""
    for name, cells in table.columns.items():
        if is_odd(name):
            yield name, -1
        for start in range(0, len(cells), _AT_ONCE):
            part = cells[start : start + _AT_ONCE]
            if is_odd("".join(part)):  # nearly never
                yield from ((name, start + i) for i, cell in enumerate(part) if is_odd(cell))


def _said(table: Table, places: list[tuple[str, int]]) -> str:
    """How many cells, and where the first one is."""
    name, row = min(places, key=lambda place: place[1])
    first = "the name of the column" if row < 0 else f"{table.where(row)}, column"
    return f"{counted(len(places), 'cell')} of {table.name}, first in {first} {quoted(name)}"
