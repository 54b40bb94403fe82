"""
Who is hard? The top and the bottom deciles
===========================================

Sort the training rows by their loss and cut them into ten equal parts. Which labels stand in
the hardest tenth and which in the easiest, and what do their queries look like?
"""

# %%
# BANKING77 where its files are present, otherwise made-up queries of which three in a hundred
# have a wrong label. With a file of your own put its texts and labels here.
import numpy as np
from sklearn.model_selection import train_test_split

from sklearn_sifal.datasets import fetch_banking77, make_intents

try:
    data = fetch_banking77(download_if_missing=False, return_X_y=True)
except OSError:
    queries, intents = make_intents(8000, n_intents=30, label_noise=0.03, random_state=0)
    data = train_test_split(queries, intents, test_size=0.3, random_state=0)
queries, new_queries, intents, new_intents = data
print(f"{len(queries):,} queries to train on, {len(new_queries):,} new ones")

# %%
# A training of four passes. The losses are measured when it is over, so that all are under the
# same weights; ``loss_table_`` has the last known ones, most of them from steps before.
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from sklearn_sifal import LossSampledClassifier, RegexPreprocessor
from sklearn_sifal.inspection import loss_deciles, ranked_instances

model = make_pipeline(
    RegexPreprocessor(),
    CountVectorizer(ngram_range=(1, 2)),
    LossSampledClassifier("base", budget=4, random_state=0),
)
model.fit(queries, intents)
counts = model[:-1].transform(queries)
losses = model[-1].instance_losses(counts, intents)
deciles = loss_deciles(losses, intents)

print("bin     mean loss  share of the loss  most frequent label")
for k in range(deciles.n_bins):
    frequent = f"{deciles.most_frequent[k]} ({deciles.most_frequent_share[k]:.1%})"
    print(f"{k:3}    {deciles.mean_loss[k]:9.3f} {deciles.loss_share[k]:17.1%}   {frequent}")

# %%
# The picture shows it for more labels: how many times as frequent as overall a label is in a
# bin, the hardest labels at the top, and below it where the loss is. Bin 0 is the easiest
# tenth, bin 9 the hardest.
import matplotlib.pyplot as plt

from sklearn_sifal.plotting import InstanceGalleryDisplay, LossDecileDisplay

LossDecileDisplay(deciles).plot()
plt.show()

# %%
# How much of this is chance? If labels had nothing to do with losses, a small label would still
# be uneven. So the labels are shuffled, many times, and the largest lift of all is noted:
rng = np.random.default_rng(0)
shuffled = [loss_deciles(losses, rng.permutation(intents)).lift[-1].max() for _ in range(200)]
by_chance = np.quantile(shuffled, 0.95)
hard = deciles.lift[-1]
print(f"19 shuffles out of 20 have no lift above {by_chance:.2f} in the hardest tenth;")
print(f"in truth {np.sum(hard > by_chance)} of {len(hard)} labels are above that")

# %%
# Labels can be hard because they are rare, because others resemble them, or because their rows
# are labelled badly. The rank correlation of a label's lift in the hardest tenth with its
# frequency tells the first from the others. And if a label is hard rather than unlucky, it is
# so for new queries too:
from scipy.stats import spearmanr

new_losses = model[-1].instance_losses(model[:-1].transform(new_queries), new_intents)
new_deciles = loss_deciles(new_losses, new_intents)
both = np.isin(deciles.labels, new_deciles.labels)
print("rank correlation of a label's lift in the hardest tenth")
print(f"  with its frequency:              {spearmanr(hard, deciles.base_rate).statistic:+.2f}")
with_new = spearmanr(hard[both], new_deciles.lift[-1]).statistic
print(f"  with its lift among new queries: {with_new:+.2f}")
print(f"mean loss of the hardest tenth:    {deciles.mean_loss[-1]:.2f} nats")
print(f"mean loss of the hardest new ones: {new_deciles.mean_loss[-1]:.2f} nats")

# %%
# The hardest queries themselves, with their labels and what the net takes them for.
columns = {"y": intents, "y_pred": model.predict(queries), "contents": queries}
hardest = ranked_instances(losses, 10, **columns)
InstanceGalleryDisplay(hardest).plot()
plt.show()

# %%
# And the easiest ones:
easiest = ranked_instances(losses, 6, order="easiest", **columns)
InstanceGalleryDisplay(easiest).plot()
plt.show()

# %%
# These are no model queries. They are long, and long rows are easy to *learn*: each word adds
# to the score, and a word or pair that no other row has says which row it is. So look at
# lengths too, bin by bin, and at new queries beside those that the net was trained on:
bins = np.arange(deciles.n_bins)
rows_with = counts.getnnz(axis=0)  # of each word and pair
unique = counts[:, rows_with == 1].getnnz(axis=1)
n_words, new_n_words = (np.array([len(q.split()) for q in some]) for some in (queries, new_queries))
words = [n_words[deciles.bin_of_row == k].mean() for k in bins]
new_words = [new_n_words[new_deciles.bin_of_row == k].mean() for k in bins]
for k in (0, deciles.n_bins - 1):
    mean = unique[deciles.bin_of_row == k].mean()
    print(f"bin {k}: {words[k]:.1f} words; {mean:.1f} words or pairs that no other row has")

figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
axis.plot(bins, words, marker="o", label="trained on")
axis.plot(bins, new_words, marker="s", linestyle="--", label="new queries")
axis.set(xlabel="loss decile (0: smallest losses)", ylabel="words in a query", xticks=bins)
axis.set_ylim(bottom=0)
axis.legend()
plt.show()

# %%
# So most of the loss sits in one tenth of the rows, which is why a strategy by loss leaves so
# many rows alone; some labels are harder than chance explains, rare ones above all, and they
# are hard for new queries more often than not. The hardest queries are of up to three kinds, to
# be told apart by reading: a wording too short to tell, a label that another one resembles, and
# a label that is simply wrong. The easiest ones were learnt, which is not the same as being
# clear.
#
# Any texts or rows of your own with labels can be sorted like this; ``y`` may be anything that
# groups them, such as the channel that a query came by.
#
# The limit: these are losses of rows that the net was trained on. The longer the training, the
# more of the hard rows it knows by heart, wrong labels included, and the less the order says.
# The losses of the new queries are several times as large, and nothing has made them smaller.
