"""What is a label, a group, an identifier, a mask: read exactly at every entrance, or refused."""

import datetime
import enum
import uuid
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from ipaddress import ip_address
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor, RegexPreprocessor
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.comparison import compare_strategies
from sklearn_sifal.inspection import group_report, ranked_instances, visits_by_label
from sklearn_sifal.plotting import GroupReportDisplay, SelectionDisplay
from sklearn_sifal.samplers import LossSampler
from sklearn_sifal.strategies import Base

N = 60
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
Y = np.arange(N) % 3
NAMES = np.array(["a", "b", "c"])[Y]
NAN = float("nan")


def classifier(**parameters: Any) -> LossSampledClassifier:
    return LossSampledClassifier("base", budget=1, random_state=0).set_params(**parameters)


def regressor(**parameters: Any) -> LossSampledRegressor:
    return LossSampledRegressor("base", budget=1, random_state=0).set_params(**parameters)


def with_value(position: int, value: Any, values: Any = NAMES) -> list[Any]:
    listed = list(values.tolist())
    listed[position] = value
    return listed


def refused(call: Callable[[Any], Any], model: Any, match: str) -> None:
    """A call raises, and leaves the estimator as it was."""
    before = vars(model).copy()
    with pytest.raises(ValueError, match=match):
        call(model)
    assert vars(model) == before


class Name(enum.StrEnum):
    A = "a"


class OldName(str, enum.Enum):  # noqa: UP042
    A = "a"


# -------------------------------------------------------------------------------- missing

MISSING = [NAN, None, np.nan, np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), np.ma.masked]
MISSING += [Decimal("nan"), Decimal("snan")]


@pytest.mark.parametrize("missing", MISSING, ids=repr)
@pytest.mark.parametrize("container", [list, tuple, pd.Series, pl.Series, pa.array, "object"])
def test_a_missing_label_among_texts_is_no_class(missing: Any, container: Any) -> None:
    labels = with_value(7, missing)
    if container in (pl.Series, pa.array):
        labels = container(with_value(7, None))
    elif container == "object":
        labels = np.fromiter(labels, object, N)
    else:
        labels = container(labels)
    match = r"y contains NaN, None .* position 7"
    refused(lambda model: model.fit(X, labels), classifier(), match)
    refused(lambda model: model.fit(X, labels), classifier().fit(X, NAMES), match)
    refused(lambda m: m.partial_fit(X, labels, classes=["a", "b", "c"]), classifier(), match)
    fitted = classifier(record="history").fit(X, NAMES)
    refused(lambda model: model.instance_losses(X, labels), fitted, match)
    refused(lambda model: model.staged_instance_losses(X, labels), fitted, match)
    refused(lambda model: model.score(X, labels), fitted, match)
    refused(lambda model: model.fit(X, NAMES, X_val=X, y_val=labels), fitted, r"y_val contains NaN")
    with pytest.raises(ValueError, match=r"y_train contains NaN.* position 7"):
        compare_strategies(classifier(), ["base"], X, labels, X, NAMES)
    with pytest.raises(ValueError, match=r"y_test contains NaN.* position 7"):
        compare_strategies(classifier(), ["base"], X, NAMES, X, labels)
    with pytest.raises(ValueError, match=r"'y' parameter of LossSampler .* position 7"):
        LossSampler(N, y=labels)
    with pytest.raises(ValueError, match=r"y contains NaN.* position 7"):
        visits_by_label(np.ones(N), labels)
    with pytest.raises(ValueError, match=r"groups contains NaN.* position 7"):
        group_report(np.ones(N), labels)


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series(with_value(7, None, Y), dtype="Int64"),
        pd.Series(with_value(7, None, Y), dtype="int64[pyarrow]"),
        pd.Series(with_value(7, None, Y == 0), dtype="boolean"),
        pd.Series(with_value(7, None, Y == 0), dtype="bool[pyarrow]"),
        pd.Series(with_value(7, None), dtype="string[pyarrow]"),
        pd.Series(with_value(7, None), dtype="category"),
        pd.Series(with_value(7, None, Y), dtype="category"),
        pd.Series(pd.arrays.SparseArray(with_value(7, NAN, Y * 1.0))),
        pl.Series(with_value(7, None), dtype=pl.Categorical),
        pl.Series(with_value(7, None, Y)),
        pa.array(with_value(7, None)).dictionary_encode(),
        pa.chunked_array([with_value(7, None, Y)]),
        np.ma.masked_array(Y, mask=np.arange(N) == 7),
        np.ma.masked_array(NAMES, mask=np.arange(N) == 7),
        np.array(with_value(7, None), np.dtypes.StringDType(na_object=None)),
        np.array(with_value(7, NAN, Y * 1.0)),
        np.array(with_value(7, np.inf, Y * 1.0)),
        torch.tensor(with_value(7, NAN, Y * 1.0)),
        np.array(with_value(7, "NaT", np.array(["2024-01-01"] * N)), "M8[D]"),
        pd.to_datetime(pd.Series(with_value(7, None, np.array(["2024-01-01"] * N)))),
        pd.to_timedelta(pd.Series(with_value(7, None, Y * 1.0))),
    ],
    ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}",
)
def test_a_missing_label_in_a_column_with_a_mask(labels: Any) -> None:
    refused(lambda m: m.fit(X, labels), classifier(), r"y contains NaN, None .* position 7")


