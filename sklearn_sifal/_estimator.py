"""What the classifier and the regressor share: parameters, the steps of `fit`, weights."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._fields import HasFields, choice, flag, integer, parameter, real
from sklearn_sifal._inputs import (
    as_computed_with,
    check_before_validation,
    speaking_of,
    types_of_inputs,
)
from sklearn_sifal._labels import read_ids
from sklearn_sifal._out_of_fold import brief_model
from sklearn_sifal._parameters import (
    check_integer,
    check_random_state_value,
    is_integer,
    reject,
)
from sklearn_sifal._published_table import PublishedTable
from sklearn_sifal._saved_states import SavedState, StateReader, StateWriter
from sklearn_sifal._seeding import Streams, make_streams, numpy_seed
from sklearn_sifal._settings import TrainingDescription
from sklearn_sifal._targets import Targets
from sklearn_sifal._training_data import (
    TrainingData,
    validate_row_metadata,
    validate_weights,
)
from sklearn_sifal._weights_files import save_weights_file
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._registry import resolve_strategy

if TYPE_CHECKING:
    from sklearn_sifal.neural._fitted import Fitted
    from sklearn_sifal.neural._mlp_net import MLPNet

# torch and skorch are imported inside the methods that need them, so that importing,
# constructing, cloning and printing an estimator stay quick.


def _check_widths(estimator: Any, name: str) -> None:
    sizes = estimator.hidden_layer_sizes
    widths: Any = [sizes] if is_integer(sizes, 1) else sizes
    listed = isinstance(widths, Sequence | np.ndarray) and not isinstance(widths, str)
    if not (listed and all(is_integer(n, 1) for n in widths)):
        reject(estimator, name, "a positive integer or a sequence of positive integers", sizes)


def _check_optimizer(estimator: Any, name: str) -> None:
    optimizer = estimator.optimizer
    if not (isinstance(optimizer, type) or optimizer == "auto"):
        reject(estimator, name, "'auto' or a torch.optim.Optimizer class", optimizer)


def _check_callbacks(estimator: Any, name: str) -> None:
    if not isinstance(estimator.callbacks, list | tuple | None):
        reject(estimator, name, "a list of skorch callbacks or None", estimator.callbacks)


def _check_verbose(estimator: Any, name: str) -> None:
    if not isinstance(estimator.verbose, bool):
        check_integer(estimator, name, 0)


def _check_random_state(estimator: Any, name: str) -> None:
    check_random_state_value(type(estimator).__name__, estimator.random_state)


class _FittedAttributes:
    """Types of fitted attributes, for type checkers, which would take them for parameters."""

    net_: "MLPNet"
    weight_history_: list[dict[str, NDArray[Any]]] | None
    _published: PublishedTable
    _loss_history: NDArray[np.floating] | None
    _given_weights: dict[str, NDArray[Any]] | None


class LossSampledEstimator(HasFields, _FittedAttributes, SavedState, BaseEstimator):
    """Base class: everything that does not depend on what the targets are.

    Only this class sets fitted attributes, in `_set_fitted`. What is below it is given a
    `TrainingDescription`, `Targets` and `TrainingData`, and returns a `Fitted`.

    Parameters
    ----------
    sampling_strategy : str, SamplingStrategy or callable, default='importance'
        How the rows of a round are chosen: a name from
        :data:`sklearn_sifal.strategies.STRATEGIES`, an instance (its parameters are
        reachable as ``sampling_strategy__x``), or a function ``(losses, rng) -> rows``,
        first called after one round on all rows.
    sampling_percentage : float, default=None
        The one knob of a named strategy, in (0, 100]; None for the strategy's default.
        For most it is the share of the rows that a round, or each batch, keeps; of the
        total loss for 'percentage' and 'bottom_percentage'; see the `percentage` of the
        strategy's class. 'base' ignores it and 'instance_early_stopping' refuses it. At
        100 a strategy equals 'base', but for 'heap', 'online_batch', 'prioritized' and
        'seta'. Must be None with an instance or a callable.
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Widths of the hidden layers; empty for a linear model, which begins at zero. Scale the
        features, above all for a linear model: tiny ones (0.01) or ones far from zero are
        hardly learnt from by the defaults.
    activation : {'identity', 'logistic', 'tanh', 'relu', 'gelu'}, default='relu'
        Activation of the hidden layers.
    dropout : float, default=0.0
        Share of the hidden units dropped in training, in [0, 1).
    input_dropout : float, default=0.0
        Share of the features dropped in training, in [0, 1): word dropout on bags of words.
    budget : float or 'auto', default='auto'
        Row visits to spend, in units of the rows trained on: 4 costs as much training
        as four passes over all rows. The last round is cut to the row, so strategies
        compare at equal visits. 'auto' is about 2000 steps' worth, 400 for texts (sparse
        input with non-zeros in less than a tenth of the columns), between 4 and 50; more
        than 50, up to 200, where that would be less than 200 steps.
    budget_unit : {'visits', 'passes'}, default='visits'
        'passes' also counts a row scored without training, as a third of a visit.
    max_epochs : int, default=None
        Most rounds. A warning says so if the budget was not spent by then.
    batch_size : int or 'auto', default='auto'
        Rows per step; 'auto' is 64 for sparse and 128 for dense input.
    lr : float or 'auto', default='auto'
        Learning rate at the start. 'auto' is 0.01 for dense input, and 0.003 where the
        rate does not fall: with ``lr_schedule='constant'`` and in `partial_fit`. For texts
        it is 0.03 (0.01 with ``sparse_optimizer='adam'``) times (20 / n) to the power 3/4,
        n the mean number of non-zeros of a row, or 8 if that is more; for other sparse
        input 0.05 (0.01). Without hidden layers it is up to ten times that: 50 / s times
        (2 n / s for texts), s the mean sum of the sizes of a row's values.
    lr_schedule : {'linear', 'cosine', 'constant'}, default='linear'
        How the rate falls with the progress, the larger of the shares of `budget` and
        of `max_epochs` used up; 'linear' and 'cosine' reach zero at the end.
    optimizer : 'auto' or torch.optim.Optimizer class, default='auto'
        Optimiser of the dense layers, any class whose step needs no closure. 'auto' is
        AdamW, and Adagrad for sparse input with ``sparse_optimizer='adagrad'``.
    sparse_optimizer : {'adagrad', 'adam'}, default='adagrad'
        Row-sparse optimiser of the first layer. Only used when X is sparse.
    weight_decay : float or 'auto', default='auto'
        Weight decay, at least 0, handed to `optimizer`; a sparse first layer decays the
        rows that a step touches. 'auto' is 0 for sparse input, with an `optimizer` other
        than 'auto', and in `partial_fit`; else what would shrink a weight without a
        gradient to 30 % over a training with `lr` and `budget` at 'auto'.
    shuffle : bool, default=True
        Whether chosen rows come in random order; False keeps the order of X.
    early_stopping : bool, default=False
        Whether to stop when the validation score, a classifier's accuracy or a regressor's R², no
        longer rises, and to go back to the best weights. Must be false in `partial_fit`.
    validation_fraction : float, default=0.1
        Share of the rows held out, by a classifier stratified, in (0, 1). Only used when
        `early_stopping` is true and no `X_val` is given.
    n_iter_no_change : int, default=10
        Checks without an improvement before stopping; there is one check per full
        epoch's worth of visits. Only used when `early_stopping` is true.
    tol : float, default=1e-4
        Rise in the validation score that counts as an improvement. Only used when
        `early_stopping` is true.
    init_weights : path or mapping of str to array, default=None
        Initial weights by name, as in `initial_weights_` or in a file written by
        `save_weights`. Reading a file needs the ``persist`` extra.
    warm_start : bool, default=False
        Whether a further call of `fit` goes on from the present weights, and with the present
        scale of a regressor's targets. With the same rows trained on as before, by number, the
        same `record` and, of a regressor, the same `loss`, the loss table and the history go on
        too; otherwise they start anew.
    record : {'loss', 'dynamics', 'history'}, default='loss'
        What to keep: losses and visits; also the training dynamics of every row, further columns
        of `loss_table_`; also losses, selections and weights of every round.
    history_dtype : {'float32', 'float16'}, default='float32'
        Type that the losses of every round are kept in. float16 takes half the memory and keeps
        three digits; losses above 65504, those of standardised targets for a regressor, become
        65504. Only used with ``record='history'``.
    device : str, default='cpu'
        A torch device, or 'auto' for an accelerator if there is one.
    mixed_precision : bool, default=False
        Whether dense layers multiply in bfloat16 while training and scoring (autocast).
        Weights, losses and a sparse first layer stay in float32, and so do predictions.
        Worth it for wide dense layers on hardware made for it; float64 inputs are refused
        on the CPU.
    n_threads : int, default=None
        Torch threads while computing; the caller's setting is restored. None goes by the
        layer sizes, one thread for small nets, and takes no more than torch is set to and
        the process may use, and one outside of the main thread. Results are equal, bit for
        bit, for equal numbers of threads; set it to fix them for large nets.
    callbacks : list of skorch callbacks, default=None
        Called at skorch's hooks, with a round as an epoch; classes and pairs of a name and a
        callback too. Each fit has copies, to be found in ``net_.callbacks``, that share what
        the callbacks were given: a list is appended to, a file written to, an Optuna trial
        told. scikit-learn's `clone`, as in a grid search, copies that as well. The learning
        rate follows `lr_schedule`, whatever a callback sets.
        They see losses of standardised targets where a regressor is fitted, and so does the
        progress bar.
    verbose : int, default=0
        Above 0, shows progress on standard error: a bar in a terminal or notebook,
        else a line for each tenth of the work.
    random_state : int, RandomState instance or None, default=None
        Fixes initial weights, order, selection and dropout, each from a stream of its
        own. numpy's and torch's global states are neither used nor moved.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features; only if X had string column names.
    n_iter_ : int
        Number of rounds, those of earlier calls included where the history goes on.
    net_ : MLPNet
        The fitted skorch net.
    sampling_strategy_ : SamplingStrategy
        The strategy that was used, a clone of what was given.
    visit_counts_ : ndarray of shape (n_samples,), int32
        How often each row was trained on. Read-only.
    training_mask_ : ndarray of shape (n_samples,), bool
        Which rows the strategy could choose from, visited or not: False for those held out
        for validation and those of weight zero. After `partial_fit` with `sample_ids` True
        for every record. Read-only.
    history_ : list of dict
        Per round: 'epoch', 'visits', 'scored' (rows scored without training), 'steps',
        'evicted' (rows that sit out at its end), 'newly_evicted' and 'restored' (how many
        times within it a row was evicted, and an eviction lifted),
        'lr' (of its last step), 'train_loss', 'chosen_loss' and 'other_loss' (known
        loss, at the time of the choice, of the rows chosen and of the rest),
        'validated' (validation rows passed forward), 'seconds_select', 'seconds_score',
        'seconds_train'; 'valid_loss' and the validation score, 'valid_acc' or 'valid_r2', at a
        check.
    loss_curve_ : list of float
        Unweighted mean loss, in the units of `loss_table_`, of the rows trained on in each round;
        NaN for a last round whose scoring used up the budget.
    validation_scores_ : list of float or None
        The validation score, accuracy or R², at each check; None without validation data.
    weights_ : dict of str to ndarray
        Weights of the fitted net by name, copied whenever they are asked for:
        ``"input.weight"`` of shape (n_features, n_hidden), ``"input.bias"``, then
        ``"layers.0.weight"`` of shape (n_out, n_in), ``"layers.0.bias"`` and so on.
    initial_weights_ : dict of str to ndarray
        Weights before the first step; drawn anew from their seed when asked for, unless
        they were given.
    selections_ : list of ndarray or None
        Rows trained on in each round, ascending, as int32 where their number allows it;
        None unless ``record='history'``.
    weight_history_ : list of dict or None
        Weights after each round; None unless ``record='history'``.
    """

    # Kind of the targets, and type of inputs that have none.
    _kind: ClassVar[type[Targets]]
    _reads_lists_as_float64: ClassVar[bool] = False

    sampling_strategy: str | SamplingStrategy | Callable[..., Any] = parameter(
        default="importance", kw_only=False
    )
    sampling_percentage: float | None = real(0, 100, default=None, open_low=True, none=True)
    hidden_layer_sizes: int | Sequence[int] = parameter(_check_widths, default=(100,))
    activation: str = choice("identity", "logistic", "tanh", "relu", "gelu", default="relu")
    dropout: float = real(0, 1, default=0.0, open_high=True)
    input_dropout: float = real(0, 1, default=0.0, open_high=True)
    budget: float | str = real(0, default="auto", open_low=True, choices=("auto",))
    budget_unit: str = choice("visits", "passes", default="visits")
    max_epochs: int | None = integer(1, default=None, none=True)
    batch_size: int | str = integer(1, default="auto", choices=("auto",))
    lr: float | str = real(0, default="auto", open_low=True, choices=("auto",))
    lr_schedule: str = choice("linear", "cosine", "constant", default="linear")
    optimizer: Any = parameter(_check_optimizer, default="auto")
    sparse_optimizer: str = choice("adagrad", "adam", default="adagrad")
    weight_decay: float | str = real(0, default="auto", choices=("auto",))
    shuffle: bool = flag(default=True)
    early_stopping: bool = flag(default=False)
    validation_fraction: float = real(0, 1, default=0.1, open_low=True, open_high=True)
    n_iter_no_change: int = integer(1, default=10)
    tol: float = real(0, default=1e-4)
    init_weights: Any = parameter(default=None)
    warm_start: bool = flag(default=False)
    record: str = choice("loss", "dynamics", "history", default="loss")
    history_dtype: str = choice("float32", "float16", default="float32")
    device: str = parameter(default="cpu")
    mixed_precision: bool = flag(default=False)
    n_threads: int | None = integer(1, default=None, none=True)
    callbacks: Sequence[Any] | None = parameter(_check_callbacks, default=None)
    verbose: int = parameter(_check_verbose, default=0)
    random_state: Any = parameter(_check_random_state, default=None)

    # ------------------------------------------------------------------ public methods

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        irreducible_losses: Any = None,
        trusted: Any = None,
    ) -> Self:
        """Train until the budget is spent.

        If it fails or is interrupted, the estimator is as it was before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training inputs. Sparse input is kept sparse.
        y : array-like of shape (n_samples,)
            For a classifier labels: strings, integers or booleans, of one kind and none
            missing. For a regressor finite numbers; dates and durations are none.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; zero leaves a row out.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation inputs. In a Pipeline, name them in ``transform_input``.
        y_val : array-like of shape (n_val,), default=None
            Validation targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the validation rows.
        irreducible_losses : array-like of shape (n_samples,), default=None
            Losses, in the units of `loss_table_`, that training is not expected to go
            below, such as those of a model trained on other data. Only used by
            strategies that compare with them.
        trusted : array-like of shape (n_samples,), bool, default=None
            Mask of the rows whose targets are known to be right. Only used by strategies
            that make a difference between these and the rest.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a parameter or an input is not valid; the message names it.
        NonFiniteLossError
            If a loss, a weight or an output for a row trained on becomes infinite or NaN; both a
            ValueError and a FloatingPointError.
        """
        from sklearn_sifal.neural._training import train

        with unchanged_on_error(self):
            strategy = self._check_parameters()
            previous = self._previous() if self.warm_start else None
            X = self._read_inputs(X, reset=previous is None)
            metadata = validate_row_metadata(irreducible_losses, trusted, X.shape[0])
            data = self._read_training_data(X, y, sample_weight)
            targets = self._targets_of_fit(data.y, goes_on=previous is not None)
            streams = make_streams(self.random_state)
            held_out = self._read_validation_data(X_val, y_val, sample_weight_val)
            if held_out is None and self.early_stopping:
                data, held_out = self._split(data, targets, streams, previous)
            if previous is None:
                targets = targets.learnt_from(data)
            data = targets.prepared(data)
            if held_out is not None:
                held_out = targets.validated_with(held_out)
            # Before the training: callbacks may look, as those of a comparison do.
            self._set_fitted(targets.attributes())
            fitted = train(
                self._description(),
                targets,
                data,
                strategy,
                streams,
                validation=held_out,
                metadata=targets.in_units_of_the_table(metadata.take(data.rows)),
                brief=brief_model(type(self), vars(self).copy()),
                previous=previous,
            )
            self._set_fitted(vars(fitted))
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the targets of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs, sparse or dense, whatever `fit` was given.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels; from a regressor float64, in the units of the targets.
        """
        check_is_fitted(self)
        return self._targets.predictions(self._outputs(X))

    def instance_losses(self, X: Any, y: Any) -> NDArray[np.floating]:
        """Loss of every row under the fitted net, in evaluation mode.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,)
            Targets; labels must all be among `classes_`.

        Returns
        -------
        losses : ndarray of shape (n_samples,)
            In the units of `loss_table_`: for a classifier the cross-entropy in nats, in the
            type of the net; for a regressor float64, of the `loss` that the net was trained
            with.

        Raises
        ------
        ValueError
            If y contains a label that was not seen in fit, or an input is not valid.
        """
        from sklearn_sifal.neural._prediction import compute_losses

        check_is_fitted(self)
        X = self._read_inputs(X, reset=False)
        targets = self._targets
        given = targets.read(y, X)
        encoded = targets.encode(given)
        return _finite(compute_losses(self.net_, X, encoded, targets, self.n_threads), given)

    def save_weights(self, path: Any) -> None:
        """Write the weights as a safetensors file, to be read by `init_weights`.

        Needs the ``persist`` extra.

        Parameters
        ----------
        path : str, bytes or path-like
            The file. An existing one is replaced once the new one is complete and on the
            disk, and hands on its mode; of a link, the file that it leads to.

        Raises
        ------
        OSError
            If the file cannot be written, or if `path` leads to a folder, a pipe, a device or
            anything else that is no regular file.
        ImportError
            If safetensors is not installed.
        """
        check_is_fitted(self)
        save_weights_file(self.net_.get_weights(), path)

    def staged_instance_losses(self, X: Any, y: Any) -> Iterator[NDArray[Any]]:
        """Loss of every row under the weights after each round, in evaluation mode.

        It costs a scoring pass a round, of any rows: those trained on, whose
        `loss_history_` was measured at different times, or a test set. The fitted net is
        left alone, whether or not all rounds are asked for.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,)
            Targets; labels must all be among `classes_`.

        Returns
        -------
        losses : iterator of ndarray of shape (n_samples,)
            One array a round: what `instance_losses` would have said after it. A generator,
            which makes each when it is asked for.

        Raises
        ------
        ValueError
            If the weights were not recorded, or an input is not valid; at the call, before
            any loss is asked for.
        """
        from sklearn_sifal.neural._prediction import compute_staged_losses

        check_is_fitted(self)
        if self.weight_history_ is None:
            raise ValueError(
                "staged_instance_losses needs the weights of every round: fit with "
                f"record='history'. They were not recorded; record={self.record!r} now."
            )
        X = self._read_inputs(X, reset=False)
        targets = self._targets
        given = targets.read(y, X)
        encoded, states = targets.encode(given), list(self.weight_history_)
        staged = compute_staged_losses(self.net_, X, encoded, targets, self.n_threads, states)
        return (_finite(losses, given) for losses in staged)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of a strategy instance as ``sampling_strategy__x``.

        Parameters
        ----------
        **params : Any
            Parameters by name.

        Returns
        -------
        self : estimator
        """
        strategy = params.get("sampling_strategy", self.sampling_strategy)
        nested = [name for name in params if name.startswith("sampling_strategy__")]
        if nested and not isinstance(strategy, SamplingStrategy):
            raise ValueError(
                f"{nested[0]!r} cannot be set while sampling_strategy={strategy!r}: pass an "
                "instance from sklearn_sifal.strategies, whose parameters can be reached."
            )
        super().set_params(**params)
        return self

    @property
    def loss_table_(self) -> NDArray[Any]:
        """One record per row given to `fit`; made from its columns when first asked for."""
        return self._table("loss_table_").structured()

    @property
    def visit_counts_(self) -> NDArray[np.int32]:
        """How often each row was trained on, read-only."""
        return self._table("visit_counts_").visits()

    @property
    def training_mask_(self) -> NDArray[np.bool_]:
        """Which of the rows given to `fit` the strategy could choose from, read-only."""
        return self._table("training_mask_").training_mask()

    @property
    def loss_history_(self) -> NDArray[np.floating] | None:
        """Last known losses after each round, (`n_iter_`, n_samples); None if not recorded."""
        self._check_fitted("loss_history_")
        kept = self._loss_history
        return None if kept is None else self._targets.published_losses(kept)

    @property
    def weights_(self) -> dict[str, NDArray[Any]]:
        """Weights of the fitted net by name; copies, so that changing them changes nothing."""
        self._check_fitted("weights_")
        return self.net_.get_weights()

    @property
    def initial_weights_(self) -> dict[str, NDArray[Any]]:
        """Weights before the first step, by name."""
        self._check_fitted("initial_weights_")
        given = self._given_weights
        return self.net_.draw_initial_weights() if given is None else given

    def _table(self, name: str) -> PublishedTable:
        self._check_fitted(name)
        return self._published

    def _check_fitted(self, name: str) -> None:
        """Raise unless there is what the attribute `name` is made from."""
        if "net_" not in self.__dict__:
            raise AttributeError(f"This {type(self).__name__} is not fitted: no {name}.")

    def _state_writer(self, left_alone: Iterable[Any] = ()) -> StateWriter:
        if "net_" not in self.__dict__:
            return super()._state_writer(left_alone)
        from sklearn_sifal.neural._tensor_states import TensorStateWriter

        return TensorStateWriter(self, left_alone)

    def _state_reader(self, state: dict[str, Any]) -> StateReader:
        if "net_" not in state:
            return super()._state_reader(state)
        # In a new process nothing else has defined the types that a state has by name.
        from sklearn_sifal.neural import _training  # noqa: F401
        from sklearn_sifal.neural._tensor_states import ARRAYS_KEY, TensorStateReader

        return TensorStateReader(self, state.pop(ARRAYS_KEY))

    def _set_saved_attributes(self, attributes: dict[str, Any]) -> None:
        parameters = {*self._get_param_names()}
        needed = set(parameters)
        if parameters < set(attributes):  # else without torch
            from sklearn_sifal.neural._fitted import REQUIRED

            if not REQUIRED.isdisjoint(attributes):
                needed |= {*REQUIRED, "n_features_in_"}
        missing = needed - set(attributes)
        if missing:
            raise ValueError(f"it has no {min(missing)!r}")
        self.__dict__.update(attributes)
        previous = self._previous()
        if previous is not None:
            previous.check(self._targets, self.n_features_in_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ------------------------------------------------------------------ steps of fit

    def _partial_fit(
        self, X: Any, y: Any, sample_weight: Any, sample_ids: Any, classes: Any = None
    ) -> Self:
        """The steps of `partial_fit`."""
        from sklearn_sifal.neural._training import train_one_pass

        with unchanged_on_error(self) as undo:
            self._check_one_pass()
            previous = self._previous()
            targets = self._targets_of_pass(classes, first=previous is None)
            X = self._read_inputs(X, reset=previous is None)
            known_ids = None if previous is None else previous._sample_ids
            ids = read_ids(sample_ids, X.shape[0], known_ids)
            data = self._read_training_data(X, y, sample_weight)
            if previous is None:
                targets = targets.learnt_from(data)
            n_passes = 0 if previous is None else previous._n_partial_fits
            self._set_fitted(targets.attributes())  # before the training, as in `fit`
            fitted = train_one_pass(
                self._description(),
                targets,
                targets.prepared(data),
                make_streams(self.random_state, call=n_passes),
                ids=ids,
                previous=previous,
                undo=undo,
            )
            self._set_fitted(vars(fitted))
        return self

    def _description(self) -> TrainingDescription:
        """What trainings are told of the parameters."""
        names = (field.name for field in fields(TrainingDescription) if field.name != "owner")
        values = {name: getattr(self, name) for name in names}
        return TrainingDescription(owner=type(self).__name__, **values)

    def _previous(self) -> "Fitted | None":
        """What the last training left; None before the first."""
        if "net_" not in self.__dict__:
            return None
        from sklearn_sifal.neural._fitted import Fitted

        return Fitted.of(self.__dict__)

    def _set_fitted(self, attributes: Mapping[str, Any]) -> None:
        """Set fitted attributes, here and nowhere else."""
        self.__dict__.update(attributes)

    def _check_parameters(self) -> SamplingStrategy:
        """Check everything that can be checked without data and torch; returns the strategy."""
        self._check_fields()
        strategy = resolve_strategy(self.sampling_strategy, self.sampling_percentage)
        self._check_strategy(strategy)
        return strategy

    def _check_strategy(self, strategy: SamplingStrategy) -> None:
        strategy._check_parameters()

    def _check_one_pass(self) -> None:
        """Check what `partial_fit` cannot do, on top of what `fit` checks."""
        self._check_parameters()
        if not self.early_stopping:
            return
        advice = "One pass over a chunk has nothing to stop; hold rows out and call score on them."
        if not hasattr(self, "net_"):
            raise InvalidParameterError(
                "partial_fit does not support early_stopping=True: the 'early_stopping' parameter "
                f"of {type(self).__name__} must be False. {advice}"
            )
        # Of a model that `fit` made it may be meant for that: the pass is right without it.
        warnings.warn(
            f"partial_fit does not use early_stopping=True, and trains on all rows. {advice}",
            ConvergenceWarning,
            stacklevel=4,
        )

    def _read_inputs(self, X: Any, *, reset: bool, name: str = "X") -> Any:
        """Check inputs; returns an ndarray or a canonical CSR container, float32 or float64."""
        types = types_of_inputs(X, lists_as_float64=self._reads_lists_as_float64)
        check_before_validation(X, name, type(self).__name__)
        with speaking_of(name):
            X = validate_data(self, X, reset=reset, accept_sparse="csr", dtype=types, order="C")
        return as_computed_with(X)

    def _read_training_data(self, X: Any, y: Any, sample_weight: Any) -> TrainingData:
        """Leave out rows of weight zero: bit for bit the same as not passing them."""
        y = self._kind.read(y, X)
        weights = validate_weights(sample_weight, len(y), "sample_weight")
        data = TrainingData(X, y, weights, None, len(y))
        return data if weights is None else data.take(np.flatnonzero(weights))

    def _read_validation_data(
        self, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> TrainingData | None:
        if X_val is None:
            for name, value in (("y_val", y_val), ("sample_weight_val", sample_weight_val)):
                if value is not None:
                    raise ValueError(f"{name} was given without X_val.")
            return None
        if y_val is None:
            raise ValueError("X_val was given without y_val.")
        X_val = self._read_inputs(X_val, reset=False, name="X_val")
        y_val = self._kind.read(y_val, X_val, "y_val")
        weights = validate_weights(sample_weight_val, len(y_val), "sample_weight_val")
        return TrainingData(X_val, y_val, weights, None, 0)

    def _split(
        self,
        data: TrainingData,
        targets: Targets,
        streams: Streams,
        previous: "Fitted | None",
    ) -> tuple[TrainingData, TrainingData]:
        """Hold out rows for validation; a warm start holds out the same ones again."""
        rows = np.arange(len(data.y))
        if previous is not None and previous._published.n_given == data.n_given:
            held = previous._published.held_out_mask()
            held = held if data.rows is None else held[data.rows]
            if held.any() and not held.all():
                # Others were trained on, and would make the score look better.
                return data.take(rows[~held]), data.take(rows[held])
        strata = targets.strata(data.y)
        try:
            trained, held_out = train_test_split(
                rows,
                test_size=self.validation_fraction,
                stratify=strata,
                random_state=numpy_seed(streams.split),
            )
        except ValueError as error:
            kind = "" if strata is None else "stratified "
            raise ValueError(
                f"early_stopping could not hold out a {kind}"
                f"validation_fraction={self.validation_fraction} of {len(rows)} rows: {error}"
            ) from error
        return data.take(np.sort(trained)), data.take(np.sort(held_out))

    def _losses_and_predictions(self, X: Any, y: Any) -> tuple[NDArray[np.floating], NDArray[Any]]:
        """`instance_losses` and `predict` in one pass, for a comparison."""
        from sklearn_sifal.neural._prediction import compute_losses_and_predictions

        X, targets = self._read_inputs(X, reset=False), self._targets
        encoded = targets.encode(targets.read(y, X))
        return compute_losses_and_predictions(self.net_, X, encoded, targets, self.n_threads)

    def _outputs(self, X: Any) -> NDArray[np.floating]:
        """Outputs of the net, shape (n_samples, n_outputs), in the net's type."""
        from sklearn_sifal.neural._prediction import compute_outputs

        X = self._read_inputs(X, reset=False)
        return compute_outputs(self.net_, X, self._targets, self.n_threads)

    # ------------------------------------------------------------------ hooks

    @property
    def _targets(self) -> Targets:
        """What the fitted net was trained on."""
        raise NotImplementedError

    def _targets_of_fit(self, y: NDArray[Any], *, goes_on: bool) -> Targets:
        """What a fit is to learn, from the targets of rows with a weight above zero."""
        raise NotImplementedError

    def _targets_of_pass(self, classes: Any, *, first: bool) -> Targets:
        """What a `partial_fit` is to learn, the first or a later one."""
        raise NotImplementedError


def _finite(losses: NDArray[np.floating], y: NDArray[Any]) -> NDArray[np.floating]:
    """The losses, or an error for the first that is no number of double precision."""
    wrong = np.flatnonzero(~np.isfinite(losses))
    if len(wrong):
        raise ValueError(
            f"The loss of row {wrong[0]} is too large for a number of double precision: y is "
            f"{y[wrong[0]]:g} there."
        )
    return losses


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[list[Callable[[], None]]]:
    """Put every attribute back if the block raises, KeyboardInterrupt included.

    Yields
    ------
    undo : list of callable
        What else is to be called then. One place undoes all: of two, an interrupt between their
        ends would undo the one and not the other.
    """
    before = estimator.__dict__.copy()
    undo: list[Callable[[], None]] = []
    try:
        yield undo
    except BaseException:
        for put_back in undo:
            put_back()
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise
