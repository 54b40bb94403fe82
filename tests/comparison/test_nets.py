"""Comparisons of skorch nets with any module, which are trained as by hand."""

import pickle

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits, make_regression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback, EarlyStopping

from sklearn_sifal import LossSampledNet
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.comparison._splits import equal_rows

DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS = (DIGITS[:400] / 16).astype(np.float32).reshape(-1, 1, 8, 8)
LABELS = LABELS[:400]
PARTS = DIGITS[:300], LABELS[:300], DIGITS[300:], LABELS[300:]


class CNN(torch.nn.Module):
    def __init__(self, width=4, n_outputs=10):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, width, 3),
            torch.nn.BatchNorm2d(width),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Dropout(0.2),
            torch.nn.Linear(36 * width, n_outputs),
        )

    def forward(self, X):
        return self.layers(X)


class Column(torch.nn.Module):
    def __init__(self, squeezed=False):
        super().__init__()
        self.layer, self.squeezed = torch.nn.Linear(3, 1), squeezed

    def forward(self, X):
        outputs = self.layer(X)
        return outputs[:, 0] if self.squeezed else outputs


class Focal(torch.nn.Module):
    """A criterion that is none of torch's."""

    def forward(self, outputs, y):
        losses = torch.nn.functional.cross_entropy(outputs, y, reduction="none")
        return losses * (1 - torch.exp(-losses))


def net(module=CNN, **parameters):
    settings = {"optimizer": torch.optim.Adam, "lr": 0.01, "batch_size": 32, "verbose": 0}
    return LossSampledNet(module, **(settings | parameters))


@pytest.fixture(scope="module")
def compared():
    return compare_strategies(net(), ["percentile", "heap"], *PARTS, budget=[1.5, 2], n_seeds=2)


def test_figures_are_those_of_a_training_by_hand(compared):
    torch.manual_seed(1)
    by_hand = net(sampling_strategy="percentile", budget=2, random_state=1)
    by_hand.fit(PARTS[0], PARTS[1])
    run = next(
        r
        for r in compared.runs
        if (r["strategy"], r["seed"], r["budget"]) == ("percentile", 1, 2.0)
    )
    assert run["accuracy"] == pytest.approx(by_hand.score(PARTS[2], PARTS[3]))
    probabilities = by_hand.predict_proba(PARTS[2])
    nll = -np.log(probabilities[np.arange(100), PARTS[3]]).mean()
    assert run["nll"] == pytest.approx(nll, rel=1e-5)
    assert run["visits"] == by_hand.visit_counts_.sum() == 600
    assert run["scored"] == sum(row["scored"] for row in by_hand.history)


def test_strategies_start_from_the_same_weights(compared):
    initial = [compared._recordings[name].initial_histogram.counts for name in compared.strategies]
    for counts in initial[1:]:
        np.testing.assert_array_equal(counts, initial[0])
    assert compared._recordings["base"].weights.layers[0] == "layers.0.weight"


def test_the_callers_net_and_random_states_are_left_alone():
    module = CNN()
    given = net(module, callbacks="disable").initialize()
    before = [weight.detach().clone() for weight in module.parameters()]
    torch.manual_seed(7)
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = compare_strategies(given, [], *PARTS, budget=1, n_seeds=1)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    for weight, old in zip(module.parameters(), before, strict=True):
        assert torch.equal(weight, old)
    torch.manual_seed(8)
    again = compare_strategies(given, [], *PARTS, budget=1, n_seeds=1)
    assert [r["nll"] for r in again.runs] == [r["nll"] for r in first.runs]


def test_a_made_module_starts_every_training_as_it_was_given():
    module = CNN()
    found = compare_strategies(net(module), [], *PARTS, budget=1, n_seeds=2)
    again = compare_strategies(net(module), [], *PARTS, budget=1, n_seeds=2)
    assert [r["nll"] for r in found.runs] == [r["nll"] for r in again.runs]


def test_the_number_of_jobs_changes_nothing_but_seconds(compared):
    again = compare_strategies(
        net(), ["percentile", "heap"], *PARTS, budget=[1.5, 2], n_seeds=2, n_jobs=2
    )
    assert [r["nll"] for r in again.runs] == [r["nll"] for r in compared.runs]


