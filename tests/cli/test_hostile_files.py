"""Files that mean harm, or come out of a crash: every failure is one line and exit code 2."""

import csv
import gzip
import itertools
import json
import os
import subprocess
import sys
import threading
import tracemalloc
import zlib
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sklearn_sifal
from sklearn_sifal.cli import _audit, _files, _room, main
from sklearn_sifal.cli._console import Console
from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._files import Format, read_table
from sklearn_sifal.cli._loading import load_rows

GOOD = "text,label\n" + "".join(
    f"my card {i} is lost,card\nthe app {i} is gone,app\n" for i in range(10)
)
OBJECTS = (
    '{"text": "my card is lost", "label": "card"}\n{"text": "the app is gone", "label": "app"}\n'
)


@pytest.fixture
def sifal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Callable[..., Any]:
    """Run the audit on a file; returns the code, the lines of standard error, and the ranking."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, content: str | bytes | None, *options: str, label: str = "label") -> Any:
        if content is not None:
            Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        before = sorted(os.listdir())
        arguments = [name, "--label", label, "--out", "o.csv", "--budget", "1"]
        code = main(["audit", *arguments, *options])
        shown = capsys.readouterr()
        assert all(c.isprintable() or c == "\n" for c in shown.out + shown.err)
        lines = shown.err.splitlines()
        if code:
            assert shown.out == ""
            assert [line.startswith("sifal: error: ") for line in lines].count(True) == 1
            assert sorted(os.listdir()) == before
            return code, lines, None
        with open("o.csv", encoding="utf-8-sig", newline="") as file:
            return code, lines, list(csv.DictReader(file))

    return run


@pytest.fixture
def fails(sifal: Any) -> Callable[..., str]:
    """Run the audit on a file that is an error, and return the message."""

    def run(name: str, content: str | bytes | None, *options: str, **others: str) -> str:
        code, lines, _ = sifal(name, content, *options, **others)
        assert code == 2
        return str(lines[-1].removeprefix("sifal: error: "))

    return run


# ---------------------------------------------------------------------------- long things


def test_a_header_of_any_length(written: Any) -> None:
    # Other delimiters are tried on it, for which it is one cell, beyond csv's limit.
    names = [f"ENSG{i:011d}" for i in range(9000)]
    path = written("w.csv", ",".join(names) + ",label\n" + "1," * 9000 + "a\n")
    before = csv.field_size_limit()
    assert list(read_table(str(path), Format()).columns) == [*names, "label"]
    assert csv.field_size_limit() == before


def test_threads_that_read_at_once_leave_the_limit_of_the_caller(written: Any) -> None:
    path = str(written("f.csv", f"text,label\n{'word ' * 40_000},a\n" * 3))
    before, failed = csv.field_size_limit(), []

    def read() -> None:
        try:
            for _ in range(20):
                read_table(path, Format())
        except UserError as error:
            failed.append(error)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert csv.field_size_limit() == before


def test_a_cell_of_megabytes(sifal: Any, written: Any) -> None:
    long_cell = written("long.csv", f"{GOOD}{'a' * 3_000_000},card\n")
    code, _, ranking = sifal("f.csv", f"{GOOD}{'a' * 130_000},card\n", "--text", "text")
    assert code == 0
    assert max(len(row["text"]) for row in ranking) == 130_000
    assert main(["audit", str(long_cell), "--label", "label", "--text", "text", "--quiet"]) == 0


def test_a_label_of_100_kB_takes_no_room_in_other_rows(written: Any) -> None:
    rows = "my card is lost,card\nthe app is gone,app\n" * 200
    path = written("f.csv", f"text,label\n{rows}" + f"what is it,{'x' * 100_000}\n" * 2)
    options = Namespace(
        file=str(path), label="label", text=["text"], numeric=None, categorical=None,
        drop_missing=False, drop_rare=None, delimiter=None, encoding=None, no_quotes=False,
        seed=0, jobs=1, budget=1, hidden=[8],
    )  # fmt: skip
    _audit.find_suspicions(load_rows(options, Console(quiet=True)), options)  # imports
    tracemalloc.start()
    try:
        _audit.find_suspicions(load_rows(options, Console(quiet=True)), options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6  # an array of text has 402 times 400,000 bytes, several times


def test_long_names_are_cut_in_messages(fails: Any) -> None:
    long = "x" * 200_000
    assert len(fails("f.csv", f"text,label\na b,{long}\n" + "a b,app\n" * 3)) < 400
    assert len(fails("f.csv", GOOD, label=long)) < 400
    assert len(fails("f.csv", f"{long},label\n1,a\n")) < 1000
    assert len(fails("f.csv", GOOD, "--budget", long)) < 400
    assert len(fails("f.csv", f"text,label\n{long},a\n", "--numeric", "text", label="label")) < 400


def test_many_columns_are_not_all_listed(fails: Any) -> None:
    names = ",".join(f"c{i}" for i in range(20_000))
    content = f"{names},label\n" + f"{'1,' * 20_000}a\n{'1,' * 20_000}b\n" * 2
    assert len(fails("f.csv", content)) < 1000
    assert len(fails("f.csv", content, label="none")) < 1000


# --------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize(
    "row, column, cell",
    [
        ('{"text": "it is gone \\ud83d", "label": "app"}', "text", "it is gone \ufffd"),
        ('{"text": "it is gone", "label": "a\\ude00b"}', "label", "a\ufffdb"),
        ('{"text": "it is gone", "label": "app", "lang": "\\udfff"}', "lang", "\ufffd"),
        ('{"text": "it is gone", "label": "app", "tags": ["\\ud800"]}', "tags", '["\ufffd"]'),
    ],
)
@pytest.mark.parametrize("form", ["lines", "list"])
def test_half_a_character_is_replaced_and_said(
    sifal: Any, row: str, column: str, cell: str, form: str
) -> None:
    rows = [*OBJECTS.splitlines() * 5, row, row]
    name = "f.jsonl" if form == "lines" else "f.json"
    content = "\n".join(rows) if form == "lines" else f"[{','.join(rows)}]"
    code, lines, ranking = sifal(name, content, "--text", "text")
    assert code == 0
    assert sum(found[column] == cell for found in ranking) == 2
    place = "line 11" if form == "lines" else "row 11"
    assert lines[0] == (
        "Half of a character (a surrogate without the other one) is read as U+FFFD in 2 cells of "
        f"{name}, first in {place} of {name}, column '{column}'."
    )


def test_half_a_character_in_the_name_of_a_column(sifal: Any, fails: Any) -> None:
    row = '{"text": "it is gone", "label": "app", "k\\ud83d": "1"}\n'
    code, lines, ranking = sifal("f.jsonl", OBJECTS * 5 + row, "--text", "text")
    assert code == 0
    assert "k\ufffd" in ranking[0]
    assert lines[0].endswith(r"first in the name of the column 'k\ud83d'.")
    row = row.replace('": "1"', '": "1", "k\\ude00": "2"')
    assert "differ only in half of a character" in fails("f.jsonl", OBJECTS * 5 + row)


def test_labels_that_are_one_without_their_half_characters_are_said(sifal: Any) -> None:
    rows = [
        f'{{"text": "it is {i}", "label": "app\\ud83{half}"}}\n' for i in (1, 2) for half in "de"
    ]
    _, lines, ranking = sifal("f.jsonl", OBJECTS * 5 + "".join(rows), "--text", "text")
    assert lines[1] == "Cells that differ in nothing else are the same then, in 'label'."
    assert [row["label"] for row in ranking].count("app\ufffd") == 4
    _, lines, _ = sifal("f.jsonl", OBJECTS * 5 + rows[0] * 2, "--text", "text")
    assert "differ in nothing else" not in " ".join(lines)


def test_a_pair_of_surrogates_is_a_character(written: Any) -> None:
    table = read_table(str(written("f.jsonl", '{"text": "\\ud83d\\ude00"}\n')), Format())
    assert table.columns == {"text": ["😀"]}
    assert table.notes == ()


DEEP = 100_000 * "[" + 100_000 * "]"
UNREADABLE = {
    DEEP: "lists or objects are nested too deeply",
    '{"text": ' + DEEP + "}": "lists or objects are nested too deeply",
    '{"text": ' * 100_000 + "1" + "}" * 100_000: "lists or objects are nested too deeply",
    '{"n": ' + "9" * 5000 + "}": "a whole number has too many digits",
    '{"n": -' + "9" * 5000 + "}": "a whole number has too many digits",
    '{"n": 1e400}': "the number '1e400' is larger than any that is kept",
    '{"n": [-1e400]}': "the number '-1e400' is larger than any that is kept",
    '{"text": "a", "text": "b"}': "the key 'text' comes twice in an object",
    '{"text": {"a": 1, "a": 2}}': "the key 'a' comes twice in an object",
    "5": "expected an object such as",
    '"text"': "expected an object such as",
    "null": "expected an object such as",
    "{": "not JSON",
    '{"text": nul}': "not JSON",
    '{"text": "a\x01"}': "not JSON",
}


@pytest.mark.parametrize("value", UNREADABLE)
def test_json_that_is_not_read_is_named_by_its_line(fails: Any, value: str) -> None:
    said = UNREADABLE[value]
    message = fails("f.jsonl", OBJECTS + value + "\n" + OBJECTS)
    assert message.startswith(f"f.jsonl, line 3: {said}")
    if value != "{":  # goes on in the next line
        elements = ",\n".join([*OBJECTS.splitlines(), value, *OBJECTS.splitlines()])
        message = fails("f.json", f"\n[\n{elements}\n]\n")
        assert message.startswith(f"f.json, line 5: {said}")


@pytest.mark.parametrize(
    "content, said",
    [
        ("[]", "f.json is empty"),
        ("[{}, {}]", "f.json is empty"),
        ('[{"a": 1},]', "line 1: not JSON"),
        ('[{"a": 1}', "line 1: not JSON"),
        ('[{"a": 1}]\n]', "line 2: not JSON (Extra data"),
        ('[\n{"a": 1}\n{"a": 2}]', "line 3: not JSON (Expecting ','"),
        ('{"a": 1}\n[{"a": 2}]', "line 2: expected an object"),
    ],
)
def test_lists_that_are_none(fails: Any, content: str, said: str) -> None:
    assert said in fails("f.json", content)


def test_nan_is_missing_and_a_long_number_is_kept(written: Any) -> None:
    row = {"text": float("nan"), "n": 2**64 + 1, "x": -float("inf"), "y": [float("nan")]}
    table = read_table(str(written("f.jsonl", json.dumps(row))), Format())
    assert table.columns == {
        "text": [""], "n": ["18446744073709551617"], "x": ["-Infinity"], "y": ["[null]"]
    }  # fmt: skip


def test_decimals_have_the_digits_of_the_file(written: Any) -> None:
    numbers = ["9007199254740992.0", "9007199254740993.0", "1.50", "1e3", "1e-400", "-0.0"]
    rows = "".join(f'{{"id": {number}, "in": [{number}]}}\n' for number in numbers)
    table = read_table(str(written("f.jsonl", rows)), Format())
    assert table.columns["id"] == numbers
    assert table.columns["in"][2:4] == ["[1.5]", "[1000.0]"]  # lists are written anew


def test_a_missing_label_of_json(fails: Any) -> None:
    message = fails("f.jsonl", OBJECTS * 5 + '{"text": "it is gone", "label": NaN}\n')
    assert "The label 'label' is missing in 1 row, first in line 11 of f.jsonl." in message


# ------------------------------------------------------------------------------- memory


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that takes up more with every look, on a machine without memory."""
    monkeypatch.setattr(_room, "_STEP", 1)
    monkeypatch.setattr(_room, "_available", lambda: 10)
    monkeypatch.setattr(_room, "_in_use", itertools.count().__next__)


