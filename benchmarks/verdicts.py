"""Do the words of a comparison hold on another split, and are known effects found?

Run it from the project's root, on one thread a training, with the files in ``SIFAL_DATA``, those of
more kinds in its folder ``zoo``; what is absent is left out. The three parts can be run alone::

    python -m benchmarks.verdicts                     # about two hours of one core
    python -m benchmarks.verdicts alarms power splits --jobs 2
    python -m benchmarks.verdicts --quick             # the digits alone, few comparisons

*alarms*: base against itself under other names, that is with other seeds: how many of 200
comparisons of each kind say "better" or "worse", or "unstable"? Nothing is adjusted for the number
of strategies, which would hide false alarms. *power*: effects that are known, from trainings
with new seeds: in how many of 50 comparisons with the default number of seeds are they named?
*splits*: real strategies with the defaults, five times over, with other splits and seeds: how
often does a comparison say "better" or "worse" of a strategy, and how often do the other
four say otherwise on average?

Beside the package's law stand three others on the same trainings: the t interval over
the seeds (or splits) alone, which comparisons had before; that with the correction of
Nadeau and Bengio (2003) for splits; and the error over test rows alone.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from joblib import Parallel, delayed
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from benchmarks._datasets import options_of
from benchmarks._machine import machine, write_results
from benchmarks.banking77 import with_wrong_labels
from sklearn_sifal import LossSampledClassifier, RegexPreprocessor
from sklearn_sifal.cli._console import Console
from sklearn_sifal.cli._loading import load_rows
from sklearn_sifal.cli._pipeline import make_model
from sklearn_sifal.comparison._candidates import CONTROL, YARDSTICK, resolve_candidates
from sklearn_sifal.comparison._compare import _N_SEEDS as N_SEEDS
from sklearn_sifal.comparison._fit_results import FitResults
from sklearn_sifal.comparison._inputs import split_estimator
from sklearn_sifal.comparison._parts import Data, read_data
from sklearn_sifal.comparison._scores import CLASSIFICATION, Metric
from sklearn_sifal.comparison._statistics import PairedDifference
from sklearn_sifal.comparison._summary import Runs, summarise
from sklearn_sifal.comparison._trainings import Part, Task, train
from sklearn_sifal.datasets import fetch_banking77, fetch_mnist
from sklearn_sifal.datasets._data_home import data_folder
from sklearn_sifal.strategies import Percentile

#: Files that nothing of the law was chosen on.
ALARM_FILES = (
    "zoo/titanic",
    "zoo/attrition",
    "zoo/sonar",
    "zoo/medical_abstracts",
    "zoo/airline_tweets",
    "zoo/adult",
)
SPLIT_FILES = (
    "atis_train",
    *ALARM_FILES[:4],
    "zoo/vehicle",
    "zoo/german_credit",
    "zoo/emotion_tweets",
)
STRATEGIES = ("percentile", "percentage", "importance", "guarded_importance", "ordered_sgd")
METRICS = tuple(m for m in CLASSIFICATION if m.name in ("accuracy", "f1", "nll"))
LAWS = ("this law", "over seeds or splits alone", "corrected for splits", "over rows alone")
_LEVEL = 0.05
_N_ALARMS, _N_RUNS, _N_STATES = 200, 50, 5
_MOST_ROWS = 4000
_TWINS = {YARDSTICK: 0, CONTROL: 1, "twin": 2}
_NAMED = ("better", "worse")


class Source(NamedTuple):
    """A model, its rows and, where there is one, a test part."""

    model: Any
    X: Any
    y: Any
    test: tuple[Any, Any] | None = None


# -------------------------------------------------------------------------------- data


@lru_cache(maxsize=2)
def load_file(name: str) -> Source:
    """A file and the model that the command would make for it; of many rows the first ones."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return Source(
            LossSampledClassifier(hidden_layer_sizes=(32,), budget=2), X[:600] / 16, y[:600]
        )
    options = options_of(f"{name}.csv", "--drop-rare", str(2 * N_SEEDS))
    rows = load_rows(options, Console(quiet=True))
    model = make_model(rows.roles, LossSampledClassifier())
    return Source(model, rows.X[:_MOST_ROWS], rows.y[:_MOST_ROWS])


def is_there(name: str) -> bool:
    return name == "digits" or (data_folder() / f"{name}.csv").exists()


def data_of(source: Source, seed: int, cv: Any = None) -> tuple[Data, Any]:
    before, last = split_estimator(source.model, source.y)
    parts = (source.X, source.y, *(source.test or (None, None)))
    arguments: dict[str, Any] = {"cv": cv, "groups": None, "sample_weight": None, "seed": seed}
    return read_data(before, parts, **arguments, has_labels=True), last


