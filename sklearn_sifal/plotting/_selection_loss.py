"""SelectionLossDisplay: losses of the chosen rows, of the others and of a test set."""

from typing import Any, Self

import numpy as np

from sklearn_sifal.inspection._selections import SelectionLosses, selection_losses
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import (
    AxesLike,
    add_grid,
    add_legend,
    draw_line,
    integer_ticks,
    write_inside,
)
from sklearn_sifal.plotting._fitted_estimators import (
    LOSS_OF_LABELS,
    check_length,
    loss_name,
    of_history,
    selections_among,
    staged_losses,
)
from sklearn_sifal.plotting._style import BLACK, PALETTE, visible

_LINES: dict[str, tuple[str, dict[str, str]]] = {
    "chosen": ("chosen", {"color": PALETTE[1], "marker": "^"}),
    "other": ("not chosen", {"color": PALETTE[0], "marker": "v"}),
    "everything": ("all training rows", {"color": BLACK, "marker": "o"}),
    "test": ("test rows", {"color": PALETTE[2], "marker": "D"}),
}


class SelectionLossDisplay(Display):
    """Mean loss of the rows a round chose, of the others and of a test set.

    The horizontal axis counts the rounds that the weights were trained for. Round r chooses among
    losses measured after r rounds, and there its full lines have their point; the dashed lines
    show the same rows after the round, at r + 1, as do the test rows.

    Parameters
    ----------
    losses : SelectionLosses
        Means by round; those of the test rows measured after each round.

    Attributes
    ----------
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

    def __init__(self, losses: SelectionLosses, *, loss_label: str = LOSS_OF_LABELS) -> None:
        self.losses = losses
        self.loss_label = loss_label

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: Any = None,
        y: Any = None,
        *,
        X_test: Any = None,
        y_test: Any = None,
        ax: AxesLike = None,
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

        Raises
        ------
        ValueError
            If the estimator was not fitted with ``record='history'``.
        """
        selections, trained = selections_among(estimator)
        if X is None:
            of_rounds = of_history(estimator, "loss_history_")
        else:
            of_rounds = staged_losses(estimator, X, y)
        after = [check_length(each, "losses of X", len(trained))[trained] for each in of_rounds]
        # Nothing is known before the first round.
        before = [np.full_like(after[0], np.nan), *after[:-1]]
        test = None if X_test is None else staged_losses(estimator, X_test, y_test)
        losses = selection_losses(before, selections, losses_after=after, test_losses=test)
        return cls(losses, loss_label=loss_name(estimator)).plot(ax, **kwargs)

    def plot(
        self, ax: AxesLike = None, *, after: bool = False, legend: bool = True, **kwargs: Any
    ) -> Self:
        """Draw the lines.

        Parameters
        ----------
        after : bool, default=False
            Whether to draw the losses after each round as well.
        **kwargs : dict
            Passed to the lines (:meth:`matplotlib.axes.Axes.plot`).
        """
        self._make_axes(ax, size=(6.8, 3.8))
        self.lines_: dict[str, Any] = {}
        for field, (name, style) in _LINES.items():
            self._draw(field, name, {**style, "linestyle": "-"}, kwargs)
            if after and field != "test":
                self._draw(f"{field}_after", f"{name}, after", {**style, "linestyle": "--"}, kwargs)
        self.ax_.set(xlabel="rounds trained", ylabel=f"mean {self.loss_label}")
        integer_ticks(self.ax_)
        add_grid(self.ax_, "both")
        if not self.lines_:
            write_inside(self.ax_, "one round: nothing was known before it")
        if legend and self.lines_:
            add_legend(self.ax_, self.lines_.values())
        return self

    def _draw(self, field: str, label: str, style: dict[str, str], kwargs: dict[str, Any]) -> None:
        values = getattr(self.losses, field)
        if np.isnan(values).all():
            return
        is_after = field.endswith("_after") or field == "test"
        rounds = np.arange(len(values)) + is_after
        settings = style | {"color": visible(style["color"], self.ax_)} | kwargs
        self.lines_[field] = draw_line(self.ax_, rounds, values, label, settings)
