"""Scores that take a row's past into account, in place of its last loss."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._saved_states import written_by_name
from sklearn_sifal.strategies._state_checks import (
    LAST_ROUND,
    check_column,
    check_number,
    check_part,
    check_rows_of,
    check_whole,
)
from sklearn_sifal.strategies._trajectories import LossTrajectories

#: Score of a row whose trajectory is too short to be judged: the largest there is.
OPTIMISTIC_SCORE = 2.0

#: Points that a correlation takes at least.
LEAST_POINTS = 3

# Variation below this share of the size is rounding of float32.
_FLAT = 1e-12


def two_beta_average(
    averages: NDArray[Any], losses: NDArray[Any], beta1: float, beta2: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take one loss into a moving average, and weigh the loss against the past.

    With s the average so far and l the loss: the weight is beta1 s + (1 - beta1) l, the
    new average beta2 s + (1 - beta2) l.

    Parameters
    ----------
    averages : ndarray of shape (n,)
        The averages so far.
    losses : ndarray of shape (n,)
        New losses in nats.
    beta1, beta2 : float
        Share of the past in the weight and in the average, in [0, 1].

    Returns
    -------
    weights, averages : ndarray of shape (n,), float64

    Examples
    --------
    >>> two_beta_average(np.array([1.0]), np.array([2.0]), 0.2, 0.8)
    (array([1.8]), array([1.2]))
    """
    past, losses = averages.astype(np.float64), losses.astype(np.float64)
    return beta1 * past + (1 - beta1) * losses, beta2 * past + (1 - beta2) * losses


def row_correlations(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Pearson correlation of each row of `a` with the same row of `b`.

    Parameters
    ----------
    a, b : ndarray of shape (n, k)
        Points where either is NaN are left out.

    Returns
    -------
    correlations : ndarray of shape (n,), float64
        0 where one of the two does not vary; NaN where fewer than 3 points are left.

    Examples
    --------
    >>> a = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [np.nan, 1.0, 2.0]])
    >>> row_correlations(a, np.tile([5.0, 6.0, 7.0], (3, 1)))
    array([ 1., -1., nan])
    """
    valid = ~(np.isnan(a) | np.isnan(b))
    counts = valid.sum(axis=1)
    centred_a, spread_a = _centred(a, valid, counts)
    centred_b, spread_b = _centred(b, valid, counts)
    spread = spread_a * spread_b
    products = (centred_a * centred_b).sum(axis=1)
    correlations = np.divide(products, spread, out=np.zeros(len(a)), where=spread > 0)
    return np.where(counts < LEAST_POINTS, np.nan, correlations.clip(-1.0, 1.0))


def _centred(
    values: NDArray[Any], valid: NDArray[np.bool_], counts: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Deviations from the mean of the valid points, and their length; 0 for a flat row."""
    values = np.where(valid, values, 0.0).astype(np.float64)
    mean = values.sum(axis=1) / np.maximum(counts, 1)
    deviations = np.where(valid, values - mean[:, None], 0.0)
    squares = (deviations**2).sum(axis=1)
    flat = squares <= _FLAT * (values**2).sum(axis=1)
    return deviations, np.sqrt(np.where(flat, 0.0, squares))


