"""The trainings of a comparison: which, in which order, on what."""

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._loss_table import NonFiniteLossError
from sklearn_sifal._parameters import (
    check_integer_value,
    check_random_state_value,
    check_real_value,
)
from sklearn_sifal._progress import ProgressBar
from sklearn_sifal.comparison._candidates import YARDSTICK, resolve_candidates
from sklearn_sifal.comparison._contents import contents_of
from sklearn_sifal.comparison._recordings import Recording, record, record_base
from sklearn_sifal.comparison._result import StrategyComparison
from sklearn_sifal.comparison._scores import TestScores, metrics_of
from sklearn_sifal.comparison._statistics import standard_error_over_rows
from sklearn_sifal.comparison._trainings import Part, Task, train

_NAME = "compare_strategies"
# More splits than these tell little more of a learning rate, and cost as much as the rest.
_MOST_SPLITS = 3
_LIBRARIES = ("sklearn_sifal", "scikit-learn", "torch", "numpy", "scipy", "skorch")


def compare_strategies(
    estimator: BaseEstimator,
    strategies: Any,
    X_train: Any,
    y_train: Any,
    X_test: Any,
    y_test: Any,
    *,
    budget: float | Sequence[float] = 4,
    n_seeds: int = 3,
    lr: float | Sequence[float] | None = None,
    validation_fraction: float = 0.2,
    n_jobs: int | None = None,
    random_state: Any = 0,
    verbose: int = 0,
) -> StrategyComparison:
    """Train with several strategies at equal budgets, and compare what comes of it.

    Every strategy starts from the same initial weights and spends the same number of row
    visits, once for each seed. 'base', which trains on everything, and 'random', which
    chooses without looking, are always among them. The steps before the estimator are fitted
    once, on the training part.

    Parameters
    ----------
    estimator : estimator
        A `LossSampledClassifier`, a `LossSampledRegressor`, or a Pipeline that ends in one.
        It is cloned. Its other parameters hold for all strategies, also its
        `sampling_percentage` for those given by name that have one.
    strategies : sequence or mapping
        Names from :data:`sklearn_sifal.strategies.STRATEGIES` or `SamplingStrategy`
        instances; or a mapping from names of your own to these, to callables, or to dicts of
        estimator parameters, such as ``{"p30": {"sampling_strategy": "percentile",
        "sampling_percentage": 30}}``.
    X_train : array-like of shape (n_train, ...)
        Inputs of the training part, as the estimator takes them.
    y_train : array-like of shape (n_train,)
        Labels or targets of the training part.
    X_test : array-like of shape (n_test, ...)
        Inputs of the test part.
    y_test : array-like of shape (n_test,)
        Labels or targets of the test part; no labels that are not in `y_train`.
    budget : float or sequence of float, default=4
        Row visits of one training, in units of the training rows. Each of several budgets
        has trainings of its own, with learning rates that fall over just that budget; the
        largest is the one of tables and verdict.
    n_seeds : int, default=3
        Trainings for each strategy and budget. A seed fixes initial weights, order, selection
        and dropout; differences are paired by seed.
    lr : float or sequence of float, default=None
        Learning rate. None is the estimator's own and a number is one rate for all: what then
        looks like a better strategy is often one that takes larger steps. With a sequence
        each strategy gets its own best rate at each budget: highest mean accuracy (R² for a
        regressor; ties by the lower loss, then by the lower rate) over validation splits
        inside the training part. A strategy given as a dict with `lr` keeps that.
    validation_fraction : float, default=0.2
        Share of the training rows, stratified by label, held out to choose rates by. There
        are `n_seeds` splits, at most 3. Only used with several rates.
    n_jobs : int, default=None
        Trainings at a time, by joblib, each on one thread. Changes nothing but seconds.
    random_state : int, RandomState instance or None, default=0
        The seeds are this number and those after it; otherwise they begin at one that is
        drawn from it.
    verbose : int, default=0
        Above 0, shows a progress bar on standard error (tqdm, with the ``progress`` extra).

    Returns
    -------
    comparison : StrategyComparison
        Figures of every training, tables, a verdict in words, and a page.

    Raises
    ------
    TypeError
        If the estimator or an entry of `strategies` is of another kind.
    ValueError
        If a parameter or the data is not valid; the message names it.
    NonFiniteLossError
        If the losses of 'base' become infinite or NaN. Those of another strategy are
        reported in its runs and in the verdict instead.

    Notes
    -----
    Seconds are those of `fit`, selection and scoring passes included; what a process loads
    once is loaded before. Strategies take turns, so that a slow minute of the machine meets
    all of them. Deciles, weights and hardest instances come from one further training for each
    strategy, the first seed's at the largest budget, which is on no clock.

    A t interval over seeds says what other seeds would have done with these training and test
    rows; see :meth:`StrategyComparison.summary` for what other test rows might.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_sifal import LossSampledClassifier
    >>> from sklearn_sifal.comparison import compare_strategies
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> comparison = compare_strategies(
    ...     LossSampledClassifier(), ["percentile"], X_train, y_train, X_test, y_test
    ... )
    >>> [record["strategy"] for record in comparison.summary()]
    ['base', 'random', 'percentile']
    """
    before, last = _split_estimator(estimator)
    budgets = _check_budgets(budget)
    check_integer_value(_NAME, "n_seeds", n_seeds, 1)
    rates = _check_rates(lr)
    check_real_value(
        _NAME, "validation_fraction", validation_fraction, 0, 1, open_low=True, open_high=True
    )
    candidates = resolve_candidates(last, strategies)
    y_train, y_test = _check_targets(last, X_train, y_train, X_test, y_test)
    seeds = _seeds(random_state, n_seeds)
    part = _prepare(before, X_train, y_train, X_test, y_test)
    fixed = frozenset(name for name, candidate in candidates.items() if candidate.lr != last.lr)
    plan = _Plan(candidates, budgets, seeds, rates, fixed, n_jobs)

    n_splits = min(n_seeds, _MOST_SPLITS) if len(rates) > 1 else 0
    with ProgressBar("trainings") if verbose else nullcontext() as bar:
        progress = _Progress(bar, plan.n_trainings(n_splits))
        splits = (
            _split(before, last, X_train, y_train, validation_fraction, seed)
            for seed in seeds[:n_splits]
        )
        search = [record for split in splits for record in plan.search(split, progress)]
        chosen = plan.choose_rates(search)
        results = plan.run(part, chosen, progress)
        runs = [run for run, _ in results]
        _check_base(runs)
        recordings = plan.record(part, chosen, progress)
    return StrategyComparison(
        runs=runs,
        rounds=[round_ for recording in recordings.values() for round_ in recording.rounds],
        strategies=tuple(candidates),
        budgets=budgets,
        seeds=seeds,
        metrics=metrics_of(last),
        parameters={name: _changed(last, candidate) for name, candidate in candidates.items()},
        rate_search=search,
        labels=np.unique(y_train) if is_classifier(last) else None,
        settings={
            "estimator": " ".join(repr(estimator).split()),
            "n_train": len(y_train),
            "n_test": len(y_test),
            "n_features": int(part.X.shape[1]),
            "sparse": sp.issparse(part.X),
            "lr": rates if len(rates) > 1 else (rates[0] if rates else None),
            "validation_fraction": validation_fraction,
            "n_splits": n_splits,
            "n_jobs": effective_n_jobs(n_jobs),
            "n_processors": os.cpu_count() or 1,
            "versions": _versions(),
        },
        _per_class=_by_class(results, budgets[-1]),
        _support=_support(y_train, y_test) if is_classifier(last) else None,
        _row_errors=_row_errors(results),
        _recordings=recordings,
        _contents=contents_of(X_train, _recorded_rows(recordings)),
    )


