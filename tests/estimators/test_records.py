"""What is counted and recorded: forward passes, visits, losses, dynamics."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.neural._mlp import InputLayer
from sklearn_sifal.neural._observers import as_kept
from sklearn_sifal.strategies import STRATEGIES, Base, Importance, Percentage, Percentile

N = 96  # rows of the fixture data
Small = Callable[..., LossSampledClassifier]


@pytest.fixture
def forwards(monkeypatch: pytest.MonkeyPatch) -> dict[bool, int]:
    """Rows that went forward through the net, in training mode or not."""
    rows = {True: 0, False: 0}
    forward = InputLayer.forward  # where every way through the net begins

    def counting(layer: InputLayer, x: Any) -> Any:
        rows[layer.training] += len(x)
        return forward(layer, x)

    monkeypatch.setattr(InputLayer, "forward", counting)
    return rows


def twenty_at_random(losses: Any, rng: np.random.Generator) -> Any:
    return rng.permutation(len(losses))[:20]


EVERY_STRATEGY = [
    *STRATEGIES,
    Percentage(70, refresh="epoch", exploration=0.1),
    Percentile(30, refresh=2, warmup_epochs=2, final_epochs=1),
    Importance(20, refresh="table"),
    Base(max_visits=3),
    twenty_at_random,
]


def total(model: Any, name: str) -> int:
    return sum(record[name] for record in model.history_)


class TestCounts:
    @pytest.mark.filterwarnings("ignore:max_visits=3 left 0 rows")
    @pytest.mark.parametrize(
        "strategy",
        EVERY_STRATEGY,
        ids=lambda strategy: getattr(strategy, "__name__", str(strategy)),
    )
    def test_one_forward_per_visit_and_scored_row(
        self, small: Small, data: Any, strategy: Any, forwards: dict[bool, int]
    ) -> None:
        # Given, since 'rho_loss' would fit other nets to find them.
        model = small(strategy, budget=5.5).fit(*data, irreducible_losses=np.zeros(N))
        assert forwards == {True: total(model, "visits"), False: total(model, "scored")}
        assert total(model, "visits") == model.visit_counts_.sum() == round(5.5 * N)

    def test_validation_is_one_more_forward_per_check(
        self, small: Small, data: Any, forwards: dict[bool, int]
    ) -> None:
        model = small(early_stopping=True, n_iter_no_change=100).fit(*data)
        n_held_out = round(0.1 * N)
        assert len(model.validation_scores_) == 4
        assert forwards[True] == total(model, "visits") == 4 * (N - n_held_out)
        assert forwards[False] == total(model, "scored") + 4 * n_held_out

    def test_full_history_and_dynamics_cost_no_forward(
        self, small: Small, data: Any, forwards: dict[bool, int]
    ) -> None:
        for record in ("dynamics", "history"):
            forwards.update({True: 0, False: 0})
            model = small(record=record).fit(*data)
            assert forwards == {True: total(model, "visits"), False: total(model, "scored")}

    def test_partial_fit(self, small: Small, data: Any, forwards: dict[bool, int]) -> None:
        small().partial_fit(*data, classes=[0, 1, 2])
        assert forwards == {True: N, False: 0}

    @pytest.mark.parametrize("name", STRATEGIES)
    @pytest.mark.parametrize("budget", [0.001, 0.5, 1, 1.013, 7])
    def test_visits_are_the_budget_to_the_row(
        self, small: Small, data: Any, name: str, budget: float
    ) -> None:
        model = small(name, budget=budget).fit(*data)
        assert total(model, "visits") == model.visit_counts_.sum() == max(1, round(budget * N))
        assert model.n_iter_ == len(model.history_) == len(model.loss_curve_)

    def test_passes_count_a_scored_row_as_a_third(self, small: Small, data: Any) -> None:
        strategy = Percentile(20, refresh="epoch")
        visits = small(strategy, budget=4).fit(*data)
        passes = small(strategy, budget=4, budget_unit="passes").fit(*data)
        assert total(visits, "visits") == 4 * N
        spent = total(passes, "visits") + total(passes, "scored") / 3
        # The last round may begin with less left than its scoring costs.
        assert 4 * N <= spent < 4 * N + N / 3 + 1
        assert total(passes, "visits") < 4 * N

    @pytest.mark.parametrize("record", ["loss", "history"])
    def test_scoring_that_would_take_the_rest_of_the_budget_is_left_out(
        self, small: Small, data: Any, record: str
    ) -> None:
        model = small(
            Percentile(20, refresh="epoch"), budget=1.3, budget_unit="passes", record=record
        ).fit(*data)
        # 1.3 N - N visits are left: less than N / 3 and a batch, so the losses of the first
        # round's training steps have to do.
        assert [(r["visits"], r["scored"]) for r in model.history_] == [(N, 0), (20, 0), (9, 0)]
        assert np.isfinite(model.loss_curve_).all()
        if record == "history":
            assert [len(rows) for rows in model.selections_] == [N, 20, 9]

    def test_steps_and_seconds(self, small: Small, data: Any) -> None:
        model = small("base", budget=2.5).fit(*data)
        assert [r["steps"] for r in model.history_] == [12, 12, 6]
        assert [r["epoch"] for r in model.history_] == [0, 1, 2]
        for record in model.history_:
            assert record["seconds_train"] > 0
            assert record["seconds_select"] >= 0
            assert record["seconds_score"] == 0

    def test_chosen_and_other_loss(self, small: Small, data: Any) -> None:
        model = small(Percentile(20, refresh="epoch"), record="history").fit(*data)
        first, second = model.history_[:2]
        assert np.isnan([first["chosen_loss"], first["other_loss"]]).all()
        assert second["chosen_loss"] > second["other_loss"]


class TestLossTable:
    def test_fields_and_types(self, small: Small, data: Any) -> None:
        table = small().fit(*data).loss_table_
        assert table.shape == (N,)
        assert {name: table.dtype[name].str[1:] for name in table.dtype.names} == {
            "id": "i8",
            "loss": "f4",
            "loss_epoch": "i4",
            "fresh": "b1",
            "visits": "i4",
            "evicted": "b1",
            "held_out": "b1",
        }
        np.testing.assert_array_equal(table["id"], np.arange(N))

    def test_losses_of_one_batch_are_those_of_the_initial_weights(
        self, small: Small, data: Any
    ) -> None:
        """In-step losses come from the forward pass of the step, before its update."""
        X, y = data
        model = small("base", budget=1, batch_size=N).fit(X, y)
        w = model.initial_weights_
        hidden = np.maximum(X @ w["input.weight"] + w["input.bias"], 0)
        p = softmax(hidden @ w["layers.0.weight"].T + w["layers.0.bias"], axis=1)
        table = model.loss_table_
        np.testing.assert_allclose(table["loss"], -np.log(p[np.arange(N), y]), rtol=1e-5)
        assert model.loss_curve_ == [pytest.approx(table["loss"].mean())]
        assert not table["fresh"].any()
        assert (table["loss_epoch"] == 0).all()
        assert (table["visits"] == 1).all()

    def test_scored_rows_are_fresh(self, small: Small, data: Any) -> None:
        model = small(Percentile(20, refresh="epoch"), budget=2, record="history").fit(*data)
        table, last = model.loss_table_, model.selections_[-1]
        trained = np.isin(np.arange(N), last)
        np.testing.assert_array_equal(table["fresh"], ~trained)
        assert (table["loss_epoch"] == model.n_iter_ - 1).all()

    def test_visits_are_those_of_the_selections(self, small: Small, data: Any) -> None:
        model = small(record="history").fit(*data)
        np.testing.assert_array_equal(
            model.visit_counts_, np.bincount(np.concatenate(model.selections_), minlength=N)
        )
        assert model.visit_counts_.dtype == np.int32

    def test_losses_are_without_weights(self, small: Small, data: Any) -> None:
        plain = small("base", budget=1, batch_size=N).fit(*data)
        weighted = small("base", budget=1, batch_size=N).fit(*data, np.linspace(1, 50, N))
        np.testing.assert_array_equal(weighted.loss_table_["loss"], plain.loss_table_["loss"])
        assert weighted.loss_curve_ == pytest.approx(plain.loss_curve_)

    def test_held_out_rows(self, small: Small, data: Any) -> None:
        X, y = data
        model = small(early_stopping=True, validation_fraction=0.2).fit(X, y)
        table = model.loss_table_
        held_out = table["held_out"]
        assert len(table) == N
        assert held_out.sum() == 20  # 19.2 rounded up
        assert (table["visits"][held_out] == 0).all()
        assert (table["visits"][~held_out] > 0).all()
        assert table["fresh"][held_out].all()
        # The best weights are back, and these are their losses.
        np.testing.assert_allclose(
            table["loss"][held_out], model.instance_losses(X, y)[held_out], rtol=1e-5
        )
        best = int(np.argmax(model.validation_scores_))
        checks = [r["epoch"] for r in model.history_ if "valid_acc" in r]
        assert (table["loss_epoch"][held_out] == checks[best]).all()
        # Stratified.
        assert abs(np.bincount(y[held_out]) / 20 - np.bincount(y) / N).max() < 0.05

    def test_given_validation_rows_are_not_in_the_table(self, small: Small, data: Any) -> None:
        X, y = data
        model = small().fit(X, y, X_val=X[:30], y_val=y[:30])
        assert len(model.loss_table_) == N
        assert not model.loss_table_["held_out"].any()

    def test_rows_of_weight_zero(self, small: Small, data: Any) -> None:
        weights = np.ones(N)
        weights[::3] = 0
        table = small(record="dynamics").fit(*data, weights).loss_table_
        assert len(table) == N
        assert (table["visits"][::3] == 0).all()
        assert (table["loss_epoch"][::3] == -1).all()
        for name in ("loss", "mean_loss", "confidence", "margin", "el2n"):
            assert np.isnan(table[name][::3]).all()
        assert (table["visits"][1::3] > 0).all()

    def test_training_mask(self, small: Small, data: Any) -> None:
        X, y = data
        assert small().fit(X, y).training_mask_.all()
        weights = np.where(np.arange(N) % 3 == 0, 0.0, 1.0)
        # One round on eight rows of 64: the others could have been chosen.
        strategy = Percentage(10, warmup_epochs=0, refresh="epoch")
        model = small(strategy, budget=8 / 64).fit(X, y, sample_weight=weights)
        np.testing.assert_array_equal(model.training_mask_, weights > 0)
        assert np.count_nonzero(model.visit_counts_) == 8
        stopped = small(early_stopping=True).fit(X, y, sample_weight=weights)
        held_out = stopped.loss_table_["held_out"]
        assert held_out.sum() == 7  # a tenth of 64 rows, rounded up
        np.testing.assert_array_equal(stopped.training_mask_, (weights > 0) & ~held_out)

    def test_evicted_rows(self, small: Small, data: Any) -> None:
        model = small(Percentile(50, max_visits=3), budget=2.7).fit(*data)
        table = model.loss_table_
        assert table["visits"].max() == 3
        assert table["evicted"].any()
        assert (table["visits"][table["evicted"]] == 3).all()
        assert model.history_[-1]["evicted"] == table["evicted"].sum()

    def test_evictions_and_resets_of_each_round(self, small: Small, data: Any) -> None:
        # All rows have their two visits after the second round, which lifts the evictions
        # at the third, and so on.
        with pytest.warns(UserWarning, match="all evictions are lifted"):
            model = small(Base(max_visits=2), budget=4).fit(*data)
        found = {
            key: [record[key] for record in model.history_]
            for key in ("evicted", "newly_evicted", "restored")
        }
        assert found == {
            "evicted": [0, N, 0, N],
            "newly_evicted": [0, N, 0, N],
            "restored": [0, 0, N, 0],
        }

    def test_the_record_of_evictions_goes_on_with_the_table(self, small: Small, data: Any) -> None:
        model = small(Base(max_visits=2), budget=2, warm_start=True).fit(*data)
        with pytest.warns(UserWarning, match="all evictions are lifted"):
            model.fit(*data)
        assert [record["evicted"] for record in model.history_][:3] == [0, N, 0]
        assert [record["restored"] for record in model.history_][:3] == [0, 0, N]


class TestTableOnDemand:
    def test_it_is_made_once(self, small: Small, data: Any) -> None:
        model = small(early_stopping=True).fit(*data)
        table = model.loss_table_
        assert not table.flags.writeable
        assert model.loss_table_ is table
        model.fit(*data)
        assert model.loss_table_ is not table

    def test_copies_and_pickles_leave_it_out(self, small: Small) -> None:
        X, y = np.random.default_rng(0).random((20_000, 1)), np.arange(20_000) % 2
        model = small("base", budget=1, batch_size=1000).fit(X, y)
        before = len(pickle.dumps(model))
        table = model.loss_table_
        assert len(pickle.dumps(model)) == before
        assert before < 16 * len(y) + 20_000  # 14 bytes a row, and the net
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(other.loss_table_, table)
            assert other.loss_table_ is not table

    def test_visit_counts_are_read_only(self, small: Small, data: Any) -> None:
        X, y = data
        for weights in (None, np.arange(N) % 4):  # all rows, and some left out
            model = small().fit(X, y, sample_weight=weights)
            np.testing.assert_array_equal(model.visit_counts_, model.loss_table_["visits"])
            with pytest.raises(ValueError, match="read-only"):
                model.visit_counts_[0] = 1
            with pytest.raises(ValueError, match="read-only"):
                model.training_mask_[0] = False

    def test_what_was_read_stays_as_it_was(self, small: Small, data: Any) -> None:
        model = small("base", budget=2, warm_start=True).fit(*data)
        table, visits = model.loss_table_, model.visit_counts_
        before = table.copy()
        model.fit(*data)
        np.testing.assert_array_equal(table, before)
        np.testing.assert_array_equal(visits, 2)
        np.testing.assert_array_equal(model.visit_counts_, 4)

    @pytest.mark.parametrize(
        "name", ["loss_table_", "visit_counts_", "training_mask_", "loss_history_"]
    )
    def test_not_there_before_fit(self, small: Small, name: str) -> None:
        assert not hasattr(small(), name)
        with pytest.raises(AttributeError, match=f"is not fitted: no {name}"):
            getattr(small(), name)


class TestHistoryDtype:
    def test_half_the_memory_and_nothing_else(self, small: Small, data: Any) -> None:
        wide = small(record="history", early_stopping=True).fit(*data)
        narrow = small(record="history", early_stopping=True, history_dtype="float16").fit(*data)
        assert wide.loss_history_.dtype == np.float32
        assert narrow.loss_history_.dtype == np.float16
        np.testing.assert_array_equal(narrow.loss_history_, wide.loss_history_.astype(np.float16))
        np.testing.assert_array_equal(narrow.loss_table_["loss"], wide.loss_table_["loss"])
        np.testing.assert_array_equal(narrow.predict_proba(data[0]), wide.predict_proba(data[0]))

    def test_losses_beyond_its_range_become_its_largest(self) -> None:
        losses = np.array([1e6, -1e6, 65504.0, 1.0, np.nan], np.float32)
        kept = as_kept(losses, np.dtype(np.float16))
        np.testing.assert_array_equal(kept, [65504, -65504, 65504, 1, np.nan])
        np.testing.assert_array_equal(as_kept(kept, np.dtype(np.float32)), kept)
        same = as_kept(losses, np.dtype(np.float32))
        np.testing.assert_array_equal(same, losses)
        assert not np.shares_memory(same, losses)

    def test_a_warm_start_may_change_it(self, small: Small, data: Any) -> None:
        model = small(record="history", budget=2, warm_start=True).fit(*data)
        first = model.loss_history_
        for name in ("float16", "float32"):
            model.set_params(history_dtype=name).fit(*data)
            assert model.loss_history_.dtype == name
            np.testing.assert_array_equal(
                model.loss_history_[: len(first)], first.astype(np.float16)
            )
        assert len(model.loss_history_) == model.n_iter_

    def test_selections_are_int32(self, small: Small, data: Any) -> None:
        model = small(record="history").fit(*data)
        assert {rows.dtype for rows in model.selections_} == {np.dtype(np.int32)}

    @pytest.mark.parametrize("value", ["float64", np.float16, None])
    def test_bad_value(self, small: Small, data: Any, value: Any) -> None:
        with pytest.raises(ValueError, match="'history_dtype' parameter"):
            small(history_dtype=value).fit(*data)


class TestRecord:
    def test_none_unless_asked_for(self, small: Small, data: Any) -> None:
        for record in ("loss", "dynamics"):
            model = small(record=record).fit(*data)
            assert model.loss_history_ is model.selections_ is model.weight_history_ is None

    def test_recording_changes_nothing(self, small: Small, data: Any) -> None:
        expected = small().fit(*data)
        for record in ("dynamics", "history"):
            model = small(record=record).fit(*data)
            np.testing.assert_array_equal(
                model.predict_proba(data[0]), expected.predict_proba(data[0])
            )

    def test_history(self, small: Small, data: Any) -> None:
        X, y = data
        model = small(Percentile(40), record="history").fit(X, y)
        n_rounds = model.n_iter_
        assert model.loss_history_.shape == (n_rounds, N)
        np.testing.assert_array_equal(model.loss_history_[-1], model.loss_table_["loss"])
        assert len(model.selections_) == len(model.weight_history_) == n_rounds
        np.testing.assert_array_equal(model.selections_[0], np.arange(N))
        for rows in model.selections_:
            assert (np.diff(rows) > 0).all()
        for name, values in model.net_.get_weights().items():
            np.testing.assert_array_equal(model.weight_history_[-1][name], values)

    def test_history_speaks_of_rows_as_given(self, small: Small, data: Any) -> None:
        weights = np.ones(N)
        weights[:10] = 0
        model = small(record="history", early_stopping=True).fit(*data, weights)
        left_out = model.loss_table_["held_out"] | (weights == 0)
        assert np.isnan(model.loss_history_[:, left_out]).all()
        assert np.isfinite(model.loss_history_[0, ~left_out]).all()
        np.testing.assert_array_equal(model.selections_[0], np.flatnonzero(~left_out))

    def test_dynamics_by_hand(self, small: Small) -> None:
        """One batch of all rows a round: every round's outputs follow from its weights."""
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(30, 4)), np.arange(30) % 3
        model = small(
            "base", budget=5, batch_size=30, hidden_layer_sizes=(), lr=0.5, record="history"
        ).fit(X, y)
        before = [model.initial_weights_, *model.weight_history_[:-1]]
        logits = np.stack([X @ w["input.weight"] + w["input.bias"] for w in before])
        p = softmax(logits, axis=2)
        rows = np.arange(30)
        confidence = p[:, rows, y]
        others = np.where(np.arange(3) == y[:, None], -np.inf, logits).max(axis=2)
        correct = logits.argmax(axis=2) == y
        expected = {
            "mean_loss": -np.log(confidence).mean(axis=0),
            "confidence": confidence.mean(axis=0),
            "variability": confidence.std(axis=0),
            "correctness": correct.mean(axis=0),
            "margin": (logits[:, rows, y] - others).mean(axis=0),
            "el2n": np.linalg.norm(p - np.eye(3)[y], axis=2).mean(axis=0),
            "forgotten": (correct[:-1] & ~correct[1:]).sum(axis=0),
        }
        for name, values in expected.items():
            np.testing.assert_allclose(
                model.loss_table_[name], values, rtol=1e-5, atol=1e-6, err_msg=name
            )
        np.testing.assert_allclose(model.loss_history_, -np.log(confidence), rtol=1e-5)
