"""The page: one self-contained HTML file."""

import os
import tempfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.comparison._candidates import CONTROL, YARDSTICK
from sklearn_sifal.comparison._page_figures import Panels, png_of
from sklearn_sifal.comparison._page_parts import (
    Cell,
    Column,
    by_strategy,
    definitions,
    figure,
    listed,
    number,
    paragraph,
    section,
    significant,
    table,
    text_of,
)
from sklearn_sifal.comparison._recordings import Recording
from sklearn_sifal.comparison._scores import Metric
from sklearn_sifal.inspection._deciles import LossDeciles
from sklearn_sifal.inspection._instances import InstanceTable
from sklearn_sifal.plotting._figures import import_pyplot

if TYPE_CHECKING:
    from sklearn_sifal.comparison._result import StrategyComparison

_MOST_SHARES = 8  # labels whose mix a bar can show
_MOST_LABELS = 3  # named for a decile, where there are more
_MOST_VALUES = 12  # of a row of a table of numbers
_COLORS = ("--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--s7", "--control")


def write_page(
    comparison: "StrategyComparison",
    path: Path,
    *,
    title: str | None,
    contents: Any,
    image_shape: Sequence[int] | None,
) -> None:
    """Write the page of a comparison, whole or not at all.

    Parameters
    ----------
    comparison : StrategyComparison
        What it is about.
    path : Path
        The file.
    title : str or None
        Heading.
    contents : sequence or None
        What the training rows are.
    image_shape : sequence of int or None
        Shape of the rows if they are images.
    """
    import_pyplot("StrategyComparison.to_html")
    if path.is_dir():
        raise IsADirectoryError(f"to_html writes a file, but {str(path)!r} is a folder.")
    text = _Page(comparison, contents, image_shape).html(title)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(draft, mode)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def _umask() -> int:
    """The process's mask for new files, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


class _Page:
    """Puts together the sections."""

    def __init__(
        self, comparison: "StrategyComparison", contents: Any, image_shape: Sequence[int] | None
    ) -> None:
        self.of = comparison
        self.metric = comparison.metrics[0]
        self.panels = Panels(comparison.strategies)
        self.records = comparison.summary()
        self.recordings: dict[str, Recording] = comparison._recordings
        self.image_shape = image_shape
        self.contents = comparison._contents if contents is None else _picked(self, contents)

    def html(self, title: str | None) -> str:
        """The whole page."""
        sections = {
            "verdict": ("Verdict", self._verdict()),
            "table": ("Table", self._table()),
            "curves": ("Curves", self._curves()),
            "classes": ("Classes", self._classes()),
            "deciles": ("Loss deciles", self._deciles()),
            "weights": ("Weights", self._weights()),
            "hardest": ("Hardest rows", self._hardest()),
            "how": ("How it was done", self._how()),
        }
        shown = {key: part for key, part in sections.items() if part[1]}
        links = "".join(f'<li><a href="#{key}">{name}</a></li>' for key, (name, _) in shown.items())
        here = files("sklearn_sifal.comparison")
        template, css, js = (
            here.joinpath(f"_page.{kind}").read_text(encoding="utf-8")
            for kind in ("html", "css", "js")
        )
        heading = title or f"{len(self.of.strategies)} strategies against each other"
        return Template(template).substitute(
            title=escape(heading),
            version=escape(self.of.settings["versions"].get("sklearn_sifal", "")),
            css=css,
            js=js,
            facts="\n".join(f"<li>{escape(fact)}</li>" for fact in self._facts()),
            links=f"<ul>{links}</ul>",
            sections="\n".join(part for _, part in shown.values()),
        )

    def _facts(self) -> list[str]:
        about, n_classes = self.of.settings, self.of.labels
        return [
            f"{len(self.of.strategies)} strategies",
            f"{len(self.of.seeds)} seed" + ("s" if len(self.of.seeds) > 1 else ""),
            f"budget {self.of.budgets[-1]:g}",
            f"{about['n_train']:,} training rows",
            f"{about['n_test']:,} test rows",
            f"{about['n_features']:,} features",
            *([f"{len(n_classes)} classes"] if n_classes is not None else []),
        ]

    # ------------------------------------------------------------------ verdict and table

    def _verdict(self) -> str:
        verdict = self.of._verdict()
        cautions = ""
        if verdict.cautions:
            cautions = (
                '<div class="cautions"><h3>Keep in mind</h3>' + listed(verdict.cautions) + "</div>"
            )
        headline = paragraph(verdict.headline, "headline")
        return section(
            "verdict", "Verdict", headline, listed(verdict.findings, "findings"), cautions
        )

    def _table(self) -> str:
        metric = self.metric
        others = [m for m in self.of.metrics[1:] if m.name not in ("precision", "recall")]
        columns = [
            Column("strategy", ascending=True),
            Column(escape(metric.label), "mean over the seeds, in per cent"),
            Column(
                f"against base, {metric.unit}",
                "mean of the differences paired by seed, with a 95 % t interval",
            ),
            Column("verdict", "after adjusting for the number of strategies", ascending=True),
            Column("seconds", "median, of the fit alone, selection included", ascending=True),
            Column("× base", "median of the paired ratios of seconds", ascending=True),
            Column("against random", f"difference to random, in {metric.unit}"),
            *(Column(escape(m.label), ascending=not m.higher_is_better) for m in others),
            Column("learning rate", "* an end of the grid"),
            Column("visits", "rows trained on"),
            Column("scored", "rows passed forward without training"),
            Column("steps"),
        ]
        scale = _scale(self.records)
        rows = [self._table_row(record, others, scale) for record in self.records]
        n_seeds = len(self.of.seeds)
        of = "of one seed" if n_seeds == 1 else f"over {n_seeds} seeds"
        lead = (
            f"Test figures, means {of}, after {self.of.budgets[-1]:g} visits for each training row. "
            "Press a heading to sort by it."
        )
        return section(
            "table", "Table", paragraph(lead, "lead"), table(columns, rows, "Strategies")
        )

    def _table_row(
        self, record: Mapping[str, Any], others: Sequence[Any], scale: float
    ) -> list[Cell]:
        metric, is_base = self.metric, record["strategy"] == YARDSTICK
        nothing = Cell("–", float("nan"), "none")
        outcome = str(record["against_base"])
        kind = {"better": "good", "worse": "bad", "the yardstick": "base"}.get(outcome, "")
        lr = record["lr"]
        to_random = record["difference_to_random"]
        return [
            self._name_cell(record["strategy"]),
            _figure_cell(record, metric),
            nothing if is_base else _gain(record, metric.digits, scale, kind),
            Cell(escape(outcome), kind=kind or "none"),
            Cell(significant(record["seconds"]), record["seconds"]),
            Cell(number(record["seconds_ratio"]), record["seconds_ratio"]),
            nothing
            if record["strategy"] in (YARDSTICK, CONTROL)
            else Cell(number(to_random, metric.digits, signed=True), to_random),
            *(_figure_cell(record, m) for m in others),
            Cell("auto")
            if lr is None
            else Cell(f"{lr:g}{'*' if record['lr_at_edge'] else ''}", lr),
            *(
                Cell(number(record[cost], 0), record[cost])
                for cost in ("visits", "scored", "steps")
            ),
        ]

    def _name_cell(self, strategy: str) -> Cell:
        """A strategy with its line; pointing shows its parameters."""
        html = f'<span class="who">{self.panels.swatch(strategy)}<span>{text_of(strategy)}</span></span>'
        return Cell(html, kind="name", title=text_of(self._parameters(strategy), 400))

    def _parameters(self, strategy: str) -> str:
        changed = self.of.parameters[strategy]
        return ", ".join(f"{name}={value}" for name, value in changed.items())

    # ------------------------------------------------------------------ curves

    def _curves(self) -> str:
        metric = self.metric
        runs = [self._in_units(run) for run in self.of.runs if run["error"] is None]
        label = self._axis_label()
        budgets = self.of.budgets
        parts = []
        if len(budgets) > 1:
            listed_budgets = ", ".join(f"{b:g}" for b in budgets)
            lead = (
                f"Every point is trainings of its own, with budgets of {listed_budgets}: the mean "
                "over the seeds, and their range as a band."
            )
            pictures = [
                figure(
                    self.panels.curves(runs, metric.name, label, "visits"),
                    f"At equal visits: {metric.label} on the test part.",
                ),
                figure(
                    self.panels.curves(runs, metric.name, label, "seconds"),
                    "The same against the seconds of the fit, selection included.",
                ),
            ]
        else:
            lead = f"There is one budget, {budgets[0]:g}, so each strategy is a point."
            pictures = [
                figure(
                    self.panels.points(runs, metric.name, label),
                    f"Mean {metric.label} against median seconds of the fit; small marks are the "
                    "single trainings.",
                )
            ]
        loss = next(m for m in self.of.metrics if not m.higher_is_better)
        on_the_way = (
            f"On the way, seed {self.of.seeds[0]}: nets that are not finished, with a rate that has "
            "not fallen yet."
        )
        rounds = [self._in_units(round_) for round_ in self.of.rounds]
        pictures += [
            figure(
                self.panels.curves(rounds, m.name, self._axis_label(m), "visits"),
                f"{on_the_way} Test {m.label} after each round.",
            )
            for m in (metric, loss)
        ]
        parts += [paragraph(lead, "lead"), self._key(), _figures(pictures)]
        return section("curves", "Curves", *parts)

    def _in_units(self, run: Mapping[str, Any]) -> dict[str, Any]:
        """Figures as they are shown: shares in per cent."""
        return {**run, **{m.name: m.factor * run[m.name] for m in self.of.metrics}}

    def _axis_label(self, metric: Metric | None = None) -> str:
        metric = metric or self.metric
        return f"{metric.label} (%)" if metric.factor == 100 else metric.label

    def _key(self, names: Sequence[str] | None = None) -> str:
        shown = self.of.strategies if names is None else names
        items = "".join(f"<li>{self.panels.swatch(n)} {text_of(n)}</li>" for n in shown)
        return f'<ul class="key">{items}</ul>'

    # ------------------------------------------------------------------ classes

    def _classes(self) -> str:
        if self.of.labels is None:
            return ""
        by_class = {name: self.of.per_class(name) for name in self.of.strategies}
        others = [name for name in self.of.strategies if name != YARDSTICK]
        columns = [
            Column("label", ascending=True),
            Column("test rows"),
            Column("base precision"),
            Column("base recall"),
            Column("base F1"),
            *(Column(text_of(name, 28), "recall, in points against base") for name in others),
        ]
        rows = []
        for i, of_base in enumerate(by_class[YARDSTICK]):
            cells = [
                Cell(
                    text_of(of_base["label"], 40), kind="name", title=text_of(of_base["label"], 200)
                ),
                Cell(f"{of_base['support']:,}", of_base["support"]),
            ]
            cells += [
                Cell(number(100 * of_base[key], 1), of_base[key])
                for key in ("precision", "recall", "f1")
            ]
            cells += [_recall_cell(by_class[name][i]) for name in others]
            rows.append(cells)
        lead = (
            "How well base does on each label of the test part, in per cent, and by how many points "
            "each strategy changes the recall. Coloured where the 95 % interval over the seeds "
            f"leaves out zero, which one in twenty of these {len(rows) * len(others):,} "
            "differences does by chance."
        )
        return section(
            "classes", "Classes", paragraph(lead, "lead"), table(columns, rows, "Labels")
        )

    # ------------------------------------------------------------------ deciles

    def _deciles(self) -> str:
        recordings = self.recordings
        if not recordings:
            return ""
        pictures = [
            figure(
                self.panels.by_decile(
                    {name: r.deciles.mean_loss for name, r in recordings.items()},
                    "mean loss",
                    log=True,
                ),
                "Loss of the training rows after training, sorted into tenths by each strategy's "
                "own loss.",
            ),
            figure(
                self.panels.by_decile(
                    {n: r.visits_by_decile.mean_visits for n, r in recordings.items()},
                    "mean visits a row",
                ),
                "Who was trained on: visits of the rows, sorted into tenths by the loss that base "
                "leaves.",
            ),
        ]
        lead = (
            "The training rows of the first seed, sorted by their loss after training: who is hard, "
            "and which labels do the hard ones have?"
        )
        parts = {name: self._decile_table(r) for name, r in recordings.items()}
        return section(
            "deciles",
            "Loss deciles",
            paragraph(lead, "lead"),
            self._key(list(recordings)),
            _figures(pictures),
            by_strategy("deciles-of", parts),
        )

    def _decile_table(self, recording: Recording) -> str:
        deciles = recording.deciles
        columns = [
            Column("decile", fixed=True),
            Column("rows", fixed=True),
            Column("loss, from", fixed=True),
            Column("to", fixed=True),
            Column("mean", fixed=True),
            Column("share of all loss", fixed=True),
        ]
        labels = deciles.labels
        mixed = labels is not None and len(labels) <= _MOST_SHARES
        if labels is not None:
            columns.append(Column("labels" if mixed else "most frequent labels", fixed=True))
        rows = []
        for i in reversed(range(deciles.n_bins)):
            name = f"{i + 1}"
            name += {deciles.n_bins - 1: " hardest", 0: " easiest"}.get(i, "")
            share = float(deciles.loss_share[i])
            cells = [
                Cell(name),
                Cell(f"{int(deciles.n_rows[i]):,}"),
                *(Cell(significant(float(v))) for v in deciles.loss_range[i]),
                Cell(significant(float(deciles.mean_loss[i]))),
                Cell(_meter(share)),
            ]
            if labels is not None:
                mix = _mix_bar(deciles, i) if mixed else _top_labels(deciles, i)
                cells.append(Cell(mix, kind="text"))
            rows.append(cells)
        note = ""
        if mixed:
            assert labels is not None
            note = (
                '<ul class="key">'
                + "".join(
                    f'<li><span class="bar" style="width:.9rem;background:var({color})"></span>'
                    f"{text_of(label)}</li>"
                    for label, color in zip(labels, _COLORS, strict=False)
                )
                + "</ul>"
            )
        visits = _visits_in_words(recording)
        return (
            note + table(columns, rows, "Loss deciles", sortable=False) + paragraph(visits, "lead")
        )

    # ------------------------------------------------------------------ weights

    def _weights(self) -> str:
        if not self.recordings:
            return ""
        lead = (
            "What training does to the weights (biases left out), first seed. Divergences are "
            "Kullback and Leibler's, in nats, of the distribution of the weights from a point mass "
            "at zero or one, from the initial weights and from base's, with a Gaussian kernel of "
            f"{next(iter(self.recordings.values())).weights.bandwidth:g}. Further from the "
            "beginning is not better."
        )
        picture = figure(
            self.panels.weights(self.recordings),
            "Density of all weights, on a logarithmic scale; grey: before training. The range holds "
            "999 of 1000 of base's weights.",
        )
        layers = {
            name: table(_WEIGHT_COLUMNS, _layer_rows(r), "Layers")
            for name, r in self.recordings.items()
        }
        rows = [
            [
                self._name_cell(name),
                *_weight_cells(r, len(r.weights.layers) - 1),
            ]
            for name, r in self.recordings.items()
        ]
        columns = [Column("strategy", ascending=True), *_WEIGHT_COLUMNS[1:]]
        return section(
            "weights",
            "Weights",
            paragraph(lead, "lead"),
            self._key(list(self.recordings)),
            _figures([picture, *self._learning_by_divergence()]),
            table(columns, rows, "Weights"),
            "<details><summary>Layer by layer</summary>"
            + by_strategy("layers-of", layers)
            + "</details>",
        )

    def _learning_by_divergence(self) -> list[str]:
        """SIFAL's question whether weights that go further have learnt more."""
        points = {
            run["strategy"]: (
                float(self.recordings[run["strategy"]].weights.kl_from_initial[-1]),
                self.metric.factor * run[self.metric.name],
            )
            for run in self.of.runs
            if run["strategy"] in self.recordings
            and (run["seed"], run["budget"]) == (self.of.seeds[0], self.of.budgets[-1])
        }
        return [
            figure(
                self.panels.scatter(
                    points, "KL from the initial weights (nats)", self._axis_label()
                ),
                "Further from the beginning, better? A point a strategy, first seed: too few to "
                "read a law from.",
            )
        ]

    # ------------------------------------------------------------------ hardest rows

    def _hardest(self) -> str:
        if not self.recordings:
            return ""
        lead = (
            "Training rows with the largest loss after training, first seed. Some are hard, some "
            "rare, some have a wrong label: they are worth reading."
        )
        parts = {name: self._cards(r.hardest) for name, r in self.recordings.items()}
        return section(
            "hardest", "Hardest rows", paragraph(lead, "lead"), by_strategy("hardest-of", parts)
        )

    def _cards(self, instances: InstanceTable) -> str:
        images = self.image_shape is not None
        items = [self._card(instances, i) for i in range(len(instances))]
        kind = "cards images" if images else "cards"
        return f'<ol class="{kind}">{"".join(items)}</ol>'

    def _card(self, instances: InstanceTable, i: int) -> str:
        row = int(instances.rows[i])
        assert instances.losses is not None
        facts = {}
        if instances.labels is not None:
            facts["target" if self.of.labels is None else "label"] = text_of(instances.labels[i])
        if instances.predictions is not None:
            predicted = instances.predictions[i]
            facts["predicted"] = (
                significant(float(predicted)) if self.of.labels is None else text_of(predicted)
            )
        facts["loss"] = significant(float(instances.losses[i]))
        if instances.visits is not None:
            facts["visits"] = f"{int(instances.visits[i]):,}"
        facts["row"] = str(row)
        content = _content_html(self.contents.get(row), self.image_shape)
        return f"<li>{content}{definitions(facts)}</li>"

    # ------------------------------------------------------------------ how

    def _how(self) -> str:
        about = self.of.settings
        seeds = ", ".join(str(seed) for seed in self.of.seeds)
        rates = about["lr"]
        if isinstance(rates, Sequence):
            rate = (
                f"each strategy at its own best of {', '.join(f'{r:g}' for r in rates)}, by the mean "
                f"{self.metric.label} over {about['n_splits']} split(s) of the training part, "
                f"{about['validation_fraction']:g} of it held out"
            )
        else:
            rate = "the estimator's own, for all" if rates is None else f"{rates:g} for all"
        pairs = {
            "estimator": f"<code>{escape(about['estimator'])}</code>",
            "strategies": "<br>".join(
                f"{text_of(name)}: <code>{text_of(self._parameters(name), 300)}</code>"
                for name in self.of.strategies
            ),
            "budget": "row visits in units of the training rows: "
            + ", ".join(f"{b:g}" for b in self.of.budgets),
            "seeds": f"{seeds}; one fixes initial weights, order, selection and dropout, so that "
            "every strategy begins with the same weights",
            "learning rate": escape(rate),
            "visits, scored": "a visit is a row passed forward and backward; a scored row is passed "
            "forward only, to choose by. Budgets are in visits; scoring is in the seconds",
            "seconds": f"of fit alone, one thread a training, {about['n_jobs']} at a time on a "
            f"machine of {about['n_processors']} processors; strategies took turns, and "
            "what a process loads once was loaded before",
            "intervals": "95 % t intervals of the differences to base, paired by seed: what other "
            "seeds would have done with the same training and test rows",
            "versions": escape(", ".join(f"{k} {v}" for k, v in about["versions"].items())),
        }
        again = (
            "# One training again, bit for bit with the same versions. The estimator is the last\n"
            "# step alone, X_train what the steps before it make of the inputs.\n"
            "from sklearn.base import clone\n"
            "\n"
            "net = clone(estimator).set_params(\n"
            f"    sampling_strategy=..., budget={self.of.budgets[-1]:g}, "
            f"random_state={self.of.seeds[0]}, n_threads=1\n"
            ").fit(X_train, y_train)"
        )
        return section(
            "how", "How it was done", definitions(pairs, "how"), f"<pre>{escape(again)}</pre>"
        )


