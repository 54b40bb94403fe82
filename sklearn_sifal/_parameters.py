"""Checks of parameters, with messages in scikit-learn's wording.

Functions check a value under a name. Estimators and strategies have the name looked up
among their attributes.
"""

from collections.abc import Callable, Collection
from numbers import Integral, Real
from typing import Any, Concatenate, NoReturn, ParamSpec

import numpy as np

from sklearn_sifal._exceptions import InvalidParameterError

_P = ParamSpec("_P")


def reject_value(owner_name: str, name: str, expected: str, value: Any) -> NoReturn:
    """Raise the error for parameter `name` of the class or function called `owner_name`."""
    raise InvalidParameterError(
        f"The {name!r} parameter of {owner_name} must be {expected}. Got {value!r} instead."
    )


def check_real_value(
    owner_name: str,
    name: str,
    value: Any,
    low: float,
    high: float | None = None,
    *,
    open_low: bool = False,
    open_high: bool = False,
    none: bool = False,
    choices: Collection[str] = (),
) -> None:
    """Raise unless `value` is a finite number in an interval, or an allowed other value."""
    if _is_other(value, none, choices):
        return
    low_sign, high_sign = "(" if open_low else "[", ")" if open_high or high is None else "]"
    bound = "inf" if high is None else f"{high:g}"
    expected = _or_other(
        f"a number in the range {low_sign}{low:g}, {bound}{high_sign}", none, choices
    )
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        reject_value(owner_name, name, expected, value)
    try:
        number = float(value)
    except OverflowError:  # an integer beyond any float
        reject_value(owner_name, name, expected, value)
    too_low = number <= low if open_low else number < low
    too_high = high is not None and (number >= high if open_high else number > high)
    if not np.isfinite(number) or too_low or too_high:
        reject_value(owner_name, name, expected, value)


def check_integer_value(
    owner_name: str,
    name: str,
    value: Any,
    low: int,
    high: int | None = None,
    *,
    none: bool = False,
    choices: Collection[str] = (),
) -> None:
    """Raise unless `value` is an integer from `low` to `high`, or an allowed other value."""
    if _is_other(value, none, choices) or is_integer(value, low, high):
        return
    bounds = f"of at least {low}" if high is None else f"in the range [{low}, {high}]"
    reject_value(owner_name, name, _or_other(f"an integer {bounds}", none, choices), value)


def is_integer(value: Any, low: int, high: int | None = None) -> bool:
    """Whether `value` is an integer, other than a bool, from `low` to `high`."""
    if not isinstance(value, Integral) or isinstance(value, bool | np.bool_):
        return False
    return low <= int(value) and (high is None or int(value) <= high)


def reject(owner: Any, name: str, expected: str, value: Any) -> NoReturn:
    """Raise the error for parameter `name` of estimator `owner`."""
    reject_value(type(owner).__name__, name, expected, value)


def _of_attribute(
    check_value: Callable[Concatenate[str, str, Any, _P], None],
) -> Callable[Concatenate[Any, str, _P], None]:
    """The check of a value as one of the attribute of an owner, by its name."""

    def check(owner: Any, name: str, /, *args: _P.args, **allowed: _P.kwargs) -> None:
        check_value(type(owner).__name__, name, getattr(owner, name), *args, **allowed)

    return check


#: Raises unless ``owner.name`` is a finite number in an interval, or an allowed other value.
check_real = _of_attribute(check_real_value)
#: Raises unless ``owner.name`` is an integer in a range, or an allowed other value.
check_integer = _of_attribute(check_integer_value)


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


def check_random_state_value(owner_name: str, value: Any) -> None:
    """Raise unless `value` is what `make_streams` takes as a `random_state`."""
    if value is None or is_integer(value, 0) or isinstance(value, np.random.RandomState):
        return
    expected = "an integer of at least 0, a RandomState instance or None"
    reject_value(owner_name, "random_state", expected, value)


def _is_other(value: Any, none: bool, choices: Collection[str]) -> bool:
    return (none and value is None) or (isinstance(value, str) and value in choices)


def _or_other(expected: str, none: bool, choices: Collection[str]) -> str:
    options = [expected] if expected else []
    if choices:
        options.append("one of {" + ", ".join(map(repr, sorted(choices))) + "}")
    if none:
        options.append("None")
    return " or ".join(options)
