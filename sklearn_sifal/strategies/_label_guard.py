"""How likely each row's label is wrong, from its losses alone."""

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._saved_states import written_by_name
from sklearn_sifal.strategies._state_checks import (
    check_column,
    check_part,
    check_rows_of,
    check_truth,
    check_whole,
)

# Bounds that keep one measurement from deciding alone, and all of them from overflowing.
_MOST_EVIDENCE = 4.0
_MOST_TOTAL = 50.0
# Evidence, in nats, from which a label looks wrong, or right with the other sign.
_LOOKS_WRONG = 1.0
# Share of labels that look wrong beyond which nothing can be told.
_MOST_WRONG = 0.5
# Share of labels that look neither right nor wrong beyond which classes overlap so far that a
# large loss is no sign of a wrong label. The more classes, the more of them resemble a row's.
# Chosen with the tables of `benchmarks.guard`, and looked at on eight others.
_MOST_UNDECIDED, _MOST_UNDECIDED_OF_MANY, _MANY_CLASSES = 0.5, 0.35, 10

# Measurements that are judged together: enough of them for a typical loss of every class,
# few enough that the net does not change much meanwhile.
_WINDOW, _WINDOW_PER_CLASS = 2000, 20
# Rows of a class that count as much as what was believed of it before.
_MEMORY = 5


def chance_losses(codes: NDArray[np.integer], n_classes: int) -> NDArray[np.float64]:
    """Loss of a guess that knows nothing but how common the classes are, in nats.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), integer
        Classes from 0.
    n_classes : int
        Number of classes; those without rows have an infinite loss.

    Returns
    -------
    losses : ndarray of shape (n_classes,), float64
        -log of the share of each class.
    """
    shares = np.bincount(codes, minlength=n_classes) / len(codes)
    with np.errstate(divide="ignore"):
        return -np.log(shares)


