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


@dataclass(frozen=True, eq=False)
class BlockByColumn:
    """Turns a block of batches round, all of them at once, when one is first asked for.

    How many columns a batch has must be known on the host, where it costs waiting for the
    device: here twice a block, however many batches it has.

    Parameters
    ----------
    bounds : list of int
        Where each row of the block begins among its values, and the end of the last.
    indptr : Tensor of shape (n_rows + 1,), integer
        The same, on the device.
    indices : Tensor of shape (n_values,)
        Columns, on the device.
    n_features : int
        Number of columns.
    batch_size : int
        Rows of a batch; the last may have fewer.
    """

    bounds: list[int]
    indptr: torch.Tensor
    indices: torch.Tensor
    n_features: int
    batch_size: int

    def batch(self, number: int) -> ByColumn:
        """One of the batches, by its number in the block."""
        keys, starts, order, first = self._sorted
        begin, end = self._begins[number], self._begins[number + 1]
        distinct = slice(first[number], first[number + 1])
        ends = slice(first[number], first[number + 1] + 1)
        return ByColumn(
            columns=keys[distinct] - number * self.n_features,
            indptr=starts[ends] - begin,
            rows=self._row_of_value[order[begin:end]] - number * self.batch_size,
            order=order[begin:end] - begin,
        )

    @cached_property
    def _begins(self) -> list[int]:
        """Where each batch begins among the values, and the end of the last."""
        return [*self.bounds[: -1 : self.batch_size], self.bounds[-1]]

    @cached_property
    def _row_of_value(self) -> torch.Tensor:
        return row_of_value(self.indptr, len(self.indices))

    @cached_property
    def _sorted(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, list[int]]:
        """Keys of the distinct columns of all batches, their first values, the order of all
        values, and the first key of each batch.
        """
        batch_of_value = self._row_of_value // self.batch_size
        keys, order = torch.sort(
            self.indices.long() + batch_of_value * self.n_features, stable=True
        )
        is_first = torch.ones_like(keys, dtype=torch.bool)
        torch.ne(keys[1:], keys[:-1], out=is_first[1:])
        starts = is_first.nonzero().squeeze(1)
        distinct = keys[starts]
        bounds = torch.arange(len(self._begins), device=keys.device) * self.n_features
        first: list[int] = torch.searchsorted(distinct, bounds).cpu().tolist()
        end = torch.full((1,), len(keys), device=keys.device)
        return distinct, torch.cat([starts, end]), order, first


def row_of_value(indptr: torch.Tensor, n_values: int) -> torch.Tensor:
    """Row that each value is in; given their number, without waiting for the device."""
    rows = torch.arange(len(indptr) - 1, device=indptr.device)
    return torch.repeat_interleave(rows, indptr.diff(), output_size=n_values)
