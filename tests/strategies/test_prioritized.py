"""Prioritized sampling: probabilities, corrections and what is left of the bias."""

import re
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_classification

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._prioritized import Prioritized

THREE = [8.0, 1.0, 1.0]


def weight_by_row(run: Any, n_rounds: int = 60) -> dict[int, float]:
    """The weight of each row; checks that it is the same at every draw."""
    seen: dict[int, float] = {}
    for _ in range(n_rounds):
        selection = run.draw()
        for row, weight in zip(selection.rows.tolist(), selection.weights, strict=True):
            assert seen.setdefault(row, weight) == pytest.approx(weight)
    return seen


class TestWeights:
    @pytest.mark.parametrize(
        "beta, progress, expected",
        [
            # P = 0.8, 0.1, 0.1, so N P = 2.4, 0.3, 0.3
            (1.0, 0.0, [1 / 2.4, 1 / 0.3, 1 / 0.3]),
            (0.0, 0.0, [1.0, 1.0, 1.0]),
            # power 1/2: (2.4, 0.3, 0.3) ** -0.5 = 0.6455, 1.8257, 1.8257; mean under P 0.8815
            (0.5, 0.0, [0.7323, 2.0711, 2.0711]),
            # beta rises to 0 + 1 / 2
            (0.0, 0.5, [0.7323, 2.0711, 2.0711]),
        ],
    )
    def test_worked_by_hand(self, beta: float, progress: float, expected: Any, driver) -> None:
        strategy = Prioritized(alpha=1.0, beta=beta, epsilon=1e-12)
        run = driver(strategy, THREE, progress=progress).after_warmup()
        assert weight_by_row(run) == pytest.approx(dict(enumerate(expected)), abs=1e-4)

    @pytest.mark.parametrize("variant", ["proportional", "rank"])
    @pytest.mark.parametrize("progress", [0.0, 0.7])
    def test_expectation_is_one(self, variant: str, progress: float, driver) -> None:
        losses = np.random.default_rng(0).lognormal(0.0, 1.5, 100)
        run = driver(Prioritized(variant=variant), losses, progress=progress).after_warmup()
        means = np.array([run.draw().weights.mean() for _ in range(1000)])
        assert abs(means.mean() - 1) < 5 * means.std() / np.sqrt(1000)

    def test_rows_never_seen_have_weight_one(self, driver) -> None:
        run = driver(Prioritized(alpha=1.0, beta=1.0), [8.0, 1.0, 1.0, 4.0])
        run.table.record(np.arange(3), run.losses[:3], epoch=0, training=True)
        run.epoch = 1
        selection = run.draw()
        assert selection.rows[-1] == 3
        assert selection.weights[-1] == 1.0
        assert len(selection) == 4  # three draws and the new row

    def test_the_uniform_share_bounds_them(self, driver) -> None:
        losses = np.r_[np.full(5, 1e6), np.zeros(200)]
        strategy = Prioritized(alpha=1.0, beta=1.0, uniform=0.1)
        run = driver(strategy, losses).after_warmup()
        assert max(run.draw().weights.max() for _ in range(20)) <= 10.0 + 1e-9


