"""Fitted models for the Displays to draw, and ways to read what they drew."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _no_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")


@pytest.fixture(scope="session")
def texts() -> Any:
    """A pipeline on texts with four string labels, fitted with everything recorded."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline

    from sklearn_sifal import LossSampledClassifier
    from sklearn_sifal.datasets import make_intents

    X, y = make_intents(300, n_intents=4, random_state=0)
    net = LossSampledClassifier(
        "percentile",
        sampling_percentage=40,
        hidden_layer_sizes=(8,),
        budget=3,
        record="history",
        random_state=0,
    )
    model = make_pipeline(CountVectorizer(), net).fit(X, y)
    return SimpleNamespace(model=model, net=model[-1], X=X, y=np.asarray(y))


@pytest.fixture(scope="session")
def numbers() -> Any:
    """A net on numbers with two labels, trained for one round, with the losses alone."""
    from sklearn_sifal import LossSampledClassifier

    X = np.random.default_rng(0).normal(size=(60, 4))
    y = (X[:, 0] > 0).astype(int)
    net = LossSampledClassifier("base", budget=1, max_epochs=1, batch_size=16, random_state=0)
    return SimpleNamespace(model=net.fit(X, y), net=net, X=X, y=y)


@pytest.fixture(scope="session")
def regression() -> Any:
    """A regressor, whose losses are not in nats."""
    from sklearn_sifal import LossSampledRegressor

    X = np.random.default_rng(0).normal(size=(60, 4))
    y = X[:, 0] * 3
    net = LossSampledRegressor("base", budget=3, batch_size=16, record="history", random_state=0)
    return SimpleNamespace(model=net.fit(X, y), net=net, X=X, y=y)


@pytest.fixture
def read() -> Any:
    """Functions that read what axes say."""

    def ticks(axis: Any) -> list[str]:
        return [label.get_text() for label in axis.get_ticklabels()]

    def legend(axes: Any) -> list[str]:
        return [text.get_text() for text in axes.get_legend().get_texts()]

    def heights(bars: Any) -> list[float]:
        return [float(bar.get_height()) for bar in bars]

    return SimpleNamespace(ticks=ticks, legend=legend, heights=heights)
