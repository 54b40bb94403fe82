"""Section of the page on how it was done."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn_sifal.comparison._page_data import PageData
from sklearn_sifal.comparison._page_parts import definitions, paragraph, safe, text_of

# A line is not to end within the hyphens of an option.
_OPTION = re.compile(r"(?<= )--[a-z-]+")


def method_section(page: PageData) -> list[str]:
    """Settings, versions, what was counted, and how to do it again."""
    about = page.of.settings
    seeds = ", ".join(str(seed) for seed in page.of.seeds)
    rates = about["lr"]
    if isinstance(rates, Sequence):
        rate = (
            f"each strategy at its own best of {', '.join(f'{r:g}' for r in rates)}, by the mean "
            f"{page.metric.label} over {_counted(about['n_validation_splits'], 'split')} of "
            f"the training part, {about['validation_fraction']:g} of it held out"
        )
    else:
        rate = "the estimator's own, for all" if rates is None else f"{rates:g} for all"
    pairs = {
        "estimator": f"<code>{safe(about['estimator'])}</code>",
        "strategies": "<br>".join(
            f"{text_of(name)}: <code>{text_of(page.parameters(name), 300)}</code>"
            for name in page.of.strategies
        ),
        "budget": "row visits in units of the training rows: "
        + ", ".join(f"{b:g}" for b in page.of.budgets),
        "test rows": _test_rows(about),
        "seeds": f"{seeds}; one fixes initial weights, order, selection and dropout, so that "
        "every strategy begins with the same weights",
        "learning rate": safe(rate),
        "visits, scored": "a visit is a row passed forward and backward; a scored row is passed "
        "forward only, to choose by. Budgets are in visits; scoring is in the seconds",
        "seconds": f"of fit alone, one thread a training, {about['n_jobs']} at a time on a "
        f"machine of {about['n_processors']} processors; strategies took turns, and "
        "what a process loads once was loaded before",
        "intervals": "95 % intervals of the differences to base, paired by seed, over trainings "
        "and test rows together (min F'); verdicts by Holm's adjustment over the strategies",
        "versions": safe(", ".join(f"{k} {v}" for k, v in about["versions"].items())),
    }
    return [definitions(pairs, "how"), _again(page)]


def _test_rows(about: Mapping[str, Any]) -> str:
    n_test = _counted(about["n_test"], "row")
    if about["has_test_part"]:
        return f"{n_test} of a test part of its own"
    return f"{n_test}, over {_counted(about['n_splits'], 'split')} of the rows given"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _again(page: PageData) -> str:
    """How to do it again, in the words of whoever compared: Python's, or a command's."""
    if command := page.of.settings.get("command"):
        lead = "To do it again: what was typed, and in options what was guessed besides."
        words = _OPTION.sub(r'<span class="option">\g<0></span>', safe(command))
        return f"{paragraph(lead)}<pre>{words}</pre>"
    again = (
        "# One training again, bit for bit with the same versions. The estimator is the last\n"
        "# step alone, X_train what the steps before it make of the inputs.\n"
        "from sklearn.base import clone\n"
        "\n"
        "net = clone(estimator).set_params(\n"
        f"    sampling_strategy=..., budget={page.of.budgets[-1]:g}, "
        f"random_state={page.of.seeds[0]}, n_threads=1\n"
        ").fit(X_train, y_train)"
    )
    return f"<pre>{safe(again)}</pre>"
