"""Training loops written by hand: what our overhead is measured by.

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

from sklearn_sifal.neural._closed_form import cross_entropy as closed_cross_entropy
from sklearn_sifal.neural._row_sparse import ColumnNumbers

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


def train_on_text_leanly(
    X: Any, y: Any, weights: Weights, orders: Sequence[Any], *, lr: float, batch_size: int
) -> Weights:
    """The same with the estimator's own parts, and nothing around them: no autograd, no objects.

    What is between this and the estimator is what its layers cost.
    """
    weight, *dense = (torch.from_numpy(values.copy()) for values in weights.values())
    bias, head, head_bias = dense
    sums, steps = [torch.zeros_like(values) for values in dense], [torch.tensor(0.0)] * 3
    squares, numbers = torch.zeros(len(weight)), ColumnNumbers()
    n_visits, done = sum(map(len, orders)), 0
    with torch.no_grad():
        for order in orders:
            rows, targets = X[order], torch.from_numpy(y[order])
            for start in range(0, len(order), batch_size):
                stop = min(start + batch_size, len(order))
                begin, end = rows.indptr[start], rows.indptr[stop]
                indptr = rows.indptr[start : stop + 1] - begin
                columns, counts = rows.indices[begin:end], rows.data[begin:end]
                first = embedding_bag(
                    torch.from_numpy(columns),
                    weight,
                    torch.from_numpy(indptr),
                    mode="sum",
                    per_sample_weights=torch.from_numpy(counts),
                    include_last_offset=True,
                ).add_(bias)
                hidden, n, rate = torch.relu(first), stop - start, lr * (1 - done / n_visits)
                logits = torch.addmm(head_bias, hidden, head.t())
                factors = torch.full((n,), 1 / n)
                _, gradient = closed_cross_entropy(logits, targets[start:stop], factors)
                below = torch.ops.aten.threshold_backward(gradient @ head, hidden, 0)
                gradients = [below.sum(0), gradient.t() @ hidden, gradient.sum(0)]
                torch._fused_adagrad_(
                    dense,
                    gradients,
                    sums,
                    steps,
                    lr=rate,
                    lr_decay=0,
                    weight_decay=0,
                    eps=1e-10,
                    maximize=False,
                )
                touched, positions = numbers.renumber(columns, len(weight))
                transposed = sp.csc_array((counts, positions, indptr), shape=(len(touched), n))
                values = torch.from_numpy(transposed @ below.numpy())
                where = torch.from_numpy(touched.astype(np.int64))
                mean = torch.linalg.vector_norm(values, dim=1).square_().div_(weight.shape[1])
                total = squares.index_select(0, where).add_(mean)
                squares.index_copy_(0, where, total)
                scale = total.sqrt_().add_(1e-10).reciprocal_().mul_(-rate)
                weight.index_add_(0, where, values * scale.unsqueeze(1))
                done += n
    return dict(zip(weights, (v.numpy() for v in (weight, *dense)), strict=True))


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
