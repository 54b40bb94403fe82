"""One training of the estimator: make the net, run the rounds, hand over what was recorded."""

import copy
import inspect
import warnings
from contextlib import nullcontext
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_sifal._devices import choose_n_threads, limited_threads, resolve_device
from sklearn_sifal._loss_table import LossTable, NonFiniteLossError
from sklearn_sifal._parameters import reject
from sklearn_sifal._progress import ProgressBar
from sklearn_sifal._seeding import Streams, make_streams, torch_seed
from sklearn_sifal._settings import Settings, resolve_settings
from sklearn_sifal._training_data import TrainingData
from sklearn_sifal._weights_files import check_weights, load_init_weights
from sklearn_sifal.neural._checkpoint import Checkpoint
from sklearn_sifal.neural._mlp import MLP
from sklearn_sifal.neural._net import LossSampledNet
from sklearn_sifal.neural._observers import (
    FullRecorder,
    HistoryRecorder,
    ProgressObserver,
    ValidationMonitor,
)
from sklearn_sifal.neural._rounds import TrainingPlan
from sklearn_sifal.neural._schedule import LR_SCHEDULES, SCORED_ROW_COST, Budget
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._everything import Base
from sklearn_sifal.strategies._registry import resolve_strategy


# A caller's no_grad() or inference_mode() block must not reach into a training.
@torch.inference_mode(False)
@torch.enable_grad()
def train(
    estimator: Any,
    data: TrainingData,
    validation: TrainingData | None,
    streams: Streams,
    *,
    goes_on: bool,
) -> None:
    """Train a new net on checked data and set the estimator's fitted attributes.

    Parameters
    ----------
    estimator : LossSampledClassifier
        With checked parameters and `classes_`. Its attributes change only at the end.
    data, validation : TrainingData
        Rows to train on and to validate with.
    streams : Streams
        Seeds.
    goes_on : bool
        Whether to start from the weights, and if possible the table, of `net_`.
    """
    settings = resolve_settings(estimator, len(data.y), sparse_input=sp.issparse(data.X))
    net = _make_net(estimator, data, settings, streams)
    if goes_on:
        _continue_from(net, estimator.net_)
    elif estimator.init_weights is not None:
        _load_into(net, load_init_weights(estimator.init_weights))
    keeps_table = goes_on and _describes(estimator, data)
    table = _table_to_go_on_with(estimator) if keeps_table else _new_table(estimator, data)
    plan = _make_plan(
        estimator,
        data,
        settings,
        streams,
        strategy=resolve_strategy(estimator.sampling_strategy, estimator.sampling_percentage),
        table=table,
        first_epoch=estimator.n_iter_ if keeps_table else 0,
    )
    recorders = _Recorders(estimator, data, validation, net)
    given_weights = None if not goes_on and estimator.init_weights is None else net.get_weights()
    _run(estimator, net, data, plan, recorders, streams)
    _check_weights_are_finite(net, None)
    _warn_if_cut_short(estimator, plan, recorders)
    recorders.set_attributes(estimator, plan, keeps_history=keeps_table)
    # What partial_fit keeps over its calls ends with a fit.
    estimator._sample_ids, estimator._n_partial_fits = None, 0
    estimator._given_weights = given_weights
    estimator.net_ = net


