"""The report on the strategies' table, as markdown. What was not run is blank."""

import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import sklearn
import torch

from benchmarks._cells import Record, Records, strategy_labels
from benchmarks._datasets import DATA_SETS, N_FOLDS
from benchmarks._judging import ACCURACY, F1, NLL, YARDSTICK, Judgement, Place, judge
from benchmarks._plan import is_edge
from benchmarks._test_rows import TestRows
from sklearn_sifal.comparison import StrategyRanks, rank_strategies
from sklearn_sifal.comparison._scores import Metric
from sklearn_sifal.comparison._verdict import signed

_TOLD = ("better", "worse", "unstable", "failed")
_OTHERWISE = "not told apart"


class Found(NamedTuple):
    """What was found for a strategy in a place."""

    place: Place
    record: Record

    @property
    def outcome(self) -> str:
        """With what is identical among what is not told apart."""
        said: str = self.record["against_base"]
        return said if said in _TOLD else _OTHERWISE


class Table:
    """What the records say in each place."""

    def __init__(self, records: Records, test_rows: TestRows) -> None:
        self.records = records
        there = {(c.dataset, c.noise, c.budget) for c in records}
        order = list(DATA_SETS)
        places = sorted((Place(*p) for p in there), key=lambda p: (order.index(p[0]), *p[1:]))
        self.strategies = [s for s in strategy_labels() if s in {c.strategy for c in records}]
        self.judged: dict[Place, Judgement | None] = {
            place: judge(records, test_rows, place, self.strategies) for place in places
        }

    @cached_property
    def datasets(self) -> list[str]:
        return list(dict.fromkeys(place.dataset for place in self.judged))

    @cached_property
    def noises(self) -> list[float]:
        return sorted({place.noise for place in self.judged})

    @cached_property
    def n_fits(self) -> int:
        return max((len(j.seeds) for j in self.judged.values() if j is not None), default=0)

    def budgets(self, dataset: str, noise: float) -> list[float]:
        return sorted(p.budget for p in self.judged if (p.dataset, p.noise) == (dataset, noise))

    def record(self, place: Place, strategy: str, metric: Metric = ACCURACY) -> Record | None:
        judged = self.judged[place]
        return None if judged is None else judged.record(strategy, metric)

    def found(self, strategy: str, noise: float) -> Iterator[Found]:
        """What was found for a strategy in all places with that share of wrong labels."""
        for place in self.judged:
            record = self.record(place, strategy)
            if place.noise == noise and record is not None and record["n_seeds"] > 1:
                yield Found(place, record)


def report(records: Records, test_rows: TestRows, n_old: int = 0) -> str:
    """The whole page."""
    table = Table(records, test_rows)
    sections = [
        "# Strategies compared\n",
        "The output of `python -m benchmarks.strategies`. There are "
        "[older figures](comparison_older.md) of all strategies.\n",
        "## In short\n",
        _counts(table),
        _plain_verdicts(table),
        _over_data_sets(table),
        "## How it was made\n",
        _method(table),
        _data_sets(table),
    ]
    if n_old:
        sections.append(
            f"{n_old} results in the file are out of date (another protocol, other parameters of "
            "the strategy, or no test rows) and left out.\n"
        )
    sections += ["## Data set by data set\n", _LEGEND]
    for dataset in table.datasets:
        sections += [f"### {DATA_SETS[dataset].title}\n"]
        for noise in table.noises:
            if table.budgets(dataset, noise):
                sections += [f"{_noise_title(noise)}:\n", _entries(table, dataset, noise)]
    sections.append(_failures(records))
    return "\n".join(section for section in sections if section)


# ------------------------------------------------------------------------- in short


def _counts(table: Table) -> str:
    """How often each strategy was better, not told apart and worse."""
    titles = [_noise_title(noise) for noise in table.noises]
    lines = [
        "Data sets and budgets where the accuracy of a strategy is better than that of `base` / "
        "not told apart from it / worse, and in brackets where one training collapsed or broke "
        "down, so that its mean says nothing:\n",
        _row(["strategy", *titles]),
        "|---" * (1 + len(titles)) + "|",
    ]
    for strategy in table.strategies:
        if strategy != YARDSTICK:
            entries = (_count(list(table.found(strategy, noise))) for noise in table.noises)
            lines.append(_row([f"`{strategy}`", *entries]))
    return "\n".join(lines) + "\n"


def _count(found: Sequence[Found]) -> str:
    if not found:
        return ""
    counts = Counter(f.outcome for f in found)
    text = " / ".join(str(counts[outcome]) for outcome in ("better", _OTHERWISE, "worse"))
    fallen = counts["unstable"] + counts["failed"]
    return f"{text} ({fallen})" if fallen else text


def _plain_verdicts(table: Table) -> str:
    lines = []
    for strategy in table.strategies:
        if strategy == YARDSTICK:
            continue
        said = [
            f"{_noise_title(noise, inside=True)} {_in_words(found)}"
            for noise in table.noises
            if (found := list(table.found(strategy, noise)))
        ]
        if said:
            lines.append(f"- **`{strategy}`**: {'; '.join(said)}.")
    return "\n".join(lines) + "\n"