def test_columns_of_nothing() -> None:
    for labels in (pa.nulls(N), pl.Series([None] * N), [None] * N):
        refused(lambda m, y=labels: m.fit(X, y), classifier(), r"y contains NaN.* position 0")


@pytest.mark.parametrize("missing", [NAN, None, pd.NA, np.datetime64("NaT")], ids=repr)
def test_missing_classes(missing: Any) -> None:
    refused(
        lambda model: model.partial_fit(X, NAMES, classes=["a", "b", "c", missing]),
        classifier(),
        r"classes contains NaN, None .* position 3",
    )
    refused(
        lambda model: model.partial_fit(X, Y, classes=[0, 1, 2, missing]),
        classifier(),
        r"classes contains NaN, None .* position 3",
    )


# ---------------------------------------------------------------------- kinds of labels


@pytest.mark.parametrize(
    "labels, plain",
    [
        (pd.Series(Y == 0, dtype="boolean"), Y == 0),
        (pd.Series(Y == 0, dtype="bool[pyarrow]"), Y == 0),
        (pd.Series(Y == 0, dtype="category"), Y == 0),
        (pd.Series(2**53 + Y, dtype="Int64"), 2**53 + Y),
        (pd.Series(2**53 + Y, dtype="int64[pyarrow]"), 2**53 + Y),
        (pd.Series(2**53 + Y, dtype="category"), 2**53 + Y),
        (pd.Series(Y.astype(np.uint64) + 2**63, dtype="UInt64"), Y.astype(np.uint64) + 2**63),
        ([2**63 + int(label) for label in Y], Y.astype(np.uint64) + 2**63),
        (pd.Series(Y, dtype="Int8"), Y.astype(np.int8)),
        (pd.Series(Y, dtype=object), Y),
        (Y.astype(object), Y),
        ((Y == 0).astype(object), Y == 0),
        (with_value(0, np.False_, Y == 1), Y == 1),
        (with_value(0, np.uint8(0), Y), Y),
        (pl.Series(2**53 + Y), 2**53 + Y),
        (pl.Series(Y == 0), Y == 0),
        (pl.Series(Y, dtype=pl.Int128), Y),
        (pa.array(2**53 + Y), 2**53 + Y),
        (pa.chunked_array([(Y == 0)[:9], (Y == 0)[9:]]), Y == 0),
        (pa.array(Y).dictionary_encode(), Y),
        (torch.tensor(Y), Y),
        (torch.tensor(Y == 0), Y == 0),
        (torch.tensor(Y * 1.0, requires_grad=True), Y * 1.0),
        (torch.tensor(Y * 1.0).bfloat16(), (Y * 1.0).astype(np.float32)),
        (list(torch.tensor(Y)), Y),
        (np.ma.masked_array(Y), Y),
        (pd.Series(pd.arrays.SparseArray(Y)), Y),
        (range(N), np.arange(N)),
    ],
    ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}",
)
@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_labels_have_the_type_of_a_plain_array_of_them(labels: Any, plain: Any) -> None:
    model, expected = classifier().fit(X, labels), classifier().fit(X, plain)
    assert model.classes_.dtype == plain.dtype
    np.testing.assert_array_equal(model.classes_, expected.classes_)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    assert model.predict(X).dtype == plain.dtype
    assert model.score(X, labels) == expected.score(X, plain)
    np.testing.assert_array_equal(model.instance_losses(X, labels), model.instance_losses(X, plain))


@pytest.mark.parametrize(
    "labels",
    [
        [np.str_(v) if i % 2 else v for i, v in enumerate(NAMES.tolist())],
        with_value(0, Name.A),
        with_value(0, OldName.A),
        pd.Series(NAMES, dtype="category", index=range(N, 0, -1)),
        pd.Series(NAMES, dtype="string"),
        pd.Series(NAMES, dtype="string[pyarrow]"),
        pd.Series(pd.arrays.ArrowExtensionArray(pa.array(NAMES.tolist()).dictionary_encode())),
        pl.Series(NAMES.tolist(), dtype=pl.Categorical),
        pl.Series(NAMES.tolist(), dtype=pl.Enum(["c", "b", "a"])),
        pa.array(NAMES.tolist(), pa.large_string()),
        NAMES.astype(np.dtypes.StringDType()),
    ],
    ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}",
)
def test_texts_are_texts_whatever_type_they_have(labels: Any) -> None:
    expected = classifier().fit(X, NAMES)
    for given in (labels, np.array(labels, dtype=object)):
        model = classifier().fit(X, given)
        assert model.classes_.tolist() == ["a", "b", "c"]
        assert all(type(label) is str for label in model.classes_.tolist())
        assert model.predict(X).tolist() == expected.predict(X).tolist()


