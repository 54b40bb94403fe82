"""Files that appear whole or not at all: the one way in which the package writes to a path.

What is written stands under a hidden name beside its place, ``.<name>.<16 hex digits>.part``,
until it is complete and on the disk; then it is renamed. The hidden file is locked while its
process lives, which tells it from one that a killed process left.
"""

import errno
import hashlib
import io
import os
import platform
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

try:
    import fcntl
except ImportError:  # Windows, where left-overs are not told from files in use, and stay
    fcntl = None  # type: ignore[assignment]

AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

# Of a long name the beginning: names end at 255 bytes, and a character has up to four.
_LETTERS_OF_NAME = 50
_MARK = re.compile(r"(?P<machine>[0-9a-f]{8})[0-9a-f]{8}\.part")
# Locks of another machine may not be seen here, on a file system of both.
_SECONDS_IN_USE_ELSEWHERE = 24 * 3600.0
_SURROGATE = re.compile("[\ud800-\udfff]")


@contextmanager
def replacing(path: AnyPath) -> Iterator[BinaryIO]:
    """A new file to write to, which takes the place of `path` if nothing goes wrong.

    Links are followed, and stay. A file that is replaced hands on its mode and, as far as is
    allowed, its owner and group; a new one has the mode that `open` would give it. Hard links
    to a replaced file keep the old content.

    Raises
    ------
    OSError
        If `path` is, or leads to, a folder, a pipe, a device or anything else that is no
        regular file, if the file may not be written to, or if writing fails. It names `path`.
    """
    target, old = place_of_file(path)
    mode = 0o666 if old is None else 0o600
    with errors_that_name(path, target), part_beside(target, mode) as part:
        with open(part.fileno(), "w+b", closefd=False) as file:
            yield file
        if old is not None:
            keep_access(part.fileno(), old)
        os.fsync(part.fileno())
        if fcntl is None:
            part.close()  # Windows does not rename open files
        os.replace(part.path, target)  # elsewhere under its lock, so that nobody takes it away
        sync_folder(target.parent)


@contextmanager
def replacing_text(path: AnyPath, encoding: str = "utf-8") -> Iterator[TextIO]:
    """The same for text, whose line ends are written as they are."""
    with replacing(path) as file, io.TextIOWrapper(file, encoding, newline="") as text:
        yield text


def without_surrogates(text: str) -> str:
    """Text with U+FFFD for halves of surrogate pairs.

    UTF-8 has no bytes for them; they come from texts that were cut within a character.
    """
    return _SURROGATE.sub("\ufffd", text)


# ------------------------------------------------------------------ where a path leads


def place_of(path: AnyPath) -> tuple[Path, os.stat_result | None]:
    """Where a path and its links lead, absolute, and what is there; None for nothing yet."""
    given = os.fsdecode(path)
    if not given:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), given)
    try:
        old = os.stat(given)
    except FileNotFoundError:
        old = None
    target = os.path.realpath(given)
    if old is None and os.path.lexists(target):  # since now
        old = os.stat(target)
    return Path(target), old


def place_of_file(path: AnyPath) -> tuple[Path, os.stat_result | None]:
    """The same for a file that is to be written: raises if that must not be.

    Raises
    ------
    OSError
        As `replacing` does.
    """
    given = os.fsdecode(path)
    if given.endswith(tuple(filter(None, (os.sep, os.altsep)))):
        raise IsADirectoryError(errno.EISDIR, "This is a folder, not a file", given)
    target, old = place_of(given)
    if old is None:
        return target, None
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, "This is a folder, not a file", given)
    if not stat.S_ISREG(old.st_mode):
        raise OSError(errno.EINVAL, "This is no regular file, and is not replaced", given)
    if not os.path.lexists(target):  # /dev/stdout may lead to a file that has been removed
        raise OSError(errno.EINVAL, "This file has no name to be replaced under", given)
    check_may_write(target, given)
    return target, old


def check_may_write(target: Path, given: str) -> None:
    """Raise PermissionError, which names `given`, unless what is there may be written to.

    A rename would not ask for that, but for the rights to the folder around it alone.
    """
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), given)


