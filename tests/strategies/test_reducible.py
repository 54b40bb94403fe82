"""RHO-LOSS: the largest reducible losses, and where the irreducible ones come from."""

import re
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._reducible import ReducibleLoss

LOSSES = np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.5])


def no_fits(estimator: Any, cv: int) -> Any:
    raise AssertionError("nothing was to be fitted")


def test_rows_worked_by_hand(driver) -> None:
    # Reducible: 0, 3, 0.5, 2, 1, -3.5. One presample of six, two kept.
    irreducible = np.array([5.0, 1.0, 2.5, 0.0, 0.0, 4.0])
    run = driver(ReducibleLoss(), LOSSES, batch_size=2, irreducible_losses=irreducible)
    (selection,) = run.after_warmup().selections()
    np.testing.assert_array_equal(selection.rows, [1, 3])
    assert selection.weights is None
    ((_, _, measures),) = run.score_calls
    assert measures == ("loss",)


def test_the_largest_of_each_presample(driver) -> None:
    rng = np.random.default_rng(0)
    losses, irreducible = rng.exponential(size=(2, 80))
    run = driver(ReducibleLoss(20), losses, batch_size=4, irreducible_losses=irreducible)
    selections = run.after_warmup().selections()
    assert len(selections) == 4
    for selection, (_, scored, _) in zip(selections, run.score_calls, strict=True):
        reducible = (losses - irreducible)[scored]
        np.testing.assert_array_equal(selection.rows, np.sort(scored[np.argsort(reducible)[-4:]]))


def test_rows_that_cannot_be_learnt_stay_out(driver) -> None:
    losses = np.r_[np.full(20, 9.0), np.full(20, 2.0), np.full(40, 0.1)]
    irreducible = np.r_[np.full(20, 9.5), np.full(20, 0.3), np.full(40, 0.1)]
    run = driver(ReducibleLoss(), losses, batch_size=8, irreducible_losses=irreducible)
    rows = np.concatenate([selection.rows for selection in run.after_warmup().rounds(20)])
    assert rows.min() >= 20
    assert rows.max() < 40


def test_ties_are_drawn(driver) -> None:
    run = driver(ReducibleLoss(), np.arange(8.0), batch_size=2, irreducible_losses=np.arange(8.0))
    run.after_warmup()
    counts = np.zeros(8)
    for _ in range(400):
        counts[run.round().rows] += 1
    assert (abs(counts - 100) < 5 * 8.7).all()  # binomial(400, 1/4)


class TestIrreducibleLosses:
    def test_given_ones_are_used_and_copied(self, driver) -> None:
        given = np.arange(6)
        run = driver(
            ReducibleLoss(),
            LOSSES,
            batch_size=2,
            irreducible_losses=given,
            out_of_fold_losses=no_fits,
        )
        own = run.strategy.irreducible_losses_
        assert own.dtype == np.float64
        np.testing.assert_array_equal(own, given)
        assert not np.shares_memory(own, given)

    def test_else_out_of_fold_losses_of_the_estimator(self, driver) -> None:
        asked = []

        def fit(estimator: Any, cv: int) -> Any:
            asked.append((estimator, cv))
            return LOSSES - 1

        estimator = DummyClassifier()
        strategy = ReducibleLoss(estimator=estimator, cv=3)
        run = driver(strategy, LOSSES, batch_size=2, out_of_fold_losses=fit)
        assert asked == [(estimator, 3)]
        np.testing.assert_array_equal(run.strategy.irreducible_losses_, LOSSES - 1)

    @pytest.mark.parametrize("percentage, batch_size", [(100, 2), (10, 6)])
    def test_none_are_needed_where_every_round_has_all_rows(
        self, percentage: float, batch_size: int, driver
    ) -> None:
        strategy = ReducibleLoss(percentage)
        run = driver(strategy, LOSSES, batch_size=batch_size, out_of_fold_losses=no_fits)
        assert [len(selection) for selection in run.rounds(3)] == [6, 6, 6]
        assert run.score_calls == []

    def test_without_data_they_have_to_be_given(self, driver) -> None:
        with pytest.raises(ValueError, match=r"fit\(\.\.\., irr.*LossSampler\(\.\.\., irr"):
            driver(ReducibleLoss(), LOSSES, batch_size=2, out_of_fold_losses=None)

    @pytest.mark.parametrize("name", ["irreducible_losses", "out_of_fold_losses"])
    @pytest.mark.parametrize(
        "losses, got",
        [
            (np.ones(5), r"shape \(5,\)"),
            (np.ones((6, 1)), r"shape \(6, 1\)"),
            (np.r_[np.ones(5), np.nan], "infinite or NaN"),
            (np.array(["a"] * 6), "dtype <U1"),
        ],
    )
    def test_they_are_checked(self, name: str, losses: Any, got: str, driver) -> None:
        given = losses if name == "irreducible_losses" else lambda estimator, cv: losses
        with pytest.raises(ValueError, match=f"{name} must be one finite loss .*{got}"):
            driver(ReducibleLoss(), LOSSES, batch_size=2, **{name: given})


def test_what_it_needs() -> None:
    assert ReducibleLoss().needs_score
    assert not ReducibleLoss(100).needs_score
    assert not ReducibleLoss().needs_end


@pytest.mark.parametrize("warmup_epochs", [0, 1])
def test_the_first_round_has_all_rows_with_or_without_warmup(warmup_epochs: int, driver) -> None:
    run = driver(ReducibleLoss(warmup_epochs=warmup_epochs), LOSSES, batch_size=2)
    assert [len(selection) for selection in run.rounds(2)] == [6, 2]


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"cv": 1}, "an integer of at least 2. Got 1"),
        ({"cv": None}, "an integer of at least 2. Got None"),
        ({"percentage": 0}, "a number in the range (0, 100]. Got 0"),
    ],
)
def test_invalid_parameters(parameters: Any, message: str, driver) -> None:
    with pytest.raises(InvalidParameterError, match=re.escape(message)):
        driver(ReducibleLoss(**parameters), LOSSES)


def test_in_the_estimator() -> None:
    X, y = make_classification(2000, random_state=0)
    model = LossSampledClassifier(ReducibleLoss(50), budget=3, random_state=0)
    model.fit(X, y, irreducible_losses=np.arange(2000.0))
    np.testing.assert_array_equal(model.sampling_strategy_.irreducible_losses_, np.arange(2000))
    assert model.visit_counts_.sum() == 6000
    assert [record["scored"] for record in model.history_] == [0, 2000, 2000, 2000, 2000]
    # The larger the irreducible loss, the rarer the visits.
    assert model.visit_counts_[:500].mean() > 4 > 2 > model.visit_counts_[-500:].mean()
