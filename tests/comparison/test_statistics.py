"""Paired differences and adjusted p-values, against numbers worked out by hand."""

import numpy as np
import pytest
from scipy import stats

from sklearn_sifal.comparison import paired_difference
from sklearn_sifal.comparison._statistics import holm_adjusted

T_2 = 4.302652729911275  # 97.5 % quantile of Student's t with 2 degrees of freedom, from a table


def crossed(by_fit_and_row):
    """Values, fits and rows in long format."""
    values = np.asarray(by_fit_and_row, float)
    fits, rows = np.indices(values.shape)
    return values.ravel(), fits.ravel(), rows.ravel()


def test_interval_and_p_value_of_three_trainings_without_rows():
    # Differences 1, 2, 3: mean 2, standard deviation 1, standard error 1 / sqrt(3).
    difference = paired_difference([11, 22, 33], [10, 20, 30])
    assert difference.mean == 2
    assert (difference.n_fits, difference.n_rows) == (3, 0)
    half = T_2 / np.sqrt(3)
    assert difference.low == pytest.approx(2 - half)
    assert difference.high == pytest.approx(2 + half)
    # With 2 degrees of freedom p is 1 - t / sqrt(t^2 + 2), here t = 2 sqrt(3).
    assert difference.p_value == pytest.approx(1 - np.sqrt(12 / 14))
    assert np.isnan(difference.row_error)


def test_rows_and_trainings_add_up():
    # Two trainings, four rows. Means of the trainings 2 and 4, of all 3: variance over trainings
    # (1 + 1) / (2 * 1) = 1. Means of the rows 0, 2, 4, 6: variance 20 / 3, over four rows 5 / 3.
    values, fits, rows = crossed([[-1, 1, 3, 5], [1, 3, 5, 7]])
    difference = paired_difference(values, np.zeros(8), fits=fits, rows=rows)
    assert difference.mean == 3
    assert difference.by_fit.tolist() == [2, 4]
    assert difference.fit_error == pytest.approx(1)
    assert difference.row_error == pytest.approx(np.sqrt(5 / 3))
    freedom = (1 + 5 / 3) ** 2 / (1**2 / 1 + (5 / 3) ** 2 / 3)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(1 + 5 / 3)
    assert (difference.low, difference.high) == pytest.approx((3 - half, 3 + half))
    assert difference.p_value == pytest.approx(2 * stats.t.sf(3 / np.sqrt(8 / 3), freedom))


def test_order_and_names_of_trainings_and_rows_do_not_matter():
    rng = np.random.default_rng(0)
    values, fits, rows = crossed(rng.normal(size=(3, 20)))
    expected = paired_difference(values, 0 * values, fits=fits, rows=rows)
    order = rng.permutation(60)
    found = paired_difference(
        values[order],
        0 * values,
        fits=np.array(["c", "b", "a"])[fits[order]],
        rows=100 - 3 * rows[order],
    )
    assert (found.mean, found.p_value) == pytest.approx((expected.mean, expected.p_value))
    assert found.by_fit[::-1] == pytest.approx(expected.by_fit)


def test_rows_of_a_group_count_once():
    # Every row four times: as many rows as before, with four times the weight each.
    values, fits, rows = crossed(np.random.default_rng(0).normal(size=(3, 20)))
    once = paired_difference(values, 0 * values, fits=fits, rows=rows)
    often = paired_difference(
        np.repeat(values, 4), np.zeros(240), fits=np.repeat(fits, 4), rows=np.repeat(rows, 4)
    )
    assert (often.low, often.p_value) == pytest.approx((once.low, once.p_value))


def test_variance_over_groups_of_different_sizes_is_the_jackknifes():
    # Group means 3, 1, 5 of 3, 2 and 1 rows, mean 16 / 6. Without one of them the mean is
    # 7 / 3, 14 / 4 and 11 / 5; the jackknife's variance is 2 / 3 of the squared distances.
    groups = np.array(["u", "u", "u", "v", "v", "w"])
    values = np.array([2, 3, 4, 0, 2, 5])
    difference = paired_difference(
        np.tile(values, 2), np.zeros(12), fits=np.repeat([0, 1], 6), rows=np.tile(groups, 2)
    )
    without = np.array([7 / 3, 14 / 4, 11 / 5])
    variance = 2 / 3 * ((without - 16 / 6) ** 2).sum()
    assert difference.row_error == pytest.approx(np.sqrt(variance))
    # Degrees of freedom from the matrix of the variance as a form in the means of the groups.
    w = np.array([3, 2, 1]) / 6
    to_distances = (w / (1 - w))[:, None] * (np.eye(3) - w)
    matrix = 2 / 3 * to_distances.T @ to_distances
    freedom = np.trace(matrix) ** 2 / np.trace(matrix @ matrix)
    assert difference.high - difference.mean == pytest.approx(
        stats.t.ppf(0.975, freedom) * difference.row_error
    )


def test_one_large_group_is_one_group():
    # All 90 rows of it change, and none of ten others.
    groups = np.r_[np.zeros(90), np.arange(1, 11)]
    right = np.ones(100), (groups > 0) * 1.0
    values, reference, rows = (np.tile(of, 5) for of in (*right, groups))
    fits = np.repeat(np.arange(5), 100)
    assert paired_difference(values, reference, fits=fits, rows=rows).p_value > 0.5


