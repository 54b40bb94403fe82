"""MNIST and two sets of images made after it: found on disk, or fetched from OpenML."""

import os
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import fetch_openml

from sklearn_sifal._whole_files import replacing
from sklearn_sifal.datasets._idx_files import read_idx

SIDE = 28
_LONGEST_HEADER = 1 << 16  # of a .npy file; numpy's own have 128 bytes
Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]

# In the order in which the parts are returned. The stems of the files are those of
# MNIST's authors; the other sets kept them.
_KEYS = ("x_train", "x_test", "y_train", "y_test")
_STEMS = ("train-images", "t10k-images", "train-labels", "t10k-labels")
_ENDINGS = ("-idx{}-ubyte.gz", "-idx{}-ubyte", ".idx{}-ubyte.gz", ".idx{}-ubyte")


class ImageSet(NamedTuple):
    """Ten classes of images, with what is known of them."""

    title: str
    name: str  # of the file, and of the folder with IDX files
    torch_name: str  # of the folder that torchvision makes
    openml_id: int
    n_train: tuple[int, ...]  # rows of each class
    n_test: tuple[int, ...]
    target_names: str  # with ", " between them


def load_images(images: ImageSet, folder: Path, *, download_if_missing: bool) -> Arrays:
    """Return X_train, X_test, y_train and y_test, from `folder` or, if need be, from OpenML.

    Raises
    ------
    OSError
        If there are no files and they may not or cannot be downloaded, or if what there is
        is not the data set.
    """
    packed = folder / f"{images.name}.npz"
    if packed.exists():
        return _checked(images, _read_npz(packed, _most_values(images)), packed)
    for place in (folder / images.name, folder / images.torch_name / "raw"):
        paths = [_idx_file(place, stem) for stem in _STEMS]
        if any(paths):
            return _checked(images, _read_idx_files(place, paths, _most_values(images)), place)
    if not download_if_missing:
        raise OSError(
            f"{images.title} not found in {folder}, and download_if_missing=False. "
            f"{_where_to_put(images)}"
        )
    # Before the download: a folder that cannot be made should not cost one.
    folder.mkdir(parents=True, exist_ok=True)
    arrays = _download(images, folder)
    _write_npz(packed, arrays)
    return arrays


def _where_to_put(images: ImageSet) -> str:
    return (
        f"Put {images.name}.npz, or {_STEMS[0]}-idx3-ubyte.gz and the three files that belong to "
        f"it in a folder {images.name}, into a folder named by data_home or SIFAL_DATA."
    )


def _most_values(images: ImageSet) -> int:
    """Of the largest array; what has more is not of this set, and is not unpacked."""
    return max(sum(images.n_train), sum(images.n_test)) * SIDE * SIDE


def _read_npz(path: Path, most_values: int) -> list[Any]:
    # zipfile and numpy have errors of several unrelated classes for a broken file.
    try:
        with zipfile.ZipFile(path) as packed:
            for key in _KEYS:
                _check_size(packed.getinfo(f"{key}.npy").file_size, key, most_values)
        with np.load(path, allow_pickle=False) as file:
            return [file[key] for key in _KEYS]
    except Exception as error:
        raise OSError(
            f"{path} could not be read; it should have the arrays {', '.join(_KEYS)}: {error}"
        ) from error


def _check_size(n_bytes: int, key: str, most_values: int) -> None:
    """Raise for a size, as the archive says it, that some bytes would unpack to."""
    # At most eight bytes a value, and the header.
    if n_bytes > 8 * most_values + _LONGEST_HEADER:
        raise ValueError(f"{key} would unpack to {n_bytes:,} bytes, more than the set has")


def _write_npz(path: Path, arrays: Arrays) -> None:
    """The file appears whole or not at all."""
    X_train, X_test, y_train, y_test = arrays
    with replacing(path) as file:
        np.savez_compressed(
            file,
            x_train=X_train.reshape(-1, SIDE, SIDE),
            y_train=y_train,
            x_test=X_test.reshape(-1, SIDE, SIDE),
            y_test=y_test,
        )


