"""The IDX format, in which MNIST and the sets made after it are distributed."""

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_UNSIGNED_BYTE = 8


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the array of unsigned bytes in a file, which may be packed by gzip.

    The header is two zero bytes, the code of the type, the number of dimensions and then
    each of them as a big-endian integer of four bytes.

    Raises
    ------
    OSError
        If the file cannot be read or unpacked, is of another format or type, or is longer
        or shorter than its header says.
    """
    try:
        with _opened(path) as file:
            content = file.read()
    except EOFError as error:  # how gzip reports a file that was cut off
        raise OSError(f"{path} is incomplete: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UNSIGNED_BYTE:
        raise OSError(f"{path} is no IDX file of unsigned bytes: it begins with {content[:4]!r}.")
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    if len(content) != start + math.prod(shape):
        raise OSError(
            f"{path} has {len(content)} bytes, and should have {start + math.prod(shape)} for an "
            f"array of shape {tuple(shape)}."
        )
    # A copy, since an array over bytes is read-only.
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _opened(path: Path) -> Any:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")
