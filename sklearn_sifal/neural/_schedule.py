"""How much training there is, how much of it is done, and the learning rate that follows."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

#: Factor on the learning rate by the share of the training that is done.
LR_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress)),
}

#: Cost of scoring one row, in row visits, by the unit of the budget.
SCORED_ROW_COST = {"visits": 0.0, "passes": 1 / 3}

#: Row visits of a training that only ends by its number of rounds.
NO_LIMIT = sys.maxsize


@dataclass
class Budget:
    """Counts what a training has spent against what it may spend.

    Parameters
    ----------
    total : int
        Row visits to spend; `NO_LIMIT` leaves it to `max_epochs`.
    scored_row_cost : float
        Cost of a scored row in row visits.
    max_epochs : int or None
        Most rounds; None for no limit.
    """

    total: int
    scored_row_cost: float = 0.0
    max_epochs: int | None = None
    visits: int = 0
    scored: int = 0
    rounds: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether there is an end to the row visits."""
        return self.total < NO_LIMIT

    @property
    def visits_left(self) -> int:
        """Row visits that can still be paid for."""
        return max(0, math.ceil(self.total - self.visits - self.scored_row_cost * self.scored))

    @property
    def rounds_left(self) -> int | None:
        """Rounds that `max_epochs` still allows."""
        return None if self.max_epochs is None else self.max_epochs - self.rounds

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left, of visits or of rounds."""
        return self.visits_left == 0 or self.rounds_left == 0

    @property
    def progress(self) -> float:
        """Share of the training that is done, in [0, 1)."""
        spent = (self.visits + self.scored_row_cost * self.scored) / self.total
        if self.max_epochs is not None:
            spent = max(spent, self.rounds / self.max_epochs)
        return min(spent, math.nextafter(1.0, 0.0))
