"""A cell may be one word of any length: no pattern of the command reads it twice."""

import importlib
import pkgutil
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sklearn_sifal.cli
from sklearn_sifal.cli._numbers import as_number
from sklearn_sifal.cli._roles import _TWO_WORDS, guess_kind

PATTERNS = sorted(
    {
        (f"{module.name}.{name}", value)
        for module in pkgutil.iter_modules(sklearn_sifal.cli.__path__)
        for name, value in vars(importlib.import_module(f"sklearn_sifal.cli.{module.name}")).items()
        if isinstance(value, re.Pattern)
    },
    key=lambda pair: pair[0],
)
SEARCHED = {"_roles._TWO_WORDS", "_roles._WORD"}
HOSTILE = [
    *"a1é我ก_'’ .,-+$(\n\0",
    *("a'", "a’", "1.", "1,", "1 ", "(+", " $", "a1", "1a", "a_", "e1", "1e", "ACGT", "1-", "-."),
]


def test_the_patterns_are_found() -> None:
    assert SEARCHED | {"_roles._DATE", "_numbers._NUMBER"} <= {name for name, _ in PATTERNS}


@pytest.mark.parametrize("name, pattern", PATTERNS)
@pytest.mark.parametrize("start, end", [("", ""), ("1", "x"), ("a ", "!")])
def test_time_is_linear(name: str, pattern: re.Pattern[str], start: str, end: str) -> None:
    """A quadratic pattern needs minutes for one of these texts, a linear one 0.02 s."""
    test = pattern.search if name in SEARCHED else pattern.fullmatch
    for unit in HOSTILE:
        text = start + unit * (300_000 // len(unit)) + end
        before = time.process_time()
        test(text)
        assert time.process_time() - before < 2, (name, unit)


@pytest.mark.parametrize("unit", ["ACGT", "我的卡丢了", "ไปหาหมอมา", "9", "a"])
def test_columns_of_long_words_are_guessed_at_once(unit: str) -> None:
    cells = [unit * 100_000 + str(i) + "x" for i in range(5)]
    before = time.process_time()
    assert "without words" in guess_kind("sequence", cells)
    assert as_number(cells[0], ".") is None
    assert time.process_time() - before < 4


@settings(deadline=None)
@given(st.text("aé我 _1'’-.\n", max_size=12))
def test_two_words_in_a_row(cell: str) -> None:
    letters = r"[^\W\d_]+"
    found = re.search(rf"{letters}['’]?(?:{letters})?\W+{letters}", cell)  # in cubic time
    assert bool(_TWO_WORDS.search(cell)) == bool(found)


@pytest.mark.parametrize(
    "cell, value",
    [("1.", 1), (".5", 0.5), ("+1.5e3", 1500), ("-2E-1", -0.2), ("1e", None), ("1.2.3", None),
     ("e5", None), (".", None), ("1e5.", None), ("١٢", 12)],
)  # fmt: skip
def test_what_is_a_number(cell: str, value: float | None) -> None:
    assert as_number(cell, ".") == value
