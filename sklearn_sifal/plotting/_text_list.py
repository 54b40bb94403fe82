"""A list of texts with columns beside them, drawn into one axes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sklearn_sifal.plotting._figures import AxesLike, make_axes, size_in_points
from sklearn_sifal.plotting._style import BLACK, DARK_GREY, LIGHT_GREY, foreground, visible
from sklearn_sifal.plotting._text_layout import text_measure, wrapped

_SIZE = 9.0
_SMALLEST_SIZE = 4.0
_WIDTH = 9.0  # of a figure of our own, in inches
_LINE = 1.35  # height of a line by the font size
_LINE_SPACING = 1.3  # what matplotlib calls it, for DejaVu Sans
_BETWEEN_ROWS = 0.35  # in lines
_WIDEST_SHARE = 0.19  # of the width, for a column of names or numbers


@dataclass(frozen=True)
class Column:
    """One column of the list.

    Attributes
    ----------
    heading : str
        Above the column.
    cells : list of str
        One per row.
    is_text : bool
        Whether it is the column that takes all the room left.
    colors : dict of int to str
        Colours of cells, by row, that are not black.
    """

    heading: str
    cells: list[str]
    is_text: bool = False
    colors: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Layout:
    """Rows of wrapped cells, the headings first; `lefts` are shares of the width."""

    rows: list[list[list[str]]]
    lefts: list[float]
    size: float

    @property
    def height(self) -> float:
        """In points."""
        n_lines = sum(max(map(len, row)) + _BETWEEN_ROWS for row in self.rows)
        return _LINE * self.size * n_lines


def draw_text_list(
    caller: str, ax: AxesLike, columns: list[Column], max_lines: int, kwargs: dict[str, Any]
) -> tuple[Any, Any, list[Any]]:
    """Draw the list into given axes, or into a figure of the height that it needs.

    Parameters
    ----------
    caller : str
        Named in errors.
    ax : matplotlib Axes or None
        Where there is little room the font gets smaller.
    columns : list of Column
        From the left to the right; exactly one of them with `is_text`.
    max_lines : int
        Most lines of a cell.
    kwargs : dict
        Passed to the cells of the text column.

    Returns
    -------
    figure, axes : matplotlib Figure and Axes
    texts : list of matplotlib Text
        Cells of the text column.
    """
    if ax is None:
        layout = _laid_out(columns, _SIZE, 72 * (_WIDTH - 0.25), max_lines)
        height = layout.height
        figure, (axes,) = make_axes(caller, None, size=(_WIDTH, height / 72 + 0.2))
    else:
        figure, (axes,) = make_axes(caller, ax, size=(1, 1))
        width, room = size_in_points(figure, axes)
        layout = _fitted(columns, width, room, max_lines)
        height = max(layout.height, room)
    axes.set_axis_off()
    return figure, axes, _write(axes, columns, layout, _LINE * layout.size / height, kwargs)


def _fitted(columns: list[Column], width: float, room: float, max_lines: int) -> _Layout:
    """The largest font that fits; a smaller one needs fewer lines, so sizes are tried out."""
    size = _SIZE
    while True:
        layout = _laid_out(columns, size, width, max_lines)
        # Names are better small than broken, within limits.
        is_broken = size > 0.7 * _SIZE and any(
            len(cell) > 1
            for row in layout.rows
            for cell, column in zip(row, columns, strict=True)
            if not column.is_text
        )
        if (layout.height <= room and not is_broken) or size <= _SMALLEST_SIZE:
            return layout
        size = max(_SMALLEST_SIZE, 0.93 * size)


def _laid_out(columns: list[Column], size: float, width: float, max_lines: int) -> _Layout:
    measure = text_measure(size)
    gap = 1.2 * size
    widths = [
        0.0
        if column.is_text
        else min(max(map(measure, [column.heading, *column.cells])), _WIDEST_SHARE * width)
        for column in columns
    ]
    text = [column.is_text for column in columns].index(True)
    widths[text] = width - sum(widths) - gap * (len(columns) - 1)
    starts = np.cumsum([0.0, *(each + gap for each in widths[:-1])])
    rows = [[[column.heading] for column in columns]]
    for cells in zip(*(column.cells for column in columns), strict=True):
        pairs = zip(cells, widths, strict=True)
        rows.append([wrapped(cell, each, measure, max_lines) for cell, each in pairs])
    return _Layout(rows, (starts / width).tolist(), size)


def _write(
    axes: Any, columns: list[Column], layout: _Layout, line: float, kwargs: dict[str, Any]
) -> list[Any]:
    """Put the rows into the axes; `line` is a line's share of their height."""
    texts = []
    y = 1.0
    for number, row in enumerate(layout.rows):
        # "top" is that of the tallest letter, so words of one line go by their baseline.
        n_lines = max(map(len, row))
        va, at = ("baseline", y - 0.85 * line) if n_lines == 1 else ("top", y)
        for left, column, lines in zip(layout.lefts, columns, row, strict=True):
            is_cell = column.is_text and number > 0
            style = {"fontsize": layout.size, "linespacing": _LINE_SPACING, "va": va, "ha": "left"}
            color = column.colors.get(number - 1, BLACK) if number else DARK_GREY
            style["color"] = visible(color, axes)
            style |= {"transform": axes.transAxes, "parse_math": False}  # a price is no formula
            text = axes.text(left, at, "\n".join(lines), **{**style, **(kwargs if is_cell else {})})
            if is_cell:
                texts.append(text)
        y -= line * (n_lines + _BETWEEN_ROWS)
        color = LIGHT_GREY if number else foreground(axes)
        rule = [y + 0.22 * line] * 2
        axes.plot([0, 1], rule, transform=axes.transAxes, color=color, linewidth=0.6)
    return texts
