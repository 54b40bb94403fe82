"""What `init_weights` reads, and what it says of what it does not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal.samplers import LossSampler

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 2


def fitted(init_weights: Any = None, X: Any = X) -> LossSampledClassifier:
    return LossSampledClassifier(budget=1, init_weights=init_weights, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    return fitted().initial_weights_


@pytest.mark.parametrize(
    "as_given",
    [
        lambda values: values.astype(">f4"),
        lambda values: values.astype(">f8"),
        lambda values: values.tolist(),
        lambda values: torch.from_numpy(values).requires_grad_(),
        lambda values: np.asfortranarray(values),
    ],
    ids=["big-endian", "big-endian double", "list", "with gradient", "fortran"],
)
def test_the_same_numbers_in_another_form(weights: dict[str, Any], as_given: Any) -> None:
    given = {name: as_given(values) for name, values in weights.items()}
    expected = fitted(weights).weights_
    for name, values in fitted(given).weights_.items():
        np.testing.assert_array_equal(values, expected[name])


def test_bfloat16_is_read_from_tensors_and_files(weights: dict[str, Any], tmp_path: Path) -> None:
    file = pytest.importorskip("safetensors.torch")
    rounded = {name: torch.from_numpy(values).bfloat16() for name, values in weights.items()}
    rounded["input.bias"] = rounded["input.bias"].float() + 0.1  # one that is not
    file.save_file(rounded, tmp_path / "weights")
    expected = fitted({name: values.float().numpy() for name, values in rounded.items()}).weights_
    for source in (rounded, tmp_path / "weights"):
        for name, values in fitted(source).weights_.items():
            np.testing.assert_array_equal(values, expected[name])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda v: v.astype(object), "real numbers of up to 64 bits. Got the type object in"),
        (lambda v: v.astype(str), "Got the type <U32 in 'input.weight'"),
        (lambda v: v.astype(complex), "Got the type complex128 in 'input.weight'"),
        (lambda v: v.astype("M8[s]"), r"Got the type datetime64\[s\] in 'input.weight'"),
        (lambda v: [[1.0, 2.0], [3.0]], "'input.weight' is no array of numbers, but list"),
        (lambda v: torch.eye(3).to_sparse(), "'input.weight' is no array of numbers, but Tensor"),
        (lambda v: v.astype(np.float64) * 1e300, "in 'input.weight' are too large for .* float32"),
        (lambda v: v * np.nan, "contain NaN or infinity in 'input.weight'"),
        (lambda v: None, r"must have shape \(3, 100\). Got \(\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_weights_is_named(weights: dict[str, Any], change: Any, match: str) -> None:
    given = {**weights, "input.weight": change(weights["input.weight"])}
    with pytest.raises(ValueError, match=f"'init_weights'.*{match}"):
        fitted(given)


def test_extended_precision_is_refused(weights: dict[str, Any]) -> None:
    if np.dtype(np.longdouble).itemsize == 8:
        pytest.skip("it is none on this platform")
    given = {**weights, "input.bias": weights["input.bias"].astype(np.longdouble)}
    with pytest.raises(ValueError, match=r"Got the type float\d+ in 'input.bias'"):
        fitted(given)


def test_float64_nets_take_what_float32_nets_cannot(weights: dict[str, Any]) -> None:
    given = {**weights, "layers.0.bias": np.array([1e39, 1e39])}
    with pytest.raises(ValueError, match=r"'layers.0.bias' are too large for the net's float32"):
        fitted(given)
    assert fitted(given, X.astype(np.float64)).initial_weights_["layers.0.bias"][0] == 1e39


def hostile_files(good: bytes) -> Any:
    """Files that are none, or say other things than they hold."""
    n = int.from_bytes(good[:8], "little")
    header, numbers = json.loads(good[8 : 8 + n]), good[8 + n :]

    def packed(header: Any, numbers: bytes = numbers) -> bytes:
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + numbers

    one = next(name for name in header if name != "__metadata__")
    yield from (b"", good[:7], good[:-1], good + b"x", (2**63).to_bytes(8, "little") + good[8:])
    for change in (
        {"data_offsets": [0, 2**62]}, {"data_offsets": [-4, 0]}, {"data_offsets": None},
        {"shape": [2**62, 2**62]}, {"shape": [-1]}, {"dtype": "?"}, {"dtype": "BF16"},
    ):  # fmt: skip
        yield packed({**header, one: {**header[one], **change}})
    yield from (packed([]), packed({}), packed({one: 1}), packed({**header, "__metadata__": 3}))


def test_hostile_files_are_refused_with_the_parameters_name(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "weights"
    fitted().save_weights(path)
    for content in hostile_files(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="'init_weights'"):
            fitted(path)


def test_fields_of_published_records_become_tensors() -> None:
    # A copy, since the estimators' records are read-only.
    for model in (fitted(), LossSampledRegressor(budget=1, record="dynamics").fit(X, X[:, 0])):
        for name in model.loss_table_.dtype.names:
            assert len(torch.tensor(model.loss_table_[name])) == 40
    sampler = LossSampler(40, "heap", random_state=0)
    for records in (sampler.loss_table, sampler.strategy.history_, sampler.strategy.queue_):
        for name in records.dtype.names:
            torch.from_numpy(records[name])
