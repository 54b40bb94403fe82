"""WeightDistributionDisplay: histograms of the weights of one or several nets."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.inspection._weights import WeightHistogram, default_bins, weight_histogram
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import AxesLike, add_grid, add_legend
from sklearn_sifal.plotting._fitted_estimators import last_step
from sklearn_sifal.plotting._style import GREY, LIGHT_GREY, shown, styles_of

_INITIAL = "initial weights"
# More panels than this are no longer read.
_MOST_LAYERS = 6


class WeightDistributionDisplay(Display, axes_per="layer"):
    """Distributions of the weights, a panel per layer, models laid over each other.

    Parameters
    ----------
    histograms : WeightHistogram, or mapping of str to WeightHistogram
        Of one model, or of several by name. A model called ``'initial weights'`` is drawn
        as a grey area behind the others.

    Attributes
    ----------
    outlines_ : list of dict of str to matplotlib StepPatch
        Per axes the models' histograms.

    See Also
    --------
    WeightTrajectoryDisplay : Norms, sparsity and divergences over the rounds.

    Examples
    --------
    >>> from sklearn_sifal.plotting import WeightDistributionDisplay
    >>> display = WeightDistributionDisplay.from_arrays({"layer": [-1.0, 0.0, 0.0, 1.0]}, bins=2)
    >>> display.outlines_[0][""].get_data().values.tolist()
    [0.25, 0.75]
    """

    def __init__(self, histograms: WeightHistogram | Mapping[str, WeightHistogram]) -> None:
        self.histograms = histograms

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: Any = None,
        y: Any = None,
        *,
        bins: int | None = None,
        show_initial: bool = True,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the weights of one or several fitted estimators.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline, or mapping of str to such
            Of sklearn_sifal, or pipelines that end in one; several by name.
        bins : int, default=None
            Number of bins, over the range of all weights that are drawn. None is about the
            root of the number of weights of each layer, at most 100.
        show_initial : bool, default=True
            Whether to draw the initial weights (of the first estimator) as well.
        """
        by_name = dict(estimator) if isinstance(estimator, Mapping) else {"fitted": estimator}
        nets = {name: last_step(each) for name, each in by_name.items()}
        weights: dict[str, Any] = {}
        if show_initial and nets:
            weights[_INITIAL] = next(iter(nets.values())).initial_weights_
        weights |= {str(name): net.weights_ for name, net in nets.items()}
        return cls.from_arrays(weights, bins=bins, ax=ax, **kwargs)

    @classmethod
    def from_arrays(
        cls, weights: Any, *, bins: int | None = None, ax: AxesLike = None, **kwargs: Any
    ) -> Self:
        """Draw weights of any origin.

        Parameters
        ----------
        weights : mapping of str to array, or mapping of str to such mappings
            Arrays by layer; or those of several models by name.
        """
        fit_bins = bins is None
        several = all(isinstance(value, Mapping) for value in weights.values())
        by_name = dict(weights) if several else {"": weights}
        # Each alone has bins of its own, over the range of its weights.
        edges = [weight_histogram(layers, bins=bins).edges for layers in by_name.values()]
        span = (float(min(ends[0] for ends in edges)), float(max(ends[-1] for ends in edges)))
        bins = max(len(ends) for ends in edges) - 1
        histograms = {
            name: weight_histogram(layers, bins=bins, value_range=span)
            for name, layers in by_name.items()
        }
        return cls(histograms).plot(ax, **{"fit_bins": fit_bins, **kwargs})

    def plot(
        self,
        ax: AxesLike = None,
        *,
        layers: str | Sequence[str] | None = None,
        log: bool = True,
        fit_bins: bool = False,
        legend: bool = True,
        styles: Mapping[str, Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the histograms.

        Parameters
        ----------
        layers : str or sequence of str, default=None
            Layers by name; 'all' is all of them together. None is each layer, up to six,
            in a figure of our own, and 'all' in one given axes.
        log : bool, default=True
            Whether densities have a logarithmic scale, on which tails can be seen.
        fit_bins : bool, default=False
            Whether to put neighbouring bins of small layers together, until there are about
            as many as the root of the layer's number of weights: more of them are ragged.
            `from_estimator` and `from_arrays` do so where they are given no `bins`.
        legend : bool, default=True
            Whether to draw a legend, if there are several models.
        **kwargs : dict
            Passed to the outlines (:meth:`matplotlib.axes.Axes.stairs`).

        Raises
        ------
        ValueError
            If a layer does not exist, or there is another number of axes.
        """
        given = self.histograms
        histograms = dict(given) if isinstance(given, Mapping) else {"": given}
        if not histograms:
            raise ValueError("histograms must have at least one model. Got none.")
        names = self._layers(layers, ax, next(iter(histograms.values())).layers)
        columns = min(3, len(names))
        size = (1.5 + 3.3 * columns, 0.5 + 2.9 * -(-len(names) // columns))
        self.axes_ = self._make_axes(ax, len(names), size=size, n_columns=columns)
        self.outlines_: list[dict[str, Any]] = []
        looks = styles_of((name for name in histograms if name != _INITIAL), styles, self.ax_)
        for layer, axes in zip(names, self.axes_, strict=True):
            self.outlines_.append(self._draw(axes, histograms, layer, fit_bins, looks, kwargs))
            axes.set(xlabel="weight", ylabel="density")
            axes.set_title("all layers" if layer == "all" else shown(layer), fontsize="medium")
            if log:
                _scale_densities(axes)
            add_grid(axes, "both")
        if legend and len(histograms) > 1:
            # At the right of the first row.
            add_legend(self.axes_[columns - 1], self.outlines_[-1].values())
        return self

    def _layers(
        self, layers: str | Sequence[str] | None, ax: AxesLike, known: tuple[str, ...]
    ) -> list[str]:
        if layers is None:
            single = [name for name in known if name != "all"]
            if ax is None:
                return single[:_MOST_LAYERS] or ["all"]
            n_axes = int(np.size(np.asarray(ax, dtype=object)))
            return ["all"] if n_axes == 1 and "all" in known else single[:n_axes]
        names = [layers] if isinstance(layers, str) else list(layers)
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise ValueError(f"layers must be among {list(known)}. Got {layers!r} instead.")
        return names

    def _draw(
        self,
        axes: Any,
        histograms: dict[str, Any],
        layer: str,
        fit_bins: bool,
        looks: dict[str, dict[str, Any]],
        kwargs: dict[str, Any],
    ) -> dict[str, Any]:
        for name, histogram in histograms.items():
            if layer not in histogram.layers:
                raise ValueError(f"The weights of {name!r} have no layer {layer!r}.")
        # The same bins for all models, so that they can be compared.
        n_weights = max(_n_weights(histogram, layer) for histogram in histograms.values())
        outlines = {}
        for name, histogram in histograms.items():
            density, edges = _densities(histogram, layer, n_weights if fit_bins else None)
            if name == _INITIAL:
                style = {"color": LIGHT_GREY, "edgecolor": GREY, "fill": True, "zorder": 1}
            else:
                style = {key: looks[name][key] for key in ("color", "linestyle")}
                style["linewidth"] = 1.4
            outlines[name] = axes.stairs(density, edges, label=shown(name), **{**style, **kwargs})
        return outlines


def _n_weights(histogram: WeightHistogram, layer: str) -> int:
    position = histogram.layers.index(layer)
    return int(histogram.counts[position].sum() + histogram.n_outside[position])


def _densities(
    histogram: WeightHistogram, layer: str, fitted_to: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Densities of a layer and the bins' edges, of no more bins than so many weights fill."""
    position = histogram.layers.index(layer)
    counts, edges = histogram.counts[position], histogram.edges
    together = 1 if fitted_to is None else -(-len(counts) // default_bins(fitted_to))
    if together == 1:
        return histogram.density[position], edges
    starts = np.arange(0, len(counts), together)
    edges = np.append(edges[starts], edges[-1])
    merged = np.add.reduceat(counts, starts)
    return merged / (_n_weights(histogram, layer) * np.diff(edges)), edges


def _scale_densities(axes: Any) -> None:
    """A logarithmic scale that has numbers over less than two powers of ten, too."""
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high >= 100 * low:
        axes.minorticks_off()
        return
    steps = (2, 5) if high > 5 * low else range(2, 10)
    axes.yaxis.set_minor_locator(LogLocator(subs=steps))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(StrMethodFormatter("{x:g}"))
