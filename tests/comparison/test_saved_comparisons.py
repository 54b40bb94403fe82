"""Comparisons written as JSON, read again, and files that are none."""

import json
import os

import numpy as np
import pytest

from sklearn_sifal.comparison import StrategyComparison, read_comparison
from sklearn_sifal.comparison._saved_comparisons import read_comparisons


@pytest.fixture
def document(compared, tmp_path):
    """What `to_json` writes, to spoil."""
    path = tmp_path / "whole.json"
    compared.to_json(path)
    document = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return document


def test_what_is_written_is_read_again(compared, tmp_path):
    path = tmp_path / "a.json"
    compared.to_json(path)
    found = read_comparison(path)
    assert found.strategies == compared.strategies
    assert found.budgets == compared.budgets
    assert found.metrics == compared.metrics
    assert found.parameters == compared.parameters
    assert found.verdict == compared.verdict()
    assert found.runs == [
        {k: v.item() if isinstance(v, np.generic) else v for k, v in run.items()}
        for run in compared.runs
    ]
    assert repr(found) == "SavedComparison of 3 strategies, 18 training(s), budget 4"
    assert list(read_comparisons(tmp_path)) == ["a"]
    assert os.listdir(tmp_path) == ["a.json"]


def test_figures_that_are_not_finite_are_null(compared, tmp_path):
    runs = [{**run, "nll": np.nan, "accuracy": np.float64("inf")} for run in compared.runs]
    broken = StrategyComparison(**{**vars(compared), "runs": runs})
    with np.errstate(invalid="ignore"):
        broken.to_json(tmp_path / "a.json")
    assert "NaN" not in (tmp_path / "a.json").read_text(encoding="utf-8")
    found = read_comparison(tmp_path / "a.json")
    assert {(run["nll"], run["accuracy"]) for run in found.runs} == {(None, None)}


def test_a_name_that_could_not_be_read_is_not_written(compared, tmp_path):
    renamed = StrategyComparison(**{**vars(compared), "strategies": ("base", "random", "p\n30")})
    with pytest.raises(ValueError, match=r"'p\\n30' is no name"):
        renamed.to_json(tmp_path / "a.json")
    assert os.listdir(tmp_path) == []


def replaced(document, **changes):
    return {**document, **changes}


def with_run(document, **changes):
    return {**document, "runs": [*document["runs"][:-1], {**document["runs"][-1], **changes}]}