@contextmanager
def errors_that_name(path: AnyPath, target: Path) -> Iterator[None]:
    """Let an OSError name the path that was asked for, rather than the hidden one or none."""
    try:
        yield
    except OSError as error:
        hidden = os.fspath(target.parent / _prefix(target))
        if error.errno is None or not (
            error.filename is None or str(error.filename).startswith(hidden)
        ):
            raise
        raise OSError(error.errno, error.strerror, os.fsdecode(path)) from error


def keep_access(file: int | Path, old: os.stat_result) -> None:
    """Give a new file or folder the mode, owner and group of the one that it replaces.

    As far as is allowed: some file systems have none of them, and owners are given by root
    alone. Nobody gets rights by it that they did not have.
    """
    if not hasattr(os, "chown"):
        return
    mode = old.st_mode & 0o777
    new = os.stat(file)
    if new.st_gid != old.st_gid:
        try:
            os.chown(file, -1, old.st_gid)
        except OSError:  # the group of this one is of others, to the old one
            mode = (mode & 0o707) | (mode & 0o007) << 3
    if new.st_uid != old.st_uid:
        with suppress(OSError):
            os.chown(file, old.st_uid, -1)
    with suppress(OSError):
        os.chmod(file, mode)


def sync_folder(folder: Path) -> None:
    """Bring a rename to the disk, where that can be done; the file is whole in any case."""
    if fcntl is None:
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# --------------------------------------------------------------------- the hidden file


class Part(io.FileIO):
    """A new hidden file, open, and locked until it is closed.

    Parameters
    ----------
    path : Path
        Where it is.
    mode : int
        Mode of the file, from which the umask takes.
    """

    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(path, "x+", opener=lambda name, flags: os.open(name, flags, mode))
        self.path = path


@contextmanager
def part_beside(
    target: Path, mode: int, clear: Callable[[Path], None] | None = None
) -> Iterator[Part]:
    """A new hidden file beside `target`, empty and locked.

    Left-overs of killed processes are removed before, and so is the file afterwards, if it is
    still there.

    Parameters
    ----------
    target : Path
        Absolute, without links.
    mode : int
        Mode of the file, from which the umask takes.
    clear : callable, default=None
        Removes what else belongs to a hidden file, that of this process and left-overs.
    """
    _sweep(target, clear)
    part = _new_part(target, mode)
    try:
        yield part
    finally:
        try:
            if clear is not None:
                clear(part.path)
        finally:
            part.close()
            part.path.unlink(missing_ok=True)


def hidden_name(target: Path) -> Path:
    """A new name beside `target`, under which a file that is left over is removed later."""
    return target.with_name(f"{_prefix(target)}{_machine()}{secrets.token_hex(4)}.part")


def _new_part(target: Path, mode: int) -> Part:
    while True:
        part = Part(hidden_name(target), mode)
        # Between these two lines another process may have taken it for a left-over.
        if _lock(part.fileno()) is not False and part.path.exists():
            return part
        part.close()


def _lock(descriptor: int) -> bool | None:
    """Whether the file is locked for us now, or by others; None if the file system cannot say."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _prefix(target: Path) -> str:
    return f".{target.name[:_LETTERS_OF_NAME]}."


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _sweep(target: Path, clear: Callable[[Path], None] | None) -> None:
    """Remove what killed processes left beside `target`, and nothing that anyone writes to."""
    if fcntl is None:
        return
    prefix = _prefix(target)
    try:
        names = os.listdir(target.parent)
    except OSError:  # the right to write into a folder is not that to list it
        return
    for name in names:
        mark = _MARK.fullmatch(name, len(prefix)) if name.startswith(prefix) else None
        if mark is not None:
            with suppress(OSError):  # of others, or swept by another process
                _remove_left_over(target.with_name(name), mark["machine"], clear)


def _remove_left_over(part: Path, machine: str, clear: Callable[[Path], None] | None) -> None:
    descriptor = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        age = time.time() - found.st_mtime
        if not stat.S_ISREG(found.st_mode) or (
            machine != _machine() and age < _SECONDS_IN_USE_ELSEWHERE
        ):
            return
        if _lock(descriptor):
            if clear is not None:
                clear(part)
            part.unlink()
    finally:
        os.close(descriptor)
