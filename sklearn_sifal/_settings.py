"""What a training is told, and the values of what is left at "auto"."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_sifal._training_data import TrainingData

# Chosen by cross-validation inside training parts, with the strategy "guarded_importance":
# `python -m benchmarks.defaults`, whose tables are in docs/performance.md.
_SPARSE_BATCH_SIZE, _DENSE_BATCH_SIZE = 64, 128
# A step moves the weights of every feature that a row has by about as much, so that what it
# changes for the row grows with their number n: with its root if they pull in different
# directions, with n if in one. The rates are for 20, and fall with a power between the two.
# Rows of a few non-zeros get the rate of eight.
_SPARSE_LR = {"adagrad": 0.03, "adam": 0.01}
_USUAL_NON_ZEROS, _LEAST_NON_ZEROS, _NON_ZEROS_POWER = 20, 8, 0.75
# From this share of non-zeros on a sparse matrix is no text but a table or images.
_SHARE_OF_TABLES = 0.1
_TABLE_LR = {"adagrad": 0.05, "adam": 0.01}
# A rate that does not fall to zero has to be smaller.
_DENSE_LR, _CONSTANT_DENSE_LR = 0.01, 0.003
# A net without hidden layers has one weight to reach a slope with, where another shares the
# way among many, so that its rate is larger. A step moves its outputs by up to the rate times
# the sum of the sizes of a row's values: rates are the usual ones where that sum is 50, for
# tables, or twice the number of non-zeros, for texts, and more where it is less. Chosen with
# `python -m benchmarks.linear`.
_TABLE_ROW_SIZE, _TEXT_VALUE, _MOST_TIMES = 50, 2, 10
# Steps after which more passes stopped paying, and bounds on the passes: small tables are
# learnt by heart after more, and the smallest need some steps all the same.
_TEXT_STEPS, _TABLE_STEPS, _LEAST_STEPS = 400, 2000, 200
_LEAST_BUDGET, _MOST_BUDGET, _MOST_FOR_LEAST_STEPS = 4, 50, 200
# What is left of a weight that has no gradient after a training with rate and budget "auto".
_DENSE_REST = 0.3


@dataclass(frozen=True, kw_only=True)
class TrainingDescription:
    """The parameters of an estimator that its trainings go by, checked; see the estimators.

    Attributes
    ----------
    owner : str
        Name of the estimator's class, for messages.
    """

    owner: str
    hidden_layer_sizes: int | Sequence[int]
    activation: str
    dropout: float
    input_dropout: float
    budget: float | str
    budget_unit: str
    max_epochs: int | None
    batch_size: int | str
    lr: float | str
    lr_schedule: str
    optimizer: Any  # "auto" or one of torch's classes, of which this module knows nothing
    sparse_optimizer: str
    weight_decay: float | str
    shuffle: bool
    early_stopping: bool
    n_iter_no_change: int
    tol: float
    init_weights: Any  # a path, or a mapping of any kind of arrays
    record: str
    history_dtype: str
    device: str
    mixed_precision: bool
    n_threads: int | None
    callbacks: Sequence[Any] | None  # skorch's, in any of the forms that skorch takes
    verbose: int

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(map(int, np.atleast_1d(self.hidden_layer_sizes)))

    @property
    def keeps_dynamics(self) -> bool:
        """Whether the loss table has training dynamics."""
        return self.record != "loss"

    @property
    def keeps_history(self) -> bool:
        """Whether losses, selections and weights of every round are kept."""
        return self.record == "history"


@dataclass(frozen=True)
class Settings:
    """Resolved values of `batch_size`, `lr`, `budget` and `weight_decay`."""

    batch_size: int
    lr: float
    budget: float
    weight_decay: float


def resolve_settings(
    description: TrainingDescription,
    n_rows: int,
    *,
    n_features: int,
    non_zeros: float | None,
    row_size: float | None = None,
) -> Settings:
    """Fill in what is "auto".

    The number of rows enters through the number of batches only: repeating every row
    of a small data set changes nothing, as scikit-learn asks of sample weights.

    Parameters
    ----------
    description : TrainingDescription
        What is given.
    n_rows : int
        Rows trained on.
    n_features : int
        Number of columns.
    non_zeros : float or None
        Mean number of non-zeros of the rows of sparse input; None for dense input.
    row_size : float or None, default=None
        Mean sum of the sizes of a row's values, for a net without hidden layers; None for
        another net.
    """
    sparse = non_zeros is not None
    batch_size = _SPARSE_BATCH_SIZE if sparse else _DENSE_BATCH_SIZE
    if description.batch_size != "auto":
        batch_size = int(description.batch_size)
    is_text = non_zeros is not None and non_zeros < _SHARE_OF_TABLES * n_features
    times = 1.0
    if row_size is not None:
        usual = _TEXT_VALUE * non_zeros if is_text and non_zeros else _TABLE_ROW_SIZE
        times = min(_MOST_TIMES, max(1.0, usual / max(row_size, usual / _MOST_TIMES)))
    lr = _CONSTANT_DENSE_LR if description.lr_schedule == "constant" else _DENSE_LR
    if non_zeros is not None:
        lr = _sparse_lr(description.sparse_optimizer, non_zeros, is_text=is_text)
    lr = lr * times if description.lr == "auto" else float(description.lr)
    n_batches = math.ceil(n_rows / batch_size)
    enough = _enough_passes(n_batches, is_text=is_text)
    weight_decay = 0.0
    if description.weight_decay != "auto":
        weight_decay = float(description.weight_decay)
    elif not sparse and description.optimizer == "auto":
        # Not of the budget that is given: a short training has no time to make up for it. Nor
        # of the rate, which the decay is multiplied by: small steps are to change little.
        mean_lr = 0.5 * _DENSE_LR * times
        weight_decay = -math.log(_DENSE_REST) / (mean_lr * enough * n_batches)
    budget = float(enough if description.budget == "auto" else description.budget)
    return Settings(batch_size, lr, budget, weight_decay)


def settings_for(description: TrainingDescription, data: TrainingData) -> Settings:
    """`resolve_settings` for the rows of `data`."""
    return resolve_settings(
        description,
        len(data.y),
        n_features=data.X.shape[1],
        non_zeros=data.mean_non_zeros,
        row_size=None if description.widths else data.mean_row_size,
    )


def _enough_passes(n_batches: int, *, is_text: bool) -> int:
    steps = _TEXT_STEPS if is_text else _TABLE_STEPS
    passes = min(_MOST_BUDGET, max(_LEAST_BUDGET, math.ceil(steps / n_batches)))
    return max(passes, min(_MOST_FOR_LEAST_STEPS, math.ceil(_LEAST_STEPS / n_batches)))


def _sparse_lr(optimizer: str, non_zeros: float, *, is_text: bool) -> float:
    if not is_text:
        return _TABLE_LR[optimizer]
    fewer = _USUAL_NON_ZEROS / max(non_zeros, _LEAST_NON_ZEROS)
    lr: float = _SPARSE_LR[optimizer] * fewer**_NON_ZEROS_POWER
    return lr
