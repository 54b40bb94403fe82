"""Mean ranks on an axis, and what bars join."""

import inspect

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_sifal.comparison import rank_strategies
from sklearn_sifal.plotting import CriticalDifferenceDisplay

NAMES = ["base", "a", "b", "c"]
RANKS = [3.5, 1.25, 2.5, 2.75]


def test_names_stand_beside_the_axis_the_best_on_the_left():
    display = CriticalDifferenceDisplay(NAMES, RANKS).plot()
    texts = {name: text.get_text() for name, text in display.names_.items()}
    assert texts == {"a": "a  1.25", "b": "b  2.50", "c": "2.75  c", "base": "3.50  base"}
    assert list(texts) == ["a", "b", "c", "base"]
    assert {name: line.get_xdata()[0] for name, line in display.leaders_.items()} == dict(
        zip(NAMES, RANKS, strict=True)
    )
    for name, on_left in (("a", True), ("b", True), ("c", False), ("base", False)):
        assert (display.names_[name].get_position()[0] < 1) == on_left
        assert (display.names_[name].get_ha() == "right") == on_left
    # The outermost are uppermost; the axis is upside down.
    heights = {name: text.get_position()[1] for name, text in display.names_.items()}
    assert heights["a"] == heights["base"]
    assert heights["b"] == heights["c"] == heights["a"] + 1
    assert display.bars_ == []


def test_bars_join_groups_and_do_not_touch():
    groups = [("a", "b"), ("b", "c"), ("c", "base")]
    display = CriticalDifferenceDisplay(NAMES, RANKS, groups).plot()
    ends = [bar.get_xdata() for bar in display.bars_]
    np.testing.assert_allclose(ends, [[1.25, 2.5], [2.5, 2.75], [2.75, 3.5]], atol=0.05)
    heights = [bar.get_ydata()[0] for bar in display.bars_]
    assert heights[0] == heights[2] < heights[1] < display.names_["a"].get_position()[1]


def test_a_bar_of_equal_ranks_is_seen():
    display = CriticalDifferenceDisplay(["a", "b"], [1.5, 1.5], [("a", "b")]).plot()
    (bar,) = display.bars_
    assert np.ptp(bar.get_xdata()) > 0


def test_the_ruler_is_as_long_as_the_critical_difference():
    display = CriticalDifferenceDisplay(NAMES, RANKS, critical_difference=1.2536).plot()
    (ruler,) = [line for line in display.ax_.lines if line.get_marker() == "|"]
    np.testing.assert_allclose(ruler.get_xdata(), [1, 2.2536])
    assert "critical difference 1.25" in [text.get_text() for text in display.ax_.texts]
    long = CriticalDifferenceDisplay(NAMES, RANKS, critical_difference=9.0).plot()
    assert "critical difference 9.00, longer than the axis" in [
        text.get_text() for text in long.ax_.texts
    ]


@pytest.mark.parametrize("n", [2, 3, 10, 25])
@pytest.mark.parametrize("pattern", ["{}", "percentage_of_hard_rows:{}.5"])
def test_names_neither_overlap_nor_leave_the_figure(n, pattern):
    rng = np.random.default_rng(n)
    ranks = rng.permuted(np.tile(np.arange(1, n + 1), (4, 1)), axis=1).mean(axis=0)
    names = [pattern.format(i) for i in range(n)]
    display = CriticalDifferenceDisplay(names, ranks, title="ranks\nby accuracy").plot()
    display.figure_.draw_without_rendering()
    boxes = [text.get_window_extent() for text in [*display.ax_.texts, display.ax_.title]]
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    whole = display.figure_.bbox
    assert all(whole.x0 <= b.x0 and b.x1 <= whole.x1 for b in boxes)
    assert all(whole.y0 <= b.y0 and b.y1 <= whole.y1 for b in boxes)


def test_lines_do_not_cross():
    rng = np.random.default_rng(0)
    names = [f"s{i}" for i in range(12)]
    display = CriticalDifferenceDisplay(names, np.sort(rng.uniform(1, 12, 12))).plot()
    for one in display.leaders_.values():
        (x, _, end), (_, line, _) = one.get_xdata(), one.get_ydata()
        for other in display.leaders_.values():
            place, depth = other.get_xdata()[0], other.get_ydata()[1]
            between = min(x, end) < place < max(x, end)
            assert other is one or not between or depth < line


