"""The torch side: module, row-sparse optimiser steps and the skorch net."""

from sklearn_sifal.neural._net import LossSampledNet

__all__ = ["LossSampledNet"]
