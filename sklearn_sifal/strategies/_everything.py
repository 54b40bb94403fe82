"""All rows in every round."""

from typing import ClassVar

from sklearn_sifal._parameters import check_real
from sklearn_sifal.strategies._base import SamplingStrategy


class Base(SamplingStrategy):
    """Train on every row in every round: what selection has to beat.

    Cost: one forward and one backward pass per row and round, no scoring.

    Parameters
    ----------
    percentage : float, default=None
        Ignored; there so that a grid over percentages can include this strategy.
    warmup_epochs : int, default=1
        Without effect.
    final_epochs : int, default=0
        Without effect.
    refresh : {'once', 'table', 'epoch'} or int, default='once'
        Without effect, since losses are not looked at.
    exploration : float, default=0.0
        Without effect.
    max_visits : int, default=None
        Rows with this many visits sit out; see `SamplingStrategy`.
    min_fraction : float, default=0.05
        Without effect.

    Examples
    --------
    >>> from sklearn_sifal.strategies import Base
    >>> Base()
    Base()
    """

    measures: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        percentage: float | None = None,
        *,
        warmup_epochs: int = 1,
        final_epochs: int = 0,
        refresh: str | int = "once",
        exploration: float = 0.0,
        max_visits: int | None = None,
        min_fraction: float = 0.05,
    ) -> None:
        super().__init__(
            warmup_epochs=warmup_epochs,
            final_epochs=final_epochs,
            refresh=refresh,
            exploration=exploration,
            max_visits=max_visits,
            min_fraction=min_fraction,
        )
        self.percentage = percentage

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_real(self, "percentage", 0, 100, open_low=True, none=True)

    def _takes_everything(self) -> bool:
        return True
