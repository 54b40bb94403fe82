"""What is recorded of a training: the tables that go on and the fitted attributes."""

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._labels import joined_ids
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._published_table import HeldOut, PublishedTable
from sklearn_sifal._row_weights import scaled_to_one
from sklearn_sifal._training_data import TrainingData
from sklearn_sifal.neural._mlp_net import MLPNet
from sklearn_sifal.neural._net_factory import as_net_inputs, as_net_targets
from sklearn_sifal.neural._observers import (
    FullRecorder,
    HistoryRecorder,
    ValidationMonitor,
    as_kept,
)
from sklearn_sifal.neural._rounds import TrainingPlan
from sklearn_sifal.neural._tasks import task_of


class Recorders:
    """The observers of one training and the fitted attributes made from them.

    Parameters
    ----------
    estimator : LossSampledEstimator
        With checked parameters.
    data, validation : TrainingData
        Rows to train on and to validate with; `validation` may be None.
    net : MLPNet
        The net to be trained.
    """

    def __init__(
        self,
        estimator: Any,
        data: TrainingData,
        validation: TrainingData | None,
        net: MLPNet,
    ) -> None:
        self.data = data
        self.validation = validation
        self.task = task_of(estimator)
        self.history = HistoryRecorder()
        self.full = FullRecorder(estimator.history_dtype) if estimator.record == "history" else None
        self.monitor: ValidationMonitor | None = None
        if validation is not None:
            held_out = validation.rows is not None
            self.monitor = self.task.monitor(
                as_net_inputs(
                    validation.X, net, rows=validation.rows, name="X" if held_out else "X_val"
                ),
                as_net_targets(validation, net, "y" if held_out else "y_val"),
                None if validation.weights is None else scaled_to_one(validation.weights),
                validation.rows,
                n_rows_trained=len(data.y),
                patience=estimator.n_iter_no_change if estimator.early_stopping else None,
                tol=float(estimator.tol),
            )

    @property
    def observers(self) -> list[Any]:
        """Those that are told of the rounds, in this order."""
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
        estimator.history_ = [*earlier, *self.task.published_history(self.history.records)]
        estimator.loss_curve_ = [record["train_loss"] for record in estimator.history_]
        estimator.n_iter_ = plan.first_epoch + plan.budget.rounds
        estimator.validation_scores_ = None
        if self.monitor is not None:
            scores = estimator.__dict__.get("validation_scores_") if keeps_history else None
            estimator.validation_scores_ = [*(scores or []), *self.monitor.scores]
        estimator.sampling_strategy_ = plan.strategy
        estimator._table_loss = self.task.loss
        estimator._published = PublishedTable(
            plan.table,
            self.data.n_given,
            self.data.rows,
            ids=ids,
            held_out=self._held_out(),
            loss_unit=self.task.loss_unit,
        )
        self._set_full_history(estimator, keeps_history)

    def _held_out(self) -> HeldOut | None:
        if self.validation is None or self.validation.rows is None:
            return None
        losses = None if self.monitor is None else self.monitor.losses
        epoch = -1 if self.monitor is None else self.monitor.epoch
        return HeldOut(self.validation.rows, losses, epoch)

    def _set_full_history(self, estimator: Any, goes_on: bool) -> None:
        if self.full is None:
            estimator._loss_history = estimator.selections_ = estimator.weight_history_ = None
            return
        earlier = estimator._loss_history if goes_on else None
        n_earlier = 0 if earlier is None else len(earlier)
        n_rounds = n_earlier + len(self.full.losses)
        losses = np.full((n_rounds, self.data.n_given), np.nan, self.full.dtype)
        if earlier is not None:
            # Sample ids may have been added since, and the type may be another one.
            losses[:n_earlier, : earlier.shape[1]] = as_kept(earlier, self.full.dtype)
        where = slice(None) if self.data.rows is None else self.data.rows
        for row, measured in zip(losses[n_earlier:], self.full.losses, strict=True):
            row[where] = measured
        selections = [self._numbers(rows) for rows in self.full.selections]
        weights = self.full.weights
        if earlier is not None:
            selections = [*estimator.selections_, *selections]
            weights = [*estimator.weight_history_, *weights]
        estimator._loss_history = losses
        estimator.selections_ = selections
        estimator.weight_history_ = weights

    def _numbers(self, rows: NDArray[np.int64]) -> NDArray[np.integer]:
        """Numbers by which the user knows rows, in half the memory where that is enough."""
        given = rows if self.data.rows is None else self.data.rows[rows]
        fits = self.data.n_given <= np.iinfo(np.int32).max
        return given.astype(np.int32 if fits else np.int64)


