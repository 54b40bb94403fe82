"""Strategies ranked over data sets: what is counted, what is said, what is refused."""

import numpy as np
import pytest

from sklearn_sifal.comparison import SavedComparison, rank_strategies
from sklearn_sifal.comparison._scores import CLASSIFICATION, REGRESSION

ACCURACY, NLL = CLASSIFICATION[0], CLASSIFICATION[-1]


def comparison(
    accuracies, *, budgets=(4.0,), metrics=(ACCURACY, NLL), parameters=None, seconds=1.0, **more
):
    """One with two trainings of each strategy, whose figures differ by a tenth of a point."""
    runs = [
        {
            "strategy": name,
            "seed": seed,
            "budget": budget,
            "accuracy": value + (seed - 0.5) / 1000 + budget / 100,
            "nll": 1 - value,
            "r2": value,
            "mse": 1 - value,
            "seconds": seconds,
            "error": None,
            **more,
        }
        for name, value in accuracies.items()
        for seed in (0, 1)
        for budget in budgets
    ]
    parameters = parameters or {name: {} for name in accuracies}
    return SavedComparison(runs, tuple(accuracies), tuple(budgets), metrics, parameters, "")


def many(n, gains=(0.0, 0.01), names=("base", "mine"), **more):
    """Comparisons on which strategies gain a little more each time."""
    return {
        f"d{i}": comparison(
            {name: 0.5 + gain * (1 + i / 10) for name, gain in zip(names, gains, strict=True)},
            seconds=float(i),
            **more,
        )
        for i in range(n)
    }


# ------------------------------------------------------------------------- what is counted


def test_figures_are_means_over_the_trainings_at_the_largest_budget():
    ranks = rank_strategies(many(6, budgets=(2.0, 4.0)))
    np.testing.assert_allclose(ranks.scores[1], [54.0, 55.1])
    assert ranks.budgets == (4.0,) * 6
    assert ranks.metric is ACCURACY
    np.testing.assert_array_equal(ranks.ranks, np.tile([2, 1], (6, 1)))
    assert rank_strategies(many(6, budgets=(2.0, 4.0)), budget=2).scores[0, 0] == 52.0


def test_the_records_of_a_gain_everywhere():
    ranks = rank_strategies(many(6))
    mine, base = ranks.summary()
    assert mine["strategy"] == "mine"
    assert (mine["mean_rank"], mine["wins"], mine["ties"], mine["losses"]) == (1, 6, 0, 0)
    # 0.01 times 1.2 and 1.3, in points.
    assert mine["median_difference"] == pytest.approx(1.25)
    assert (mine["p_value"], mine["p_adjusted"]) == (2**-5, 2**-5)
    assert mine["outcome"] == "better"
    assert base["outcome"] == "the yardstick"
    assert ranks.friedman is None  # two strategies
    assert ranks.groups() == ()
    assert ranks.verdict().startswith(
        "Better than base over 6 data sets by more than chance: mine."
    )


def test_lower_is_better_for_a_loss():
    ranks = rank_strategies(many(6), metric="nll")
    assert ranks.summary()[0]["strategy"] == "mine"
    assert ranks.summary()[0]["median_difference"] == pytest.approx(-0.0125)
    assert ranks.summary()[0]["outcome"] == "better"
    assert "median -0.0125 nats" in ranks.verdict()
    worse = rank_strategies(many(6, gains=(0.0, -0.01)), metric="nll")
    assert worse.summary()[1]["outcome"] == "worse"
    assert worse.verdict().startswith(
        "No strategy was better than base over 6 data sets by more than chance. Worse by more "
        "than chance: mine."
    )


def test_holm_counts_the_strategies_of_the_table_and_all_pairs_of_the_picture():
    names = ("base", "random", "a", "b")
    rng = np.random.default_rng(0)
    figures = {
        f"d{i}": dict(zip(names, [0, 0.1, 0.3, 1.5] + rng.normal(0, 0.3, 4), strict=True))
        for i in range(12)
    }
    ranks = rank_strategies(figures)
    p = ranks.p_values[0, 1:]
    records = {record["strategy"]: record for record in ranks.summary()}
    order = np.argsort(p)
    expected = np.minimum(1, np.maximum.accumulate(p[order] * [3, 2, 1]))
    found = [records[names[1 + k]]["p_adjusted"] for k in order]
    np.testing.assert_allclose(found, expected)
    assert np.nanmin(ranks.p_adjusted) == pytest.approx(6 * np.nanmin(ranks.p_values))
    np.testing.assert_array_equal(ranks.p_adjusted, ranks.p_adjusted.T)
    assert records["b"]["outcome"] == "better"
    assert ranks.friedman.f_p_value < 0.05


