"""Values of the parameters left at "auto"."""

import math
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class Settings:
    """Resolved values of `batch_size`, `lr`, `budget` and `weight_decay`."""

    batch_size: int
    lr: float
    budget: float
    weight_decay: float


def resolve_settings(
    estimator: Any,
    n_rows: int,
    *,
    n_features: int,
    non_zeros: float | None,
    row_size: float | None = None,
    one_pass: bool = False,
) -> Settings:
    """Fill in what is "auto".

    The number of rows enters through the number of batches only: repeating every row
    of a small data set changes nothing, as scikit-learn asks of sample weights.

    Parameters
    ----------
    estimator : object
        With `batch_size`, `lr`, `budget`, `weight_decay`, `lr_schedule`, `optimizer` and
        `sparse_optimizer`.
    n_rows : int
        Rows trained on.
    n_features : int
        Number of columns.
    non_zeros : float or None
        Mean number of non-zeros of the rows of sparse input; None for dense input.
    row_size : float or None, default=None
        Mean sum of the sizes of a row's values, for a net without hidden layers; None for
        another net.
    one_pass : bool, default=False
        For a pass of `partial_fit`: a budget of 1, a constant rate, and no decay but a
        given one, since a chunk is no training over which "auto" would spread it.
    """
    batch_size, lr, budget = estimator.batch_size, estimator.lr, estimator.budget
    sparse = non_zeros is not None
    if batch_size == "auto":
        batch_size = _SPARSE_BATCH_SIZE if sparse else _DENSE_BATCH_SIZE
    is_text = non_zeros is not None and non_zeros < _SHARE_OF_TABLES * n_features
    times = 1.0
    if row_size is not None:
        usual = _TEXT_VALUE * non_zeros if is_text and non_zeros else _TABLE_ROW_SIZE
        times = min(_MOST_TIMES, max(1.0, usual / max(row_size, usual / _MOST_TIMES)))
    if lr == "auto":
        constant = one_pass or estimator.lr_schedule == "constant"
        lr = _CONSTANT_DENSE_LR if constant else _DENSE_LR
        if non_zeros is not None:
            lr = _sparse_lr(estimator.sparse_optimizer, non_zeros, is_text=is_text)
        lr *= times
    n_batches = math.ceil(n_rows / batch_size)
    enough = _enough_passes(n_batches, is_text=is_text)
    if one_pass:
        budget = 1.0
    elif budget == "auto":
        budget = enough
    weight_decay = estimator.weight_decay
    if weight_decay == "auto":
        decays = not (sparse or one_pass) and estimator.optimizer == "auto"
        # Not of the budget that is given: a short training has no time to make up for it. Nor
        # of the rate, which the decay is multiplied by: small steps are to change little.
        mean_lr = 0.5 * _DENSE_LR * times
        weight_decay = -math.log(_DENSE_REST) / (mean_lr * enough * n_batches) if decays else 0.0
    return Settings(int(batch_size), float(lr), float(budget), float(weight_decay))


def settings_for(estimator: Any, data: Any, *, one_pass: bool = False) -> Settings:
    """`resolve_settings` for the rows of `data`, a `TrainingData`."""
    return resolve_settings(
        estimator,
        len(data.y),
        n_features=data.X.shape[1],
        non_zeros=data.mean_non_zeros,
        row_size=data.mean_row_size if is_linear(estimator) else None,
        one_pass=one_pass,
    )


def is_linear(estimator: Any) -> bool:
    """Whether the net has no hidden layers."""
    sizes = estimator.hidden_layer_sizes
    return hasattr(sizes, "__len__") and len(sizes) == 0


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
