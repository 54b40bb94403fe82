"""Groups compared: means, gaps, intervals and standardisation."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binomtest, norm, t, ttest_ind

from sklearn_sifal.inspection import group_report
from sklearn_sifal.inspection._groups import wilson_interval

nan = float("nan")


def test_by_hand() -> None:
    report = group_report(
        [1.0, 3.0, 2.0, 4.0, 6.0, nan],
        ["a", "a", "a", "b", "b", "b"],
        visits=[1, 1, 4, 5, 3, 9],
        correct=[True, True, False, False, False, True],
    )
    assert report.groups.tolist() == ["a", "b"]
    assert_array_equal(report.n_rows, [3, 2])
    assert report.n_unknown == 1
    assert_array_equal(report.mean_loss, [2, 5])
    # Sample variances 1 and 2, by 3 and 2 rows.
    assert_allclose(report.loss_stderr, [np.sqrt(1 / 3), 1])
    assert report.loss_gap == 3
    assert_array_equal(report.mean_visits, [2, 4])
    assert report.visits_gap == 2
    assert_allclose(report.accuracy, [2 / 3, 0])
    assert_allclose(report.accuracy_gap, 2 / 3)
    assert report.adjusted_loss is None


def test_what_is_not_given_is_none() -> None:
    report = group_report([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1])
    for name in ("mean_visits", "visits_gap", "accuracy", "accuracy_gap", "adjusted_loss_gap"):
        assert getattr(report, name) is None


class TestIntervals:
    def test_two_groups_are_welchs_t(self) -> None:
        rng = np.random.default_rng(0)
        a, b = rng.normal(1, 1, 30), rng.normal(2, 3, 12)
        report = group_report([*a, *b], [0] * 30 + [1] * 12)
        expected = ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
        assert_allclose(report.loss_gap, b.mean() - a.mean())
        assert_allclose(report.loss_gap_interval, [expected.low, expected.high])

    def test_three_groups_allow_for_three_pairs(self) -> None:
        losses = [0.0, 2.0, 1.0, 3.0, 4.0, 6.0]
        report = group_report(losses, [0, 0, 1, 1, 2, 2])
        # Every variance is 2, so the standard error of a difference is sqrt(2), on 2 degrees
        # of freedom; 5 % in two tails of three pairs.
        reach = t.ppf(1 - 0.05 / 6, 2) * np.sqrt(2)
        assert_allclose(report.loss_gap_interval, [4 - reach, 4 + reach])

    def test_equal_groups_seldom_show_a_gap(self) -> None:
        rng = np.random.default_rng(0)
        groups = np.repeat(np.arange(8), 40)
        found = 0
        for _ in range(200):
            low, _ = group_report(rng.exponential(size=320), groups).loss_gap_interval
            found += low > 0
        # At most 5 %, give or take three standard errors; without the correction most would.
        assert found <= 200 * (0.05 + 3 * np.sqrt(0.05 * 0.95 / 200))

    def test_no_variation(self) -> None:
        report = group_report([1.0, 1.0, 3.0, 3.0], [0, 0, 1, 1])
        assert report.loss_gap_interval == (2.0, 2.0)

    def test_order_of_groups_is_of_no_importance(self) -> None:
        rng = np.random.default_rng(0)
        losses, groups = rng.random(60), rng.integers(0, 4, 60)
        one, other = (group_report(losses, g, y=groups % 2) for g in (groups, 3 - groups))
        assert_allclose(one.loss_gap_interval, other.loss_gap_interval)
        assert_array_equal(one.mean_loss, other.mean_loss[::-1])


class TestSmallGroups:
    losses = (1.0, 2.0, 1.0, 3.0, 9.0)
    groups = ("a", "a", "b", "b", "rare")

    def test_they_are_listed_without_taking_part(self) -> None:
        report = group_report(self.losses, self.groups, y=[0] * 5)
        assert_array_equal(report.mean_loss, [1.5, 2, 9])
        assert_array_equal(report.in_gaps, [True, True, False])
        assert np.isnan(report.loss_stderr[2])
        assert report.loss_gap == 0.5
        assert report.adjusted_loss_gap == 0.5

    def test_the_limit_is_the_callers(self) -> None:
        report = group_report(self.losses, self.groups, min_rows=3)
        assert not report.in_gaps.any()
        assert np.isnan(report.loss_gap)
        assert np.isnan(report.loss_gap_interval).all()

    def test_one_group(self) -> None:
        report = group_report([1.0, 2.0], ["a", "a"], visits=[1, 2], correct=[0, 1], y=[0, 1])
        assert np.isnan(report.loss_gap)
        assert np.isnan(report.adjusted_loss_gap)
        assert_array_equal(report.adjusted_loss, [1.5])

    def test_all_unknown(self) -> None:
        report = group_report([nan, nan], ["a", "b"], y=[0, 1], correct=[0, 1])
        assert_array_equal(report.n_rows, [0, 0])
        assert np.isnan(report.mean_loss).all()
        assert np.isnan(report.adjusted_loss).all()  # type: ignore[arg-type]


class TestAdjusted:
    def test_a_gap_that_is_the_labels(self) -> None:
        # Label 0 costs 1 and label 1 costs 3 in either group; one has more of label 1.
        losses = [1.0, 1.0, 1.0, 3.0, 1.0, 3.0, 3.0, 3.0]
        groups, y = [0] * 4 + [1] * 4, [0, 0, 0, 1, 0, 1, 1, 1]
        report = group_report(losses, groups, y=y)
        assert report.loss_gap == 1
        assert_array_equal(report.adjusted_loss, [2, 2])
        assert report.adjusted_loss_gap == 0
        assert report.adjusted_coverage == 1

    def test_by_hand(self) -> None:
        losses = [1.0, 3.0, 5.0, 2.0, 8.0, 10.0]
        groups, y = [0, 0, 0, 1, 1, 1], ["u", "u", "v", "u", "v", "v"]
        report = group_report(losses, groups, y=y)
        # Three of six rows are u: 2 / 2 + 5 / 2, and 2 / 2 + 9 / 2.
        assert_array_equal(report.adjusted_loss, [3.5, 5.5])
        assert report.adjusted_loss_gap == 2
        # Within cells u varies by 2 on one degree of freedom, v by 2 on one; each cell's mean
        # has the variance 2 / n, weighed with 1/4: 3/4 of either label, so that the freedom
        # is (3/2)^2 / (2 (3/4)^2) = 2. Its quantile is from a table.
        reach = 4.302653 * np.sqrt(1.5)
        assert_allclose(report.adjusted_loss_gap_interval, [2 - reach, 2 + reach], rtol=1e-6)

    def test_one_label_is_students_t(self) -> None:
        rng = np.random.default_rng(0)
        a, b = rng.normal(1, 1, 5), rng.normal(2, 1, 4)
        report = group_report([*a, *b], [0] * 5 + [1] * 4, y=[0] * 9)
        expected = ttest_ind(b, a).confidence_interval(0.95)
        assert_allclose(report.adjusted_loss_gap_interval, [expected.low, expected.high])

    def test_five_and_five_rows_seldom_show_a_gap(self) -> None:
        rng = np.random.default_rng(0)
        groups = np.repeat([0, 1], 5)
        found = 0
        for _ in range(400):
            y = rng.integers(0, 2, 10)
            report = group_report(rng.normal(size=10), groups, y=y)
            found += report.adjusted_loss_gap_interval[0] > 0  # type: ignore[index]
        # At most 5 %, give or take two and a half standard errors; a normal interval 9 %.
        assert found <= 400 * (0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 400))

    def test_no_variation_within_labels(self) -> None:
        report = group_report([1.0, 1.0, 2.0, 2.0], [0, 0, 1, 1], y=[0, 0, 0, 0])
        assert report.adjusted_loss_gap_interval == (1, 1)

    def test_labels_that_a_group_lacks_are_left_out(self) -> None:
        losses = [1.0, 100.0, 2.0, 4.0]
        report = group_report(losses, [0, 0, 1, 1], y=["u", "only here", "u", "u"])
        assert_array_equal(report.adjusted_loss, [1, 3])
        assert report.adjusted_coverage == 0.75

    def test_a_small_group_that_lacks_a_label_has_none(self) -> None:
        losses = [1.0, 2.0, 3.0, 4.0, 7.0]
        report = group_report(losses, [0, 0, 1, 1, 2], y=[0, 1, 0, 1, 1])
        # Two of all five rows have label 0.
        assert_allclose(report.adjusted_loss, [0.4 + 1.2, 1.2 + 2.4, nan])

    def test_nothing_in_common(self) -> None:
        report = group_report([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1], y=[0, 0, 1, 1])
        assert np.isnan(report.adjusted_loss).all()  # type: ignore[arg-type]
        assert np.isnan(report.adjusted_loss_gap)  # type: ignore[arg-type]
        assert report.adjusted_coverage == 0

    def test_equal_mixes_change_nothing(self) -> None:
        rng = np.random.default_rng(0)
        y, groups = np.tile(np.arange(5), 40), np.repeat(np.arange(4), 50)
        report = group_report(rng.random(200), groups, y=y)
        assert_allclose(report.adjusted_loss, report.mean_loss)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"groups": ["a", None]}, "groups must have no missing values"),
        ({"groups": ["a"]}, "groups must have one entry for each of 2 rows"),
        ({"visits": [-1, 2]}, "visits must be counts"),
        ({"correct": [0.5, 1]}, "correct must say True or False"),
        ({"correct": [True]}, "correct must have one entry"),
        ({"y": [0.5, 1.0]}, "y must be labels"),
        ({"min_rows": 1}, "'min_rows' parameter of group_report"),
    ],
)
def test_bad_input(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        group_report([1.0, 2.0], **{"groups": ["a", "b"], **given})


def test_accuracy_gap_of_newcombes_example() -> None:
    # Newcombe (1998), table II, 56/70 and 48/80 by method 10.
    correct = np.repeat([1, 0, 1, 0], [56, 14, 48, 32])
    groups = np.repeat(["a", "b"], [70, 80])
    report = group_report(np.ones(150), groups, correct=correct)
    assert_allclose(report.accuracy_gap, 0.2)
    assert_allclose(report.accuracy_gap_interval, (0.0524, 0.3339), atol=5e-5)


def test_groups_all_right_and_all_wrong_still_have_an_interval() -> None:
    report = group_report(np.ones(6), [0, 0, 0, 1, 1, 1], correct=[1, 1, 1, 0, 0, 0])
    low, high = report.accuracy_gap_interval
    assert low < 0.5 < report.accuracy_gap == 1 == high


def test_three_rows_that_are_all_right_show_no_gap() -> None:
    correct = np.repeat([1, 1, 0], [3, 45, 5])
    report = group_report(np.ones(53), np.repeat(["few", "many"], [3, 50]), correct=correct)
    assert_allclose(report.accuracy_gap, 0.1)
    assert report.accuracy_gap_interval[0] < 0


@pytest.mark.parametrize("n_right, n_rows", [(0, 5), (3, 3), (7, 20)])
def test_wilson_interval_is_scipys(n_right: int, n_rows: int) -> None:
    expected = binomtest(n_right, n_rows).proportion_ci(0.95, method="wilson")
    found = wilson_interval(np.array([n_right / n_rows]), np.array([n_rows]), norm.ppf(0.975))
    assert_allclose([found[0][0], found[1][0]], [expected.low, expected.high], atol=1e-12)
