"""What every strategy has to keep, whatever its rule: one set of checks over all of them."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies import STRATEGIES, FunctionStrategy, SamplingStrategy, Setup


def hardest_third(losses: Any, rng: np.random.Generator) -> Any:
    """Rows in descending order of loss, so that sorting is left to the base class."""
    return np.argsort(-losses)[: max(1, len(losses) // 3)]


class WeightedHalf(SamplingStrategy):
    """What a user writes: `_select` alone, in no order, with weights."""

    def _select(self, losses: Any, rng: np.random.Generator) -> tuple[Any, Any]:
        chosen = rng.permutation(len(losses))[: max(1, len(losses) // 2)]
        weights = rng.uniform(0.5, 1.5, len(chosen))
        return chosen, weights / weights.mean()


Make = Callable[..., SamplingStrategy]

CASES = [pytest.param(cls, id=name) for name, cls in STRATEGIES.items()]
CASES += [
    pytest.param(lambda **kw: FunctionStrategy(hardest_third, **kw), id="function"),
    pytest.param(WeightedHalf, id="subclass"),
]
WITH_PERCENTAGE = [pytest.param(cls, id=name) for name, cls in STRATEGIES.items()]

every_strategy = pytest.mark.parametrize("make", CASES)


def some_losses(n: int, seed: int) -> Any:
    """Skewed, with a tenth of exact zeros and a tenth of repeated values."""
    rng = np.random.default_rng(seed)
    losses = rng.lognormal(0.0, 1.5, n).astype(np.float32)
    losses[rng.random(n) < 0.1] = 0.0
    losses[rng.random(n) < 0.1] = 0.25
    return losses


def check_selection(selection: Any, table: LossTable, batch_size: int) -> None:
    """Rows and weights are well-formed."""
    rows, weights = selection.rows, selection.weights
    assert rows.dtype == np.int64
    assert rows.ndim == 1
    assert len(rows) >= min(batch_size, len(table))
    assert rows.min() >= 0
    assert rows.max() < len(table)
    assert (np.diff(rows) > 0).all(), "rows must ascend, without repeats"
    assert not table.evicted[rows].any()
    if weights is not None:
        assert weights.dtype == np.float64
        assert weights.shape == rows.shape
        assert np.isfinite(weights).all()
        assert (weights > 0).all()
    assert selection.lr_scale > 0


@every_strategy
@pytest.mark.parametrize("seed", range(10))
def test_every_selection_is_well_formed(make: Make, seed: int, driver) -> None:
    rng = np.random.default_rng(seed)
    n, batch_size = int(rng.integers(1, 300)), int(rng.integers(1, 64))
    knobs = {
        "exploration": float(rng.choice([0.0, 0.1, 1.0])),
        "refresh": rng.choice(["once", "table", "epoch"]).item(),
        "max_visits": rng.choice([None, 4]),
        "warmup_epochs": int(rng.integers(0, 3)),
    }
    run = driver(make(**knobs), some_losses(n, seed), batch_size=batch_size, seed=seed)
    for _ in range(4):
        selection = run.draw()
        check_selection(selection, run.table, batch_size)
        run.train(selection)


@every_strategy
def test_weights_have_mean_one(make: Make, driver) -> None:
    # E[sum of weights] = E[rows]: no strategy changes the length of a step by its weights.
    run = driver(make(refresh="table"), some_losses(200, 3)).after_warmup()
    sums, counts = [], []
    for _ in range(300):
        selection = run.draw()
        weights = np.ones(len(selection)) if selection.weights is None else selection.weights
        sums.append(weights.sum())
        counts.append(len(selection))
    excess = np.array(sums) - np.array(counts)  # expectation 0
    assert abs(excess.mean()) <= 5 * excess.std() / np.sqrt(len(excess)) + 1e-9


@every_strategy
def test_a_seed_repeats_the_rounds(make: Make, driver) -> None:
    losses = some_losses(120, 5)
    first, second = (
        driver(make(exploration=0.2), losses, batch_size=4, seed=7).rounds(4) for _ in range(2)
    )
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.rows, b.rows)
        np.testing.assert_array_equal(a.weights, b.weights)


@every_strategy
@pytest.mark.parametrize("value", [0.0, 1e-30, 2.0, 1e30])
def test_equal_losses_are_no_special_case(make: Make, value: float, driver) -> None:
    run = driver(make(), np.full(50, value), batch_size=5)
    for _ in range(3):
        selection = run.draw()
        check_selection(selection, run.table, 5)
        if selection.weights is not None and not isinstance(run.strategy, WeightedHalf):
            np.testing.assert_allclose(selection.weights, 1.0)
        run.train(selection)


@every_strategy
@pytest.mark.parametrize("loss", [0.0, 3.0])
def test_one_instance_is_always_chosen(make: Make, loss: float, driver) -> None:
    for selection in driver(make(), [loss], batch_size=32).rounds(3):
        np.testing.assert_array_equal(selection.rows, [0])
        assert selection.weights is None


@every_strategy
@pytest.mark.parametrize("n, batch_size", [(7, 8), (8, 8)])
def test_up_to_one_batch_of_rows_are_all_taken(make: Make, n: int, batch_size: int, driver) -> None:
    run = driver(make(), some_losses(n, 0), batch_size=batch_size)
    for selection in run.rounds(3):
        np.testing.assert_array_equal(selection.rows, np.arange(n))
        assert selection.weights is None
    assert run.score_calls == []


@pytest.mark.parametrize("make", WITH_PERCENTAGE)
def test_one_hundred_per_cent_is_all_rows_without_weights(make: Make, driver) -> None:
    run = driver(make(percentage=100), some_losses(60, 1), batch_size=4)
    for selection in run.rounds(4):
        np.testing.assert_array_equal(selection.rows, np.arange(60))
        assert selection.weights is None
    assert run.score_calls == []


@every_strategy
def test_never_seen_rows_join_every_selection_with_weight_one(make: Make, driver) -> None:
    never_seen = np.array([0, 3, 17, 38, 39])
    known = np.setdiff1d(np.arange(40), never_seen)
    for seed in range(5):
        run = driver(make(refresh="table"), some_losses(40, seed), seed=seed)
        run.table.record(known, run.losses[known], epoch=0, training=True)
        run.epoch = 1
        selection = run.draw()
        check_selection(selection, run.table, 1)
        assert np.isin(never_seen, selection.rows).all()
        if selection.weights is not None:
            weight_of_never_seen = selection.weights[np.isin(selection.rows, never_seen)]
            np.testing.assert_array_equal(weight_of_never_seen, 1.0)


@every_strategy
def test_table_without_any_loss_gives_all_rows(make: Make, driver) -> None:
    run = driver(make(refresh="table", warmup_epochs=0), some_losses(40, 0))
    selection = run.draw()
    np.testing.assert_array_equal(selection.rows, np.arange(40))
    assert selection.weights is None


@every_strategy
def test_table_and_losses_are_only_read(make: Make, driver) -> None:
    run = driver(make(refresh="table", exploration=0.1), some_losses(80, 2)).after_warmup()
    before = {name: column.copy() for name, column in columns_of(run.table).items()}
    for column in columns_of(run.table).values():
        column.flags.writeable = False
    for _ in range(3):
        run.draw()
    for name, column in columns_of(run.table).items():
        np.testing.assert_array_equal(column, before[name])


def test_a_function_that_writes_to_its_losses_does_not_reach_the_table(driver) -> None:
    def spoil(losses: Any, rng: np.random.Generator) -> Any:
        losses[:] = -1.0
        return np.arange(10)

    run = driver(FunctionStrategy(spoil, refresh="table"), some_losses(80, 2)).after_warmup()
    run.draw()
    np.testing.assert_array_equal(run.table.loss, run.losses)


def columns_of(table: LossTable) -> dict[str, Any]:
    return {name: v for name, v in vars(table).items() if isinstance(v, np.ndarray)}


@every_strategy
def test_global_random_state_is_left_alone(make: Make, driver) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    driver(make(exploration=0.3), some_losses(80, 2), batch_size=4).rounds(4)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@every_strategy
def test_a_pickle_between_rounds_draws_the_same(make: Make, driver) -> None:
    run = driver(make(exploration=0.1, refresh=2, max_visits=5), some_losses(90, 4), batch_size=4)
    run.rounds(2)
    copy = driver(make(), some_losses(90, 4), batch_size=4)
    copy.strategy, copy.table, copy.rng = pickle.loads(
        pickle.dumps((run.strategy, run.table, run.rng))
    )
    copy.epoch = run.epoch
    for a, b in zip(run.rounds(3), copy.rounds(3), strict=True):
        np.testing.assert_array_equal(a.rows, b.rows)
        np.testing.assert_array_equal(a.weights, b.weights)


@every_strategy
@pytest.mark.filterwarnings("ignore:max_visits=3 left:UserWarning")
def test_begin_starts_anew(make: Make, driver) -> None:
    # Scoring, evictions and the visits forgiven when they were lifted must not carry over,
    # neither to the same rows nor to fewer of them.
    strategy = make(max_visits=3, exploration=0.1)
    driver(strategy, some_losses(60, 1), batch_size=20, seed=2).rounds(8)
    for n in (60, 50):
        used = driver(strategy, some_losses(n, 0), batch_size=20, seed=1)
        new = driver(clone(strategy), some_losses(n, 0), batch_size=20, seed=1)
        for a, b in zip(used.rounds(5), new.rounds(5), strict=True):
            np.testing.assert_array_equal(a.rows, b.rows)
        assert [call[0] for call in used.score_calls] == [call[0] for call in new.score_calls]


@every_strategy
def test_begin_returns_the_strategy(make: Make, driver) -> None:
    run = driver(make(), [1.0, 2.0])
    assert run.strategy.begin(run.table, setup_of(run)) is run.strategy


def setup_of(run: Any) -> Setup:
    return Setup(len(run.losses), np.zeros(len(run.losses), np.int64), run.batch_size, run.rng)


@every_strategy
def test_clone_keeps_the_parameters_and_drops_the_state(make: Make, driver) -> None:
    strategy = make(exploration=0.25, refresh=3, max_visits=9)
    driver(strategy, some_losses(60, 0)).rounds(2)
    copy = clone(strategy)
    assert copy.get_params() == strategy.get_params()
    assert not [name for name in vars(copy) if name.endswith("_")]


@every_strategy
def test_parameters_can_be_read_set_and_printed(make: Make, driver) -> None:
    strategy = make()
    assert {
        "warmup_epochs",
        "final_epochs",
        "refresh",
        "exploration",
        "max_visits",
        "min_fraction",
    } <= set(strategy.get_params())
    assert strategy.set_params(exploration=0.125, refresh="epoch") is strategy
    assert strategy.exploration == 0.125
    assert "exploration=0.125" in repr(strategy)
    assert type(strategy).__name__ in repr(strategy)


@every_strategy
def test_constructor_stores_what_it_is_given(make: Make) -> None:
    # Checks come with `begin`, so that clone and set_params work on anything.
    assert make(exploration="no number").exploration == "no number"


@every_strategy
def test_what_the_base_class_promises_of_the_class(make: Make) -> None:
    strategy = make()
    assert isinstance(strategy.measures, tuple)
    assert isinstance(strategy.per_batch, bool)
    assert isinstance(strategy.replacement, bool)


@every_strategy
def test_a_seed_changes_only_what_is_random(make: Make, driver) -> None:
    # Another seed must be able to change what is random, and nothing else: with all
    # losses distinct, rules without a random part choose the same rows.
    losses = np.arange(1.0, 41.0)
    rows = [
        driver(make(refresh="table"), losses, seed=seed).after_warmup().draw().rows.tolist()
        for seed in range(5)
    ]
    if type(make()).__name__ in ("Random", "Importance", "WeightedHalf"):
        assert len({tuple(r) for r in rows}) > 1
    else:
        assert len({tuple(r) for r in rows}) == 1
