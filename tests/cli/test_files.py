"""Files as spreadsheets, databases and people write them."""

import csv
import datetime
import gzip
import io
import sys
from decimal import Decimal
from typing import Any

import pytest

from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._files import Format, read_table


def read(path: Any, **form: Any) -> Any:
    return read_table(str(path), Format(**form))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_line_ends_and_byte_order_marks(
    written: Any, delimiter: str, end: str, encoding: str
) -> None:
    lines = ["text,label", "Wo ist mein Geld – für wen?,geld", '"a, b",x']
    content = end.join(line.replace(",", delimiter) for line in lines)
    table = read(written("f.csv", content, encoding))
    assert table.columns == {
        "text": ["Wo ist mein Geld – für wen?", f"a{delimiter} b"],
        "label": ["geld", "x"],
    }
    assert table.lines.tolist() == [2, 3]
    assert table.rows.tolist() == [1, 2]


def test_a_quoted_cell_keeps_line_breaks_delimiters_and_doubled_marks(written: Any) -> None:
    path = written("f.csv", 'text,label\r\n"one\r\ntwo, ""three""",a\r\n\r\nlast,b\r\n')
    table = read(path)
    assert table.columns["text"] == ['one\r\ntwo, "three"', "last"]
    assert table.lines.tolist() == [2, 5]  # a row of two lines, then a blank one


def test_quotation_marks_can_be_ordinary(written: Any) -> None:
    path = written("f.tsv", 'text\tlabel\n"Hello" she said\ta\n5" pipe\tb\n')
    assert read(path, quotes=False).columns["text"] == ['"Hello" she said', '5" pipe']
    with pytest.raises(UserError, match=r"line 2: a cell goes on after .* --no-quotes"):
        read(path)


def test_an_unclosed_quotation_mark_does_not_swallow_the_file(written: Any) -> None:
    path = written("f.csv", 'text,label\nfine,a\n"open,b\nmore,c\n')
    with pytest.raises(UserError, match=r"line 3: .*opening quotation mark and no closing one"):
        read(path)


def test_long_cells_and_the_callers_limit(written: Any) -> None:
    before = csv.field_size_limit()
    long = "word " * 100_000
    assert read(written("f.csv", f"text,label\n{long},a\n")).columns["text"] == [long]
    assert csv.field_size_limit() == before


def test_what_spreadsheets_leave_behind(written: Any) -> None:
    # Empty columns at the end, with and without a place in the header, and empty rows.
    content = "text;label;;\r\neins;a;;;;\r\n;;;\r\nzwei;b;;\r\n"
    table = read(written("f.csv", content))
    assert table.columns == {"text": ["eins", "zwei"], "label": ["a", "b"]}
    assert table.lines.tolist() == [2, 4]
    assert table.decimal == ","


def test_the_line_that_tells_excel_the_delimiter(written: Any) -> None:
    table = read(written("f.csv", "sep=|\ntext|label\none, two; three|a\n"))
    assert table.columns == {"text": ["one, two; three"], "label": ["a"]}
    assert table.lines.tolist() == [3]


def test_a_column_without_a_name(written: Any) -> None:
    # As pandas writes its index.
    table = read(written("f.csv", ",text,label\n0,one,a\n1,two,b\n"))
    assert list(table.columns) == ["column 1", "text", "label"]


def test_names_lose_the_spaces_around_them(written: Any) -> None:
    assert list(read(written("f.csv", "text , label\none,a\n")).columns) == ["text", "label"]


def test_a_single_column(written: Any) -> None:
    assert read(written("f.csv", "text\none\n")).columns == {"text": ["one"]}


def test_a_delimiter_that_was_named(written: Any) -> None:
    assert list(read(written("f.csv", "a,b~c\n1~2\n"), delimiter="~").columns) == ["a,b", "c"]


@pytest.mark.parametrize("line, cells", [("only one", 1), ("a,b,c", 3)])
def test_ragged_lines_are_named(written: Any, line: str, cells: int) -> None:
    path = written("f.csv", f"text,label\nfine,a\n{line}\n")
    with pytest.raises(UserError, match=rf"f.csv, line 3: {cells} cells? under a header of 2"):
        read(path)


