"""Files that the command writes: checked before the work, complete or not there at all."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sklearn_sifal._whole_files import part_of
from sklearn_sifal._whole_files import replacing as replacing_path
from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._numbers import is_number
from sklearn_sifal.cli._table import Table

TABLE_FORMATS = ("csv", "tsv", "jsonl")
# The wide ones are those of East Asian keyboards.
_BEGIN_FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BREAKS = ("\t", "\r", "\n")


@dataclass(frozen=True)
class OutputForm:
    """How a table is written.

    Attributes
    ----------
    kind : str
        One of the `TABLE_FORMATS`.
    delimiter : str
        Between the cells of a line.
    encoding : str
        UTF-8, with a byte order mark or without.
    escape_formulas : bool
        Whether a spreadsheet is kept from computing what a cell of text says.
    """

    kind: str
    delimiter: str = ","
    encoding: str = "utf-8"
    escape_formulas: bool = False

    @classmethod
    def like(cls, table: Table, kind: str) -> Self:
        """The form that the program which wrote a file opens rightly, as far as the kind goes.

        Where a comma is the decimal sign, spreadsheets put semicolons between cells and
        expect them there.
        """
        if kind not in ("csv", "tsv"):
            return cls(kind)
        # A .csv with tabs is what no program expects, whatever was read.
        delimiter = "\t" if kind == "tsv" else table.delimiter.replace("\t", ",")
        return cls(kind, delimiter, "utf-8-sig" if table.marked else "utf-8")


def check_writable(path: str, option: str) -> None:
    """Raise unless a file can be written there; tried, since rights are not all there is to it."""
    target = _target_of(path)
    if target.is_dir():
        raise UserError(f"{option} {path} is a folder: name a file in it.")
    if target.exists() and not target.is_file():  # replacing a device would be fatal
        raise UserError(f"{option} {path} is no regular file: choose another name.")
    if not target.parent.is_dir():
        raise UserError(
            f"{option} {path}: there is no folder {str(Path(path).parent)!r}. Make it first."
        )
    part = part_of(target)
    try:
        part.touch()
    except OSError as error:
        raise UserError(f"{option} {path} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def check_apart(outputs: Mapping[str, str | None], inputs: Iterable[str | None]) -> None:
    """Raise if an output is an input, or two outputs are one file."""
    taken = {os.path.realpath(path): "is the file to read" for path in inputs if path}
    for option, path in outputs.items():
        if path is None:
            continue
        if reason := taken.get(os.path.realpath(path)):
            raise UserError(f"{option} {path} {reason}: choose another name.")
        taken[os.path.realpath(path)] = f"is written by {option} as well"


@contextmanager
def replacing(path: str) -> Iterator[Path]:
    """A file beside `path` to write to, that takes its place if nothing goes wrong."""
    try:
        with replacing_path(_target_of(path)) as part:
            yield part
    except OSError as error:
        raise UserError(f"{path} could not be written: {error.strerror or error}.") from error


@contextmanager
def standard_output(encoding: str) -> Iterator[Any]:
    """Standard output for a table: encoded as in files, whatever a terminal would have."""
    if sys.stdout is None:
        raise UserError("--out -: standard output is closed.")
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:  # of a notebook, or replaced by a program
        yield sys.stdout
        return
    sys.stdout.flush()
    text = io.TextIOWrapper(binary, encoding, newline="")
    try:
        yield text
        text.flush()
    finally:
        with suppress(OSError):  # raised already
            text.detach()


def _target_of(path: str) -> Path:
    # Of a link, what it leads to: the link stays.
    return Path(os.path.realpath(path))


def format_of(path: str, allowed: tuple[str, ...], option: str) -> str:
    """The format that a file's ending names."""
    ending = Path(path).suffix.lower().removeprefix(".")
    ending = {"ndjson": "jsonl", "tab": "tsv"}.get(ending, ending)
    if ending not in allowed:
        endings = ", ".join(f".{name}" for name in allowed)
        raise UserError(f"{option} {path}: the ending says the format, one of {endings}.")
    return ending


def write_records(stream: Any, records: Iterable[Mapping[str, Any]], form: OutputForm) -> None:
    """Write mappings with equal keys as a table.

    Parameters
    ----------
    stream : text file
        Opened with ``newline=""`` and the encoding of the form.
    records : iterable of mapping
        One a row.
    form : OutputForm
        Format.
    """
    if form.kind == "jsonl":
        for record in records:
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
        return
    as_written = _escaped if form.escape_formulas else _as_it_is
    header = True
    for record in records:
        if header:
            _write_row(stream, map(as_written, record.keys()), form)
            header = False
        _write_row(stream, map(as_written, record.values()), form)


def _write_row(stream: Any, values: Iterable[Any], form: OutputForm) -> None:
    cells = list(values)
    # The writer quotes what holds its own end of a line, and readers know another one.
    breaks = any(isinstance(cell, str) and "\r" in cell for cell in cells)
    quoting: Any = csv.QUOTE_ALL if breaks else csv.QUOTE_MINIMAL
    csv.writer(stream, delimiter=form.delimiter, lineterminator="\n", quoting=quoting).writerow(
        cells
    )


def _as_it_is(value: Any) -> Any:
    return value


def _escaped(value: Any) -> Any:
    """A cell of text that no spreadsheet computes: an apostrophe in front of what it would.

    After OWASP, "CSV Injection". A number with a sign stays one.
    """
    if not isinstance(value, str) or is_number(value):
        return value
    begins_formula = value.lstrip().startswith(_BEGIN_FORMULAS) or value.startswith(_BREAKS)
    return "'" + value if begins_formula else value
