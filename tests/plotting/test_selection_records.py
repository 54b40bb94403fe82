"""Losses, overlaps and labels of selections."""

import numpy as np
import pytest

from sklearn_sifal.inspection import selection_losses
from sklearn_sifal.plotting import (
    SelectionLabelDisplay,
    SelectionLossDisplay,
    SelectionOverlapDisplay,
)

LOSSES = [[1.0, 2.0, 6.0], [1.0, 2.0, 2.0]]
SELECTIONS = [[2], [1, 2]]


def points(line):
    return line.get_xdata().tolist(), line.get_ydata().tolist()


def test_losses_before_and_after():
    record = selection_losses(
        LOSSES, SELECTIONS, losses_after=[[1, 2, 3], [1, 1, 1]], test_losses=[5.0, 4.0]
    )
    display = SelectionLossDisplay(record).plot(after=True)
    lines = display.lines_
    assert points(lines["chosen"]) == ([0, 1], [6, 2])
    assert points(lines["other"]) == ([0, 1], [1.5, 1])
    assert points(lines["everything"]) == ([0, 1], [3, 5 / 3])
    # What was measured after round r was measured after r + 1 rounds.
    assert points(lines["chosen_after"]) == ([1, 2], [3, 1])
    assert points(lines["test"]) == ([1, 2], [5, 4])
    assert lines["chosen_after"].get_linestyle() == "--"
    assert lines["chosen_after"].get_color() == lines["chosen"].get_color()
    assert display.ax_.get_xlabel() == "rounds trained"


def test_what_was_not_measured_has_no_line(read):
    display = SelectionLossDisplay(selection_losses(LOSSES, SELECTIONS)).plot(after=True)
    assert read.legend(display.ax_) == ["chosen", "not chosen", "all training rows"]


def test_losses_of_a_fit(texts):
    display = SelectionLossDisplay.from_estimator(
        texts.model, texts.X, texts.y, X_test=texts.X[:50], y_test=texts.y[:50]
    )
    losses = texts.net.instance_losses(texts.model[:-1].transform(texts.X), texts.y)
    n_rounds = texts.net.n_iter_
    np.testing.assert_allclose(display.losses.everything_after[-1], losses.mean(), rtol=1e-5)
    np.testing.assert_allclose(display.losses.test[-1], losses[:50].mean(), rtol=1e-5)
    assert np.isnan(display.losses.chosen[0])  # nothing is known before the first round
    assert display.lines_["test"].get_xdata().tolist() == list(range(1, n_rounds + 1))
    known = SelectionLossDisplay.from_estimator(texts.model)
    second = texts.net.selections_[1]
    expected = texts.net.loss_history_[0][second].mean()
    np.testing.assert_allclose(known.losses.chosen[1], expected, rtol=1e-5)


def test_losses_of_a_regression_are_not_in_nats(regression):
    display = SelectionLossDisplay.from_estimator(regression.model)
    assert display.ax_.get_ylabel() == "mean loss"


def test_overlaps_beside_chance(read):
    # Of {0, 1} one is in {1, 2}: 50 % kept, Jaccard 1/3; by chance 2 of 4 rows: 50 %.
    display = SelectionOverlapDisplay.from_arrays([[0, 1], [1, 2], [1, 2]], 4)
    assert points(display.lines_["kept_share"]) == ([1, 2], [50, 100])
    np.testing.assert_allclose(display.lines_["jaccard"].get_ydata(), [100 / 3, 100])
    assert display.lines_["expected_kept_share"].get_ydata().tolist() == [50, 50]
    assert display.lines_["expected_jaccard"].get_linestyle() == "--"
    assert display.ax_.get_title("left") == "never chosen: 1 rows"
    assert len(read.legend(display.ax_)) == 4


def test_one_round_has_no_overlap():
    display = SelectionOverlapDisplay.from_arrays([[0, 1]], 4)
    assert [text.get_text() for text in display.ax_.texts] == ["one round: nothing to compare"]


def test_labels_by_round(read):
    y = ["a", "a", "a", "b"]
    display = SelectionLabelDisplay.from_arrays([[0, 1, 2, 3], [3], [0]], y)
    assert read.ticks(display.ax_.yaxis) == ["b", "a"]  # the preferred label on top
    # b: lifts 1, 4 and 0; a: 1, 0 and 4/3. 0 is drawn as 1/8.
    expected = [[0, 2, -3], [0, -3, np.log2(4 / 3)]]
    np.testing.assert_allclose(np.asarray(display.image_.get_array()), expected)
    assert [text.get_text() for text in display.ax_.texts[:3]] == ["1.0", "4.0", "0.0"]
    ticks = [label.get_text() for label in display.colorbar_.ax.get_yticklabels()]
    assert ticks == ["1/8", "1/4", "1/2", "1", "2", "4", "8"]


def test_labels_of_some_rounds(texts, read):
    display = SelectionLabelDisplay.from_estimator(texts.model, y=texts.y, rounds=[0, 2])
    assert read.ticks(display.ax_.xaxis) == ["0", "2"]
    # The first round takes all rows, so that nothing is preferred in it.
    np.testing.assert_allclose(np.asarray(display.image_.get_array())[:, 0], 0, atol=1e-12)
    with pytest.raises(ValueError, match="y must be given"):
        SelectionLabelDisplay.from_estimator(texts.model)


def test_many_labels_and_rounds(read):
    y = np.arange(300) % 150
    display = SelectionLabelDisplay.from_arrays([np.arange(k, 300) for k in range(40)], y)
    assert np.asarray(display.image_.get_array()).shape == (20, 40)
    assert display.ax_.texts == [] or len(display.ax_.texts) == 0  # no room for numbers
    assert read.ticks(display.ax_.xaxis)[:2] == ["0", "3"]
    assert "130 others left out" in display.ax_.get_title("left")


def test_one_round_without_fresh_losses_says_why_nothing_is_drawn():
    display = SelectionLossDisplay(selection_losses([[np.nan, np.nan]], [[0]])).plot()
    assert display.lines_ == {}
    assert [text.get_text() for text in display.ax_.texts] == [
        "one round: nothing was known before it"
    ]


def test_many_rounds_have_no_room_for_numbers():
    few = SelectionLabelDisplay.from_arrays([[0, 1]] * 3, ["a", "b"])
    many = SelectionLabelDisplay.from_arrays([[0, 1]] * 40, ["a", "b"])
    assert len(few.ax_.texts) == 6
    assert len(many.ax_.texts) == 0
