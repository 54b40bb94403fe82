"""What selection saves: the cost at which a strategy does what base does with a full budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

#: What is paid for a training: rows trained on and rows passed forward in all, both in units
#: of the training rows, and the seconds of the fit.
COSTS = ("visits", "forward", "seconds")
# How far below base's figure counts as there, as a share of base's error: a saving is no bargain
# if it is paid for with more than that.
_SHARE_OF_ERROR = 0.1
# A saving that is worth the name, as a share of the cost; batches are not cut to the row.
_LEAST_SAVING = 0.05
_AS_MUCH = 0.01

_Array = NDArray[np.float64]
_Point = tuple[str, float]


@dataclass(frozen=True)
class _Curve:
    """Trainings of one strategy at its budgets, ascending; those with failures are left out."""

    budgets: tuple[float, ...]
    figures: _Array
    costs: Mapping[str, _Array]

    def mean_cost(self, cost: str) -> _Array:
        """One a budget. Of seconds the median, which one slow minute does not move."""
        middle = np.median if cost == "seconds" else np.mean
        return np.asarray(middle(self.costs[cost], axis=1), np.float64)


def cost_to_reach(gaps: _Array, costs: _Array, tolerance: float) -> float:
    """Least cost at which a curve comes up to nought, by straight lines between its points.

    Parameters
    ----------
    gaps : ndarray of shape (n_points,)
        How far each point is above what is to be reached, negative below.
    costs : ndarray of shape (n_points,)
        What each point costs.
    tolerance : float
        How far below counts as reached, at a point that was measured.

    Returns
    -------
    cost : float
        NaN if no point is there; the first point's own cost if that is there already.
    """
    there = np.flatnonzero(gaps >= -tolerance - 1e-12)
    if not len(there):
        return float("nan")
    after = int(there[0])
    if after == 0:
        return float(costs[0])
    below, above = gaps[after - 1], gaps[after]
    share = min(1.0, -below / (above - below))
    return float(costs[after - 1] + share * (costs[after] - costs[after - 1]))


def time_to_base(
    runs: Sequence[Mapping[str, Any]],
    metric: Metric,
    *,
    n_train: int,
    n_test: int,
    results: FitResults | None = None,
) -> list[dict[str, Any]]:
    """With what cost each strategy reaches base's figure at base's largest budget.

    Parameters
    ----------
    runs : sequence of dict
        One a training, for each strategy and budget in the same order of seeds: 'strategy',
        'budget', the figure under its name, 'visits', 'scored', 'seconds' and, where one broke
        down, 'error'.
    metric : Metric
        The figure.
    n_train, n_test : int
        Training and test rows.
    results : FitResults, default=None
        Results by test row. None for figures alone: differences are then judged over the
        trainings only.

    Returns
    -------
    records : list of dict
        One a strategy, as in :meth:`StrategyComparison.time_to_base`.
    """
    names = list(dict.fromkeys(run["strategy"] for run in runs))
    law = _Law(runs, names, metric, n_train, n_test, FitResults() if results is None else results)
    claims = _claims(law)
    return [_record(law, name, claims.get(name, {})) for name in names]


class _Law:
    """Curves of all strategies, and the differences between points of them."""

    def __init__(
        self,
        runs: Sequence[Mapping[str, Any]],
        names: Sequence[str],
        metric: Metric,
        n_train: int,
        n_test: int,
        results: FitResults,
    ) -> None:
        self.metric, self._results = metric, results
        self.curves = {name: _curve(runs, name, metric, n_train) for name in names}
        self.base = self.curves[YARDSTICK]
        self.full = YARDSTICK, self.base.budgets[-1]
        self.target = float(self.base.figures[-1].mean())
        self.sign = metric.sign
        # Of shares, one test row.
        self.row = 1 / n_test if metric.factor == 100 else 0.0
        self.margin = max(_SHARE_OF_ERROR * metric.error(self.target), self.row)
        self.of_base = {cost: self.reach(YARDSTICK, cost) for cost in COSTS}

    def gaps(self, name: str) -> _Array:
        """By budget and training, how much better than base with its largest budget."""
        gaps: _Array = self.sign * (self.curves[name].figures - self.base.figures[-1])
        return gaps

    def reach(self, name: str, cost: str) -> float:
        """The cost at which the mean over the trainings is there."""
        of = self.curves[name].mean_cost(cost)
        return cost_to_reach(self.gaps(name).mean(axis=1), of, self.row)

    def safe_costs(self, name: str, cost: str) -> _Array:
        """One a budget, by the training that did worst in comparison with base's.

        A machine that happens to be quick during a few trainings is no saving.
        """
        ratios = self.curves[name].costs[cost] / self.base.costs[cost][-1]
        found: _Array = ratios.max(axis=1) * self.base.mean_cost(cost)[-1]
        return found

    def difference(self, ours: _Point, theirs: Mapping[_Point, float]) -> PairedDifference:
        """Of a point to a weighted mean of others, in the figure's own unit."""
        if self._results.knows(ours, *theirs):
            name = self.metric.name
            if len(theirs) == 1:
                found = self._results.difference(name, ours, next(iter(theirs)))
            else:
                found = self._results.difference_to_mean(name, ours, theirs)
        else:
            means = sum(weight * self._figures(key) for key, weight in theirs.items())
            found = paired_difference(self._figures(ours), means)
        return found

    def _figures(self, point: _Point) -> _Array:
        name, budget = point
        curve = self.curves[name]
        found: _Array = curve.figures[curve.budgets.index(budget)]
        return found

    def rivals(self, at: float, cost: str) -> list[dict[_Point, float]]:
        """What base does for a cost: with each of its budgets up to there, and just there.

        Just there it is read between two budgets, by a straight line over the logarithm of the
        cost. Curves flatten, so that one over the cost itself would be further below base's.
        """
        costs = self.base.mean_cost(cost)
        order = np.argsort(costs, kind="stable")
        points = [(YARDSTICK, self.base.budgets[i]) for i in order]
        costs = costs[order]
        below = np.flatnonzero(costs <= (1 + _AS_MUCH) * at)
        found = [{points[i]: 1.0} for i in below]
        above = len(below)
        if above == len(costs) or (above and costs[above - 1] >= (1 - _AS_MUCH) * at):
            return found
        if not above:
            return [{points[0]: 1.0}]
        share = float(np.log(at / costs[above - 1]) / np.log(costs[above] / costs[above - 1]))
        return [*found, {points[above - 1]: 1 - share, points[above]: share}]


