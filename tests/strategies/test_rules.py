"""Hand-worked selections of every strategy, and their promised numbers of rows."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from sklearn_sifal.strategies import (
    Base,
    BottomPercentage,
    BottomPercentile,
    GuardedImportance,
    Importance,
    Percentage,
    Percentile,
    Random,
)

LOSSES = np.array([0.5, 3.0, 1.0, 2.0, 0.0, 1.5])  # total 8


@pytest.mark.parametrize(
    "strategy, rows",
    [
        (Base(), [0, 1, 2, 3, 4, 5]),
        (Base(10), [0, 1, 2, 3, 4, 5]),
        (Percentile(1), [1]),
        (Percentile(33), [1, 3]),  # ceil(1.98)
        (Percentile(34), [1, 3, 5]),  # ceil(2.04)
        (Percentile(50), [1, 3, 5]),
        (Percentile(99), [0, 1, 2, 3, 4, 5]),
        (BottomPercentile(1), [4]),
        (BottomPercentile(33), [0, 4]),
        (BottomPercentile(50), [0, 2, 4]),
        (Percentage(37), [1]),  # 2.96 of 8: row 1 alone holds 3
        (Percentage(37.5), [1]),  # 3 of 8 exactly: the crossing row is included
        (Percentage(38), [1, 3]),  # 3.04
        (Percentage(62.5), [1, 3]),  # 5
        (Percentage(81.25), [1, 3, 5]),  # 6.5
        (Percentage(90), [1, 2, 3, 5]),  # 7.2
        (Percentage(99.9), [0, 1, 2, 3, 5]),  # row 4 holds nothing
        (BottomPercentage(6), [0, 4]),  # 0.48
        (BottomPercentage(6.25), [0, 4]),  # 0.5
        (BottomPercentage(7), [0, 2, 4]),  # 0.56
        (BottomPercentage(50), [0, 2, 3, 4, 5]),  # 4: 0.5 + 1 + 1.5 falls short
        (BottomPercentage(63), [0, 1, 2, 3, 4, 5]),  # 5.04
    ],
)
def test_rows_worked_by_hand(strategy: Any, rows: list[int], driver) -> None:
    selection = driver(strategy, LOSSES).after_warmup().draw()
    np.testing.assert_array_equal(selection.rows, rows)
    assert selection.weights is None
    assert selection.lr_scale == 1.0


def test_top_and_bottom_by_loss_share_only_the_crossing_row(driver) -> None:
    losses = np.random.default_rng(0).permutation(np.arange(1.0, 51.0))
    for percentage in (13, 40, 77):
        top = driver(Percentage(percentage), losses).after_warmup().draw().rows
        bottom = driver(BottomPercentage(100 - percentage), losses).after_warmup().draw().rows
        assert len(np.intersect1d(top, bottom)) <= 1
        assert len(np.union1d(top, bottom)) == 50


@pytest.mark.parametrize(
    "n, percentage, count",
    [(1000, 33.3, 333), (1000, 33.31, 334), (10, 30, 3), (10, 0.001, 1), (7, 50, 4), (3, 99, 3)],
)
@pytest.mark.filterwarnings("ignore:The 'percentage' parameter")
@pytest.mark.parametrize("cls", [Percentile, BottomPercentile, Random])
def test_number_of_rows(cls: Any, n: int, percentage: float, count: int, driver) -> None:
    losses = np.random.default_rng(1).exponential(size=n)
    assert len(driver(cls(percentage), losses).after_warmup().draw()) == count


@pytest.mark.parametrize("cls", [Percentile, BottomPercentile, Percentage, BottomPercentage])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_ties_are_drawn_uniformly(cls: Any, value: float, driver) -> None:
    counts = np.zeros(20)
    n_seeds = 1000
    for seed in range(n_seeds):
        run = driver(cls(25, refresh="table"), np.full(20, value), seed=seed).after_warmup()
        rows = run.draw().rows
        assert len(rows) == 5
        counts[rows] += 1
    # Each row is in a quarter of the draws; a draw is without replacement, which makes
    # the statistic smaller than for independent counts by the factor (1 - 1/4) 20/19.
    statistic = ((counts - n_seeds / 4) ** 2).sum() / (n_seeds / 4) / (0.75 * 20 / 19)
    assert stats.chi2.sf(statistic, 19) > 1e-4


@pytest.mark.parametrize("cls", [Percentage, BottomPercentage, Importance, GuardedImportance])
def test_sums_and_powers_refuse_negative_losses(cls: Any, driver) -> None:
    run = driver(cls(50), [1.0, -0.5, 2.0]).after_warmup()
    with pytest.raises(ValueError, match=rf"{cls.__name__} needs non-negative losses.*-0\.5"):
        run.draw()


@pytest.mark.parametrize("cls", [Percentage, BottomPercentage, Importance, GuardedImportance])
def test_losses_below_zero_by_rounding_are_taken(cls: Any, driver) -> None:
    assert len(driver(cls(50), np.linspace(-1e-7, 3.0, 40)).after_warmup().draw()) > 0


@pytest.mark.parametrize("cls", [Percentile, BottomPercentile])
def test_ranks_take_negative_losses(cls: Any, driver) -> None:
    assert len(driver(cls(50), np.linspace(-9.0, 3.0, 40)).after_warmup().draw()) == 20


class TestRandom:
    def test_every_row_is_drawn_equally_often(self, driver) -> None:
        run = driver(Random(25), LOSSES.repeat(5)).after_warmup()
        counts = np.zeros(30)
        for _ in range(2000):
            counts[run.draw().rows] += 1
        share = 8 / 30  # ceil(7.5) rows
        deviation = np.sqrt(2000 * share * (1 - share))
        assert (abs(counts - 2000 * share) < 5 * deviation).all()

    def test_losses_have_no_influence(self, driver) -> None:
        small = driver(Random(25), np.arange(40.0), seed=3).rounds(4)
        large = driver(Random(25), 1e6 * np.arange(40.0)[::-1], seed=3).rounds(4)
        for a, b in zip(small, large, strict=True):
            np.testing.assert_array_equal(a.rows, b.rows)


class TestImportance:
    @pytest.mark.parametrize("percentage", [5.0, 30.0, 80.0])
    @pytest.mark.parametrize("alpha, uniform", [(0.0, 0.0), (0.6, 0.1), (1.0, 0.0), (1.0, 1.0)])
    def test_weighted_gradients_are_unbiased(
        self, percentage: float, alpha: float, uniform: float, driver
    ) -> None:
        # E[sum over S of w_i g_i] / E|S| = mean of g, for g that goes with the loss: the
        # unweighted mean would be far off. Bound: five standard errors of 2,000 rounds.
        n, n_rounds = 300, 2000
        rng = np.random.default_rng(0)
        losses = rng.lognormal(0.0, 1.0, n)
        gradients = np.stack([losses, rng.normal(size=n), np.ones(n)], axis=1)
        strategy = Importance(percentage, alpha=alpha, uniform=uniform, refresh="table")
        run = driver(strategy, losses).after_warmup()
        sums = np.empty((n_rounds, 3))
        counts = np.empty(n_rounds)
        for i in range(n_rounds):
            selection = run.draw()
            sums[i] = selection.weights @ gradients[selection.rows]
            counts[i] = len(selection)
        error = sums - gradients.mean(axis=0) * (percentage / 100 * n)
        standard_error = error.std(axis=0) / np.sqrt(n_rounds)
        assert (abs(error.mean(axis=0)) <= 5 * standard_error + 1e-9).all()
        assert abs(counts.mean() - percentage / 100 * n) <= 5 * counts.std() / np.sqrt(n_rounds)

    def test_unweighted_gradients_would_be_biased(self, driver) -> None:
        # The test above can fail: without weights the same bound is missed by far.
        losses = np.random.default_rng(0).lognormal(0.0, 1.0, 300)
        run = driver(Importance(30, refresh="table"), losses).after_warmup()
        sums = np.array([losses[run.draw().rows].sum() for _ in range(500)])
        standard_error = sums.std() / np.sqrt(500)
        assert abs(sums.mean() - 0.3 * losses.sum()) > 50 * standard_error

    def test_weights_worked_by_hand(self, driver) -> None:
        # alpha 1, no uniform share, losses 8, 1, 1 (epsilon is lost to rounding), two of
        # three rows expected: c = 0.5 after the first row has reached 1, so that
        # q = 1, 0.5, 0.5 and w = (2/3) / q = 2/3, 4/3, 4/3.
        strategy = Importance(200 / 3, alpha=1.0, uniform=0.0, epsilon=1e-12, refresh="table")
        run = driver(strategy, [8.0, 1.0, 1.0]).after_warmup()
        run.batch_size = 0  # else a draw near the size of a batch has a fixed size
        expected = np.array([2 / 3, 4 / 3, 4 / 3])
        seen = set()
        for _ in range(50):
            selection = run.draw()
            assert selection.rows[0] == 0
            np.testing.assert_allclose(selection.weights, expected[selection.rows])
            seen.add(tuple(selection.rows.tolist()))
        assert seen == {(0,), (0, 1), (0, 2), (0, 1, 2)}

    @pytest.mark.parametrize("n, percentage, batch_size", [(200, 30, 64), (400, 16, 64)])
    def test_unbiased_near_the_size_of_a_batch(
        self, n: int, percentage: float, batch_size: int, driver
    ) -> None:
        # Drawing again whenever a set is too small would favour the large sets.
        losses = np.random.default_rng(0).lognormal(0.0, 1.0, n)
        strategy = Importance(percentage, refresh="table")
        run = driver(strategy, losses, batch_size=batch_size).after_warmup()
        means = []
        for _ in range(4000):
            selection = run.draw()
            assert len(selection) == batch_size
            means.append(selection.weights @ losses[selection.rows] / batch_size)
        standard_error = np.std(means) / np.sqrt(len(means))
        assert abs(np.mean(means) - losses.mean()) < 5 * standard_error

    def test_mixture_worked_by_hand(self, driver) -> None:
        # alpha 0.5 of losses 9, 1, 0 and 0 is 3, 1, 0, 0; shares .75, .25, 0, 0; with half
        # of it uniform P = .5, .25, .125, .125. One row of four expected: q = P and
        # w = 0.25 / q = .5, 1, 2, 2.
        strategy = Importance(25, alpha=0.5, uniform=0.5, epsilon=1e-30, refresh="table")
        run = driver(strategy, [9.0, 1.0, 0.0, 0.0]).after_warmup()
        run.batch_size = 0  # else a draw near the size of a batch has a fixed size
        seen = {}
        for _ in range(300):
            selection = run.draw()
            if len(selection) > 1:  # one row alone may have been added to fill the batch
                seen.update(zip(selection.rows.tolist(), selection.weights, strict=True))
        assert seen == pytest.approx({0: 0.5, 1: 1.0, 2: 2.0, 3: 2.0})

    def test_alpha_zero_draws_evenly_with_weight_one(self, driver) -> None:
        losses = np.random.default_rng(0).exponential(size=500)
        run = driver(Importance(30, alpha=0.0), losses).after_warmup()
        np.testing.assert_allclose(run.draw().weights, 1.0)

    def test_the_uniform_share_bounds_the_weights(self, driver) -> None:
        losses = np.zeros(1000)
        losses[:3] = 1e6
        strategy = Importance(30, alpha=1.0, uniform=0.1, refresh="table")
        run = driver(strategy, losses).after_warmup()
        # q_i >= c uniform / N and c >= S, so w_i <= 1 / uniform.
        assert max(run.draw().weights.max() for _ in range(20)) <= 10.0

    def test_larger_losses_have_smaller_weights(self, driver) -> None:
        losses = np.random.default_rng(0).exponential(size=500)
        selection = driver(Importance(30), losses).after_warmup().draw()
        order = np.argsort(losses[selection.rows])
        assert (np.diff(selection.weights[order]) <= 0).all()


def test_a_fraction_given_as_percentage_warns(driver) -> None:
    with pytest.warns(UserWarning, match="0.9, which is less than one per cent"):
        driver(Percentile(0.9), np.arange(10.0))
