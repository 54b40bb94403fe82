"""Seconds to look inside a training of a million rows: numbers, pictures, and the page.

Run it from the project's root, on one thread::

    python -m benchmarks.inspection              # about a minute
    python -m benchmarks.inspection --rows 10000

Losses, visits and selections are made up; the page is that of a comparison on made-up rows.
Each line is the better of two calls, after one on a few rows that pays for the imports.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.inspection import (
    data_map,
    group_report,
    loss_deciles,
    ranked_instances,
    selection_labels,
    selection_losses,
    selection_overlap,
    visits_by_label,
    weight_histogram,
    weight_statistics,
)
from sklearn_sifal.plotting import (
    DataMapDisplay,
    GroupReportDisplay,
    InstanceGalleryDisplay,
    LossDecileDisplay,
    SelectionDisplay,
    SelectionLabelDisplay,
    SelectionLossDisplay,
    SelectionOverlapDisplay,
    VisitCountDisplay,
    WeightDistributionDisplay,
)

N_ROUNDS = 10
N_CLASSES = 150
FEW = 2000


class Rows(NamedTuple):
    """What a training of so many rows leaves behind, made up."""

    losses: np.ndarray
    labels: np.ndarray
    names: np.ndarray
    visits: np.ndarray
    selections: list[np.ndarray]
    history: np.ndarray
    dynamics: dict[str, np.ndarray]
    weights: np.ndarray


def make_rows(n: int) -> Rows:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, N_CLASSES, n)
    selections = [rng.choice(n, n // 3, replace=False) for _ in range(N_ROUNDS)]
    visits = np.bincount(np.concatenate(selections), minlength=n)
    confidence, variability = rng.beta(4, 1, n), rng.beta(2, 8, n) / 2
    return Rows(
        rng.lognormal(-2, 1.5, n).astype(np.float32),
        labels,
        np.array([f"label_{label:03}" for label in range(N_CLASSES)])[labels],
        visits,
        selections,
        rng.lognormal(-2, 1.5, (N_ROUNDS, n)).astype(np.float32),
        {
            "confidence": confidence,
            "variability": variability,
            "correctness": np.round(confidence * 5) / 5,
        },
        rng.normal(0, 0.1, n),
    )


def calls(rows: Rows) -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """By name, what computes the numbers and what draws them."""
    n = len(rows.losses)
    texts = rows.names  # stand for the contents of the rows
    return {
        f"loss deciles, {N_CLASSES} integers": (
            lambda: loss_deciles(rows.losses, rows.labels),
            lambda record: LossDecileDisplay(record).plot(),
        ),
        f"loss deciles, {N_CLASSES} strings": (
            lambda: loss_deciles(rows.losses, rows.names),
            lambda record: LossDecileDisplay(record).plot(),
        ),
        "loss deciles, 2 labels": (
            lambda: loss_deciles(rows.losses, rows.labels % 2),
            lambda record: LossDecileDisplay(record).plot(),
        ),
        "hardest instances": (
            lambda: ranked_instances(rows.losses, y=rows.names, contents=texts),
            lambda record: InstanceGalleryDisplay(record, kind="text").plot(),
        ),
        "visits by label": (
            lambda: visits_by_label(rows.visits, rows.names),
            lambda record: VisitCountDisplay(rows.visits, groups=record).plot(),
        ),
        "rows x rounds": (
            lambda: None,
            lambda _: SelectionDisplay(rows.selections, n).plot(),
        ),
        "losses of the selections": (
            lambda: selection_losses(rows.history, rows.selections),
            lambda record: SelectionLossDisplay(record).plot(),
        ),
        "overlap of the selections": (
            lambda: selection_overlap(rows.selections, n),
            lambda record: SelectionOverlapDisplay(record).plot(),
        ),
        "labels of the selections": (
            lambda: selection_labels(rows.selections, rows.names),
            lambda record: SelectionLabelDisplay(record).plot(),
        ),
        "data map": (
            lambda: data_map(rows.dynamics),
            lambda record: DataMapDisplay(record).plot(),
        ),
        "groups": (
            lambda: group_report(rows.losses, rows.names, visits=rows.visits),
            lambda record: GroupReportDisplay(record).plot(),
        ),
        "weights": (
            lambda: (weight_statistics(rows.weights), weight_histogram(rows.weights))[1],
            lambda record: WeightDistributionDisplay(record).plot(),
        ),
    }


def seconds_of(call: Callable[[], Any]) -> tuple[float, Any]:
    began = perf_counter()
    result = call()
    return perf_counter() - began, result


def look(rows: Rows) -> dict[str, tuple[float, float]]:
    """Seconds for the numbers and for the picture, by name."""
    found = {}
    for name, (compute, draw) in calls(rows).items():
        numbers, record = seconds_of(compute)

        def picture(draw: Callable[[Any], Any] = draw, record: Any = record) -> None:
            draw(record).figure_.canvas.draw()
            plt.close("all")

        found[name] = numbers, seconds_of(picture)[0]
    return found


def page_seconds(n: int) -> tuple[float, float, int]:
    """Seconds of a comparison and of its page, and the page's bytes."""
    rng = np.random.default_rng(0)
    X = sp.random_array((n, 1000), density=0.01, format="csr", rng=rng, dtype=np.float32)
    y = rng.integers(0, 20, n)
    model = LossSampledClassifier(hidden_layer_sizes=(16,), batch_size=512)
    few = min(n, 1000)
    compared, comparison = seconds_of(
        lambda: compare_strategies(
            model, ["percentile"], X, y, X[:few], y[:few], budget=1.2, n_seeds=1
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        comparison.to_html(path)
        wrote, _ = seconds_of(lambda: comparison.to_html(path))
        return compared, wrote, path.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=10**6)
    n = parser.parse_args().rows
    look(make_rows(FEW))
    rows = make_rows(n)
    first, second = look(rows), look(rows)
    print(f"{n} rows, {N_ROUNDS} rounds, one thread; seconds\n")
    print("| what | numbers | picture | together |\n|---|---:|---:|---:|")
    for name in first:
        numbers, picture = (min(first[name][i], second[name][i]) for i in (0, 1))
        print(f"| {name} | {numbers:.2f} | {picture:.2f} | {numbers + picture:.2f} |")
    page_seconds(FEW)
    compared, wrote, size = page_seconds(n)
    print(f"\nPage of a comparison of 3 strategies: {wrote:.2f} s, {size / 1000:.0f} kB")
    print(f"(the comparison: {compared:.0f} s)")


if __name__ == "__main__":
    main()
