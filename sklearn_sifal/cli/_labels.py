"""The column of labels: what cannot be learnt from is found here, before any training."""

from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._plain_arrays import as_objects
from sklearn_sifal.cli._console import Console
from sklearn_sifal.cli._errors import UserError, counted
from sklearn_sifal.cli._numbers import as_exact_number, as_numbers, is_missing
from sklearn_sifal.cli._table import Table
from sklearn_sifal.cli._wording import (
    as_seen,
    did_you_mean,
    listed,
    quoted,
    told_apart,
    without_case,
)

_MOST_ALIKE = 3  # examples of labels that may be meant as one
_MOST_SPELLINGS = 8  # of one of them
_LEAST_FOR_RATES = 5


def labelled_rows(table: Table, label: str | None, options: Namespace, console: Console) -> Table:
    """The table, without the rows whose label is missing or rare if the options say so.

    Raises
    ------
    UserError
        If there is no such column, a label is missing or seen once, or fewer than two
        labels are left.
    """
    if label is None:
        raise UserError(
            f"Say which column has the labels: --label NAME. The columns of {table.name}: "
            f"{listed(table.columns, 30)}."
        )
    counts = Counter(_names(table, label))
    for note in _doubts(counts, table.decimal):
        console.message(note)
    problems = _about_missing(table, label, options)
    once = sorted(name for name, n in counts.items() if n == 1)
    if once and options.drop_rare is None:
        # Rates are chosen by a part of the rows, which needs some of each label as well.
        least = _LEAST_FOR_RATES if len(getattr(options, "lr", None) or ()) > 1 else 2
        said = _about_labels_seen_once(table, label, once, counts)
        problems.append((said, f"--drop-rare {least}"))
    _raise_all(problems)
    table = _without(table, label, {""}, " without a label", console)
    if options.drop_rare is not None:
        rare = {name for name, n in counts.items() if n < options.drop_rare}
        few = f"fewer than {counted(options.drop_rare, 'row')}: {listed(sorted(rare))}"
        table = _without(table, label, rare, f", whose labels have {few}", console)
    labels = set(labels_of(table, label).tolist())
    if len(labels) < 2:
        raise UserError(
            f"The column {quoted(label)} of {table.name} needs at least two labels"
            f"{f'; it has only {quoted(labels.pop())}' if labels else ', and no row is left'}."
        )
    return table


def labelled_test_rows(
    table: Table, train: tuple[Table, NDArray[np.object_]], options: Namespace, console: Console
) -> Table:
    """The rows to test on, without those whose label is missing or unknown if the options say so.

    Parameters
    ----------
    table : Table
        The file to test on.
    train : tuple of Table and ndarray of str
        The file to learn from and its labels.
    options, console
        Those of the command.

    Raises
    ------
    UserError
        If there is no column of labels, a label is missing or not in the file to learn from, or
        no row is left.
    """
    label = options.label
    unknown = set(_names(table, label)).difference(train[1].tolist())
    problems = _about_missing(table, label, options)
    if unknown and options.drop_rare is None:
        said = _about_unknown(sorted(unknown), train[1], (table.name, train[0].name))
        problems.append((said, "--drop-rare 2"))
    _raise_all(problems)
    # Seen never is rare.
    reason = f", whose labels are not among those of {train[0].name}"
    table = _without(table, label, unknown, reason, console)
    table = _without(table, label, {""}, " without a label", console)
    if not table.n_rows:
        raise UserError(f"No row of {table.name} is left to test on.")
    return table


def labels_of(table: Table, label: str) -> NDArray[np.object_]:
    """Labels without spaces around them.

    As objects: an array of text has room for the longest one in every row, and drops what
    zero characters a text ends with.
    """
    return as_objects([cell.strip() for cell in table.columns[label]])


def _names(table: Table, label: str) -> list[str]:
    """Labels of the rows that have one."""
    return list(filter(None, map(str.strip, table.column(label, "--label"))))


def _raise_all(problems: list[tuple[str, str]]) -> None:
    """One error for all that is wrong, which ends with the options that help against it.

    Who meets one after the other adds an option, and runs into the next.
    """
    if problems:
        said, options = zip(*problems, strict=True)
        raise UserError(
            f"{' '.join(said)} Mend the file, or leave such rows out with: {' '.join(options)}"
        )


