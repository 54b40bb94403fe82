"""With what cost strategies reach base: curves worked out by hand, and a small comparison."""

import numpy as np
import pytest

from sklearn_sifal.comparison._fit_results import FitResults
from sklearn_sifal.comparison._row_values import RowResults
from sklearn_sifal.comparison._savings import cost_to_reach, time_to_base
from sklearn_sifal.comparison._savings_words import in_times, savings_in_words
from sklearn_sifal.comparison._scores import CLASSIFICATION
from sklearn_sifal.comparison._statistics import paired_difference

ACCURACY, NLL = CLASSIFICATION[0], CLASSIFICATION[-1]
N_TRAIN, N_TEST = 100, 1000
BUDGETS = (1.0, 2.0, 4.0)
# Three trainings at each budget.
BASE = ((0.80, 0.81, 0.79), (0.85, 0.86, 0.84), (0.90, 0.91, 0.89))


def curve(strategy, figures, *, budgets=BUDGETS, price=1.0, scored=0, metric="accuracy", **more):
    """Runs of a strategy: by budget one figure a seed; `price`: seconds of a visit."""
    return [
        {"strategy": strategy, "budget": budget, "seed": seed, "split": 0, metric: figure}
        | {"visits": N_TRAIN * budget, "scored": scored, "seconds": price * budget, "error": None}
        | more
        for budget, of_budget in zip(budgets, figures, strict=True)
        for seed, figure in enumerate(of_budget)
    ]


def shifted(figures, *by):
    return [tuple(x + b for x in of) for of, b in zip(figures, by, strict=True)]


def records_of(*curves, metric=ACCURACY, results=None):
    runs = [run for of in curves for run in of]
    found = time_to_base(runs, metric, n_train=N_TRAIN, n_test=N_TEST, results=results)
    return {record["strategy"]: record for record in found}


def words(records, metric=ACCURACY):
    return savings_in_words(list(records.values()), metric, largest=4.0, n_test=N_TEST)


def like_base():
    return [curve("base", BASE), curve("random", shifted(BASE, -0.002, 0.001, -0.003))]


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ((-4, -2, 0), 4),
        ((-4, -1, 2), 2 + 2 / 3),  # a third of the way from 2 to 4
        ((-1, 1, 5), 1.5),
        ((1, 2, 3), 1),  # there at once: with so much or less
        ((-4, -3, -2), np.nan),
        ((-4, -2, -0.05), 4),  # within the tolerance, at a point that was measured
        ((-4, 4, -1), 1.5),  # the least, though it falls again
    ],
)
def test_cost_to_reach_by_hand(gaps, expected):
    found = cost_to_reach(np.array(gaps, float), np.array(BUDGETS), 0.1)
    assert found == pytest.approx(expected, nan_ok=True)


def test_costs_by_hand():
    # 0.88 with budget 1, 0.92 with 2: half way from one to the other.
    fast = shifted(BASE, 0.08, 0.07, 0.03)
    fast = records_of(*like_base(), curve("fast", fast, price=1.2, scored=50))["fast"]
    assert fast["target"] == pytest.approx(0.9)
    assert fast["margin"] == pytest.approx(1)  # a tenth of 10 points
    assert fast["visits"] == pytest.approx(1.5)
    assert fast["visits_ratio"] == pytest.approx(1.5 / 4)
    assert fast["forward"] == pytest.approx(2)  # 50 of 100 rows were scored besides
    assert fast["seconds"] == pytest.approx(1.8)
    assert fast["seconds_ratio"] == pytest.approx(1.8 / 4)
    # All trainings are shifted alike.
    assert fast["visits_low"] == pytest.approx(fast["visits_high"])
    assert (fast["reached"], fast["n_seeds"]) == (3, 3)
    assert not fast["at_smallest"]


def test_a_training_that_does_not_get_there():
    figures = [(0.80, 0.81, 0.79), (0.90, 0.93, 0.85), (0.92, 0.95, 0.86)]
    found = records_of(*like_base(), curve("s", figures))["s"]
    assert found["reached"] == 2
    # 0.80 to 0.90 is there with 2; 0.81 to 0.93 comes to 0.91 at 5/6 of the way.
    assert found["visits_low"] == pytest.approx(1 + 10 / 12)
    assert np.isnan(found["visits_high"])
    # Means of 0.80, 0.8933 and 0.91.
    assert found["visits"] == pytest.approx(2 + 2 * 0.4)
    assert (
        "2 of 3 trainings there" in words({"base": records_of(*like_base())["base"], "s": found})[1]
    )


