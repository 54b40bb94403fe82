"""
Deciding how hard to prune
==========================

How few rows can a round have before the accuracy suffers? It depends on what is held equal:
the visits that are spent, or the number of rounds.
"""

# %%
# - At *equal visits* a small round means many rounds. Nothing is saved; the question is whether
#   the visits are better spent on some rows than on all.
# - At *equal rounds* a small round means fewer visits. Training gets cheaper, and the question
#   is what that costs.
#
# Both are asked of the digits that come with scikit-learn, with five splits into training and
# test rows. ``random`` is the control: as many rows as the others, chosen by nothing.
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_sifal import LossSampledClassifier

PERCENTAGES = [10, 20, 30, 50, 75]
STRATEGIES = ["random", "percentile", "importance"]
N_ROUNDS, N_SEEDS = 10, 5


def digits(seed):
    """Return training and test images and labels of one split."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.4, random_state=seed, stratify=y)
    return X, y, X_test, y_test


def accuracy(data, strategy, percentage, budget, seed):
    """Return the test accuracy of one training, in percent."""
    X, y, X_test, y_test = data
    model = LossSampledClassifier(
        strategy, sampling_percentage=percentage, budget=budget, random_state=seed
    )
    return 100 * model.fit(X, y).score(X_test, y_test)


# %%
# A budget is a number of visits, in passes over the data. The first round is on all rows, so 10
# rounds of 20 % cost 1 + 9 · 0.2 = 2.8 passes. The learning rate falls to zero over each
# training's own budget.
#
# The second question needs one more line: training on everything, but for fewer rounds, with
# the same visits. Whoever wants to spend less can do that, too.
budgets = 1 + (N_ROUNDS - 1) * np.array(PERCENTAGES) / 100
shape = N_SEEDS, len(PERCENTAGES)
everything = np.empty((N_SEEDS, 1))
equal_visits = {name: np.empty(shape) for name in STRATEGIES}
equal_rounds = {name: np.empty(shape) for name in ["base", *STRATEGIES]}
for seed in range(N_SEEDS):
    data = digits(seed)
    everything[seed] = accuracy(data, "base", None, N_ROUNDS, seed)
    for number, (percentage, budget) in enumerate(zip(PERCENTAGES, budgets, strict=True)):
        equal_rounds["base"][seed, number] = accuracy(data, "base", None, budget, seed)
        for name in STRATEGIES:
            equal_visits[name][seed, number] = accuracy(data, name, percentage, N_ROUNDS, seed)
            equal_rounds[name][seed, number] = accuracy(data, name, percentage, budget, seed)
low, high = everything.min(), everything.max()
print(f"all rows, {N_ROUNDS} rounds: {low:.1f} to {high:.1f} % over the splits")

# %%
# The splits differ by more than the strategies do. All trainings of a split share it, and their
# initial weights, so differences within a split say more: their mean, and a 95 % interval by
# Student's t.
from scipy.stats import t


def paired(values, others):
    """Return mean differences and half the widths of their 95 % intervals."""
    difference = values - others
    error = difference.std(axis=0, ddof=1) / np.sqrt(len(difference))
    return difference.mean(axis=0), t.ppf(0.975, len(difference) - 1) * error


def print_differences(title, results, others):
    """Print one line per strategy."""
    print(f"{title:36}" + "".join(f"{percentage:>12} %" for percentage in PERCENTAGES))
    for name, values in results.items():
        pairs = zip(*paired(values, others), strict=True)
        cells = (f"{mean:+.1f} ± {half:.1f}" for mean, half in pairs)
        print(f"  {name:34}" + "".join(f"{cell:>14}" for cell in cells))


print_differences("equal visits, points", equal_visits, everything)
print_differences("equal rounds, points", equal_rounds, everything)

# %%
import matplotlib.pyplot as plt

from sklearn_sifal.plotting import strategy_styles

figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
styles = strategy_styles(["base", *STRATEGIES])
for axis, results in zip(axes, (equal_visits, equal_rounds), strict=True):
    for place, (name, values) in enumerate(results.items()):
        mean, half = paired(values, everything)
        label = "base, fewer rounds with the same visits" if name == "base" else name
        shifted = np.array(PERCENTAGES) + 1.2 * (place - 1)  # bars beside each other
        axis.errorbar(shifted, mean, yerr=half, label=label, capsize=2, **styles[name])
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set(xlabel="rows in a round (%)", xticks=PERCENTAGES)
    axis.grid(alpha=0.3)
axes[0].set(title=f"equal visits: {N_ROUNDS} passes", ylim=(-2.5, 2.5))
axes[0].set_ylabel("against all rows (points of accuracy)")
axes[1].set(title=f"equal rounds: {N_ROUNDS}")
axes[1].set_xticks(
    PERCENTAGES,
    [f"{percentage}\n{budget:g}" for percentage, budget in zip(PERCENTAGES, budgets, strict=True)],
)
axes[1].set_xlabel("rows in a round (%), and passes that all rounds cost")
figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
plt.show()

# %%
# **At equal visits** little depends on the percentage. A tenth of the rows, drawn at random
# anew in each round, does about as well as all of them, so a small percentage does no harm by
# itself. ``percentile`` gains up to a point from a fifth on, and most of these intervals are
# above zero; a point is seven of the 719 test rows of a split. All of this is at one learning
# rate, the default, which may suit it better: see
# :ref:`sphx_glr_auto_examples_plot_04_learning_rate_trap.py`.
#
# **At equal rounds** there is a knee. A quarter off costs less than a point; below that the
# accuracy falls, and at a tenth steeply. ``percentile`` holds out longest and then falls
# deepest: the few hardest rows of a net that has hardly begun are a poor sample of all.
#
# Does pruning pay, then? Compare it with the line of ``base`` in the right panel, which has had
# the same visits without any choice.
print_differences(
    "equal rounds, against fewer of base",
    {name: equal_rounds[name] for name in STRATEGIES},
    equal_rounds["base"],
)

# %%
# For ``random`` and ``importance`` the difference is next to nothing: what looks like the price
# of pruning is the price of training less. ``percentile`` is a little ahead, if at all, with
# half of the rows or more, and far behind with a fifth or less. So read a claim such as "half
# of the rows at no loss of accuracy" as a question: what does training on everything give for
# the same visits?
#
# How to decide, then:
#
# 1. Train on everything with fewer and fewer passes. Where the accuracy begins to fall is what
#    your data need.
# 2. At that budget, compare a few percentages at equal visits, ``random`` among them, with
#    several seeds.
# 3. Take a smaller percentage only where its interval is above zero there, and where seconds,
#    which scoring passes and small batches cost too, agree.
#
# The same on real queries, where they are present: five rounds of 30 %, and everything for the
# same visits.
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_sifal.datasets import fetch_banking77

try:
    bank = fetch_banking77(download_if_missing=False)
except OSError:
    print("BANKING77 is not here; fetch_banking77() downloads it.")
else:
    count = CountVectorizer(ngram_range=(1, 2))
    X, X_test = count.fit_transform(bank.X_train), count.transform(bank.X_test)
    data = X, bank.y_train, X_test, bank.y_test
    for name, percentage, budget in [
        ("base", None, 5),
        ("base", None, 2.2),
        ("random", 30, 2.2),
        ("percentile", 30, 2.2),
    ]:
        scores = [accuracy(data, name, percentage, budget, seed) for seed in range(2)]
        print(f"{name:12} {budget} passes: " + ", ".join(f"{score:.2f} %" for score in scores))

# %%
# The limit: 1,078 rows, one net, its default learning rate, which suits some percentages better
# than others, and redundant data prune further than scarce data. The curve has to be drawn for
# your own.
#
# Your own data: any table, texts or images whose training takes long enough for you to want
# less of it.
