"""States of nets: modules and optimisers as types and names, their tensors as plain arrays.

Further kinds beside those of `_saved_states`:

===================  ================================================================
"#"                  what it stands for
===================  ================================================================
``tensor``           a tensor or parameter; its numbers are an array beside the state
``dtype``            a torch type, by its name
``device``           a torch device, by its name
``generator``        a torch generator, by its state
``history``          skorch's history, as a list of dicts
``optimizer_setter`` what skorch sets parameters of an optimiser with
===================  ================================================================
"""

# Any: states hold values of all types.

import io
import pickle
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.dataset import Dataset
from skorch.history import History
from skorch.setter import optimizer_setter

from sklearn_sifal import _regression_loss  # noqa: F401  # states have its type by name
from sklearn_sifal._devices import is_available
from sklearn_sifal._saved_states import (
    KIND,
    CannotTakeApartError,
    StateReader,
    StateWriter,
    reduced,
    written_by_name,
)

#: Key of the arrays of all tensors, by name, in a state.
ARRAYS_KEY = "#arrays"
#: Key of the attributes that only pickle can hold.
PICKLED_KEY = "#pickled"

# Of torch and skorch, what every net of an estimator has.
written_by_name(torch.nn.ModuleList, "torch.nn.ModuleList")
written_by_name(torch.nn.CrossEntropyLoss, "torch.nn.CrossEntropyLoss")
written_by_name(torch.utils.data.DataLoader, "torch.utils.data.DataLoader")
written_by_name(Dataset, "skorch.dataset.Dataset")

# Where a module keeps its parts, which are known by their names alone.
_STORES = re.compile(r"\._(modules|parameters|buffers)(?=\.)")
# numpy has no such numbers: their bits are kept as integers of the same size.
_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class TensorStateWriter(StateWriter):
    """Writes what has tensors in it.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The numbers of the tensors by name; those on the CPU share their memory.
    """

    def __init__(self, owner: Any, left_alone: Any = ()) -> None:
        super().__init__(owner, left_alone)
        self.arrays: dict[str, NDArray[Any]] = {}

    def beside(self) -> dict[str, Any]:
        """The arrays."""
        return {ARRAYS_KEY: self.arrays}

    def write_object(self, value: Any, where: str) -> Any:
        """Tensors, and what else of torch and skorch is no plain value."""
        if isinstance(value, torch.Tensor):
            return self._write_tensor(value, where)
        if isinstance(value, torch.dtype):
            return {KIND: "dtype", "name": str(value).removeprefix("torch.")}
        if isinstance(value, torch.device):
            return {KIND: "device", "name": str(value)}
        if isinstance(value, torch.Generator):
            return self._write_generator(value)
        if type(value) is History:
            return {KIND: "history", "records": self.write(_plain_numbers(value), where)}
        if isinstance(value, torch.jit.ScriptModule):  # one that skops asks ends the process
            raise CannotTakeApartError(where, f"a {type(value).__name__}")
        if isinstance(value, partial) and value.func is optimizer_setter and not value.args:
            return {KIND: "optimizer_setter", "keywords": value.keywords}
        return super().write_object(value, where)

    def write_other(self, value: Any, where: str) -> Any:
        """As it is, unless that would hide tensors."""
        probe = type(self)(self.owner)
        probe.numbers = dict(self.numbers)
        probe.number_of(value)
        for part in reduced(value):
            part = list(part) if hasattr(part, "__next__") else part
            if probe.write(part, where) is not part:
                raise CannotTakeApartError(where, f"a {type(value).__name__}")
        return value

    def _write_tensor(self, value: torch.Tensor, where: str) -> dict[str, Any]:
        is_parameter = type(value) is torch.nn.Parameter
        is_plain = type(value) is torch.Tensor or is_parameter
        if not is_plain or value.layout is not torch.strided or value.is_quantized:
            raise CannotTakeApartError(where, f"a {value.layout} {type(value).__name__}")
        if value.is_meta or value._backward_hooks:
            what = "without numbers" if value.is_meta else "with hooks"
            raise CannotTakeApartError(where, f"a tensor {what}")
        name = _STORES.sub("", where)
        while name in self.arrays:
            name += "_"
        number = self.number_of(value)
        order = sorted(range(value.ndim), key=value.stride, reverse=True)
        plain = value.detach().resolve_conj().resolve_neg()
        self.arrays[name] = _as_array(plain.permute(order).cpu())
        written: dict[str, Any] = {
            KIND: "tensor",
            "number": number,
            "array": name,
            "shape": list(self.arrays[name].shape),
            "dtype": str(value.dtype).removeprefix("torch."),
            "is_parameter": is_parameter,
            "requires_grad": value.requires_grad,
        }
        if order != sorted(order):
            written["order"] = order
        if value.device.type != "cpu":
            written["device"] = str(value.device)
        if vars(value):
            written["attributes"] = self.write(dict(vars(value)), where)
        return written

    def _write_generator(self, value: torch.Generator) -> dict[str, Any]:
        return {
            KIND: "generator",
            "number": self.number_of(value),
            "device": str(value.device),
            "state": value.get_state().numpy().copy(),
            "seed": value.initial_seed(),
        }