@torch.inference_mode(False)
@torch.enable_grad()
def train_one_pass(
    estimator: Any, data: TrainingData, ids: NDArray[Any] | None, *, first: bool
) -> None:
    """Train on every row once at a constant rate, in place; undone if it fails.

    Parameters
    ----------
    estimator : LossSampledClassifier
        With checked parameters and `classes_`.
    data : TrainingData
        The chunk.
    ids : ndarray of shape (n_given,) or None
        Identifiers of the rows.
    first : bool
        Whether a net has to be made.
    """
    calls = getattr(estimator, "_n_partial_fits", 0)
    streams = make_streams(estimator.random_state, call=calls)
    settings = resolve_settings(estimator, len(data.y), sparse_input=sp.issparse(data.X))
    if first:
        net = _make_net(estimator, data, settings, streams)
        estimator._given_weights = None
        if estimator.init_weights is not None:
            _load_into(net, load_init_weights(estimator.init_weights))
            estimator._given_weights = net.get_weights()
        checkpoint, features = None, None
    else:
        net = estimator.net_
        features = np.unique(data.X.indices).astype(np.int64) if sp.issparse(data.X) else None
        checkpoint = Checkpoint(net, features)
    table = _new_table(estimator, data)
    goes_on = ids is not None and getattr(estimator, "_sample_ids", None) is not None
    if goes_on and (estimator._table.dynamics is None) != (table.dynamics is None):
        raise ValueError(
            "The 'record' parameter must not change between 'loss' and the others while "
            f"sample_ids continue one loss table. Got {estimator.record!r}."
        )
    plan = _make_plan(
        estimator,
        data,
        Settings(settings.batch_size, settings.lr, 1.0),
        streams,
        strategy=Base(),
        table=table,
        first_epoch=getattr(estimator, "n_iter_", 0),
    )
    plan.schedule = LR_SCHEDULES["constant"]
    plan.budget.max_epochs = None
    recorders = _Recorders(estimator, data, None, net)
    try:
        if not first:
            _prepare_for_more(net, data, settings)
        _run(estimator, net, data, plan, recorders, streams)
        _check_weights_are_finite(net, features)
        if ids is not None:
            ids = _merge_by_id(estimator, plan, recorders, ids, goes_on)
        recorders.set_attributes(estimator, plan, keeps_history=goes_on, ids=ids)
    except BaseException:
        if checkpoint is not None:
            checkpoint.restore()
        raise
    estimator._sample_ids = ids
    estimator._n_partial_fits = calls + 1
    estimator.net_ = net


def compute_logits(estimator: Any, X: Any) -> NDArray[Any]:
    """Outputs of the fitted net for checked inputs, shape (n_samples, n_classes)."""
    net = estimator.net_
    with limited_threads(_n_threads(estimator, net)):
        logits: torch.Tensor = net.forward(X.astype(_numpy_dtype(net), copy=False))
    result: NDArray[Any] = logits.numpy()
    return result


# ------------------------------------------------------------------ making the net


def _make_net(
    estimator: Any, data: TrainingData, settings: Settings, streams: Streams
) -> LossSampledNet:
    device = resolve_device(estimator.device)
    sparse_input = sp.issparse(data.X)
    # Accelerators are slow in float64, or cannot do it.
    wide = data.X.dtype == np.float64 and device.type == "cpu"
    callbacks = estimator.callbacks
    net = LossSampledNet(
        MLP,
        module__n_features=data.X.shape[1],
        module__n_outputs=len(estimator.classes_),
        module__hidden_layer_sizes=tuple(int(n) for n in estimator.hidden_layer_sizes),
        module__activation=estimator.activation,
        module__dropout=float(estimator.dropout),
        module__input_dropout=float(estimator.input_dropout),
        module__dtype=torch.float64 if wide else torch.float32,
        module__seed=torch_seed(streams.weights),
        criterion=torch.nn.CrossEntropyLoss,
        criterion__reduction="none",
        sparse_input=sparse_input,
        sparse_optimizer=estimator.sparse_optimizer,
        row_weight_decay=float(estimator.weight_decay),
        lr=settings.lr,
        batch_size=settings.batch_size,
        device=str(device),
        callbacks=None if callbacks is None else [clone(c, safe=False) for c in callbacks],
        **_optimizer_arguments(estimator, sparse_input),
    )
    net.initialize()
    return net


