"""Torch's optimisers for the dense layers, without importing torch's compiler.

Making any torch optimiser, and its first step, import ``torch._dynamo``, only to tell it to
keep out. That takes longer than most fits, once in every process, and so in each worker of a
search. Here the same functions are called without what torch has wrapped around them.
"""

# Any: the steps of torch's optimisers have a signature each.

import inspect
from collections.abc import Callable
from typing import Any

import torch

from sklearn_sifal._saved_states import written_by_name


def _not_compiled(step: Callable[..., Any]) -> Callable[..., Any]:
    unwrapped: Callable[..., Any] = torch.no_grad()(inspect.unwrap(step))
    return unwrapped


class QuickStart(torch.optim.Optimizer):
    """An optimiser whose making does not import torch's compiler.

    Its `quick_step` is `step` without what torch puts around that when an optimiser is
    made: a record for the profiler, and the hooks of steps. That is a twentieth of a
    training step on text.
    """

    quick_step: Callable[..., Any]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, as in torch."""
        inspect.unwrap(torch.optim.Optimizer.add_param_group)(self, param_group)


@written_by_name
class Adagrad(QuickStart, torch.optim.Adagrad):
    """:class:`torch.optim.Adagrad`."""

    step = quick_step = _not_compiled(torch.optim.Adagrad.step)


@written_by_name
class AdamW(QuickStart, torch.optim.AdamW):
    """:class:`torch.optim.AdamW`."""

    step = quick_step = _not_compiled(torch.optim.AdamW.step)
