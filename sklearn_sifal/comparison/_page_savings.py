"""The section of the page on what selection saves."""

import math
from collections.abc import Mapping
from typing import Any

from sklearn_sifal.comparison._candidates import YARDSTICK
from sklearn_sifal.comparison._page_data import PageData
from sklearn_sifal.comparison._page_parts import (
    Cell,
    Column,
    listed,
    number,
    paragraph,
    safe,
    table,
)
from sklearn_sifal.comparison._savings import COSTS

_KINDS = {"saves": "good", "does not reach": "bad", "the yardstick": "base"}


def savings_section(page: PageData) -> list[str]:
    """With what cost each strategy reaches base's figure."""
    metric, full = page.metric, page.of.budgets[-1]
    target = metric.factor * page.savings[0]["target"]
    lead = (
        f"What it takes to reach base's {metric.label} with budget {full:g}, "
        f"{target:.{metric.digits}f}: by the mean, and from the least to the largest of the "
        "trainings, with multiples of what base itself takes. It is the dashed line in the curves "
        "below; rings are where the means come to it."
    )
    columns = [
        Column("strategy", ascending=True),
        Column("outcome", "by the law of the verdict", ascending=True),
        Column("visits a row", "rows trained on, in units of the training rows", True),
        Column("× base", ascending=True),
        Column("rows forward", "scored rows included, in units of the training rows", True),
        Column("× base", ascending=True),
        Column("seconds", "of the fit, selection and scoring included", ascending=True),
        Column("× base", ascending=True),
        Column("trainings there", "with any of the budgets"),
    ]
    rows = [_row(page, record) for record in page.savings]
    said = page.of._savings_in_words(page.savings, metric)
    return [listed(said, "findings"), paragraph(lead, "lead"), table(columns, rows, "Savings")]


def marks(page: PageData, cost: str) -> dict[str, float]:
    """Where each strategy comes to base's figure, in the units of the pictures."""
    unit = page.of.settings["n_train"] if cost == "visits" else 1
    return {record["strategy"]: unit * record[cost] for record in page.savings}


def _row(page: PageData, record: Mapping[str, Any]) -> list[Cell]:
    outcome = str(record["outcome"])
    cells = [cell for cost in COSTS for cell in _cost_cells(record, cost)]
    there = f"{record['reached']} of {record['n_seeds']}"
    return [
        page.name_cell(record["strategy"]),
        Cell(safe(outcome), kind=_KINDS.get(outcome, "none")),
        *cells,
        Cell(there, record["reached"]),
    ]


def _cost_cells(record: Mapping[str, Any], cost: str) -> list[Cell]:
    """A cost with its range, and as a multiple of base's."""
    value, low, high = (record[f"{cost}{end}"] for end in ("", "_low", "_high"))
    bound = "≤ " if record["at_smallest"] else ""
    kind = "good" if record[f"{cost}_saved"] > 0 else ""
    if math.isnan(value):
        return [Cell("not reached", value, "none"), Cell("–", value, "none")]
    ends = "" if low == high else f" <small>({number(low)} to {_largest(high)})</small>"
    ratio = record[f"{cost}_ratio"]
    is_base = record["strategy"] == YARDSTICK
    return [
        Cell(f"{bound}{number(value)}{ends}", value, kind),
        Cell("–" if is_base else f"{bound}{number(ratio)}", ratio, "none" if is_base else kind),
    ]


def _largest(high: float) -> str:
    return "never" if math.isnan(high) else number(high)
