"""Figures and axes: made here, or given by the caller."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._parameters import reject_value
from sklearn_sifal.plotting._style import GRID, marker_step

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import Container
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

#: What Displays draw into: given axes, or those of a figure of their own.
AxesLike: TypeAlias = "Axes | Sequence[Axes] | NDArray[Any] | None"


def import_pyplot(caller: str) -> Any:
    """`matplotlib.pyplot`, or an error that says how to get it.

    Parameters
    ----------
    caller : str
        Who asks, such as ``'LossDecileDisplay.plot'``.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib, which the extra 'plot' brings: "
            'pip install "sklearn_sifal[plot]"'
        ) from error
    return plt


def make_axes(
    caller: str,
    ax: AxesLike,
    n_axes: int = 1,
    *,
    size: tuple[float, float],
    n_columns: int | None = None,
) -> tuple["Figure", NDArray[Any]]:
    """Axes to draw into: those given, or new ones.

    Parameters
    ----------
    caller : str
        Named in errors.
    ax : matplotlib Axes, sequence of them or None
        None makes a figure with pyplot, which is then its current one, as in scikit-learn.
    n_axes : int, default=1
        How many are needed.
    size : (float, float)
        Width and height, in inches, of a new figure.
    n_columns : int, default=None
        Columns of a new figure; None puts all axes in one row.

    Returns
    -------
    figure : matplotlib Figure
    axes : ndarray of shape (n_axes,), of matplotlib Axes

    Raises
    ------
    TypeError
        If `ax` is something else.
    ValueError
        If `ax` has another number of axes.
    """
    plt = import_pyplot(caller)
    if ax is None:
        columns = n_axes if n_columns is None else min(n_columns, n_axes)
        rows = -(-n_axes // columns)
        figure, grid = plt.subplots(
            rows, columns, figsize=size, squeeze=False, layout="constrained"
        )
        # A label must not touch the panel before it.
        figure.get_layout_engine().set(wspace=0.05, hspace=0.03)
        for unused in grid.ravel()[n_axes:]:
            unused.remove()
        return figure, grid.ravel()[:n_axes]
    from matplotlib.axes import Axes

    given = [ax] if isinstance(ax, Axes) else np.ravel(np.asarray(ax, dtype=object)).tolist()
    if not all(isinstance(each, Axes) for each in given):
        raise TypeError(f"ax must be matplotlib Axes or a sequence of them. Got {ax!r} instead.")
    if len(given) != n_axes:
        raise ValueError(f"{caller} draws {n_axes} panels. Got {len(given)} axes in ax.")
    axes = np.empty(n_axes, dtype=object)
    axes[:] = given
    # A panel in a subfigure belongs to its figure all the same.
    return given[0].figure.figure, axes


def size_in_points(figure: "Figure", axes: "Axes") -> tuple[float, float]:
    """Width and height of axes, after the figure's layout."""
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
    box = axes.get_window_extent()
    points = 72 / figure.dpi
    return box.width * points, box.height * points


def panels_to_draw(
    owner: str,
    chosen: Any,
    available: tuple[str, ...],
    default: tuple[str, ...],
    ax: AxesLike,
    *,
    name: str = "panels",
) -> tuple[str, ...]:
    """Which panels `plot` draws.

    Parameters
    ----------
    owner : str
        Named in errors.
    chosen : str, sequence of str or None
        What the caller asked for.
    available : tuple of str
        All panels that the numbers allow.
    default : tuple of str
        What None stands for in a figure of our own. Given axes take as many of them, from
        the first on.
    ax : matplotlib Axes, sequence of them or None
        What the caller gave.
    name : str, default='panels'
        The parameter's name, for errors.
    """
    if chosen is None:
        return default if ax is None else default[: np.size(np.asarray(ax, dtype=object))]
    names = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    if not names or any(panel not in available for panel in names):
        reject_value(owner, name, f"among {list(available)} here", chosen)
    return names


def add_grid(axes: "Axes", axis: str = "y") -> None:
    """A faint grid behind the data, without the frame's upper and right line."""
    axes.grid(True, axis=axis, **GRID)  # type: ignore[arg-type] # one of three literals
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def integer_ticks(axes: "Axes", axis: str = "x") -> None:
    """Ticks at whole numbers only, for rounds and counts."""
    from matplotlib.ticker import MaxNLocator

    getattr(axes, f"{axis}axis").set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def name_every_nth(axes: "Axes", names: Sequence[object], most: int) -> None:
    """Name columns or bins, at most so many of them."""
    places = range(0, len(names), -(-len(names) // most))
    axes.set_xticks(places, [str(names[place]) for place in places])


def add_legend(
    axes: "Axes",
    handles: "Iterable[Artist | Container]",
    labels: Sequence[str] | None = None,
    title: str | None = None,
) -> None:
    """A legend to the right of the axes, where it covers no data; None for the labels drawn.

    A given figure without a layout engine would cut it off: there it goes inside.
    """
    settings: dict[str, Any] = {"loc": "best", "framealpha": 0.8}
    if axes.figure.get_layout_engine() is not None:
        settings = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
        settings["frameon"] = False
    shown = list(handles)
    names = [str(handle.get_label()) for handle in shown] if labels is None else labels
    settings |= {"title": title, "fontsize": "small", "title_fontsize": "small"}
    axes.legend(shown, names, **settings)


def write_inside(axes: "Axes", text: str) -> None:
    """Say in the middle of axes why there is nothing in them."""
    axes.text(0.5, 0.5, text, ha="center", transform=axes.transAxes)


def draw_line(
    axes: "Axes", x: ArrayLike, y: NDArray[Any], label: str, style: Mapping[str, Any]
) -> "Line2D":
    """Draw a line with a label, in the style that all Displays share but for what is given."""
    style = {"markersize": 4.5, "markevery": marker_step(len(y)), **style}
    (line,) = axes.plot(x, y, label=label, **style)
    return line


def end_at_whole(axes: "Axes", values: Sequence[float]) -> None:
    """End a vertical axis of shares at the largest that there is: 1, or 100 for percentages.

    Margins, and intervals of a mean, would go on to what no training can reach. Markers at the
    end are drawn as a whole.

    Parameters
    ----------
    axes : matplotlib Axes
        With all lines.
    values : sequence of float
        The shares drawn; above 1 they are percentages.
    """
    from matplotlib.transforms import Bbox, TransformedBbox

    whole = 1.0 if np.fmax.reduce(values, initial=0.0) <= 1 else 100.0  # NaN counts for nothing
    if axes.get_ylim()[1] <= whole:
        return
    axes.set_ylim(top=whole)
    for line in axes.lines:
        line.set_clip_box(TransformedBbox(Bbox([[0.0, 0.0], [1.0, 1.05]]), axes.transAxes))
