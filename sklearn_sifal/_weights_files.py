"""Saved weights: reading, writing and checking them against a net."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._whole_files import AnyPath, replacing


def _safetensors() -> Any:
    try:
        import safetensors.numpy as library
    except ImportError as error:
        raise ImportError(
            "Reading and writing weights files needs safetensors: "
            'pip install "sklearn_sifal[persist]".'
        ) from error
    return library


def save_weights_file(weights: Mapping[str, NDArray[Any]], path: AnyPath) -> None:
    """Write weights by name as safetensors; the file appears whole or not at all."""
    library = _safetensors()
    with replacing(path) as file:
        # Not by the library's `save_file`: it makes a temporary file of its own, readable by
        # nobody else, and its errors are no OSErrors.
        file.write(library.save({k: np.ascontiguousarray(v) for k, v in weights.items()}))


def load_weights(source: Any, parameter: str) -> dict[str, NDArray[Any]]:
    """Weights by name from the parameter of that name: a path or a mapping."""
    if isinstance(source, Mapping):
        return {str(name): _as_array(values) for name, values in source.items()}
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            f"The {parameter!r} parameter must be a path, a mapping of names to arrays, or None. "
            f"Got {type(source).__name__} instead."
        )
    library = _safetensors()
    if not Path(source).is_file():
        raise FileNotFoundError(
            f"The {parameter!r} parameter names a file that is not there: {str(source)!r}."
        )
    try:
        weights: dict[str, NDArray[Any]] = library.load_file(source)
    except Exception as error:
        raise ValueError(
            f"The {parameter!r} file {str(source)!r} is not a safetensors file: {error}"
        ) from error
    return weights


def _as_array(values: Any) -> NDArray[Any]:
    if hasattr(values, "detach"):  # a torch tensor
        values = values.detach().cpu()
    return np.asarray(values)


def check_weights(
    weights: Mapping[str, NDArray[Any]], expected: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise unless names and shapes are those of the net and all numbers are finite."""
    missing, unknown = sorted(set(expected) - set(weights)), sorted(set(weights) - set(expected))
    if missing or unknown:
        raise ValueError(
            "The 'init_weights' do not fit the net: "
            f"missing {missing}, unknown {unknown}. Expected {sorted(expected)}."
        )
    for name, shape in expected.items():
        if tuple(weights[name].shape) != shape:
            raise ValueError(
                f"The 'init_weights' do not fit the net: {name!r} must have shape {shape}. "
                f"Got {tuple(weights[name].shape)}."
            )
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"The 'init_weights' contain NaN or infinity in {name!r}.")