def test_a_column_named_twice(written: Any) -> None:
    with pytest.raises(UserError, match="more than one column named 'text'"):
        read(written("f.csv", "text,text,label\n1,2,3\n"))


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_empty_files(written: Any, content: str) -> None:
    with pytest.raises(UserError, match=r"f.csv is empty\."):
        read(written("f.csv", content))


@pytest.mark.parametrize("name, content", [("f.csv", "text,label\n"), ("f.csv", "text,label")])
def test_a_header_alone(written: Any, name: str, content: str) -> None:
    with pytest.raises(UserError, match="has a header and no rows"):
        read(written(name, content))


def test_a_wrong_encoding_is_placed(written: Any) -> None:
    path = written("f.csv", "text,label\nfür,a\n", "cp1252")
    with pytest.raises(UserError, match=r"not UTF-8: byte 12 \(0xfc, on line 2\).*cp1252"):
        read(path)
    assert read(path, encoding="cp1252").columns["text"] == ["für"]


def test_the_place_of_a_wrong_byte_far_into_the_file(written: Any) -> None:
    lines = "a,b\n" * 50_000  # many of the decoder's chunks
    path = written("f.csv", b"x,y\n" + lines.encode() + b"\xff,z\n")
    with pytest.raises(UserError, match=r"byte 200004 \(0xff, on line 50002\)"):
        read(path)


def test_json_lines(written: Any) -> None:
    path = written(
        "f.jsonl",
        '{"text": "für\\n dich", "label": "a", "n": 1}\n\n'
        '{"label": "b", "n": 2.5, "text": "x", "more": ["y"], "no": null}\n',
    )
    table = read(path)
    assert table.columns == {
        "text": ["für\n dich", "x"],
        "label": ["a", "b"],
        "n": ["1", "2.5"],
        "more": ["", '["y"]'],
        "no": ["", ""],
    }
    assert table.lines.tolist() == [1, 3]


def test_a_json_list(written: Any) -> None:
    table = read(written("f.json", '[{"t": "x", "l": true},\n {"t": "y", "l": false}]'))
    assert table.columns == {"t": ["x", "y"], "l": ["true", "false"]}
    assert table.lines is None


def test_json_that_is_none(written: Any) -> None:
    with pytest.raises(UserError, match=r"f.jsonl, line 2: not JSON \(.*character 7\)"):
        read(written("f.jsonl", '{"t": "x"}\n{"t": y}\n'))
    with pytest.raises(UserError, match="line 1: expected an object"):
        read(written("f.jsonl", '"just text"\n'))


