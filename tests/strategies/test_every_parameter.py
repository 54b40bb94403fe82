"""Every parameter of every strategy does something: no parameter is without effect."""

import inspect
from typing import Any

import numpy as np
import pytest

from sklearn_sifal.strategies import (
    STRATEGIES,
    FunctionStrategy,
    Percentile,
    Robust,
    SamplingStrategy,
)

N, ROUNDS = 160, 9


def hardest_quarter(losses: Any, rng: np.random.Generator) -> Any:
    return np.argsort(-losses)[: len(losses) // 4]


def easiest_quarter(losses: Any, rng: np.random.Generator) -> Any:
    return np.argsort(losses)[: len(losses) // 4]


def function(function: Any = hardest_quarter, **parameters: Any) -> SamplingStrategy:
    return FunctionStrategy(function, **parameters)


def robust(strategy: Any = None, **parameters: Any) -> SamplingStrategy:
    return Robust(Percentile(30, refresh="epoch") if strategy is None else strategy, **parameters)


MAKE = {**STRATEGIES, "function": function, "robust": robust}
CLASSES = {**STRATEGIES, "function": FunctionStrategy, "robust": Robust}

#: Another value of each shared parameter, and what it needs beside it.
SHARED: dict[str, tuple[Any, dict[str, Any]]] = {
    "percentage": (35, {}),
    "warmup_epochs": (3, {}),
    "final_epochs": (2, {}),
    "refresh": ("epoch", {}),
    "exploration": (0.3, {}),
    "max_visits": (3, {}),
    "min_fraction": (0.95, {}),
}
#: The same of each other parameter, and of shared ones that need something else.
OWN: dict[str, dict[str, tuple[Any, dict[str, Any]]]] = {
    "importance": {"alpha": (0.0, {}), "uniform": (0.7, {}), "epsilon": (3.0, {})},
    "guarded_importance": {
        "growth": (1.0, {}),
        "correction": (1.0, {}),
        "margin": (4.0, {}),
        "chance_loss": (0.3, {}),
        "noise_floor": (1.0, {}),
        "alpha": (0.0, {}),
        "uniform": (0.7, {}),
        "epsilon": (3.0, {}),
    },
    "heap": {
        "size": (20, {"max_visits": 2}),  # else the hardest rows alone come up
        "steps": (3, {}),
        "start_at": (3, {}),
        "reset_every": (70, {"max_visits": 2}),
        "shuffle": (False, {"steps": 3}),
        "largest": (False, {}),
    },
    "infobatch": {"delta": (0.4, {})},
    "orderdp": {"pool_fraction": (1.0, {})},
    "seta": {"n_groups": (4, {}), "alpha": (0.2, {}), "delta": (0.4, {})},
    "selective_backprop": {
        "variant": ("rank", {}),
        "history_size": (4, {}),
        "staleness": (3, {}),
        "start": (0.5, {}),
        "end": (0.5, {}),
        "interrupt": (2, {}),
    },
    "online_batch": {
        "s_e": (3.0, {}),
        "s_e_end": (50.0, {}),
        "r_ratio": (0.5, {}),
        "r_freq": (2.0, {}),
    },
    "ordered_sgd": {"adaptive": (True, {})},
    "prioritized": {
        "variant": ("rank", {}),
        "alpha": (0.0, {}),
        "beta": (1.0, {}),
        "uniform": (0.5, {}),
        "epsilon": (3.0, {}),
    },
    "gradient_norm": {
        # Else it trains on all rows, since nothing is gained by a choice.
        "percentage": (50, {"threshold": 0.0}),
        "threshold": (0.0, {}),
        "momentum": (0.0, {"threshold": 1.1}),
        "kappa": (50.0, {}),
    },
    "self_paced": {"growth": (3.0, {}), "per_class": (True, {})},
    "rho_loss": {"estimator": ("another", {}), "cv": (3, {})},
    "kakurenbo": {"tau": (0.95, {}), "steps": ((), {})},
    "instance_early_stopping": {
        # With the default every row still changes in so short a training.
        "delta": (1.0, {}),
        "window": (1, {"delta": 0.3}),
        "exploration": (0.5, {"delta": 1.0}),
        "min_fraction": (0.95, {"delta": 1.0}),
        "final_epochs": (1, {"delta": 1.0}),
        "warmup_epochs": (8, {"delta": 1.0}),
    },
    "evolved": {"beta1": (0.9, {}), "beta2": (0.1, {}), "set_fraction": (0.5, {})},
    "repb": {"max_weight": (1.0, {})},
    "function": {"function": (easiest_quarter, {})},
    "robust": {
        "strategy": (Percentile(60), {}),
        "score": ("trajectory", {}),
        "beta1": (0.9, {}),
        "beta2": (0.1, {"beta1": 0.9}),
        "window": (3, {"score": "trajectory"}),
    },
}
#: `Base` takes a percentage, and ignores it, so that a grid over percentages can have it.
IGNORED = {("base", "percentage")}

CASES = [
    (name, parameter)
    for name, cls in CLASSES.items()
    for parameter in inspect.signature(cls).parameters
]


def losses_of(round_: int) -> Any:
    """Losses that fall and jump; a fifth of the rows are never learnt, some are right at once."""
    rng = np.random.default_rng(0)
    levels = rng.lognormal(-0.5, 1.0, N)
    jumps = np.random.default_rng(round_ + 1).uniform(0.5, 1.5, N)
    losses = levels * jumps * 0.8**round_
    losses[:32] = 6.0 + jumps[:32]
    return losses.astype(np.float32)


def out_of_fold(estimator: Any, cv: int) -> Any:
    return np.random.default_rng(cv + 100 * (estimator is not None)).random(N)


def trace(strategy: SamplingStrategy, driver: Any) -> list[Any]:
    """All that a training shows of a strategy: what was drawn, scored and evicted, and how."""
    run = driver(
        strategy,
        losses_of(0),
        batch_size=8,
        seed=3,
        y=np.arange(N) % 4,
        max_rounds=ROUNDS,
        budget=100 * N,
        trusted=np.arange(N) >= 100,
        out_of_fold_losses=out_of_fold,
    )
    seen: list[Any] = []
    for round_ in range(ROUNDS):
        run.losses = losses_of(round_)
        for selection in run.selections():
            weights = None if selection.weights is None else selection.weights.tolist()
            seen.append((round_, selection.rows.tolist(), weights, selection.lr_scale))
        seen.append((run.table.visits.tolist(), run.table.evicted.tolist()))
    return [*seen, *((epoch, rows.tolist()) for epoch, rows, _ in run.score_calls)]


@pytest.mark.parametrize("name, parameter", [case for case in CASES if case not in IGNORED])
@pytest.mark.filterwarnings("ignore:max_visits=:UserWarning")
def test_it_changes_what_is_done(name: str, parameter: str, driver: Any) -> None:
    value, beside = OWN.get(name, {}).get(parameter) or SHARED[parameter]
    before = trace(MAKE[name](**beside), driver)
    assert before == trace(MAKE[name](**beside), driver)
    assert before != trace(MAKE[name](**{**beside, parameter: value}), driver)


def test_what_is_ignored_does_nothing(driver: Any) -> None:
    for name, parameter in IGNORED:
        assert trace(MAKE[name](), driver) == trace(MAKE[name](**{parameter: 35}), driver)


def test_the_tables_name_parameters_that_there_are() -> None:
    for name, parameters in OWN.items():
        assert parameters.keys() <= inspect.signature(CLASSES[name]).parameters.keys()
    shared = SamplingStrategy().get_params()
    assert shared.keys() | {"percentage"} == SHARED.keys()
