"""Summaries and verdicts of runs that are made up, so that the right words are known."""

import numpy as np
import pytest

from sklearn_sifal.comparison import StrategyComparison
from sklearn_sifal.comparison._scores import CLASSIFICATION


def run(strategy, seed, accuracy, budget=4.0, seconds=1.0, lr=None, visits=400, error=None):
    figures = dict.fromkeys((m.name for m in CLASSIFICATION), accuracy) | {"nll": 1 - accuracy}
    costs = dict.fromkeys(("scored", "steps", "rounds"), 7)
    times = dict.fromkeys(("seconds_select", "seconds_score", "seconds_train"), 0.1)
    return {
        **{"strategy": strategy, "seed": seed, "budget": budget, "lr": lr, "error": error},
        **{**figures, **costs, **times, "visits": visits, "seconds": seconds},
    }


def compared(
    accuracies,
    *,
    n_test=10_000,
    lr=None,
    rate_search=(),
    budgets=(4.0,),
    settings=None,
    **costs,
):
    """`accuracies`: by strategy one value a seed, or by strategy and budget."""
    runs = []
    for strategy, values in accuracies.items():
        of_budgets = values if isinstance(values, dict) else dict.fromkeys(budgets, values)
        for budget, by_seed in of_budgets.items():
            own = {k: v[strategy] for k, v in costs.items() if strategy in v}
            runs += [run(strategy, i, a, budget, **own) for i, a in enumerate(by_seed)]
    return StrategyComparison(
        runs=runs,
        rounds=[],
        strategies=tuple(accuracies),
        budgets=tuple(sorted({r["budget"] for r in runs})),
        seeds=tuple(sorted({r["seed"] for r in runs})),
        metrics=CLASSIFICATION,
        parameters={name: {} for name in accuracies},
        rate_search=list(rate_search),
        labels=np.array([0, 1]),
        settings={"n_train": 100, "n_test": n_test, "lr": lr} | (settings or {}),
    )


BASE = (0.80, 0.81, 0.79)
LIKE_BASE = {"base": BASE, "random": (0.801, 0.809, 0.79)}


def outcomes(comparison, **kwargs):
    return {r["strategy"]: r["against_base"] for r in comparison.summary(**kwargs)}


def test_summary_by_hand():
    comparison = compared(LIKE_BASE | {"heap": (0.81, 0.83, 0.82)}, seconds={"heap": 3.0})
    heap = comparison.summary()[2]
    assert heap["accuracy"] == pytest.approx(0.82)
    assert heap["accuracy_std"] == pytest.approx(0.01)
    # Differences of 1, 2 and 3 points.
    assert heap["difference"] == pytest.approx(2)
    assert heap["difference_high"] - heap["difference"] == pytest.approx(4.30265 / np.sqrt(3))
    assert heap["difference_to_random"] == pytest.approx((0.9 + 2.1 + 3) / 3)
    assert heap["seconds_ratio"] == 3
    # With one claim nothing is adjusted; p = 0.074.
    assert heap["difference_p_adjusted"] == heap["difference_p_value"]
    assert heap["against_base"] == "not told apart"


def test_nothing_helped_is_said_first():
    comparison = compared(LIKE_BASE | {"heap": (0.7, 0.7, 0.69), "importance": (0.8, 0.8, 0.8)})
    assert comparison.verdict().startswith("No strategy was better than base by more than chance")
    assert "train on everything" in comparison.verdict().splitlines()[0]
    assert "No strategy was better than random" in comparison.verdict()


def test_a_gain_is_said_with_its_interval_and_its_seconds():
    better = tuple(a + g for a, g in zip(BASE, (0.030, 0.031, 0.032), strict=True))
    comparison = compared(LIKE_BASE | {"heap": better}, seconds={"heap": 1.5})
    assert outcomes(comparison)["heap"] == "better"
    first = comparison.verdict().splitlines()[0]
    half = 0.1 * 4.30265 / np.sqrt(3)
    shown = f"heap +3.10 points (+{3.1 - half:.2f} to +{3.1 + half:.2f})"
    begin = "Better than base by more than chance at equal visits and one learning rate for all"
    assert first.startswith(f"{begin}: {shown}.")
    assert "1.50 times as long as base" in first


def test_a_gain_that_random_has_too_is_none_of_the_choice():
    better = tuple(a + g for a, g in zip(BASE, (0.030, 0.031, 0.032), strict=True))
    comparison = compared({"base": BASE, "random": better, "heap": better})
    assert "random, which ignores losses, does as well" in comparison.verdict().splitlines()[0]


