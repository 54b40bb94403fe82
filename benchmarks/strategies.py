"""Strategies on thirteen data sets, clean and with wrong labels, at equal visits.

Run it from the project's root. ``SIFAL_DATA`` is a folder with the files of BANKING77,
``mnist.npz``, ``atis_train.csv``, ``atis_test.csv``, the same of TREC, and ``zoo/letter.csv``
and the like, each with a column ``label``; a data set that is not there is left out::

    python -m benchmarks.strategies                        # everything, three hours or more
    python -m benchmarks.strategies --quick                # a small version, below 5 minutes
    python -m benchmarks.strategies --datasets digits --strategies heap infobatch
    python -m benchmarks.strategies --jobs 4 --time-limit 60
    python -m benchmarks.strategies --report               # only the tables

Each fit is a line of ``build/strategies/results.jsonl``, and what it says of each test row a
file in ``build/strategies/rows``. What is there is not run again, so a run can be stopped,
gone on with, or made of parts. Beside that file stands the report on all that is in it,
``report.md``.

Each strategy has five trainings in each place. Each of them chooses its learning rate on
splits of the training rows, and is then fitted on all of the training rows and scored on the
test part. A file without a test part has five folds instead, a training each, which chooses
its rate within the other four: no test row has a part in the choice of the rate of the fit
that it tests. Verdicts are those of `compare_strategies`.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import multiprocessing
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from benchmarks._cells import (
    STRATEGIES_OF_TABLE,
    Record,
    Records,
    append_record,
    cell_of,
    load_records,
    run_cell,
    strategy_labels,
    write_records,
)
from benchmarks._datasets import DATA_SETS, load_part
from benchmarks._judging import CONTROL, YARDSTICK
from benchmarks._plan import Group, Queue, Task, count_cells, plan
from benchmarks._tables import report
from benchmarks._test_rows import TestRows
from sklearn_sifal import LossSampledClassifier

FULL_SETS = tuple(name for name in DATA_SETS if name != "banking77-part")
NOISES = (0.0, 0.2)
BUDGETS = (2.0, 4.0)
N_SEEDS = 5
# About two minutes of one free core; a slow machine leaves blanks after the limit.
QUICK = {
    "datasets": ["digits", "banking77-part"],
    "budgets": [2.0],
    "seeds": 3,
    "time_limit": 4.5,
}
_RESULTS = Path("build/strategies/results.jsonl")
_QUICK_RESULTS = Path("build/strategies/quick/results.jsonl")
_SECONDS_BETWEEN_NOTES = 30
_WHICH = f"base and random are always among them; default: {' '.join(STRATEGIES_OF_TABLE)}"


def start_process() -> None:
    """Make this process fit to run cells: one thread, and torch's own imports paid for."""
    torch.set_num_threads(1)
    X = np.eye(4, dtype=np.float32)
    LossSampledClassifier("base", hidden_layer_sizes=(2,), budget=1).fit(X, [0, 0, 1, 1])


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent lets cells in flight end
    start_process()


def run(
    queue: Queue, path: Path, jobs: int, keep_going: Callable[[], bool], note: Callable[[], None]
) -> None:
    """Run cells until none is left or `keep_going` says no; each is written when it ends."""
    test_rows = test_rows_beside(path)

    def finish(record: Record) -> None:
        append_record(path, record)
        queue.add(record)
        note()

    if jobs == 1:
        start_process()
        while keep_going() and (cell := queue.next_cell()) is not None:
            finish(run_cell(cell, test_rows))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker) as pool:
        running: set[Future[Record]] = set()
        try:
            while True:
                while len(running) < jobs and keep_going():
                    cell = queue.next_cell()
                    if cell is None:
                        break
                    running.add(pool.submit(run_cell, cell, test_rows))
                if not running:
                    return
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    finish(future.result())
        except KeyboardInterrupt:
            print("Interrupted: waiting for the fits in flight.", file=sys.stderr, flush=True)
            for future in running:
                finish(future.result())
            raise


def test_rows_beside(path: Path) -> TestRows:
    return TestRows(path.with_name("rows"))


def loadable(datasets: Sequence[str]) -> list[str]:
    """Those data sets whose files are there; a line on each of the others."""
    there = []
    for name in datasets:
        try:
            load_part(name, "test")
        except OSError as error:
            reason = str(error).splitlines()[0]
            print(f"Skipped {name}, its data are not there: {reason}", file=sys.stderr)
            continue
        there.append(name)
    load_part.cache_clear()  # with workers, this process does not need them
    return there


