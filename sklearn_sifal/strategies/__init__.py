"""Strategies: which rows to train on in each round."""

from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._everything import Base
from sklearn_sifal.strategies._function import FunctionStrategy
from sklearn_sifal.strategies._importance import Importance
from sklearn_sifal.strategies._percentage import BottomPercentage, Percentage
from sklearn_sifal.strategies._percentile import BottomPercentile, Percentile
from sklearn_sifal.strategies._random import Random
from sklearn_sifal.strategies._registry import STRATEGIES
from sklearn_sifal.strategies._selection import DrawContext, Selection, Setup

__all__ = [
    "STRATEGIES",
    "Base",
    "BottomPercentage",
    "BottomPercentile",
    "DrawContext",
    "FunctionStrategy",
    "Importance",
    "Percentage",
    "Percentile",
    "Random",
    "SamplingStrategy",
    "Selection",
    "Setup",
]
