"""One training: plan it, run its rounds, check what came out."""

# Any: models for out-of-fold losses are estimators, which are not known here.

import copy
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from sklearn_sifal._devices import limited_threads, own_torch_settings
from sklearn_sifal._inputs import Inputs
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._out_of_fold import OutOfFoldLosses
from sklearn_sifal._progress import ProgressBar
from sklearn_sifal._seeding import Streams, torch_seed
from sklearn_sifal._settings import Settings, TrainingDescription, settings_for
from sklearn_sifal._targets import Targets
from sklearn_sifal._training_data import RowMetadata, TrainingData
from sklearn_sifal.neural._checkpoint import Checkpoint
from sklearn_sifal.neural._fitted import Fitted, Recorders
from sklearn_sifal.neural._mlp_net import MLPNet
from sklearn_sifal.neural._net_factory import (
    as_net_inputs,
    make_net,
    numpy_dtype,
    prepare_for_more,
)
from sklearn_sifal.neural._observers import ProgressObserver
from sklearn_sifal.neural._overflow import check_trained
from sklearn_sifal.neural._rounds import TrainingPlan
from sklearn_sifal.neural._schedule import LR_SCHEDULES, SCORED_ROW_COST, Budget
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._everything import Base

_ENTRIES_PER_PART = 1 << 20


@own_torch_settings()
def train(
    description: TrainingDescription,
    targets: Targets,
    data: TrainingData,
    strategy: SamplingStrategy,
    streams: Streams,
    *,
    validation: TrainingData | None,
    metadata: RowMetadata,
    brief: Callable[[int, int], Any],
    previous: Fitted | None,
) -> Fitted:
    """Train a net until the budget is spent; nothing that is given changes.

    Parameters
    ----------
    description : TrainingDescription
        Checked parameters.
    targets : Targets
        What is learnt.
    data, validation : TrainingData
        Rows to train on and to validate with; their targets are encoded.
    strategy : SamplingStrategy
        Chooses the rows of `data`; no other training has it.
    streams : Streams
        Seeds.
    metadata : RowMetadata
        What else is known of the rows of `data`.
    brief : callable
        Makes models for out-of-fold losses; see `brief_model`.
    previous : Fitted or None
        Whose weights, and if possible table, to go on from; None to start anew.

    Returns
    -------
    fitted : Fitted
    """
    settings = settings_for(description, data)
    previous_net = None if previous is None else previous.net_
    net = make_net(description, targets, data, settings, streams, previous=previous_net)
    given_weights = _weights_given_to(net, description, goes_on=previous is not None)
    earlier = previous
    if earlier is not None and not earlier.describes(data, targets, description):
        earlier = None
    # A copy, so that a training that fails leaves the old table as it was.
    table = (
        _new_table(description, targets, data) if earlier is None else copy.deepcopy(earlier.table)
    )
    plan = _make_plan(description, targets, data, settings, streams, strategy=strategy, table=table)
    plan.first_epoch = 0 if earlier is None else earlier.n_iter_
    plan.irreducible_losses, plan.trusted = metadata.irreducible_losses, metadata.trusted
    plan.out_of_fold_losses = OutOfFoldLosses(
        targets, data, streams.folds, batch_size=settings.batch_size, brief=brief
    )
    recorders = Recorders(description, targets, data, validation, net)
    _run(description, net, plan, recorders, streams)
    _warn_if_cut_short(plan)
    return recorders.fitted(plan, earlier, given_weights=given_weights)


@own_torch_settings()
def train_one_pass(
    description: TrainingDescription,
    targets: Targets,
    data: TrainingData,
    streams: Streams,
    *,
    ids: NDArray[Any] | None,
    previous: Fitted | None,
    undo: list[Callable[[], None]],
) -> Fitted:
    """Train on every row once at a constant rate; a net that there is, in place.

    Parameters
    ----------
    description : TrainingDescription
        Checked parameters.
    targets : Targets
        What is learnt.
    data : TrainingData
        The chunk; its targets are encoded.
    streams : Streams
        Seeds.
    ids : ndarray of shape (n_given,) or None
        Identifiers of the rows.
    previous : Fitted or None
        Of the call before; None if a net has to be made.
    undo : list of callable
        Takes what puts the net back if this, or what comes after it, fails.

    Returns
    -------
    fitted : Fitted
    """
    description = _of_one_pass(description)
    settings = settings_for(description, data)
    chunk_lr = None if previous is None else previous._chunk_lr
    if description.lr == "auto":
        # That of the first chunk: the rate is not to go up and down with their contents.
        chunk_lr = settings.lr if chunk_lr is None else chunk_lr
        settings = replace(settings, lr=chunk_lr)
    features: NDArray[np.int64] | None = None
    if previous is None:
        net = make_net(description, targets, data, settings, streams)
        given_weights = _weights_given_to(net, description, goes_on=False)
    else:
        net, given_weights = previous.net_, previous._given_weights
        features = _features_of(data.X) if sp.issparse(data.X) else None
        undo.append(Checkpoint(net, features).restore)
        prepare_for_more(net, data, settings)
    goes_on = previous is not None and previous.continues_by_id(ids, description)
    earlier = previous if goes_on else None
    table = _new_table(description, targets, data)
    plan = _make_plan(description, targets, data, settings, streams, strategy=Base(), table=table)
    plan.first_epoch = 0 if previous is None else previous.n_iter_
    recorders = Recorders(description, targets, data, None, net)
    _run(description, net, plan, recorders, streams, features)
    if ids is not None:
        ids = recorders.enter_by_id(plan, ids, earlier)
    return recorders.fitted(
        plan,
        earlier,
        given_weights=given_weights,
        ids=ids,
        n_partial_fits=1 if previous is None else previous._n_partial_fits + 1,
        chunk_lr=chunk_lr,
    )


