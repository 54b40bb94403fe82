"""Targets that a Dataset keeps: asked for by few strategies, believed only if the items agree."""

import pickle
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from skorch.dataset import ValidSplit
from torch import nn
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset, random_split

from sklearn_sifal import LossSampledNet
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies import GuardedImportance, SelfPaced
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._selection import DrawContext, Selection, Setup, SetupOnDemand

N = 60
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
Y = np.arange(N) % 3


class Items(Dataset[Any]):
    """Items of X and Y, with whatever attributes are given; counts the items read."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)
        self.reads = 0

    def __len__(self) -> int:
        return N

    def __getitem__(self, i: int) -> tuple[torch.Tensor, Any]:
        self.reads += 1
        return torch.from_numpy(X[i]), torch.tensor(Y[i])


class LooksAtSetup(SamplingStrategy):
    def begin(self, table: LossTable, setup: Setup) -> "LooksAtSetup":
        super().begin(table, setup)
        self.n_classes_, self.y_ = setup.n_classes, setup.y
        return self

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        yield Selection(np.arange(len(table)))


def make_net(strategy: Any = "base", **parameters: Any) -> LossSampledNet:
    torch.manual_seed(0)
    parameters = {"max_epochs": 1, "verbose": 0, "random_state": 0, **parameters}
    return LossSampledNet(nn.Linear(5, 3), sampling_strategy=strategy, **parameters)


def told(dataset: Any, **parameters: Any) -> tuple[Any, Any]:
    strategy = make_net(LooksAtSetup(), **parameters).fit(dataset, None).sampling_strategy_
    return strategy.n_classes_, strategy.y_


class RaisesAnything(Items):
    @property
    def labels(self) -> Any:
        raise RuntimeError("no labels yet")


class Remaps(Items):
    """Keeps what its files say; the items have the classes in another order."""

    def __init__(self) -> None:
        super().__init__(targets=(Y + 1) % 3)


OTHER_THAN_TARGETS = {
    "names of the classes": lambda: Items(labels=["card_lost", "card_stolen", "pin"]),
    "a name for each row": lambda: Items(labels=["abc"[code] for code in Y]),
    "lists of different lengths": lambda: Items(labels=[[1], [1, 2]] * (N // 2)),
    "boxes": lambda: Items(targets=[torch.zeros(i % 3, 4) for i in range(N)]),
    "one-hot rows": lambda: Items(targets=np.eye(3, dtype=int)[Y]),
    "a sparse tensor": lambda: Items(targets=torch.from_numpy(Y).to_sparse()),
    "a bfloat16 tensor": lambda: Items(targets=torch.from_numpy(Y).bfloat16()),
    "tensors with gradient": lambda: Items(y=[torch.tensor(1.0, requires_grad=True)] * N),
    "a meta tensor": lambda: Items(y=torch.zeros(N, dtype=torch.int64, device="meta")),
    "a method": lambda: Items(labels=lambda: Y),
    "a number": lambda: Items(y=3),
    "a text": lambda: Items(y="y" * N),
    "one too few": lambda: Items(targets=Y[:-1]),
    "a dict": lambda: Items(targets=dict(enumerate(Y))),
    "a property that raises": RaisesAnything,
    "targets before a mapping": Remaps,
    "one class of many mapped": lambda: Items(targets=np.where(Y == 2, 1, Y)),
    "floats": lambda: Items(targets=Y.astype(float)),
}


@pytest.mark.parametrize("make", OTHER_THAN_TARGETS.values(), ids=OTHER_THAN_TARGETS)
@pytest.mark.parametrize("strategy", ["base", "importance"])
def test_what_is_called_targets_may_be_anything(make: Callable[[], Any], strategy: str) -> None:
    make_net(strategy).fit(make(), None)
    make_net(strategy, train_split=ValidSplit(5)).fit(make(), None)
    make_net(strategy).fit(random_split(make(), [50, 10])[0], None)


@pytest.mark.parametrize("make", OTHER_THAN_TARGETS.values(), ids=OTHER_THAN_TARGETS)
def test_a_strategy_that_asks_is_told_those_of_the_items(make: Callable[[], Any]) -> None:
    n_classes, y = told(make())
    assert n_classes is None
    np.testing.assert_array_equal(np.asarray(y), Y)
    rows = [42, 7, 7, 59]
    np.testing.assert_array_equal(np.asarray(told(Subset(make(), rows))[1]), Y[rows])


@pytest.mark.parametrize("strategy", ["base", "importance", "heap", "infobatch", "kakurenbo"])
def test_nobody_looks_unasked(strategy: str) -> None:
    class Watched(Items):
        @property
        def targets(self) -> Any:
            raise AssertionError("not asked for")

        labels = y = targets

    data = Watched()
    net = make_net(strategy).fit(data, None)
    assert data.reads == net.history[0, "visits"] == N


KEPT = {
    "array": lambda: Items(targets=Y),
    "list": lambda: Items(labels=Y.tolist()),
    "tuple": lambda: Items(y=tuple(Y.tolist())),
    "int8": lambda: Items(y=Y.astype(np.int8)),
    "uint64": lambda: Items(y=Y.astype(np.uint64)),
    "tensor": lambda: Items(targets=torch.from_numpy(Y)),
    "Series": lambda: Items(targets=pd.Series(Y, index=np.arange(N)[::-1])),
    "behind names of classes": lambda: Items(y=["a", "b", "c"], targets=Y),
    "behind what is wrong": lambda: Items(y=(Y + 1) % 3, labels=Y),
}


@pytest.mark.parametrize("make", KEPT.values(), ids=KEPT)
def test_integers_that_the_items_confirm_are_used(make: Callable[[], Any]) -> None:
    data = make()
    n_classes, y = told(data)
    assert (n_classes, y.dtype) == (3, np.int64)
    np.testing.assert_array_equal(y, Y)
    assert data.reads - N <= 2 * 16  # two candidates at most, of at most 16 items each
    rows = [5, 5, 40, 2]
    nested = Subset(Subset(make(), [2, 40, 5]), torch.tensor([2, 2, 1, 0]).tolist())
    np.testing.assert_array_equal(told(nested)[1], Y[rows])


def test_torchs_own_datasets_are_looked_into() -> None:
    pairs = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    both = ConcatDataset([pairs, Subset(Items(targets=Y), [1, 2])])
    n_classes, y = told(both)
    assert n_classes == 3
    np.testing.assert_array_equal(y, [*Y, 1, 2])
    # A part that keeps nothing: all items are read when the array is asked for.
    n_classes, y = told(ConcatDataset([pairs, Items()]))
    assert n_classes is None
    np.testing.assert_array_equal(np.asarray(y), [*Y, *Y])


def test_real_targets_of_a_tensor_dataset() -> None:
    values = torch.from_numpy(X[:, :3] * 2)
    net = LossSampledNet(
        nn.Linear(5, 3), nn.MSELoss, sampling_strategy=LooksAtSetup(), max_epochs=1, verbose=0
    ).fit(TensorDataset(torch.from_numpy(X), values), None)
    assert net.sampling_strategy_.n_classes_ == 0
    np.testing.assert_array_equal(net.sampling_strategy_.y_, values.numpy())


def test_a_collation_that_maps_the_targets_is_heard() -> None:
    def shifted(items: Any) -> Any:
        inputs, y = torch.utils.data.default_collate(items)
        return inputs, (y + 1) % 3

    n_classes, y = told(Items(targets=Y), iterator_train__collate_fn=shifted)
    assert n_classes is None
    np.testing.assert_array_equal(np.asarray(y), (Y + 1) % 3)


def test_a_transformation_of_targets_as_in_torchvision() -> None:
    class Folder(Items):
        def __getitem__(self, i: int) -> Any:
            inputs, code = super().__getitem__(i)
            return inputs, self.target_transform(code)

    same = Folder(targets=Y.tolist(), target_transform=lambda code: code)
    assert told(same)[0] == 3
    reversed_ = Folder(targets=Y.tolist(), target_transform=lambda code: 2 - code)
    n_classes, y = told(reversed_)
    assert n_classes is None
    np.testing.assert_array_equal(np.asarray(y), 2 - Y)


def test_items_that_draw_find_the_streams_as_they_would_be() -> None:
    class Augmented(Items):
        def __getitem__(self, i: int) -> Any:
            noise = np.random.randn() + random.random() + float(torch.rand(()))  # noqa: NPY002
            return X[i] + np.float32(noise), int(Y[i])

    losses = []
    for strategy in (LooksAtSetup(), "base"):
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        net = make_net(strategy).fit(Augmented(targets=Y), None)
        losses.append(net.loss_table_["loss"])
    np.testing.assert_array_equal(*losses)


def test_strategies_that_want_labels() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        guarded = make_net(GuardedImportance()).fit(Items(targets=Y), None)
    assert guarded.sampling_strategy_.label_evidence_.n_classes == 3
    named = Items(labels=["card_lost", "card_stolen", "pin"])
    with pytest.warns(UserWarning, match="Dataset keep the targets of its items, .* 'targets'"):
        make_net(GuardedImportance()).fit(named, None)
    paced = make_net(SelfPaced(per_class=True)).fit(named, None)
    np.testing.assert_array_equal(paced.sampling_strategy_.codes_, Y)


def test_bool_targets_are_two_classes() -> None:
    net = make_net(GuardedImportance()).fit(X, Y == 1)
    assert net.sampling_strategy_.label_evidence_.n_classes == 2


def test_a_setup_that_is_kept_can_be_pickled() -> None:
    class Gatherer:
        y = Y

    setup = SetupOnDemand(N, lambda: Gatherer.y, 8, np.random.default_rng(0), lambda: 3)
    loaded = pickle.loads(pickle.dumps(setup))
    assert loaded.n_classes == 3
    np.testing.assert_array_equal(loaded.y, Y)
    assert replace(setup, n_rows=5).y is Y
