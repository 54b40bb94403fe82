"""Strategies by name."""

from inspect import signature
from typing import Any

from sklearn.base import clone

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._everything import Base
from sklearn_sifal.strategies._evolved import EvolvedSampling
from sklearn_sifal.strategies._function import FunctionStrategy
from sklearn_sifal.strategies._gradient_norm import GradientNormSampling
from sklearn_sifal.strategies._guarded_importance import GuardedImportance
from sklearn_sifal.strategies._heap import HeapQueue
from sklearn_sifal.strategies._importance import Importance
from sklearn_sifal.strategies._infobatch import InfoBatch
from sklearn_sifal.strategies._instance_early_stopping import InstanceEarlyStopping
from sklearn_sifal.strategies._kakurenbo import Kakurenbo
from sklearn_sifal.strategies._online_batch import OnlineBatchSelection
from sklearn_sifal.strategies._orderdp import OrderDP
from sklearn_sifal.strategies._ordered_sgd import OrderedSGD
from sklearn_sifal.strategies._percentage import BottomPercentage, Percentage
from sklearn_sifal.strategies._percentile import BottomPercentile, Percentile
from sklearn_sifal.strategies._prioritized import Prioritized
from sklearn_sifal.strategies._random import Random
from sklearn_sifal.strategies._reducible import ReducibleLoss
from sklearn_sifal.strategies._repb import RePB
from sklearn_sifal.strategies._selective_backprop import SelectiveBackprop
from sklearn_sifal.strategies._self_paced import SelfPaced
from sklearn_sifal.strategies._seta import SeTa

#: Class of every strategy that can be asked for by name.
STRATEGIES: dict[str, type[SamplingStrategy]] = {
    "base": Base,
    "percentile": Percentile,
    "percentage": Percentage,
    "bottom_percentile": BottomPercentile,
    "bottom_percentage": BottomPercentage,
    "random": Random,
    "importance": Importance,
    "guarded_importance": GuardedImportance,
    "heap": HeapQueue,
    "infobatch": InfoBatch,
    "orderdp": OrderDP,
    "seta": SeTa,
    "selective_backprop": SelectiveBackprop,
    "online_batch": OnlineBatchSelection,
    "ordered_sgd": OrderedSGD,
    "prioritized": Prioritized,
    "gradient_norm": GradientNormSampling,
    "self_paced": SelfPaced,
    "rho_loss": ReducibleLoss,
    "kakurenbo": Kakurenbo,
    "instance_early_stopping": InstanceEarlyStopping,
    "evolved": EvolvedSampling,
    "repb": RePB,
}


def has_percentage(name: str) -> bool:
    """Whether the strategy of that name can be given a percentage."""
    return "percentage" in signature(STRATEGIES[name]).parameters


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
        If the name is unknown, or a percentage comes with something else than a name, or
        with the name of a strategy that has none.
    """
    if isinstance(sampling_strategy, str):
        if sampling_strategy not in STRATEGIES:
            raise InvalidParameterError(
                f"Unknown sampling_strategy {sampling_strategy!r}. "
                f"Known names: {', '.join(map(repr, STRATEGIES))}."
            )
        strategy = STRATEGIES[sampling_strategy]
        if percentage is None:
            return strategy()
        if not has_percentage(sampling_strategy):
            raise InvalidParameterError(
                "The 'sampling_percentage' parameter must be None with sampling_strategy="
                f"{sampling_strategy!r}: its number of rows follows from its other parameters. "
                f"Got {percentage!r}."
            )
        return strategy(percentage=percentage)
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
