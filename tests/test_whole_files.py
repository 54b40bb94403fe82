"""Files that appear whole or not at all: links, modes, errors, kills, and what is left over."""

import errno
import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_sifal import LossSampledClassifier, _whole_files
from sklearn_sifal._weights_files import load_weights, save_weights_file
from sklearn_sifal._whole_files import (
    hidden_name,
    place_of_file,
    replacing,
    replacing_text,
    without_surrogates,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="rights and nodes of POSIX")
full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")


def write(path: Any, content: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(content)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    """Sets the umask, until the test is over."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


# ------------------------------------------------------------------------------ links


@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_stays_and_the_file_that_it_leads_to_is_replaced(
    tmp_path: Path, absolute: bool
) -> None:
    (tmp_path / "far").mkdir()
    file, link, chain = tmp_path / "far" / "file", tmp_path / "link", tmp_path / "chain"
    file.write_bytes(b"old")
    link.symlink_to(file if absolute else Path("far", "file"))
    chain.symlink_to("link")
    write(chain)
    assert file.read_bytes() == b"new"
    assert link.is_symlink()
    assert chain.is_symlink()
    assert os.listdir(tmp_path / "far") == ["file"]


def test_a_link_that_leads_nowhere_creates_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_link_into_no_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("absent/file")
    with pytest.raises(FileNotFoundError) as caught:
        write(tmp_path / "link")
    assert caught.value.filename == str(tmp_path / "link")


def test_links_that_lead_to_each_other_are_an_error_and_stay(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError) as caught:
        write(tmp_path / "a")
    assert caught.value.errno == errno.ELOOP
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_hard_links_keep_the_old_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    os.link(tmp_path / "a", tmp_path / "b")
    write(tmp_path / "a")
    assert (tmp_path / "b").read_bytes() == b"old"


# ---------------------------------------------------------------- what is not replaced


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        # A socket's path is short, and that of a test's folder is not.
        before = os.getcwd()
        os.chdir(path.parent)
        try:
            end.bind(path.name)
        finally:
            os.chdir(before)


def make_device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))  # as /dev/null
    except PermissionError:
        pytest.skip("devices are made by root")


@posix
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("make", [make_pipe, make_socket, make_device, Path.mkdir])
def test_nodes_other_than_files_are_refused_and_stay(
    tmp_path: Path, make: Callable[[Path], None], linked: bool
) -> None:
    node = tmp_path / "node"
    make(node)
    kind = stat.S_IFMT(node.stat().st_mode)
    path = tmp_path / "link" if linked else node
    if linked:
        path.symlink_to("node")
    before = sorted(os.listdir(tmp_path))
    for writes in (write, lambda path: save_weights_file({"w": np.zeros(3)}, path)):
        with pytest.raises(OSError, match=r"not a file|no regular file") as caught:
            writes(path)
        assert caught.value.filename == str(path)
    assert stat.S_IFMT(node.stat().st_mode) == kind
    assert sorted(os.listdir(tmp_path)) == before


@posix
def test_a_pipe_that_has_no_name_is_refused(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        if not os.path.exists(f"/dev/fd/{writing}"):
            pytest.skip("no /dev/fd here")
        with pytest.raises(OSError, match="no regular file"):
            write(f"/dev/fd/{writing}")
    finally:
        os.close(reading)
        os.close(writing)


@posix
def test_a_file_that_has_lost_its_name_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        (tmp_path / "file").unlink()
        if not os.path.exists(f"/proc/self/fd/{file.fileno()}"):
            pytest.skip("no /proc here")
        with pytest.raises(OSError, match="no name to be replaced under"):
            write(f"/proc/self/fd/{file.fileno()}")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", ["", "absent/file", "file/"])
def test_paths_that_lead_to_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError) as caught:
        write(path)
    assert caught.value.filename == path
    assert os.listdir(tmp_path) == []


def test_a_path_with_a_null_character_is_refused_as_by_open(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="null"):
        write(f"{tmp_path}/a\0b")


@posix
def test_a_file_that_may_not_be_written_to_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(0o444)
    if os.geteuid() == 0:  # who may write to any
        monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(PermissionError) as caught:
        write(tmp_path / "file")
    assert (caught.value.errno, caught.value.filename) == (errno.EACCES, str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == b"old"


# ------------------------------------------------------------------------------ modes


@posix
@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o002, 0o664), (0, 0o666), (0o077, 0o600)])
def test_a_new_file_has_the_mode_that_open_would_give_it(
    tmp_path: Path, umask: Callable[[int], int], mask: int, mode: int
) -> None:
    umask(mask)
    write(tmp_path / "file")
    save_weights_file({"w": np.zeros(3)}, tmp_path / "weights")
    assert mode_of(tmp_path / "file") == mode_of(tmp_path / "weights") == mode


@posix
@pytest.mark.parametrize("mask", [0o022, 0o077, 0])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o666, 0o755])
def test_a_file_that_is_replaced_hands_on_its_mode(
    tmp_path: Path, umask: Callable[[int], int], mask: int, mode: int
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(mode)
    umask(mask)
    write(tmp_path / "file")
    assert mode_of(tmp_path / "file") == mode


@posix
def test_what_is_written_is_never_readable_by_more_than_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(0o600)
    with replacing(tmp_path / "file") as file:
        file.write(b"new")
        file.flush()
        (part,) = (path for path in tmp_path.iterdir() if path.name != "file")
        assert mode_of(part) == 0o600


@posix
def test_owner_and_group_are_handed_on_by_root(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("root alone may")
    (tmp_path / "file").write_bytes(b"old")
    os.chown(tmp_path / "file", 1234, 2345)
    (tmp_path / "file").chmod(0o640)
    write(tmp_path / "file")
    found = (tmp_path / "file").stat()
    assert (found.st_uid, found.st_gid, mode_of(tmp_path / "file")) == (1234, 2345, 0o640)


@posix
def test_without_the_old_group_the_new_one_gets_no_rights_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    (tmp_path / "file").write_bytes(b"old")
    old = (tmp_path / "file").stat()
    of_others = os.stat_result(
        (old.st_mode & ~0o777 | 0o664, *old[1:4], old.st_uid + 1, old.st_gid + 1, *old[6:])
    )
    monkeypatch.setattr(os, "chown", refused)
    _whole_files.keep_access(tmp_path / "file", of_others)
    assert mode_of(tmp_path / "file") == 0o644


# ------------------------------------------------------------------------------ errors


@full_device
def test_a_full_disk_is_an_os_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"old")

    def write_to_a_full_disk() -> None:
        with replacing(tmp_path / "w") as file, open("/dev/full", "wb") as full:
            os.dup2(full.fileno(), file.fileno())
            file.write(b"new")

    with pytest.raises(OSError) as caught:
        write_to_a_full_disk()
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(tmp_path / "w")
    assert isinstance(caught.value.__cause__, OSError)
    assert (tmp_path / "w").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["w"]


@posix
def test_weights_larger_than_a_file_may_be_are_an_os_error(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys, numpy as np\n"
        "from sklearn_sifal._weights_files import save_weights_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try:\n"
        "    save_weights_file({'w': np.zeros(100_000)}, sys.argv[1])\n"
        "except OSError as error:\n"
        "    print(error.errno, error.filename)\n"
    )
    path = tmp_path / "w.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{errno.EFBIG} {path}\n"
    assert os.listdir(tmp_path) == []


def test_weights_into_no_folder_are_an_os_error(tmp_path: Path) -> None:
    model = LossSampledClassifier(hidden_layer_sizes=(2,), budget=1, random_state=0)
    model.fit(np.eye(4, dtype=np.float32), [0, 1, 0, 1])
    with pytest.raises(FileNotFoundError) as caught:
        model.save_weights(tmp_path / "absent" / "w.safetensors")
    assert caught.value.filename == str(tmp_path / "absent" / "w.safetensors")
    model.save_weights(tmp_path / "w.safetensors")
    saved = load_weights(tmp_path / "w.safetensors", "init_weights")
    for name, values in model.net_.get_weights().items():
        np.testing.assert_array_equal(saved[name], values)


def test_an_error_of_another_file_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "file"):
        (tmp_path / "source").read_bytes()
    assert caught.value.filename == str(tmp_path / "source")


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_an_error_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with replacing(tmp_path / "file") as file:
            file.write(b"new")
            raise error

    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(error):
        fail()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_an_error_at_the_end_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, fails, broken)
    with pytest.raises(OSError, match="Input/output"):
        write(tmp_path / "file")
    monkeypatch.undo()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@posix
def test_the_file_is_on_the_disk_before_it_is_renamed_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    sync, rename = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        found = os.fstat(descriptor)
        # The size tells that nothing was left in Python's own buffer.
        done.append("folder" if stat.S_ISDIR(found.st_mode) else f"file of {found.st_size}")
        sync(descriptor)

    def renamed(*paths: Any) -> None:
        done.append("rename")
        rename(*paths)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    write(tmp_path / "file", b"12345")
    assert done == ["file of 5", "rename", "folder"]


# ------------------------------------------------------------------------------- names


@pytest.mark.parametrize("n_bytes", [1, 51, 200, 236, 237, 254, 255])
@pytest.mark.parametrize("letter", ["a", "é", "語", "😀"])
def test_long_names(tmp_path: Path, letter: str, n_bytes: int) -> None:
    size = len(letter.encode())
    name = letter * (n_bytes // size) + "b" * (n_bytes % size)
    write(tmp_path / name)
    write(tmp_path / name, b"again")
    assert os.listdir(tmp_path) == [name]


def test_a_name_that_is_too_long_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        place_of_file(tmp_path / ("a" * 256))
    assert caught.value.errno == errno.ENAMETOOLONG


@posix
def test_bytes_paths_that_are_no_utf8(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xfe.html"
    write(path)
    write(path, b"again")
    assert os.listdir(os.fsencode(tmp_path)) == [b"\xff\xfe.html"]


def test_paths_of_every_kind(tmp_path: Path) -> None:
    class AsText:
        def __fspath__(self) -> str:
            return str(tmp_path / "file")

    class AsBytes:
        def __fspath__(self) -> bytes:
            return os.fsencode(tmp_path / "file")

    for number, path in enumerate(
        [str(tmp_path / "file"), tmp_path / "file", AsText(), AsBytes()], 1
    ):
        write(path, b"%d" % number)
        assert (tmp_path / "file").read_bytes() == b"%d" % number
    for path in (None, 3):
        with pytest.raises(TypeError, match="PathLike"):
            write(path)


def test_a_relative_path_is_that_of_the_folder_in_which_writing_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "a")
    with replacing("file") as file:
        file.write(b"new")
        os.chdir(tmp_path / "b")
    assert os.listdir(tmp_path / "a") == ["file"]
    assert os.listdir(tmp_path / "b") == []


# "/" parts names; some systems keep "\\" and ":" for themselves.
NAMES = st.text(
    st.characters(exclude_characters="/\\:\0", exclude_categories=["Cs"]), min_size=1
).filter(lambda name: name.strip(". ") and len(name.encode()) <= 255)


@posix
@given(name=NAMES, content=st.binary())
def test_whatever_is_written_under_whatever_name_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / f"names {secrets.token_hex(8)}"
    folder.mkdir()
    write(folder / name, b"old")
    write(folder / name, content)
    assert os.listdir(folder) == [name]
    assert (folder / name).read_bytes() == content


# -------------------------------------------------------------------------------- text


ANY_TEXT = st.text(st.characters(exclude_categories=[]))  # half surrogate pairs as well


@given(text=ANY_TEXT)
def test_text_is_utf8_and_the_same_but_for_halves_of_surrogate_pairs(text: str) -> None:
    found = without_surrogates(text)
    assert found.encode().decode() == found
    halves = ["\ud800" <= letter <= "\udfff" for letter in text]
    expected = ("\ufffd" if half else letter for letter, half in zip(text, halves, strict=True))
    assert found == "".join(expected)


def test_line_ends_are_written_as_they_are(tmp_path: Path) -> None:
    with replacing_text(tmp_path / "file", "utf-8-sig") as file:
        file.write("a\r\nb\nc\r")
    assert (tmp_path / "file").read_bytes() == b"\xef\xbb\xbfa\r\nb\nc\r"


# -------------------------------------------------------- several writers, and left-overs


def left_over(path: Path) -> Path:
    """What a process that was killed while it wrote `path` leaves."""
    part = hidden_name(path)
    part.write_bytes(b"half")
    return part


def lock_file(path: Path) -> int:
    import fcntl

    descriptor = os.open(path, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


@posix
def test_a_killed_process_leaves_a_file_that_the_next_writer_removes(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from sklearn_sifal._whole_files import replacing\n"
        "with replacing(sys.argv[1]) as file:\n"
        "    file.write(b'half')\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
    )
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(os.listdir(tmp_path)) == 2
        write(path, b"meanwhile")  # leaves the file of the living one alone
        assert len(os.listdir(tmp_path)) == 2
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(os.listdir(tmp_path)) == 2
    assert path.read_bytes() == b"meanwhile"
    write(path)
    assert os.listdir(tmp_path) == ["file"]


@posix
def test_only_left_overs_of_the_same_name_are_removed(tmp_path: Path) -> None:
    kept = [
        left_over(tmp_path / "other"),
        tmp_path / ".file.part",
        tmp_path / ".file.0123456789abcdef.part.bak",
        tmp_path / ".file.0123456789ABCDEF.part",
        tmp_path / "file.0123456789abcdef.part",
    ]
    for path in kept[1:]:
        path.write_bytes(b"of somebody")
    folder, pipe = hidden_name(tmp_path / "file"), hidden_name(tmp_path / "file")
    folder.mkdir()
    os.mkfifo(pipe)
    left_over(tmp_path / "file")
    write(tmp_path / "file")
    assert set(tmp_path.iterdir()) == {tmp_path / "file", folder, pipe, *kept}


@posix
def test_a_link_in_place_of_a_left_over_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    link = hidden_name(tmp_path / "file")
    link.symlink_to("mine")
    write(tmp_path / "file")
    assert link.is_symlink()
    assert (tmp_path / "mine").read_bytes() == b"mine"


@posix
def test_left_overs_of_another_machine_are_removed_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "elsewhere")
    fresh, stale, in_use = (left_over(tmp_path / "file") for _ in range(3))
    monkeypatch.undo()
    for path in (stale, in_use):
        os.utime(path, (time.time() - 90_000,) * 2)
    lock = lock_file(in_use)
    try:
        write(tmp_path / "file")
    finally:
        os.close(lock)
    assert set(tmp_path.iterdir()) == {tmp_path / "file", fresh, in_use}


@posix
def test_where_nothing_can_be_locked_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def unable(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    part = left_over(tmp_path / "file")
    monkeypatch.setattr(fcntl, "flock", unable)
    write(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert set(tmp_path.iterdir()) == {tmp_path / "file", part}


def test_without_locks_and_file_modes_as_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_whole_files, "fcntl", None)
    monkeypatch.delattr(os, "chown", raising=False)
    closed = []
    close = _whole_files.Part.close

    def noted(part: _whole_files.Part) -> None:
        close(part)
        closed.append((tmp_path / "file").read_bytes())

    monkeypatch.setattr(_whole_files.Part, "close", noted)
    (tmp_path / "file").write_bytes(b"old")
    write(tmp_path / "file")
    assert closed == [b"old", b"new"]  # first before the rename, as Windows needs it
    assert os.listdir(tmp_path) == ["file"]


@posix
def test_a_file_taken_for_a_left_over_while_it_was_made_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    lock, seen = fcntl.flock, []

    def late(descriptor: int, how: int) -> None:
        if not seen:
            (part,) = tmp_path.iterdir()
            part.unlink()
        seen.append(descriptor)
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    write(tmp_path / "file")
    assert len(seen) == 2
    assert (tmp_path / "file").read_bytes() == b"new"


def test_of_many_writers_the_last_one_wins_whole(tmp_path: Path) -> None:
    errors = []

    def write_often(letter: bytes) -> None:
        try:
            for _ in range(25):
                write(tmp_path / "file", letter * 100_000)
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write_often, args=(b"%d" % i,)) for i in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if (tmp_path / "file").exists():
            content = (tmp_path / "file").read_bytes()
            assert len(content) == 100_000
            assert len(set(content)) == 1
    assert errors == []
    assert os.listdir(tmp_path) == ["file"]


@posix
def test_a_folder_that_cannot_be_listed_can_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "listdir", refused)
    write(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"new"
