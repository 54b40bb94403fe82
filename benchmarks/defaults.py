"""How the values behind "auto" were chosen: cross-validation inside training parts.

Run it from the project's root, on one thread. BANKING77 is downloaded where ``SIFAL_DATA``
does not have it; MNIST is left out where that has no ``mnist.npz`` (arrays ``x_train`` of
shape (60000, 28, 28), ``y_train``)::

    python -m benchmarks.defaults

It prints cross-validated accuracy over learning rates and batch sizes for sparse input
(BANKING77) and dense input (digits, a made table, 10,000 training rows of MNIST), and
over budgets. The strategy is `importance`, the classifier's default when the values were
chosen. Its default is `guarded_importance` now; the values were not chosen anew for it.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import warnings
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.datasets import fetch_banking77
from sklearn_sifal.datasets._data_home import data_folder

CV = StratifiedKFold(3, shuffle=True, random_state=0)


def load_mnist_part() -> tuple[np.ndarray, np.ndarray] | None:
    path = data_folder() / "mnist.npz"
    if not path.exists():
        return None
    with np.load(path) as file:
        X = file["x_train"][:10000].reshape(10000, -1).astype(np.float32) / 255
        return X, file["y_train"][:10000]


def data_sets() -> dict[str, tuple[Any, Any, Any]]:
    """Inputs, labels and the model up to the classifier."""
    X_text, _, y_text, _ = fetch_banking77(return_X_y=True)
    digits = load_digits(return_X_y=True)
    table = make_classification(
        2000, 30, n_informative=12, n_classes=4, n_clusters_per_class=2, random_state=0
    )
    sets = {
        "banking77": (X_text, y_text, [CountVectorizer(ngram_range=(1, 2))]),
        "digits": (digits[0] / 16, digits[1], []),
        "table": (*table, [StandardScaler()]),
    }
    mnist = load_mnist_part()
    if mnist is not None:
        sets["mnist-10k"] = (*mnist, [])
    return sets


def score(X: Any, y: Any, steps: list[Any], **params: Any) -> float:
    classifier = LossSampledClassifier("importance", random_state=0, **params)
    model = make_pipeline(*(clone(step) for step in steps), classifier)
    return float(cross_val_score(model, X, y, cv=CV).mean())


def print_grid(title: str, data: Any, rows: dict[str, Any], columns: dict[str, Any]) -> None:
    print(f"\n## {title}\n")
    print("| | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for name, row in rows.items():
        cells = [f"{score(*data, **{**row, **column}):.4f}" for column in columns.values()]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name, data in data_sets().items():
        sparse = name == "banking77"
        rates = (0.01, 0.03, 0.1) if sparse else (0.001, 0.003, 0.01)
        sizes = (32, 64, 128) if sparse else (64, 128, 256)
        print_grid(
            f"{name}: batch size and rate, budget auto",
            data,
            {f"batch_size={b}": {"batch_size": b} for b in sizes},
            {f"lr={lr}": {"lr": lr} for lr in rates},
        )
        print_grid(
            f"{name}: budget",
            data,
            {"defaults": {}},
            {f"{b}": {"budget": b} for b in ("auto", 2, 4, 8, 16, 32)},
        )
        if sparse:
            print_grid(
                f"{name}: sparse_optimizer='adam'",
                data,
                {"adam": {"sparse_optimizer": "adam"}},
                {f"lr={lr}": {"lr": lr} for lr in (0.001, 0.003, 0.01, 0.03)},
            )


if __name__ == "__main__":
    main()
