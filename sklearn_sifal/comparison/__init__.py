"""Strategies compared at equal budgets: tables, a verdict in words, and a page."""

from sklearn_sifal.comparison._compare import compare_strategies
from sklearn_sifal.comparison._result import StrategyComparison
from sklearn_sifal.comparison._statistics import PairedDifference, paired_difference

__all__ = [
    "PairedDifference",
    "StrategyComparison",
    "compare_strategies",
    "paired_difference",
]
