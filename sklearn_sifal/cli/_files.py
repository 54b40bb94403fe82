"""Reading a file into a table: CSV, TSV, JSON lines and Parquet, plain or gzipped."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from sklearn_sifal.cli._delimited import read_delimited
from sklearn_sifal.cli._encodings import encoding_of, is_marked, place_of_error, unmarked_encoding
from sklearn_sifal.cli._errors import UserError, in_short
from sklearn_sifal.cli._json import read_json
from sklearn_sifal.cli._odd_characters import with_sound_texts
from sklearn_sifal.cli._parquet import read_parquet
from sklearn_sifal.cli._room import Room, too_large
from sklearn_sifal.cli._table import Table
from sklearn_sifal.cli._wording import visible

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
_BUFFER = 2**16  # bytes


@dataclass(frozen=True)
class Format:
    """What the user said about a file.

    Attributes
    ----------
    delimiter : str or None
        Between the cells of a line; None to find out.
    encoding : str or None
        None for UTF-8, or UTF-16 or UTF-32 if the file begins like that.
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
        If it cannot be read, or holds no rows, or is not what its ending says, or does not
        fit into memory.
    """
    name = "standard input" if path == "-" else visible(path)
    try:
        table = with_sound_texts(_read(path, name, form))
    except MemoryError:
        raise too_large(name) from None
    if not table.columns:
        raise UserError(f"{name} is empty.")
    if not table.n_rows:
        raise UserError(f"{name} has a header and no rows.")
    return table


def _read(path: str, name: str, form: Format) -> Table:
    kind = _kind_of(path, name)
    room = Room(name)
    if kind == "parquet":
        return read_parquet(path, name, room)
    with _opened(path, name, room) as binary:
        start = binary.peek()
        encoding = encoding_of(start, form.encoding, name)
        with _decoded(binary, name, encoding) as text:
            if kind == "json":
                table = read_json(text, name, room)
            else:
                delimiter = "\t" if kind == "tabs" and form.delimiter is None else form.delimiter
                table = read_delimited(text, name, delimiter, form.quotes)
    notes = table.notes
    if form.encoding is None and encoding == unmarked_encoding(start):
        notes += (
            f"{name} begins like a text in {encoding.upper()} and is read as such. Name another "
            "one by --encoding.",
        )
    return replace(table, marked=is_marked(start, encoding), notes=notes)


def _kind_of(path: str, name: str) -> str:
    if path == "-":
        return "delimited"
    ending = Path(path.lower().removesuffix(".gz")).suffix
    if ending in _SPREADSHEETS:
        raise UserError(f"{name} is a spreadsheet: save it as CSV (UTF-8) and give that file.")
    # A file whose ending says nothing is taken for CSV: what is wrong with it will show.
    return _FORMATS.get(ending, "delimited")


@contextmanager
def _opened(path: str, name: str, room: Room) -> Iterator[io.BufferedReader]:
    """The bytes of a file, unpacked, which can be read a second time for the place of an error."""
    try:
        with ExitStack() as stack:
            source = _standard_input() if path == "-" else stack.enter_context(open(path, "rb"))
            if not source.seekable():  # a pipe
                source = io.BytesIO(_watched(source, room).read())
            if path.lower().endswith(".gz"):
                source = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=source)))
            yield _watched(source, room)
    except FileNotFoundError:
        raise UserError(f"There is no file {path!r}.") from None
    except IsADirectoryError:
        raise UserError(f"{name} is a folder: name a file.") from None
    except (OSError, EOFError, zlib.error) as error:  # no rights, a broken archive
        raise UserError(f"{name} cannot be read: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or in_short(error).rstrip(".")


def _standard_input() -> BinaryIO:
    binary: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    if binary is None:
        raise UserError("standard input is closed.")
    return binary


class _Watched(io.RawIOBase):
    """Bytes that are counted when they are read."""

    def __init__(self, source: BinaryIO, room: Room) -> None:
        self._source = source
        self._room = room

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._source.seekable()

    def readinto(self, buffer: Any) -> int:
        n_read = cast(Any, self._source).readinto(buffer) or 0
        self._room.take(n_read)
        return int(n_read)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._source.seek(offset, whence)


def _watched(source: BinaryIO, room: Room) -> io.BufferedReader:
    return io.BufferedReader(_Watched(source, room), _BUFFER)


@contextmanager
def _decoded(binary: io.BufferedReader, name: str, encoding: str) -> Iterator[TextIO]:
    # Line ends are the business of the reader: those inside quotation marks are text.
    text = io.TextIOWrapper(binary, encoding, newline="")
    try:
        yield text
    except UnicodeError:
        binary.seek(0)
        raise UserError(place_of_error(binary, name, encoding)) from None
    finally:
        text.detach()
