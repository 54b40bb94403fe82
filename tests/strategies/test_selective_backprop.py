"""Selective Backprop: chances by rank, the queue, the window and old losses."""

import re
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._selective_backprop import SelectiveBackprop

DISTINCT = np.arange(1.0, 41.0)


def check_frequencies(counts: Any, chances: Any, n: int) -> None:
    chances = np.asarray(chances)
    assert (abs(counts - n * chances) <= 5 * np.sqrt(n * chances * (1 - chances)) + 1e-9).all()


@pytest.mark.parametrize("percentage, beta", [(25, 3.0), (50, 1.0), (100, 0.0), (20, 4.0)])
def test_beta(percentage: float, beta: float) -> None:
    strategy = SelectiveBackprop(percentage)
    assert strategy.beta == beta
    with pytest.raises(AttributeError):
        strategy.beta = 1.0  # type: ignore[misc]


class TestCdf:
    @pytest.mark.parametrize(
        "percentage, losses, chances",
        [
            (50, [0.1, 0.4, 0.2, 0.3], [0, 3 / 4, 1 / 4, 2 / 4]),
            (25, [0.1, 0.4, 0.2, 0.3], [0, 27 / 64, 1 / 64, 8 / 64]),
            (50, [1.0, 1.0, 2.0, 2.0], [0, 0, 1 / 2, 1 / 2]),  # ties share the lowest rank
        ],
    )
    def test_chances_worked_by_hand(
        self, percentage: float, losses: Any, chances: Any, driver
    ) -> None:
        # With a history of four, each batch of four is ranked among itself.
        strategy = SelectiveBackprop(percentage, history_size=4)
        rng = np.random.default_rng(0)
        counts = np.zeros(4)
        for _ in range(2000):
            counts[strategy._keep_by_history(np.array(losses, np.float32), rng)] += 1
        check_frequencies(counts, chances, 2000)

    def test_history_holds_the_last_losses(self, driver) -> None:
        run = driver(SelectiveBackprop(history_size=50), DISTINCT, batch_size=4).after_warmup()
        run.selections()
        assert len(run.strategy.history_) == 40
        run.selections()
        looked_at = np.concatenate([run.losses[rows] for _, rows, _ in run.score_calls])
        np.testing.assert_array_equal(run.strategy.history_, looked_at[-50:])
        assert not driver(run.strategy, DISTINCT).strategy.history_.size  # begin empties it

    @pytest.mark.parametrize("percentage", [10, 25, 60])
    def test_expected_share(self, percentage: float, driver) -> None:
        losses = np.random.default_rng(0).exponential(size=20_000)
        run = driver(SelectiveBackprop(percentage), losses, batch_size=64).after_warmup()
        share = len(run.round()) / 20_000
        # Standard deviation below 0.0035; "strictly below" costs half a rank of 1024.
        assert share == pytest.approx(percentage / 100, abs=0.02)

    def test_batches_are_full_but_the_last(self, driver) -> None:
        losses = np.random.default_rng(0).exponential(size=1000)
        run = driver(SelectiveBackprop(50), losses, batch_size=32).after_warmup()
        sizes = [len(selection) for selection in run.selections()]
        assert set(sizes[:-1]) == {32}
        assert 0 < sizes[-1] <= 32
        rows = np.concatenate([rows for _, rows, _ in run.score_calls])
        np.testing.assert_array_equal(np.sort(rows), np.arange(1000))  # each scored once

    def test_an_empty_round_is_filled_with_the_largest_losses(self, driver) -> None:
        # beta = 99: even the largest of 40 is kept in 8 % of the rounds only.
        run = driver(SelectiveBackprop(1), DISTINCT, batch_size=4).after_warmup()
        np.testing.assert_array_equal(run.round().rows, [36, 37, 38, 39])

    def test_equal_losses_give_one_batch_at_random(self, driver) -> None:
        run = driver(SelectiveBackprop(50), np.ones(40), batch_size=4).after_warmup()
        counts = np.zeros(40)
        for _ in range(400):
            rows = run.round().rows
            assert len(rows) == 4
            counts[rows] += 1
        check_frequencies(counts, np.full(40, 0.1), 400)


class TestRank:
    @pytest.mark.parametrize(
        "percentage, chances",
        [
            (50, [1 / 4, 3 / 4]),  # (1/4) ** 1 and (3/4) ** 1
            (25, [1 / 496, 27 / 496, 125 / 496, 343 / 496]),  # odd numbers to the third
        ],
    )
    def test_chances_worked_by_hand(self, percentage: float, chances: Any, driver) -> None:
        losses = np.arange(len(chances))[::-1] + 1.0
        run = driver(SelectiveBackprop(percentage, variant="rank"), losses).after_warmup()
        counts = np.zeros(len(chances))
        for _ in range(2000):
            (selection,) = run.selections()
            counts[selection.rows] += 1
        check_frequencies(counts[::-1], chances, 2000)

    def test_a_batch_of_each_presample(self, driver) -> None:
        run = driver(SelectiveBackprop(variant="rank"), DISTINCT, batch_size=5).after_warmup()
        selections = run.selections()
        assert [len(selection) for selection in selections] == [5, 5]
        for selection, (_, scored, _) in zip(selections, run.score_calls, strict=True):
            assert len(scored) == 20
            assert np.isin(selection.rows, scored).all()
            assert len(np.unique(selection.rows)) == 5


