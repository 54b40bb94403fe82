"""The pure ranking functions: hand-worked examples, and properties on arbitrary input."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_sifal.strategies._ranking import (
    bottom_k,
    count_for,
    coverage_count,
    inclusion_probabilities,
    ranks_from_top,
    systematic_sample,
    top_k,
)

quick = settings(max_examples=150, deadline=None, derandomize=True)

# A few values, so that ties are common, among arbitrary ones.
values_with_ties = hnp.arrays(
    np.float32,
    st.integers(1, 40),
    elements=st.one_of(
        st.sampled_from([0.0, 0.5, 1.0, 7.0]), st.floats(-1e6, 1e6, width=32, allow_nan=False)
    ),
)
losses_with_ties = hnp.arrays(
    np.float32,
    st.integers(1, 40),
    elements=st.one_of(
        st.sampled_from([0.0, 0.5, 1.0, 7.0]),
        st.floats(0.0, float(np.finfo(np.float32).max), width=32),
    ),
)


class TestCountFor:
    @pytest.mark.parametrize(
        "percentage, n, count",
        [
            (100, 7, 7),
            (50, 7, 4),
            (30, 10, 3),
            (31, 10, 4),
            (0.001, 10, 1),
            (1e-300, 10, 1),
            (50, 1, 1),
            (99.99, 3, 3),
        ],
    )
    def test_worked_by_hand(self, percentage: float, n: int, count: int) -> None:
        assert count_for(percentage, n) == count

    def test_percentages_that_binary_numbers_miss(self) -> None:
        # 0.07 * 100 is 7.000000000000001 in binary, for instance: a count that is whole
        # in decimal must not go up by one. The oracle computes with fractions.
        for tenths in range(1, 1001):
            percentage = tenths / 10
            for n in (1, 7, 10, 64, 1000, 12345, 10**6):
                exact = Fraction(tenths, 10) * n / 100
                assert count_for(percentage, n) == max(1, -(-exact.numerator // exact.denominator))

    def test_large_numbers_of_rows(self) -> None:
        assert count_for(0.1, 10**9) == 10**6
        assert count_for(33.3, 10**9) == 333 * 10**6


class TestTopK:
    @pytest.mark.parametrize(
        "k, positions", [(0, []), (1, [1]), (2, [1, 3]), (3, [1, 2, 3]), (4, [0, 1, 2, 3]), (9, 4)]
    )
    def test_worked_by_hand(self, k: int, positions: list[int] | int) -> None:
        expected = np.arange(4) if positions == 4 else positions
        rng = np.random.default_rng(0)
        chosen = top_k(np.array([0.5, 3.0, 1.0, 2.0]), k, rng)
        assert chosen.dtype == np.int64
        np.testing.assert_array_equal(chosen, expected)

    def test_bottom_worked_by_hand(self) -> None:
        rng = np.random.default_rng(0)
        np.testing.assert_array_equal(bottom_k(np.array([0.5, 3.0, 1.0, 2.0]), 2, rng), [0, 2])

    def test_all_above_the_border_stay_in_and_ties_are_drawn(self) -> None:
        values = np.array([1.0, 2.0, 1.0, 1.0, 3.0, 0.0])
        drawn = np.zeros(6)
        for seed in range(600):
            chosen = top_k(values, 4, np.random.default_rng(seed))
            assert {1, 4} <= set(chosen.tolist())
            drawn[chosen] += 1
        assert drawn[5] == 0
        # Two of the three equal values: binomial(600, 2/3), standard deviation 11.5.
        assert (abs(drawn[[0, 2, 3]] - 400) < 5 * 11.5).all()

    def test_the_generator_is_not_moved_without_ties(self) -> None:
        rng = np.random.default_rng(0)
        before = rng.bit_generator.state
        top_k(np.array([3.0, 1.0, 1.0, 2.0]), 2, rng)
        top_k(np.array([3.0, 1.0, 1.0, 2.0]), 4, rng)
        assert rng.bit_generator.state == before

    def test_same_seed_same_choice(self) -> None:
        values = np.ones(100)
        first, second = (top_k(values, 10, np.random.default_rng(5)) for _ in range(2))
        np.testing.assert_array_equal(first, second)

    @quick
    @given(values_with_ties, st.integers(0, 45), st.integers(0, 3))
    def test_values_are_those_of_a_full_sort(self, values, k: int, seed: int) -> None:
        before = values.copy()
        n_chosen = min(k, len(values))
        ordered = np.sort(values)
        for choose, expected in (
            (top_k, ordered[len(values) - n_chosen :]),
            (bottom_k, ordered[:n_chosen]),
        ):
            chosen = choose(values, k, np.random.default_rng(seed))
            assert (np.diff(chosen) > 0).all()
            np.testing.assert_array_equal(np.sort(values[chosen]), expected)
        np.testing.assert_array_equal(values, before)


class TestCoverageCount:
    @pytest.mark.parametrize(
        "percentage, largest, smallest",
        [
            (1, 1, 1),
            (10, 1, 1),  # the smallest loss is a tenth
            (11, 1, 2),
            (40, 1, 3),  # the largest is four tenths; 1 + 2 falls short of 4
            (41, 2, 3),
            (60, 2, 3),  # 1 + 2 + 3
            (61, 2, 4),
            (70, 2, 4),
            (71, 3, 4),
            (90, 3, 4),
            (91, 4, 4),
            (100, 4, 4),
        ],
    )
    def test_worked_by_hand(self, percentage: float, largest: int, smallest: int) -> None:
        losses = np.array([1.0, 4.0, 2.0, 3.0])
        assert coverage_count(losses, percentage, largest=True) == largest
        assert coverage_count(losses, percentage, largest=False) == smallest

    @pytest.mark.parametrize("largest", [True, False])
    @pytest.mark.parametrize("percentage, count", [(1, 1), (30, 3), (31, 4), (100, 10)])
    def test_zero_total_gives_that_share_of_the_rows(
        self, percentage: float, count: int, largest: bool
    ) -> None:
        assert coverage_count(np.zeros(10, np.float32), percentage, largest=largest) == count

    @pytest.mark.parametrize("largest", [True, False])
    def test_equal_losses_that_binary_numbers_miss(self, largest: bool) -> None:
        # Ten times 0.1: each share of 10 % is one row, though the sums are inexact.
        losses = np.full(10, 0.1)
        for count in range(1, 11):
            assert coverage_count(losses, 10 * count, largest=largest) == count

    def test_leading_zeros_are_part_of_the_shortest_prefix(self) -> None:
        losses = np.array([0.0, 0.0, 0.0, 1.0, 1.0])
        assert coverage_count(losses, 50, largest=False) == 4
        assert coverage_count(losses, 50, largest=True) == 1

    def test_largest_single_precision_losses_do_not_overflow(self) -> None:
        losses = np.full(4, np.finfo(np.float32).max, np.float32)
        assert coverage_count(losses, 50, largest=True) == 2

    @quick
    @given(losses_with_ties, st.floats(0.01, 100.0), st.booleans())
    def test_count_is_minimal(self, losses, percentage: float, largest: bool) -> None:
        count = coverage_count(losses, percentage, largest=largest)
        assert 1 <= count <= len(losses)
        # Exact sums, so that the oracle has no rounding of its own.
        ordered = sorted((Fraction(float(loss)) for loss in losses), reverse=largest)
        total = sum(ordered)
        if total == 0:
            return
        target = Fraction(percentage) * total / 100
        slack = target / 10**10
        assert sum(ordered[:count]) >= target - slack
        assert count == 1 or sum(ordered[: count - 1]) < target + slack


class TestInclusionProbabilities:
    @pytest.mark.parametrize(
        "weights, expected_count, q",
        [
            ([1.0, 1.0, 1.0, 1.0], 1.0, [0.25, 0.25, 0.25, 0.25]),
            ([4.0, 3.0, 2.0, 1.0], 1.0, [0.4, 0.3, 0.2, 0.1]),
            # 8 c reaches 1; what is left of 2 is shared by the others.
            ([8.0, 1.0, 1.0], 2.0, [1.0, 0.5, 0.5]),
            # First 100 reaches 1, then 10 does: two turns.
            ([100.0, 10.0, 1.0, 1.0], 3.0, [1.0, 1.0, 0.5, 0.5]),
            ([5.0, 1.0], 2.0, [1.0, 1.0]),
            ([5.0, 1.0], 3.0, [1.0, 1.0]),
            ([5.0], 0.5, [0.5]),
        ],
    )
    def test_worked_by_hand(self, weights, expected_count: float, q) -> None:
        result = inclusion_probabilities(np.array(weights), expected_count)
        assert result.dtype == np.float64
        np.testing.assert_allclose(result, q, rtol=1e-15)

    @quick
    @given(
        hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(1e-9, 1e9)),
        st.floats(1e-6, 1.0),
    )
    def test_sum_and_order(self, weights, share: float) -> None:
        before = weights.copy()
        expected_count = share * len(weights)
        q = inclusion_probabilities(weights, expected_count)
        assert (q > 0).all()
        assert (q <= 1).all()
        assert q.sum() == pytest.approx(expected_count, rel=1e-9)
        order = np.argsort(weights)
        assert (np.diff(q[order]) >= 0).all()
        # Below 1 all are the same multiple of their weight.
        multiples = (q / weights)[q < 1]
        np.testing.assert_allclose(multiples, multiples[:1].repeat(len(multiples)), rtol=1e-9)
        np.testing.assert_array_equal(weights, before)

    @quick
    @given(
        hnp.arrays(np.float64, st.integers(2, 12), elements=st.floats(1e-9, 1e9)),
        st.integers(1, 4),
    )
    def test_expected_count_a_rounding_error_below_all(self, weights, ulps: int) -> None:
        expected_count = float(len(weights))
        for _ in range(ulps):
            expected_count = float(np.nextafter(expected_count, 0.0))
        q = inclusion_probabilities(weights, expected_count)
        assert np.isfinite(q).all()
        assert (q >= 0).all()
        assert (q <= 1).all()
        assert q.sum() == pytest.approx(len(weights))

    def test_rounding_does_not_make_a_probability_negative(self) -> None:
        weights = np.array([1.0, 1.0, 1.0, 1e-20])
        for expected_count in (3.0, np.nextafter(3.0, 0.0), np.nextafter(3.0, 4.0)):
            q = inclusion_probabilities(weights, float(expected_count))
            assert (q >= 0).all()
            np.testing.assert_allclose(q, [1.0, 1.0, 1.0, 0.0], atol=1e-12)


def test_systematic_sample_has_its_size_and_its_probabilities():
    probabilities = np.array([1.0, 0.9, 0.5, 0.3, 0.2, 0.1])
    counts = np.zeros(6)
    n_draws = 4000
    for seed in range(n_draws):
        chosen = systematic_sample(probabilities, np.random.default_rng(seed))
        assert len(chosen) == 3
        counts[chosen] += 1
    # Five standard errors of a share over the draws.
    bound = 5 * np.sqrt(probabilities * (1 - probabilities) / n_draws) + 1e-12
    assert np.all(np.abs(counts / n_draws - probabilities) <= bound)


def test_ranks_of_equal_values_are_drawn() -> None:
    rng = np.random.default_rng(0)
    seen = {tuple(ranks_from_top(np.array([1.0, 2.0, 1.0]), rng).tolist()) for _ in range(50)}
    assert seen == {(1, 0, 2), (2, 0, 1)}
