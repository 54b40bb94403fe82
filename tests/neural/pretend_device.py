"""Tests on a device that is not the CPU, and computes there all the same.

torch lets a backend be written in Python. The tensors of this one hold tensors of the CPU, so
that its results are those of the CPU, while all else is as with an accelerator: tensors of two
devices do not mix, and reading a value is a copy. `Waits` counts what would make the host wait
for the device, as ``torch.cuda.set_sync_debug_mode`` does on a real one.

A backend cannot be unregistered: `test_accelerator.py` runs this file in a process of its own.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

from sklearn_sifal import LossSampledClassifier, LossSampledNet, LossSampledRegressor, _devices
from sklearn_sifal.batches import _device_batches, _row_batches
from sklearn_sifal.batches._row_batches import RowGatherer, SparseRows
from sklearn_sifal.neural import _mlp_net, _tensor_states, _training  # before torch is changed

NAME = "pretend"

# Operations whose result, or its size, the host has to know.
_READING = {
    "aten::_local_scalar_dense",
    "aten::_unique2",
    "aten::bincount",
    "aten::equal",
    "aten::is_nonzero",
    "aten::item",
    "aten::masked_select",
    "aten::nonzero",
    "aten::unique_consecutive",
    "aten::unique_dim",
}


def register() -> bool:
    """Make the device known to torch, once a process; False where this torch cannot."""
    from torch.utils import backend_registration

    set_up = getattr(backend_registration, "_setup_privateuseone_for_python_backend", None)
    if set_up is None:
        return False
    if torch._C._get_privateuse1_backend_name() != NAME:
        set_up(NAME)
    return True


class PretendTensor(torch.Tensor):
    """A tensor that says it is elsewhere."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "PretendTensor":
        strided: dict[str, Any] = {}
        if not held.is_sparse:
            strided = {"strides": held.stride(), "storage_offset": held.storage_offset()}
        tensor = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            dtype=held.dtype,
            layout=held.layout,
            device=torch.device(NAME, 0),
            **strided,
        )
        tensor.held = held
        return tensor

    def __repr__(self, **_: Any) -> str:
        return f"PretendTensor({self.held})"

    @classmethod
    def __torch_dispatch__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _run(function, args, kwargs or {})


