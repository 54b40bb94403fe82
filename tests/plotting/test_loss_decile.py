"""Bars of losses, stacks of labels and maps of lift."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from sklearn_sifal.inspection import loss_deciles
from sklearn_sifal.plotting import LossDecileDisplay
from sklearn_sifal.plotting._label_maps import frequent_labels, uneven_labels

LOSSES = [0.1, 0.3, 1.0, 2.0, 3.0, 5.0]
LABELS = ["a", "a", "a", "b", "b", "c"]


def test_mean_losses_and_their_shares(read):
    display = LossDecileDisplay.from_losses(LOSSES, n_bins=2)
    np.testing.assert_allclose(read.heights(display.bars_), [1.4 / 3, 10 / 3])
    shares = [text.get_text() for text in display.ax_.texts]
    assert shares == ["12 %", "88 %"]  # 1.4 and 10 of 11.4
    assert display.ax_.get_ylabel() == "mean loss (nats)"
    assert display.ax_.get_xlabel() == "loss bin (0: smallest losses, 1: largest)"
    assert display.label_bars_ == {}


def test_stacks_of_labels(read):
    display = LossDecileDisplay.from_losses(LOSSES, LABELS, n_bins=2)
    bars = display.label_bars_
    assert list(bars) == ["a", "b", "c"]
    np.testing.assert_allclose(read.heights(bars["a"]), [100, 0])
    np.testing.assert_allclose(read.heights(bars["b"]), [0, 200 / 3])
    np.testing.assert_allclose([bar.get_y() for bar in bars["c"]], [100, 200 / 3])
    assert read.legend(display.ax_) == ["c", "b", "a"]  # as they are stacked
    assert display.ax_.get_ylim() == (0, 100)
    assert len(display.axes_) == 2


def test_the_most_frequent_label_is_framed():
    display = LossDecileDisplay.from_losses(LOSSES, LABELS, n_bins=2)
    framed = {
        (label, place)
        for label, bars in display.label_bars_.items()
        for place, bar in enumerate(bars)
        if bar.get_edgecolor() == to_rgba("black")
    }
    assert framed == {("a", 0), ("b", 1)}


def test_two_labels_need_no_frames(read):
    display = LossDecileDisplay.from_losses(LOSSES, np.array(LABELS) == "a", n_bins=2)
    edges = {bar.get_edgecolor() for bars in display.label_bars_.values() for bar in bars}
    assert edges == {to_rgba("white")}
    assert read.legend(display.ax_) == ["True", "False"]


def test_other_labels_are_put_together(read):
    display = LossDecileDisplay.from_losses(LOSSES, LABELS, n_bins=2, n_labels=2)
    assert list(display.label_bars_) == ["a", "b", "other"]
    np.testing.assert_allclose(read.heights(display.label_bars_["other"]), [0, 100 / 3])
    assert read.legend(display.ax_)[0] == "1 other labels"


def test_a_label_called_other_stays_itself(read):
    y = ["other", "other", "a", "b"]
    display = LossDecileDisplay.from_losses([1, 2, 3, 4], y, n_bins=2, n_labels=2)
    assert list(display.label_bars_) == ["a", "other", None]


def test_150_labels_are_a_map_of_lift(read):
    y = np.repeat([f"label {k:03}" for k in range(150)], 20)
    losses = np.arange(3000.0)  # each label in one decile alone
    display = LossDecileDisplay.from_losses(losses, y)
    assert display.label_bars_ == {}
    lifts = np.asarray(display.image_.get_array())
    assert lifts.shape == (20, 10)
    # A label that is all in one of ten bins has a lift of 10, drawn as 8: three doublings.
    assert set(np.unique(lifts)) == {-3, 3}
    assert "130 others left out" in display.ax_.get_title("left")
    assert len(read.ticks(display.ax_.yaxis)) == 20


def test_the_label_preferred_among_the_hardest_is_on_top(read):
    display = LossDecileDisplay.from_losses(LOSSES, LABELS, n_bins=2, panels="lift")
    assert read.ticks(display.ax_.yaxis) == ["b", "c", "a"]
    # Lifts 0 and 2, 0 and 2, 2 and 0.
    expected = [[-3, 1], [-3, 1], [1, -3]]
    np.testing.assert_allclose(np.asarray(display.image_.get_array()), expected)
    assert [text.get_text() for text in display.ax_.texts][:2] == ["0.0", "2.0"]


def test_frequent_labels_begin_with_the_most_frequent_of_each_bin():
    share = np.array([[0.6, 0.4, 0.0, 0.0], [0.0, 0.5, 0.45, 0.05], [0.1, 0.1, 0.1, 0.7]])
    assert frequent_labels(share, 3) == [0, 1, 3]
    assert frequent_labels(share, 2) == [0, 3]
    assert frequent_labels(share, 9) == [0, 1, 2, 3]


def test_uneven_labels_go_by_points():
    share = np.array([[0.5, 0.499, 0.001], [0.6, 0.4, 0.0]])
    # Distances in points: 0.1, 0.099 and 0.001, though the last has the largest lift.
    assert uneven_labels(share, np.array([0.55, 0.4495, 0.0005]), 2) == [0, 1]


def test_unknown_losses_are_counted():
    display = LossDecileDisplay.from_losses([1, np.nan, 2], n_bins=2)
    assert display.ax_.get_title("right") == "1 rows of unknown loss left out"


def test_given_axes(read):
    from matplotlib.figure import Figure

    axes = Figure().subplots(1, 2)
    display = LossDecileDisplay.from_losses(LOSSES, LABELS, ax=axes, n_bins=2)
    assert display.axes_.tolist() == list(axes)
    # Without a layout a legend outside would be cut off.
    assert axes[0].get_legend()._bbox_to_anchor is None
    alone = LossDecileDisplay.from_losses(LOSSES, LABELS, ax=axes[0], n_bins=2)
    assert alone.bars_ is None
    assert alone.ax_.get_xlabel().startswith("loss bin")


def test_panels_keywords_and_labels_with_formulas(read):
    display = LossDecileDisplay.from_losses([1, 2, 3], ["$x$", "_b_", "c" * 40], color="red")
    assert read.legend(display.ax_) == ["c" * 23 + "…", " _b_", r"\$x\$"]
    assert display.bars_[0].get_facecolor() == to_rgba("red")
    with pytest.raises(ValueError, match=r"must be among \['loss'\]"):
        LossDecileDisplay.from_losses(LOSSES, panels="labels")
    with pytest.raises(ValueError, match="'n_labels' parameter"):
        LossDecileDisplay.from_losses(LOSSES, LABELS, n_labels=0)


def test_of_a_fit(texts, numbers, regression):
    display = LossDecileDisplay.from_estimator(texts.model, y=texts.y, n_bins=4)
    expected = loss_deciles(texts.net.loss_table_["loss"], texts.y, n_bins=4)
    np.testing.assert_array_equal(display.deciles.counts, expected.counts)
    fresh = LossDecileDisplay.from_estimator(texts.model, texts.X, texts.y)
    losses = texts.net.instance_losses(texts.model[:-1].transform(texts.X), texts.y)
    np.testing.assert_allclose(fresh.deciles.mean_loss, loss_deciles(losses).mean_loss)
    assert LossDecileDisplay.from_estimator(numbers.model).deciles.labels is None
    numeric = LossDecileDisplay.from_estimator(regression.model, regression.X, regression.y)
    assert numeric.deciles.labels is None
    assert numeric.ax_.get_ylabel() == "mean loss"
    with pytest.raises(ValueError, match="y must have one value per row"):
        LossDecileDisplay.from_estimator(texts.model, y=texts.y[:3])
