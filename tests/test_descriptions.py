"""Descriptions that are written once and filled into docstrings."""

import inspect
import subprocess
import sys
from typing import Any

import pytest

import sklearn_sifal.strategies
from sklearn_sifal._descriptions import describe, entries_of, fill


class Parent:
    """Say nothing.

    Parameters
    ----------
    first : int, default=1
        Of two lines,
        and a part:

        - in a list.
    second : {'a', 'b'} or None, default=None
        One line.

    Attributes
    ----------
    size_ : int
        How many.
    """

    def __init__(self, first: int = 1, second: Any = None) -> None: ...

    def run(self) -> None:
        """Run away."""

    @property
    def speed(self) -> float:
        """How fast."""
        return 0.0


def child(doc: str, **methods: Any) -> type:
    def __init__(self: Any, own: int = 0, *, first: int = 1, second: Any = "b") -> None: ...

    return type("Child", (Parent,), {"__doc__": doc, "__init__": __init__, **methods})


DOC = """Say something.

    Parameters
    ----------
    own : int, default=0
        Own words.
    {{first, second}}
        And more.
    """


def test_entries_stand_in_for_their_names() -> None:
    describe(Parent)
    cls = child(DOC)
    describe(cls)
    assert inspect.getdoc(cls) == inspect.cleandoc("""Say something.

    Parameters
    ----------
    own : int, default=0
        Own words.
    first : int, default=1
        Of two lines,
        and a part:

        - in a list.
    second : {'a', 'b'} or None, default='b'
        One line.
        And more.
    """)


def test_what_a_class_adds_is_its_own() -> None:
    describe(Parent)
    cls = child(DOC)
    describe(cls)
    grandchild = type("Grandchild", (cls,), {"__doc__": DOC})
    describe(grandchild)
    assert inspect.getdoc(grandchild) == inspect.getdoc(cls)


def test_attributes_and_given_texts_are_filled_in_as_well() -> None:
    describe(Parent)
    cls = child("It.\n\n    {{size_}}\n    {{first}}\n")
    describe(cls, {"first": "first : text\n    Given."})
    assert cls.__doc__ == (
        "It.\n\n    size_ : int\n        How many.\n    first : text\n        Given.\n"
    )


def test_methods_without_a_docstring_have_the_overridden_one() -> None:
    cls = child("It.", run=lambda self: None, speed=property(lambda self: 1.0))
    describe(cls)
    assert cls.run.__doc__ == "Run away."
    assert cls.speed.__doc__ == "How fast."


@pytest.mark.parametrize(
    "doc, match",
    [
        ("    {{first, third}}", "docstring of Child names 'third', which has no text"),
        ("Inline {{first}}.", "docstring of Child has {{first}} on a line with other text"),
        ("    {{}}", "names ''"),
    ],
)
def test_what_cannot_be_filled_in_is_an_error(doc: str, match: str) -> None:
    describe(Parent)
    with pytest.raises(ValueError, match=match):
        describe(child(doc))


def test_other_braces_are_left_alone() -> None:
    text = r"{'once', 'table'}, \frac{1}{2} and {first}"
    assert fill(text, {}, "it") == text


def test_entries_of_nothing() -> None:
    assert entries_of(None) == {}


def test_no_placeholder_is_left_in_the_package() -> None:
    for name in sklearn_sifal.strategies.__all__:
        cls = getattr(sklearn_sifal.strategies, name)
        if inspect.isclass(cls):
            assert "{{" not in (cls.__doc__ or "")


def test_without_docstrings_nothing_is_done() -> None:
    code = "from sklearn_sifal.strategies import Importance; assert False; print(Importance(20))"
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True)
    assert done.stdout == "Importance(percentage=20)\n", done.stderr
