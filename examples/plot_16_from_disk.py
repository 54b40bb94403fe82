"""
A matrix that is never loaded: training from disk
=================================================

Texts are turned into counts block by block and written to a folder; the classifier maps the
folder and reads the rows that it wants. Does it learn the same as from memory, and how
does the time grow?
"""

# %%
# A stream of queries. `HashingVectorizer` needs no vocabulary, so that no block has to wait
# for the others.
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.datasets import make_intents, open_csr, save_csr

queries, intents = make_intents(12_000, n_intents=20, random_state=0)
vectorizer = HashingVectorizer(
    n_features=2**16, ngram_range=(1, 2), alternate_sign=False, norm=None, dtype=np.float32
)


def blocks_of_counts(n_rows: int) -> Iterator[Any]:
    """Counts of 1,000 queries at a time."""
    for first in range(0, n_rows, 1000):
        yield vectorizer.transform(queries[first : first + 1000])


# %%
# Written once. What comes back from `open_csr` is a scipy matrix whose arrays are read-only
# maps of the files.
folder = Path(tempfile.mkdtemp())
save_csr(folder / "train", blocks_of_counts(10_000))
X, y = open_csr(folder / "train"), intents[:10_000]
size = sum(file.stat().st_size for file in (folder / "train").iterdir())
print(f"{X.shape[0]} x {X.shape[1]}, {X.nnz} counts, {size / 1e6:.1f} MB on disk")

# %%
# The same bits as from memory: the rows, their order and the arithmetic are the same.
X_test, y_test = vectorizer.transform(queries[10_000:]), intents[10_000:]
mapped = LossSampledClassifier(budget=3, random_state=0).fit(X, y)
in_memory = LossSampledClassifier(budget=3, random_state=0).fit(X.copy(), y)
same = np.array_equal(mapped.predict_proba(X_test), in_memory.predict_proba(X_test))
print(f"accuracy {mapped.score(X_test, y_test):.3f}; the same bits as from memory: {same}")

# %%
# Time follows the number of rows, once the initial weights, 65,536 rows of them, are drawn.
sizes, seconds = (1250, 2500, 5000, 10_000), []
for n_rows in sizes:
    began = perf_counter()
    LossSampledClassifier("base", budget=2, random_state=0).fit(X[:n_rows], y[:n_rows])
    seconds.append(perf_counter() - began)
    print(f"{n_rows:6} rows: {seconds[-1]:.2f} s")

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.plot(sizes, seconds, marker="o")
axes.set(xlabel="rows", ylabel="seconds of a fit", xlim=(0, None), ylim=(0, None))
axes.set_title("Two passes over rows on disk")
figure.savefig(folder / "seconds.png")

# %%
# The limit: rows are read in random order. Files that do not fit into memory beside the rest are
# read from disk again in every pass; shuffle them once before writing, and train with
# ``shuffle=False``.
