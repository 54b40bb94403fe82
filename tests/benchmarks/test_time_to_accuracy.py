"""The race against other classifiers: the loops by hand do our arithmetic, and a race runs."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_sifal import LossSampledClassifier

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
hand = importlib.import_module("benchmarks._hand_written")
race = importlib.import_module("benchmarks.time_to_accuracy")
Point = importlib.import_module("benchmarks._contestants").Point


@pytest.mark.parametrize("kind", ["text", "leanly", "dense"])
def test_the_loop_by_hand_does_the_arithmetic_of_base(kind: str) -> None:
    rng = np.random.default_rng(0)
    X = sp.random_array((200, 50), density=0.1, format="csr", dtype=np.float32, rng=rng)
    X = X.toarray() if kind == "dense" else X
    y = rng.integers(3, size=200)
    loop, lr = {
        "text": (hand.train_on_text, 0.03),
        "leanly": (hand.train_on_text_leanly, 0.03),
        "dense": (hand.train_on_dense, 0.003),
    }[kind]
    model = LossSampledClassifier(
        "base", hidden_layer_sizes=(16,), budget=2, shuffle=False, lr=lr, batch_size=32
    ).fit(X, y)
    settings = {"lr": lr, "batch_size": 32}
    if kind == "dense":
        settings["weight_decay"] = model.net_.optimizer_.param_groups[0]["weight_decay"]
    found = loop(X, y, model.initial_weights_, [np.arange(200)] * 2, **settings)
    for name, weights in model.net_.get_weights().items():
        np.testing.assert_allclose(found[name], weights, rtol=0, atol=1e-6)
        assert np.abs(weights - model.initial_weights_[name]).max() > 1e-3


def points(*seconds_and_accuracy: tuple[float, float]) -> Any:
    return [Point(i + 1, s, a) for i, (s, a) in enumerate(seconds_and_accuracy)]


def test_a_curve_counts_from_its_first_good_epoch() -> None:
    data = race.Data("made up", None, None, None, None)
    contestants = [race.Contestant(name, None, is_curve=True) for name in ("first", "other")]
    found = {
        "first": [points((2.0, 0.9)), points((4.0, 0.7))],
        "other": [points((1.0, 0.5), (3.0, 0.8)), points((1.0, 0.85))],
    }
    first, other = race.summary(race.Race(data, (0.8,), contestants, "first"), found)
    assert first["reached"] == "1 of 2"
    assert first["ratio"] == pytest.approx(2 / 3)  # not turn by turn: 2 s against 3 s
    # 3 s against 2 s, and 1 s against 4 s.
    assert other["reached"] == "2 of 2"
    assert other["ratio"] == pytest.approx((1.5 + 0.25) / 2)
    assert other["seconds"] == 2.0
    assert other["best accuracy"] == pytest.approx(0.825)


def test_a_training_counts_by_its_mean_over_the_seeds() -> None:
    data = race.Data("made up", None, None, None, None)
    contestants = [race.Contestant(name, None) for name in ("first", "lucky")]
    found = {
        "first": [points((1.0, 0.9)), points((3.0, 0.9))],
        # The first budget is good for one seed of two, and not in the mean.
        "lucky": [points((1.0, 0.8), (2.0, 0.85)), points((1.0, 0.7), (2.0, 0.75))],
    }
    lines = race.summary(race.Race(data, (0.8, 0.95), contestants, "first"), found)
    assert (lines[1]["setting"], lines[1]["seconds"]) == (2, 2.0)
    assert lines[1]["ratio"] == pytest.approx((2 / 1 + 2 / 3) / 2)
    assert lines[1]["best accuracy"] == pytest.approx(0.8)
    assert lines[3]["reached"] == "0 of 2"
    assert "seconds" not in lines[3]


@pytest.mark.filterwarnings("ignore")
def test_quick_race(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    race.main(["text", "--quick", "--out", str(tmp_path)])
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["machine"]["threads"] == "1"
    assert {line["contestant"] for line in results["text"]["summary"]} >= {"ours, base"}
    loops = results["text"]["overhead"]
    assert [len(ratios) for ratios in loops.values()] == [2, 2]  # budgets of 1 and of 2
    assert (tmp_path / "text.png").stat().st_size > 1000
    assert "| contestant |" in capsys.readouterr().out
