"""Names and cells in messages."""

from typing import Any

import pytest

from sklearn_sifal.cli import _wording
from sklearn_sifal.cli._wording import (
    as_seen,
    did_you_mean,
    listed,
    one_line,
    quoted,
    told_apart,
    visible,
)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("für 5 €", "für 5 €"),
        ("a\x1b[2J\r\n\x07\x9b", r"a\x1b[2J\r\n\x07\x9b"),
        ("\u202egpj.exe\u2066\u200b\ufeff", r"\u202egpj.exe\u2066\u200b\ufeff"),
        ("caf\udce9", r"caf\udce9"),  # a file name that is not in the encoding of the system
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_what_is_not_seen_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert shown.isprintable()


def test_names_are_cut() -> None:
    assert quoted("x" * 60) == "'" + "x" * 60 + "'"
    assert quoted("x" * 100_000) == "'" + "x" * 59 + "…'"
    assert listed(["x" * 100_000, "b", "c"], 2) == "'" + "x" * 59 + "…', 'b' and 1 more"


def test_a_cell_on_one_line() -> None:
    assert one_line(" a\tb\x1b[31m\n", 20) == "a b [31m"
    assert one_line("a" * 10_000_000, 5) == "aaaa…"


LOOK_ALIKE = [
    ("lost", "lost\u200b", r"'lost'", r"'lost\u200b'"),
    ("lo\xadst", "lost", r"'lo\xadst'", r"'lost'"),
    ("\ufefflost", "lost", r"'\ufefflost'", r"'lost'"),
    ("x", "x\0", r"'x'", r"'x\x00'"),
    ("café", "cafe\u0301", r"'caf\xe9'", r"'cafe\u0301'"),
    ("ｃａｒｄ", "card", r"'\uff43\uff41\uff52\uff44'", r"'card'"),
    ("two words", "two\xa0words", r"'two words'", r"'two\xa0words'"),
    ("丢失", "丢失\u2060", r"'丢失'", r"'丢失\u2060'"),
    ("Кaрта", "Карта", r"'К" "aрта'", r"'К" "арта'"),  # a Latin letter among Cyrillic ones
    ("don’t", "don't", r"'don\u2019t'", r"'don't'"),
    ("\u202alost\u202c", "lost", r"'\u202alost\u202c'", r"'lost'"),
]


@pytest.mark.parametrize("one, other, one_shown, other_shown", LOOK_ALIKE)
def test_texts_that_look_the_same(one: str, other: str, one_shown: str, other_shown: str) -> None:
    assert as_seen(one) == as_seen(other)
    assert told_apart([one, other]) == [one_shown, other_shown]
    assert did_you_mean(one, ["else", other]) == f" Did you mean {other_shown}?"


@pytest.mark.parametrize(
    "one, other",
    [("für", "fur"), ("5 mg", "5 µg"), ("naïve", "naive"), ("1", "l"), ("a,b", "a;b"), ("ß", "b")],
)
def test_texts_that_look_different(one: str, other: str) -> None:
    assert as_seen(one) != as_seen(other)


def test_where_long_names_part_is_shown() -> None:
    one, other = told_apart(["x" * 5000 + "\u200b" + "y" * 5000, "x" * 5000 + "y" * 5000])
    assert one == "'…" + "x" * 30 + r"\u200b" + "y" * 29 + "…'"
    assert other == "'…" + "x" * 30 + "y" * 30 + "…'"


def test_only_short_names_and_not_too_many_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    # The time that difflib takes grows with the product of two lengths.
    compared: list[int] = []

    def counting(name: str, known: Any, n: int) -> list[str]:
        compared.extend(len(name) * len(other) for other in known)
        return []

    monkeypatch.setattr(_wording, "get_close_matches", counting)
    long = ["x" * 1_000_000 + str(i) for i in range(3)]
    assert did_you_mean("label", [*long, *map(str, range(100_000))]) == ""
    assert len(compared) == 10_000
    assert sum(compared) < 5 * 5 * 10_000
    compared.clear()
    assert did_you_mean("y" * 1_000_000, long) == ""
    assert compared == []
