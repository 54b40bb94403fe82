"""The last few losses of every row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._saved_states import written_by_name
from sklearn_sifal.strategies._state_checks import LAST_ROUND, check_column, check_whole


@written_by_name
class LossTrajectories:
    """The last losses of every row, one per round.

    Of several losses of a row in one round the last is kept. Rounds in which a row was not
    measured leave no gap in its trajectory.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    length : int
        How many losses are kept of each.

    Attributes
    ----------
    losses : ndarray of shape (n_rows, length), float32
        In nats, oldest first; NaN in front where there are fewer.
    rounds : ndarray of shape (n_rows, length), int32
        Rounds in which they were measured; -1 where there is none.
    counts : ndarray of shape (n_rows,), int32
        Rounds in which the row was measured, including those that are no longer kept.
    round : int
        The current round; 0 until the first call of `next_round`.

    Examples
    --------
    >>> trajectories = LossTrajectories(n_rows=2, length=3)
    >>> trajectories.record(np.array([0, 1]), np.array([2.0, 3.0]))
    >>> trajectories.next_round()
    >>> trajectories.record(np.array([1]), np.array([1.5]))
    >>> trajectories.record(np.array([1]), np.array([1.0]))
    >>> trajectories.losses
    array([[nan, nan,  2.],
           [nan,  3.,  1.]], dtype=float32)
    """

    def __init__(self, n_rows: int, length: int) -> None:
        self.losses = np.full((n_rows, length), np.nan, np.float32)
        self.rounds = np.full((n_rows, length), -1, np.int32)
        self.counts = np.zeros(n_rows, np.int32)
        self.round = 0

    def next_round(self) -> None:
        """Go to the next round."""
        self.round += 1

    def record(self, rows: NDArray[np.int64], losses: NDArray[Any]) -> None:
        """Note losses, in nats, that were measured in the current round."""
        moved = rows[self.rounds[rows, -1] != self.round]
        for kept in (self.losses, self.rounds):
            kept[moved, :-1] = kept[moved, 1:]
        self.counts[moved] += 1
        self.losses[rows, -1] = losses
        self.rounds[rows, -1] = self.round

    def check_state(self, n_rows: int, length: int) -> None:
        """Raise unless the attributes, read from a file, are ones that a training leaves."""
        check_whole(self, "round", 0, LAST_ROUND)
        check_column(self, "losses", (n_rows, length), np.float32, nan=True)
        check_column(self, "rounds", (n_rows, length), np.int32, -1, self.round)
        check_column(self, "counts", (n_rows,), np.int32, 0)
        if (np.isnan(self.losses) != (self.rounds < 0)).any():
            raise ValueError("'losses' of LossTrajectories do not go with their 'rounds'")
