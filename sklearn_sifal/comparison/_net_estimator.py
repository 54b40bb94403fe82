"""A skorch net with what a comparison asks of an estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_sifal._targets import ClassTargets, NumberTargets, Targets

# A net has no parameters of these names; trainings of a comparison are given them.
_NOT_OF_NETS = ("n_threads",)


class NetEstimator:
    """Stands for a `LossSampledNet` among the estimators of a comparison.

    A training begins by ``torch.manual_seed`` with its seed, so that modules made from classes
    start from the same weights under every strategy; torch's own random state is as before
    afterwards. A module that was made already is copied for every training.

    Parameters
    ----------
    net : LossSampledNet
        With its parameters; fitted or not.
    kind : type
        Whether targets are classes or numbers, of the subclasses of `Targets`.
    """

    def __init__(self, net: Any, kind: type[Targets]) -> None:
        self.net, self._kind = net, kind

    # ------------------------------------------------------------------ parameters

    @property
    def budget(self) -> Any:
        """Row visits in units of the rows."""
        return self.net.budget

    @property
    def lr(self) -> Any:
        """Learning rate of the optimiser."""
        return self.net.lr

    @property
    def sampling_strategy(self) -> Any:
        """Which rows to train on."""
        return self.net.sampling_strategy

    @property
    def sampling_percentage(self) -> Any:
        """The knob of a strategy given by name."""
        return self.net.sampling_percentage

    @property
    def callbacks(self) -> Any:
        """Of skorch; none where all are switched off."""
        callbacks = self.net.callbacks
        return None if isinstance(callbacks, str) else callbacks

    def get_params(self, deep: bool = False) -> dict[str, Any]:
        """Parameters of the net.

        Parameters
        ----------
        deep : bool, default=False
            Whether to give those of its parts, too.
        """
        found: dict[str, Any] = self.net.get_params(deep=deep)
        return found

    def set_params(self, **parameters: Any) -> "NetEstimator":
        """Set parameters of the net.

        Parameters
        ----------
        **parameters : Any
            By name; those that nets do not have are left out.
        """
        own = {name: value for name, value in parameters.items() if name not in _NOT_OF_NETS}
        if "callbacks" in own:  # which skorch cannot set where none were to be used before
            self.net.callbacks = own.pop("callbacks")
        self.net.set_params(**own)
        return self

    def with_same_callbacks(self) -> "NetEstimator":
        """An unfitted copy, with the very same callbacks."""
        parameters = self.get_params()
        callbacks = parameters.pop("callbacks")
        copies = {name: clone(value, safe=False) for name, value in parameters.items()}
        return NetEstimator(type(self.net)(**copies, callbacks=callbacks), self._kind)

    def _check_parameters(self) -> None:
        from sklearn_sifal.strategies._registry import resolve_strategy

        resolve_strategy(self.sampling_strategy, self.sampling_percentage)

    def __repr__(self) -> str:
        return repr(self.net)

    # ------------------------------------------------------------------ training

    def fit(self, X: Any, y: NDArray[Any], sample_weight: Any = None) -> "NetEstimator":
        """Train the net from new weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Inputs.
        y : ndarray of shape (n_samples,)
            Targets.
        sample_weight : None
            Nets take no weights.
        """
        if sample_weight is not None:
            raise ValueError("sample_weight: a LossSampledNet takes no weights of rows.")
        with _seeded(self.net):
            self.net.initialize()
            self.initial_weights_ = _weights_of(self.net)
            self.net.partial_fit(X, self._as_net_targets(X, y))
        self.net_ = self.net
        self.classes_ = self.net.classes_
        return self

    @property
    def history_(self) -> list[dict[str, Any]]:
        """Figures of the rounds, with NaN for what is not known."""
        return [
            {name: float("nan") if value is None else value for name, value in round_.items()}
            for round_ in self.net.history
        ]

    @property
    def visit_counts_(self) -> NDArray[np.int32]:
        """How often each row was trained on."""
        counts: NDArray[np.int32] = self.net.visit_counts_
        return counts

    @property
    def training_mask_(self) -> NDArray[np.bool_]:
        """Rows that were not held out by `train_split`."""
        mask: NDArray[np.bool_] = ~self.net.loss_table_["held_out"]
        return mask

    @property
    def weights_(self) -> dict[str, NDArray[Any]]:
        """Weights of the module by name."""
        return _weights_of(self.net)

    def _losses_and_predictions(
        self, X: Any, y: NDArray[Any]
    ) -> tuple[NDArray[np.floating], NDArray[Any]]:
        from sklearn_sifal._seeding import make_streams
        from sklearn_sifal.neural._net import device_of
        from sklearn_sifal.neural._net_data import make_gatherer

        net = self.net_
        dataset = net.get_dataset(X, self._as_net_targets(X, y))
        arguments = net.get_params_for("iterator_valid")
        streams = make_streams(0, call=0)
        gatherer = make_gatherer(dataset, net.iterator_valid, arguments, device_of(net), streams)
        losses = net.score_rows(gatherer, np.arange(len(y)), owner="compare_strategies")["loss"]
        outputs = np.asarray(net.predict_proba(X))
        if issubclass(self._kind, ClassTargets):
            return losses, outputs.argmax(axis=1)
        if outputs.size != len(y):
            raise ValueError(
                "A comparison needs one number a row from a module of a regression. Got outputs "
                f"of shape {outputs.shape} for {len(y)} row(s)."
            )
        return losses, outputs.reshape(len(y))

    def _as_net_targets(self, X: Any, y: NDArray[Any]) -> NDArray[Any]:
        """Codes as int64; numbers as float32, in the shape of what the module returns."""
        if issubclass(self._kind, ClassTargets):
            return np.asarray(y, np.int64)
        numbers = np.asarray(y, np.float32)
        return numbers[:, None] if self._returns_column(X) else numbers

    def _returns_column(self, X: Any) -> bool:
        shape = self.net.predict_proba(X[:2]).shape
        return len(shape) == 2 and shape[1] == 1


def wrapped(net: Any, y: Any) -> NetEstimator:
    """Make a net an estimator of a comparison.

    Parameters
    ----------
    net : LossSampledNet
        The net.
    y : array-like of shape (n_samples,)
        Targets of the training part, which tell classes from numbers where the criterion is
        a user's own.

    Raises
    ------
    ValueError
        If the criterion takes class codes, and the targets are none; or if what the net
        predicts with its criterion is not known.
    """
    import torch

    from sklearn_sifal.neural._criteria import CLASS_CODE_CRITERIA, REAL_TARGET_CRITERIA

    criterion = net.criterion if isinstance(net.criterion, type) else type(net.criterion)
    if issubclass(criterion, (torch.nn.BCELoss, torch.nn.BCEWithLogitsLoss)):
        raise ValueError(
            f"compare_strategies cannot score a LossSampledNet with {criterion.__name__}. For two "
            "classes give the module two outputs, and the net criterion=torch.nn.CrossEntropyLoss."
        )
    targets = np.asarray(y)
    if issubclass(criterion, CLASS_CODE_CRITERIA):
        is_code = True
    elif issubclass(criterion, REAL_TARGET_CRITERIA):
        is_code = False
    else:
        is_code = targets.dtype.kind in "iub"
    if is_code and targets.dtype.kind not in "iub":
        raise ValueError(
            "A LossSampledNet takes class codes, whole numbers from 0. Got y_train of type "
            f"{targets.dtype}: encode it, with sklearn.preprocessing.LabelEncoder."
        )
    return NetEstimator(clone(net), ClassTargets if is_code else NumberTargets)


def _weights_of(net: Any) -> dict[str, NDArray[Any]]:
    """Copies of the weights of a net's modules."""
    found: dict[str, NDArray[Any]] = {}
    for name in net._modules:
        prefix = "" if name == "module" else f"{name}."
        for key, weight in getattr(net, f"{name}_").named_parameters():
            found[prefix + key] = weight.detach().cpu().numpy().copy()
    return found


@contextmanager
def _seeded(net: Any) -> Iterator[None]:
    """A block in which torch draws by the seed of a net; afterwards its state is as before."""
    import torch

    from sklearn_sifal.neural._net import device_of

    device = device_of(net)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(net.random_state)
        yield
