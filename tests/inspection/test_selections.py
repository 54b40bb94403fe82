"""Losses, overlap and labels of what was chosen."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_sifal.inspection import selection_labels, selection_losses, selection_overlap

nan = float("nan")


class TestLosses:
    before = ((4.0, 1.0, 3.0, 0.0), (1.0, 1.0, nan, 2.0))
    after = ((2.0, 1.0, 1.0, 0.0), (1.0, 1.0, 1.0, 0.0))
    selections = (np.array([0, 2]), np.array([3]))

    def test_by_hand(self) -> None:
        losses = selection_losses(self.before, self.selections)
        assert_array_equal(losses.chosen, [3.5, 2.0])
        assert_array_equal(losses.other, [0.5, 1.0])
        assert_allclose(losses.everything, [2.0, 4 / 3])
        assert_array_equal(losses.chosen_share, [0.5, 0.25])
        assert_array_equal(losses.chosen_loss_share, [7 / 8, 0.5])
        for unknown in (losses.test, losses.chosen_after, losses.everything_after):
            assert_array_equal(unknown, [nan, nan])

    def test_after_and_test_set(self) -> None:
        losses = selection_losses(
            iter(self.before),
            self.selections,
            losses_after=iter(self.after),
            test_losses=[[1.0, 2.0, nan], 0.25],
        )
        assert_array_equal(losses.chosen_after, [1.5, 0.0])
        assert_array_equal(losses.other_after, [0.5, 1.0])
        assert_array_equal(losses.everything_after, [1.0, 0.75])
        assert_array_equal(losses.test, [1.5, 0.25])

    def test_an_unknown_round(self) -> None:
        losses = selection_losses([None, self.before[0]], self.selections)
        assert_array_equal(losses.chosen, [nan, 0.0])
        assert_array_equal(losses.chosen_share, [nan, 0.25])

    def test_repeated_rows_count_once(self) -> None:
        losses = selection_losses([[4.0, 1.0]], [[0, 0, 1]])
        assert_array_equal(losses.chosen, [2.5])
        assert_array_equal(losses.chosen_share, [1.0])
        assert_array_equal(losses.other, [nan])

    def test_nothing_chosen(self) -> None:
        losses = selection_losses([[4.0, 1.0]], [[]])
        assert_array_equal(losses.chosen, [nan])
        assert_array_equal(losses.other, [2.5])
        assert_array_equal(losses.chosen_share, [0])

    def test_no_rounds(self) -> None:
        assert selection_losses([], []).chosen.shape == (0,)

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match=r"losses_before must have as many rounds.* 2. Got 1"):
            selection_losses([[1.0] * 4], self.selections)
        with pytest.raises(ValueError, match=r"losses_before must have as many rounds.* 2. Got 3"):
            selection_losses([[1.0] * 4] * 3, self.selections)
        with pytest.raises(ValueError, match=r"losses_before\[1\] must have one entry"):
            selection_losses([[1.0] * 4, [1.0]], self.selections)
        with pytest.raises(ValueError, match=r"selections must hold rows from 0 to 1. Got 0 to 2"):
            selection_losses([[1.0] * 2] * 2, self.selections)
        with pytest.raises(ValueError, match="test_losses must have as many rounds"):
            selection_losses(self.before, self.selections, test_losses=[1.0])


class TestOverlap:
    def test_by_hand(self) -> None:
        overlap = selection_overlap([[0, 1, 2], [2, 3], [2, 3, 3], []], 6)
        assert_array_equal(overlap.jaccard, [1 / 4, 1.0, 0.0])
        assert_array_equal(overlap.kept_share, [1 / 3, 1.0, 0.0])
        assert_array_equal(overlap.expected_kept_share, [2 / 6, 2 / 6, 0])
        assert_array_equal(overlap.n_chosen, [3, 2, 2, 0])
        assert overlap.never_chosen == 2

    @pytest.mark.parametrize("a, b, n", [(2, 3, 5), (1, 1, 4), (4, 4, 5), (5, 2, 5), (0, 2, 3)])
    def test_expectation_over_all_sets(self, a: int, b: int, n: int) -> None:
        first = set(range(a))
        others = [set(rows) for rows in combinations(range(n), b)]
        expected = np.mean([len(first & o) / len(first | o) for o in others])
        overlap = selection_overlap([sorted(first), list(range(b))], n)
        assert_allclose(overlap.expected_jaccard, expected, rtol=1e-9)

    def test_random_sets_overlap_as_expected(self) -> None:
        rng = np.random.default_rng(0)
        rounds = [rng.choice(2000, 600, replace=False) for _ in range(200)]
        overlap = selection_overlap(rounds, 2000)
        error = overlap.jaccard.std() / np.sqrt(199)
        assert abs(overlap.jaccard.mean() - overlap.expected_jaccard[0]) < 4 * error
        # Close to the ratio of expectations, .09 / (.6 - .09).
        assert_allclose(overlap.expected_jaccard, 0.09 / 0.51, rtol=1e-3)

    def test_everything_always(self) -> None:
        overlap = selection_overlap([np.arange(7)] * 3, 7)
        assert_array_equal(overlap.jaccard, [1, 1])
        assert_allclose(overlap.expected_jaccard, [1, 1])

    def test_empty_rounds(self) -> None:
        overlap = selection_overlap([[], []], 3)
        assert_array_equal(overlap.jaccard, [nan])
        assert_array_equal(overlap.expected_jaccard, [nan])
        assert_array_equal(overlap.expected_kept_share, [nan])
        assert overlap.never_chosen == 3

    @pytest.mark.parametrize("rounds", [[], [[0, 1]]])
    def test_less_than_two_rounds(self, rounds: Any) -> None:
        overlap = selection_overlap(rounds, 3)
        assert overlap.jaccard.shape == overlap.expected_jaccard.shape == (0,)
        assert overlap.n_chosen.shape == (len(rounds),)

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match="Got 3 to 3 in round 1"):
            selection_overlap([[0], [3]], 3)
        with pytest.raises(ValueError, match="one array of row numbers a round"):
            selection_overlap([[0.5]], 3)
        with pytest.raises(ValueError, match="'n_samples' parameter"):
            selection_overlap([[0]], 0)


class TestLabels:
    selections = ([0, 1, 2, 3], [2, 3], [3, 3, 3, 0])
    y = ("a", "a", "a", "b")

    def test_all_rounds(self) -> None:
        chosen = selection_labels(self.selections, self.y)
        assert_array_equal(chosen.rounds, [0, 1, 2])
        assert chosen.labels.tolist() == ["a", "b"]
        assert_array_equal(chosen.counts, [[3, 1], [1, 1], [1, 3]])
        assert_array_equal(chosen.share, [[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]])
        assert_array_equal(chosen.base_rate, [0.75, 0.25])
        assert_allclose(chosen.lift, [[1, 1], [2 / 3, 2], [1 / 3, 3]])

    def test_some_rounds(self) -> None:
        chosen = selection_labels(self.selections, self.y, rounds=[-1, 0])
        assert_array_equal(chosen.rounds, [2, 0])
        assert_array_equal(chosen.counts, [[1, 3], [3, 1]])

    def test_empty(self) -> None:
        assert_array_equal(selection_labels([[]], self.y).share, [[nan, nan]])
        assert selection_labels(self.selections, self.y, rounds=[]).counts.shape == (0, 2)

    def test_bad_rounds(self) -> None:
        with pytest.raises(ValueError, match=r"rounds must be from 0 to 2. Got \[3\]"):
            selection_labels(self.selections, self.y, rounds=[3])
