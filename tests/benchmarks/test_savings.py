"""The benchmark of savings: its short version runs, and its curves are what they say."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
savings = importlib.import_module("benchmarks.savings")


@pytest.mark.filterwarnings("ignore")
def test_quick_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    savings.main(["--quick", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["chance"]["steep, base under another name"]["visits"] == 0
    assert found["chance"]["steep, 3 visits in one, at 1.1 times the seconds"]["visits"] >= 60
    assert [r["strategy"] for r in found["real"]["digits"]] == ["base", "random", "importance"]
    assert "| `base` | the yardstick | 1.00 | 1.00 | 1.00 | 5 of 5 |" in capsys.readouterr().out


def test_made_up_curves_have_the_accuracies_that_they_say() -> None:
    rng = np.random.default_rng(0)
    accuracies = []
    for _ in range(20):
        runs, _ = savings.made_up(rng, savings.CURVES["flat"], savings.KINDS[3])
        accuracies.append([r["accuracy"] for r in runs if r["strategy"] == "strategy"])
    means = np.mean(accuracies, axis=0).reshape(3, 5).mean(axis=1)
    # Of twice the visits, by 0.93 - 0.12 / budget.
    assert means == pytest.approx([0.89, 0.90, 0.915], abs=0.006)


def test_unknown_parts_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        savings.main(["nothing"])
    assert "unknown part 'nothing'" in capsys.readouterr().err
