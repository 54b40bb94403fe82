"""One record a strategy: means, paired differences, costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.comparison._candidates import CONTROL, YARDSTICK
from sklearn_sifal.comparison._scores import Metric
from sklearn_sifal.comparison._statistics import holm_adjusted, paired_difference

_COSTS = ("visits", "scored", "steps", "rounds")
_LEVEL = 0.05


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
    """

    def __init__(
        self, runs: Sequence[Mapping[str, Any]], strategies: Sequence[str], budget: float
    ) -> None:
        self.strategies, self.budget = tuple(strategies), budget
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


def summarise(
    runs: Runs,
    metrics: Sequence[Metric],
    metric: Metric,
    *,
    resolution: float,
    row_errors: Mapping[str, float],
    edges: Mapping[str, str],
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
    resolution : float
        Its least step, in its unit.
    row_errors : mapping of str to float
        Standard error over test rows by strategy, in its unit; may lack strategies.
    edges : mapping of str to str
        Strategies whose best rate is an end of the grid, with 'lowest' or 'highest'.
    """
    records = []
    for name in runs.strategies:
        of = runs.of(name)
        record: dict[str, Any] = {
            "strategy": name,
            "budget": runs.budget,
            "n_seeds": len(of),
            "n_failed": sum(run["error"] is not None for run in of),
            "lr": of[0]["lr"],
            "lr_at_edge": edges.get(name),
        }
        record["_same"] = all(
            np.array_equal(runs.values(name, m.name), runs.values(YARDSTICK, m.name))
            for m in metrics
        )
        record |= {m.name: float(runs.values(name, m.name).mean()) for m in metrics}
        record |= {f"{metric.name}_std": _spread(runs.values(name, metric.name))}
        record |= _differences(runs, name, metric, resolution)
        record["row_error"] = row_errors.get(name, float("nan"))
        record |= {cost: float(runs.values(name, cost).mean()) for cost in _COSTS}
        record |= _seconds(runs, name)
        records.append(record)
    _adjust(records)
    for record in records:
        record["against_base"] = _outcome(record, metric, same=record.pop("_same"))
    return records


def _spread(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _differences(runs: Runs, name: str, metric: Metric, resolution: float) -> dict[str, float]:
    """Paired differences to base and to random."""
    record: dict[str, float] = {}
    values = metric.factor * runs.values(name, metric.name)
    for reference, key in ((YARDSTICK, "difference"), (CONTROL, "difference_to_random")):
        theirs = metric.factor * runs.values(reference, metric.name)
        difference = paired_difference(values, theirs, resolution=resolution)
        record |= difference.named(key) | {f"{key}_p_value": difference.p_value}
    return record


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


def _outcome(record: Mapping[str, Any], metric: Metric, *, same: bool) -> str:
    """What the adjusted p-value says."""
    difference = record["difference"]
    if record["strategy"] == YARDSTICK:
        return "the yardstick"
    if record["n_failed"]:
        return "failed"
    if np.isnan(record["difference_p_value"]):
        return "unknown"
    if same:
        return "identical"
    if record["difference_p_adjusted"] >= _LEVEL:
        return "not told apart"
    return "better" if (difference > 0) == metric.higher_is_better else "worse"
