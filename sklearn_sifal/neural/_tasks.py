"""What differs between classes and the targets of a regression once a net is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import is_classifier

from sklearn_sifal.neural._observers import RegressionMonitor, ValidationMonitor
from sklearn_sifal.neural._regression_loss import RegressionLoss

_LOSSES_OF_THE_HISTORY = ("train_loss", "chosen_loss", "other_loss", "valid_loss")


@dataclass(frozen=True)
class Task:
    """Outputs, loss and records of one kind of target.

    Attributes
    ----------
    n_outputs : int
        Outputs of the net.
    criterion : dict of str to object
        The criterion and its arguments, as arguments of the net.
    loss : tuple
        Tells which losses may stand in one table.
    dynamics : bool or str
        Kind of the training dynamics; see `LossTable`.
    monitor : type
        Measures a validation score.
    loss_unit : float or None
        What a loss of 1 during the training is in the units that the user sees; None if
        they are the same.
    largest_output : float
        Outputs up to this size are numbers in the user's units.
    """

    n_outputs: int
    criterion: dict[str, Any]
    loss: tuple[Any, ...]
    dynamics: bool | str
    monitor: type[ValidationMonitor]
    loss_unit: float | None = None
    largest_output: float = float("inf")

    def published_losses(self, losses: NDArray[Any]) -> NDArray[Any]:
        """Losses in the user's units; float64 if they are converted, for any scale of y."""
        return losses if self.loss_unit is None else losses.astype(np.float64) * self.loss_unit

    def published_history(self, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Records of rounds in the user's units."""
        if self.loss_unit is None:
            return list(records)
        unit = self.loss_unit
        return [
            {k: v * unit if k in _LOSSES_OF_THE_HISTORY else v for k, v in record.items()}
            for record in records
        ]


def task_of(estimator: Any) -> Task:
    """The task of a classifier that knows its classes, or of a regressor that knows its scale."""
    if is_classifier(estimator):
        return Task(
            n_outputs=len(estimator.classes_),
            criterion={"criterion": torch.nn.CrossEntropyLoss, "criterion__reduction": "none"},
            loss=("cross_entropy",),
            dynamics=True,
            monitor=ValidationMonitor,
        )
    loss, delta = estimator._loss
    return Task(
        n_outputs=1,
        criterion={
            "criterion": RegressionLoss,
            "criterion__loss": loss,
            "criterion__delta": delta,
        },
        loss=(loss, delta),
        dynamics="loss",
        monitor=RegressionMonitor,
        loss_unit=estimator._scale.unit_of(loss),
        largest_output=estimator._scale.largest_output,
    )
