"""
Rare classes and rare patterns: where choosing by loss helps
============================================================

Does choosing rows by their loss help where some of them are rare? Here it does, and it is
compared with the simple remedy, class weights: once where the rare rows have labels of their
own, and once where nothing but their loss gives them away.
"""

# %%
# Digits 5 to 9 are thinned to a tenth, some five of each against ninety; six times, with other
# rows each time. What is held out stays balanced: two fifths of it choose the learning rates, the rest
# judges. From the same images come two tasks. In the first one a label is the digit. In the second one it
# says whether the digit is even or odd: the rare digits are still there, but each
# hides in a large class.
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

images, digits = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32)


def draw(seed):
    """Rows to train on, to choose by and to judge by."""
    train, held_out = train_test_split(
        np.arange(len(digits)), test_size=0.5, stratify=digits, random_state=seed
    )
    frequent = digits[train] < 5
    train = train[frequent | (np.random.default_rng(seed).random(len(train)) < 0.1)]
    choose, judge = train_test_split(
        held_out, test_size=0.6, stratify=digits[held_out], random_state=seed
    )
    return train, choose, judge


draws = [draw(seed) for seed in range(6)]
print("rows of each digit in the first draw:", np.bincount(digits[draws[0][0]]))

# %%
# The candidates: everything, a random part, four rules by loss, and everything with class weights.
candidates = {
    "base": {"sampling_strategy": "base"},
    "random": {"sampling_strategy": "random", "sampling_percentage": 30},
    "importance": {"sampling_strategy": "importance"},
    "guarded_importance": {"sampling_strategy": "guarded_importance"},
    "percentage 95": {"sampling_strategy": "percentage", "sampling_percentage": 95},
    "percentile 30": {"sampling_strategy": "percentile", "sampling_percentage": 30},
    "class weights": {"sampling_strategy": "base", "class_weight": "balanced"},
}
tasks = {"label: the digit": digits, "label: even or odd": digits % 2}
budgets = [4, 12]
rates = [0.01, 0.03, 0.09]

# %%
# Each trains with every budget (row visits, in passes over the data) and rate. It is judged by the
# share it gets right of each digit, so that a rare digit counts as much as a frequent
# one, and at the rate that is best for it on average over the draws.
from time import perf_counter

from sklearn_sifal import LossSampledClassifier


def recalls(net, rows, labels):
    """Share of each digit that is predicted right."""
    right = net.predict(images[rows]) == labels[rows]
    return np.array([right[digits[rows] == digit].mean() for digit in range(10)])


def trainings(parameters, labels, budget):
    """One record for each draw, at the best rate."""
    by_rate = []
    for lr in rates:
        records = []
        for seed, (train, choose, judge) in enumerate(draws):
            net = LossSampledClassifier(**parameters, budget=budget, lr=lr, random_state=seed)
            began = perf_counter()
            net.fit(images[train], labels[train])
            records.append(
                {
                    "seed": seed,
                    "budget": budget,
                    "lr": lr,
                    "seconds": perf_counter() - began,
                    "visits": net.visit_counts_.sum() / len(train),
                    "chosen_by": recalls(net, choose, labels).mean(),
                    "recalls": (recall := recalls(net, judge, labels)),
                    "balanced_accuracy": recall.mean(),
                }
            )
        by_rate.append(records)
    return max(by_rate, key=lambda records: np.mean([r["chosen_by"] for r in records]))


runs = {
    task: [
        {"strategy": name, **record}
        for name, parameters in candidates.items()
        for budget in budgets
        for record in trainings(parameters, labels, budget)
    ]
    for task, labels in tasks.items()
}

# %%
# The differences to the base, in points, paired by draw, with a 95 % interval.
from scipy import stats


def scores(task, name, budget, key="balanced_accuracy"):
    """Of each draw."""
    return np.array(
        [r[key] for r in runs[task] if r["strategy"] == name and r["budget"] == budget]
    )


for task in tasks:
    print(f"{task:20}", *(f"{budget:>13} passes" for budget in budgets))
    for name in candidates:
        cells = []
        for budget in budgets:
            points = 100 * (scores(task, name, budget) - scores(task, "base", budget))
            half = stats.t.ppf(0.975, len(points) - 1) * stats.sem(points)
            cells.append(f"{points.mean():+6.1f} ± {half:4.1f}")
        print(f"  {name:18}", *(f"{cell:>20}" for cell in cells))
print({task: [r["lr"] for r in runs[task] if r["seed"]==0] for task in tasks})
