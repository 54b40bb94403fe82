"""The public net: any module, criterion and data, skorch's arguments, a sampling strategy."""

import pickle
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_digits
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNet
from skorch.callbacks import (
    BatchScoring,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LRScheduler,
)
from skorch.dataset import ValidSplit
from torch import nn

from sklearn_sifal import LossSampledNet, NonFiniteLossError
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._percentile import Percentile
from sklearn_sifal.strategies._selection import DrawContext, Selection, Setup

N = 240
X, Y = (a[:N] for a in load_digits(return_X_y=True))
X = (X / 16).astype(np.float32)
IMAGES = X.reshape(-1, 1, 8, 8)


class CNN(nn.Module):
    def __init__(self, channels: int = 4, dropout: float = 0.0) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, channels, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout)
        )
        self.head = nn.Linear(36 * channels, 10)

    def forward(self, images: torch.Tensor) -> Any:
        return self.head(self.body(images))


class Linear(nn.Module):
    def __init__(self, n_outputs: int = 10) -> None:
        super().__init__()
        self.map = nn.Linear(64, n_outputs)

    def forward(self, X: torch.Tensor, shift: float = 0.0) -> Any:
        return self.map(X) + shift


class Images(torch.utils.data.Dataset[Any]):
    """A dataset of one's own, that counts how often each item was read."""

    def __init__(self) -> None:
        self.reads = np.zeros(N, int)

    def __len__(self) -> int:
        return N

    def __getitem__(self, i: int) -> tuple[np.ndarray, int]:
        self.reads[i] += 1
        return IMAGES[i], int(Y[i])


