"""Pure functions that rank losses; every random choice comes from the given generator."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def count_for(percentage: float, n: int) -> int:
    """Smallest whole number of at least `percentage` per cent of n, and at least 1.

    >>> count_for(30, 10), count_for(31, 10), count_for(0.1, 10)
    (3, 4, 1)
    """
    # The subtraction keeps a product that is whole but for rounding from going up by one.
    return min(n, max(1, math.ceil(percentage * n / 100 - 1e-9)))


def top_k(values: NDArray[np.floating], k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of the k largest values, ascending; ties at the border are drawn.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite numbers.
    k : int
        Between 0 and n.
    rng : numpy.random.Generator
        Used only if values equal to the k-th largest have to be left out.

    Examples
    --------
    >>> top_k(np.array([0.5, 3.0, 1.0, 2.0]), 2, np.random.default_rng(0))
    array([1, 3])
    """
    n = len(values)
    if k >= n:
        return np.arange(n, dtype=np.int64)
    if k <= 0:
        return np.empty(0, dtype=np.int64)
    threshold = np.partition(values, n - k)[n - k]
    chosen = values > threshold
    equal = np.flatnonzero(values == threshold)
    n_equal = k - int(np.count_nonzero(chosen))
    if n_equal < len(equal):
        equal = rng.choice(equal, n_equal, replace=False)
    chosen[equal] = True
    return np.flatnonzero(chosen)