@dataclass(frozen=True)
class _Plan:
    """Which trainings there are."""

    candidates: Mapping[str, LossSampledEstimator]
    budgets: tuple[float, ...]
    seeds: tuple[int, ...]
    rates: tuple[float, ...]
    fixed: frozenset[str]  # strategies that bring a rate of their own
    n_jobs: int | None

    def n_trainings(self, n_splits: int) -> int:
        """Number of trainings, with those of the search for rates and those that are recorded."""
        of_search = n_splits * len(self.rates) * (len(self.candidates) - len(self.fixed))
        per_budget = len(self.seeds) * len(self.candidates) + of_search
        return len(self.budgets) * per_budget + len(self.candidates)

    def search(self, split: tuple[int, Part], progress: Callable[[], None]) -> list[dict[str, Any]]:
        """Train on one split with each rate."""
        seed, part = split
        tasks = [
            Task(name, seed, budget, rate)
            for budget, rate, name in product(self.budgets, self.rates, self.candidates)
            if name not in self.fixed
        ]
        return [run for run, _ in self._train(tasks, part, progress)]

    def choose_rates(self, search: list[dict[str, Any]]) -> dict[tuple[str, float], float | None]:
        """Rate of each strategy at each budget."""
        return {
            (name, budget): self._rate(name, budget, search)
            for name, budget in product(self.candidates, self.budgets)
        }

    def _rate(self, name: str, budget: float, search: list[dict[str, Any]]) -> float | None:
        if name in self.fixed:
            return None
        if not search:
            return self.rates[0] if self.rates else None
        main, loss = ("accuracy", "nll") if "nll" in search[0] else ("r2", "mse")

        def badness(rate: float) -> tuple[float, float, float]:
            found = [
                run
                for run in search
                if (run["strategy"], run["budget"], run["lr"]) == (name, budget, rate)
            ]
            means = [float(np.mean([run[key] for run in found])) for key in (main, loss)]
            # A rate at which any training broke down comes last.
            worst = float("inf")
            return (worst, worst, rate) if np.isnan(means[0]) else (-means[0], means[1], rate)

        return min(self.rates, key=badness)

    def run(
        self,
        part: Part,
        chosen: Mapping[tuple[str, float], float | None],
        progress: Callable[[], None],
    ) -> list[tuple[dict[str, Any], TestScores]]:
        """Train for the record, strategies in turn."""
        tasks = [
            Task(name, seed, budget, chosen[name, budget])
            for seed, budget, name in product(self.seeds, self.budgets, self.candidates)
        ]
        return list(self._train(tasks, part, progress))

    def record(
        self,
        part: Part,
        chosen: Mapping[tuple[str, float], float | None],
        progress: Callable[[], None],
    ) -> dict[str, Recording]:
        """Train the first seed at the largest budget again, and keep what happens inside."""
        budget = self.budgets[-1]
        tasks = {
            name: Task(name, self.seeds[0], budget, chosen[name, budget])
            for name in self.candidates
        }
        base = tasks.pop(YARDSTICK)
        first, yardstick = record_base(self.candidates[YARDSTICK], base, part)
        progress()
        recordings = {YARDSTICK: first}
        calls = (
            delayed(record)(self.candidates[name], task, part, yardstick)
            for name, task in tasks.items()
        )
        found = Parallel(self.n_jobs, return_as="generator")(calls)
        for name, recording in zip(tasks, found, strict=True):
            progress()
            if recording is not None:
                recordings[name] = recording
        return recordings

    def _train(
        self, tasks: Sequence[Task], part: Part, progress: Callable[[], None]
    ) -> Iterator[tuple[dict[str, Any], TestScores]]:
        calls = (delayed(train)(self.candidates[task.strategy], task, part) for task in tasks)
        for result in Parallel(self.n_jobs, return_as="generator")(calls):
            progress()
            yield result


