"""The column of labels: what cannot be learnt from is found here, before any training."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.cli._console import Console
from sklearn_sifal.cli._errors import UserError, counted, did_you_mean, listed
from sklearn_sifal.cli._numbers import as_numbers, is_missing
from sklearn_sifal.cli._table import Table

_MOST_ALIKE = 3  # examples of labels that differ only in case


def labelled_rows(
    table: Table, label: str | None, options: Any, console: Console, *, of_test: bool = False
) -> Table:
    """The table, without the rows whose label is missing or rare if the options say so.

    Of rows to test on only a missing label is asked about.

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
    table = _with_labels(table, label, options.drop_missing, console)
    if of_test:
        return table
    for note in _doubts(Counter(labels_of(table, label).tolist())):
        console.message(note)
    table = _with_frequent_labels(table, label, options.drop_rare, console)
    labels = set(labels_of(table, label).tolist())
    if len(labels) < 2:
        raise UserError(
            f"The column {label!r} of {table.name} needs at least two labels"
            f"{f'; it has only {labels.pop()!r}' if labels else ', and no row is left'}."
        )
    return table


def labels_of(table: Table, label: str) -> NDArray[np.str_]:
    """Labels without spaces around them."""
    return np.array([cell.strip() for cell in table.columns[label]], dtype=np.str_)


def _with_labels(table: Table, label: str, drop: bool, console: Console) -> Table:
    cells = table.column(label, "--label")
    kept = [row for row, cell in enumerate(cells) if cell.strip()]
    n_missing = len(cells) - len(kept)
    if not n_missing:
        return table
    if not drop:
        first = next(row for row, cell in enumerate(cells) if not cell.strip())
        raise UserError(
            f"The label {label!r} is missing in {counted(n_missing, 'row')}, first in "
            f"{table.where(first)}. Fill it in, or leave such rows out with --drop-missing."
        )
    console.message(f"Left out {counted(n_missing, 'row')} of {table.name} without a label.")
    return table.take(kept)


def _doubts(counts: Counter[str]) -> Iterator[str]:
    """What may not be meant: labels that are one in two spellings, or stand for none."""
    spellings: dict[str, list[str]] = {}
    for name in counts:
        spellings.setdefault(" ".join(name.casefold().split()), []).append(name)
    alike = sorted((names for names in spellings.values() if len(names) > 1), key=min)
    if alike:
        shown = "; ".join(
            " and ".join(f"{name!r} ({counted(counts[name], 'row')})" for name in sorted(names))
            for names in alike[:_MOST_ALIKE]
        )
        rest = len(alike) - _MOST_ALIKE
        yield (
            f"Labels that differ only in case or spaces are different labels: {shown}"
            f"{f'; and {rest:,} more' if rest > 0 else ''}. Mend the file if they are meant as one."
        )
    for name in sorted(filter(is_missing, counts)):
        yield (
            f"{name!r} ({counted(counts[name], 'row')}) is a label like the others. If it stands "
            "for a missing one, empty these cells and say --drop-missing."
        )


def _with_frequent_labels(table: Table, label: str, least: int | None, console: Console) -> Table:
    labels = labels_of(table, label)
    counts = Counter(labels.tolist())
    if least is None:
        once = sorted(name for name, n in counts.items() if n == 1)
        if once:
            raise UserError(_about_labels_seen_once(table, label, once, counts))
        return table
    rare = {name for name, n in counts.items() if n < least}
    if not rare:
        return table
    kept = [row for row, name in enumerate(labels.tolist()) if name not in rare]
    console.message(
        f"Left out {counted(len(labels) - len(kept), 'row')} of {table.name}, whose labels have "
        f"fewer than {counted(least, 'row')}: {listed(sorted(rare))}."
    )
    return table.take(kept)


def _about_labels_seen_once(table: Table, label: str, once: list[str], counts: Counter[str]) -> str:
    if len(counts) > 20 and as_numbers(list(counts), table.decimal) is not None:
        return (
            f"The column {label!r} of {table.name} has {len(counts)} different numbers, "
            f"{len(once)} of them once. The command learns classes; for numbers there is "
            "LossSampledRegressor."
        )
    have = "has" if len(once) == 1 else "have"
    return (
        f"{counted(len(once), 'label')} in the column {label!r} of {table.name} {have} a single "
        f"row: {listed(once)}. A label needs two, one to learn from and one to be judged by: "
        "leave such rows out with --drop-rare."
    )


def check_known(labels: NDArray[np.str_], known: NDArray[np.str_], names: tuple[str, str]) -> None:
    """Raise if a file to test on has labels that the file to learn from has not."""
    unknown = sorted(set(labels.tolist()) - set(known.tolist()))
    if unknown:
        test, train = names
        raise UserError(
            f"{test} has {counted(len(unknown), 'label')} that {train} has not: {listed(unknown)}."
            f"{did_you_mean(unknown[0], known.tolist())} Leave such rows out with --drop-rare."
        )
