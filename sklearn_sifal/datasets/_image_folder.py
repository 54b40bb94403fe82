"""Images of one's own, in a folder with a sub-folder for each class."""

import errno
import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

# What the endings stand for. Pillow goes by the contents, and has other programs draw some
# formats (PostScript).
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)


def load_image_folder(
    path: str | os.PathLike[str],
    *,
    image_shape: Sequence[int] | None = None,
    grayscale: bool = False,
) -> Bunch:
    """Read a folder that has a sub-folder of images for each class.

    Images are in the order of the names of their classes, then of their own, so that the rows
    are the same on every machine; shuffle or split them as you like. Files that are no
    images by their ending (BMP, GIF, JPEG, PGM, PNG, PPM, TIFF, WebP), hidden files and files
    beside the sub-folders are passed over. Links are followed, also those that lead out of the
    folder: look for them in a folder that a stranger has packed. Needs Pillow.

    Parameters
    ----------
    path : str or path-like
        The folder.
    image_shape : tuple of int, default=None
        Height and width that every image is brought to, whatever its proportions. None
        takes them as they are; all must be of one size then.
    grayscale : bool, default=False
        Whether one value per pixel is kept, its brightness, or three: red, green, blue.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        X : ndarray of shape (n_samples, n_features), dtype uint8
            The images, a row each, values 0 (black) to 255. Divide by 255 to train on
            them. Photographs are turned as their EXIF record says, transparent pixels are
            white, and of an animation there is the first picture.
        y : ndarray of shape (n_samples,), dtype str
            The name of the sub-folder of each.
        target_names : list of str
            The names of the classes, sorted.
        filenames : ndarray of shape (n_samples,), dtype str
            The path of each file.
        image_shape : tuple of int
            (height, width), or (height, width, 3) in colour:
            ``X[0].reshape(image_shape)`` is a picture.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `path` is no folder, or something in it is a link that leads nowhere.
    OSError
        If a file or folder cannot be read, or a link leads to itself.
    ValueError
        If there are fewer than two classes, a class without images, a file that cannot be
        read as an image of eight bits a value and of these formats, an image of more
        pixels than ``PIL.Image.MAX_IMAGE_PIXELS`` (89 million, unless you set it), images of
        different sizes without `image_shape`, or if `image_shape` is no pair of positive
        integers.
    ImportError
        If Pillow is not installed.

    See Also
    --------
    sklearn.datasets.load_files : The like for texts.
    fetch_mnist : A well-known set of images.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_sifal.datasets import load_image_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, pixels in [("dark", "0 9 0 9"), ("light", "255 0 255 255")]:
    ...         (Path(folder) / name).mkdir()
    ...         _ = (Path(folder) / name / "1.pgm").write_text(f"P2 2 2 255 {pixels}")
    ...     data = load_image_folder(folder, grayscale=True)
    >>> data.X
    array([[  0,   9,   0,   9],
           [255,   0, 255, 255]], dtype=uint8)
    >>> data.y, data.image_shape
    (array(['dark', 'light'], dtype='<U5'), (2, 2))
    """
    size = _checked_shape(image_shape)
    _pillow()
    files, labels = _images_by_class(path)
    first = _pixels(files[0], size, grayscale)
    X = np.empty((len(files), first.size), np.uint8)
    for row, file in enumerate(files):
        pixels = _pixels(file, size, grayscale)
        if pixels.shape != first.shape:
            raise ValueError(
                "The images are of different sizes; image_shape=(height, width) brings them to "
                f"one. {files[0]} has {_size(first)} pixels, {file} has {_size(pixels)}."
            )
        X[row] = pixels.ravel()
    return Bunch(
        X=X,
        y=np.array(labels),
        target_names=sorted(set(labels)),
        filenames=np.array([str(file) for file in files]),
        image_shape=first.shape,
    )


def _checked_shape(image_shape: Any) -> tuple[int, int] | None:
    if image_shape is None:
        return None
    numbers = tuple(image_shape) if isinstance(image_shape, Sequence) else ()
    if len(numbers) != 2 or not all(isinstance(n, Integral) and int(n) > 0 for n in numbers):
        raise ValueError(
            f"image_shape must be (height, width), two positive integers. Got {image_shape!r}."
        )
    return int(numbers[0]), int(numbers[1])


