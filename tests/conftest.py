"""Shared fixtures."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# One thread: small nets are slower with more, and results must not depend on it.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# How many examples the property tests look at: few, and the same ones every time; or, with
# --hypothesis-profile=long, as many as SIFAL_EXAMPLES says, and others every time.
settings.register_profile("short", deadline=None, derandomize=True, max_examples=50)
settings.register_profile(
    "long", deadline=None, max_examples=int(os.environ.get("SIFAL_EXAMPLES", "5000"))
)
settings.load_profile("short")

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


@pytest.fixture
def small() -> Callable[..., Any]:
    """Make a classifier that trains in no time."""
    from sklearn_sifal import LossSampledClassifier

    def make(strategy: Any = "importance", **parameters: Any) -> LossSampledClassifier:
        settings = {"hidden_layer_sizes": (8,), "budget": 4, "batch_size": 8, "random_state": 0}
        return LossSampledClassifier(strategy, **{**settings, **parameters})

    return make


@pytest.fixture(params=["dense", "sparse"])
def data(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """96 rows of 12 counts, as a dense and as a sparse matrix, and their three classes."""
    import numpy as np  # after the number of threads is set
    import scipy.sparse as sp

    rng = np.random.default_rng(0)
    X = rng.poisson(0.7, (96, 12)).astype(np.float32)
    y = (X @ rng.normal(size=(12, 3))).argmax(axis=1)
    return (X if request.param == "dense" else sp.csr_array(X)), y


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Close what a test drew: pyplot keeps figures, and warns when there are many."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
