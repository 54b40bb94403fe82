"""What is kept of the rows that a page shows."""

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse as sp

from sklearn_sifal.comparison._kept_rows import contents_of


def test_texts():
    texts = ["a", "b" * 3000, "c"]
    for given in (texts, np.array(texts), np.array(texts, object), pd.Series(texts, [5, 6, 7])):
        found = contents_of(given, [0, 1])
        assert found[0] == "a"
        assert found[1] == "b" * 2000 + "…"


def test_data_frames():
    columns = {"size": [1.5, 2.5], "name": ["x", "y"], "n": [3, 4]}
    for frame in (pd.DataFrame(columns, index=["p", "q"]), pl.DataFrame(columns)):
        assert contents_of(frame, [1]) == {1: {"size": 2.5, "name": "y", "n": 4}}


def test_arrays_are_copied():
    X = np.arange(6.0).reshape(2, 3)
    found = contents_of(X, [1])
    X[:] = 0
    np.testing.assert_array_equal(found[1], [3, 4, 5])
    assert contents_of(np.array([["a", "b"]], object), [0]) == {0: {"0": "a", "1": "b"}}


def test_nothing_that_nobody_could_read():
    assert contents_of(sp.csr_array(np.eye(3)), [0]) == {}
    assert contents_of(np.zeros((1, 100_000)), [0]) == {}
