"""Strategies: which rows to train on in each round."""

from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._everything import Base
from sklearn_sifal.strategies._evolved import EvolvedSampling
from sklearn_sifal.strategies._function import FunctionStrategy
from sklearn_sifal.strategies._gradient_norm import GradientNormSampling
from sklearn_sifal.strategies._guarded_importance import GuardedImportance
from sklearn_sifal.strategies._heap import HeapQueue
from sklearn_sifal.strategies._importance import Importance
from sklearn_sifal.strategies._infobatch import InfoBatch
from sklearn_sifal.strategies._instance_early_stopping import InstanceEarlyStopping
from sklearn_sifal.strategies._kakurenbo import Kakurenbo
from sklearn_sifal.strategies._online_batch import OnlineBatchSelection
from sklearn_sifal.strategies._orderdp import OrderDP
from sklearn_sifal.strategies._ordered_sgd import OrderedSGD
from sklearn_sifal.strategies._percentage import BottomPercentage, Percentage
from sklearn_sifal.strategies._percentile import BottomPercentile, Percentile
from sklearn_sifal.strategies._prioritized import Prioritized
from sklearn_sifal.strategies._random import Random
from sklearn_sifal.strategies._reducible import ReducibleLoss
from sklearn_sifal.strategies._registry import STRATEGIES
from sklearn_sifal.strategies._repb import RePB
from sklearn_sifal.strategies._robust import Robust
from sklearn_sifal.strategies._selection import DrawContext, Selection, Setup
from sklearn_sifal.strategies._selective_backprop import SelectiveBackprop
from sklearn_sifal.strategies._self_paced import SelfPaced
from sklearn_sifal.strategies._seta import SeTa

__all__ = [
    "STRATEGIES",
    "Base",
    "BottomPercentage",
    "BottomPercentile",
    "DrawContext",
    "EvolvedSampling",
    "FunctionStrategy",
    "GradientNormSampling",
    "GuardedImportance",
    "HeapQueue",
    "Importance",
    "InfoBatch",
    "InstanceEarlyStopping",
    "Kakurenbo",
    "OnlineBatchSelection",
    "OrderDP",
    "OrderedSGD",
    "Percentage",
    "Percentile",
    "Prioritized",
    "Random",
    "RePB",
    "ReducibleLoss",
    "Robust",
    "SamplingStrategy",
    "SeTa",
    "Selection",
    "SelectiveBackprop",
    "SelfPaced",
    "Setup",
]
