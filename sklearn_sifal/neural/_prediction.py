"""What a fitted net says of rows: outputs and losses, under one state of its weights or many."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._devices import limited_threads, own_torch_settings
from sklearn_sifal._inputs import Inputs
from sklearn_sifal._targets import Targets
from sklearn_sifal.neural._mlp_net import MLPNet
from sklearn_sifal.neural._net_factory import as_net_inputs
from sklearn_sifal.neural._overflow import first_overflow

_T = TypeVar("_T")


def compute_outputs(
    net: MLPNet, X: Inputs, targets: Targets, n_threads: int | None
) -> NDArray[np.floating]:
    """Outputs of a net for checked inputs, shape (n_samples, n_outputs).

    Parameters
    ----------
    net : MLPNet
        The net.
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Inputs.
    targets : Targets
        What the net was trained on.
    n_threads : int or None
        Torch threads; None goes by the size of the net.

    Raises
    ------
    ValueError
        If an output is no number of the net's type, as for inputs far from those trained on.
    """
    return np.concatenate(_of_outputs(net, X, targets, n_threads, lambda outputs, _: outputs))


def compute_losses(
    net: MLPNet, X: Inputs, y: NDArray[Any], targets: Targets, n_threads: int | None
) -> NDArray[np.floating]:
    """Losses of encoded targets `y` in the user's units; else as `compute_outputs`.

    In parts, since the outputs of many classes, and what is computed of them, take much more
    memory than the losses.
    """

    def losses(outputs: NDArray[np.floating], rows: slice) -> NDArray[np.floating]:
        return targets.losses(outputs, y[rows])

    return np.concatenate(_of_outputs(net, X, targets, n_threads, losses))


def compute_losses_and_predictions(
    net: MLPNet, X: Inputs, y: NDArray[Any], targets: Targets, n_threads: int | None
) -> tuple[NDArray[np.floating], NDArray[Any]]:
    """As `compute_losses`, with the targets that are predicted, in one pass."""

    def both(outputs: NDArray[np.floating], rows: slice) -> tuple[NDArray[Any], NDArray[Any]]:
        return targets.losses(outputs, y[rows]), targets.predictions(outputs)

    losses, predictions = zip(*_of_outputs(net, X, targets, n_threads, both), strict=True)
    return np.concatenate(losses), np.concatenate(predictions)


def compute_staged_losses(
    net: MLPNet,
    X: Inputs,
    y: NDArray[Any],
    targets: Targets,
    n_threads: int | None,
    states: Iterable[dict[str, NDArray[Any]]],
) -> Iterator[NDArray[np.floating]]:
    """Losses under one state of the weights after the other; `net` is left alone."""
    with own_torch_settings():  # not around a yield, where the caller's own hold
        net = net.copy_for_prediction()
    inputs = as_net_inputs(X, net)  # once for all
    for weights in states:
        with own_torch_settings():
            net.set_weights(weights)
        yield compute_losses(net, inputs, y, targets, n_threads)


def _of_outputs(
    net: MLPNet,
    X: Inputs,
    targets: Targets,
    n_threads: int | None,
    compute: Callable[[NDArray[np.floating], slice], _T],
) -> list[_T]:
    """What is computed of the outputs of one batch of rows after the other."""
    inputs, done, results = as_net_inputs(X, net), 0, []
    with own_torch_settings(), limited_threads(net.choose_n_threads(n_threads)):
        for batch in net.forward_iter(inputs):
            outputs: NDArray[np.floating] = batch.numpy()
            wrong = first_overflow(outputs, targets.largest_output)
            if wrong is not None:
                raise ValueError(
                    "X has values for which the net cannot compute: its outputs for row "
                    f"{done + wrong} are too large for {outputs.dtype}. Are the features scaled "
                    "as those that it was fitted on?"
                )
            results.append(compute(outputs, slice(done, done := done + len(outputs))))
    return results
