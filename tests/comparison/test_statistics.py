"""Paired differences and adjusted p-values, against numbers worked out by hand."""

import numpy as np
import pytest

from sklearn_sifal.comparison._statistics import (
    holm_adjusted,
    paired_difference,
    standard_error_over_rows,
)

T_2 = 4.302652729911275  # 97.5 % quantile of Student's t with 2 degrees of freedom, from a table


def test_interval_and_p_value_of_three_pairs():
    # Differences 1, 2, 3: mean 2, standard deviation 1, standard error 1 / sqrt(3).
    difference = paired_difference([11, 22, 33], [10, 20, 30])
    assert difference.mean == 2
    assert difference.n_pairs == 3
    half = T_2 / np.sqrt(3)
    assert difference.low == pytest.approx(2 - half)
    assert difference.high == pytest.approx(2 + half)
    # With 2 degrees of freedom p is 1 - t / sqrt(t^2 + 2), here t = 2 sqrt(3).
    assert difference.p_value == pytest.approx(1 - np.sqrt(12 / 14))


def test_one_pair_says_nothing():
    difference = paired_difference([3.0], [1.0])
    assert difference.mean == 2
    assert np.isnan([difference.low, difference.high, difference.p_value]).all()


def test_a_missing_value_says_nothing():
    difference = paired_difference([3.0, np.nan], [1.0, 1.0])
    assert np.isnan([difference.mean, difference.low, difference.p_value]).all()


def test_no_difference_in_any_pair():
    difference = paired_difference([1.0, 2.0], [1.0, 2.0])
    assert (difference.low, difference.high, difference.p_value) == (0, 0, 1)


def test_differences_alike_are_alike_by_rounding():
    # 0.5 each in steps of 0.5: standard deviation of rounding 0.5 / sqrt(12).
    difference = paired_difference([1.5, 2.5, 3.5], [1.0, 2.0, 3.0], resolution=0.5)
    half = T_2 * 0.5 / np.sqrt(12) / np.sqrt(3)
    assert (difference.low, difference.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_differences_alike_in_all_but_the_last_bits():
    ours, theirs = np.array([0.3, 0.5, 0.9]) + 0.1, np.array([0.3, 0.5, 0.9])
    assert len(set((ours - theirs).tolist())) > 1
    assert paired_difference(ours, theirs, resolution=0.1).low < 0.05


def test_holm():
    # Sorted 0.01, 0.03, 0.04 times 3, 2, 1 is 0.03, 0.06, 0.04; then never falling.
    adjusted = holm_adjusted([0.01, 0.04, np.nan, 0.03])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, np.nan, 0.06])
    np.testing.assert_allclose(holm_adjusted([0.5, 0.9]), [1.0, 1.0])
    assert holm_adjusted([]).shape == (0,)


def test_error_over_rows():
    # Of 4 rows one better and three as before: variance (1 - 1/4) / 4 * 4/3 = 1/4.
    assert standard_error_over_rows(np.array([1.0, 0, 0, 0])) == pytest.approx(0.25)
    assert np.isnan(standard_error_over_rows(np.array([1.0])))