class Waits(TorchDispatchMode):
    """Counts what the host waits for: values read, and copies either way, by operation."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if _waits(function, args, kwargs):
            self.counts[function._schema.name] += 1
        return _run(function, args, kwargs)


def _waits(function: Any, args: Any, kwargs: dict[str, Any]) -> bool:
    tensors = [a for a in tree_iter((args, kwargs)) if isinstance(a, torch.Tensor)]
    there = [isinstance(tensor, PretendTensor) for tensor in tensors]
    name = function._schema.name
    if name == "aten::_to_copy":
        device = kwargs.get("device")
        return device is not None and _is_here(device) == there[0]
    if name == "aten::copy_":
        return there[0] != there[1]
    if not any(there):
        return False
    if name == "aten::repeat_interleave":
        return len(args) == 1 and kwargs.get("output_size") is None
    if name in ("aten::index", "aten::index_put_"):
        return any(t.dtype == torch.bool for t in tensors[1:])
    return name in _READING


def _is_here(device: Any) -> bool:
    return torch.device(device).type != NAME


def _run(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [a for a in tree_iter((args, kwargs)) if isinstance(a, torch.Tensor)]
    name = function._schema.name
    there = any(isinstance(tensor, PretendTensor) for tensor in tensors)
    if kwargs.get("device") is not None:
        there = not _is_here(kwargs["device"])
        kwargs = {**kwargs, "device": torch.device("cpu")}
    elif there and name != "aten::copy_":
        mixed = [t for t in tensors if not isinstance(t, PretendTensor) and t.ndim]
        if mixed:
            raise RuntimeError(f"{name}: expected all tensors to be on the same device")
    found = function(*tree_map(_held, args), **tree_map(_held, kwargs))
    if "out" in kwargs:
        return kwargs["out"]
    if not function._schema.returns:
        return None
    if name.endswith("_") and not name.endswith("__"):  # in place
        return args[0]
    return tree_map(
        lambda x: PretendTensor(x) if there and isinstance(x, torch.Tensor) else x, found
    )


def _held(value: Any) -> Any:
    if isinstance(value, PretendTensor):
        return value.held
    return torch.device("cpu") if isinstance(value, torch.device) else value


@pytest.fixture(autouse=True)
def device(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """The device, in a package and a torch that know it."""
    if not register():
        pytest.skip("this torch has no backends in Python")
    for module in (_devices, _tensor_states):
        monkeypatch.setattr(module, "is_available", lambda device: True)
    real = torch.Generator

    class Generator(real):  # type: ignore[misc, valid-type]
        """Of the CPU, which does the drawing."""

        def __new__(cls, device: Any = None) -> Any:
            return real()

    monkeypatch.setattr(_training.torch, "Generator", Generator)
    return torch.device(NAME, 0)


@pytest.fixture(params=["resident", "streaming"])
def waits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Waits]:
    """Counts; with data that fit into the device and with data that do not."""
    memory = 10**9 if request.param == "resident" else 0
    monkeypatch.setattr(_device_batches, "free_memory", lambda device: memory)
    with Waits() as mode:
        yield mode


def make_data(kind: str, n_rows: int = 96) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.poisson(0.5, (n_rows, 30)).astype(np.float32)
    X[[3, 40]] = 0  # empty rows
    y = (X @ rng.normal(size=(30, 3))).argmax(axis=1)
    return (X if kind == "dense" else sp.csr_array(X)), y


def fit(kind: str, strategy: Any = "base", **parameters: Any) -> LossSampledClassifier:
    settings = {"hidden_layer_sizes": (8,), "budget": 3, "batch_size": 16, "random_state": 0}
    model = LossSampledClassifier(strategy, **{**settings, **parameters})
    return model.fit(*make_data(kind))


@pytest.mark.parametrize("waits", ["resident"], indirect=True)
@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize(
    "strategy, parameters",
    [
        ("base", {}),
        ("percentage", {"early_stopping": True}),
        ("importance", {"class_weight": "balanced", "record": "history"}),
        ("heap", {"input_dropout": 0.3, "dropout": 0.2}),
        ("kakurenbo", {"record": "dynamics"}),
        ("base", {"sparse_optimizer": "adam", "optimizer": torch.optim.SGD, "lr": 0.05}),
    ],
)
def test_same_as_on_the_cpu(
    waits: Waits, kind: str, strategy: str, parameters: dict[str, Any]
) -> None:
    X, y = make_data(kind)
    here, there = (fit(kind, strategy, device=d, **parameters) for d in ("cpu", NAME))
    assert there.net_.module_.input.weight.device.type == NAME
    assert isinstance(there.predict_proba(X), np.ndarray)
    for name, values in here.initial_weights_.items():
        np.testing.assert_array_equal(there.initial_weights_[name], values)
    np.testing.assert_array_equal(there.visit_counts_, here.visit_counts_)
    close = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(there.loss_table_["loss"], here.loss_table_["loss"], **close)
    np.testing.assert_allclose(there.predict_proba(X), here.predict_proba(X), **close)
    np.testing.assert_allclose(there.instance_losses(X, y), here.instance_losses(X, y), **close)


@pytest.mark.parametrize("waits", ["streaming"], indirect=True)
def test_regression(waits: Waits) -> None:
    X = make_data("dense")[0]
    y = X @ np.linspace(-1, 1, X.shape[1])
    here, there = (
        LossSampledRegressor(
            hidden_layer_sizes=(8,), budget=5, early_stopping=True, random_state=0, device=d
        ).fit(X, y)
        for d in ("cpu", NAME)
    )
    np.testing.assert_allclose(there.predict(X), here.predict(X), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(there.validation_scores_, here.validation_scores_, rtol=1e-4)


@pytest.mark.parametrize("waits", ["streaming"], indirect=True)
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_partial_fit_and_warm_start(waits: Waits, kind: str) -> None:
    X, y = make_data(kind)
    models = []
    for d in ("cpu", NAME):
        model = fit(kind, device=d, warm_start=True)
        model.partial_fit(X[:40], y[:40]).fit(X, y)
        models.append(model)
    here, there = (model.predict_proba(X) for model in models)
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:max_epochs=3 ended training")
@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize(
    "strategy, parameters",
    [
        ("base", {}),
        ("importance", {"class_weight": "balanced"}),
        ("percentile", {"input_dropout": 0.3, "dropout": 0.2, "record": "dynamics"}),
    ],
)
def test_waits_do_not_grow_with_the_batches(
    waits: Waits, kind: str, strategy: str, parameters: dict[str, Any]
) -> None:
    counts = []
    for batch_size in (24, 6):
        waits.counts.clear()
        # Equally many rounds.
        parameters = {**parameters, "budget": 30, "max_epochs": 3}
        fit(kind, strategy, device=NAME, batch_size=batch_size, **parameters)
        counts.append(dict(waits.counts))
    assert counts[0] == counts[1]


def test_losses_copied_at_once_would_be_seen(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = []
    for delayed in (True, False):
        monkeypatch.setattr(_mlp_net.MLPNet, "_delays_records", lambda self, d=delayed: d)
        waits.counts.clear()
        fit("dense", device=NAME)
        copies.append(waits.counts["aten::_to_copy"])
    # 3 rounds of 6 steps: a copy for each step instead of one for each round.
    assert copies[1] - copies[0] == 18 - 3


def test_waits_of_a_skorch_net_do_not_grow_with_the_batches(waits: Waits) -> None:
    X, y = make_data("dense")
    counts = []
    for batch_size in (24, 6):
        module = torch.nn.Sequential(torch.nn.Linear(30, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
        waits.counts.clear()
        net = LossSampledNet(
            module,
            sampling_strategy="base",
            batch_size=batch_size,
            max_epochs=2,
            verbose=0,
            random_state=0,
            device=NAME,
        ).fit(X, y)
        counts.append(dict(waits.counts))
        batches = net.history[:, "batches", :, "train_loss"]
        assert [len(losses) for losses in batches] == [96 // batch_size] * 2
        assert np.isfinite(np.concatenate(batches)).all()
    assert counts[0] == counts[1]


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("values_per_block", [1, 100, 10**6])
def test_same_batches_as_on_the_cpu(
    waits: Waits,
    device: torch.device,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    values_per_block: int,
) -> None:
    monkeypatch.setattr(_row_batches, "VALUES_PER_COPY", values_per_block)
    X, y = make_data(kind)
    for array in [X] if kind == "dense" else [X.data, X.indices, X.indptr]:
        array.flags.writeable = False  # as joblib hands them to its workers
    rows = np.random.default_rng(1).integers(0, 96, 51)  # with repeats
    rows[:6] = 3  # a batch of nothing
    there = _device_batches.make_row_gatherer(X, y, device, repeatedly=True)
    here = RowGatherer(X, y, torch.device("cpu"))
    pairs = list(zip(there.gather(rows, 6), here.gather(rows, 6), strict=True))
    assert len(pairs) == 9
    for (where, X_there, y_there), (where_here, X_here, y_here) in pairs:
        assert where == where_here
        assert torch.equal(y_there.cpu(), y_here)
        if kind == "dense":
            assert torch.equal(X_there.cpu(), X_here)
            continue
        for name in ("indptr", "indices", "values"):
            assert torch.equal(getattr(X_there, name).cpu(), getattr(X_here, name)), name
        prepared, alone = X_there.by_column(), X_here.by_column()
        for name in ("columns", "indptr", "rows", "order"):
            assert torch.equal(getattr(prepared, name).cpu(), getattr(alone, name)), name


def test_dropped_values_are_zero(device: torch.device, waits: Waits) -> None:
    indptr, indices = torch.tensor([0, 2, 3]), torch.tensor([1, 4, 4])
    parts = (part.to(device) for part in (indptr, indices, torch.tensor([1.0, 2.0, 4.0])))
    rows = SparseRows(*parts, n_features=5)
    dropped = rows.dropout(0.5, torch.default_generator.clone_state())
    assert torch.equal(dropped.indices.cpu(), indices)
    values = (dropped.values / rows.values).cpu()
    assert set(values.tolist()) <= {0.0, 2.0}
