"""Targets that a Dataset keeps beside its items, if they are those of the items."""

# Any: a Dataset may be anything, and so may what it keeps.

import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import ConcatDataset, Subset, TensorDataset

from sklearn_sifal.batches._as_array import as_array

# The usual names. An attribute that is called so may be anything: what the classes are
# called, targets that the items map to others, boxes.
_NAMES = ("y", "targets", "labels")

# Rows whose items are read: few, since an item may be an image, or a document to be parsed.
_SPREAD_ROWS = 4
_MOST_CLASSES = 12


def find_kept_targets(
    dataset: Any, read: Callable[[NDArray[np.int64]], NDArray[Any]]
) -> NDArray[Any] | None:
    """Targets that a dataset keeps in memory and that a few of its items confirm.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Has ``__len__``.
    read : callable
        ``read(rows)`` returns the targets of the items of these rows.

    Returns
    -------
    targets : ndarray of shape (n_rows, ...) or None
        Integers, unless they are the last tensor of a TensorDataset; None if nothing that
        the dataset keeps is the targets of its items.
    """
    for targets in _candidates(dataset):
        if _confirmed(targets, read):
            return targets
    return None


def _candidates(dataset: Any) -> Iterator[NDArray[Any]]:
    """What might be the targets, an entry for each row, the likeliest first."""
    for name in _NAMES:
        kept = _read_array(partial(getattr, dataset, name, None), dataset)
        if kept is not None and kept.ndim == 1 and kept.dtype.kind in "iub":
            yield kept.astype(np.int64)
    for find in _ways_inside(dataset):
        kept = _read_array(find, dataset)
        if kept is not None and kept.dtype.kind in "fiub":
            yield kept


def _ways_inside(dataset: Any) -> Iterator[Callable[[], Any]]:
    """Functions that look into what torch's own datasets are made of."""
    if isinstance(dataset, Subset):
        for kept in _candidates(dataset.dataset):
            yield partial(kept.__getitem__, np.asarray(dataset.indices))
    elif isinstance(dataset, ConcatDataset):
        for parts in zip(*map(_candidates, dataset.datasets), strict=False):
            yield partial(np.concatenate, parts)
    elif isinstance(dataset, TensorDataset):
        yield partial(dataset.tensors.__getitem__, -1)


def _read_array(find: Callable[[], Any], dataset: Any) -> NDArray[Any] | None:
    """What is found, as an array with an entry for each row; None if that cannot be had."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nobody asked for the attribute
            values = find()
            if values is None or len(values) != len(dataset):
                return None
            array = as_array(values)
    except Exception:  # a property, or an object's own conversion, may raise anything
        return None
    return array if array.ndim and len(array) == len(dataset) else None


def _confirmed(targets: NDArray[Any], read: Callable[[NDArray[np.int64]], NDArray[Any]]) -> bool:
    """Whether the items of a few rows have the same targets."""
    rows = _rows_to_read(targets)
    try:
        with _untouched_streams():
            found = read(rows)
        of_integers = found.dtype.kind in "iub", targets.dtype.kind in "iub"
        return of_integers[0] == of_integers[1] and np.array_equal(
            found, targets[rows], equal_nan=not of_integers[0]
        )
    except Exception:  # the training will tell of it, if it comes to these items
        return False


def _rows_to_read(targets: NDArray[Any]) -> NDArray[np.int64]:
    """Rows from the first to the last, and of different classes."""
    n = len(targets)
    spread = np.linspace(0, n - 1, min(n, _SPREAD_ROWS)).astype(np.int64)
    if targets.ndim > 1:
        return spread
    of_class = np.unique(targets, return_index=True)[1]
    if len(of_class) > _MOST_CLASSES:
        of_class = of_class[np.linspace(0, len(of_class) - 1, _MOST_CLASSES).astype(np.int64)]
    return np.union1d(spread, of_class)


@contextmanager
def _untouched_streams() -> Iterator[None]:
    """Put the global random streams back: items may draw from them, and will again."""
    state_of_numpy, back_to = np.random.get_state, np.random.set_state
    before = random.getstate(), state_of_numpy(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(before[0])
        back_to(before[1])
        torch.set_rng_state(before[2])
