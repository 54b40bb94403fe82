"""The comparison: check what is given, train, and put together what was found."""

import os
import platform
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import scipy.sparse as sp
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_sifal._estimator import LossSampledEstimator
from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal._parameters import check_integer_value
from sklearn_sifal._progress import ProgressBar
from sklearn_sifal.comparison._candidates import (
    YARDSTICK,
    names_with_own_rate,
    resolve_candidates,
)
from sklearn_sifal.comparison._comparison_plan import ComparisonPlan, Progress
from sklearn_sifal.comparison._inputs import (
    check_share,
    check_targets,
    positive_numbers,
    prepare_part,
    seeds_from,
    split_estimator,
    validation_part,
)
from sklearn_sifal.comparison._kept_rows import contents_of, shown_rows
from sklearn_sifal.comparison._result import StrategyComparison
from sklearn_sifal.comparison._row_errors import RowSums
from sklearn_sifal.comparison._scores import scoring_of
from sklearn_sifal.comparison._trainings import Part, Run

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
        Above 0, shows progress on standard error: a bar in a terminal or notebook,
        else a line for each tenth of the work.

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
    rows, and with the rates that were chosen; see :meth:`StrategyComparison.summary` for what
    other test rows might.

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
    before, last = split_estimator(estimator)
    scoring = scoring_of(last)
    budgets = positive_numbers(budget, "budget")
    check_integer_value(_NAME, "n_seeds", n_seeds, 1)
    rates = () if lr is None else positive_numbers(lr, "lr")
    check_share(validation_fraction)
    candidates = resolve_candidates(last, strategies)
    labelled = scoring.has_labels
    y_train, y_test = check_targets(X_train, y_train, X_test, y_test, has_labels=labelled)
    seeds = seeds_from(random_state, n_seeds)
    part = prepare_part(before, X_train, y_train, X_test, y_test)
    own = names_with_own_rate(strategies)
    plan = ComparisonPlan(candidates, budgets, seeds, rates, own, n_jobs, scoring.metrics)
    n_splits = min(n_seeds, _MOST_SPLITS) if len(rates) > 1 else 0
    splits = [
        partial(validation_part, before, X_train, y_train, validation_fraction, seed, labelled)
        for seed in seeds[:n_splits]
    ]
    found = _trained(plan, part, splits, verbose)
    labels, support, trivial = _on_labels(part) if labelled else (None, None, None)
    return StrategyComparison(
        **found,
        strategies=tuple(candidates),
        budgets=budgets,
        seeds=seeds,
        metrics=scoring.metrics,
        parameters={name: _changed(last, candidate) for name, candidate in candidates.items()},
        labels=labels,
        settings=_settings(estimator, last, plan, part)
        | {"trivial_accuracy": trivial, "validation_fraction": validation_fraction}
        | {"n_splits": n_splits},
        _support=support,
        _contents=contents_of(X_train, shown_rows(found["_recordings"])),
    )


def _trained(
    plan: ComparisonPlan,
    part: Part,
    splits: Sequence[Callable[[], tuple[int, Part]]],
    verbose: int,
) -> dict[str, Any]:
    """Fields of the comparison that come of its trainings."""
    results, row_sums = [], RowSums()
    with ProgressBar("trainings") if verbose else nullcontext() as bar:
        progress = Progress(bar, plan.n_trainings(len(splits)))
        search = [run for split in splits for run in plan.search(split(), progress)]
        tasks = plan.tasks(search)
        for run, scores in plan.train(tasks, part, progress):
            _check_base(run)
            row_sums.add(run, scores)
            results.append((run, scores.per_class))
        recordings = plan.look_inside(tasks, part, progress)
    return {
        "runs": [run for run, _ in results],
        "rounds": [round_ for recording in recordings.values() for round_ in recording.rounds],
        "rate_search": search,
        "_per_class": _by_class(results, plan.budgets[-1]),
        "_row_errors": row_sums.errors(),
        "_recordings": recordings,
    }


def _on_labels(part: Part) -> tuple[NDArray[Any], NDArray[np.int64], float]:
    """The labels, their test rows, and the accuracy of always answering the most frequent one."""
    labels, n_trained = np.unique(part.y, return_counts=True)
    support = np.bincount(np.searchsorted(labels, part.y_scored), minlength=len(labels))
    return labels, support, float(support[n_trained.argmax()] / len(part.y_scored))


def _settings(
    estimator: BaseEstimator, last: LossSampledEstimator, plan: ComparisonPlan, part: Part
) -> dict[str, Any]:
    """How it was done."""
    rates = plan.rates
    return {
        "estimator": " ".join(repr(estimator).split()),
        "n_train": len(part.y),
        "n_test": len(part.y_scored),
        "n_features": int(part.X.shape[1]),
        "sparse": sp.issparse(part.X),
        "lr": rates if len(rates) > 1 else (rates[0] if rates else None),
        "estimator_lr": last.lr,
        "own_rates": sorted(plan.fixed),
        "n_jobs": effective_n_jobs(plan.n_jobs),
        "n_processors": os.cpu_count() or 1,
        "versions": _versions(),
    }


def _check_base(run: Run) -> None:
    """Raise at once if there is nothing to compare with."""
    if run["strategy"] == YARDSTICK and run["error"] is not None:
        raise NonFiniteLossError(
            f"There is nothing to compare with: 'base', with seed {run['seed']} and budget "
            f"{run['budget']:g}, broke down. {run['error']}"
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
    results: Sequence[tuple[Run, NDArray[np.float64] | None]], budget: float
) -> dict[str, NDArray[np.float64]]:
    """Precision, recall and F1 of each strategy, shape (n_seeds, 3, n_classes)."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    shape = next((of.shape for _, of in results if of is not None), None)
    for run, per_class in results:
        if run["budget"] == budget and shape is not None:
            values = np.full(shape, np.nan) if per_class is None else per_class
            found.setdefault(run["strategy"], []).append(values)
    return {name: np.stack(values) for name, values in found.items()}


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:  # the package itself, run from its sources
            continue
    return found
