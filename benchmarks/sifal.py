"""The experiment that SIFAL asked for, with every evaluation that it named.

Run it from the project's root, with BANKING77 in ``SIFAL_DATA`` or downloaded::

    python -m benchmarks.sifal                  # about 10 minutes on two processes
    python -m benchmarks.sifal --data intents   # made-up queries in the shape of SIFAL's own
    python -m benchmarks.sifal --quick          # four strategies on a quarter of the rows
    python -m benchmarks.sifal --quick --file-order    # rows in the order of the file

Queries are cleaned by regular expressions, counted as unigrams and bigrams, and classified by
a net with one hidden layer. Every training of a seed starts from the same weights and goes
through its rows in the same fixed order; all rows are scored before every round, as SIFAL had
it. Rates are chosen on validation splits of the training part. The tables are those of
``docs/experiment.md``.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import pearsonr, spearmanr
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from benchmarks._machine import machine, write_results
from sklearn_sifal import LossSampledClassifier, RegexPreprocessor
from sklearn_sifal.comparison import StrategyComparison, compare_strategies
from sklearn_sifal.datasets import fetch_banking77, make_intents
from sklearn_sifal.inspection import (
    loss_deciles,
    ranked_instances,
    selection_losses,
    selection_overlap,
    weight_statistics,
)
from sklearn_sifal.strategies import (
    Base,
    BottomPercentage,
    BottomPercentile,
    Percentage,
    Percentile,
    Random,
    SamplingStrategy,
)

# As SIFAL has it: the first round is chosen as well, and all losses are measured for each.
ORIGINAL: dict[str, Any] = {"refresh": "epoch", "warmup_epochs": 0}
TOP = {
    **{f"percentile {p}": Percentile(p, **ORIGINAL) for p in (10, 30, 50, 70, 90)},
    **{f"percentage {p:g}": Percentage(p, **ORIGINAL) for p in (50, 75, 90, 97.5)},
}
BOTTOM = {
    **{f"bottom_percentile {p}": BottomPercentile(p, **ORIGINAL) for p in (30, 70, 90)},
    **{f"bottom_percentage {p}": BottomPercentage(p, **ORIGINAL) for p in (50, 90)},
}
CONTROLS = {"base": Base(), "random": Random(30, warmup_epochs=0)}
STRATEGIES: dict[str, SamplingStrategy] = {**CONTROLS, **TOP, **BOTTOM}
QUICK = {name: STRATEGIES[name] for name in ("base", "random", "percentile 30", "percentage 90")}
# Shown round by round.
IN_DETAIL = ("base", "percentile 30", "percentage 90", "bottom_percentile 30")

# What the cheaper of them are worth beside a shorter training on everything.
SHORT = ("base", "random", "percentile 30", "percentile 50", "percentage 75", "percentage 90")
SHORT_BUDGETS = (1.2, 1.75, 2.0)
ROUND_KEYS = ("chosen_share", "chosen", "other", "chosen_after", "other_after", "test")

BUDGET = ROUNDS = 4
RATES = (0.01, 0.02, 0.04, 0.08)
OUT = Path("build/sifal")


class Data(NamedTuple):
    """Queries and labels; the order of the training part is the fixed order of every run."""

    title: str
    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any


class Look(NamedTuple):
    """What one recorded training shows."""

    strategy: str
    seed: int
    accuracy: float
    train_loss: float
    losses: np.ndarray
    weights: dict[str, dict[str, float]]
    rounds: dict[str, list[float]]


def load(name: str, *, quick: bool, file_order: bool = False) -> Data:
    """One of the two data sets, the training part in a random order.

    In files the rows of a class often stand together; a fixed order should not be that one.
    """
    if name == "banking77":
        X_train, X_test, y_train, y_test = fetch_banking77(return_X_y=True)
        title = "BANKING77"
    else:
        queries, intents = make_intents(21_500, random_state=0)
        X_train, X_test, y_train, y_test = train_test_split(
            queries, intents, test_size=0.3, stratify=intents, random_state=0
        )
        title = "made-up queries (make_intents)"
    order = np.arange(len(y_train))
    if not file_order:
        order = np.random.default_rng(0).permutation(order)
    if quick:
        order = order[::4]
    return Data(title, X_train[order], y_train[order], X_test, y_test)


def model(**parameters: Any) -> Any:
    return make_pipeline(
        RegexPreprocessor(),
        CountVectorizer(ngram_range=(1, 2)),
        LossSampledClassifier(shuffle=False, **parameters),
    )


def compare(
    data: Data,
    options: argparse.Namespace,
    *,
    strategies: dict[str, SamplingStrategy] | None = None,
    budget: Any = BUDGET,
    **parameters: Any,
) -> StrategyComparison:
    if strategies is None:
        strategies = QUICK if options.quick else STRATEGIES
    return compare_strategies(
        model(**parameters),
        strategies,
        *data[1:],
        budget=budget,
        n_seeds=options.seeds,
        lr=RATES[1:3] if options.quick else RATES,
        n_jobs=options.jobs,
        verbose=1,
    )


def look(
    counts: Any, data: Data, net: LossSampledClassifier, run: dict[str, Any], base_rate: float
) -> Look:
    """One training more, with everything recorded, and base's for its weights."""
    X, X_test = counts
    reference = clone(net).set_params(sampling_strategy=Base(), lr=base_rate, record="loss")
    reference.fit(X, data.y_train)
    net.fit(X, data.y_train)
    fresh = np.stack(list(net.staged_instance_losses(X, data.y_train)))
    test = np.stack(list(net.staged_instance_losses(X_test, data.y_test)))
    # What the initial weights made of the rows is not recorded: NaN before the first round.
    before = np.concatenate([np.full_like(fresh[:1], np.nan), fresh[:-1]])
    per_round = selection_losses(before, net.selections_, losses_after=fresh, test_losses=test)
    overlap = selection_overlap(net.selections_, len(data.y_train))
    statistics = weight_statistics(
        net.weights_, initial=net.initial_weights_, reference=reference.weights_
    )
    return Look(
        run["strategy"],
        run["seed"],
        net.score(X_test, data.y_test),
        float(fresh[-1].mean()),
        fresh[-1],
        weights_by_layer(statistics),
        {
            **{key: getattr(per_round, key).tolist() for key in ROUND_KEYS},
            "kept_share": [float("nan"), *overlap.kept_share.tolist()],
        },
    )


