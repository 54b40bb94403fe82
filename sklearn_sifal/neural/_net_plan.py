"""The plan that a `LossSampledNet` makes for itself, from its parameters and its data."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Subset

from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import (
    check_integer_value,
    check_random_state_value,
    check_real,
    reject,
)
from sklearn_sifal._seeding import Streams, torch_seed
from sklearn_sifal._training_data import RowMetadata, validate_row_metadata
from sklearn_sifal.neural._gatherers import DatasetGatherer, Gatherer, bulk_gatherer
from sklearn_sifal.neural._rounds import TrainingPlan
from sklearn_sifal.neural._schedule import LR_SCHEDULES, NO_LIMIT, Budget
from sklearn_sifal.samplers._given_values import as_array
from sklearn_sifal.strategies._registry import resolve_strategy


def check_settings(net: Any, y: Any) -> None:
    """Raise for what would only fail later, and less clearly."""
    check_real(net, "budget", 0, open_low=True, none=True)
    check_random_state_value("LossSampledNet", net.random_state)
    if any(isinstance(o, torch.optim.LBFGS) for o in net.optimizers().values()):
        expected = "a torch.optim.Optimizer class whose step needs no closure"
        reject(net, "optimizer", expected, net.optimizer)
    if _are_strings(y):
        raise ValueError(
            "LossSampledNet takes targets as numbers, class codes from 0 for a classifier. Got "
            "strings: encode them with sklearn.preprocessing.LabelEncoder, or use "
            "LossSampledClassifier."
        )


def check_codes(net: Any, y: Any) -> NDArray[Any] | None:
    """Raise for a class code below 0, unless it is the one that the criterion ignores.

    Parameters
    ----------
    net : LossSampledNet
        Initialised.
    y : Any
        Targets as given.

    Returns
    -------
    codes : ndarray or None
        Those, if they are integers in memory and the criterion takes class codes.
    """
    if not net._predicts_codes_:
        return None
    try:
        codes = as_array(y)
    except Exception:  # a Dataset's own, or what the net will not take either
        return None
    if codes.dtype.kind not in "iub" or codes.ndim == 0:
        return None
    wrong = np.argwhere((codes < 0) & (codes != net._ignored_code_))
    if len(wrong):
        raise ValueError(
            f"{net._criterion_name} takes class codes from 0. Got {codes[tuple(wrong[0])]} for row "
            f"{wrong[0][0]}."
        )
    return codes


def _are_strings(y: Any) -> bool:
    if not (isinstance(y, list | np.ndarray) or hasattr(y, "iloc")):
        return False
    first = np.asarray(y[:1]).ravel().tolist()
    return bool(first) and isinstance(first[0], str)


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


def row_metadata(
    irreducible_losses: Any, trusted: Any, n_given: int, positions: NDArray[np.int64] | None
) -> RowMetadata:
    """What was given for the strategy, of the rows that are trained on.

    Parameters
    ----------
    irreducible_losses : array-like of shape (n_given,) or None
        Losses that training is not expected to go below.
    trusted : array-like of shape (n_given,), bool, or None
        Rows whose targets are known to be right.
    n_given : int
        How many rows were given.
    positions : ndarray of shape (n_rows,), int64, or None
        Those trained on.
    """
    return validate_row_metadata(irreducible_losses, trusted, n_given).take(positions)


def make_gatherer(net: Any, dataset: Any, streams: Streams) -> Gatherer:
    """Bulk gathering where it does the same as the net's iterator, else the iterator."""
    arguments = net.get_params_for("iterator_train")
    for name in ("sampler", "batch_sampler"):
        if name in arguments:
            raise ValueError(
                f"LossSampledNet takes no iterator_train__{name}: its sampling_strategy draws "
                "the rows."
            )
    iterator, device = net.iterator_train, device_of(net)
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
    net: Any,
    gatherer: Gatherer,
    streams: Streams,
    *,
    table: LossTable,
    positions: NDArray[np.int64] | None,
    epochs: int | None,
) -> TrainingPlan:
    """What one call of `fit` or `partial_fit` is to do.

    Parameters
    ----------
    net : LossSampledNet
        Initialised.
    gatherer : Gatherer
        The rows to train on.
    streams : Streams
        Seeds.
    table : LossTable
        Empty, or the one to go on with.
    positions : ndarray of shape (n_rows,), int64, or None
        Numbers by which the user knows the rows.
    epochs : int or None
        Most rounds; None for what the net's parameters say.
    """
    n = len(gatherer)
    arguments = net.get_params_for("iterator_train")
    if epochs is None and net.budget is None:
        epochs = net.max_epochs
    return TrainingPlan(
        strategy=resolve_strategy(net.sampling_strategy, net.sampling_percentage),
        table=table,
        budget=Budget(
            total=NO_LIMIT if net.budget is None else max(1, round(net.budget * n)),
            max_epochs=epochs,
        ),
        order=np.random.default_rng(streams.order),
        selection=np.random.default_rng(streams.selection),
        row_weights=None,
        batch_size=batch_size_of(net, "iterator_train", n),
        shuffle=bool(arguments.get("shuffle", True)),
        schedule=LR_SCHEDULES["constant"],
        drop_last=bool(arguments.get("drop_last", False)),
        row_numbers=positions,
        first_epoch=len(net.history),
        n_classes=lambda: _n_classes(net, gatherer.y),
    )


def _n_classes(net: Any, y: Any) -> int | None:
    """See `Setup`; targets that would have to be read row by row are not counted."""
    if net._predicts_reals_:
        return 0
    if not net._predicts_codes_:
        return None  # of a criterion that there are no words for, or with classes as floats
    is_array = isinstance(y, np.ndarray) and y.dtype.kind in "iub" and y.ndim == 1
    # Below 0 is what the criterion ignores: such targets are no classes.
    return int(y.max()) + 1 if is_array and y.min() >= 0 else None


def batch_size_of(net: Any, prefix: str, n_rows: int) -> int:
    """Batch size of one of the net's iterators."""
    size = net.get_params_for(prefix).get("batch_size", net.batch_size)
    if size == -1:  # skorch's way of saying all rows
        return n_rows
    check_integer_value(type(net).__name__, "batch_size", size, 1)
    return int(size)


def device_of(net: Any) -> torch.device:
    """Where batches are put; skorch's None leaves them to an accelerator, or where they are."""
    if net.device is not None:
        return torch.device(net.device)
    accelerator = getattr(net, "accelerator", None)  # of skorch's AccelerateMixin
    return torch.device(getattr(accelerator, "device", "cpu"))
