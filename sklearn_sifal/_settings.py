"""Values of the parameters left at "auto"."""

import math
from dataclasses import dataclass
from typing import Any

# Chosen, with the strategy "importance", by cross-validation inside the training parts of
# BANKING77 (sparse), digits, MNIST and a make_classification table (dense):
# `python -m benchmarks.defaults`.
_SPARSE_BATCH_SIZE, _DENSE_BATCH_SIZE = 64, 128
_SPARSE_LR = {"adagrad": 0.03, "adam": 0.01}
_DENSE_LR = 0.003
# Steps after which more passes stopped paying, and bounds on the passes.
_ENOUGH_STEPS = 1250
_LEAST_BUDGET, _MOST_BUDGET = 4, 200


@dataclass(frozen=True)
class Settings:
    """Resolved values of `batch_size`, `lr` and `budget`."""

    batch_size: int
    lr: float
    budget: float


def resolve_settings(estimator: Any, n_rows: int, *, sparse_input: bool) -> Settings:
    """Fill in what is "auto".

    The number of rows enters through the number of batches only: repeating every row
    of a small data set changes nothing, as scikit-learn asks of sample weights.

    Parameters
    ----------
    estimator : object
        With `batch_size`, `lr`, `budget` and `sparse_optimizer`.
    n_rows : int
        Rows trained on.
    sparse_input : bool
        Whether X is sparse.
    """
    batch_size, lr, budget = estimator.batch_size, estimator.lr, estimator.budget
    if batch_size == "auto":
        batch_size = _SPARSE_BATCH_SIZE if sparse_input else _DENSE_BATCH_SIZE
    if lr == "auto":
        lr = _SPARSE_LR[estimator.sparse_optimizer] if sparse_input else _DENSE_LR
    if budget == "auto":
        passes = math.ceil(_ENOUGH_STEPS / math.ceil(n_rows / batch_size))
        budget = min(_MOST_BUDGET, max(_LEAST_BUDGET, passes))
    return Settings(int(batch_size), float(lr), float(budget))
