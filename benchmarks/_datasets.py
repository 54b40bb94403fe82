"""The data sets of the strategies' table, each with its test part and splits of its training part.

Everything here is seeded and the same in every process. A data set whose files are absent
raises OSError when loaded; nothing is downloaded (`fetch_banking77` and `fetch_mnist` do that).
"""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, train_test_split

from sklearn_sifal.cli._arguments import make_parser
from sklearn_sifal.cli._console import Console
from sklearn_sifal.cli._labels import labels_of
from sklearn_sifal.cli._loading import load_rows, read_rows
from sklearn_sifal.cli._pipeline import make_inputs, make_model
from sklearn_sifal.cli._roles import Roles
from sklearn_sifal.cli._table import Table
from sklearn_sifal.datasets import fetch_banking77, fetch_mnist
from sklearn_sifal.datasets._data_home import data_folder

N_FOLDS = 5
_VALIDATION_SHARE = 0.2
_LEAST_ROWS = 5  # of a label of a file
_SEEDS_OF_A_SPLIT = 1000  # those of the next one begin there

# Five rates each, wide enough for base's best to lie within: few steps want large rates,
# wrong labels and large budgets small ones.
_TEXT_RATES = (0.005, 0.01, 0.03, 0.05, 0.08)
_LONG_TEXT_RATES = (0.002, 0.005, 0.01, 0.03, 0.05)
_ATIS_RATES = (0.01, 0.03, 0.05, 0.08, 0.12)
_MNIST_RATES = (0.001, 0.003, 0.01, 0.02, 0.04)
_TABLE_RATES = (0.003, 0.01, 0.02, 0.04, 0.08)
_LETTER_RATES = (0.01, 0.02, 0.04, 0.08, 0.16)
_LOG_ROWS = 60_000
_THINNED_SHARE = 0.02


class Source(NamedTuple):
    """A training part and a test part."""

    inputs: Any  # texts, or features, a row each
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]  # the same number for equal rows, which are never split
    test_inputs: Any
    test_labels: NDArray[np.int64]
    test_groups: NDArray[np.int64]
    test_rows: NDArray[np.int64]  # numbers of the test rows in their file
    preprocessing: Any = None  # fitted on the rows that are trained on


class Part(NamedTuple):
    """What one fit is trained on and scored on.

    `train` and `held_out` are positions in the whole training part, whose labels are
    `labels`; `held_out` is None where the test part is scored.
    """

    X_train: Any
    train: NDArray[np.int64]
    X_scored: Any
    held_out: NDArray[np.int64] | None
    labels: NDArray[np.int64]
    test_labels: NDArray[np.int64]
    test_groups: NDArray[np.int64]
    test_rows: NDArray[np.int64]


@dataclass(frozen=True)
class DataSet:
    """A data set of the table, with the net that is trained on it."""

    title: str
    load: Callable[..., Source]  # of the number of a fold where there are folds
    hidden: tuple[int, ...]
    rates: tuple[float, ...]
    # What the best rate is chosen by. Balanced accuracy where the training part is
    # imbalanced and the test part is not: accuracy would hardly see the rare classes.
    criterion: str = "accuracy"
    # Validation splits that choose it in each training. Neighbouring rates differ by less than
    # the noise of one split, so there are more of them where fits are cheap.
    n_splits: int = 2
    # Whether each seed has a test part of its own, one of five folds.
    has_folds: bool = False
    name: str = ""  # in running text, if shorter than the title
    # Whether its rows are those of another one: over data sets each row counts once.
    is_made_of_another: bool = False

    @property
    def short(self) -> str:
        return self.name or self.title

    def rate_score(self, y_true: NDArray[np.int64], y_pred: NDArray[np.int64]) -> float:
        balanced = self.criterion == "balanced_accuracy"
        measure = balanced_accuracy_score if balanced else accuracy_score
        return float(measure(y_true, y_pred))

    def source(self, seed: int) -> Source:
        return self.load(seed % N_FOLDS) if self.has_folds else self.load()


# ----------------------------------------------------------- data sets of the package


def _source(inputs: Any, labels: Any, test_inputs: Any, test_labels: Any, **more: Any) -> Source:
    """Of a training part and a test part in which no rows are known to be equal."""
    number = np.arange(len(test_labels))
    return Source(
        inputs, labels, np.arange(len(labels)), test_inputs, test_labels, number, number, **more
    )


