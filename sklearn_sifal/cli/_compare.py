"""``sifal compare``: strategies of choosing rows by their loss, on the rows of a file."""

import math
import os
import re
import shlex
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from sklearn_sifal.cli._console import Console
from sklearn_sifal.cli._errors import UserError, counted, errors_of_training
from sklearn_sifal.cli._labels import labelled_test_rows, labels_of
from sklearn_sifal.cli._loading import Rows, load_rows, read_rows
from sklearn_sifal.cli._outputs import (
    TABLE_FORMATS,
    OutputForm,
    check_outputs,
    errors_of_writing,
    format_of,
    replacing,
    write_records,
)
from sklearn_sifal.cli._pipeline import make_inputs, make_model
from sklearn_sifal.cli._roles import Roles, check_numeric
from sklearn_sifal.cli._wording import did_you_mean, one_line, quoted, visible

# What the verdict advises, as it is said on the command line and on its page.
_TERMS = {
    "n_seeds=5": "--seeds 5",
    "lr=[...]": "--lr 0.01,0.03,0.1",
    "n_jobs=1": "--jobs 1",
    "budget=[...]": "--budget",
    "Without a test part there are splits": "Without --test-file there are splits",
}
_RUN_FORMATS = (*TABLE_FORMATS, "json")
_ONE_SPLIT = 0.2  # share of the rows to test on where there is one split


def run(options: Namespace, console: Console) -> None:
    """Carry out ``sifal compare``.

    Raises
    ------
    UserError
        If a file, a column, a label or an option is not as it must be.
    """
    strategies = parse_strategies(options.strategies)
    _check_outputs(options)
    rows, test = _load_parts(options, console)
    splits = _splits(rows, options) if test is None else None
    guessed_budget = options.budget is None
    if guessed_budget:
        options.budget = [_enough(rows, len(rows.y) if splits is None else len(splits[0][0]))]
        console.message(
            f"Budget: {counted(round(options.budget[0]), 'visit')} a row. Others by --budget."
        )
    _warn_of_small(options.budget, console)
    comparison = _compare(strategies, rows, test, splits, options)
    comparison.settings["terms"] = _TERMS
    comparison.settings["command"] = command_line(options, rows.roles, guessed_budget)
    _write(comparison, rows, test, options)
    console.result(f"{comparison!r}\n\n{comparison.verdict()}")
    for path in (options.report, options.out, options.rows_out):
        if path is not None:
            console.message(f"Written: {visible(path)}")


def command_line(options: Namespace, roles: Roles, guessed_budget: bool) -> str:
    """What was typed, quoted for a shell, and in options what was found out besides.

    Who repeats it on a file that has grown gets the same columns and the same budget.
    """
    words = ["sifal", *options.arguments]
    if roles.guessed:
        # With a sign of equality a name may begin with a hyphen.
        words += [f"--{kind}={name}" for kind, names in roles.by_kind.items() for name in names]
    if guessed_budget:
        words.append("--budget=" + repr(float(options.budget[0])).removesuffix(".0"))
    return " ".join(map(_for_a_shell, words))


def _for_a_shell(word: str) -> str:
    """A word in quotes, with escapes, as bash and zsh know them, for what is not seen."""
    if word.isprintable():
        return shlex.quote(word)
    seen = [
        # In $'...' the backslash and the quote are special, and nothing else is.
        re.sub(r"([\\'])", r"\\\1", c)
        if c.isprintable()
        else "".join(f"\\x{byte:02x}" for byte in os.fsencode(c))
        for c in word
    ]
    return f"$'{''.join(seen)}'"


# ----------------------------------------------------------------------- strategies


def parse_strategies(given: Sequence[str]) -> dict[str, Any]:
    """Estimator parameters of each strategy, from names such as ``percentage:90``.

    Raises
    ------
    UserError
        If a name is unknown or comes twice, or a percentage is none or has no place.
    """
    found: dict[str, Any] = {}
    for name in given:
        if name in found:
            raise UserError(f"--strategies has {quoted(name)} twice.")
        found[name] = _parameters_of(name)
    return found