@pytest.mark.parametrize("container", [list, lambda labels: np.array(labels, object)])
@pytest.mark.parametrize(
    "labels, match",
    [
        (with_value(7, 1), "y mixes labels of the types int, str.* position 7"),
        (with_value(7, np.inf), "y mixes labels of the types float, str.* position 7"),
        (with_value(7, True, Y), "y mixes labels of the types bool, int.* position 7"),
        (with_value(7, 2**53 + 1, Y * 1.0), "y mixes labels of the types float, int.* position 7"),
        (with_value(7, b"b"), "Got b'b' of type bytes at position 7. Decode"),
        (with_value(7, 2**70, Y), f"no type of 64 bits holds: {2**70} at position 7"),
        (with_value(7, -1, Y.astype(np.uint64) + 2**63), "64 bits holds: .* at position 0"),
        (with_value(7, Decimal(1), Y), "Got Decimal.* at position 7"),
        (with_value(7, Fraction(1), Y), "Got Fraction.* at position 7"),
        (with_value(7, datetime.date(2024, 1, 1)), "of type date at position 7"),
        (with_value(7, {"a"}), "of type set at position 7. For several labels a row.*OneVsRest"),
        (with_value(7, 1j, Y), "of type complex at position 7"),
        (with_value(7, 0.5, Y * 1.0), "continuous.* Got 0.5 at position 7"),
    ],
)
def test_what_cannot_be_read_exactly_is_refused(container: Any, labels: Any, match: str) -> None:
    refused(lambda model: model.fit(X, container(labels)), classifier(), match)
    refused(lambda m: m.partial_fit(X, Y, classes=container(labels)), classifier(), "position")
    # Nothing is learnt of groups, which may be of several types, but never True beside 1.
    assert len(visits_by_label([1, 1], container(["a", 1])).groups) == 2
    with pytest.raises(ValueError, match="y mixes labels of the types bool, int"):
        visits_by_label([1, 1], container([True, 1]))


def test_numbers_among_texts_stay_numbers_where_they_are_groups() -> None:
    assert visits_by_label([1, 1, 1, 1], ["a", 1, "1", 1]).groups.tolist() == [1, "1", "a"]
    table = ranked_instances([1.0, 2.0, 3.0], y=["a", 1, NAN])
    assert table.labels is not None
    assert table.labels.tolist()[1:] == [1, "a"]


@pytest.mark.parametrize("container", [list, tuple, lambda labels: np.array(labels, object)])
def test_a_nul_at_the_end_tells_two_labels_apart(container: Any) -> None:
    labels = container(["x", "x\0", ""] * 20)
    model = classifier(budget=50).fit(X, labels)
    assert model.classes_.tolist() == ["", "x", "x\0"]
    assert set(model.predict(X)) <= {"", "x", "x\0"}
    refused(
        lambda m: m.instance_losses(X, with_value(0, "x\0\0")), model, r"not seen in fit.*'x\\x00"
    )
    assert visits_by_label(np.ones(N), labels).groups.tolist() == ["", "x", "x\0"]


def test_integers_beyond_floats_are_told_apart_in_any_two_types() -> None:
    model = classifier().fit(X, Y + 2**53)
    losses = model.instance_losses(X, Y + 2**53)
    unsigned = (Y + 2**53).astype(np.uint64)
    np.testing.assert_array_equal(model.instance_losses(X, unsigned), losses)
    np.testing.assert_array_equal(
        model.instance_losses(X, pd.Series(unsigned, dtype="UInt64")), losses
    )
    for other in (unsigned + np.uint64(1), (Y + 2.0**53) + 4):
        refused(
            lambda m, y=other: m.instance_losses(X, y), model, "not seen in fit: 90071992547409"
        )


def test_true_is_not_1_and_a_text_is_no_number() -> None:
    model = classifier(warm_start=True).fit(X, Y % 2)
    for other in (Y % 2 == 1, (Y % 2).astype(str), with_value(0, "0", (Y % 2).astype(str))):
        refused(lambda m, y=other: m.instance_losses(X, y), model, "not seen in fit")
        refused(lambda m, y=other: m.fit(X, y), model, "warm_start goes on with the classes")
        refused(lambda m, y=other: m.partial_fit(X, y), model, "not seen in fit")
        with pytest.raises(ValueError, match="y_test has labels that are not in y_train"):
            compare_strategies(classifier(), ["base"], X, Y % 2, X, other)


