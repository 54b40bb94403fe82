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
from sklearn_sifal._inputs import (
    as_computed_with,
    check_before_validation,
    speaking_of,
    types_of_inputs,
)
from sklearn_sifal._labels import read_ids
from sklearn_sifal._out_of_fold import brief_model
from sklearn_sifal._parameters import (
    check_choice,
    check_flag,
    check_integer,
    check_random_state_value,
    check_real,
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


class LossSampledEstimator(SavedState, BaseEstimator):
    """Base class: everything that does not depend on what the targets are.

    Only this class sets fitted attributes, in `_set_fitted`. What is below it is given a
    `TrainingDescription`, `Targets` and `TrainingData`, and returns a `Fitted`.

    Attributes
    ----------
    net_ : MLPNet
        The fitted skorch net.
    """

    # Kind of the targets, and type of inputs that have none.
    _kind: ClassVar[type[Targets]]
    _reads_lists_as_float64: ClassVar[bool] = False

    # Parameters, set by the constructors of the subclasses.
    sampling_strategy: str | SamplingStrategy | Callable[..., Any]
    sampling_percentage: float | None
    hidden_layer_sizes: int | Sequence[int]
    optimizer: Any
    early_stopping: bool
    validation_fraction: float
    callbacks: Any
    warm_start: bool
    record: str
    verbose: int
    random_state: Any

    # Fitted attributes; see `neural._fitted.Fitted`.
    net_: "MLPNet"
    weight_history_: list[dict[str, NDArray[Any]]] | None
    _published: PublishedTable
    _loss_history: NDArray[np.floating] | None
    _given_weights: dict[str, NDArray[Any]] | None

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
                brief=brief_model(type(self), self.get_params(deep=False)),
                previous=previous,
            )
            self._set_fitted(vars(fitted))
        return self

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
        check_is_fitted(self)
        if self.weight_history_ is None:
            raise ValueError(
                "staged_instance_losses needs the weights of every round: fit with "
                f"record='history'. They were not recorded; record={self.record!r} now."
            )
        X = self._read_inputs(X, reset=False)
        targets = self._targets
        given = targets.read(y, X)
        states = list(self.weight_history_)
        return self._staged_losses(X, given, targets.encode(given), states)

    def _staged_losses(
        self,
        X: Any,
        given: NDArray[Any],
        encoded: NDArray[Any],
        states: list[dict[str, NDArray[Any]]],
    ) -> Iterator[NDArray[np.floating]]:
        from sklearn_sifal.neural._prediction import compute_staged_losses

        net, targets = self.net_, self._targets
        for losses in compute_staged_losses(net, X, encoded, targets, self.n_threads, states):
            yield _finite(losses, given)

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
        published: PublishedTable = self._fitted("_published", "loss_table_")
        return published.structured()

    @property
    def visit_counts_(self) -> NDArray[np.int32]:
        """How often each row was trained on, read-only."""
        published: PublishedTable = self._fitted("_published", "visit_counts_")
        return published.visits()

    @property
    def training_mask_(self) -> NDArray[np.bool_]:
        """Which of the rows given to `fit` the strategy could choose from, read-only."""
        published: PublishedTable = self._fitted("_published", "training_mask_")
        return published.training_mask()

    @property
    def loss_history_(self) -> NDArray[np.floating] | None:
        """Last known losses after each round, (`n_iter_`, n_samples); None if not recorded."""
        kept = self._fitted("_loss_history", "loss_history_")
        return None if kept is None else self._targets.published_losses(kept)

    @property
    def weights_(self) -> dict[str, NDArray[Any]]:
        """Weights of the fitted net by name; copies, so that changing them changes nothing."""
        weights: dict[str, NDArray[Any]] = self._fitted("net_", "weights_").get_weights()
        return weights

    @property
    def initial_weights_(self) -> dict[str, NDArray[Any]]:
        """Weights before the first step, by name."""
        net = self._fitted("net_", "initial_weights_")
        if self._given_weights is not None:
            given: dict[str, NDArray[Any]] = self._given_weights
            return given
        drawn: dict[str, NDArray[Any]] = net.draw_initial_weights()
        return drawn

    def _fitted(self, source: str, name: str) -> Any:
        """What the fitted attribute `name` is made from."""
        if source not in self.__dict__:
            raise AttributeError(f"This {type(self).__name__} is not fitted: no {name}.")
        return self.__dict__[source]

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
            fitted = train_one_pass(
                self._description(),
                targets,
                targets.prepared(data),
                make_streams(self.random_state, call=n_passes),
                ids=ids,
                previous=previous,
                undo=undo,
            )
            self._set_fitted({**vars(fitted), **targets.attributes()})
        return self

    def _description(self) -> TrainingDescription:
        """What trainings are told of the parameters."""
        names = [field.name for field in fields(TrainingDescription) if field.name != "owner"]
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
        check_real(self, "sampling_percentage", 0, 100, open_low=True, none=True)
        strategy = resolve_strategy(self.sampling_strategy, self.sampling_percentage)
        strategy._check_parameters()
        self._check_net_parameters()
        self._check_training_parameters(strategy)
        return strategy

    def _check_net_parameters(self) -> None:
        sizes = self.hidden_layer_sizes
        widths: Any = [sizes] if is_integer(sizes, 1) else sizes
        listed = isinstance(widths, Sequence | np.ndarray) and not isinstance(widths, str)
        if not (listed and all(is_integer(n, 1) for n in widths)):
            expected = "a positive integer or a sequence of positive integers"
            reject(self, "hidden_layer_sizes", expected, sizes)
        check_choice(self, "activation", ("identity", "logistic", "tanh", "relu", "gelu"))
        for name in ("dropout", "input_dropout"):
            check_real(self, name, 0, 1, open_high=True)
        if not (isinstance(self.optimizer, type) or self.optimizer == "auto"):
            reject(self, "optimizer", "'auto' or a torch.optim.Optimizer class", self.optimizer)
        check_choice(self, "sparse_optimizer", ("adagrad", "adam"))
        check_real(self, "weight_decay", 0, choices=("auto",))
        if self.callbacks is not None and not isinstance(self.callbacks, list | tuple):
            reject(self, "callbacks", "a list of skorch callbacks or None", self.callbacks)

    def _check_training_parameters(self, strategy: SamplingStrategy) -> None:
        check_real(self, "budget", 0, open_low=True, choices=("auto",))
        check_choice(self, "budget_unit", ("visits", "passes"))
        check_integer(self, "max_epochs", 1, none=True)
        check_integer(self, "batch_size", 1, choices=("auto",))
        check_real(self, "lr", 0, open_low=True, choices=("auto",))
        check_choice(self, "lr_schedule", ("linear", "cosine", "constant"))
        for name in ("shuffle", "early_stopping", "warm_start", "mixed_precision"):
            check_flag(self, name)
        check_real(self, "validation_fraction", 0, 1, open_low=True, open_high=True)
        check_integer(self, "n_iter_no_change", 1)
        check_real(self, "tol", 0)
        check_choice(self, "record", ("loss", "dynamics", "history"))
        check_choice(self, "history_dtype", ("float32", "float16"))
        check_integer(self, "n_threads", 1, none=True)
        if not isinstance(self.verbose, bool):
            check_integer(self, "verbose", 0)
        check_random_state_value(type(self).__name__, self.random_state)

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
