"""Saved sparse matrices: what is written, what is mapped, and what cannot be read."""

import errno
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_sifal import LossSampledClassifier, LossSampledNet, LossSampledRegressor
from sklearn_sifal._whole_files import hidden_name
from sklearn_sifal.datasets import _csr_files, open_csr, save_csr

ARRAYS = ("indptr", "indices", "data")

posix = pytest.mark.skipif(sys.platform == "win32", reason="locks and rights of POSIX")


def matrix(n: int = 40, width: int = 12, dtype: Any = np.float32) -> sp.csr_array:
    rng = np.random.default_rng(0)
    return sp.random_array((n, width), density=0.2, format="csr", dtype=dtype, rng=rng)


def backing(array: Any) -> Any:
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array


def assert_same(mapped: Any, X: Any) -> None:
    assert mapped.shape == X.shape
    np.testing.assert_array_equal(mapped.toarray(), X.toarray())


@pytest.mark.parametrize("kind", ["csr_array", "csr_matrix", "csc_array", "coo_matrix"])
def test_there_and_back(kind: str, tmp_path: Path) -> None:
    X = matrix()
    save_csr(tmp_path / "X", getattr(sp, kind)(X))
    mapped = open_csr(tmp_path / "X")
    assert_same(mapped, X)
    assert mapped.dtype == np.float32
    assert mapped.indptr.dtype == mapped.indices.dtype == np.int32


def test_numpy_alone_reads_the_files(tmp_path: Path) -> None:
    X = matrix()
    save_csr(tmp_path / "X", X)
    assert sorted(os.listdir(tmp_path / "X")) == [
        "data.npy",
        "indices.npy",
        "indptr.npy",
        "matrix.json",
    ]
    for name in ARRAYS:
        np.testing.assert_array_equal(np.load(tmp_path / "X" / f"{name}.npy"), getattr(X, name))
    assert json.loads((tmp_path / "X" / "matrix.json").read_text())["shape"] == [40, 12]


