"""The trainings of a comparison: equal budgets, equal starts, nothing learnt from the test part."""

import pickle
import random
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import accuracy_score, f1_score, log_loss, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor, NonFiniteLossError
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.comparison._trainings import Part, Task, train

TIMES = ("seconds", "seconds_select", "seconds_score", "seconds_train")


def without_times(runs):
    return [{k: v for k, v in run.items() if k not in TIMES} for run in runs]


def test_one_record_a_training(compared):
    assert compared.strategies == ("base", "random", "p30")
    cells = [(r["seed"], r["budget"], r["strategy"]) for r in compared.runs]
    # Strategies in turn, so that a slow minute of the machine hits all of them.
    assert cells == [
        (seed, budget, name)
        for seed in (0, 1, 2)
        for budget in (2.0, 4.0)
        for name in ("base", "random", "p30")
    ]
    assert all(r["visits"] == 300 * r["budget"] for r in compared.runs)
    assert all(r["error"] is None and r["seconds"] > 0 for r in compared.runs)


def test_figures_are_those_of_a_training_by_hand(compared, texts, pipeline):
    X_train, y_train, X_test, y_test = texts
    model = pipeline(
        sampling_strategy="percentile", sampling_percentage=30, budget=4, random_state=1
    )
    model.fit(X_train, y_train)
    predicted, probabilities = model.predict(X_test), model.predict_proba(X_test)
    run = next(
        r for r in compared.runs if (r["strategy"], r["seed"], r["budget"]) == ("p30", 1, 4.0)
    )
    assert run["accuracy"] == pytest.approx(accuracy_score(y_test, predicted))
    tested = np.unique(y_test)
    f1 = f1_score(y_test, predicted, labels=tested, average="macro", zero_division=0)
    assert run["f1"] == pytest.approx(f1)
    assert run["nll"] == pytest.approx(
        log_loss(y_test, probabilities, labels=model.classes_), rel=1e-5
    )
    assert run["scored"] == sum(r["scored"] for r in model[-1].history_)


def test_strategies_of_a_seed_start_alike(texts, pipeline):
    X_train, y_train, *_ = texts
    X = CountVectorizer().fit_transform(X_train)
    weights = {
        (name, seed): Task(name, seed, 1.0, None)
        .configure(pipeline(sampling_strategy=name)[-1])
        .fit(X, y_train)
        .initial_weights_["input.weight"]
        for name in ("base", "random")
        for seed in (0, 1)
    }
    np.testing.assert_array_equal(weights["base", 0], weights["random", 0])
    assert (weights["base", 0] != weights["base", 1]).any()


