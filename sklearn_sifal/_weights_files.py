"""Saved weights: reading, writing and checking them against a net."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._plain_arrays import array_of_tensor, is_tensor
from sklearn_sifal._saved_states import VERSION_KEY, current_version, warn_of_other_version
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
    arrays = {k: np.ascontiguousarray(v) for k, v in weights.items()}
    with replacing(path) as file:
        # Not by the library's `save_file`: it makes a temporary file of its own, readable by
        # nobody else, and its errors are no OSErrors.
        file.write(library.save(arrays, metadata={VERSION_KEY: current_version()}))


def load_weights(source: Any, parameter: str) -> dict[str, NDArray[Any]]:
    """Weights by name from the parameter of that name: a path or a mapping."""
    if isinstance(source, Mapping):
        return {str(k): _as_array(values, str(k), parameter) for k, values in source.items()}
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            f"The {parameter!r} parameter must be a path, a mapping of names to arrays, or None. "
            f"Got {type(source).__name__} instead."
        )
    _safetensors()
    if not Path(source).is_file():
        raise FileNotFoundError(
            f"The {parameter!r} parameter names a file that is not there: {str(source)!r}."
        )
    try:
        weights, version = _read_weights_file(Path(source))
    except Exception as error:
        raise ValueError(
            f"The {parameter!r} file {str(source)!r} is not a safetensors file: {error}"
        ) from error
    if version is not None:  # other programs write such files, too
        warn_of_other_version(f"The {parameter!r} file {str(source)!r}", version)
    return weights


def _read_weights_file(path: Path) -> tuple[dict[str, NDArray[Any]], str | None]:
    """Weights by name, and the version of this package that wrote them."""
    import safetensors

    deserialize: Any = safetensors.deserialize
    with safetensors.safe_open(path, framework="numpy") as file:
        version = (file.metadata() or {}).get(VERSION_KEY)
        kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        weights = {name: file.get_tensor(name) for name, k in kinds.items() if k != "BF16"}
    if "BF16" in kinds.values():  # which numpy does not have: the upper halves of float32
        for name, tensor in deserialize(path.read_bytes()):
            if kinds[name] == "BF16":
                upper = np.frombuffer(tensor["data"], "<u2").astype(np.uint32)
                weights[name] = (upper << 16).view(np.float32).reshape(tensor["shape"])
    return weights, version


def _as_array(values: Any, name: str, parameter: str) -> NDArray[Any]:
    try:
        array = array_of_tensor(values) if is_tensor(values) else np.asarray(values)
    except Exception as error:  # of numpy, or of whatever the values are
        raise ValueError(
            f"The {parameter!r} cannot be read: {name!r} is no array of numbers, but "
            f"{type(values).__name__} ({error})."
        ) from error
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def check_weights(
    weights: Mapping[str, NDArray[Any]],
    expected: Mapping[str, tuple[int, ...]],
    dtype: Any = np.float64,
) -> None:
    """Raise unless names and shapes are those of the net and all numbers are finite in its type."""
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
        kept = weights[name].dtype
        if kept.kind not in "fiub" or kept.itemsize > 8:  # not complex, nor of extended precision
            raise ValueError(
                f"The 'init_weights' must be real numbers of up to 64 bits. Got the type {kept} in "
                f"{name!r}."
            )
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"The 'init_weights' contain NaN or infinity in {name!r}.")
        limit = np.finfo(dtype).max
        if weights[name].size and np.abs(weights[name].astype(np.float64)).max() > limit:
            raise ValueError(
                f"The 'init_weights' in {name!r} are too large for the net's {np.dtype(dtype)}."
            )