def test_a_given_ax_is_drawn_into_and_nothing_else():
    figure = matplotlib.figure.Figure(figsize=(4, 3))
    ax = figure.subplots()
    names = [f"a rather long name {i}" for i in range(12)]
    display = CriticalDifferenceDisplay(names, np.arange(1, 13)).plot(ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert plt.get_fignums() == []
    figure.draw_without_rendering()
    # Names give way, the axis does not.
    left, right = ax.get_xlim()
    assert 11 / (right - left) >= 0.27
    assert all("…" in text.get_text() for text in display.names_.values())


def test_names_are_drawn_as_they_are_written():
    display = CriticalDifferenceDisplay(["$x$", "_y\n\x1b"], [1, 2]).plot()
    display.figure_.draw_without_rendering()
    assert display.names_["$x$"].get_text() == r"\$x\$  1.00"
    assert "\n" not in display.names_["_y\n\x1b"].get_text()


def test_styles_and_keywords_reach_the_lines():
    styles = {"a": {"color": "#123456", "marker": "x", "linestyle": "--"}}
    display = CriticalDifferenceDisplay(NAMES, RANKS).plot(styles=styles, linewidth=3)
    assert display.leaders_["a"].get_color() == "#123456"
    assert display.leaders_["base"].get_color() == "#000000"
    assert display.leaders_["b"].get_linewidth() == 3


def test_constructor_keeps_what_it_is_given():
    parameters = list(inspect.signature(CriticalDifferenceDisplay).parameters)
    values = {name: object() for name in parameters}
    made = CriticalDifferenceDisplay(**values)
    assert vars(made) == values


def test_from_ranks_draws_what_was_found():
    rng = np.random.default_rng(0)
    figures = {
        f"d{i}": dict(zip(NAMES, [0, 0.0, 1, 1.0] + rng.normal(0, 0.2, 4), strict=True))
        for i in range(12)
    }
    ranks = rank_strategies(figures, metric="accuracy")
    display = CriticalDifferenceDisplay.from_ranks(ranks)
    assert display.groups == ranks.groups() == (("c", "b"), ("a", "base"))
    assert len(display.bars_) == 2
    assert display.critical_difference is None
    assert display.ax_.get_title() == (
        "mean rank by accuracy over 12 data sets\n"
        "joined: not told apart (Wilcoxon's test, Holm's adjustment)"
    )
    nemenyi = ranks.plot(test="nemenyi")
    assert nemenyi.critical_difference == pytest.approx(2.569 * np.sqrt(20 / 72), abs=1e-3)
    assert "Nemenyi" in nemenyi.ax_.get_title()
    with pytest.raises(ValueError, match="'test' parameter"):
        CriticalDifferenceDisplay.from_ranks(ranks, test="t")


def test_too_few_data_sets_are_said_in_the_picture():
    figures = {f"d{i}": {"base": 0.0, "a": 1.0 + i, "b": 2.0 + i} for i in range(4)}
    display = rank_strategies(figures).plot()
    assert display.ax_.get_title().endswith(
        "too few data sets to tell any apart (Wilcoxon's test, Holm's adjustment)"
    )
    assert display.groups == (("b", "a", "base"),)


@pytest.mark.parametrize(
    "names, ranks, groups, expected",
    [
        (["a"], [1], [], "two or more names"),
        (["a", "b"], [1], [], r"Got shape \(1,\) for 2 names"),
        (["a", "b"], [1, np.nan], [], "a finite number"),
        (["a", "a"], [1, 2], [], "different from each other"),
        (["a", "b"], [0, 2], [], "between 1 and the number of names, 2"),
        (["a", "b", "c"], [1, 2, 3], [("a", "c")], "beside each other"),
        (["a", "b", "c"], [1, 2, 3], [("a", "x")], "beside each other"),
        (["a", "b", "c"], [1, 2, 3], [()], "beside each other"),
    ],
)
def test_what_is_refused(names, ranks, groups, expected):
    with pytest.raises(ValueError, match=expected):
        CriticalDifferenceDisplay(names, ranks, groups).plot()
