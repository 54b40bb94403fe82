"""Training on a wide sparse matrix needs memory for its weights, not for the matrix."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.neural._rounds import Rounds

MEASURE = """
import re
import sys
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from sklearn_sifal import LossSampledClassifier


def megabytes(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def classifier():
    return LossSampledClassifier(hidden_layer_sizes=(64,), budget=1, random_state=0)


rng = np.random.default_rng(0)
# What imports and first calls cost is not counted.
classifier().fit(sp.csr_array(rng.poisson(1.0, (300, 20)).astype(np.float32)), np.arange(300) % 10)

n, d, k = 50_000, 500_000, 30
columns = np.sort(rng.integers(0, d, (n, k), dtype=np.int32), axis=1).ravel()
X = sp.csr_array((np.ones(n * k, sys.argv[1]), columns, np.arange(0, n * k + 1, k)), shape=(n, d))
X.sum_duplicates()
y = rng.integers(0, 10, n)
del columns

before = megabytes("VmRSS")
try:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
except OSError:
    before = max(before, megabytes("VmHWM"))
classifier().fit(X, y)
print(megabytes("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize("dtype, weights", [("float32", 122), ("float64", 244)])
def test_wide_sparse_matrix(dtype: str, weights: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, dtype], capture_output=True, text=True, check=True
    )
    used = float(done.stdout)
    # The lower bound shows that the measurement sees the weights (in MiB).
    assert weights < used < 400


# What a fit takes for every row, X and y not counted: between two sizes, so that blocks and
# weights, which do not grow, drop out.
PER_ROW = """
import gc
import sys
import tracemalloc

import numpy as np

from sklearn_sifal import LossSampledClassifier


def fit_bytes(n):
    rng = np.random.default_rng(0)
    X, y = rng.random((n, 2), dtype=np.float32), np.arange(n) % 3
    model = LossSampledClassifier(
        sys.argv[1], hidden_layer_sizes=(4,), budget=2.5, batch_size=8192, random_state=0
    )
    tracemalloc.start()
    model.fit(X, y)
    gc.collect()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return np.array([kept, peak])


fit_bytes(20_000)
few, many = 300_000, 900_000
print(*(fit_bytes(many) - fit_bytes(few)) / (many - few))
"""


@pytest.mark.parametrize(
    "strategy, most_kept, most_at_once",
    # Kept: the loss table's 14 bytes; guarded_importance also has its evidence and the classes.
    [("base", 16, 50), ("importance", 16, 65), ("guarded_importance", 36, 80)],
)
def test_bytes_per_row(strategy: str, most_kept: float, most_at_once: float) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PER_ROW, strategy], capture_output=True, text=True, check=True
    )
    kept, at_once = map(float, done.stdout.split())
    assert 13.9 < kept <= most_kept
    assert 14 < at_once <= most_at_once


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("sparse", [False, True])
def test_a_fit_leaves_nothing_for_the_garbage_collector(
    sparse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    initialise = Rounds.__init__

    def noting(rounds: Rounds, *args: object, **kwargs: object) -> None:
        made.append(weakref.ref(rounds))
        initialise(rounds, *args, **kwargs)

    monkeypatch.setattr(Rounds, "__init__", noting)
    X = np.random.default_rng(0).poisson(1.0, (60, 5)).astype(np.float32)
    model = LossSampledClassifier(budget=2).fit(sp.csr_array(X) if sparse else X, X[:, 0] > 1)
    assert made
    assert [rounds() for rounds in made] == [None]
    model.predict(X)


PEAK_OF_LOSSES = """
import re
import sys
from pathlib import Path

import numpy as np

from sklearn_sifal import LossSampledClassifier


def megabytes(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024


rng = np.random.default_rng(0)
X = rng.normal(size=(100_000, 10)).astype(np.float32)
y = np.arange(100_000) % 200
model = LossSampledClassifier(hidden_layer_sizes=(4,), budget=0.01, random_state=0).fit(X, y)
model.instance_losses(X[:2000], y[:2000])
before = megabytes("VmRSS")
try:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
except OSError:
    before = max(before, megabytes("VmHWM"))
model.instance_losses(X, y)
print(megabytes("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_losses_of_many_classes_are_computed_in_parts() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PEAK_OF_LOSSES], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 40  # the outputs of all rows alone are 80 MB