def test_page_pickle_and_rows(compared, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "net.html"
    pickle.loads(pickle.dumps(compared)).to_html(path, image_shape=(8, 8))
    page = path.read_text(encoding="utf-8")
    assert "torch.manual_seed(0)" in page
    assert "64 features" in page
    frame = compared.to_frame(per="row")
    base = frame[(frame["strategy"] == "base") & (frame["seed"] == 0) & (frame["budget"] == 2)]
    assert base["y"].tolist() == PARTS[3].tolist()
    run = next(r for r in compared.runs if (r["strategy"], r["budget"]) == ("base", 2.0))
    assert (base["y"] == base["predicted"]).mean() == run["accuracy"]


def test_rates_splits_pipelines_and_own_parameters():
    flat = DIGITS.reshape(400, 64)
    model = make_pipeline(
        FunctionTransformer(lambda X: X.reshape(-1, 1, 8, 8)), net(callbacks=[], max_epochs=1)
    )
    strategies = {"wide": {"module__width": 8}, "random": "random"}
    found = compare_strategies(model, strategies, flat, LABELS, cv=2, lr=[1e-5, 0.01], budget=2)
    assert {r["lr"] for r in found.runs} == {0.01}
    assert found.parameters["wide"]["module__width"] == "8"
    assert found.settings["n_features"] == 64
    layers = found._recordings["wide"].weights
    assert layers.n_weights[0] == 2 * found._recordings["base"].weights.n_weights[0]


def test_outputs_that_are_no_label_of_the_data():
    kept = LABELS < 4
    found = compare_strategies(
        net(module__n_outputs=12), [], DIGITS[kept], LABELS[kept], cv=2, budget=1
    )
    frame = found.to_frame(per="row")
    known = frame["predicted"].isin(range(4)) | frame["predicted"].isna()
    assert known.all()
    for run in found.runs:
        part = frame[(frame["strategy"] == run["strategy"]) & (frame["seed"] == run["seed"])]
        assert (part["y"] == part["predicted"]).mean() == pytest.approx(run["accuracy"])


@pytest.mark.parametrize("squeezed", [False, True])
@pytest.mark.parametrize("as_column", [False, True])
def test_regression_modules(squeezed, as_column):
    X, y = make_regression(120, 3, noise=1, random_state=0)
    X, y = X.astype(np.float32), (y / y.std()).astype(np.float32)
    model = net(Column, criterion=torch.nn.MSELoss, module__squeezed=squeezed, lr=0.1)
    targets = y[:, None] if as_column else y
    found = compare_strategies(model, ["percentile"], X, targets, cv=2, budget=8)
    assert found.summary()[0]["r2"] > 0.5
    frame = found.to_frame(per="row")
    mse = ((frame["y"] - frame["predicted"]) ** 2)[frame["strategy"] == "base"].mean()
    assert mse == pytest.approx(found.summary()[0]["mse"], rel=1e-5)
    np.testing.assert_allclose(frame["loss"], (frame["y"] - frame["predicted"]) ** 2, rtol=1e-4)


def test_a_criterion_of_ones_own():
    found = compare_strategies(net(criterion=Focal), [], *PARTS, budget=1, n_seeds=1)
    assert found.labels.tolist() == list(range(10))
    frame = found.to_frame(per="row")
    assert frame["loss"].mean() == pytest.approx(np.mean([r["nll"] for r in found.runs]))


def test_rows_held_out_are_not_counted_as_unvisited():
    from skorch.dataset import ValidSplit

    found = compare_strategies(
        net(train_split=ValidSplit(5, stratified=True)), [], *PARTS, budget=1, n_seeds=1
    )
    assert found._recordings["base"].n_rows.sum() == 240


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"y": LABELS.astype(str)}, ValueError, "takes class codes, whole numbers from 0"),
        ({"y": LABELS - 1}, ValueError, "-1"),
        ({"sample_weight": np.ones(400)}, ValueError, "sample_weight: a LossSampledNet takes no"),
        ({"strategies": ["worst"]}, ValueError, "worst"),
        ({"strategies": {"a": {"module_width": 3}}}, (ValueError, TypeError), "The strategy 'a'"),
        ({"net": clone(net()).set_params(budget=1), "budget": 0}, ValueError, "budget"),
        ({"net": torch.nn.Linear(3, 3)}, TypeError, "a LossSampledNet or a Pipeline"),
    ],
)
def test_what_is_refused(arguments, error, message):
    given = {"net": net(), "strategies": [], "y": LABELS} | arguments
    more = {name: given[name] for name in ("budget", "sample_weight") if name in given}
    with pytest.raises(error, match=message):
        compare_strategies(given["net"], given["strategies"], DIGITS, given["y"], **more)


def test_tensors_are_split_as_arrays_are():
    # The text of so large a tensor leaves out its middle, by which these images differ.
    large = np.zeros((400, 1, 60, 60), np.float32)
    large[:, :, 26:34, 26:34] = DIGITS
    model = net(module__n_outputs=10, module=Pooled)
    targets = torch.from_numpy(LABELS)
    found = [
        compare_strategies(model, [], X, y, cv=2, budget=1)
        for X, y in ((large, LABELS), (torch.from_numpy(large), targets))
    ]
    assert [r["nll"] for r in found[0].runs] == [r["nll"] for r in found[1].runs]
    assert len(np.unique(equal_rows(torch.from_numpy(large)))) == len(np.unique(DIGITS, axis=0))


