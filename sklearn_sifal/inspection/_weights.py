"""Weights of a net: their distribution, sparsity, norms, and how far they are from others."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._parameters import check_integer_value, check_real_value
from sklearn_sifal._weights_files import load_weights
from sklearn_sifal.inspection._kl_divergence import (
    BANDWIDTH,
    FLOOR,
    GridCounts,
    check_finite,
    chunks,
    count_on_grid,
    divergence,
    total_counts,
)
from sklearn_sifal.inspection._tabular import Tabular

#: What counts as nearly zero, unless said otherwise.
THRESHOLDS = (1e-4, 1e-3, 1e-2)

# In a saved state beside the weights: counters and statistics of normalising layers.
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True, eq=False, repr=False)
class WeightStatistics(Tabular):
    """Statistics of the weights of a net, by layer, and over the rounds of a training.

    Made by `weight_statistics`, and by `weight_trajectory`, whose arrays have the rounds as
    their first axis, but for `n_weights`. The last layer is all layers together.

    Attributes
    ----------
    layers : tuple of str
        Names of the weights, then ``"all"``.
    n_weights : ndarray of shape (n_layers,), int64
        Number of weights.
    mean, std : ndarray of shape ([n_rounds,] n_layers), float64
        Mean and standard deviation.
    l1_norm, l2_norm : ndarray of shape ([n_rounds,] n_layers), float64
        Sum of the absolute values, and root of the sum of squares.
    largest : ndarray of shape ([n_rounds,] n_layers), float64
        Largest absolute value.
    thresholds : tuple of n_thresholds floats
        What counts as nearly zero.
    sparsity : ndarray of shape ([n_rounds,] n_layers, n_thresholds), float64
        Share of the weights with an absolute value of at most the threshold.
    kl_from_zero, kl_from_one : ndarray of shape ([n_rounds,] n_layers), float64
        Kullback-Leibler divergence, in nats, of the distribution of the weights from a
        point mass at 0 and at 1; see `kl_divergence`.
    kl_from_initial : ndarray of shape ([n_rounds,] n_layers), float64
        The same from the initial weights; NaN if not given.
    kl_from_reference : ndarray of shape ([n_rounds,] n_layers), float64
        The same from the weights of another model; NaN if not given.
    bandwidth : float
        Bandwidth of these divergences, in units of the weights.
    rounds : ndarray of shape (n_rounds,), int64, or None
        The rounds, from 0, after which the weights were these; None of one state of a net.
    """

    layers: tuple[str, ...]
    n_weights: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    l1_norm: NDArray[np.float64]
    l2_norm: NDArray[np.float64]
    largest: NDArray[np.float64]
    thresholds: tuple[float, ...]
    sparsity: NDArray[np.float64]
    kl_from_zero: NDArray[np.float64]
    kl_from_one: NDArray[np.float64]
    kl_from_initial: NDArray[np.float64]
    kl_from_reference: NDArray[np.float64]
    bandwidth: float
    rounds: NDArray[np.int64] | None = None

    def _columns(self) -> dict[str, NDArray[Any]]:
        n_rounds = 1 if self.rounds is None else len(self.rounds)
        n_layers, n_thresholds = len(self.layers), len(self.thresholds)
        columns: dict[str, NDArray[Any]] = {}
        if self.rounds is not None:
            columns["round"] = np.repeat(self.rounds, n_layers)
        columns["layer"] = np.tile(np.array(self.layers), n_rounds)
        columns["n_weights"] = np.tile(self.n_weights, n_rounds)
        columns |= {name: getattr(self, name).ravel() for name in _BY_LAYER}
        shares = zip(self.thresholds, self.sparsity.reshape(-1, n_thresholds).T, strict=True)
        return columns | {f"sparsity_{threshold:g}": share for threshold, share in shares}


@dataclass(frozen=True, eq=False, repr=False)
class WeightHistogram(Tabular):
    """Histogram of the weights of a net, by layer, made by `weight_histogram`.

    Attributes
    ----------
    layers : tuple of str
        Names of the weights, then ``"all"``.
    edges : ndarray of shape (n_bins + 1,), float64
        Edges of the bins, the same for all layers.
    counts : ndarray of shape (n_layers, n_bins), int64
        Weights in each bin.
    density : ndarray of shape (n_layers, n_bins), float64
        Counts divided by the layer's number of weights and the width of the bin. A layer's
        integral is 1, less the share that lies outside of the edges.
    n_outside : ndarray of shape (n_layers,), int64
        Weights below the first or above the last edge.
    """

    layers: tuple[str, ...]
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    density: NDArray[np.float64]
    n_outside: NDArray[np.int64]

    def _columns(self) -> dict[str, Any]:
        n_layers, n_bins = self.counts.shape
        return {
            "layer": np.repeat(np.array(self.layers), n_bins),
            "low": np.tile(self.edges[:-1], n_layers),
            "high": np.tile(self.edges[1:], n_layers),
            "count": self.counts.ravel(),
            "density": self.density.ravel(),
        }


# Statistics with one number a layer, in the order of the columns.
_BY_LAYER = (
    *("mean", "std", "l1_norm", "l2_norm", "largest"),
    *("kl_from_zero", "kl_from_one", "kl_from_initial", "kl_from_reference"),
)


def weight_statistics(
    weights: Any,
    *,
    initial: Any = None,
    reference: Any = None,
    thresholds: Sequence[float] = THRESHOLDS,
    include_bias: bool = False,
    bandwidth: float = BANDWIDTH,
    floor: float = FLOOR,
) -> WeightStatistics:
    """Describe the weights of a net, layer by layer and all together.

    Parameters
    ----------
    weights : mapping of str to array, path or array-like
        Weights by name, such as ``estimator.weights_`` or the `state_dict` of a module; or
        a safetensors file; or one array.
    initial : mapping of str to array, path or array-like, default=None
        The weights before training, with the same names.
    reference : mapping of str to array, path or array-like, default=None
        Weights of another model, with the same names; shapes may differ.
    thresholds : sequence of float, default=(0.0001, 0.001, 0.01)
        Absolute values up to which a weight counts as nearly zero.
    include_bias : bool, default=False
        Whether to take in biases, which start at 0.
    bandwidth : float, default=0.01
        See `kl_divergence`, as for `floor`.
    floor : float, default=1e-10
        Least probability of a grid point.

    Returns
    -------
    statistics : WeightStatistics

    Raises
    ------
    ValueError
        If there are no weights, one is infinite or NaN, or a layer is missing in `initial`
        or `reference`.

    Notes
    -----
    Layers are read in pieces: a copy of none is made.

    Examples
    --------
    >>> statistics = weight_statistics({"input.weight": np.array([[0.0, 3.0], [-4.0, 0.0]])})
    >>> statistics.layers
    ('input.weight', 'all')
    >>> statistics.l2_norm, statistics.sparsity[0]
    (array([5., 5.]), array([0.5, 0.5, 0.5]))
    """
    _check_settings("weight_statistics", bandwidth, floor)
    limits = _checked_thresholds(thresholds)
    layers = _layers(weights, "weights", include_bias)
    references = _references(layers, initial, reference, include_bias, bandwidth)
    return _statistics(layers, references, limits, bandwidth, floor)


def weight_histogram(
    weights: Any,
    *,
    bins: Any = None,
    value_range: tuple[float, float] | None = None,
    include_bias: bool = False,
) -> WeightHistogram:
    """Count the weights of a net in bins, layer by layer and all together.

    Parameters
    ----------
    weights : mapping of str to array, path or array-like
        Weights by name, a safetensors file, or one array; see `weight_statistics`.
    bins : int or array-like of shape (n_bins + 1,), default=None
        Number of bins of equal width, or their edges: pass those of one model to count
        another in the same bins. None is the root of the number of weights of the largest
        layer, at most 100.
    value_range : tuple of two floats, default=None
        Lowest and highest edge; None for the smallest and largest weight. Not used with
        given edges.
    include_bias : bool, default=False
        Whether to take in biases.

    Returns
    -------
    histogram : WeightHistogram

    Raises
    ------
    ValueError
        If there are no weights, one is infinite or NaN, or bins are not valid.

    Examples
    --------
    >>> histogram = weight_histogram([0.1, 0.2, 0.6], bins=2, value_range=(0, 1))
    >>> histogram.counts[0], histogram.density[0]
    (array([2, 1]), array([1.33333333, 0.66666667]))
    """
    if np.ndim(bins) > 0 and not (np.diff(bins) > 0).all():
        raise ValueError(f"bins must increase, if they are edges. Got {bins}.")
    if np.ndim(bins) == 0 and bins is not None:
        check_integer_value("weight_histogram", "bins", bins, 1)
    layers = _layers(weights, "weights", include_bias)
    for layer, values in layers.items():
        for chunk in chunks(values):
            check_finite(chunk, layer)
    if bins is None:
        bins = default_bins(max(values.size for values in layers.values()))
    if value_range is None and np.ndim(bins) == 0:
        value_range = _extremes(layers)
    edges = np.histogram_bin_edges(np.zeros(0), bins, value_range)
    # Equal bins go by number and range, which numpy counts without a search.
    asked = {"bins": edges} if np.ndim(bins) else {"bins": bins, "range": value_range}
    counts = np.array([np.histogram(values, **asked)[0] for values in layers.values()])
    counts = np.vstack([counts, counts.sum(axis=0)]).astype(np.int64)
    sizes = np.array([values.size for values in layers.values()])
    sizes = np.append(sizes, sizes.sum())
    return WeightHistogram(
        layers=(*layers, "all"),
        edges=edges,
        counts=counts,
        density=counts / (sizes[:, np.newaxis] * np.diff(edges)),
        n_outside=sizes - counts.sum(axis=1),
    )


def default_bins(n_weights: int) -> int:
    """Bins that so many weights fill: about the root of their number, at most 100."""
    return min(100, math.ceil(math.sqrt(n_weights)))


def weight_trajectory(
    weight_history: Iterable[Any],
    *,
    initial: Any = None,
    reference: Any = None,
    thresholds: Sequence[float] = THRESHOLDS,
    include_bias: bool = False,
    bandwidth: float = BANDWIDTH,
    floor: float = FLOOR,
) -> WeightStatistics:
    """Describe the weights of a net after every round.

    Parameters
    ----------
    weight_history : iterable of n_rounds mappings, paths or array-likes
        The weights after each round, such as ``estimator.weight_history_``.
    initial, reference, thresholds, include_bias, bandwidth, floor
        See `weight_statistics`.

    Returns
    -------
    trajectory : WeightStatistics
        With the rounds as first axis.

    Raises
    ------
    ValueError
        If there are no rounds, they differ in their layers, or as for `weight_statistics`.

    Examples
    --------
    >>> history = [{"weight": np.array([0.0, 1.0])}, {"weight": np.array([3.0, 4.0])}]
    >>> weight_trajectory(history, initial=history[0]).l2_norm
    array([[1., 1.],
           [5., 5.]])
    """
    _check_settings("weight_trajectory", bandwidth, floor)
    limits = _checked_thresholds(thresholds)
    rounds: list[WeightStatistics] = []
    references: dict[str, list[GridCounts] | None] = {}
    for number, weights in enumerate(weight_history):
        layers = _layers(weights, f"weight_history[{number}]", include_bias)
        if not rounds:
            references = _references(layers, initial, reference, include_bias, bandwidth)
        elif (*layers, "all") != rounds[0].layers:
            raise ValueError(
                f"weight_history[{number}] must have the layers of the first round, "
                f"{list(rounds[0].layers[:-1])}. Got {list(layers)}."
            )
        rounds.append(_statistics(layers, references, limits, bandwidth, floor))
    if not rounds:
        raise ValueError("weight_history must have at least one round. Got none.")
    stacked: dict[str, Any] = {
        name: np.array([getattr(of_round, name) for of_round in rounds])
        for name in (*_BY_LAYER, "sparsity")
    }
    return replace(rounds[0], rounds=np.arange(len(rounds)), **stacked)


def _check_settings(owner: str, bandwidth: float, floor: float) -> None:
    check_real_value(owner, "bandwidth", bandwidth, 0, open_low=True)
    check_real_value(owner, "floor", floor, 0, 1e-3, open_low=True)


def _checked_thresholds(thresholds: Sequence[float]) -> tuple[float, ...]:
    limits = tuple(float(threshold) for threshold in thresholds)
    if not all(0 <= limit < np.inf for limit in limits):
        raise ValueError(f"thresholds must be numbers of at least 0. Got {list(limits)}.")
    return limits


def _layers(weights: Any, name: str, include_bias: bool) -> dict[str, NDArray[Any]]:
    """The arrays to look at, by name."""
    if not isinstance(weights, Mapping | str | os.PathLike):
        named = {"weights": np.asarray(weights)}
    else:
        named = load_weights(weights, name)
    last = {layer: layer.rpartition(".")[2] for layer in named}
    left_out = _BUFFERS if include_bias else (*_BUFFERS, "bias")
    layers = {layer: values for layer, values in named.items() if last[layer] not in left_out}
    if not any(values.size for values in layers.values()):
        raise ValueError(f"{name} must have at least one weight. Got {sorted(named)}.")
    return layers


def _extremes(layers: Mapping[str, NDArray[Any]]) -> tuple[float, float]:
    parts = [values for values in layers.values() if values.size]
    return float(min(v.min() for v in parts)), float(max(v.max() for v in parts))


def _references(
    layers: Mapping[str, NDArray[Any]],
    initial: Any,
    reference: Any,
    include_bias: bool,
    bandwidth: float,
) -> dict[str, list[GridCounts] | None]:
    """Counts of what the layers are compared with, each layer's and of all together."""
    references: dict[str, list[GridCounts] | None] = {
        f"kl_from_{name}": [count_on_grid(np.array([value]), bandwidth, name)] * (len(layers) + 1)
        for name, value in (("zero", 0.0), ("one", 1.0))
    }
    for name, given in (("initial", initial), ("reference", reference)):
        references[f"kl_from_{name}"] = None
        if given is not None:
            others = _layers(given, name, include_bias)
            missing = [layer for layer in layers if layer not in others]
            if missing:
                raise ValueError(f"{name} lacks the weights {missing}. Got {sorted(others)}.")
            references[f"kl_from_{name}"] = _grid_counts(
                {layer: others[layer] for layer in layers}, bandwidth
            )
    return references


