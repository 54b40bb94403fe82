"""Files that the command writes: checked before the work, complete or not there at all."""

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

from sklearn_sifal._whole_files import (
    hidden_name,
    place_of_file,
    replacing_text,
)
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
    if os.path.isdir(path):
        raise UserError(f"{option} {path} is a folder: name a file in it.")
    if os.path.exists(path) and not os.path.isfile(path):  # replacing a device would be fatal
        raise UserError(f"{option} {path} is no regular file: choose another name.")
    try:
        target, _ = place_of_file(path)
        if not target.parent.is_dir():
            # A link may lead elsewhere than its own name says.
            parent = target.parent if os.path.islink(path) else Path(path).parent
            raise UserError(f"{option} {path}: there is no folder {str(parent)!r}. Make it first.")
        trial = hidden_name(target)
        try:
            trial.touch()
        finally:
            trial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a null character
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{option} {path} cannot be written: {reason}.") from error


def check_outputs(outputs: Mapping[str, str | None], inputs: Iterable[str | None]) -> None:
    """Raise if an output, by its option, is an input or another output, or cannot be written."""
    taken = {os.path.realpath(path): "is the file to read" for path in inputs if path}
    for option, path in outputs.items():
        if path is None:
            continue
        if reason := taken.get(os.path.realpath(path)):
            raise UserError(f"{option} {path} {reason}: choose another name.")
        taken[os.path.realpath(path)] = f"is written by {option} as well"
        check_writable(path, option)


@contextmanager
def replacing(path: str, encoding: str) -> Iterator[TextIO]:
    """A text file to write to, which takes the place of `path` if nothing goes wrong."""
    with errors_of_writing(path), replacing_text(path, encoding) as file:
        yield file


@contextmanager
def errors_of_writing(path: str) -> Iterator[None]:
    """Turn what the system has against writing a file into a message."""
    try:
        yield
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


def format_of(path: str, allowed: tuple[str, ...], option: str) -> str:
    """The format that a file's ending names."""
    ending = Path(path).suffix.lower().removeprefix(".")
    ending = {"ndjson": "jsonl", "tab": "tsv"}.get(ending, ending)
    if ending not in allowed:
        endings = ", ".join(f".{name}" for name in allowed)
        raise UserError(f"{option} {path}: the ending says the format, one of {endings}.")
    return ending


class _Lines:
    """Takes the lines of a csv writer with the line end of a file.

    The writer puts "\\r" between quotes, which parts lines too, only if its own line end has it
    (before Python 3.13); it writes a line at a time.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        self._stream.write(text.removesuffix("\r\n") + "\n")


def write_records(stream: Any, records: Iterable[Mapping[str, Any]], form: OutputForm) -> None:
    """Write mappings with equal keys as a table.

    Parameters
    ----------
    stream : text file
        Opened with ``newline=""`` and the encoding of the form.
    records : iterable of mapping
        One a row. Texts are sound: what is read has no halves of surrogate pairs.
    form : OutputForm
        Format.
    """
    if form.kind == "jsonl":
        for record in records:
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
        return
    as_written: Callable[[Any], Any] = _escaped if form.escape_formulas else lambda value: value
    writer = None
    for record in records:
        if writer is None:
            writer = csv.writer(_Lines(stream), delimiter=form.delimiter, lineterminator="\r\n")
            writer.writerow(map(as_written, record.keys()))
        writer.writerow(map(as_written, record.values()))


def _escaped(value: Any) -> Any:
    """A cell of text that no spreadsheet computes: an apostrophe in front of what it would.

    After OWASP, "CSV Injection". A number with a sign stays one.
    """
    if not isinstance(value, str) or is_number(value):
        return value
    begins_formula = value.lstrip().startswith(_BEGIN_FORMULAS) or value.startswith(_BREAKS)
    return "'" + value if begins_formula else value
