"""One seed, one result; and nobody else's random numbers or threads are touched."""

import hashlib
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.strategies import STRATEGIES, Importance, Percentile

SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (16,),
    "budget": 4,
    "batch_size": 8,
    "dropout": 0.3,
    "input_dropout": 0.2,
}


def make_data(kind: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.poisson(0.7, (120, 30)).astype(np.float32)
    y = (X @ rng.normal(size=(30, 3))).argmax(axis=1)
    return (X if kind == "dense" else sp.csr_array(X)), y


def fit(kind: str = "sparse", random_state: Any = 0, **parameters: Any) -> LossSampledClassifier:
    settings = {**SETTINGS, "random_state": random_state, **parameters}
    return LossSampledClassifier(**settings).fit(*make_data(kind))


def digest(model: LossSampledClassifier) -> str:
    """Of everything a seed decides."""
    parts = [values.tobytes() for values in model.net_.get_weights().values()]
    parts += [model.loss_table_.tobytes(), model.predict_proba(make_data("sparse")[0]).tobytes()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def fitted_digest(kind: str, parameters: dict[str, Any]) -> str:
    return digest(fit(kind, **parameters))


CASES = [
    ("sparse", {}),
    ("dense", {}),
    ("sparse", {"sampling_strategy": "percentage", "early_stopping": True}),
    ("dense", {"sampling_strategy": "random", "class_weight": "balanced"}),
]


@pytest.mark.parametrize("kind, parameters", CASES)
class TestSameSeed:
    def test_in_one_process(self, kind: str, parameters: dict[str, Any]) -> None:
        assert fitted_digest(kind, parameters) == fitted_digest(kind, parameters)

    def test_whatever_the_global_states(self, kind: str, parameters: dict[str, Any]) -> None:
        expected = fitted_digest(kind, parameters)
        with own_global_states():
            np.random.seed(5)  # noqa: NPY002
            torch.manual_seed(6)
            assert fitted_digest(kind, parameters) == expected

    def test_in_two_threads_at_once(self, kind: str, parameters: dict[str, Any]) -> None:
        expected = fitted_digest(kind, parameters)
        barrier = Barrier(2)

        def at_once(_: int) -> str:
            barrier.wait()
            return fitted_digest(kind, parameters)

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(at_once, range(2))) == [expected] * 2


@contextmanager
def own_global_states() -> Iterator[None]:
    """Put numpy's and torch's global states back."""
    before = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before[0])  # noqa: NPY002
        torch.set_rng_state(before[1])


def digest_of_another_module(path: str, kind: str, parameters: dict[str, Any]) -> str:
    """Run in a worker, which does not know this module by name."""
    import runpy

    return str(runpy.run_path(path)["fitted_digest"](kind, parameters))


def test_joblib_workers() -> None:
    found = joblib.Parallel(n_jobs=2)(
        joblib.delayed(joblib.wrap_non_picklable_objects(digest_of_another_module))(__file__, *case)
        for case in CASES
    )
    assert found == [fitted_digest(*case) for case in CASES]


