"""The data sets of the strategies' table, each with fixed validation splits.

Everything here is seeded and the same in every process. A data set whose files are absent
raises OSError when loaded; nothing is downloaded (`fetch_banking77` and `fetch_mnist` do that).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import train_test_split

from sklearn_sifal.datasets import fetch_banking77, fetch_mnist

_VALIDATION_SHARE = 0.2
#: The estimator's own learning rate when the tables were made.
SHARED_RATE = {"text": 0.03, "dense": 0.003}

# Five rates each, the shared one among them, wide enough for base's best to lie within:
# few steps want large rates, wrong labels and large budgets small ones.
_TEXT_RATES = (0.005, 0.01, 0.03, 0.05, 0.08)
_MNIST_RATES = (0.001, 0.003, 0.01, 0.02, 0.04)
_DIGITS_RATES = (0.003, 0.01, 0.02, 0.04, 0.08)
_LOG_ROWS = 60_000
_THINNED_SHARE = 0.02


class Source(NamedTuple):
    """A training part as rows drawn from distinct inputs, and a test part."""

    inputs: Any  # distinct training inputs: texts, or features
    labels: NDArray[np.int64]  # of the distinct inputs
    rows: NDArray[np.int64]  # the training part: numbers of inputs, with repeats in a log
    test_inputs: Any
    test_labels: NDArray[np.int64]


class Part(NamedTuple):
    """What one fit is trained on and scored on.

    `train` and `held_out` are positions in the whole training part, whose labels are
    `labels`; `held_out` is None where the test part, with labels `test_labels`, is scored.
    """

    X_train: Any
    train: NDArray[np.int64]
    X_scored: Any
    held_out: NDArray[np.int64] | None
    labels: NDArray[np.int64]
    test_labels: NDArray[np.int64]


@dataclass(frozen=True)
class DataSet:
    """A data set of the table, with the net that is trained on it."""

    title: str
    load: Callable[[], Source]
    hidden: tuple[int, ...]
    kind: str  # "text" or "dense"
    rates: tuple[float, ...]
    # What the best rate is chosen by. Balanced accuracy where the training part is
    # imbalanced and the test part is not: accuracy would hardly see the rare classes.
    criterion: str = "accuracy"
    # Validation splits that choose it. Neighbouring rates differ by less than the noise of
    # one split, so there are more of them where fits are cheap.
    n_splits: int = 1

    def rate_score(self, y_true: NDArray[np.int64], y_pred: NDArray[np.int64]) -> float:
        balanced = self.criterion == "balanced_accuracy"
        measure = balanced_accuracy_score if balanced else accuracy_score
        return float(measure(y_true, y_pred))


def _banking77() -> Source:
    texts, test_texts, names, test_names = fetch_banking77(
        return_X_y=True, download_if_missing=False
    )
    classes, labels = np.unique(names, return_inverse=True)
    return Source(
        texts, labels, np.arange(len(texts)), test_texts, np.searchsorted(classes, test_names)
    )


def _banking77_part() -> Source:
    """A quarter of the training rows and of the test rows, for a quick look."""
    whole = _banking77()
    few, _ = train_test_split(whole.rows, train_size=0.25, stratify=whole.labels, random_state=0)
    some = np.arange(0, len(whole.test_labels), 4)
    return whole._replace(
        rows=np.sort(few),
        test_inputs=whole.test_inputs[some],
        test_labels=whole.test_labels[some],
    )


def _query_log() -> Source:
    """Rows of BANKING77 drawn with probability proportional to 1 / rank, ranks at random."""
    distinct = _banking77()
    rng = np.random.default_rng(0)
    share = 1 / (1 + rng.permutation(len(distinct.rows)))
    return distinct._replace(rows=rng.choice(distinct.rows, _LOG_ROWS, p=share / share.sum()))


def _mnist() -> Source:
    images, test_images, y, y_test = fetch_mnist(return_X_y=True, download_if_missing=False)
    X, X_test = (part.astype(np.float32) / 255 for part in (images, test_images))
    return Source(X, y, np.arange(len(X)), X_test, y_test)


def _thinned_mnist() -> Source:
    """Digits 5 to 9 thinned in the training part; the test part stays balanced."""
    whole = _mnist()
    kept = (whole.labels < 5) | (
        np.random.default_rng(0).random(len(whole.labels)) < _THINNED_SHARE
    )
    X, y = whole.inputs[kept], whole.labels[kept]
    return whole._replace(inputs=X, labels=y, rows=np.arange(len(y)))


def _digits() -> Source:
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        (X / 16).astype(np.float32), y, test_size=0.3, stratify=y, random_state=0
    )
    return Source(X, y, np.arange(len(y)), X_test, y_test)


# In the order in which their cells are run.
DATA_SETS = {
    "banking77": DataSet("BANKING77", _banking77, (128,), "text", _TEXT_RATES, n_splits=3),
    "mnist-thinned": DataSet(
        "MNIST with digits 5 to 9 thinned to 2 %",
        _thinned_mnist,
        (256,),
        "dense",
        _MNIST_RATES,
        "balanced_accuracy",
    ),
    "digits": DataSet("Digits", _digits, (100,), "dense", _DIGITS_RATES, n_splits=3),
    "query-log": DataSet(
        "Query log: BANKING77 drawn by a Zipf law", _query_log, (128,), "text", _TEXT_RATES
    ),
    "mnist": DataSet("MNIST", _mnist, (256,), "dense", _MNIST_RATES),
    "banking77-part": DataSet(
        "BANKING77, a quarter of it", _banking77_part, (128,), "text", _TEXT_RATES
    ),
}


# A worker keeps to one data set for a while; MNIST takes 200 MB.
@lru_cache(maxsize=4)
def load_part(name: str, phase: str, split: int = 0) -> Part:
    """The training rows less those of a validation split ("validation"), or all ("test").

    Validation rows are distinct inputs, each once and with all of its repeats taken out
    of the training rows: they ask of a log what the test part asks, queries not seen.
    """
    source = DATA_SETS[name].load()
    labels = source.labels[source.rows]
    if phase == "test":
        train, held_out = np.arange(len(source.rows)), None
        trained, scored = source.rows, source.test_inputs
    else:
        train, held_out = _hold_out(source.rows, labels, split)
        trained, scored = source.rows[train], source.inputs[source.rows[held_out]]
    X_train, X_scored = _features(source.inputs, trained, scored)
    return Part(X_train, train, X_scored, held_out, labels, source.test_labels)


def _hold_out(
    rows: NDArray[np.int64], labels: NDArray[np.int64], split: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions to train on and to validate on."""
    distinct, first = np.unique(rows, return_index=True)
    _, held = train_test_split(
        np.arange(len(distinct)),
        test_size=_VALIDATION_SHARE,
        stratify=labels[first],
        random_state=split,
    )
    held = np.sort(held)
    return np.flatnonzero(~np.isin(rows, distinct[held])), first[held]


def _features(inputs: Any, trained: NDArray[np.int64], scored: Any) -> tuple[Any, Any]:
    if inputs.dtype != object:
        return inputs[trained], scored
    distinct, where = np.unique(trained, return_inverse=True)
    counts = CountVectorizer(ngram_range=(1, 2), dtype=np.float32)
    return counts.fit_transform(inputs[distinct])[where], counts.transform(scored)
