"""A random share of the rows: the control of every comparison."""

from typing import ClassVar

import numpy as np

from sklearn_sifal._fields import attribute
from sklearn_sifal.strategies._ranking import count_for
from sklearn_sifal.strategies._selection import Chosen, Losses
from sklearn_sifal.strategies._share import FixedShareStrategy


class Random(FixedShareStrategy):
    """Train on a share of the rows drawn anew each round, without looking at losses.

    Of N rows, ceil(percentage N / 100) are drawn without replacement. At an equal
    budget of visits a strategy has to beat this one before its choice means anything.

    Cost per round, in passes over all rows: percentage / 100 forward and backward.

    Parameters
    ----------
    percentage : float, default=50.0
        Share of the rows, in (0, 100].
    {{warmup_epochs, final_epochs, exploration, max_visits}}

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

    refresh: str | int = attribute("table")

    measures: ClassVar[tuple[str, ...]] = ()

    def _select(self, losses: Losses, rng: np.random.Generator) -> Chosen:
        n = len(losses)
        return rng.choice(n, count_for(self.percentage, n), replace=False), None
