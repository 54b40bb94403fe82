"""Fitting words into a width, measured in the font that draws them."""

import re
import warnings
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sklearn_sifal.plotting._style import printable

# White space, other than the one that must not be broken at.
_BLANK = re.compile(r"[^\S\xa0]+")


def text_measure(size: float) -> Callable[[str], float]:
    """A function that gives the width of a text in points, at a font size in points.

    It adds up the characters, each measured once, since measuring whole lines of many texts
    takes seconds. Kerning, which moves letters closer together, is left out.
    """

    def width(text: str) -> float:
        return size * sum(map(_advance, text))

    return width


@lru_cache(maxsize=65536)
def _advance(character: str) -> float:
    """Width of a character with the space around it, by the font size."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=100)
    with warnings.catch_warnings():
        # Drawing says soon enough that the font lacks a character.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        between, alone = (
            text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]
            for text in (f"H{character}H", "HH")
        )
    return 1.03 * float(between - alone) / 100  # pixels make some letters wider


def wrapped(text: Any, room: float, width: Callable[[str], float], max_lines: int) -> list[str]:
    """Lines of at most `room` points; what does not fit into `max_lines` ends in an ellipsis.

    Words are kept whole where they fit into a line; longer ones are cut anywhere, which suits
    languages without blanks.
    """
    # Beyond this nothing can be drawn, and measuring a novel takes its time.
    words = _BLANK.split(printable(text)[: max_lines * 400].strip())
    lines: list[str] = []
    line = ""
    while words:
        word = words.pop(0)
        longer = f"{line} {word}" if line else word
        if width(longer) <= room:
            line = longer
        elif line:
            lines.append(line)
            line = ""
            words.insert(0, word)
        else:
            fitting = _fitting(word, room, width)
            # Behind a joint, as of card_not_arrived, if there is one.
            joint = max(word.rfind(mark, 0, fitting) for mark in "_-/") + 1
            fitting = joint if joint > fitting / 3 else fitting
            lines.append(word[:fitting])
            words.insert(0, word[fitting:])
        if len(lines) > max_lines:
            break
    if line:
        lines.append(line)
    if len(lines) <= max_lines:
        return lines or [""]
    return [*lines[: max_lines - 1], cut(" ".join(lines[max_lines - 1 :]), room, width)]


def cut(text: str, room: float, width: Callable[[str], float]) -> str:
    """`text`, or as much of it as leaves room for an ellipsis."""
    text = " ".join(printable(text).split())
    if width(text) <= room:
        return text
    return text[: _fitting(text, room - width("…"), width)].rstrip() + "…"


def _fitting(text: str, room: float, width: Callable[[str], float]) -> int:
    """How many characters fit, at least one."""
    lengths = range(1, len(text) + 1)
    return max(1, bisect_right(lengths, room, key=lambda length: width(text[:length])))
