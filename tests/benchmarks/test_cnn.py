"""The comparison of strategies for a convolutional net: its short version runs."""

import importlib
import sys
from pathlib import Path

import pytest

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
cnn = importlib.import_module("benchmarks.cnn")


def test_quick_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    page = tmp_path / "cnn.html"
    cnn.main(["--quick", "--report", str(page)])
    shown = capsys.readouterr().out
    for name in ("base", "random", *cnn.STRATEGIES):
        assert f"\n{name} " in shown
    assert "A CNN on MNIST" in page.read_text(encoding="utf-8")
