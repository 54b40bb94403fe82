"""
Does sorting by loss help? The SIFAL experiment
===============================================

What if we sort the training rows by their loss before every round, and train only on the
top? This is the question that this package began with. Here three strategies start from
the same weights, go through their rows in the same fixed order, and spend the same number
of row visits: everything (*base*), the 30 % with the largest losses (*percentile*), and
the rows that hold 90 % of the total loss (*percentage*).
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # small nets are slower with more threads

# %%
# The queries: BANKING77 where its files are present, else made up by a grammar. A fixed
# order must not be that of a file, where the queries of an intent often stand together:
# a net that sees one intent after the other forgets the first ones.
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_sifal import LossSampledClassifier, RegexPreprocessor
from sklearn_sifal.datasets import fetch_banking77, make_intents

try:
    X_train, X_test, y_train, y_test = fetch_banking77(download_if_missing=False, return_X_y=True)
except OSError:
    X_train, X_test, y_train, y_test = train_test_split(
        *make_intents(8000, random_state=0), test_size=0.3, random_state=0
    )
order = np.random.default_rng(0).permutation(len(y_train))
X_train, y_train = X_train[order], y_train[order]
print(f"{len(y_train)} queries to train on, {len(y_test)} to test, {len(set(y_train))} intents")

# %%
# SIFAL measures all losses before every round (``refresh="epoch"``), also before the first
# (``warmup_epochs=0``). :func:`~sklearn_sifal.comparison.compare_strategies` adds the
# control that every such comparison needs: rows chosen at random.
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.strategies import Percentage, Percentile

model = make_pipeline(
    RegexPreprocessor(), CountVectorizer(ngram_range=(1, 2)), LossSampledClassifier(shuffle=False)
)
strategies = {
    "percentile": Percentile(30, refresh="epoch", warmup_epochs=0),
    "percentage": Percentage(90, refresh="epoch", warmup_epochs=0),
}
comparison = compare_strategies(
    model, strategies, X_train, y_train, X_test, y_test, budget=4, n_seeds=3
)
print(comparison)
print()
print(comparison.verdict())