def test_no_false_alarms_with_groups_of_different_sizes():
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(200):
        sizes = np.exp(rng.normal(2, 1.5, 20)).astype(int) + 1
        of_group = np.repeat(rng.normal(0, 0.3, 20), sizes)
        values, fits, rows = crossed(of_group + rng.normal(0, 0.3, (3, len(of_group))))
        groups = np.repeat(np.arange(20), sizes)[rows]
        difference = paired_difference(values, np.zeros_like(values), fits=fits, rows=groups)
        alarms += difference.p_value < 0.05
    assert alarms <= 10


def test_answers_that_all_change_count_as_so_many_rows():
    values, fits, rows = crossed(np.ones((2, 8)))
    difference = paired_difference(values, np.zeros(16), fits=fits, rows=rows)
    assert difference.p_value == pytest.approx(2 * 0.5**8)
    assert 0 < difference.low < difference.mean == 1


def test_trainings_of_different_sizes_weigh_the_same():
    difference = paired_difference([1, 1, 1, 4], [0, 0, 0, 0], fits=[0, 0, 0, 1], rows=range(4))
    assert difference.mean == 2.5


@pytest.mark.parametrize("n_changed", [3, 5, 6, 8])
def test_few_changed_answers_are_not_significant(n_changed):
    # The same answers change in all of three trainings, all for the better.
    values = np.zeros((3, 200))
    values[:, :n_changed] = 1
    values, fits, rows = crossed(values)
    difference = paired_difference(values, 0 * values, fits=fits, rows=rows)
    exact = stats.binomtest(n_changed, n_changed).pvalue
    assert difference.p_value >= exact - 1e-12
    assert (difference.p_value < 0.05) == (n_changed >= 6)
    assert (difference.low > 0) == (n_changed >= 6)


def test_other_figures_than_answers_have_no_least_difference():
    values, fits, rows = crossed(
        np.full((3, 200), 1e-6) + np.random.default_rng(0).normal(size=200) * 1e-9
    )
    assert paired_difference(values, 0 * values, fits=fits, rows=rows).p_value < 1e-6


def test_no_false_alarms_where_rows_differ_but_not_on_average():
    """Ours and theirs are better on rows of their own: seeds alone would see a difference."""
    rng = np.random.default_rng(0)
    alarms = by_seeds = 0
    for _ in range(400):
        by_row = rng.choice([-1.0, 0, 1], p=[0.1, 0.8, 0.1], size=300)
        values, fits, rows = crossed(by_row + rng.normal(scale=0.1, size=(3, 300)))
        alarms += paired_difference(values, 0 * values, fits=fits, rows=rows).p_value < 0.05
        means = values.reshape(3, 300).mean(axis=1)
        by_seeds += paired_difference(means, 0 * means).p_value < 0.05
    assert alarms / 400 < 0.08
    assert by_seeds / 400 > 0.6


def test_one_training_says_nothing():
    difference = paired_difference([3.0], [1.0])
    assert difference.mean == 2
    assert np.isnan([difference.low, difference.high, difference.p_value]).all()


def test_a_missing_value_says_nothing():
    difference = paired_difference([3.0, np.nan], [1.0, 1.0])
    assert np.isnan([difference.mean, difference.low, difference.p_value]).all()


def test_no_difference_in_any_pair():
    difference = paired_difference([1.0, 2.0], [1.0, 2.0])
    assert (difference.low, difference.high, difference.p_value) == (0, 0, 1)


def test_no_answer_that_differs_excludes_no_few_that_would():
    values, fits, rows = crossed(np.ones((3, 100)))
    difference = paired_difference(values, values, fits=fits, rows=rows)
    # Of 5.32 changed answers in one direction, McNemar's exact test says 0.05.
    assert (difference.mean, difference.p_value) == (0, 1)
    assert (difference.low, difference.high) == pytest.approx((-0.0532, 0.0532), abs=1e-4)


def test_equal_differences_without_rows_say_nothing_of_others():
    ours, theirs = np.array([0.3, 0.5, 0.9]) + 0.1, np.array([0.3, 0.5, 0.9])
    assert len(set((ours - theirs).tolist())) > 1  # but for the last bits
    assert np.isnan(paired_difference(ours, theirs).p_value)


def test_in_another_unit():
    values, fits, rows = crossed(np.random.default_rng(0).normal(size=(3, 20)))
    difference = paired_difference(values, 0 * values, fits=fits, rows=rows)
    points = difference._times(100)
    assert points.high == pytest.approx(100 * difference.high)
    assert points.row_error == pytest.approx(100 * difference.row_error)
    assert points.by_fit == pytest.approx(100 * difference.by_fit)
    assert points.p_value == difference.p_value


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"reference": [1.0]}, "reference must be as long as values"),
        ({"fits": [0]}, "fits must be as long as values"),
        ({"rows": [0, 1, 2]}, r"rows must be as long as values, which has shape \(2,\)"),
        ({"values": [], "reference": []}, "values must have one dimension and an entry"),
        ({"values": [[1.0]], "reference": [[1.0]]}, "values must have one dimension"),
    ],
)
def test_arrays_that_do_not_fit(arguments, message):
    given = {"values": [1.0, 2.0], "reference": [1.0, 2.0]} | arguments
    with pytest.raises(ValueError, match=message):
        paired_difference(given.pop("values"), given.pop("reference"), **given)


def test_holm():
    # Sorted 0.01, 0.03, 0.04 times 3, 2, 1 is 0.03, 0.06, 0.04; then never falling.
    adjusted = holm_adjusted([0.01, 0.04, np.nan, 0.03])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, np.nan, 0.06])
    np.testing.assert_allclose(holm_adjusted([0.5, 0.9]), [1.0, 1.0])
    assert holm_adjusted([]).shape == (0,)
