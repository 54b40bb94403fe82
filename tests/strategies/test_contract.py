"""What every strategy has to keep, whatever its rule: one set of checks over all of them.

A new strategy is entered in `STRATEGIES`, and in the tables below where it promises
something: an exact number of rows, an unbiased estimate, something else than all rows at
100 per cent.
"""

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies import (
    STRATEGIES,
    FunctionStrategy,
    OrderDP,
    Robust,
    SamplingStrategy,
    Setup,
)
from sklearn_sifal.strategies._ranking import count_for


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


class Case:
    """Makes a strategy of a kind; parameters that it does not have are passed over."""

    def __init__(self, name: str, make: Make) -> None:
        self.name = name
        self.make = make
        self.parameters = set(make().get_params())

    def __call__(self, **parameters: Any) -> SamplingStrategy:
        return self.make(**{k: v for k, v in parameters.items() if k in self.parameters})


def robust(**parameters: Any) -> SamplingStrategy:
    return Robust(OrderDP(**parameters))


NAMED = {name: Case(name, cls) for name, cls in STRATEGIES.items()}
CASES = [pytest.param(case, id=name) for name, case in NAMED.items()]
CASES += [
    pytest.param(case, id=case.name)
    for case in (
        Case("function", lambda **kw: FunctionStrategy(hardest_third, **kw)),
        Case("subclass", WeightedHalf),
        Case("robust", robust),
    )
]
WITH_PERCENTAGE = [
    pytest.param(case, id=name) for name, case in NAMED.items() if "percentage" in case.parameters
]

every_strategy = pytest.mark.parametrize("make", CASES)

#: At 100 per cent the others are base (the table in the page on strategies).
NOT_BASE_AT_100 = {"heap", "online_batch", "prioritized", "seta"}

#: Rows of a round on n rows of distinct losses, given the percentage, where it is fixed.
SHARE_OF_THE_ROWS = (
    "percentile",
    "bottom_percentile",
    "random",
    "orderdp",
    "heap",
    "online_batch",
    "prioritized",
)

#: Weights that differ where all losses are equal, and what they go by.
WEIGHTS_BESIDE_LOSSES = {
    "repb": "how often a row was trained on",
    "subclass": "chance",
}

#: Rules whose first choice after the warm-up is the same with every seed, and why.
WITHOUT_CHANCE = {
    "base": "all rows",
    "percentile": "the largest losses",
    "percentage": "the largest losses",
    "bottom_percentile": "the smallest losses",
    "bottom_percentage": "the smallest losses",
    "self_paced": "the smallest losses",
    "kakurenbo": "all but rows of small loss",
    "instance_early_stopping": "all rows, as trajectories are too short to tell",
    "seta": "all groups",
    "function": "the largest losses",
}

#: What promises E[sum w g] / E[rows] = mean g for rows whose losses are known, and with
#: which parameters it does.
UNBIASED: dict[str, dict[str, Any]] = {
    "base": {},
    "random": {},
    "importance": {},
    "infobatch": {},
    "prioritized": {"beta": 1.0},
    "gradient_norm": {"threshold": 0.0},
}


def some_losses(n: int, seed: int) -> Any:
    """Skewed, with a tenth of exact zeros and a tenth of repeated values."""
    rng = np.random.default_rng(seed)
    losses = rng.lognormal(0.0, 1.5, n).astype(np.float32)
    losses[rng.random(n) < 0.1] = 0.0
    losses[rng.random(n) < 0.1] = 0.25
    return losses


def check_selection(selection: Any, strategy: SamplingStrategy, table: LossTable) -> None:
    """Rows and weights are well-formed."""
    rows, weights = selection.rows, selection.weights
    assert rows.dtype == np.int64
    assert rows.ndim == 1
    assert len(rows)
    assert rows.min() >= 0
    assert rows.max() < len(table)
    if not strategy.replacement:
        assert len(np.unique(rows)) == len(rows)
    if not strategy.per_batch:
        assert (np.diff(rows) >= 0).all(), "rows must ascend"
    assert not table.evicted[rows].any()
    if weights is not None:
        assert weights.dtype == np.float64
        assert weights.shape == rows.shape
        assert np.isfinite(weights).all()
        assert (weights > 0).all()
    assert np.isfinite(selection.lr_scale)
    assert selection.lr_scale > 0


