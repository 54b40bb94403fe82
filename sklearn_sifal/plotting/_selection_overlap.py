"""SelectionOverlapDisplay: how alike the selections of successive rounds are."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sifal.inspection._selections import SelectionOverlap, selection_overlap
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import (
    AxesLike,
    add_grid,
    add_legend,
    draw_line,
    integer_ticks,
    write_inside,
)
from sklearn_sifal.plotting._fitted_estimators import selections_among
from sklearn_sifal.plotting._style import PALETTE, shown_count

_LINES = {
    "kept_share": ("chosen again", PALETTE[0], "o", "-"),
    "expected_kept_share": ("chosen again, by chance", PALETTE[0], "", "--"),
    "jaccard": ("Jaccard index", PALETTE[1], "^", "-"),
    "expected_jaccard": ("Jaccard index, by chance", PALETTE[1], "", "--"),
}


class SelectionOverlapDisplay(Display):
    """How many rows of a round are chosen again in the next, beside what chance gives.

    Parameters
    ----------
    overlap : SelectionOverlap
        Overlaps of successive rounds.

    Attributes
    ----------
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

    def __init__(self, overlap: SelectionOverlap) -> None:
        self.overlap = overlap

    @classmethod
    def from_estimator(
        cls, estimator: object, X: Any = None, y: Any = None, *, ax: AxesLike = None, **kwargs: Any
    ) -> Self:
        """Draw the overlaps of a fit's rounds.

        Rows held out for validation and those of weight zero are left out.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            Fitted with ``record='history'``.

        Raises
        ------
        ValueError
            If the estimator was not fitted with ``record='history'``.
        """
        selections, trained = selections_among(estimator)
        return cls.from_arrays(selections, int(trained.sum()), ax=ax, **kwargs)

    @classmethod
    def from_arrays(
        cls, selections: Sequence[ArrayLike], n_samples: int, *, ax: AxesLike = None, **kwargs: Any
    ) -> Self:
        """Draw the overlaps of selections of any origin.

        Parameters
        ----------
        selections : sequence of array-like of int
            Rows chosen in each round.
        n_samples : int
            Number of rows there are.
        """
        return cls(selection_overlap(selections, n_samples)).plot(ax, **kwargs)

    def plot(self, ax: AxesLike = None, *, legend: bool = True, **kwargs: Any) -> Self:
        """Draw the overlaps.

        Parameters
        ----------
        **kwargs : dict
            Passed to the lines (:meth:`matplotlib.axes.Axes.plot`).
        """
        self._make_axes(ax, size=(6.8, 3.6))
        # The overlap belongs to the later of the two rounds.
        rounds = np.arange(1, len(self.overlap.jaccard) + 1)
        self.lines_: dict[str, Any] = {}
        for field, (label, color, marker, linestyle) in _LINES.items():
            style = {"color": color, "marker": marker, "linestyle": linestyle, **kwargs}
            values = 100 * getattr(self.overlap, field)
            self.lines_[field] = draw_line(self.ax_, rounds, values, label, style)
        self.ax_.set(xlabel="round", ylabel="overlap with the round before (%)", ylim=(-3, 103))
        never = f"never chosen: {shown_count(self.overlap.never_chosen)} rows"
        self.ax_.set_title(never, fontsize="small", loc="left")
        if not len(rounds):
            write_inside(self.ax_, "one round: nothing to compare")
        integer_ticks(self.ax_)
        add_grid(self.ax_, "both")
        if legend:
            add_legend(self.ax_, self.lines_.values())
        return self
