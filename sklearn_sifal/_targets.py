"""What is learnt: classes or numbers, and everything in which a training of them differs."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._inputs import Inputs
from sklearn_sifal._row_weights import times_balanced_factors, times_class_factors
from sklearn_sifal._target_scale import TargetScale, r_squared, residual_losses, scale_of
from sklearn_sifal._training_data import (
    RowMetadata,
    TrainingData,
    class_factors,
    encode_labels,
    validate_numbers,
    validate_targets,
)

#: Fits clones of a model on the rows that are not held out, given the targets of all rows.
Fit = Callable[[NDArray[Any]], Any]

_NOT_LEARNT = TargetScale(0.0, 1.0)

_LOSSES_OF_THE_HISTORY = ("train_loss", "chosen_loss", "other_loss", "valid_loss")


class Targets(ABC):
    """One kind of targets, and what a fit has learnt of them.

    The estimator makes one in every fit and hands it down. Nothing below asks which kind it
    is: another kind is another subclass.

    Attributes
    ----------
    dynamics : bool or str
        Kind of the training dynamics; see `LossTable`.
    score_name, score_in_words : str
        The validation score's name in the history, and in sentences.
    predicts_by : str
        Method that an estimator needs for its out-of-fold losses.
    """

    dynamics: ClassVar[bool | str]
    score_name: ClassVar[str]
    score_in_words: ClassVar[str]
    predicts_by: ClassVar[str]

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for numbers."""
        return 0

    @property
    def n_outputs(self) -> int:
        """Outputs of the net: one for each class, or for a number."""
        return self.n_classes or 1

    @property
    @abstractmethod
    def loss(self) -> tuple[Any, ...]:
        """The loss of the net: its name, and what else tells losses of one table apart."""

    @property
    def loss_unit(self) -> float | None:
        """What a loss of 1 in the table is in the user's units; None if they are the same."""
        return None

    @property
    def largest_output(self) -> float:
        """Outputs up to this size are numbers in the user's units."""
        return float("inf")

    # -------------------------------------------------------------- reading and encoding

    @staticmethod
    @abstractmethod
    def read(y: Any, X: Any, name: str = "y", *, warn: bool = True) -> NDArray[Any]:
        """Check targets as given; X may be None if there is nothing to compare lengths with."""

    def learnt_from(self, data: TrainingData) -> Self:
        """With what is only to be learnt of the rows trained on."""
        return self

    @abstractmethod
    def attributes(self) -> dict[str, Any]:
        """The fitted attributes from which an estimator makes these targets again."""

    @abstractmethod
    def encode(self, y: NDArray[Any], name: str = "y") -> NDArray[Any]:
        """From targets that were read to what the net is trained on."""

    @abstractmethod
    def decode(self, y: NDArray[Any]) -> NDArray[Any]:
        """From what the net is trained on to targets in the user's units."""

    def prepared(self, data: TrainingData) -> TrainingData:
        """Rows to train on with encoded targets and final weights."""
        encoded = replace(data, y=self.encode(data.y))
        return encoded.weighted(data.weights, "sample_weight")

    def validated_with(self, data: TrainingData) -> TrainingData:
        """Rows to validate with, with encoded targets."""
        return replace(data, y=self.encode(data.y, "y" if data.n_given else "y_val"))

    def strata(self, y: NDArray[Any]) -> NDArray[Any] | None:
        """What a validation split, and every fold, keeps the shares of; of encoded targets, too."""
        return None

    # -------------------------------------------------------------- what the net is told

    @abstractmethod
    def criterion(self) -> dict[str, Any]:
        """The criterion and its arguments, as arguments of a skorch net."""

    def as_trained(self, data: TrainingData, dtype: type[np.floating], name: str) -> NDArray[Any]:
        """Encoded targets in the type of a net, whose losses are numbers of that type."""
        return data.y

    # -------------------------------------------------------------- losses and scores

    @abstractmethod
    def losses(self, outputs: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
        """Losses of encoded targets in the user's units, from outputs of the net."""

    @abstractmethod
    def predictions(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Targets in the user's units that outputs of the net stand for."""

    @abstractmethod
    def score(self, outputs: NDArray[Any], y: NDArray[Any], weights: NDArray[Any] | None) -> float:
        """Validation score of outputs of the net."""

    def published_losses(self, losses: NDArray[Any]) -> NDArray[Any]:
        """Losses in the user's units; float64 if they are converted, for any scale of y."""
        return losses if self.loss_unit is None else losses.astype(np.float64) * self.loss_unit

    def published_history(self, records: Sequence[dict[str, float]]) -> list[dict[str, float]]:
        """Records of rounds in the user's units."""
        if self.loss_unit is None:
            return list(records)
        unit = self.loss_unit
        return [
            {k: v * unit if k in _LOSSES_OF_THE_HISTORY else v for k, v in record.items()}
            for record in records
        ]

    def in_units_of_the_table(self, metadata: RowMetadata) -> RowMetadata:
        """Given losses in the unit of those that the strategy sees."""
        losses = metadata.irreducible_losses
        if losses is None or self.loss_unit is None:
            return metadata
        return replace(metadata, irreducible_losses=losses / self.loss_unit)

    # -------------------------------------------------------------- out-of-fold losses

    @abstractmethod
    def out_of_fold_losses(
        self, fit: Fit, y: NDArray[Any], known: NDArray[np.bool_], inputs: Inputs
    ) -> NDArray[np.float64]:
        """Losses of the rows that are not `known`, in the units of the table.

        Parameters
        ----------
        fit : callable
            Fits a model on the known rows, given the targets of all rows in the user's units.
        y : ndarray of shape (n_rows,)
            Encoded targets of all rows.
        known : ndarray of shape (n_rows,), bool
            Which of them may be fitted on.
        inputs : ndarray or CSR of shape (n_held_out, n_features)
            Inputs of the others.
        """


@dataclass(frozen=True, eq=False)
class ClassTargets(Targets):
    """Labels, encoded as positions among the sorted classes; the loss is cross-entropy.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels, sorted.
    class_weight : mapping, 'balanced' or None
        Factors on the weights of the rows trained on.
    """

    classes: NDArray[Any]
    class_weight: Mapping[Any, float] | str | None = None

    dynamics = True
    score_name = "valid_acc"
    score_in_words = "accuracy"
    predicts_by = "predict_proba"
    read = staticmethod(validate_targets)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def loss(self) -> tuple[str]:
        """Cross-entropy has no parameters."""
        return ("cross_entropy",)

    def attributes(self) -> dict[str, Any]:
        """The classes."""
        return {"classes_": self.classes}

    def encode(self, y: NDArray[Any], name: str = "y") -> NDArray[np.int64]:
        """Codes of labels; unknown ones raise."""
        return encode_labels(y, self.classes, name)

    def decode(self, y: NDArray[np.int64]) -> NDArray[Any]:
        """Labels of codes."""
        labels: NDArray[Any] = self.classes[y]
        return labels

    def prepared(self, data: TrainingData) -> TrainingData:
        """With codes, and with weights times those of the classes."""
        # Of the training rows only: accuracy counts held-out rows by their sample weights.
        if self.class_weight is None:
            return super().prepared(data)
        data = replace(data, y=self.encode(data.y))
        if isinstance(self.class_weight, Mapping):
            factors = class_factors(self.class_weight, self.classes, data.y)
            data = data.take(np.flatnonzero(factors[data.y]))  # a class of weight zero is left out
            weights = times_class_factors(factors, data.y, data.weights)
        else:
            weights = times_balanced_factors(data.y, len(self.classes), data.weights)
        return data.weighted(weights, "sample_weight times class_weight")

    def strata(self, y: NDArray[Any]) -> NDArray[Any]:
        """The labels."""
        return y

    def criterion(self) -> dict[str, Any]:
        """Cross-entropy of each row."""
        from torch.nn import CrossEntropyLoss

        return {"criterion": CrossEntropyLoss, "criterion__reduction": "none"}

    def losses(self, outputs: NDArray[Any], y: NDArray[np.int64]) -> NDArray[Any]:
        """Cross-entropies in nats."""
        losses: NDArray[Any] = -log_probabilities(outputs)[np.arange(len(y)), y]
        return losses

    def predictions(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Labels of the largest outputs."""
        return self.decode(outputs.argmax(axis=1))

    def score(
        self, outputs: NDArray[Any], y: NDArray[np.int64], weights: NDArray[Any] | None
    ) -> float:
        """Accuracy."""
        return float(np.average(outputs.argmax(axis=1) == y, weights=weights))

    def out_of_fold_losses(
        self, fit: Fit, y: NDArray[np.int64], known: NDArray[np.bool_], inputs: Inputs
    ) -> NDArray[np.float64]:
        """Cross-entropies; a label that no known row has is as probable as any of the classes."""
        labels = self.decode(y)
        classes, held_out = np.unique(labels[known]), labels[~known]
        losses = np.full(len(held_out), np.log(self.n_classes))
        judged = np.flatnonzero(np.isin(held_out, classes))
        if len(classes) == 1:  # not every classifier can be fitted on one class
            losses[judged] = 0.0
        elif len(judged):
            fitted = fit(labels)
            proba = np.asarray(fitted.predict_proba(inputs))
            proba = proba[judged, np.searchsorted(fitted.classes_, held_out[judged])]
            losses[judged] = -np.log(np.clip(proba, np.finfo(proba.dtype).tiny, 1.0))
        return losses


@dataclass(frozen=True, eq=False)
class NumberTargets(Targets):
    """Numbers, encoded as standard deviations from their mean.

    Parameters
    ----------
    loss_name : {'squared_error', 'absolute_error', 'huber'}
        The loss of the net.
    delta : float
        Huber's delta in standard deviations.
    scale : TargetScale
        Mean and standard deviation, once they are learnt.
    """

    loss_name: str
    delta: float
    scale: TargetScale = _NOT_LEARNT

    dynamics = "loss"
    score_name = "valid_r2"
    score_in_words = "R²"
    predicts_by = "predict"

    read = staticmethod(validate_numbers)

    @property
    def loss(self) -> tuple[str, float]:
        """Name and delta of the loss."""
        return self.loss_name, self.delta

    @property
    def loss_unit(self) -> float:
        """What a loss of 1 is in the units of y."""
        return self.scale.unit_of(self.loss_name)

    @property
    def largest_output(self) -> float:
        """As of the scale."""
        return self.scale.largest_output

    def learnt_from(self, data: TrainingData) -> "NumberTargets":
        """With the mean and the standard deviation of these rows."""
        data = data.weighted(data.weights, "sample_weight")  # checked before they are used
        return replace(self, scale=scale_of(data.y, data.weights))

    def attributes(self) -> dict[str, Any]:
        """The scale, and the loss that the net has, whatever the parameters will be."""
        return {
            "target_mean_": self.scale.mean,
            "target_scale_": self.scale.spread,
            "_loss": self.loss,
        }

    def encode(self, y: NDArray[Any], name: str = "y") -> NDArray[np.float64]:
        """Standard deviations from the mean."""
        return self.scale.standardise(y)

    def decode(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """From standard deviations to the units of y."""
        return self.scale.restore(y)

    def validated_with(self, data: TrainingData) -> TrainingData:
        """Rows to validate with; at least two."""
        if len(data.y) < 2:
            raise ValueError(
                "Validation needs at least 2 rows, since R² is not defined for one. Raise "
                "validation_fraction, or pass more rows as X_val."
            )
        return super().validated_with(data)

    def criterion(self) -> dict[str, Any]:
        """The loss of each row."""
        from sklearn_sifal._regression_loss import RegressionLoss

        return {
            "criterion": RegressionLoss,
            "criterion__loss": self.loss_name,
            "criterion__delta": self.delta,
        }

    def as_trained(self, data: TrainingData, dtype: type[np.floating], name: str) -> NDArray[Any]:
        """In the type of a net, unless a loss is no number of single precision."""
        furthest = int(np.abs(data.y).argmax())
        with np.errstate(over="ignore"):
            loss = residual_losses(data.y[[furthest]], *self.loss)[0]
        if not loss <= np.finfo(np.float32).max:
            row = furthest if data.rows is None else int(data.rows[furthest])
            raise ValueError(
                f"{name} has a target {abs(data.y[furthest]):g} standard deviations from the mean "
                f"of those that the scale was learnt from, in row {row}: its loss would not be "
                "finite. Look at this target, and at the sample weights if there are any."
            )
        return data.y.astype(dtype, copy=False)

    def losses(self, outputs: NDArray[Any], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Losses in the units of y; infinite where they are no numbers of double precision."""
        with np.errstate(over="ignore"):
            losses = residual_losses(y - outputs[:, 0], *self.loss)
            return np.asarray(losses * self.loss_unit, np.float64)

    def predictions(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers in the units of y."""
        return self.decode(outputs[:, 0])

    def score(self, outputs: NDArray[Any], y: NDArray[Any], weights: NDArray[Any] | None) -> float:
        """R²."""
        return r_squared(y, outputs[:, 0], weights)

    def out_of_fold_losses(
        self, fit: Fit, y: NDArray[np.float64], known: NDArray[np.bool_], inputs: Inputs
    ) -> NDArray[np.float64]:
        """The losses of the net, of standardised targets."""
        fitted = fit(self.decode(y))
        predicted = np.asarray(fitted.predict(inputs), np.float64).reshape(-1)
        losses: NDArray[np.float64] = residual_losses(
            y[~known] - self.encode(predicted), *self.loss
        )
        return losses


def log_probabilities(outputs: NDArray[Any]) -> NDArray[Any]:
    """Logarithms of the probabilities of the classes, from the outputs of a net."""
    from scipy.special import log_softmax

    result: NDArray[Any] = log_softmax(outputs, axis=1)
    return result