@pytest.mark.usefixtures("no_room")
@pytest.mark.parametrize(
    "name, content",
    [
        ("f.csv", ("a,b\n" * 500_000).encode()),
        ("f.csv.gz", gzip.compress(("a,b\n" * 500_000).encode(), mtime=0)),
        ("f.csv.gz", gzip.compress(b"a," * 1_000_000, mtime=0)),  # one line
        ("f.jsonl", "".join(f'{{"k{i}": 1}}\n' for i in range(300)).encode()),
        ("f.json", b"[" + b'{"k": 1},' * 100_000),
    ],
)
def test_reading_stops_before_the_memory_is_used_up(fails: Any, name: str, content: bytes) -> None:
    assert fails(name, content).startswith(f"{name} does not fit into the memory that is free")


@pytest.mark.usefixtures("no_room")
def test_parquet_of_many_equal_values_is_not_unpacked(tmp_path: Path, fails: Any) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pd.DataFrame({"label": ["a"] * 1000}).to_parquet(tmp_path / "f.parquet")
    assert "does not fit into the memory" in fails("f.parquet", None)


def test_a_small_file_is_read_on_a_machine_that_is_full(
    written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_room, "_available", lambda: 0)
    assert read_table(str(written("f.csv", GOOD)), Format()).n_rows == 20


