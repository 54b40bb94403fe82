"""The skorch net by itself: optimisers, scoring, weights; and undoing with a checkpoint."""

import io
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.neural._checkpoint import Checkpoint
from sklearn_sifal.neural._mlp import MLP
from sklearn_sifal.neural._mlp_net import MLPNet
from sklearn_sifal.neural._rounds import TrainingPlan
from sklearn_sifal.neural._row_sparse import RowAdam
from sklearn_sifal.neural._schedule import Budget
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._selection import DrawContext, Selection

N, D, K = 30, 8, 3


def make_net(sparse_input: bool, **parameters: Any) -> MLPNet:
    settings = {
        "module__n_features": D,
        "module__n_outputs": K,
        "module__hidden_layer_sizes": (4,),
        "module__seed": 0,
        "criterion__reduction": "none",
        "optimizer": torch.optim.Adam,
        "lr": 0.1,
    }
    net = MLPNet(MLP, sparse_input=sparse_input, **{**settings, **parameters})
    return net.initialize()


def make_X(sparse_input: bool) -> Any:
    X = np.random.default_rng(0).poisson(0.5, (N, D)).astype(np.float32)
    X[:, -2:] = 0
    return sp.csr_array(X) if sparse_input else X


Y = np.arange(N) % K


def step(net: MLPNet, X: Any) -> None:
    """One step on all rows."""
    batch = next(iter(net.get_dataset(X, Y).gather(np.arange(N), N)))
    for optimizer in net.optimizers().values():
        optimizer.zero_grad()
    net.criterion_(net.infer(batch[1]), batch[2]).mean().backward()
    for optimizer in net.optimizers().values():
        optimizer.step()


@pytest.mark.parametrize("sparse_input", [False, True])
class TestNet:
    def test_holds_nothing_out_and_prints_nothing(self, sparse_input: bool, capsys: Any) -> None:
        net = make_net(sparse_input)
        assert net.train_split is None
        assert net.callbacks_ == []
        assert capsys.readouterr() == ("", "")

    def test_every_weight_has_one_optimiser(self, sparse_input: bool) -> None:
        net = make_net(sparse_input, sparse_optimizer="adam")
        named = {id(p): name for name, p in net.module_.named_parameters()}
        owned = {
            name: {named[id(p)] for g in optimizer.param_groups for p in g["params"]}
            for name, optimizer in net.optimizers().items()
        }
        dense = {"input.bias", "layers.0.weight", "layers.0.bias"}
        if sparse_input:
            assert isinstance(net.row_optimizer_, RowAdam)
            assert owned == {"optimizer": dense, "row_optimizer": {"input.weight"}}
        else:
            assert owned == {"optimizer": dense | {"input.weight"}}

    def test_scores_are_those_of_evaluation_mode(self, sparse_input: bool) -> None:
        net = make_net(sparse_input, module__dropout=0.5, module__input_dropout=0.5)
        X = make_X(sparse_input)
        rows = np.array([5, 2, 2, 29])
        found = net.score_rows(net.get_dataset(X, Y), rows, ("correct", "margin"))
        logits = net.forward(X)
        losses = torch.nn.functional.cross_entropy(logits, torch.from_numpy(Y), reduction="none")
        np.testing.assert_allclose(found["loss"], losses[rows], rtol=1e-5)
        np.testing.assert_array_equal(found["correct"], logits.argmax(1).numpy()[rows] == Y[rows])
        assert all(p.grad is None for p in net.module_.parameters())

    def test_weights_out_and_in(self, sparse_input: bool) -> None:
        net, other = make_net(sparse_input), make_net(sparse_input, module__seed=1)
        weights = net.get_weights()
        other.set_weights(weights)
        for name, values in other.get_weights().items():
            np.testing.assert_array_equal(values, weights[name])
            assert not np.shares_memory(values, weights[name])


class RowsAtFirst(SamplingStrategy):
    """All rows in the first rounds, none in later ones."""

    def __init__(self, n_full_rounds: int, draws: str) -> None:
        super().__init__()
        self.n_full_rounds = n_full_rounds
        self.draws = draws

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        if context.round < self.n_full_rounds:
            yield Selection(np.arange(len(table)))
        elif self.draws == "an empty selection":
            yield Selection(np.empty(0, np.int64))
        elif self.draws == "scores only":
            context.score(np.arange(len(table)), ("loss",))


def make_plan(strategy: SamplingStrategy, budget: Budget) -> TrainingPlan:
    return TrainingPlan(
        strategy=strategy,
        table=LossTable(N),
        budget=budget,
        order=np.random.default_rng(0),
        selection=np.random.default_rng(1),
        row_weights=None,
        batch_size=10,
        shuffle=True,
        schedule=lambda progress: 1.0,
    )