def weights_by_layer(statistics: Any) -> dict[str, dict[str, float]]:
    """The figures that SIFAL named, for each layer and for all together."""
    columns = {
        "std": statistics.std,
        "largest": statistics.largest,
        **{
            f"within {threshold:g}": statistics.sparsity[:, i]
            for i, threshold in enumerate(statistics.thresholds)
        },
        "KL from 0": statistics.kl_from_zero,
        "KL from 1": statistics.kl_from_one,
        "KL from initial": statistics.kl_from_initial,
        "KL from base": statistics.kl_from_reference,
    }
    return {
        layer: {name: float(values[i]) for name, values in columns.items()}
        for i, layer in enumerate(statistics.layers)
    }


def look_at_all(
    data: Data, comparison: StrategyComparison, options: argparse.Namespace
) -> list[Look]:
    """A recorded training for every strategy and seed, each at the strategy's own rate."""
    before = model()[:-1]
    counts = before.fit_transform(data.X_train), before.transform(data.X_test)
    strategies = QUICK if options.quick else STRATEGIES
    base_rate = next(run["lr"] for run in comparison.runs if run["strategy"] == "base")
    tasks = [
        delayed(look)(counts, data, net_of(strategies[run["strategy"]], run), run, base_rate)
        for run in comparison.runs
    ]
    return list(Parallel(options.jobs, return_as="generator")(tasks))


def net_of(strategy: SamplingStrategy, run: dict[str, Any]) -> LossSampledClassifier:
    return LossSampledClassifier(
        strategy,
        budget=BUDGET,
        lr=run["lr"],
        shuffle=False,
        record="history",
        random_state=run["seed"],
    )


