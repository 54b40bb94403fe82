"""A strategy made of a user's function."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._parameters import reject
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._selection import check_rows


class FunctionStrategy(SamplingStrategy):
    """Train on the rows that a function returns.

    This is what a callable given as `sampling_strategy` is wrapped into.

    Parameters
    ----------
    function : callable
        ``function(losses, rng) -> rows``: `losses` is an array of shape (n,) in nats,
        `rng` a numpy Generator; `rows` are distinct positions in it, or a mask. If
        they are fewer than one batch, others join at random.
    warmup_epochs, final_epochs, refresh, exploration, max_visits
        See `SamplingStrategy`.
    min_fraction : float, default=0.0
        Least share of the rows in a round; others join at random to fill it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sifal.strategies import FunctionStrategy
    >>> def hard_but_not_hopeless(losses, rng):
    ...     return (losses > np.median(losses)) & (losses < 5.0)
    >>> strategy = FunctionStrategy(hard_but_not_hopeless, refresh="epoch")
    >>> strategy.min_fraction
    0.0
    """

    _adaptive_size: ClassVar[bool] = True

    def __init__(
        self,
        function: Callable[[NDArray[np.float32], np.random.Generator], Any],
        *,
        warmup_epochs: int = 1,
        final_epochs: int = 0,
        refresh: str | int = "once",
        exploration: float = 0.0,
        max_visits: int | None = None,
        min_fraction: float = 0.0,
    ) -> None:
        super().__init__(
            warmup_epochs=warmup_epochs,
            final_epochs=final_epochs,
            refresh=refresh,
            exploration=exploration,
            max_visits=max_visits,
            min_fraction=min_fraction,
        )
        self.function = function

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if not callable(self.function):
            reject(self, "function", "a callable (losses, rng) -> rows", self.function)

    def _select(
        self, losses: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[Any], None]:
        rows = self.function(losses, rng)
        return check_rows(rows, len(losses), "A callable 'sampling_strategy'"), None
