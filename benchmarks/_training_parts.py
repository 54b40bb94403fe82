"""Training parts that the values behind "auto" are chosen on, in folds. No test part is read.

Texts are counted anew in every fold, and tables standardised, by what is trained on there.
A data set whose files are absent raises OSError; nothing is downloaded.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.datasets import load_digits, make_classification
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_sifal.datasets import fetch_mnist, make_intents
from sklearn_sifal.datasets._data_home import data_folder


class Fold(NamedTuple):
    """Rows to train on and rows to score."""

    X_train: Any
    y_train: NDArray[Any]
    X_held_out: Any
    y_held_out: NDArray[Any]

    @property
    def non_zeros(self) -> float | None:
        """Mean number of non-zeros of a training row; None for dense inputs."""
        return self.X_train.nnz / self.X_train.shape[0] if sp.issparse(self.X_train) else None


class TrainingPart(NamedTuple):
    """Inputs, labels, and how inputs become features, learnt in each fold; None for as they are."""

    X: Any
    y: NDArray[Any]
    make_transformer: Callable[[], Any] | None = None

    def folds(self, n_folds: int) -> list[Fold]:
        """Stratified folds, shuffled; for 1 a single split that holds a sixth out."""
        rows = np.arange(len(self.y))
        if n_folds == 1:
            parts = [train_test_split(rows, test_size=1 / 6, stratify=self.y, random_state=0)]
        else:
            parts = StratifiedKFold(n_folds, shuffle=True, random_state=0).split(rows, self.y)
        return [self._fold(trained, held_out) for trained, held_out in parts]

    def _fold(self, trained: NDArray[np.int64], held_out: NDArray[np.int64]) -> Fold:
        X, X_held_out = self.X[trained], self.X[held_out]
        if self.make_transformer is not None:
            transformer = self.make_transformer()
            X, X_held_out = transformer.fit_transform(X), transformer.transform(X_held_out)
        return Fold(X, self.y[trained], X_held_out, self.y[held_out])


def make_newsgroups(
    n_documents: int = 5000,
    *,
    n_topics: int = 20,
    n_words: int = 30_000,
    mean_length: int = 150,
    topic_share: float = 0.5,
    tilt: float = 1.5,
    random_state: int = 0,
) -> tuple[sp.csr_matrix, NDArray[np.int64]]:
    """Word counts of long documents on topics, as in 20 newsgroups.

    Words follow Zipf's law. A topic multiplies the frequency of every word by the exponential
    of a normal number. A document mixes common language, its own topic and one other; so that
    a word tells little and the document as a whole much.

    Parameters
    ----------
    n_documents, n_topics, n_words : int
        Sizes.
    mean_length : int
        Median number of words of a document; lengths are log-normal.
    topic_share : float
        Largest share of a document's words that are drawn from its own topic.
    tilt : float
        Standard deviation of the logarithm of a topic's factors.
    random_state : int
        Seed.

    Returns
    -------
    X : csr_matrix of shape (n_documents, n_words), int64
        Counts.
    y : ndarray of shape (n_documents,), int64
        Topics.
    """
    rng = np.random.default_rng(random_state)
    common = 1 / (2.7 + np.arange(n_words))
    common /= common.sum()
    topics = common * np.exp(tilt * rng.standard_normal((n_topics, n_words)))
    topics /= topics.sum(axis=1, keepdims=True)
    y = rng.integers(n_topics, size=n_documents)
    other = rng.integers(n_topics, size=n_documents)
    share = topic_share * rng.uniform(0.3, 1, n_documents)
    lengths = np.maximum(20, rng.lognormal(np.log(mean_length), 0.5, n_documents).astype(int))
    cumulative = np.cumsum(topics, axis=1)
    cumulative_common = np.cumsum(common)
    documents = []
    for own, foreign, s, length in zip(y, other, share, lengths, strict=True):
        n_own, n_foreign, n_common = rng.multinomial(length, [s, s / 2, 1 - 1.5 * s])
        drawn = [(cumulative[own], n_own), (cumulative[foreign], n_foreign)]
        drawn.append((cumulative_common, n_common))
        documents.append(np.concatenate([np.searchsorted(c, rng.random(n)) for c, n in drawn]))
    words = np.minimum(np.concatenate(documents), n_words - 1)  # the sums end just below 1
    indptr = np.concatenate([[0], np.cumsum([len(d) for d in documents])])
    X = sp.csr_matrix((np.ones(len(words), np.int64), words, indptr), (n_documents, n_words))
    X.sum_duplicates()
    return X, y


@dataclass(frozen=True)
class DataSet:
    """A training part in folds; a table is drawn `n_draws` times, to have more of a small one."""

    title: str
    load: Callable[[int], TrainingPart]  # of the number of the draw
    n_folds: int
    is_sparse: bool = False
    n_draws: int = 1

    def folds(self) -> list[Fold]:
        """Folds of all draws."""
        return [fold for n in range(self.n_draws) for fold in self.load(n).folds(self.n_folds)]


def _banking77(draw: int) -> TrainingPart:
    with (data_folder() / "banking77_train.csv").open(encoding="utf-8", newline="") as file:
        rows = [row[:2] for row in csv.reader(file)][1:]
    texts, labels = zip(*rows, strict=True)
    return TrainingPart(np.array(texts, dtype=object), np.array(labels), _counts)


def _counts() -> CountVectorizer:
    return CountVectorizer(ngram_range=(1, 2), dtype=np.float32)


def _intents(draw: int) -> TrainingPart:
    queries, intents = make_intents(3000, random_state=draw)
    return TrainingPart(np.asarray(queries, dtype=object), np.asarray(intents), _counts)


def _newsgroups(draw: int) -> TrainingPart:
    return TrainingPart(*make_newsgroups(random_state=draw))


def _mnist(n_rows: int) -> Callable[[int], TrainingPart]:
    def load(draw: int) -> TrainingPart:
        X, _, y, _ = fetch_mnist(return_X_y=True, download_if_missing=False)
        return TrainingPart(X[:n_rows].astype(np.float32) / 255, y[:n_rows])

    return load


def _digits(draw: int) -> TrainingPart:
    X, y = load_digits(return_X_y=True)
    X, _, y, _ = train_test_split(X / 16, y, test_size=0.3, stratify=y, random_state=0)
    return TrainingPart(X, y)


def _table(n_rows: int, n_features: int, n_classes: int) -> Callable[[int], TrainingPart]:
    def load(draw: int) -> TrainingPart:
        X, y = make_classification(
            n_rows,
            n_features,
            n_informative=n_features // 3 + 2,
            n_redundant=n_features // 5,
            n_classes=n_classes,
            n_clusters_per_class=2,
            flip_y=0.05,
            random_state=draw,
        )
        return TrainingPart(X, y, StandardScaler)

    return load


def _few_newsgroups(draw: int) -> TrainingPart:
    return TrainingPart(*make_newsgroups(150, n_topics=3, n_words=500, mean_length=30))


#: By the name that the command takes.
DATA_SETS = {
    "banking77": DataSet("BANKING77", _banking77, 3, is_sparse=True),
    "newsgroups": DataSet("made newsgroups", _newsgroups, 3, is_sparse=True),
    "banking77-5": DataSet("BANKING77", _banking77, 5, is_sparse=True),
    "intents": DataSet("made intents, 3,000", _intents, 3, is_sparse=True),
    "mnist-10k": DataSet("MNIST, 10,000 rows", _mnist(10_000), 3),
    "mnist": DataSet("MNIST, 60,000 rows", _mnist(60_000), 1),
    "digits": DataSet("digits", _digits, 5),
    "table-500-2": DataSet("table 500 x 20, 2 classes", _table(500, 20, 2), 5, n_draws=10),
    "table-500-5": DataSet("table 500 x 60, 5 classes", _table(500, 60, 5), 5, n_draws=10),
    "table-2k-4": DataSet("table 2,000 x 30, 4 classes", _table(2000, 30, 4), 5, n_draws=2),
    "table-2k-10": DataSet("table 2,000 x 60, 10 classes", _table(2000, 60, 10), 5, n_draws=2),
    "table-10k-2": DataSet("table 10,000 x 20, 2 classes", _table(10_000, 20, 2), 3),
    "table-10k-10": DataSet("table 10,000 x 60, 10 classes", _table(10_000, 60, 10), 3),
}
#: For a look at whether the command runs.
QUICK_DATA_SETS = {
    "few-newsgroups": DataSet("150 made newsgroups", _few_newsgroups, 2, is_sparse=True),
    "table-100": DataSet("table 100 x 20, 2 classes", _table(100, 20, 2), 2),
}
