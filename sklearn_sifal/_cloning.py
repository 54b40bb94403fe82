"""Clones of estimators whose callbacks cannot be copied."""

from typing import Any

from sklearn.base import clone


def clone_with_callbacks(estimator: Any) -> Any:
    """An unfitted estimator with the same parameters, and with the very same callbacks.

    `sklearn.base.clone` copies what callbacks refer to: a log would stay empty, an Optuna
    trial would be told nothing, and a file or a lock cannot be copied at all.

    Parameters
    ----------
    estimator : LossSampledEstimator
        Fitted or not.
    """
    bare = object.__new__(type(estimator))
    vars(bare).update({**vars(estimator), "callbacks": None})
    return clone(bare).set_params(callbacks=estimator.callbacks)