def test_negative_zero_is_zero() -> None:
    model = classifier().fit(X, with_value(0, -0.0, Y * 1.0))
    assert model.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(model.predict(X), classifier().fit(X, Y * 1.0).predict(X))


def test_floats_beyond_integers_are_labels() -> None:
    assert classifier().fit(X, Y * 1e300).classes_.tolist() == [0, 1e300, 2e300]


@pytest.mark.parametrize("kind", ["f2", "f4", ">f8", "g", ">i4", ">u8", "?", "u1"])
def test_labels_of_every_type_of_numpy(kind: str) -> None:
    model = classifier().fit(X, Y.astype(kind))
    assert model.classes_.tolist() == [0, 1, 2] if kind != "?" else [False, True]
    assert model.classes_.dtype.isnative
    losses = model.instance_losses(X, Y.astype(kind))
    np.testing.assert_array_equal(losses, model.instance_losses(X, (Y % 3).astype(kind).tolist()))


def test_dates_are_classes() -> None:
    days = np.array(["2024-01-01", "2024-02-01", "2024-03-01"], "M8[D]")
    model = classifier().fit(X, days[Y])
    np.testing.assert_array_equal(model.classes_, days)
    assert model.instance_losses(X, days[Y]).shape == (N,)


@pytest.mark.parametrize("read", [lambda y: y, lambda y: y.tolist(), pd.DataFrame, pl.DataFrame])
def test_one_column_is_taken_with_a_warning(read: Any) -> None:
    with pytest.warns(match="A column-vector y was passed"):
        model = classifier().fit(X, read((Y + 2**53)[:, None]))
    assert model.classes_.tolist() == [2**53, 2**53 + 1, 2**53 + 2]


def test_a_memory_map_is_read(tmp_path: Any) -> None:
    np.save(tmp_path / "y.npy", Y)
    model = classifier().fit(X, np.load(tmp_path / "y.npy", mmap_mode="r"))
    assert type(model.classes_) is np.ndarray
    np.testing.assert_array_equal(model.predict(X), classifier().fit(X, Y).predict(X))


# ------------------------------------------------------------------- several labels a row


@pytest.mark.parametrize(
    "y",
    [
        np.eye(3, dtype=int)[Y],
        np.eye(3, dtype=int)[Y].tolist(),
        sp.csr_array(np.eye(3)[Y]),
        torch.eye(3)[torch.tensor(Y)],
        pd.DataFrame({"y": NAMES, "z": NAMES}),
        [["a", "b"]] * N,
        [["a"], ["a", "b"]] * (N // 2),
        np.fromiter([{"a"}] * N, object, N),
    ],
    ids=lambda y: type(y).__name__,
)
def test_several_labels_a_row_name_the_alternatives(y: Any) -> None:
    match = "y .*OneVsRestClassifier.*MultiOutputClassifier"
    refused(lambda model: model.fit(X, y), classifier(), match)
    refused(lambda model: model.partial_fit(X, y, classes=[0, 1, 2]), classifier(), match)


@pytest.mark.parametrize("y", [np.c_[Y, Y], np.c_[Y, Y].tolist(), sp.csr_array(np.c_[Y, Y])])
def test_several_targets_a_row_name_the_alternative(y: Any) -> None:
    match = "y should be a 1d array.*MultiOutputRegressor"
    refused(lambda model: model.fit(X, y), regressor(), match)
    refused(lambda model: model.partial_fit(X, y), regressor(), match)


@pytest.mark.parametrize("y", [np.array(1), {0, 1}, {"a": 1}, "abc", iter([1, 2]), 3, object()])
def test_what_has_no_rows(y: Any) -> None:
    for model in (classifier(), regressor()):
        refused(lambda m: m.fit(X, y), model, r"y should be a 1d array, got .* shape \(\)")


# -------------------------------------------------------------------------------- classes


@pytest.mark.parametrize("classes", [{0, 1, 2}, frozenset({0, 1, 2}), {0: 1, 1: 1, 2: 1}.keys()])
def test_classes_may_be_a_set(classes: Any) -> None:
    model = classifier().partial_fit(X, Y, classes=classes)
    assert model.classes_.dtype == np.int64
    assert model.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "classes, match",
    [
        ([], r"classes must name at least 2 classes. Got 0: \[\]"),
        (set(), r"classes must name at least 2 classes. Got 0: \[\]"),
        ({0: 1, 1: 1}, "classes must be an array-like or a set of labels. Got dict"),
        ((label for label in range(3)), "classes must be an array-like or a set .* Got generator"),
        ("abc", "classes must be an array-like of labels of one dimension"),
        ([[0, 1, 2]], "classes must be an array-like of labels of one dimension"),
        ([0, "1", 2], "classes mixes labels of the types int, str.* position 1"),
        ({0, "1"}, "classes mixes labels of the types int, str"),
        ([False, 1, 2], "classes mixes labels of the types bool, int.* position 1"),
        ([0, 1, 2.5], "classes must be labels.* Got 2.5 at position 2"),
    ],
)
def test_classes_that_are_none(classes: Any, match: str) -> None:
    refused(lambda model: model.partial_fit(X, Y, classes=classes), classifier(), match)


