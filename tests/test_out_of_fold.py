"""Row-aligned metadata of `fit`, and the losses of rows under models that have not seen them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._out_of_fold import OutOfFoldLosses, brief_model
from sklearn_sifal._target_scale import TargetScale
from sklearn_sifal._targets import ClassTargets, NumberTargets, Targets
from sklearn_sifal._training_data import TrainingData
from sklearn_sifal.strategies import Base
from sklearn_sifal.strategies._reducible import ReducibleLoss

N = 90
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 6))
LABELS = np.array(["a", "b", "c"])[(X @ RNG.normal(size=(6, 3))).argmax(axis=1)]
TARGETS = 50 + 20 * X[:, 0]
SEED = np.random.SeedSequence(5)


class Spy(Base):
    """Trains on everything and keeps what it was told."""

    def begin(self, table: Any, setup: Any) -> Any:
        super().begin(table, setup)
        self.irreducible_ = setup.irreducible_losses
        self.trusted_ = setup.trusted
        self.losses_ = setup.out_of_fold_losses(None, 3) if self.percentage == 1 else None
        return self


MAKERS: list[tuple[Callable[..., Any], Any]] = [
    (LossSampledClassifier, LABELS),
    (LossSampledRegressor, TARGETS),
]


def small(make: Callable[..., Any], strategy: Any = "base", **parameters: Any) -> Any:
    settings = {"hidden_layer_sizes": (8,), "budget": 2, "batch_size": 16, "random_state": 0}
    return make(strategy, **{**settings, **parameters})


def folds_of(model: Any, targets: Targets, data: TrainingData) -> OutOfFoldLosses:
    brief = brief_model(type(model), vars(model).copy())
    return OutOfFoldLosses(targets, data, SEED, batch_size=16, brief=brief)


def class_folds(
    labels: Any, inputs: Any = X, weights: Any = None, **parameters: Any
) -> OutOfFoldLosses:
    classes, codes = np.unique(labels, return_inverse=True)
    n = len(codes)
    data = TrainingData(inputs, codes, weights, np.arange(n), n)
    return folds_of(small(LossSampledClassifier, **parameters), ClassTargets(classes), data)


def target_folds(loss: str = "squared_error") -> OutOfFoldLosses:
    targets = NumberTargets(loss, 1.0, TargetScale(50.0, 20.0))
    data = TrainingData(X, targets.encode(TARGETS), None, np.arange(N), N)
    return folds_of(small(LossSampledRegressor), targets, data)


# ---------------------------------------------------------------------- metadata of fit


@pytest.mark.parametrize("make, y", MAKERS)
def test_metadata_reaches_the_strategy_for_the_rows_trained_on(make: Any, y: Any) -> None:
    weights = np.arange(N) % 4 / 1.0
    model = small(make, Spy(), early_stopping=True, budget=1)
    losses, trusted = np.arange(N) / 7.0, np.arange(N) % 2 == 0
    model.fit(X, y, weights, irreducible_losses=losses, trusted=trusted.tolist())
    rows = np.flatnonzero((weights > 0) & ~model.loss_table_["held_out"])
    assert len(rows) < np.count_nonzero(weights)
    strategy = model.sampling_strategy_
    np.testing.assert_array_equal(strategy.trusted_, trusted[rows])
    assert strategy.trusted_.dtype == bool
    unit = model.target_scale_**2 if make is LossSampledRegressor else 1.0
    np.testing.assert_allclose(strategy.irreducible_, losses[rows] / unit)


def test_a_class_of_weight_zero_takes_its_metadata_along() -> None:
    model = small(LossSampledClassifier, Spy(), class_weight={"a": 1, "b": 0, "c": 1})
    model.fit(X, LABELS, irreducible_losses=np.arange(N))
    np.testing.assert_array_equal(
        model.sampling_strategy_.irreducible_, np.flatnonzero(LABELS != "b")
    )


@pytest.mark.parametrize("make, y", MAKERS)
def test_metadata_is_sliced_by_cross_validation(make: Any, y: Any) -> None:
    losses = pd.Series(np.arange(N) / 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = small(make, Spy()).set_fit_request(irreducible_losses=True, trusted=True)
        result = cross_validate(
            make_pipeline(FunctionTransformer(), model),
            X,
            y,
            cv=3,
            params={"irreducible_losses": losses, "trusted": losses > 3},
            return_estimator=True,
            return_indices=True,
        )
    for fitted, rows in zip(result["estimator"], result["indices"]["train"], strict=True):
        strategy = fitted[-1].sampling_strategy_
        np.testing.assert_array_equal(strategy.trusted_, rows > 3)


BAD_METADATA = [
    ({"irreducible_losses": np.ones(N - 1)}, r"irreducible_losses must have one number per row"),
    ({"irreducible_losses": np.ones((N, 1))}, r"irreducible_losses must have one number per row"),
    ({"irreducible_losses": np.full(N, np.nan)}, "irreducible_losses contains NaN"),
    ({"irreducible_losses": np.full(N, np.inf)}, "irreducible_losses contains infinity"),
    ({"irreducible_losses": ["x"] * N}, "irreducible_losses must be numbers: could not convert"),
    ({"trusted": np.ones(N - 1, bool)}, "trusted must be a mask"),
    ({"trusted": [0, 3, 5]}, "trusted must be a mask"),
    ({"trusted": np.ones(N)}, "trusted must be a mask"),
]


@pytest.mark.parametrize("make, y", MAKERS)
@pytest.mark.parametrize("arguments, match", BAD_METADATA)
def test_bad_metadata_is_named(make: Any, y: Any, arguments: Any, match: str) -> None:
    model = small(make)
    before = vars(model).copy()
    with pytest.raises(ValueError, match=match):
        model.fit(X, y, **arguments)
    assert vars(model) == before


# ---------------------------------------------------------------------- out-of-fold losses


class Memory(ClassifierMixin, BaseEstimator):
    """Is sure of the rows it has seen, and knows nothing of others."""

    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        self.seen_ = set(X[:, 0])
        return self

    def predict_proba(self, X: Any) -> Any:
        assert self.seen_.isdisjoint(X[:, 0])
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_no_row_is_judged_by_a_model_that_has_seen_it() -> None:
    losses = class_folds(LABELS)(Memory(), 7)
    np.testing.assert_allclose(losses, np.log(3))


def test_losses_by_hand() -> None:
    # Six of "a" and three of "b" in three folds: two and one in each, so the others are
    # 2/3 and 1/3 of what the model has seen.
    labels = np.array(["a"] * 6 + ["b"] * 3)
    losses = class_folds(labels, X[:9])(DummyClassifier(), 3)
    np.testing.assert_allclose(losses, -np.log([2 / 3] * 6 + [1 / 3] * 3))


def test_sample_weights_are_passed_on_to_those_who_take_them() -> None:
    labels = np.array(["a"] * 6 + ["b"] * 3)
    weights = np.array([1.0] * 6 + [4.0] * 3)
    folds = class_folds(labels, X[:9], weights)
    np.testing.assert_allclose(folds(DummyClassifier(), 3), -np.log([1 / 3] * 6 + [2 / 3] * 3))
    folds(Memory(), 3)  # its fit takes none


def test_a_label_that_no_other_fold_has() -> None:
    labels = np.array(["a"] * 5 + ["b"] * 5 + ["c"])
    losses = class_folds(labels, X[:11])(LogisticRegression(), 2)
    assert losses[-1] == pytest.approx(np.log(3))
    assert np.isfinite(losses).all()


def test_folds_with_one_class_left() -> None:
    labels = np.array(["a"] * 5 + ["b"])
    losses = class_folds(labels, X[:6])(LogisticRegression(), 3)
    assert losses[-1] == pytest.approx(np.log(2))


def test_impossible_labels_have_a_large_finite_loss() -> None:
    labels = np.array(["a", "b"] * 10)
    inputs = (labels == "a")[:, None] * 1.0
    labels[0] = "b"  # wrong

    class Sure(ClassifierMixin, BaseEstimator):
        def fit(self, X: Any, y: Any) -> Any:
            self.classes_ = np.unique(y)
            return self

        def predict_proba(self, X: Any) -> Any:
            return np.hstack([X, 1 - X])

    losses = class_folds(labels, inputs)(Sure(), 2)
    assert losses[0] == pytest.approx(-np.log(np.finfo(float).tiny))
    assert (losses[1:] == 0).all()


@pytest.mark.parametrize("loss, expected", [("squared_error", 1), ("absolute_error", 1)])
def test_errors_are_of_standardised_targets(loss: str, expected: float) -> None:
    folds = target_folds(loss)
    model = DummyRegressor(strategy="constant", constant=50.0)
    residuals = (TARGETS - 50) / 20
    power = 2 if loss == "squared_error" else 1
    np.testing.assert_allclose(folds(model, 4), np.abs(residuals) ** power)


@pytest.mark.parametrize("sparse", [False, True])
def test_the_estimators_own_kind_by_default(sparse: bool) -> None:
    inputs = sp.csr_array(X) if sparse else X
    folds = class_folds(LABELS, inputs, sampling_percentage=30, strategy="percentile", max_epochs=1)
    losses = folds(None, 3)
    assert losses.shape == (N,)
    assert 0.1 < losses.mean() < 2
    np.testing.assert_array_equal(losses, folds(None, 3))
    assert target_folds()(None, 3).mean() < 2


class Narrow(LossSampledClassifier):
    """A model whose one parameter is not kept, as it should be."""

    def __init__(self, width: int = 4, strategy: Any = "base") -> None:
        settings = {"budget": 1, "batch_size": 16, "random_state": 0}
        super().__init__(strategy, hidden_layer_sizes=(width,), **settings)


class Loose(LossSampledClassifier):
    """A model that leaves its parameters to its base class, unseen by scikit-learn."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class Extra(LossSampledClassifier):
    """A model with a parameter of its own, and with few others that scikit-learn knows of."""

    def __init__(self, extra: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extra = extra


def test_parameters_that_cannot_be_read_are_not_read_without_need() -> None:
    settings = {"hidden_layer_sizes": (4,), "budget": 1}
    expected = small(LossSampledClassifier, **settings).fit(X, LABELS).predict_proba(X)
    for model in (Narrow(), small(Loose, **settings)):
        np.testing.assert_array_equal(model.fit(X, LABELS).predict_proba(X), expected)
    with pytest.raises(AttributeError, match="has no attribute"):
        Narrow(strategy=ReducibleLoss()).fit(X, LABELS)
    # It cannot be told to be brief, and would ask for such models again and again.
    with pytest.raises(ValueError, match="Invalid parameter 'sampling_strategy'"):
        Extra(sampling_strategy=ReducibleLoss(), batch_size=16).fit(X, LABELS)


def test_unset_random_states_are_fixed() -> None:
    model = make_pipeline(FunctionTransformer(), SGDClassifier(loss="log_loss"))
    folds = class_folds(LABELS)
    np.testing.assert_array_equal(folds(model, 3), folds(model, 3))
    assert model[-1].random_state is None


@pytest.mark.parametrize(
    "estimator, cv, match",
    [
        (RidgeClassifier(), 3, "an estimator with predict_proba. Got RidgeClassifier"),
        (LogisticRegression, 3, "need an estimator or None"),
        ("lr", 3, "need an estimator or None. Got 'lr'"),
        (LogisticRegression(), 1, "from 2 folds to .* 90. Got cv=1"),
        (LogisticRegression(), 91, "from 2 folds to .* 90. Got cv=91"),
    ],
)
def test_bad_calls_are_named(estimator: Any, cv: int, match: str) -> None:
    with pytest.raises((InvalidParameterError, ValueError), match=match):
        class_folds(LABELS)(estimator, cv)


@pytest.mark.parametrize("make, y", MAKERS)
def test_the_fits_inside_do_not_move_the_streams_of_the_fit_outside(make: Any, y: Any) -> None:
    # Percentage 1 makes the spy ask for the losses; it trains on everything anyway.
    models = [
        small(make, Spy(p), dropout=0.3, early_stopping=True, random_state=seed)
        for p in (1, 100)
        for seed in (3, np.random.RandomState(3))
    ]
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    predicted = [model.fit(X, y).predict(X) for model in models]
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    np.testing.assert_array_equal(predicted[0], predicted[2])
    np.testing.assert_array_equal(predicted[1], predicted[3])
    assert models[0].sampling_strategy_.losses_.shape == (81,)


@pytest.mark.parametrize("make, y", MAKERS)
def test_reducible_loss_finds_its_irreducible_losses(make: Any, y: Any) -> None:
    strategy = ReducibleLoss(25, cv=2)
    model = small(make, strategy, budget=4).fit(X, y)
    assert model.sampling_strategy_.irreducible_losses_.shape == (N,)
    given = small(make, strategy, budget=4).fit(X, y, irreducible_losses=np.zeros(N))
    assert not given.sampling_strategy_.irreducible_losses_.any()
