"""Training on a CUDA device; skipped without one. See also `neural/pretend_device.py`."""

import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_sifal import LossSampledClassifier, LossSampledNet, LossSampledRegressor
from sklearn_sifal.batches import _device_batches
from sklearn_sifal.batches._row_batches import SparseRows
from sklearn_sifal.neural._mlp_net import MLPNet

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
    pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype"),
    pytest.mark.filterwarnings("ignore:max_epochs=3 ended training"),
]

N, D = 960, 60
KINDS = pytest.mark.parametrize("kind", ["dense", "sparse"])
CLOSE = {"rtol": 2e-3, "atol": 1e-4}  # sums in another order, over a hundred steps


@pytest.fixture(params=["resident", "streaming"])
def placement(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that fit into the device, and data that do not."""
    if request.param == "streaming":
        monkeypatch.setattr(_device_batches, "free_memory", lambda device: 0)


def make_data(kind: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.poisson(0.5, (N, D)).astype(np.float32)
    X[[3, 40]] = 0  # empty rows
    y = ((X - 0.5) @ rng.normal(size=(D, 3))).argmax(axis=1)
    return (X if kind == "dense" else sp.csr_array(X)), y


def fit(kind: str, strategy: Any = "base", **parameters: Any) -> LossSampledClassifier:
    settings = {
        "hidden_layer_sizes": (32,),
        "budget": 3,
        "batch_size": 32,
        "random_state": 0,
        "device": "cuda",
    }
    return LossSampledClassifier(strategy, **{**settings, **parameters}).fit(*make_data(kind))


@KINDS
@pytest.mark.usefixtures("placement")
class TestLikeTheCPU:
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"class_weight": "balanced", "early_stopping": True},
            {"record": "dynamics", "sparse_optimizer": "adam"},
            {"optimizer": torch.optim.SGD, "lr": 0.05},
        ],
    )
    def test_fit(self, kind: str, parameters: dict[str, Any]) -> None:
        X, y = make_data(kind)
        here, there = (fit(kind, device=d, **parameters) for d in ("cpu", "cuda"))
        assert next(there.net_.module_.parameters()).device.type == "cuda"
        np.testing.assert_array_equal(there.visit_counts_, here.visit_counts_)
        for name, values in here.initial_weights_.items():
            np.testing.assert_array_equal(there.initial_weights_[name], values)
        np.testing.assert_allclose(there.loss_table_["loss"], here.loss_table_["loss"], **CLOSE)
        np.testing.assert_allclose(there.predict_proba(X), here.predict_proba(X), **CLOSE)
        np.testing.assert_allclose(there.instance_losses(X, y), here.instance_losses(X, y), **CLOSE)

    @pytest.mark.parametrize("strategy", ["importance", "percentage", "heap", "kakurenbo"])
    def test_strategies_learn(self, kind: str, strategy: str) -> None:
        X, y = make_data(kind)
        model = fit(kind, strategy, budget=20, dropout=0.1, input_dropout=0.1)
        assert model.score(X, y) > 0.85
        assert isinstance(model.predict_proba(X), np.ndarray)

    def test_partial_fit(self, kind: str) -> None:
        X, y = make_data(kind)
        models = [fit(kind, device=d).partial_fit(X[:100], y[:100]) for d in ("cpu", "cuda")]
        here, there = (model.predict_proba(X) for model in models)
        np.testing.assert_allclose(there, here, **CLOSE)


def test_regression() -> None:
    X = make_data("dense")[0]
    y = X @ np.linspace(-1, 1, D)
    here, there = (
        LossSampledRegressor(budget=10, early_stopping=True, random_state=0, device=d).fit(X, y)
        for d in ("cpu", "cuda")
    )
    np.testing.assert_allclose(there.predict(X), here.predict(X), rtol=0.01, atol=0.01)


@contextmanager
def debugging(mode: str) -> Iterator[None]:
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode(mode)
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def n_waits(train: Any) -> int:
    """How often the host waited for the device."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with debugging("warn"):
            train()
    return sum("called a synchronizing CUDA operation" in str(w.message) for w in caught)


@pytest.mark.usefixtures("placement")
class TestNoWaitingForBatches:
    @KINDS
    def test_steps(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        train_step, steps = MLPNet.train_step, []

        def watched(self: Any, batch: Any, **rest: Any) -> Any:
            if isinstance(batch.X, SparseRows):
                batch.X.by_column()  # looked at once a block, before its first step
            with debugging("error"):
                steps.append(len(batch))
                return train_step(self, batch, **rest)

        monkeypatch.setattr(MLPNet, "train_step", watched)
        fit(kind, "importance", dropout=0.2, input_dropout=0.2, class_weight="balanced")
        assert len(steps) >= 90

    @KINDS
    @pytest.mark.parametrize("strategy", ["base", "importance"])
    def test_as_many_waits_with_four_times_the_batches(self, kind: str, strategy: str) -> None:
        equal_rounds = {"budget": 30, "max_epochs": 3, "record": "dynamics"}
        fit(kind, strategy, **equal_rounds)  # pays for first uses
        few, many = (
            n_waits(lambda n=n: fit(kind, strategy, batch_size=n, **equal_rounds)) for n in (64, 16)
        )
        assert few == many

    def test_skorch_net(self) -> None:
        X, y = make_data("dense")

        def train(batch_size: int) -> None:
            net = LossSampledNet(
                torch.nn.Linear(D, 3),
                batch_size=batch_size,
                max_epochs=3,
                verbose=0,
                random_state=0,
                device="cuda",
            )
            net.fit(X, y)

        train(64)
        few, many = (n_waits(lambda n=n: train(n)) for n in (64, 16))
        assert few == many


@KINDS
@pytest.mark.parametrize("mixed_precision", [False, True])
def test_equal_seeds_give_equal_bits(kind: str, mixed_precision: bool) -> None:
    if mixed_precision and torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("no bfloat16")
    X = make_data(kind)[0]
    settings = {"dropout": 0.2, "input_dropout": 0.2, "mixed_precision": mixed_precision}
    first, second = (fit(kind, "importance", **settings).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@KINDS
def test_mixed_precision(kind: str) -> None:
    if torch.cuda.get_device_capability() < (8, 0):
        with pytest.raises(ValueError, match="device without bfloat16"):
            fit(kind, mixed_precision=True)
        return
    X, y = make_data(kind)
    full, mixed = (fit(kind, budget=20, mixed_precision=flag) for flag in (False, True))
    assert full.loss_curve_ != mixed.loss_curve_
    assert mixed.score(X, y) == pytest.approx(full.score(X, y), abs=0.05)
    assert {v.dtype for v in mixed.net_.get_weights().values()} == {np.dtype(np.float32)}


@KINDS
class TestPickle:
    def test_here(self, kind: str) -> None:
        X, y = make_data(kind)
        model = fit(kind)
        copy = pickle.loads(pickle.dumps(model))
        assert copy.net_.device == "cuda"
        np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
        copy.partial_fit(X, y)

    def test_where_there_is_no_device(self, kind: str, tmp_path: Path) -> None:
        X, _ = make_data(kind)
        model = fit(kind)
        path = tmp_path / "model.pickle"
        path.write_bytes(pickle.dumps((model, X, model.predict_proba(X))))
        code = (
            "import pickle, sys, numpy as np\n"
            "model, X, expected = pickle.load(open(sys.argv[1], 'rb'))\n"
            "assert model.net_.device == 'cpu'\n"
            "np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-4, atol=1e-6)\n"
            "model.partial_fit(X, model.predict(X))\n"
        )
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code, str(path)],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
            check=True,
        )
