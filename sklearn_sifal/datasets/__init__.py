"""Data to try things on, made up and real, and readers of one's own: images, matrices."""

from sklearn_sifal.datasets._banking77 import fetch_banking77
from sklearn_sifal.datasets._csr_files import open_csr, save_csr
from sklearn_sifal.datasets._image_folder import load_image_folder
from sklearn_sifal.datasets._intents import make_intents
from sklearn_sifal.datasets._mnist import (
    fetch_fashion_mnist,
    fetch_kuzushiji_mnist,
    fetch_mnist,
)

__all__ = [
    "fetch_banking77",
    "fetch_fashion_mnist",
    "fetch_kuzushiji_mnist",
    "fetch_mnist",
    "load_image_folder",
    "make_intents",
    "open_csr",
    "save_csr",
]
