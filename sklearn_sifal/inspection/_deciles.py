"""Loss deciles: bins of equal size from the easiest rows to the hardest, and their labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._parameters import check_integer_value
from sklearn_sifal.inspection._checks import check_losses, divide, encode, group_sums
from sklearn_sifal.inspection._tabular import Tabular, make_frame


@dataclass(frozen=True, eq=False, repr=False)
class LossDeciles(Tabular):
    """Bins of rows by their loss, made by `loss_deciles`.

    Bin 0 has the smallest losses. Fields of labels are None if no labels were given.

    Attributes
    ----------
    n_bins : int
        Number of bins, 10 for deciles.
    n_rows : ndarray of shape (n_bins,), int64
        Rows in each bin; they differ by at most 1.
    mean_loss : ndarray of shape (n_bins,), float64
        Mean loss in nats; NaN for a bin without rows.
    loss_range : ndarray of shape (n_bins, 2), float64
        Smallest and largest loss.
    loss_share : ndarray of shape (n_bins,), float64
        Share of the total loss, summing to 1; NaN if the total is 0 or a loss negative.
    bin_of_row : ndarray of shape (n_samples,), int64
        Bin of each row, -1 where the loss is not known.
    n_unknown : int
        Rows left out because their loss is NaN.
    labels : ndarray of shape (n_labels,), or None
        Distinct labels, sorted.
    counts : ndarray of shape (n_bins, n_labels), int64, or None
        Rows of each label.
    label_share : ndarray of shape (n_bins, n_labels), float64, or None
        Share of the label in the bin; a bin's shares sum to 1.
    base_rate : ndarray of shape (n_labels,), float64, or None
        Share of the label among all rows with a known loss.
    lift : ndarray of shape (n_bins, n_labels), float64, or None
        `label_share` / `base_rate`: 2 means twice as frequent in this bin as overall.
    most_frequent : ndarray of shape (n_bins,), or None
        Most frequent label, the first of several; None for a bin without rows.
    most_frequent_share : ndarray of shape (n_bins,), float64, or None
        Its share in the bin.
    """

    n_bins: int
    n_rows: NDArray[np.int64]
    mean_loss: NDArray[np.float64]
    loss_range: NDArray[np.float64]
    loss_share: NDArray[np.float64]
    bin_of_row: NDArray[np.int64]
    n_unknown: int
    labels: NDArray[Any] | None = None
    counts: NDArray[np.int64] | None = None
    label_share: NDArray[np.float64] | None = None
    base_rate: NDArray[np.float64] | None = None
    lift: NDArray[np.float64] | None = None
    most_frequent: NDArray[Any] | None = None
    most_frequent_share: NDArray[np.float64] | None = None

    def _columns(self) -> dict[str, Any]:
        columns: dict[str, Any] = {
            "bin": np.arange(self.n_bins),
            "n_rows": self.n_rows,
            "mean_loss": self.mean_loss,
            "lowest_loss": self.loss_range[:, 0],
            "highest_loss": self.loss_range[:, 1],
            "loss_share": self.loss_share,
        }
        if self.most_frequent is not None:
            columns["most_frequent"] = self.most_frequent
            columns["most_frequent_share"] = self.most_frequent_share
        return columns

    def to_label_frame(self) -> Any:
        """Make a data frame, one row per bin and label.

        Returns
        -------
        frame : pandas.DataFrame
            Columns bin, label, count, share and lift.

        Raises
        ------
        ImportError
            If pandas is not installed.
        ValueError
            If no labels were given.
        """
        if self.labels is None or self.counts is None:
            raise ValueError("There are no labels: pass y to loss_deciles.")
        assert self.label_share is not None
        assert self.lift is not None
        return make_frame(
            {
                "bin": np.repeat(np.arange(self.n_bins), len(self.labels)),
                "label": np.tile(self.labels, self.n_bins),
                "count": self.counts.ravel(),
                "share": self.label_share.ravel(),
                "lift": self.lift.ravel(),
            }
        )


def loss_deciles(losses: ArrayLike, y: ArrayLike | None = None, *, n_bins: int = 10) -> LossDeciles:
    """Sort rows by loss into bins of equal size, and count the labels in each.

    Parameters
    ----------
    losses : array-like of shape (n_samples,)
        Loss of every row, in nats; rows with NaN are left out.
    y : array-like of shape (n_samples,), default=None
        Labels: strings, integers or booleans.
    n_bins : int, default=10
        Number of bins.

    Returns
    -------
    deciles : LossDeciles
        Bin 0 has the smallest losses, the last bin the largest. Of rows with equal losses
        the earlier ones are in the lower bin.

    Raises
    ------
    ValueError
        If losses or labels are not one per row, a loss is infinite, or labels have
        fractions or are missing.

    Examples
    --------
    >>> deciles = loss_deciles([0.1, 2.0, 0.2, 3.7], ["a", "b", "a", "a"], n_bins=2)
    >>> deciles.mean_loss
    array([0.15, 2.85])
    >>> deciles.loss_share
    array([0.05, 0.95])
    >>> deciles.label_share  # of "a" and "b"
    array([[1. , 0. ],
           [0.5, 0.5]])
    >>> deciles.lift[1]  # "b" is twice as frequent among the hard rows as overall
    array([0.66666667, 2.        ])
    """
    check_integer_value("loss_deciles", "n_bins", n_bins, 1)
    values = check_losses(losses)
    bin_of_row = bins_by_rank(values, n_bins)
    known = bin_of_row >= 0
    bins, values = bin_of_row[known], values[known].astype(np.float64)
    counted = group_sums(bins, n_bins)
    total = group_sums(bins, n_bins, values)
    negative = bool((values < 0).any())
    return LossDeciles(
        n_bins=int(n_bins),
        n_rows=counted.astype(np.int64),
        mean_loss=divide(total, counted),
        loss_range=_ranges(bins, values, n_bins),
        loss_share=np.full(n_bins, np.nan) if negative else divide(total, total.sum()),
        bin_of_row=bin_of_row,
        n_unknown=int(len(known) - len(bins)),
        **_label_fields(y, known, bins, n_bins),
    )


def bins_by_rank(losses: NDArray[Any], n_bins: int) -> NDArray[np.int64]:
    """Bin of every row, from the smallest losses to the largest; -1 for NaN."""
    known = np.flatnonzero(~np.isnan(losses))
    order = np.argsort(losses[known], kind="stable")
    bin_of_row = np.full(len(losses), -1, np.int64)
    bin_of_row[known[order]] = np.arange(len(known)) * n_bins // max(len(known), 1)
    return bin_of_row


def _ranges(bins: NDArray[np.int64], values: NDArray[Any], n_bins: int) -> NDArray[np.float64]:
    lowest, highest = np.full(n_bins, np.inf), np.full(n_bins, -np.inf)
    np.minimum.at(lowest, bins, values)
    np.maximum.at(highest, bins, values)
    ranges = np.stack([lowest, highest], axis=1)
    return np.where(np.isinf(ranges), np.nan, ranges)


def _label_fields(
    y: ArrayLike | None, known: NDArray[np.bool_], bins: NDArray[np.int64], n_bins: int
) -> dict[str, Any]:
    if y is None:
        return {}
    labels, codes = encode(y, "y", len(known))
    cells = group_sums(bins * len(labels) + codes[known], n_bins * len(labels))
    counts = cells.reshape(n_bins, len(labels))
    share = divide(counts, counts.sum(axis=1, keepdims=True))
    base_rate = divide(counts.sum(axis=0), counts.sum())
    return {
        "labels": labels,
        "counts": counts.astype(np.int64),
        "label_share": share,
        "base_rate": base_rate,
        "lift": divide(share, base_rate),
        "most_frequent": _most_frequent(labels, counts),
        "most_frequent_share": divide(counts.max(axis=1, initial=0), counts.sum(axis=1)),
    }


def _most_frequent(labels: NDArray[Any], counts: NDArray[Any]) -> NDArray[Any]:
    empty = counts.sum(axis=1) == 0
    found: NDArray[Any]
    if not empty.any():
        found = labels[counts.argmax(axis=1)]
        return found
    found = np.full(len(counts), None, dtype=object)
    if len(labels):
        found[~empty] = labels[counts[~empty].argmax(axis=1)]
    return found
