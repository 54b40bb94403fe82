"""How long it takes to reach an accuracy: our classifier beside what people use instead.

Run it from the project's root, on one thread, with BANKING77 and ``mnist.npz`` in
``SIFAL_DATA`` (BANKING77 is downloaded where it is not there)::

    python -m benchmarks.time_to_accuracy                # both, some tens of minutes
    python -m benchmarks.time_to_accuracy text           # or dense
    python -m benchmarks.time_to_accuracy --quick        # few rows, a minute: it runs

All contestants run in turn in one process, once for every seed. What is printed are medians
over the seeds, and medians of the ratios to the reference within one turn, so that a machine
whose speed drifts does not favour anyone. A budget of ours is a whole training, whose rate
falls to zero at its end; an epoch of others is a point of one training. Written to
``build/time_to_accuracy/``: ``results.json`` and a figure for each data set.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split

from benchmarks._contestants import (
    Contestant,
    Data,
    Point,
    best_c,
    by_hand,
    linear,
    mlp,
    ours,
    plain_skorch,
)
from benchmarks._machine import machine
from sklearn_sifal.datasets import fetch_banking77, make_intents
from sklearn_sifal.datasets._data_home import data_folder

C_GRID = (0.02, 0.05, 0.1, 0.3, 1.0)
# Recommended for text in the README.
RECOMMENDED = {"hidden": 256, "input_dropout": 0.3}


class Race(NamedTuple):
    """Contestants on one data set; the first is the reference of the ratios."""

    data: Data
    target: float
    contestants: list[Contestant]


def text(quick: bool) -> Race:
    if quick:
        texts, intents = make_intents(1500, random_state=0)
        parts = train_test_split(texts, intents, test_size=0.3, random_state=0)
        train, test, y_train, y_test = parts
    else:
        train, test, y_train, y_test = fetch_banking77(return_X_y=True)
    counts = CountVectorizer(ngram_range=(1, 2), dtype=np.float32)
    data = Data("text", counts.fit_transform(train), y_train, counts.transform(test), y_test)
    budgets = (1, 2) if quick else (1, 1.25, 1.5, 1.75, 2, 3, 4, 8)
    contestants = [
        *linear(best_c(data, C_GRID[1:3] if quick else C_GRID)),
        mlp(100, 2 if quick else 12),
        plain_skorch(100, 2 if quick else 12),
        by_hand([b for b in budgets if b == int(b)], 100),
        ours("ours, base", budgets, 100, sampling_strategy="base"),
        ours("ours, default", budgets, 100),
        ours("ours, recommended for text", budgets, **RECOMMENDED),
    ]
    return Race(data, 0.7 if quick else 0.8945, contestants)


def dense(quick: bool) -> Race:
    with np.load(data_folder() / "mnist.npz") as file:
        images = {name: file[name] for name in file.files}
    n = 2000 if quick else None
    X, X_test = (
        images[name][:n].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test")
    )
    data = Data("dense", X, images["y_train"][:n], X_test, images["y_test"][:n])
    most = 2 if quick else 20
    budgets = (1, 2) if quick else (1.5, 2, 3, 4, 6, 8)
    contestants = [
        *(mlp(256, most, learning_rate_init=lr) for lr in (0.001, 0.0005, 0.002)),
        plain_skorch(256, most),
        by_hand([b for b in budgets if b == int(b)], 256),
        *(
            ours(f"ours, base, lr={lr:g}", budgets, 256, sampling_strategy="base", lr=lr)
            for lr in (0.003, 0.01, 0.02)
        ),
        ours("ours, default", budgets, 256),
    ]
    return Race(data, 0.8 if quick else 0.98, contestants)


RACES = {"text": text, "dense": dense}


def run(race: Race, seeds: Sequence[int]) -> dict[str, list[list[Point]]]:
    """Points of every contestant, a list for each seed; curves end where they are good enough."""
    found: dict[str, list[list[Point]]] = {c.name: [] for c in race.contestants}
    for seed in seeds:
        for contestant in race.contestants:
            points: list[Point] = []
            for point in contestant.train(race.data, seed):
                points.append(point)
                if contestant.is_curve and point.accuracy >= race.target:
                    break
            found[contestant.name].append(points)
            print(f"  {race.data.name}, seed {seed}: {contestant.name}", flush=True)
    return found


def first_good(points: Sequence[Point], target: float) -> Point | None:
    return next((p for p in points if p.accuracy >= target), None)


def summary(race: Race, found: dict[str, list[list[Point]]]) -> list[dict[str, Any]]:
    """One line for each contestant; seconds to the target over the seeds that reached it."""
    seconds_of_reference = [points[-1].seconds for points in found[race.contestants[0].name]]
    lines = []
    for name, by_seed in found.items():
        good = [first_good(points, race.target) for points in by_seed]
        reached = [(p, r) for p, r in zip(good, seconds_of_reference, strict=True) if p]
        line: dict[str, Any] = {
            "contestant": name,
            "best accuracy": float(np.mean([max(p.accuracy for p in pts) for pts in by_seed])),
            "reached": f"{len(reached)} of {len(by_seed)}",
        }
        if reached:
            line |= {
                "setting": float(np.median([p.setting for p, _ in reached])),
                "seconds": float(np.median([p.seconds for p, _ in reached])),
                "ratio": float(np.median([p.seconds / r for p, r in reached])),
            }
        lines.append(line)
    return lines


def print_table(race: Race, lines: Sequence[dict[str, Any]]) -> None:
    print(f"\n## {race.data.name}: seconds to {race.target} test accuracy\n")
    print("| contestant | reached by | epochs or budget | s | x the first | best accuracy |")
    print("|---|---|---|---|---|---|")
    for line in lines:
        cells = [line["contestant"], line["reached"]]
        cells += [
            f"{line[key]:{form}}" if key in line else ""
            for key, form in (("setting", "g"), ("seconds", ".2f"), ("ratio", ".2f"))
        ]
        print("| " + " | ".join([*cells, f"{line['best accuracy']:.4f}"]) + " |")


def overhead(found: dict[str, list[list[Point]]], ours_name: str) -> dict[float, float]:
    """Median ratio of our seconds to those of the loop by hand, for each common budget."""
    ratios: dict[float, list[float]] = {}
    for hand, mine in zip(found["by hand, base"], found[ours_name], strict=True):
        seconds = {p.setting: p.seconds for p in mine}
        for point in hand:
            if point.setting in seconds:
                ratios.setdefault(point.setting, []).append(seconds[point.setting] / point.seconds)
    return {budget: float(np.median(values)) for budget, values in ratios.items()}


def plot(race: Race, found: dict[str, list[list[Point]]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for name, by_seed in found.items():
        n = min(map(len, by_seed))
        seconds = np.median([[p.seconds for p in points[:n]] for points in by_seed], axis=0)
        accuracy = np.mean([[p.accuracy for p in points[:n]] for points in by_seed], axis=0)
        axes.plot(seconds, accuracy, marker="o", markersize=4, label=name)
    axes.axhline(race.target, color="grey", linewidth=0.8, linestyle="dashed")
    axes.set(
        xscale="log", xlabel="seconds of training", ylabel="test accuracy", title=race.data.name
    )
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.time_to_accuracy", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("races", nargs="*", metavar="race", help="text, dense; default: both")
    parser.add_argument("--seeds", type=int, default=None, help="turns; default 5, 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("build/time_to_accuracy"))
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.races) - set(RACES):
        parser.error(f"unknown race {sorted(unknown)[0]!r}; known: {', '.join(RACES)}")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    seeds = range(chosen.seeds or (1 if chosen.quick else 5))
    chosen.out.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"machine": machine(), "quick": chosen.quick}
    print(" ".join(f"{k}={v}" for k, v in results["machine"].items()))
    for name in chosen.races or RACES:
        try:
            race = RACES[name](chosen.quick)
        except OSError as error:
            print(f"{name}: skipped, its data are not there: {error}")
            continue
        for first in (ours("", (1,), 4), by_hand((1,), 4)):  # torch's own imports
            next(first.train(race.data, 0))
        found = run(race, seeds)
        lines = summary(race, found)
        print_table(race, lines)
        base = next(c for c in found if c.startswith("ours, base"))
        loop = overhead(found, base)
        shown = ", ".join(f"{ratio:.2f} at {budget:g}" for budget, ratio in loop.items())
        print(f"\n{base}, over the loop by hand: {shown}")
        plot(race, found, chosen.out / f"{name}.png")
        points = {c: [[p._asdict() for p in pts] for pts in by] for c, by in found.items()}
        results[name] = {
            "target": race.target,
            "summary": lines,
            "overhead": loop,
            "points": points,
        }
    path = chosen.out / "results.json"
    path.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(f"\nWritten to {path}")


if __name__ == "__main__":
    main()