def checked_round(run: Any) -> Any:
    """One round of the driver with every selection checked, laid end to end."""
    rows, weights = [np.empty(0, np.int64)], [np.empty(0)]
    for selection in run.strategy.draw(run.table, run.context()):
        check_selection(selection, run.strategy, run.table)
        rows.append(selection.rows)
        weighted = selection.weights is not None
        weights.append(selection.weights if weighted else np.ones(len(selection)))
        run.record(selection)
    run.epoch += 1
    return np.concatenate(rows), np.concatenate(weights)


def same_rounds(first: Any, second: Any, n: int) -> None:
    for a, b in zip(first.rounds(n), second.rounds(n), strict=True):
        np.testing.assert_array_equal(a.rows, b.rows)
        np.testing.assert_array_equal(a.weights, b.weights)
        assert a.lr_scale == b.lr_scale


@every_strategy
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.filterwarnings("ignore:max_visits=:UserWarning")
def test_every_selection_is_well_formed(make: Case, seed: int, driver) -> None:
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
        rows, _ = checked_round(run)
        assert len(rows) >= min(batch_size, n)
        if not run.strategy.replacement:
            assert len(np.unique(rows)) == len(rows), "a row came back within the round"


@every_strategy
def test_weights_have_mean_one(make: Case, driver) -> None:
    # E[sum of weights] = E[rows]: no strategy changes the length of a step by its weights.
    run = driver(make(refresh="table"), some_losses(200, 3), batch_size=8).after_warmup()
    excess = []
    for _ in range(300):
        _, weights = checked_round(run)
        excess.append(weights.sum() - len(weights))  # expectation 0
    assert abs(np.mean(excess)) <= 5 * np.std(excess) / np.sqrt(len(excess)) + 1e-9


@pytest.mark.parametrize("name", UNBIASED)
def test_weighted_means_are_unbiased_where_promised(name: str, driver) -> None:
    # E[sum w g] / E[rows] = mean g for any g, here one that goes with the loss.
    losses = some_losses(150, 8)
    g = losses**0.5 + np.random.default_rng(1).normal(size=150)
    parameters = {"refresh": "table", **UNBIASED[name]}
    run = driver(NAMED[name](**parameters), losses, batch_size=10).after_warmup()
    sums, counts = [], []
    for _ in range(600):
        rows, weights = checked_round(run)
        sums.append((weights * g[rows]).sum())
        counts.append(len(rows))
    error = np.array(sums) - np.array(counts) * g.mean()  # expectation 0
    assert abs(error.mean()) <= 4 * error.std() / np.sqrt(len(error)) + 1e-6 * np.mean(counts)


@pytest.mark.parametrize("percentage", [7, 40, 83])
@pytest.mark.parametrize("name", SHARE_OF_THE_ROWS)
def test_number_of_rows_promised(name: str, percentage: float, driver) -> None:
    losses = np.random.default_rng(2).exponential(size=233).astype(np.float32)
    run = driver(NAMED[name](percentage=percentage), losses, batch_size=9).after_warmup()
    for _ in range(3):
        rows, _ = checked_round(run)
        assert len(rows) == count_for(percentage, 233)


@every_strategy
def test_a_seed_repeats_the_rounds(make: Case, driver) -> None:
    losses = some_losses(120, 5)
    first, second = (driver(make(exploration=0.2), losses, batch_size=4, seed=7) for _ in range(2))
    same_rounds(first, second, 5)


@every_strategy
def test_a_report_of_no_rows_changes_nothing(make: Case, driver) -> None:
    losses = some_losses(60, 2)
    usual, told = (driver(make(), losses, batch_size=4) for _ in range(2))
    no_rows = np.empty(0, np.int64)
    for training in (True, False):
        told.strategy.observe(no_rows, told.measured(no_rows), training=training)
    same_rounds(usual, told, 2)
    told.strategy.observe(no_rows, told.measured(no_rows), training=True)
    same_rounds(usual, told, 3)


@every_strategy
@pytest.mark.parametrize("value", [0.0, 1e-30, 2.0, 1e30])
def test_equal_losses_are_no_special_case(make: Case, value: float, driver) -> None:
    run = driver(make(), np.full(50, value), batch_size=5)
    for _ in range(4):
        rows, weights = checked_round(run)
        assert len(rows) >= 5
        if make.name not in WEIGHTS_BESIDE_LOSSES:
            np.testing.assert_allclose(weights, 1.0)


