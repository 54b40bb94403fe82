"""What is timed by `benchmarks.time_to_accuracy`: others' classifiers and ours, as they are used.

A contestant trains once for a seed and yields a point for every setting (a budget) or epoch;
a point has the seconds of all training up to it and the accuracy on the test part.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC
from skorch import NeuralNetClassifier

from benchmarks._hand_written import Weights, train_on_dense, train_on_text, train_on_text_leanly
from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._settings import resolve_settings

BY_HAND, LEANLY = "by hand, base", "by hand with our parts, base"


class Data(NamedTuple):
    """A training part and a test part."""

    name: str
    X_train: Any
    y_train: NDArray[Any]
    X_test: Any
    y_test: NDArray[Any]


class Point(NamedTuple):
    """After `setting` (a budget, or a number of epochs): seconds, accuracy, row visits a row."""

    setting: float
    seconds: float
    accuracy: float
    visits: float | None = None


@dataclass(frozen=True)
class Contestant:
    """A name, and a training that yields points."""

    name: str
    train: Callable[[Data, int], Iterator[Point]]
    is_curve: bool = False  # points of one training, which may be cut short
    once: bool = False  # too slow to take part in every turn


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    began = perf_counter()
    result = run()
    return result, perf_counter() - began


def whole(name: str, make: Callable[[int], Any]) -> Contestant:
    """An estimator that is fitted once."""

    def train(data: Data, seed: int) -> Iterator[Point]:
        model, seconds = timed(lambda: make(seed).fit(data.X_train, data.y_train))
        yield Point(1, seconds, model.score(data.X_test, data.y_test))

    return Contestant(name, train)


def epochs(name: str, make: Callable[[int], Any], most: int, **fit_params: Any) -> Contestant:
    """An estimator with `partial_fit`, an epoch at a time."""

    def train(data: Data, seed: int) -> Iterator[Point]:
        model, seconds = make(seed), 0.0
        more = {"classes": np.unique(data.y_train)} | fit_params
        for epoch in range(1, most + 1):
            _, spent = timed(lambda: model.partial_fit(data.X_train, data.y_train, **more))
            seconds += spent
            yield Point(epoch, seconds, model.score(data.X_test, data.y_test), epoch)

    return Contestant(name, train, is_curve=True)


def ours(name: str, budgets: Sequence[float], hidden: int, **parameters: Any) -> Contestant:
    """`LossSampledClassifier`, a whole training for every budget."""

    def train(data: Data, seed: int) -> Iterator[Point]:
        for budget in budgets:
            model = LossSampledClassifier(
                hidden_layer_sizes=(hidden,), budget=budget, random_state=seed, **parameters
            )
            _, seconds = timed(lambda m=model: m.fit(data.X_train, data.y_train))
            visits = float(model.visit_counts_.mean())
            yield Point(budget, seconds, model.score(data.X_test, data.y_test), visits)

    return Contestant(name, train)


def by_hand(budgets: Sequence[int], hidden: int, *, leanly: bool = False) -> Contestant:
    """A loop of `benchmarks._hand_written` that does the arithmetic of `"base"`."""

    def train(data: Data, seed: int) -> Iterator[Point]:
        for budget in budgets:
            weights, seconds = timed(lambda b=budget: _train_by_hand(data, seed, b, hidden, leanly))
            yield Point(budget, seconds, _accuracy(weights, data), budget)

    return Contestant(LEANLY if leanly else BY_HAND, train)


def _train_by_hand(data: Data, seed: int, budget: int, hidden: int, leanly: bool) -> Weights:
    rng = np.random.default_rng(seed)
    classes, codes = np.unique(data.y_train, return_inverse=True)
    n, n_features = data.X_train.shape
    X = data.X_train.astype(np.float32)
    weights = {
        "input.weight": _glorot(rng, n_features, hidden),
        "input.bias": np.zeros(hidden, np.float32),
        "layers.0.weight": _glorot(rng, len(classes), hidden),
        "layers.0.bias": np.zeros(len(classes), np.float32),
    }
    orders = [rng.permutation(n) for _ in range(budget)]
    non_zeros = X.nnz / n if hasattr(X, "indptr") else None
    auto = resolve_settings(
        LossSampledClassifier()._description(), n, n_features=n_features, non_zeros=non_zeros
    )
    arguments: dict[str, Any] = {"lr": auto.lr, "batch_size": auto.batch_size}
    if non_zeros is not None:
        train = train_on_text_leanly if leanly else train_on_text
        return train(X, codes, weights, orders, **arguments)
    arguments["weight_decay"] = auto.weight_decay
    return train_on_dense(X, codes, weights, orders, **arguments)


def _glorot(rng: np.random.Generator, n_rows: int, n_columns: int) -> NDArray[np.float32]:
    bound = np.float32((6 / (n_rows + n_columns)) ** 0.5)
    return bound * (2 * rng.random((n_rows, n_columns), np.float32) - 1)


def _accuracy(weights: Weights, data: Data) -> float:
    hidden = np.maximum(data.X_test @ weights["input.weight"] + weights["input.bias"], 0)
    logits = hidden @ weights["layers.0.weight"].T + weights["layers.0.bias"]
    return float(np.mean(np.unique(data.y_train)[logits.argmax(1)] == data.y_test))


class _Perceptron(torch.nn.Module):
    def __init__(self, n_features: int, hidden: int, n_classes: int) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_features, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, n_classes)
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layers(X)
        return result


def plain_skorch(hidden: int, most: int) -> Contestant:
    """skorch as its documentation shows it: dense rows, Adam, its own defaults otherwise."""

    def train(data: Data, seed: int) -> Iterator[Point]:
        torch.manual_seed(seed)
        X, X_test = (
            np.asarray(X.toarray() if hasattr(X, "toarray") else X, np.float32)
            for X in (data.X_train, data.X_test)
        )
        classes, codes = np.unique(data.y_train, return_inverse=True)
        net = NeuralNetClassifier(
            _Perceptron,
            module__n_features=X.shape[1],
            module__hidden=hidden,
            module__n_classes=len(classes),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=0.001,
            iterator_train__shuffle=True,
            verbose=0,
        )
        seconds = 0.0
        for epoch in range(1, most + 1):
            _, spent = timed(lambda: net.partial_fit(X, codes, epochs=1))
            seconds += spent
            accuracy = float(np.mean(classes[net.predict(X_test)] == data.y_test))
            yield Point(epoch, seconds, accuracy, 0.8 * epoch)  # it holds out a fifth

    return Contestant("skorch, dense rows", train, is_curve=True)


def best_c(data: Data, grid: Sequence[float], n_rows: int | None = None) -> float:
    """LinearSVC's best C by 5-fold cross-validation in (the first rows of) the training part."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GridSearchCV(LinearSVC(), {"C": list(grid)}, cv=5)
        return float(search.fit(data.X_train[:n_rows], data.y_train[:n_rows]).best_params_["C"])


def linear(C: float, *, once: bool = False) -> list[Contestant]:
    """The linear classifiers of scikit-learn, LinearSVC at its best C first."""
    contestants = [
        whole(f"LinearSVC(C={C:g})", lambda seed: LinearSVC(C=C, random_state=seed)),
        whole("LinearSVC()", lambda seed: LinearSVC(random_state=seed)),
        whole("LogisticRegression()", lambda seed: LogisticRegression()),
        whole("SGDClassifier()", lambda seed: SGDClassifier(random_state=seed)),
    ]
    return [replace(contestant, once=once) for contestant in contestants]


def mlp(hidden: int, most: int, **parameters: Any) -> Contestant:
    shown = "".join(f", {k}={v:g}" for k, v in parameters.items())
    return epochs(
        f"MLPClassifier(({hidden},){shown})",
        lambda seed: MLPClassifier((hidden,), random_state=seed, **parameters),
        most,
    )
