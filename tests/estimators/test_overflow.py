"""Numbers that are too large: a net that would give NaN, targets, inputs to predict for."""

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.datasets import load_digits

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal._target_scale import r_squared
from sklearn_sifal.neural import _overflow
from sklearn_sifal.neural._overflow import first_overflow

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5)).astype(np.float32)
Y = np.arange(60) % 3
T = X @ np.arange(5.0)


def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    X = ((X - X.mean(0)) / (X.std(0) + 1)).astype(np.float32)
    return X[:400], y[:400]


def small(make: Any = LossSampledClassifier, **parameters: Any) -> Any:
    return make(**{"budget": 2, "hidden_layer_sizes": (4,), "random_state": 0, **parameters})


class TestTraining:
    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    def test_a_last_step_too_long_is_refused(self, container: Any) -> None:
        X, y = digits()
        model = LossSampledClassifier(
            "base",
            budget=1,
            lr=100.0,
            optimizer=torch.optim.SGD,
            hidden_layer_sizes=(100, 100),
            random_state=0,
        )
        if container is np.asarray:
            with pytest.raises(NonFiniteLossError, match=r"outputs for row \d+ .*lr=100"):
                model.fit(container(X), y)
            assert not hasattr(model, "net_")
        else:
            try:
                model.fit(container(X), y)
            except NonFiniteLossError:
                return
            assert np.isfinite(model.predict_proba(container(X))).all()

    @pytest.mark.parametrize("lr", [1e2, 1e4, 1e20, 1e37])
    @pytest.mark.parametrize("hidden", [(), (20, 20)])
    @pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
    @pytest.mark.parametrize("make", [LossSampledClassifier, LossSampledRegressor])
    @pytest.mark.parametrize("optimizer", ["auto", torch.optim.SGD])
    def test_a_fit_is_finite_or_refused(
        self, make: Any, hidden: Any, activation: str, lr: float, optimizer: Any
    ) -> None:
        classifies = make is LossSampledClassifier
        y = Y if classifies else T
        model = small(
            make, lr=lr, hidden_layer_sizes=hidden, activation=activation, optimizer=optimizer
        )
        try:
            model.fit(X, y)
        except NonFiniteLossError:
            assert not hasattr(model, "net_")
            return
        outputs = model.predict_proba(X) if classifies else model.predict(X)
        assert np.isfinite(outputs).all()
        assert np.isfinite(model.instance_losses(X, y)).all()

    def test_no_pass_over_the_rows_where_the_weights_tell(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []

        def look(outputs: Any, largest: float) -> int | None:
            asked.append(len(outputs))
            return first_overflow(outputs, largest)

        monkeypatch.setattr(_overflow, "first_overflow", look)
        small().fit(X, Y)
        assert asked == []
        wide = X.copy()
        wide[:, 0] *= 1e18  # may overflow, but does not
        small().fit(wide, Y, sample_weight=np.r_[0.0, np.ones(59)])
        assert asked == [59]

    def test_the_rate_is_not_blamed_before_a_step(self) -> None:
        with pytest.raises(NonFiniteLossError, match="before its first step") as caught:
            small().fit(np.full((60, 5), 3e38, np.float32) * np.sign(X), Y)
        assert "lr" not in str(caught.value)

    def test_validation_rows_that_overflow_are_named(self) -> None:
        X_val = X.copy()
        X_val[7] = 3e38
        for make, y in ((LossSampledClassifier, Y), (LossSampledRegressor, T)):
            with pytest.raises(NonFiniteLossError, match="validation row 7"):
                small(make, early_stopping=True).fit(X, y, X_val=X_val, y_val=y)


class TestFirstOverflow:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38, -3e38])
    def test_names_the_first_row(self, bad: float) -> None:
        outputs = np.zeros((4, 2), np.float32)
        outputs[2:, 1] = bad
        assert first_overflow(outputs, np.inf) == 2

    def test_limits(self) -> None:
        outputs = np.array([[1e38], [-1e38]], np.float32)
        assert first_overflow(outputs, np.inf) is None
        assert first_overflow(outputs, 1e37) == 0
        assert first_overflow(outputs[:0], np.inf) is None


