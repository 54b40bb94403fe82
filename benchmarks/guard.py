"""Does the default strategy's guard against wrong labels do harm where no label is wrong?

Run it from the project's root; nothing is downloaded::

    python -m benchmarks.guard              # some minutes on one thread
    python -m benchmarks.guard --seeds 1

Tables made by `make_classification` and the digits, with few and many classes, balanced and
not, far apart and overlapping, with and without wrong labels. Every strategy has its
default parameters. The differences against `"base"` are in points of accuracy, and of
accuracy averaged over classes.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits, make_classification
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from benchmarks.banking77 import with_wrong_labels
from sklearn_sifal import LossSampledClassifier

STRATEGIES = ("importance", "guarded_importance")
N_SEEDS = 3

Split = tuple[Any, Any, Any, Any]


class Case(NamedTuple):
    title: str
    split: Callable[[int], Split]  # of a seed


class Scores(NamedTuple):
    accuracy: float
    balanced_accuracy: float
    nll: float


def made_up(
    n: int, classes: int | Sequence[float], apart: float, wrong: float = 0.0, **more: Any
) -> Case:
    """A table of n rows of which half are trained on; `classes` has shares or a number."""
    shares = None if isinstance(classes, int) else list(classes)
    n_classes = classes if isinstance(classes, int) else len(classes)
    kinds = f"{n_classes} classes" if shares is None else f"classes {_named(shares)}"
    noise = f", {100 * wrong:g} % wrong labels" if wrong else ""
    settings = {"n_informative": 10, "n_clusters_per_class": 1, "flip_y": 0.0, **more}

    def split(seed: int) -> Split:
        X, y = make_classification(
            n, n_classes=n_classes, weights=shares, class_sep=apart, random_state=seed, **settings
        )
        return halved(X, y, wrong, seed)

    return Case(f"{n} rows, {kinds}, class_sep {apart:g}{noise}", split)


def _named(shares: Sequence[float]) -> str:
    distinct = list(dict.fromkeys(shares))
    counts = [shares.count(s) for s in distinct]
    return " / ".join(
        f"{n} x {100 * s:.2g} %" if n > 1 else f"{100 * s:.2g} %"
        for s, n in zip(distinct, counts, strict=True)
    )


def halved(X: Any, y: Any, wrong: float, seed: int) -> Split:
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.5, random_state=seed, stratify=y
    )
    scaler = StandardScaler().fit(X_train)
    if wrong:
        y_train, _ = with_wrong_labels(y_train, wrong, seed)
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


def digits(wrong: float) -> Case:
    noise = f", {100 * wrong:g} % wrong labels" if wrong else ""
    return Case(f"digits{noise}", lambda seed: halved(*load_digits(return_X_y=True), wrong, seed))


def mostly_zeros(seed: int) -> Split:
    """The digits, 60 % of the training rows zeros, seven or eight of each other digit."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    train = rng.random(len(y)) < 0.6
    kept = [np.flatnonzero(train & (y == 0))]
    n_each = int(len(kept[0]) * 0.4 / 0.6 / 9)
    kept += [rng.choice(np.flatnonzero(train & (y == c)), n_each, False) for c in range(1, 10)]
    rows = np.concatenate(kept)
    return X[rows] / 16, X[~train] / 16, y[rows], y[~train]


CASES = (
    made_up(10_000, [0.7] + [0.3 / 9] * 9, 0.6),
    made_up(3000, [0.7] + [0.3 / 9] * 9, 1.0),
    made_up(10_000, [0.85] + [0.15 / 9] * 9, 1.0, n_clusters_per_class=2),
    made_up(4000, [0.6, 0.2, 0.1, 0.06, 0.04], 1.0, n_informative=8, n_clusters_per_class=2),
    made_up(10_000, [0.8, 0.15, 0.05], 0.4, n_informative=6, n_clusters_per_class=2),
    made_up(8000, [0.88, 0.12], 0.8, n_informative=6, n_clusters_per_class=2),
    made_up(3000, [0.7, 0.3], 0.6, n_informative=6, n_clusters_per_class=2),
    Case("digits, 60 % zeros, few rows of the others", mostly_zeros),
    digits(0.0),
    made_up(6000, 5, 0.5, n_informative=8, n_clusters_per_class=2),
    made_up(5000, 6, 0.7, n_informative=9, n_features=25, n_clusters_per_class=2),
    made_up(6000, 10, 0.8, n_clusters_per_class=2),
    made_up(9000, 15, 1.0, n_informative=12, n_features=25),
    made_up(10_000, 20, 0.7, n_informative=12),
    made_up(9000, 30, 1.0, n_informative=20, n_features=30),
    made_up(12_000, 40, 0.8, n_informative=15, n_features=25),
    made_up(10_000, [0.7] + [0.3 / 9] * 9, 1.5, 0.2),
    made_up(3000, [0.7, 0.3], 1.2, 0.1, n_informative=6, n_clusters_per_class=2),
    digits(0.1),
    digits(0.2),
    made_up(4000, 2, 1.5, 0.2, n_informative=8, n_clusters_per_class=2),
    made_up(4000, 3, 1.2, 0.2, n_informative=8, n_clusters_per_class=2),
    made_up(5000, 6, 1.3, 0.1, n_informative=9, n_features=25, n_clusters_per_class=2),
    made_up(10_000, 10, 1.2, 0.2),
    made_up(9000, 30, 1.5, 0.2, n_informative=20, n_features=30),
    made_up(12_000, 40, 1.2, 0.1, n_informative=15, n_features=25),
)


def scores(strategy: str, split: Split, seed: int) -> Scores:
    X_train, X_test, y_train, y_test = split
    model = LossSampledClassifier(strategy, random_state=seed).fit(X_train, y_train)
    predicted = model.predict(X_test)
    return Scores(
        float(np.mean(predicted == y_test)),
        float(balanced_accuracy_score(y_test, predicted)),
        float(log_loss(y_test, model.predict_proba(X_test), labels=model.classes_)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=N_SEEDS, help=f"default: {N_SEEDS}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| data | base: accuracy, NLL | " + " | ".join(STRATEGIES) + " |")
    print("|---|---|" + "---|" * len(STRATEGIES))
    for case in CASES:
        found: dict[str, list[Scores]] = {}
        for seed in range(arguments.seeds):
            split = case.split(seed)
            for strategy in ("base", *STRATEGIES):
                found.setdefault(strategy, []).append(scores(strategy, split, seed))
        base = np.mean(found["base"], axis=0)
        cells = [f"{base[0]:.3f}, {base[2]:.3f}"]
        for strategy in STRATEGIES:
            gain = np.mean(found[strategy], axis=0) - base
            cells.append(
                f"{100 * gain[0]:+.2f} (classes alike {100 * gain[1]:+.2f}), NLL {gain[2]:+.3f}"
            )
        print(f"| {case.title} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
