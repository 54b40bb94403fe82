"""How likely each row's label is wrong, from its losses alone."""

import numpy as np
from numpy.typing import NDArray

# Bounds that keep one measurement from deciding alone, and all of them from overflowing.
_MOST_EVIDENCE = 4.0
_MOST_TOTAL = 50.0
_MOST_WRONG = 0.5
_N_STEPS = 100


def evidence_of(losses: NDArray[np.floating], threshold: float) -> NDArray[np.float64]:
    """What one measurement says for a wrong label: the loss above a threshold, in nats.

    Parameters
    ----------
    losses : ndarray of shape (n,)
        Losses in nats.
    threshold : float
        Loss at which the label is as likely wrong as right.

    Returns
    -------
    evidence : ndarray of shape (n,), float64
        Between -4 and 4.

    Examples
    --------
    >>> evidence_of(np.array([0.5, 2.0, 9.0]), 1.5)
    array([-1. ,  0.5,  4. ])
    """
    return np.clip(losses.astype(np.float64) - threshold, -_MOST_EVIDENCE, _MOST_EVIDENCE)


def probability_wrong(evidence: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Probabilities that labels are wrong, with the share of wrong labels estimated.

    For a share s of wrong labels, row i has the odds s / (1 - s) exp(evidence_i), and s is
    the mean of the probabilities: the fixed point of expectation maximisation.

    Parameters
    ----------
    evidence : ndarray of shape (n,), float64
        Logarithm of the likelihood ratio, wrong against right, in nats.

    Returns
    -------
    probabilities : ndarray of shape (n,), float64
    share : float
        At most 0.5.

    Examples
    --------
    >>> probabilities, share = probability_wrong(np.array([9.0, -9.0, -9.0, -9.0]))
    >>> probabilities.round(2), round(share, 2)
    (array([1., 0., 0., 0.]), 0.25)
    """
    ratio = np.exp(np.clip(evidence, -_MOST_TOTAL, _MOST_TOTAL))
    share = 0.05
    for _ in range(_N_STEPS):
        odds = share / (1 - share) * ratio
        probabilities = odds / (1 + odds)
        before, share = share, float(np.clip(probabilities.mean(), 1e-9, _MOST_WRONG))
        if abs(share - before) < 1e-6:
            break
    return probabilities, share
