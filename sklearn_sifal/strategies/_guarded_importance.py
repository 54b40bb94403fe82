"""Sampling that leans towards hard rows and away from those whose label looks wrong."""

import warnings
from functools import partial
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._fields import attribute, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._importance import Importance
from sklearn_sifal.strategies._label_guard import (
    LabelEvidence,
    can_tell,
    chance_losses,
    probability_wrong,
    share_wrong,
)
from sklearn_sifal.strategies._selection import Chosen, DrawContext, Measured, Rows, Setup
from sklearn_sifal.strategies._state_checks import check_number, check_part, check_whole

# So that no row is out of reach for good.
_LEAST_TRUST = 1e-3
_NO_GUARD = (
    "GuardedImportance prefers large losses without a guard against wrong labels here: it does not "
    "know the classes. Give a LossSampler the labels as y, as integers or strings; fit a "
    "LossSampledNet with class codes as y, or let its Dataset keep the targets of its items, one "
    "integer for each, as an attribute 'targets'; or set chance_loss, which is log(2) for two "
    "classes as common as each other. For a regression there is Importance."
)


class GuardedImportance(Importance):
    r"""Train on rows drawn by their loss, guarded against wrong labels.

    With N rows of known loss l, trust t in (0, 1] and S = p N / 100, where p is the
    percentage times growth ** (passes since the first choice), at most 100:

    - P_i is (1 - uniform) t_i (l_i + epsilon) ** alpha, divided by its sum, plus
      uniform t_i, divided by the sum of t;
    - row i joins with probability q_i = min(1, c P_i), c such that the q add up to S, or
      to 1 - g / 10 of the sum of t where that is less;
    - its weight is proportional to (t_i / q_i) ** b, and 1 on average, with b = correction
      + g (1 - correction) / 2.

    Trust comes from all losses of a row measured so far. A wrong label is one that a net
    which knows others finds no more likely than chance, so that its loss is near
    ``chance_loss``; a right one is found more likely from the first. With

    - L the loss of a guess that knows how common the classes are, -log of the share of the
      row's class (or ``chance_loss``);
    - f = 1 - m / L what the net knows of that class, between 0 and 1: m is the median loss
      of the class's rows in the last few thousand measurements;
    - e_i the sum of f (l - L / 2 - margin) over the measurements (each term between -4 and
      4), a logarithm of odds; L / 2 is half-way between certainty and chance. Once the f
      of a row add up to 1, only positive terms count: a small loss of a row that was
      trained on may have been learnt by heart;
    - s the share of rows with e_i > 1, which are said to look wrong, at most 0.5;
    - w_i = o / (1 + o), o = s / (1 - s) exp(e_i), the probability that the label is wrong,

    the trust is t_i = 1 - g w_i. The factor g rises from 0 at s = noise_floor to 1 at
    twice that: as long as few labels look wrong, they are taken to be hard instead, which
    is what pays on imbalanced data. It is 0 where half of the labels look wrong, and as
    long as more than half, with more than ten classes 35 %, look neither right nor wrong
    (e_i between -1 and 1).

    ``correction=1`` with full trust is unbiased, and with ``growth=1`` and ``noise_floor=1``
    too this is `Importance`; below 1 the objective leans towards hard rows. That is what
    helps on imbalanced and redundant data, and what makes a guard necessary.

    Cost per round, in passes over all rows: p / 100 forward and backward on average, and
    one forward pass whenever `refresh` asks for it.

    It fails where more than `noise_floor` of the right labels look wrong, as they may
    where classes overlap: rare outcomes are then trained on less, and probabilities come
    out too sure. Use ``noise_floor=1`` where labels are known to be right. Labels that are
    wrong in a systematic way look right to the net. There is no guard for regression,
    nor, with a warning, where the classes are not known.

    Parameters
    ----------
    percentage : float, default=20.0
        Expected share of the rows in the first choice, in (0, 100]; at 100 every round
        has all rows.
    growth : float, default=2.0
        Factor by which that share grows with every pass over the rows, at least 1. What
        a choice gains, it gains early.
    correction : float, default=0.0
        How far weights undo the preference for large losses, in [0, 1]: 1 undoes all of
        it, 0 nothing. Where labels look wrong it goes half-way from here to 1.
    margin : float, default=1.0
        How far, in nats, a loss has to be above the middle between certainty and chance
        to speak for a wrong label; at least 0. Larger values spare rare outcomes where
        classes overlap, and miss more wrong labels.
    chance_loss : float, default=None
        Loss of a guess, in nats, whatever the class. None for -log of the share of each
        class.
    noise_floor : float, default=0.05
        Share of labels that look wrong, in (0, 1], up to which the guard does nothing; 1
        for no guard at all.
    {{alpha, uniform, epsilon}}
    {{warmup_epochs, final_epochs, refresh, exploration, max_visits}}

    Attributes
    ----------
    wrong_share_ : float
        Share s of labels that look wrong, as of the last choice.
    evidence_ : ndarray of shape (n_rows,), float64, or None
        The sums e, in nats: the larger, the more the label looks wrong. None without a
        guard.

    Warns
    -----
    UserWarning
        If there is no guard because the classes are not known, and `chance_loss` is None: a
        `LossSampler` without y or with floats as y, a `LossSampledNet` on a Dataset that does
        not keep the targets of its items, one integer for each, as `targets`, `labels` or `y`.
        Not with ``noise_floor=1``.

    Notes
    -----
    The combination is this package's own. The draw and the power follow prioritized
    experience replay, whose exponent beta is `correction`; telling wrong labels by losses
    early in training goes back to the small-loss trick (Han et al., "Co-teaching",
    NeurIPS 2018) and to mixture models of the loss (Arazo et al., "Unsupervised label
    noise modeling and loss correction", ICML 2019). Nothing is fitted to the losses here:
    both likelihoods are those of the net's own probabilities.

    References
    ----------
    Schaul, Quan, Antonoglou and Silver, "Prioritized experience replay", ICLR 2016.

    Examples
    --------
    >>> from sklearn_sifal.strategies import GuardedImportance
    >>> GuardedImportance(percentage=50, noise_floor=0.1)
    GuardedImportance(noise_floor=0.1, percentage=50)
    """

    percentage = 20.0
    growth: float = real(1, default=2.0)
    correction: float = real(0, 1, default=0.0)
    margin: float = real(0, default=1.0)
    chance_loss: float | None = real(0, default=None, open_low=True, none=True)
    noise_floor: float = real(0, 1, default=0.05, open_low=True)

    reads_nats: ClassVar[bool] = True  # against the entropy of the classes

    # Until `begin` tells.
    label_evidence_: LabelEvidence | None = attribute(None)
    wrong_share_: float = attribute(0.0, check=partial(check_number, low=0, high=1))
    first_visits_: int | None = attribute(None, check=partial(check_whole, none=True))

    def begin(self, table: LossTable, setup: Setup) -> Self:
        super().begin(table, setup)
        self.label_evidence_ = self._make_evidence(setup)
        known = np.flatnonzero(table.loss_epoch >= 0)
        self.observe(known, {"loss": table.loss[known]}, training=False)
        return self

    def observe(self, rows: Rows, measured: Measured, *, training: bool) -> None:
        if self.label_evidence_ is not None:
            self.label_evidence_.add(rows, measured["loss"], training=training)

    @property
    def evidence_(self) -> NDArray[np.float64] | None:
        """What speaks for each label being wrong, in nats; None without a guard."""
        return None if self.label_evidence_ is None else self.label_evidence_.evidence

    def _select_rows(self, rows: Rows, table: LossTable, context: DrawContext) -> Chosen:
        trust, gate = self._trust(rows)
        expected = self._expected_rows(len(rows), table)
        if trust is not None:
            # Suspects are not there to fill a round that is larger than the rest.
            expected = min(expected, (1 - gate / 10) * trust.sum())
        power = self.correction + gate * (1 - self.correction) / 2
        return self._draw(expected, table.loss[rows], context, trust=trust, power=power)

    def _check_state(self, table: LossTable) -> None:
        super()._check_state(table)
        check_whole(self, "first_visits_", 0, int(table.visits.sum()), none=True)
        if self.label_evidence_ is not None:
            check_part(self, "label_evidence_", LabelEvidence).check_state(len(table))

    def _make_evidence(self, setup: Setup) -> LabelEvidence | None:
        """None where there is no telling what a guess loses, or nothing to guess."""
        n_classes = setup.n_classes or 0
        codes = np.asarray(setup.y, np.int64) if n_classes else np.zeros(setup.n_rows, np.int64)
        if self.chance_loss is not None:
            chance = np.full(max(n_classes, 1), float(self.chance_loss))
        elif n_classes > 1:
            chance = chance_losses(codes, n_classes)
        else:
            if setup.n_classes is None and self.noise_floor < 1:  # at 1 none was asked for
                warnings.warn(_NO_GUARD, UserWarning, stacklevel=3)
            return None
        return LabelEvidence(codes, chance, self.margin)

    def _expected_rows(self, n: int, table: LossTable) -> float:
        """Expected number of rows among n, which grows with the passes since the first choice."""
        visits = int(table.visits.sum())
        if self.first_visits_ is None:
            self.first_visits_ = visits
        passes = (visits - self.first_visits_) / len(table)
        # In logarithms, since the power itself overflows in a long training.
        most = np.log(100 / self.percentage)
        grown = float(np.exp(min(passes * np.log(self.growth), most)))
        return min(self.percentage * n / 100 * grown, n)

    def _trust(self, rows: Rows) -> tuple[NDArray[np.float64] | None, float]:
        """How far each label is taken to be right, in (0, 1], and how far the guard is on.

        None for all of them as far as can be.
        """
        if self.label_evidence_ is None:
            return None, 0.0
        evidence = self.label_evidence_.evidence
        if len(rows) < len(evidence):
            evidence = evidence[rows]
        self.wrong_share_ = share_wrong(evidence)
        gate = min(max(self.wrong_share_ / self.noise_floor - 1, 0.0), 1.0)
        if gate == 0.0 or not can_tell(evidence, self.label_evidence_.n_classes):
            return None, 0.0
        trust = probability_wrong(evidence, self.wrong_share_)
        trust *= -gate
        trust += 1
        return np.maximum(trust, _LEAST_TRUST, out=trust), gate
