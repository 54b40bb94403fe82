"""Losses that are written later give the same results as losses written at once."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from skorch.callbacks import Callback

from sklearn_sifal import LossSampledClassifier, LossSampledNet, LossSampledRegressor
from sklearn_sifal._exceptions import NonFiniteLossError
from sklearn_sifal.neural._ledger import Entry, StepLedger
from sklearn_sifal.neural._mlp_net import MLPNet
from sklearn_sifal.strategies import STRATEGIES, SamplingStrategy
from sklearn_sifal.strategies._selection import Selection

WRITTEN = [([4, 2], {"loss": [1.0, 2.0]}), ([4], {"loss": [3.0]})]


def plain(entries: Iterable[Entry]) -> list[Any]:
    return [(rows.tolist(), {k: v.tolist() for k, v in seen.items()}) for rows, seen in entries]


class TestStepLedger:
    def entered(self, *, delayed: bool) -> tuple[StepLedger, list[Any]]:
        ledger = StepLedger(delayed=delayed)
        steps = (
            ([4, 2], torch.tensor([1.0, 2.0], requires_grad=True)),
            ([4], torch.tensor([3.0])),
        )
        entries = [ledger.enter(np.array(rows), {"loss": losses}) for rows, losses in steps]
        return ledger, plain(entry for some in entries for entry in some)

    def test_at_once(self) -> None:
        ledger, written = self.entered(delayed=False)
        assert written == WRITTEN
        assert plain(ledger.settle()) == []

    def test_later_in_the_same_order(self) -> None:
        ledger, written = self.entered(delayed=True)
        assert written == []
        assert plain(ledger.settle()) == WRITTEN
        assert plain(ledger.settle()) == []

    def test_types(self) -> None:
        ledger = StepLedger(delayed=True)
        values = {
            "loss": torch.tensor([0.5], dtype=torch.bfloat16),
            "correct": torch.tensor([True]),
        }
        ledger.enter(np.array([0]), values)
        ((_, seen),) = ledger.settle()
        assert seen["loss"].dtype == np.float32
        assert seen["correct"].dtype == bool

    def test_what_waits_is_dropped_once_asked_for(self) -> None:
        ledger, _ = self.entered(delayed=True)
        next(iter(ledger.settle()))  # the first could not be written, say
        assert plain(ledger.settle()) == []


@pytest.fixture
def delay(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with True for what happens on an accelerator."""

    def set_to(delayed: bool) -> None:
        for net in (LossSampledNet, MLPNet):
            monkeypatch.setattr(net, "_delays_records", lambda self: delayed)

    return set_to


