"""
The bottom x %: does it get stuck?
==================================

A net that is trained on its easiest rows only never meets what it cannot do. Does such a
training come to a halt, even if the harder rows are let in one by one?
"""

# %%
# Letting them in is called self-paced learning. All strategies begin with one round on all
# rows, choose by losses measured before every round (``refresh="epoch"``), and come in three
# kinds:
#
# - ``bottom_percentile``: the x % of the rows with the smallest losses;
# - ``bottom_percentage``: the easiest rows that hold x % of the total loss, which are most of
#   them;
# - ``self_paced``: the rows below a threshold that grows by 1.3 a round, until all are in.
#
# They are tried on the digits that come with scikit-learn and on made-up customer queries, with
# three seeds, each of which is another split and other initial weights.
import numpy as np
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.datasets import make_intents
from sklearn_sifal.strategies import Base, BottomPercentage, BottomPercentile, SelfPaced

STRATEGIES = {
    "base": Base(),
    "bottom_percentile 20 %": BottomPercentile(20, refresh="epoch"),
    "bottom_percentile 80 %": BottomPercentile(80, refresh="epoch"),
    "bottom_percentage 50 %": BottomPercentage(50, refresh="epoch"),
    "self_paced from 20 %": SelfPaced(20, refresh="epoch"),
}
N_SEEDS = 3


