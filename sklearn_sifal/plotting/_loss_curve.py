"""LossCurveDisplay: what a training reaches for its visits and its seconds."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import (
    AxesLike,
    add_grid,
    add_legend,
    draw_line,
    end_at_whole,
    panels_to_draw,
)
from sklearn_sifal.plotting._fitted_estimators import last_step, loss_name, staged_losses
from sklearn_sifal.plotting._strategy_curves import (
    StrategyCurve,
    curve_of_history,
    curves_of_runs,
)
from sklearn_sifal.plotting._style import shown, styles_of

_NAMES_OF_METRICS = {
    "accuracy": "test accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "macro F1",
    "r2": "R²",
    "nll": "negative log-likelihood (nats)",
    "valid_acc": "validation accuracy",
    "valid_r2": "validation R²",
}
_SHARES = frozenset(
    {"accuracy", "balanced_accuracy", "precision", "recall", "f1", "r2", "valid_acc", "valid_r2"}
)  # at most 1
_NAMES_OF_COSTS = {"visits": "row visits", "seconds": "seconds"}


class LossCurveDisplay(Display, axes_per="cost"):
    """Accuracy or loss against what the training cost, one line per strategy.

    The same trainings are drawn twice: against row visits, which is what strategies are
    compared at, and against seconds, which is what a user pays and in which the time spent
    choosing and scoring is included.

    Parameters
    ----------
    curves : sequence of StrategyCurve
        The lines.
    metric : str, default='accuracy'
        What they show; names the vertical axis.

    Attributes
    ----------
    lines_ : list of list of matplotlib Line2D
        Per axes a line for each curve.
    bands_ : list of list of matplotlib artists
        Per axes the bands; a curve of single runs has none.

    See Also
    --------
    SelectionLossDisplay : Losses of the chosen and the other rows by round.

    Examples
    --------
    >>> from sklearn_sifal.plotting import LossCurveDisplay
    >>> runs = [
    ...     {"strategy": s, "budget": b, "seed": 0, "visits": 100 * b, "seconds": t, "accuracy": a}
    ...     for s, b, t, a in [("base", 1, 0.1, 0.7), ("base", 2, 0.2, 0.8), ("heap", 2, 0.3, 0.8)]
    ... ]
    >>> display = LossCurveDisplay.from_runs(runs)
    >>> [line.get_label() for line in display.lines_[0]]
    ['base', 'heap']
    """

    def __init__(self, curves: Sequence[StrategyCurve], *, metric: str = "accuracy") -> None:
        self.curves = curves
        self.metric = metric

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: Any = None,
        y: Any = None,
        *,
        metric: str = "train_loss",
        name: str | None = None,
        x: Any = None,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the rounds of one fit.

        Parameters
        ----------
        X : array-like, default=None
            Further rows, such as test data: their mean loss after each round becomes a
            second line. Needs ``record='history'`` and the metric 'train_loss'.
        y : array-like, default=None
            Their labels.
        metric : str, default='train_loss'
            A key of `history_`: 'train_loss', 'chosen_loss', 'other_loss', 'valid_acc', ...
            'train_loss' is the mean over the visits of a round, so of the rows that were chosen
            alone: it goes up when a strategy turns to hard rows, though no row got harder.
        name : str, default=None
            Name of the line; None takes that of the metric.
        x : {'visits', 'seconds'} or sequence of them, default=None
            See `plot`.

        Raises
        ------
        ValueError
            If the history does not have `metric`, or `X` is given without a recorded history.
        """
        net = last_step(estimator)
        if X is not None and metric != "train_loss":
            raise ValueError(f"X can only be given with metric='train_loss'. Got {metric!r}.")
        label = name or ("rows trained on" if metric == "train_loss" else metric)
        keys = sorted({key for round_ in net.history_ for key in round_})
        if metric not in keys:
            raise ValueError(f"history_ has no {metric!r}. It has {keys}.")
        values = [round_.get(metric) for round_ in net.history_]
        curves = [curve_of_history(net.history_, label, values)]
        if X is not None:
            means = [float(np.mean(losses)) for losses in staged_losses(estimator, X, y)]
            curves.append(curve_of_history(net.history_, "rows given", means))
        shown_metric = loss_name(estimator) if metric.endswith("_loss") else metric
        return cls(curves, metric=shown_metric).plot(ax, x=x, **kwargs)

    @classmethod
    def from_runs(
        cls,
        runs: Any,
        *,
        metric: str = "accuracy",
        band: str = "range",
        x: Any = None,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw many trainings: a line per strategy, a band over the seeds.

        Parameters
        ----------
        runs : sequence of dict, or DataFrame
            One record a training (or a round) with 'strategy', 'visits', `metric`, and where known
            'seconds', 'seed' and 'budget' (or 'round'), such as the `runs` of a comparison.
            Records of one strategy with the same budget are one point.
        metric : str, default='accuracy'
            The key of the values.
        band : {'range', 'interval'}, default='range'
            From the smallest to the largest value over the seeds, or the 95 % t interval of
            their mean.

        Raises
        ------
        ValueError
            If the runs are none or lack a key.
        """
        curves = curves_of_runs(runs, metric, band)
        return cls(curves, metric=metric).plot(ax, x=x, **kwargs)

    def plot(
        self,
        ax: AxesLike = None,
        *,
        x: Any = None,
        bands: bool = True,
        legend: bool = True,
        styles: Mapping[str, Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        x : {'visits', 'seconds'} or sequence of them, default=None
            The costs to draw against. None is both, as far as they are known, and of one
            given axes the visits.
        bands : bool, default=True
            Whether to draw the bands.
        legend : bool, default=True
            Whether to draw a legend, beside the last axes.
        **kwargs : dict
            Passed to the lines (:meth:`matplotlib.axes.Axes.plot`).

        Raises
        ------
        ValueError
            If `x` is something else, or there is another number of axes.
        """
        costs = self._costs(x, ax)
        self.axes_ = self._make_axes(ax, len(costs), size=(1.6 + 3.6 * len(costs), 3.6))
        looks = styles_of((curve.name for curve in self.curves), styles, self.ax_)
        self.lines_: list[list[Any]] = []
        self.bands_: list[list[Any]] = []
        for axes, cost in zip(self.axes_, costs, strict=True):
            self._draw(axes, cost, bands, looks, kwargs)
        self.ax_.set_ylabel(_NAMES_OF_METRICS.get(self.metric, self.metric.replace("_", " ")))
        if legend:
            add_legend(self.axes_[-1], self.lines_[-1])
        return self

    def _costs(self, x: Any, ax: AxesLike) -> tuple[str, ...]:
        known = tuple(
            cost
            for cost in _NAMES_OF_COSTS
            if all(np.isfinite(getattr(curve, cost)).all() for curve in self.curves)
        )
        if not known:
            raise ValueError("curves must have the visits or the seconds of every point. Got NaN.")
        return panels_to_draw("LossCurveDisplay.plot", x, known, known, ax, name="x")

    def _draw(
        self,
        axes: Any,
        cost: str,
        bands: bool,
        looks: dict[str, dict[str, Any]],
        kwargs: dict[str, Any],
    ) -> None:
        lines, drawn_bands = [], []
        for curve in self.curves:
            style = {**looks[curve.name], "markersize": 4.5, "linewidth": 1.6, **kwargs}
            at = getattr(curve, cost)
            label = shown(curve.name)
            if np.isnan(curve.mean).all():  # a line that cannot be seen
                label += " (no result)"
            lines.append(draw_line(axes, at, curve.mean, label, style))
            if bands and (curve.n_runs > 1).any():
                look = {"color": lines[-1].get_color(), "alpha": 0.15, "linewidth": 0}
                drawn_bands.append(axes.fill_between(at, curve.lower, curve.upper, **look))
        self.lines_.append(lines)
        self.bands_.append(drawn_bands)
        add_grid(axes, "both")
        axes.set_xlabel(_NAMES_OF_COSTS[cost])
        axes.set_xlim(left=0)
        axes.locator_params(axis="x", nbins=5)
        if self.metric in _SHARES:
            end_at_whole(axes, [value for curve in self.curves for value in curve.mean])
