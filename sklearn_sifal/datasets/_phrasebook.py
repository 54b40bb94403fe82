"""Put customer queries together from the grammar."""

import re
from collections.abc import Callable
from functools import cache

from sklearn_sifal.datasets._draws import Draw, cumulative_shares, pick
from sklearn_sifal.datasets._intent_grammar import Wordings, intent_grammar

_BLANK = re.compile(r"(\{\w+\}|#)")
_FOR_CORE = {"{x}", "{do}", "{fact}"}
_DIGITS = "0123456789"

# How often a query has each extra part. About four in ten stay one bare sentence.
_SHARE_OPENING = 0.22
_SHARE_CLOSING = 0.18
_SHARE_BACKGROUND = 0.3
_SHARE_GENERAL_BACKGROUND = 0.45

# Habits of writing: cumulative shares of "all lower case", "capitals throughout";
# what is left writes sentences with a capital letter.
_LOWER_CASE = 0.36
_UPPER_CASE = 0.38
_SHARE_NO_FINAL_MARK = {"lower": 0.65, "upper": 0.4, "sentence": 0.25}
_SHARE_EMPHASIS = 0.06
_SHARE_NO_APOSTROPHE = 0.35


class _Template:
    """One wording cut into text and blanks."""

    __slots__ = ("form", "pieces")

    def __init__(self, text: str, form: str = "") -> None:
        self.form = form
        self.pieces = [piece for piece in _BLANK.split(text) if piece]


class _Choice:
    """The ways to say one thing, with how often each is drawn.

    Usual wordings follow a Zipf law. Rare ones are nearly even, so that there
    are many of them and each is met seldom.
    """

    __slots__ = ("common", "common_shares", "rare", "rare_shares")

    def __init__(self, common: list[_Template], rare: list[_Template]) -> None:
        self.common = common
        self.rare = rare
        self.common_shares = cumulative_shares(1.0 / (i + 1) for i in range(len(self.common)))
        self.rare_shares = cumulative_shares((i + 1) ** -0.5 for i in range(len(self.rare)))

    def of_form(self, form: str) -> "_Choice":
        """The wordings of one form alone."""
        common, rare = ([t for t in some if t.form == form] for some in (self.common, self.rare))
        return _Choice(common, rare)

    def draw(self, rare_wording: float, u: float) -> tuple[_Template, bool]:
        """Return the wording that the uniform number `u` falls on, and whether it is rare."""
        if not self.rare:
            return self.common[pick(self.common_shares, u)], False
        if u < rare_wording:
            return self.rare[pick(self.rare_shares, u / rare_wording)], True
        usual = (u - rare_wording) / (1.0 - rare_wording)
        return self.common[pick(self.common_shares, usual)], False


def _with_form(line: str) -> _Template:
    """A wording of an intent, which starts with its form."""
    form, _, text = line.partition(" ")
    return _Template(text, form)


def _choice(wordings: Wordings, compiled: Callable[[str], _Template] = _Template) -> _Choice:
    return _Choice([*map(compiled, wordings.common)], [*map(compiled, wordings.rare)])