@every_strategy
@pytest.mark.parametrize("loss", [0.0, 3.0])
def test_one_instance_is_always_chosen(make: Case, loss: float, driver) -> None:
    for selection in driver(make(), [loss], batch_size=32).rounds(3):
        np.testing.assert_array_equal(selection.rows, [0])
        assert selection.weights is None


@every_strategy
@pytest.mark.parametrize("n, batch_size", [(7, 8), (8, 8)])
def test_up_to_one_batch_of_rows_are_all_taken(make: Case, n: int, batch_size: int, driver) -> None:
    run = driver(make(), some_losses(n, 0), batch_size=batch_size)
    for selection in run.rounds(3):
        np.testing.assert_array_equal(selection.rows, np.arange(n))
        assert selection.weights is None
        assert selection.lr_scale == 1.0
    assert run.score_calls == []


@pytest.mark.parametrize("make", WITH_PERCENTAGE)
def test_one_hundred_per_cent(make: Case, driver) -> None:
    run = driver(make(percentage=100), some_losses(60, 1), batch_size=4)
    is_base = []
    for selection in run.rounds(4):
        is_base.append(np.array_equal(selection.rows, np.arange(60)))
        if make.name not in NOT_BASE_AT_100:
            assert selection.weights is None
            assert selection.lr_scale == 1.0
    assert all(is_base) == (make.name not in NOT_BASE_AT_100)
    if make.name not in NOT_BASE_AT_100:
        assert run.score_calls == []


@every_strategy
def test_never_seen_rows_join_every_round_with_weight_one(make: Case, driver) -> None:
    never_seen = np.array([0, 3, 17, 38, 39])
    known = np.setdiff1d(np.arange(40), never_seen)
    for seed in range(5):
        run = driver(make(refresh="table"), some_losses(40, seed), seed=seed)
        run.table.record(known, run.losses[known], epoch=0, training=True)
        measured = {k: v for k, v in run.measured(known).items() if k in run.strategy.measures}
        run.strategy.observe(known, {"loss": run.losses[known], **measured}, training=True)
        run.epoch = 1
        rows, weights = checked_round(run)
        assert np.isin(never_seen, rows).all()
        first = np.unique(rows, return_index=True)[1]  # a later visit is one of a known row
        np.testing.assert_array_equal(weights[first][np.isin(rows[first], never_seen)], 1.0)


@every_strategy
def test_table_without_any_loss_gives_all_rows(make: Case, driver) -> None:
    run = driver(make(refresh="table", warmup_epochs=0, start_at=0), some_losses(40, 0))
    first = next(iter(run.strategy.draw(run.table, run.context())))
    np.testing.assert_array_equal(first.rows, np.arange(40))
    assert first.weights is None


@every_strategy
def test_table_and_losses_are_only_read(make: Case, driver) -> None:
    run = driver(make(refresh="table", exploration=0.1), some_losses(80, 2)).after_warmup()
    before = {name: column.copy() for name, column in columns_of(run.table).items()}
    for column in columns_of(run.table).values():
        column.flags.writeable = False
    run.score = lambda rows, measures: {  # a scoring pass that leaves the table alone
        k: v for k, v in run.measured(rows).items() if k in ("loss", *measures)
    }
    for _ in range(3):
        list(run.strategy.draw(run.table, run.context()))
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
def test_global_random_state_is_left_alone(make: Case, driver) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    driver(make(exploration=0.3), some_losses(80, 2), batch_size=4).rounds(4)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@every_strategy
def test_a_pickle_between_rounds_draws_the_same(make: Case, driver) -> None:
    strategy = make(exploration=0.1, refresh=2, max_visits=7)
    run = driver(strategy, some_losses(90, 4), batch_size=4)
    run.rounds(3)
    copy = driver(make(), some_losses(90, 4), batch_size=4)
    copy.strategy, copy.table, copy.rng = pickle.loads(
        pickle.dumps((run.strategy, run.table, run.rng))
    )
    copy.epoch = run.epoch
    same_rounds(run, copy, 3)


