"""The look that all Displays share: colours, markers, shortened names, numbers."""

from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito (2008), Color Universal Design, without black and with yellow, which is
# faint on white, at the end.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
BLACK = "#000000"
GREY = "#7F7F7F"
LIGHT_GREY = "#D0D0D0"
DARK_GREY = "#555555"
# What belongs together keeps one colour in all Displays.
LOSS_COLOR = PALETTE[1]
ROWS_COLOR = PALETTE[0]

MARKERS = ("^", "v", "D", "P", "X", "<", ">", "p", "h")
_LINESTYLES = ("-", "--", "-.", ":")
HATCHES = ("", "//", "..", "xx")
GRID = {"color": "#B0B0B0", "linewidth": 0.6, "alpha": 0.5}

# What stands for a colour on a dark background.
_ON_DARK = {BLACK: "#FFFFFF", DARK_GREY: LIGHT_GREY}

# Counts and shares; and what lies above or below a middle value (brown and violet, which
# all common kinds of colour vision tell apart).
SEQUENTIAL = "cividis"
DIVERGING = "PuOr_r"

NAME_LENGTH = 24


def strategy_styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Line styles of strategies, to look the same in every picture.

    Parameters
    ----------
    names : iterable of str
        Names in the order in which they get the colours. The styles depend on nothing but
        this list.

    Returns
    -------
    styles : dict of str to dict
        Per name the 'color', 'marker' and 'linestyle'. ``'base'`` is black and
        ``'random'`` grey wherever they stand; the others get the seven further colours of
        Okabe and Ito in turn, and when these are used up another line style.

    Examples
    --------
    >>> from sklearn_sifal.plotting import strategy_styles
    >>> styles = strategy_styles(["base", "random", "importance"])
    >>> styles["base"]
    {'color': '#000000', 'marker': 'o', 'linestyle': '-'}
    >>> styles["importance"]["color"]
    '#0072B2'
    """
    styles: dict[str, dict[str, Any]] = {}
    n_colored = 0
    for name in names:
        if name in styles:
            continue
        if name == "base":
            styles[name] = {"color": BLACK, "marker": "o", "linestyle": "-"}
        elif name == "random":
            styles[name] = {"color": GREY, "marker": "s", "linestyle": "-"}
        else:
            styles[name] = _nth_style(n_colored)
            n_colored += 1
    return styles


def styles_of(
    names: Iterable[str], given: Mapping[str, Mapping[str, Any]] | None, axes: "Axes"
) -> dict[str, dict[str, Any]]:
    """Styles that a caller gives, and those of `strategy_styles` for other names."""
    styles = {name: dict((given or {}).get(name, s)) for name, s in strategy_styles(names).items()}
    for style in styles.values():
        if isinstance(style.get("color"), str):
            style["color"] = visible(style["color"], axes)
    return styles


def visible(color: str, axes: "Axes") -> str:
    """`color`, or what stands for it where the axes' background is dark."""
    return _ON_DARK[color] if color in _ON_DARK and _is_dark(axes) else color


def foreground(axes: "Axes") -> str:
    """The colour of what is black on a light background."""
    return visible(BLACK, axes)


def _is_dark(axes: "Axes") -> bool:
    from matplotlib.colors import to_rgba

    figure = axes.figure
    # The first of these that is not seen through; axes that are off have no background.
    for behind in ([axes] if axes.axison else []) + [figure, figure.figure]:
        rgba = to_rgba(behind.get_facecolor())
        if rgba[3] > 0.5:
            return text_color(np.asarray(rgba)) == "white"
    return False


def _nth_style(number: int) -> dict[str, Any]:
    lap, position = divmod(number, len(PALETTE))
    return {
        "color": PALETTE[position],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": _LINESTYLES[lap % len(_LINESTYLES)],
    }


def marker_step(n_points: int) -> int:
    """Every how many points a line has a marker: they tell lines apart, not points."""
    return max(1, -(-n_points // 20))


def bar_styles(n_bars: int) -> list[dict[str, Any]]:
    """Colours of areas beside each other, hatched once the colours are used up."""
    styles = []
    for number in range(n_bars):
        lap, position = divmod(number, len(PALETTE))
        styles.append({"facecolor": PALETTE[position], "hatch": HATCHES[lap % len(HATCHES)]})
    return styles


def shown(value: Any, length: int = NAME_LENGTH) -> str:
    """A user's label or name as it is drawn: on one line, and shortened if it is long.

    Parameters
    ----------
    value : object
        A label, string or number.
    length : int, default=24
        Most characters; what is longer ends in an ellipsis.

    Returns
    -------
    text : str
        With dollar signs escaped, which would start a formula, and a blank before a
        leading underscore, which would keep a name out of a legend.
    """
    text = " ".join(printable(value).split())
    if len(text) > length:
        text = text[: length - 1].rstrip() + "…"
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def printable(value: Any) -> str:
    """`value` as text without control characters, which no font has."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "".join(c if c.isprintable() or c.isspace() else " " for c in text)


def shown_count(count: Any) -> str:
    """A number of rows with thousands set apart."""
    return f"{int(count):,}" if isinstance(count, Integral | np.integer) else f"{count:,.4g}"


def shown_share(share: float) -> str:
    """A share in [0, 1] as a percentage that does not round something to nothing."""
    percent = 100 * share
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %" if 0 < percent < 10 else f"{percent:.0f} %"


def text_color(rgba: NDArray[Any]) -> str:
    """Black or white, whichever can be read on a background."""
    # Relative luminance of sRGB, with WCAG's contrast: the two are equal at about 0.18.
    linear = np.where(
        np.asarray(rgba)[:3] <= 0.04045,
        np.asarray(rgba)[:3] / 12.92,
        ((np.asarray(rgba)[:3] + 0.055) / 1.055) ** 2.4,
    )
    return "black" if linear @ np.array([0.2126, 0.7152, 0.0722]) > 0.18 else "white"
