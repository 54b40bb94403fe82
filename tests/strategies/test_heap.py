"""The heap queue: what a batch holds, what comes back, and what sits out."""

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.samplers import LossSampler
from sklearn_sifal.strategies import HeapQueue, Selection, Setup

# Losses do not change in these tests unless a test says so.
TEN = np.array([5.0, 9.0, 1.0, 7.0, 3.0, 8.0, 2.0, 6.0, 0.0, 4.0])


def rows_of(selections: list[Selection]) -> list[list[int]]:
    return [selection.rows.tolist() for selection in selections]


def steps(run: Any, losses_of: Any) -> Iterator[Selection]:
    """One round; `losses_of` says what a row's loss is after each of its visits."""
    for selection in run.strategy.draw(run.table, run.context()):
        yield selection
        run.losses[selection.rows] = losses_of(selection.rows)
        run.record(selection)
    run.epoch += 1


class TestOrder:
    def test_first_round_has_all_rows(self, driver) -> None:
        assert rows_of(driver(HeapQueue(50), TEN, batch_size=3).selections()) == [list(range(10))]

    @pytest.mark.parametrize(
        "largest, batches",
        [(True, [[1, 3, 5], [1, 3, 5], [1, 3, 5], [1]]), (False, [[2, 6, 8]] * 3 + [[8]])],
    )
    def test_best_known_losses_come_again_and_again(
        self, largest: bool, batches: Any, driver
    ) -> None:
        run = driver(HeapQueue(largest=largest), TEN, batch_size=3)
        run.round()
        selections = run.selections()
        assert rows_of(selections) == batches
        assert all(s.weights is None and s.lr_scale == 1.0 for s in selections)

    def test_losses_that_fall_give_way_to_the_next(self, driver) -> None:
        # A visit takes 3 off the loss. 9, 8 | then 7, 6 (both 6: row 1 has just been
        # measured, row 7 before it) | then 6, 5 of rows 1 and 5, 0 (5: row 0 is older).
        run = driver(HeapQueue(60), TEN, batch_size=2)
        run.round()
        batches = list(steps(run, lambda rows: run.losses[rows] - 3))
        assert rows_of(batches) == [[1, 5], [3, 7], [0, 1]]

    def test_new_losses_of_a_scoring_pass_count_for_waiting_rows(self, driver) -> None:
        run = driver(HeapQueue(20), TEN, batch_size=2)
        run.round()
        run.losses = run.losses[::-1].copy()
        run.score(np.arange(10), ())
        assert rows_of(run.selections()) == [[4, 8]]  # 8 and 9 of the turned losses

    def test_equal_losses_go_round_by_age(self, driver) -> None:
        # The oldest measurement first: every row has its turn before one comes back.
        run = driver(HeapQueue(), np.full(40, 0.5), batch_size=8)
        run.round()
        for _ in range(3):
            np.testing.assert_array_equal(np.sort(run.round().rows), np.arange(40))

    def test_rows_measured_together_are_drawn_by_seed(self, driver) -> None:
        losses = np.full(40, 0.5)
        first = []
        for seed in (0, 0, 1, 2):
            run = driver(HeapQueue(20), losses, batch_size=8, seed=seed).after_warmup()
            run.strategy.begin(run.table, Setup(40, np.zeros(40), 8, np.random.default_rng(seed)))
            first.append(tuple(run.draw().rows))
        assert first[0] == first[1]
        assert len(set(first)) == 3

    def test_rounds_are_those_of_drawing_one_by_one(self, driver) -> None:
        # A plain set in place of the queue, which a reset has emptied: before each single
        # draw the base row enters unless it is out, and the largest loss is taken; rows
        # come back with their batch.
        losses = np.random.default_rng(0).permutation(np.arange(97.0))
        run = driver(HeapQueue(shuffle=False, reset_every=97), losses, batch_size=8)
        run.round()
        losses, waiting = run.losses.copy(), set()
        expected = []
        for start in range(0, 97, 8):
            batch: list[int] = []
            for base in range(start, min(start + 8, 97)):
                waiting |= {base} - set(batch)
                batch.append(max(waiting, key=lambda row: losses[row]))
                waiting.remove(batch[-1])
            losses[batch] *= np.float32(0.7)
            waiting |= set(batch)
            expected.append(sorted(batch))
        assert len(set(np.concatenate(expected))) < 90  # not just the base order
        drawn = list(steps(run, lambda rows: run.losses[rows] * np.float32(0.7)))
        assert rows_of(drawn) == expected


