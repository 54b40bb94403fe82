"""How many torch threads a training step is fastest with, by the width of the net.

Run it from the project's root; it needs no data. It takes as many threads as it measures, so
nothing else should run beside it::

    python -m benchmarks.threads           # some minutes
    python -m benchmarks.threads --quick   # proves that it runs

Every figure is the median of alternating fits: the milliseconds of a training step of 128 rows,
taken from the estimator's own history, without its first round. `rule` is what
``n_threads=None`` takes where four threads are allowed.
"""

import argparse
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from benchmarks._machine import machine
from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._devices import threads_by_size

WIDTHS = (64, 128, 256, 512, 1024, 2048, 4096)
THREADS = (1, 2, 4)
BATCH_SIZE = 128
N_FEATURES = {"dense": 784, "sparse": 20_000}
N_CLASSES = {"dense": 10, "sparse": 77}
# Multiplications of all dense layers that a measurement is to have, at least so many steps.
_WORK = 2e10
_LEAST_STEPS, _MOST_STEPS = 4, 40


def make_data(kind: str, n_rows: int) -> tuple[Any, Any]:
    """Rows like images, or like short texts of 22 words."""
    rng = np.random.default_rng(0)
    y = rng.integers(N_CLASSES[kind], size=n_rows)
    if kind == "dense":
        return rng.normal(size=(n_rows, N_FEATURES[kind])).astype(np.float32), y
    # Words by Zipf's law.
    columns = np.minimum(rng.zipf(1.3, size=(n_rows, 22)) - 1, N_FEATURES[kind] - 1)
    rows = np.repeat(np.arange(n_rows), columns.shape[1])
    values = np.ones(columns.size, np.float32)
    return sp.csr_array((values, (rows, columns.ravel())), (n_rows, N_FEATURES[kind])), y


def milliseconds_per_step(kind: str, hidden: Sequence[int], n_threads: int, steps: int) -> float:
    """One fit of two rounds, the second of which is timed."""
    X, y = make_data(kind, steps * BATCH_SIZE)
    model = LossSampledClassifier(
        sampling_strategy="base",
        hidden_layer_sizes=hidden,
        batch_size=BATCH_SIZE,
        budget=2,
        n_threads=n_threads,
        random_state=0,
    ).fit(X, y)
    record = model.history_[-1]
    return 1000 * float(record["seconds_train"]) / int(record["steps"])


def measure(kind: str, hidden: Sequence[int], repeats: int, work: float) -> list[str]:
    """A line of the table."""
    sizes = [N_FEATURES[kind], *hidden, N_CLASSES[kind]]
    dense = sizes[1:] if kind == "sparse" else sizes
    per_row = sum(a * b for a, b in pairwise(dense))
    steps = int(min(_MOST_STEPS, max(_LEAST_STEPS, work / (per_row * BATCH_SIZE))))
    found: dict[int, list[float]] = {n: [] for n in THREADS}
    for _ in range(repeats):
        for n in THREADS:
            found[n].append(milliseconds_per_step(kind, hidden, n, steps))
    medians = [median(found[n]) for n in THREADS]
    return [
        kind,
        "-".join(map(str, hidden)),
        f"{per_row / 1e6:.3f}",
        *(f"{value:.2f}" for value in medians),
        str(THREADS[int(np.argmin(medians))]),
        str(threads_by_size(sizes, sparse_input=kind == "sparse")),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two widths, one run each")
    parser.add_argument("--repeats", type=int, default=5)
    parsed = parser.parse_args(arguments)
    widths = WIDTHS[:2] if parsed.quick else WIDTHS
    repeats, work = (1, 1e7) if parsed.quick else (parsed.repeats, _WORK)
    for name, value in machine().items():
        if name != "threads":
            print(f"{name}: {value}")
    header = ["input", "hidden", "10^6 mult. a row", *(f"{n} thr." for n in THREADS), "best"]
    print("| " + " | ".join([*header, "rule"]) + " |")
    print("|" + "---|" * (len(header) + 1))
    before = torch.get_num_threads()
    milliseconds_per_step("dense", (16,), 1, 2)  # pays for first uses
    for kind in ("dense", "sparse"):
        for width in widths:
            for hidden in ((width,), (width, width)):
                print("| " + " | ".join(measure(kind, hidden, repeats, work)) + " |", flush=True)
    assert torch.get_num_threads() == before


if __name__ == "__main__":
    main()
