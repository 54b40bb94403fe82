"""A file's contents: named columns of cells, as text."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._wording import did_you_mean, listed, quoted


@dataclass(frozen=True)
class Table:
    """Cells of a file.

    Attributes
    ----------
    name : str
        What messages call the file.
    columns : dict of str to list of str
        Cells by the name of the column; a missing cell is the empty text.
    lines : ndarray of shape (n_rows,), int64, or None
        Line on which each row begins, counted from 1; None for a file without lines.
    rows : ndarray of shape (n_rows,), int64
        Number of each row in the file, counted from 1 without the header.
    decimal : str
        What separates a number's decimals, besides the point.
    delimiter : str
        Between the cells of a line; a comma for a file without any.
    marked : bool
        Whether a spreadsheet that opens the file as it wrote it needs a byte order mark to take
        another file for UTF-8.
    notes : tuple of str
        What was odd about the file.
    """

    name: str
    columns: dict[str, list[str]]
    lines: NDArray[np.int64] | None
    rows: NDArray[np.int64]
    decimal: str = "."
    delimiter: str = ","
    marked: bool = False
    notes: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    @property
    def places(self) -> tuple[str, NDArray[np.int64]]:
        """What says where a row is, a line if there are any, and its number for every row."""
        return ("row", self.rows) if self.lines is None else ("line", self.lines)

    def column(self, name: str, option: str) -> list[str]:
        """The cells of a column that `option` asked for.

        Raises
        ------
        UserError
            If there is none of that name.
        """
        if name not in self.columns:
            raise UserError(
                f"{self.name} has no column {quoted(name)}, named by {option}."
                f"{did_you_mean(name, self.columns)} Its columns: {listed(self.columns, 30)}."
            )
        return self.columns[name]

    def where(self, row: int) -> str:
        """Where to look for a row, by its position in this table."""
        place, numbers = self.places
        return f"{place} {numbers[row]} of {self.name}"

    def take(self, kept: Sequence[int] | NDArray[np.int64]) -> Self:
        """A table of some of the rows, by position."""
        columns = {name: [cells[i] for i in kept] for name, cells in self.columns.items()}
        lines = None if self.lines is None else self.lines[kept]
        return replace(self, columns=columns, lines=lines, rows=self.rows[kept])


def refuse_twins(titles: Iterable[str], name: str) -> None:
    """Raise if two columns of a file have the same name."""
    twice = [title for title, times in Counter(titles).items() if times > 1]
    if twice:
        raise UserError(f"{name} has more than one column named {listed(twice)}: rename them.")
