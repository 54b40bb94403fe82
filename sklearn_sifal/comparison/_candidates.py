"""What is compared: names of strategies and the estimator parameters that each stands for."""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import clone

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal.comparison._net_estimator import NetEstimator
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._everything import Base
from sklearn_sifal.strategies._random import Random
from sklearn_sifal.strategies._registry import STRATEGIES, has_percentage, resolve_strategy

#: The yardstick, and the control that ignores losses; always compared.
YARDSTICK, CONTROL = "base", "random"

# Set by the comparison itself; a strategy with one of its own would not be comparable.
_RESERVED = ("budget", "random_state", "record", "verbose", "warm_start")


def resolve_candidates(
    estimator: LossSampledEstimator, strategies: Any
) -> dict[str, LossSampledEstimator]:
    """Make an unfitted estimator for each strategy, base and random first.

    Parameters
    ----------
    estimator : LossSampledEstimator
        Whose other parameters hold for all.
    strategies : sequence or mapping
        As given to `compare_strategies`.

    Returns
    -------
    candidates : dict of str to LossSampledEstimator
        Clones with checked parameters.

    Raises
    ------
    TypeError
        If `strategies` or one of its entries is of another kind.
    ValueError
        If a name occurs twice or is reserved, or a parameter is not valid.
    """
    asked = _named(strategies)
    for name in (YARDSTICK, CONTROL):
        asked.setdefault(name, name)
    names = [YARDSTICK, CONTROL, *(name for name in asked if name not in (YARDSTICK, CONTROL))]
    candidates = {name: _candidate(estimator, name, asked[name]) for name in names}
    for name, expected in ((YARDSTICK, Base), (CONTROL, Random)):
        got = candidates[name]
        strategy = resolve_strategy(got.sampling_strategy, got.sampling_percentage)
        if type(strategy) is not expected:
            raise ValueError(
                f"The name {name!r} is that of the strategy {expected.__name__}, which every "
                f"comparison has. Got {strategy!r} under it; choose another name."
            )
    return candidates


def names_with_own_rate(strategies: Any) -> frozenset[str]:
    """Names of the strategies that are given with a learning rate, be it the estimator's."""
    named = _named(strategies)
    return frozenset(
        name for name, given in named.items() if isinstance(given, Mapping) and "lr" in given
    )


def clone_with_callbacks(estimator: Any) -> Any:
    """An unfitted estimator with the same parameters, and with the very same callbacks.

    `sklearn.base.clone` copies what callbacks refer to: a log would stay empty, an Optuna
    trial would be told nothing, and a file or a lock cannot be copied at all.
    """
    if isinstance(estimator, NetEstimator):
        return estimator.with_same_callbacks()
    bare: Any = object.__new__(type(estimator))
    vars(bare).update({**vars(estimator), "callbacks": None})
    cloned: LossSampledEstimator = clone(bare).set_params(callbacks=estimator.callbacks)
    return cloned


def _named(strategies: Any) -> dict[str, Any]:
    """Name -> what was given under it."""
    if isinstance(strategies, str | SamplingStrategy):
        strategies = [strategies]
    if isinstance(strategies, Mapping):
        for name in strategies:
            if not isinstance(name, str) or not name.strip():
                raise TypeError(f"Names of strategies must be non-empty strings. Got {name!r}.")
        return dict(strategies)
    if not isinstance(strategies, Sequence):
        raise TypeError(
            "strategies must be names, SamplingStrategy instances, or a mapping from names to "
            f"these or to parameters of the estimator. Got {strategies!r}."
        )
    named: dict[str, Any] = {}
    for given in strategies:
        name = _name_of(given)
        if name in named:
            raise ValueError(
                f"strategies has {name!r} twice. Give a mapping with a name of your own for each."
            )
        named[name] = given
    return named


def _name_of(given: Any) -> str:
    if isinstance(given, str):
        return given
    if not isinstance(given, SamplingStrategy):
        raise TypeError(
            "An entry of strategies must be a name or a SamplingStrategy instance. Got "
            f"{given!r}; in a mapping from names it may also be a dict of estimator parameters "
            "or a callable."
        )
    for name, known in STRATEGIES.items():
        if type(given) is known and given.get_params() == known().get_params():
            return name
    return " ".join(repr(given).split())


def _candidate(estimator: Any, name: str, given: Any) -> Any:
    parameters = dict(given) if isinstance(given, Mapping) else {"sampling_strategy": given}
    for reserved in _RESERVED:
        if reserved in parameters:
            raise ValueError(
                f"The strategy {name!r} has {reserved}={parameters[reserved]!r}, which the "
                "comparison sets alike for all."
            )
    candidate = clone_with_callbacks(estimator)
    strategy = parameters.get("sampling_strategy")
    has_knob = isinstance(strategy, str) and (
        strategy not in STRATEGIES or has_percentage(strategy)  # unknown ones are refused below
    )
    if strategy is not None and not has_knob:
        # The estimator's own percentage holds for those strategies only that have such a knob.
        parameters.setdefault("sampling_percentage", None)
    try:
        candidate.set_params(**parameters)
        candidate._check_parameters()
    except (ValueError, TypeError) as error:
        if str(error).startswith(("Unknown sampling_strategy", f"The strategy {name!r}")):
            raise
        raise type(error)(f"The strategy {name!r}: {error}") from error
    return candidate
