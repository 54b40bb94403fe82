"""RePB: rows below the mean of their batch may be left out of the next round."""

import sys
from functools import partial
from typing import ClassVar, Self

import numpy as np

from sklearn_sifal._fields import attribute, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._selection import Chosen, DrawContext, Measured, Rows, Setup
from sklearn_sifal.strategies._share import ShareStrategy
from sklearn_sifal.strategies._state_checks import check_column, check_number, check_truth, column


class RePB(ShareStrategy):
    r"""Leave rows out that were easier than their batch, and count the visits they miss.

    With keep = percentage / 100 = 1 - rho, row i joins the next round

    - for certain, if it was trained on in this round with a loss l_i of at least the mean
      of its batch;
    - with probability keep, if its loss was below that mean or if it was left out of
      this round, independently of the others.

    Its weight is E / N_i, at most `max_weight`, where E is the number of rounds and N_i
    the number of those with row i, the one to come included: over the rounds, the
    weights of a row add up to about what they would if it had never been left out. They
    are divided by their mean, as expected over the draw, so that it is 1.

    The paper does not divide by the mean weight, which amounts to a step larger by that
    factor. It is the selection's `lr_scale`: 1 in the first round that leaves rows out,
    and near N / S later, with S of N rows in a round.

    A loss is only compared with losses of the same step, so no stale value is used and
    nothing is ever scored. Cost per round, in passes over all rows: about keep + (1 -
    keep) h forward and backward, h the share of all rows that were trained on and hard.

    Rows left out say nothing of their loss: one that gets hard meanwhile is only found by
    chance. Wrong labels are hard in every batch and stay in. The weights undo the bias
    over many rounds only; with a budget of a few epochs they are rough. Small batches have
    noisy means, and a batch of a single row always keeps it.

    Parameters
    ----------
    percentage : float, default=50.0
        Probability, in per cent, that an easy row is kept and that a row left out comes
        back, 100 (1 - rho), in (0, 100]. At 100 every round has all rows.
    max_weight : float, default=10.0
        Upper limit, at least 1, of E / N_i. The default is what a row comes to that joins
        one round in ten; raise it for percentages below 10.
    {{warmup_epochs, final_epochs, exploration, max_visits, min_fraction}}
        Where there are fewer, others join at random with weight 1.

    Notes
    -----
    Departures from the paper, on purpose:

    - Without a limit, a row drawn for the first time after many rounds would have a
      weight of the number of rounds; and the mean of 1 / N is not 1 over the mean of N.
    - The paper compares within short sequences of batches, here within one batch.
    - Only rounds and visits of this training count, not those of an earlier one that
      it goes on from.
    - The factor in `lr_scale` is the same as larger weights for plain gradient descent
      only. Optimisers that divide by the size of the gradient, such as Adam, undo the
      latter but not the former.

    References
    ----------
    "Inconsistency biases in dynamic data pruning", ICLR 2026.

    Examples
    --------
    >>> from sklearn_sifal.strategies import RePB
    >>> RePB(percentage=30)
    RePB(percentage=30)
    """

    max_weight: float = real(1, default=10.0)
    # Only losses of training steps are compared.
    refresh: str | int = attribute("table")

    _adaptive_size: ClassVar[bool] = True

    hard_ = column(np.bool_, False)
    # Whether `hard_` is of a round that the next one has been drawn from.
    is_used_: bool = attribute(False, check=check_truth)
    mean_weight_: float = attribute(
        1.0, check=partial(check_number, low=1e-300, high=sys.float_info.max)
    )

    def begin(self, table: LossTable, setup: Setup) -> Self:
        super().begin(table, setup)
        self.visits_before_ = table.visits.copy()
        return self

    def observe(self, rows: Rows, measured: Measured, *, training: bool) -> None:
        if not training or len(rows) == 0:
            return
        if self.is_used_:
            self.hard_[:] = False
            self.is_used_ = False
        losses = np.asarray(measured["loss"], np.float64)
        # The mean of equal numbers may exceed them by rounding.
        self.hard_[rows] = losses >= min(losses.mean(), losses.max())

    def _check_state(self, table: LossTable) -> None:
        super()._check_state(table)
        visits = check_column(self, "visits_before_", (len(table),), np.int32, 0)
        if (visits > table.visits).any():
            raise ValueError("'visits_before_' of RePB are more than there were")

    def _lr_scale(self, n_chosen: int, n_active: int) -> float:
        return self.mean_weight_

    def _select_rows(self, rows: Rows, table: LossTable, context: DrawContext) -> Chosen:
        self.is_used_ = True
        probabilities = np.where(self.hard_[rows], 1.0, self.percentage / 100)
        n_visits = table.visits[rows] - self.visits_before_[rows] + 1
        weights = np.minimum((context.round + 1) / n_visits, self.max_weight)
        self.mean_weight_ = float(probabilities @ weights / probabilities.sum())
        chosen = np.flatnonzero(context.rng.random(len(rows)) < probabilities)
        return chosen, weights[chosen] / self.mean_weight_
