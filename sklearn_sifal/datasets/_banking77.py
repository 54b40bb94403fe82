"""The BANKING77 data set of real customer queries."""

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.datasets._data_home import data_folder
from sklearn_sifal.datasets._remote_file import RemoteFile, local_copy
from sklearn_sifal.datasets._split_data import split_data

_HOME = "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data/"
_TRAIN = RemoteFile(
    "banking77_train.csv",
    _HOME + "train.csv",
    "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
)
_TEST = RemoteFile(
    "banking77_test.csv",
    _HOME + "test.csv",
    "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
)

Texts = NDArray[np.object_]
Names = NDArray[np.str_]


def fetch_banking77(
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> Any:
    """Load BANKING77, real customer queries with 77 intents, in its fixed split.

    The two files (1.1 MB) are downloaded on first use and checked against a
    known hash on every use. With the files already in the data folder neither
    the network nor pooch is needed.

    =================   =======================
    Classes                                  77
    Samples, train                       10,003
    Samples, test                         3,080
    Samples per class   35 to 187 / 40 (test)
    =================   =======================

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder with ``banking77_train.csv`` and ``banking77_test.csv``, created
        if a download needs it. None stands for the environment variable
        ``SIFAL_DATA`` where set, else for the folder ``sklearn_sifal`` in
        scikit-learn's data home.
    download_if_missing : bool, default=True
        Whether to download what is missing, or raise an OSError.
    return_X_y : bool, default=False
        Whether to return the four arrays instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        X_train : ndarray of shape (10003,), dtype object
            The queries to train on, as str.
        X_test : ndarray of shape (3080,), dtype object
            The queries to test on.
        y_train : ndarray of shape (10003,), dtype str
            The intents of `X_train`, such as ``"card_arrival"``.
        y_test : ndarray of shape (3080,), dtype str
            The intents of `X_test`.
        target_names : list of str
            The 77 intents in alphabetical order.
        DESCR : str
            Description of the data set.

    (X_train, X_test, y_train, y_test) : tuple of ndarray
        If `return_X_y` is True, in the order of
        :func:`~sklearn.model_selection.train_test_split`.

    Raises
    ------
    OSError
        If a file is missing and may not or cannot be downloaded, or if a file
        has another content than expected. Such a file is neither used nor
        overwritten.
    ImportError
        If a download is needed and pooch is not installed.

    See Also
    --------
    make_intents : Made-up customer queries, with known true labels.

    References
    ----------
    .. [1] I. Casanueva, T. Temcinas, D. Gerz, M. Henderson and I. Vulic,
       "Efficient Intent Detection with Dual Sentence Encoders", Proceedings of
       the 2nd Workshop on NLP for Conversational AI, ACL 2020. Data: CC BY 4.0.

    Examples
    --------
    >>> from sklearn_sifal.datasets import fetch_banking77
    >>> banking = fetch_banking77()  # doctest: +SKIP
    >>> banking.X_train[0], banking.y_train[0]  # doctest: +SKIP
    ('I am still waiting on my card?', np.str_('card_arrival'))
    """
    folder = data_folder(data_home)
    X_train, y_train = _read(_TRAIN, folder, download_if_missing)
    X_test, y_test = _read(_TEST, folder, download_if_missing)
    names = np.unique(y_train).tolist()
    return split_data("banking77", (X_train, X_test, y_train, y_test), names, return_X_y)


def _read(remote: RemoteFile, folder: Path, download_if_missing: bool) -> tuple[Texts, Names]:
    path = local_copy(remote, folder, download_if_missing=download_if_missing)
    # Queries contain line breaks within quotes: newline="" leaves them to csv.
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    texts = np.array([row["text"] for row in rows], dtype=object)
    return texts, np.array([row["category"] for row in rows])