def with_rows(rng, curves):
    """Results by row whose accuracies are `curves`, alike but for a few rows."""
    results, runs = FitResults(rows={0: np.arange(N_TEST)}), []
    hardness = rng.random(N_TEST)
    for runs_of in curves:
        for run in runs_of:
            right = hardness + 0.01 * rng.normal(size=N_TEST) < run["accuracy"]
            run["accuracy"] = right.mean()
            codes = right.astype(np.int64)
            results.add(run, RowResults(np.ones(N_TEST, np.int64), codes, np.float32(~right)))
            runs.append(run)
    return runs, results


def by_rows(*more):
    runs, results = with_rows(np.random.default_rng(0), [*like_base(), *more])
    return records_of(runs, results=results)


def test_a_saving_is_said_with_seconds_and_with_visits():
    fast = shifted(BASE, 0.05, 0.06, 0.03)
    found = by_rows(curve("fast", fast), curve("dear", fast, price=3.0))
    assert found["fast"]["outcome"] == found["dear"]["outcome"] == "saves"
    assert found["fast"]["budget"] == 2
    assert found["fast"]["visits_saved"] == pytest.approx(100 * (1 - found["fast"]["visits_ratio"]))
    assert 50 < found["fast"]["seconds_saved"] < 65
    assert np.isnan(found["dear"]["seconds_saved"])
    said = words(found)
    assert said[0].startswith("Seconds are saved on the way to base's accuracy with budget 4, 90.")
    assert "fast 5" in said[0]
    assert "dear" not in said[0].split(". Of the visits")[0]
    assert "With budget 2 against base with 4" in said[1]
    del found["fast"]
    assert words(found)[0].startswith("No seconds are saved by more than chance")
    assert "visits are: dear 5" in words(found)[0]


def test_nothing_saved_is_said_first():
    found = by_rows(curve("same", BASE), curve("bad", shifted(BASE, -0.1, -0.1, -0.1)))
    assert found["same"]["outcome"] == "not told"
    assert found["bad"]["outcome"] == "does not reach"
    assert found["base"]["outcome"] == "the yardstick"
    said = words(found)
    assert said[0].startswith("Nothing is saved by more than chance: no strategy was shown")
    assert said[-1] == "Worse than that with every budget: bad."


def test_what_base_saves_itself_is_no_saving():
    # Base is there with 2 visits; a strategy that is, too, saves nothing.
    flat = (BASE[0], (0.90, 0.91, 0.89), (0.90, 0.91, 0.89))
    runs = [curve(name, flat) for name in ("base", "random", "s")]
    found = records_of(*runs)
    assert found["s"]["visits"] == found["base"]["visits"] == 2
    assert found["s"]["visits_ratio"] == 1
    assert found["s"]["outcome"] == "not told"
    assert any("Base itself is there with 2.00 visits a row" in line for line in words(found))


def test_base_at_its_smallest_budget():
    runs = [curve(name, [BASE[2]] * 3) for name in ("base", "random", "s")]
    found = records_of(*runs)
    assert in_times(found["s"], "visits") == "at most 1.00"
    assert any("give smaller ones" in line for line in words(found))


def test_a_quick_machine_is_no_saving():
    # Base again, which happens to take less than half the seconds in two trainings of three.
    twin = curve("twin", shifted(BASE, 0.001, 0.001, 0.001))
    for run in twin:
        run["seconds"] *= 1.0 if run["seed"] == 2 else 0.4
    found = by_rows(twin)["twin"]
    assert np.isnan(found["seconds_saved"])


def test_dear_and_better_is_no_saving_of_seconds():
    # At each budget better than base, and just where base is for the same seconds.
    dear = by_rows(curve("s", shifted(BASE, 0.05, 0.05, 0.05), price=2.0))["s"]
    assert dear["visits_saved"] == pytest.approx(50, abs=5)
    assert np.isnan(dear["seconds_saved"])


def test_the_margin_of_a_negative_loss():
    # As of densities: base ends at -0.9, of which a tenth is 0.09.
    down = [tuple(-x for x in of) for of in BASE]
    runs = [curve(name, down, metric="nll") for name in ("base", "random", "s")]
    found = records_of(*runs, metric=NLL)["s"]
    assert found["target"] == pytest.approx(-0.9)
    assert found["margin"] == pytest.approx(0.09)


