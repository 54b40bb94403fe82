"""One training of a comparison, as a worker process runs it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal.comparison._candidates import clone_with_callbacks
from sklearn_sifal.comparison._scores import TestScores, scoring_of

_WARM_UP_ROWS = 100  # of each of two classes
_COSTS = ("visits", "scored", "steps", "seconds_select", "seconds_score", "seconds_train")

#: Figures and costs of a training, by name.
Run = dict[str, Any]

# Strategies that this process has trained with before, and kinds of modules of users' own.
_warmed_up: set[tuple[str, str]] = set()


@dataclass(frozen=True)
class Part:
    """Rows to train on and rows to score.

    Attributes
    ----------
    X, X_scored : {ndarray, sparse matrix}
        Inputs as the estimator takes them.
    y, y_scored : ndarray
        Targets.
    labels : ndarray of shape (n_classes,) or None
        All labels that there are, also those of other parts; None for numbers.
    sample_weight : ndarray of shape (n_train,) or None
        Of the rows to train on.
    """

    X: Any
    y: NDArray[Any]
    X_scored: Any
    y_scored: NDArray[Any]
    labels: NDArray[Any] | None = None
    sample_weight: NDArray[Any] | None = None

    def fit(self, estimator: Any) -> Any:
        """Fit an estimator on the rows to train on."""
        if self.sample_weight is None:
            return estimator.fit(self.X, self.y)
        return estimator.fit(self.X, self.y, sample_weight=self.sample_weight)

    def score(self, estimator: Any) -> TestScores:
        """Score a fitted estimator on the rows to score."""
        return scoring_of(estimator).score(estimator, self.X_scored, self.y_scored, self.labels)


@dataclass(frozen=True)
class Task:
    """One training.

    Attributes
    ----------
    strategy : str
        Name among the candidates.
    seed : int
        `random_state` of the estimator.
    budget : float
        Row visits in units of the rows trained on.
    lr : float or None
        Learning rate; None for the estimator's own.
    split : int
        Number of the split into rows to train on and to score.
    """

    strategy: str
    seed: int
    budget: float
    lr: float | None
    split: int = 0

    def configure(self, candidate: Any) -> Any:
        """An unfitted estimator for this training, on one thread."""
        estimator = clone_with_callbacks(candidate)
        estimator.set_params(budget=self.budget, random_state=self.seed, n_threads=1, verbose=0)
        if self.lr is not None:
            estimator.set_params(lr=self.lr)
        return estimator


def train(candidate: LossSampledEstimator, task: Task, part: Part) -> tuple[Run, TestScores]:
    """Fit on the clock and score off it.

    Parameters
    ----------
    candidate : LossSampledEstimator
        With the parameters of the strategy.
    task : Task
        The training.
    part : Part
        The data.

    Returns
    -------
    run : dict
        Figures and costs; figures are NaN where a loss was infinite or NaN, and 'error' says
        so.
    scores : TestScores
        Also by class and by row.
    """
    estimator = task.configure(candidate)
    scoring = scoring_of(estimator)
    run = asdict(task)
    with one_thread():
        trained = task.strategy, getattr(estimator, "module_name", "")
        if trained not in _warmed_up:
            _warmed_up.add(trained)
            _warm_up(estimator, part, has_labels=scoring.has_labels)
        began = perf_counter()
        try:
            part.fit(estimator)
        except NonFiniteLossError as error:
            scores = TestScores({metric.name: float("nan") for metric in scoring.metrics})
            costs = dict.fromkeys((*_COSTS, "rounds", "seconds"), float("nan"))
            return {**run, **scores.figures, **costs, "error": str(error)}, scores
        seconds = perf_counter() - began
        scores = part.score(estimator)
    history = estimator.history_
    costs = {name: sum(round_[name] for round_ in history) for name in _COSTS}
    costs |= {"rounds": len(history), "seconds": seconds}
    return {**run, **scores.figures, **costs, "error": None}, scores


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, in torch and in numpy's linear algebra."""
    from sklearn_sifal._devices import limited_threads

    # In this order: with the other one outside, torch would believe that it is down to one
    # thread, while the MKL built into it, which threadpoolctl does not see, uses several.
    with limited_threads(1), threadpool_limits(1):
        yield


def _warm_up(estimator: LossSampledEstimator, part: Part, *, has_labels: bool) -> None:
    """Train a little, so that what torch and a strategy load once is in nobody's seconds."""
    rows = np.arange(min(2 * _WARM_UP_ROWS, len(part.y)))
    if has_labels:
        codes = np.unique(part.y, return_inverse=True)[1]
        two = np.argsort(np.bincount(codes), kind="stable")[-2:]
        rows = np.sort(
            np.concatenate([np.flatnonzero(codes == code)[:_WARM_UP_ROWS] for code in two])
        )
    small = clone_with_callbacks(estimator).set_params(budget=2, callbacks=None)
    # A strategy may need more rows than these; then its first training pays for its imports.
    with suppress(ValueError, TypeError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small.fit(part.X[rows], part.y[rows])
