"""What the functions of inspection are given, in any container."""

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_sifal.inspection._checks import check_correct, check_losses, check_visits


@pytest.mark.parametrize(
    ("losses", "match"),
    [
        (np.ones(4) + 1j, "Complex data not supported: losses must be numbers"),
        (np.array(["2024-01-01"] * 4, "M8[D]"), "losses must be numbers: could not convert"),
        (np.zeros(4, "m8[s]"), "losses must be numbers: could not convert"),
        (["0.5", "1", "2", "3"], "losses must be numbers: could not convert '0.5' at position 0"),
        ([0.5, None, "2", 3], "losses must be numbers: could not convert '2' at position 2"),
    ],
    ids=["complex", "dates", "durations", "texts", "mixed"],
)
def test_losses_that_are_no_numbers_are_refused(losses, match):
    with pytest.raises(ValueError, match=match):
        check_losses(losses)


def test_losses_of_any_container_are_read_exactly():
    expected = [0.5, np.nan, 2.0]
    masked = np.ma.masked_array([0.5, 9.0, 2.0], mask=[False, True, False])
    nullable = pd.Series([0.5, None, 2.0], dtype="Float64")
    for losses in (expected, masked, nullable, [0.5, None, 2.0]):
        np.testing.assert_array_equal(check_losses(losses), expected)
    tensor = torch.tensor([0.5, 2.0], requires_grad=True)
    for losses in (tensor, tensor.bfloat16(), list(tensor)):
        np.testing.assert_array_equal(check_losses(losses), [0.5, 2.0])


@pytest.mark.parametrize(
    "visits",
    [
        np.ma.masked_array([1, 2], mask=[False, True]),
        [1, None],
        pd.Series([1, None], dtype="Int64"),
        [1, 2**70],
        ["1", "2"],
        [1.5, 2.0],
        [-1, 2],
    ],
    ids=["masked", "None", "nullable", "large", "texts", "fraction", "negative"],
)
def test_visits_that_are_no_counts_are_refused(visits):
    with pytest.raises(ValueError, match="visits must be counts"):
        check_visits(visits)


@pytest.mark.parametrize(
    ("correct", "position"),
    [
        (pd.Series([True, None, False], dtype="boolean"), 1),
        ([True, False, None], 2),
        (np.ma.masked_array([True, True, True], mask=[True, False, False]), 0),
        ([1.0, 0.5, 0.0], 1),
        ([1.0, 0.0, np.nan], 2),
        (["True", "False", "True"], 0),
    ],
)
def test_what_does_not_say_whether_a_row_is_right_is_refused(correct, position):
    with pytest.raises(ValueError, match=f"position {position}"):
        check_correct(correct, 3)


def test_what_says_whether_a_row_is_right():
    nullable = pd.Series([True, False, True], dtype="boolean")
    for correct in (nullable, [1, 0, 1], np.array([True, False, True], object)):
        np.testing.assert_array_equal(check_correct(correct, 3), [1.0, 0.0, 1.0])
