"""Dense layers in bfloat16: on request, on the CPU as on accelerators."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor, _devices
from sklearn_sifal.neural import _net_factory

N, D = 200, 30


def make_data(kind: str, dtype: Any = np.float32) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.poisson(0.7, (N, D)).astype(dtype)
    y = ((X - 0.7) @ rng.normal(size=(D, 3))).argmax(axis=1)
    return (X if kind == "dense" else sp.csr_array(X)), y


def fit(kind: str, **parameters: Any) -> LossSampledClassifier:
    settings = {"hidden_layer_sizes": (32, 16), "budget": 10, "batch_size": 16, "lr": 0.01}
    return LossSampledClassifier(random_state=0, **{**settings, **parameters}).fit(*make_data(kind))


@pytest.mark.parametrize("kind", ["dense", "sparse"])
class TestFit:
    def test_near_to_full_precision_and_not_equal(self, kind: str) -> None:
        full, mixed = (fit(kind, mixed_precision=flag) for flag in (False, True))
        X, y = make_data(kind)
        assert full.loss_curve_ != mixed.loss_curve_
        np.testing.assert_allclose(mixed.loss_curve_, full.loss_curve_, rtol=0.1, atol=0.02)
        assert mixed.score(X, y) == pytest.approx(full.score(X, y), abs=0.05)

    def test_weights_losses_and_predictions_stay_in_float32(self, kind: str) -> None:
        model = fit(kind, mixed_precision=True, dropout=0.1, early_stopping=True)
        X, y = make_data(kind)
        assert {v.dtype for v in model.net_.get_weights().values()} == {np.dtype(np.float32)}
        # bfloat16 keeps 8 bits of the mantissa; losses have more.
        losses = model.loss_table_["loss"].copy()
        assert np.mean((losses.view(np.uint32) & 0xFFFF) != 0) > 0.5
        full = fit(kind, init_weights=model.net_.get_weights(), lr=1e-30, budget=1)
        np.testing.assert_array_equal(model.predict_proba(X), full.predict_proba(X))
        assert model.instance_losses(X, y).dtype == np.float32

    def test_equal_seeds_give_equal_bits(self, kind: str) -> None:
        X = make_data(kind)[0]
        first, second = (
            fit(kind, mixed_precision=True, dropout=0.2).predict_proba(X) for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)

    def test_steps_multiply_in_bfloat16(self, kind: str) -> None:
        seen = []

        def look(module: Any, inputs: Any, output: torch.Tensor) -> None:
            seen.append((module.training, output.dtype))

        with torch.nn.modules.module.register_module_forward_hook(
            lambda m, i, o: look(m, i, o) if isinstance(m, torch.nn.Linear) else None
        ):
            model = fit(kind, mixed_precision=True)
            assert set(seen) == {(True, torch.bfloat16)} | {(False, torch.bfloat16)}
            seen.clear()
            model.predict(make_data(kind)[0])
        assert set(seen) == {(False, torch.float32)}


def test_regression() -> None:
    X = make_data("dense")[0]
    y = X @ np.linspace(-1, 1, D)
    model = LossSampledRegressor(budget=30, mixed_precision=True, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9


class TestRefused:
    def test_float64(self) -> None:
        X, y = make_data("dense", np.float64)
        with pytest.raises(ValueError, match="'mixed_precision' parameter must be False for inp"):
            LossSampledClassifier(mixed_precision=True).fit(X, y)

    def test_device_without_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_net_factory, "has_bfloat16", lambda device: False)
        with pytest.raises(ValueError, match=r"device without bfloat16\. Got True.* device 'cpu'"):
            fit("dense", mixed_precision=True)

    @pytest.mark.parametrize("value", [1, "bf16", None])
    def test_no_flag(self, value: Any) -> None:
        with pytest.raises(ValueError, match=r"'mixed_precision' parameter .* must be a bool"):
            fit("dense", mixed_precision=value)


@pytest.mark.parametrize("supported", [False, True])
def test_has_bfloat16(monkeypatch: pytest.MonkeyPatch, supported: bool) -> None:
    assert _devices.has_bfloat16(torch.device("cpu"))
    version = (9, 0) if supported else (7, 5)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: version)
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda *_: supported)
    for name in ("cuda:0", "mps"):
        assert _devices.has_bfloat16(torch.device(name)) == supported