def _in_words(found: Sequence[Found]) -> str:
    parts = []
    for outcome, word in zip(_TOLD, ("better", "worse", "unstable", "broke down"), strict=True):
        places: dict[str, list[Place]] = {}
        for one in found:
            if one.outcome == outcome:
                places.setdefault(one.place.dataset, []).append(one.place)
        if places:
            named = ", ".join(_named(d, p, found) for d, p in places.items())
            parts.append(f"{word} on {named}")
    if not parts:
        return f"not told apart from `base` on any of {_data_sets_in(found)}"
    return ", ".join(parts)


def _data_sets_in(found: Sequence[Found]) -> str:
    n = len({one.place.dataset for one in found})
    return "1 data set" if n == 1 else f"{n} data sets"


def _named(dataset: str, places: Sequence[Place], found: Sequence[Found]) -> str:
    """A data set, with budgets unless it is all of them."""
    if len(places) == sum(one.place.dataset == dataset for one in found):
        return _short(dataset)
    return f"{_short(dataset)} (at {', '.join(f'{place.budget:g}' for place in places)})"


def _short(dataset: str) -> str:
    return DATA_SETS[dataset].short


def _noise_title(noise: float, *, inside: bool = False) -> str:
    if noise:
        return f"{'with ' if inside else ''}{100 * noise:g} % wrong labels"
    return "with right labels" if inside else "Right labels"


# ---------------------------------------------------------------- over all data sets


def _over_data_sets(table: Table) -> str:
    """What a rank test says, for each share of wrong labels and budget."""
    parts = []
    for noise, budget in sorted({(p.noise, p.budget) for p in table.judged}):
        figures = _figures(table, noise, budget)
        if len(figures) > 1:
            ranks = rank_strategies(figures, metric=ACCURACY.name, yardstick=YARDSTICK)
            title = f"{_noise_title(noise)}, budget {budget:g}"
            parts += [f"**{title}.** {ranks.verdict().splitlines()[0]}\n", _ranks(ranks)]
    return "\n".join(["## Over all data sets\n", _ON_RANKS, *parts]) if parts else ""


_ON_RANKS = """\
A [rank test over the data sets](comparing.md#over-many-files), by accuracy. Each counts once; those
made of the rows of another one, the thinned MNIST and the query log, have no part in it. By data
sets won / tied / lost against `base`; p-values are adjusted for the number of strategies (Holm).
"""


def _figures(table: Table, noise: float, budget: float) -> dict[str, dict[str, float]]:
    """Accuracies in % where all strategies have been run, by data set."""
    found: dict[str, dict[str, float]] = {}
    for dataset in table.datasets:
        judged = table.judged.get(Place(dataset, noise, budget))
        if judged is None or DATA_SETS[dataset].is_made_of_another:
            continue
        row = {name: judged.record(name) for name in table.strategies}
        if all(row.values()):
            found[DATA_SETS[dataset].short] = {
                name: 100 * record["accuracy"] for name, record in row.items() if record
            }
    return found


def _ranks(ranks: StrategyRanks) -> str:
    lines = [
        "| strategy | mean rank | won / tied / lost | median difference | p | |",
        "|---|---|---|---|---|---|",
    ]
    for record in ranks.summary():
        entries = [record["strategy"], f"{record['mean_rank']:.2f}"]
        if record["strategy"] == YARDSTICK:
            entries += [""] * 4
        else:
            entries += [
                " / ".join(str(record[count]) for count in ("wins", "ties", "losses")),
                signed(record["median_difference"], ACCURACY),
                f"{record['p_adjusted']:.3f}",
                record["outcome"],
            ]
        lines.append(_row(entries))
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------- how it was made


def _method(table: Table) -> str:
    machine = (
        f"{platform.machine()}, Python {platform.python_version()}, scikit-learn "
        f"{sklearn.__version__}, torch {torch.__version__}"
    )
    return f"""\
Every strategy has the same budget of row visits (2 is two a row) and {table.n_fits} trainings in
each place. A training's seed fixes initial weights, order and wrong labels, alike for all
strategies. Each training chooses its own learning rate, the best of five, on splits of its
training rows that hold out a fifth, and is then fitted on all of them; with wrong labels the rows
that choose have them too, the test rows never have. So the choice of the rate is part of what is
compared, and its luck is in the intervals. Rows that repeat in a query log are held out together.
Everything else is as the classifier has it without being told, but for the hidden units below.

Where a data set has a test part, all trainings are tested on it. A file without one is cut into
{N_FOLDS} folds, drawn by label with equal rows on one side, and each training is tested on a fold
of its own; its rate is chosen within the other four, and what turns columns into numbers is
fitted there.

Verdicts are those of [`compare_strategies`](comparing.md): differences are paired by training and
test row, and their intervals (95 %) count the luck of the test rows and of the trainings;
*better* and *worse* hold for all strategies of a place and budget together (Holm's adjustment;
`random` is the control and stands apart); *unstable* has a training that collapsed; *identical*
differs from `base` in no training. Over so many places a few verdicts are chance all the same: at
most one in twenty of the places where nothing differs has one.

Machine: {machine}, one thread a fit, beside other work.
"""


