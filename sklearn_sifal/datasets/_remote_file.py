"""Files that are downloaded once and checked each time they are used."""

import hashlib
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sklearn_sifal._whole_files import replacing


class RemoteFile(NamedTuple):
    """A file with a public home and a known content."""

    name: str
    url: str
    sha256: str


def local_copy(remote: RemoteFile, folder: Path, *, download_if_missing: bool) -> Path:
    """Return the path of `remote` in `folder`, downloaded if need be.

    Raises
    ------
    OSError
        If the file is absent and may not be downloaded, if the download fails,
        or if the file that is there has another content.
    ImportError
        If a download is needed and pooch is not installed.
    """
    path = folder / remote.name
    if path.exists():
        _check_content(path, remote.sha256)
    elif download_if_missing:
        _download(remote, folder)
    else:
        raise OSError(
            f"{path} not found, and download_if_missing=False. Allow the download, or put "
            f"the file there yourself; its public home is {remote.url}."
        )
    return path


def _check_content(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise OSError(
            f"{path} is not the file that was expected: its sha256 is {found}, expected "
            f"{sha256}. It may be incomplete, edited or another version. Nothing was changed: "
            "move or delete it, then call again to download it."
        )


def _download(remote: RemoteFile, folder: Path) -> None:
    try:
        import pooch  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            f"Downloading {remote.name} needs pooch, which is not installed. Install it with: "
            'pip install "sklearn_sifal[datasets]"'
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    # Elsewhere first: what pooch writes is readable by nobody else, and takes a link's place.
    with TemporaryDirectory() as scratch:
        try:
            fetched = pooch.retrieve(
                remote.url,
                known_hash=f"sha256:{remote.sha256}",
                fname=remote.name,
                path=scratch,
            )
        except ValueError as error:  # how pooch reports a wrong hash
            raise OSError(
                f"The download of {remote.url} is not the file expected: {error}"
            ) from error
        except OSError as error:  # every failure of the network, in requests' own subclasses
            raise OSError(
                f"{remote.name} could not be downloaded from {remote.url} "
                f"({_cause(error)}). Try again, or get the file yourself and put it into {folder}, "
                "or into a folder named by data_home or SIFAL_DATA."
            ) from error
        with open(fetched, "rb") as source, replacing(folder / remote.name) as file:
            shutil.copyfileobj(source, file)


def _cause(error: OSError) -> str:
    """Return the kind of `error` and the server's status, if it sent one.

    The rest of the message is long and repeats the address; it is in the traceback.
    """
    kind = type(error).__name__
    response = getattr(error, "response", None)  # of the errors of requests only
    if response is None:
        return kind
    return f"{kind}: {response.status_code} {response.reason or ''}".rstrip()
