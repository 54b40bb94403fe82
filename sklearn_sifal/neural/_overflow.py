"""Whether what a net computes are numbers of its type: after a training, in a prediction."""

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal._inputs import Inputs
from sklearn_sifal.neural._mlp_net import MLPNet

# So far below the largest float32 that neither a sum of products nor its rounding, nor the
# loss of such an output, comes near it.
_SAFE = 1e18
# Of those of `ACTIVATIONS`, the ones whose values may be as large as what they are given.
_UNBOUNDED = ("identity", "relu", "gelu")


def check_trained(
    net: MLPNet,
    X: Inputs,
    rows: NDArray[np.int64] | None,
    *,
    largest: float,
    features: NDArray[np.int64] | None,
) -> None:
    """Raise for what no later loss tells of: the last step, or a feature that is rare.

    Parameters
    ----------
    net : MLPNet
        After the training.
    X : ndarray or CSR matrix of shape (n_inputs, n_features)
        Inputs in the type of the net.
    rows : ndarray of shape (n_rows,), int64, or None
        Which of them it was trained on; None for all.
    largest : float
        Outputs must be no larger than this.
    features : ndarray of shape (n,), int64, or None
        The only features that the training can have touched; None for all.

    Raises
    ------
    NonFiniteLossError
        If a weight, or an output for a row trained on, is infinite, NaN or too large.
    """
    sizes = _sizes_of_weights(net, features)
    if _bound_of_outputs(net, sizes, X) <= min(_SAFE, largest):
        return
    # Rare enough to pay for a pass over all rows.
    outputs = net.forward(net.get_dataset(X, None, rows)).numpy()
    wrong = first_overflow(outputs, largest)
    if wrong is not None:
        row = wrong if rows is None else int(rows[wrong])
        raise NonFiniteLossError(
            f"Training ended with a net whose outputs for row {row} are infinite, NaN or too "
            f"large. {_advice(net)}",
            row,
        )


def first_overflow(outputs: NDArray[Any], largest: float) -> int | None:
    """Number of the first row with an output that is NaN or larger than `largest`, if any."""
    # Also half of what the type has at most: the difference of two outputs is a number then.
    limit = min(largest, float(np.finfo(outputs.dtype).max) / 2)
    # NaN passes neither comparison; without arrays of the size of the outputs.
    if outputs.size == 0 or (outputs.max() <= limit and outputs.min() >= -limit):
        return None
    return int(np.flatnonzero(~(np.abs(outputs) <= limit).all(axis=1))[0])


def _sizes_of_weights(net: MLPNet, features: NDArray[np.int64] | None) -> dict[str, float]:
    """Largest size among the values of each weight; 0 for one without values."""
    sizes = {}
    for name, param in net.module_.named_parameters():
        values = param.detach()
        if name == "input.weight" and features is not None:
            values = values.index_select(0, torch.from_numpy(features).to(values.device))
        ends = [abs(float(end)) for end in values.aminmax()] if values.numel() else [0.0]
        sizes[name] = max(ends)
        if not np.isfinite(ends).all():
            raise NonFiniteLossError(
                f"Training ended with infinite or NaN weights in {name!r}. {_advice(net)}"
            )
    return sizes


def _bound_of_outputs(net: MLPNet, sizes: dict[str, float], X: Inputs) -> float:
    """What no output, and no sum on the way to it, exceeds in size for any of the inputs."""
    module = net.module_
    size = X.shape[1] * _bound_of_entries(X) * sizes["input.weight"] + sizes["input.bias"]
    largest = size
    for number, layer in enumerate(module.layers):
        if module.activation not in _UNBOUNDED:
            size = 1.0
        weight, bias = sizes[f"layers.{number}.weight"], sizes[f"layers.{number}.bias"]
        size = layer.in_features * size * weight + bias
        largest = max(largest, size)
    return float(largest)


def _bound_of_entries(X: Inputs) -> float:
    """At least the size of the largest entry; infinite if that is very large."""
    values = X.data if sp.issparse(X) else X.reshape(-1)
    with np.errstate(all="ignore"):
        # No square is lost in a sum of squares: quicker than to look for the largest entry.
        squares = np.dot(values, values)
    return float(np.sqrt(squares)) if np.isfinite(squares) else float("inf")


def _advice(net: MLPNet) -> str:
    return (
        f"The learning rate was lr={net.lr:g} (before the schedule). Try a smaller lr, or scale "
        "the features, for example with StandardScaler or MaxAbsScaler."
    )
