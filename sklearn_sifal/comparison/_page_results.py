"""Sections of the page on the results: verdict, table, curves, classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sklearn_sifal.comparison._candidates import CONTROL, YARDSTICK
from sklearn_sifal.comparison._page_data import PageData, figures
from sklearn_sifal.comparison._page_parts import (
    Cell,
    Column,
    amount,
    figure,
    listed,
    measured,
    name_of,
    number,
    paragraph,
    safe,
    table,
    text_of,
)
from sklearn_sifal.comparison._page_savings import marks
from sklearn_sifal.comparison._scores import Metric, loss_among


def verdict_section(page: PageData) -> list[str]:
    """What it all says, in words."""
    verdict = page.of._verdict()
    parts = [paragraph(verdict.headline, "headline"), listed(verdict.findings, "findings")]
    if verdict.cautions:
        cautions = f"<h3>Keep in mind</h3>{listed(verdict.cautions)}"
        parts.append(f'<div class="cautions">{cautions}</div>')
    return parts


def table_section(page: PageData) -> list[str]:
    """One row a strategy."""
    metric = page.metric
    others = [m for m in page.of.metrics[1:] if m.name not in ("precision", "recall")]
    columns = [
        Column("strategy", ascending=True),
        Column(safe(metric.label), "mean over the trainings, in per cent"),
        Column(
            f"against base, {metric.unit}".rstrip(", "),
            "mean of the differences paired by seed, with a 95 % interval over trainings and rows",
        ),
        Column("verdict", "after adjusting for the number of strategies", ascending=True),
        Column("seconds", "median, of the fit alone, selection included", ascending=True),
        Column("× base", "median, smallest and largest of the paired ratios of seconds", True),
        Column("against random", "mean of the differences paired by seed"),
        *(Column(safe(m.label), ascending=not m.higher_is_better) for m in others),
        Column("learning rate", "* an end of the grid"),
        Column("visits", "rows trained on"),
        Column("scored", "rows passed forward without training"),
        Column("steps"),
    ]
    scale = _scale(page.records)
    rows = [_table_row(page, record, others, scale) for record in page.records]
    of = "of one seed" if len(page.of.seeds) == 1 else f"over {page.of._trainings()}"
    lead = (
        f"Test figures, means {of}, with a budget of {page.of.budgets[-1]:g}. "
        "Press a heading to sort by it."
    )
    return [paragraph(lead, "lead"), table(columns, rows, "Strategies")]


def _table_row(
    page: PageData, record: Mapping[str, Any], others: Sequence[Metric], scale: float
) -> list[Cell]:
    """One strategy."""
    metric, name, lr = page.metric, record["strategy"], record["lr"]
    nothing = Cell("–", float("nan"), "none")
    outcome = str(record["against_base"])
    kind = {"better": "good", "worse": "bad", "unstable": "bad", "the yardstick": "base"}.get(
        outcome, ""
    )
    edge = "*" if record["lr_at_edge"] else ""
    return [
        page.name_cell(name),
        _figure_cell(record, metric),
        nothing
        if outcome in ("the yardstick", "identical")
        else _gain(record, metric.digits, scale, kind),
        Cell(safe(outcome), kind=kind or "none"),
        measured(record["seconds"]),
        _ratio_cell(record),
        nothing
        if name in (YARDSTICK, CONTROL)
        else amount(record["difference_to_random"], metric.digits, signed=True),
        *(_figure_cell(record, m) for m in others),
        Cell(page.own_rate(name)) if lr is None else Cell(f"{lr:g}{edge}", lr),
        *(amount(record[cost], 0) for cost in ("visits", "scored", "steps")),
    ]


def curves_section(page: PageData) -> list[str]:
    """What was reached for which cost, and on the way."""
    budgets = page.of.budgets
    if len(budgets) > 1:
        listed_budgets = ", ".join(f"{b:g}" for b in budgets)
        lead = (
            f"Every point is trainings of its own, with budgets of {listed_budgets}: the mean over "
            "the seeds, and their range as a band."
        )
    else:
        lead = f"There is one budget, {budgets[0]:g}, so each strategy is a point."
    pictures = [*_pictures_of_runs(page), *_pictures_of_rounds(page)]
    return [paragraph(lead, "lead"), page.key(), figures(pictures)]


def _pictures_of_runs(page: PageData) -> list[str]:
    metric = page.metric
    runs = [page.in_units(run) for run in page.of.runs if run["error"] is None]
    label = page.axis_label(metric)
    if len(page.of.budgets) == 1:
        caption = (
            f"Mean {metric.label} against median seconds of the fit; small marks are the single "
            "trainings."
        )
        return [figure(page.panels.points(runs, metric.name, label), caption)]
    level = metric.factor * page.savings[0]["target"]
    captions = {
        "visits": f"At equal visits: {metric.label} on the test part. The dashed line is base's "
        "with the largest budget; rings: where means come to it.",
        "seconds": "The same against the seconds of the fit, selection included; rings by medians.",
    }
    return [
        figure(
            page.panels.curves(
                runs, metric.name, label, cost, level=level, marks=marks(page, cost)
            ),
            caption,
        )
        for cost, caption in captions.items()
    ]


def _pictures_of_rounds(page: PageData) -> list[str]:
    rounds = [page.in_units(round_) for round_ in page.of.rounds]
    if all(round_["round"] == 0 for round_ in rounds):
        return []
    start = (
        f"On the way, seed {page.of.seeds[0]}: nets that are not finished, with a rate that has "
        "not fallen yet."
    )
    return [
        figure(
            page.panels.curves(rounds, m.name, page.axis_label(m), "visits"),
            f"{start} Test {m.label} after each round.",
        )
        for m in dict.fromkeys((page.metric, loss_among(page.of.metrics)))
    ]


def classes_section(page: PageData) -> list[str]:
    """One row a label."""
    by_class = {name: page.of.per_class(name) for name in page.of.strategies}
    others = [name for name in page.of.strategies if name != YARDSTICK]
    columns = [
        Column("label", ascending=True),
        *map(Column, ("test rows", "base precision", "base recall", "base F1")),
        *(Column(name_of(name, 40), "recall, in points against base") for name in others),
    ]
    rows = [
        [
            Cell(name_of(of_base["label"], 60), kind="name", title=text_of(of_base["label"], 200)),
            Cell(f"{of_base['support']:,}", of_base["support"]),
            *(
                Cell(number(100 * of_base[key], 1), of_base[key])
                for key in ("precision", "recall", "f1")
            ),
            *(_recall_cell(by_class[name][i]) for name in others),
        ]
        for i, of_base in enumerate(by_class[YARDSTICK])
    ]
    lead = (
        "How well base does on each label of the test part, in per cent, and by how many points "
        "each strategy changes the recall."
    )
    if len(page.of.seeds) > 1:
        lead += (
            " Coloured where the 95 % interval leaves out zero, which one in twenty "
            f"of these {len(rows) * len(others):,} differences does by chance."
        )
    return [paragraph(lead, "lead"), table(columns, rows, "Labels")]


def _figure_cell(record: Mapping[str, Any], metric: Metric) -> Cell:
    return amount(metric.factor * record[metric.name], metric.digits)


def _scale(records: Sequence[Mapping[str, Any]]) -> float:
    """Half the width that intervals are drawn in: the largest end that is not out of all others."""
    ends = [
        abs(record[key])
        for record in records
        for key in ("difference", "difference_low", "difference_high")
        if np.isfinite(record[key])
    ]
    # One strategy that failed would press all others into the zero line.
    limit = 4 * float(np.median(ends)) if ends else 0.0
    return min(max(ends, default=0.0), limit) or max(ends, default=0.0) or 1.0


def _gain(record: Mapping[str, Any], digits: int, scale: float, kind: str) -> Cell:
    """A difference to base, and a picture of it and its interval about zero."""
    mean, low, high = (record[f"difference{end}"] for end in ("", "_low", "_high"))
    if not np.isfinite(mean):
        return Cell("–", float("nan"), "none")

    def at(value: float) -> float:
        return 72 + 66 * float(np.clip(value / scale, -1, 1))

    bar, words = "", "one seed"
    if np.isfinite(low):
        words = f"{number(low, digits, signed=True)} to {number(high, digits, signed=True)}"
        bar = (
            f'<line x1="{at(low):.1f}" x2="{at(high):.1f}" y1="10" y2="10" '
            'stroke="var(--accent)" stroke-width="5" stroke-linecap="round" opacity=".4"/>'
        )
    mark = f'<circle cx="{at(mean):.1f}" cy="10" r="4.5" fill="var(--accent)"/>'
    if abs(mean) > scale:  # too far away to be drawn
        tip = 2 if mean < 0 else 142
        back = tip + (9 if mean < 0 else -9)
        mark = f'<path d="M{tip} 10L{back} 4.5V15.5Z" fill="var(--accent)"/>'
    svg = (
        '<svg class="interval" viewBox="0 0 144 20" aria-hidden="true">'
        f'<line x1="72" x2="72" y1="0" y2="20" stroke="var(--soft)"/>{bar}{mark}</svg>'
    )
    shown = f"<b>{number(mean, digits, signed=True)}</b>{svg}<small>{words}</small>"
    return Cell(f'<span class="gain">{shown}</span>', mean, kind)


def _ratio_cell(record: Mapping[str, Any]) -> Cell:
    """A ratio of seconds, with the smallest and the largest of the pairs."""
    ratio, low, high = (record[f"seconds_ratio{end}"] for end in ("", "_low", "_high"))
    if record["n_seeds"] == 1 or record["n_failed"] or record["strategy"] == YARDSTICK:
        return amount(ratio)
    return Cell(f"{number(ratio)} <small>({number(low)} to {number(high)})</small>", ratio)


def _recall_cell(record: Mapping[str, Any]) -> Cell:
    difference, low, high = (record[f"recall_difference{end}"] for end in ("", "_low", "_high"))
    kind = "good" if low > 0 else "bad" if high < 0 else ""
    return Cell(number(difference, 1, signed=True), difference, kind)
