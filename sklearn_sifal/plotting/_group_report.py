"""GroupReportDisplay: losses, visits and accuracies of groups of rows."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal.inspection._groups import GroupReport, group_report, wilson_interval
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import AxesLike, add_grid, panels_to_draw
from sklearn_sifal.plotting._fitted_estimators import (
    LOSS_OF_LABELS,
    Predictor,
    check_length,
    last_step,
    loss_name,
    losses_of,
)
from sklearn_sifal.plotting._style import GREY, LOSS_COLOR, PALETTE, foreground, shown, shown_count

# More groups than this, and only the hardest and the easiest are drawn.
_MOST_GROUPS = 24
_FIELDS = {"loss": "mean_loss", "visits": "mean_visits", "accuracy": "accuracy"}


class GroupReportDisplay(Display, axes_per="panel"):
    """Groups of rows beside each other, the one with the largest loss on top.

    Bars at mean losses and accuracies are 95 % intervals. Hollow squares are the losses at an
    equal label mix. Grey groups have too few rows to take part in the gaps.

    Parameters
    ----------
    report : GroupReport
        The groups.

    Attributes
    ----------
    points_ : dict of str to matplotlib PathCollection
        Points of each panel, and the adjusted losses as 'adjusted_loss'.
    order_ : ndarray of int
        Groups from the top to the bottom.

    See Also
    --------
    VisitCountDisplay : Visits by label or loss decile.

    Examples
    --------
    >>> from sklearn_sifal.plotting import GroupReportDisplay
    >>> display = GroupReportDisplay.from_losses([1.0, 2.0, 4.0, 5.0], ["a", "a", "b", "b"])
    >>> display.points_["loss"].get_offsets().tolist()
    [[4.5, 0.0], [1.5, 1.0]]
    """

    def __init__(self, report: GroupReport, *, loss_label: str = LOSS_OF_LABELS) -> None:
        self.report = report
        self.loss_label = loss_label

    @classmethod
    def from_estimator(
        cls,
        estimator: Predictor,
        X: Any = None,
        y: Any = None,
        *,
        groups: ArrayLike,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the groups of a fitted estimator.

        Parameters
        ----------
        X : array-like, default=None
            Rows as the pipeline takes them: losses and accuracies under the finished
            weights. None for the training rows: last known losses, and visits.
        y : array-like, default=None
            Labels of these rows. Needed with `X`.
        groups : array-like of shape (n_samples,)
            The group of each row.
        """
        losses = losses_of(estimator, X, y)
        label = loss_name(estimator)
        labels = None if y is None else check_length(y, "y", len(losses))
        correct = visits = None
        if X is None:
            visits = last_step(estimator).visit_counts_
        elif label == LOSS_OF_LABELS:  # a regressor is neither right nor wrong
            correct = np.asarray(estimator.predict(X)) == labels
        mixed = labels if label == LOSS_OF_LABELS else None
        report = group_report(losses, groups, visits=visits, correct=correct, y=mixed)
        return cls(report, loss_label=label).plot(ax, **kwargs)

    @classmethod
    def from_losses(
        cls,
        losses: ArrayLike,
        groups: ArrayLike,
        *,
        visits: ArrayLike | None = None,
        correct: ArrayLike | None = None,
        y: ArrayLike | None = None,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw groups of losses of any origin.

        Parameters
        ----------
        losses : array-like of shape (n_samples,)
            Losses in nats.
        groups : array-like of shape (n_samples,)
            The group of each row.
        visits : array-like of shape (n_samples,), default=None
            How often each row was trained on.
        correct : array-like of shape (n_samples,), bool, default=None
            Whether its label was predicted.
        y : array-like of shape (n_samples,), default=None
            Labels, for losses at an equal label mix.
        """
        report = group_report(losses, groups, visits=visits, correct=correct, y=y)
        return cls(report).plot(ax, **kwargs)

    def plot(self, ax: AxesLike = None, *, panels: Any = None, **kwargs: Any) -> Self:
        """Draw the groups.

        Parameters
        ----------
        panels : {'loss', 'visits', 'accuracy'} or sequence of them, default=None
            What to draw. None is all that the report has, and in one given axes the loss.
        **kwargs : dict
            Passed to the points (:meth:`matplotlib.axes.Axes.scatter`).

        Raises
        ------
        ValueError
            If `panels` is something else, or there is another number of axes.
        """
        known = tuple(
            name for name, field in _FIELDS.items() if getattr(self.report, field) is not None
        )
        names = panels_to_draw("GroupReportDisplay.plot", panels, known, known, ax)
        self.order_ = np.argsort(-np.nan_to_num(self.report.mean_loss), kind="stable")
        n_groups = len(self.order_)
        if n_groups > _MOST_GROUPS:
            half = _MOST_GROUPS // 2
            self.order_ = np.concatenate([self.order_[:half], self.order_[-half:]])
        height = 1.5 + 0.27 * max(3, len(self.order_))
        self.axes_ = self._make_axes(ax, len(names), size=(2.0 + 3.3 * len(names), height))
        self.points_: dict[str, Any] = {}
        for name, axes in zip(names, self.axes_, strict=True):
            self._draw(axes, name, kwargs)
        if n_groups > _MOST_GROUPS:
            left_out = n_groups - _MOST_GROUPS
            self.ax_.set_ylabel(f"{_MOST_GROUPS // 2} hardest and easiest; {left_out} left out")
        self._name_groups(shared=ax is None)
        return self

    def _draw(self, axes: Any, name: str, kwargs: dict[str, Any]) -> None:
        report = self.report
        values = np.asarray(getattr(report, _FIELDS[name]), dtype=float)[self.order_]
        percent = name == "accuracy"
        values = 100 * values if percent else values
        places = np.arange(len(values))
        color = {"loss": LOSS_COLOR, "visits": PALETTE[0], "accuracy": PALETTE[2]}[name]
        colors = np.where(np.asarray(report.in_gaps)[self.order_], color, GREY)
        if name == "loss":
            half = _reach_of_means(report)[self.order_]
            axes.hlines(places, values - half, values + half, colors=colors.tolist(), linewidth=1.5)
            self._draw_adjusted(axes, places)
        elif percent:
            low, high = wilson_interval(values / 100, report.n_rows[self.order_], 1.96)
            axes.hlines(places, 100 * low, 100 * high, colors=colors.tolist(), linewidth=1.5)
        style = {"c": colors.tolist(), "s": 36, "zorder": 3}
        self.points_[name] = axes.scatter(values, places, **{**style, **kwargs})
        label = {"loss": f"mean {self.loss_label}", "visits": "visits per row"}
        axes.set_xlabel(label.get(name, "accuracy (%)"))
        axes.set_title(_gap(report, name), fontsize="small")
        axes.set_ylim(len(values) - 0.5, -0.5)
        add_grid(axes, "both")

    def _draw_adjusted(self, axes: Any, places: NDArray[np.int64]) -> None:
        if self.report.adjusted_loss is None or np.isnan(self.report.adjusted_loss).all():
            return
        self.points_["adjusted_loss"] = axes.scatter(
            np.asarray(self.report.adjusted_loss)[self.order_],
            places,
            marker="s",
            s=34,
            facecolor="none",
            edgecolor=foreground(axes),
            linewidth=1.0,
            zorder=4,
            label="at an equal label mix",
        )
        axes.legend(fontsize="x-small", loc="best", framealpha=0.8)

    def _name_groups(self, *, shared: bool) -> None:
        report = self.report
        names = [
            f"{shown(report.groups[k])} (n = {shown_count(report.n_rows[k])})" for k in self.order_
        ]
        for number, axes in enumerate(self.axes_):
            hidden = shared and number > 0
            axes.set_yticks(range(len(names)), [""] * len(names) if hidden else names)
            axes.tick_params(axis="y", labelsize="small")


def _reach_of_means(report: GroupReport) -> NDArray[np.float64]:
    """Half of the 95 % t interval of each mean loss; 0 where a single row has none."""
    from scipy.stats import t

    freedom = np.maximum(1, np.asarray(report.n_rows) - 1)
    reach: NDArray[np.float64] = t.ppf(0.975, freedom) * np.asarray(report.loss_stderr)
    return np.nan_to_num(reach)


def _gap(report: GroupReport, name: str) -> str:
    """The gap in words, with its interval; what cannot be told from chance says so."""
    gap = getattr(report, f"{name}_gap")
    interval = getattr(report, f"{name}_gap_interval")
    if gap is None or not np.isfinite(gap):
        return "no gap: fewer than two groups"
    scale, unit = (100, " points") if name == "accuracy" else (1, "")
    text = f"gap {scale * gap:.3g}{unit}"
    if interval is None or not np.isfinite(interval).all():
        return text
    return f"{text}\n95 %: {scale * interval[0]:.3g} to {scale * interval[1]:.3g}"
