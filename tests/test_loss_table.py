"""The store of losses and visits, and the training dynamics, by hand-worked numbers."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sklearn_sifal._dynamics import DYNAMICS_MEASURES, TrainingDynamics
from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._published_table import copied_records


def columns_of(table: LossTable) -> dict[str, Any]:
    """Every array that a table holds, dynamics included."""
    columns = {name: v for name, v in vars(table).items() if isinstance(v, np.ndarray)}
    if table.dynamics is not None:
        columns |= {f"dynamics.{name}": v for name, v in vars(table.dynamics).items()}
    return columns


def measured(correct: Any, margin: Any = 0.0, el2n: Any = 0.0) -> dict[str, Any]:
    shape = np.shape(correct)
    return {
        "correct": np.array(correct, bool),
        "margin": np.broadcast_to(margin, shape),
        "el2n": np.broadcast_to(el2n, shape),
    }


def filled_table(*, dynamics: bool) -> LossTable:
    table = LossTable(4, dynamics=dynamics)
    table.record(
        np.array([0, 2]),
        np.array([1.5, 0.5]),
        epoch=0,
        training=True,
        measured=measured([True, False], 0.25, 0.75),
    )
    table.evict(np.array([3]))
    return table


class TestRecord:
    def test_a_new_table_knows_nothing(self) -> None:
        table = LossTable(3)
        assert len(table) == 3
        assert np.isnan(table.loss).all()
        np.testing.assert_array_equal(table.loss_epoch, [-1, -1, -1])
        np.testing.assert_array_equal(table.fresh, [False, False, False])
        np.testing.assert_array_equal(table.visits, [0, 0, 0])
        np.testing.assert_array_equal(table.evicted, [False, False, False])
        assert table.dynamics is None

    def test_a_training_step_counts_as_a_visit(self) -> None:
        table = LossTable(4)
        table.record(np.array([3, 1]), np.array([0.5, 2.0]), epoch=2, training=True)
        np.testing.assert_array_equal(table.loss, np.float32([np.nan, 2.0, np.nan, 0.5]))
        np.testing.assert_array_equal(table.loss_epoch, [-1, 2, -1, 2])
        np.testing.assert_array_equal(table.visits, [0, 1, 0, 1])
        np.testing.assert_array_equal(table.fresh, [False] * 4)

    def test_a_scoring_pass_does_not(self) -> None:
        table = LossTable(4)
        table.record(np.array([3, 1]), np.array([0.5, 2.0]), epoch=2, training=False)
        np.testing.assert_array_equal(table.visits, [0, 0, 0, 0])
        np.testing.assert_array_equal(table.fresh, [False, True, False, True])
        np.testing.assert_array_equal(table.loss_epoch, [-1, 2, -1, 2])

    def test_the_last_measurement_stays(self) -> None:
        table = LossTable(2)
        rows = np.arange(2)
        table.record(rows, np.array([1.0, 2.0]), epoch=0, training=False)
        table.record(rows[:1], np.array([3.0]), epoch=1, training=True)
        np.testing.assert_array_equal(table.loss, [3.0, 2.0])
        np.testing.assert_array_equal(table.loss_epoch, [1, 0])
        np.testing.assert_array_equal(table.fresh, [False, True])

    def test_repeated_rows_count_as_that_many_visits_and_the_last_loss_stays(self) -> None:
        table = LossTable(3)
        rows = np.array([2, 0, 2, 2])
        table.record(rows, np.array([1.0, 2.0, 3.0, 4.0]), epoch=0, training=True)
        table.record(rows[:1], np.array([5.0]), epoch=1, training=True)
        np.testing.assert_array_equal(table.visits, [1, 0, 4])
        np.testing.assert_array_equal(table.loss, np.float32([2.0, np.nan, 5.0]))

    def test_nothing_to_record(self) -> None:
        table = LossTable(2)
        table.record(np.empty(0, np.int64), np.empty(0), epoch=0, training=True)
        np.testing.assert_array_equal(table.visits, [0, 0])

    @pytest.mark.parametrize("dynamics", [False, True])
    @pytest.mark.parametrize("training", [False, True])
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_a_loss_that_is_no_number_leaves_the_table_unchanged(
        self, bad: float, training: bool, dynamics: bool
    ) -> None:
        table = filled_table(dynamics=dynamics)
        before = {name: column.copy() for name, column in columns_of(table).items()}
        with pytest.raises(NonFiniteLossError, match=rf"^the loss of row 2 is {bad}$"):
            table.record(
                np.array([1, 2, 3]),
                np.array([1.0, bad, np.nan]),
                epoch=1,
                training=training,
                measured=measured([True, True, True]),
            )
        after = columns_of(table)
        assert before.keys() == after.keys()
        for name, column in before.items():
            np.testing.assert_array_equal(after[name], column, err_msg=name)

    def test_a_loss_too_large_for_the_table_is_infinite_to_it(self) -> None:
        table = LossTable(1)
        with pytest.raises(NonFiniteLossError, match="row 0"):
            table.record(np.array([0]), np.array([1e39]), epoch=0, training=True)
        assert table.visits[0] == 0

    def test_the_error_knows_the_row_and_can_be_pickled(self) -> None:
        with pytest.raises(NonFiniteLossError) as raised:
            LossTable(9).record(np.array([7]), np.array([np.nan]), epoch=0, training=False)
        copy = pickle.loads(pickle.dumps(raised.value))  # on its way back from a worker
        assert copy.row == 7
        assert str(copy) == "the loss of row 7 is nan"

    def test_the_error_is_a_value_error_and_an_arithmetic_error(self) -> None:
        assert issubclass(NonFiniteLossError, ValueError)
        assert issubclass(NonFiniteLossError, ArithmeticError)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_losses_of_both_precisions(self, dtype: Any) -> None:
        table = LossTable(1)
        table.record(np.array([0]), np.array([0.1], dtype), epoch=0, training=True)
        assert table.loss[0] == np.float32(0.1)


class TestEviction:
    def test_by_numbers_and_by_mask(self) -> None:
        table = LossTable(4)
        table.evict(np.array([1]))
        table.evict(np.array([False, False, True, False]))
        np.testing.assert_array_equal(table.evicted, [False, True, True, False])
        table.restore()
        assert not table.evicted.any()

    def test_it_is_counted_and_so_is_the_way_back(self) -> None:
        table = LossTable(4)
        table.evict(np.array([1]))
        table.evict(np.array([1, 2, 2]))  # one of them sits out already
        assert (table.n_evictions, table.n_restored) == (2, 0)
        table.evict(np.array([True, True, False, False]))
        assert (table.n_evictions, table.n_restored) == (3, 0)
        table.restore()
        table.restore()
        table.evict(np.array([1]))
        assert (table.n_evictions, table.n_restored) == (4, 3)


class TestDynamics:
    """Rows 0 to 2 are seen in four steps; row 3 never is."""

    @pytest.fixture
    def table(self) -> LossTable:
        table = LossTable(4, dynamics=True)
        everything = np.arange(3)
        # -log p of the given label
        p = np.array([[0.5, 0.8, 0.1], [0.5, 0.4, 0.1], [0.5, 0.8, 0.3], [0.5, 0.4, 0.3]])
        correct = [
            [False, True, False],
            [True, False, False],
            [False, True, True],
            [False, False, True],
        ]
        margins = np.array([[1.0, 2.0, -4.0], [2.0, -1.0, -2.0], [3.0, 2.0, 1.0], [4.0, -1.0, 1.0]])
        for epoch in range(4):
            table.record(
                everything,
                -np.log(p[epoch]),
                epoch=epoch,
                training=True,
                measured=measured(correct[epoch], margins[epoch], 0.5 * (epoch + 1)),
            )
        return table

    def columns(self, table: LossTable) -> dict[str, Any]:
        assert table.dynamics is not None
        return table.dynamics.columns(table.visits)

    def test_forgotten_counts_steps_from_right_to_wrong(self, table: LossTable) -> None:
        # Row 0: wrong, right, wrong, wrong. Row 1: right, wrong, right, wrong. Row 2 never.
        np.testing.assert_array_equal(self.columns(table)["forgotten"], [1, 2, 0, 0])

    def test_correctness_is_the_share_of_right_visits(self, table: LossTable) -> None:
        expected = [0.25, 0.5, 0.5, np.nan]
        np.testing.assert_array_equal(self.columns(table)["correctness"], expected)

    def test_margin_and_el2n_are_means(self, table: LossTable) -> None:
        columns = self.columns(table)
        np.testing.assert_allclose(columns["margin"], [2.5, 0.5, -1.0, np.nan])
        np.testing.assert_allclose(columns["el2n"], [1.25, 1.25, 1.25, np.nan])

    def test_confidence_is_the_mean_probability_of_the_label(self, table: LossTable) -> None:
        np.testing.assert_allclose(
            self.columns(table)["confidence"], [0.5, 0.6, 0.2, np.nan], rtol=1e-6
        )

    def test_variability_is_its_standard_deviation(self, table: LossTable) -> None:
        # Row 1 moves between .8 and .4, row 2 between .1 and .3.
        np.testing.assert_allclose(
            self.columns(table)["variability"], [0.0, 0.2, 0.1, np.nan], rtol=1e-6, atol=1e-7
        )

    def test_mean_loss_is_not_the_last_loss(self, table: LossTable) -> None:
        mean = [np.log(2), -np.log(0.8 * 0.4) / 2, -np.log(0.1 * 0.3) / 2, np.nan]
        np.testing.assert_allclose(self.columns(table)["mean_loss"], mean, rtol=1e-6)
        np.testing.assert_allclose(table.loss[:3], -np.log([0.5, 0.4, 0.3]), rtol=1e-6)

    def test_scoring_passes_do_not_enter(self, table: LossTable) -> None:
        before = self.columns(table)
        table.record(np.arange(4), np.full(4, 9.0), epoch=4, training=False)
        for name, column in self.columns(table).items():
            np.testing.assert_array_equal(column, before[name], err_msg=name)

    def test_repeated_rows_add_up(self) -> None:
        table = LossTable(2, dynamics=True)
        table.record(
            np.array([1, 1]),
            np.array([1.0, 3.0]),
            epoch=0,
            training=True,
            measured=measured([True, False], [2.0, 4.0]),
        )
        columns = self.columns(table)
        assert columns["mean_loss"][1] == 2.0
        assert columns["margin"][1] == 3.0
        assert columns["correctness"][1] == 0.5

    def test_measures_are_those_it_asks_for(self) -> None:
        assert DYNAMICS_MEASURES == ("correct", "margin", "el2n")

    def test_types(self) -> None:
        columns = TrainingDynamics(2).columns(np.zeros(2, np.int32))
        assert {name: column.dtype.name for name, column in columns.items()} == {
            "mean_loss": "float32",
            "confidence": "float32",
            "variability": "float32",
            "correctness": "float32",
            "margin": "float32",
            "el2n": "float32",
            "forgotten": "int32",
        }


class TestMerged:
    """What is left of several calls of `partial_fit`."""

    def chunk(self, losses: Any, correct: Any, *, epoch: int = 0) -> LossTable:
        table = LossTable(len(losses), dynamics=True)
        rows = np.arange(len(losses))
        outputs = measured(correct, 1.0, 0.5)
        table.record(rows, np.array(losses), epoch=epoch, training=True, measured=outputs)
        return table

    def test_a_table_grows_and_takes_over_what_is_new(self) -> None:
        table = self.chunk([1.0, 2.0], [True, True])
        other = self.chunk([3.0, 4.0], [True, True], epoch=5)
        merged = table.merged(other, np.array([2, 0]), 4)
        np.testing.assert_array_equal(merged.loss, np.float32([4.0, 2.0, 3.0, np.nan]))
        np.testing.assert_array_equal(merged.loss_epoch, [5, 0, 5, -1])
        np.testing.assert_array_equal(merged.visits, [2, 1, 1, 0])
        assert merged.dynamics is not None
        columns = merged.dynamics.columns(merged.visits)
        np.testing.assert_array_equal(columns["mean_loss"], np.float32([2.5, 2.0, 3.0, np.nan]))

    def test_what_the_other_did_not_measure_stays(self) -> None:
        table = self.chunk([1.0, 2.0], [True, True])
        other = LossTable(2, dynamics=True)
        other.record(np.array([1]), np.array([9.0]), epoch=3, training=False)
        merged = table.merged(other, np.array([0, 1]), 2)
        np.testing.assert_array_equal(merged.loss, [1.0, 9.0])
        np.testing.assert_array_equal(merged.fresh, [False, True])
        np.testing.assert_array_equal(merged.visits, [1, 1])

    def test_repeated_positions_add_up(self) -> None:
        merged = LossTable(0).merged(self.chunk([1.0, 2.0], [True, True]), np.array([0, 0]), 1)
        np.testing.assert_array_equal(merged.visits, [2])

    def test_neither_table_is_changed_or_shared(self) -> None:
        tables = self.chunk([1.0, 2.0], [True, False]), self.chunk([3.0, 4.0], [False, True])
        before = [{k: v.copy() for k, v in columns_of(table).items()} for table in tables]
        for column in columns_of(tables[0].merged(tables[1], np.array([0, 1]), 2)).values():
            column[:] = 1
        for table, columns in zip(tables, before, strict=True):
            for name, column in columns_of(table).items():
                np.testing.assert_array_equal(column, columns[name], err_msg=name)

    def test_evictions_are_kept(self) -> None:
        table, other = LossTable(3), LossTable(1)
        table.evict(np.array([0]))
        other.evict(np.array([0]))
        merged = table.merged(other, np.array([2]), 4)
        np.testing.assert_array_equal(merged.evicted, [True, False, True, False])

    def test_rows_are_also_forgotten_between_two_calls(self) -> None:
        # One visit in every call: right, wrong, right, wrong is forgotten twice, the
        # opposite order once. The third row is left out of the middle two calls.
        calls = [
            ([0, 1, 2], [True, False, True]),
            ([0, 1], [False, True]),
            ([1, 0], [False, True]),
            ([2, 1, 0], [False, True, False]),
        ]
        table = LossTable(0, dynamics=True)
        for rows, correct in calls:
            table = table.merged(self.chunk(np.ones(len(rows)), correct), np.array(rows), 3)
        assert table.dynamics is not None
        np.testing.assert_array_equal(table.dynamics.forgotten, [2, 1, 1])

    def test_merging_equals_one_long_training(self) -> None:
        rng = np.random.default_rng(0)
        together, merged = LossTable(5, dynamics=True), LossTable(5, dynamics=True)
        for epoch in range(6):
            part = LossTable(5, dynamics=True)
            for _ in range(3):
                rows = rng.permutation(5)[:3]
                losses, outputs = rng.exponential(size=3), measured(rng.random(3) < 0.5, 1.0, 0.5)
                for table in (together, part):
                    table.record(rows, losses, epoch=epoch, training=True, measured=outputs)
            merged = merged.merged(part, np.arange(5), 5)
        for name, column in columns_of(together).items():
            np.testing.assert_allclose(columns_of(merged)[name], column, err_msg=name)


class TestStructured:
    FIELDS = ("id", "loss", "loss_epoch", "fresh", "visits", "evicted", "held_out")
    DYNAMICS = (
        "mean_loss",
        "confidence",
        "variability",
        "correctness",
        "margin",
        "el2n",
        "forgotten",
    )

    def test_fields(self) -> None:
        assert LossTable(2).to_structured(np.arange(2)).dtype.names == self.FIELDS
        with_dynamics = LossTable(2, dynamics=True).to_structured(np.arange(2))
        assert with_dynamics.dtype.names == self.FIELDS + self.DYNAMICS

    def test_without_positions_the_columns_are_those_of_the_table(self) -> None:
        table = filled_table(dynamics=False)
        structured = table.to_structured(np.array([10, 11, 12, 13]))
        np.testing.assert_array_equal(structured["id"], [10, 11, 12, 13])
        for name, column in columns_of(table).items():
            np.testing.assert_array_equal(structured[name], column, err_msg=name)
            assert structured[name].dtype == column.dtype
        assert not structured["held_out"].any()

    def test_rows_that_were_not_trained_on_keep_their_marks(self) -> None:
        table = filled_table(dynamics=True)
        structured = table.to_structured(np.arange(6), np.array([1, 2, 4, 5]))
        for name in ("loss", *self.DYNAMICS[:-1]):
            assert np.isnan(structured[name][[0, 3]]).all(), name
        np.testing.assert_array_equal(
            structured["loss"], np.float32([np.nan, 1.5, np.nan, np.nan, 0.5, np.nan])
        )
        np.testing.assert_array_equal(structured["loss_epoch"], [-1, 0, -1, -1, 0, -1])
        np.testing.assert_array_equal(structured["visits"], [0, 1, 0, 0, 1, 0])
        np.testing.assert_array_equal(structured["evicted"], [False] * 5 + [True])
        np.testing.assert_array_equal(structured["fresh"], [False] * 6)
        np.testing.assert_array_equal(structured["forgotten"], [0] * 6)
        np.testing.assert_array_equal(structured["margin"][[1, 4]], [0.25, 0.25])

    @pytest.mark.parametrize("ids", [np.array(["a", "bc"]), np.array(["a", 2], object)])
    def test_identifiers_of_any_type(self, ids: Any) -> None:
        structured = LossTable(2).to_structured(ids)
        np.testing.assert_array_equal(structured["id"], ids)

    def test_it_is_a_copy(self) -> None:
        table = filled_table(dynamics=False)
        table.to_structured(np.arange(4))["loss"][:] = 0.0
        assert table.loss[0] == 1.5

    @pytest.mark.parametrize("dynamics", [False, True])
    def test_pandas_takes_it(self, dynamics: bool) -> None:
        structured = filled_table(dynamics=dynamics).to_structured(np.arange(4))
        frame = pd.DataFrame(structured)
        assert tuple(frame.columns) == structured.dtype.names
        assert frame["loss"].dtype == np.float32
        assert frame.sort_values("loss", ascending=False)["id"].iloc[0] == 0


def test_fourteen_bytes_a_row() -> None:
    table = LossTable(1000)
    assert sum(column.nbytes for column in columns_of(table).values()) == 14_000


def test_a_table_can_be_pickled() -> None:
    table = filled_table(dynamics=True)
    copy = columns_of(pickle.loads(pickle.dumps(table)))
    for name, column in columns_of(table).items():
        np.testing.assert_array_equal(copy[name], column, err_msg=name)


@pytest.mark.parametrize("dynamics", [False, True, "loss"])
def test_every_field_of_the_records_can_be_a_tensor(dynamics: bool | str) -> None:
    torch = pytest.importorskip("torch")
    table = LossTable(3, dynamics=dynamics)
    measured = {"correct": np.ones(2), "margin": np.ones(2), "el2n": np.ones(2)}
    table.record(np.array([0, 2]), np.array([0.5, 1.5], np.float32), measured=measured)
    for ids in (np.arange(3), np.array(["a", "bcd", "e"])):
        records = table.to_structured(ids)
        for name in records.dtype.names:
            field = records.dtype[name]
            assert records.dtype.fields[name][1] % field.alignment == 0
            assert records.dtype.itemsize % field.alignment == 0
            if field.kind != "U":
                tensor = torch.from_numpy(records[name])
                np.testing.assert_array_equal(tensor.numpy(), records[name])


def test_what_is_between_the_fields_is_zero() -> None:
    junk = [np.full(32 * 100, 255, np.uint8) for _ in range(20)]
    del junk  # memory that is not zero, to be given out again
    table = LossTable(100)
    records = table.to_structured(np.arange(100))
    copies = [copied_records(records) for _ in range(20)]
    used = np.zeros(records.dtype.itemsize, bool)
    for field, offset in records.dtype.fields.values():
        used[offset : offset + field.itemsize] = True
    assert records.dtype.itemsize == 32
    for each in (records, *copies):
        assert not np.frombuffer(each.tobytes(), np.uint8).reshape(100, -1)[:, ~used].any()
        assert each.tobytes() == records.tobytes()
