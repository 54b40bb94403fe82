"""What each column is: a text, a number or a category, as the user said or by its looks."""

import itertools
import re
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_sifal.cli._arguments import KINDS
from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._numbers import as_number, as_numbers, first_other, is_missing
from sklearn_sifal.cli._table import Table
from sklearn_sifal.cli._wording import and_more, listed, quoted

# The end of a word and the beginning of the next, both of letters. Dates and names of things
# have none. What stands between is read once: a cell may be one word of millions of letters.
_TWO_WORDS = re.compile(r"[^\W\d_]\W++[^\W\d_]")
_WORD = re.compile(r"\w")
_NAMED_AS_ID = re.compile(
    r"(.*[\s_.-])?(id|index|idx|nr|key|uuid|guid|row)|column 1", re.IGNORECASE
)
# 2024-05-31, 31.5.24, 5/31/2024 10:30 and the like.
_DATE = re.compile(r"\s*\d{1,4}([-./])\d{1,2}\1\d{1,4}\b.*")
# $1,234.50, 1.234,50 €, 12 %, 1 000, (3.5): a number for people.
_DECORATED = re.compile(r"[(+-]*(\s*[$€£¥])?\s*[+-]?\d[\d.,\s'’]*[%$€£¥)]?")
# Categories come again: a value has about five rows or more, and there are not too many values.
_MOST_CATEGORIES, _SHARE_OF_CATEGORIES = 1000, 0.2
_MOST_SAID = 12  # columns left out
_FEW = 10  # values of a small file may be categories although each has but two rows


@dataclass(frozen=True)
class Roles:
    """Names of the columns to learn from.

    Attributes
    ----------
    text, numeric, categorical : tuple of str
        Columns by kind.
    guessed : bool
        Whether nobody named them.
    left_out : dict of str to str
        Reasons, by column, not to learn from the others. Only filled by a guess.
    """

    text: tuple[str, ...]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    guessed: bool
    left_out: dict[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.text + self.numeric + self.categorical

    @property
    def by_kind(self) -> dict[str, tuple[str, ...]]:
        return {kind: getattr(self, kind) for kind in KINDS}

    def in_words(self) -> str:
        """Which column is what, and which are not used and why."""
        used = [f"{listed(names)} as {kind}" for kind, names in self.by_kind.items() if names]
        said = "; ".join(used)
        if not self.guessed:
            return f"Learning from {said}."
        lines = [f"Learning from {said}, as the contents suggest."]
        if self.left_out:
            lines.append(f"Not used: {_reasons(self.left_out)}.")
        lines.append("If that is wrong, name the columns by --text, --numeric and --categorical.")
        return "\n".join(lines)


def _reasons(left_out: dict[str, str]) -> str:
    first = itertools.islice(left_out.items(), _MOST_SAID)
    return and_more([f"{quoted(name)} ({why})" for name, why in first], len(left_out))


def find_roles(table: Table, label: str, options: Namespace) -> Roles:
    """The columns that the options name, or else what the contents suggest.

    Raises
    ------
    UserError
        If a column is missing, has two roles, is called numeric and is not, or if no
        column is left to learn from.
    """
    named = {kind: _split_names(getattr(options, kind), table, f"--{kind}") for kind in KINDS}
    if any(named.values()):
        roles = Roles(**named, guessed=False, left_out={})
        _check_named(table, roles, label)
    else:
        roles = _guess_roles(table, label)
    _check_words(table, roles)
    return roles


def _split_names(given: Sequence[str] | None, table: Table, option: str) -> tuple[str, ...]:
    """Columns of an option given once or more; a value may hold several with commas."""
    names: list[str] = []
    for value in given or ():
        whole = value in table.columns or "," not in value
        names += [value] if whole else [part.strip() for part in value.split(",")]
    for name in names:
        table.column(name, option)
    return tuple(dict.fromkeys(names))


def _check_named(table: Table, roles: Roles, label: str) -> None:
    if label in roles.columns:
        raise UserError(
            f"{quoted(label)} is the label and cannot be learnt from as well: name another column."
        )
    twice = [name for name, times in Counter(roles.columns).items() if times > 1]
    if twice:
        raise UserError(f"{listed(twice)} named as more than one kind of column: choose one.")
    for name in roles.numeric:
        check_numeric(table, name)


def check_numeric(table: Table, name: str) -> None:
    """Raise unless every cell of a column is a number or missing."""
    row = first_other(table.columns[name], table.decimal)
    if row is not None:
        raise UserError(
            f"{table.where(row)}: {quoted(table.columns[name][row])} in the numeric column "
            f"{quoted(name)} is no number to learn from. Mend or empty the cell, or name the "
            "column by --categorical."
        )


def _check_words(table: Table, roles: Roles) -> None:
    for name in roles.text:
        if not any(map(_WORD.search, table.columns[name])):
            raise UserError(f"The text column {quoted(name)} of {table.name} has no words.")


def _guess_roles(table: Table, label: str) -> Roles:
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    left_out: dict[str, str] = {}
    for name, cells in table.columns.items():
        if name == label:
            continue
        kind = guess_kind(name, cells, table.decimal)
        if kind in found:
            found[kind].append(name)
        else:
            left_out[name] = kind
    if not any(found.values()):
        raise UserError(
            f"{table.name} shows no column to learn from beside the label {quoted(label)}"
            f"{': ' + _reasons(left_out) if left_out else ''}. Name some by --text, --numeric or "
            "--categorical."
        )
    names = {kind: tuple(columns) for kind, columns in found.items()}
    return Roles(**names, guessed=True, left_out=left_out)


def guess_kind(name: str, cells: list[str], decimal: str = ".") -> str:
    """What a column looks like: 'text', 'numeric' or 'categorical', or why to leave it out."""
    distinct = {cell for cell in cells if not is_missing(cell)}
    if not distinct:
        return "empty"
    n_missing = sum(map(is_missing, cells))
    if len(distinct) == 1 and not n_missing:
        return "the same in every row"
    numbers = as_numbers(cells, decimal)
    if numbers is not None:
        return "looks like row numbers" if _counts_rows(name, numbers) else "numeric"
    if _share(distinct, _DATE.fullmatch) >= 0.9:
        return "dates"
    filled = len(cells) - n_missing
    few = max(_SHARE_OF_CATEGORIES * filled, min(_FEW, filled / 2))
    if len(distinct) <= min(few, _MOST_CATEGORIES):
        return "categorical"
    if _share(distinct, _TWO_WORDS.search) >= 0.5:
        return "text"
    return _almost_numbers(distinct, decimal) or "many different values without words, such as ids"


def _almost_numbers(distinct: set[str], decimal: str) -> str:
    """Why a column that most people would call numeric is not, or nothing."""
    others = sorted(cell for cell in distinct if as_number(cell, decimal) is None)
    if len(others) <= 0.1 * len(distinct):
        return f"numbers but for {listed(others, 2)}"
    if len([cell for cell in others if _DECORATED.fullmatch(cell.strip())]) >= 0.9 * len(others):
        return f"numbers that are not written plainly, such as {quoted(others[0])}"
    return ""


def _counts_rows(name: str, numbers: Any) -> bool:
    """Whether numbers are all different and are called an id, or go up by one."""
    if np.isnan(numbers).any() or len(np.unique(numbers)) < len(numbers) or len(numbers) < 3:
        return False
    return bool((np.diff(numbers) == 1).all()) or (
        _NAMED_AS_ID.fullmatch(name) is not None and bool((numbers % 1 == 0).all())
    )


def _share(values: Iterable[str], test: Any) -> float:
    results = [bool(test(value)) for value in values]
    return sum(results) / len(results)
