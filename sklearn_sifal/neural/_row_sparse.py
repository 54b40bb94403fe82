"""A linear map on sparse rows, and optimisers that touch only the rows of its gradient.

The weight matrix has one row per feature. A batch of text touches a few per cent
of them, so that the gradient is kept as those rows alone and the step reads and
writes nothing else.
"""

# Any: torch has no types for the context of a function, and its optimisers take any closure.

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch.nn.functional import embedding_bag

from sklearn_sifal._saved_states import written_by_name
from sklearn_sifal.batches._row_batches import SparseRows
from sklearn_sifal.neural._optimizers import QuickStart


@written_by_name
class ColumnNumbers:
    """Renumbers the columns of a batch 0, 1, 2, ... without sorting all of its values.

    Its working memory, an integer for each feature, is kept from one batch to the
    next, but not in copies and pickles.
    """

    _number: NDArray[np.int32] = np.empty(0, dtype=np.int32)

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def renumber(
        self, columns: NDArray[Any], n_features: int
    ) -> tuple[NDArray[Any], NDArray[np.int32]]:
        """Distinct columns in rising order, and for each value the position of its column.

        The same as ``numpy.unique(columns, return_inverse=True)``.
        """
        if len(self._number) < n_features:
            self._number = np.empty(n_features, dtype=np.int32)
        number, counting = self._number, np.arange(len(columns), dtype=np.int32)
        # Of the values in one column the last one's number stays, and stands for the column.
        number[columns] = counting
        distinct = np.sort(columns[number[columns] == counting])
        number[distinct] = counting[: len(distinct)]
        return distinct, number[columns]


def sparse_rows_product(
    rows: SparseRows, weight: torch.Tensor, numbers: ColumnNumbers
) -> torch.Tensor:
    """Product of CSR rows with a matrix of shape (n_features, n_outputs).

    The gradient with respect to `weight` is a sparse tensor of its touched rows.
    `numbers`, kept from one call to the next, finds them on the CPU.
    """
    if not torch.is_grad_enabled():
        return _product(rows, weight)
    product: torch.Tensor = _SparseRowsProduct.apply(  # type: ignore[no-untyped-call]
        weight, rows, numbers
    )
    return product


def touched_rows_gradient(
    rows: SparseRows, gradient: torch.Tensor, numbers: ColumnNumbers
) -> torch.Tensor:
    """Gradient of the matrix from that of the product: a sparse tensor of its touched rows.

    Parameters
    ----------
    rows : SparseRows of n rows
        The rows of the product.
    gradient : Tensor of shape (n, n_outputs)
        With respect to the product.
    numbers : ColumnNumbers
        As in `sparse_rows_product`.

    Returns
    -------
    gradient : sparse Tensor of shape (n_features, n_outputs)
        Coalesced: its row numbers rise.
    """
    if gradient.device.type == "cpu":
        touched, values = _touched_rows_on_cpu(rows, gradient, numbers)
    else:
        touched, values = _touched_rows(rows, gradient)
    return torch.sparse_coo_tensor(
        touched.unsqueeze(0),
        values,
        (rows.n_features, gradient.shape[1]),
        is_coalesced=True,  # sorted and without repeats
        check_invariants=False,
    )


def _product(rows: SparseRows, weight: torch.Tensor) -> torch.Tensor:
    return embedding_bag(
        rows.indices,
        weight,
        rows.indptr,
        mode="sum",
        per_sample_weights=rows.values,
        include_last_offset=True,
    )


class _SparseRowsProduct(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, weight: torch.Tensor, rows: SparseRows, numbers: ColumnNumbers
    ) -> torch.Tensor:
        ctx.rows = rows
        ctx.numbers = numbers
        return _product(rows, weight)

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return touched_rows_gradient(ctx.rows, grad_output, ctx.numbers), None, None


def _touched_rows_on_cpu(
    rows: SparseRows, grad_output: torch.Tensor, numbers: ColumnNumbers
) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of the batch and the gradient of their weights: X' G without the empty rows."""
    touched, positions = numbers.renumber(rows.indices.numpy(), rows.n_features)
    # The rows of the batch are the columns of its transpose.
    transposed = sp.csc_array(
        (rows.values.numpy(), positions, rows.indptr.numpy()), shape=(len(touched), len(rows))
    )
    values = transposed @ grad_output.numpy()
    return torch.from_numpy(touched.astype(np.int64)), torch.from_numpy(values)


