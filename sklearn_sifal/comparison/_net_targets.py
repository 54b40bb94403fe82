"""What the targets of a net are: by its criterion, and by their type where that is no other's."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._targets import ClassTargets, NumberTargets, Targets


@dataclass(frozen=True)
class NetTargets:
    """Base class: what a criterion takes, and what of its module's outputs can be scored.

    Attributes
    ----------
    criterion : str
        Name of the criterion.
    is_likelihood : bool
        Whether its loss is a negative log-likelihood.
    """

    criterion: str
    is_likelihood: bool = False

    #: Of targets that tell what a prediction is; None where there is nothing but the loss.
    kind: ClassVar[type[Targets] | None] = None

    def for_net(self, y: NDArray[Any], outputs: Any) -> NDArray[Any]:
        """Targets as the criterion takes them, beside outputs of a few rows."""
        raise NotImplementedError

    def predicted(self, net: Any, X: Any, n_rows: int) -> NDArray[Any]:
        """What a fitted net predicts, shape (n_rows,)."""
        raise NotImplementedError


class CodeTargets(NetTargets):
    """Class codes, with an output for each class."""

    kind = ClassTargets

    def for_net(self, y: NDArray[Any], outputs: Any) -> NDArray[Any]:
        """Codes as int64."""
        if len(outputs.shape) != 2:
            raise ValueError(
                f"y_train has whole numbers, which under {self.criterion} are taken to be class "
                "codes, and the module needs an output for each class. Got outputs of shape "
                f"{tuple(outputs.shape)} for {len(outputs)} row(s); targets that are no codes must "
                "be of type float."
            )
        return np.asarray(y, np.int64)

    def predicted(self, net: Any, X: Any, n_rows: int) -> NDArray[Any]:
        """Codes of the largest outputs."""
        codes: NDArray[Any] = np.asarray(net.predict_proba(X)).argmax(axis=1)
        return codes


@dataclass(frozen=True)
class BinaryTargets(NetTargets):
    """Codes 0 and 1, with one output for the probability of 1.

    Attributes
    ----------
    threshold : float
        Outputs above it stand for 1.
    """

    threshold: float = 0.0

    kind: ClassVar[type[Targets] | None] = ClassTargets

    def for_net(self, y: NDArray[Any], outputs: Any) -> NDArray[Any]:
        """Numbers in the shape of the outputs."""
        return shaped_as(y, outputs, self.criterion)

    def predicted(self, net: Any, X: Any, n_rows: int) -> NDArray[Any]:
        """1 for outputs above the threshold."""
        outputs = first_of(net.forward(X)).numpy().reshape(n_rows)
        return np.asarray(outputs > self.threshold, np.int64)


class RealTargets(NetTargets):
    """Numbers, with an output that predicts them."""

    kind = NumberTargets

    def for_net(self, y: NDArray[Any], outputs: Any) -> NDArray[Any]:
        """Numbers in the shape of the outputs."""
        return shaped_as(y, outputs, self.criterion)

    def predicted(self, net: Any, X: Any, n_rows: int) -> NDArray[Any]:
        """The outputs."""
        outputs: NDArray[Any] = np.asarray(net.predict_proba(X)).reshape(n_rows)
        return outputs


@dataclass(frozen=True)
class UnknownTargets(NetTargets):
    """Numbers of which only a criterion knows how they belong to the outputs.

    Attributes
    ----------
    as_column : bool
        Whether they were given in the shape (n_rows, 1).
    """

    as_column: bool = False

    def for_net(self, y: NDArray[Any], outputs: Any) -> NDArray[Any]:
        """Numbers in the shape in which they were given, of the type of the outputs."""
        numbers = np.asarray(y).astype(outputs.numpy().dtype)
        return numbers[:, None] if self.as_column else numbers

    def predicted(self, net: Any, X: Any, n_rows: int) -> NDArray[Any]:
        """The outputs, or NaN where there are several for a row."""
        outputs = np.asarray(net.predict_proba(X), np.float64)
        return outputs.reshape(n_rows) if outputs.size == n_rows else np.full(n_rows, np.nan)


def shaped_as(y: NDArray[Any], outputs: Any, criterion: str) -> NDArray[Any]:
    """Numbers of the type of outputs, and in their shape.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        The numbers.
    outputs : Tensor of shape (n, 1) or (n,)
        Of a few rows.
    criterion : str
        That takes both.

    Raises
    ------
    ValueError
        If there are several outputs for a row.
    """
    if outputs.numel() != len(outputs):
        raise ValueError(
            f"A comparison under {criterion} needs one output a row from the module. Got outputs "
            f"of shape {tuple(outputs.shape)} for {len(outputs)} row(s)."
        )
    values = np.asarray(y).astype(outputs.numpy().dtype)
    return values.reshape(len(values), *outputs.shape[1:])


def first_of(outputs: Any) -> Any:
    """What skorch predicts with, of a module with several outputs."""
    return outputs[0] if isinstance(outputs, tuple) else outputs


def targets_of_net(net: Any, y: Any) -> NetTargets:
    """Find out what the targets of a net are.

    Parameters
    ----------
    net : LossSampledNet
        The net.
    y : array-like of shape (n_rows,) or (n_rows, 1)
        Its targets. Where the criterion is a user's own, whole numbers are class codes.

    Raises
    ------
    ValueError
        If the criterion does not take such targets, or they cannot be scored.
    """
    import torch

    from sklearn_sifal.neural._criteria import CLASS_CODE_CRITERIA, REAL_TARGET_CRITERIA

    values = _read(y)
    criterion = net.criterion if isinstance(net.criterion, type) else type(net.criterion)
    name = criterion.__name__ if issubclass(criterion, torch.nn.Module) else "the criterion"
    likelihood = issubclass(criterion, CLASS_CODE_CRITERIA) and not _is_changed(net)
    if issubclass(criterion, CLASS_CODE_CRITERIA):
        _check_codes(values, name)
        return CodeTargets(name, likelihood)
    if issubclass(criterion, torch.nn.BCELoss | torch.nn.BCEWithLogitsLoss):
        if values.dtype.kind in "biuf" and np.isin(values, (0, 1)).all():
            threshold = 0.5 if issubclass(criterion, torch.nn.BCELoss) else 0.0
            return BinaryTargets(name, not _is_changed(net), threshold)
    elif issubclass(criterion, REAL_TARGET_CRITERIA):
        return RealTargets(name)
    elif values.dtype.kind in "biu" and not issubclass(criterion, torch.nn.PoissonNLLLoss):
        _check_codes(values, name)
        return CodeTargets(name)
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"A LossSampledNet takes numbers as targets. Got y_train of type {values.dtype}."
        )
    return UnknownTargets(name, as_column=values.ndim == 2)


def _read(y: Any) -> NDArray[Any]:
    """Targets as an array; they are checked in full with the rest of the data."""
    if y is None:
        raise ValueError(
            "y_train must have a target for each row. Got None; of a Dataset no rows can be held "
            "out and looked at, so give its inputs and targets as arrays."
        )
    values = np.asarray(y.detach().cpu() if hasattr(y, "detach") else y)
    if values.ndim != 1 and values.shape[1:] != (1,):
        raise ValueError(
            "A comparison of a LossSampledNet takes one target a row: a class code or a number. "
            f"Got y_train of shape {values.shape}."
        )
    return values


def _check_codes(y: NDArray[Any], criterion: str) -> None:
    if y.dtype.kind not in "biu":
        raise ValueError(
            f"Under {criterion} a LossSampledNet takes class codes, whole numbers from 0. Got "
            f"y_train of type {y.dtype}: encode it, with sklearn.preprocessing.LabelEncoder."
        )
    if len(y) and y.min() < 0:
        raise ValueError(
            f"y_train must have class codes from 0 under {criterion}. Got {y.min()}. Leave out "
            "rows that the criterion ignores: no prediction is right for them."
        )


def _is_changed(net: Any) -> bool:
    """Whether a criterion of torch's weighs classes, or smooths labels."""
    criterion, parameters = net.criterion, net.get_params(deep=False)

    def given(name: str) -> Any:
        return parameters.get(f"criterion__{name}", getattr(criterion, name, None))

    weighted = any(given(name) is not None for name in ("weight", "pos_weight"))
    return weighted or bool(given("label_smoothing"))
