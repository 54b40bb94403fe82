"""The steps that all strategies share: warm-up, refresh, exploration, visits, final rounds."""

import math
from typing import Any

import numpy as np
import pytest

from sklearn_sifal.strategies import (
    Base,
    BottomPercentage,
    BottomPercentile,
    FunctionStrategy,
    Importance,
    Percentage,
    Percentile,
    Random,
    SamplingStrategy,
    Selection,
)

ALL = np.arange(40)
DISTINCT = np.arange(1.0, 41.0)  # the loss of row i is i + 1


def sizes(selections: list[Selection]) -> list[int]:
    return [len(selection) for selection in selections]


class TestWarmup:
    @pytest.mark.parametrize("warmup_epochs", [0, 1, 3])
    def test_rounds_on_all_rows_come_first(self, warmup_epochs: int, driver) -> None:
        strategy = Percentile(25, warmup_epochs=warmup_epochs)
        assert sizes(driver(strategy, DISTINCT).rounds(5)) == (
            [40] * warmup_epochs + [10] * (5 - warmup_epochs)
        )

    def test_nothing_is_scored_in_it(self, driver) -> None:
        run = driver(Percentile(25, warmup_epochs=3, refresh="epoch"), DISTINCT)
        run.rounds(3)
        assert run.score_calls == []

    def test_without_one_the_first_round_scores_all_rows(self, driver) -> None:
        run = driver(Percentile(25, warmup_epochs=0), DISTINCT)
        np.testing.assert_array_equal(run.round().rows, np.arange(30, 40))
        assert len(run.score_calls) == 1

    def test_without_one_and_without_scoring_the_first_round_has_all_rows(self, driver) -> None:
        run = driver(Percentile(25, warmup_epochs=0, refresh="table"), DISTINCT)
        assert sizes(run.rounds(2)) == [40, 10]

    def test_a_function_is_first_called_after_it(self, driver) -> None:
        calls = []

        def note(losses: Any, rng: Any) -> Any:
            calls.append(losses)
            return [0]

        run = driver(FunctionStrategy(note, warmup_epochs=2), DISTINCT)
        run.rounds(2)
        assert calls == []
        run.round()
        assert len(calls) == 1
        np.testing.assert_array_equal(calls[0], DISTINCT)


class TestRefresh:
    @pytest.mark.parametrize(
        "refresh, rounds_that_score",
        [
            ("once", [1]),
            ("table", []),
            ("epoch", [1, 2, 3, 4, 5, 6]),
            (1, [1, 2, 3, 4, 5, 6]),
            (2, [1, 3, 5]),
            (np.int64(5), [1, 6]),
            (100, [1]),
        ],
    )
    @pytest.mark.parametrize(
        "cls", [Percentile, BottomPercentile, Percentage, BottomPercentage, Importance]
    )
    def test_scoring_passes(self, cls: Any, refresh: Any, rounds_that_score: Any, driver) -> None:
        run = driver(cls(refresh=refresh), DISTINCT)
        run.rounds(7)
        assert [epoch for epoch, _, _ in run.score_calls] == rounds_that_score
        for _, rows, measures in run.score_calls:
            np.testing.assert_array_equal(rows, ALL)
            assert measures == ("loss",)

    @pytest.mark.parametrize("strategy", [Base(), Random(), Random(warmup_epochs=0)])
    def test_strategies_that_do_not_look_at_losses_never_score(self, strategy: Any, driver) -> None:
        run = driver(strategy, DISTINCT)
        run.rounds(4)
        assert run.score_calls == []

    def test_a_subclass_gets_the_measures_it_asks_for(self, driver) -> None:
        class Unsure(SamplingStrategy):
            measures = ("loss", "margin")

            def _select(self, losses: Any, rng: Any) -> Any:
                return np.array([0]), None

        run = driver(Unsure(), DISTINCT)
        run.rounds(2)
        assert [measures for _, _, measures in run.score_calls] == [("loss", "margin")]

    def test_choice_uses_the_new_losses(self, driver) -> None:
        run = driver(Percentile(25, refresh="epoch"), DISTINCT)
        run.round()
        run.losses = run.losses[::-1].copy()  # the model has changed
        np.testing.assert_array_equal(run.round().rows, np.arange(10))

    def test_choice_uses_the_old_losses_where_nothing_is_measured(self, driver) -> None:
        run = driver(Percentile(25, refresh="table"), DISTINCT)
        run.round()
        run.losses = run.losses[::-1].copy()
        np.testing.assert_array_equal(run.round().rows, np.arange(30, 40))
        # Those ten rows now hold their new losses 1 to 10, the others their old ones.
        np.testing.assert_array_equal(run.round().rows, np.arange(20, 30))

    def test_only_rows_that_take_part_are_scored(self, driver) -> None:
        run = driver(Percentile(50, max_visits=2, refresh="epoch"), DISTINCT)
        run.rounds(3)
        np.testing.assert_array_equal(run.score_calls[0][1], ALL)
        np.testing.assert_array_equal(run.score_calls[1][1], np.arange(20))


