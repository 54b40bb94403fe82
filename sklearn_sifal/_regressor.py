"""The regressor: targets, their scale and their losses."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._parameters import check_choice, check_real
from sklearn_sifal._row_weights import summable
from sklearn_sifal._target_scale import REGRESSION_LOSSES, TargetScale, r_squared
from sklearn_sifal._targets import NumberTargets
from sklearn_sifal._training_data import validate_numbers
from sklearn_sifal.strategies._base import SamplingStrategy


class LossSampledRegressor(RegressorMixin, LossSampledEstimator):
    """Multi-layer perceptron for regression, trained on instances drawn by their loss.

    In every round a sampling strategy looks at the last known loss of each training
    instance and chooses which to train on. What was recorded on the way, losses and
    visits, tells which instances are hard. Sparse input is never made dense. The targets
    are standardised inside, so that their unit does not matter.

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
    loss : {'squared_error', 'absolute_error', 'huber'}, default='squared_error'
        What is trained on and recorded, for a residual r = y - prediction: r², without a
        factor 1/2; the size of r; or Huber's loss, r²/2 up to a size of d and
        d (size of r - d/2) beyond, which is less drawn to outliers.
    huber_delta : float, default=1.0
        Huber's d in standard deviations of the targets trained on. Only used with
        ``loss='huber'``.
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
        Whether to stop when R² on the validation rows no longer rises, and to go back to the
        best weights. Must be false in `partial_fit`.
    validation_fraction : float, default=0.1
        Share of the rows held out at random, in (0, 1). Only used when
        `early_stopping` is true and no `X_val` is given.
    n_iter_no_change : int, default=10
        Checks without an improvement before stopping; there is one check per full
        epoch's worth of visits. Only used when `early_stopping` is true.
    tol : float, default=1e-4
        Rise in R² that counts as an improvement. Only used when `early_stopping`
        is true.
    init_weights : path or mapping of str to array, default=None
        Initial weights by name, as in `initial_weights_` or in a file written by
        `save_weights`. Reading a file needs the ``persist`` extra.
    warm_start : bool, default=False
        Whether a further call of `fit` goes on from the present weights, with the present
        scale of the targets. With the same rows trained on as before, by number, and the
        same `record` and `loss`, the loss table and the history go on too; otherwise they
        start anew.
    record : {'loss', 'dynamics', 'history'}, default='loss'
        What to keep: losses and visits; also the mean loss of every row; also
        losses, selections and weights of every round.
    history_dtype : {'float32', 'float16'}, default='float32'
        Type that the losses of every round are kept in. float16 takes half the memory and
        keeps three digits; losses of standardised targets above 65504 become 65504. Only
        used with ``record='history'``.
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
        rate follows `lr_schedule`, whatever a callback sets. They see losses of standardised
        targets, and so does the progress bar.
    verbose : int, default=0
        Above 0, shows progress on standard error: a bar in a terminal or notebook,
        else a line for each tenth of the work.
    random_state : int, RandomState instance or None, default=None
        Fixes initial weights, order, selection and dropout, each from a stream of its
        own. numpy's and torch's global states are neither used nor moved.

    Attributes
    ----------
    target_mean_ : float
        Weighted mean of the targets trained on in the first `fit` or `partial_fit`.
    target_scale_ : float
        Their weighted standard deviation; 1 if they were all the same.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features; only if X had string column names.
    n_iter_ : int
        Number of rounds, those of earlier calls included where the history goes on.
    net_ : MLPNet
        The fitted skorch net; it predicts ``(y - target_mean_) / target_scale_``.
    sampling_strategy_ : SamplingStrategy
        The strategy that was used, a clone of what was given.
    loss_table_ : structured ndarray of shape (n_samples,)
        One record per row given to `fit`, read-only, made when first asked for: 'id' (its number),
        'loss' (last known, in the units of `loss`, see Notes, unweighted, NaN for never),
        'loss_epoch' (round of the measurement, -1 for never), 'fresh' (measured in
        evaluation mode rather than in the training step), 'visits', 'evicted', 'held_out'
        (validation row). With ``record`` other than 'loss' also 'mean_loss' and
        'loss_variability', the mean and the standard deviation of the loss over a row's
        visits; the classifier's other dynamics are about labels.
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
        'seconds_train'; 'valid_r2' and 'valid_loss' at a check.
    loss_curve_ : list of float
        Unweighted mean loss of the rows trained on in each round; NaN for a last round
        whose scoring used up the budget.
    validation_scores_ : list of float or None
        R² on the validation rows at each check; None without validation data.
    weights_ : dict of str to ndarray
        Weights of the fitted net by name, copied whenever they are asked for:
        ``"input.weight"`` of shape (n_features, n_hidden), ``"input.bias"``, then
        ``"layers.0.weight"`` of shape (n_out, n_in), ``"layers.0.bias"`` and so on.
    initial_weights_ : dict of str to ndarray
        Weights before the first step; drawn anew from their seed when asked for, unless
        they were given.
    loss_history_ : ndarray of shape (`n_iter_`, n_samples) or None
        Last known losses after each round; None unless ``record='history'``.
        float64, made from what is kept whenever it is asked for.
    selections_ : list of ndarray or None
        Rows trained on in each round, ascending, as int32 where their number allows it;
        None unless ``record='history'``.
    weight_history_ : list of dict or None
        Weights after each round; None unless ``record='history'``.

    See Also
    --------
    LossSampledClassifier : The same for classes.
    sklearn.neural_network.MLPRegressor : Multi-layer perceptron without selection.

    Notes
    -----
    The net learns ``(y - target_mean_) / target_scale_``. The objective of a batch is the
    sum of s w l over its rows divided by their number: l the loss of the standardised
    target, w the strategy's weight (1 on average), s the sample weight, scaled to mean 1.
    Rows with sample weight zero are left out, which is the same as not passing them.

    All losses that can be read afterwards are in the units of y: squared for
    ``'squared_error'`` and ``'huber'``, plain for ``'absolute_error'``. Strategies go by
    the losses of the standardised targets, so that absolute constants in their rules mean
    the same at any scale of y.

    On the CPU the net computes in the type of X if that is float32 or float64, in any byte
    order (as lists are float64), else in float32. Predictions are float64 in either case,
    since targets may be large beside their spread.

    Large losses are where the model is wrong and where y is noisy. Rules that chase them
    do harm if the noise is strong or has outliers; ``'huber'`` and ``'absolute_error'``
    are less sensitive to them than ``'squared_error'``.

    References
    ----------
    Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics
    35(1), 1964.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_sifal import LossSampledRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = make_pipeline(
    ...     StandardScaler(), LossSampledRegressor(loss="huber", budget=20, random_state=0)
    ... )
    >>> model.fit(X, y).predict(X[:2]).shape
    (2,)
    >>> model[-1].loss_table_.dtype.names
    ('id', 'loss', 'loss_epoch', 'fresh', 'visits', 'evicted', 'held_out')
    """

    def __init__(
        self,
        sampling_strategy: str | SamplingStrategy | Callable[..., Any] = "importance",
        *,
        sampling_percentage: float | None = None,
        loss: str = "squared_error",
        huber_delta: float = 1.0,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        budget: float | str = "auto",
        budget_unit: str = "visits",
        max_epochs: int | None = None,
        batch_size: int | str = "auto",
        lr: float | str = "auto",
        lr_schedule: str = "linear",
        optimizer: Any = "auto",
        sparse_optimizer: str = "adagrad",
        weight_decay: float | str = "auto",
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        init_weights: Any = None,
        warm_start: bool = False,
        record: str = "loss",
        history_dtype: str = "float32",
        device: str = "cpu",
        mixed_precision: bool = False,
        n_threads: int | None = None,
        callbacks: Any = None,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.sampling_percentage = sampling_percentage
        self.loss = loss
        self.huber_delta = huber_delta
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.budget = budget
        self.budget_unit = budget_unit
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.optimizer = optimizer
        self.sparse_optimizer = sparse_optimizer
        self.weight_decay = weight_decay
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.init_weights = init_weights
        self.warm_start = warm_start
        self.record = record
        self.history_dtype = history_dtype
        self.device = device
        self.mixed_precision = mixed_precision
        self.n_threads = n_threads
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    _kind = NumberTargets
    # As numpy does: in float32, predictions of the same net differ visibly.
    _reads_lists_as_float64: ClassVar[bool] = True

    target_mean_: float
    target_scale_: float
    _loss: tuple[str, float]

    # ------------------------------------------------------------------ public methods

    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        sample_ids: Any = None,
    ) -> Self:
        """Train on every row once, at a constant rate, from the present weights on.

        The net is made in the first call, or by an earlier `fit`; of parameters changed
        since, later calls heed `lr`, `batch_size`, `weight_decay`, `shuffle`, `record`,
        `n_threads` and `verbose`. Targets are standardised by the mean and the standard
        deviation of the first call's; let it have enough rows to tell them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A chunk of the training inputs.
        y : array-like of shape (n_samples,)
            Targets: finite numbers. Dates and durations are none.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; zero leaves a row out.
        sample_ids : array-like of shape (n_samples,), default=None
            Identifiers, integers or strings, the same kind in all calls and none missing;
            other objects of one type, such as UUIDs, become their texts. If given, the loss
            table has one record per identifier and goes on over the calls; otherwise it
            describes the last call.

        Returns
        -------
        self : LossSampledRegressor

        Raises
        ------
        ValueError
            If a parameter or an input is not valid; the message names it.
        NonFiniteLossError
            If a loss becomes infinite or NaN; the weights are then as before the call.
        """
        return self._partial_fit(X, y, sample_weight, sample_ids)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the targets of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs, sparse or dense, whatever `fit` was given.

        Returns
        -------
        y : ndarray of shape (n_samples,), float64
            In the units of the targets.
        """
        check_is_fitted(self)
        return self._targets.decode(self._outputs(X)[:, 0])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination R² of the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,)
            Targets, read as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        r2 : float
        """
        targets = validate_numbers(y, None, warn=False)
        return r_squared(targets, self.predict(X), summable(sample_weight))

    # ------------------------------------------------------------------ steps of fit

    def _check_training_parameters(self, strategy: SamplingStrategy) -> None:
        super()._check_training_parameters(strategy)
        check_choice(self, "loss", REGRESSION_LOSSES)
        check_real(self, "huber_delta", 0, open_low=True)
        of_classes = [name for name in strategy.measures if name != "loss"]
        if of_classes:
            raise InvalidParameterError(
                f"The strategy {type(strategy).__name__} goes by the measure {of_classes[0]!r}, "
                "which is defined for classes only: it cannot be the 'sampling_strategy' of a "
                "LossSampledRegressor."
            )

    @property
    def _targets(self) -> NumberTargets:
        return NumberTargets(*self._loss, TargetScale(self.target_mean_, self.target_scale_))

    def _targets_of_fit(self, y: NDArray[Any], *, goes_on: bool) -> NumberTargets:
        asked_for = self._new_targets()
        return replace(asked_for, scale=self._targets.scale) if goes_on else asked_for

    def _targets_of_pass(self, classes: None, *, first: bool) -> NumberTargets:
        # The loss of a net stays although `loss` changes.
        return self._new_targets() if first else self._targets

    def _new_targets(self) -> NumberTargets:
        return NumberTargets(
            str(self.loss), float(self.huber_delta) if self.loss == "huber" else 1.0
        )
