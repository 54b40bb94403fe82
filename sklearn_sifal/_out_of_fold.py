"""The loss of every training row under a model that has not seen it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._seeding import numpy_seed
from sklearn_sifal._targets import Targets
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
    # The rows' weights have it already.
    "class_weight": None,
}
# About so many steps are two passes over 20,000 rows. On small data two passes say next to
# nothing of a row: reducible losses came to be the losses, and models lost 0.05 to 0.4 of R².
_STEPS = 300
_LEAST_BUDGET, _MOST_BUDGET = 2, 50


def brief_model(kind: type[Any], attributes: Mapping[str, Any]) -> Callable[[int, int], Any]:
    """What makes estimators like one with these attributes, for a brief training.

    Parameters
    ----------
    kind : type
        Class of the estimator.
    attributes : mapping of str to object
        What it has, its parameters among it. They are read when a model is made and not before:
        an estimator whose parameters cannot be read may be fitted without one.

    Returns
    -------
    brief : callable
        ``brief(budget, random_state)`` makes one, to be cloned.
    """
    brief = {name: value for name, value in _BRIEF_TRAINING.items() if hasattr(kind, name)}

    def made(budget: int, random_state: int) -> Any:
        model: Any = object.__new__(kind)
        vars(model).update(attributes)
        return model.set_params(**brief, budget=budget, random_state=random_state)

    return made


@dataclass(frozen=True, eq=False)
class OutOfFoldLosses:
    """Function ``(estimator, cv) -> losses`` on the rows of one training.

    Parameters
    ----------
    targets : Targets
        What is learnt.
    data : TrainingData
        The rows; their weights are passed on to estimators whose `fit` takes them.
    stream : numpy.random.SeedSequence
        Seed of the folds, and of every `random_state` that is None.
    batch_size : int
        Rows of a step of the net.
    brief : callable
        Makes an estimator like the caller's; see `brief_model`.
    """

    targets: Targets
    data: TrainingData
    stream: np.random.SeedSequence
    batch_size: int
    brief: Callable[[int, int], Any]

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
        data, folds = self.data, self._folds(cv)
        losses = np.empty(len(data.y))
        for fold in range(cv):
            known = folds != fold
            fit, inputs = partial(self._fitted, model, known), data.inputs(~known)
            losses[~known] = self.targets.out_of_fold_losses(fit, data.y, known, inputs)
        if not np.isfinite(losses).all():
            raise ValueError(f"Out-of-fold losses of {model!r} are not finite.")
        return losses

    def _prepared(self, estimator: Any) -> Any:
        if estimator is None:
            return self.brief(self._brief_budget(), numpy_seed(self.stream))
        if isinstance(estimator, type) or not hasattr(estimator, "fit"):
            raise InvalidParameterError(
                f"Out-of-fold losses need an estimator or None. Got {estimator!r}."
            )
        model = clone(estimator)
        method = self.targets.predicts_by
        if not hasattr(model, method):
            raise InvalidParameterError(
                f"Out-of-fold losses need an estimator with {method}. Got {model!r}."
            )
        for name, value in model.get_params().items():
            if value is None and (name == "random_state" or name.endswith("__random_state")):
                model.set_params(**{name: numpy_seed(self.stream)})
        return model

    def _brief_budget(self) -> int:
        """Passes of a brief training."""
        passes = math.ceil(_STEPS / math.ceil(len(self.data.y) / self.batch_size))
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
        strata = self.targets.strata(self.data.y)
        if strata is not None:
            order = order[np.argsort(strata[order], kind="stable")]
        folds = np.empty(n, np.int64)
        folds[order] = np.arange(n) % cv  # neighbours go into different folds
        return folds

    def _fitted(self, model: Any, rows: NDArray[np.bool_], y: NDArray[Any]) -> Any:
        weights = self.data.weights
        if weights is None or not has_fit_parameter(model, "sample_weight"):
            return clone(model).fit(self.data.inputs(rows), y[rows])
        return clone(model).fit(self.data.inputs(rows), y[rows], sample_weight=weights[rows])
