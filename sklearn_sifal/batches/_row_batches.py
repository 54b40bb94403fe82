"""Batches of rows, gathered in bulk from dense arrays and CSR matrices."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_sifal.batches._by_column import BlockByColumn, ByColumn

# Rows are copied out of X in blocks of about this many values: large enough that
# the cost per call vanishes, small enough that a block stays in the cache and a
# memory-mapped X is never copied whole.
_VALUES_PER_BLOCK = 1 << 17


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

    def to(self, device: torch.device) -> "SparseRows":
        """Move the three tensors to `device`."""
        if self.values.device == device:
            return self
        return SparseRows(
            self.indptr.to(device), self.indices.to(device), self.values.to(device), self.n_features
        )

    def by_column(self) -> ByColumn:
        """The same values in the order of their columns."""
        if self.find_columns is not None:
            return self.find_columns()
        n_values = len(self.values)
        rows = torch.arange(len(self), device=self.values.device)
        row_of_value = torch.repeat_interleave(rows, self.indptr.diff(), output_size=n_values)
        alone = BlockByColumn(
            [0] * len(self) + [n_values],
            self.indices,
            row_of_value,
            self.n_features,
            max(1, len(self)),
        )
        return alone.batch(0)

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
    """

    _values_per_block = _VALUES_PER_BLOCK

    def __init__(
        self,
        X: Any,
        y: NDArray[Any],
        device: torch.device,
        samples: NDArray[np.int64] | None = None,
    ) -> None:
        self.X = X
        self.y = y
        self.device = device
        self.samples = samples
        self.is_sparse = hasattr(X, "indptr")

    def __len__(self) -> int:
        return int(self.X.shape[0]) if self.samples is None else len(self.samples)

    def as_tensor(self, values: NDArray[Any]) -> torch.Tensor:
        """Put weights beside the inputs: on their device, in their type."""
        return torch.from_numpy(values.astype(self.X.dtype)).to(self.device)

    def gather(
        self, rows: NDArray[np.int64], batch_size: int, *, read_only: bool = False
    ) -> Iterator[tuple[slice, Any, Any]]:
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
                inputs: Iterator[Any] = iter(torch.split(stretch, batch_size))
            elif self.is_sparse:
                inputs = self._sparse_batches(taken, batch_size)
            else:
                inputs = self._dense_batches(taken, batch_size)
            for offset, X in zip(range(0, len(block), batch_size), inputs, strict=True):
                stop = min(offset + batch_size, len(block))
                yield slice(start + offset, start + stop), X, y[offset:stop]

    def _batches_per_block(self, batch_size: int) -> int:
        n_values = self.X.nnz if self.is_sparse else self.X.size
        values_per_batch = batch_size * n_values / max(self.X.shape[0], 1)
        return max(1, int(self._values_per_block / max(values_per_batch, 1)))

    def _targets(self, block: NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(self.y[block]).to(self.device)

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
        X = torch.from_numpy(np.ascontiguousarray(self.X[block])).to(self.device)
        yield from torch.split(X, batch_size)

    def _sparse_batches(self, block: NDArray[np.int64], batch_size: int) -> Iterator[SparseRows]:
        indptr, indices, values = take_csr_rows(self.X, block)
        n_features = self.X.shape[1]
        for first in range(0, len(block), batch_size):
            stop = min(first + batch_size, len(block))
            begin, end = indptr[first], indptr[stop]
            rows = SparseRows(
                torch.from_numpy(indptr[first : stop + 1] - begin),
                torch.from_numpy(indices[begin:end]),
                torch.from_numpy(values[begin:end]),
                n_features,
            )
            yield rows.to(self.device)


def take_csr_rows(
    X: Any, rows: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Index pointer, columns and values of chosen CSR rows, as three new arrays."""
    # scipy's own row indexing first makes copies of the index arrays in a common
    # type; on a memory-mapped matrix that would read all of it.
    starts = X.indptr[rows].astype(np.int64)
    lengths = X.indptr[rows + 1].astype(np.int64) - starts
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    # Position of every wanted value: runs [start, start + length) laid end to end.
    positions = np.arange(total, dtype=np.int64)
    positions += np.repeat(starts - (ends - lengths), lengths)
    indptr = np.zeros(len(rows) + 1, dtype=X.indices.dtype)
    indptr[1:] = ends
    return indptr, X.indices[positions], X.data[positions]
