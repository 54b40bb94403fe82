"""Online batch selection: probabilities by rank, pressure and rescoring."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_classification

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._online_batch import OnlineBatchSelection

DISTINCT = np.arange(1.0, 41.0)


@pytest.mark.parametrize(
    "s_e, chances",
    [
        (16, [1 / 15, 2 / 15, 4 / 15, 8 / 15]),  # 16 ** (-i/4) = 1/2, 1/4, 1/8, 1/16
        (1, [1 / 4] * 4),
    ],
)
def test_frequencies_worked_by_hand(s_e: float, chances: Any, driver) -> None:
    strategy = OnlineBatchSelection(s_e=s_e, s_e_end=s_e, r_freq=0)
    run = driver(strategy, [1.0, 2.0, 3.0, 4.0]).after_warmup()
    counts = np.bincount(np.concatenate([run.draw().rows for _ in range(1500)]), minlength=4)
    assert stats.chisquare(counts, 6000 * np.array(chances)).pvalue > 1e-4


@pytest.mark.parametrize("progress, ratio", [(0.0, 100.0), (0.5, 10.0), (0.75, 100**0.25)])
def test_pressure_decays_exponentially(progress: float, ratio: float, driver) -> None:
    run = driver(OnlineBatchSelection(), DISTINCT, progress=progress).after_warmup()
    assert run.strategy._pressure(run.context()) == pytest.approx(ratio)
    rows = np.concatenate([run.round().rows for _ in range(400)])
    # Over the ranks the density falls as ratio ** -x on (0, 1]: compare quarters.
    edges = (1 - ratio ** (-np.arange(5) / 4)) / (1 - 1 / ratio)
    counts = np.bincount((39 - rows) // 10, minlength=4)
    assert stats.chisquare(counts, len(rows) * np.diff(edges)).pvalue > 1e-4


@pytest.mark.parametrize("percentage, sizes", [(100, [20, 20]), (30, [6, 6]), (10, [5])])
def test_number_of_draws(percentage: float, sizes: Any, driver) -> None:
    # The halves of a round are not smaller than a batch, nor is the round.
    run = driver(OnlineBatchSelection(percentage), DISTINCT, batch_size=5).after_warmup()
    for _ in range(2):
        selections = run.selections()
        assert [len(selection) for selection in selections] == sizes
        for selection in selections:
            assert selection.weights is None
            assert (np.diff(selection.rows) >= 0).all()


@pytest.mark.parametrize(
    "r_freq, rounds_that_score",
    [
        (0, []),
        (0.25, [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4),
        (0.5, [1, 1, 2, 2, 3, 3, 4, 4]),
        (1, [1, 2, 3, 4]),
        (2, [1, 3]),
        (2.5, [1, 4]),
    ],
)
def test_scoring_passes(r_freq: float, rounds_that_score: Any, driver) -> None:
    run = driver(OnlineBatchSelection(r_freq=r_freq), DISTINCT)
    run.rounds(5)
    assert [epoch for epoch, _, _ in run.score_calls] == rounds_that_score
    for _, rows, measures in run.score_calls:
        np.testing.assert_array_equal(rows, np.arange(40))
        assert measures == ("loss",)


def test_a_share_of_the_rows_is_scored_the_hardest(driver) -> None:
    run = driver(OnlineBatchSelection(r_ratio=0.3, r_freq=1), DISTINCT).after_warmup()
    run.round()
    ((_, rows, _),) = run.score_calls
    np.testing.assert_array_equal(rows, np.arange(28, 40))


def test_the_second_half_goes_by_new_ranks(driver) -> None:
    strategy = OnlineBatchSelection(s_e=1e12, s_e_end=1e12)
    run = driver(strategy, DISTINCT).after_warmup()
    drawn = run.strategy.draw(run.table, run.context())
    first = next(drawn)
    run.losses = run.losses[::-1].copy()  # the model has changed
    second = next(drawn)
    assert first.rows.mean() > 35
    assert second.rows.mean() < 5


def test_rows_never_seen_join_the_first_draws_once(driver) -> None:
    run = driver(OnlineBatchSelection(), DISTINCT)
    run.table.record(np.arange(3, 40), run.losses[3:], epoch=0, training=True)
    run.epoch = 1
    first, second = (selection.rows for selection in run.selections())
    assert len(first) == 23
    np.testing.assert_array_equal(first[:4] < 3, [True, True, True, False])
    assert len(second) == 20
    np.testing.assert_array_equal(run.score_calls[0][1], np.arange(3, 40))


def test_without_any_loss_the_round_has_all_rows(driver) -> None:
    run = driver(OnlineBatchSelection(warmup_epochs=0), DISTINCT)
    (selection,) = run.selections()
    np.testing.assert_array_equal(selection.rows, np.arange(40))
    assert run.score_calls == []


@pytest.mark.parametrize("room, scored, trained", [(20, 0, 20), (30, 40, 10), (0, 0, 40)])
def test_scoring_is_paid_out_of_the_room(room: int, scored: int, trained: int, driver) -> None:
    # A pass costs 20 visits; it has to leave a batch of 8.
    run = driver(OnlineBatchSelection(final_epochs=1), DISTINCT, batch_size=8).after_warmup()
    context = replace(run.context(), visits_left=40 + room, rounds_left=9, scored_row_cost=0.5)
    drawn = list(run.strategy.draw(run.table, context))
    assert sum(len(rows) for _, rows, _ in run.score_calls) == scored
    # Without room the final round has come.
    assert sum(map(len, drawn)) == trained


def test_what_it_needs() -> None:
    assert OnlineBatchSelection().needs_score
    assert not OnlineBatchSelection(r_freq=0).needs_score
    assert OnlineBatchSelection().needs_end
    assert not OnlineBatchSelection(s_e_end=100).needs_end
    assert OnlineBatchSelection(s_e_end=100, final_epochs=1).needs_end


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"s_e": 0.5}, "a number in the range [1, inf). Got 0.5"),
        ({"s_e_end": 0}, "a number in the range [1, inf). Got 0"),
        ({"r_ratio": 0}, "a number in the range (0, 1]. Got 0"),
        ({"r_freq": -1}, "a number in the range [0, inf). Got -1"),
        ({"percentage": None}, "a number in the range (0, 100]. Got None"),
    ],
)
def test_invalid_parameters(parameters: Any, message: str, driver) -> None:
    with pytest.raises(InvalidParameterError, match=re.escape(message)):
        driver(OnlineBatchSelection(**parameters), DISTINCT)


def test_in_the_estimator() -> None:
    X, y = make_classification(2000, random_state=0)
    model = LossSampledClassifier(OnlineBatchSelection(), budget=4, random_state=0).fit(X, y)
    assert model.visit_counts_.sum() == 8000
    assert [record["scored"] for record in model.history_] == [0, 4000, 4000, 4000]
