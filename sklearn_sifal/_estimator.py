"""What the classifier and the regressor share: parameters, the steps of `fit`, weights."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted

from sklearn_sifal._loss_table import PublishedTable
from sklearn_sifal._out_of_fold import OutOfFoldLosses
from sklearn_sifal._parameters import (
    InvalidParameterError,
    check_choice,
    check_flag,
    check_integer,
    check_random_state_value,
    check_real,
    is_integer,
    reject,
)
from sklearn_sifal._saved_states import SavedState, StateReader, StateWriter
from sklearn_sifal._seeding import Streams, make_streams, numpy_seed
from sklearn_sifal._training_data import (
    RowMetadata,
    TrainingData,
    validate_inputs,
    validate_row_metadata,
    validate_weights,
)
from sklearn_sifal._weights_files import save_weights_file
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._registry import resolve_strategy

# torch and skorch are imported inside the methods that need them, so that importing,
# constructing, cloning and printing an estimator stay quick.


# What every fitted estimator has, beside what depends on its targets.
_FITTED = (
    "net_",
    "history_",
    "loss_curve_",
    "n_iter_",
    "validation_scores_",
    "sampling_strategy_",
    "selections_",
    "weight_history_",
    "_given_weights",
    "_loss_history",
    "_n_partial_fits",
    "_published",
    "_sample_ids",
    "_table_loss",
)


class LossSampledEstimator(SavedState, BaseEstimator):
    """Base class: everything that does not depend on what the targets are.

    A subclass has the constructor, `fit` and `partial_fit` with their signatures, and the
    hooks at the end of this class.

    Attributes
    ----------
    net_ : MLPNet
        The fitted skorch net.
    """

    # Type of inputs that have none.
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

    # Fitted attributes, set by `neural._training.train`.
    net_: Any
    weight_history_: list[dict[str, NDArray[Any]]] | None
    _published: PublishedTable
    _loss_history: NDArray[Any] | None
    _given_weights: dict[str, NDArray[Any]] | None

    # ------------------------------------------------------------------ public methods

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
        X = validate_inputs(self, X, reset=False)
        targets = self._validate_given_y(y, X, "y")
        return self._staged_losses(X, targets, list(self.weight_history_))

    def _staged_losses(
        self, X: Any, targets: NDArray[Any], states: list[dict[str, NDArray[Any]]]
    ) -> Iterator[NDArray[Any]]:
        from sklearn_sifal.neural._training import compute_staged_outputs

        for outputs in compute_staged_outputs(self, X, states):
            yield self._losses_of(outputs, targets)

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
        from sklearn_sifal.neural._tasks import task_of

        kept = self._fitted("_loss_history", "loss_history_")
        return None if kept is None else task_of(self).published_losses(kept)

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
        needed = {*self._get_param_names()}
        if not set(_FITTED).isdisjoint(attributes):
            needed |= {*_FITTED, "n_features_in_"}
        missing = needed - set(attributes)
        if missing:
            raise ValueError(f"it has no {min(missing)!r}")
        self.__dict__.update(attributes)
        if "net_" in attributes:
            from sklearn_sifal.neural._fitted_records import check_fitted

            check_fitted(self)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ------------------------------------------------------------------ steps of fit

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any],
        irreducible_losses: Any,
        trusted: Any,
    ) -> Self:
        """The steps of `fit`; `validation` is inputs, targets and weights."""
        from sklearn_sifal.neural._training import train

        with unchanged_on_error(self):
            self._check_parameters()
            goes_on = self.warm_start and hasattr(self, "net_")
            X = validate_inputs(self, X, reset=not goes_on)
            metadata = validate_row_metadata(irreducible_losses, trusted, X.shape[0])
            data = self._validate_training_data(X, y, sample_weight, goes_on=goes_on)
            streams = make_streams(self.random_state)
            held_out = self._validate_validation_data(*validation)
            if held_out is None and self.early_stopping:
                data, held_out = self._split(data, streams, goes_on=goes_on)
            data, held_out = self._prepare(data, held_out, goes_on=goes_on)
            metadata = self._as_recorded(metadata.take(data.rows))
            train(self, data, held_out, streams, metadata, goes_on=goes_on)
        return self

    def _check_parameters(self) -> None:
        """Check everything that can be checked without data and without torch."""
        check_real(self, "sampling_percentage", 0, 100, open_low=True, none=True)
        resolve_strategy(self.sampling_strategy, self.sampling_percentage)._check_parameters()
        self._check_net_parameters()
        self._check_training_parameters()

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

    def _check_training_parameters(self) -> None:
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
            stacklevel=3,
        )

    def _keep_weighted(self, X: Any, y: NDArray[Any], sample_weight: Any) -> TrainingData:
        """Leave out rows of weight zero: bit for bit the same as not passing them."""
        weights = validate_weights(sample_weight, len(y), "sample_weight")
        data = TrainingData(X, y, weights, None, len(y))
        return data if weights is None else data.take(np.flatnonzero(weights))

    def _validate_validation_data(
        self, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> TrainingData | None:
        if X_val is None:
            for name, value in (("y_val", y_val), ("sample_weight_val", sample_weight_val)):
                if value is not None:
                    raise ValueError(f"{name} was given without X_val.")
            return None
        if y_val is None:
            raise ValueError("X_val was given without y_val.")
        X_val = validate_inputs(self, X_val, reset=False, name="X_val")
        y_val = self._validate_given_y(y_val, X_val, "y_val")
        weights = validate_weights(sample_weight_val, len(y_val), "sample_weight_val")
        return TrainingData(X_val, y_val, weights, None, 0)

    def _split(
        self, data: TrainingData, streams: Streams, *, goes_on: bool
    ) -> tuple[TrainingData, TrainingData]:
        """Hold out rows for validation; a warm start holds out the same ones again."""
        rows = np.arange(len(data.y))
        if goes_on and self._published.n_given == data.n_given:
            held = self._published.held_out_mask()
            held = held if data.rows is None else held[data.rows]
            if held.any() and not held.all():
                # Others were trained on, and would make the score look better.
                return data.take(rows[~held]), data.take(rows[held])
        strata = self._strata(data)
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

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Outputs of the net, shape (n_samples, n_outputs), in the net's type."""
        from sklearn_sifal.neural._training import compute_outputs

        return compute_outputs(self, validate_inputs(self, X, reset=False))

    # ------------------------------------------------------------------ hooks

    def _validate_training_data(
        self, X: Any, y: Any, sample_weight: Any, *, goes_on: bool
    ) -> TrainingData:
        """Check targets and weights, and leave out rows of weight zero."""
        raise NotImplementedError

    def _validate_given_y(self, y: Any, X: Any, name: str) -> NDArray[Any]:
        """Check targets that are not trained on; the classes or the scale are known."""
        raise NotImplementedError

    def _losses_of(self, outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
        """Losses of rows as the user sees them, from outputs and checked targets."""
        raise NotImplementedError

    def _strata(self, data: TrainingData) -> NDArray[Any] | None:
        """What a validation split keeps the shares of."""
        return None

    def _prepare(
        self, data: TrainingData, validation: TrainingData | None, *, goes_on: bool
    ) -> tuple[TrainingData, TrainingData | None]:
        """Turn checked data into what the net is trained and validated on."""
        raise NotImplementedError

    def _as_recorded(self, metadata: RowMetadata) -> RowMetadata:
        """Given losses in the unit of those that the strategy sees."""
        return metadata

    def _out_of_fold_losses(
        self, data: TrainingData, stream: np.random.SeedSequence
    ) -> OutOfFoldLosses:
        raise NotImplementedError


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