def test_classes_of_later_calls_are_the_same_labels() -> None:
    model = classifier().partial_fit(X, Y % 2, classes=[0, 1])
    model.partial_fit(X, Y % 2, classes=[1.0, 0.0])
    assert model.classes_.dtype == np.int64
    for other in ([False, True], ["0", "1"]):
        refused(lambda m, c=other: m.partial_fit(X, Y % 2, classes=c), model, "is not the same")


# ------------------------------------------------------------------------ regression targets

DAYS = np.array(["2024-01-01", "2024-02-01", "2024-03-01"], "M8[D]")[Y]
NOT_NUMBERS = [
    DAYS,
    DAYS - DAYS[0],
    pd.Series(DAYS),
    pd.Series(DAYS).dt.tz_localize("UTC"),
    [datetime.datetime(2024, 1, 1)] * N,
    [datetime.timedelta(1)] * N,
    [pd.Timestamp("2024-01-01")] * N,
    list(DAYS - DAYS[0]),
    ["1.5"] * N,
    [b"1.5"] * N,
    with_value(0, "0", Y),
]


@pytest.mark.parametrize("y", NOT_NUMBERS, ids=lambda y: f"{type(y).__name__} {y[0]!r:.20}")
def test_targets_that_are_no_numbers(y: Any) -> None:
    match = "y must have numbers.* at position 0; LossSampledClassifier takes classes"
    refused(lambda model: model.fit(X, y), regressor(), match)
    refused(lambda model: model.partial_fit(X, y), regressor(), match)
    fitted = regressor().fit(X, Y)
    refused(lambda model: model.instance_losses(X, y), fitted, match)
    refused(lambda model: model.score(X, y), fitted, match)
    refused(lambda m: m.fit(X, Y, X_val=X, y_val=y), fitted, "y_val must have numbers")


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(with_value(7, None, Y), dtype="Int64"),
        pd.Series(with_value(7, None, Y), dtype="double[pyarrow]"),
        pl.Series(with_value(7, None, Y)),
        pa.array(with_value(7, None, Y)),
        np.ma.masked_array(Y * 1.0, mask=np.arange(N) == 7),
        with_value(7, None, Y),
        with_value(7, pd.NA, Y),
        with_value(7, NAN, Y),
        with_value(7, np.inf, Y),
        with_value(7, 10**400, Y),
        with_value(7, Decimal("nan"), Y),
        with_value(7, np.datetime64("NaT"), DAYS),
        np.where(np.arange(N) == 7, np.datetime64("NaT"), DAYS),
        torch.tensor(with_value(7, NAN, Y)),
    ],
    ids=lambda y: f"{type(y).__name__} {getattr(y, 'dtype', y[7])!r:.20}",
)
def test_missing_targets(y: Any) -> None:
    match = r"Input y contains (NaN|infinity).* position 7"
    refused(lambda model: model.fit(X, y), regressor(), match)
    refused(lambda model: model.score(X, y), regressor().fit(X, Y), match)


@pytest.mark.parametrize(
    "y",
    [
        Y.astype(object),
        [Decimal(int(value)) for value in Y],
        [Fraction(int(value)) for value in Y],
        [value if value else np.float32(0) for value in Y.tolist()],
        pd.Series(Y, dtype="Float64"),
        pd.Series(Y, dtype="int64[pyarrow]"),
        pd.Series(Y, dtype="category"),
        pl.Series(Y),
        pl.Series([Decimal(int(value)) for value in Y]),
        pa.array(Y),
        torch.tensor(Y * 1.0, requires_grad=True),
        torch.tensor(Y * 1.0).bfloat16(),
        np.ma.masked_array(Y),
    ],
    ids=lambda y: f"{type(y).__name__} {getattr(y, 'dtype', type(y[0]))!r:.20}",
)
def test_numbers_of_any_container_are_targets(y: Any) -> None:
    expected = regressor().fit(X, Y)
    model = regressor().fit(X, y)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    assert model.score(X, y) == expected.score(X, Y)


# ----------------------------------------------------------------------------- identifiers


def pass_over(model: Any, ids: Any, n: int = N) -> Any:
    classes = {} if isinstance(model, LossSampledRegressor) else {"classes": [0, 1, 2]}
    return model.partial_fit(X[:n], Y[:n], sample_ids=ids, **classes)


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("missing", MISSING, ids=repr)
def test_rows_without_an_identifier_are_not_one_row(make: Any, missing: Any) -> None:
    texts = [f"r{i}" for i in range(N)]
    for ids in (with_value(7, missing, np.array(texts)), with_value(7, missing, np.arange(N))):
        for given in (ids, np.fromiter(ids, object, N)):
            refused(
                lambda m, given=given: pass_over(m, given),
                pass_over(make(), np.arange(N)),
                r"sample_ids contains NaN, None .* position 7.* identifier",
            )