def test_what_is_opened_is_the_file_itself(tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    mapped = open_csr(tmp_path / "X")
    for name in ARRAYS:
        array = getattr(mapped, name)
        file = backing(array)
        assert file is not None
        assert file.mode == "r"
        assert Path(file.filename).name == f"{name}.npy"
        assert np.shares_memory(array, file)
        with pytest.raises(ValueError, match="read-only"):
            array[:1] = 0
    assert mapped.has_canonical_format
    # Neither a look at the format nor a check brings a copy in.
    before = [getattr(mapped, name) for name in ARRAYS]
    mapped.check_format(full_check=True)
    for name, array in zip(ARRAYS, before, strict=True):
        assert np.shares_memory(getattr(mapped, name), array)


def test_blocks_are_put_together(tmp_path: Path) -> None:
    X = matrix(50)
    parts = (X[first : first + 7] for first in range(0, 50, 7))
    save_csr(tmp_path / "X", parts)
    assert_same(open_csr(tmp_path / "X"), X)


def test_large_blocks_are_written_in_parts(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(_csr_files, "_ENTRIES_PER_BLOCK", 5)
    X = matrix(50)
    save_csr(tmp_path / "X", X)
    assert_same(open_csr(tmp_path / "X"), X)


def test_rows_become_canonical(tmp_path: Path) -> None:
    # Row 0: 5 in column 2, 1 + 2 in column 0; row 1: 1 - 1, and a stored zero.
    arrays = ([5.0, 1.0, 2.0, 1.0, -1.0, 0.0], [2, 0, 0, 1, 1, 2], [0, 3, 6])
    X = sp.csr_array(arrays, shape=(2, 3), dtype=np.float32)
    save_csr(tmp_path / "X", X)
    mapped = open_csr(tmp_path / "X")
    np.testing.assert_array_equal(mapped.indptr, [0, 2, 2])
    np.testing.assert_array_equal(mapped.indices, [0, 2])
    np.testing.assert_array_equal(mapped.data, [3, 5])
    assert X.nnz == 6  # the caller's is as it was


@pytest.mark.parametrize(
    "given, asked, written",
    [
        (np.float64, None, np.float64),
        (np.int64, None, np.float32),
        (np.float64, np.float32, np.float32),
        (np.float32, "float64", np.float64),
    ],
)
def test_type_of_the_values(given: Any, asked: Any, written: Any, tmp_path: Path) -> None:
    X = (matrix() * 10).astype(given)
    save_csr(tmp_path / "X", X, dtype=asked)
    mapped = open_csr(tmp_path / "X")
    assert mapped.dtype == written
    assert_same(mapped, X.astype(written))


def test_values_too_small_for_the_type_are_zeros(tmp_path: Path) -> None:
    save_csr(tmp_path / "X", sp.csr_array([[1e-60, 1.0]]), dtype=np.float32)
    assert open_csr(tmp_path / "X").nnz == 1


def test_int64_where_int32_cannot_count(tmp_path: Path, monkeypatch: Any) -> None:
    X = matrix(50)
    monkeypatch.setattr(_csr_files, "_INT32_MAX", 60)
    monkeypatch.setattr(_csr_files, "_ENTRIES_PER_BLOCK", 16)
    assert X.nnz > 60
    save_csr(tmp_path / "X", X)  # the first blocks are written before it is known
    mapped = open_csr(tmp_path / "X")
    assert mapped.indptr.dtype == mapped.indices.dtype == np.int64
    assert_same(mapped, X)
    assert backing(mapped.indices) is not None
    assert len(os.listdir(tmp_path / "X")) == 4


def test_int64_for_a_wide_matrix(tmp_path: Path) -> None:
    X = sp.csr_array(([1.0, 2.0], [3, 2**33], [0, 1, 2]), shape=(2, 2**33 + 1), dtype=np.float32)
    save_csr(tmp_path / "X", X)
    mapped = open_csr(tmp_path / "X")
    assert mapped.indices.dtype == mapped.indptr.dtype == np.int64
    np.testing.assert_array_equal(mapped.indices, [3, 2**33])
    assert backing(mapped.indptr) is not None


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3)])
def test_nothing_stored(shape: tuple[int, int], tmp_path: Path) -> None:
    save_csr(tmp_path / "X", sp.csr_array(shape, dtype=np.float32))
    mapped = open_csr(tmp_path / "X")
    assert (mapped.shape, mapped.nnz) == (shape, 0)


@pytest.mark.parametrize(
    "X, error, message",
    [
        (np.eye(3), TypeError, "sparse matrix or an iterable of sparse matrices. Got ndarray"),
        (3, TypeError, "Got int"),
        ([np.eye(3)], TypeError, "sparse blocks. Got ndarray"),
        ([], ValueError, "at least one block"),
        ([matrix(3, 4), matrix(3, 5)], ValueError, "equal width. Got 5 columns from row 3 on"),
        (matrix().astype(complex), ValueError, "real numbers"),
        (sp.coo_array(np.ones(3)), ValueError, "two dimensions"),
        (
            sp.csr_array((np.ones(1), np.array([7]), np.array([0, 1])), shape=(1, 3)),
            ValueError,
            "column numbers from 7 to 7 in a matrix of 3 columns",
        ),
    ],
)
def test_bad_input_leaves_nothing(X: Any, error: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=message):
        save_csr(tmp_path / "X", X)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("dtype", [np.int32, "float16"])
