"""A stand-in for training: it draws rounds, records losses and counts visits."""

from typing import Any

import numpy as np
import pytest

from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._selection import DrawContext, Selection, Setup


class Driver:
    """Runs a strategy on fixed losses, without a model.

    `score_calls` holds the (round, rows, measures) of every scoring pass. A training step
    records the same losses, so that a test knows them at any time.
    """

    def __init__(
        self,
        strategy: SamplingStrategy,
        losses: Any,
        *,
        batch_size: int = 1,
        seed: int = 0,
        budget: int | None = None,
        max_rounds: int | None = None,
    ) -> None:
        self.strategy = strategy
        self.losses = np.asarray(losses, np.float32)
        self.batch_size = batch_size
        self.visits_left = budget
        self.max_rounds = max_rounds
        self.epoch = 0
        self.rng = np.random.default_rng(seed)
        self.table = LossTable(len(self.losses))
        self.score_calls: list[tuple[int, Any, tuple[str, ...]]] = []
        n = len(self.losses)
        strategy.begin(self.table, Setup(n, np.zeros(n, np.int64), batch_size, self.rng))

    def score(self, rows: Any, measures: Any) -> dict[str, Any]:
        self.score_calls.append((self.epoch, rows.copy(), tuple(measures)))
        self.table.record(rows, self.losses[rows], epoch=self.epoch, training=False)
        return {"loss": self.losses[rows]}

    def context(self) -> DrawContext:
        rounds_left = None if self.max_rounds is None else self.max_rounds - self.epoch
        return DrawContext(
            epoch=self.epoch,
            progress=0.0,
            batch_size=self.batch_size,
            rng=self.rng,
            score=self.score,
            visits_left=self.visits_left,
            rounds_left=rounds_left,
        )

    def draw(self) -> Selection:
        """One round's selection; the driver stays in the round."""
        (selection,) = self.strategy.draw(self.table, self.context())
        return selection

    def train(self, selection: Selection) -> None:
        """Record a selection as trained on, and go to the next round."""
        rows = selection.rows
        self.table.record(rows, self.losses[rows], epoch=self.epoch, training=True)
        self.strategy.observe(rows, {"loss": self.losses[rows]}, training=True)
        if self.visits_left is not None:
            self.visits_left -= len(rows)
        self.epoch += 1

    def round(self) -> Selection:
        selection = self.draw()
        self.train(selection)
        return selection

    def rounds(self, n: int) -> list[Selection]:
        return [self.round() for _ in range(n)]

    def after_warmup(self) -> "Driver":
        """Skip the warm-up: every loss is known, as if from one training round."""
        rows = np.arange(len(self.losses))
        self.table.record(rows, self.losses, epoch=0, training=False)
        self.epoch = max(1, self.strategy.warmup_epochs)
        return self


@pytest.fixture
def driver() -> type[Driver]:
    return Driver
