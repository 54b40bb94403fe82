"""RegexPreprocessor: parameters, containers, errors, life in a pipeline."""

import pickle
import re
import subprocess
import sys
from enum import Enum

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.validation import check_is_fitted

import sklearn_sifal
from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal.preprocessing import RegexPreprocessor

TEXTS = ["Call ME!!", "I paid $5", "where is my card?"]
CLEANED = ["call me!", "i paid _money_", "where is my card?"]


def shout(match):
    """A replacement that can be pickled."""
    return match.group().upper()


class Color(str, Enum):  # noqa: UP042 - StrEnum has another str()
    """A str whose str() is not its value."""

    RED = "Red"


# --- rules ---------------------------------------------------------------------------


def test_default_rules():
    assert RegexPreprocessor().fit_transform(TEXTS).tolist() == CLEANED


@pytest.mark.parametrize(
    "rules, expected",
    [
        ([], "My ACCT 12"),
        (["lowercase"], "my acct 12"),
        ([(r"[A-Z]+", "x")], "xy x 12"),
        ((("name", r"[A-Z]+", "x"),), "xy x 12"),
        ([[r"[A-Z]+", "x"]], "xy x 12"),
        ([(re.compile("acct", re.IGNORECASE), "account")], "My account 12"),
        ([(r"(\d)(\d)", r"\2\g<1>")], "My ACCT 21"),
        ([(r"(?P<one>\d)", r"<\g<one>>")], "My ACCT <1><2>"),
        ([("y", shout)], "MY ACCT 12"),
        (["default", (r"\bacct\b", "account")], "my account _number_"),
        ([(r"ACCT", "a  b"), "default"], "my a b _number_"),
        (["default", ("acct", ""), "whitespace"], "my _number_"),
        (["number", "lowercase"], "my acct _number_"),
    ],
)
def test_rules(rules, expected):
    assert RegexPreprocessor(rules=rules).fit_transform(["My ACCT 12"]).tolist() == [expected]


def test_rules_apply_in_the_order_given():
    first = RegexPreprocessor(rules=[("a", "b"), ("b", "c")])
    second = RegexPreprocessor(rules=[("b", "c"), ("a", "b")])
    assert first.transform(["ab"]).tolist() == ["cc"]
    assert second.transform(["ab"]).tolist() == ["bc"]


def test_fitted_rules():
    rules = ["default", ("acct", "account"), ("mine", "a", "b")]
    fitted = RegexPreprocessor(rules=rules).fit(TEXTS).rules_
    assert [rule.name for rule in fitted[-2:]] == ["rules[1]", "mine"]
    assert fitted[-1].pattern == re.compile("a")
    assert fitted[-1].replacement == "b"
    # The items of rules_ are rules again.
    assert RegexPreprocessor(rules=fitted).fit(TEXTS).rules_ == fitted


@pytest.mark.parametrize(
    "rules, error, message",
    [
        ([("ok", "a", "b"), ("bad", "a(", "b")], ValueError, "pattern of rule 'bad' is no valid"),
        (["default", ("a(", "b")], ValueError, r"pattern of rule 'rules\[1\]' is no valid"),
        ([("bad", "a", r"\1")], ValueError, "replacement of rule 'bad' does not fit.*reference 1"),
        ([("bad", "(a)", r"\g<b>")], ValueError, "replacement of rule 'bad'.*unknown group name"),
        ([("bad", "a", 3)], TypeError, "replacement of rule 'bad' must be a str or a callable"),
        ([("bad", b"a", "b")], TypeError, "pattern of rule 'bad' must be a str or a compiled"),
        ([("bad", re.compile(b"a"), "b")], TypeError, "pattern of rule 'bad' must be a str"),
        ([("bad", None, str.lower)], TypeError, "pattern of rule 'bad' must be a str"),
        ([(3, "a", "b")], TypeError, r"name of rules\[0\] must be a str, got 3"),
        (["url", ("a",)], TypeError, r"rules\[1\] must be the name of a default rule, a pair"),
        ([3], TypeError, r"rules\[0\] must be the name of a default rule, a pair"),
        (["upper"], ValueError, "unknown name 'upper'; the known names are 'default', 'invisible'"),
        # One pair without the list around it.
        (("a", "b"), ValueError, r"unknown name 'a'.*rules=\[\(pattern, replacement\)\]"),
        ("lowercase", ValueError, "'rules' parameter of RegexPreprocessor must be"),
        (None, TypeError, "'rules' parameter of RegexPreprocessor must be 'default' or a list"),
        (np.array(["url"]), ValueError, "'rules' parameter of RegexPreprocessor must be"),
        ({"a": "b"}, ValueError, "'rules' parameter of RegexPreprocessor must be"),
    ],
)
def test_invalid_rules_raise_at_fit(rules, error, message):
    preprocessor = RegexPreprocessor(rules=rules)
    with pytest.raises(error, match=message) as caught:
        preprocessor.fit(["x"])
    assert type(caught.value) is InvalidParameterError
    assert not hasattr(preprocessor, "rules_")
    with pytest.raises(error, match=message):
        preprocessor.transform(["x"])