def test_gzip(tmp_path: Any) -> None:
    path = tmp_path / "f.tsv.gz"
    path.write_bytes(gzip.compress(b"text\tlabel\none\ta\n"))
    assert read(path).columns == {"text": ["one"], "label": ["a"]}
    path.write_bytes(b"no gzip at all")
    with pytest.raises(UserError, match="cannot be read"):
        read(path)
    path.write_bytes(gzip.compress(b"text\tlabel\nfuer\ta\nf\xfcr\tb"))
    with pytest.raises(UserError, match="byte 19"):
        read(path)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO("text;label\nfür;a\n".encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    table = read("-")
    assert table.columns == {"text": ["für"], "label": ["a"]}
    assert table.name == "standard input"


def test_files_that_are_none(tmp_path: Any) -> None:
    with pytest.raises(UserError, match=r"There is no file .*absent.csv"):
        read(tmp_path / "absent.csv")
    with pytest.raises(UserError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(UserError, match="is a spreadsheet: save it as CSV"):
        read(tmp_path / "book.xlsx")


def test_parquet(tmp_path: Any) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    path = tmp_path / "f.parquet"
    pd.DataFrame({"text": ["one", None], "n": [1.5, float("nan")], "label": ["a", "b"]}).to_parquet(
        path
    )
    table = read(path)
    assert table.columns == {"text": ["one", ""], "n": ["1.5", ""], "label": ["a", "b"]}
    assert table.lines is None
    path.write_bytes(b"no parquet")
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        read(path)


def test_parquet_without_pandas(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f.parquet"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match="needs pandas and pyarrow: pip install"):
        read(path)


def test_parquet_with_an_index_that_has_a_name(tmp_path: Any) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    path = tmp_path / "f.parquet"
    frame = pd.DataFrame({"text": ["one", "two"], "label": ["a", "b"], "n": [1, 2]})

    def columns(changed: Any) -> dict[str, list[str]]:
        changed.to_parquet(path)
        return read(path).columns

    whole = {"text": ["one", "two"], "label": ["a", "b"], "n": ["1", "2"]}
    assert columns(frame) == whole
    assert columns(frame.set_index("label")) == whole
    assert columns(frame.set_index(["label", "n"])) == whole
    assert columns(frame.set_index(pd.RangeIndex(5, 7, name="row"))) == whole  # in no column
    assert columns(frame.set_index(pd.Index(["x", "y"]))) == whole  # without a name
    assert columns(frame.set_index([pd.Index(["x", "y"]), "label"])) == whole
    assert columns(frame.set_index("label", drop=False)) == whole  # the same twice
    labels = pd.Index(["b", None], name="label")
    assert columns(frame[["text"]].set_index(labels)) == {
        "label": ["b", ""],
        "text": ["one", "two"],
    }
    with pytest.raises(UserError, match="more than one column named 'label'"):
        columns(frame.set_index(labels))


def test_parquet_columns_named_twice_and_cells_of_lists(tmp_path: Any) -> None:
    pd = pytest.importorskip("pandas")
    pq = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), path)
    with pytest.raises(UserError, match=r"f.parquet has more than one column named 'a'"):
        read(path)
    pd.DataFrame({"a": [list(range(2000))], "b": [b"x"]}).to_parquet(path)
    assert read(path).columns["a"] == [str(list(range(2000)))]  # whole


def test_parquet_values_are_as_in_the_file(tmp_path: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("pandas")
    path = tmp_path / "f.parquet"
    big = 2**53
    columns = {
        "whole": pa.array([big, big + 1, None]),  # numpy would make floats of them
        "unsigned": pa.array([2**64 - 1, 2**64 - 2, None], pa.uint64()),
        "yes": pa.array([True, None, False]),
        "code": pa.array([1, 2, None]).dictionary_encode(),
        "list": pa.array([[1, None], [big + 1], None]),
        "deep": pa.array([[["a"], ["b"]], [[]], None]),
        "part": pa.array([{"a": list(range(2000))}, {"a": None}, None]),
        "day": pa.array([datetime.date(2024, 5, 31), datetime.date(1, 1, 1), None]),
        "far": pa.array([datetime.datetime(9999, 1, 1), datetime.datetime(1, 1, 1), None]),
        "price": pa.array([Decimal("1.50"), Decimal("1.00"), None]),
        "half": pa.array([1.5, float("nan"), None]),
    }
    pq.write_table(pa.table(columns), path)
    assert read(path).columns == {
        "whole": ["9007199254740992", "9007199254740993", ""],
        "unsigned": ["18446744073709551615", "18446744073709551614", ""],
        "yes": ["True", "", "False"],
        "code": ["1", "2", ""],
        "list": ["[1, null]", "[9007199254740993]", ""],
        "deep": ['[["a"], ["b"]]', "[[]]", ""],
        "part": ['{"a": ' + str(list(range(2000))) + "}", '{"a": null}', ""],
        "day": ["2024-05-31", "0001-01-01", ""],
        "far": ["9999-01-01 00:00:00", "0001-01-01 00:00:00", ""],
        "price": ["1.50", "1.00", ""],
        "half": ["1.5", "", ""],
    }


def test_parquet_of_types_of_pandas(tmp_path: Any) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    path = tmp_path / "f.parquet"
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None], "Int64"),
            "month": pd.period_range("2024-01", periods=2, freq="M"),
        }
    )
    frame.to_parquet(path)
    assert read(path).columns == {"n": ["1", ""], "month": ["2024-01", "2024-02"]}


def test_parquet_with_a_text_that_is_no_utf8(tmp_path: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("pandas")
    path = tmp_path / "f.parquet"
    _, places, content = pa.array([b"a \xff", b"b"]).buffers()
    texts = pa.Array.from_buffers(pa.string(), 2, [None, places, content])  # nobody looks
    pq.write_table(pa.table({"text": texts}), path)
    with pytest.raises(UserError, match=r"f.parquet cannot be read as Parquet: 'utf-8' codec"):
        read(path)
