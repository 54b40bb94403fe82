"""Criteria that return one loss per instance."""

import inspect
from typing import Any

import torch

#: Criteria whose targets are class codes.
CLASS_CODE_CRITERIA = (torch.nn.CrossEntropyLoss, torch.nn.NLLLoss)

#: Criteria whose targets are real numbers.
REAL_TARGET_CRITERIA = (
    torch.nn.MSELoss,
    torch.nn.L1Loss,
    torch.nn.SmoothL1Loss,
    torch.nn.HuberLoss,
)

_HOW = (
    "A LossSampledNet needs the loss of every instance: the criterion must return a tensor whose "
    "first dimension is the batch"
)


def make_criterion(criterion: Any, arguments: dict[str, Any]) -> Any:
    """Make a criterion that does not reduce over the batch.

    Parameters
    ----------
    criterion : class, callable or torch.nn.Module
        The net's `criterion`. One that takes `reduction` is made with "none".
    arguments : dict
        Its arguments, ``criterion__x``.

    Raises
    ------
    ValueError
        If it reduces, or was told to.
    """
    is_made = isinstance(criterion, torch.nn.Module)
    if is_made and not arguments:
        made = criterion
    else:
        make = type(criterion) if is_made else criterion
        if "reduction" in arguments:
            _check_reduction(arguments["reduction"], "criterion__reduction=")
        elif _takes_reduction(make):
            arguments = {**arguments, "reduction": "none"}
        made = make(**arguments)
    _check_reduction(getattr(made, "reduction", "none"), f"{type(made).__name__} with reduction=")
    return made


def per_instance(losses: Any, n: int, outputs: Any) -> torch.Tensor:
    """Check the losses of a batch, and average each instance's over further dimensions.

    Parameters
    ----------
    losses : Tensor of shape (n, ...)
        What the criterion returned.
    n : int
        Instances in the batch.
    outputs : Any
        What the module returned.

    Returns
    -------
    losses : Tensor of shape (n,)

    Raises
    ------
    ValueError
        If there is not one loss, or one array of losses, per instance.
    """
    if not isinstance(losses, torch.Tensor):
        raise ValueError(f"{_HOW}. Got {type(losses).__name__}.")
    if losses.ndim == 0:
        raise ValueError(
            f"{_HOW}, not a single number. Leave out the mean at its end; torch's own criteria do "
            "with reduction='none'."
        )
    if losses.shape[0] != n:
        raise ValueError(
            f"{_HOW}. Got losses of shape {tuple(losses.shape)} for a batch of {n} instances."
        )
    if losses.ndim == 1:
        return losses
    if isinstance(outputs, torch.Tensor) and losses.numel() > outputs.numel():
        raise ValueError(
            f"{_HOW}. Got losses of shape {tuple(losses.shape)} for outputs of shape "
            f"{tuple(outputs.shape)}: outputs and targets were broadcast against each other. "
            "Targets must have the shape of the outputs, for example y.reshape(-1, 1)."
        )
    return losses.flatten(1).mean(1)


def _takes_reduction(make: Any) -> bool:
    try:
        return "reduction" in inspect.signature(make).parameters
    except (TypeError, ValueError):  # a builtin without a signature
        return False


def _check_reduction(reduction: Any, said: str) -> None:
    if reduction != "none":
        raise ValueError(f"{_HOW}: reduction must be 'none'. Got {said}{reduction!r}.")
