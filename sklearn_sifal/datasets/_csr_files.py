"""Sparse matrices as folders of plain .npy files, to be trained on without loading them."""

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from sklearn_sifal._inputs import canonical_csr
from sklearn_sifal._saved_states import VERSION_KEY, current_version, warn_of_other_version
from sklearn_sifal._whole_files import (
    AnyPath,
    check_may_write,
    errors_that_name,
    keep_access,
    part_beside,
    place_of,
    sync_folder,
)

_MANIFEST = "matrix.json"
_FORMAT, _VERSION = "sklearn_sifal.csr", 1
_ARRAYS = ("indptr", "indices", "data")
_FILES = (*(f"{name}.npy" for name in _ARRAYS), _MANIFEST)

# Entries that are written, checked or converted at a time.
_ENTRIES_PER_BLOCK = 1 << 22
# matrix.json has some hundred bytes.
_LONGEST_MANIFEST = 1 << 16
_LONGEST_SHOWN = 100
# Processes that replace one matrix at the same time, at most.
_MOST_ATTEMPTS = 100
_INT32_MAX = int(np.iinfo(np.int32).max)


def save_csr(path: AnyPath, X: Any, *, dtype: Any = None, overwrite: bool = False) -> None:
    """Write a sparse matrix as a folder that `open_csr` maps into memory.

    The folder has ``indptr.npy``, ``indices.npy`` and ``data.npy``, which `numpy.load`
    reads, and ``matrix.json`` with the shape. Rows are brought into canonical form on the
    way: sorted columns, no repeats (they are added up), no stored zeros. Both index arrays
    are int32 if the number of entries and the width allow it, else int64.

    It is written beside its place and renamed at the end, when it is on the disk, so that an
    error or Control-C leaves nothing half-written. A process that is killed may leave a
    hidden folder ``.<name>.<digits>.tmp``, or ``.old`` with the matrix that was to be
    replaced. The next `save_csr` to the same path removes them, and puts the old matrix back
    if there is none (except on Windows).

    Parameters
    ----------
    path : str, bytes or path-like
        The folder. Its parent must exist. If it is a link, it stays, and the folder that it
        leads to is written.
    X : sparse matrix or iterable of sparse matrices
        A matrix of any sparse format, or its rows in blocks, all equally wide: what does
        not fit into memory can be given by a generator.
    dtype : {np.float32, np.float64}, default=None
        Type of the values. None keeps float32 and float64 (of the first block), and makes
        anything else float32, as the estimators do, which would then copy the whole matrix.
    overwrite : bool, default=False
        Whether a matrix that was saved under this path before is replaced. The new one
        has the modes, and as far as is allowed the owners, of the old one.

    Raises
    ------
    TypeError
        If X, or a block, is not sparse.
    ValueError
        If there are no blocks, they are not two-dimensional or not equally wide, their index
        pointer falls, a value is too large for its type, or `dtype` is another one.
    FileExistsError
        If there is something at `path`, unless it is a saved matrix, without other files
        beside it, and `overwrite` is true.
    FileNotFoundError
        If the parent of `path` does not exist.
    OSError
        If the folder cannot be written.

    See Also
    --------
    open_csr : The way back.

    Examples
    --------
    >>> import tempfile
    >>> import scipy.sparse as sp
    >>> from sklearn_sifal.datasets import open_csr, save_csr
    >>> blocks = (sp.random_array((100, 50), density=0.1, format="csr") for _ in range(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_csr(f"{folder}/X", blocks)
    ...     open_csr(f"{folder}/X").shape
    (300, 50)
    """
    target, _ = place_of(path)
    _check_target(target, overwrite)
    if dtype is not None and np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32, float64 or None. Got {dtype!r}.")
    named = partial(errors_that_name, path, target)  # but not errors of the caller's iterable
    with ExitStack() as stack:
        with named():
            part = stack.enter_context(part_beside(target, 0o600, partial(_clear, target=target)))
            _check_target(target, overwrite)  # what a killed process left may be back
            temporary = _temporary(part.path)
            temporary.mkdir(0o700 if target.exists() else 0o777)
            writer = stack.enter_context(_Writer(temporary))
        for block in _blocks(X):
            with named():
                writer.add(block, dtype)
        with named():
            writer.finish()
            _put_in_place(temporary, target, overwrite)


