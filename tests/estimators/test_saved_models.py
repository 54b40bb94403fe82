"""Saved estimators and nets: the same after every way to save them, and no code in a skops file."""

import copy
import io
import json
import pickle
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, Freezer, LRScheduler
from skorch.dataset import ValidSplit
from torch import nn

from sklearn_sifal import (
    LossSampledClassifier,
    LossSampledNet,
    LossSampledRegressor,
    RegexPreprocessor,
)
from sklearn_sifal.strategies import STRATEGIES, Percentile, Robust

skops = pytest.importorskip("skops.io")

N = 60
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
CODES = np.arange(N) % 3
Y = np.array(["a", "b", "c"])[CODES]


def skops_round_trip(value: Any) -> Any:
    data = skops.dumps(value)
    check_members(data)
    return skops.loads(data, trusted=skops.get_untrusted_types(data=data))


def check_members(data: bytes) -> None:
    """Every member of a skops file is its schema, or an array that numpy reads without pickle."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for name in file.namelist():
            if name.endswith(".npy"):
                np.load(io.BytesIO(file.read(name)), allow_pickle=False)
            else:
                assert name == "schema.json"
                json.loads(file.read(name))


def joblib_round_trip(value: Any) -> Any:
    file = io.BytesIO()
    joblib.dump(value, file)
    file.seek(0)
    return joblib.load(file)


def mapped(value: Any, folder: Path) -> Any:
    path = folder / "model.joblib"
    joblib.dump(value, path)
    return joblib.load(path, mmap_mode="r")


ROUND_TRIPS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "joblib": joblib_round_trip,
    "deepcopy": copy.deepcopy,
    "skops": skops_round_trip,
}
round_trips = pytest.mark.parametrize("round_trip", ROUND_TRIPS.values(), ids=ROUND_TRIPS)


def assert_same_estimator(model: Any, loaded: Any, inputs: Any, targets: Any) -> None:
    """The same now, and after more training."""
    np.testing.assert_array_equal(loaded.predict(inputs), model.predict(inputs))
    assert loaded.loss_table_.tobytes() == model.loss_table_.tobytes()
    assert repr(loaded.history_) == repr(model.history_)
    assert loaded.get_params().keys() == model.get_params().keys()
    original = copy.deepcopy(model)
    for either in (original, loaded):
        either.set_params(early_stopping=False).partial_fit(inputs, targets)
    for name, values in original.weights_.items():
        np.testing.assert_array_equal(loaded.weights_[name], values)
    assert loaded.loss_table_.tobytes() == original.loss_table_.tobytes()


# ---------------------------------------------------------------- estimators

SETTINGS = {
    "plain": {},
    "history": {"record": "history", "early_stopping": True, "dropout": 0.2},
    "float16": {"record": "history", "history_dtype": "float16", "hidden_layer_sizes": ()},
    "dynamics": {"record": "dynamics", "optimizer": torch.optim.RMSprop},
    "own strategy": {"sampling_strategy": Robust(Percentile(30)), "warm_start": True},
    "callbacks": {"callbacks": [EarlyStopping(monitor="train_loss")]},
}


@round_trips
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_a_classifier_goes_on_as_if_it_had_not_been_saved(
    settings: dict[str, Any], make: Any, round_trip: Any
) -> None:
    model = LossSampledClassifier(**{"budget": 3, "random_state": 0, **settings}).fit(make(X), Y)
    assert_same_estimator(model, round_trip(model), make(X), Y)


@round_trips
def test_a_regressor_goes_on_as_if_it_had_not_been_saved(round_trip: Any) -> None:
    model = LossSampledRegressor(budget=3, random_state=0, loss="huber").fit(X, X[:, 0])
    assert_same_estimator(model, round_trip(model), X, X[:, 0])


@pytest.mark.parametrize("strategy", [*STRATEGIES, Robust(Percentile(30))], ids=str)
def test_a_skops_file_names_no_type_but_the_estimators_own(strategy: Any) -> None:
    model = LossSampledClassifier(strategy, budget=4, batch_size=8, random_state=0)
    data = {"irreducible_losses": np.full(N, 0.1), "trusted": CODES == 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of strategies about such small data
        model.fit(X, Y, **data)
        listed = skops.get_untrusted_types(data=skops.dumps(model))
        kind = "sklearn_sifal._classifier.LossSampledClassifier"
        assert listed == [kind]
        assert_same_estimator(model, skops_round_trip(model), X, Y)


def test_a_type_of_the_users_is_listed() -> None:
    model = LossSampledRegressor(
        optimizer=torch.optim.SGD, budget=1, callbacks=[EarlyStopping("train_loss")]
    ).fit(X, X[:, 0])
    assert skops.get_untrusted_types(data=skops.dumps(model)) == [
        "builtins.print",
        "sklearn_sifal._regressor.LossSampledRegressor",
        "skorch.callbacks.training.EarlyStopping",
        "torch.optim.sgd.SGD",
    ]


@round_trips
def test_a_pipeline_of_texts(round_trip: Any) -> None:
    texts = [f"card {n} is lost" if n % 2 else f"please close my account {n}!!" for n in range(N)]
    intents = np.array(["close", "lost"])[np.arange(N) % 2]
    pipeline = make_pipeline(
        RegexPreprocessor(), CountVectorizer(), LossSampledClassifier(budget=2, random_state=0)
    ).fit(texts, intents)
    loaded = round_trip(pipeline)
    np.testing.assert_array_equal(loaded.predict_proba(texts), pipeline.predict_proba(texts))


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_arrays_that_are_mapped_into_memory_are_trained_on(make: Any, tmp_path: Path) -> None:
    model = LossSampledClassifier(record="dynamics", budget=2, random_state=0, warm_start=True)
    model.fit(make(X), Y)
    loaded = mapped(model, tmp_path)
    assert_same_estimator(model, loaded, make(X), Y)
    loaded.fit(make(X), Y)


def test_estimators_go_to_other_processes_and_come_back() -> None:
    model = LossSampledClassifier(Percentile(30), budget=2, random_state=0)
    fitted = joblib.Parallel(n_jobs=2, backend="loky")(
        joblib.delayed(one.fit)(X, Y) for one in (model, clone(model))
    )
    model.fit(X, Y)
    for one in fitted:
        one.history_ = model.history_  # but for the times, which differ
        assert_same_estimator(model, one, X, Y)


def test_unfitted_estimators_are_saved_without_a_net() -> None:
    model = LossSampledClassifier(Robust(Percentile(30)), init_weights={"a": np.ones(2)})
    for round_trip in ROUND_TRIPS.values():
        loaded = round_trip(model)
        assert repr(loaded) == repr(model)
        assert not hasattr(loaded, "net_")


# ---------------------------------------------------------------- nets


class Tied(nn.Module):
    """Shares a parameter, has buffers, a frozen layer, and tensors in plain containers."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.first = nn.Linear(5, width)
        self.second = nn.Linear(5, width)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm1d(width)
        self.last = nn.Linear(width, 3, bias=False)
        self.last.weight.requires_grad_(False)
        self.register_buffer("kept", torch.arange(3, dtype=torch.bfloat16))
        self.register_buffer("passing", torch.ones(2, dtype=torch.float16), persistent=False)
        self.tables = {"of tensors": [torch.eye(2), (torch.zeros(1, dtype=torch.complex64),)]}
        self.kind = torch.float32
        self.place = torch.device("cpu")
        self.noise = torch.Generator().manual_seed(7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        noise = torch.rand(1, generator=self.noise).to(self.kind)
        return self.last(self.norm(self.first(x) + self.second(x))) + noise


class Keeping(Callback):
    """Refers to the net and to tensors."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self.net_ = net
        self.weights_ = list(net.module_.parameters())
        self.size_ = torch.ones(2, 3).shape


def cnn() -> nn.Module:
    net = nn.Sequential(
        nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, (3, 1)), nn.ReLU(), nn.Flatten(),
        nn.Dropout(0.2), nn.Linear(12, 3),
    )  # fmt: skip
    return net.to(memory_format=torch.channels_last)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 4, batch_first=True)
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.lstm(x.unsqueeze(2))[0][:, -1])


NETS: dict[str, Callable[[], LossSampledNet]] = {
    "instance": lambda: net_of(nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))),
    "class": lambda: net_of(Tied, module__width=6),
    "own": lambda: net_of(Tied(), optimizer=torch.optim.Adam),
    "cnn": lambda: net_of(cnn(), optimizer=torch.optim.AdamW, optimizer__fused=True),
    "lstm": lambda: net_of(Recurrent, optimizer=torch.optim.Adagrad),
    "momentum": lambda: net_of(nn.Linear(5, 3), optimizer__momentum=0.9),
    "callbacks": lambda: net_of(
        nn.Linear(5, 3),
        callbacks=[
            EpochScoring("accuracy", name="acc", lower_is_better=False),
            EarlyStopping("valid_loss"),
            LRScheduler("StepLR", step_size=2),
            Keeping(),
        ],
        train_split=ValidSplit(4),
    ),
    "real": lambda: net_of(
        nn.Sequential(nn.Linear(5, 3), nn.LogSoftmax(1)),
        criterion=nn.NLLLoss,
        criterion__weight=torch.ones(3),
        sampling_strategy=Robust(Percentile(50)),
    ),
}


def seeded(make: Callable[[], LossSampledNet]) -> Callable[[], LossSampledNet]:
    def make_seeded() -> LossSampledNet:
        torch.manual_seed(0)
        return make()

    return make_seeded


nets = pytest.mark.parametrize("make_net", [seeded(make) for make in NETS.values()], ids=NETS)


def net_of(module: Any, **settings: Any) -> LossSampledNet:
    return LossSampledNet(
        module, **{"max_epochs": 3, "batch_size": 16, "verbose": 0, "random_state": 0, **settings}
    )


def goes_on(net: LossSampledNet) -> list[bytes]:
    torch.manual_seed(3)
    net.partial_fit(X, CODES)
    values = [*net.module_.state_dict().values(), torch.from_numpy(net.predict_proba(X))]
    return [v.to_dense().float().numpy().tobytes() for v in values] + [net.loss_table_.tobytes()]


@nets
@round_trips
def test_a_net_goes_on_as_if_it_had_not_been_saved(make_net: Any, round_trip: Any) -> None:
    loaded = round_trip(make_net().fit(X, CODES))
    assert goes_on(loaded) == goes_on(make_net().fit(X, CODES))


@nets
@round_trips
def test_a_net_is_saved_before_it_is_made_and_before_it_is_trained(
    make_net: Any, round_trip: Any
) -> None:
    loaded = round_trip(make_net())
    assert not loaded.initialized_
    torch.manual_seed(5)
    loaded.initialize()
    expected = make_net()
    torch.manual_seed(5)
    expected.initialize()
    for one, other in zip(
        *(n.module_.state_dict().values() for n in (loaded, expected)), strict=True
    ):
        assert torch.equal(one, other)
    assert round_trip(expected).initialized_


@nets
def test_clones_and_processes_know_nets(make_net: Any) -> None:
    net = make_net().fit(X, CODES)
    clone(net).fit(X, CODES)
    (fitted,) = joblib.Parallel(n_jobs=2)([joblib.delayed(goes_on)(net)])
    assert fitted == goes_on(net)


@nets
def test_a_mapped_net_is_trained_on(make_net: Any, tmp_path: Path) -> None:
    loaded = mapped(make_net().fit(X, CODES), tmp_path)
    assert goes_on(loaded) == goes_on(make_net().fit(X, CODES))


@round_trips
def test_what_is_shared_stays_shared_and_what_is_frozen_frozen(round_trip: Any) -> None:
    net = net_of(Tied(), callbacks=[Keeping()]).fit(X, CODES)
    loaded = round_trip(net)
    module = loaded.module_
    assert loaded.module is module
    assert module.first.weight is module.second.weight
    assert [p.requires_grad for p in module.parameters()] == [
        p.requires_grad for p in net.module_.parameters()
    ]
    assert module.kept.dtype == torch.bfloat16
    assert module.passing.dtype == torch.float16
    assert "passing" not in module.state_dict()
    assert module.tables["of tensors"][1][0].dtype == torch.complex64
    assert (module.kind, module.place) == (torch.float32, torch.device("cpu"))
    callback = dict(loaded.callbacks_)["Keeping"]
    assert callback.net_ is loaded
    assert callback.weights_[0] is module.first.weight
    optimized = loaded.optimizer_.param_groups[0]["params"]
    assert optimized[0] is module.first.weight


def test_a_shallow_copy_has_tensors_of_its_own() -> None:
    net = net_of(nn.Linear(5, 3)).fit(X, CODES)
    before = net.predict_proba(X)
    goes_on(copy.copy(net))
    np.testing.assert_array_equal(net.predict_proba(X), before)


def test_the_types_of_a_nets_skops_file() -> None:
    net = net_of(nn.Sequential(nn.Linear(5, 3)), callbacks="disable").fit(X, CODES)
    assert skops.get_untrusted_types(data=skops.dumps(net)) == [
        "sklearn_sifal.neural._net.LossSampledNet",
        "torch.nn.modules.container.Sequential",
        "torch.nn.modules.linear.Linear",
        "torch.optim.sgd.SGD",
    ]


class Sparse(nn.Module):
    """Has a tensor that is no plain array."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(5, 3)
        self.register_buffer("mask", torch.eye(5).to_sparse())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.sparse.mm(self.mask, x.T).T)