def test_the_number_of_jobs_changes_nothing_but_seconds(compared, texts, pipeline):
    strategies = {"p30": {"sampling_strategy": "percentile", "sampling_percentage": 30}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # joblib's, of workers that take long to start
        again = compare_strategies(
            pipeline(), strategies, *texts, budget=[2, 4], n_seeds=3, n_jobs=2
        )
    assert without_times(again.runs) == without_times(compared.runs)
    np.testing.assert_equal(again.rounds, compared.rounds)  # with NaN in them


def test_the_recorded_training_is_the_timed_one(compared):
    for name in compared.strategies:
        of = [r for r in compared.rounds if r["strategy"] == name]
        run = next(
            r for r in compared.runs if (r["strategy"], r["seed"], r["budget"]) == (name, 0, 4.0)
        )
        assert of[-1]["visits"] == run["visits"] == 1200
        assert of[-1]["accuracy"] == run["accuracy"]
        assert of[-1]["nll"] == run["nll"]
        assert of[-1]["round"] == run["rounds"] - 1


def test_many_rounds_are_thinned(texts, pipeline):
    X_train, y_train, *_ = texts
    model = pipeline(batch_size=2)
    strategies = {"p5": {"sampling_strategy": "percentile", "sampling_percentage": 5}}
    result = compare_strategies(
        model, strategies, X_train[:40], y_train[:40], X_train[:9], y_train[:9], budget=8,
        n_seeds=1,
    )  # fmt: skip
    of = [r["round"] for r in result.rounds if r["strategy"] == "p5"]
    assert len(of) <= 82
    assert of == sorted(set(of))
    last = next(r for r in result.runs if r["strategy"] == "p5")
    assert of[-1] == last["rounds"] - 1


def test_the_callers_objects_and_random_states_are_left_alone(texts, pipeline):
    model = pipeline()
    before = repr(model)
    states = np.random.get_state()[1].copy(), torch.get_rng_state(), random.getstate()  # noqa: NPY002
    threads = torch.get_num_threads()
    compare_strategies(model, [], *texts, n_seeds=1)
    assert repr(model) == before
    assert not hasattr(model[-1], "net_")
    assert not hasattr(model[0], "vocabulary_")
    np.testing.assert_array_equal(np.random.get_state()[1], states[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[1])
    assert random.getstate() == states[2]
    assert torch.get_num_threads() == threads


def test_steps_before_are_fitted_once_on_the_training_part(texts, pipeline):
    seen = []

    class Counting(CountVectorizer):
        def fit_transform(self, X, y=None):
            seen.append(list(X))
            return super().fit_transform(X, y)

    model = make_pipeline(Counting(), pipeline()[-1])
    compare_strategies(model, ["heap"], *texts, n_seeds=2)
    assert seen == [list(texts[0])]


def test_rates_are_chosen_inside_the_training_part(texts, pipeline):
    X_train, y_train, X_test, y_test = texts
    kept = np.isin(y_train, [y for y in np.unique(y_train) if (y_train == y).sum() >= 4])
    X_train = [x for x, k in zip(X_train, kept, strict=True) if k]
    y_train = y_train[kept]
    tested = np.isin(y_test, y_train)
    X_test, y_test = [x for x, t in zip(X_test, tested, strict=True) if t], y_test[tested]
    seen = []

    class Counting(CountVectorizer):
        def fit_transform(self, X, y=None):
            seen.append(set(X))
            return super().fit_transform(X, y)

    model = make_pipeline(Counting(), pipeline()[-1])
    strategies = {"own": {"lr": 0.02, "sampling_strategy": "heap"}}
    result = compare_strategies(
        model, strategies, X_train, y_train, X_test, y_test, lr=[0.1, 1e-4], n_seeds=2,
        validation_fraction=0.4,
    )  # fmt: skip
    assert len(seen) == 3  # two splits and the whole training part
    assert all(part <= set(X_train) for part in seen)
    # The hopeless rate is not chosen; a strategy with a rate of its own keeps it.
    rates = {r["strategy"]: r["lr"] for r in result.runs}
    assert rates == {"base": 0.1, "random": 0.1, "own": None}
    assert len(result.rate_search) == 2 * 2 * 2
    assert {r["lr_at_edge"] for r in result.summary()[:2]} == {"highest"}
    assert "edge of the grid" in result.verdict()


def test_no_split_to_choose_by(texts, pipeline):
    with pytest.raises(ValueError, match=r"lr has several rates, but .*validation_fraction=0\.01"):
        compare_strategies(pipeline(), [], *texts, lr=[0.1, 0.2], validation_fraction=0.01)


def test_per_class_by_hand(compared, texts):
    y_test = texts[3]
    records = compared.per_class("p30")
    assert [r["label"] for r in records] == compared.labels.tolist()
    assert sum(r["support"] for r in records) == len(y_test)
    # The mean over labels of the recalls is the macro recall, here over tested labels.
    recalls = [r["recall"] for r in records if r["support"]]
    assert np.mean(recalls) == pytest.approx(compared.summary()[2]["recall"])
    assert all(np.isnan(r["recall"]) for r in records if not r["support"])
    assert {r["recall_difference"] for r in compared.per_class("base") if r["support"]} == {0}
    with pytest.raises(ValueError, match="No strategy 'heap'"):
        compared.per_class("heap")


def test_a_strategy_that_breaks_down_is_reported(texts, pipeline):
    strategies = {"wild": {"lr": 1e30, "sampling_strategy": "base"}}
    result = compare_strategies(pipeline(), strategies, *texts, n_seeds=2, budget=2)
    wild = [r for r in result.runs if r["strategy"] == "wild"]
    assert all("lr=1e+30" in r["error"] for r in wild)
    assert np.isnan([r["accuracy"] for r in wild]).all()
    assert "wild broke down in 2 of 2" in result.verdict()
    assert np.isnan([r["recall"] for r in result.per_class("wild")]).all()
    with pytest.raises(NonFiniteLossError, match="There is nothing to compare with: 'base'"):
        compare_strategies(pipeline(lr=1e30), [], *texts, n_seeds=1, budget=2)


def test_regression():
    X, y = make_regression(200, 6, noise=5, random_state=0)
    model = LossSampledRegressor(hidden_layer_sizes=(8,), batch_size=16)
    result = compare_strategies(
        model, ["percentile"], X[:150], y[:150], X[150:], y[150:], n_seeds=2, lr=[0.01, 0.03]
    )
    run = result.runs[0]
    model = clone(model).set_params(
        sampling_strategy="base", budget=4, lr=run["lr"], random_state=0, n_threads=1
    )
    predicted = model.fit(X[:150], y[:150]).predict(X[150:])
    assert run["r2"] == pytest.approx(r2_score(y[150:], predicted))
    assert run["mse"] == pytest.approx(np.mean((y[150:] - predicted) ** 2))
    assert run["mae"] == pytest.approx(np.abs(y[150:] - predicted).mean())
    assert result.labels is None
    assert "R²" in repr(result)
    with pytest.raises(ValueError, match="regressor"):
        result.per_class("base")


@pytest.mark.parametrize("kind", ["int", "bool", "str", "object"])
def test_kinds_of_labels(kind, small):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)).astype(np.float32)
    y = np.array([X[:, 0] > 0, X[:, 0] <= 0][0])
    y = {"int": y.astype(int), "bool": y, "str": np.where(y, "yes", "no")}.get(
        kind, np.where(y, "yes", "no").astype(object)
    )
    result = compare_strategies(small(), [], X[:60], y[:60], X[60:], y[60:], n_seeds=1)
    assert [r["label"] for r in result.per_class("base")] == np.unique(y).tolist()


