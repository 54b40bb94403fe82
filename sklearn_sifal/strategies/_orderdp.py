"""OrderDP: the hardest rows of a random pool."""

import math

import numpy as np

from sklearn_sifal._fields import real
from sklearn_sifal.strategies._ranking import count_for, top_k
from sklearn_sifal.strategies._selection import Chosen, Losses
from sklearn_sifal.strategies._share import FixedShareStrategy


class OrderDP(FixedShareStrategy):
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
    {{warmup_epochs}}
        The published code has none.
    {{final_epochs, refresh}}
        The paper's form is 'table'.
    {{exploration, max_visits}}

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

    percentage = 63.75
    pool_fraction: float = real(0, 1, default=0.75, open_low=True)
    refresh = "table"

    def _select(self, losses: Losses, rng: np.random.Generator) -> Chosen:
        return self._top_of_pool(count_for(self.percentage, len(losses)), losses, rng)

    def _select_at_least(
        self, n: int, losses: Losses, chosen: Chosen, rng: np.random.Generator
    ) -> Chosen:
        return self._top_of_pool(n, losses, rng)

    def _top_of_pool(self, n_chosen: int, losses: Losses, rng: np.random.Generator) -> Chosen:
        n = len(losses)
        size = max(n_chosen, math.ceil(self.pool_fraction * n - 1e-9))
        pool = rng.choice(n, size, replace=False)
        return pool[top_k(losses[pool], n_chosen, rng)], None
