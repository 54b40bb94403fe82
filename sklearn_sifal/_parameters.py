"""Checks of constructor parameters, with messages in scikit-learn's wording."""

from collections.abc import Collection
from numbers import Integral, Real
from typing import Any, NoReturn

import numpy as np


class InvalidParameterError(ValueError, TypeError):
    """A constructor parameter has a value or a type that is not allowed."""


def reject(owner: Any, name: str, expected: str, value: Any) -> NoReturn:
    """Raise the error for parameter `name` of estimator `owner`."""
    raise InvalidParameterError(
        f"The {name!r} parameter of {type(owner).__name__} must be {expected}. "
        f"Got {value!r} instead."
    )


def check_real(
    owner: Any,
    name: str,
    low: float,
    high: float | None = None,
    *,
    open_low: bool = False,
    open_high: bool = False,
    none: bool = False,
    choices: Collection[str] = (),
) -> None:
    """Raise unless ``owner.name`` is a finite number in an interval, or an allowed other value."""
    value = getattr(owner, name)
    if _is_other(value, none, choices):
        return
    low_sign, high_sign = "(" if open_low else "[", ")" if open_high or high is None else "]"
    bound = "inf" if high is None else f"{high:g}"
    expected = _or_other(
        f"a number in the range {low_sign}{low:g}, {bound}{high_sign}", none, choices
    )
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        reject(owner, name, expected, value)
    try:
        number = float(value)
    except OverflowError:  # an integer beyond any float
        reject(owner, name, expected, value)
    too_low = number <= low if open_low else number < low
    too_high = high is not None and (number >= high if open_high else number > high)
    if not np.isfinite(number) or too_low or too_high:
        reject(owner, name, expected, value)


def check_integer(
    owner: Any, name: str, low: int, *, none: bool = False, choices: Collection[str] = ()
) -> None:
    """Raise unless ``owner.name`` is an integer of at least `low`, or an allowed other value."""
    value = getattr(owner, name)
    if _is_other(value, none, choices):
        return
    if not isinstance(value, Integral) or isinstance(value, bool | np.bool_) or value < low:
        reject(owner, name, _or_other(f"an integer of at least {low}", none, choices), value)


def check_choice(owner: Any, name: str, choices: Collection[str], *, none: bool = False) -> None:
    """Raise unless ``owner.name`` is one of the strings `choices`."""
    value = getattr(owner, name)
    if not _is_other(value, none, choices):
        reject(owner, name, _or_other("", none, choices), value)


def check_flag(owner: Any, name: str) -> None:
    """Raise unless ``owner.name`` is a bool."""
    value = getattr(owner, name)
    if not isinstance(value, bool | np.bool_):
        reject(owner, name, "a bool", value)


def _is_other(value: Any, none: bool, choices: Collection[str]) -> bool:
    return (none and value is None) or (isinstance(value, str) and value in choices)


def _or_other(expected: str, none: bool, choices: Collection[str]) -> str:
    options = [expected] if expected else []
    if choices:
        options.append("one of {" + ", ".join(map(repr, sorted(choices))) + "}")
    if none:
        options.append("None")
    return " or ".join(options)
