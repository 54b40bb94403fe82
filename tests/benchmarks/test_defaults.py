"""How the defaults were chosen: the summary by hand, the data, and that the command runs."""

import importlib
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_sifal._settings import resolve_settings

# The benchmarks are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
defaults = importlib.import_module("benchmarks.defaults")
parts = importlib.import_module("benchmarks._training_parts")
Outcome = defaults.Outcome


def test_summary_worked_by_hand() -> None:
    found = {
        "first": [Outcome(0.5, 2.0), Outcome(0.6, 4.0)],
        "other": [Outcome(0.6, 1.0), Outcome(0.9, 6.0)],
    }
    first, other = defaults.summary(found)
    assert (first["gain"], first["ratio"]) == (0, 1)
    assert other["accuracy"] == pytest.approx(0.75)
    assert other["gain"] == pytest.approx(20)  # 10 and 30 points
    assert other["error"] == pytest.approx(10)  # of which 14.1 is the deviation
    assert other["ratio"] == pytest.approx(1.0)  # 0.5 and 1.5
    assert other["seconds"] == pytest.approx(3.5)


def test_one_fit_has_no_standard_error() -> None:
    (line,) = defaults.summary({"only": [Outcome(0.5, 2.0)]})
    assert math.isnan(line["error"])


def test_multiples_of_auto() -> None:
    fold = parts.QUICK_DATA_SETS["table-100"].folds()[0]
    found = resolve_settings(
        defaults.LossSampledClassifier()._description(),
        len(fold.y_train),
        n_features=fold.X_train.shape[1],
        non_zeros=None,
    )
    model = defaults.auto_times(lr=2, budget=0.5)(fold, 0)
    assert model.lr == 2 * found.lr
    assert model.budget == found.budget / 2
    assert model.batch_size == found.batch_size
    assert model.weight_decay == "auto"


def test_folds_hold_every_row_out_once() -> None:
    part = parts.TrainingPart(np.arange(40.0)[:, None], np.arange(40) % 2)
    held_out = [fold.X_held_out.ravel() for fold in part.folds(4)]
    np.testing.assert_array_equal(np.sort(np.concatenate(held_out)), np.arange(40))
    (single,) = part.folds(1)
    assert len(single.y_held_out) == 7


def test_newsgroups_are_long_and_have_zipf_words() -> None:
    X, y = parts.make_newsgroups(300, n_words=5000, random_state=1)
    again, _ = parts.make_newsgroups(300, n_words=5000, random_state=1)
    np.testing.assert_array_equal(X.toarray(), again.toarray())
    assert X.shape == (300, 5000)
    assert set(y) == set(range(20))
    lengths = np.asarray(X.sum(axis=1)).ravel()
    assert 100 < np.median(lengths) < 200
    # Of 5,000 words the ten most common are a sixth of the text and more.
    counts = np.sort(np.asarray(X.sum(axis=0)).ravel())
    assert counts[-10:].sum() > counts.sum() / 6


@pytest.mark.filterwarnings("ignore")
def test_quick_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    defaults.main(["mlp", "--quick", "--out", str(tmp_path)])
    assert "| 150 made newsgroups | auto |" in capsys.readouterr().out
    results = json.loads((tmp_path / "results.json").read_text())
    assert len(results["mlp"]["table-100"]["MLPClassifier"]) == 2


@pytest.mark.parametrize("argument", ["no-part", "--data=no-data"])
def test_unknown_names_are_refused(
    argument: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        defaults.main([argument, "--out", str(tmp_path)])
    assert "unknown" in capsys.readouterr().err
