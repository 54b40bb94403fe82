"""The gradients in closed form against autograd, and by hand."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_sifal._regression_loss import RegressionLoss
from sklearn_sifal.batches._row_batches import SparseRows
from sklearn_sifal.neural._closed_form import Pass, cross_entropy
from sklearn_sifal.neural._mlp import ACTIVATIONS, MLP

N, D, K = 7, 6, 3


def make_inputs(sparse: bool) -> Any:
    X = np.random.default_rng(0).poisson(0.7, (N, D)).astype(np.float64)
    if not sparse:
        return torch.from_numpy(X)
    matrix = sp.csr_array(X)
    parts = (matrix.indptr, matrix.indices, matrix.data)
    return SparseRows(*map(torch.from_numpy, parts), n_features=D)


def make_module(**parameters: Any) -> MLP:
    module = MLP(D, **{"n_outputs": K, "dtype": torch.float64, "seed": 0, **parameters})
    with torch.no_grad():
        for name, values in module.named_parameters():
            if name.endswith("bias"):
                values.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(1))
    return module


def seed_dropout(module: MLP) -> None:
    module.set_dropout_generator(torch.Generator().manual_seed(2))


def autograd_gradients(module: MLP, X: Any, y: Any, factors: Any, criterion: Any) -> Any:
    seed_dropout(module)
    module.zero_grad()
    outputs = module(X)
    losses = criterion(outputs, y)
    torch.autograd.backward(losses, factors)
    gradients = {name: p.grad for name, p in module.named_parameters()}
    return outputs.detach(), losses.detach(), gradients


def dense(values: torch.Tensor) -> torch.Tensor:
    return values.to_dense() if values.is_sparse else values


FACTORS = torch.linspace(0.0, 0.3, N, dtype=torch.float64)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (4,), (5, 4)])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_equals_autograd(
    sparse: bool, activation: str, hidden: tuple[int, ...], dropout: float
) -> None:
    X, y = make_inputs(sparse), torch.arange(N) % K
    module = make_module(
        hidden_layer_sizes=hidden, activation=activation, dropout=dropout, input_dropout=dropout
    )
    criterion = torch.nn.CrossEntropyLoss(reduction="none")
    outputs, losses, expected = autograd_gradients(module, X, y, FACTORS, criterion)
    module.zero_grad()
    seed_dropout(module)
    forward = Pass(module, X)
    assert torch.equal(forward.outputs, outputs)
    assert not forward.outputs.requires_grad
    found_losses, gradient = cross_entropy(forward.outputs, y, FACTORS)
    torch.testing.assert_close(found_losses, losses, rtol=1e-14, atol=1e-14)
    forward.set_gradients(gradient)
    for name, param in module.named_parameters():
        assert param.grad is not None
        assert param.grad.is_sparse == (sparse and name == "input.weight")
        torch.testing.assert_close(dense(param.grad), dense(expected[name]), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_regression_equals_autograd(loss: str) -> None:
    X, y = make_inputs(False), torch.linspace(-2, 2, N, dtype=torch.float64)
    module = make_module(n_outputs=1, hidden_layer_sizes=(4,))
    criterion = RegressionLoss(loss, 0.5)
    _, losses, expected = autograd_gradients(module, X, y, FACTORS, criterion)
    forward = Pass(module, X)
    found, gradient = criterion.with_gradient(forward.outputs, y, FACTORS)
    assert torch.equal(found, losses)
    forward.set_gradients(gradient)
    for name, param in module.named_parameters():
        torch.testing.assert_close(param.grad, expected[name], rtol=1e-12, atol=1e-14)


def test_cross_entropy_by_hand() -> None:
    # Probabilities (1/4, 3/4) and (1/2, 1/2), labels 0 and 1, counted half and twice.
    outputs = torch.tensor([[0.0, np.log(3)], [1.0, 1.0]], dtype=torch.float64)
    factors = torch.tensor([0.5, 2.0], dtype=torch.float64)
    losses, gradient = cross_entropy(outputs, torch.tensor([0, 1]), factors)
    np.testing.assert_allclose(losses, [np.log(4), np.log(2)])
    np.testing.assert_allclose(gradient, [[-0.375, 0.375], [1.0, -1.0]])


def test_a_loss_that_is_no_number_is_seen() -> None:
    outputs = torch.tensor([[torch.inf, 0.0], [0.0, 0.0]])
    losses, _ = cross_entropy(outputs, torch.tensor([1, 0]), torch.ones(2))
    assert not losses[0].isfinite()
    assert losses[1].isfinite()


def test_evaluation_mode_drops_nothing() -> None:
    module = make_module(hidden_layer_sizes=(4,), dropout=0.5, input_dropout=0.5).eval()
    X = make_inputs(False)
    assert torch.equal(Pass(module, X).outputs, module(X).detach())
