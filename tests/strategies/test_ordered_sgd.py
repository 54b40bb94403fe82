"""Ordered SGD: the largest losses of each presample, and the share that follows accuracy."""

import math
import re
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._ordered_sgd import OrderedSGD


def losses_of(accuracy: float, n: int = 1000) -> Any:
    """Rows with loss 0.1 (right) and then rows with loss 1 (p = 0.37: wrong)."""
    return np.where(np.arange(n) < round(accuracy * n), 0.1, 1.0)


def test_the_largest_losses_of_each_presample(driver) -> None:
    losses = np.random.default_rng(0).permutation(40).astype(float)
    run = driver(OrderedSGD(50), losses, batch_size=5).after_warmup()
    selections = run.selections()
    assert len(selections) == len(run.score_calls) == 4
    for selection, (_, scored, measures) in zip(selections, run.score_calls, strict=True):
        assert measures == ("loss",)
        hardest = scored[np.argsort(losses[scored])[5:]]
        np.testing.assert_array_equal(selection.rows, np.sort(hardest))
        assert selection.weights is None
        assert selection.lr_scale == 1.0


def test_ties_are_drawn(driver) -> None:
    run = driver(OrderedSGD(25), np.ones(8), batch_size=2).after_warmup()
    counts = np.zeros(8)
    for _ in range(400):
        for selection in run.selections():
            counts[selection.rows] += 1
    # One presample of 8, two kept: 100 each, standard deviation 8.7.
    assert (abs(counts - 100) < 5 * 8.7).all()


@pytest.mark.parametrize(
    "accuracy, share",
    [
        (0.799, 100.0),
        (0.80, 50.0),
        (0.899, 50.0),
        (0.90, 25.0),
        (0.95, 12.5),
        (0.994, 12.5),
        (0.995, 6.25),
        (1.0, 6.25),
    ],
)
def test_adaptive_share_by_accuracy(accuracy: float, share: float, driver) -> None:
    run = driver(OrderedSGD(1, adaptive=True), losses_of(accuracy), batch_size=10)
    run.round()
    trained = len(run.round())
    assert run.strategy.share_ == share
    assert trained == pytest.approx(10 * share, abs=1)
    # Presamples of 1000 / share rows.
    assert len(run.score_calls) == (0 if share == 100.0 else math.ceil(share))


def test_adaptive_share_never_grows_back(driver) -> None:
    run = driver(OrderedSGD(1, adaptive=True), losses_of(0.96), batch_size=10)
    run.rounds(2)
    run.losses = losses_of(0.1).astype(np.float32)
    run.rounds(3)
    assert run.strategy.share_ == 12.5


def test_adaptive_share_goes_by_all_rows_and_not_by_the_hard_ones(driver) -> None:
    # 85 %: half of each presample. Then 92 % of all rows are right, but at most 84 % of
    # those trained on.
    run = driver(OrderedSGD(1, adaptive=True), losses_of(0.85), batch_size=10)
    run.rounds(2)
    assert run.strategy.share_ == 50.0
    run.losses = losses_of(0.92).astype(np.float32)
    run.rounds(2)
    assert run.strategy.share_ == 25.0


def test_percentage_bounds_the_adaptive_share(driver) -> None:
    run = driver(OrderedSGD(40, adaptive=True), losses_of(1.0), batch_size=10)
    run.round()
    assert len(run.round()) == 400


def test_begin_starts_anew(driver) -> None:
    strategy = OrderedSGD(1, adaptive=True)
    driver(strategy, losses_of(1.0), batch_size=10).rounds(2)
    run = driver(strategy, losses_of(0.5), batch_size=10)
    assert [len(selection) for selection in run.rounds(3)] == [1000] * 3
    assert run.score_calls == []


def test_what_it_needs() -> None:
    assert OrderedSGD().needs_score
    assert OrderedSGD(50, adaptive=True).needs_score
    assert not OrderedSGD(100).needs_score
    assert not OrderedSGD().needs_end
    assert OrderedSGD().measures == ("loss",)
    assert OrderedSGD(adaptive=True).measures == ("loss", "correct")


def test_invalid_parameters(driver) -> None:
    message = "The 'adaptive' parameter of OrderedSGD must be a bool. Got 1 instead."
    with pytest.raises(InvalidParameterError, match=re.escape(message)):
        driver(OrderedSGD(adaptive=1), np.ones(4))


@pytest.mark.parametrize("adaptive", [False, True])
def test_in_the_estimator(adaptive: bool) -> None:
    X, y = make_classification(2000, random_state=0)
    model = LossSampledClassifier(OrderedSGD(50, adaptive=adaptive), budget=6, random_state=0)
    history = model.fit(X, y).history_
    assert model.visit_counts_.sum() == 12000
    halved = [record for record in history if record["scored"]]
    assert len(halved) == (10 if not adaptive else len(halved)) > 2
    assert {record["scored"] for record in halved} == {2000}
    assert {record["visits"] for record in halved} == {1000}
