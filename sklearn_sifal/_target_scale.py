"""The targets of a regression: their scale, and the loss of a prediction."""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import r2_score

#: Losses of a regression by name.
REGRESSION_LOSSES = ("squared_error", "absolute_error", "huber")

# Losses of standardised targets, which are kept in float32, times the square of these are
# numbers of double precision, neither infinite nor rounded to zero.
_LEAST_SPREAD, _LARGEST_SPREAD = 1e-134, 1e134
# Power of two by which a float32 can be scaled down so that its square does not vanish.
_SCALE_OF_SINGLES = 40


@dataclass(frozen=True)
class TargetScale:
    """Where targets lie and how far they spread: the net learns ``(y - mean) / spread``.

    Attributes
    ----------
    mean : float
        Weighted mean of the targets trained on.
    spread : float
        Their weighted standard deviation; 1 if they are all the same.
    """

    mean: float
    spread: float

    def standardise(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the units of y to standard deviations from the mean; infinite if too many."""
        with np.errstate(over="ignore"):
            standardised: NDArray[np.float64] = (y - self.mean) / self.spread
        return standardised

    def restore(self, standardised: NDArray[Any]) -> NDArray[np.float64]:
        """From standard deviations to the units of y, as float64."""
        y: NDArray[np.float64] = standardised.astype(np.float64) * self.spread + self.mean
        return y

    @property
    def largest_output(self) -> float:
        """Outputs up to this size are numbers of double precision in the units of y."""
        return (sys.float_info.max - abs(self.mean)) / self.spread

    def unit_of(self, loss: str) -> float:
        """What a loss of 1 of standardised targets is in the units of y."""
        return self.spread if loss == "absolute_error" else self.spread**2


def scale_of(y: NDArray[np.float64], weights: NDArray[np.float64] | None) -> TargetScale:
    """Weighted mean and standard deviation of targets.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float64
        Finite targets.
    weights : ndarray of shape (n_samples,), float64, or None
        Positive weights; None for ones.

    Raises
    ------
    ValueError
        If the standard deviation, which the losses go with the square of, is too large or too
        small.
    """
    if y.min() == y.max():  # their rounded mean would differ from them
        return TargetScale(float(y[0]), 1.0)
    mean, spread = _mean_and_spread(y, weights)
    if _LEAST_SPREAD <= spread <= _LARGEST_SPREAD:
        return TargetScale(mean, spread)
    if weights is not None and _mean_and_spread(y, None)[1] >= _LEAST_SPREAD >= spread:
        raise ValueError(
            "With these sample weights the targets y have a standard deviation of "
            f"{spread:g}: one weight is all that counts. Bring sample_weight closer together."
        )
    raise ValueError(
        f"The targets y lie between {y.min():g} and {y.max():g} and have a standard deviation of "
        f"{spread:g}. It must be from {_LEAST_SPREAD:g} to {_LARGEST_SPREAD:g}, since losses go "
        "with its square. Scale y."
    )


def _mean_and_spread(
    y: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> tuple[float, float]:
    if weights is not None:
        weights = weights / weights.max()
    # Relative to the largest, since sums and squares of huge numbers would overflow.
    largest = np.abs(y).max()
    mean = float(largest * np.average(y / largest, weights=weights))
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the largest double
        widest = np.abs(y - mean).max()
        shares = (y - mean) / widest
    if not np.isfinite(widest):
        return mean, float("inf")
    return mean, float(widest * np.sqrt(np.average(shares**2, weights=weights)))


def residual_losses(residuals: NDArray[Any], loss: str, huber_delta: float) -> NDArray[Any]:
    """Loss of each residual of standardised targets, as the net computes it.

    Parameters
    ----------
    residuals : ndarray of shape (n_samples,)
        Standardised target minus output.
    loss : {'squared_error', 'absolute_error', 'huber'}
        r², the size of r, or Huber's: r²/2 up to `huber_delta`, linear beyond.
    huber_delta : float
        In standard deviations of the targets.
    """
    sizes: NDArray[Any] = np.abs(residuals)
    if loss == "absolute_error":
        return sizes
    if loss == "squared_error":
        squares: NDArray[Any] = sizes**2
        return squares
    clipped = np.minimum(sizes, huber_delta)
    losses: NDArray[Any] = clipped * (sizes - clipped / 2)
    return losses


def r_squared(
    y: NDArray[Any], predicted: NDArray[Any], weights: NDArray[np.float64] | None
) -> float:
    """R² of targets of any size, whose squares might overflow.

    Both are multiplied by a power of two, which changes no digit.
    """
    scale = -int(np.frexp(max(np.abs(y).max(), np.abs(predicted).max()))[1])
    if abs(scale) > _SCALE_OF_SINGLES:
        y, predicted = y.astype(np.float64), predicted.astype(np.float64)
    y, predicted = np.ldexp(y, scale), np.ldexp(predicted, scale)
    return float(r2_score(y, predicted, sample_weight=weights))
