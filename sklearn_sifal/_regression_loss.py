"""The criterion of a regression: one loss per row of standardised targets."""

import torch
from torch import nn

from sklearn_sifal._saved_states import written_by_name


@written_by_name
class RegressionLoss(nn.Module):
    """Loss of each row, for a net with one output.

    Parameters
    ----------
    loss : {'squared_error', 'absolute_error', 'huber'}
        r², the size of r, or Huber's loss: r²/2 up to `delta`, linear beyond.
    delta : float
        In the units of the target.
    """

    def __init__(self, loss: str = "squared_error", delta: float = 1.0) -> None:
        super().__init__()
        self.loss = loss
        self.delta = delta

    def forward(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Losses of shape (n,) for outputs of shape (n, 1) and targets of shape (n,)."""
        return self._losses_and_slopes(outputs.squeeze(1) - y)[0]

    def with_gradient(
        self, outputs: torch.Tensor, y: torch.Tensor, factors: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The losses, and the gradient of their sum, each times its factor, by the outputs."""
        losses, slopes = self._losses_and_slopes(outputs.squeeze(1) - y)
        return losses, (slopes * factors).unsqueeze(1)

    def _losses_and_slopes(self, residuals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.loss == "absolute_error":
            return residuals.abs(), residuals.sign()
        if self.loss == "squared_error":
            return residuals.square(), 2 * residuals
        # Written by its clipped residual: no branch of it is infinite where the other holds.
        clipped = residuals.clamp(-self.delta, self.delta)
        return clipped * (residuals - clipped / 2), clipped
