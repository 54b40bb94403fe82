"""The tables of the page on strategies say what the code does."""

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpydoc.docscrape import NumpyDocString

from sklearn_sifal._descriptions import describe
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies import STRATEGIES, SamplingStrategy
from sklearn_sifal.strategies._registry import resolve_strategy

DOCS = Path(__file__).resolve().parents[2] / "docs"
SHARED = SamplingStrategy().get_params()

Table = list[list[str]]


def read(page: str) -> str:
    if not DOCS.exists():
        pytest.skip("the documentation is not part of this copy")
    return (DOCS / page).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text() -> str:
    return read("strategies.md")


def tables_below(text: str, heading: str) -> list[Table]:
    """Cells of the tables below a heading of any level, without their heads."""
    below = re.split(r"^#+ ", text.split(f"# {heading}\n")[1], flags=re.MULTILINE)[0]
    tables = re.findall(r"(?:^\|.*\n)+", below, flags=re.MULTILINE)
    return [
        [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]
        for table in tables
    ]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_table_of_strategies(text: str) -> None:
    (rows,) = tables_below(text, "All strategies")
    assert [row[0].strip("`") for row in rows] == list(STRATEGIES)
    for name, cls, _, share, default, at_100 in rows:
        strategy = STRATEGIES[name.strip("`")]
        assert cls.strip("`") == strategy.__name__
        if default == "none":
            assert at_100 == "refused"
            assert share == "–"
            with pytest.raises(InvalidParameterError):
                resolve_strategy(name.strip("`"), 100)
            continue
        percentage = strategy().get_params()["percentage"]
        assert default == ("ignored" if percentage is None else f"{percentage:g}")
        at_hundred = resolve_strategy(name.strip("`"), 100)
        assert (at_100 == "`base`") == at_hundred._takes_everything()


def test_the_table_of_costs(text: str) -> None:
    (rows,) = tables_below(text, "What each looks at, and what it costs")
    assert [row[0].strip("`") for row in rows] == list(STRATEGIES)
    for name, measures, losses, draws, needs, *_ in rows:
        strategy = STRATEGIES[name.strip("`")]()
        assert tuple(names_in(measures)) == strategy.measures
        refresh = strategy.get_params().get("refresh")
        if refresh:
            assert names_in(losses)[0] == f'refresh="{refresh}"'
        else:
            assert names_in(losses) == []
        assert draws == ("in parts" if strategy.per_batch else "at once") + (
            ", with repeats" if strategy.replacement else ""
        )
        needed = {"score": strategy.needs_score, "max_epochs": strategy.needs_end}
        assert names_in(needs) == [what for what, is_needed in needed.items() if is_needed]
        # Who cannot do without scoring has a scoring pass to name.
        assert ("scoring pass" in losses) == strategy.needs_score


def test_the_table_of_uses_has_every_strategy(text: str) -> None:
    (rows,) = tables_below(text, "When to use which, and when each fails")
    named = [name for row in rows for name in names_in(row[0])]
    assert sorted(named) == sorted(STRATEGIES)


def test_the_tables_of_shared_knobs(text: str) -> None:
    meaning, missing = tables_below(text, "The shared knobs")
    assert {row[0].strip("`"): row[1].strip('`"') for row in meaning} == {
        name: str(default) for name, default in SHARED.items()
    }
    assert [row[0].strip("`") for row in missing] == [row[0].strip("`") for row in meaning]
    strategies = {name: make() for name, make in STRATEGIES.items()}
    for knob, lacking in missing:
        lacks = [n for n, s in strategies.items() if knob.strip("`") not in s.get_params()]
        assert names_in(lacking) == lacks


def test_the_table_of_weights_and_steps(text: str, driver: Any) -> None:
    (rows,) = tables_below(text, "Weights and larger steps")
    documented = {
        row[0].strip("`"): (row[1] == "yes", row[3] != "1") for row in rows
    }  # others have neither
    for name, cls in STRATEGIES.items():
        strategy = cls(threshold=0.0) if name == "gradient_norm" else cls()  # on from the start
        losses = np.random.default_rng(0).exponential(size=300)
        run = driver(strategy, losses, batch_size=8, y=np.arange(300) % 10, max_rounds=20)
        rounds = run.after_warmup().rounds(4)
        has_weights = any(s.weights is not None and (s.weights != 1).any() for s in rounds)
        if name == "guarded_importance":
            has_weights = True  # once labels look wrong; see its own tests
        scales = any(s.lr_scale != 1 for s in rounds)
        assert documented.get(name, (False, False)) == (has_weights, scales), name


def test_the_example_of_the_page_on_adding_a_strategy(driver: Any) -> None:
    # Its blocks run with all other pages' (test_documentation.py); here its tests do.
    namespace: dict[str, Any] = {}
    for code in re.findall(r"^```python\n(.*?)^```", read("adding_a_strategy.md"), re.M | re.S):
        exec(compile(code, "adding_a_strategy.md", "exec"), namespace)
    tests = [value for name, value in namespace.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test(driver)
    strategy = namespace["Central"]
    describe(strategy)  # which a module of the package need not ask for
    described = {
        entry.name for entry in NumpyDocString(inspect.getdoc(strategy) or "")["Parameters"]
    }
    assert described == set(strategy().get_params())


#: Where a class's parameters are kept.
_OF_THE_FIELDS = {"_checks", "_fields", "_stated"}
#: Overridden by the heap alone, which has evictions of its own.
_OF_THE_HEAP = {"_active_rows", "_evict", "_is_one_batch"}


def test_every_hook_is_spoken_of() -> None:
    page = read("adding_a_strategy.md")
    (hooks,) = tables_below(page, "The other hooks")
    named = {name for row in hooks for name in names_in(row[0])}
    for name in named:
        assert hasattr(SamplingStrategy, name), name
    overridden = {
        name
        for cls in STRATEGIES.values()
        for name in vars(cls)
        if hasattr(SamplingStrategy, name) and not name.startswith(("__", "_sklearn", "_abc"))
    }
    assert overridden - named - _OF_THE_HEAP - _OF_THE_FIELDS - set(SHARED) == set()
