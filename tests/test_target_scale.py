"""The scale of the targets of a regression, and the losses of their residuals."""

from typing import Any

import numpy as np
import pytest
import torch

from sklearn_sifal._regression_loss import RegressionLoss
from sklearn_sifal._target_scale import REGRESSION_LOSSES, residual_losses, scale_of


def test_weighted_mean_and_standard_deviation() -> None:
    # Values 1, 1, 1, 5: mean 2, squared deviations 1, 1, 1, 9, mean 3.
    scale = scale_of(np.array([1.0, 5.0]), np.array([3.0, 1.0]))
    assert scale.mean == 2.0
    assert scale.spread == pytest.approx(3**0.5)
    np.testing.assert_allclose(scale.standardise(np.array([5.0])), [3 / 3**0.5])
    np.testing.assert_allclose(scale.restore(np.array([3 / 3**0.5], np.float32)), [5.0])


def test_equal_targets_have_spread_one_and_are_met_exactly() -> None:
    y = np.full(7, 0.1)  # the rounded mean of seven times 0.1 is not 0.1
    scale = scale_of(y, np.arange(1.0, 8.0))
    assert (scale.mean, scale.spread) == (0.1, 1.0)


@pytest.mark.parametrize("factor", [1e-100, 1.0, 1e100])
@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_any_unit(factor: float, offset: float) -> None:
    y = (offset + np.array([0.0, 2.0])) * factor
    scale = scale_of(y, np.array([1e300, 1e300]))
    np.testing.assert_allclose(scale.standardise(y), [-1, 1], rtol=1e-6)


@pytest.mark.parametrize("spread", [1e-200, 1e200])
def test_a_spread_that_cannot_be_squared_is_refused(spread: float) -> None:
    with pytest.raises(ValueError, match=r"standard deviation of .*Scale y"):
        scale_of(np.array([0.0, spread]), None)


# |r| = 0.5 and 3 with d = 2: 0.25/2 and 2 (3 - 1).
EXPECTED = {"squared_error": [0.25, 9.0], "absolute_error": [0.5, 3.0], "huber": [0.125, 4.0]}


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_losses_by_hand_in_numpy_and_torch(loss: str) -> None:
    residuals = np.array([-0.5, 3.0])
    np.testing.assert_allclose(residual_losses(residuals, loss, 2.0), EXPECTED[loss])
    outputs = torch.from_numpy(-residuals).unsqueeze(1)
    losses = RegressionLoss(loss, 2.0)(outputs, torch.zeros(2))
    np.testing.assert_allclose(losses.numpy(), EXPECTED[loss])


@pytest.mark.parametrize(
    "loss, expected",
    [
        ("squared_error", [-1.0, 6.0]),
        ("absolute_error", [-1.0, 1.0]),
        ("huber", [-0.5, 2.0]),  # r up to d, then d
    ],
)
def test_gradients(loss: str, expected: Any) -> None:
    outputs = torch.tensor([[-0.5], [3.0]], requires_grad=True)
    RegressionLoss(loss, 2.0)(outputs, torch.zeros(2)).sum().backward()
    assert outputs.grad is not None
    np.testing.assert_allclose(outputs.grad[:, 0].numpy(), expected)
