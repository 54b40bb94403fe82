"""SIFAL by population: a fixed share of the rows, hardest or easiest first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.strategies._ranking import bottom_k, count_for, top_k
from sklearn_sifal.strategies._share import ShareStrategy


class Percentile(ShareStrategy):
    """Train on the share of the rows with the largest losses (SIFAL's "%tile").

    With N rows of known loss, the ceil(percentage N / 100) rows of largest loss are
    chosen, without weights. Rows equal to the smallest chosen loss are drawn.

    Cost per round, in passes over all rows: percentage / 100 forward and backward, and
    one forward pass whenever `refresh` asks for it.

    It fails under label noise: wrong labels keep the largest losses, so that a small
    percentage trains on little else. The gradient is biased towards hard rows.

    Parameters
    ----------
    percentage : float, default=50.0
        Share of the rows, in (0, 100].
    warmup_epochs : int, default=1
        Rounds on all rows at the start.
    final_epochs : int, default=0
        Rounds on all rows at the end, taken out of the budget.
    refresh : {'once', 'table', 'epoch'} or int, default='once'
        When all losses are measured anew; see `SamplingStrategy`. SIFAL's original
        form is 'epoch'.
    exploration : float, default=0.0
        Share of the rows not chosen that join at random.
    max_visits : int, default=None
        Rows with this many visits sit out; see `SamplingStrategy`.
    min_fraction : float, default=0.05
        Without effect: the size does not depend on the losses.

    References
    ----------
    SIFAL, "Sampling Instances For Accelerated Learning", 2020 (project description,
    no paper).

    Examples
    --------
    >>> from sklearn_sifal.strategies import Percentile
    >>> Percentile(percentage=30, refresh="epoch")
    Percentile(percentage=30, refresh='epoch')
    """

    def _select(
        self, losses: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        return top_k(losses, count_for(self.percentage, len(losses)), rng), None

    def _select_at_least(
        self, n: int, losses: NDArray[np.float32], chosen: Any, rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        return top_k(losses, n, rng), None


class BottomPercentile(ShareStrategy):
    """Train on the share of the rows with the smallest losses (SIFAL's bottom variant).

    With N rows of known loss, the ceil(percentage N / 100) rows of smallest loss are
    chosen, without weights. Rows equal to the largest chosen loss are drawn.

    Cost as for `Percentile`. It is robust to wrong labels early on, and saturates
    alone: the gradients of rows that are already right vanish.

    Parameters
    ----------
    percentage : float, default=80.0
        Share of the rows, in (0, 100]. At small values training gets stuck on what the
        warm-up happened to learn: on three Gaussian blobs of 300 points 50 stays at
        62 to 87 % accuracy over three seeds, where 80 reaches 89 to 94 % and all 93 %.
    warmup_epochs : int, default=1
        Rounds on all rows at the start.
    final_epochs : int, default=0
        Rounds on all rows at the end, taken out of the budget.
    refresh : {'once', 'table', 'epoch'} or int, default='once'
        When all losses are measured anew; see `SamplingStrategy`.
    exploration : float, default=0.0
        Share of the rows not chosen that join at random.
    max_visits : int, default=None
        Rows with this many visits sit out; see `SamplingStrategy`.
    min_fraction : float, default=0.05
        Without effect: the size does not depend on the losses.

    References
    ----------
    SIFAL, "Sampling Instances For Accelerated Learning", 2020 (project description,
    no paper).

    Examples
    --------
    >>> from sklearn_sifal.strategies import BottomPercentile
    >>> BottomPercentile(percentage=90)
    BottomPercentile(percentage=90)
    """

    def __init__(
        self,
        percentage: float = 80.0,
        *,
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

    def _select(
        self, losses: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        return bottom_k(losses, count_for(self.percentage, len(losses)), rng), None

    def _select_at_least(
        self, n: int, losses: NDArray[np.float32], chosen: Any, rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        return bottom_k(losses, n, rng), None
