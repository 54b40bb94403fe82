"""A sampler with all that any strategy asks for, and rounds of a training without a model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sklearn_sifal.samplers import LossSampler


def _measured(rows: Any, epoch: int) -> dict[str, Any]:
    """Losses and all other measures of two classes, from the row and the round alone."""
    losses = 0.01 + np.abs(np.sin(np.asarray(rows) * 12.3 + 0.2 * epoch))
    p = np.exp(-losses)
    return {
        "loss": losses.astype(np.float32),
        "correct": p > 0.5,
        "max_probability": np.maximum(p, 1 - p),
        "margin": np.log(p) - np.log1p(-p),
        "el2n": np.sqrt(2) * (1 - p),
    }


@pytest.fixture
def make_sampler() -> Callable[..., LossSampler]:
    """Make a sampler of so many rows, in batches of four."""

    def make(n_rows: int, strategy: Any, *, max_epochs: int, seed: int = 0) -> LossSampler:
        return LossSampler(
            n_rows,
            strategy,
            batch_size=4,
            max_epochs=max_epochs,
            score=lambda rows, measures: _measured(rows, 0),
            random_state=seed,
            y=np.arange(n_rows) % 3,
            irreducible_losses=np.linspace(0, 0.5, n_rows),
            trusted=np.arange(n_rows) % 4 == 0,
        )

    return make


@pytest.fixture
def train_round() -> Callable[[LossSampler], list[Any]]:
    """Go through a round and report it; gives the rows of each batch with their weights."""

    def train(sampler: LossSampler) -> list[Any]:
        batches = []
        for batch in sampler:
            batches.append([(int(row), getattr(row, "weight", 1.0)) for row in batch])
            values = _measured(batch, sampler.epoch)
            sampler.update(batch, values.pop("loss"), **values)
        return batches

    return train