def test_a_system_that_says_nothing_of_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_room, "_available", lambda: None)
    _room.Room("f.csv").take(2**60)


def test_the_memory_that_there_is() -> None:
    available = _room._available()
    assert available is None or 2**20 < available < 2**50
    assert 2**20 < _room._in_use() < 2**50


@pytest.mark.parametrize("where", ["read_delimited", "with_sound_texts"])
def test_memory_that_runs_out_at_reading(
    fails: Any, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(_files, where, full)
    assert fails("f.csv", GOOD).startswith("f.csv does not fit into the memory that is free")


def test_memory_that_runs_out_later(fails: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(_audit, "_records", full)
    assert fails("f.csv", GOOD).startswith("There is not enough memory")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a device of POSIX")
def test_a_device_that_never_ends() -> None:
    arguments = ["/dev/zero", "--label", "label"]
    done = subprocess.run(
        [sys.executable, "-m", "sklearn_sifal", "audit", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(sklearn_sifal.__file__).parents[1])},
    )
    assert done.returncode == 2
    assert done.stderr.startswith("sifal: error: /dev/zero has zero bytes on line 1: ")
    assert done.stderr.count("\n") == 1


# ---------------------------------------------------------------------- bytes and encodings


WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("form", ["plain", "gzipped", "json", "said"])
def test_wide_encodings_without_a_byte_order_mark(written: Any, encoding: str, form: str) -> None:
    text = '{"text": "für", "label": "a"}\n' if form == "json" else "text,label\nfür,a\n"
    content = text.encode(encoding)
    name = {"gzipped": "f.csv.gz", "json": "f.jsonl"}.get(form, "f.csv")
    path = written(name, gzip.compress(content, mtime=0) if form == "gzipped" else content)
    said = encoding[:6] if form == "said" else None  # utf-16 or utf-32
    table = read_table(str(path), Format(encoding=said))
    assert table.columns == {"text": ["für"], "label": ["a"]}
    if form != "said":
        assert f"begins like a text in {encoding.upper()}" in table.notes[0]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", *WIDE])
@pytest.mark.parametrize("said", [False, True])
def test_wide_encodings_with_a_byte_order_mark(written: Any, encoding: str, said: bool) -> None:
    marked = encoding if encoding in ("utf-16", "utf-32") else None
    content = (
        "text,label\nfür,a\n".encode(encoding)
        if marked
        else ("\ufefftext,label\nfür,a\n".encode(encoding))
    )
    table = read_table(str(written("f.csv", content)), Format(encoding=encoding if said else None))
    assert table.columns == {"text": ["für"], "label": ["a"]}
    assert table.notes == ()


@pytest.mark.parametrize("encoding", WIDE)
def test_where_the_encoding_is_not_sure_it_is_asked_for(fails: Any, encoding: str) -> None:
    content = "文本,标签\n我的卡,a\n".encode(encoding)
    message = fails("f.csv", content, label="标签")
    assert message.startswith("f.csv has zero bytes on line 1: it is UTF-16 or UTF-32 without")
    assert f"{encoding}" in message


def test_a_mark_that_was_promised_is_missing(fails: Any) -> None:
    message = fails("f.csv", "文,类\n我,啊\n".encode("utf-16-be"), "--encoding", "utf-16")
    assert "not UTF-16" in message
    assert "--encoding utf-16-le" in message


def test_a_cut_file_of_a_wide_encoding(fails: Any) -> None:
    content = GOOD.encode("utf-16-le")[:-1]
    message = fails("f.csv", content)
    assert "is not UTF-16-LE: byte" in message
    assert "on line 21" in message


def test_zero_characters_are_kept_and_said(sifal: Any) -> None:
    content = GOOD + "what is\0it,card\0\n" * 2
    code, lines, ranking = sifal("f.csv", content, "--text", "text")
    assert code == 0
    assert sum(row["given_label"] == "card\0" == row["label"] for row in ranking) == 2
    assert sum(row["given_label"] == "card" for row in ranking) == 10
    assert lines[0] == (
        r"There are zero characters (\x00) in 4 cells of f.csv, first in line 22 of f.csv, column "
        "'text': the file may be damaged, or be in another encoding."
    )
    assert r"'card' (10 rows) and 'card\x00' (2 rows)" in lines[1]


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("f.csv", b"PK\x03\x04\0\0", "a zip archive or a spreadsheet"),
        ("f.csv", gzip.compress(GOOD.encode(), mtime=0), "gzipped: its name should end in .gz"),
        ("f.csv", b"PAR1\0\0", "Parquet: its name should end in .parquet"),
        ("f.csv", b"\x7fELF\0\0\0", "zero bytes on line 1"),
        (
            "f.csv.gz",
            gzip.compress(GOOD.encode(), mtime=0)[:-10],
            "cannot be read: Compressed file ended",
        ),
        ("f.csv.gz", b"\x1f\x8b\x08" + bytes(60), "cannot be read: Error -3"),
        ("f.csv.gz", b"", "is empty"),
    ],
)
def test_files_that_are_no_text(fails: Any, name: str, content: bytes, said: str) -> None:
    assert said in fails(name, content)