def _optimizer_arguments(estimator: Any, sparse_input: bool) -> dict[str, Any]:
    optimizer, decay = estimator.optimizer, float(estimator.weight_decay)
    if optimizer == "auto":
        # One learning rate serves both parts of the net if both have the same rule.
        if sparse_input and estimator.sparse_optimizer == "adagrad":
            return {"optimizer": torch.optim.Adagrad, "optimizer__weight_decay": decay}
        # fused: one call instead of a dozen small ones for every layer.
        return {
            "optimizer": torch.optim.AdamW,
            "optimizer__weight_decay": decay,
            "optimizer__fused": True,
        }
    is_class = issubclass(optimizer, torch.optim.Optimizer)
    if not is_class or issubclass(optimizer, torch.optim.LBFGS):
        expected = "'auto' or a torch.optim.Optimizer class whose step needs no closure"
        reject(estimator, "optimizer", expected, optimizer)
    if "weight_decay" in inspect.signature(optimizer).parameters:
        return {"optimizer": optimizer, "optimizer__weight_decay": decay}
    if decay:
        raise ValueError(
            f"The 'weight_decay' parameter must be 0 with optimizer={optimizer.__name__}, which "
            f"has none. Got {decay:g} instead."
        )
    return {"optimizer": optimizer}


def _load_into(net: LossSampledNet, weights: dict[str, NDArray[Any]]) -> None:
    check_weights(weights, _shapes(net))
    net.set_weights(weights)


def _continue_from(net: LossSampledNet, previous: LossSampledNet) -> None:
    """Copy the weights of an earlier net, and its optimisers' state where they are the same."""
    shapes, before = _shapes(net), _shapes(previous)
    if shapes != before:
        raise ValueError(
            "warm_start goes on with the net of the previous fit, so that 'hidden_layer_sizes' and "
            f"the number of features must be the same. Got weights of shapes {shapes} after "
            f"{before}."
        )
    net.set_weights(previous.get_weights())
    if previous._optimizers != net._optimizers:
        return
    for name in net._optimizers:
        before, now = getattr(previous, name + "_"), getattr(net, name + "_")
        if type(before) is type(now):
            # The moments go on; rates and decays are those of this fit.
            state = copy.deepcopy(before.state_dict()["state"])
            now.load_state_dict({**now.state_dict(), "state": state})


def _shapes(net: LossSampledNet) -> dict[str, tuple[int, ...]]:
    return {name: tuple(values.shape) for name, values in net.module_.state_dict().items()}


def _prepare_for_more(net: LossSampledNet, data: TrainingData, settings: Settings) -> None:
    """Let a net take this chunk's container and the present rate."""
    net.lr = settings.lr
    if sp.issparse(data.X) and not net.sparse_input:
        # The dense optimiser of the first layer cannot take row-sparse gradients.
        net.sparse_input = True
        net._initialize_optimizer()


# ------------------------------------------------------------------ running it


def _make_plan(
    estimator: Any,
    data: TrainingData,
    settings: Settings,
    streams: Streams,
    *,
    strategy: SamplingStrategy,
    table: LossTable,
    first_epoch: int,
) -> TrainingPlan:
    budget = Budget(
        total=max(1, round(settings.budget * len(data.y))),
        scored_row_cost=SCORED_ROW_COST[estimator.budget_unit],
        max_epochs=estimator.max_epochs,
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
        schedule=LR_SCHEDULES[estimator.lr_schedule],
        row_numbers=data.positions,
        first_epoch=first_epoch,
    )


def _run(
    estimator: Any,
    net: LossSampledNet,
    data: TrainingData,
    plan: TrainingPlan,
    recorders: "_Recorders",
    streams: Streams,
) -> None:
    device = torch.device(net.device)
    generator = torch.Generator(device).manual_seed(torch_seed(streams.dropout))
    bar = ProgressBar("fit") if int(estimator.verbose) > 0 else nullcontext()
    X = data.X.astype(_numpy_dtype(net), copy=False)
    with limited_threads(_n_threads(estimator, net)), bar as progress:
        plan.observers = recorders.observers
        if progress is not None:
            plan.observers = [*plan.observers, ProgressObserver(progress)]
        net.module_.set_dropout_generator(generator)
        try:
            net.partial_fit(X, data.y, plan=plan)
        finally:
            net.module_.set_dropout_generator(None)
        if recorders.monitor is not None:
            recorders.monitor.restore_best(net)


