"""The tables of the SIFAL experiment, on made-up figures; and one small training."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.datasets import make_intents
from sklearn_sifal.inspection import weight_statistics
from sklearn_sifal.strategies import Percentile

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sifal = importlib.import_module("benchmarks.sifal")


def made_up(strategy: str, seed: int, divergence: float, accuracy: float) -> Any:
    figures = {"KL from initial": divergence, "KL from 0": -divergence, "KL from base": 1.0}
    return sifal.Look(strategy, seed, accuracy, 1 - accuracy, np.arange(20.0), {"all": figures}, {})


def test_means_are_over_the_seeds() -> None:
    looks = [made_up("base", 0, 1.0, 0.8), made_up("base", 1, 3.0, 0.9)]
    figures = sifal.means(looks, "all")["base"]
    assert figures["KL from initial"] == 2.0
    assert figures["accuracy"] == pytest.approx(0.85)
    assert figures["training loss"] == pytest.approx(0.15)


@pytest.mark.filterwarnings("ignore:An input array is constant")  # KL from base, above
def test_correlation_leaves_out_the_bottom_rules() -> None:
    # In order for the first three; the bottom rule has most divergence and least accuracy.
    looks = [
        made_up(name, 0, d, a) for name, d, a in (("base", 1, 0.7), ("a", 2, 0.8), ("b", 3, 0.9))
    ]
    looks.append(made_up("bottom", 0, 4, 0.1))
    lines = sifal.correlation_table(looks, ("all",)).splitlines()
    initial = {line.split("|")[1].strip(): line for line in lines if "KL from initial" in line}
    assert "| 4 | -0.20 / " in initial["all, all strategies: KL from initial"]
    assert (
        "| 3 | +1.00 / +1.00 | -1.00 / -1.00 |"
        in initial["all, without the bottom ones: KL from initial"]
    )


def test_agreement_is_the_shared_part_of_the_top_decile() -> None:
    base = made_up("base", 0, 1.0, 0.5)
    other = made_up("other", 0, 1.0, 0.5)
    losses = np.arange(20.0)
    losses[[0, 19]] = losses[[19, 0]]  # one of the two hardest of base is the easiest here
    table = sifal.agreement_table([base, other._replace(losses=losses)])
    assert "| base | 1.00 |" in table
    assert "| other | 0.50 |" in table


def test_file_order_is_kept_only_when_asked_for() -> None:
    mixed = sifal.load("intents", quick=True)
    kept = sifal.load("intents", quick=True, file_order=True)
    assert len(mixed.y_train) == len(kept.y_train)
    assert list(mixed.X_train) != list(kept.X_train)


def test_one_recorded_training() -> None:
    texts, y = make_intents(300, n_intents=3, random_state=0)
    X = CountVectorizer().fit_transform(texts)
    data = sifal.Data("made up", texts, y, texts[:50], y[:50])
    net = LossSampledClassifier(
        Percentile(30, **sifal.ORIGINAL), budget=2, lr=0.02, record="history", random_state=0
    )
    found = sifal.look((X, X[:50]), data, net, {"strategy": "percentile", "seed": 0}, 0.02)
    assert found.weights == sifal.weights_by_layer(
        weight_statistics(
            net.weights_, initial=net.initial_weights_, reference=base_weights(net, X, y)
        )
    )
    n_rounds = len(net.history_)
    assert {len(values) for values in found.rounds.values()} == {n_rounds}
    assert np.isnan(found.rounds["chosen"][0])
    # What is known before a round is what was measured for it by the strategy.
    assert found.rounds["chosen"][1] == pytest.approx(net.history_[1]["chosen_loss"], rel=1e-5)
    assert found.accuracy == net.score(X[:50], y[:50])


def base_weights(net: LossSampledClassifier, X: object, y: object) -> dict[str, np.ndarray]:
    reference = LossSampledClassifier("base", budget=2, lr=0.02, random_state=0)
    return reference.fit(X, y).weights_
