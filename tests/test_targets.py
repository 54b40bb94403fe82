"""What a training learns, by numbers worked out by hand; and a third kind of it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import RegressorMixin

from sklearn_sifal import LossSampledRegressor
from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._target_scale import TargetScale
from sklearn_sifal._targets import ClassTargets, NumberTargets, Targets
from sklearn_sifal._training_data import RowMetadata, TrainingData

LABELS = np.array(["b", "a", "c", "a"])


def data(y: Any, weights: Any = None) -> TrainingData:
    y = np.asarray(y)
    return TrainingData(np.zeros((len(y), 1)), y, weights, None, len(y))


class TestClasses:
    targets = ClassTargets(np.array(["a", "b", "c"]))

    def test_codes_and_labels(self) -> None:
        codes = self.targets.encode(LABELS)
        assert codes.tolist() == [1, 0, 2, 0]
        assert codes.dtype == np.int64
        assert self.targets.decode(codes).tolist() == LABELS.tolist()
        with pytest.raises(ValueError, match="y_val contains labels that were not"):
            self.targets.encode(np.array(["d"]), "y_val")

    def test_what_the_net_is_told(self) -> None:
        assert (self.targets.n_outputs, self.targets.n_classes) == (3, 3)
        assert self.targets.loss == ("cross_entropy",)
        assert self.targets.loss_unit is None
        assert self.targets.largest_output == math.inf
        assert self.targets.criterion()["criterion__reduction"] == "none"

    def test_losses_are_cross_entropies(self) -> None:
        outputs = np.log(np.array([[0.2, 0.3, 0.5], [0.7, 0.2, 0.1]])) + 5.0  # a shift is no matter
        losses = self.targets.losses(outputs, np.array([2, 1]))
        np.testing.assert_allclose(losses, [-math.log(0.5), -math.log(0.2)])

    def test_the_score_is_the_weighted_accuracy(self) -> None:
        outputs = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
        y = np.array([0, 1, 1])
        assert self.targets.score(outputs, y, None) == pytest.approx(2 / 3)
        assert self.targets.score(outputs, y, np.array([1.0, 1, 2])) == pytest.approx(1 / 2)

    def test_weights_of_classes(self) -> None:
        weighted = ClassTargets(self.targets.classes, {"a": 3.0, "b": 0.0})
        prepared = weighted.prepared(data(LABELS, np.array([1.0, 2, 5, 4])))
        assert prepared.rows is not None
        assert prepared.rows.tolist() == [1, 2, 3]  # a class of weight zero is left out
        assert prepared.y.tolist() == [0, 2, 0]
        assert prepared.weights is not None
        np.testing.assert_allclose(prepared.weights / prepared.weights[1], [6 / 5, 1, 12 / 5])

    def test_validation_rows_have_their_own_weights(self) -> None:
        weighted = ClassTargets(self.targets.classes, {"a": 3.0})
        validated = weighted.validated_with(data(LABELS))
        assert validated.y.tolist() == [1, 0, 2, 0]
        assert validated.weights is None


class TestNumbers:
    targets = NumberTargets("squared_error", 1.0, TargetScale(10.0, 2.0))

    def test_standard_deviations_and_units(self) -> None:
        y = np.array([10.0, 14.0, 9.0])
        assert self.targets.encode(y).tolist() == [0.0, 2.0, -0.5]
        assert self.targets.decode(self.targets.encode(y)).tolist() == y.tolist()

    @pytest.mark.parametrize(
        "loss, delta, expected",
        [
            ("squared_error", 1.0, [0.25 * 4, 9 * 4]),
            ("absolute_error", 1.0, [0.5 * 2, 3 * 2]),
            ("huber", 2.0, [0.125 * 4, 2 * (3 - 1) * 4]),
        ],
    )
    def test_losses_in_the_units_of_y(self, loss: str, delta: float, expected: Any) -> None:
        targets = NumberTargets(loss, delta, self.targets.scale)
        losses = targets.losses(np.array([[0.5], [1.0]]), np.array([1.0, 4.0]))
        np.testing.assert_allclose(losses, expected)
        assert losses.dtype == np.float64
        assert targets.loss == (loss, delta)

    def test_learnt_from_weighted_rows(self) -> None:
        learnt = NumberTargets("huber", 1.0).learnt_from(data([0.0, 3.0], np.array([2.0, 1.0])))
        assert learnt.scale.mean == pytest.approx(1.0)
        assert learnt.scale.spread == pytest.approx(math.sqrt(2))
        assert learnt.attributes() == {
            "target_mean_": learnt.scale.mean,
            "target_scale_": learnt.scale.spread,
            "_loss": ("huber", 1.0),
        }

    def test_given_losses_and_published_ones(self) -> None:
        given = RowMetadata(irreducible_losses=np.array([4.0, 8.0]))
        seen = self.targets.in_units_of_the_table(given).irreducible_losses
        assert seen is not None
        assert seen.tolist() == [1.0, 2.0]
        assert self.targets.published_losses(seen.astype(np.float32)).tolist() == [4.0, 8.0]
        history = self.targets.published_history([{"train_loss": 2.0, "lr": 0.1}])
        assert history == [{"train_loss": 8.0, "lr": 0.1}]

    def test_one_row_is_too_few_to_validate_with(self) -> None:
        with pytest.raises(ValueError, match="at least 2 rows"):
            self.targets.validated_with(data([1.0]))


@dataclass(frozen=True, eq=False)
class LogTargets(NumberTargets):
    """Positive numbers, of which the net learns the logarithm."""

    score_name = "valid_log_r2"

    def learnt_from(self, data: TrainingData) -> "LogTargets":
        logs = TrainingData(data.X, np.log(data.y), data.weights, data.rows, data.n_given)
        learnt = super().learnt_from(logs)
        assert isinstance(learnt, LogTargets)
        return learnt

    def encode(self, y: np.ndarray, name: str = "y") -> np.ndarray:
        return super().encode(np.log(y), name)

    def decode(self, y: np.ndarray) -> np.ndarray:
        return np.exp(super().decode(y))


class LogRegressor(RegressorMixin, LossSampledEstimator):
    """A third kind of target is another class of them, and an estimator that makes it."""

    _kind = LogTargets

    def __init__(self, **parameters: Any) -> None:
        for name, value in LossSampledRegressor(**parameters).get_params(deep=False).items():
            setattr(self, name, value)

    @property
    def _targets(self) -> Targets:
        return LogTargets(*self._loss, TargetScale(self.target_mean_, self.target_scale_))

    def _targets_of_fit(self, y: Any, *, goes_on: bool) -> Targets:
        return LogTargets("squared_error", 1.0)

    def predict(self, X: Any) -> Any:
        return self._targets.decode(self._outputs(X)[:, 0])


class PlainSquares(torch.nn.Module):
    """A criterion that says nothing of its gradient."""

    def forward(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (outputs.squeeze(1) - y) ** 2


class PlainTargets(NumberTargets):
    def criterion(self) -> dict[str, Any]:
        return {"criterion": PlainSquares}


class PlainRegressor(LogRegressor):
    _kind = PlainTargets

    @property
    def _targets(self) -> Targets:
        return PlainTargets(*self._loss, TargetScale(self.target_mean_, self.target_scale_))

    def _targets_of_fit(self, y: Any, *, goes_on: bool) -> Targets:
        return PlainTargets("squared_error", 1.0)


def test_a_criterion_without_a_closed_form_is_left_to_autograd() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = X @ [1.0, -2.0, 0.5, 0.0]
    plain = PlainRegressor(budget=5, random_state=0).fit(X, y)
    ours = LossSampledRegressor(budget=5, random_state=0).fit(X, y)
    np.testing.assert_allclose(plain.predict(X), ours.predict(X), rtol=1e-6, atol=1e-8)


def test_a_third_kind_of_target_is_another_class() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    y = np.exp(3 * X[:, 0] + 5)
    model = LogRegressor(early_stopping=True, random_state=0).fit(X, y)
    assert "valid_log_r2" in model.history_[-1]
    assert np.corrcoef(np.log(model.predict(X)), np.log(y))[0, 1] > 0.99
    assert model.target_mean_ == pytest.approx(np.log(y).mean(), abs=0.5)
    losses = model.instance_losses(X, y)
    residuals = np.log(y) - np.log(model.predict(X))
    np.testing.assert_allclose(losses, residuals**2, rtol=1e-3, atol=1e-6)
    assert losses.mean() < 0.1 * np.log(y).var()