def _check_weights_are_finite(net: LossSampledNet, features: NDArray[np.int64] | None) -> None:
    """Raise for what no later loss tells of: the last step, or a feature that is rare.

    Parameters
    ----------
    net : LossSampledNet
        After the training.
    features : ndarray of shape (n,), int64, or None
        The only features that the training can have touched; None for all.
    """
    for name, param in net.module_.named_parameters():
        values = param.detach()
        if name == "input.weight" and features is not None:
            values = values.index_select(0, torch.from_numpy(features).to(values.device))
        if values.numel() and not all(bool(end.isfinite()) for end in values.aminmax()):
            raise NonFiniteLossError(
                f"Training ended with infinite or NaN weights in {name!r}. The learning rate was "
                f"lr={net.lr:g} (before the schedule). Try a smaller lr, or scale the features, "
                "for example with StandardScaler or MaxAbsScaler."
            )


def _numpy_dtype(net: LossSampledNet) -> Any:
    return np.float64 if net.module_.input.weight.dtype == torch.float64 else np.float32


def _n_threads(estimator: Any, net: LossSampledNet) -> int:
    if estimator.n_threads is not None:
        return int(estimator.n_threads)
    widths = [layer.weight.shape[0] for layer in net.module_.layers]
    sizes = [*net.module_.input.weight.shape, *widths]
    return choose_n_threads(sizes, sparse_input=net.sparse_input)


def _warn_if_cut_short(estimator: Any, plan: TrainingPlan, recorders: "_Recorders") -> None:
    budget = plan.budget
    if budget.visits_left > 0 and budget.rounds_left == 0:
        warnings.warn(
            f"max_epochs={estimator.max_epochs} ended training after {budget.visits} of "
            f"{budget.total} row visits: the budget was not spent. Raise max_epochs, or leave it "
            "at None, if strategies are to be compared at equal budgets.",
            ConvergenceWarning,
            stacklevel=6,  # the caller of fit, past the two decorators of train
        )


# ------------------------------------------------------------------ the loss table


def _new_table(estimator: Any, data: TrainingData) -> LossTable:
    return LossTable(len(data.y), dynamics=estimator.record != "loss")


def _describes(estimator: Any, data: TrainingData) -> bool:
    """Whether the table of the previous fit is about rows like these."""
    positions = getattr(estimator, "_table_positions", None)
    return (
        positions is not None
        and len(estimator.loss_table_) == data.n_given
        and np.array_equal(positions, data.positions)
        and (estimator._table.dynamics is not None) == (estimator.record != "loss")
    )


def _table_to_go_on_with(estimator: Any) -> LossTable:
    # A copy, so that a fit that fails leaves the old one as it was.
    table: LossTable = estimator._table
    return table.merged(LossTable(0, dynamics=table.dynamics is not None), np.arange(0), 0)


def _merge_by_id(
    estimator: Any,
    plan: TrainingPlan,
    recorders: "_Recorders",
    ids: NDArray[Any],
    goes_on: bool,
) -> NDArray[Any]:
    """Enter a chunk's table into the one that is kept by sample ids; returns its ids."""
    data = recorders.data
    kept_ids, positions = _positions_of(ids, estimator._sample_ids if goes_on else ids[:0])
    records = positions[data.positions]
    old = estimator._table if goes_on else LossTable(0, dynamics=plan.table.dynamics is not None)
    plan.table = old.merged(plan.table, records, len(kept_ids))
    recorders.data = TrainingData(data.X, data.y, None, np.arange(len(kept_ids)), len(kept_ids))
    if recorders.full is not None:
        recorders.full.enter_into(plan.table, records)
    return kept_ids


