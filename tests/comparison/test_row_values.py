"""Every figure as a mean over rows: the right mean, and the right error."""

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    mean_absolute_error,
    mean_squared_error,
    precision_score,
    r2_score,
    recall_score,
)

from sklearn_sifal.comparison._row_values import RowResults, values_by_row


def labelled(n=400):
    rng = np.random.default_rng(0)
    y = rng.choice(5, n, p=[0.4, 0.3, 0.2, 0.07, 0.03])
    # 5 is a label without test rows that is predicted now and then.
    predicted = np.where(rng.random(n) < 0.7, y, rng.integers(0, 6, n))
    return RowResults(y, predicted, rng.random(n).astype(np.float32))


def numbers(n=400):
    rng = np.random.default_rng(0)
    y = rng.normal(3, 2, n)
    return RowResults(y, y + rng.normal(0, 1, n), np.zeros(n, np.float32))


def macro(score):
    return lambda y, predicted: score(
        y, predicted, labels=np.arange(5), average="macro", zero_division=0
    )


SCORES = {
    "accuracy": (labelled, lambda y, predicted: np.mean(y == predicted)),
    "balanced_accuracy": (labelled, macro(recall_score)),
    "precision": (labelled, macro(precision_score)),
    "recall": (labelled, macro(recall_score)),
    "f1": (labelled, macro(f1_score)),
    "r2": (numbers, r2_score),
    "mse": (numbers, mean_squared_error),
    "mae": (numbers, mean_absolute_error),
}


@pytest.mark.parametrize("metric", SCORES)
def test_the_mean_is_the_figure(metric):
    make, score = SCORES[metric]
    results = make()
    values = values_by_row(metric, results)
    assert values.mean() == pytest.approx(score(results.y, results.predicted))


@pytest.mark.parametrize("metric", SCORES)
def test_the_error_is_that_of_a_bootstrap_over_rows(metric):
    make, score = SCORES[metric]
    results = make()
    n = len(results.y)
    rng = np.random.default_rng(1)
    drawn = [
        score(results.y[rows], results.predicted[rows])
        for rows in (rng.integers(0, n, n) for _ in range(300))
    ]
    error = values_by_row(metric, results).std() / np.sqrt(n)
    assert error == pytest.approx(np.std(drawn), rel=0.15)


def test_the_loss_is_its_own_value():
    results = labelled()
    np.testing.assert_array_equal(values_by_row("nll", results), results.losses)


def test_balanced_accuracy_by_hand():
    # Label 0: two of three right. Label 1: one of one. Mean (2/3 + 1) / 2 = 5/6.
    results = RowResults(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), np.zeros(4, np.float32))
    assert balanced_accuracy_score(results.y, results.predicted) == pytest.approx(5 / 6)
    # One more weight on a right row of label 0 is worth 4 / 3 / 2 * (1 - 2/3) more, on the
    # wrong one 4 / 3 / 2 * 2/3 less, on the row of label 1 nothing.
    change = np.array([2 / 9, 2 / 9, -4 / 9, 0])
    np.testing.assert_allclose(values_by_row("balanced_accuracy", results), 5 / 6 + change)


def test_numbers_that_do_not_differ_have_no_r2():
    results = RowResults(np.ones(3), np.zeros(3), np.zeros(3, np.float32))
    assert np.isnan(values_by_row("r2", results)).all()
