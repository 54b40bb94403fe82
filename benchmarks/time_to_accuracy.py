"""How long it takes to reach an accuracy: our classifier beside what people use instead.

Run it from the project's root, on one thread, with BANKING77 and ``mnist.npz`` in
``SIFAL_DATA`` (BANKING77 is downloaded where it is not there)::

    python -m benchmarks.time_to_accuracy                # all, half an hour
    python -m benchmarks.time_to_accuracy text           # or recommended, or dense
    python -m benchmarks.time_to_accuracy --quick        # few rows, a minute: it runs

All contestants run in turn in one process, once for every seed. What is printed are medians
over the seeds, and medians of the ratios to the reference within one turn, so that a machine
whose speed drifts does not favour anyone. An epoch of others is a point of one training, and
counts as soon as it is good enough. A budget of ours is a whole training, whose rate falls to
zero at its end, and counts only if the mean over the seeds is good enough. Both are judged on
the test part, which tells when to stop; the C of LinearSVC is cross-validated. Written to
``build/time_to_accuracy/``: ``results.json`` and a figure for each data set.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from benchmarks._contestants import (
    BY_HAND,
    LEANLY,
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
from benchmarks._machine import machine, write_results
from sklearn_sifal import RegexPreprocessor
from sklearn_sifal.datasets import fetch_banking77, fetch_mnist, make_intents

C_GRID = (0.02, 0.05, 0.1, 0.3, 1.0)
# Recommended for text in the README.
RECOMMENDED = {"hidden": 256, "input_dropout": 0.3}


class Race(NamedTuple):
    """Contestants on one data set, and accuracies to reach, in rising order."""

    data: Data
    targets: tuple[float, ...]
    contestants: list[Contestant]
    reference: str  # contestant whose seconds, of all its training, the ratios are to


def texts_and_intents(quick: bool) -> Sequence[Any]:
    """Training texts, test texts, and the labels of both."""
    if quick:
        return train_test_split(*make_intents(1500, random_state=0), test_size=0.3, random_state=0)
    return fetch_banking77(return_X_y=True)


def counted(name: str, parts: Sequence[Any], *steps: Any) -> Data:
    """Features of texts, which nobody is charged for."""
    train, test, y_train, y_test = parts
    features = make_pipeline(*steps)
    return Data(name, features.fit_transform(train), y_train, features.transform(test), y_test)


def plain_counts(quick: bool, dtype: Any = np.float32) -> Data:
    counts = CountVectorizer(ngram_range=(1, 2), dtype=dtype)
    return counted("text", texts_and_intents(quick), counts)


def text(quick: bool) -> Race:
    data = plain_counts(quick)
    # float32 does the others good: of a vectorizer's own int64 they make float64.
    untouched = plain_counts(quick, np.int64)
    budgets = (1, 2) if quick else (1, 1.25, 1.5, 1.75, 2, 3, 4, 8)
    whole_passes = [b for b in budgets if b == int(b)]
    most = 2 if quick else 12
    contestants = [
        *linear(best_c(data, C_GRID[1:3] if quick else C_GRID)),
        mlp(100, most),
        mlp(100, most, batch_size=128),
        on(untouched, "int64 counts", mlp(100, most)),
        plain_skorch(100, most),
        by_hand(whole_passes, 100),
        by_hand(whole_passes, 100, leanly=True),
        ours("ours, base", budgets, 100, sampling_strategy="base"),
        ours("ours, default", budgets, 100),
        on(untouched, "int64 counts", ours("ours, default", budgets, 100)),
    ]
    targets = (0.7,) if quick else (0.8945, 0.895)
    return Race(data, targets, contestants, contestants[0].name)


def on(data: Data, which: str, contestant: Contestant) -> Contestant:
    """The contestant on other features of the same texts."""
    name = f"{contestant.name}, {which}"
    return replace(contestant, name=name, train=lambda _, seed: contestant.train(data, seed))


def recommended(quick: bool) -> Race:
    """What the README recommends for short texts, beside LinearSVC on the same and plain counts."""
    plain = plain_counts(quick)
    grid = C_GRID[1:3] if quick else C_GRID
    (reference, *_) = linear(best_c(plain, grid))
    words = CountVectorizer(
        ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", binary=True, dtype=np.float32
    )
    data = counted("recommended", texts_and_intents(quick), RegexPreprocessor(), words)
    budgets = (1, 2) if quick else (3, 4, 5, 6, 8)
    net = ours("ours, recommended", budgets, **RECOMMENDED)
    contestants = [
        on(plain, "plain counts", reference),
        *linear(best_c(data, grid)),
        on(plain, "plain counts", net),
        net,
        ours("ours, recommended, base", budgets, sampling_strategy="base", **RECOMMENDED),
    ]
    return Race(data, (0.7,) if quick else (0.905, 0.91), contestants, contestants[0].name)


def dense(quick: bool) -> Race:
    images, test_images, y, y_test = fetch_mnist(return_X_y=True, download_if_missing=False)
    n = 2000 if quick else None
    X, X_test = (part[:n].astype(np.float32) / 255 for part in (images, test_images))
    data = Data("dense", X, y[:n], X_test, y_test[:n])
    most = 2 if quick else 20
    budgets = (1, 2) if quick else (1.5, 2, 3, 4, 6, 8)
    mlps = [mlp(256, most, learning_rate_init=lr) for lr in (0.001, 0.0005, 0.002)]
    contestants = [
        *mlps,
        plain_skorch(256, most),
        by_hand([b for b in budgets if b == int(b)], 256),
        *(
            ours(f"ours, base, lr={lr:g}", budgets, 256, sampling_strategy="base", lr=lr)
            for lr in (0.01, 0.003, 0.02)  # that of the loop by hand first
        ),
        ours("ours, default", budgets, 256),
        *linear(best_c(data, (0.001, 0.01, 0.1), 1000 if quick else 6000), once=True),
    ]
    return Race(data, (0.8,) if quick else (0.98,), contestants, mlps[0].name)


RACES = {"text": text, "recommended": recommended, "dense": dense}


def run(race: Race, seeds: Sequence[int]) -> dict[str, list[list[Point]]]:
    """Points of every contestant, a list for each seed; curves end where they are good enough."""
    found: dict[str, list[list[Point]]] = {c.name: [] for c in race.contestants}
    for turn, seed in enumerate(seeds):
        for contestant in race.contestants:
            if contestant.once and turn > 0:
                continue
            points: list[Point] = []
            for point in contestant.train(race.data, seed):
                points.append(point)
                if contestant.is_curve and point.accuracy >= race.targets[-1]:
                    break
            found[contestant.name].append(points)
            print(f"  {race.data.name}, seed {seed}: {contestant.name}", flush=True)
    return found


def reaching(contestant: Contestant, by_seed: list[list[Point]], target: float) -> list[Point]:
    """Points at which the target is reached, at most one for each seed.

    A curve's is its first good epoch. Trainings of different lengths are judged by their mean
    over the seeds, since a lucky seed would reach it too early.
    """
    if contestant.is_curve:
        good = [next((p for p in points if p.accuracy >= target), None) for points in by_seed]
        return [point for point in good if point]
    for points in zip(*by_seed, strict=True):
        if np.mean([point.accuracy for point in points]) >= target:
            return list(points)
    return []


def best_accuracy(contestant: Contestant, by_seed: list[list[Point]]) -> float:
    if contestant.is_curve:  # cut at different lengths
        return float(np.mean([max(p.accuracy for p in points) for points in by_seed]))
    return float(np.mean([[p.accuracy for p in points] for points in by_seed], axis=0).max())


def summary(race: Race, found: dict[str, list[list[Point]]]) -> list[dict[str, Any]]:
    """One line for each contestant and target; seconds over the seeds that reached it."""
    of_reference = [points[-1].seconds for points in found[race.reference]]
    lines = []
    for target, contestant in product(race.targets, race.contestants):
        by_seed = found[contestant.name]
        good = reaching(contestant, by_seed, target)
        line: dict[str, Any] = {
            "target": target,
            "contestant": contestant.name,
            "best accuracy": best_accuracy(contestant, by_seed),
            "reached": f"{len(good)} of {len(by_seed)}",
        }
        if good:
            seconds = float(np.median([point.seconds for point in good]))
            # Turn by turn where every turn has both, so that a drifting machine cancels.
            turns = zip(good, of_reference, strict=False)
            ratios = [point.seconds / reference for point, reference in turns]
            line |= {
                "setting": float(np.median([point.setting for point in good])),
                "seconds": seconds,
                "ratio": float(np.median(ratios))
                if len(good) == len(of_reference)
                else seconds / float(np.median(of_reference)),
            }
        lines.append(line)
    return lines


def print_table(race: Race, lines: Sequence[dict[str, Any]]) -> None:
    for target in race.targets:
        print(f"\n## {race.data.name}: seconds to {target} test accuracy\n")
        print(f"| contestant | reached by | epochs or budget | s | x {race.reference} | best |")
        print("|---|---|---|---|---|---|")
        for line in (line for line in lines if line["target"] == target):
            cells = [line["contestant"], line["reached"]]
            cells += [
                f"{line[key]:{form}}" if key in line else ""
                for key, form in (("setting", "g"), ("seconds", ".2f"), ("ratio", ".2f"))
            ]
            print("| " + " | ".join([*cells, f"{line['best accuracy']:.4f}"]) + " |")


def print_speedups(race: Race, lines: Sequence[dict[str, Any]]) -> None:
    """How many times as long the fastest MLPClassifier takes, where one reaches a target."""
    for target in race.targets:
        reached = [line for line in lines if line["target"] == target and "seconds" in line]
        rivals = [line for line in reached if line["contestant"].startswith("MLPClassifier")]
        if not rivals:
            continue
        best = min(rivals, key=lambda line: line["seconds"])
        for line in reached:
            if line["contestant"].startswith("ours"):
                times = best["seconds"] / line["seconds"]
                print(f"{best['contestant']} takes {times:.1f} x {line['contestant']} to {target}")


def overhead(
    found: dict[str, list[list[Point]]], by_hand_name: str, ours_name: str
) -> dict[float, float]:
    """Median ratio of our seconds to those of the loop by hand, for each common budget."""
    ratios: dict[float, list[float]] = {}
    for hand, mine in zip(found[by_hand_name], found[ours_name], strict=True):
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
    for target in race.targets:
        axes.axhline(target, color="grey", linewidth=0.8, linestyle="dashed")
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
    parser.add_argument(
        "races", nargs="*", metavar="race", help="text, recommended, dense; default: all"
    )
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
        print()
        print_speedups(race, lines)
        loops: dict[str, dict[float, float]] = {}
        for hand in (name for name in (BY_HAND, LEANLY) if name in found):
            base = next(c for c in found if c.startswith("ours, base"))
            loops[hand] = overhead(found, hand, base)
            shown = ", ".join(f"{ratio:.2f} at {budget:g}" for budget, ratio in loops[hand].items())
            print(f"\n{base}, x {hand}: {shown}")
        plot(race, found, chosen.out / f"{name}.png")
        points = {c: [[p._asdict() for p in pts] for pts in by] for c, by in found.items()}
        results[name] = {
            "targets": race.targets,
            "summary": lines,
            "overhead": loops,
            "points": points,
        }
    write_results(results, chosen.out)


if __name__ == "__main__":
    main()