class Pooled(CNN):
    def forward(self, X):
        return self.layers(X[:, :, 26:34, 26:34])


@pytest.mark.parametrize(
    "X",
    [
        {"X": DIGITS},
        (DIGITS, DIGITS),
        torch.utils.data.TensorDataset(torch.from_numpy(DIGITS), torch.from_numpy(LABELS)),
    ],
    ids=["dict", "tuple", "Dataset"],
)
def test_inputs_whose_rows_cannot_be_taken_are_refused(X):
    with pytest.raises(TypeError, match=r"X_train must be (an|one) array"):
        compare_strategies(net(), [], X, LABELS)


def test_sparse_inputs():
    flat = DIGITS.reshape(400, 64)
    model = net(torch.nn.Linear, module__in_features=64, module__out_features=10)
    dense, sparse = (
        compare_strategies(model, [], X, LABELS, cv=2, budget=1) for X in (flat, csr_array(flat))
    )
    assert [r["nll"] for r in sparse.runs] == pytest.approx([r["nll"] for r in dense.runs])
    assert sparse.settings["sparse"]


def test_a_lazy_module_has_initial_weights():
    model = net(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(10)))
    found = compare_strategies(model, [], *PARTS, budget=1, n_seeds=1)
    assert found._recordings["base"].weights.n_weights.tolist()[0] == 640


def test_each_training_has_callbacks_of_its_own_that_share_what_they_were_given():
    told = []

    class Collecting(Callback):
        def __init__(self, told):
            self.told = told
            self.mine = []

        def on_epoch_end(self, net, **kwargs):
            self.mine.append(net.history[-1, "visits"])
            self.told.append(len(self.mine))

    callback = Collecting(told)
    compare_strategies(net(callbacks=[callback]), [], *PARTS, budget=2, n_seeds=2)
    assert callback.mine == []
    # Two strategies, two seeds and the recorded trainings, of two rounds each at least.
    assert told.count(1) == 6
    assert max(told) < 12


def test_a_callback_that_stops_does_not_stop_the_next_training():
    stop = EarlyStopping(monitor="train_loss", patience=1, threshold=10, threshold_mode="abs")
    found = compare_strategies(net(callbacks=[stop]), [], *PARTS, budget=4, n_seeds=2)
    assert len({run["rounds"] for run in found.runs if run["strategy"] == "base"}) == 1
    assert all(run["visits"] < 1200 for run in found.runs)


class Loader(torch.utils.data.DataLoader):
    """An iterator of the user's own, which draws from torch's random state."""


def test_an_iterator_of_ones_own_moves_no_random_state():
    model = net(iterator_valid=Loader)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    found = compare_strategies(model, ["heap"], *PARTS, budget=2, n_seeds=1)
    assert torch.equal(torch.get_rng_state(), state)
    # Watched after every round, the recorded training still has the dropout of the timed one.
    last = [r for r in found.rounds if r["strategy"] == "heap"][-1]
    run = next(r for r in found.runs if r["strategy"] == "heap")
    assert last["nll"] == run["nll"]


def test_a_fitted_net_is_neither_gone_on_with_nor_changed():
    given = net(warm_start=True, budget=1, random_state=0).fit(*PARTS[:2])
    weights = [weight.detach().clone() for weight in given.module_.parameters()]
    n_rounds = len(given.history)
    again, first = (
        compare_strategies(model, [], *PARTS, budget=1, n_seeds=1) for model in (given, net())
    )
    assert [r["nll"] for r in again.runs] == [r["nll"] for r in first.runs]
    assert len(given.history) == n_rounds
    for weight, old in zip(given.module_.parameters(), weights, strict=True):
        assert torch.equal(weight, old)


def test_a_rate_that_the_optimiser_would_not_take_is_refused():
    with pytest.raises(ValueError, match=r"lr=0.001 would change nothing.*optimizer__lr=0.01"):
        compare_strategies(net(optimizer__lr=0.01), [], *PARTS, lr=[0.001, 0.1], budget=1)
    with pytest.raises(ValueError, match=r"The strategy 'a': lr=0.1 would change nothing"):
        compare_strategies(net(optimizer__lr=0.01), {"a": {"lr": 0.1}}, *PARTS, budget=1)


@pytest.mark.parametrize(
    "changed", [{"criterion": Focal}, {"criterion__label_smoothing": 0.1}], ids=["other", "changed"]
)
def test_a_criterion_of_one_strategy_is_refused(changed):
    with pytest.raises(ValueError, match=r"The strategy 'a': criterion\w* must be the same"):
        compare_strategies(net(), {"a": changed}, *PARTS)
