"""Regions of data maps, by hand."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.inspection import data_map

nan = float("nan")
TABLE = {
    "confidence": np.array([0.9, 0.5, 0.4, 0.6, nan, 0.1]),
    "variability": np.array([0.1, 0.2, 0.4, 0.3, nan, 0.0]),
    "correctness": np.array([1.0, 0.5, 0.5, 0.5, nan, 0.0]),
}


def test_regions() -> None:
    # Of five known rows, round(5 * 0.4) = 2 are ambiguous: those at 0.4 and 0.3.
    mapped = data_map(TABLE, ambiguous_share=0.4)
    assert mapped.region.tolist() == ["easy", "easy", "ambiguous", "ambiguous", "unknown", "hard"]
    assert mapped.counts == {"easy": 2, "ambiguous": 2, "hard": 1, "unknown": 1}
    assert mapped.variability_threshold == 0.3
    assert mapped.confidence_threshold == 0.5
    assert_array_equal(mapped.correctness, TABLE["correctness"])


@pytest.mark.parametrize("threshold, region", [(0.5, "easy"), (0.51, "hard")])
def test_confidence_threshold(threshold: float, region: str) -> None:
    mapped = data_map(TABLE, ambiguous_share=0.4, confidence_threshold=threshold)
    assert mapped.region[1] == region


def test_share_zero_and_one() -> None:
    none = data_map(TABLE, ambiguous_share=0)
    assert none.counts["ambiguous"] == 0
    assert none.variability_threshold == np.inf
    # The row that never varied stays what it was.
    assert data_map(TABLE, ambiguous_share=1).region.tolist() == [
        *["ambiguous"] * 4,
        "unknown",
        "hard",
    ]


def test_one_visit_each_leaves_nothing_ambiguous() -> None:
    mapped = data_map({"confidence": [0.9, 0.1], "variability": [0.0, 0.0]})
    assert mapped.region.tolist() == ["easy", "hard"]


def test_nothing_known() -> None:
    mapped = data_map({"confidence": [nan], "variability": [nan]})
    assert mapped.region.tolist() == ["unknown"]


def test_structured_arrays_and_frames() -> None:
    table = np.zeros(6, [(name, "f4") for name in TABLE])
    for name, values in TABLE.items():
        table[name] = values
    expected = data_map(TABLE).region
    assert_array_equal(data_map(table).region, expected)
    pandas = pytest.importorskip("pandas")
    assert_array_equal(data_map(pandas.DataFrame(TABLE)).region, expected)


def test_losses_of_rounds() -> None:
    losses = -np.log([[0.8, 0.5, nan], [0.6, nan, nan]])
    mapped = data_map(losses)
    assert_allclose(mapped.confidence, [0.7, 0.5, nan])
    assert_allclose(mapped.variability, [0.1, 0.0, nan])
    assert np.isnan(mapped.correctness).all()
    assert mapped.region.tolist() == ["ambiguous", "easy", "unknown"]


def test_of_a_fitted_classifier() -> None:
    X, y = load_iris(return_X_y=True)
    model = LossSampledClassifier(record="dynamics", budget=5, random_state=0).fit(X, y)
    mapped = data_map(model.loss_table_)
    assert_array_equal(mapped.confidence, model.loss_table_["confidence"])
    # 50 of 150, and none with the same variability as the last of these.
    assert mapped.counts["ambiguous"] == 50


@pytest.mark.parametrize(
    "table, message",
    [
        ({"confidence": [1.0]}, "no column 'variability'.*record='dynamics'"),
        (np.zeros(3, [("loss", "f4")]), "no column 'confidence'"),
        ({"confidence": [1.0], "variability": [0.1, 0.2]}, "variability must have one entry"),
        (np.zeros(3), r"losses of shape \(n_rounds, n_samples\)"),
    ],
)
def test_bad_tables(table: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        data_map(table)


@pytest.mark.parametrize("name", ["ambiguous_share", "confidence_threshold"])
@pytest.mark.parametrize("value", [-0.1, 1.1, "much"])
def test_bad_parameters(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"'{name}' parameter of data_map"):
        data_map(TABLE, **{name: value})