@pytest.mark.parametrize("missing", ["drop", None, True, ["raise"], object()])
def test_invalid_missing_raises(missing):
    message = "'missing' parameter of RegexPreprocessor must be one of {'empty', 'raise'}"
    for method in ("fit", "transform", "fit_transform"):
        with pytest.raises(InvalidParameterError, match=message):
            getattr(RegexPreprocessor(missing=missing), method)(["x"])


# --- containers ----------------------------------------------------------------------

CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "list of np.str_": lambda texts: [np.str_(text) for text in texts],
    "object array": lambda texts: np.array(texts, dtype=object),
    "str array": np.array,
    "StringDType array": lambda texts: np.array(texts, dtype=np.dtypes.StringDType()),
    "masked array": lambda texts: np.ma.array(np.array(texts, dtype=object)),
    "pandas": pd.Series,
    "pandas object": lambda texts: pd.Series(texts, dtype=object, index=[7] * len(texts)),
    "pandas string": lambda texts: pd.Series(texts, dtype="string"),
    "pandas categorical": lambda texts: pd.Series(texts, dtype="category"),
    "pandas index": pd.Index,
    "pandas array": lambda texts: pd.array(texts, dtype="string"),
    "polars": pl.Series,
    "polars categorical": lambda texts: pl.Series(texts, dtype=pl.Categorical),
    "polars object": lambda texts: pl.Series(texts, dtype=pl.Object),
}


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_containers_of_the_same_texts_give_the_same_array(make):
    for cleaned in (
        RegexPreprocessor().fit_transform(make(TEXTS)),
        RegexPreprocessor().transform(make(TEXTS)),
        RegexPreprocessor().fit(make(TEXTS)).transform(make(TEXTS)),
    ):
        assert type(cleaned) is np.ndarray
        assert cleaned.dtype == object
        assert cleaned.shape == (3,)
        assert cleaned.tolist() == CLEANED
        assert {type(text) for text in cleaned} == {str}


@pytest.mark.parametrize(
    "empty",
    [[], (), np.array([]), np.array([], dtype=object), pd.Series([], dtype=object)]
    + [pl.Series([], dtype=pl.String)],
    ids=lambda empty: type(empty).__module__,
)
def test_no_texts_give_an_empty_array(empty):
    cleaned = RegexPreprocessor().fit_transform(empty)
    assert cleaned.dtype == object
    assert cleaned.shape == (0,)


def test_value_of_a_str_enum_is_cleaned():
    (cleaned,) = RegexPreprocessor().transform([Color.RED])
    assert cleaned == "red"
    assert type(cleaned) is str


