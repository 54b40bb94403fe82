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
    records the same losses, so that a test knows them at any time. What else a strategy may
    measure follows from them: the probability of the label is p = exp(-loss), the row is
    correct if p > 0.5, the largest probability is max(p, 1 - p), the margin is logit(p), and
    'el2n' is as for two classes, sqrt(2) (1 - p). `losses` may be changed between rounds.
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
        progress: float | None = None,
        **setup: Any,
    ) -> None:
        self.strategy = strategy
        self.losses = np.asarray(losses, np.float32)
        self.batch_size = batch_size
        self.visits_left = budget
        self.max_rounds = max_rounds
        self.progress = progress
        self.epoch = 0
        self.rng = np.random.default_rng(seed)
        self.table = LossTable(len(self.losses))
        self.score_calls: list[tuple[int, Any, tuple[str, ...]]] = []
        n = len(self.losses)
        y = setup.pop("y", np.arange(n) % 3)
        # Integers are codes of classes, as in the estimators.
        setup.setdefault("n_classes", int(y.max()) + 1 if y.dtype.kind in "iu" else 0)
        setup.setdefault("out_of_fold_losses", lambda estimator, cv: np.zeros(n))
        self.y, self.setup = y, setup
        strategy.begin(self.table, Setup(n, y, batch_size, self.rng, **setup))

    def measured(self, rows: Any) -> dict[str, Any]:
        """Everything that a forward pass of the stand-in says of rows."""
        losses = self.losses[rows]
        p = np.exp(-losses.astype(np.float64)).clip(1e-12, 1 - 1e-12)
        return {
            "loss": losses,
            "correct": p > 0.5,
            "max_probability": np.maximum(p, 1 - p),
            "margin": np.log(p) - np.log1p(-p),
            "el2n": np.sqrt(2) * (1 - p),
        }

    def score(self, rows: Any, measures: Any) -> dict[str, Any]:
        self.score_calls.append((self.epoch, rows.copy(), tuple(measures)))
        self.table.record(rows, self.losses[rows], epoch=self.epoch, training=False)
        measured = {k: v for k, v in self.measured(rows).items() if k in ("loss", *measures)}
        self.strategy.observe(rows, measured, training=False)
        return measured

    def context(self) -> DrawContext:
        rounds_left = None if self.max_rounds is None else self.max_rounds - self.epoch
        progress = self.progress
        if progress is None:
            progress = 0.0 if self.max_rounds is None else self.epoch / self.max_rounds
        return DrawContext(
            epoch=self.epoch,
            progress=progress,
            batch_size=self.batch_size,
            rng=self.rng,
            score=self.score,
            visits_left=self.visits_left,
            rounds_left=rounds_left,
        )

    def draw(self) -> Selection:
        """The only selection of an epoch-level strategy; the driver stays in the round."""
        (selection,) = self.strategy.draw(self.table, self.context())
        return selection

    def record(self, selection: Selection) -> None:
        """Record a selection as trained on, in batches; the driver stays in the round."""
        for rows in np.split(
            selection.rows, range(self.batch_size, len(selection), self.batch_size)
        ):
            self.table.record(rows, self.losses[rows], epoch=self.epoch, training=True)
            names = ("loss", *self.strategy.measures)
            measured = {k: v for k, v in self.measured(rows).items() if k in names}
            self.strategy.observe(rows, measured, training=True)
        if self.visits_left is not None:
            self.visits_left -= len(selection)

    def train(self, selection: Selection) -> None:
        """Record a selection as trained on, and go to the next round."""
        self.record(selection)
        self.epoch += 1

    def selections(self) -> list[Selection]:
        """One round, each of its selections trained on before the next is drawn."""
        drawn = []
        for selection in self.strategy.draw(self.table, self.context()):
            drawn.append(selection)
            self.record(selection)
        self.epoch += 1
        return drawn

    def round(self) -> Selection:
        """One round, its selections laid end to end; `lr_scale` is the first one's."""
        return joined(self.selections())

    def rounds(self, n: int) -> list[Selection]:
        return [self.round() for _ in range(n)]

    def after_warmup(self) -> "Driver":
        """Skip the warm-up: every loss is known, as if from one scoring pass."""
        rows = np.arange(len(self.losses))
        self.table.record(rows, self.losses, epoch=0, training=False)
        names = ("loss", *self.strategy.measures)
        measured = {k: v for k, v in self.measured(rows).items() if k in names}
        self.strategy.observe(rows, measured, training=False)
        self.epoch = max(1, self.strategy.warmup_epochs)
        return self


def joined(selections: list[Selection]) -> Selection:
    """Selections as one; weights of None stand for ones."""
    rows = np.concatenate([np.empty(0, np.int64), *(s.rows for s in selections)])
    if all(s.weights is None for s in selections):
        return Selection(rows, None, selections[0].lr_scale if selections else 1.0)
    weights = [np.ones(len(s)) if s.weights is None else s.weights for s in selections]
    return Selection(rows, np.concatenate(weights), selections[0].lr_scale)


@pytest.fixture
def driver() -> type[Driver]:
    return Driver
