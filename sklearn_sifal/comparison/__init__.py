"""Strategies compared at equal budgets: tables, a verdict in words, a page, ranks over files."""

from sklearn_sifal.comparison._compare import compare_strategies
from sklearn_sifal.comparison._ranks import StrategyRanks, rank_strategies
from sklearn_sifal.comparison._result import StrategyComparison
from sklearn_sifal.comparison._saved_comparisons import SavedComparison, read_comparison
from sklearn_sifal.comparison._statistics import PairedDifference, paired_difference

__all__ = [
    "PairedDifference",
    "SavedComparison",
    "StrategyComparison",
    "StrategyRanks",
    "compare_strategies",
    "paired_difference",
    "rank_strategies",
    "read_comparison",
]