@pytest.mark.parametrize("variant", ["cdf", "rank"])
class TestWindow:
    @pytest.mark.parametrize(
        "progress, selects", [(0.0, False), (0.49, False), (0.5, True), (0.89, True), (0.9, False)]
    )
    def test_rounds_outside_have_all_rows(
        self, variant: str, progress: float, selects: bool, driver
    ) -> None:
        strategy = SelectiveBackprop(50, variant=variant, start=0.5, end=0.9)
        run = driver(strategy, DISTINCT, batch_size=4, progress=progress).after_warmup()
        assert (len(run.round()) < 40) == selects
        assert bool(run.score_calls) == selects

    def test_they_need_the_end(self, variant: str) -> None:
        assert not SelectiveBackprop(variant=variant).needs_end
        assert SelectiveBackprop(variant=variant, start=0.1).needs_end
        assert SelectiveBackprop(variant=variant, end=0.9).needs_end
        assert SelectiveBackprop(variant=variant, final_epochs=1).needs_end


class TestInterrupt:
    def test_every_second_batch_is_plain(self, driver) -> None:
        strategy = SelectiveBackprop(50, variant="rank", interrupt=2)
        run = driver(strategy, DISTINCT, batch_size=4).after_warmup()
        # 8 scored for a batch and 4 unscored, three times; of the last 4, half.
        assert [len(selection) for selection in run.selections()] == [4] * 6 + [2]
        assert [len(rows) for _, rows, _ in run.score_calls] == [8, 8, 8, 4]

    def test_every_third_batch_that_comes_along_is_kept_whole(self, driver) -> None:
        run = driver(SelectiveBackprop(25, interrupt=3), DISTINCT, batch_size=4).after_warmup()
        rows = run.round().rows
        scored = np.concatenate([rows for _, rows, _ in run.score_calls])
        unscored = np.setdiff1d(np.arange(40), scored)
        assert len(unscored) == 12  # batches 3, 6 and 9 of ten
        assert np.isin(unscored, rows).all()


@pytest.mark.parametrize("variant", ["cdf", "rank"])
@pytest.mark.parametrize("staleness", [0, 1, 2, 3])
def test_losses_of_less_than_so_many_rounds_are_used_again(
    variant: str, staleness: int, driver
) -> None:
    strategy = SelectiveBackprop(50, variant=variant, staleness=staleness)
    run = driver(strategy, DISTINCT, batch_size=4)
    for _ in range(5):
        measured_in = run.table.loss_epoch.copy()
        run.score_calls.clear()
        run.round()
        scored = np.concatenate([np.empty(0, int), *(rows for _, rows, _ in run.score_calls)])
        epoch = run.epoch - 1
        due = np.arange(0) if epoch == 0 else np.arange(40)
        due = due[epoch - measured_in[due] >= staleness]
        np.testing.assert_array_equal(np.sort(scored), due)


def test_what_it_needs() -> None:
    assert SelectiveBackprop().needs_score
    assert not SelectiveBackprop(100).needs_score
    assert not SelectiveBackprop().needs_end


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"variant": "top"}, "'variant' parameter of SelectiveBackprop must be one of {'cdf', 'r"),
        ({"history_size": 0}, "an integer of at least 1. Got 0"),
        ({"staleness": -1}, "an integer of at least 0. Got -1"),
        ({"start": -0.1}, "a number in the range [0, 1]. Got -0.1"),
        ({"end": 1.1}, "a number in the range [0, 1]. Got 1.1"),
        ({"start": 0.5, "end": 0.5}, "'end' parameter of SelectiveBackprop must be a number above"),
        ({"interrupt": 1}, "0 or an integer of at least 2. Got 1"),
        ({"interrupt": 2.0}, "an integer of at least 0. Got 2.0"),
        ({"percentage": 0}, "a number in the range (0, 100]. Got 0"),
    ],
)
def test_invalid_parameters(parameters: Any, message: str, driver) -> None:
    with pytest.raises(InvalidParameterError, match=re.escape(message)):
        driver(SelectiveBackprop(**parameters), DISTINCT)


@pytest.mark.parametrize("variant", ["cdf", "rank"])
def test_in_the_estimator(variant: str) -> None:
    X, y = make_classification(2000, random_state=0)
    strategy = SelectiveBackprop(variant=variant)
    model = LossSampledClassifier(strategy, budget=6, random_state=0).fit(X, y)
    assert model.visit_counts_.sum() == 12000
    scored = [record["scored"] for record in model.history_]
    assert scored[0] == 0
    assert set(scored[1:-1]) == {2000}  # the budget may end within the last round
