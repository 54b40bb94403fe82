"""
The SIFAL experiment: which strategy reaches which accuracy, at which cost?
===========================================================================

Customer queries are cleaned by regular expressions, counted as unigrams and
bigrams, and classified by a net with one hidden layer. Every strategy starts from
the same initial weights and spends the same number of row visits. The question is
whether choosing the rows by their loss makes those visits worth more.

Every point of the curves is a training of its own, with a learning rate that falls
to zero over its own budget; a point on the way of a longer training would
compare half-finished nets.

Run it from the project's root by ``make demo`` (queries from a grammar, made up) or
``make demo DATA=banking77`` (real queries).
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # small nets are slower with more threads

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_sifal import LossSampledClassifier, RegexPreprocessor
from sklearn_sifal.datasets import fetch_banking77, make_intents

STRATEGIES = ("base", "percentile", "percentage", "random", "guarded_importance")
# At 1.0 there is nothing to choose: every strategy trains on every row once.
BUDGETS = (1.5, 2.5, 4.0)
QUICK_BUDGETS = (1.5, 2.0)
ENOUGH_SEEDS = 3  # for words about every seed
REPORT, RESULTS, FIGURE = "report.md", "results.csv", "accuracy.png"
COLUMNS = (
    ("accuracy", "{:.4f}"),
    ("precision", "{:.4f}"),
    ("recall", "{:.4f}"),
    ("f1", "{:.4f}"),
    ("nll", "{:.4f}"),
    ("visits", "{:.0f}"),
    ("scored", "{:.0f}"),
    ("steps", "{:.0f}"),
    ("seconds", "{:.2f}"),
)


class Data(NamedTuple):
    """Counts and labels of the training and the test part."""

    title: str
    X_train: Any
    y_train: np.ndarray
    X_test: Any
    y_test: np.ndarray


def load_data(name: str, quick: bool) -> Data:
    """Split, clean and count the queries; the vocabulary is that of the training part."""
    if name == "banking77":
        bunch = fetch_banking77()
        parts = bunch.X_train, bunch.X_test, bunch.y_train, bunch.y_test
        title = "BANKING77 (real queries, the fixed split)"
    else:
        texts, intents = make_intents(3000 if quick else 15000, random_state=0)
        parts = train_test_split(texts, intents, test_size=0.3, stratify=intents, random_state=0)
        title = "make_intents (synthetic queries: figures do not transfer to real ones)"
    train, test, y_train, y_test = parts
    if quick and name == "banking77":
        train, y_train = train[::4], y_train[::4]
    counts = make_pipeline(RegexPreprocessor(), CountVectorizer(ngram_range=(1, 2)))
    X_train = counts.fit_transform(train)
    return Data(title, X_train, y_train, counts.transform(test), y_test)


def evaluate(model: LossSampledClassifier, data: Data) -> dict[str, Any]:
    """Test figures and costs of one training."""
    probabilities = model.predict_proba(data.X_test)
    predicted = model.classes_[probabilities.argmax(axis=1)]
    precision, recall, f1, _ = precision_recall_fscore_support(
        data.y_test, predicted, average="macro", zero_division=0
    )
    return {
        "accuracy": accuracy_score(data.y_test, predicted),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "nll": log_loss(data.y_test, probabilities, labels=model.classes_),
        "visits": int(model.visit_counts_.sum()),
        "scored": sum(round_["scored"] for round_ in model.history_),
        "steps": sum(round_["steps"] for round_ in model.history_),
    }


def run(data: Data, n_seeds: int, budgets: Sequence[float], n_jobs: int) -> list[dict[str, Any]]:
    """All trainings, strategies in turn, so that a slow minute of the machine hits all."""
    weights = {seed: initial_weights(data, seed) for seed in range(n_seeds)}
    tasks = [
        delayed(train)(data, strategy, seed, budget, weights[seed])
        for seed in range(n_seeds)
        for budget in budgets
        for strategy in STRATEGIES
    ]
    return list(with_progress(Parallel(n_jobs, return_as="generator")(tasks), len(tasks)))


def initial_weights(data: Data, seed: int) -> dict[str, np.ndarray]:
    """The weights from which every strategy starts."""
    model = LossSampledClassifier(budget=0.01, random_state=seed)
    return model.fit(data.X_train, data.y_train).initial_weights_


def train(
    data: Data, strategy: str, seed: int, budget: float, weights: dict[str, np.ndarray]
) -> dict[str, Any]:
    """One training on one thread, and what came of it."""
    # What torch imports in its first step is no cost of the training that comes first.
    LossSampledClassifier(budget=0.1).fit(data.X_train[:200], data.y_train[:200])
    model = LossSampledClassifier(strategy, budget=budget, init_weights=weights, random_state=seed)
    began = perf_counter()
    model.fit(data.X_train, data.y_train)
    seconds = perf_counter() - began
    run_of = {"strategy": strategy, "seed": seed, "budget": budget}
    return {**run_of, **evaluate(model, data), "seconds": seconds}


def with_progress(results: Iterable[Any], total: int) -> Iterable[Any]:
    """Show a progress bar if tqdm (the extra ``progress``) is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        print(f"{total} trainings (pip install tqdm for a progress bar) ...", file=sys.stderr)
        return results
    return tqdm(results, total=total, desc="trainings", file=sys.stderr)


def values_of(results: list[dict[str, Any]], key: str, **where: Any) -> list[float]:
    """One value a seed."""
    return [r[key] for r in results if all(r[k] == v for k, v in where.items())]


