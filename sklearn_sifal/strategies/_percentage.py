"""SIFAL by loss: the rows that hold a share of the total loss."""

from typing import ClassVar

from sklearn_sifal.strategies._ranking import coverage_count
from sklearn_sifal.strategies._selection import Losses
from sklearn_sifal.strategies._share import InOrderOfLoss


class Percentage(InOrderOfLoss):
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
    {{warmup_epochs, final_epochs, refresh}}
        SIFAL's original form is 'epoch'.
    {{exploration, max_visits, min_fraction}}
        The next largest losses fill it.

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

    percentage = 90.0

    non_negative: ClassVar[bool] = True
    _adaptive_size: ClassVar[bool] = True

    def _count(self, losses: Losses) -> int:
        self._check_non_negative(losses)
        return coverage_count(losses, self.percentage, largest=self._largest)


class BottomPercentage(Percentage):
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
    {{warmup_epochs, final_epochs, refresh, exploration, max_visits, min_fraction}}
        The next smallest losses fill it.

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

    percentage = 50.0
    _largest = False
