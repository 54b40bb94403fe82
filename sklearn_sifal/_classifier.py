"""The classifier: classes, their weights and their probabilities."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._fields import parameter
from sklearn_sifal._labels import are_same, read_classes
from sklearn_sifal._parameters import reject
from sklearn_sifal._row_weights import summable
from sklearn_sifal._targets import ClassTargets, log_probabilities
from sklearn_sifal._training_data import validate_targets


def _check_class_weight(classifier: Any, name: str) -> None:
    weights = classifier.class_weight
    named = isinstance(weights, str) and weights == "balanced"
    if not (weights is None or named or isinstance(weights, Mapping)):
        reject(classifier, name, "'balanced', a dict or None", weights)


class LossSampledClassifier(ClassifierMixin, LossSampledEstimator):
    """Multi-layer perceptron trained on the instances that a strategy draws by their loss.

    In every round a sampling strategy looks at the last known loss of each training
    instance and chooses which to train on. What was recorded on the way, losses and
    visits, tells which instances are hard. Sparse input is never made dense.

    Parameters
    ----------
    {{sampling_strategy}}
    class_weight : dict or 'balanced', default=None
        Weights of the classes; 'balanced' is inversely proportional to their (weighted)
        frequency.
    {{sampling_percentage, hidden_layer_sizes, activation, dropout, input_dropout, budget}}
    {{budget_unit, max_epochs, batch_size, lr, lr_schedule, optimizer, sparse_optimizer}}
    {{weight_decay, shuffle, early_stopping, validation_fraction, n_iter_no_change, tol}}
    {{init_weights, warm_start, record, history_dtype, device, mixed_precision, n_threads}}
    {{callbacks, verbose, random_state}}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    {{n_features_in_, feature_names_in_, n_iter_, net_, sampling_strategy_}}
    loss_table_ : structured ndarray of shape (n_samples,)
        One record per row given to `fit`, read-only, made when first asked for: 'id' (its number),
        'loss' (last known, nats, unweighted, NaN for never), 'loss_epoch' (round of the
        measurement, -1 for never), 'fresh' (measured in evaluation mode rather than in the
        training step), 'visits', 'evicted', 'held_out' (validation row). With ``record``
        other than 'loss' also the means over a row's visits 'mean_loss', 'confidence'
        (probability of its label), 'variability' (standard deviation of it),
        'correctness', 'margin' and 'el2n', and 'forgotten' (times it went from right to
        wrong).
    {{visit_counts_, training_mask_, history_, loss_curve_, validation_scores_, weights_}}
    {{initial_weights_}}
    loss_history_ : ndarray of shape (`n_iter_`, n_samples) or None
        Last known losses after each round; None unless ``record='history'``.
        In the type `history_dtype`.
    {{selections_, weight_history_}}

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

    sampling_strategy = "guarded_importance"
    class_weight: Mapping[Any, float] | str | None = parameter(_check_class_weight, default=None)

    _kind = ClassTargets

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
