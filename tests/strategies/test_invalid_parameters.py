"""Values that `begin` refuses, with a message that names the parameter and the value."""

import re
from typing import Any

import numpy as np
import pytest

from sklearn_sifal._parameters import InvalidParameterError
from sklearn_sifal.strategies import STRATEGIES, Base, FunctionStrategy, Importance

SHARED = [
    ("warmup_epochs", -1, "an integer of at least 0"),
    ("warmup_epochs", 1.0, "an integer of at least 0"),
    ("warmup_epochs", True, "an integer of at least 0"),
    ("warmup_epochs", None, "an integer of at least 0"),
    ("final_epochs", -2, "an integer of at least 0"),
    ("final_epochs", "1", "an integer of at least 0"),
    ("refresh", "never", "one of {'epoch', 'once', 'table'}"),
    ("refresh", 0, "an integer of at least 1 or one of {'epoch', 'once', 'table'}"),
    ("refresh", 1.5, "an integer of at least 1 or one of {'epoch', 'once', 'table'}"),
    ("refresh", None, "an integer of at least 1 or one of {'epoch', 'once', 'table'}"),
    ("refresh", True, "an integer of at least 1 or one of {'epoch', 'once', 'table'}"),
    ("exploration", -0.1, "a number in the range [0, 1]"),
    ("exploration", 1.1, "a number in the range [0, 1]"),
    ("exploration", np.nan, "a number in the range [0, 1]"),
    ("exploration", "all", "a number in the range [0, 1]"),
    ("max_visits", 0, "an integer of at least 1 or None"),
    ("max_visits", 2.0, "an integer of at least 1 or None"),
    ("max_visits", np.inf, "an integer of at least 1 or None"),
    ("min_fraction", -1e-9, "a number in the range [0, 1]"),
    ("min_fraction", 5, "a number in the range [0, 1]"),
    ("min_fraction", None, "a number in the range [0, 1]"),
]
PERCENTAGE = [
    (value, "a number in the range (0, 100]") for value in (0, -5, 100.1, np.nan, np.inf, "50")
]


def check_refused(strategy: Any, name: str, value: Any, expected: str, driver: Any) -> None:
    message = (
        f"The {name!r} parameter of {type(strategy).__name__} must be {expected}. "
        f"Got {value!r} instead."
    )
    with pytest.raises(InvalidParameterError, match=f"^{re.escape(message)}$"):
        driver(strategy, [1.0, 2.0])


@pytest.mark.parametrize("cls", [*STRATEGIES.values(), FunctionStrategy])
@pytest.mark.parametrize("name, value, expected", SHARED)
def test_shared_parameters(cls: Any, name: str, value: Any, expected: str, driver) -> None:
    strategy = cls(np.argsort) if cls is FunctionStrategy else cls()
    if name not in strategy.get_params():
        return  # a knob that the rule has no use for
    check_refused(strategy.set_params(**{name: value}), name, value, expected, driver)


WITH_PERCENTAGE = [cls for cls in STRATEGIES.values() if "percentage" in cls().get_params()]


@pytest.mark.parametrize("strategy", [cls() for cls in WITH_PERCENTAGE])
@pytest.mark.parametrize("value, expected", PERCENTAGE)
def test_percentage(strategy: Any, value: Any, expected: str, driver) -> None:
    if type(strategy).__name__ == "Base":
        expected += " or None"
    check_refused(strategy.set_params(percentage=value), "percentage", value, expected, driver)


@pytest.mark.parametrize("cls", [cls for cls in WITH_PERCENTAGE if cls is not Base])
def test_percentage_none(cls: Any, driver) -> None:
    check_refused(
        cls(percentage=None), "percentage", None, "a number in the range (0, 100]", driver
    )


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("alpha", -0.1, "a number in the range [0, 1]"),
        ("alpha", 1.5, "a number in the range [0, 1]"),
        ("uniform", -0.1, "a number in the range [0, 1]"),
        ("uniform", 2, "a number in the range [0, 1]"),
        ("epsilon", 0.0, "a number in the range (0, inf)"),
        ("epsilon", np.inf, "a number in the range (0, inf)"),
        ("epsilon", None, "a number in the range (0, inf)"),
    ],
)
def test_importance(name: str, value: Any, expected: str, driver) -> None:
    check_refused(Importance(**{name: value}), name, value, expected, driver)


@pytest.mark.parametrize(
    "parameters",
    [
        {"warmup_epochs": np.int64(2), "final_epochs": np.int32(0)},
        {"exploration": 0, "min_fraction": 1},
        {"exploration": np.float32(0.5), "max_visits": np.int64(3)},
        {"refresh": np.int16(4)},
        {"refresh": "table"},
    ],
)
@pytest.mark.parametrize("cls", STRATEGIES.values())
def test_numpy_numbers_and_bounds_are_taken(cls: Any, parameters: Any, driver) -> None:
    known = cls().get_params()
    parameters = {"percentage": np.float64(50.0), **parameters}
    strategy = cls(**{k: v for k, v in parameters.items() if k in known})
    driver(strategy, np.arange(1.0, 41.0)).rounds(3)