def test_a_loss_goes_down():
    down = [tuple(1 - x for x in of) for of in BASE]
    runs = [curve(name, down, metric="nll") for name in ("base", "random")]
    fast = curve("fast", shifted(down, -0.05, -0.10, -0.15), metric="nll")
    found = records_of(*runs, fast, metric=NLL)["fast"]
    assert found["target"] == pytest.approx(0.1)
    assert found["margin"] == pytest.approx(0.01)
    # 0.15 with 1, 0.05 with 2.
    assert found["visits"] == pytest.approx(1.5)
    # The figures alone are all shifted alike: nothing is known of other trainings.
    assert found["outcome"] == "not told"
    noisy = curve(
        "fast", [(0.15, 0.16, 0.14), (0.05, 0.06, 0.05), (0.02, 0.03, 0.02)], metric="nll"
    )
    assert records_of(*runs, noisy, metric=NLL)["fast"]["outcome"] == "saves"


def test_trainings_that_broke_down_are_no_points():
    fast = curve("fast", shifted(BASE, 0.10, 0.11, 0.03))
    fast[0] |= {"error": "infinite", "accuracy": np.nan, "visits": np.nan}
    broken = curve("broken", BASE, error="infinite")
    found = records_of(*like_base(), fast, broken)
    # With budget 1, where it broke down once, it would have been there.
    assert found["fast"]["visits"] == 2
    assert found["broken"]["outcome"] == "failed"
    assert np.isnan(found["broken"]["seconds_ratio"])
    assert words(found)


def test_one_budget_and_one_seed_say_nothing():
    found = records_of(*(curve(name, BASE[2:], budgets=(4.0,)) for name in ("base", "random", "s")))
    assert found["s"]["outcome"] == "one budget only"
    assert np.isnan(found["s"]["visits"])
    assert "budget=[...], such as 1.5, 2 and 4" in words(found)[0]
    for largest, such in ((2.0, "1.5, 2 and 4"), (37.0, "13.9, 18.5 and 37")):
        said = savings_in_words(list(found.values()), ACCURACY, largest=largest, n_test=N_TEST)
        assert f"such as {such}. " in said[0]
    one = [of[:1] for of in BASE]
    found = records_of(*(curve(name, one) for name in ("base", "random", "s")))
    assert found["s"]["outcome"] == "unknown"
    assert words(found) == []


def test_difference_to_a_weighted_mean_is_that_of_the_rows():
    rng = np.random.default_rng(0)
    _, results = with_rows(rng, like_base())
    keys = [("random", 4.0), ("base", 2.0), ("base", 4.0)]
    mine, low, high = (
        np.concatenate([of.predicted == of.y for _, of in results.results[key]]) * 1.0
        for key in keys
    )
    fits, rows = np.indices((3, N_TEST))
    expected = paired_difference(
        mine, 0.25 * low + 0.75 * high, fits=fits.ravel(), rows=rows.ravel()
    )
    found = results.difference_to_mean("accuracy", keys[0], {keys[1]: 0.25, keys[2]: 0.75})
    assert (found.mean, found.low, found.p_value) == pytest.approx(
        (expected.mean, expected.low, expected.p_value)
    )


def test_base_under_another_name_hardly_ever_saves():
    rng = np.random.default_rng(1)
    claims = 0
    for _ in range(40):
        noisy = [
            curve(name, BASE + rng.normal(scale=0.01, size=(3, 3)), price=rng.uniform(0.8, 1.2))
            for name in ("base", "random", "twin")
        ]
        claims += records_of(*noisy)["twin"]["outcome"] == "saves"
    assert claims <= 2


def test_of_a_comparison(compared):
    records = compared.time_to_base()
    assert [r["strategy"] for r in records] == list(compared.strategies)
    base = records[0]
    runs = [r for r in compared.runs if r["strategy"] == "base" and r["budget"] == 4]
    assert base["target"] == pytest.approx(np.mean([r["accuracy"] for r in runs]))
    assert base["visits"] == pytest.approx(4, rel=0.01)
    assert base["outcome"] == "the yardstick"
    said = compared._savings_in_words(records, compared.metrics[0])
    assert said[0] in compared.verdict()
    assert "what selection saves" not in compared.verdict().lower()
    with pytest.raises(ValueError, match="metric must be one of"):
        compared.time_to_base(metric="speed")
    by_loss = compared.time_to_base(metric="nll")[0]
    assert by_loss["target"] == pytest.approx(np.mean([r["nll"] for r in runs]))


def test_on_the_page(compared, tmp_path):
    compared.to_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.index('id="table"') < text.index('id="savings"') < text.index('id="curves"')
    section = text[text.index('id="savings"') : text.index('id="curves"')]
    assert "the yardstick" in section
    assert "nan" not in section
    assert "The dashed line is base" in text