class PerBatch(SamplingStrategy):
    """A batch at a time, each scored and then halved; asks for a larger step."""

    per_batch: ClassVar[bool] = True

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        for rows in np.array_split(np.arange(len(table)), 3):
            losses = context.score(rows, ("loss",))["loss"]
            half = np.sort(rows[np.argsort(-losses)[: len(rows) // 2]])
            yield Selection(half, np.full(len(half), 1.0), lr_scale=2.0)


class WithReplacement(SamplingStrategy):
    replacement: ClassVar[bool] = True

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        rows = np.sort(context.rng.integers(0, len(table), len(table)))
        yield Selection(rows)


class NeedsMargin(SamplingStrategy):
    measures: ClassVar[tuple[str, ...]] = ("loss", "margin")

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        yield Selection(np.arange(len(table)))

    def observe(self, rows: Any, measured: Any, *, training: bool) -> None:
        self.margins_ = measured["margin"]


class KeepsSetup(SamplingStrategy):
    def begin(self, table: LossTable, setup: Setup) -> "KeepsSetup":
        super().begin(table, setup)
        self.trusted_, self.irreducible_ = setup.trusted, setup.irreducible_losses
        self.known_at_start_ = int((table.visits > 0).sum())
        self.y_ = setup.y
        return self

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        yield Selection(np.arange(len(table)))


def make_net(module: Any = CNN, *args: Any, **parameters: Any) -> LossSampledNet:
    torch.manual_seed(0)
    defaults = {"max_epochs": 2, "verbose": 0, "random_state": 0, "batch_size": 32}
    return LossSampledNet(module, *args, **{**defaults, **parameters})


def weights_of(net: Any) -> list[np.ndarray]:
    return [p.detach().numpy() for p in net.module_.parameters()]


def assert_same(first: Any, second: Any) -> None:
    for a, b in zip(weights_of(first), weights_of(second), strict=True):
        np.testing.assert_array_equal(a, b)
    for name in first.loss_table_.dtype.names:
        np.testing.assert_array_equal(first.loss_table_[name], second.loss_table_[name])


class TestData:
    def test_images_in_an_array(self) -> None:
        net = make_net(max_epochs=8, optimizer=torch.optim.Adam).fit(IMAGES, Y)
        assert net.score(IMAGES, Y) > 0.8
        assert net.predict(IMAGES).dtype == np.int64
        np.testing.assert_allclose(net.predict_proba(IMAGES).sum(1), 1, rtol=1e-5)
        np.testing.assert_array_equal(net.classes_, np.arange(10))
        np.testing.assert_array_equal(net.loss_table_["id"], np.arange(N))
        assert net.visit_counts_.sum() == sum(net.history[:, "visits"])
        assert net.history[0, "visits"] == N > net.history[1, "visits"]
        assert np.isfinite(net.loss_table_["loss"]).all()
        assert net.sampling_strategy_.percentage == 30

    def test_every_container_gives_the_same(self) -> None:
        data = Images()
        reference = make_net().fit(IMAGES, Y)
        assert_same(reference, make_net().fit(data))
        assert_same(reference, make_net().fit(torch.from_numpy(IMAGES), torch.from_numpy(Y)))
        pairs = torch.utils.data.TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(Y))
        assert_same(reference, make_net().fit(pairs))
        # An argument that bulk gathering does not know leads to a DataLoader.
        assert_same(reference, make_net(iterator_train__pin_memory=False).fit(IMAGES, Y))
        # Each item was read once per visit, and once per scoring.
        scored = sum(reference.history[:, "scored"])
        assert data.reads.sum() == reference.visit_counts_.sum() + scored
        np.testing.assert_array_equal(reference.predict(data), reference.predict(IMAGES))

    def test_csr_is_made_dense_a_batch_at_a_time(self) -> None:
        dense = make_net(Linear).fit(X, Y)
        sparse = make_net(Linear).fit(sp.csr_array(X), Y)
        assert_same(dense, sparse)
        np.testing.assert_array_equal(sparse.predict(sp.csr_array(X)), dense.predict(X))

    def test_dict(self) -> None:
        shifts = np.zeros((N, 1), np.float32)
        net = make_net(Linear).fit({"X": X, "shift": shifts}, Y)
        assert_same(make_net(Linear).fit(X, Y), net)
        assert net.predict({"X": X, "shift": shifts}).shape == (N,)

    def test_integer_inputs_have_weights_that_are_not_integers(self) -> None:
        tokens = np.arange(N * 3).reshape(N, 3) % 7
        bag = nn.Sequential(nn.EmbeddingBag(7, 10))
        make_net(bag, sampling_strategy="importance", max_epochs=3).fit(tokens, Y)

    def test_workers_are_kept_over_selections(self) -> None:
        made = []

        def loader(*args: Any, **kwargs: Any) -> Any:
            made.append(kwargs)
            return torch.utils.data.DataLoader(*args, **kwargs)

        make_net(iterator_train=loader, iterator_train__num_workers=0).fit(IMAGES, Y)
        assert len(made) == 1

    def test_smaller_last_batch_can_be_dropped(self) -> None:
        net = make_net(Linear, sampling_strategy="base", batch_size=100, max_epochs=1)
        net.set_params(iterator_train__drop_last=True).fit(X, Y)
        assert (net.history[0, "visits"], net.history[0, "steps"]) == (200, 2)

    def test_row_order_and_batch_size_of_the_iterator(self) -> None:
        seen: list[np.ndarray] = []

        class Net(LossSampledNet):
            def train_step(self, batch: Any, **fit_params: Any) -> Any:
                seen.append(batch.rows)
                return super().train_step(batch, **fit_params)

        arguments = {"iterator_train__shuffle": False, "iterator_train__batch_size": -1}
        net = Net(Linear, sampling_strategy="base", max_epochs=1, verbose=0, **arguments)
        net.fit(X, Y)
        assert len(seen) == 1
        np.testing.assert_array_equal(seen[0], np.arange(N))


class TestCriteria:
    def test_regression(self) -> None:
        y = X[:, 20:21] - X[:, 30:31]
        net = make_net(
            Linear, nn.MSELoss, module__n_outputs=1, lr=0.02, max_epochs=40, sampling_percentage=50
        )
        net.fit(X, y)
        assert net.score(X, y) > 0.8
        assert net.predict(X).shape == (N, 1)
        assert is_regressor(net)
        assert not is_classifier(net)
        squared = ((net.predict(X) - y) ** 2)[:, 0]
        net.partial_fit(X, y)
        # The first scoring pass of the second call is after its warm-up: compare coarsely.
        assert np.corrcoef(squared, net.loss_table_["loss"])[0, 1] > 0.5

    def test_further_dimensions_are_averaged_per_instance(self) -> None:
        net = make_net(Linear, nn.MSELoss, module__n_outputs=3, sampling_strategy="base", lr=1e-9)
        y = np.ones((N, 3), np.float32)
        net.fit(X, y)
        expected = ((net.predict(X) - y) ** 2).mean(1)
        np.testing.assert_allclose(net.loss_table_["loss"], expected, rtol=1e-4)

    def test_unselected_training_is_that_of_skorch(self) -> None:
        arguments = {"max_epochs": 2, "lr": 0.1, "batch_size": 32, "verbose": 0}
        torch.manual_seed(0)
        plain = NeuralNet(Linear, nn.CrossEntropyLoss, train_split=None, **arguments).fit(X, Y)
        ours = make_net(
            Linear, sampling_strategy="base", iterator_train__shuffle=False, **arguments
        ).fit(X, Y)
        for a, b in zip(weights_of(plain), weights_of(ours), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(
            plain.history[:, "train_loss"], ours.history[:, "train_loss"], rtol=1e-5
        )

    def test_criterion_of_ones_own(self) -> None:
        class Focal(nn.Module):
            def forward(self, logits: torch.Tensor, y: torch.Tensor) -> Any:
                log_p = logits.log_softmax(1).gather(1, y[:, None])[:, 0]
                return -((1 - log_p.exp()) ** 2) * log_p

        assert make_net(CNN, Focal).fit(IMAGES, Y).predict(IMAGES).shape == (N, 10)

    def test_get_loss_of_a_subclass(self) -> None:
        class Net(LossSampledNet):
            def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **kwargs: Any) -> Any:
                return super().get_loss(y_pred, y_true, *args, **kwargs) + 7.0

        net = Net(CNN, max_epochs=1, verbose=0, sampling_strategy="base").fit(IMAGES, Y)
        assert (net.loss_table_["loss"] > 7).all()

    def test_log_probabilities(self) -> None:
        module = nn.Sequential(nn.Linear(64, 10), nn.LogSoftmax(1))
        net = make_net(module, nn.NLLLoss, sampling_strategy=NeedsMargin()).fit(X, Y)
        assert set(net.predict(X)) <= set(range(10))
        assert is_classifier(net)

    @pytest.mark.parametrize(
        "criterion, parameters",
        [
            (nn.CrossEntropyLoss, {"criterion__reduction": "mean"}),
            (nn.CrossEntropyLoss(), {}),
            (nn.CrossEntropyLoss(reduction="none"), {"criterion__reduction": "sum"}),
        ],
    )
    def test_reductions_are_refused(self, criterion: Any, parameters: Any) -> None:
        with pytest.raises(ValueError, match=r"reduction must be 'none'. Got .*(mean|sum)"):
            make_net(Linear, criterion, **parameters).fit(X, Y)

    def test_made_criteria(self) -> None:
        reference = make_net(Linear).fit(X, Y)
        assert_same(reference, make_net(Linear, nn.CrossEntropyLoss(reduction="none")).fit(X, Y))
        # skorch makes it anew with the arguments.
        smooth = {"criterion__label_smoothing": 0.0}
        assert_same(reference, make_net(Linear, nn.CrossEntropyLoss(), **smooth).fit(X, Y))

    def test_scalar_losses_are_explained(self) -> None:
        class Mean(nn.Module):
            def forward(self, logits: torch.Tensor, y: torch.Tensor) -> Any:
                return nn.functional.cross_entropy(logits, y)

        with pytest.raises(ValueError, match=r"the loss of every instance: .* not a single number"):
            make_net(Linear, Mean).fit(X, Y)

    @pytest.mark.filterwarnings("ignore:Using a target size")
    def test_broadcast_targets_are_explained(self) -> None:
        net = make_net(Linear, nn.MSELoss, module__n_outputs=1)
        with pytest.raises(ValueError, match=r"broadcast .*y.reshape\(-1, 1\)"):
            net.fit(X, Y.astype(np.float32))

    def test_measures_of_classifiers_are_refused_elsewhere(self) -> None:
        net = make_net(Linear, nn.MSELoss, module__n_outputs=1, sampling_strategy=NeedsMargin())
        with pytest.raises(ValueError, match=r"NeedsMargin needs .*'margin'.* classifier"):
            net.fit(X, Y[:, None].astype(np.float32))
        fitted = make_net(Linear, sampling_strategy=NeedsMargin()).fit(X, Y)
        assert fitted.sampling_strategy_.margins_.shape == (N % 32 or 32,)

    def test_no_score_for_other_criteria(self) -> None:
        y = (Y > 4).astype(np.float32)
        module = nn.Sequential(nn.Linear(64, 1), nn.Flatten(0))
        net = make_net(module, nn.BCEWithLogitsLoss).fit(X, y)
        assert net.predict_proba(X).shape == (N, 2)
        with pytest.raises(TypeError, match="BCEWithLogitsLoss: pass a scoring function"):
            net.score(X, y)


class TestStrategies:
    @pytest.mark.parametrize("data", ["array", "dataset"])
    def test_per_batch(self, data: str) -> None:
        net = make_net(sampling_strategy=PerBatch(), max_epochs=1, batch_size=40)
        net.fit(*((IMAGES, Y) if data == "array" else (Images(),)))
        assert net.history[0, "visits"] == net.history[0, "steps"] * 40 == 120
        assert net.history[0, "scored"] == N

    def test_larger_steps_are_for_their_batches_only(self) -> None:
        rates: list[float] = []

        class Net(LossSampledNet):
            def train_step(self, batch: Any, **fit_params: Any) -> Any:
                rates.append(self.optimizer_.param_groups[0]["lr"])
                return super().train_step(batch, **fit_params)

        scheduler = LRScheduler("StepLR", step_size=1, gamma=0.5)
        net = Net(
            CNN,
            sampling_strategy=PerBatch(),
            lr=0.1,
            max_epochs=2,
            verbose=0,
            callbacks=[scheduler],
        ).fit(IMAGES, Y)
        # Three selections of 40 rows are one batch each.
        np.testing.assert_allclose(rates, [0.2] * 3 + [0.1] * 3)
        assert net.optimizer_.param_groups[0]["lr"] == pytest.approx(0.025)
        assert net.history[:, "event_lr"] == pytest.approx([0.1, 0.05])

    def test_replacement(self) -> None:
        net = make_net(sampling_strategy=WithReplacement()).fit(Images())
        assert net.visit_counts_.sum() == 2 * N
        assert net.visit_counts_.max() > 2

    def test_budget(self) -> None:
        net = make_net(budget=2.5, max_epochs=1, sampling_percentage=50).fit(IMAGES, Y)
        assert net.visit_counts_.sum() == 2.5 * N
        assert len(net.history) > 3

    def test_function(self) -> None:
        net = make_net(sampling_strategy=lambda losses, rng: np.argsort(-losses)[:40], max_epochs=2)
        assert net.fit(IMAGES, Y).history[1, "visits"] == 40

    def test_metadata(self) -> None:
        trusted, losses = np.arange(N) % 2 == 0, np.linspace(0, 1, N)
        split = ValidSplit(4)
        net = make_net(sampling_strategy=KeepsSetup(), train_split=split, max_epochs=1)
        net.fit(IMAGES, Y, trusted=trusted, irreducible_losses=losses)
        kept = ~net.loss_table_["held_out"]
        assert kept.sum() == 3 * N // 4
        np.testing.assert_array_equal(net.sampling_strategy_.trusted_, trusted[kept])
        np.testing.assert_array_equal(net.sampling_strategy_.irreducible_, losses[kept])
        np.testing.assert_array_equal(net.sampling_strategy_.y_, Y[kept])
        for wrong in (trusted[:5], trusted.astype(int)):
            with pytest.raises(
                ValueError, match=r"trusted must be a mask, one bool per row, \(240,"
            ):
                net.fit(IMAGES, Y, trusted=wrong)
        with pytest.raises(ValueError, match="irreducible_losses contains NaN"):
            net.fit(IMAGES, Y, irreducible_losses=losses * np.nan)

    def test_targets_of_a_dataset_are_read_when_asked_for(self) -> None:
        data = Images()
        net = make_net(sampling_strategy=KeepsSetup(), max_epochs=0).fit(data)
        assert data.reads.sum() == 0
        targets = net.sampling_strategy_.y_
        np.testing.assert_array_equal(np.asarray(targets), Y)
        assert (len(targets), targets[3]) == (N, Y[3])
        assert (data.reads == 1).all()
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(net)).sampling_strategy_.y_, Y)

    def test_other_fit_params_go_to_the_module(self) -> None:
        net = make_net(Linear, nn.MSELoss, sampling_strategy="base", max_epochs=1, lr=1e-9)
        y = np.zeros((N, 10), np.float32)
        net.fit(X, y, shift=100.0)
        assert (net.loss_table_["loss"] > 9_000).all()


