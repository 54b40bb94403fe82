"""Labels, groups, identifiers, masks and numbers of any container: exactly as given, or refused.

The number of examples is that of hypothesis' profile; see CONTRIBUTING.md for a long run.
"""

from collections import Counter, deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from sklearn_sifal import LossSampledRegressor
from sklearn_sifal._labels import encode_among, read, read_classes, read_ids
from sklearn_sifal._training_data import (
    encode_labels,
    read_numbers,
    validate_row_metadata,
    validate_targets,
    validate_weights,
)
from sklearn_sifal.inspection import visits_by_label

pytestmark = [
    pytest.mark.filterwarnings("ignore:A column-vector y"),
    pytest.mark.filterwarnings("ignore:The number of unique classes"),
]

Values = list[Any]
Container = Callable[[Values], Any]

# ------------------------------------------------------------------------------ values

# No halves of surrogate pairs, which Arrow and polars cannot hold.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["", "nan", "None", "1", "1.0", "True", "x", "x\0", "x\0\0", "\0", "é", "e\u0301"]
)
SMALL = st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 2) | st.integers(2**53, 2**53 + 3)
LARGE = st.integers(0, 2**64 - 1) | st.integers(2**63 - 1, 2**63 + 2)
WHOLE_FLOAT = st.integers(-(2**53), 2**53).map(float) | st.sampled_from([-0.0, 0.0, 1.0, 2.0**60])
FAMILIES = {"text": TEXT, "small": SMALL, "large": LARGE, "bool": st.booleans()}
FAMILIES |= {"float": WHOLE_FLOAT}
MISSING = st.sampled_from(
    [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN")]
)


@st.composite
def values_of_one_family(draw: st.DrawFn, families: tuple[str, ...] = tuple(FAMILIES)) -> Any:
    family = draw(st.sampled_from(families))
    return family, draw(st.lists(FAMILIES[family], min_size=1, max_size=8))


def objects(values: Values) -> Any:
    return np.fromiter(values, object, len(values))


# -------------------------------------------------------------------------- containers

NUMPY_TYPE = {"text": "U", "small": "i8", "large": "u8", "bool": "?", "float": "f8"}
ARROW_TYPE = {"text": pa.string(), "small": pa.int64(), "large": pa.uint64(), "bool": pa.bool_()}
ARROW_TYPE |= {"float": pa.float64()}
POLARS_TYPE = {"text": pl.String, "small": pl.Int64, "large": pl.UInt64, "bool": pl.Boolean}
POLARS_TYPE |= {"float": pl.Float64}

# What can have missing values among the others, which are None then.
WITH_MISSING: dict[str, Callable[[str], Container]] = {
    "list": lambda family: list,
    "object array": lambda family: objects,
    "object Series": lambda family: (
        lambda v: pd.Series(v, index=range(7, 7 + len(v)), dtype=object)
    ),
    "nullable": lambda family: lambda v: pd.Series(nullable(v, family), index=range(7, 7 + len(v))),
    "pandas array": lambda family: lambda v: nullable(v, family),
    "arrow Series": lambda family: lambda v: pd.Series(v, dtype=pd.ArrowDtype(ARROW_TYPE[family])),
    "category": lambda family: lambda v: pd.Series(categorical(v, family)),
    "polars": lambda family: lambda v: pl.Series(v, dtype=POLARS_TYPE[family]),
    "arrow": lambda family: lambda v: pa.array(v, ARROW_TYPE[family]),
    "chunked": lambda family: lambda v: pa.chunked_array([v[:3], v[3:]], ARROW_TYPE[family]),
    "dictionary": lambda family: lambda v: pa.array(v, ARROW_TYPE[family]).dictionary_encode(),
    "masked": lambda family: lambda v: masked(v, family),
    "data frame": lambda family: lambda v: pd.DataFrame({"y": nullable(v, family)}),
    "polars frame": lambda family: (
        lambda v: pl.DataFrame({"y": pl.Series(v, dtype=POLARS_TYPE[family])})
    ),
    "table": lambda family: lambda v: pa.table({"y": pa.array(v, ARROW_TYPE[family])}),
}
WITHOUT_MISSING: dict[str, Callable[[str], Container]] = {
    "tuple": lambda family: tuple,
    "deque": lambda family: deque,
    "numpy scalars": lambda family: lambda v: list(np.array(v, NUMPY_TYPE[family])),
    "array": lambda family: lambda v: np.array(v, NUMPY_TYPE[family]),
    "swapped": lambda family: lambda v: np.array(v, np.dtype(NUMPY_TYPE[family]).newbyteorder()),
    "strided": lambda family: lambda v: np.repeat(np.array(v, NUMPY_TYPE[family]), 2)[::2],
    "StringDType": lambda family: lambda v: np.array(v, np.dtypes.StringDType()),
    "tensor": lambda family: lambda v: torch.tensor(np.array(v, NUMPY_TYPE[family])),
    "tensors": lambda family: lambda v: list(torch.tensor(np.array(v, NUMPY_TYPE[family]))),
    "column": lambda family: lambda v: [[value] for value in v],
    "sparse": lambda family: lambda v: pd.Series(pd.arrays.SparseArray(v)),
    "Categorical": lambda family: lambda v: pl.Series(v, dtype=pl.Categorical),
    "scalars": lambda family: lambda v: list(pa.array(v, ARROW_TYPE[family])),
}
ONLY_TEXT = {"StringDType", "Categorical"}
ONLY_NUMBERS = {"tensor", "tensors", "sparse"}
OF_NUMPY_TEXT = {"array", "swapped", "strided", "numpy scalars"}


def categorical(values: Values, family: str) -> Any:
    present = [value for value in values if value is not None]
    categories = list(dict.fromkeys(present))
    dtype = {"text": object, "small": "int64", "large": "uint64", "bool": bool, "float": float}
    index = pd.Index(categories, dtype=dtype[family])
    codes = [-1 if value is None else categories.index(value) for value in values]
    return pd.Categorical.from_codes(codes, index)


def nullable(values: Values, family: str) -> Any:
    """One of pandas' arrays with a mask; from a list it would make floats of large integers."""
    if family == "text":
        return pd.array(values, dtype="string")
    hidden = masked(values, family)
    kinds = {"bool": pd.arrays.BooleanArray, "float": pd.arrays.FloatingArray}
    return kinds.get(family, pd.arrays.IntegerArray)(
        np.asarray(hidden.data), np.ma.getmaskarray(hidden)
    )


def masked(values: Values, family: str) -> Any:
    mask = [value is None for value in values]
    filler = next((value for value in values if value is not None), 0)
    filled = [filler if value is None else value for value in values]
    return np.ma.masked_array(np.array(filled, NUMPY_TYPE[family]), mask=mask)


def can_hold(name: str, family: str, values: Values) -> bool:
    """Whether a container can have such values, as they are."""
    if family == "text":
        ends_in_nul = any(value is not None and value.endswith("\0") for value in values)
        lossy = name in OF_NUMPY_TEXT or name == "masked"
        return name not in ONLY_NUMBERS and not (lossy and ends_in_nul)
    return not (name in ONLY_TEXT or (name == "sparse" and family == "large"))


@st.composite
def contained(draw: st.DrawFn, families: tuple[str, ...] = tuple(FAMILIES)) -> Any:
    """Values, and a container of them."""
    family, values = draw(values_of_one_family(families))
    name = draw(st.sampled_from(sorted(WITH_MISSING | WITHOUT_MISSING)))
    assume(can_hold(name, family, values))
    container = (WITH_MISSING | WITHOUT_MISSING)[name](family)
    return family, values, container(values)


@st.composite
def contained_with_a_gap(draw: st.DrawFn, families: tuple[str, ...] = tuple(FAMILIES)) -> Any:
    """Where the first missing value is, and a container of values with some missing."""
    family, values = draw(values_of_one_family(families))
    position = draw(st.integers(0, len(values)))
    name = draw(st.sampled_from(sorted(WITH_MISSING)))
    is_plain = name in {"list", "object array", "object Series"}
    values.insert(position, draw(MISSING) if is_plain else None)
    assume(can_hold(name, family, [v if isinstance(v, str) else None for v in values]))
    return position, values, WITH_MISSING[name](family)(values)


def is_of_family(value: Any, family: str) -> bool:
    kinds = {"text": str, "bool": bool, "float": float}
    return type(value) is kinds.get(family, int)


# ---------------------------------------------------------------------- the same values


@given(contained())
def test_labels_are_what_was_given_whatever_holds_them(example: Any) -> None:
    family, values, container = example
    labels = validate_targets(container, None)
    assert labels.tolist() == values
    assert all(is_of_family(label, family) for label in labels.tolist())
    classes = np.unique(labels)
    assert classes.tolist() == sorted(set(values))
    codes = encode_labels(labels, classes, "y")
    assert [classes.tolist()[code] for code in codes] == values


@given(contained())
def test_groups_of_the_inspection_are_the_same(example: Any) -> None:
    _, values, container = example
    assume(read(container, "y").ndim == 1)
    report = visits_by_label(np.ones(len(values)), container)
    counted = Counter(values)
    assert report.groups.tolist() == sorted(counted)
    assert report.n_rows.tolist() == [counted[value] for value in sorted(counted)]


@given(contained(), st.data())
def test_classes_come_in_any_container_and_order(example: Any, data: st.DataObject) -> None:
    _, values, container = example
    assume(read(container, "y").ndim == 1)
    assert read_classes(container).tolist() == sorted(set(values))
    shuffled = data.draw(st.permutations(values))
    assert read_classes(set(shuffled)).tolist() == sorted(set(values))


@given(contained(("text", "small", "large")))
def test_identifiers_are_what_was_given_or_refused(example: Any) -> None:
    _, values, container = example
    assume(read(container, "y").ndim == 1)
    if any(isinstance(value, str) and value.endswith("\0") for value in values):
        position = next(p for p, value in enumerate(values) if value.endswith("\0"))
        with pytest.raises(ValueError, match=f"sample_ids must not end in .* position {position}"):
            read_ids(container, len(values))
        return
    ids = read_ids(container, len(values))
    assert ids is not None
    assert ids.tolist() == values


@given(contained(("small", "large", "float", "bool")))
def test_numbers_are_the_nearest_floats(example: Any) -> None:
    _, values, container = example
    assert read_numbers(container, "y").ravel().tolist() == [float(value) for value in values]


@given(contained(("bool",)))
def test_masks_are_what_was_given(example: Any) -> None:
    _, values, container = example
    assume(read(container, "y").ndim == 1)
    mask = validate_row_metadata(None, container, len(values)).trusted
    assert mask is not None
    assert mask.tolist() == values


# ---------------------------------------------------------------------- missing values


@given(contained_with_a_gap())
def test_a_missing_label_is_refused_with_its_position(example: Any) -> None:
    position, values, container = example
    with pytest.raises(ValueError, match=rf"y contains NaN, None .* position {position}:"):
        validate_targets(container, None)
    if read(container, "y").ndim == 1:
        with pytest.raises(ValueError, match=rf"y contains NaN, None .* position {position}:"):
            visits_by_label(np.ones(len(values)), container)
        with pytest.raises(ValueError, match=rf"classes contains NaN.* position {position}:"):
            read_classes(container)


@given(contained_with_a_gap(("text", "small", "large")))
def test_a_missing_identifier_is_refused_with_its_position(example: Any) -> None:
    position, values, container = example
    assume(read(container, "y").ndim == 1)
    with pytest.raises(ValueError, match=rf"sample_ids contains NaN.* position {position}:"):
        read_ids(container, len(values))


@given(contained_with_a_gap(("small", "large", "float", "bool")))
def test_a_missing_number_is_refused_with_its_position(example: Any) -> None:
    position, values, container = example
    with pytest.raises(ValueError, match=rf"Input y contains NaN.* position {position}[:.]"):
        read_numbers(container, "y")
    if read(container, "y").ndim == 1:
        with pytest.raises(ValueError, match=rf"sample_weight contains NaN.* {position}[:.]"):
            validate_weights(container, len(values), "sample_weight")
        with pytest.raises(ValueError, match=rf"irreducible_losses contains NaN.* {position}[:.]"):
            validate_row_metadata(container, None, len(values))


@given(contained_with_a_gap(("bool",)))
def test_a_missing_entry_of_a_mask_is_refused_with_its_position(example: Any) -> None:
    position, values, container = example
    assume(read(container, "y").ndim == 1)
    with pytest.raises(ValueError, match=rf"trusted contains NaN.* position {position}:"):
        validate_row_metadata(None, container, len(values))


# ---------------------------------------------------------------- values of several types

ANYTHING = st.one_of(
    *FAMILIES.values(),
    MISSING,
    st.floats(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([np.True_, np.int8(1), np.uint64(2**63), np.float32(0.5), np.str_("a")]),
    st.sampled_from([b"a", 1j, Decimal(1), (1, 2), [], object(), np.datetime64("2024")]),
)


@given(st.lists(ANYTHING, min_size=1, max_size=4), st.sampled_from([list, tuple, objects]))
def test_a_mixture_is_read_exactly_or_refused_with_a_position(
    values: Values, container: Container
) -> None:
    labels, problem = outcome_of(container(values))
    if labels is None:
        assert "position" in problem or "1d array" in problem
        return
    assert len({kind_of(value) for value in values}) == 1
    assert labels.shape == (len(values),)
    assert labels.tolist() == values


def outcome_of(container: Any) -> tuple[Any, str]:
    """Labels, or the message that says why there are none."""
    try:
        return validate_targets(container, None), ""
    except ValueError as error:
        return None, str(error)


def kind_of(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "bool"
    if isinstance(value, np.datetime64):
        return "date"
    return "text" if isinstance(value, str) else "number"


@given(st.lists(ANYTHING, min_size=2, max_size=4), st.sampled_from([list, tuple, objects]))
def test_a_list_and_an_array_of_objects_are_read_alike(
    values: Values, container: Container
) -> None:
    (labels, problem), (others, other_problem) = outcome_of(values), outcome_of(container(values))
    assert problem == other_problem
    assert problem or labels.tolist() == others.tolist()


# --------------------------------------------------------------------------- known classes

NUMPY_TYPES = st.sampled_from(["i1", "u1", "i8", "u8", "f4", "f8", "?", "U", "O"])


@given(st.lists(SMALL | LARGE, min_size=1), st.lists(SMALL | LARGE, min_size=1), st.data())
def test_codes_of_labels_of_any_type_among_classes_of_any_other(
    labels: Values, classes: Values, data: st.DataObject
) -> None:
    arrays = []
    for values in (labels, classes):
        dtype = np.dtype(data.draw(NUMPY_TYPES))
        with np.errstate(over="ignore"):
            arrays.append(np.array([value % 2**64 for value in values], np.uint64).astype(dtype))
    given_labels, known = read(arrays[0], "y"), np.unique(read(arrays[1], "classes"))
    codes, unknown = encode_among(given_labels, known)
    families = [kind_of(array[0].item()) for array in (given_labels, known)]
    same = families[0] == families[1]
    expected = [label for label in given_labels.tolist() if not (same and label in known.tolist())]
    assert unknown.tolist() == sorted(set(expected))
    if not expected:
        assert [known.tolist()[code] for code in codes] == given_labels.tolist()


# ---------------------------------------------------------------- identifiers over the calls

ID = {"text": st.sampled_from("abcd"), "small": st.integers(-2, 2) | st.integers(2**53, 2**53 + 2)}
ID |= {"large": st.integers(0, 2) | st.integers(2**63, 2**63 + 2)}
ID_CONTAINERS = ("list", "object array", "nullable", "arrow Series", "polars", "arrow", "array")


@st.composite
def chunks_of_ids(draw: st.DrawFn) -> Any:
    """Identifiers of three calls, each of a family and in a container of its own."""
    family = draw(st.sampled_from(sorted(ID)))
    chunks = []
    for _ in range(3):
        other = draw(st.sampled_from([family] * 8 + sorted(ID)))
        ids = draw(st.lists(ID[other], min_size=2, max_size=4))
        name = draw(st.sampled_from(ID_CONTAINERS))
        chunks.append((ids, (WITH_MISSING | WITHOUT_MISSING)[name](other)(ids)))
    return chunks


def go_together(known: Values, ids: Values) -> bool:
    """Whether one type of numpy holds all of them."""
    everything = [*known, *ids]
    if len({type(value) for value in everything}) > 1:
        return False
    if isinstance(everything[0], str):
        return True
    return max(everything) < 2**63 or min(everything) >= 0


@given(chunks_of_ids())
def test_the_table_has_one_record_for_every_identifier(chunks: Any) -> None:
    model = LossSampledRegressor("base", hidden_layer_sizes=(), random_state=0, lr=0.01)
    visits: dict[Any, int] = {}
    for ids, container in chunks:
        X, y = np.linspace(-1, 1, len(ids))[:, None], np.arange(len(ids), dtype=float)
        if not go_together(list(visits), ids):
            before = vars(model).copy()
            with pytest.raises(ValueError, match=r"sample_ids must be .* position"):
                model.partial_fit(X, y, sample_ids=container)
            assert vars(model) == before
            continue
        model.partial_fit(X, y, sample_ids=container)
        for identifier in ids:
            visits[identifier] = visits.get(identifier, 0) + 1
        table = model.loss_table_
        assert table["id"].tolist() == list(visits)
        assert table["visits"].tolist() == list(visits.values())
