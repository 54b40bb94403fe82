"""DataMapDisplay: rows by how confidently and how steadily they were learnt."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._parameters import check_integer_value
from sklearn_sifal.inspection._data_map import DataMap, data_map
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import AxesLike
from sklearn_sifal.plotting._fitted_estimators import last_step
from sklearn_sifal.plotting._style import (
    ROWS_COLOR,
    SEQUENTIAL,
    foreground,
    shown_count,
    shown_share,
)

_MARKERS = {"easy": "o", "ambiguous": "s", "hard": "^"}


class DataMapDisplay(Display):
    """A data map: confidence in a row's label against how much it varied.

    Up to `max_points` rows are drawn one by one, with the correctness as colour and the
    region as marker; more are counted in hexagons, on a logarithmic scale.

    Parameters
    ----------
    data_map : DataMap
        The rows' dynamics and regions.

    Attributes
    ----------
    points_ : dict of str to matplotlib PathCollection
        Points of each region; empty if there are hexagons.
    hexagons_ : matplotlib PolyCollection or None
        Numbers of rows.
    colorbar_ : matplotlib Colorbar or None
        The scale of the colours; None if the correctness is not known.

    See Also
    --------
    LossDecileDisplay : Rows by their loss.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography: Mapping and Diagnosing Datasets with
       Training Dynamics", EMNLP 2020.

    Examples
    --------
    >>> from sklearn_sifal.plotting import DataMapDisplay
    >>> display = DataMapDisplay.from_arrays([0.9, 0.2, 0.5], [0.1, 0.1, 0.4], [1.0, 0.0, 0.5])
    >>> sorted(display.points_)
    ['ambiguous', 'easy', 'hard']
    """

    def __init__(self, data_map: DataMap) -> None:
        self.data_map = data_map

    @classmethod
    def from_estimator(
        cls, estimator: object, X: Any = None, y: Any = None, *, ax: AxesLike = None, **kwargs: Any
    ) -> Self:
        """Draw the map of a fit's training rows.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            A classifier fitted with ``record='dynamics'`` or ``'history'``.

        Raises
        ------
        ValueError
            If the dynamics were not recorded.
        """
        net = last_step(estimator)
        table = net.loss_table_
        if "confidence" not in (table.dtype.names or ()):
            raise ValueError(
                "The estimator has no confidence of its rows: fit a classifier with "
                f"record='dynamics' or 'history', not record={getattr(net, 'record', None)!r}."
            )
        return cls(data_map(table)).plot(ax, **kwargs)

    @classmethod
    def from_arrays(
        cls,
        confidence: ArrayLike,
        variability: ArrayLike,
        correctness: ArrayLike | None = None,
        *,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the map of dynamics of any origin.

        Parameters
        ----------
        confidence : array-like of shape (n_samples,)
            Mean probability of the label, in [0, 1].
        variability : array-like of shape (n_samples,)
            Its standard deviation.
        correctness : array-like of shape (n_samples,), default=None
            Share of the visits in which the row was right, in [0, 1].
        """
        table = {"confidence": confidence, "variability": variability}
        if correctness is not None:
            table["correctness"] = correctness
        return cls(data_map(table)).plot(ax, **kwargs)

    def plot(self, ax: AxesLike = None, *, max_points: int = 5000, **kwargs: Any) -> Self:
        """Draw the map.

        Parameters
        ----------
        max_points : int, default=5000
            Most rows that are drawn one by one.
        **kwargs : dict
            Passed to :meth:`matplotlib.axes.Axes.scatter` or
            :meth:`matplotlib.axes.Axes.hexbin`.
        """
        check_integer_value("DataMapDisplay.plot", "max_points", max_points, 0)
        known = np.isfinite(self.data_map.confidence) & np.isfinite(self.data_map.variability)
        self._make_axes(ax, size=(6.2, 4.8))
        self.points_: dict[str, Any] = {}
        self.hexagons_: Any = None
        self.colorbar_: Any = None
        if known.sum() > max_points:
            self._draw_hexagons(known, kwargs)
        elif known.any():
            self._draw_points(known, kwargs)
        widest = float(np.max(self.data_map.variability[known], initial=0))
        self.ax_.set(
            xlabel="variability (standard deviation of the label's probability)",
            ylabel="confidence (its mean)",
            xlim=(-0.01, max(0.1, 1.04 * widest)),
            ylim=(-0.02, 1.02),
        )
        self._name_regions(int(known.sum()))
        return self

    def _draw_points(self, known: NDArray[np.bool_], kwargs: dict[str, Any]) -> None:
        of = self.data_map
        colored = bool(np.isfinite(of.correctness[known]).all())
        common = {"s": 16, "linewidth": 0.2, "edgecolor": foreground(self.ax_), "alpha": 0.8}
        for region, marker in _MARKERS.items():
            rows = np.flatnonzero(known & (of.region == region))
            settings = {"marker": marker, "rasterized": len(rows) > 1000, **common}
            if colored:
                settings |= {"c": of.correctness[rows], "cmap": SEQUENTIAL, "vmin": 0, "vmax": 1}
            else:
                settings["color"] = ROWS_COLOR
            self.points_[region] = self.ax_.scatter(
                of.variability[rows], of.confidence[rows], **{**settings, **kwargs}
            )
        if colored:
            self.colorbar_ = self.figure_.colorbar(
                self.points_["easy"],
                ax=self.ax_,
                label="correctness (share of visits predicted right)",
            )

    def _draw_hexagons(self, known: NDArray[np.bool_], kwargs: dict[str, Any]) -> None:
        settings = {"gridsize": 45, "bins": "log", "mincnt": 1, "cmap": SEQUENTIAL}
        self.hexagons_ = self.ax_.hexbin(
            self.data_map.variability[known],
            self.data_map.confidence[known],
            **{**settings, "linewidths": 0.1, **kwargs},
        )
        self.colorbar_ = self.figure_.colorbar(self.hexagons_, ax=self.ax_, label="rows")

    def _name_regions(self, n_known: int) -> None:
        """Borders of the regions, and above the axes how many rows each has."""
        counts, border = self.data_map.counts, self.data_map.variability_threshold
        names = [
            f"{region} {shown_share(counts.get(region, 0) / max(1, n_known))}"
            for region in _MARKERS
        ]
        if unknown := counts.get("unknown", 0):
            self.ax_.annotate(
                f"not trained on: {shown_count(unknown)} rows",
                (0.99, 0.01),
                xycoords="axes fraction",
                ha="right",
                fontsize="small",
            )
        style: dict[str, Any] = {"linewidth": 0.8, "linestyle": ":"}
        style["color"] = foreground(self.ax_)
        if np.isfinite(border):
            self.ax_.axvline(border, **style)
        right = border if np.isfinite(border) else self.ax_.get_xlim()[1]
        self.ax_.plot([-1, right], [self.data_map.confidence_threshold] * 2, **style)
        if self.points_:
            self.ax_.legend(
                list(self.points_.values()),
                names,
                loc="lower center",
                bbox_to_anchor=(0.5, 1.0),
                ncols=3,
                frameon=False,
                fontsize="small",
                handletextpad=0.1,
            )
        else:
            self.ax_.set_title(", ".join(names), fontsize="small")
