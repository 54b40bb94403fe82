"""Points and hexagons of the data map."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from sklearn_sifal.plotting import DataMapDisplay

CONFIDENCE = [0.9, 0.95, 0.5, 0.1]
VARIABILITY = [0.05, 0.1, 0.4, 0.08]
CORRECTNESS = [1.0, 1.0, 0.5, 0.0]


def test_points_by_region_and_correctness(read):
    display = DataMapDisplay.from_arrays(CONFIDENCE, VARIABILITY, CORRECTNESS)
    # A third of four rows, one, is ambiguous.
    assert display.points_["easy"].get_offsets().tolist() == [[0.05, 0.9], [0.1, 0.95]]
    assert display.points_["ambiguous"].get_offsets().tolist() == [[0.4, 0.5]]
    assert display.points_["hard"].get_array().tolist() == [0]
    assert display.points_["easy"].get_clim() == (0, 1)
    assert read.legend(display.ax_) == ["easy 50 %", "ambiguous 25 %", "hard 25 %"]
    assert display.colorbar_.ax.get_ylabel().startswith("correctness")
    assert display.hexagons_ is None


def test_regions_have_markers_of_their_own():
    display = DataMapDisplay.from_arrays(CONFIDENCE, VARIABILITY, CORRECTNESS)
    shapes = {len(points.get_paths()[0].vertices) for points in display.points_.values()}
    assert len(shapes) == 3


def test_without_correctness_there_is_one_color():
    display = DataMapDisplay.from_arrays(CONFIDENCE, VARIABILITY)
    assert display.colorbar_ is None


def test_borders_of_the_regions():
    display = DataMapDisplay.from_arrays(CONFIDENCE, VARIABILITY)
    vertical, horizontal = display.ax_.lines
    assert list(vertical.get_xdata()) == [0.4, 0.4]
    assert list(horizontal.get_ydata()) == [0.5, 0.5]


def test_many_rows_are_counted_in_hexagons():
    rng = np.random.default_rng(0)
    display = DataMapDisplay.from_arrays(rng.random(6000), rng.random(6000) / 2)
    assert isinstance(display.hexagons_, PolyCollection)
    assert display.hexagons_.get_array().sum() == 6000
    assert display.points_ == {}
    assert display.colorbar_.ax.get_ylabel() == "rows"
    assert display.ax_.get_title().startswith("easy ")
    few = DataMapDisplay.from_arrays(CONFIDENCE, VARIABILITY, max_points=3)
    assert few.hexagons_.get_array().sum() == 4


def test_rows_never_visited_are_counted(read):
    display = DataMapDisplay.from_arrays([0.9, np.nan], [0.1, np.nan])
    assert [text.get_text() for text in display.ax_.texts] == ["not trained on: 1 rows"]
    empty = DataMapDisplay.from_arrays([np.nan], [np.nan])
    assert empty.points_ == {}
    empty.figure_.draw_without_rendering()


def test_of_a_fit(texts):
    display = DataMapDisplay.from_estimator(texts.model, s=5)
    assert sum(len(p.get_offsets()) for p in display.points_.values()) == 300
    assert display.points_["easy"].get_sizes().tolist() == [5]
    with pytest.raises(ValueError, match="'max_points' parameter"):
        display.plot(max_points=-1)
