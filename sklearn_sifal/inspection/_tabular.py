"""What all results of this package share: they print short and become data frames."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from typing import Any

import numpy as np

# Longer arrays are shown by their shape alone.
_MOST_SHOWN = 8


class Tabular:
    """Base class of the frozen dataclasses that functions of `inspection` return."""

    def to_frame(self) -> Any:
        """Make a data frame, one row per entry of the record.

        Returns
        -------
        frame : pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return make_frame(self._columns())

    def _given(self, *names: str) -> dict[str, Any]:
        """Fields by name, without those that are None."""
        fields = {name: getattr(self, name) for name in names}
        return {name: values for name, values in fields.items() if values is not None}

    def _columns(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def __repr__(self) -> str:
        shown = (f"{f.name}={_short(getattr(self, f.name))}" for f in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(shown)})"


def _short(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        text = repr(value)
        return text if len(text) <= 80 else f"{text[:77]}..."
    if value.ndim == 1 and len(value) <= _MOST_SHOWN:
        return str(value.tolist())
    return f"<{value.shape} {value.dtype}>"


def make_frame(data: Mapping[str, Any] | Sequence[Any], instead: str = "") -> Any:
    """A pandas data frame; the error of a missing pandas says what to do, or to take instead."""
    try:
        pandas = import_module("pandas")
    except ImportError as error:
        needs = "to_frame needs pandas, which is not installed: pip install pandas."
        raise ImportError(f"{needs}{instead}") from error
    return pandas.DataFrame(data)
