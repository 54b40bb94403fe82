"""Batches for an accelerator: from data that live there, or copied while it computes."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_sifal.batches._by_column import BlockByColumn
from sklearn_sifal.batches._row_batches import (
    RowGatherer,
    SparseRows,
    take_csr_rows,
)

# The share of the free memory that data may take; weights, moments and activations
# want the rest.
_SHARE_OF_MEMORY = 0.25
# A block is larger than on the CPU, where it is to stay in the cache: here every block
# has copies and launches of its own.
_VALUES_PER_BLOCK = 1 << 22


def make_row_gatherer(
    X: Any,
    y: NDArray[Any],
    device: torch.device,
    samples: NDArray[np.int64] | None = None,
    *,
    repeatedly: bool = False,
) -> RowGatherer:
    """The way to gather rows that suits the device and the size of the data.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...) or scipy CSR matrix or array
        Inputs.
    y : ndarray of shape (n_rows,)
        Targets.
    device : torch.device
        Where the batches are put.
    samples : ndarray of shape (n_rows,), int64, or None
        Which of the samples the rows are; None for all.
    repeatedly : bool, default=False
        Whether rows are wanted more than once, as in a training: data are then copied to an
        accelerator as a whole if there is room.
    """
    if device.type == "cpu":
        return RowGatherer(X, y, device, samples)
    if repeatedly and _n_bytes(X) + y.nbytes <= _SHARE_OF_MEMORY * free_memory(device):
        return ResidentGatherer(X, y, device, samples)
    return StreamingGatherer(X, y, device, samples)


def free_memory(device: torch.device) -> int:
    """Bytes of an accelerator that nobody uses; 0 where that cannot be told."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":  # shares the memory of the machine: a fixed part of it
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return 0


def to_device(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy an array, which can be written to, without waiting for what the device is doing."""
    tensor = torch.from_numpy(values)
    if device.type == "cuda":
        # From pinned memory the copy is done beside the computation; torch does not use
        # that memory again before it is done.
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


class StreamingGatherer(RowGatherer):
    """Gathers blocks of rows on the host and copies them to the device; see `RowGatherer`."""

    _values_per_block = _VALUES_PER_BLOCK

    def as_tensor(self, values: NDArray[Any]) -> torch.Tensor:
        """Put weights beside the inputs: on their device, in their type."""
        return to_device(values.astype(self.X.dtype), self.device)

    def _targets(self, block: NDArray[np.int64]) -> torch.Tensor:
        return to_device(self.y[block], self.device)

    def _dense_batches(self, block: NDArray[np.int64], batch_size: int) -> Iterator[torch.Tensor]:
        yield from torch.split(to_device(self.X[block], self.device), batch_size)

    def _sparse_batches(self, block: NDArray[np.int64], batch_size: int) -> Iterator[SparseRows]:
        indptr, indices, values = take_csr_rows(self.X, block)
        yield from split_rows(
            indptr,
            to_device(indices, self.device),
            to_device(values, self.device),
            self.X.shape[1],
            batch_size,
        )


class ResidentGatherer(StreamingGatherer):
    """Copies all data to the device once, and gathers batches there; see `RowGatherer`."""

    def __init__(
        self,
        X: Any,
        y: NDArray[Any],
        device: torch.device,
        samples: NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__(X, y, device, samples)
        self._y = _copy_of_all(y, device)
        if self.is_sparse:
            self._indices = _copy_of_all(X.indices, device)
            self._values = _copy_of_all(X.data, device)
        else:
            self._X = _copy_of_all(X, device)

    def _targets(self, block: NDArray[np.int64]) -> torch.Tensor:
        return self._y.index_select(0, to_device(block, self.device))

    def _dense_batches(self, block: NDArray[np.int64], batch_size: int) -> Iterator[torch.Tensor]:
        for rows in torch.split(to_device(block, self.device), batch_size):
            yield self._X.index_select(0, rows)

    def _sparse_batches(self, block: NDArray[np.int64], batch_size: int) -> Iterator[SparseRows]:
        # The lengths of the rows are read on the host, which needs them without waiting.
        starts = self.X.indptr[block].astype(np.int64)
        indptr = np.zeros(len(block) + 1, dtype=np.int64)
        np.cumsum(self.X.indptr[block + 1] - starts, out=indptr[1:])
        total = int(indptr[-1])
        # Runs [start, start + length) laid end to end, as in `take_csr_rows`.
        shifts = to_device(starts - indptr[:-1], self.device)
        row_of_value = _row_of_value(to_device(indptr, self.device), total)
        positions = shifts[row_of_value] + torch.arange(total, device=self.device)
        yield from split_rows(
            indptr,
            self._indices.index_select(0, positions),
            self._values.index_select(0, positions),
            self.X.shape[1],
            batch_size,
        )


def split_rows(
    indptr: NDArray[Any],
    indices: torch.Tensor,
    values: torch.Tensor,
    n_features: int,
    batch_size: int,
) -> Iterator[SparseRows]:
    """Batches of a block of CSR rows that is on the device, with their columns.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), integer
        On the host.
    indices, values : Tensor of shape (n_values,)
        On the device.
    n_features : int
        Number of columns.
    batch_size : int
        Rows of a batch.
    """
    device = values.device
    bounds: list[int] = indptr.tolist()
    on_device = to_device(indptr.astype(np.int64), device)
    row_of_value = _row_of_value(on_device, len(values))
    block = BlockByColumn(bounds, indices, row_of_value, n_features, batch_size)
    n_rows = len(bounds) - 1
    for number, first in enumerate(range(0, n_rows, batch_size)):
        stop = min(first + batch_size, n_rows)
        begin, end = bounds[first], bounds[stop]
        yield SparseRows(
            (on_device[first : stop + 1] - begin).to(indices.dtype),
            indices[begin:end],
            values[begin:end],
            n_features,
            partial(block.batch, number),
        )


def _copy_of_all(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy an array in blocks: it may be a file, and read-only, and may not fit pinned memory."""
    dtype = torch.from_numpy(np.empty(0, values.dtype)).dtype
    copy = torch.empty(values.shape, dtype=dtype, device=device)
    step = max(1, _VALUES_PER_BLOCK // max(1, values[:1].size))
    for start in range(0, len(values), step):
        block = np.array(values[start : start + step])
        copy[start : start + step].copy_(to_device(block, device))
    return copy


def _row_of_value(indptr: torch.Tensor, n_values: int) -> torch.Tensor:
    """Row that each value is in; given their number, without waiting for the device."""
    rows = torch.arange(len(indptr) - 1, device=indptr.device)
    return torch.repeat_interleave(rows, indptr.diff(), output_size=n_values)


def _n_bytes(X: Any) -> int:
    return int(X.indices.nbytes + X.data.nbytes if hasattr(X, "indptr") else X.nbytes)
