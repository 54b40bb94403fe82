"""Settings of torch that a caller made for its own ends neither reach in nor are moved."""

import copy
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
import torch.utils._device
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from sklearn_sifal import LossSampledClassifier, LossSampledNet, LossSampledRegressor
from sklearn_sifal._devices import own_torch_settings, tensors_on
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.samplers import LossSampler

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 5)).astype(np.float32)
S = sp.csr_array(np.where(rng.random(X.shape) < 0.5, X, 0).astype(np.float32))
Y = np.arange(40) % 3


@contextmanager
def default_device(name: str) -> Iterator[None]:
    torch.set_default_device(name)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def deterministic(warn_only: bool) -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=warn_only)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


@contextmanager
def no_gradients() -> Iterator[None]:
    torch.set_grad_enabled(False)
    try:
        yield
    finally:
        torch.set_grad_enabled(True)


Settings = Callable[[], AbstractContextManager[Any]]
SETTINGS: dict[str, Settings] = {
    "default device meta": lambda: default_device("meta"),
    # Also where there is none: it is not asked for a tensor.
    "default device cuda": lambda: default_device("cuda"),
    "device block": lambda: torch.device("meta"),
    "bfloat16": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "float16": lambda: torch.autocast("cpu", dtype=torch.float16),
    "no_grad": torch.no_grad,
    "set_grad_enabled": no_gradients,
    "inference_mode": torch.inference_mode,
    "double": lambda: default_dtype(torch.float64),
    "half": lambda: default_dtype(torch.bfloat16),
    "deterministic": lambda: deterministic(False),
    "deterministic, warnings": lambda: deterministic(True),
}
every_setting = pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))


