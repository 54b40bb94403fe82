"""Saved states have a version, and loading another's warns once."""

import copy
import json
import pickle
import warnings
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

import sklearn_sifal
from sklearn_sifal import (
    InconsistentVersionWarning,
    LossSampledClassifier,
    LossSampledNet,
    LossSampledRegressor,
    LossTable,
    RegexPreprocessor,
)
from sklearn_sifal.datasets import open_csr, save_csr
from sklearn_sifal.strategies import GuardedImportance, HeapQueue, Percentile, Robust

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 2
KEY = "sklearn_sifal_version"


def net() -> LossSampledNet:
    return LossSampledNet(torch.nn.Linear(3, 2), max_epochs=1, verbose=0).fit(X, Y)


def strategy() -> Any:
    return LossSampledClassifier(HeapQueue(max_visits=2), budget=2).fit(X, Y).sampling_strategy_


SAVED = {
    "LossSampledClassifier": lambda: LossSampledClassifier(
        Robust(Percentile(30)), budget=2, record="dynamics", early_stopping=True
    ).fit(X, Y),
    "LossSampledRegressor": lambda: LossSampledRegressor(budget=1).fit(X, X[:, 0]),
    "unfitted": lambda: LossSampledClassifier(),
    "LossSampledNet": net,
    "LossTable": lambda: LossTable(3, dynamics=True),
    "HeapQueue": strategy,
    "GuardedImportance": GuardedImportance,
    "Robust": lambda: Robust(Percentile(30)),
    "RegexPreprocessor": lambda: RegexPreprocessor().fit(["a"]),
}
saved = pytest.mark.parametrize("name", SAVED)


