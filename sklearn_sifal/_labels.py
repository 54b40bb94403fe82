"""What a label is, a group and an identifier, wherever one is given.

All are read by `plain_array`, exactly; what cannot be is refused with its position.
"""

from collections.abc import Iterator, Mapping, Set
from numbers import Number
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._plain_arrays import is_missing, is_whole, plain_array

_LABELS = "strings, integers or booleans"
_BIN = "Bin numbers, for example with numpy.digitize, and give missing ones a label."
_EVERY_ROW_NEEDS_AN_ID = "must have no missing values, every row needs an identifier."
_FAMILIES = {
    **dict.fromkeys("iuf", "numbers"),
    **dict.fromkeys("UO", "texts"),
    **{"b": "booleans", "M": "dates", "m": "durations"},
}


def read(values: Any, name: str) -> NDArray[Any]:
    """`plain_array`, with errors that name the parameter."""
    try:
        return plain_array(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} cannot be read as an array: {error}") from error


# -------------------------------------------------------------------------------- labels


def check_labels(
    labels: NDArray[Any], name: str, *, fractions: bool = False, mixed: bool = False
) -> None:
    """Raise unless all values can be classes, or groups.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
        From `read`.
    name : str
        What they are called in messages.
    fractions : bool, default=False
        Whether numbers with fractions will do: where targets need not be classes.
    mixed : bool, default=False
        Whether values of several types will do, and bytes and other objects: where nothing is
        learnt. True and 1 are never together, since Python takes them for equal.
    """
    kind = labels.dtype.kind
    if kind == "f":
        refuse_missing(~np.isfinite(labels), name, f"must be labels: {_LABELS}. {_BIN}")
        if not fractions:
            _refuse_fractions(labels, name)
    elif kind in "mM":
        refuse_missing(np.isnat(labels), name)
    elif kind == "O":
        listed = labels.tolist()
        if set(map(type, listed)) != {str}:
            refuse_missing(missing_among(listed), name)
            _refuse_mixture(listed, name, any_type=mixed)
    elif kind not in "biuU" and not (mixed and kind == "S"):
        advice = " Decode bytes to texts first." if kind == "S" else ""
        problem = "Complex data not supported: " if kind == "c" else ""
        raise ValueError(
            f"{problem}{name} must be labels: {_LABELS}. Got dtype {labels.dtype}.{advice}"
        )


def read_classes(classes: Any, name: str = "classes") -> NDArray[Any]:
    """Distinct labels, sorted, out of any container, sets included."""
    if isinstance(classes, Mapping | Iterator):
        raise ValueError(
            f"{name} must be an array-like or a set of labels. Got {type(classes).__name__}: make "
            "it a list."
        )
    labels = read(list(classes) if isinstance(classes, Set) else classes, name)
    if labels.ndim != 1:
        raise ValueError(
            f"{name} must be an array-like of labels of one dimension. Got shape {labels.shape}."
        )
    check_labels(labels, name)
    return np.unique(labels)


def are_same(labels: NDArray[Any], others: NDArray[Any]) -> bool:
    """Whether two arrays have the same labels; True is not 1, and '1' is not 1."""
    return _family(labels) == _family(others) and labels.tolist() == others.tolist()


