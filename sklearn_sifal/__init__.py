"""Train neural classifiers on the instances worth learning from.

The public names are imported on first use, so that importing the package does
not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn_sifal._classifier import LossSampledClassifier
    from sklearn_sifal._exceptions import (
        InconsistentVersionWarning,
        InvalidParameterError,
        NonFiniteLossError,
    )
    from sklearn_sifal._loss_table import LossTable
    from sklearn_sifal._regressor import LossSampledRegressor
    from sklearn_sifal.neural._net import LossSampledNet
    from sklearn_sifal.preprocessing._regex import RegexPreprocessor

__version__ = "0.1.0.dev0"

__all__ = [
    "InconsistentVersionWarning",
    "InvalidParameterError",
    "LossSampledClassifier",
    "LossSampledNet",
    "LossSampledRegressor",
    "LossTable",
    "NonFiniteLossError",
    "RegexPreprocessor",
    "__version__",
]

# Public name -> the module that defines it.
_DEFINED_IN = {
    "InconsistentVersionWarning": "sklearn_sifal._exceptions",
    "InvalidParameterError": "sklearn_sifal._exceptions",
    "LossSampledClassifier": "sklearn_sifal._classifier",
    "LossSampledRegressor": "sklearn_sifal._regressor",
    "LossSampledNet": "sklearn_sifal.neural._net",
    "LossTable": "sklearn_sifal._loss_table",
    "NonFiniteLossError": "sklearn_sifal._exceptions",
    "RegexPreprocessor": "sklearn_sifal.preprocessing._regex",
}


# Imported when first asked for, so that `sklearn_sifal.strategies` needs no import of its own.
_SUBMODULES = (
    "cli",
    "comparison",
    "datasets",
    "inspection",
    "plotting",
    "preprocessing",
    "samplers",
    "strategies",
)


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"sklearn_sifal.{name}")
    if name not in _DEFINED_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_DEFINED_IN[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBMODULES])
