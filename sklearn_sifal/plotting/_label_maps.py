"""Labels by bin or round: which are worth drawing, and a map of their lift."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.plotting._style import DIVERGING, shown, text_color

# Beyond a lift of 8 or 1/8 all is the same colour.
_MOST_DOUBLINGS = 3.0
# More cells than this have no room for their numbers.
_MOST_NUMBERS = 260
_MOST_NUMBERED_COLUMNS = 15


def frequent_labels(share: NDArray[np.float64], n_labels: int) -> list[int]:
    """Labels to draw one by one, in their own order.

    First the most frequent label of each bin, where its share is largest first, then those
    with the largest share in any bin.

    Parameters
    ----------
    share : ndarray of shape (n_bins, n_labels)
        Shares of the labels in each bin; NaN in empty bins.
    n_labels : int
        Most labels.
    """
    share = np.nan_to_num(share)
    largest = share.max(axis=0)
    tops = {int(label) for label in share.argmax(axis=1)}
    ranked = sorted(range(len(largest)), key=lambda k: (k not in tops, -largest[k], k))
    return sorted(ranked[:n_labels])


def uneven_labels(
    share: NDArray[np.float64], base_rate: NDArray[np.float64], n_labels: int
) -> list[int]:
    """Labels whose shares differ most from their base rate, over all bins, in points.

    Differences, not ratios, since the largest ratios are those of the rarest labels.
    """
    distance = np.nansum(np.abs(share - base_rate), axis=0)
    return [int(k) for k in np.argsort(-distance, kind="stable")[:n_labels]]


def draw_lift(
    axes: Any, lift: NDArray[np.float64], labels: list[Any], columns: list[Any], **kwargs: Any
) -> tuple[Any, Any]:
    """Draw a map of lifts on a scale on which 2 and 1/2 are equally far from 1.

    Parameters
    ----------
    axes : matplotlib Axes
    lift : ndarray of shape (n_labels, n_columns)
        NaN is left white.
    labels, columns : list
        Names of both sides.
    **kwargs : dict
        Passed to ``imshow``.

    Returns
    -------
    image, colorbar : matplotlib AxesImage and Colorbar
        The image holds the binary logarithm, cut at 1/8 and 8.
    """
    with np.errstate(divide="ignore"):
        doublings = np.clip(np.log2(lift), -_MOST_DOUBLINGS, _MOST_DOUBLINGS)
    known = doublings[np.isfinite(doublings)]
    reach = max(1.0, float(np.ceil(np.abs(known).max()))) if len(known) else 1.0
    settings = {"cmap": DIVERGING, "vmin": -reach, "vmax": reach, "aspect": "auto"}
    image = axes.imshow(doublings, interpolation="nearest", **{**settings, **kwargs})
    axes.set_yticks(range(len(labels)), [shown(label) for label in labels], fontsize="small")
    _name_columns(axes, columns)
    # Beside the map itself where a layout makes room for it, even next to a legend.
    is_laid_out = axes.figure.get_layout_engine() is not None
    place = {"cax": axes.inset_axes((1.02, 0, 0.03, 1))} if is_laid_out else {"ax": axes}
    colorbar = axes.figure.colorbar(image, label="lift over the base rate", **place)
    ticks = np.arange(-reach, reach + 1)
    colorbar.set_ticks(ticks, labels=[_as_ratio(tick) for tick in ticks])
    if lift.size <= _MOST_NUMBERS and len(columns) <= _MOST_NUMBERED_COLUMNS:
        _write_numbers(axes, image, lift)
    return image, colorbar


def _name_columns(axes: Any, columns: list[Any]) -> None:
    step = -(-len(columns) // 15)
    axes.set_xticks(range(0, len(columns), step), [str(name) for name in columns[::step]])


def _as_ratio(tick: float) -> str:
    return f"{2**tick:g}" if tick >= 0 else f"1/{2**-tick:g}"


def _write_numbers(axes: Any, image: Any, lift: NDArray[np.float64]) -> None:
    colors = image.cmap(image.norm(image.get_array()))
    for (row, column), value in np.ndenumerate(lift):
        if np.isfinite(value):
            axes.text(
                column,
                row,
                f"{value:.0f}" if value >= 9.95 else f"{value:.1f}",
                ha="center",
                va="center",
                fontsize=7.5,
                color=text_color(colors[row, column]),
            )
