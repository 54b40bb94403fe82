"""Tests on ranks over data sets: Friedman's, Wilcoxon's, Nemenyi's."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sklearn_sifal.comparison._statistics import LEVEL

# Up to so many pairs the distribution over all signs is computed as it is; beyond, a normal one
# differs from it by less than anybody would read.
_MOST_EXACT = 100
_FIGURES = 12  # significant digits of a figure: what differs beyond them differs by rounding
_FIGURES_OF_DIFFERENCES = 9


@dataclass(frozen=True)
class FriedmanTest:
    """Whether the mean ranks of several strategies differ by more than chance would have it.

    Attributes
    ----------
    statistic : float
        Friedman's chi-squared, adjusted for ties.
    p_value : float
        Its p-value, with ``n_strategies - 1`` degrees of freedom.
    f_statistic : float
        Iman and Davenport's F: that of an analysis of variance of the ranks.
    f_p_value : float
        Its p-value, with the degrees of freedom below. It is never below the chance that all
        data sets rank all strategies alike without any reason.
    degrees_of_freedom : tuple of (int, int)
        ``n_strategies - 1`` and ``(n_strategies - 1) * (n_data_sets - 1)``.
    """

    statistic: float
    p_value: float
    f_statistic: float
    f_p_value: float
    degrees_of_freedom: tuple[int, int]


def without_rounding(values: NDArray[np.float64], digits: int = _FIGURES) -> NDArray[np.float64]:
    """Numbers with so many significant digits, so that those meant to be equal are."""
    return np.array([float(f"{value:.{digits}g}") for value in values.ravel()]).reshape(
        values.shape
    )


def rank_rows(scores: NDArray[np.float64], *, higher_is_better: bool) -> NDArray[np.float64]:
    """Ranks within each row, 1 for the best and the largest for NaN; ties have their mean.

    Parameters
    ----------
    scores : ndarray of shape (n_data_sets, n_strategies)
        Figures.
    higher_is_better : bool
        Which way is up.

    Returns
    -------
    ranks : ndarray of shape (n_data_sets, n_strategies)
    """
    costs = -scores if higher_is_better else scores
    return np.asarray(stats.rankdata(np.where(np.isnan(costs), np.inf, costs), axis=1))


def friedman_test(ranks: NDArray[np.float64]) -> FriedmanTest | None:
    """Friedman's test, and Iman and Davenport's form of it.

    Parameters
    ----------
    ranks : ndarray of shape (n_data_sets, n_strategies)
        As of `rank_rows`.

    Returns
    -------
    test : FriedmanTest or None
        None for fewer than two data sets, or fewer than three strategies.
    """
    n, k = ranks.shape
    if n < 2 or k < 3:
        return None
    freedom = (k - 1, (k - 1) * (n - 1))
    if not np.ptp(ranks, axis=1).any():  # everything is tied
        return FriedmanTest(0.0, 1.0, 0.0, 1.0, freedom)
    statistic, p_value = map(float, stats.friedmanchisquare(*ranks.T))
    rest = n * (k - 1) - statistic
    f_statistic = (n - 1) * statistic / rest if rest > 1e-9 * n else math.inf
    # One order, whatever it is, in all rows: k! to the power of 1 - n.
    least = math.exp(-(n - 1) * math.lgamma(k + 1))
    f_p_value = max(float(stats.f.sf(f_statistic, *freedom)), least)
    return FriedmanTest(statistic, p_value, f_statistic, f_p_value, freedom)


@dataclass(frozen=True)
class SignedRanks:
    """Wilcoxon's signed-rank test of gains.

    Attributes
    ----------
    balance : float
        Sum of the ranks of positive gains, less that of the negative ones.
    p_value : float
        Two-sided.
    """

    balance: float
    p_value: float


def gains_over(
    scores: NDArray[np.float64], reference: NDArray[np.float64], *, higher_is_better: bool
) -> NDArray[np.float64]:
    """By how much figures are better than others; infinite where one of the two is NaN.

    Where both are NaN it is 0.
    """
    failed, reference_failed = np.isnan(scores), np.isnan(reference)
    differences = np.where(failed, 0.0, scores) - np.where(reference_failed, 0.0, reference)
    gains = without_rounding(
        differences if higher_is_better else -differences, _FIGURES_OF_DIFFERENCES
    )
    return np.where(failed == reference_failed, gains, np.where(failed, -np.inf, np.inf))


def signed_rank_test(gains: NDArray[np.float64]) -> SignedRanks:
    """Wilcoxon's test; gains of zero are ranked, and speak for neither side.

    That is Pratt's treatment. Its p-value is that of halving the ranks of the zeros between
    both sides, as Demšar does: what both sides have alike does not change how far they are
    apart. Ties have mean ranks; given these, the distribution over all signs is exact.

    Parameters
    ----------
    gains : ndarray of shape (n_data_sets,)
        As of `gains_over`: may be infinite, not NaN.
    """
    signs = np.sign(gains)
    if not signs.any():
        return SignedRanks(0.0, 1.0)
    ranks = np.asarray(stats.rankdata(np.abs(gains)))
    balance = float(signs @ ranks)
    if len(ranks) > _MOST_EXACT:
        signed = signs * ranks
        return SignedRanks(balance, float(stats.wilcoxon(signed, zero_method="pratt").pvalue))
    # Twice a rank is whole; scipy's exact method has no ties.
    doubled = np.rint(2 * ranks[signs != 0]).astype(int)
    positive = int(doubled[signs[signs != 0] > 0].sum())
    chances = _sums_of_signs(doubled)
    tail = min(chances[: positive + 1].sum(), chances[positive:].sum())
    return SignedRanks(balance, min(1.0, 2 * float(tail)))


def p_values_of_pairs(
    scores: NDArray[np.float64], *, higher_is_better: bool
) -> NDArray[np.float64]:
    """P-values of Wilcoxon's test for each pair of columns.

    Parameters
    ----------
    scores : ndarray of shape (n_data_sets, n_strategies)
        Figures.
    higher_is_better : bool
        Which way is up.

    Returns
    -------
    p_values : ndarray of shape (n_strategies, n_strategies)
        NaN on the diagonal, and everywhere for a single data set.
    """
    n, k = scores.shape
    p_values = np.full((k, k), np.nan)
    for i, j in zip(*np.triu_indices(k if n > 1 else 0, 1), strict=True):
        gains = gains_over(scores[:, i], scores[:, j], higher_is_better=higher_is_better)
        p_values[i, j] = p_values[j, i] = signed_rank_test(gains).p_value
    return p_values


def _sums_of_signs(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """The chance of each sum of positive ranks, if every sign is a fair coin."""
    chances = np.zeros(int(ranks.sum()) + 1)
    chances[0] = 1.0
    for rank in ranks:
        chances[rank:] = (chances[rank:] + chances[:-rank]) / 2
        chances[:rank] /= 2
    return chances


def least_p_value(n_data_sets: int) -> float:
    """The smallest two-sided p-value that Wilcoxon's test can give: all signs are the same."""
    return float(min(1.0, 2.0 ** (1 - n_data_sets)))