class TestBudget:
    @pytest.mark.parametrize("percentage, sizes", [(100, [4, 4, 2]), (50, [4, 1]), (41, [4, 1])])
    def test_draws_of_a_round(self, percentage: float, sizes: list[int], driver) -> None:
        run = driver(HeapQueue(percentage), TEN, batch_size=4)
        run.round()
        for _ in range(3):
            assert [len(s) for s in run.selections()] == sizes

    def test_a_round_has_one_batch_at_least(self, driver) -> None:
        run = driver(HeapQueue(1), TEN, batch_size=4)
        run.round()
        assert [len(s) for s in run.selections()] == [4]

    def test_never_seen_rows_go_first_and_count(self, driver) -> None:
        run = driver(HeapQueue(80), TEN, batch_size=3)
        known = np.array([0, 1, 2, 5, 8, 9])
        run.table.record(known, run.losses[known])  # nobody told the strategy
        run.epoch = 1
        # 8 draws, 4 of them of the rows never seen; these are then in the queue.
        first, *rest = rows_of(run.selections())
        assert first == [3, 4, 6, 7]
        assert [len(rows) for rows in rest] == [3, 1]
        assert {3, 7} < set(rest[0])

    def test_start_at_zero_goes_by_what_a_warm_start_knows(self, driver) -> None:
        run = driver(HeapQueue(30, start_at=0), TEN, batch_size=3)
        assert rows_of(run.selections()) == [list(range(10))]
        run.strategy.begin(run.table, Setup(10, np.zeros(10), 3, run.rng))
        run.epoch = 0
        assert rows_of(run.selections()) == [[1, 3, 5]]

    def test_final_epochs_have_all_rows_and_are_paid_for(self, driver) -> None:
        run = driver(HeapQueue(50, final_epochs=1), TEN, batch_size=2, budget=27, max_rounds=9)
        # 10 at first and 10 kept for the end leave 7.
        assert [len(run.round()) for _ in range(4)] == [10, 5, 2, 10]