class TestExploration:
    @pytest.mark.parametrize("share, extra", [(0.0, 0), (0.1, 3), (0.5, 15), (1.0, 30)])
    def test_count(self, share: float, extra: int, driver) -> None:
        run = driver(Percentile(25, exploration=share), DISTINCT).after_warmup()
        selection = run.draw()
        assert len(selection) == 10 + extra
        assert np.isin(np.arange(30, 40), selection.rows).all()
        assert selection.weights is None

    def test_weight_is_one(self, driver) -> None:
        losses = np.random.default_rng(0).exponential(size=400)
        run = driver(Importance(20, exploration=0.25), losses).after_warmup()
        selection = run.draw()
        # 80 rows are expected by the rule, and a quarter of the others join.
        by_rule = np.count_nonzero(selection.weights != 1.0)
        assert len(selection) == by_rule + round(0.25 * (400 - by_rule))

    def test_every_other_row_can_join(self, driver) -> None:
        run = driver(Percentile(25, exploration=0.2, refresh="table"), DISTINCT).after_warmup()
        joined = np.zeros(40, np.int64)
        for _ in range(400):
            joined[run.draw().rows] += 1
        assert (joined[30:] == 400).all()
        # Binomial(400, 0.2): mean 80, standard deviation 8.
        assert (abs(joined[:30] - 80) < 5 * 8).all()


class TestMaxVisits:
    def test_rows_sit_out_once_they_have_been_visited_that_often(self, driver) -> None:
        run = driver(Percentile(25, max_visits=3, refresh="table"), DISTINCT)
        chosen = [selection.rows for selection in run.rounds(5)]
        np.testing.assert_array_equal(chosen[0], ALL)  # visit 1, warm-up
        np.testing.assert_array_equal(chosen[1], np.arange(30, 40))  # visit 2
        np.testing.assert_array_equal(chosen[2], np.arange(30, 40))  # visit 3: the last
        # A quarter of the thirty rows left, rounded up.
        np.testing.assert_array_equal(chosen[3], np.arange(22, 30))
        np.testing.assert_array_equal(chosen[4], np.arange(22, 30))
        np.testing.assert_array_equal(np.flatnonzero(run.table.evicted), np.arange(22, 40))
        assert run.table.visits.max() == 3

    def test_final_rounds_leave_them_out_too(self, driver) -> None:
        strategy = Percentile(25, max_visits=3, final_epochs=1, refresh="table")
        run = driver(strategy, DISTINCT, max_rounds=4)
        np.testing.assert_array_equal(run.rounds(4)[-1].rows, np.arange(30))

    def test_warmup_leaves_them_out_too(self, driver) -> None:
        run = driver(Percentile(max_visits=2, warmup_epochs=5), DISTINCT)
        run.train(Selection(np.arange(10)))
        run.train(Selection(np.arange(10)))
        np.testing.assert_array_equal(run.round().rows, np.arange(10, 40))

    def test_base_obeys_it(self, driver) -> None:
        run = driver(Base(max_visits=2), DISTINCT)
        run.rounds(2)
        with pytest.warns(UserWarning, match=r"max_visits=2 left 0 rows"):
            selection = run.round()
        np.testing.assert_array_equal(selection.rows, ALL)

    def test_evictions_are_lifted_with_less_than_a_batch_left(self, driver) -> None:
        strategy = Percentile(50, max_visits=2, refresh="table")
        run = driver(strategy, DISTINCT, batch_size=15)
        np.testing.assert_array_equal(run.round().rows, ALL)
        np.testing.assert_array_equal(run.round().rows, np.arange(20, 40))  # now evicted
        # Half of the twenty others is less than a batch of 15.
        np.testing.assert_array_equal(run.round().rows, np.arange(5, 20))
        with pytest.warns(
            UserWarning,
            match=r"max_visits=2 left 5 rows, fewer than one batch of 15: all evictions are lifted",
        ):
            np.testing.assert_array_equal(run.round().rows, np.arange(20, 40))
        assert not run.table.evicted.any()
        # Visits are counted anew: one of two is made, so nothing is evicted and no warning comes.
        np.testing.assert_array_equal(run.round().rows, np.arange(20, 40))
        np.testing.assert_array_equal(run.round().rows, np.arange(5, 20))

    def test_a_limit_that_is_not_reached_changes_nothing(self, driver) -> None:
        limited = driver(Percentile(25, max_visits=100), DISTINCT).rounds(4)
        unlimited = driver(Percentile(25), DISTINCT).rounds(4)
        for a, b in zip(limited, unlimited, strict=True):
            np.testing.assert_array_equal(a.rows, b.rows)


