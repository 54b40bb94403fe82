"""Visits by label, by decile and over the rounds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.inspection import visit_history, visits_by_decile, visits_by_label


def test_by_label() -> None:
    by_label = visits_by_label([0, 2, 6, 0], ["b", "a", "b", "b"])
    assert by_label.groups.tolist() == ["a", "b"]
    assert_array_equal(by_label.n_rows, [1, 3])
    assert_array_equal(by_label.total_visits, [2, 6])
    assert_array_equal(by_label.mean_visits, [2, 2])
    assert_array_equal(by_label.share_of_visits, [0.25, 0.75])
    assert_array_equal(by_label.share_of_rows, [0.25, 0.75])
    assert_array_equal(by_label.ratio, [1, 1])


def test_by_decile() -> None:
    visits, losses = [1, 1, 2, 4, 9], [0.1, 0.2, 0.3, 0.4, float("nan")]
    by_decile = visits_by_decile(np.array(visits, np.int32), losses, n_bins=2)
    assert_array_equal(by_decile.groups, [0, 1])
    assert_array_equal(by_decile.n_rows, [2, 2])  # without the row of unknown loss
    assert_array_equal(by_decile.total_visits, [2, 6])
    assert_array_equal(by_decile.ratio, [0.5, 1.5])


def test_ratios_average_to_one_over_the_rows() -> None:
    rng = np.random.default_rng(0)
    visits, y = rng.poisson(3, 500), rng.integers(0, 150, 500)
    by_label = visits_by_label(visits, y)
    assert by_label.total_visits.sum() == visits.sum()
    assert_allclose((by_label.ratio * by_label.share_of_rows).sum(), 1)


def test_no_visits_and_empty_bins() -> None:
    assert np.isnan(visits_by_label([0, 0], ["a", "b"]).share_of_visits).all()
    by_decile = visits_by_decile([3], [0.5], n_bins=2)
    assert_array_equal(by_decile.mean_visits, [3, np.nan])


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="y must have one entry for each of 2 rows"):
        visits_by_label([1, 2], ["a"])
    with pytest.raises(ValueError, match="'n_bins' parameter of visits_by_decile"):
        visits_by_decile([1], [1.0], n_bins=0)


class TestHistory:
    def test_by_hand(self) -> None:
        history = visit_history([[0, 2, 2], [], [1, 2]], 5)
        assert_array_equal(history.rounds, [0, 1, 2])
        assert_array_equal(history.n_visits, [3, 0, 2])
        assert_array_equal(history.cumulative_visits, [3, 3, 5])
        assert_array_equal(history.n_rows, [2, 0, 2])
        assert_array_equal(history.n_new, [2, 0, 1])
        assert_array_equal(history.seen_share, [0.4, 0.4, 0.6])
        assert_array_equal(history.most_visits, [2, 0, 1])
        assert_array_equal(history.visits, [1, 1, 3, 0, 0])
        assert_array_equal(history.first_round, [0, 2, 0, -1, -1])
        assert_array_equal(history.last_round, [0, 2, 2, -1, -1])
        assert history.never_visited == 2

    def test_no_rounds(self) -> None:
        history = visit_history([], 2)
        assert history.n_visits.shape == history.seen_share.shape == (0,)
        assert history.never_visited == 2

    def test_agrees_with_the_visits_of_an_estimator(self) -> None:
        X, y = load_iris(return_X_y=True)
        model = LossSampledClassifier("heap", record="history", budget=4, random_state=0)
        model.set_params(batch_size=8).fit(X, y)
        history = visit_history(model.selections_, len(y))
        assert_array_equal(history.visits, model.visit_counts_)
        assert_array_equal(history.n_visits, [r["visits"] for r in model.history_])
        assert history.most_visits[0] == 1 < history.most_visits[1:].max()

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match="rows from 0 to 1"):
            visit_history([[2]], 2)
        with pytest.raises(ValueError, match="'n_samples' parameter of visit_history"):
            visit_history([[0]], 0)
