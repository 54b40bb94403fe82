"""What skorch's documentation and test suite do with a net, done with a LossSampledNet."""

import json
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, Checkpoint, LoadInitState
from skorch.hf import AccelerateMixin
from skorch.utils import to_tensor
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from sklearn_sifal import LossSampledNet

N = 64
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
Y = np.arange(N) % 3


def settings(**parameters: Any) -> dict[str, Any]:
    torch.manual_seed(0)
    return {
        "module": nn.Linear(5, 3),
        "sampling_strategy": "base",
        "iterator_train__shuffle": False,
        "max_epochs": 2,
        "batch_size": 16,
        "lr": 0.1,
        "random_state": 0,
        "verbose": 0,
        **parameters,
    }


def weights(net: Any) -> np.ndarray:
    return net.module_.weight.detach().numpy().copy()


class TestSteps:
    def test_gradients_of_several_batches(self) -> None:
        class Accumulating(LossSampledNet):
            def train_step(self, batch: Any, **fit_params: Any) -> Any:
                step = self.train_step_single(batch, **fit_params)
                if len(self.history[-1, "batches"]) % 2 == 0:
                    self.optimizer_.step()
                    self.optimizer_.zero_grad()
                return step

        net = Accumulating(**settings(lr=0.05)).fit(X, Y)
        # Two gradients of 16 rows add up to twice that of 32.
        np.testing.assert_allclose(
            weights(net), weights(LossSampledNet(**settings(batch_size=32)).fit(X, Y)), atol=1e-6
        )
        assert (net.visit_counts_ == 2).all()
        assert net.history[:, "visits"] == [N, N]

    def test_the_recipe_of_the_faq(self) -> None:
        class Accumulating(LossSampledNet):
            def get_loss(self, *args: Any, **kwargs: Any) -> Any:
                return super().get_loss(*args, **kwargs) / 2

            def train_step(self, batch: Any, **fit_params: Any) -> Any:
                step = self.train_step_single(batch, **fit_params)
                if len(self.history[-1, "batches"]) % 2 == 0:
                    self.optimizer_.step()
                    self.optimizer_.zero_grad()
                return step

        net = Accumulating(**settings()).fit(X, Y)
        np.testing.assert_allclose(
            weights(net), weights(LossSampledNet(**settings(batch_size=32)).fit(X, Y)), atol=1e-6
        )

    def test_a_single_step_of_ones_own_is_used(self) -> None:
        seen = []

        class Net(LossSampledNet):
            def train_step_single(self, batch: Any, **fit_params: Any) -> Any:
                step = super().train_step_single(batch, **fit_params)
                seen.append(self.module_.weight.grad is not None)
                return step

        Net(**settings()).fit(X, Y)
        assert seen == [True] * 8

    def test_fit_params_are_those_of_the_caller(self) -> None:
        class Shifted(nn.Linear):
            def forward(self, X: Any, rounds: float = 0.0) -> Any:
                return super().forward(X) + rounds

        class Net(LossSampledNet):
            def train_step(self, batch: Any, **fit_params: Any) -> Any:
                assert fit_params == {"rounds": 1.0}
                return super().train_step(batch, **fit_params)

        Net(**settings(module=Shifted(5, 3))).fit(X, Y, rounds=1.0)

    def test_a_step_that_records_nothing_is_an_error(self) -> None:
        class Net(LossSampledNet):
            def train_step(self, batch: Any, **fit_params: Any) -> Any:
                return {"loss": torch.tensor(0.0), "y_pred": self.infer(batch.X)}

        with pytest.raises(RuntimeError, match=r"train_step of Net recorded no losses.*super\(\)"):
            Net(**settings()).fit(X, Y)

    def test_two_passes_over_a_batch_are_two_visits(self) -> None:
        class Net(LossSampledNet):
            def train_step(self, batch: Any, **fit_params: Any) -> Any:
                self.train_step_single(batch, **fit_params)
                return super().train_step(batch, **fit_params)

        net = Net(**settings(max_epochs=1, lr=0.0)).fit(X, Y)
        assert (net.visit_counts_ == 2).all()
        losses = net.loss_table_["loss"].reshape(4, 16).mean(1)
        batches = net.history[0, "batches"]
        np.testing.assert_allclose([b["train_loss"] for b in batches], losses, rtol=1e-5)

    def test_an_optimizer_that_only_looks_like_one(self) -> None:
        class Net(LossSampledNet):
            def initialize_optimizer(self, *args: Any, **kwargs: Any) -> Any:
                super().initialize_optimizer(*args, **kwargs)
                self.true_optimizer_ = self.optimizer_
                self.optimizer_ = Mock()
                return self

        net = Net(**settings()).fit(X, Y)
        assert net.optimizer_.step.call_count == 8


