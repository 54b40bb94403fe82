"""The ranking of suspects."""

import codecs
import csv
import io
import json
import math
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sklearn_sifal.cli import main
from sklearn_sifal.cli._audit import Suspicions, _records, find_suspicions
from sklearn_sifal.cli._loading import Rows
from sklearn_sifal.cli._roles import Roles
from sklearn_sifal.cli._table import Table


def audit(*arguments: Any) -> int:
    return main(["audit", *map(str, arguments)])


def test_wrong_labels_come_first(wrong_rows: tuple[Path, set[int]], capsys: Any) -> None:
    path, wrong = wrong_rows
    out = path.with_name("suspects.csv")
    assert audit(path, "--label", "intent", "--out", out) == 0
    with open(out, encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 240
    assert {int(record["row"]) for record in found[:12]} == wrong
    first = found[0]
    assert list(first) == [
        "rank", "row", "line", "suspicion", "given_label", "given_probability",
        "suggested_label", "suggested_probability", "id", "text", "intent",
    ]  # fmt: skip
    assert int(first["line"]) == int(first["row"]) + 1  # the header is line 1
    assert int(first["id"]) == int(first["row"]) + 999
    assert first["given_label"] == first["intent"] != first["suggested_label"]
    suspicions = [float(record["suspicion"]) for record in found]
    assert suspicions == sorted(suspicions, reverse=True)
    for record in found[:20]:
        loss, p = float(record["suspicion"]), float(record["given_probability"])
        assert loss == pytest.approx(-math.log(p), abs=1e-3)
    shown = capsys.readouterr()
    assert "A ranking to look at, from the top, and no verdict" in shown.out
    assert "How many of the top rows are wrong is not known." in shown.out
    assert f"240 rows written to {out}." in shown.out
    assert "Not used: 'id' (looks like row numbers)." in shown.err
    assert "audit: 100%" in shown.err


def test_a_seed_and_the_number_of_processes(
    wrong_rows: tuple[Path, set[int]], tmp_path: Path
) -> None:
    path, _ = wrong_rows
    contents = []
    for name, options in [("a", []), ("b", ["--jobs", "2"]), ("c", ["--seed", "1"])]:
        out = tmp_path / f"{name}.csv"
        assert audit(path, "--label", "intent", "--quiet", "--out", out, *options) == 0
        contents.append(out.read_bytes())
    assert contents[0] == contents[1] != contents[2]


@pytest.mark.parametrize(
    "delimiter, encoding, name, expected_delimiter, marked",
    [
        (";", "utf-8-sig", "s.csv", ";", True),
        (";", "cp1252", "s.csv", ";", True),  # who writes that does not expect UTF-8
        ("|", "utf-8", "s.csv", "|", False),
        ("\t", "utf-16", "s.csv", ",", True),
        (";", "utf-8-sig", "s.tsv", "\t", True),
        (",", "utf-8", "-", ",", False),
        (";", "utf-8-sig", "-", ";", True),
    ],
)
def test_the_spreadsheet_that_wrote_the_file_can_open_the_ranking(
    tmp_path: Path, capsysbinary: Any, delimiter: str, encoding: str, name: str,
    expected_delimiter: str, marked: bool,
) -> None:  # fmt: skip
    path, out = tmp_path / "f.csv", tmp_path / name
    rows = [("für mich", "geld"), ("für dich", "karte")] * 10
    lines = [delimiter.join(cells) for cells in [("frage", "art"), *rows]]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    options = ["--encoding", encoding] if encoding == "cp1252" else []
    to = "-" if name == "-" else out
    assert audit(path, "--label", "art", "--text", "frage", "--out", to, "--quiet", *options) == 0
    shown = capsysbinary.readouterr().out
    content = shown if name == "-" else out.read_bytes()
    assert content.startswith(codecs.BOM_UTF8) == marked
    text = content.decode("utf-8").removeprefix("\ufeff")
    found = list(csv.DictReader(io.StringIO(text), delimiter=expected_delimiter))
    assert sorted((record["frage"], record["art"]) for record in found) == sorted(rows)
    assert float(found[0]["suspicion"]) >= 0  # with a point in any case


def test_json_lines_have_no_byte_order_mark(tmp_path: Path) -> None:
    path, out = tmp_path / "f.csv", tmp_path / "s.jsonl"
    path.write_text("text;label\n" + "a b;x\nc d;y\n" * 10, encoding="utf-8-sig")
    assert audit(path, "--label", "label", "--text", "text", "--out", out, "--quiet") == 0
    assert out.read_bytes().startswith(b"{")


@pytest.mark.parametrize(
    "name, options", [("s.jsonl", []), ("s.tsv", []), ("s.dat", ["--format", "tsv"])]
)
def test_formats_and_top(
    wrong_rows: tuple[Path, set[int]], tmp_path: Path, name: str, options: list[str]
) -> None:
    path, wrong = wrong_rows
    out = tmp_path / name
    arguments = [path, "--label", "intent", "--text", "text", "--top", 12, "--budget", 8]
    assert audit(*arguments, "--out", out, *options) == 0
    text = out.read_text(encoding="utf-8")
    if name == "s.jsonl":
        found = list(map(json.loads, text.splitlines()))
    else:
        found = list(csv.DictReader(io.StringIO(text), delimiter="\t"))
    assert {int(record["row"]) for record in found} == wrong
    assert [int(record["rank"]) for record in found] == list(range(1, 13))


def test_without_out_the_top_is_shown(wrong_rows: tuple[Path, set[int]], capsys: Any) -> None:
    path, wrong = wrong_rows
    before = set(path.parent.iterdir())
    assert audit(path, "--label", "intent", "--quiet") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    lines = shown.out.splitlines()
    assert lines[0].split() == [
        "rank", "line", "suspicion", "given", "label", "suggested", "label", "p", "contents"
    ]  # fmt: skip
    assert {int(line.split()[1]) - 1 for line in lines[1:11]} < wrong
    assert set(path.parent.iterdir()) == before


def test_standard_input_to_standard_output(
    wrong_rows: tuple[Path, set[int]], capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = wrong_rows
    stream = io.TextIOWrapper(io.BytesIO(path.read_bytes()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert audit("-", "--label", "intent", "--out", "-", "--top", 3) == 0
    shown = capsys.readouterr()
    assert len(list(csv.DictReader(io.StringIO(shown.out)))) == 3
    assert "no verdict" in shown.err


def test_an_old_ranking_is_replaced(wrong_rows: tuple[Path, set[int]], tmp_path: Path) -> None:
    path, _ = wrong_rows
    out = tmp_path / "s.csv"
    out.write_text("of last time", encoding="utf-8")
    assert audit(path, "--label", "intent", "--quiet", "--top", 2, "--out", out) == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.csv", "s.csv"]


def test_labels_with_two_rows_are_judged(written: Any, capsys: Any) -> None:
    rows = "my card is lost,card\nthe app is gone,app\n" * 30
    path = written("f.csv", f"text,label\n{rows}what is it,odd\nwhat is this,odd\n")
    out = path.with_name("s.csv")
    assert audit(path, "--label", "label", "--text", "text", "--out", out) == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 63


def test_four_rows(written: Any) -> None:
    path = written("f.csv", "text,label\nmy card,a\nthe card,a\nmy app,b\nthe app,b\n")
    out = path.with_name("s.csv")
    assert audit(path, "--label", "label", "--text", "text", "--quiet", "--out", out) == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 5


def test_a_link_stays_and_leads_to_the_ranking(
    wrong_rows: tuple[Path, set[int]], tmp_path: Path
) -> None:
    path, _ = wrong_rows
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    link.symlink_to(real)
    assert audit(path, "--label", "intent", "--quiet", "--top", 1, "--out", link) == 0
    assert link.is_symlink()
    assert len(real.read_text(encoding="utf-8").splitlines()) == 2


def test_messy_export_of_a_spreadsheet(written: Any, capsys: Any) -> None:
    # Semicolons, Windows' encoding and line ends, decimal commas, empty columns at the end.
    lines = ["Betreff;Größe;Art;;"]
    for i in range(40):
        lines.append(f'"Karte; ""weg"" für {i}";{i % 7},5;Verlust;;')
        lines.append(f"Geld zurück bitte {i};{i % 5},25; Erstattung ;;")
    lines[8] = '"";;Verlust;;'
    path = written("export.csv", "\r\n".join(lines) + "\r\n", "cp1252")
    out = path.with_name("s.csv")
    assert audit(path, "--label", "Art", "--encoding", "cp1252", "--out", out) == 0
    assert "80 rows, 2 labels in 'Art'." in (err := capsys.readouterr().err)
    assert "'Betreff' as text; 'Größe' as numeric" in err
    with open(out, encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file, delimiter=";"))
    assert {record["given_label"] for record in found} == {"Verlust", "Erstattung"}
    assert any(record["Betreff"] == 'Karte; "weg" für 0' for record in found)


def test_numbers_and_categories(written: Any, capsys: Any) -> None:
    lines = ["age,region,churn"]
    lines += [f"{20 + i},{'north' if i % 3 else ''},{'yes' if i > 30 else 'no'}" for i in range(60)]
    lines[6] = "25,,yes"  # the label of a row with a low age
    path = written("customers.csv", "\n".join(lines))
    out = path.with_name("s.csv")
    options = ["--label", "churn", "--numeric", "age", "--categorical", "region"]
    assert audit(path, *options, "--out", out, "--top", 1) == 0
    assert out.read_text(encoding="utf-8").splitlines()[1].startswith("1,6,7,")


def test_columns_named_like_ours() -> None:
    table = Table(
        "f.csv",
        {"rank": ["x"], "text": ["hello"], "label": ["a"]},
        np.array([2]),
        np.array([1]),
    )
    roles = Roles(("text",), (), (), guessed=False, left_out={})
    rows = Rows(table, roles, np.array(["hello"], dtype=object), np.array(["a"]))
    found = Suspicions(np.array([math.log(4)]), np.array(["b"]), np.array([0.75]))
    assert list(_records(rows, found, np.array([0]))) == [
        {
            "rank": 1,
            "row": 1,
            "line": 2,
            "suspicion": 1.3863,
            "given_label": "a",
            "given_probability": 0.25,
            "suggested_label": "b",
            "suggested_probability": 0.75,
            "original_rank": "x",
            "text": "hello",
            "label": "a",
        }
    ]


def test_losses_are_those_of_models_that_have_not_seen_the_row() -> None:
    # The label is the number itself for all but one row, which no model could learn by
    # heart from the others: the others say what it should be.
    x = np.repeat([-1.0, 1.0], 50).reshape(-1, 1)
    y = np.where(x[:, 0] > 0, "high", "low")
    y[3] = "high"
    roles = Roles((), ("x",), (), guessed=False, left_out={})
    table = Table("f.csv", {}, None, np.arange(1, 101))
    options = Namespace(seed=0, jobs=1, budget=None, hidden=None)
    found = find_suspicions(Rows(table, roles, x, y), options)
    assert found.loss.argmax() == 3
    assert found.loss[3] > 2
    assert found.suggested[3] == "low"
    assert np.delete(found.loss, 3).max() < 0.5


def test_labels_that_may_not_be_meant_are_told(written: Any, capsys: Any) -> None:
    labels = ["card", "app"] * 13 + ["Card", "Card", "N/A", "N/A"]
    rows = [f"about my {label} and {i},{label}" for i, label in enumerate(labels)]
    path = written("q.csv", "\n".join(["text,intent", *rows]))
    assert main(["audit", str(path), "--label", "intent"]) == 0
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == (
        "Labels that differ only in case or spaces are different labels: 'Card' (2 rows) and "
        "'card' (13 rows). Mend the file if they are meant as one."
    )
    assert shown[1].startswith("'N/A' (2 rows) is a label like the others.")
    assert shown[2] == f"{path}: 30 rows, 4 labels in 'intent'."
    assert main(["audit", str(path), "--label", "intent", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "-"]
NO_FORMULAS = ["-3.5", "+4", "-1,5", "1e5", "a=b", "x", "", "'=1"]


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_formulas_are_escaped_if_asked_for(written: Any, kind: str) -> None:
    cells = [*FORMULAS, *NO_FORMULAS]
    rows = [{"=text": c, "label": f"{'=a' if i % 2 else 'b'}"} for i, c in enumerate(cells)]
    path = written("f.jsonl", "\n".join(map(json.dumps, rows)))
    out = path.with_name(f"s.{kind}")
    arguments = [path, "--label", "label", "--categorical", "=text", "--budget", 1, "--out", out]

    def ranking() -> list[dict[str, str]]:
        with open(out, encoding="utf-8", newline="") as file:
            records = csv.DictReader(file, delimiter="\t" if kind == "tsv" else ",")
            return sorted(records, key=lambda record: int(record["row"]))

    assert audit(*arguments) == 0
    assert [record["=text"] for record in ranking()] == cells  # as in the file
    assert audit(*arguments, "--escape-formulas") == 0
    escaped = ranking()
    assert [record["'=text"] for record in escaped] == [*(f"'{c}" for c in FORMULAS), *NO_FORMULAS]
    assert {record["given_label"] for record in escaped} == {"'=a", "b"}
    assert {record["suggested_label"] for record in escaped} <= {"'=a", "b"}
    assert {record["label"] for record in escaped} == {"'=a", "b"}


def test_formulas_on_standard_output(written: Any, capsys: Any) -> None:
    path = written("f.csv", "text,label\n" + "=1+1,a\nb c,b\n" * 3)
    options = ["--label", "label", "--categorical", "text", "--out", "-", "--escape-formulas"]
    assert audit(path, *options) == 0
    assert capsys.readouterr().out.count(",'=1+1,") == 3


def test_json_has_no_formulas(written: Any, capsys: Any) -> None:
    path = written("f.csv", "text,label\n=1+1,a\n")
    options = ["--label", "label", "--escape-formulas"]
    assert audit(path, *options, "--out", path.with_name("s.jsonl")) == 2
    assert "--escape-formulas is for what spreadsheets open" in capsys.readouterr().err
    assert audit(path, *options, "--out", "-", "--format", "jsonl") == 2
