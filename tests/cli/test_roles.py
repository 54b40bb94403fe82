"""What columns look like, and what becomes of them in the pipeline."""

import random
from argparse import Namespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._numbers import as_number, as_numbers
from sklearn_sifal.cli._pipeline import make_inputs, make_model
from sklearn_sifal.cli._roles import find_roles, guess_kind
from sklearn_sifal.cli._table import Table


def table_of(decimal: str = ".", **columns: list[str]) -> Table:
    n = len(next(iter(columns.values())))
    return Table("f.csv", columns, np.arange(2, n + 2), np.arange(1, n + 1), decimal)


def roles_of(table: Table, label: str = "label", **named: list[str]) -> Any:
    given = {"text": None, "numeric": None, "categorical": None, **named}
    return find_roles(table, label, Namespace(**given))


@pytest.mark.parametrize(
    "cell, number",
    [("1.5", 1.5), (" -2 ", -2.0), ("1e-3", 0.001), (".5", 0.5), ("5.", 5.0), ("+7", 7.0)],
)
def test_numbers(cell: str, number: float) -> None:
    assert as_number(cell, ".") == number


@pytest.mark.parametrize("cell", ["", "  ", "NA", "n/a", "NaN", "null", "None", "?", "-"])
def test_missing_numbers(cell: str) -> None:
    assert np.isnan(as_number(cell, "."))


@pytest.mark.parametrize("cell", ["x", "1,5", "1_000", "inf", "1e101", "12 %", "0x10", "1 2"])
def test_no_numbers(cell: str) -> None:
    assert as_number(cell, ".") is None


def test_decimal_commas() -> None:
    assert as_numbers(["1,5", "2.5", ""], ",")[:2].tolist() == [1.5, 2.5]
    assert as_numbers(["1.234,5"], ",") is None


N = 200
RNG = random.Random(0)


@pytest.mark.parametrize(
    "name, cells, kind",
    [
        ("query", [f"where is my card {i}" for i in range(N)], "text"),
        ("query", [f"how do I pay for no. {i % 60}?" for i in range(N)], "text"),
        ("short file", ["my card", "his card", "the app", "pay now"], "text"),
        ("price", [f"{RNG.random():.3f}" for _ in range(N)], "numeric"),
        ("price", ["", "NA", *(str(RNG.randrange(9)) for _ in range(N))], "numeric"),
        ("education", ["Some college", "High school", "Never went there"] * 60, "categorical"),
        ("colour", ["red", "", "blue"] * 60, "categorical"),
        ("city", [f"city{i % 40}" for i in range(N)], "categorical"),
    ],
)
def test_what_columns_look_like(name: str, cells: list[str], kind: str) -> None:
    assert guess_kind(name, cells) == kind


@pytest.mark.parametrize(
    "name, cells, reason",
    [
        ("id", [str(RNG.randrange(10**9)) for _ in range(N)], "row numbers"),
        ("column 1", [str(i) for i in range(N)], "row numbers"),
        ("whatever", [str(100 + i) for i in range(N)], "row numbers"),
        ("ticket", [f"T-{i:05d}" for i in range(N)], "such as ids"),
        ("when", [f"2024-01-{1 + i % 28:02d} 10:{i % 60}:00" for i in range(N)], "dates"),
        ("since", [f"{1 + i % 28}.{1 + i % 12}.2024" for i in range(N)], "dates"),
        ("nothing", [""] * N, "empty"),
        ("source", ["web"] * N, "the same in every row"),
    ],
)
def test_columns_to_leave_out(name: str, cells: list[str], reason: str) -> None:
    assert reason in guess_kind(name, cells)


def test_numbers_that_are_all_different_are_no_ids_by_that_alone() -> None:
    assert guess_kind("income", [str(RNG.randrange(10**9)) for _ in range(N)]) == "numeric"