class Accelerator:
    """The calls that skorch's mixin makes, as accelerate answers them in one process."""

    device_placement = False
    is_main_process = True
    optimizer_step_was_skipped = False

    def __init__(self) -> None:
        self.backwards = 0

    def prepare(self, part: Any) -> Any:
        return part

    def unwrap_model(self, module: Any, **kwargs: Any) -> Any:
        return module

    def accumulate(self, module: Any) -> Any:
        return torch.enable_grad()

    autocast = torch.enable_grad

    def backward(self, loss: torch.Tensor, **kwargs: Any) -> None:
        self.backwards += 1
        loss.backward(**kwargs)

    def gather_for_metrics(self, outputs: Any) -> Any:
        return outputs

    def wait_for_everyone(self) -> None: ...

    def print(self, *args: Any) -> None: ...


class TestParts:
    @pytest.mark.parametrize("as_dataset", [False, True])
    def test_accelerate(self, as_dataset: bool) -> None:
        class Net(AccelerateMixin, LossSampledNet): ...

        data = (X, Y)
        if as_dataset:
            data = (TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), None)
        accelerator = Accelerator()
        net = Net(accelerator=accelerator, **settings()).fit(*data)
        plain = LossSampledNet(**settings()).fit(*data)
        np.testing.assert_array_equal(weights(net), weights(plain))
        assert accelerator.backwards == 8
        assert net.score(X, Y) == plain.score(X, Y)
        net.partial_fit(*data)
        assert (net.visit_counts_ == 4).all()
        assert (net.fit(*data).visit_counts_ == 2).all()

    def test_criterion_under_another_name(self) -> None:
        class Net(LossSampledNet):
            def initialize_criterion(self) -> Any:
                arguments = self.get_params_for("criterion")
                self.mine_ = self.initialized_instance(self.criterion, arguments)
                return self

            def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **kwargs: Any) -> Any:
                return self.mine_(y_pred, to_tensor(y_true, device=self.device))

        net, plain = (kind(**settings()).fit(X, Y) for kind in (Net, LossSampledNet))
        np.testing.assert_array_equal(weights(net), weights(plain))
        np.testing.assert_array_equal(net.predict(X), plain.predict(X))
        assert net.score(X, Y) == plain.score(X, Y)
        net.trim_for_prediction()
        np.testing.assert_array_equal(net.predict(X), plain.predict(X))

    def test_module_under_another_name(self) -> None:
        class Net(LossSampledNet):
            def initialize_module(self) -> Any:
                self.mine_ = self.initialized_instance(self.module, self.get_params_for("module"))
                return self

            def infer(self, x: Any, **fit_params: Any) -> Any:
                return self.mine_(x)

        net = Net(**settings(sampling_strategy="importance")).fit(X, Y)
        assert net.visit_counts_.sum() > N

    def test_criterion_that_is_exchanged(self) -> None:
        net = LossSampledNet(**settings()).initialize()
        net.set_params(criterion=nn.MSELoss)
        assert net.predict(X).shape == (N, 3)


