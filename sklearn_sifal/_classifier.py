"""The classifier: classes, their weights and their probabilities."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._labels import are_same, read_classes
from sklearn_sifal._parameters import reject
from sklearn_sifal._row_weights import summable
from sklearn_sifal._targets import ClassTargets, log_probabilities
from sklearn_sifal._training_data import validate_targets
from sklearn_sifal.strategies._base import SamplingStrategy


class LossSampledClassifier(ClassifierMixin, LossSampledEstimator):
    """Multi-layer perceptron trained on the instances that a strategy draws by their loss.

    In every round a sampling strategy looks at the last known loss of each training
    instance and chooses which to train on. What was recorded on the way, losses and
    visits, tells which instances are hard. Sparse input is never made dense.

    Parameters
    ----------
    sampling_strategy : str, SamplingStrategy or callable, default='guarded_importance'
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
        Whether to stop when validation accuracy no longer rises, and to go back to the
        best weights. Must be false in `partial_fit`.
    validation_fraction : float, default=0.1
        Share of the rows held out, stratified, in (0, 1). Only used when
        `early_stopping` is true and no `X_val` is given.
    n_iter_no_change : int, default=10
        Checks without an improvement before stopping; there is one check per full
        epoch's worth of visits. Only used when `early_stopping` is true.
    tol : float, default=1e-4
        Rise in accuracy that counts as an improvement. Only used when `early_stopping`
        is true.
    class_weight : dict or 'balanced', default=None
        Weights of the classes; 'balanced' is inversely proportional to their (weighted)
        frequency.
    init_weights : path or mapping of str to array, default=None
        Initial weights by name, as in `initial_weights_` or in a file written by
        `save_weights`. Reading a file needs the ``persist`` extra.
    warm_start : bool, default=False
        Whether a further call of `fit` goes on from the present weights. With the same
        rows trained on as before, by number, and the same `record`, the loss table and
        the history go on too; otherwise they start anew.
    record : {'loss', 'dynamics', 'history'}, default='loss'
        What to keep: losses and visits; also the training dynamics of every row; also
        losses, selections and weights of every round.
    history_dtype : {'float32', 'float16'}, default='float32'
        Type of `loss_history_`. float16 takes half the memory and keeps three digits;
        losses above 65504 become 65504. Only used with ``record='history'``.
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
    verbose : int, default=0
        Above 0, shows progress on standard error: a bar in a terminal or notebook,
        else a line for each tenth of the work.
    random_state : int, RandomState instance or None, default=None
        Fixes initial weights, order, selection and dropout, each from a stream of its
        own. numpy's and torch's global states are neither used nor moved.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
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
    loss_table_ : structured ndarray of shape (n_samples,)
        One record per row given to `fit`, read-only, made when first asked for: 'id' (its number),
        'loss' (last known, nats, unweighted, NaN for never), 'loss_epoch' (round of the
        measurement, -1 for never), 'fresh' (measured in evaluation mode rather than in the
        training step), 'visits', 'evicted', 'held_out' (validation row). With ``record``
        other than 'loss' also the means over a row's visits 'mean_loss', 'confidence'
        (probability of its label), 'variability' (standard deviation of it),
        'correctness', 'margin' and 'el2n', and 'forgotten' (times it went from right to
        wrong).
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
        'seconds_train'; 'valid_acc' and 'valid_loss' at a check.
    loss_curve_ : list of float
        Unweighted mean loss, in nats, of the rows trained on in each round; NaN for a last
        round whose scoring used up the budget.
    validation_scores_ : list of float or None
        Validation accuracy at each check; None without validation data.
    weights_ : dict of str to ndarray
        Weights of the fitted net by name, copied whenever they are asked for:
        ``"input.weight"`` of shape (n_features, n_hidden), ``"input.bias"``, then
        ``"layers.0.weight"`` of shape (n_out, n_in), ``"layers.0.bias"`` and so on.
    initial_weights_ : dict of str to ndarray
        Weights before the first step; drawn anew from their seed when asked for, unless
        they were given.
    loss_history_ : ndarray of shape (`n_iter_`, n_samples) or None
        Last known losses after each round; None unless ``record='history'``.
        In the type `history_dtype`.
    selections_ : list of ndarray or None
        Rows trained on in each round, ascending, as int32 where their number allows it;
        None unless ``record='history'``.
    weight_history_ : list of dict or None
        Weights after each round; None unless ``record='history'``.

    See Also
    --------
    LossSampledRegressor : The same for regression.
    sklearn.neural_network.MLPClassifier : Multi-layer perceptron without selection.

    Notes
    -----
    The objective of a batch is the sum of s w l over its rows divided by their number:
    l the cross-entropy, w the strategy's weight (1 on average), s sample weight times
    class weight, scaled to mean 1. Rows with sample weight zero are left out, which is
    the same as not passing them. Losses are recorded without weights.

    On the CPU the net computes in the type of X if that is float32 or float64, in any byte
    order, else in float32.

    The last known loss of a long training says little about wrong labels: they have been
    memorised by then. To find them, train with ``budget=2`` and rank by ``mean_loss``
    (``record='dynamics'``).

    On small, clean, balanced data selection gains little over ``'base'`` at equal visits,
    and rules that chase the largest losses do harm where labels are wrong.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_sifal import LossSampledClassifier, RegexPreprocessor
    >>> queries = ["where is my card", "card not here yet", "top up failed", "my top up is gone"]
    >>> intents = ["card_arrival", "card_arrival", "top_up_failed", "top_up_failed"]
    >>> model = make_pipeline(
    ...     RegexPreprocessor(),
    ...     CountVectorizer(ngram_range=(1, 2)),
    ...     LossSampledClassifier(random_state=0),
    ... )
    >>> model.fit(queries, intents).predict(["Where is my new card?"])
    array(['card_arrival'], dtype='<U13')
    >>> model[-1].loss_table_.dtype.names
    ('id', 'loss', 'loss_epoch', 'fresh', 'visits', 'evicted', 'held_out')
    """

    def __init__(
        self,
        sampling_strategy: str | SamplingStrategy | Callable[..., Any] = "guarded_importance",
        *,
        sampling_percentage: float | None = None,
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
        class_weight: Mapping[Any, float] | str | None = None,
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
        self.class_weight = class_weight
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

    _kind = ClassTargets
    classes_: NDArray[Any]

    # ------------------------------------------------------------------ public methods

    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: Any = None,
        sample_weight: Any = None,
        sample_ids: Any = None,
    ) -> Self:
        """Train on every row once, at a constant rate, from the present weights on.

        The net is made in the first call, or by an earlier `fit`; of parameters changed
        since, later calls heed `lr`, `batch_size`, `weight_decay`, `class_weight`, `shuffle`,
        `record`, `n_threads` and `verbose`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A chunk of the training inputs.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,) or set, default=None
            All labels that can occur. Required in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; zero leaves a row out.
        sample_ids : array-like of shape (n_samples,), default=None
            Identifiers, integers or strings, the same kind in all calls and none missing;
            other objects of one type, such as UUIDs, become their texts. If given, the loss
            table has one record per identifier and goes on over the calls; otherwise it
            describes the last call.

        Returns
        -------
        self : LossSampledClassifier

        Raises
        ------
        ValueError
            If a parameter or an input is not valid; the message names it.
        NonFiniteLossError
            If a loss becomes infinite or NaN; the weights are then as before the call.
        """
        return self._partial_fit(X, y, sample_weight, sample_ids, classes)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the labels of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs, sparse or dense, whatever `fit` was given.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self._targets.decode(self._outputs(X).argmax(axis=1))

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        probabilities: NDArray[Any] = np.exp(self.predict_log_proba(X))
        return probabilities

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Predict the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        check_is_fitted(self)
        return log_probabilities(self._outputs(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of the rows whose label is predicted.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,)
            Labels, read as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        accuracy : float
        """
        # Read here: scikit-learn takes no column of objects with whole numbers, and NaN for a text.
        labels = validate_targets(y, None, warn=False)
        return float(super().score(X, labels, summable(sample_weight)))

    # ------------------------------------------------------------------ steps of fit

    def _check_training_parameters(self, strategy: SamplingStrategy) -> None:
        super()._check_training_parameters(strategy)
        weights = self.class_weight
        named = isinstance(weights, str) and weights == "balanced"
        if not (weights is None or named or isinstance(weights, Mapping)):
            reject(self, "class_weight", "'balanced', a dict or None", weights)

    @property
    def _targets(self) -> ClassTargets:
        return ClassTargets(self.classes_)

    def _targets_of_fit(self, y: NDArray[Any], *, goes_on: bool) -> ClassTargets:
        classes = np.unique(y)
        if goes_on and not are_same(classes, self.classes_):
            raise ValueError(
                "warm_start goes on with the classes of the previous fit, "
                f"{self.classes_.tolist()}. Got {classes.tolist()} in y."
            )
        if len(classes) < 2:
            raise ValueError(
                "LossSampledClassifier needs at least 2 classes in y, among the rows with a "
                f"sample weight above zero. Got 1 class: {classes[0]!r}."
            )
        return ClassTargets(classes, self.class_weight)

    def _targets_of_pass(self, classes: Any, *, first: bool) -> ClassTargets:
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        given = self.classes_ if classes is None else read_classes(classes)
        if not first and not are_same(given, self.classes_):
            raise ValueError(
                f"classes={given.tolist()} is not the same as on the last call to partial_fit, "
                f"was: {self.classes_.tolist()}."
            )
        if len(given) < 2:
            raise ValueError(
                f"classes must name at least 2 classes. Got {len(given)}: {given.tolist()}."
            )
        return ClassTargets(given if first else self.classes_, self.class_weight)
