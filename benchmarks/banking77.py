"""What the package reaches on BANKING77, and what it takes to get there.

Run it from the project's root, on one thread, with the data in ``SIFAL_DATA`` or
downloaded::

    python -m benchmarks.banking77              # everything, about 10 minutes
    python -m benchmarks.banking77 time         # or settings, budget8, strategies, labels

Settings and learning rates are chosen by 5-fold cross-validation inside the training
part; the test part is scored with the chosen ones only.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import json
import platform
import warnings
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import average_precision_score, f1_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.comparison import paired_difference
from sklearn_sifal.datasets import fetch_banking77

TEXT_SETTINGS: dict[str, Any] = {"hidden_layer_sizes": (256,), "input_dropout": 0.3}
WIDTHS, DROPOUTS = (100, 256), (0.0, 0.3, 0.5)
RATES = (0.02, 0.03, 0.05)
# Percentages that cross-validation chooses from, with the rate; None where there is none.
CANDIDATES: dict[str, tuple[float | None, ...]] = {
    "base": (None,),
    "random": (30, 50),
    "percentage": (90, 95, 97.5),
    "importance": (30, 50),
    "guarded_importance": (20, 30),
}
SEEDS = (0, 1, 2)
MORE_SEEDS = (0, 1, 2, 3, 4)
TARGET = 0.895

Split = tuple[Any, Any, Any, Any]


def load() -> tuple[Split, list[Split]]:
    """The given split as counts, and five splits of its training part, each with its own words."""
    X_train, X_test, y_train, y_test = fetch_banking77(return_X_y=True)
    folds = [
        vectorized(X_train[a], X_train[b], y_train[a], y_train[b])
        for a, b in StratifiedKFold(5, shuffle=True, random_state=0).split(X_train, y_train)
    ]
    return vectorized(X_train, X_test, y_train, y_test), folds


def vectorized(train: Any, test: Any, y_train: Any, y_test: Any) -> Split:
    counts = CountVectorizer(ngram_range=(1, 2))
    return counts.fit_transform(train), counts.transform(test), y_train, y_test


def fit(split: Split, seed: int, **params: Any) -> tuple[LossSampledClassifier, float]:
    model = LossSampledClassifier(random_state=seed, **{**TEXT_SETTINGS, **params})
    began = perf_counter()
    model.fit(split[0], split[2])
    return model, perf_counter() - began


def mean_accuracy(splits: Iterable[Split], seeds: Iterable[int] = (0,), **params: Any) -> float:
    scores = [fit(s, seed, **params)[0].score(s[1], s[3]) for s in splits for seed in seeds]
    return float(np.mean(scores))


def compare_settings(given: Split, folds: list[Split]) -> dict[str, Any]:
    """Cross-validated accuracy at a budget of 8 over width, word dropout and rate."""
    print("\n## Settings for text: 5-fold accuracy inside the training part, budget 8, base\n")
    print("| hidden units | input_dropout | " + " | ".join(f"lr={lr}" for lr in RATES) + " |")
    print("|---|---|" + "---|" * len(RATES))
    table = {}
    for width in WIDTHS:
        for drop in DROPOUTS:
            net = {"hidden_layer_sizes": (width,), "input_dropout": drop}
            row = [
                mean_accuracy(folds, sampling_strategy="base", budget=8, lr=lr, **net)
                for lr in RATES
            ]
            table[f"{width}, {drop}"] = row
            cells = " | ".join(f"{score:.4f}" for score in row)
            print(f"| {width} | {drop} | {cells} |", flush=True)
    return table


def measure_budget8(given: Split, folds: list[Split]) -> dict[str, Any]:
    """The recommended settings at a budget of 8, on the test part."""
    print("\n## Budget 8 with the recommended settings\n")
    result = {}
    for strategy in ("guarded_importance", "base"):
        cross_validated = mean_accuracy(folds, sampling_strategy=strategy, budget=8)
        runs = [fit(given, seed, sampling_strategy=strategy, budget=8) for seed in SEEDS]
        scores = [model.score(given[1], given[3]) for model, _ in runs]
        seconds = float(np.median([s for _, s in runs]))
        result[strategy] = {"cv": cross_validated, "test": scores, "seconds": seconds}
        print(
            f"{strategy}: CV {cross_validated:.4f}, test {np.mean(scores):.4f} "
            f"({', '.join(f'{s:.4f}' for s in scores)}), {seconds:.2f} s a fit"
        )
    return result


def compare_strategies(given: Split, folds: list[Split]) -> dict[str, Any]:
    """Strategies at a budget of 4, each at its own best rate and percentage."""
    print("\n## Budget 4, every strategy at its own best of three rates\n")
    print(
        "| strategy | percentage | lr | CV | test | against base, paired | macro F1 | NLL "
        "| rows in the median round | rows scored | seconds |"
    )
    print("|---|" + "---|" * 10)
    result: dict[str, Any] = {}
    right: dict[str, Any] = {}
    for strategy, percentages in CANDIDATES.items():
        by_setting = {
            (percentage, lr): mean_accuracy(
                folds,
                seeds=(0, 1),
                sampling_strategy=strategy,
                sampling_percentage=percentage,
                budget=4,
                lr=lr,
            )
            for percentage in percentages
            for lr in RATES
        }
        percentage, lr = max(by_setting, key=lambda setting: by_setting[setting])
        runs = [
            fit(
                given,
                seed,
                sampling_strategy=strategy,
                sampling_percentage=percentage,
                budget=4,
                lr=lr,
            )
            for seed in MORE_SEEDS
        ]
        r = {"cv": {str(k): v for k, v in by_setting.items()}, **summarize(runs, given)}
        result[strategy] = r
        right[strategy] = np.array([model.predict(given[1]) == given[3] for model, _ in runs])
        gain = gain_by_rows(right[strategy], right["base"])
        print(
            f"| {strategy} | {percentage or '-'} | {lr} | {by_setting[percentage, lr]:.4f} | "
            f"{np.mean(r['test']):.4f} | {gain} | {r['f1']:.4f} | "
            f"{r['nll']:.3f} | {100 * r['median_share']:.0f} % | {r['scored']:.0f} | "
            f"{r['seconds']:.2f} |",
            flush=True,
        )
    return result


def gain_by_rows(ours: Any, base: Any) -> str:
    """Difference in points with its interval over seeds and test rows; shape (n_seeds, n_test)."""
    fits, rows = np.indices(ours.shape)
    found = paired_difference(
        *(each.ravel().astype(float) for each in (ours, base)), fits=fits.ravel(), rows=rows.ravel()
    )
    mean, low, high = (100 * value for value in (found.mean, found.low, found.high))
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def summarize(runs: list[tuple[LossSampledClassifier, float]], given: Split) -> dict[str, Any]:
    n = given[0].shape[0]
    shares = [
        # The first round is the warm-up and the last is cut to the budget.
        np.median([h["visits"] / n for h in model.history_[1:-1]]) if model.n_iter_ > 2 else 1.0
        for model, _ in runs
    ]
    predicted = [(model.predict(given[1]), model.predict_proba(given[1])) for model, _ in runs]
    return {
        "test": [float(np.mean(p == given[3])) for p, _ in predicted],
        "f1": float(np.mean([f1_score(given[3], p, average="macro") for p, _ in predicted])),
        "nll": float(np.mean([log_loss(given[3], q) for _, q in predicted])),
        "median_share": float(np.median(shares)),
        "scored": float(np.mean([sum(h["scored"] for h in m.history_) for m, _ in runs])),
        "seconds": float(np.median([seconds for _, seconds in runs])),
    }


def measure_time(given: Split, folds: list[Split]) -> dict[str, Any]:
    """Seconds to the target accuracy, ours and MLPClassifier's in turn."""
    print(f"\n## Seconds to {TARGET} test accuracy\n")
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[int, float]] = []
    for seed in SEEDS:
        ours.append(our_time(given, seed))
        theirs.append(mlp_time(given, seed))
    our_seconds = float(np.median([s for _, s in ours]))
    their_seconds = float(np.median([s for _, s in theirs]))
    print(f"LossSampledClassifier: {our_seconds:.2f} s (budgets {[b for b, _ in ours]})")
    print(f"MLPClassifier: {their_seconds:.2f} s (epochs {[e for e, _ in theirs]})")
    print(f"ratio: 1/{their_seconds / our_seconds:.1f}")
    return {"ours": ours, "mlp": theirs, "ratio": our_seconds / their_seconds}


