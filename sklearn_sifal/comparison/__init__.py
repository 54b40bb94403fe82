"""Strategies compared at equal budgets: tables, a verdict in words, and a page."""

from sklearn_sifal.comparison._compare import compare_strategies
from sklearn_sifal.comparison._result import StrategyComparison

__all__ = ["StrategyComparison", "compare_strategies"]
