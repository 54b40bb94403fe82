"""The comparison: check what is given, train, and put together what was found."""

import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
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
from sklearn_sifal.comparison._fit_results import FitResults
from sklearn_sifal.comparison._inputs import (
    check_share,
    positive_numbers,
    read_inputs,
    seed_from,
    split_estimator,
)
from sklearn_sifal.comparison._kept_rows import contents_of, shown_rows
from sklearn_sifal.comparison._net_estimator import NetEstimator, rows_of_net
from sklearn_sifal.comparison._parts import Data, read_data
from sklearn_sifal.comparison._recordings import Recording
from sklearn_sifal.comparison._result import StrategyComparison
from sklearn_sifal.comparison._scores import TestScores, scoring_of
from sklearn_sifal.comparison._trainings import Run

_NAME = "compare_strategies"
# More splits than these tell little more of a learning rate, and cost as much as the rest.
_MOST_SPLITS = 3
# Trainings on one test part: by `benchmarks.verdicts`, enough for effects worth knowing of.
_N_SEEDS = 5
_LIBRARIES = ("sklearn_sifal", "scikit-learn", "torch", "numpy", "scipy", "skorch")


def compare_strategies(
    estimator: BaseEstimator,
    strategies: Any,
    X_train: Any,
    y_train: Any,
    X_test: Any = None,
    y_test: Any = None,
    *,
    cv: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    budget: float | Sequence[float] = 4,
    n_seeds: int | None = None,
    lr: float | Sequence[float] | None = None,
    validation_fraction: float = 0.2,
    n_jobs: int | None = None,
    random_state: Any = 0,
    verbose: int = 0,
) -> StrategyComparison:
    """Train with several strategies at equal budgets, and compare what comes of it.

    Every strategy starts from the same initial weights and spends the same number of row
    visits, once for each seed or split. 'base', which trains on everything, and 'random',
    which chooses without looking, are always among them. The steps before the estimator are
    fitted once for each training part.

    Parameters
    ----------
    estimator : estimator
        A `LossSampledClassifier`, a `LossSampledRegressor`, a `LossSampledNet` with any module,
        or a Pipeline that ends in one. It is cloned. Its other parameters hold for all
        strategies, also its `sampling_percentage` for those given by name that have one.
    strategies : sequence or mapping
        Names from :data:`sklearn_sifal.strategies.STRATEGIES` or `SamplingStrategy`
        instances; or a mapping from names of your own to these, to callables, or to dicts of
        estimator parameters, such as ``{"p30": {"sampling_strategy": "percentile",
        "sampling_percentage": 30}}``.
    X_train : array-like of shape (n_train, ...)
        Inputs of the training part, as the estimator takes them; all rows if there is no
        test part.
    y_train : array-like of shape (n_train,)
        Labels or targets of these rows.
    X_test : array-like of shape (n_test, ...), default=None
        Inputs of the test part. None to make test parts of the rows given: new splits say
        more than new seeds, since what holds for one split often fails on the next.
    y_test : array-like of shape (n_test,), default=None
        Labels or targets of the test part; no labels that are not in `y_train`.
    cv : int, splitter or iterable of (train, test), default=None
        The splits, where there is no test part: a number of folds, which are drawn by label,
        with equal rows (or `groups`) on one side; a splitter of scikit-learn; or row numbers.
        None for 5 folds. A label with a single distinct row is trained on and not tested.
    groups : array-like of shape (n_train,), default=None
        Rows of a group, such as a user's, are on one side of every split and count as one
        in the intervals. With a test part, only splits that choose learning rates know them.
    sample_weight : array-like of shape (n_train,), default=None
        Weights of the rows in training. Test figures are means over the rows as they are.
    budget : float or sequence of float, default=4
        Row visits of one training, in units of the training rows. Each of several budgets
        has trainings of its own, with learning rates that fall over just that budget; the
        largest is the one of tables and verdict.
    n_seeds : int, default=None
        Trainings for each strategy, budget and split; None for 5 with a test part, and for 1
        with splits, which are several already. A seed fixes initial weights, order, selection
        and dropout; differences are paired by seed. No two splits have a seed in common.
    lr : float or sequence of float, default=None
        Learning rate. None is the estimator's own and a number is one rate for all: what then
        looks like a better strategy is often one that takes larger steps. With a sequence
        each strategy gets its own best rate at each budget: highest mean accuracy (R² for a
        regressor; ties by the lower loss, then by the lower rate) over validation splits
        inside the training part, anew for each split. A strategy given as a dict with `lr`
        keeps that.
    validation_fraction : float, default=0.2
        Share of the training rows, stratified by label, held out to choose rates by. With a
        test part there are as many validation splits as seeds, at most 3; with several splits
        there is one in each. Only used with several rates.
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

    Of a `LossSampledNet` the criterion decides on the figures. Class codes give those of
    labels, also 0 and 1 for one output under BCEWithLogitsLoss or BCELoss; the losses of
    regression give those of numbers; with a criterion of your own, whole numbers are taken to
    be codes, and of anything else only the mean loss is compared. 'nll' is the mean loss by the
    criterion. Each training begins as after ``torch.manual_seed`` of its seed, while torch's
    random state stays what it was; a module that was made already is copied.

    Differences are judged by :func:`paired_difference`, over trainings and test rows together.
    With one test part, seeds say nothing of other training rows, and no interval of learning
    rates that might have been chosen; with splits, both are in the intervals.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_sifal import LossSampledClassifier
    >>> from sklearn_sifal.comparison import compare_strategies
    >>> X, y = load_digits(return_X_y=True)
    >>> comparison = compare_strategies(LossSampledClassifier(), ["percentile"], X / 16, y)
    >>> [record["strategy"] for record in comparison.summary()]
    ['base', 'random', 'percentile']
    """
    X_train = read_inputs(X_train, "X_train")
    X_test = None if X_test is None else read_inputs(X_test, "X_test")
    before, last = split_estimator(estimator, y_train)
    if before is None and isinstance(last, NetEstimator):
        X_train, X_test = rows_of_net(X_train, "X_train"), rows_of_net(X_test, "X_test")
    scoring = scoring_of(last)
    budgets = positive_numbers(budget, "budget")
    if n_seeds is not None:
        check_integer_value(_NAME, "n_seeds", n_seeds, 1)
    rates = () if lr is None else positive_numbers(lr, "lr")
    check_share(validation_fraction)
    candidates = resolve_candidates(last, strategies)
    first_seed = seed_from(random_state)
    data = read_data(
        before,
        (X_train, y_train, X_test, y_test),
        cv=cv,
        groups=groups,
        sample_weight=sample_weight,
        has_labels=scoring.has_labels,
        seed=first_seed,
    )
    seeds = _seeds(first_seed, data, n_seeds)
    own = names_with_own_rate(strategies)
    plan = ComparisonPlan(
        candidates, budgets, seeds, rates, own, n_jobs, scoring.metrics, validation_fraction
    )
    n_inner = 0 if len(rates) < 2 else 1 if data.n_splits > 1 else min(len(seeds[0]), _MOST_SPLITS)
    found, shape = _trained(plan, data, n_inner, verbose)
    labels, support, trivial = _on_labels(data)
    return StrategyComparison(
        **found,
        strategies=tuple(candidates),
        budgets=budgets,
        seeds=tuple(seed for of_split in seeds for seed in of_split),
        metrics=scoring.metrics,
        parameters={name: _changed(last, candidate) for name, candidate in candidates.items()},
        labels=labels,
        settings=_settings(estimator, last, plan, data)
        | {"trivial_accuracy": trivial, "validation_fraction": validation_fraction}
        | {"n_validation_splits": n_inner}
        | shape,
        _support=support,
        _contents=contents_of(X_train, shown_rows(found["_recordings"])),
    )


