"""A small comparison that several test files look at."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.comparison import StrategyComparison, compare_strategies
from sklearn_sifal.datasets import make_intents


@pytest.fixture(scope="session")
def texts() -> tuple[list[str], Any, list[str], Any]:
    """Training texts, their labels, test texts, their labels."""
    queries, intents = make_intents(420, random_state=0)
    known = set(np.unique(intents[:300]))
    test = [i for i in range(300, 420) if intents[i] in known]
    return queries[:300], intents[:300], [queries[i] for i in test], intents[test]


@pytest.fixture(scope="session")
def pipeline() -> Callable[..., Any]:
    """Make a pipeline on texts that trains in no time."""

    def make(**parameters: Any) -> Any:
        settings = {"hidden_layer_sizes": (8,), "batch_size": 16, "lr": 0.05}
        return make_pipeline(CountVectorizer(), LossSampledClassifier(**(settings | parameters)))

    return make


@pytest.fixture(scope="session")
def compared(texts: Any, pipeline: Any) -> StrategyComparison:
    """Three strategies, two budgets, three seeds; read only."""
    strategies = {"p30": {"sampling_strategy": "percentile", "sampling_percentage": 30}}
    return compare_strategies(pipeline(), strategies, *texts, budget=[2, 4], n_seeds=3)
