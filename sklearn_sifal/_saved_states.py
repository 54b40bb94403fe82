"""What files of objects hold: plain containers, arrays and types; and the version they are of.

Pickle, joblib and skops all store what `__getstate__` returns. The states made here have
nothing in them that has to be run to be read: an object inside is written as its type and
its attributes. So skops' list of the types in a file says all that loading it can do.

In a state, a dict with the key "#" stands for something that is no plain value:

==============  =====================================================================
"#"             what it stands for
==============  =====================================================================
``object``      an object, by its type and attributes
``same``        an object or tensor that came before, by its number
``owner``       the object that the state is of
``type``        a type of this package, or one that it uses itself, by its name
``dict``        a dict with other keys than str, or of another type
``items``       a set, deque or named tuple
==============  =====================================================================
"""

import copyreg
import types
import warnings
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Self

import numpy as np

from sklearn_sifal._exceptions import InconsistentVersionWarning

#: Key of the version in every saved state.
VERSION_KEY = "sklearn_sifal_version"
#: Key that tells a dict that stands for something else, and its value what that is.
KIND = "#"

_LEAVES = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    np.ndarray,
    np.generic,
    np.dtype,
    np.random.Generator,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
)
_DICTS: dict[str, Any] = {"dict": dict, "OrderedDict": OrderedDict, "defaultdict": defaultdict}
_ITEMS: dict[str, Any] = {"set": set, "frozenset": frozenset, "deque": deque}
_CONTAINERS = (list, *_DICTS.values(), *_ITEMS.values())


# ---------------------------------------------------------------- versions


def current_version() -> str:
    """The version of this package."""
    version: str = import_module("sklearn_sifal").__version__
    return version


def warn_of_other_version(name: str, saved: Any, *, stacklevel: int = 2) -> None:
    """Warn if something was saved by another version.

    Parameters
    ----------
    name : str
        What is loaded.
    saved : object
        The version in its file; None if there is none.
    stacklevel : int, default=2
        As in `warnings.warn`: 1 is the line that calls this function, 2 the caller of that.
    """
    current = current_version()
    if saved != current:
        said = None if saved is None else str(saved)
        warning = InconsistentVersionWarning(name, said, current)
        warnings.warn(warning, stacklevel=stacklevel + 1)


# ---------------------------------------------------------------- types by name

_BY_NAME: dict[str, type] = {}
_NAMES: dict[type, str] = {}


def written_by_name(cls: type, name: str | None = None) -> type:
    """Let a type stand in states by its name; a decorator.

    Only for types that do nothing when they are made without arguments and are given
    attributes: whoever loads a file from a stranger is not asked about them.

    Parameters
    ----------
    cls : type
        The type.
    name : str, default=None
        Its name in states; None for the class's own.

    Returns
    -------
    cls : type
    """
    name = cls.__qualname__ if name is None else name
    assert name not in _BY_NAME, f"two types are called {name!r} in states"
    _BY_NAME[name] = cls
    _NAMES[cls] = name
    return cls


# ---------------------------------------------------------------- writing and reading


