"""The pictures of the page: small panels in SVG, in the page's own fonts and colours."""

import re
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.comparison._recordings import Recording
from sklearn_sifal.plotting._figures import add_grid, end_at_whole
from sklearn_sifal.plotting._images import as_images
from sklearn_sifal.plotting._loss_curve import LossCurveDisplay
from sklearn_sifal.plotting._style import BLACK, GREY, LIGHT_GREY, PALETTE, strategy_styles
from sklearn_sifal.plotting._weight_distribution import WeightDistributionDisplay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PERCENT = "(%)"  # at the end of the names of shares
_SIZE = (4.0, 3.0)  # inches; about as many points as a phone has pixels across
# What a picture's colours are called in the style sheet, which has others for dark screens.
_VARIABLES = {BLACK: "--base", GREY: "--control", LIGHT_GREY: "--before"} | {
    color: f"--s{i + 1}" for i, color in enumerate(PALETTE)
}
_IDENTIFIER = re.compile(r'\bid="([^"]+)"')
_REFERENCE = re.compile(r'(url\(#|href="#)([^")]+)')


class Panels:
    """Draws the pictures of one page.

    Parameters
    ----------
    strategies : sequence of str
        In the order in which they get their looks.
    """

    def __init__(self, strategies: Sequence[str]) -> None:
        self.styles = strategy_styles(strategies)
        self._n_drawn = 0

    def curves(
        self,
        runs: Sequence[Mapping[str, Any]],
        metric: str,
        label: str,
        cost: str,
        *,
        level: float | None = None,
        marks: Mapping[str, float] | None = None,
    ) -> str:
        """A metric against 'visits' or 'seconds', one line a strategy.

        A `level` is a dashed line across, with rings at the costs that are its `marks`.
        """

        def draw(axes: "Axes") -> None:
            LossCurveDisplay.from_runs(
                runs, metric=metric, x=cost, ax=axes, legend=False, styles=self.styles, markersize=4
            )
            axes.set_ylabel(label)
            axes.locator_params(axis="x", nbins=6)
            if level is None:
                return
            axes.axhline(level, color=BLACK, linewidth=1, linestyle=(0, (5, 4)), zorder=1.5)
            for name, at in (marks or {}).items():
                look = self.styles[name] | {"marker": "o", "linestyle": "none"}
                axes.plot([at], [level], markersize=10, fillstyle="none", **look)

        return self._svg(draw)

    def points(self, runs: Sequence[Mapping[str, Any]], metric: str, label: str) -> str:
        """A metric against seconds where each strategy is a point: medians, all seeds faint."""

        def draw(axes: "Axes") -> None:
            for name, style in self.styles.items():
                of = [run for run in runs if run["strategy"] == name]
                if not of:  # it broke down with every seed
                    continue
                seconds = [run["seconds"] for run in of]
                values = [run[metric] for run in of]
                look = style | {"linestyle": "none"}
                axes.plot(seconds, values, markersize=3.5, alpha=0.45, **look)
                axes.plot(np.median(seconds), np.mean(values), markersize=8, **look)
            _name_axes(axes, "seconds", label, [run[metric] for run in runs])
            # The margin is a share of the range of the points, which may be far from zero.
            axes.set_xlim(0, 1.06 * axes.dataLim.x1)

        return self._svg(draw)

    def scatter(self, points: Mapping[str, tuple[float, float]], x: str, y: str) -> str:
        """A point for each strategy."""

        def draw(axes: "Axes") -> None:
            for name, (at, value) in points.items():
                axes.plot([at], [value], markersize=8, **self.styles[name] | {"linestyle": "none"})
            _name_axes(axes, x, y, [value for _, value in points.values()])

        return self._svg(draw)

    def by_decile(
        self, values: Mapping[str, NDArray[np.float64]], label: str, *, log: bool = False
    ) -> str:
        """A value for every loss decile, one line a strategy."""

        def draw(axes: "Axes") -> None:
            for name, numbers in values.items():
                places = np.arange(1, len(numbers) + 1)
                axes.plot(places, numbers, markersize=4, linewidth=1.5, **self.styles[name])
            if log and all((numbers > 0).any() for numbers in values.values()):
                axes.set_yscale("log")
            else:
                axes.set_ylim(bottom=0)
            _name_axes(axes, "loss decile, 10 = hardest rows", label)
            axes.set_xticks(np.arange(1, 11))

        return self._svg(draw)

    def weights(self, recordings: Mapping[str, Recording]) -> str:
        """Distributions of all weights, over those that training began with."""

        def draw(axes: "Axes") -> None:
            first = next(iter(recordings.values()))
            histograms = {"initial weights": first.initial_histogram}
            histograms |= {name: r.histogram for name, r in recordings.items()}
            display = WeightDistributionDisplay(histograms)
            display.plot(axes, layers="all", legend=False, styles=self.styles)
            axes.set_title("")

        return self._svg(draw)

    def swatch(self, name: str) -> str:
        """A strategy's line and marker, for the key; drawn by `symbols`."""
        number = list(self.styles).index(name)
        return f'<svg class="swatch" aria-hidden="true"><use href="#line-{number}"/></svg>'

    def symbols(self) -> str:
        """The lines that keys refer to, to be put into the page once."""
        drawn = [self._symbol(f"line-{i}", style) for i, style in enumerate(self.styles.values())]
        inner = "".join(drawn)
        return f'<svg width="0" height="0" class="symbols" aria-hidden="true">{inner}</svg>'

    def _symbol(self, identifier: str, style: dict[str, Any]) -> str:
        from matplotlib.lines import Line2D

        def draw(axes: "Axes") -> None:
            line = Line2D([0, 0.5, 1], [0.5] * 3, markevery=[1], linewidth=2, **style)
            line.set_markersize(7)
            axes.add_line(line)
            axes.set_axis_off()

        svg = self._svg(draw, size=(0.42, 0.18), bare=True)
        symbol = re.sub(r"<svg (viewBox=\"[^\"]+\")[^>]*>", rf'<symbol id="{identifier}" \1>', svg)
        return symbol.replace("</svg>", "</symbol>")

    def _svg(
        self,
        draw: Callable[["Axes"], None],
        *,
        size: tuple[float, float] = _SIZE,
        bare: bool = False,
    ) -> str:
        """Draw into new axes, outside of pyplot and of the user's settings."""
        import matplotlib as mpl
        import matplotlib.style
        from matplotlib.figure import Figure

        settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "sifal", "font.size": 11}
        with mpl.style.context("default"), mpl.rc_context(settings):
            if bare:
                figure = Figure(figsize=size)
                axes = figure.add_axes((0, 0, 1, 1))
            else:
                figure = Figure(figsize=size, layout="constrained")
                axes = figure.add_subplot()
            draw(axes)
            out = StringIO()
            nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
            figure.savefig(out, format="svg", transparent=True, metadata=nothing)
        self._n_drawn += 1
        return _inline(out.getvalue(), f"f{self._n_drawn}-")


