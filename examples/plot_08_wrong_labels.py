"""
Wrong labels, and why the largest losses lead to them
=====================================================

What does a strategy that goes by losses make of rows with a wrong label? It can train on
them, keep away from them, or help to find them.
"""

# %%
# One label in five is made wrong, in two data sets that come with the package or with
# scikit-learn: handwritten digits, and made-up customer queries. The test labels stay right. A
# pass over the digits is nine steps, one over the queries 32: so they are trained for 20 passes
# and for 4.
import numpy as np
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split

from sklearn_sifal.datasets import make_intents


def mislabel(y, share, seed):
    """Return labels of which a share was replaced by another label, and which ones were."""
    rng = np.random.default_rng(seed)
    labels, codes = np.unique(y, return_inverse=True)
    wrong = np.zeros(len(y), bool)
    wrong[rng.choice(len(y), round(share * len(y)), replace=False)] = True
    shift = rng.integers(1, len(labels), len(y))
    return labels[np.where(wrong, (codes + shift) % len(labels), codes)], wrong


def digits(seed):
    """Return training images and labels, which are wrong, test images and labels."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.4, random_state=seed, stratify=y)
    return X, *mislabel(y, 0.2, seed), X_test, y_test


def queries(seed):
    """Return the same for counts of words and word pairs."""
    texts, y = make_intents(4000, n_intents=16, random_state=seed)
    texts, texts_test, y, y_test = train_test_split(
        texts, y, test_size=0.5, random_state=seed, stratify=y
    )
    count = CountVectorizer(ngram_range=(1, 2))
    X, X_test = count.fit_transform(texts), count.transform(texts_test)
    return X, *mislabel(y, 0.2, seed), X_test, y_test


# %%
# Every strategy spends the same visits and starts from the same weights; every seed is another
# split and another draw of the wrong labels.
from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.strategies import BottomPercentile, Percentage, Percentile, Random

STRATEGIES = {
    "base": "base",
    "random": Random(30),
    "percentile 30 %": Percentile(30),
    "percentage 50 %": Percentage(50),
    "importance": "importance",
    "guarded_importance": "guarded_importance",
    "bottom_percentile 80 %": BottomPercentile(80),
}
N_SEEDS = 3

draws = {"digits": [digits(seed) for seed in range(N_SEEDS)]}
draws["queries"] = [queries(seed) for seed in range(N_SEEDS)]
accuracies, chosen_wrong = {}, {}
for data, budget in (("digits", 20), ("queries", 4)):
    for seed, (X, y, wrong, X_test, y_test) in enumerate(draws[data]):
        for name, strategy in STRATEGIES.items():
            record = "history" if seed == 0 else "loss"
            model = LossSampledClassifier(
                strategy, budget=budget, record=record, random_state=seed
            ).fit(X, y)
            key = data, name
            accuracies.setdefault(key, []).append(model.score(X_test, y_test))
            if seed == 0:
                # Visits spent until the middle of a round, and the share of wrong labels in it.
                sizes = np.array([len(rows) for rows in model.selections_])
                spent = (np.cumsum(sizes) - sizes / 2) / len(y)
                share = [100 * wrong[rows].mean() for rows in model.selections_]
                chosen_wrong[key] = spent, share

# %%
# The differences are taken within a seed, so that easy and hard splits do not matter.
for data in ("digits", "queries"):
    base = np.array(accuracies[data, "base"])
    print(f"{data:24} accuracy    against base (points, mean and range of {N_SEEDS} seeds)")
    for name in STRATEGIES:
        values = np.array(accuracies[data, name])
        points = 100 * (values - base)
        print(
            f"  {name:22} {values.mean():.3f}    {points.mean():+6.1f}"
            f"  ({points.min():+.1f} to {points.max():+.1f})"
        )

# %%
# Why is that so? The picture shows the share of wrong labels among the rows that were trained
# on.
import matplotlib.pyplot as plt

from sklearn_sifal.plotting import strategy_styles

styles = strategy_styles(list(STRATEGIES))
figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
for axis, data in zip(axes, ("digits", "queries"), strict=True):
    for name in STRATEGIES:
        spent, share = chosen_wrong[data, name]
        axis.plot(spent, share, label=name, markevery=0.12, markersize=5, **styles[name])
    axis.set(title=data, xlabel="passes spent", ylim=(0, 100))
    axis.grid(alpha=0.3)
axes[0].set_ylabel("wrong labels among the chosen (%)")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
plt.show()

# %%
# A wrong label is the one label that a net which has learnt something does not believe. So it
# keeps a large loss, and whatever takes the largest losses takes it again in every round. Both
# rules that take nothing but large losses, ``percentile`` and ``percentage``, train mostly on
# wrong labels and lose by far the most, in both data sets and under every seed. ``importance``
# draws wrong labels about twice as often as their share, but weighs them down, and stays within
# the spread of ``base``.
#
# Two rules turn away from large losses. ``bottom_percentile`` never looks at the upper fifth,
# which here is just the share of wrong labels; knowing it is an advantage that one does not
# have outside of an experiment. ``guarded_importance``, the default, watches how the losses of
# a row develop. Among the digits it has set the wrong labels aside after a few passes, and
# gains. Among the queries, 2,000 of 16 intents, it finds out too late: by then it has trained
# on wrong labels more than ``base`` has, and it ends below it. Does it take more passes, or
# fewer?
for budget in (2, 4, 8):
    line = []
    for name in ("base", "guarded_importance", "bottom_percentile"):
        scores = []
        for seed, (X, y, _, X_test, y_test) in enumerate(draws["queries"]):
            model = LossSampledClassifier(name, budget=budget, random_state=seed)
            scores.append(model.fit(X, y).score(X_test, y_test))
        line.append(f"{name} {np.mean(scores):.3f}")
    print(f"queries, {budget} passes:  " + "  ".join(line))

# %%
# On such data the wrong labels are learnt by heart, by ``base`` and by the default alike, and
# every further pass costs accuracy; ``bottom_percentile`` is spared that as long as its share
# is right. Where few rows meet many wrong labels, stopping early does more than most choices of
# rows, and costs less.
#
# The other use of the same fact is to look for the wrong labels. Four ways to rank the rows of
# the last data set by suspicion, compared by what share of the suspects is wrong (precision)
# and what share of the wrong labels is among them (recall):
from sklearn.metrics import average_precision_score, precision_recall_curve


def rankings(X, y):
    """Return suspicions by what they are made of; larger is more suspect."""
    short = LossSampledClassifier("base", budget=2, record="dynamics", random_state=0).fit(X, y)
    long = LossSampledClassifier("base", budget=8, random_state=0).fit(X, y)
    chased = LossSampledClassifier("importance", budget=4, random_state=0).fit(X, y)
    return {
        "mean loss, base, 2 passes": short.loss_table_["mean_loss"],
        "loss after base, 2 passes": short.instance_losses(X, y),
        "loss after base, 8 passes": long.instance_losses(X, y),
        "visits, importance, 4 passes": chased.visit_counts_,
    }


figure, axis = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
looks = strategy_styles(["mean", "short", "long", "visits"]).values()
for (name, suspicion), look in zip(rankings(X, y).items(), looks, strict=True):
    precision, recall, _ = precision_recall_curve(wrong, suspicion)
    name = f"{name} ({average_precision_score(wrong, suspicion):.2f})"
    axis.plot(recall, precision, label=name, markevery=0.1, markersize=5, **look)
axis.axhline(wrong.mean(), color="grey", linestyle=":", label=f"by chance ({wrong.mean():.2f})")
axis.set(xlabel="recall of wrong labels", ylabel="precision", ylim=(0, 1.02))
axis.legend(title="suspicion (average precision)", loc="lower left")
axis.grid(alpha=0.3)
plt.show()

# %%
# The mean loss over a short training on all rows alike is the best of them, and free: it is
# collected in the training steps (``record="dynamics"``). After eight passes the net has learnt
# many of the wrong labels by heart, and the loss tells much less. Visits are evidence too,
# since the strategy went where the losses were, but they tell less than the losses of a short
# training do.
#
# The same rankings on real customer queries, where they are present:
from sklearn_sifal.datasets import fetch_banking77

try:
    bank = fetch_banking77(download_if_missing=False)
except OSError:
    print("BANKING77 is not here; fetch_banking77() downloads it.")
else:
    X = CountVectorizer(ngram_range=(1, 2)).fit_transform(bank.X_train)
    y, wrong = mislabel(bank.y_train, 0.2, seed=0)
    for name, suspicion in rankings(X, y).items():
        print(f"{name:30} average precision {average_precision_score(wrong, suspicion):.3f}")

# %%
# The limit: these labels are wrong at random, every other label being equally likely. People
# err in patterns, such as always taking one intent for another, and a net learns a pattern as
# it learns the truth: such errors have small losses. No ranking by loss finds them.
#
# Your own data: any labelled set of which you doubt some labels. Rank it by the mean loss of a
# short training with ``base``, read the first hundred rows, and repair what is wrong before
# choosing a strategy.
