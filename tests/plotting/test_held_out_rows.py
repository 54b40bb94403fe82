"""Rows held out for validation, or of weight zero, are no rows that a strategy left alone."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.plotting import (
    EvictionDisplay,
    LossDecileDisplay,
    SelectionDisplay,
    SelectionLabelDisplay,
    SelectionLossDisplay,
    SelectionOverlapDisplay,
    VisitCountDisplay,
)


@pytest.fixture(scope="module", params=["held out", "weight zero"])
def stopped(request: pytest.FixtureRequest) -> Any:
    """A classifier on 100 rows, 40 of which were for validation, or of weight zero."""
    held_out = request.param == "held out"
    weights = np.ones(100)
    if not held_out:
        weights[10:50] = 0
    X = np.random.default_rng(0).normal(size=(100, 4))
    y = np.repeat(["no", "yes"], 50)
    net = LossSampledClassifier(
        "percentile",
        hidden_layer_sizes=(4,),
        batch_size=10,
        budget=3,
        early_stopping=held_out,
        validation_fraction=0.4,
        record="history",
        random_state=0,
    ).fit(X, y, sample_weight=weights)
    trained = ~net.loss_table_["held_out"] & (weights > 0)
    assert trained.sum() == 60
    return SimpleNamespace(net=net, X=X, y=y, trained=trained)


def test_overlap_is_compared_with_lots_among_the_training_rows(stopped):
    overlap = SelectionOverlapDisplay.from_estimator(stopped.net).overlap
    assert overlap.n_chosen[:2].tolist() == [60, 30]
    assert overlap.expected_kept_share[0] == 30 / 60  # of all 100 rows it would be 0.3
    assert overlap.kept_share[0] == 0.5  # all were chosen before, so lots give just this
    assert overlap.never_chosen == 0


@pytest.mark.parametrize("sort_by", ["row", "label", "visits", "loss"])
def test_raster_has_training_rows_only(stopped, sort_by):
    display = SelectionDisplay.from_estimator(stopped.net, y=stopped.y, sort_by=sort_by)
    raster = np.asarray(display.image_.get_array())
    assert raster.shape[0] == 60
    assert (raster[:, 0] == 100).all()  # the first round is on everything
    visits = stopped.net.visit_counts_[stopped.trained]
    np.testing.assert_array_equal((raster == 100).sum(axis=1), visits[display.order_])


def test_labels_have_the_base_rate_of_the_training_rows(stopped):
    selected = SelectionLabelDisplay.from_estimator(stopped.net, y=stopped.y).selected
    share = np.mean(stopped.y[stopped.trained] == "yes")
    assert selected.base_rate[1] == share
    np.testing.assert_allclose(selected.lift[0], 1)


@pytest.mark.parametrize("fresh", [True, False])
def test_rows_not_chosen_are_training_rows(stopped, fresh):
    given = {"X": stopped.X, "y": stopped.y} if fresh else {}
    losses = SelectionLossDisplay.from_estimator(stopped.net, **given).losses
    staged = [np.asarray(after) for after in stopped.net.loss_history_]
    if fresh:
        staged = list(stopped.net.staged_instance_losses(stopped.X, stopped.y))
    other = np.setdiff1d(np.flatnonzero(stopped.trained), stopped.net.selections_[1])
    np.testing.assert_allclose(losses.other[1], staged[0][other].mean(), rtol=1e-6)
    np.testing.assert_allclose(losses.everything[1], staged[0][stopped.trained].mean(), rtol=1e-6)


def test_visits_are_those_of_the_training_rows(stopped):
    display = VisitCountDisplay.from_estimator(stopped.net, y=stopped.y)
    assert len(display.visits) == 60
    assert display.groups.n_rows.sum() == 60


def test_deciles_do_not_call_them_unknown(stopped):
    deciles = LossDecileDisplay.from_estimator(stopped.net, y=stopped.y).deciles
    assert deciles.n_unknown == 0
    assert deciles.counts.sum() == 60
    counts = deciles.counts.sum(axis=0)
    assert counts.tolist() == [np.sum(stopped.y[stopped.trained] == name) for name in ("no", "yes")]


def test_evictions_are_percent_of_the_training_rows(stopped):
    assert EvictionDisplay.from_estimator(stopped.net).n_rows == 60


def test_other_rows_than_those_of_the_training_are_refused(stopped):
    X, y = stopped.X[:50], stopped.y[:50]
    with pytest.raises(ValueError, match=r"y must have one value per row, shape \(100,\)"):
        SelectionLabelDisplay.from_estimator(stopped.net, y=y)
    with pytest.raises(ValueError, match=r"losses of X must have one value per row"):
        SelectionLossDisplay.from_estimator(stopped.net, X, y)