def _about_missing(table: Table, label: str, options: Namespace) -> list[tuple[str, str]]:
    missing = [row for row, cell in enumerate(table.columns[label]) if not cell.strip()]
    if not missing or options.drop_missing:
        return []
    said = (
        f"The label {quoted(label)} is missing in {counted(len(missing), 'row')}, first in "
        f"{table.where(missing[0])}."
    )
    return [(said, "--drop-missing")]


def _without(
    table: Table, label: str, names: Collection[str], reason: str, console: Console
) -> Table:
    """The table without the rows of some labels; the empty text is that of a missing one."""
    kept = [row for row, name in enumerate(labels_of(table, label)) if name not in names]
    if len(kept) == table.n_rows:
        return table
    left_out = counted(table.n_rows - len(kept), "row")
    console.message(f"Left out {left_out} of {table.name}{reason}.")
    return table.take(kept)


def _doubts(counts: Counter[str], decimal: str) -> Iterator[str]:
    """What may not be meant: labels that are one in two spellings, or stand for none."""

    def value(name: str) -> Decimal | None:
        return as_exact_number(name, decimal)

    # Each of the first kind is of the second as well, and is told but once.
    told: set[tuple[str, ...]] = set()
    for said, key, shown in (
        ("differ only in case or spaces", without_case, _quoted),
        ("look the same, or nearly so,", as_seen, told_apart),
        ("are the same number", value, _quoted),
    ):
        alike = [names for names in _alike(counts, key) if names not in told]
        told.update(alike)
        if alike:
            yield _about_alike(said, alike, shown, counts)
    for name in sorted(filter(is_missing, counts)):
        yield (
            f"{quoted(name)} ({counted(counts[name], 'row')}) is a label like the others. If it "
            "stands for a missing one, empty these cells and say --drop-missing."
        )


def _alike(names: Iterable[str], key: Callable[[str], Any]) -> list[tuple[str, ...]]:
    """Names with the same key; those without one are like no other."""
    found: dict[Any, list[str]] = {}
    for name in names:
        if (same := key(name)) is not None:
            found.setdefault(same, []).append(name)
    return sorted(tuple(sorted(group)) for group in found.values() if len(group) > 1)


def _about_alike(
    said: str,
    alike: Sequence[tuple[str, ...]],
    shown: Callable[[Sequence[str]], Sequence[str]],
    counts: Counter[str],
) -> str:
    examples = [
        [
            f"{text} ({counted(counts[name], 'row')})"
            for text, name in zip(shown(names), names, strict=True)
        ]
        for names in (group[:_MOST_SPELLINGS] for group in alike[:_MOST_ALIKE])
    ]
    rest = len(alike) - len(examples)
    return (
        f"Labels that {said} are different labels: {'; '.join(map(' and '.join, examples))}"
        f"{f'; and {rest:,} more' if rest > 0 else ''}. Mend the file if they are meant as one."
    )


def _quoted(names: Sequence[str]) -> list[str]:
    return list(map(quoted, names))


def _about_labels_seen_once(table: Table, label: str, once: list[str], counts: Counter[str]) -> str:
    if len(counts) > 20 and as_numbers(list(counts), table.decimal) is not None:
        raise UserError(
            f"The column {quoted(label)} of {table.name} has {len(counts)} different numbers, "
            f"{len(once)} of them once. The command learns classes; for numbers there is "
            "LossSampledRegressor."
        )
    have = "has" if len(once) == 1 else "have"
    return (
        f"{counted(len(once), 'label')} in the column {quoted(label)} of {table.name} {have} a "
        f"single row: {listed(once)}. A label needs two, one to learn from and one to be judged by."
    )


def _about_unknown(unknown: list[str], known: NDArray[np.object_], names: tuple[str, str]) -> str:
    test, train = names
    return (
        f"{test} has {counted(len(unknown), 'label')} that {train} has not: {listed(unknown)}."
        f"{did_you_mean(unknown[0], known.tolist())}"
    )
