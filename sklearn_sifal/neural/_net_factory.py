"""Making the net of a training, with the weights that it begins with."""

import copy
import inspect
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from sklearn_sifal._devices import has_bfloat16, resolve_device
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._inputs import Inputs
from sklearn_sifal._parameters import reject_value
from sklearn_sifal._seeding import Streams, torch_seed
from sklearn_sifal._settings import Settings, TrainingDescription
from sklearn_sifal._targets import Targets
from sklearn_sifal._training_data import TrainingData
from sklearn_sifal._weights_files import check_weights, load_weights
from sklearn_sifal.neural._mlp import MLP
from sklearn_sifal.neural._mlp_net import MLPNet
from sklearn_sifal.neural._optimizers import Adagrad, AdamW
from sklearn_sifal.neural._own_callbacks import own_callbacks


def make_net(
    description: TrainingDescription,
    targets: Targets,
    data: TrainingData,
    settings: Settings,
    streams: Streams,
    *,
    previous: MLPNet | None = None,
) -> MLPNet:
    """Make a net with the weights of an earlier one, of `init_weights` or of its seed.

    Parameters
    ----------
    description : TrainingDescription
        What is given.
    targets : Targets
        What is learnt.
    data : TrainingData
        Rows to train on; their container and type decide on those of the net.
    settings : Settings
        Resolved values of what may be "auto".
    streams : Streams
        Seeds.
    previous : MLPNet or None
        Net to go on from; `init_weights` is not used then.

    Returns
    -------
    net : MLPNet
        Initialised.
    """
    net = _new_net(description, targets, data, settings, streams)
    if previous is not None:
        _continue_from(net, previous)
    elif description.init_weights is not None:
        weights = load_weights(description.init_weights, "init_weights")
        check_weights(weights, _shapes(net), numpy_dtype(net))
        net.set_weights(weights)
    return net


def prepare_for_more(net: MLPNet, data: TrainingData, settings: Settings) -> None:
    """Let a net take this chunk's container, and the present rate and decay."""
    net.lr = settings.lr
    net.row_weight_decay = settings.weight_decay
    if hasattr(net, "optimizer__weight_decay"):
        net.optimizer__weight_decay = settings.weight_decay
    for optimizer in net.optimizers().values():
        for group in optimizer.param_groups:
            if "weight_decay" in group:
                group["weight_decay"] = settings.weight_decay
    if sp.issparse(data.X) and not net.sparse_input:
        # The dense optimiser of the first layer cannot take row-sparse gradients.
        net.sparse_input = True
        net.remake_optimizers()


def numpy_dtype(net: MLPNet) -> type[np.floating]:
    """The type of a net's weights, as its inputs have to have it."""
    return np.float64 if net.module_.input.weight.dtype == torch.float64 else np.float32


def as_net_inputs(
    X: Inputs, net: MLPNet, *, rows: NDArray[np.int64] | None = None, name: str = "X"
) -> Inputs:
    """Checked inputs in the type of the net; float64 values may be too large for float32.

    Those of rows that are not among `rows` do not matter; None for all.
    """
    if X.dtype == numpy_dtype(net):
        return X
    with np.errstate(over="ignore"):
        converted = X.astype(numpy_dtype(net))
    if not _is_finite(converted) and (rows is None or not _is_finite(converted[rows])):
        raise ValueError(
            f"Input {name} contains a value too large for {converted.dtype}, the type of the "
            "fitted net."
        )
    return converted


def _is_finite(X: Inputs) -> bool:
    return bool(np.isfinite(X.data if sp.issparse(X) else X).all())


