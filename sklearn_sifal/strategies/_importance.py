"""Sampling in proportion to a power of the loss, with weights that undo the bias."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import check_real
from sklearn_sifal.strategies._ranking import poisson_sample, powers_of
from sklearn_sifal.strategies._selection import Setup
from sklearn_sifal.strategies._share import ShareStrategy
from sklearn_sifal.strategies._state_checks import check_whole


class Importance(ShareStrategy):
    r"""Train on rows drawn by their loss, weighted so that the gradient stays unbiased.

    With N rows of known loss l and S = percentage N / 100:

    - p_i = (l_i + epsilon) ** alpha, P = (1 - uniform) p / sum(p) + uniform / N;
    - row i joins with probability q_i = min(1, c P_i), independently of the others, c such
      that the q add up to S;
    - its weight is w_i = (S / N) / q_i, which is 1 on average over a round.

    If S is near or below the size of a batch, a set of exactly max(S, batch) rows is drawn
    with the same probabilities (systematic sampling), so that the estimate stays unbiased.

    So the weighted mean over the chosen rows estimates the mean over all. The weights
    keep the size of the step; 1 / q_i instead would be a larger learning rate.

    Cost per round, in passes over all rows: percentage / 100 forward and backward on
    average, and one forward pass whenever `refresh` asks for it.

    It helps on redundant and imbalanced data. On clean, balanced data it is level with
    `Base` at equal visits but for short budgets. Under label noise it draws wrong labels
    more often; the weights take that back, at a moderate learning rate.

    Parameters
    ----------
    percentage : float, default=30.0
        Expected share of the rows, in (0, 100].
    alpha : float, default=0.6
        Power of the loss, in [0, 1]; 0 draws every row with the same probability.
    uniform : float, default=0.1
        Share of the probability, in [0, 1], spread evenly; it bounds the weights.
    epsilon : float, default=1e-3
        Added to every loss, in nats, so that none has probability zero.
    warmup_epochs : int, default=1
        Rounds on all rows at the start.
    final_epochs : int, default=0
        Rounds on all rows at the end, taken out of the budget.
    refresh : {'once', 'table', 'epoch'} or int, default='once'
        When all losses are measured anew; see `SamplingStrategy`.
    exploration : float, default=0.0
        Share of the rows not chosen that join at random with weight 1; above 0 the
        estimate is no longer unbiased.
    max_visits : int, default=None
        Rows with this many visits sit out; see `SamplingStrategy`.
    min_fraction : float, default=0.05
        Without effect: the expected size does not depend on the losses.

    References
    ----------
    Power, mixture and weights follow Schaul, Quan, Antonoglou and Silver, "Prioritized
    experience replay", ICLR 2016, with mean-one weights instead of their division by
    the largest; independent draws of unequal probability are Poisson sampling (Hajek,
    "Asymptotic theory of rejective sampling", 1964).

    Examples
    --------
    >>> from sklearn_sifal.strategies import Importance
    >>> Importance(percentage=20, alpha=1.0)
    Importance(alpha=1.0, percentage=20)
    """

    non_negative: ClassVar[bool] = True

    # Until `begin` tells it.
    batch_size_: int = 1

    def __init__(
        self,
        percentage: float = 30.0,
        *,
        alpha: float = 0.6,
        uniform: float = 0.1,
        epsilon: float = 1e-3,
        warmup_epochs: int = 1,
        final_epochs: int = 0,
        refresh: str | int = "once",
        exploration: float = 0.0,
        max_visits: int | None = None,
        min_fraction: float = 0.05,
    ) -> None:
        super().__init__(
            percentage,
            warmup_epochs=warmup_epochs,
            final_epochs=final_epochs,
            refresh=refresh,
            exploration=exploration,
            max_visits=max_visits,
            min_fraction=min_fraction,
        )
        self.alpha = alpha
        self.uniform = uniform
        self.epsilon = epsilon

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_real(self, "alpha", 0, 1)
        check_real(self, "uniform", 0, 1)
        check_real(self, "epsilon", 0, open_low=True)

    def begin(self, table: LossTable, setup: Setup) -> Self:
        """Check the parameters and start anew; called once before the first round.

        Parameters
        ----------
        table : LossTable
            The losses.
        setup : Setup
            Rows, targets, batch size and generator.

        Returns
        -------
        self : Importance
        """
        super().begin(table, setup)
        self.batch_size_ = setup.batch_size
        return self

    def _check_state(self, table: LossTable) -> None:
        """Raise unless the attributes, read from a file, are ones that a training leaves."""
        super()._check_state(table)
        check_whole(self, "batch_size_", 1)

    def _select(
        self, losses: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        return self._draw(self.percentage * len(losses) / 100, self.batch_size_, losses, rng)

    def _select_at_least(
        self, n: int, losses: NDArray[np.float32], chosen: Any, rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        # Rows added at random would pull the estimate towards the easy ones.
        return self._draw(n, n, losses, rng)

    def _draw(
        self, expected: float, least: int, losses: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        least = min(least, len(losses))
        rows, q = poisson_sample(self._draw_weights(losses), expected, least, rng)
        return rows, q.mean() / q[rows]

    def _draw_weights(self, losses: NDArray[np.float32]) -> NDArray[np.float64]:
        self._check_non_negative(losses)
        preference = powers_of(losses, self.epsilon, self.alpha)
        total = preference.sum()
        preference *= 1 - self.uniform
        preference /= total
        preference += self.uniform / len(losses)
        return preference
