"""What goes into a strategy's decision and what comes out of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Row numbers, or positions among some rows.
Rows = NDArray[np.int64]
#: The last known losses of some rows, in nats.
Losses = NDArray[np.float32]
#: What was measured of some rows: their losses, as "loss", and other measures.
Measured = Mapping[str, NDArray[Any]]
#: What a rule returns: positions among the rows it may choose from, and their weights.
Chosen = tuple[NDArray[Any], NDArray[np.float64] | None]


@dataclass(slots=True)
class DrawsAhead:
    """Draws of single rows, made at once, that are handed out one after the other.

    They are what drawing row by row would give for as long as no loss is reported. Once one
    is, `end` lets those that were not handed out be as if they had not been drawn.

    Attributes
    ----------
    rows : list of int
        Row numbers in the order of the draws.
    n_taken : int
        How many of them were handed out.
    """

    rows: list[int]
    n_taken: int = 0

    def __iter__(self) -> Iterator[int]:
        for row in self.rows:  # which `end` cuts
            self.n_taken += 1
            yield row

    def end(self) -> list[int]:
        """Hand out no more; returns the rows that are left."""
        if self.n_taken == 0:  # somebody took the selection as a whole
            self.n_taken = len(self.rows)
        left = self.rows[self.n_taken :]
        del self.rows[self.n_taken :]
        return left


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
    ahead : DrawsAhead or None
        The same rows as single draws, to be handed out in their order. Only where the
        context is `one_by_one`.
    """

    rows: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None
    lr_scale: float = 1.0
    ahead: DrawsAhead | None = None

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
    n_classes : int or None
        Number of classes; 0 for targets that are no classes, None if it is not known.
    irreducible_losses : ndarray of shape (n_rows,), float64, or None
        Losses, in nats, that no amount of training is expected to go below; as given by
        the user.
    trusted : ndarray of shape (n_rows,), bool, or None
        Rows whose targets the user vouches for.
    out_of_fold_losses : callable or None
        ``out_of_fold_losses(estimator, cv)`` fits copies of an estimator (None for a small
        one like the caller's) on folds of the rows and returns the loss of each row under
        the copy that has not seen it, shape (n_rows,). None where there is no data to fit.
    """

    n_rows: int
    y: NDArray[Any]
    batch_size: int
    rng: np.random.Generator
    n_classes: int | None = None
    irreducible_losses: NDArray[np.float64] | None = None
    trusted: NDArray[np.bool_] | None = None
    out_of_fold_losses: Callable[[Any, int], NDArray[np.float64]] | None = None


@dataclass(frozen=True, slots=True)
class SetupOnDemand(Setup):
    """A `Setup` that looks for targets and classes when a strategy asks for them, not before.

    `y` and `n_classes` may be functions without arguments that return the value; each is
    called at most once.
    """

    def __getattribute__(self, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if name in ("y", "n_classes") and callable(value):
            value = value()
            object.__setattr__(self, name, value)
        return value


@dataclass(frozen=True, slots=True)
class DrawContext:
    """What a strategy is told every round.

    Attributes
    ----------
    epoch : int
        Number of the round as the table counts them in `loss_epoch`: it goes on over a
        warm start.
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
    first_epoch : int
        `epoch` of the first round of this training.
    scored_row_cost : float
        What scoring a row takes out of the budget, in row visits.
    can_score : bool
        False if `score` only raises, as in a training loop that was given no function
        for it; ``refresh='once'`` then goes by the table.
    one_by_one : bool
        True if rows are handed out one at a time, so that a strategy that draws batch by
        batch may draw rows `ahead`.
    """

    epoch: int
    progress: float
    batch_size: int
    rng: np.random.Generator
    score: Callable[[Rows, Sequence[str]], Measured]
    visits_left: int | None = None
    rounds_left: int | None = None
    first_epoch: int = 0
    scored_row_cost: float = 0.0
    can_score: bool = True
    one_by_one: bool = False

    @property
    def round(self) -> int:
        """Number of the round in this training, from 0."""
        return self.epoch - self.first_epoch


def as_context(context: Any) -> DrawContext:
    """Complete a context that has the fields without default only, whatever its type."""
    if isinstance(context, DrawContext):
        return context
    names = [field.name for field in fields(DrawContext) if hasattr(context, field.name)]
    return DrawContext(**{name: getattr(context, name) for name in names})


def check_rows(rows: Any, n: int, origin: str, *, replacement: bool = False) -> NDArray[np.int64]:
    """Check row numbers, or a mask, that a strategy came up with, for n rows to choose from.

    Returns them as int64. Raises a ValueError, which names their `origin`, if they are neither
    distinct integers from 0 to n - 1 (with `replacement` also repeated ones) nor a mask.
    """
    array = np.asarray(rows)
    if array.dtype == bool and array.shape == (n,):
        return np.flatnonzero(array)
    wrong = None
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        wrong = f"an array of shape {array.shape} and dtype {array.dtype}"
    elif array.size and (array.min() < 0 or array.max() >= n):
        wrong = f"row numbers from {array.min()} to {array.max()}"
    elif not replacement and _has_repeats(array, n):
        wrong = "repeated row numbers"
    if wrong is not None:
        distinct = "" if replacement else "distinct "
        raise ValueError(
            f"{origin} must return {distinct}row numbers from 0 to {n - 1} as a 1-D integer "
            f"array, or a mask of shape ({n},). Got {wrong}."
        )
    return array.astype(np.int64, copy=False)


def _has_repeats(rows: NDArray[Any], n: int) -> bool:
    if 16 * len(rows) < n:  # a few rows of a large table: sorting them is cheaper
        return len(np.unique(rows)) < len(rows)
    taken = np.zeros(n, dtype=bool)
    taken[rows] = True
    return int(np.count_nonzero(taken)) < len(rows)


def check_weights(weights: Any, n: int, origin: str) -> NDArray[np.float64] | None:
    """Check weights that a strategy came up with: n finite, non-negative numbers, or None."""
    if weights is None:
        return None
    array = np.asarray(weights)
    wrong = None
    if array.shape != (n,) or array.dtype.kind not in "fiu":
        wrong = f"an array of shape {array.shape} and dtype {array.dtype}"
    elif not (np.isfinite(array).all() and (array >= 0).all()):
        wrong = "negative, infinite or NaN weights"
    if wrong is not None:
        raise ValueError(
            f"{origin} must return one finite, non-negative weight for each of its {n} rows, or "
            f"None. Got {wrong}."
        )
    return array.astype(np.float64, copy=False)


def check_selection(selection: Any, n_rows: int, strategy: Any) -> Selection:
    """Check what a strategy's `draw` yielded, which may be a user's own, for a table of `n_rows`.

    Returns it with rows as int64 and weights as float64. Raises a TypeError if it is no
    Selection, a ValueError if its rows, weights or factor on the learning rate are wrong.
    """
    origin = f"{type(strategy).__name__}.draw"
    if not isinstance(selection, Selection):
        got = type(selection).__name__
        raise TypeError(f"{origin} must yield Selection objects. Got {got}.")
    if not (np.isfinite(selection.lr_scale) and selection.lr_scale > 0):
        raise ValueError(
            f"{origin} must yield a positive, finite lr_scale. Got {selection.lr_scale!r}."
        )
    rows = check_rows(selection.rows, n_rows, origin, replacement=strategy.replacement)
    weights = check_weights(selection.weights, len(rows), origin)
    return Selection(rows, weights, selection.lr_scale, selection.ahead)
