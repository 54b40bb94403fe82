"""Groups of similar losses: k-means in one dimension, without repetitions or random starts."""

import numpy as np
from numpy.typing import NDArray

_MAX_ITERATIONS = 100

#: Number of places for a cut, evenly over the distinct losses and again over their range.
_N_PLACES = 128


def loss_groups(
    losses: NDArray[np.floating], n_groups: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Cut losses into groups of small spread, numbered from the smallest losses up.

    Groups are intervals. The first cuts are those of least sum of squares among some
    hundred places, found by dynamic programming; Lloyd's iterations then move them
    half-way between the means. Equal losses share a group, unless there are fewer
    distinct losses than groups: then groups are equal parts of the rows in order of
    loss, ties in random order.

    Parameters
    ----------
    losses : ndarray of shape (n,)
        Finite numbers.
    n_groups : int
        At least 1.
    rng : numpy.random.Generator
        Used only if there are fewer distinct losses than groups.

    Returns
    -------
    groups : ndarray of shape (n,), int64
        Numbers from 0 to n_groups - 1.

    Examples
    --------
    >>> losses = np.array([0.1, 7.0, 0.2, 3.0, 7.5, 3.5])
    >>> loss_groups(losses, 3, np.random.default_rng(0))
    array([0, 2, 0, 1, 2, 1])
    """
    distinct, counts = np.unique(losses, return_counts=True)
    if len(distinct) < n_groups:
        return _equal_parts(losses, n_groups, rng)
    sums = _Sums(distinct, counts)
    starts = _settled(_best_starts(_places(sums, n_groups), sums, n_groups), sums)
    return np.searchsorted(distinct[starts], losses, side="right") - 1


def _equal_parts(
    losses: NDArray[np.floating], n_groups: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    order = rng.permutation(len(losses))
    order = order[np.argsort(losses[order], kind="stable")]
    groups = np.empty(len(losses), np.int64)
    for number, rows in enumerate(np.array_split(order, n_groups)):
        groups[rows] = number
    return groups


class _Sums:
    """Counts and sums of any range of the distinct values, taken from prefix sums."""

    def __init__(self, distinct: NDArray[np.floating], counts: NDArray[np.int64]) -> None:
        values = distinct.astype(np.float64)
        # Around the mean, so that large values do not swallow differences.
        self.values = values - np.average(values, weights=counts)
        self.n = np.concatenate([[0], np.cumsum(counts)])
        self.total = np.concatenate([[0.0], np.cumsum(counts * self.values)])

    def __len__(self) -> int:
        return len(self.values)

    def means(self, starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean of each group."""
        limits = np.append(starts, len(self))
        means: NDArray[np.float64] = np.diff(self.total[limits]) / np.diff(self.n[limits])
        return means


def _places(sums: _Sums, n_groups: int) -> NDArray[np.int64]:
    """Where groups may start or end: all places if they are few."""
    n, n_places = len(sums), max(_N_PLACES, n_groups)
    if n <= 2 * n_places:
        return np.arange(n + 1)
    by_rank = np.linspace(0, n, n_places + 1).astype(np.int64)
    by_value = np.linspace(sums.values[0], sums.values[-1], n_places)
    return np.union1d(by_rank, np.searchsorted(sums.values, by_value))


def _best_starts(places: NDArray[np.int64], sums: _Sums, n_groups: int) -> NDArray[np.int64]:
    """Where each group starts for the least sum of squares, with cuts at `places` only."""
    n = sums.n[places][None, :] - sums.n[places][:, None]
    total = sums.total[places][None, :] - sums.total[places][:, None]
    # The sum of squares is a constant less this, for a group from one place to another.
    explained = np.where(n > 0, total**2 / np.maximum(n, 1), -np.inf)
    best = np.where(places == 0, 0.0, -np.inf)
    previous = []
    for _ in range(n_groups):
        candidates = best[:, None] + explained
        previous.append(candidates.argmax(axis=0))
        best = candidates.max(axis=0)
    starts = np.empty(n_groups, np.int64)
    end = len(places) - 1
    for number in reversed(range(n_groups)):
        end = previous[number][end]
        starts[number] = places[end]
    return starts


def _settled(starts: NDArray[np.int64], sums: _Sums) -> NDArray[np.int64]:
    """Where each group starts after Lloyd's iterations; none of them runs empty."""
    for _ in range(_MAX_ITERATIONS):
        means = sums.means(starts)
        cuts = np.searchsorted(sums.values, (means[:-1] + means[1:]) / 2)
        moved = np.concatenate([[0], cuts])
        if np.array_equal(moved, starts) or (np.diff(moved, append=len(sums)) < 1).any():
            break
        starts = moved
    return starts