def _curve(runs: Sequence[Mapping[str, Any]], name: str, metric: Metric, n_train: int) -> _Curve:
    by_budget: dict[float, list[Mapping[str, Any]]] = {}
    for run in runs:
        if run["strategy"] == name:
            by_budget.setdefault(run["budget"], []).append(run)
    whole = [
        (budget, of)
        for budget, of in sorted(by_budget.items(), key=lambda item: item[0])
        if all(run.get("error") is None for run in of)
    ]

    n_fits = len(next(iter(by_budget.values())))

    def values(*keys: str) -> _Array:
        found = [[sum(run[key] for key in keys) for run in of] for _, of in whole]
        return np.array(found, np.float64).reshape(len(whole), n_fits)

    costs = {
        "visits": values("visits") / n_train,
        "forward": values("visits", "scored") / n_train,
        "seconds": values("seconds"),
    }
    return _Curve(tuple(budget for budget, _ in whole), values(metric.name), costs)


def _claims(law: _Law) -> dict[str, dict[str, float]]:
    """By strategy and kind of cost, the least budget that shows a saving."""
    found: dict[str, dict[str, float]] = {}
    for cost in COSTS:
        points = [
            (name, budget, float(at))
            for name, curve in law.curves.items()
            if name != YARDSTICK
            for budget, at in zip(curve.budgets, law.safe_costs(name, cost), strict=True)
            if at <= (1 - _LEAST_SAVING) * law.base.mean_cost(cost)[-1]
        ]
        # The control claims nothing for selection: it is judged by itself.
        for of_control in (False, True):
            family = [point for point in points if (point[0] == CONTROL) == of_control]
            p_values = [_p_at_equal_cost(law, *point, cost) for point in family]
            for (name, budget, _), p in zip(family, holm_adjusted(p_values), strict=True):
                ratio = law.reach(name, cost) / law.of_base[cost]
                saves = ratio <= 1 - _LEAST_SAVING
                if p < LEVEL and saves and _is_there(law, name, budget):
                    found.setdefault(name, {}).setdefault(cost, budget)
    return found


