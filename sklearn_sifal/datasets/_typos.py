"""Slips of the keyboard: typos, chat spellings and drawn-out words."""

from functools import cache

from sklearn_sifal.datasets._draws import Draw
from sklearn_sifal.datasets._intent_grammar import intent_grammar

_SHORTEST = 3  # letters; a slip in a shorter word makes another word too often
_SHARE_JOINED = 0.1  # of slips: a space missed, not a letter

_ELONGATED = "aeilmopsy"  # the letters people hold down


@cache
def _slips(kind: str) -> dict[str, list[str]]:
    """What is written for a letter, or for a word, from the grammar's section of that name."""
    lines = intent_grammar()["slip"][kind].common
    return {meant: written for meant, *written in map(str.split, lines)}


def _swap(word: str, at: int, draw: Draw) -> str:
    return word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]


def _drop(word: str, at: int, draw: Draw) -> str:
    return word[:at] + word[at + 1 :]


def _double(word: str, at: int, draw: Draw) -> str:
    return word[:at] + word[at] + word[at:]


def _neighbour(word: str, at: int, draw: Draw) -> str:
    letter = word[at]
    near = _slips("neighbours").get(letter.lower(), [letter])
    hit = near[int(draw() * len(near))]
    return word[:at] + (hit.upper() if letter.isupper() else hit) + word[at + 1 :]


_SLIPS = (_swap, _drop, _double, _neighbour)


def misspell(word: str, draw: Draw) -> str:
    """Return `word` with one slip, or the spelling that many people use for it."""
    shared = _slips("spellings").get(word.lower())
    if shared is not None and (len(word) < _SHORTEST or draw() < 0.4):
        spelling = shared[int(draw() * len(shared))]
        return spelling.capitalize() if word[0].isupper() else spelling
    # People mostly get the first letter right.
    at = 1 + int(draw() * (len(word) - 1))
    slip = _SLIPS[int(draw() * len(_SLIPS))]
    return slip(word, at, draw)


def elongate(word: str, draw: Draw) -> str:
    """Return `word` with one of its letters held down ("call" becomes "calllll")."""
    places = [at for at, letter in enumerate(word.lower()) if at and letter in _ELONGATED]
    if not places:
        return word
    # The later of two draws: the end of a word is what people drag out.
    at = places[max(int(draw() * len(places)), int(draw() * len(places)))]
    return word[:at] + word[at] * (1 + int(draw() * 4)) + word[at:]


def _split_punctuation(token: str) -> tuple[str, str]:
    word = token.rstrip(".,!?")
    return word, token[len(word) :]


def _is_plain(word: str) -> bool:
    """Whether a slip may hit: no numbers, links, addresses or single letters."""
    return word.isalpha() and (len(word) >= _SHORTEST or word.lower() in _slips("spellings"))


def add_typos(text: str, rate: float, draw: Draw) -> str:
    """Return `text` with each of its longer words misspelt with probability `rate`."""
    parts = []
    for token in text.split(" "):
        word, punctuation = _split_punctuation(token)
        space = " "
        if draw() < rate and _is_plain(word):
            if not punctuation and draw() < _SHARE_JOINED:
                space = ""
            else:
                word = misspell(word, draw)
        parts += [word, punctuation, space]
    return "".join(parts).rstrip(" ")


def add_elongation(text: str, draw: Draw) -> str:
    """Return `text` with one of its words drawn out, where it has a fit one."""
    tokens = text.split(" ")
    at = int(draw() * len(tokens))
    word, punctuation = _split_punctuation(tokens[at])
    if word.isalpha() and len(word) > 1:
        tokens[at] = elongate(word, draw) + punctuation
    return " ".join(tokens)
