"""Parameters of estimators and strategies, each stated once: name, type, default and range.

A subclass of `HasFields` lists its parameters in its body, and has no ``__init__``::

    class Importance(ShareStrategy):
        percentage = 30.0
        alpha: float = real(0, 1, default=0.6)
        refresh: str | int = attribute("table")

- A name with a type, and `real`, `integer`, `choice`, `flag` or `parameter`, is a parameter: its
  range stands beside it. It is keyword-only; ``kw_only=False`` makes it positional.
- A plain value, without a type, is another default for a parameter of a base class.
- `attribute` takes a parameter of a base class out: all instances have this value. So does a
  property of its name. It is also for attributes that are no parameters, which a type checker
  would otherwise take for some.

``__init__`` only stores what it is given. Its signature, which is what `get_params` and `clone`
go by, has the positional parameters first, then the class's own, then those of its bases.
`_check_fields` raises for the first value that is out of its range; a subclass checks by itself
what takes more than one parameter. A class attribute has the default, for subclasses whose own
``__init__`` does not call this one; and an ``__init__`` that a class writes is left alone.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from inspect import Parameter, Signature
from typing import Any, ClassVar, Literal, TypeVar, dataclass_transform

from sklearn_sifal._parameters import check_choice, check_flag, check_integer, check_real

_T = TypeVar("_T")
#: Raises unless an attribute of an object, by its name, is as it should be.
Check = Callable[[Any, str], None]


@dataclass(frozen=True)
class Field:
    """A parameter, as a class states it.

    Attributes
    ----------
    check : callable or None
        ``check(owner, name)`` raises unless the attribute of that name is allowed.
    default : object
        `inspect.Parameter.empty` if there is none.
    kw_only : bool
        Whether it cannot be given by its position.
    type : object
        Its annotation.
    owner : type
        The class that states it, and not only another default for it.
    """

    check: Check | None
    default: Any
    kw_only: bool
    type: Any = Parameter.empty
    owner: type = object


@dataclass(frozen=True)
class _NoField:
    value: Any


def parameter(
    check: Check | None = None, *, default: Any = Parameter.empty, kw_only: bool = True
) -> Any:
    """A parameter with a check of its own, ``check(owner, name)``, or with none."""
    return Field(check, default, kw_only)


def real(
    low: float,
    high: float | None = None,
    *,
    default: Any,
    open_low: bool = False,
    open_high: bool = False,
    none: bool = False,
    choices: Collection[str] = (),
    kw_only: bool = True,
) -> Any:
    """A number in an interval, or an allowed other value; see `check_real`."""
    check = partial(
        check_real,
        low=low,
        high=high,
        open_low=open_low,
        open_high=open_high,
        none=none,
        choices=choices,
    )
    return Field(check, default, kw_only)


def integer(
    low: int,
    high: int | None = None,
    *,
    default: Any,
    none: bool = False,
    choices: Collection[str] = (),
    kw_only: bool = True,
) -> Any:
    """An integer in a range, or an allowed other value; see `check_integer`."""
    check = partial(check_integer, low=low, high=high, none=none, choices=choices)
    return Field(check, default, kw_only)


def choice(*choices: str, default: Any, none: bool = False, kw_only: bool = True) -> Any:
    """One of some strings."""
    return Field(partial(check_choice, choices=choices, none=none), default, kw_only)


def flag(*, default: Any, kw_only: bool = True) -> Any:
    """True or False."""
    return Field(check_flag, default, kw_only)


def attribute(value: _T, *, init: Literal[False] = False) -> _T:
    """A class attribute that is no parameter; `init` only tells type checkers so."""
    return _NoField(value)  # type: ignore[return-value]  # `HasFields` puts the value there


@dataclass_transform(
    eq_default=False,
    kw_only_default=True,
    field_specifiers=(parameter, real, integer, choice, flag, attribute),
)
class HasFields:
    """Base of the classes that state their parameters as fields."""

    # In the order of the signature.
    _fields: ClassVar[Mapping[str, Field]] = {}
    # What this class itself says; None for a parameter that it takes out.
    _stated: ClassVar[Mapping[str, Field | None]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._stated = _statements(cls)
        cls._fields = _fields_of(cls)
        if "__init__" in vars(cls):
            return
        if _is_written(cls.__init__):
            if own := [name for name, field in cls._stated.items() if field and field.owner is cls]:
                raise TypeError(
                    f"{cls.__name__} states {', '.join(own)} as fields, and inherits an __init__ "
                    "that does not know them: write one."
                )
            return
        cls.__init__ = _init_of(cls)  # type: ignore[method-assign]

    def _check_fields(self) -> None:
        """Raise for the first parameter whose value is not allowed."""
        for name, field in self._fields.items():
            if field.check is not None:
                field.check(self, name)


def _statements(cls: type[HasFields]) -> dict[str, Field | None]:
    """What the body of a class says of parameters; leaves plain values in their places."""
    inherited = _fields_of(cls)
    types = vars(cls).get("__annotations__", {})
    stated: dict[str, Field | None] = {}
    for name, value in list(vars(cls).items()):
        if isinstance(value, Field):
            stated[name] = replace(value, type=types.get(name, Parameter.empty), owner=cls)
            if value.default is Parameter.empty:
                delattr(cls, name)
            else:
                setattr(cls, name, value.default)
        elif isinstance(value, _NoField):
            stated[name] = None
            setattr(cls, name, value.value)
        elif name in inherited:
            is_taken_out = isinstance(value, property)
            stated[name] = None if is_taken_out else replace(inherited[name], default=value)
    return stated


def _fields_of(cls: type[HasFields]) -> dict[str, Field]:
    """All parameters of a class, in the order of its signature."""
    nearest: dict[str, Field | None] = {}
    for base in reversed(cls.__mro__):
        nearest.update(vars(base).get("_stated", {}))
    fields = [(name, field) for name, field in nearest.items() if field is not None]
    places = {base: place for place, base in enumerate(cls.__mro__)}
    return dict(sorted(fields, key=lambda item: (item[1].kw_only, places[item[1].owner])))


def _is_written(init: Any) -> bool:
    """Whether an ``__init__`` is neither one of ours nor that of `object`."""
    return init is not object.__init__ and not hasattr(init, "__signature__")


def _init_of(cls: type[HasFields]) -> Callable[..., None]:
    signature = Signature(
        [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY if field.kw_only else Parameter.POSITIONAL_OR_KEYWORD,
                default=field.default,
                annotation=field.type,
            )
            for name, field in cls._fields.items()
        ]
    )

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{cls.__name__}.__init__() {error}") from None
        given.apply_defaults()
        for name, value in given.arguments.items():
            setattr(self, name, value)

    receiver = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [receiver, *signature.parameters.values()]
    __init__.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    __init__.__module__ = cls.__module__
    return __init__