def test_a_broken_stream_is_no_error_of_the_system() -> None:
    assert not issubclass(zlib.error, OSError)  # why it is caught by name


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
@pytest.mark.parametrize("name", ["pipe", "pipe.gz", "pipe.jsonl"])
def test_a_pipe_with_a_name(tmp_path: Path, name: str) -> None:
    content = OBJECTS.encode() if name.endswith("jsonl") else GOOD.encode()
    path = tmp_path / name
    os.mkfifo(path)
    writing = threading.Thread(
        target=path.write_bytes,
        args=(gzip.compress(content, mtime=0) if name.endswith("gz") else content,),
    )
    writing.start()
    assert list(read_table(str(path), Format()).columns) == ["text", "label"]
    writing.join()


def test_standard_input_that_is_closed(fails: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert fails("-", None) == "standard input is closed."


@pytest.mark.parametrize("kind", ["folder", "rights", "long", "below a file", "vanished link"])
@pytest.mark.parametrize("ending", ["csv", "parquet", "csv.gz"])
def test_paths_that_lead_nowhere(
    fails: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, ending: str
) -> None:
    name = f"f.{ending}"
    if kind == "folder":
        (tmp_path / name).mkdir()
    elif kind == "rights":
        (tmp_path / name).write_bytes(b"")

        def refused(*_: Any, **__: Any) -> None:
            raise PermissionError(13, "Permission denied", name)

        monkeypatch.setattr(_files, "open", refused, raising=False)  # root may read anything
    elif kind == "long":
        name = "f" * 5000 + f".{ending}"
    elif kind == "below a file":
        (tmp_path / "g").write_bytes(b"")
        name = f"g/{name}"
    else:
        (tmp_path / name).symlink_to("absent")
    assert len(fails(name, None)) < 6000


@pytest.mark.parametrize("argument", ["a\0b.csv", "a\ud800.csv"])
def test_arguments_that_no_shell_passes_on(fails: Any, argument: str) -> None:
    assert "has a character that cannot be used" in fails(argument, None)
    assert "has a character that cannot be used" in fails("f.csv", GOOD, label=argument)


@pytest.mark.parametrize(
    "encoding", ["undefined", "idna", "punycode", "unicode_escape", "raw-unicode-escape", "rot13"]
)
def test_encodings_that_no_file_has(fails: Any, encoding: str) -> None:
    assert "--encoding: must be an encoding" in fails("f.csv", GOOD, "--encoding", encoding)


# --------------------------------------------------------------- what a terminal would obey


ESCAPES = "\x1b[2J\r\x07\x9b31m\u202e\u2066\u200b"


@pytest.mark.skipif(sys.platform == "win32", reason="no such names of files")
@pytest.mark.parametrize("name", [f"{ESCAPES}.csv", "two\nlines.csv", "caf\udce9.csv"])
def test_the_name_of_a_file_is_shown_with_escapes(sifal: Any, fails: Any, name: str) -> None:
    shown = name.encode("unicode_escape").decode()
    assert shown in fails(name, None)
    assert fails(name, GOOD + "a,b,c\n").startswith(f"{shown}, line 22: 3 cells under a header")
    code, lines, _ = sifal(name, GOOD, "--text", "text")
    assert code == 0
    assert lines[0] == f"{shown}: 20 rows, 2 labels in 'label'."


@pytest.mark.parametrize(
    "options",
    [["--text", ESCAPES], [f"--{ESCAPES}"], ["--budget", ESCAPES], ["--out", f"{ESCAPES}.csv/x"],
     ["--out", f"{ESCAPES}.csv/x.csv"], ["--encoding", ESCAPES], ["--format", ESCAPES],
     ["--delimiter", ESCAPES], ["--jobs", ESCAPES]],
)  # fmt: skip
def test_options_are_shown_with_escapes(fails: Any, options: list[str]) -> None:
    assert r"\x1b[2J\r\x07\x9b31m\u202e\u2066\u200b" in fails("f.csv", GOOD, *options)


def test_cells_are_shown_with_escapes(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "f.csv"
    cell = f'"{ESCAPES}"'
    rows = f"my {cell[1:-1]} card,{cell}\nthe app is gone,app\n".replace("\r", "") * 10
    path.write_text(f"te{ESCAPES[:4]}xt,label\n{rows}", encoding="utf-8", newline="")
    assert main(["audit", str(path), "--label", "label"]) == 0
    shown = capsys.readouterr()
    assert all(c.isprintable() or c == "\n" for c in shown.out + shown.err)
    assert r"\x1b[2J" in shown.out
    assert main(["compare", str(path), "--label", "lab\x1bel"]) == 2
    assert r"no column 'lab\x1bel'" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no such names of files")
def test_a_report_on_a_file_with_a_name_that_is_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "caf\udce9\x1b.csv"
    Path(name).write_text(GOOD, encoding="utf-8")
    arguments = ["--label", "label", "--text", "text", "--strategies", "base", "--seeds", "1"]
    outputs = ["--report", "r.html", "--out", "r.json"]
    assert main(["compare", name, *arguments, "--budget", "1", "--quiet", *outputs]) == 0
    page = Path("r.html").read_text(encoding="utf-8")
    assert r"Strategies compared on caf\udce9\x1b.csv" in page
    # As bash and zsh read it: the byte of the name, and an escape.
    assert "sifal compare $&#x27;caf\\xe9\\x1b.csv&#x27; <span" in page
    json.loads(Path("r.json").read_text(encoding="utf-8"))
