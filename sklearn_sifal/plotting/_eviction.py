"""EvictionDisplay: how many rows sit out, round by round."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import AxesLike, add_grid, add_legend, draw_line, integer_ticks
from sklearn_sifal.plotting._fitted_estimators import check_counts, last_step, trained_rows
from sklearn_sifal.plotting._style import (
    BLACK,
    LOSS_COLOR,
    ROWS_COLOR,
    shown,
    shown_count,
    styles_of,
    visible,
)

# What happened within a round: field, legend, colour, marker.
_EVENTS = (
    ("newly_evicted", "evicted within the round", LOSS_COLOR, "^"),
    ("restored", "let back within the round", BLACK, "v"),
)


class EvictionDisplay(Display):
    """Rows that sit out at the end of each round: bars of one strategy, lines of several.

    Where evictions are lifted, rows come back; they may be evicted again in the same round.

    Parameters
    ----------
    evicted : array-like of shape (n_rounds,), or mapping of str to such
        Rows that sit out at the end of each round, of one strategy or of several by name.
    n_rows : int, or mapping of str to int, default=None
        Rows there are. With it the vertical axis is in percent of them, without it in rows.
    newly_evicted : array-like of shape (n_rounds,), default=None
        Evictions within each round; not with several strategies.
    restored : array-like of shape (n_rounds,), default=None
        Evictions lifted within each round; not with several strategies.

    Attributes
    ----------
    bars_ : matplotlib BarContainer or None
        Of one strategy.
    lines_ : dict of str to matplotlib Line2D
        By strategy. Of one strategy the markers, by the name of the parameter.

    See Also
    --------
    SelectionDisplay : Which rows were chosen, in which they are seen to stay away.

    Examples
    --------
    >>> from sklearn_sifal.plotting import EvictionDisplay
    >>> display = EvictionDisplay.from_arrays([0, 30, 45], n_rows=150)
    >>> [float(bar.get_height()) for bar in display.bars_]
    [0.0, 20.0, 30.0]
    """

    def __init__(
        self,
        evicted: ArrayLike | Mapping[str, ArrayLike],
        *,
        n_rows: int | Mapping[str, int] | None = None,
        newly_evicted: ArrayLike | None = None,
        restored: ArrayLike | None = None,
    ) -> None:
        self.evicted = evicted
        self.n_rows = n_rows
        self.newly_evicted = newly_evicted
        self.restored = restored

    @classmethod
    def from_estimator(
        cls, estimator: object, X: Any = None, y: Any = None, *, ax: AxesLike = None, **kwargs: Any
    ) -> Self:
        """Draw the evictions of one or several fits, in percent of the rows trained on.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline, or mapping of str to such
            One of sklearn_sifal's, or a pipeline that ends in one; several by name.
        """
        if isinstance(estimator, Mapping):
            models = {str(name): each for name, each in estimator.items()}
            evicted = {name: _recorded(each, "evicted") for name, each in models.items()}
            n_rows = {name: int(trained_rows(each).sum()) for name, each in models.items()}
            return cls(evicted, n_rows=n_rows).plot(ax, **kwargs)
        events = {field: _recorded(estimator, field) for field, *_ in _EVENTS}
        n_rows_of_one = int(trained_rows(estimator).sum())
        display = cls(_recorded(estimator, "evicted"), n_rows=n_rows_of_one, **events)
        return display.plot(ax, **kwargs)

    @classmethod
    def from_arrays(
        cls,
        evicted: ArrayLike | Mapping[str, ArrayLike],
        *,
        n_rows: int | Mapping[str, int] | None = None,
        newly_evicted: ArrayLike | None = None,
        restored: ArrayLike | None = None,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw evictions of any origin.

        Raises
        ------
        ValueError
            If the numbers are not counts of rows, one a round.
        """
        display = cls(evicted, n_rows=n_rows, newly_evicted=newly_evicted, restored=restored)
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: AxesLike = None,
        *,
        legend: bool = True,
        styles: Mapping[str, Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the evictions.

        Parameters
        ----------
        **kwargs : dict
            Passed to the bars (:meth:`matplotlib.axes.Axes.bar`), or to the lines of several
            strategies (:meth:`matplotlib.axes.Axes.plot`).

        Raises
        ------
        ValueError
            If the numbers are not counts of rows, one a round.
        """
        heights = self._heights()
        self._make_axes(ax, size=(6.8, 3.6))
        self.bars_: Any = None
        self.lines_: dict[str, Any] = {}
        if isinstance(self.evicted, Mapping):
            self._draw_lines(heights, styles, kwargs)
        else:
            self._draw_bars(heights, kwargs)
        what = "sitting out at the end " if self.bars_ is None or not self.lines_ else ""
        unit = "rows" if self.n_rows is None else "% of the rows"
        self.ax_.set(xlabel="round", ylabel=f"{what}({unit})" if what else unit)
        # All 0 is no line in mid-air, and markers on the axis are drawn whole.
        self.ax_.set_ylim(0, max(1.0, self.ax_.get_ylim()[1]))
        integer_ticks(self.ax_)
        add_grid(self.ax_)
        if legend:
            self._add_legend()
        return self

    def _heights(self) -> dict[str, NDArray[np.float64]]:
        """What is drawn, by name of the strategy or of the field, in rows or percent."""
        events = {field: getattr(self, field) for field, *_ in _EVENTS}
        events = {field: values for field, values in events.items() if values is not None}
        if not isinstance(self.evicted, Mapping):
            evicted = check_counts(self.evicted, "evicted", "round")
            heights = {"evicted": evicted} | {
                field: check_counts(values, field, "round", len(evicted))
                for field, values in events.items()
            }
        elif events:
            raise ValueError(
                "newly_evicted and restored cannot be given with those of several strategies."
            )
        elif not self.evicted:
            raise ValueError("evicted must have at least one strategy. Got none.")
        else:
            heights = {
                str(name): check_counts(values, f"evicted[{str(name)!r}]", "round")
                for name, values in self.evicted.items()
            }
        return {
            name: counts.astype(np.float64) * self._scale(name) for name, counts in heights.items()
        }

    def _scale(self, name: str) -> float:
        """What a row is on the vertical axis."""
        if self.n_rows is None:
            return 1.0
        if isinstance(self.n_rows, Mapping):
            by_name = {str(key): n for key, n in self.n_rows.items()}
            if name not in by_name:
                raise ValueError(f"n_rows must have those of every strategy. Got none of {name!r}.")
            n_rows = by_name[name]
        else:
            n_rows = self.n_rows
        if n_rows < 1:
            raise ValueError(f"n_rows must be at least 1. Got {n_rows}.")
        return 100 / n_rows

    def _draw_bars(self, heights: dict[str, NDArray[np.float64]], kwargs: dict[str, Any]) -> None:
        rounds = np.arange(len(heights["evicted"]))
        style = {"color": ROWS_COLOR, "width": 0.75, "label": "sitting out at the end"}
        self.bars_ = self.ax_.bar(rounds, heights["evicted"], **{**style, **kwargs})
        for field, label, color, marker in _EVENTS:
            # A round in which nothing of the kind happened has no marker.
            if field in heights and (happened := heights[field] > 0).any():
                (self.lines_[field],) = self.ax_.plot(
                    rounds[happened],
                    heights[field][happened],
                    label=label,
                    color=visible(color, self.ax_),
                    marker=marker,
                    markeredgecolor="white",
                    markersize=8,
                    linestyle="",
                    clip_on=False,
                )
        self.ax_.set_title(self._title(heights["evicted"]), fontsize="small", loc="left")

    def _title(self, evicted: NDArray[np.float64]) -> str:
        counts = {
            field: int(np.sum(getattr(self, field)))
            for field, *_ in _EVENTS
            if getattr(self, field) is not None
        }
        if not evicted.any() and not counts.get("newly_evicted"):
            return "no row was evicted"
        words = {"newly_evicted": "evicted", "restored": "let back in"}
        return ", ".join(f"{words[field]}: {shown_count(n)}" for field, n in counts.items())

    def _draw_lines(
        self,
        heights: dict[str, NDArray[np.float64]],
        given: Mapping[str, Mapping[str, Any]] | None,
        kwargs: dict[str, Any],
    ) -> None:
        styles = styles_of(heights, given, self.ax_)
        for name, values in heights.items():
            style = styles[name] | kwargs
            rounds = np.arange(len(values))
            self.lines_[name] = draw_line(self.ax_, rounds, values, shown(name), style)

    def _add_legend(self) -> None:
        handles = [*([] if self.bars_ is None else [self.bars_]), *self.lines_.values()]
        if self.bars_ is None or len(handles) > 1:
            add_legend(self.ax_, handles)


def _recorded(estimator: object, key: str) -> NDArray[np.int64]:
    return np.array([round_[key] for round_ in last_step(estimator).history_], dtype=np.int64)