class CannotTakeApartError(TypeError):
    """A value that pickle may store and that cannot be written as plain values.

    Parameters
    ----------
    where : str
        Its place, as in ``module_.weight``.
    what : str
        What is there.
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}, {what}")
        self.attribute = where.split(".")[0]


class StateWriter:
    """Writes values as plain containers, arrays and types.

    What holds nothing but such values is returned as it is, and so keeps its identity.

    Parameters
    ----------
    owner : object
        The object that the state is of.
    left_alone : iterable of object, default=()
        Objects that are returned as they are.
    """

    def __init__(self, owner: Any, left_alone: Iterable[Any] = ()) -> None:
        self.owner = owner
        self.left_alone = {id(value): value for value in left_alone}
        # What has a number: by the id of the value, which is kept alive so that it stays.
        self.numbers: dict[int, tuple[int, Any]] = {}
        # Containers that were written anew, so that one which is shared remains one.
        self.containers: dict[int, tuple[Any, Any]] = {}

    def write(self, value: Any, where: str) -> Any:
        """The plain form of a value.

        Parameters
        ----------
        value : object
            Any value.
        where : str
            Its place, as in ``module_.weight``.

        Raises
        ------
        CannotTakeApartError
            If there is none.
        """
        if value is self.owner:
            return {KIND: "owner"}
        if isinstance(value, _LEAVES) or id(value) in self.left_alone:
            return value
        if isinstance(value, type):
            return {KIND: "type", "name": _NAMES[value]} if value in _NAMES else value
        if id(value) in self.numbers:
            return {KIND: "same", "number": self.numbers[id(value)][0]}
        if type(value) not in _CONTAINERS and not isinstance(value, tuple):
            return self.write_object(value, where)
        if id(value) in self.containers:
            return self.containers[id(value)][1]
        written = self._write_container(value, where)
        if written is not value:
            self.containers[id(value)] = (value, written)
        return written

    def write_object(self, value: Any, where: str) -> Any:
        """What is no plain value, container or type: by its type and attributes, or as it is."""
        is_ours = isinstance(value, SavedState) and value._has_own_state()
        attributes = value._attributes_to_save() if is_ours else _attributes(value)
        if attributes is None:
            return self.write_other(value, where)
        number = self.number_of(value)
        written = {k: self.write(v, f"{where}.{k}") for k, v in attributes.items()}
        plain = _are_same(written.values(), attributes.values())
        if plain and not is_ours and type(value) not in _NAMES:
            del self.numbers[id(value)]
            return value
        kind = self.write(type(value), where)
        return {KIND: "object", "number": number, "type": kind, "attributes": written}

    def write_other(self, value: Any, where: str) -> Any:
        """An object that has its own way of being pickled: as it is."""
        return value

    def beside(self) -> dict[str, Any]:
        """What a state has beside the attributes."""
        return {}

    def number_of(self, value: Any) -> int:
        """Number a value, by which later occurrences refer to it."""
        number = len(self.numbers)
        self.numbers[id(value)] = (number, value)
        return number

    def _write_container(self, value: Any, where: str) -> Any:
        if type(value) in _DICTS.values():
            return self._write_dict(value, where)
        if type(value) in (list, tuple):
            written = [self.write(item, f"{where}.{n}") for n, item in enumerate(value)]
            return value if _are_same(written, value) else type(value)(written)
        return self._write_items(value, where)

    def _write_dict(self, value: Any, where: str) -> Any:
        keys = [self.write(key, f"{where}.{n}") for n, key in enumerate(value)]
        values = [
            self.write(item, f"{where}.{key if isinstance(key, str) else n}")
            for n, (key, item) in enumerate(value.items())
        ]
        same_keys = _are_same(keys, value) and KIND not in value
        if same_keys and _are_same(values, value.values()) and type(value) is not defaultdict:
            return value
        if same_keys and type(value) is dict:
            return dict(zip(value, values, strict=True))
        written = {KIND: "dict", "type": type(value).__name__}
        if type(value) is defaultdict:
            is_dict = value.default_factory is dict
            written["factory"] = "dict" if is_dict else self.write(value.default_factory, where)
        return {**written, "pairs": [list(pair) for pair in zip(keys, values, strict=True)]}

    def _write_items(self, value: Any, where: str) -> Any:
        written = [self.write(item, f"{where}.{n}") for n, item in enumerate(value)]
        if _are_same(written, value) and type(value) not in _NAMES:
            return value
        if isinstance(value, tuple):
            return {KIND: "items", "type": self.write(type(value), where), "items": written}
        limit = {"maxlen": value.maxlen} if isinstance(value, deque) else {}
        return {KIND: "items", "type": type(value).__name__, "items": written, **limit}


class StateReader:
    """Makes values again from what a `StateWriter` wrote.

    Parameters
    ----------
    owner : object
        The object that the state is of.
    """

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.made: dict[int, Any] = {}
        self.containers: dict[int, tuple[Any, Any]] = {}
        self.kinds: dict[str, Callable[[dict[str, Any]], Any]] = {
            "owner": lambda _: self.owner,
            "same": lambda written: self.made[written["number"]],
            "type": lambda written: _named_type(written["name"]),
            "dict": self._read_dict,
            "items": self._read_items,
            "object": self._read_object,
        }

    def read(self, value: Any) -> Any:
        """The value that a plain form stands for."""
        if type(value) not in (dict, OrderedDict, list, tuple):
            return value
        if id(value) not in self.containers:
            self.containers[id(value)] = (value, self._read_container(value))
        return self.containers[id(value)][1]

    def _read_container(self, value: Any) -> Any:
        if type(value) is dict and KIND in value:
            if value[KIND] not in self.kinds:
                raise ValueError(f"nothing is of the kind {value[KIND]!r}")
            return self.kinds[value[KIND]](value)
        if type(value) in (dict, OrderedDict):
            read = {key: self.read(item) for key, item in value.items()}
            return value if _are_same(read.values(), value.values()) else read
        items = [self.read(item) for item in value]
        return value if _are_same(items, value) else type(value)(items)

    def _read_dict(self, written: dict[str, Any]) -> Any:
        pairs = [(self.read(key), self.read(value)) for key, value in written["pairs"]]
        if written["type"] == "defaultdict":
            factory = written["factory"]
            return defaultdict(dict if factory == "dict" else self.read(factory), pairs)
        return _DICTS[written["type"]](pairs)

    def _read_items(self, written: dict[str, Any]) -> Any:
        items = [self.read(item) for item in written["items"]]
        if written["type"] == "deque":
            return deque(items, written["maxlen"])
        if isinstance(written["type"], str):
            return _ITEMS[written["type"]](items)
        kind = self._read_type(written["type"])
        if not issubclass(kind, tuple):
            raise TypeError(f"{kind!r} is no named tuple")
        return kind._make(items)

    def _read_type(self, written: Any) -> Any:
        kind = self.read(written)
        if not isinstance(kind, type):
            raise TypeError(f"{kind!r} is no type")
        return kind

    def _read_object(self, written: dict[str, Any]) -> Any:
        kind = self._read_type(written["type"])
        made = self.made[_number(written)] = kind.__new__(kind)
        attributes = {name: self.read(v) for name, v in written["attributes"].items()}
        if isinstance(made, SavedState) and made._has_own_state():
            made._set_saved_attributes(attributes)
        elif hasattr(made, "__setstate__"):
            made.__setstate__(attributes)
        else:
            made.__dict__.update(attributes)
        return made


class SavedState:
    """Base of what can be saved: plain states with a version in them."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("sklearn_sifal."):
            written_by_name(cls)

    def __getstate__(self) -> dict[str, Any]:
        """Plain values for pickle, joblib and skops, with the version."""
        try:
            written = self._written_state()
        except CannotTakeApartError as error:
            written = self._state_for_pickle(error)
        return {**written, VERSION_KEY: current_version()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a state back; warns of another version's."""
        name = type(self).__name__
        if not isinstance(state, dict):
            raise ValueError(f"This state of a {name} cannot be loaded: it is no dict.")
        state = dict(state)
        warn_of_other_version(name, state.pop(VERSION_KEY, None), stacklevel=2)
        try:
            self._read_state(state)
        except Exception as error:  # whatever a file may hold
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(
                f"This state of a {name} cannot be loaded, it is broken. {reason}."
            ) from error

    def __copy__(self) -> Self:
        """A shallow copy, without taking anything apart."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def _has_own_state(self) -> bool:
        """Whether no subclass has put another state, or way to be pickled, in its place."""
        cls = type(self)
        return (
            cls.__getstate__ is SavedState.__getstate__
            and cls.__setstate__ is SavedState.__setstate__
            and cls.__reduce__ is object.__reduce__
            and cls.__reduce_ex__ is object.__reduce_ex__
        )

    def _state_writer(self, left_alone: Iterable[Any] = ()) -> StateWriter:
        return StateWriter(self, left_alone)

    def _state_reader(self, state: dict[str, Any]) -> StateReader:
        """What reads a state; takes away from it what the writer put beside the attributes."""
        return StateReader(self)

    def _written_state(self, left_alone: Iterable[Any] = ()) -> dict[str, Any]:
        writer = self._state_writer(left_alone)
        written = {k: writer.write(v, k) for k, v in self._attributes_to_save().items()}
        return {**written, **writer.beside()}

    def _state_for_pickle(self, error: CannotTakeApartError) -> dict[str, Any]:
        """A state of an object with attributes that cannot be taken apart: they are left alone."""
        left_alone = []
        while True:
            left_alone.append(self.__dict__[error.attribute])
            try:
                return self._written_state(left_alone)
            except CannotTakeApartError as another:
                error = another

    def _read_state(self, state: dict[str, Any]) -> None:
        reader = self._state_reader(state)
        self._set_saved_attributes({name: reader.read(value) for name, value in state.items()})

    def _attributes_to_save(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def _set_saved_attributes(self, attributes: dict[str, Any]) -> None:
        """Check and set attributes that were read."""
        self.__dict__.update(attributes)


def _attributes(value: Any) -> dict[str, Any] | None:
    """Attributes of an object that pickle makes anew and gives them; None for any other."""
    parts = (*reduced(value), None, None, None)
    is_made_anew = parts[0] is copyreg.__newobj__ and parts[1] == (type(value),)  # type: ignore[attr-defined]
    state: Any = parts[2]
    is_all = type(state) is dict and all(other is None for other in parts[3:])
    return state if is_made_anew and is_all else None


def reduced(value: Any) -> tuple[Any, ...]:
    """What pickle would store of an object; nothing of what it cannot, or has by a name."""
    try:
        parts = value.__reduce_ex__(2)
    except Exception:  # left to whoever tries
        return ()
    return parts if isinstance(parts, tuple) else ()


def _are_same(written: Iterable[Any], values: Iterable[Any]) -> bool:
    return all(new is old for new, old in zip(written, values, strict=True))


def _named_type(name: Any) -> type:
    if name not in _BY_NAME:
        raise ValueError(f"no type is called {name!r}")
    return _BY_NAME[name]


def _number(written: dict[str, Any]) -> int:
    number = written["number"]
    if type(number) is not int:
        raise TypeError(f"{number!r} is no number of an object")
    return number
