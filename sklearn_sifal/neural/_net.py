"""The skorch net: trains on the rows that a strategy draws, and records every loss."""

# Any: skorch has no types, and takes any module, criterion and data.

import inspect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metadata_routing import process_routing
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochScoring, PrintLog
from skorch.utils import to_tensor

from sklearn_sifal._devices import own_torch_settings
from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import check_random_state_value, check_real, reject
from sklearn_sifal._processes import refuse_several_processes
from sklearn_sifal._published_table import copied_records
from sklearn_sifal._saved_states import CannotTakeApartError, SavedState
from sklearn_sifal._seeding import Streams, make_streams
from sklearn_sifal._training_data import RowMetadata, validate_row_metadata
from sklearn_sifal.batches._as_array import as_array
from sklearn_sifal.batches._row_batches import RowBatch, RowGatherer
from sklearn_sifal.neural._criteria import (
    CLASS_CODE_CRITERIA,
    REAL_TARGET_CRITERIA,
    ClassCodeError,
    as_class_codes,
    find_wrong_code,
    make_criterion,
    per_instance,
)
from sklearn_sifal.neural._gatherers import (
    AllBatches,
    Gatherer,
    bulk_gatherer,
)
from sklearn_sifal.neural._measures import check_measurable, measure
from sklearn_sifal.neural._net_data import (
    batch_size_of,
    check_codes,
    count_classes,
    make_gatherer,
    origin_of_rows,
    refuse_strings,
)
from sklearn_sifal.neural._rounds import Figures, Rounds, TrainingBatch, TrainingPlan
from sklearn_sifal.neural._schedule import NO_LIMIT, Budget
from sklearn_sifal.neural._tensor_states import (
    ARRAYS_KEY,
    PICKLED_KEY,
    PickleOnly,
    TensorStateReader,
    TensorStateWriter,
    available_device,
)
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._registry import resolve_strategy

# Figures of a round that go into skorch's history beside its own.
_RECORDED = (
    "visits",
    "scored",
    "steps",
    "evicted",
    "newly_evicted",
    "restored",
    "lr",
    "chosen_loss",
    "other_loss",
    "seconds_select",
    "seconds_score",
    "seconds_train",
)
# What every net has, initialised or not.
_OWN_PARAMETERS = ("budget", "random_state", "sampling_percentage", "sampling_strategy")
_SKORCH_PARAMETERS = tuple(inspect.signature(NeuralNet).parameters.keys() - {"kwargs"})
# And what `initialize` gives it, beside its modules, criteria and optimisers; the lists of
# those, too, which skorch notes over defaults of the class.
_INITIALIZED = (
    "callbacks_",
    "classes_",
    "history_",
    "virtual_params_",
    "prefixes_",
    "cuda_dependent_attributes_",
    "_modules",
    "_criteria",
    "_optimizers",
    "_criterion_type_",
    "_ignored_code_",
    "_positions_",
    "_predicts_codes_",
    "_predicts_reals_",
    "_table_",
)
# Too many for a line on the screen.
_NOT_PRINTED = [name for name in _RECORDED if name != "visits"]
_ONE_PROCESS = (
    "Train the net in one process. A loop of your own can share the losses of several: see "
    "LossSampler and its shared_losses."
)


def device_of(net: NeuralNet) -> torch.device:
    """Where batches are put; skorch's None leaves them to an accelerator, or where they are."""
    if net.device is not None:
        return torch.device(net.device)
    accelerator = getattr(net, "accelerator", None)  # of skorch's AccelerateMixin
    return torch.device(getattr(accelerator, "device", "cpu"))


# Of a code that is not known to be of a row.
_OF_BATCH = "the target of a batch that has the number"


