"""Whether what is read fits into memory: found out before the system ends the process for it."""

import os
import sys
from pathlib import Path

from sklearn_sifal.cli._errors import UserError

POINTER = 8  # bytes of a cell without a text of its own
_STEP = 16 * 2**20  # bytes between two looks
# What is learnt from takes memory as well: the cells may have half of what there is.
_SHARE = 0.5
# Limits of a container. What it uses already says little: it counts files kept for later.
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Room:
    """The memory that the contents of a file may take.

    A file of a few megabytes unpacks to thousands of times that, and a device never ends.
    Systems that promise more memory than they have end the process without a word.

    Parameters
    ----------
    name : str
        What messages call the file.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._before = _in_use()
        available = _available()
        self._most = None if available is None else int(_SHARE * available)
        self._unseen = 0

    def take(self, n_bytes: int) -> None:
        """Count bytes that were read or made of what was read.

        Raises
        ------
        UserError
            If the process has taken up its share of the memory since the reading began.
        """
        self._unseen += n_bytes
        if self._unseen >= _STEP:
            self._unseen = 0
            self.check(0)

    def check(self, n_bytes: int) -> None:
        """Raise if there is no room for so many bytes more."""
        if self._most is not None and _in_use() - self._before + n_bytes > self._most:
            raise too_large(self._name)


def too_large(name: str) -> UserError:
    """What is said of a file that does not fit into memory."""
    return UserError(
        f"{name} does not fit into the memory that is free, with what is learnt from it: take a "
        "part of the file, or a computer with more memory."
    )


def _in_use() -> int:
    """Bytes of memory that this process holds, at its largest where only that is known."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows, which promises no memory that it does not have
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _available() -> int | None:
    """Bytes of memory that there are for this process, as far as the system says."""
    known = [_free_of_system(), *map(_limit_of_group, _CGROUPS)]
    return min((n for n in known if n is not None), default=None)


def _free_of_system() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _limit_of_group(path: str) -> int | None:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):  # "max" is no limit
        return None
