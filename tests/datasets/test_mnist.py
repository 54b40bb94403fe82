"""fetch_mnist and its two sisters: from files, from OpenML (a stand-in), and their checks."""

import gzip
import os
import re
import sys
import tracemalloc
from urllib.error import URLError

import numpy as np
import pytest
from sklearn.utils import Bunch

from sklearn_sifal.datasets import (
    _image_sets,
    _mnist,
    fetch_fashion_mnist,
    fetch_kuzushiji_mnist,
    fetch_mnist,
)

FETCHERS = {
    "mnist": fetch_mnist,
    "fashion_mnist": fetch_fashion_mnist,
    "kuzushiji_mnist": fetch_kuzushiji_mnist,
}
OPENML_IDS = {"mnist": 554, "fashion_mnist": 40996, "kuzushiji_mnist": 41982}
TORCH_FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kuzushiji_mnist": "KMNIST"}
N_TRAIN, N_TEST = (3, 2, 2, 2, 2, 2, 2, 2, 2, 2), (1,) * 10


@pytest.fixture(params=FETCHERS)
def name(request):
    return request.param


@pytest.fixture
def few_rows(monkeypatch):
    """Sets of 21 and 10 images instead of 60,000 and 10,000."""
    for constant in ("_MNIST", "_FASHION_MNIST", "_KUZUSHIJI_MNIST"):
        images = getattr(_mnist, constant)._replace(n_train=N_TRAIN, n_test=N_TEST)
        monkeypatch.setattr(_mnist, constant, images)


@pytest.fixture(autouse=True)
def openml(monkeypatch):
    """Stands in for scikit-learn's fetch_openml; it fails unless its `data` are set."""

    class OpenML:
        data = None
        error = URLError("no network")
        calls = ()

        def __call__(self, **arguments):
            self.calls = (*self.calls, arguments)
            if self.data is None:
                raise self.error
            return self.data

    stand_in = OpenML()
    monkeypatch.setattr(_image_sets, "fetch_openml", stand_in)
    return stand_in


@pytest.fixture
def arrays(few_rows):
    """Images and labels of both parts; labels in another order than that of the classes."""
    rng = np.random.default_rng(0)
    y_train = rng.permutation(np.repeat(np.arange(10), N_TRAIN)).astype(np.uint8)
    y_test = rng.permutation(10).astype(np.uint8)
    x_train = rng.integers(0, 256, (21, 28, 28), dtype=np.uint8)
    x_test = rng.integers(0, 256, (10, 28, 28), dtype=np.uint8)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def from_openml(arrays):
    """What fetch_openml(as_frame=False) returns: one table, training rows first, text labels."""
    X = np.concatenate([arrays["x_train"], arrays["x_test"]]).reshape(31, 784).astype(np.float64)
    y = np.concatenate([arrays["y_train"], arrays["y_test"]]).astype(str).astype(object)
    return Bunch(data=X, target=y)


def as_idx(values):
    shape = b"".join(length.to_bytes(4, "big") for length in values.shape)
    return bytes([0, 0, 8, values.ndim]) + shape + values.tobytes()


def write_idx(folder, arrays, ending, pack):
    folder.mkdir(parents=True)
    for stem, key, n_dimensions in (
        ("train-images", "x_train", 3),
        ("train-labels", "y_train", 1),
        ("t10k-images", "x_test", 3),
        ("t10k-labels", "y_test", 1),
    ):
        content = as_idx(arrays[key])
        file = folder / (stem + ending.format(n_dimensions))
        file.write_bytes(gzip.compress(content) if pack else content)


def check(data, arrays):
    np.testing.assert_array_equal(data.X_train, arrays["x_train"].reshape(-1, 784))
    np.testing.assert_array_equal(data.X_test, arrays["x_test"].reshape(-1, 784))
    np.testing.assert_array_equal(data.y_train, arrays["y_train"])
    np.testing.assert_array_equal(data.y_test, arrays["y_test"])
    assert data.X_train.dtype == data.X_test.dtype == np.uint8
    assert data.y_train.dtype == data.y_test.dtype == np.int64
    assert data.X_train.flags.c_contiguous
    assert data.X_train.flags.writeable
    assert data.image_shape == (28, 28)
    assert len(set(data.target_names)) == 10


