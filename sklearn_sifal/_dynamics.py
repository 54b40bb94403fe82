"""Training dynamics: running sums over the visits of every row."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._saved_states import written_by_name

#: Measures of one forward pass that training dynamics are made of.
DYNAMICS_MEASURES = ("correct", "margin", "el2n")


class RunningSums(ABC):
    """Running sums over the visits of every row, a column each.

    Only losses and outputs of training steps enter, one value per visit, so that
    each mean is a sum divided by the row's visits. A column whose name begins with an
    underscore is no sum.

    Parameters
    ----------
    n_rows : int
        Number of rows.

    Attributes
    ----------
    measures : tuple of str
        What a step has to measure beside the loss.
    """

    measures: tuple[str, ...] = ()

    def __init__(self, n_rows: int) -> None:
        self.loss = np.zeros(n_rows, np.float64)

    @abstractmethod
    def add(
        self, rows: NDArray[np.int64], losses: NDArray[Any], measured: Mapping[str, Any]
    ) -> None:
        """Add one training step."""

    def add_sums(self, other: Self, positions: NDArray[np.int64]) -> None:
        """Add the sums of other rows at `positions`."""
        self._add(positions, **{k: v for k, v in vars(other).items() if not k.startswith("_")})

    def columns(self, visits: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
        """Per-visit means as float32, NaN where a row was never visited."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means = self._means(np.where(visits > 0, visits, np.nan))
        largest = np.finfo(np.float32).max  # a margin in float64 may be larger
        return {k: np.clip(v, -largest, largest).astype(np.float32) for k, v in means.items()}

    @abstractmethod
    def _means(self, n: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """What is known of each row after so many visits; NaN for none."""

    def _add(self, rows: NDArray[np.int64], **added: NDArray[Any]) -> None:
        for name, values in added.items():
            np.add.at(getattr(self, name), rows, values)


def _deviation(
    squares: NDArray[np.float64], mean: NDArray[np.float64], n: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Standard deviation, of a sum of squares."""
    deviation: NDArray[np.float64] = np.sqrt(np.maximum(squares / n - mean**2, 0.0))
    return deviation


@written_by_name
class TrainingDynamics(RunningSums):
    """Running sums of a classification: losses, probabilities of the label, right answers."""

    measures = DYNAMICS_MEASURES

    def __init__(self, n_rows: int) -> None:
        super().__init__(n_rows)
        self.confidence = np.zeros(n_rows, np.float64)
        self.confidence_squared = np.zeros(n_rows, np.float64)
        self.margin = np.zeros(n_rows, np.float64)
        self.el2n = np.zeros(n_rows, np.float64)
        self.correct = np.zeros(n_rows, np.int32)
        self.forgotten = np.zeros(n_rows, np.int32)
        self._seen = np.zeros(n_rows, bool)
        self._began_wrong = np.zeros(n_rows, bool)
        self._was_correct = np.zeros(n_rows, bool)

    def add(
        self, rows: NDArray[np.int64], losses: NDArray[Any], measured: Mapping[str, Any]
    ) -> None:
        """Add one training step."""
        confidence = np.exp(-losses.astype(np.float64))  # of the given label: loss = -log p
        correct = np.asarray(measured["correct"], dtype=bool)
        self._add(
            rows,
            loss=losses,
            confidence=confidence,
            confidence_squared=confidence**2,
            margin=measured["margin"],
            el2n=measured["el2n"],
            correct=correct,
            forgotten=self._was_correct[rows] & ~correct,
        )
        self._note_order(rows, ~correct, correct)

    def add_sums(self, other: Self, positions: NDArray[np.int64]) -> None:
        """Add the sums of other rows at `positions`."""
        super().add_sums(other, positions)
        # A row may also be forgotten between its last visit here and its first there.
        self._add(positions, forgotten=self._was_correct[positions] & other._began_wrong)
        seen = other._seen
        self._note_order(positions[seen], other._began_wrong[seen], other._was_correct[seen])

    def _note_order(
        self, rows: NDArray[np.int64], began_wrong: NDArray[Any], was_correct: NDArray[Any]
    ) -> None:
        """Keep how the first visit of a row went, and how the last."""
        new = ~self._seen[rows]
        self._began_wrong[rows[new]] = began_wrong[new]
        self._was_correct[rows] = was_correct
        self._seen[rows] = True

    def columns(self, visits: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
        """Per-visit means as float32, and how often a row was forgotten."""
        return {**super().columns(visits), "forgotten": self.forgotten}

    def _means(self, n: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        confidence = self.confidence / n
        return {
            "mean_loss": self.loss / n,
            "confidence": confidence,
            "variability": _deviation(self.confidence_squared, confidence, n),
            "correctness": self.correct / n,
            "margin": self.margin / n,
            "el2n": self.el2n / n,
        }


@written_by_name
class LossDynamics(RunningSums):
    """Running sums of the loss alone, for a regression: there is no label to be right about."""

    def __init__(self, n_rows: int) -> None:
        super().__init__(n_rows)
        self.loss_squared = np.zeros(n_rows, np.float64)

    def add(
        self, rows: NDArray[np.int64], losses: NDArray[Any], measured: Mapping[str, Any]
    ) -> None:
        """Add one training step."""
        losses = losses.astype(np.float64)
        self._add(rows, loss=losses, loss_squared=losses**2)

    def _means(self, n: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        mean = self.loss / n
        return {"mean_loss": mean, "loss_variability": _deviation(self.loss_squared, mean, n)}


#: What the parameter `dynamics` of a LossTable may be, beside False.
DYNAMICS: dict[bool | str, type[RunningSums]] = {True: TrainingDynamics, "loss": LossDynamics}
