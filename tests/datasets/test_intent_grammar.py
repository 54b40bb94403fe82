"""The grammar is complete, tidy and without wordings of two intents."""

import re
from collections import Counter

import pytest

from sklearn_sifal.datasets._intent_grammar import grammar_text, intent_grammar, read_grammar

GRAMMAR = intent_grammar()
INTENTS = GRAMMAR["intent"]
_LISTS = {
    f"{kind} {name}": wordings
    for kind, section in GRAMMAR.items()
    for name, wordings in section.items()
}


def _lines(wordings):
    return wordings.common + wordings.rare


def _cores(intent):
    return [line.partition(" ")[2] for line in _lines(intent)]


def _problem(kind, line):
    """What is wrong with a wording of one kind of section, if something is."""
    form, _, core = line.partition(" ")
    if kind == "slip" and not re.fullmatch(r"[a-z]+( [a-z-]+)+", line):
        return "no word, and what is written for it"
    if kind == "intent" and form not in GRAMMAR["frame"]:
        return f"{form!r} is no form"
    words = {"frame": {"x"}, "remark": {*GRAMMAR["slot"], "do", "fact"}}.get(kind, GRAMMAR["slot"])
    unknown = [word for word in re.findall(r"\{(.*?)\}", line) if word not in words]
    if unknown or re.search(r"[{}]", re.sub(r"\{\w+\}", "", line)):
        return f"blanks that cannot be filled: {unknown}"
    return "" if line.isprintable() and (core or kind != "intent") else "no wording"


def test_every_line_of_the_file():
    problems, kind = [], ""
    for number, line in enumerate(grammar_text().splitlines(), 1):
        if line.startswith("["):
            heading = re.fullmatch(
                r"\[(?:(slot|frame|remark|background|slip) \w+|(intent) \w+ \w+)\]", line
            )
            kind = heading[heading.lastindex] if heading else ""
            problem = "" if heading else "no heading"
        elif not line or line.startswith(";") or line == "rare:":
            problem = ""
        else:
            problem = "spaces" if line != line.strip() else _problem(kind, line)
        if problem:
            problems.append(f"line {number}: {line!r}: {problem}")
    assert problems == []


def test_what_is_read():
    text = (
        "; words\n[slot a]\none\n two \nrare:\n\n; more\n#{b}\n[intent a bank]\ndo x\n[slot b]\nc"
    )
    assert read_grammar(text) == {
        "slot": {"a": (["one", "two"], ["#{b}"], ""), "b": (["c"], [], "")},
        "intent": {"a": (["do x"], [], "bank")},
    }


@pytest.mark.parametrize(
    "text, message",
    [
        ("\nhello", "Line 2: 'hello' belongs to no section"),
        ("[slot a]\nx\n[slot b]\ny\n[slot a]", r"Line 5: there is a \[slot a\] already"),
        ("[slot a]\nx\n[slot]", r"Line 3: \[slot\] is no heading"),
    ],
)
def test_what_is_no_grammar(text, message):
    with pytest.raises(ValueError, match=message):
        read_grammar(text)


@pytest.mark.parametrize("name", _LISTS)
def test_blanks_can_be_filled_and_no_line_comes_twice(name):
    lines = _lines(_LISTS[name])
    assert lines
    assert len(lines) == len(set(lines))
    blanks = {blank for line in lines for blank in re.findall(r"\{(.*?)\}", line)}
    assert blanks <= {*GRAMMAR["slot"], "x", "do", "fact"}
    assert all(line.count("{") == line.count("}") and line.isprintable() for line in lines)


@pytest.mark.parametrize("name", INTENTS)
def test_intents_have_known_forms_and_many_wordings(name):
    intent = INTENTS[name]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name)
    assert intent.domain in GRAMMAR["background"]
    assert {line.partition(" ")[0] for line in _lines(intent)} <= set(GRAMMAR["frame"])
    assert len(intent.common) >= 8
    assert len(intent.rare) >= 15


def test_at_least_32_intents():
    assert len(INTENTS) >= 32


def test_no_wording_belongs_to_two_intents():
    counts = Counter(core for intent in INTENTS.values() for core in set(_cores(intent)))
    assert [core for core, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("form", ["do", "fact"])
def test_any_two_intents_can_mention_each_other(form):
    first_two = list(INTENTS.values())[:2]
    for intent in first_two:
        assert any(line.startswith(form + " ") for line in intent.common)