def test_where_friedman_tells_nothing_no_pair_is_told_apart():
    # Every pair has its winner, and the winners go round: mean ranks are nearly equal.
    rng = np.random.default_rng(3)
    names = ["base", *(f"s{k}" for k in range(8))]
    figures = {f"d{i}": dict(zip(names, rng.normal(size=9), strict=True)) for i in range(12)}
    for record in figures.values():
        record["s0"] = record["base"] + 1e-3
    ranks = rank_strategies(figures)
    assert ranks.friedman.f_p_value > 0.05
    record = next(r for r in ranks.summary() if r["strategy"] == "s0")
    assert (record["wins"], record["outcome"]) == (12, "not told apart")
    assert record["p_adjusted"] < 0.05
    assert [len(group) for group in ranks.groups()] == [9]
    assert [len(group) for group in ranks.groups(test="nemenyi")] == [9]
    assert "and so no pair of them is" in ranks.verdict()
    assert ranks.verdict().startswith("No strategy was better than base over 12 data sets by more")


def test_a_training_that_failed_makes_its_strategy_the_last():
    comparisons = many(8, gains=(0, 0.01, 0.02), names=("base", "mine", "other"))
    for run in comparisons["d3"].runs:
        if run["strategy"] == "mine" and run["seed"] == 1:
            run |= {"accuracy": None, "error": "a loss was infinite"}
    ranks = rank_strategies(comparisons)
    assert np.isnan(ranks.scores[3, 1])
    assert ranks.ranks[3].tolist() == [2, 3, 1]
    mine = next(record for record in ranks.summary() if record["strategy"] == "mine")
    assert (mine["n_failed"], mine["wins"], mine["losses"]) == (1, 7, 1)
    # It loses the largest of eight ranks; 25 sets of different ranks have a sum of at most 8.
    assert mine["p_value"] == 2 * 25 / 2**8
    assert (
        "- mine has no accuracy on d3, as after a training that failed: ranked last there."
        in ranks.verdict()
    )


def test_failures_on_half_of_the_data_sets_leave_no_median():
    for failing in ("base", "a"):
        other = {"base": "a", "a": "base"}[failing]
        figures = {f"d{i}": {failing: np.nan if i % 2 else 1.0, other: 2.0} for i in range(6)}
        records = {r["strategy"]: r for r in rank_strategies(figures).summary()}
        assert np.isnan(records["a"]["median_difference"])
        assert records[failing]["n_failed"] == 3
        assert "nan" not in repr(rank_strategies(figures)) + rank_strategies(figures).verdict()


def test_ties_have_mean_ranks_and_identical_is_said():
    ranks = rank_strategies(many(7, gains=(0, 0, 0.01), names=("base", "random", "mine")))
    assert ranks.mean_ranks.tolist() == [2.5, 2.5, 1]
    outcomes = {record["strategy"]: record["outcome"] for record in ranks.summary()}
    assert outcomes == {"mine": "better", "base": "the yardstick", "random": "identical"}
    assert "- Identical on all data sets: random." in ranks.verdict()
    same = rank_strategies(many(7, gains=(0, 0, 0), names=("base", "random", "mine")))
    assert same.verdict().startswith("Every strategy had the figures of base on all data sets.")


# --------------------------------------------------------------------- too few data sets


def test_five_data_sets_say_nothing_and_the_verdict_says_so_first():
    ranks = rank_strategies(many(5))
    assert ranks.summary()[0]["p_value"] == 0.0625
    assert ranks.verdict().startswith(
        "5 data sets are too few to tell one strategy from another: even if it wins on every one "
        "of them, Wilcoxon's p-value is 0.0625. It takes at least 6 data sets"
    )
    assert ranks.too_few
    assert not rank_strategies(many(6)).too_few


