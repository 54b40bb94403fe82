"""Read the words of the made-up customer queries from ``_intent_grammar.txt``.

The head of that file says how it is written. How a query is put together from
it is in ``_phrasebook``.
"""

from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Wordings(NamedTuple):
    """Ways to say one thing, most usual first, and the domain if the thing is an intent."""

    common: list[str]
    rare: list[str]
    domain: str = ""


# By kind, as the file says, then by name.
Grammar = dict[str, dict[str, Wordings]]


def read_grammar(text: str) -> Grammar:
    """Return the sections of a grammar, in their order."""
    grammar: Grammar = {}
    lines = None
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith(";"):
            continue
        if line.startswith("["):
            kind, *names = line[1:-1].split()
            if len(names) not in (1, 2):
                raise ValueError(f"Line {number}: {line} is no heading.")
            name, *domain = names
            if name in grammar.setdefault(kind, {}):
                raise ValueError(f"Line {number}: there is a {line} already.")
            grammar[kind][name] = wordings = Wordings([], [], *domain)
            lines = wordings.common
        elif lines is None:
            raise ValueError(f"Line {number}: {line!r} belongs to no section.")
        elif line == "rare:":
            lines = wordings.rare
        else:
            lines.append(line)
    return grammar


def grammar_text() -> str:
    """Return what stands in the grammar's file."""
    return files("sklearn_sifal.datasets").joinpath("_intent_grammar.txt").read_text("utf-8")


@cache
def intent_grammar() -> Grammar:
    """Return the grammar of `make_intents`, read on first use."""
    return read_grammar(grammar_text())