def test_real_mnist(data_home):
    if not (data_home / "mnist.npz").exists():
        pytest.skip("mnist.npz not found")
    data = fetch_mnist(data_home=data_home, download_if_missing=False)
    assert data.X_train.shape == (60000, 784)
    assert data.X_test.shape == (10000, 784)
    assert data.y_train[:5].tolist() == [5, 0, 4, 1, 9]  # as in every tutorial
    assert data.y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert "LeCun" in data.DESCR


def test_sizes_are_those_of_the_authors():
    for images in (_mnist._MNIST, _mnist._FASHION_MNIST, _mnist._KUZUSHIJI_MNIST):
        assert (sum(images.n_train), sum(images.n_test)) == (60_000, 10_000)
        assert images.openml_id == OPENML_IDS[images.name]


def test_npz(tmp_path, name, arrays):
    np.savez(tmp_path / f"{name}.npz", **arrays)
    check(FETCHERS[name](data_home=tmp_path, download_if_missing=False), arrays)


def test_npz_of_rows_and_other_types(tmp_path, arrays):
    other = {key: values.astype(np.float32) for key, values in arrays.items()}
    for key in ("x_train", "x_test"):
        other[key] = other[key].reshape(-1, 784)
    np.savez(tmp_path / "mnist.npz", **other)
    check(fetch_mnist(data_home=tmp_path), arrays)


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("ending", ["-idx{}-ubyte", ".idx{}-ubyte"])
def test_idx_files(tmp_path, name, arrays, ending, pack):
    write_idx(tmp_path / name, arrays, ending + ".gz" * pack, pack)
    check(FETCHERS[name](data_home=tmp_path, download_if_missing=False), arrays)


def test_folder_of_torchvision(tmp_path, name, arrays):
    write_idx(tmp_path / TORCH_FOLDERS[name] / "raw", arrays, "-idx{}-ubyte", False)
    check(FETCHERS[name](data_home=tmp_path, download_if_missing=False), arrays)


def test_environment_variable_names_the_folder(tmp_path, monkeypatch, arrays):
    np.savez(tmp_path / "mnist.npz", **arrays)
    monkeypatch.setenv("SIFAL_DATA", str(tmp_path))
    check(fetch_mnist(download_if_missing=False), arrays)


def test_four_arrays(tmp_path, arrays):
    np.savez(tmp_path / "mnist.npz", **arrays)
    data = fetch_mnist(data_home=tmp_path)
    found = fetch_mnist(data_home=tmp_path, return_X_y=True)
    for array, key in zip(found, ("X_train", "X_test", "y_train", "y_test"), strict=True):
        np.testing.assert_array_equal(array, data[key])


def test_download_once(tmp_path, openml, name, arrays):
    openml.data = from_openml(arrays)
    home = tmp_path / "not" / "there" / "yet"
    check(FETCHERS[name](data_home=home), arrays)
    assert openml.calls == (
        {"data_id": OPENML_IDS[name], "as_frame": False, "parser": "liac-arff", "cache": False},
    )
    assert [path.name for path in home.iterdir()] == [f"{name}.npz"]
    openml.data = None
    check(FETCHERS[name](data_home=home, download_if_missing=False), arrays)


@pytest.mark.parametrize("error", [URLError("no network"), ValueError("bad checksum")])
def test_failed_download_names_what_was_tried_and_where_to_put_files(tmp_path, openml, name, error):
    openml.error = error
    pattern = (
        rf"OpenML's data set {OPENML_IDS[name]} \({type(error).__name__}.*{error.args[0]}.* not in "
        rf"{re.escape(str(tmp_path))}.*Put {name}\.npz, or train-images-idx3-ubyte\.gz"
    )
    with pytest.raises(OSError, match=pattern) as caught:
        FETCHERS[name](data_home=tmp_path)
    assert caught.value.__cause__ is error
    assert list(tmp_path.iterdir()) == []