def _parameters_of(name: str) -> dict[str, Any]:
    from sklearn_sifal.strategies._registry import STRATEGIES, has_percentage

    strategy, colon, number = name.partition(":")
    if strategy not in STRATEGIES:
        raise UserError(
            f"--strategies: there is no {quoted(strategy)}.{did_you_mean(strategy, STRATEGIES)} "
            f"There are: {', '.join(STRATEGIES)}."
        )
    if not colon:
        return {"sampling_strategy": strategy}
    # That of base is there for grids over strategies and percentages; it changes nothing.
    if strategy == "base" or not has_percentage(strategy):
        raise UserError(
            f"--strategies {one_line(name, 60)}: {strategy!r} has no percentage to set."
        )
    try:
        percentage = float(number)
    except ValueError:
        percentage = math.nan
    if not 0 < percentage <= 100:
        raise UserError(
            f"--strategies {one_line(name, 60)}: after the colon comes a percentage above 0 and "
            "up to 100."
        )
    return {"sampling_strategy": strategy, "sampling_percentage": percentage}


# -------------------------------------------------------------- training and test rows


def _load_parts(options: Namespace, console: Console) -> tuple[Rows, Rows | None]:
    rows = load_rows(options, console)
    return rows, None if options.test_file is None else _load_test(rows, options, console)


def _load_test(train: Rows, options: Namespace, console: Console) -> Rows:
    """The rows of the test file, by the roles found in the training file."""
    table = read_rows(options.test_file, options, console)
    table = labelled_test_rows(table, (train.table, train.y), options, console)
    for name in train.roles.columns:
        table.column(name, f"{train.table.name}, the file to learn from")
    for name in train.roles.numeric:
        check_numeric(table, name)
    y = labels_of(table, options.label)
    console.message(f"{table.name}: {counted(table.n_rows, 'row')} to test on.")
    return Rows(table, train.roles, make_inputs(table, train.roles), y)


def _splits(rows: Rows, options: Namespace) -> list[Any]:
    """As many splits as seeds, with equal rows on one side."""
    from sklearn_sifal.comparison._splits import equal_rows, held_out, make_splits

    if options.test_size is None and options.seeds > 1:
        try:
            return make_splits(
                options.seeds, rows.X, rows.y, None, has_labels=True, seed=options.seed
            )
        except ValueError as error:
            why = str(error).removeprefix(f"cv={options.seeds}: ")
            raise UserError(
                f"No {options.seeds} folds can be made of {counted(len(rows.y), 'row')} by their "
                f"labels: {why} Change --seeds, or add rows."
            ) from error
    share = _ONE_SPLIT if options.test_size is None else options.test_size
    _check_share(rows, share)
    units = equal_rows(rows.X)
    try:
        return [
            held_out(rows.y, units, share, options.seed + i, by_value=True, has_labels=True)
            for i in range(options.seeds)
        ]
    except ValueError as error:
        raise UserError(
            f"--test-size {share:g} of {counted(len(rows.y), 'row')}, equal ones taken together, "
            f"leaves too few: {error}"
        ) from error


def _check_share(rows: Rows, share: float) -> None:
    n, n_labels = len(rows.y), len(np.unique(rows.y))
    n_test = math.ceil(share * n)
    if min(n_test, n - n_test) < n_labels:
        raise UserError(
            f"--test-size {share:g} of {counted(n, 'row')} leaves {n - n_test:,} to "
            f"train and {n_test:,} to test on; each part needs as many as there are labels, "
            f"{n_labels:,}. Change --test-size, or leave out labels with few rows by --drop-rare N."
        )


# --------------------------------------------------------------------- the comparison


def _warn_of_small(budgets: Sequence[float], console: Console) -> None:
    small = [budget for budget in budgets if budget <= 1]
    if small:
        console.message(
            f"With --budget {', '.join(f'{budget:g}' for budget in small)} nothing can be chosen: "
            "the first round takes all rows, so every strategy does what base does. "
            "Differences between strategies need more than 1."
        )


