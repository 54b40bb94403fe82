"""Where torch computes and with how many threads, decided in one place."""

import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import pairwise
from typing import Any

import joblib
import torch

from sklearn_sifal._exceptions import InvalidParameterError

# Multiplications of one row through the dense layers for each further thread, measured with
# `python -m benchmarks.threads`. On an idle machine smaller nets gain too, milliseconds a
# step; on a busy one threads that wait for each other make a step many times as slow.
_MULTIPLICATIONS_PER_THREAD = 1 << 20
_MOST_THREADS = 4
# Those that `resolve_device` knows.
_KINDS_OF_DEVICE = ("cpu", "cuda", "mps")


def resolve_device(device: str) -> torch.device:
    """Turn `device` into a torch device that exists here.

    Parameters
    ----------
    device : str
        "auto" takes an accelerator if there is one, else the CPU; otherwise a torch
        device such as "cpu", "cuda", "cuda:1" or "mps".

    Raises
    ------
    InvalidParameterError
        If the device is unknown or not there.
    """
    if device == "auto":
        found = [name for name in ("cuda", "mps") if is_available(torch.device(name))]
        return torch.device(found[0] if found else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InvalidParameterError(
            f"The 'device' parameter must be 'auto' or a torch device. Got {device!r} instead."
        ) from error
    if not is_available(resolved):
        raise InvalidParameterError(
            f"The 'device' parameter names a device that is not available here: {device!r}. "
            "Use 'cpu', or 'auto' to take what there is."
        )
    return resolved


def is_available(device: torch.device) -> bool:
    """Whether torch can compute on this device here."""
    if device.type == "cpu":
        return True
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return False


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16; the CPU always can, if not always faster."""
    if device.type == "cuda":
        # Older ones emulate it, slower than float32.
        return bool(torch.version.hip) or torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "mps":
        return bool(torch.backends.mps.is_macos_or_newer(14, 0))
    return True


def choose_n_threads(layer_sizes: Sequence[int], *, sparse_input: bool) -> int:
    """Threads for a net: what its size is worth, and no more than are the caller's to use.

    Parameters
    ----------
    layer_sizes : sequence of int
        Widths from the input to the output.
    sparse_input : bool
        Whether the first layer reads sparse rows; it then costs next to nothing.
    """
    wanted = threads_by_size(layer_sizes, sparse_input=sparse_input)
    return wanted if wanted == 1 else min(wanted, allowed_threads())


def threads_by_size(layer_sizes: Sequence[int], *, sparse_input: bool) -> int:
    """Threads that a net of this size is fastest with where there are enough.

    Parameters
    ----------
    layer_sizes : sequence of int
        Widths from the input to the output.
    sparse_input : bool
        Whether the first layer reads sparse rows.
    """
    sizes = list(layer_sizes[1:] if sparse_input else layer_sizes)
    work = sum(a * b for a, b in pairwise(sizes))
    return min(_MOST_THREADS, 1 + work // _MULTIPLICATIONS_PER_THREAD)


def allowed_threads() -> int:
    """Threads that one computation may take without crowding out others.

    The least of torch's own setting, which follows ``OMP_NUM_THREADS`` and so what joblib
    leaves to a worker process, and the processors that this process may use. One outside
    of the main Python thread and in a daemonic process: such threads and pools of
    processes come in numbers, and nothing tells one of them how many there are.
    """
    if threading.current_thread() is not threading.main_thread():
        return 1
    if multiprocessing.current_process().daemon:
        return 1
    with _thread_count.lock:
        # Inside of another fit, torch's setting is that fit's.
        of_torch = _thread_count.before if _thread_count.n_users else torch.get_num_threads()
    # joblib also knows of the affinity of the process and of the quota of a container.
    return max(1, min(of_torch, int(joblib.cpu_count())))


class _Blocks(threading.local):
    """Thread counts of the blocks that the current Python thread is in, the innermost last."""

    def __init__(self) -> None:  # once in every thread
        self.counts: list[int] = []


class _ThreadCount:
    """Torch's thread count from before the first of the fits running now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.n_users = 0
        self.before = 1
        self.blocks = _Blocks()


_thread_count = _ThreadCount()


@contextmanager
def limited_threads(n_threads: int) -> Iterator[None]:
    """Compute with `n_threads` torch threads inside the block, and restore the setting.

    Fits may run in several Python threads. The count seen by the first one in is
    what every one of them restores; if each restored what it saw itself, one that
    began inside another's block would leave that block's count behind for ever.
    Within one Python thread blocks nest: scoring between the rounds of a fit leaves
    the fit its own count.
    """
    with _thread_count.lock:
        if _thread_count.n_users == 0:
            _thread_count.before = torch.get_num_threads()
        _thread_count.n_users += 1
        _thread_count.blocks.counts.append(n_threads)
        if torch.get_num_threads() != n_threads:
            torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        with _thread_count.lock:
            _thread_count.n_users -= 1
            _thread_count.blocks.counts.pop()
            outer = [_thread_count.before, *_thread_count.blocks.counts][-1]
            if torch.get_num_threads() != outer:
                torch.set_num_threads(outer)


@contextmanager
def own_torch_settings(device: torch.device | str = "cpu") -> Iterator[None]:
    """Compute inside the block as if the caller had set nothing of torch for its own ends.

    A default device, autocast, ``no_grad()`` and ``inference_mode()`` would reach into a
    training or a prediction that is called within them: tensors would be made elsewhere, in
    another precision, or without gradients. Afterwards they hold as before.

    Parameters
    ----------
    device : torch.device or str, default="cpu"
        Where tensors are made instead of on the caller's default device.
    """
    with ExitStack() as stack:
        stack.enter_context(tensors_on(device))
        for kind in _KINDS_OF_DEVICE:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        yield


def tensors_on(device: torch.device | str = "cpu") -> AbstractContextManager[Any]:
    """A block in which no default device of the caller's is taken: tensors are made on `device`.

    Where the caller has set none, they are made on the CPU, as ever.
    """
    here = torch.device(device)
    try:
        default = torch.get_default_device().type
    except (RuntimeError, AssertionError):  # one that is not there: "cuda" without one
        default = "missing"
    # Only where it is needed: such a block makes every call of torch slower.
    return nullcontext() if default in ("cpu", here.type) else here