@every_strategy
@pytest.mark.filterwarnings("ignore:max_visits=3 left:UserWarning")
def test_begin_starts_anew(make: Case, driver) -> None:
    # Scoring, evictions and the visits forgiven when they were lifted must not carry over,
    # neither to the same rows nor to fewer of them.
    strategy = make(max_visits=3, exploration=0.1)
    driver(strategy, some_losses(60, 1), batch_size=20, seed=2).rounds(8)
    for n in (60, 50):
        used = driver(strategy, some_losses(n, 0), batch_size=20, seed=1)
        new = driver(clone(strategy), some_losses(n, 0), batch_size=20, seed=1)
        same_rounds(used, new, 5)
        assert [call[0] for call in used.score_calls] == [call[0] for call in new.score_calls]


@every_strategy
def test_begin_returns_the_strategy(make: Case, driver) -> None:
    run = driver(make(), [1.0, 2.0])
    assert run.strategy.begin(run.table, setup_of(run)) is run.strategy


def setup_of(run: Any) -> Setup:
    n = len(run.losses)
    return Setup(n, run.y, run.batch_size, run.rng, **run.setup)


@every_strategy
def test_losses_known_before_the_first_round_are_used(make: Case, driver) -> None:
    # A warm start: the table is there at `begin`.
    run = driver(make(warmup_epochs=0, start_at=0, refresh="table"), some_losses(60, 6))
    rows = np.arange(60)
    run.table.record(rows, run.losses, epoch=0, training=True)
    run.strategy.begin(run.table, setup_of(run))
    run.epoch = 1
    for _ in range(3):
        checked_round(run)


@every_strategy
def test_clone_keeps_the_parameters_and_drops_the_state(make: Case, driver) -> None:
    strategy = make(exploration=0.25, refresh=3, max_visits=9)
    driver(strategy, some_losses(60, 0)).rounds(2)
    copy = clone(strategy)
    assert repr(copy) == repr(strategy)
    assert not [name for name in vars(copy) if name.endswith("_")]


@every_strategy
def test_parameters_can_be_read_set_and_printed(make: Case, driver) -> None:
    strategy = make()
    name = "strategy__exploration" if make.name == "robust" else "max_visits"
    assert strategy.set_params(**{name: 1}) is strategy
    assert strategy.get_params()[name] == 1
    assert f"{name.split('__')[-1]}=1" in repr(strategy)
    assert type(strategy).__name__ in repr(strategy)


@every_strategy
def test_constructor_stores_what_it_is_given(make: Case) -> None:
    # Checks come with `begin`, so that clone and set_params work on anything.
    if make.name != "robust":
        assert make(max_visits="no number").get_params()["max_visits"] == "no number"


@every_strategy
def test_what_the_base_class_promises_of_the_class(make: Case) -> None:
    strategy = make()
    assert isinstance(strategy.measures, tuple)
    for name in ("per_batch", "replacement", "needs_score", "needs_end"):
        assert isinstance(getattr(strategy, name), bool), name


@pytest.mark.parametrize("make", [*NAMED.values()], ids=list(NAMED))
def test_shared_knobs_have_the_same_defaults(make: Case) -> None:
    # Defaults that a paper sets are named here.
    of_the_paper: dict[str, dict[str, Any]] = PAPERS_DEFAULTS
    shared = SamplingStrategy().get_params()
    own = make().get_params()
    for name in own.keys() & shared.keys():
        expected = of_the_paper.get(make.name, {}).get(name, shared[name])
        assert own[name] == expected, name


@pytest.mark.parametrize("make", [*NAMED.values()], ids=list(NAMED))
def test_every_parameter_is_described(make: Case) -> None:
    doc = inspect.getdoc(type(make())) or ""
    for name in make.parameters:
        assert f"\n{name} : " in doc, name


#: Rules that go by the losses of the training steps, as their papers do.
PAPERS_DEFAULTS: dict[str, dict[str, Any]] = {
    name: {"refresh": "table"}
    for name in ("infobatch", "orderdp", "seta", "repb", "prioritized", "instance_early_stopping")
}


@pytest.mark.parametrize("make", [p for p in CASES if not p.values[0]().per_batch])
def test_a_seed_changes_only_what_is_random(make: Case, driver) -> None:
    # Another seed must be able to change what is random, and nothing else: with all
    # losses distinct, rules without a random part choose the same rows. Where a round is
    # drawn batch by batch, the order of the rows is random for all.
    losses = np.arange(1.0, 41.0) / 10
    rows = [
        driver(make(refresh="table"), losses, seed=seed).after_warmup().draw().rows.tolist()
        for seed in range(5)
    ]
    assert (len({tuple(r) for r in rows}) == 1) == (make.name in WITHOUT_CHANCE)
