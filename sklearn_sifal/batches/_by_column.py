"""Sparse batches turned round: the values of each column, for gradients by touched row."""

from dataclasses import dataclass
from functools import cached_property

import torch


@dataclass(frozen=True, slots=True)
class ByColumn:
    """The values of a sparse batch in the order of its columns.

    Attributes
    ----------
    columns : Tensor of shape (n_columns,), int64
        Those that have values, ascending.
    indptr : Tensor of shape (n_columns + 1,), int64
        ``columns[k]`` owns the positions ``indptr[k]:indptr[k + 1]``.
    rows : Tensor of shape (n_values,), int64
        Row of the batch that each value is in.
    order : Tensor of shape (n_values,), int64
        Where each value stands in the batch.
    """

    columns: torch.Tensor
    indptr: torch.Tensor
    rows: torch.Tensor
    order: torch.Tensor


class BlockByColumn:
    """Turns a block of batches round, all of them at once, when one is first asked for.

    How many columns a batch has must be known on the host, where it costs waiting for the
    device: here twice a block, however many batches it has.

    Parameters
    ----------
    indptr : sequence of int
        Where each row of the block begins among its values, and the end of the last.
    indices : Tensor of shape (n_values,)
        Columns, on the device.
    row_of_value : Tensor of shape (n_values,), int64
        Row of the block that each value is in, on the device.
    n_features : int
        Number of columns.
    batch_size : int
        Rows of a batch; the last may have fewer.
    """

    def __init__(
        self,
        indptr: "list[int]",
        indices: torch.Tensor,
        row_of_value: torch.Tensor,
        n_features: int,
        batch_size: int,
    ) -> None:
        n_rows = len(indptr) - 1
        self._bounds = [*indptr[:n_rows:batch_size], indptr[-1]]
        self._indices = indices
        self._row_of_value = row_of_value
        self._n_features = n_features
        self._batch_size = batch_size

    def batch(self, number: int) -> ByColumn:
        """One of the batches, by its number in the block."""
        keys, starts, order, first = self._sorted
        begin, end = self._bounds[number], self._bounds[number + 1]
        distinct = slice(first[number], first[number + 1])
        ends = slice(first[number], first[number + 1] + 1)
        return ByColumn(
            columns=keys[distinct] - number * self._n_features,
            indptr=starts[ends] - begin,
            rows=self._row_of_value[order[begin:end]] - number * self._batch_size,
            order=order[begin:end] - begin,
        )

    @cached_property
    def _sorted(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, list[int]]:
        """Keys of the distinct columns of all batches, their first values, the order of all
        values, and the first key of each batch.
        """
        batch_of_value = self._row_of_value // self._batch_size
        keys, order = torch.sort(
            self._indices.long() + batch_of_value * self._n_features, stable=True
        )
        is_first = torch.ones_like(keys, dtype=torch.bool)
        torch.ne(keys[1:], keys[:-1], out=is_first[1:])
        starts = is_first.nonzero().squeeze(1)
        distinct = keys[starts]
        bounds = torch.arange(len(self._bounds), device=keys.device) * self._n_features
        first: list[int] = torch.searchsorted(distinct, bounds).cpu().tolist()
        end = torch.full((1,), len(keys), device=keys.device)
        return distinct, torch.cat([starts, end]), order, first
