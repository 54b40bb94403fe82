"""Training loops written by hand, one for each kind of input: what our overhead is measured by.

They do the estimator's arithmetic with `"base"`, and nothing else: no table of losses, no
checks, no strategy. The order of the rows and the initial weights are given.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy, embedding_bag

Weights = dict[str, NDArray[Any]]


def train_on_text(
    X: Any, y: Any, weights: Weights, orders: Sequence[Any], *, lr: float, batch_size: int
) -> Weights:
    """One hidden layer on CSR rows: row-wise Adagrad below, Adagrad above, rate to zero."""
    weight = torch.from_numpy(weights["input.weight"].copy())
    bias, *head = params = [_param(v) for k, v in weights.items() if k != "input.weight"]
    adagrad = torch.optim.Adagrad(params, lr=lr, fused=True)
    squares = torch.zeros(len(weight))
    for factor, rows in _steps(orders, batch_size):
        batch = X[rows]
        indptr, columns, counts = map(torch.from_numpy, (batch.indptr, batch.indices, batch.data))
        first = embedding_bag(
            columns,
            weight,
            indptr,
            mode="sum",
            per_sample_weights=counts,
            include_last_offset=True,
        ).requires_grad_()
        logits = torch.relu(first + bias) @ head[0].T + head[1]
        cross_entropy(logits, torch.from_numpy(y[rows])).backward()
        adagrad.param_groups[0]["lr"] = lr * factor
        adagrad.step()
        adagrad.zero_grad()
        touched, gradient = _touched_rows(batch, first.grad)
        total = squares[touched] + gradient.square().mean(1)
        squares[touched] = total
        change = gradient / (total.sqrt() + 1e-10)[:, None]
        weight.index_add_(0, touched, change, alpha=-lr * factor)
    return {"input.weight": weight.numpy(), **_named(weights, params)}


def _touched_rows(batch: Any, gradient: Any) -> tuple[torch.Tensor, torch.Tensor]:
    touched, positions = np.unique(batch.indices, return_inverse=True)
    transposed = sp.csc_array(
        (batch.data, positions, batch.indptr), shape=(len(touched), batch.shape[0])
    )
    values = transposed @ gradient.numpy()
    return torch.from_numpy(touched.astype(np.int64)), torch.from_numpy(values)


def train_on_dense(
    X: Any,
    y: Any,
    weights: Weights,
    orders: Sequence[Any],
    *,
    lr: float,
    batch_size: int,
    weight_decay: float,
) -> Weights:
    """One hidden layer on dense rows, AdamW, rate to zero."""
    params = [_param(v) for v in weights.values()]
    adam = torch.optim.AdamW(params, lr=lr, weight_decay=weight_decay, fused=True)
    below, bias, above, last_bias = params
    for factor, rows in _steps(orders, batch_size):
        hidden = torch.relu(torch.addmm(bias, torch.from_numpy(X[rows]), below))
        logits = torch.nn.functional.linear(hidden, above, last_bias)
        cross_entropy(logits, torch.from_numpy(y[rows])).backward()
        adam.param_groups[0]["lr"] = lr * factor
        adam.step()
        adam.zero_grad()
    return _named(weights, params)


def _steps(orders: Sequence[Any], batch_size: int) -> Iterator[tuple[float, NDArray[Any]]]:
    """Factor on the rate, falling to zero over all rows of all orders, and the rows of a batch."""
    n_visits, done = sum(map(len, orders)), 0
    for order in orders:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            yield 1 - done / n_visits, rows
            done += len(rows)


def _param(values: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(values.copy()).requires_grad_()


def _named(weights: Weights, params: Sequence[torch.Tensor]) -> Weights:
    names = [name for name in weights if name != "input.weight" or len(params) == len(weights)]
    return {name: p.detach().numpy() for name, p in zip(names, params, strict=True)}