# --------------------------------------------------------------------- trainings and words


def compared(
    candidates: dict[str, Any], data: Data, seeds: Callable[[str, int, int], int], n: int
) -> tuple[Runs, FitResults]:
    """Train every candidate n times on every split; a seed by name, split and number."""
    fits, runs = FitResults(), []
    for split in range(data.n_splits):
        part, fits.rows[split] = data.part(split), data.test_rows(split)
        for number in range(n):
            for name, candidate in candidates.items():
                run, found = _trained(name, candidate, part, seeds(name, split, number), split)
                run["seed"] = number
                fits.add(run, found.rows)
                runs.append(run)
    return Runs(runs, tuple(candidates), runs[0]["budget"], fits), fits


def _trained(name: str, candidate: Any, part: Part, seed: int, split: int) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(candidate, Task(name, seed, candidate.budget, None, split), part)


def words(runs: Runs, metric: Metric) -> dict[str, str]:
    found = summarise(runs, CLASSIFICATION, metric, edges={})
    return {record["strategy"]: record["against_base"] for record in found}


def p_values(difference: PairedDifference, overlap: float) -> dict[str, float]:
    """Of the law, and of others that use less of what there is."""
    mean, k, n = abs(difference.mean), difference.n_fits, difference.n_rows

    def t_test(error: float, freedom: int) -> float:
        if mean == 0:
            return 1.0
        return float(2 * stats.t.sf(mean / error, freedom)) if error > 0 else 0.0

    seeds = difference.fit_error
    return {
        LAWS[0]: difference.p_value,
        LAWS[1]: t_test(seeds, k - 1),
        LAWS[2]: t_test(seeds * float(np.sqrt(1 + k * overlap)), k - 1),
        LAWS[3]: t_test(difference.row_error, n - 1),
    }


# ------------------------------------------------------------------------------ alarms