def digits(seed):
    """Return training and test images and labels."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.4, random_state=seed, stratify=y)
    return X, y, X_test, y_test


def queries(seed):
    """Return counts of words and word pairs, and intents."""
    texts, y = make_intents(4000, n_intents=16, random_state=0)
    texts, texts_test, y, y_test = train_test_split(
        texts, y, test_size=0.5, random_state=seed, stratify=y
    )
    count = CountVectorizer(ngram_range=(1, 2))
    return count.fit_transform(texts), y, count.transform(texts_test), y_test


# %%
# A training is stuck if more of it changes nothing. So every strategy is trained with several
# budgets, in passes over the data, each a training of its own with a learning rate that falls
# to zero.
runs = {"digits": [], "queries": []}
for make_data, budgets in ((digits, (2, 4, 8, 16)), (queries, (2, 4, 8))):
    for seed in range(N_SEEDS):
        X, y, X_test, y_test = make_data(seed)
        for name, strategy in STRATEGIES.items():
            for budget in budgets:
                model = LossSampledClassifier(strategy, budget=budget, random_state=seed).fit(X, y)
                runs[make_data.__name__].append(
                    {
                        "strategy": name,
                        "seed": seed,
                        "budget": budget,
                        "visits": model.visit_counts_.sum(),
                        "accuracy": model.score(X_test, y_test),
                    }
                )


def accuracies(records, name, budget):
    """Return the accuracies of a strategy at a budget, one per seed."""
    return np.array(
        [r["accuracy"] for r in records if r["strategy"] == name and r["budget"] == budget]
    )


for data, records in runs.items():
    budgets = sorted({record["budget"] for record in records})
    print(f"{data:24}" + "".join(f"{budget:>7} passes" for budget in budgets) + "   against base")
    for name in STRATEGIES:
        scores = [accuracies(records, name, budget) for budget in budgets]
        cells = [f"{s.mean():.3f} ± {s.std(ddof=1):.3f}" for s in scores]
        points = 100 * (scores[-1] - accuracies(records, "base", budgets[-1]))
        print(
            f"  {name:22}"
            + "".join(f"{cell:>14}" for cell in cells)
            + f"   {points.mean():+.1f} ({points.min():+.1f} to {points.max():+.1f})"
        )
print("After ±: standard deviations over the seeds. The last column: points at the largest")
print("budget, mean and range of the same seeds.")

# %%
import matplotlib.pyplot as plt

from sklearn_sifal.plotting import LossCurveDisplay

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for axis, (data, records) in zip(axes, runs.items(), strict=True):
    LossCurveDisplay.from_runs(records, x="visits", ax=axis, legend=False)
    axis.set_title(data)
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# The lines are means over the seeds, the bands reach from the lowest to the highest, mostly
# because the splits differ. The easiest fifth *is* stuck. On the queries it is no better after
# eight passes than after two. On the digits, where the first round, on all rows, is a few steps
# and leaves much to learn, more training makes it worse.
#
# What goes on inside? One training of each kind on the digits, with the losses of all rows
# scored anew after every round: those that the round chose, those that it did not, and test
# rows.
from sklearn_sifal.inspection import selection_overlap
from sklearn_sifal.plotting import SelectionLossDisplay

X, y, X_test, y_test = digits(0)
shown = ["bottom_percentile 20 %", "bottom_percentage 50 %", "self_paced from 20 %"]
figure, axes = plt.subplots(1, 3, figsize=(12, 4), sharey=True, layout="constrained")
models = {}
for axis, name in zip(axes, shown, strict=True):
    model = LossSampledClassifier(STRATEGIES[name], budget=8, record="history", random_state=0)
    models[name] = model.fit(X, y)
    SelectionLossDisplay.from_estimator(
        model, X, y, X_test=X_test, y_test=y_test, ax=axis, legend=False
    )
    axis.set(title=name, yscale="log")
    overlap = selection_overlap(model.selections_, len(y))
    print(
        f"{name:22}  {model.n_iter_:3} rounds, share of a round's rows chosen again in the next: "
        f"{np.median(overlap.kept_share[1:]):.0%}, by chance "
        f"{np.median(overlap.expected_kept_share[1:]):.0%}"
    )
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
plt.show()

# %%
# Under ``bottom_percentile 20 %`` the same rows are chosen in every round. Their loss falls to
# about a thousandth of a nat, and with it their gradient; the net becomes sure of itself on
# them, and the loss of all the others, which nothing holds, rises above that of guessing at
# random (ln 10 = 2.3 nats). A low training loss of the chosen rows says nothing here: the line
# to watch is that of the others.
#
# Half of the loss, counted from the easy end, is a different thing, though the name is alike.
# Easy rows hold so little loss that nearly all rows are needed, nine in ten after a few rounds,
# so that it goes on learning, a little behind ``base``. ``self_paced`` is stuck as long as its
# rows are few, and gets going once the threshold has let the others in.
print("share of the rows in each of the first rounds")
for name, model in models.items():
    share = [f"{record['visits'] / len(y):.0%}" for record in model.history_[:12]]
    print(f"  {name:22}  " + " ".join(share))

# %%
# (A last round is cut to what is left of the budget.) That comes in time on the digits with 16
# passes, and too late with fewer, or on the queries: the learning rate falls over the budget,
# and what enters last is hardly learnt. On average no strategy of this page is better than
# ``base`` at any budget.
#
# The same on real queries, where they are present:
from sklearn_sifal.datasets import fetch_banking77

try:
    bank = fetch_banking77(download_if_missing=False)
except OSError:
    print("BANKING77 is not here; fetch_banking77() downloads it.")
else:
    count = CountVectorizer(ngram_range=(1, 2))
    X, X_test = count.fit_transform(bank.X_train), count.transform(bank.X_test)
    for name in ("base", "bottom_percentile 20 %"):
        for budget in (2, 4):
            model = LossSampledClassifier(STRATEGIES[name], budget=budget, random_state=0)
            score = model.fit(X, bank.y_train).score(X_test, bank.y_test)
            print(f"{name:22}  {budget} passes: accuracy {score:.3f}")

# %%
# The limit: all labels are right here. Where many are wrong, what is never learnt may be just
# as well, and :ref:`sphx_glr_auto_examples_plot_08_wrong_labels.py` finds a use for the lower
# 80 %.
#
# Your own data: any classification where someone proposes a curriculum, "easy examples first".
# Compare it with ``base`` at the same visits, and draw the loss of the rows that it leaves out.