def test_a_gain_that_random_may_have_too():
    better = tuple(a + g for a, g in zip(BASE, (0.030, 0.031, 0.032), strict=True))
    comparison = compared({"base": BASE, "random": (0.76, 0.88, 0.80), "heap": better})
    first = comparison.verdict().splitlines()[0]
    assert "But it was not told apart from random" in first


def test_many_claims_are_adjusted():
    # p = 0.014 alone (differences 1.0, 1.2, 1.4); times eight it is no longer below 0.05.
    gain = tuple(a + g for a, g in zip(BASE, (0.010, 0.012, 0.014), strict=True))
    assert outcomes(compared(LIKE_BASE | {"a": gain}))["a"] == "better"
    others = {f"s{i}": (0.80, 0.80, 0.80) for i in range(7)}
    comparison = compared(LIKE_BASE | {"a": gain} | others)
    assert outcomes(comparison)["a"] == "not told apart"
    assert "interval of a leaves out zero" in comparison.verdict()
    assert "8 strategies were compared" in comparison.verdict()


def test_identical_and_cancelling_differences_are_not_the_same():
    comparison = compared(LIKE_BASE | {"same": BASE, "swings": (0.81, 0.80, 0.79)})
    found = outcomes(comparison)
    assert (found["same"], found["swings"]) == ("identical", "not told apart")
    assert "the rule never came into play: same." in comparison.verdict()


def test_the_same_accuracy_from_other_nets_is_not_identical():
    comparison = compared(LIKE_BASE | {"heap": BASE})
    for r in comparison.runs:
        r["nll"] += r["strategy"] == "heap"
    assert outcomes(comparison)["heap"] == "not told apart"
    assert "never came into play" not in comparison.verdict()


def test_random_alone_is_better():
    better = tuple(a + g for a, g in zip(BASE, (0.030, 0.031, 0.032), strict=True))
    comparison = compared({"base": BASE, "random": better, "heap": (0.80, 0.82, 0.79)})
    first = comparison.verdict().splitlines()[0]
    assert first.startswith("The strategy was not better than base")
    assert "train on everything" not in first
    assert "But random, which ignores losses, was better than base: random +3.10" in first


def test_figures_whose_rows_are_not_known():
    better = tuple(a + g for a, g in zip(BASE, (0.030, 0.031, 0.032), strict=True))
    text = compared(LIKE_BASE | {"heap": better}).verdict()
    assert "Results by test row are not known: the intervals are over seeds alone." in text


def test_a_collapse_is_called_unstable_with_its_seed():
    collapsed = (0.80, 0.81, 0.58)
    comparison = compared(LIKE_BASE | {"heap": collapsed})
    assert outcomes(comparison)["heap"] == "unstable"
    heap = comparison.summary()[2]
    assert (heap["worst_seed"], heap["worst"]) == (2, 0.58)
    assert heap["worst_difference"] == pytest.approx(-21)
    text = comparison.verdict()
    assert "Unstable: heap. With seed 2 its accuracy was 58.00, -21.00 points against base" in text
    assert text.startswith("The strategy was not better than base")


@pytest.mark.parametrize("n_collapsed, word", [(1, "unstable"), (3, "unstable"), (5, "worse")])
def test_more_than_one_training_may_collapse(n_collapsed, word):
    # Of three of five the mean is -24 points, with an interval from -51 to +3.
    base = (0.80, 0.80, 0.81, 0.79, 0.80)
    heap = tuple(a - 0.4 if i < n_collapsed else a for i, a in enumerate(base))
    heap = (heap[0] - 0.001, *heap[1:])
    random = (0.801, 0.80, 0.809, 0.79, 0.80)
    found = outcomes(compared({"base": base, "random": random, "heap": heap}))
    assert found["heap"] == word


def test_a_single_training_that_is_better_than_the_others_is_no_collapse():
    base = (0.80, 0.80, 0.81, 0.79, 0.80)
    random = (0.801, 0.80, 0.809, 0.79, 0.80)
    heap = (0.90, 0.80, 0.81, 0.79, 0.80)
    found = outcomes(compared({"base": base, "random": random, "heap": heap}))
    assert found["heap"] == "not told apart"


def test_a_collapse_of_the_loss():
    comparison = compared(LIKE_BASE | {"heap": (0.80, 0.81, 0.58)})
    assert outcomes(comparison, metric="nll")["heap"] == "unstable"


