"""Drawing rows for a training loop, and gathering them into batches."""

from sklearn_sifal.samplers._indexed_dataset import IndexedDataset
from sklearn_sifal.samplers._loss_sampler import LossSampler

__all__ = ["IndexedDataset", "LossSampler"]
