"""SelectionLossDisplay: losses of the chosen rows, of the others and of a test set."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.plotting._figures import add_grid, add_legend, integer_ticks, make_axes
from sklearn_sifal.plotting._fitted_records import (
    check_length,
    loss_name,
    recorded,
    selections_among,
    staged_losses,
)
from sklearn_sifal.plotting._style import BLACK, PALETTE, marker_step, visible

if TYPE_CHECKING:
    from sklearn_sifal.inspection._selections import SelectionLosses

_STYLES = {
    "chosen": {"color": PALETTE[1], "marker": "^"},
    "other": {"color": PALETTE[0], "marker": "v"},
    "everything": {"color": BLACK, "marker": "o"},
    "test": {"color": PALETTE[2], "marker": "D"},
}
_NAMES = {
    "chosen": "chosen",
    "other": "not chosen",
    "everything": "all training rows",
    "test": "test rows",
}


class SelectionLossDisplay:
    """Mean loss of the rows a round chose, of the others and of a test set.

    The horizontal axis counts the rounds that the weights were trained for. Round r chooses among
    losses measured after r rounds, and there its full lines have their point; the dashed lines
    show the same rows after the round, at r + 1, as do the test rows.

    Parameters
    ----------
    losses : SelectionLosses
        Means by round; those of the test rows measured after each round.
    loss_label : str, default='loss (nats)'
        Name and unit of the losses.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the lines.
    figure_ : matplotlib Figure
        The figure with the axes.
    lines_ : dict of str to matplotlib Line2D
        By the name of the field of `losses`.

    See Also
    --------
    LossCurveDisplay : One metric against the cost.

    Examples
    --------
    >>> from sklearn_sifal.inspection import selection_losses
    >>> from sklearn_sifal.plotting import SelectionLossDisplay
    >>> losses = selection_losses([[1.0, 2.0, 6.0], [1.0, 2.0, 2.0]], [[2], [1, 2]])
    >>> sorted(SelectionLossDisplay(losses).plot().lines_)
    ['chosen', 'everything', 'other']
    """

    def __init__(self, losses: "SelectionLosses", *, loss_label: str = "loss (nats)") -> None:
        self.losses = losses
        self.loss_label = loss_label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        X_test: Any = None,
        y_test: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the rounds of a fit.

        Rows held out for validation and those of weight zero are left out.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            Fitted with ``record='history'``.
        X : array-like, default=None
            The training rows: all of them are scored with the weights after every round.
            None takes the last known losses, which cost nothing and are older for rows that
            were not visited.
        y : array-like, default=None
            The training labels; needed with `X`.
        X_test : array-like, default=None
            Test rows, scored after every round.
        y_test : array-like, default=None
            Their labels.
        ax : matplotlib Axes, default=None
            See `plot`.
        **kwargs : dict
            See `plot`.

        Returns
        -------
        display : SelectionLossDisplay

        Raises
        ------
        ValueError
            If the estimator was not fitted with ``record='history'``.
        """
        from sklearn_sifal.inspection._selections import selection_losses

        selections, trained = selections_among(estimator)
        if X is None:
            after = [np.asarray(losses)[trained] for losses in recorded(estimator, "loss_history_")]
        else:
            after = [_of_trained(losses, trained) for losses in staged_losses(estimator, X, y)]
        # Nothing is known before the first round.
        before = [np.full_like(after[0], np.nan), *after[:-1]]
        test = None if X_test is None else staged_losses(estimator, X_test, y_test)
        losses = selection_losses(before, selections, losses_after=after, test_losses=test)
        return cls(losses, loss_label=loss_name(estimator)).plot(ax, **kwargs)

    def plot(
        self, ax: Any = None, *, after: bool = False, legend: bool = True, **kwargs: Any
    ) -> Self:
        """Draw the lines.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        after : bool, default=False
            Whether to draw the losses after each round as well.
        legend : bool, default=True
            Whether to draw a legend, to the right of the axes.
        **kwargs : dict
            Passed to the lines (:meth:`matplotlib.axes.Axes.plot`).

        Returns
        -------
        self : SelectionLossDisplay
        """
        self.figure_, (self.ax_,) = make_axes("SelectionLossDisplay.plot", ax, size=(6.8, 3.8))
        self.lines_: dict[str, Any] = {}
        for field, style in _STYLES.items():
            self._draw(field, field, "-", style, kwargs)
            if after and field != "test":
                self._draw(f"{field}_after", field, "--", style, kwargs)
        self.ax_.set(xlabel="rounds trained", ylabel=f"mean {self.loss_label}")
        integer_ticks(self.ax_)
        add_grid(self.ax_, "both")
        if not self.lines_:
            text = "one round: nothing was known before it"
            self.ax_.text(0.5, 0.5, text, ha="center", transform=self.ax_.transAxes)
        if legend and self.lines_:
            names = [line.get_label() for line in self.lines_.values()]
            add_legend(self.ax_, list(self.lines_.values()), names)
        return self

    def _draw(
        self, field: str, name: str, linestyle: str, style: dict[str, str], kwargs: dict[str, Any]
    ) -> None:
        values = getattr(self.losses, field)
        if np.isnan(values).all():
            return
        is_after = field.endswith("_after") or field == "test"
        when = ", after" if field.endswith("_after") else ""
        color = visible(style["color"], self.ax_)
        settings: dict[str, Any] = {
            **style,
            "color": color,
            "linestyle": linestyle,
            "markersize": 4.5,
        }
        settings = {**settings, "markevery": marker_step(len(values)), **kwargs}
        label = _NAMES[name] + when
        rounds = np.arange(len(values)) + is_after
        (line,) = self.ax_.plot(rounds, values, label=label, **settings)
        self.lines_[field] = line


def _of_trained(losses: NDArray[Any], trained: NDArray[np.bool_]) -> NDArray[Any]:
    checked = check_length(losses, "losses of X", len(trained))
    assert checked is not None
    return checked[trained]
