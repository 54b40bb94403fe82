"""The strategies that prune every round, through the estimator."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.strategies._infobatch import InfoBatch
from sklearn_sifal.strategies._orderdp import OrderDP
from sklearn_sifal.strategies._repb import RePB
from sklearn_sifal.strategies._self_paced import SelfPaced
from sklearn_sifal.strategies._seta import SeTa


@pytest.mark.parametrize(
    "strategy",
    [InfoBatch(), OrderDP(), SeTa(), SelfPaced(), SelfPaced(per_class=True), RePB()],
    ids=repr,
)
def test_a_fit_spends_its_budget_on_smaller_rounds(strategy: Any) -> None:
    X, y = make_classification(2000, random_state=0)
    model = LossSampledClassifier(strategy, budget=6, random_state=0).fit(X, y)
    sizes = [record["visits"] for record in model.history_]
    assert sum(sizes) == model.visit_counts_.sum() == 6 * 2000
    assert sizes[0] == 2000
    assert np.median(sizes[1:-1]) < 2000
    assert model.n_iter_ > 6
    assert model.visit_counts_.min() >= 1
    assert model.score(X, y) > 0.8