def _idx_file(folder: Path, stem: str) -> Path | None:
    n_dimensions = 3 if stem.endswith("images") else 1
    paths = [folder / (stem + ending.format(n_dimensions)) for ending in _ENDINGS]
    return next((path for path in paths if path.exists()), None)


def _read_idx_files(folder: Path, paths: list[Path | None], most_values: int) -> list[Any]:
    missing = [stem for stem, path in zip(_STEMS, paths, strict=True) if path is None]
    if missing:
        raise OSError(f"{folder} lacks the IDX files of {', '.join(missing)}.")
    return [read_idx(path, most_values) for path in paths if path is not None]


def _download(images: ImageSet, folder: Path) -> Arrays:
    source = f"OpenML's data set {images.openml_id}"
    try:
        # The parser "pandas" is faster, and fails on labels that are numbers with pandas 3.1
        # and scikit-learn 1.9 (scikit-learn issue 34892). Without OpenML's cache, since the
        # checked arrays are kept in a file of their own.
        data = fetch_openml(
            data_id=images.openml_id, as_frame=False, parser="liac-arff", cache=False
        )
        # Labels come as text.
        X, y = np.asarray(data.data), np.asarray(data.target).astype(np.float64)
    except (OSError, ValueError) as error:  # scikit-learn's OpenMLError is a ValueError
        raise OSError(
            f"{images.title} could not be downloaded from {source} ({type(error).__name__}: "
            f"{error}), and is not in {folder}. Try again, or get the files yourself. "
            f"{_where_to_put(images)}"
        ) from error
    n_train = sum(images.n_train)
    return _checked(images, [X[:n_train], X[n_train:], y[:n_train], y[n_train:]], source)


def _checked(images: ImageSet, arrays: list[Any], source: str | os.PathLike[str]) -> Arrays:
    """Return the parts in their types, or raise if they are not those of the data set."""
    X_train, X_test, y_train, y_test = arrays
    for part, X, y, counts in (
        ("train", X_train, y_train, images.n_train),
        ("test", X_test, y_test, images.n_test),
    ):
        fault = _fault(X, y, counts)
        if fault:
            raise OSError(
                f"{source} is not {images.title}, {part} part: {fault}. Nothing was changed."
            )
    return _flat(X_train), _flat(X_test), y_train.astype(np.int64), y_test.astype(np.int64)


def _fault(X: Any, y: Any, counts: tuple[int, ...]) -> str | None:
    """What is wrong with the images and labels of a part. Counts tell one split from another."""
    n = sum(counts)
    if X.shape not in ((n, SIDE, SIDE), (n, SIDE * SIDE)):
        return f"expected {n} images of {SIDE} x {SIDE} pixels, got shape {X.shape}"
    if y.shape != (n,):
        return f"expected {n} labels, got shape {y.shape}"
    if not (_are_whole(X, 255) and _are_whole(y, len(counts) - 1)):
        return f"expected whole numbers, pixels to 255 and labels to {len(counts) - 1}"
    found = np.bincount(y.astype(np.int64), minlength=len(counts))
    if not np.array_equal(found, counts):
        return f"expected {list(counts)} rows of the classes, got {found.tolist()}"
    return None


def _are_whole(values: NDArray[Any], largest: int) -> bool:
    """Whether all values are whole numbers from 0 to `largest`."""
    if values.dtype.kind not in "uif" or not (values.min() >= 0 and values.max() <= largest):
        return False
    # In parts: all pixels as another type at once would take half a gigabyte.
    return values.dtype.kind in "ui" or all(
        np.array_equal(part, np.trunc(part)) for part in np.array_split(values, 50)
    )


def _flat(X: Any) -> NDArray[np.uint8]:
    return np.ascontiguousarray(X.reshape(len(X), SIDE * SIDE), dtype=np.uint8)
