"""MNIST, Fashion-MNIST and Kuzushiji-MNIST: 70,000 small images each, in ten classes."""

import os
from typing import Any

from sklearn_sifal.datasets._data_home import data_folder
from sklearn_sifal.datasets._image_sets import SIDE, ImageSet, load_images
from sklearn_sifal.datasets._split_data import split_data

_MNIST = ImageSet(
    "MNIST",
    "mnist",
    "MNIST",
    554,
    (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
    "0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
)
_FASHION_MNIST = ImageSet(
    "Fashion-MNIST",
    "fashion_mnist",
    "FashionMNIST",
    40996,
    (6000,) * 10,
    (1000,) * 10,
    "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot",
)
# In Latin letters, since matplotlib's own font has no others.
_KUZUSHIJI_MNIST = ImageSet(
    "Kuzushiji-MNIST",
    "kuzushiji_mnist",
    "KMNIST",
    41982,
    (6000,) * 10,
    (1000,) * 10,
    "o, ki, su, tsu, na, ha, ma, ya, re, wo",
)


def fetch_mnist(
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> Any:
    """Load MNIST, images of handwritten digits, in its fixed split.

    On first use it is downloaded from OpenML (15 MB) by scikit-learn, and kept as
    ``mnist.npz``; reading the download takes about 20 seconds and 1 GB of memory. Files
    that are there already, of which see below, are used without a network. Shapes, the
    range of the values and the number of rows in each class are checked.

    =================   =========================
    Classes                                    10
    Samples, train                         60,000
    Samples, test                          10,000
    Dimensionality                            784
    Features            whole numbers, 0 to 255
    =================   =========================

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the files, created if a download needs it. None stands for the
        environment variable ``SIFAL_DATA`` where set, else for the folder
        ``sklearn_sifal`` in scikit-learn's data home. Looked for are, in this order,
        ``mnist.npz`` with the arrays ``x_train``, ``y_train``, ``x_test`` and
        ``y_test``; a folder ``mnist`` with the four IDX files of the authors,
        ``train-images-idx3-ubyte`` and so on, as they are or packed (``.gz``); and the folder
        ``MNIST/raw`` that torchvision makes.
    download_if_missing : bool, default=True
        Whether to download what is missing, or raise an OSError.
    return_X_y : bool, default=False
        Whether to return the four arrays instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        X_train : ndarray of shape (60000, 784), dtype uint8
            The images to train on, row by row of pixels: 0 is background, 255 ink.
        X_test : ndarray of shape (10000, 784), dtype uint8
            The images to test on.
        y_train : ndarray of shape (60000,), dtype int64
            The digits of `X_train`.
        y_test : ndarray of shape (10000,), dtype int64
            The digits of `X_test`.
        target_names : list of str
            ``"0"`` to ``"9"``.
        image_shape : tuple of int
            (28, 28): ``X_train[0].reshape(image_shape)`` is a picture.
        DESCR : str
            Description of the data set.

    (X_train, X_test, y_train, y_test) : tuple of ndarray
        If `return_X_y` is True, in the order of
        :func:`~sklearn.model_selection.train_test_split`.

    Raises
    ------
    OSError
        If there are no files and they may not or cannot be downloaded, or if a file is
        not what it should be. Such a file is neither used nor overwritten.

    See Also
    --------
    fetch_fashion_mnist : Clothes in the same format; harder.
    fetch_kuzushiji_mnist : Old Japanese characters in the same format; harder.
    load_image_folder : Images of your own.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-Based Learning Applied to
       Document Recognition", Proceedings of the IEEE 86(11), 2278-2324, 1998.
       Data: CC BY-SA 3.0.

    Examples
    --------
    >>> from sklearn_sifal.datasets import fetch_mnist
    >>> mnist = fetch_mnist()  # doctest: +SKIP
    >>> mnist.X_train.shape, mnist.y_train[:3]  # doctest: +SKIP
    ((60000, 784), array([5, 0, 4]))
    """
    return _fetch(_MNIST, data_home, download_if_missing, return_X_y)


def fetch_fashion_mnist(
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> Any:
    """Load Fashion-MNIST, images of clothes, in its fixed split.

    Found, downloaded (30 MB), kept and checked as by `fetch_mnist`, and of the same shape.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the files, as in `fetch_mnist`: ``fashion_mnist.npz``, or the folder
        ``fashion_mnist`` with the IDX files, or torchvision's ``FashionMNIST/raw``.
    download_if_missing : bool, default=True
        Whether to download what is missing, or raise an OSError.
    return_X_y : bool, default=False
        Whether to return the four arrays instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes that `fetch_mnist` describes. `target_names` are
        ``"T-shirt/top"``, ``"Trouser"``, ``"Pullover"``, ``"Dress"``, ``"Coat"``,
        ``"Sandal"``, ``"Shirt"``, ``"Sneaker"``, ``"Bag"`` and ``"Ankle boot"``; the
        labels are their positions.

    (X_train, X_test, y_train, y_test) : tuple of ndarray
        If `return_X_y` is True.

    Raises
    ------
    OSError
        If there are no files and they may not or cannot be downloaded, or if a file is
        not what it should be. Such a file is neither used nor overwritten.

    See Also
    --------
    fetch_mnist : Handwritten digits, and what is looked for where.

    References
    ----------
    .. [1] H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for
       Benchmarking Machine Learning Algorithms", arXiv:1708.07747, 2017. Data: MIT licence.
    """
    return _fetch(_FASHION_MNIST, data_home, download_if_missing, return_X_y)


def fetch_kuzushiji_mnist(
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> Any:
    """Load Kuzushiji-MNIST, images of characters in old Japanese books, in its fixed split.

    Found, downloaded (20 MB), kept and checked as by `fetch_mnist`, and of the same shape.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the files, as in `fetch_mnist`: ``kuzushiji_mnist.npz``, or the folder
        ``kuzushiji_mnist`` with the IDX files, or torchvision's ``KMNIST/raw``.
    download_if_missing : bool, default=True
        Whether to download what is missing, or raise an OSError.
    return_X_y : bool, default=False
        Whether to return the four arrays instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes that `fetch_mnist` describes. `target_names` are the ten
        characters in Latin letters, ``"o"``, ``"ki"``, ``"su"``, ``"tsu"``, ``"na"``,
        ``"ha"``, ``"ma"``, ``"ya"``, ``"re"`` and ``"wo"``; the labels are their positions.

    (X_train, X_test, y_train, y_test) : tuple of ndarray
        If `return_X_y` is True.

    Raises
    ------
    OSError
        If there are no files and they may not or cannot be downloaded, or if a file is
        not what it should be. Such a file is neither used nor overwritten.

    See Also
    --------
    fetch_mnist : Handwritten digits, and what is looked for where.

    References
    ----------
    .. [1] T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto and D. Ha, "Deep
       Learning for Classical Japanese Literature", arXiv:1812.01718, 2018.
       Data: CC BY-SA 4.0.
    """
    return _fetch(_KUZUSHIJI_MNIST, data_home, download_if_missing, return_X_y)


def _fetch(
    images: ImageSet,
    data_home: str | os.PathLike[str] | None,
    download_if_missing: bool,
    return_X_y: bool,
) -> Any:
    arrays = load_images(images, data_folder(data_home), download_if_missing=download_if_missing)
    names = images.target_names.split(", ")
    return split_data(images.name, arrays, names, return_X_y, image_shape=(SIDE, SIDE))
