"""``sifal audit``: rows ranked by how little a model that has not seen them believes their label.

The loss of a row under a model fitted on other rows is large where the label is wrong, where
the row is hard, and where few rows are like it. Source of the method: out-of-sample predicted
probabilities, as in C. G. Northcutt, L. Jiang, I. L. Chuang, "Confident Learning: Estimating
Uncertainty in Dataset Labels", Journal of Artificial Intelligence Research 70, 2021; with
the loss of brief trainings, since longer ones learn wrong labels by heart.
"""

import math
import warnings
from argparse import Namespace
from collections.abc import Container, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._progress import ProgressBar
from sklearn_sifal._text_table import text_table
from sklearn_sifal.cli._console import Console
from sklearn_sifal.cli._errors import UserError, counted, errors_of_training
from sklearn_sifal.cli._loading import Rows, load_rows
from sklearn_sifal.cli._outputs import (
    TABLE_FORMATS,
    OutputForm,
    check_outputs,
    format_of,
    replacing,
    standard_output,
    write_records,
)
from sklearn_sifal.cli._pipeline import make_model
from sklearn_sifal.cli._wording import one_line, visible

_N_FOLDS = 5
_N_SHOWN = 10
# Wrong labels stand out early: with 10 % of the labels made wrong, three or four passes were
# best on 300 to 10,000 queries and up to twelve on the smallest tables, which is about so
# many steps. Fifty passes lost up to 0.06 in average precision.
_STEPS = 24
_LEAST_BUDGET, _MOST_BUDGET = 3, 24
_TEXT_BATCH, _TABLE_BATCH = 64, 128  # what the estimators choose

CAUTION = (
    "A ranking to look at, from the top, and no verdict: a large loss may also be a hard or "
    "a rare row with the right label. How many of the top rows are wrong is not known."
)


@dataclass(frozen=True)
class Suspicions:
    """What models that have not seen a row make of it.

    Attributes
    ----------
    loss : ndarray of shape (n_rows,), float64
        Cross-entropy of the given label, in nats.
    suggested : ndarray of shape (n_rows,) of str, as objects
        The most probable label.
    probability : ndarray of shape (n_rows,), float64
        Its probability.
    """

    loss: NDArray[np.float64]
    suggested: NDArray[np.object_]
    probability: NDArray[np.float64]


def run(options: Namespace, console: Console) -> None:
    """Carry out ``sifal audit``.

    Raises
    ------
    UserError
        If a file, a column, a label or an option is not as it must be.
    """
    kind = _checked_output(options)
    rows = load_rows(options, console)
    found = find_suspicions(rows, options, quiet=options.quiet)
    order = np.argsort(-found.loss, kind="stable")  # rows of equal loss as in the file
    written = order if options.top is None else order[: options.top]
    form = replace(OutputForm.like(rows.table, kind), escape_formulas=options.escape_formulas)
    if options.out == "-":
        with standard_output(form.encoding) as stream:
            write_records(stream, _records(rows, found, written), form)
        console.message(CAUTION)
        return
    if options.out is not None:
        with replacing(options.out, form.encoding) as file:
            write_records(file, _records(rows, found, written), form)
    console.result(_in_words(rows, found, order))
    if options.out is not None:
        console.result(f"{counted(len(written), 'row')} written to {visible(options.out)}.")
    else:
        console.message("The whole ranking is written with --out suspects.csv.")


def _checked_output(options: Namespace) -> str:
    to_file = options.out not in (None, "-")
    named = format_of(options.out, TABLE_FORMATS, "--out") if to_file and not options.format else ""
    kind = options.format or named or "csv"
    if options.escape_formulas and kind == "jsonl":
        raise UserError("--escape-formulas is for what spreadsheets open: .csv and .tsv.")
    if to_file:
        check_outputs({"--out": options.out}, [options.file])
    return str(kind)


# ------------------------------------------------------------------------ the losses


def find_suspicions(rows: Rows, options: Namespace, *, quiet: bool = True) -> Suspicions:
    """Fit a model to four fifths of the rows and judge the others, five times.

    Not by `cross_val_predict`: it would keep the probabilities of all labels, and say
    nothing while it works.

    Raises
    ------
    UserError
        If a model cannot be fitted.
    """
    from joblib import Parallel, delayed
    from sklearn.model_selection import StratifiedKFold

    model = _brief_model(rows, options)
    # Labels by number: their names may be of any length.
    names, y, n_rows = np.unique(rows.y, return_inverse=True, return_counts=True)
    # Of a tiny file no label may have as many rows as there are folds.
    n_folds = min(_N_FOLDS, int(n_rows.max()))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=options.seed)
    with warnings.catch_warnings():
        # Labels with fewer rows than folds, at least two, are as they should be.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splits = list(folds.split(y, y))
    loss, probability = np.empty(len(y)), np.empty(len(y))
    suggested = np.empty_like(y)
    judged = Parallel(options.jobs, return_as="generator_unordered")(
        delayed(_judge)(model, rows.X, y, known, held_out) for known, held_out in splits
    )
    with errors_of_training(), nullcontext() if quiet else ProgressBar("audit") as bar:
        for n_done, (held_out, *values) in enumerate(judged, 1):
            loss[held_out], suggested[held_out], probability[held_out] = values
            if bar is not None:
                bar.update_to(n_done / n_folds, f"model {n_done} of {n_folds}")
    return Suspicions(loss, names[suggested], probability)


