"""What a strategy written by a user returns is checked before it trains anything."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_sifal import LossSampledClassifier, LossTable
from sklearn_sifal.strategies import Percentile, SamplingStrategy, Selection
from sklearn_sifal.strategies._ranking import count_for
from sklearn_sifal.strategies._share import ShareStrategy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 4))
Y = (X[:, 0] > 0).astype(int)


class Rule(SamplingStrategy):
    """Returns from `_select` what it was made with."""

    def __init__(self, returned: Any = None) -> None:
        super().__init__()
        self.returned = returned

    def _select(self, losses: Any, rng: Any) -> Any:
        return self.returned


class Drawer(SamplingStrategy):
    """Yields the selection it was made with, in every round."""

    def __init__(self, selection: Any = None) -> None:
        super().__init__()
        self.selection = selection

    def draw(self, table: Any, context: Any) -> Iterator[Selection]:
        yield self.selection


class Ageing(SamplingStrategy):
    """Notes the age of the losses: the present round minus that of the measurement."""

    def draw(self, table: Any, context: Any) -> Iterator[Selection]:
        self.ages = context.epoch - table.loss_epoch[table.loss_epoch >= 0]
        self.rounds = [*getattr(self, "rounds", []), context.round]
        yield Selection(np.arange(len(table)))


def fit(strategy: SamplingStrategy, **params: Any) -> LossSampledClassifier:
    return LossSampledClassifier(strategy, budget=3, random_state=0, **params).fit(X, Y)


ROWS = np.arange(300)


@pytest.mark.parametrize(
    "returned, error, match",
    [
        (ROWS, TypeError, r"Rule\._select must return a pair \(positions, weights\)"),
        ((np.repeat(ROWS, 2), None), ValueError, "Rule._select.*repeated row numbers"),
        ((ROWS + 500, None), ValueError, "row numbers from 500 to 799"),
        ((ROWS.astype(float), None), ValueError, "dtype float64"),
        ((ROWS, np.ones(299)), ValueError, r"one finite, non-negative weight.*shape \(299,\)"),
        ((ROWS, np.full(300, np.nan)), ValueError, "negative, infinite or NaN weights"),
        ((ROWS, -np.ones(300)), ValueError, "negative, infinite or NaN weights"),
    ],
)
def test_a_rule_is_checked(returned: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        fit(Rule(returned))


def test_a_mask_is_taken() -> None:
    mask = np.zeros(600, dtype=bool)
    mask[:200] = True
    model = fit(Rule((mask, None)), record="history")
    np.testing.assert_array_equal(model.selections_[1], np.arange(200))


@pytest.mark.parametrize(
    "selection, match",
    [
        (Selection(np.repeat(ROWS, 2)), "Drawer.draw.*repeated"),
        (Selection(ROWS - 1), "row numbers from -1 to 298"),
        (Selection(ROWS, np.full(300, np.inf)), "infinite"),
    ],
)
def test_an_own_draw_is_checked(selection: Selection, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        fit(Drawer(selection))


def test_repeats_are_visits_where_the_strategy_replaces() -> None:
    class Replacing(Drawer):
        replacement = True

    model = fit(Replacing(Selection(np.repeat(ROWS, 2))))
    np.testing.assert_array_equal(model.visit_counts_, np.r_[np.full(300, 6), np.zeros(300)])


def test_ages_go_on_over_a_warm_start() -> None:
    model = fit(Ageing(), warm_start=True)
    assert set(model.sampling_strategy_.ages) == {1}
    model.fit(X, Y)
    assert set(model.sampling_strategy_.ages) == {1}
    assert model.sampling_strategy_.rounds == [0, 1, 2]
    assert [record["epoch"] for record in model.history_] == [0, 1, 2, 3, 4, 5]


class Bare(SamplingStrategy):
    """Calls neither the base class's __init__ nor its begin."""

    def __init__(self, share: float = 0.5) -> None:
        self.share = share

    def begin(self, table: Any, setup: Any) -> None:
        self.n_rows = setup.n_rows

    def _select(self, losses: Any, rng: Any) -> Any:
        return np.argsort(-losses)[: int(self.share * len(losses))], None


def test_a_bare_subclass_has_the_defaults() -> None:
    model = fit(Bare(), record="history")
    assert [len(rows) for rows in model.selections_] == [600, 300, 300, 300, 300]


def test_a_context_with_the_required_fields_is_enough() -> None:
    table = LossTable(50)
    table.record(np.arange(50), np.arange(50.0))
    context = SimpleNamespace(
        epoch=1, progress=0.5, batch_size=5, rng=np.random.default_rng(0), score=lambda *_: {}
    )
    (selection,) = Percentile(20, refresh="table").draw(table, context)
    np.testing.assert_array_equal(selection.rows, np.arange(40, 50))


def test_a_rule_that_replaces_may_repeat() -> None:
    class Repeating(Rule):
        replacement = True

    model = fit(Repeating((np.repeat(ROWS, 2), None)), record="history")
    assert len(model.selections_[1]) == 600