def new_table(estimator: Any, data: TrainingData) -> LossTable:
    """An empty loss table for the rows of `data`."""
    dynamics = task_of(estimator).dynamics if estimator.record != "loss" else False
    return LossTable(len(data.y), dynamics=dynamics)


def describes(estimator: Any, data: TrainingData) -> bool:
    """Whether the table of the previous fit is about rows like these."""
    published: PublishedTable | None = getattr(estimator, "_published", None)
    return (
        published is not None
        and published.n_given == data.n_given
        and estimator._table_loss == task_of(estimator).loss
        and _are_same(published.rows, data.rows)
        and (published.table.dynamics is not None) == (estimator.record != "loss")
        and (estimator.selections_ is not None) == (estimator.record == "history")
    )


def _are_same(rows: NDArray[np.int64] | None, others: NDArray[np.int64] | None) -> bool:
    if rows is None or others is None:
        return rows is others
    return np.array_equal(rows, others)


def table_to_go_on_with(estimator: Any) -> LossTable:
    """A copy of the loss table, so that a fit that fails leaves the old one as it was."""
    table: LossTable = copy.deepcopy(estimator._published.table)
    return table


def continues_by_id(estimator: Any, ids: NDArray[Any] | None) -> bool:
    """Whether rows with these ids are entered into a table kept by earlier ones."""
    if ids is None or getattr(estimator, "_sample_ids", None) is None:
        return False
    if (estimator._published.table.dynamics is None) != (estimator.record == "loss"):
        raise ValueError(
            "The 'record' parameter must not change between 'loss' and the others while "
            f"sample_ids continue one loss table. Got {estimator.record!r}."
        )
    return True


def merge_by_id(
    estimator: Any,
    plan: TrainingPlan,
    recorders: Recorders,
    ids: NDArray[Any],
    goes_on: bool,
) -> NDArray[Any]:
    """Enter a chunk's table into the one that is kept by sample ids.

    Parameters
    ----------
    estimator : LossSampledEstimator
        Has the kept table, if there is one.
    plan : TrainingPlan
        After the training; its table becomes the one with the chunk entered.
    recorders : Recorders
        Of this training; they speak of the records of that table afterwards.
    ids : ndarray of shape (n_given,)
        Identifiers of the rows of the chunk.
    goes_on : bool
        Whether there is a kept table; see `continues_by_id`.

    Returns
    -------
    kept_ids : ndarray of shape (n_records,)
        Identifiers of all records.
    """
    data = recorders.data
    kept_ids, positions = _positions_of(ids, estimator._sample_ids if goes_on else ids[:0])
    records = positions if data.rows is None else positions[data.rows]
    old = estimator._published.table if goes_on else plan.table.empty_like(0)
    plan.table = old.merged(plan.table, records, len(kept_ids))
    recorders.data = TrainingData(data.X, data.y, None, None, len(kept_ids))
    if recorders.full is not None:
        recorders.full.enter_into(plan.table, records)
    return kept_ids


def _positions_of(ids: NDArray[Any], known: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """All ids in order of first appearance, and where each of `ids` stands among them."""
    everything = joined_ids(known, ids)
    _, first, inverse = np.unique(everything, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return everything[np.sort(first)], rank[inverse[len(known) :]]


def check_fitted(estimator: Any) -> None:
    """Raise unless the parts of an estimator that was read from a file fit each other."""
    net = estimator.net_
    for name, kind in (("net_", MLPNet), ("_published", PublishedTable)):
        value = getattr(estimator, name)
        if not isinstance(value, kind):
            raise ValueError(f"{name!r} is {type(value).__name__}, not a {kind.__name__}")
    if net.module__n_features != estimator.n_features_in_:
        raise ValueError(
            f"the net has {net.module__n_features} features, not {estimator.n_features_in_}"
        )
    n_outputs = task_of(estimator).n_outputs
    if net.module__n_outputs != n_outputs:
        raise ValueError(f"the net has {net.module__n_outputs} outputs, not {n_outputs}")