def _seeds(first: int, data: Data, n_seeds: int | None) -> tuple[tuple[int, ...], ...]:
    """Seeds of each split, none of them twice."""
    n = n_seeds or (_N_SEEDS if data.n_splits == 1 else 1)
    begins = (first + n * split for split in range(data.n_splits))
    return tuple(tuple(range(begin, begin + n)) for begin in begins)


def _trained(
    plan: ComparisonPlan, data: Data, n_inner: int, verbose: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of the comparison that come of its trainings, and the form of the inputs."""
    results: list[tuple[Run, TestScores]] = []
    searched: list[Run] = []
    recordings: dict[str, Recording] = {}
    shape: dict[str, Any] = {}
    fits = FitResults(groups=None if data.test is not None else data.groups)
    with ProgressBar("trainings") if verbose else nullcontext() as bar:
        progress = Progress(bar, plan.n_trainings(n_inner * data.n_splits))
        for split, seeds in enumerate(plan.seeds):
            inner = data.validation_parts(split, plan.validation_share, seeds[:n_inner])
            search = [run for seed, of in inner for run in plan.search(seed, split, of, progress)]
            part, fits.rows[split] = data.part(split), data.test_rows(split)
            tasks = plan.tasks(split, search)
            for run, scores in plan.train(tasks, part, progress):
                _check_base(run)
                fits.add(run, scores.rows)
                results.append((run, scores))
            searched += search
            if split == 0:
                shape = {
                    "n_features": int(np.prod(part.X.shape[1:])),
                    "sparse": sp.issparse(part.X),
                }
                recordings = plan.look_inside(tasks, part, progress)
    found = {
        "runs": [run for run, _ in results],
        "rounds": [round_ for recording in recordings.values() for round_ in recording.rounds],
        "rate_search": searched,
        "_per_class": _by_class(results, plan.budgets[-1]),
        "_results": fits,
        "_recordings": _with_rows(recordings, data.train_rows(0)),
    }
    return found, shape


def _with_rows(
    recordings: Mapping[str, Recording], rows: NDArray[np.int64]
) -> dict[str, Recording]:
    """With the numbers that the hardest rows have among all rows given."""
    return {
        name: replace(of, hardest=replace(of.hardest, rows=rows[of.hardest.rows]))
        for name, of in recordings.items()
    }


def _on_labels(
    data: Data,
) -> tuple[NDArray[Any] | None, NDArray[np.int64] | None, float | None]:
    """The labels, their test rows, and the accuracy of always answering the most frequent one."""
    if data.labels is None:
        return None, None, None
    labels, n_trained = np.unique(data.y, return_counts=True)
    y_test = data.y[data.tested_rows] if data.test is None else data.test[1]
    support = np.bincount(np.searchsorted(labels, y_test), minlength=len(labels))
    return labels, support, float(support[n_trained.argmax()] / len(y_test))


def _settings(
    estimator: BaseEstimator, last: LossSampledEstimator, plan: ComparisonPlan, data: Data
) -> dict[str, Any]:
    """How it was done."""
    rates = plan.rates
    return {
        "estimator": " ".join(repr(estimator).split()),
        "n_rows": len(data.y),
        "n_train": len(data.train_rows(0)),
        "n_test": len(data.tested_rows),
        "n_splits": data.n_splits,
        "has_test_part": data.test is not None,
        "is_net": isinstance(last, NetEstimator),
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
        if text != common.get(name) or name == "sampling_strategy"
    }


def _by_class(
    results: Sequence[tuple[Run, TestScores]], budget: float
) -> dict[str, NDArray[np.float64]]:
    """Precision, recall and F1 of each strategy, shape (n_fits, 3, n_classes)."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    shape = next((of.per_class.shape for _, of in results if of.per_class is not None), None)
    for run, scores in results:
        if run["budget"] == budget and shape is not None:
            values = np.full(shape, np.nan) if scores.per_class is None else scores.per_class
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
