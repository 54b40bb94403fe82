"""The profile of a step: every part that it names is really called, and it runs."""

import importlib
import json
import sys
from pathlib import Path

import pytest

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
step = importlib.import_module("benchmarks.step")


def test_quick_profile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIFAL_DATA", str(tmp_path))
    step.main(["--quick", "--out", str(tmp_path)])
    results = json.loads((tmp_path / "results.json").read_text())
    parts = results["text"]["parts"]
    assert list(parts) == ["fit", *(part.name for part in step.TEXT_PARTS)]
    assert all(value > 0 for value in parts.values())
    assert results["text"]["floor"]["rows"] > 100
    assert "| train_step |" in capsys.readouterr().out
