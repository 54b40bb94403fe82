"""Checks of numeric parameters, with the wording of scikit-learn's messages."""

from math import inf, isfinite
from numbers import Integral, Real


def _range(low: float, high: float) -> str:
    return f"[{low}, inf)" if high == inf else f"[{low}, {high}]"


def check_int(function: str, name: str, value: object, low: int, high: float = inf) -> int:
    """Return `value` as an int; raise where it is none, or outside of low to high."""
    wanted = f"The {name!r} parameter of {function} must be an int in the range {_range(low, high)}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{wanted}. Got {value!r} instead.")
    number = int(value)
    if not low <= number <= high:
        raise ValueError(f"{wanted}. Got {value!r} instead.")
    return number


def check_float(function: str, name: str, value: object, low: float, high: float = inf) -> float:
    """Return `value` as a float; raise where it is no number, or outside of low to high."""
    wanted = (
        f"The {name!r} parameter of {function} must be a float in the range {_range(low, high)}"
    )
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{wanted}. Got {value!r} instead.")
    number = float(value)
    if not (isfinite(number) and low <= number <= high):
        raise ValueError(f"{wanted}. Got {value!r} instead.")
    return number