@pytest.mark.parametrize(
    "X, error, message",
    [
        ("Call me", ValueError, "got a single str"),
        (np.str_("Call me"), ValueError, "got a single str"),
        (b"Call me", TypeError, "'bytes': bytes have no encoding"),
        (3, TypeError, "got an object of type 'int'"),
        (None, TypeError, "got an object of type 'NoneType'"),
        ({"a": "b"}, TypeError, "'dict': it is not clear whether"),
        ({"a"}, TypeError, "'set': its elements have no order"),
        ({"a": 1}.keys(), TypeError, "'dict_keys': its elements have no order"),
        (iter(["a"]), TypeError, "it could be read only once"),
        ((text for text in "ab"), TypeError, "it could be read only once"),
        (np.array("a"), ValueError, r"1-D sequence of texts, got shape \(\)"),
        (np.array([["a"]]), ValueError, r"got shape \(1, 1\) \(ndarray\). Select the one column"),
        (pd.DataFrame({"a": ["b"]}), ValueError, r"got shape \(1, 1\) \(DataFrame\)"),
        (pl.DataFrame({"a": ["b"]}), ValueError, r"got shape \(1, 1\) \(DataFrame\)"),
        (pl.LazyFrame({"a": ["b"]}), TypeError, "got an object of type 'LazyFrame'"),
        (csr_array(np.eye(2)), TypeError, "got a sparse matrix"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_containers_raise(X, error, message):
    for method in (RegexPreprocessor().fit, RegexPreprocessor().transform):
        with pytest.raises(error, match=message):
            method(X)


# --- missing texts and other values ----------------------------------------------------

MISSING = {
    "None": ["a", None],
    "nan": ["a", float("nan")],
    "np.nan": ["a", np.float32("nan")],
    "pd.NA": ["a", pd.NA],
    "pd.NaT": ["a", pd.NaT],
    "np NaT": ["a", np.datetime64("NaT")],
    "object array": np.array(["a", None], dtype=object),
    "StringDType nan": np.array(["a", np.nan], dtype=np.dtypes.StringDType(na_object=np.nan)),
    "StringDType NA": np.array(["a", pd.NA], dtype=np.dtypes.StringDType(na_object=pd.NA)),
    "masked array": np.ma.array(np.array(["a", "b"], dtype=object), mask=[False, True]),
    "pandas": pd.Series(["a", None], index=["x", "y"]),
    "pandas object": pd.Series(["a", None], dtype=object),
    "pandas string": pd.Series(["a", None], dtype="string"),
    "pandas categorical": pd.Series(["a", None], dtype="category"),
    "polars": pl.Series(["a", None]),
}


@pytest.mark.parametrize("X", MISSING.values(), ids=MISSING.keys())
def test_missing_texts(X):
    for method in (RegexPreprocessor().fit, RegexPreprocessor().transform):
        with pytest.raises(ValueError, match="element at position 1 is missing"):
            method(X)
    assert RegexPreprocessor(missing="empty").fit_transform(X).tolist() == ["a", ""]


@pytest.mark.parametrize("missing", ["raise", "empty"])
@pytest.mark.parametrize("value", [3, 1.5, b"x", True, ["x"], ("x",), np.int64(3), object])
def test_values_that_are_no_text_always_raise(value, missing):
    preprocessor = RegexPreprocessor(missing=missing)
    expected = f"element at position 2 is .* of type '{type(value).__name__}'"
    for method in (preprocessor.fit, preprocessor.transform):
        with pytest.raises(TypeError, match=expected):
            method(["a", "b", value])


# --- scikit-learn ------------------------------------------------------------------------

# The checks that pass no matrix of numbers. For a transformer of texts scikit-learn's
# check_estimator runs the first of them only.
CHECKS = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_mixin_order,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_checks_of_scikit_learn(check):
    check("RegexPreprocessor", RegexPreprocessor())


def test_check_estimator_finds_no_failure():
    with pytest.warns(SkipTestWarning, match="Can't test estimator"):
        results = estimator_checks.check_estimator(RegexPreprocessor())
    assert {result["status"] for result in results} == {"passed"}


def test_tags():
    tags = get_tags(RegexPreprocessor())
    assert tags.input_tags.string
    assert tags.input_tags.one_d_array
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.allow_nan
    assert get_tags(RegexPreprocessor(missing="empty")).input_tags.allow_nan
    assert not tags.requires_fit
    assert not tags.target_tags.required
    assert tags.transformer_tags.preserves_dtype == []


def test_transform_without_fit_equals_transform_after_fit():
    preprocessor = RegexPreprocessor(rules=["default", ("card", "CARD")])
    check_is_fitted(preprocessor)
    before = preprocessor.transform(TEXTS)
    assert not hasattr(preprocessor, "rules_")
    assert before.tolist() == preprocessor.fit(["other"]).transform(TEXTS).tolist()


def test_fit_returns_self_and_is_idempotent():
    preprocessor = RegexPreprocessor(rules=["default", ("a", "b")])
    assert preprocessor.fit(TEXTS) is preprocessor
    first = vars(preprocessor).copy()
    assert vars(preprocessor.fit(TEXTS, y=[0, 1, 2])) == first


def test_fit_forgets_the_earlier_rules():
    preprocessor = RegexPreprocessor(rules=[("a", "b")]).fit(["a"])
    assert preprocessor.transform(["a"]).tolist() == ["b"]
    preprocessor.set_params(rules=[("a", "c")]).fit(["a"])
    assert preprocessor.transform(["a"]).tolist() == ["c"]


@pytest.mark.parametrize("fitted", [False, True])
def test_pickle_and_clone(fitted):
    rules = ["default", ("card", shout), (re.compile("me"), "you")]
    preprocessor = RegexPreprocessor(rules=rules, missing="empty")
    if fitted:
        preprocessor.fit(TEXTS)
    expected = ["call you!", "i paid _money_", "where is my CARD?"]
    for copied in (pickle.loads(pickle.dumps(preprocessor)), clone(preprocessor)):
        assert copied.transform(TEXTS).tolist() == expected
        assert copied.get_params() == preprocessor.get_params()
    loaded = pickle.loads(pickle.dumps(preprocessor))
    assert vars(loaded) == vars(preprocessor)


def test_input_and_parameters_are_left_unchanged():
    array = np.array(TEXTS, dtype=object)
    array.flags.writeable = False
    series, listed = pd.Series(TEXTS), list(TEXTS)
    rules = ["default", ["a", "b"]]
    preprocessor = RegexPreprocessor(rules=rules)
    for X in (array, series, listed):
        cleaned = preprocessor.fit_transform(X)
        cleaned[0] = "changed"
    assert array.tolist() == series.tolist() == listed == TEXTS
    assert preprocessor.rules is rules
    assert rules == ["default", ["a", "b"]]


def test_no_rules_still_copy():
    array = np.array(TEXTS, dtype=object)
    cleaned = RegexPreprocessor(rules=[]).fit_transform(array)
    assert cleaned.tolist() == TEXTS
    assert not np.shares_memory(cleaned, array)


@pytest.mark.parametrize(
    "given, expected",
    [(None, ["text"]), (["query"], ["query"]), (np.array(["query"]), ["query"])],
)
def test_feature_names(given, expected):
    for preprocessor in (RegexPreprocessor(), RegexPreprocessor().fit(TEXTS)):
        names = preprocessor.get_feature_names_out(given)
        assert names.dtype == object
        assert names.tolist() == expected


@pytest.mark.parametrize("given", ["query", [["query"]]])
def test_feature_names_that_are_no_list_raise(given):
    with pytest.raises(ValueError, match="input_features must be a 1-D array of names"):
        RegexPreprocessor().get_feature_names_out(given)


@pytest.mark.parametrize("vectorizer", [CountVectorizer(), TfidfVectorizer(ngram_range=(1, 2))])
def test_feature_names_of_a_pipeline(vectorizer):
    pipe = make_pipeline(RegexPreprocessor(), clone(vectorizer), LogisticRegression())
    pipe.fit(TEXTS, [0, 1, 0])
    alone = clone(vectorizer).fit(CLEANED)
    names = pipe[:-1].get_feature_names_out()
    assert names.tolist() == alone.get_feature_names_out().tolist()
    assert "_money_" in names
    assert pipe[:1].get_feature_names_out().tolist() == ["text"]


def test_tokens_survive_the_vectorizer_in_one_piece():
    text = "mail ann@a.com or www.a.com: $5, not5 5, x$5y $6z a$7"
    analyze = CountVectorizer().build_analyzer()
    (cleaned,) = RegexPreprocessor().transform([text])
    assert [word for word in analyze(cleaned) if "_" in word] == [
        *("_email_", "_url_", "_money_", "_number_", "_money_")
    ]


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_configured_output_does_not_reach_the_texts(output):
    X = pd.Series(TEXTS, index=[5, 6, 7])
    expected = CountVectorizer().fit(CLEANED).get_feature_names_out().tolist()
    with sklearn.config_context(transform_output=output):
        pipe = make_pipeline(RegexPreprocessor(), CountVectorizer()).fit(X)
        assert pipe.get_feature_names_out().tolist() == expected
        assert type(RegexPreprocessor().fit_transform(X)) is np.ndarray
    pipe = Pipeline([("clean", RegexPreprocessor())]).set_output(transform=output)
    assert type(pipe.fit_transform(X)) is np.ndarray
    assert type(pipe.transform(X)) is np.ndarray


def test_parameters_can_be_searched():
    pipe = make_pipeline(RegexPreprocessor(), CountVectorizer(), LogisticRegression())
    grid = {"regexpreprocessor__rules": ["default", [], ["lowercase", ("a", "b")]]}
    search = GridSearchCV(pipe, grid, cv=2).fit(TEXTS * 4, [0, 1, 0] * 4)
    assert len(search.cv_results_["params"]) == 3


def test_public_names():
    assert sklearn_sifal.RegexPreprocessor is RegexPreprocessor
    assert sklearn_sifal.preprocessing.__all__ == ["RegexPreprocessor"]


def test_skops_can_hold_a_fitted_preprocessor():
    skops = pytest.importorskip("skops.io")
    rules = ["default", ("card", "CARD"), (r"(m)e", r"\1y")]
    preprocessor = RegexPreprocessor(rules=rules).fit(TEXTS)
    data = skops.dumps(preprocessor)
    trusted = skops.get_untrusted_types(data=data)
    assert trusted == ["sklearn_sifal.preprocessing._regex.RegexPreprocessor"]
    loaded = skops.loads(data, trusted=trusted)
    assert loaded.rules_ == preprocessor.rules_
    assert loaded.transform(TEXTS).tolist() == ["call my!", CLEANED[1], "where is my CARD?"]


def test_nothing_heavy_is_imported():
    """Neither torch nor a data frame library, but for what scikit-learn imports itself."""
    code = (
        "import sys, sklearn.base, sklearn.utils; before = set(sys.modules); "
        "from sklearn_sifal.preprocessing import RegexPreprocessor as R; "
        "R(missing='empty').fit_transform(['A', None]); "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(new & {'torch', 'skorch', 'pandas', 'polars', 'pyarrow'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"