class TestSkorch:
    def test_nothing_is_held_out_by_default(self) -> None:
        assert not make_net().fit(IMAGES, Y).loss_table_["held_out"].any()

    def test_early_stopping_and_scoring(self, tmp_path: Any) -> None:
        net = make_net(
            train_split=ValidSplit(4, stratified=True),
            max_epochs=30,
            lr=3.0,
            callbacks=[
                EarlyStopping(patience=2, load_best=True),
                EpochScoring("accuracy", lower_is_better=False, name="valid_acc"),
                EpochScoring("accuracy", on_train=True, name="train_acc"),
                BatchScoring("accuracy", lower_is_better=False, name="batch_acc"),
                GradientNormClipping(1.0),
                Checkpoint(dirname=tmp_path),
            ],
        ).fit(IMAGES, Y)
        assert len(net.history) < 30
        held_out = net.loss_table_["held_out"]
        assert held_out.sum() == N // 4
        assert (net.visit_counts_[held_out] == 0).all()
        accuracy = net.score(IMAGES[held_out], Y[held_out])
        best = int(np.argmin(net.history[:, "valid_loss"]))
        assert accuracy == pytest.approx(net.history[best, "valid_acc"])
        assert (tmp_path / "params.pt").exists()

    def test_print_log(self, capsys: Any) -> None:
        make_net(verbose=1).fit(IMAGES, Y)
        assert capsys.readouterr().out.split()[:4] == ["epoch", "train_loss", "visits", "dur"]
        make_net(verbose=1, callbacks__print_log=None).fit(IMAGES, Y)
        assert capsys.readouterr().out == ""

    def test_callbacks_can_be_disabled(self) -> None:
        net = make_net(callbacks="disable").fit(IMAGES, Y)
        assert len(net.history[:, "train_loss"]) == 2

    def test_control_c_leaves_a_net_to_be_used(self) -> None:
        class Net(LossSampledNet):
            def on_batch_end(self, net: Any, *args: Any, **kwargs: Any) -> None:
                if len(net.history) == 2:
                    raise KeyboardInterrupt

        net = Net(CNN, verbose=0, batch_size=32).fit(IMAGES, Y)
        assert net.visit_counts_.sum() == N + 32
        net.predict(IMAGES)

    def test_going_on(self) -> None:
        net = make_net(sampling_strategy=KeepsSetup(), max_epochs=1).fit(IMAGES, Y)
        assert net.sampling_strategy_.known_at_start_ == 0
        net.partial_fit(IMAGES, Y)
        assert net.sampling_strategy_.known_at_start_ == N
        assert (net.loss_table_["loss_epoch"] == 1).all()
        assert (net.visit_counts_ == 2).all()
        net.partial_fit(IMAGES[:100], Y[:100])
        assert (net.visit_counts_ == np.ones(100)).all()
        net.fit(IMAGES, Y)
        assert (net.visit_counts_ == 1).all()
        net.set_params(warm_start=True).fit(IMAGES, Y)
        assert (net.visit_counts_ == 2).all()

    def test_clone_and_parameters(self) -> None:
        net = make_net(sampling_strategy=Percentile(20)).fit(IMAGES, Y)
        assert net.get_params()["sampling_strategy__percentage"] == 20
        copy = clone(net).set_params(sampling_strategy__percentage=70, sampling_percentage=None)
        assert copy.sampling_strategy.percentage == 70
        assert net.sampling_strategy.percentage == 20
        assert not hasattr(copy, "loss_table_")
        named = make_net(sampling_strategy="percentile")
        with pytest.raises(ValueError, match=r"'sampling_strategy' .*must be an instance"):
            named.set_params(sampling_strategy__percentage=70)

    def test_pickle(self) -> None:
        net = make_net(train_split=ValidSplit(4)).fit(IMAGES, Y)
        loaded = pickle.loads(pickle.dumps(net))
        assert_same(net, loaded)
        assert_same(net.partial_fit(IMAGES, Y), loaded.partial_fit(IMAGES, Y))

    def test_saved_parameters(self, tmp_path: Any) -> None:
        net = make_net().fit(IMAGES, Y)
        net.save_params(f_params=tmp_path / "p.pt", f_optimizer=tmp_path / "o.pt")
        other = make_net().initialize()
        other.load_params(f_params=tmp_path / "p.pt", f_optimizer=tmp_path / "o.pt")
        np.testing.assert_array_equal(other.predict(IMAGES), net.predict(IMAGES))
        accuracy = get_scorer("accuracy")
        assert accuracy(other, IMAGES, Y) == accuracy(net, IMAGES, Y) == net.score(IMAGES, Y)

    def test_trimmed_for_prediction(self) -> None:
        net = make_net().fit(IMAGES, Y)
        before = net.predict(IMAGES)
        net.trim_for_prediction()
        np.testing.assert_array_equal(net.predict(IMAGES), before)

    def test_grid_search(self) -> None:
        net = make_net(Linear, optimizer=torch.optim.Adam, max_epochs=4)
        grid = {"sampling_percentage": [20, 60], "lr": [1e-6, 0.1]}
        search = GridSearchCV(net, grid, cv=2, error_score="raise", scoring=None).fit(X, Y)
        assert search.best_params_["lr"] == 0.1
        assert search.score(X, Y) > 0.8
        proba = GridSearchCV(net, {"lr": [0.1]}, cv=2, scoring="neg_log_loss", error_score="raise")
        assert proba.fit(X, Y).best_score_ < 0

    def test_reproducible_and_apart_from_global_states(self) -> None:
        first = make_net(module__dropout=0.3).fit(IMAGES, Y)
        assert_same(first, make_net(module__dropout=0.3).fit(IMAGES, Y))
        other = make_net(module__dropout=0.3, random_state=1).fit(IMAGES, Y)
        assert (other.loss_table_["loss"] != first.loss_table_["loss"]).any()
        net = make_net().initialize()
        state_of_numpy = np.random.get_state
        before = torch.get_rng_state(), state_of_numpy()[1].copy()
        net.partial_fit(Images())
        assert torch.equal(before[0], torch.get_rng_state())
        np.testing.assert_array_equal(before[1], state_of_numpy()[1])