_WEIGHT_COLUMNS = [
    Column("layer", ascending=True),
    Column("weights"),
    Column("std"),
    Column("L2 norm"),
    Column("% up to 0.001", "share of the weights that are no larger"),
    Column("% up to 0.01", "share of the weights that are no larger"),
    Column("KL from 0"),
    Column("KL from 1"),
    Column("KL from initial"),
    Column("KL from base"),
]


def _layer_rows(recording: Recording) -> list[list[Cell]]:
    layers = recording.weights.layers
    return [
        [Cell(text_of(layer), kind="name"), *_weight_cells(recording, i)]
        for i, layer in enumerate(layers)
    ]


def _weight_cells(recording: Recording, layer: int) -> list[Cell]:
    of = recording.weights
    numbers = [of.std, of.l2_norm]
    shares = [100 * of.sparsity[:, i] for i in (-2, -1)]
    divergences = [of.kl_from_zero, of.kl_from_one, of.kl_from_initial, of.kl_from_reference]
    return [
        Cell(f"{int(of.n_weights[layer]):,}", float(of.n_weights[layer])),
        *(Cell(significant(float(v[layer])), float(v[layer])) for v in numbers),
        *(Cell(number(float(v[layer]), 1), float(v[layer])) for v in shares),
        *(Cell(significant(float(v[layer])), float(v[layer])) for v in divergences),
    ]


