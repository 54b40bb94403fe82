"""scikit-learn's checks of the classifier under every strategy, with no expected failures."""

from typing import Any
from unittest import SkipTest

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.strategies import STRATEGIES, Percentage

CLASSIFIERS = [
    *(LossSampledClassifier(name) for name in STRATEGIES),
    LossSampledClassifier(Percentage(refresh="epoch", exploration=0.1)),
]

# They need SCIPY_ARRAY_API to be set before scipy is imported.
MAY_BE_SKIPPED = {"check_array_api_input"}


@parametrize_with_checks(CLASSIFIERS)
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


def sizes_of_rounds(strategy: Any, budget: float) -> list[int]:
    X, y = make_classification(2000, random_state=0)
    model = LossSampledClassifier(
        strategy, hidden_layer_sizes=(8,), budget=budget, record="history", random_state=0
    )
    return [len(rows) for rows in model.fit(X, y).selections_]


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "base"])
def test_strategy_selects_among_2000_rows(name: str) -> None:
    """None of them passes the checks by training on everything."""
    sizes = sizes_of_rounds(name, budget=6)
    assert sizes[0] == 2000
    assert min(sizes[:-1]) < 2000  # the last round is cut to the budget anyway
    assert sum(sizes) == 12000


def test_base_takes_all_of_2000_rows() -> None:
    assert sizes_of_rounds("base", budget=3) == [2000] * 3


def test_float32_and_float64_are_kept() -> None:
    X, y = make_classification(100, random_state=0)
    for dtype in (np.float32, np.float64):
        model = LossSampledClassifier(budget=1).fit(X.astype(dtype), y)
        assert model.predict_proba(X).dtype == dtype
