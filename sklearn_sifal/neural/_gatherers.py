"""Where a net's batches come from: arrays in memory, or any torch Dataset."""

# Any: a Dataset's items may be anything, and skorch has no types.

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from skorch.dataset import Dataset, unpack_data
from torch.utils.data import DataLoader, Subset

from sklearn_sifal._devices import tensors_on
from sklearn_sifal._inputs import check_columns
from sklearn_sifal.batches._as_array import as_array
from sklearn_sifal.batches._device_batches import make_row_gatherer
from sklearn_sifal.batches._row_batches import RowBatch, RowGatherer
from sklearn_sifal.neural._kept_targets import find_kept_targets

# What bulk gathering does as a DataLoader would; with any other argument there is one.
_BULK_ARGUMENTS = {"batch_size", "shuffle", "drop_last"}

_TARGETS_PER_BATCH = 128


class Gatherer(Protocol):
    """Something that copies chosen rows of the data into batches."""

    @property
    def y(self) -> NDArray[Any]:
        """Targets, one entry per row."""

    def __len__(self) -> int:
        """Number of rows."""

    def as_tensor(self, values: NDArray[Any]) -> torch.Tensor:
        """Put weights on the device of the inputs."""

    def gather(self, rows: NDArray[np.int64], batch_size: int) -> Iterator[tuple[slice, Any, Any]]:
        """Yield (positions in `rows`, inputs, targets), a batch at a time, in order."""


class DatasetGatherer:
    """Fetches rows of a map-style torch Dataset through one DataLoader.

    The loader is kept, and with it its worker processes, however many selections a
    round has.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Has ``__len__`` and ``__getitem__``; items are pairs of input and target.
    make_loader : callable
        ``make_loader(dataset, batch_sampler)`` returns the DataLoader.
    device : torch.device
        Where weights are put; the net itself moves inputs and targets.
    """

    def __init__(
        self, dataset: Any, make_loader: Callable[[Any, "_Batches"], Any], device: torch.device
    ) -> None:
        self.dataset = dataset
        self.device = device
        self._batches = _Batches()
        self._loader = make_loader(dataset, self._batches)

    @cached_property
    def y(self) -> Any:
        """Targets: those the dataset keeps, else something that reads every item when asked."""
        known = find_kept_targets(self.dataset, self._read_a_few_targets)
        return TargetsOnDemand(self) if known is None else known

    def __len__(self) -> int:
        return len(self.dataset)

    def as_tensor(self, values: NDArray[Any]) -> torch.Tensor:
        """Put weights on the device."""
        return torch.from_numpy(values.astype(np.float32)).to(self.device)

    def gather(self, rows: NDArray[np.int64], batch_size: int) -> Iterator[tuple[slice, Any, Any]]:
        """Yield (positions in `rows`, inputs, targets), a batch at a time, in order."""
        starts = range(0, len(rows), batch_size)
        self._batches.rows = [rows[start : start + batch_size].tolist() for start in starts]
        with tensors_on():  # where it draws a seed from its generator, which is there
            batches = iter(self._loader)
        for start, batch in zip(starts, batches, strict=True):
            X, y = unpack_data(batch)
            yield slice(start, min(start + batch_size, len(rows))), X, y

    def read_targets(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Targets of rows, from their items."""
        parts = [as_array(y) for _, _, y in self.gather(rows, _TARGETS_PER_BATCH)]
        return np.concatenate(parts)

    def _read_a_few_targets(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        # Every pass draws a seed for worker processes: the training's are to be the same.
        generator = getattr(self._loader, "generator", None)
        before = None if generator is None else generator.get_state()
        try:
            return self.read_targets(rows)
        finally:
            if generator is not None:
                generator.set_state(before)


class TargetsOnDemand:
    """Targets that become an array, by reading the whole dataset, when one is asked for.

    Few strategies look at targets, and reading every item costs as much as an epoch.

    Parameters
    ----------
    gatherer : DatasetGatherer
        The data.
    """

    def __init__(self, gatherer: DatasetGatherer) -> None:
        self._gatherer = gatherer
        self._targets: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self._gatherer)

    def __getitem__(self, rows: Any) -> Any:
        return np.asarray(self)[rows]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if self._targets is None:
            self._targets = self._gatherer.read_targets(np.arange(len(self)))
        return np.array(self._targets, dtype=dtype, copy=copy)

    def __reduce__(self) -> Any:  # a strategy may keep them, and a loader is not to be pickled
        return np.asarray, (np.asarray(self),)


class _Batches:
    """A batch sampler that is told what to yield before every pass."""

    def __init__(self) -> None:
        self.rows: list[list[int]] = []

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class AllBatches:
    """All rows in order, for prediction and validation; can be iterated again and again.

    Parameters
    ----------
    gatherer : Gatherer
        The data.
    batch_size : int
        Rows per batch.
    """

    gatherer: Gatherer
    batch_size: int

    def __iter__(self) -> Iterator[RowBatch]:
        rows = np.arange(len(self.gatherer))
        for where, X, y in self.gatherer.gather(rows, self.batch_size):
            yield RowBatch(rows[where], X, y)

    def __len__(self) -> int:
        return math.ceil(len(self.gatherer) / self.batch_size)


def bulk_gatherer(
    dataset: Any,
    iterator: Any,
    arguments: dict[str, Any],
    device: torch.device,
    *,
    repeatedly: bool = False,
) -> RowGatherer | None:
    """Of skorch's own Dataset of arrays, with dense batches; None where it would not do the same.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        The data, possibly as a Subset.
    iterator : class
        The net's iterator.
    arguments : dict
        Its arguments.
    device : torch.device
        Where the batches are put.
    repeatedly : bool, default=False
        Whether rows are wanted more than once.
    """
    if iterator is not DataLoader or not set(arguments) <= _BULK_ARGUMENTS:
        return None
    positions: NDArray[np.int64] | None = None
    while type(dataset) is Subset:
        indices = np.asarray(dataset.indices)
        positions = indices if positions is None else indices[positions]
        dataset = dataset.dataset
    if type(dataset) is not Dataset:
        return None
    X, y = _plain_inputs(dataset.X), _plain_targets(dataset)
    if X is None or y is None or X.shape[0] != len(dataset):
        return None
    if positions is not None:
        y = y[positions]
    return make_row_gatherer(X, y, device, positions, repeatedly=repeatedly, dense=True)


def _plain_inputs(X: Any) -> Any:
    """X as an array or CSR matrix that can be gathered in bulk; None if it cannot."""
    if sp.issparse(X):
        if X.format != "csr" or X.dtype.kind not in "fiu":
            return None
        check_columns(X)
        return X
    return _plain_array(X)


def _plain_targets(dataset: Any) -> NDArray[Any] | None:
    if dataset.y is None:
        # What skorch puts in their place.
        return np.zeros((len(dataset), 1), np.float32)
    is_series = hasattr(dataset.y, "to_numpy") and getattr(dataset.y, "ndim", 0) == 1
    return _plain_array(dataset.y.to_numpy() if is_series else dataset.y)


def _plain_array(values: Any) -> NDArray[Any] | None:
    """Numbers as an array, without copying a tensor; None if they are something else."""
    if isinstance(values, torch.Tensor):
        plain = values.device.type == "cpu" and values.layout == torch.strided
        if not plain or values.requires_grad or values.dtype == torch.bfloat16:
            return None
        values = values.numpy()
    if not isinstance(values, np.ndarray) or values.ndim == 0:
        return None
    return values if values.dtype.kind in "fiub" and values.dtype.isnative else None