def open_csr(path: AnyPath) -> sp.csr_array:
    """Map a matrix written by `save_csr` into memory, read-only; nothing is copied.

    The estimators train and predict on it without loading it: the operating system reads
    the pages of the rows that are asked for, and keeps them as long as there is room.

    Parameters
    ----------
    path : str, bytes or path-like
        The folder.

    Returns
    -------
    X : csr_array of shape (n_samples, n_features)
        Its three arrays are read-only memory maps; writing to them raises. What scipy
        computes from it, such as ``2 * X``, is in memory.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or a file of it is missing.
    ValueError
        If the files do not make a matrix: of another format or version, cut off, of the
        wrong types, or with an index pointer that does not fit. Columns and values are not
        looked at, since that would read all of them: the estimators do it in `fit` and
        `predict`, and raise. What scipy itself computes may read and write outside of the
        arrays if columns are out of range. If the folder is a stranger's, call
        ``X.check_format(full_check=True)`` first.

    See Also
    --------
    save_csr : Writes the folder.
    """
    folder = Path(os.fsdecode(path))
    shape, canonical = _read_manifest(folder)
    indptr, indices, data = (_map(folder / f"{name}.npy") for name in _ARRAYS)
    _check_arrays(folder, shape, indptr, indices, data)
    # Given to the constructor, int64 arrays would be read, and copied if int32 would do.
    X = sp.csr_array(shape, dtype=data.dtype)
    X.indptr, X.indices, X.data = indptr, indices, data
    if canonical:
        X.has_canonical_format = True
    return X


