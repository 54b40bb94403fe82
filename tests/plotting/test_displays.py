"""What all Displays have in common."""

import inspect
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpydoc.docscrape import NumpyDocString
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_sifal import LossSampledClassifier, plotting
from sklearn_sifal.plotting import (
    CriticalDifferenceDisplay,
    DataMapDisplay,
    EvictionDisplay,
    GroupReportDisplay,
    InstanceGalleryDisplay,
    LossCurveDisplay,
    LossDecileDisplay,
    SelectionDisplay,
    SelectionLabelDisplay,
    SelectionLossDisplay,
    SelectionOverlapDisplay,
    VisitCountDisplay,
    WeightDistributionDisplay,
    WeightTrajectoryDisplay,
)
from sklearn_sifal.plotting._display import Display

# How each is called on a fitted estimator and its training data.
CALLS = {
    DataMapDisplay: lambda d: {},
    EvictionDisplay: lambda d: {},
    GroupReportDisplay: lambda d: {"X": d.X, "y": d.y, "groups": np.arange(len(d.y)) % 2},
    InstanceGalleryDisplay: lambda d: {"X": d.X, "y": d.y},
    LossCurveDisplay: lambda d: {},
    LossDecileDisplay: lambda d: {"X": d.X, "y": d.y},
    SelectionDisplay: lambda d: {},
    SelectionLabelDisplay: lambda d: {"y": d.y},
    SelectionLossDisplay: lambda d: {"X": d.X, "y": d.y},
    SelectionOverlapDisplay: lambda d: {},
    VisitCountDisplay: lambda d: {"y": d.y},
    WeightDistributionDisplay: lambda d: {},
    WeightTrajectoryDisplay: lambda d: {},
}
NEED_HISTORY = {
    SelectionDisplay: "history",
    SelectionLabelDisplay: "history",
    SelectionLossDisplay: "history",
    SelectionOverlapDisplay: "history",
    WeightTrajectoryDisplay: "history",
    DataMapDisplay: "dynamics",
}


def test_every_display_is_here():
    public = {getattr(plotting, n) for n in plotting.__all__ if n.endswith("Display")}
    # Drawn of many comparisons, and not of an estimator: test_critical_difference.py.
    assert set(CALLS) == public - {CriticalDifferenceDisplay}


@pytest.mark.parametrize("display", CALLS)
def test_from_estimator_draws_a_figure_of_its_own(display, texts):
    settings = dict(matplotlib.rcParams)
    drawn = display.from_estimator(texts.model, **CALLS[display](texts))
    assert isinstance(drawn, display)
    assert drawn.ax_.figure is drawn.figure_
    assert drawn.figure_.get_layout_engine() is not None
    assert plt.get_fignums() == [drawn.figure_.number]
    drawn.figure_.draw_without_rendering()
    assert dict(matplotlib.rcParams) == settings


@pytest.mark.parametrize("display", CALLS)
def test_a_given_ax_is_drawn_into_and_nothing_else(display, texts):
    figure = matplotlib.figure.Figure()  # unknown to pyplot
    ax = figure.subplots()
    drawn = display.from_estimator(texts.model, **CALLS[display](texts), ax=ax)
    assert drawn.ax_ is ax
    assert drawn.figure_ is figure
    assert ax.has_data() or ax.texts
    assert plt.get_fignums() == []
    figure.draw_without_rendering()


@pytest.mark.parametrize("display", CALLS)
def test_plot_twice_gives_two_pictures_and_returns_the_display(display, texts):
    drawn = display.from_estimator(texts.model, **CALLS[display](texts))
    first = drawn.figure_
    assert drawn.plot() is drawn
    assert drawn.figure_ is not first


@pytest.mark.parametrize("display", CALLS)
def test_constructor_keeps_what_it_is_given(display):
    parameters = list(inspect.signature(display).parameters)
    values = {name: object() for name in parameters}
    made = display(**values)
    assert {name: getattr(made, name) for name in parameters} == values
    assert set(vars(made)) == set(parameters)


@pytest.mark.parametrize("display", CALLS)
def test_the_last_step_stands_alone_or_in_a_search(display, texts):
    alone = SimpleNamespace(X=texts.model[:-1].transform(texts.X), y=texts.y)
    arguments = CALLS[display](alone)
    if display is InstanceGalleryDisplay:
        arguments["contents"] = texts.X
    display.from_estimator(texts.net, **arguments)
    search = GridSearchCV(texts.model, {})
    search.best_estimator_ = texts.model
    display.from_estimator(make_pipeline(texts.model), **CALLS[display](texts))
    if display is not InstanceGalleryDisplay and display is not GroupReportDisplay:
        display.from_estimator(search, **CALLS[display](texts))


@pytest.mark.parametrize("display", CALLS)
def test_an_unfitted_estimator_is_refused(display, texts):
    with pytest.raises(NotFittedError):
        display.from_estimator(LossSampledClassifier(), **CALLS[display](texts))
    model = make_pipeline(LossSampledClassifier())
    with pytest.raises(NotFittedError):
        display.from_estimator(model, **CALLS[display](texts))


