"""What was chosen: its loss against the rest's, its overlap between rounds, its labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._parameters import check_integer_value
from sklearn_sifal.inspection._checks import (
    check_losses,
    check_selections,
    divide,
    encode,
    group_sums,
)
from sklearn_sifal.inspection._tabular import Tabular

# Standard deviations of a hypergeometric distribution beyond which nothing counts.
_TAIL = 12


@dataclass(frozen=True, eq=False, repr=False)
class SelectionLosses(Tabular):
    """Mean losses of the rows chosen in a round and of the others.

    All in nats, over distinct rows with a known loss, NaN where there are none or nothing
    was given.

    Attributes
    ----------
    chosen : ndarray of shape (n_rounds,), float64
        Mean loss, before the round, of the rows then chosen.
    other : ndarray of shape (n_rounds,), float64
        The same of the remaining rows.
    everything : ndarray of shape (n_rounds,), float64
        The same of all rows.
    test : ndarray of shape (n_rounds,), float64
        Mean loss of the test rows, as given.
    chosen_share : ndarray of shape (n_rounds,), float64
        Share of all rows that was chosen.
    chosen_loss_share : ndarray of shape (n_rounds,), float64
        Share of the total loss before the round that the chosen rows had.
    chosen_after : ndarray of shape (n_rounds,), float64
        Mean loss of the chosen rows after the round.
    other_after : ndarray of shape (n_rounds,), float64
        The same of the remaining rows.
    everything_after : ndarray of shape (n_rounds,), float64
        The same of all rows.
    """

    chosen: NDArray[np.float64]
    other: NDArray[np.float64]
    everything: NDArray[np.float64]
    test: NDArray[np.float64]
    chosen_share: NDArray[np.float64]
    chosen_loss_share: NDArray[np.float64]
    chosen_after: NDArray[np.float64]
    other_after: NDArray[np.float64]
    everything_after: NDArray[np.float64]

    def _columns(self) -> dict[str, Any]:
        return {"round": np.arange(len(self.chosen)), **vars(self)}


@dataclass(frozen=True, eq=False, repr=False)
class SelectionOverlap(Tabular):
    """How much successive selections have in common.

    Entry r compares round r with round r + 1. Rows count once a round, however often they
    were drawn.

    Attributes
    ----------
    jaccard : ndarray of shape (n_rounds - 1,), float64
        Rows chosen in both rounds / rows chosen in at least one; NaN if nothing was.
    kept_share : ndarray of shape (n_rounds - 1,), float64
        Share of the former round's rows that was chosen again.
    expected_jaccard : ndarray of shape (n_rounds - 1,), float64
        What random sets of these sizes have on average.
    expected_kept_share : ndarray of shape (n_rounds - 1,), float64
        The same for the kept share.
    n_chosen : ndarray of shape (n_rounds,), int64
        Distinct rows chosen.
    never_chosen : int
        Rows chosen in no round.
    """

    jaccard: NDArray[np.float64]
    kept_share: NDArray[np.float64]
    expected_jaccard: NDArray[np.float64]
    expected_kept_share: NDArray[np.float64]
    n_chosen: NDArray[np.int64]
    never_chosen: int

    def _columns(self) -> dict[str, Any]:
        shares = self._given("jaccard", "kept_share", "expected_jaccard", "expected_kept_share")
        rounds, n_chosen = np.arange(len(self.jaccard)), self.n_chosen
        return {"round": rounds, "n_chosen": n_chosen[:-1], "n_chosen_next": n_chosen[1:]} | shares


@dataclass(frozen=True, eq=False, repr=False)
class SelectionLabels(Tabular):
    """Labels of the rows that were chosen.

    Attributes
    ----------
    rounds : ndarray of shape (n_rounds,), int64
        The rounds, from 0.
    labels : ndarray of shape (n_labels,)
        Distinct labels, sorted.
    counts : ndarray of shape (n_rounds, n_labels), int64
        Visits of each label; a row drawn twice in a round counts twice.
    share : ndarray of shape (n_rounds, n_labels), float64
        Share of the label among the visits of the round.
    base_rate : ndarray of shape (n_labels,), float64
        Share of the label among all rows.
    lift : ndarray of shape (n_rounds, n_labels), float64
        `share` / `base_rate`.
    """

    rounds: NDArray[np.int64]
    labels: NDArray[Any]
    counts: NDArray[np.int64]
    share: NDArray[np.float64]
    base_rate: NDArray[np.float64]
    lift: NDArray[np.float64]

    def _columns(self) -> dict[str, Any]:
        n_rounds, n_labels = self.counts.shape
        return {
            "round": np.repeat(self.rounds, n_labels),
            "label": np.tile(self.labels, n_rounds),
            "count": self.counts.ravel(),
            "share": self.share.ravel(),
            "lift": self.lift.ravel(),
        }


def selection_losses(
    losses_before: Iterable[Any],
    selections: Sequence[Any],
    *,
    losses_after: Iterable[Any] | None = None,
    test_losses: Iterable[Any] | None = None,
) -> SelectionLosses:
    """Compare the loss of the rows chosen with that of the rest and of a test set.

    This is SIFAL's third question: what happens to the loss of the chosen x %, of the
    remaining (100 - x) % and of the test set. Losses of one round are only comparable if
    they were all measured with the same weights: take them from
    ``estimator.staged_instance_losses``. The last known losses of `loss_history_` were
    measured at different times.

    Parameters
    ----------
    losses_before : iterable of n_rounds array-likes of shape (n_samples,), or None
        Losses of all rows, in nats, with the weights before each round; NaN where not
        known, None for a round of which nothing is known, such as the first. May be a
        generator.
    selections : sequence of n_rounds array-likes of int
        Rows chosen in each round.
    losses_after : iterable of n_rounds array-likes of shape (n_samples,), default=None
        Losses of all rows with the weights after each round.
    test_losses : iterable of n_rounds array-likes of shape (n_test,) or floats, default=None
        Losses of the test rows in each round, or their mean.

    Returns
    -------
    losses : SelectionLosses

    Raises
    ------
    ValueError
        If the inputs do not have equally many rounds and rows, or a row does not exist.

    Examples
    --------
    >>> losses = selection_losses([[1.0, 2.0, 6.0], [1.0, 2.0, 2.0]], [[2], [1, 2]])
    >>> losses.chosen
    array([6., 2.])
    >>> losses.other
    array([1.5, 1. ])
    >>> losses.chosen_loss_share
    array([0.66666667, 0.8       ])
    """
    before = _mean_losses(losses_before, selections, "losses_before")
    nothing = np.full(len(selections), np.nan)
    after = np.full((len(selections), 5), np.nan)
    if losses_after is not None:
        after = _mean_losses(losses_after, selections, "losses_after")
    test = nothing if test_losses is None else _means(test_losses, len(selections))
    chosen, other, everything, share, loss_share = before.T
    return SelectionLosses(
        chosen=chosen,
        other=other,
        everything=everything,
        test=test,
        chosen_share=share,
        chosen_loss_share=loss_share,
        chosen_after=after[:, 0],
        other_after=after[:, 1],
        everything_after=after[:, 2],
    )


def _mean_losses(
    losses: Iterable[Any], selections: Sequence[Any], name: str
) -> NDArray[np.float64]:
    """Per round: mean of the chosen, of the others, of all; share of rows and of loss."""
    found: list[tuple[float, ...]] = []
    n_rows: int | None = None
    for number, given in enumerate(losses):
        if given is None or number >= len(selections):
            found.append((np.nan,) * 5)
            continue
        values = check_losses(given, f"{name}[{number}]", n_rows)
        n_rows = len(values)
        found.append(_round_means(values, selections[number]))
    if len(found) != len(selections):
        raise ValueError(
            f"{name} must have as many rounds as selections: {len(selections)}. Got {len(found)}."
        )
    return np.array(found, dtype=np.float64).reshape(len(selections), 5)


def _round_means(losses: NDArray[Any], rows: Any) -> tuple[float, ...]:
    chosen = np.zeros(len(losses), bool)
    chosen[check_selections([rows], len(losses))[0]] = True
    known = ~np.isnan(losses)
    groups = [losses[mask & known] for mask in (chosen, ~chosen)]
    sums = np.array([np.sum(group, dtype=np.float64) for group in groups])
    sizes = np.array([len(group) for group in groups])
    means = divide(sums, sizes)
    everything = divide(sums.sum(), sizes.sum())
    share = divide(chosen.sum(), len(losses))
    return (means[0], means[1], float(everything), float(share), float(divide(sums[0], sums.sum())))


def _means(test_losses: Iterable[Any], n_rounds: int) -> NDArray[np.float64]:
    means = []
    for number, given in enumerate(test_losses):
        values = check_losses(np.atleast_1d(np.asarray(given)), f"test_losses[{number}]")
        known = values[~np.isnan(values)]
        means.append(np.mean(known, dtype=np.float64) if len(known) else np.nan)
    if len(means) != n_rounds:
        raise ValueError(
            f"test_losses must have as many rounds as selections: {n_rounds}. Got {len(means)}."
        )
    return np.array(means, dtype=np.float64)


def selection_overlap(selections: Sequence[Any], n_samples: int) -> SelectionOverlap:
    """Compare the rows chosen in each round with those of the next one.

    Parameters
    ----------
    selections : sequence of n_rounds array-likes of int
        Rows chosen in each round.
    n_samples : int
        Number of rows that could be chosen.

    Returns
    -------
    overlap : SelectionOverlap
        With what random sets of the same sizes have in common: a rule whose `jaccard` is
        well above keeps to the same rows, one at `expected_jaccard` might as well draw
        lots.

    Raises
    ------
    ValueError
        If a row does not exist.

    Examples
    --------
    >>> overlap = selection_overlap([[0, 1], [1, 2]], n_samples=4)
    >>> overlap.jaccard, overlap.kept_share
    (array([0.33333333]), array([0.5]))
    >>> overlap.expected_kept_share
    array([0.5])
    >>> overlap.never_chosen
    1
    """
    check_integer_value("selection_overlap", "n_samples", n_samples, 1)
    rounds = check_selections(selections, n_samples)
    ever, before = np.zeros(n_samples, bool), np.zeros(n_samples, bool)
    sizes, common = [], []
    for rows in rounds:
        now = np.zeros(n_samples, bool)
        now[rows] = True
        sizes.append(int(now.sum()))
        common.append(int((now & before).sum()))
        ever |= now
        before = now
    n_chosen, both = np.array(sizes, dtype=np.int64), np.array(common[1:], dtype=np.int64)
    former, latter = n_chosen[:-1], n_chosen[1:]
    expected = [
        _expected_jaccard(a, b, n_samples)
        for a, b in zip(former.tolist(), latter.tolist(), strict=True)
    ]
    return SelectionOverlap(
        jaccard=divide(both, former + latter - both),
        kept_share=divide(both, former),
        expected_jaccard=np.array(expected, dtype=np.float64),
        expected_kept_share=np.where(former > 0, latter / n_samples, np.nan),
        n_chosen=n_chosen,
        never_chosen=int(n_samples - ever.sum()),
    )


def _expected_jaccard(a: int, b: int, n: int) -> float:
    """Mean of the Jaccard index of random sets of `a` and `b` out of `n` rows.

    What they have in common is hypergeometric; its values far from the mean are left out.
    """
    from scipy.stats import hypergeom

    if a == 0 and b == 0:
        return float("nan")
    mean = a * b / n
    variance = mean * (1 - a / n) * (n - b) / max(n - 1, 1)
    reach = _TAIL * np.sqrt(variance) + 1
    k = np.arange(max(0, a + b - n, int(mean - reach)), min(a, b, int(mean + reach) + 1) + 1)
    probability = hypergeom.pmf(k, n, a, b)
    return float(np.sum(probability * k / (a + b - k)) / probability.sum())


def selection_labels(
    selections: Sequence[Any], y: ArrayLike, *, rounds: Iterable[int] | None = None
) -> SelectionLabels:
    """Count the labels of the rows chosen in some rounds.

    Parameters
    ----------
    selections : sequence of array-likes of int
        Rows chosen in each round.
    y : array-like of shape (n_samples,)
        Labels: strings, integers or booleans.
    rounds : iterable of int, default=None
        Which rounds; negative ones count from the last. None for all.

    Returns
    -------
    labels : SelectionLabels

    Raises
    ------
    ValueError
        If a round or a row does not exist, or labels are missing.

    Examples
    --------
    >>> chosen = selection_labels([[0, 1, 2, 3], [3]], ["a", "a", "a", "b"], rounds=[-1])
    >>> chosen.rounds, chosen.share, chosen.lift
    (array([1]), array([[0., 1.]]), array([[0., 4.]]))
    """
    labels, codes = encode(y, "y", None)
    numbers = _round_numbers(rounds, len(selections))
    chosen = check_selections([selections[number] for number in numbers], len(codes))
    counts = np.array([group_sums(codes[rows], len(labels)) for rows in chosen])
    counts = counts.reshape(len(chosen), len(labels))
    share = divide(counts, counts.sum(axis=1, keepdims=True))
    base_rate = divide(group_sums(codes, len(labels)), len(codes))
    return SelectionLabels(
        rounds=numbers,
        labels=labels,
        counts=counts.astype(np.int64),
        share=share,
        base_rate=base_rate,
        lift=divide(share, base_rate),
    )


def _round_numbers(rounds: Iterable[int] | None, n_rounds: int) -> NDArray[np.int64]:
    if rounds is None:
        return np.arange(n_rounds)
    numbers = np.array(list(rounds), dtype=np.int64)
    if ((numbers < -n_rounds) | (numbers >= n_rounds)).any():
        raise ValueError(f"rounds must be from 0 to {n_rounds - 1}. Got {numbers.tolist()}.")
    return np.where(numbers < 0, numbers + n_rounds, numbers)
