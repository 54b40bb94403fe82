"""Importance sampling by an upper bound on the gradient norm, switched on when it pays."""

import sys
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._fields import attribute, real
from sklearn_sifal.strategies._presample import PresampleStrategy
from sklearn_sifal.strategies._selection import Chosen, DrawContext, Measured, Rows
from sklearn_sifal.strategies._state_checks import check_number, check_truth


class GradientNormSampling(PresampleStrategy):
    r"""Train on rows drawn by the norm of their last layer's gradient, once that pays.

    From a presample of B rows, b rows (one batch, percentage = 100 b / B) are drawn with
    replacement with probabilities g_i = s_i / sum(s); s_i is the length of the
    probabilities minus the one-hot label ('el2n'), which bounds the norm of the row's
    gradient up to a common factor. A drawn row has weight 1 / (B g_i): expectation 1, and
    the batch estimates the mean gradient without bias.

    That costs a scoring pass, so batches are plain until it is worth it. With u = 1 / B, ::

        tau = 1 / sqrt(1 - |g - u|^2 / |g|^2)

    is the increase in batch size that would lower the variance as much. Sampling is on
    while the smoothed tau exceeds (B + (1 + kappa) b) / ((1 + kappa) b), which is 2 at
    B = 3 b and kappa = 2. While off, tau comes from the training steps themselves, without
    extra cost; while on, from the presamples. Losses have no say in it.

    Losses and scores are fresh, and each row is looked at once in a round.

    Cost per round, in passes over all rows: one forward and backward while off; one
    forward for scoring and percentage / 100 forward and backward while on. So a step
    costs as much as two plain ones at the defaults and pays through its variance alone.

    It fails where scores are disturbed by dropout in training steps. Small nets rarely
    reach the threshold, and then this is `Base`. Under label noise wrong labels are drawn
    more often; the score is bounded and the weights take it back.

    Parameters
    ----------
    percentage : float, default=33.3
        Size of a batch in per cent of its presample, in (0, 100]; at 100 every round has
        all rows. The presample is rounded to whole rows: 3 batches by default.
    threshold : float, default=None
        Least tau, at least 0; None for the formula above. 0 switches sampling on from the
        start.
    momentum : float, default=0.9
        Share, in [0, 1), of the previous value in the smoothed tau.
    kappa : float, default=2.0
        Cost of a backward pass in forward passes, above 0.
    {{warmup_epochs}}
        They count towards tau.
    {{final_epochs, max_visits}}

    Attributes
    ----------
    tau_ : float
        The smoothed tau.
    on_ : bool
        Whether the last batch was drawn by importance.

    Notes
    -----
    The smoothed tau starts at 1, the value of equal scores, where the published code
    starts at 0; both are far behind after some twenty batches. Published code fixes
    kappa at 2. For small nets on wide input it is nearer to 1, which raises the threshold.

    References
    ----------
    Katharopoulos and Fleuret, "Not all samples are created equal: deep learning with
    importance sampling", ICML 2018, arXiv:1803.00942.

    Examples
    --------
    >>> from sklearn_sifal.strategies import GradientNormSampling
    >>> GradientNormSampling(threshold=1.5)
    GradientNormSampling(threshold=1.5)
    """

    percentage = 33.3
    threshold: float | None = real(0, default=None, none=True)
    momentum: float = real(0, 1, default=0.9, open_high=True)
    kappa: float = real(0, default=2.0, open_low=True)

    measures: ClassVar[tuple[str, ...]] = ("loss", "el2n")
    replacement: ClassVar[bool] = True

    tau_: float = attribute(1.0, check=partial(check_number, low=0, high=sys.float_info.max))
    on_: bool = attribute(False, check=check_truth)

    def observe(self, rows: Rows, measured: Measured, *, training: bool) -> None:
        # A batch drawn by its scores says nothing of the spread of all scores.
        if len(rows) and not (training and self.on_):
            new = variance_reduction(measured["el2n"])
            self.tau_ = self.momentum * self.tau_ + (1 - self.momentum) * new

    def _is_plain(self, number: int, batch_size: int) -> bool:
        self.on_ = self.tau_ > self._threshold(batch_size)
        return not self.on_

    def _threshold(self, batch_size: int) -> float:
        if self.threshold is not None:
            return self.threshold
        step = (1 + self.kappa) * batch_size
        return (self._presample_size(batch_size) + step) / step

    def _is_full_round(self, n_active: int, context: DrawContext) -> bool:
        full = super()._is_full_round(n_active, context)
        if full:
            self.on_ = False
        return full

    def _keep(self, candidates: Rows, n: int, measured: Measured, context: DrawContext) -> Chosen:
        g = _shares(measured["el2n"])
        positions = context.rng.choice(len(g), n, replace=True, p=g)
        return positions, 1 / (len(g) * g[positions])


def variance_reduction(scores: NDArray[Any]) -> float:
    """Factor on the batch size that lowers the variance as much as drawing by the scores.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Non-negative numbers.

    Examples
    --------
    >>> variance_reduction(np.array([1.0, 1.0])), variance_reduction(np.array([1.0, 0, 0, 0]))
    (1.0, 2.0)
    """
    # |g - u|^2 = |g|^2 - 1/n since g sums to 1, so that tau^2 = n |g|^2.
    g = _shares(scores)
    return float(np.sqrt(len(g) * (g @ g)))


def _shares(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Scores scaled to sum to 1; equal shares if all are zero."""
    scores = scores.astype(np.float64)
    total = scores.sum()
    if total == 0.0:
        return np.full(len(scores), 1 / len(scores))
    shares: NDArray[np.float64] = scores / total
    return shares
