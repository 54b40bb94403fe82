"""Batches for an accelerator: from data that live there, or copied while it computes."""

# Any: scipy has no types.

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_sifal.batches._by_column import row_of_value
from sklearn_sifal.batches._row_batches import (
    VALUES_PER_COPY,
    RowGatherer,
    SparseRows,
    runs_of,
    split_rows,
    to_device,
)

# The share of the free memory that data may take; weights, moments and activations
# want the rest.
_SHARE_OF_MEMORY = 0.25


def make_row_gatherer(
    X: Any,
    y: NDArray[Any],
    device: torch.device,
    samples: NDArray[np.int64] | None = None,
    *,
    repeatedly: bool = False,
    dense: bool = False,
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
    dense : bool, default=False
        Whether batches of a CSR matrix are dense.
    """
    copied = repeatedly and device.type != "cpu"
    fits = copied and _n_bytes(X) + y.nbytes <= _SHARE_OF_MEMORY * free_memory(device)
    kind = ResidentGatherer if fits else RowGatherer
    return kind(X, y, device, samples, dense=dense)


def free_memory(device: torch.device) -> int:
    """Bytes of an accelerator that nobody uses; 0 where that cannot be told."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":  # shares the memory of the machine: a fixed part of it
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return 0


class ResidentGatherer(RowGatherer):
    """Copies all data to the device once, and gathers batches there; see `RowGatherer`."""

    @cached_property
    def _y(self) -> torch.Tensor:
        return _copy_of_all(self.y, self.device)

    @cached_property
    def _parts(self) -> list[torch.Tensor]:
        """The inputs: all of them, or the columns and the values of a CSR matrix."""
        parts = [self.X.indices, self.X.data] if self.is_sparse else [self.X]
        return [_copy_of_all(part, self.device) for part in parts]

    def _targets(self, block: NDArray[np.int64]) -> torch.Tensor:
        return self._y.index_select(0, to_device(block, self.device))

    def _dense_batches(self, block: NDArray[np.int64], batch_size: int) -> Iterator[torch.Tensor]:
        for rows in torch.split(to_device(block, self.device), batch_size):
            yield self._parts[0].index_select(0, rows)

    def _sparse_batches(self, block: NDArray[np.int64], batch_size: int) -> Iterator[SparseRows]:
        # The lengths of the rows are read on the host, which needs them without waiting.
        indptr, shifts = runs_of(self.X, block)
        row = row_of_value(to_device(indptr, self.device), int(indptr[-1]))
        positions = to_device(shifts, self.device)[row] + torch.arange(len(row), device=self.device)
        indices, values = (part.index_select(0, positions) for part in self._parts)
        indptr = indptr.astype(self.X.indices.dtype)
        yield from split_rows(indptr, indices, values, self.X.shape[1], batch_size)


def _copy_of_all(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy an array in blocks: it may be a file, and read-only, and may not fit pinned memory."""
    dtype = torch.from_numpy(np.empty(0, values.dtype)).dtype
    copy = torch.empty(values.shape, dtype=dtype, device=device)
    step = max(1, VALUES_PER_COPY // max(1, values[:1].size))
    for start in range(0, len(values), step):
        block = np.array(values[start : start + step])
        copy[start : start + step].copy_(to_device(block, device))
    return copy


def _n_bytes(X: Any) -> int:
    return int(X.indices.nbytes + X.data.nbytes if hasattr(X, "indptr") else X.nbytes)
