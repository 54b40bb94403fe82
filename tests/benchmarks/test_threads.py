"""The table of thread counts: its short version runs."""

import importlib
import sys
from pathlib import Path

import pytest
import torch

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
threads = importlib.import_module("benchmarks.threads")


def test_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "THREADS", (1, 2))
    before = torch.get_num_threads()
    line = threads.measure("sparse", (8,), repeats=1, work=1.0)
    # 8 x 77 multiplications a row: the sparse layer counts nothing.
    assert line[:3] == ["sparse", "8", "0.001"]
    assert all(float(value) > 0 for value in line[3:5])
    assert line[5] in ("1", "2")
    assert line[6] == "1"
    assert torch.get_num_threads() == before


def test_data() -> None:
    X, y = threads.make_data("sparse", 10)
    assert X.shape == (10, 20_000)
    assert X.nnz <= 220
    assert y.max() < 77
