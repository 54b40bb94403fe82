"""Whatever bytes a file has, the command ends well or with one line, and writes all or nothing."""

import csv
import gzip
import io
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sifal.cli import _audit, _compare, main
from sklearn_sifal.cli._errors import UserError

# What has been the trouble of other programs.
PIECES = [
    *"\",;|\t\n\r'=+-@[]{}: \\/#%$€",
    *("\r\n", '""', "a b", "my card", "lost", "lost\u200b", "café", "cafe\u0301", "\0", "\x1b[2J"),
    *(
        "\x9b",
        "\u202e",
        "\ufeff",
        "\u2028",
        "\x1e",
        "\x85",
        "NaN",
        "null",
        "n/a",
        "1",
        "1.0",
        "-3,5",
    ),
    *("1e400", "1e-400", "9" * 400, "٣", "2024-01-31", "$5", "text", "label", "rank", "", "sep=;"),
    *("=cmd|' /C calc'!A0", "😀", "x" * 300, "我的卡", "_", "a_1"),
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=4).map("".join)
halves = st.sampled_from(["\ud83d", "a\ude00b", "\udfff"])
few = st.sampled_from(["a", "b", "lost", "lost\u200b", "1", "1.0", " a ", "=1", "N/A"])
names = st.sampled_from(["text", "label", "n"]) | texts
encodings = st.sampled_from(
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252"]
)


@st.composite
def delimited(draw: st.DrawFn) -> str:
    """Rows of cells, mostly as a spreadsheet writes them."""
    header = draw(st.lists(names, min_size=1, max_size=4))
    width = len(header)
    cells = draw(st.sampled_from([few, texts, few | texts]))
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=8))
    rows *= draw(st.integers(1, 3))
    delimiter = draw(st.sampled_from(",;\t|"))
    if draw(st.booleans()):  # nothing in quotes
        return "\n".join(map(delimiter.join, [header, *rows]))
    stream = io.StringIO()
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    csv.writer(stream, delimiter=delimiter, lineterminator=end).writerows([header, *rows])
    return stream.getvalue()


scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | halves
values = st.recursive(
    scalars, lambda one: st.lists(one, max_size=3) | st.dictionaries(names, one, max_size=3)
)
records = st.dictionaries(names | halves, values, max_size=4) | st.fixed_dictionaries(
    {"text": texts | halves, "label": few | halves}
)


@st.composite
def objects(draw: st.DrawFn) -> str:
    """Objects a line or in a list, with an odd value among them now and then."""
    found = draw(st.lists(records, max_size=8)) * draw(st.integers(1, 3))
    if draw(st.integers(0, 9)) == 0:
        found.append(draw(values))
    lines = [json.dumps(record) for record in found]
    if draw(st.booleans()):
        return f"[{draw(st.sampled_from(['', ' ', chr(10)]))}{', '.join(lines)}]"
    return "\n".join(lines)


@st.composite
def contents(draw: st.DrawFn, text: st.SearchStrategy[str]) -> bytes:
    """A text in some encoding, which may be damaged."""
    content = draw(text).encode(draw(encodings), "replace")
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(content)))
        drawn = draw(st.binary(max_size=3))
        content = content[:place] + drawn + content[place + draw(st.integers(0, 3)) :]
    return content


files = st.one_of(
    st.tuples(st.sampled_from(["f.csv", "f.tsv", "f.txt"]), contents(delimited())),
    st.tuples(st.sampled_from(["f.jsonl", "f.json"]), contents(objects())),
    st.tuples(
        st.sampled_from(["f.csv", "f.json", "f.csv.gz", "f.parquet"]), st.binary(max_size=200)
    ),
)


def name_of(path: str, content: bytes) -> tuple[str, bytes]:
    """Some of the files are gzipped."""
    return (f"{path}.gz", gzip.compress(content)) if len(content) % 5 == 0 else (path, content)


@pytest.fixture(scope="module", autouse=True)
def no_training() -> Iterator[None]:
    """All but the training: files are read, roles guessed, inputs made, rankings written."""

    def suspicions(rows: Any, *_: Any, **__: Any) -> _audit.Suspicions:
        return _audit.Suspicions(np.zeros(len(rows.y)), rows.y, np.ones(len(rows.y)))

    def compare(*_: Any) -> None:
        raise UserError("What comes now is the training.")

    with (
        mock.patch.object(_audit, "find_suspicions", suspicions),
        mock.patch.object(_compare, "_compare", compare),
    ):
        yield


