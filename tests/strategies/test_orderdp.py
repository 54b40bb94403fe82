"""OrderDP: the hardest rows of a random pool."""

from math import comb
from typing import Any

import numpy as np
import pytest

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.strategies._orderdp import OrderDP

DISTINCT = np.arange(1.0, 9.0)  # the loss of row i is i + 1


def test_worked_by_hand(driver) -> None:
    # A pool of ceil(0.5 x 8) = 4 of 8 rows and the top q = ceil(0.25 x 8) = 2 of it. The two
    # easiest rows can never be among the top two of four. Row j is if at most one of the 7 - j
    # harder rows shares the pool with it: C(j, 3) + (7 - j) C(j, 2) of the C(8, 4) pools.
    n_rounds = 4000
    run = driver(OrderDP(25, pool_fraction=0.5), DISTINCT).after_warmup()
    counts = np.zeros(8)
    for _ in range(n_rounds):
        selection = run.draw()
        assert len(selection) == 2
        assert selection.weights is None
        assert selection.lr_scale == 1.0
        counts[selection.rows] += 1
    p = np.array([(comb(j, 3) + (7 - j) * comb(j, 2)) / comb(8, 4) for j in range(8)])
    assert p.sum() == pytest.approx(2)
    assert (counts[:2] == 0).all()
    assert (abs(counts - n_rounds * p) <= 5 * np.sqrt(n_rounds * p * (1 - p))).all()


@pytest.mark.parametrize("percentage, n", [(63.75, 80), (30, 80), (1, 80), (95, 80), (33.3, 7)])
def test_the_number_of_rows_is_exact(percentage: float, n: int, driver) -> None:
    run = driver(OrderDP(percentage), np.random.default_rng(0).exponential(size=n)).after_warmup()
    for _ in range(5):
        assert len(run.draw()) == int(np.ceil(percentage / 100 * n - 1e-9))


def test_the_default_is_the_published_class(driver) -> None:
    # 0.85 of 0.75 of 80 rows.
    assert len(driver(OrderDP(), np.arange(80.0)).after_warmup().draw()) == 51


def test_a_pool_of_all_rows_gives_the_hardest(driver) -> None:
    selection = driver(OrderDP(50, pool_fraction=1.0), DISTINCT).after_warmup().draw()
    np.testing.assert_array_equal(selection.rows, [4, 5, 6, 7])


def test_a_pool_no_larger_than_the_choice_gives_any(driver) -> None:
    run = driver(OrderDP(75, pool_fraction=0.5), DISTINCT).after_warmup()
    counts = np.zeros(8)
    for _ in range(1000):
        counts[run.draw().rows] += 1
    assert (abs(counts - 750) < 5 * np.sqrt(1000 * 0.75 * 0.25)).all()


def test_a_round_of_one_batch_is_still_the_top_of_a_pool(driver) -> None:
    # q is raised to 5 of a pool of 6: only row 0 or 1 can be the best left out.
    run = driver(OrderDP(25), DISTINCT, batch_size=5).after_warmup()
    for _ in range(20):
        rows = run.draw().rows
        assert len(rows) == 5
        assert rows[1:].min() >= 2


@pytest.mark.parametrize(
    "parameters",
    [{"percentage": 0}, {"pool_fraction": 0}, {"pool_fraction": 1.1}, {"pool_fraction": "all"}],
)
def test_parameters_are_checked(parameters: Any, driver) -> None:
    with pytest.raises(InvalidParameterError, match=f"{next(iter(parameters))!r} parameter of Ord"):
        driver(OrderDP(**parameters), DISTINCT)
