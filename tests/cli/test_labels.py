"""Labels that may be meant as one."""

from collections import Counter

import numpy as np
import pytest

from sklearn_sifal.cli._labels import _doubts, labels_of
from sklearn_sifal.cli._numbers import as_exact_number
from sklearn_sifal.cli._table import Table

END = "Mend the file if they are meant as one."


def doubts(*names: str, decimal: str = ".") -> list[str]:
    return list(_doubts(Counter(names), decimal))


def test_what_differs_is_shown() -> None:
    assert doubts("lost", "lost\u200b", "lost\u200b", "café", "cafe\u0301", "else") == [
        r"Labels that look the same, or nearly so, are different labels: 'cafe\u0301' (1 row) and "
        rf"'caf\xe9' (1 row); 'lost' (1 row) and 'lost\u200b' (2 rows). {END}"
    ]


def test_case_and_spaces_are_told_once() -> None:
    assert doubts("Card", "card", "a  b", "a b") == [
        "Labels that differ only in case or spaces are different labels: 'Card' (1 row) and "
        f"'card' (1 row); 'a  b' (1 row) and 'a b' (1 row). {END}"
    ]


def test_a_third_spelling_that_only_looks_the_same() -> None:
    case, looks = doubts("Card", "card", "card\u00ad")
    assert "'Card' (1 row) and 'card' (1 row)." in case
    assert r"'Card' (1 row) and 'card' (1 row) and 'card\xad' (1 row)." in looks


def test_numbers_that_are_one() -> None:
    (said,) = doubts("1", "1.0", "01", "2", "x")
    assert said == (
        "Labels that are the same number are different labels: '01' (1 row) and '1' (1 row) and "
        f"'1.0' (1 row). {END}"
    )
    assert doubts("1", "1,0") == []
    assert len(doubts("1", "1,0", decimal=",")) == 1


def test_numbers_beyond_floats_are_told_apart() -> None:
    assert doubts(str(2**53), str(2**53 + 1), "1e99999999999999999999", "1e5", "9" * 200) == []


@pytest.mark.parametrize("cell", ["", "nan", "1e999999999999999999999", "1" * 101, "a"])
def test_no_exact_number(cell: str) -> None:
    assert as_exact_number(cell, ".") is None


def test_many_spellings_are_not_all_listed() -> None:
    (said,) = doubts(*("a" + "\u200b" * i for i in range(50)))
    assert said.count("row)") == 8
    (said,) = doubts(*(name + end for name in "abcdef" for end in ("", "\u200b")))
    assert said.count("row)") == 6
    assert "; and 3 more." in said


def test_labels_keep_what_they_end_with() -> None:
    cells = ["x", "x\0", " x ", "x" * 1000]
    labels = labels_of(Table("f", {"label": cells}, None, np.arange(1, 5)), "label")
    assert labels.dtype == object
    assert labels.tolist() == ["x", "x\0", "x", "x" * 1000]
