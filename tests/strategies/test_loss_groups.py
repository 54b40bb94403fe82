"""One-dimensional k-means: hand-worked groups, ties, and as good as the usual search."""

from time import perf_counter
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans

from sklearn_sifal.strategies._loss_groups import loss_groups


def groups_of(losses: Any, n_groups: int, seed: int = 0) -> Any:
    return loss_groups(np.asarray(losses, np.float32), n_groups, np.random.default_rng(seed))


@pytest.mark.parametrize(
    "losses, n_groups, groups",
    [
        ([5.0, 0.1, 9.2, 0.0, 9.0, 5.1, 0.2, 9.4], 3, [1, 0, 2, 0, 2, 1, 0, 2]),
        ([5.0, 0.1, 9.2, 0.0, 9.0, 5.1, 0.2, 9.4], 1, [0] * 8),
        ([4.0, 1.0, 3.0, 2.0], 4, [3, 0, 2, 1]),
        # Best is a cut before 0.7: sums of squares 0.005 + 0.3267; after it 0.2867 + 0.125.
        ([0.0, 0.1, 0.7, 1.0, 1.5], 2, [0, 0, 1, 1, 1]),
        # Equal losses share a group, whatever their number.
        ([1.0] * 5 + [2.0] + [9.0] * 3, 2, [0] * 6 + [1] * 3),
    ],
)
def test_worked_by_hand(losses: Any, n_groups: int, groups: Any) -> None:
    np.testing.assert_array_equal(groups_of(losses, n_groups), groups)


def test_equal_losses_are_cut_into_equal_parts_at_random() -> None:
    first, second = groups_of(np.ones(23), 5, seed=0), groups_of(np.ones(23), 5, seed=1)
    np.testing.assert_array_equal(np.bincount(first), [5, 5, 5, 4, 4])
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, groups_of(np.ones(23), 5, seed=0))


def test_few_distinct_losses_are_cut_in_order() -> None:
    # Ten zeros and two ones in four parts of three: the ones are in the last.
    groups = groups_of([1.0] + [0.0] * 10 + [1.0], 4)
    np.testing.assert_array_equal(np.bincount(groups), [3, 3, 3, 3])
    assert groups[0] == groups[-1] == 3


def inertia(losses: Any, groups: Any) -> float:
    return sum(((losses[groups == g] - losses[groups == g].mean()) ** 2).sum() for g in set(groups))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n, n_groups", [(200, 3), (200, 10), (2000, 3), (2000, 10)])
def test_as_good_as_k_means_with_ten_starts(seed: int, n: int, n_groups: int) -> None:
    losses = np.random.default_rng(seed).lognormal(0.0, 1.5, n).astype(np.float32)
    groups = groups_of(losses, n_groups)
    # Groups are intervals, numbered in ascending order, and none is empty.
    assert (np.diff(groups[np.argsort(losses)]) >= 0).all()
    assert set(groups) == set(range(n_groups))
    reference = KMeans(n_groups, n_init=10, random_state=0).fit(losses[:, None])
    assert inertia(losses.astype(float), groups) <= 1.001 * reference.inertia_


@pytest.mark.parametrize("scale", [1e-38, 1e30])
def test_the_unit_of_the_losses_does_not_matter(scale: float) -> None:
    losses = np.random.default_rng(0).integers(1, 100, 200).astype(float)
    np.testing.assert_array_equal(groups_of(losses * scale, 5), groups_of(losses, 5))


def test_large_losses_do_not_swallow_the_differences_of_small_ones() -> None:
    groups = groups_of([1e30, 1.0, 2.0, 3.0, 1.0], 4)
    np.testing.assert_array_equal(groups, [3, 0, 1, 2, 0])


def test_sixty_thousand_rows_take_no_time() -> None:
    losses = np.random.default_rng(0).exponential(size=60_000).astype(np.float32)
    seconds = []
    for _ in range(5):
        began = perf_counter()
        loss_groups(losses, 10, np.random.default_rng(0))
        seconds.append(perf_counter() - began)
    assert min(seconds) < 0.2  # about 0.01; wide, for a machine under load
