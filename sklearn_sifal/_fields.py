"""Parameters of estimators and strategies, each stated once: name, type, default and range.

A subclass of `HasFields` lists its parameters in its body, and has no ``__init__``::

    class Importance(ShareStrategy):
        percentage = 30.0
        alpha: float = real(0, 1, default=0.6)
        refresh: str | int = attribute("table")

- A name with a type, and `real`, `integer`, `choice`, `flag` or `parameter`, is a parameter: its
  range stands beside it. It is keyword-only; ``kw_only=False`` makes it positional.
- A plain value, without a type, is another default for a parameter of a base class. With a type
  it is left alone, and so is what `dataclasses.field` makes: a user may put that `dataclass`
  above a strategy.
- `attribute` takes a parameter of a base class out: all instances have this value. So does a
  property of its name. It is also for attributes that are no parameters, which a type checker
  would otherwise take for some; whoever states it with a check runs that.

``__init__``, which `dataclasses` writes, only stores what it is given. Its signature, which is
what `get_params` and `clone` go by, has the positional parameters first, then the class's own,
then those of its bases. `_check_fields` raises for the first value that is out of its range; a
subclass checks by itself what takes more than one parameter. A class attribute has the default,
for subclasses whose own ``__init__`` does not call this one; an ``__init__`` that a class writes
is left alone, and a class that changes no parameter inherits one. In docstrings of this package's
classes the descriptions of shared parameters are filled in; see `_descriptions`.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields, make_dataclass
from functools import partial
from inspect import get_annotations
from typing import Any, ClassVar, Literal, TypeVar, dataclass_transform

from sklearn_sifal._descriptions import describe
from sklearn_sifal._parameters import check_choice, check_flag, check_integer, check_real

_T = TypeVar("_T")
#: Raises unless an attribute of an object, by its name, is as it should be.
Check = Callable[[Any, str], object]


def parameter(check: Check | None = None, *, default: Any = MISSING, kw_only: bool = True) -> Any:
    """A parameter with a check of its own, ``check(owner, name)``, or with none."""
    return field(default=default, kw_only=kw_only, metadata={"check": check})


def real(
    low: float, high: float | None = None, *, default: Any, kw_only: bool = True, **allowed: Any
) -> Any:
    """A number in an interval, or another value that is `allowed`; see `check_real`."""
    check = partial(check_real, low=low, high=high, **allowed)
    return parameter(check, default=default, kw_only=kw_only)


def integer(
    low: int, high: int | None = None, *, default: Any, kw_only: bool = True, **allowed: Any
) -> Any:
    """An integer in a range, or another value that is `allowed`; see `check_integer`."""
    check = partial(check_integer, low=low, high=high, **allowed)
    return parameter(check, default=default, kw_only=kw_only)


def choice(*choices: str, default: Any, none: bool = False, kw_only: bool = True) -> Any:
    """One of some strings."""
    check = partial(check_choice, choices=choices, none=none)
    return parameter(check, default=default, kw_only=kw_only)


def flag(*, default: Any, kw_only: bool = True) -> Any:
    """True or False."""
    return parameter(check_flag, default=default, kw_only=kw_only)


def attribute(value: _T, *, check: Check | None = None, init: Literal[False] = False) -> _T:
    """A class attribute that is no parameter; `init` also tells type checkers so."""
    return field(default=value, init=init, metadata={"check": check})


@dataclass_transform(
    eq_default=False,
    kw_only_default=True,
    field_specifiers=(parameter, real, integer, choice, flag, attribute),
)
class HasFields:
    """Base of the classes that state their parameters as fields.

    They are no dataclasses themselves: those put inherited fields before their own, and take no
    other default from a plain value, nor from the nearest of several bases.
    """

    # A dataclass of the parameters, in the order of the signature; its ``__init__`` serves.
    _fields: ClassVar[type[Any]] = object
    _checks: ClassVar[tuple[tuple[str, Check], ...]] = ()
    # What this class itself states; with ``init=False``, what is no parameter.
    _stated: ClassVar[Mapping[str, Field[Any]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found = {name: it for name, it in vars(cls).items() if isinstance(it, Field)}
        cls._stated = {name: it for name, it in found.items() if "check" in it.metadata}
        types = get_annotations(cls)
        for name, stated in cls._stated.items():
            stated.type = types.get(name, Any)
            if stated.default is MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, stated.default)
        is_written = cls.__init__ is not cls._fields.__init__
        made = _dataclass_of(cls)
        if _parameters_of(made) != _parameters_of(cls._fields):
            cls._fields = made
            checks = ((it.name, it.metadata["check"]) for it in fields(made))
            cls._checks = tuple((name, check) for name, check in checks if check)
            if not is_written:
                cls.__init__ = made.__init__  # type: ignore[method-assign]
            elif "__init__" not in vars(cls) and any(it.init for it in cls._stated.values()):
                raise TypeError(
                    f"{cls.__name__} states {', '.join(cls._stated)} as fields, and inherits an "
                    "__init__ that does not know them: write one."
                )
        if cls.__module__.startswith("sklearn_sifal."):  # braces of users' docstrings are theirs
            describe(cls)

    def _check_fields(self) -> None:
        """Raise for the first parameter whose value is not allowed."""
        for name, check in self._checks:
            check(self, name)


def stated_by(cls: type[HasFields]) -> dict[str, Field[Any]]:
    """What a class and its bases state, parameters and attributes, the class's own first."""
    nearest: dict[str, Field[Any]] = {}
    for base in cls.__mro__:
        for name, stated in vars(base).get("_stated", {}).items():
            nearest.setdefault(name, stated)
    return nearest


def _default_of(cls: type[HasFields], name: str) -> Any:
    """The nearest value that is stated, or has no type."""
    for base in cls.__mro__:
        is_stated = name in vars(base).get("_stated", ())
        if name in vars(base) and (is_stated or name not in get_annotations(base)):
            return vars(base)[name]
    return MISSING


def _parameters_of(made: type[Any]) -> list[tuple[Any, ...]]:
    """What of a dataclass of parameters a class with the same need not state anew."""
    stated = getattr(made, "__dataclass_fields__", {}).values()
    return [(it.name, it.default, it.kw_only, it.metadata["check"]) for it in stated]


def _dataclass_of(cls: type[HasFields]) -> type[Any]:
    """The parameters of a class, its own first, each with the default that is nearest."""
    parameters = []
    for name, stated in stated_by(cls).items():
        default = _default_of(cls, name)
        if stated.init and not isinstance(default, property):
            is_keyword = bool(stated.kw_only)
            copy = parameter(stated.metadata["check"], default=default, kw_only=is_keyword)
            parameters.append((name, stated.type, copy))
    return make_dataclass(
        cls.__name__,
        parameters,
        repr=False,
        eq=False,
        match_args=False,
        namespace={"__doc__": "Parameters."},  # dataclasses would spend time on one
    )
