"""The sampler without a batch size: the heap's single rows, which it draws many at a time."""

import copy
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from sklearn_sifal.samplers import IndexedDataset, LossSampler
from sklearn_sifal.strategies import HeapQueue, Percentile, Robust, SamplingStrategy, Selection
from sklearn_sifal.strategies._heap import _FIRST_AHEAD
from sklearn_sifal.strategies._selection import DrawContext

# Lifted evictions are warned of, and loops here report what and when they like.
pytestmark = pytest.mark.filterwarnings(
    "ignore:max_visits=:UserWarning", "ignore:LossSampler. :UserWarning"
)


class RowByRow(LossSampler):
    """Asks the strategy for every row on its own, as batches of one are drawn."""

    def _context(self) -> DrawContext:
        return replace(super()._context(), one_by_one=False)


class PlainHeap:
    """The heap's rule in plain Python: one row at a time, the best of a set by looking at all.

    `ties` ranks rows that are measured together, `rng` shuffles the walk.
    """

    def __init__(self, n: int, heap: HeapQueue, ties: Any, rng: np.random.Generator) -> None:
        self.n, self.heap, self.ties, self.rng = n, heap, ties, rng
        self.losses: dict[int, float] = {}
        self.order: dict[int, int] = {}
        self.waiting: set[int] = set()
        self.out: set[int] = set()
        self.evicted: set[int] = set()
        self.visits = [0] * n
        self.n_draws = self.reset_at = 0

    def round(self) -> Iterator[int]:
        """Draw one row for every `next`; all losses are known."""
        self.out, self.visits, self.walk = set(), [0] * self.n, iter(())
        for _ in range(int(np.ceil(self.n * self.heap.percentage / 100))):
            row = self._draw()
            if row is None:
                return
            self.n_draws += 1
            self.out.add(row)
            yield row

    def report(self, rows: list[int], losses: list[float]) -> None:
        for row in sorted(rows, key=lambda row: self.ties[row]):
            self.order[row] = len(self.order) and max(self.order.values()) + 1
        for row, loss in zip(rows, losses, strict=True):
            self.losses[row] = loss
            self.visits[row] += 1
            self.out.discard(row)
            limit = self.heap.max_visits
            if limit is not None and self.visits[row] >= limit:
                self.evicted.add(row)
        self.waiting = (self.waiting | set(rows)) - self.evicted
        self._cut()

    def _draw(self) -> int | None:
        every = self.heap.reset_every
        if every is not None and self.n_draws - self.reset_at >= every:
            self.reset_at = self.n_draws
            self.waiting = set()
            self._lift()
        if len(self.evicted) == self.n:
            self._lift_and_fill()
        base = self._next_of_walk()
        if base is None and self.evicted:
            self._lift_and_fill()
            base = self._next_of_walk()
        if base is None:
            return None
        if self.heap.steps is not None and self.n_draws % self.heap.steps == 0:
            row = base
        else:
            self.waiting.add(base)
            row = self._ranked()[0]
        self.waiting.discard(row)
        self._cut()
        return row

    def _next_of_walk(self) -> int | None:
        for row in self.walk:
            if row not in self.evicted | self.out:
                return row
        rows = np.array(sorted(set(self.losses) - self.evicted), np.int64)
        self.walk = iter((self.rng.permutation(rows) if self.heap.shuffle else rows).tolist())
        return next((row for row in self.walk if row not in self.evicted | self.out), None)

    def _ranked(self) -> list[int]:
        sign = -1 if self.heap.largest else 1
        return sorted(self.waiting, key=lambda row: (sign * self.losses[row], self.order[row]))

    def _cut(self) -> None:
        if self.heap.size is not None:
            self.waiting = set(self._ranked()[: self.heap.size])

    def _lift(self) -> None:
        self.evicted, self.visits = set(), [0] * self.n

    def _lift_and_fill(self) -> None:
        self._lift()
        self.waiting |= set(self.losses) - self.out
        self._cut()


HEAPS = st.builds(
    HeapQueue,
    st.sampled_from([10.0, 60.0, 100.0]),
    size=st.sampled_from([None, 1, 3, 20]),
    steps=st.sampled_from([None, 1, 2, 5]),
    max_visits=st.sampled_from([None, 1, 3]),
    reset_every=st.sampled_from([None, 7, 40]),
    shuffle=st.booleans(),
    largest=st.booleans(),
)
LOSS = st.integers(0, 6).map(float)  # few of them, for ties


def state_of(sampler: LossSampler) -> Any:
    heap = sampler.strategy
    return {
        "pending": sampler.pending_rows.tolist(),
        "queue": heap.queue_.tolist(),
        "history": heap.history_.tobytes(),
        "evicted": heap.evicted_.tolist(),
        "table": sampler.loss_table.tobytes(),
        "n_draws": heap.n_draws_,
    }