class _Progress:
    """Counts trainings on a bar."""

    def __init__(self, bar: ProgressBar | None, total: int) -> None:
        self.bar, self.total, self.done = bar, total, 0

    def __call__(self) -> None:
        self.done += 1
        if self.bar is not None:
            self.bar.update_to(self.done / self.total, f"{self.done} of {self.total}")


def _split_estimator(estimator: Any) -> tuple[Pipeline | None, LossSampledEstimator]:
    """The steps before the estimator, if there are any, and the estimator."""
    before, last = None, estimator
    if isinstance(estimator, Pipeline):
        last = estimator.steps[-1][1]
        before = estimator[:-1] if len(estimator) > 1 else None
    if not isinstance(last, LossSampledEstimator):
        kind = type(last).__name__
        where = f"a Pipeline that ends in {kind}" if last is not estimator else kind
        raise TypeError(
            "The estimator must be a LossSampledClassifier, a LossSampledRegressor or a Pipeline "
            f"that ends in one. Got {where}."
        )
    return before, last


def _check_budgets(budget: Any) -> tuple[float, ...]:
    return _positive_numbers(budget, "budget")


def _check_rates(lr: Any) -> tuple[float, ...]:
    return () if lr is None else _positive_numbers(lr, "lr")


def _positive_numbers(values: Any, name: str) -> tuple[float, ...]:
    """One number or several, ascending."""
    listed = [values] if isinstance(values, Real | str) else list(values)
    if not listed:
        raise ValueError(f"The {name!r} parameter of {_NAME} must not be empty.")
    for value in listed:
        check_real_value(_NAME, name, value, 0, open_low=True)
    ascending = tuple(sorted(float(value) for value in listed))
    if len(set(ascending)) < len(ascending):
        raise ValueError(f"The {name!r} parameter of {_NAME} has a number twice: {values!r}.")
    return ascending


