"""Training dynamics: running sums over the visits of every row."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._saved_states import written_by_name

#: Measures of one forward pass that training dynamics are made of.
DYNAMICS_MEASURES = ("correct", "margin", "el2n")

_SUMS = (
    "loss",
    "confidence",
    "confidence_squared",
    "margin",
    "el2n",
    "correct",
    "forgotten",
)


@written_by_name
class TrainingDynamics:
    """Running sums over the visits of every row.

    Only losses and outputs of training steps enter, one value per visit, so that
    each mean is a sum divided by the row's visits.

    Parameters
    ----------
    n_rows : int
        Number of rows.

    Attributes
    ----------
    measures : tuple of str
        What a step has to measure beside the loss.
    """

    measures: tuple[str, ...] = DYNAMICS_MEASURES

    def __init__(self, n_rows: int) -> None:
        self.loss = np.zeros(n_rows, np.float64)
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
        np.add.at(self.loss, rows, losses)
        np.add.at(self.confidence, rows, confidence)
        np.add.at(self.confidence_squared, rows, confidence**2)
        np.add.at(self.margin, rows, measured["margin"])
        np.add.at(self.el2n, rows, measured["el2n"])
        np.add.at(self.correct, rows, correct)
        np.add.at(self.forgotten, rows, self._was_correct[rows] & ~correct)
        self._note_order(rows, ~correct, correct)

    def add_sums(self, other: "TrainingDynamics", positions: NDArray[np.int64]) -> None:
        """Add the sums of other rows at `positions`."""
        for name in _SUMS:
            np.add.at(getattr(self, name), positions, getattr(other, name))
        # A row may also be forgotten between its last visit here and its first there.
        np.add.at(self.forgotten, positions, self._was_correct[positions] & other._began_wrong)
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
        """Per-visit means as float32, NaN where a row was never visited."""
        with np.errstate(invalid="ignore", divide="ignore"):
            n = np.where(visits > 0, visits, np.nan)
            confidence = self.confidence / n
            variance = np.maximum(self.confidence_squared / n - confidence**2, 0.0)
            columns = {
                "mean_loss": self.loss / n,
                "confidence": confidence,
                "variability": np.sqrt(variance),
                "correctness": self.correct / n,
                "margin": self.margin / n,
                "el2n": self.el2n / n,
            }
        largest = np.finfo(np.float32).max  # a margin in float64 may be larger
        result: dict[str, NDArray[Any]] = {
            k: np.clip(v, -largest, largest).astype(np.float32) for k, v in columns.items()
        }
        result["forgotten"] = self.forgotten
        return result


@written_by_name
class LossDynamics:
    """Running sums over the visits of every row, of the loss alone.

    For a regression, where there is no label to be right about.

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
        self.loss_squared = np.zeros(n_rows, np.float64)

    def add(
        self, rows: NDArray[np.int64], losses: NDArray[Any], measured: Mapping[str, Any]
    ) -> None:
        """Add one training step."""
        losses = losses.astype(np.float64)
        np.add.at(self.loss, rows, losses)
        np.add.at(self.loss_squared, rows, losses**2)

    def add_sums(self, other: "LossDynamics", positions: NDArray[np.int64]) -> None:
        """Add the sums of other rows at `positions`."""
        np.add.at(self.loss, positions, other.loss)
        np.add.at(self.loss_squared, positions, other.loss_squared)

    def columns(self, visits: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
        """Mean and standard deviation as float32, NaN where a row was never visited."""
        with np.errstate(invalid="ignore", divide="ignore"):
            n = np.where(visits > 0, visits, np.nan)
            mean = self.loss / n
            variance = np.maximum(self.loss_squared / n - mean**2, 0.0)
        return {
            "mean_loss": mean.astype(np.float32),
            "loss_variability": np.sqrt(variance).astype(np.float32),
        }


#: What the parameter `dynamics` of a LossTable may be, beside False.
DYNAMICS: dict[bool | str, Any] = {True: TrainingDynamics, "loss": LossDynamics}
