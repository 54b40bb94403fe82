"""What a `LossSampledNet` finds out about its data before it trains."""

# Any: what a skorch net is given, which is looked at here.

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Subset

from sklearn_sifal._parameters import check_integer_value
from sklearn_sifal._seeding import Streams, torch_seed
from sklearn_sifal.batches._as_array import as_array
from sklearn_sifal.neural._gatherers import DatasetGatherer, Gatherer, bulk_gatherer


def refuse_strings(y: Any) -> None:
    """Raise for labels, of which a net knows only the codes."""
    if not (isinstance(y, list | np.ndarray) or hasattr(y, "iloc")):
        return
    first = np.asarray(y[:1]).ravel().tolist()
    if first and isinstance(first[0], str):
        raise ValueError(
            "LossSampledNet takes targets as numbers, class codes from 0 for a classifier. Got "
            "strings: encode them with sklearn.preprocessing.LabelEncoder, or use "
            "LossSampledClassifier."
        )


def check_codes(y: Any, criterion: str, ignored: int) -> NDArray[Any] | None:
    """Raise for a class code below 0, unless it is the one that the criterion ignores.

    Parameters
    ----------
    y : Any
        Targets as given.
    criterion : str
        Name of a criterion that takes class codes.
    ignored : int
        The code that it leaves out.

    Returns
    -------
    codes : ndarray or None
        Those, if they are integers in memory.
    """
    try:
        codes = as_array(y)
    except Exception:  # a Dataset's own, or what the net will not take either
        return None
    if codes.dtype.kind not in "iub" or codes.ndim == 0:
        return None
    wrong = np.argwhere((codes < 0) & (codes != ignored))
    if len(wrong):
        raise ValueError(
            f"{criterion} takes class codes from 0. Got {codes[tuple(wrong[0])]} for "
            f"row {wrong[0][0]}."
        )
    return codes


def origin_of_rows(train: Any, X: Any) -> tuple[NDArray[np.int64] | None, int]:
    """Where the rows that are trained on come from.

    Parameters
    ----------
    train : torch.utils.data.Dataset
        The data to train on.
    X : Any
        What the net was given.

    Returns
    -------
    positions : ndarray of shape (n_rows,), int64, or None
        Which of the given rows they are; None for all.
    n_given : int
        How many were given.
    """
    if not (hasattr(train, "__len__") and hasattr(train, "__getitem__")):
        raise ValueError(
            "LossSampledNet needs a Dataset with __len__ and __getitem__, since a strategy asks "
            f"for rows by number. Got {type(train).__name__}."
        )
    if len(train) == 0:
        raise ValueError("LossSampledNet needs at least one row to train on. Got none.")
    if isinstance(train, Subset) and train is not X:
        return np.asarray(train.indices, dtype=np.int64), len(train.dataset)  # type: ignore[arg-type]
    return None, len(train)


def make_gatherer(
    dataset: Any,
    iterator: Callable[..., Iterable[Any]],
    arguments: dict[str, Any],
    device: torch.device,
    streams: Streams,
) -> Gatherer:
    """Bulk gathering where it does the same as the net's iterator, else the iterator.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        The rows to train on.
    iterator : callable
        Makes an iterator over batches of a Dataset.
    arguments : dict
        Arguments for it.
    device : torch.device
        Where batches are put.
    streams : Streams
        Seeds.
    """
    for name in ("sampler", "batch_sampler"):
        if name in arguments:
            raise ValueError(
                f"LossSampledNet takes no iterator_train__{name}: its sampling_strategy draws "
                "the rows."
            )
    bulk = bulk_gatherer(dataset, iterator, arguments, device, repeatedly=True)
    if bulk is not None:
        return bulk
    plan_has = ("batch_size", "shuffle", "drop_last")
    arguments = {name: value for name, value in arguments.items() if name not in plan_has}
    if arguments.get("num_workers", 0) > 0:
        arguments.setdefault("persistent_workers", True)
    # Without a generator of its own a DataLoader draws from torch's global one.
    seed = torch_seed(streams.dropout)
    arguments.setdefault("generator", torch.Generator().manual_seed(seed))
    return DatasetGatherer(
        dataset, lambda data, batches: iterator(data, batch_sampler=batches, **arguments), device
    )


def count_classes(y: Any, *, takes_codes: bool, takes_reals: bool) -> int | None:
    """See `Setup`; targets that would have to be read row by row are not counted."""
    if takes_reals:
        return 0
    if not takes_codes:
        return None  # of a criterion that there are no words for, or with classes as floats
    is_array = isinstance(y, np.ndarray) and y.dtype.kind in "iub" and y.ndim == 1
    # Below 0 is what the criterion ignores: such targets are no classes.
    return int(y.max()) + 1 if is_array and y.min() >= 0 else None


def batch_size_of(owner: str, given: int, arguments: Mapping[str, Any], n_rows: int) -> int:
    """Batch size of an iterator with these arguments; `given` is that of its net."""
    size = arguments.get("batch_size", given)
    if size == -1:  # skorch's way of saying all rows
        return n_rows
    check_integer_value(owner, "batch_size", size, 1)
    return int(size)
