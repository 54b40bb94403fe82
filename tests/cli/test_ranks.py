"""``sifal ranks``: a folder of comparisons in, a table, words and a picture out."""

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sklearn_sifal.cli import main
from sklearn_sifal.comparison._scores import CLASSIFICATION

METRICS = [vars(metric) for metric in CLASSIFICATION[:2]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight comparisons, on each of which mine is better than base by a point or more."""
    found = tmp_path / "results"
    found.mkdir()
    for i in range(8):
        gains = {"base": 0.0, "random": (-1) ** i / 200, "mine": 0.01 + i / 1000}
        (found / f"file {i}.json").write_text(json.dumps(saved(gains, i)), encoding="utf-8")
    return found


def saved(gains: dict[str, float], i: int, **changes: Any) -> dict[str, Any]:
    runs = [
        {
            "strategy": name,
            "seed": seed,
            "budget": 4.0,
            "accuracy": 0.5 + i / 50 + gain,
            "balanced_accuracy": 0.5 - gain,
            "seconds": i + seed / 10,
            "error": None,
        }
        for name, gain in gains.items()
        for seed in (0, 1)
    ]
    return {
        "format": "sklearn_sifal.comparison",
        "version": 1,
        "verdict": "",
        "metrics": METRICS,
        "strategies": list(gains),
        "budgets": [4.0],
        "parameters": {},
        "summary": [],
        "runs": runs,
        **changes,
    }


def ranks(*arguments: Any) -> int:
    return main(["ranks", *map(str, arguments)])


def error_of(capsys: Any, *arguments: Any) -> str:
    assert ranks(*arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("sifal: error: ")
    return line.removeprefix("sifal: error: ")


def test_a_table_and_a_verdict(folder: Path, capsys: Any) -> None:
    assert ranks(folder) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("StrategyRanks of 3 strategies on 8 data sets, by accuracy\n")
    # 0.01 to 0.017: the median is in the middle, in points.
    assert "Better than base over 8 data sets by more than chance: mine." in shown.out
    assert "mine (8 won, median +1.35 points, p = 0.016)" in shown.out
    assert shown.err.startswith("8 comparisons: 'file 0', 'file 1',")


def test_another_figure_another_yardstick(folder: Path, capsys: Any) -> None:
    assert ranks(folder, "--metric", "balanced_accuracy", "--budget", 4, "--quiet") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "Worse by more than chance: mine." in shown.out
    assert ranks(folder, "--yardstick", "mine") == 0
    assert "No strategy was better than mine over 8 data sets" in capsys.readouterr().out


def test_the_ranks_as_a_file(folder: Path, tmp_path: Path) -> None:
    assert ranks(folder, "--out", tmp_path / "r.csv") == 0
    with open(tmp_path / "r.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["strategy"] for row in rows] == ["mine", "base", "random"]
    assert (rows[0]["wins"], rows[0]["outcome"]) == ("8", "better")
    assert rows[1]["p_value"] == ""
    assert ranks(folder, "--out", tmp_path / "r.jsonl") == 0
    lines = (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["p_value"] for line in lines][:2] == [2**-7, None]
    for _ in range(2):  # in the folder, and there already
        assert ranks(folder, "--out", folder / "r.tsv") == 0
    assert (folder / "r.tsv").read_text(encoding="utf-8").startswith("strategy\tmean_rank\t")


@pytest.mark.parametrize(
    "name, begin", [("r.png", b"\x89PNG"), ("r.svg", b"<?xml"), ("r.PDF", b"%PDF")]
)
def test_the_picture(name: str, begin: bytes, folder: Path, tmp_path: Path, capsys: Any) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    assert ranks(folder, "--plot", tmp_path / name) == 0
    assert (tmp_path / name).read_bytes().startswith(begin)
    assert f"Written: {tmp_path / name}" in capsys.readouterr().err
    assert plt.get_fignums() == []


def test_a_picture_that_fails_leaves_both_files_as_they_were(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    from sklearn_sifal.comparison._ranks import StrategyRanks

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StrategyRanks, "plot", interrupted)
    (tmp_path / "r.csv").write_text("old", encoding="utf-8")
    assert ranks(folder, "--out", tmp_path / "r.csv", "--plot", tmp_path / "r.png") == 130
    assert (tmp_path / "r.csv").read_text(encoding="utf-8") == "old"
    assert sorted(os.listdir(tmp_path)) == ["r.csv", "results"]


def test_strategies_that_some_lack(folder: Path, capsys: Any) -> None:
    (folder / "more.json").write_text(
        json.dumps(saved({"base": 0.0, "mine": 0.01, "yours": 0.2}, 9)), encoding="utf-8"
    )
    message = error_of(capsys, folder)
    assert "Missing: 'random' in more; 'yours' in file 0, file 1," in message
    assert message.endswith("--common ranks those that all have.")
    assert ranks(folder, "--common") == 0
    assert "not all data sets have them: 'random', 'yours'." in capsys.readouterr().out


def test_what_compare_writes_is_ranked(queries: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "two").mkdir()
    for name in ("one", "other"):
        options = ["--label", "intent", "--text", "text", "--budget", "2", "--hidden", "8"]
        options += ["--seeds", "1", "--strategies", "base,percentile", "--quiet"]
        out = tmp_path / "two" / f"{name}.json"
        assert main(["compare", str(queries), *options, "--out", str(out)]) == 0
    capsys.readouterr()
    assert ranks(tmp_path / "two") == 0
    assert "2 data sets are too few to tell one strategy" in capsys.readouterr().out
    shutil.copy(out, tmp_path / "two" / "copy.json")
    assert "other and copy have the same trainings" in error_of(capsys, tmp_path / "two")


# --------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "options, expected",
    [
        (["--metric", "f1"], "--metric must be a figure of every comparison. Got 'f1'"),
        (["--budget", "3"], "--budget must be one of every comparison. Got 3.0, which file 0"),
        (["--budget", "x"], "argument --budget: must be a number of passes"),
        (["--yardstick", "bas"], "--yardstick must be one of 'base', 'random', 'mine'. Got 'bas'"),
        (["--out", "r.json"], "--out r.json: the ending says the format, one of .csv, .tsv"),
        (["--plot", "r.gif"], "--plot r.gif: the ending says the format, one of .png, .svg, .pdf"),
        (["--plot", "."], "--plot . is a folder"),
        (["--plot", "r.png", "--out", "r.png"], "--out r.png is written by --plot as well"),
        (["--seeds", "3"], "unrecognized arguments: --seeds 3. See: sifal ranks --help"),
    ],
)
def test_options(options: list[str], expected: str, folder: Path, capsys: Any) -> None:
    assert expected in error_of(capsys, folder, *options)
    assert not Path("r.png").exists()


def test_a_folder_that_is_none(folder: Path, tmp_path: Path, capsys: Any) -> None:
    assert "is not there. Name a folder" in error_of(capsys, tmp_path / "nothing")
    assert "is no folder. Name a folder" in error_of(capsys, folder / "file 0.json")
    (tmp_path / "empty").mkdir()
    message = error_of(capsys, tmp_path / "empty")
    assert "has no comparison in it" in message
    assert "Write them by 'sifal compare --out NAME.json'" in message


def test_a_file_that_is_no_comparison_is_named(folder: Path, capsys: Any) -> None:
    (folder / "file 3.json").write_text('{"a": 1}', encoding="utf-8")
    message = error_of(capsys, folder)
    assert "file 3.json: no comparison of strategies" in message
    (folder / "file 3.json").write_bytes(b"[" * 100_000)
    assert "file 3.json: lists or objects are nested too deeply" in error_of(capsys, folder)


@pytest.mark.skipif(os.name == "nt", reason="names and links of POSIX")
def test_names_of_files_are_no_commands_to_the_terminal(folder: Path, capsys: Any) -> None:
    os.rename(folder / "file 0.json", folder / "\x1b[2J\n\udcff.json")
    assert ranks(folder) == 0
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    bad = folder / "\x1b[2J.json"
    bad.write_text("{}", encoding="utf-8")
    assert "\\x1b[2J.json: no comparison" in error_of(capsys, folder)


@pytest.mark.skipif(os.name == "nt", reason="names and links of POSIX")
def test_a_comparison_is_not_written_over(folder: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "r.csv").symlink_to(folder / "file 0.json")
    assert "is the file to read" in error_of(capsys, folder, "--out", tmp_path / "r.csv")


def test_names_in_a_file_are_not_computed_by_a_spreadsheet(folder: Path, tmp_path: Path) -> None:
    for i in range(8):
        gains = {"base": 0.0, "=1+1": 0.01 + i / 1000}
        (folder / f"file {i}.json").write_text(json.dumps(saved(gains, i)), encoding="utf-8")
    assert ranks(folder, "--out", tmp_path / "r.csv") == 0
    assert "\n'=1+1," in (tmp_path / "r.csv").read_text(encoding="utf-8")


def test_help(capsys: Any) -> None:
    assert main(["ranks", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "sifal ranks results --plot ranks.png" in shown
    assert "--drop-rare" not in shown
