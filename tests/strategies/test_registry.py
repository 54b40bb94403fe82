"""Strategies by name, and what `resolve_strategy` makes of its argument."""

from typing import Any

import pytest

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies import (
    STRATEGIES,
    FunctionStrategy,
    Importance,
    Percentile,
    SamplingStrategy,
)
from sklearn_sifal.strategies._registry import resolve_strategy


def test_names() -> None:
    assert list(STRATEGIES) == [
        "base",
        "percentile",
        "percentage",
        "bottom_percentile",
        "bottom_percentage",
        "random",
        "importance",
        "guarded_importance",
        "heap",
        "infobatch",
        "orderdp",
        "seta",
        "selective_backprop",
        "online_batch",
        "ordered_sgd",
        "prioritized",
        "gradient_norm",
        "self_paced",
        "rho_loss",
        "kakurenbo",
        "instance_early_stopping",
        "evolved",
        "repb",
    ]


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_name_gives_the_class_with_its_defaults(name: str) -> None:
    strategy = resolve_strategy(name)
    assert type(strategy) is STRATEGIES[name]
    assert strategy.get_params() == STRATEGIES[name]().get_params()


@pytest.mark.parametrize("name", [n for n in STRATEGIES if n != "instance_early_stopping"])
def test_a_percentage_goes_to_the_named_strategy(name: str) -> None:
    assert resolve_strategy(name, 12.5).get_params()["percentage"] == 12.5


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InvalidParameterError) as raised:
        resolve_strategy("importence")
    message = str(raised.value)
    assert "Unknown sampling_strategy 'importence'" in message
    for name in STRATEGIES:
        assert repr(name) in message


def test_an_instance_is_cloned() -> None:
    strategy = Percentile(20, exploration=0.1)
    strategy.refreshed_at_ = 3
    resolved = resolve_strategy(strategy)
    assert resolved is not strategy
    assert type(resolved) is Percentile
    assert resolved.get_params() == strategy.get_params()
    assert resolved.refreshed_at_ is None


def test_a_function_is_wrapped() -> None:
    def choose(losses: Any, rng: Any) -> Any:
        return [0]

    resolved = resolve_strategy(choose)
    assert type(resolved) is FunctionStrategy
    assert resolved.function is choose


@pytest.mark.parametrize("strategy", [Importance(), lambda losses, rng: [0]])
def test_a_percentage_needs_a_name(strategy: Any) -> None:
    with pytest.raises(
        InvalidParameterError, match=r"'sampling_percentage' parameter must be None.*Got 30 with"
    ):
        resolve_strategy(strategy, 30)


@pytest.mark.parametrize("strategy", [Importance, SamplingStrategy, None, 3, ["importance"]])
def test_classes_and_other_things_are_refused(strategy: Any) -> None:
    with pytest.raises(
        InvalidParameterError,
        match=r"'sampling_strategy' parameter must be a name, an instance of SamplingStrategy",
    ):
        resolve_strategy(strategy)


def test_a_percentage_is_refused_where_there_is_none() -> None:
    with pytest.raises(
        InvalidParameterError,
        match=r"'sampling_percentage' .* sampling_strategy='instance_early_stopping'.* Got 50",
    ):
        resolve_strategy("instance_early_stopping", 50)
