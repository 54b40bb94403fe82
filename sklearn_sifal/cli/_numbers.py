"""Cells that are numbers."""

import math
import re

import numpy as np
from numpy.typing import NDArray

# How files say that a number is missing.
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
_LARGEST = 1e100  # the squares of such numbers can still be summed up
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def is_missing(cell: str) -> bool:
    """Whether a cell of a column of numbers stands for none."""
    return cell.strip().casefold() in _MISSING


def as_number(cell: str, decimal: str) -> float | None:
    """The number that a cell says, NaN for a missing one, None for anything else.

    What is beyond 1e100 is none that anything could be learnt from.
    """
    text = cell.strip()
    if decimal != "." and "." not in text:
        text = text.replace(decimal, ".")
    if _NUMBER.fullmatch(text):
        number = float(text)
        return number if abs(number) <= _LARGEST else None
    return math.nan if is_missing(cell) else None


def as_numbers(cells: list[str], decimal: str) -> NDArray[np.float64] | None:
    """A column of numbers; None if a cell is something else."""
    numbers = np.empty(len(cells))
    for row, cell in enumerate(cells):
        number = as_number(cell, decimal)
        if number is None:
            return None
        numbers[row] = number
    return numbers


def first_other(cells: list[str], decimal: str) -> int | None:
    """Position of the first cell that is no number."""
    return next((i for i, cell in enumerate(cells) if as_number(cell, decimal) is None), None)
