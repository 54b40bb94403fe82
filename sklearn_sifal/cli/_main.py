"""The command ``sifal``: from arguments to an exit code."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, NoReturn

from sklearn_sifal.cli._arguments import make_parser
from sklearn_sifal.cli._console import Console
from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._wording import quoted

OK, USER_ERROR = 0, 2
# 128 and the number of the signal, as shells have it.
INTERRUPTED, BROKEN_PIPE, TERMINATED = 130, 141, 143


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command ``sifal``.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments after the name of the command; None for those of the process.

    Returns
    -------
    code : int
        0 if it went well, 2 for what the user can mend (a line on standard error says
        what), 130 if it was interrupted, 141 if nobody reads its output any more, 143 if it
        was told to end (SIGTERM).

    Examples
    --------
    >>> from sklearn_sifal.cli import main
    >>> main(["--version"])
    sifal ...
    0
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    return _exit_code(lambda: _run(arguments))


class _Terminated(KeyboardInterrupt):
    """SIGTERM: what cleans up after Ctrl-C, files and processes, cleans up after it, too."""


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Raise on SIGTERM, which otherwise ends the process where it is."""
    if threading.current_thread() is not threading.main_thread():  # which alone may set handlers
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        # None is a handler that was not set from Python.
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def _terminate(*_: Any) -> NoReturn:
    raise _Terminated


def _run(arguments: list[str]) -> int:
    parser = make_parser()
    if not arguments:
        parser.print_help(sys.stderr)
        return USER_ERROR
    _check_characters(arguments)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise UserError(
            f"unrecognized arguments: {' '.join(unknown)}. See: sifal {options.command} --help"
        )
    options.arguments = arguments
    # Imported when asked for: `sifal --help` waits for no library.
    command = import_module(f"sklearn_sifal.cli._{options.command}")
    command.run(options, Console(options.quiet))
    return OK


def _check_characters(arguments: list[str]) -> None:
    """Raise on what no shell passes on and no system takes for the name of a file."""
    for argument in arguments:
        try:
            bytes_of_name = os.fsencode(argument)
        except UnicodeEncodeError:
            bytes_of_name = b"\0"
        if b"\0" in bytes_of_name:
            raise UserError(f"the argument {quoted(argument)} has a character that cannot be used.")


def _exit_code(run: Callable[[], int]) -> int:
    try:
        with _ending_in_order():
            return run()
    except UserError as error:
        Console().error(f"sifal: error: {error}")
        return USER_ERROR
    except _Terminated:
        Console().error("sifal: terminated.")
        return TERMINATED
    except KeyboardInterrupt:
        Console().error("sifal: interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except OSError as error:  # such as a full disk behind standard output
        _drop_output()
        about = f": {quoted(error.filename)}" if isinstance(error.filename, str) else ""
        Console().error(f"sifal: error: {error.strerror or error}{about}.")
        return USER_ERROR
    except MemoryError:
        Console().error(
            "sifal: error: There is not enough memory for this: take a part of the file, or a "
            "computer with more memory."
        )
        return USER_ERROR
    except SystemExit as ended:  # of argparse, after --help and --version
        return OK if ended.code is None else int(ended.code)


def _drop_output() -> None:
    """Throw away what standard output does not take: it would raise again at the end."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):  # ValueError: it has been closed
        # In a program that put something else in its place there may be no descriptor.
        with suppress(AttributeError, OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
