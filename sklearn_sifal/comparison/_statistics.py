"""The law by which differences are judged: paired, over trainings and test rows together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95
LEVEL = 1 - CONFIDENCE


@dataclass(frozen=True)
class PairedDifference:
    """Mean difference of pairs, with an interval over trainings and test rows.

    Attributes
    ----------
    mean : float
        Mean over the trainings of the mean difference over their test rows.
    low, high : float
        Ends of the 95 % interval; NaN for one training.
    p_value : float
        Two-sided, against no difference; NaN for one training.
    row_error, fit_error : float
        Standard errors of the mean over the draw of the test rows and over the trainings;
        their squares add up to that of the interval. `row_error` is NaN without rows.
    by_fit : ndarray of shape (n_fits,), float64
        Mean difference of each training, in ascending order of `fits`.
    n_rows : int
        Number of distinct test rows; 0 where they are not known.
    """

    mean: float
    low: float
    high: float
    p_value: float
    row_error: float
    fit_error: float
    by_fit: NDArray[np.float64]
    n_rows: int

    @property
    def n_fits(self) -> int:
        """Number of trainings."""
        return len(self.by_fit)

    def _times(self, factor: float) -> "PairedDifference":
        """The same in another unit.

        Parameters
        ----------
        factor : float
            Above 0, such as 100 from shares to points.
        """
        values = (self.mean, self.low, self.high)
        errors = (self.row_error, self.fit_error)
        mean, low, high = (factor * value for value in values)
        row_error, fit_error = (factor * value for value in errors)
        return PairedDifference(
            mean, low, high, self.p_value, row_error, fit_error, factor * self.by_fit, self.n_rows
        )

    def _named(self, name: str) -> dict[str, float]:
        """The difference and the ends of its interval, as entries of a record."""
        return {name: self.mean, f"{name}_low": self.low, f"{name}_high": self.high}


def paired_difference(
    values: ArrayLike,
    reference: ArrayLike,
    *,
    fits: ArrayLike | None = None,
    rows: ArrayLike | None = None,
) -> PairedDifference:
    """Difference of two strategies, judged over their trainings and their test rows.

    One entry is the result of one training on one test row, such as 1 for a right answer and
    0 for a wrong one, or a loss in nats: what ``to_frame(per="row")`` of a comparison has.

    Parameters
    ----------
    values, reference : array-like of shape (n_results,)
        Results of a strategy and of what it is held against, in the same order. NaN, as of
        a training that broke down, makes everything NaN.
    fits : array-like of shape (n_results,), default=None
        Which training each result is of: the same for both sides of a pair, which share seed
        and split. None if every result is a training.
    rows : array-like of shape (n_results,), default=None
        Which test row each result is of; or which group of rows, where rows of a group (a user,
        a document) depend on each other. None if a result is a mean over rows that are not
        known: then the interval is over the trainings alone.

    Returns
    -------
    difference : PairedDifference
        Without any difference the p-value is 1, and the interval [0, 0], but for right and
        wrong answers, of which as many test rows as these cannot exclude a few that change.

    Raises
    ------
    ValueError
        If the arrays are empty or of different lengths.

    Notes
    -----
    Test rows and trainings are crossed: every training meets (nearly) all rows, so that the
    mean over both can be wrong in two ways at once. Its variance is taken to be the sum of the
    variance over rows, results of a row added up over the trainings, and the variance over
    trainings; degrees of freedom are Satterthwaite's. This is the min F' of [1]_, in the form
    of a cluster-robust variance [2]_ without the correction that counts the residual part once,
    which makes it safe with few trainings. With trainings on other splits, it takes the place
    of the correction of [3]_ for what the splits have in common. Groups of rows may be of very
    different sizes: their variance is the jackknife's, and has fewer degrees of freedom the more
    of the mean is a few groups' [5]_.

    Where all results are 0 or 1, a difference of fewer than six rows is never significant at 5 %:
    of five changed answers, all in one direction, the exact test of [4]_ says p = 0.0625.
    Accordingly, the p-value is at least ``2 * 0.5 ** n`` for a difference of n rows, or of n
    groups, and the interval as wide as that asks for.

    References
    ----------
    .. [1] H. H. Clark. The language-as-fixed-effect fallacy: a critique of language statistics
       in psychological research. Journal of Verbal Learning and Verbal Behavior 12, 1973.
    .. [2] A. C. Cameron, J. B. Gelbach, D. L. Miller. Robust inference with multiway clustering.
       Journal of Business & Economic Statistics 29, 2011.
    .. [3] C. Nadeau, Y. Bengio. Inference for the generalization error. Machine Learning 52, 2003.
    .. [4] Q. McNemar. Note on the sampling error of the difference between correlated proportions
       or percentages. Psychometrika 12, 1947.
    .. [5] R. M. Bell, D. F. McCaffrey. Bias reduction in standard errors for linear regression
       with multi-stage samples. Survey Methodology 28, 2002.

    Examples
    --------
    Two trainings and four test rows; the strategy is right where the reference is wrong once:

    >>> from sklearn_sifal.comparison import paired_difference
    >>> difference = paired_difference(
    ...     [1, 1, 1, 0, 1, 1, 0, 0],
    ...     [1, 0, 1, 0, 1, 1, 0, 0],
    ...     fits=[0, 0, 0, 0, 1, 1, 1, 1],
    ...     rows=[0, 1, 2, 3, 0, 1, 2, 3],
    ... )
    >>> difference.mean
    0.125
    >>> difference.p_value
    1.0
    """
    ours, theirs = np.asarray(values, np.float64), np.asarray(reference, np.float64)
    if ours.ndim != 1 or not len(ours):
        raise ValueError(f"values must have one dimension and an entry. Got shape {ours.shape}.")
    fit_of = np.arange(len(ours)) if fits is None else _codes(fits)
    row_of = None if rows is None else _codes(rows)
    for name, given in (("reference", theirs), ("fits", fit_of), ("rows", row_of)):
        if given is not None and given.shape != ours.shape:
            raise ValueError(
                f"{name} must be as long as values, which has shape {ours.shape}. Got shape "
                f"{given.shape}."
            )
    differences = ours - theirs
    per_fit = np.bincount(fit_of, differences) / np.bincount(fit_of)
    errors = _errors(differences, per_fit, fit_of, row_of)
    of_counts = row_of is not None and bool(np.isin((ours, theirs), (0, 1)).all())
    return _judged(per_fit, errors, of_counts=of_counts, any_differs=bool(differences.any()))


def _codes(labels: ArrayLike) -> NDArray[np.int64]:
    """Numbers from 0, in ascending order of the labels."""
    array = np.asarray(labels)
    if array.size and array.dtype.kind in "iu" and 0 <= array.min() <= array.max() <= array.size:
        # Row numbers, of which there may be millions: no need to sort them.
        occurs = np.zeros(int(array.max()) + 1, np.bool_)
        occurs[array] = True
        return np.asarray(np.cumsum(occurs)[array] - 1, np.int64)
    return np.unique(array, return_inverse=True)[1].astype(np.int64).reshape(array.shape)


@dataclass(frozen=True)
class _Errors:
    """Variances of a mean difference, and of how many rows they are."""

    of_rows: float
    of_fits: float
    n_rows: int
    row_freedom: float = float("nan")
    row_equivalent: float = float("nan")  # rows of equal weight that would do as well


def _errors(
    differences: NDArray[np.float64],
    per_fit: NDArray[np.float64],
    fit_of: NDArray[np.int64],
    row_of: NDArray[np.int64] | None,
) -> _Errors:
    k, centre = len(per_fit), per_fit.mean()
    of_fits = float(((per_fit - centre) ** 2).sum() / (k * (k - 1))) if k > 1 else float("nan")
    if row_of is None:
        return _Errors(float("nan"), of_fits, 0)
    # What each result, and each row, adds to the mean over the fits of the means over their rows.
    weight = 1 / (k * np.bincount(fit_of)[fit_of])
    by_row = np.bincount(row_of, (differences - centre) * weight)
    weights: NDArray[np.float64] = np.bincount(row_of, weight).astype(np.float64)
    n = len(by_row)
    if n == 1:
        return _Errors(float("nan"), of_fits, n)
    # The jackknife: how the mean changes without a row, or without a group, which may be large.
    of_rows = float((n - 1) / n * ((by_row / (1 - weights)) ** 2).sum())
    equivalent = float(1 / (weights**2).sum())
    return _Errors(of_rows, of_fits, n, _freedom_of_rows(weights), equivalent)


def _freedom_of_rows(weights: NDArray[np.float64]) -> float:
    """Degrees of freedom of the jackknife's variance: n - 1 for n rows of equal weight.

    They are Satterthwaite's for rows, or groups, of which each is as uncertain as any other: the
    variance is a quadratic form in their means, with the matrix A, and its degrees of
    freedom are trace(A)**2 / trace(A @ A).

    Parameters
    ----------
    weights : ndarray of shape (n_rows,), float64
        Of the rows in the mean; they add up to 1.
    """
    n, q = len(weights), float((weights**2).sum())
    c = (n - 1) / n * (weights / (1 - weights)) ** 2
    # A is the sum over the rows of c * d d', with d their unit vector less all weights.
    trace = float((c * (1 - 2 * weights + q)).sum())
    total, first, second = (float((c * weights**power).sum()) for power in (0, 1, 2))
    every_pair = q**2 * total**2 + 2 * total * second + 2 * first**2 - 4 * q * total * first
    with_itself = float((c**2 * (1 + 2 * (q - 2 * weights))).sum())
    return trace**2 / (every_pair + with_itself)


def _judged(
    per_fit: NDArray[np.float64], errors: _Errors, *, of_counts: bool, any_differs: bool
) -> PairedDifference:
    """Interval and p-value from the two variances."""
    k, n, mean = len(per_fit), errors.n_rows, float(per_fit.mean())
    row_error, fit_error = float(np.sqrt(errors.of_rows)), float(np.sqrt(errors.of_fits))

    def found(low: float, high: float, p_value: float) -> PairedDifference:
        return PairedDifference(mean, low, high, p_value, row_error, fit_error, per_fit, n)

    if k < 2 or not np.isfinite(mean):
        return found(float("nan"), float("nan"), float("nan"))
    if not (any_differs or of_counts):
        return found(0.0, 0.0, 1.0)
    parts = [(errors.of_fits, k - 1.0)]
    if n > 1:
        parts.append((errors.of_rows, errors.row_freedom))
    variance = sum(part for part, _ in parts)
    half, p_value = 0.0, 0.0
    if variance > (1e-9 * mean) ** 2:
        freedom = variance**2 / sum(part**2 / of for part, of in parts)
        error = float(np.sqrt(variance))
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * error)
        p_value = float(2 * stats.t.sf(abs(mean) / error, freedom))
    elif not of_counts:
        # Results that are alike but for the last bits say nothing of others.
        return found(float("nan"), float("nan"), float("nan"))
    if of_counts:
        rows = 1.0 if n == 1 else errors.row_equivalent
        half = max(half, _rows_for(LEVEL) / rows)
        p_value = max(p_value, float(min(1.0, 2.0 ** (1 - abs(mean) * rows))))
    return found(mean - half, mean + half, p_value)


def _rows_for(level: float) -> float:
    """Changed answers, all in one direction, with that p-value in McNemar's exact test."""
    return float(1 - np.log2(level))


def holm_adjusted(p_values: Sequence[float]) -> NDArray[np.float64]:
    """P-values adjusted for their number, after Holm (1979).

    Below a level of 0.05, the chance that even one of several true nulls is rejected is at
    most 0.05. NaN stays NaN and does not count.

    Parameters
    ----------
    p_values : sequence of float
        One for each comparison.

    Returns
    -------
    adjusted : ndarray of shape (n_comparisons,)
        In the same order, at most 1.
    """
    p = np.asarray(p_values, np.float64)
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps * p[order]))
    return adjusted
