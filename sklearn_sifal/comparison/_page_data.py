"""What the sections of the page share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn_sifal.comparison._kept_rows import contents_of, shown_rows
from sklearn_sifal.comparison._page_figures import Panels
from sklearn_sifal.comparison._page_parts import Cell, name_of, text_of
from sklearn_sifal.comparison._recordings import Recording
from sklearn_sifal.comparison._scores import Metric
from sklearn_sifal.comparison._tables import ComparisonTables


@dataclass(frozen=True)
class PageData:
    """A comparison, and how it is shown.

    Attributes
    ----------
    of : ComparisonTables
        The comparison.
    records : list of dict
        Its summary.
    savings : list of dict
        What it takes to reach base.
    panels : Panels
        Draws the pictures.
    contents : dict of int to object
        What training rows are, by number.
    image_shape : tuple of int or None
        Shape of the rows if they are images.
    """

    of: ComparisonTables
    records: list[dict[str, Any]]
    savings: list[dict[str, Any]]
    panels: Panels
    contents: dict[int, Any]
    image_shape: tuple[int, ...] | None

    @property
    def metric(self) -> Metric:
        """The main metric."""
        return self.of.metrics[0]

    @property
    def recordings(self) -> dict[str, Recording]:
        """Recorded trainings by strategy; those that broke down are missing."""
        return self.of._recordings

    def parameters(self, strategy: str) -> str:
        """What a strategy's name stands for."""
        changed = self.of.parameters[strategy]
        return ", ".join(f"{name}={value}" for name, value in changed.items())

    def own_rate(self, strategy: str) -> str:
        """Learning rate that a strategy brings, or has from the estimator."""
        rate = self.of.parameters[strategy].get("lr", repr(self.of.settings["estimator_lr"]))
        return text_of(rate.strip("'"))

    def key(self, names: Sequence[str] | None = None) -> str:
        """Lines and names of strategies; None for all."""
        shown = self.of.strategies if names is None else names
        items = "".join(f"<li>{self.panels.swatch(n)} {text_of(n)}</li>" for n in shown)
        return f'<ul class="key">{items}</ul>'

    def name_cell(self, strategy: str) -> Cell:
        """A strategy with its line; pointing shows its parameters."""
        name = f"{self.panels.swatch(strategy)}<span>{name_of(strategy)}</span>"
        title = text_of(self.parameters(strategy), 400)
        return Cell(f'<span class="who">{name}</span>', kind="name", title=title)

    def in_units(self, run: Mapping[str, Any]) -> dict[str, Any]:
        """Figures as they are shown: shares in per cent."""
        return {**run, **{m.name: m.factor * run[m.name] for m in self.of.metrics}}

    def axis_label(self, metric: Metric) -> str:
        """Name of a metric with its unit."""
        return f"{metric.label} (%)" if metric.factor == 100 else metric.label


def picked_contents(comparison: ComparisonTables, contents: Any) -> dict[int, Any]:
    """Contents of the rows that are shown, of what the user gives for all training rows."""
    n_rows = comparison.settings["n_rows"]
    n_given = contents.shape[0] if hasattr(contents, "shape") else len(contents)
    if n_given != n_rows:
        raise ValueError(
            f"contents must have one entry for each of the {n_rows} rows of X_train. Got {n_given}."
        )
    return contents_of(contents, shown_rows(comparison._recordings))


def figures(pictures: Sequence[str]) -> str:
    """Pictures beside each other where there is room."""
    kind = "figures three" if len(pictures) == 3 else "figures"
    return f'<div class="{kind}">{"".join(pictures)}</div>'
