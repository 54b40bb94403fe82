"""VisitCountDisplay: how often rows were trained on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._labels import read
from sklearn_sifal._parameters import reject_value
from sklearn_sifal.inspection._visits import VisitsByGroup, visits_by_decile, visits_by_label
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import AxesLike, add_grid, integer_ticks, panels_to_draw
from sklearn_sifal.plotting._fitted_estimators import (
    check_counts,
    last_step,
    losses_of,
    trained_rows,
)
from sklearn_sifal.plotting._style import ROWS_COLOR, foreground, shown, shown_share, styles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More different counts than this are put together.
_MOST_BARS = 50
# More groups than this, and only those with most and fewest visits are drawn.
_MOST_GROUPS = 20


class VisitCountDisplay(Display, axes_per="panel"):
    """How often rows were trained on: over all rows, and by group.

    Parameters
    ----------
    visits : array-like of shape (n_samples,), or mapping of str to such
        Visits of each row; several strategies' by name are drawn over each other.
    groups : VisitsByGroup, default=None
        Visits by label or by loss decile, for a second panel.
    group_label : str, default='label'
        What the groups are; names their axis.

    Attributes
    ----------
    bars_ : list of matplotlib artists
        The histograms: bars, or one outline per strategy.
    group_bars_ : matplotlib BarContainer or None
        Bars of the groups.

    See Also
    --------
    SelectionDisplay : Which rows each round chose.

    Examples
    --------
    >>> from sklearn_sifal.plotting import VisitCountDisplay
    >>> display = VisitCountDisplay.from_arrays([0, 1, 1, 4])
    >>> [float(bar.get_height()) for bar in display.bars_[0]]  # % of rows with 0, 1, ... visits
    [25.0, 50.0, 0.0, 0.0, 25.0]
    """

    def __init__(
        self,
        visits: ArrayLike | Mapping[str, ArrayLike],
        *,
        groups: VisitsByGroup | None = None,
        group_label: str = "label",
    ) -> None:
        self.visits = visits
        self.groups = groups
        self.group_label = group_label

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: Any = None,
        y: Any = None,
        *,
        by: str | None = "auto",
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the visits of a fit.

        Rows held out for validation and those of weight zero are left out.

        Parameters
        ----------
        X : array-like, default=None
            The training rows; with them deciles are those of the losses under the
            finished weights, without them those of the last known losses.
        y : array-like, default=None
            The training labels.
        by : {'auto', 'label', 'decile'} or None, default='auto'
            Groups of the second panel; 'auto' is by label if `y` is given, else by loss decile.
        """
        if by not in ("auto", "label", "decile", None):
            expected = "one of {'auto', 'decile', 'label'} or None"
            reject_value("VisitCountDisplay.from_estimator", "by", expected, by)
        if by == "auto":
            by = "decile" if y is None else "label"
        net = last_step(estimator)
        trained = trained_rows(estimator)
        visits = np.asarray(net.visit_counts_)[trained]
        groups = None
        if by == "label":
            if y is None:
                raise ValueError("by='label' needs y, the training labels.")
            groups = visits_by_label(visits, read(y, "y")[trained])
        elif by == "decile":
            deciles = visits_by_decile(visits, losses_of(estimator, X, y)[trained])
            groups = replace(deciles, groups=deciles.groups + 1)  # as people count them
        group_label = "loss decile (1: smallest losses)" if by == "decile" else "label"
        return cls(visits, groups=groups, group_label=group_label).plot(ax, **kwargs)

    @classmethod
    def from_arrays(
        cls,
        visits: ArrayLike | Mapping[str, ArrayLike],
        *,
        y: ArrayLike | None = None,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw visits of any origin.

        Parameters
        ----------
        visits : array-like of shape (n_samples,), or mapping of str to such
            Visits of each row, or those of several strategies by name.
        y : array-like of shape (n_samples,), default=None
            Labels, for a second panel; not with several strategies.
        """
        if y is None:
            return cls(visits).plot(ax, **kwargs)
        if isinstance(visits, Mapping):
            raise ValueError("y cannot be given with the visits of several strategies.")
        return cls(visits, groups=visits_by_label(visits, y)).plot(ax, **kwargs)

    def plot(
        self, ax: AxesLike = None, *, panels: Any = None, log: bool = False, **kwargs: Any
    ) -> Self:
        """Draw the histogram, and the groups beside it.

        Parameters
        ----------
        panels : {'histogram', 'groups'} or sequence of them, default=None
            What to draw; None is both if there are groups, and in one given axes the histogram.
        log : bool, default=False
            Whether the shares of the histogram have a logarithmic scale.
        **kwargs : dict
            Passed to the bars of the histogram (:meth:`matplotlib.axes.Axes.bar`), or to the
            outlines (:meth:`matplotlib.axes.Axes.stairs`).

        Raises
        ------
        ValueError
            If `panels` is something else, or there is another number of axes.
        """
        known = ("histogram",) if self.groups is None else ("histogram", "groups")
        names = panels_to_draw("VisitCountDisplay.plot", panels, known, known, ax)
        self.axes_ = self._make_axes(ax, len(names), size=(4.6 * len(names) + 0.6, 3.8))
        self.bars_: list[Any] = []
        self.group_bars_: Any = None
        for name, axes in zip(names, self.axes_, strict=True):
            if name == "histogram":
                self._draw_histogram(axes, log, kwargs)
            else:
                self._draw_groups(axes)
        return self

    def _draw_histogram(self, axes: Any, log: bool, kwargs: dict[str, Any]) -> None:
        by_name = self.visits if isinstance(self.visits, Mapping) else {"": self.visits}
        counts = {str(name): check_counts(v, "visits", "row") for name, v in by_name.items()}
        edges = _edges(max(int(values.max()) for values in counts.values()))
        styles = styles_of(counts, None, axes)
        for name, values in counts.items():
            shares = 100 * _histogram(values, edges) / len(values)
            if isinstance(self.visits, Mapping):
                style = {key: styles[name][key] for key in ("color", "linestyle")}
                style |= {"linewidth": 1.8, "label": f"{shown(name)}: {_in_words(values)}"}
                self.bars_.append(axes.stairs(shares, edges - 0.5, **{**style, **kwargs}))
            else:
                style = {"color": ROWS_COLOR, "edgecolor": "white", "linewidth": 0.4}
                middles = (edges[:-1] + edges[1:] - 1) / 2
                self.bars_.append(axes.bar(middles, shares, np.diff(edges), **{**style, **kwargs}))
                _draw_dashed(axes, values.mean())
                axes.set_title(f"dashed: {_in_words(values)}", fontsize="small")
        axes.set(xlabel="visits of a row", ylabel="share of rows (%)")
        if log:
            axes.set_yscale("log")
        if isinstance(self.visits, Mapping):
            self._add_legend(axes, log)
        integer_ticks(axes, "x")
        add_grid(axes)

    @staticmethod
    def _add_legend(axes: Any, log: bool) -> None:
        """The strategies in a legend, with room for it above the histograms."""
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** 0.3 if log else 1.3 * high)
        axes.legend(fontsize="small", frameon=False)

    def _draw_groups(self, axes: Any) -> None:
        assert self.groups is not None
        ratios = np.asarray(self.groups.ratio, dtype=float)
        names = [shown(group) for group in self.groups.groups]
        if len(names) > _MOST_GROUPS:
            half = _MOST_GROUPS // 2
            order = np.argsort(-ratios, kind="stable")
            kept = np.concatenate([order[:half], order[-half:]])
            ratios, names = ratios[kept], [names[k] for k in kept]
            axes.axhline(half - 0.5, color=foreground(axes), linewidth=0.8, linestyle=":")
            left_out = f"{half} most and {half} least visited; {len(order) - len(kept)} left out"
            axes.set_title(left_out, fontsize="small")
        places = np.arange(len(names))
        self.group_bars_ = axes.barh(places, ratios, color=ROWS_COLOR, height=0.75)
        _draw_dashed(axes, 1)
        axes.set_yticks(places, names, fontsize="small")
        axes.invert_yaxis()
        axes.set(xlabel="mean visits / mean visits of all rows", ylabel=self.group_label)
        add_grid(axes, "x")


def _draw_dashed(axes: "Axes", x: float) -> None:
    axes.axvline(x, color=foreground(axes), linestyle="--", linewidth=1.2)


def _edges(largest: int) -> NDArray[np.int64]:
    """Bins of equal whole width from 0 on, at most `_MOST_BARS` of them."""
    width = -(-(largest + 1) // _MOST_BARS)
    return np.arange(0, largest + width + 1, width)


def _histogram(values: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    # The width is the same everywhere, so a division finds the bin.
    return np.bincount(values // edges[1], minlength=len(edges) - 1)


def _in_words(visits: NDArray[np.int64]) -> str:
    never = shown_share(float(np.mean(visits == 0)))
    return f"mean {visits.mean():.3g}, most {visits.max()}, never {never}"
