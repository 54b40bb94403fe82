"""The rounds of a training: ask the strategy, gather the rows, keep the books."""

# Any: out-of-fold losses may be those of any estimator; `n_classes` is looked for on demand.

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal._inputs import Inputs
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.batches._row_batches import RowBatch
from sklearn_sifal.neural._gatherers import Gatherer
from sklearn_sifal.neural._ledger import StepLedger
from sklearn_sifal.neural._measures import check_measures
from sklearn_sifal.neural._schedule import LR_SCHEDULES, Budget
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._selection import (
    DrawContext,
    Selection,
    SetupOnDemand,
    check_selection,
)

#: What a history says of a round, by name.
Figures = dict[str, float]
#: Weights of a module, by name.
Weights = dict[str, NDArray[Any]]
Scorer = Callable[[Gatherer, NDArray[np.int64], Sequence[str]], dict[str, NDArray[Any]]]


class ObservedNet(Protocol):
    """What is asked of a net between two rounds."""

    def get_weights(self) -> Weights:
        """Copies of the weights by name."""

    def set_weights(self, weights: Weights) -> None:
        """Load weights by name."""

    def get_dataset(
        self, X: Inputs, y: NDArray[Any], samples: NDArray[np.int64] | None
    ) -> Gatherer:
        """Wrap rows to predict for."""

    def forward(self, X: Gatherer) -> torch.Tensor:
        """Outputs for all of them."""

    def get_loss(self, y_pred: torch.Tensor, y_true: torch.Tensor) -> torch.Tensor:
        """One loss per row."""


class RoundObserver(Protocol):
    """Something told of the end of every round; it may ask to stop.

    Attributes
    ----------
    records_rows : bool
        Whether it looks at the rows of the round.
    """

    records_rows: bool = False

    def after_round(self, net: ObservedNet, rounds: "Rounds", figures: Figures) -> bool:
        """Return True to stop the training. `figures` may be added to."""


@dataclass
class TrainingPlan:
    """Everything that one training is told beside the data.

    Attributes
    ----------
    strategy : SamplingStrategy
        Chooses the rows.
    table : LossTable
        Written to.
    budget : Budget
        What may be spent.
    order, selection : numpy.random.Generator
        Streams for the order of the rows and for the strategy.
    batch_size : int
        Rows per step.
    shuffle : bool
        Whether the rows of a selection come in random order.
    row_weights : ndarray of shape (n_rows,) or None
        Sample times class weights, with mean 1; None for ones.
    schedule : callable
        Factor on the learning rate for a progress in [0, 1).
    drop_last : bool
        Whether a selection's last batch is left out if it is smaller than the others.
    row_numbers : ndarray of shape (n_rows,), int64, or None
        Numbers by which the caller knows the rows, for messages; None for 0, 1, 2, ...
    first_epoch : int
        Number given to the first round.
    observers : list of RoundObserver
        Told after every round, in this order.
    irreducible_losses : ndarray of shape (n_rows,), float64, or None
        Handed to the strategy; see `Setup`.
    trusted : ndarray of shape (n_rows,), bool, or None
        Handed to the strategy; see `Setup`.
    n_classes : int, None or callable
        See `Setup`; a function without arguments is called if the strategy asks.
    out_of_fold_losses : callable or None
        Handed to the strategy; see `Setup`.
    history : list of dict of str to float
        Figures of the rounds that are over.
    """

    strategy: SamplingStrategy
    table: LossTable
    budget: Budget
    order: np.random.Generator
    selection: np.random.Generator
    batch_size: int
    shuffle: bool
    row_weights: NDArray[Any] | None = None
    schedule: Callable[[float], float] = LR_SCHEDULES["constant"]
    drop_last: bool = False
    row_numbers: NDArray[np.int64] | None = None
    first_epoch: int = 0
    observers: list[RoundObserver] = field(default_factory=list)
    irreducible_losses: NDArray[np.float64] | None = None
    trusted: NDArray[np.bool_] | None = None
    out_of_fold_losses: Callable[[Any, int], NDArray[np.float64]] | None = None
    n_classes: Any = None
    history: list[Figures] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TrainingBatch(RowBatch):
    """A batch to be trained on, and who takes down the losses.

    Attributes
    ----------
    rounds : Rounds
        That it is of; see `Rounds.record_step`.
    """

    rounds: "Rounds" = field(kw_only=True)


@dataclass
class _RoundCounts:
    """Sums over one round."""

    rows: list[NDArray[np.int64]] = field(default_factory=list)  # only where an observer wants them
    chosen: NDArray[np.bool_] | None = None
    loss_sum: float = 0.0
    loss_sums: list[float] = field(default_factory=list)  # after each step that was written
    loss_before: NDArray[np.float32] | None = None
    visits: int = 0
    written: int = 0  # of the visits, those whose losses are in the table
    scored: int = 0
    evictions_before: int = 0  # of the whole table, until the round began
    restored_before: int = 0
    steps: int = 0
    seconds_select: float = 0.0
    seconds_score: float = 0.0
    began: float = field(default_factory=perf_counter)


