"""Hardest, easiest and most visited instances."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_sifal.inspection import (
    easiest_instances,
    hardest_instances,
    most_visited_instances,
)

nan = float("nan")
LOSSES = [0.3, nan, 2.0, 0.1, 2.0]


def test_hardest_first_and_ties_by_row() -> None:
    table = hardest_instances(LOSSES, 3)
    assert_array_equal(table.rows, [2, 4, 0])
    assert_array_equal(table.losses, [2, 2, 0.3])
    assert table.labels is table.predictions is table.visits is table.contents is None
    assert len(table) == 3


def test_easiest_first() -> None:
    assert_array_equal(easiest_instances(LOSSES, 3).rows, [3, 0, 2])
    assert_array_equal(easiest_instances([1.0, 1.0, 0.0]).rows, [2, 0, 1])


@pytest.mark.parametrize("function", [hardest_instances, easiest_instances])
def test_unknown_losses_are_never_listed(function: Any) -> None:
    assert sorted(function(LOSSES, 100).rows) == [0, 2, 3, 4]
    assert len(function([nan])) == 0


def test_most_visited_then_larger_loss_then_row() -> None:
    visits = [5, 1, 5, 5, 5, 0]
    losses = [0.1, 9.0, 0.4, 0.4, nan, 1.0]
    table = most_visited_instances(visits, 6, losses=losses)
    assert_array_equal(table.rows, [2, 3, 0, 4, 1, 5])
    assert_array_equal(table.visits, [5, 5, 5, 5, 1, 0])
    alone = most_visited_instances(np.array(visits, np.int32), 3)
    assert_array_equal(alone.rows, [0, 2, 3])
    assert alone.losses is None


def test_columns_go_along() -> None:
    table = hardest_instances(
        LOSSES, 2, y=list("abcde"), y_pred=np.arange(5), visits=[0, 1, 2, 3, 4]
    )
    assert table.labels is not None
    assert table.labels.tolist() == ["c", "e"]
    assert_array_equal(table.predictions, [2, 4])
    assert_array_equal(table.visits, [2, 4])


class TestContents:
    def test_texts(self) -> None:
        assert hardest_instances(LOSSES, 2, contents=list("abcde")).contents == ["c", "e"]

    def test_arrays(self) -> None:
        images = np.arange(20).reshape(5, 2, 2)
        assert_array_equal(hardest_instances(LOSSES, 2, contents=images).contents, images[[2, 4]])

    def test_sparse_matrices(self) -> None:
        rows = sp.csr_matrix(np.eye(5))
        contents = hardest_instances(LOSSES, 2, contents=rows).contents
        assert_array_equal(contents.toarray(), np.eye(5)[[2, 4]])

    def test_data_frames_go_by_position(self) -> None:
        pandas = pytest.importorskip("pandas")
        texts = pandas.Series(list("abcde"), index=[4, 3, 2, 1, 0])
        table = hardest_instances(LOSSES, 2, contents=texts)
        assert table.contents.tolist() == ["c", "e"]
        assert table.to_frame()["content"].tolist() == ["c", "e"]
        frame = pandas.DataFrame({"a": range(5), "b": range(5)})
        table = hardest_instances(LOSSES, 2, contents=frame)
        assert_array_equal(table.contents, [[2, 2], [4, 4]])
        assert "content" not in table.to_frame()

    def test_length(self) -> None:
        with pytest.raises(ValueError, match="contents must have one entry for each of 5 rows"):
            hardest_instances(LOSSES, contents=["a"])


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="'n_instances' parameter of hardest_instances"):
        hardest_instances(LOSSES, 0)
    with pytest.raises(ValueError, match=r"y must have one entry for each of 5 rows. Got 1"):
        easiest_instances(LOSSES, y=["a"])
    for visits in ([1, -1], [0.5, 1.0], [nan, 1.0]):
        with pytest.raises(ValueError, match="visits must be counts"):
            most_visited_instances(visits)
    with pytest.raises(ValueError, match="losses must have one entry for each of 2 rows"):
        most_visited_instances([1, 2], losses=[1.0])
