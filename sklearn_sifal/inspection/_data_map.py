"""Data maps: easy, ambiguous and hard rows by their training dynamics."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._parameters import check_real_value
from sklearn_sifal.inspection._checks import as_numbers, check_one_per_row
from sklearn_sifal.inspection._tabular import Tabular

REGIONS = ("easy", "ambiguous", "hard", "unknown")


@dataclass(frozen=True, eq=False, repr=False)
class DataMap(Tabular):
    """Where rows stand by confidence and variability, made by `data_map`.

    Attributes
    ----------
    confidence : ndarray of shape (n_samples,)
        Mean probability of the given label over the visits; NaN where never visited.
    variability : ndarray of shape (n_samples,)
        Its standard deviation over the visits; 0 with one visit.
    correctness : ndarray of shape (n_samples,)
        Share of the visits in which the given label was predicted; NaN if not known.
    region : ndarray of shape (n_samples,), str
        'easy', 'ambiguous', 'hard', or 'unknown' where never visited.
    counts : dict of str to int
        Rows of each region.
    variability_threshold : float
        Least variability of an ambiguous row; inf if there is none.
    confidence_threshold : float
        Least confidence of an easy row.
    """

    confidence: NDArray[Any]
    variability: NDArray[Any]
    correctness: NDArray[Any]
    region: NDArray[np.str_]
    counts: dict[str, int]
    variability_threshold: float
    confidence_threshold: float

    def _columns(self) -> dict[str, Any]:
        fields = self._given("confidence", "variability", "correctness", "region")
        return {"row": np.arange(len(self.region))} | fields


def data_map(
    table: Any, *, ambiguous_share: float = 1 / 3, confidence_threshold: float = 0.5
) -> DataMap:
    """Sort rows into easy, ambiguous and hard by their training dynamics.

    Confidence is the mean and variability the standard deviation, over the visits, of the
    probability of the given label [1]_. The share `ambiguous_share` of largest
    variability is ambiguous; of the others those with a confidence of at least
    `confidence_threshold` are easy and the rest hard. The paper instead takes the 33 %
    most confident, least confident and most variable rows, sets which overlap.

    Parameters
    ----------
    table : structured array, mapping, data frame or array of shape (n_rounds, n_samples)
        Has the columns 'confidence' and 'variability' and may have 'correctness', like
        the `loss_table_` of an estimator with ``record='dynamics'``. Or the losses of each
        round, in nats, NaN where not known, like `loss_history_`: their dynamics are
        taken over the rounds.
    ambiguous_share : float, default=0.3333333333333333
        Share of the rows, in [0, 1], that counts as ambiguous. More if several rows have
        the same variability; rows that do not vary never do.
    confidence_threshold : float, default=0.5
        Confidence, in [0, 1], that parts easy from hard rows.

    Returns
    -------
    data_map : DataMap

    Raises
    ------
    ValueError
        If a column is missing or a parameter out of its range.

    References
    ----------
    .. [1] S. Swayamdipta, R. Schwartz, N. Lourie, Y. Wang, H. Hajishirzi, N. A. Smith and
       Y. Choi, "Dataset Cartography: Mapping and Diagnosing Datasets with Training
       Dynamics", EMNLP 2020, arXiv:2009.10795.

    Examples
    --------
    >>> table = {"confidence": [0.9, 0.2, 0.5], "variability": [0.1, 0.1, 0.4]}
    >>> data_map(table).region
    array(['easy', 'hard', 'ambiguous'], dtype='<U9')
    """
    check_real_value("data_map", "ambiguous_share", ambiguous_share, 0, 1)
    check_real_value("data_map", "confidence_threshold", confidence_threshold, 0, 1)
    confidence, variability, correctness = _dynamics(table)
    known = ~(np.isnan(confidence) | np.isnan(variability))
    threshold = _least_ambiguous(variability[known], ambiguous_share)
    codes = np.where(confidence >= confidence_threshold, 0, 2)
    codes[variability >= threshold] = 1
    codes[~known] = 3
    counts = np.bincount(codes, minlength=len(REGIONS))
    return DataMap(
        confidence=confidence,
        variability=variability,
        correctness=correctness,
        region=np.array(REGIONS)[codes],
        counts=dict(zip(REGIONS, counts.tolist(), strict=True)),
        variability_threshold=threshold,
        confidence_threshold=float(confidence_threshold),
    )


def _least_ambiguous(variability: NDArray[Any], share: float) -> float:
    """The variability of the last row that is still among the share of the most variable."""
    n_ambiguous = round(share * len(variability))
    if n_ambiguous == 0:
        return float("inf")
    place = len(variability) - n_ambiguous
    least = float(np.partition(variability, place)[place])
    if least > 0:
        return least
    varying = variability[variability > 0]
    return float(varying.min()) if len(varying) else float("inf")


def _dynamics(table: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Confidence, variability and correctness of every row."""
    names = getattr(getattr(table, "dtype", None), "names", None)
    if names is None and not hasattr(table, "keys"):
        return _dynamics_of_losses(as_numbers(table, "table").astype(np.float64, copy=False))
    present = set(table.keys() if names is None else names)
    missing = sorted({"confidence", "variability"} - present)
    if missing:
        raise ValueError(
            f"table has no column {missing[0]!r}. Fit a classifier with record='dynamics' or "
            "record='history' and pass its loss_table_."
        )
    confidence = _floats(table["confidence"], "confidence", None)
    variability = _floats(table["variability"], "variability", len(confidence))
    correctness = np.full(len(confidence), np.nan)
    if "correctness" in present:
        correctness = _floats(table["correctness"], "correctness", len(confidence))
    return confidence, variability, correctness


def _floats(values: Any, name: str, n_rows: int | None) -> NDArray[Any]:
    column = as_numbers(values, name)
    check_one_per_row(column, name, n_rows)
    return column if column.dtype.kind == "f" else column.astype(np.float64)


def _dynamics_of_losses(
    losses: NDArray[np.float64],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    if losses.ndim != 2:
        raise ValueError(
            "table must have columns, or be losses of shape (n_rounds, n_samples). Got an array "
            f"of shape {losses.shape}."
        )
    probability = np.exp(-losses)  # of the given label
    known = ~np.isnan(probability)
    n_known = known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        confidence = np.where(known, probability, 0.0).sum(axis=0) / n_known
        deviations = np.where(known, probability - confidence, 0.0)
        variability = np.sqrt((deviations**2).sum(axis=0) / n_known)
    return confidence, variability, np.full(len(confidence), np.nan)
