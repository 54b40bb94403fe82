"""Robust: the scores, and that the wrapped strategy sees them everywhere."""

import copy
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies import (
    GuardedImportance,
    HeapQueue,
    Importance,
    Percentage,
    Percentile,
    Random,
    ReducibleLoss,
)
from sklearn_sifal.strategies._evolved import EvolvedSampling
from sklearn_sifal.strategies._instance_early_stopping import InstanceEarlyStopping
from sklearn_sifal.strategies._kakurenbo import Kakurenbo
from sklearn_sifal.strategies._presample import PresampleStrategy
from sklearn_sifal.strategies._ranking import top_k
from sklearn_sifal.strategies._robust import Robust


class HardestOfPresample(PresampleStrategy):
    """Keeps the largest scores, and notes all that it was shown."""

    measures = ("loss", "margin")

    def begin(self, table: Any, setup: Any) -> Any:
        self.kept_from_: list[Any] = []
        self.observed_: list[Any] = []
        return super().begin(table, setup)

    def observe(self, rows: Any, measured: Mapping[str, Any], *, training: bool) -> None:
        self.observed_.append((rows, dict(measured), training))

    def _keep(self, candidates: Any, n: int, measured: Any, context: Any) -> Any:
        self.kept_from_.append((candidates, measured))
        return top_k(measured["loss"], n, context.rng), None


WRAPPED = [
    Percentile(30, refresh="epoch", exploration=0.1),
    Percentage(70, max_visits=3),
    Importance(30, warmup_epochs=2, final_epochs=1),
    Random(30),
    Kakurenbo(60, tau=0.5),
    InstanceEarlyStopping(delta=0.1),
    HardestOfPresample(50),
    HeapQueue(60, size=20),
    EvolvedSampling(50),
]
every_wrapped = pytest.mark.parametrize("wrapped", WRAPPED, ids=lambda s: type(s).__name__)


class TestMovingAverage:
    def test_scores_worked_by_hand(self, driver) -> None:
        # Loss 1, then 2: s stays 1 for the score .2 * 1 + .8 * 2 = 1.8 and becomes 1.2;
        # then 0: .2 * 1.2 + .8 * 0 = .24.
        run = driver(Robust(Percentile(100)), np.ones(3))
        for loss, score in [(1.0, 1.0), (2.0, 1.8), (0.0, 0.24)]:
            run.losses[:] = loss
            run.round()
            np.testing.assert_allclose(run.strategy.scores_, score, rtol=1e-6)
        np.testing.assert_array_equal(run.table.loss, 0.0)  # the table has the losses

    def test_losses_of_one_round_count_once(self, driver) -> None:
        # As above, with a scoring pass (loss 7) before the steps of the second round.
        run = driver(Robust(Percentile(100)), np.ones(3))
        run.round()
        run.losses[:] = 7.0
        for selection in run.strategy.draw(run.table, run.context()):
            run.score(selection.rows, ("loss",))
            run.losses[:] = 2.0
            run.record(selection)
        np.testing.assert_allclose(run.strategy.scores_, 1.8, rtol=1e-6)

    def test_choice_goes_by_the_scores(self, driver) -> None:
        # Row 0 has 10, 10, then 1; row 1 has 1, 1, then 2; the others 0. With beta1 .9
        # row 0 still has the larger score, 9 + .1, against .9 + .2.
        strategy = Robust(Percentile(10, refresh="epoch"), beta1=0.9)
        run = driver(strategy, [10.0, 1.0] + [0.0] * 8)
        run.rounds(2)
        run.losses[:2] = 1.0, 2.0
        assert run.round().rows.tolist() == [0]
        unwrapped = driver(Percentile(10, refresh="epoch"), run.losses)
        assert unwrapped.rounds(2)[1].rows.tolist() == [1]

    def test_losses_known_at_begin_are_the_first(self, driver) -> None:
        run = driver(Robust(Percentile(100, refresh="table")), np.ones(3))
        run.table.record(np.arange(2), np.array([3.0, 4.0]))
        run.strategy.begin(run.table, _setup(run))
        np.testing.assert_array_equal(run.strategy.scores_, [3.0, 4.0, np.nan])
        run.round()
        np.testing.assert_allclose(run.strategy.scores_, [1.4, 1.6, 1.0], rtol=1e-6)


def _setup(run: Any) -> Any:
    from sklearn_sifal.strategies import Setup

    n = len(run.losses)
    return Setup(n, np.zeros(n, np.int64), run.batch_size, run.rng)