class OwnPickle(nn.Linear):
    """Has a way of its own to be pickled."""

    def __reduce__(self) -> Any:
        return _make_own, (self.state_dict(),)


def _make_own(weights: Any) -> OwnPickle:
    made = OwnPickle(5, 3)
    made.load_state_dict(weights)
    return made


@pytest.mark.parametrize("module", [Sparse, OwnPickle], ids=["sparse", "own"])
def test_what_cannot_be_taken_apart_is_pickled_and_refused_for_skops(module: Any) -> None:
    arguments = {} if module is Sparse else {"module__in_features": 5, "module__out_features": 3}

    def make() -> LossSampledNet:
        torch.manual_seed(0)
        return net_of(module, optimizer__momentum=0.9, **arguments).fit(X, CODES)

    for name in ("pickle", "joblib", "deepcopy"):
        loaded = ROUND_TRIPS[name](make())
        if module is Sparse:  # the optimiser of the other has lost its module, as in skorch
            assert goes_on(loaded) == goes_on(make())
    assert isinstance(copy.copy(make()), LossSampledNet)
    with pytest.raises(TypeError, match=r"can only be pickled: module_.*save_params"):
        skops.dumps(make())


class Collecting(Callback):
    """Appends to what it was given."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        self.found["losses"].append(kwargs["loss"])


@round_trips
def test_containers_of_tensors_that_callbacks_share_stay_shared(round_trip: Any) -> None:
    found: Any = {"losses": []}
    net = net_of(nn.Linear(5, 3), callbacks=[("one", Collecting(found))]).fit(X, CODES)
    net.also = found["losses"]
    loaded = round_trip(net)
    kept = dict(loaded.callbacks_)["one"].found
    assert kept is loaded.callbacks[0][1].found
    assert kept["losses"] is loaded.also
    assert len(kept["losses"]) > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: net_of(nn.LazyLinear(3)),
        lambda: net_of(nn.Linear(5, 3), callbacks=[Freezer("weight")]).fit(X, CODES),
    ],
    ids=["no numbers yet", "method of a callback"],
)
def test_what_only_pickle_can_hold_says_so_at_saving(make: Any) -> None:
    assert isinstance(pickle.loads(pickle.dumps(make())), LossSampledNet)
    with pytest.raises(TypeError, match="can only be pickled"):
        skops.dumps(make())


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_a_scripted_module_is_refused_for_skops_which_would_end_the_process() -> None:
    net = net_of(torch.jit.script(nn.Linear(5, 3))).fit(X, CODES)
    with pytest.raises(TypeError, match=r"module, a RecursiveScriptModule"):
        skops.dumps(net)


def test_a_net_that_was_trimmed_for_prediction() -> None:
    net = net_of(nn.Linear(5, 3)).fit(X, CODES)
    net.trim_for_prediction()
    for round_trip in ROUND_TRIPS.values():
        np.testing.assert_array_equal(round_trip(net).predict(X), net.predict(X))


class Reopening(Percentile):
    """A strategy with a way of its own to be saved."""

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "note": torch.ones(2)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.note = state.pop("note") + 1
        super().__setstate__(state)


def test_a_state_of_the_users_own_is_used() -> None:
    model = LossSampledClassifier(Reopening(30), budget=2, random_state=0).fit(X, Y)
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded.sampling_strategy_.note.tolist() == [2.0, 2.0]
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_pickle_is_small() -> None:
    model = LossSampledClassifier(budget=3, random_state=0).fit(X, Y)
    n_numbers = sum(values.size for values in model.weights_.values())
    # Weights and two moments of AdamW, 34 bytes a row, and a bounded rest.
    assert len(pickle.dumps(model)) < 3 * 4 * n_numbers + 34 * N + 14_000


# ---------------------------------------------------------------- attacks


class Evil:
    """Runs code where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("kind", ["classifier", "net"])
