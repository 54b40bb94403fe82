"""Paired differences, their intervals, and what many of them together can say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """Mean difference of pairs, with its t interval.

    Attributes
    ----------
    mean : float
        Mean difference.
    low, high : float
        Ends of the 95 % interval; NaN for one pair.
    p_value : float
        Of a two-sided t test against no difference; NaN for one pair.
    n_pairs : int
        Number of pairs.
    """

    mean: float
    low: float
    high: float
    p_value: float
    n_pairs: int

    def named(self, name: str) -> dict[str, float]:
        """The difference and the ends of its interval, as entries of a record."""
        return {name: self.mean, f"{name}_low": self.low, f"{name}_high": self.high}


def paired_difference(
    values: ArrayLike, reference: ArrayLike, *, resolution: float = 0.0
) -> PairedDifference:
    """Difference of two paired samples.

    Parameters
    ----------
    values, reference : array-like of shape (n_pairs,)
        One value a seed, in the same order.
    resolution : float, default=0.0
        Least step of the values, such as one test row in accuracy. Differences that are all
        alike but not zero are taken to be alike by rounding to it, with a standard deviation
        of ``resolution / sqrt(12)``; otherwise their interval would have no width.

    Returns
    -------
    difference : PairedDifference
        Without any difference in any pair, the interval is [0, 0] and the p-value 1.
    """
    differences = np.asarray(values, np.float64) - np.asarray(reference, np.float64)
    n, mean = len(differences), float(differences.mean())
    if n < 2 or not np.isfinite(mean):
        unknown = float("nan")
        return PairedDifference(mean, unknown, unknown, unknown, n)
    if not differences.any():
        return PairedDifference(0.0, 0.0, 0.0, 1.0, n)
    spread = float(differences.std(ddof=1))
    # Equal steps of 1/n_test differ in their last bits.
    if spread <= 1e-9 * abs(mean):
        spread = float(resolution / np.sqrt(12))
    error = float(spread / np.sqrt(n))
    if error == 0:
        return PairedDifference(mean, mean, mean, 0.0, n)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * error)
    p_value = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    return PairedDifference(mean, mean - half, mean + half, p_value, n)


def holm_adjusted(p_values: Sequence[float]) -> NDArray[np.float64]:
    """P-values adjusted for their number, after Holm (1979).

    Below a level of 0.05, the chance that even one of several true nulls is rejected is at
    most 0.05. NaN stays NaN and does not count.

    Parameters
    ----------
    p_values : sequence of float
        One for each comparison.

    Returns
    -------
    adjusted : ndarray of shape (n_comparisons,)
        In the same order, at most 1.
    """
    p = np.asarray(p_values, np.float64)
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps * p[order]))
    return adjusted


def standard_error_over_rows(difference_by_row: NDArray[Any]) -> float:
    """Standard error of a mean difference, if the test rows had been others.

    Parameters
    ----------
    difference_by_row : ndarray of shape (n_test,)
        Differences of a row's figures, means over the seeds.
    """
    n = len(difference_by_row)
    return float(difference_by_row.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