class TestFinalEpochs:
    def test_by_rounds_left(self, driver) -> None:
        run = driver(Percentile(25, final_epochs=2), DISTINCT, max_rounds=6)
        assert sizes(run.rounds(6)) == [40, 10, 10, 10, 40, 40]

    def test_by_visits_left(self, driver) -> None:
        # 40 for the warm-up, 30 for three choices, 80 for two final rounds.
        run = driver(Percentile(25, final_epochs=2), DISTINCT, budget=150)
        assert sizes(run.rounds(6)) == [40, 10, 10, 10, 40, 40]
        assert run.visits_left == 0

    def test_the_choice_before_them_is_cut(self, driver) -> None:
        run = driver(Percentile(25, final_epochs=1), DISTINCT, budget=40 + 10 + 4 + 40)
        selections = run.rounds(4)
        assert sizes(selections) == [40, 10, 4, 40]
        assert np.isin(selections[2].rows, np.arange(30, 40)).all()
        assert (np.diff(selections[2].rows) > 0).all()

    def test_the_cut_is_random_and_keeps_rows_and_weights_together(self, driver) -> None:
        losses = np.linspace(0.1, 3.0, 40)
        strategy = Importance(50, final_epochs=1, refresh="table")
        run = driver(strategy, losses).after_warmup()
        weight_of: dict[int, float] = {}
        for _ in range(100):
            whole = run.draw()
            weight_of.update(zip(whole.rows.tolist(), whole.weights, strict=True))
        run.visits_left = 40 + 5
        seen = set()
        for _ in range(50):
            cut = run.draw()
            assert len(cut) == 5
            for row, weight in zip(cut.rows.tolist(), cut.weights, strict=True):
                assert weight == weight_of[row]
            seen.update(cut.rows.tolist())
        assert len(seen) > 20

    def test_room_is_left_for_the_rows_that_still_take_part(self, driver) -> None:
        # Ten rows sit out, so that a final round costs 30 visits and not 40.
        strategy = Percentile(50, final_epochs=1, max_visits=1, refresh="table")
        run = driver(strategy, DISTINCT, budget=30 + 12)
        run.table.record(ALL, run.losses, epoch=0, training=False)
        run.table.visits[:10] = 1
        run.epoch = 1
        cut = run.draw()
        assert len(cut) == 12
        assert np.isin(cut.rows, np.arange(25, 40)).all()

    def test_nothing_is_scored_in_them(self, driver) -> None:
        run = driver(Percentile(25, final_epochs=2, refresh="epoch"), DISTINCT, max_rounds=4)
        run.rounds(4)
        assert [epoch for epoch, _, _ in run.score_calls] == [1]

    def test_a_budget_without_final_rounds_is_not_looked_at(self, driver) -> None:
        # The caller cuts the last round.
        run = driver(Percentile(25), DISTINCT, budget=43)
        assert sizes(run.rounds(2)) == [40, 10]


