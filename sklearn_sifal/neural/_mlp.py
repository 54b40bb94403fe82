"""The multi-layer perceptron, with a first layer that takes dense or sparse rows."""

# Any: torch says of what is in a ModuleList only that it is a module.

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from sklearn_sifal._saved_states import written_by_name
from sklearn_sifal.batches._row_batches import SparseRows
from sklearn_sifal.neural._row_sparse import (
    ColumnNumbers,
    sparse_rows_product,
    touched_rows_gradient,
)

# Rows of a weight matrix that are drawn at a time.
_ROWS_PER_BLOCK = 1 << 14

#: Activation functions by name, as in scikit-learn, and a few newer ones.
ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "identity": lambda x: x,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": nn.functional.gelu,
}


@written_by_name
class SeededDropout(nn.Module):
    """Dropout that draws from its own generator, never from torch's global one.

    Parameters
    ----------
    p : float
        Share of the values set to zero in training mode.

    Attributes
    ----------
    generator : torch.Generator or None
        Set while a fit runs and None outside of it, so that the module can be
        pickled and copied.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: torch.Tensor | SparseRows) -> torch.Tensor | SparseRows:
        """Drop values of a tensor, or stored values of sparse rows."""
        if isinstance(x, SparseRows):
            drops = self.training and self.p > 0.0
            return x.dropout(self.p, self.generator) if drops else x
        mask = self.draw_mask(x)
        return x if mask is None else x * mask

    def draw_mask(self, x: torch.Tensor) -> torch.Tensor | None:
        """Factors of the values of a tensor, zero or 1/(1-p); None for ones."""
        if not self.training or self.p == 0.0:
            return None
        kept = torch.empty_like(x).bernoulli_(1.0 - self.p, generator=self.generator)
        return kept.div_(1.0 - self.p)


@written_by_name
class InputLayer(nn.Module):
    """First layer, ``x @ weight + bias``, for dense tensors and for `SparseRows`.

    Parameters
    ----------
    n_features, n_outputs : int
        Shape of the weight: one row per feature, so that a sparse batch reads whole rows.
    dtype : torch.dtype
        Type of the weights and of the computation.
    """

    def __init__(self, n_features: int, n_outputs: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_features, n_outputs, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(n_outputs, dtype=dtype))
        self._numbers = ColumnNumbers()

    def forward(self, x: torch.Tensor | SparseRows) -> torch.Tensor:
        """Map n rows to a tensor of shape (n, n_outputs)."""
        if isinstance(x, SparseRows):
            return sparse_rows_product(x, self.weight, self._numbers) + self.bias
        return torch.addmm(self.bias, x, self.weight)

    def set_gradients(self, x: torch.Tensor | SparseRows, gradient: torch.Tensor) -> None:
        """Set the weights' gradients from that of the outputs for `x`, shape (n, n_outputs)."""
        self.bias.grad = gradient.sum(0)
        if isinstance(x, SparseRows):
            self.weight.grad = touched_rows_gradient(x, gradient, self._numbers)
        else:
            self.weight.grad = x.t() @ gradient


@written_by_name
class UnsetLinear(nn.Linear):
    """A linear layer that is made without values: torch would draw them globally.

    Torch's own way to one, by the device "meta", imports sympy, which takes 0.4 s.
    """

    def reset_parameters(self) -> None:
        """Draw nothing."""


@written_by_name
class MLP(nn.Module):
    """Multi-layer perceptron that returns logits.

    Parameters
    ----------
    n_features, n_outputs : int
        Width of the input and of the output.
    hidden_layer_sizes : sequence of int
        Widths of the hidden layers; empty for a linear model.
    activation : str
        Key of `ACTIVATIONS`.
    dropout : float
        Share of the hidden units dropped in training.
    input_dropout : float
        Share of the features dropped in training.
    dtype : torch.dtype
        Type of the weights.
    seed : int or None
        Of the initial weights; None leaves them unset, to be loaded.
    """

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        *,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        dtype: torch.dtype = torch.float32,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        widths = [*hidden_layer_sizes, n_outputs]
        self.activation = activation
        self.input_dropout = SeededDropout(input_dropout)
        self.dropout = SeededDropout(dropout)
        self.input = InputLayer(n_features, widths[0], dtype)
        self.layers = nn.ModuleList(
            UnsetLinear(n_in, n_out, dtype=dtype) for n_in, n_out in pairwise(widths)
        )
        if seed is not None:
            self.reset_parameters(seed)

    def reset_parameters(self, seed: int) -> None:
        """Draw the initial weights: Glorot's uniform law, zero biases.

        They do not depend on whether the input is sparse, nor on its type. Without hidden
        layers all are zero: there are no units that would have to differ, and with few
        inputs what is drawn is as large as what is to be learnt.

        Parameters
        ----------
        seed : int
            Of a generator of their own; torch's global one is not used.

        References
        ----------
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward
        neural networks", AISTATS 2010.
        """
        if not self.layers:
            with torch.no_grad():
                self.input.weight.zero_()
                self.input.bias.zero_()
            return
        generator = torch.Generator().manual_seed(seed)
        for layer in [self.input, *self.layers]:
            bound = (6.0 / sum(layer.weight.shape)) ** 0.5
            with torch.no_grad():
                # float64 numbers would be other draws: a list, read as float32, and an
                # array of the same numbers would begin from different weights. In blocks,
                # since a float32 copy of a wide layer would need half its memory again.
                for rows in layer.weight.split(_ROWS_PER_BLOCK):
                    drawn = rows
                    if rows.dtype != torch.float32:
                        drawn = torch.empty(rows.shape, dtype=torch.float32)
                    drawn.uniform_(-bound, bound, generator=generator)
                    if drawn is not rows:
                        rows.copy_(drawn)
                layer.bias.zero_()

    def forward(self, x: torch.Tensor | SparseRows) -> torch.Tensor:
        """Logits of shape (n, n_outputs)."""
        activation = ACTIVATIONS[self.activation]
        hidden: torch.Tensor = self.input(self.input_dropout(x))
        for layer in self.layers:
            hidden = layer(self.dropout(activation(hidden)))
        return hidden

    def set_dropout_generator(self, generator: torch.Generator | None) -> None:
        """Give every dropout its generator for the time of a fit; None takes it away."""
        for module in self.modules():
            if isinstance(module, SeededDropout):
                module.generator = generator


def check_widths(module: MLP, n_features: int, n_outputs: int) -> None:
    """Raise unless the layers of a module that was read from a file fit each other."""
    width = n_features
    layers: list[tuple[str, Any]] = [("input", module.input), *module.layers.named_children()]
    for name, layer in layers:
        # A first layer keeps one row per feature, torch's own one per output.
        shape = layer.weight.shape if layer is module.input else layer.weight.shape[::-1]
        if shape[0] != width or layer.bias.shape != shape[1:]:
            raise ValueError(f"layer {name} takes {shape[0]} numbers and gets {width}")
        width = shape[1]
    if width != n_outputs:
        raise ValueError(f"the last layer has {width} outputs, not {n_outputs}")