def _new_net(
    description: TrainingDescription,
    targets: Targets,
    data: TrainingData,
    settings: Settings,
    streams: Streams,
) -> MLPNet:
    device = resolve_device(description.device)
    sparse_input = sp.issparse(data.X)
    # Accelerators are slow in float64, or cannot do it.
    wide = data.X.dtype == np.float64 and device.type == "cpu"
    if description.mixed_precision:
        _check_mixed_precision(device, wide=wide)
    net = MLPNet(
        MLP,
        module__n_features=data.X.shape[1],
        module__n_outputs=targets.n_outputs,
        module__hidden_layer_sizes=description.widths,
        module__activation=description.activation,
        module__dropout=float(description.dropout),
        module__input_dropout=float(description.input_dropout),
        module__dtype=torch.float64 if wide else torch.float32,
        module__seed=torch_seed(streams.weights),
        **targets.criterion(),
        sparse_input=sparse_input,
        sparse_optimizer=description.sparse_optimizer,
        row_weight_decay=settings.weight_decay,
        mixed_precision=bool(description.mixed_precision),
        lr=settings.lr,
        batch_size=settings.batch_size,
        device=str(device),
        callbacks=own_callbacks(description.callbacks),
        **_optimizer_arguments(description, settings.weight_decay, sparse_input, device),
    )
    net.initialize()
    return net


def _check_mixed_precision(device: torch.device, *, wide: bool) -> None:
    if wide:
        raise InvalidParameterError(
            "The 'mixed_precision' parameter must be False for inputs in float64, which are "
            "computed with in float64 on the CPU. Got True instead: convert them with "
            "X.astype(np.float32)."
        )
    if not has_bfloat16(device):
        raise InvalidParameterError(
            "The 'mixed_precision' parameter must be False on a device without bfloat16. "
            f"Got True instead, with the device {str(device)!r}."
        )


def _optimizer_arguments(
    description: TrainingDescription, decay: float, sparse_input: bool, device: torch.device
) -> dict[str, Any]:
    optimizer = description.optimizer
    if optimizer == "auto":
        # One learning rate serves both parts of the net if both have the same rule.
        if sparse_input and description.sparse_optimizer == "adagrad":
            rule: type[torch.optim.Optimizer] = Adagrad
        else:
            rule = AdamW
        # fused: one call instead of a dozen small ones for every layer. Adagrad's was for
        # the CPU alone when it was new (torch 2.6).
        fused = rule is AdamW or device.type == "cpu"
        return {
            "optimizer": rule,
            "optimizer__weight_decay": decay,
            "optimizer__fused": True if fused else None,
        }
    is_class = issubclass(optimizer, torch.optim.Optimizer)
    if not is_class or issubclass(optimizer, torch.optim.LBFGS):
        expected = "'auto' or a torch.optim.Optimizer class whose step needs no closure"
        reject_value(description.owner, "optimizer", expected, optimizer)
    if "weight_decay" in inspect.signature(optimizer).parameters:
        return {"optimizer": optimizer, "optimizer__weight_decay": decay}
    if decay:
        raise ValueError(
            f"The 'weight_decay' parameter must be 0 with optimizer={optimizer.__name__}, which "
            f"has none. Got {decay:g} instead."
        )
    return {"optimizer": optimizer}


def _continue_from(net: MLPNet, previous: MLPNet) -> None:
    """Copy the weights of an earlier net, and its optimisers' state where they are the same."""
    shapes, before = _shapes(net), _shapes(previous)
    if shapes != before:
        raise ValueError(
            "warm_start goes on with the net of the previous fit, so that 'hidden_layer_sizes' and "
            f"the number of features must be the same. Got weights of shapes {shapes} after "
            f"{before}."
        )
    net.set_weights(previous.get_weights())
    old_optimizers, new_optimizers = previous.optimizers(), net.optimizers()
    if list(old_optimizers) != list(new_optimizers):
        return
    for name, now in new_optimizers.items():
        if type(old_optimizers[name]) is type(now):
            # The moments go on; rates and decays are those of this fit.
            state = copy.deepcopy(old_optimizers[name].state_dict()["state"])
            now.load_state_dict({**now.state_dict(), "state": state})


def _shapes(net: MLPNet) -> dict[str, tuple[int, ...]]:
    return {name: tuple(values.shape) for name, values in net.module_.state_dict().items()}
