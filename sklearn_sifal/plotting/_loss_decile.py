"""LossDecileDisplay: the losses and the labels of the easiest to the hardest rows."""

from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._parameters import check_integer_value
from sklearn_sifal.inspection._deciles import LossDeciles, loss_deciles
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import (
    AxesLike,
    add_grid,
    add_legend,
    name_every_nth,
    panels_to_draw,
)
from sklearn_sifal.plotting._fitted_estimators import (
    LOSS_OF_LABELS,
    check_length,
    loss_name,
    losses_of,
    trained_rows,
)
from sklearn_sifal.plotting._label_maps import draw_lift, frequent_labels, uneven_labels
from sklearn_sifal.plotting._style import (
    LIGHT_GREY,
    LOSS_COLOR,
    bar_styles,
    foreground,
    shown,
    shown_count,
    shown_share,
)

# More labels than this would be slivers: the lift is drawn instead.
_MOST_STACKED = 20


class LossDecileDisplay(Display, axes_per="panel"):
    """What the labels and the losses look like from the easiest to the hardest rows.

    There are three panels. 'labels' stacks the shares of the labels in each bin and frames
    each bin's most frequent one; 'lift' is a map of how much more frequent a label is in a bin
    than overall; 'loss' shows mean losses and, above the bars, the bin's share of the total loss.

    Parameters
    ----------
    deciles : LossDeciles
        The bins.

    Attributes
    ----------
    bars_ : matplotlib BarContainer or None
        Mean losses.
    label_bars_ : dict of label to matplotlib BarContainer
        Shares of the labels, in percent, and those of all others under ``'other'`` (under
        ``None`` if a label has that name).
    image_ : matplotlib AxesImage or None
        The lifts, shape (labels shown, bins), as binary logarithms.

    See Also
    --------
    InstanceGalleryDisplay : The hardest and easiest rows themselves.

    Examples
    --------
    >>> from sklearn_sifal.plotting import LossDecileDisplay
    >>> display = LossDecileDisplay.from_losses(
    ...     [0.1, 0.2, 0.9, 1.5], ["card", "card", "card", "loan"], n_bins=2
    ... )
    >>> [float(bar.get_height()) for bar in display.label_bars_["loan"]]
    [0.0, 50.0]
    """

    def __init__(self, deciles: LossDeciles, *, loss_label: str = LOSS_OF_LABELS) -> None:
        self.deciles = deciles
        self.loss_label = loss_label

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: Any = None,
        y: Any = None,
        *,
        n_bins: int = 10,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the deciles of a fitted estimator.

        Parameters
        ----------
        X : array-like, default=None
            Rows as the pipeline takes them: their losses under the finished weights. None
            for the training rows with their last known losses; rows held out for validation
            and those of weight zero are left out.
        y : array-like, default=None
            Labels of these rows; without them only losses can be drawn. Needed with `X`.
            Targets of a regression are not drawn.
        n_bins : int, default=10
            Number of bins.
        """
        losses = losses_of(estimator, X, y)
        label = loss_name(estimator)
        labels = None
        if y is not None and label == LOSS_OF_LABELS:
            labels = check_length(y, "y", len(losses))
        deciles = loss_deciles(losses, labels, n_bins=n_bins)
        if X is None:  # rows keep their numbers, but of these there was no loss to be known
            n_left_out = int(np.count_nonzero(~trained_rows(estimator)))
            deciles = replace(deciles, n_unknown=deciles.n_unknown - n_left_out)
        return cls(deciles, loss_label=label).plot(ax, **kwargs)

    @classmethod
    def from_losses(
        cls,
        losses: ArrayLike,
        y: ArrayLike | None = None,
        *,
        n_bins: int = 10,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the deciles of losses of any origin.

        Parameters
        ----------
        losses : array-like of shape (n_samples,)
            Losses in nats; NaN where not known.
        y : array-like of shape (n_samples,), default=None
            Labels.
        """
        return cls(loss_deciles(losses, y, n_bins=n_bins)).plot(ax, **kwargs)

    def plot(
        self,
        ax: AxesLike = None,
        *,
        panels: Any = None,
        n_labels: int | None = None,
        legend: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Draw the bins.

        Parameters
        ----------
        panels : {'labels', 'lift', 'loss'} or sequence of them, default=None
            What to draw. None is labels and loss, with more than 20 labels lift and loss,
            without labels the loss; one given axes takes the first of these.
        n_labels : int, default=None
            Most labels to draw. None is 10 in 'labels': the most frequent of each bin, then
            those with the largest share in any bin; the rest is put together as "other".
            In 'lift' it is 20: those whose shares are farthest from their base rates, the label
            with the largest lift among the hardest rows on top.
        legend : bool, default=True
            Whether to draw the legend of the labels, to the right of their axes.
        **kwargs : dict
            Passed to the bars of the losses (:meth:`matplotlib.axes.Axes.bar`).

        Raises
        ------
        ValueError
            If `panels` is something else, or there is another number of axes.
        """
        check_integer_value("LossDecileDisplay.plot", "n_labels", n_labels, 1, none=True)
        names = self._panels(panels, ax)
        size = (8.0, 0.6 + sum(self._height(name, n_labels) for name in names))
        self.axes_ = self._make_axes(ax, len(names), size=size, n_columns=1)
        self.bars_: Any = None
        self.image_: Any = None
        self.label_bars_: dict[Any, Any] = {}
        for name, axes in zip(names, self.axes_, strict=True):
            if name == "loss":
                self._draw_losses(axes, kwargs)
            elif name == "labels":
                self._draw_labels(axes, n_labels or 10, legend)
            else:
                self._draw_lift(axes, n_labels or 20)
        self._name_bins(self.axes_[-1] if ax is None else None)
        return self

    def _panels(self, panels: Any, ax: AxesLike) -> tuple[str, ...]:
        labels = self.deciles.labels
        if labels is None:
            return panels_to_draw("LossDecileDisplay.plot", panels, ("loss",), ("loss",), ax)
        first = "labels" if len(labels) <= _MOST_STACKED else "lift"
        available = ("labels", "lift", "loss")
        return panels_to_draw("LossDecileDisplay.plot", panels, available, (first, "loss"), ax)

    def _height(self, panel: str, n_labels: int | None) -> float:
        """Inches that a panel of our own figure has."""
        if panel != "lift" or self.deciles.labels is None:
            return 2.2 if panel == "loss" else 3.4
        return 0.8 + 0.2 * max(8, min(n_labels or 20, len(self.deciles.labels)))

    def _name_bins(self, lowest: Any) -> None:
        """Name the bins: below the lowest of our own axes, or of each given one."""
        n_bins = self.deciles.n_bins
        kind = "loss decile" if n_bins == 10 else "loss bin"
        for axes in self.axes_ if lowest is None else [lowest]:
            axes.set_xlabel(f"{kind} (1: smallest losses, {n_bins}: largest)")
        for axes in self.axes_:
            name_every_nth(axes, range(1, n_bins + 1), 20)  # people count deciles from one

    def _draw_losses(self, axes: Any, kwargs: dict[str, Any]) -> None:
        deciles = self.deciles
        means = np.nan_to_num(deciles.mean_loss)
        style = {"color": LOSS_COLOR, "width": 0.8, **kwargs}
        self.bars_ = axes.bar(range(deciles.n_bins), means, **style)
        if deciles.n_bins <= 20 and np.isfinite(deciles.loss_share).all():
            names = [shown_share(share) for share in deciles.loss_share]
            axes.bar_label(self.bars_, names, fontsize="x-small", padding=1)
            axes.set_title("above the bars: share of the total loss", fontsize="small", loc="left")
        axes.margins(y=0.15)
        axes.set_ylabel(f"mean {self.loss_label}")
        add_grid(axes)
        if deciles.n_unknown:
            left_out = f"{shown_count(deciles.n_unknown)} rows of unknown loss left out"
            axes.set_title(left_out, fontsize="small", loc="right")

    def _draw_labels(self, axes: Any, n_labels: int, legend: bool) -> None:
        deciles = self.deciles
        assert deciles.label_share is not None
        assert deciles.labels is not None
        share = np.nan_to_num(deciles.label_share)
        chosen = frequent_labels(share, n_labels)
        places = np.arange(deciles.n_bins)
        below = np.zeros(deciles.n_bins)
        for label, style in zip(chosen, bar_styles(len(chosen)), strict=True):
            heights = 100 * share[:, label]
            bars = axes.bar(places, heights, 0.8, below, edgecolor="white", linewidth=0.5, **style)
            self.label_bars_[deciles.labels[label]] = bars
            below = below + heights
        names = [shown(deciles.labels[label]) for label in chosen]
        n_other = len(deciles.labels) - len(chosen)
        if n_other:
            rest = np.maximum(0, 100 * share.sum(axis=1) - below)
            key = None if "other" in self.label_bars_ else "other"
            self.label_bars_[key] = axes.bar(places, rest, 0.8, below, color=LIGHT_GREY)
            names.append(f"{n_other} other labels")
        if len(deciles.labels) > 2:
            self._frame_most_frequent(chosen, share, foreground(axes))
        axes.set(ylabel="share of rows (%)", ylim=(0, 100))
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if legend:
            # From the top down, as they are stacked.
            handles = list(self.label_bars_.values())[::-1]
            title = "label" if len(deciles.labels) <= 2 else "label (framed: most frequent)"
            add_legend(axes, handles, names[::-1], title)

    def _frame_most_frequent(
        self, chosen: list[int], share: NDArray[np.float64], color: str
    ) -> None:
        labels = self.deciles.labels
        assert labels is not None
        for place, label in enumerate(share.argmax(axis=1)):
            if label in chosen and share[place, label] > 0:
                bar = self.label_bars_[labels[label]][place]
                bar.set(edgecolor=color, linewidth=1.6, zorder=3)

    def _draw_lift(self, axes: Any, n_labels: int) -> None:
        deciles = self.deciles
        assert deciles.lift is not None
        assert deciles.label_share is not None
        assert deciles.base_rate is not None
        assert deciles.labels is not None
        chosen = uneven_labels(deciles.label_share, deciles.base_rate, n_labels)
        among_hardest = np.nan_to_num(deciles.lift[-1])
        self.image_, _ = draw_lift(axes, deciles.lift, deciles.labels, chosen, among_hardest)