def alarms(files: Sequence[str], n_comparisons: int, n_jobs: int) -> dict[str, Any]:
    """Base under two other names, on one split with several seeds, and over folds."""
    per_file = -(-n_comparisons // (2 * len(files)))  # two names each
    calls = (
        delayed(_alarms_of)(name, repetition, by_folds)
        for name in files
        for by_folds in (False, True)
        for repetition in range(per_file)
    )
    counts: dict[str, dict[str, list[bool]]] = {}
    for found in Parallel(n_jobs)(calls):
        for kind, by_law in found:
            for law, alarm in by_law.items():
                counts.setdefault(kind, {}).setdefault(law, []).append(alarm)
    print(f"\n## Base against itself, {len(files)} files: {', '.join(files)}\n")
    laws = [*LAWS, "called unstable"]
    print(f"| comparisons | number | {' | '.join(laws)} |\n|---|---:|{'---:|' * len(laws)}")
    for kind, by_law in counts.items():
        cells = [f"{100 * np.mean(by_law[law]):.1f} %" for law in laws]
        print(f"| {kind} | {len(by_law[laws[0]])} | {' | '.join(cells)} |", flush=True)
    return {kind: {law: float(np.mean(v)) for law, v in of.items()} for kind, of in counts.items()}


def _alarms_of(name: str, repetition: int, by_folds: bool) -> list[tuple[str, dict[str, bool]]]:
    torch.set_num_threads(1)
    data, last = data_of(load_file(name), repetition)
    if not by_folds:
        data = replace(data, splits=data.splits[:1])
    base = resolve_candidates(last, ["base"])[YARDSTICK]
    candidates = dict.fromkeys(_TWINS, base)
    n = 1 if by_folds else N_SEEDS

    def seed(twin: str, split: int, number: int) -> int:
        return 10_000 * repetition + 1000 * _TWINS[twin] + 100 * split + number

    runs, _ = compared(candidates, data, seed, n)
    kind = "5 folds" if by_folds else f"one split, {N_SEEDS} seeds"
    found = []
    for metric in METRICS:
        said = words(runs, metric)
        for twin in (CONTROL, "twin"):
            difference = runs.difference(twin, YARDSTICK, metric)
            ps = p_values(difference, overlap=0.25 if by_folds else 0.0)
            by_law = {law: p < _LEVEL for law, p in ps.items()}
            by_law["called unstable"] = said[twin] == "unstable"
            found.append((f"{kind}, {metric.label}", by_law))
    return found


# ------------------------------------------------------------------------------- power


class Effect(NamedTuple):
    title: str
    load: Callable[[], Source]
    strategy: Any
    sign: int
    budget: float


def _banking77(wrong: float = 0.0) -> Source:
    texts, test_texts, y, y_test = fetch_banking77(return_X_y=True, download_if_missing=False)
    if wrong:
        y, _ = with_wrong_labels(y, wrong, 0)
    counts = CountVectorizer(ngram_range=(1, 2), dtype=np.float32)
    model = make_pipeline(RegexPreprocessor(), counts, LossSampledClassifier())
    return Source(model, texts, y, (test_texts, y_test))


def _wrong_banking77() -> Source:
    return _banking77(0.2)


def _thinned_mnist() -> Source:
    images, test_images, y, y_test = fetch_mnist(return_X_y=True, download_if_missing=False)
    kept = (y < 5) | (np.random.default_rng(0).random(len(y)) < 0.02)
    X, X_test = (part.astype(np.float32) / 255 for part in (images[kept], test_images))
    return Source(LossSampledClassifier(hidden_layer_sizes=(256,)), X, y[kept], (X_test, y_test))


def _wrong_digits() -> Source:
    X, y = load_digits(return_X_y=True)
    y_train, _ = with_wrong_labels(y[:1200], 0.3, 0)
    model = LossSampledClassifier(hidden_layer_sizes=(32,))
    return Source(model, X[:1200] / 16, y_train, (X[1200:] / 16, y[1200:]))


EFFECTS = (
    Effect(
        "thinned MNIST, budget 2, `guarded_importance`", _thinned_mnist, "guarded_importance", 1, 2
    ),
    Effect(
        "BANKING77, budget 4, `percentile` 10 as SIFAL has it",
        _banking77,
        Percentile(10, refresh="epoch", warmup_epochs=0),
        -1,
        4,
    ),
    Effect("BANKING77, 20 % wrong labels, budget 4, `heap`", _wrong_banking77, "heap", -1, 4),
)
QUICK_EFFECTS = (Effect("digits, 30 % wrong labels, `heap`", _wrong_digits, "heap", -1, 20),)


def power(effects: Sequence[Effect], n_runs: int, n_jobs: int) -> dict[str, Any]:
    """How often known effects are named, alone and as one of three strategies compared."""
    print("\n## Known effects\n")
    print("| effect | mean difference | runs | named | as one of three | by seeds alone |")
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    results = {}
    for number, effect in enumerate(effects):
        try:
            effect.load()
        except OSError:
            continue
        # By the number of the effect: functions of this module are other ones in a worker.
        calls = (delayed(_power_of)(effect, number, run) for run in range(n_runs))
        found = list(Parallel(n_jobs)(calls))
        shares = {
            kind: float(np.mean([of[kind] for of in found]))
            for kind in ("difference", "named", "of three", "seeds")
        }
        results[effect.title] = shares
        cells = [f"{100 * shares[kind]:.0f} %" for kind in ("named", "of three", "seeds")]
        print(
            f"| {effect.title} | {shares['difference']:+.2f} | {n_runs} | {' | '.join(cells)} |",
            flush=True,
        )
    return results


_PARTS: dict[int, tuple[Data, Any]] = {}


def _power_of(effect: Effect, number: int, run: int) -> dict[str, float]:
    torch.set_num_threads(1)
    if number not in _PARTS:
        _PARTS.clear()
        data, last = data_of(effect.load(), 0)
        _PARTS[number] = _Prepared(data), last
    data, last = _PARTS[number]
    candidates = resolve_candidates(
        last.set_params(budget=effect.budget), {"tried": effect.strategy}
    )
    del candidates[CONTROL]
    runs, _ = compared(candidates, data, lambda name, split, i: 100 * run + i, N_SEEDS)
    metric = CLASSIFICATION[0]
    difference = runs.difference("tried", YARDSTICK, metric)
    right = np.sign(difference.mean) == effect.sign
    ps = p_values(difference, 0.0)
    return {
        "difference": difference.mean,
        "named": float(right and ps[LAWS[0]] < _LEVEL),
        "of three": float(right and ps[LAWS[0]] < _LEVEL / 3),
        "seeds": float(right and ps[LAWS[1]] < _LEVEL),
    }


class _Prepared:
    """A single part that is made once: counting the words takes as long as a training."""

    n_splits = 1

    def __init__(self, data: Data) -> None:
        self._part, self._rows = data.part(0), data.test_rows(0)

    def part(self, split: int) -> Part:
        return self._part

    def test_rows(self, split: int) -> Any:
        return self._rows


# ------------------------------------------------------------------------------ splits


def splits(files: Sequence[str], n_states: int, n_jobs: int) -> dict[str, Any]:
    """Claims on one draw of splits and seeds, held against the other draws."""
    results: dict[str, Any] = {}
    print("\n## Claims, and what other splits say of them\n")
    print(
        f"{n_states} comparisons of {len(STRATEGIES)} strategies a file; 'contradicted': the mean"
    )
    print("difference of the other comparisons is of the other sign, or nought.\n")
    laws = LAWS[:2]
    head = " | ".join(f"{law}: claims, contradicted" for law in laws)
    print(f"| file | kind | figure | of | {head} |\n|---|---|---|---:|{'---:|' * len(laws)}")
    for name in files:
        for by_folds in (False, True):
            calls = (delayed(_claims_of)(name, state, by_folds) for state in range(n_states))
            found = list(Parallel(n_jobs)(calls))
            kind = "5 folds" if by_folds else f"one split, {N_SEEDS} seeds"
            for metric in METRICS:
                cells = {law: _contradicted([of[metric.name] for of in found], law) for law in laws}
                results[f"{name}, {kind}, {metric.name}"] = cells
                shown = " | ".join(f"{n}, {wrong}" for n, wrong in cells.values())
                total = n_states * len(STRATEGIES)
                print(f"| {name} | {kind} | {metric.label} | {total} | {shown} |", flush=True)
    return results


def _claims_of(name: str, state: int, by_folds: bool) -> dict[str, dict[str, Any]]:
    """By figure and strategy the mean difference and, by law, whether it is claimed."""
    torch.set_num_threads(1)
    data, last = data_of(load_file(name), 100 + state)
    if not by_folds:
        data = replace(data, splits=data.splits[:1])
    candidates = resolve_candidates(last, list(STRATEGIES))
    n = 1 if by_folds else N_SEEDS
    runs, _ = compared(candidates, data, lambda _, split, i: 1000 * state + 10 * split + i, n)
    found: dict[str, dict[str, Any]] = {}
    for metric in METRICS:
        said = words(runs, metric)
        for strategy in STRATEGIES:
            difference = runs.difference(strategy, YARDSTICK, metric)
            # The older law adjusted for their number in the same way; here each is alone.
            by_seeds = p_values(difference, 0.0)[LAWS[1]] < _LEVEL / len(STRATEGIES)
            found.setdefault(metric.name, {})[strategy] = (
                difference.mean,
                {LAWS[0]: said[strategy] in _NAMED, LAWS[1]: by_seeds},
            )
    return found


def _contradicted(comparisons: Sequence[dict[str, Any]], law: str) -> tuple[int, int]:
    """Number of claims, and of those that the other comparisons do not bear out on average."""
    n_claims = n_wrong = 0
    for i, comparison in enumerate(comparisons):
        for strategy, (mean, claimed) in comparison.items():
            if not claimed[law]:
                continue
            n_claims += 1
            others = [of[strategy][0] for j, of in enumerate(comparisons) if j != i]
            n_wrong += bool(np.sign(mean) * np.mean(others) <= 0)
    return n_claims, n_wrong


# -------------------------------------------------------------------------------- main


def run_parts(arguments: Namespace) -> Iterator[tuple[str, Any]]:
    quick, jobs = arguments.quick, arguments.jobs
    files = ("digits",) if quick else tuple(filter(is_there, ALARM_FILES))
    if "alarms" in arguments.parts:
        yield "alarms", alarms(files, 4 if quick else _N_ALARMS, jobs)
    if "power" in arguments.parts:
        effects = QUICK_EFFECTS if quick else EFFECTS
        yield "power", power(effects, 2 if quick else _N_RUNS, jobs)
    if "splits" in arguments.parts:
        of = files if quick else tuple(filter(is_there, SPLIT_FILES))
        yield "splits", splits(of, 2 if quick else _N_STATES, jobs)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    choices = ("alarms", "power", "splits")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"among {', '.join(choices)}")
    parser.add_argument("--quick", action="store_true", help="the digits alone")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time (default: 1)")
    parser.add_argument("--out", type=Path, help="folder for results.json")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.parts) - set(choices):
        parser.error(f"unknown part {sorted(unknown)[0]!r}")
    arguments.parts = arguments.parts or choices
    torch.set_num_threads(1)
    found = dict(run_parts(arguments))
    if arguments.out is not None:
        write_results({"machine": machine(), **found}, arguments.out)


if __name__ == "__main__":
    main()