@pytest.mark.parametrize("sparse_input", [False, True])
class TestRoundsWithoutRows:
    @pytest.mark.parametrize("draws", ["nothing", "an empty selection", "scores only"])
    @pytest.mark.parametrize("n_full_rounds", [0, 1])
    def test_raise_while_there_is_a_budget(
        self, sparse_input: bool, draws: str, n_full_rounds: int
    ) -> None:
        plan = make_plan(RowsAtFirst(n_full_rounds, draws), Budget(total=3 * N))
        expected = f"^RowsAtFirst drew no rows in round {n_full_rounds}; a round must train on at"
        with pytest.raises(ValueError, match=expected):
            make_net(sparse_input).partial_fit(make_X(sparse_input), Y, plan=plan)
        assert plan.budget.visits == n_full_rounds * N

    def test_number_of_the_round_goes_on(self, sparse_input: bool) -> None:
        plan = make_plan(RowsAtFirst(1, "nothing"), Budget(total=3 * N))
        plan.first_epoch = 5
        with pytest.raises(ValueError, match="drew no rows in round 6;"):
            make_net(sparse_input).partial_fit(make_X(sparse_input), Y, plan=plan)

    def test_are_right_where_scoring_used_up_the_budget(self, sparse_input: bool) -> None:
        # 30 visits and 30 scored rows at a third of a visit each: all 40 are spent.
        plan = make_plan(RowsAtFirst(1, "scores only"), Budget(total=40, scored_row_cost=1 / 3))
        make_net(sparse_input).partial_fit(make_X(sparse_input), Y, plan=plan)
        assert (plan.budget.visits, plan.budget.scored, plan.budget.rounds) == (N, N, 2)


@pytest.mark.parametrize("sparse_optimizer", ["adagrad", "adam"])
@pytest.mark.parametrize("sparse_input", [False, True])
@pytest.mark.parametrize("n_before", [0, 2])
class TestCheckpoint:
    def test_restored_net_goes_on_alike(
        self, sparse_input: bool, sparse_optimizer: str, n_before: int
    ) -> None:
        X = make_X(sparse_input)
        features = np.unique(X.indices).astype(np.int64) if sparse_input else None
        nets = [make_net(sparse_input, sparse_optimizer=sparse_optimizer) for _ in range(2)]
        for net in nets:
            for _ in range(n_before):
                step(net, X)
        checkpoint = Checkpoint(nets[0], features)
        for _ in range(3):
            step(nets[0], 5 * X)
        nets[0].lr = 7.0
        checkpoint.restore()
        assert nets[0].lr == 0.1
        for _ in range(2):
            for net in nets:
                step(net, X)
            for name, values in nets[1].get_weights().items():
                np.testing.assert_array_equal(nets[0].get_weights()[name], values)

    def test_other_optimisers_since(
        self, sparse_input: bool, sparse_optimizer: str, n_before: int
    ) -> None:
        net = make_net(sparse_input, sparse_optimizer=sparse_optimizer)
        for _ in range(n_before):
            step(net, make_X(sparse_input))
        before, weights = net.optimizers(), net.get_weights()
        checkpoint = Checkpoint(net, None)
        net.sparse_input = True
        net.remake_optimizers()
        step(net, make_X(True))
        checkpoint.restore()
        assert net.sparse_input is sparse_input
        assert list(net.optimizers()) == list(before)
        assert all(net.optimizers()[name] is optimizer for name, optimizer in before.items())
        assert hasattr(net, "row_optimizer_") is sparse_input
        for name, values in weights.items():
            np.testing.assert_array_equal(net.get_weights()[name], values)

    def test_weights_after_a_step(
        self, sparse_input: bool, sparse_optimizer: str, n_before: int
    ) -> None:
        net = make_net(sparse_input, sparse_optimizer=sparse_optimizer)
        X = make_X(sparse_input)
        for _ in range(n_before):
            step(net, X)
        before = net.get_weights()
        checkpoint = Checkpoint(net, None)
        step(net, X)
        assert any((values != before[name]).any() for name, values in net.get_weights().items())
        checkpoint.restore()
        for name, values in net.get_weights().items():
            np.testing.assert_array_equal(values, before[name])


class TestFittedElsewhere:
    """What a machine without the device makes of a net that was trained on one."""

    @pytest.mark.parametrize("sparse_input", [False, True])
    @pytest.mark.parametrize("device", ["cuda:99", "mps"])
    def test_state_is_read_on_the_cpu(self, sparse_input: bool, device: str) -> None:
        net, X = make_net(sparse_input), make_X(sparse_input)
        step(net, X)
        state = {**net.__getstate__(), "device": device}
        if device == "mps" and torch.backends.mps.is_available():
            pytest.skip("there is an MPS device")
        read = MLPNet.__new__(MLPNet)
        read.__setstate__(state)
        assert read.device == "cpu"
        assert state["device"] == device
        np.testing.assert_array_equal(read.forward(X), net.forward(X))
        step(read, X)

    @pytest.mark.parametrize("sparse_input", [False, True])
    def test_all_tensors_are_where_the_device_can_be_replaced(self, sparse_input: bool) -> None:
        class NoTensors(pickle.Pickler):
            def reducer_override(self, value: Any) -> Any:
                assert not isinstance(value, torch.Tensor | torch.Generator)
                return NotImplemented

        net = make_net(sparse_input)
        step(net, make_X(sparse_input))
        state = net.__getstate__()
        assert {"module_.input.weight", "module_.layers.0.bias"} <= set(state["#arrays"])
        NoTensors(io.BytesIO()).dump(state)