def state() -> tuple[Any, ...]:
    return (
        torch.utils._device.CURRENT_DEVICE,
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.is_autocast_cache_enabled(),
        torch.get_default_dtype(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_num_threads(),
        torch.get_rng_state().numpy().tobytes(),
    )


def everything(make: Any, data: Any, settings: Settings, **parameters: Any) -> list[Any]:
    """Arrays from every entrance of an estimator, each called within the settings."""
    y = Y if make is LossSampledClassifier else X[:, 0]
    classes = {"classes": [0, 1, 2]} if make is LossSampledClassifier else {}
    parameters = {
        "hidden_layer_sizes": (4,),
        "budget": 3,
        "batch_size": 16,
        "random_state": 0,
        **parameters,
    }
    found: list[Any] = []

    def keep(model: Any) -> None:
        found.extend(model.weights_.values())

    with settings():
        before = state()
        model = make(record="history", **parameters).fit(data, y)
        found += [model.predict(data), model.instance_losses(data, y), model.score(data, y)]
        if classes:
            found += [model.predict_proba(data), model.predict_log_proba(data)]
        found += [*model.staged_instance_losses(data, y), *model.initial_weights_.values()]
        assert state() == before
        loaded, copied = pickle.loads(pickle.dumps(model)), copy.deepcopy(model)
    # What was made within them can be trained outside of them, and the reverse.
    for other in (loaded, copied):
        keep(other.set_params(early_stopping=False).partial_fit(data, y))
    with settings():
        keep(model.set_params(warm_start=True).fit(data, y))
        keep(model.set_params(early_stopping=False).partial_fit(data, y))
        given = make(**parameters).set_params(init_weights=model.weights_, early_stopping=False)
        keep(given.fit(data, y))
        keep(make(**{**parameters, "early_stopping": False}).partial_fit(data, y, **classes))
        with pytest.raises(ValueError, match="X has 2 features"):
            model.predict(X[:, :2])
        assert state() == before
    keep(given.partial_fit(data, y))
    return found


@pytest.fixture(scope="module")
def expected() -> dict[str, list[Any]]:
    return {}


@every_setting
@pytest.mark.parametrize(
    "make, kind, parameters",
    [
        (LossSampledClassifier, "dense", {}),
        (LossSampledClassifier, "sparse", {"input_dropout": 0.2, "early_stopping": True}),
        (LossSampledClassifier, "dense", {"mixed_precision": True, "dropout": 0.2}),
        (LossSampledClassifier, "dense", {"sampling_strategy": "rho_loss"}),
        (LossSampledRegressor, "dense", {"early_stopping": True}),
        (LossSampledRegressor, "sparse", {"sparse_optimizer": "adam", "hidden_layer_sizes": ()}),
    ],
)
def test_estimators(
    settings: Settings,
    make: Any,
    kind: str,
    parameters: dict[str, Any],
    expected: dict[str, list[Any]],
) -> None:
    data = X if kind == "dense" else S
    key = f"{make} {kind} {parameters}"
    if key not in expected:
        expected[key] = everything(make, data, nullcontext, **parameters)
    found = everything(make, data, settings, **parameters)
    for one, other in zip(found, expected[key], strict=True):
        np.testing.assert_array_equal(one, other)


@every_setting
def test_comparison(settings: Settings) -> None:
    def runs() -> list[dict[str, Any]]:
        model = LossSampledClassifier(hidden_layer_sizes=(4,), budget=2, random_state=0)
        found = compare_strategies(model, ["base", "importance"], X, Y, X, Y).runs
        return [{k: v for k, v in run.items() if "seconds" not in k} for run in found]

    plain = runs()
    with settings():
        found = runs()
    np.testing.assert_equal(found, plain)


@every_setting
def test_sampler(settings: Settings) -> None:
    def drawn() -> list[Any]:
        sampler = LossSampler(40, "importance", batch_size=8, random_state=0)
        batches = []
        for _ in range(2):
            for rows in sampler:
                batches.append(np.array(rows))
                sampler.update(rows, np.linspace(0, 1, len(rows)))
        again = LossSampler(40, "importance", batch_size=8, random_state=0)
        again.load_state_dict(sampler.state_dict())
        return [*batches, *map(np.array, again), again.loss_table["loss"]]

    plain = drawn()
    with settings():
        found = drawn()
    for one, other in zip(found, plain, strict=True):
        np.testing.assert_array_equal(one, other)


class Perceptron(nn.Module):
    """A module that makes a tensor of its own in its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 3, dtype=torch.float32)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.layer(X) + torch.ones(3, dtype=torch.float32)


DATA = {
    "array": (X, Y),
    "dataset": (TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), None),
}


@every_setting
@pytest.mark.parametrize("given", DATA)
def test_net(settings: Settings, given: str) -> None:
    def run(settings: Settings) -> list[Any]:
        torch.manual_seed(0)
        net = LossSampledNet(Perceptron, max_epochs=2, verbose=0, random_state=0, device="cpu")
        with settings():
            before = state()[:-1]  # the module draws its weights from torch's own stream
            net.fit(*DATA[given]).partial_fit(*DATA[given])
            found = [net.predict_proba(X), net.score(X, Y), net.loss_table_["loss"]]
            assert state()[:-1] == before
        return [*found, net.predict_proba(X), net.partial_fit(X, Y).predict_proba(X)]

    for one, other in zip(run(settings), run(nullcontext), strict=True):
        np.testing.assert_array_equal(one, other)


class Rows(Dataset[Any]):
    """Has no tensors: a DataLoader makes them."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, i: int) -> Any:
        return X[i], int(Y[i])


@every_setting
def test_predictions_of_a_net_for_a_dataset(settings: Settings) -> None:
    torch.manual_seed(0)
    net = LossSampledNet(Perceptron, max_epochs=1, verbose=0, device="cpu").fit(X, Y)

    def run(settings: Settings) -> list[Any]:
        with settings():
            before = state()[:-1]
            found = [net.predict_proba(Rows()), net.predict(Rows())]
            for outputs in net.forward_iter(Rows()):
                assert state()[:-1] == before  # the caller's own, while it is the caller's turn
                found.append(outputs.numpy())
            assert state()[:-1] == before
        return found

    for one, other in zip(run(settings), run(nullcontext), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_module_makes_its_tensors_where_the_net_is() -> None:
    with default_device("meta"):
        net = LossSampledNet(Perceptron, max_epochs=1, verbose=0).fit(X, Y)
        assert net.module_.layer.weight.device.type == "cpu"


def test_no_block_where_none_is_needed() -> None:
    # A block of a device makes every call of torch slower.
    assert isinstance(tensors_on(), nullcontext)
    with torch.device("meta"):
        assert isinstance(tensors_on("meta"), nullcontext)
        with tensors_on():
            assert torch.empty(1).device.type == "cpu"


@own_torch_settings()
def fail() -> None:
    assert torch.empty(1).device.type == "cpu"
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    assert not torch.is_autocast_enabled("cpu")
    raise ZeroDivisionError


def test_restored_after_an_error() -> None:
    with torch.device("meta"), torch.autocast("cpu"), torch.inference_mode():
        before = state()
        with pytest.raises(ZeroDivisionError):
            fail()
        assert state() == before