class Notes:
    """Says now and then how far a run is."""

    def __init__(self, tasks: Sequence[Task], records: Records) -> None:
        self._what = (list(tasks), records)
        self._began = self._last = perf_counter()

    def __call__(self, *, last: bool = False) -> None:
        now = perf_counter()
        if not last and now - self._last < _SECONDS_BETWEEN_NOTES:
            return
        self._last = now
        there, most = count_cells(*self._what)
        minutes = (now - self._began) / 60
        print(f"{there} of at most {most} fits, {minutes:.1f} min", file=sys.stderr, flush=True)


def drop(path: Path, tasks: Sequence[Task]) -> None:
    """Take the results of these tasks out of the file, with those that are out of date."""
    records, _ = load_records(path, test_rows_beside(path))
    chosen = set(tasks)
    write_records(path, [r for r in records.values() if _task_of(r) not in chosen])


def _task_of(record: Record) -> Task:
    cell = cell_of(record)
    return Group(cell.dataset, cell.noise, cell.strategy, cell.budget), cell.seed


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.strategies", description=(__doc__ or "").split("\n\n")[0]
    )
    add = parser.add_argument
    add("--strategies", nargs="+", metavar="S", choices=strategy_labels(), help=_WHICH)
    add("--datasets", nargs="+", metavar="D", choices=tuple(DATA_SETS), help="default: all")
    add("--noise", nargs="+", type=float, metavar="SHARE", default=list(NOISES))
    add("--budgets", nargs="+", type=float, metavar="B", help=f"default: {BUDGETS}")
    add("--seeds", type=int, metavar="N", help=f"number of seeds, default: {N_SEEDS}")
    add("--jobs", type=int, default=1, metavar="N", help="processes, one thread each")
    add("--time-limit", type=float, metavar="MINUTES", help="start no fit after that")
    add("--quick", action="store_true", help="a small version with a file of its own")
    add("--forget", action="store_true", help="first drop the results of the part chosen")
    add("--report", action="store_true", help="run nothing, report on what is there")
    add("--data", type=Path, metavar="FOLDER", help="in place of SIFAL_DATA")
    add("--out", type=Path, metavar="FILE", help=f"results, default: {_RESULTS}")
    add("--list", action="store_true", help="name strategies and data sets")
    chosen = parser.parse_args(arguments)
    if not all(0 <= noise < 1 for noise in chosen.noise):
        parser.error("--noise takes shares in [0, 1)")
    if chosen.jobs < 1 or (chosen.seeds is not None and chosen.seeds < 1):
        parser.error("--jobs and --seeds are at least 1")
    chosen.out = chosen.out or (_QUICK_RESULTS if chosen.quick else _RESULTS)
    defaults = {"datasets": list(FULL_SETS), "budgets": list(BUDGETS), "seeds": N_SEEDS}
    for name, value in (defaults | (QUICK if chosen.quick else {})).items():
        if getattr(chosen, name) is None:
            setattr(chosen, name, value)
    named = chosen.strategies or STRATEGIES_OF_TABLE
    chosen.strategies = list(dict.fromkeys([YARDSTICK, CONTROL, *named]))
    return chosen


def run_part(chosen: argparse.Namespace) -> None:
    """Run what was chosen and is not in the file yet."""
    datasets = loadable(chosen.datasets)
    tasks = plan(chosen.strategies, datasets, chosen.noise, chosen.budgets, range(chosen.seeds))
    if chosen.forget:
        drop(chosen.out, tasks)
    records, _ = load_records(chosen.out, test_rows_beside(chosen.out))
    # What failed for another reason than the loss is tried again.
    records = {cell: r for cell, r in records.items() if r["status"] != "failed"}
    notes = Notes(tasks, records)
    end = None if chosen.time_limit is None else perf_counter() + 60 * chosen.time_limit
    queue = Queue(list(tasks), records)
    run(queue, chosen.out, chosen.jobs, lambda: end is None or perf_counter() < end, notes)
    notes(last=True)


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = parse(arguments)
    if chosen.list:
        print("strategies:", *strategy_labels())
        print("data sets:", *DATA_SETS)
        return
    if chosen.data is not None:
        os.environ["SIFAL_DATA"] = str(chosen.data)
    interrupted = False
    if not chosen.report:
        try:
            run_part(chosen)
        except KeyboardInterrupt:
            interrupted = True
    test_rows = test_rows_beside(chosen.out)
    records, n_old = load_records(chosen.out, test_rows)
    text = report(records, test_rows, n_old)
    target = chosen.out.with_name("report.md")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(text)
    print(f"Written to {target}", file=sys.stderr)
    if interrupted:
        sys.exit(130)


if __name__ == "__main__":
    main()