# ---------------------------------------------------------------------- tables


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown, numbers to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def accuracy_table(comparison: StrategyComparison, budget: float | None = None) -> str:
    at = comparison.budgets[-1] if budget is None else budget
    rates = {run["strategy"]: run["lr"] for run in comparison.runs if run["budget"] == at}
    head = ["strategy", "rate", "accuracy", "against base, 95 % interval", "precision", "recall"]
    head += ["F1", "NLL", "rounds", "visits", "scored", "seconds / base's"]
    rows = []
    for record in comparison.summary(budget=at):
        interval = ""
        if record["strategy"] != "base":
            half = (record["difference_high"] - record["difference_low"]) / 2
            interval = f"{record['difference']:+.2f} ± {half:.2f}"
        edge = " (edge)" if record.get("lr_at_edge") else ""
        rows.append(
            [
                record["strategy"],
                f"{rates[record['strategy']]:g}{edge}",
                f"{record['accuracy']:.4f}",
                interval,
                *(f"{record[name]:.4f}" for name in ("precision", "recall", "f1")),
                f"{record['nll']:.3f}",
                *(f"{record[name]:.0f}" for name in ("rounds", "visits", "scored")),
                f"{record['seconds_ratio']:.2f}",
            ]
        )
    return table(head, rows)


def means(looks: list[Look], layer: str) -> dict[str, dict[str, float]]:
    """Per strategy, the mean over seeds of its weights' figures and of its accuracy and loss."""
    result = {}
    for name in dict.fromkeys(look.strategy for look in looks):
        mine = [look for look in looks if look.strategy == name]
        figures = {
            key: float(np.mean([look.weights[layer][key] for look in mine]))
            for key in mine[0].weights[layer]
        }
        figures["accuracy"] = float(np.mean([look.accuracy for look in mine]))
        figures["training loss"] = float(np.mean([look.train_loss for look in mine]))
        result[name] = figures
    return result


def weights_table(figures: dict[str, dict[str, float]]) -> str:
    names = list(next(iter(figures.values())))
    shown = [[name, *(f"{values[key]:.3g}" for key in names)] for name, values in figures.items()]
    return table(["strategy", *names], shown)


def correlation_table(looks: list[Look], layers: tuple[str, ...]) -> str:
    """Is more divergence more learning? Over strategies, with and without the bottom ones."""
    rows = []
    for layer in layers:
        figures = means(looks, layer)
        for group, chosen in (
            ("all strategies", list(figures)),
            ("without the bottom ones", [n for n in figures if "bottom" not in n]),
        ):
            for key in ("KL from initial", "KL from 0", "KL from base"):
                used = [n for n in chosen if key != "KL from base" or n != "base"]
                x = [figures[n][key] for n in used]
                cells = [f"{layer}, {group}: {key}", str(len(used))]
                for target in ("accuracy", "training loss"):
                    y = [figures[n][target] for n in used]
                    rank, r = spearmanr(x, y).statistic, pearsonr(x, y).statistic
                    cells.append(f"{rank:+.2f} / {r:+.2f}")
                rows.append(cells)
    head = ["", "strategies", "with accuracy", "with training loss"]
    return table(head, rows) + "\n\nSpearman's / Pearson's correlation of the means over seeds."


def cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"


def rounds_table(look: Look) -> str:
    keys = [*ROUND_KEYS, "kept_share"]
    rows = [
        [str(i + 1), *(cell(look.rounds[key][i]) for key in keys)]
        for i in range(len(look.rounds["chosen"]))
    ]
    return f"{look.strategy}, seed {look.seed}:\n\n" + table(["round", *keys], rows)


def deciles_table(look: Look, data: Data) -> str:
    deciles = loss_deciles(look.losses, data.y_train)
    rows = []
    for i in range(deciles.n_bins - 1, -1, -1):
        top = int(np.argmax(deciles.lift[i]))
        rows.append(
            [
                str(i + 1),
                f"{deciles.mean_loss[i]:.3f}",
                f"{100 * deciles.loss_share[i]:.1f} %",
                f"{deciles.most_frequent[i]} ({100 * deciles.most_frequent_share[i]:.1f} %)",
                f"{deciles.labels[top]} ({deciles.lift[i, top]:.1f})",
                str(int((deciles.counts[i] > 0).sum())),
            ]
        )
    head = ["decile", "mean loss", "share of the loss", "most frequent label", "largest lift"]
    return f"{look.strategy}:\n\n" + table([*head, "labels"], rows)


