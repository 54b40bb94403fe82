"""Weights of a net: their distribution, sparsity, norms, and how far they are from others."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.inspection._record import Record


@dataclass(frozen=True, eq=False, repr=False)
class WeightStatistics(Record):
    """Statistics of the weights of a net, by layer, made by `weight_statistics`.

    The last entry of every array is of all layers together.

    Attributes
    ----------
    layers : tuple of str
        Names of the weights, then ``"all"``.
    n_weights : ndarray of shape (n_layers,), int64
        Number of weights.
    mean, std : ndarray of shape (n_layers,), float64
        Mean and standard deviation.
    l1_norm, l2_norm : ndarray of shape (n_layers,), float64
        Sum of the absolute values, and root of the sum of squares.
    largest : ndarray of shape (n_layers,), float64
        Largest absolute value.
    thresholds : tuple of n_thresholds floats
        What counts as nearly zero.
    sparsity : ndarray of shape (n_layers, n_thresholds), float64
        Share of the weights with an absolute value of at most the threshold.
    kl_from_zero, kl_from_one : ndarray of shape (n_layers,), float64
        Kullback-Leibler divergence, in nats, of the distribution of the weights from a
        point mass at 0 and at 1; see `kl_divergence`.
    kl_from_initial : ndarray of shape (n_layers,), float64
        The same from the initial weights; NaN if not given.
    kl_from_reference : ndarray of shape (n_layers,), float64
        The same from the weights of another model; NaN if not given.
    bandwidth : float
        Bandwidth of these divergences, in units of the weights.
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

    def _columns(self) -> dict[str, Any]:
        return _statistics_columns(self, {"layer": np.array(self.layers)})


@dataclass(frozen=True, eq=False, repr=False)
class WeightHistogram(Record):
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


@dataclass(frozen=True, eq=False, repr=False)
class WeightTrajectory(Record):
    """The statistics of `WeightStatistics` over the rounds of a training.

    The last layer of every array is all layers together.

    Attributes
    ----------
    rounds : ndarray of shape (n_rounds,), int64
        The rounds, from 0; the weights are those after the round.
    layers : tuple of str
        Names of the weights, then ``"all"``.
    n_weights : ndarray of shape (n_layers,), int64
        Number of weights.
    mean, std : ndarray of shape (n_rounds, n_layers), float64
        Mean and standard deviation.
    l1_norm, l2_norm : ndarray of shape (n_rounds, n_layers), float64
        Sum of the absolute values, and root of the sum of squares.
    largest : ndarray of shape (n_rounds, n_layers), float64
        Largest absolute value.
    thresholds : tuple of n_thresholds floats
        What counts as nearly zero.
    sparsity : ndarray of shape (n_rounds, n_layers, n_thresholds), float64
        Share of the weights with an absolute value of at most the threshold.
    kl_from_zero, kl_from_one : ndarray of shape (n_rounds, n_layers), float64
        Divergence, in nats, from a point mass at 0 and at 1.
    kl_from_initial : ndarray of shape (n_rounds, n_layers), float64
        Divergence from the initial weights; NaN if not given.
    kl_from_reference : ndarray of shape (n_rounds, n_layers), float64
        Divergence from the weights of another model; NaN if not given.
    bandwidth : float
        Bandwidth of these divergences, in units of the weights.
    """

    rounds: NDArray[np.int64]
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

    def _columns(self) -> dict[str, Any]:
        n_rounds, n_layers = self.mean.shape
        keys = {
            "round": np.repeat(self.rounds, n_layers),
            "layer": np.tile(np.array(self.layers), n_rounds),
        }
        return _statistics_columns(self, keys)


# Statistics with one number a layer, in the order of the columns.
_SCALARS = (
    "mean",
    "std",
    "l1_norm",
    "l2_norm",
    "largest",
    "kl_from_zero",
    "kl_from_one",
    "kl_from_initial",
    "kl_from_reference",
)


def _statistics_columns(record: Any, keys: dict[str, NDArray[Any]]) -> dict[str, Any]:
    n_entries = record.mean.size
    columns = {**keys, "n_weights": np.resize(record.n_weights, n_entries)}
    columns |= {name: getattr(record, name).ravel() for name in _SCALARS}
    sparsity = record.sparsity.reshape(n_entries, len(record.thresholds))
    named = zip(record.thresholds, sparsity.T, strict=True)
    return columns | {f"sparsity_{threshold:g}": share for threshold, share in named}
