"""The dense optimisers: torch's own steps, and none of torch's compiler."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from skorch.callbacks import Callback

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.neural import _optimizers

NAMES = ["Adagrad", "AdamW"]

FIRST_FIT = """
import sys
import numpy as np
import scipy.sparse as sp
from sklearn_sifal import LossSampledClassifier, LossSampledRegressor

X, y = np.eye(30, dtype=np.float32), np.arange(30) % 3
for inputs in (X, sp.csr_array(X)):
    for optimizer in ("adagrad", "adam"):
        for estimator in (LossSampledClassifier, LossSampledRegressor):
            estimator(sparse_optimizer=optimizer, budget=2).fit(inputs, y).predict(inputs)
sys.exit(", ".join({"torch._dynamo", "sympy"} & set(sys.modules)) or 0)
"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fused", [False, True])
def test_steps_are_those_of_torch(name: str, fused: bool) -> None:
    def train(cls: Any) -> torch.Tensor:
        weight = torch.nn.Parameter(torch.linspace(-1, 1, 12).reshape(3, 4))
        optimizer = cls([weight], lr=0.1, weight_decay=0.01, fused=fused)
        for step in range(5):
            weight.grad = (weight.detach() - step).sin()
            optimizer.step()
        return weight.detach()

    own, torchs = (train(getattr(module, name)) for module in (_optimizers, torch.optim))
    assert torch.equal(own, torchs)


def test_a_first_fit_imports_neither_compiler_nor_sympy() -> None:
    subprocess.run([sys.executable, "-c", FIRST_FIT], check=True)


@pytest.mark.parametrize("name", NAMES)
def test_closures_and_hooks_work(name: str) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = getattr(_optimizers, name)([weight], lr=0.1)
    seen = []
    optimizer.register_step_post_hook(lambda *_: seen.append(float(weight.detach().sum())))

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss.detach()

    losses = [float(optimizer.step(closure)) for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    assert len(seen) == 3


@pytest.mark.parametrize("sparse", [False, True])
def test_a_callback_that_hooks_a_step_is_heard_and_changes_nothing(sparse: bool) -> None:
    X = np.random.default_rng(0).poisson(1.0, (60, 5)).astype(np.float32)
    inputs, y = (sp.csr_array(X) if sparse else X), (X[:, 0] > 1).astype(int)
    seen = []

    class Listener(Callback):  # type: ignore[misc]
        def on_train_begin(self, net: Any, **_: Any) -> None:
            for optimizer in net.optimizers().values():
                optimizer.register_step_post_hook(lambda *_: seen.append(1))

    settings = {"budget": 2, "batch_size": 20, "random_state": 0}
    quiet = LossSampledClassifier("base", **settings).fit(inputs, y)
    heard = LossSampledClassifier("base", callbacks=[Listener()], **settings).fit(inputs, y)
    assert len(seen) == 6 * (1 + sparse)
    np.testing.assert_array_equal(quiet.predict_proba(inputs), heard.predict_proba(inputs))