def our_time(given: Split, seed: int) -> tuple[float, float]:
    """Smallest budget whose whole training reaches the target, and that training's seconds.

    With the defaults, as MLPClassifier with its own: 100 hidden units, no dropout.
    """
    defaults = {"hidden_layer_sizes": (100,), "input_dropout": 0.0}
    for budget in (1.25, 1.5, 2, 2.5, 3, 4, 6, 8):
        model, seconds = fit(given, seed, budget=budget, **defaults)
        if model.score(given[1], given[3]) >= TARGET:
            return budget, seconds
    return float("nan"), float("nan")


def mlp_time(given: Split, seed: int) -> tuple[int, float]:
    """Epochs after which MLPClassifier reaches the target, and their seconds."""
    mlp = MLPClassifier((100,), random_state=seed)
    seconds = 0.0
    classes = np.unique(given[2])
    for epoch in range(1, 31):
        began = perf_counter()
        mlp.partial_fit(given[0], given[2], classes=classes)
        seconds += perf_counter() - began
        if mlp.score(given[1], given[3]) >= TARGET:
            return epoch, seconds
    return -1, float("nan")


def find_wrong_labels(given: Split, folds: list[Split]) -> dict[str, Any]:
    """How well losses rank 10 % of labels made wrong, after a short and after a long training."""
    print("\n## Finding 10 % wrong labels in the training part (AUROC / average precision)\n")
    print("| strategy | budget | mean loss over the visits | last loss in the table |")
    print("|---|---|---|---|")
    X, _, y, _ = given
    result = {}
    strategies = ("base", "importance", "guarded_importance")
    for budget, strategy in product((2, 8), strategies):
        scores: dict[str, list[tuple[float, float]]] = {"mean_loss": [], "loss": []}
        for seed in SEEDS:
            noisy, wrong = with_wrong_labels(y, 0.1, seed)
            settings = {"sampling_strategy": strategy, "budget": budget, "record": "dynamics"}
            model, _ = fit((X, X, noisy, noisy), seed, **settings)
            for field, values in scores.items():
                ranking = model.loss_table_[field]
                values.append(
                    (roc_auc_score(wrong, ranking), average_precision_score(wrong, ranking))
                )
        means = {field: np.mean(values, axis=0) for field, values in scores.items()}
        result[f"{strategy}, {budget}"] = {k: v.tolist() for k, v in means.items()}
        cells = " | ".join(f"{auroc:.3f} / {ap:.3f}" for auroc, ap in means.values())
        print(f"| {strategy} | {budget} | {cells} |", flush=True)
    return result


