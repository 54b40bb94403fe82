"""Batches of rows, gathered in bulk from dense arrays and CSR matrices."""

# Any: scipy has no types, and the inputs of a skorch net may be anything.

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_sifal.batches._by_column import BlockByColumn, ByColumn, row_of_value

# Rows are copied out of X in blocks of about this many values: large enough that
# the cost per call vanishes, small enough that a block stays in the cache and a
# memory-mapped X is never copied whole.
_VALUES_PER_BLOCK = 1 << 17
# Larger for an accelerator, where every block has copies and launches of its own.
VALUES_PER_COPY = 1 << 22


@dataclass(frozen=True, slots=True)
class SparseRows:
    """Rows of a CSR matrix as tensors; never converted to a dense array.

    Attributes
    ----------
    indptr : Tensor of shape (n_rows + 1,), integer
        Row r owns the positions ``indptr[r]:indptr[r + 1]``.
    indices : Tensor of shape (n_values,), same dtype as `indptr`
        Column of each value.
    values : Tensor of shape (n_values,)
        The non-zeros.
    n_features : int
        Number of columns.
    find_columns : callable or None
        Returns the batch by column; None where that has not been prepared.
    """

    indptr: torch.Tensor
    indices: torch.Tensor
    values: torch.Tensor
    n_features: int
    find_columns: Callable[[], ByColumn] | None = None

    def __len__(self) -> int:
        return self.indptr.shape[0] - 1

    def by_column(self) -> ByColumn:
        """The same values in the order of their columns."""
        if self.find_columns is not None:
            return self.find_columns()
        bounds = self.indptr.tolist()
        block = BlockByColumn(bounds, self.indptr, self.indices, self.n_features, len(self))
        return block.batch(0)

    def to_dense(self) -> torch.Tensor:
        """The rows as a tensor of shape (n_rows, n_features)."""
        dense = self.values.new_zeros((len(self), self.n_features))
        owner = row_of_value(self.indptr, len(self.values))
        # A CSR matrix may have several values for one place.
        return dense.index_put_((owner, self.indices.long()), self.values, accumulate=True)

    def dropout(self, p: float, generator: torch.Generator | None) -> "SparseRows":
        """Remove each stored value with probability `p` and scale the rest by 1/(1-p).

        On an accelerator, values are set to zero instead: how many are left is known there
        only, and asking would mean to wait for it.
        """
        draws = torch.rand(
            self.values.shape, dtype=torch.float32, generator=generator, device=self.values.device
        )
        kept = draws >= p
        if self.values.device.type != "cpu":
            factors = (kept / (1.0 - p)).to(self.values.dtype)
            return replace(self, values=self.values * factors)
        # Dropped values are taken out, not set to zero: their weights are then
        # neither read nor updated.
        n_before = torch.zeros(kept.shape[0] + 1, dtype=self.indptr.dtype, device=kept.device)
        torch.cumsum(kept, 0, out=n_before[1:])
        return SparseRows(
            n_before[self.indptr.long()],
            self.indices[kept],
            self.values[kept] / (1.0 - p),
            self.n_features,
        )


@dataclass(frozen=True, slots=True)
class RowBatch:
    """One batch: which rows, their inputs, targets and weights.

    Attributes
    ----------
    rows : ndarray of shape (n,), int64
        Row numbers in the data set.
    X : Tensor of shape (n, ...) or SparseRows
        Inputs.
    y : Tensor of shape (n,)
        Targets.
    weights : Tensor of shape (n,) or None
        Factor on each instance's loss; None stands for ones.
    lr_scale : float
        Factor on the learning rate asked for by the strategy.
    """

    rows: NDArray[np.int64]
    X: Any
    y: torch.Tensor
    weights: torch.Tensor | None = None
    lr_scale: float = 1.0

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        """Inputs and targets, as skorch's callbacks unpack a batch."""
        yield self.X
        yield self.y