def _grid_counts(layers: Mapping[str, NDArray[Any]], bandwidth: float) -> list[GridCounts]:
    counts = [count_on_grid(values, bandwidth, layer) for layer, values in layers.items()]
    return [*counts, total_counts(counts)]


@dataclass(frozen=True, slots=True)
class _Sums:
    """What the statistics of one layer are made from; adds up over pieces."""

    n: int
    mean: float
    squared_deviations: float
    absolute: float
    squares: float
    largest: float
    nearly_zero: NDArray[np.int64]

    def __add__(self, other: "_Sums") -> "_Sums":
        n = self.n + other.n
        if n == 0:
            return self
        step = other.mean - self.mean
        return _Sums(
            n=n,
            mean=self.mean + step * other.n / n,
            squared_deviations=self.squared_deviations
            + other.squared_deviations
            + step**2 * self.n * other.n / n,
            absolute=self.absolute + other.absolute,
            squares=self.squares + other.squares,
            largest=max(self.largest, other.largest),
            nearly_zero=self.nearly_zero + other.nearly_zero,
        )


def _sums(values: NDArray[Any], thresholds: tuple[float, ...]) -> _Sums:
    total = _Sums(0, 0.0, 0.0, 0.0, 0.0, 0.0, np.zeros(len(thresholds), np.int64))
    for chunk in chunks(values):
        size = np.abs(chunk)
        total += _Sums(
            n=len(chunk),
            mean=float(chunk.mean()),
            squared_deviations=float(chunk.var()) * len(chunk),
            absolute=float(size.sum()),
            squares=float(chunk @ chunk),
            largest=float(size.max()),
            nearly_zero=np.array([np.count_nonzero(size <= t) for t in thresholds], np.int64),
        )
    return total


