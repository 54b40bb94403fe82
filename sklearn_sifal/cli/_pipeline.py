"""From columns of a file to the inputs of a pipeline, and the pipeline that takes them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_sifal._plain_arrays import as_objects
from sklearn_sifal.cli._numbers import as_numbers
from sklearn_sifal.cli._roles import Roles
from sklearn_sifal.cli._table import Table
from sklearn_sifal.preprocessing._regex import RegexPreprocessor

# Pairs of words of long texts run into the millions, nearly all of them seen once.
_MOST_WORDS = 200_000


def make_inputs(table: Table, roles: Roles) -> NDArray[Any]:
    """The columns to learn from, as the pipeline of these roles takes them.

    Returns
    -------
    X : ndarray
        Of shape (n_rows,) with texts for a single column of text; of shape (n_rows,
        n_columns) otherwise, float64 if all columns are numeric, else object.
    """
    if roles.columns == roles.text and len(roles.text) == 1:
        return as_objects(table.columns[roles.text[0]])
    columns: list[NDArray[Any]] = [as_objects(table.columns[name]) for name in roles.text]
    columns += [_as_floats(table, name) for name in roles.numeric]
    columns += [as_objects([c.strip() for c in table.columns[n]]) for n in roles.categorical]
    dtype = np.float64 if roles.columns == roles.numeric else object
    X = np.empty((table.n_rows, len(columns)), dtype=dtype)
    for number, column in enumerate(columns):
        X[:, number] = column
    return X


def _as_floats(table: Table, name: str) -> NDArray[np.float64]:
    numbers = as_numbers(table.columns[name], table.decimal)
    assert numbers is not None, "checked with the roles"
    return numbers


def make_model(roles: Roles, classifier: Any) -> Pipeline:
    """A pipeline that ends in a classifier.

    Texts are cleaned and their words and pairs of words counted, as present or not;
    numbers are standardised, missing ones replaced by the median and marked by a column
    of their own; categories get a column each.

    Parameters
    ----------
    roles : Roles
        The columns.
    classifier : estimator
        The last step.
    """
    if roles.columns == roles.text and len(roles.text) == 1:
        return make_pipeline(RegexPreprocessor(), _words(), classifier)
    if roles.columns == roles.numeric:
        return make_pipeline(*_numbers(), classifier)
    # By position: without pandas there are no names.
    steps: list[tuple[str, Any, Any]] = [
        (f"words of {name}", make_pipeline(RegexPreprocessor(), _words()), position)
        for position, name in enumerate(roles.text)
    ]
    begin, end = len(roles.text), len(roles.text) + len(roles.numeric)
    if roles.numeric:
        steps.append(("numbers", make_pipeline(*_numbers()), slice(begin, end)))
    if roles.categorical:
        codes = OneHotEncoder(handle_unknown="ignore", dtype=np.float32)
        steps.append(("categories", codes, slice(end, len(roles.columns))))
    return make_pipeline(ColumnTransformer(steps), classifier)


def _words() -> CountVectorizer:
    return CountVectorizer(
        ngram_range=(1, 2),
        token_pattern=r"(?u)\b\w+\b",  # with words of one letter
        binary=True,
        max_features=_MOST_WORDS,
        dtype=np.float32,
    )


def _numbers() -> tuple[SimpleImputer, StandardScaler]:
    # A column without any number in a fold is kept, so that folds have the same columns.
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return imputer, StandardScaler()
