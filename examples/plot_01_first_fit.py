"""
A first fit: which queries were hard to learn?
==============================================

A pipeline cleans customer queries, counts words and word pairs, and trains a net on
the rows that its sampling strategy draws. What does the loss table tell afterwards?
"""

# %%
# The queries are made up by a grammar, and one label in twenty is made wrong, so that
# there is something to find.
from sklearn_sifal.datasets import make_intents

queries, intents, true_intents = make_intents(
    4000, n_intents=12, label_noise=0.05, return_true_labels=True, random_state=0
)
print(queries[0], "->", intents[0])

# %%
# The classifier goes into a pipeline like any other. A budget of 3 spends as many row
# visits as three passes over the data, however many rounds that takes.
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from sklearn_sifal import LossSampledClassifier, RegexPreprocessor

model = make_pipeline(
    RegexPreprocessor(),
    CountVectorizer(ngram_range=(1, 2)),
    LossSampledClassifier(sampling_strategy="guarded_importance", budget=3, random_state=0),
)
model.fit(queries, intents)

# %%
# The table has one record per query: its last known loss in nats, when it was measured,
# and how often the row was trained on.
table = model[-1].loss_table_
print(table.dtype.names)
print("rounds:", model[-1].n_iter_, " visits in all:", model[-1].visit_counts_.sum())

# %%
# The queries with the largest loss under the finished net, with the label that was given
# and the one that is true:
losses = model[-1].instance_losses(model[:-1].transform(queries), intents)
for row in losses.argsort()[::-1][:10]:
    print(f"{losses[row]:5.2f} nats  {intents[row]:24}  {true_intents[row]:24}  {queries[row]}")

# %%
# How many of the wrong labels stand among the hardest queries?
import numpy as np

wrong = intents != true_intents
hardest = losses.argsort()[::-1][: wrong.sum()]
share = wrong[hardest].mean()
print(
    f"{share:.0%} of the {wrong.sum()} hardest queries have a wrong label ({wrong.mean():.0%} do)"
)

# %%
# A picture of the same: most rows are learnt, and the wrong labels keep their loss.
import matplotlib.pyplot as plt

bins = np.linspace(0, losses.max(), 40)
figure, axis = plt.subplots(layout="constrained")
axis.hist([losses[~wrong], losses[wrong]], bins=bins, stacked=True, log=True)
axis.set(xlabel="loss (nats)", ylabel="queries", title="Loss by query after training")
axis.legend(["label right", "label wrong"])
plt.show()

# %%
# The limit: the grammar's queries are simple, and a net trained for longer would learn
# the wrong labels by heart. Losses find them only while it has not.
