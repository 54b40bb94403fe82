"""From bytes to text: which encoding a file is in, and where it is not."""

import codecs
from typing import IO

from sklearn_sifal.cli._errors import UserError

_MARKS = (  # that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Where the first four bytes of two letters of ASCII are zero (RFC 4627, section 3).
_WIDE: dict[tuple[bool, ...], str] = {
    (True, True, True, False): "utf-32-be",
    (False, True, True, True): "utf-32-le",
    (True, False, True, False): "utf-16-be",
    (False, True, False, True): "utf-16-le",
}
_NO_TEXT = {
    b"PK\x03\x04": "a zip archive or a spreadsheet: unpack it, or save it as CSV",
    b"\x1f\x8b": "gzipped: its name should end in .gz",
    b"PAR1": "Parquet: its name should end in .parquet",
}
_LOOKED_AT = 4096  # bytes


def encoding_of(start: bytes, said: str | None, name: str) -> str:
    """The encoding of a file by its first bytes, or what the user said.

    What spreadsheets call "Unicode text" is UTF-16 with a byte order mark.

    Raises
    ------
    UserError
        If it is none that can be told, or no text.
    """
    marked = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
    unmarked = unmarked_encoding(start)
    if said is not None:
        if marked and said.startswith(marked + "-"):
            return marked  # a byte order mark is no part of the first column's name
        return unmarked if unmarked and unmarked.startswith(said + "-") else said
    if marked:
        return marked
    for magic, what in _NO_TEXT.items():
        if start.startswith(magic):
            raise UserError(f"{name} is {what}.")
    return unmarked or _without_zeros(start, name)


def unmarked_encoding(start: bytes) -> str | None:
    """UTF-16 or UTF-32 that has no byte order mark; None for what is not surely that."""
    encoding = _WIDE.get(tuple(byte == 0 for byte in start[:4]))
    if encoding is None:
        return None
    whole = start[: min(len(start), _LOOKED_AT) // 4 * 4]
    text = codecs.getincrementaldecoder(encoding)("replace").decode(whole)
    return None if "\0" in text or "\ufffd" in text else encoding


def _without_zeros(start: bytes, name: str) -> str:
    if b"\0" in start[:_LOOKED_AT].split(b"\n", 1)[0]:
        raise UserError(
            f"{name} has zero bytes on line 1: it is UTF-16 or UTF-32 without a byte order mark "
            "(--encoding utf-16-le, utf-16-be, utf-32-le or utf-32-be), or no text at all."
        )
    return "utf-8-sig"


def is_marked(start: bytes, encoding: str) -> bool:
    """Whether a file of UTF-8 begins with a byte order mark, or is none of UTF-8.

    Spreadsheets that write a mark, or another encoding, do not take a file for UTF-8 by itself.
    """
    return encoding != "utf-8-sig" or start.startswith(codecs.BOM_UTF8)


def place_of_error(binary: IO[bytes], name: str, encoding: str) -> str:
    """What is said of a file that is not in its encoding, read once more to say where."""
    content = binary.read()
    label = encoding.removesuffix("-sig").upper()
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].decode(encoding, "replace").count("\n") + 1
        return (
            f"{name} is not {label}: byte {error.start} (0x{content[error.start]:02x}, on line "
            f"{line}) does not fit. Name its encoding, for instance --encoding cp1252 for a file "
            "from a spreadsheet on Windows."
        )
    except UnicodeError as error:
        return f"{name} is not {label}: {error}. Name its encoding with --encoding."
    # Read as a whole, it may be taken for text without a byte order mark.
    return (
        f"{name} is not {label}, or has no byte order mark: name its encoding, for instance "
        f"--encoding {label.lower()}-le."
    )