def test_pickles_and_frames(compared):
    again = pickle.loads(pickle.dumps(compared))
    assert again.runs == compared.runs
    assert again.verdict() == compared.verdict()
    frame = compared.to_frame()
    assert len(frame) == len(compared.runs)
    assert frame["accuracy"].tolist() == [r["accuracy"] for r in compared.runs]


def test_row_error_by_hand(compared, texts, pipeline):
    """The standard error, over test rows, of the mean difference to base."""
    X_train, y_train, X_test, y_test = texts
    right = {}
    for name, percentage in (("base", None), ("percentile", 30)):
        hits = []
        for seed in (0, 1, 2):
            model = pipeline(
                sampling_strategy=name, sampling_percentage=percentage, budget=4, random_state=seed
            )
            hits.append(model.fit(X_train, y_train).predict(X_test) == y_test)
        right[name] = np.mean(hits, axis=0)
    difference = right["percentile"] - right["base"]
    expected = 100 * difference.std(ddof=1) / np.sqrt(len(y_test))
    assert compared.summary()[2]["row_error"] == pytest.approx(expected)


def test_row_error_of_a_regression_by_hand():
    X, y = make_regression(60, 3, noise=5, random_state=0)
    X_train, X_test, y_train, y_test = X[:40], X[40:], y[:40], y[40:]
    net = LossSampledRegressor(hidden_layer_sizes=(4,), batch_size=8, budget=2)
    result = compare_strategies(
        net, ["percentile"], X_train, y_train, X_test, y_test, budget=2, n_seeds=2
    )
    squares = {}
    for name in ("base", "percentile"):
        fits = [clone(net).set_params(sampling_strategy=name, random_state=seed) for seed in (0, 1)]
        squares[name] = [(y_test - f.fit(X_train, y_train).predict(X_test)) ** 2 for f in fits]
    change = np.mean(squares["percentile"], axis=0) - np.mean(squares["base"], axis=0)
    error = change.std(ddof=1) / np.sqrt(len(y_test))
    assert result.summary(metric="mse")[2]["row_error"] == pytest.approx(error)
    # In R² other test rows change the variance of y, too: a ratio of means, to the first order.
    ratio = np.mean(change) / np.var(y_test)
    deviations = (y_test - y_test.mean()) ** 2
    error = (change - ratio * deviations).std(ddof=1) / np.sqrt(len(y_test)) / np.var(y_test)
    assert result.summary()[2]["row_error"] == pytest.approx(error)


def test_a_rate_given_in_a_dict_is_kept_even_if_it_is_the_estimators(texts, pipeline):
    strategies = {"own": {"sampling_strategy": "heap", "lr": 0.05}}
    kept = np.isin(texts[1], [y for y in np.unique(texts[1]) if (texts[1] == y).sum() >= 4])
    X = [x for x, k in zip(texts[0], kept, strict=True) if k]
    y = texts[1][kept]
    result = compare_strategies(
        pipeline(), strategies, X, y, X, y, lr=[0.1, 0.2], n_seeds=1, budget=1,
        validation_fraction=0.4,
    )  # fmt: skip
    assert {r["strategy"] for r in result.rate_search} == {"base", "random"}


def test_a_label_that_is_held_out_entirely():
    y = np.repeat([0, 1, 2], [30, 30, 2])
    X = np.random.default_rng(0).normal(size=(62, 2))
    with pytest.raises(ValueError, match=r"validation_fraction=0\.9: 2 is in no row"):
        compare_strategies(
            LossSampledClassifier(), [], X, y, X, y, lr=[0.1, 0.2], validation_fraction=0.9
        )


