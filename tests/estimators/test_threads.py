"""How many threads a large net takes, so that parallel searches do not crowd the processors."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV

from sklearn_sifal import LossSampledClassifier, _devices
from sklearn_sifal._devices import allowed_threads, choose_n_threads, limited_threads


@pytest.fixture
def three_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the caller has set, on a machine with enough processors."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def all_nets_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_devices, "threads_by_size", lambda sizes, sparse_input: 4)


class Notes:
    """A strategy that notes how many threads torch has in the middle of a fit."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, losses: Any, rng: Any) -> Any:
        self.seen.append(torch.get_num_threads())
        return np.arange(len(losses))


def fit(strategy: Any, **parameters: Any) -> LossSampledClassifier:
    X = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    settings = {"hidden_layer_sizes": (8,), "budget": 3, "batch_size": 8, "random_state": 0}
    return LossSampledClassifier(strategy, **{**settings, **parameters}).fit(X, y)


def seen_in_a_fit(**parameters: Any) -> set[int]:
    notes = Notes()
    fit(notes, **parameters)
    return set(notes.seen)


@pytest.mark.usefixtures("three_threads")
class TestAllowedThreads:
    def test_what_torch_is_set_to(self) -> None:
        assert allowed_threads() == 3

    def test_no_more_than_there_are_processors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
        assert allowed_threads() == 2

    def test_one_in_a_thread(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(allowed_threads).result() == 1

    def test_one_in_a_daemonic_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        worker = SimpleNamespace(daemon=True)
        monkeypatch.setattr(multiprocessing, "current_process", lambda: worker)
        assert allowed_threads() == 1

    def test_inside_of_a_fit_what_its_caller_may(self) -> None:
        with limited_threads(1):
            assert allowed_threads() == 3

    def test_size_comes_first(self) -> None:
        assert choose_n_threads((10, 10, 2), sparse_input=False) == 1
        assert choose_n_threads((10**5, 10**4, 2), sparse_input=False) == 3


@pytest.mark.usefixtures("three_threads", "all_nets_are_large")
class TestLargeNet:
    def test_takes_what_is_allowed(self) -> None:
        assert seen_in_a_fit() == {3}
        assert torch.get_num_threads() == 3

    def test_the_user_knows_better(self) -> None:
        assert seen_in_a_fit(n_threads=2) == {2}

    def test_two_in_threads_take_one_each(self) -> None:
        found = joblib.Parallel(n_jobs=2, backend="threading")(
            joblib.delayed(seen_in_a_fit)() for _ in range(4)
        )
        assert found == [{1}] * 4
        assert torch.get_num_threads() == 3

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_restored_after_an_error(self, error: type[BaseException]) -> None:
        def fails(losses: Any, rng: Any) -> Any:
            assert torch.get_num_threads() == 2
            raise error

        with pytest.raises(error):
            fit(fails, n_threads=2)
        assert torch.get_num_threads() == 3

    def test_grid_search_in_threads(self) -> None:
        class SharedNotes(Notes):
            def __deepcopy__(self, memo: Any) -> "SharedNotes":  # by clone
                return self

        notes = SharedNotes()
        X = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
        model = LossSampledClassifier(notes, hidden_layer_sizes=(8,), budget=3, batch_size=8)
        search = GridSearchCV(model, {"lr": [0.01, 0.1]}, n_jobs=2, cv=2, refit=False)
        with joblib.parallel_config(backend="threading"):
            search.fit(X, (X[:, 0] > 0).astype(int))
        assert set(notes.seen) == {1}


def seen_in_a_worker(path: str) -> set[int]:
    """Run in a process that does not know this module by name."""
    import runpy

    names = runpy.run_path(path)
    names["_devices"].threads_by_size = lambda sizes, sparse_input: 4
    seen: set[int] = names["seen_in_a_fit"]()
    return seen


def test_worker_processes_share_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set, it would be what the user wants of every process.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    call = joblib.delayed(joblib.wrap_non_picklable_objects(seen_in_a_worker))
    found = joblib.Parallel(n_jobs=2)(call(__file__) for _ in range(2))
    each = max(1, min(4, joblib.cpu_count() // 2))
    assert found == [{each}] * 2


FORKED = """
import multiprocessing

import numpy as np
import torch

from sklearn_sifal import LossSampledClassifier

X = np.random.default_rng(0).normal(size=(400, 300)).astype(np.float32)


def fit(seed):
    model = LossSampledClassifier(hidden_layer_sizes=(300,), budget=1, random_state=seed)
    return float(model.fit(X, X[:, 0] > 0).score(X, X[:, 0] > 0))


torch.set_num_threads(2)
torch.rand(1000, 1000) @ torch.rand(1000, 1000)  # starts the threads that a fork does not have
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert len(pool.map_async(fit, range(2)).get(timeout=60)) == 2
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_fit_in_a_fork_of_a_process_with_threads_returns() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    subprocess.run(command, check=True, timeout=120, env=environment)