def test_more_strategies_take_more_data_sets():
    names = ("base", "random", "a", "b", "c")
    ranks = rank_strategies(many(7, gains=(0, 0.01, 0.02, 0.03, 0.04), names=names))
    assert (
        "0.0156, and 0.0625 after Holm's adjustment for 4. It takes at least 8" in ranks.verdict()
    )
    assert {r["outcome"] for r in ranks.summary()} == {"not told apart", "the yardstick"}
    enough = rank_strategies(many(8, gains=(0, 0.01, 0.02, 0.03, 0.04), names=names))
    assert [r["outcome"] for r in enough.summary()] == ["better"] * 4 + ["the yardstick"]
    assert enough.too_few  # for the ten pairs of the picture


def test_one_data_set():
    ranks = rank_strategies(many(1))
    assert ranks.verdict().startswith("One data set says nothing of others. It takes at least 6")
    assert [record["outcome"] for record in ranks.summary()] == ["unknown", "the yardstick"]
    assert np.isnan(ranks.p_values).all()
    assert "StrategyRanks of 2 strategies on 1 data set, by accuracy" in repr(ranks)


# ------------------------------------------------------------------------------ figures


def test_a_data_frame_is_as_good_as_a_mapping():
    pandas = pytest.importorskip("pandas")
    figures = {f"d{i}": {"base": 0.5, "mine": 0.6 + i / 100} for i in range(6)}
    frame = pandas.DataFrame(figures).T
    ranks = rank_strategies(frame, metric="accuracy")
    assert ranks.data_sets == tuple(figures)
    assert ranks.strategies == ("base", "mine")
    assert ranks.metric.label == "accuracy"
    assert ranks.to_frame()["outcome"].tolist() == ["better", "the yardstick"]
    for first, second in zip(ranks.summary(), rank_strategies(figures).summary(), strict=True):
        assert first == pytest.approx(second, nan_ok=True)
    with pytest.raises(ValueError, match="index of the data frame must be unique"):
        rank_strategies(pandas.concat([frame, frame]))


def test_the_direction_of_figures():
    figures = {f"d{i}": {"base": 0.5, "mine": 0.6 + i / 100} for i in range(6)}
    assert rank_strategies(figures).summary()[0]["strategy"] == "mine"
    assert rank_strategies(figures, higher_is_better=False).summary()[0]["strategy"] == "base"
    assert rank_strategies(figures, metric="nll").summary()[0]["strategy"] == "base"


def test_without_a_yardstick():
    figures = {f"d{i}": {"a": i, "b": i + 1 + i / 10, "c": i + 1.5 - i / 9} for i in range(10)}
    ranks = rank_strategies(figures, yardstick=None)
    assert set(ranks.summary()[0]) == {"strategy", "mean_rank", "n_failed"}
    assert ranks.groups() == (("b", "c"),)
    assert ranks.verdict().startswith(
        "b has the best ranks over 10 data sets; not told apart from it: c."
    )
    assert "- Not told apart: b, c." in ranks.verdict()
    assert repr(ranks).splitlines()[1] == "strategy  mean rank"
    assert ranks.critical_difference() == pytest.approx(2.343 * np.sqrt(12 / 60), abs=1e-3)


# ---------------------------------------------------------------------- what is not equal


def test_strategies_that_are_not_everywhere():
    comparisons = many(6)
    comparisons["other"] = comparison({"base": 0.5, "mine": 0.6, "yours": 0.7})
    with pytest.raises(ValueError, match=r"Missing: 'yours' in d0, d1, d2, d3, d4, d5\. With"):
        rank_strategies(comparisons)
    ranks = rank_strategies(comparisons, common_only=True)
    assert ranks.strategies == ("base", "mine")
    assert "- Left out, since not all data sets have them: 'yours'." in ranks.verdict()
    comparisons["odd"] = comparison({"base": 0.5, "his": 0.6})
    with pytest.raises(ValueError, match="from 2 to 200 strategies that all data sets have"):
        rank_strategies(comparisons, common_only=True)


def test_budgets_and_parameters_that_differ_are_said():
    comparisons = many(6)
    comparisons["d6"] = comparison(
        {"base": 0.5, "mine": 0.6}, budgets=(2.0,), parameters={"mine": {"lr": "0.1"}}
    )
    verdict = rank_strategies(comparisons).verdict()
    assert "- The data sets had different budgets, from 2 to 4." in verdict
    assert "- Not the same parameters in all comparisons: 'mine'." in verdict
    with pytest.raises(
        ValueError, match=r"budget must be .* Got 4, which d6 does not have; it has 2"
    ):
        rank_strategies(comparisons, budget=4)


