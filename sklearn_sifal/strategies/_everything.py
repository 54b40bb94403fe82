"""All rows in every round."""

from typing import ClassVar

from sklearn_sifal._fields import attribute, real
from sklearn_sifal.strategies._base import SamplingStrategy


class Base(SamplingStrategy):
    """Train on every row in every round: what selection has to beat.

    Cost: one forward and one backward pass per row and round, no scoring.

    Parameters
    ----------
    percentage : float, default=None
        Ignored; there so that a grid over percentages can include this strategy.
    {{max_visits}}

    Examples
    --------
    >>> from sklearn_sifal.strategies import Base
    >>> Base()
    Base()
    """

    percentage: float | None = real(0, 100, default=None, open_low=True, none=True, kw_only=False)
    warmup_epochs: int = attribute(1)
    final_epochs: int = attribute(0)
    refresh: str | int = attribute("table")
    exploration: float = attribute(0.0)
    min_fraction: float = attribute(0.0)

    measures: ClassVar[tuple[str, ...]] = ()

    def _takes_everything(self) -> bool:
        return True
