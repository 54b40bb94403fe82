"""Made-up and real customer queries with their intents, and sparse matrices as mapped files."""

from sklearn_sifal.datasets._banking77 import fetch_banking77
from sklearn_sifal.datasets._csr_files import open_csr, save_csr
from sklearn_sifal.datasets._intents import make_intents

__all__ = ["fetch_banking77", "make_intents", "open_csr", "save_csr"]
