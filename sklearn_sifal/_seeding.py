"""From one `random_state` to independent streams of random numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Streams:
    """Seeds of the independent streams of one fit.

    What one part draws cannot shift what another draws: two strategies with one
    seed share their initial weights and the order of their warm-up.

    Attributes
    ----------
    weights, order, selection, dropout, split, folds : numpy.random.SeedSequence
        For the initial weights, the order within a round, the choice of rows, the
        dropout masks, the validation split, and the folds of out-of-fold losses.
    """

    weights: np.random.SeedSequence
    order: np.random.SeedSequence
    selection: np.random.SeedSequence
    dropout: np.random.SeedSequence
    split: np.random.SeedSequence
    folds: np.random.SeedSequence


def make_streams(random_state: Any, call: int = 0) -> Streams:
    """Derive the streams; global random states are neither read nor moved.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An int fixes every stream. A RandomState gives its next numbers, so that it
        moves as in scikit-learn. None takes fresh entropy from the operating
        system rather than from numpy's global state.
    call : int, default=0
        Number of the call, for methods called again and again with one seed.
    """
    if isinstance(random_state, np.random.RandomState):
        entropy: Any = random_state.randint(0, 2**32, size=4, dtype=np.uint64).tolist()
    else:
        entropy = None if random_state is None else int(random_state)
    if call and isinstance(entropy, int):
        entropy = [entropy, call]
    return Streams(*np.random.SeedSequence(entropy).spawn(6))


def torch_seed(stream: np.random.SeedSequence) -> int:
    """Seed for a torch.Generator."""
    # Cut to 63 bits: some of torch's devices refuse more.
    return int(stream.generate_state(1, np.uint64)[0] >> 1)


def numpy_seed(stream: np.random.SeedSequence) -> int:
    """Seed for scikit-learn functions that take an integer."""
    return int(stream.generate_state(1, np.uint32)[0])
