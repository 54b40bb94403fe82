"""A user's function as a strategy."""

import re
from typing import Any

import numpy as np
import pytest

from sklearn_sifal.strategies import FunctionStrategy

LOSSES = np.array([0.5, 3.0, 1.0, 2.0, 0.0, 1.5], np.float32)


def draw(returned: Any, driver: Any) -> Any:
    strategy = FunctionStrategy(lambda losses, rng: returned)
    return driver(strategy, LOSSES).after_warmup().draw().rows


@pytest.mark.parametrize(
    "returned",
    [
        [5, 1],
        (1, 5),
        np.array([5, 1]),
        np.array([5, 1], np.int8),
        np.array([5, 1], np.uint64),
        np.array([False, True, False, False, False, True]),
        [False, True, False, False, False, True],
    ],
)
def test_positions_in_any_order_or_a_mask(returned: Any, driver) -> None:
    rows = draw(returned, driver)
    assert rows.dtype == np.int64
    np.testing.assert_array_equal(rows, [1, 5])


@pytest.mark.parametrize("returned", [[], np.array([], int), np.zeros(6, bool)])
def test_nothing_is_filled_to_one_batch(returned: Any, driver) -> None:
    assert len(draw(returned, driver)) == 1


@pytest.mark.parametrize(
    "returned, complaint",
    [
        ([1.0, 2.0], "an array of shape (2,) and dtype float64"),
        (np.array([[0], [1]]), "an array of shape (2, 1) and dtype int64"),
        (3, "an array of shape () and dtype int64"),
        (None, "an array of shape () and dtype object"),
        (["1", "2"], "an array of shape (2,) and dtype <U1"),
        (np.ones(5, bool), "an array of shape (5,) and dtype bool"),
        (np.ones((6, 1), bool), "an array of shape (6, 1) and dtype bool"),
        ([0, 6], "row numbers from 0 to 6"),
        ([-1, 2], "row numbers from -1 to 2"),
        ([2, 1, 2], "repeated row numbers"),
    ],
)
def test_anything_else_is_refused(returned: Any, complaint: str, driver) -> None:
    message = (
        "A callable 'sampling_strategy' must return distinct row numbers from 0 to 5 as a 1-D "
        f"integer array, or a mask of shape (6,). Got {complaint}."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        draw(returned, driver)


def test_what_the_function_is_given(driver) -> None:
    def note(losses: Any, rng: Any) -> Any:
        seen.append((losses, rng))
        return [0]

    seen: list[Any] = []
    run = driver(FunctionStrategy(note), LOSSES).after_warmup()
    run.draw()
    ((losses, rng),) = seen
    assert losses.dtype == np.float32
    np.testing.assert_array_equal(losses, LOSSES)
    assert rng is run.rng


def test_positions_are_those_of_the_known_rows(driver) -> None:
    # Rows 0 and 2 have no loss yet: the function sees the other four, and its
    # positions 0 and 3 are rows 1 and 5.
    strategy = FunctionStrategy(lambda losses, rng: [0, 3], refresh="table")
    run = driver(strategy, LOSSES)
    run.table.record(np.array([1, 3, 4, 5]), LOSSES[[1, 3, 4, 5]], epoch=0, training=True)
    run.epoch = 1
    np.testing.assert_array_equal(run.draw().rows, [0, 1, 2, 5])


@pytest.mark.parametrize("function", [None, 3, "percentile"])
def test_what_cannot_be_called_is_refused(function: Any, driver) -> None:
    with pytest.raises(ValueError, match=r"'function' parameter of FunctionStrategy .*callable"):
        driver(FunctionStrategy(function), LOSSES)