def _positions_of(ids: NDArray[Any], known: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """All ids in order of first appearance, and where each of `ids` stands among them."""
    everything = np.concatenate([known, ids])
    _, first, inverse = np.unique(everything, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return everything[np.sort(first)], rank[inverse[len(known) :]]


class _Recorders:
    """The observers of one training and the fitted attributes made from them."""

    def __init__(
        self,
        estimator: Any,
        data: TrainingData,
        validation: TrainingData | None,
        net: LossSampledNet,
    ) -> None:
        self.data = data
        self.validation = validation
        self.history = HistoryRecorder()
        self.full = FullRecorder() if estimator.record == "history" else None
        self.monitor: ValidationMonitor | None = None
        if validation is not None:
            self.monitor = ValidationMonitor(
                validation.X.astype(_numpy_dtype(net), copy=False),
                validation.y,
                validation.weights,
                n_rows_trained=len(data.y),
                patience=estimator.n_iter_no_change if estimator.early_stopping else None,
                tol=float(estimator.tol),
            )

    @property
    def observers(self) -> list[Any]:
        # The monitor adds to the record, so it comes before what shows the record.
        return [o for o in (self.monitor, self.history, self.full) if o is not None]

    def set_attributes(
        self,
        estimator: Any,
        plan: TrainingPlan,
        *,
        keeps_history: bool,
        ids: NDArray[Any] | None = None,
    ) -> None:
        """Set the fitted attributes; a table that goes on has a history that goes on."""
        earlier = estimator.history_ if keeps_history else []
        estimator.history_ = [*earlier, *self.history.records]
        estimator.loss_curve_ = [record["train_loss"] for record in estimator.history_]
        estimator.n_iter_ = plan.first_epoch + plan.budget.rounds
        estimator.validation_scores_ = None
        if self.monitor is not None:
            scores = estimator.__dict__.get("validation_scores_") if keeps_history else None
            estimator.validation_scores_ = [*(scores or []), *self.monitor.scores]
        estimator.sampling_strategy_ = plan.strategy
        estimator._table, estimator._table_positions = plan.table, self.data.positions
        estimator.loss_table_ = self._structured_table(plan, ids)
        estimator.visit_counts_ = estimator.loss_table_["visits"].copy()
        self._set_full_history(estimator, keeps_history)

    def _structured_table(self, plan: TrainingPlan, ids: NDArray[Any] | None) -> NDArray[Any]:
        ids = np.arange(self.data.n_given) if ids is None else ids
        table = plan.table.to_structured(ids, self.data.positions)
        if self.validation is not None and self.validation.n_given:
            held_out = self.validation.positions
            table["held_out"][held_out] = True
            if self.monitor is not None and self.monitor.losses is not None:
                table["loss"][held_out] = self.monitor.losses
                table["loss_epoch"][held_out] = self.monitor.epoch
                table["fresh"][held_out] = True
        return table

    def _set_full_history(self, estimator: Any, goes_on: bool) -> None:
        names = ("loss_history_", "selections_", "weight_history_")
        if self.full is None:
            for name in names:
                setattr(estimator, name, None)
            return
        losses = np.full((len(self.full.losses), self.data.n_given), np.nan, np.float32)
        if len(self.full.losses):
            losses[:, self.data.positions] = np.stack(self.full.losses)
        selections = [self.data.positions[rows] for rows in self.full.selections]
        weights = self.full.weights
        if goes_on and estimator.__dict__.get("selections_") is not None:
            # Sample ids may have been added since.
            n_new = losses.shape[1] - estimator.loss_history_.shape[1]
            earlier = np.pad(estimator.loss_history_, ((0, 0), (0, n_new)), constant_values=np.nan)
            losses = np.concatenate([earlier, losses])
            selections = [*estimator.selections_, *selections]
            weights = [*estimator.weight_history_, *weights]
        estimator.loss_history_ = losses
        estimator.selections_ = selections
        estimator.weight_history_ = weights
