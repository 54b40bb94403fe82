"""State of an object as tensors, numbers, strings, lists and dicts, and back.

A file with nothing else in it can be read by ``torch.load(..., weights_only=True)``, which
runs no code from the file.
"""

import copy
import sys
import types
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

_NO_STATE = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.ModuleType,
    types.GeneratorType,
    type,
)
_COLLECTIONS: dict[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}


@dataclass(frozen=True)
class Restoration:
    """Attributes that an object is going to have, decoded and not yet assigned.

    Attributes
    ----------
    owner : object
        Whose they are.
    attributes : dict of str to object
        By name.
    """

    owner: Any
    attributes: dict[str, Any]

    def apply(self) -> None:
        """Assign them; others are deleted, but for parameters."""
        kept = {*self.attributes, *_parameter_names(self.owner)}
        for name in set(_attributes(self.owner)) - kept:
            object.__delattr__(self.owner, name)
        for name, value in self.attributes.items():
            object.__setattr__(self.owner, name, value)  # whether or not the class is frozen


def as_restored(restorations: list[Restoration]) -> Any:
    """A shallow copy of the first owner as it is going to be, to be looked at."""
    copies = {id(r.owner): copy.copy(r.owner) for r in restorations}
    for restoration in restorations:
        attributes = {k: copies.get(id(v), v) for k, v in restoration.attributes.items()}
        Restoration(copies[id(restoration.owner)], attributes).apply()
    return copies[id(restorations[0].owner)]


class StateCodec:
    """Writes down the attributes of objects, nested ones included, and puts them back.

    Parameters
    ----------
    shared : mapping of str to object, default=None
        Objects that exist on both sides and that others may refer to. A reference to one
        is written as its name.
    """

    def __init__(self, shared: Mapping[str, Any] | None = None) -> None:
        self.shared = dict(shared or {})

    def state_of(self, owner: Any) -> dict[str, Any]:
        """Attributes of an object, encoded; nothing of it is shared with the result.

        Parameters
        ----------
        owner : object
            An estimator's parameters are left out.

        Raises
        ------
        TypeError
            If an attribute cannot be written down this way.
        """
        attributes = _attributes(owner)
        return {
            name: self._encode(attributes[name], f"{type(owner).__name__}.{name}")
            for name in state_names(owner)
        }

    def restore(self, owner: Any, state: Mapping[str, Any]) -> None:
        """Give an object the attributes that `state_of` wrote down.

        Parameters
        ----------
        owner : object
            Of the class that the state is of. Attributes that the state does not have
            are deleted, but for parameters.
        state : mapping
            From `state_of`.
        """
        for restoration in self.prepare(owner, state):
            restoration.apply()

    def prepare(self, owner: Any, state: Mapping[str, Any]) -> list[Restoration]:
        """Decode a state without a change to anything: what `restore` is to assign.

        Parameters
        ----------
        owner : object
            Of the class that the state is of.
        state : mapping
            From `state_of`.

        Returns
        -------
        restorations : list of Restoration
            Of the owner, which comes first, and of the objects that it has and keeps.
        """
        current, where = _attributes(owner), type(owner).__name__
        nested: list[Restoration] = []
        decoded = {
            name: self._decode(value, current.get(name), f"{where}.{name}", nested)
            for name, value in state.items()
        }
        return [Restoration(owner, decoded), *nested]

    def _encode(self, value: Any, where: str) -> Any:
        for name, other in self.shared.items():
            if value is other:
                return {"kind": "shared", "value": name}
        if isinstance(value, np.generic | np.ndarray):
            return _encode_array(value, where)
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.random.Generator):
            state = self._encode(value.bit_generator.state, where)
            return {"kind": "generator", "value": state}
        if type(value) is dict:
            pairs = [[self._encode(part, where) for part in pair] for pair in value.items()]
            return {"kind": "dict", "value": pairs}
        if type(value) in (list, deque, *_COLLECTIONS.values()):
            items = [self._encode(item, where) for item in value]
            if type(value) is deque:
                return {"kind": "deque", "value": items, "maxlen": value.maxlen}
            return items if type(value) is list else {"kind": type(value).__name__, "value": items}
        if isinstance(value, _NO_STATE) or not _has_attributes(value):
            raise TypeError(
                f"{where} holds a {type(value).__name__}, which state_dict cannot write down. "
                "Keep state in arrays, numbers, strings, containers of them, or plain objects."
            )
        return {"kind": "object", "class": _class_name(value), "value": self.state_of(value)}

    def _decode(self, value: Any, current: Any, where: str, nested: list[Restoration]) -> Any:
        if isinstance(value, list):
            return [self._decode(item, None, where, nested) for item in value]
        if not isinstance(value, dict):
            return value
        kind, content = value["kind"], value["value"]
        if kind == "shared":
            return self.shared[content]
        if kind in ("array", "scalar"):
            array = content.detach().cpu().numpy().copy()
            return array if kind == "array" else array[()]
        if kind == "object":
            target = _empty_or_current(value["class"], current, where)
            if target is current:
                nested += self.prepare(target, content)
            else:  # new, so that nobody sees it yet
                self.restore(target, content)
            return target
        items = self._decode(content, None, where, nested)
        if kind == "generator":
            return _make_generator(items)
        if kind == "dict":
            return dict(items)
        return deque(items, value["maxlen"]) if kind == "deque" else _COLLECTIONS[kind](items)


