"""Importance sampling that keeps away from labels that look wrong."""

from typing import Any

import numpy as np
import pytest
import torch

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.neural import LossSampledNet
from sklearn_sifal.samplers import LossSampler
from sklearn_sifal.strategies import GuardedImportance, Importance

# Forty classes: the loss of a guess is log 40 = 3.69, and 2.84 a nat above the half of that.
CLASSES = np.arange(200) % 40


def labelled(n_wrong: int) -> Any:
    """Losses of 200 rows, the first `n_wrong` far above chance, the others small."""
    losses = np.full(200, 0.2)
    losses[:n_wrong] = 9.0
    return losses


def prepared(driver: Any, strategy: Any, losses: Any, y: Any = CLASSES) -> Any:
    """After three measurements of every row, as after a warm-up and its scoring pass."""
    run = driver(strategy, losses, batch_size=4, y=y).after_warmup()
    for _ in range(2):
        run.strategy.observe(np.arange(len(losses)), {"loss": run.losses}, training=True)
    return run


def test_wrong_labels_are_hardly_drawn(driver) -> None:
    run = prepared(driver, GuardedImportance(refresh="table"), labelled(40))
    rows = np.concatenate([run.draw().rows for _ in range(20)])
    assert run.strategy.wrong_share_ == pytest.approx(0.2, abs=0.01)
    assert (rows < 40).mean() < 0.02


def test_few_rows_that_look_wrong_are_taken_to_be_hard(driver) -> None:
    # 4 % are below the floor of 5 %: the guard is off, and hard rows are preferred.
    run = prepared(driver, GuardedImportance(refresh="table"), labelled(8))
    rows = np.concatenate([run.draw().rows for _ in range(20)])
    assert run.strategy.wrong_share_ == pytest.approx(0.04, abs=0.005)
    assert (rows < 8).mean() > 3 * 0.04


def test_the_guard_comes_on_gradually(driver) -> None:
    # At 1.5 times the floor it is half on. The odds are 0.15 / 0.85 times exp(12).
    run = prepared(driver, GuardedImportance(noise_floor=0.1), labelled(30))
    trust, gate = run.strategy._trust(np.arange(200))
    assert run.strategy.wrong_share_ == pytest.approx(0.15, abs=0.005)
    assert gate == pytest.approx(0.5, abs=0.05)
    np.testing.assert_allclose(trust[:30], 1 - gate, atol=0.01)
    np.testing.assert_allclose(trust[30:], 1.0, atol=0.01)


@pytest.mark.parametrize(
    "strategy, y",
    [
        (GuardedImportance(noise_floor=1.0), CLASSES),
        (GuardedImportance(), np.zeros(200, np.int64)),  # one class: nothing to guess
        (GuardedImportance(), np.linspace(0, 1, 200)),  # regression
    ],
)
def test_without_a_guard_wrong_labels_are_preferred(strategy: Any, y: Any, driver) -> None:
    run = prepared(driver, strategy.set_params(refresh="table"), labelled(40), y)
    rows = np.concatenate([run.draw().rows for _ in range(20)])
    assert (rows < 40).mean() > 0.4


def test_majority_that_looks_wrong_switches_the_guard_off(driver) -> None:
    # The typical loss is small before, so that 55 % of losses above it are evidence.
    run = prepared(driver, GuardedImportance(refresh="table"), labelled(40))
    run.strategy.evidence_[:110] = 9.0
    trust, gate = run.strategy._trust(np.arange(200))
    assert run.strategy.wrong_share_ == 0.5
    assert gate == 0.0
    assert trust is None


def test_classes_that_are_not_known_are_warned_of(driver) -> None:
    with pytest.warns(UserWarning, match="without a guard against wrong labels"):
        driver(GuardedImportance(), [1.0, 2.0], n_classes=None)
    driver(GuardedImportance(noise_floor=1.0), [1.0, 2.0], n_classes=None)


