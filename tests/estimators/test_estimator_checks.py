"""scikit-learn's checks of the estimators under every strategy, with no expected failures."""

from typing import Any
from unittest import SkipTest

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal.strategies import STRATEGIES, Percentage
from sklearn_sifal.strategies._gradient_norm import GradientNormSampling
from sklearn_sifal.strategies._instance_early_stopping import InstanceEarlyStopping

CLASSIFIERS = [
    *(LossSampledClassifier(name) for name in STRATEGIES),
    LossSampledClassifier(Percentage(refresh="epoch", exploration=0.1)),
]

# The other strategies go by measures that only classes have.
FOR_TARGETS = [name for name, make in STRATEGIES.items() if set(make().measures) <= {"loss"}]
REGRESSORS = [
    *(LossSampledRegressor(name) for name in FOR_TARGETS),
    LossSampledRegressor("base", loss="absolute_error"),
    LossSampledRegressor(Percentage(refresh="epoch", exploration=0.1), loss="huber"),
]

# They need SCIPY_ARRAY_API to be set before scipy is imported.
MAY_BE_SKIPPED = {"check_array_api_input"}


@parametrize_with_checks([*CLASSIFIERS, *REGRESSORS])
def test_scikit_learn_check(estimator: Any, check: Any) -> None:
    try:
        check(estimator)
    except SkipTest:
        assert _name_of(check) in MAY_BE_SKIPPED
        raise


def _name_of(check: Any) -> str:
    while hasattr(check, "func"):
        check = check.func
    return str(check.__name__)


def test_checks_of_weights_and_sparse_input_are_among_them() -> None:
    names = {_name_of(check) for _, check in estimator_checks_generator(CLASSIFIERS[0])}
    assert {
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
        "check_estimator_sparse_array",
        "check_classifiers_train",
    } <= names
    names = {_name_of(check) for _, check in estimator_checks_generator(REGRESSORS[0])}
    assert {
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
        "check_estimator_sparse_array",
        "check_regressors_train",
    } <= names


def rounds_of(model: Any, X: Any, y: Any, budget: float) -> list[Any]:
    """Rows of every round."""
    # These two begin to select when it pays, by default later than in the rounds of a test.
    if model.sampling_strategy == "instance_early_stopping":
        model.set_params(sampling_strategy=InstanceEarlyStopping(delta=0.5, window=1))
    if model.sampling_strategy == "gradient_norm":
        model.set_params(sampling_strategy=GradientNormSampling(threshold=0))
    model.set_params(hidden_layer_sizes=(8,), budget=budget, record="history", random_state=0)
    selections: list[Any] = model.fit(X, y).selections_
    return selections


def check_it_selects(rounds: list[Any]) -> None:
    """Some round lacks rows, and none of the budget is lost; some strategies repeat rows."""
    assert len(rounds[0]) == 2000
    assert min(len(np.unique(rows)) for rows in rounds[:-1]) < 2000  # the last one is cut anyway
    assert sum(map(len, rounds)) == 12000


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "base"])
def test_strategy_selects_among_2000_rows(name: str) -> None:
    """None of them passes the checks by training on everything."""
    X, y = make_classification(2000, random_state=0)
    check_it_selects(rounds_of(LossSampledClassifier(name), X, y, budget=6))


@pytest.mark.parametrize("name", [name for name in FOR_TARGETS if name != "base"])
def test_strategy_selects_among_2000_targets(name: str) -> None:
    X, y = make_regression(2000, 10, random_state=0)
    check_it_selects(rounds_of(LossSampledRegressor(name), X, y, budget=6))


def test_base_takes_all_of_2000_rows() -> None:
    X, y = make_classification(2000, random_state=0)
    rounds = rounds_of(LossSampledClassifier("base"), X, y, budget=3)
    assert [len(rows) for rows in rounds] == [2000] * 3


def test_float32_and_float64_are_kept() -> None:
    X, y = make_classification(100, random_state=0)
    for dtype in (np.float32, np.float64):
        model = LossSampledClassifier(budget=1).fit(X.astype(dtype), y)
        assert model.predict_proba(X).dtype == dtype
