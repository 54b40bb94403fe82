"""SIFAL by loss: the rows that hold a share of the total loss."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.strategies._ranking import bottom_k, coverage_count, top_k
from sklearn_sifal.strategies._share import ShareStrategy


class Percentage(ShareStrategy):
    """Train on the fewest rows that hold a share of the total loss (SIFAL's "%age").

    With the losses sorted in descending order, l(1) >= l(2) >= ..., the first m rows are
    chosen, m the smallest number with l(1) + ... + l(m) >= (percentage / 100) sum(l). So
    the size adapts: it shrinks as the loss concentrates on few rows. Rows equal to l(m)
    are drawn. If all losses are zero, the same share of the rows is drawn.

    Cost per round, in passes over all rows: m / N forward and backward, and one forward
    pass whenever `refresh` asks for it.

    It fails under label noise more than `Percentile`: late in training the wrong labels
    hold most of the loss, and the selection collapses onto them, down to `min_fraction`.

    Parameters
    ----------
    percentage : float, default=90.0
        Share of the total loss, in (0, 100].
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
        Least share of the rows in a round; the next largest losses fill it.

    References
    ----------
    SIFAL, "Sampling Instances For Accelerated Learning", 2020 (project description,
    no paper).

    Examples
    --------
    >>> from sklearn_sifal.strategies import Percentage
    >>> Percentage(percentage=95, exploration=0.1)
    Percentage(exploration=0.1, percentage=95)
    """

    non_negative: ClassVar[bool] = True
    _adaptive_size: ClassVar[bool] = True

    def __init__(
        self,
        percentage: float = 90.0,
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
        self._check_non_negative(losses)
        return top_k(losses, coverage_count(losses, self.percentage, largest=True), rng), None

    def _select_at_least(
        self, n: int, losses: NDArray[np.float32], chosen: Any, rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        return top_k(losses, n, rng), None


class BottomPercentage(ShareStrategy):
    """Train on the fewest easy rows that hold a share of the total loss.

    With the losses sorted in ascending order, the shortest prefix that holds at least
    (percentage / 100) sum(l) is chosen. Since easy rows hold little loss, half of the
    loss is usually most of the rows.

    Cost as for `Percentage`, with m the length of the prefix. It saturates as
    `BottomPercentile` does.

    Parameters
    ----------
    percentage : float, default=50.0
        Share of the total loss, in (0, 100].
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
        Least share of the rows in a round; the next smallest losses fill it.

    References
    ----------
    SIFAL, "Sampling Instances For Accelerated Learning", 2020 (project description,
    no paper).

    Examples
    --------
    >>> from sklearn_sifal.strategies import BottomPercentage
    >>> BottomPercentage(percentage=20)
    BottomPercentage(percentage=20)
    """

    non_negative: ClassVar[bool] = True
    _adaptive_size: ClassVar[bool] = True

    def _select(
        self, losses: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        self._check_non_negative(losses)
        return bottom_k(losses, coverage_count(losses, self.percentage, largest=False), rng), None

    def _select_at_least(
        self, n: int, losses: NDArray[np.float32], chosen: Any, rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        return bottom_k(losses, n, rng), None
