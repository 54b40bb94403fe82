"""Every function and Display that the benchmark names runs; seconds are not asserted."""

import importlib
import sys
from pathlib import Path

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
inspection = importlib.import_module("benchmarks.inspection")


def test_everything_named_runs() -> None:
    rows = inspection.make_rows(400)
    found = inspection.look(rows)
    assert set(found) == set(inspection.calls(rows))
    assert all(seconds >= 0 for pair in found.values() for seconds in pair)
