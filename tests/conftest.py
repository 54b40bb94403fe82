"""Shared fixtures."""

import os
from pathlib import Path

import pytest

# One thread: small nets are slower with more, and results must not depend on it.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_home() -> Path:
    """Folder with the real data sets; skips where they are absent."""
    candidates = [_ROOT.parent / "shared" / "data"]
    if "SIFAL_DATA" in os.environ:
        candidates.insert(0, Path(os.environ["SIFAL_DATA"]))
    for folder in candidates:
        if (folder / "banking77_train.csv").exists():
            return folder
    pytest.skip("real data not found: set SIFAL_DATA to a folder with banking77_train.csv")
