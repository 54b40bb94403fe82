"""OrderDP: the hardest rows of a random pool."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._parameters import check_real
from sklearn_sifal.strategies._ranking import count_for, top_k
from sklearn_sifal.strategies._share import ShareStrategy


class OrderDP(ShareStrategy):
    """Train on the rows of largest loss within a random part of the data.

    With N rows of known loss and a = `pool_fraction`, each round

    - draws a pool of s = max(q, ceil(a N)) rows without replacement, all with the same
      probability;
    - trains on the q = ceil(percentage N / 100) rows of largest loss in it, without
      weights; rows equal to the smallest chosen loss are drawn.

    The paper's pair (a, c), q = c s, is ``percentage=100 * a * c``. The pool lets easy
    rows in now and then, which `Percentile` never does, and leaves each row out of a
    share 1 - a of the rounds, wrong labels included. The number of rows is exact.

    From ``percentage >= 100 * pool_fraction`` on the pool is no larger than what is
    trained on, and the draw is the one of `Random`: raise `pool_fraction` with it.

    Losses come from the training steps, so that rows left out keep their old one;
    `refresh` can ask for more. Cost per round, in passes over all rows: percentage / 100
    forward and backward.

    The gradient is biased towards hard rows: what is minimised is a loss that weighs the
    rows by rank. It fails under label noise, as `Percentile` does, if less so.

    Parameters
    ----------
    percentage : float, default=63.75
        Share of the rows trained on, in (0, 100]. The default is the one of the
        published class, 0.75 of 0.85; its example of use is 0.8 of 0.375, 30 per cent. At
        100 every round has all rows.
    pool_fraction : float, default=0.75
        Share of the rows in the pool, in (0, 1]; at 1 this is `Percentile`.
    warmup_epochs : int, default=1
        Rounds on all rows at the start. The published code has none.
    final_epochs : int, default=0
        Rounds on all rows at the end, taken out of the budget.
    refresh : {'once', 'table', 'epoch'} or int, default='table'
        When all losses are measured anew; see `SamplingStrategy`. The paper's form is
        'table'.
    exploration : float, default=0.0
        Share of the rows not chosen that join at random.
    max_visits : int, default=None
        Rows with this many visits sit out; see `SamplingStrategy`.
    min_fraction : float, default=0.05
        Without effect: the size does not depend on the losses.

    Notes
    -----
    Departures from the published code, on purpose:

    - There losses start at 3.0, so that rows never seen rank above those below it, and
      the first epoch is pruned already. Here rows never seen always take part.
    - The paper's theory draws a pool for every step; its code, and this class, for every
      round.

    References
    ----------
    Jin, Xu, Wang, Jia, Chen and Zeng, "OrderDP: a theoretically guaranteed lossless
    dynamic data pruning framework", ICLR 2026.

    Examples
    --------
    >>> from sklearn_sifal.strategies import OrderDP
    >>> OrderDP(percentage=30, pool_fraction=0.8)
    OrderDP(percentage=30, pool_fraction=0.8)
    """

    def __init__(
        self,
        percentage: float = 63.75,
        *,
        pool_fraction: float = 0.75,
        warmup_epochs: int = 1,
        final_epochs: int = 0,
        refresh: str | int = "table",
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
        self.pool_fraction = pool_fraction

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_real(self, "pool_fraction", 0, 1, open_low=True)

    def _select(
        self, losses: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        return self._top_of_pool(count_for(self.percentage, len(losses)), losses, rng)

    def _select_at_least(
        self, n: int, losses: NDArray[np.float32], chosen: Any, rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        return self._top_of_pool(n, losses, rng)

    def _top_of_pool(
        self, n_chosen: int, losses: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        n = len(losses)
        size = max(n_chosen, math.ceil(self.pool_fraction * n - 1e-9))
        pool = rng.choice(n, size, replace=False)
        return pool[top_k(losses[pool], n_chosen, rng)], None
