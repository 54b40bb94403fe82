"""The callbacks of one fit: what was given to them is shared, what they keep is their own."""

# Any: callbacks are whatever the user gives to skorch.

import copy
import inspect
from collections import deque
from typing import Any

# What a callback collects in.
_CONTAINERS = (list, dict, set, deque)


def own_callbacks(callbacks: Any) -> list[Any] | None:
    """Callbacks for one fit.

    Neither a net nor a log, a file, a lock or an Optuna trial that a callback was given is
    copied: it is there to be told. What the callback itself collects is not to run over
    from one fit into the next.

    Parameters
    ----------
    callbacks : list or None
        Callbacks, classes of callbacks, and pairs of a name and either of them.

    Returns
    -------
    callbacks : list or None
        The same, with a copy of each callback.
    """
    if callbacks is None:
        return None
    return [
        (item[0], _own(item[1]))
        if isinstance(item, tuple | list) and len(item) == 2
        else _own(item)
        for item in callbacks
    ]


def _own(callback: Any) -> Any:
    """A copy that has lists, dicts and sets of its own, but for those that it was given."""
    if callback is None or isinstance(callback, type):  # skorch makes it
        return callback
    own = _shallow_copy(callback)
    given = _names_of_arguments(type(callback))
    if given is None or not hasattr(own, "__dict__"):
        return own
    for name, value in vars(own).items():
        if name.lstrip("_") not in given and isinstance(value, _CONTAINERS):
            vars(own)[name] = copy.copy(value)
    return own


def _shallow_copy(callback: Any) -> Any:
    kind = type(callback)
    if hasattr(kind, "__copy__") or not hasattr(callback, "__dict__"):
        return copy.copy(callback)
    # Not by copy.copy: what a __getstate__ leaves out of a pickle, such as an open file, is
    # to be there.
    own = object.__new__(kind)
    vars(own).update(vars(callback))
    return own


def _names_of_arguments(kind: type) -> set[str] | None:
    """Names of a constructor's arguments; None if it takes any."""
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters):
        return None
    return {p.name for p in parameters}