def test_no_member_of_a_skops_file_is_unpickled(kind: str, tmp_path: Path) -> None:
    model: Any = LossSampledClassifier(record="history", budget=1)
    model = model.fit(X, Y) if kind == "classifier" else net_of(Tied()).fit(X, CODES)
    data = skops.dumps(model)
    trusted = skops.get_untrusted_types(data=data)
    flag = tmp_path / "run"
    evil = pickle.dumps(Evil(flag))
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    array = io.BytesIO()
    np.save(array, np.array([Evil(flag)], dtype=object), allow_pickle=True)
    for name in members:
        for content in (evil, array.getvalue()):
            changed = io.BytesIO()
            with zipfile.ZipFile(changed, "w") as file:
                for other, original in members.items():
                    file.writestr(other, content if other == name else original)
            with pytest.raises(Exception):  # noqa: B017 - whatever: it must not run
                skops.loads(changed.getvalue(), trusted=trusted)
            assert not flag.exists()


def test_states_that_were_pickles_are_refused(tmp_path: Path) -> None:
    net = net_of(nn.Linear(5, 3))
    flag = tmp_path / "run"
    state = {**net.__getstate__(), "__cuda_dependent_attributes__": pickle.dumps(Evil(flag))}
    with pytest.raises(ValueError, match="run code"):
        LossSampledNet.__new__(LossSampledNet).__setstate__(state)
    assert not flag.exists()


LOAD = """
import pickle, sys

import numpy as np

model, X, expected = (pickle.loads(part) for part in pickle.load(sys.stdin.buffer))
np.testing.assert_array_equal(model.predict(X), expected)
"""


@pytest.mark.parametrize("strategy", ["base", "guarded_importance"])
@pytest.mark.parametrize("make", [LossSampledClassifier, LossSampledRegressor])
def test_a_new_process_loads_what_another_saved(make: Any, strategy: str) -> None:
    model = make(strategy, budget=2, hidden_layer_sizes=(4,), random_state=0).fit(X, CODES)
    parts = [pickle.dumps(part) for part in (model, X, model.predict(X))]
    done = subprocess.run(
        [sys.executable, "-c", LOAD], input=pickle.dumps(parts), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
