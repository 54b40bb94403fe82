"""The page: one self-contained HTML file."""

from collections.abc import Callable, Sequence
from importlib.resources import files
from string import Template
from typing import Any

from sklearn_sifal._whole_files import (
    AnyPath,
    place_of_file,
    replacing_text,
    without_surrogates,
)
from sklearn_sifal.comparison._page_data import PageData, picked_contents
from sklearn_sifal.comparison._page_figures import Panels
from sklearn_sifal.comparison._page_method import method_section
from sklearn_sifal.comparison._page_parts import safe, section
from sklearn_sifal.comparison._page_results import (
    classes_section,
    curves_section,
    table_section,
    verdict_section,
)
from sklearn_sifal.comparison._page_savings import savings_section
from sklearn_sifal.comparison._page_training import (
    deciles_section,
    hardest_section,
    weights_section,
)
from sklearn_sifal.comparison._tables import ComparisonTables
from sklearn_sifal.plotting._figures import import_pyplot

# Titles, and what writes the parts of each section.
_SECTIONS: dict[str, tuple[str, Callable[[PageData], list[str]]]] = {
    "verdict": ("Verdict", verdict_section),
    "table": ("Table", table_section),
    "savings": ("What it saves", savings_section),
    "curves": ("Curves", curves_section),
    "classes": ("Classes", classes_section),
    "deciles": ("Loss deciles", deciles_section),
    "weights": ("Weights", weights_section),
    "hardest": ("Hardest rows", hardest_section),
    "how": ("How it was done", method_section),
}


def write_page(
    comparison: ComparisonTables,
    path: AnyPath,
    *,
    title: str | None,
    contents: Any,
    image_shape: Sequence[int] | None,
) -> None:
    """Write the page of a comparison, whole or not at all.

    Parameters
    ----------
    comparison : ComparisonTables
        What it is about.
    path : str, bytes or path-like
        The file.
    title : str or None
        Heading.
    contents : sequence or None
        What the training rows are.
    image_shape : sequence of int or None
        Shape of the rows if they are images.
    """
    import_pyplot("StrategyComparison.to_html")
    place_of_file(path)  # before the pictures are drawn
    page = PageData(
        of=comparison,
        records=comparison.summary(),
        savings=comparison.time_to_base(),
        panels=Panels(comparison.strategies),
        contents=comparison._contents
        if contents is None
        else picked_contents(comparison, contents),
        image_shape=None if image_shape is None else tuple(image_shape),
    )
    text = without_surrogates(_html(page, title))
    with replacing_text(path) as file:
        file.write(text)


def _html(page: PageData, title: str | None) -> str:
    """The whole page."""
    left_out = set() if page.recordings else {"deciles", "weights", "hardest"}
    if page.of.labels is None:
        left_out.add("classes")
    if len(page.of.budgets) == 1:
        left_out.add("savings")
    shown = {
        key: section(key, title, *write(page))
        for key, (title, write) in _SECTIONS.items()
        if key not in left_out
    }
    links = "".join(f'<li><a href="#{key}">{_SECTIONS[key][0]}</a></li>' for key in shown)
    here = files("sklearn_sifal.comparison")
    template, css, js = (
        here.joinpath(f"_page.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
    )
    return Template(template).substitute(
        title=safe(title or f"{len(page.of.strategies)} strategies against each other"),
        version=safe(page.of.settings["versions"].get("sklearn_sifal", "")),
        symbols=page.panels.symbols(),
        css=css,
        js=js,
        facts="\n".join(f"<li>{safe(fact)}</li>" for fact in _facts(page)),
        links=f"<ul>{links}</ul>",
        sections="\n".join(shown.values()),
    )


def _facts(page: PageData) -> list[str]:
    about, n_classes = page.of.settings, page.of.labels
    return [
        f"{len(page.of.strategies)} strategies",
        page.of._trainings(),
        f"budget {page.of.budgets[-1]:g}",
        f"{about['n_train']:,} training rows",
        f"{about['n_test']:,} test rows",
        f"{about['n_features']:,} features",
        *([f"{len(n_classes)} classes"] if n_classes is not None else []),
    ]
