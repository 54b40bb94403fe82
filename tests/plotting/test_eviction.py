"""Bars and lines of rows that sit out."""

import numpy as np
import pytest

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.plotting import EvictionDisplay
from sklearn_sifal.strategies import Base, HeapQueue


def fitted(strategy):
    X = np.random.default_rng(0).normal(size=(60, 4))
    y = (X[:, 0] > 0).astype(int)
    net = LossSampledClassifier(
        strategy, hidden_layer_sizes=(4,), budget=4, batch_size=6, random_state=0
    )
    return net.fit(X, y)


def test_bars_are_percent_of_the_rows(read):
    display = EvictionDisplay.from_arrays(
        [0, 30, 10], n_rows=200, newly_evicted=[0, 30, 20], restored=[0, 0, 40]
    )
    assert read.heights(display.bars_) == [0, 15, 5]
    assert display.lines_["newly_evicted"].get_xdata().tolist() == [1, 2]
    assert display.lines_["newly_evicted"].get_ydata().tolist() == [15, 10]
    assert display.lines_["restored"].get_xdata().tolist() == [2]
    assert display.lines_["restored"].get_ydata().tolist() == [20]
    assert display.ax_.get_title(loc="left") == "evicted: 50, let back in: 40"
    assert display.ax_.get_ylabel() == "% of the rows"
    assert read.legend(display.ax_) == [
        "sitting out at the end",
        "evicted within the round",
        "let back within the round",
    ]


def test_without_the_number_of_rows_bars_are_rows(read):
    display = EvictionDisplay.from_arrays([3, 5])
    assert read.heights(display.bars_) == [3, 5]
    assert display.ax_.get_ylabel() == "sitting out at the end (rows)"
    assert display.ax_.get_legend() is None  # one kind of thing, which the axis names
    assert display.ax_.get_title(loc="left") == ""


def test_strategies_are_lines(read):
    display = EvictionDisplay.from_arrays(
        {"base": [0, 0], "heap": [0, 5, 10]}, n_rows={"base": 10, "heap": 20}
    )
    assert display.bars_ is None
    assert display.lines_["heap"].get_ydata().tolist() == [0, 25, 50]
    assert display.lines_["base"].get_ydata().tolist() == [0, 0]
    assert read.legend(display.ax_) == ["base", "heap"]
    assert display.ax_.get_ylabel() == "sitting out at the end (% of the rows)"
    assert display.ax_.get_ylim()[0] == 0


def test_a_heap_with_resets():
    net = fitted(HeapQueue(max_visits=3, reset_every=30))
    display = EvictionDisplay.from_estimator(net)
    history = net.history_
    out = np.cumsum([record["newly_evicted"] - record["restored"] for record in history])
    assert sum(record["restored"] for record in history) > 0
    np.testing.assert_allclose([bar.get_height() for bar in display.bars_], 100 * out / 60)
    assert out[-1] == net.loss_table_["evicted"].sum()


def test_nothing_evicted(read):
    display = EvictionDisplay.from_estimator(fitted("base"))
    assert read.heights(display.bars_) == [0, 0, 0, 0]
    assert display.ax_.get_title(loc="left") == "no row was evicted"
    assert display.lines_ == {}
    assert display.ax_.get_ylim() == (0, 1)


def test_models_by_name():
    models = {"base": fitted("base"), "limit": fitted(Base(max_visits=4))}
    display = EvictionDisplay.from_estimator(models)
    assert display.lines_["base"].get_ydata().tolist() == [0, 0, 0, 0]
    assert display.lines_["limit"].get_ydata().tolist() == [0, 0, 0, 100]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"evicted": [0.5]}, "evicted must be non-negative integers, one a round"),
        ({"evicted": [-1]}, "evicted must be non-negative integers"),
        ({"evicted": []}, "evicted must be non-negative integers"),
        ({"evicted": [1, 2], "restored": [1]}, "restored must be non-negative integers"),
        ({"evicted": [1], "n_rows": 0}, "n_rows must be at least 1. Got 0"),
        ({"evicted": {}}, "at least one strategy"),
        ({"evicted": {"a": [1]}, "n_rows": {"b": 1}}, "Got none of 'a'"),
        ({"evicted": {"a": [1.0]}}, r"evicted\['a'\] must be non-negative"),
        ({"evicted": {"a": [1]}, "restored": [1]}, "cannot be given with those of several"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        EvictionDisplay.from_arrays(**arguments)
