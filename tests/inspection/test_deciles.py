"""Loss deciles, by hand."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_sifal.inspection import loss_deciles

nan = float("nan")


class TestBins:
    def test_ten_bins_from_the_easiest_to_the_hardest(self) -> None:
        losses = np.arange(20.0)[::-1]  # row 0 is the hardest
        deciles = loss_deciles(losses)
        assert_array_equal(deciles.bin_of_row, np.repeat(np.arange(10)[::-1], 2))
        assert_array_equal(deciles.n_rows, [2] * 10)
        assert_array_equal(deciles.mean_loss, np.arange(10) * 2 + 0.5)
        assert_array_equal(deciles.loss_range[3], [6, 7])
        assert_allclose(deciles.loss_share, (np.arange(10) * 4 + 1) / 190)
        assert deciles.n_unknown == 0
        assert deciles.labels is None
        assert deciles.lift is None

    @pytest.mark.parametrize("n", [10, 11, 19, 997])
    def test_sizes_differ_by_one_at_most(self, n: int) -> None:
        deciles = loss_deciles(np.random.default_rng(0).random(n))
        assert deciles.n_rows.sum() == n
        assert np.ptp(deciles.n_rows) <= 1
        # No bin reaches into the next one.
        assert (deciles.loss_range[:-1, 1] <= deciles.loss_range[1:, 0]).all()
        assert_allclose(deciles.loss_share.sum(), 1)

    def test_ties_are_in_the_order_of_the_rows(self) -> None:
        deciles = loss_deciles([1.0, 0.5, 1.0, 1.0, 1.0, 0.5], n_bins=3)
        assert_array_equal(deciles.bin_of_row, [1, 0, 1, 2, 2, 0])

    def test_unknown_losses_are_left_out_and_counted(self) -> None:
        deciles = loss_deciles([nan, 2.0, nan, 1.0], ["a", "a", "b", "b"], n_bins=2)
        assert_array_equal(deciles.bin_of_row, [-1, 1, -1, 0])
        assert deciles.n_unknown == 2
        assert_array_equal(deciles.counts, [[0, 1], [1, 0]])
        assert_array_equal(deciles.base_rate, [0.5, 0.5])

    def test_fewer_rows_than_bins(self) -> None:
        deciles = loss_deciles([3.0, 1.0], ["x", "y"], n_bins=4)
        assert_array_equal(deciles.n_rows, [1, 0, 1, 0])
        assert_array_equal(deciles.mean_loss, [1, nan, 3, nan])
        assert_array_equal(deciles.loss_range[1], [nan, nan])
        assert_array_equal(deciles.label_share, [[0, 1], [nan, nan], [1, 0], [nan, nan]])
        assert deciles.most_frequent is not None
        assert deciles.most_frequent.tolist() == ["y", None, "x", None]

    @pytest.mark.parametrize("y", [None, np.array([], str)])
    def test_nothing_known(self, y: Any) -> None:
        deciles = loss_deciles([] if y is not None else [nan, nan], y)
        assert_array_equal(deciles.n_rows, [0] * 10)
        assert np.isnan(deciles.mean_loss).all()

    def test_no_share_of_nothing_or_of_negative_losses(self) -> None:
        assert np.isnan(loss_deciles([0.0, 0.0], n_bins=2).loss_share).all()
        assert np.isnan(loss_deciles([-1.0, 3.0], n_bins=2).loss_share).all()

    def test_single_precision_is_summed_in_double(self) -> None:
        losses = np.full(2**20, 0.1, np.float32)
        deciles = loss_deciles(losses, n_bins=1)
        assert_allclose(deciles.mean_loss, float(np.float32(0.1)), rtol=1e-12)


class TestLabels:
    y = ("b", "a", "b", "b", "a", "c", "c", "b")
    losses = (8.0, 1.0, 7.0, 2.0, 3.0, 4.0, 5.0, 6.0)  # two bins: a b a c | c b b b

    def test_by_hand(self) -> None:
        deciles = loss_deciles(self.losses, self.y, n_bins=2)
        assert deciles.labels is not None
        assert deciles.most_frequent is not None
        assert deciles.labels.tolist() == ["a", "b", "c"]
        assert_array_equal(deciles.counts, [[2, 1, 1], [0, 3, 1]])
        assert_array_equal(deciles.label_share, [[0.5, 0.25, 0.25], [0, 0.75, 0.25]])
        assert_array_equal(deciles.base_rate, [0.25, 0.5, 0.25])
        assert_array_equal(deciles.lift, [[2, 0.5, 1], [0, 1.5, 1]])
        assert deciles.most_frequent.tolist() == ["a", "b"]
        assert_array_equal(deciles.most_frequent_share, [0.5, 0.75])

    @pytest.mark.parametrize(
        "convert",
        [
            list,
            lambda y: np.array(y, object),
            lambda y: np.array(y, "S"),
            lambda y: np.array(y, np.dtypes.StringDType()),
            lambda y: np.array([ord(c) for c in y]),
            lambda y: np.array([float(ord(c)) for c in y]),
        ],
    )
    def test_any_kind_of_label(self, convert: Any) -> None:
        deciles = loss_deciles(self.losses, convert(self.y), n_bins=2)
        assert_array_equal(deciles.counts, [[2, 1, 1], [0, 3, 1]])

    def test_data_frames(self) -> None:
        pandas = pytest.importorskip("pandas")
        y = pandas.Series(self.y, index=range(10, 18), dtype="category")
        deciles = loss_deciles(pandas.Series(self.losses), y, n_bins=2)
        assert_array_equal(deciles.counts, [[2, 1, 1], [0, 3, 1]])

    def test_objects_of_several_types(self) -> None:
        deciles = loss_deciles([1.0, 2.0, 3.0], np.array([1, "a", 1], object), n_bins=1)
        assert deciles.labels is not None
        assert deciles.labels.tolist() == [1, "a"]
        assert_array_equal(deciles.counts, [[2, 1]])

    def test_booleans(self) -> None:
        deciles = loss_deciles([1.0, 2.0, 3.0], [True, False, True], n_bins=1)
        assert_array_equal(deciles.base_rate, [1 / 3, 2 / 3])

    @pytest.mark.parametrize("n_labels", [2, 150])
    def test_counts_are_those_of_a_plain_loop(self, n_labels: int) -> None:
        rng = np.random.default_rng(0)
        losses, y = rng.random(3000), rng.integers(0, n_labels, 3000)
        names = np.array([f"label {i:03d}" for i in range(n_labels)])[y]
        deciles = loss_deciles(losses, names)
        order = np.argsort(losses)
        for number, rows in enumerate(np.array_split(order, 10)):
            assert_array_equal(deciles.counts[number], np.bincount(y[rows], minlength=n_labels))  # type: ignore[index]
        assert_allclose(deciles.label_share.sum(axis=1), 1)  # type: ignore[union-attr]
        # The mean of the lifts, weighted by the rows, is 1.
        assert_allclose(deciles.lift.mean(axis=0), 1)  # type: ignore[union-attr]

    def test_a_label_only_among_unknown_rows(self) -> None:
        deciles = loss_deciles([1.0, nan], ["a", "b"], n_bins=1)
        assert_array_equal(deciles.base_rate, [1, 0])
        assert_array_equal(deciles.lift, [[1, nan]])


class TestBadInput:
    def test_losses(self) -> None:
        with pytest.raises(ValueError, match=r"losses must be finite.* Got inf in row 1"):
            loss_deciles([1.0, np.inf])
        with pytest.raises(ValueError, match="losses must be one-dimensional"):
            loss_deciles([[1.0]])

    @pytest.mark.parametrize("y", [["a", None], np.array(["a", nan], object)])
    def test_missing_labels(self, y: Any) -> None:
        with pytest.raises(ValueError, match="y must have no missing values"):
            loss_deciles([1.0, 2.0], y)

    @pytest.mark.parametrize("y", [[0.5, 1.0], [1.0, nan]])
    def test_numbers_are_no_labels(self, y: list[float]) -> None:
        with pytest.raises(ValueError, match=r"y must be labels.*digitize"):
            loss_deciles([1.0, 2.0], y)

    def test_lengths(self) -> None:
        with pytest.raises(ValueError, match=r"y must have one entry for each of 2 rows. Got 1"):
            loss_deciles([1.0, 2.0], ["a"])

    @pytest.mark.parametrize("n_bins", [0, 2.5, True])
    def test_bins(self, n_bins: Any) -> None:
        with pytest.raises(ValueError, match="'n_bins' parameter of loss_deciles"):
            loss_deciles([1.0, 2.0], n_bins=n_bins)


def test_inputs_are_not_changed() -> None:
    losses = np.array([2.0, 1.0])
    losses.flags.writeable = False
    loss_deciles(losses, np.array(["a", "b"]))
    assert_array_equal(losses, [2, 1])


@pytest.mark.parametrize("dtype", ["string", "Int64", "boolean", "object"])
def test_missing_labels_of_pandas_are_named(dtype: str) -> None:
    pandas = pytest.importorskip("pandas")
    y = pandas.Series([True, None, False] if dtype == "boolean" else ["1", None, "2"]).astype(dtype)
    with pytest.raises(ValueError, match="missing"):
        loss_deciles([0.1, 0.2, 0.3], y)
