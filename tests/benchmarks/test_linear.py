"""The table of nets without hidden layers: its short version runs."""

import importlib
import sys
from pathlib import Path

import pytest

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
linear = importlib.import_module("benchmarks.linear")


@pytest.mark.filterwarnings("ignore")
def test_quick_run(capsys: pytest.CaptureFixture[str]) -> None:
    linear.main(["--quick"])
    *_, line, iris = capsys.readouterr().out.splitlines()
    assert line.startswith("| y = 3x + 1 | ")
    assert line.endswith("| 1.000 (1.000) |  | 1.000 (1.000) |  |")
    assert iris.count("|") == 8


def test_unknown_data_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        linear.main(["--data", "none"])
    assert "unknown data set 'none'" in capsys.readouterr().err