def test_a_base_that_breaks_down_in_workers_raises_nothing_else():
    X, y = make_regression(60, 3, random_state=0)
    with pytest.raises(NonFiniteLossError, match="nothing to compare with"):
        compare_strategies(LossSampledRegressor(lr=1e20), [], X, y, X, y, budget=4, n_jobs=2)


def test_a_training_runs_on_one_thread(small):
    seen = []

    class Watched(LossSampledClassifier):
        def fit(self, X, y):
            seen.append(torch.get_num_threads())
            return super().fit(X, y)

    X = np.eye(8, dtype=np.float32)
    part = Part(X, np.arange(8) % 2, X, np.arange(8) % 2, labels=np.arange(2))
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        train(Watched(hidden_layer_sizes=(2,)), Task("base", 0, 1.0, None), part)
    finally:
        torch.set_num_threads(threads)
    assert set(seen) == {1}


X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.arange(30) % 2


@pytest.mark.parametrize(
    "changes, error, message",
    [
        ({"estimator": CountVectorizer()}, TypeError, "must be a LossSampledClassifier.*Count"),
        (
            {"estimator": GridSearchCV(LossSampledClassifier(), {})},
            TypeError,
            "Got GridSearchCV",
        ),
        (
            {"estimator": make_pipeline(LossSampledClassifier(), "passthrough")},
            TypeError,
            "a Pipeline that ends in str",
        ),
        ({"budget": 0}, ValueError, "'budget' parameter of compare_strategies"),
        ({"budget": []}, ValueError, "'budget' parameter .* must not be empty"),
        ({"budget": [2, 2]}, ValueError, "'budget' parameter .* number twice"),
        ({"budget": "auto"}, ValueError, "'budget' parameter"),
        ({"n_seeds": 0}, ValueError, "'n_seeds' parameter"),
        ({"lr": [-1, 1]}, ValueError, "'lr' parameter"),
        ({"validation_fraction": 1}, ValueError, "'validation_fraction' parameter"),
        ({"random_state": -1}, ValueError, "'random_state' parameter"),
        ({"random_state": "x"}, ValueError, "'random_state' parameter"),
        ({"strategies": ["no"]}, ValueError, "Unknown sampling_strategy 'no'"),
        ({"y_train": Y[:7]}, ValueError, "X_train and y_train: .*inconsistent"),
        ({"y_test": Y[:7]}, ValueError, "X_test and y_test: .*inconsistent"),
        ({"y_train": np.array([None, *"ab" * 14, "a"])}, ValueError, "y_train contains .* None"),
        ({"budget": None}, ValueError, "'budget' parameter"),
        ({"lr": np.array(0.0)}, ValueError, "'lr' parameter"),
        ({"y_test": Y + 1}, ValueError, "y_test has labels that are not in y_train: 2"),
        ({"X_test": X[:0], "y_test": Y[:0]}, ValueError, "y_test is empty"),
        ({"y_train": Y * 0, "y_test": Y * 0}, ValueError, "at least 2 classes"),
        ({"X_train": ["a"] * 30}, ValueError, "X is raw text"),
    ],
)
def test_errors_name_the_argument(changes, error, message):
    arguments = {
        "estimator": LossSampledClassifier(hidden_layer_sizes=(2,)),
        "strategies": [],
        **{"X_train": X, "y_train": Y, "X_test": X, "y_test": Y},
    }
    with pytest.raises(error, match=message):
        compare_strategies(**(arguments | changes))


def test_a_random_state_instance_gives_the_first_seed():
    model = LossSampledClassifier(hidden_layer_sizes=(2,))
    seeds = [
        compare_strategies(
            model, [], X, Y, X, Y, random_state=np.random.RandomState(3), n_seeds=2, budget=1
        ).seeds
        for _ in range(2)
    ]
    assert seeds[0] == seeds[1]
    assert seeds[0][1] == seeds[0][0] + 1


def test_progress(capsys):
    model = LossSampledClassifier(hidden_layer_sizes=(2,))
    compare_strategies(model, [], X, Y, X, Y, n_seeds=2, budget=1, verbose=1)
    shown = capsys.readouterr()
    assert "6 of 6" in shown.err  # 2 x 2 and one recorded of each
    assert shown.out == ""


def test_rows_held_out_by_early_stopping_are_not_counted_as_unvisited(texts, pipeline):
    model = pipeline(early_stopping=True, validation_fraction=0.2)
    comparison = compare_strategies(model, [], *texts, budget=2, n_seeds=1)
    recording = comparison._recordings["base"]
    # A fifth of the 300 rows is held out; base visits all the others equally often.
    assert recording.n_rows.sum() == recording.visits_by_decile.n_rows.sum() == 240
    assert recording.visits.min() > 0
