"""Every mistake has a message of one line, the exit code 2, and leaves no file."""

import os
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import pytest

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal.cli import main
from sklearn_sifal.cli._errors import UserError, errors_of_training

COMMANDS = {"compare": ["--report", "r.html", "--out", "r.csv"], "audit": ["--out", "r.csv"]}


@pytest.fixture(params=COMMANDS)
def fails(
    request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Callable[..., str]:
    """Run each of the commands on a file, expect an error, and return its message."""
    monkeypatch.chdir(tmp_path)

    def run(content: str | bytes, *options: str, name: str = "f.csv") -> str:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        before = sorted(os.listdir())
        code = main([request.param, name, *COMMANDS[request.param], *options])
        shown = capsys.readouterr()
        assert code == 2
        assert shown.out == ""
        assert sorted(os.listdir()) == before
        message = shown.err.strip().splitlines()[-1]
        assert message.startswith("sifal: error: ")
        return message

    return run


GOOD = "text,label\n" + "".join(
    f"my card {i} is lost,card\nthe app {i} is gone,app\n" for i in range(20)
)


def test_a_missing_label_option(fails: Any) -> None:
    assert "--label NAME. The columns of f.csv: 'text', 'label'." in fails(GOOD)


def test_a_missing_column(fails: Any) -> None:
    message = fails(GOOD, "--label", "Lable")
    assert "f.csv has no column 'Lable', named by --label. Did you mean 'label'?" in message
    assert "Its columns: 'text', 'label'." in message
    assert "no column 'body', named by --text." in fails(GOOD, "--label", "label", "--text", "body")


def test_a_missing_file(fails: Any) -> None:
    pass_through = fails(GOOD, "--label", "label", "--delimiter", ";")
    assert "no column 'label'" in pass_through  # a wrong delimiter shows in the columns
    assert "'text,label'" in pass_through


def test_an_empty_file(fails: Any) -> None:
    assert fails("", "--label", "label").endswith("f.csv is empty.")
    assert "a header and no rows" in fails("text,label\n", "--label", "label")


def test_one_class(fails: Any) -> None:
    message = fails("text,label\nmy card,a\nmy app,a\n", "--label", "label")
    assert "'label' of f.csv needs at least two labels; it has only 'a'." in message


def test_a_label_seen_once(fails: Any) -> None:
    message = fails(GOOD + "hello you,greeting\n", "--label", "label")
    assert "1 label in the column 'label' of f.csv has a single row: 'greeting'." in message
    assert "--drop-rare" in message
    message = fails(GOOD + "hello you,greeting\nhow much is it,price\n", "--label", "label")
    assert (
        "2 labels in the column 'label' of f.csv have a single row: 'greeting', 'price'" in message
    )


def test_many_labels_seen_once_are_not_all_listed(fails: Any) -> None:
    rows = "".join(f"some words,label{i:02d}\n" for i in range(40))
    assert "and 28 more." in fails(GOOD + rows, "--label", "label")


def test_numbers_as_labels(fails: Any) -> None:
    content = "a,price\n" + "".join(f"{i % 7},{i * 1.5}\n" for i in range(40))
    assert "there is LossSampledRegressor" in fails(content, "--label", "price")


def test_nothing_is_left_after_dropping(fails: Any) -> None:
    message = fails(GOOD, "--label", "label", "--drop-rare", "50")
    assert "at least two labels, and no row is left." in message


def test_a_bad_encoding(fails: Any) -> None:
    message = fails((GOOD + "für dich,app\n").encode("cp1252"), "--label", "label")
    assert "f.csv is not UTF-8: byte" in message
    assert "--encoding cp1252" in message


def test_an_unknown_encoding(fails: Any) -> None:
    assert "--encoding: must be an encoding" in fails(GOOD, "--label", "label", "--encoding", "x")
    assert "--encoding: must be an encoding" in fails(GOOD, "--label", "label", "--encoding", "hex")


def test_a_ragged_line(fails: Any) -> None:
    assert "f.csv, line 42: 3 cells under a header of 2." in fails(
        GOOD + "well, hello,greeting\n", "--label", "label"
    )


def test_missing_labels(fails: Any) -> None:
    message = fails(GOOD + "hello you,\nhow are you, \n", "--label", "label")
    assert "'label' is missing in 2 rows, first in line 42 of f.csv." in message
    assert "--drop-missing" in message


def test_all_that_is_wrong_with_labels_is_one_error(fails: Any) -> None:
    content = GOOD + "hello you,\nhow much is it,price\n"
    message = fails(content, "--label", "label")
    assert "'label' is missing in 1 row, first in line 42 of f.csv." in message
    assert "has a single row: 'price'." in message
    assert message.endswith("leave such rows out with: --drop-missing --drop-rare 2")
    message = fails(content, "--label", "label", "--drop-missing")
    assert message.endswith("leave such rows out with: --drop-rare 2")
    message = fails(content, "--label", "label", "--drop-rare")
    assert message.endswith("leave such rows out with: --drop-missing")


def test_a_column_named_twice(fails: Any) -> None:
    message = fails("text,text,label\na b,c d,x\n", "--label", "label")
    assert "f.csv has more than one column named 'text'" in message


def test_a_cell_that_is_no_number(fails: Any) -> None:
    content = "n,label\n" + "1,a\n2,b\n" * 5 + "3 or 4,a\n"
    message = fails(content, "--label", "label", "--numeric", "n")
    assert (
        "line 12 of f.csv: '3 or 4' in the numeric column 'n' is no number to learn from."
        in message
    )


def test_the_label_as_text(fails: Any) -> None:
    message = fails(GOOD, "--label", "label", "--text", "label")
    assert "'label' is the label and cannot be learnt from" in message


@pytest.mark.parametrize(
    "option, value",
    [("--budget", "0"), ("--budget", "-1"), ("--budget", "nan"), ("--budget", "10000.1"),
     ("--budget", "inf"), ("--hidden", "0"), ("--hidden", "8,"), ("--seed", "-1"),
     ("--jobs", "0"), ("--delimiter", ";;"), ("--drop-rare", "1")],
)  # fmt: skip
def test_values_out_of_range(fails: Any, option: str, value: str) -> None:
    message = fails(GOOD, "--label", "label", option, value)
    assert f"argument {option}: must be" in message
    assert "Got" in message
    assert "--help" in message


def test_the_largest_budget(fails: Any) -> None:
    message = fails(GOOD, "--label", "label", "--budget", "20000")
    assert "--budget: must be a number of passes above 0 and up to 10,000. Got '20000'" in message
    assert "no column 'x'" in fails(GOOD, "--label", "x", "--budget", "10000")


def test_an_unknown_option(fails: Any) -> None:
    assert "unrecognized arguments: --lable" in fails(GOOD, "--lable", "label")


def test_outputs_are_checked_before_the_file_is_read(fails: Any, tmp_path: Path) -> None:
    broken = b"\xff\xff\xff"  # would be found on reading
    message = fails(broken, "--label", "label", "--out", "no/such/r.csv")
    assert "--out no/such/r.csv: there is no folder 'no/such'" in message
    assert "--out . is a folder" in fails(broken, "--label", "label", "--out", ".").replace(
        ".: the ending says the format, one of .csv, .tsv, .jsonl", ". is a folder"
    )
    assert "--out f.csv is the file to read" in fails(broken, "--label", "label", "--out", "f.csv")
    assert "--out r.xyz: the ending says the format" in fails(
        broken, "--label", "label", "--out", "r.xyz"
    )


def test_a_folder_without_the_right_to_write(fails: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refused)  # root may write anywhere
    message = fails(b"\xff", "--label", "label")
    assert "cannot be written: Permission denied." in message


def test_an_existing_output_outlives_an_error(fails: Any, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("of last time", encoding="utf-8")
    fails("", "--label", "label")
    assert (tmp_path / "r.csv").read_text(encoding="utf-8") == "of last time"


def test_what_only_a_training_can_find_out(fails: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise NonFiniteLossError("The loss of row 3\nis infinite.")

    monkeypatch.setattr(LossSampledClassifier, "fit", broken)
    assert fails(GOOD, "--label", "label").endswith("The loss of row 3 is infinite.")


# --------------------------------------------------------------------- of one command


def error_of(capsys: Any, *arguments: str) -> str:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    message = shown.err.strip().splitlines()[-1]
    assert message.startswith("sifal: error: ")
    return message


@pytest.mark.parametrize("command", COMMANDS)
def test_no_such_file(capsys: Any, command: str) -> None:
    message = error_of(capsys, command, "absent.csv", "--label", "label")
    assert "There is no file 'absent.csv'." in message


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no such device here")
def test_a_device_is_not_replaced(queries: Path, capsys: Any) -> None:
    options = ["--label", "intent", "--out", "/dev/null", "--format", "csv"]
    assert "--out /dev/null is no regular file" in error_of(capsys, "audit", str(queries), *options)
    assert not os.path.isfile("/dev/null")


def test_no_file_and_no_command(capsys: Any) -> None:
    assert "the following arguments are required: file" in error_of(capsys, "audit")
    assert "invalid choice: 'adit'" in error_of(capsys, "adit", "f.csv")


@pytest.mark.parametrize(
    "strategies, message",
    [
        ("base,importnce", "there is no 'importnce'. Did you mean 'importance'? There are: base,"),
        ("percentile:0", "percentile:0: after the colon comes a percentage above 0 and up to 100"),
        ("percentile:101", "a percentage above 0 and up to 100"),
        ("percentile:x", "a percentage above 0 and up to 100"),
        ("instance_early_stopping:30", "'instance_early_stopping' has no percentage to set"),
        ("base:30", "'base' has no percentage to set"),
        ("importance,importance", "has 'importance' twice"),
        ("base,,random", "must be a list such as A,B"),
    ],
)
def test_strategies(queries: Path, capsys: Any, strategies: str, message: str) -> None:
    arguments = ["compare", str(queries), "--label", "intent", "--strategies", strategies]
    assert message in error_of(capsys, *arguments)


@pytest.mark.parametrize(
    "option, value",
    [("--percentage", "0"), ("--percentage", "101"), ("--percentage", "many"),
     ("--test-size", "0"), ("--test-size", "1"), ("--seeds", "0"), ("--lr", "0.1,0"),
     ("--budget", "1,0")],
)  # fmt: skip
def test_values_of_compare(queries: Path, capsys: Any, option: str, value: str) -> None:
    message = error_of(capsys, "compare", str(queries), "--label", "intent", option, value)
    assert f"argument {option}: must be" in message


def test_the_report_needs_matplotlib(
    queries: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    report = str(queries.with_name("r.html"))
    message = error_of(capsys, "compare", str(queries), "--label", "intent", "--report", report)
    assert "--report needs matplotlib for its pictures: pip install" in message
    assert not Path(report).exists()


def test_one_file_for_two_outputs(queries: Path, capsys: Any) -> None:
    path = str(queries.with_name("r.html"))
    message = error_of(
        capsys, "compare", str(queries), "--label", "intent", "--report", path, "--out", path
    )
    assert "is written by --report as well" in message


def test_too_few_rows_to_split(queries: Path, capsys: Any) -> None:
    arguments = ["compare", str(queries), "--label", "intent", "--test-size", "0.02"]
    message = error_of(capsys, *arguments)
    assert (
        "leaves 88 to train and 2 to test on; each part needs as many as there are labels, 3"
        in (message)
    )


def test_test_files(written: Any, queries: Path, capsys: Any) -> None:
    def error_with(content: str) -> str:
        path = str(written("test.csv", content))
        return error_of(capsys, "compare", str(queries), "--label", "intent", "--test-file", path)

    assert "no column 'intent', named by --label." in error_with("text,label\nmy card,card\n")
    assert "no column 'text', named by" in error_with("query,intent\nmy card,card\n")
    message = error_with("text,intent\nmy card,crad\n")
    assert "test.csv has 1 label that" in message
    assert "has not: 'crad'. Did you mean 'card'?" in message
    assert "'intent' is missing in 1 row" in error_with("text,intent\nmy card,\n")
    message = error_with("text,intent\nmy card,\nmy dog,pets\nmy card,card\n")
    assert "'intent' is missing in 1 row, first in line 2" in message
    assert "has not: 'pets'." in message
    assert message.endswith("leave such rows out with: --drop-missing --drop-rare 2")


@pytest.mark.parametrize(
    ("row", "option"), [("my card,", "--drop-missing"), ("my dog,pets", "--drop-rare")]
)
def test_a_test_file_of_which_nothing_is_left(
    written: Any, queries: Path, capsys: Any, row: str, option: str
) -> None:
    test = str(written("test.csv", f"text,intent\n{row}\n"))
    options = ["--label", "intent", "--test-file", test, option]
    message = error_of(capsys, "compare", str(queries), *options)
    assert message.endswith("test.csv is left to test on.")


@pytest.mark.parametrize("option", [("--seed", "4294967296"), ("--seed", "-1")])
def test_a_seed_that_numpy_does_not_take(fails: Any, option: tuple[str, str]) -> None:
    message = fails(GOOD, "--label", "label", *option)
    assert f"--seed: must be a whole number from 0 to 4294967295. Got '{option[1]}'" in message


def test_jobs_that_are_none(fails: Any) -> None:
    assert "Got '0'; -1 is for all processors." in fails(GOOD, "--label", "label", "--jobs", "0")


def test_an_unknown_option_leads_to_the_help_of_the_command(
    fails: Any, request: pytest.FixtureRequest
) -> None:
    command = request.node.callspec.params["fails"]
    message = fails(GOOD, "--label", "label", "--budgt", "3")
    assert message.endswith(f"unrecognized arguments: --budgt 3. See: sifal {command} --help")


def test_a_net_that_is_too_large(fails: Any) -> None:
    assert "not enough memory" in fails(GOOD, "--label", "label", "--hidden", str(10**12))


def test_a_process_that_was_ended() -> None:
    with pytest.raises(UserError, match="Try fewer --jobs"), errors_of_training():
        raise BrokenExecutor


def test_other_errors_of_training_are_ours() -> None:
    with pytest.raises(RuntimeError, match="a bug"), errors_of_training():
        raise RuntimeError("a bug")
