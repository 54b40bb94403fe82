"""How many processes train together, as far as this one can tell."""

import os
import sys

import torch


def n_processes() -> int:
    """Number of processes that train together; 1 where none of the known ways is in use.

    Known are process groups of ``torch.distributed``, which Lightning and most others use,
    accelerate, and torch_xla. A library that nobody imported is not imported here.
    """
    return max(_in_process_group(), _in_accelerate(), _in_xla())


def n_unconnected_processes() -> int:
    """Number of processes that a launcher such as torchrun says it started, where no group is.

    They may train on their own, or together in a way that is not known here; 1 without any.
    """
    size = os.environ.get("WORLD_SIZE", "")
    if "RANK" not in os.environ or not size.isdecimal() or _has_group() or n_processes() > 1:
        return 1
    return int(size)


def refuse_several_processes(owner: str, advice: str) -> None:
    """Raise if other processes train together with this one.

    Parameters
    ----------
    owner : str
        What cannot do that, for the message.
    advice : str
        What to do instead; whole sentences.

    Raises
    ------
    RuntimeError
        If there is more than one process.
    """
    n = n_processes()
    if n > 1:
        raise RuntimeError(
            f"{owner} chooses rows by what one process knows of their losses, and {n} processes "
            "train together here: each would choose by a table of its own, and rows that another "
            f"one trains on would never be reported. {advice}"
        )


def _has_group() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _in_process_group() -> int:
    return int(torch.distributed.get_world_size()) if _has_group() else 1


def _in_accelerate() -> int:
    module = sys.modules.get("accelerate.state")
    state = getattr(module, "PartialState", None)
    # Making one that nobody made before would set accelerate up.
    if state is None or not getattr(state, "_shared_state", True):
        return 1
    return int(state().num_processes)


def _in_xla() -> int:
    module = sys.modules.get("torch_xla.runtime")
    return 1 if module is None else int(module.world_size())
