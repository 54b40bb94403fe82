"""
The learning-rate trap
======================

Is a strategy faster, or does it only take larger steps? Papers on importance sampling weigh a
drawn row by 1/q, q the probability that it was drawn. Where a third of the rows is drawn, that
makes every step three times as large. Compared at one shared learning rate, a method can look
much faster for nothing else.
"""

# %%
# The small digits that come with scikit-learn. What is held out has two halves: one chooses the
# learning rates, the other one judges.
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

images, digits = load_digits(return_X_y=True)
X, X_held_out, y, y_held_out = train_test_split(
    (images / 16).astype(np.float32), digits, test_size=0.4, stratify=digits, random_state=0
)
X_val, X_test, y_val, y_test = train_test_split(
    X_held_out, y_held_out, test_size=0.5, stratify=y_held_out, random_state=0
)
print(f"{len(y):,} digits to train on, {len(y_val)} to choose the rate, {len(y_test)} to judge")

# %%
# The package keeps the mean of a strategy's weights at one, so its own ``"importance"`` does
# not make larger steps. A method whose paper does says so by a factor on the learning rate.
# With it the published form is two lines, and so is its control: rows drawn by nothing, with
# the same larger steps.
from sklearn_sifal.strategies import Importance, Random


class ImportanceLargerSteps(Importance):
    """Importance sampling with steps as large as weights of 1/q make them."""

    def _lr_scale(self, n_chosen: int, n_active: int) -> float:
        return n_active / n_chosen


class RandomLargerSteps(Random):
    """Random rows with the same larger steps."""

    def _lr_scale(self, n_chosen: int, n_active: int) -> float:
        return n_active / n_chosen


strategies = {
    "base": "base",
    "random": Random(30),
    "importance": Importance(30),
    "importance, larger steps": ImportanceLargerSteps(30),
    "random, larger steps": RandomLargerSteps(30),
}

# %%
# Every strategy trains at every rate, on as many row visits as two passes over the data. Seeds
# are paired: with one seed all strategies start from the same weights.
from sklearn_sifal import LossSampledClassifier

rates = [0.001, 0.003, 0.01, 0.02, 0.03, 0.04, 0.06]
seeds = range(8)


def accuracies(strategy, budget, rates=rates):
    """Validation accuracies (n_rates, n_seeds), and what is right (n_rates, n_seeds, n_test)."""
    validation = np.empty((len(rates), len(seeds)))
    right = np.empty((*validation.shape, len(y_test)))
    for i, lr in enumerate(rates):
        for j, seed in enumerate(seeds):
            net = LossSampledClassifier(strategy, budget=budget, lr=lr, random_state=seed)
            net.fit(X, y)
            validation[i, j] = net.score(X_val, y_val)
            right[i, j] = net.predict(X_test) == y_test
    return validation, right


scores = {label: accuracies(strategy, budget=2) for label, strategy in strategies.items()}

# %%
# First the trap. At a shared rate of 0.003, how many passes does ``"base"`` need to be as
# accurate as each of the others is after two?
shared = rates.index(0.003)
budgets = [1, 2, 3, 4]
base_scores = [accuracies("base", budget) for budget in budgets]


def passes_of_base(accuracy, base_accuracies):
    """Passes after which the base reaches an accuracy, between the budgets tried."""
    return np.interp(accuracy, np.maximum.accumulate(base_accuracies), budgets)


base_at_shared = [right[shared].mean() for _, right in base_scores]
print("two passes at the rate 0.003:")
for label, (_, test) in scores.items():
    accuracy = test[shared].mean()
    passes = passes_of_base(accuracy, base_at_shared)
    points = 100 * (accuracy - scores["base"][1][shared].mean())
    line = f"  {label:25} {accuracy:.3f}, like base after {passes:.1f} passes"
    print(f"{line}; {points:+.1f} points against it")

# %%
# Now each at the rate that was best for it on the validation half, the base too, at each of its
# budgets. The differences to the base are paired by seed, with a 95 % interval over seeds and
# test rows.
from sklearn_sifal.comparison import paired_difference


def at_best_rate(scores):
    """Best mean validation accuracy's rate, and what is right there."""
    validation, right = scores
    best = validation.mean(axis=1).argmax()
    return rates[best], right[best]


def points(ours, theirs):
    """Difference in points with half of its interval."""
    fits, rows = np.indices(ours.shape)
    found = paired_difference(ours.ravel(), theirs.ravel(), fits=fits.ravel(), rows=rows.ravel())
    return f"{100 * found.mean:+.1f} ± {100 * (found.high - found.mean):.1f}"


base_at_best = np.array([at_best_rate(at_budget)[1].mean() for at_budget in base_scores])
base_test = at_best_rate(scores["base"])[1]
print("two passes, each at its best rate:")
for label in strategies:
    rate, test = at_best_rate(scores[label])
    passes = passes_of_base(test.mean(), base_at_best)
    line = f"  {label:25} {test.mean():.3f} at {rate:<4}, like base after {passes:.1f} passes"
    if label != "base":
        line += f"; {points(test, base_test)} points against it"
    print(line)
by_loss, by_chance = (
    at_best_rate(scores[f"{label}, larger steps"])[1] for label in ("importance", "random")
)
print(f"larger steps, importance against random: {points(by_loss, by_chance)}")

# %%
# On the left the validation accuracy at every rate: larger steps move a curve to the left. What
# they reach at a small rate, the others reach at a larger one. On the right the test accuracy,
# each mark a seed.
import matplotlib.pyplot as plt

from sklearn_sifal.plotting import strategy_styles

styles = strategy_styles(strategies)
figure, (curves, marks) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
for place, (label, (validation, right)) in enumerate(scores.items()):
    curves.plot(rates, validation.mean(axis=1), label=label, **styles[label])
    color = styles[label]["color"]
    test, best = right[shared].mean(axis=1), at_best_rate(scores[label])[1].mean(axis=1)
    marks.scatter(test, np.full(len(seeds), place), marker="x", color=color)
    marks.scatter(best, np.full(len(seeds), place), marker="o", color=color, alpha=0.6)
curves.axvline(rates[shared], color="grey", linestyle=":")
curves.set(xscale="log", xlabel="learning rate", ylabel="validation accuracy")
curves.set_title("Two passes, by learning rate")
curves.legend()
marks.set_yticks(range(len(scores)), list(scores))
marks.invert_yaxis()
marks.set(xlabel="test accuracy", title="Crosses: rate 0.003; dots: each at its best")
plt.show()

# %%
# At the shared rate, importance sampling with larger steps is far ahead, as if it were half as
# fast again as the base. But random rows with the same steps, which know no loss, are nearly as
# far. With a rate of its own for each, a tenth of the lead is left, a point or so, which is no
# more than the 360 test rows can tell; and the control has a share even in that: steps that
# start small and grow after the first round are a schedule, which can be worth something by
# itself.
#
# This concerns any two methods whose steps differ, on any data of your own: before you believe
# that one is faster, give each a rate of its own.
# :func:`~sklearn_sifal.comparison.compare_strategies` does that with ``lr=[...]``.
#
# The limit: small images, a small net, two passes, seven rates. With another budget or other
# data the best rates are others, and the picture has to be drawn anew.