def _images_by_class(path: str | os.PathLike[str]) -> tuple[list[Path], list[str]]:
    """The files and the class of each, by the names of both."""
    folder = Path(path)
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {folder}.")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder.")
    classes = [entry for entry in _listed(folder) if stat.S_ISDIR(_mode_of(entry))]
    if len(classes) < 2:
        has = f"one, {classes[0].name!r}" if classes else "none"
        raise ValueError(
            f"{folder} should have a sub-folder for each of two or more classes. It has {has}."
        )
    files, names = [], []
    for sub_folder in classes:
        wanted = [entry for entry in _listed(sub_folder) if entry.suffix.lower() in _SUFFIXES]
        # A pipe would be waited for.
        found = [entry for entry in wanted if stat.S_ISREG(_mode_of(entry))]
        if not found:
            raise ValueError(
                f"{sub_folder} has no images. The files of a class belong directly into its "
                "sub-folder."
            )
        files += found
        names += [sub_folder.name] * len(found)
    return files, names


def _mode_of(entry: Path) -> int:
    """Mode of what is there, or of what a link leads to.

    Raises, unlike `Path.is_file`, if that cannot be told: a row would be missing in silence.
    """
    try:
        return entry.stat().st_mode
    except FileNotFoundError as error:
        if entry.is_symlink():
            raise FileNotFoundError(
                errno.ENOENT, "This is a link that leads nowhere", str(entry)
            ) from error
        raise


def _listed(folder: Path) -> list[Path]:
    # Sorted, since the order in which a system lists a folder is that of no two machines.
    return sorted(
        (entry for entry in folder.iterdir() if not entry.name.startswith(".")),
        key=lambda entry: entry.name,
    )


def _pillow() -> Any:
    try:
        import PIL.Image
        import PIL.ImageOps
    except ImportError as error:
        raise ImportError(
            "Reading images needs Pillow, which is not installed. Install it with: "
            'pip install "sklearn_sifal[datasets]"'
        ) from error
    return PIL


def _pixels(file: Path, size: tuple[int, int] | None, grayscale: bool) -> NDArray[np.uint8]:
    """Pixels of shape (height, width) or (height, width, 3)."""
    pillow = _pillow()
    try:
        with _no_bombs(pillow), pillow.Image.open(file, formats=_FORMATS) as opened:
            _check_depth(opened.mode)
            image = _opaque(pillow.ImageOps.exif_transpose(opened), pillow)
            image = image.convert("L" if grayscale else "RGB")
    except Exception as error:  # OSError, SyntaxError, ValueError and others, by format
        if isinstance(error, OSError) and error.errno is not None:  # not of its contents
            raise
        raise ValueError(f"{file} cannot be read as an image: {error}") from error
    if size is not None and image.size != size[::-1]:
        image = image.resize(size[::-1], pillow.Image.Resampling.BILINEAR)
    return np.asarray(image, np.uint8)


@contextmanager
def _no_bombs(pillow: Any) -> Iterator[None]:
    """Raise for images so large that Pillow warns of them, before they are unpacked."""
    bombs = (pillow.Image.DecompressionBombWarning, pillow.Image.DecompressionBombError)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", bombs[0])
            yield
    except bombs as error:
        raise ValueError(
            f"it has more pixels than PIL.Image.MAX_IMAGE_PIXELS, {pillow.Image.MAX_IMAGE_PIXELS:,}"
            "; set that to another number, or to None, if you trust the file"
        ) from error


def _check_depth(mode: str) -> None:
    """Raise for more than 8 bits, which Pillow would cut off at 255."""
    if mode.startswith(("I", "F")):
        raise ValueError(f"it has values of more than 8 bits (Pillow's mode {mode!r})")


def _opaque(image: Any, pillow: Any) -> Any:
    """The image on white, if parts of it are transparent."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return pillow.Image.alpha_composite(pillow.Image.new("RGBA", image.size, "white"), image)


def _size(pixels: NDArray[Any]) -> str:
    return f"{pixels.shape[0]} x {pixels.shape[1]}"
