"""The targets of a regression: their scale, and the loss of a prediction."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Losses of a regression by name.
REGRESSION_LOSSES = ("squared_error", "absolute_error", "huber")


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
        """From the units of y to standard deviations from the mean."""
        standardised: NDArray[np.float64] = (y - self.mean) / self.spread
        return standardised

    def restore(self, standardised: NDArray[Any]) -> NDArray[np.float64]:
        """From standard deviations to the units of y, as float64."""
        y: NDArray[np.float64] = standardised.astype(np.float64) * self.spread + self.mean
        return y

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
        If the standard deviation is too large or too small to be squared.
    """
    if y.min() == y.max():  # their rounded mean would differ from them
        return TargetScale(float(y[0]), 1.0)
    if weights is not None:
        weights = weights / weights.max()
    # Relative to the largest, since sums and squares of huge numbers would overflow.
    largest = np.abs(y).max()
    mean = float(largest * np.average(y / largest, weights=weights))
    widest = np.abs(y - mean).max()
    spread = float(widest * np.sqrt(np.average(((y - mean) / widest) ** 2, weights=weights)))
    with np.errstate(over="ignore", under="ignore"):
        unit = np.float64(spread) ** 2
    if not (np.isfinite(unit) and unit > 0):
        raise ValueError(
            f"The targets y have a standard deviation of {spread:g}, whose square is not a "
            "number of double precision. Scale y."
        )
    return TargetScale(mean, spread)


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
