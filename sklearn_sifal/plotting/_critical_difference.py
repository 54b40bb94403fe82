"""CriticalDifferenceDisplay: mean ranks on an axis, joined where they are not told apart."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import AxesLike, size_in_points
from sklearn_sifal.plotting._style import foreground, shown, styles_of
from sklearn_sifal.plotting._text_layout import cut, text_measure

_FONT = 9.0  # points
_AXIS_WIDTH = 4.6  # inches, of a figure of our own
_MOST_MARGIN = 0.36  # of the width of given axes, for the names of either side
# In lines of text, downwards from the axis.
_FIRST_BAR, _BAR_STEP, _BELOW_BARS = 0.55, 0.42, 0.75
_ABOVE, _ABOVE_WITH_RULER = 1.7, 3.1
_INCHES_PER_LINE = 0.21
_OF_TEST = {
    "wilcoxon": "joined: not told apart (Wilcoxon's test, Holm's adjustment)",
    "nemenyi": "joined: not told apart (Nemenyi's test)",
}
_TOO_FEW = "too few data sets to tell any apart (Wilcoxon's test, Holm's adjustment)"


class _Ranked(Protocol):
    """What is drawn of a `StrategyRanks`."""

    @property
    def strategies(self) -> tuple[str, ...]: ...
    @property
    def data_sets(self) -> tuple[str, ...]: ...
    @property
    def mean_ranks(self) -> NDArray[np.float64]: ...
    @property
    def metric(self) -> Any: ...
    @property
    def too_few(self) -> bool: ...

    def groups(self, *, test: str) -> tuple[tuple[str, ...], ...]: ...

    def critical_difference(self) -> float: ...


class CriticalDifferenceDisplay(Display):
    """Mean ranks of strategies over data sets, the best one on the left.

    After Demšar [1]_. A bar joins strategies beside each other of which no two are told apart.
    In his picture two are when their mean ranks differ by a critical difference, that of
    Nemenyi's test: the same for all pairs, and a matter of the other strategies, too, since
    these make the ranks. `from_ranks` draws that with ``test="nemenyi"``. Its default asks
    Wilcoxon's test of each pair, with Holm's adjustment for all pairs, as the later literature
    advises [2]_; then there is no one difference to show, and of two pairs at the same distance
    one may be joined and the other not.

    Parameters
    ----------
    names : sequence of str
        Of the strategies.
    mean_ranks : array-like of shape (n_strategies,)
        Their mean ranks, 1 for the best that there can be.
    groups : sequence of sequence of str, default=()
        Names that a bar joins, each group beside each other in the order of ranks.
    critical_difference : float, default=None
        Length of a ruler above the axis; None draws none.
    title : str, default=''
        What the ranks are of, and what bars mean.

    Attributes
    ----------
    leaders_ : dict of str to matplotlib Line2D
        From each place on the axis to its name.
    names_ : dict of str to matplotlib Text
        The names, with the mean ranks.
    bars_ : list of matplotlib Line2D
        One for each group.

    See Also
    --------
    sklearn_sifal.comparison.rank_strategies : Computes the ranks, and what is told apart.

    References
    ----------
    .. [1] Demšar, "Statistical comparisons of classifiers over multiple data sets", Journal of
       Machine Learning Research 7, 2006.
    .. [2] Benavoli, Corani and Mangili, "Should we really use post-hoc tests based on
       mean-ranks?", Journal of Machine Learning Research 17, 2016.

    Examples
    --------
    >>> from sklearn_sifal.plotting import CriticalDifferenceDisplay
    >>> display = CriticalDifferenceDisplay(["a", "b", "c"], [2.4, 1.2, 2.4], [("a", "c")])
    >>> [text.get_text() for text in display.plot().names_.values()]
    ['b  1.20', 'a  2.40', '2.40  c']
    """

    def __init__(
        self,
        names: Sequence[str],
        mean_ranks: ArrayLike,
        groups: Sequence[Sequence[str]] = (),
        *,
        critical_difference: float | None = None,
        title: str = "",
    ) -> None:
        self.names = names
        self.mean_ranks = mean_ranks
        self.groups = groups
        self.critical_difference = critical_difference
        self.title = title

    @classmethod
    def from_ranks(
        cls, ranks: _Ranked, *, test: str = "wilcoxon", ax: AxesLike = None, **kwargs: Any
    ) -> Self:
        """Draw what `rank_strategies` found.

        Parameters
        ----------
        ranks : StrategyRanks
            The ranks.
        test : {'wilcoxon', 'nemenyi'}, default='wilcoxon'
            Which test says what bars join; with Nemenyi's, a ruler shows its critical
            difference. Where Friedman's test does not tell the strategies apart, one bar joins
            all.

        Raises
        ------
        ValueError
            If `test` is something else.
        """
        groups = ranks.groups(test=test)
        n = len(ranks.data_sets)
        meaning = _TOO_FEW if test == "wilcoxon" and ranks.too_few else _OF_TEST[test]
        display = cls(
            ranks.strategies,
            ranks.mean_ranks,
            groups,
            critical_difference=ranks.critical_difference() if test == "nemenyi" else None,
            title=(
                f"mean rank by {shown(ranks.metric.label)} over {n} data "
                f"set{'' if n == 1 else 's'}\n{meaning}"
            ),
        )
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: AxesLike = None,
        *,
        styles: Mapping[str, Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the ranks.

        Parameters
        ----------
        **kwargs : dict
            Passed to the leader lines (:meth:`matplotlib.axes.Axes.plot`).

        Raises
        ------
        ValueError
            If there are fewer than two strategies, if there are not as many mean ranks as names,
            if a name comes twice, or if a group has names that are not beside each other.
        """
        ranks, order = self._checked()
        names, ranks = [self.names[k] for k in order], ranks[order]
        bars = self._bars(names)
        top = _ABOVE if self.critical_difference is None else _ABOVE_WITH_RULER
        first_line = _FIRST_BAR + _BAR_STEP * (max(_levels(bars), default=-1) + 1) + _BELOW_BARS
        bottom = first_line + -(-len(names) // 2) - 0.4
        measure = text_measure(_FONT)
        beside = measure(f"  {ranks[-1]:.2f}") + 2 * _FONT  # points, with a gap on either side
        margin = max(measure(shown(name)) for name in names) + beside
        size = (_AXIS_WIDTH + 2 * margin / 72, _INCHES_PER_LINE * (top + bottom) + 0.6)
        self._make_axes(ax, size=size)
        self.ax_.set_axis_off()
        self.ax_.set_title(self.title, fontsize="small")
        self.ax_.set_ylim(bottom, -top)
        width = size_in_points(self.figure_, self.ax_)[0]
        margin = min(_MOST_MARGIN * width, margin)
        room = margin - beside + 0.1  # of a point: sums of widths have their last digits
        per_rank = (width - 2 * margin) / (len(names) - 1)  # points
        self.ax_.set_xlim(1 - margin / per_rank, len(names) + margin / per_rank)
        self._draw_axis(len(names), every=math.ceil(1.6 * _FONT / per_rank))
        texts = {name: shown(cut(name, room, measure)) for name in names}
        looks = {
            k: {**look, **kwargs} for k, look in styles_of(self.names, styles, self.ax_).items()
        }
        self._draw_leaders(texts, ranks, looks, first_line, gap=_FONT / per_rank)
        self._draw_bars(bars, ranks)
        return self

    # ------------------------------------------------------------------ private

    def _checked(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        ranks = np.asarray(self.mean_ranks, np.float64)
        n = len(self.names)
        if n < 2 or ranks.shape != (n,) or not np.isfinite(ranks).all():
            raise ValueError(
                f"mean_ranks must have a finite number for each of two or more names. Got shape "
                f"{ranks.shape} for {n} names."
            )
        if len(set(self.names)) < n:
            raise ValueError("names must be different from each other.")
        if not ((ranks >= 1) & (ranks <= n)).all():
            raise ValueError(f"mean_ranks must lie between 1 and the number of names, {n}.")
        return ranks, np.argsort(ranks, kind="stable")

    def _bars(self, names: list[str]) -> list[tuple[int, int]]:
        """First and last place of each group."""
        bars = []
        for group in self.groups:
            places = sorted(names.index(name) for name in group if name in names)
            if len(places) < len(group) or not places or np.ptp(places) != len(places) - 1:
                raise ValueError(
                    f"groups must have names that are beside each other by rank. Got {group!r}."
                )
            bars.append((places[0], places[-1]))
        return bars

    def _draw_axis(self, n: int, every: int) -> None:
        axes, color = self.ax_, foreground(self.ax_)
        axes.plot([1, n], [0, 0], color=color, linewidth=1.2)
        for rank in range(1, n + 1):
            axes.plot([rank, rank], [0, -0.3], color=color, linewidth=1.2)
            if (rank - 1) % every == 0:
                style: dict[str, Any] = {
                    "ha": "center",
                    "va": "bottom",
                    "fontsize": _FONT,
                    "color": color,
                }
                axes.text(rank, -0.45, str(rank), **style)
        if self.critical_difference is None:
            return
        end = min(float(n), 1 + self.critical_difference)
        axes.plot([1, end], [-1.9, -1.9], color=color, linewidth=2, marker="|", markersize=6)
        label = f"critical difference {self.critical_difference:.2f}"
        if self.critical_difference > n - 1:
            label += ", longer than the axis"
        axes.text(1, -2.15, label, ha="left", va="bottom", fontsize=_FONT, color=color)

    def _draw_leaders(
        self,
        texts: Mapping[str, str],
        ranks: NDArray[np.float64],
        looks: Mapping[str, Mapping[str, Any]],
        first_line: float,
        gap: float,
    ) -> None:
        """Names in two columns, the outermost ranks uppermost, so that no two lines cross."""
        n = len(texts)
        self.leaders_, self.names_ = {}, {}
        for place, ((name, text), rank) in enumerate(zip(texts.items(), ranks, strict=True)):
            on_left = place < -(-n // 2)
            line = first_line + (place if on_left else n - 1 - place)
            end = 1 - gap / 2 if on_left else n + gap / 2
            # The marker is where the strategy is, and not at the corners of its line.
            style = {"linewidth": 1.3, "markersize": 5, "markevery": [0], **looks[name]}
            path = ([rank, rank, end], [0, line, line])
            (self.leaders_[name],) = self.ax_.plot(*path, **{**style, "linestyle": "-"})
            self.names_[name] = self.ax_.text(
                end - gap / 2 if on_left else end + gap / 2,
                line,
                f"{text}  {rank:.2f}" if on_left else f"{rank:.2f}  {text}",
                ha="right" if on_left else "left",
                va="center",
                fontsize=_FONT,
                color=foreground(self.ax_),
            )

    def _draw_bars(self, bars: list[tuple[int, int]], ranks: NDArray[np.float64]) -> None:
        reach = 0.012 * (len(ranks) - 1)  # so that ranks which are equal have a bar as well
        self.bars_ = []
        for (first, last), level in zip(bars, _levels(bars), strict=True):
            height = _FIRST_BAR + _BAR_STEP * level
            (bar,) = self.ax_.plot(
                [ranks[first] - reach, ranks[last] + reach],
                [height, height],
                color=foreground(self.ax_),
                linewidth=3.5,
                solid_capstyle="butt",
                zorder=3,
            )
            self.bars_.append(bar)


def _levels(bars: list[tuple[int, int]]) -> list[int]:
    """For each bar the first level on which it touches none before it."""
    levels: list[int] = []
    ends: list[int] = []
    for first, last in bars:
        level = next((k for k, end in enumerate(ends) if end < first), len(ends))
        ends[level : level + 1] = [last]
        levels.append(level)
    return levels
