"""Cells that are numbers."""

import math
import re
from decimal import Decimal, InvalidOperation
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

# How files say that a number is missing.
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
_LARGEST = 1e100  # the squares of such numbers can still be summed up
# What has been read is never given back: cells may be millions of digits that are no number.
_NUMBER = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:e[+-]?\d++)?", re.IGNORECASE)
_LONGEST_EXACT = 100  # characters of a number that is compared with others digit by digit


def is_missing(cell: str) -> bool:
    """Whether a cell of a column of numbers stands for none."""
    return cell.strip().casefold() in _MISSING


def as_number(cell: str, decimal: str) -> float | None:
    """The number that a cell says, NaN for a missing one, None for anything else.

    What is beyond 1e100 is none that anything could be learnt from.
    """
    text = _written_plainly(cell, decimal)
    if text is not None:
        number = float(text)
        return number if abs(number) <= _LARGEST else None
    return math.nan if is_missing(cell) else None


def as_exact_number(cell: str, decimal: str) -> Decimal | None:
    """The number that a cell says, with all its digits, or None: 2**53 and 2**53 + 1 differ."""
    text = _written_plainly(cell, decimal) if len(cell) <= _LONGEST_EXACT else None
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:  # an exponent that nothing holds
        return None


def _written_plainly(cell: str, decimal: str) -> str | None:
    """The number in a cell, with a decimal point, or None."""
    text = cell.strip()
    if decimal != "." and "." not in text:
        text = text.replace(decimal, ".")
    return text if _NUMBER.fullmatch(text) else None


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a decimal point or comma."""
    return _written_plainly(cell, ".") is not None or _written_plainly(cell, ",") is not None


def as_numbers(cells: list[str], decimal: str) -> NDArray[np.float64] | None:
    """A column of numbers; None if a cell is something else."""
    read = (as_number(cell, decimal) for cell in cells)
    numbers = np.fromiter(takewhile(lambda number: number is not None, read), np.float64)
    return numbers if len(numbers) == len(cells) else None


def first_other(cells: list[str], decimal: str) -> int | None:
    """Position of the first cell that is no number."""
    return next((i for i, cell in enumerate(cells) if as_number(cell, decimal) is None), None)
