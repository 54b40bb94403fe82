"""Self-paced learning: easy rows first, until all are in."""

from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._fields import attribute, flag, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import reject
from sklearn_sifal.strategies._ranking import count_for, filled_up
from sklearn_sifal.strategies._selection import Chosen, DrawContext, Losses, Rows, Setup
from sklearn_sifal.strategies._share import ShareStrategy
from sklearn_sifal.strategies._state_checks import (
    LAST_ROUND,
    check_column,
    check_truth,
    check_whole,
    column,
)


class SelfPaced(ShareStrategy):
    r"""Train on the rows whose loss is below a threshold that grows every round.

    Row i takes part, with weight 1, if l_i < 1 / K. This is the v in {0, 1} that
    minimises

    .. math:: \sum_i v_i l_i - \frac{1}{K} \sum_i v_i

    for the present losses l. In the first round that chooses, the threshold 1 / K is
    such that ceil(percentage N / 100) of N rows take part, and rows equal to the last of
    them. It is multiplied by `growth` in every round after that. Once all rows are in,
    every round has all rows, as with `Base`.

    Losses of rows left out are those of the last scoring pass: by default the one after
    the warm-up. Cost per round, in passes over all rows: the share below the threshold,
    forward and backward; one forward pass whenever `refresh` asks for it. So this saves
    visits in early rounds only; it is a curriculum, not a way to train on less.

    Wrong labels, with their large losses, come in last. It fails where the hard rows
    matter: with a budget of a few epochs it may never reach them. Whole classes can be
    left out at first; `per_class` prevents that. With dropout, losses in training steps
    exceed those of the scoring pass that the threshold came from, and fewer rows than in
    the first round can be below it for a while; ``refresh='epoch'`` compares like with
    like.

    Parameters
    ----------
    percentage : float, default=50.0
        Share of the rows in the first round that chooses, in (0, 100]. At 100 every round
        has all rows.
    growth : float, default=1.3
        Factor on the threshold from round to round, above 1; the paper's mu, by which it
        divides K.
    per_class : bool, default=False
        Whether each class has a threshold of its own, so that the percentage holds in
        every class; not for regression.
    {{warmup_epochs, final_epochs, refresh}}
        The paper's form is 'epoch'.
    {{exploration, max_visits, min_fraction}}
        Where fewer are below the threshold, those of the next smallest losses join.

    Notes
    -----
    Departures from the paper, on purpose:

    - A multiple of zero does not grow. If the first threshold would be a loss of zero or
      less, it is the smallest positive loss instead.
    - There the model is trained to convergence between two thresholds, here for a round.

    References
    ----------
    Kumar, Packer and Koller, "Self-paced learning for latent variable models", NIPS 2010.

    Examples
    --------
    >>> from sklearn_sifal.strategies import SelfPaced
    >>> SelfPaced(percentage=40, growth=1.5)
    SelfPaced(growth=1.5, percentage=40)
    """

    growth: float = real(1, default=1.3, open_low=True)
    per_class: bool = flag(default=False)

    _adaptive_size: ClassVar[bool] = True

    codes_ = column(np.int32, 0)
    first_epoch_: int = attribute(0, check=partial(check_whole, high=LAST_ROUND))
    all_in_: bool = attribute(False, check=check_truth)

    def begin(self, table: LossTable, setup: Setup) -> Self:
        """Check the parameters and start anew; called once before the first round.

        Parameters
        ----------
        table : LossTable
            The losses.
        setup : Setup
            Rows, targets, batch size and generator.

        Returns
        -------
        self : SelfPaced

        Raises
        ------
        InvalidParameterError
            If `per_class` is True and the targets are no classes.
        """
        super().begin(table, setup)
        if self.per_class:
            self.codes_[:] = self._class_codes(np.asarray(setup.y))
        self.first_thresholds_: NDArray[np.float64] | None = None
        return self

    def _check_state(self, table: LossTable) -> None:
        super()._check_state(table)
        codes = check_column(self, "codes_", (len(table),), np.int32, 0, len(table) - 1)
        if self.first_thresholds_ is not None:
            n_classes = int(codes.max()) + 1
            check_column(self, "first_thresholds_", (n_classes,), np.float64, 0, np.inf)

    def _class_codes(self, y: NDArray[Any]) -> NDArray[np.int64]:
        if y.ndim != 1 or y.dtype.kind in "fc":
            got = f"targets of shape {y.shape} and dtype {y.dtype}"
            reject(
                self, "per_class", f"False unless the targets are classes; these are {got}", True
            )
        codes: NDArray[np.int64] = np.unique(y, return_inverse=True)[1]
        return codes

    def _is_full_round(self, n_active: int, context: DrawContext) -> bool:
        return self.all_in_ or super()._is_full_round(n_active, context)

    def _select_rows(self, rows: Rows, table: LossTable, context: DrawContext) -> Chosen:
        losses, codes = table.loss[rows].astype(np.float64), self.codes_[rows]
        if self.first_thresholds_ is None:
            self.first_thresholds_ = self._first_thresholds(losses, codes)
            self.first_epoch_ = context.epoch
        with np.errstate(over="ignore"):  # infinite after thousands of rounds: all are in
            grown = np.float64(self.growth) ** (context.epoch - self.first_epoch_)
            thresholds = self.first_thresholds_ * grown
        chosen = np.flatnonzero(losses < thresholds[codes])
        # Rows never seen take part too, but it is not known whether they are below.
        self.all_in_ = len(chosen) == np.count_nonzero(~table.evicted)
        return chosen, None

    def _select_at_least(
        self, n: int, losses: Losses, chosen: Chosen, rng: np.random.Generator
    ) -> Chosen:
        return filled_up(chosen[0], n, losses, rng, largest=False), None

    def _first_thresholds(
        self, losses: NDArray[np.float64], codes: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        """1 / K of each class; infinite for classes without a known loss."""
        n_classes = int(self.codes_.max()) + 1
        return np.array([self._first_threshold(losses[codes == c]) for c in range(n_classes)])

    def _first_threshold(self, losses: NDArray[np.float64]) -> float:
        if len(losses) == 0:
            return np.inf
        last = count_for(self.percentage, len(losses)) - 1
        largest = np.partition(losses, last)[last]
        if largest <= 0:
            largest = losses[losses > 0].min(initial=np.inf)
        return float(np.nextafter(largest, np.inf))  # so that the row itself is below
