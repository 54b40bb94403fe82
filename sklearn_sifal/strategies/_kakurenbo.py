"""KAKURENBO: rows that are learnt for sure are hidden for a round."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from sklearn_sifal._fields import parameter, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import reject
from sklearn_sifal.strategies._hiding import HidingStrategy
from sklearn_sifal.strategies._ranking import bottom_k, count_for, filled_up
from sklearn_sifal.strategies._selection import Chosen, DrawContext, Losses, Measured, Rows
from sklearn_sifal.strategies._share import FixedShareStrategy
from sklearn_sifal.strategies._state_checks import column

_Step = tuple[float, float]


def _check_steps(strategy: Any, name: str) -> None:
    steps = getattr(strategy, name)
    if not _are_steps(steps):
        expected = (
            "a sequence of pairs (share of the training, factor) with both in [0, 1] "
            "and ascending shares"
        )
        reject(strategy, name, expected, steps)


def _are_steps(steps: Any) -> bool:
    try:
        pairs = np.asarray([(start, factor) for start, factor in steps], dtype=np.float64)
    except (TypeError, ValueError):
        return False
    if len(pairs) == 0:
        return True
    ascending = bool((np.diff(pairs[:, 0]) > 0).all())
    return ascending and bool(((pairs >= 0) & (pairs <= 1)).all())


class Kakurenbo(HidingStrategy, FixedShareStrategy):
    """Hide rows of small loss that are predicted correctly and confidently (KAKURENBO).

    With N rows of known loss and F = f (100 - percentage) / 100, the floor(F N) rows of
    smallest loss are candidates. Those predicted correctly with a largest probability of at
    least `tau` are hidden for this round; the other candidates move back and are trained
    on with the rest. The factor f falls as training goes on, see `steps`. When fewer than
    one batch would be left, the hidden rows of largest loss move back as well.

    With H rows hidden of N active ones, the learning rate of the round is multiplied by
    1 / (1 - H / N).

    After the round a forward pass over the hidden rows measures their loss, correctness and
    confidence, so that every choice goes by what is known from the round before; it is left
    out where no choice follows. With `refresh` at 'once' all rows are also measured after
    the warm-up, so that the first choice compares like with like; later the rows trained on
    have the values of their training step. With dropout those are worse than the hidden
    rows' values, which keeps hidden rows hidden for longer; 'epoch' measures all rows before
    every choice instead. A row of which correctness is not known is not hidden.

    Cost per round, in passes over all rows: 1 - h forward and backward and h forward, with
    h = H / N, at most 1 - percentage / 100. So with a backward pass as dear as a forward
    pass it saves h / 2.

    It saves little where few rows are predicted with confidence: with the defaults at most
    30 % of the rows, and in a published log of CIFAR-100 12 % on average. The larger
    learning rate can be too large for Adam. Rows with wrong labels are trained on in every
    round until they are learnt by heart.

    Parameters
    ----------
    percentage : float, default=70.0
        Share of the rows, in (0, 100], that is trained on at least: 100 less the paper's
        largest hidden share. At 100 every round has all rows and nothing is scored.
    tau : float, default=0.7
        Least probability, in [0, 1], with which a hidden row has to be predicted.
    steps : sequence of (float, float), default=((0.3, 0.8), (0.6, 0.6), (0.8, 0.4))
        Pairs of a share of the training and the factor f, in [0, 1], from there on; f is 1
        before the first. Shares ascend in [0, 1]. Empty for a constant share.
    {{warmup_epochs, final_epochs, refresh}}
        The paper's form is 'table'.
    {{exploration, max_visits}}

    Attributes
    ----------
    correct_ : ndarray of shape (n_rows,), bool
        Whether the row was predicted correctly when last measured.
    max_probability_ : ndarray of shape (n_rows,), float32
        Largest class probability when last measured; NaN for never.

    Notes
    -----
    The authors' code normalises probabilities over the batch instead of the classes, and
    scales the learning rate by the largest allowed share instead of the hidden one. Both
    are as in the paper's text here. Their schedule changes at epochs 60, 120 and 160 of
    200, given here as shares of the training.

    References
    ----------
    Nguyen, Gerofi, Martinez-Noriega, Trahay and Wahib, "KAKURENBO: adaptively hiding
    samples in deep neural network training", NeurIPS 2023.

    Examples
    --------
    >>> from sklearn_sifal.strategies import Kakurenbo
    >>> Kakurenbo(percentage=60, steps=())
    Kakurenbo(percentage=60, steps=())
    """

    percentage = 70.0
    tau: float = real(0, 1, default=0.7)
    steps: Sequence[_Step] = parameter(_check_steps, default=((0.3, 0.8), (0.6, 0.6), (0.8, 0.4)))

    measures: ClassVar[tuple[str, ...]] = ("loss", "correct", "max_probability")

    correct_ = column(np.bool_, False)
    max_probability_ = column(np.float32, np.nan, 0, 1.001, nan=True)

    @property
    def needs_end(self) -> bool:
        varies = any(factor != 1 for _, factor in self.steps)
        return super().needs_end or (varies and not self._takes_everything())

    def observe(self, rows: Rows, measured: Measured, *, training: bool) -> None:
        if "correct" in measured and "max_probability" in measured:
            self.correct_[rows] = measured["correct"]
            self.max_probability_[rows] = measured["max_probability"]

    def _select_rows(self, rows: Rows, table: LossTable, context: DrawContext) -> Chosen:
        losses = table.loss[rows]
        share = 1 - self._factor(context.progress) * (1 - self.percentage / 100)
        n_candidates = len(rows) - count_for(100 * share, len(rows))
        candidates = bottom_k(losses, n_candidates, context.rng)
        # A confidence of NaN, not measured, is never large enough.
        sure = self.correct_[rows] & (self.max_probability_[rows] >= self.tau)
        trained = np.ones(len(rows), dtype=bool)
        trained[candidates[sure[candidates]]] = False
        return np.flatnonzero(trained), None

    def _select_at_least(
        self, n: int, losses: Losses, chosen: Chosen, rng: np.random.Generator
    ) -> Chosen:
        return filled_up(chosen[0], n, losses, rng, largest=True), None

    def _lr_scale(self, n_chosen: int, n_active: int) -> float:
        return n_active / n_chosen

    def _factor(self, progress: float) -> float:
        """Factor on the largest hidden share."""
        passed = [float(factor) for start, factor in self.steps if start <= progress]
        return passed[-1] if passed else 1.0
