"""What the command says: results on standard output, everything else on standard error."""

import sys
import unicodedata
from typing import TextIO


class Console:
    """Writes lines; messages can be switched off.

    Parameters
    ----------
    quiet : bool, default=False
        Whether only results and errors are shown.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    def result(self, text: str) -> None:
        """Write to standard output."""
        _write(sys.stdout, text)

    def message(self, text: str) -> None:
        """Write to standard error, unless quiet."""
        if not self.quiet:
            _write(sys.stderr, text)

    def error(self, text: str) -> None:
        """Write to standard error in any case."""
        _write(sys.stderr, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed by whoever started the process
        return
    # A terminal that lacks a character is no reason to lose the result.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


def one_line(text: str, width: int) -> str:
    """A cell's text for a terminal: no line breaks, no control characters, cut to a width."""
    # Control characters in data could move the cursor or change colours.
    visible = "".join(" " if unicodedata.category(c).startswith("C") else c for c in text)
    words = " ".join(visible.split())
    return words if len(words) <= width else words[: width - 1].rstrip() + "…"
