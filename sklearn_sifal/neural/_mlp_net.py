"""The net inside the estimators: a multi-layer perceptron on dense or sparse rows."""

# Any: the signatures are those of skorch, which has no types.

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_sifal._devices import choose_n_threads, own_torch_settings
from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal.batches._device_batches import make_row_gatherer
from sklearn_sifal.batches._row_batches import RowBatch, RowGatherer
from sklearn_sifal.neural._closed_form import ClosedForm, Pass, cross_entropy
from sklearn_sifal.neural._mlp import MLP, check_widths
from sklearn_sifal.neural._net import LossSampledNet, row_factors
from sklearn_sifal.neural._observers import ValidationMonitor
from sklearn_sifal.neural._optimizers import QuickStart
from sklearn_sifal.neural._rounds import Figures, Rounds, TrainingBatch, TrainingPlan
from sklearn_sifal.neural._row_sparse import ROW_SPARSE_OPTIMIZERS
from sklearn_sifal.neural._tensor_states import available_device

# Rows per batch where no gradient is needed: large, since only calls cost.
_SCORING_BATCH_SIZE = 1024


class MLPNet(LossSampledNet):
    """A `LossSampledNet` that is driven by the plan of an estimator.

    It has no callbacks of its own and prints nothing. The learning rate follows the
    plan's schedule, and a sparse first layer has its own optimiser.

    Parameters
    ----------
    module : class
        Module that returns outputs and has a first layer `input`.
    criterion : class
        Criterion.
    sparse_optimizer : {'adagrad', 'adam'}, default='adagrad'
        Row-sparse optimiser of the module's ``input.weight``. Only used when
        `sparse_input` is true.
    sparse_input : bool, default=False
        Whether the first layer is trained on sparse rows.
    row_weight_decay : float, default=0.0
        Decoupled decay of the touched rows.
    mixed_precision : bool, default=False
        Whether dense layers multiply in bfloat16 while training and scoring.
    **kwargs : Any
        The arguments of :class:`skorch.NeuralNet`.
    """

    # The best of each figure since the net was made.
    _best_figures_: Mapping[str, float] = MappingProxyType({})

    def __init__(
        self,
        module: Any,
        criterion: Any = torch.nn.CrossEntropyLoss,
        *,
        sparse_optimizer: str = "adagrad",
        sparse_input: bool = False,
        row_weight_decay: float = 0.0,
        mixed_precision: bool = False,
        **kwargs: Any,
    ) -> None:
        self.sparse_optimizer = sparse_optimizer
        self.sparse_input = sparse_input
        self.row_weight_decay = row_weight_decay
        self.mixed_precision = mixed_precision
        super().__init__(module, criterion, **{"verbose": 0, **kwargs})

    @property
    def _default_callbacks(self) -> list[Any]:
        return []

    def initialize_optimizer(self, *args: Any, **kwargs: Any) -> "MLPNet":
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

    def _zero_grad_optimizer(self, set_to_none: bool | None = None) -> None:
        # What the optimisers' own zero_grad does, without importing torch's compiler.
        self.module_.zero_grad(set_to_none=True)

    def _step_optimizer(self, step_fn: Any) -> None:
        for optimizer in self.optimizers().values():
            # Only a callback can have given a net that is made in `fit` hooks for its steps.
            if isinstance(optimizer, QuickStart) and not self.callbacks_:
                optimizer.quick_step()
                continue
            try:
                optimizer.step()
            except RuntimeError as error:
                if "without overflow" not in str(error):
                    raise
                raise NonFiniteLossError(
                    f"Training stopped because a step of {type(optimizer).__name__} at the "
                    f"learning rate lr={self.lr:g} (before the schedule) is no number of the "
                    "weights' type. Try a smaller lr."
                ) from error

    def remake_optimizers(self) -> None:
        """Make all optimisers anew, without state, as the parameters now say."""
        self._initialize_optimizer()  # also registers their names, for a checkpoint

    def get_dataset(
        self,
        X: Any,
        y: Any = None,
        samples: NDArray[np.int64] | None = None,
        *,
        repeatedly: bool = False,
    ) -> RowGatherer:
        """Wrap arrays or a CSR matrix, or some of their rows; see `make_row_gatherer`."""
        if isinstance(X, RowGatherer):
            return X
        targets = np.zeros(X.shape[0], np.int64) if y is None else y
        device = torch.device(self.device)
        return make_row_gatherer(X, targets, device, samples, repeatedly=repeatedly)

    def get_iterator(self, dataset: RowGatherer, training: bool = False) -> Iterator[RowBatch]:
        """Iterate over all rows in order, in large batches, for prediction and scoring."""
        return self._batches_of(dataset, np.arange(len(dataset)))

    def infer(self, x: Any, **fit_params: Any) -> torch.Tensor:
        """Run the module on the inputs of a batch, which are on the device already."""
        outputs: torch.Tensor
        if not self.mixed_precision:
            outputs = self.module_(x)
            return outputs
        kind = torch.device(self.device).type
        # Within a caller's block of autocast, what is cached would outlive the weights.
        with torch.autocast(kind, dtype=torch.bfloat16, cache_enabled=False):
            outputs = self.module_(x)
        return outputs.float()  # the loss is one of float32

    def get_loss(
        self, y_pred: torch.Tensor, y_true: torch.Tensor, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        """One loss per instance, without weights."""
        losses: torch.Tensor = self.criterion_(y_pred, y_true)
        return losses

    def train_step(self, batch: TrainingBatch, **fit_params: Any) -> dict[str, Any]:
        """One pass in both directions, and one step of every optimiser.

        The objective is that of `LossSampledNet.train_step`; its gradients are computed in
        closed form where the criterion has one.

        Parameters
        ----------
        batch : TrainingBatch
            Rows, inputs, targets and weights.
        **fit_params : Any
            Not used.

        Returns
        -------
        step : dict
            The objective as "loss", the outputs as "y_pred".
        """
        closed_form = self._closed_form()
        if closed_form is None:
            return super().train_step(batch, **fit_params)
        forward = Pass(self.module_, batch.X)
        factors = row_factors(forward.outputs, batch.weights)
        losses, gradient = closed_form(forward.outputs, batch.y, factors)
        # Before the step, so that a loss that is no number never reaches the weights.
        self._record_step(batch, forward.outputs, losses)
        forward.set_gradients(gradient)
        self._finish_step(batch)
        return {"loss": torch.dot(losses, factors), "y_pred": forward.outputs}

    def _closed_form(self) -> ClosedForm | None:
        """Gives the losses and their gradient by the outputs; None to leave it to autograd."""
        if self.mixed_precision:  # autograd knows which products were narrow
            return None
        if isinstance(self.criterion_, torch.nn.CrossEntropyLoss):
            return cross_entropy
        form: ClosedForm | None = getattr(self.criterion_, "with_gradient", None)
        return form

    def evaluation_step(self, batch: RowBatch, training: bool = False) -> torch.Tensor:
        """Forward pass of one batch without gradient, in the precision of the weights."""
        self._set_training(training)
        with torch.no_grad():
            outputs: torch.Tensor = self.module_(batch.X)
        return outputs

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
            step = step_fn(batch)
            if self.callbacks_:
                self.notify("on_batch_end", batch=batch, training=True, **step)
        return lr

    def fit_loop(
        self,
        X: Any,
        y: Any = None,
        epochs: int | None = None,
        *,
        plan: TrainingPlan | None = None,
        **_: Any,
    ) -> "MLPNet":
        """Train in rounds until the budget is spent or an observer stops it.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_features)
            Inputs, of which the plan's `row_numbers` are trained on.
        y : ndarray of shape (n_rows,)
            Targets of those.
        epochs : int or None
            Not used: the plan has the budget.
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
                "An MLPNet is trained by the fit and partial_fit of LossSampledClassifier or "
                "LossSampledRegressor, which make the plan that it needs. A LossSampledNet makes "
                "its own."
            )
        published: Figures = {}
        names = ["train_loss"]
        for observer in plan.observers:
            if isinstance(observer, ValidationMonitor):
                names += ["valid_loss", observer.targets.score_name]
        dataset = self.get_dataset(X, y, plan.row_numbers, repeatedly=True)
        on_epoch = {"dataset_train": dataset, "dataset_valid": None}
        for figures in self._train_in_rounds(plan, dataset, on_epoch):
            self._update(published, figures, names)
            for name, value in published.items():
                self.history.record(name, value)
        return self

    def _update(self, published: Figures, figures: Figures, names: Sequence[str]) -> None:
        """Bring up to date what skorch's history says of a round.

        skorch's callbacks look for validation figures in every epoch, not only in those
        that end with a check: they find the last known ones. Whether those are the best of
        all, as skorch's Checkpoint asks, is said once, when they are new.
        """
        best = self._best_figures_
        for name in names:
            is_best = False
            if name in figures:
                published[name] = value = figures[name]
                sign = -1 if name.endswith("_loss") else 1  # of scores more is better
                is_best = name not in best or sign * value > sign * best[name]
                if is_best:
                    best = {**best, name: value}
            published[name + "_best"] = is_best
        self._best_figures_ = best

    def partial_fit(
        self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any
    ) -> "MLPNet":
        """Train from the present weights on; a KeyboardInterrupt is not swallowed."""
        if not self.initialized_:
            self.initialize()
        # The fit of skorch 1.4 passes it here, for its own loop's metadata routing.
        fit_params.pop("_routing_method", None)
        self.notify("on_train_begin", X=X, y=y)
        self.fit_loop(X, y, **fit_params)
        self.notify("on_train_end", X=X, y=y)
        return self

    def _set_saved_attributes(self, attributes: dict[str, Any]) -> None:
        if attributes["module"] is MLP and attributes["initialized_"]:
            n_features, n_outputs = (attributes[f"module__n_{n}"] for n in ("features", "outputs"))
            check_widths(attributes["module_"], n_features, n_outputs)
        super()._set_saved_attributes(attributes)

    def _device_here(self, device: Any) -> Any:
        # Without skorch's warning: an estimator is as good on the CPU.
        return device if str(available_device(device)) == str(torch.device(device)) else "cpu"

    def choose_n_threads(self, given: int | None) -> int:
        """Torch threads to compute with: as many as given; None goes by the size of the layers."""
        if given is not None:
            return int(given)
        widths = [layer.weight.shape[0] for layer in self.module_.layers]
        sizes = [*self.module_.input.weight.shape, *widths]
        return choose_n_threads(sizes, sparse_input=self.sparse_input)

    def get_weights(self) -> dict[str, NDArray[Any]]:
        """Copies of the module's weights by name."""
        return {k: v.detach().cpu().numpy().copy() for k, v in self.module_.state_dict().items()}

    @own_torch_settings()
    def draw_initial_weights(self) -> dict[str, NDArray[Any]]:
        """The weights that the module's seed gives; kept, they would double a model's size."""
        module = self.module(**self.get_params_for("module"))
        return {name: values.numpy() for name, values in module.state_dict().items()}

    def copy_for_prediction(self) -> "MLPNet":
        """A net with weights of its own, unset, and everything else in common with this one."""
        # Neither through pickling, as copy.copy would, nor through skorch's own setting of
        # attributes, which registers modules.
        net = object.__new__(type(self))
        net.__dict__.update(self.__dict__)
        module = self.module(**{**self.get_params_for("module"), "seed": None})
        net.__dict__["module_"] = module.to(self.device)
        return net

    def set_weights(self, weights: dict[str, NDArray[Any]]) -> None:
        """Load weights by name; shapes must fit."""
        with torch.no_grad():
            for name, param in self.module_.state_dict().items():
                # joblib hands arrays to its workers read-only, which torch warns of.
                param.copy_(torch.from_numpy(np.require(weights[name], requirements="W")))

    def _delays_records(self) -> bool:
        # Its history has no losses of batches that a callback could look for.
        return torch.device(self.device).type != "cpu"

    def _batches_of(self, dataset: RowGatherer, rows: NDArray[np.int64]) -> Iterator[RowBatch]:
        size = self._scoring_batch_size(len(dataset))
        for where, X, y in dataset.gather(rows, size, read_only=True):
            yield RowBatch(rows[where], X, y)

    def _scoring_batch_size(self, n_rows: int) -> int:
        return _SCORING_BATCH_SIZE

    def _set_lr(self, lr: float) -> None:
        for optimizer in self.optimizers().values():
            for group in optimizer.param_groups:
                # Groups made with a rate of their own keep its ratio to the common one.
                group["lr"] = lr * group.setdefault("lr_ratio", group["lr"] / self.lr)
