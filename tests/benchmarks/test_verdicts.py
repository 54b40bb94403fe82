"""The benchmark of the verdicts: its short version runs, and counts what it says it does."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_sifal.comparison import paired_difference

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
verdicts = importlib.import_module("benchmarks.verdicts")


@pytest.mark.filterwarnings("ignore")
def test_quick_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdicts.main(["--quick", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["power"]["digits, 30 % wrong labels, `heap`"]["named"] == 1
    assert len(found["alarms"]) == 2 * len(verdicts.METRICS)
    # Of 4 comparisons of base with itself one may be called different, hardly more.
    assert all(shares[verdicts.LAWS[0]] <= 0.25 for shares in found["alarms"].values())
    assert len(found["splits"]) == 2 * len(verdicts.METRICS)
    assert "| one split, 5 seeds, accuracy | 4 |" in capsys.readouterr().out


def test_the_other_laws_by_hand() -> None:
    # Means 2 and 4 of two trainings, 0, 2, 4, 6 of four rows.
    fits, rows = np.indices((2, 4))
    difference = paired_difference(
        [-1, 1, 3, 5, 1, 3, 5, 7], np.zeros(8), fits=fits.ravel(), rows=rows.ravel()
    )
    found = verdicts.p_values(difference, overlap=0.25)
    assert found["over seeds or splits alone"] == pytest.approx(2 * _cauchy_tail(3 / 1))
    assert found["corrected for splits"] == pytest.approx(2 * _cauchy_tail(3 / np.sqrt(1.5)))
    assert found["this law"] == difference.p_value


def _cauchy_tail(t: float) -> float:
    """Of Student's t with one degree of freedom."""
    return float(0.5 - np.arctan(t) / np.pi)


def test_claims_that_others_contradict() -> None:
    def said(mean: float, claimed: bool) -> dict[str, object]:
        return {"heap": (mean, {"law": claimed})}

    # Each of the first two claims a loss; the means of the others are 1 and 1.5.
    found = [said(-1, True), said(-2, True), said(4, False)]
    assert verdicts._contradicted(found, "law") == (2, 2)
    found = [said(-1, True), said(-2, True), said(0.5, False)]
    assert verdicts._contradicted(found, "law") == (2, 0)
    assert verdicts._contradicted([said(-1, True), said(0, False)], "law") == (1, 1)


def test_unknown_parts_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        verdicts.main(["none"])
    assert "unknown part 'none'" in capsys.readouterr().err