class TestTrajectory:
    def trained(self, driver: Any, courses: Any, trusted: Any, **parameters: Any) -> Any:
        strategy = Robust(Percentile(100), score="trajectory", **parameters)
        run = driver(strategy, courses[0], trusted=np.asarray(trusted, bool))
        for losses in courses:
            run.losses = np.asarray(losses, np.float32)
            run.round()
        run.strategy.row_scores_.next_round()  # with the trusted mean of the whole round
        return run

    def test_scores_worked_by_hand(self, driver) -> None:
        # The trusted mean is 3, 2, 1. Row 2 falls with it, row 3 rises, row 4 is flat;
        # row 5 has 1, 3, 2: its deviations -1, 1, 0 and 1, 0, -1 give r = -1 / 2.
        courses = [[4, 2, 6, 1, 1, 1], [2, 2, 4, 2, 1, 3], [1, 1, 2, 3, 1, 2]]
        run = self.trained(driver, courses, [1, 1, 0, 0, 0, 0])
        np.testing.assert_allclose(run.strategy.scores_[2:], [2.0, 0.0, 1.0, 0.5], atol=1e-6)

    def test_fewer_than_three_losses_are_judged_well(self, driver) -> None:
        run = self.trained(driver, [[2, 1], [1, 2]], [1, 0])
        np.testing.assert_array_equal(run.strategy.scores_, 2.0)

    def test_only_the_window_counts(self, driver) -> None:
        # Row 1 first falls with the trusted row, then rises while that falls on.
        courses = [[9, 9], [8, 8], [7, 7], [6, 8], [5, 9]]
        run = self.trained(driver, courses, [1, 0], window=3)
        np.testing.assert_allclose(run.strategy.scores_, [2.0, 0.0], atol=1e-6)

    def test_skipped_rounds_are_skipped_in_the_mean_too(self, driver) -> None:
        # Row 1 is not measured in round 2, where the trusted loss jumps: 4, 3, 9, 1
        # against 8, 6, -, 2 is a correlation of 1.
        strategy = Robust(Percentile(100), score="trajectory")
        driver(strategy, [4.0, 8.0], trusted=np.array([True, False]))
        for losses, rows in [([4, 8], [0, 1]), ([3, 6], [0, 1]), ([9, 0], [0]), ([1, 2], [0, 1])]:
            strategy.row_scores_.next_round()
            strategy.observe(
                np.array(rows), {"loss": np.array(losses, np.float32)[rows]}, training=True
            )
        assert strategy.scores_[1] == pytest.approx(2.0)

    def test_wrong_labels_lose_their_rank(self, driver) -> None:
        rng = np.random.default_rng(0)
        n, wrong = 200, np.arange(20)
        run = driver(
            Robust(Percentile(80, refresh="epoch"), score="trajectory"),
            np.ones(n),
            trusted=np.arange(n) >= 180,
        )
        for t in range(8):
            run.losses = (2.0 * 0.8**t + rng.normal(0, 0.05, n)).astype(np.float32)
            run.losses[wrong] = (2.0 + 0.3 * t + rng.normal(0, 0.05, 20)).astype(np.float32)
            rows = run.round().rows
        assert not np.isin(wrong, rows).any()

    @pytest.mark.parametrize(
        "trusted, got", [(None, "None"), (np.zeros(3, bool), "a mask without any row trained on")]
    )
    def test_trusted_rows_are_required(self, trusted: Any, got: str, driver) -> None:
        with pytest.raises(ValueError, match=rf"pass trusted, .* known to be right\. Got {got}\."):
            driver(Robust(Percentile(), score="trajectory"), np.ones(3), trusted=trusted)


def test_a_presample_is_chosen_by_scores(driver) -> None:
    run = driver(Robust(HardestOfPresample(50)), np.arange(12.0), batch_size=2)
    run.round()
    run.losses = run.losses[::-1].copy()
    run.round()
    inner = run.strategy.strategy_
    first, last = np.arange(12.0), np.arange(12.0)[::-1]
    expected = 0.2 * first + 0.8 * last
    assert len(inner.kept_from_) == 3
    for candidates, measured in inner.kept_from_:
        np.testing.assert_allclose(measured["loss"], expected[candidates], rtol=1e-6)
        np.testing.assert_allclose(
            measured["margin"], run.measured(candidates)["margin"], rtol=1e-6
        )
    for rows, measured, training in inner.observed_[6:]:  # six batches of warm-up before
        np.testing.assert_allclose(measured["loss"], expected[rows], rtol=1e-6)
        assert set(measured) == {"loss", "margin"}
        assert isinstance(training, bool)


