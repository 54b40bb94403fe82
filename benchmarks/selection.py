"""What choosing costs: seconds to choose the rows of a round, against those of training.

Run it from the project's root, on one thread::

    python -m benchmarks.selection
    python -m benchmarks.selection --quick

It needs no data. For every strategy by name it prints the median seconds of its own code
in a round at 60,000 rows, as a share of an epoch of training at that size (784 dense
features, one hidden layer of 256, batches of 128); then the seconds of a round of the heap
in a loop of one's own, where the sampler yields batches and where a DataLoader makes them of
single rows, and those of ranking ten million losses. Scoring passes, which
strategies ask for and which are training's forward pass, are left out. Seconds are those
of the processor, which other work on the machine changes least; and runs of all
strategies and fits alternate, so that a slow minute meets them all.

Targets: 2 % of the training for strategies that choose once a round; 0.25 s for a round
of the heap, the sampler included, either way; 0.3 s for the top of ten million losses; 3 s for the
number of losses that hold a share of their total and the top of that many.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import warnings
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, RandomSampler, Sampler

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.samplers import LossSampler
from sklearn_sifal.strategies import STRATEGIES, DrawContext, HeapQueue, SamplingStrategy, Setup
from sklearn_sifal.strategies._ranking import coverage_count, top_k

N_ROWS = 60_000
N_CLASSES = 10
BATCH_SIZE = 128
N_ROUNDS = 100  # of the training that is played, for strategies that follow its course

SHARE_TARGET = 2.0
HEAP_TARGET = 0.25
TOP_TARGET = 0.3
COVERAGE_TARGET = 3.0


class PlayedTraining:
    """Rounds of a strategy without a model: losses fall by a tenth with every visit.

    Only the strategy's own code is timed: choosing, and taking note of losses.
    """

    def __init__(self, strategy: SamplingStrategy, n_rows: int) -> None:
        self.strategy = strategy
        self.rng = np.random.default_rng(0)
        self.losses = self.rng.lognormal(0.0, 1.0, n_rows).astype(np.float32)
        self.table = LossTable(n_rows)
        self.epoch = 0
        self.seconds = 0.0
        y = self.rng.integers(0, N_CLASSES, n_rows)
        floor = 0.1 * self.losses.astype(np.float64)
        strategy.begin(self.table, Setup(n_rows, y, BATCH_SIZE, self.rng, irreducible_losses=floor))
        # As many rounds as it takes until the rule is at work, and one in which it was.
        for _ in range(strategy.warmup_epochs + 2):
            self.round()

    def round(self) -> float:
        """Seconds of the strategy in one round."""
        self.seconds = 0.0
        draws = self.strategy.draw(self.table, self._context())
        while True:
            began = process_time()
            selection = next(draws, None)
            self.seconds += process_time() - began
            if selection is None:
                break
            for rows in np.split(selection.rows, range(BATCH_SIZE, len(selection), BATCH_SIZE)):
                self._record(rows, training=True)
                self.losses[rows] *= np.float32(0.9)
        self.epoch += 1
        return self.seconds

    def _context(self) -> DrawContext:
        return DrawContext(
            epoch=self.epoch,
            progress=self.epoch / N_ROUNDS,
            batch_size=BATCH_SIZE,
            rng=self.rng,
            score=self._score,
            rounds_left=N_ROUNDS - self.epoch,
        )

    def _score(self, rows: np.ndarray, measures: Any) -> dict[str, np.ndarray]:
        began = process_time()
        measured = self._record(rows, training=False)
        self.seconds -= process_time() - began  # it runs within the strategy's time
        return measured

    def _record(self, rows: np.ndarray, *, training: bool) -> dict[str, np.ndarray]:
        measured = self._measured(rows)
        self.table.record(rows, measured["loss"], epoch=self.epoch, training=training)
        began = process_time()
        self.strategy.observe(rows, measured, training=training)
        self.seconds += process_time() - began
        return measured

    def _measured(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        losses = self.losses[rows]
        p = np.exp(-losses.astype(np.float64)).clip(1e-12, 1 - 1e-12)
        values = {
            "loss": losses,
            "correct": p > 0.5,
            "max_probability": np.maximum(p, 1 - p),
            "margin": np.log(p) - np.log1p(-p),
            "el2n": np.sqrt(2) * (1 - p),
        }
        return {name: values[name] for name in ("loss", *self.strategy.measures)}


class HeapLoop:
    """Rounds of the heap in a training loop of one's own that does nothing but report losses."""

    batch_size = 64  # datasetq's

    def __init__(self, n_rows: int, *, single_rows: bool) -> None:
        self.rng = np.random.default_rng(0)
        size = None if single_rows else self.batch_size
        self.sampler = LossSampler(n_rows, HeapQueue(), batch_size=size, random_state=0)
        self.batches: Any = self.sampler
        if single_rows:
            self.batches = self._loader(n_rows, self.sampler)
        for _ in range(2):
            self.round()

    def round(self) -> float:
        """Seconds of one round, with the sampler, the table, and the loader if there is one."""
        began = process_time()
        for rows in self.batches:
            self.sampler.update(rows, self.rng.standard_exponential(len(rows), np.float32))
        return process_time() - began

    @classmethod
    def _loader(cls, n_rows: int, sampler: Sampler[int]) -> DataLoader[Any]:
        """Batches of single rows, fetched from a dataset that does next to nothing."""
        rows: Any = range(n_rows)
        return DataLoader(rows, cls.batch_size, sampler=sampler, collate_fn=list)

    @classmethod
    def loader_seconds(cls, n_rows: int) -> float:
        """Seconds of the loader alone, with a sampler of torch's."""
        began = process_time()
        for _ in cls._loader(n_rows, RandomSampler(range(n_rows))):
            pass
        return process_time() - began