@dataclass(frozen=True, eq=False)
class RowGatherer:
    """Copies chosen rows of a data set held in memory (or memory-mapped) in bulk.

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
    dense : bool, default=False
        Whether batches of a CSR matrix are dense.
    """

    X: Any
    y: NDArray[Any]
    device: torch.device
    samples: NDArray[np.int64] | None = None
    dense: bool = False

    @property
    def is_sparse(self) -> bool:
        """Whether the inputs are a CSR matrix."""
        return hasattr(self.X, "indptr")

    def __len__(self) -> int:
        return int(self.X.shape[0]) if self.samples is None else len(self.samples)

    def as_tensor(self, values: NDArray[Any]) -> torch.Tensor:
        """Put weights on the device of the inputs, in a floating type."""
        # The inputs may be integers: tokens, or pixels not yet scaled.
        dtype = np.float64 if self.X.dtype == np.float64 else np.float32
        return to_device(values.astype(dtype), self.device)

    def gather(
        self, rows: NDArray[np.int64], batch_size: int, *, read_only: bool = False
    ) -> Iterator[tuple[slice, torch.Tensor | SparseRows, torch.Tensor]]:
        """Yield (positions in `rows`, inputs, targets), a batch at a time, in order.

        Parameters
        ----------
        rows : ndarray of shape (n,), int64
            Row numbers, repeats allowed.
        batch_size : int
            Rows per batch; the last may be smaller.
        read_only : bool, default=False
            Whether nobody will write into the inputs: dense ones that follow each other
            in X are not copied then.
        """
        per_block = self._batches_per_block(batch_size) * batch_size
        for start in range(0, len(rows), per_block):
            block = rows[start : start + per_block]
            y = self._targets(block)
            taken = block if self.samples is None else self.samples[block]
            stretch = self._stretch(taken) if read_only else None
            if stretch is not None:
                inputs: Iterator[torch.Tensor | SparseRows] = iter(torch.split(stretch, batch_size))
            elif self.is_sparse:
                inputs = self._sparse_batches(taken, batch_size)
                inputs = (rows.to_dense() for rows in inputs) if self.dense else inputs
            else:
                inputs = self._dense_batches(taken, batch_size)
            for offset, X in zip(range(0, len(block), batch_size), inputs, strict=True):
                stop = min(offset + batch_size, len(block))
                yield slice(start + offset, start + stop), X, y[offset:stop]

    def _batches_per_block(self, batch_size: int) -> int:
        n_values = self.X.nnz if self.is_sparse else self.X.size
        values_per_batch = batch_size * n_values / max(self.X.shape[0], 1)
        wanted = _VALUES_PER_BLOCK if self.device.type == "cpu" else VALUES_PER_COPY
        return max(1, int(wanted / max(values_per_batch, 1)))

    def _targets(self, block: NDArray[np.int64]) -> torch.Tensor:
        return to_device(self.y[block], self.device)

    def _stretch(self, taken: NDArray[np.int64]) -> torch.Tensor | None:
        """Dense rows that follow each other in X, as a view of it; None for others."""
        if self.is_sparse or self.device.type != "cpu":
            return None
        rows = slice(taken[0], taken[0] + len(taken))
        flags = self.X.flags  # torch warns of arrays that cannot be written to
        if not (flags.writeable and flags.c_contiguous):
            return None
        if not np.array_equal(taken, np.arange(rows.start, rows.stop)):
            return None
        return torch.from_numpy(self.X[rows])

    def _dense_batches(self, block: NDArray[np.int64], batch_size: int) -> Iterator[torch.Tensor]:
        X = to_device(np.ascontiguousarray(self.X[block]), self.device)
        yield from torch.split(X, batch_size)

    def _sparse_batches(self, block: NDArray[np.int64], batch_size: int) -> Iterator[SparseRows]:
        indptr, shifts = runs_of(self.X, block)
        positions = np.arange(indptr[-1])
        positions += np.repeat(shifts, np.diff(indptr))
        yield from split_rows(
            indptr.astype(self.X.indices.dtype),
            to_device(self.X.indices[positions], self.device),
            to_device(self.X.data[positions], self.device),
            self.X.shape[1],
            batch_size,
        )


def to_device(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy an array, which can be written to, without waiting for what the device is doing.

    On the CPU it is the tensor's memory.
    """
    tensor = torch.from_numpy(values)
    if device.type == "cuda":
        # From pinned memory the copy is done beside the computation; torch does not use
        # that memory again before it is done.
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def runs_of(X: Any, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where chosen CSR rows begin when laid end to end, and how far back each one's values are.

    scipy's own row indexing first makes copies of the index arrays in a common type; on a
    memory-mapped matrix that would read all of it.

    Returns
    -------
    indptr : ndarray of shape (n_rows + 1,), int64
        Of the chosen rows.
    shifts : ndarray of shape (n_rows,), int64
        What added to the positions of a row's values gives those in X.
    """
    starts = X.indptr[rows].astype(np.int64)
    indptr = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(X.indptr[rows + 1] - starts, out=indptr[1:])
    return indptr, starts - indptr[:-1]


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
    indptr : ndarray of shape (n_rows + 1,), of the type of `indices`
        On the host.
    indices, values : Tensor of shape (n_values,)
        On the device.
    n_features : int
        Number of columns.
    batch_size : int
        Rows of a batch.
    """
    bounds: list[int] = indptr.tolist()
    on_device = to_device(indptr, values.device)
    block = BlockByColumn(bounds, on_device, indices, n_features, batch_size)
    begins = [*bounds[:-1:batch_size], bounds[-1]]
    sizes = [end - begin for begin, end in pairwise(begins)]
    parts = zip(torch.split(indices, sizes), torch.split(values, sizes), strict=True)
    for number, (columns, numbers) in enumerate(parts):
        first = number * batch_size
        starts = on_device[first : first + batch_size + 1] - begins[number]
        yield SparseRows(starts, columns, numbers, n_features, partial(block.batch, number))
