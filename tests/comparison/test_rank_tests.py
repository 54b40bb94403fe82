"""Tests on ranks, beside scipy's, a paper's figures, and enumeration."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from sklearn_sifal.comparison._rank_tests import (
    friedman_test,
    gains_over,
    groups_of,
    least_p_value,
    needed_data_sets,
    nemenyi_difference,
    p_values_of_pairs,
    rank_rows,
    signed_rank_test,
    without_rounding,
)

# Demšar (2006), table 6: ranks of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets.
DEMSAR = np.array(
    [
        [4, 3, 2, 1], [1, 2, 3, 4], [4, 1, 2, 3], [4, 1, 3, 2], [4, 2, 3, 1],
        [1, 2.5, 4, 2.5], [3, 2, 4, 1], [2.5, 2.5, 4, 1], [4, 3, 2, 1], [2.5, 2.5, 2.5, 2.5],
        [4, 2.5, 1, 2.5], [3, 2, 4, 1], [4, 1, 2, 3], [3, 1, 4, 2],
    ]
)  # fmt: skip


def test_friedman_of_the_papers_example():
    np.testing.assert_allclose(DEMSAR.mean(axis=0), [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    # The paper's 9.28 leaves out the adjustment for ties: four of four and three of two.
    adjusted = 9.28 / (1 - (1 * (4**3 - 4) + 3 * (2**3 - 2)) / (14 * (4**3 - 4)))
    test = friedman_test(DEMSAR)
    assert test.statistic == pytest.approx(adjusted, abs=0.01)
    assert test.degrees_of_freedom == (3, 39)
    scipys = stats.friedmanchisquare(*DEMSAR.T)
    assert (test.statistic, test.p_value) == pytest.approx((scipys.statistic, scipys.pvalue))


def test_friedman_without_ties_is_the_papers_formula():
    # The published F of 3.69 is that of 9.28 in 14 rows of 4; here are rows without ties.
    ranks = np.array([rank for rank in DEMSAR if len(set(rank)) == 4])
    n, k = ranks.shape
    assert n == 10
    chi_squared = 12 * n / (k * (k + 1)) * ((ranks.mean(axis=0) ** 2).sum() - k * (k + 1) ** 2 / 4)
    f = (n - 1) * chi_squared / (n * (k - 1) - chi_squared)
    test = friedman_test(ranks)
    assert (test.statistic, test.f_statistic) == pytest.approx((chi_squared, f))
    assert pytest.approx(3.69, abs=0.005) == 13 * 9.28 / (14 * 3 - 9.28)


def test_imans_f_is_that_of_an_analysis_of_variance_of_the_ranks():
    n, k = DEMSAR.shape
    between = n * ((DEMSAR.mean(axis=0) - (k + 1) / 2) ** 2).sum()
    within = ((DEMSAR - (k + 1) / 2) ** 2).sum() - between  # rows have equal means
    f = (between / (k - 1)) / (within / ((k - 1) * (n - 1)))
    test = friedman_test(DEMSAR)
    assert test.f_statistic == pytest.approx(f)
    assert test.f_p_value == pytest.approx(stats.f.sf(f, 3, 39))


def test_friedman_at_its_ends():
    tied = friedman_test(np.full((5, 3), 2.0))
    assert (tied.statistic, tied.f_p_value) == (0, 1)
    agreed = friedman_test(np.tile([1.0, 2.0, 3.0], (4, 1)))
    assert agreed.f_statistic == np.inf
    # Of four rows with the same order, the first has any, and the others one of six.
    assert agreed.f_p_value == pytest.approx(6.0**-3)
    assert friedman_test(np.array([[1.0, 2.0, 3.0]])) is None
    assert friedman_test(np.array([[1.0, 2.0], [1.0, 2.0]])) is None


def test_nemenyi_of_the_papers_example():
    assert nemenyi_difference(14, 4) == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 14)), abs=1e-3)
    # Table 5 (a): two strategies are a normal distribution's 1.960.
    assert nemenyi_difference(1, 2) == pytest.approx(1.960, abs=5e-4)
    assert nemenyi_difference(1, 10) == pytest.approx(3.164 * np.sqrt(110 / 6), abs=5e-3)


def test_wilcoxon_of_the_papers_example():
    # Table 2: R+ = 93 and R- = 12 of C4.5+m against C4.5, which halve the two zeros.
    pairs = [
        (.763, .768), (.599, .591), (.954, .971), (.628, .661), (.882, .888), (.936, .931),
        (.661, .668), (.583, .583), (.775, .838), (1, 1), (.940, .962), (.619, .666),
        (.972, .981), (.957, .978),
    ]  # fmt: skip
    c45, with_m = np.array(pairs).T
    gains = gains_over(with_m, c45, higher_is_better=True)
    test = signed_rank_test(gains)
    assert test.balance == 93 - 12
    assert 0.001 < test.p_value < 0.02  # "rejected at 0.05"; the table's bound is 21


@pytest.mark.parametrize("n", [1, 4, 9, 40])
def test_wilcoxon_is_scipys_where_nothing_is_tied(n):
    gains = np.random.default_rng(n).normal(0.4, 1, n)
    expected = stats.wilcoxon(gains, method="exact").pvalue
    assert signed_rank_test(gains).p_value == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(6))
def test_wilcoxon_with_ties_and_zeros_is_an_enumeration_of_signs(seed):
    gains = np.random.default_rng(seed).integers(-2, 4, 9).astype(float)
    ranks = stats.rankdata(np.abs(gains))
    ranks[gains == 0] = 0  # either sign
    found = abs((np.sign(gains) * ranks).sum())
    sums = [abs((np.array(signs) * ranks).sum()) for signs in product([-1, 1], repeat=9)]
    assert signed_rank_test(gains).p_value == pytest.approx(np.mean(np.array(sums) >= found))


def test_wilcoxon_of_many_data_sets_is_nearly_exact():
    gains = np.random.default_rng(0).normal(0.2, 1, 101)
    approximate = signed_rank_test(gains).p_value
    exact = stats.wilcoxon(gains, method="exact").pvalue
    assert approximate == pytest.approx(exact, rel=0.05)


def test_nothing_but_zeros_is_no_difference():
    assert signed_rank_test(np.zeros(7)).p_value == 1


def test_the_least_p_value_is_that_of_one_sign():
    assert least_p_value(5) == 0.0625
    for n in (2, 5, 8):
        assert signed_rank_test(np.arange(1.0, n + 1)).p_value == least_p_value(n)
    assert [needed_data_sets(n) for n in (1, 3, 10)] == [6, 7, 9]
    for n_pairs in range(1, 200):
        n = needed_data_sets(n_pairs)
        assert n_pairs * least_p_value(n) < 0.05 <= n_pairs * least_p_value(n - 1)


def test_what_failed_is_the_worst_whichever_way_is_up():
    nan = np.nan
    scores = np.array([[3.0, nan, 1.0, nan], [nan, nan, nan, nan]])
    assert rank_rows(scores, higher_is_better=True).tolist() == [[1, 3.5, 2, 3.5], [2.5] * 4]
    assert rank_rows(scores, higher_is_better=False).tolist() == [[2, 3.5, 1, 3.5], [2.5] * 4]
    for up, gain in ((True, 2.0), (False, -2.0)):
        gains = gains_over(
            np.array([nan, 1, nan, 3]), np.array([1, nan, nan, 1]), higher_is_better=up
        )
        assert gains.tolist() == [-np.inf, np.inf, 0, gain]
    # An infinite loss has the largest rank: 1 + 2 against 3.
    assert signed_rank_test(np.array([0.1, 0.2, -np.inf])).balance == 0


def test_rounding_makes_no_difference():
    assert without_rounding(np.array([[0.1 + 0.2, 1 / 3]])).tolist() == [[0.3, 0.333333333333]]
    up = gains_over(np.array([0.85, 0.75]), np.array([0.80, 0.70]), higher_is_better=True)
    assert up[0] == up[1] == 0.05


def test_pairs_are_symmetric():
    scores = np.random.default_rng(0).normal(size=(7, 4))
    p_values = p_values_of_pairs(scores, higher_is_better=True)
    np.testing.assert_array_equal(p_values, p_values_of_pairs(scores, higher_is_better=False))
    np.testing.assert_array_equal(p_values, p_values.T)
    assert np.isnan(np.diag(p_values)).all()
    assert p_values[1, 3] == pytest.approx(stats.wilcoxon(scores[:, 1], scores[:, 3]).pvalue)
    assert np.isnan(p_values_of_pairs(scores[:1], higher_is_better=True)).all()


def test_groups_are_the_longest_runs():
    apart = np.zeros((5, 5), bool)

    def tell(*pairs):
        told = apart.copy()
        for i, j in pairs:
            told[i, j] = told[j, i] = True
        return groups_of(np.arange(5), told)

    assert tell() == [(0, 4)]
    assert tell((0, 4)) == [(0, 3), (1, 4)]
    # A pair in the middle parts its surroundings, even if the ends are not told apart.
    assert tell((1, 2)) == [(0, 1), (2, 4)]
    assert tell((0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4)) == [(0, 1), (2, 4)]
    assert tell(*[(i, j) for i in range(5) for j in range(i)]) == []
    order = np.array([4, 3, 2, 1, 0])
    told = np.zeros((5, 5), bool)
    told[0, :4] = told[:4, 0] = True
    assert groups_of(order, told)[0] == (0, 3)
