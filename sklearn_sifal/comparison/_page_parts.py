"""Pieces of HTML, all text escaped."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

_LONGEST_NAME = 60
_MOST_ROWS = 24  # of a table that is shown in full


def text_of(value: Any, length: int = _LONGEST_NAME) -> str:
    """A user's value as escaped text on one line, shortened if it is long."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    plain = " ".join(str(value).split())
    return safe(plain if len(plain) <= length else plain[: length - 1] + "…")


def safe(text: str) -> str:
    """Escaped text, without characters that are not to be seen but turn what follows round."""
    return escape("".join(c if c.isprintable() or c == "\n" else "�" for c in text))


def name_of(value: Any, length: int = _LONGEST_NAME) -> str:
    """A label or name that a narrow cell may break after its underscores."""
    return text_of(value, length).replace("_", "_<wbr>")


def number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """A number with a fixed number of decimals, thousands set apart; a dash for NaN."""
    if not math.isfinite(value):
        return "–"
    value = round(float(value), digits) or 0.0  # not "-0.0"
    text = f"{value:+,.{digits}f}" if signed and value else f"{value:,.{digits}f}"
    # A minus that is as wide as the plus.
    return text.replace("-", "−")


def significant(value: float, digits: int = 3) -> str:
    """A number with a fixed number of digits, without an exponent where it can be."""
    if not math.isfinite(value):
        return "–"
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    places = 0 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return number(value, places)


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    html : str
        What is shown.
    value : float or None
        What is sorted by; NaN for a value that is missing, None for the text.
    kind : str
        Class names.
    title : str
        Escaped text that appears on pointing.
    """

    html: str
    value: float | None = None
    kind: str = ""
    title: str = ""

    def as_tag(self, tag: str) -> str:
        """HTML of the cell."""
        attributes = ""
        if self.value is not None:
            key = repr(float(self.value)) if math.isfinite(self.value) else ""
            attributes += f' data-value="{key}"'
        if self.kind:
            attributes += f' class="{self.kind}"'
        if self.title:
            attributes += f' title="{self.title}"'
        if tag == "th":
            attributes += ' scope="row"'
        return f"<{tag}{attributes}>{self.html}</{tag}>"


@dataclass(frozen=True)
class Column:
    """The head of a column.

    Attributes
    ----------
    title : str
        Escaped.
    hint : str
        Escaped text that appears on pointing.
    ascending : bool
        Whether the first click sorts from the smallest on.
    kind : str
        Class names.
    """

    title: str
    hint: str = ""
    ascending: bool = False
    kind: str = ""


def amount(value: float, digits: int = 2, *, signed: bool = False) -> Cell:
    """A cell with a `number`."""
    return Cell(number(value, digits, signed=signed), value)


def measured(value: float) -> Cell:
    """A cell with a number of `significant` digits."""
    return Cell(significant(value), value)


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[Cell]], label: str, *, sortable: bool = True
) -> str:
    """A table in a box that scrolls; the first cell of a row is its heading."""
    heads = "".join(
        '<th scope="col"'
        + (f' title="{c.hint}"' if c.hint else "")
        + _class(c.kind)
        + (" data-ascending" if c.ascending else "")
        + ("" if sortable else " data-fixed")
        + f">{c.title}</th>"
        for c in columns
    )
    rows = list(rows)
    body = "\n".join(
        f"<tr>{row[0].as_tag('th')}{''.join(cell.as_tag('td') for cell in row[1:])}</tr>"
        for row in rows
    )
    kind = ' class="sortable"' if sortable else ""
    kind_of_box = "box tall" if len(rows) > _MOST_ROWS else "box"
    # A box that scrolls can be reached by the keyboard.
    return (
        f'<div class="{kind_of_box}" role="region" tabindex="0" aria-label="{safe(label)}">'
        f"<table{kind}><thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def section(identifier: str, title: str, *parts: str) -> str:
    """A section with a heading."""
    inner = "\n".join(part for part in parts if part)
    return f'<section id="{identifier}">\n<h2>{safe(title)}</h2>\n{inner}\n</section>'


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f"<p{_class(kind)}>{prose(text)}</p>"


def prose(text: str) -> str:
    """Plain text as HTML, with minus signs that are as wide as the plus."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", safe(text))


def listed(texts: Iterable[str], kind: str = "") -> str:
    """A list of plain texts."""
    items = "\n".join(f"<li>{prose(text)}</li>" for text in texts)
    return f"<ul{_class(kind)}>\n{items}\n</ul>"


def definitions(pairs: Mapping[str, str], kind: str = "") -> str:
    """A list of terms and of HTML that explains them."""
    items = "".join(f"<dt>{safe(term)}</dt><dd>{html}</dd>" for term, html in pairs.items())
    return f"<dl{_class(kind)}>{items}</dl>"


def figure(svg: str, caption: str) -> str:
    """A picture with what is to be seen in it."""
    return f"<figure>{svg}<figcaption>{prose(caption)}</figcaption></figure>"


def by_strategy(group: str, parts: Mapping[str, str]) -> str:
    """One part a strategy, of which a menu shows one at a time."""
    options = "".join(
        f'<option value="{i}">{text_of(name)}</option>' for i, name in enumerate(parts)
    )
    menu = (
        f'<div class="chooser" data-of="{group}" hidden><label for="{group}-menu">Strategy</label>'
        f'<select id="{group}-menu">{options}</select></div>'
    )
    bodies = "\n".join(
        f'<div data-group="{group}" data-part="{i}"><h3>{text_of(name)}</h3>\n{html}</div>'
        for i, (name, html) in enumerate(parts.items())
    )
    return f"{menu}\n{bodies}"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
