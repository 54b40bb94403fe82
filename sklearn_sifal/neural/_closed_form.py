"""One training pass through the perceptron, with its gradients in closed form.

On small batches autograd's bookkeeping costs more than the arithmetic. The derivatives of
a perceptron are known: written out, they take about half the calls, and the gradient of
a sparse first layer goes to its optimiser without a detour.
"""

# Any: torch says of what is in a ModuleList only that it is a module.

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from sklearn_sifal.batches._row_batches import SparseRows
from sklearn_sifal.neural._mlp import ACTIVATIONS, MLP

#: From outputs, targets and the factor of each row to the losses of the rows, and the gradient of
#: their sum, each times its factor, by the outputs.
ClosedForm = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

_relu_backward: Callable[..., torch.Tensor] = torch.ops.aten.threshold_backward


class _Hidden(NamedTuple):
    """What the gradient of one hidden layer is made of.

    Attributes
    ----------
    before, after : Tensor of shape (n, width)
        Sums, and what the activation makes of them.
    mask : Tensor of shape (n, width) or None
        Factors of dropout.
    passed : Tensor of shape (n, width)
        What the next layer read.
    """

    before: torch.Tensor
    after: torch.Tensor
    mask: torch.Tensor | None
    passed: torch.Tensor


class Pass:
    """A forward pass that keeps what the gradients need.

    Parameters
    ----------
    module : MLP
        In training or in evaluation mode.
    X : Tensor of shape (n, n_features) or SparseRows
        Inputs.

    Attributes
    ----------
    outputs : Tensor of shape (n, n_outputs)
        Bit for bit those of the module.
    """

    @torch.no_grad()
    def __init__(self, module: MLP, X: torch.Tensor | SparseRows) -> None:
        self._module = module
        self._inputs = module.input_dropout(X)
        self._hidden: list[_Hidden] = []
        activation = ACTIVATIONS[module.activation]
        values = module.input(self._inputs)
        for layer in module.layers:
            after = activation(values)
            mask = module.dropout.draw_mask(after)
            passed = after if mask is None else after * mask
            self._hidden.append(_Hidden(values, after, mask, passed))
            values = layer(passed)
        self.outputs: torch.Tensor = values

    @torch.no_grad()
    def set_gradients(self, gradient: torch.Tensor) -> None:
        """Set the gradient of every weight.

        Parameters
        ----------
        gradient : Tensor of shape (n, n_outputs)
            Of the objective with respect to `outputs`. Overwritten.
        """
        module = self._module
        layers: Any = reversed(module.layers)
        for layer, hidden in zip(layers, reversed(self._hidden), strict=True):
            layer.weight.grad = gradient.t() @ hidden.passed
            layer.bias.grad = gradient.sum(0)
            gradient = gradient @ layer.weight
            if hidden.mask is not None:
                gradient *= hidden.mask
            gradient = _through_activation(module.activation, gradient, hidden)
        module.input.set_gradients(self._inputs, gradient)


def cross_entropy(
    outputs: torch.Tensor, y: torch.Tensor, factors: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy of each row, and its gradient with respect to the logits.

    Parameters
    ----------
    outputs : Tensor of shape (n, n_classes)
        Logits.
    y : Tensor of shape (n,), int64
        Class codes.
    factors : Tensor of shape (n,)
        What each row's loss counts in the objective.

    Returns
    -------
    losses : Tensor of shape (n,)
        In nats, without the factors.
    gradient : Tensor of shape (n, n_classes)
        Of the sum of losses times factors.
    """
    log_probabilities = torch.log_softmax(outputs, 1)
    losses = torch.nn.functional.nll_loss(log_probabilities, y, reduction="none")
    gradient = log_probabilities.exp_().mul_(factors.unsqueeze(1))
    gradient.scatter_add_(1, y.unsqueeze(1), factors.neg().unsqueeze(1))
    return losses, gradient


def _through_activation(name: str, gradient: torch.Tensor, hidden: _Hidden) -> torch.Tensor:
    """Gradient with respect to what the activation was given."""
    after = hidden.after
    if name == "relu":
        # A product with `after > 0` would be two calls, and slower ones.
        return _relu_backward(gradient, after, 0)
    if name == "tanh":
        return gradient * (1 - after.square())
    if name == "logistic":
        return gradient * (after * (1 - after))
    if name == "gelu":
        x = hidden.before
        density = x.square().mul_(-0.5).exp_().mul_(1 / math.sqrt(2 * math.pi))
        below: torch.Tensor = torch.special.ndtr(x)
        return gradient * (below + x * density)
    return gradient  # identity