SPOILT = {
    "a list": (lambda d: [d], "no comparison of strategies"),
    "a number": (lambda d: 3, "no comparison of strategies"),
    "of an earlier version": (
        lambda d: {k: d[k] for k in ("verdict", "summary", "runs")},
        "have to be made anew",
    ),
    "another format": (lambda d: replaced(d, format="x"), "no comparison of strategies"),
    "a later version": (lambda d: replaced(d, version=2), "in version 2 of the format"),
    "version true": (lambda d: replaced(d, version=True), "in version True"),
    "no runs": (lambda d: replaced(d, runs=[]), "'runs' must be a list that has entries"),
    "runs of lists": (lambda d: replaced(d, runs=[[1]]), "run 1 must be an object"),
    "strategies": (lambda d: replaced(d, strategies="base"), "'strategies' must be a list"),
    "a strategy": (lambda d: replaced(d, strategies=["base", 3]), "3 is no name"),
    "a long name": (lambda d: replaced(d, strategies=["base", "x" * 9999]), "is no name"),
    "a control character": (lambda d: replaced(d, strategies=["\x1b[2J"]), r"'\\x1b\[2J' is no"),
    "half a character": (lambda d: replaced(d, strategies=["\ud83d"]), "is no name"),
    "one twice": (lambda d: replaced(d, strategies=["base", "base"]), "'strategies' has something"),
    "budgets": (lambda d: replaced(d, budgets=[2, "4"]), "a budget must be a number from"),
    "a budget without end": (lambda d: replaced(d, budgets=[10**400]), "whole number of many"),
    "metrics": (lambda d: replaced(d, metrics=["accuracy"]), "describes no figure"),
    "a direction": (
        lambda d: replaced(d, metrics=[{**d["metrics"][0], "higher_is_better": 1}]),
        "'higher_is_better' is 1",
    ),
    "decimals": (
        lambda d: replaced(d, metrics=[{**d["metrics"][0], "digits": 10**9}]),
        "'digits' is 1000000000",
    ),
    "a label": (
        lambda d: replaced(d, metrics=[{**d["metrics"][0], "label": "a\nb"}]),
        r"'a\\nb' is no name",
    ),
    "a figure without end": (lambda d: with_run(d, accuracy=1e300), "'accuracy' must be a number"),
    "parameters": (lambda d: replaced(d, parameters={"base": 3}), "'parameters' must be objects"),
    "a verdict": (lambda d: replaced(d, verdict=None), "'verdict' must be a text"),
    "an unknown strategy": (lambda d: with_run(d, strategy="x"), "run 18: 'strategy' is 'x'"),
    "an unhashable strategy": (lambda d: with_run(d, strategy=[]), "'strategy' is a list of 0"),
    "an unknown budget": (lambda d: with_run(d, budget=3), "'budget' is 3, none of 'budgets'"),
    "a figure of text": (lambda d: with_run(d, accuracy="0.9"), "'accuracy' must be a number"),
    "a figure of bool": (lambda d: with_run(d, accuracy=True), "'accuracy' must be a number"),
    "an error": (lambda d: with_run(d, error=1), "'error' must be a text"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_no_comparison_is_an_error_that_names_the_file(name, document, tmp_path):
    spoil, expected = SPOILT[name]
    path = tmp_path / "spoilt.json"
    path.write_text(json.dumps(spoil(document)), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"spoilt\.json: .*{expected}") as raised:
        read_comparison(path)
    assert len(str(raised.value)) < len(str(path)) + 400


def test_lists_in_a_training_are_left_out_however_deep(document, tmp_path):
    path = tmp_path / "a.json"
    text = json.dumps(with_run(document, lr=12345))
    for depth in (1, 500, 900):
        path.write_text(text.replace("12345", "[" * depth + "]" * depth), encoding="utf-8")
        assert "lr" not in read_comparison(path).runs[-1]
        assert "lr" in read_comparison(path).runs[0]


def test_a_figure_may_not_be_missing(document, tmp_path):
    del document["runs"][4]["nll"]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ValueError, match="run 5 has no 'nll'"):
        read_comparison(path)


@pytest.mark.parametrize(
    "content, expected",
    [
        (b"", "not JSON"),
        (b"strategy,accuracy\nbase,0.9\n", "not JSON .*line 1"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"format": NaN}', "it has NaN"),
        (b'{"format": -Infinity}', "it has -Infinity"),
        (b'{"budgets": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"budgets": 1e999}', "no comparison of strategies"),
        (b"\x80\x04\x95.", "not UTF-8"),  # a pickle
    ],
)
def test_other_files(content, expected, tmp_path):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"other\.json: .*{expected}"):
        read_comparison(path)


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole
    with pytest.raises(ValueError, match=r"huge\.json: 1,048,576 MiB are more than any"):
        read_comparison(path)


def test_a_byte_order_mark_is_no_content(document, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document), encoding="utf-8-sig")
    assert read_comparison(path).strategies == ("base", "random", "p30")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(ValueError, match=r"pipe\.json: this is no regular file"):
        read_comparisons(tmp_path)


def test_what_is_taken_from_a_folder(document, tmp_path):
    text = json.dumps(document)
    for name in ("b.json", "a.JSON", "B c.json", "._b.json", ".b.json.0123.part", "x.txt"):
        (tmp_path / name).write_text(text if "b" in name or "a" in name else "", encoding="utf-8")
    (tmp_path / "B c.json").write_text(text, encoding="utf-8")
    (tmp_path / "below").mkdir()
    assert list(read_comparisons(tmp_path)) == ["B c", "a", "b"]
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    if len(list(tmp_path.glob("a.*"))) == 2:  # where case counts
        assert list(read_comparisons(tmp_path)) == ["B c", "a", "a.json", "b"]


def test_a_folder_without_comparisons(tmp_path):
    with pytest.raises(ValueError, match=r"no file that ends in \.json"):
        read_comparisons(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_comparisons(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        read_comparison(tmp_path / "nothing.json")