def make_data(kind: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.poisson(0.7, (120, 30)).astype(np.float32)
    y = (X @ rng.normal(size=(30, 3))).argmax(axis=1)
    return (X if kind == "dense" else sp.csr_array(X)), y


def everything(model: Any) -> dict[str, Any]:
    """What a training leaves behind, without its seconds."""
    found = {name: values.tobytes() for name, values in model.net_.get_weights().items()}
    found["table"] = model.loss_table_.tobytes()
    found["losses"] = model.loss_history_.tobytes()
    found["selections"] = [rows.tolist() for rows in model.selections_]
    found["history"] = [
        {name: value for name, value in record.items() if not name.startswith("seconds")}
        for record in model.history_
    ]
    return found


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_same_bits_for_every_strategy(kind: str, strategy: str, delay: Any) -> None:
    X, y = make_data(kind)
    found = []
    for delayed in (False, True):
        delay(delayed)
        model = LossSampledClassifier(
            strategy,
            hidden_layer_sizes=(8,),
            budget=3.5,
            batch_size=8,
            dropout=0.3,
            input_dropout=0.2,
            record="history",
            early_stopping=True,
            random_state=0,
        )
        # The third round, with repeated rows, has a batch that is cut by the budget.
        trusted = np.arange(len(y)) < 40
        losses = np.full(len(y), 0.1)
        needs = {"irreducible_losses": losses} if strategy == "rho_loss" else {}
        found.append(everything(model.fit(X, y, trusted=trusted, **needs)))
    assert str(found[0]) == str(found[1])


def test_same_bits_for_a_regression(delay: Any) -> None:
    X = make_data("dense")[0]
    y = X @ np.linspace(-1, 1, X.shape[1])
    found = []
    for delayed in (False, True):
        delay(delayed)
        model = LossSampledRegressor(
            hidden_layer_sizes=(8,), budget=4, batch_size=8, record="history", random_state=0
        )
        found.append(everything(model.fit(X, y, sample_weight=np.linspace(0.5, 2, len(y)))))
    assert str(found[0]) == str(found[1])


class LooksBetweenBatches(SamplingStrategy):
    """Yields batches, and each time wants to know what was trained on before."""

    def draw(self, table: Any, context: Any) -> Any:
        for first in range(0, len(table), 16):
            assert table.visits.sum() == first + context.epoch * len(table)
            assert self.seen_ == table.visits.sum()
            yield Selection(np.arange(first, min(first + 16, len(table))))
        assert self.seen_ == len(table) * (context.epoch + 1)

    def begin(self, table: Any, setup: Any) -> None:
        super().begin(table, setup)
        self.seen_ = 0

    def observe(self, rows: Any, measured: Any, *, training: bool) -> None:
        self.seen_ += len(rows)


def test_written_before_the_strategy_is_asked_again(delay: Any) -> None:
    delay(True)
    X, y = make_data("dense")
    LossSampledClassifier(LooksBetweenBatches(), budget=2, batch_size=8, random_state=0).fit(X, y)


@pytest.mark.parametrize("delayed", [False, True])
class TestNonFiniteLoss:
    def message(self, model: LossSampledClassifier) -> str:
        X, y = make_data("dense")
        X[33] = 3e38
        with pytest.raises(NonFiniteLossError) as caught:
            model.fit(X, y)
        assert caught.value.row == 33
        return str(caught.value)

    def model(self, **parameters: Any) -> LossSampledClassifier:
        return LossSampledClassifier(
            hidden_layer_sizes=(8,),
            budget=3,
            batch_size=8,
            shuffle=False,
            activation="identity",  # so that the row overflows
            lr=0.25,
            random_state=0,
            **parameters,
        )

    def test_the_error_names_row_rate_and_visits(self, delayed: bool, delay: Any) -> None:
        delay(delayed)
        message = self.message(self.model())
        # Rows come in order: row 33 is in the fifth batch of 8.
        assert "epoch 0, after 32 visits, because the loss of row 33" in message
        assert "lr=0.25" in message

    def test_an_estimator_is_left_as_it_was(self, delayed: bool, delay: Any) -> None:
        delay(delayed)
        X, y = make_data("dense")
        model = self.model(warm_start=True).fit(X, y)
        before = model.predict_proba(X)
        self.message(model)
        np.testing.assert_array_equal(model.predict_proba(X), before)
        bad = np.where(np.arange(X.size).reshape(X.shape) // 30 == 33, np.float32(3e38), X)
        with pytest.raises(NonFiniteLossError):
            model.partial_fit(bad, y)
        np.testing.assert_array_equal(model.predict_proba(X), before)


class TestSkorchNet:
    def net(self, **parameters: Any) -> LossSampledNet:
        torch.manual_seed(0)
        return LossSampledNet(
            torch.nn.Linear(30, 3),
            **{"batch_size": 16, "max_epochs": 3, "verbose": 0, "random_state": 0, **parameters},
        )

    def test_same_history_and_weights(self, delay: Any) -> None:
        X, y = make_data("dense")
        found = []
        for delayed in (False, True):
            delay(delayed)
            net = self.net().fit(X, y)
            batches = net.history[:, "batches", :, ("train_loss", "train_batch_size")]
            found.append(
                (
                    net.history[:, "train_loss"],
                    batches,
                    net.module_.weight.detach().numpy().tobytes(),
                    net.loss_table_.tobytes(),
                )
            )
        assert str(found[0]) == str(found[1])

    def test_a_training_ended_by_hand_keeps_what_it_measured(self, delay: Any) -> None:
        class Stops(Callback):
            def on_batch_begin(self, net: Any, batch: Any = None, **kwargs: Any) -> None:
                if len(net.history) == 1 and len(net.history[-1]["batches"]) == 4:
                    raise KeyboardInterrupt

        delay(True)
        X, y = make_data("dense")
        net = self.net(callbacks=[Stops()]).fit(X, y)
        assert net.visit_counts_.sum() == 3 * 16
        assert np.isfinite(net.loss_table_["loss"]).sum() == 3 * 16

    def test_who_looks_at_batches_finds_their_losses(self, monkeypatch: Any) -> None:
        class Looks(Callback):
            def on_batch_end(self, net: Any, **kwargs: Any) -> None: ...

        elsewhere = torch.device("cuda")
        monkeypatch.setattr("sklearn_sifal.neural._net.device_of", lambda net: elsewhere)
        assert self.net().initialize()._delays_records()
        assert not self.net(callbacks=[Looks()]).initialize()._delays_records()
        monkeypatch.undo()
        assert not self.net().initialize()._delays_records()