def _of_one_pass(description: TrainingDescription) -> TrainingDescription:
    """What a pass of `partial_fit` is told.

    A budget of 1, a constant rate, and no decay but a given one, since a chunk is no training
    over which "auto" would spread it.
    """
    decay = 0.0 if description.weight_decay == "auto" else description.weight_decay
    return replace(
        description, budget=1.0, max_epochs=None, lr_schedule="constant", weight_decay=decay
    )


def _features_of(X: Inputs) -> NDArray[np.int64]:
    """Columns of a CSR matrix that have entries; in parts, since it may be a memory map."""
    present = np.zeros(X.shape[1], dtype=bool)
    for start in range(0, X.nnz, _ENTRIES_PER_PART):
        present[X.indices[start : min(start + _ENTRIES_PER_PART, X.nnz)]] = True
    return np.flatnonzero(present)


def _weights_given_to(
    net: MLPNet, description: TrainingDescription, *, goes_on: bool
) -> dict[str, NDArray[Any]] | None:
    """Weights that a new net begins with; None for those that its seed gives again."""
    return net.get_weights() if goes_on or description.init_weights is not None else None


def _new_table(description: TrainingDescription, targets: Targets, data: TrainingData) -> LossTable:
    dynamics = targets.dynamics if description.keeps_dynamics else False
    return LossTable(len(data.y), dynamics=dynamics)


def _make_plan(
    description: TrainingDescription,
    targets: Targets,
    data: TrainingData,
    settings: Settings,
    streams: Streams,
    *,
    strategy: SamplingStrategy,
    table: LossTable,
) -> TrainingPlan:
    budget = Budget(
        total=max(1, round(settings.budget * len(data.y))),
        scored_row_cost=SCORED_ROW_COST[description.budget_unit],
        max_epochs=description.max_epochs,
    )
    return TrainingPlan(
        strategy=strategy,
        table=table,
        budget=budget,
        order=np.random.default_rng(streams.order),
        selection=np.random.default_rng(streams.selection),
        row_weights=data.scaled_weights,
        batch_size=settings.batch_size,
        shuffle=bool(description.shuffle),
        schedule=LR_SCHEDULES[description.lr_schedule],
        row_numbers=data.rows,
        n_classes=targets.n_classes,
    )


def _run(
    description: TrainingDescription,
    net: MLPNet,
    plan: TrainingPlan,
    recorders: Recorders,
    streams: Streams,
    features: NDArray[np.int64] | None = None,
) -> None:
    """Train, and check the weights of the given features; None for all."""
    data, targets = recorders.data, recorders.targets
    device = torch.device(net.device)
    generator = torch.Generator(device).manual_seed(torch_seed(streams.dropout))
    bar = ProgressBar("fit") if int(description.verbose) > 0 else nullcontext()
    X = as_net_inputs(data.X, net, rows=data.rows)
    n_threads = net.choose_n_threads(description.n_threads)
    with limited_threads(n_threads), bar as progress:
        plan.observers = recorders.observers
        if progress is not None:
            plan.observers = [*plan.observers, ProgressObserver(progress, targets)]
        net.module_.set_dropout_generator(generator)
        try:
            net.partial_fit(X, targets.as_trained(data, numpy_dtype(net), "y"), plan=plan)
        finally:
            net.module_.set_dropout_generator(None)
        if recorders.monitor is not None:
            recorders.monitor.restore_best(net)
        # Within the limit: a process that was forked from one that used several threads
        # waits for ever for those that it does not have.
        check_trained(net, X, data.rows, largest=targets.largest_output, features=features)


def _warn_if_cut_short(plan: TrainingPlan) -> None:
    budget = plan.budget
    if budget.visits_left > 0 and budget.rounds_left == 0:
        warnings.warn(
            f"max_epochs={budget.max_epochs} ended training after {budget.visits} of "
            f"{budget.total} row visits: the budget was not spent. Raise max_epochs, or leave it "
            "at None, if strategies are to be compared at equal budgets.",
            ConvergenceWarning,
            stacklevel=5,  # the caller of fit, past the decorator of train
        )
