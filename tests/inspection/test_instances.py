"""Hardest, easiest and most visited instances."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_sifal.inspection import ranked_instances

nan = float("nan")
LOSSES = [0.3, nan, 2.0, 0.1, 2.0]


def test_hardest_first_and_ties_by_row() -> None:
    table = ranked_instances(LOSSES, 3)
    assert_array_equal(table.rows, [2, 4, 0])
    assert_array_equal(table.losses, [2, 2, 0.3])
    assert table.labels is table.predictions is table.visits is table.contents is None
    assert len(table) == 3


def test_easiest_first() -> None:
    assert_array_equal(ranked_instances(LOSSES, 3, order="easiest").rows, [3, 0, 2])
    assert_array_equal(ranked_instances([1.0, 1.0, 0.0], order="easiest").rows, [2, 0, 1])


@pytest.mark.parametrize("order", ["hardest", "easiest"])
def test_unknown_losses_are_never_listed(order: str) -> None:
    assert sorted(ranked_instances(LOSSES, 100, order=order).rows) == [0, 2, 3, 4]
    assert len(ranked_instances([nan], order=order)) == 0


def test_most_visited_then_larger_loss_then_row() -> None:
    visits = [5, 1, 5, 5, 5, 0]
    losses = [0.1, 9.0, 0.4, 0.4, nan, 1.0]
    table = ranked_instances(losses, 6, order="most_visited", visits=visits)
    assert_array_equal(table.rows, [2, 3, 0, 4, 1, 5])
    assert_array_equal(table.visits, [5, 5, 5, 5, 1, 0])
    given = np.array(visits, np.int32)
    alone = ranked_instances(None, 3, order="most_visited", visits=given)
    assert_array_equal(alone.rows, [0, 2, 3])
    assert alone.losses is None


def test_columns_go_along() -> None:
    table = ranked_instances(
        LOSSES, 2, y=list("abcde"), y_pred=np.arange(5), visits=[0, 1, 2, 3, 4]
    )
    assert table.labels is not None
    assert table.labels.tolist() == ["c", "e"]
    assert_array_equal(table.predictions, [2, 4])
    assert_array_equal(table.visits, [2, 4])


class TestContents:
    def test_texts(self) -> None:
        assert ranked_instances(LOSSES, 2, contents=list("abcde")).contents == ["c", "e"]

    def test_arrays(self) -> None:
        images = np.arange(20).reshape(5, 2, 2)
        assert_array_equal(ranked_instances(LOSSES, 2, contents=images).contents, images[[2, 4]])

    def test_sparse_matrices(self) -> None:
        rows = sp.csr_matrix(np.eye(5))
        contents = ranked_instances(LOSSES, 2, contents=rows).contents
        assert_array_equal(contents.toarray(), np.eye(5)[[2, 4]])

    def test_data_frames_go_by_position(self) -> None:
        pandas = pytest.importorskip("pandas")
        texts = pandas.Series(list("abcde"), index=[4, 3, 2, 1, 0])
        table = ranked_instances(LOSSES, 2, contents=texts)
        assert table.contents.tolist() == ["c", "e"]
        assert table.to_frame()["content"].tolist() == ["c", "e"]
        frame = pandas.DataFrame({"a": range(5), "b": range(5)})
        table = ranked_instances(LOSSES, 2, contents=frame)
        assert_array_equal(table.contents, [[2, 2], [4, 4]])
        assert "content" not in table.to_frame()

    def test_length(self) -> None:
        with pytest.raises(ValueError, match="contents must have one entry for each of 5 rows"):
            ranked_instances(LOSSES, contents=["a"])


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="'n_instances' parameter of ranked_instances"):
        ranked_instances(LOSSES, 0)
    with pytest.raises(ValueError, match=r"y must have one entry for each of 5 rows. Got 1"):
        ranked_instances(LOSSES, order="easiest", y=["a"])
    for visits in ([1, -1], [0.5, 1.0], [nan, 1.0]):
        with pytest.raises(ValueError, match="visits must be counts"):
            ranked_instances(order="most_visited", visits=visits)
    with pytest.raises(ValueError, match="losses must have one entry for each of 2 rows"):
        ranked_instances([1.0], order="most_visited", visits=[1, 2])
    with pytest.raises(ValueError, match="visits must have one entry for each of 2 rows"):
        ranked_instances([1.0, 2.0], visits=[1])


def test_what_the_order_goes_by_must_be_there() -> None:
    with pytest.raises(ValueError, match="'order' parameter of ranked_instances must be one of"):
        ranked_instances(LOSSES, order="worst")
    for order in ("hardest", "easiest"):
        with pytest.raises(ValueError, match=f"order='{order}' needs the losses"):
            ranked_instances(order=order, visits=[1, 2])
    with pytest.raises(ValueError, match="order='most_visited' needs the visits"):
        ranked_instances(LOSSES, order="most_visited")