def test_where_random_swings_a_swing_is_not_called_unstable():
    swinging = {"base": BASE, "random": (0.80, 0.75, 0.70), "heap": (0.80, 0.81, 0.70)}
    assert outcomes(compared(swinging))["heap"] == "not told apart"


def test_a_swing_is_held_against_the_size_of_a_negative_loss():
    # As of densities: base loses -0.8, of which a quarter is 0.2.
    base = tuple(1 + a for a in BASE)
    for swing, word in ((0.19, "not told apart"), (0.21, "unstable")):
        swinging = {"base": base, "random": base[::-1], "heap": (1.80, 1.81, 1.79 - swing)}
        assert outcomes(compared(swinging), metric="nll")["heap"] == word


def test_a_swing_of_less_than_a_quarter_of_the_error_is_not_called_unstable():
    # Base is wrong for 20 of 100 rows: a quarter are 5 points.
    for swing, word in ((0.049, "not told apart"), (0.052, "unstable")):
        swinging = LIKE_BASE | {"heap": (0.80, 0.81, 0.79 - swing)}
        assert outcomes(compared(swinging))["heap"] == word


def test_two_trainings_cannot_be_called_unstable():
    found = outcomes(compared({"base": (0.8, 0.8), "random": (0.8, 0.81), "heap": (0.8, 0.2)}))
    assert found["heap"] == "not told apart"


@pytest.mark.parametrize("trivial, said", [(0.795, True), (0.79, False)])
def test_a_base_that_has_learnt_nothing(trivial, said):
    # Two standard errors of 0.79 or so from 10,000 rows are 0.0081; base has 0.80.
    comparison = compared(LIKE_BASE, settings={"trivial_accuracy": trivial})
    first = comparison.verdict().splitlines()[0]
    assert ("answering the most frequent label, 79.5 %" in first) == said
    assert "most frequent label" not in comparison.verdict(metric="nll")


def test_given_rates_are_not_called_shared():
    text = compared(LIKE_BASE, settings={"own_rates": ["heap"]}).verdict()
    assert "All strategies had rates that were given." in text


def test_several_trainings_at_a_time_are_told():
    assert "2 trainings ran at a time" in compared(LIKE_BASE, settings={"n_jobs": 2}).verdict()
    assert "at a time" not in compared(LIKE_BASE).verdict()


def test_one_seed_says_nothing():
    comparison = compared({"base": (0.8,), "random": (0.8,), "heap": (0.9,)})
    assert comparison.verdict().startswith("One seed: nothing can be said")
    assert outcomes(comparison)["heap"] == "unknown"
    assert "heap" in repr(comparison)


def test_lower_is_better_for_the_loss():
    better = tuple(a + g for a, g in zip(BASE, (0.030, 0.031, 0.032), strict=True))
    comparison = compared(LIKE_BASE | {"heap": better})
    heap = comparison.summary(metric="nll")[2]
    assert heap["difference"] == pytest.approx(-0.031)
    assert heap["against_base"] == "better"
    assert "heap -0.0310 nats" in comparison.verdict(metric="nll")


def test_a_strategy_that_broke_down():
    comparison = compared(LIKE_BASE | {"heap": (0.9, np.nan, 0.9)})
    comparison.runs[-2]["error"] = "The loss is NaN."
    assert outcomes(comparison)["heap"] == "failed"
    assert "heap broke down in 1 of 3 trainings" in comparison.verdict()
    assert comparison.verdict().startswith("The strategy broke down")


def test_a_shared_rate_is_warned_of_and_own_rates_are_not():
    assert "All strategies had one learning rate" in compared(LIKE_BASE).verdict()
    searched = [{"strategy": "base"}, {"strategy": "random"}]
    comparison = compared(LIKE_BASE, lr=(0.01, 0.02, 0.04), rate_search=searched)
    assert "one learning rate" not in comparison.verdict()


def test_rates_at_the_edge_are_told():
    comparison = compared(LIKE_BASE, lr=(0.01, 0.02, 0.04), rate_search=[{"strategy": "random"}])
    for r in comparison.runs:
        r["lr"] = 0.04
    assert [r["lr_at_edge"] for r in comparison.summary()] == [None, "highest"]
    assert "edge of the grid, so widen it, for: random (0.04)." in comparison.verdict()


