"""Kakurenbo: which rows hide, for how long, and what is measured of them."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._kakurenbo import Kakurenbo

# In the stand-in p = exp(-loss) is the probability of the label, a row is correct if
# p > .5, and the largest probability is max(p, 1 - p).
SURE, UNSURE, WRONG = -np.log(0.9), -np.log(0.6), -np.log(0.2)
TEN = np.array([SURE] * 2 + [UNSURE] * 2 + [WRONG] * 6)
CONSTANT: dict[str, Any] = {"steps": ()}


@pytest.mark.parametrize(
    "parameters, hidden",
    [
        ({"percentage": 90}, 1),  # one candidate, of the two that are equal
        ({"percentage": 81}, 1),  # floor(1.9)
        ({"percentage": 80}, 2),
        ({"percentage": 60}, 2),  # four candidates; the unsure move back
        ({"percentage": 60, "tau": 0.6 - 1e-6}, 4),
        ({"percentage": 60, "tau": 0.95}, 0),
        ({"percentage": 30, "tau": 0.0}, 4),  # seven candidates; the wrong move back
    ],
)
def test_hidden_rows_worked_by_hand(parameters: Any, hidden: int, driver) -> None:
    run = driver(Kakurenbo(**parameters, **CONSTANT), TEN).after_warmup()
    selection = run.draw()
    assert len(selection) == 10 - hidden
    assert np.isin(np.arange(4 if hidden == 4 else 2, 10), selection.rows).all()
    assert selection.weights is None
    assert selection.lr_scale == pytest.approx(10 / (10 - hidden))  # the real share


@pytest.mark.parametrize(
    "progress, hidden", [(0.0, 30), (0.29, 30), (0.3, 24), (0.59, 24), (0.6, 18), (0.8, 12)]
)
def test_the_share_falls_by_steps(progress: float, hidden: int, driver) -> None:
    # 30 % of 100 rows, times 1, .8, .6, .4.
    run = driver(Kakurenbo(), np.full(100, SURE), progress=progress).after_warmup()
    assert len(run.draw()) == 100 - hidden


def test_first_round_hides_nothing_and_hidden_rows_are_measured_after_the_round(driver) -> None:
    run = driver(Kakurenbo(80, **CONSTANT), TEN)
    assert len(run.round()) == 10
    (selection,) = run.selections()
    np.testing.assert_array_equal(selection.rows, np.arange(2, 10))
    # All rows after the warm-up, then the two hidden ones.
    assert [call[1].tolist() for call in run.score_calls] == [list(range(10)), [0, 1]]
    assert set(run.score_calls[1][2]) == {"loss", "correct", "max_probability"}
    run.losses[[0, 1]] = WRONG
    run.round()  # hides them once more, measures them afterwards
    assert {0, 1} <= set(run.round().rows)


@pytest.mark.parametrize(
    "parameters, rounds, scored",
    [
        ({"max_rounds": 3}, 3, 12),  # not after the third
        ({"max_rounds": 4}, 3, 14),
        ({"budget": 26}, 3, 12),  # 10 + 8 + 8 visits: over after the third
        ({"budget": 27}, 3, 14),
    ],
)
def test_nothing_is_measured_when_the_training_is_over(
    parameters: Any, rounds: int, scored: int, driver
) -> None:
    run = driver(Kakurenbo(80, **CONSTANT), TEN, **parameters)
    run.rounds(rounds)
    assert sum(len(call[1]) for call in run.score_calls) == scored


def test_nothing_is_measured_before_a_full_refresh_or_final_epochs(driver) -> None:
    run = driver(Kakurenbo(80, refresh="epoch", **CONSTANT), TEN)
    run.rounds(3)
    assert [len(call[1]) for call in run.score_calls] == [10, 10]
    run = driver(Kakurenbo(80, final_epochs=1, **CONSTANT), TEN, max_rounds=3)
    run.rounds(3)
    assert [len(call[1]) for call in run.score_calls] == [10]


def test_rows_of_unknown_correctness_stay(driver) -> None:
    run = driver(Kakurenbo(50, refresh="table", tau=0.0, **CONSTANT), np.full(10, SURE))
    run.table.record(np.arange(10), run.losses, epoch=0)  # as a warm start
    run.epoch = 1
    assert len(run.draw()) == 10


def test_a_batch_remains_and_the_largest_hidden_losses_fill_it(driver) -> None:
    run = driver(Kakurenbo(10, **CONSTANT), np.linspace(0.01, 0.1, 10), batch_size=4)
    selection = run.after_warmup().draw()
    np.testing.assert_array_equal(selection.rows, [6, 7, 8, 9])
    assert selection.lr_scale == 2.5


def test_what_it_needs() -> None:
    assert Kakurenbo().needs_score
    assert not Kakurenbo(100).needs_score
    assert Kakurenbo().needs_end
    assert not Kakurenbo(100).needs_end
    assert not Kakurenbo(steps=()).needs_end
    assert not Kakurenbo(steps=((0.5, 1.0),)).needs_end
    assert Kakurenbo(steps=(), final_epochs=1).needs_end


def test_one_hundred_per_cent_is_base(driver) -> None:
    run = driver(Kakurenbo(100), TEN)
    assert [len(selection) for selection in run.rounds(3)] == [10, 10, 10]
    assert run.score_calls == []


@pytest.mark.parametrize(
    "name, value",
    [
        ("percentage", 0),
        ("tau", 1.1),
        ("tau", "high"),
        ("steps", None),
        ("steps", (0.3, 0.6)),
        ("steps", ((0.6, 0.5), (0.3, 0.2))),
        ("steps", ((0.5, 1.5),)),
        ("steps", ((0.5, np.nan),)),
    ],
)
def test_invalid_parameters(name: str, value: Any, driver) -> None:
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of Kakurenbo"):
        driver(Kakurenbo().set_params(**{name: value}), TEN)


@pytest.mark.parametrize("unit", ["visits", "passes"])
def test_a_classifier_has_smaller_rounds_and_spends_its_budget(unit: str) -> None:
    X, y = make_classification(2000, n_informative=8, class_sep=2.0, random_state=0)
    clf = LossSampledClassifier(
        Kakurenbo(), budget=6, budget_unit=unit, record="history", random_state=0
    ).fit(X.astype(np.float32), y)
    visits = [record["visits"] for record in clf.history_]
    scored = [record["scored"] for record in clf.history_]
    assert visits[0] == 2000
    # At most 30 % are hidden, all of them easy; the last round is what was left.
    assert all(1400 <= n < 2000 for n in visits[1:-1])
    assert scored[-1] == 0
    if unit == "visits":
        assert sum(visits) == 12000
    else:
        assert abs(sum(visits) + sum(scored) / 3 - 12000) < 1
