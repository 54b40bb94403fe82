"""The records that go into a decision and come out of it."""

import dataclasses
import pickle

import numpy as np
import pytest

from sklearn_sifal.strategies import DrawContext, Selection, Setup


def test_selection_has_no_weights_and_an_unchanged_rate_by_default() -> None:
    selection = Selection(np.array([2, 5]))
    assert selection.weights is None
    assert selection.lr_scale == 1.0
    assert len(selection) == 2


def test_budget_and_rounds_are_unlimited_by_default() -> None:
    context = DrawContext(0, 0.0, 8, np.random.default_rng(0), lambda rows, measures: {})
    assert context.visits_left is None
    assert context.rounds_left is None


@pytest.mark.parametrize(
    "record, field",
    [
        (Selection(np.array([2, 5])), "rows"),
        (Setup(2, np.zeros(2), 8, np.random.default_rng(0)), "n_rows"),
        (DrawContext(0, 0.0, 8, np.random.default_rng(0), lambda rows, names: {}), "epoch"),
    ],
)
def test_records_are_frozen(record, field: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, field, None)


def test_selection_can_be_pickled() -> None:
    selection = Selection(np.array([2, 5]), np.array([0.5, 1.5]), 2.0)
    copy = pickle.loads(pickle.dumps(selection))
    np.testing.assert_array_equal(copy.rows, selection.rows)
    np.testing.assert_array_equal(copy.weights, selection.weights)
    assert copy.lr_scale == 2.0