@pytest.mark.parametrize("display", CALLS)
def test_other_estimators_are_refused(display, numbers):
    other = LogisticRegression().fit(numbers.X, numbers.y)
    with pytest.raises(TypeError, match="LogisticRegression, which has no loss_table_"):
        display.from_estimator(other, **CALLS[display](numbers))


@pytest.mark.parametrize("display, record", NEED_HISTORY.items())
def test_a_missing_record_is_named(display, record, numbers):
    with pytest.raises(ValueError, match=f"record='{record}'.*not record='loss'"):
        display.from_estimator(numbers.model, **CALLS[display](numbers))


@pytest.mark.parametrize("display", [d for d in CALLS if d not in NEED_HISTORY])
def test_one_round_of_numbers_with_two_labels(display, numbers):
    arguments = CALLS[display](numbers)
    if display is InstanceGalleryDisplay:
        arguments["image_shape"] = (2, 2)
    display.from_estimator(numbers.model, **arguments).figure_.draw_without_rendering()


@pytest.mark.parametrize(
    "display", [d for d in CALLS if d not in (DataMapDisplay, SelectionLabelDisplay)]
)
def test_a_regressor_has_losses_without_a_unit(display, regression):
    arguments = CALLS[display](regression)
    if display is VisitCountDisplay:
        arguments = {"by": "decile"}
    drawn = display.from_estimator(regression.model, **arguments)
    drawn.figure_.draw_without_rendering()
    names = [axes.get_ylabel() + axes.get_xlabel() for axes in drawn.figure_.axes]
    assert "nats" not in " ".join(name for name in names if "KL" not in name)


def test_a_regressor_has_no_data_map(regression):
    with pytest.raises(ValueError, match="fit a classifier"):
        DataMapDisplay.from_estimator(regression.model)


def test_losses_of_given_rows_need_their_labels(texts):
    for display in (LossDecileDisplay, InstanceGalleryDisplay, SelectionLossDisplay):
        with pytest.raises(ValueError, match="y must be given with X"):
            display.from_estimator(texts.model, texts.X)


@pytest.mark.parametrize("display", CALLS)
def test_from_estimator_begins_with_estimator_X_y(display):
    names = list(inspect.signature(display.from_estimator).parameters)
    assert names[:3] == ["estimator", "X", "y"]
    assert {"ax", "kwargs"} <= set(names)


class MadeUpDisplay(Display, axes_per="panel"):
    """A made-up Display.

    Parameters
    ----------
    numbers : list
        To be drawn.

    Attributes
    ----------
    lines_ : list
        What was drawn.
    """

    def __init__(self, numbers, *, loss_label="loss (nats)"):
        self.numbers, self.loss_label = numbers, loss_label

    @classmethod
    def from_estimator(cls, estimator, X=None, y=None, *, n_bins=10, ax=None, **kwargs):
        """Draw what an estimator has.

        Parameters
        ----------
        n_bins : int, default=10
            How many.
        """

    @classmethod
    def from_arrays(cls, numbers, *, n_bins=10, ax=None, **kwargs):
        """Draw numbers."""

    def plot(self, ax=None, *, legend=True, **kwargs):
        """Draw.

        Parameters
        ----------
        legend : bool, default=True
            In words of its own.
        **kwargs : dict
            Passed on.

        Raises
        ------
        ValueError
            Never.
        """


def test_docstrings_are_filled_with_what_displays_share():
    def described(function):
        docstring = NumpyDocString(inspect.getdoc(function))
        return docstring, {entry.name: " ".join(entry.desc) for entry in docstring["Parameters"]}

    docstring, parameters = described(MadeUpDisplay)
    assert parameters == {"numbers": "To be drawn.", "loss_label": "Name and unit of the losses."}
    names = [entry.name for entry in docstring["Attributes"]]
    assert names == ["ax_", "axes_", "figure_", "lines_"]
    docstring, parameters = described(MadeUpDisplay.from_estimator)
    assert list(parameters) == ["estimator", "X, y", "n_bins", "ax", "**kwargs"]
    assert docstring["Returns"][0].type == "MadeUpDisplay"
    _, parameters = described(MadeUpDisplay.from_arrays)
    assert parameters["numbers"] == "To be drawn."
    assert parameters["n_bins"] == "How many."
    docstring, parameters = described(MadeUpDisplay.plot)
    assert parameters["ax"] == "One per panel. None makes a figure."
    assert parameters["legend"] == "In words of its own."
    assert docstring["Raises"][0].desc == ["Never."]


def test_a_subclass_of_a_display_keeps_its_own_words():
    class Mine(MadeUpDisplay):
        """Mine."""

        def plot(self, ax=None, **kwargs):
            """Draw it my way."""

    assert (Mine.__doc__, Mine.plot.__doc__) == ("Mine.", "Draw it my way.")