def test_another_process() -> None:
    code = (
        "import runpy, sys; names = runpy.run_path(sys.argv[1]); "
        "print(*[names['fitted_digest'](*case) for case in names['CASES']])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, __file__], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [fitted_digest(*case) for case in CASES]


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_threads_with_other_thread_counts_at_once(kind: str) -> None:
    """Each gets what it gets alone with its count, beside predictions with other models."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 100)).astype(np.float32)
    y = (X @ rng.normal(size=(100, 4))).argmax(axis=1)
    if kind == "sparse":
        X[rng.random(X.shape) < 0.8] = 0
        X = sp.csr_array(X)

    def make(n_threads: int) -> LossSampledClassifier:
        return LossSampledClassifier(
            hidden_layer_sizes=(256,),
            input_dropout=0.1,
            budget=3,
            n_threads=n_threads,
            random_state=0,
        )

    def run(n_threads: int) -> bytes:
        return make(n_threads).fit(X, y).predict_proba(X).tobytes()

    counts = [1, 2, 1, 2]
    alone = {n: run(n) for n in (1, 2)}
    fitted = make(1).fit(X, y)

    def predict(_: int) -> bytes:
        return fitted.predict_proba(X).tobytes()

    before = torch.get_num_threads()
    with ThreadPoolExecutor(6) as pool:
        fits = pool.map(run, counts)
        predictions = pool.map(predict, range(12))
        assert list(fits) == [alone[n] for n in counts]
        assert set(predictions) == {alone[1]}
    assert torch.get_num_threads() == before


class TestOtherSeeds:
    def test_another_seed_is_another_fit(self) -> None:
        assert digest(fit(random_state=0)) != digest(fit(random_state=1))

    def test_none_differs(self) -> None:
        assert digest(fit(random_state=None)) != digest(fit(random_state=None))

    def test_random_state_instance_moves(self) -> None:
        first, second = (np.random.RandomState(7) for _ in range(2))
        assert digest(fit(random_state=first)) == digest(fit(random_state=second))
        assert digest(fit(random_state=first)) == digest(fit(random_state=second))
        fresh = np.random.RandomState(7)
        assert digest(fit(random_state=first)) != digest(fit(random_state=fresh))

    def test_integer_types(self) -> None:
        assert digest(fit(random_state=np.int64(3))) == digest(fit(random_state=3))


class TestGlobalStates:
    @pytest.mark.parametrize("kind", ["dense", "sparse"])
    @pytest.mark.parametrize("random_state", [0, None])
    def test_untouched(self, kind: str, random_state: Any) -> None:
        X, y = make_data(kind)
        numpy_before = np.random.get_state()  # noqa: NPY002
        torch_before, python_before = torch.get_rng_state(), random.getstate()
        model = fit(kind, random_state, early_stopping=True)
        model.predict(X)
        model.instance_losses(X, y)
        model.set_params(early_stopping=False).partial_fit(X, y)
        after = np.random.get_state()  # noqa: NPY002
        assert after[0] == numpy_before[0]
        np.testing.assert_array_equal(after[1], numpy_before[1])
        assert after[2:] == numpy_before[2:]
        assert torch.equal(torch.get_rng_state(), torch_before)
        assert random.getstate() == python_before


class TestThreadCount:
    @pytest.fixture(autouse=True)
    def three_threads(self) -> Iterator[None]:
        before = torch.get_num_threads()
        torch.set_num_threads(3)
        yield
        torch.set_num_threads(before)

    def seen_by(self, n_threads: int | None) -> set[int]:
        seen = set()

        def look(losses: Any, rng: Any) -> Any:
            seen.add(torch.get_num_threads())
            return np.arange(40)

        fit(sampling_strategy=look, n_threads=n_threads)
        return seen

    def test_set_inside_and_restored(self) -> None:
        assert self.seen_by(2) == {2}
        assert torch.get_num_threads() == 3
        assert self.seen_by(None) == {1}  # a small net
        assert torch.get_num_threads() == 3

    def test_restored_after_an_error(self) -> None:
        def fails(losses: Any, rng: Any) -> Any:
            assert torch.get_num_threads() == 1
            raise RuntimeError("stop here")

        with pytest.raises(RuntimeError, match="stop here"):
            fit(sampling_strategy=fails)
        assert torch.get_num_threads() == 3

    def test_restored_after_predictions(self) -> None:
        model = fit()
        model.predict(make_data("sparse")[0])
        assert torch.get_num_threads() == 3

    def test_restored_after_fits_in_threads(self) -> None:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda n: fit(n_threads=n), [1, 2, 1, 2, 1, 2]))
            assert set(pool.map(lambda _: torch.get_num_threads(), range(3))) == {3}
        assert torch.get_num_threads() == 3


ALL_STRATEGIES: list[Any] = [
    *STRATEGIES,
    Importance(50),
    Percentile(20, refresh="epoch"),
    lambda losses, rng: rng.permutation(len(losses))[:30],
]


def same_for_all(make: Callable[[Any], Any]) -> None:
    expected = make("base")
    for strategy in ALL_STRATEGIES:
        model = make(strategy)
        assert digest(model) == digest(expected), strategy
        for name, values in expected.weight_history_[0].items():
            np.testing.assert_array_equal(model.weight_history_[0][name], values)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
class TestStrategiesShareTheirStart:
    def test_initial_weights_and_warm_up(self, kind: str) -> None:
        same_for_all(
            lambda s: fit(
                kind, sampling_strategy=s, budget=1, record="history", lr_schedule="cosine"
            )
        )

    def test_validation_split(self, kind: str) -> None:
        same_for_all(
            lambda s: fit(
                kind, sampling_strategy=s, budget=1, record="history", early_stopping=True
            )
        )

    def test_first_round_of_a_longer_training(self, kind: str) -> None:
        first = [
            fit(kind, sampling_strategy=s, budget=3, record="history").weight_history_[0]
            for s in ("base", "percentage", "importance")
        ]
        for weights in first[1:]:
            for name, values in first[0].items():
                np.testing.assert_array_equal(weights[name], values)