def _name_axes(axes: "Axes", x: str, y: str, values: Sequence[float] = ()) -> None:
    """Names and a grid; where the values are percentages, the axis ends at their largest."""
    axes.set(xlabel=x, ylabel=y)
    add_grid(axes, "both")
    if y.endswith(_PERCENT) and values:
        end_at_whole(axes, values)


def png_of(values: NDArray[Any], image_shape: Sequence[int]) -> bytes:
    """An image as a PNG file.

    Parameters
    ----------
    values : ndarray
        Pixels of one row.
    image_shape : sequence of int
        Height and width, and channels if there are any.
    """
    from matplotlib.image import imsave

    out = BytesIO()
    image = as_images(values[None], image_shape)[0]
    imsave(out, image, cmap="gray_r", format="png")
    return out.getvalue()


def _inline(svg: str, prefix: str) -> str:
    """A picture as a part of a page: no names that occur twice, no size, the page's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    # Its rules would be the whole page's, and are in the page's own style sheet.
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    used = {name for _, name in _REFERENCE.findall(svg)}
    svg = _IDENTIFIER.sub(lambda m: f'id="{prefix}{m[1]}"' if m[1] in used else "", svg)
    svg = _REFERENCE.sub(lambda m: f"{m[1]}{prefix}{m[2]}", svg)
    view = re.search(r'viewBox="[^"]+"', svg)
    assert view is not None
    # What is to be seen is in the words under it.
    svg = re.sub(r"<svg[^>]*>", f'<svg {view[0]} aria-hidden="true">', svg, count=1)
    svg = svg.replace("xlink:href", "href")
    # The page's font; matplotlib names its own in one way or the other.
    svg = re.sub(r"font: ([\d.]+px) [^;\"]+", r"font-size: \1", svg)
    svg = re.sub(r"font-family: [^;\"]+;? ?", "", svg)
    for color, variable in _VARIABLES.items():
        svg = svg.replace(color.lower(), f"var({variable})")
    return re.sub(r"\n\s*", "\n", svg).strip()