def _picked(page: _Page, contents: Any) -> dict[int, Any]:
    """Contents of the rows that are shown, of what the user gives for all training rows."""
    from sklearn_sifal.comparison._contents import contents_of

    n_train = page.of.settings["n_train"]
    n_given = contents.shape[0] if hasattr(contents, "shape") else len(contents)
    if n_given != n_train:
        raise ValueError(
            f"contents must have one entry for each of the {n_train} training rows. Got {n_given}."
        )
    rows = {int(row) for r in page.recordings.values() for row in r.hardest.rows}
    return contents_of(contents, sorted(rows))


def _figures(pictures: Sequence[str]) -> str:
    return f'<div class="figures">{"".join(pictures)}</div>'


def _figure_cell(record: Mapping[str, Any], metric: Any) -> Cell:
    value = metric.factor * record[metric.name]
    return Cell(number(value, metric.digits), value)


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
        return 72 + 68 * float(np.clip(value / scale, -1.04, 1.04))

    bar, words = "", "one seed"
    if np.isfinite(low):
        words = f"{number(low, digits, signed=True)} to {number(high, digits, signed=True)}"
        bar = (
            f'<line x1="{at(low):.1f}" x2="{at(high):.1f}" y1="10" y2="10" '
            'stroke="var(--accent)" stroke-width="5" stroke-linecap="round" opacity=".4"/>'
        )
    svg = (
        '<svg class="interval" viewBox="0 0 144 20" aria-hidden="true">'
        '<line x1="72" x2="72" y1="0" y2="20" stroke="var(--soft)"/>'
        f'{bar}<circle cx="{at(mean):.1f}" cy="10" r="4.5" fill="var(--accent)"/></svg>'
    )
    shown = f"<b>{number(mean, digits, signed=True)}</b>{svg}<small>{words}</small>"
    return Cell(f'<span class="gain">{shown}</span>', mean, kind)


