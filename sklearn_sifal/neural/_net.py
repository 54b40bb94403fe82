"""The skorch net: trains on the rows that a strategy draws, and records every loss."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet

from sklearn_sifal._loss_table import NonFiniteLossError
from sklearn_sifal.neural._measures import measure
from sklearn_sifal.neural._rounds import Rounds, TrainingPlan
from sklearn_sifal.neural._row_sparse import ROW_SPARSE_OPTIMIZERS
from sklearn_sifal.samplers._row_batches import RowBatch, RowGatherer

# Rows per batch where no gradient is needed: large, since only calls cost.
_SCORING_BATCH_SIZE = 1024


class LossSampledNet(NeuralNet):
    """A skorch net whose batches are drawn by a sampling strategy.

    It changes skorch where skorch invites it: the data set, the iterator, the loss,
    the optimisers, the training step and the loop. A round of the strategy is what
    skorch calls an epoch. No other module uses private names of skorch.

    Parameters
    ----------
    module : class
        Module that returns logits.
    criterion : class
        Criterion; set ``criterion__reduction="none"`` so that it returns one loss per
        instance.
    sparse_optimizer : {'adagrad', 'adam'}, default='adagrad'
        Row-sparse optimiser of the module's ``input.weight``. Only used when
        `sparse_input` is true.
    sparse_input : bool, default=False
        Whether the first layer is trained on sparse rows.
    row_weight_decay : float, default=0.0
        Decoupled decay of the touched rows.
    **kwargs : Any
        The arguments of :class:`skorch.NeuralNet`.
    """

    def __init__(
        self,
        module: Any,
        *,
        criterion: Any = torch.nn.CrossEntropyLoss,
        sparse_optimizer: str = "adagrad",
        sparse_input: bool = False,
        row_weight_decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.sparse_optimizer = sparse_optimizer
        self.sparse_input = sparse_input
        self.row_weight_decay = row_weight_decay
        # skorch would hold out a fifth of the data and print a table.
        kwargs = {"train_split": None, "verbose": 0, **kwargs}
        super().__init__(module, criterion=criterion, **kwargs)

    @property
    def _default_callbacks(self) -> list[Any]:
        return []

    def initialize_optimizer(self, *args: Any, **kwargs: Any) -> "LossSampledNet":
        """Make the optimiser of the dense layers, and that of a sparse first layer."""
        named = dict(self.get_all_learnable_params())
        rest = [(k, v) for k, v in named.items() if not (self.sparse_input and k == "input.weight")]
        args, kwargs = self.get_params_for_optimizer("optimizer", rest)
        self.optimizer_ = self.optimizer(*args, **kwargs)
        if self.sparse_input:
            self.row_optimizer_ = ROW_SPARSE_OPTIMIZERS[self.sparse_optimizer](
                [named["input.weight"]], lr=self.lr, weight_decay=self.row_weight_decay
            )
        return self

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimisers by name, in the order in which they step."""
        return {name: getattr(self, name + "_") for name in self._optimizers}

    def remake_optimizers(self) -> None:
        """Make all optimisers anew, without state, as the parameters now say."""
        self._initialize_optimizer()  # also registers their names, for a checkpoint

    def get_dataset(self, X: Any, y: Any = None) -> RowGatherer:
        """Wrap arrays or a CSR matrix for bulk gathering."""
        if isinstance(X, RowGatherer):
            return X
        targets = np.zeros(X.shape[0], np.int64) if y is None else y
        return RowGatherer(X, targets, torch.device(self.device))

    def get_iterator(self, dataset: RowGatherer, training: bool = False) -> Iterator[RowBatch]:
        """Iterate over all rows in order, in large batches, for prediction and scoring."""
        return self._all_batches(dataset, np.arange(len(dataset)))

    def _all_batches(self, dataset: RowGatherer, rows: NDArray[np.int64]) -> Iterator[RowBatch]:
        for where, X, y in dataset.gather(rows, _SCORING_BATCH_SIZE):
            yield RowBatch(rows[where], X, y)

    def infer(self, x: Any, **fit_params: Any) -> torch.Tensor:
        """Run the module on the inputs of a batch, which are on the device already."""
        logits: torch.Tensor = self.module_(x)
        return logits

    def get_loss(
        self, y_pred: torch.Tensor, y_true: torch.Tensor, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        """One loss per instance, in nats, without weights."""
        losses: torch.Tensor = self.criterion_(y_pred, y_true)
        return losses

    def evaluation_step(self, batch: RowBatch, training: bool = False) -> torch.Tensor:
        """Forward pass of one batch without gradient."""
        self._set_training(training)
        with torch.no_grad():
            return self.infer(batch.X)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Codes of the most probable classes, for skorch's callbacks that score.

        Parameters
        ----------
        X : ndarray, CSR or RowGatherer of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        codes : ndarray of shape (n_samples,), int64
        """
        codes: NDArray[np.int64] = self.predict_proba(X).argmax(axis=1)
        return codes

    def score_rows(
        self, dataset: RowGatherer, rows: NDArray[np.int64], measures: Sequence[str] = ()
    ) -> dict[str, NDArray[Any]]:
        """Losses and other measures of rows, in evaluation mode.

        Parameters
        ----------
        dataset : RowGatherer
            The data.
        rows : ndarray of shape (n,), int64
            Which of its rows.
        measures : sequence of str
            What to return beside the loss; see `measure`.

        Returns
        -------
        measured : dict of str to ndarray of shape (n,)
        """
        parts: list[dict[str, torch.Tensor]] = []
        self._set_training(False)
        with torch.no_grad():
            for batch in self._all_batches(dataset, rows):
                logits = self.infer(batch.X)
                losses = self.get_loss(logits, batch.y, training=False)
                parts.append({"loss": losses, **measure(logits, batch.y, measures)})
        return {name: torch.cat([p[name] for p in parts]).cpu().numpy() for name in parts[0]}

    def train_step(self, batch: RowBatch, *, rounds: Rounds) -> dict[str, Any]:
        """One forward pass, one backward pass, one step of every optimiser.

        The objective is the sum of the weighted losses divided by the number of rows,
        never by the sum of the weights.
        """
        self._zero_grad_optimizer(set_to_none=True)
        logits = self.infer(batch.X)
        losses = self.get_loss(logits, batch.y, training=True)
        weighted = losses if batch.weights is None else losses * batch.weights
        objective = weighted.sum() / len(batch)
        with torch.no_grad():
            measured = {
                name: values.cpu().numpy()
                for name, values in measure(logits, batch.y, rounds.step_measures).items()
            }
        # Before the step, so that a loss that is no number never reaches the weights.
        rounds.record_step(batch, losses.detach().cpu().numpy(), measured)
        torch.autograd.backward(objective)
        if self.callbacks_:
            self.notify(
                "on_grad_computed",
                named_parameters=list(self.get_all_learnable_params()),
                batch=batch,
                training=True,
            )
        self._step_optimizer(None)
        return {"loss": objective, "y_pred": logits}

    def run_single_epoch(
        self, iterator: Rounds, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> float:
        """Train on the batches of one round; returns the last learning rate."""
        plan = iterator.plan
        lr = float(self.lr)
        self._set_training(True)
        for batch in iterator:
            lr = self.lr * plan.schedule(plan.budget.progress) * batch.lr_scale
            self._set_lr(lr)
            # Scoring in the middle of a round leaves the module in evaluation mode.
            if not self.module_.training:
                self._set_training(True)
            if self.callbacks_:
                self.notify("on_batch_begin", batch=batch, training=True)
            step = step_fn(batch, rounds=iterator)
            if self.callbacks_:
                self.notify("on_batch_end", batch=batch, training=True, **step)
        return lr

    def _set_lr(self, lr: float) -> None:
        for optimizer in self.optimizers().values():
            for group in optimizer.param_groups:
                # Groups made with a rate of their own keep its ratio to the common one.
                group["lr"] = lr * group.setdefault("lr_ratio", group["lr"] / self.lr)

    def fit_loop(
        self, X: Any, y: Any = None, *, plan: TrainingPlan | None = None, **_: Any
    ) -> "LossSampledNet":
        """Train in rounds until the budget is spent or an observer stops it.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_features)
            Inputs.
        y : ndarray of shape (n_samples,)
            Targets.
        plan : TrainingPlan
            Strategy, table, budget, streams and observers; required.

        Raises
        ------
        TypeError
            If there is no plan.
        NonFiniteLossError
            If a loss is infinite or NaN.
        ValueError
            If the strategy draws no rows.
        """
        if plan is None:
            raise TypeError(
                "LossSampledNet is trained by the fit and partial_fit of LossSampledClassifier, "
                "which make the plan that it needs."
            )
        figures: dict[str, float] = {}
        dataset = self.get_dataset(X, y)
        rounds = Rounds(plan, dataset, self.score_rows)
        on_epoch = {"dataset_train": dataset, "dataset_valid": None}
        while not plan.budget.is_spent:
            self.notify("on_epoch_begin", **on_epoch)
            try:
                lr = self.run_single_epoch(
                    rounds, training=True, prefix="train", step_fn=self.train_step
                )
            except NonFiniteLossError as error:
                raise _explained(error, rounds, self.lr) from error
            record = rounds.close(lr)
            _check_something_was_drawn(plan, record)
            # Every observer is told, also when an earlier one has asked to stop.
            stops = [observer.after_round(self, rounds, record) for observer in plan.observers]
            # skorch's callbacks look for validation figures in every epoch, not only in
            # those that end with a check: they find the last known ones.
            names = ("train_loss", "valid_loss", "valid_acc")
            figures.update({name: record[name] for name in names if name in record})
            for name, value in figures.items():
                self.history.record(name, value)
            if any(stops) or self._callbacks_stop(on_epoch):
                break
        return self

    def _callbacks_stop(self, on_epoch: dict[str, Any]) -> bool:
        """Whether a skorch callback ends the training: it says so by a KeyboardInterrupt."""
        try:
            self.notify("on_epoch_end", **on_epoch)
        except KeyboardInterrupt:
            return True
        return False

    def partial_fit(
        self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any
    ) -> "LossSampledNet":
        """Train from the present weights on; a KeyboardInterrupt is not swallowed."""
        if not self.initialized_:
            self.initialize()
        # The fit of skorch 1.4 passes it here, for its own loop's metadata routing.
        fit_params.pop("_routing_method", None)
        self.notify("on_train_begin", X=X, y=y)
        self.fit_loop(X, y, **fit_params)
        self.notify("on_train_end", X=X, y=y)
        return self

    def get_weights(self) -> dict[str, NDArray[Any]]:
        """Copies of the module's weights by name."""
        return {k: v.detach().cpu().numpy().copy() for k, v in self.module_.state_dict().items()}

    def draw_initial_weights(self) -> dict[str, NDArray[Any]]:
        """The weights that the module's seed gives; kept, they would double a model's size."""
        module = self.module(**self.get_params_for("module"))
        return {name: values.numpy() for name, values in module.state_dict().items()}

    def set_weights(self, weights: dict[str, NDArray[Any]]) -> None:
        """Load weights by name; shapes must fit."""
        with torch.no_grad():
            for name, param in self.module_.state_dict().items():
                # joblib hands arrays to its workers read-only, which torch warns of.
                param.copy_(torch.from_numpy(np.require(weights[name], requirements="W")))


def _check_something_was_drawn(plan: TrainingPlan, record: dict[str, Any]) -> None:
    """Raise for a round without rows: with a budget still to spend, it would recur for ever."""
    # A round may score until nothing is left to train with.
    if record["visits"] == 0 and not plan.budget.is_spent:
        raise ValueError(
            f"{type(plan.strategy).__name__} drew no rows in round {record['epoch']}; a round "
            "must train on at least one row."
        )


def _explained(error: NonFiniteLossError, rounds: Rounds, lr: float) -> NonFiniteLossError:
    plan = rounds.plan
    row = error.row
    if row is not None and plan.row_numbers is not None:
        row = int(plan.row_numbers[row])
    return NonFiniteLossError(
        f"Training stopped in epoch {rounds.epoch}, after {plan.budget.visits} visits, because the "
        f"loss of row {row} became infinite or NaN. The learning rate was lr={lr:g} (before the "
        "schedule). Try a smaller lr, or scale the features, for example with StandardScaler or "
        "MaxAbsScaler.",
        row,
    )
