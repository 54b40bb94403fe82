"""One record a strategy: means, paired differences, costs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.comparison._candidates import CONTROL, YARDSTICK
from sklearn_sifal.comparison._fit_results import FitResults
from sklearn_sifal.comparison._scores import Metric
from sklearn_sifal.comparison._statistics import (
    LEVEL,
    PairedDifference,
    holm_adjusted,
    paired_difference,
)

_COSTS = ("visits", "scored", "steps", "rounds")
# A collapse is out of all proportion to what test rows and other trainings do, and counts: of a
# normal distribution one training in millions is so far out, and base's error grows by a quarter.
_FAR_OUT = 5.0
_SHARE_OF_ERROR = 0.25
_FEWEST_FITS = 3  # of which one can be told to be unlike the others


class Runs:
    """The trainings at one budget, by strategy and in the order of the seeds.

    Parameters
    ----------
    runs : sequence of dict
        All trainings.
    strategies : sequence of str
        Names, base first.
    budget : float
        Which of them.
    results : FitResults, default=None
        Their results by test row. None for figures alone: differences are then judged over
        the trainings only.
    """

    def __init__(
        self,
        runs: Sequence[Mapping[str, Any]],
        strategies: Sequence[str],
        budget: float,
        results: FitResults | None = None,
    ) -> None:
        self.strategies, self.budget = tuple(strategies), budget
        self._results = FitResults() if results is None else results
        self._of: dict[str, list[Mapping[str, Any]]] = {name: [] for name in strategies}
        for run in runs:
            if run["budget"] == budget:
                self._of[run["strategy"]].append(run)

    def of(self, strategy: str) -> list[Mapping[str, Any]]:
        """Records of a strategy's trainings."""
        return self._of[strategy]

    def values(self, strategy: str, key: str) -> NDArray[np.float64]:
        """One value a seed."""
        return np.array([run[key] for run in self._of[strategy]], np.float64)

    def difference(self, name: str, reference: str, metric: Metric) -> PairedDifference:
        """Of a figure, in the unit of its differences."""
        keys = (name, self.budget), (reference, self.budget)
        if self._results.knows(*keys):
            return self._results.difference(metric.name, *keys)._times(metric.factor)
        values = (self.values(who, metric.name) for who in (name, reference))
        return paired_difference(*values)._times(metric.factor)


