"""The comparison of strategies on a file."""

import csv
import html
import json
import re
import shlex
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sklearn_sifal.cli import main
from sklearn_sifal.cli._compare import FileCells, command_line, parse_strategies
from sklearn_sifal.cli._loading import Rows
from sklearn_sifal.cli._roles import Roles
from sklearn_sifal.cli._table import Table

QUICK = ["--seeds", "2", "--budget", "2", "--strategies", "base,percentile"]


def compare(*arguments: Any) -> int:
    return main(["compare", *map(str, arguments)])


def test_strategies_with_and_without_a_percentage() -> None:
    assert parse_strategies(["base", "percentage:97.5", "importance"]) == {
        "base": {"sampling_strategy": "base"},
        "percentage:97.5": {"sampling_strategy": "percentage", "sampling_percentage": 97.5},
        "importance": {"sampling_strategy": "importance"},
    }


def test_table_verdict_and_files(queries: Path, tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("matplotlib")
    report, out = tmp_path / "report.html", tmp_path / "runs.csv"
    options = ["--label", "intent", *QUICK, "--report", report, "--out", out]
    assert compare(queries, *options) == 0
    shown = capsys.readouterr()
    for name in ("base", "random", "percentile"):
        assert f"\n{name} " in shown.out
    assert "base by more than chance at equal visits" in shown.out  # of the verdict
    assert "'text' as text, as the contents suggest" in shown.err
    assert "trainings: 100%" in shown.err
    assert f"Written: {report}" in shown.err
    with open(out, encoding="utf-8", newline="") as file:
        runs = list(csv.DictReader(file))
    assert len(runs) == 3 * 2
    assert {run["strategy"] for run in runs} == {"base", "random", "percentile"}
    assert {int(run["visits"]) for run in runs} == {2 * 45}  # 90 rows in two folds
    page = report.read_text(encoding="utf-8")
    assert "Strategies compared on queries.csv" in page
    assert ">line<" in page
    assert "--lr 0.01,0.03,0.1" in page  # advice in words of the command
    assert "lr=[...]" not in page
    typed = shlex.join(["sifal", "compare", str(queries), *map(str, options)])
    (shown_again,) = re.findall("<pre>(.*?)</pre>", page, re.DOTALL)
    assert html.unescape(re.sub("<.*?>", "", shown_again)) == f"{typed} --text=text"
    assert "sklearn.base" not in page  # the user has no estimator to clone
    assert sorted(p.name for p in tmp_path.iterdir()) == ["queries.csv", "report.html", "runs.csv"]


def test_a_test_file_and_json(written: Any, queries: Path, capsys: Any) -> None:
    test = written("test.tsv", "intent\ttext\ncard\tmy card is lost\nlogin\tsigning in is late\n")
    out = queries.with_name("r.json")
    options = ["--label", "intent", "--text", "text", "--test-file", test, *QUICK, "--quiet"]
    assert compare(queries, *options, "--out", out) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["verdict"] in shown.out
    assert [record["strategy"] for record in found["summary"]] == ["base", "random", "percentile"]
    assert {run["visits"] for run in found["runs"]} == {2 * 90}
    assert {run["accuracy"] for run in found["runs"]} <= {0.0, 0.5, 1.0}  # two test rows


def test_options_reach_the_trainings(queries: Path, capsys: Any) -> None:
    out = queries.with_name("r.jsonl")
    options = ["--seeds", "1", "--budget", "1.5,2", "--lr", "0.05", "--hidden", "8,4"]
    options += ["--strategies", "percentile", "--percentage", "50", "--seed", "7", "--quiet"]
    assert compare(queries, "--label", "intent", *options, "--out", out) == 0
    runs = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {run["seed"] for run in runs} == {7}
    assert {run["lr"] for run in runs} == {0.05}
    assert {run["budget"] for run in runs} == {1.5, 2.0}
    visits = {(run["strategy"], run["budget"]): run["visits"] for run in runs}
    assert set(visits.values()) == {108, 144}
    # After a first pass over all 72 rows, rounds of half of them.
    rounds = {run["strategy"]: run["rounds"] for run in runs if run["budget"] == 2.0}
    assert rounds["base"] == 2
    assert rounds["percentile"] == rounds["random"] == 3


def test_the_advice_is_in_words_of_the_command(queries: Path, capsys: Any) -> None:
    assert compare(queries, "--label", "intent", *QUICK, "--seeds", "1") == 0
    shown = capsys.readouterr().out
    assert "Run again with --seeds 5 or more." in shown
    assert "pass several, --lr 0.01,0.03,0.1, and each" in shown
    assert "n_seeds" not in shown
    assert "lr=" not in shown


def test_the_budget_is_enough_if_none_is_given(queries: Path, capsys: Any) -> None:
    options = ["--label", "intent", "--seeds", "1", "--strategies", "base"]
    assert compare(queries, *options) == 0
    # 72 rows are two batches of 64 texts; 200 steps are the least, up to 200 passes.
    assert "Budget: 100 visits a row." in capsys.readouterr().err


@pytest.mark.parametrize("budget, small", [("1", "1"), ("0.5,1,1.5", "0.5, 1"), ("1.5", None)])
def test_a_budget_that_leaves_nothing_to_choose(
    queries: Path, tmp_path: Path, capsys: Any, budget: str, small: str | None
) -> None:
    out = tmp_path / "r.jsonl"
    options = ["--label", "intent", "--seeds", "1", "--strategies", "percentile"]
    assert compare(queries, *options, "--budget", budget, "--out", out) == 0
    said, warning, _ = capsys.readouterr().err.partition(" nothing can be chosen:")
    assert bool(warning) == (small is not None)
    if small is not None:
        assert said.endswith(f"With --budget {small}")
        assert "trainings:" not in said  # before any of them
    runs = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    found: dict[float, set[float]] = {}
    for run in runs:
        found.setdefault(run["budget"], set()).add(run["nll"])
    assert all(len(values) == 1 for budget, values in found.items() if budget <= 1)


def test_the_command_line_to_do_it_again() -> None:
    options = Namespace(arguments=["compare", "my file.csv", "--label", "l"], budget=[12.0])
    guessed = Roles(("a text",), (), ("-x", "b,c"), guessed=True, left_out={})
    assert command_line(options, guessed, True) == (
        "sifal compare 'my file.csv' --label l '--text=a text' --categorical=-x --categorical=b,c "
        "--budget=12"
    )
    named = replace(guessed, guessed=False)
    assert command_line(options, named, False) == "sifal compare 'my file.csv' --label l"


def test_what_the_page_shows_of_a_row() -> None:
    table = Table("f.csv", {"n": ["1", "2"], "t": ["a b", "c d"]}, np.array([3, 7]), np.arange(2))
    roles = Roles(("t",), ("n",), (), guessed=False, left_out={})
    cells = FileCells(Rows(table, roles, np.empty((2, 2)), np.array(["x", "y"])))
    assert len(cells) == 2
    assert cells.columns == ("line", "t", "n")
    assert cells.row(1) == (7, "c d", "2")


def without_seconds(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return [
            {name: cell for name, cell in run.items() if not name.startswith("seconds")}
            for run in csv.DictReader(file, delimiter=delimiter)
        ]


def test_the_same_with_more_processes(queries: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for jobs, out in enumerate(outs, 1):
        options = ["--label", "intent", *QUICK, "--quiet", "--jobs", jobs, "--out", out]
        assert compare(queries, *options) == 0
    assert without_seconds(outs[0]) == without_seconds(outs[1])


def test_rows_that_are_left_out(written: Any, queries: Path, capsys: Any) -> None:
    content = queries.read_text(encoding="utf-8") + "what is it,odd\nno label,\n"
    train = written("train.csv", content)
    test = written("test.csv", "text,intent\nmy card,card\nwhat is that,odd\nand this,new\nx,\n")
    options = ["--label", "intent", "--test-file", test, *QUICK, "--drop-rare", "--drop-missing"]
    assert compare(train, *options) == 0
    err = capsys.readouterr().err
    assert f"Left out 1 row of {train} without a label." in err
    assert f"Left out 1 row of {train}, whose labels have fewer than 2 rows: 'odd'." in err
    assert f"Left out 2 rows of {test}, whose labels are not among those of {train}." in err
    assert f"{test}: 1 row to test on." in err


def test_numbers_and_categories(written: Any, capsys: Any) -> None:
    lines = ["age;income;region;churn"] + [
        f"{20 + i % 40};{i % 9},5;{'NSW'[i % 3] if i % 7 else ''};{i % 40 > 20}" for i in range(80)
    ]
    path = written("customers.csv", "\r\n".join(lines), "utf-8-sig")
    out = path.with_name("r.csv")
    assert compare(path, "--label", "churn", *QUICK, "--budget", "30", "--out", out) == 0
    said = "'age', 'income' as numeric; 'region' as categorical, as the contents suggest"
    assert said in capsys.readouterr().err
    base = [run for run in without_seconds(out, ";") if run["strategy"] == "base"]
    assert min(float(run["accuracy"]) for run in base) > 0.8


def test_150_labels_and_long_texts(written: Any) -> None:
    filler = "and so it went on and on " * 200
    lines = ["text,label"]
    lines += [f"topic word{i % 150} {filler if i < 3 else i},label {i % 150}" for i in range(600)]
    path = written("f.csv", "\n".join(lines))
    out = path.with_name("r.json")
    options = ["--label", "label", "--text", "text", "--quiet", "--test-size", "0.25"]
    assert compare(path, *options, *QUICK, "--budget", "8", "--out", out) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["summary"][0]["accuracy"] > 0.5


def test_a_report_that_fails_leaves_both_files_as_they_were(
    queries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    from sklearn_sifal.comparison._result import StrategyComparison

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StrategyComparison, "to_html", interrupted)
    report, out = tmp_path / "r.html", tmp_path / "r.csv"
    out.write_text("of last time", encoding="utf-8")
    options = ["--label", "intent", *QUICK, "--report", report, "--out", out]
    assert compare(queries, *options) == 130
    assert out.read_text(encoding="utf-8") == "of last time"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["queries.csv", "r.csv"]


def test_rates_are_chosen_where_a_label_has_no_row_to_spare(written: Any, capsys: Any) -> None:
    rows = [f"about my {label} {i},{label}" for i in range(20) for label in ("card", "app")]
    path = written("f.csv", "\n".join(["text,label", *rows, "what is it,odd", "what was it,odd"]))
    options = ["--label", "label", "--lr", "0.01,0.1", "--quiet", *QUICK]
    assert main(["compare", str(path), *options]) == 0
    assert "edge of the grid" in capsys.readouterr().out
    # Which a label with a single row is not worth: it is left out.
    path.write_text("\n".join(["text,label", *rows, "what is it,odd"]), encoding="utf-8")
    assert main(["compare", str(path), *options]) == 2
    assert capsys.readouterr().err.endswith("leave such rows out with: --drop-rare 5\n")


def test_results_by_row(written: Any, queries: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    options = ["--label", "intent", *QUICK, "--quiet", "--rows-out", out]
    assert compare(queries, *options) == 0
    with open(out, encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 3 * 90
    columns = ["strategy", "budget", "split", "seed", "line", "y", "predicted", "loss"]
    assert list(found[0]) == columns
    base = [row for row in found if row["strategy"] == "base"]
    assert sorted(int(row["line"]) for row in base) == list(range(2, 92))
    lines = queries.read_text(encoding="utf-8").splitlines()
    assert all(lines[int(row["line"]) - 1].endswith(row["y"]) for row in base)
    # With a test file, the lines are those of that file.
    test = written("test.csv", "text,intent\nmy card is lost,card\n\nsigning in is late,login\n")
    assert compare(queries, *options, "--test-file", test) == 0
    with open(out, encoding="utf-8", newline="") as file:
        assert {row["line"] for row in csv.DictReader(file)} == {"2", "4"}


def test_a_share_to_test_on_is_drawn_anew(queries: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    options = ["--label", "intent", *QUICK, "--quiet", "--rows-out", out, "--test-size", "0.2"]
    assert compare(queries, *options) == 0
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    tested = [
        {row["line"] for row in found if (row["strategy"], row["split"]) == ("base", split)}
        for split in (0, 1)
    ]
    assert [len(lines) for lines in tested] == [18, 18]
    assert tested[0] != tested[1]


def test_rows_that_are_all_equal_cannot_be_split(written: Any, capsys: Any) -> None:
    path = written("f.csv", "text,label\n" + "my card,card\nthe app,app\n" * 9)
    assert main(["compare", str(path), "--label", "label", "--quiet"]) == 2
    message = capsys.readouterr().err
    assert "No 5 folds can be made of 18 rows by their labels: no label has two rows" in message
    assert main(["compare", str(path), "--label", "label", "--quiet", "--seeds", "1"]) == 2
    assert "equal ones taken together, leaves too few" in capsys.readouterr().err
