"""Where a training step goes, part by part, beside the traffic that it cannot do without.

Run it from the project's root, on one thread, with BANKING77 and ``mnist.npz`` in
``SIFAL_DATA``; made-up queries take the place of BANKING77 where it is absent::

    python -m benchmarks.step                # text and dense, about a minute
    python -m benchmarks.step --quick        # few rows: that it runs

A part is timed by a wrapper around one function at a time, in fits that follow each other in
turn, since clocks within clocks would count each other. The floor of the sparse layer is
copying each touched row of its weights out and back once: no step that updates them all can
do with less. Parts come from different fits, and those of a step do not add up to it: calls between
them are in none.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer

from benchmarks._machine import machine, write_results
from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.datasets import fetch_banking77, fetch_mnist, make_intents
from sklearn_sifal.neural import _mlp_net, _row_sparse
from sklearn_sifal.neural._closed_form import Pass
from sklearn_sifal.neural._mlp import InputLayer
from sklearn_sifal.neural._mlp_net import MLPNet
from sklearn_sifal.neural._optimizers import Adagrad, AdamW
from sklearn_sifal.neural._row_sparse import ColumnNumbers, RowAdagrad


class Part(NamedTuple):
    """A function of the step; `depth` indents what is a part of the part above."""

    name: str
    owner: Any
    function: str
    depth: int = 0


COMMON_PARTS = (
    Part("rounds", MLPNet, "run_single_epoch"),
    Part("train_step", MLPNet, "train_step"),
    Part("forward", _mlp_net, "Pass", 1),
    Part("first layer", InputLayer, "forward", 2),
    Part("loss and its gradient", _mlp_net, "cross_entropy", 1),
    Part("table of losses", MLPNet, "_record_step", 1),
    Part("backward", Pass, "set_gradients", 1),
)
TEXT_PARTS = (
    *COMMON_PARTS,
    Part("gradient of the touched rows", _row_sparse, "_touched_rows_on_cpu", 2),
    Part("renumbering of columns", ColumnNumbers, "renumber", 3),
    Part("row-wise Adagrad", RowAdagrad, "quick_step", 1),
    Part("update of the rows", RowAdagrad, "_update", 2),
    Part("Adagrad of the other layers", Adagrad, "quick_step", 1),
)
DENSE_PARTS = (
    *COMMON_PARTS,
    Part("gradient of the first layer", InputLayer, "set_gradients", 2),
    Part("AdamW", AdamW, "quick_step", 1),
)


@contextmanager
def clocked(part: Part) -> Iterator[list[float]]:
    """Seconds of every call of a part within the block."""
    original = getattr(part.owner, part.function)
    seconds: list[float] = []

    def timed(*args: Any, **kwargs: Any) -> Any:
        began = perf_counter()
        result = original(*args, **kwargs)
        seconds.append(perf_counter() - began)
        return result

    setattr(part.owner, part.function, timed)
    try:
        yield seconds
    finally:
        setattr(part.owner, part.function, original)


def text(quick: bool) -> tuple[Any, Any]:
    try:
        texts, _, y, _ = fetch_banking77(return_X_y=True, download_if_missing=False)
    except OSError:
        texts, y = make_intents(10_000, random_state=0)
    if quick:
        texts, y = texts[::20], y[::20]
    return CountVectorizer(ngram_range=(1, 2), dtype=np.float32).fit_transform(texts), y


def dense(quick: bool) -> tuple[Any, Any]:
    X, _, y, _ = fetch_mnist(return_X_y=True, download_if_missing=False)
    n = 2000 if quick else 20_000
    return X[:n].astype(np.float32) / 255, y[:n]


def microseconds(fit: Callable[[], Any], parts: Sequence[Part], turns: int) -> dict[str, float]:
    """Median over the turns of the time per step of every part, and of the whole fit."""
    found: dict[str, list[float]] = {}
    for _ in range(turns):
        began = perf_counter()
        model = fit()
        seconds = perf_counter() - began
        n_steps = sum(record["steps"] for record in model.history_)
        found.setdefault("fit", []).append(seconds / n_steps)
        for part in parts:
            with clocked(part) as calls:
                fit()
            found.setdefault(part.name, []).append(sum(calls) / n_steps)
    return {name: 1e6 * float(np.median(values)) for name, values in found.items()}


def floor_of_rows(X: Any, width: int, batch_size: int, turns: int) -> dict[str, float]:
    """Copying the touched rows out and back: microseconds, rows and megabytes of a step."""
    weight = torch.zeros(X.shape[1], width)
    order = np.random.default_rng(0).permutation(X.shape[0])
    touched = [
        torch.from_numpy(np.unique(X[order[i : i + batch_size]].indices).astype(np.int64))
        for i in range(0, X.shape[0], batch_size)
    ]
    medians = []
    for _ in range(turns):
        began = perf_counter()
        for rows in touched:
            weight.index_copy_(0, rows, weight.index_select(0, rows))
        medians.append((perf_counter() - began) / len(touched))
    n_rows = float(np.mean([len(rows) for rows in touched]))
    return {
        "microseconds": 1e6 * float(np.median(medians)),
        "rows": n_rows,
        "megabytes": 2 * n_rows * width * 4 / 1e6,
    }


def print_parts(title: str, parts: Sequence[Part], found: dict[str, float]) -> None:
    print(f"\n## {title}\n\n| part | µs a step | share of the fit |\n|---|---|---|")
    whole = found["fit"]
    lines = [
        ("the fit, per step", whole),
        ("checks, initial weights, records", whole - found["rounds"]),
        ("gathering of rows, order, rates", found["rounds"] - found["train_step"]),
        *((4 * part.depth * "\u00a0" + part.name, found[part.name]) for part in parts[1:]),
    ]
    for name, value in lines:
        print(f"| {name} | {value:.0f} | {100 * value / whole:.0f} % |")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.step", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("build/step"))
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    turns = 1 if chosen.quick else 5
    results: dict[str, Any] = {"machine": machine(), "quick": chosen.quick}
    for name, load, parts, hidden in (
        ("text", text, TEXT_PARTS, 128),
        ("dense", dense, DENSE_PARTS, 256),
    ):
        try:
            X, y = load(chosen.quick)
        except OSError as error:
            print(f"{name}: skipped, its data are not there: {error}")
            continue

        def fit(X: Any = X, y: Any = y, hidden: int = hidden) -> Any:
            model = LossSampledClassifier(
                sampling_strategy="base", hidden_layer_sizes=(hidden,), budget=1, random_state=0
            )
            return model.fit(X, y)

        batch_size = fit().net_.batch_size  # also the first, slower call of everything
        found = microseconds(fit, parts, turns)
        print_parts(f"{name}: batch {batch_size}, hidden {hidden}", parts, found)
        results[name] = {"batch_size": batch_size, "hidden": hidden, "parts": found}
        if name == "text":
            floor = floor_of_rows(X, hidden, batch_size, turns)
            results[name]["floor"] = floor
            print(
                f"\nFloor of the sparse layer: {floor['rows']:.0f} rows touched in a step, "
                f"{floor['megabytes']:.1f} MB read and written, {floor['microseconds']:.0f} µs."
            )
    write_results(results, chosen.out)


if __name__ == "__main__":
    main()
