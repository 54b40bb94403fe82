"""Curves of a metric over trainings: means and bands over the seeds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sklearn_sifal._parameters import reject_value

BANDS = ("range", "interval")


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


def single_curve(name: str, visits: Any, seconds: Any, values: Any) -> StrategyCurve:
    """The curve of one training, without the points that have no value."""
    values = np.asarray(values, dtype=np.float64)
    known = np.isfinite(values)
    values = values[known]
    return StrategyCurve(
        name,
        np.asarray(visits, dtype=np.float64)[known],
        np.asarray(seconds, dtype=np.float64)[known],
        values,
        values,
        values,
        np.ones(len(values), dtype=np.int64),
    )


def curves_of_history(
    history: Sequence[Mapping[str, Any]], metrics: Mapping[str, str]
) -> list[StrategyCurve]:
    """Curves of one fit's `history_`; `metrics` maps each line's name to a key."""
    visits = np.cumsum([record["visits"] for record in history])
    seconds = np.cumsum([seconds_of(record) for record in history])
    curves = []
    for name, key in metrics.items():
        values = [record.get(key) for record in history]
        if not any(key in record for record in history):
            keys = sorted({key for record in history for key in record})
            raise ValueError(f"history_ has no {key!r}. It has {keys}.")
        numbers = [np.nan if value is None else value for value in values]
        curves.append(single_curve(name, visits, seconds, numbers))
    return curves


def seconds_of(record: Mapping[str, Any]) -> float:
    """Seconds of a round: choosing, scoring and training."""
    return float(sum(record[f"seconds_{part}"] for part in ("select", "score", "train")))


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
    records = _as_records(runs)
    if band not in BANDS:
        reject_value("LossCurveDisplay.from_runs", "band", f"one of {set(BANDS)}", band)
    for key in ("strategy", "visits", metric):
        if not all(key in record for record in records):
            raise ValueError(f"runs must have {key!r} in every record. They have {_keys(records)}.")
    number = next((key for key in ("budget", "round", "epoch") if key in records[0]), None)
    points: dict[str, dict[Any, list[Mapping[str, Any]]]] = {}
    for record in records:
        of_strategy = points.setdefault(str(record["strategy"]), {})
        of_strategy.setdefault(record[number] if number else 0, []).append(record)
    return [
        _curve_of_points(name, list(groups.values()), metric, band)
        for name, groups in points.items()
    ]


def _as_records(runs: Any) -> list[Mapping[str, Any]]:
    records = runs.to_dict("records") if hasattr(runs, "to_dict") else list(runs)
    if not records:
        raise ValueError("runs must have at least one record. Got none.")
    if not all(isinstance(record, Mapping) for record in records):
        raise TypeError(f"runs must be a DataFrame or dicts. Got {type(records[0]).__name__}.")
    return records


def _keys(records: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({str(key) for record in records for key in record})


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