@pytest.mark.parametrize(
    "ids, match",
    [
        (pd.Series(with_value(7, None, Y), dtype="Int64"), "sample_ids contains NaN.* position 7"),
        (pd.Series(with_value(7, None), dtype="string"), "sample_ids contains NaN.* position 7"),
        (pl.Series(with_value(7, None)), "sample_ids contains NaN.* position 7"),
        (pa.array(with_value(7, None, Y)), "sample_ids contains NaN.* position 7"),
        (np.ma.masked_array(Y, mask=Y == 1), "sample_ids contains NaN.* position 1"),
        (with_value(7, 1), "sample_ids must be of one type.* 1 at position 7"),
        (with_value(7, True, Y), "sample_ids must be of one type.* True at position 7"),
        (with_value(7, 2**70, Y), f"64 bits holds: {2**70} at position 7"),
        (with_value(7, "r\0"), r"sample_ids must not end in the character NUL.* position 7"),
        ([uuid.UUID(int=i) for i in range(N - 1)] + ["x"], "sample_ids must be of one type"),
        (np.arange(N) * 1.0, "sample_ids must be 60 integers or strings"),
        (np.array([True] * N, object), "sample_ids must be 60 integers or strings"),
        ([b"a"] * N, "sample_ids must be 60 integers or strings.* bytes at position 0"),
        ([Decimal(1)] * N, "sample_ids must be 60 integers or strings.* Decimal at position 0"),
        (np.fromiter([(1, 2)] * N, object, N), "sample_ids must be 60 integers or strings"),
        ([object()] * N, "sample_ids must be 60 integers or strings.* object at position 0"),
        (DAYS, "sample_ids must be 60 integers or strings"),
        ({f"r{i}" for i in range(N)}, "sample_ids must be 60 integers or strings"),
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_identifiers_that_are_none(ids: Any, match: str) -> None:
    for model in (classifier(), regressor()):
        refused(lambda m: pass_over(m, ids), model, match)


def test_identifiers_of_any_container() -> None:
    for numbers in (
        pd.Series(np.arange(N) + 2**53, dtype="Int64"),
        pl.Series(np.arange(N) + 2**53),
        pa.array(np.arange(N) + 2**53),
        torch.arange(N) + 2**53,
        [2**53 + i for i in range(N)],
    ):
        table = pass_over(regressor(), numbers).loss_table_
        assert table["id"].tolist() == [2**53 + i for i in range(N)]
    large = pass_over(regressor(), [2**63 + i for i in range(N)]).loss_table_
    assert large["id"].tolist() == [2**63 + i for i in range(N)]
    texts = with_value(0, "", np.array([f"r{i}" for i in range(N)]))
    assert pass_over(regressor(), texts).loss_table_["id"].tolist() == texts


def test_objects_with_a_name_become_texts() -> None:
    names = [uuid.UUID(int=i) for i in range(N)]
    model = pass_over(classifier(), names)
    pass_over(model, pd.Series(names[::-1]))
    assert model.loss_table_["id"].tolist() == [str(name) for name in names]
    assert (model.visit_counts_ == 2).all()
    addresses = [ip_address(i) for i in range(N)]
    assert pass_over(regressor(), addresses).loss_table_["id"][3] == "0.0.0.3"


class Called:
    """Objects that are not the same, and are called the same."""

    def __str__(self) -> str:
        return "called"


def test_objects_that_are_called_the_same_are_refused() -> None:
    same = Called()
    assert len(pass_over(regressor(), [same] * N).loss_table_) == 1
    match = "sample_ids must have texts that tell them apart.* 'called' .* at position 1"
    refused(lambda m: pass_over(m, [Called() for _ in range(N)]), regressor(), match)


def test_identifiers_are_of_one_kind_over_the_calls() -> None:
    numbers, texts = np.arange(N), [str(i) for i in range(N)]
    for first, second, kinds in (
        (numbers, texts, "They were integers, and are strings now: '0' at position 0"),
        (texts, numbers, "They were strings, and are integers now: 0 at position 0"),
    ):
        model = pass_over(classifier(), first)
        refused(lambda m, ids=second: pass_over(m, ids), model, kinds)
        # It goes on, and a fit begins anew.
        assert (pass_over(model, first).visit_counts_ == 2).all()
        pass_over(model.fit(X, Y), second)


def test_signed_and_unsigned_identifiers_go_together_exactly() -> None:
    signed = np.arange(N) + 2**53
    model = pass_over(regressor(), signed)
    pass_over(model, signed.astype(np.uint64) + np.uint64(1))
    assert model.loss_table_["id"].tolist() == [2**53 + i for i in range(N + 1)]
    assert model.visit_counts_.tolist() == [1, *[2] * (N - 1), 1]
    pass_over(model, np.full(N, 2**64 - 1, np.uint64))
    assert model.loss_table_["id"].dtype == np.uint64
    assert model.loss_table_["id"].tolist() == [*(2**53 + i for i in range(N + 1)), 2**64 - 1]
    refused(
        lambda m: pass_over(m, with_value(7, -1, signed)),
        model,
        "sample_ids must be integers that one type holds over all calls. Got -1 at position 7",
    )
    negative = pass_over(regressor(), -np.arange(N))
    refused(
        lambda m: pass_over(m, np.arange(N, dtype=np.uint64) + np.uint64(2**63 - 1)),
        negative,
        f"Got {2**63} at position 1, after others that are negative",
    )


# --------------------------------------------------------------------- masks and numbers


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize(
    "trusted",
    [
        np.fromiter(with_value(0, np.True_, Y == 0), object, N),
        with_value(0, np.True_, Y == 0),
        pd.Series(Y == 0, dtype="boolean"),
        pd.Series(Y == 0, dtype="bool[pyarrow]"),
        pl.Series(Y == 0),
        pa.array(Y == 0),
        torch.tensor(Y == 0),
        list(torch.tensor(Y == 0)),
    ],
    ids=lambda mask: f"{type(mask).__name__} {getattr(mask, 'dtype', '')}",
)
def test_masks_of_any_container(make: Any, trusted: Any) -> None:
    class Nosy(Base):
        def begin(self, table: Any, setup: Any) -> Any:
            self.trusted_ = setup.trusted
            return super().begin(table, setup)

    model = make(sampling_strategy=Nosy()).fit(X, Y, trusted=trusted)
    assert model.sampling_strategy_.trusted_.dtype == bool
    np.testing.assert_array_equal(model.sampling_strategy_.trusted_, Y == 0)
    sampler = LossSampler(N, Nosy(), trusted=trusted)
    np.testing.assert_array_equal(sampler.strategy.trusted_, Y == 0)


@pytest.mark.parametrize(
    "trusted, match",
    [
        (pd.Series(with_value(7, None, Y == 0), dtype="boolean"), "contains NaN.* position 7"),
        (with_value(7, None, Y == 0), "contains NaN.* position 7"),
        (with_value(7, NAN, Y == 0), "contains NaN.* position 7"),
        (np.ma.masked_array(Y == 0, mask=Y == 1), "contains NaN.* position 1"),
        (with_value(7, 1, Y == 0), "must be a mask"),
        (Y % 2, "must be a mask"),
        (torch.tensor(Y % 2), "must be a mask"),
    ],
)
def test_masks_that_are_none(trusted: Any, match: str) -> None:
    refused(lambda m: m.fit(X, Y, trusted=trusted), classifier(), f"trusted {match}")
    with pytest.raises(ValueError, match=f"trusted {match}"):
        LossSampler(N, trusted=trusted)


MISSING_NUMBERS = [
    pd.Series(with_value(7, None, np.ones(N)), dtype="Float64"),
    pd.Series(with_value(7, None, np.ones(N, int)), dtype="Int64"),
    pd.Series(with_value(7, None, np.ones(N)), dtype="double[pyarrow]"),
    pl.Series(with_value(7, None, np.ones(N))),
    pa.array(with_value(7, None, np.ones(N))),
    np.ma.masked_array(np.ones(N), mask=np.arange(N) == 7),
    with_value(7, None, np.ones(N)),
    torch.tensor(with_value(7, NAN, np.ones(N))),
]


@pytest.mark.parametrize("numbers", MISSING_NUMBERS, ids=lambda n: f"{type(n).__name__}")
def test_missing_weights_and_losses(numbers: Any) -> None:
    for model in (classifier(), regressor()):
        match = "contains NaN.* position 7"
        refused(lambda m: m.fit(X, Y, sample_weight=numbers), model, f"sample_weight {match}")
        refused(
            lambda m: m.fit(X, Y, X_val=X, y_val=Y, sample_weight_val=numbers),
            model,
            f"sample_weight_val {match}",
        )
        refused(
            lambda m: m.fit(X, Y, irreducible_losses=numbers), model, f"irreducible_losses {match}"
        )


@pytest.mark.parametrize(
    "weights",
    [
        pd.Series(Y + 1, dtype="Int64"),
        pd.Series(Y + 1, dtype="double[pyarrow]"),
        pl.Series(Y + 1),
        pa.chunked_array([Y + 1]),
        torch.tensor(Y + 1.0, requires_grad=True),
        torch.tensor(Y + 1.0).bfloat16(),
        [Decimal(int(value) + 1) for value in Y],
    ],
    ids=lambda weights: f"{type(weights).__name__} {getattr(weights, 'dtype', '')}",
)
def test_weights_and_losses_of_any_container(weights: Any) -> None:
    expected = classifier().fit(X, Y, sample_weight=Y + 1, irreducible_losses=Y + 1.0)
    model = classifier().fit(X, Y, sample_weight=weights, irreducible_losses=weights)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    LossSampler(N, irreducible_losses=weights)


def test_what_a_mask_hides_of_the_inputs_is_not_learnt() -> None:
    hidden = np.ma.masked_array(X, mask=np.zeros(X.shape, bool))
    np.testing.assert_array_equal(
        classifier().fit(hidden, Y).predict(X), classifier().fit(X, Y).predict(X)
    )
    hidden[4, 2] = np.ma.masked
    for model in (classifier(), regressor()):
        refused(lambda m: m.fit(hidden, Y), model, r"X has masked values, the first at \(4, 2\)")


# ------------------------------------------------------------------------------ the sampler


def test_a_sampler_takes_labels_of_any_container_and_targets() -> None:
    for y in (NAMES, NAMES.tolist(), pd.Series(NAMES, dtype="category"), pl.Series(NAMES), Y + 0.5):
        LossSampler(N, y=y)
    for y, match in (
        (with_value(7, NAN, Y * 0.5), "position 7"),
        (with_value(7, 1), "mixes labels"),
        (with_value(7, True, Y), "mixes labels"),
    ):
        with pytest.raises(ValueError, match=f"'y' parameter of LossSampler .*{match}"):
            LossSampler(N, y=y)


# -------------------------------------------------------------------------------- the rest


def test_pictures_read_labels_the_same_way() -> None:
    display = SelectionDisplay([[0, 1, 2]], 3, y=["b", "a", "b"])
    assert display.plot(sort_by="label").order_.tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match=r"y contains NaN.* position 1"):
        SelectionDisplay([[0, 1, 2]], 3, y=["b", NAN, "b"]).plot(sort_by="label")
    with pytest.raises(ValueError, match=r"groups contains NaN.* position 1"):
        GroupReportDisplay.from_losses([1.0, 2.0, 3.0], ["b", NAN, "b"])


@pytest.mark.parametrize("make", [classifier, regressor])
def test_partial_fit_cannot_stop_early(make: Any) -> None:
    model = make(early_stopping=True)
    before = vars(model).copy()
    with pytest.raises(InvalidParameterError, match=r"'early_stopping' parameter .* False"):
        pass_over(model, None)
    assert vars(model) == before
    # What `fit` made may have been stopped early: the pass is that of a model without it.
    fitted, plain = (make().fit(X, Y) for _ in range(2))
    fitted.set_params(early_stopping=True)
    with pytest.warns(ConvergenceWarning, match="does not use early_stopping=True") as caught:
        pass_over(fitted, None)
    assert caught[0].filename == __file__
    pass_over(plain, None)
    np.testing.assert_array_equal(fitted.predict(X), plain.predict(X))
    assert fitted.visit_counts_.tolist() == [1] * len(X)


TEXTS = ["a text", "b", "c"]


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        [text.encode() for text in TEXTS],
        np.array(TEXTS, "S"),
        np.array(TEXTS)[:, None],
        [[text] for text in TEXTS],
        pd.Series(TEXTS, dtype="string[pyarrow]", index=[5, 6, 7]),
        pd.Series(TEXTS, dtype="category"),
        pd.DataFrame({"text": TEXTS}, index=[5, 6, 7]),
        pl.Series(TEXTS),
        pl.DataFrame({"text": TEXTS}),
        pa.array(TEXTS),
        pa.chunked_array([TEXTS[:1], TEXTS[1:]]),
        pa.table({"text": TEXTS}),
    ],
    ids=lambda texts: type(texts).__name__,
)
def test_raw_text_of_any_container(texts: Any) -> None:
    match = r"X is raw text \(b?'a text'\).*make_pipeline\(CountVectorizer\(\), LossSampled"
    for model in (classifier(), regressor()):
        refused(lambda m: m.fit(texts, [0, 1, 0]), model, match)
        fitted = clone(model).fit(X, Y)
        refused(lambda m: m.predict(texts), fitted, match)
        refused(lambda m: m.fit(X, Y, X_val=texts, y_val=[0, 1, 0]), fitted, "X_val is raw text")


def test_numbers_written_as_texts_are_still_inputs() -> None:
    column = np.array([[str(value)] for value in X[:, 0].tolist()])
    model = classifier().fit(column, Y)
    np.testing.assert_array_equal(
        model.predict(column), classifier().fit(X[:, :1], Y).predict(X[:, :1])
    )


def test_the_preprocessor_takes_the_columns_of_a_table() -> None:
    table = pa.table({"text": pa.chunked_array([["Hello  World"], ["b", None]])})
    cleaned = RegexPreprocessor(missing="empty").fit_transform(table["text"])
    assert cleaned.tolist() == RegexPreprocessor().fit_transform(["Hello  World", "b", ""]).tolist()
