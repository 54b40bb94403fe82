"""A random share of the rows: the control of every comparison."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.strategies._ranking import count_for
from sklearn_sifal.strategies._share import ShareStrategy


class Random(ShareStrategy):
    """Train on a share of the rows drawn anew each round, without looking at losses.

    Of N rows, ceil(percentage N / 100) are drawn without replacement. At an equal
    budget of visits a strategy has to beat this one before its choice means anything.

    Cost per round, in passes over all rows: percentage / 100 forward and backward.

    Parameters
    ----------
    percentage : float, default=50.0
        Share of the rows, in (0, 100].
    warmup_epochs : int, default=1
        Rounds on all rows at the start.
    final_epochs : int, default=0
        Rounds on all rows at the end, taken out of the budget.
    refresh : {'once', 'table', 'epoch'} or int, default='once'
        Without effect, since losses are not looked at.
    exploration : float, default=0.0
        Share of the rows not chosen that join at random.
    max_visits : int, default=None
        Rows with this many visits sit out; see `SamplingStrategy`.
    min_fraction : float, default=0.05
        Without effect: the size does not depend on the losses.

    References
    ----------
    Okanovic et al., "Repeated random sampling for minimizing the time-to-accuracy of
    learning", arXiv:2305.18424.

    Examples
    --------
    >>> from sklearn_sifal.strategies import Random
    >>> Random(percentage=25)
    Random(percentage=25)
    """

    measures: ClassVar[tuple[str, ...]] = ()

    def _select(
        self, losses: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        n = len(losses)
        return rng.choice(n, count_for(self.percentage, n), replace=False), None
