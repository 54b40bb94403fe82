"""A dataset whose items say which row they are."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from torch.utils.data import Dataset

_NO_BATCH = (
    "is one row, where a batch of rows was expected. Pass a sampler that yields rows, like a "
    "LossSampler without batch_size, as sampler: DataLoader(dataset, batch_size=64, "
    "sampler=sampler). Or give the LossSampler a batch_size, and pass it as batch_sampler."
)


class SingleRow(int):
    """A row number that says what is wrong where it is taken for a batch of them."""

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{int(self)} {_NO_BATCH}")


class WeightedRow(SingleRow):
    """A row number that carries its weight through a DataLoader, worker processes included.

    Parameters
    ----------
    row : int
        The number.
    weight : float, default=1.0
        Factor on the row's loss.
    """

    weight: float

    def __new__(cls, row: int, weight: float = 1.0) -> "WeightedRow":
        """Make a number with a weight."""
        self = super().__new__(cls, row)
        self.weight = weight
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return WeightedRow, (int(self), self.weight)


class IndexedDataset(Dataset[Any]):
    """Add its row number, and on request its weight, to every item of a dataset.

    A tuple or list comes back as the tuple of its elements and the row; a mapping as a dict
    with the further keys "row" and "weight"; any other item as the pair (item, row). The
    weight is the one that a `LossSampler` gave to the row when it handed it out. It travels
    with the row number, so that it is right for batches that were fetched in advance. Rows
    that come from elsewhere, or from a strategy without weights, have weight 1.

    Put it outermost: a wrapper around it, like `torch.utils.data.Subset`, would number the
    rows anew and lose the weights.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset or sequence
        Anything with ``dataset[row]`` and ``len(dataset)``. Its ``__getitems__`` is used if
        it has one.
    weighted : bool, default=False
        Whether to add the weight too, as float32, after the row.

    Raises
    ------
    TypeError
        If the dataset has no length or cannot be indexed, or `weighted` is not a bool.

    Examples
    --------
    >>> from sklearn_sifal.samplers import IndexedDataset
    >>> IndexedDataset([("a", 0), ("b", 1)])[1]
    ('b', 1, 1)
    """

    def __init__(self, dataset: Any, weighted: bool = False) -> None:
        if not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
            raise TypeError(
                "IndexedDataset needs a dataset with __getitem__ and __len__. "
                f"Got {type(dataset).__name__}."
            )
        if not isinstance(weighted, bool | np.bool_):
            raise TypeError(
                f"The 'weighted' parameter of IndexedDataset must be a bool. Got {weighted!r}."
            )
        self.dataset = dataset
        self.weighted = bool(weighted)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: Any) -> Any:
        return self._extended(self.dataset[_as_number(index)], index)

    def __getitems__(self, indices: Sequence[Any]) -> list[Any]:
        """Items of a whole batch, fetched at once where the dataset can.

        Parameters
        ----------
        indices : sequence of int
            Row numbers.

        Returns
        -------
        items : list
            As from single indexing, in the same order.
        """
        if isinstance(indices, int | np.integer):
            raise TypeError(f"{int(indices)} {_NO_BATCH}")
        fetch = getattr(self.dataset, "__getitems__", None)
        if not callable(fetch):
            return [self[index] for index in indices]
        items = fetch([_as_number(index) for index in indices])
        return [self._extended(i, index) for i, index in zip(items, indices, strict=True)]

    def _extended(self, item: Any, index: Any) -> Any:
        row = int(index) if index >= 0 else int(index) + len(self)
        added: dict[str, Any] = {"row": row}
        if self.weighted:
            # A Python float would come out of the collation as float64.
            added["weight"] = np.float32(getattr(index, "weight", 1.0))
        if isinstance(item, Mapping):
            return {**item, **_without_clash(added, item)}
        if isinstance(item, tuple | list):
            return (*item, *added.values())
        return (item, *added.values())


def _as_number(index: Any) -> int:
    if isinstance(index, list | tuple):
        raise TypeError(
            "IndexedDataset was asked for a list of rows in place of one row. Pass a sampler that "
            "yields batches, like a LossSampler with a batch_size, as batch_sampler: "
            "DataLoader(dataset, batch_sampler=sampler)."
        )
    return int(index)


def _without_clash(added: dict[str, Any], item: Mapping[Any, Any]) -> dict[str, Any]:
    taken = [name for name in added if name in item]
    if taken:
        raise ValueError(
            f"IndexedDataset adds the key {taken[0]!r} to every item, and the items have one "
            "already. Rename it."
        )
    return added
