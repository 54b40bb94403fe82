"""What is the user's to mend."""

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager

_LONGEST = 1000  # characters of a library's message, which may quote what it was given


class UserError(Exception):
    """Something in the files or the arguments; the message says what to do about it."""


@contextmanager
def errors_of_training() -> Iterator[None]:
    """Turn what only a training can find out, such as a loss that is not finite, into a message."""
    try:
        yield
    except (ValueError, FloatingPointError) as error:
        raise UserError(in_short(error)) from error
    except BrokenExecutor as error:
        raise UserError(
            "A process of --jobs ended before its work was done, most likely because memory ran "
            "out. Try fewer --jobs."
        ) from error
    except (MemoryError, RuntimeError) as error:
        # Torch has no class of its own for this.
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise
        raise UserError(
            "There is not enough memory for this training: try a smaller --hidden, fewer --jobs, "
            "or a part of the file."
        ) from error


def in_short(error: BaseException) -> str:
    """The message of a library's error on one line."""
    words = " ".join(str(error)[: 2 * _LONGEST].split())
    return words if len(words) <= _LONGEST else words[:_LONGEST] + "…"


def counted(n: int, noun: str) -> str:
    """A number with its noun: "1 row", "2,000 rows"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