class _Writer:
    """Appends blocks of rows to the three files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_rows = self.n_entries = 0
        self.width: int | None = None
        self.dtype: Any = None
        self.index_dtype: Any = np.int32
        self._files: dict[str, BinaryIO] = {}

    def __enter__(self) -> "_Writer":
        for name in _ARRAYS:
            self._files[name] = (self.folder / f"{name}.npy").open("w+b")
            _write_header(self._files[name], np.float32, 0)
        return self

    def __exit__(self, *_: Any) -> None:
        for file in self._files.values():
            with suppress(OSError):  # raised before; `finish` has closed them otherwise
                file.close()

    def add(self, block: Any, dtype: Any) -> None:
        """Append rows; `dtype` is what was asked for."""
        if self.width is None:
            self._begin(block, dtype)
        if block.shape[1] != self.width:
            raise ValueError(
                f"save_csr needs blocks of equal width. Got {block.shape[1]} columns from row "
                f"{self.n_rows} on, after {self.width}."
            )
        if block.nnz and not 0 <= block.indices.min() <= block.indices.max() < self.width:
            raise ValueError(
                f"save_csr got column numbers from {block.indices.min()} to {block.indices.max()} "
                f"in a matrix of {self.width} columns."
            )
        with np.errstate(over="ignore"):
            # Before zeros are taken out: small numbers may become zero.
            narrow = block.astype(self.dtype, copy=False)
        self._check_range(block, narrow)
        block = canonical_csr(narrow)
        if self.n_entries + block.nnz > _INT32_MAX:
            self._widen()
        ends = block.indptr[1:].astype(self.index_dtype) + self.index_dtype(self.n_entries)
        self._write("indptr", ends, self.index_dtype)
        self._write("indices", block.indices[: block.nnz], self.index_dtype)
        self._write("data", block.data[: block.nnz], self.dtype)
        self.n_rows += block.shape[0]
        self.n_entries += block.nnz

    def _check_range(self, block: Any, narrow: Any) -> None:
        """Raise for finite values that the type of the files does not hold."""
        lost = np.flatnonzero(~np.isfinite(narrow.data) & np.isfinite(block.data))
        if len(lost):
            row = self.n_rows + int(np.searchsorted(block.indptr, lost[0], side="right")) - 1
            raise ValueError(
                f"save_csr cannot write {block.data[lost[0]]:g} in row {row} as {self.dtype}: it "
                "is too large."
            )

    def _begin(self, block: Any, dtype: Any) -> None:
        self.width = int(block.shape[1])
        kept = block.dtype if block.dtype in (np.float32, np.float64) else np.float32
        self.dtype = np.dtype(kept if dtype is None else dtype)
        if self.width > _INT32_MAX:
            self.index_dtype = np.int64
        self._write("indptr", np.zeros(1), self.index_dtype)

    def _write(self, name: str, values: NDArray[Any], dtype: Any) -> None:
        self._files[name].write(np.ascontiguousarray(values, dtype).data)

    def _widen(self) -> None:
        """Write the index arrays again as int64; there are more entries than int32 counts."""
        if self.index_dtype is np.int64:
            return
        self.index_dtype = np.int64
        for name in ("indptr", "indices"):
            narrow, wide = self._files[name], (self.folder / f"{name}.wide").open("w+b")
            self._files[name] = wide
            _write_header(wide, np.int64, 0)
            narrow.seek(wide.tell())
            while part := narrow.read(4 * _ENTRIES_PER_BLOCK):
                self._write(name, np.frombuffer(part, np.int32), np.int64)
            narrow.close()
            (self.folder / f"{name}.wide").replace(self.folder / f"{name}.npy")

    def finish(self) -> None:
        """Complete the files and bring them to the disk."""
        if self.width is None:
            raise ValueError("save_csr needs at least one block. Got none.")
        types = (self.index_dtype, self.index_dtype, self.dtype)
        lengths = (self.n_rows + 1, self.n_entries, self.n_entries)
        for name, dtype, length in zip(_ARRAYS, types, lengths, strict=True):
            self._files[name].seek(0)
            _write_header(self._files[name], dtype, length)
            _sync_and_close(self._files[name])
        self._write_manifest()
        sync_folder(self.folder)

    def _write_manifest(self) -> None:
        """Say what the files are; last, since it is what makes the folder a matrix."""
        manifest = {
            "format": _FORMAT,
            "version": _VERSION,
            VERSION_KEY: current_version(),
            "shape": [self.n_rows, self.width],
            "canonical": True,
        }
        text = json.dumps(manifest, indent=1) + "\n"
        file = (self.folder / _MANIFEST).open("w+b")
        file.write(text.encode())
        _sync_and_close(file)


def _sync_and_close(file: BinaryIO) -> None:
    with file:
        file.flush()
        os.fsync(file.fileno())


def _write_header(file: BinaryIO, dtype: Any, length: int) -> None:
    """Begin a .npy file of one dimension; numpy leaves room for any length."""
    described = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(file, described)


def _blocks(X: Any) -> Iterator[Any]:
    """Yield X in blocks of rows, as CSR matrices."""
    if sp.issparse(X):
        yield from _rows_in_blocks(_as_csr(X))
        return
    if isinstance(X, np.ndarray | str) or not isinstance(X, Iterable):
        raise TypeError(
            "save_csr needs a sparse matrix or an iterable of sparse matrices. Got "
            f"{type(X).__name__}."
        )
    for block in X:
        if not sp.issparse(block):
            raise TypeError(f"save_csr needs sparse blocks. Got {type(block).__name__}.")
        yield from _rows_in_blocks(_as_csr(block))


def _as_csr(X: Any) -> Any:
    if X.ndim != 2:
        raise ValueError(f"save_csr needs two dimensions. Got a sparse array of shape {X.shape}.")
    if X.dtype.kind not in "biuf":
        raise ValueError(f"save_csr needs real numbers. Got values of type {X.dtype}.")
    return X.tocsr()


def _rows_in_blocks(X: Any) -> Iterator[Any]:
    """Yield views of rows with about as many entries, so that little is copied at a time."""
    if (np.diff(X.indptr) < 0).any():
        raise ValueError("save_csr got an index pointer that falls from one row to the next.")
    n, per_row = X.shape[0], max(1.0, X.nnz / max(X.shape[0], 1))
    step = max(1, int(_ENTRIES_PER_BLOCK / per_row))
    for first in range(0, max(n, 1), step):
        indptr = X.indptr[first : min(first + step, n) + 1]
        begin, end = int(indptr[0]), int(indptr[-1])
        arrays = X.data[begin:end], X.indices[begin:end], indptr - indptr[0]
        yield sp.csr_array(arrays, shape=(len(indptr) - 1, X.shape[1]))


def _check_target(target: Path, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent} is no folder that {target.name} can be put into.")
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise FileExistsError(f"{target} exists. Pass overwrite=True to replace a saved matrix.")
    try:
        found = os.listdir(target)
    except FileNotFoundError:  # another process replaces it
        return
    except NotADirectoryError:
        found = []
    if _MANIFEST not in found:
        raise FileExistsError(f"{target} is not a matrix saved by save_csr, and is not replaced.")
    if others := sorted(set(found) - set(_FILES)):
        raise FileExistsError(
            f"{target} also has {others[0]!r}, which save_csr did not write: it is not replaced."
        )
    for _ in range(_MOST_ATTEMPTS):  # another process may replace it between two questions
        with suppress(PermissionError):
            return check_may_write(target, str(target))
        if not os.path.lexists(target):
            return
    check_may_write(target, str(target))


def _temporary(part: Path) -> Path:
    """The folder that is written; `part` is the file whose lock says that somebody does."""
    return part.with_suffix(".tmp")


def _replaced(part: Path) -> Path:
    """Where the matrix that was there is put, until the new one is in its place."""
    return part.with_suffix(".old")


def _put_in_place(temporary: Path, target: Path, overwrite: bool) -> None:
    old = _replaced(temporary)
    for _ in range(_MOST_ATTEMPTS):
        _check_target(target, overwrite)  # it may have been made meanwhile
        with suppress(FileNotFoundError):  # if another process moved it away
            _keep_access(temporary, target)
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
        try:
            temporary.rename(target)
        except OSError as error:
            # Another process, which does the same, was faster: its matrix is replaced next.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            sync_folder(target.parent)
            # At once: it must not be put back while another process replaces the new one.
            shutil.rmtree(old, ignore_errors=True)
            return
    raise FileExistsError(f"{target} is replaced by other processes all the time.")


def _keep_access(temporary: Path, target: Path) -> None:
    """Give a folder and its files the modes and owners of those that they replace."""
    for name in _FILES:
        with suppress(FileNotFoundError):  # of a matrix that had lost it
            keep_access(temporary / name, os.stat(target / name))
    keep_access(temporary, os.stat(target))


def _clear(part: Path, target: Path) -> None:
    """Remove the folders of a save that has ended, or was killed; the old one back if need be."""
    old = _replaced(part)
    if old.is_dir() and not os.path.lexists(target):
        old.rename(target)
    for folder in (_temporary(part), old):
        shutil.rmtree(folder, ignore_errors=True)


def _read_manifest(folder: Path) -> tuple[tuple[int, int], bool]:
    path = folder / _MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no matrix saved by save_csr: no {_MANIFEST} in it.")
    with path.open("rb") as file:
        text = file.read(_LONGEST_MANIFEST + 1)
    try:
        if len(text) > _LONGEST_MANIFEST:
            raise ValueError(f"it has more than {_LONGEST_MANIFEST} bytes")
        manifest = json.loads(text)
        kind, version = manifest["format"], manifest["version"]
        shape = manifest["shape"]
        canonical = manifest.get("canonical") is True
    # Of lists in lists there may be more than Python's stack has room for.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} does not describe a saved matrix: {error!r}.") from error
    if kind != _FORMAT or version != _VERSION:
        raise ValueError(
            f"{path} is of format {_shortened(repr(kind))}, version "
            f"{_shortened(repr(version))}; this release reads {_FORMAT!r}, "
            f"version {_VERSION}."
        )
    is_pair = isinstance(shape, list) and len(shape) == 2
    # scipy and numpy count in int64.
    if not is_pair or not all(type(n) is int and 0 <= n < 2**63 for n in shape):
        raise ValueError(f"{path} has the impossible shape {_shortened(repr(shape))}.")
    if VERSION_KEY in manifest:  # other programs may write such folders, too
        warn_of_other_version(f"The matrix in {folder}", manifest[VERSION_KEY], stacklevel=3)
    return (shape[0], shape[1]), canonical


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."


def _map(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the saved matrix is incomplete.")
    try:
        with np.errstate(over="ignore"):  # of a size that nobody has, which is refused
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except PermissionError:
        raise
    except Exception as error:  # of many classes: a wrong header, a file cut off
        raise ValueError(f"{path} cannot be read; it may be incomplete: {error}") from error
    if not isinstance(mapped, np.memmap):  # numpy goes by the contents, which may be a .npz
        raise ValueError(f"{path} cannot be read: it is no .npy file.")
    # As a plain array, whose base is the map: the subclass only costs time.
    return np.asarray(mapped)


def _check_arrays(
    folder: Path,
    shape: tuple[int, int],
    indptr: NDArray[Any],
    indices: NDArray[Any],
    data: NDArray[Any],
) -> None:
    """Raise unless the arrays make a CSR matrix of this shape, as far as can be told quickly."""
    wrong = None
    if indptr.dtype not in (np.int32, np.int64) or indices.dtype != indptr.dtype:
        wrong = f"index arrays of type {indptr.dtype} and {indices.dtype}"
    elif data.dtype.kind not in "biuf" or not data.dtype.isnative:
        wrong = f"values of type {data.dtype}"
    elif indptr.shape != (shape[0] + 1,) or indices.ndim != 1 or indices.shape != data.shape:
        wrong = (
            f"arrays of shapes {indptr.shape}, {indices.shape} and {data.shape} for {shape[0]} rows"
        )
    elif not _counts_up_to(indptr, len(data)):
        wrong = f"an index pointer that does not rise from 0 to {len(data)}"
    if wrong is not None:
        raise ValueError(f"{folder} is damaged: it has {wrong}.")


def _counts_up_to(indptr: NDArray[Any], last: int) -> bool:
    if indptr[0] != 0 or indptr[-1] != last:
        return False
    starts = range(0, len(indptr), _ENTRIES_PER_BLOCK)
    parts = (indptr[start : start + _ENTRIES_PER_BLOCK + 1] for start in starts)
    return all(bool((part[1:] >= part[:-1]).all()) for part in parts)
