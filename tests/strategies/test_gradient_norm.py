"""Gradient-norm sampling: when it switches on, its weights and its lack of bias."""

import re
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._gradient_norm import GradientNormSampling, variance_reduction

SKEWED = np.random.default_rng(0).lognormal(-1.0, 2.0, 60)


@pytest.mark.parametrize(
    "scores, tau",
    [
        ([2.0, 2.0, 2.0], 1.0),
        # g = 3/4, 1/4: |g - u|^2 = 1/8, |g|^2 = 5/8, 1 / sqrt(1 - 1/5)
        ([3.0, 1.0], 1.25**0.5),
        ([1.0, 0.0, 0.0, 0.0], 2.0),
        ([0.0, 0.0], 1.0),
    ],
)
def test_variance_reduction_worked_by_hand(scores: Any, tau: float) -> None:
    assert variance_reduction(np.array(scores)) == pytest.approx(tau)


@pytest.mark.parametrize(
    "parameters, threshold",
    [
        ({}, 2.0),  # (3b + 3b) / 3b
        ({"kappa": 1.0}, 2.5),  # (3b + 2b) / 2b
        ({"percentage": 50}, 5 / 3),  # (2b + 3b) / 3b
        ({"threshold": 1.2}, 1.2),
    ],
)
def test_threshold(parameters: Any, threshold: float) -> None:
    strategy = GradientNormSampling(**parameters)
    assert strategy._threshold(64) == pytest.approx(threshold)


class TestOff:
    def test_batches_are_plain(self, driver) -> None:
        run = driver(GradientNormSampling(), np.ones(40), batch_size=6)
        run.round()
        selections = run.selections()
        assert [len(selection) for selection in selections] == [6] * 6 + [4]
        assert all(selection.weights is None for selection in selections)
        rows = np.concatenate([selection.rows for selection in selections])
        np.testing.assert_array_equal(np.sort(rows), np.arange(40))
        assert run.score_calls == []
        assert not run.strategy.on_

    def test_tau_is_smoothed_over_training_batches(self, driver) -> None:
        # One batch of 40 rows, of which 39 have gradient zero: tau is sqrt(40).
        run = driver(GradientNormSampling(momentum=0.75), np.ones(40), batch_size=4)
        el2n = np.r_[1.0, np.zeros(39)]
        run.strategy.observe(np.arange(40), {"loss": el2n, "el2n": el2n}, training=True)
        assert run.strategy.tau_ == pytest.approx(0.75 + 0.25 * 40**0.5)

    def test_losses_have_no_say(self, driver) -> None:
        run = driver(GradientNormSampling(momentum=0.0), np.ones(40), batch_size=4)
        measured = {"loss": np.r_[1e6, np.zeros(39)], "el2n": np.ones(40)}
        run.strategy.observe(np.arange(40), measured, training=True)
        assert run.strategy.tau_ == pytest.approx(1.0)

    def test_it_switches_on_within_a_round(self, driver) -> None:
        strategy = GradientNormSampling(threshold=1.05, momentum=0.0)
        run = driver(strategy, SKEWED, batch_size=5)
        run.table.record(np.arange(60), run.losses, epoch=0, training=True)
        run.epoch = 1
        first, second = run.selections()[:2]
        assert first.weights is None  # tau is 1 until the first batch tells
        assert variance_reduction(run.measured(first.rows)["el2n"]) > 1.05
        assert second.weights is not None


