"""Nets without hidden layers, trained by the defaults, beside scikit-learn's linear models.

Run it from the project's root, on one thread. Files are looked for in ``SIFAL_DATA``, tables
in its folder ``zoo``; what is absent is left out::

    python -m benchmarks.linear                 # 20 minutes
    python -m benchmarks.linear --quick         # the smallest, some seconds
    python -m benchmarks.linear --data iris adult

Three folds, two seeds each. A column has mean accuracy or R², the worst fit in brackets, and
for classes the negative log-likelihood in nats. `usual` is a net that begins with drawn
weights and has the rate and the decay of nets with hidden layers, as all had before; the peer
is LogisticRegression() or LinearRegression(). At most 3,000 rows of a table and 4,000 of a
text are read; columns with 60 texts and more are left out.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_friedman1,
    make_regression,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal._settings import resolve_settings
from sklearn_sifal.datasets._data_home import data_folder

_TEXTS = ("banking77", "atis", "trec", "stackoverflow")
_TEXTS_OF_ZOO = ("airline_tweets", "emotion_tweets", "medical_abstracts", "sms_spam")
_TABLES = ("attrition", "titanic", "german_credit", "soybean", "vehicle", "sonar")
_LARGE_TABLES = ("telco", "adult", "letter")
_SHAPES = ((100, 1), (100, 2), (100, 10), (1000, 2), (1000, 20), (5000, 50))


class Part(NamedTuple):
    """Inputs, targets, and what makes features of the inputs, learnt in each fold."""

    X: Any
    y: NDArray[Any]
    make_transformer: Callable[[], Any] | None = None
    is_regression: bool = False


def _of_zoo(name: str, n_rows: int = 3000) -> pd.DataFrame:
    table = pd.read_csv(data_folder() / "zoo" / f"{name}.csv")
    return _often(table.sample(min(n_rows, len(table)), random_state=0), "label")


def _often(table: pd.DataFrame, label: str) -> pd.DataFrame:
    """Rows of labels that every fold can have."""
    table = table.dropna(subset=[label])
    return table[table.groupby(label)[label].transform("size") >= 6].reset_index(drop=True)


def _table(name: str) -> Part:
    table = _of_zoo(name)
    y = table.pop("label").astype(str).to_numpy()
    numbers = table.select_dtypes("number").columns
    few = [c for c in table if c in numbers or table[c].nunique() < 60]
    return Part(table[few], y, _columns)


def _columns() -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (texts, make_column_selector(dtype_exclude="number")),
    )


def _text(name: str, vectorizer: type[CountVectorizer]) -> Part:
    if name in _TEXTS:
        table = pd.read_csv(data_folder() / f"{name}_train.csv").set_axis(["text", "label"], axis=1)
        table = _often(table.sample(min(4000, len(table)), random_state=0), "label")
    else:
        table = _of_zoo(name, 4000)
    texts, y = table["text"].astype(str).to_numpy(object), table["label"].astype(str).to_numpy()
    return Part(texts, y, lambda: vectorizer(ngram_range=(1, 2), dtype=np.float32))


def _line() -> Part:
    x = np.linspace(-2, 2, 100)
    return Part(np.c_[np.ones(100), x], 3 * x + 1, is_regression=True)


def _regression(n_rows: int, n_features: int) -> Part:
    informative = max(1, n_features // 2)
    X, y = make_regression(n_rows, n_features, n_informative=informative, noise=5, random_state=0)
    return Part(X, y, StandardScaler, is_regression=True)


def _as_csr(part: Part) -> Part:
    return part._replace(X=sp.csr_matrix(part.X), make_transformer=None)


def _scaled(load: Callable[..., Any], is_regression: bool = False) -> Part:
    return Part(*load(return_X_y=True), StandardScaler, is_regression)


def _friedman() -> Part:
    X, y = make_friedman1(2000, noise=1.0, random_state=0)
    return Part(X, y, StandardScaler, is_regression=True)


def data_sets() -> dict[str, Callable[[], Part]]:
    """Loaders by name."""
    digits = load_digits()
    found: dict[str, Callable[[], Part]] = {
        "y = 3x + 1": _line,
        "y = 3x + 1, CSR": lambda: _as_csr(_line()),
        "iris": lambda: _scaled(load_iris),
        "iris, not scaled": lambda: Part(*load_iris(return_X_y=True)),
        "wine": lambda: _scaled(load_wine),
        "breast cancer": lambda: _scaled(load_breast_cancer),
        "digits": lambda: Part(digits.data / 16, digits.target),
        "digits, CSR": lambda: _as_csr(Part(digits.data / 16, digits.target)),
        "diabetes": lambda: _scaled(load_diabetes, is_regression=True),
        "diabetes, not scaled": lambda: Part(*load_diabetes(return_X_y=True), None, True),
        "friedman1": _friedman,
    }
    for shape in _SHAPES:
        title = f"regression {shape[0]} x {shape[1]}"
        found[title] = lambda s=shape: _regression(*s)  # type: ignore[misc]
        found[f"{title}, CSR"] = lambda s=shape: _as_csr(_regression(*s))  # type: ignore[misc]
    for name in (*_TABLES, *_LARGE_TABLES):
        found[name] = lambda n=name: _table(n)  # type: ignore[misc]
    for name in (*_TEXTS, *_TEXTS_OF_ZOO):
        found[f"{name}, counts"] = lambda n=name: _text(n, CountVectorizer)  # type: ignore[misc]
        found[f"{name}, tf-idf"] = lambda n=name: _text(n, TfidfVectorizer)  # type: ignore[misc]
    return found


def folds(part: Part) -> Iterator[tuple[Any, NDArray[Any], Any, NDArray[Any]]]:
    """Inputs and targets trained on and held out."""
    kind = KFold if part.is_regression else StratifiedKFold
    for rows in kind(3, shuffle=True, random_state=0).split(np.zeros(len(part.y)), part.y):
        X = [part.X.iloc[r] if hasattr(part.X, "iloc") else part.X[r] for r in rows]
        if part.make_transformer is not None:
            transformer = part.make_transformer()
            X = [transformer.fit_transform(X[0]), transformer.transform(X[1])]
        X = [x if sp.issparse(x) else np.asarray(x, np.float32) for x in X]
        yield X[0], part.y[rows[0]], X[1], part.y[rows[1]]


def ours(part: Part, seed: int) -> Any:
    make = LossSampledRegressor if part.is_regression else LossSampledClassifier
    return make(hidden_layer_sizes=(), random_state=seed)


def usual(part: Part, seed: int, X: Any) -> Any:
    """The rate, the decay and the initial weights of nets with hidden layers."""
    model = ours(part, seed)
    non_zeros = X.nnz / X.shape[0] if sp.issparse(X) else None
    found = resolve_settings(
        model._description(), X.shape[0], n_features=X.shape[1], non_zeros=non_zeros
    )
    shape = (X.shape[1], 1 if part.is_regression else len(np.unique(part.y)))
    bound = math.sqrt(6 / sum(shape))
    weight = np.random.default_rng(seed).uniform(-bound, bound, shape).astype(np.float32)
    weights = {"input.weight": weight, "input.bias": np.zeros(shape[1], np.float32)}
    return model.set_params(lr=found.lr, weight_decay=found.weight_decay, init_weights=weights)


def score(model: Any, X: Any, y: NDArray[Any]) -> tuple[float, float]:
    """Accuracy and negative log-likelihood, or R² and NaN."""
    if not hasattr(model, "predict_proba"):
        return float(r2_score(y, model.predict(X))), math.nan
    proba = model.predict_proba(X).astype(np.float64)
    proba = np.clip(proba, 1e-12, 1)
    loss = log_loss(y, proba / proba.sum(axis=1, keepdims=True), labels=model.classes_)
    return float((model.classes_[proba.argmax(axis=1)] == y).mean()), float(loss)


def measure(part: Part) -> dict[str, NDArray[Any]]:
    """Scores of each contender, one row a fit."""
    found: dict[str, list[tuple[float, float]]] = {"usual": [], "ours": [], "peer": []}
    for X, y, X_held_out, y_held_out in folds(part):
        models = [("ours", ours(part, seed)) for seed in range(2)]
        models += [("usual", usual(part, seed, X)) for seed in range(2)]
        peer = LinearRegression() if part.is_regression else LogisticRegression(max_iter=2000)
        for name, model in [*models, ("peer", peer)]:
            found[name].append(score(model.fit(X, y), X_held_out, y_held_out))
    return {name: np.array(scores) for name, scores in found.items()}


def line(title: str, found: dict[str, NDArray[Any]]) -> str:
    """One row of the table."""
    cells = [title]
    for scores in found.values():
        cells.append(f"{scores[:, 0].mean():.3f} ({scores[:, 0].min():.3f})")
        nll = scores[:, 1].mean()
        cells.append("" if math.isnan(nll) else f"{nll:.3f}")
    return "| " + " | ".join(cells) + " |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.linear", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--data", nargs="+", default=None, help="only these data sets")
    parser.add_argument("--quick", action="store_true", help="only the smallest")
    chosen = parser.parse_args(arguments)
    loaders = data_sets()
    wanted = chosen.data or (["y = 3x + 1", "iris"] if chosen.quick else list(loaders))
    if unknown := set(wanted) - set(loaders):
        parser.error(f"unknown data set {sorted(unknown)[0]!r}; known: {', '.join(loaders)}")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| data | usual | NLL | ours | NLL | peer | NLL |\n|---|" + "---:|" * 6)
    for title in wanted:
        try:
            part = loaders[title]()
        except OSError as error:
            print(f"{title}: skipped, its data are not there: {error}")
            continue
        print(line(title, measure(part)), flush=True)


if __name__ == "__main__":
    main()
