"""Curves of a metric over trainings: means and bands over the seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sklearn_sifal._parameters import reject_value

BANDS = ("range", "interval")
# Of a round: choosing, scoring and training.
_SECONDS = ("seconds_select", "seconds_score", "seconds_train")


@dataclass(frozen=True, eq=False)
class StrategyCurve:
    """One line of a :class:`LossCurveDisplay`: a metric at growing cost.

    Attributes
    ----------
    name : str
        Of the strategy, or whatever the line stands for.
    visits : ndarray of shape (n_points,), float64
        Row visits spent until each point, ascending; a mean over runs.
    seconds : ndarray of shape (n_points,), float64
        Seconds spent until each point; a mean over runs. NaN if not known.
    mean : ndarray of shape (n_points,), float64
        The metric, a mean over runs.
    lower, upper : ndarray of shape (n_points,), float64
        The band around it; equal to `mean` where there is one run.
    n_runs : ndarray of shape (n_points,), int64
        Runs that a point is the mean of.
    """

    name: str
    visits: NDArray[np.float64]
    seconds: NDArray[np.float64]
    mean: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    n_runs: NDArray[np.int64]


def curve_of_history(
    history: Sequence[Mapping[str, Any]], name: str, values: Sequence[float | None]
) -> StrategyCurve:
    """The curve of one fit's `history_`, without the rounds that have no value."""
    visits = np.cumsum([round_["visits"] for round_ in history], dtype=np.float64)
    seconds = np.cumsum([sum(round_[key] for key in _SECONDS) for round_ in history])
    numbers = np.array(values, dtype=np.float64)
    known = np.isfinite(numbers)
    mean = numbers[known]
    n_runs = np.ones(len(mean), dtype=np.int64)
    return StrategyCurve(name, visits[known], seconds[known], mean, mean, mean, n_runs)


def curves_of_runs(runs: Any, metric: str, band: str) -> list[StrategyCurve]:
    """Curves of many trainings, one a strategy, in the order of first appearance.

    Parameters
    ----------
    runs : sequence of dict, or DataFrame
        With the keys 'strategy', 'visits', and `metric`; optionally 'seconds', 'seed' and what
        numbers the points of a curve: 'budget', else 'round', else 'epoch'. Without
        these, all runs of a strategy are one point.
    metric : str
        The key of the values.
    band : {'range', 'interval'}
        From the least to the largest value of the runs, or the 95 % t interval of their mean.

    Returns
    -------
    curves : list of StrategyCurve
    """
    listed = _as_dicts(runs)
    if band not in BANDS:
        reject_value("LossCurveDisplay.from_runs", "band", f"one of {set(BANDS)}", band)
    for key in ("strategy", "visits", metric):
        if not all(key in run for run in listed):
            keys = sorted({str(key) for run in listed for key in run})
            raise ValueError(f"runs must have {key!r} in every record. They have {keys}.")
    number = next((key for key in ("budget", "round", "epoch") if key in listed[0]), None)
    points: dict[str, dict[Any, list[Mapping[str, Any]]]] = {}
    for run in listed:
        of_strategy = points.setdefault(str(run["strategy"]), {})
        of_strategy.setdefault(run[number] if number else 0, []).append(run)
    return [
        _curve_of_points(name, list(groups.values()), metric, band)
        for name, groups in points.items()
    ]


def _as_dicts(runs: Any) -> list[Mapping[str, Any]]:
    listed = runs.to_dict("records") if hasattr(runs, "to_dict") else list(runs)
    if not listed:
        raise ValueError("runs must have at least one record. Got none.")
    if not all(isinstance(run, Mapping) for run in listed):
        raise TypeError(f"runs must be a DataFrame or dicts. Got {type(listed[0]).__name__}.")
    return listed


def _curve_of_points(
    name: str, points: list[list[Mapping[str, Any]]], metric: str, band: str
) -> StrategyCurve:
    rows = []
    for runs in points:
        values = np.array([run[metric] for run in runs], dtype=np.float64)
        visits = np.mean([run["visits"] for run in runs])
        seconds = np.mean([run.get("seconds", np.nan) for run in runs])
        rows.append((visits, seconds, values.mean(), *band_of(values, band), len(values)))
    visits, seconds, mean, lower, upper, n_runs = np.array(sorted(rows), dtype=np.float64).T
    return StrategyCurve(name, visits, seconds, mean, lower, upper, n_runs.astype(np.int64))


def band_of(values: NDArray[np.float64], band: str) -> tuple[float, float]:
    """Lower and upper end of the band around the mean of a few values."""
    if band == "range":
        return float(values.min()), float(values.max())
    mean, n = float(values.mean()), len(values)
    if n == 1:
        return mean, mean
    half = float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return mean - half, mean + half
