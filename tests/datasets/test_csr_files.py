"""Saved sparse matrices: what is written, what is mapped, and what cannot be read."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_sifal.datasets import _csr_files, open_csr, save_csr

ARRAYS = ("indptr", "indices", "data")


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
