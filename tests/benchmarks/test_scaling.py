"""The growth of time and memory: what the cells are made of, and a quick run of all sweeps."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
scaling = importlib.import_module("benchmarks.scaling")
cells = importlib.import_module("benchmarks._scaling_cell")


def cell(kind: str, folder: Path, *, mapped: bool = False) -> Any:
    return cells.Cell(kind, 4000, 5000, mapped, 1, True, str(folder))


@pytest.mark.parametrize("kind", ["zipf", "uniform"])
def test_sparse_rows(kind: str, tmp_path: Path) -> None:
    X = cells.inputs(cell(kind, tmp_path))
    assert X.has_canonical_format
    assert X.nnz / 4000 == pytest.approx(30, rel=0.05)
    # The last 770 columns are keywords, ten of each class, one in every row.
    keywords = X[:, -770:].tocoo()
    np.testing.assert_array_equal(keywords.row, np.arange(4000))
    np.testing.assert_array_equal(keywords.col // 10, cells.labels(4000))
    words = np.bincount(X.indices, minlength=5000)[:-770]
    if kind == "zipf":  # the second word is in about half as many drawn places as the first
        drawn = np.asarray(X.sum(axis=0)).ravel()
        assert drawn[0] / drawn[1] == pytest.approx(2, rel=0.1)
    else:
        assert words.max() < 3 * words.mean()


@pytest.mark.parametrize("kind", ["zipf", "dense"])
def test_a_map_has_the_same_rows(kind: str, tmp_path: Path) -> None:
    in_memory = cells.inputs(cell(kind, tmp_path))
    mapped = cells.inputs(cell(kind, tmp_path, mapped=True))
    if sp.issparse(mapped):
        in_memory, mapped = in_memory[:50].toarray(), mapped[:50].toarray()
    else:
        assert not mapped.flags.writeable
    np.testing.assert_array_equal(in_memory, mapped)


def test_sizes_of_the_full_run(tmp_path: Path) -> None:
    sizes = [c for sweep in scaling.SWEEPS for c in scaling.cells(sweep, False, 3, tmp_path)]
    assert {c.n_rows for c in sizes} == {10**4, 10**5, 10**6, 10**7}
    assert max(c.n_features for c in sizes) == 10**6
    assert all(c.mapped for c in sizes if c.n_rows == 10**7)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_anonymous_memory_is_seen() -> None:
    with cells.peak_memory() as peak:
        values = np.ones(20_000_000, np.int8)  # kept: the watcher may be late
    assert len(values) == 20_000_000
    assert peak["RssAnon"] >= 19_000_000


@pytest.mark.filterwarnings("ignore")
def test_quick_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scaling.main(["--quick", "--out", str(tmp_path)])
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["machine"]["threads"] == "1"
    for sweep in scaling.SWEEPS:
        for line in results[sweep]:
            assert line["mapped"]
            for name in ("base", "default"):
                assert line[name]["seconds"] > 0
                assert line[name]["ratio"] > 0
    assert (tmp_path / "scaling.png").stat().st_size > 1000
    assert "s per million values" in capsys.readouterr().out
    # What was written for the maps is gone.
    assert sorted(p.name for p in tmp_path.iterdir()) == ["results.json", "scaling.png"]