class TestQueue:
    def test_drops_the_smallest_losses_beyond_its_size(self, driver) -> None:
        run = driver(HeapQueue(100, size=4, shuffle=False), TEN, batch_size=2)
        run.round()
        assert run.strategy.queue_["row"].tolist() == [1, 5, 3, 7]
        run.round()
        assert run.strategy.queue_["row"].tolist() == [1, 5, 3, 7]

    def test_dropped_rows_come_back_with_the_base_order(self, driver) -> None:
        # Losses are 0.5 once visited. Waiting, and from the base order: 9, 8 and row 0 (5)
        # | 5, .5 and rows 2 (1), 3 (7) | 1, .5 and row 4 (3): the two best of each.
        run = driver(HeapQueue(60, size=2, shuffle=False), TEN, batch_size=2)
        run.round()
        batches = list(steps(run, lambda rows: np.full(len(rows), 0.5)))
        assert rows_of(batches) == [[1, 5], [0, 3], [2, 4]]

    def test_steps_mixes_in_rows_of_the_base_order(self, driver) -> None:
        # After 10 draws of the first round, numbers 10, 12, ... are plain: positions 0 and
        # 2 of each batch of 4, that is rows 0, 2 | 4, 6 | 8 of the base order.
        run = driver(HeapQueue(steps=2, shuffle=False), TEN, batch_size=4)
        run.round()
        assert rows_of(run.selections()) == [[0, 1, 2, 5], [1, 4, 5, 6], [1, 8]]

    def test_steps_of_one_is_a_plain_walk(self, driver) -> None:
        run = driver(HeapQueue(steps=1), TEN, batch_size=3)
        run.round()
        first, second = run.round().rows, run.round().rows
        np.testing.assert_array_equal(np.sort(first), np.arange(10))
        np.testing.assert_array_equal(np.sort(second), np.arange(10))
        assert (first != second).any()

    def test_rows_that_are_out_are_not_drawn_before_they_are_back(self, driver) -> None:
        # As with a loader that fetches in advance: nothing is recorded during the round.
        run = driver(HeapQueue(), TEN, batch_size=3)
        run.round()
        selections = list(run.strategy.draw(run.table, run.context()))
        assert rows_of(selections) == [[1, 3, 5], [0, 7, 9], [2, 4, 6], [8]]
        assert len(run.strategy.queue_) == 0

    def test_a_round_broken_off_loses_no_rows(self, driver) -> None:
        run = driver(HeapQueue(steps=2), TEN, batch_size=3)
        run.round()
        for _ in range(5):
            draws = run.strategy.draw(run.table, run.context())
            next(draws)
            next(draws)
            draws.close()
            run.epoch += 1
        run.losses = np.zeros(10, np.float32)  # so that all rows have their turn
        assert set(np.concatenate([run.round().rows for _ in range(3)])) == set(range(10))
        assert sorted(run.strategy.queue_["row"]) == list(range(10))

    def test_repeats_in_a_report_count_as_visits(self, driver) -> None:
        run = driver(HeapQueue(), TEN, batch_size=2)
        run.round()
        rows = np.array([8, 8, 2])
        run.table.record(rows, np.array([20.0, 30.0, 25.0]))
        run.strategy.observe(rows, {"loss": np.array([20.0, 30.0, 25.0])}, training=True)
        assert run.strategy.queue_["row"].tolist()[:3] == [8, 2, 1]
        np.testing.assert_array_equal(run.strategy.history_["visits"], run.table.visits)

    def test_numbers_of_measurements_are_closed_up_before_they_run_out(
        self, driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        losses = np.repeat([2.0, 1.0, 0.5], 20)
        usual = driver(HeapQueue(), losses, batch_size=4).rounds(5)
        monkeypatch.setattr("sklearn_sifal.strategies._heap.ORDER_LIMIT", 100)
        run = driver(HeapQueue(), losses, batch_size=4)
        for a, b in zip(usual, run.rounds(5), strict=True):
            np.testing.assert_array_equal(a.rows, b.rows)
        assert run.strategy.n_measured_ <= 100


class TestEvictions:
    def test_visits_are_counted_within_a_round(self, driver) -> None:
        # Draws of a round: 1, 3, 5 twice, which evicts them; then the next three, once.
        run = driver(HeapQueue(90, max_visits=2), TEN, batch_size=3)
        run.round()
        assert rows_of(run.selections()) == [[1, 3, 5], [1, 3, 5], [0, 7, 9]]
        np.testing.assert_array_equal(np.flatnonzero(run.table.evicted), [1, 3, 5])
        # One visit of the round before does not count.
        assert rows_of(run.selections()) == [[0, 7, 9], [0, 7, 9], [2, 4, 6]]

    def test_evicted_rows_sit_out_final_rounds(self, driver) -> None:
        run = driver(HeapQueue(60, max_visits=2, final_epochs=1), TEN, batch_size=3, max_rounds=3)
        run.rounds(2)
        np.testing.assert_array_equal(run.round().rows, [0, 2, 4, 6, 7, 8, 9])

    def test_too_few_rows_lift_them_with_one_warning(self, driver) -> None:
        # Two batches of 4 rows with two visits each leave 2 of 10: in the second round.
        run = driver(HeapQueue(max_visits=2), TEN, batch_size=4)
        run.round()
        with pytest.warns(UserWarning, match="max_visits=2 left 2 rows, fewer than one") as seen:
            drawn = [run.selections() for _ in range(4)]
        assert len(seen) == 1
        assert all(sum(map(len, selections)) == 10 for selections in drawn)
        assert run.strategy.n_lifted_ > 1

    @pytest.mark.parametrize("n_fetched", [1, 3])
    @pytest.mark.filterwarnings("ignore:max_visits=3 left:UserWarning")
    def test_one_batch_left_does_not_end_rounds_early(self, n_fetched: int) -> None:
        # Three visits each of ten batches of ten would use up 33 rows a round; when ten are
        # left, these go on within the round instead of one visit in each for ever. The same
        # where a loader has `n_fetched` batches out and evictions leave no more than that.
        losses = np.random.default_rng(5).exponential(size=100)
        sampler = LossSampler(100, HeapQueue(max_visits=3), batch_size=10, random_state=0)
        for _ in range(12):
            out: list[Any] = []
            n_drawn = 0
            for batch in sampler:
                out.append(batch)
                n_drawn += len(batch)
                if len(out) == n_fetched:
                    rows = out.pop(0)
                    sampler.update(rows, losses[rows])
            for rows in out:
                sampler.update(rows, losses[rows])
            assert n_drawn == 100

    def test_reset_empties_the_queue_and_lifts_evictions(self, driver) -> None:
        # Ten draws, then 2 and 2, which evict rows 1 and 5. At number 14 the queue is
        # emptied, and rows 4 and 5 of the base order are all there is.
        strategy = HeapQueue(60, max_visits=2, reset_every=14, shuffle=False)
        run = driver(strategy, TEN, batch_size=2)
        run.round()
        assert rows_of(run.selections()) == [[1, 5], [1, 5], [4, 5]]
        assert len(strategy.evicted_) == 0
        assert not run.table.evicted.any()
        assert strategy.queue_["row"].tolist() == [5, 4]

    def test_a_warm_start_keeps_them(self, driver) -> None:
        run = driver(HeapQueue(90, max_visits=2), TEN, batch_size=3)
        run.rounds(2)
        run.strategy.begin(run.table, Setup(10, np.zeros(10), 3, run.rng))
        evicted = run.strategy.evicted_
        assert evicted["row"].tolist() == [1, 3, 5]
        assert evicted["epoch"].tolist() == [1, 1, 1]
        assert run.strategy.queue_["row"].tolist() == [7, 0, 9, 4, 6, 2, 8]


def test_tables(driver) -> None:
    run = driver(HeapQueue(90, max_visits=2), TEN, batch_size=3)
    run.rounds(2)
    strategy = run.strategy
    assert strategy.queue_.dtype.names == ("row", "loss", "visits")
    assert strategy.queue_.tolist() == [
        (7, 6.0, 2),
        (0, 5.0, 2),
        (9, 4.0, 2),
        (4, 3.0, 1),
        (6, 2.0, 1),
        (2, 1.0, 1),
        (8, 0.0, 1),
    ]
    assert strategy.evicted_.dtype.names == ("row", "visits", "epoch", "loss")
    assert strategy.evicted_.tolist() == [(1, 3, 1, 9.0), (3, 3, 1, 7.0), (5, 3, 1, 8.0)]
    history = strategy.history_
    assert history.dtype.names == ("row", "visits", "round_visits", "evicted", "loss")
    assert history[:2].tolist() == [(0, 2, 1, False, 5.0), (1, 3, 2, True, 9.0)]
    np.testing.assert_array_equal(history["visits"], run.table.visits)


def simulate_noise(driver: Any, **params: Any) -> tuple[list[float], Any]:
    """Share of the draws of rounds 1 to 4 that go to labels never learned.

    2,000 rows in batches of 64. The loss of a row halves with each of its visits, from
    2.3; that of 100 rows with a wrong label stays at 3.
    """
    n = 2000
    is_noise = np.zeros(n, dtype=bool)
    is_noise[np.random.default_rng(0).choice(n, 100, replace=False)] = True
    run = driver(HeapQueue(**params), np.where(is_noise, 3.0, 2.3), batch_size=64)

    def after(rows: Any) -> Any:
        return np.where(is_noise[rows], 3.0, run.losses[rows] / 2)

    shares = []
    for _ in range(5):
        rows = np.concatenate([selection.rows for selection in steps(run, after)])
        assert len(rows) == n
        shares.append(float(is_noise[rows].mean()))
    np.testing.assert_array_equal(run.strategy.evicted_["row"], np.flatnonzero(run.table.evicted))
    return shares[1:], np.flatnonzero(is_noise)


class TestNoise:
    def test_takes_every_draw(self, driver) -> None:
        assert simulate_noise(driver)[0] == [1.0] * 4

    def test_is_evicted_within_a_round_by_max_visits(self, driver) -> None:
        shares, _ = simulate_noise(driver, max_visits=10)
        # 100 rows with 10 visits each are half of the 2,000 draws; then none is left.
        assert shares == [0.5, 0.0, 0.0, 0.0]

    def test_takes_half_of_the_draws_with_steps_of_two(self, driver) -> None:
        shares, _ = simulate_noise(driver, steps=2)
        # Half of the draws are the queue's; of the others it is every twentieth row.
        np.testing.assert_allclose(shares, 0.5 + 0.5 * 0.05, atol=0.01)


@pytest.mark.filterwarnings("ignore:max_visits=:UserWarning")
@pytest.mark.parametrize("seed", range(20))
def test_every_batch_is_well_formed(seed: int, driver) -> None:
    rng = np.random.default_rng(seed)
    n, batch_size = int(rng.integers(2, 200)), int(rng.integers(1, 40))
    params = {
        "percentage": float(rng.choice([5, 50, 100])),
        "size": rng.choice([None, 3, 60]),
        "steps": rng.choice([None, 1, 4]),
        "max_visits": rng.choice([None, 1, 3]),
        "reset_every": rng.choice([None, 50]),
        "shuffle": bool(rng.integers(2)),
        "largest": bool(rng.integers(2)),
        "start_at": int(rng.integers(3)),
    }
    run = driver(HeapQueue(**params), rng.exponential(size=n).round(1), batch_size=batch_size)
    for _ in range(6):
        n_drawn = 0
        for selection in steps(run, lambda rows: rng.exponential(size=len(rows)).round(1)):
            assert (np.diff(selection.rows) > 0).all()
            assert not run.table.evicted[selection.rows].any()
            n_drawn += len(selection)
        if params["max_visits"] is None:  # else a round may begin with a batch of rows left
            is_full = run.epoch <= max(params["start_at"], 1) or n <= batch_size
            share = max(np.ceil(n * params["percentage"] / 100), batch_size)
            assert n_drawn == (n if is_full else share)
        queue = run.strategy.queue_
        order = queue["loss"] if params["largest"] else -queue["loss"]
        assert (np.diff(order) <= 0).all()
        assert len(queue) <= (params["size"] or n)
        assert not run.table.evicted[queue["row"]].any()
        np.testing.assert_array_equal(queue["loss"], run.table.loss[queue["row"]])
        np.testing.assert_array_equal(run.strategy.history_["evicted"], run.table.evicted)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))])
