"""
Your own PyTorch loop: a small CNN on the hardest digits
========================================================

A plain training loop hands its losses to a sampler, which draws the next batch. Which
handwritten digits does a heap of losses come back to?
"""

# %%
# MNIST if the folder named by the environment variable ``SIFAL_DATA`` has ``mnist.npz``,
# else the small digits that come with scikit-learn. Part of MNIST will do here.
import os
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def load_images() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training images in [0, 1] and labels, then those of the test part."""
    file = Path(os.environ.get("SIFAL_DATA", "")) / "mnist.npz"
    if file.exists():
        with np.load(file) as data:
            X, y, X_test, y_test = (data[k] for k in ("x_train", "y_train", "x_test", "y_test"))
        return X[:2000] / 255, y[:2000], X_test[:2000] / 255, y_test[:2000]
    images, labels = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        images.reshape(-1, 8, 8) / 16, labels, test_size=0.3, random_state=0
    )
    return X, y, X_test, y_test


X, y, X_test, y_test = load_images()
print(f"{len(X)} images of {X.shape[1]} x {X.shape[2]} pixels to train on")

# %%
# `IndexedDataset` adds its row number to every item, so that losses find their rows.
import torch
from torch.utils.data import DataLoader, TensorDataset

from sklearn_sifal.samplers import IndexedDataset, LossSampler

torch.set_num_threads(1)


def as_images(pixels: np.ndarray) -> torch.Tensor:
    """One channel, of type float32."""
    return torch.tensor(pixels, dtype=torch.float32).unsqueeze(1)


images, labels = as_images(X), torch.tensor(y, dtype=torch.int64)
dataset = IndexedDataset(TensorDataset(images, labels))


def make_net() -> torch.nn.Module:
    """Two convolutions and two dense layers, with the same initial weights every time."""
    torch.manual_seed(0)
    side = images.shape[-1] // 4
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(8, 16, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(16 * side * side, 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 10),
    )


# %%
# The loop. Only the call of `update` differs from what one would write anyway; the loss
# keeps one value per row for it.
loss_of_each = torch.nn.CrossEntropyLoss(reduction="none")


def train(strategy, n_rounds: int = 12) -> tuple[torch.nn.Module, LossSampler]:
    """Train a new net for so many rounds."""
    sampler = LossSampler(dataset, strategy, batch_size=64, random_state=0)
    loader = DataLoader(dataset, batch_sampler=sampler)
    net = make_net()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(n_rounds):
        for batch, targets, rows in loader:
            losses = loss_of_each(net(batch), targets)
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
            sampler.update(rows, losses)
    return net, sampler


# %%
# After eight rounds on all rows, the heap makes as many draws per round as there are rows,
# each time the 64 largest known losses. A row that was drawn ten times in a round sits out
# from then on: images that cannot be learnt would take every batch otherwise.
from sklearn_sifal.strategies import HeapQueue

results = {"base": train("base"), "heap": train(HeapQueue(start_at=8, max_visits=10))}

# %%
# Accuracy and negative log-likelihood on the test part, at equal visits:
with torch.no_grad():
    for name, (net, sampler) in results.items():
        logits = net(as_images(X_test))
        right = (logits.argmax(1).numpy() == y_test).mean()
        nll = loss_of_each(logits, torch.tensor(y_test, dtype=torch.int64)).mean()
        visits = sampler.visit_counts.sum()
        print(f"{name}: accuracy {right:.4f}, NLL {nll:.4f} nats, {visits} visits")

# %%
# The rows that the heap came back to most often:
net, sampler = results["heap"]
visits = sampler.visit_counts
print(f"{(visits <= 10).mean():.0%} of the images were visited at most 10 times")
with torch.no_grad():
    predicted = net(images).argmax(1)
hardest = visits.argsort(kind="stable")[::-1][:10]
for row in hardest:
    print(f"row {row:5}  visits {visits[row]:3}  label {labels[row]}  predicted {predicted[row]}")

# %%
# What they look like:
import matplotlib.pyplot as plt

figure, axes = plt.subplots(2, 5, figsize=(7, 3), layout="constrained")
for axis, row in zip(axes.flat, hardest, strict=True):
    axis.imshow(X[row], cmap="gray_r")
    axis.set_title(f"{labels[row]}, {visits[row]} visits", fontsize="small")
    axis.axis("off")
plt.show()

# %%
# The limit: twelve rounds on few images with one seed do not say which of the two is better.
# With fewer rounds on all rows at the start, the heap's net gets worse than the other: it is
# trained on a harder mixture than it is tested on. Wrong labels are just what it comes back to.