def _banking77() -> Source:
    texts, test_texts, names, test_names = fetch_banking77(
        return_X_y=True, download_if_missing=False
    )
    classes, labels = np.unique(names, return_inverse=True)
    counts = CountVectorizer(ngram_range=(1, 2), dtype=np.float32)
    test_labels = np.searchsorted(classes, test_names)
    return _source(texts, labels, test_texts, test_labels, preprocessing=counts)


def _banking77_part() -> Source:
    """A quarter of the training rows and of the test rows, for a quick look."""
    whole = _banking77()
    few, _ = train_test_split(
        np.arange(len(whole.labels)), train_size=0.25, stratify=whole.labels, random_state=0
    )
    few, some = np.sort(few), np.arange(0, len(whole.test_labels), 4)
    return _source(
        whole.inputs[few],
        whole.labels[few],
        whole.test_inputs[some],
        whole.test_labels[some],
        preprocessing=whole.preprocessing,
    )


def _query_log() -> Source:
    """Rows of BANKING77 drawn with probability proportional to 1 / rank, ranks at random."""
    distinct = _banking77()
    rng = np.random.default_rng(0)
    share = 1 / (1 + rng.permutation(len(distinct.labels)))
    drawn = rng.choice(len(distinct.labels), _LOG_ROWS, p=share / share.sum())
    return distinct._replace(
        inputs=distinct.inputs[drawn], labels=distinct.labels[drawn], groups=drawn
    )


def _mnist() -> Source:
    images, test_images, y, y_test = fetch_mnist(return_X_y=True, download_if_missing=False)
    X, X_test = (part.astype(np.float32) / 255 for part in (images, test_images))
    return _source(X, y, X_test, y_test)


def _thinned_mnist() -> Source:
    """Digits 5 to 9 thinned in the training part; the test part stays balanced."""
    whole = _mnist()
    kept = (whole.labels < 5) | (
        np.random.default_rng(0).random(len(whole.labels)) < _THINNED_SHARE
    )
    return _source(whole.inputs[kept], whole.labels[kept], whole.test_inputs, whole.test_labels)


def _digits() -> Source:
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        (X / 16).astype(np.float32), y, test_size=0.3, stratify=y, random_state=0
    )
    return _source(X, y, X_test, y_test)


# ------------------------------------------------------------------------------ files


def _files(train: str, test: str) -> Source:
    """A file to train on and a file to test on, without the rows of rare and of unknown labels."""
    options, console = options_of(train, "--drop-rare", str(_LEAST_ROWS)), Console(quiet=True)
    rows = load_rows(options, console)
    names, labels = np.unique(rows.y.astype(str), return_inverse=True)
    test_table = read_rows(options_of(test).file, options, console)
    test_names = labels_of(test_table, options.label).astype(str)
    scored = np.flatnonzero(np.isin(test_names, names))
    return Source(
        rows.X,
        labels,
        _groups(rows.table, rows.roles),
        make_inputs(test_table, rows.roles)[scored],
        np.searchsorted(names, test_names[scored]),
        _groups(test_table, rows.roles)[scored],
        scored,
        _preprocessing(rows.roles),
    )


def _fold(name: str, number: int) -> Source:
    """A file of which a fifth is the test part; equal rows are on one side."""
    rows = load_rows(options_of(f"zoo/{name}.csv"), Console(quiet=True))
    labels = np.unique(rows.y.astype(str), return_inverse=True)[1]
    groups = _groups(rows.table, rows.roles)
    distinct, first = np.unique(groups, return_index=True)
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0).split(first, labels[first])
    held = distinct[list(folds)[number][1]]
    is_test = np.isin(groups, held)
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    return Source(
        rows.X[train],
        labels[train],
        groups[train],
        rows.X[test],
        labels[test],
        groups[test],
        test,
        _preprocessing(rows.roles),
    )


def options_of(name: str, *more: str) -> Namespace:
    """Those of the command on a file, whose columns are what it takes them for."""
    path = data_folder() / name
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}")
    return make_parser().parse_args(["compare", str(path), "--label", "label", *more])


