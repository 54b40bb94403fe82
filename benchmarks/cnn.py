"""A convolutional net on MNIST under five strategies, on one page.

Run it from the project's root, with ``mnist.npz`` in ``SIFAL_DATA``::

    python -m benchmarks.cnn                # 20,000 images, about 40 minutes on one thread
    python -m benchmarks.cnn --quick        # the digits of scikit-learn, some seconds

`compare_strategies` takes a `LossSampledNet` with any module; what it prints and the page are
those of the classifier. Every training has its own budget of row visits, and seeds are shared.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

from sklearn_sifal import LossSampledNet
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.datasets import fetch_mnist

STRATEGIES = ("percentage", "importance", "guarded_importance", "ordered_sgd", "heap")
_N_TRAIN = 20_000


class CNN(torch.nn.Module):
    """Two convolutions, each halving the image, and a linear layer."""

    def __init__(self, side: int, width: int = 16) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, width, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(width, 2 * width, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Linear(2 * width * (side // 4) ** 2, 10),
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.layers(X)
        return outputs


def load(quick: bool) -> tuple[Any, Any, Any, Any]:
    """Images of shape (n, 1, side, side) in [0, 1], and their digits."""
    if quick:
        images, y = load_digits(return_X_y=True)
        X = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
        return X[:900], y[:900], X[900:], y[900:]
    train, test, y, y_test = fetch_mnist(return_X_y=True, download_if_missing=False)
    X, X_test = ((part.astype(np.float32) / 255).reshape(-1, 1, 28, 28) for part in (train, test))
    return X[:_N_TRAIN], y[:_N_TRAIN].astype(np.int64), X_test, y_test.astype(np.int64)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="small images, two seeds")
    parser.add_argument("--seeds", type=int, default=5, help="default: 5")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time (default: 1)")
    parser.add_argument("--report", type=Path, help="file of the page")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    X, y, X_test, y_test = load(options.quick)
    side = X.shape[-1]
    net = LossSampledNet(
        CNN, module__side=side, optimizer=torch.optim.Adam, lr=0.001, batch_size=64, verbose=0
    )
    comparison = compare_strategies(
        net,
        STRATEGIES,
        X,
        y,
        X_test,
        y_test,
        budget=2 if options.quick else [2, 4],
        n_seeds=2 if options.quick else options.seeds,
        n_jobs=options.jobs,
    )
    print(f"{comparison!r}\n\n{comparison.verdict()}")
    if options.report is not None:
        comparison.to_html(options.report, title="A CNN on MNIST", image_shape=(side, side))
        print(f"Written to {options.report}")


if __name__ == "__main__":
    main()
