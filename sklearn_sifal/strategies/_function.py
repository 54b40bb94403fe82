"""A strategy made of a user's function."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from sklearn_sifal._fields import parameter
from sklearn_sifal._parameters import reject
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._selection import Chosen, Losses, check_rows


def _check_function(strategy: Any, name: str) -> None:
    function = getattr(strategy, name)
    if not callable(function):
        reject(strategy, name, "a callable (losses, rng) -> rows", function)


class FunctionStrategy(SamplingStrategy):
    """Train on the rows that a function returns.

    This is what a callable given as `sampling_strategy` is wrapped into.

    Parameters
    ----------
    function : callable
        ``function(losses, rng) -> rows``: `losses` is an array of shape (n,) in nats,
        `rng` a numpy Generator; `rows` are distinct positions in it, or a mask. If
        they are fewer than one batch, others join at random.
    {{warmup_epochs, final_epochs, refresh, exploration, max_visits, min_fraction}}
        Others join at random to fill it.

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

    function: Callable[[Losses, np.random.Generator], Any] = parameter(
        _check_function, kw_only=False
    )
    min_fraction = 0.0

    _adaptive_size: ClassVar[bool] = True

    def _select(self, losses: Losses, rng: np.random.Generator) -> Chosen:
        rows = self.function(losses, rng)
        return check_rows(rows, len(losses), "A callable 'sampling_strategy'"), None
