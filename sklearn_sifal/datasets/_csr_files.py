"""Sparse matrices as folders of plain .npy files, to be trained on without loading them."""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from sklearn_sifal._saved_states import VERSION_KEY, current_version, warn_of_other_version
from sklearn_sifal._training_data import canonical_csr

_MANIFEST = "matrix.json"
_FORMAT, _VERSION = "sklearn_sifal.csr", 1
_ARRAYS = ("indptr", "indices", "data")

# Entries that are written, checked or converted at a time.
_ENTRIES_PER_BLOCK = 1 << 22
# The header of a .npy file of one dimension fits, whatever its length; 64 divides it.
_HEADER_SIZE = 128
_INT32_MAX = int(np.iinfo(np.int32).max)


def save_csr(
    path: str | os.PathLike[str], X: Any, *, dtype: Any = None, overwrite: bool = False
) -> None:
    """Write a sparse matrix as a folder that `open_csr` maps into memory.

    The folder has ``indptr.npy``, ``indices.npy`` and ``data.npy``, which `numpy.load`
    reads, and ``matrix.json`` with the shape. Rows are brought into canonical form on the
    way: sorted columns, no repeats (they are added up), no stored zeros. Both index arrays
    are int32 if the number of entries and the width allow it, else int64.

    It is written beside its place and renamed at the end, so that an error or Control-C
    leaves nothing half-written. A process that is killed may leave a hidden folder
    ``.<name>.<random>.tmp``, or ``.old`` with the matrix that was to be replaced.

    Parameters
    ----------
    path : str or path-like
        The folder. Its parent must exist.
    X : sparse matrix or iterable of sparse matrices
        A matrix of any sparse format, or its rows in blocks, all equally wide: what does
        not fit into memory can be given by a generator.
    dtype : {np.float32, np.float64}, default=None
        Type of the values. None keeps float32 and float64 (of the first block), and makes
        anything else float32, as the estimators do, which would then copy the whole matrix.
    overwrite : bool, default=False
        Whether a matrix that was saved under this path before is replaced.

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
    target = Path(path)
    _check_target(target, overwrite)
    if dtype is not None and np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32, float64 or None. Got {dtype!r}.")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    temporary.mkdir()
    try:
        with _Writer(temporary) as writer:
            for block in _blocks(X):
                writer.add(block, dtype)
        writer.write_manifest()
        _put_in_place(temporary, target, overwrite)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def open_csr(path: str | os.PathLike[str]) -> sp.csr_array:
    """Map a matrix written by `save_csr` into memory, read-only; nothing is copied.

    The estimators train and predict on it without loading it: the operating system reads
    the pages of the rows that are asked for, and keeps them as long as there is room.

    Parameters
    ----------
    path : str or path-like
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
        looked at, since that would read all of them.

    See Also
    --------
    save_csr : Writes the folder.
    """
    folder = Path(path)
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
            self._files[name].write(bytes(_HEADER_SIZE))
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            for file in self._files.values():
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
            wide.write(bytes(_HEADER_SIZE))
            narrow.seek(_HEADER_SIZE)
            while part := narrow.read(4 * _ENTRIES_PER_BLOCK):
                self._write(name, np.frombuffer(part, np.int32), np.int64)
            narrow.close()
            (self.folder / f"{name}.wide").replace(self.folder / f"{name}.npy")

    def _finish(self) -> None:
        if self.width is None:
            raise ValueError("save_csr needs at least one block. Got none.")
        types = (self.index_dtype, self.index_dtype, self.dtype)
        lengths = (self.n_rows + 1, self.n_entries, self.n_entries)
        for name, dtype, length in zip(_ARRAYS, types, lengths, strict=True):
            self._files[name].seek(0)
            self._files[name].write(_npy_header(np.dtype(dtype), length))

    def write_manifest(self) -> None:
        """Say what the files are; last, since it is what makes the folder a matrix."""
        manifest = {
            "format": _FORMAT,
            "version": _VERSION,
            VERSION_KEY: current_version(),
            "shape": [self.n_rows, self.width],
            "canonical": True,
        }
        text = json.dumps(manifest, indent=1) + "\n"
        (self.folder / _MANIFEST).write_text(text, encoding="utf-8")


def _npy_header(dtype: np.dtype[Any], length: int) -> bytes:
    """Header of a one-dimensional .npy file, version 1.0, of a size that is always the same."""
    # numpy's own function pads by a rule that may change with its version.
    described = f"{{'descr': {dtype.str!r}, 'fortran_order': False, 'shape': ({length},), }}"
    magic = b"\x93NUMPY\x01\x00"
    room = _HEADER_SIZE - len(magic) - 2
    text = described.ljust(room - 1) + "\n"
    return magic + room.to_bytes(2, "little") + text.encode("latin1")


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
    if not (target.exists() or target.is_symlink()):
        return
    if not overwrite:
        raise FileExistsError(f"{target} exists. Pass overwrite=True to replace a saved matrix.")
    if not (target / _MANIFEST).is_file() or target.is_symlink():
        raise FileExistsError(f"{target} is not a matrix saved by save_csr, and is not replaced.")
    ours = {_MANIFEST, *(f"{name}.npy" for name in _ARRAYS)}
    if others := sorted(entry.name for entry in target.iterdir() if entry.name not in ours):
        raise FileExistsError(
            f"{target} also has {others[0]!r}, which save_csr did not write: it is not replaced."
        )


def _put_in_place(temporary: Path, target: Path, overwrite: bool) -> None:
    _check_target(target, overwrite)  # it may have been made meanwhile
    if not target.exists():
        temporary.rename(target)
        return
    old = temporary.with_suffix(".old")
    target.rename(old)
    try:
        temporary.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _read_manifest(folder: Path) -> tuple[tuple[int, int], bool]:
    path = folder / _MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no matrix saved by save_csr: no {_MANIFEST} in it.")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        kind, version = manifest["format"], manifest["version"]
        n_rows, width = map(int, manifest["shape"])
        canonical = manifest.get("canonical") is True
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not describe a saved matrix: {error!r}.") from error
    if kind != _FORMAT or version != _VERSION:
        raise ValueError(
            f"{path} is of format {kind!r}, version {version!r}; this release reads {_FORMAT!r}, "
            f"version {_VERSION}."
        )
    if n_rows < 0 or width < 0:
        raise ValueError(f"{path} has the impossible shape ({n_rows}, {width}).")
    if VERSION_KEY in manifest:  # other programs may write such folders, too
        warn_of_other_version(f"The matrix in {folder}", manifest[VERSION_KEY], stacklevel=3)
    return (n_rows, width), canonical


def _map(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the saved matrix is incomplete.")
    try:
        # As a plain array, whose base is the map: the subclass only costs time.
        mapped = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:  # a wrong header, or a file cut off
        raise ValueError(f"{path} cannot be read; it may be incomplete: {error}") from error
    return mapped


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
