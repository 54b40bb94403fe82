"""
Training from disk: what does it cost not to load the matrix?
=============================================================

Texts are turned into counts block by block and written to a folder; the classifier maps the
folder and reads the rows that it wants. Does it learn the same as from memory, does it take
longer, and how does the time grow with the number of rows?
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
# Seconds of a fit of two passes, from the files and from memory: the fastest of three, in turn.
# Every size is a folder of its own, since ``X[:n]`` of a mapped matrix is a copy in memory.


def seconds_of_a_fit(X_train: Any, y_train: np.ndarray) -> float:
    began = perf_counter()
    LossSampledClassifier("base", budget=2, random_state=0).fit(X_train, y_train)
    return perf_counter() - began


sizes = (1250, 2500, 5000, 10_000)
seconds: dict[str, list[float]] = {"from files": [], "from memory": []}
for n_rows in sizes:
    save_csr(folder / str(n_rows), X[:n_rows])
    sources = {"from files": open_csr(folder / str(n_rows)), "from memory": X[:n_rows]}
    turns = [[seconds_of_a_fit(part, y[:n_rows]) for part in sources.values()] for _ in range(3)]
    for name, fastest in zip(sources, np.min(turns, axis=0), strict=True):
        seconds[name].append(fastest)
    print(f"{n_rows:6} rows: " + ", ".join(f"{s[-1]:.2f} s {name}" for name, s in seconds.items()))

# %%
# The picture has the number of rows to the right and seconds upwards.
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
axis.plot(sizes, seconds["from memory"], color="#0072B2", marker="o", label="from memory")
axis.plot(
    sizes, seconds["from files"], color="#D55E00", marker="s", linestyle="--", label="from files"
)
axis.set(xlabel="rows", ylabel="seconds of a fit", xlim=(0, None), ylim=(0, None))
axis.set_title("Two passes over the rows, one thread")
axis.legend()
plt.show()

# %%
# The two lines are one, as far as such short times can tell: what was just written is still in the
# operating system's memory, and reading it there is as fast as reading an array. Both begin
# above zero, since the initial weights of 65,536 columns are drawn first, and then rise in
# proportion to the rows: eight times as many take about five times as long.
#
# The limit: 1.5 MB is no large matrix, and was chosen so that this page is quick; the guide to
# large data has times up to ten million rows. Rows are read in random order. Files that do not fit
# into memory beside the rest are read from disk again in every pass; shuffle them once before
# writing, and train with ``shuffle=False``.
