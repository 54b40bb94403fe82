"""Undoing a training in place that failed half-way."""

# Any: an optimiser keeps tensors, and whatever else it likes.

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_sifal._devices import own_torch_settings
from sklearn_sifal.neural._mlp_net import MLPNet


class Checkpoint:
    """Weights, optimisers and attributes of a net, to be put back.

    Parameters
    ----------
    net : MLPNet
        An initialised net.
    features : ndarray of shape (n,), int64, or None
        The only features that the training can touch in a sparse first layer; None
        for all. What it cannot touch is not copied, so that streaming small chunks
        through a wide layer stays cheap.
    """

    def __init__(self, net: MLPNet, features: NDArray[np.int64] | None) -> None:
        self.net = net
        self.features: torch.Tensor | None = None
        if features is not None and net.sparse_input:
            device = net.module_.input.weight.device
            self.features = torch.from_numpy(features).to(device)
        # The optimisers may be replaced, and the history grows in place.
        self.attributes = vars(net).copy()
        self.n_epochs = len(net.history)
        self.params = [(p, self._copy(p.detach(), p)) for p in net.module_.parameters()]
        self.states = [
            {
                param: {name: self._copy(value, param) for name, value in state.items()}
                for param, state in optimizer.state.items()
            }
            for optimizer in net.optimizers().values()
        ]
        self.groups = [
            [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
            for optimizer in net.optimizers().values()
        ]

    @own_torch_settings()
    def restore(self) -> None:
        """Put everything back as it was."""
        self.net.__dict__.clear()
        self.net.__dict__.update(self.attributes)
        del self.net.history[self.n_epochs :]
        with torch.no_grad():
            for param, saved in self.params:
                self._put_back(param, saved, param)
            optimizers = self.net.optimizers().values()
            saved = zip(optimizers, self.states, self.groups, strict=True)
            for optimizer, states, groups in saved:
                for group, before in zip(optimizer.param_groups, groups, strict=True):
                    group.update(before)
                for param in list(optimizer.state):
                    if param in states:
                        self._restore_state(optimizer.state[param], states[param], param)
                    else:
                        del optimizer.state[param]

    def _restore_state(
        self, state: dict[str, Any], saved: dict[str, Any], param: torch.Tensor
    ) -> None:
        for name, value in saved.items():
            if isinstance(value, torch.Tensor):
                self._put_back(state[name], value, param)
            else:
                state[name] = value

    def _rows(self, value: torch.Tensor, param: torch.Tensor) -> torch.Tensor | None:
        """Rows of `value` that can change if it has one per feature; None for all of it."""
        wide = self.net.module_.input.weight
        if param is wide and value.shape[:1] == wide.shape[:1]:
            return self.features
        return None

    def _copy(self, value: Any, param: torch.Tensor) -> Any:
        if not isinstance(value, torch.Tensor):
            return copy.deepcopy(value)
        rows = self._rows(value, param)
        return value.clone() if rows is None else value.index_select(0, rows)

    def _put_back(self, current: torch.Tensor, saved: torch.Tensor, param: torch.Tensor) -> None:
        rows = self._rows(current, param)
        if rows is None:
            current.copy_(saved)
        else:
            current.index_copy_(0, rows, saved)
