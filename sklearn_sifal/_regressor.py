"""The regressor: targets, their scale and their losses."""

from dataclasses import replace
from typing import Any, ClassVar, Self

from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._fields import choice, real
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
    {{sampling_strategy}}
    loss : {'squared_error', 'absolute_error', 'huber'}, default='squared_error'
        What is trained on and recorded, for a residual r = y - prediction: r², without a
        factor 1/2; the size of r; or Huber's loss, r²/2 up to a size of d and
        d (size of r - d/2) beyond, which is less drawn to outliers.
    huber_delta : float, default=1.0
        Huber's d in standard deviations of the targets trained on. Only used with
        ``loss='huber'``.
    {{sampling_percentage, hidden_layer_sizes, activation, dropout, input_dropout, budget}}
    {{budget_unit, max_epochs, batch_size, lr, lr_schedule, optimizer, sparse_optimizer}}
    {{weight_decay, shuffle, early_stopping, validation_fraction, n_iter_no_change, tol}}
    {{init_weights, warm_start, record, history_dtype, device, mixed_precision, n_threads}}
    {{callbacks, verbose, random_state}}

    Attributes
    ----------
    target_mean_ : float
        Weighted mean of the targets trained on in the first `fit` or `partial_fit`.
    target_scale_ : float
        Their weighted standard deviation; 1 if they were all the same.
    {{n_features_in_, feature_names_in_, n_iter_, net_}}
        It predicts ``(y - target_mean_) / target_scale_``.
    {{sampling_strategy_}}
    loss_table_ : structured ndarray of shape (n_samples,)
        One record per row given to `fit`, read-only, made when first asked for: 'id' (its number),
        'loss' (last known, in the units of `loss`, see Notes, unweighted, NaN for never),
        'loss_epoch' (round of the measurement, -1 for never), 'fresh' (measured in
        evaluation mode rather than in the training step), 'visits', 'evicted', 'held_out'
        (validation row). With ``record`` other than 'loss' also 'mean_loss' and
        'loss_variability', the mean and the standard deviation of the loss over a row's
        visits; the classifier's other dynamics are about labels.
    {{visit_counts_, training_mask_, history_, loss_curve_, validation_scores_, weights_}}
    {{initial_weights_}}
    loss_history_ : ndarray of shape (`n_iter_`, n_samples) or None
        Last known losses after each round; None unless ``record='history'``.
        float64, made from what is kept whenever it is asked for.
    {{selections_, weight_history_}}

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

    loss: str = choice(*REGRESSION_LOSSES, default="squared_error")
    huber_delta: float = real(0, default=1.0, open_low=True)

    _kind = NumberTargets
    # As numpy does: in float32, predictions of the same net differ visibly.
    _reads_lists_as_float64: ClassVar[bool] = True

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

    def _check_strategy(self, strategy: SamplingStrategy) -> None:
        super()._check_strategy(strategy)
        of_classes = [name for name in strategy.measures if name != "loss"]
        if of_classes:
            raise InvalidParameterError(
                f"The strategy {type(strategy).__name__} goes by the measure {of_classes[0]!r}, "
                "which is defined for classes only: it cannot be the 'sampling_strategy' of a "
                "LossSampledRegressor."
            )

    @property
    def _targets(self) -> NumberTargets:
        loss, delta = self._loss
        return NumberTargets(loss, delta, TargetScale(self.target_mean_, self.target_scale_))

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
