"""What the command says: results on standard output, everything else on standard error."""

import sys
from contextlib import suppress
from typing import TextIO

from sklearn_sifal.cli._wording import visible

_LONGEST = 5000  # characters of an error, which may have the path of a file in it


class Console:
    """Writes lines; messages can be switched off.

    Whatever files and arguments have brought into a line, nothing in it is a command to the
    terminal.

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
        """Write a line to standard error in any case."""
        with suppress(OSError):  # nobody reads it; the exit code remains
            _write(sys.stderr, visible(text if len(text) <= _LONGEST else text[:_LONGEST] + "…"))


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed by whoever started the process
        return
    lines = "\n".join(map(visible, text.split("\n")))
    # A terminal that lacks a character is no reason to lose the result.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(lines.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()
