"""Strategies compared at equal budgets: tables, a verdict in words, a page, ranks over files."""

from sklearn_sifal.comparison._compare import compare_strategies
from sklearn_sifal.comparison._ranks import StrategyRanks, rank_strategies
from sklearn_sifal.comparison._result import StrategyComparison
from sklearn_sifal.comparison._saved_comparisons import SavedComparison, read_comparison

__all__ = [
    "SavedComparison",
    "StrategyComparison",
    "StrategyRanks",
    "compare_strategies",
    "rank_strategies",
    "read_comparison",
]
