"""Every public object is documented, completely and without contradiction to its signature."""

import ast
import inspect
import re
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

from sklearn_sifal.strategies import STRATEGIES, SamplingStrategy

PACKAGES = [
    "sklearn_sifal",
    "sklearn_sifal.preprocessing",
    "sklearn_sifal.strategies",
    "sklearn_sifal.samplers",
    "sklearn_sifal.neural",
    "sklearn_sifal.datasets",
    "sklearn_sifal.cli",
    "sklearn_sifal.comparison",
    "sklearn_sifal.inspection",
    "sklearn_sifal.plotting",
]

# What is asked of every docstring; see numpydoc's list of checks. Left out is mere style
# (first words, full stops, blank lines) and what not every object needs (See Also, Examples).
CHECKS = {
    "GL05",  # tabs
    "GL06",  # unknown section
    "GL07",  # sections in the wrong order
    "GL08",  # no docstring
    "GL10",  # directive without two colons
    "SS01",  # no summary
    "SS02",  # summary without a capital
    "SS03",  # summary without a full stop
    "PR01",  # parameter missing
    "PR02",  # parameter that does not exist
    "PR03",  # parameters in another order than the signature
    "PR10",  # no space before the colon
    "RT01",  # nothing said of what is returned
    "YD01",  # nothing said of what is yielded
}


def public_names() -> list[str]:
    return [
        f"{package}.{name}"
        for package in PACKAGES
        for name in import_module(package).__all__
        if not name.startswith("__")
    ]


def resolve(name: str) -> Any:
    package, _, attribute = name.rpartition(".")
    return getattr(import_module(package), attribute)


def own_methods(cls: type) -> list[str]:
    """Public methods and properties that our modules define, inherited ones included."""
    found = []
    for name in dir(cls):
        if name.startswith("_"):
            continue
        owner = next((base for base in cls.__mro__ if name in vars(base)), None)
        member = inspect.getattr_static(cls, name)
        is_method = inspect.isfunction(member) or isinstance(
            member, property | classmethod | staticmethod
        )
        # Metadata routing writes the request methods and their docstrings.
        is_own = owner is not None and owner.__module__.startswith("sklearn_sifal")
        if is_method and is_own and not re.fullmatch(r"set_\w+_request", name):
            found.append(name)
    return found


def errors_of(name: str, *, is_record: bool = False) -> list[str]:
    found = [f"{name}: {code} {text}" for code, text in validate(name)["errors"] if code in CHECKS]
    # The fields of a record are documented once, as attributes.
    return [text for text in found if not (is_record and re.search(r"\bPR0[123]\b", text))]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_documented(package: str) -> None:
    module = import_module(package)
    assert isinstance(module, ModuleType)
    assert module.__doc__


@pytest.mark.parametrize("name", public_names())
def test_docstring_is_valid(name: str) -> None:
    value = resolve(name)
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        pytest.skip("a constant: described by a comment")
    errors = errors_of(name, is_record=hasattr(value, "__dataclass_fields__"))
    if inspect.isclass(value):
        for method in own_methods(value):
            errors += errors_of(f"{name}.{method}")
    assert errors == []


def default_of(type_text: str) -> str | None:
    """What a documented type says after ``default=``."""
    match = re.search(r"default=(.*)$", type_text, re.DOTALL)
    return match.group(1).strip() if match else None


def is_same(documented: str, default: Any) -> bool:
    try:
        value = ast.literal_eval(documented)
    except (ValueError, SyntaxError):
        value = {"inf": np.inf, "nan": np.nan}.get(documented.removeprefix("np."), documented)
        if callable(default) or isinstance(default, type):
            return documented.split(".")[-1] == default.__name__
    return bool(type(value) is type(default) and (value == default or value is default)) or (
        # 1e-3 for 0.001, 0 for 0.0
        isinstance(value, int | float)
        and isinstance(default, int | float)
        and not isinstance(default, bool)
        and not isinstance(value, bool)
        and value == default
    )


def check_defaults(name: str, value: Any) -> list[str]:
    """Documented defaults that differ from the signature's, or are missing."""
    wrong = []
    signature = inspect.signature(value)
    documented = {
        single.strip(): entry.type
        for entry in NumpyDocString(inspect.getdoc(value) or "")["Parameters"]
        for single in entry.name.split(",")
    }
    for parameter in signature.parameters.values():
        text = documented.get(parameter.name)
        if not text:  # grouped names without a type: "See ..."
            continue
        said = default_of(text)
        if parameter.default is inspect.Parameter.empty:
            if said is not None:
                wrong.append(f"{name}: {parameter.name} has no default, documented is {said}")
        elif said is None:
            wrong.append(f"{name}: default of {parameter.name} is not documented")
        elif not is_same(said, parameter.default):
            wrong.append(
                f"{name}: default of {parameter.name} is {parameter.default!r}, documented {said}"
            )
    return wrong


@pytest.mark.parametrize("name", public_names())
def test_documented_defaults_are_those_of_the_signature(name: str) -> None:
    value = resolve(name)
    own = callable(value) and not hasattr(value, "__dataclass_fields__")
    if not own or getattr(value, "__init__", None) is ValueError.__init__:
        pytest.skip("no signature of its own")
    wrong = check_defaults(name, value)
    if inspect.isclass(value):
        for method in own_methods(value):
            member = inspect.getattr_static(value, method)
            if inspect.isfunction(member):
                wrong += check_defaults(f"{name}.{method}", member)
    assert wrong == []


@pytest.mark.parametrize(
    "documented, default, same",
    [
        ("None", None, True),
        ("'once'", "once", True),
        ("once", "once", True),
        ("1e-3", 0.001, True),
        ("50", 50.0, True),
        ("True", True, True),
        ("(100,)", (100,), True),
        ("1", True, False),
        ("'auto'", None, False),
        ("0.1", 0.01, False),
        ("None", 0, False),
    ],
)
def test_comparison_of_defaults(documented: str, default: Any, same: bool) -> None:
    assert is_same(documented, default) is same


@pytest.mark.parametrize("name", SamplingStrategy().get_params())
def test_shared_parameters_of_the_strategies_have_one_type(name: str) -> None:
    types = {
        entry.type.split(", default")[0]
        for cls in (SamplingStrategy, *STRATEGIES.values())
        for entry in NumpyDocString(inspect.getdoc(cls) or "")["Parameters"]
        if entry.name == name
    }
    assert len(types) == 1


class BadlyDocumented:
    """Show that the checks above find what they are for.

    Parameters
    ----------
    first : int, default=1
        Has another default.
    third : int, default=3
        Does not exist.
    """

    def __init__(self, first: int = 2, second: int = 2) -> None:
        self.first = first
        self.second = second

    def undocumented(self) -> None:
        pass

    def returns(self) -> int:
        """Say nothing of what comes back."""
        return 1


def test_the_checks_find_what_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{__name__}.BadlyDocumented"
    found = " ".join(
        [*errors_of(name), *errors_of(f"{name}.undocumented"), *errors_of(f"{name}.returns")]
    )
    for code in ("PR01", "PR02", "GL08", "RT01"):
        assert code in found
    assert check_defaults("it", BadlyDocumented) == ["it: default of first is 2, documented 1"]
    monkeypatch.setattr(BadlyDocumented, "__module__", "sklearn_sifal.made_up")
    assert own_methods(BadlyDocumented) == ["returns", "undocumented"]
