"""Correlations by row, with gaps."""

import numpy as np

from sklearn_sifal.strategies._scores import row_correlations


def test_correlations_agree_with_numpy_where_there_are_gaps() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30, 8))
    a[rng.random(a.shape) < 0.2] = np.nan
    b[rng.random(b.shape) < 0.2] = np.nan
    for i, r in enumerate(row_correlations(a, b)):
        both = ~np.isnan(a[i]) & ~np.isnan(b[i])
        if both.sum() < 3:
            assert np.isnan(r)
        else:
            np.testing.assert_allclose(r, np.corrcoef(a[i, both], b[i, both])[0, 1])


def test_rounding_is_not_variation() -> None:
    flat = np.full((1, 3), np.float32(0.1))
    rising = np.array([[1.0, 2.0, 3.0]])
    assert row_correlations(flat, rising) == 0.0
    assert row_correlations(np.full((1, 3), 1e30), rising) == 0.0
    assert row_correlations(np.zeros((1, 3)), rising) == 0.0
