"""EvolvedSampling: the weights, the averages, the draws and the set of a round."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._evolved import EvolvedSampling, _draw
from sklearn_sifal.strategies._selection import DrawContext


def test_weights_and_averages_worked_by_hand(driver) -> None:
    # Ten rows, s = .1; warm-up loss 1: s = .8 * .1 + .2 * 1 = .28. Then loss 2, scored:
    # w = .2 * .28 + .8 * 2 = 1.656 and s = .8 * .28 + .2 * 2 = .624, once a row, though
    # half of the rows are then trained on with a loss of 2.
    run = driver(EvolvedSampling(50), np.ones(10))
    run.round()
    np.testing.assert_allclose(run.strategy.averages_, 0.28, rtol=1e-6)
    run.losses[:] = 2.0
    assert len(run.round()) == 5
    np.testing.assert_allclose(run.strategy.weights_, 1.656, rtol=1e-6)
    np.testing.assert_allclose(run.strategy.averages_, 0.624, rtol=1e-6)


def test_draws_are_in_proportion_and_without_replacement() -> None:
    # Two of the weights 3, 2, 1, one after the other: row 2 is left out with probability
    # 3/6 * 2/3 + 2/6 * 3/4 = 7/12, row 1 with 3/6 * 1/3 + 1/6 * 3/5 = 4/15.
    rng = np.random.default_rng(0)
    left_out = np.zeros(3)
    weights = np.array([3.0, 2.0, 1.0], np.float32)
    for _ in range(4000):
        left_out[np.setdiff1d(np.arange(3), _draw(weights, 2, rng))] += 1
    expected = np.array([1 - 7 / 12 - 4 / 15, 4 / 15, 7 / 12])
    assert (abs(left_out / 4000 - expected) < 5 * np.sqrt(expected * (1 - expected) / 4000)).all()


def test_weights_of_zero_are_drawn_last_and_evenly() -> None:
    rng = np.random.default_rng(0)
    weights = np.array([0.0, 1e-30, -1e-8, 1e30], np.float32)
    drawn = [tuple(_draw(weights, 3, rng)) for _ in range(50)]
    assert set(drawn) == {(0, 1, 3), (1, 2, 3)}


def test_betas_of_zero_and_one_draw_by_the_loss_alone(driver) -> None:
    run = driver(EvolvedSampling(50, beta1=0.0, beta2=1.0), [0.0, 0.0, 1.0, 2.0])
    run.rounds(2)
    np.testing.assert_array_equal(run.strategy.weights_, run.losses)
    np.testing.assert_array_equal(run.strategy.averages_, np.float32(0.25))


def test_a_round_scores_all_rows_and_trains_on_a_share(driver) -> None:
    run = driver(EvolvedSampling(), np.ones(64), batch_size=4)
    assert len(run.round()) == 64
    selections = run.selections()
    assert [len(s) for s in selections] == [4, 4, 4, 4]
    assert [len(call[1]) for call in run.score_calls] == [16, 16, 16, 16]
    assert all(s.weights is None and s.lr_scale == 1.0 for s in selections)


class TestSetFraction:
    def test_presamples_come_from_rows_of_large_average(self, driver) -> None:
        run = driver(EvolvedSampling(50, set_fraction=0.6), [0.0] * 4 + [5.0] * 6)
        run.strategy.averages_[:4] = 0.0
        run.round()
        run.strategy.averages_[:4] = 0.0  # as if 1 / N had died away
        selections = run.selections()
        assert np.concatenate([s.rows for s in selections]).min() >= 4
        assert sum(len(call[1]) for call in run.score_calls) == 6

    def test_whole_presamples_are_not_scored(self, driver) -> None:
        run = driver(EvolvedSampling(100, set_fraction=0.5), np.ones(20), batch_size=4)
        assert [len(s) for s in run.rounds(3)] == [20, 10, 10]
        assert run.score_calls == []
        assert not run.strategy.needs_score

    @pytest.mark.parametrize("percentage", [50, 100])
    def test_final_epochs_keep_their_visits(self, percentage: float, driver) -> None:
        # 20 for the warm-up and 20 for the final round leave 7 in between.
        strategy = EvolvedSampling(percentage, set_fraction=0.5, final_epochs=1)
        run = driver(strategy, np.ones(20), budget=47)
        sizes = [len(run.round())]
        while run.visits_left:
            sizes.append(len(run.round()))
        assert sizes == ([20, 5, 2, 20] if percentage == 50 else [20, 7, 20])

    def test_never_seen_rows_join(self, driver) -> None:
        run = driver(EvolvedSampling(50, set_fraction=0.5, warmup_epochs=0), np.ones(20))
        assert len(run.round()) == 20


def test_one_hundred_per_cent_is_base(driver) -> None:
    run = driver(EvolvedSampling(100), np.ones(10))
    assert [len(s) for s in run.rounds(3)] == [10, 10, 10]
    assert run.score_calls == []


@pytest.mark.parametrize(
    "name, value",
    [("beta1", -0.1), ("beta2", 1.1), ("set_fraction", 0.0), ("set_fraction", 2), ("beta1", None)],
)
def test_invalid_parameters(name: str, value: Any, driver) -> None:
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of EvolvedSampling"):
        driver(EvolvedSampling(**{name: value}), np.ones(3))


def test_a_seed_repeats_the_rounds_and_begin_starts_anew(driver) -> None:
    losses = np.random.default_rng(0).exponential(size=60)
    strategy = EvolvedSampling(set_fraction=0.8)
    first, second = (driver(strategy, losses, batch_size=3).rounds(4) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.rows, b.rows)


def test_a_context_of_another_type_is_completed(driver) -> None:
    # `draw` completes it; the set of a round is made after that.
    run = driver(EvolvedSampling(50, set_fraction=0.5), np.ones(20)).after_warmup()
    given = run.context()

    class Bare:
        epoch, progress, batch_size = 1, 0.0, 2
        rng, score = given.rng, staticmethod(given.score)

    assert not isinstance(Bare(), DrawContext)
    assert sum(len(s) for s in run.strategy.draw(run.table, Bare())) == 5


def test_a_classifier_has_smaller_rounds_and_spends_its_budget() -> None:
    X, y = make_classification(1000, random_state=0)
    clf = LossSampledClassifier(
        EvolvedSampling(set_fraction=0.8), budget=2, batch_size=20, random_state=0
    ).fit(X.astype(np.float32), y)
    visits = [record["visits"] for record in clf.history_]
    assert visits[:3] == [1000, 200, 200]
    assert sum(visits) == 2000
