"""What comes out of a training, and what the next one goes on from."""

from dataclasses import MISSING, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._labels import joined_ids
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._published_table import HeldOut, PublishedTable
from sklearn_sifal._row_weights import scaled_to_one
from sklearn_sifal._settings import TrainingDescription
from sklearn_sifal._targets import Targets
from sklearn_sifal._training_data import TrainingData
from sklearn_sifal.neural._mlp_net import MLPNet
from sklearn_sifal.neural._net_factory import as_net_inputs, numpy_dtype
from sklearn_sifal.neural._observers import (
    FullRecorder,
    ValidationMonitor,
    as_kept,
)
from sklearn_sifal.neural._rounds import Figures, RoundObserver, TrainingPlan, Weights
from sklearn_sifal.strategies._base import SamplingStrategy


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The result of a training; what has the name of an attribute is meant to be that one.

    Attributes
    ----------
    net_, history_, loss_curve_, n_iter_, validation_scores_, sampling_strategy_, selections_, \
weight_history_
        See the estimators.
    _published : PublishedTable
        The loss table.
    _loss_history : ndarray of shape (n_rounds, n_given) or None
        Losses after every round, in the unit of the table.
    _table_loss : tuple
        The loss that the table is of; see `Targets.loss`.
    _given_weights : dict of str to ndarray or None
        Weights that the net began with; None for those that its seed gives again.
    _sample_ids : ndarray of shape (n_given,) or None
        Identifiers of the rows of the table, kept from one partial_fit to the next.
    _n_partial_fits : int
        Calls of partial_fit since the last fit.
    _chunk_lr : float or None
        The rate of the first of them where "auto" chose it.
    """

    net_: MLPNet
    history_: list[Figures]
    loss_curve_: list[float]
    n_iter_: int
    validation_scores_: list[float] | None
    sampling_strategy_: SamplingStrategy
    selections_: list[NDArray[np.integer]] | None
    weight_history_: list[Weights] | None
    _published: PublishedTable
    _loss_history: NDArray[np.floating] | None
    _table_loss: tuple[object, ...]
    _given_weights: Weights | None
    _sample_ids: NDArray[Any] | None
    _n_partial_fits: int
    _chunk_lr: float | None = None

    @property
    def table(self) -> LossTable:
        """The loss table."""
        return self._published.table

    @classmethod
    def of(cls, attributes: dict[str, Any]) -> "Fitted":
        """What an estimator with these attributes has from its last training."""
        return cls(**{f.name: attributes[f.name] for f in fields(cls) if f.name in attributes})

    def describes(
        self, data: TrainingData, targets: Targets, description: TrainingDescription
    ) -> bool:
        """Whether the table is about rows like these, and of the same kind."""
        published = self._published
        return (
            published.n_given == data.n_given
            and self._table_loss == targets.loss
            and _are_same(published.rows, data.rows)
            and (self.table.dynamics is not None) == description.keeps_dynamics
            and (self.selections_ is not None) == description.keeps_history
        )

    def continues_by_id(self, ids: NDArray[Any] | None, description: TrainingDescription) -> bool:
        """Whether rows with these ids are entered into the table."""
        if ids is None or self._sample_ids is None:
            return False
        if (self.table.dynamics is not None) != description.keeps_dynamics:
            raise ValueError(
                "The 'record' parameter must not change between 'loss' and the others while "
                f"sample_ids continue one loss table. Got {description.record!r}."
            )
        return True

    def check(self, targets: Targets, n_features: int) -> None:
        """Raise unless the parts, read from a file, fit each other."""
        net = self.net_
        for name, value, kind in (
            ("net_", net, MLPNet),
            ("_published", self._published, PublishedTable),
        ):
            if not isinstance(value, kind):
                raise ValueError(f"{name!r} is {type(value).__name__}, not a {kind.__name__}")
        if net.module__n_features != n_features:
            raise ValueError(f"the net has {net.module__n_features} features, not {n_features}")
        if net.module__n_outputs != targets.n_outputs:
            raise ValueError(
                f"the net has {net.module__n_outputs} outputs, not {targets.n_outputs}"
            )
        if not targets.largest_output > 0:
            raise ValueError("the targets have no scale")


#: Attributes that every fitted estimator has.
REQUIRED = frozenset(f.name for f in fields(Fitted) if f.default is MISSING)


def _are_same(rows: NDArray[np.int64] | None, others: NDArray[np.int64] | None) -> bool:
    if rows is None or others is None:
        return rows is others
    return np.array_equal(rows, others)


class Recorders:
    """The observers of one training, and what they make of it.

    Parameters
    ----------
    description : TrainingDescription
        What is to be recorded, and when to stop.
    targets : Targets
        What is learnt.
    data, validation : TrainingData
        Rows to train on and to validate with; `validation` may be None.
    net : MLPNet
        The net to be trained.
    """

    def __init__(
        self,
        description: TrainingDescription,
        targets: Targets,
        data: TrainingData,
        validation: TrainingData | None,
        net: MLPNet,
    ) -> None:
        self.targets = targets
        self.data = data
        self.validation = validation
        self.net = net
        keeps_history = description.keeps_history
        self.full = FullRecorder(description.history_dtype) if keeps_history else None
        self.monitor = None if validation is None else self._monitor(description, validation)

    def _monitor(
        self, description: TrainingDescription, validation: TrainingData
    ) -> ValidationMonitor:
        net, rows = self.net, validation.rows
        X_name, y_name = ("X_val", "y_val") if rows is None else ("X", "y")
        return ValidationMonitor(
            X=as_net_inputs(validation.X, net, rows=rows, name=X_name),
            y=self.targets.as_trained(validation, numpy_dtype(net), y_name),
            weights=None if validation.weights is None else scaled_to_one(validation.weights),
            rows=rows,
            targets=self.targets,
            n_rows_trained=len(self.data.y),
            patience=description.n_iter_no_change if description.early_stopping else None,
            tol=float(description.tol),
        )

    @property
    def observers(self) -> list[RoundObserver]:
        """Those that are told of the rounds, in this order."""
        # The monitor adds to the figures, so it comes before what shows them.
        return [observer for observer in (self.monitor, self.full) if observer is not None]

    def fitted(
        self,
        plan: TrainingPlan,
        earlier: Fitted | None,
        *,
        given_weights: Weights | None,
        ids: NDArray[Any] | None = None,
        n_partial_fits: int = 0,
        chunk_lr: float | None = None,
    ) -> Fitted:
        """The result of the training.

        Parameters
        ----------
        plan : TrainingPlan
            After the training.
        earlier : Fitted or None
            What has the table and the history that went on.
        given_weights : dict of str to ndarray or None
            Weights that the net began with.
        ids : ndarray of shape (n_given,) or None
            Identifiers of the records.
        n_partial_fits : int
            Calls of partial_fit with this one.
        chunk_lr : float or None
            The rate that "auto" chose for the first of them.
        """
        history = self.targets.published_history(plan.history)
        if earlier is not None:
            history = [*earlier.history_, *history]
        losses, selections, weights = self._full_history(earlier)
        return Fitted(
            net_=self.net,
            history_=history,
            loss_curve_=[figures["train_loss"] for figures in history],
            n_iter_=plan.first_epoch + plan.budget.rounds,
            validation_scores_=self._validation_scores(earlier),
            sampling_strategy_=plan.strategy,
            selections_=selections,
            weight_history_=weights,
            _published=PublishedTable(
                plan.table,
                self.data.n_given,
                self.data.rows,
                ids=ids,
                held_out=self._held_out(),
                loss_unit=self.targets.loss_unit,
            ),
            _loss_history=losses,
            _table_loss=self.targets.loss,
            _given_weights=given_weights,
            _sample_ids=ids,
            _n_partial_fits=n_partial_fits,
            _chunk_lr=chunk_lr,
        )

    def _validation_scores(self, earlier: Fitted | None) -> list[float] | None:
        if self.monitor is None:
            return None
        before = earlier.validation_scores_ if earlier is not None else None
        return [*(before or []), *self.monitor.scores]

    def _held_out(self) -> HeldOut | None:
        if self.validation is None or self.validation.rows is None or self.monitor is None:
            return None
        return HeldOut(self.validation.rows, self.monitor.losses, self.monitor.epoch)

    def _full_history(
        self, earlier: Fitted | None
    ) -> tuple[
        NDArray[np.floating] | None,
        list[NDArray[np.integer]] | None,
        list[Weights] | None,
    ]:
        """Losses, selections and weights of every round, those of earlier calls included."""
        if self.full is None:
            return None, None, None
        before = None if earlier is None else earlier._loss_history
        n_earlier = 0 if before is None else len(before)
        n_rounds = n_earlier + len(self.full.losses)
        losses = np.full((n_rounds, self.data.n_given), np.nan, self.full.dtype)
        if before is not None:
            # Sample ids may have been added since, and the type may be another one.
            losses[:n_earlier, : before.shape[1]] = as_kept(before, self.full.dtype)
        where = slice(None) if self.data.rows is None else self.data.rows
        for row, measured in zip(losses[n_earlier:], self.full.losses, strict=True):
            row[where] = measured
        selections = [self._numbers(rows) for rows in self.full.selections]
        if earlier is None:
            return losses, selections, self.full.weights
        # Either is None where a table by ids goes on whose history begins now.
        selections = [*(earlier.selections_ or []), *selections]
        return losses, selections, [*(earlier.weight_history_ or []), *self.full.weights]

    def _numbers(self, rows: NDArray[np.int64]) -> NDArray[np.integer]:
        """Numbers by which the user knows rows, in half the memory where that is enough."""
        given = rows if self.data.rows is None else self.data.rows[rows]
        fits = self.data.n_given <= np.iinfo(np.int32).max
        return given.astype(np.int32 if fits else np.int64)

    def enter_by_id(
        self, plan: TrainingPlan, ids: NDArray[Any], earlier: Fitted | None
    ) -> NDArray[Any]:
        """Enter a chunk's table into the one that is kept by sample ids.

        Parameters
        ----------
        plan : TrainingPlan
            After the training; its table becomes the one with the chunk entered.
        ids : ndarray of shape (n_given,)
            Identifiers of the rows of the chunk.
        earlier : Fitted or None
            What has the kept table; see `Fitted.continues_by_id`.

        Returns
        -------
        kept_ids : ndarray of shape (n_records,)
            Identifiers of all records, of which this object speaks from now on.
        """
        data = self.data
        known = ids[:0] if earlier is None or earlier._sample_ids is None else earlier._sample_ids
        kept_ids, positions = _positions_of(ids, known)
        records = positions if data.rows is None else positions[data.rows]
        old = plan.table.empty_like(0) if earlier is None else earlier.table
        plan.table = old.merged(plan.table, records, len(kept_ids))
        self.data = TrainingData(data.X, data.y, None, None, len(kept_ids))
        if self.full is not None:
            self.full.enter_into(plan.table, records)
        return kept_ids


def _positions_of(ids: NDArray[Any], known: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """All ids in order of first appearance, and where each of `ids` stands among them."""
    everything = joined_ids(known, ids)
    _, first, inverse = np.unique(everything, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return everything[np.sort(first)], rank[inverse[len(known) :]]
