"""Every parameter of the classifier does what its description says."""

import builtins
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import erf, expit, softmax
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback, EarlyStopping

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal._settings import resolve_settings
from sklearn_sifal.strategies import STRATEGIES, Percentage, Percentile

N, D = 96, 12


def small(sampling_strategy: Any = "importance", **parameters: Any) -> LossSampledClassifier:
    settings = {"hidden_layer_sizes": (8,), "budget": 4, "batch_size": 8, "random_state": 0}
    return LossSampledClassifier(sampling_strategy, **{**settings, **parameters})


@pytest.fixture(scope="module")
def dense() -> Any:
    rng = np.random.default_rng(0)
    X = rng.poisson(0.7, (N, D)).astype(np.float32)
    return X, (X @ rng.normal(size=(D, 3))).argmax(axis=1)


@pytest.fixture(scope="module")
def sparse(dense: Any) -> Any:
    return sp.csr_array(dense[0]), dense[1]


class CountEvents(Callback):
    def initialize(self) -> Any:
        self.events: dict[str, int] = {}
        return self

    def _count(self, event: str) -> None:
        self.events[event] = self.events.get(event, 0) + 1

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self._count("train_begin")

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        self._count("train_end")

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self._count("epoch_end")

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        self._count("batch_end")

    def on_grad_computed(self, net: Any, **kwargs: Any) -> None:
        self._count("grad_computed")


class StopAtOnce(Callback):
    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt  # skorch's way of ending a training


# A value that changes what `small()` learns, with what it needs beside it.
CHANGES_THE_FIT: dict[str, tuple[Any, dict[str, Any]]] = {
    "sampling_strategy": ("percentile", {}),
    "sampling_percentage": (60, {}),
    "hidden_layer_sizes": ((9,), {}),
    "activation": ("tanh", {}),
    "dropout": (0.3, {}),
    "input_dropout": (0.3, {}),
    "budget": (3, {}),
    "budget_unit": ("passes", {"sampling_strategy": Percentile(50, refresh="epoch")}),
    "batch_size": (16, {}),
    "lr": (0.2, {}),
    "lr_schedule": ("cosine", {}),
    "optimizer": (torch.optim.SGD, {}),
    "sparse_optimizer": ("adam", {}),
    "weight_decay": (0.5, {}),
    "shuffle": (False, {}),
    "early_stopping": (True, {}),
    "validation_fraction": (0.3, {"early_stopping": True}),
    "n_iter_no_change": (1, {"early_stopping": True, "tol": 1.0, "lr": 0.001, "budget": 20}),
    "tol": (1.0, {"early_stopping": True, "n_iter_no_change": 2, "lr": 0.03, "budget": 20}),
    "class_weight": ("balanced", {}),
    "callbacks": ([StopAtOnce()], {}),
    "random_state": (1, {}),
}
# What is tested on its own, below or in another file.
TESTED_ELSEWHERE = {"max_epochs", "init_weights", "warm_start", "record", "device", "n_threads"}
TESTED_ELSEWHERE |= {"verbose", "mixed_precision", "history_dtype"}


class TestEveryParameter:
    def test_has_a_test(self) -> None:
        names = set(inspect.signature(LossSampledClassifier).parameters)
        assert names == set(CHANGES_THE_FIT) | TESTED_ELSEWHERE

    @pytest.mark.parametrize("name", CHANGES_THE_FIT)
    def test_does_something(self, sparse: Any, name: str) -> None:
        value, beside = CHANGES_THE_FIT[name]
        before = small(**beside).fit(*sparse)
        after = small(**{**beside, name: value}).fit(*sparse)
        assert before.loss_curve_ != after.loss_curve_


WITH_PERCENTAGE = [name for name, make in STRATEGIES.items() if hasattr(make(), "percentage")]
# They draw otherwise than every row once, also at 100.
NEVER_BASE = {"heap", "online_batch", "prioritized", "seta"}


