"""What ranks over data sets say, in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn_sifal.comparison._rank_scores import listed_names
from sklearn_sifal.comparison._rank_tests import (
    FriedmanTest,
    least_p_value,
    needed_data_sets,
)
from sklearn_sifal.comparison._scores import Metric
from sklearn_sifal.comparison._statistics import LEVEL
from sklearn_sifal.comparison._verdict import Verdict, signed

_Record = Mapping[str, Any]


@dataclass(frozen=True)
class RankCircumstances:
    """What a verdict needs beside the records.

    Attributes
    ----------
    metric : Metric
        Figure that it is about.
    yardstick : str or None
        The strategy that the others are held against.
    n_data_sets : int
        Number of data sets.
    friedman : FriedmanTest or None
        Whether the strategies differ.
    groups : tuple of tuple of str
        Strategies that are not told apart; all pairs are counted.
    failed : mapping of str to tuple of str
        Data sets without a figure, by strategy.
    notes : tuple of str
        Of how the figures came about.
    """

    metric: Metric
    yardstick: str | None
    n_data_sets: int
    friedman: FriedmanTest | None
    groups: tuple[tuple[str, ...], ...]
    failed: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


def rank_verdict(records: Sequence[_Record], about: RankCircumstances) -> str:
    """Put records in the order of their ranks into words."""
    findings = [*_on_friedman(about), _on_ranks(records)]
    if about.yardstick is not None:
        findings += _on_outcomes(records, about.metric)
    elif about.groups:
        findings += [f"Not told apart: {', '.join(group)}." for group in about.groups]
    headline = _too_few(records, about) or _headline(records, about)
    return str(Verdict(headline, tuple(findings), tuple(_cautions(about))))


def p_shown(p_value: float) -> str:
    """A p-value with three decimals, or as what it is below."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


# ------------------------------------------------------------------------- the headline


def _n_pairs(records: Sequence[_Record], about: RankCircumstances) -> int:
    others = len(records) - 1
    return others if about.yardstick is not None else others * len(records) // 2


def _too_few(records: Sequence[_Record], about: RankCircumstances) -> str | None:
    """That there could not be a verdict, whatever the figures were."""
    n, n_pairs = about.n_data_sets, _n_pairs(records, about)
    needed = needed_data_sets(n_pairs)
    if n >= needed:
        return None
    end = f"It takes at least {needed} data sets; the ranks below are a description."
    if n == 1:
        return f"One data set says nothing of others. {end}"
    adjusted = min(1.0, n_pairs * least_p_value(n))
    after = f", and {adjusted:.3g} after Holm's adjustment for {n_pairs}" if n_pairs > 1 else ""
    return (
        f"{n} data sets are too few to tell one strategy from another: even if it wins on every "
        f"one of them, Wilcoxon's p-value is {least_p_value(n):.3g}{after}. {end}"
    )


def _headline(records: Sequence[_Record], about: RankCircumstances) -> str:
    over = f"over {about.n_data_sets} data sets"
    if about.yardstick is None:
        return _headline_without_yardstick(records, about, over)
    better, worse = _names(records, "better"), _names(records, "worse")
    told_worse = f"Worse by more than chance: {listed_names(worse, quote=False)}."
    if better:
        head = f"Better than {about.yardstick} {over} by more than chance: "
        first = f"{head}{listed_names(better, quote=False)}."
        return f"{first} {told_worse}" if worse else first
    first = f"No strategy was better than {about.yardstick} {over} by more than chance"
    if worse:
        return f"{first}. {told_worse}"
    if all(record["outcome"] in ("identical", "the yardstick") for record in records):
        return f"Every strategy had the figures of {about.yardstick} on all data sets."
    return f"{first}, and none was worse."


def _headline_without_yardstick(
    records: Sequence[_Record], about: RankCircumstances, over: str
) -> str:
    if any(len(group) == len(records) for group in about.groups):
        return f"No strategy was told apart from another one {over}."
    best = records[0]["strategy"]
    beside = [name for group in about.groups if best in group for name in group if name != best]
    if not beside:
        return f"{best} has the best ranks {over}, and is told apart from all others."
    return (
        f"{best} has the best ranks {over}; not told apart from it: "
        f"{listed_names(beside, quote=False)}."
    )


def _names(records: Sequence[_Record], outcome: str) -> list[str]:
    return [record["strategy"] for record in records if record["outcome"] == outcome]


# ------------------------------------------------------------------------- the findings


def _on_friedman(about: RankCircumstances) -> list[str]:
    test = about.friedman
    if test is None:
        return []
    first, second = test.degrees_of_freedom
    numbers = (
        f"F = {test.f_statistic:.2f} with {first} and {second} degrees of freedom, "
        f"p {_p_after_sign(test.f_p_value)}"
    )
    if test.f_p_value < LEVEL:
        return [f"The strategies as a whole differ (Friedman's test: {numbers})."]
    return [
        f"The strategies as a whole are not told apart (Friedman's test: {numbers}), and so no "
        "pair of them is."
    ]


def _p_after_sign(p_value: float) -> str:
    shown = p_shown(p_value)
    return shown if shown.startswith("<") else f"= {shown}"


def _on_ranks(records: Sequence[_Record]) -> str:
    shown = ", ".join(f"{record['strategy']} {record['mean_rank']:.2f}" for record in records)
    return f"Mean ranks, 1 being the best: {shown}."


def _on_outcomes(records: Sequence[_Record], metric: Metric) -> list[str]:
    lines = []
    for outcome, title in (
        ("better", "Better"),
        ("worse", "Worse"),
        ("not told apart", "Not told apart"),
    ):
        found = [record for record in records if record["outcome"] == outcome]
        if found:
            lines.append(f"{title}: {'; '.join(_with_counts(r, metric) for r in found)}.")
    if identical := _names(records, "identical"):
        lines.append(f"Identical on all data sets: {', '.join(identical)}.")
    return lines


def _with_counts(record: _Record, metric: Metric) -> str:
    """As ``mine (9 won, 1 tied, 4 lost, median +0.30 points, p = 0.012)``."""
    counts = ", ".join(
        f"{record[key]} {word}"
        for key, word in (("wins", "won"), ("ties", "tied"), ("losses", "lost"))
        if record[key]
    )
    if not math.isnan(record["median_difference"]):
        median = f"{signed(record['median_difference'], metric)} {metric.unit}"
        counts += f", median {median.rstrip()}"
    return f"{record['strategy']} ({counts}, p {_p_after_sign(record['p_adjusted'])})"


# ------------------------------------------------------------------------- the cautions


def _cautions(about: RankCircumstances) -> list[str]:
    cautions = [
        f"{name} has no {about.metric.label} on {listed_names(data_sets, quote=False)}, as after a "
        "training that failed: ranked last there."
        for name, data_sets in about.failed.items()
    ]
    cautions += about.notes
    if about.metric.unit.endswith("units of y"):
        cautions.append(
            f"The {about.metric.label} of two data sets are in different units, and Wilcoxon's "
            "test weighs one difference against another: for numbers, rank by r2."
        )
    if about.n_data_sets > 1:
        cautions.append(
            "Each data set counts once, whatever its size and however sure its own comparison is; "
            "the p-values are about data sets like these."
        )
    return cautions