def _brief_model(rows: Rows, options: Namespace) -> Any:
    from sklearn_sifal._classifier import LossSampledClassifier

    text = bool(rows.roles.text)
    budget = options.budget or _brief_budget(len(rows.y), _TEXT_BATCH if text else _TABLE_BATCH)
    classifier = LossSampledClassifier(
        "base",
        hidden_layer_sizes=tuple(options.hidden or (256 if text else 100,)),
        input_dropout=0.3 if text else 0.0,
        budget=budget,
        n_threads=1,
        random_state=options.seed,
    )
    return make_model(rows.roles, classifier)


def _brief_budget(n_rows: int, batch_size: int) -> int:
    """Passes over the rows that a model is fitted on."""
    n_batches = math.ceil(n_rows * (1 - 1 / _N_FOLDS) / batch_size)
    return min(max(math.ceil(_STEPS / n_batches), _LEAST_BUDGET), _MOST_BUDGET)


def _judge(
    model: Any, X: NDArray[Any], y: NDArray[Any], known: NDArray[Any], held_out: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Rows held out, the loss of their labels, the most probable labels and how probable."""
    from sklearn.base import clone

    fitted = clone(model).fit(X[known], y[known])
    log_proba = fitted.predict_log_proba(X[held_out])
    each = np.arange(len(held_out))
    # Every label has a row in the other folds: it has at least two, and they are apart.
    own = np.searchsorted(fitted.classes_, y[held_out])
    best = log_proba.argmax(axis=1)
    return held_out, -log_proba[each, own], fitted.classes_[best], np.exp(log_proba[each, best])


# ------------------------------------------------------------------------- the ranking


def _records(rows: Rows, found: Suspicions, order: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    """What is written of each row: where it is, what was found, and its own cells."""
    table = rows.table
    for rank, row in enumerate(order.tolist(), 1):
        record: dict[str, Any] = {"rank": rank, "row": int(table.rows[row])}
        if table.lines is not None:
            record["line"] = int(table.lines[row])
        record |= {
            "suspicion": round(float(found.loss[row]), 4),
            "given_label": str(rows.y[row]),
            "given_probability": _probability(math.exp(-found.loss[row])),
            "suggested_label": str(found.suggested[row]),
            "suggested_probability": _probability(found.probability[row]),
        }
        yield record | {
            _free_name(name, record, table.columns): cells[row]
            for name, cells in table.columns.items()
        }


def _free_name(name: str, ours: Container[str], theirs: Container[str]) -> str:
    """The name under which a column of the file is written; it may itself be a ranking."""
    if name in ours:
        name = f"original_{name}"
        while name in ours or name in theirs:
            name = f"original_{name}"
    return name


def _probability(value: float) -> float:
    return float(f"{value:.4g}")


def _in_words(rows: Rows, found: Suspicions, order: NDArray[np.int64]) -> str:
    differ = int(np.count_nonzero(found.suggested != rows.y))
    top = order[:_N_SHOWN].tolist()
    place, places = rows.table.places
    shown = [
        [
            str(rank),
            str(places[row]),
            f"{found.loss[row]:.2f}",
            one_line(visible(rows.y[row]), 28),
            one_line(visible(found.suggested[row]), 28),
            f"{found.probability[row]:.2f}",
            one_line(_content(rows, row), 60),
        ]
        for rank, row in enumerate(top, 1)
    ]
    header = ["rank", place, "suspicion", "given label", "suggested label", "p", "contents"]
    return (
        text_table(header, shown, left={3, 4, 6})
        + f"\n\n{counted(differ, 'row')} of {len(order):,} would be given another label by a model "
        f"that has not seen them.\n{CAUTION}"
    )


def _content(rows: Rows, row: int) -> str:
    names = rows.roles.columns
    if len(names) == 1:
        return rows.table.columns[names[0]][row]
    return ", ".join(f"{name}={rows.table.columns[name][row]}" for name in names)