def _p_at_equal_cost(law: _Law, name: str, budget: float, at: float, cost: str) -> float:
    """Against being no better than base for the same cost, whichever budget base puts it in."""
    p_values = []
    for rival in law.rivals(at, cost):
        difference = law.difference((name, budget), rival)
        ahead = law.sign * difference.mean > 0
        p_values.append(difference.p_value if ahead else 1.0)
    return float(np.max(p_values))  # NaN if one is not known


def _is_there(law: _Law, name: str, budget: float) -> bool:
    """Whether the interval leaves out being further below base's figure than the margin."""
    to_full = law.difference((name, budget), {law.full: 1.0})
    low = to_full.low if law.sign > 0 else -to_full.high
    return low > -law.margin


def _record(law: _Law, name: str, claims: Mapping[str, float]) -> dict[str, Any]:
    curve, metric = law.curves[name], law.metric
    n_fits = law.base.figures.shape[1]
    gaps = law.gaps(name)
    known = len(law.base.budgets) > 1
    record: dict[str, Any] = {
        "strategy": name,
        "target": law.target,
        "margin": metric.factor * law.margin,
        "n_seeds": n_fits,
        "reached": int((gaps >= -law.row - 1e-12).any(axis=0).sum()) if len(gaps) else 0,
    }
    for cost in COSTS:
        record |= _costs(law, name, cost) if known else dict.fromkeys(_keys(cost), float("nan"))
        saved = 100 * (1 - record[f"{cost}_ratio"]) if cost in claims else float("nan")
        record[f"{cost}_saved"] = saved
    there = np.flatnonzero(gaps.mean(axis=1) >= -law.row - 1e-12) if len(gaps) else np.array([])
    record["at_smallest"] = bool(len(there) and there[0] == 0)
    if claims:
        record["budget"] = min(claims.values())
    else:
        record["budget"] = curve.budgets[there[0]] if len(there) else None
    record |= _to_full(law, name, record["budget"])
    record["outcome"] = _outcome(law, name, claims)
    return record


def _keys(cost: str) -> tuple[str, ...]:
    return cost, f"{cost}_low", f"{cost}_high", f"{cost}_ratio"


def _costs(law: _Law, name: str, cost: str) -> dict[str, float]:
    """The cost of reaching it: of the mean, least and largest of the trainings, ratio to base."""
    reached, of_base = law.reach(name, cost), law.of_base[cost]
    gaps, costs = law.gaps(name), law.curves[name].costs[cost]
    each = np.array(
        [cost_to_reach(*of_fit, law.row) for of_fit in zip(gaps.T, costs.T, strict=True)]
    )
    some, every = bool(np.isfinite(each).any()), bool(len(each) and np.isfinite(each).all())
    low = float(np.nanmin(each)) if some else float("nan")
    high = float(each.max()) if every else float("nan")
    return dict(zip(_keys(cost), (reached, low, high, reached / of_base), strict=True))


def _to_full(law: _Law, name: str, budget: float | None) -> dict[str, float]:
    """The difference to base with its largest budget, in the unit of differences."""
    keys = ("difference", "difference_low", "difference_high")
    budgets = law.curves[name].budgets
    if not budgets:
        return dict.fromkeys(keys, float("nan"))
    at = name, budgets[-1] if budget is None else budget
    return law.difference(at, {law.full: 1.0})._times(law.metric.factor)._named("difference")


def _outcome(law: _Law, name: str, claims: Mapping[str, Any]) -> str:
    curve = law.curves[name]
    if name == YARDSTICK:
        return "the yardstick"
    if len(law.base.budgets) == 1:
        return "one budget only"
    if not curve.budgets:
        return "failed"
    if law.base.figures.shape[1] == 1:
        return "unknown"
    if claims:
        return "saves"
    differences = [law.difference((name, budget), {law.full: 1.0}) for budget in curve.budgets]
    ends = (d.high if law.sign > 0 else -d.low for d in differences)
    return "does not reach" if all(end < 0 for end in ends) else "not told"