def _groups(table: Table, roles: Roles) -> NDArray[np.int64]:
    """Numbers of the rows, the same one where all that is learnt from is equal."""
    numbers: dict[tuple[str, ...], int] = {}
    columns = (table.columns[name] for name in roles.columns)
    cells = zip(*columns, strict=True)
    return np.array([numbers.setdefault(row, len(numbers)) for row in cells])


def _preprocessing(roles: Roles) -> Any:
    return make_model(roles, "passthrough")[:-1]


def _table(title: str, name: str, rates: tuple[float, ...], n_splits: int = 2) -> DataSet:
    """A file without a test part of its own, and the estimator's own width."""
    load = partial(_fold, name)
    return DataSet(title, load, (100,), rates, n_splits=n_splits, has_folds=True)


# In the order in which their cells are run, those with the shortest fits first.
DATA_SETS = {
    "digits": DataSet("Digits", _digits, (100,), _TABLE_RATES, n_splits=3),
    "titanic": _table("Titanic", "titanic", _TABLE_RATES, 3),
    "attrition": _table("Attrition", "attrition", _TABLE_RATES, 3),
    "atis": DataSet(
        "ATIS, labels with five training rows or more",
        partial(_files, "atis_train.csv", "atis_test.csv"),
        (100,),
        _ATIS_RATES,
        n_splits=3,
        name="ATIS",
    ),
    "trec": DataSet(
        "TREC",
        partial(_files, "trec_train.csv", "trec_test.csv"),
        (100,),
        _TEXT_RATES,
        n_splits=3,
    ),
    "letter": _table("Letter", "letter", _LETTER_RATES),
    "adult": _table("Adult", "adult", _TABLE_RATES),
    "airline_tweets": _table("Airline tweets", "airline_tweets", _LONG_TEXT_RATES),
    "medical_abstracts": _table("Medical abstracts", "medical_abstracts", _LONG_TEXT_RATES),
    "banking77": DataSet("BANKING77", _banking77, (128,), _TEXT_RATES),
    "mnist-thinned": DataSet(
        "MNIST with digits 5 to 9 thinned to 2 %",
        _thinned_mnist,
        (256,),
        _MNIST_RATES,
        "balanced_accuracy",
        name="thinned MNIST",
        is_made_of_another=True,
    ),
    "mnist": DataSet("MNIST", _mnist, (256,), _MNIST_RATES, n_splits=1),
    "query-log": DataSet(
        "Query log: BANKING77 drawn by a Zipf law",
        _query_log,
        (128,),
        _TEXT_RATES,
        n_splits=1,
        name="the query log",
        is_made_of_another=True,
    ),
    "banking77-part": DataSet(
        "BANKING77, a quarter of it",
        _banking77_part,
        (128,),
        _TEXT_RATES,
        n_splits=1,
        is_made_of_another=True,
    ),
}


# A worker keeps to one data set and seed for a while; MNIST takes 200 MB.
@lru_cache(maxsize=4)
def load_part(name: str, phase: str, seed: int = 0, split: int = 0) -> Part:
    """The training rows less those of a validation split ("validation"), or all ("test").

    Validation rows are distinct, each once and with all of its repeats taken out of the
    training rows: they ask of a log what the test part asks, queries not seen.
    """
    source = DATA_SETS[name].source(seed)
    labels = source.labels
    if phase == "test":
        train, held_out = np.arange(len(labels)), None
        scored = source.test_inputs
    else:
        train, held_out = _hold_out(source.groups, labels, seed + _SEEDS_OF_A_SPLIT * split)
        scored = source.inputs[held_out]
    trained = source.inputs[train]
    if source.preprocessing is not None:
        preprocessing = clone(source.preprocessing).fit(trained)
        trained, scored = preprocessing.transform(trained), preprocessing.transform(scored)
    return Part(trained, train, scored, held_out, labels, *source[4:7])


def _hold_out(
    groups: NDArray[np.int64], labels: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions to train on and to validate on."""
    distinct, first = np.unique(groups, return_index=True)
    _, held = train_test_split(
        np.arange(len(distinct)),
        test_size=_VALIDATION_SHARE,
        stratify=labels[first],
        random_state=seed,
    )
    held = np.sort(held)
    return np.flatnonzero(~np.isin(groups, distinct[held])), first[held]