class TestBadInput:
    def test_targets_of_another_length(self) -> None:
        with pytest.raises(ValueError, match="inconsistent lengths"):
            make_net().fit(IMAGES, Y[:-1])

    def test_unknown_strategy(self) -> None:
        with pytest.raises(ValueError, match="Unknown sampling_strategy 'hardest'"):
            make_net(sampling_strategy="hardest").fit(IMAGES, Y)

    def test_no_rows(self) -> None:
        with pytest.raises(ValueError, match="at least one row"):
            make_net().fit(IMAGES[:0], Y[:0])

    @pytest.mark.parametrize("as_type", [str, object, list])
    def test_strings_as_targets(self, as_type: Any) -> None:
        names = Y.astype(str)
        with pytest.raises(ValueError, match="LabelEncoder"):
            make_net().fit(IMAGES, names.tolist() if as_type is list else names.astype(as_type))

    def test_class_codes_below_zero(self) -> None:
        with pytest.raises(ValueError, match=r"class codes from 0\. Got -1 for row 0"):
            make_net().fit(IMAGES, np.where(np.arange(len(Y)) == 0, -1, Y))
        ignored = np.where(np.arange(len(Y)) == 0, -100, Y)  # what the criterion leaves out
        net = make_net().fit(IMAGES, ignored)
        assert net.loss_table_["loss"][0] == 0

    def test_datasets_without_rows_by_number(self) -> None:
        class Stream(torch.utils.data.IterableDataset[Any]):
            def __iter__(self) -> Iterator[Any]:
                yield from zip(IMAGES, Y, strict=True)

        with pytest.raises(ValueError, match="__len__ and __getitem__"):
            make_net().fit(Stream())

    @pytest.mark.parametrize(
        "parameters, message",
        [
            ({"budget": 0}, "'budget' parameter of LossSampledNet must be"),
            ({"batch_size": 0}, "'batch_size' parameter of LossSampledNet must be"),
            ({"optimizer": torch.optim.LBFGS}, "whose step needs no closure"),
            ({"iterator_train__sampler": None}, "its sampling_strategy draws the rows"),
            ({"sampling_strateggy": "base"}, "unexpected argument"),
            ({"random_state": 1.5}, "'random_state' parameter of LossSampledNet must be"),
            ({"random_state": "x"}, "'random_state' parameter of LossSampledNet must be"),
        ],
    )
    def test_parameters(self, parameters: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            make_net(**parameters).fit(IMAGES, Y)

    def test_infinite_losses(self) -> None:
        images = IMAGES.copy()
        images[7] = np.inf
        with pytest.raises(NonFiniteLossError, match="the loss of row 7 became"):
            make_net().fit(images, Y)