class TestLeastRows:
    @pytest.mark.parametrize(
        "strategy, rows",
        [
            (Percentile(5), np.arange(28, 40)),
            (BottomPercentile(5), np.arange(12)),
            (Percentage(1), np.arange(28, 40)),
            (BottomPercentage(1), np.arange(12)),
        ],
    )
    def test_a_batch_is_filled_along_the_rule(self, strategy: Any, rows: Any, driver) -> None:
        run = driver(strategy, DISTINCT, batch_size=12).after_warmup()
        np.testing.assert_array_equal(run.draw().rows, rows)

    def test_a_batch_of_importance_stays_unbiased(self, driver) -> None:
        # Rows added with weight 1 would pull the weighted mean below the mean of all.
        run = driver(Importance(1), DISTINCT, batch_size=12).after_warmup()
        means = []
        for _ in range(2000):
            selection = run.draw()
            assert len(selection) == 12
            means.append(np.mean(selection.weights * run.losses[selection.rows]))
        standard_error = np.std(means) / np.sqrt(len(means))
        assert abs(np.mean(means) - run.losses.mean()) < 5 * standard_error

    def test_a_batch_of_random_is_filled_at_random(self, driver) -> None:
        run = driver(Random(1), DISTINCT, batch_size=12).after_warmup()
        assert {len(run.draw()) for _ in range(5)} == {12}

    def test_never_seen_rows_count_towards_the_batch(self, driver) -> None:
        run = driver(Percentile(5, refresh="table"), DISTINCT, batch_size=12)
        run.table.record(np.arange(30), run.losses[:30], epoch=0, training=True)
        run.epoch = 1
        # ceil(1.5) rows by the rule and ten never seen make the batch of twelve.
        np.testing.assert_array_equal(run.draw().rows, np.arange(28, 40))

    @pytest.mark.parametrize("min_fraction", [0.0, 0.05, 0.13, 0.3, 1.0])
    def test_collapse_is_filled_with_the_next_largest(self, min_fraction: float, driver) -> None:
        losses = np.linspace(0.01, 0.02, 40)
        losses[7] = 1000.0  # holds 99.9 % of the loss
        run = driver(Percentage(90, min_fraction=min_fraction), losses).after_warmup()
        expected = max(1, math.ceil(min_fraction * 40))
        largest = np.sort(np.argsort(losses)[-expected:])
        np.testing.assert_array_equal(run.draw().rows, largest)

    @pytest.mark.filterwarnings("ignore:The 'percentage' parameter")
    def test_collapse_of_the_bottom_rule_is_filled_with_the_next_smallest(self, driver) -> None:
        losses = DISTINCT.copy()
        losses[:35] = 1e-6
        losses[5] = 0.5e-6
        strategy = BottomPercentage(1e-6, min_fraction=0.9)
        run = driver(strategy, losses).after_warmup()
        rows = run.draw().rows
        assert len(rows) == 36
        np.testing.assert_array_equal(rows, np.arange(36))

    def test_fixed_sizes_have_no_other_bound(self, driver) -> None:
        run = driver(Percentile(5), DISTINCT).after_warmup()
        assert len(run.draw()) == 2
        with pytest.raises(TypeError, match="min_fraction"):
            Percentile(5, min_fraction=0.9)

    def test_min_fraction_of_a_function_is_zero_by_default(self, driver) -> None:
        run = driver(FunctionStrategy(lambda losses, rng: [3]), DISTINCT).after_warmup()
        np.testing.assert_array_equal(run.draw().rows, [3])
        run.strategy.min_fraction = 0.25
        assert len(run.draw()) == 10


def test_the_base_class_alone_names_what_is_missing(driver) -> None:
    class Empty(SamplingStrategy):
        pass

    with pytest.raises(NotImplementedError, match="Empty must write _select or draw"):
        driver(Empty(), DISTINCT).after_warmup().draw()
