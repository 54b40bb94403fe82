"""Sections of the page on what training did: loss deciles, weights, hardest rows."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal.comparison._page_data import PageData, figures
from sklearn_sifal.comparison._page_figures import png_of
from sklearn_sifal.comparison._page_parts import (
    Cell,
    Column,
    amount,
    by_strategy,
    definitions,
    figure,
    measured,
    name_of,
    number,
    paragraph,
    significant,
    table,
    text_of,
)
from sklearn_sifal.comparison._recordings import Recording
from sklearn_sifal.inspection._deciles import LossDeciles
from sklearn_sifal.inspection._instances import InstanceTable
from sklearn_sifal.inspection._weights import WeightStatistics

_MOST_SHARES = 8  # labels whose mix a bar can show
_MOST_LABELS = 3  # named for a decile, where there are more
_MOST_VALUES = 8  # of a row of a table of numbers
_COLORS = ("--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--s7", "--control")
_WEIGHT_COLUMNS = [
    *map(Column, ("weights", "std", "L2 norm")),
    *(Column(f"% up to {x}", "share of the weights that are no larger") for x in (0.001, 0.01)),
    *(Column(f"KL from {x}") for x in ("0", "1", "initial", "base")),
]


def deciles_section(page: PageData) -> list[str]:
    """Who is hard, which labels they have, and who was trained on."""
    recordings = page.recordings
    losses = {name: r.deciles.mean_loss for name, r in recordings.items()}
    visits = {name: r.visits_by_decile.mean_visits for name, r in recordings.items()}
    pictures = [
        figure(
            page.panels.by_decile(losses, "mean loss", log=True),
            "Loss of the training rows after training, sorted into tenths by each strategy's "
            "own loss.",
        ),
        figure(
            page.panels.by_decile(visits, "mean visits a row"),
            "Who was trained on: visits of the rows, sorted into tenths by the loss that base "
            "leaves.",
        ),
    ]
    lead = (
        "The training rows of the first seed, sorted by their loss after training: who is hard, "
        "and which labels do the hard ones have?"
    )
    tables = {name: _decile_table(r) for name, r in recordings.items()}
    return [
        paragraph(lead, "lead"),
        page.key(list(recordings)),
        figures(pictures),
        by_strategy("deciles-of", tables),
    ]


def _decile_table(recording: Recording) -> str:
    """One row a decile, the hardest first."""
    deciles = recording.deciles
    titles = ("decile", "rows", "loss, from", "to", "mean", "share of all loss")
    columns = [Column(title) for title in titles]
    rows = [_decile_row(deciles, i) for i in range(deciles.n_bins)]
    note = ""
    if deciles.labels is not None:
        title = "most frequent labels (× as often as in all rows)"
        show = _top_labels
        if len(deciles.labels) <= _MOST_SHARES:
            title, show = "labels", _mix_bar
            note = _key_of_labels(deciles.labels)
        columns.append(Column(title, kind="text"))
        rows = [[*row, Cell(show(deciles, i), kind="text")] for i, row in enumerate(rows)]
    shown = table(columns, rows[::-1], "Loss deciles", sortable=False)
    return note + shown + paragraph(_visits_in_words(recording), "lead")


def _decile_row(deciles: LossDeciles, i: int) -> list[Cell]:
    extreme = {deciles.n_bins - 1: " hardest", 0: " easiest"}.get(i, "")
    losses = (*deciles.loss_range[i], deciles.mean_loss[i])
    return [
        Cell(f"{i + 1}{extreme}"),
        Cell(f"{int(deciles.n_rows[i]):,}"),
        *(Cell(significant(float(loss))) for loss in losses),
        Cell(_meter(float(deciles.loss_share[i]))),
    ]


def _key_of_labels(labels: NDArray[Any]) -> str:
    items = "".join(
        f'<li><span class="bar" style="width:.9rem;background:var({color})"></span>'
        f"{text_of(label)}</li>"
        for label, color in zip(labels, _COLORS, strict=False)
    )
    return f'<ul class="key">{items}</ul>'


def weights_section(page: PageData) -> list[str]:
    """What training does to the weights."""
    lead = (
        "What training does to the weights (biases left out), first seed. Divergences are "
        "Kullback and Leibler's, in nats, of the distribution of the weights from a point mass "
        "at zero or one, from the initial weights and from base's, with a Gaussian kernel of "
        f"{next(iter(page.recordings.values())).weights.bandwidth:g}. Further from the "
        "beginning is not better."
    )
    picture = figure(
        page.panels.weights(page.recordings),
        "Density of all weights, on a logarithmic scale; grey: before training. The range holds "
        "999 of 1000 of base's weights.",
    )
    layers, rows = {}, []
    for name, recording in page.recordings.items():
        of = recording.weights
        cells = [_weight_cells(of, i) for i in range(len(of.layers))]
        names = [Cell(text_of(layer), kind="name") for layer in of.layers]
        named = [[who, *row] for who, row in zip(names, cells, strict=True)]
        layers[name] = table([Column("layer", ascending=True), *_WEIGHT_COLUMNS], named, "Layers")
        rows.append([page.name_cell(name), *cells[-1]])
    columns = [Column("strategy", ascending=True), *_WEIGHT_COLUMNS]
    return [
        paragraph(lead, "lead"),
        page.key(list(page.recordings)),
        figures([picture, _learning_by_divergence(page)]),
        table(columns, rows, "Weights"),
        f"<details><summary>Layer by layer</summary>{by_strategy('layers-of', layers)}</details>",
    ]


def _learning_by_divergence(page: PageData) -> str:
    """SIFAL's question whether weights that go further have learnt more."""
    points = {
        run["strategy"]: (
            float(page.recordings[run["strategy"]].weights.kl_from_initial[-1]),
            page.metric.factor * run[page.metric.name],
        )
        for run in page.of.runs
        if run["strategy"] in page.recordings
        and (run["seed"], run["budget"]) == (page.of.seeds[0], page.of.budgets[-1])
    }
    x, y = "KL from the initial weights (nats)", page.axis_label(page.metric)
    return figure(
        page.panels.scatter(points, x, y),
        "Further from the beginning, better? A point a strategy, first seed: too few to "
        "read a law from.",
    )