def hardest_table(looks: list[Look], data: Data) -> str:
    """The hardest rows under base, and who else finds them hard."""
    base = [look for look in looks if look.strategy == "base"]
    losses = np.mean([look.losses for look in base], axis=0)
    found = ranked_instances(losses, 8, y=data.y_train, contents=data.X_train)
    return table(
        ["query", "label", "mean loss"],
        [
            [str(text).replace("|", " ").replace("\n", " "), str(label), f"{loss:.2f}"]
            for text, label, loss in zip(found.contents, found.labels, found.losses, strict=True)
        ],
    )


def agreement_table(looks: list[Look]) -> str:
    """Share of base's top decile that is in the top decile of another strategy, same seed."""
    n_top = len(looks[0].losses) // 10
    tops = {(k.strategy, k.seed): set(np.argsort(k.losses)[-n_top:]) for k in looks}
    rows = []
    for name in dict.fromkeys(look.strategy for look in looks):
        seeds = [look.seed for look in looks if look.strategy == name]
        shares = [len(tops[name, seed] & tops["base", seed]) / n_top for seed in seeds]
        rows.append([name, f"{np.mean(shares):.2f}"])
    return table(["strategy", "of base's top decile in its own"], rows)


# ---------------------------------------------------------------------- the whole


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The experiment that SIFAL asked for.")
    parser.add_argument("--data", choices=("banking77", "intents"), default="banking77")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, a thread each")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--file-order", action="store_true", help="do not mix the rows first")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    # Equal rounds leave a part of the budget, which every training warns of, also in workers.
    os.environ["PYTHONWARNINGS"] = "ignore:max_epochs"
    data = load(options.data, quick=options.quick, file_order=options.file_order)
    print(f"{data.title}: {len(data.y_train)} training and {len(data.y_test)} test queries\n")
    equal_visits = compare(data, options)
    print(f"## Equal visits: {BUDGET} times the training rows\n")
    print(accuracy_table(equal_visits), "\n")
    print(equal_visits.verdict(), "\n")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="max_epochs")
        equal_rounds = compare(data, options, max_epochs=ROUNDS)
    print(f"## Equal rounds: {ROUNDS} rounds, whatever they cost\n")
    print(accuracy_table(equal_rounds), "\n")

    short = {name: STRATEGIES[name] for name in SHORT}
    fewer_visits = compare(data, options, strategies=short, budget=SHORT_BUDGETS)
    for budget in SHORT_BUDGETS:
        print(f"## Equal visits: {budget:g} times the training rows\n")
        print(accuracy_table(fewer_visits, budget), "\n")

    looks = look_at_all(data, equal_visits, options)
    layers = ("all", "input.weight", "layers.0.weight")
    for layer in layers:
        print(f"## Weights: {layer}\n\n{weights_table(means(looks, layer))}\n")
    print(f"## More divergence, more learning?\n\n{correlation_table(looks, layers)}\n")
    first = {look.strategy: look for look in reversed(looks)}
    print("## Rounds: losses in nats of chosen, other and test rows\n")
    for name in IN_DETAIL:
        if name in first:
            print(rounds_table(first[name]), "\n")
    print("## Deciles\n")
    for name in IN_DETAIL:
        if name in first:
            print(deciles_table(first[name], data), "\n")
    print(f"## Hardest under base\n\n{hardest_table(looks, data)}\n")
    print(f"## The same rows hard?\n\n{agreement_table(looks)}\n")
    write_results(
        {
            "machine": machine(),
            "equal visits": equal_visits.runs,
            "equal rounds": equal_rounds.runs,
            "fewer visits": fewer_visits.runs,
            "looks": [look._replace(losses=None)._asdict() for look in looks],
        },
        options.out / options.data,
    )


if __name__ == "__main__":
    main()
