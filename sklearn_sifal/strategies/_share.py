"""Base of the strategies whose one knob is a percentage."""

import warnings
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from sklearn_sifal._fields import attribute, real
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._ranking import first_k
from sklearn_sifal.strategies._selection import Chosen, Losses


class ShareStrategy(SamplingStrategy):
    """A strategy with a `percentage`; at 100 every round has all rows, as with `Base`.

    Parameters
    ----------
    percentage : float, default=50.0
        In (0, 100]; subclasses say of what.
    {{warmup_epochs, final_epochs, refresh, exploration, max_visits, min_fraction}}
    """

    percentage: float = real(0, 100, default=50.0, open_low=True, kw_only=False)

    def _warn_of_parameters(self) -> None:
        if self.percentage < 1:
            warnings.warn(
                f"The 'percentage' parameter of {type(self).__name__} is {self.percentage!r}, "
                "which is less than one per cent: percentages run from 0 to 100.",
                UserWarning,
                stacklevel=2,
            )

    def _takes_everything(self) -> bool:
        return float(self.percentage) == 100.0


class FixedShareStrategy(ShareStrategy):
    """A strategy whose number of rows follows from the `percentage`, and not from the losses.

    Parameters
    ----------
    percentage : float, default=50.0
        In (0, 100]; subclasses say of what.
    {{warmup_epochs, final_epochs, refresh, exploration, max_visits}}
    """

    min_fraction: float = attribute(0.0)


class InOrderOfLoss(ShareStrategy):
    """A strategy that takes the rows of largest loss, or of smallest; subclasses say how many.

    Parameters
    ----------
    percentage : float, default=50.0
        In (0, 100]; subclasses say of what.
    {{warmup_epochs, final_epochs, refresh, exploration, max_visits, min_fraction}}
    """

    # Whether the rows of largest loss come first, or those of smallest loss.
    _largest: ClassVar[bool] = True

    @abstractmethod
    def _count(self, losses: Losses) -> int:
        """Number of rows to take."""

    def _select(self, losses: Losses, rng: np.random.Generator) -> Chosen:
        return first_k(losses, self._count(losses), rng, largest=self._largest), None

    def _select_at_least(
        self, n: int, losses: Losses, chosen: Chosen, rng: np.random.Generator
    ) -> Chosen:
        return first_k(losses, n, rng, largest=self._largest), None