@settings(max_examples=40, deadline=None)
@given(heap=HEAPS, n=st.integers(2, 150), seed=st.integers(0, 9), data=st.data())
def test_single_rows_are_those_of_a_plain_heap(heap: Any, n: int, seed: int, data: Any) -> None:
    sampler = LossSampler(n, heap, random_state=seed)
    plain = PlainHeap(n, heap, sampler.strategy.ties_, copy.deepcopy(sampler._selection_rng))
    rng = np.random.default_rng(seed)
    first = list(sampler)
    sampler.update(first, losses := rng.integers(0, 7, n).astype(float))
    plain.n_draws = n
    plain.report(first, losses.tolist())
    for _ in range(3):
        rows, expected = iter(sampler), plain.round()
        while True:
            k = data.draw(st.integers(1, 2 * _FIRST_AHEAD), label="rows until a report")
            drawn = [row for row, _ in zip(rows, range(k), strict=False)]
            assert drawn == [row for row, _ in zip(expected, range(k), strict=False)]
            pending = sampler.pending_rows
            assert pending.tolist() == sorted(plain.out)
            n_late = data.draw(st.sampled_from([0, 0, 1, 5]), label="reported later")
            reported = rng.permutation(pending)[n_late:].tolist()
            losses = data.draw(st.lists(LOSS, min_size=len(reported), max_size=len(reported)))
            sampler.update(reported, losses)
            plain.report(reported, losses)
            assert sampler.strategy.queue_["row"].tolist() == plain._ranked()
            if len(drawn) < k or data.draw(st.integers(0, 9), label="break") == 0:
                break


def other_self(sampler: LossSampler, how: str) -> LossSampler:
    """What goes on where a sampler was, of the same kind."""
    if how == "pickle":
        copied: LossSampler = pickle.loads(pickle.dumps(sampler))
        return copied
    heap = sampler.strategy.get_params()
    made = type(sampler)(len(sampler.table), HeapQueue(**heap), random_state=1)
    made.load_state_dict(sampler.state_dict())
    return made


@settings(max_examples=40, deadline=None)
@given(heap=HEAPS, n=st.integers(2, 150), seed=st.integers(0, 9), data=st.data())
def test_a_sampler_is_as_if_rows_were_drawn_one_by_one(
    heap: Any, n: int, seed: int, data: Any
) -> None:
    # Breaks, checkpoints and copies in the middle of a round, rows that were not handed out.
    samplers = [kind(n, heap, random_state=seed) for kind in (LossSampler, RowByRow)]
    rng = np.random.default_rng(seed)
    iterators = [iter(sampler) for sampler in samplers]
    for _ in range(20):
        k = data.draw(st.integers(1, 80), label="rows")
        drawn = [[row for row, _ in zip(it, range(k), strict=False)] for it in iterators]
        assert drawn[0] == drawn[1]
        done = len(drawn[0]) < k
        action = data.draw(st.sampled_from(["report", "report", "look", "other", "load", "pickle"]))
        if action == "report":
            rows = drawn[0][: data.draw(st.integers(0, len(drawn[0])))]
            losses = rng.integers(0, 7, len(rows)).astype(float)
        else:  # of any rows
            rows = rng.choice(n, min(n, 3), replace=False).tolist()
            losses = rng.integers(0, 7, len(rows)).astype(float)
        if action != "look":
            for sampler in samplers:
                sampler.update(rows, losses)
        assert state_of(samplers[0]) == state_of(samplers[1])
        if action in ("load", "pickle"):
            samplers = [other_self(sampler, action) for sampler in samplers]
            assert state_of(samplers[0]) == state_of(samplers[1])
            done = True
        if done or data.draw(st.integers(0, 4), label="break") == 0:
            iterators = [iter(sampler) for sampler in samplers]


@pytest.mark.parametrize("n_workers", [0, 2])
def test_a_loader_gets_what_row_by_row_gives(n_workers: int) -> None:
    n = 300
    losses = np.random.default_rng(0).exponential(size=n).astype(np.float32)
    dataset = IndexedDataset(list(range(n)))
    drawn = []
    for kind in (LossSampler, RowByRow):
        sampler = kind(dataset, HeapQueue(max_visits=7), random_state=0)
        loader = DataLoader(dataset, batch_size=16, sampler=sampler, num_workers=n_workers)
        batches = []
        for _ in range(4):
            for _, rows in loader:
                assert set(rows.tolist()) <= set(sampler.pending_rows.tolist())
                sampler.update(rows, losses[rows] / (1 + sampler.visit_counts[rows]))
                batches.append(rows.tolist())
        assert sampler.pending_rows.tolist() == []
        drawn.append(batches)
    assert drawn[0] == drawn[1]


