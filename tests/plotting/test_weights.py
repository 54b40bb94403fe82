"""Histograms of weights and their course over the rounds."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from sklearn_sifal.inspection import weight_histogram, weight_statistics, weight_trajectory
from sklearn_sifal.plotting import WeightDistributionDisplay, WeightTrajectoryDisplay

WEIGHTS = {"input.weight": np.array([[0.0, 0.0, 1.0]]), "layers.0.weight": np.array([[1.0]])}
OTHER = {"input.weight": np.array([[0.0, 2.0, 2.0]]), "layers.0.weight": np.array([[0.5]])}


def density(display, panel, name):
    return display.outlines_[panel][name].get_data().values.tolist()


def test_a_panel_per_layer():
    display = WeightDistributionDisplay.from_arrays(WEIGHTS, bins=2)
    assert [axes.get_title() for axes in display.axes_] == ["input.weight", "layers.0.weight"]
    # Bins of width 1/2: two of three weights in the first.
    np.testing.assert_allclose(density(display, 0, ""), [4 / 3, 2 / 3])
    assert density(display, 1, "") == [0, 2]
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_legend() is None


def test_models_have_the_same_bins(read):
    display = WeightDistributionDisplay.from_arrays({"base": WEIGHTS, "heap": OTHER}, bins=2)
    edges = display.outlines_[0]["base"].get_data().edges
    assert edges.tolist() == [0, 1, 2]
    np.testing.assert_allclose(density(display, 0, "heap"), [1 / 3, 2 / 3])
    assert read.legend(display.axes_[1]) == ["base", "heap"]


def test_styles_can_be_given():
    styles = {"heap": {"color": "#123456", "linestyle": ":", "marker": "o"}}
    models = {"base": WEIGHTS, "heap": OTHER}
    outline = WeightDistributionDisplay.from_arrays(models, styles=styles).outlines_[0]["heap"]
    assert to_hex(outline.get_edgecolor()) == "#123456"
    courses = {"heap": weight_trajectory(ROUNDS)}
    line = WeightTrajectoryDisplay(courses).plot(styles=styles).lines_[0]["heap"]
    assert line.get_color() == "#123456"


def test_layers_can_be_chosen():
    display = WeightDistributionDisplay(weight_histogram(WEIGHTS, bins=2))
    assert display.plot(layers="all", log=False).ax_.get_title() == "all layers"
    assert density(display, 0, "") == [1, 1]
    assert display.ax_.get_yscale() == "linear"
    assert len(display.plot(layers=["all", "input.weight"]).axes_) == 2
    for wrong in ("output", []):
        with pytest.raises(ValueError, match="layers must be among"):
            display.plot(layers=wrong)


def test_bad_models():
    with pytest.raises(ValueError, match="at least one model"):
        WeightDistributionDisplay({}).plot()
    one = weight_histogram({"input.weight": np.ones((1, 2))})
    two = weight_histogram({"other": np.ones((1, 2))})
    with pytest.raises(ValueError, match=r"'b' have no layer 'input\.weight'"):
        WeightDistributionDisplay({"a": one, "b": two}).plot()
    with pytest.raises(ValueError, match="at least one model"):
        WeightTrajectoryDisplay({}).plot()
    with pytest.raises(ValueError, match="must have rounds, as those of weight_trajectory"):
        WeightTrajectoryDisplay(weight_statistics(WEIGHTS)).plot()


def test_weights_of_fits_over_the_initial_ones(texts, read):
    display = WeightDistributionDisplay.from_estimator({"percentile": texts.model})
    assert read.legend(display.axes_[1]) == ["initial weights", "percentile"]
    widths = np.diff(display.outlines_[0]["percentile"].get_data().edges)
    for name in ("initial weights", "percentile"):  # a density: its integral is 1
        np.testing.assert_allclose(np.sum(density(display, 0, name) * widths), 1)
    alone = WeightDistributionDisplay.from_estimator(texts.model, show_initial=False)
    assert list(alone.outlines_[0]) == ["fitted"]


ROUNDS = [{"w": np.array([[3.0, 4.0]])}, {"w": np.array([[0.0, 8.0]])}]


def test_course_of_one_layer():
    display = WeightTrajectoryDisplay(weight_trajectory(ROUNDS, initial=ROUNDS[0])).plot()
    norm, sparsity, divergence = (lines["w"].get_ydata() for lines in display.lines_)
    assert norm.tolist() == [5, 8]
    assert sparsity.tolist() == [0, 50]  # percent
    assert divergence[0] == 0
    assert divergence[1] > 0
    assert [axes.get_ylabel() for axes in display.axes_] == [
        "Euclidean norm of the weights",
        "weights with |w| ≤ 0.001 (%)",
        "KL from the initial weights (nats)",
    ]
    assert display.ax_.get_xlabel() == "round"


def test_course_of_several_layers_has_all_together(texts, read):
    display = WeightTrajectoryDisplay.from_estimator(texts.model)
    assert read.legend(display.axes_[-1]) == ["input.weight", "layers.0.weight", "all"]
    expected = [np.linalg.norm(weights["input.weight"]) for weights in texts.net.weight_history_]
    np.testing.assert_allclose(display.lines_[0]["input.weight"].get_ydata(), expected, rtol=1e-5)
    visits = np.cumsum([record["visits"] for record in texts.net.history_])
    assert display.lines_[0]["all"].get_xdata().tolist() == visits.tolist()
    assert display.ax_.get_xlabel() == "row visits"


def test_models_are_compared_by_one_layer_at_equal_visits(texts, read):
    models = {"a": texts.model, "b": texts.net}
    display = WeightTrajectoryDisplay.from_estimator(
        models, reference=texts.model, panels=["l2_norm", "kl_from_reference"], layer="input.weight"
    )
    assert read.legend(display.axes_[1]) == ["a", "b"]
    np.testing.assert_allclose(display.lines_[1]["a"].get_ydata()[-1], 0, atol=1e-9)
    with pytest.raises(ValueError, match="layer must be among"):
        WeightTrajectoryDisplay.from_estimator(models, layer="output")


def test_thresholds_and_panels():
    display = WeightTrajectoryDisplay(weight_trajectory(ROUNDS, thresholds=(0.1, 3.5)))
    drawn = display.plot(panels="sparsity", threshold=3.5)
    assert drawn.lines_[0]["w"].get_ydata().tolist() == [50, 50]
    with pytest.raises(ValueError, match=r"threshold must be among \[0.1, 3.5\]"):
        display.plot(threshold=1.0)
    with pytest.raises(ValueError, match="'panels' parameter"):
        display.plot(panels="kl_from_initial")  # not known


def test_visits_must_fit():
    trajectory = weight_trajectory(ROUNDS)
    with pytest.raises(ValueError, match="one number per round"):
        WeightTrajectoryDisplay(trajectory, visits=[1, 2, 3]).plot()
    with pytest.raises(ValueError, match=r"Got none of \['b'\]"):
        WeightTrajectoryDisplay({"a": trajectory, "b": trajectory}, visits={"a": [1, 2]}).plot()
    drawn = WeightTrajectoryDisplay(trajectory, visits=[10, 20]).plot(linewidth=5)
    line = drawn.lines_[0]["w"]
    assert line.get_xdata().tolist() == [10, 20]
    assert line.get_linewidth() == 5


def test_densities_within_a_power_of_ten_have_numbers(read):
    display = WeightDistributionDisplay.from_arrays({"layer": [1.0, 2.0, 2.0, 3.0, 3.0]}, bins=3)
    display.figure_.draw_without_rendering()
    low, high = display.ax_.get_ylim()
    labels = [*display.ax_.get_yticklabels(), *display.ax_.get_yticklabels(minor=True)]
    numbers = [float(text.get_text()) for text in labels if text.get_text()]
    assert sum(low <= number <= high for number in numbers) >= 2


def test_a_share_of_weights_is_never_drawn_below_zero():
    trajectory = weight_trajectory([{"layer": np.array([1.0, 2.0])}] * 2)
    display = WeightTrajectoryDisplay(trajectory).plot(panels="sparsity")
    assert display.ax_.get_ylim() == (0, 1)


def test_small_layers_have_fewer_bins():
    rng = np.random.default_rng(0)
    # 20 and 4 bins fit: the small layer's are those of the large one, five put together.
    layers = {"large": rng.normal(size=400), "small": rng.normal(size=16)}
    display = WeightDistributionDisplay.from_arrays({"one": layers, "other": layers})
    large, small = (outlines["one"].get_data() for outlines in display.outlines_)
    assert len(large.values) == 20
    np.testing.assert_array_equal(small.edges, large.edges[::5])
    counts = np.histogram(layers["small"], small.edges)[0]
    np.testing.assert_allclose(small.values, counts / (16 * np.diff(small.edges)))
    other = display.outlines_[1]["other"].get_data()
    np.testing.assert_array_equal(other.edges, small.edges)


def test_bins_that_are_asked_for_are_drawn():
    layers = {"large": np.arange(400.0), "small": np.arange(16.0)}
    display = WeightDistributionDisplay.from_arrays(layers, bins=30)
    assert [len(each[""].get_data().values) for each in display.outlines_] == [30, 30]
    # The last of 30 bins are put together less than the others: 8, 8, 8 and 6 of them.
    fitted = display.plot(fit_bins=True).outlines_[1][""].get_data()
    np.testing.assert_allclose(fitted.edges, np.array([0, 8, 16, 24, 30]) * 399 / 30)
    assert (fitted.values * np.diff(fitted.edges)).sum() == pytest.approx(1)
