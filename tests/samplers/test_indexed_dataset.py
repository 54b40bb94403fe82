"""Items that say which row they are, and what they weigh."""

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset, TensorDataset

from sklearn_sifal.samplers import IndexedDataset, LossSampler
from sklearn_sifal.samplers._indexed_dataset import WeightedRow


@pytest.mark.parametrize(
    "item, expected, weighted",
    [
        (("a", 1), ("a", 1, 2), ("a", 1, 2, 0.5)),
        (["a", 1], ("a", 1, 2), ("a", 1, 2, 0.5)),
        ("a", ("a", 2), ("a", 2, 0.5)),
        ({"x": 1}, {"x": 1, "row": 2}, {"x": 1, "row": 2, "weight": 0.5}),
    ],
)
def test_row_and_weight_join_every_kind_of_item(item: Any, expected: Any, weighted: Any) -> None:
    data = [None, None, item]
    assert IndexedDataset(data)[2] == expected
    assert IndexedDataset(data)[-1] == expected
    assert IndexedDataset(data, weighted=True)[WeightedRow(2, 0.5)] == weighted
    assert IndexedDataset(data).__getitems__([2, 2]) == [expected, expected]


def test_loader_returns_rows_as_int64_and_weights_as_float32() -> None:
    dataset = IndexedDataset(TensorDataset(torch.arange(6.0)), weighted=True)
    loader = DataLoader(dataset, batch_sampler=[[WeightedRow(4, 1.5), 2]])
    ((x, rows, weights),) = list(loader)
    assert x.tolist() == [4, 2]
    assert rows.tolist() == [4, 2]
    assert rows.dtype == torch.int64
    assert weights.tolist() == [1.5, 1.0]
    assert weights.dtype == torch.float32


def test_batched_fetch_of_the_dataset_is_used() -> None:
    class Batched:
        calls: list[Any] = []  # noqa: RUF012

        def __len__(self) -> int:
            return 4

        def __getitem__(self, row: int) -> Any:
            raise AssertionError

        def __getitems__(self, rows: list[int]) -> list[Any]:
            assert all(type(row) is int for row in rows)
            self.calls.append(rows)
            return [(10 * row,) for row in rows]

    dataset = IndexedDataset(Batched(), weighted=True)
    assert dataset.__getitems__([WeightedRow(3, 0.5), 1]) == [(30, 3, 0.5), (10, 1, 1.0)]
    assert Batched.calls == [[3, 1]]


def test_weighted_row_is_an_int_and_survives_pickling() -> None:
    row = pickle.loads(pickle.dumps(WeightedRow(7, 0.25)))
    assert row == 7
    assert row.weight == 0.25
    assert np.arange(10)[row] == 7
    assert torch.arange(10)[row] == 7


def test_bad_input() -> None:
    with pytest.raises(TypeError, match="needs a dataset with __getitem__ and __len__"):
        IndexedDataset(iter([1, 2]))
    with pytest.raises(TypeError, match="'weighted' parameter"):
        IndexedDataset([1], weighted="yes")
    with pytest.raises(ValueError, match="adds the key 'row'"):
        IndexedDataset([{"row": 1}])[0]
    with pytest.raises(IndexError):
        IndexedDataset([1])[1]
    sampler = LossSampler(8, "percentile", batch_size=4)
    for data in (TensorDataset(torch.arange(8.0)), Subset(range(8), range(8))):
        with pytest.raises(TypeError, match="batch_sampler=sampler"):
            next(iter(DataLoader(IndexedDataset(data), sampler=sampler)))


def test_a_row_in_place_of_a_batch_is_named() -> None:
    for row in (3, np.int64(3)):
        with pytest.raises(TypeError, match="3 is one row, where a batch of rows was expected"):
            IndexedDataset(list(range(8))).__getitems__(row)  # type: ignore[arg-type]