def _recall_cell(record: Mapping[str, Any]) -> Cell:
    difference, low = record["recall_difference"], record["recall_difference_low"]
    high = record["recall_difference_high"]
    kind = "good" if low > 0 else "bad" if high < 0 else ""
    return Cell(number(difference, 1, signed=True), difference, kind)


def _meter(share: float) -> str:
    if not np.isfinite(share):
        return "–"
    width = f'<span class="bar" style="width:{100 * share:.1f}%"></span>'
    return f'<span class="meter"><i>{width}</i><span>{number(100 * share, 1)} %</span></span>'


def _mix_bar(deciles: LossDeciles, i: int) -> str:
    assert deciles.labels is not None
    assert deciles.label_share is not None
    shares = deciles.label_share[i]
    pieces = "".join(
        f'<i style="width:{100 * share:.2f}%;background:var({color})" '
        f'title="{text_of(label)} {100 * share:.1f} %"></i>'
        for label, share, color in zip(deciles.labels, shares, _COLORS, strict=False)
        if share > 0
    )
    words = ", ".join(
        f"{text_of(label)} {100 * share:.1f} %"
        for label, share in zip(deciles.labels, shares, strict=True)
    )
    return f'<span class="mix" role="img" aria-label="{words}">{pieces}</span>'


def _top_labels(deciles: LossDeciles, i: int) -> str:
    assert deciles.labels is not None
    assert deciles.label_share is not None
    assert deciles.lift is not None
    order: NDArray[np.int64] = np.argsort(-deciles.label_share[i], kind="stable")[:_MOST_LABELS]
    return ", ".join(
        f"{text_of(deciles.labels[j], 32)} {number(100 * float(deciles.label_share[i, j]), 1)} % "
        f"(×{number(float(deciles.lift[i, j]), 1)})"
        for j in order
        if deciles.label_share[i, j] > 0
    )