def test_the_guess_is_said() -> None:
    table = table_of(
        id=[str(i) for i in range(N)],
        text=[f"where is my card {i}" for i in range(N)],
        age=[str(20 + i % 50) for i in range(N)],
        label=["a", "b"] * (N // 2),
    )
    roles = roles_of(table)
    assert (roles.text, roles.numeric, roles.categorical) == (("text",), ("age",), ())
    said = roles.in_words()
    assert "'text' as text; 'age' as numeric, as the contents suggest" in said
    assert "Not used: 'id' (looks like row numbers)." in said
    assert "--text, --numeric and --categorical" in said


def test_named_columns_are_the_only_ones() -> None:
    table = table_of(a=["x y"] * 4, b=["1"] * 4, c=["2"] * 4, label=["u", "v"] * 2)
    roles = roles_of(table, numeric=["b,c"])
    assert roles.columns == ("b", "c")
    assert roles.in_words() == "Learning from 'b', 'c' as numeric."


def test_a_name_with_a_comma() -> None:
    table = table_of(**{"a,b": ["1", "2"], "label": ["u", "v"]})
    assert roles_of(table, numeric=["a,b"]).numeric == ("a,b",)


@pytest.mark.parametrize(
    "named, message",
    [
        ({"text": ["txet"]}, r"no column 'txet', named by --text\. Did you mean 'Text'\? Its col"),
        ({"text": ["label"]}, "'label' is the label and cannot be learnt from"),
        ({"text": ["Text"], "categorical": ["Text"]}, "'Text' named as more than one kind"),
        ({"numeric": ["n"]}, r"line 3 of f.csv: '2o' in the numeric column 'n' is no number"),
        ({"text": ["marks"]}, "text column 'marks' of f.csv has no words"),
    ],
)
def test_wrong_names(named: dict[str, list[str]], message: str) -> None:
    table = table_of(Text=["a b", "c d"], n=["1", "2o"], marks=["?!", "..."], label=["u", "v"])
    with pytest.raises(UserError, match=message):
        roles_of(table, **named)


def test_nothing_to_learn_from() -> None:
    with pytest.raises(UserError, match=r"no column to learn from .*'a' \(empty\)\. Name some"):
        roles_of(table_of(a=["", ""], label=["u", "v"]))


def transformed(table: Table, **named: list[str]) -> Any:
    roles = roles_of(table, **named)
    return make_model(roles, None)[:-1].fit_transform(make_inputs(table, roles))


def test_a_text_column_is_words_and_pairs() -> None:
    table = table_of(t=["My CARD card", "a card 5"], label=["u", "v"])
    X = transformed(table, text=["t"])
    # my, card, a, _number_; my card, card card, a card, card _number_
    assert X.shape == (2, 8)
    assert set(X.data) == {1.0}


def test_numbers_are_standardised_and_gaps_are_marked() -> None:
    table = table_of(n=["1", "", "3"], m=["0", "0", "3"], label=["u", "v", "u"])
    X = transformed(table, numeric=["n", "m"])
    # Median 2 in the gap: 1, 2, 3 have mean 2 and variance 2/3.
    root = np.sqrt(1.5)
    np.testing.assert_allclose(X[:, 0], [-root, 0, root])
    np.testing.assert_allclose(X[:, 1], [-np.sqrt(0.5), -np.sqrt(0.5), np.sqrt(2)])
    assert X[1, 2] > 0 > X[0, 2] == X[2, 2]


def test_all_kinds_together_without_pandas() -> None:
    table = table_of(
        n=["1", "2", "3"],
        c=["red", "", " red"],
        t=["my card", "my app", "pay"],
        s=["x", "y", "x"],
        label=["u", "v", "u"],
    )
    roles = roles_of(table, numeric=["n"], categorical=["c"], text=["t", "s"])
    X = make_inputs(table, roles)
    assert X.shape == (3, 4)
    model = make_model(roles, None)[:-1].fit(X)
    # my, card, app, pay, my card, my app; x, y; n; "" and red.
    assert model.transform(X).shape == (3, 11)
    unseen = np.array([["new word", "z", 1.0, "green"]], dtype=object)
    row = model.transform(unseen)
    row = row.toarray() if sp.issparse(row) else row
    np.testing.assert_allclose(row[0], [0] * 8 + [-np.sqrt(1.5), 0, 0])


@pytest.mark.parametrize(
    "cells, why",
    [
        ([f"${i},000.50" for i in range(60)], "not written plainly, such as '$0,000.50'"),
        ([f"{i}.000,50 €" for i in range(60)], "not written plainly, such as '0.000,50 €'"),
        ([f"{i} %" for i in range(60)], "not written plainly, such as '0 %'"),
        ([*map(str, range(59)), "unknown"], "numbers but for 'unknown'"),
        ([f"T-{i}" for i in range(60)], "such as ids"),
        ([f"{i}-{i + 1}" for i in range(60)], "such as ids"),
    ],
)
def test_why_numbers_are_left_out(cells: list[str], why: str) -> None:
    assert guess_kind("price", cells).endswith(why)
