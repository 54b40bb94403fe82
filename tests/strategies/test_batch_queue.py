"""The batch queue against a sorted list, over random operations."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from sklearn_sifal.strategies._batch_queue import ORDER_LIMIT, BatchQueue

VALUES = np.array([0.0, -0.0, 1e-30, 0.25, 0.25, 1.0, 2.5, -1.0, 1e30, -1e30], np.float32)


class SortedList:
    """The same queue, sorted anew whenever it is looked at."""

    def __init__(self, largest: bool) -> None:
        self.sign = -1.0 if largest else 1.0
        self.entries: dict[int, tuple[float, int]] = {}

    def push(self, rows: Any, losses: Any, order: Any) -> None:
        for row, loss, number in zip(rows, losses, order, strict=True):
            self.entries[int(row)] = (float(loss), int(number))

    def ranked(self) -> list[int]:
        return sorted(
            self.entries, key=lambda row: (self.sign * self.entries[row][0], self.entries[row][1])
        )

    def remove(self, rows: list[int]) -> list[int]:
        for row in rows:
            self.entries.pop(row, None)
        return rows


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("recent_limit", [None, 7])
@pytest.mark.parametrize("seed", range(3))
def test_random_operations(largest: bool, recent_limit: int | None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_rows = 150
    queue, model = BatchQueue(n_rows, largest=largest), SortedList(largest)
    if recent_limit is not None:  # so that runs are merged again and again
        queue._recent_limit = recent_limit
    numbers = 0
    for _ in range(1000):
        n = int(rng.integers(0, 30))
        operation = rng.choice(
            ["push", "pop", "drop_lowest", "discard", "clear"], p=[0.5, 0.3, 0.1, 0.09, 0.01]
        )
        rows = rng.choice(n_rows, n, replace=False)
        if operation == "push":
            losses = rng.choice(VALUES, n)
            order = numbers + rng.permutation(n)
            numbers += n
            queue.push(rows, losses, order)
            model.push(rows, losses, order)
        elif operation == "pop":
            assert queue.pop(n).tolist() == model.remove(model.ranked()[:n])
        elif operation == "drop_lowest":
            assert queue.drop_lowest(n).tolist() == model.remove(model.ranked()[::-1][:n])
        elif operation == "discard":
            inside = [row for row in rows.tolist() if row in model.entries]
            entries = [model.entries[row] for row in inside]
            queue.discard(rows)
            model.remove(inside)
            if inside and rng.random() < 0.5:  # as they were
                losses, order = (np.array(values) for values in zip(*entries, strict=True))
                queue.push(np.array(inside), losses.astype(np.float32), order)
                model.push(inside, losses, order)
        else:
            queue.clear()
            model.entries.clear()
        assert len(queue) == len(model.entries)
        np.testing.assert_array_equal(queue.contains(rows), [r in model.entries for r in rows])
        if rng.random() < 0.05:
            check_table(queue, model)
    check_table(queue, model)


def check_table(queue: BatchQueue, model: SortedList) -> None:
    table = queue.to_structured()
    assert table["row"].tolist() == model.ranked()
    expected = [model.entries[row] for row in model.ranked()]
    assert list(zip(table["loss"].tolist(), table["order"].tolist(), strict=True)) == expected


def test_a_queue_of_many_rows() -> None:
    # Larger than a run of recent entries, most of them replaced once.
    rng = np.random.default_rng(0)
    n_rows = 20_000
    losses = rng.exponential(size=n_rows).astype(np.float32)
    queue = BatchQueue(n_rows)
    for shift in (1.0, 0.0):
        for rows in np.split(rng.permutation(n_rows), 40):
            queue.push(rows, losses[rows] + np.float32(shift), rows + n_rows * (shift == 0))
    ranked = np.lexsort((np.arange(n_rows), -losses))
    assert len(queue) == n_rows
    for start in range(0, 3000, 100):
        np.testing.assert_array_equal(queue.pop(100), ranked[start : start + 100])
        np.testing.assert_array_equal(queue.drop_lowest(1), ranked[[-1 - start // 100]])


def test_equal_losses_come_out_by_their_numbers() -> None:
    queue = BatchQueue(10)
    queue.push(np.array([4, 2]), np.float32([1.0, 1.0]), np.array([7, ORDER_LIMIT - 1]))
    queue.push(np.array([3, 0]), np.float32([1.0, 1.0]), np.array([0, 6]))
    np.testing.assert_array_equal(queue.pop(10), [3, 0, 4, 2])


def test_a_row_that_was_popped_may_come_back_as_it_was() -> None:
    queue = BatchQueue(3)
    entry = np.array([1]), np.float32([2.0]), np.array([5])
    for _ in range(3):
        queue.push(*entry)
        np.testing.assert_array_equal(queue.pop(2), [1])
        assert len(queue) == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda queue: pickle.loads(pickle.dumps(queue))])
def test_copies_go_on_alone(copied: Any) -> None:
    queue = BatchQueue(50)
    queue.push(np.arange(50), np.arange(50, dtype=np.float32), np.arange(50))
    queue.pop(3)
    other = copied(queue)
    np.testing.assert_array_equal(other.pop(2), [46, 45])
    np.testing.assert_array_equal(queue.pop(2), [46, 45])