def _visits_in_words(recording: Recording) -> str:
    visits, n_rows = recording.visits, recording.n_rows
    total = int(n_rows.sum())
    never = int(n_rows[visits == 0].sum())
    text = f"Visits a row: {int(visits.min()):,} to {int(visits.max()):,}"
    middle = int(visits[np.searchsorted(np.cumsum(n_rows), total / 2)])
    return f"{text}, median {middle:,}; {never:,} of {total:,} rows were never trained on."


def _content_html(content: Any, image_shape: Sequence[int] | None) -> str:
    """What a row is: a picture, a text, values by name; nothing where it is not known."""
    if content is None:
        return ""
    if isinstance(content, dict):
        pairs = list(content.items())
        shown = {str(k)[:60]: text_of(v, 120) for k, v in pairs[:_MOST_VALUES]}
        if len(pairs) > _MOST_VALUES:
            shown["…"] = f"and {len(pairs) - _MOST_VALUES} more columns"
        return definitions(shown, "values")
    if isinstance(content, np.ndarray):
        if image_shape is not None:
            source = b64encode(png_of(content, image_shape)).decode()
            return f'<img alt="" src="data:image/png;base64,{source}">'
        values = content.ravel()
        if len(values) > _MOST_VALUES:
            return ""
        return definitions({f"x{j}": significant(float(v)) for j, v in enumerate(values)}, "values")
    return f"<blockquote>{text_of(content, 1200)}</blockquote>"