class Rounds:
    """Iterable over the batches of a round; every new iteration is the next round.

    Parameters
    ----------
    plan : TrainingPlan
        Strategy, table, budget and the rest.
    gatherer : Gatherer
        The data.
    score : callable
        ``score(gatherer, rows, measures)``, a forward pass in evaluation mode.
    delayed : bool, default=False
        Whether the losses of training steps stay on the device until the strategy is
        asked again; see `StepLedger`.
    """

    def __init__(
        self, plan: TrainingPlan, gatherer: Gatherer, score: Scorer, *, delayed: bool = False
    ) -> None:
        self.plan = plan
        self.gatherer = gatherer
        self._score_rows = score
        self.ledger = StepLedger(delayed=delayed)
        check_measures(plan.strategy.measures, type(plan.strategy).__name__)
        dynamics = plan.table.dynamics.measures if plan.table.dynamics is not None else ()
        self.step_measures = tuple(
            dict.fromkeys(m for m in (*plan.strategy.measures, *dynamics) if m != "loss")
        )
        self.counts = _RoundCounts()
        setup = SetupOnDemand(
            n_rows=len(gatherer),
            y=lambda: gatherer.y,  # type: ignore[arg-type]
            batch_size=plan.batch_size,
            rng=plan.selection,
            n_classes=plan.n_classes,
            irreducible_losses=plan.irreducible_losses,
            trusted=plan.trusted,
            out_of_fold_losses=plan.out_of_fold_losses,
        )
        began = perf_counter()
        plan.strategy.begin(plan.table, setup)
        # Some strategies fit models of their own here: part of the first round's selecting.
        self._seconds_begin = perf_counter() - began

    @property
    def epoch(self) -> int:
        """Number of the current round, as written into the table."""
        return self.plan.first_epoch + self.plan.budget.rounds

    def __iter__(self) -> Iterator[TrainingBatch]:
        table = self.plan.table
        self.counts = _RoundCounts(
            seconds_select=self._seconds_begin,
            evictions_before=table.n_evictions,
            restored_before=table.n_restored,
        )
        self.counts.began -= self._seconds_begin
        self._seconds_begin = 0.0
        draws = iter(self.plan.strategy.draw(self.plan.table, self._context()))
        while (selection := self._next_selection(draws)) is not None:
            # An exhausted budget still exhausts the draws: some strategies measure
            # the rows that they left out after their last selection.
            if self.plan.budget.visits_left > 0:
                yield from self._batches(selection)

    def _context(self) -> DrawContext:
        budget = self.plan.budget
        return DrawContext(
            epoch=self.epoch,
            progress=budget.progress,
            batch_size=self.plan.batch_size,
            rng=self.plan.selection,
            score=self._score,
            visits_left=budget.visits_left if budget.is_limited else None,
            rounds_left=budget.rounds_left,
            first_epoch=self.plan.first_epoch,
            scored_row_cost=budget.scored_row_cost,
        )

    def _next_selection(self, draws: Iterator[Selection]) -> Selection | None:
        """The next selection, timed without the scoring that it may ask for."""
        self.settle()  # before the strategy, or a scoring pass, looks at the table
        scoring_before = self.counts.seconds_score
        began = perf_counter()
        selection = next(draws, None)
        scoring = self.counts.seconds_score - scoring_before
        self.counts.seconds_select += perf_counter() - began - scoring
        if selection is None:
            return None
        return check_selection(selection, len(self.gatherer), self.plan.strategy)

    def _score(self, rows: NDArray[np.int64], measures: Sequence[str]) -> dict[str, NDArray[Any]]:
        check_measures(measures, type(self.plan.strategy).__name__)
        if len(rows) == 0:
            return {name: np.empty(0, np.float32) for name in ("loss", *measures)}
        began = perf_counter()
        measured = self._score_rows(self.gatherer, rows, measures)
        self.plan.table.record(rows, measured["loss"], epoch=self.epoch, training=False)
        self.plan.strategy.observe(rows, measured, training=False)
        self.counts.scored += len(rows)
        self.plan.budget.scored += len(rows)
        self.counts.seconds_score += perf_counter() - began
        return measured

    def _batches(self, selection: Selection) -> Iterator[TrainingBatch]:
        """Order, cut to the budget, weigh and gather the rows of a selection."""
        rows, weights = self._in_order(selection)
        self._note(rows)
        row_weights = self.plan.row_weights
        if row_weights is not None:
            weights = row_weights[rows] if weights is None else weights * row_weights[rows]
        # All of them at once: a copy to a device for each batch would wait for it each time.
        factors = None if weights is None else self.gatherer.as_tensor(weights)
        for where, X, y in self.gatherer.gather(rows, self.plan.batch_size):
            batch_weights = None if factors is None else factors[where]
            yield TrainingBatch(rows[where], X, y, batch_weights, selection.lr_scale, rounds=self)

    def _note(self, rows: NDArray[np.int64]) -> None:
        """Keep what the figures of the round say of the rows that are trained on."""
        counts = self.counts
        if counts.loss_before is None or counts.chosen is None:
            counts.loss_before = self.plan.table.loss.copy()
            counts.chosen = np.zeros(len(counts.loss_before), dtype=bool)
        counts.chosen[rows] = True
        if any(observer.records_rows for observer in self.plan.observers):
            counts.rows.append(rows)

    def _in_order(
        self, selection: Selection
    ) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        """Rows and weights in the order of training, as many as the budget still pays for."""
        plan, n = self.plan, len(selection)
        room = plan.budget.visits_left
        kept = min(n, room)
        if plan.drop_last and kept > plan.batch_size:
            kept -= kept % plan.batch_size
        if plan.shuffle and selection.weights is None:
            # As by a permutation of their positions, which would be as large as the rows.
            return plan.order.permutation(selection.rows)[:kept], None
        if plan.shuffle:
            order = plan.order.permutation(n)[:kept]
        elif n <= room:
            order = np.arange(kept)
        else:  # a plain cut would always lose the same end of the data
            order = np.sort(plan.order.permutation(n)[:room])[:kept]
        weights = None if selection.weights is None else selection.weights[order]
        return selection.rows[order], weights

    def _known_losses(self) -> tuple[float, float]:
        """What the table said, before the round trained, of the rows it chose and of the rest."""
        before, chosen = self.counts.loss_before, self.counts.chosen
        if before is None or chosen is None:
            return float("nan"), float("nan")
        known = ~np.isnan(before)
        means = [
            float(before[mask].mean(dtype=np.float64)) if mask.any() else float("nan")
            for mask in (known & chosen, known & ~chosen)
        ]
        return means[0], means[1]

    def record_step(
        self, batch: RowBatch, losses: torch.Tensor, measured: Mapping[str, torch.Tensor]
    ) -> None:
        """Count a training step, and write its losses into the table now or later.

        Parameters
        ----------
        batch : RowBatch
            What was trained on.
        losses : Tensor of shape (n,)
            Its losses.
        measured : mapping of str to Tensor of shape (n,)
            The `step_measures`.
        """
        for entry in self.ledger.enter(batch.rows, {"loss": losses, **measured}):
            self._write_step(*entry)
        self.counts.visits += len(batch)
        self.counts.steps += 1
        self.plan.budget.visits += len(batch)

    def settle(self) -> None:
        """Write the losses that are still on the device.

        Raises
        ------
        NonFiniteLossError
            As from the step that it happened in; the visits are counted up to there.
        """
        try:
            for entry in self.ledger.settle():
                self._write_step(*entry)
        except NonFiniteLossError:
            self.plan.budget.visits -= self.counts.visits - self.counts.written
            raise

    def _write_step(self, rows: NDArray[np.int64], measured: dict[str, NDArray[Any]]) -> None:
        losses = measured["loss"]
        self.plan.table.record(rows, losses, epoch=self.epoch, training=True, measured=measured)
        self.plan.strategy.observe(rows, measured, training=True)
        self.counts.loss_sum += float(losses.sum(dtype=np.float64))
        self.counts.loss_sums.append(self.counts.loss_sum)
        self.counts.written += len(rows)

    def close(self, lr: float) -> Figures:
        """End the round and return its figures, which are in the history now."""
        counts, table = self.counts, self.plan.table
        seconds = perf_counter() - counts.began
        chosen_loss, other_loss = self._known_losses()
        figures: Figures = {
            "epoch": self.epoch,
            "visits": counts.visits,
            "scored": counts.scored,
            "validated": 0,  # a validation check adds its rows
            "steps": counts.steps,
            "evicted": int(np.count_nonzero(table.evicted)),
            "newly_evicted": table.n_evictions - counts.evictions_before,
            "restored": table.n_restored - counts.restored_before,
            "lr": lr,
            "train_loss": counts.loss_sum / counts.visits if counts.visits else float("nan"),
            "chosen_loss": chosen_loss,
            "other_loss": other_loss,
            "seconds_select": counts.seconds_select,
            "seconds_score": counts.seconds_score,
            "seconds_train": seconds - counts.seconds_select - counts.seconds_score,
        }
        self.plan.history.append(figures)
        self.plan.budget.rounds += 1
        return figures
