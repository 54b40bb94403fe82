"""The IDX format, in which MNIST and the sets made after it are distributed."""

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_UNSIGNED_BYTE = 8


def read_idx(path: Path, most_values: int = 1 << 30) -> NDArray[np.uint8]:
    """Return the array of unsigned bytes in a file, which may be packed by gzip.

    The header is two zero bytes, the code of the type, the number of dimensions and then
    each of them as a big-endian integer of four bytes. No more is unpacked than it says.

    Parameters
    ----------
    path : Path
        The file.
    most_values : int, default=2**30
        More than so many values are not read.

    Raises
    ------
    OSError
        If the file cannot be read or unpacked, is of another format or type, has more values
        than `most_values`, or is longer or shorter than its header says.
    """
    try:
        with _opened(path) as file:
            return _read(file, path, most_values)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:  # of a file cut off, or broken
        raise OSError(f"{path} is incomplete or damaged: {error}") from error


def _read(file: Any, path: Path, most_values: int) -> NDArray[np.uint8]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != _UNSIGNED_BYTE:
        raise OSError(f"{path} is no IDX file of unsigned bytes: it begins with {head!r}.")
    lengths = file.read(4 * head[3])
    shape = tuple(int.from_bytes(lengths[at : at + 4], "big") for at in range(0, 4 * head[3], 4))
    size = math.prod(shape)
    if size > most_values:
        raise OSError(f"{path} has an array of shape {shape}, which is too large to be expected.")
    content = file.read(size + 1)
    n_bytes, n_expected = 4 + len(lengths) + len(content), 4 + 4 * head[3] + size
    if n_bytes != n_expected:
        rest = " What follows was not read." if n_bytes > n_expected else ""
        raise OSError(
            f"{path} has {n_bytes} bytes, and should have {n_expected} for an array of shape "
            f"{shape}.{rest}"
        )
    # A copy, since an array over bytes is read-only.
    return np.frombuffer(content, np.uint8).reshape(shape).copy()


def _opened(path: Path) -> Any:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")
