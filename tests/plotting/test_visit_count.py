"""Histograms and groups of visits."""

import numpy as np
import pytest

from sklearn_sifal.plotting import LossDecileDisplay, VisitCountDisplay


def test_shares_of_rows(read):
    display = VisitCountDisplay.from_arrays([0, 0, 1, 3])
    assert read.heights(display.bars_[0]) == [50, 25, 0, 25]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in display.bars_[0]]
    np.testing.assert_allclose(middles, [0, 1, 2, 3])
    assert display.ax_.get_title() == "dashed: mean 1, most 3, never 50 %"
    assert display.ax_.lines[0].get_xdata() == [1, 1]
    assert display.ax_.get_ylabel() == "share of rows (%)"


def test_many_counts_share_bars(read):
    # 0 to 149 in at most 50 bars: three counts a bar.
    display = VisitCountDisplay.from_arrays(np.arange(150))
    assert len(display.bars_[0]) == 50
    np.testing.assert_allclose(read.heights(display.bars_[0]), 2)
    first = display.bars_[0][0]
    np.testing.assert_allclose([first.get_x(), first.get_width()], [-0.5, 3])


def test_no_visits_at_all(read):
    assert read.heights(VisitCountDisplay.from_arrays([0, 0]).bars_[0]) == [100]


@pytest.mark.parametrize("log", [False, True])
def test_strategies_over_each_other(log, read):
    visits = {"base": [2, 2], "heap": [0, 4]}
    display = VisitCountDisplay.from_arrays(visits, log=log)
    base, heap = display.bars_
    assert base.get_data().values.tolist() == [0, 0, 100, 0, 0]
    assert heap.get_data().values.tolist() == [50, 0, 0, 0, 50]
    assert read.legend(display.ax_) == [
        "base: mean 2, most 2, never 0 %",
        "heap: mean 2, most 4, never 50 %",
    ]
    assert display.ax_.get_yscale() == ("log" if log else "linear")


def test_groups_by_label(read):
    display = VisitCountDisplay.from_arrays([1, 1, 4], y=["a", "a", "b"])
    assert [bar.get_width() for bar in display.group_bars_] == [0.5, 2]
    assert read.ticks(display.axes_[1].yaxis) == ["a", "b"]
    assert display.axes_[1].get_ylabel() == "label"


def test_150_groups_are_the_extremes(read):
    y = np.repeat([f"label {k:03}" for k in range(150)], 2)
    visits = np.repeat(np.arange(150), 2)
    display = VisitCountDisplay.from_arrays(visits, y=y)
    names = read.ticks(display.axes_[1].yaxis)
    assert len(names) == 20
    assert names[0] == "label 149"
    assert names[-1] == "label 000"
    assert "130 left out" in display.axes_[1].get_title()


def test_of_a_fit(texts, read):
    by_label = VisitCountDisplay.from_estimator(texts.model, y=texts.y)
    assert read.ticks(by_label.axes_[1].yaxis) == sorted(set(texts.y))
    by_decile = VisitCountDisplay.from_estimator(texts.model)
    assert len(by_decile.group_bars_) == 10
    assert by_decile.axes_[1].get_ylabel() == "loss decile (1: smallest losses)"
    fresh = VisitCountDisplay.from_estimator(texts.model, texts.X, texts.y, by="decile")
    assert len(fresh.group_bars_) == 10
    alone = VisitCountDisplay.from_estimator(texts.model, by=None)
    assert alone.group_bars_ is None
    counts = np.bincount(texts.net.visit_counts_)
    np.testing.assert_allclose(read.heights(alone.bars_[0]), counts / 3)  # of 300 rows


def test_validation_rows_are_left_out(read):
    from sklearn_sifal import LossSampledClassifier

    X = np.random.default_rng(0).normal(size=(100, 3))
    net = LossSampledClassifier(
        "base", early_stopping=True, budget=2, batch_size=16, random_state=0
    ).fit(X, (X[:, 0] > 0).astype(int))
    display = VisitCountDisplay.from_estimator(net, by=None)
    assert len(display.visits) == 90
    assert read.heights(display.bars_[0])[0] == 0
    deciles = LossDecileDisplay.from_estimator(net).deciles
    assert deciles.n_unknown == 0  # they are not called rows of unknown loss
    np.testing.assert_array_equal(deciles.bin_of_row == -1, net.loss_table_["held_out"])


def test_bad_input(texts):
    with pytest.raises(ValueError, match="non-negative integers"):
        VisitCountDisplay.from_arrays([0.5])
    with pytest.raises(ValueError, match="non-negative integers"):
        VisitCountDisplay.from_arrays([-1])
    with pytest.raises(ValueError, match="visits of several strategies"):
        VisitCountDisplay.from_arrays({"a": [1]}, y=["x"])
    with pytest.raises(ValueError, match="'by' parameter"):
        VisitCountDisplay.from_estimator(texts.model, by="group")
    with pytest.raises(ValueError, match="by='label' needs y"):
        VisitCountDisplay.from_estimator(texts.model, by="label")
    with pytest.raises(ValueError, match="'panels' parameter"):
        VisitCountDisplay.from_arrays([1], panels="groups")


def test_panels_and_keywords():
    display = VisitCountDisplay.from_arrays([1, 2], y=["a", "b"], panels="groups")
    assert display.bars_ == []
    assert len(display.group_bars_) == 2
    bars = VisitCountDisplay.from_arrays([1, 2], color="red").bars_[0]
    assert bars[0].get_facecolor() == (1, 0, 0, 1)
