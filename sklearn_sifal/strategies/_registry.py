"""Strategies by name."""

from typing import Any

from sklearn.base import clone

from sklearn_sifal._parameters import InvalidParameterError
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._everything import Base
from sklearn_sifal.strategies._function import FunctionStrategy
from sklearn_sifal.strategies._importance import Importance
from sklearn_sifal.strategies._percentage import BottomPercentage, Percentage
from sklearn_sifal.strategies._percentile import BottomPercentile, Percentile
from sklearn_sifal.strategies._random import Random

#: Class of every strategy that can be asked for by name.
STRATEGIES: dict[str, type[SamplingStrategy]] = {
    "base": Base,
    "percentile": Percentile,
    "percentage": Percentage,
    "bottom_percentile": BottomPercentile,
    "bottom_percentage": BottomPercentage,
    "random": Random,
    "importance": Importance,
}


def resolve_strategy(sampling_strategy: Any, percentage: Any = None) -> SamplingStrategy:
    """Turn a name, an instance or a callable into a fresh strategy.

    Parameters
    ----------
    sampling_strategy : str, SamplingStrategy or callable
        An instance is cloned.
    percentage : float, default=None
        Knob of a named strategy; None for its default.

    Raises
    ------
    InvalidParameterError
        If the name is unknown, or a percentage comes with something else than a name.
    """
    if isinstance(sampling_strategy, str):
        if sampling_strategy not in STRATEGIES:
            raise InvalidParameterError(
                f"Unknown sampling_strategy {sampling_strategy!r}. "
                f"Known names: {', '.join(map(repr, STRATEGIES))}."
            )
        knob = {} if percentage is None else {"percentage": percentage}
        return STRATEGIES[sampling_strategy](**knob)
    if isinstance(sampling_strategy, type) or not (
        isinstance(sampling_strategy, SamplingStrategy) or callable(sampling_strategy)
    ):
        raise InvalidParameterError(
            "The 'sampling_strategy' parameter must be a name, an instance of SamplingStrategy "
            f"or a callable (losses, rng) -> rows. Got {sampling_strategy!r} instead."
        )
    if percentage is not None:
        raise InvalidParameterError(
            "The 'sampling_percentage' parameter must be None when 'sampling_strategy' is not a "
            f"name: give the strategy its own percentage. Got {percentage!r} with "
            f"{sampling_strategy!r}."
        )
    if isinstance(sampling_strategy, SamplingStrategy):
        cloned: SamplingStrategy = clone(sampling_strategy)
        return cloned
    return FunctionStrategy(sampling_strategy)