def summarise(
    runs: Runs, metrics: Sequence[Metric], metric: Metric, *, edges: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Summarise the trainings at one budget.

    Parameters
    ----------
    runs : Runs
        The trainings.
    metrics : sequence of Metric
        Whose means are given.
    metric : Metric
        Whose differences are given, in its unit.
    edges : mapping of str to str
        Strategies whose best rate is an end of the grid, with 'lowest' or 'highest'.
    """
    control = runs.difference(CONTROL, YARDSTICK, metric) if CONTROL in runs.strategies else None
    records = []
    for name in runs.strategies:
        of = runs.of(name)
        to_base = runs.difference(name, YARDSTICK, metric)
        record: dict[str, Any] = {
            "strategy": name,
            "budget": runs.budget,
            "n_seeds": len(of),
            "n_failed": sum(run["error"] is not None for run in of),
            "lr": most_frequent([run["lr"] for run in of]),
            "lr_at_edge": edges.get(name),
        }
        record |= {m.name: float(runs.values(name, m.name).mean()) for m in metrics}
        record |= {f"{metric.name}_std": _spread(runs.values(name, metric.name))}
        record |= to_base._named("difference") | {"difference_p_value": to_base.p_value}
        record |= {"row_error": to_base.row_error, "fit_error": to_base.fit_error}
        record |= _to_random(runs, name, metric)
        record |= _worst(runs, name, metric, to_base)
        record |= {cost: float(runs.values(name, cost).mean()) for cost in _COSTS}
        record |= _seconds(runs, name)
        record["_same"] = _is_identical(runs, name, metrics)
        record["_unstable"] = _is_unstable(runs, name, metric, to_base, control)
        records.append(record)
    _adjust(records)
    for record in records:
        same, unstable = record.pop("_same"), record.pop("_unstable")
        record["against_base"] = _outcome(record, metric, same=same, unstable=unstable)
    return records


def most_frequent(rates: Sequence[float | None]) -> float | None:
    """Rate of most trainings; splits choose theirs anew."""
    return Counter(rates).most_common(1)[0][0]


def _is_identical(runs: Runs, name: str, metrics: Sequence[Metric]) -> bool:
    return all(
        np.array_equal(runs.values(name, m.name), runs.values(YARDSTICK, m.name)) for m in metrics
    )


def _to_random(runs: Runs, name: str, metric: Metric) -> dict[str, float]:
    key = "difference_to_random"
    difference = runs.difference(name, CONTROL, metric)
    return difference._named(key) | {f"{key}_p_value": difference.p_value}


def _worst(runs: Runs, name: str, metric: Metric, to_base: PairedDifference) -> dict[str, Any]:
    """The training that was worst in comparison with base."""
    if np.isnan(to_base.by_fit).all():
        return {"worst_seed": None, "worst": float("nan"), "worst_difference": float("nan")}
    worst = int(np.nanargmin(metric.sign * to_base.by_fit))
    run = runs.of(name)[worst]
    return {
        "worst_seed": run["seed"],
        "worst": run[metric.name],
        "worst_difference": float(to_base.by_fit[worst]),
    }


def _is_unstable(
    runs: Runs,
    name: str,
    metric: Metric,
    to_base: PairedDifference,
    control: PairedDifference | None,
) -> bool:
    """Whether a training collapsed, or several did: the mean is not what one gets."""
    by_fit = to_base.by_fit
    if len(by_fit) < _FEWEST_FITS or not np.isfinite(by_fit).all():
        return False
    gains = metric.sign * by_fit
    # From the better ones, not from the median: it may be most that collapse.
    drop = float(np.quantile(gains, 0.75) - gains.min())
    # What the test rows of a single training do, and what the control does from one to the next.
    by_rows = np.nan_to_num(to_base.row_error) * np.sqrt(len(by_fit))
    by_control = 0.0
    if control is not None and name != CONTROL and np.isfinite(control.by_fit).all():
        by_control = float(control.by_fit.std(ddof=1))
    base = float(runs.values(YARDSTICK, metric.name).mean())
    error = metric.factor * metric.error(base)
    return bool(drop > max(_FAR_OUT * max(by_rows, by_control), _SHARE_OF_ERROR * error))


def _spread(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _seconds(runs: Runs, name: str) -> dict[str, float]:
    seconds = runs.values(name, "seconds")
    ratios = seconds / runs.values(YARDSTICK, "seconds")
    record = {
        "seconds": float(np.median(seconds)),
        # The median of the pairs: one slow minute of the machine does not move it.
        "seconds_ratio": float(np.median(ratios)),
        "seconds_ratio_low": float(ratios.min()),
        "seconds_ratio_high": float(ratios.max()),
    }
    for part in ("seconds_select", "seconds_score", "seconds_train"):
        record[part] = float(np.median(runs.values(name, part)))
    return record


def _adjust(records: list[dict[str, Any]]) -> None:
    """Adjust the p-values of those strategies that may claim something."""
    claims = [r for r in records if r["strategy"] not in (YARDSTICK, CONTROL)]
    adjusted = holm_adjusted([r["difference_p_value"] for r in claims])
    for record in records:
        record["difference_p_adjusted"] = record["difference_p_value"]
    for record, p_value in zip(claims, adjusted, strict=True):
        record["difference_p_adjusted"] = float(p_value)


def _outcome(record: Mapping[str, Any], metric: Metric, *, same: bool, unstable: bool) -> str:
    """What the adjusted p-value says, and whether the mean may be believed."""
    difference = record["difference"]
    if record["strategy"] == YARDSTICK:
        return "the yardstick"
    if record["n_failed"]:
        return "failed"
    if record["n_seeds"] < 2:
        return "unknown"
    if same:
        return "identical"
    # Where the figures of all trainings differ by the same, nothing is known of others.
    told = bool(record["difference_p_adjusted"] < LEVEL)
    is_gain = (difference > 0) == metric.higher_is_better
    if told and not is_gain:
        return "worse"
    if unstable:
        return "unstable"
    return "better" if told else "not told apart"
