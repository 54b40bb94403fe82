"""Base of the strategies whose one knob is a percentage."""

import warnings

from sklearn_sifal._fields import attribute, real
from sklearn_sifal.strategies._base import SamplingStrategy


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
