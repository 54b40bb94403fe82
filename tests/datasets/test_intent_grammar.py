"""The grammar is complete, tidy and without wordings of two intents."""

import re
from collections import Counter

import pytest

from sklearn_sifal.datasets._intent_grammar import (
    ASIDES,
    BACKGROUNDS,
    CLOSINGS,
    FRAMES,
    INTENTS,
    OPENINGS,
    SLOTS,
)

_LISTS = {
    **{f"slot {name}": wordings for name, wordings in SLOTS.items()},
    **{f"frame {name}": wordings for name, wordings in FRAMES.items()},
    **{f"background {name}": wordings for name, wordings in BACKGROUNDS.items()},
    **{f"intent {name}": intent.wordings for name, intent in INTENTS.items()},
    "openings": OPENINGS,
    "closings": CLOSINGS,
    "asides": ASIDES,
}


def _lines(wordings):
    return [line.strip() for part in wordings for line in part.splitlines() if line.strip()]


def _cores(intent):
    return [line.partition(" ")[2] for line in _lines(intent.wordings)]


@pytest.mark.parametrize("name", _LISTS)
def test_blanks_can_be_filled_and_no_line_comes_twice(name):
    lines = _lines(_LISTS[name])
    assert lines
    assert len(lines) == len(set(lines))
    blanks = {blank for line in lines for blank in re.findall(r"\{(.*?)\}", line)}
    assert blanks <= {*SLOTS, "x", "do", "fact"}
    assert all(line.count("{") == line.count("}") and line.isprintable() for line in lines)


@pytest.mark.parametrize("name", INTENTS)
def test_intents_have_known_forms_and_many_wordings(name):
    intent = INTENTS[name]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name)
    assert intent.domain in BACKGROUNDS
    assert {line.partition(" ")[0] for line in _lines(intent.wordings)} <= set(FRAMES)
    assert len(_lines(intent.wordings[:1])) >= 8
    assert len(_lines(intent.wordings[1:])) >= 15


def test_at_least_32_intents():
    assert len(INTENTS) >= 32


def test_no_wording_belongs_to_two_intents():
    counts = Counter(core for intent in INTENTS.values() for core in set(_cores(intent)))
    assert [core for core, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("form", ["do", "fact"])
def test_any_two_intents_can_mention_each_other(form):
    first_two = list(INTENTS.values())[:2]
    for intent in first_two:
        assert any(
            line.startswith(form + " ") for line in intent.wordings.common.split("\n            ")
        )
