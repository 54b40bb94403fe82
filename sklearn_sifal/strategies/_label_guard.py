"""How likely each row's label is wrong, from its losses alone."""

import numpy as np
from numpy.typing import NDArray

# Bounds that keep one measurement from deciding alone, and all of them from overflowing.
_MOST_EVIDENCE = 4.0
_MOST_TOTAL = 50.0
# Evidence, in nats, from which a label looks wrong.
_LOOKS_WRONG = 1.0

#: Share of wrong labels beyond which nothing can be told.
MOST_WRONG = 0.5

# Rows after which the typical loss has moved half-way to theirs.
_MEMORY = 100


class LabelEvidence:
    """Collects, measurement by measurement, what speaks for each label being wrong.

    With L the loss of a guess, m the typical loss at the time and f = 1 - m / L, between 0
    and 1, what the net knows: a measured loss l adds f (l - L / 2 - margin), between -4 and
    4, to the evidence of its row. L / 2 is half-way between certainty and chance. A net
    that does not know more than chance says nothing of any label. Once a row's f add up to
    1 or more, only positive terms count, since a small loss of a row that was trained on
    may have been learnt by heart.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    chance_loss : float
        Loss of a guess, in nats.
    margin : float
        How far, in nats, a loss is above the middle between certainty and chance when it
        begins to speak for a wrong label.

    Attributes
    ----------
    evidence : ndarray of shape (n_rows,), float64
        Logarithms of the odds, in nats, but for the share of wrong labels.
    """

    def __init__(self, n_rows: int, chance_loss: float, margin: float) -> None:
        self.evidence = np.zeros(n_rows)
        self._chance_loss = chance_loss
        self._threshold = chance_loss / 2 + margin
        self._informed = np.zeros(n_rows, np.float32)  # sum of f
        self._typical = chance_loss

    def add(self, rows: NDArray[np.int64], losses: NDArray[np.floating]) -> None:
        """Take in the losses of one step or scoring pass.

        Parameters
        ----------
        rows : ndarray of shape (n,), int64
            Distinct row numbers.
        losses : ndarray of shape (n,)
            Losses in nats.
        """
        if len(rows) == 0:
            return
        median = float(np.median(losses))
        self._typical += (median - self._typical) * len(rows) / (len(rows) + _MEMORY)
        knowledge = min(max(1.0 - self._typical / self._chance_loss, 0.0), 1.0)
        terms = knowledge * (losses.astype(np.float64) - self._threshold)
        terms = np.clip(terms, -_MOST_EVIDENCE, _MOST_EVIDENCE)
        by_heart = self._informed[rows] >= 1
        self.evidence[rows] += np.where(by_heart, np.maximum(terms, 0.0), terms)
        self._informed[rows] += knowledge


def probability_wrong(evidence: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Probabilities that labels are wrong, and the share of labels that look wrong.

    That share s, of the rows with an evidence of more than 1, is what is believed of any
    row beforehand: row i has the odds s / (1 - s) exp(evidence_i).

    Parameters
    ----------
    evidence : ndarray of shape (n,), float64
        In nats.

    Returns
    -------
    probabilities : ndarray of shape (n,), float64
    share : float
        At most 0.5.

    Examples
    --------
    >>> probabilities, share = probability_wrong(np.array([9.0, -9.0, -9.0, -9.0]))
    >>> probabilities.round(2), share
    (array([1., 0., 0., 0.]), 0.25)
    """
    share = min(float(np.mean(evidence > _LOOKS_WRONG)), MOST_WRONG)
    odds = share / (1 - share) * np.exp(np.clip(evidence, -_MOST_TOTAL, _MOST_TOTAL))
    return odds / (1 + odds), share
