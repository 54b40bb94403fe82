"""Texts of one's own, in a folder with a sub-folder for each class."""

import io
import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from sklearn_sifal.datasets._class_folders import files_by_class


def load_text_folder(
    path: str | os.PathLike[str], *, pattern: str = "*", encoding: str = "utf-8"
) -> Bunch:
    """Read a folder that has a sub-folder of text files for each class.

    Files are in the order of the names of their classes, then of their own, so that the
    rows are the same on every machine; shuffle or split them as you like. Hidden files and
    files beside the sub-folders are passed over. Links are followed, also those that lead out
    of the folder: look for them in a folder that a stranger has packed. Unlike
    :func:`~sklearn.datasets.load_files` it decodes, and says which file it cannot decode.

    Parameters
    ----------
    path : str or path-like
        The folder.
    pattern : str, default="*"
        Which files are read, such as ``"*.txt"``; all of them by default.
    encoding : str, default="utf-8"
        Encoding of the files. Line ends are read as ``"\\n"``; a byte order mark is left out.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        X : ndarray of shape (n_samples,), dtype object
            The texts, as str.
        y : ndarray of shape (n_samples,), dtype str
            The name of the sub-folder of each.
        target_names : list of str
            The names of the classes, sorted.
        filenames : ndarray of shape (n_samples,), dtype str
            The path of each file.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `path` is no folder.
    ValueError
        If there are fewer than two classes, a class without files, a file that is not in
        this encoding, or no such encoding.

    See Also
    --------
    load_image_folder : The same for images.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_sifal.datasets import load_text_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, text in [("ham", "See you at noon"), ("spam", "You have won")]:
    ...         (Path(folder) / name).mkdir()
    ...         _ = (Path(folder) / name / "1.txt").write_text(text)
    ...     data = load_text_folder(folder)
    >>> data.X.tolist(), data.y.tolist()
    (['See you at noon', 'You have won'], ['ham', 'spam'])
    """
    try:
        io.TextIOWrapper(io.BytesIO(), encoding)  # unlike codecs.lookup, it wants texts
    except LookupError as error:
        raise ValueError(f"encoding must be one that Python knows. Got {encoding!r}.") from error
    what = "files" if pattern == "*" else f"files {pattern!r}"
    files, labels = files_by_class(path, lambda file: file.match(pattern), what)
    texts = np.empty(len(files), dtype=object)
    texts[:] = [_read(file, encoding) for file in files]
    return Bunch(
        X=texts,
        y=np.array(labels),
        target_names=sorted(set(labels)),
        filenames=np.array([str(file) for file in files]),
    )


def _read(file: Path, encoding: str) -> str:
    try:
        return file.read_text(encoding=encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        raise ValueError(
            f"{file} is not in the encoding {encoding!r}: {error}. Name another encoding, or "
            "write the file anew."
        ) from error
