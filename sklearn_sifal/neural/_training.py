"""One training of the estimator: plan it, run its rounds, check what came out."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from sklearn_sifal._devices import choose_n_threads, limited_threads, own_torch_settings
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._progress import ProgressBar
from sklearn_sifal._seeding import Streams, make_streams, torch_seed
from sklearn_sifal._settings import Settings, settings_for
from sklearn_sifal._training_data import RowMetadata, TrainingData
from sklearn_sifal.neural._checkpoint import Checkpoint
from sklearn_sifal.neural._fitted_records import (
    Recorders,
    continues_by_id,
    describes,
    merge_by_id,
    new_table,
    table_to_go_on_with,
)
from sklearn_sifal.neural._mlp_net import MLPNet
from sklearn_sifal.neural._net_factory import (
    as_net_inputs,
    as_net_targets,
    make_net,
    prepare_for_more,
)
from sklearn_sifal.neural._observers import ProgressObserver
from sklearn_sifal.neural._overflow import check_trained, first_overflow
from sklearn_sifal.neural._rounds import TrainingPlan
from sklearn_sifal.neural._schedule import LR_SCHEDULES, SCORED_ROW_COST, Budget
from sklearn_sifal.neural._tasks import task_of
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._everything import Base
from sklearn_sifal.strategies._registry import resolve_strategy

_ENTRIES_PER_PART = 1 << 20


@own_torch_settings()
def train(
    estimator: Any,
    data: TrainingData,
    validation: TrainingData | None,
    streams: Streams,
    metadata: RowMetadata,
    *,
    goes_on: bool,
) -> None:
    """Train a new net on checked data and set the estimator's fitted attributes.

    Parameters
    ----------
    estimator : LossSampledEstimator
        With checked parameters and what was learnt of its targets. Its attributes change
        only at the end.
    data, validation : TrainingData
        Rows to train on and to validate with.
    streams : Streams
        Seeds.
    metadata : RowMetadata
        What else is known of the rows of `data`.
    goes_on : bool
        Whether to start from the weights, and if possible the table, of `net_`.
    """
    settings = settings_for(estimator, data)
    previous = estimator.net_ if goes_on else None
    net = make_net(estimator, data, settings, streams, previous=previous)
    keeps_table = goes_on and describes(estimator, data)
    table = table_to_go_on_with(estimator) if keeps_table else new_table(estimator, data)
    plan = _make_plan(
        estimator,
        data,
        settings,
        streams,
        strategy=resolve_strategy(estimator.sampling_strategy, estimator.sampling_percentage),
        table=table,
        schedule=estimator.lr_schedule,
        max_epochs=estimator.max_epochs,
        first_epoch=estimator.n_iter_ if keeps_table else 0,
        metadata=metadata,
    )
    recorders = Recorders(estimator, data, validation, net)
    given_weights = _weights_given_to(net, estimator, goes_on=goes_on)
    _run(estimator, net, data, plan, recorders, streams)
    _warn_if_cut_short(estimator, plan)
    recorders.set_attributes(estimator, plan, keeps_history=keeps_table)
    # What partial_fit keeps over its calls ends with a fit.
    estimator._sample_ids, estimator._n_partial_fits = None, 0
    estimator._given_weights = given_weights
    estimator.net_ = net


@own_torch_settings()
def train_one_pass(
    estimator: Any,
    data: TrainingData,
    ids: NDArray[Any] | None,
    undo: list[Callable[[], None]],
    *,
    first: bool,
) -> None:
    """Train on every row once at a constant rate, in place.

    Parameters
    ----------
    estimator : LossSampledEstimator
        With checked parameters and what was learnt of its targets.
    data : TrainingData
        The chunk.
    ids : ndarray of shape (n_given,) or None
        Identifiers of the rows.
    undo : list of callable
        Takes what puts the net back if this, or what comes after it, fails.
    first : bool
        Whether a net has to be made.
    """
    if first:
        _train_first_chunk(estimator, data, ids)
        return
    net = estimator.net_
    features = _features_of(data.X) if sp.issparse(data.X) else None
    undo.append(Checkpoint(net, features).restore)
    settings, streams = _settings_of_chunk(estimator, data, first=False)
    prepare_for_more(net, data, settings)
    _train_on_chunk(estimator, net, data, ids, settings, streams, features)


def _train_first_chunk(estimator: Any, data: TrainingData, ids: NDArray[Any] | None) -> None:
    settings, streams = _settings_of_chunk(estimator, data, first=True)
    net = make_net(estimator, data, settings, streams)
    estimator._given_weights = _weights_given_to(net, estimator, goes_on=False)
    _train_on_chunk(estimator, net, data, ids, settings, streams, features=None)
    estimator.net_ = net


def _settings_of_chunk(
    estimator: Any, data: TrainingData, *, first: bool
) -> tuple[Settings, Streams]:
    streams = make_streams(estimator.random_state, call=getattr(estimator, "_n_partial_fits", 0))
    settings = settings_for(estimator, data, one_pass=True)
    if estimator.lr == "auto":
        # That of the first chunk: the rate is not to go up and down with their contents.
        estimator._chunk_lr = settings.lr if first else getattr(estimator, "_chunk_lr", settings.lr)
        settings = replace(settings, lr=estimator._chunk_lr)
    return settings, streams


@own_torch_settings()
def compute_outputs(estimator: Any, X: Any, net: MLPNet | None = None) -> NDArray[Any]:
    """Outputs of a net, the fitted one, for checked inputs, shape (n_samples, n_outputs).

    Raises
    ------
    ValueError
        If an output is no number of the net's type, as for inputs far from those trained on.
    """
    net = estimator.net_ if net is None else net
    inputs = as_net_inputs(X, net)
    with limited_threads(_n_threads(estimator, net)):
        outputs: torch.Tensor = net.forward(inputs)
    result: NDArray[Any] = outputs.numpy()
    wrong = first_overflow(result, task_of(estimator).largest_output)
    if wrong is not None:
        raise ValueError(
            f"X has values for which the net cannot compute: its outputs for row {wrong} are too "
            f"large for {result.dtype}. Are the features scaled as those that it was fitted on?"
        )
    return result


def compute_staged_outputs(
    estimator: Any, X: Any, states: Iterable[dict[str, NDArray[Any]]]
) -> Iterator[NDArray[Any]]:
    """Outputs under one state of the weights after the other; the fitted net is left alone."""
    with own_torch_settings():  # not around a yield, where the caller's own hold
        net = estimator.net_.copy_for_prediction()
    inputs = as_net_inputs(X, net)  # once for all
    for weights in states:
        with own_torch_settings():
            net.set_weights(weights)
        yield compute_outputs(estimator, inputs, net)


def _features_of(X: Any) -> NDArray[np.int64]:
    """Columns of a CSR matrix that have entries; in parts, since it may be a memory map."""
    present = np.zeros(X.shape[1], dtype=bool)
    for start in range(0, X.nnz, _ENTRIES_PER_PART):
        present[X.indices[start : min(start + _ENTRIES_PER_PART, X.nnz)]] = True
    return np.flatnonzero(present)


def _train_on_chunk(
    estimator: Any,
    net: MLPNet,
    data: TrainingData,
    ids: NDArray[Any] | None,
    settings: Settings,
    streams: Streams,
    features: NDArray[np.int64] | None,
) -> None:
    """Run one pass and set what was recorded."""
    goes_on = continues_by_id(estimator, ids)
    plan = _make_plan(
        estimator,
        data,
        settings,
        streams,
        strategy=Base(),
        table=new_table(estimator, data),
        schedule="constant",
        max_epochs=None,
        first_epoch=getattr(estimator, "n_iter_", 0),
    )
    recorders = Recorders(estimator, data, None, net)
    _run(estimator, net, data, plan, recorders, streams, features)
    if ids is not None:
        ids = merge_by_id(estimator, plan, recorders, ids, goes_on)
    recorders.set_attributes(estimator, plan, keeps_history=goes_on, ids=ids)
    estimator._sample_ids = ids
    estimator._n_partial_fits = getattr(estimator, "_n_partial_fits", 0) + 1


def _weights_given_to(
    net: MLPNet, estimator: Any, *, goes_on: bool
) -> dict[str, NDArray[Any]] | None:
    """Weights that a new net begins with; None for those that its seed gives again."""
    return net.get_weights() if goes_on or estimator.init_weights is not None else None


def _make_plan(
    estimator: Any,
    data: TrainingData,
    settings: Settings,
    streams: Streams,
    *,
    strategy: SamplingStrategy,
    table: LossTable,
    schedule: str,
    max_epochs: int | None,
    first_epoch: int,
    metadata: RowMetadata | None = None,
) -> TrainingPlan:
    if metadata is None:
        metadata = RowMetadata()
    budget = Budget(
        total=max(1, round(settings.budget * len(data.y))),
        scored_row_cost=SCORED_ROW_COST[estimator.budget_unit],
        max_epochs=max_epochs,
    )
    return TrainingPlan(
        strategy=strategy,
        table=table,
        budget=budget,
        order=np.random.default_rng(streams.order),
        selection=np.random.default_rng(streams.selection),
        row_weights=data.scaled_weights,
        batch_size=settings.batch_size,
        shuffle=bool(estimator.shuffle),
        schedule=LR_SCHEDULES[schedule],
        row_numbers=data.rows,
        first_epoch=first_epoch,
        irreducible_losses=metadata.irreducible_losses,
        trusted=metadata.trusted,
        out_of_fold_losses=estimator._out_of_fold_losses(data, streams.folds),
        n_classes=len(getattr(estimator, "classes_", ())),
    )


def _run(
    estimator: Any,
    net: MLPNet,
    data: TrainingData,
    plan: TrainingPlan,
    recorders: Recorders,
    streams: Streams,
    features: NDArray[np.int64] | None = None,
) -> None:
    """Train, and check the weights of the given features; None for all."""
    device = torch.device(net.device)
    generator = torch.Generator(device).manual_seed(torch_seed(streams.dropout))
    bar = ProgressBar("fit") if int(estimator.verbose) > 0 else nullcontext()
    X = as_net_inputs(data.X, net, rows=data.rows)
    with limited_threads(_n_threads(estimator, net)), bar as progress:
        plan.observers = recorders.observers
        if progress is not None:
            plan.observers = [*plan.observers, ProgressObserver(progress)]
        net.module_.set_dropout_generator(generator)
        try:
            net.partial_fit(X, as_net_targets(data, net, "y"), plan=plan)
        finally:
            net.module_.set_dropout_generator(None)
        if recorders.monitor is not None:
            recorders.monitor.restore_best(net)
        # Within the limit: a process that was forked from one that used several threads
        # waits for ever for those that it does not have.
        largest = task_of(estimator).largest_output
        check_trained(net, X, data.rows, largest=largest, features=features)


def _n_threads(estimator: Any, net: MLPNet) -> int:
    if estimator.n_threads is not None:
        return int(estimator.n_threads)
    widths = [layer.weight.shape[0] for layer in net.module_.layers]
    sizes = [*net.module_.input.weight.shape, *widths]
    return choose_n_threads(sizes, sparse_input=net.sparse_input)


def _warn_if_cut_short(estimator: Any, plan: TrainingPlan) -> None:
    budget = plan.budget
    if budget.visits_left > 0 and budget.rounds_left == 0:
        warnings.warn(
            f"max_epochs={estimator.max_epochs} ended training after {budget.visits} of "
            f"{budget.total} row visits: the budget was not spent. Raise max_epochs, or leave it "
            "at None, if strategies are to be compared at equal budgets.",
            ConvergenceWarning,
            stacklevel=6,  # the caller of fit, past _fit and the decorator of train
        )
