"""The tables of the page on strategies say what the code does."""

from pathlib import Path

import pytest

from sklearn_sifal.strategies import STRATEGIES, SamplingStrategy

PAGE = Path(__file__).resolve().parents[2] / "docs" / "strategies.md"


@pytest.fixture(scope="module")
def text() -> str:
    if not PAGE.exists():
        pytest.skip("the documentation is not part of this copy")
    return PAGE.read_text(encoding="utf-8")


def table_below(text: str, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its head."""
    below = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_the_table_of_strategies(text: str) -> None:
    rows = table_below(text, "The seven strategies")
    assert {row[0].strip("`") for row in rows} == set(STRATEGIES)
    for name, cls, _, default, _ in rows:
        strategy = STRATEGIES[name.strip("`")]
        assert cls.strip("`") == strategy.__name__
        percentage = strategy().get_params()["percentage"]
        assert default == ("ignored" if percentage is None else f"{percentage:g}")


def test_the_table_of_shared_knobs(text: str) -> None:
    documented = {row[0].strip("`"): row[1] for row in table_below(text, "The shared knobs")}
    defaults = SamplingStrategy().get_params()
    assert documented.keys() == defaults.keys()
    for name, default in documented.items():
        assert default.strip('`"') == str(defaults[name])
