"""Images in rows and columns with lines of text above each, drawn into one axes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.plotting._figures import AxesLike, make_axes, size_in_points
from sklearn_sifal.plotting._style import LIGHT_GREY, visible
from sklearn_sifal.plotting._text_layout import cut, text_measure

_SIZE = 8.0  # of the titles
_SMALLEST_SIZE = 4.0
_LINE = 1.35  # height of a line by the font size
_CELL = 1.35  # width of an image in a figure of our own, in inches
_PITCH = 1.12  # from one image to the next, in widths of an image
_MOST_COLUMNS = 5


@dataclass(frozen=True)
class _Grid:
    """Sizes in widths of an image, except for those said to be in points."""

    n_columns: int
    n_rows: int
    image_height: float
    n_lines: int
    cell: float  # width of an image in points
    size: float  # of the font in points

    @property
    def line(self) -> float:
        return _LINE * self.size / self.cell

    @property
    def height(self) -> float:
        """Of an image with its title."""
        return self.image_height + (self.n_lines + 0.6) * self.line

    def corner(self, number: int) -> tuple[float, float]:
        """Left and upper edge of a cell; the axes go down from 0."""
        row, column = divmod(number, self.n_columns)
        return column * _PITCH, -row * self.height


def draw_image_grid(
    caller: str,
    ax: AxesLike,
    images: NDArray[Any],
    titles: list[list[tuple[str, str]]],
    n_columns: int | None,
    kwargs: dict[str, Any],
) -> tuple[Any, Any, list[Any], list[Any]]:
    """Draw the grid into given axes, or into a figure of the size that it needs.

    Parameters
    ----------
    caller : str
        Named in errors.
    ax : matplotlib Axes or None
        Where there is little room images and titles get smaller.
    images : ndarray of shape (n, height, width) or (n, height, width, channels)
        Without channels they share one grey scale.
    titles : list of list of (str, str)
        Lines above each image, with their colours.
    n_columns : int or None
        Images beside each other; None is at most five.
    kwargs : dict
        Passed to ``imshow``.

    Returns
    -------
    figure, axes : matplotlib Figure and Axes
    texts : list of matplotlib Text
        The lines of the titles.
    drawn : list of matplotlib AxesImage
        The images.
    """
    columns = min(len(images), n_columns or _MOST_COLUMNS)
    shape = (columns, -(-len(images) // columns), images.shape[1] / images.shape[2])
    n_lines = max(map(len, titles))
    if ax is None:
        grid = _Grid(*shape, n_lines, 72 * _CELL, _SIZE)
        size = (columns * _PITCH * _CELL + 0.1, grid.n_rows * grid.height * _CELL + 0.1)
        figure, (axes,) = make_axes(caller, None, size=size)
    else:
        figure, (axes,) = make_axes(caller, ax, size=(1, 1))
        grid = _fitted(shape, n_lines, *size_in_points(figure, axes))
    axes.set_axis_off()
    drawn = _place(axes, grid, images, kwargs)
    texts = _entitle(axes, grid, titles)
    right, bottom = columns * _PITCH, -grid.n_rows * grid.height - 0.02
    axes.set(xlim=(-0.01, right), ylim=(bottom, 0), aspect="equal")
    return figure, axes, texts, drawn


def _fitted(shape: tuple[int, int, float], n_lines: int, width: float, room: float) -> _Grid:
    """The largest images that fit together with titles of a size that goes with them."""
    cell = width / (shape[0] * _PITCH)
    while True:
        size = min(_SIZE, max(_SMALLEST_SIZE, _SIZE * cell / (72 * _CELL)))
        grid = _Grid(*shape, n_lines, cell, size)
        if grid.n_rows * grid.height * cell <= room or cell < 10:
            return grid
        cell *= 0.95


def _place(axes: Any, grid: _Grid, images: NDArray[Any], kwargs: dict[str, Any]) -> list[Any]:
    settings: dict[str, Any] = {"interpolation": "nearest"}
    if images.ndim == 3 and np.isfinite(images).any():  # pixels that are NaN stay white
        settings |= {"cmap": "gray_r", "vmin": np.nanmin(images), "vmax": np.nanmax(images)}
    drawn = []
    for number, image in enumerate(images):
        left, top = grid.corner(number)
        bottom = top - grid.height
        extent = (left, left + 1, bottom, bottom + grid.image_height)
        drawn.append(axes.imshow(image, **{**settings, "extent": extent, **kwargs}))
        frame_x = [left, left + 1, left + 1, left, left]
        frame_y = [extent[2], extent[2], extent[3], extent[3], extent[2]]
        axes.plot(frame_x, frame_y, color=LIGHT_GREY, linewidth=0.6)
    return drawn


def _entitle(axes: Any, grid: _Grid, titles: list[list[tuple[str, str]]]) -> list[Any]:
    measure = text_measure(grid.size)
    texts = []
    for number, lines in enumerate(titles):
        left, top = grid.corner(number)
        for position, (line, color) in enumerate(lines):
            texts.append(
                axes.text(
                    left,
                    top - (position + 0.4) * grid.line,
                    cut(line, 1.08 * grid.cell, measure),
                    fontsize=grid.size,
                    color=visible(color, axes),
                    va="top",
                    ha="left",
                    parse_math=False,
                )
            )
    return texts
