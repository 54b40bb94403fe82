"""Weights of rows: products of huge and of tiny numbers that stay numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# The exponents, as `numpy.frexp` gives them, of the doubles with all of their digits.
_LEAST_EXPONENT, _LARGEST_EXPONENT = -1021, 1024


def scaled_to_one(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights times the power of two that brings the largest to between 1/2 and 1.

    Their sum cannot overflow then, and no digit is lost: a weighted mean is, bit for bit, what
    it was where it could be computed before.
    """
    scaled: NDArray[np.float64] = np.ldexp(weights, -np.frexp(weights.max())[1])
    return scaled


def summable(weights: Any) -> Any:
    """Weights as a scorer takes them, None included, so that it can add up huge ones."""
    return None if weights is None else scaled_to_one(np.asarray(weights, np.float64))


def times_class_factors(
    factors: NDArray[np.float64], codes: NDArray[np.int64], weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Factor of each row's class times its weight.

    Parameters
    ----------
    factors : ndarray of shape (n_classes,)
        Finite and not negative.
    codes : ndarray of shape (n_rows,), int64
        Class of each row.
    weights : ndarray of shape (n_rows,), or None
        Positive; None for ones.

    Returns
    -------
    products : ndarray of shape (n_rows,), float64
        Times a common power of two if some of them would be no doubles otherwise.
    """
    mantissas, exponents = np.frexp(factors)
    return _products(mantissas[codes], exponents[codes], weights)


def times_balanced_factors(
    codes: NDArray[np.int64], n_classes: int, weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """The same with the factors that give each class the same total, on average 1 a row.

    That is the total of all weights by `n_classes` times that of the class, classes without a
    row counted.
    """
    ones = np.ones(len(codes)) if weights is None else weights
    exponents = np.full(n_classes, np.iinfo(np.int32).min)
    np.maximum.at(exponents, codes, np.frexp(ones)[1])
    present = exponents > np.iinfo(np.int32).min
    exponents[~present] = 0
    # Each class by the size of its own largest weight: the totals may lie far apart.
    totals = np.bincount(codes, np.ldexp(ones, -exponents[codes]), n_classes)
    largest = exponents[present].max()
    total = np.ldexp(totals, exponents - largest).sum()
    factors = np.zeros(n_classes)
    factors[present] = total / (n_classes * totals[present])
    mantissas, shifts = np.frexp(factors)
    return _products(mantissas[codes], (shifts + largest - exponents)[codes], weights)


def _products(
    mantissas: NDArray[np.float64], exponents: NDArray[Any], weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    if weights is not None:
        more, added = np.frexp(weights)
        mantissas, again = np.frexp(mantissas * more)
        exponents = exponents + added + again
    positive = exponents[mantissas > 0]
    shift = 0
    if positive.min() < _LEAST_EXPONENT or positive.max() > _LARGEST_EXPONENT:
        shift = positive.max()
    products: NDArray[np.float64] = np.ldexp(mantissas, exponents - shift)
    return products


def refuse_lost_weights(
    weights: NDArray[np.float64] | None, rows: NDArray[np.int64] | None, meaning: str
) -> None:
    """Raise for a weight that is zero beside the largest: its row would be lost in silence.

    Parameters
    ----------
    weights : ndarray of shape (n_rows,), or None
        Positive, but for those that were too small for a double as it is.
    rows : ndarray of shape (n_rows,), int64, or None
        Numbers of the rows; None for 0, 1, 2, ...
    meaning : str
        What they are, for the message.
    """
    if weights is None:
        return
    with np.errstate(under="ignore"):
        lost = np.flatnonzero(weights / weights.max() == 0)
    if len(lost):
        largest = int(weights.argmax())
        row, heaviest = (int(r) if rows is None else int(rows[r]) for r in (lost[0], largest))
        raise ValueError(
            f"{meaning}: that of row {row} is so small beside that of row {heaviest} that their "
            "ratio is no number of double precision, and the row would be left out unasked. Bring "
            "them closer together, or leave rows out with a weight of 0."
        )
