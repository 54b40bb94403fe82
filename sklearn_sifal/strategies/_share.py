"""Base of the strategies whose one knob is a percentage."""

import warnings

from sklearn_sifal._parameters import check_real
from sklearn_sifal.strategies._base import SamplingStrategy


class ShareStrategy(SamplingStrategy):
    """A strategy with a `percentage`; at 100 every round has all rows, as with `Base`.

    Parameters
    ----------
    percentage : float, default=50.0
        In (0, 100]; subclasses say of what.
    warmup_epochs, final_epochs, refresh, exploration, max_visits, min_fraction
        See `SamplingStrategy`.
    """

    def __init__(
        self,
        percentage: float = 50.0,
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
        check_real(self, "percentage", 0, 100, open_low=True)

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