def test_copies_between_rounds_go_on_the_same(copied: Any, driver) -> None:
    losses = np.random.default_rng(0).exponential(size=300).round(1)
    params: dict[str, Any] = {"size": 100, "steps": 5, "max_visits": 4, "reset_every": 1000}
    run = driver(HeapQueue(70, **params), losses, batch_size=16)
    run.rounds(3)
    other = driver(HeapQueue(), losses, batch_size=16)
    other.strategy, other.table, other.rng = copied((run.strategy, run.table, run.rng))
    other.epoch = run.epoch
    for _ in range(4):
        assert rows_of(run.selections()) == rows_of(other.selections())


def test_state_can_be_written_down_by_a_sampler() -> None:
    # uint64 keys and nested objects, as tensors and back.
    losses = np.random.default_rng(0).exponential(size=200).astype(np.float32)

    def rounds(sampler: Any, n: int) -> list[Any]:
        drawn = []
        for _ in range(n):
            for rows in sampler:
                drawn.append(rows)
                sampler.update(rows, losses[rows])
        return drawn

    samplers = [
        LossSampler(200, HeapQueue(60, size=50), batch_size=16, random_state=seed)
        for seed in (0, 1)
    ]
    rounds(samplers[0], 3)
    samplers[1].load_state_dict(samplers[0].state_dict())
    assert rounds(samplers[0], 2) == rounds(samplers[1], 2)