def _touched_rows(rows: SparseRows, grad_output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same as `_touched_rows_on_cpu` in torch operations, for accelerators.

    Summing each column's values in their order gives the same bits every time, which
    adding them up in whatever order they come would not.
    """
    transposed = rows.by_column()
    values = embedding_bag(
        transposed.rows,
        grad_output.contiguous(),
        transposed.indptr,
        mode="sum",
        per_sample_weights=rows.values.index_select(0, transposed.order),
        include_last_offset=True,
    )
    return transposed.columns, values


def _rows_of(gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Distinct row numbers and values of a row-sparse gradient; a dense one has every row."""
    if not gradient.is_sparse:
        return torch.arange(gradient.shape[0], device=gradient.device), gradient
    if gradient.is_coalesced():
        return gradient.indices()[0], gradient.values()
    rows = gradient._indices()[0]
    # Autograd hands our sorted, distinct rows over without the flag that says so;
    # looking is much cheaper than sorting them again. On an accelerator it would mean to
    # wait for it: a gradient there has to be that of a single backward pass.
    if rows.device.type != "cpu" or _are_rising(rows):
        return rows, gradient._values()
    gradient = gradient.coalesce()
    return gradient.indices()[0], gradient.values()


def _are_rising(rows: torch.Tensor) -> bool:
    numbers = rows.numpy()  # a third of the time that torch takes
    return bool((numbers[1:] > numbers[:-1]).all())


class _RowSparseOptimizer(QuickStart):
    """Shared part: finds the touched rows, decays them, and hands them to `_update`."""

    settings: ClassVar[dict[str, Any]]

    def __init__(self, params: Iterable[Any], lr: float, **settings: Any) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": 0.0, **self.settings, **settings})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the touched rows of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                rows, values = _rows_of(param.grad)
                if group["weight_decay"] > 0:
                    decay = group["lr"] * group["weight_decay"]
                    param.index_add_(0, rows, param.index_select(0, rows), alpha=-decay)
                self._update(param, rows, values, group)
        return loss

    quick_step = step

    def _update(
        self, param: torch.Tensor, rows: torch.Tensor, values: torch.Tensor, group: dict[str, Any]
    ) -> None:
        raise NotImplementedError


@written_by_name
class RowAdagrad(_RowSparseOptimizer):
    """Adagrad with one accumulator per row, updating only the rows of the gradient.

    For a row with gradient g of m entries: s <- s + mean(g^2), w <- w - lr g / (sqrt(s) + eps).

    Parameters
    ----------
    params : iterable of Tensor or dict
        Matrices with row-sparse (or dense) gradients.
    lr : float
        Learning rate.
    eps : float
        Added to the root.
    weight_decay : float
        Decoupled decay, applied to touched rows only, times the learning rate.

    References
    ----------
    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", JMLR 12, 2011. One accumulator per row of an embedding
    is the memory-saving form that is usual for large embedding tables.
    """

    settings: ClassVar = {"eps": 1e-10}

    def _update(
        self, param: torch.Tensor, rows: torch.Tensor, values: torch.Tensor, group: dict[str, Any]
    ) -> None:
        state = self.state[param]
        if not state:
            state["sum"] = param.new_zeros(param.shape[0])
        mean_square = torch.linalg.vector_norm(values, dim=1).square_().div_(values.shape[1])
        total = state["sum"].index_select(0, rows).add_(mean_square)
        state["sum"].index_copy_(0, rows, total)
        scale = total.sqrt_().add_(group["eps"]).reciprocal_().mul_(-group["lr"])
        param.index_add_(0, rows, values * scale.unsqueeze(1))


@written_by_name
class RowAdam(_RowSparseOptimizer):
    """Adam whose moments, counts and weights move only in the rows of the gradient.

    The bias corrections use the number of times that the row was touched, so that
    a rare feature's first step is as long as a common one's.

    Parameters
    ----------
    params : iterable of Tensor or dict
        Matrices with row-sparse (or dense) gradients.
    lr : float
        Learning rate.
    betas : tuple of two floats
        Decay of the running mean and of the running mean square.
    eps : float
        Added to the root.
    weight_decay : float
        Decoupled decay, applied to touched rows only, times the learning rate.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    settings: ClassVar = {"betas": (0.9, 0.999), "eps": 1e-8}

    def _update(
        self, param: torch.Tensor, rows: torch.Tensor, values: torch.Tensor, group: dict[str, Any]
    ) -> None:
        state = self.state[param]
        if not state:
            state["mean"] = torch.zeros_like(param)
            state["square"] = torch.zeros_like(param)
            state["touched"] = param.new_zeros(param.shape[0])
        beta1, beta2 = group["betas"]
        mean = state["mean"].index_select(0, rows).mul_(beta1).add_(values, alpha=1 - beta1)
        square = state["square"].index_select(0, rows).mul_(beta2)
        square.addcmul_(values, values, value=1 - beta2)
        touched = state["touched"].index_select(0, rows).add_(1)
        for name, new in (("mean", mean), ("square", square), ("touched", touched)):
            state[name].index_copy_(0, rows, new)
        step = touched.unsqueeze(1)
        root = (square / (1 - beta2**step)).sqrt_().add_(group["eps"])
        param.index_add_(0, rows, mean / (1 - beta1**step) / root, alpha=-group["lr"])


#: Optimiser of a sparse first layer by the name used in `sparse_optimizer`.
ROW_SPARSE_OPTIMIZERS: dict[str, type[RowAdagrad] | type[RowAdam]] = {
    "adagrad": RowAdagrad,
    "adam": RowAdam,
}
