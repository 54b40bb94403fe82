"""From many comparisons, or figures of any origin, to one table of data sets and strategies."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._parameters import reject_value
from sklearn_sifal.comparison._rank_tests import without_rounding
from sklearn_sifal.comparison._scores import CLASSIFICATION, REGRESSION, Metric

_OWNER = "rank_strategies"
# Of all pairs there are half the square.
_MOST_STRATEGIES = 200
_MOST_NAMED = 8


class Compared(Protocol):
    """What is needed of a comparison: one that was just made, or one read from a file."""

    @property
    def runs(self) -> list[dict[str, Any]]: ...
    @property
    def strategies(self) -> tuple[str, ...]: ...
    @property
    def budgets(self) -> tuple[float, ...]: ...
    @property
    def metrics(self) -> tuple[Metric, ...]: ...
    @property
    def parameters(self) -> dict[str, dict[str, str]]: ...


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """One figure for each data set and strategy.

    Attributes
    ----------
    strategies : tuple of str
        Columns.
    data_sets : tuple of str
        Rows.
    scores : ndarray of shape (n_data_sets, n_strategies)
        Means over the trainings; NaN where one failed.
    metric : Metric
        What they are.
    budgets : tuple of float
        One a data set; empty for figures of unknown origin.
    notes : tuple of str
        What to keep in mind of how they came about.
    """

    strategies: tuple[str, ...]
    data_sets: tuple[str, ...]
    scores: NDArray[np.float64]
    metric: Metric
    budgets: tuple[float, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


# ------------------------------------------------------------------- from comparisons


def scores_of_comparisons(
    comparisons: Mapping[str, Compared],
    *,
    metric: str | None,
    budget: float | None,
    common_only: bool,
) -> ScoreTable:
    """The table of comparisons, each at one budget."""
    chosen = _common_metric(comparisons, metric)
    budgets = {name: _budget_of(of, budget, name) for name, of in comparisons.items()}
    _check_copies(comparisons)
    listed = {name: comparison.strategies for name, comparison in comparisons.items()}
    names, notes = _common_strategies(listed, common_only)
    rows = [_scores_of(of, budgets[name], chosen, name) for name, of in comparisons.items()]
    scores = np.array([[row[name] for name in names] for row in rows])
    notes += _note_on_budgets(budgets) + _note_on_parameters(comparisons, names)
    return ScoreTable(
        names, tuple(comparisons), scores, chosen, tuple(budgets.values()), tuple(notes)
    )


def _common_metric(comparisons: Mapping[str, Compared], name: str | None) -> Metric:
    main = {of.metrics[0].name: data_set for data_set, of in comparisons.items()}
    if name is None and len(main) > 1:
        raise ValueError(
            "The comparisons have different main figures: "
            + ", ".join(f"{figure!r} in {data_set}" for figure, data_set in main.items())
            + ". Choose one that all have by 'metric', or rank them separately."
        )
    wanted = next(iter(main)) if name is None else name
    found: dict[str, Metric] = {}
    for data_set, of in comparisons.items():
        named = {metric.name: metric for metric in of.metrics}
        if wanted not in named:
            raise ValueError(
                f"metric must be a figure of every comparison. Got {wanted!r}, which "
                f"{data_set} does not have; it has {', '.join(map(repr, named))}."
            )
        found[data_set] = named[wanted]
    if len({(metric.higher_is_better, metric.factor) for metric in found.values()}) > 1:
        raise ValueError(f"The comparisons do not agree on which way is up for {wanted!r}.")
    return next(iter(found.values()))


def _budget_of(comparison: Compared, budget: float | None, data_set: str) -> float:
    if budget is None:
        return comparison.budgets[-1]
    if budget not in comparison.budgets:
        known = ", ".join(f"{b:g}" for b in comparison.budgets)
        raise ValueError(
            f"budget must be one of every comparison. Got {budget!r}, which {data_set} does not "
            f"have; it has {known}."
        )
    return float(budget)


def _check_copies(comparisons: Mapping[str, Compared]) -> None:
    """Raise if two are one: seconds of two trainings hardly ever agree in their last digits."""
    seen: dict[str, str] = {}
    for data_set, comparison in comparisons.items():
        key = repr([sorted(run.items(), key=repr) for run in comparison.runs])
        if key in seen:
            raise ValueError(
                f"{data_set} and {seen[key]} have the same trainings, to the last digit: one is a "
                "copy of the other, and would count twice."
            )
        seen[key] = data_set


def _scores_of(
    comparison: Compared, budget: float, metric: Metric, data_set: str
) -> dict[str, float]:
    """Means over the trainings, in the unit of the figure; NaN if one of them failed."""
    values: dict[str, list[float]] = {name: [] for name in comparison.strategies}
    for run in comparison.runs:
        if run["budget"] == budget:
            failed = run.get("error") is not None or run[metric.name] is None
            values[run["strategy"]].append(np.nan if failed else float(run[metric.name]))
    counts = {name: len(of) for name, of in values.items()}
    if len(set(counts.values())) > 1 or not all(counts.values()):
        raise ValueError(
            f"{data_set} must have as many trainings of every strategy at budget {budget:g}. It "
            f"has {', '.join(f'{n} of {name!r}' for name, n in counts.items())}."
        )
    return {name: metric.factor * float(np.mean(of)) for name, of in values.items()}


def _note_on_budgets(budgets: Mapping[str, float]) -> list[str]:
    if len(set(budgets.values())) == 1:
        return []
    least, most = min(budgets.values()), max(budgets.values())
    return [f"The data sets had different budgets, from {least:g} to {most:g}."]


def _note_on_parameters(comparisons: Mapping[str, Compared], names: Sequence[str]) -> list[str]:
    differing = [
        name
        for name in names
        if len({repr(sorted(of.parameters.get(name, {}).items())) for of in comparisons.values()})
        > 1
    ]
    if not differing:
        return []
    return [f"Not the same parameters in all comparisons: {listed_names(differing)}."]


# ----------------------------------------------------------------------- from figures


def scores_of_figures(
    figures: Any, *, metric: str | None, higher_is_better: bool | None, common_only: bool
) -> ScoreTable:
    """The table of a data frame, or of a mapping of data sets to mappings of strategies."""
    records = _records_of(figures)
    known = {m.name: m.higher_is_better for m in (*CLASSIFICATION, *REGRESSION)}
    upwards = known.get(metric or "", True) if higher_is_better is None else higher_is_better
    label = metric or "figure"
    names, notes = _common_strategies(
        {data_set: tuple(record) for data_set, record in records.items()}, common_only
    )
    scores = np.array(
        [
            [_figure(record[name], data_set, name) for name in names]
            for data_set, record in records.items()
        ]
    )
    return ScoreTable(
        names,
        tuple(records),
        scores,
        Metric(label, label, 1.0, "", bool(upwards), 4),
        notes=tuple(notes),
    )


def _records_of(figures: Any) -> dict[str, dict[str, Any]]:
    if hasattr(figures, "columns") and hasattr(figures, "index"):
        for what, labels in (("index", figures.index), ("columns", figures.columns)):
            if not labels.is_unique:
                raise ValueError(f"The {what} of the data frame must be unique.")
        figures = figures.to_dict("index")
    found = {str(name): {str(k): v for k, v in row.items()} for name, row in figures.items()}
    if len(found) < len(figures) or any(
        len(row) < len(figures[name]) for name, row in zip(figures, found.values(), strict=True)
    ):
        raise ValueError("Names of data sets and strategies must differ as texts.")
    return found


def _figure(value: Any, data_set: str, strategy: str) -> float:
    try:
        number = np.nan if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Figures must be numbers. Got {value!r} of {strategy!r} on {data_set}."
        ) from error
    return number if np.isfinite(number) else np.nan


# --------------------------------------------------------------------- what all share


def score_table(
    given: Any,
    *,
    metric: str | None,
    budget: float | None,
    higher_is_better: bool | None,
    common_only: bool,
) -> ScoreTable:
    """The table of whatever `rank_strategies` was given, but for a folder."""
    is_frame = hasattr(given, "columns") and hasattr(given, "index")
    if not is_frame and not isinstance(given, Mapping):
        raise TypeError(
            f"{_OWNER} takes a folder, a data frame, or a mapping from names of data sets to "
            f"comparisons or to figures by strategy. Got {type(given).__name__}."
        )
    if len(given) == 0:
        raise ValueError(f"{_OWNER} needs at least one data set. Got none.")
    if is_frame or all(hasattr(of, "items") for of in given.values()):
        if budget is not None:
            reject_value(_OWNER, "budget", "None for figures", budget)
        table = scores_of_figures(
            given, metric=metric, higher_is_better=higher_is_better, common_only=common_only
        )
    else:
        _check_comparisons(given)
        if higher_is_better is not None:
            reject_value(
                _OWNER, "higher_is_better", "None for comparisons, which know", higher_is_better
            )
        table = scores_of_comparisons(
            {str(name): of for name, of in given.items()},
            metric=metric,
            budget=budget,
            common_only=common_only,
        )
    return _with_sound_scores(table)


def _check_comparisons(given: Mapping[Hashable, Any]) -> None:
    for name, of in given.items():
        if not all(hasattr(of, key) for key in ("runs", "strategies", "budgets", "metrics")):
            raise TypeError(
                f"{_OWNER} takes comparisons, or mappings from strategies to figures, and not "
                f"both. Got {type(of).__name__} for {name!r}."
            )


def _with_sound_scores(table: ScoreTable) -> ScoreTable:
    if not 2 <= len(table.strategies) <= _MOST_STRATEGIES:
        raise ValueError(
            f"{_OWNER} needs from 2 to {_MOST_STRATEGIES} strategies that all data sets have. Got "
            f"{len(table.strategies)}."
        )
    return ScoreTable(
        table.strategies,
        table.data_sets,
        without_rounding(table.scores),
        table.metric,
        table.budgets,
        table.notes,
    )


def _common_strategies(
    listed: Mapping[str, Sequence[str]], common_only: bool
) -> tuple[tuple[str, ...], list[str]]:
    """The strategies of all data sets, in the order of the first appearance."""
    every = list(dict.fromkeys(name for names in listed.values() for name in names))
    missing = {
        name: [data_set for data_set, names in listed.items() if name not in names]
        for name in every
    }
    partly = {name: lacking for name, lacking in missing.items() if lacking}
    if partly and not common_only:
        raise ValueError(
            "Every data set must have every strategy. Missing: "
            + "; ".join(
                f"{name!r} in {listed_names(lacking, quote=False)}"
                for name, lacking in list(partly.items())[:_MOST_NAMED]
            )
            + ". With common_only=True those that all have are ranked."
        )
    common = tuple(name for name in every if name not in partly)
    if not partly:
        return common, []
    return common, [f"Left out, since not all data sets have them: {listed_names(list(partly))}."]


def listed_names(names: Sequence[str], *, quote: bool = True) -> str:
    """The first few of many names."""
    shown = [repr(name) if quote else name for name in names[:_MOST_NAMED]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