def bottom_k(values: NDArray[np.floating], k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of the k smallest values, ascending; ties at the border are drawn."""
    return top_k(-values, k, rng)


def first_k(
    values: NDArray[np.floating], k: int, rng: np.random.Generator, *, largest: bool
) -> NDArray[np.int64]:
    """Positions of the k largest, or smallest, values; see `top_k`."""
    return top_k(values, k, rng) if largest else bottom_k(values, k, rng)


def others(n: int, positions: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers below n that are not among `positions`, ascending."""
    left = np.ones(n, dtype=bool)
    left[positions] = False
    return np.flatnonzero(left)


def filled_up(
    positions: NDArray[Any],
    n: int,
    values: NDArray[np.floating],
    rng: np.random.Generator,
    *,
    largest: bool,
) -> NDArray[np.int64]:
    """Some positions, and those of the largest (or smallest) values among the others: n in all."""
    rest = others(len(values), positions)
    extra = rest[first_k(values[rest], n - len(positions), rng, largest=largest)]
    return np.concatenate([positions, extra])


def coverage_count(losses: NDArray[np.floating], percentage: float, *, largest: bool) -> int:
    """How many of the largest (or smallest) losses hold a share of their total.

    Parameters
    ----------
    losses : ndarray of shape (n,)
        Non-negative numbers.
    percentage : float
        Share of the total, in (0, 100].
    largest : bool
        Whether to count from the largest loss or from the smallest.

    Returns
    -------
    m : int
        The smallest m for which the first m losses sum to at least the share. If all
        losses are zero, the same share of the rows.

    Examples
    --------
    >>> losses = np.array([1.0, 4.0, 2.0, 3.0])
    >>> coverage_count(losses, 70, largest=True), coverage_count(losses, 70, largest=False)
    (2, 4)
    """
    ordered = np.sort(losses)
    covered = np.cumsum(ordered[::-1] if largest else ordered, dtype=np.float64)
    total = covered[-1]
    if total == 0.0:
        return count_for(percentage, len(losses))
    target = percentage * total / 100 * (1 - 1e-12)  # the sum is exact to rounding only
    return min(len(losses), int(np.searchsorted(covered, target)) + 1)


def powers_of(losses: NDArray[np.floating], epsilon: float, alpha: float) -> NDArray[np.float64]:
    """(max(loss, 0) + epsilon) ** alpha, step by step in one array: there may be many rows.

    >>> powers_of(np.array([4.0, 0.0]), 0.0, 0.5)
    array([2., 0.])
    """
    powers = losses.astype(np.float64)
    np.maximum(powers, 0.0, out=powers)
    powers += epsilon
    powers **= alpha
    return powers


def inclusion_probabilities(
    weights: NDArray[np.floating], expected_count: float
) -> NDArray[np.float64]:
    """Probabilities q = min(1, c w) that sum to `expected_count`.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        Positive numbers.
    expected_count : float
        In (0, n].

    Examples
    --------
    >>> inclusion_probabilities(np.array([8.0, 1.0, 1.0]), 2.0)
    array([1. , 0.5, 0.5])
    """
    weights = np.asarray(weights, np.float64)
    if expected_count >= len(weights):
        return np.ones(len(weights))
    certain = np.zeros(len(weights), dtype=bool)
    while not certain.all():
        # Rows that reach 1 leave the sum, which raises c for the rest; each turn
        # adds rows, so this ends. By rounding they may be more than expected.
        rest = weights[~certain] if certain.any() else weights
        c = max(expected_count - certain.sum(), 0.0) / rest.sum()
        del rest  # there are few rows less than in all
        q: NDArray[np.float64] = c * weights
        reached = ~certain & (q >= 1.0)
        if not reached.any():
            q[certain] = 1.0
            return q
        certain |= reached
    return np.ones(len(weights))


def systematic_sample(
    probabilities: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw a set of fixed size in which every position has its given probability.

    Parameters
    ----------
    probabilities : ndarray of shape (n,)
        Inclusion probabilities, at most 1 each, with a whole number k as their sum.
    rng : numpy.random.Generator
        Source of the order and of the starting point.

    Returns
    -------
    positions : ndarray of shape (k,), int64
        Ascending.

    References
    ----------
    Madow, "On the theory of systematic sampling, II", Annals of Mathematical
    Statistics 20, 1949.

    Examples
    --------
    >>> systematic_sample(np.array([1.0, 0.5, 0.5]), np.random.default_rng(0)).shape
    (2,)
    """
    order = rng.permutation(len(probabilities))
    ends = np.cumsum(probabilities[order])
    # Points at distance 1 meet each interval of length q <= 1 at most once.
    points = rng.random() + np.arange(round(ends[-1]))
    hit = np.searchsorted(ends, points, side="right").clip(max=len(order) - 1)
    return np.unique(order[hit])


def ranks_from_top(values: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Rank of each value, 0 for the largest; equal values are ranked in random order.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite numbers.
    rng : numpy.random.Generator
        Source of the order among equal values.

    Examples
    --------
    >>> ranks_from_top(np.array([0.5, 3.0, 1.0, 2.0]), np.random.default_rng(0))
    array([3, 0, 2, 1])
    """
    order = rng.permutation(len(values))
    order = order[np.argsort(-values[order], kind="stable")]
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.arange(len(values))
    return ranks


def poisson_sample(
    preference: NDArray[np.floating], expected_count: float, least: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw positions independently, with probabilities in proportion to a preference.

    Where the expected number is so close to `least` that fewer may come out, a set of fixed
    size is drawn with probabilities made in the same way: drawing again only then would
    favour large sets. Elsewhere that is done in the one case in thirty thousand in which
    fewer come out.

    Parameters
    ----------
    preference : ndarray of shape (n,)
        Positive numbers.
    expected_count : float
        In (0, n].
    least : int
        Least number of positions, at most n.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    positions : ndarray of shape (m,), int64
        Ascending.
    probabilities : ndarray of shape (n,), float64
        With which each position was drawn.

    References
    ----------
    Hajek, "Asymptotic theory of rejective sampling with varying probabilities from a
    finite population", Annals of Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> poisson_sample(np.ones(4), 4.0, 1, np.random.default_rng(0))
    (array([0, 1, 2, 3]), array([1., 1., 1., 1.]))
    """
    size = min(len(preference), max(round(expected_count), least))
    if expected_count >= least + 4 * least**0.5:
        q = inclusion_probabilities(preference, expected_count)
        positions = np.flatnonzero(rng.random(len(preference)) < q)
        if len(positions) >= least:
            return positions, q
        size = least
    q = inclusion_probabilities(preference, size)
    return systematic_sample(q, rng), q
