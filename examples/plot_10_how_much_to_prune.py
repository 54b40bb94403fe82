"""
Deciding how hard to prune
==========================

How few rows can a round have before the accuracy suffers? It depends on what is held equal:
the visits that are spent, or the number of rounds.
"""

# %%
# - At *equal visits* a small round means many rounds. Nothing is saved; the question is whether the
#   visits are better spent on some rows.
# - At *equal rounds* a small round means fewer visits. Training gets cheaper, and the question is what
#   that costs.
#
# Both are asked of the digits that come with scikit-learn, with five splits into training and test
# rows. ``random`` is the control: as many rows as the others, chosen by nothing.
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_sifal import LossSampledClassifier

PERCENTAGES = [10, 20, 30, 50, 75, 100]
STRATEGIES = ["random", "percentile", "importance"]
N_ROUNDS, N_SEEDS = 16, 5


def digits(seed):
    """Return training and test images and labels of one split."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.4, random_state=seed, stratify=y)
    return X, y, X_test, y_test


def accuracy(data, strategy, percentage, budget, seed):
    """Return the accuracy of one training, in percent."""
    X, y, X_test, y_test = data
    model = LossSampledClassifier(
        strategy, sampling_percentage=percentage, budget=budget, random_state=seed
    )
    return 100 * model.fit(X, y).score(X_test, y_test)


# %%
# A budget is a number of visits, in passes over the data. The first round is on all rows, so 16 rounds of
# 20 % cost 1 + 15 · 0.2 = 4 passes. The learning rate falls to zero over each training's own budget.
#
# One more line belongs to the second question: training on everything, but for fewer rounds, with the
# same visits. Whoever wants to spend less can do that, too.
budgets = 1 + (N_ROUNDS - 1) * np.array(PERCENTAGES) / 100
shape = N_SEEDS, len(PERCENTAGES)
equal_visits = {name: np.empty(shape) for name in STRATEGIES}
equal_rounds = {name: np.empty(shape) for name in [*STRATEGIES, "base"]}
for seed in range(N_SEEDS):
    data = digits(seed)
    for number, (percentage, budget) in enumerate(zip(PERCENTAGES, budgets, strict=True)):
        for name in STRATEGIES:
            equal_visits[name][seed, number] = accuracy(data, name, percentage, N_ROUNDS, seed)
            equal_rounds[name][seed, number] = accuracy(data, name, percentage, budget, seed)
        equal_rounds["base"][seed, number] = accuracy(data, "base", None, budget, seed)

# %%
import matplotlib.pyplot as plt

from sklearn_sifal.plotting import strategy_styles

figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True, layout="constrained")
styles = strategy_styles(["base", *STRATEGIES])
for axis, results in zip(axes, (equal_visits, equal_rounds), strict=True):
    for name, values in results.items():
        look = styles[name]
        if name == "base":
            look, label = look | {"linestyle": ":"}, "base, fewer rounds, same visits"
        else:
            label = name
        axis.plot(PERCENTAGES, values.mean(axis=0), label=label, **look)
        axis.fill_between(
            PERCENTAGES, values.min(axis=0), values.max(axis=0), color=look["color"], alpha=0.12
        )
    axis.set(xlabel="rows in a round (%)", xticks=PERCENTAGES)
    axis.grid(alpha=0.3)
axes[0].set(title=f"equal visits: {N_ROUNDS} passes", ylabel="test accuracy (%)")
axes[1].set(title=f"equal rounds: {N_ROUNDS}")
passes = axes[1].secondary_xaxis(-0.18)
passes.set_xticks(PERCENTAGES, [f"{budget:g}" for budget in budgets])
passes.set_xlabel("passes spent")
figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
plt.show()

# %%
# The lines are means, the bands reach from the worst split to the best, and much of their width is how hard
# the split is. All trainings of a split share it, so differences within splits say more:
from scipy.stats import t


def paired(values, others):
    """Return mean difference and half the width of its 95 % interval."""
    difference = values - others
    error = difference.std(axis=0, ddof=1) / np.sqrt(len(difference))
    return difference.mean(axis=0), t.ppf(0.975, len(difference) - 1) * error


def print_differences(results, others):
    """Print a line a strategy, and from where on the loss is below what can be seen."""
    for name in STRATEGIES:
        mean, half = paired(results[name], others)
        cells = "".join(f"{m:+6.1f} ± {h:3.1f}" for m, h in zip(mean, half, strict=True))
        worse = np.flatnonzero(mean + half < 0)
        knee = PERCENTAGES[worse[-1] + 1] if len(worse) else PERCENTAGES[0]
        print(f"  {name:12}{cells}   not seen to be worse from {knee} % on")


print(" " * 14 + "".join(f"{percentage:10} %" for percentage in PERCENTAGES))
print("equal visits, against all rows (points)")
print_differences(equal_visits, equal_visits["random"][:, -1:])
print("equal rounds, against all rows")
print_differences(equal_rounds, equal_rounds["random"][:, -1:])
print("equal rounds, against all rows for fewer rounds, with the same visits")
print_differences(equal_rounds, equal_rounds["base"])
