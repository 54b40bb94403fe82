"""Which figures of a net there are, by its criterion and its targets."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from sklearn_sifal import LossSampledNet
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.comparison._net_estimator import NetEstimator
from sklearn_sifal.comparison._net_targets import targets_of_net
from sklearn_sifal.comparison._scores import scoring_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype(np.float32)
POSITIVE = (X.sum(axis=1) > 0).astype(np.int64)
COUNTS = RNG.poisson(np.exp(0.5 * X[:, 0])).astype(np.float32)


class Linear(nn.Module):
    def __init__(self, n_outputs=1, squeezed=False, sigmoid=False):
        super().__init__()
        self.layer = nn.Linear(3, n_outputs)
        self.squeezed, self.sigmoid = squeezed, sigmoid

    def forward(self, X):
        outputs = self.layer(X)
        outputs = torch.sigmoid(outputs) if self.sigmoid else outputs
        return outputs[:, 0] if self.squeezed else outputs


class Gaussian(nn.Module):
    """Of two outputs a row, mean and logarithm of the deviation."""

    def forward(self, outputs, y):
        mean, log_deviation = outputs.T
        return log_deviation + ((y - mean) / torch.exp(log_deviation)) ** 2 / 2


def net(criterion, **parameters):
    settings = {"lr": 0.1, "batch_size": 16, "verbose": 0}
    return LossSampledNet(Linear, criterion, **(settings | parameters))


def compared(model, y, strategies=(), **parameters):
    settings = {"budget": 4, "n_seeds": 1} | parameters
    return compare_strategies(model, strategies, X[:80], y[:80], X[80:], y[80:], **settings)


def outputs_by_hand(model, y, budget=4):
    """Of a training of base with seed 0, for the test rows."""
    torch.manual_seed(0)
    model.set_params(sampling_strategy="base", budget=budget, random_state=0)
    return model.fit(X[:80], y).forward(X[80:]).numpy()


@pytest.mark.parametrize("squeezed", [False, True])
@pytest.mark.parametrize("kind", [np.int64, np.float32, bool])
def test_one_logit_for_two_classes(squeezed, kind):
    model = net(nn.BCEWithLogitsLoss, module__squeezed=squeezed)
    found = compared(model, POSITIVE.astype(kind))
    targets = POSITIVE[:80].astype(np.float32)
    logits = outputs_by_hand(model, targets if squeezed else targets[:, None]).ravel()
    assert found.metrics[0].name == "accuracy"
    assert found.runs[0]["accuracy"] == accuracy_score(POSITIVE[80:], logits > 0)
    nll = log_loss(POSITIVE[80:], 1 / (1 + np.exp(-logits.astype(float))))
    assert found.runs[0]["nll"] == pytest.approx(nll, rel=1e-5)
    assert found.labels.tolist() == [0, 1]


def test_one_probability_for_two_classes():
    model = net(nn.BCELoss, module__sigmoid=True)
    found = compared(model, POSITIVE)
    probabilities = outputs_by_hand(model, POSITIVE[:80, None].astype(np.float32)).ravel()
    assert found.runs[0]["accuracy"] == accuracy_score(POSITIVE[80:], probabilities > 0.5)
    assert found.runs[0]["nll"] == pytest.approx(log_loss(POSITIVE[80:], probabilities), rel=1e-5)


def test_of_rates_of_events_only_the_loss_is_known():
    # The outputs are logarithms of rates: their distance from the counts says nothing.
    model = net(nn.PoissonNLLLoss, module__squeezed=True)
    found = compared(model, COUNTS)
    log_rates = outputs_by_hand(model, COUNTS[:80])
    loss = np.mean(np.exp(log_rates) - COUNTS[80:] * log_rates)
    assert [metric.name for metric in found.metrics] == ["loss"]
    assert found.runs[0]["loss"] == pytest.approx(loss, rel=1e-5)
    assert found.labels is None


def test_of_several_outputs_a_row_only_the_loss_is_known(tmp_path):
    model = net(Gaussian, module__n_outputs=2, lr=0.01)
    found = compared(model, COUNTS, ["percentile"], n_seeds=2, lr=[1e-6, 0.01], budget=[2, 4])
    assert {run["lr"] for run in found.runs} == {0.01}  # of the lower loss
    mean, log_deviation = outputs_by_hand(model, COUNTS[:80]).T
    loss = np.mean(log_deviation + ((COUNTS[80:] - mean) / np.exp(log_deviation)) ** 2 / 2)
    run = next(r for r in found.runs if (r["strategy"], r["budget"]) == ("base", 4.0))
    assert run["loss"] == pytest.approx(loss, rel=1e-5)
    assert found.to_frame(per="row")["predicted"].isna().all()
    pytest.importorskip("matplotlib")
    page = tmp_path / "page.html"
    found.to_html(page)
    assert page.read_text(encoding="utf-8").count("Test mean loss after each round") == 1


def test_probabilities_as_targets_of_one_logit():
    soft = (0.8 * POSITIVE + 0.1).astype(np.float32)
    model = net(nn.BCEWithLogitsLoss, module__squeezed=True)
    found = compared(model, soft)
    logits = outputs_by_hand(model, soft[:80]).astype(float)
    loss = np.mean(np.log1p(np.exp(logits)) - soft[80:] * logits)
    assert found.runs[0]["loss"] == pytest.approx(loss, rel=1e-5)


def test_targets_of_an_own_criterion_keep_the_shape_they_were_given_in():
    shapes = set()

    class Absolute(nn.Module):
        def forward(self, outputs, y):
            shapes.add(y.shape[1:])
            return (outputs - y).abs()

    compared(net(Absolute), COUNTS[:, None])
    assert shapes == {(1,)}


def test_a_module_in_double_precision():
    targets = COUNTS.astype(np.float64)
    model = LossSampledNet(Linear().double(), nn.MSELoss, lr=0.01, verbose=0)
    found = compare_strategies(model, [], X.astype(np.float64), targets, cv=2, budget=1)
    assert np.isfinite(found.runs[0]["mse"])


def smoothed():
    return nn.CrossEntropyLoss(label_smoothing=0.1, reduction="none")


@pytest.mark.parametrize(
    "criterion, y, label",
    [
        (nn.CrossEntropyLoss, POSITIVE, "negative log-likelihood"),
        (nn.NLLLoss(reduction="none"), POSITIVE, "negative log-likelihood"),
        (nn.BCEWithLogitsLoss, POSITIVE, "negative log-likelihood"),
        (smoothed(), POSITIVE, "mean loss"),
        (nn.CrossEntropyLoss(weight=torch.ones(2), reduction="none"), POSITIVE, "mean loss"),
        (nn.MultiMarginLoss, POSITIVE, "mean loss"),
        (nn.MSELoss, POSITIVE, "mean squared error"),
        (nn.PoissonNLLLoss, POSITIVE, "mean loss"),
        (Gaussian, COUNTS, "mean loss"),
    ],
)
def test_the_loss_is_called_what_it_is(criterion, y, label):
    model = net(criterion)
    estimator = NetEstimator(model, targets_of_net(model, y))
    labels = [metric.label for metric in scoring_of(estimator).metrics]
    assert label in labels
    assert ("negative log-likelihood" in labels) == (label == "negative log-likelihood")


def test_weights_of_classes_given_as_a_parameter_make_it_no_likelihood():
    model = net(nn.CrossEntropyLoss, criterion__weight=torch.ones(2))
    assert not targets_of_net(model, POSITIVE).is_likelihood


@pytest.mark.parametrize(
    "criterion, y, message",
    [
        (nn.CrossEntropyLoss, POSITIVE.astype(float), "Under CrossEntropyLoss .* class codes"),
        (nn.CrossEntropyLoss, POSITIVE.astype(str), "of type <U.*LabelEncoder"),
        (nn.CrossEntropyLoss, np.where(POSITIVE, 1, -100), "y_train must have class codes .*-100"),
        (nn.CrossEntropyLoss, np.eye(2)[POSITIVE], r"one target a row.*\(120, 2\)"),
        (nn.CrossEntropyLoss, None, "y_train must have a target for each row. Got None"),
        (Gaussian, POSITIVE.astype(str), "takes numbers as targets. Got y_train of type"),
    ],
)
def test_targets_that_are_refused(criterion, y, message):
    with pytest.raises(ValueError, match=message):
        targets_of_net(net(criterion), y)


@pytest.mark.parametrize(
    "criterion, parameters, y, message",
    [
        (nn.MSELoss, {"module__n_outputs": 2}, COUNTS, "one output a row.*MSELoss|MSELoss.*one"),
        (nn.BCEWithLogitsLoss, {"module__n_outputs": 2}, POSITIVE, "BCEWithLogitsLoss needs one"),
        (Gaussian, {"module__squeezed": True}, POSITIVE, "y_train has whole numbers, which under"),
    ],
)
def test_outputs_that_do_not_belong_to_the_targets(criterion, parameters, y, message):
    with pytest.raises(ValueError, match=message):
        compared(net(criterion, **parameters), y)