def with_wrong_labels(y: Any, share: float, seed: int) -> tuple[Any, Any]:
    """Labels of which a share is replaced by another one, and which those are."""
    rng = np.random.default_rng(seed)
    classes, codes = np.unique(y, return_inverse=True)
    wrong = np.zeros(len(y), dtype=bool)
    wrong[rng.choice(len(y), round(share * len(y)), replace=False)] = True
    codes[wrong] = (codes[wrong] + rng.integers(1, len(classes), wrong.sum())) % len(classes)
    return classes[codes], wrong


PARTS: dict[str, Callable[[Split, list[Split]], dict[str, Any]]] = {
    "settings": compare_settings,
    "budget8": measure_budget8,
    "strategies": compare_strategies,
    "time": measure_time,
    "labels": find_wrong_labels,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"among {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks/banking77.json"))
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part {sorted(unknown)[0]!r}; known: {', '.join(PARTS)}")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    given, folds = load()
    fit(given, 0, budget=1)  # the first fit also pays for torch's own imports
    machine = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "sklearn": sklearn.__version__,
        "torch": torch.__version__,
        "threads": 1,
    }
    print(" ".join(f"{k}={v}" for k, v in machine.items()))
    results: dict[str, Any] = {"machine": machine}
    for part in arguments.parts or PARTS:
        results[part] = PARTS[part](given, folds)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=2, default=float))
    print(f"\nWritten to {arguments.out}")


if __name__ == "__main__":
    main()
