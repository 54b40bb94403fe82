"""What makes the classifier's default strategy fit to be one, on data where others fail."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sklearn_sifal import LossSampledClassifier

SEEDS = (0, 1)


def digits(share_wrong: float) -> tuple[Any, ...]:
    """Training and test part of the digits; labels of the training part are made wrong."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        (X / 16).astype(np.float32), y, test_size=0.4, stratify=y, random_state=0
    )
    rng = np.random.default_rng(0)
    wrong = rng.choice(len(y_train), round(share_wrong * len(y_train)), replace=False)
    y_train[wrong] = (y_train[wrong] + rng.integers(1, 10, len(wrong))) % 10
    return X_train, X_test, y_train, y_test


def accuracy(data: tuple[Any, ...], **parameters: Any) -> float:
    X_train, X_test, y_train, y_test = data
    scores = [
        LossSampledClassifier(random_state=seed, **parameters)
        .fit(X_train, y_train)
        .score(X_test, y_test)
        for seed in SEEDS
    ]
    return float(np.mean(scores))


def test_it_is_the_default() -> None:
    assert LossSampledClassifier().sampling_strategy == "guarded_importance"


@pytest.mark.parametrize("budget", [2, 4])
def test_a_net_that_has_learnt_little_accuses_no_label(budget: float) -> None:
    # After so few steps right labels look like guesses; taking them for wrong ones cost ten
    # points of accuracy once.
    data = digits(0.0)
    default = accuracy(data, budget=budget)
    assert default > accuracy(data, budget=budget, sampling_strategy="base") - 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_classes_that_are_rare_are_not_taken_for_wrong_labels(seed: int) -> None:
    # 60 % zeros and about 7 rows of every other digit. A net that knows little more than how
    # common the classes are is wrong on all of them, which once cost 24 points.
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    train = rng.random(len(y)) < 0.6
    kept = [np.flatnonzero(train & (y == 0))]
    n_each = round(len(kept[0]) * 0.4 / 0.6 / 9)
    kept += [rng.choice(np.flatnonzero(train & (y == c)), n_each, False) for c in range(1, 10)]
    rows = np.concatenate(kept)
    scores = {
        strategy: LossSampledClassifier(strategy, random_state=seed)
        .fit(X[rows] / 16, y[rows])
        .score(X[~train] / 16, y[~train])
        for strategy in ("base", "guarded_importance")
    }
    assert scores["guarded_importance"] > scores["base"] - 0.02


def test_wrong_labels_are_not_learnt_by_heart() -> None:
    data = digits(0.2)
    # Without the decay, which keeps "base" from it too.
    settings = {"weight_decay": 0.0, "lr": 0.003, "budget": 139}
    default = accuracy(data, **settings)
    assert default > accuracy(data, sampling_strategy="base", **settings) + 0.02


def test_probabilities_stay_calibrated_where_classes_overlap() -> None:
    # No label is wrong here, some are only unlikely.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 20)).astype(np.float32)
    y = (rng.random(6000) < 1 / (1 + np.exp(-1.5 * X[:, 0]))).astype(int)
    losses = {}
    for strategy in ("base", "guarded_importance"):
        model = LossSampledClassifier(strategy, random_state=0).fit(X[:4000], y[:4000])
        losses[strategy] = log_loss(y[4000:], model.predict_proba(X[4000:]))
    assert losses["guarded_importance"] < losses["base"] + 0.02
