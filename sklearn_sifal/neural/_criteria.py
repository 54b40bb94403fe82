"""Criteria that return one loss per instance."""

# Any: criteria, targets and outputs are the user's; here they are checked.

import inspect
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

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


class ClassCodeError(ValueError):
    """A class code for which there is no output.

    Parameters
    ----------
    code : int
        What was given.
    n_classes : int
        Number of outputs.
    position : int
        Where it was given.
    known_as : str, default="row"
        What the position counts.
    """

    def __init__(self, code: int, n_classes: int, position: int, known_as: str = "row") -> None:
        self.code, self.n_classes, self.position = code, n_classes, position
        super().__init__(
            f"The module has {n_classes} outputs, for class codes from 0 to {n_classes - 1}. "
            f"Got {code} for {known_as} {position}."
        )

    def of_row(self, rows: NDArray[np.int64] | None) -> "ClassCodeError":
        """The same for somebody who knows the positions by other numbers; None for these."""
        row = self.position if rows is None else int(rows[self.position])
        return ClassCodeError(self.code, self.n_classes, row)


def as_class_codes(y: Any, logits: Any, criterion: type | None) -> Any:
    """Class codes in the type that torch's criteria take, int64.

    Parameters
    ----------
    y : Tensor
        Targets of a batch; anything else is handed back.
    logits : Tensor
        Outputs of the batch.
    criterion : class
        Of `CLASS_CODE_CRITERIA`.

    Returns
    -------
    codes : Tensor of int64, or of probabilities in the shape of `logits`

    Raises
    ------
    ValueError
        If they are neither integers nor, for CrossEntropyLoss, probabilities.
    """
    if not isinstance(y, torch.Tensor) or y.dtype is torch.int64:
        return y
    if not (y.is_floating_point() or y.is_complex()):
        return y.long()
    takes_probabilities = criterion is not None and issubclass(criterion, torch.nn.CrossEntropyLoss)
    if takes_probabilities and y.ndim > 1 and y.shape == getattr(logits, "shape", None):
        return y
    name = "The criterion" if criterion is None else criterion.__name__
    raise ValueError(
        f"{name} takes class codes, integers from 0, one per instance"
        f"{', or probabilities of all classes' if takes_probabilities else ''}. Got targets of "
        f"shape {tuple(y.shape)} and dtype {y.dtype} for a batch. If they are codes, convert them "
        "to int64."
    )


def find_wrong_code(
    codes: NDArray[Any], outputs: Any, ignored: int, known_as: str = "row"
) -> ClassCodeError | None:
    """The error for the first code that the outputs have no column for; None without one.

    Parameters
    ----------
    codes : ndarray of shape (n, ...), integer
        Targets, of any number of rows.
    outputs : Tensor of shape (n_batch, n_classes, ...)
        What goes to the criterion; anything else is not looked at.
    ignored : int
        The code that the criterion leaves out.
    known_as : str, default="row"
        What the positions in `codes` are.
    """
    if not (isinstance(outputs, torch.Tensor) and outputs.ndim > 1 and codes.dtype.kind in "iub"):
        return None
    n_classes = outputs.shape[1]
    wrong = np.argwhere(((codes >= n_classes) | (codes < 0)) & (codes != ignored))
    if not len(wrong):
        return None
    first = wrong[0]
    return ClassCodeError(int(codes[tuple(first)]), n_classes, int(first[0]), known_as)


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
