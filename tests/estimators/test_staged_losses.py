"""Losses after every round, from the recorded weights; the fitted net stays as it is."""

import pickle
from itertools import islice
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor

ESTIMATORS = (LossSampledClassifier, LossSampledRegressor)


def data(kind: type, container: str = "dense") -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5)) * (rng.random((60, 5)) < 0.5)
    y = X @ np.arange(5.0)
    given = sp.csr_matrix(X) if container == "sparse" else X
    return given, np.where(y > 0, "yes", "no") if kind is LossSampledClassifier else y


def fitted(kind: type, X: Any, y: Any, **parameters: Any) -> Any:
    model = kind("percentile", hidden_layer_sizes=4, batch_size=16, budget=3, random_state=0)
    return model.set_params(**{"record": "history", **parameters}).fit(X, y)


def same_weights(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_weights_are_copies_of_the_nets(kind: type) -> None:
    model = fitted(kind, *data(kind))
    assert list(model.weights_) == [
        "input.weight",
        "input.bias",
        "layers.0.weight",
        "layers.0.bias",
    ]
    assert model.weights_["input.weight"].shape == (5, 4)
    assert same_weights(model.weights_, model.weight_history_[-1])
    model.weights_["input.weight"][:] = 7
    assert same_weights(model.weights_, model.weight_history_[-1])


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_unfitted(kind: type) -> None:
    X, y = data(kind)
    with pytest.raises(AttributeError, match="no weights_"):
        _ = kind().weights_
    with pytest.raises(NotFittedError):
        kind().staged_instance_losses(X, y)


def test_two_rounds_by_hand() -> None:
    X, y = data(LossSampledClassifier)
    model = fitted(LossSampledClassifier, X, y, activation="relu")
    staged = list(model.staged_instance_losses(X, y))
    assert len(staged) == model.n_iter_ > 2
    for losses, w in zip(staged, model.weight_history_, strict=True):
        hidden = np.maximum(X @ w["input.weight"] + w["input.bias"], 0)
        outputs = hidden @ w["layers.0.weight"].T + w["layers.0.bias"]
        log_sum = np.log(np.exp(outputs).sum(axis=1))
        expected = log_sum - outputs[np.arange(60), (y == "yes").astype(int)]
        np.testing.assert_allclose(losses, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("container", ["dense", "sparse"])
def test_they_are_the_losses_of_a_net_with_these_weights(kind: type, container: str) -> None:
    X, y = data(kind, container)
    model = fitted(kind, X, y)
    other = pickle.loads(pickle.dumps(model))
    for losses, weights in zip(
        model.staged_instance_losses(X[:20], y[:20]), model.weight_history_, strict=True
    ):
        other.net_.set_weights(weights)
        assert_array_equal(losses, other.instance_losses(X[:20], y[:20]))
    assert_array_equal(losses, model.instance_losses(X[:20], y[:20]))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_the_fitted_net_is_left_alone(kind: type) -> None:
    X, y = data(kind)
    model = fitted(kind, X, y)
    before, module, predictions = model.weights_, model.net_.module_, model.predict(X)
    staged = model.staged_instance_losses(X, y)
    next(staged)
    # In the middle, after giving up and after an error thrown in.
    assert_array_equal(model.predict(X), predictions)
    staged.close()
    assert same_weights(model.weights_, before)
    staged = model.staged_instance_losses(X, y)
    next(staged)
    with pytest.raises(KeyboardInterrupt):
        staged.throw(KeyboardInterrupt)
    assert same_weights(model.weights_, before)
    assert model.net_.module_ is module
    list(model.staged_instance_losses(X, y))
    assert same_weights(model.weights_, before)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), predictions)
    assert model.fit(X, y).n_iter_ > 0


def test_other_fits_meanwhile_change_nothing() -> None:
    X, y = data(LossSampledClassifier)
    model = fitted(LossSampledClassifier, X, y)
    expected = list(model.staged_instance_losses(X, y))
    staged = model.staged_instance_losses(X, y)
    first = [next(staged)]
    model.set_params(random_state=1).fit(X, y)
    np.testing.assert_array_equal([*first, *staged], expected)


def test_warm_start_adds_rounds() -> None:
    X, y = data(LossSampledClassifier)
    model = fitted(LossSampledClassifier, X, y, warm_start=True)
    first = list(model.staged_instance_losses(X, y))
    both = list(model.fit(X, y).staged_instance_losses(X, y))
    assert len(both) > len(first)
    np.testing.assert_array_equal(both[: len(first)], first)


def test_dropout_is_off_and_rows_may_be_new() -> None:
    X, y = data(LossSampledClassifier)
    model = fitted(LossSampledClassifier, X, y, dropout=0.5, input_dropout=0.3)
    a, b = (list(model.staged_instance_losses(X[:7], y[:7])) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert a[0].shape == (7,)


@pytest.mark.parametrize("record", ["loss", "dynamics"])
def test_without_recorded_weights(record: str) -> None:
    X, y = data(LossSampledClassifier)
    model = fitted(LossSampledClassifier, X, y, record=record)
    with pytest.raises(ValueError, match="fit with record='history'"):
        model.staged_instance_losses(X, y)


def test_bad_inputs_are_refused_at_the_call() -> None:
    X, y = data(LossSampledClassifier)
    model = fitted(LossSampledClassifier, X, y)
    with pytest.raises(ValueError, match="label"):
        model.staged_instance_losses(X, np.full(60, "perhaps"))
    with pytest.raises(ValueError, match="features"):
        model.staged_instance_losses(X[:, :3], y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.staged_instance_losses(X, y[:-1])
    assert len(list(islice(model.staged_instance_losses(X, y), 2))) == 2