def _compare(
    strategies: Mapping[str, Any],
    rows: Rows,
    test: Rows | None,
    splits: list[Any] | None,
    options: Namespace,
) -> Any:
    from sklearn_sifal._classifier import LossSampledClassifier
    from sklearn_sifal.comparison._compare import compare_strategies

    parameters: dict[str, Any] = {"sampling_percentage": options.percentage}
    if options.hidden is not None:
        parameters["hidden_layer_sizes"] = tuple(options.hidden)
    with errors_of_training():
        return compare_strategies(
            make_model(rows.roles, LossSampledClassifier(**parameters)),
            strategies,
            rows.X,
            rows.y,
            *(() if test is None else (test.X, test.y)),
            cv=splits,
            budget=options.budget,
            n_seeds=1 if test is None else options.seeds,
            lr=options.lr,
            n_jobs=options.jobs,
            random_state=options.seed,
            verbose=0 if options.quiet else 1,
        )


def _enough(rows: Rows, n_train: int) -> float:
    """The budget that the estimator itself would take for so many rows."""
    from sklearn_sifal._classifier import LossSampledClassifier
    from sklearn_sifal._settings import resolve_settings

    # Texts are sparse, whatever the share of their non-zeros; tables hardly ever.
    non_zeros = 0.0 if rows.roles.text else None
    classifier = LossSampledClassifier()
    return resolve_settings(
        classifier._description(), n_train, n_features=1, non_zeros=non_zeros
    ).budget


# ------------------------------------------------------------------------- the files


def _check_outputs(options: Namespace) -> None:
    outputs = {"--report": options.report, "--out": options.out, "--rows-out": options.rows_out}
    check_outputs(outputs, [options.file, options.test_file])
    if options.out is not None:
        format_of(options.out, _RUN_FORMATS, "--out")
    if options.rows_out is not None:
        format_of(options.rows_out, TABLE_FORMATS, "--rows-out")
    if options.report is not None:
        format_of(options.report, ("html", "htm"), "--report")
        if find_spec("matplotlib") is None:
            raise UserError(
                "--report needs matplotlib for its pictures: pip install matplotlib, or leave "
                "--report out."
            )


def _write(comparison: Any, rows: Rows, test: Rows | None, options: Namespace) -> None:
    """All files, or none of them."""
    with ExitStack() as stack:
        if options.out is not None:
            kind = format_of(options.out, _RUN_FORMATS, "--out")
            form = OutputForm.like(rows.table, kind)
            file = stack.enter_context(replacing(options.out, form.encoding))
            _write_runs(comparison, file, form)
            file.flush()  # what a full disk has against it is said before there is a report
        if options.rows_out is not None:
            kind = format_of(options.rows_out, TABLE_FORMATS, "--rows-out")
            form = OutputForm.like(rows.table, kind)
            file = stack.enter_context(replacing(options.rows_out, form.encoding))
            write_records(file, _results_by_row(comparison, rows if test is None else test), form)
            file.flush()
        if options.report is not None:
            title = f"Strategies compared on {Path(rows.table.name).name}"
            with errors_of_writing(options.report):
                comparison.to_html(options.report, title=title, contents=FileCells(rows))


def _results_by_row(comparison: Any, tested: Rows) -> Iterator[dict[str, Any]]:
    """What every training did on every test row, with the rows' places in their file."""
    from sklearn_sifal.comparison._saved_comparisons import plain_record

    columns = comparison._results.columns(comparison.seeds, comparison.labels)
    place, places = tested.table.places
    columns["row"] = places[columns["row"]]
    names = [place if name == "row" else name for name in columns]
    for values in zip(*columns.values(), strict=True):
        yield plain_record(dict(zip(names, values, strict=True)))


class FileCells:
    """Cells of the rows trained on, by column, with their place in the file.

    What a page shows of the hardest rows; the rows' own numbers are those after the split.

    Parameters
    ----------
    rows : Rows
        The rows trained on.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        place, self._places = rows.table.places
        title = "row of the file" if place == "row" else place
        self.columns = (title, *rows.roles.columns)

    def __len__(self) -> int:
        return len(self._rows.y)

    def row(self, number: int) -> tuple[int | str, ...]:
        """The cells of a row, in the order of `columns`."""
        cells = (self._rows.table.columns[name][number] for name in self._rows.roles.columns)
        return int(self._places[number]), *cells


def _write_runs(comparison: Any, file: TextIO, form: OutputForm) -> None:
    from sklearn_sifal.comparison._saved_comparisons import comparison_as_json, plain_record

    if form.kind == "json":
        file.write(comparison_as_json(comparison))
    else:
        write_records(file, map(plain_record, comparison.runs), form)
