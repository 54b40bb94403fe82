"""The raster of rows and rounds."""

import numpy as np
import pytest

from sklearn_sifal.plotting import SelectionDisplay

SELECTIONS = [[0, 1, 2, 3], [3, 3, 1], [3]]


def raster(display):
    return np.asarray(display.image_.get_array()).tolist()


def test_rows_of_their_own():
    display = SelectionDisplay.from_arrays(SELECTIONS, 4)
    assert raster(display) == [[100, 0, 0], [100, 100, 0], [100, 0, 0], [100, 100, 100]]
    assert display.colorbar_ is None
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("round", "row")
    assert list(display.image_.get_extent()) == [-0.5, 2.5, 3.5, -0.5]


def test_rows_put_together():
    display = SelectionDisplay.from_arrays(SELECTIONS, 4, max_rows=2)
    assert raster(display) == [[100, 50, 0], [100, 50, 50]]
    assert display.colorbar_.ax.get_ylabel() == "share of rows chosen (%)"
    # The axis still counts rows.
    assert list(display.image_.get_extent()) == [-0.5, 2.5, 3.5, -0.5]


def test_bins_of_unequal_size_are_shares_of_their_own_rows():
    # Bins start at rows 0, 1 and 3: 0 | 1, 2 | 3, 4.
    display = SelectionDisplay.from_arrays([[0, 1, 3, 4]], 5, max_rows=3)
    assert raster(display) == [[100], [50], [100]]


@pytest.mark.parametrize(
    "sort_by, order",
    [
        ("row", [0, 1, 2, 3]),
        ("visits", [3, 1, 0, 2]),
        ("label", [1, 3, 0, 2]),
        ("loss", [2, 0, 3, 1]),
    ],
)
def test_orders(sort_by, order):
    # Visits are 1, 2, 1, 4: repeats in a round count. Row 1 was never measured.
    display = SelectionDisplay(SELECTIONS, 4, y=list("baba"), losses=[0.5, np.nan, 0.9, 0.1])
    assert display.plot(sort_by=sort_by).order_.tolist() == order


def test_labels_are_named_in_the_middle_of_their_rows(read):
    display = SelectionDisplay(SELECTIONS, 4, y=["b", "a", "b", "b"]).plot(sort_by="label")
    assert display.ax_.get_yticks().tolist() == [0, 2]
    assert read.ticks(display.ax_.yaxis) == ["a", "b"]
    assert len(display.ax_.lines) == 1  # the border


def test_150_labels_are_thinned_out(read):
    y = np.repeat([f"label {k:03}" for k in range(150)], 2)
    display = SelectionDisplay([np.arange(300)], 300, y=y).plot(sort_by="label")
    names = read.ticks(display.ax_.yaxis)
    assert 20 <= len(names) <= 30
    assert names[0] == "label 000"


def test_bad_input():
    display = SelectionDisplay(SELECTIONS, 4)
    with pytest.raises(ValueError, match="sort_by='label' needs y"):
        display.plot(sort_by="label")
    with pytest.raises(ValueError, match="sort_by='loss' needs losses"):
        display.plot(sort_by="loss")
    with pytest.raises(ValueError, match="'sort_by' parameter"):
        display.plot(sort_by="size")
    with pytest.raises(ValueError, match="'max_rows' parameter"):
        display.plot(max_rows=0)
    with pytest.raises(ValueError, match=r"rows from 0 to n_samples - 1 = 2\. Got 0 to 3"):
        SelectionDisplay(SELECTIONS, 3).plot()
    with pytest.raises(ValueError, match="at least one round"):
        SelectionDisplay([], 3).plot()
    with pytest.raises(ValueError, match="y must have one value per row"):
        SelectionDisplay(SELECTIONS, 4, y=[1]).plot(sort_by="label")


def test_of_a_fit(texts):
    display = SelectionDisplay.from_estimator(texts.model, sort_by="loss")
    losses = texts.net.loss_table_["loss"][display.order_]
    assert (np.diff(losses) <= 0).all()
    shares = np.asarray(display.image_.get_array()).mean(axis=0)
    sizes = [len(np.unique(rows)) for rows in texts.net.selections_]
    np.testing.assert_allclose(shares, 100 * np.array(sizes) / 300)
    fresh = SelectionDisplay.from_estimator(texts.model, texts.X, texts.y, sort_by="loss")
    losses = texts.net.instance_losses(texts.model[:-1].transform(texts.X), texts.y)
    assert (np.diff(losses[fresh.order_]) <= 0).all()


def test_an_empty_round_and_keywords():
    display = SelectionDisplay([[0], []], 2).plot(cmap="viridis")
    assert raster(display) == [[100, 0], [0, 0]]
    assert display.image_.get_cmap().name == "viridis"


def test_labels_of_several_types_can_be_sorted(read):
    display = SelectionDisplay([[0, 1, 2]], 3, y=np.array(["b", 1, "a"], dtype=object))
    assert display.plot(sort_by="label").order_.tolist() == [1, 2, 0]
    assert read.ticks(display.ax_.yaxis) == ["1", "a", "b"]