def after_a_round(strategy: Any, losses: Any) -> LossSampler:
    """A sampler whose first round, on all rows, is over."""
    sampler = LossSampler(len(losses), strategy, random_state=0)
    rows = list(sampler)
    sampler.update(rows, losses[rows])
    return sampler


def test_rows_drawn_ahead_are_not_pending_and_count_as_no_draws() -> None:
    sampler = after_a_round(HeapQueue(), np.arange(200.0))
    rows = iter(sampler)
    assert [next(rows) for _ in range(3)] == [199, 198, 197]
    assert sampler.pending_rows.tolist() == [197, 198, 199]
    assert sampler.strategy.queue_["row"].tolist() == list(range(196, -1, -1))
    assert sampler.strategy.n_draws_ == 203


def test_an_update_in_the_middle_is_seen_by_the_next_draw() -> None:
    sampler = after_a_round(HeapQueue(), np.arange(200.0))
    rows = iter(sampler)
    assert [next(rows) for _ in range(3)] == [199, 198, 197]
    sampler.update([198, 0], [196.5, 1000.0])
    assert [next(rows) for _ in range(4)] == [0, 198, 196, 195]


def count_draws(monkeypatch: pytest.MonkeyPatch, take: Callable[[int], int]) -> tuple[int, int]:
    """How often the heap draws in a round of 4,096 rows, and the number of reports."""
    n_calls = 0
    look_ahead = HeapQueue._look_ahead

    def counted(*args: Any) -> Any:
        nonlocal n_calls
        n_calls += 1
        return look_ahead(*args)

    monkeypatch.setattr(HeapQueue, "_look_ahead", counted)
    sampler = LossSampler(4096, HeapQueue(), random_state=0)
    sampler.update(list(sampler), np.ones(4096))
    rows, n_reports = [], 0
    for row in sampler:
        rows.append(row)
        if len(rows) == take(n_reports):
            sampler.update(rows, np.full(len(rows), 0.5))
            rows, n_reports = [], n_reports + 1
    return n_calls, n_reports


@pytest.mark.parametrize("size", [1, 16, 64, 100, 1000])
def test_the_heap_draws_about_once_a_report(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    n_calls, n_reports = count_draws(monkeypatch, lambda _: size)
    assert n_reports == 4096 // size
    assert n_calls <= n_reports + 8


def test_reports_of_changing_size_double_the_draws_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_calls, n_reports = count_draws(monkeypatch, lambda number: 32 if number % 2 else 16)
    assert n_calls <= 2 * n_reports + 8


def test_a_wrapped_heap_draws_ahead_too() -> None:
    drawn = []
    for kind in (LossSampler, RowByRow):
        sampler = kind(120, Robust(HeapQueue(60)), random_state=0)
        for _ in range(4):
            rows = []
            for row in sampler:
                rows.append(row)
                if len(rows) % 9 == 0:
                    sampler.update(rows[-9:], 0.1 + np.sin(rows[-9:]) ** 2)
        drawn.append(rows)
    assert drawn[0] == drawn[1]


class Halved(SamplingStrategy):
    """Of a user: makes selections of its own from those of a heap, and passes all else on."""

    replacement = True

    def begin(self, table: Any, setup: Any) -> Any:
        super().begin(table, setup)
        self.heap_ = HeapQueue(shuffle=False).begin(table, setup)
        return self

    def draw(self, table: Any, context: Any) -> Iterator[Selection]:
        for selection in self.heap_.draw(table, context):
            yield Selection(selection.rows, np.full(len(selection), 0.5))

    def observe(self, rows: Any, measured: Any, *, training: bool) -> None:
        self.heap_.observe(rows, measured, training=training)


def test_a_selection_that_is_taken_as_a_whole_counts_as_a_whole() -> None:
    sampler = after_a_round(Halved(), np.arange(200.0))
    rows = []
    for row in sampler:
        rows.append(row)
        sampler.update([row], [0.0])
    # The heap's draws of the round are neither lost nor made twice.
    assert len(rows) == 200
    assert sorted(rows[:_FIRST_AHEAD]) == list(range(200 - _FIRST_AHEAD, 200))


@pytest.mark.parametrize("strategy", [Percentile(25), "importance", HeapQueue()])
def test_every_row_is_out_when_it_is_handed_out_and_no_sooner(strategy: Any) -> None:
    sampler = LossSampler(100, strategy, random_state=0)
    for _ in range(3):
        out: set[int] = set()
        for number, row in enumerate(sampler):
            out.add(int(row))
            assert sampler.pending_rows.tolist() == sorted(out)
            if number % 10 == 9:
                sampler.update(sorted(out), 0.5 + np.arange(len(out)))
                out.clear()