def check(arguments: list[str], out: Path) -> tuple[int, str]:
    """Run the command; what holds of every run holds of this one."""
    stdout, stderr = io.StringIO(), io.StringIO()
    before = sorted(os.listdir(out.parent))
    with redirect_stdout(stdout), redirect_stderr(stderr):
        code = main(arguments)
    shown = stdout.getvalue() + stderr.getvalue()
    assert all(c.isprintable() or c == "\n" for c in shown), shown
    lines = stderr.getvalue().splitlines()
    assert code in (0, 2)
    errors = [line for line in lines if line.startswith("sifal: error: ")]
    assert errors == lines[-1:] * (code == 2)
    assert len(shown) < 20_000
    assert sorted(os.listdir(out.parent)) == sorted({*before, *([out.name] if code == 0 else [])})
    return code, stdout.getvalue()


def rows_of(out: Path, delimiter: str) -> int:
    """The number of rows of a ranking, all of which are whole."""
    if out.suffix == ".jsonl":
        lines = out.read_text(encoding="utf-8").split("\n")
        assert lines.pop() == ""
        assert len({tuple(json.loads(line)) for line in lines}) == 1
        return len(lines)
    with open(out, encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file, delimiter=delimiter, strict=True)
    assert {len(row) for row in rows} == {len(header)}
    return len(rows)


@settings(deadline=None)
@given(
    files,
    st.sampled_from(["label", "text", "n"]) | names,
    st.lists(
        st.sampled_from(
            [
                ("--text", "text"), ("--categorical", "text"), ("--numeric", "n"), ("--no-quotes",),
                ("--drop-missing",), ("--drop-rare",), ("--encoding", "cp1252"), ("--quiet",),
                ("--encoding", "utf-16"), ("--delimiter", ";"), ("--escape-formulas",),
            ]
        ),
        max_size=4,
    ),
    st.sampled_from(["s.csv", "s.tsv", "s.jsonl"]),
)  # fmt: skip
def test_any_file(
    file: tuple[str, bytes], label: str, options: list[tuple[str, ...]], ranking: str
) -> None:
    name, content = name_of(*file)
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, name), Path(folder, ranking)
        path.write_bytes(content)
        said = [f"--label={label}", *(word for option in options for word in option)]
        code, _ = check(["audit", str(path), *said, "--out", str(out)], out)
        if code == 0:
            by = next(d for d in (b",", b";", b"|") if b"rank" + d in out.read_bytes()[:9]) \
                if ranking == "s.csv" else b"\t"  # fmt: skip
            assert rows_of(out, by.decode()) > 0
        said = [word for word in said if word != "--escape-formulas"]
        test = ["--test-file", str(path)]
        assert check(["compare", str(path), *said, *test], Path(folder, "none"))[0] == 2


cells = st.none() | st.integers(-3, 3) | st.floats() | texts
columns = st.lists(texts | st.none(), min_size=6, max_size=6) | st.lists(
    few | st.none(), min_size=6, max_size=6
)


@settings(deadline=None)
@given(
    st.dictionaries(names, columns, min_size=1, max_size=3),
    st.lists(st.sampled_from(["text", "label", "n", "", None]), max_size=2),
    st.integers(0, 40),
)
def test_any_parquet(table: dict[str, list[Any]], index: list[str | None], damage: int) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(table)
    if index:
        frame.index = pd.MultiIndex.from_arrays([few_labels(len(frame))] * len(index), names=index)
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, "f.parquet"), Path(folder, "s.csv")
        try:
            frame.to_parquet(path)
        except Exception:  # what pandas does not write cannot be read
            return
        if damage > 30:  # the file ends too early
            path.write_bytes(path.read_bytes()[: -damage + 30])
        code, _ = check(
            ["audit", str(path), "--label", "label", "--drop-missing", "--out", str(out)], out
        )
        if code == 0:
            assert rows_of(out, ",") > 0


def few_labels(n: int) -> list[str]:
    return ["a" if i % 2 else "b" for i in range(n)]