class TensorStateReader(StateReader):
    """Makes tensors of arrays again, on the CPU where their device is missing.

    Parameters
    ----------
    owner : object
        The object that the state is of.
    arrays : dict of str to ndarray
        From the writer.
    """

    def __init__(self, owner: Any, arrays: dict[str, NDArray[Any]]) -> None:
        super().__init__(owner)
        self.arrays = arrays
        if not isinstance(arrays, dict):
            raise TypeError(f"the arrays are {type(arrays).__name__}")
        kinds: dict[str, Callable[[dict[str, Any]], Any]] = {
            "tensor": self._read_tensor,
            "dtype": lambda written: _dtype(written["name"]),
            "device": lambda written: available_device(written["name"]),
            "generator": self._read_generator,
            "history": lambda written: History(self.read(written["records"])),
            "optimizer_setter": lambda written: partial(optimizer_setter, **written["keywords"]),
        }
        self.kinds.update(kinds)

    @torch.inference_mode(False)  # tensors of the caller's could not be trained on
    def _read_tensor(self, written: dict[str, Any]) -> torch.Tensor:
        name, dtype = written["array"], _dtype(written["dtype"])
        if name not in self.arrays:
            raise ValueError(f"there are no numbers for {name!r}")
        array, shape = self.arrays[name], tuple(written["shape"])
        kept = _as_array(torch.empty(0, dtype=dtype, device="cpu")).dtype
        if not isinstance(array, np.ndarray) or (array.shape, array.dtype) != (shape, kept):
            found = (getattr(array, "shape", None), getattr(array, "dtype", type(array)))
            raise ValueError(f"{name!r} must be of shape {shape} and {kept}. Got {found}")
        tensor = torch.tensor(array, device="cpu")  # a copy, in memory that is torch's own
        if tensor.dtype != dtype:
            tensor = tensor.view(dtype)
        if "order" in written:
            tensor = tensor.permute(*np.argsort(written["order"]).tolist())
        tensor = tensor.to(available_device(written.get("device", "cpu")))
        if written["is_parameter"]:
            tensor = torch.nn.Parameter(tensor, requires_grad=written["requires_grad"])
        elif written["requires_grad"]:
            tensor.requires_grad_()
        self.made[written["number"]] = tensor
        vars(tensor).update(self.read(written.get("attributes", {})))
        return tensor

    def _read_generator(self, written: dict[str, Any]) -> torch.Generator:
        device = available_device(written["device"])
        generator = torch.Generator(device)
        if str(device) == written["device"]:
            generator.set_state(torch.tensor(written["state"], device="cpu"))
        else:  # its state is of a kind that there is nothing here for
            generator.manual_seed(written["seed"])
        self.made[written["number"]] = generator
        return generator


class PickleOnly:
    """Attributes of a net that cannot be taken apart, for pickle and copies alone.

    Parameters
    ----------
    attributes : dict of str to object
        The attributes.
    what : str
        Which of their parts is to blame.
    """

    def __init__(self, attributes: dict[str, Any], what: str) -> None:
        self.attributes = attributes
        self.what = what

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # Pickle and copy call this method, skops the other one.
        file = io.BytesIO()
        torch.save(self.attributes, file, pickle_protocol=pickle.DEFAULT_PROTOCOL)
        return _from_pickle, (file.getvalue(),)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            f"This net can only be pickled: {self.what} cannot be written as plain arrays and "
            "names. For a file that runs no code, save the weights alone: save_weights of an "
            "estimator, or save_params(f_params=..., use_safetensors=True) of a net."
        )

    def copied(self) -> dict[str, Any]:
        """Copies of the attributes."""
        make, arguments = self.__reduce_ex__(pickle.DEFAULT_PROTOCOL)
        made: dict[str, Any] = make(*arguments)
        return made


def _from_pickle(content: bytes) -> dict[str, Any]:
    """What a `PickleOnly` becomes; it is called by pickle, which could run any code itself."""

    def place(storage: Any, location: str) -> Any:
        there = is_available(torch.device(location))
        place_at: Any = torch.serialization.default_restore_location
        return place_at(storage, location if there else "cpu")

    read: dict[str, Any] = torch.load(io.BytesIO(content), map_location=place, weights_only=False)
    return read


def _plain_numbers(value: Any) -> Any:
    """Records of a history without numpy's scalars, each of which would be a file for skops."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (list, History):
        return [_plain_numbers(item) for item in value]
    if type(value) is dict:
        return {key: _plain_numbers(item) for key, item in value.items()}
    return value


def _as_array(tensor: torch.Tensor) -> NDArray[Any]:
    try:
        array: NDArray[Any] = tensor.contiguous().numpy()
    except TypeError:
        bits = tensor.contiguous().view(_INTEGERS[tensor.element_size()])
        array = bits.numpy()
    return array


def _dtype(name: Any) -> torch.dtype:
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"torch has no type {name!r}")
    return dtype


def available_device(name: Any) -> torch.device:
    """The device of that name, or the CPU where it is missing."""
    device = torch.device(name)
    return device if is_available(device) else torch.device("cpu")
