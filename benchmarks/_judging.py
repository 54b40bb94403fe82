"""The fits of the table under the law by which `compare_strategies` judges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from benchmarks._cells import Cell, Record, Records, part_number
from benchmarks._plan import Group, rate_scores
from benchmarks._test_rows import TestRows
from sklearn_sifal.comparison._candidates import CONTROL, YARDSTICK
from sklearn_sifal.comparison._fit_results import FitResults
from sklearn_sifal.comparison._row_values import RowResults, values_by_row
from sklearn_sifal.comparison._scores import CLASSIFICATION, Metric
from sklearn_sifal.comparison._summary import Runs, summarise

ACCURACY, F1, NLL = (
    next(metric for metric in CLASSIFICATION if metric.name == name)
    for name in ("accuracy", "f1", "nll")
)
METRICS = (ACCURACY, F1, NLL)
_COSTS = ("visits", "scored", "steps", "rounds", "seconds")
_SECONDS = ("seconds_select", "seconds_score", "seconds_train")


class Place(NamedTuple):
    """Where strategies are compared with each other."""

    dataset: str
    noise: float
    budget: float

    def group(self, strategy: str) -> Group:
        return Group(self.dataset, self.noise, strategy, self.budget)


@dataclass(frozen=True)
class Judgement:
    """What is said of the strategies in a place.

    Attributes
    ----------
    seeds : tuple of int
        Of the fits that are compared.
    by_metric : dict of str to dict of str to dict
        By metric and strategy, the record that `summarise` makes.
    rates : dict of str to list of float
        By strategy, the rate that each fit has chosen; none where training diverged at all.
    """

    seeds: tuple[int, ...]
    by_metric: dict[str, dict[str, Record]]
    rates: dict[str, list[float]]

    def record(self, strategy: str, metric: Metric = ACCURACY) -> Record | None:
        """None where fits are missing."""
        return self.by_metric[metric.name].get(strategy)


def judge(
    records: Records, test_rows: TestRows, place: Place, strategies: Sequence[str]
) -> Judgement | None:
    """Compare the strategies whose fits are all there; None before base's and random's are."""
    ended = {name: _ended(records, place.group(name)) for name in strategies}
    seeds = sorted(ended.get(YARDSTICK, {}).keys() & ended.get(CONTROL, {}).keys())
    if not seeds:
        return None
    compared = [name for name in strategies if ended[name].keys() >= set(seeds)]
    results, all_runs = FitResults(), []
    for name in compared:
        for seed in seeds:
            run, found = _run(place.group(name), seed, ended[name][seed], results, test_rows)
            results.add(run, found)
            all_runs.append(run)
    runs = Runs(all_runs, compared, place.budget, results)
    by_metric = {
        metric.name: {r["strategy"]: r for r in summarise(runs, METRICS, metric, edges={})}
        for metric in METRICS
    }
    rates = {n: [run["lr"] for run in runs.of(n) if run["lr"] is not None] for n in compared}
    return Judgement(tuple(seeds), by_metric, rates)


def _ended(records: Records, group: Group) -> dict[int, Record | None]:
    """By seed, the test's record; None where training diverged at every rate."""
    found: dict[int, Record | None] = {}
    for seed in {cell.seed for cell in records if _is_of(cell, group)}:
        test = group.test_cell(records, seed)
        if test is not None and test in records and records[test]["status"] != "failed":
            found[seed] = records[test]
        elif rate_scores(records, group, seed) == {}:
            found[seed] = None
    return found


def _is_of(cell: Cell, group: Group) -> bool:
    return Group(cell.dataset, cell.noise, cell.strategy, cell.budget) == group


def _run(
    group: Group, seed: int, record: Record | None, results: FitResults, test_rows: TestRows
) -> tuple[Record, RowResults | None]:
    """A fit as `compare_strategies` would have noted it, and what it did on the test rows."""
    unknown = float("nan")
    run: dict[str, Any] = {
        "strategy": group.strategy,
        "budget": group.budget,
        "seed": seed,
        "split": 0,
        "lr": None,
        "error": "diverged",
        **dict.fromkeys((*(m.name for m in METRICS), *_COSTS, *_SECONDS), unknown),
    }
    if record is None or record["status"] != "ok":
        return run, None
    cell = Cell(*group, record["lr"], seed, "test")
    said = test_rows.load(cell, part_number(cell))
    found = RowResults(said.labels, said.predicted, said.losses.astype(np.float32))
    results.rows[part_number(cell)] = said.groups
    run |= {name: record[name] for name in (*_COSTS, *_SECONDS)}
    run |= {m.name: float(values_by_row(m.name, found).mean()) for m in METRICS}
    run |= {"lr": record["lr"], "error": None, "split": part_number(cell)}
    return run, found
