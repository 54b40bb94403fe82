"""What the command writes: any text, one rule for all paths, and what it says of them."""

import csv
import io
import json
import os
import stat
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_sifal.cli import main
from sklearn_sifal.cli._audit import Suspicions, _records
from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._loading import Rows
from sklearn_sifal.cli._outputs import (
    OutputForm,
    check_writable,
    replacing,
    standard_output,
    write_records,
)
from sklearn_sifal.cli._roles import Roles
from sklearn_sifal.cli._table import Table

posix = pytest.mark.skipif(sys.platform == "win32", reason="rights and nodes of POSIX")

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))  # as read: no halves of pairs
FORMS = [OutputForm("csv"), OutputForm("csv", ";", "utf-8-sig"), OutputForm("tsv", "\t")]


def as_file(records: list[dict[str, Any]], form: OutputForm) -> str:
    """The text that the bytes of a file hold."""
    binary = io.BytesIO()
    stream = io.TextIOWrapper(binary, form.encoding, newline="")
    write_records(stream, records, form)
    stream.flush()
    return binary.getvalue().decode(form.encoding)


COLUMNS = st.lists(ANY_TEXT, min_size=1, max_size=4, unique=True)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.kind} {form.encoding}")
@given(data=st.data())
def test_a_table_of_any_text_is_read_again(form: OutputForm, data: Any) -> None:
    names = data.draw(COLUMNS)
    row = st.lists(ANY_TEXT, min_size=len(names), max_size=len(names))
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    text = as_file([dict(zip(names, cells, strict=True)) for cells in rows], form)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter))
    assert lines == [names, *rows]


@given(data=st.data())
def test_json_lines_of_any_text_are_read_again(data: Any) -> None:
    names = data.draw(COLUMNS)
    cells = st.one_of(ANY_TEXT, st.integers(), st.none(), st.floats(allow_nan=False))
    row = st.lists(cells, min_size=len(names), max_size=len(names))
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    records = [dict(zip(names, found, strict=True)) for found in rows]
    text = as_file(records, OutputForm("jsonl"))
    assert [json.loads(line) for line in text.split("\n")[:-1]] == records


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
def test_line_ends_within_cells_part_no_rows(line_end: str) -> None:
    record = {"a": f"one{line_end}two", "b": line_end}
    text = as_file([record], OutputForm("csv"))
    assert text == f'a,b\n"one{line_end}two","{line_end}"\n'


@pytest.mark.parametrize("form", [*FORMS, OutputForm("jsonl")], ids=lambda form: form.kind)
def test_a_stream_that_a_program_put_in_place_gets_the_same(
    form: OutputForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)  # has no bytes behind it
    with standard_output(form.encoding) as stream:
        write_records(stream, [{"a": "caf\xe9 \u2028"}], form)
    assert "caf\xe9 \u2028" in shown.getvalue()


def test_columns_of_a_ranking_of_a_ranking_keep_all_columns() -> None:
    names = ["text", "rank", "original_rank"]
    columns = {name: [name] for name in names}
    table = Table("t.csv", columns, np.array([2]), np.array([1]))
    roles = Roles(("text",), (), (), guessed=False, left_out={})
    rows = Rows(table, roles, np.zeros((1, 1), dtype=object), np.array(["a"]))
    found = Suspicions(np.array([0.5]), np.array(["a"]), np.array([0.6]))
    (record,) = _records(rows, found, np.array([0]))
    assert record["rank"] == 1
    assert record["original_original_rank"] == "rank"
    assert record["original_rank"] == "original_rank"
    assert record["text"] == "text"


# ------------------------------------------------------------------------------ paths


@posix
def test_an_old_ranking_hands_on_its_mode(queries: Path, tmp_path: Path) -> None:
    out = tmp_path / "suspects.csv"
    out.write_text("of last time")
    out.chmod(0o600)
    options = ["--label", "intent", "--quiet", "--budget", "1"]
    assert main(["audit", str(queries), *options, "--out", str(out)]) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert out.read_text(encoding="utf-8").startswith("rank,row,line,")


@posix
@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "folder", "loop", "below a file"])
def test_what_cannot_be_written_to_is_told_before_the_work(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "node"
    if "pipe" in kind:
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to("node")
    else:
        path.touch()
        path = path / "file"
    if kind == "link to a pipe":
        path = tmp_path / "link"
        path.symlink_to("node")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(UserError, match=r"^--out \S+ (is|cannot be written|: there)"):
        check_writable(str(path), "--out")
    assert sorted(os.listdir(tmp_path)) == before


@posix
def test_a_link_into_no_folder_names_that_folder(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.symlink_to(tmp_path / "none" / "s.csv")
    with pytest.raises(UserError) as error:
        check_writable(str(path), "--out")
    assert f"there is no folder '{tmp_path.resolve() / 'none'}'" in str(error.value)


@posix
def test_a_read_only_file_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.csv").touch(0o444)
    if os.geteuid() == 0:  # who may write to any
        monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(UserError, match="cannot be written: Permission denied"):
        check_writable(str(tmp_path / "r.csv"), "--out")


def test_an_error_while_writing_is_one_of_the_user(tmp_path: Path) -> None:
    def fail() -> None:
        with replacing(str(tmp_path / "r.csv"), "utf-8") as file:
            file.write("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"r\.csv could not be written: No space left on device\."):
        fail()
    assert os.listdir(tmp_path) == []


# ----------------------------------------------------------------- in another program


class Minimal:
    """What a program may put in place of standard output."""

    def __init__(self, error: OSError | None) -> None:
        self.written, self.error = "", error

    def write(self, text: str) -> None:
        if self.error is not None:
            raise self.error
        self.written += text

    def flush(self) -> None:
        pass


def test_an_error_of_the_system_is_a_line_without_a_descriptor(queries: Path) -> None:
    errors = io.StringIO()
    full = OSError(28, "No space left on device")
    with redirect_stdout(Minimal(full)), redirect_stderr(errors):
        assert main(["audit", str(queries), "--label", "intent", "--quiet", "--budget", "1"]) == 2
    assert errors.getvalue() == "sifal: error: No space left on device.\n"


@pytest.mark.parametrize("stdout", [io.StringIO(), Minimal(None)])
def test_a_name_that_is_too_long_is_a_line(stdout: Any, tmp_path: Path) -> None:
    errors = io.StringIO()
    with redirect_stdout(stdout), redirect_stderr(errors):
        assert main(["audit", "f" * 5000, "--label", "intent"]) == 2
    assert errors.getvalue().startswith("sifal: error: ")
    assert len(errors.getvalue().splitlines()) == 1


def test_standard_output_of_a_program_goes_on_after_an_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["audit", "f" * 5000, "--label", "intent"]) == 2
    os.write(1, b"still here")
    assert capfd.readouterr().out == "still here"