class TestDraws:
    @pytest.mark.parametrize(
        "strategy, chances",
        [
            (Prioritized(alpha=1.0, epsilon=1e-12), [8 / 10, 1 / 10, 1 / 10]),
            (Prioritized(alpha=0.0), [1 / 3, 1 / 3, 1 / 3]),
            (Prioritized(alpha=1.0, uniform=0.5, epsilon=1e-12), [17 / 30, 13 / 60, 13 / 60]),
            # 1, and 1/2 or 1/3 by chance, since the others are equal
            (Prioritized(variant="rank", alpha=1.0), [6 / 11, 2.5 / 11, 2.5 / 11]),
        ],
    )
    def test_frequencies_worked_by_hand(self, strategy: Any, chances: Any, driver) -> None:
        run = driver(strategy, THREE).after_warmup()
        counts = np.bincount(np.concatenate([run.draw().rows for _ in range(2000)]), minlength=3)
        assert stats.chisquare(counts, 6000 * np.array(chances)).pvalue > 1e-4

    @pytest.mark.parametrize("percentage, n_draws", [(100, 50), (30, 15), (31, 16), (1, 7)])
    def test_number(self, percentage: float, n_draws: int, driver) -> None:
        losses = np.random.default_rng(0).exponential(size=50)
        run = driver(Prioritized(percentage), losses, batch_size=7).after_warmup()
        for selection in run.rounds(3):
            assert len(selection) == n_draws
            assert (np.diff(selection.rows) >= 0).all()
        assert run.score_calls == []

    def test_each_draw_is_a_visit(self, driver) -> None:
        run = driver(Prioritized(), THREE).after_warmup()
        run.rounds(10)
        assert run.table.visits.sum() == 30

    def test_zero_probability_by_underflow_is_no_special_case(self, driver) -> None:
        losses = [1e30, 1e30, 0.0, 0.0]
        strategy = Prioritized(alpha=1.0, beta=1.0, epsilon=1e-300)
        selection = driver(strategy, losses).after_warmup().draw()
        assert (selection.rows < 2).all()
        np.testing.assert_allclose(selection.weights, 1.0)  # their expectation


@pytest.mark.parametrize("variant", ["proportional", "rank"])
@pytest.mark.parametrize("percentage", [100, 20])
def test_unbiased_at_beta_one_and_biased_below(variant: str, percentage: float, driver) -> None:
    # E[sum of w g] / E[draws] = mean of g, for a g that goes with the loss.
    losses = np.random.default_rng(0).lognormal(0.0, 1.0, 200)
    excess = {}
    for beta in (1.0, 0.0):
        strategy = Prioritized(percentage, variant=variant, beta=beta)
        run = driver(strategy, losses).after_warmup()
        sums = []
        for _ in range(1000):
            selection = run.draw()
            sums.append(selection.weights @ losses[selection.rows] / len(selection))
        excess[beta] = (np.mean(sums) - losses.mean()) / (np.std(sums) / np.sqrt(1000))
    assert abs(excess[1.0]) < 5
    assert excess[0.0] > 20


def test_none_stands_for_the_defaults_of_the_paper() -> None:
    assert Prioritized()._powers() == (0.6, 0.4)
    assert Prioritized(variant="rank")._powers() == (0.7, 0.5)
    assert Prioritized(alpha=0.0, beta=1.0)._powers() == (0.0, 1.0)


def test_what_it_needs() -> None:
    assert not Prioritized().needs_score
    assert Prioritized(refresh="epoch").needs_score
    assert Prioritized().needs_end
    assert not Prioritized(beta=1.0).needs_end
    assert Prioritized(beta=1.0, final_epochs=1).needs_end
    assert Prioritized().non_negative
    assert not Prioritized(variant="rank").non_negative


def test_negative_losses(driver) -> None:
    losses = [1.0, -0.5, 2.0]
    with pytest.raises(ValueError, match=r"Prioritized needs non-negative losses.*-0\.5"):
        driver(Prioritized(), losses).after_warmup().draw()
    assert len(driver(Prioritized(variant="rank"), losses).after_warmup().draw()) == 3


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"variant": "cdf"}, "must be one of {'proportional', 'rank'}. Got 'cdf'"),
        ({"alpha": 1.1}, "a number in the range [0, 1] or None. Got 1.1"),
        ({"beta": -0.1}, "a number in the range [0, 1] or None. Got -0.1"),
        ({"uniform": 2}, "a number in the range [0, 1]. Got 2"),
        ({"epsilon": 0.0}, "a number in the range (0, inf). Got 0.0"),
    ],
)
def test_invalid_parameters(parameters: Any, message: str, driver) -> None:
    with pytest.raises(InvalidParameterError, match=re.escape(message)):
        driver(Prioritized(**parameters), THREE)


def test_in_the_estimator() -> None:
    X, y = make_classification(2000, random_state=0)
    model = LossSampledClassifier(Prioritized(50), budget=4, random_state=0).fit(X, y)
    assert [record["visits"] for record in model.history_] == [2000] + [1000] * 6
    assert model.visit_counts_.sum() == 8000
    assert {record["scored"] for record in model.history_} == {0}
