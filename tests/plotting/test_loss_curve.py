"""Lines and bands of LossCurveDisplay."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from sklearn_sifal import LossSampledNet
from sklearn_sifal.plotting import LossCurveDisplay, StrategyCurve, strategy_styles
from sklearn_sifal.plotting._strategy_curves import band_of

# Two strategies, two budgets, two seeds; the seconds of `heap` are the double.
RUNS = [
    {
        "strategy": strategy,
        "seed": seed,
        "budget": budget,
        "visits": 100 * budget,
        "seconds": budget * (1 + heap),
        "accuracy": 0.5 + 0.1 * budget + 0.02 * seed + 0.05 * heap,
    }
    for heap, strategy in enumerate(["base", "heap"])
    for budget in (2, 1)
    for seed in (0, 1)
]


def test_mean_lines_against_visits_and_seconds(read):
    display = LossCurveDisplay.from_runs(RUNS)
    visits, seconds = display.axes_
    assert (visits.get_xlabel(), seconds.get_xlabel()) == ("row visits", "seconds")
    assert visits.get_ylabel() == "test accuracy"
    base, heap = display.lines_[0]
    assert base.get_xdata().tolist() == [100, 200]
    np.testing.assert_allclose(base.get_ydata(), [0.61, 0.71])
    np.testing.assert_allclose(heap.get_ydata(), [0.66, 0.76])
    assert display.lines_[1][1].get_xdata().tolist() == [2, 4]
    assert base.get_color() == "#000000"
    assert read.legend(seconds) == ["base", "heap"]
    assert visits.get_xlim()[0] == seconds.get_xlim()[0] == 0


def test_bands_go_from_the_least_to_the_largest():
    display = LossCurveDisplay.from_runs(RUNS, x="visits")
    corners = display.bands_[0][0].get_paths()[0].vertices
    np.testing.assert_allclose(corners[corners[:, 0] == 100][:, 1].min(), 0.60)
    np.testing.assert_allclose(corners[corners[:, 0] == 100][:, 1].max(), 0.62)
    assert LossCurveDisplay.from_runs(RUNS, bands=False).bands_ == [[], []]


def test_interval_of_the_mean_is_scipys():
    values = np.array([0.8, 0.9, 0.7])
    expected = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    np.testing.assert_allclose(band_of(values, "interval"), expected)
    assert band_of(values[:1], "interval") == (0.8, 0.8)
    assert band_of(values, "range") == (0.7, 0.9)


def test_data_frames_are_runs_too():
    a = LossCurveDisplay.from_runs(pd.DataFrame(RUNS)).curves
    b = LossCurveDisplay.from_runs(RUNS).curves
    assert [curve.name for curve in a] == ["base", "heap"]
    np.testing.assert_array_equal(a[1].mean, b[1].mean)
    assert a[0].n_runs.tolist() == [2, 2]


def test_runs_without_seconds_are_drawn_against_visits():
    runs = [{key: run[key] for key in ("strategy", "visits", "accuracy")} for run in RUNS[:1]]
    display = LossCurveDisplay.from_runs(runs)
    assert [axes.get_xlabel() for axes in display.axes_] == ["row visits"]
    with pytest.raises(ValueError, match=r"'x' parameter .* must be among \['visits'\]"):
        LossCurveDisplay.from_runs(runs, x="seconds")


def test_single_runs_have_no_band():
    assert LossCurveDisplay.from_runs(RUNS[:1]).bands_ == [[], []]


def test_bad_runs():
    with pytest.raises(ValueError, match="at least one record"):
        LossCurveDisplay.from_runs([])
    with pytest.raises(ValueError, match=r"must have 'f1' in every record\. They have"):
        LossCurveDisplay.from_runs(RUNS, metric="f1")
    with pytest.raises(TypeError, match=r"dicts\. Got str"):
        LossCurveDisplay.from_runs(["base"])
    with pytest.raises(ValueError, match="'band' parameter"):
        LossCurveDisplay.from_runs(RUNS, band="sigma")


def test_rounds_of_a_fit(texts):
    display = LossCurveDisplay.from_estimator(texts.model)
    visits = np.cumsum([record["visits"] for record in texts.net.history_])
    line = display.lines_[0][0]
    assert line.get_xdata().tolist() == visits.tolist()
    assert line.get_ydata().tolist() == texts.net.loss_curve_
    seconds = display.lines_[1][0].get_xdata()
    assert (np.diff(seconds) > 0).all()
    assert display.ax_.get_ylabel() == "loss (nats)"


def test_test_rows_are_a_second_line(texts, read):
    display = LossCurveDisplay.from_estimator(texts.model, texts.X[:50], texts.y[:50])
    assert read.legend(display.axes_[1]) == ["rows trained on", "rows given"]
    features = texts.model[:-1].transform(texts.X[:50])
    last = texts.net.instance_losses(features, texts.y[:50]).mean()
    np.testing.assert_allclose(display.lines_[0][1].get_ydata()[-1], last, rtol=1e-5)


def test_metrics_of_the_history(texts):
    line = LossCurveDisplay.from_estimator(texts.model, metric="lr").lines_[0][0]
    assert line.get_ydata().tolist() == [record["lr"] for record in texts.net.history_]
    with pytest.raises(ValueError, match=r"history_ has no 'valid_acc'\. It has"):
        LossCurveDisplay.from_estimator(texts.model, metric="valid_acc")
    with pytest.raises(ValueError, match="only be given with metric='train_loss'"):
        LossCurveDisplay.from_estimator(texts.model, texts.X, texts.y, metric="lr")


def test_a_strategy_can_look_the_same_in_several_pictures():
    styles = strategy_styles(["base", "random", "percentage", "heap"])
    display = LossCurveDisplay.from_runs(RUNS, styles=styles)
    assert display.lines_[0][1].get_color() == styles["heap"]["color"]
    assert display.lines_[0][1].get_marker() == styles["heap"]["marker"]
    alone = LossCurveDisplay.from_runs(RUNS)
    assert alone.lines_[0][1].get_color() != styles["heap"]["color"]


def test_keywords_go_to_the_lines():
    curve = np.array([1.0, 2.0])
    n = np.array([1, 1])
    made = LossCurveDisplay([StrategyCurve("a", curve, curve, curve, curve, curve, n)])
    line = made.plot(linewidth=7, legend=False).lines_[0][0]
    assert line.get_linewidth() == 7
    assert made.ax_.get_legend() is None


def test_runs_of_unknown_cost_are_refused():
    runs = [{"strategy": "base", "visits": float("nan"), "accuracy": 0.5}]
    with pytest.raises(ValueError, match="must have the visits or the seconds"):
        LossCurveDisplay.from_runs(runs)


@pytest.mark.parametrize("whole", [1.0, 100.0])
def test_shares_end_at_the_whole(whole):
    runs = [
        {"strategy": "base", "budget": budget, "seed": seed, "visits": budget, "accuracy": share}
        for budget, shares in [(1, (0.9, 0.95)), (2, (0.96, 1.0))]
        for seed, share in enumerate(shares)
    ]
    runs = [run | {"accuracy": whole * run["accuracy"]} for run in runs]
    # An interval of the mean of two goes to 0.98 + 12.7 * 0.02.
    display = LossCurveDisplay.from_runs(runs, band="interval")
    assert display.ax_.get_ylim()[1] == whole
    assert display.ax_.get_ylim()[0] < 0.9 * whole
    (line,) = display.lines_[0]
    # The marker of a point at the end is not cut in half.
    assert line.get_clip_box().y1 > display.ax_.transData.transform((0, whole))[1] + 3
    few = LossCurveDisplay.from_runs([run | {"accuracy": 0.5 * whole} for run in runs])
    assert few.ax_.get_ylim()[1] < whole


def test_losses_have_no_end():
    runs = [
        {"strategy": "base", "budget": b, "seed": 0, "visits": b, "nll": v}
        for b, v in [(1, 0.9), (2, 1.0)]
    ]
    assert LossCurveDisplay.from_runs(runs, metric="nll").ax_.get_ylim()[1] > 1


def test_a_strategy_without_a_result_says_so(read):
    nan = float("nan")
    runs = [{**run, "accuracy": nan if run["strategy"] == "heap" else 0.5} for run in RUNS]
    display = LossCurveDisplay.from_runs(runs)
    assert read.legend(display.axes_[1]) == ["base", "heap (no result)"]


def test_net_that_never_left_anything_out() -> None:
    X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    net = LossSampledNet(
        torch.nn.Linear(4, 3), sampling_strategy="base", max_epochs=3, verbose=0
    ).fit(X, np.arange(30) % 3)
    chosen, other = (
        LossCurveDisplay.from_estimator(net, metric=name).curves[0]
        for name in ("chosen_loss", "other_loss")
    )
    np.testing.assert_allclose(chosen.mean, net.history[1:, "chosen_loss"])
    assert len(other.mean) == 0
    with pytest.raises(ValueError, match="has no 'valid_acc'"):
        LossCurveDisplay.from_estimator(net, metric="valid_acc")
