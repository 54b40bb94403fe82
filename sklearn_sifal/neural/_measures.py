"""Per-instance measures of one forward pass of a classifier."""

from collections.abc import Sequence

import torch

#: Names that `measure` and a strategy's `measures` know.
MEASURES = ("loss", "correct", "max_probability", "margin", "el2n")


def check_measures(measures: Sequence[str], owner: str) -> None:
    """Raise if a strategy asks for a measure that does not exist."""
    unknown = [name for name in measures if name not in MEASURES]
    if unknown:
        raise ValueError(
            f"{owner} asks for the unknown measure {unknown[0]!r}. "
            f"Known measures: {', '.join(map(repr, MEASURES))}."
        )


def check_measurable(outputs: object, y: object, measures: Sequence[str], owner: str) -> None:
    """Raise unless outputs and targets are those of a classifier with one label per instance.

    Parameters
    ----------
    outputs : object
        What the module returned.
    y : object
        Targets of the batch.
    measures : sequence of str
        Names that were asked for, one of them not 'loss'.
    owner : str
        Who asks, for the message.

    Raises
    ------
    ValueError
        If `measure` cannot work with them.
    """
    asked = [name for name in measures if name != "loss"]
    is_logits = isinstance(outputs, torch.Tensor) and outputs.ndim == 2 and outputs.shape[1] > 1
    is_codes = isinstance(y, torch.Tensor) and y.ndim == 1 and not y.is_floating_point()
    if not (is_logits and is_codes):
        raise ValueError(
            f"{owner} needs the measure {asked[0]!r}, which exists for classifiers only: outputs "
            "of shape (n, n_classes), with at least two classes, and integer targets of shape "
            f"(n,). Got outputs {_describe(outputs)} and targets {_describe(y)}. Choose a strategy "
            "that looks at the loss alone."
        )


def _describe(values: object) -> str:
    if isinstance(values, torch.Tensor):
        return f"of shape {tuple(values.shape)} and type {values.dtype}"
    return f"of type {type(values).__name__}"


def measure(
    logits: torch.Tensor, y: torch.Tensor, measures: Sequence[str]
) -> dict[str, torch.Tensor]:
    """Measures beside the loss, as arrays of shape (n,).

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes)
        Outputs of the module.
    y : Tensor of shape (n,), int64
        Class codes.
    measures : sequence of str
        Among 'correct' (the largest logit is the label's), 'max_probability', 'margin'
        (logit of the label minus the largest other one) and 'el2n' (Euclidean length
        of the probabilities minus the one-hot label). 'loss' is passed over.

    References
    ----------
    Margin: Pleiss et al., "Identifying mislabeled data using the area under the margin
    ranking", NeurIPS 2020. EL2N: Paul, Ganguli and Dziugaite, "Deep learning on a data
    diet", NeurIPS 2021.
    """
    result: dict[str, torch.Tensor] = {}
    label = y.unsqueeze(1)
    if "correct" in measures:
        result["correct"] = logits.argmax(1) == y
    if "margin" in measures:
        others = logits.scatter(1, label, -torch.inf)
        result["margin"] = logits.gather(1, label).squeeze(1) - others.amax(1)
    if "max_probability" in measures or "el2n" in measures:
        probabilities = logits.softmax(1)
        if "max_probability" in measures:
            result["max_probability"] = probabilities.amax(1)
        if "el2n" in measures:
            error = probabilities.scatter_add(1, label, -torch.ones_like(logits[:, :1]))
            result["el2n"] = torch.linalg.vector_norm(error, dim=1)
    return result
