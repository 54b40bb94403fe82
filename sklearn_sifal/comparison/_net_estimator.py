"""A skorch net with what a comparison asks of an estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_sifal._targets import Targets
from sklearn_sifal.comparison._net_targets import NetTargets, first_of, targets_of_net

# A net has no parameters of these names; trainings of a comparison are given them.
_NOT_OF_NETS = ("n_threads",)


class NetEstimator:
    """Stands for a `LossSampledNet` among the estimators of a comparison.

    A training begins as after ``torch.manual_seed`` with its seed, so that modules made from
    classes start from the same weights under every strategy; torch's own random state is as
    before afterwards. A module that was made already is copied for every training, and so are
    callbacks, but for what they were given.

    Parameters
    ----------
    net : LossSampledNet
        With its parameters; fitted or not.
    targets : NetTargets
        What its targets are.
    """

    def __init__(self, net: Any, targets: NetTargets) -> None:
        self.net, self.targets = net, targets

    @property
    def _kind(self) -> type[Targets] | None:
        return self.targets.kind

    @property
    def module_name(self) -> str:
        """What kind of module it has."""
        module = self.net.module
        made_by = type(module) if hasattr(module, "parameters") else module
        return str(getattr(made_by, "__qualname__", repr(made_by)))

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
        of_optimizer = self.get_params().get("optimizer__lr")
        if "lr" in own and of_optimizer is not None:
            raise ValueError(
                f"lr={own['lr']!r} would change nothing, since the optimiser of the net goes by "
                f"optimizer__lr={of_optimizer!r}. Leave one out."
            )
        for name in own:
            if name.split("__")[0] == "criterion":
                raise ValueError(
                    f"{name} must be the same for all strategies: losses by different criteria "
                    "cannot be compared."
                )
        if "callbacks" in own:  # which skorch cannot set where none were to be used before
            self.net.callbacks = own.pop("callbacks")
        self.net.set_params(**own)
        return self

    def with_same_callbacks(self) -> "NetEstimator":
        """An unfitted copy, with the very same callbacks."""
        parameters = self.get_params()
        callbacks = parameters.pop("callbacks")
        copies = {name: clone(value, safe=False) for name, value in parameters.items()}
        return NetEstimator(type(self.net)(**copies, callbacks=callbacks), self.targets)

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
        from sklearn_sifal.neural._own_callbacks import own_callbacks

        if sample_weight is not None:
            raise ValueError("sample_weight: a LossSampledNet takes no weights of rows.")
        if isinstance(self.net.callbacks, list | tuple):
            self.net.callbacks = own_callbacks(self.net.callbacks)
        with _random_state_kept(self.net, self.net.random_state):
            self.net.initialize()
            # Before the weights are looked at: lazy modules have none until they saw a row.
            targets = self._as_net_targets(X, y)
            self.initial_weights_ = _weights_of(self.net)
            self.net.partial_fit(X, targets)
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
        # An iterator of the user's draws from torch's random state, also between rounds.
        with _random_state_kept(net):
            dataset = net.get_dataset(X, self._as_net_targets(X, y))
            arguments = net.get_params_for("iterator_valid")
            gatherer = make_gatherer(
                dataset, net.iterator_valid, arguments, device_of(net), make_streams(0)
            )
            owner = "compare_strategies"
            losses = net.score_rows(gatherer, np.arange(len(y)), owner=owner)["loss"]
            return losses, self.targets.predicted(net, X, len(y))

    def _as_net_targets(self, X: Any, y: NDArray[Any]) -> NDArray[Any]:
        return self.targets.for_net(y, first_of(self.net.forward(X[:2])))


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
        If the criterion does not take such targets, or they cannot be scored.
    """
    return NetEstimator(net, targets_of_net(net, y)).with_same_callbacks()


def rows_of_net(X: Any, name: str) -> Any:
    """Inputs of a net, of which rows can be taken by number.

    Parameters
    ----------
    X : array-like
        As given to `compare_strategies`; tensors become arrays.
    name : str
        The argument.

    Raises
    ------
    TypeError
        If it is a tuple, whose rows would have to be put together.
    """
    import torch

    if isinstance(X, torch.Tensor):
        return X.detach().cpu().numpy()
    if isinstance(X, tuple):  # of the inputs of a module that takes several
        raise TypeError(
            f"{name} must be one array, tensor or CSR matrix with a row for each target, so that "
            "rows can be held out and looked at. Got a tuple."
        )
    return X


def _weights_of(net: Any) -> dict[str, NDArray[Any]]:
    """Copies of the weights of a net's modules."""
    import torch

    found: dict[str, NDArray[Any]] = {}
    for name in net._modules:
        prefix = "" if name == "module" else f"{name}."
        for key, weight in getattr(net, f"{name}_").named_parameters():
            values = weight.detach().cpu()
            if values.dtype is torch.bfloat16:  # which numpy has not
                values = values.float()
            found[prefix + key] = values.numpy().copy()
    return found


@contextmanager
def _random_state_kept(net: Any, seed: int | None = None) -> Iterator[None]:
    """A block after which torch's random states are what they were before.

    Parameters
    ----------
    net : LossSampledNet
        Whose device is used.
    seed : int or None
        What the block begins with; None for the states as they are.
    """
    import torch

    from sklearn_sifal.neural._net import device_of

    device = device_of(net)
    index = device.index or 0
    with torch.random.fork_rng(devices=[index] if device.type == "cuda" else []):
        if seed is not None:
            # Not torch.manual_seed, which sets the states of devices that are not used, too.
            torch.default_generator.manual_seed(seed)
            if device.type == "cuda":
                with torch.cuda.device(index):
                    torch.cuda.manual_seed(seed)
        yield