@written_by_name
class LabelEvidence:
    """Collects, measurement by measurement, what speaks for each label being wrong.

    With L_c the loss of a guess for a row of class c, m_c the typical loss of the rows of
    that class at the time and f_c = 1 - m_c / L_c, between 0 and 1, what the net knows of
    the class: a measured loss l of a row labelled c adds f_c (l - L_c / 2 - margin),
    between -4 and 4, to the evidence of the row. L_c / 2 is half-way between certainty and
    chance. A net that knows no more of a class than how common it is says nothing of its
    labels. Once a row's f add up to 1 or more, only positive terms count, since a small
    loss of a row that was trained on may have been learnt by heart.

    Measurements are judged a few thousand at a time: m_c is the median over the rows of
    the class among them, and five rows' worth of what it was before.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), integer
        Classes of the rows, from 0; all 0 if they are not known.
    chance : ndarray of shape (n_classes,), float64
        Losses of a guess, in nats.
    margin : float
        How far, in nats, a loss is above the middle between certainty and chance when it
        begins to speak for a wrong label.
    """

    def __init__(
        self, codes: NDArray[np.integer], chance: NDArray[np.float64], margin: float
    ) -> None:
        self._codes = codes
        self._chance = np.maximum(chance, 1e-9)  # 0 where all rows have one label
        self._threshold = chance / 2 + margin
        # In units of chance, which is what is believed of a class before its first row.
        self._typical = np.ones(len(chance))
        self._judged = np.zeros(len(codes))
        self._informed = np.zeros(len(codes), np.float32)  # sum of f
        self._window = max(_WINDOW, _WINDOW_PER_CLASS * len(chance))
        self._waiting: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        self._n_waiting = 0
        self._wait_for_training = True

    @property
    def n_classes(self) -> int:
        """Number of classes; 1 if they are not known."""
        return len(self._chance)

    @property
    def evidence(self) -> NDArray[np.float64]:
        """Logarithms of the odds of a wrong label but for their share, (n_rows,), in nats."""
        self._judge()
        return self._judged

    def add(self, rows: NDArray[np.int64], losses: NDArray[np.floating], *, training: bool) -> None:
        """Take in the losses, in nats, of one step or scoring pass.

        Losses of a pass over the rows in training, when the net was changing, are not judged
        together with those of a scoring pass.
        """
        if training != self._wait_for_training:
            self._judge()
            self._wait_for_training = training
        if self._n_waiting == 0 and len(rows) >= self._window:
            self._judge_in_windows(rows, losses)  # a scoring pass, which need not be copied
            return
        self._waiting.append((np.array(rows), np.array(losses, np.float64)))
        self._n_waiting += len(rows)
        if self._n_waiting >= self._window:
            self._judge()

    def check_state(self, n_rows: int) -> None:
        """Raise unless the attributes, read from a file, are ones that a training leaves."""
        n_classes = len(self._chance)
        check_column(self, "_codes", (n_rows,), np.integer, 0, n_classes - 1)
        # Infinite for a class without rows.
        check_column(self, "_chance", (n_classes,), np.float64, 1e-9, np.inf)
        check_column(self, "_threshold", (n_classes,), np.float64, None, np.inf)
        check_column(self, "_typical", (n_classes,), np.float64)
        check_column(self, "_judged", (n_rows,), np.float64)
        check_column(self, "_informed", (n_rows,), np.float32, 0)
        check_whole(self, "_window", 1)
        check_truth(self, "_wait_for_training")
        check_part(self, "_waiting", list)
        for rows, losses in self._waiting:
            check_rows_of(rows, n_rows)
            if losses.dtype != np.float64 or rows.shape != losses.shape:
                raise ValueError("'_waiting' of LabelEvidence has no loss for each row")
            if not np.isfinite(losses).all():
                raise ValueError("'_waiting' of LabelEvidence has a loss that is not finite")
        check_whole(self, "_n_waiting", n := sum(len(rows) for rows, _ in self._waiting), n)

    def _judge(self) -> None:
        if self._n_waiting == 0:
            return
        rows, losses = map(np.concatenate, zip(*self._waiting, strict=True))
        self._waiting, self._n_waiting = [], 0
        self._judge_in_windows(rows, losses)

    def _judge_in_windows(self, rows: NDArray[np.int64], losses: NDArray[np.floating]) -> None:
        n_windows = max(1, len(rows) // self._window)
        each, longer = divmod(len(rows), n_windows)  # the first so many have one row more
        for i in range(n_windows):
            begin = i * each + min(i, longer)
            together = slice(begin, begin + each + (i < longer))
            self._judge_together(rows[together], losses[together].astype(np.float64))

    def _judge_together(self, rows: NDArray[np.int64], losses: NDArray[np.float64]) -> None:
        codes = self._codes[rows]
        self._follow(codes, losses / self._chance[codes])
        knowledge = np.clip(1.0 - self._typical, 0.0, 1.0)[codes]
        terms = knowledge * (losses - self._threshold[codes])
        terms = np.clip(terms, -_MOST_EVIDENCE, _MOST_EVIDENCE)
        by_heart = self._informed[rows] >= 1
        np.add.at(self._judged, rows, np.where(by_heart, np.maximum(terms, 0.0), terms))
        np.add.at(self._informed, rows, knowledge.astype(np.float32))

    def _follow(self, codes: NDArray[np.integer], ratios: NDArray[np.float64]) -> None:
        """Move the typical loss of each class towards the median of its rows."""
        counts = np.bincount(codes, minlength=len(self._typical))
        present = np.flatnonzero(counts)
        n = counts[present]
        first = np.cumsum(n) - n
        medians = ratios[np.lexsort((ratios, codes))][first + n // 2]
        self._typical[present] += (medians - self._typical[present]) * n / (n + _MEMORY)


def share_wrong(evidence: NDArray[np.float64]) -> float:
    """Share of labels that look wrong, with an evidence of more than 1; at most 0.5."""
    return min(float(np.mean(evidence > _LOOKS_WRONG)), _MOST_WRONG)


def probability_wrong(evidence: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Probabilities that labels are wrong.

    The share s of labels that look wrong is what is believed of any row beforehand: row i
    has the odds s / (1 - s) exp(evidence_i).

    Parameters
    ----------
    evidence : ndarray of shape (n,), float64
        In nats.
    share : float
        Of labels that look wrong; see `share_wrong`.

    Returns
    -------
    probabilities : ndarray of shape (n,), float64

    Examples
    --------
    >>> evidence = np.array([9.0, -9.0, -9.0, -9.0])
    >>> probability_wrong(evidence, share_wrong(evidence)).round(2)
    array([1., 0., 0., 0.])
    """
    odds = np.clip(evidence, -_MOST_TOTAL, _MOST_TOTAL)
    np.exp(odds, out=odds)
    odds *= share / (1 - share)
    odds /= odds + 1
    return odds


def can_tell(evidence: NDArray[np.float64], n_classes: int) -> bool:
    """Whether the evidence is fit to be acted on: most labels look either right or wrong.

    Not where half of the labels or more look wrong, since the net and the labels do not
    fit then, nor where more than half, with more than ten classes 35 %, look neither right
    nor wrong (between -1 and 1): the net knows too little, or classes overlap so far that
    it never will.
    """
    wrong = float(np.mean(evidence > _LOOKS_WRONG))
    undecided = float(np.mean((evidence <= _LOOKS_WRONG) & (evidence >= -_LOOKS_WRONG)))
    most = _MOST_UNDECIDED_OF_MANY if n_classes > _MANY_CLASSES else _MOST_UNDECIDED
    return wrong < _MOST_WRONG and undecided <= most
