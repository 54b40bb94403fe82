"""
The heap and its evictions
==========================

A heap trains on the batch of rows with the largest last losses, again and again, and
throws out what it has visited too often. What becomes of rows with a wrong label?
"""

# %%
# The rule is that of the sampler of datasetq. A row whose loss stays large after its visit
# comes back on top at once; only ``max_visits``, the number of visits in a round after which a
# row is evicted, ends that. ``reset_every`` lets evicted rows back in. The data are made-up
# customer queries, and one label in twenty is wrong.
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from sklearn_sifal.datasets import make_intents


def make_queries(seed, label_noise=0.05):
    """Return half of the queries to train on, and half with right labels to test on."""
    texts, y, true_y = make_intents(
        4000, n_intents=16, label_noise=label_noise, return_true_labels=True, random_state=seed
    )
    rows, test = train_test_split(
        np.arange(len(y)), test_size=0.5, random_state=seed, stratify=true_y
    )
    count = CountVectorizer(ngram_range=(1, 2))
    return Bunch(
        texts=texts[rows],
        X=count.fit_transform(texts[rows]),
        y=y[rows],
        wrong=y[rows] != true_y[rows],
        X_test=count.transform(texts[test]),
        y_test=true_y[test],
    )


# %%
# All of these spend six passes' worth of visits, on three draws of the data.
from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.strategies import HeapQueue

N_SEEDS = 3
draws = [make_queries(seed) for seed in range(N_SEEDS)]
n_rows = len(draws[0].y)
STRATEGIES = {
    "base": "base",
    "heap": HeapQueue(),
    "heap, 10 visits": HeapQueue(max_visits=10),
    "heap, 5 visits": HeapQueue(max_visits=5),
    "heap, 5 visits, resets": HeapQueue(max_visits=5, reset_every=n_rows),
}

models, accuracies = {}, {name: [] for name in STRATEGIES}
for seed, data in enumerate(draws):
    for name, strategy in STRATEGIES.items():
        model = LossSampledClassifier(strategy, budget=6, record="history", random_state=seed)
        models[name, seed] = model.fit(data.X, data.y)
        accuracies[name].append(model.score(data.X_test, data.y_test))

