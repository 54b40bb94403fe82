"""SelectionLabelDisplay: the labels of what each round chose."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sifal._parameters import check_integer_value
from sklearn_sifal.inspection._selections import SelectionLabels, selection_labels
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import AxesLike, name_every_nth
from sklearn_sifal.plotting._fitted_estimators import check_length, selections_among
from sklearn_sifal.plotting._label_maps import draw_lift, uneven_labels


class SelectionLabelDisplay(Display):
    """Which labels each round chose more often than their share of the rows.

    Parameters
    ----------
    selected : SelectionLabels
        Labels by round.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        The lifts, shape (labels shown, rounds), as binary logarithms.
    colorbar_ : matplotlib Colorbar
        Their scale.

    See Also
    --------
    LossDecileDisplay : Labels by loss.

    Examples
    --------
    >>> from sklearn_sifal.plotting import SelectionLabelDisplay
    >>> display = SelectionLabelDisplay.from_arrays([[0, 1, 2, 3], [3]], ["a", "a", "a", "b"])
    >>> display.image_.get_array().tolist()  # "b" is chosen at four times its rate: 2 doublings
    [[0.0, 2.0], [0.0, -3.0]]
    """

    def __init__(self, selected: SelectionLabels) -> None:
        self.selected = selected

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: Any = None,
        y: Any = None,
        *,
        rounds: Sequence[int] | None = None,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the labels that a fit's rounds chose.

        Rows held out for validation and those of weight zero are left out.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            Fitted with ``record='history'``.
        X : None
            Not used; here for the convention.
        y : array-like of shape (n_samples,)
            The training labels.
        rounds : sequence of int, default=None
            The rounds to draw; None is all of them.

        Raises
        ------
        ValueError
            If `y` is not given, or the estimator was not fitted with ``record='history'``.
        """
        if y is None:
            raise ValueError("y must be given: the training labels.")
        selections, trained = selections_among(estimator)
        labels = check_length(y, "y", len(trained))[trained]
        return cls.from_arrays(selections, labels, rounds=rounds, ax=ax, **kwargs)

    @classmethod
    def from_arrays(
        cls,
        selections: Sequence[ArrayLike],
        y: ArrayLike,
        *,
        rounds: Sequence[int] | None = None,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the labels of selections of any origin.

        Parameters
        ----------
        selections : sequence of array-like of int
            Rows chosen in each round.
        y : array-like of shape (n_samples,)
            Labels of all rows.
        """
        return cls(selection_labels(selections, y, rounds=rounds)).plot(ax, **kwargs)

    def plot(self, ax: AxesLike = None, *, n_labels: int = 20, **kwargs: Any) -> Self:
        """Draw the map of lifts.

        Parameters
        ----------
        n_labels : int, default=20
            Most labels to draw: those whose shares are farthest from their base rates. The
            most preferred one is on top.
        **kwargs : dict
            Passed to :meth:`matplotlib.axes.Axes.imshow`.
        """
        check_integer_value("SelectionLabelDisplay.plot", "n_labels", n_labels, 1)
        selected = self.selected
        chosen = uneven_labels(selected.share, selected.base_rate, n_labels)
        self._make_axes(ax, size=(7.0, 1.4 + 0.22 * max(len(chosen), 6)))
        preference = np.nansum(selected.lift, axis=0)
        self.image_, self.colorbar_ = draw_lift(
            self.ax_, selected.lift, selected.labels, chosen, preference, **kwargs
        )
        name_every_nth(self.ax_, selected.rounds.tolist(), 15)
        self.ax_.set_xlabel("round")
        return self