def _check_targets(
    last: LossSampledEstimator, X_train: Any, y_train: Any, X_test: Any, y_test: Any
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Targets as arrays, as many as the rows."""
    parts = []
    for X, y, of in ((X_train, y_train, "train"), (X_test, y_test, "test")):
        y = column_or_1d(y)
        try:
            check_consistent_length(X, y)
        except ValueError as error:
            raise ValueError(f"X_{of} and y_{of}: {error}") from error
        if len(y) == 0:
            raise ValueError(f"y_{of} is empty.")
        parts.append(y)
    y_train, y_test = parts
    if is_classifier(last):
        unknown = np.setdiff1d(y_test, y_train)
        if len(unknown):
            shown = ", ".join(repr(label) for label in unknown[:5].tolist())
            more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
            raise ValueError(
                f"y_test has labels that are not in y_train: {shown}{more}. No model can predict "
                "them: leave their rows out, or split with stratify=y."
            )
    return y_train, y_test


def _seeds(random_state: Any, n_seeds: int) -> tuple[int, ...]:
    check_random_state_value(_NAME, random_state)
    first = random_state
    if not isinstance(random_state, int | np.integer):
        first = check_random_state(random_state).randint(2**31 - n_seeds)
    return tuple(range(int(first), int(first) + n_seeds))


def _prepare(before: Pipeline | None, X_train: Any, y_train: Any, X: Any, y: Any) -> Part:
    """Fit the steps before the estimator on the rows to train on, and apply them to all."""
    if before is None:
        return Part(_as_matrix(X_train), y_train, _as_matrix(X), y)
    fitted = clone(before)
    transformed = _as_matrix(fitted.fit_transform(X_train, y_train))
    return Part(transformed, y_train, _as_matrix(fitted.transform(X)), y)


def _as_matrix(X: Any) -> Any:
    """CSR or an array, whose rows can be taken; raw text is left for the estimator to refuse."""
    if sp.issparse(X):
        return X.tocsr()
    array = np.asarray(X)
    return X if array.ndim < 2 else array


def _split(
    before: Pipeline | None,
    last: LossSampledEstimator,
    X: Any,
    y: NDArray[Any],
    validation_fraction: float,
    seed: int,
) -> tuple[int, Part]:
    """Seed and data of a split to choose rates by."""
    try:
        X_fit, X_val, y_fit, y_val = train_test_split(
            X,
            y,
            test_size=validation_fraction,
            stratify=y if is_classifier(last) else None,
            random_state=seed,
        )
    except ValueError as error:
        raise ValueError(
            "lr has several rates, but no validation split to choose them by could be made with "
            f"validation_fraction={validation_fraction}: {error}"
        ) from error
    return seed, _prepare(before, X_fit, y_fit, X_val, y_val)


def _check_base(runs: Sequence[Mapping[str, Any]]) -> None:
    for run in runs:
        if run["strategy"] == YARDSTICK and run["error"] is not None:
            raise NonFiniteLossError(
                f"'base' has nothing to be compared with: with seed {run['seed']} and budget "
                f"{run['budget']:g} it broke down. {run['error']}"
            )


def _changed(last: LossSampledEstimator, candidate: LossSampledEstimator) -> dict[str, str]:
    """Parameters of a strategy that are not those of the estimator, as text."""
    common = {name: repr(value) for name, value in last.get_params(deep=False).items()}
    own = {name: repr(value) for name, value in candidate.get_params(deep=False).items()}
    return {
        name: " ".join(text.split())
        for name, text in own.items()
        if text != common[name] or name == "sampling_strategy"
    }


def _by_class(
    results: Sequence[tuple[Mapping[str, Any], TestScores]], budget: float
) -> dict[str, NDArray[np.float64]]:
    """Precision, recall and F1 of each strategy, shape (n_seeds, 3, n_classes)."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    shape = next((s.per_class.shape for _, s in results if s.per_class is not None), None)
    for run, scores in results:
        if run["budget"] == budget and shape is not None:
            values = np.full(shape, np.nan) if scores.per_class is None else scores.per_class
            found.setdefault(run["strategy"], []).append(values)
    return {name: np.stack(values) for name, values in found.items()}


def _support(y_train: NDArray[Any], y_test: NDArray[Any]) -> NDArray[np.int64]:
    """Test rows of each label."""
    codes = np.searchsorted(np.unique(y_train), y_test)
    return np.bincount(codes, minlength=len(np.unique(y_train)))


def _recorded_rows(recordings: Mapping[str, Recording]) -> list[int]:
    """Training rows that tables show."""
    tables = [t for r in recordings.values() for t in (r.hardest, r.most_visited)]
    return sorted({int(row) for table in tables for row in table.rows})


def _row_errors(
    results: Sequence[tuple[Mapping[str, Any], TestScores]],
) -> dict[tuple[str, float], float]:
    """Standard error over test rows of each strategy's difference to base in accuracy."""
    sums: dict[tuple[str, float], NDArray[np.int32]] = {}
    counts: dict[tuple[str, float], int] = {}
    for run, scores in results:
        if scores.correct is not None:
            key = run["strategy"], run["budget"]
            sums[key] = sums.get(key, 0) + scores.correct.astype(np.int32)
            counts[key] = counts.get(key, 0) + 1
    return {
        (name, budget): standard_error_over_rows(
            total / counts[name, budget] - sums[YARDSTICK, budget] / counts[YARDSTICK, budget]
        )
        for (name, budget), total in sums.items()
    }


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:  # the package itself, run from its sources
            continue
    return found
