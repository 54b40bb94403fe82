"""The regressor: units, losses, validation, records and what it refuses."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from skorch.callbacks import Callback

from sklearn_sifal import LossSampledRegressor
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies import SamplingStrategy

RNG = np.random.default_rng(0)
X = RNG.poisson(0.8, (120, 10)).astype(np.float64)
Y = X @ RNG.normal(size=10) + 0.5 * X[:, 0] * X[:, 1] + 0.1 * RNG.normal(size=120)
LOSSES = ["squared_error", "absolute_error", "huber"]
# Of a loss, when y is given in another unit.
POWER = {"squared_error": 2, "absolute_error": 1, "huber": 2}


def small(sampling_strategy: Any = "importance", **parameters: Any) -> LossSampledRegressor:
    settings = {"hidden_layer_sizes": (8,), "budget": 6, "batch_size": 16, "random_state": 0}
    return LossSampledRegressor(sampling_strategy, **{**settings, **parameters})


@pytest.mark.parametrize("loss", LOSSES)
def test_the_unit_of_y_does_not_matter(loss: str) -> None:
    # A power of two and a shift without rounding: the standardised targets are the same.
    y = np.round(Y * 2**20) / 2**20
    model = small(loss=loss, record="history").fit(X, y)
    other = small(loss=loss, record="history").fit(X, 1024 * y)
    np.testing.assert_allclose(other.predict(X), 1024 * model.predict(X), rtol=1e-9, atol=1e-6)
    factor = 1024.0 ** POWER[loss]
    for name in ("loss", "mean_loss", "loss_variability"):
        np.testing.assert_allclose(
            other.loss_table_[name], factor * model.loss_table_[name], rtol=1e-5
        )
    np.testing.assert_allclose(other.loss_curve_, factor * np.array(model.loss_curve_), rtol=1e-6)
    np.testing.assert_allclose(other.loss_history_, factor * model.loss_history_, rtol=1e-5)
    for one, two in zip(model.selections_, other.selections_, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("loss", LOSSES)
def test_instance_losses_are_in_the_units_of_y(loss: str) -> None:
    model = small(loss=loss, huber_delta=0.3).fit(X, 100 + 7 * Y)
    residuals = np.abs(100 + 7 * Y - model.predict(X))
    d = 0.3 * model.target_scale_
    expected = {
        "squared_error": residuals**2,
        "absolute_error": residuals,
        "huber": np.where(residuals < d, residuals**2 / 2, d * (residuals - d / 2)),
    }
    np.testing.assert_allclose(model.instance_losses(X, 100 + 7 * Y), expected[loss], rtol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fresh_losses_of_the_table_are_instance_losses(loss: str, dtype: Any) -> None:
    y = 5 * Y - 30
    model = small(loss=loss, early_stopping=True, validation_fraction=0.25)
    table = model.fit(X.astype(dtype), y).loss_table_
    held_out = table["held_out"]
    assert held_out.sum() == 30
    assert table["fresh"][held_out].all()
    fresh = model.instance_losses(X.astype(dtype)[held_out], y[held_out])
    np.testing.assert_allclose(table["loss"][held_out], fresh, rtol=1e-3, atol=1e-4)


def test_history_and_loss_curve_are_in_the_units_of_y() -> None:
    model = small("base", early_stopping=True, validation_fraction=0.25, n_iter_no_change=50)
    model.fit(X, 1000 * Y)
    # In the first round the net still says little but the mean, or something as bad.
    assert 0.5 < model.history_[0]["train_loss"] / (1000 * Y).var() < 3
    assert model.loss_curve_[0] == model.history_[0]["train_loss"]
    held_out = model.loss_table_["held_out"]
    best = max(model.history_, key=lambda record: record["valid_r2"])
    assert best["valid_loss"] == pytest.approx(model.loss_table_["loss"][held_out].mean())


def test_a_narrow_history_holds_losses_of_any_unit() -> None:
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) * 1e6
    model = LossSampledRegressor(record="history", budget=2, random_state=0)
    wide = model.fit(X, y).loss_history_
    narrow = model.set_params(history_dtype="float16").fit(X, y).loss_history_
    assert narrow.dtype == np.float64
    assert narrow.max() > 1e10  # squares of y, far beyond the range of float16
    np.testing.assert_allclose(narrow, wide, rtol=1e-3)


def test_early_stopping_goes_by_r2_and_keeps_the_best_weights() -> None:
    weights = RNG.integers(1, 4, len(Y)).astype(float)
    model = small(early_stopping=True, validation_fraction=0.25, budget=20)
    model.fit(X, Y, sample_weight=weights)
    held = model.loss_table_["held_out"]
    expected = r2_score(Y[held], model.predict(X[held]), sample_weight=weights[held])
    assert max(model.validation_scores_) == pytest.approx(expected)
    assert [r["valid_r2"] for r in model.history_ if "valid_r2" in r] == model.validation_scores_
    assert not any("valid_acc" in record for record in model.history_)


def test_the_scale_is_that_of_the_rows_trained_on() -> None:
    weights = RNG.integers(0, 3, len(Y)).astype(float)
    model = small(early_stopping=True).fit(X, Y, sample_weight=weights)
    trained = ~model.loss_table_["held_out"] & (weights > 0)
    mean = np.average(Y[trained], weights=weights[trained])
    assert model.target_mean_ == pytest.approx(mean)
    variance = np.average((Y[trained] - mean) ** 2, weights=weights[trained])
    assert model.target_scale_ == pytest.approx(variance**0.5)


def test_given_validation_data() -> None:
    model = small(budget=3).fit(X[:90], Y[:90], X_val=X[90:], y_val=Y[90:])
    assert model.validation_scores_[-1] == pytest.approx(model.score(X[90:], Y[90:]))
    assert not model.loss_table_["held_out"].any()


def test_constant_targets_are_learnt() -> None:
    model = small(budget=200).fit(X, np.full(len(X), 1e6 + 0.1))
    assert model.target_scale_ == 1.0
    np.testing.assert_allclose(model.predict(X), 1e6 + 0.1, atol=0.3)


def test_a_large_offset_is_kept_in_float32() -> None:
    model = small(budget=60, lr=0.01).fit(X.astype(np.float32), 1e9 + Y)
    assert model.predict(X[:3]).dtype == np.float64
    assert model.score(X, 1e9 + Y) > 0.8


@pytest.mark.parametrize("loss", LOSSES)
def test_it_learns(loss: str) -> None:
    assert small(loss=loss, budget=60, lr=0.01).fit(X, Y).score(X, Y) > 0.9


def test_huber_and_absolute_error_are_less_drawn_to_outliers() -> None:
    y = Y.copy()
    y[::10] += 100
    scores = {
        loss: small("base", loss=loss, huber_delta=0.1, budget=100, lr=0.01)
        .fit(X, y)
        .score(X[1::2], Y[1::2])
        for loss in LOSSES
    }
    assert min(scores["absolute_error"], scores["huber"]) > scores["squared_error"] + 0.2


def test_sparse_and_dense() -> None:
    on_dense = small().fit(X, Y)
    on_sparse = small().fit(sp.csr_array(X), Y)
    for model in (on_dense, on_sparse):
        np.testing.assert_allclose(model.predict(X), model.predict(sp.csr_array(X)), atol=1e-9)
    assert on_sparse.net_.sparse_input


def test_dynamics_are_of_the_loss_alone() -> None:
    model = small("base", record="history", budget=3, shuffle=False).fit(X, Y)
    names = model.loss_table_.dtype.names
    assert names[-2:] == ("mean_loss", "loss_variability")
    assert {"confidence", "margin", "correctness", "forgotten"}.isdisjoint(names)
    np.testing.assert_allclose(
        model.loss_table_["mean_loss"], model.loss_history_.mean(axis=0), rtol=1e-5
    )
    np.testing.assert_allclose(
        model.loss_table_["loss_variability"], model.loss_history_.std(axis=0), rtol=1e-3, atol=1e-3
    )


def test_partial_fit_keeps_the_scale_of_the_first_chunk() -> None:
    model = small(record="dynamics")
    model.partial_fit(X[:60], Y[:60], sample_ids=np.arange(60))
    scale = model.target_mean_, model.target_scale_
    assert scale == (pytest.approx(Y[:60].mean()), pytest.approx(Y[:60].std()))
    model.partial_fit(X[40:], Y[40:] + 100, sample_ids=np.arange(40, 120))
    assert (model.target_mean_, model.target_scale_) == scale
    assert model.visit_counts_.tolist() == [1] * 40 + [2] * 20 + [1] * 60
    assert np.isfinite(model.loss_table_["mean_loss"]).all()


def test_partial_fit_after_fit_keeps_scale_and_loss() -> None:
    model = small(loss="absolute_error").fit(X, Y)
    losses = model.instance_losses(X, Y)
    model.set_params(loss="squared_error")
    np.testing.assert_array_equal(model.instance_losses(X, Y), losses)  # of the fitted net
    model.partial_fit(X, Y)
    assert model.loss_table_["loss"].mean() == pytest.approx(losses.mean(), rel=0.5)


def test_warm_start_keeps_the_scale_and_a_table_of_one_loss() -> None:
    model = small(warm_start=True, budget=2).fit(X, Y)
    scale, rounds = model.target_scale_, model.n_iter_
    model.fit(X, Y * 2)
    assert model.target_scale_ == scale
    assert model.n_iter_ > rounds
    assert len(model.loss_curve_) == model.n_iter_
    model.set_params(loss="huber").fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_) < 2 * rounds + 1  # begun anew


def test_copies_and_pickles_predict_the_same() -> None:
    model = small(loss="huber").fit(X, Y)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
    assert clone(model).get_params() == model.get_params()


def test_the_same_seed_gives_the_same_bits() -> None:
    first, second = (small(early_stopping=True, dropout=0.2).fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    np.testing.assert_array_equal(first.loss_table_, second.loss_table_)


def test_grid_search_over_a_pipeline() -> None:
    search = GridSearchCV(
        make_pipeline(MaxAbsScaler(), small()),
        {"losssampledregressor__loss": LOSSES},
        cv=2,
    )
    assert search.fit(X, Y).best_score_ < 1


def test_sample_weights_are_routed() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(small().set_fit_request(sample_weight=True))
        weighted = model.fit(X, Y, sample_weight=np.r_[np.zeros(60), np.ones(60)]).predict(X)
    np.testing.assert_array_equal(weighted, small().fit(X[60:], Y[60:]).predict(X))


class _Predicts(Callback):
    def on_epoch_end(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        self.predicted_ = net.predict(dataset_train)


def test_a_skorch_callback_gets_standardised_predictions() -> None:
    model = small("base", budget=2, callbacks=[_Predicts()]).fit(X, Y)
    predicted = model.net_.callbacks[0].predicted_
    np.testing.assert_allclose(
        np.ravel(predicted) * model.target_scale_ + model.target_mean_, model.predict(X)
    )


def bad(value: float) -> Any:
    y = Y.copy()
    y[3] = value
    return y


REFUSED = [
    (Y[:-1], {}, "inconsistent numbers of samples"),
    (bad(np.nan), {}, "Input y contains NaN"),
    (bad(np.inf), {}, "Input y contains infinity"),
    (None, {}, "requires y to be passed"),
    (Y.astype(str).astype("U3") + "a", {}, "y must have numbers.*LossSampledClassifier"),
    (Y + 1j, {}, "Complex data not supported"),
    (np.stack([Y, Y], axis=1), {}, "1d array"),
    (Y, {"X_val": X, "y_val": bad(np.nan)}, "Input y_val contains NaN"),
    (Y, {"X_val": X[:1], "y_val": Y[:1]}, "Validation needs at least 2 rows"),
    (Y * 1e200, {}, "standard deviation"),
]


@pytest.mark.parametrize("y, arguments, match", REFUSED)
def test_bad_targets_are_named(y: Any, arguments: Any, match: str) -> None:
    for warm_start in (False, True):
        model = small(warm_start=warm_start)
        if warm_start and match == "standard deviation":
            continue  # the scale of the first fit is kept
        before = vars(model.fit(X, Y) if warm_start else model).copy()
        with pytest.raises(ValueError, match=match):
            model.fit(X, y, **arguments)
        assert vars(model) == before


def test_too_few_rows_to_validate_by_r2() -> None:
    with pytest.raises(ValueError, match="Validation needs at least 2 rows"):
        small(early_stopping=True).fit(X[:9], Y[:9])


@pytest.mark.parametrize(
    "parameters, match",
    [
        ({"loss": "cross_entropy"}, "'loss' parameter"),
        ({"huber_delta": 0}, "'huber_delta' parameter"),
        ({"huber_delta": "1"}, "'huber_delta' parameter"),
    ],
)
def test_bad_parameters_are_named(parameters: Any, match: str) -> None:
    with pytest.raises(InvalidParameterError, match=match):
        small(**parameters).fit(X, Y)


class GoesByClasses(SamplingStrategy):
    """A rule that needs to know which rows are right."""

    measures = ("loss", "correct")


class AsksLate(SamplingStrategy):
    """A rule that only asks when it scores."""

    def _choose(self, active: Any, table: Any, context: Any) -> Any:
        context.score(active, ("margin",))
        return super()._choose(active, table, context)


def test_measures_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="GoesByClasses goes by the measure 'correct'"):
        small(GoesByClasses()).fit(X, Y)
    with pytest.raises(ValueError, match="AsksLate needs the measure 'margin', which exists"):
        small(AsksLate()).fit(X, Y)


def test_raw_text_names_the_regressor() -> None:
    with pytest.raises(ValueError, match=r"X is raw text.*LossSampledRegressor\(\)"):
        small().fit(["a text"] * 3, [1.0, 2.0, 3.0])