def needed_data_sets(n_pairs: int) -> int:
    """How many data sets it takes before Holm's adjustment leaves anything to be told apart."""
    # One more than makes n_pairs * 2 ** (1 - n) the level: it has to be below.
    return 1 + math.floor(1 + math.log2(n_pairs / LEVEL))


def nemenyi_difference(n_data_sets: int, n_strategies: int) -> float:
    """The difference of mean ranks at which Nemenyi's test tells two strategies apart."""
    q = stats.studentized_range.ppf(1 - LEVEL, n_strategies, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(n_strategies * (n_strategies + 1) / (6 * n_data_sets)))


def groups_of(order: NDArray[np.int64], apart: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of an order in which no two are told apart, as long as they can be.

    Parameters
    ----------
    order : ndarray of shape (n_strategies,)
        Strategies by mean rank, the best first.
    apart : ndarray of shape (n_strategies, n_strategies)
        Which pairs are told apart.

    Returns
    -------
    groups : list of (int, int)
        First and last place of each run of two or more, in `order`.
    """
    sorted_apart = apart[np.ix_(order, order)]
    groups: list[tuple[int, int]] = []
    for first in range(len(order)):
        last = first
        while last + 1 < len(order) and not sorted_apart[last + 1, first : last + 1].any():
            last += 1
        if last > first and (not groups or last > groups[-1][1]):
            groups.append((first, last))
    return groups