def fit_seconds(X: np.ndarray, y: np.ndarray) -> float:
    """Seconds of an epoch of training on all rows."""
    classifier = LossSampledClassifier(
        "base",
        hidden_layer_sizes=(256,),
        batch_size=BATCH_SIZE,
        budget=1,
        n_threads=1,
        random_state=0,
    )
    began = process_time()
    classifier.fit(X, y)
    return process_time() - began


def played(name: str, n_rows: int) -> PlayedTraining | None:
    """A training with a strategy by name, or None, with the reason printed, if it has none."""
    try:
        return PlayedTraining(STRATEGIES[name](), n_rows)
    except ValueError as error:
        print(f"{name} is left out: {error}")
        return None


def print_strategies(n_rows: int, n_runs: int) -> None:
    rng = np.random.default_rng(0)
    X = rng.random((n_rows, 784), dtype=np.float32)
    y = rng.integers(0, N_CLASSES, n_rows)
    trainings = {name: played(name, n_rows) for name in STRATEGIES}
    runs: dict[str, Callable[[], float]] = {
        name: training.round for name, training in trainings.items() if training is not None
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    fits = []
    for _ in range(n_runs):
        fits.append(fit_seconds(X, y))
        for name, run in runs.items():
            seconds[name].append(run())
    fit = float(np.median(fits))
    print(f"\nAn epoch of training on {n_rows:,} rows: {fit:.2f} s\n")
    print("| strategy | draws | choosing, s | share of training, % | target |")
    print("|---|---|---|---|---|")
    for name, values in seconds.items():
        median = float(np.median(values))
        share = 100 * median / fit
        per_batch = STRATEGIES[name].per_batch
        target = "" if per_batch else verdict(share, SHARE_TARGET)
        draws = "batches" if per_batch else "rounds"
        print(f"| {name} | {draws} | {median:.4f} | {share:.2f} | {target} |")


def print_heap(n_rows: int, n_runs: int) -> None:
    loops = {
        single_rows: HeapLoop(n_rows, single_rows=single_rows) for single_rows in (False, True)
    }
    seconds: dict[bool, list[float]] = {False: [], True: []}
    of_loader = []
    for _ in range(n_runs):
        for single_rows, loop in loops.items():
            seconds[single_rows].append(loop.round())
        of_loader.append(HeapLoop.loader_seconds(n_rows))
    target = HEAP_TARGET * n_rows / N_ROWS
    print(f"\nA round of the heap and the sampler on {n_rows:,} rows, batches of 64:")
    print(f"with batch_size {report(seconds[False], target)}")
    print(f"single rows, in a loader {report(seconds[True], target)}")
    print(f"of which a loader takes {np.median(of_loader):.3f} s with torch's RandomSampler")


def print_ranking(n: int, n_runs: int) -> None:
    rng = np.random.default_rng(0)
    losses = rng.lognormal(0.0, 1.0, n).astype(np.float32)
    top, coverage = [], []
    for _ in range(n_runs):
        began = process_time()
        top_k(losses, 3 * n // 10, rng)
        top.append(process_time() - began)
        began = process_time()
        top_k(losses, coverage_count(losses, 90, largest=True), rng)
        coverage.append(process_time() - began)
    share = n / 1e7
    print(f"\nOf {n:,} losses, the largest 30 %: {report(top, TOP_TARGET * share)}")
    print(f"Those with 90 % of the sum: {report(coverage, COVERAGE_TARGET * share)}")


def report(seconds: list[float], target: float) -> str:
    median = float(np.median(seconds))
    return f"{median:.3f} s ({verdict(median, target)})"


def verdict(value: float, target: float) -> str:
    return f"under {target:g}" if value < target else f"OVER {target:g}"


def main() -> None:
    parser = argparse.ArgumentParser(description="What choosing rows costs.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, three runs")
    parser.add_argument("--runs", type=int, help="runs that a median is of")
    options = parser.parse_args()
    shrink = 10 if options.quick else 1
    n_runs = options.runs or (3 if options.quick else 7)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(f"One thread; {os.cpu_count()} processors, load {load()} at the start.")
    print_strategies(N_ROWS // shrink, n_runs)
    print_heap(N_ROWS // shrink, n_runs)
    print_ranking(10_000_000 // shrink, n_runs)
    print(f"\nLoad {load()} at the end.")


def load() -> str:
    """Processes that ran or waited, on average over the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    main()
