"""The report on the strategies' table: numbers, intervals, and verdicts by stated rules."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import sklearn
import torch
from scipy.stats import t as student_t

from benchmarks._cells import Record, Records, strategy_labels
from benchmarks._datasets import DATA_SETS
from benchmarks._plan import Group, best_rate, is_edge, rate_scores

BASE = "base"
_LEVEL = 0.95
_COST_BUDGET = 4.0
_WIDE = 0.01  # a point of accuracy: half an interval above it does not say "as base"


class Difference(NamedTuple):
    """Mean of paired differences, half the width of its 95 % t-interval, and their number."""

    mean: float
    half: float
    n: int

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves out zero, else 0."""
        return 0 if abs(self.mean) <= self.half else int(np.sign(self.mean))


def paired_difference(ours: dict[int, float], theirs: dict[int, float]) -> Difference | None:
    """Over the seeds that both have; None with fewer than two."""
    seeds = sorted(ours.keys() & theirs.keys())
    if len(seeds) < 2:
        return None
    gains = np.array([ours[s] - theirs[s] for s in seeds])
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    quantile = student_t.ppf((1 + _LEVEL) / 2, len(gains) - 1)
    return Difference(float(gains.mean()), float(quantile * error), len(gains))


class Table:
    """What the records say about each group, at its best rate and at the shared one."""

    def __init__(self, records: Records) -> None:
        self._by_fit: dict[tuple[Group, float], list[Record]] = {}
        rates: dict[Group, None] = {}
        for cell, record in records.items():
            group = Group(cell.dataset, cell.noise, cell.strategy, cell.budget)
            rates[group] = None
            if cell.phase == "test":
                self._by_fit.setdefault((group, cell.lr), []).append(record)
        self.groups = set(rates)
        self.best = {group: best_rate(records, group) for group in rates}
        self.records = records

    def rate(self, group: Group, *, shared: bool) -> float | None:
        return group.shared_rate if shared else self.best.get(group)

    def fits(self, group: Group, *, shared: bool, status: str = "ok") -> list[Record]:
        lr = self.rate(group, shared=shared)
        found = [] if lr is None else self._by_fit.get((group, lr), [])
        return [record for record in found if record["status"] == status]

    def has_diverged(self, group: Group) -> bool:
        """Whether it did for any seed at the best rate, or for every rate."""
        return self.diverged_at_all_rates(group) or bool(
            self.fits(group, shared=False, status="diverged")
        )

    def diverged_at_all_rates(self, group: Group) -> bool:
        return rate_scores(self.records, group) == {}

    def values(self, group: Group, name: str, *, shared: bool = False) -> dict[int, float]:
        return {
            record["seed"]: record[name]
            for record in self.fits(group, shared=shared)
            if record.get(name) is not None
        }

    def mean(self, group: Group, name: str, *, shared: bool = False) -> float | None:
        values = list(self.values(group, name, shared=shared).values())
        return float(np.mean(values)) if values else None

    def against(self, group: Group, other: str, *, shared: bool = False) -> Difference | None:
        """Paired difference in accuracy against another strategy in the same place."""
        return paired_difference(
            self.values(group, "accuracy", shared=shared),
            self.values(group._replace(strategy=other), "accuracy", shared=shared),
        )

    def against_controls(self, group: Group) -> Difference | None:
        """Against the better of the random controls there are."""
        means = {name: self.mean(group._replace(strategy=name), "accuracy") for name in CONTROLS}
        there = {name: mean for name, mean in means.items() if mean is not None}
        return self.against(group, max(there, key=lambda name: there[name])) if there else None

    @cached_property
    def places(self) -> list[tuple[str, float]]:
        """Data sets with their noise, in the order of the plan."""
        there = {(g.dataset, g.noise) for g in self.groups}
        order = list(DATA_SETS)
        return sorted(there, key=lambda place: (order.index(place[0]), place[1]))

    @cached_property
    def n_seeds(self) -> int:
        return max((len(fits) for fits in self._by_fit.values()), default=0)

    def budgets(self, place: tuple[str, float]) -> list[float]:
        return sorted({g.budget for g in self.groups if (g.dataset, g.noise) == place})

    def strategies(self, place: tuple[str, float]) -> list[str]:
        there = {g.strategy for g in self.groups if (g.dataset, g.noise) == place}
        return [label for label in strategy_labels() if label in there]


# ------------------------------------------------------------------ verdicts


@dataclass
class Signs:
    """What the intervals of one strategy in one place say, a budget each."""

    gains: dict[float, Difference] = field(default_factory=dict)  # over base, at own best rates
    shared: dict[float, Difference] = field(default_factory=dict)  # over base, at the shared rate
    control: dict[float, Difference] = field(default_factory=dict)  # over random, at best rates
    # Base's best rate and the shared one.
    base_rates: dict[float, tuple[float, float]] = field(default_factory=dict)
    diverged: list[float] = field(default_factory=list)