def test_class_codes_as_floats_are_warned_of() -> None:
    codes = np.arange(30) % 2
    with pytest.warns(UserWarning, match="without a guard against wrong labels"):
        LossSampler(30, "guarded_importance", y=codes.astype(float))
    net = LossSampledNet(
        torch.nn.Linear,
        torch.nn.BCEWithLogitsLoss,
        module__in_features=3,
        module__out_features=1,
        sampling_strategy="guarded_importance",
        max_epochs=1,
        verbose=0,
    )
    X, y = np.ones((30, 3), np.float32), codes[:, None].astype(np.float32)
    with pytest.warns(UserWarning, match="without a guard against wrong labels"):
        net.fit(X, y)
    net.set_params(criterion=torch.nn.MSELoss).fit(X, y)  # a regression, which is no surprise


def test_chance_loss_switches_the_guard_on_without_classes(driver) -> None:
    strategy = GuardedImportance(chance_loss=np.log(40), refresh="table")
    run = prepared(driver, strategy, labelled(40), np.linspace(0, 1, 200))
    rows = np.concatenate([run.draw().rows for _ in range(20)])
    assert (rows < 40).mean() < 0.02


def test_with_full_correction_and_no_guard_it_is_importance(driver) -> None:
    losses = np.random.default_rng(3).exponential(size=200)
    guarded = GuardedImportance(correction=1.0, noise_floor=1.0, refresh="table")
    a = driver(guarded, losses, batch_size=4).after_warmup().draw()
    b = driver(Importance(20, refresh="table"), losses, batch_size=4).after_warmup().draw()
    np.testing.assert_array_equal(a.rows, b.rows)
    np.testing.assert_allclose(a.weights, b.weights)


def test_the_share_doubles_with_every_pass(driver) -> None:
    losses = np.random.default_rng(3).exponential(size=1000)
    run = driver(GuardedImportance(25, refresh="table"), losses, batch_size=4).after_warmup()
    assert len(run.draw()) == pytest.approx(250, abs=60)
    run.table.visits += 1
    assert len(run.draw()) == pytest.approx(500, abs=60)
    run.table.visits += 1
    assert len(run.draw()) == 1000
    run.table.visits += 5000
    assert len(run.draw()) == 1000
    constant = GuardedImportance(25, growth=1.0, refresh="table")
    run = driver(constant, losses, batch_size=4).after_warmup()
    run.draw()
    run.table.visits += 5
    assert len(run.draw()) == pytest.approx(250, abs=60)


def test_without_correction_weights_are_ones(driver) -> None:
    losses = np.random.default_rng(3).exponential(size=200)
    selection = driver(GuardedImportance(refresh="table"), losses, batch_size=4).after_warmup()
    np.testing.assert_allclose(selection.draw().weights, 1.0)


def test_a_warm_start_brings_the_first_evidence(driver) -> None:
    run = driver(GuardedImportance(), labelled(40), y=CLASSES).after_warmup()
    run.strategy.begin(run.table, setup_like(run))
    assert (run.strategy.evidence_[:40] > 1).all()
    assert (run.strategy.evidence_[40:] < -1).all()


def setup_like(run: Any) -> Any:
    from sklearn_sifal.strategies import Setup

    return Setup(200, CLASSES, run.batch_size, run.rng, n_classes=40)


@pytest.mark.parametrize(
    "name, value",
    [
        ("growth", 0.9),
        ("alpha", 1.1),
        ("correction", -0.1),
        ("uniform", 2),
        ("epsilon", 0),
        ("margin", -0.1),
        ("chance_loss", -1),
        ("noise_floor", 0),
        ("noise_floor", 1.5),
    ],
)
def test_parameters(name: str, value: Any, driver) -> None:
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of GuardedImportance"):
        driver(GuardedImportance(**{name: value}), [1.0, 2.0])


@pytest.mark.parametrize("batch_size", [4, 40])
def test_without_guard_growth_and_correction_it_is_importance(batch_size: int, driver) -> None:
    # Row for row and bit for bit, near the size of a batch and far from it.
    plain = Importance(30, alpha=0.8, uniform=0.2, exploration=0.1)
    guarded = GuardedImportance(growth=1, correction=1, noise_floor=1).set_params(
        **plain.get_params()
    )
    losses = np.random.default_rng(0).lognormal(0.0, 1.5, 200)
    first, second = (
        driver(s, losses, batch_size=batch_size, y=CLASSES, seed=1) for s in (plain, guarded)
    )
    for a, b in zip(first.rounds(8), second.rounds(8), strict=True):
        np.testing.assert_array_equal(a.rows, b.rows)
        np.testing.assert_array_equal(a.weights, b.weights)
