"""Labels by bin or round: which are worth drawing, and a map of their lift."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.plotting._style import DIVERGING, shown, text_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.image import AxesImage

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
    axes: "Axes",
    lift: NDArray[np.float64],
    labels: NDArray[Any],
    chosen: list[int],
    preference: NDArray[np.float64],
    **kwargs: Any,
) -> tuple["AxesImage", "Colorbar"]:
    """Draw a map of lifts on a scale on which 2 and 1/2 are equally far from 1.

    Parameters
    ----------
    axes : matplotlib Axes
    lift : ndarray of shape (n_columns, n_labels)
        NaN is left white.
    labels : ndarray of shape (n_labels,)
        Their names.
    chosen : list of int
        Labels to draw, the most uneven ones.
    preference : ndarray of shape (n_labels,)
        The label with the largest is drawn on top.
    **kwargs : dict
        Passed to ``imshow``.

    Returns
    -------
    image, colorbar : matplotlib AxesImage and Colorbar
        The image holds the binary logarithm, cut at 1/8 and 8.
    """
    chosen = sorted(chosen, key=lambda k: (-preference[k], k))
    lift = lift[:, chosen].T
    with np.errstate(divide="ignore"):
        doublings = np.clip(np.log2(lift), -_MOST_DOUBLINGS, _MOST_DOUBLINGS)
    known = doublings[np.isfinite(doublings)]
    reach = max(1.0, float(np.ceil(np.abs(known).max()))) if len(known) else 1.0
    settings = {"cmap": DIVERGING, "vmin": -reach, "vmax": reach, "aspect": "auto"}
    image = axes.imshow(doublings, interpolation="nearest", **{**settings, **kwargs})
    axes.set_yticks(range(len(chosen)), [shown(labels[k]) for k in chosen], fontsize="small")
    axes.set_ylabel("label")
    if n_other := len(labels) - len(chosen):
        title = f"the {len(chosen)} most uneven labels; {n_other} others left out"
        axes.set_title(title, fontsize="small", loc="left")
    # Beside the map itself where a layout makes room for it, even next to a legend.
    is_laid_out = axes.figure.get_layout_engine() is not None
    beside = axes.inset_axes((1.02, 0, 0.03, 1)) if is_laid_out else None
    colorbar = axes.figure.colorbar(image, beside, axes, label="lift over the base rate")
    ticks = np.arange(-reach, reach + 1).tolist()
    colorbar.set_ticks(ticks, labels=[_as_ratio(tick) for tick in ticks])
    if lift.size <= _MOST_NUMBERS and lift.shape[1] <= _MOST_NUMBERED_COLUMNS:
        _write_numbers(axes, image, lift)
    return image, colorbar


def _as_ratio(tick: float) -> str:
    return f"{2**tick:g}" if tick >= 0 else f"1/{2**-tick:g}"


def _write_numbers(axes: "Axes", image: Any, lift: NDArray[np.float64]) -> None:
    colors = image.cmap(image.norm(image.get_array()))
    for (row, column), value in np.ndenumerate(lift):
        if np.isfinite(value):
            text = f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"
            style: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "color": text_color(colors[row, column]),
            }
            axes.text(column, row, text, fontsize=7.5, **style)
