"""Comparisons over splits of the rows given: equal rows, groups, weights, results by row."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal.comparison import compare_strategies, paired_difference
from sklearn_sifal.comparison._splits import equal_rows, held_out, make_splits

X, Y = make_classification(240, 6, class_sep=1.5, random_state=0)


def small(kind=LossSampledClassifier, **parameters):
    return kind(**{"hidden_layer_sizes": (4,), "batch_size": 16, "lr": 0.03} | parameters)


@pytest.fixture(scope="module")
def by_splits():
    return compare_strategies(small(), ["percentile"], X, Y, budget=2)


# ------------------------------------------------------------------ equal rows


def in_an_object_array(rows):
    array = np.empty(len(rows), object)
    array[:] = list(rows)
    return array


@pytest.mark.parametrize(
    "rows",
    [
        ["a b", "c", "a b", "", "c"],
        np.array(["a b", "c", "a b", "", "c"], object),
        np.array([[1.0, np.nan], [0, 0], [1, np.nan], [0, 1], [0, 0]]),
        np.array([[1, "x"], [2, None], [1, "x"], [3, "x"], [2, None]], object),
        sp.csr_matrix([[1, 0], [0, 2], [1, 0], [0, 0], [0, 2]]),
        pd.DataFrame({"a": [1, 2, 1, 3, 2], "b": ["x", None, "x", "x", None]}),
    ],
    ids=["texts", "object", "numbers", "table", "sparse", "frame"],
)
def test_equal_rows_have_one_number(rows):
    assert equal_rows(rows).tolist() == [0, 1, 0, 2, 1]


@pytest.mark.parametrize(
    "form",
    [torch.from_numpy, list, lambda images: images.tolist(), in_an_object_array],
    ids=["tensor", "arrays", "lists", "object"],
)
def test_images_that_differ_in_the_middle_are_not_equal(form):
    # What numpy and torch print of large arrays leaves the middle out.
    images = np.zeros((4, 1, 40, 40))
    images[:, 0, 20, 20] = [1, 1 + 1e-12, 1, 0]
    assert equal_rows(form(images)).tolist() == [0, 1, 0, 2]


def test_values_that_equal_each_other_are_equal():
    assert equal_rows(np.array([[0.0, 1], [-0.0, 1]])).tolist() == [0, 0]
    assert equal_rows(np.array([np.nan, -np.nan, 1])).tolist() == [0, 0, 1]
    with_a_stored_zero = sp.csr_matrix(([1.0, 0.0, 1.0], [0, 1, 0], [0, 2, 3]), shape=(2, 2))
    assert equal_rows(with_a_stored_zero).tolist() == [0, 0]


def test_cells_of_a_frame_may_be_lists():
    frame = pd.DataFrame({"tokens": [["a", "b"], ["a"], ["a", "b"]]})
    assert equal_rows(frame).tolist() == [0, 1, 0]


def test_equal_rows_stay_on_one_side():
    rng = np.random.default_rng(0)
    texts = np.array([f"text {i}" for i in rng.integers(0, 60, 300)])
    y = np.array([int(text.split()[1]) % 3 for text in texts])
    splits = make_splits(None, texts, y, None, has_labels=True, seed=0)
    assert len(splits) == 5
    tested = np.concatenate([test for _, test in splits])
    assert sorted(tested) == list(range(300))
    for train, test in splits:
        assert not set(texts[train]) & set(texts[test])
        assert len(train) + len(test) == 300
        # Folds are drawn by label.
        assert np.bincount(y[test]) == pytest.approx(np.bincount(y) / 5, abs=12)


def test_a_label_with_a_single_row_is_learnt_and_not_tested():
    y = np.array([0] * 20 + [1] * 20 + [2])
    splits = make_splits(4, np.arange(41)[:, None], y, None, has_labels=True, seed=0)
    assert all(40 in train and 40 not in test for train, test in splits)


def test_a_label_with_two_rows_is_tested_where_it_can_be_learnt():
    y = np.array([0] * 20 + [1] * 20 + [2, 2])
    splits = make_splits(5, np.arange(42)[:, None], y, None, has_labels=True, seed=0)
    for train, test in splits:
        assert set(y[test]) <= set(y[train])
    assert sum(int((y[test] == 2).sum()) for _, test in splits) == 2


def test_without_equal_rows_the_folds_are_those_of_scikit_learn():
    splits = make_splits(5, X, Y, None, has_labels=True, seed=3)
    folds = StratifiedKFold(5, shuffle=True, random_state=3).split(X, Y)
    for (_, found), (_, expected) in zip(splits, folds, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("has_labels", [True, False])
def test_groups_stay_on_one_side(has_labels):
    groups = np.arange(240) // 4
    y = Y if has_labels else Y + 0.5
    for train, test in make_splits(4, X, y, groups, has_labels=has_labels, seed=0):
        assert not set(groups[train]) & set(groups[test])
    train, test = held_out(y, groups, 0.25, 0, by_value=False, has_labels=has_labels)
    assert not set(groups[train]) & set(groups[test])
    assert len(test) == pytest.approx(60, abs=12)


def test_rows_held_out_have_no_equals_among_the_others():
    units = np.arange(240) // 3
    train, test = held_out(Y, units, 0.25, 0, by_value=True, has_labels=False)
    assert not set(units[train]) & set(units[test])
    assert len(test) == 60


@pytest.mark.parametrize(
    "cv, message",
    [
        (1, "at least 2 folds. Got 1"),
        (True, "at least 2 folds. Got True"),
        ("five", "a number of folds, a splitter of scikit-learn or an iterable"),
        (2.5, "a number of folds, a splitter of scikit-learn or an iterable"),
        ([], "cv has no split"),
        ([(np.arange(9), np.arange(5))], "split 0: some rows are in both"),
        ([(np.arange(9), [])], "split 0: expected row numbers"),
        ([(np.arange(9), np.array([], int))], "split 0: there are no rows to test on"),
        ([(np.arange(9), [240])], "Got 240 to 240"),
        ([(np.arange(9), [-1])], "Got -1 to -1"),
        ([(np.arange(9), [11, 11])], "A row comes twice"),
        ([(np.arange(9), [0.5])], "type float64"),
        ([np.arange(9)], "split 0: expected row numbers"),
        ([3], "split 0: expected row numbers"),
        (500, "cv=500: "),
    ],
)
def test_splits_that_are_none(cv, message):
    with pytest.raises(ValueError, match=message):
        compare_strategies(small(), [], X, Y, cv=cv)


# ------------------------------------------------------------------ comparisons


def test_every_split_is_a_training(by_splits):
    assert by_splits.settings["n_splits"] == 5
    assert by_splits.seeds == (0, 1, 2, 3, 4)
    assert [(r["split"], r["seed"], r["strategy"]) for r in by_splits.runs] == [
        (split, split, name) for split in range(5) for name in ("base", "random", "percentile")
    ]
    assert repr(by_splits).startswith("StrategyComparison of 3 strategies, 5 splits, budget 2\n")
    assert by_splits.settings["n_test"] == 240


def test_figures_are_those_of_a_training_by_hand(by_splits):
    train, test = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, Y))[2]
    model = small(sampling_strategy="percentile", budget=2, random_state=2, n_threads=1)
    expected = model.fit(X[train], Y[train]).score(X[test], Y[test])
    run = next(r for r in by_splits.runs if (r["split"], r["strategy"]) == (2, "percentile"))
    assert run["accuracy"] == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["accuracy", "nll"])
def test_verdicts_can_be_computed_from_results_by_row(by_splits, metric):
    frame = by_splits.to_frame(per="row")
    assert len(frame) == 3 * 240
    assert list(frame) == ["strategy", "budget", "split", "seed", "row", "y", "predicted", "loss"]
    assert sorted(frame["row"][frame["strategy"] == "base"]) == list(range(240))
    assert (frame["y"] == Y[frame["row"]]).all()
    value = {"accuracy": (frame["y"] == frame["predicted"]) * 100.0, "nll": frame["loss"]}[metric]
    frame = frame.assign(value=value)
    ours, base = (frame[frame["strategy"] == name] for name in ("percentile", "base"))
    assert (ours["row"].to_numpy() == base["row"].to_numpy()).all()
    found = paired_difference(
        ours["value"] / 100, base["value"] / 100, fits=ours["seed"], rows=ours["row"]
    )
    record = by_splits.summary(metric=metric)[2]
    assert record["difference"] == pytest.approx(100 * found.mean)
    assert record["difference_low"] == pytest.approx(100 * found.low)
    assert record["difference_p_value"] == pytest.approx(found.p_value)


def test_results_by_row_of_a_test_part(compared, texts):
    frame = compared.to_frame(per="row")
    n_test = len(texts[3])
    assert len(frame) == 2 * 3 * 3 * n_test
    part = frame[(frame["strategy"] == "p30") & (frame["budget"] == 4) & (frame["seed"] == 1)]
    assert part["y"].tolist() == list(texts[3])
    run = next(
        r for r in compared.runs if (r["strategy"], r["seed"], r["budget"]) == ("p30", 1, 4.0)
    )
    assert (part["y"] == part["predicted"]).mean() == pytest.approx(run["accuracy"])
    assert part["loss"].mean() == pytest.approx(run["nll"], rel=1e-5)
    with pytest.raises(ValueError, match="per must be 'fit' or 'row'"):
        compared.to_frame(per="class")


def test_several_seeds_a_split_and_a_splitter():
    cv = ShuffleSplit(2, test_size=0.25, random_state=0)
    found = compare_strategies(small(), [], X, Y, cv=cv, n_seeds=2, budget=1, random_state=7)
    assert [(r["split"], r["seed"]) for r in found.runs if r["strategy"] == "base"] == [
        (0, 7),
        (0, 8),
        (1, 9),
        (1, 10),
    ]
    assert repr(found).startswith("StrategyComparison of 2 strategies, 2 splits, 4 seeds in all")


def test_row_numbers_and_masks_as_splits():
    half = np.arange(240) < 120
    by_number = [(np.flatnonzero(half), np.flatnonzero(~half))]
    results = [
        compare_strategies(small(), [], X, Y, cv=cv, n_seeds=2, budget=1)
        for cv in (by_number, [(half, ~half)])
    ]
    kept = [[r["accuracy"] for r in result.runs] for result in results]
    assert kept[0] == kept[1]
    assert results[0].to_frame(per="row")["row"].min() == 120


def test_groups_are_what_counts_in_the_interval():
    groups = np.arange(240) // 6
    found = compare_strategies(small(), ["percentile"], X, Y, groups=groups, budget=2)
    frame = found.to_frame(per="row")
    assert (frame["group"] == groups[frame["row"]]).all()
    ours, base = (frame[frame["strategy"] == name] for name in ("percentile", "base"))
    hits = [(part["y"] == part["predicted"]).to_numpy() for part in (ours, base)]
    expected = paired_difference(*hits, fits=ours["seed"], rows=ours["group"])
    assert found.summary()[2]["difference_p_value"] == pytest.approx(expected.p_value)


def test_weights_reach_the_training():
    weights = np.where(np.arange(240) < 200, 1.0, 0.0)
    found = compare_strategies(
        small(), [], X[:220], Y[:220], X[220:], Y[220:], sample_weight=weights[:220], n_seeds=1
    )
    model = small(sampling_strategy="base", budget=4, random_state=0, n_threads=1)
    model.fit(X[:220], Y[:220], sample_weight=weights[:220])
    assert found.runs[0]["accuracy"] == pytest.approx(model.score(X[220:], Y[220:]))
    assert found.runs[0]["visits"] == 4 * 200


def test_rates_are_chosen_in_every_split():
    found = compare_strategies(small(), [], X, Y, cv=3, lr=[1e-5, 0.05], budget=2)
    assert {(r["split"], r["lr"]) for r in found.rate_search} == {
        (split, lr) for split in range(3) for lr in (1e-5, 0.05)
    }
    assert {r["lr"] for r in found.runs} == {0.05}
    assert found.settings["n_validation_splits"] == 1
    assert [r["lr_at_edge"] for r in found.summary()] == ["highest", "highest"]


def test_regression_over_splits():
    features, y = make_regression(120, 4, noise=5, random_state=0)
    found = compare_strategies(
        small(LossSampledRegressor), ["percentile"], features, y, cv=3, budget=2
    )
    frame = found.to_frame(per="row")
    np.testing.assert_allclose(frame["y"], y[frame["row"]])
    base = frame[(frame["strategy"] == "base") & (frame["split"] == 0)]
    mse = ((base["y"] - base["predicted"]) ** 2).mean()
    assert found.runs[0]["mse"] == pytest.approx(mse)


def test_hardest_rows_have_their_numbers_among_all_rows(by_splits):
    tested = set(StratifiedKFold(5, shuffle=True, random_state=0).split(X, Y).__next__()[1])
    hardest = by_splits._recordings["base"].hardest
    assert not tested & set(hardest.rows.tolist())
    assert hardest.labels.tolist() == Y[hardest.rows].tolist()


def test_labels_that_a_test_part_does_not_have(by_splits):
    # Two rows of label 2 in five folds: three test parts are without it.
    y = Y.copy()
    y[:2] = 2
    found = compare_strategies(small(), ["percentile"], X, y, budget=1)
    record = found.per_class("percentile")[2]
    assert record["support"] == 2
    assert 0 <= record["recall"] <= 1
    assert np.isfinite(record["recall_difference"])


def test_same_random_state_same_results(by_splits):
    again = compare_strategies(small(), ["percentile"], X, Y, budget=2)
    pd.testing.assert_frame_equal(again.to_frame(per="row"), by_splits.to_frame(per="row"))


@pytest.mark.parametrize(
    "given, message",
    [
        ({"X_test": X}, "X_test was given without y_test"),
        ({"y_test": Y}, "y_test was given without X_test"),
        ({"X_test": X, "y_test": Y, "cv": 3}, "cv makes test parts of X_train"),
        ({"groups": [1, 2]}, r"groups must have one entry for each of the 240 rows"),
        ({"groups": [None] + [1] * 239}, "groups must not be missing. Got 1"),
        ({"sample_weight": [1.0]}, "sample_weight must have one entry for each of the 240 rows"),
        ({"groups": np.zeros(240)}, "cv=5"),
        (
            {"groups": np.arange(240) // 2, "cv": list(KFold(3, shuffle=True).split(X))},
            "on both sides",
        ),
    ],
)
def test_what_does_not_go_together(given, message):
    with pytest.raises(ValueError, match=message):
        compare_strategies(small(), [], X, Y, **given)


def test_splits_with_labels_that_were_not_learnt():
    cv = [(np.flatnonzero(Y == 0), np.flatnonzero(Y == 1))]
    with pytest.raises(ValueError, match="test part of split 0 has labels that are not in y_train"):
        compare_strategies(small(), [], X, Y, cv=cv)


def test_inputs_whose_rows_cannot_be_taken_as_they_are():
    of = [
        compare_strategies(small(), [], X_, Y, cv=2, budget=1)
        for X_ in (sp.csr_matrix(X), sp.coo_matrix(X))
    ]
    losses = [[run["nll"] for run in found.runs] for found in of]
    assert losses[0] == losses[1]
