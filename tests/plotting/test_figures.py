"""Axes that are made and axes that are given."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_sifal.plotting import SelectionOverlapDisplay
from sklearn_sifal.plotting._figures import make_axes, panels_to_draw


def test_new_figures_have_a_layout_and_as_many_axes_as_asked():
    figure, axes = make_axes("it", None, 4, size=(4, 3), n_columns=3)
    assert axes.shape == (4,)
    assert len(figure.axes) == 4
    assert figure.get_layout_engine() is not None
    assert figure.get_size_inches().tolist() == [4, 3]


def test_given_axes_are_taken_and_no_figure_is_made():
    figure, grid = plt.subplots(2, 2)
    before = plt.get_fignums()
    found, axes = make_axes("it", grid[0], 2, size=(1, 1))
    assert found is figure
    assert axes.tolist() == grid[0].tolist()
    assert plt.get_fignums() == before


def test_axes_of_a_subfigure_belong_to_the_figure():
    figure = plt.figure()
    axes = figure.subfigures(1, 2)[1].subplots()
    assert make_axes("it", axes, size=(1, 1))[0] is figure


@pytest.mark.parametrize("ax", ["ax", 3, ["ax"]])
def test_other_things_are_no_axes(ax):
    with pytest.raises(TypeError, match="ax must be matplotlib Axes"):
        make_axes("it", ax, size=(1, 1))


def test_the_number_of_axes_must_fit():
    _, grid = plt.subplots(1, 3)
    with pytest.raises(ValueError, match=r"it draws 2 panels\. Got 3 axes"):
        make_axes("it", grid, 2, size=(1, 1))


def test_panels():
    known, default = ("a", "b", "c"), ("b", "a")
    assert panels_to_draw("it", None, known, default, None) == ("b", "a")
    assert panels_to_draw("it", None, known, default, object()) == ("b",)
    assert panels_to_draw("it", "c", known, default, None) == ("c",)
    assert panels_to_draw("it", ["c", "a"], known, default, None) == ("c", "a")
    for wrong in ("d", [], ["a", "d"]):
        with pytest.raises(ValueError, match="'panels' parameter of it must be among"):
            panels_to_draw("it", wrong, known, default, None)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"SelectionOverlapDisplay.plot .* extra 'plot'"):
        SelectionOverlapDisplay.from_arrays([[0], [np.int64(1)]], 2)
