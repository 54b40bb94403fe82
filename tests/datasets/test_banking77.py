"""fetch_banking77: content, data folder, hash check, download."""

import hashlib
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from sklearn_sifal.datasets import _banking77, fetch_banking77
from sklearn_sifal.datasets._data_home import data_folder
from sklearn_sifal.datasets._remote_file import RemoteFile

_CSV = 'text,category\n"Where is\nmy card?",card_arrival\nÜber £5?,fee\n'


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def served(tmp_path):
    """Return a folder and the address it is served at, on this machine only."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(_QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(timeout=10)


@pytest.fixture
def small_files(monkeypatch):
    """Replace the two remote files by small ones; returns a function that sets their home."""
    sha256 = hashlib.sha256(_CSV.encode()).hexdigest()

    def set_home(url):
        for name in ("train", "test"):
            remote = RemoteFile(f"banking77_{name}.csv", f"{url}/{name}.csv", sha256)
            monkeypatch.setattr(_banking77, f"_{name.upper()}", remote)

    # Nothing listens there: a test that does not serve files must not download.
    set_home("http://127.0.0.1:9")
    return set_home


def _write_both(folder, content=_CSV):
    folder.mkdir(exist_ok=True)
    for name in ("train", "test"):
        (folder / f"banking77_{name}.csv").write_bytes(content.encode())


@pytest.fixture
def no_pooch(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)


def test_real_files_without_pooch(data_home, no_pooch):
    data = fetch_banking77(data_home=data_home, download_if_missing=False)
    assert data.X_train.shape == data.y_train.shape == (10003,)
    assert data.X_test.shape == data.y_test.shape == (3080,)
    assert data.X_train.dtype == data.X_test.dtype == object
    assert data.X_train[0] == "I am still waiting on my card?"
    assert data.y_train[0] == "card_arrival"
    assert len(data.target_names) == 77
    assert data.target_names == sorted(set(data.y_test.tolist()))
    sizes = np.unique(data.y_train, return_counts=True)[1]
    assert (sizes.min(), sizes.max()) == (35, 187)
    assert set(np.unique(data.y_test, return_counts=True)[1]) == {40}
    assert "CC BY 4.0" in data.DESCR


def test_four_arrays(data_home):
    data = fetch_banking77(data_home=str(data_home))
    arrays = fetch_banking77(data_home=str(data_home), return_X_y=True)
    for array, name in zip(arrays, ("X_train", "X_test", "y_train", "y_test"), strict=True):
        assert np.array_equal(array, data[name])


def test_line_breaks_and_other_letters(tmp_path, small_files):
    _write_both(tmp_path)
    data = fetch_banking77(data_home=tmp_path)
    assert data.X_train.tolist() == ["Where is\nmy card?", "Über £5?"]
    assert data.target_names == ["card_arrival", "fee"]


def test_download(tmp_path, small_files, served):
    pytest.importorskip("pooch")
    folder, url = served
    for name in ("train", "test"):
        (folder / f"{name}.csv").write_bytes(_CSV.encode())
    small_files(url)
    home = tmp_path / "not" / "there" / "yet"
    data = fetch_banking77(data_home=home)
    assert len(data.X_train) == 2
    (tmp_path / "by open").touch()
    assert (home / "banking77_train.csv").stat().st_mode == (tmp_path / "by open").stat().st_mode
    assert sorted(path.name for path in home.iterdir()) == [
        "banking77_test.csv",
        "banking77_train.csv",
    ]
    small_files("http://127.0.0.1:9")
    assert len(fetch_banking77(data_home=home).X_test) == 2


def test_download_with_wrong_content_leaves_nothing(tmp_path, small_files, served):
    pytest.importorskip("pooch")
    folder, url = served
    (folder / "train.csv").write_text("not the file")
    small_files(url)
    with pytest.raises(OSError, match=r"train\.csv is not the file expected.*SHA256"):
        fetch_banking77(data_home=tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []


def test_failed_download_leaves_nothing(tmp_path, small_files, served):
    pytest.importorskip("pooch")
    small_files(served[1])  # the folder that is served is empty
    with pytest.raises(OSError, match=r"train\.csv \(HTTPError: 404 File not found\)\. Try again"):
        fetch_banking77(data_home=tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []


def test_failed_connection_is_named_by_its_kind(tmp_path, small_files):
    pytest.importorskip("pooch")
    address = r"http://127\.0\.0\.1:9/train\.csv"
    with pytest.raises(OSError, match=rf"from {address} \(\w*Error\)\. Try again") as caught:
        fetch_banking77(data_home=tmp_path / "home")
    assert caught.value.__cause__ is not None


def test_wrong_content_on_disk_is_neither_used_nor_changed(tmp_path, small_files):
    _write_both(tmp_path, "edited")
    found = hashlib.sha256(b"edited").hexdigest()
    expected = hashlib.sha256(_CSV.encode()).hexdigest()
    pattern = rf"banking77_train\.csv is not .* {found}, expected {expected}.*delete it"
    with pytest.raises(OSError, match=pattern):
        fetch_banking77(data_home=tmp_path)
    assert (tmp_path / "banking77_train.csv").read_text() == "edited"


def test_missing_file(tmp_path, small_files):
    home = tmp_path / "home"
    with pytest.raises(OSError, match=r"banking77_train\.csv not found, and download_if_missing"):
        fetch_banking77(data_home=home, download_if_missing=False)
    assert not home.exists()


def test_missing_pooch_names_the_extra(tmp_path, small_files, no_pooch):
    home = tmp_path / "home"
    with pytest.raises(ImportError, match=r'pip install "sklearn_sifal\[datasets\]"'):
        fetch_banking77(data_home=home)
    assert not home.exists()


def test_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "sk"))
    monkeypatch.setenv("SIFAL_DATA", str(tmp_path / "env"))
    assert data_folder(tmp_path / "given") == tmp_path / "given"
    assert data_folder("~/given") == Path.home() / "given"
    assert data_folder() == tmp_path / "env"
    monkeypatch.setenv("SIFAL_DATA", "")
    assert data_folder() == tmp_path / "sk" / "sklearn_sifal"
    monkeypatch.delenv("SIFAL_DATA")
    monkeypatch.delenv("SCIKIT_LEARN_DATA")
    assert data_folder() == Path.home() / "scikit_learn_data" / "sklearn_sifal"
    assert list(tmp_path.iterdir()) == []


def test_environment_variable_is_read_on_each_call(monkeypatch, tmp_path, small_files):
    _write_both(tmp_path / "a")
    monkeypatch.setenv("SIFAL_DATA", str(tmp_path / "a"))
    assert len(fetch_banking77().X_train) == 2
