"""Groups beside each other."""

import numpy as np
import pytest
from scipy import stats

from sklearn_sifal.inspection import group_report
from sklearn_sifal.inspection._groups import wilson_interval
from sklearn_sifal.plotting import GroupReportDisplay

LOSSES = [1.0, 2.0, 4.0, 6.0, 9.0]
GROUPS = ["a", "a", "b", "b", "c"]


def test_the_hardest_group_is_on_top(read):
    display = GroupReportDisplay.from_losses(LOSSES, GROUPS)
    assert display.order_.tolist() == [2, 1, 0]
    assert display.points_["loss"].get_offsets().tolist() == [[9, 0], [5, 1], [1.5, 2]]
    assert read.ticks(display.ax_.yaxis) == ["c (n = 1)", "b (n = 2)", "a (n = 2)"]
    assert display.ax_.get_ylim() == (2.5, -0.5)
    assert display.ax_.get_xlabel() == "mean loss (nats)"


def test_intervals_of_the_losses():
    display = GroupReportDisplay.from_losses(LOSSES, GROUPS)
    (lines,) = display.ax_.collections[:1]
    ends = [segment[:, 0].tolist() for segment in lines.get_segments()]
    # Group b: standard deviation of 4 and 6 is sqrt(2), of the mean 1.
    reach = stats.t.ppf(0.975, 1)  # of a standard error of 1
    np.testing.assert_allclose(ends[1], [5 - reach, 5 + reach])
    np.testing.assert_allclose(ends[0], [9, 9])  # not known of a single row


def test_groups_that_take_no_part_in_gaps_are_grey():
    display = GroupReportDisplay.from_losses(LOSSES, GROUPS)
    colors = display.points_["loss"].get_facecolor()
    assert np.ptp(colors[0][:3]) == 0
    assert np.ptp(colors[1][:3]) > 0
    assert display.ax_.get_title().startswith("gap 3.5\n95 %: ")


def test_panels_follow_what_the_report_has():
    display = GroupReportDisplay.from_losses(
        LOSSES, GROUPS, visits=[1, 3, 2, 4, 9], correct=[True, True, False, True, False]
    )
    assert [axes.get_xlabel() for axes in display.axes_] == [
        "mean loss (nats)",
        "visits per row",
        "accuracy (%)",
    ]
    assert display.points_["visits"].get_offsets()[:, 0].tolist() == [9, 3, 2]
    assert display.points_["accuracy"].get_offsets()[:, 0].tolist() == [0, 50, 100]
    assert "points" in display.axes_[2].get_title()
    with pytest.raises(ValueError, match="'panels' parameter"):
        GroupReportDisplay.from_losses(LOSSES, GROUPS, panels="visits")


def test_losses_at_an_equal_label_mix(read):
    # Label x has loss 1 in both groups and y 3, but b has more of y.
    losses = [1, 1, 3, 1, 3, 3]
    groups = ["a", "a", "a", "b", "b", "b"]
    display = GroupReportDisplay.from_losses(losses, groups, y=["x", "x", "y", "x", "y", "y"])
    adjusted = display.points_["adjusted_loss"].get_offsets()[:, 0]
    np.testing.assert_allclose(adjusted, [2, 2])
    assert read.legend(display.ax_) == ["at an equal label mix"]


def test_share_interval_interval_is_scipys():
    low, high = wilson_interval(np.array([0.0, 0.4, 1.0]), np.array([5, 10, 3]), 1.96)
    for k, (right, n) in enumerate([(0, 5), (4, 10), (3, 3)]):
        expected = stats.binomtest(right, n).proportion_ci(method="wilson")
        np.testing.assert_allclose([low[k], high[k]], list(expected), atol=1e-4)


def test_150_groups_are_the_extremes(read):
    losses = np.repeat(np.arange(150.0), 2)
    display = GroupReportDisplay(group_report(losses, losses.astype(int))).plot()
    names = read.ticks(display.ax_.yaxis)
    assert len(names) == 24
    assert names[0] == "149 (n = 2)"
    assert names[-1] == "0 (n = 2)"
    assert "126 left out" in display.ax_.get_ylabel()


def test_of_a_fit(texts):
    groups = np.arange(300) % 3
    fresh = GroupReportDisplay.from_estimator(texts.model, texts.X, texts.y, groups=groups)
    right = texts.model.predict(texts.X) == texts.y
    expected = [right[groups == k].mean() for k in range(3)]
    np.testing.assert_allclose(fresh.report.accuracy, expected)
    assert fresh.report.mean_visits is None
    record = GroupReportDisplay.from_estimator(texts.model, groups=groups)
    expected = [texts.net.visit_counts_[groups == k].mean() for k in range(3)]
    np.testing.assert_allclose(record.report.mean_visits, expected)
    assert record.report.accuracy is None


def test_keywords_and_one_group():
    display = GroupReportDisplay.from_losses(LOSSES, ["a"] * 5, s=9)
    assert display.points_["loss"].get_sizes().tolist() == [9]
    assert display.ax_.get_title() == "no gap: fewer than two groups"