def mean_of(results: list[dict[str, Any]], key: str, **where: Any) -> tuple[float, float]:
    """Mean and standard deviation over the seeds."""
    values = values_of(results, key, **where)
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def format_table(results: list[dict[str, Any]], budget: float) -> str:
    """Markdown table of the means at one budget, base first."""
    lines = [
        "| strategy | " + " | ".join(name for name, _ in COLUMNS) + " |",
        "|---|" + "---:|" * len(COLUMNS),
    ]
    for strategy in STRATEGIES:
        cells = []
        for name, style in COLUMNS:
            mean, deviation = mean_of(results, name, strategy=strategy, budget=budget)
            cell = style.format(mean)
            if name == "accuracy" and deviation > 0:
                cell += f" ± {deviation:.4f}"
            cells.append(cell)
        lines.append(f"| {strategy} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def format_verdict(results: list[dict[str, Any]], budget: float) -> str:
    """Paired differences to base in words."""
    lines = []
    for strategy in STRATEGIES[1:]:
        gains = [
            100 * (mine["accuracy"] - base["accuracy"])
            for mine in results
            for base in results
            if mine["strategy"] == strategy
            and base["strategy"] == "base"
            and mine["budget"] == base["budget"] == budget
            and mine["seed"] == base["seed"]
        ]
        if len(gains) < ENOUGH_SEEDS:
            word = " (too few seeds to say more)"
        elif min(gains) > 0 or max(gains) < 0:
            word = f", {'above' if gains[0] > 0 else 'below'} base in every seed"
        else:
            word = ", now above, now below base"
        shown = ", ".join(f"{gain:+.2f}" for gain in gains)
        lines.append(f"- {strategy}: {np.mean(gains):+.2f} points ({shown}){word}")
    return "\n".join(lines)


def draw_figure(results: list[dict[str, Any]], budgets: Sequence[float], title: str, path: Path):
    """Accuracy against visits and against seconds, one line a strategy."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    # Okabe and Ito's colours, told apart by colour-blind readers; markers help in print.
    colours = ("#000000", "#E69F00", "#56B4E9", "#999999", "#D55E00")
    markers = ("o", "s", "^", "x", "D")
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
    for strategy, colour, marker in zip(STRATEGIES, colours, markers, strict=True):
        look = {"color": colour, "marker": marker, "label": strategy}
        accuracy, spread = (
            100
            * np.array([mean_of(results, "accuracy", strategy=strategy, budget=b) for b in budgets])
        ).T
        visits = [mean_of(results, "visits", strategy=strategy, budget=b)[0] for b in budgets]
        axes[0].plot(visits, accuracy, **look)
        axes[0].fill_between(
            visits, accuracy - spread, accuracy + spread, color=colour, alpha=0.12, linewidth=0
        )
        # The median: one slow minute of the machine does not move it.
        times = np.array(
            [values_of(results, "seconds", strategy=strategy, budget=b) for b in budgets]
        )
        seconds = np.median(times, axis=1)
        ends = [seconds - times.min(axis=1), times.max(axis=1) - seconds]
        axes[1].errorbar(seconds, accuracy, xerr=ends, elinewidth=0.8, capsize=2, **look)
    axes[0].set(xlabel="row visits spent", ylabel="test accuracy (%), mean ± std over seeds")
    axes[1].set(xlabel="seconds to fit, selection included: median, min to max over seeds")
    axes[0].legend(title="strategy")
    for axis in axes:
        axis.grid(alpha=0.3)
    figure.suptitle(title)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def write_csv(results: list[dict[str, Any]], path: Path) -> None:
    """One line a training."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(results[0]))
        writer.writeheader()
        writer.writerows(results)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    parser.add_argument("--data", choices=("intents", "banking77"), default="intents")
    parser.add_argument("--out", type=Path, default=Path("build/demo"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, a thread each")
    parser.add_argument("--quick", action="store_true", help="small and short, to see it run")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    budgets = QUICK_BUDGETS if arguments.quick else BUDGETS
    n_seeds = 1 if arguments.quick else arguments.seeds
    try:
        data = load_data(arguments.data, arguments.quick)
    except OSError as error:
        sys.exit(f"{Path(__file__).name}: {error}")
    n_rows, n_features = data.X_train.shape
    print(f"{data.title}: {n_rows} x {n_features} training counts, {len(data.y_test)} test queries")
    results = run(data, n_seeds, budgets, arguments.jobs)

    budget = budgets[-1]
    report = (
        f"# {data.title}\n\n"
        f"Test part, mean of {n_seeds} seed(s), budget {budget:g} full epochs of row visits for "
        "every strategy, the same initial weights, one learning rate for all:\n\n"
        f"{format_table(results, budget)}\n\n"
        "Accuracy against base at equal visits, paired by seed:\n\n"
        f"{format_verdict(results, budget)}\n\n"
        "Differences of a few tenths of a point also come from the learning rate: a fair ranking "
        "gives every strategy its own best one. Seconds are this machine's, one thread a "
        f"training, {arguments.jobs} at a time.\n\n"
        f"{FIGURE} shows accuracy against row visits and against seconds (medians) for budgets "
        f"of {', '.join(f'{b:g}' for b in budgets)}; {RESULTS} has one line for each training.\n"
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / REPORT).write_text(report, encoding="utf-8")
    write_csv(results, arguments.out / RESULTS)
    draw_figure(results, budgets, data.title, arguments.out / FIGURE)
    print("\n" + report.split("\n\n", 1)[1])
    print(f"Written to {arguments.out}: {REPORT}, {RESULTS}, {FIGURE}")


if __name__ == "__main__":
    main()