def state_names(owner: Any) -> list[str]:
    """Names of the attributes that make up an object's state."""
    parameters = _parameter_names(owner)
    return [name for name in _attributes(owner) if name not in parameters]


def generator_state(generator: np.random.Generator) -> dict[str, Any]:
    """State of a generator, to be put back with `set_generator_state`."""
    state: dict[str, Any] = StateCodec()._encode(generator, "Generator")
    return state


def decoded_generator(state: Any, like: np.random.Generator) -> np.random.Generator:
    """A new generator with a state from `generator_state`, of the same kind as another."""
    generator = StateCodec()._decode(state, None, "Generator", [])
    if not isinstance(generator, np.random.Generator):
        raise ValueError(f"a stream is {type(generator).__name__}, not a generator")
    if type(generator.bit_generator) is not type(like.bit_generator):
        raise ValueError(f"a stream is of kind {type(generator.bit_generator).__name__}")
    return generator


def check_columns(restoration: Restoration) -> None:
    """Raise unless the attributes are as the owner's: same names, arrays of the same kind."""
    current = _attributes(restoration.owner)
    check_names(restoration, current)
    for name, column in current.items():
        new = restoration.attributes[name]
        if not isinstance(column, np.ndarray):
            continue
        if not isinstance(new, np.ndarray):
            raise ValueError(f"{name!r} is {type(new).__name__}, not an array")
        if new.shape != column.shape or new.dtype != column.dtype:
            raise ValueError(
                f"{name!r} has shape {new.shape} and dtype {new.dtype}, not {column.shape} and "
                f"{column.dtype}"
            )


def check_names(restoration: Restoration, needed: Collection[str]) -> None:
    """Raise if an attribute is missing."""
    missing = set(needed) - set(restoration.attributes)
    if missing:
        raise ValueError(f"{type(restoration.owner).__name__} has no {min(missing)!r}")


def written_parameters(owner: BaseEstimator) -> dict[str, Any]:
    """Parameters of an estimator and those inside it, as far as they can be compared.

    Numbers, strings, bools and None stand for themselves; of anything else, a function or a
    strategy in a strategy, only the name of its type.
    """
    written = {}
    for name, value in sorted(owner.get_params().items()):
        value = value.item() if isinstance(value, np.generic) else value
        is_plain = value is None or type(value) in (bool, int, float, str)
        written[name] = value if is_plain else type(value).__name__
    return written


def _has_attributes(value: Any) -> bool:
    return hasattr(value, "__dict__") or hasattr(type(value), "__slots__")


def _attributes(owner: Any) -> dict[str, Any]:
    slots = [name for cls in type(owner).__mro__ for name in getattr(cls, "__slots__", ())]
    names = [n for n in slots if n not in ("__dict__", "__weakref__")]
    names += getattr(owner, "__dict__", ())
    return {name: getattr(owner, name) for name in names if hasattr(owner, name)}


def _parameter_names(owner: Any) -> list[str]:
    return list(owner.get_params(deep=False)) if isinstance(owner, BaseEstimator) else []


def _encode_array(value: Any, where: str) -> dict[str, Any]:
    kind = "array" if isinstance(value, np.ndarray) else "scalar"
    array = np.array(value, order="C")
    try:
        return {"kind": kind, "value": torch.from_numpy(array)}
    except TypeError as error:
        raise TypeError(
            f"{where} holds values of dtype {array.dtype}, which state_dict cannot write down."
        ) from error


def _make_generator(state: dict[str, Any]) -> np.random.Generator:
    bit_generator = getattr(np.random, state["bit_generator"])
    if not (isinstance(bit_generator, type) and issubclass(bit_generator, np.random.BitGenerator)):
        raise ValueError(f"{state['bit_generator']!r} is no bit generator of numpy.")
    generator = np.random.Generator(bit_generator())
    generator.bit_generator.state = state
    return generator


def _empty_or_current(name: str, current: Any, where: str) -> Any:
    """An object to be filled: a new one of a class of this package, else the one at hand.

    A file can name no class of any other package, not even one that a module of this package
    has imported, and import nothing. An estimator, like a strategy inside a strategy, has
    parameters that are not part of the state, so it has to be at hand too.
    """
    module, _, qualified = name.partition(":")
    if module.startswith("sklearn_sifal."):
        cls = vars(sys.modules.get(module, object)).get(qualified)
        is_estimator = isinstance(cls, type) and issubclass(cls, BaseEstimator)
        if isinstance(cls, type) and cls.__module__ == module and not is_estimator:
            return object.__new__(cls)
    if current is None or _class_name(current) != name:
        raise TypeError(f"{where}: the state of a {name} can only be put back into one.")
    return current


def _class_name(value: Any) -> str:
    return f"{type(value).__module__}:{type(value).__qualname__}"
