"""The command as a process of its own."""

import io
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import sklearn_sifal
from sklearn_sifal.cli import _main, main

ROOT = Path(sklearn_sifal.__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "sklearn_sifal"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def sifal(*arguments: Any, **options: Any) -> Any:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(),
        check=False,
        **options,
    )


def test_version_and_help(capsys: Any) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sifal {sklearn_sifal.__version__}\n"
    assert main(["compare", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown
    assert "--report report.html" in shown
    assert main(["audit", "--help"]) == 0
    assert "sifal audit queries.csv" in capsys.readouterr().out


def test_nothing_at_all_shows_the_help(capsys: Any) -> None:
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "compare" in shown.err
    assert "audit" in shown.err


def test_help_waits_for_no_library() -> None:
    code = (
        "import sys; from sklearn_sifal.cli import main; assert main(['--help']) == 0; "
        "heavy = {'torch', 'sklearn', 'numpy', 'matplotlib', 'pandas'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_file_from_standard_input(queries: Path, tmp_path: Path) -> None:
    content = queries.read_text(encoding="utf-8").replace("card", "Kärtchen")
    done = sifal("audit", "-", "--label", "intent", "--out", "s.tsv", input=content, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Kärtchen" in (tmp_path / "s.tsv").read_text(encoding="utf-8")
    assert "90 rows written to s.tsv." in done.stdout


def test_a_terminal_without_the_characters(queries: Path) -> None:
    content = queries.read_text(encoding="utf-8").replace("card", "卡")
    queries.write_text(content, encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "audit", str(queries), "--label", "intent", "--quiet"],
        capture_output=True,
        env={**environment(), "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"no verdict" in done.stdout


def test_an_error(tmp_path: Path) -> None:
    done = sifal("audit", "absent.csv", "--label", "x", "--out", "s.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "sifal: error: There is no file 'absent.csv'.\n"
    assert list(tmp_path.iterdir()) == []


def processes_of(group: int) -> list[int]:
    """Processes of a session that still run, from Linux's list of them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # After the name, which may have spaces: state, parent, group, session.
            state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has ended meanwhile
            continue
        if int(session) == group and state != "Z":
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    "sent, code, said",
    [(signal.SIGINT, 130, b"sifal: interrupted."), (signal.SIGTERM, 143, b"sifal: terminated.")],
)
def test_signals(
    tmp_path: Path, queries: Path, jobs: int, sent: signal.Signals, code: int, said: bytes
) -> None:
    lines = queries.read_text(encoding="utf-8").splitlines()
    queries.write_text("\n".join([lines[0], *lines[1:] * 200]), encoding="utf-8")
    arguments = ["compare", str(queries), "--label", "intent", "--seeds", "10", "--jobs", str(jobs)]
    arguments += ["--strategies", "base", "--budget", "2"]
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--out", "r.csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
        start_new_session=True,  # a terminal sends the signal to a whole group
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        err = b""
        while b"trainings:  " not in err and (chunk := process.stderr.read1()):
            err += chunk  # until trainings are done
        if sent == signal.SIGINT:
            os.killpg(process.pid, sent)
        else:  # whoever asks for an end asks one process
            process.send_signal(sent)
        err += process.stderr.read()  # which workers have open as well
        assert process.stdout.read() == b""
    assert process.returncode == code, err
    assert b"Traceback" not in err
    assert err.rstrip().endswith(said)
    assert [p.name for p in tmp_path.iterdir()] == ["queries.csv"]
    if Path("/proc/self/stat").exists():
        for _ in range(50):  # what closed its files is about to end
            if not (left := processes_of(process.pid)):
                break
            time.sleep(0.1)
        assert left == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_handler_of_the_caller_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def own(*_: Any) -> None: ...

    during = []
    monkeypatch.setattr(_main, "_run", lambda _: during.append(signal.getsignal(signal.SIGTERM)))
    before = signal.signal(signal.SIGTERM, own)
    try:
        main(["--version"])
        assert during[0] is not own
        assert signal.getsignal(signal.SIGTERM) is own
        with ThreadPoolExecutor() as threads:  # other threads cannot have handlers
            threads.submit(main, ["--version"]).result()
        assert during[1] is own
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_reader_that_stops_reading(queries: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "audit", str(queries), "--label", "intent", "--out", "-", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 141
    assert err == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("out", [["--out", "-"], []])
def test_an_output_that_is_full(queries: Path, out: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "audit", str(queries), "--label", "intent", "--quiet", *out],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "sifal: error: No space left on device.\n"


@pytest.mark.parametrize("error", [OSError(36, "File name too long", "f" * 300), BrokenPipeError()])
def test_the_output_of_a_calling_program_stays_its_own(
    monkeypatch: pytest.MonkeyPatch, capfd: Any, error: OSError
) -> None:
    def fails(_: Any) -> None:
        raise error

    monkeypatch.setattr(_main, "_run", fails)
    before = os.fstat(1)
    expected = 141 if isinstance(error, BrokenPipeError) else 2
    assert main(["--version"]) == expected
    monkeypatch.setattr(sys, "stdout", io.StringIO())  # has no number
    assert main(["--version"]) == expected
    assert os.path.samestat(before, os.fstat(1))
    shown = capfd.readouterr().err
    assert shown.count("sifal: error: File name too long: 'ffff") == (2 if expected == 2 else 0)


def test_errors_go_to_nobody_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Broken())
    assert main(["audit", "absent.csv", "--label", "label"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
def test_no_standard_output(queries: Path, tmp_path: Path) -> None:
    command = [*COMMAND, "audit", str(queries), "--label", "intent", "--quiet", "--out"]
    to_file, to_nowhere = (
        subprocess.run(
            ["sh", "-c", 'exec "$@" >&-', "sh", *command, out],
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment(),
            check=False,
        )
        for out in ("s.csv", "-")
    )
    assert (to_file.returncode, to_file.stderr) == (0, "")
    assert len((tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()) == 91
    assert to_nowhere.returncode == 2
    assert to_nowhere.stderr == "sifal: error: --out -: standard output is closed.\n"


def test_a_table_on_standard_output_is_as_in_files(queries: Path) -> None:
    content = queries.read_text(encoding="utf-8").replace("card", "卡")
    queries.write_text(content, encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "audit", str(queries), "--label", "intent", "--quiet", "--out", "-"],
        capture_output=True,
        env={**environment(), "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "卡" in done.stdout.decode("utf-8")
    assert b"\r" not in done.stdout