def test_bad_type(dtype: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dtype must be float32, float64 or None"):
        save_csr(tmp_path / "X", matrix(), dtype=dtype)


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def blocks() -> Any:
        yield matrix()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_csr(tmp_path / "X", blocks())
    assert os.listdir(tmp_path) == []


def test_a_matrix_is_replaced_only_on_request(tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save_csr(tmp_path / "X", matrix(3))
    mapped = open_csr(tmp_path / "X")
    save_csr(tmp_path / "X", mapped[:5], overwrite=True)
    assert open_csr(tmp_path / "X").shape == (5, 12)
    assert os.listdir(tmp_path) == ["X"]


def test_a_matrix_can_be_replaced_by_itself(tmp_path: Path) -> None:
    X = matrix()
    save_csr(tmp_path / "X", X)
    save_csr(tmp_path / "X", open_csr(tmp_path / "X"), overwrite=True, dtype=np.float64)
    assert_same(open_csr(tmp_path / "X"), X)


def test_a_failure_keeps_what_was_there(tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    with pytest.raises(ValueError, match="equal width"):
        save_csr(tmp_path / "X", [matrix(3, 4), matrix(3, 5)], overwrite=True)
    assert open_csr(tmp_path / "X").shape == (40, 12)
    assert os.listdir(tmp_path) == ["X"]


def test_other_folders_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "X").mkdir()
    (tmp_path / "X" / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="not a matrix saved by save_csr"):
        save_csr(tmp_path / "X", matrix(), overwrite=True)
    assert (tmp_path / "X" / "thesis.txt").exists()


def test_no_folder_to_write_into(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent is no folder"):
        save_csr(tmp_path / "absent" / "X", matrix())


def test_no_matrix_to_open(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no matrix saved by save_csr"):
        open_csr(tmp_path / "X")


@pytest.mark.parametrize("name", ARRAYS)
def test_missing_and_cut_off_files(name: str, tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    file = tmp_path / "X" / f"{name}.npy"
    content = file.read_bytes()
    file.unlink()
    with pytest.raises(FileNotFoundError, match=f"{name}.npy is missing"):
        open_csr(tmp_path / "X")
    for length in (0, 20, len(content) - 1):
        file.write_bytes(content[:length])
        with pytest.raises(ValueError, match=f"{name}.npy cannot be read; it may be incomplete"):
            open_csr(tmp_path / "X")


@pytest.mark.parametrize(
    "name, values, message",
    [
        ("indptr", np.zeros(41, np.int64), "index arrays of type int64 and int32"),
        ("indptr", np.zeros(40, np.int32), r"arrays of shapes \(40,\)"),
        ("indptr", np.zeros(41, np.int32), "does not rise from 0 to"),
        ("data", np.zeros(2, np.float32), "for 40 rows"),
        ("data", np.zeros(96, complex), "values of type complex128"),
    ],
)
def test_arrays_that_do_not_fit(name: str, values: Any, message: str, tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    np.save(tmp_path / "X" / f"{name}.npy", values)
    with pytest.raises(ValueError, match=f"is damaged: it has .*{message}"):
        open_csr(tmp_path / "X")


def test_an_index_pointer_that_falls(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(_csr_files, "_ENTRIES_PER_BLOCK", 4)
    X = matrix()
    for row in (5, 8, 20, 39):  # within a part that is looked at, and where two parts meet
        save_csr(tmp_path / "X", X, overwrite=True)
        indptr = X.indptr.copy()
        indptr[row] = indptr[row + 1] + 1
        np.save(tmp_path / "X" / "indptr.npy", indptr)
        with pytest.raises(ValueError, match="does not rise"):
            open_csr(tmp_path / "X")


@pytest.mark.parametrize(
    "manifest, message",
    [
        ("{", "does not describe"),
        ("[]", "does not describe"),
        ('{"format": "sklearn_sifal.csr"}', "does not describe"),
        ('{"format": "sklearn_sifal.csr", "version": 2, "shape": [40, 12]}', "version 2; this"),
        ('{"format": "other", "version": 1, "shape": [40, 12]}', "format 'other'"),
        ('{"format": "sklearn_sifal.csr", "version": 1, "shape": [-1, 12]}', "impossible shape"),
    ],
)
def test_manifests_that_cannot_be_used(manifest: str, message: str, tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    (tmp_path / "X" / "matrix.json").write_text(manifest)
    with pytest.raises(ValueError, match=message):
        open_csr(tmp_path / "X")


def test_files_written_by_hand_are_not_taken_to_be_canonical(tmp_path: Path) -> None:
    (tmp_path / "X").mkdir()
    for name, values in (("indptr", [0, 2]), ("indices", [1, 0])):
        np.save(tmp_path / "X" / f"{name}.npy", np.array(values, np.int64))
    np.save(tmp_path / "X" / "data.npy", np.ones(2, np.float32))
    text = '{"format": "sklearn_sifal.csr", "version": 1, "shape": [1, 2]}'
    (tmp_path / "X" / "matrix.json").write_text(text)
    X = open_csr(tmp_path / "X")
    assert not X.has_canonical_format
    assert X.indices.dtype == np.int64  # although int32 would do: that would be a copy


def test_other_files_are_not_deleted(tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    (tmp_path / "X" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"notes\.txt.*did not write"):
        save_csr(tmp_path / "X", matrix(), overwrite=True)
    assert (tmp_path / "X" / "notes.txt").read_text() == "mine"


def test_values_too_large_for_their_type(tmp_path: Path) -> None:
    X = sp.csr_array(np.array([[1.0, 2.0], [0.0, 1e300], [np.inf, 0.0]]))
    with pytest.raises(ValueError, match=r"1e\+300 in row 1 as float32"):
        save_csr(tmp_path / "X", X, dtype=np.float32)
    assert list(tmp_path.iterdir()) == []
    save_csr(tmp_path / "X", X[[0, 2]], dtype=np.float32)  # infinite before: told by fit


def test_an_index_pointer_that_falls_is_not_written(tmp_path: Path) -> None:
    X = matrix(3, 4).tocsr()
    X.indptr = np.array([0, 2, 1, X.nnz], X.indptr.dtype)
    with pytest.raises(ValueError, match="index pointer that falls"):
        save_csr(tmp_path / "X", X)


# --------------------------------------------------------------- links, modes, left-overs


def test_a_link_stays_and_the_folder_that_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link = tmp_path / "link"
    link.symlink_to(Path("far", "X"))
    save_csr(link, matrix())  # nothing is there yet
    save_csr(link, matrix(7), overwrite=True)
    assert link.is_symlink()
    assert os.listdir(tmp_path / "far") == ["X"]
    assert open_csr(link).shape == (7, 12)


def test_links_to_other_things_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("years of work")
    for name, target in (("link", "file"), ("null", "/dev/null"), ("loop", "loop")):
        (tmp_path / name).symlink_to(target)
        with pytest.raises(OSError, match=r"not a matrix saved by save_csr|symbolic links"):
            save_csr(tmp_path / name, matrix(), overwrite=True)
        assert (tmp_path / name).is_symlink()
    assert (tmp_path / "file").read_text() == "years of work"


@posix
def test_modes_of_a_new_and_of_a_replaced_matrix(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save_csr(tmp_path / "X", matrix())
        assert stat.S_IMODE((tmp_path / "X").stat().st_mode) == 0o750
        assert stat.S_IMODE((tmp_path / "X" / "data.npy").stat().st_mode) == 0o640
        (tmp_path / "X").chmod(0o700)
        (tmp_path / "X" / "data.npy").chmod(0o600)
        os.umask(0)
        save_csr(tmp_path / "X", matrix(7), overwrite=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "X").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "X" / "data.npy").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "X" / "indices.npy").stat().st_mode) == 0o640


@posix
def test_a_matrix_that_may_not_be_written_to_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_csr(tmp_path / "X", matrix())
    (tmp_path / "X").chmod(0o555)
    if os.geteuid() == 0:  # who may write to any
        monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(PermissionError):
        save_csr(tmp_path / "X", matrix(7), overwrite=True)
    assert open_csr(tmp_path / "X").shape == (40, 12)
    assert os.listdir(tmp_path) == ["X"]


@posix
def test_files_and_folder_are_on_the_disk_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    sync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def renamed(source: Any, target: Any) -> None:
        done.append(f"to {Path(target).name}")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    save_csr(tmp_path / "X", matrix())
    assert done == ["file"] * 4 + ["folder", "to X", "folder"]


def killed_while_it_replaces(path: Path) -> tuple[Path, Path]:
    """What is left of `save_csr` to a path by a kill between its two renames."""
    part = hidden_name(path)
    part.touch()
    path.rename(part.with_suffix(".old"))
    part.with_suffix(".tmp").mkdir()
    (part.with_suffix(".tmp") / "data.npy").write_bytes(b"half")
    return part.with_suffix(".old"), part.with_suffix(".tmp")


@posix
def test_what_a_killed_save_had_put_aside_comes_back(tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    killed_while_it_replaces(tmp_path / "X")
    with pytest.raises(FileNotFoundError, match="no matrix saved by save_csr"):
        open_csr(tmp_path / "X")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save_csr(tmp_path / "X", matrix(7))
    assert os.listdir(tmp_path) == ["X"]
    assert open_csr(tmp_path / "X").shape == (40, 12)


@posix
def test_left_overs_of_a_killed_save_are_removed(tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    killed_while_it_replaces(tmp_path / "X")
    save_csr(tmp_path / "X", matrix(7), overwrite=True)
    assert os.listdir(tmp_path) == ["X"]
    assert open_csr(tmp_path / "X").shape == (7, 12)


@posix
def test_folders_of_a_living_save_are_left_alone(tmp_path: Path) -> None:
    import fcntl

    save_csr(tmp_path / "X", matrix())
    old, temporary = killed_while_it_replaces(tmp_path / "X")
    lock = os.open(old.with_suffix(".part"), os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        save_csr(tmp_path / "X", matrix(7))
        assert old.is_dir()
        assert temporary.is_dir()
    finally:
        os.close(lock)


def test_of_several_that_replace_a_matrix_the_last_one_wins_whole(tmp_path: Path) -> None:
    errors = []

    def write_often(n: int) -> None:
        try:
            for _ in range(12):
                save_csr(tmp_path / "X", matrix(n), overwrite=True)
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write_often, args=(n,)) for n in (5, 6, 7)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["X"]
    mapped = open_csr(tmp_path / "X")
    assert_same(mapped, matrix(mapped.shape[0]))


@posix
def test_a_full_disk_is_an_os_error_that_names_the_folder(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys, numpy as np, scipy.sparse as sp\n"
        "from sklearn_sifal.datasets import save_csr\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try:\n"
        "    save_csr(sys.argv[1], sp.csr_array(np.ones((100, 100))))\n"
        "except OSError as error:\n"
        "    print(error.errno, error.filename)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "X"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{errno.EFBIG} {tmp_path / 'X'}\n"
    assert os.listdir(tmp_path) == []


def test_an_error_of_the_blocks_is_not_one_of_the_folder(tmp_path: Path) -> None:
    def blocks() -> Any:
        yield matrix()
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    with pytest.raises(ConnectionResetError) as caught:
        save_csr(tmp_path / "X", blocks())
    assert caught.value.filename is None
    assert os.listdir(tmp_path) == []


def test_paths_of_bytes_and_long_names(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / ("語" * 85))
    save_csr(path, matrix())
    save_csr(path, matrix(7), overwrite=True)
    assert open_csr(path).shape == (7, 12)
    assert os.listdir(tmp_path) == ["語" * 85]


# -------------------------------------------------------------------- hostile folders


@pytest.mark.parametrize(
    "shape",
    [
        "[1e400, 12]",
        "[40.5, 12]",
        '"ab"',
        "[true, 12]",
        "[40, 12, 1]",
        "[40]",
        "null",
        "[40, " + "9" * 4000 + "]",
        "[9223372036854775808, 12]",
    ],
)
def test_shapes_that_no_matrix_has(shape: str, tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    text = f'{{"format": "sklearn_sifal.csr", "version": 1, "shape": {shape}}}'
    (tmp_path / "X" / "matrix.json").write_text(text)
    with pytest.raises(ValueError, match=r"matrix\.json has the impossible shape") as caught:
        open_csr(tmp_path / "X")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b'{"format": ' + b"[" * 5000 + b"]" * 5000 + b', "version": 1, "shape": [40, 12]}',
        b'{"format": "sklearn_sifal.csr", "version": 1, "shape": [40, ' + b"9" * 5000 + b"]}",
        b'"sklearn_sifal.csr"',
        b"\xff\xfe",
        b" " * 100_000,
    ],
)
def test_manifests_that_python_cannot_read(text: bytes, tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    (tmp_path / "X" / "matrix.json").write_bytes(text)
    with pytest.raises(ValueError, match=r"matrix\.json does not describe a saved matrix"):
        open_csr(tmp_path / "X")


def npy(described: str) -> bytes:
    text = described.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(500)


@pytest.mark.parametrize(
    "content",
    [
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,), }"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 30 + ",), }"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-5,), }"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (5,), }"),
        npy("(" * 90),
        npy("-" * 9000 + "1"),
        npy("(" * 60_000),
        b"\x80\x04." + bytes(500),
        b"\x93NUMPY\x09\x00" + bytes(500),
    ],
)
def test_arrays_that_numpy_cannot_map(content: bytes, tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    (tmp_path / "X" / "data.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"data\.npy cannot be read"):
        open_csr(tmp_path / "X")


def test_an_archive_in_place_of_an_array(tmp_path: Path) -> None:
    save_csr(tmp_path / "X", matrix())
    np.savez(tmp_path / "X" / "data.npy.npz", data=matrix().data)
    (tmp_path / "X" / "data.npy.npz").rename(tmp_path / "X" / "data.npy")
    with pytest.raises(ValueError, match=r"data\.npy cannot be read: it is no \.npy file"):
        open_csr(tmp_path / "X")


@pytest.fixture(params=[50, 12, -1])
def out_of_range(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, str]:
    """A mapped matrix with a column that it does not have, and what is said of that."""
    X = matrix()
    save_csr(tmp_path / "X", X)
    indices = X.indices.copy()
    indices[17] = request.param
    np.save(tmp_path / "X" / "indices.npy", indices)
    row = int(np.flatnonzero(X.indptr <= 17)[-1])
    said = rf"indices\.npy\) has a value in column {request.param} of row {row}, .* from 0 to 11"
    return open_csr(tmp_path / "X"), said


@pytest.mark.parametrize("kind", [LossSampledClassifier, LossSampledRegressor])
def test_the_estimators_name_file_row_and_column(kind: Any, out_of_range: Any) -> None:
    mapped, said = out_of_range
    X, y = matrix(), np.arange(40) % 2
    fitted = kind(budget=1, hidden_layer_sizes=(4,), random_state=0).fit(X, y)
    before = fitted.predict(X)
    for attempt in (
        lambda: kind(budget=1).fit(mapped, y),
        lambda: fitted.partial_fit(mapped, y),
        lambda: fitted.predict(mapped),
        lambda: kind(budget=1).fit(X, y, X_val=mapped, y_val=y),
    ):
        with pytest.raises(ValueError, match=said):
            attempt()
    np.testing.assert_array_equal(fitted.predict(X), before)


def test_the_net_names_file_row_and_column(out_of_range: Any) -> None:
    mapped, said = out_of_range
    y = np.arange(40) % 2
    net = LossSampledNet(torch.nn.Linear(12, 2), max_epochs=1, verbose=0)
    with pytest.raises(ValueError, match=said):
        net.fit(mapped, y)
    with pytest.raises(ValueError, match=said):
        net.fit(matrix(), y).predict(mapped)


def test_an_index_pointer_that_falls_is_not_trained_on() -> None:
    X = matrix(3, 4).tocsr()
    X.indptr = np.array([0, 2, 1, X.nnz], X.indptr.dtype)
    with pytest.raises(ValueError, match="X has an index pointer that falls after row 1"):
        LossSampledClassifier(budget=1).fit(X, [0, 1, 0])


def test_values_that_are_not_finite_are_not_trained_on(tmp_path: Path) -> None:
    X = matrix()
    save_csr(tmp_path / "X", X)
    values = X.data.copy()
    values[3] = np.nan
    np.save(tmp_path / "X" / "data.npy", values)
    with pytest.raises(ValueError, match="X contains NaN"):
        LossSampledClassifier(budget=1).fit(open_csr(tmp_path / "X"), np.arange(40) % 2)