class TestStrategy:
    @pytest.mark.parametrize("name", WITH_PERCENTAGE)
    def test_percentage_goes_to_the_named_strategy(self, dense: Any, name: str) -> None:
        model = small(name, sampling_percentage=17).fit(*dense)
        assert type(model.sampling_strategy_) is STRATEGIES[name]
        assert model.sampling_strategy_.percentage == 17
        by_instance = small(STRATEGIES[name](17)).fit(*dense)
        np.testing.assert_array_equal(
            model.predict_proba(dense[0]), by_instance.predict_proba(dense[0])
        )

    @pytest.mark.parametrize("name", [n for n in WITH_PERCENTAGE if n not in NEVER_BASE])
    def test_all_per_cent_is_base(self, dense: Any, name: str) -> None:
        np.testing.assert_array_equal(
            small(name, sampling_percentage=100).fit(*dense).predict_proba(dense[0]),
            small("base").fit(*dense).predict_proba(dense[0]),
        )

    def test_share_of_the_rows(self, dense: Any) -> None:
        model = small("percentile", sampling_percentage=25, record="history").fit(*dense)
        sizes = [len(rows) for rows in model.selections_]
        assert sizes == [N, *[N // 4] * 12]

    def test_callable_is_first_called_after_one_round_on_all_rows(self, dense: Any) -> None:
        calls = []

        def hardest(losses: Any, rng: np.random.Generator) -> Any:
            calls.append(losses.shape)
            return np.argsort(losses)[-24:]

        model = small(hardest, record="history", budget=2).fit(*dense)
        assert [len(rows) for rows in model.selections_] == [N, 24, 24, 24, 24]
        assert calls == [(N,)] * 4


ACTIVATIONS = {
    "identity": lambda x: x,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
}


class TestNet:
    @pytest.mark.parametrize("hidden", [(), (7,), (7, 5), np.array([6])], ids=str)
    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_probabilities_by_hand(self, dense: Any, hidden: Any, activation: str) -> None:
        X, y = dense
        model = small(hidden_layer_sizes=hidden, activation=activation, dropout=0.5).fit(X, y)
        w = model.net_.get_weights()
        widths = [D, *hidden, 3]
        assert w["input.weight"].shape == (D, widths[1])
        values = X @ w["input.weight"] + w["input.bias"]
        for i in range(len(hidden)):
            weight = w[f"layers.{i}.weight"]
            assert weight.shape == (widths[i + 2], widths[i + 1])
            values = ACTIVATIONS[activation](values) @ weight.T + w[f"layers.{i}.bias"]
        np.testing.assert_allclose(model.predict_proba(X), softmax(values, axis=1), atol=1e-5)
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-5)

    def test_initial_weights_follow_glorot(self, dense: Any) -> None:
        initial = small(hidden_layer_sizes=(50,)).fit(*dense).initial_weights_
        for name, sizes in (("input.weight", (D, 50)), ("layers.0.weight", (50, 3))):
            bound = (6 / sum(sizes)) ** 0.5
            assert 0.9 * bound < abs(initial[name]).max() <= bound
        assert not initial["input.bias"].any()


class TestBudget:
    @pytest.mark.parametrize("budget, visits", [(1, N), (0.5, N // 2), (2.52, 242), (1e-9, 1)])
    def test_in_units_of_the_rows_trained_on(self, dense: Any, budget: float, visits: int) -> None:
        assert small(budget=budget).fit(*dense).visit_counts_.sum() == visits

    def test_of_the_rows_left_by_a_split(self, dense: Any) -> None:
        model = small(budget=3, early_stopping=True, validation_fraction=0.25).fit(*dense)
        assert model.visit_counts_.sum() == 3 * 72

    def test_max_epochs_warns_if_the_budget_was_not_spent(self, dense: Any) -> None:
        with pytest.warns(ConvergenceWarning, match="max_epochs=2 .* 192 of 384") as caught:
            model = small("base", max_epochs=2).fit(*dense)
        assert model.n_iter_ == 2
        assert caught[0].filename == __file__

    def test_max_epochs_beyond_the_budget(self, dense: Any) -> None:
        assert small("base", max_epochs=4).fit(*dense).n_iter_ == 4

    @pytest.mark.parametrize(
        "n_rows, non_zeros, given, expected",
        [
            (6_400, 20, {}, (64, 0.03, 4)),
            (2_000, 20, {"sparse_optimizer": "adam"}, (64, 0.01, 13)),  # 32 batches
            (2_000, 320, {}, (64, 0.03 / 8, 13)),  # 16 times as many: to the power 3/4 8
            (2_000, 5, {}, (64, 0.03 * 1.98817682, 13)),  # 20 / 8 to the power 3/4
            (2_000, 0, {}, (64, 0.03 * 1.98817682, 13)),
            (1_000_000, 20, {}, (64, 0.03, 4)),
            (10_000, None, {}, (128, 0.01, 26)),  # 79 batches
            (500, None, {}, (128, 0.01, 50)),
            (200, None, {}, (128, 0.01, 100)),  # at least 200 steps
            (10, None, {}, (128, 0.01, 200)),
            (10, 20, {}, (64, 0.03, 200)),
            (6_400, 401, {}, (64, 0.05, 20)),  # more than a tenth of 4,000: no text
            (6_400, 401, {"sparse_optimizer": "adam"}, (64, 0.01, 20)),
            (10_000, None, {"lr_schedule": "constant"}, (128, 0.003, 26)),
            (10_000, 20, {"batch_size": 500, "lr": 1, "budget": 2.5}, (500, 1.0, 2.5)),
            (100_000, None, {"batch_size": 1000}, (1000, 0.01, 20)),
        ],
    )
    def test_auto(
        self,
        n_rows: int,
        non_zeros: float | None,
        given: dict[str, Any],
        expected: tuple[Any, ...],
    ) -> None:
        found = resolve_settings(
            LossSampledClassifier(**given)._description(),
            n_rows,
            n_features=4000,
            non_zeros=non_zeros,
        )
        assert (found.batch_size, found.lr, found.budget) == pytest.approx(expected)

    def test_auto_in_a_fit(self, dense: Any, sparse: Any) -> None:
        auto = {"batch_size": "auto", "lr": "auto", "lr_schedule": "constant", "budget": 1}
        empty = sp.csr_array((N, 10_000), dtype=sparse[0].dtype)
        text = (sp.hstack([sparse[0], empty], format="csr"), sparse[1])
        text_lr = 0.03 * (20 / max(8, sparse[0].nnz / N)) ** 0.75
        for data, lr, steps in ((dense, 0.003, 1), (text, text_lr, 2), (sparse, 0.05, 2)):
            record = small("base", **auto).fit(*data).history_[0]
            assert (record["lr"], record["steps"]) == (pytest.approx(lr), steps)

    def test_auto_rate_counts_rows_by_their_weights(self, sparse: Any) -> None:
        X, y = sparse
        # More than 8 non-zeros a row, and less than a tenth of the columns.
        empty = sp.csr_array((N, 10_000), dtype=X.dtype)
        longer = sp.hstack([X, X, X, X, empty], format="csr")
        twice = np.flatnonzero(y == y[0])
        weights = np.ones(N)
        weights[twice] = 2
        auto = {"lr": "auto", "lr_schedule": "constant", "budget": 1}
        weighted = small("base", **auto).fit(longer, y, sample_weight=weights)
        rows = np.append(np.arange(N), twice)
        repeated = small("base", **auto).fit(longer[rows], y[rows])
        unweighted = small("base", **auto).fit(longer, y)
        lr = weighted.history_[0]["lr"]
        assert lr == pytest.approx(repeated.history_[0]["lr"], rel=1e-12)
        assert lr != pytest.approx(unweighted.history_[0]["lr"], rel=1e-6)


SCHEDULES = {
    "constant": lambda p: 1.0,
    "linear": lambda p: 1 - p,
    "cosine": lambda p: (1 + np.cos(np.pi * p)) / 2,
}


class TestRate:
    @pytest.mark.parametrize("schedule", SCHEDULES)
    @pytest.mark.parametrize("data", ["dense", "sparse"])
    def test_follows_the_visits(
        self, schedule: str, data: str, request: pytest.FixtureRequest
    ) -> None:
        model = small("base", budget=2, lr=0.1, lr_schedule=schedule)
        model.fit(*request.getfixturevalue(data))
        # Before the last step of each round, 88 and 184 of the 192 visits are spent.
        expected = [0.1 * SCHEDULES[schedule](visits / 192) for visits in (88, 184)]
        assert [record["lr"] for record in model.history_] == pytest.approx(expected)
        for optimizer in model.net_._optimizers:
            group = getattr(model.net_, optimizer + "_").param_groups[0]
            assert group["lr"] == pytest.approx(expected[-1])

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_follows_the_rounds_when_they_are_fewer(self, dense: Any) -> None:
        model = small("base", budget=100, max_epochs=4, lr=0.1).fit(*dense)
        expected = [0.1 * (1 - 88 / 9600), 0.075, 0.05, 0.025]
        assert [record["lr"] for record in model.history_] == pytest.approx(expected)


class TestOptimizer:
    def test_sgd_with_decay_by_hand(self) -> None:
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(12, 3)), np.arange(12) % 2
        model = small(
            "base",
            hidden_layer_sizes=(),
            budget=1,
            batch_size=12,
            lr=0.5,
            weight_decay=0.2,
            optimizer=torch.optim.SGD,
        ).fit(X, y)
        before = model.initial_weights_["input.weight"]
        p = softmax(X @ before, axis=1)
        gradient = X.T @ (p - np.eye(2)[y]) / 12
        np.testing.assert_allclose(
            model.net_.get_weights()["input.weight"], before - 0.5 * (gradient + 0.2 * before)
        )

    @pytest.mark.parametrize(
        "optimizer",
        [torch.optim.Adam, torch.optim.RMSprop, torch.optim.NAdam, torch.optim.Rprop],
        ids=lambda optimizer: optimizer.__name__,
    )
    def test_classes_of_torch(self, dense: Any, sparse: Any, optimizer: Any) -> None:
        for data in (dense, sparse):
            model = small(optimizer=optimizer).fit(*data)
            assert type(model.net_.optimizer_) is optimizer

    def test_auto(self, dense: Any, sparse: Any) -> None:
        assert isinstance(small().fit(*dense).net_.optimizer_, torch.optim.AdamW)
        net = small().fit(*sparse).net_
        assert isinstance(net.optimizer_, torch.optim.Adagrad)
        assert type(net.row_optimizer_).__name__ == "RowAdagrad"

    def test_decay_shrinks_weights(self, dense: Any, sparse: Any) -> None:
        for data in (dense, sparse):
            norms = [
                np.linalg.norm(
                    small(weight_decay=decay, lr=0.05).fit(*data).net_.get_weights()["input.weight"]
                )
                for decay in (0.0, 1.0)
            ]
            assert norms[1] < norms[0]

    def test_auto_decay_leaves_three_tenths(self) -> None:
        for budget, share in (("auto", 1), (5, 0.1)):  # of the 50 passes that "auto" takes
            model = LossSampledClassifier(budget=budget, batch_size=16)
            found = resolve_settings(model._description(), 96, n_features=5, non_zeros=None)
            # The linear schedule takes half the rate in the mean; six batches a pass.
            shrinks = found.weight_decay * found.lr * 0.5 * 50 * 6
            assert np.exp(-shrinks * share) == pytest.approx(0.3**share)

    def test_small_steps_decay_little(self, dense: Any) -> None:
        start = small().fit(*dense).net_.get_weights()
        model = small(init_weights=start, lr=1e-8).fit(*dense)
        for name, weights in model.net_.get_weights().items():
            np.testing.assert_allclose(weights, start[name], atol=1e-5)

    def test_auto_decay_in_a_fit(self, dense: Any, sparse: Any) -> None:
        def decay(model: LossSampledClassifier) -> float:
            decay: float = model.net_.optimizer_.param_groups[0]["weight_decay"]
            return decay

        assert decay(small().fit(*dense)) > 0
        assert decay(small().fit(*sparse)) == 0
        assert decay(small(optimizer=torch.optim.Adam).fit(*dense)) == 0
        assert decay(small().partial_fit(*dense, classes=np.unique(dense[1]))) == 0
        assert decay(small(weight_decay=0.2).fit(*dense)) == 0.2
        small(optimizer=torch.optim.Rprop).fit(*dense)  # which has no decay

    def test_decay_of_an_optimizer_without_it(self, dense: Any) -> None:
        with pytest.raises(ValueError, match=r"'weight_decay'.*optimizer=Rprop"):
            small(optimizer=torch.optim.Rprop, weight_decay=0.1).fit(*dense)


class TestOrder:
    def test_without_shuffle_nothing_is_random_but_the_weights(self, dense: Any) -> None:
        X, y = dense
        weights = small().fit(X, y).initial_weights_

        def proba(**parameters: Any) -> Any:
            model = small("base", init_weights=weights, **parameters)
            return model.fit(X, y).predict_proba(X)

        np.testing.assert_array_equal(
            proba(shuffle=False, random_state=1), proba(shuffle=False, random_state=2)
        )
        assert not np.array_equal(proba(random_state=1), proba(random_state=2))

    @pytest.mark.parametrize("shuffle", [True, False])
    def test_order_of_the_rows(self, dense: Any, shuffle: bool) -> None:
        batches: list[Any] = []

        class Note(Callback):
            def on_batch_begin(self, net: Any, batch: Any = None, **kwargs: Any) -> None:
                batches.append(batch.rows)

        small("base", budget=1.5, shuffle=shuffle, callbacks=[Note()]).fit(*dense)
        first, cut = np.concatenate(batches[:12]), np.concatenate(batches[12:])
        assert np.array_equal(first, np.arange(N)) is not shuffle
        assert (np.diff(cut) > 0).all() is not np.bool_(shuffle)
        np.testing.assert_array_equal(np.sort(first), np.arange(N))
        # The cut takes rows from everywhere.
        assert len(cut) == N // 2
        assert cut.max() > 0.8 * N


class TestEarlyStopping:
    def test_goes_back_to_the_best_weights(self, dense: Any) -> None:
        X, y = dense
        model = small("base", early_stopping=True, lr=0.3, budget=30, n_iter_no_change=30)
        model.set_params(weight_decay=0.0)
        model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
        scores = model.validation_scores_
        assert len(scores) == 30
        assert max(scores) > scores[-1]
        assert model.score(X[60:], y[60:]) == pytest.approx(max(scores))

    def test_weights_of_the_validation_rows(self, dense: Any) -> None:
        X, y = dense
        weights = np.linspace(0, 3, 36)
        model = small(budget=2)
        model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:], sample_weight_val=weights)
        expected = model.score(X[60:], y[60:], sample_weight=weights)
        assert model.validation_scores_[-1] == pytest.approx(expected)
        loss = np.average(model.instance_losses(X[60:], y[60:]), weights=weights)
        assert model.history_[-1]["valid_loss"] == pytest.approx(loss, rel=1e-5)

    @pytest.mark.parametrize("patience", [1, 3])
    def test_patience(self, dense: Any, patience: int) -> None:
        """With tol=1 no check after the first one counts as an improvement."""
        model = small(early_stopping=True, tol=1.0, n_iter_no_change=patience, budget=20)
        assert len(model.fit(*dense).validation_scores_) == 1 + patience

    def test_one_check_per_full_epoch_of_visits(self, dense: Any) -> None:
        model = small(
            "percentile", sampling_percentage=25, early_stopping=True, validation_fraction=0.25
        ).fit(*dense)
        checks = ["valid_acc" in record for record in model.history_]
        assert checks == [True, *[False, False, False, True] * 3]

    def test_without_it_validation_data_are_only_watched(self, dense: Any) -> None:
        X, y = dense
        watched = small("base", budget=30, lr=0.3).fit(X, y, X_val=X[:30], y_val=y[:30])
        assert len(watched.validation_scores_) == 30
        alone = small("base", budget=30, lr=0.3).fit(X, y)
        assert alone.validation_scores_ is None
        np.testing.assert_array_equal(watched.predict_proba(X), alone.predict_proba(X))

    def test_fraction(self, dense: Any) -> None:
        model = small(early_stopping=True, validation_fraction=0.25).fit(*dense)
        assert model.loss_table_["held_out"].sum() == 24


class TestInitWeights:
    def test_mapping(self, dense: Any, sparse: Any) -> None:
        weights = small(random_state=5).fit(*dense).net_.get_weights()
        tensors = {name: torch.from_numpy(values) for name, values in weights.items()}
        trained = {name: torch.nn.Parameter(values.double()) for name, values in tensors.items()}
        for given in (weights, tensors, trained):
            for data in (dense, sparse):
                model = small(init_weights=given).fit(*data)
                for name, values in weights.items():
                    np.testing.assert_array_equal(model.initial_weights_[name], values)

    def test_file(self, dense: Any, tmp_path: Path) -> None:
        model = small(random_state=5).fit(*dense)
        path = tmp_path / "weights.safetensors"
        model.save_weights(path)
        assert [p.name for p in tmp_path.iterdir()] == ["weights.safetensors"]
        for given in (path, str(path)):
            again = small(init_weights=given).fit(*dense)
            for name, values in model.net_.get_weights().items():
                np.testing.assert_array_equal(again.initial_weights_[name], values)

    def test_every_strategy_starts_from_them(self, dense: Any) -> None:
        weights = small(random_state=5).fit(*dense).initial_weights_
        for name in STRATEGIES:
            initial = small(name, init_weights=weights).fit(*dense).initial_weights_
            np.testing.assert_array_equal(initial["input.weight"], weights["input.weight"])

    def test_given_weights_are_not_changed(self, dense: Any) -> None:
        weights = small().fit(*dense).initial_weights_
        before = {name: values.copy() for name, values in weights.items()}
        model = small(init_weights=weights).fit(*dense)
        for name, values in before.items():
            np.testing.assert_array_equal(weights[name], values)
            np.testing.assert_array_equal(model.initial_weights_[name], values)


@pytest.mark.parametrize("data", ["dense", "sparse"])
class TestWarmStart:
    @pytest.fixture
    def X_y(self, data: str, request: pytest.FixtureRequest) -> Any:
        return request.getfixturevalue(data)

    def test_goes_on_with_the_weights_and_the_table(self, X_y: Any) -> None:
        model = small(warm_start=True, budget=2, record="history").fit(*X_y)
        weights, visits, rounds = (
            model.net_.get_weights(),
            model.visit_counts_,
            model.n_iter_,
        )
        model.fit(*X_y)
        for name, values in weights.items():
            np.testing.assert_array_equal(model.initial_weights_[name], values)
        assert model.visit_counts_.sum() == 4 * N
        assert (model.visit_counts_ >= visits).all()
        assert model.n_iter_ == len(model.history_) == len(model.selections_) > rounds
        assert [r["epoch"] for r in model.history_] == list(range(model.n_iter_))
        assert model.loss_history_.shape == (model.n_iter_, N)

    def test_other_rows_start_the_table_anew(self, X_y: Any) -> None:
        X, y = X_y
        model = small(warm_start=True, budget=2).fit(X, y)
        weights = model.net_.get_weights()
        model.fit(X[:60], y[:60])
        assert len(model.loss_table_) == 60
        assert model.visit_counts_.sum() == 120
        assert model.n_iter_ == len(model.history_)
        np.testing.assert_array_equal(
            model.initial_weights_["input.weight"], weights["input.weight"]
        )

    def test_without_it_a_fit_starts_over(self, X_y: Any) -> None:
        model = small().fit(*X_y)
        before = model.predict_proba(X_y[0])
        np.testing.assert_array_equal(model.fit(*X_y).predict_proba(X_y[0]), before)

    def test_settings_may_change(self, X_y: Any) -> None:
        model = small(warm_start=True).fit(*X_y)
        model.set_params(
            lr=0.5,
            lr_schedule="constant",
            sampling_strategy="percentile",
            optimizer=torch.optim.SGD,
        )
        assert model.fit(*X_y).history_[-1]["lr"] == 0.5

    def test_moments_of_the_optimisers_go_on(self, X_y: Any) -> None:
        model = small("base", warm_start=True, budget=1).fit(*X_y)
        model.fit(*X_y)
        [state] = [model.net_.optimizer_.state[p] for p in [model.net_.module_.input.bias]]
        assert int(state["step"]) == 24

    def test_other_classes(self, X_y: Any) -> None:
        X, y = X_y
        model = small(warm_start=True).fit(X, y)
        before = model.predict_proba(X)
        with pytest.raises(ValueError, match=r"classes of the previous fit, \[0, 1, 2\].*\[1, 2\]"):
            model.fit(X[y > 0], y[y > 0])
        np.testing.assert_array_equal(model.predict_proba(X), before)

    def test_other_sizes(self, X_y: Any) -> None:
        X, y = X_y
        model = small(warm_start=True).fit(X, y)
        before = model.predict_proba(X)
        with pytest.raises(ValueError, match="'hidden_layer_sizes' and the number of features"):
            model.set_params(hidden_layer_sizes=(9,)).fit(X, y)
        with pytest.raises(ValueError, match="X has 5 features"):
            model.fit(X[:, :5], y)
        np.testing.assert_array_equal(model.predict_proba(X), before)


class TestCallbacks:
    def test_are_called(self, dense: Any) -> None:
        given = CountEvents()
        model = small("base", callbacks=[given, ("named", CountEvents())]).fit(*dense)
        for _, callback in model.net_.callbacks_:
            assert callback.events == {
                "train_begin": 1,
                "train_end": 1,
                "epoch_end": 4,
                "batch_end": 48,
                "grad_computed": 48,
            }
        assert not hasattr(given, "events")  # a copy was used

    def test_early_stopping_of_skorch(self, dense: Any) -> None:
        # No fall of the loss is as large as the threshold.
        stop = EarlyStopping("train_loss", patience=3, threshold=10.0, sink=lambda message: None)
        model = small("base", budget=20, callbacks=[stop]).fit(*dense)
        assert model.n_iter_ == 4
        assert model.visit_counts_.sum() == 4 * N
        assert model.predict(dense[0]).shape == (N,)

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_those_that_look_know_the_targets(self, dense: Any, method: str) -> None:
        seen = []

        class Look(Callback):
            def __init__(self, models: list[Any]) -> None:
                self.models = models

            def on_train_begin(self, net: Any, **kwargs: Any) -> None:
                seen.append({k: v for k, v in vars(self.models[0]).items() if k in learnt})

        X, y = dense
        learnt = {"n_features_in_", "classes_", "target_mean_", "target_scale_"}
        for make in (LossSampledClassifier, LossSampledRegressor):
            models: list[Any] = []
            models.append(make("base", budget=1, callbacks=[Look(models)]))
            first_chunk = method == "partial_fit" and make is LossSampledClassifier
            getattr(models[0], method)(X, y, **({"classes": np.unique(y)} if first_chunk else {}))
            expected = {k: v for k, v in vars(models[0]).items() if k in learnt}
            np.testing.assert_equal(seen.pop(), expected)
            assert len(expected) > 1

    def test_interrupt_leaves_the_estimator_as_it_was(self, dense: Any) -> None:
        class Interrupt(Callback):
            def on_batch_end(self, net: Any, **kwargs: Any) -> None:
                raise KeyboardInterrupt

        X, y = dense
        model = small(callbacks=[Interrupt()])
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
        assert not [name for name in vars(model) if name.endswith("_")]
        for warm_start in (False, True):
            fitted = small(warm_start=warm_start).fit(X, y)
            proba, state = fitted.predict_proba(X), vars(fitted).copy()
            fitted.set_params(callbacks=[Interrupt()])
            with pytest.raises(KeyboardInterrupt):
                fitted.fit(X, y)
            with pytest.raises(KeyboardInterrupt):
                fitted.fit(X, y)
            fitted.set_params(callbacks=None)
            assert vars(fitted) == state
            np.testing.assert_array_equal(fitted.predict_proba(X), proba)


class TestVerbose:
    def test_writes_to_standard_error_only(self, dense: Any, capsys: Any) -> None:
        small(verbose=1, early_stopping=True).fit(*dense)
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "fit: 100%" in shown.err
        assert "validation accuracy" in shown.err

    def test_lines_outside_a_terminal(self, dense: Any, capsys: Any) -> None:
        small(verbose=1).fit(*dense)
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "fit: 100% round" in shown.err

    def test_silent_by_default(self, dense: Any, capsys: Any, monkeypatch: Any) -> None:
        def refuse(*args: Any, **kwargs: Any) -> None:
            raise AssertionError("print was called")

        monkeypatch.setattr(builtins, "print", refuse)
        small().fit(*dense).predict(dense[0])
        assert capsys.readouterr() == ("", "")

    def test_changes_nothing(self, dense: Any) -> None:
        X = dense[0]
        np.testing.assert_array_equal(
            small(verbose=True).fit(*dense).predict_proba(X), small().fit(*dense).predict_proba(X)
        )


class TestDevice:
    def test_auto_and_cpu(self, dense: Any) -> None:
        assert small(device="auto").fit(*dense).predict(dense[0]).shape == (N,)
        assert small(device="cpu").fit(*dense).net_.device == "cpu"


def test_selection_reduces_the_loss_of_hard_rows(sparse: Any) -> None:
    """Quality, not only shapes: each strategy but the bottom ones learns the data."""
    for strategy in ("base", "percentile", "percentage", "random", "importance", Percentage(50)):
        assert small(strategy, budget=30).fit(*sparse).score(*sparse) > 0.9
