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
    by_strategy,
    definitions,
    figure,
    name_of,
    number,
    paragraph,
    section,
    significant,
    table,
    text_of,
)
from sklearn_sifal.comparison._recordings import Recording
from sklearn_sifal.inspection._deciles import LossDeciles
from sklearn_sifal.inspection._instances import InstanceTable

_MOST_SHARES = 8  # labels whose mix a bar can show
_MOST_LABELS = 3  # named for a decile, where there are more
_MOST_VALUES = 8  # of a row of a table of numbers
_COLORS = ("--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--s7", "--control")
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


def deciles_section(page: PageData) -> str:
    """Who is hard, which labels they have, and who was trained on."""
    recordings = page.recordings
    if not recordings:
        return ""
    pictures = [
        figure(
            page.panels.by_decile(
                {name: r.deciles.mean_loss for name, r in recordings.items()},
                "mean loss",
                log=True,
            ),
            "Loss of the training rows after training, sorted into tenths by each strategy's "
            "own loss.",
        ),
        figure(
            page.panels.by_decile(
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
    parts = {name: _decile_table(r) for name, r in recordings.items()}
    return section(
        "deciles",
        "Loss deciles",
        paragraph(lead, "lead"),
        page.key(list(recordings)),
        figures(pictures),
        by_strategy("deciles-of", parts),
    )


def _decile_table(recording: Recording) -> str:
    """One row a decile, the hardest first."""
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
        columns.append(
            Column(
                "labels" if mixed else "most frequent labels (× as often as in all rows)",
                fixed=True,
                kind="text",
            )
        )
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
    return note + table(columns, rows, "Loss deciles", sortable=False) + paragraph(visits, "lead")


def weights_section(page: PageData) -> str:
    """What training does to the weights."""
    if not page.recordings:
        return ""
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
    layers = {
        name: table(_WEIGHT_COLUMNS, _layer_rows(r), "Layers")
        for name, r in page.recordings.items()
    }
    rows = [
        [
            page.name_cell(name),
            *_weight_cells(r, len(r.weights.layers) - 1),
        ]
        for name, r in page.recordings.items()
    ]
    columns = [Column("strategy", ascending=True), *_WEIGHT_COLUMNS[1:]]
    return section(
        "weights",
        "Weights",
        paragraph(lead, "lead"),
        page.key(list(page.recordings)),
        figures([picture, *_learning_by_divergence(page)]),
        table(columns, rows, "Weights"),
        "<details><summary>Layer by layer</summary>"
        + by_strategy("layers-of", layers)
        + "</details>",
    )


def _learning_by_divergence(page: PageData) -> list[str]:
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
    return [
        figure(
            page.panels.scatter(
                points, "KL from the initial weights (nats)", page.axis_label(page.metric)
            ),
            "Further from the beginning, better? A point a strategy, first seed: too few to "
            "read a law from.",
        )
    ]


def hardest_section(page: PageData) -> str:
    """The rows with the largest losses."""
    if not page.recordings:
        return ""
    lead = (
        "Training rows with the largest loss after training, first seed. Some are hard, some "
        "rare, some have a wrong label: they are worth reading."
    )
    parts = {name: _cards(page, r.hardest) for name, r in page.recordings.items()}
    return section(
        "hardest", "Hardest rows", paragraph(lead, "lead"), by_strategy("hardest-of", parts)
    )


def _cards(page: PageData, instances: InstanceTable) -> str:
    """Rows beside each other."""
    images = page.image_shape is not None
    items = [_card(page, instances, i) for i in range(len(instances))]
    kind = "cards images" if images else "cards"
    return f'<ol class="{kind}">{"".join(items)}</ol>'


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