class Phrasebook:
    """The compiled grammar."""

    def __init__(self) -> None:
        grammar = intent_grammar()
        self.slots, self.frames, self.backgrounds, self.remarks = (
            {name: _choice(wordings) for name, wordings in grammar[kind].items()}
            for kind in ("slot", "frame", "background", "remark")
        )
        self.intents = [
            (intent.domain, _choice(intent, _with_form)) for intent in grammar["intent"].values()
        ]
        self.mentions = {form: self._mentions(form) for form in ("do", "fact")}

    def _mentions(self, form: str) -> list[tuple[int, _Choice]]:
        """Return the wordings of one form, for each intent that has common ones."""
        chosen = [(code, choice.of_form(form)) for code, (_, choice) in enumerate(self.intents)]
        return [(code, choice) for code, choice in chosen if choice.common]

    def query(
        self, intent: int, n_intents: int, rare_wording: float, draw: Draw
    ) -> tuple[str, bool]:
        """Return a query as its writer meant it, and whether its wording is rare."""
        domain, choice = self.intents[intent]
        core, is_rare = choice.draw(rare_wording, draw())
        frame, _ = self.frames[core.form].draw(rare_wording, draw())
        said = self._fill(core, rare_wording, draw)
        sentences = [self._fill(frame, rare_wording, draw, said)]
        if draw() < _SHARE_BACKGROUND:
            where = 0 if draw() < 0.4 else 1
            sentences.insert(where, self._background(domain, rare_wording, draw))
        if draw() < rare_wording:
            is_rare = True
            where = 0 if draw() < 0.7 else len(sentences)
            sentences.insert(where, self._aside(intent, n_intents, rare_wording, draw))
        opening = self._maybe(_SHARE_OPENING, self.remarks["opening"], rare_wording, draw)
        closing = self._maybe(_SHARE_CLOSING, self.remarks["closing"], rare_wording, draw)
        return _write(opening, sentences, closing, draw), is_rare

    def _background(self, domain: str, rare_wording: float, draw: Draw) -> str:
        name = "any" if draw() < _SHARE_GENERAL_BACKGROUND else domain
        template, _ = self.backgrounds[name].draw(rare_wording, draw())
        return self._fill(template, rare_wording, draw)

    def _aside(self, intent: int, n_intents: int, rare_wording: float, draw: Draw) -> str:
        """Return a remark that mentions an intent other than `intent`."""
        template, _ = self.remarks["aside"].draw(rare_wording, draw())
        form = "do" if "{do}" in template.pieces else "fact"
        others = [
            choice for other, choice in self.mentions[form] if other < n_intents and other != intent
        ]
        core, _ = others[int(draw() * len(others))].draw(rare_wording, draw())
        said = self._fill(core, rare_wording, draw)
        return self._fill(template, rare_wording, draw, said)

    def _maybe(self, share: float, choice: _Choice, rare_wording: float, draw: Draw) -> str:
        if draw() >= share:
            return ""
        return self._fill(choice.draw(rare_wording, draw())[0], rare_wording, draw)

    def _fill(self, template: _Template, rare_wording: float, draw: Draw, said: str = "") -> str:
        """Return the text of `template` with its blanks drawn; `said` goes into that for a core."""
        parts = []
        for piece in template.pieces:
            if piece == "#":
                parts.append(_DIGITS[int(draw() * 10)])
            elif piece in _FOR_CORE:
                parts.append(said)
            elif piece[0] == "{":
                inner, _ = self.slots[piece[1:-1]].draw(rare_wording, draw())
                parts.append(self._fill(inner, rare_wording, draw))
            else:
                parts.append(piece)
        return "".join(parts)


@cache
def phrasebook() -> Phrasebook:
    """Return the compiled grammar, compiled on first use."""
    return Phrasebook()


def _write(opening: str, sentences: list[str], closing: str, draw: Draw) -> str:
    """Join the parts of a query in the case and punctuation of one kind of writer."""
    u = draw()
    case = "lower" if u < _LOWER_CASE else "upper" if u < _UPPER_CASE else "sentence"
    if opening:
        sentences = [f"{opening} {sentences[0]}", *sentences[1:]]
    if closing:
        comma = draw() < 0.5 and sentences[-1][-1] != "?"
        sentences = (
            [*sentences[:-1], f"{sentences[-1]}, {closing}"] if comma else [*sentences, closing]
        )
    if case == "sentence":
        sentences = [sentence[0].upper() + sentence[1:] for sentence in sentences]
    text = " ".join(s if s[-1] == "?" else s + "." for s in sentences)
    text = _last_mark(text, _SHARE_NO_FINAL_MARK[case], draw)
    if case == "lower":
        text = text.lower()
        return text.replace("'", "") if draw() < _SHARE_NO_APOSTROPHE else text
    return text.upper() if case == "upper" else text


def _last_mark(text: str, share_none: float, draw: Draw) -> str:
    u = draw()
    if u < share_none:
        return text[:-1]
    if u > 1.0 - _SHARE_EMPHASIS:
        return text[:-1] + ("!", "!!", "...", "??")[int(draw() * 4)]
    return text
