"""When the losses of training steps are copied to the host and written down."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_sifal.batches._as_array import as_array

#: Row numbers of a step, and what it measured by name, arrays of shape (n,).
Entry = tuple[NDArray[np.int64], dict[str, NDArray[Any]]]


class StepLedger:
    """Hands back what training steps measured, to be written: at once, or later and together.

    On an accelerator a copy to the host waits for all work that is under way. Done after
    every step it would leave the device idle while the next one is prepared, so that there
    the values stay until somebody is about to look at them. They come back step by step
    and in the order of the steps either way: the results are the same.

    Parameters
    ----------
    delayed : bool
        Whether values wait for `settle`.
    """

    def __init__(self, *, delayed: bool) -> None:
        self.delayed = delayed
        self._waiting: list[tuple[NDArray[np.int64], dict[str, torch.Tensor]]] = []

    def enter(
        self, rows: NDArray[np.int64], measured: Mapping[str, torch.Tensor]
    ) -> Sequence[Entry]:
        """Take the values of one step.

        Parameters
        ----------
        rows : ndarray of shape (n,), int64
            Row numbers.
        measured : mapping of str to Tensor of shape (n,)
            The losses ("loss") and whatever else was measured; the same names in every step.

        Returns
        -------
        entries : sequence of (rows, measured)
            What is to be written now: this step, or nothing.
        """
        if not self.delayed:
            return [(rows, {name: as_array(values) for name, values in measured.items()})]
        self._waiting.append((rows, {name: values.detach() for name, values in measured.items()}))
        return []

    def settle(self) -> Iterator[Entry]:
        """Yield what waits, step by step, with one copy for each measure."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        copied = {
            name: as_array(torch.cat([measured[name] for _, measured in waiting]))
            for name in waiting[0][1]
        }
        start = 0
        for rows, _ in waiting:
            step = slice(start, start := start + len(rows))
            yield rows, {name: values[step] for name, values in copied.items()}
