"""SelectionDisplay: which rows each round chose."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._parameters import check_integer_value, reject_value
from sklearn_sifal.inspection._checks import encode
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import AxesLike, integer_ticks
from sklearn_sifal.plotting._fitted_estimators import check_length, losses_of, selections_among
from sklearn_sifal.plotting._style import ROWS_COLOR, SEQUENTIAL, shown

_ORDERS = {
    "row": "row",
    "label": "rows, by label",
    "visits": "rows, most visited first",
    "loss": "rows, largest loss first",
}


class SelectionDisplay(Display):
    """A raster of rows and rounds: which rows were chosen when.

    With more rows than `max_rows` of `plot`, neighbours are put together and the colour is the
    share of them that was chosen. A row counts once a round however often it was drawn in it.

    Parameters
    ----------
    selections : sequence of array-like of int
        Rows chosen in each round, such as `selections_`.
    n_samples : int
        Number of rows there are.
    y : array-like of shape (n_samples,), default=None
        Labels, for ``sort_by='label'``.
    losses : array-like of shape (n_samples,), default=None
        Losses, for ``sort_by='loss'``.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        The raster, shape (rows or bins of rows, rounds), in percent.
    colorbar_ : matplotlib Colorbar or None
        The scale of the shares; None where each row has a line of its own.
    order_ : ndarray of shape (n_samples,)
        Rows from the top to the bottom.

    See Also
    --------
    SelectionOverlapDisplay : How alike the selections of successive rounds are.
    VisitCountDisplay : How often rows were trained on.

    Examples
    --------
    >>> from sklearn_sifal.plotting import SelectionDisplay
    >>> display = SelectionDisplay([[0, 1, 2], [1, 2], [2]], n_samples=3)
    >>> display.plot(sort_by="visits").order_
    array([2, 1, 0])
    """

    def __init__(
        self,
        selections: Sequence[ArrayLike],
        n_samples: int,
        *,
        y: ArrayLike | None = None,
        losses: ArrayLike | None = None,
    ) -> None:
        self.selections = selections
        self.n_samples = n_samples
        self.y = y
        self.losses = losses

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: Any = None,
        y: Any = None,
        *,
        sort_by: str = "row",
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the selections of a fit.

        Rows held out for validation and those of weight zero are left out.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            Fitted with ``record='history'``.
        X : array-like, default=None
            The training rows; with them ``sort_by='loss'`` goes by their losses under the
            finished weights, without them by the last known losses.
        y : array-like, default=None
            The training labels, for ``sort_by='label'``.
        sort_by : {'row', 'label', 'visits', 'loss'}, default='row'
            See `plot`.

        Raises
        ------
        ValueError
            If the estimator was not fitted with ``record='history'``.
        """
        selections, trained = selections_among(estimator)
        labels = None if y is None else check_length(y, "y", len(trained))[trained]
        losses = check_length(losses_of(estimator, X, y), "losses of X", len(trained))[trained]
        display = cls(selections, int(trained.sum()), y=labels, losses=losses)
        return display.plot(ax, sort_by=sort_by, **kwargs)

    @classmethod
    def from_arrays(
        cls,
        selections: Sequence[ArrayLike],
        n_samples: int,
        *,
        y: ArrayLike | None = None,
        losses: ArrayLike | None = None,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw selections of any origin.

        Parameters
        ----------
        y : array-like of shape (n_samples,), default=None
            Labels, for ``sort_by='label'``.
        """
        return cls(selections, n_samples, y=y, losses=losses).plot(ax, **kwargs)

    def plot(
        self, ax: AxesLike = None, *, sort_by: str = "row", max_rows: int = 400, **kwargs: Any
    ) -> Self:
        """Draw the raster.

        Parameters
        ----------
        sort_by : {'row', 'label', 'visits', 'loss'}, default='row'
            From the top to the bottom: the order of the input, that of the labels, most visited
            first, or largest loss first (never measured ones last).
        max_rows : int, default=400
            Most lines of the raster.
        **kwargs : dict
            Passed to :meth:`matplotlib.axes.Axes.imshow`.

        Raises
        ------
        ValueError
            If `sort_by` is something else, or what it goes by was not given.
        """
        check_integer_value("SelectionDisplay.plot", "max_rows", max_rows, 1)
        selections = self._checked_selections()
        self.order_ = self._order(sort_by, selections)
        shares = self._raster(selections, max_rows)
        self._make_axes(ax, size=(6.4, 4.8))
        is_binned = self.n_samples > max_rows
        settings = {
            "aspect": "auto",
            "vmin": 0,
            "vmax": 100,
            "cmap": SEQUENTIAL if is_binned else self._two_colors(),
            "interpolation": "nearest",
            # In rows, so that the axis reads the same however they are put together.
            "extent": (-0.5, len(selections) - 0.5, self.n_samples - 0.5, -0.5),
        }
        self.image_ = self.ax_.imshow(shares, **{**settings, **kwargs})
        self.colorbar_ = None
        if is_binned:
            self.colorbar_ = self.figure_.colorbar(
                self.image_, ax=self.ax_, label="share of rows chosen (%)"
            )
        self._name_axes(sort_by, is_binned)
        return self

    def _checked_selections(self) -> list[NDArray[np.int64]]:
        check_integer_value("SelectionDisplay", "n_samples", self.n_samples, 1)
        selections = [np.asarray(rows, dtype=np.int64).ravel() for rows in self.selections]
        if not selections:
            raise ValueError("selections must have at least one round. Got none.")
        for rows in selections:
            if len(rows) and (rows.min() < 0 or rows.max() >= self.n_samples):
                raise ValueError(
                    f"selections must have rows from 0 to n_samples - 1 = {self.n_samples - 1}. "
                    f"Got {rows.min()} to {rows.max()}."
                )
        return selections

    def _order(self, sort_by: str, selections: list[NDArray[np.int64]]) -> NDArray[np.int64]:
        if sort_by not in _ORDERS:
            reject_value("SelectionDisplay.plot", "sort_by", f"one of {list(_ORDERS)}", sort_by)
        if sort_by == "row":
            return np.arange(self.n_samples)
        if sort_by == "visits":
            visits = np.zeros(self.n_samples, dtype=np.int64)
            for rows in selections:
                visits += np.bincount(rows, minlength=self.n_samples)
            return np.argsort(-visits, kind="stable")
        if sort_by == "label":
            return np.argsort(self._labels()[1], kind="stable")
        return np.argsort(-self._needed("losses", sort_by), kind="stable")

    def _needed(self, name: str, sort_by: str) -> NDArray[Any]:
        values = getattr(self, name)
        if values is None:
            raise ValueError(f"sort_by={sort_by!r} needs {name}, which was not given.")
        return check_length(values, name, self.n_samples)

    def _labels(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Distinct labels, sorted, and the position of each row's among them."""
        return encode(self._needed("y", "label"), "y", self.n_samples)

    def _raster(self, selections: list[NDArray[np.int64]], max_rows: int) -> NDArray[np.float64]:
        n_bins = min(max_rows, self.n_samples)
        starts = np.arange(n_bins) * self.n_samples // n_bins
        sizes = np.diff(np.append(starts, self.n_samples))
        shares = np.empty((n_bins, len(selections)))
        for column, rows in enumerate(selections):
            chosen = np.zeros(self.n_samples, dtype=bool)
            chosen[rows] = True
            shares[:, column] = np.add.reduceat(chosen[self.order_], starts, dtype=np.int64)
        return 100 * shares / sizes[:, None]

    def _two_colors(self) -> Any:
        from matplotlib.colors import ListedColormap

        return ListedColormap(["#F2F2F2", ROWS_COLOR])

    def _name_axes(self, sort_by: str, is_binned: bool) -> None:
        self.ax_.set(xlabel="round", ylabel=_ORDERS[sort_by])
        integer_ticks(self.ax_, "x")
        integer_ticks(self.ax_, "y")
        self.ax_.yaxis.set_major_formatter("{x:,.0f}")
        if sort_by == "label":
            self._name_labels()
        if not is_binned:
            self.ax_.set_title("dark: chosen", fontsize="small", loc="right")

    def _name_labels(self) -> None:
        """Ticks in the middle of each label's rows, where they have room."""
        labels, codes = self._labels()
        counts = np.bincount(codes, minlength=len(labels))
        ends = np.cumsum(counts)
        middles = ends - counts / 2 - 0.5
        # A tick needs about a thirtieth of the height.
        room, last, kept = self.n_samples / 30, -np.inf, []
        for number, middle in enumerate(middles):
            if middle - last >= room:
                kept.append(number)
                last = middle
        self.ax_.set_yticks(middles[kept], [shown(labels[k]) for k in kept], fontsize="small")
        if len(labels) <= 30:
            for end in ends[:-1]:
                self.ax_.axhline(end - 0.5, color="white", linewidth=0.8)
