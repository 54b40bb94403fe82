"""What selection saves, in words: first whether anything is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sklearn_sifal.comparison._candidates import CONTROL, YARDSTICK
from sklearn_sifal.comparison._scores import Metric

_Record = Mapping[str, Any]


def savings_in_words(
    records: Sequence[_Record], metric: Metric, *, largest: float, n_test: int
) -> list[str]:
    """Say what is saved, first whether anything is.

    Parameters
    ----------
    records : sequence of dict
        One a strategy, as by `time_to_base`.
    metric : Metric
        What they are about.
    largest : float
        Base's largest budget.
    n_test : int
        Test rows.

    Returns
    -------
    sentences : list of str
        Empty where there is one training a strategy, of which nothing can be said.
    """
    tried = [r for r in records if r["strategy"] not in (YARDSTICK, CONTROL)]
    base = next(r for r in records if r["strategy"] == YARDSTICK)
    if base["n_seeds"] == 1 or not tried:
        return []
    if any(r["outcome"] == "one budget only" for r in records):
        return [
            "What selection saves cannot be said from one budget: give several, budget=[...], "
            f"such as {_budgets_to_give(largest)}. Each has trainings of its own."
        ]
    figure = f"{metric.factor * base['target']:.{metric.digits}f}"
    goal = f"base's {metric.label} with budget {largest:g}, {figure}"
    claims = [r for r in tried if r["outcome"] == "saves"]
    lines = [_first(claims, tried, goal)]
    if claims:
        lines.append(_shown_by(claims, metric, largest, n_test))
        lines += _on_control(records)
    lines += _on_base(base, largest)
    lines += _on_others(tried)
    return lines


def in_times(record: _Record, cost: str) -> str:
    """A cost as a multiple of base's, as ``0.60``, ``at most 0.38`` or ``not reached``."""
    ratio = record[f"{cost}_ratio"]
    if not np.isfinite(ratio):
        return "not reached"
    bound = "at most " if record["at_smallest"] else ""
    return f"{bound}{ratio:.2f}"


def _budgets_to_give(largest: float) -> str:
    """Some below the largest; up to 1 all rows are trained on, and nothing is chosen."""
    if 0.375 * largest <= 1:
        return "1.5, 2 and 4"
    return f"{0.375 * largest:.3g}, {0.5 * largest:.3g} and {largest:g}"


def _first(claims: Sequence[_Record], tried: Sequence[_Record], goal: str) -> str:
    who = "the strategy was not" if len(tried) == 1 else "no strategy was"
    if not claims:
        return f"Nothing is saved by more than chance: {who} shown to reach {goal}, for less."
    seconds, rows = _list(claims, "seconds"), _list(claims, "visits")
    if not seconds:
        of = (
            f"visits are: {rows}"
            if rows
            else f"rows passed forward are: {_list(claims, 'forward')}"
        )
        return f"No seconds are saved by more than chance on the way to {goal}; {of}."
    text = f"Seconds are saved on the way to {goal}, scoring included: {seconds}."
    return f"{text} Of the visits: {rows}." if rows else text


def _list(claims: Sequence[_Record], cost: str) -> str:
    saved = [(r[f"{cost}_saved"], r["strategy"]) for r in claims if np.isfinite(r[f"{cost}_saved"])]
    return ", ".join(f"{name} {share:.0f} %" for share, name in sorted(saved, reverse=True))


def _shown_by(claims: Sequence[_Record], metric: Metric, largest: float, n_test: int) -> str:
    """At which budget it was found, and what counts as being there."""
    shown = []
    for record in claims:
        ends = ("difference", "difference_low", "difference_high")
        mean, low, high = (f"{record[end]:+.{metric.digits}f}" for end in ends)
        unit = f" {metric.unit}" if metric.unit else ""
        shown.append(f"{record['strategy']} {mean}{unit} ({low} to {high})")
    budgets = sorted({record["budget"] for record in claims})
    at = " or ".join(f"{budget:g}" for budget in budgets)
    margin = f"{claims[0]['margin']:.{metric.digits}f} {metric.unit}".rstrip()
    if metric.factor == 100:
        margin += f" ({claims[0]['margin'] / 100 * n_test:.0f} test rows)"
    return (
        f"With budget {at} against base with {largest:g}: {'; '.join(shown)}. An interval that "
        f"ends less than {margin} below base counts as there; the shares are by the means, read "
        "between budgets."
    )


def _on_control(records: Sequence[_Record]) -> list[str]:
    saves = any(r["strategy"] == CONTROL and r["outcome"] == "saves" for r in records)
    return ["So does random, which ignores losses: it is not the choice by loss."] if saves else []


def _on_base(base: _Record, largest: float) -> list[str]:
    """What base saves of itself by training less."""
    if base["at_smallest"]:
        return [
            "Base is there with its smallest budget already, so that nothing is left to save: "
            "give smaller ones."
        ]
    if base["budget"] is not None and base["budget"] < largest:
        return [
            f"Base itself is there with {base['visits']:.2f} visits a row; what a strategy saves "
            "counts from there."
        ]
    return []


def _on_others(tried: Sequence[_Record]) -> list[str]:
    lines = []
    open_ = [r for r in tried if r["outcome"] == "not told"]
    if open_:
        shown = "; ".join(f"{r['strategy']} {_by_the_mean(r)}" for r in open_)
        lines.append(f"Not told apart from chance in what it saves: {shown}.")
    never = [r["strategy"] for r in tried if r["outcome"] == "does not reach"]
    if never:
        lines.append(f"Worse than that with every budget: {', '.join(never)}.")
    return lines


def _by_the_mean(record: _Record) -> str:
    reached = f"{record['reached']} of {record['n_seeds']} trainings there"
    if not np.isfinite(record["visits_ratio"]):
        return f"(mean not there, {reached})"
    visits, seconds = in_times(record, "visits"), in_times(record, "seconds")
    return f"({visits} of base's visits, {seconds} of its seconds, {reached})"
