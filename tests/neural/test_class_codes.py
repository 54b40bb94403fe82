"""Class codes of a LossSampledNet: any integer type, and those that are none are named."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from skorch.dataset import ValidSplit
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from sklearn_sifal import LossSampledNet
from sklearn_sifal.strategies import GuardedImportance, Kakurenbo

N = 60
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
Y = np.arange(N) % 3
INTEGERS = ("int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64")


class Items(Dataset[Any]):
    def __init__(self, y: Any) -> None:
        self.targets = y

    def __len__(self) -> int:
        return N

    def __getitem__(self, i: int) -> Any:
        return torch.from_numpy(X[i]), self.targets[i]


def make_net(strategy: Any = "base", **parameters: Any) -> LossSampledNet:
    torch.manual_seed(0)
    parameters = {"module": nn.Linear(5, 3), **parameters}
    return LossSampledNet(
        **parameters, sampling_strategy=strategy, max_epochs=2, random_state=0, verbose=0
    )


def with_code(code: int, row: int = 7) -> np.ndarray:
    codes = Y.copy()
    codes[row] = code
    return codes


CONTAINERS = {
    "array": lambda y: (X, y),
    "tensor": lambda y: (torch.from_numpy(X), torch.from_numpy(y)),
    "Series": lambda y: (X, pd.Series(y)),
    "pairs": lambda y: (TensorDataset(torch.from_numpy(X), torch.from_numpy(y)), None),
    "items": lambda y: (Items(torch.from_numpy(y)), None),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("strategy", [GuardedImportance(), Kakurenbo()], ids=["losses", "measures"])
def test_integers_of_any_width_train_as_int64(container: str, dtype: str, strategy: Any) -> None:
    expected = make_net(strategy, train_split=ValidSplit(4)).fit(X, Y)
    given = CONTAINERS[container](Y.astype(dtype))
    net = make_net(strategy, train_split=ValidSplit(4)).fit(*given)
    for name in ("loss", "visits", "held_out"):
        np.testing.assert_array_equal(net.loss_table_[name], expected.loss_table_[name])
    assert net.history[:, "valid_loss"] == expected.history[:, "valid_loss"]


@pytest.mark.parametrize("container", ["array", "tensor", "pairs"])
def test_truth_values_are_two_classes(container: str) -> None:
    expected = make_net().fit(X, (Y == 1).astype(np.int64))
    net = make_net().fit(*CONTAINERS[container](Y == 1))
    np.testing.assert_array_equal(net.loss_table_["loss"], expected.loss_table_["loss"])


def test_categories_of_pandas() -> None:
    codes = pd.Series(np.array(["a", "b", "c"])[Y], dtype="category").cat.codes
    assert codes.dtype == np.int8
    np.testing.assert_array_equal(
        make_net().fit(X, codes).loss_table_["loss"], make_net().fit(X, Y).loss_table_["loss"]
    )


@pytest.mark.parametrize("as_type", [np.asarray, torch.from_numpy, pd.Series, np.ndarray.tolist])
def test_negative_codes_are_named(as_type: Any) -> None:
    with pytest.raises(ValueError, match=r"takes class codes from 0\. Got -1 for row 7"):
        make_net().fit(X, as_type(with_code(-1)))
    ignored = make_net().fit(X, as_type(with_code(-100)))
    assert ignored.loss_table_["loss"][7] == 0


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("strategy", ["base", GuardedImportance(warmup_epochs=0, refresh="epoch")])
@pytest.mark.filterwarnings("ignore:GuardedImportance prefers")
def test_codes_without_an_output_are_named(container: str, strategy: Any) -> None:
    message = r"The module has 3 outputs, for class codes from 0 to 2\. Got 3 for row 7\."
    with pytest.raises(ValueError, match=message):
        make_net(strategy).fit(*CONTAINERS[container](with_code(3)))
    # A row that is held out.
    with pytest.raises(ValueError, match=r"Got 3 for (row 58|the target of a batch)"):
        make_net(strategy, train_split=ValidSplit(4)).fit(*CONTAINERS[container](with_code(3, 58)))


def test_negative_codes_of_items_are_named_by_the_number_of_the_row() -> None:
    codes = torch.from_numpy(with_code(-1, row=50))
    with pytest.raises(ValueError, match=r"from 0 to 2\. Got -1 for row 50\."):
        make_net().fit(Items(codes), None)
    with pytest.raises(ValueError, match=r"Got -1 for row 50\."):
        make_net(train_split=ValidSplit(4)).fit(Items(codes), None)


def test_codes_of_pixels() -> None:
    images = np.random.default_rng(0).normal(size=(N, 2, 4, 4)).astype(np.float32)
    codes = np.zeros((N, 4, 4), np.uint8)
    net = make_net(module=nn.Conv2d(2, 3, 1)).fit(images, codes)
    assert np.isfinite(net.loss_table_["loss"]).all()
    codes[9, 2, 2] = 3
    with pytest.raises(ValueError, match="Got 3 for row 9"):
        make_net(module=nn.Conv2d(2, 3, 1)).fit(images, codes)


@pytest.mark.parametrize("container", ["array", "tensor", "pairs"])
def test_floats_are_no_class_codes(container: str) -> None:
    message = r"CrossEntropyLoss takes class codes, integers.*Got targets of .*torch.float64"
    with pytest.raises(ValueError, match=message):
        make_net().fit(*CONTAINERS[container](Y.astype(float)))
    probabilities = np.eye(3, dtype=np.float32)[Y]
    net = make_net().fit(*CONTAINERS[container](probabilities))
    expected = make_net().fit(X, Y).loss_table_["loss"]
    np.testing.assert_allclose(net.loss_table_["loss"], expected, rtol=1e-5)
    log_softmax = nn.Sequential(nn.Linear(5, 3), nn.LogSoftmax(1))
    with pytest.raises(ValueError, match=r"NLLLoss takes class codes, integers from 0, one per"):
        make_net(module=log_softmax, criterion=nn.NLLLoss).fit(
            *CONTAINERS[container](probabilities)
        )


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_loss_of_ones_own_may_take_other_codes(container: str) -> None:
    class FromOne(LossSampledNet):
        def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **kwargs: Any) -> Any:
            return super().get_loss(y_pred, y_true - 1, *args, **kwargs)

    torch.manual_seed(0)
    net = FromOne(
        nn.Linear(5, 3), sampling_strategy="base", max_epochs=2, random_state=0, verbose=0
    ).fit(*CONTAINERS[container](Y + 1))
    expected = make_net().fit(X, Y)
    np.testing.assert_array_equal(net.loss_table_["loss"], expected.loss_table_["loss"])


def test_the_targets_are_not_kept() -> None:
    net = make_net().set_params(max_epochs=0).fit(X, Y)
    assert net._unchecked_codes_ is None
