"""Descriptions that several docstrings share: written once, and filled in where they are named.

In a docstring, ``{{warmup_epochs, refresh}}`` on a line of its own stands for the entries of these
parameters or attributes, and what follows below it goes on with the last of them::

    Parameters
    ----------
    alpha : float, default=0.6
        Power of the loss, in [0, 1].
    {{warmup_epochs, refresh}}
        The paper's form is 'table'.

`describe` fills a class's in from the docstrings of its bases, where they were described too, or
from texts that it is given: a type's ``default=`` becomes the one of the class's own signature. It
also gives methods that have no docstring the one of the method that they override. `fill` does the
former with any text.

`describe` stands below a class, or in the ``__init_subclass__`` of a base, for its subclasses.

With ``python -OO`` there are no docstrings, and nothing is done.
"""

import inspect
import re
from collections.abc import Mapping
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

_PLACEHOLDER = re.compile(r"^([ \t]*)\{\{([^{}\n]*)\}\}$", re.MULTILINE)
_ANY_PLACEHOLDER = re.compile(r"\{\{[^{}\n]*\}\}")
# "name : type" and the indented lines below it, in a docstring without common indentation.
_ENTRY = re.compile(r"^\**(\w+(?:, \w+)*) : .*(?:\n(?:[ \t]+.*)?)*", re.MULTILINE)
_DEFAULT = re.compile(r"\bdefault=.*$", re.MULTILINE)

# Of the classes described so far: what stands in the docstring itself, and is not filled in.
_OWN_ENTRIES: WeakKeyDictionary[type, dict[str, str]] = WeakKeyDictionary()


def describe(cls: type, texts: Mapping[str, str] | None = None) -> None:
    """Complete the docstrings of a class and of its methods.

    Parameters
    ----------
    cls : type
        The class.
    texts : mapping of str to str, default=None
        Entries by name, which go before those in the docstrings of the class's bases.

    Raises
    ------
    ValueError
        If there is no entry for a name in a placeholder.
    """
    for name, member in vars(cls).items():
        if not name.startswith("__") and isinstance(member, FunctionType | property):
            member.__doc__ = member.__doc__ or _inherited_doc(cls, name)
    if cls.__doc__ is None:
        return
    _OWN_ENTRIES[cls] = entries_of(cls.__doc__)
    entries: dict[str, str] = {}
    for base in reversed(cls.__mro__[1:]):
        entries.update(_OWN_ENTRIES.get(base, {}))
    entries.update(texts or {})
    for name, parameter in inspect.signature(cls).parameters.items():
        if name in entries:
            entries[name] = _with_default(entries[name], parameter.default)
    cls.__doc__ = fill(cls.__doc__, entries, cls.__qualname__)


def fill(text: str, entries: Mapping[str, str], where: str) -> str:
    """A text with entries in place of its placeholders.

    Parameters
    ----------
    text : str
        With placeholders, each on a line of its own.
    entries : mapping of str to str
        What stands in for a name; without indentation.
    where : str
        What the text is of, for the message.

    Raises
    ------
    ValueError
        If a name has no entry, or a placeholder stands among other text.

    Examples
    --------
    >>> entries = {"n": "n : int\\n    How many.", "m": "m : int"}
    >>> print(fill("Rows:\\n    {{n, m}}", entries, "it"))
    Rows:
        n : int
            How many.
        m : int
    """

    def entries_for(match: re.Match[str]) -> str:
        names = [name.strip() for name in match[2].split(",")]
        if missing := [name for name in names if name not in entries]:
            raise ValueError(f"The docstring of {where} names {missing[0]!r}, which has no text.")
        lines = "\n".join(entries[name].rstrip() for name in names).split("\n")
        return "\n".join(match[1] + line if line else line for line in lines)

    filled = _PLACEHOLDER.sub(entries_for, text)
    if left := _ANY_PLACEHOLDER.search(filled):
        raise ValueError(f"The docstring of {where} has {left[0]} on a line with other text.")
    return filled


def entries_of(doc: str | None) -> dict[str, str]:
    """The entries "name : type" of a docstring, each with what is said of it, by every name."""
    entries = _ENTRY.finditer(inspect.cleandoc(doc or ""))
    return {name: entry[0].rstrip() for entry in entries for name in entry[1].split(", ")}


def _with_default(entry: str, default: Any) -> str:
    head, *rest = entry.split("\n")
    if default is not inspect.Parameter.empty:
        head = _DEFAULT.sub(lambda _: f"default={default!r}", head)
    return "\n".join([head, *rest])


def _inherited_doc(cls: type, name: str) -> str | None:
    members = (vars(base)[name] for base in cls.__mro__[1:] if name in vars(base))
    return next((member.__doc__ for member in members if member.__doc__), None)
