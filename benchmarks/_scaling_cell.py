"""One size of `benchmarks.scaling`, measured in a process of its own.

``python -m benchmarks._scaling_cell`` takes a cell as JSON and prints what it found as JSON.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import json
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.datasets import fetch_banking77, make_intents, open_csr, save_csr

HIDDEN = 128
# As many classes as BANKING77 has, each with keywords of its own among the last columns.
N_CLASSES, KEYWORDS = 77, 10
# Columns drawn for a row. By a Zipf law some come twice, and are counts then.
DRAWN = {"uniform": 29, "zipf": 35}
ROWS_PER_BLOCK = 50_000
REFERENCE_ROWS = 10_000
# A second pass, since the default strategy's first one is on all rows.
STRATEGIES = {"base": ("base", 1), "default": ("guarded_importance", 2)}
# Timings of the reference: BANKING77 takes a fraction of a second.
REFERENCE_RUNS = 3


@dataclass(frozen=True)
class Cell:
    """What is measured: rows, columns and the law that the columns of sparse rows follow."""

    kind: str  # "zipf", "uniform" or "dense"
    n_rows: int
    n_features: int
    mapped: bool
    turns: int
    quick: bool
    folder: str
    strategies: tuple[str, ...] = ("base", "default")


class Run:
    """One fit: seconds, and memory in bytes, beyond what was there before."""

    def __init__(self, strategy: str, budget: float, X: Any, y: NDArray[Any]) -> None:
        model = LossSampledClassifier(
            sampling_strategy=strategy,
            hidden_layer_sizes=(HIDDEN,),
            budget=budget,
            random_state=0,
        )
        with peak_memory() as peak:
            began = perf_counter()
            model.fit(X, y)
            self.seconds = perf_counter() - began
        self.peak, self.anonymous = peak["VmRSS"], peak["RssAnon"]
        self.steps = sum(record["steps"] for record in model.history_)
        self.batch_size = int(model.net_.batch_size)
        n_values = X.nnz if sp.issparse(X) else X.size
        # Of rows scored without training nothing is taken off: that is what selection costs.
        self.per_million = self.seconds / (n_values * budget / 1e6)


@contextmanager
def peak_memory() -> Iterator[dict[str, int]]:
    """Largest rise of resident and of anonymous memory within the block, looked at often."""
    peak, before, done = {"VmRSS": 0, "RssAnon": 0}, resident(), threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            note(resident())

    def note(now: dict[str, int]) -> None:
        for name in peak:
            peak[name] = max(peak[name], now[name] - before[name])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
        note(resident())


def resident() -> dict[str, int]:
    status = Path("/proc/self/status")
    text = status.read_text(encoding="utf-8") if status.exists() else ""
    found = {name: re.search(rf"{name}:\s+(\d+)", text) for name in ("VmRSS", "RssAnon")}
    return {name: int(match[1]) * 1024 if match else 0 for name, match in found.items()}


def labels(n_rows: int) -> NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, N_CLASSES, n_rows)


def sparse_blocks(cell: Cell) -> Iterator[Any]:
    """Rows with columns by a law, and one keyword each that tells the class."""
    rng = np.random.default_rng(0)
    y, n_words = labels(cell.n_rows), cell.n_features - N_CLASSES * KEYWORDS
    shares = 1 / np.arange(1, n_words + 1) if cell.kind == "zipf" else np.ones(n_words)
    ends = np.cumsum(shares / shares.sum())
    for first in range(0, cell.n_rows, ROWS_PER_BLOCK):
        codes = y[first : first + ROWS_PER_BLOCK]
        shape = (len(codes), DRAWN[cell.kind])
        words = np.searchsorted(ends[:-1], rng.random(shape)).astype(np.int32)
        keywords = n_words + KEYWORDS * codes + rng.integers(0, KEYWORDS, len(codes))
        columns = np.concatenate([words, keywords[:, None].astype(np.int32)], axis=1)
        indptr = np.arange(0, columns.size + 1, columns.shape[1], dtype=np.int32)
        values = np.ones(columns.size, np.float32)
        block = sp.csr_array((values, columns.ravel(), indptr), shape=(len(codes), cell.n_features))
        block.sum_duplicates()
        yield block


def dense_table(cell: Cell) -> NDArray[np.float32]:
    """Class means with noise around them."""
    rng, y = np.random.default_rng(0), labels(cell.n_rows)
    means = rng.normal(size=(N_CLASSES, cell.n_features)).astype(np.float32)
    shape = (cell.n_rows, cell.n_features)
    file = Path(cell.folder) / "X.npy"
    X = (
        np.lib.format.open_memmap(file, "w+", np.float32, shape)
        if cell.mapped
        else np.empty(shape, np.float32)
    )
    for first in range(0, cell.n_rows, ROWS_PER_BLOCK):
        codes = y[first : first + ROWS_PER_BLOCK]
        noise = rng.standard_normal((len(codes), cell.n_features), dtype=np.float32)
        X[first : first + len(codes)] = means[codes] + 2 * noise
    if not cell.mapped:
        return X
    del X
    mapped: NDArray[np.float32] = np.load(file, mmap_mode="r")
    return mapped


def inputs(cell: Cell) -> Any:
    if cell.kind == "dense":
        return dense_table(cell)
    if not cell.mapped:
        return sp.vstack(list(sparse_blocks(cell)), format="csr")
    save_csr(Path(cell.folder) / "X", sparse_blocks(cell))
    return open_csr(Path(cell.folder) / "X")


def reference(cell: Cell) -> tuple[str, Any, Any]:
    """What the seconds are compared with: its name, inputs and labels."""
    if cell.kind == "dense":
        few = Cell("dense", min(REFERENCE_ROWS, cell.n_rows), cell.n_features, False, 1, True, "")
        return f"{few.n_rows} rows", dense_table(few), labels(few.n_rows)
    name = "BANKING77"
    try:
        if cell.quick:
            raise OSError
        texts, _, y, _ = fetch_banking77(return_X_y=True)
    except OSError:
        name = "made-up queries"
        texts, y = make_intents(500 if cell.quick else 10_000, random_state=0)
    counts = CountVectorizer(ngram_range=(1, 2), dtype=np.float32)
    return name, counts.fit_transform(texts), y


def measure(cell: Cell) -> dict[str, Any]:
    """Fits of the cell and of the reference in turn; medians."""
    X, y = inputs(cell), labels(cell.n_rows)
    name, X_ref, y_ref = reference(cell)
    Run("base", 1, X_ref, y_ref)  # torch's own imports
    n_runs = 1 if cell.quick else REFERENCE_RUNS
    result: dict[str, Any] = {
        "n_values": int(X.nnz if sp.issparse(X) else X.size),
        "data_bytes": int(
            X.data.nbytes + X.indices.nbytes + X.indptr.nbytes if sp.issparse(X) else X.nbytes
        ),
        "reference": name,
    }
    for key in cell.strategies:
        strategy, budget = STRATEGIES[key]
        runs, ratios = [], []
        for _ in range(cell.turns):
            before = [Run(strategy, budget, X_ref, y_ref) for _ in range(n_runs)]
            runs.append(Run(strategy, budget, X, y))
            after = [Run(strategy, budget, X_ref, y_ref) for _ in range(n_runs)]
            beside = np.median([run.per_million for run in before + after])
            ratios.append(runs[-1].per_million / float(beside))
        result[key] = {
            "seconds": float(np.median([run.seconds for run in runs])),
            "per_million": float(np.median([run.per_million for run in runs])),
            "ratio": float(np.median(ratios)),
            "peak": max(run.peak for run in runs),
            "anonymous": max(run.anonymous for run in runs),
            "steps": runs[0].steps,
            "batch_size": runs[0].batch_size,
        }
    return result


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    settings = json.loads(sys.argv[1])
    with TemporaryDirectory(dir=settings["folder"], prefix="cell-") as folder:
        cell = Cell(**{**settings, "folder": folder})
        print(json.dumps(measure(cell)))


if __name__ == "__main__":
    main()
