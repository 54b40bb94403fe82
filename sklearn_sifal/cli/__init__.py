"""The command line: ``sifal compare``, ``sifal ranks`` and ``sifal audit``."""

from sklearn_sifal.cli._main import main

__all__ = ["main"]
