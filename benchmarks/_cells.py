"""One cell of the strategies' table is one fit; its record is one line of a file."""

import json
import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from benchmarks._datasets import DATA_SETS, load_part
from benchmarks.banking77 import with_wrong_labels
from sklearn_sifal import LossSampledClassifier, NonFiniteLossError
from sklearn_sifal.strategies import (
    STRATEGIES,
    HeapQueue,
    InfoBatch,
    Percentage,
    Random,
    Robust,
    SamplingStrategy,
)

#: Results of another protocol are not read. Raise it when a data set, the noise, the net
#: or the meaning of a field changes.
PROTOCOL = 1

_LEAST_PROBABILITY = 1e-7  # below it a float32 probability says nothing

#: Further settings worth a row of their own.
VARIANTS: dict[str, Callable[[], SamplingStrategy]] = {
    "random-30": lambda: Random(30),
    "percentage-95-explore-10": lambda: Percentage(95, exploration=0.1),
    "heap-10-visits": lambda: HeapQueue(max_visits=10),
    "robust-infobatch": lambda: Robust(InfoBatch()),
}
#: Strategies that choose without looking at losses.
CONTROLS = ("random", "random-30")


@lru_cache(maxsize=1)
def strategy_labels() -> tuple[str, ...]:
    """The yardstick, the default, the control and the plain rule; all others; variants."""
    first = ("base", "guarded_importance", "random", "importance")
    return (*first, *(name for name in STRATEGIES if name not in first), *VARIANTS)


def make_strategy(label: str) -> SamplingStrategy:
    return (VARIANTS.get(label) or STRATEGIES[label])()


@lru_cache(maxsize=64)
def settings_of(label: str) -> str:
    """Class and parameters in full, so that results at other defaults are told apart."""
    strategy = make_strategy(label)
    parameters = sorted(strategy.get_params().items())
    return f"{type(strategy).__name__}({', '.join(f'{k}={v!r}' for k, v in parameters)})"


@dataclass(frozen=True)
class Cell:
    """One fit."""

    dataset: str
    noise: float  # share of the training labels that are wrong
    strategy: str
    budget: float  # row visits in units of the rows trained on
    lr: float
    seed: int
    phase: str  # "validation", where the seed is the number of the split too, or "test"


Record = dict[str, Any]
Records = dict[Cell, Record]


def run_cell(cell: Cell) -> Record:
    """Fit and score. Whatever goes wrong is written down instead of raised."""
    record: Record = {
        "protocol": PROTOCOL,
        **asdict(cell),
        "settings": settings_of(cell.strategy),
    }
    try:
        measured = _measure(cell)
    except NonFiniteLossError as error:
        return {**record, "status": "diverged", "error": str(error)}
    except Exception as error:
        return {**record, "status": "failed", "error": f"{type(error).__name__}: {error}"[:500]}
    return {**record, "status": "ok", **measured}


def _measure(cell: Cell) -> Record:
    data_set = DATA_SETS[cell.dataset]
    # Named alike in every call, or a test part would be kept once for each seed.
    split = cell.seed if cell.phase == "validation" else 0
    part = load_part(cell.dataset, cell.phase, split)
    labels, wrong = with_wrong_labels(part.labels, cell.noise, cell.seed)
    # Validation labels are as noisy as the rest: nobody has clean ones only for this.
    y_scored = part.test_labels if part.held_out is None else labels[part.held_out]
    model = LossSampledClassifier(
        make_strategy(cell.strategy),
        hidden_layer_sizes=data_set.hidden,
        budget=cell.budget,
        lr=cell.lr,
        weight_decay=0.0,  # as when the tables were made
        random_state=cell.seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = perf_counter()
        model.fit(part.X_train, labels[part.train])
        seconds = perf_counter() - began
    probabilities = np.asarray(model.predict_proba(part.X_scored), dtype=np.float64)
    predicted = model.classes_[probabilities.argmax(axis=1)]
    record = {
        "accuracy": float(np.mean(predicted == y_scored)),
        "rate_score": data_set.rate_score(y_scored, predicted),
        "nll": negative_log_likelihood(probabilities, np.searchsorted(model.classes_, y_scored)),
        "macro_f1": float(f1_score(y_scored, predicted, average="macro", zero_division=0)),
        "seconds": seconds,
        "n_train": len(part.train),
        "n_scored": len(y_scored),
        **_cost(model.history_, len(part.train)),
    }
    if cell.noise > 0:
        record |= _visits_of_wrong_labels(model.visit_counts_, wrong[part.train])
    return record


def negative_log_likelihood(probabilities: Any, codes: Any) -> float:
    """Mean in nats; a probability below 1e-7 counts as 1e-7."""
    of_label = probabilities[np.arange(len(codes)), codes]
    return float(-np.log(np.maximum(of_label, _LEAST_PROBABILITY)).mean())


def _cost(history: list[Record], n_rows: int) -> Record:
    sums = ("visits", "scored", "steps", "seconds_select", "seconds_score", "seconds_train")
    # The first round is the warm-up and the last is cut to the budget.
    shares = [r["visits"] / n_rows for r in history[1:-1]]
    return {
        **{name: float(sum(r[name] for r in history)) for name in sums},
        "rounds": len(history),
        "median_share": float(np.median(shares)) if shares else None,
    }


def _visits_of_wrong_labels(visits: Any, wrong: Any) -> Record:
    """How far the visits went to wrong labels: 0.5 and `noise` where they are not sought."""
    return {
        "wrong_auroc": float(roc_auc_score(wrong, visits)),
        "wrong_visits": float(visits[wrong].sum() / visits.sum()),
    }


def load_records(path: Path) -> tuple[Records, int]:
    """What is in a results file, and how many results are out of date.

    The last line on a cell holds. Out of date is a result of another protocol, or of a
    strategy whose parameters are not what they are now. A line that was cut off is skipped.
    """
    records: Records = {}
    n_old = 0
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if _is_current(record):
            records[cell_of(record)] = record
        else:
            n_old += 1
    return records, n_old


def _is_current(record: Record) -> bool:
    if record.get("protocol") != PROTOCOL or record["dataset"] not in DATA_SETS:
        return False
    label = record["strategy"]
    return label in strategy_labels() and record["settings"] == settings_of(label)


def cell_of(record: Record) -> Cell:
    return Cell(**{field.name: record[field.name] for field in fields(Cell)})


def append_record(path: Path, record: Record) -> None:
    """Add one line in one write, also where another process adds to the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(record) + "\n"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            line = "\n" + line  # a run was killed in the middle of its last line
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Replace the file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    draft.replace(path)