@pytest.fixture
def earlier(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Saves with an earlier version."""

    def dumps(value: Any) -> bytes:
        with monkeypatch.context() as patch:
            patch.setattr(sklearn_sifal, "__version__", "0.0.1")
            return pickle.dumps(value)

    return dumps


@saved
def test_another_version_warns_once_and_names_the_object(name: str, earlier: Any) -> None:
    data = earlier(SAVED[name]())
    expected = "LossSampledClassifier" if name == "unfitted" else name
    with pytest.warns(InconsistentVersionWarning) as caught:
        pickle.loads(data)
    (warning,) = caught
    assert warning.filename == __file__
    now = sklearn_sifal.__version__
    message: Any = warning.message
    assert (message.name, message.saved_version, message.current_version) == (
        expected, "0.0.1", now,
    )  # fmt: skip
    assert f"{expected} was saved with sklearn_sifal 0.0.1 and is loaded with {now}" in str(message)
    copied = pickle.loads(pickle.dumps(message))  # on its way back from a worker
    assert str(copied) == str(message)


@saved
def test_a_state_without_a_version_is_of_an_earlier_one(name: str) -> None:
    original = SAVED[name]()
    state = original.__getstate__()
    assert state.pop(KEY) == sklearn_sifal.__version__
    made = type(original).__new__(type(original))
    with pytest.warns(InconsistentVersionWarning, match="an unknown, earlier version") as caught:
        made.__setstate__(state)
    assert len(caught) == 1
    assert not hasattr(made, KEY)


@saved
def test_the_same_version_never_warns(name: str) -> None:
    original = SAVED[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for made in (
            copy.copy(original),
            copy.deepcopy(original),
            pickle.loads(pickle.dumps(original)),
            clone(original, safe=False),
        ):
            assert type(made) is type(original)


def test_workers_never_warn() -> None:
    models = [LossSampledClassifier(Robust(Percentile(30)), budget=1)] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        joblib.Parallel(n_jobs=2)(joblib.delayed(model.fit)(X, Y) for model in models)


def test_each_part_of_a_pipeline_warns_for_itself(earlier: Any) -> None:
    pipeline = make_pipeline(RegexPreprocessor(), CountVectorizer(), LossSampledClassifier())
    data = earlier(pipeline.fit(["one two", "two one", "two", "one"] * 4, [0, 1, 1, 0] * 4))
    with pytest.warns(InconsistentVersionWarning) as caught:
        pickle.loads(data)
    assert [warning.message.name for warning in caught] == [
        "RegexPreprocessor", "LossSampledClassifier",
    ]  # fmt: skip


def test_weights_files_have_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = pytest.importorskip("safetensors.numpy")
    model = LossSampledClassifier(budget=1, random_state=0).fit(X, Y)
    path = tmp_path / "weights"
    with monkeypatch.context() as patch:
        patch.setattr(sklearn_sifal, "__version__", "0.0.1")
        model.save_weights(path)
    with pytest.warns(InconsistentVersionWarning, match="'init_weights' file .* 0.0.1"):
        LossSampledClassifier(budget=1, init_weights=path).fit(X, Y)
    model.save_weights(path)
    LossSampledClassifier(budget=1, init_weights=path).fit(X, Y)
    file.save_file(model.weights_, path)  # as other programs do
    LossSampledClassifier(budget=1, init_weights=path).fit(X, Y)


def test_saved_matrices_have_a_version(tmp_path: Path) -> None:
    save_csr(tmp_path / "m", sp.csr_array(X))
    manifest = tmp_path / "m" / "matrix.json"
    content = json.loads(manifest.read_text("utf-8"))
    open_csr(tmp_path / "m")
    manifest.write_text(json.dumps({**content, KEY: "0.0.1"}), "utf-8")
    with pytest.warns(InconsistentVersionWarning, match="matrix in .* 0.0.1") as caught:
        open_csr(tmp_path / "m")
    assert caught[0].filename == __file__


@pytest.mark.parametrize("state", [None, [], "x", 3])
@saved
def test_what_is_no_state_is_refused(name: str, state: Any) -> None:
    kind = type(SAVED[name]())
    with pytest.raises(ValueError, match=f"state of a {kind.__name__} cannot be loaded"):
        kind.__new__(kind).__setstate__(state)


def changes(state: dict[str, Any]) -> Any:
    """What may be wrong with a state."""
    for key in state:
        if key != KEY:
            yield f"no {key}", lambda s, key=key: s.pop(key)
    for name, array in state.get("#arrays", {}).items():
        yield f"no numbers of {name}", lambda s, n=name: s["#arrays"].pop(n)
        for new in (None, array.astype(np.int8), array[None], array.tolist()):
            yield f"wrong {name}", lambda s, n=name, new=new: s["#arrays"].update({n: new})


@pytest.mark.parametrize(
    "name", ["LossSampledClassifier", "LossSampledRegressor", "LossSampledNet", "LossTable"]
)
def test_parts_that_are_missing_or_do_not_fit_are_refused_at_loading(name: str) -> None:
    original = SAVED[name]()
    state = original.__getstate__()
    kind = type(original)
    # What a net keeps of `fit` alone, what skorch looks at in `set_params`, and the rate of
    # chunks, which estimators saved by earlier versions may lack.
    optional = {
        "_chunk_lr",
        *("sampling_strategy_", "loss_table_", "_unchecked_codes_"),
        *("_params_to_validate", "init_context_"),
    }
    for what, change in changes(state):
        broken = {**state, "#arrays": dict(state.get("#arrays", {}))}
        if "#arrays" not in state:
            del broken["#arrays"]
        change(broken)
        if what.removeprefix("no ") in optional:
            continue
        made = kind.__new__(kind)
        with pytest.raises(ValueError, match=f"state of a {name} cannot be loaded, it is broken"):
            made.__setstate__(broken)


def test_a_net_of_other_features_or_classes_is_refused() -> None:
    model = LossSampledClassifier(budget=1).fit(X, Y)
    wider = LossSampledClassifier(budget=1).fit(np.hstack([X, X]), Y)
    more = LossSampledClassifier(budget=1).fit(X, np.arange(40) % 3)
    for other, match in ((wider, "the net has 6 features, not 3"), (more, "has 3 outputs, not 2")):
        parts = {name: other.__getstate__()[name] for name in ("net_", "#arrays")}
        # The numbers of objects are those of their own state, which begins with other ones.
        made = LossSampledClassifier.__new__(LossSampledClassifier)
        with pytest.raises(ValueError, match=match):
            made.__setstate__({**model.__getstate__(), **parts})


@pytest.mark.parametrize("name", ["target_mean_", "target_scale_"])
@pytest.mark.parametrize("value", [None, "1", [], {}, float("nan"), float("inf"), np.zeros(3)])
def test_targets_without_a_scale_are_refused(name: str, value: Any) -> None:
    state = SAVED["LossSampledRegressor"]().__getstate__()
    made = LossSampledRegressor.__new__(LossSampledRegressor)
    with pytest.raises(ValueError, match="state of a LossSampledRegressor cannot be loaded"):
        made.__setstate__({**state, name: value})


def test_a_layer_that_does_not_fit_is_refused() -> None:
    model = LossSampledClassifier(budget=1).fit(X, Y)
    with torch.no_grad():
        model.net_.module_.input.weight = torch.nn.Parameter(torch.ones(4, 100))
    data = pickle.dumps(model)
    with pytest.raises(ValueError, match="layer input takes 4 numbers and gets 3"):
        pickle.loads(data)
