"""Tensors on any device, and what else holds numbers, as numpy arrays."""

# Any: a training loop hands over whatever it has.

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def as_array(values: Any) -> NDArray[Any]:
    """A numpy array of tensors on any device, with or without gradient, or of an array-like."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        if values.is_floating_point() and values.element_size() < 4:  # numpy has no bfloat16
            values = values.float()
        return np.asarray(values.numpy())
    # By their types, since asking torch of every number takes long.
    if isinstance(values, list | tuple) and any(
        issubclass(kind, torch.Tensor) for kind in set(map(type, values))
    ):
        values = [as_array(value) for value in values]
    if np.ma.is_masked(values):  # objects are refused, what a mask hides would be taken
        return np.asarray(values.astype(object).filled(None))
    return np.asarray(values)
