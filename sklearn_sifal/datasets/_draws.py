"""Seeded uniform draws that are the same on every platform.

Everything the generators draw is made here from ``Generator.random`` alone:
numpy promises to keep the raw stream of a bit generator, but not what its
``choice``, ``permutation`` or ``zipf`` make of it in later versions.
"""

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._parameters import is_integer, reject_value

RandomStateLike = int | np.random.RandomState | None
Draw = Callable[[], float]

_BLOCK = 8192
_SEED_WORDS = 4
_LARGEST_SEED = 2**32 - 1  # as for scikit-learn


def seed_sequence(random_state: RandomStateLike, function: str) -> np.random.SeedSequence:
    """Turn `random_state` into a seed, without moving numpy's global state.

    A ``RandomState`` that is passed moves on, so a second call gives other data.
    """
    if isinstance(random_state, np.random.RandomState):
        words = random_state.randint(0, 2**32, size=_SEED_WORDS, dtype=np.uint32)
        return np.random.SeedSequence([int(word) for word in words])
    if random_state is None:
        return np.random.SeedSequence()
    if not is_integer(random_state, 0, _LARGEST_SEED):
        expected = f"an integer in the range [0, {_LARGEST_SEED}], a RandomState instance or None"
        reject_value(function, "random_state", expected, random_state)
    return np.random.SeedSequence(int(random_state))


def _uniforms(rng: np.random.Generator) -> Iterator[float]:
    while True:
        # In blocks: one call for each number would cost more than all the rest.
        yield from rng.random(_BLOCK).tolist()


def uniform_draw(seed: np.random.SeedSequence) -> Draw:
    """Return a function that gives the next number of a stream in [0, 1)."""
    return _uniforms(np.random.Generator(np.random.PCG64(seed))).__next__


def permutation(n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the indices 0 to n - 1 in random order."""
    return np.argsort(rng.random(n), kind="stable")


def cumulative_shares(weights: Iterable[float]) -> list[float]:
    """Return the running sums of `weights` scaled to end at 1, for `pick`.

    Rounded, so that a last bit that differs between maths libraries does not
    move a draw to the next item.
    """
    sums = list(accumulate(weights))
    return [round(value / sums[-1], 12) for value in sums]


def pick(shares: list[float], u: float) -> int:
    """Return the item that the uniform number `u` falls on."""
    return min(bisect(shares, u), len(shares) - 1)