def signs(table: Table, place: tuple[str, float], strategy: str) -> Signs:
    found = Signs()
    for budget in table.budgets(place):
        group = Group(*place, strategy, budget)
        if table.has_diverged(group):
            found.diverged.append(budget)
            continue  # the seeds that are left would flatter it
        for target, difference in (
            (found.gains, table.against(group, BASE)),
            (found.shared, table.against(group, BASE, shared=True)),
            (found.control, table.against_controls(group)),
        ):
            if difference is not None:
                target[budget] = difference
        base_rate = table.best.get(group._replace(strategy=BASE))
        if base_rate is not None:
            found.base_rates[budget] = (base_rate, group.shared_rate)
    return found


def verdict(strategy: str, found: Signs, clean: Signs | None = None) -> str:
    """In words; empty where nothing can be compared yet. The rules are in `RULES`.

    `clean` has the signs without wrong labels, where `found` are those with them.
    """
    n = len(found.gains) + len(found.diverged)
    if not n:
        return ""
    if strategy == BASE and not found.diverged:
        return "the yardstick"
    worse = _where(found.gains, -1)
    harmed = [
        budget
        for budget in worse
        if clean is not None
        and strategy not in CONTROLS
        and (budget not in clean.gains or found.gains[budget].mean < clean.gains[budget].mean)
    ]
    undecided = _where(found.gains, 0)
    unclear = [budget for budget in undecided if found.gains[budget].half > _WIDE]
    same = [b for b in undecided if (found.gains[b].mean, found.gains[b].half) == (0, 0)]
    said = [
        ("better than base", _where(found.gains, 1)),
        ("identical to base", same),
        ("as base", [budget for budget in undecided if budget not in (*unclear, *same)]),
        ("unclear against base", unclear),
        ("worse than base", [budget for budget in worse if budget not in harmed]),
        ("harmful under label noise", harmed),
        ("training diverged", found.diverged),
    ]
    if strategy not in CONTROLS:
        said += [
            ("random does as well", _where(found.control, 0)),
            ("random does better", _where(found.control, -1)),
        ]
    said += _rate_remarks(found)
    return "; ".join(
        text if len(budgets) == n else f"{text} at {_join(budgets)}"
        for text, budgets in said
        if budgets
    )


def _rate_remarks(found: Signs) -> list[tuple[str, list[float]]]:
    """Gains at the shared rate that are gone at best rates, and what made them."""
    gone = [
        budget
        for budget, gain in found.gains.items()
        if gain.sign <= 0 and budget in found.shared and found.shared[budget].sign > 0
    ]
    larger = [b for b in gone if found.base_rates[b][0] > found.base_rates[b][1]]
    smaller = [b for b in gone if found.base_rates[b][0] < found.base_rates[b][1]]
    neither = [b for b in gone if b not in larger and b not in smaller]
    return [
        ("a larger learning rate does as well", larger),
        ("a smaller learning rate does as well", smaller),
        ("a gain at the shared rate only", neither),
    ]


def _where(by_budget: dict[float, Difference], sign: int) -> list[float]:
    return [budget for budget, difference in by_budget.items() if difference.sign == sign]


def _join(budgets: Sequence[float]) -> str:
    return ", ".join(f"{b:g}" for b in budgets)


RULES = """\
A verdict follows from intervals, budget by budget; without a budget it holds for all that were
run. Nothing is said from fewer than two seeds.

- *better than base*, *as base*, *worse than base*: the paired interval, each at its own best rate,
  lies above zero, holds it, or lies below it;
- *identical to base*: no difference for any seed, as of a rule that never came into play;
- *unclear against base*: it holds zero and reaches more than a point of accuracy to either side;
- *harmful under label noise*: with wrong labels it lies below zero, and its middle is lower than
  without them;
- *random does as well*, *random does better*: so does the paired interval against the better of
  the random controls on these seeds, each at its own best rate: it holds zero, or lies below it;
- *a larger learning rate does as well*: the gain over base at the shared rate, with an interval
  above zero, is gone at best rates, and base's own best rate is the larger one (or *smaller*, or,
  where base's best rate is the shared one, *a gain at the shared rate only*).

An interval is 95 %: where two methods are equal, one comparison in twenty says that they are not.
"""


# ------------------------------------------------------------------ markdown


