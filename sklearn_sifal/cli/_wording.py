"""Names and cells in messages: short, on one line, with nothing in them that a terminal obeys."""

import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

_MOST_NAMES = 12
_LONGEST = 60  # characters of a name in a message
# Comparing two names takes time that grows with the product of their lengths.
_LONGEST_COMPARED, _MOST_COMPARED = 100, 10_000


def visible(text: str) -> str:
    r"""A text with escapes, such as \\x1b, for what is not seen or would move the cursor."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def quoted(name: str, longest: int = _LONGEST) -> str:
    """A name in quotes, with escapes as in Python, cut if it is long."""
    return repr(name if len(name) <= longest else name[: longest - 1] + "…")


def listed(names: Iterable[str], most: int = _MOST_NAMES) -> str:
    """Names in quotes, the first few of them."""
    every = list(names)
    return and_more([quoted(name) for name in every[:most]], len(every))


def and_more(shown: Sequence[str], n: int) -> str:
    """What is shown of `n` things, and how many are not."""
    rest = n - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def one_line(text: str, width: int) -> str:
    """A cell's text for a terminal: no line breaks, no control characters, cut to a width."""
    # Control characters in data could move the cursor or change colours.
    start = text.lstrip()[: 10 * width]  # cells may have megabytes
    seen = "".join(" " if unicodedata.category(c).startswith("C") else c for c in start)
    words = " ".join(seen.split())
    return words if len(words) <= width else words[: width - 1].rstrip() + "…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the most similar known name, whatever its case, or nothing."""
    looks = as_seen(name)
    folded: dict[str, str] = {}
    for other in known:
        if as_seen(other) == looks:
            same = without_case(name) == without_case(other)
            return f" Did you mean {quoted(other) if same else told_apart([name, other])[1]}?"
        if len(other) <= _LONGEST_COMPARED and len(folded) < _MOST_COMPARED:
            folded[other.casefold()] = other
    if len(name) > _LONGEST_COMPARED:
        return ""
    close = get_close_matches(name.casefold(), folded, n=1)
    return f" Did you mean {quoted(folded[close[0]])}?" if close else ""


# ------------------------------------------------------------------ texts that look the same

# What fonts draw alike: letters of Cyrillic and Greek beside those of Latin, in one case or the
# other, and the quotation marks and dashes that word processors put for what was typed.
_TWINS = str.maketrans(
    "авсԁенһіјкӏмоοрԛѕтԝху‘’ʼ“”‐‑‒–—−",
    "abcdehhijklmoopqstwxy'''\"\"------",
)
# Fillers and variation selectors, which Unicode counts among letters and marks.
_UNSEEN = {
    0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0,
    *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0),
}  # fmt: skip


class _Seen(dict[int, str]):
    """For `str.translate`: nothing for what is not seen."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs") and not character.isspace()
        self[code] = "" if hidden or code in _UNSEEN else character
        return self[code]


_SEEN = _Seen()


def as_seen(text: str) -> str:
    """What a reader takes a text for: texts that look alike, but for case and spaces, are one."""
    if not text.isprintable():
        text = text.translate(_SEEN)
    if text.isascii():
        return without_case(text)
    # What is not seen goes first: it may stand between a letter and its accent.
    looks = unicodedata.normalize("NFKC", text.translate(_SEEN)).casefold()
    return without_case(looks.translate(_TWINS))


def without_case(text: str) -> str:
    """A text in lower case, with single spaces between words."""
    return " ".join(text.casefold().split())


def told_apart(names: Sequence[str]) -> list[str]:
    """Names that look the same, in quotes, with escapes for what only some of them have."""
    common = set.intersection(*map(set, names))
    # Where they part is to be seen of long ones.
    columns = enumerate(zip(*names, strict=False))
    parted = next(
        (at for at, letters in columns if len(set(letters)) > 1), len(min(names, key=len))
    )
    start = max(0, parted - _LONGEST // 2)
    return [_with_escapes(name, start, common) for name in names]


def _with_escapes(name: str, start: int, common: set[str]) -> str:
    part = name[start : start + _LONGEST]
    seen = "".join(
        c if c.isprintable() and (c.isascii() or c in common) else _escaped(c) for c in part
    )
    cut = start + len(part) < len(name)
    return f"'{'…' if start else ''}{seen}{'…' if cut else ''}'"
