"""The loss of every training row under a model that has not seen it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from sklearn_sifal._cloning import clone_with_callbacks
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._seeding import numpy_seed
from sklearn_sifal._settings import settings_for
from sklearn_sifal._targets import TargetScale, residual_losses
from sklearn_sifal._training_data import TrainingData

#: What a model of the caller's own kind is changed to: one brief training on all rows alike.
_BRIEF_TRAINING = {
    "sampling_strategy": "base",
    "sampling_percentage": None,
    "max_epochs": None,
    "early_stopping": False,
    # Weights trained on all rows would have seen those that are held out.
    "init_weights": None,
    "warm_start": False,
    "record": "loss",
    "callbacks": None,
    "verbose": 0,
}
# About so many steps are two passes over 20,000 rows. On small data two passes say next to
# nothing of a row: reducible losses came to be the losses, and models lost 0.05 to 0.4 of R².
_STEPS = 300
_LEAST_BUDGET, _MOST_BUDGET = 2, 50


class OutOfFoldLosses:
    """Function ``(estimator, cv) -> losses`` on the rows of one training.

    Parameters
    ----------
    owner : LossSampledEstimator
        What is being fitted.
    data : TrainingData
        Its rows; their weights are passed on to estimators whose `fit` takes them.
    stream : numpy.random.SeedSequence
        Seed of the folds, and of every `random_state` that is None.
    """

    #: Method that an estimator needs beside `fit`.
    predicts_by = "predict"

    def __init__(self, owner: Any, data: TrainingData, stream: np.random.SeedSequence) -> None:
        self.owner = owner
        self.data = data
        self.stream = stream

    def __call__(self, estimator: Any = None, cv: int = 5) -> NDArray[np.float64]:
        """Fit clones of an estimator and measure the rows that each was not fitted on.

        Parameters
        ----------
        estimator : estimator, default=None
            None for one like the caller's, trained briefly, without selection: for about
            300 steps, within 2 to 50 passes.
        cv : int, default=5
            Number of folds.

        Returns
        -------
        losses : ndarray of shape (n_rows,), float64

        Raises
        ------
        InvalidParameterError
            If it is not an estimator, or cannot say how good a prediction is.
        ValueError
            If there are fewer rows than folds, or a prediction is not finite.
        """
        model = self._prepared(estimator)
        losses = np.empty(len(self.data.y))
        folds = self._folds(cv)
        for fold in range(cv):
            losses[folds == fold] = self._held_out_losses(model, folds != fold, folds == fold)
        if not np.isfinite(losses).all():
            raise ValueError(f"Out-of-fold losses of {model!r} are not finite.")
        return losses

    def _prepared(self, estimator: Any) -> Any:
        if estimator is None:
            model = clone_with_callbacks(self.owner).set_params(
                **_BRIEF_TRAINING, budget=self._brief(), random_state=numpy_seed(self.stream)
            )
            if "class_weight" in model.get_params(deep=False):
                model.set_params(class_weight=None)  # the rows' weights have it already
            return model
        if isinstance(estimator, type) or not hasattr(estimator, "fit"):
            raise InvalidParameterError(
                f"Out-of-fold losses need an estimator or None. Got {estimator!r}."
            )
        model = clone(estimator)
        if not hasattr(model, self.predicts_by):
            raise InvalidParameterError(
                f"Out-of-fold losses need an estimator with {self.predicts_by}. Got {model!r}."
            )
        for name, value in model.get_params().items():
            if value is None and (name == "random_state" or name.endswith("__random_state")):
                model.set_params(**{name: numpy_seed(self.stream)})
        return model

    def _brief(self) -> int:
        """Passes of a brief training."""
        n = len(self.data.y)
        settings = settings_for(self.owner, self.data)
        passes = math.ceil(_STEPS / math.ceil(n / settings.batch_size))
        return min(_MOST_BUDGET, max(_LEAST_BUDGET, passes))

    def _folds(self, cv: int) -> NDArray[np.int64]:
        """Fold of every row: all of about the same size, and stratified if there are classes."""
        n = len(self.data.y)
        if not 2 <= cv <= n:
            raise ValueError(
                f"Out-of-fold losses need from 2 folds to as many as there are rows, {n}. "
                f"Got cv={cv}."
            )
        order = np.random.default_rng(self.stream).permutation(n)
        order = self._strata_together(order)
        folds = np.empty(n, np.int64)
        folds[order] = np.arange(n) % cv  # neighbours go into different folds
        return folds

    def _strata_together(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        return order

    def _fitted(self, model: Any, rows: NDArray[np.bool_], y: NDArray[Any]) -> Any:
        weights = self.data.weights
        if weights is None or not has_fit_parameter(model, "sample_weight"):
            return clone(model).fit(self.data.inputs(rows), y[rows])
        return clone(model).fit(self.data.inputs(rows), y[rows], sample_weight=weights[rows])

    def _held_out_losses(
        self, model: Any, known: NDArray[np.bool_], held_out: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        raise NotImplementedError


class OutOfFoldCrossEntropies(OutOfFoldLosses):
    """For classes: minus the logarithm of the label's probability, in nats.

    A label that no other fold has is as probable as any of the classes.

    Parameters
    ----------
    owner : LossSampledClassifier
        With `classes_`.
    data : TrainingData
        With class codes.
    stream : numpy.random.SeedSequence
        Seed.
    """

    predicts_by = "predict_proba"

    def _strata_together(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        return order[np.argsort(self.data.y[order], kind="stable")]

    def _held_out_losses(
        self, model: Any, known: NDArray[np.bool_], held_out: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        labels = self.owner.classes_[self.data.y]
        classes = np.unique(labels[known])
        losses = np.full(np.count_nonzero(held_out), np.log(len(self.owner.classes_)))
        judged = np.flatnonzero(np.isin(labels[held_out], classes))
        if len(classes) == 1:  # not every classifier can be fitted on one class
            losses[judged] = 0.0
        elif len(judged):
            fitted = self._fitted(model, known, labels)
            proba = np.asarray(fitted.predict_proba(self.data.inputs(held_out)))
            columns = np.searchsorted(fitted.classes_, labels[held_out][judged])
            proba = proba[judged, columns]
            losses[judged] = -np.log(np.clip(proba, np.finfo(proba.dtype).tiny, 1.0))
        return losses


class OutOfFoldErrors(OutOfFoldLosses):
    """For a regression: the loss of the net, of standardised targets.

    Parameters
    ----------
    owner : LossSampledRegressor
        What is being fitted.
    data : TrainingData
        With standardised targets.
    stream : numpy.random.SeedSequence
        Seed.
    scale : TargetScale
        Scale of the targets.
    loss : tuple of (str, float)
        Name of the loss, and Huber's delta in standard deviations.
    """

    def __init__(
        self,
        owner: Any,
        data: TrainingData,
        stream: np.random.SeedSequence,
        scale: TargetScale,
        loss: tuple[str, float],
    ) -> None:
        super().__init__(owner, data, stream)
        self.scale = scale
        self.loss = loss

    def _held_out_losses(
        self, model: Any, known: NDArray[np.bool_], held_out: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        fitted = self._fitted(model, known, self.scale.restore(self.data.y))
        predicted = np.asarray(fitted.predict(self.data.inputs(held_out)), np.float64).reshape(-1)
        residuals = self.data.y[held_out] - self.scale.standardise(predicted)
        losses: NDArray[np.float64] = residual_losses(residuals, *self.loss)
        return losses