def report(records: Records, n_old: int = 0) -> str:
    """The whole report as markdown. What was not run is blank."""
    table = Table(records)
    sections = ["# Strategies compared at equal visits\n", _introduction(table)]
    if n_old:
        sections.append(
            f"{n_old} results in the file are out of date (another protocol, or other "
            "parameters of the strategy) and left out.\n"
        )
    sections += ["## Verdicts\n", RULES, _tally(table)]
    for name in dict.fromkeys(dataset for dataset, _ in table.places):
        sections += [f"### {DATA_SETS[name].title}\n", _verdicts(table, name)]
    for place in table.places:
        sections += _place(table, place)
    sections.append(_failures(records))
    return "\n".join(section for section in sections if section)


def _introduction(table: Table) -> str:
    lines = [
        f"Every strategy has the same budget of row visits and {table.n_seeds} seeds, which fix "
        "initial weights, order and wrong labels alike for all of them. Its learning rate is the "
        "best of five, chosen by the mean over validation splits, each a fifth of the training "
        "part and fitted with a seed of its own; with wrong labels in the training part the rows "
        "that choose have them too, the test part never has. Rows that repeat in a query log are "
        "held out together. Rates are chosen by accuracy, and by balanced accuracy where the "
        "training part is imbalanced. `*` marks a best rate at the edge of the grid. Differences "
        "are in points of accuracy, paired by seed, with a 95 % t-interval, bold where it leaves "
        "out zero.",
        "",
        f"Machine: {platform.machine()}, Python {platform.python_version()}, scikit-learn "
        f"{sklearn.__version__}, torch {torch.__version__}, one thread a fit.",
        "",
        "| data set | rows trained on | rows tested on | hidden units | rates | chosen by "
        "| splits |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(dataset for dataset, _ in table.places):
        sizes = next(
            (
                (r["n_train"], r["n_scored"])
                for r in table.records.values()
                if (r["dataset"], r["phase"], r["status"]) == (name, "test", "ok")
            ),
            ("", ""),
        )
        data_set = DATA_SETS[name]
        hidden = ", ".join(map(str, data_set.hidden))
        criterion = data_set.criterion.replace("_", " ")
        rates = ", ".join(f"{lr:g}" for lr in data_set.rates)
        columns = [data_set.title, *map(str, sizes), hidden, rates, criterion]
        lines.append(_row([*columns, str(data_set.n_splits)]))
    return "\n".join(lines) + "\n"


def _tally(table: Table) -> str:
    """How often each strategy was better, as good and worse, over data sets and budgets."""
    counts: dict[str, dict[str, list[int]]] = {}
    for place in table.places:
        for strategy in table.strategies(place):
            found = signs(table, place, strategy)
            kind = "noisy" if place[1] else "clean"
            for name, by_budget in ((kind, found.gains), (f"{kind}, shared", found.shared)):
                tally = counts.setdefault(strategy, {}).setdefault(name, [0, 0, 0])
                for difference in by_budget.values():
                    tally[1 - difference.sign] += 1
    columns = ("clean", "noisy", "clean, shared", "noisy, shared")
    lines = [
        "Number of data sets and budgets where a strategy was better than base, not told apart "
        "from it, and worse:",
        "",
        "| strategy | clean, own best rate | 20 % wrong labels, own best rate "
        "| clean, shared rate | 20 % wrong labels, shared rate |",
        "|---|---|---|---|---|",
    ]
    for strategy in strategy_labels():
        if strategy in counts and strategy != BASE:
            tallies = [counts[strategy].get(c, [0, 0, 0]) for c in columns]
            lines.append(_row([strategy, *(" / ".join(map(str, t)) for t in tallies)]))
    return "\n".join(lines) + "\n"


def _verdicts(table: Table, dataset: str) -> str:
    noises = [noise for name, noise in table.places if name == dataset]
    labels = [
        s for s in strategy_labels() if any(s in table.strategies((dataset, n)) for n in noises)
    ]
    lines = [_row(["strategy", *map(_noise_title, noises)]), "|---" * (1 + len(noises)) + "|"]
    for strategy in labels:
        found = {noise: signs(table, (dataset, noise), strategy) for noise in noises}
        clean = found.get(0.0, Signs())
        texts = (verdict(strategy, found[n], clean if n else None) for n in noises)
        lines.append(_row([strategy, *texts]))
    return "\n".join(lines) + "\n"


def _noise_title(noise: float) -> str:
    return f"{100 * noise:g} % wrong labels" if noise else "clean"


def _place(table: Table, place: tuple[str, float]) -> list[str]:
    title = f"## {DATA_SETS[place[0]].title}, {_noise_title(place[1])}\n"
    return [
        title,
        "Test accuracy (%) and difference against base by budget, **each at its own best rate**:\n",
        _by_budget(table, place, lambda group: _accuracy(table, group, shared=False)),
        f"The same, all at the shared rate of {_shared_rate(place)}:\n",
        _by_budget(table, place, lambda group: _accuracy(table, group, shared=True)),
        "Best rates:\n",
        _by_budget(table, place, lambda group: _best_rate(table, group)),
        _costs(table, place),
    ]


def _shared_rate(place: tuple[str, float]) -> float:
    return Group(*place, BASE, 1).shared_rate


def _by_budget(table: Table, place: tuple[str, float], entry: Callable[[Group], str]) -> str:
    budgets = table.budgets(place)
    lines = [_row(["strategy", *(f"{b:g}" for b in budgets)]), "|---" * (1 + len(budgets)) + "|"]
    for strategy in table.strategies(place):
        entries = [entry(Group(*place, strategy, b)) for b in budgets]
        lines.append(_row([strategy, *entries]))
    return "\n".join(lines) + "\n"


def _accuracy(table: Table, group: Group, *, shared: bool) -> str:
    diverged = len(table.fits(group, shared=shared, status="diverged"))
    if diverged:
        n = diverged + len(table.fits(group, shared=shared))
        return f"diverged ({diverged} of {n})"
    mean = table.mean(group, "accuracy", shared=shared)
    if mean is None:
        return ""
    text = f"{100 * mean:.2f}"
    difference = None if group.strategy == BASE else table.against(group, BASE, shared=shared)
    if difference is not None:
        gain = f"{100 * difference.mean:+.2f} ± {100 * difference.half:.2f}"
        text += f" (**{gain}**)" if difference.sign else f" ({gain})"
    n = len(table.values(group, "accuracy", shared=shared))
    if n < table.n_seeds:
        text += f", {n} of {table.n_seeds} seeds"
    return text if shared else text + _edge_mark(table, group)


def _edge_mark(table: Table, group: Group) -> str:
    lr = table.best.get(group)
    return r" \*" if lr is not None and is_edge(group, lr) else ""


def _best_rate(table: Table, group: Group) -> str:
    lr = table.best.get(group)
    if lr is not None:
        return f"{lr:g}{_edge_mark(table, group)}"
    return "diverged at all" if table.diverged_at_all_rates(group) else ""


# Title, field, format; seconds as medians, since other programs disturb them.
_COSTS = (
    ("NLL", "nll", "{:.3f}"),
    ("macro F1", "macro_f1", "{:.4f}"),
    ("visits", "visits", "{:.0f}"),
    ("rows scored", "scored", "{:.0f}"),
    ("steps", "steps", "{:.0f}"),
    ("share in the median round", "median_share", "{:.2f}"),
    ("s selecting", "seconds_select", "{:.2f}"),
    ("s scoring", "seconds_score", "{:.2f}"),
    ("s training", "seconds_train", "{:.2f}"),
    ("s in all", "seconds", "{:.2f}"),
)
_WRONG = (
    ("AUROC of the visits for wrong labels", "wrong_auroc", "{:.3f}"),
    ("share of the visits on wrong labels", "wrong_visits", "{:.3f}"),
)


def _costs(table: Table, place: tuple[str, float]) -> str:
    budgets = table.budgets(place)
    budget = min(budgets, key=lambda b: abs(b - _COST_BUDGET))
    columns = _COSTS + (_WRONG if place[1] else ())
    lines = [
        f"Quality and cost at a budget of {budget:g}, own best rates (means; medians of seconds):",
        "",
        _row(["strategy", *(title for title, _, _ in columns)]),
        "|---" * (1 + len(columns)) + "|",
    ]
    for strategy in table.strategies(place):
        group = Group(*place, strategy, budget)
        entries = []
        for _, name, form in columns:
            values = list(table.values(group, name).values())
            middle = np.median if name.startswith("seconds") else np.mean
            entries.append(form.format(middle(values)) if values else "")
        lines.append(_row([strategy, *entries]))
    return "\n".join(lines) + "\n"


def _failures(records: Records) -> str:
    """Fits that ended in an error other than a loss that is not finite, a line for each kind."""
    kinds: dict[tuple[str, str, str], int] = {}
    for record in records.values():
        if record["status"] == "failed":
            kind = (record["strategy"], record["dataset"], record["error"])
            kinds[kind] = kinds.get(kind, 0) + 1
    if not kinds:
        return ""
    lines = [f"- {s} on {d}, {n} of its fits: {error}" for (s, d, error), n in kinds.items()]
    return "\n".join(
        ["## Fits that failed\n", "They are tried again in the next run.\n", *lines, ""]
    )


def _row(entries: Sequence[str]) -> str:
    return "| " + " | ".join(entries) + " |"
