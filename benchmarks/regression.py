"""Five-fold R² of untuned regressors: the table in ``docs/estimator.md``.

Run it from the project's root; it needs no data, and one thread::

    python -m benchmarks.regression             # about two minutes
    python -m benchmarks.regression --quick     # without the 20,000 rows

Every model has its defaults and sees standardised features. The columns `base`,
`importance` and `percentage` are LossSampledRegressor with that strategy; `mlp` is
scikit-learn's MLPRegressor on standardised targets (ours standardises them itself), `hgb`
its HistGradientBoostingRegressor. Nothing is tuned, and no R² is of rows trained on.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, make_friedman1, make_friedman2
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sifal import LossSampledRegressor

CV = KFold(5, shuffle=True, random_state=0)
STRATEGIES = ("base", "importance", "percentage")

Data = tuple[NDArray[np.float64], NDArray[np.float64]]


def lower_ink() -> Data:
    """Upper halves of the digits, and the ink in the lower halves."""
    images = load_digits().images
    return images[:, :4].reshape(len(images), -1), images[:, 4:].sum(axis=(1, 2))


def data_sets(quick: bool) -> dict[str, Data]:
    sets = {
        "diabetes (442 rows)": load_diabetes(return_X_y=True),
        "friedman1, noise 1 (2,000)": make_friedman1(2000, noise=1.0, random_state=0),
        "friedman2, noise 50 (2,000)": make_friedman2(2000, noise=50.0, random_state=0),
        "digits, ink of the lower half from the upper (1,797)": lower_ink(),
    }
    if not quick:
        sets["friedman1, noise 1 (20,000)"] = make_friedman1(20_000, noise=1.0, random_state=0)
    return sets


def models() -> dict[str, Any]:
    ours = {name: LossSampledRegressor(name, random_state=0) for name in STRATEGIES}
    return {
        "mlp": TransformedTargetRegressor(
            MLPRegressor(random_state=0), transformer=StandardScaler()
        ),
        "hgb": HistGradientBoostingRegressor(random_state=0),
        **ours,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="without the 20,000 rows")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    # MLPRegressor stops at its default of 200 epochs, and says so.
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("| data | " + " | ".join(f"`{name}`" for name in models()) + " |")
    print("|---|" + "---:|" * len(models()))
    for title, (X, y) in data_sets(quick).items():
        print(f"| {title}", end="", flush=True)
        for model in models().values():
            r2 = cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=CV, scoring="r2")
            print(f" | {r2.mean():.3f}", end="", flush=True)
        print(" |", flush=True)


if __name__ == "__main__":
    main()