def encode_among(
    labels: NDArray[Any], classes: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Codes of labels among classes.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
        Checked labels.
    classes : ndarray of shape (n_classes,)
        Distinct ones, sorted.

    Returns
    -------
    codes : ndarray of shape (n_rows,), int64
        Without meaning if there are unknown labels.
    unknown : ndarray
        Distinct labels that are no class, sorted.
    """
    if _family(labels) != _family(classes):
        return np.full(len(labels), -1, np.int64), np.unique(labels)
    if _family(labels) != "numbers" or labels.dtype.kind == classes.dtype.kind:
        unknown = np.setdiff1d(np.unique(labels), classes)
        return np.searchsorted(classes, labels).astype(np.int64, copy=False), unknown
    # numpy would compare signed with unsigned integers, and both with floats, as floats.
    distinct, inverse = np.unique(labels, return_inverse=True)
    code_of = {label: code for code, label in enumerate(classes.tolist())}
    found = np.array([code_of.get(label, -1) for label in distinct.tolist()], np.int64)
    return found[inverse], distinct[found < 0]


def shown_labels(labels: NDArray[Any]) -> str:
    """The first of some labels, for a message."""
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return ", ".join(repr(label) for label in labels[:5].tolist()) + more


def refuse_missing(
    missing: NDArray[np.bool_],
    name: str,
    demand: str = "must have no missing values, every row needs a label.",
) -> None:
    """Raise for the first of the rows that have no value."""
    if missing.any():
        raise ValueError(
            f"Input {name} contains NaN, None or infinity at position {missing.argmax()}: {name} "
            f"{demand}"
        )


def missing_among(values: list[Any]) -> NDArray[np.bool_]:
    """Which of some objects are missing values."""
    return np.fromiter(map(is_missing, values), bool, len(values))


def _family(labels: NDArray[Any]) -> str:
    return _FAMILIES[labels.dtype.kind]


def _refuse_fractions(labels: NDArray[Any], name: str) -> None:
    broken = labels != np.round(labels)
    if broken.any():
        position = int(broken.argmax())
        learner = " LossSampledRegressor learns them." if name.startswith("y") else ""
        raise ValueError(
            f"Unknown label type: continuous. {name} must be labels: {_LABELS}. Got "
            f"{labels[position]} at position {position}. {_BIN}{learner}"
        )


def _refuse_mixture(values: list[Any], name: str, *, any_type: bool) -> None:
    """Raise for objects that are no labels of one kind, saying which of them is to blame."""
    kinds = [_kind_of(value) for value in values]
    if any_type:
        if not {"integer", "float"} & set(kinds):
            return
        kinds = ["bool" if kind == "bool" else "other" for kind in kinds]
    elif None in kinds:
        position = kinds.index(None)
        _refuse_object(values[position], position, name)
    position = next((p for p, kind in enumerate(kinds) if kind != kinds[0]), -1)
    if position >= 0:
        types = ", ".join(sorted({type(value).__name__ for value in values}))
        raise ValueError(
            f"{name} mixes labels of the types {types}; use one type. Got {values[0]!r:.80} at "
            f"position 0 and {values[position]!r:.80} at position {position}."
        )
    if kinds[:1] == ["integer"]:
        _refuse_large(values, name)


def _kind_of(value: Any) -> str | None:
    """What a value can be a label as; None if it cannot."""
    kinds = {
        "text": isinstance(value, str),
        "bool": isinstance(value, bool | np.bool_),
        "integer": is_whole(type(value)),
        "float": isinstance(value, float | np.floating),
        "date": isinstance(value, np.datetime64),
        "duration": isinstance(value, np.timedelta64),
    }
    return next((kind for kind, is_one in kinds.items() if is_one), None)


def _refuse_object(value: Any, position: int, name: str) -> NoReturn:
    if isinstance(value, bytes):
        advice = "Decode bytes to texts first."
    elif hasattr(value, "__len__") and name.startswith("y"):
        advice = several_labels(name)
    else:
        advice = "Make texts of them."
    raise ValueError(
        f"{name} must be labels: {_LABELS}. Got {value!r:.80} of type {type(value).__name__} at "
        f"position {position}. {advice}"
    )


def several_labels(name: str) -> str:
    """What to do with rows of several labels each."""
    return (
        f"For several labels a row, wrap the estimator: OneVsRestClassifier around it if {name} "
        "marks which labels a row has, MultiOutputClassifier if every column is a target of its "
        "own."
    )


def _refuse_large(values: list[Any], name: str) -> None:
    """Raise for the first integer that does not fit in with the others into 64 bits."""
    low, high = (-(2**63), 2**63) if min(values) < 0 else (0, 2**64)
    position = next((p for p, value in enumerate(values) if not low <= value < high), -1)
    if position >= 0:
        raise ValueError(
            f"{name} has integers that no type of 64 bits holds: {values[position]} at position "
            f"{position}. Make texts of them."
        )


# --------------------------------------------------------------------------- identifiers


def read_ids(
    sample_ids: Any, n_rows: int, known: NDArray[Any] | None = None, name: str = "sample_ids"
) -> NDArray[Any] | None:
    """Identifiers of the rows of a chunk: integers, or texts; other objects become texts.

    Parameters
    ----------
    sample_ids : array-like of shape (n_rows,) or None
        As given.
    n_rows : int
        Rows of the chunk.
    known : ndarray or None
        Identifiers of earlier chunks, which these have to go together with.
    name : str, default="sample_ids"
        What they are called in messages.
    """
    if sample_ids is None:
        return None
    ids = read(sample_ids, name)
    if ids.shape == (n_rows,):
        if ids.dtype.kind == "f":
            refuse_missing(np.isnan(ids), name, _EVERY_ROW_NEEDS_AN_ID)
        elif ids.dtype.kind == "O":
            ids = _ids_of_objects(ids.tolist(), name)
    if ids.shape != (n_rows,) or ids.dtype.kind not in "iuU":
        raise ValueError(
            f"{name} must be {n_rows} integers or strings, one per row. "
            f"Got an array of shape {ids.shape} and dtype {ids.dtype}."
        )
    if known is not None:
        _common_type(known, ids, name)
    return ids


def joined_ids(known: NDArray[Any], ids: NDArray[Any]) -> NDArray[Any]:
    """Identifiers of earlier chunks and those of a new one, none of them changed."""
    if len(known) == 0:
        return ids
    dtype = _common_type(known, ids, "sample_ids")
    return np.concatenate([known.astype(dtype, copy=False), ids.astype(dtype, copy=False)])


def _ids_of_objects(values: list[Any], name: str) -> NDArray[Any]:
    types = set(map(type, values))
    if types != {str}:
        refuse_missing(missing_among(values), name, _EVERY_ROW_NEEDS_AN_ID)
        _refuse_second_type(values, name)
        if all(map(is_whole, types)):
            _refuse_large(values, name)
        _refuse_without_text(values, name)
        _refuse_equal_texts(values, name)
    texts = [str(value) for value in values]
    position = next((p for p, text in enumerate(texts) if text.endswith("\0")), -1)
    if position >= 0:
        raise ValueError(
            f"{name} must not end in the character NUL, which an array of texts loses. Got "
            f"{texts[position]!r:.80} at position {position}."
        )
    return np.asarray(texts)


def _refuse_second_type(values: list[Any], name: str) -> None:
    first = type(values[0])
    position = next((p for p, value in enumerate(values) if type(value) is not first), -1)
    if position >= 0:
        raise ValueError(
            f"{name} must be of one type. Got {values[0]!r:.80} at position 0 and "
            f"{values[position]!r:.80} at position {position}."
        )


def _refuse_without_text(values: list[Any], name: str) -> None:
    """Raise for objects whose text does not tell one from another, or is no name of them."""
    kind: Any = type(values[0])
    is_nameless = kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
    if issubclass(kind, Number | np.bool_ | bytes) or hasattr(kind, "__len__") or is_nameless:
        raise ValueError(
            f"{name} must be {len(values)} integers or strings, one per row. Got "
            f"{values[0]!r:.80} of type {kind.__name__} at position 0."
        )


def _refuse_equal_texts(values: list[Any], name: str) -> None:
    """Raise for two objects that differ and have one text."""
    first_of: dict[str, Any] = {}
    for position, value in enumerate(values):
        first = first_of.setdefault(str(value), value)
        if first is not value and first != value:
            raise ValueError(
                f"{name} must have texts that tell them apart. Got another {str(value)!r:.80} of "
                f"type {type(value).__name__} at position {position}."
            )


def _common_type(known: NDArray[Any], ids: NDArray[Any], name: str) -> np.dtype[Any]:
    """A type for identifiers of several chunks."""
    if (known.dtype.kind == "U") != (ids.dtype.kind == "U"):
        kinds = {"U": "strings", "i": "integers", "u": "integers"}
        raise ValueError(
            f"{name} must be of one type over all calls. They were {kinds[known.dtype.kind]}, and "
            f"are {kinds[ids.dtype.kind]} now: {ids[:1].tolist()[0]!r:.80} at position 0."
        )
    common = np.result_type(known.dtype, ids.dtype)
    if common.kind != "f":
        return common
    # Signed and unsigned ones, of which numpy would make floats.
    everything = (known, ids)
    if all(array.max(initial=0) < 2**63 for array in everything):
        return np.dtype(np.int64)
    if all(array.min(initial=0) >= 0 for array in everything):
        return np.dtype(np.uint64)
    wrong = ids < 0 if ids.dtype.kind == "i" else ids >= 2**63
    raise ValueError(
        f"{name} must be integers that one type holds over all calls. Got {ids[wrong][0]} at "
        f"position {wrong.argmax()}, after others that are "
        f"{'above 2**63' if ids.dtype.kind == 'i' else 'negative'}."
    )