def test_download_of_other_data_is_not_kept(tmp_path, openml, arrays):
    openml.data = from_openml(arrays)
    openml.data.target = openml.data.target[::-1]  # not the official order
    with pytest.raises(
        OSError, match=r"OpenML's data set 554 is not MNIST, train part: expected \["
    ):
        fetch_mnist(data_home=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_missing_without_download(tmp_path, openml, name):
    home = tmp_path / "home"
    with pytest.raises(OSError, match=rf"not found in .*home, and download_.*Put {name}\.npz"):
        FETCHERS[name](data_home=home, download_if_missing=False)
    assert openml.calls == ()
    assert not home.exists()


def spoilt(arrays, key, change):
    values = {name: array.astype(np.float64) for name, array in arrays.items()}
    values[key] = change(values[key])
    return values


@pytest.mark.parametrize(
    "key, change, message",
    [
        (
            "x_train",
            lambda x: x[:-1],
            r"train part: expected 21 images .* got shape \(20, 28, 28\)",
        ),
        ("x_test", lambda x: x[:, :14], r"test part: expected 10 images of 28 x 28"),
        ("x_train", lambda x: x + 1, "expected whole numbers, pixels to 255"),
        ("x_train", lambda x: x - 1, "expected whole numbers"),
        ("x_train", lambda x: x / 255, "expected whole numbers"),
        ("x_train", lambda x: x * np.nan, "expected whole numbers"),
        ("y_train", lambda y: y + 1, "labels to 9"),
        ("y_test", lambda y: y[:-1], r"expected 10 labels, got shape \(9,\)"),
        ("y_test", lambda y: y * 0, r"expected \[1, 1, .*got \[10, 0,"),
        ("y_train", lambda y: y.astype(str), "expected whole numbers"),
    ],
)
def test_another_content_is_refused_and_left(tmp_path, openml, arrays, key, change, message):
    path = tmp_path / "mnist.npz"
    np.savez(path, **spoilt(arrays, key, change))
    before = path.read_bytes()
    with pytest.raises(OSError, match=rf"mnist\.npz is not MNIST, .*{message}"):
        fetch_mnist(data_home=tmp_path)
    assert path.read_bytes() == before
    assert openml.calls == ()


def test_npz_without_an_array(tmp_path, arrays):
    del arrays["y_test"]
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(OSError, match=r"mnist\.npz could not be read.*x_train, .*y_test"):
        fetch_mnist(data_home=tmp_path)


def test_file_that_is_no_npz(tmp_path):
    (tmp_path / "mnist.npz").write_text("<html>")
    with pytest.raises(OSError, match=r"mnist\.npz could not be read"):
        fetch_mnist(data_home=tmp_path)


def test_lacking_idx_file_is_named(tmp_path, openml, arrays):
    write_idx(tmp_path / "mnist", arrays, "-idx{}-ubyte", False)
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(OSError, match=r"mnist lacks the IDX files of t10k-labels"):
        fetch_mnist(data_home=tmp_path)
    assert openml.calls == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_a_bomb_is_not_unpacked(tmp_path, arrays, dtype):
    arrays["x_train"] = np.zeros((60_000, 784), dtype)  # 21 are expected
    np.savez_compressed(tmp_path / "mnist.npz", **arrays)
    del arrays
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match=r"x_train would unpack to [\d,]+ bytes, more than"):
            fetch_mnist(data_home=tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_packed_idx_file_that_is_a_bomb_is_not_unpacked(tmp_path, arrays):
    write_idx(tmp_path / "mnist", arrays, "-idx{}-ubyte.gz", True)
    bomb = as_idx(np.zeros((60_000, 28, 28), np.uint8))
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bomb))
    with pytest.raises(OSError, match=r"train-images-idx3-ubyte\.gz has an array of shape"):
        fetch_mnist(data_home=tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
def test_what_is_kept_of_a_download_can_be_read_by_others(tmp_path, openml, arrays):
    openml.data = from_openml(arrays)
    (tmp_path / "mnist.npz").symlink_to("kept.npz")
    before = os.umask(0o022)
    try:
        fetch_mnist(data_home=tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / "mnist.npz").is_symlink()
    assert (tmp_path / "kept.npz").stat().st_mode & 0o777 == 0o644