@written_by_name
class AverageScores:
    """The weights of `two_beta_average`.

    A row enters with its first loss as the average, so that rows measured often and rows
    measured once are on one scale. Losses of one round count once: each starts from the
    average at the end of the row's last earlier round, and the last one stays.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    beta1, beta2 : float
        Share of the past in the weight and in the average, in [0, 1].

    Attributes
    ----------
    scores : ndarray of shape (n_rows,), float32
        In nats; NaN where nothing was measured.
    """

    def __init__(self, n_rows: int, beta1: float, beta2: float) -> None:
        self.scores = np.full(n_rows, np.nan, np.float32)
        self._beta1 = beta1
        self._beta2 = beta2
        self._before = np.full(n_rows, np.nan, np.float32)
        self._after = np.full(n_rows, np.nan, np.float32)
        self._measured_in = np.full(n_rows, -1, np.int32)
        self._round = 0

    def next_round(self) -> None:
        """Go to the next round."""
        self._round += 1

    def update(self, rows: NDArray[np.int64], losses: NDArray[Any]) -> None:
        """Take losses measured in the current round into the scores."""
        moved = rows[self._measured_in[rows] != self._round]
        self._before[moved] = self._after[moved]
        self._measured_in[moved] = self._round
        past = self._before[rows]
        past = np.where(np.isnan(past), losses, past)
        self.scores[rows], self._after[rows] = two_beta_average(
            past, losses, self._beta1, self._beta2
        )

    def check_state(self, n_rows: int) -> None:
        """Raise unless the attributes, read from a file, are ones that a training leaves."""
        check_whole(self, "_round", 0, LAST_ROUND)
        for name in ("scores", "_before", "_after"):
            check_column(self, name, (n_rows,), np.float32, nan=True)
        check_column(self, "_measured_in", (n_rows,), np.int32, -1, self._round)
        check_number(self, "_beta1", 0, 1)
        check_number(self, "_beta2", 0, 1)


@written_by_name
class TrajectoryScores:
    """How well the losses of a row have gone along with those of trusted rows.

    The score is 1 + r, in [0, 2]: r is the correlation of the row's last losses, one per
    round, with the mean loss of the trusted rows in the same rounds. A trusted row that was
    not measured in a round stands in that mean with its last loss.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    window : int
        Losses per row that are looked at.
    trusted : ndarray of shape (n_rows,), bool
        The trusted rows; at least one.

    Attributes
    ----------
    scores : ndarray of shape (n_rows,), float32
        `OPTIMISTIC_SCORE` for rows with fewer than 3 losses, NaN for those without any.
    """

    def __init__(self, n_rows: int, window: int, trusted: NDArray[np.bool_]) -> None:
        self.scores = np.full(n_rows, np.nan, np.float32)
        self._trusted = trusted
        self._trusted_rows = np.flatnonzero(trusted)
        self._trajectories = LossTrajectories(n_rows, window)
        self._means = [np.nan]  # of the trusted rows, by round

    def next_round(self) -> None:
        """Go to the next round; all scores follow the trusted rows' mean of the last one."""
        self._rescore(np.flatnonzero(self._trajectories.counts))
        self._trajectories.next_round()
        self._means.append(self._means[-1])

    def update(self, rows: NDArray[np.int64], losses: NDArray[Any]) -> None:
        """Take losses measured in the current round into the scores."""
        self._trajectories.record(rows, losses)
        if self._trusted[rows].any():
            last = self._trajectories.losses[self._trusted_rows, -1]
            self._means[-1] = float(np.nanmean(last, dtype=np.float64))
        self._rescore(rows)

    def _rescore(self, rows: NDArray[np.int64]) -> None:
        losses = self._trajectories.losses[rows]
        means = np.array(self._means)[self._trajectories.rounds[rows]]
        correlations = row_correlations(losses, means)
        self.scores[rows] = np.where(np.isnan(correlations), OPTIMISTIC_SCORE, 1 + correlations)

    def check_state(self, n_rows: int) -> None:
        """Raise unless the attributes, read from a file, are ones that a training leaves."""
        check_column(self, "scores", (n_rows,), np.float32, nan=True)
        check_column(self, "_trusted", (n_rows,), np.bool_)
        check_rows_of(self._trusted_rows, n_rows)
        if not np.array_equal(self._trusted_rows, np.flatnonzero(self._trusted)):
            raise ValueError("'_trusted_rows' of TrajectoryScores are not those of the mask")
        trajectories = check_part(self, "_trajectories", LossTrajectories)
        trajectories.check_state(n_rows, trajectories.losses.shape[-1])
        means = check_part(self, "_means", list)
        if len(means) != trajectories.round + 1 or not all(type(x) is float for x in means):
            raise ValueError("'_means' of TrajectoryScores are not one number a round")
        if np.isinf(means).any():
            raise ValueError("'_means' of TrajectoryScores are infinite")
