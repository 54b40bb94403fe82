"""Where batches come from: when arrays are gathered in bulk, and what comes out."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from skorch.dataset import Dataset
from torch.utils.data import DataLoader, Subset

from sklearn_sifal.batches._row_batches import RowGatherer, SparseRows
from sklearn_sifal.neural._gatherers import DatasetGatherer, bulk_gatherer

CPU = torch.device("cpu")
X = np.arange(30, dtype=np.float32).reshape(10, 3)
Y = np.arange(10)


class OwnDataset(Dataset):
    """May do anything to its items."""


def bulk(dataset: Any, iterator: Any = DataLoader, **arguments: Any) -> RowGatherer | None:
    return bulk_gatherer(dataset, iterator, arguments, CPU)


def test_values_of_one_place_are_added_up() -> None:
    # Row 0 has 1 + 2 in column 1; row 1 is empty; row 2 has 4 in column 0.
    rows = SparseRows(
        torch.tensor([0, 2, 2, 3]), torch.tensor([1, 1, 0]), torch.tensor([1.0, 2.0, 4.0]), 2
    )
    assert rows.to_dense().tolist() == [[0, 3], [0, 0], [4, 0]]


@pytest.mark.parametrize("container", [np.asarray, torch.from_numpy, sp.csr_array])
def test_subsets_of_subsets(container: Any) -> None:
    inner = Subset(Dataset(container(X), Y), [9, 8, 7, 6])
    gatherer = bulk(Subset(inner, np.array([3, 0])))
    assert gatherer is not None
    assert len(gatherer) == 2
    assert gatherer.y.tolist() == [6, 9]
    ((where, inputs, targets),) = gatherer.gather(np.array([1, 0, 1]), 5)
    assert where == slice(0, 3)
    np.testing.assert_array_equal(inputs, X[[9, 6, 9]])
    assert targets.tolist() == [9, 6, 9]


@pytest.mark.parametrize(
    "dataset, arguments",
    [
        (OwnDataset(X, Y), {}),
        (Dataset({"a": X}, Y), {}),
        (Dataset(X, (Y, Y)), {}),
        (Dataset(X, Y.astype(object)), {}),
        (Dataset(sp.csc_array(X), Y), {}),
        (Dataset(X, Y), {"num_workers": 2}),
        (Dataset(X, Y), {"collate_fn": list}),
        (Dataset(X, Y), {"iterator": lambda *args: None}),
        (Dataset(X, Y, length=4), {}),
    ],
)
def test_whatever_may_do_more_than_index_arrays_goes_through_the_iterator(
    dataset: Any, arguments: Any
) -> None:
    assert bulk(dataset, **arguments) is None


def test_without_targets_there_are_those_of_skorch() -> None:
    gatherer = bulk(Dataset(X, None), batch_size=4, shuffle=True, drop_last=False)
    assert gatherer is not None
    ((_, _, targets),) = gatherer.gather(np.arange(10), 10)
    expected = next(iter(DataLoader(Dataset(X, None), batch_size=10)))[1]
    assert torch.equal(targets, expected)


def test_rows_of_a_dataset_come_as_asked_for() -> None:
    gatherer = DatasetGatherer(
        OwnDataset(X, Y), lambda data, batches: DataLoader(data, batch_sampler=batches), CPU
    )
    for rows in (np.array([3, 3, 0]), np.array([5])):
        found = list(gatherer.gather(rows, 2))
        assert np.concatenate([np.asarray(y) for _, _, y in found]).tolist() == rows.tolist()
        np.testing.assert_array_equal(np.concatenate([x for _, x, _ in found]), X[rows])
        assert [where.stop - where.start for where, _, _ in found] == (
            [2, 1] if len(rows) > 1 else [1]
        )
    assert gatherer.y.tolist() == Y.tolist()
