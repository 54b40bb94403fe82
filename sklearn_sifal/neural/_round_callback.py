"""A callback that hands the net to a function after every round."""

from collections.abc import Callable

from skorch import NeuralNet
from skorch.callbacks import Callback


class RoundCallback(Callback):
    """Calls a function at the end of every round, while the training waits.

    Parameters
    ----------
    function : callable
        Called with the net. It may predict with it.
    """

    def __init__(self, function: Callable[[NeuralNet], None]) -> None:
        self.function = function

    def on_epoch_end(self, net: NeuralNet, **kwargs: object) -> None:
        """Call the function."""
        self.function(net)
