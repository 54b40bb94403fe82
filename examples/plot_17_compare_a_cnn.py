"""
A net of your own: does choosing by loss help it?
=================================================

:func:`~sklearn_sifal.comparison.compare_strategies` takes a
:class:`~sklearn_sifal.LossSampledNet` with any module as it takes the classifier. Here a
convolutional net learns small images of digits under five strategies.
"""

# %%
# Images of shape (1, 8, 8) with values between 0 and 1. There is no test part: the comparison
# makes five folds, so that every image is tested once by a net that has not seen it.
import numpy as np
import torch
from sklearn.datasets import load_digits

pixels, digits = load_digits(return_X_y=True)
X = (pixels / 16).astype(np.float32).reshape(-1, 1, 8, 8)

# %%
# The module comes as a class, so that every training makes it anew: with one seed all
# strategies start from the same weights.
from sklearn_sifal import LossSampledNet


class CNN(torch.nn.Module):
    """A convolution, then a linear layer."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, width, 3),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Linear(36 * width, 10),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of the ten digits."""
        return self.layers(images)


net = LossSampledNet(CNN, optimizer=torch.optim.Adam, lr=0.003, batch_size=64, verbose=0)

# %%
# ``module__width`` and other parameters of the net can be compared in the same way, in a
# mapping: ``{"wide": {"module__width": 32}}``.
from sklearn_sifal.comparison import compare_strategies

strategies = ["percentage", "importance", "guarded_importance", "ordered_sgd", "heap"]
comparison = compare_strategies(net, strategies, X, digits, budget=4)
print(comparison)

# %%
# In words, nothing that helped being said first:
print(comparison.verdict())

# %%
# Who pays for it? The digits whose recall changes most under the heap, which turns to the hardest
# images:
by_digit = sorted(comparison.per_class("heap"), key=lambda record: record["recall_difference"])
for record in (by_digit[0], by_digit[-1]):
    low, high = record["recall_difference_low"], record["recall_difference_high"]
    change = f"{record['recall_difference']:+.1f} points ({low:+.1f} to {high:+.1f})"
    print(f"{record['label']}: recall {record['recall']:.3f}, {change} against base")

# %%
# Accuracy against what it cost. ``comparison.to_html("report.html", image_shape=(8, 8))``
# writes all of it on one page, with the images of largest loss.
import matplotlib.pyplot as plt

comparison.plot()
plt.show()

# %%
# The limit: one small net, one budget, one learning rate for all. ``lr=[...]`` gives each
# strategy its own best, before one believes a gain.
