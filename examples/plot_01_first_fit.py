"""
A first fit: which queries were hard to learn?
==============================================

A pipeline cleans customer queries, counts words and word pairs, and trains a net on the rows
that its sampling strategy draws by their loss. Which queries were hard, and was it worth
choosing?
"""

# %%
# The queries are made up by a grammar, and one label in twenty is made wrong, so that there is
# something to find. With a file of your own, say ``queries.csv`` with the columns ``text`` and
# ``intent``, these lines take the place of the next ones; what comes after them stays as it is,
# but for one cell that says so::
#
#     import pandas as pd  # pip install pandas
#
#     table = pd.read_csv("queries.csv").dropna(subset=["text", "intent"])
#     queries, intents = table["text"].to_numpy(), table["intent"].to_numpy()
from sklearn_sifal.datasets import make_intents

queries, intents = make_intents(4000, n_intents=12, label_noise=0.05, random_state=0)
print(queries[0], "->", intents[0])

# %%
# A part is kept to test on, in which every label has its share, so each has to occur at least
# twice. The classifier goes into a pipeline like any other. A budget of 3 spends as many row
# visits as three passes over the data, however many rounds that takes.
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_sifal import LossSampledClassifier, RegexPreprocessor

X_train, X_test, y_train, y_test = train_test_split(
    queries, intents, stratify=intents, random_state=0
)
model = make_pipeline(
    RegexPreprocessor(),
    CountVectorizer(ngram_range=(1, 2)),
    LossSampledClassifier(sampling_strategy="guarded_importance", budget=3, random_state=0),
)
model.fit(X_train, y_train)
print(f"test accuracy: {model.score(X_test, y_test):.3f}")

# %%
# What was learnt about every training row is in a table: its last known loss in nats, when it
# was measured, and how often the row was trained on. ``pandas.DataFrame(table)`` works.
table = model[-1].loss_table_
print(table.dtype.names)
print(table[:3])

# %%
# The strategy leans towards hard rows. The visits say how much:
from sklearn_sifal.inspection import visits_by_decile

visits = model[-1].visit_counts_
by_loss = visits_by_decile(visits, table["loss"])
print("visits of a row:", ", ".join(f"{mean:.1f}" for mean in by_loss.mean_visits))
print("from the easiest tenth of the rows to the hardest;", visits.sum(), "visits in all")

# %%
# These are the hardest training queries under the finished net, with the label that was given
# and the one that the net would give.
import matplotlib.pyplot as plt

from sklearn_sifal.plotting import InstanceGalleryDisplay

InstanceGalleryDisplay.from_estimator(model, X_train, y_train, is_training=True)
plt.show()

# %%
# Read them: where the predicted label is the better one, the given one is wrong. That is what
# stands on top here; in data of your own look there first. The queries being made up, it is
# known which labels are wrong, and one can count (with a file of your own, leave this cell
# out):
import numpy as np

_, _, true_intents = make_intents(
    4000, n_intents=12, label_noise=0.05, return_true_labels=True, random_state=0
)
true_train, _ = train_test_split(true_intents, stratify=intents, random_state=0)
wrong = y_train != true_train
losses = model[-1].instance_losses(model[:-1].transform(X_train), y_train)
hardest = np.argsort(losses)[::-1][: wrong.sum()]
print(f"wrong labels: {wrong.mean():.0%} of all, {wrong[hardest].mean():.0%} of the", end=" ")
print(f"{len(hardest)} hardest rows, {wrong[hardest[:10]].mean():.0%} of the hardest ten")
print(f"visits of a row: {visits[wrong].mean():.1f} with a wrong label, ", end="")
print(f"{visits[~wrong].mean():.1f} with a right one")

# %%
# Was it worth choosing? That takes a comparison with training on everything (``"base"``) and
# with choosing by nothing (``"random"``), at equal visits and from the same initial weights;
# both are always among the strategies compared.
from sklearn_sifal.comparison import compare_strategies

comparison = compare_strategies(
    model,
    ["guarded_importance", "percentage"],
    X_train,
    y_train,
    X_test,
    y_test,
    budget=[1.5, 3],
)
print(comparison)

# %%
# The verdict looks at accuracy and at seconds, and says first whether anything helped:
print(comparison.verdict())

# %%
comparison.plot()
plt.show()

# %%
# Each point is five trainings of its own, the bands their range: on the left at equal row
# visits, which is what strategies are compared at, on the right against seconds, which is what
# you pay. Here choosing was not worth it: the queries are easy but for the wrong labels, and on
# those a rule by loss spends its visits. (One test label in twenty is wrong too, so no strategy
# can be expected to get beyond 0.95.) The record of losses is there whatever the strategy,
# ``"base"`` included.
#
# ``comparison.to_html("report.html")`` writes all of it, and more, as one page that needs
# nothing but a browser. From the shell one line does the same with a CSV file:
#
# .. code-block:: console
#
#     $ sifal compare queries.csv --text text --label intent \
#           --strategies base,guarded_importance,percentage --budget 3 --report report.html
#
# It applies to any texts with labels; for a table of numbers leave the first two steps of the
# pipeline out.
#
# The limit: queries from a grammar are simple, and figures measured on them do not carry over
# to yours. And losses find wrong labels only while the net has not learnt them by heart:
# trained for longer, it would.