class TestPrediction:
    @pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
    def test_of_a_classifier(self, method: str) -> None:
        model = small().fit(X, Y)
        far = X.copy()
        far[5] = 3e38
        with pytest.raises(ValueError, match="outputs for row 5 are too large for float32"):
            getattr(model, method)(far)

    @pytest.mark.parametrize("make, y", [(LossSampledClassifier, Y), (LossSampledRegressor, T)])
    def test_losses_and_scores(self, make: Any, y: np.ndarray) -> None:
        model = small(make, record="history").fit(X, y)
        far = X.copy()
        far[[5, 9]] = -3e38
        for method in (model.instance_losses, model.score):
            with pytest.raises(ValueError, match="row 5"):
                method(far, y)
        with pytest.raises(ValueError, match="row 5"):
            list(model.staged_instance_losses(far, y))

    def test_of_a_regressor_in_the_units_of_y(self) -> None:
        model = small(LossSampledRegressor).fit(X.astype(np.float64), T * 1e100)
        far = X.astype(np.float64)
        far[3] *= 1e250  # fine for the net; times 1e100 it is not
        with pytest.raises(ValueError, match="row 3"):
            model.predict(far)


class TestRates:
    @pytest.mark.parametrize("lr", [1e38, 1e39, 1e300])
    @pytest.mark.parametrize("rule", ["Adam", "AdamW", "SGD", "RMSprop", "Adagrad"])
    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    def test_steps_that_are_no_numbers(self, lr: float, rule: str, container: Any) -> None:
        model = small(lr=lr, optimizer=getattr(torch.optim, rule))
        with pytest.raises(NonFiniteLossError, match="smaller lr"):
            model.fit(container(X), Y)


class TestTargets:
    def test_a_score_that_no_single_holds(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y = np.array([0.0, 1e-30], np.float32)
            # 1 - (1e30)² / (2 (0.5e-30)²)
            far = np.array([0.0, 1e30], np.float32)
            assert r_squared(y, far, None) == pytest.approx(-2e120, rel=1e-6)

    @pytest.mark.parametrize("factor", [1e150, 1e-150, 1e200])
    def test_a_unit_whose_losses_are_no_numbers(self, factor: float) -> None:
        with pytest.raises(ValueError, match=r"The targets y lie between .*Scale y"):
            small(LossSampledRegressor).fit(X, T * factor)

    def test_the_largest_doubles(self) -> None:
        y = np.where(T > 0, 1.7e308, -1.7e308)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ValueError, match="The targets y lie between"):
                small(LossSampledRegressor).fit(X, y)
            same = small(LossSampledRegressor).fit(X, np.full(60, 1.7e308))
            assert np.isfinite(same.predict(X)).all()
            assert same.score(X, np.full(60, 1.7e308)) >= 0.0

    @pytest.mark.parametrize("factor", [1e-130, 1e130])
    def test_units_that_do_change_nothing(self, factor: float) -> None:
        plain, other = (small(LossSampledRegressor, budget=20) for _ in range(2))
        plain.fit(X, T)
        other.fit(X, T * factor)
        assert other.score(X, T * factor) == pytest.approx(plain.score(X, T), abs=1e-4)
        assert np.isfinite(other.loss_table_["loss"]).all()
        assert (other.loss_table_["loss"] > 0).all()

    def test_a_validation_target_out_of_reach(self) -> None:
        y_val = T.copy()
        y_val[4] = 1e60
        with pytest.raises(ValueError, match=r"y_val has a target .* in row 4"):
            small(LossSampledRegressor).fit(X, T, X_val=X, y_val=y_val)

    def test_validation_inputs_out_of_reach(self) -> None:
        X_val = X.astype(np.float64)
        X_val[4] = 1e60
        with pytest.raises(ValueError, match="Input X_val contains a value too large for float32"):
            small(LossSampledRegressor).fit(X, T, X_val=X_val, y_val=T)

    def test_a_later_chunk_out_of_reach(self) -> None:
        model = small(LossSampledRegressor).partial_fit(X, T)
        with pytest.raises(ValueError, match=r"y has a target .* in row 0"):
            model.partial_fit(X, np.full(60, 1e300))

    def test_a_loss_of_given_targets_out_of_reach(self) -> None:
        model = small(LossSampledRegressor).fit(X, T)
        with pytest.raises(ValueError, match=r"The loss of row 2 .* y is 1e\+300"):
            model.instance_losses(X, np.r_[T[:2], 1e300, T[3:]])

    def test_score_of_huge_targets(self) -> None:
        model = small(LossSampledRegressor).fit(X, T)
        # Predictions are nothing beside these: R² is 1 - (sum y²) / (sum (y - mean)²).
        y = np.where(np.arange(60) % 3, 1e200, -1e200)
        assert model.score(X, y) == pytest.approx(1 - 60 / (60 * (1 - 1 / 9)))
