"""Measures of a forward pass by hand."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from sklearn_sifal.neural._measures import measure

LOGITS = np.array([[2.0, 1.0, -1.0], [0.0, 0.0, 0.0], [-3.0, 5.0, 4.0]])
Y = np.array([0, 2, 2])


def test_by_hand() -> None:
    names = ("loss", "correct", "margin", "max_probability", "el2n")
    found = measure(torch.from_numpy(LOGITS), torch.from_numpy(Y), names)
    p = softmax(LOGITS, axis=1)
    assert list(found) == ["correct", "margin", "max_probability", "el2n"]
    assert found["correct"].tolist() == [True, False, False]
    np.testing.assert_allclose(found["margin"], [1.0, 0.0, -1.0])
    np.testing.assert_allclose(found["max_probability"], p.max(axis=1))
    np.testing.assert_allclose(found["el2n"], np.linalg.norm(p - np.eye(3)[Y], axis=1))


@pytest.mark.parametrize("name", ["correct", "margin", "max_probability", "el2n"])
def test_only_what_is_asked_for(name: str) -> None:
    assert list(measure(torch.from_numpy(LOGITS), torch.from_numpy(Y), [name])) == [name]


def test_inputs_are_not_changed() -> None:
    logits, y = torch.from_numpy(LOGITS.copy()), torch.from_numpy(Y.copy())
    measure(logits, y, ("correct", "margin", "max_probability", "el2n"))
    np.testing.assert_array_equal(logits, LOGITS)
    np.testing.assert_array_equal(y, Y)
