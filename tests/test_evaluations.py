"""The table of evaluations names functions, Displays, fields and tests that exist."""

import inspect
import re
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import sklearn_sifal
from sklearn_sifal import inspection

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = _ROOT / "docs" / "evaluations.md"
_NAME = re.compile(r"`([^`]+)`")
# `module.name` (`field`, `other`: `field of it`)
_WITH_FIELDS = re.compile(r"`([^`]+)`(?: \(((?:`[^`]+`(?:, |: )?)+)\))?")


class Row(NamedTuple):
    question: str
    numbers: str
    picture: str
    tests: str


def rows() -> list[Row]:
    lines = _PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return [Row(*row) for row in cells if row[1] != "numbers" and set(row[1]) != {"-"}]


def resolve(name: str) -> Any:
    """What a dotted name stands for; skips the test while its package is not there."""
    first, *rest = name.split(".")
    if first in ("comparison", "plotting") and find_spec(f"sklearn_sifal.{first}") is None:
        pytest.skip(f"sklearn_sifal.{first} is not there yet")
    is_package = find_spec(f"sklearn_sifal.{first}") is not None
    value = import_module(f"sklearn_sifal.{first}") if is_package else getattr(sklearn_sifal, first)
    for attribute in rest:
        value = getattr(value, attribute)
    return value


def has_field(value: Any, field: str) -> bool:
    """Whether a class, or what a function returns, has a field, attribute or parameter."""
    if not inspect.isclass(value):
        value = inspect.signature(value, eval_str=True).return_annotation
    documented = re.search(rf"\b{field}\b", inspect.getdoc(value) or "") is not None
    in_record = is_dataclass(value) and field in {f.name for f in fields(value)}
    return in_record or hasattr(value, field) or documented


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.question)
def test_numbers_exist(row: Row) -> None:
    found = _WITH_FIELDS.findall(row.numbers)
    assert found
    for name, in_brackets in found:
        value = resolve(name)
        for field in _NAME.findall(in_brackets):
            assert has_field(value, field), f"{name} has no {field}"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.question)
def test_pictures_exist(row: Row) -> None:
    names = _NAME.findall(row.picture)
    assert names or "none" in row.numbers
    for name in names:
        assert name.startswith("plotting.")
        assert inspect.isclass(resolve(name))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.question)
def test_tests_exist(row: Row) -> None:
    names = _NAME.findall(row.tests)
    assert names
    for name in names:
        if name == "tests/comparison" and not (_ROOT / name).exists():
            pytest.skip("sklearn_sifal.comparison is not there yet")
        assert (_ROOT / name).exists(), name


def test_everything_public_has_its_place() -> None:
    text = _PAGE.read_text(encoding="utf-8")
    functions = [n for n in inspection.__all__ if inspect.isfunction(getattr(inspection, n))]
    assert [name for name in functions if f"`inspection.{name}`" not in text] == []


def test_every_display_has_its_place() -> None:
    displays = [name for name in dir(resolve("plotting")) if name.endswith("Display")]
    text = _PAGE.read_text(encoding="utf-8")
    assert [name for name in displays if f"`plotting.{name}`" not in text] == []


def test_there_is_something_to_check() -> None:
    assert len(rows()) > 20
