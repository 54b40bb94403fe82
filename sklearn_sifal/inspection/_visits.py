"""Who was trained on, and when: visits by label, by loss decile and over the rounds."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._parameters import check_integer_value
from sklearn_sifal.inspection._checks import (
    check_losses,
    check_selections,
    check_visits,
    divide,
    encode,
    group_sums,
)
from sklearn_sifal.inspection._deciles import bins_by_rank
from sklearn_sifal.inspection._tabular import Tabular


@dataclass(frozen=True, eq=False, repr=False)
class VisitsByGroup(Tabular):
    """Visits of groups of rows.

    Attributes
    ----------
    groups : ndarray of shape (n_groups,)
        Labels, or numbers of the loss bins from 0 (the smallest losses).
    n_rows : ndarray of shape (n_groups,), int64
        Rows of each group.
    mean_visits : ndarray of shape (n_groups,), float64
        Visits per row; NaN for a group without rows.
    total_visits : ndarray of shape (n_groups,), int64
        Visits of all rows of the group.
    share_of_visits : ndarray of shape (n_groups,), float64
        Share of all visits; NaN if there were none.
    share_of_rows : ndarray of shape (n_groups,), float64
        Share of all rows.
    ratio : ndarray of shape (n_groups,), float64
        `share_of_visits` / `share_of_rows`: 2 means trained on twice as often as the
        average row.
    """

    groups: NDArray[Any]
    n_rows: NDArray[np.int64]
    mean_visits: NDArray[np.float64]
    total_visits: NDArray[np.int64]
    share_of_visits: NDArray[np.float64]
    share_of_rows: NDArray[np.float64]
    ratio: NDArray[np.float64]

    def _columns(self) -> dict[str, Any]:
        columns = dict(vars(self))
        return {"group": columns.pop("groups")} | columns


@dataclass(frozen=True, eq=False, repr=False)
class VisitHistory(Tabular):
    """When rows were trained on, made by `visit_history`.

    Attributes
    ----------
    rounds : ndarray of shape (n_rounds,), int64
        The rounds, from 0.
    n_visits : ndarray of shape (n_rounds,), int64
        Visits of the round.
    cumulative_visits : ndarray of shape (n_rounds,), int64
        Visits up to its end.
    n_rows : ndarray of shape (n_rounds,), int64
        Distinct rows visited.
    n_new : ndarray of shape (n_rounds,), int64
        Rows visited for the first time.
    seen_share : ndarray of shape (n_rounds,), float64
        Share of all rows visited up to the end of the round.
    most_visits : ndarray of shape (n_rounds,), int64
        Most visits of one row in the round; above 1 only for strategies that replay rows.
    visits : ndarray of shape (n_samples,), int64
        Visits of each row.
    first_round : ndarray of shape (n_samples,), int64
        Round of its first visit, -1 for never.
    last_round : ndarray of shape (n_samples,), int64
        Round of its last visit, -1 for never.
    never_visited : int
        Rows without a visit.
    """

    rounds: NDArray[np.int64]
    n_visits: NDArray[np.int64]
    cumulative_visits: NDArray[np.int64]
    n_rows: NDArray[np.int64]
    n_new: NDArray[np.int64]
    seen_share: NDArray[np.float64]
    most_visits: NDArray[np.int64]
    visits: NDArray[np.int64]
    first_round: NDArray[np.int64]
    last_round: NDArray[np.int64]
    never_visited: int

    def _columns(self) -> dict[str, Any]:
        visits = self._given("n_visits", "cumulative_visits")
        rows = self._given("n_rows", "n_new", "seen_share", "most_visits")
        return {"round": self.rounds} | visits | rows


def visit_history(selections: Iterable[Any], n_samples: int) -> VisitHistory:
    """Count visits over the rounds, and find the first and the last of every row.

    Parameters
    ----------
    selections : iterable of n_rounds array-likes of int
        Rows trained on in each round, such as ``estimator.selections_``; a row may be
        repeated.
    n_samples : int
        Number of rows that could be trained on.

    Returns
    -------
    history : VisitHistory

    Raises
    ------
    ValueError
        If a row does not exist.

    Examples
    --------
    >>> history = visit_history([[0, 1], [1, 1]], n_samples=3)
    >>> history.n_visits, history.n_new, history.most_visits
    (array([2, 2]), array([2, 0]), array([1, 2]))
    >>> history.visits, history.last_round
    (array([1, 3, 0]), array([ 0,  1, -1]))
    """
    check_integer_value("visit_history", "n_samples", n_samples, 1)
    visits = np.zeros(n_samples, np.int64)
    first, last = np.full(n_samples, -1, np.int64), np.full(n_samples, -1, np.int64)
    of_rounds = []
    for number, rows in enumerate(check_selections(selections, n_samples)):
        counts = np.bincount(rows, minlength=n_samples)
        visited = counts > 0
        new = visited & (last < 0)
        first[new] = number
        last[visited] = number
        visits += counts
        of_rounds.append((len(rows), visited.sum(), new.sum(), counts.max()))
    n_visits, n_rows, n_new, most = np.array(of_rounds, np.int64).reshape(-1, 4).T
    return VisitHistory(
        rounds=np.arange(len(of_rounds)),
        n_visits=n_visits,
        cumulative_visits=n_visits.cumsum(),
        n_rows=n_rows,
        n_new=n_new,
        seen_share=n_new.cumsum() / n_samples,
        most_visits=most,
        visits=visits,
        first_round=first,
        last_round=last,
        never_visited=int(np.count_nonzero(last < 0)),
    )


def visits_by_label(visits: ArrayLike, y: ArrayLike) -> VisitsByGroup:
    """Count the visits of every label.

    Parameters
    ----------
    visits : array-like of shape (n_samples,)
        How often each row was trained on.
    y : array-like of shape (n_samples,)
        Labels, or any other grouping: strings, integers or booleans.

    Returns
    -------
    by_label : VisitsByGroup
        Labels in sorted order.

    Raises
    ------
    ValueError
        If visits are no counts, or labels are not one per row or missing.

    Examples
    --------
    >>> by_label = visits_by_label([1, 1, 4], ["a", "a", "b"])
    >>> by_label.mean_visits
    array([1., 4.])
    >>> by_label.ratio
    array([0.5, 2. ])
    """
    counts = check_visits(visits)
    labels, codes = encode(y, "y", len(counts))
    return _by_group(labels, codes, counts)


def visits_by_decile(visits: ArrayLike, losses: ArrayLike, *, n_bins: int = 10) -> VisitsByGroup:
    """Count the visits of every loss decile.

    Parameters
    ----------
    visits : array-like of shape (n_samples,)
        How often each row was trained on.
    losses : array-like of shape (n_samples,)
        Losses in nats; rows with NaN are left out.
    n_bins : int, default=10
        Number of bins, of equal size; see `loss_deciles`.

    Returns
    -------
    by_decile : VisitsByGroup
        Group 0 has the smallest losses.

    Raises
    ------
    ValueError
        If visits are no counts, or losses are infinite or not one per row.

    Examples
    --------
    >>> visits_by_decile([1, 5, 1, 3], [0.1, 2.0, 0.2, 0.3], n_bins=2).mean_visits
    array([1., 4.])
    """
    check_integer_value("visits_by_decile", "n_bins", n_bins, 1)
    counts = check_visits(visits)
    bins = bins_by_rank(check_losses(losses, n_rows=len(counts)), n_bins)
    known = bins >= 0
    return _by_group(np.arange(n_bins), bins[known], counts[known])


def _by_group(
    groups: NDArray[Any], codes: NDArray[np.int64], visits: NDArray[np.int64]
) -> VisitsByGroup:
    n_rows = group_sums(codes, len(groups))
    total = group_sums(codes, len(groups), visits)  # exact below 2^53
    share_of_visits = divide(total, total.sum())
    share_of_rows = divide(n_rows, n_rows.sum())
    return VisitsByGroup(
        groups=groups,
        n_rows=n_rows.astype(np.int64),
        mean_visits=divide(total, n_rows),
        total_visits=total.astype(np.int64),
        share_of_visits=share_of_visits,
        share_of_rows=share_of_rows,
        ratio=divide(share_of_visits, share_of_rows),
    )