class LossSampledNet(SavedState, NeuralNet):
    """A skorch net that trains on the instances that a sampling strategy draws.

    It takes any module, any criterion that can return one loss per instance, arrays or
    any map-style Dataset, and all arguments, methods and callbacks of
    :class:`skorch.NeuralNet`. An epoch of skorch is a round of the strategy.

    The objective of a batch of n instances is the sum of strategy weight times loss,
    divided by n. The module returns what the criterion takes, logits for
    CrossEntropyLoss, and targets are class codes from 0, as in a plain NeuralNet.

    Parameters
    ----------
    module : class or torch.nn.Module
        The module, as in skorch.
    criterion : class or torch.nn.Module, default=torch.nn.CrossEntropyLoss
        One that takes `reduction` is made with ``reduction="none"``; a made one must have
        it. Any other returns a tensor whose first dimension is the batch; further
        dimensions are averaged.
    sampling_strategy : str, SamplingStrategy or callable, default="importance"
        Which rows to train on: a name, an instance, whose parameters can be set as
        ``sampling_strategy__x``, or a function ``(losses, rng) -> rows``.
    sampling_percentage : float, default=None
        The knob of a strategy given by name, in (0, 100]; None for its default. Must be
        None with anything but a name.
    budget : float, default=None
        Row visits, in units of the rows trained on, after which training stops; then
        `max_epochs` is not used. None for `max_epochs` rounds, whatever their size.
    random_state : int, RandomState instance or None, default=None
        Seed of the order of the rows and of the strategy. Weights and dropout of the
        module are torch's: call ``torch.manual_seed`` for them.
    train_split : callable, default=None
        As in skorch, but nothing is held out by default: skorch's own default silently
        sets a fifth of the data aside.
    **kwargs : Any
        The other arguments of :class:`skorch.NeuralNet`, with its defaults: `optimizer`,
        `lr`, `max_epochs`, `batch_size`, `callbacks`, `device`, `verbose`,
        ``module__x``, ``optimizer__x``, ``iterator_train__x`` and so on. Instead of
        ``iterator_train__sampler`` there is the strategy; the rows that it draws come in
        random order unless ``iterator_train__shuffle=False``.

    Attributes
    ----------
    loss_table_ : structured ndarray of shape (n_samples,)
        For every row given to `fit`: id, last known loss, the round in which it was
        measured (from 0, -1 for never), whether in a scoring pass (fresh), visits,
        evicted, held_out (by `train_split`).
    visit_counts_ : ndarray of shape (n_samples,), int32
        How often each row was trained on.
    sampling_strategy_ : SamplingStrategy
        The strategy that was used.
    classes_ : ndarray of shape (n_classes,), int64, or None
        The codes 0, 1, ..., for criteria with class codes; None before the first batch
        and for other criteria.
    history : skorch.history.History
        Per epoch also visits, scored (rows), steps, evicted (rows that sit out at its end),
        newly_evicted and restored (within it), lr, chosen_loss and other_loss (what
        was known of the rows chosen and of the rest, or None), seconds_select, seconds_score
        and seconds_train. `train_loss` is the unweighted mean over the visits.

    Notes
    -----
    ``fit(X, y, irreducible_losses=..., trusted=...)`` and `partial_fit` hand arrays of
    shape (n_samples,) to strategies that use them; other keyword arguments go to the
    module's forward method and to `train_split`, as in skorch.

    `partial_fit`, and `fit` with ``warm_start=True``, go on with the loss table if the rows
    are as many as before and the same ones are held out; the strategy begins anew.

    Arrays, tensors in memory and CSR matrices are gathered in bulk, and every batch is
    dense; other data go through a DataLoader with the arguments ``iterator_train__x``.
    Rows are scored, in evaluation mode, in batches of ``iterator_valid__batch_size``.

    The optimiser's rates are left to the user and to skorch's LRScheduler; a strategy
    that asks for larger steps multiplies them for its batches only. Optimisers that need
    a closure, such as LBFGS, are refused.

    Equal `random_state`, after equal ``torch.manual_seed``, give equal results bit for bit
    on the CPU. The draws of strategies and orders never touch global random states.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_sifal import LossSampledNet
    >>> X, y = load_digits(return_X_y=True)
    >>> X = (X / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    >>> cnn = torch.nn.Sequential(
    ...     torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 10)
    ... )
    >>> net = LossSampledNet(
    ...     cnn,
    ...     sampling_strategy="importance",
    ...     optimizer=torch.optim.Adam,
    ...     max_epochs=5,
    ...     verbose=0,
    ...     random_state=0,
    ... )
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    >>> net.visit_counts_.shape
    (1797,)
    """

    # Not set in `initialize`, which a mixin may replace, as skorch's AccelerateMixin does.
    classes_: NDArray[np.int64] | None = None
    _table_: LossTable | None = None
    _positions_: NDArray[np.int64] | None = None
    _criterion_type_: type | None = None
    _ignored_code_: int = -100
    _predicts_codes_: bool = False
    _predicts_reals_: bool = False
    # Codes of the targets in memory, until they were compared with the number of outputs.
    _unchecked_codes_: NDArray[Any] | None = None

    def __init__(
        self,
        module: Any,
        criterion: Any = torch.nn.CrossEntropyLoss,
        *,
        sampling_strategy: Any = "importance",
        sampling_percentage: float | None = None,
        budget: float | None = None,
        random_state: Any = None,
        train_split: Any = None,
        **kwargs: Any,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.sampling_percentage = sampling_percentage
        self.budget = budget
        self.random_state = random_state
        super().__init__(module, criterion=criterion, train_split=train_split, **kwargs)

    @property
    def _default_callbacks(self) -> list[Any]:
        return [
            (name, PrintLog(keys_ignored=_NOT_PRINTED) if name == "print_log" else callback)
            for name, callback in super()._default_callbacks
        ]

    def set_params(self, **kwargs: Any) -> "LossSampledNet":
        """Set parameters, those of a strategy that is an instance included.

        Parameters
        ----------
        **kwargs : Any
            Parameters by name.

        Returns
        -------
        self : LossSampledNet
        """
        prefix = "sampling_strategy__"
        of_strategy = {name: kwargs.pop(name) for name in list(kwargs) if name.startswith(prefix)}
        super().set_params(**kwargs)
        if of_strategy:
            if not isinstance(self.sampling_strategy, SamplingStrategy):
                expected = f"an instance of SamplingStrategy where {next(iter(of_strategy))} is set"
                reject(self, "sampling_strategy", expected, self.sampling_strategy)
            parameters = {name.removeprefix(prefix): v for name, v in of_strategy.items()}
            self.sampling_strategy.set_params(**parameters)
        return self

    def initialize(self) -> "LossSampledNet":
        """Make module, criterion, optimiser and callbacks anew; what was recorded is forgotten.

        Returns
        -------
        self : LossSampledNet
        """
        with own_torch_settings(device_of(self)):
            super().initialize()
        return self

    def initialize_history(self) -> "LossSampledNet":
        """Begin the records of rounds and of rows anew.

        Returns
        -------
        self : LossSampledNet
        """
        super().initialize_history()
        self._table_, self._positions_, self.classes_ = None, None, None
        return self

    def initialized_instance(self, instance_or_cls: Any, kwargs: dict[str, Any]) -> Any:
        """Make a part of the net; a criterion so that it returns one loss per instance.

        Parameters
        ----------
        instance_or_cls : Any
            The part, or what makes it.
        kwargs : dict
            Arguments.

        Returns
        -------
        part : Any
            The part, made anew if there are arguments.
        """
        if self.init_context_ == "criterion":
            return make_criterion(instance_or_cls, kwargs)
        return super().initialized_instance(instance_or_cls, kwargs)

    def _initialize_criterion(self, *args: Any, **kwargs: Any) -> "LossSampledNet":
        super()._initialize_criterion(*args, **kwargs)
        # Kept, since trim_for_prediction takes the criterion away, and compiling wraps it. Of
        # several under names of their own nobody knows which one the outputs are for.
        names = self._criteria if len(self._criteria) == 1 else ["criterion"]
        criterion = getattr(self, names[0] + "_", None)
        criterion = getattr(criterion, "_orig_mod", criterion)
        self._criterion_type_ = None if criterion is None else type(criterion)
        self._ignored_code_ = getattr(criterion, "ignore_index", -100)
        self._predicts_codes_ = isinstance(criterion, CLASS_CODE_CRITERIA)
        self._predicts_reals_ = isinstance(criterion, REAL_TARGET_CRITERIA)
        return self

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimisers by name, in the order in which they step.

        Returns
        -------
        optimizers : dict of str to torch.optim.Optimizer
        """
        return {name: getattr(self, name + "_") for name in self._optimizers}

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """An iterator over the batches of a dataset, for prediction and validation.

        Parameters
        ----------
        dataset : torch.utils.data.Dataset
            The data.
        training : bool, default=False
            Whether to take the arguments ``iterator_train__x``.

        Returns
        -------
        iterator : iterable of batches
        """
        arguments = self.get_params_for("iterator_valid")
        if not (training or arguments.get("shuffle") or arguments.get("drop_last")):
            bulk = bulk_gatherer(dataset, self.iterator_valid, arguments, device_of(self))
            if bulk is not None:
                return AllBatches(bulk, self._scoring_batch_size(len(bulk)))
        return super().get_iterator(dataset, training=training)

    def predict(self, X: Any) -> NDArray[Any]:
        """Class codes for CrossEntropyLoss and NLLLoss, else the outputs.

        Parameters
        ----------
        X : array-like, Dataset or anything else that skorch takes
            Inputs.

        Returns
        -------
        predictions : ndarray of shape (n_samples, ...)
            int64 codes, or what `predict_proba` returns.
        """
        outputs: NDArray[Any] = self.predict_proba(X)
        return outputs.argmax(axis=1) if self._predicts_codes_ else outputs

    def score(self, X: Any, y: Any) -> float:
        """Accuracy for criteria with class codes, R² for those of regression.

        Parameters
        ----------
        X : array-like, Dataset or anything else that skorch takes
            Inputs.
        y : array-like of shape (n_samples, ...)
            Targets.

        Returns
        -------
        score : float

        Raises
        ------
        TypeError
            If the criterion is none of torch's for class codes or real numbers.
        """
        if not (self._predicts_codes_ or self._predicts_reals_):
            raise TypeError(
                f"LossSampledNet cannot tell what a good score is for "
                f"{self._criterion_name}: pass a scoring function."
            )
        predicted = self.predict(X)
        return float((accuracy_score if self._predicts_codes_ else r2_score)(y, predicted))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        criterion = self.criterion
        kind = criterion if isinstance(criterion, type) else type(criterion)
        # scikit-learn's scorers look for the classes of what says that it is a classifier; a
        # net with loaded weights does not know them.
        knows_classes = not self.initialized_ or self.classes_ is not None
        if issubclass(kind, CLASS_CODE_CRITERIA) and knows_classes:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        elif issubclass(kind, REAL_TARGET_CRITERIA):
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return tags

    def forward_iter(
        self, X: Any, *, training: bool = False, device: Any = "cpu"
    ) -> Iterator[torch.Tensor]:
        """The outputs for each batch, one after the other.

        Parameters
        ----------
        X : array-like, Dataset or anything else that skorch takes
            Inputs.
        training : bool, default=False
            Whether the module is in training mode, with gradients.
        device : str, torch.device or None, default="cpu"
            Where to bring the outputs; None for where they are.

        Yields
        ------
        outputs : tensor, or what else the module returns
        """
        outputs = super().forward_iter(X, training=training, device=device)
        while True:
            # For the data as well, which a DataLoader makes tensors of. Between two batches
            # it is the caller's turn, and so are the settings.
            with own_torch_settings(device_of(self)):
                try:
                    batch = next(outputs)
                except StopIteration:
                    return
            yield batch

    def score_rows(
        self,
        dataset: Gatherer,
        rows: NDArray[np.int64],
        measures: Sequence[str] = (),
        *,
        owner: str = "score_rows",
        **fit_params: Any,
    ) -> dict[str, NDArray[Any]]:
        """Losses and other measures of rows, in evaluation mode.

        Parameters
        ----------
        dataset : Gatherer
            The data.
        rows : ndarray of shape (n,), int64
            Which of its rows.
        measures : sequence of str, default=()
            What to return beside the loss; see `measure`.
        owner : str, default="score_rows"
            Who asks, for messages.
        **fit_params : Any
            Passed to the module.

        Returns
        -------
        measured : dict of str to ndarray of shape (n,)
        """
        # One tensor for each: small ones, kept between the freed outputs of large batches,
        # would keep the memory of those from being used again.
        found: dict[str, torch.Tensor] = {}
        done = 0
        self._set_training(False)
        with own_torch_settings(device_of(self)), torch.no_grad():
            for batch in self._batches_of(dataset, rows):
                outputs = self.infer(batch.X, **fit_params)
                losses = self._instance_losses(outputs, batch, training=False)
                measured = self._measured(outputs, batch, measures, owner)
                where = slice(done, done := done + len(batch))
                for name, values in {"loss": losses, **measured}.items():
                    if name not in found:
                        found[name] = values.new_empty(len(rows))
                    found[name][where] = values
        return {name: as_array(values) for name, values in found.items()}

    def train_step(self, batch: TrainingBatch, **fit_params: Any) -> dict[str, Any]:
        """One forward pass, one backward pass, one step of every optimiser.

        The objective is the sum of the weighted losses divided by the number of rows,
        never by the sum of the weights. skorch's own training step makes one pass for
        each optimiser, which would double visits and cost silently.

        Parameters
        ----------
        batch : TrainingBatch
            Rows, inputs, targets and weights.
        **fit_params : Any
            Passed to the module.

        Returns
        -------
        step : dict
            The objective as "loss", the outputs as "y_pred".
        """
        accelerator = self._accelerator
        if accelerator is None:
            self._zero_grad_optimizer(set_to_none=True)
            step = self.train_step_single(batch, **fit_params)
            self._finish_step(batch)
        else:  # the mixin's own train_step_single goes backward from a single number
            step = LossSampledNet.train_step_single(self, batch, **fit_params)
            self._finish_step(batch)
            # Afterwards: the gradients of the batches before may be waiting for this one.
            self._zero_grad_optimizer(set_to_none=True)
        return step

    def train_step_single(self, batch: TrainingBatch, **fit_params: Any) -> dict[str, Any]:
        """Forward and backward pass of a batch, whose losses are recorded; no step.

        For a `train_step` of one's own, such as one that gathers the gradients of several
        batches. Each call counts a visit of every row.

        Parameters
        ----------
        batch : TrainingBatch
            Rows, inputs, targets and weights.
        **fit_params : Any
            Passed to the module.

        Returns
        -------
        step : dict
            The objective as "loss", the outputs as "y_pred".
        """
        outputs = self.infer(batch.X, **fit_params)
        losses = self._instance_losses(outputs, batch, training=True)
        factors = row_factors(losses, batch.weights)
        # Before the step, so that a loss that is no number never reaches the weights, where
        # it is looked at now.
        self._record_step(batch, outputs, losses.detach())
        # Of sum(losses * factors), without the operations that would compute it.
        if self._accelerator is None:
            torch.autograd.backward(losses, factors)
        else:
            self._accelerator.backward(losses, gradient=factors)
        return {"loss": torch.dot(losses.detach(), factors), "y_pred": outputs}

    @property
    def _accelerator(self) -> Any:
        """The `accelerate.Accelerator` of a net with skorch's AccelerateMixin, else None."""
        return getattr(self, "accelerator", None)

    def _record_step(self, batch: TrainingBatch, outputs: Any, losses: torch.Tensor) -> None:
        rounds = batch.rounds
        measured: dict[str, torch.Tensor] = {}
        if rounds.step_measures:
            owner = type(rounds.plan.strategy).__name__
            with torch.no_grad():
                measured = self._measured(outputs, batch, rounds.step_measures, owner)
        rounds.record_step(batch, losses, measured)

    def _finish_step(self, batch: TrainingBatch) -> None:
        """Let the optimisers step, once the gradients are known."""
        if self.callbacks_:
            self.notify(
                "on_grad_computed",
                named_parameters=list(self.get_all_learnable_params()),
                batch=batch,
                training=True,
            )
        self._step_optimizer(_nothing)

    def _step_optimizer(self, step_fn: Any) -> None:
        # The gradients are known: no optimiser is to go over the batch again.
        for name in self._optimizers:
            getattr(self, name + "_").step()

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Forward pass of a batch of validation data; its loss is a mean.

        Parameters
        ----------
        batch : tuple or RowBatch
            Inputs and targets.
        **fit_params : Any
            Passed to the module.

        Returns
        -------
        step : dict
            The mean loss as "loss", the outputs as "y_pred".
        """
        step: dict[str, Any] = super().validation_step(batch, **fit_params)
        losses, outputs = step["loss"], step["y_pred"]
        n = len(losses) if isinstance(losses, torch.Tensor) and losses.ndim else 0
        step["loss"] = per_instance(losses, n, outputs).mean()
        return step

    def get_loss(
        self, y_pred: Any, y_true: Any, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        """One loss per instance, without weights.

        Parameters
        ----------
        y_pred : Tensor or tuple of Tensor
            What the module returned.
        y_true : Tensor
            Targets; class codes may be of any integer type.
        X : Any, default=None
            The inputs.
        training : bool, default=False
            Whether in a training step.

        Returns
        -------
        losses : Tensor of shape (n, ...)

        Raises
        ------
        ValueError
            If the criterion takes class codes, and the targets are none.
        """
        if self._predicts_codes_:
            y_true = as_class_codes(y_true, _first(y_pred), self._criterion_type_)
            self._check_codes_in_memory(_first(y_pred))
        try:
            losses: torch.Tensor = super().get_loss(y_pred, y_true, X=X, training=training)
        except IndexError as error:  # what torch says on the CPU of a code that has no output
            codes = as_array(y_true)
            wrong = find_wrong_code(codes, _first(y_pred), self._ignored_code_, _OF_BATCH)
            if wrong is None or not self._predicts_codes_:
                raise
            raise wrong from error
        return losses

    def _check_codes_in_memory(self, outputs: Any) -> None:
        """Raise, once the outputs are seen, for a code that a device would choke on."""
        if self._unchecked_codes_ is None:
            return
        codes, self._unchecked_codes_ = self._unchecked_codes_, None
        wrong = find_wrong_code(codes, outputs, self._ignored_code_)
        if wrong is not None:
            raise ValueError(str(wrong))  # of a row by its number already

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> Any:
        """Train on the batches of one round, or go over the validation data.

        Parameters
        ----------
        iterator : Rounds, iterable of batches or None
            Where the batches come from.
        training : bool
            Whether to train.
        prefix : str
            'train' or 'valid', for the history.
        step_fn : callable
            What to do with a batch.
        **fit_params : Any
            Passed to `step_fn`.

        Returns
        -------
        lr : float or None
            The last learning rate of a training.
        """
        if not isinstance(iterator, Rounds):
            return super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        lr = self._first_rate()
        self._set_training(True)
        for batch in iterator:
            # Scoring in the middle of a round leaves the module in evaluation mode.
            if not self._is_training():
                self._set_training(True)
            self.notify("on_batch_begin", batch=batch, training=True)
            counts = iterator.counts
            loss_before, visits_before = counts.loss_sum, counts.visits
            with self._scaled_rates(batch.lr_scale):
                lr = self._first_rate()
                step = step_fn(batch, **fit_params)
            self._check_was_recorded(counts.visits - visits_before)
            self._note_classes(step["y_pred"])
            if not iterator.ledger.delayed:
                loss = (counts.loss_sum - loss_before) / (counts.visits - visits_before)
                self.history.record_batch("train_loss", loss)
            self.history.record_batch("train_batch_size", len(batch))
            self.notify("on_batch_end", batch=batch, training=True, **step)
        if iterator.ledger.delayed:
            self._record_batch_losses(iterator.counts.loss_sums)
        self.history.record("train_batch_count", iterator.counts.steps)
        return lr

    def fit_loop(
        self,
        X: Any,
        y: Any = None,
        epochs: int | None = None,
        *,
        irreducible_losses: Any = None,
        trusted: Any = None,
        **fit_params: Any,
    ) -> "LossSampledNet":
        """Train in rounds until there were enough, or the budget is spent.

        Parameters
        ----------
        X : array-like, Dataset or anything else that skorch takes
            Inputs.
        y : array-like of shape (n_samples, ...), default=None
            Targets; None if X is a Dataset that has them.
        epochs : int, default=None
            Most rounds; None for `max_epochs`, or for no limit where there is a budget.
        irreducible_losses : array-like of shape (n_samples,), default=None
            Losses that no amount of training is expected to go below, for strategies
            that use them.
        trusted : array-like of shape (n_samples,), bool, default=None
            Rows whose targets are known to be right, for strategies that use them.
        **fit_params : Any
            Passed to the module's forward method and to `train_split`.

        Returns
        -------
        self : LossSampledNet

        Raises
        ------
        NonFiniteLossError
            If a loss is infinite or NaN.
        ValueError
            If there are no rows, the losses are not one per instance, a measure that the
            strategy needs does not exist for these outputs, or it draws no rows.
        RuntimeError
            If several processes train together, in a process group of
            ``torch.distributed`` or by other means.
        """
        refuse_several_processes("LossSampledNet", _ONE_PROCESS)
        self.check_data(X, y)
        self.check_training_readiness()
        self._check_settings()
        refuse_strings(y)
        with own_torch_settings(device_of(self)):
            # A loss of one's own may take other codes.
            takes_codes = self._predicts_codes_ and type(self).get_loss is LossSampledNet.get_loss
            codes = None
            if takes_codes:
                codes = check_codes(y, self._criterion_name, self._ignored_code_)
            # The partial_fit of skorch 1.4 passes it, for the metadata routing of the split.
            method = fit_params.pop("_routing_method", "fit")
            train, valid = self.get_split_datasets(X, y, **self._split_params(fit_params, method))
            positions, n_given = origin_of_rows(train, X)
            streams = make_streams(self.random_state, call=len(self.history))
            metadata = validate_row_metadata(irreducible_losses, trusted, n_given).take(positions)
            arguments = self.get_params_for("iterator_train")
            gatherer = make_gatherer(
                train, self.iterator_train, arguments, device_of(self), streams
            )
            plan = self._make_plan(gatherer, arguments, streams, positions, metadata, epochs)
            # What comes through an iterator of the user's may be changed on the way.
            self._unchecked_codes_ = codes if isinstance(gatherer, RowGatherer) else None
            try:
                self._fit_rounds(plan, gatherer, train, valid, **fit_params)
            finally:  # Control-C ends a training of skorch, and leaves a net to be used
                self._unchecked_codes_ = None
                self._set_records(plan, positions, n_given)
        return self

    def _check_settings(self) -> None:
        """Raise for what would only fail later, and less clearly."""
        check_real(self, "budget", 0, open_low=True, none=True)
        check_random_state_value("LossSampledNet", self.random_state)
        if any(isinstance(o, torch.optim.LBFGS) for o in self.optimizers().values()):
            expected = "a torch.optim.Optimizer class whose step needs no closure"
            reject(self, "optimizer", expected, self.optimizer)

    def _make_plan(
        self,
        gatherer: Gatherer,
        arguments: dict[str, Any],
        streams: Streams,
        positions: NDArray[np.int64] | None,
        metadata: RowMetadata,
        epochs: int | None,
    ) -> TrainingPlan:
        n, budget = len(gatherer), self.budget
        if epochs is None and budget is None:
            epochs = self.max_epochs
        return TrainingPlan(
            strategy=resolve_strategy(self.sampling_strategy, self.sampling_percentage),
            table=self._table_for(n, positions),
            budget=Budget(
                total=NO_LIMIT if budget is None else max(1, round(budget * n)), max_epochs=epochs
            ),
            order=np.random.default_rng(streams.order),
            selection=np.random.default_rng(streams.selection),
            batch_size=batch_size_of(type(self).__name__, self.batch_size, arguments, n),
            shuffle=bool(arguments.get("shuffle", True)),
            drop_last=bool(arguments.get("drop_last", False)),
            row_numbers=positions,
            first_epoch=len(self.history),
            irreducible_losses=metadata.irreducible_losses,
            trusted=metadata.trusted,
            n_classes=lambda: count_classes(
                gatherer.y, takes_codes=self._predicts_codes_, takes_reals=self._predicts_reals_
            ),
        )

    def _fit_rounds(
        self, plan: TrainingPlan, gatherer: Gatherer, train: Any, valid: Any, **fit_params: Any
    ) -> None:
        """Train, and validate after every round."""
        iterator_valid = None if valid is None else self.get_iterator(valid, training=False)
        on_epoch = {"dataset_train": train, "dataset_valid": valid}
        for figures in self._train_in_rounds(plan, gatherer, on_epoch, **fit_params):
            for name in ("train_loss", *_RECORDED):
                # A history file is JSON, which has no NaN.
                self.history.record(name, None if np.isnan(figures[name]) else figures[name])
            self.run_single_epoch(
                iterator_valid,
                training=False,
                prefix="valid",
                step_fn=self.validation_step,
                **fit_params,
            )

    def _train_in_rounds(
        self, plan: TrainingPlan, gatherer: Gatherer, on_epoch: dict[str, Any], **fit_params: Any
    ) -> Iterator[Figures]:
        """Yield the figures of every round; what is to be told of it is told while it is out."""

        def score(
            data: Gatherer, rows: NDArray[np.int64], measures: Sequence[str]
        ) -> dict[str, Any]:
            owner = type(plan.strategy).__name__
            return self.score_rows(data, rows, measures, owner=owner, **fit_params)

        rounds = Rounds(plan, gatherer, score, delayed=self._delays_records())
        while not plan.budget.is_spent:
            self.notify("on_epoch_begin", **on_epoch)
            try:
                lr = self.run_single_epoch(
                    rounds, training=True, prefix="train", step_fn=self.train_step, **fit_params
                )
            except NonFiniteLossError as error:
                if error.row is None:  # of no loss: it says what happened
                    raise
                raise _explained(error, rounds, self.lr) from error
            except ClassCodeError as error:
                raise error.of_row(plan.row_numbers) from error
            except KeyboardInterrupt:
                rounds.settle()  # a training that is ended so leaves a table to be used
                raise
            figures = rounds.close(lr)
            _check_something_was_drawn(plan, figures)
            # Every observer is told, also when an earlier one has asked to stop.
            stops = [observer.after_round(self, rounds, figures) for observer in plan.observers]
            yield figures
            if any(stops) or self._callbacks_stop(on_epoch):
                break

    def __copy__(self) -> "LossSampledNet":
        """A copy with tensors of its own, as of skorch's nets."""
        state = self.__getstate__()
        if PICKLED_KEY in state:
            state[PICKLED_KEY] = state[PICKLED_KEY].copied()
        made = object.__new__(type(self))
        made.__setstate__(state)
        return made

    def _state_writer(self, left_alone: Iterable[Any] = ()) -> TensorStateWriter:
        return TensorStateWriter(self, left_alone)

    def _state_reader(self, state: dict[str, Any]) -> TensorStateReader:
        return TensorStateReader(self, state.pop(ARRAYS_KEY))

    def _state_for_pickle(self, error: CannotTakeApartError) -> dict[str, Any]:
        # As skorch pickles all nets. Together, since an optimiser refers to tensors of a module.
        attributes = dict(self.__dict__)
        prefixes = tuple(self.cuda_dependent_attributes_)
        together = {
            name: attributes.pop(name) for name in [*attributes] if name.startswith(prefixes)
        }
        # First, so that skops meets it before anything that it cannot hold.
        return {PICKLED_KEY: PickleOnly(together, str(error)), **attributes}

    def _read_state(self, state: dict[str, Any]) -> None:
        if "__cuda_dependent_attributes__" in state:
            raise ValueError(
                "it is of an earlier version, whose nets run code when they are loaded"
            )
        if PICKLED_KEY in state:
            together = state.pop(PICKLED_KEY)
            self._set_saved_attributes({**state, **together})
        else:
            super()._read_state(state)

    def _set_saved_attributes(self, attributes: dict[str, Any]) -> None:
        of_torch = [
            f"{name}_"
            for kind in ("_modules", "_criteria", "_optimizers")
            for name in attributes.get(kind, [])
        ]
        needed = {*_SKORCH_PARAMETERS, *_OWN_PARAMETERS, "initialized_", *of_torch}
        if attributes.get("initialized_"):
            needed |= {*_INITIALIZED}
        missing = needed - set(attributes)
        if missing:
            raise ValueError(f"it has no {min(missing)!r}")
        device = self._device_here(attributes["device"])
        self.__dict__.update({**attributes, "device": device})
        if "loss_table_" in attributes:
            self.loss_table_ = copied_records(attributes["loss_table_"])
            self.visit_counts_ = np.array(attributes["visit_counts_"])

    def _device_here(self, device: Any) -> Any:
        """The device of a net that was saved, or the CPU, with a warning, where it is missing."""
        return device if device is None else self._check_device(device, available_device(device))

    def _delays_records(self) -> bool:
        """Whether the losses of steps wait on the device until the strategy is asked again."""
        if device_of(self).type == "cpu":
            return False
        # Who is told of batches may look for the loss of each in the history.
        told = [self.on_batch_end, *(callback.on_batch_end for _, callback in self.callbacks_)]
        usual = (NeuralNet.on_batch_end, Callback.on_batch_end, EpochScoring.on_batch_end)
        return all(getattr(method, "__func__", method) in usual for method in told)

    def _record_batch_losses(self, loss_sums: list[float]) -> None:
        """Enter the mean loss of each batch of a round, from their running sum."""
        batches = self.history[-1]["batches"]
        for batch, before, after in zip(batches, [0.0, *loss_sums], loss_sums, strict=False):
            batch["train_loss"] = (after - before) / batch["train_batch_size"]

    def _callbacks_stop(self, on_epoch: dict[str, Any]) -> bool:
        """Whether a skorch callback ends the training: it says so by a KeyboardInterrupt."""
        try:
            self.notify("on_epoch_end", **on_epoch)
        except KeyboardInterrupt:
            return True
        return False

    def _split_params(self, fit_params: dict[str, Any], method: str) -> dict[str, Any]:
        """What of `fit_params` the split is told, as in skorch's own loop."""
        if self.train_split is None or not get_config().get("enable_metadata_routing"):
            return fit_params
        routed = process_routing(self, method, **fit_params)
        split: dict[str, Any] = routed.get("splitter", {"split": {}})["split"]
        return split

    def _table_for(self, n: int, positions: NDArray[np.int64] | None) -> LossTable:
        """The table of the call before if it is about rows like these, else an empty one."""
        table, before = self._table_, self._positions_
        same_split = (before is None) == (positions is None) and (
            before is None or np.array_equal(before, np.asarray(positions))
        )
        return table if table is not None and len(table) == n and same_split else LossTable(n)

    def _set_records(
        self, plan: TrainingPlan, positions: NDArray[np.int64] | None, n_given: int
    ) -> None:
        self._table_, self._positions_ = plan.table, positions
        self.sampling_strategy_ = plan.strategy
        self.loss_table_ = plan.table.to_structured(np.arange(n_given), positions)
        if positions is not None:
            self.loss_table_["held_out"] = True
            self.loss_table_["held_out"][positions] = False
        self.visit_counts_ = self.loss_table_["visits"].copy()

    def _note_classes(self, outputs: Any) -> None:
        if not self._predicts_codes_ or self.classes_ is not None:
            return
        logits = _first(outputs)
        if isinstance(logits, torch.Tensor) and logits.ndim > 1:
            self.classes_ = np.arange(logits.shape[1])

    def _scoring_batch_size(self, n_rows: int) -> int:
        arguments = self.get_params_for("iterator_valid")
        return batch_size_of(type(self).__name__, self.batch_size, arguments, n_rows)

    def _batches_of(self, dataset: Any, rows: NDArray[np.int64]) -> Iterator[RowBatch]:
        for where, X, y in dataset.gather(rows, self._scoring_batch_size(len(dataset))):
            yield RowBatch(rows[where], X, y)

    def _instance_losses(self, outputs: Any, batch: RowBatch, *, training: bool) -> torch.Tensor:
        try:
            losses = self.get_loss(outputs, batch.y, X=batch.X, training=training)
        except ClassCodeError as error:
            raise error.of_row(batch.rows) from error
        return per_instance(losses, len(batch), outputs)

    def _is_training(self) -> bool:
        module = getattr(self, self._modules[0] + "_", None) if self._modules else None
        return bool(getattr(module, "training", True))

    def _check_was_recorded(self, n_visits: int) -> None:
        if n_visits == 0:
            raise RuntimeError(
                f"The train_step of {type(self).__name__} recorded no losses, which the strategy "
                "goes by. Call super().train_step(batch, **fit_params) in it, or "
                "self.train_step_single(batch, **fit_params)."
            )

    @property
    def _criterion_name(self) -> str:
        kind = self._criterion_type_
        return "several criteria" if kind is None else kind.__name__

    def _measured(
        self, outputs: Any, batch: RowBatch, measures: Sequence[str], owner: str
    ) -> dict[str, torch.Tensor]:
        if not any(name != "loss" for name in measures):
            return {}
        logits, y = _first(outputs), batch.y
        if isinstance(y, torch.Tensor):
            y = to_tensor(y, device=self.device)
        if self._predicts_codes_:
            y = as_class_codes(y, logits, self._criterion_type_)
        check_measurable(logits, y, measures, owner)
        return measure(logits, y, measures)

    def _param_groups(self) -> list[dict[str, Any]]:
        groups = [getattr(o, "param_groups", None) for o in self.optimizers().values()]
        return [group for those in groups if isinstance(those, list) for group in those]

    def _first_rate(self) -> float:
        for group in self._param_groups():
            return float(group["lr"])
        return float(self.lr)

    @contextmanager
    def _scaled_rates(self, scale: float) -> Iterator[None]:
        """Multiply all learning rates within the block; schedulers never see it."""
        if scale == 1.0:
            yield
            return
        groups = self._param_groups()
        before = [group["lr"] for group in groups]
        for group, lr in zip(groups, before, strict=True):
            group["lr"] = lr * scale
        try:
            yield
        finally:
            for group, lr in zip(groups, before, strict=True):
                group["lr"] = lr


def _first(outputs: Any) -> Any:
    """What skorch predicts with, of a module with several outputs."""
    return outputs[0] if isinstance(outputs, tuple) else outputs


def _nothing() -> None:
    """What is left to do before a step; AccelerateMixin, for one, calls it."""


def row_factors(values: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    """What the loss of each row of a batch counts in its objective, in the type of `values`."""
    n = len(values)
    if weights is None:
        return values.new_full((n,), 1 / n)
    return (weights / n).to(values.dtype)


def _check_something_was_drawn(plan: TrainingPlan, figures: Figures) -> None:
    """Raise for a round without rows: with a budget still to spend, it would recur for ever."""
    # A round may score until nothing is left to train with.
    if figures["visits"] == 0 and not plan.budget.is_spent:
        raise ValueError(
            f"{type(plan.strategy).__name__} drew no rows in round {figures['epoch']}; a round "
            "must train on at least one row."
        )


def _explained(error: NonFiniteLossError, rounds: Rounds, lr: float) -> NonFiniteLossError:
    plan = rounds.plan
    row = error.row
    if row is not None and plan.row_numbers is not None:
        row = int(plan.row_numbers[row])
    if rounds.epoch == 0 and plan.budget.visits == 0:  # no step was made at any rate
        return NonFiniteLossError(
            f"Training stopped before its first step, because the loss of row {row} is infinite or "
            "NaN. Scale the features, for example with StandardScaler or MaxAbsScaler.",
            row,
        )
    return NonFiniteLossError(
        f"Training stopped in epoch {rounds.epoch}, after {plan.budget.visits} visits, because the "
        f"loss of row {row} became infinite or NaN. The learning rate was lr={lr:g} (before the "
        "schedule). Try a smaller lr, or scale the features, for example with StandardScaler or "
        "MaxAbsScaler.",
        row,
    )
