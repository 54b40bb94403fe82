"""What goes into a strategy's decision and what comes out of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows to train on next.

    Attributes
    ----------
    rows : ndarray of shape (n,), int64
        Row numbers in the table.
    weights : ndarray of shape (n,), float64, or None
        Factor on each row's loss, with expectation 1 over a round; None for ones.
    lr_scale : float
        Factor on the learning rate, for methods whose paper takes larger steps.
    """

    rows: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None
    lr_scale: float = 1.0

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a strategy is told once, before the first round.

    Attributes
    ----------
    n_rows : int
        Number of rows trained on.
    y : ndarray of shape (n_rows,)
        Targets; class codes from 0 for a classifier.
    batch_size : int
        Rows per optimiser step.
    rng : numpy.random.Generator
        The selection stream.
    """

    n_rows: int
    y: NDArray[Any]
    batch_size: int
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class DrawContext:
    """What a strategy is told every round.

    Attributes
    ----------
    epoch : int
        Number of the round, from 0.
    progress : float
        Share of the training that is done, in [0, 1).
    batch_size : int
        Rows per optimiser step.
    rng : numpy.random.Generator
        The selection stream.
    score : callable
        ``score(rows, measures)`` runs a forward pass without gradient in evaluation
        mode, records the losses, and returns a dict of arrays of shape (len(rows),).
    visits_left : int or None
        Row visits left in the budget; None if there is no limit.
    rounds_left : int or None
        Rounds left, this one included; None if there is no limit.
    """

    epoch: int
    progress: float
    batch_size: int
    rng: np.random.Generator
    score: Callable[[NDArray[np.int64], Sequence[str]], dict[str, NDArray[Any]]]
    visits_left: int | None = None
    rounds_left: int | None = None
