"""InstanceEarlyStopping: when rows are mastered, and when they return."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._instance_early_stopping import InstanceEarlyStopping
from sklearn_sifal.strategies._trajectories import LossTrajectories

#: Losses by round: row 0 falls in a straight line, row 1 is constant, row 2 has second
#: differences of +-0.2, row 3 bends up to round 3 and is straight from then on.
COURSES = np.array(
    [[2.0 - t / 8, 1.0, 1.0 + 0.1 * (t % 2), max(0.0, 3.0 - t) ** 2] for t in range(9)]
)


def run_rounds(strategy: InstanceEarlyStopping, driver: Any, n: int, **given: Any) -> Any:
    """The rows of each round, with the losses of COURSES."""
    run = driver(strategy, COURSES[0], **given)
    rows = []
    for losses in COURSES[:n]:
        run.losses = losses.astype(np.float32)
        rows.append(run.round().rows.tolist())
    return run, rows


def test_rows_worked_by_hand(driver) -> None:
    # Six losses are needed, so round 6 is the first to leave rows out. Row 3 has the losses
    # 9, 4, 1, 0, 0, 0, ... and the second differences 2, 2, 1, 0, 0, ...: the mean of the
    # last three is (2 + 1 + 0) / 3 = 1 at the start of round 6, 1/3 of round 7, 0 of round 8.
    run, rows = run_rounds(InstanceEarlyStopping(), driver, 9)
    assert rows[:6] == [[0, 1, 2, 3]] * 6
    assert rows[6:] == [[2, 3], [2, 3], [2]]
    # The rows left out are measured after each of these rounds.
    assert [(r, call.tolist()) for r, call, _ in run.score_calls] == [
        (6, [0, 1]),
        (7, [0, 1]),
        (8, [0, 1, 3]),
    ]


def test_mean_change_worked_by_hand(driver) -> None:
    run, _ = run_rounds(InstanceEarlyStopping(), driver, 6)
    # Row 2 alternates by .1, so that each second difference is +-.2.
    changes = run.strategy._change(np.arange(4))
    np.testing.assert_allclose(changes, [0.0, 0.0, 0.2, 1.0], atol=1e-6)


@pytest.mark.parametrize("window, first", [(1, 4), (2, 5), (3, 6)])
def test_the_first_window_plus_3_rounds_have_all_rows(window: int, first: int, driver) -> None:
    _, rows = run_rounds(InstanceEarlyStopping(window=window), driver, 8)
    assert [len(r) < 4 for r in rows].index(True) == first


def test_rows_return_when_their_loss_moves(driver) -> None:
    run = driver(InstanceEarlyStopping(), np.ones(10))
    run.losses[:5] = 2.0
    for t in range(6):
        run.losses[5:] = 1.0 + 0.1 * (t % 2)
        run.round()
    assert run.round().rows.tolist() == [5, 6, 7, 8, 9]
    run.losses[0] = 2.5  # noticed after the next round
    run.losses[5:] = 1.1
    run.round()
    assert 0 in run.round().rows


def test_a_batch_remains_with_the_largest_changes(driver) -> None:
    run = driver(InstanceEarlyStopping(delta=10.0, min_fraction=0.2), np.ones(10), batch_size=1)
    for t in range(6):
        run.losses = (1.0 + 0.1 * (t % 2) * np.arange(10)).astype(np.float32)
        run.round()
    assert run.round().rows.tolist() == [8, 9]  # 20 % of ten rows


def test_with_refresh_by_epoch_only_scoring_passes_count(driver) -> None:
    run = driver(InstanceEarlyStopping(refresh="epoch"), np.ones(10))
    noise = np.random.default_rng(0)
    for t in range(8):
        record = run.record

        def with_dropout(selection: Any, record: Any = record) -> None:
            run.losses = noise.exponential(size=10).astype(np.float32)
            record(selection)
            run.losses = np.ones(10, np.float32)

        run.record = with_dropout
        n = len(run.round())
        run.record = record
        # One scoring pass in each of the rounds 1 to 6.
        assert n == (10 if t < 6 else 1)
    # The rows left out need no pass of their own.
    assert [(r, len(rows)) for r, rows, _ in run.score_calls] == [(t, 10) for t in range(1, 8)]


def test_last_loss_of_a_round_is_kept() -> None:
    trajectories = LossTrajectories(2, 3)
    both, one = np.arange(2), np.array([1])
    trajectories.record(both, np.array([1.0, 2.0]))
    trajectories.record(one, np.array([3.0]))
    trajectories.next_round()
    trajectories.record(np.array([1, 1]), np.array([4.0, 5.0]))
    np.testing.assert_array_equal(trajectories.losses, [[np.nan, np.nan, 1.0], [np.nan, 3.0, 5.0]])
    np.testing.assert_array_equal(trajectories.rounds, [[-1, -1, 0], [-1, 0, 1]])
    np.testing.assert_array_equal(trajectories.counts, [1, 2])


def test_percentage_is_refused() -> None:
    with pytest.raises(TypeError, match="percentage"):
        InstanceEarlyStopping(percentage=50)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "name, value", [("delta", -1e-9), ("delta", np.nan), ("window", 0), ("window", 2.5)]
)
def test_invalid_parameters(name: str, value: Any, driver) -> None:
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of Instance"):
        driver(InstanceEarlyStopping(**{name: value}), np.ones(3))


def test_a_delta_of_zero_masters_nothing(driver) -> None:
    run = driver(InstanceEarlyStopping(delta=0), np.ones(10))
    assert [len(s) for s in run.rounds(9)] == [10] * 9
    assert not run.strategy.needs_score
    assert InstanceEarlyStopping().needs_score


@pytest.mark.parametrize("refresh", ["table", "epoch"])
def test_a_classifier_leaves_rows_out_and_spends_its_budget(refresh: str) -> None:
    X, y = make_classification(400, random_state=0)
    clf = LossSampledClassifier(
        InstanceEarlyStopping(delta=0.02, refresh=refresh), budget=12, random_state=0
    ).fit(X.astype(np.float32), y)
    visits = [record["visits"] for record in clf.history_]
    assert visits[:6] == [400] * 6
    assert all(n < 400 for n in visits[6:])
    assert sum(visits) == 4800
