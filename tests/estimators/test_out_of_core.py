"""Training on memory maps: nothing of the size of X comes into the process's own memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor, _inputs
from sklearn_sifal.datasets import open_csr, save_csr

# Pages of mapped files are not counted in RssAnon; what a process copies is.
MEASURE = """
import json
import re
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal.datasets import open_csr, save_csr

folder, kind = Path(sys.argv[1]), sys.argv[2]
N, K = 120_000, 60
WIDTH = {"dense": 100}.get(kind, 2000)


def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def row_blocks():
    rng = np.random.default_rng(0)
    for n in [10_000] * (N // 10_000):
        first = rng.integers(0, WIDTH // K, n, dtype=np.int32)[:, None]
        columns = (first + np.arange(0, WIDTH, WIDTH // K)[:K]).ravel() % WIDTH
        values = rng.random(n * K, dtype=np.float32) + 0.5
        yield sp.csr_array((values, columns, np.arange(0, n * K + 1, K)), shape=(n, WIDTH))


def open_data():
    if kind == "saved":
        save_csr(folder / "X", row_blocks())
        return open_csr(folder / "X")
    if kind == "dense":
        file = folder / "X.dat"
        X = np.memmap(file, np.float32, "w+", shape=(N, WIDTH))
        X[:] = np.random.default_rng(0).random(WIDTH, dtype=np.float32)
        X[:, 0] = np.arange(N) % 7
        X.flush()
        return np.memmap(file, np.float32, "r", shape=(N, WIDTH))
    # By hand, with int64 indices, although int32 would do, or with index arrays of two types.
    save_csr(folder / "X", row_blocks())
    saved = open_csr(folder / "X")
    X = sp.csr_array(saved.shape, dtype=np.float32)
    for name in ("indptr", "indices", "data"):
        values = getattr(saved, name)
        wide = values.astype(np.int64) if name in kind.split() else values
        np.save(folder / f"{name}.npy", wide)
        setattr(X, name, np.load(folder / f"{name}.npy", mmap_mode="r"))
    return X


@contextmanager
def peak_of(found, name):
    before, done, peak = anonymous(), threading.Event(), [0.0]

    def watch():
        while not done.wait(0.002):
            peak[0] = max(peak[0], anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield
    done.set()
    watcher.join()
    found[name] = max(peak[0], anonymous()) - before


def small(**parameters):
    settings = {"hidden_layer_sizes": (4,), "batch_size": 2048, "budget": 2, "random_state": 0}
    return LossSampledClassifier(**{**settings, **parameters})


rng = np.random.default_rng(0)
few = sp.csr_array(rng.poisson(1.0, (300, 20)).astype(np.float32))
for X in (few, few.toarray()):  # what imports and first calls cost is not counted
    small(early_stopping=True).fit(X, np.arange(300) % 3).predict(X)

X, y = open_data(), np.arange(N) % 3
found = {"size": (X.data.nbytes + X.indices.nbytes if sp.issparse(X) else X.nbytes) / 2**20}
with peak_of(found, "fit"):
    model = small().fit(X, y)
with peak_of(found, "early stopping and zero weights"):
    small(early_stopping=True).fit(X, y, sample_weight=np.arange(N) % 5)
with peak_of(found, "partial_fit"):
    small().partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)
with peak_of(found, "predict"):
    model.predict(X)
with peak_of(found, "instance_losses"):
    model.instance_losses(X, y)
with peak_of(found, "regressor"):
    settings = {"hidden_layer_sizes": (4,), "batch_size": 2048, "budget": 2, "random_state": 0}
    LossSampledRegressor(early_stopping=True, **settings).fit(X, y).predict(X)
with peak_of(found, "a copy"):  # shows that the measurement sees one
    copy = X.copy() if sp.issparse(X) else np.array(X)
print(json.dumps(found))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize("kind", ["saved", "indptr indices", "indptr", "dense"])
def test_nothing_as_large_as_the_map_is_copied(kind: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path), kind],
        capture_output=True,
        text=True,
        check=True,
    )
    used = json.loads(done.stdout)
    size, copy = used.pop("size"), used.pop("a copy")
    assert copy > 0.9 * size > 40
    # Some 60 bytes a row, and blocks of a few MB.
    assert {name: mb for name, mb in used.items() if mb > 32} == {}


def map_of(X: Any, kind: str, folder: Path) -> Any:
    """X as read-only maps, made in one of the ways in which people make them."""
    if kind == "dense":
        np.save(folder / "X.npy", X.toarray())
        return np.load(folder / "X.npy", mmap_mode="r")
    if kind == "saved":
        save_csr(folder / "X", X)
        return open_csr(folder / "X")
    mapped = sp.csr_array(X.shape, dtype=X.dtype)
    for name in ("indptr", "indices", "data"):
        values = getattr(X, name)
        values = values.astype(np.int64) if name in kind.split() else values
        np.save(folder / f"{name}.npy", values)
        setattr(mapped, name, np.load(folder / f"{name}.npy", mmap_mode="r"))
    return mapped


@pytest.mark.parametrize("kind", ["dense", "saved", "indptr indices", "indptr"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_maps_train_as_arrays_do(kind: str, early_stopping: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = sp.random_array((400, 30), density=0.2, format="csr", dtype=np.float32, rng=rng)
    y, weights = rng.integers(0, 3, 400), rng.integers(0, 3, 400)
    mapped = map_of(X, kind, tmp_path)
    inputs = X.toarray() if kind == "dense" else X
    for estimator in (LossSampledClassifier, LossSampledRegressor):
        model = estimator(
            hidden_layer_sizes=(8,), budget=3, early_stopping=early_stopping, random_state=0
        )
        expected = model.fit(inputs, y, sample_weight=weights).predict(inputs)
        table = model.loss_table_
        np.testing.assert_array_equal(
            model.fit(mapped, y, sample_weight=weights).predict(mapped), expected
        )
        for name in table.dtype.names:  # as a whole, records with NaN are never equal
            np.testing.assert_array_equal(model.loss_table_[name], table[name])
        chunk = estimator(random_state=0, hidden_layer_sizes=(8,))
        more = {"classes": [0, 1, 2]} if estimator is LossSampledClassifier else {}
        expected = chunk.partial_fit(inputs, y, **more).partial_fit(inputs, y).predict(inputs)
        chunk = estimator(random_state=0, hidden_layer_sizes=(8,))
        chunk.partial_fit(mapped, y, **more).partial_fit(mapped, y)
        np.testing.assert_array_equal(chunk.predict(mapped), expected)


@pytest.mark.parametrize("wide", ["", "indptr"])
def test_a_map_that_is_not_canonical_is_put_right(wide: str, tmp_path: Path) -> None:
    arrays = np.ones(4, np.float32), np.array([1, 0, 0, 1]), np.array([0, 2, 4])
    X = sp.csr_array(arrays, shape=(2, 2))
    mapped = map_of(X, wide, tmp_path)
    model = LossSampledClassifier(hidden_layer_sizes=(4,), budget=2, random_state=0)
    model.fit(mapped, [0, 1])
    np.testing.assert_array_equal(mapped.indices, X.indices)


@pytest.mark.parametrize("per_part", [1, 2, 3, 100])
def test_canonical_with_index_arrays_of_two_types(per_part: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(_inputs, "_ENTRIES_PER_PART", per_part)
    rng = np.random.default_rng(0)
    for density in (0.0, 0.1, 0.5):
        X = sp.random_array((30, 8), density=density, format="csr", dtype=np.float32, rng=rng)
        X.sort_indices()
        X.indptr = X.indptr.astype(np.int64)
        assert _inputs.canonical_csr(X) is X
        rows = np.flatnonzero(np.diff(X.indptr) > 1)
        for row in rows:
            changed = X.copy()
            changed.indptr = X.indptr
            first = X.indptr[row]
            changed.indices[first + 1] = changed.indices[first]  # a repeat
            assert _inputs.canonical_csr(changed) is not changed
