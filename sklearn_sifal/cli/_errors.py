"""What is the user's to mend, and hints on how."""

from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from difflib import get_close_matches

_MOST_NAMES = 12


class UserError(Exception):
    """Something in the files or the arguments; the message says what to do about it."""


@contextmanager
def errors_of_training() -> Iterator[None]:
    """Turn what only a training can find out, such as a loss that is not finite, into a message."""
    try:
        yield
    except (ValueError, FloatingPointError) as error:
        raise UserError(" ".join(str(error).split())) from error
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


def listed(names: Iterable[str], most: int = _MOST_NAMES) -> str:
    """Names in quotes, the first few of them."""
    every = [repr(name) for name in names]
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest} more" if rest > 0 else "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the most similar known name, whatever its case, or nothing."""
    folded = {other.casefold(): other for other in known}
    close = get_close_matches(name.casefold(), folded, n=1)
    return f" Did you mean {folded[close[0]]!r}?" if close else ""


def counted(n: int, noun: str) -> str:
    """A number with its noun: "1 row", "2,000 rows"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