def _data_sets(table: Table) -> str:
    lines = [
        "| data set | training rows | test rows | hidden units | rates | chosen by | splits |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in table.datasets:
        data_set = DATA_SETS[name]
        sizes = [
            (r["n_train"], r["n_scored"])
            for r in table.records.values()
            if (r["dataset"], r["phase"], r["status"]) == (name, "test", "ok")
        ]
        columns = [
            data_set.title,
            *(_span(of, "{:,}") for of in zip(*sizes, strict=True)),
            *([""] * (0 if sizes else 2)),
            ", ".join(map(str, data_set.hidden)),
            ", ".join(f"{lr:g}" for lr in data_set.rates),
            data_set.criterion.replace("_", " "),
            str(data_set.n_splits),
        ]
        columns[2] += f" in each of {N_FOLDS} folds" if data_set.has_folds else ""
        lines.append(_row(columns))
    return "\n".join(lines) + "\n"


def _span(values: Sequence[float], form: str) -> str:
    low, high = form.format(min(values)), form.format(max(values))
    return low if low == high else f"{low} to {high}"


# ---------------------------------------------------------------- data set by data set

_LEGEND = """\
By budget the accuracy in %, the difference to `base` in points with its interval, and the verdict;
an interval is of one comparison, so that it may leave out zero where the verdict, which holds for
all of them together, is *not told apart*.
*Also told apart* are macro F1 and the negative log-likelihood (NLL), by the same law; "–" if
neither is. Rates are those that the trainings chose, with `*` if most of them chose an end of
the grid; seconds are multiples of `base`'s (medians of pairs); both for one budget / the other.
Blank entries were not run.
"""


def _entries(table: Table, dataset: str, noise: float) -> str:
    places = [Place(dataset, noise, budget) for budget in table.budgets(dataset, noise)]
    titles = [f"budget {place.budget:g}" for place in places]
    titles = ["strategy", *titles, "also told apart", "rates", "seconds"]
    lines = [_row(titles), "|---" * len(titles) + "|"]
    for strategy in table.strategies:
        rates, seconds = (
            [entry(table, place, strategy) for place in places] for entry in (_rates, _seconds)
        )
        cells = [
            *(_accuracy(table, place, strategy) for place in places),
            _also(table, places, strategy),
            *(" / ".join(entries) if any(entries) else "" for entries in (rates, seconds)),
        ]
        lines.append(_row([strategy, *cells]))
    return "\n".join(lines) + "\n"


def _accuracy(table: Table, place: Place, strategy: str) -> str:
    record = table.record(place, strategy)
    if record is None:
        return ""
    said = record["against_base"]
    fewer = "" if record["n_seeds"] == table.n_fits else f", {record['n_seeds']} trainings"
    if said == "failed":
        return f"broke down in {record['n_failed']} of {record['n_seeds']}"
    mean = f"{100 * record['accuracy']:.2f}"
    if strategy == YARDSTICK:
        return mean + fewer
    if said == "identical":
        return f"{mean}, {said}{fewer}"
    gain = signed(record["difference"], ACCURACY)
    if not np.isnan(record["difference_low"]):
        low, high = (signed(record[f"difference_{end}"], ACCURACY) for end in ("low", "high"))
        gain += f" ({low} to {high})"
    if said == "unstable":
        said += f", worst {100 * record['worst']:.2f}"
    word = f"**{said}**" if said.split(",")[0] in _TOLD else said
    return f"{mean}, {gain} {word}{fewer}"


def _also(table: Table, places: Sequence[Place], strategy: str) -> str:
    """Where the other figures are told apart from base's."""
    if strategy == YARDSTICK or all(table.record(place, strategy) is None for place in places):
        return ""
    parts = []
    for metric, name in ((F1, "F1"), (NLL, "NLL")):
        said: dict[str, list[str]] = {}
        for place in places:
            record = table.record(place, strategy, metric)
            if record is not None and record["against_base"] in ("better", "worse", "unstable"):
                said.setdefault(record["against_base"], []).append(f"{place.budget:g}")
        parts += [f"{name} {word} at {', '.join(budgets)}" for word, budgets in said.items()]
    return "; ".join(parts) or "–"


def _rates(table: Table, place: Place, strategy: str) -> str:
    judged = table.judged[place]
    rates = [] if judged is None else judged.rates.get(strategy, [])
    if not rates:
        return ""
    at_edge = sum(is_edge(place.group(strategy), lr) for lr in rates)
    return _span(rates, "{:g}") + (r" \*" if 2 * at_edge > len(rates) else "")


def _seconds(table: Table, place: Place, strategy: str) -> str:
    record = table.record(place, strategy)
    if record is None or strategy == YARDSTICK or np.isnan(record["seconds_ratio"]):
        return ""
    return f"{record['seconds_ratio']:.2f}"


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