@pytest.mark.parametrize("lr, said", [(0.04, True), (0.02, False)])
def test_a_gain_over_a_base_at_the_edge_is_doubted(lr, said):
    better = tuple(a + g for a, g in zip(BASE, (0.030, 0.031, 0.032), strict=True))
    searched = [{"strategy": name} for name in ("base", "random", "heap")]
    comparison = compared(LIKE_BASE | {"heap": better}, lr=(0.01, 0.02, 0.04), rate_search=searched)
    for r in comparison.runs:
        r["lr"] = lr
    first = comparison.verdict().splitlines()[0]
    assert ("base's rate is at the edge of the grid" in first) == said


def test_small_test_parts_and_few_seeds_are_told():
    text = compared(LIKE_BASE, n_test=200).verdict()
    assert "One of the 200 test rows is worth 0.5 points" in text
    assert "a difference of fewer than six rows tells nothing. The test part is small." in text
    assert "3 seeds make wide intervals" in text
    assert "small" not in compared(LIKE_BASE, n_test=10_000).verdict()


def test_unequal_visits_are_told():
    comparison = compared(LIKE_BASE, visits={"random": 200})
    assert "Visits were not equal: 200 to 400." in comparison.verdict()


def test_smaller_budgets_are_looked_at():
    better = tuple(a + g for a, g in zip(BASE, (0.030, 0.031, 0.032), strict=True))
    both = {name: {2.0: values, 4.0: values} for name, values in LIKE_BASE.items()}
    text = compared(both | {"heap": {2.0: better, 4.0: BASE}}).verdict()
    assert text.startswith("The strategy was not better than base")
    assert "With less training there was a gain" in text.splitlines()[0]
    assert "With a budget of 2, better than base: heap +3.10" in text
    assert "in 1.00 times the seconds." in text
    text = compared(both | {"heap": {2.0: BASE, 4.0: BASE}}).verdict()
    assert "Nothing was better than base with less training either (budget 2)." in text


def test_at_equal_seconds_base_is_read_off_its_curve():
    # Base reaches 0.80 in 1 s and 0.84 in 2 s; heap needs 1.5 s for 0.83, where base has 0.82.
    comparison = compared(
        {
            "base": {2.0: (0.79, 0.80, 0.81), 4.0: (0.83, 0.84, 0.85)},
            "random": {2.0: (0.79, 0.80, 0.81), 4.0: (0.83, 0.84, 0.85)},
            "heap": {2.0: (0.82, 0.831, 0.839), 4.0: (0.86, 0.871, 0.879)},
        }
    )
    for r in comparison.runs:
        r["seconds"] = {2.0: 1.0, 4.0: 2.0}[r["budget"]] if r["strategy"] != "heap" else 1.5
    text = comparison.verdict()
    assert "At equal seconds heap is still ahead of base: +5.00 points" in text


@pytest.mark.parametrize("which, value", [("metric", "speed"), ("budget", 3)])
def test_unknown_metrics_and_budgets(which, value):
    with pytest.raises(ValueError, match=f"{which} must be one of"):
        compared(LIKE_BASE).summary(**{which: value})


def test_no_negative_zeros():
    # Differences of 0.1, -0.1 and 0 points, whose mean has last bits.
    assert "-0.00" not in repr(compared(LIKE_BASE | {"heap": (0.801, 0.809, 0.79)}))
    assert "random +0.00 points" in compared(LIKE_BASE).verdict()


def test_repr_is_a_short_table():
    lines = repr(compared(LIKE_BASE)).splitlines()
    assert lines[0] == "StrategyComparison of 2 strategies, 3 seeds, budget 4"
    assert lines[2].split() == ["base", "80.00", "1.00", "the", "yardstick"]


def test_other_figures_are_judged_by_themselves():
    better = tuple(a + g for a, g in zip(BASE, (0.030, 0.031, 0.032), strict=True))
    comparison = compared(LIKE_BASE | {"heap": better})
    for r in comparison.runs:  # accuracy and the loss get better, macro F1 swings
        r["f1"] = 0.5 + 0.1 * ((r["seed"] + (r["strategy"] == "heap")) % 2)
    lines = comparison.verdict().splitlines()
    assert "- By macro F1: none told apart from base." in lines
    half = 0.001 * 4.30265 / np.sqrt(3)
    shown = f"better: heap -0.0310 nats ({-0.031 - half:.4f} to {-0.031 + half:.4f})"
    assert f"- By negative log-likelihood: {shown}." in lines
    assert "By macro F1" not in comparison.verdict(metric="nll")
