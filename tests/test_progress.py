"""The progress bar, and the lines where there can be none."""

import sys
from types import ModuleType
from typing import Any

import pytest

from sklearn_sifal._progress import ProgressBar


@pytest.fixture
def no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)


@pytest.mark.parametrize("place", ["terminal", "notebook"])
def test_bar_on_standard_error(capsys: Any, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    if place == "terminal":
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    else:
        monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    with ProgressBar("fit") as bar:
        bar.update_to(0.5, "half of it")
        bar.update_to(1.0, "all of it")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "fit: 100%|" in shown.err
    assert "all of it" in shown.err


def test_bar_is_closed_after_an_error(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = ProgressBar("fit")
    with pytest.raises(ZeroDivisionError), bar:
        raise ZeroDivisionError
    assert bar._bar is None
    assert capsys.readouterr().err.endswith("\n")


@pytest.mark.usefixtures("no_notebook")
def test_a_line_per_tenth_where_no_bar_can_be_drawn(capsys: Any) -> None:
    with ProgressBar("fit") as bar:
        for step in range(1, 101):
            bar.update_to(step / 100, f"step {step}")
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "fit:  10% step 10"
    assert lines[-1] == "fit: 100% step 100"


@pytest.mark.usefixtures("no_notebook")
def test_large_leaps_are_one_line(capsys: Any) -> None:
    with ProgressBar("fit") as bar:
        bar.update_to(0.05)
        bar.update_to(0.95)
        bar.update_to(0.96)
    assert capsys.readouterr().err == "fit:  95% \n"


def test_no_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(sys, "stderr", None)
    with ProgressBar("fit") as bar:
        bar.update_to(1.0)