def _statistics(
    layers: Mapping[str, NDArray[Any]],
    references: Mapping[str, list[GridCounts] | None],
    thresholds: tuple[float, ...],
    bandwidth: float,
    floor: float,
) -> WeightStatistics:
    counts = _grid_counts(layers, bandwidth)  # first: it refuses NaN
    sums = [_sums(values, thresholds) for values in layers.values()]
    together = sums[0]
    for of_layer in sums[1:]:
        together += of_layer
    sums = [*sums, together]
    n_weights = np.array([s.n for s in sums], dtype=np.int64)
    divergences: dict[str, Any] = {
        name: _divergences(counts, compared, floor) for name, compared in references.items()
    }
    with np.errstate(invalid="ignore"):  # a layer without weights has no mean
        return WeightStatistics(
            layers=(*layers, "all"),
            n_weights=n_weights,
            mean=np.array([s.mean if s.n else np.nan for s in sums]),
            std=np.sqrt(np.array([s.squared_deviations for s in sums]) / n_weights),
            l1_norm=np.array([s.absolute for s in sums]),
            l2_norm=np.sqrt([s.squares for s in sums]),
            largest=np.array([s.largest if s.n else np.nan for s in sums]),
            thresholds=thresholds,
            sparsity=np.array([s.nearly_zero for s in sums]) / n_weights[:, np.newaxis],
            bandwidth=float(bandwidth),
            **divergences,
        )


def _divergences(
    counts: list[GridCounts], compared: list[GridCounts] | None, floor: float
) -> NDArray[np.float64]:
    if compared is None:
        return np.full(len(counts), np.nan)
    pairs = zip(counts, compared, strict=True)
    return np.array([divergence(p, q, floor) for p, q in pairs])
