"""Prioritized sampling: draws by a power of the loss or of its rank, partly corrected."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._fields import choice, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._ranking import count_for, ranks_from_top
from sklearn_sifal.strategies._selection import Chosen, DrawContext, Losses, Rows
from sklearn_sifal.strategies._share import FixedShareStrategy

# Defaults of the paper: (alpha, beta).
_POWERS = {"proportional": (0.6, 0.4), "rank": (0.7, 0.5)}


class Prioritized(FixedShareStrategy):
    r"""Train on rows drawn with replacement by their loss (prioritized replay).

    With N rows of known loss l, ceil(percentage N / 100) draws are made with replacement:

    - priorities p_i = l_i + epsilon, or p_i = 1 / r_i with r_i the rank of the loss from
      the top, from 1 (ties in random order);
    - P_i = (1 - uniform) p_i ** alpha / sum(p ** alpha) + uniform / N;
    - a drawn row has weight w_i = (N P_i) ** -b / sum_j P_j (N P_j) ** -b, where b rises
      linearly from `beta` to 1 over the training.

    The weights have expectation 1. At b = 1 they are 1 / (N P_i), and the weighted mean
    over the draws estimates the mean over all rows without bias; at b < 1 rows of large
    loss count for more. Rows never seen join every round once, with weight 1.

    Losses are those of the last training step of each row, without scoring passes, unless
    `refresh` asks for them.

    Cost per round, in passes over all rows: percentage / 100 forward and backward, and one
    forward pass whenever `refresh` asks for it.

    It fails where the losses in the table are out of date: a row that once had a small
    loss is rarely drawn again, and its rare weight is large (`uniform` bounds it by
    1 / uniform at b = 1). Repeats in a round waste steps on what was just learnt. Under
    label noise wrong labels are drawn more often. No gain is published for supervised
    learning.

    Parameters
    ----------
    percentage : float, default=100.0
        Draws per round in per cent of the rows, in (0, 100]. At 100 this is not `Base`:
        rows are drawn with replacement all the same.
    variant : {'proportional', 'rank'}, default='proportional'
        What the priority is made of; 'proportional' needs non-negative losses.
    alpha : float, default=None
        Power of the priority, in [0, 1]; 0 draws evenly. None for the paper's: 0.6 for
        'proportional', 0.7 for 'rank'.
    beta : float, default=None
        Power of the correction at the start, in [0, 1]. None for the paper's: 0.4 for
        'proportional', 0.5 for 'rank'.
    uniform : float, default=0.0
        Share of the probability, in [0, 1], spread evenly.
    epsilon : float, default=1e-6
        Added to every loss, in nats, by 'proportional', so that none has probability zero.
    {{warmup_epochs, final_epochs, refresh, exploration}}
        Above 0 the estimate is not unbiased even at b = 1.
    {{max_visits}}
        Each draw is a visit.

    Notes
    -----
    The paper divides the weights by the largest of them. That shrinks the step, by an
    amount that one row decides; here they are divided by their expectation, so that a
    comparison at one learning rate is fair. New rows, which the paper gives the largest
    priority, are trained on in the round in which they appear.

    References
    ----------
    Schaul, Quan, Antonoglou and Silver, "Prioritized experience replay", ICLR 2016,
    arXiv:1511.05952.

    Examples
    --------
    >>> from sklearn_sifal.strategies import Prioritized
    >>> Prioritized(percentage=50, variant="rank")
    Prioritized(percentage=50, variant='rank')
    """

    percentage = 100.0
    variant: str = choice(*_POWERS, default="proportional")
    alpha: float | None = real(0, 1, default=None, none=True)
    beta: float | None = real(0, 1, default=None, none=True)
    uniform: float = real(0, 1, default=0.0)
    epsilon: float = real(0, default=1e-6, open_low=True)
    refresh = "table"

    replacement: ClassVar[bool] = True

    @property
    def non_negative(self) -> bool:  # type: ignore[override]  # a constant elsewhere
        """Whether a negative loss is an error."""
        return self.variant == "proportional"

    @property
    def needs_end(self) -> bool:
        return self._powers()[1] < 1 or super().needs_end

    def _takes_everything(self) -> bool:
        return False

    def _powers(self) -> tuple[float, float]:
        """Alpha and beta, with the variant's own in place of None."""
        alpha, beta = _POWERS[self.variant]
        return (
            alpha if self.alpha is None else self.alpha,
            beta if self.beta is None else self.beta,
        )

    def _select_rows(self, rows: Rows, table: LossTable, context: DrawContext) -> Chosen:
        n = len(rows)
        n_draws = max(count_for(self.percentage, n), min(n, context.batch_size))
        alpha, beta = self._powers()
        chances = self._chances(table.loss[rows], alpha, context.rng)
        drawn = context.rng.choice(n, n_draws, replace=True, p=chances)
        correction = beta + (1 - beta) * context.progress
        return drawn, _weights(chances, correction, drawn)

    def _chances(
        self, losses: Losses, alpha: float, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        if self.variant == "rank":
            priorities = 1.0 / (ranks_from_top(losses, rng) + 1)
        else:
            self._check_non_negative(losses)
            priorities = losses.astype(np.float64) + self.epsilon
        powers = priorities**alpha
        mixed: NDArray[np.float64] = (1 - self.uniform) * powers / powers.sum()
        return mixed + self.uniform / len(losses)


def _weights(
    chances: NDArray[np.float64], power: float, drawn: NDArray[Any]
) -> NDArray[np.float64]:
    """Corrections (N P) ** -power of drawn rows, over their expectation under P."""
    corrections = np.zeros(len(chances))
    # A probability may be zero by underflow: such a row is never drawn.
    possible = chances > 0
    corrections[possible] = (len(chances) * chances[possible]) ** -power
    weights: NDArray[np.float64] = corrections[drawn] / (chances @ corrections)
    return weights
