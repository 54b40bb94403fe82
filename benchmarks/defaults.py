"""How the values behind "auto" were chosen: cross-validation inside training parts.

Run it from the project's root, on one thread, with ``banking77_train.csv`` and ``mnist.npz``
in ``SIFAL_DATA``; data sets whose files are absent are left out, and no test part is read::

    python -m benchmarks.defaults                    # everything, an hour or two
    python -m benchmarks.defaults mlp                # or sparse, dense, dropout, recommended
    python -m benchmarks.defaults mlp --data digits newsgroups
    python -m benchmarks.defaults --quick            # few rows, a minute: it runs

- `sparse` and `dense`: multiples of what "auto" gives, and what it gave before.
- `mlp`: the untuned classifier beside scikit-learn's untuned MLPClassifier.
- `dropout`: `input_dropout` on texts, all else "auto".
- `recommended`: settings for short texts beside LinearSVC.

Contenders take turns on the same folds, with the same seeds, in one process. A table has mean
accuracy, its difference to the first contender (mean and standard error over the fits, in
points), and the median ratio of processor seconds to the first contender's. Written to
``build/defaults/results.json``.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from benchmarks._machine import machine, write_results
from benchmarks._training_parts import DATA_SETS, QUICK_DATA_SETS, Fold
from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._settings import resolve_settings

#: Makes an estimator for a fold, with a seed.
Make = Callable[[Fold, int], Any]
TEXT = ("banking77", "intents", "newsgroups")
#: For short texts: what differs from the defaults.
_WIDE = {"hidden_layer_sizes": (256,), "input_dropout": 0.3}
RECOMMENDED: dict[str, dict[str, Any]] = {
    "256, budget 8": {**_WIDE, "budget": 8},
    "256, budget 6": {**_WIDE, "budget": 6},
    "256, budget 6, lr 0.02": {**_WIDE, "budget": 6, "lr": 0.02},
    "256, budget 6, lr 0.02, base": {
        **_WIDE,
        "budget": 6,
        "lr": 0.02,
        "sampling_strategy": "base",
    },
    "256, budget 6, base": {**_WIDE, "budget": 6, "sampling_strategy": "base"},
    "256, budget 6, importance": {**_WIDE, "budget": 6, "sampling_strategy": "importance"},
    "256, budget 5": {**_WIDE, "budget": 5},
    "256, budget 5, base": {**_WIDE, "budget": 5, "sampling_strategy": "base"},
    "256, budget 5, importance": {**_WIDE, "budget": 5, "sampling_strategy": "importance"},
    "256, budget 4": {**_WIDE, "budget": 4},
    "384, budget 4": {**_WIDE, "hidden_layer_sizes": (384,), "budget": 4},
    "128, budget 6": {**_WIDE, "hidden_layer_sizes": (128,), "budget": 6},
}
#: What "auto" gave before, chosen with the strategy "importance".
STEPS_BEFORE, MOST_BEFORE = 1250, 200


class Outcome(NamedTuple):
    """One fit: accuracy on the held-out rows, and processor seconds."""

    accuracy: float
    seconds: float


def ours(**parameters: Any) -> Make:
    """The classifier with these parameters, all others at their defaults."""
    return lambda fold, seed: LossSampledClassifier(random_state=seed, **parameters)


def auto_times(**factors: float) -> Make:
    """The classifier with multiples of what "auto" gives for the fold."""

    def make(fold: Fold, seed: int) -> Any:
        model = LossSampledClassifier(random_state=seed)
        n_rows = len(fold.y_train)
        n_features = fold.X_train.shape[1]
        found = resolve_settings(
            model._description(), n_rows, n_features=n_features, non_zeros=fold.non_zeros
        )
        names = ("batch_size", "lr", "budget", *factors)
        values = {name: getattr(found, name) * factors.get(name, 1) for name in names}
        values["batch_size"] = int(values["batch_size"])
        return model.set_params(**values)

    return make


def before(fold: Fold, seed: int) -> Any:
    """The classifier with the values of "auto" before these."""
    is_sparse = fold.non_zeros is not None
    batch_size, lr = (64, 0.03) if is_sparse else (128, 0.003)
    n_batches = math.ceil(len(fold.y_train) / batch_size)
    budget = min(MOST_BEFORE, max(4, math.ceil(STEPS_BEFORE / n_batches)))
    return LossSampledClassifier(
        batch_size=batch_size, lr=lr, budget=budget, weight_decay=0.0, random_state=seed
    )


def mlp(fold: Fold, seed: int) -> Any:
    return MLPClassifier(random_state=seed)


def linear_svc(fold: Fold, seed: int) -> Any:
    return LinearSVC(C=0.05, random_state=seed)


AUTO = {"auto": ours()}
VALUES: dict[str, Make] = {
    **AUTO,
    "before": before,
    "half the batch": auto_times(batch_size=0.5),
    "twice the batch": auto_times(batch_size=2),
    "half the rate": auto_times(lr=0.5),
    "twice the rate": auto_times(lr=2),
    "half the budget": auto_times(budget=0.5),
    "twice the budget": auto_times(budget=2),
}
DECAYS = {
    "no weight decay": ours(weight_decay=0.0),
    "a third of the decay": auto_times(weight_decay=1 / 3),
    "three times the decay": auto_times(weight_decay=3),
}
DROPOUTS = {f"input_dropout={p}": ours(input_dropout=p) for p in (0.2, 0.3, 0.5)}


class Part(NamedTuple):
    """Contenders on some data sets; the first is the reference."""

    contenders: dict[str, Make]
    data_sets: Sequence[str]
    seeds: Sequence[int] = (0,)


DENSE = tuple(name for name, data_set in DATA_SETS.items() if not data_set.is_sparse)
PARTS = {
    "sparse": Part(VALUES, TEXT),
    "dense": Part(VALUES | DECAYS, [name for name in DENSE if name != "mnist"]),
    "mlp": Part({"MLPClassifier": mlp, **AUTO}, [*TEXT, *DENSE]),
    "dropout": Part(AUTO | DROPOUTS, TEXT),
    "recommended": Part(
        {"LinearSVC(C=0.05)": linear_svc, **{k: ours(**p) for k, p in RECOMMENDED.items()}},
        ["banking77-5"],
        seeds=(0, 1, 2),
    ),
}


def race(part: Part, folds: Sequence[Fold]) -> dict[str, list[Outcome]]:
    """Outcomes of every contender, one for each fold and seed in the same order."""
    found: dict[str, list[Outcome]] = {name: [] for name in part.contenders}
    for number, fold in enumerate(folds):
        for seed in part.seeds:
            for name, make in part.contenders.items():
                model = make(fold, 100 * seed + number)
                began = process_time()
                model.fit(fold.X_train, fold.y_train)
                seconds = process_time() - began
                accuracy = model.score(fold.X_held_out, fold.y_held_out)
                found[name].append(Outcome(accuracy, seconds))
    return found


def summary(found: dict[str, list[Outcome]]) -> list[dict[str, Any]]:
    """One line for each contender, compared with the first fit by fit."""
    reference = next(iter(found.values()))
    lines = []
    for name, outcomes in found.items():
        pairs = list(zip(outcomes, reference, strict=True))
        gains = np.array([100 * (o.accuracy - r.accuracy) for o, r in pairs])
        error = float(gains.std(ddof=1) / math.sqrt(len(gains))) if len(gains) > 1 else math.nan
        lines.append(
            {
                "contender": name,
                "accuracy": float(np.mean([o.accuracy for o in outcomes])),
                "gain": float(gains.mean()),
                "error": error,
                "seconds": float(np.median([o.seconds for o in outcomes])),
                "ratio": float(np.median([o.seconds / r.seconds for o, r in pairs])),
            }
        )
    return lines


def print_lines(title: str, lines: Iterable[dict[str, Any]]) -> None:
    for line in lines:
        error = "" if math.isnan(line["error"]) else f" ± {line['error']:.2f}"
        print(
            f"| {title} | {line['contender']} | {line['accuracy']:.4f} | "
            f"{line['gain']:+.2f}{error} | {line['ratio']:.2f} | {line['seconds']:.2f} |",
            flush=True,
        )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.defaults", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"among {', '.join(PARTS)}")
    parser.add_argument("--data", nargs="+", default=None, help="only these data sets")
    parser.add_argument("--seeds", type=int, default=None, help="fits of each on every fold")
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("build/defaults"))
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"unknown part {sorted(unknown)[0]!r}; known: {', '.join(PARTS)}")
    data_sets = QUICK_DATA_SETS if chosen.quick else DATA_SETS
    if unknown := set(chosen.data or ()) - set(data_sets):
        parser.error(f"unknown data set {sorted(unknown)[0]!r}; known: {', '.join(data_sets)}")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    # The first fit also pays for torch's own imports.
    LossSampledClassifier(budget=1).fit(rng.random((20, 2)), np.arange(20) % 2)
    results: dict[str, Any] = {"machine": machine(), "quick": chosen.quick}
    print(" ".join(f"{k}={v}" for k, v in results["machine"].items()))
    for name in chosen.parts or PARTS:
        part = PARTS[name]
        if chosen.seeds:
            part = part._replace(seeds=range(chosen.seeds))
        print(f"\n## {name}\n\n| data | | accuracy | against the first, points | x the first | s |")
        print("|---|---|---:|---:|---:|---:|")
        results[name] = {}
        for key in data_sets if chosen.quick else part.data_sets:
            if chosen.data and key not in chosen.data:
                continue
            try:
                folds = data_sets[key].folds()
            except OSError as error:
                print(f"{key}: skipped, its data are not there: {error}")
                continue
            found = race(part, folds)
            results[name][key] = {c: [o._asdict() for o in outs] for c, outs in found.items()}
            print_lines(data_sets[key].title, summary(found))
    write_results(results, chosen.out)


if __name__ == "__main__":
    main()
