"""Reading a file into a table: CSV, TSV, JSON lines and Parquet, plain or gzipped."""

import codecs
import gzip
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import numpy as np

from sklearn_sifal.cli._delimited import read_delimited
from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._table import Table

_FORMATS = {
    ".csv": "delimited",
    ".txt": "delimited",
    ".tsv": "tabs",
    ".tab": "tabs",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers")


@dataclass(frozen=True)
class Format:
    """What the user said about a file.

    Attributes
    ----------
    delimiter : str or None
        Between the cells of a line; None to find out.
    encoding : str or None
        None for UTF-8, or UTF-16 if the file begins like that.
    quotes : bool
        Whether quotation marks hold cells together.
    """

    delimiter: str | None = None
    encoding: str | None = None
    quotes: bool = True


def read_table(path: str, form: Format) -> Table:
    """Read a file, whose ending says what it is; ``-`` is CSV from standard input.

    Raises
    ------
    UserError
        If it cannot be read, or holds no rows, or is not what its ending says.
    """
    kind = _kind_of(path)
    name = "standard input" if path == "-" else path
    if kind == "parquet":
        table = _read_parquet(path)
    else:
        with _opened(path, name) as binary, _decoded(binary, name, form) as text:
            marked = _is_marked(binary, text.encoding)
            if kind == "json":
                table = _read_json(text, name)
            else:
                delimiter = "\t" if kind == "tabs" and form.delimiter is None else form.delimiter
                table = read_delimited(text, name, delimiter, form.quotes)
            table = replace(table, marked=marked)
    if not table.columns:
        raise UserError(f"{name} is empty.")
    if not table.n_rows:
        raise UserError(f"{name} has a header and no rows.")
    return table


def _kind_of(path: str) -> str:
    if path == "-":
        return "delimited"
    ending = Path(path.lower().removesuffix(".gz")).suffix
    if ending in _SPREADSHEETS:
        raise UserError(f"{path} is a spreadsheet: save it as CSV (UTF-8) and give that file.")
    # A file whose ending says nothing is taken for CSV: what is wrong with it will show.
    return _FORMATS.get(ending, "delimited")


@contextmanager
def _opened(path: str, name: str) -> Iterator[BinaryIO]:
    try:
        if path == "-":
            # As a whole, to be able to read it once more for the place of an error.
            yield io.BytesIO(sys.stdin.buffer.read())
        elif path.lower().endswith(".gz"):
            with gzip.open(path) as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            with open(path, "rb") as file:
                yield file
    except FileNotFoundError:
        raise UserError(f"There is no file {path!r}.") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder: name a file.") from None
    except (OSError, EOFError) as error:  # no rights, a broken archive
        raise UserError(f"{name} cannot be read: {error}.") from error


@contextmanager
def _decoded(binary: BinaryIO, name: str, form: Format) -> Iterator[TextIO]:
    encoding = form.encoding or _encoding_of(binary)
    # Line ends are the business of the reader: those inside quotation marks are text.
    text = io.TextIOWrapper(binary, encoding, newline="")
    try:
        yield text
    except UnicodeError:
        binary.seek(0)
        raise UserError(_place_of_error(binary, name, encoding)) from None
    finally:
        text.detach()


def _encoding_of(binary: BinaryIO) -> str:
    start = binary.read(2)
    binary.seek(0)
    # What spreadsheets call "Unicode text" is UTF-16 with a byte order mark.
    return "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _is_marked(binary: BinaryIO, encoding: str) -> bool:
    """Whether a file of UTF-8 begins with a byte order mark, or is none of UTF-8.

    Spreadsheets that write a mark, or another encoding, do not take a file for UTF-8 by itself.
    """
    if encoding != "utf-8-sig":
        return True
    start = binary.read(len(codecs.BOM_UTF8))
    binary.seek(0)
    return start == codecs.BOM_UTF8


def _place_of_error(binary: BinaryIO, name: str, encoding: str) -> str:
    content = binary.read()
    label = encoding.removesuffix("-sig").upper()
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return (
            f"{name} is not {label}: byte {error.start} (0x{content[error.start]:02x}, on line "
            f"{line}) does not fit. Name its encoding, for instance --encoding cp1252 for a file "
            "from a spreadsheet on Windows."
        )
    except UnicodeError as error:  # UTF-16 without a byte order mark
        return f"{name} is not {label}: {error}. Name its encoding with --encoding."
    return f"{name} cannot be read as {label}. Name its encoding with --encoding."


def _read_json(text: TextIO, name: str) -> Table:
    """One object a line, or one list of objects."""
    cells: dict[str, list[str]] = {}
    lines: list[int] = []
    for line, record in _json_records(text, name):
        if not isinstance(record, dict):
            where = f"{name}, line {line}" if line else name
            raise UserError(
                f"{where}: expected an object such as "
                '{"text": "...", "label": "..."}. Each line holds one.'
            )
        for key, value in record.items():
            if key not in cells:
                cells[key] = [""] * len(lines)
            cells[key].append(_as_cell(value))
        lines.append(line)
        for column in cells.values():
            if len(column) < len(lines):
                column.append("")
    rows = np.arange(1, len(lines) + 1)
    return Table(name, cells, np.array(lines, np.int64) if all(lines) else None, rows)


def _json_records(text: TextIO, name: str) -> Iterator[tuple[int, object]]:
    """Values with the line that each is on, 0 for those of a list."""
    line = 0
    try:
        for line, content in enumerate(text, 1):
            if content.lstrip().startswith("["):
                for value in json.loads(content + text.read()):
                    yield 0, value
                return
            if content.strip():
                yield line, json.loads(content)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{name}, line {line + error.lineno - 1}: not JSON ({error.msg}, character "
            f"{error.colno}). A .jsonl file has one object on each line."
        ) from None


def _as_cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read_parquet(path: str) -> Table:
    if not Path(path).is_file():
        raise UserError(f"There is no file {path!r}.")
    try:
        import pandas as pd

        frame = pd.read_parquet(path)
    except ImportError:
        raise UserError(
            f"{path}: reading Parquet needs pandas and pyarrow: pip install pandas pyarrow. "
            "Or save the file as CSV."
        ) from None
    except Exception as error:  # pyarrow has errors of its own, of several kinds
        raise UserError(f"{path} cannot be read as Parquet: {str(error).rstrip('.')}.") from error
    if not frame.columns.is_unique:
        raise UserError(f"{path} has two columns of the same name.")
    cells = {
        str(name): [
            "" if missing else str(value) for value, missing in zip(column, gaps, strict=True)
        ]
        for name, column in frame.items()
        for gaps in [column.isna()]
    }
    return Table(path, cells, None, np.arange(1, len(frame) + 1))
