"""Numbers of other machines, of more than double precision, and complex ones, as inputs."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor

rng = np.random.default_rng(0)
X = np.where(rng.random((60, 5)) < 0.6, rng.normal(size=(60, 5)), 0)
Y = np.arange(60) % 3


def swapped_csr(X: Any) -> Any:
    matrix = sp.csr_array(X)
    matrix.data = matrix.data.astype(">f8")
    return matrix


def fitted(make: Any, X: Any) -> Any:
    y = Y if make is LossSampledClassifier else Y.astype(float)
    return make(hidden_layer_sizes=(4,), budget=2, random_state=0).fit(X, y)


@pytest.mark.parametrize("make", [LossSampledClassifier, LossSampledRegressor])
@pytest.mark.parametrize(
    "given, native",
    [
        (X.astype(">f8"), X),
        (np.asfortranarray(X.astype(">f8")), X),
        (X.astype(">f4"), X.astype(np.float32)),
        (X.astype(np.longdouble), X.astype(np.float32)),
        (pd.DataFrame(X).astype(">f8"), X),
        (swapped_csr(X), sp.csr_array(X)),
    ],
)
def test_the_same_as_the_native_array(make: Any, given: Any, native: Any) -> None:
    one, other = fitted(make, given), fitted(make, native)
    for name, values in other.weights_.items():
        assert one.weights_[name].dtype == values.dtype
        np.testing.assert_array_equal(one.weights_[name], values)
    np.testing.assert_array_equal(one.predict(given), other.predict(native))


def test_beyond_single_precision() -> None:
    with pytest.raises(ValueError, match="infinity or a value too large for dtype"):
        fitted(LossSampledClassifier, X.astype(np.longdouble) * 1e60)
    assert fitted(LossSampledClassifier, (X * 1e20).astype(">f8")).n_features_in_ == 5


@pytest.mark.parametrize("wide_pointers", [False, True])
def test_complex_sparse_matrices_are_refused(wide_pointers: bool) -> None:
    matrix = sp.csr_array(X.astype(complex))
    if wide_pointers:
        matrix.indptr = matrix.indptr.astype(np.int64)
    with pytest.raises(ValueError, match="Complex data not supported"):
        fitted(LossSampledClassifier, matrix)


def test_complex_columns_are_refused() -> None:
    frame = pd.DataFrame(X)
    frame[2] = frame[2].astype(complex)
    with pytest.raises(ValueError, match="Complex data not supported"):
        fitted(LossSampledClassifier, frame)


def test_a_column_of_complex_objects_is_refused_without_a_warning() -> None:
    # numpy's own numbers, whose conversion to float only warns.
    column = np.full((60, 1), None, object)
    column[:, 0] = list(np.ones(60, np.complex64))
    with pytest.raises(ValueError, match="Complex data not supported"):
        LossSampledClassifier(budget=1).fit(column, np.arange(60) % 2)