class TestCallbacks:
    def test_without_class_attributes(self) -> None:
        class Answers:
            def __init__(self) -> None:
                self.told: list[str] = []

            def initialize(self) -> None: ...

            def set_params(self, **parameters: Any) -> None: ...

            def __getattr__(self, name: str) -> Any:
                if not name.startswith("on_"):
                    raise AttributeError(name)
                return lambda *args, **kwargs: self.told.append(name)

        answers, mock = Answers(), Mock(spec=Callback)
        LossSampledNet(**settings(callbacks=[("a", answers), ("m", mock)])).fit(X, Y)
        assert answers.told.count("on_batch_end") == mock.on_batch_end.call_count == 8

    def test_who_looks_at_batches_is_seen_by_any_means(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("sklearn_sifal.neural._net.device_of", lambda net: torch.device("cuda"))

        class Told(LossSampledNet):
            def on_batch_end(self, net: Any, *args: Any, **kwargs: Any) -> None: ...

        set_on_instance = Callback()
        set_on_instance.on_batch_end = lambda net, **kwargs: None
        assert LossSampledNet(**settings()).initialize()._delays_records()
        assert not Told(**settings()).initialize()._delays_records()
        for callback in (set_on_instance, Mock(spec=Callback)):
            net = LossSampledNet(**settings(callbacks=[("it", callback)])).initialize()
            assert not net._delays_records()

    def test_history_file_is_json(self, tmp_path: Any) -> None:
        net = LossSampledNet(**settings(sampling_strategy="importance")).fit(X, Y)
        assert net.history[0, ("chosen_loss", "other_loss")] == (None, None)
        assert net.history[1, "chosen_loss"] > net.history[1, "other_loss"]
        path = tmp_path / "history.json"
        net.save_params(f_history=path)
        json.loads(path.read_text(), parse_constant=pytest.fail)
        other = LossSampledNet(**settings()).initialize()
        other.load_params(f_history=path)
        assert other.history == net.history

    def test_what_a_checkpoint_brings_back(self, tmp_path: Any) -> None:
        files = Checkpoint(monitor=None, dirname=tmp_path)
        first = LossSampledNet(**settings(callbacks=[files], sampling_strategy="importance"))
        first.fit(X, Y)
        arguments = {"callbacks": [LoadInitState(files)], "sampling_strategy": "importance"}
        loaded = LossSampledNet(**settings(**arguments, max_epochs=0)).fit(X, Y)
        np.testing.assert_array_equal(weights(loaded), weights(first))
        assert loaded.visit_counts_.sum() == 0
        again = LossSampledNet(**settings(**arguments)).fit(X, Y)
        assert again.history[:2] == first.history[:2]
        assert again.history[2, "visits"] == N  # a warm-up
        assert again.visit_counts_.sum() == sum(again.history[2:, "visits"])


class TestGradientMode:
    @pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
    @pytest.mark.parametrize("data", ["array", "tensor", "dataset"])
    def test_the_callers_does_not_reach_in(self, mode: Any, data: str) -> None:
        class Items(Dataset[Any]):
            def __len__(self) -> int:
                return N

            def __getitem__(self, i: int) -> Any:
                return torch.from_numpy(X[i]), int(Y[i])

        def trained(**parameters: Any) -> list[np.ndarray]:
            given = {
                "array": lambda: (X, Y),
                "tensor": lambda: (torch.tensor(X), torch.tensor(Y)),
                "dataset": lambda: (Items(), None),
            }[data]()
            net = LossSampledNet(
                **settings(sampling_strategy="importance", module=module, **parameters)
            )
            found = [weights(net.fit(*given)), weights(net.partial_fit(*given))]
            assert net.score(X, Y) > 0
            return found

        module: Any = nn.Linear
        arguments = {"module__in_features": 5, "module__out_features": 3}
        expected = trained(**arguments)
        with mode():
            np.testing.assert_array_equal(trained(**arguments), expected)
            assert not torch.is_grad_enabled()
        module = nn.Linear(5, 3)  # made outside
        with mode():
            trained()
        assert module.weight.requires_grad

    def test_switched_off_for_good(self) -> None:
        expected = weights(LossSampledNet(**settings()).fit(X, Y))
        ready = LossSampledNet(**settings()).initialize()
        torch.set_grad_enabled(False)
        try:
            np.testing.assert_array_equal(weights(ready.partial_fit(X, Y)), expected)
            np.testing.assert_array_equal(weights(LossSampledNet(**settings()).fit(X, Y)), expected)
            assert not torch.is_grad_enabled()
        finally:
            torch.set_grad_enabled(True)

    def test_as_in_skorch(self) -> None:
        with torch.no_grad():
            torch.manual_seed(0)
            plain = NeuralNet(
                nn.Linear(5, 3),
                nn.CrossEntropyLoss,
                train_split=None,
                max_epochs=2,
                batch_size=16,
                lr=0.1,
                verbose=0,
            ).fit(X, Y)
            ours = LossSampledNet(**settings()).fit(X, Y)
        np.testing.assert_allclose(weights(plain), weights(ours), atol=1e-6)
