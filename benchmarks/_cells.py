"""One cell of the strategies' table is one fit; its record is one line of a file.

What a fit on the whole training part says of each test row stands in a file of its own, see
`benchmarks._test_rows`.
"""

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
from benchmarks._test_rows import TestRows
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
PROTOCOL = 2

_LEAST_PROBABILITY = 1e-7  # below it a float32 probability says nothing

#: What the table has without being asked for more.
STRATEGIES_OF_TABLE = (
    "base",
    "random",
    "percentage",
    "importance",
    "guarded_importance",
    "ordered_sgd",
)
#: Further settings worth a row of their own.
VARIANTS: dict[str, Callable[[], SamplingStrategy]] = {
    "random-30": lambda: Random(30),
    "percentage-95-explore-10": lambda: Percentage(95, exploration=0.1),
    "heap-10-visits": lambda: HeapQueue(max_visits=10),
    "robust-infobatch": lambda: Robust(InfoBatch()),
}


@lru_cache(maxsize=1)
def strategy_labels() -> tuple[str, ...]:
    """Those of the table, all others, variants."""
    others = (name for name in STRATEGIES if name not in STRATEGIES_OF_TABLE)
    return (*STRATEGIES_OF_TABLE, *others, *VARIANTS)


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
    seed: int  # of weights, order, wrong labels, validation rows; the fold where there are folds
    phase: str  # "validation" or "test"
    split: int = 0  # number of the validation split


Record = dict[str, Any]
Records = dict[Cell, Record]


def run_cell(cell: Cell, test_rows: TestRows) -> Record:
    """Fit and score. Whatever goes wrong is written down instead of raised."""
    record: Record = {
        "protocol": PROTOCOL,
        **asdict(cell),
        "settings": settings_of(cell.strategy),
    }
    try:
        measured = _measure(cell, test_rows)
    except NonFiniteLossError as error:
        return {**record, "status": "diverged", "error": str(error)}
    except Exception as error:
        return {**record, "status": "failed", "error": f"{type(error).__name__}: {error}"[:500]}
    return {**record, "status": "ok", **measured}


def _measure(cell: Cell, test_rows: TestRows) -> Record:
    data_set = DATA_SETS[cell.dataset]
    part = load_part(cell.dataset, cell.phase, part_number(cell), cell.split)
    labels, wrong = with_wrong_labels(part.labels, cell.noise, cell.seed)
    # Validation labels are as noisy as the rest: nobody has clean ones only for this.
    y_scored = part.test_labels if part.held_out is None else labels[part.held_out]
    model = LossSampledClassifier(
        make_strategy(cell.strategy),
        hidden_layer_sizes=data_set.hidden,
        budget=cell.budget,
        lr=cell.lr,
        random_state=cell.seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = perf_counter()
        model.fit(part.X_train, labels[part.train])
        seconds = perf_counter() - began
    probabilities = np.asarray(model.predict_proba(part.X_scored), dtype=np.float64)
    predicted = model.classes_[probabilities.argmax(axis=1)]
    losses = losses_of(probabilities, model.classes_, y_scored)
    if cell.phase == "test":
        test_rows.keep(cell, part_number(cell), part, predicted, losses)
    record = {
        "accuracy": float(np.mean(predicted == y_scored)),
        "rate_score": data_set.rate_score(y_scored, predicted),
        "nll": float(losses.mean()),
        "macro_f1": float(f1_score(y_scored, predicted, average="macro", zero_division=0)),
        "seconds": seconds,
        "n_train": len(part.train),
        "n_scored": len(y_scored),
        **_cost(model.history_, len(part.train)),
    }
    if cell.noise > 0:
        record |= _visits_of_wrong_labels(model.visit_counts_, wrong[part.train])
    return record


def part_number(cell: Cell) -> int:
    """The seed where the part is another one with each seed, else 0."""
    varies = cell.phase == "validation" or DATA_SETS[cell.dataset].has_folds
    return cell.seed if varies else 0


def losses_of(probabilities: Any, classes: Any, y: Any) -> Any:
    """Each row's loss in nats; a probability below 1e-7, or of a label not seen, counts as 1e-7."""
    of_label = np.where(classes == np.asarray(y)[:, None], probabilities, 0).sum(axis=1)
    return -np.log(np.maximum(of_label, _LEAST_PROBABILITY))


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


def load_records(path: Path, test_rows: TestRows) -> tuple[Records, int]:
    """What is in a results file, and how many results are out of date.

    The last line on a cell holds. Out of date is a result of another protocol, or of a
    strategy whose parameters are not what they are now, or one without its test rows. A line
    that was cut off is skipped.
    """
    records: Records = {}
    n_old = 0
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if _is_current(record, test_rows):
            records[cell_of(record)] = record
        else:
            n_old += 1
    return records, n_old


def _is_current(record: Record, test_rows: TestRows) -> bool:
    if record.get("protocol") != PROTOCOL or record["dataset"] not in DATA_SETS:
        return False
    label = record["strategy"]
    if label not in strategy_labels() or record["settings"] != settings_of(label):
        return False
    cell = cell_of(record)
    return cell.phase != "test" or record["status"] != "ok" or test_rows.has(cell)


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