@every_wrapped
def test_what_the_driver_asks_is_the_wrapped_strategy_s(wrapped: Any) -> None:
    names = "measures", "per_batch", "replacement", "non_negative", "needs_score", "needs_end"
    for name in names:
        assert getattr(Robust(wrapped), name) == getattr(wrapped, name)


@pytest.mark.parametrize(
    "wrapped, score",
    [
        pytest.param(wrapped, score, id=f"{type(wrapped).__name__}-{score}")
        for wrapped in WRAPPED
        for score in ("ema", "trajectory")
        if score == "ema" or not wrapped.reads_nats
    ],
)
def test_rounds_work_and_repeat(wrapped: Any, score: str, driver) -> None:
    losses = np.random.default_rng(0).exponential(size=60)
    given = {"trusted": np.arange(60) < 6, "batch_size": 5, "budget": 400}
    first, second = (driver(Robust(wrapped, score=score), losses, **given) for _ in range(2))
    for a, b in zip(first.rounds(6), second.rounds(6), strict=True):
        np.testing.assert_array_equal(a.rows, b.rows)
        np.testing.assert_array_equal(a.weights, b.weights)
    np.testing.assert_array_equal(first.table.loss, first.losses)
    assert not any(name.endswith("_") for name in vars(wrapped))


@every_wrapped
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_between_rounds_go_on_alike(wrapped: Any, duplicate: Any, driver) -> None:
    losses = np.random.default_rng(0).exponential(size=40)
    run = driver(Robust(wrapped), losses, batch_size=3)
    run.rounds(3)
    other = driver(Robust(wrapped), losses, batch_size=3)
    # One by one: the scores must not depend on arrays shared with the table.
    other.strategy, other.table = duplicate(run.strategy), duplicate(run.table)
    other.rng, other.epoch = duplicate(run.rng), run.epoch
    for a, b in zip(run.rounds(3), other.rounds(3), strict=True):
        np.testing.assert_array_equal(a.rows, b.rows)


@pytest.mark.filterwarnings("ignore:max_visits=2 left:UserWarning")
def test_evictions_reach_the_table(driver) -> None:
    run = driver(Robust(Percentile(50, max_visits=2)), np.arange(10.0), batch_size=3)
    run.rounds(2)
    np.testing.assert_array_equal(np.flatnonzero(run.table.evicted), np.arange(5, 10))
    run.rounds(2)
    assert run.strategy.strategy_.n_lifted_ == 1


def test_parameters_nest_and_clone() -> None:
    strategy = Robust(Percentile(30), window=5)
    assert strategy.get_params()["strategy__percentage"] == 30
    copied = clone(strategy.set_params(strategy__percentage=20, beta1=0.5))
    assert (copied.strategy.percentage, copied.beta1, copied.window) == (20, 0.5, 5)
    assert copied.strategy is not strategy.strategy


@pytest.mark.parametrize(
    "strategy, message",
    [
        (Robust("percentile"), "'strategy' parameter of Robust must be an instance"),  # type: ignore[arg-type]
        (Robust(Percentile), "'strategy' parameter of Robust must be an instance"),  # type: ignore[arg-type]
        (Robust(Robust(Percentile())), "around another Robust"),
        (Robust(Percentile(), score="mean"), "'score' parameter of Robust"),
        (Robust(Percentile(), beta1=2), "'beta1' parameter of Robust"),
        (Robust(Percentile(), beta2=-1), "'beta2' parameter of Robust"),
        (Robust(Percentile(), window=2), "'window' parameter of Robust"),
        (Robust(Percentile(0)), "'percentage' parameter of Percentile"),
        *(
            (Robust(wrapped, score="trajectory"), f"'trajectory'.*{type(wrapped).__name__}, .*nats")
            for wrapped in (GuardedImportance(), ReducibleLoss(), InstanceEarlyStopping())
        ),
    ],
)
def test_invalid_parameters(strategy: Any, message: str, driver) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        strategy._check_parameters()
    with pytest.raises(InvalidParameterError, match=message):
        driver(strategy, np.ones(3))


def test_a_classifier_takes_it_and_its_nested_parameters() -> None:
    X, y = make_classification(400, random_state=0)
    strategy = Robust(Percentile(50))
    clf = LossSampledClassifier(strategy, budget=3, batch_size=20, random_state=0)
    clf.set_params(sampling_strategy__strategy__percentage=25).fit(X.astype(np.float32), y)
    assert [record["visits"] for record in clf.history_][:3] == [400, 100, 100]
    assert sum(record["visits"] for record in clf.history_) == 1200
