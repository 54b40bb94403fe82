"""Checks of parameters and the words of their messages."""

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sklearn_sifal._parameters import (
    InvalidParameterError,
    check_choice,
    check_flag,
    check_integer,
    check_integer_value,
    check_real,
    check_real_value,
)


class Owner(SimpleNamespace):
    """An estimator with the one parameter `knob`."""


def check(function: Callable[..., None], value: Any, *args: Any, **kwargs: Any) -> None:
    function(Owner(knob=value), "knob", *args, **kwargs)


def check_rejected(
    expected: str, function: Callable[..., None], value: Any, *args: Any, **kwargs: Any
) -> None:
    message = f"The 'knob' parameter of Owner must be {expected}. Got {value!r} instead."
    with pytest.raises(InvalidParameterError, match=f"^{re.escape(message)}$"):
        check(function, value, *args, **kwargs)


def test_the_error_is_what_scikit_learn_users_catch() -> None:
    assert issubclass(InvalidParameterError, ValueError)
    assert issubclass(InvalidParameterError, TypeError)


class TestReal:
    @pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.25), np.int8(1), Fraction(1, 3)])
    def test_numbers_within(self, value: Any) -> None:
        check(check_real, value, 0, 1)

    @pytest.mark.parametrize(
        "value",
        [
            -0.001,
            1.001,
            np.nan,
            np.inf,
            -np.inf,
            "0.5",
            None,
            True,
            np.True_,
            1j,
            [0.5],
            Decimal(1),
        ],
    )
    def test_others(self, value: Any) -> None:
        check_rejected("a number in the range [0, 1]", check_real, value, 0, 1)

    @pytest.mark.parametrize("value", [np.array(0.5), np.array([0.5, 0.6])])
    def test_arrays(self, value: Any) -> None:
        check_rejected("a number in the range [0, 1]", check_real, value, 0, 1)

    def test_open_ends(self) -> None:
        check(check_real, 0.5, 0, 1, open_low=True, open_high=True)
        for value in (0, 1):
            check_rejected(
                "a number in the range (0, 1)",
                check_real,
                value,
                0,
                1,
                open_low=True,
                open_high=True,
            )
        check(check_real, 1, 0, 1, open_low=True)
        check_rejected("a number in the range (0, 1]", check_real, 0, 0, 1, open_low=True)
        check(check_real, 0, 0, 1, open_high=True)
        check_rejected("a number in the range [0, 1)", check_real, 1, 0, 1, open_high=True)

    def test_no_upper_end(self) -> None:
        check(check_real, 1e300, 0)
        check_rejected("a number in the range [0, inf)", check_real, np.inf, 0)
        check_rejected("a number in the range [0.5, inf)", check_real, 0.25, 0.5)

    def test_integers_beyond_any_float(self) -> None:
        check_rejected("a number in the range [0, 1]", check_real, 10**400, 0, 1)

    def test_other_values(self) -> None:
        check(check_real, None, 0, 1, none=True)
        check(check_real, "auto", 0, 1, choices=("auto", "all"))
        check_rejected(
            "a number in the range [0, 1] or one of {'all', 'auto'} or None",
            check_real,
            "some",
            0,
            1,
            none=True,
            choices=("auto", "all"),
        )


class TestInteger:
    @pytest.mark.parametrize("value", [1, 10**30, np.int8(3), np.uint64(4)])
    def test_integers_within(self, value: Any) -> None:
        check(check_integer, value, 1)

    @pytest.mark.parametrize("value", [0, -1, 1.0, "1", None, True, np.True_, np.nan, [1]])
    def test_others(self, value: Any) -> None:
        check_rejected("an integer of at least 1", check_integer, value, 1)

    def test_other_values(self) -> None:
        check(check_integer, None, 1, none=True)
        check(check_integer, "auto", 1, choices=("auto",))
        check_rejected(
            "an integer of at least 1 or one of {'auto'}", check_integer, 0, 1, choices=("auto",)
        )
        check_rejected("an integer of at least 1 or None", check_integer, "auto", 1, none=True)


class TestChoice:
    def test_strings(self) -> None:
        check(check_choice, "b", ("b", "a"))
        for value in ("c", "", None, 0, ["a"], np.array(["a"])):
            check_rejected("one of {'a', 'b'}", check_choice, value, ("b", "a"))

    def test_none(self) -> None:
        check(check_choice, None, ("a",), none=True)
        check_rejected("one of {'a'} or None", check_choice, "b", ("a",), none=True)

    def test_names_of_a_mapping(self) -> None:
        check(check_choice, "a", {"a": 1})


class TestFlag:
    @pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
    def test_bools(self, value: Any) -> None:
        check(check_flag, value)

    @pytest.mark.parametrize("value", [0, 1, None, "True", []])
    def test_others(self, value: Any) -> None:
        check_rejected("a bool", check_flag, value)


class TestValues:
    """Parameters of functions, which have no owner that holds them."""

    @pytest.mark.parametrize("value", [2, 40, np.int8(7)])
    def test_integers_within(self, value: Any) -> None:
        check_integer_value("make", "knob", value, 2, 40)

    @pytest.mark.parametrize("value", [1, 41, 2.0, True, "2", None])
    def test_other_integers(self, value: Any) -> None:
        message = (
            "The 'knob' parameter of make must be an integer in the range [2, 40]. "
            f"Got {value!r} instead."
        )
        with pytest.raises(InvalidParameterError, match=f"^{re.escape(message)}$"):
            check_integer_value("make", "knob", value, 2, 40)

    def test_reals(self) -> None:
        check_real_value("make", "knob", 0.5, 0, 1)
        message = (
            "The 'knob' parameter of make must be a number in the range [0, 1) or None. "
            "Got 1 instead."
        )
        with pytest.raises(InvalidParameterError, match=f"^{re.escape(message)}$"):
            check_real_value("make", "knob", 1, 0, 1, open_high=True, none=True)