class TestOn:
    def test_weights_are_the_mean_score_over_the_score(self, driver) -> None:
        run = driver(GradientNormSampling(threshold=0), SKEWED, batch_size=5).after_warmup()
        scores = run.measured(np.arange(60))["el2n"]
        selections = run.selections()
        assert [len(selection) for selection in selections] == [5, 5, 5, 5]
        for selection, (_, scored, measures) in zip(selections, run.score_calls, strict=True):
            assert measures == ("loss", "el2n")
            assert len(scored) == 15
            assert np.isin(selection.rows, scored).all()
            assert (np.diff(selection.rows) >= 0).all()
            # 1 / (B g) with g = s / sum(s)
            expected = scores[scored].mean() / scores[selection.rows]
            np.testing.assert_allclose(selection.weights, expected)

    @pytest.mark.parametrize("percentage, batch_size", [(33.3, 5), (20, 7), (70, 4)])
    def test_the_gradient_is_unbiased(self, percentage: float, batch_size: int, driver) -> None:
        # E[sum of w g] / E[draws] = mean of g; the unweighted mean would be far off.
        strategy = GradientNormSampling(percentage, threshold=0)
        run = driver(strategy, SKEWED, batch_size=batch_size).after_warmup()
        g = np.stack([SKEWED, np.ones(60), np.random.default_rng(1).normal(size=60)], axis=1)
        errors, biased = [], []
        for _ in range(500):
            selection = run.round()
            assert selection.weights is not None
            errors.append(selection.weights @ g[selection.rows] - len(selection) * g.mean(axis=0))
            biased.append(g[selection.rows, 0].mean() - g[:, 0].mean())
        mean, error = np.mean(errors, axis=0), np.std(errors, axis=0) / np.sqrt(500)
        assert (abs(mean) <= 5 * error).all()
        assert np.mean(biased) > 10 * np.std(biased) / np.sqrt(500)

    def test_tau_comes_from_the_presamples_alone(self, driver) -> None:
        run = driver(GradientNormSampling(threshold=0), SKEWED, batch_size=5)
        run.round()
        tau = run.strategy.tau_
        run.selections()
        for _, rows, _ in run.score_calls:
            tau = 0.9 * tau + 0.1 * variance_reduction(run.measured(rows)["el2n"])
        assert run.strategy.tau_ == pytest.approx(tau)

    def test_it_switches_off_again(self, driver) -> None:
        strategy = GradientNormSampling(threshold=1.05, momentum=0.0)
        run = driver(strategy, SKEWED, batch_size=20)
        run.round()
        assert run.selections()[0].weights is not None
        run.losses = np.ones(60, np.float32)
        assert [selection.weights for selection in run.rounds(2)] == [pytest.approx(1.0), None]

    def test_rows_without_gradient_are_never_drawn(self, driver) -> None:
        # Losses of 0 are clipped to an el2n of 1e-12 by the driver.
        losses = np.r_[np.zeros(30), np.ones(30)]
        run = driver(GradientNormSampling(threshold=0), losses, batch_size=5).after_warmup()
        assert all((selection.rows >= 30).all() for selection in run.rounds(5))


def test_begin_starts_anew(driver) -> None:
    run = driver(GradientNormSampling(threshold=0), SKEWED, batch_size=5)
    run.rounds(2)
    strategy = driver(run.strategy, SKEWED).strategy
    assert strategy.tau_ == 1.0
    assert not strategy.on_


def test_what_it_needs() -> None:
    assert GradientNormSampling().needs_score
    assert not GradientNormSampling(100).needs_score
    assert not GradientNormSampling().needs_end


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"threshold": -1}, "a number in the range [0, inf) or None. Got -1"),
        ({"momentum": 1.0}, "a number in the range [0, 1). Got 1.0"),
        ({"kappa": 0}, "a number in the range (0, inf). Got 0"),
        ({"percentage": 101}, "a number in the range (0, 100]. Got 101"),
    ],
)
def test_invalid_parameters(parameters: Any, message: str, driver) -> None:
    with pytest.raises(InvalidParameterError, match=re.escape(message)):
        driver(GradientNormSampling(**parameters), SKEWED)


@pytest.mark.parametrize("threshold, scored", [(9, 0), (0, 2000)])
def test_in_the_estimator(threshold: float, scored: int) -> None:
    X, y = make_classification(2000, random_state=0)
    strategy = GradientNormSampling(threshold=threshold)
    model = LossSampledClassifier(strategy, budget=6, random_state=0).fit(X, y)
    assert model.visit_counts_.sum() == 12000
    assert {record["scored"] for record in model.history_[1:-1]} == {scored}
