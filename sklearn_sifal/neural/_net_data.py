"""The plan that a `LossSampledNet` makes for itself, from its parameters and its data."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Subset

from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import check_integer_value
from sklearn_sifal._seeding import Streams, torch_seed
from sklearn_sifal._training_data import RowMetadata
from sklearn_sifal.neural._gatherers import DatasetGatherer, Gatherer, bulk_gatherer
from sklearn_sifal.neural._rounds import TrainingPlan
from sklearn_sifal.neural._schedule import LR_SCHEDULES, NO_LIMIT, Budget
from sklearn_sifal.samplers._given_values import as_array
from sklearn_sifal.strategies._base import SamplingStrategy


@dataclass(frozen=True, kw_only=True)
class NetDescription:
    """What a `LossSampledNet` says of itself before it trains; see its parameters.

    Attributes
    ----------
    owner : str
        Name of the net's class, for messages.
    budget, max_epochs, batch_size : number or None
        As given.
    iterator : callable
        Makes an iterator over batches of a Dataset.
    iterator_arguments : dict
        Arguments for it.
    device : torch.device
        Where batches are put.
    epochs_before : int
        Rounds of earlier calls.
    criterion : str
        Name of the criterion.
    takes_codes, takes_reals : bool
        Whether its targets are known to be class codes, or real numbers.
    ignored_code : int
        The class code that it leaves out.
    """

    owner: str
    budget: float | None
    max_epochs: int
    batch_size: int
    iterator: Callable[..., Iterable[Any]]
    iterator_arguments: dict[str, Any]
    device: torch.device
    epochs_before: int
    criterion: str
    takes_codes: bool
    takes_reals: bool
    ignored_code: int


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


def check_codes(description: NetDescription, y: Any) -> NDArray[Any] | None:
    """Raise for a class code below 0, unless it is the one that the criterion ignores.

    Parameters
    ----------
    description : NetDescription
        Of the initialised net.
    y : Any
        Targets as given.

    Returns
    -------
    codes : ndarray or None
        Those, if they are integers in memory and the criterion takes class codes.
    """
    if not description.takes_codes:
        return None
    try:
        codes = as_array(y)
    except Exception:  # a Dataset's own, or what the net will not take either
        return None
    if codes.dtype.kind not in "iub" or codes.ndim == 0:
        return None
    wrong = np.argwhere((codes < 0) & (codes != description.ignored_code))
    if len(wrong):
        raise ValueError(
            f"{description.criterion} takes class codes from 0. Got {codes[tuple(wrong[0])]} for "
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


def make_gatherer(description: NetDescription, dataset: Any, streams: Streams) -> Gatherer:
    """Bulk gathering where it does the same as the net's iterator, else the iterator."""
    iterator, arguments = description.iterator, dict(description.iterator_arguments)
    for name in ("sampler", "batch_sampler"):
        if name in arguments:
            raise ValueError(
                f"LossSampledNet takes no iterator_train__{name}: its sampling_strategy draws "
                "the rows."
            )
    device = description.device
    bulk = bulk_gatherer(dataset, iterator, arguments, device, repeatedly=True)
    if bulk is not None:
        return bulk
    for name in ("batch_size", "shuffle", "drop_last"):  # the plan has them
        arguments.pop(name, None)
    if arguments.get("num_workers", 0) > 0:
        arguments.setdefault("persistent_workers", True)
    # Without a generator of its own a DataLoader draws from torch's global one.
    seed = torch_seed(streams.dropout)
    arguments.setdefault("generator", torch.Generator().manual_seed(seed))
    return DatasetGatherer(
        dataset, lambda data, batches: iterator(data, batch_sampler=batches, **arguments), device
    )


def make_plan(
    description: NetDescription,
    strategy: SamplingStrategy,
    gatherer: Gatherer,
    streams: Streams,
    *,
    table: LossTable,
    positions: NDArray[np.int64] | None,
    metadata: RowMetadata,
    epochs: int | None,
) -> TrainingPlan:
    """What one call of `fit` or `partial_fit` is to do.

    Parameters
    ----------
    description : NetDescription
        Of the initialised net.
    strategy : SamplingStrategy
        Chooses the rows.
    gatherer : Gatherer
        The rows to train on.
    streams : Streams
        Seeds.
    table : LossTable
        Empty, or the one to go on with.
    positions : ndarray of shape (n_rows,), int64, or None
        Numbers by which the user knows the rows.
    metadata : RowMetadata
        What else is known of them.
    epochs : int or None
        Most rounds; None for what the net's parameters say.
    """
    n, budget, arguments = len(gatherer), description.budget, description.iterator_arguments
    if epochs is None and budget is None:
        epochs = description.max_epochs
    return TrainingPlan(
        strategy=strategy,
        table=table,
        budget=Budget(
            total=NO_LIMIT if budget is None else max(1, round(budget * n)), max_epochs=epochs
        ),
        order=np.random.default_rng(streams.order),
        selection=np.random.default_rng(streams.selection),
        row_weights=None,
        batch_size=batch_size_of(description.owner, description.batch_size, arguments, n),
        shuffle=bool(arguments.get("shuffle", True)),
        schedule=LR_SCHEDULES["constant"],
        drop_last=bool(arguments.get("drop_last", False)),
        row_numbers=positions,
        first_epoch=description.epochs_before,
        irreducible_losses=metadata.irreducible_losses,
        trusted=metadata.trusted,
        n_classes=lambda: _n_classes(description, gatherer.y),
    )


def _n_classes(description: NetDescription, y: Any) -> int | None:
    """See `Setup`; targets that would have to be read row by row are not counted."""
    if description.takes_reals:
        return 0
    if not description.takes_codes:
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