def hardest_section(page: PageData) -> list[str]:
    """The rows with the largest losses."""
    lead = (
        "Training rows with the largest loss after training, first seed. Some are hard, some "
        "rare, some have a wrong label: they are worth reading."
    )
    parts = {name: _cards(page, r.hardest) for name, r in page.recordings.items()}
    return [paragraph(lead, "lead"), by_strategy("hardest-of", parts)]


def _cards(page: PageData, instances: InstanceTable) -> str:
    """Rows beside each other."""
    items = "".join(_card(page, instances, i) for i in range(len(instances)))
    kind = "cards" if page.image_shape is None else "cards images"
    return f'<ol class="{kind}">{items}</ol>'


def _card(page: PageData, instances: InstanceTable, i: int) -> str:
    """A row: what it is, what it is called, what it cost."""
    assert instances.labels is not None
    assert instances.predictions is not None
    assert instances.losses is not None
    assert instances.visits is not None
    row = int(instances.rows[i])
    given, predicted = instances.labels[i], instances.predictions[i]
    if page.of.labels is None:
        said = f"<b>{_value_html(float(given))}</b> predicted {significant(float(predicted), 4)}"
    elif given == predicted:
        said = f"<b>{name_of(given)}</b> predicted so, too"
    else:
        said = f"<b>{name_of(given)}</b> predicted <bdi>{name_of(predicted)}</bdi>"
    visits = int(instances.visits[i])
    cost = (
        f"loss {significant(float(instances.losses[i]))} · {visits:,} "
        f"visit{'' if visits == 1 else 's'} · training row {row}"
    )
    content = _content_html(page.contents.get(row), page.image_shape)
    return f'<li>{content}<p class="said">{said}</p><p class="cost">{cost}</p></li>'


def _weight_cells(of: WeightStatistics, layer: int) -> list[Cell]:
    """A layer in the order of `_WEIGHT_COLUMNS`."""
    divergences = (of.kl_from_zero, of.kl_from_one, of.kl_from_initial, of.kl_from_reference)
    return [
        Cell(f"{int(of.n_weights[layer]):,}", float(of.n_weights[layer])),
        *(measured(float(values[layer])) for values in (of.std, of.l2_norm)),
        *(amount(float(share), 1) for share in 100 * of.sparsity[layer, -2:]),
        *(measured(float(values[layer])) for values in divergences),
    ]


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
        f"<bdi>{text_of(deciles.labels[j], 32)}</bdi> "
        f"{number(100 * float(deciles.label_share[i, j]), 1)} % "
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
        shown = {str(k)[:60]: _value_html(v) for k, v in pairs[:_MOST_VALUES]}
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
        return definitions({f"x{j}": _value_html(float(v)) for j, v in enumerate(values)}, "values")
    return f"<blockquote>{text_of(content, 1200)}</blockquote>"


def _value_html(value: Any) -> str:
    """A value of a column; numbers with as many digits as one reads."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, float) and not whole:
        return significant(value, 4)
    return text_of(value, 120)