print("                          accuracy of the seeds   visits to wrong  to the top 1 % of rows")
for name in STRATEGIES:
    scores = "  ".join(f"{score:.3f}" for score in accuracies[name])
    to_wrong, to_top = [], []
    for seed, data in enumerate(draws):
        visits = models[name, seed].visit_counts_
        to_wrong.append(visits[data.wrong].sum() / visits.sum())
        to_top.append(np.sort(visits)[-n_rows // 100 :].sum() / visits.sum())
    print(f"{name:24}  {scores:22}  {np.mean(to_wrong):14.0%}  {np.mean(to_top):14.0%}")

# %%
# The visits of the first draw. Every strategy made as many.
import matplotlib.pyplot as plt

from sklearn_sifal.plotting import VisitCountDisplay, strategy_styles

display = VisitCountDisplay.from_arrays(
    {name: models[name, 0].visit_counts_ for name in STRATEGIES if name != "heap, 10 visits"},
    log=True,
)
plt.show()

# %%
# Without a limit the heap is stuck on few rows. Within a round it draws as many times as there
# are rows, and some of them as often as there are batches:
from sklearn_sifal.inspection import visit_history

model, wrong = models["heap", 0], draws[0].wrong
history = visit_history(model.selections_, n_rows)
for number, rows in enumerate(model.selections_):
    print(
        f"round {number}: {history.n_rows[number]:5} of {n_rows} rows, "
        f"one of them {history.most_visits[number]:2} times, "
        f"{wrong[rows].mean():.0%} of the visits to wrong labels"
    )

# %%
# Wrong labels are one row in twenty, and get about a third of the visits. That costs several
# points of accuracy against ``base``, in every draw. A limit of five visits a round brings most
# of it back. It also makes the heap a detector of sorts: who is evicted first?
model = models["heap, 5 visits", 0]
evicted = model.sampling_strategy_.evicted_
print("columns of evicted_:", evicted.dtype.names)

rounds = np.arange(model.n_iter_)
n_out = np.array([np.count_nonzero(evicted["epoch"] == number) for number in rounds])
n_wrong = np.array([wrong[evicted["row"][evicted["epoch"] == number]].sum() for number in rounds])
for number in rounds[n_out > 0]:
    print(f"round {number}: {n_out[number]:4} rows evicted, {n_wrong[number]:3} with a wrong label")
print(f"all in all {n_wrong.sum()} of the {wrong.sum()} wrong labels, and {n_out.sum()} rows")

figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
styles = strategy_styles(list(STRATEGIES))
for name in STRATEGIES:
    share = [100 * wrong[rows].mean() for rows in models[name, 0].selections_]
    axes[0].plot(share, label=name, **styles[name])
axes[0].set(xlabel="round", ylabel="visits to wrong labels (%)", ylim=(0, 70))
axes[0].legend()
axes[1].bar(rounds, n_wrong, color="#d55e00", label="label wrong")
axes[1].bar(
    rounds, n_out - n_wrong, bottom=n_wrong, color="#56b4e9", hatch="//", label="label right"
)
axes[1].set(xlabel="round", ylabel="rows evicted", title="heap, 5 visits", xticks=rounds)
axes[1].legend()
for axis in axes:
    axis.grid(alpha=0.3)
plt.show()

# %%
# Of the rows that the first round with a choice throws out, most have a wrong label. The rounds
# after it throw out what is hard with a right label, and in the end what is merely next in
# line: evictions rank, and only the first of them accuse. With the wrong labels out, their
# share of the visits falls round by round. Resets undo just that: with them the wrong labels
# are back in every round. How many rows sit out, and what comes back within a round:
from sklearn_sifal.plotting import EvictionDisplay

figure, axes = plt.subplots(2, 1, figsize=(7.5, 6.4), sharex=True, layout="constrained")
for axis, name in zip(axes, ["heap, 5 visits", "heap, 5 visits, resets"], strict=True):
    EvictionDisplay.from_estimator(models[name, 0], ax=axis)
    axis.set_title(f"{name}. {axis.get_title(loc='left')}", loc="left")
plt.show()

# %%
# The resets here come once a round: whatever sat out comes back, and about as many rows or
# more are thrown out again before the round ends.
#
# The eight rows evicted first, those of largest loss, with what ``base`` predicts for them:
from sklearn_sifal.inspection import InstanceTable
from sklearn_sifal.plotting import InstanceGalleryDisplay

first = evicted[np.lexsort((-evicted["loss"], evicted["epoch"]))][:8]
rows, data = first["row"], draws[0]
print(f"{wrong[rows].sum()} of the {len(rows)} have a wrong label")
table = InstanceTable(
    rows=rows,
    losses=first["loss"],
    labels=data.y[rows],
    predictions=models["base", 0].predict(data.X[rows]),
    visits=first["visits"],
    contents=data.texts[rows],
)
display = InstanceGalleryDisplay(table).plot()
plt.show()

# %%
# The limit: does the heap help? Compare its accuracies with those of ``base`` above, draw by
# draw, and the same without any wrong label:
clean = {name: [] for name in ("base", "heap", "heap, 5 visits")}
for seed in range(N_SEEDS):
    data = make_queries(seed, label_noise=0)
    for name, scores in clean.items():
        model = LossSampledClassifier(STRATEGIES[name], budget=6, random_state=seed)
        scores.append(model.fit(data.X, data.y).score(data.X_test, data.y_test))
for name, scores in clean.items():
    print(f"without wrong labels, {name:15}" + "  ".join(f"{score:.3f}" for score in scores))

# %%
# On clean queries the heap and ``base`` are within half a point, in either direction, and a
# round of the heap costs as many visits as one of ``base``. So it is an instrument to look at
# data with rather than one to train faster with. ``max_visits`` counts within a round, and has
# to be smaller than the number of batches in one: a row is in a batch once, so in a round of
# nine batches a limit of ten never acts.
#
# Your own data: wherever a heap or another replay of hard rows is in use, print how many
# distinct rows a round has, and look at those it visits most.
