"""Nets without hidden layers: begun at zero, at a rate that goes with the size of the rows."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_iris, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal._settings import resolve_settings


def linear(make: Any = LossSampledRegressor, **parameters: Any) -> Any:
    return make(**{"hidden_layer_sizes": (), "random_state": 0, **parameters})


def settings(model: Any, n_rows: int = 100, **facts: Any) -> Any:
    return resolve_settings(
        model._description(), n_rows, **{"n_features": 10, "non_zeros": None, **facts}
    )


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("strategy", ["base", "importance"])
def test_a_line_is_found(container: Any, strategy: str) -> None:
    x = np.linspace(-2, 2, 100)
    X, y = container(np.c_[np.ones(100), x]), 3 * x + 1
    model = linear(sampling_strategy=strategy).fit(X, y)
    assert model.score(X, y) > 0.999


@pytest.mark.parametrize("shape", [(100, 1), (100, 2), (1000, 2), (100, 10)])
@pytest.mark.parametrize("seed", [0, 1])
def test_as_good_as_least_squares(shape: tuple[int, int], seed: int) -> None:
    X, y = make_regression(*shape, n_informative=shape[1], noise=5, random_state=0)
    reference = LinearRegression().fit(X, y).score(X, y)
    assert linear(random_state=seed).fit(X, y).score(X, y) > reference - 0.003


def test_iris_as_logistic_regression() -> None:
    X, y = load_iris(return_X_y=True)
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    found = {}
    for name, model in (("ours", linear(LossSampledClassifier)), ("peer", LogisticRegression())):
        pipeline = make_pipeline(StandardScaler(), model)
        proba = cross_val_predict(pipeline, X, y, cv=cv, method="predict_proba")
        found[name] = np.mean(proba.argmax(axis=1) == y), log_loss(y, proba)
    assert found["ours"][0] >= found["peer"][0] - 0.02
    assert found["ours"][1] <= found["peer"][1] + 0.03


def test_begins_at_zero() -> None:
    X = np.random.default_rng(0).normal(size=(30, 4))
    model = linear().fit(X, X[:, 0])
    assert not any(values.any() for values in model.initial_weights_.values())


def test_the_rate_goes_with_the_size_of_a_row() -> None:
    # Dense: 0.01 from 50 on, and in inverse proportion below, up to ten times that.
    rates = [settings(linear(), row_size=size).lr for size in (1000, 50, 25, 10, 5, 1, 0)]
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.02, 0.05, 0.1, 0.1, 0.1])
    assert settings(linear(lr_schedule="constant"), row_size=25).lr == pytest.approx(0.006)
    # Sparse tables alike; texts by twice the number of their non-zeros.
    table = settings(linear(), non_zeros=5, row_size=10)
    assert table.lr == pytest.approx(0.05 * 5)
    text = {"n_features": 10_000, "non_zeros": 20}
    assert settings(linear(), **text, row_size=20).lr == pytest.approx(0.03 * 2)  # counts
    assert settings(linear(), **text, row_size=5).lr == pytest.approx(0.03 * 8)  # tf-idf
    assert settings(linear(lr=0.5), row_size=1).lr == 0.5


def test_the_decay_shrinks_no_more_than_with_hidden_layers() -> None:
    usual = settings(LossSampledRegressor())
    fast = settings(linear(), row_size=10)
    assert fast.lr * fast.weight_decay == pytest.approx(usual.lr * usual.weight_decay)


def test_a_net_with_hidden_layers_knows_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn_sifal._training_data import TrainingData

    def fail(self: Any) -> float:
        raise AssertionError("looked through X")

    monkeypatch.setattr(TrainingData, "mean_row_size", property(fail))
    X = np.random.default_rng(0).normal(size=(30, 4))
    LossSampledRegressor(budget=1).fit(X, X[:, 0])
    with pytest.raises(AssertionError):
        linear(budget=1).fit(X, X[:, 0])


def test_chunks_keep_the_rate_of_the_first() -> None:
    X = np.random.default_rng(0).normal(size=(30, 4))
    model = linear().partial_fit(X, X[:, 0])
    rate = model.net_.lr
    model.partial_fit(100 * X, X[:, 0])
    assert model.net_.lr == rate == pytest.approx(0.03)
