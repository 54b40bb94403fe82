"""Kullback-Leibler divergence between distributions of numbers, from samples."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._parameters import check_real_value

#: Standard deviation of the kernel, in units of the weights.
BANDWIDTH = 0.01

#: Least probability of a grid point.
FLOOR = 1e-10

# Grid points in a bandwidth: the rounding to them adds 1/192 of the kernel's variance.
_POINTS_PER_BANDWIDTH = 4
# Bandwidths at which the kernel ends; beyond, it is below any sensible floor.
_REACH = 8
# Grid points on each side of 0; values beyond share the last one.
_MOST_POINTS = 2**20
# Values worked on at a time, so that no copy of a large layer is made.
_CHUNK = 2**18


@dataclass(frozen=True, eq=False)
class GridCounts:
    """How many values are nearest to each point of a grid.

    Attributes
    ----------
    first : int
        Number of the first point; point i is at i / 4 of a bandwidth.
    counts : ndarray of shape (n_points,), int64
        Values at this point and the following ones.
    """

    first: int
    counts: NDArray[np.int64]

    @property
    def end(self) -> int:
        """Number after that of the last point."""
        return self.first + len(self.counts)

    def on(self, first: int, end: int) -> NDArray[np.float64]:
        """The counts on a longer piece of the grid."""
        longer = np.zeros(end - first)
        longer[self.first - first : self.end - first] = self.counts
        return longer


def kl_divergence(
    sample: ArrayLike, reference: ArrayLike, *, bandwidth: float = BANDWIDTH, floor: float = FLOOR
) -> float:
    """Estimate how far the distribution of a sample is from that of a reference.

    The Kullback-Leibler divergence of p, the distribution of the sample, from q, that of
    the reference: the mean of log(p / q) over p. It is 0 for equal distributions and not
    symmetric.

    Parameters
    ----------
    sample : array-like
        Numbers, of any shape; their order is of no importance.
    reference : array-like or float
        Numbers; a single one stands for a point mass.
    bandwidth : float, default=0.01
        Standard deviation of the kernel, in the unit of the numbers. Divergences are
        comparable only if they were estimated with the same one.
    floor : float, default=1e-10
        Least probability of a grid point, above 0 and at most 1e-3.

    Returns
    -------
    divergence : float
        In nats; finite and at least 0. NaN if the sample or the reference is empty.

    Raises
    ------
    ValueError
        If a number is infinite or NaN, or a parameter out of its range.

    Notes
    -----
    Both samples are counted on one grid, whose points are a quarter of the bandwidth apart
    and include 0, and the counts smoothed with a Gaussian kernel that ends at 8 bandwidths.
    Probabilities below `floor` are set to it, both are scaled to a sum of 1, and the sum of
    p log(p / q) is taken over the grid. Numbers more than 2^20 points from 0 count at the
    last one.

    A point mass has no density, and samples with gaps have none in places: the divergence
    proper would be infinite. The kernel gives both sides the same blur, so that this is the
    divergence between the distributions of the numbers plus a normal error of standard
    deviation `bandwidth`. That is never more than the one without the error, and finite
    where that is not; between two point masses at distance d it is (d / bandwidth)^2 / 2.
    Where q has nothing within about 6 bandwidths the floor takes over, and every bit of p
    there adds its share times about log(p / floor), around 15 to 20 nats for a
    default floor, however far away it is.

    Samples of n and m numbers from one distribution that is k bandwidths wide have a
    divergence of roughly k (1/n + 1/m) / 7: differences of that size mean nothing.

    References
    ----------
    .. [1] S. Kullback and R. A. Leibler, "On Information and Sufficiency", Annals of
       Mathematical Statistics 22 (1951), 79-86.

    Examples
    --------
    >>> kl_divergence([0.1, 0.2], [0.2, 0.1])
    0.0
    >>> round(kl_divergence([0.02], 0.0), 3)  # two bandwidths away
    2.0
    """
    check_real_value("kl_divergence", "bandwidth", bandwidth, 0, open_low=True)
    check_real_value("kl_divergence", "floor", floor, 0, 1e-3, open_low=True)
    p = count_on_grid(np.asarray(sample), bandwidth, "sample")
    q = count_on_grid(np.asarray(reference), bandwidth, "reference")
    return divergence(p, q, floor)


def count_on_grid(values: NDArray[Any], bandwidth: float, name: str) -> GridCounts:
    """Count values at the grid points that they are nearest to."""
    points_per_unit = _POINTS_PER_BANDWIDTH / bandwidth
    return total_counts(_counts_of(chunk, points_per_unit, name) for chunk in chunks(values))


def check_finite(values: NDArray[np.float64], name: str) -> None:
    """Raise if a number is infinite or NaN."""
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite numbers. Got an infinite one or NaN.")


def _counts_of(values: NDArray[np.float64], points_per_unit: float, name: str) -> GridCounts:
    check_finite(values, name)
    with np.errstate(over="ignore"):
        points = np.rint(values * points_per_unit)
    points = points.clip(-_MOST_POINTS, _MOST_POINTS).astype(np.int64)
    first = int(points.min())
    return GridCounts(first, np.bincount(points - first))


def total_counts(parts: Iterable[GridCounts]) -> GridCounts:
    """Counts of several parts together."""
    found = [part for part in parts if len(part.counts)]
    if not found:
        return GridCounts(0, np.zeros(0, np.int64))
    first, end = min(part.first for part in found), max(part.end for part in found)
    counts = np.zeros(end - first, np.int64)
    for part in found:
        counts[part.first - first : part.end - first] += part.counts
    return GridCounts(first, counts)


def chunks(values: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    """Pieces of an array, whatever its shape, in double precision; none of an empty one."""
    flat = values.reshape(-1)
    for start in range(0, len(flat), _CHUNK):
        yield flat[start : start + _CHUNK].astype(np.float64)


def divergence(p: GridCounts, q: GridCounts, floor: float) -> float:
    """Divergence between the smoothed and floored distributions of two counts."""
    from scipy.special import rel_entr

    if len(p.counts) == 0 or len(q.counts) == 0:
        return float("nan")
    margin = _REACH * _POINTS_PER_BANDWIDTH
    first, end = min(p.first, q.first) - margin, max(p.end, q.end) + margin
    smoothed = [_probabilities(counts.on(first, end), floor) for counts in (p, q)]
    return max(0.0, float(rel_entr(*smoothed).sum()))


def _probabilities(counts: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    from scipy.ndimage import gaussian_filter1d

    smooth = gaussian_filter1d(counts, _POINTS_PER_BANDWIDTH, mode="constant", truncate=_REACH)
    floored = np.maximum(smooth / counts.sum(), floor)
    probabilities: NDArray[np.float64] = floored / floored.sum()
    return probabilities