@pytest.mark.parametrize(
    "drawn, error, match",
    [
        (np.arange(3), TypeError, "must yield Selection objects. Got ndarray"),
        (Selection(ROWS, lr_scale=float("nan")), ValueError, "lr_scale"),
    ],
)
def test_what_is_no_selection(drawn: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        fit(Drawer(drawn))


def test_unknown_measures_are_named() -> None:
    class Wishful(Drawer):
        measures = ("lossy",)

    with pytest.raises(ValueError, match="Wishful asks for the unknown measure 'lossy'"):
        fit(Wishful(Selection(ROWS)))


def test_scoring_no_rows_gives_empty_measures() -> None:
    class Scoring(SamplingStrategy):
        def draw(self, table: Any, context: Any) -> Iterator[Selection]:
            yield Selection(ROWS)
            self.measured = context.score(np.arange(0), ("loss", "correct"))

    measured = fit(Scoring()).sampling_strategy_.measured
    assert {name: len(values) for name, values in measured.items()} == {"loss": 0, "correct": 0}


def test_losses_of_chosen_and_other_rows_over_several_selections() -> None:
    class Halves(SamplingStrategy):
        def draw(self, table: Any, context: Any) -> Iterator[Selection]:
            yield Selection(np.arange(300))
            yield Selection(np.arange(300, 600))

    history = fit(Halves()).history_
    assert np.isnan(history[0]["chosen_loss"])  # nothing was known before the first round
    assert np.isfinite(history[1]["chosen_loss"])
    assert np.isnan(history[1]["other_loss"])  # every row was chosen


def test_evictions_of_the_last_round_are_marked() -> None:
    model = LossSampledClassifier(Percentile(50, max_visits=2), budget=1.5, random_state=0)
    table = model.fit(X, Y).loss_table_
    np.testing.assert_array_equal(table["evicted"], table["visits"] >= 2)
    assert table["evicted"].sum() == 300


def test_a_refresh_that_cannot_be_paid_for_is_left_out() -> None:
    model = LossSampledClassifier(
        Percentile(50, refresh="epoch", final_epochs=1),
        budget=3,
        budget_unit="passes",
        random_state=0,
    ).fit(X, Y)
    spent = sum(h["visits"] + h["scored"] / 3 for h in model.history_)
    assert spent <= 3 * 600 + 1
    assert all(h["visits"] > 0 for h in model.history_)
    # The last full epoch's worth of visits is on all rows.
    assert model.history_[-1]["visits"] == 600


class WithItsOwnInit(ShareStrategy):
    """Written when strategies passed the shared parameters on by hand."""

    def __init__(
        self,
        percentage: float = 20.0,
        *,
        center: float = 0.5,
        warmup_epochs: int = 1,
        final_epochs: int = 0,
        refresh: str | int = "once",
        exploration: float = 0.0,
        max_visits: int | None = None,
        min_fraction: float = 0.05,
    ) -> None:
        super().__init__(
            percentage,
            warmup_epochs=warmup_epochs,
            final_epochs=final_epochs,
            refresh=refresh,
            exploration=exploration,
            max_visits=max_visits,
            min_fraction=min_fraction,
        )
        self.center = center

    def _select(self, losses: Any, rng: Any) -> Any:
        order = np.argsort(losses)
        n = count_for(self.percentage, len(losses))
        start = round(self.center * (len(losses) - n))
        return order[start : start + n], None


def test_a_strategy_with_an_init_of_its_own() -> None:
    strategy = WithItsOwnInit(25, center=1.0, final_epochs=1, max_visits=9)
    assert clone(strategy).get_params() == strategy.get_params()
    assert repr(strategy) == (
        "WithItsOwnInit(center=1.0, final_epochs=1, max_visits=9, percentage=25)"
    )
    sizes = [len(rows) for rows in fit(strategy, record="history").selections_]
    assert sizes == [600, 150, 150, 150, 150, 600]
    with pytest.raises(ValueError, match="'exploration' parameter of WithItsOwnInit"):
        fit(WithItsOwnInit(exploration=2.0))


def test_a_strategy_without_an_init_takes_the_shared_parameters() -> None:
    strategy = Ageing(warmup_epochs=2, min_fraction=0.1)
    assert set(strategy.get_params()) == set(SamplingStrategy().get_params())
    assert repr(strategy) == "Ageing(min_fraction=0.1, warmup_epochs=2)"


@dataclass(eq=False)
class FromADataclass(SamplingStrategy):
    """Its parameters are those that it lists itself, one with another default."""

    share: float = 0.25
    names: list[str] = field(default_factory=list)
    warmup_epochs: int = 2

    def _select(self, losses: Any, rng: Any) -> Any:
        return np.argsort(-losses)[: int(self.share * len(losses))], None


@dataclass(eq=False)
class HardestOfADataclass(Percentile):
    percentage: float = 30.0
    note: str = ""


def test_a_dataclass_writes_the_init() -> None:
    assert list(inspect.signature(FromADataclass).parameters) == ["share", "names", "warmup_epochs"]
    strategy = FromADataclass(0.5, names=["a"])
    assert clone(strategy).get_params() == {"share": 0.5, "names": ["a"], "warmup_epochs": 2}
    sizes = [len(rows) for rows in fit(strategy, record="history").selections_]
    assert sizes == [600, 600, 300, 300]
    assert HardestOfADataclass(note="x").get_params() == {"percentage": 30.0, "note": "x"}
    with pytest.raises(ValueError, match="'percentage' parameter of HardestOfADataclass"):
        fit(HardestOfADataclass(0.0))


def test_a_default_in_the_body_is_the_default() -> None:
    class Late(Percentile):
        warmup_epochs = 3

    assert Late().warmup_epochs == 3
    assert inspect.signature(Late).parameters["warmup_epochs"].default == 3
    assert Late(warmup_epochs=1).warmup_epochs == 1
