"""From the options of a command to rows and labels to learn from."""

from argparse import Namespace
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.cli._console import Console
from sklearn_sifal.cli._errors import counted
from sklearn_sifal.cli._files import Format, read_table
from sklearn_sifal.cli._labels import labelled_rows, labels_of
from sklearn_sifal.cli._pipeline import make_inputs
from sklearn_sifal.cli._roles import Roles, find_roles
from sklearn_sifal.cli._table import Table
from sklearn_sifal.cli._wording import quoted


@dataclass(frozen=True)
class Rows:
    """Rows of a file.

    Attributes
    ----------
    table : Table
        Their cells.
    roles : Roles
        Which columns are learnt from.
    X : ndarray
        Inputs of the pipeline of these roles.
    y : ndarray of shape (n_rows,) of str, as objects
        Labels.
    """

    table: Table
    roles: Roles
    X: NDArray[Any]
    y: NDArray[np.object_]


def load_rows(options: Namespace, console: Console) -> Rows:
    """Read the file of a command and say on standard error what was found in it."""
    table = read_rows(options.file, options, console)
    table = labelled_rows(table, options.label, options, console)
    roles = find_roles(table, options.label, options)
    y = labels_of(table, options.label)
    console.message(
        f"{table.name}: {counted(table.n_rows, 'row')}, {counted(len(np.unique(y)), 'label')} in "
        f"{quoted(options.label)}.\n{roles.in_words()}"
    )
    return Rows(table, roles, make_inputs(table, roles), y)


def read_rows(path: str, options: Namespace, console: Console) -> Table:
    """Read a file in the form that the options say, and tell what is odd about it."""
    form = Format(options.delimiter, options.encoding, not options.no_quotes)
    table = read_table(path, form)
    for note in table.notes:
        console.message(note)
    return table
