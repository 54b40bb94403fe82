"""The sampler in a DataLoader, with and without worker processes."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from sklearn_sifal.samplers import IndexedDataset, LossSampler
from sklearn_sifal.strategies import HeapQueue, Importance, Percentile, SamplingStrategy
from sklearn_sifal.strategies._selection import Selection

N = 48
LOSSES = np.linspace(0.1, 4.8, N).astype(np.float32)


class Numbers(Dataset[Any]):
    """Item of row r: r itself. Workers move the random state of their process."""

    def __len__(self) -> int:
        return N

    def __getitem__(self, row: int) -> tuple[float]:
        if get_worker_info() is not None:
            torch.rand(3)
        return (float(row),)


def settings_for(n_workers: int) -> dict[str, Any]:
    # A loader takes the seeds of its workers from this generator, or from torch's global one.
    settings = {"generator": torch.Generator()}
    if n_workers == 0:
        return settings
    return {**settings, "num_workers": n_workers, "persistent_workers": True}


def run(
    strategy: Any, n_workers: int, *, n_rounds: int = 3, as_batches: bool = True
) -> tuple[LossSampler, list[list[Any]]]:
    """Train for some rounds; checks rows and weights of every batch on the way."""
    dataset = IndexedDataset(Numbers(), weighted=True)
    if as_batches:
        sampler = LossSampler(dataset, strategy, batch_size=4, random_state=0)
        loader = DataLoader(dataset, batch_sampler=sampler, **settings_for(n_workers))
    else:
        sampler = LossSampler(dataset, strategy, random_state=0)
        loader = DataLoader(dataset, sampler=sampler, batch_size=4, **settings_for(n_workers))
    rounds = []
    for _ in range(n_rounds):
        batches: list[Any] = []
        for x, rows, weights in loader:
            assert x.tolist() == rows.tolist()
            assert set(rows.tolist()) <= set(sampler.pending_rows.tolist())
            sampler.update(rows, LOSSES[rows])
            batches.append((rows.tolist(), weights.tolist()))
        rounds.append(batches)
    return sampler, rounds


def rows_of(batches: list[Any]) -> list[int]:
    return sorted(row for rows, _ in batches for row in rows)


@pytest.mark.parametrize("as_batches", [True, False])
@pytest.mark.parametrize("n_workers", [0, 2])
def test_a_round_is_the_selection(n_workers: int, as_batches: bool) -> None:
    sampler, rounds = run(Percentile(25), n_workers, as_batches=as_batches)
    assert [rows_of(batches) for batches in rounds] == [list(range(N))] + 2 * [
        list(range(36, 48))  # twelve of forty-eight
    ]
    assert sampler.visit_counts.tolist() == [1] * 36 + [3] * 12
    assert sampler.epoch == 2
    assert sampler.pending_rows.tolist() == []


def test_workers_change_nothing_and_weights_travel_with_their_rows() -> None:
    # q = S l / sum(l), at most 24 * 4.8 / 117.6 < 1, and the weight is (S / N) / q, so that
    # weight times loss is the mean loss, 2.45, for every row.
    strategy = Importance(50, alpha=1.0, uniform=0.0, epsilon=1e-9)
    before = torch.get_rng_state()
    _, alone = run(strategy, 0)
    _, helped = run(strategy, 2)
    assert torch.equal(before, torch.get_rng_state())
    assert alone == helped
    for batches in helped[1:]:
        for rows, weights in batches:
            np.testing.assert_allclose(weights * LOSSES[rows], 2.45, rtol=1e-5)
    assert {weight for _, weights in helped[0] for weight in weights} == {1.0}


@pytest.mark.parametrize("n_workers", [0, 2])
def test_heap_draws_as_many_rows_as_there_are_and_repeats_none_that_is_out(n_workers: int) -> None:
    sampler, rounds = run(HeapQueue(), n_workers)
    assert [len(rows_of(batches)) for batches in rounds] == [N, N, N]
    assert sampler.visit_counts.sum() == 3 * N
    # Losses stay as they are. Alone, every batch is the four hardest rows; with batches
    # fetched in advance, those that are out at the same time differ.
    batches = [rows for rows, _ in rounds[2]]
    if n_workers == 0:
        assert rows_of(rounds[2]) == sorted(12 * [44, 45, 46, 47])
    else:
        assert all(not set(one) & set(next_one) for one, next_one in pairwise(batches))
        assert run(HeapQueue(), n_workers)[1] == rounds


class OneAtATime(SamplingStrategy):
    """Draws the rows of the largest known losses, a batch at a time, ten times."""

    per_batch: ClassVar[bool] = True

    def draw(self, table: Any, context: Any) -> Iterator[Selection]:
        losses = np.nan_to_num(table.loss, nan=9.0)
        for _ in range(10):
            order = np.argsort(-losses, kind="stable")
            yield Selection(np.sort(order[: 2 * context.batch_size]))
            losses = np.nan_to_num(table.loss, nan=9.0)


def test_batches_fetched_in_advance_share_no_row() -> None:
    dataset = IndexedDataset(Numbers())
    sampler = LossSampler(dataset, OneAtATime(), batch_size=4, random_state=0)
    sampler.update(range(N), LOSSES)
    loader = DataLoader(dataset, batch_sampler=sampler, **settings_for(2))
    for _ in range(2):
        last: set[int] = set()
        for _, rows in loader:
            now = set(rows.tolist())
            assert not now & last
            last = now
            # Losses fall a little: the same rows stay the largest.
            sampler.update(rows, LOSSES[rows] - 0.01)
    assert sampler.visit_counts[-8:].min() > 2


@pytest.mark.parametrize("n_workers", [0, 2])
def test_a_loop_left_early_loses_nothing(n_workers: int) -> None:
    dataset = IndexedDataset(Numbers())
    sampler = LossSampler(dataset, "percentile", batch_size=4, random_state=0)
    loader = DataLoader(dataset, batch_sampler=sampler, **settings_for(n_workers))
    for _, rows in loader:
        sampler.update(rows, LOSSES[rows])
        break
    seen: list[int] = []
    for _, rows in loader:
        sampler.update(rows, LOSSES[rows])
        seen += rows.tolist()
    # Rows that were fetched and thrown away count no visit and are still unseen.
    assert sampler.epoch == 1
    assert sampler.visit_counts.min() == 1
    assert sampler.visit_counts.sum() == 4 + len(seen)
