"""Does selection reach what training on everything does, for less? And is that said only if so?

Run it from the project's root, on one thread a training, with the files in ``SIFAL_DATA``::

    python -m benchmarks.savings                # about fifteen minutes of one core
    python -m benchmarks.savings chance         # two minutes, no files
    python -m benchmarks.savings --quick        # few curves, and the digits

*chance*: curves that are made up, of base and of a strategy, row by row: how often does
`time_to_base` say "saves" of base under another name, of one that is base and costs more, of one
that saves visits and no seconds, and of some that do what base does with a part of its visits?
*real*: with what cost strategies reach what base does with a budget of 4, on BANKING77 and on MNIST
with rare classes, at the default learning rate.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm

from benchmarks._machine import machine, write_results
from benchmarks.verdicts import EFFECTS, Source, load_file
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.comparison._candidates import CONTROL, YARDSTICK
from sklearn_sifal.comparison._fit_results import FitResults
from sklearn_sifal.comparison._row_values import RowResults
from sklearn_sifal.comparison._savings import COSTS, time_to_base
from sklearn_sifal.comparison._savings_words import in_times
from sklearn_sifal.comparison._scores import CLASSIFICATION

BUDGETS = (1.5, 2.0, 4.0)
STRATEGIES = ("importance", "guarded_importance", "ordered_sgd", "selective_backprop")
_N_TEST, _N_FITS, _N_TRAIN, _N_COMPARISONS = 1000, 5, 1000, 200
_HARDNESS, _SPREAD_OF_FITS, _SPREAD_OF_SECONDS = 1.5, 0.03, 0.1


class Kind(NamedTuple):
    """What a made-up strategy does.

    Attributes
    ----------
    title : str
        In words.
    speed : float
        It does with a visit what base does with so many.
    price : float
        Seconds and rows passed forward of a visit, in those of base.
    """

    title: str
    speed: float
    price: float


KINDS = (
    Kind("base under another name", 1, 1),
    Kind("base, at 1.3 times the seconds", 1, 1.3),
    Kind("1.5 visits in one, at 1.5 times the seconds", 1.5, 1.5),
    Kind("2 visits in one, at 1.1 times the seconds", 2, 1.1),
    Kind("3 visits in one, at 1.1 times the seconds", 3, 1.1),
)
#: Accuracy by the budget of base.
CURVES: dict[str, Callable[[float], float]] = {
    "steep": lambda budget: 0.9 - 0.15 * ((budget / 4) ** -0.8 - 1),
    "flat": lambda budget: 0.9 - 0.03 * ((budget / 4) ** -1.0 - 1),
    "none": lambda budget: 0.9,
    "falling": lambda budget: 0.9 - 0.01 * (budget - 1.5),
}


def made_up(
    rng: np.random.Generator, curve: Callable[[float], float], kind: Kind
) -> tuple[list[dict[str, Any]], FitResults]:
    """Trainings of base, random (base again) and a strategy, on rows that are easy or hard."""
    hardness = _HARDNESS * rng.normal(size=_N_TEST)
    spread = np.sqrt(_HARDNESS**2 + 1 + _SPREAD_OF_FITS**2)
    runs, results = [], FitResults(rows={0: np.arange(_N_TEST)})
    like_base = Kind("", 1, 1)
    for name, of in ((YARDSTICK, like_base), (CONTROL, like_base), ("strategy", kind)):
        for budget in BUDGETS:
            level = norm.ppf(curve(budget * of.speed)) * spread
            for seed in range(_N_FITS):
                skill = level + _SPREAD_OF_FITS * rng.normal()
                right = hardness + rng.normal(size=_N_TEST) < skill
                seconds = budget * of.price * np.exp(_SPREAD_OF_SECONDS * rng.normal())
                run = {"strategy": name, "budget": budget, "seed": seed, "split": 0}
                run |= {"accuracy": right.mean(), "visits": _N_TRAIN * budget, "error": None}
                run |= {"scored": _N_TRAIN * budget * (of.price - 1), "seconds": seconds}
                results.add(run, _as_results(right))
                runs.append(run)
    return runs, results


def _as_results(right: NDArray[np.bool_]) -> RowResults:
    return RowResults(np.ones(_N_TEST, np.int64), right.astype(np.int64), np.float32(~right))


def chance(n_comparisons: int) -> dict[str, Any]:
    """How often a saving is claimed of what does or does not save."""
    print(f"## Claims in {n_comparisons} comparisons of made-up curves\n")
    print("| curve | strategy | visits | rows forward | seconds | mean there for 5 % less |")
    print("|---|---|---:|---:|---:|---:|", flush=True)
    found: dict[str, Any] = {}
    for title, curve in CURVES.items():
        for kind in KINDS if title in ("steep", "flat") else KINDS[:2]:
            rng = np.random.default_rng(0)
            counts = dict.fromkeys((*COSTS, "mean"), 0)
            for _ in range(n_comparisons):
                runs, results = made_up(rng, curve, kind)
                sizes = {"n_train": _N_TRAIN, "n_test": _N_TEST}
                record = time_to_base(runs, CLASSIFICATION[0], **sizes, results=results)[-1]
                for cost in COSTS:
                    counts[cost] += bool(record[f"{cost}_saved"] > 0)
                counts["mean"] += bool(record["visits_ratio"] <= 0.95)
            shares = {name: 100 * count / n_comparisons for name, count in counts.items()}
            found[f"{title}, {kind.title}"] = shares
            cells = " | ".join(f"{share:.1f} %" for share in shares.values())
            print(f"| {title} | {kind.title} | {cells} |", flush=True)
    return found


def real(sources: Mapping[str, Callable[[], Source]], strategies: Sequence[str]) -> dict[str, Any]:
    """What strategies take to reach base, and what is said of it."""
    found: dict[str, Any] = {}
    for title, load in sources.items():
        try:
            source = load()
        except OSError:
            continue
        comparison = compare_strategies(
            source.model, strategies, source.X, source.y, *(source.test or ()), budget=BUDGETS
        )
        print(f"\n## {title}\n")
        print("| strategy | outcome | visits | rows forward | seconds | trainings there |")
        print("|---|---|---:|---:|---:|---:|")
        records = comparison.time_to_base()
        for record in records:
            cells = " | ".join(in_times(record, cost) for cost in COSTS)
            there = f"{record['reached']} of {record['n_seeds']}"
            print(f"| `{record['strategy']}` | {record['outcome']} | {cells} | {there} |")
        print(f"\n{comparison.verdict()}", flush=True)
        found[title] = records
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    choices = ("chance", "real")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"among {', '.join(choices)}")
    parser.add_argument("--quick", action="store_true", help="few curves, and the digits")
    parser.add_argument("--out", type=Path, help="folder for results.json")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.parts) - set(choices):
        parser.error(f"unknown part {sorted(unknown)[0]!r}")
    parts = arguments.parts or choices
    torch.set_num_threads(1)
    found: dict[str, Any] = {"machine": machine()}
    if "chance" in parts:
        found["chance"] = chance(5 if arguments.quick else _N_COMPARISONS)
    if "real" in parts and arguments.quick:
        found["real"] = real({"digits": lambda: load_file("digits")}, STRATEGIES[:1])
    elif "real" in parts:
        found["real"] = real(
            {"BANKING77": EFFECTS[1].load, "thinned MNIST": EFFECTS[0].load}, STRATEGIES
        )
    if arguments.out is not None:
        write_results(found, arguments.out)


if __name__ == "__main__":
    main()