def test_figures_that_not_all_have():
    comparisons = many(3)
    comparisons["numbers"] = comparison({"base": 0.5, "mine": 0.6}, metrics=REGRESSION[:2])
    with pytest.raises(ValueError, match="'accuracy' in d2, 'r2' in numbers"):
        rank_strategies(comparisons)
    with pytest.raises(
        ValueError, match="Got 'accuracy', which numbers does not have; it has 'r2'"
    ):
        rank_strategies(comparisons, metric="accuracy")


def test_units_that_cannot_be_weighed_against_each_other_are_said():
    verdict = rank_strategies(many(6, metrics=REGRESSION[:2]), metric="mse").verdict()
    assert "in different units" in verdict
    assert "in different units" not in rank_strategies(many(6, metrics=REGRESSION[:2])).verdict()


def test_a_copy_would_count_twice():
    comparisons = many(6)
    comparisons["copy of d2"] = many(6)["d2"]
    with pytest.raises(ValueError, match="copy of d2 and d2 have the same trainings"):
        rank_strategies(comparisons)


def test_trainings_that_are_missing():
    comparisons = many(6)
    del comparisons["d1"].runs[-1]
    with pytest.raises(ValueError, match=r"d1 must have as many .* has 2 of 'base', 1 of 'mine'"):
        rank_strategies(comparisons)


@pytest.mark.parametrize(
    "given, error, expected",
    [
        ([1, 2], TypeError, "a folder, a data frame, or a mapping .* Got list"),
        ({}, ValueError, "at least one data set. Got none"),
        ({"a": 3}, TypeError, "Got int for 'a'"),
        ({"a": {"base": 1, "b": "x"}}, TypeError, "Got 'x' of 'b' on a"),
        ({"a": {"base": 1}}, ValueError, "from 2 to 200 strategies"),
        ({"a": {f"s{i}": i for i in range(201)}}, ValueError, "from 2 to 200 strategies"),
        ({"a": {"x": 1, "y": 2}}, ValueError, "'yardstick' .* None or one of 'x', 'y'. Got 'base'"),
        ({"a": {1: 2, "1": 3}}, ValueError, "must differ as texts"),
    ],
)
def test_what_is_refused(given, error, expected):
    with pytest.raises(error, match=expected):
        rank_strategies(given)


def test_parameters_that_have_no_place():
    with pytest.raises(ValueError, match=r"'budget' parameter .* None for figures"):
        rank_strategies({"a": {"base": 1, "x": 2}}, budget=4)
    with pytest.raises(ValueError, match="'higher_is_better' parameter"):
        rank_strategies(many(2), higher_is_better=True)
    with pytest.raises(ValueError, match=r"'test' parameter .* Got 'x'"):
        rank_strategies(many(2)).groups(test="x")


# ------------------------------------------------------------------------- real comparisons


def test_comparisons_in_memory_and_from_a_folder_are_the_same(compared, tmp_path):
    compared.to_json(tmp_path / "texts.json")
    from_folder = rank_strategies(tmp_path)
    in_memory = rank_strategies({"texts": compared})
    assert from_folder.data_sets == ("texts",)
    assert repr(from_folder) == repr(in_memory)
    np.testing.assert_array_equal(from_folder.scores, in_memory.scores)
    expected = [record["accuracy"] for record in compared.summary()]
    np.testing.assert_allclose(from_folder.scores[0], 100 * np.array(expected))


def test_the_order_of_data_sets_and_strategies_does_not_matter():
    rng = np.random.default_rng(1)
    names = ["base", "a", "b", "c"]
    figures = {f"d{i}": dict(zip(names, rng.normal(size=4), strict=True)) for i in range(9)}
    turned = {k: dict(reversed(v.items())) for k, v in reversed(figures.items())}
    records = [rank_strategies(given).summary() for given in (figures, turned)]
    for first, second in zip(
        *(sorted(r, key=lambda x: x["strategy"]) for r in records), strict=True
    ):
        assert first == pytest.approx(second, nan_ok=True)
