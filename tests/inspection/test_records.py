"""What all records have in common: frames, short printing, no writing."""

import dataclasses
import pickle
import sys
from typing import Any

import numpy as np
import pytest

from sklearn_sifal import inspection
from sklearn_sifal.inspection import (
    data_map,
    group_report,
    loss_deciles,
    ranked_instances,
    selection_labels,
    selection_losses,
    selection_overlap,
    visit_history,
    visits_by_label,
    weight_histogram,
    weight_statistics,
    weight_trajectory,
)

LOSSES = np.array([0.1, 0.4, 2.0, 0.2])
LABELS = np.array(["a", "b", "b", "a"])
WEIGHTS = {"one": np.array([[0.5, -1.0]]), "two": np.array([0.0, 3.0, 4.0])}
SELECTIONS = [np.array([0, 2]), np.array([2])]

# With the number of rows and the columns of their data frame.
RECORDS: dict[str, tuple[Any, int, set[str]]] = {
    "deciles": (loss_deciles(LOSSES, LABELS, n_bins=2), 2, {"mean_loss", "most_frequent"}),
    "deciles without labels": (loss_deciles(LOSSES, n_bins=2), 2, {"lowest_loss"}),
    "instances": (ranked_instances(LOSSES, 3, y=LABELS), 3, {"row", "loss", "label"}),
    "visits": (visits_by_label([1, 2, 3, 4], LABELS), 2, {"group", "ratio"}),
    "visit history": (visit_history(SELECTIONS, 4), 2, {"round", "n_new", "seen_share"}),
    "selection losses": (selection_losses([LOSSES, LOSSES], SELECTIONS), 2, {"round", "other"}),
    "overlap": (selection_overlap(SELECTIONS, 4), 1, {"round", "jaccard"}),
    "selection labels": (selection_labels(SELECTIONS, LABELS), 4, {"round", "label", "lift"}),
    "groups": (group_report(LOSSES, LABELS, y=LABELS), 2, {"group", "adjusted_loss"}),
    "data map": (
        data_map({"confidence": np.exp(-LOSSES), "variability": LOSSES}),
        4,
        {"row", "region"},
    ),
    "weights": (weight_statistics(WEIGHTS), 3, {"layer", "l2_norm", "sparsity_0.001"}),
    "histogram": (weight_histogram(WEIGHTS, bins=5), 15, {"layer", "low", "count"}),
    "trajectory": (weight_trajectory([WEIGHTS, WEIGHTS]), 6, {"round", "layer", "kl_from_zero"}),
}


@pytest.mark.parametrize("name", RECORDS)
def test_frames(name: str) -> None:
    pytest.importorskip("pandas")
    record, n_rows, columns = RECORDS[name]
    frame = record.to_frame()
    assert len(frame) == n_rows
    assert columns <= set(frame.columns)


def test_frame_of_the_labels_of_deciles() -> None:
    pytest.importorskip("pandas")
    frame = loss_deciles(LOSSES, LABELS, n_bins=2).to_label_frame()
    # The easier half is the two a, the harder half the two b.
    assert frame["count"].tolist() == [2, 0, 0, 2]
    assert frame["lift"].tolist() == [2.0, 0.0, 0.0, 2.0]
    with pytest.raises(ValueError, match="no labels"):
        loss_deciles(LOSSES).to_label_frame()


def test_frame_of_a_trajectory_is_in_order() -> None:
    pytest.importorskip("pandas")
    frame = weight_trajectory([WEIGHTS, {"one": np.ones((1, 2)), "two": np.ones(3)}]).to_frame()
    assert frame["round"].tolist() == [0, 0, 0, 1, 1, 1]
    assert frame["layer"].tolist() == ["one", "two", "all"] * 2
    assert frame["n_weights"].tolist() == [2, 3, 5] * 2
    assert frame["mean"].tolist()[3:] == [1, 1, 1]


def test_a_missing_pandas_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        loss_deciles(LOSSES).to_frame()


@pytest.mark.parametrize("name", RECORDS)
def test_they_are_frozen_print_short_and_pickle(name: str) -> None:
    record = RECORDS[name][0]
    field = dataclasses.fields(record)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, field, None)
    assert repr(pickle.loads(pickle.dumps(record))) == repr(record)
    assert repr(record).startswith(f"{type(record).__name__}({field}=")
    assert len(repr(record)) < 1500


def test_long_arrays_print_as_shapes() -> None:
    assert "bin_of_row=<(1000,) int64>" in repr(loss_deciles(np.arange(1000.0)))
    assert "n_rows=[100, 100, " in repr(loss_deciles(np.arange(800.0), n_bins=8))


def test_all_of_the_records_are_tried_here() -> None:
    records = {
        name for name in inspection.__all__ if dataclasses.is_dataclass(getattr(inspection, name))
    }
    assert records == {type(record).__name__ for record, _, _ in RECORDS.values()}
