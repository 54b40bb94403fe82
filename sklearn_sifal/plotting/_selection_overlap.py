"""SelectionOverlapDisplay: how alike the selections of successive rounds are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sifal.plotting._figures import add_grid, add_legend, integer_ticks, make_axes
from sklearn_sifal.plotting._fitted_records import selections_among
from sklearn_sifal.plotting._style import PALETTE, marker_step, shown_count

if TYPE_CHECKING:
    from sklearn_sifal.inspection._selections import SelectionOverlap

_LINES = {
    "kept_share": ("chosen again", PALETTE[0], "o", "-"),
    "expected_kept_share": ("chosen again, by chance", PALETTE[0], "", "--"),
    "jaccard": ("Jaccard index", PALETTE[1], "^", "-"),
    "expected_jaccard": ("Jaccard index, by chance", PALETTE[1], "", "--"),
}


class SelectionOverlapDisplay:
    """How many rows of a round are chosen again in the next, beside what chance gives.

    Parameters
    ----------
    overlap : SelectionOverlap
        Overlaps of successive rounds.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the lines.
    figure_ : matplotlib Figure
        The figure with the axes.
    lines_ : dict of str to matplotlib Line2D
        In percent, by the name of the field of `overlap`.

    See Also
    --------
    SelectionDisplay : The selections themselves.

    Examples
    --------
    >>> from sklearn_sifal.plotting import SelectionOverlapDisplay
    >>> display = SelectionOverlapDisplay.from_arrays([[0, 1], [1, 2], [1, 2]], n_samples=4)
    >>> display.lines_["kept_share"].get_ydata().tolist()
    [50.0, 100.0]
    """

    def __init__(self, overlap: "SelectionOverlap") -> None:
        self.overlap = overlap

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, y: Any = None, *, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Draw the overlaps of a fit's rounds.

        Rows held out for validation and those of weight zero are left out.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            Fitted with ``record='history'``.
        X, y : None
            Not used; here for the convention.
        ax : matplotlib Axes, default=None
            See `plot`.
        **kwargs : dict
            See `plot`.

        Returns
        -------
        display : SelectionOverlapDisplay

        Raises
        ------
        ValueError
            If the estimator was not fitted with ``record='history'``.
        """
        selections, trained = selections_among(estimator)
        return cls.from_arrays(selections, int(trained.sum()), ax=ax, **kwargs)

    @classmethod
    def from_arrays(
        cls, selections: Sequence[ArrayLike], n_samples: int, *, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Draw the overlaps of selections of any origin.

        Parameters
        ----------
        selections : sequence of array-like of int
            Rows chosen in each round.
        n_samples : int
            Number of rows there are.
        ax : matplotlib Axes, default=None
            See `plot`.
        **kwargs : dict
            See `plot`.

        Returns
        -------
        display : SelectionOverlapDisplay
        """
        from sklearn_sifal.inspection._selections import selection_overlap

        return cls(selection_overlap(selections, n_samples)).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, legend: bool = True, **kwargs: Any) -> Self:
        """Draw the overlaps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        legend : bool, default=True
            Whether to draw a legend, to the right of the axes.
        **kwargs : dict
            Passed to the lines (:meth:`matplotlib.axes.Axes.plot`).

        Returns
        -------
        self : SelectionOverlapDisplay
        """
        self.figure_, (self.ax_,) = make_axes("SelectionOverlapDisplay.plot", ax, size=(6.8, 3.6))
        # The overlap belongs to the later of the two rounds.
        rounds = np.arange(1, len(self.overlap.jaccard) + 1)
        self.lines_: dict[str, Any] = {}
        for field, (label, color, marker, linestyle) in _LINES.items():
            style: dict[str, Any] = {"color": color, "linestyle": linestyle}
            style |= {"marker": marker, "markersize": 4.5, "markevery": marker_step(len(rounds))}
            values = 100 * getattr(self.overlap, field)
            (self.lines_[field],) = self.ax_.plot(
                rounds, values, label=label, **{**style, **kwargs}
            )
        self.ax_.set(xlabel="round", ylabel="overlap with the round before (%)", ylim=(-3, 103))
        never = f"never chosen: {shown_count(self.overlap.never_chosen)} rows"
        self.ax_.set_title(never, fontsize="small", loc="left")
        if not len(rounds):
            self.ax_.text(
                0.5, 0.5, "one round: nothing to compare", ha="center", transform=self.ax_.transAxes
            )
        integer_ticks(self.ax_)
        add_grid(self.ax_, "both")
        if legend:
            names = [line.get_label() for line in self.lines_.values()]
            add_legend(self.ax_, list(self.lines_.values()), names)
        return self
