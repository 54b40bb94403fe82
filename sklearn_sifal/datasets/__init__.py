"""Data sets: made-up and real customer queries with their intents."""

from sklearn_sifal.datasets._banking77 import fetch_banking77
from sklearn_sifal.datasets._intents import make_intents

__all__ = ["fetch_banking77", "make_intents"]
