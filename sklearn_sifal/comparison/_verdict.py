"""What the figures say, in words: first whether anything helped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_sifal.comparison._candidates import CONTROL, YARDSTICK
from sklearn_sifal.comparison._scores import Metric

_ENOUGH_SEEDS = 5
_COARSE = 0.2  # points that one test row is worth
_Record = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """A verdict in words.

    Attributes
    ----------
    headline : str
        What to do, in a sentence or two.
    findings : tuple of str
        What was found for the strategies.
    cautions : tuple of str
        What to keep in mind before believing it.
    """

    headline: str
    findings: tuple[str, ...]
    cautions: tuple[str, ...]

    def worded(self, terms: Mapping[str, str]) -> "Verdict":
        """The same with other words for parameters of `compare_strategies`, such as ``lr=[...]``.

        Parameters
        ----------
        terms : mapping of str to str
            What is said instead, such as options of a command.
        """

        def say(text: str) -> str:
            for parameter, term in terms.items():
                text = text.replace(parameter, term)
            return text

        findings, cautions = (tuple(map(say, texts)) for texts in (self.findings, self.cautions))
        return Verdict(say(self.headline), findings, cautions)

    def __str__(self) -> str:
        lines = [self.headline, "", *(f"- {text}" for text in self.findings)]
        if self.cautions:
            lines += ["", "Keep in mind:", *(f"- {text}" for text in self.cautions)]
        return "\n".join(lines)


@dataclass(frozen=True)
class Circumstances:
    """What a verdict has to know beside the figures.

    Attributes
    ----------
    metric : Metric
        What the differences are of.
    n_seeds : int
        Trainings a strategy.
    n_splits : int
        Test parts.
    n_test : int
        Test rows.
    resolution : float or None
        Points that one test row is worth; None where that is not defined.
    n_rates : int
        Rates that each strategy could choose from; 0 and 1 stand for a shared one.
    base_curve : sequence of (float, float)
        Median seconds and mean figure of base at every budget.
    own_rates : bool
        Whether a strategy was given with a rate of its own.
    trivial : float or None
        Figure of a constant answer.
    n_jobs : int
        Trainings at a time.
    """

    metric: Metric
    n_seeds: int
    n_test: int
    resolution: float | None
    n_rates: int
    base_curve: Sequence[tuple[float, float]]
    own_rates: bool = False
    trivial: float | None = None
    n_jobs: int = 1
    n_splits: int = 1

    @property
    def trainings(self) -> str:
        """What there are several of, in words."""
        return "seeds" if self.n_splits == 1 else "splits"

    @property
    def under(self) -> str:
        """What a gain was measured under, in words."""
        if self.n_rates > 1:
            return "at equal visits"
        rates = "rates that were given" if self.own_rates else "one learning rate for all"
        return f"at equal visits and {rates}"


def give_verdict(
    records: Sequence[_Record],
    about: Circumstances,
    smaller: Mapping[float, Sequence[_Record]] | None = None,
    others: Sequence[tuple[Metric, Sequence[_Record]]] = (),
    savings: Sequence[str] = (),
) -> Verdict:
    """Put the summary of a comparison into words.

    Parameters
    ----------
    records : sequence of dict
        One a strategy, as by `summarise`.
    about : Circumstances
        Metric, number of seeds and the like.
    smaller : mapping of float to sequence of dict, default=None
        Records at smaller budgets.
    others : sequence of (Metric, sequence of dict), default=()
        Records by other figures.
    savings : sequence of str, default=()
        What is saved, in words.
    """
    if about.n_seeds == 1:
        headline = (
            "One seed: nothing can be said about differences between strategies. Run again with "
            "n_seeds=5 or more."
        )
        findings = [_one_seed(records, about.metric)]
    else:
        headline = _headline(records, about)
        if not _better(records, about.metric) and any(
            _better(others, about.metric) for others in (smaller or {}).values()
        ):
            headline += " With less training there was a gain; see below."
        findings = _findings(records, about) + _by_others(others)
        findings += _with_less(smaller or {}, about.metric)
    findings += [_on_seconds(records), *savings]
    headline += _on_constant_answers(records, about)
    return Verdict(headline, tuple(findings), tuple(_cautions(records, about)))


def _headline(records: Sequence[_Record], about: Circumstances) -> str:
    tried = _tried(records)
    better = _better(records, about.metric)
    if not tried:
        return "Only base and its control were run: there is nothing to decide."
    if not better:
        return _headline_without_gain(tried, records, about)
    shown = "; ".join(_with_interval(r, about.metric) for r in better)
    text = f"Better than base by more than chance {about.under}: {shown}."
    text += _headline_on_random(better, records, about.metric)
    if next(r for r in records if r["strategy"] == YARDSTICK)["lr_at_edge"]:
        text += " But base's rate is at the edge of the grid, so base may do better: widen lr."
    best = better[0]
    ratio = best["seconds_ratio"]
    if ratio > 1.05:
        text += (
            f" {best['strategy']} also takes {ratio:.2f} times as long as base, which could train "
            "longer instead."
        )
    return text


def _headline_without_gain(
    tried: Sequence[_Record], records: Sequence[_Record], about: Circumstances
) -> str:
    alone = len(tried) == 1
    if all(r["n_failed"] for r in tried):
        who = "The strategy" if alone else "Every strategy"
        return f"{who} broke down, so that nothing is known of it: train on everything for now."
    who, negation = ("The strategy", " not") if alone else ("No strategy", "")
    text = f"{who} was{negation} better than base by more than chance at equal visits: "
    control = next(r for r in records if r["strategy"] == CONTROL)
    if control["against_base"] != "better":
        return text + "train on everything."
    return (
        f"{text}nothing speaks for choosing by loss. But random, which ignores losses, was "
        f"better than base: {_with_interval(control, about.metric)}. Look at the order of the "
        "rows and at the learning rate."
    )


def _on_constant_answers(records: Sequence[_Record], about: Circumstances) -> str:
    """What to say if base has hardly learnt anything, so that there is little to compare."""
    if about.trivial is None:
        return ""
    base = next(r for r in records if r["strategy"] == YARDSTICK)[about.metric.name]
    if about.metric.name == "r2":
        if base > about.trivial:
            return ""
        return f" But base is no better than always answering the mean: its R² is {base:.3f}."
    # Two standard errors of a share of so many test rows.
    margin = 2 * np.sqrt(about.trivial * (1 - about.trivial) / about.n_test)
    if base - about.trivial > margin:
        return ""
    return (
        f" But base, right for {100 * base:.1f} % of the test rows, is hardly better than always "
        f"answering the most frequent label, {100 * about.trivial:.1f} %: look at other metrics, "
        "or train longer or at a larger rate."
    )


def _headline_on_random(
    better: Sequence[_Record], records: Sequence[_Record], metric: Metric
) -> str:
    """What to hold against a gain that the control might have, too."""
    if any(_beats_random(r, metric) for r in better):
        return ""
    control = next(r for r in records if r["strategy"] == CONTROL)
    if control["against_base"] == "better":
        return " But random, which ignores losses, does as well: it is not the choice by loss."
    them = "it" if len(better) == 1 else "none of them"
    negation = " not" if len(better) == 1 else ""
    return f" But {them} was{negation} told apart from random, which ignores losses."


def _findings(records: Sequence[_Record], about: Circumstances) -> list[str]:
    metric = about.metric
    tried = _tried(records)
    lines = []
    for outcome, title in (
        ("better", "Better than base"),
        ("worse", "Worse than base"),
        ("not told apart", "Not told apart from base"),
    ):
        found = _sorted(tried, outcome, metric)
        if found:
            lines.append(f"{title}: {'; '.join(_with_interval(r, metric) for r in found)}.")
    nearly = [
        r["strategy"]
        for r in _sorted(tried, "not told apart", metric)
        if r["difference_low"] > 0 or r["difference_high"] < 0
    ]
    if nearly:
        lines.append(
            f"The interval of {_and(nearly)} leaves out zero, but of {len(tried)} comparisons "
            f"chance alone may do that to one: more {about.trainings} would tell."
        )
    same = [r["strategy"] for r in tried if r["against_base"] == "identical"]
    if same:
        lines.append(
            "No difference to base in any training, so the rule never came into play: "
            f"{_and(same)}."
        )
    lines += [_on_collapse(r, metric) for r in tried if r["against_base"] == "unstable"]
    lines += [
        f"{r['strategy']} broke down in {r['n_failed']} of {r['n_seeds']} trainings: a loss became "
        "infinite or NaN. A smaller lr may help."
        for r in tried
        if r["n_failed"]
    ]
    lines += _on_random(records, metric)
    lines += _at_equal_seconds(_better(records, metric), about)
    return lines


def _by_others(others: Sequence[tuple[Metric, Sequence[_Record]]]) -> list[str]:
    """What other figures say of the strategies, each judged by itself."""
    lines = []
    for metric, records in others:
        tried = _tried(records)
        said = [
            f"{word}: {', '.join(_with_interval(r, metric) for r in found)}"
            for word in ("better", "worse")
            if (found := _sorted(tried, word, metric))
        ]
        lines.append(
            f"By {metric.label}: {'; '.join(said) if said else 'none told apart from base'}."
        )
    return lines


def _on_collapse(record: _Record, metric: Metric) -> str:
    """What happened to a strategy whose mean says little."""
    worst = f"{metric.factor * record['worst']:.{metric.digits}f}"
    return (
        f"Unstable: {record['strategy']}. With seed {record['worst_seed']} its {metric.label} was "
        f"{worst}, {_amount(record['worst_difference'], metric)} against base, far from its other "
        "trainings: its mean is not what one gets."
    )


def _with_less(smaller: Mapping[float, Sequence[_Record]], metric: Metric) -> list[str]:
    """What helped with less training, where there is more to gain."""
    lines = []
    for budget, records in smaller.items():
        better = _better(records, metric)
        if better:
            shown = "; ".join(
                f"{_with_interval(r, metric)} in {r['seconds_ratio']:.2f} times the seconds"
                + ("" if _beats_random(r, metric) else ", though not better than random")
                for r in better
            )
            lines.append(f"With a budget of {budget:g}, better than base: {shown}.")
    if smaller and not lines:
        budgets = _and([f"{budget:g}" for budget in smaller])
        lines.append(f"Nothing was better than base with less training either (budget {budgets}).")
    return lines


def _on_random(records: Sequence[_Record], metric: Metric) -> list[str]:
    control = next(r for r in records if r["strategy"] == CONTROL)
    if control["against_base"] == "identical":
        lines = ["The control, random, did what base did in every training."]
    else:
        lines = [f"The control: {_with_interval(control, metric)} against base."]
    tried = _tried(records)
    known = [r for r in tried if not np.isnan(r["difference_to_random"])]
    level = [r["strategy"] for r in known if not _beats_random(r, metric)]
    if level and len(level) == len(known) > 1:
        lines.append("No strategy was better than random, which ignores losses.")
    elif level:
        lines.append(f"Not better than random, which ignores losses: {_and(level)}.")
    return lines


def _at_equal_seconds(better: Sequence[_Record], about: Circumstances) -> list[str]:
    """What base reaches in the seconds of the strategies that were better at equal visits."""
    lines = []
    seconds, figures = np.array(sorted(about.base_curve)).T
    for record in better:
        if not seconds[0] <= record["seconds"] <= seconds[-1]:
            continue
        at_equal = float(np.interp(record["seconds"], seconds, figures))
        gain = about.metric.factor * (record[about.metric.name] - at_equal)
        word = "still ahead of" if about.metric.sign * gain > 0 else "no better than"
        lines.append(
            f"At equal seconds {record['strategy']} is {word} base: "
            f"{_amount(gain, about.metric)}, with base's curve read at {record['seconds']:.2g} s."
        )
    return lines


def _on_seconds(records: Sequence[_Record]) -> str:
    base = next(r for r in records if r["strategy"] == YARDSTICK)
    others = [r for r in records if r["strategy"] != YARDSTICK]
    known = sorted((r for r in others if r["seconds"] > 0), key=lambda r: r["seconds_ratio"])
    shown = ", ".join(f"{r['strategy']} {_ratio(r)}" for r in known)
    return f"Seconds: base took {base['seconds']:.2g}; as a multiple of that, {shown}."


def _ratio(record: _Record) -> str:
    """As ``1.20 (1.10 to 1.30)``: the median and the ends over the seeds."""
    ratio = f"{record['seconds_ratio']:.2f}"
    if record["n_seeds"] == 1:
        return ratio
    return f"{ratio} ({record['seconds_ratio_low']:.2f} to {record['seconds_ratio_high']:.2f})"


def _cautions(records: Sequence[_Record], about: Circumstances) -> list[str]:
    tried = _tried(records)
    lines = []
    if about.n_rates <= 1:
        rate = "rates that were given" if about.own_rates else "one learning rate"
        at = "such a" if about.own_rates else "a shared"
        lines.append(
            f"All strategies had {rate}. A gain at {at} rate is often a larger "
            "step in disguise: pass several, lr=[...], and each gets its own best."
        )
    edges = [f"{r['strategy']} ({r['lr']:g})" for r in records if r["lr_at_edge"]]
    if edges:
        lines.append(f"The best rate is at the edge of the grid, so widen it, for: {_and(edges)}.")
    if 1 < about.n_seeds < _ENOUGH_SEEDS:
        lines.append(
            f"{about.n_seeds} {about.trainings} make wide intervals: only large differences can "
            "be told from chance."
        )
    if len(tried) > 1 and about.n_seeds > 1:
        lines.append(
            f"{len(tried)} strategies were compared with base. 'Better' and 'worse' hold for all "
            "of them together (Holm's adjustment); of the intervals one in twenty leaves out "
            "zero by chance."
        )
    lines += _on_test_rows(tried, about)
    if about.n_jobs > 1:
        lines.append(
            f"{about.n_jobs} trainings ran at a time, which makes seconds rough: n_jobs=1 on an "
            "idle machine for those that are to be quoted."
        )
    visits = [r["visits"] for r in records if not np.isnan(r["visits"])]
    if max(visits) > 1.001 * min(visits):
        lines.append(
            f"Visits were not equal: {min(visits):.0f} to {max(visits):.0f}. Early stopping, "
            "max_epochs or budget_unit='passes' do that."
        )
    return lines


def _on_test_rows(tried: Sequence[_Record], about: Circumstances) -> list[str]:
    texts = []
    if about.resolution is not None:
        texts.append(
            f"One of the {about.n_test} test rows is worth {about.resolution:.2g} points; a "
            "difference of fewer than six rows tells nothing."
        )
        if about.resolution >= _COARSE:
            texts.append("The test part is small.")
    if about.n_splits == 1 and about.n_seeds > 1:
        texts.append(
            "The intervals are over seeds and test rows, of one split: what other training rows "
            "would do is not in them. Without a test part there are splits."
        )
    lines = [" ".join(texts)] if texts else []
    claims = [r for r in tried if r["against_base"] in ("better", "worse")]
    if claims and all(np.isnan(r["row_error"]) for r in claims):
        lines.append(
            f"Results by test row are not known: the intervals are over {about.trainings} alone."
        )
    return lines


def _one_seed(records: Sequence[_Record], metric: Metric) -> str:
    shown = ", ".join(
        f"{r['strategy']} {signed(r['difference'], metric)}"
        for r in records
        if r["strategy"] != YARDSTICK
    )
    of = f"{metric.label} in {metric.unit}" if metric.unit else metric.label
    return f"Against base, {of}, with that seed: {shown}."


def _tried(records: Sequence[_Record]) -> list[_Record]:
    """All but the yardstick and the control."""
    return [r for r in records if r["strategy"] not in (YARDSTICK, CONTROL)]


def _better(records: Sequence[_Record], metric: Metric) -> list[_Record]:
    """Strategies that were better than base, the best first."""
    return _sorted(_tried(records), "better", metric)


def _sorted(records: Sequence[_Record], outcome: str, metric: Metric) -> list[_Record]:
    """Those with an outcome, the largest gain first."""
    found = [r for r in records if r["against_base"] == outcome]
    return sorted(found, key=lambda r: metric.sign * r["difference"], reverse=True)


def _beats_random(record: _Record, metric: Metric) -> bool:
    low, high = record["difference_to_random_low"], record["difference_to_random_high"]
    return bool(low > 0 if metric.higher_is_better else high < 0)


def _with_interval(record: _Record, metric: Metric) -> str:
    """As ``importance +0.42 points (0.10 to 0.74)``."""
    shown = f"{record['strategy']} {_amount(record['difference'], metric)}"
    if np.isnan(record["difference_low"]):
        return shown
    low, high = (signed(record[f"difference_{end}"], metric) for end in ("low", "high"))
    return f"{shown} ({low} to {high})"


def _amount(value: float, metric: Metric) -> str:
    """With its unit, if it has one."""
    return f"{signed(value, metric)} {metric.unit}".rstrip()


def signed(value: float, metric: Metric) -> str:
    """A difference with the decimals of its metric."""
    return f"{round(value, metric.digits) or 0.0:+.{metric.digits}f}"  # not "-0.00"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