def test_begin_starts_anew(driver) -> None:
    strategy = HeapQueue(70, size=20, max_visits=6, steps=7, reset_every=500)
    losses = np.random.default_rng(0).exponential(size=120)
    driver(strategy, losses, batch_size=8, seed=3).rounds(6)
    used = driver(strategy, losses[:100], batch_size=8)
    new = driver(HeapQueue(**strategy.get_params()), losses[:100], batch_size=8)
    for _ in range(4):
        assert rows_of(used.selections()) == rows_of(new.selections())


def test_the_table_is_only_read_where_nothing_is_evicted(driver) -> None:
    run = driver(HeapQueue(), TEN, batch_size=3)
    run.round()
    for column in (run.table.loss, run.table.visits, run.table.evicted):
        column.flags.writeable = False
    assert len(list(run.strategy.draw(run.table, run.context()))) == 4


def test_up_to_one_batch_of_rows_are_all_taken(driver) -> None:
    for selections in (driver(HeapQueue(30), TEN, batch_size=b).rounds(3) for b in (10, 11)):
        assert rows_of(selections) == [list(range(10))] * 3


@pytest.mark.parametrize(
    "params, message",
    [
        ({"percentage": 0}, r"'percentage' .* in the range \(0, 100\]"),
        ({"percentage": 101}, "'percentage'"),
        ({"size": 0}, "'size' .* at least 1 or None"),
        ({"steps": 0.5}, "'steps' .* at least 1 or None"),
        ({"start_at": -1}, "'start_at' .* at least 0"),
        ({"start_at": None}, "'start_at'"),
        ({"max_visits": 0}, "'max_visits'"),
        ({"reset_every": 0}, "'reset_every'"),
        ({"shuffle": 1}, "'shuffle' .* a bool"),
        ({"largest": "min"}, "'largest' .* a bool"),
        ({"final_epochs": -1}, "'final_epochs'"),
    ],
)
def test_invalid_parameters(params: dict[str, Any], message: str) -> None:
    table, rng = LossTable(4), np.random.default_rng(0)
    with pytest.raises(InvalidParameterError, match=message):
        HeapQueue(**params).begin(table, Setup(4, np.zeros(4), 2, rng))
