"""Folders with a sub-folder of images for each class."""

import errno
import os
import stat
from collections.abc import Container
from pathlib import Path


def images_by_class(
    path: str | os.PathLike[str], suffixes: Container[str]
) -> tuple[list[Path], list[str]]:
    """Return the files with these endings and the class of each, by the names of both.

    Hidden files and folders, and files beside the sub-folders, are passed over; links are
    followed. Sorted, since the order in which a system lists a folder is that of no two machines.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `path` is no folder, or something in it is a link that leads nowhere.
    OSError
        If a link leads to itself, or a folder cannot be read.
    ValueError
        If there are fewer than two sub-folders, or one without such files.
    """
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
        wanted = [entry for entry in _listed(sub_folder) if entry.suffix.lower() in suffixes]
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
    return sorted(
        (entry for entry in folder.iterdir() if not entry.name.startswith(".")),
        key=lambda entry: entry.name,
    )
