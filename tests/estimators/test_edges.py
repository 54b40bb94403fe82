"""Corners that a reviewer found: each was wrong once."""

import numpy as np
import pytest
import torch
from skorch.callbacks import EarlyStopping, EpochScoring

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.strategies import Percentile

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def small(**params) -> LossSampledClassifier:
    settings = {"hidden_layer_sizes": (8,), "budget": 3, "batch_size": 32, "random_state": 0}
    return LossSampledClassifier(**{**settings, **params})


def test_one_hidden_layer_may_be_given_as_a_number() -> None:
    one, listed = small(hidden_layer_sizes=8).fit(X, Y), small().fit(X, Y)
    np.testing.assert_array_equal(one.predict_proba(X), listed.predict_proba(X))


def test_a_warm_start_holds_out_the_same_rows_again() -> None:
    model = small(early_stopping=True, warm_start=True, random_state=None).fit(X, Y)
    held_out = model.loss_table_["held_out"].copy()
    assert held_out.sum() == 30
    model.fit(X, Y)
    np.testing.assert_array_equal(model.loss_table_["held_out"], held_out)
    assert model.visit_counts_[held_out].sum() == 0


def test_validation_scores_of_a_history_that_goes_on_go_on() -> None:
    model = small(early_stopping=True, warm_start=True).fit(X, Y)
    first = model.validation_scores_
    model.fit(X, Y)
    assert model.validation_scores_[: len(first)] == first
    checked = [figures["valid_acc"] for figures in model.history_ if "valid_acc" in figures]
    assert model.validation_scores_ == checked
    assert len(checked) > len(first)


def test_a_warm_start_that_records_more_starts_its_records_anew() -> None:
    model = small(record="dynamics", warm_start=True).fit(X, Y)
    model.set_params(record="history").fit(X, Y)
    assert len(model.loss_history_) == model.n_iter_ == len(model.history_)
    assert model.visit_counts_.sum() == sum(record["visits"] for record in model.history_)


def test_the_history_counts_validation_rows() -> None:
    model = small(early_stopping=True).fit(X, Y)
    assert sum(record["validated"] for record in model.history_) == 30 * len(
        model.validation_scores_
    )
    assert all(record["validated"] == 0 for record in small().fit(X, Y).history_)


def test_skorch_callbacks_that_score_or_stop() -> None:
    callbacks = [
        EpochScoring("accuracy", on_train=True, name="train_acc"),
        EarlyStopping(monitor="valid_loss", patience=2),
    ]
    model = small(
        sampling_strategy=Percentile(30), callbacks=callbacks, early_stopping=True, budget=6
    ).fit(X.astype(np.float32), Y)
    assert len(model.net_.history[:, "train_acc"]) == len(model.net_.history[:, "valid_loss"])


def test_the_net_says_how_it_is_trained() -> None:
    net = small().fit(X, Y).net_
    with pytest.raises(TypeError, match="trained by the fit and partial_fit of LossSampled"):
        net.partial_fit(X, Y)


def test_values_too_large_for_the_net_are_refused() -> None:
    model = small().fit(X.astype(np.float32), Y)
    with pytest.raises(ValueError, match="value too large for float32"):
        model.predict(np.full((1, 5), 1e300))


def test_a_class_of_weight_zero_is_left_out_like_rows_of_weight_zero() -> None:
    labels = np.where(X[:, 2] > 1, 2, Y)
    weighted = small(class_weight={0: 1.0, 1: 1.0, 2: 0.0}).fit(X, labels)
    assert weighted.classes_.tolist() == [0, 1, 2]
    assert weighted.visit_counts_[labels == 2].sum() == 0
    assert weighted.visit_counts_.sum() == 3 * (labels != 2).sum()


def test_huge_sample_weights_do_not_overflow() -> None:
    weights = RNG.uniform(0.5, 1.0, 300)
    huge = small().fit(X, Y, sample_weight=weights * 2.0**1020)
    usual = small().fit(X, Y, sample_weight=weights)
    np.testing.assert_array_equal(huge.predict_proba(X), usual.predict_proba(X))


def test_a_callers_no_grad_or_inference_mode_does_not_reach_into_fit() -> None:
    expected = small().fit(X, Y).predict_proba(X)
    for block in (torch.no_grad(), torch.inference_mode()):
        with block:
            model = small().fit(X, Y)
        np.testing.assert_array_equal(model.predict_proba(X), expected)


def test_missing_and_mixed_labels_are_named() -> None:
    pd = pytest.importorskip("pandas")
    labels = pd.Series(["a", "b"] * 150, dtype="string")
    labels[7] = pd.NA
    with pytest.raises(ValueError, match=r"y contains NaN, None .* position 7"):
        small().fit(X, labels)
    mixed = np.array(["a", 1] * 150, dtype=object)
    with pytest.raises(ValueError, match="y mixes labels of the types int, str"):
        small().fit(X, mixed)


def test_read_only_initial_weights() -> None:
    weights = small().fit(X, Y).initial_weights_
    for values in weights.values():
        values.setflags(write=False)
    model = small(init_weights=weights).fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), small().fit(X, Y).predict_proba(X))
