"""The estimate against closed forms, scipy and its own promises."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.stats import entropy, norm

from sklearn_sifal.inspection import kl_divergence


def normal(mean: float, spread: float, n: int = 200_000, seed: int = 0) -> NDArray[np.float64]:
    """A sample without sampling error: the quantiles, in random order."""
    quantiles = norm.ppf((np.arange(n) + 0.5) / n, mean, spread)
    return np.random.default_rng(seed).permutation(quantiles)


def normal_divergence(m: float, s: float, mean: float, spread: float) -> float:
    return float(np.log(spread / s) + (s**2 + (m - mean) ** 2) / (2 * spread**2) - 0.5)


class TestClosedForms:
    @pytest.mark.parametrize(
        "p, q",
        [
            ((0.0, 0.1), (0.0, 0.1)),
            ((0.0, 0.1), (0.05, 0.1)),
            ((0.0, 0.1), (0.0, 0.2)),
            ((0.05, 0.1), (0.0, 0.15)),
            ((0.3, 0.2), (-0.1, 0.3)),
        ],
    )
    def test_two_normals(self, p: tuple[float, float], q: tuple[float, float]) -> None:
        found = kl_divergence(normal(*p), normal(*q, seed=1))
        # The kernel adds its variance to both.
        blurred = [(mean, np.hypot(spread, 0.01)) for mean, spread in (p, q)]
        assert_allclose(found, normal_divergence(*blurred[0], *blurred[1]), rtol=0.01, atol=1e-4)
        # That is within a few percent of the divergence without a kernel, and below it.
        proper = normal_divergence(*p, *q)
        assert_allclose(found, proper, rtol=0.04, atol=1e-4)
        assert found <= proper + 1e-6

    def test_samples_of_two_normals(self) -> None:
        rng = np.random.default_rng(0)
        p, q = rng.normal(0.05, 0.1, 300_000), rng.normal(0, 0.15, 300_000)
        assert_allclose(kl_divergence(p, q), normal_divergence(0.05, 0.1, 0, 0.15), rtol=0.03)

    @pytest.mark.parametrize("distance", [0.0, 0.5, 1.0, 2.0, 4.0])
    def test_two_point_masses(self, distance: float) -> None:
        # Of two normals with the bandwidth as their spread.
        found = kl_divergence(np.full(5, 1 + distance * 0.02), 1.0, bandwidth=0.02, floor=1e-16)
        assert_allclose(found, distance**2 / 2, rtol=1e-4, atol=1e-12)

    def test_from_a_point_mass(self) -> None:
        # Normal with variance 2 h^2 from one with h^2.
        found = kl_divergence(normal(0, 0.02), 0.0, bandwidth=0.02)
        assert_allclose(found, (1 - np.log(2)) / 2, rtol=0.01)

    def test_a_mixture_of_point_masses(self) -> None:
        # Far apart, so that the kernels do not meet: 3/4 log(3/4 / (1/2)) + 1/4 log(1/4 / (1/2)).
        found = kl_divergence([0.0, 0.0, 0.0, 1.0], [0.0, 1.0])
        assert_allclose(found, 0.75 * np.log(1.5) + 0.25 * np.log(0.5), rtol=1e-6)


def test_agrees_with_scipy_on_the_same_histograms() -> None:
    rng = np.random.default_rng(0)
    samples = rng.laplace(0.02, 0.05, 4000), rng.uniform(-0.2, 0.3, 3000)
    h = 0.015
    # Wide enough for every kernel; the kernels written out as a matrix.
    points = np.arange(-600, 601)
    kernel = np.exp(-(np.subtract.outer(points, points) ** 2) / (2 * 4.0**2))
    kernel /= kernel[600].sum()
    smooth = []
    for sample in samples:
        edges = np.append(points - 0.5, 600.5) * h / 4
        counts, _ = np.histogram(sample, edges)
        assert counts.sum() == len(sample)
        smooth.append(np.maximum(kernel @ (counts / len(sample)), 1e-10))
    assert_allclose(kl_divergence(*samples, bandwidth=h), entropy(*smooth), rtol=1e-5)


class TestPromises:
    @pytest.mark.parametrize("sample", [[0.0], [1.0, -3.0], [0.1] * 7, np.zeros((3, 4))])
    def test_equal_samples(self, sample: Any) -> None:
        assert kl_divergence(sample, sample) == 0

    def test_order_and_shape_are_of_no_importance(self) -> None:
        rng = np.random.default_rng(0)
        p, q = rng.normal(0, 0.1, 1200), rng.normal(0.02, 0.1, 800)
        found = kl_divergence(p, q)
        assert kl_divergence(rng.permutation(p), rng.permutation(q)) == found
        assert kl_divergence(p.reshape(30, 40), q.reshape(2, 4, 100)) == found
        assert_allclose(kl_divergence(np.tile(p, 3), q), found, rtol=1e-12)

    @pytest.mark.parametrize("scale", [0.001, 8.0, 300.0])
    def test_unit_is_that_of_the_bandwidth(self, scale: float) -> None:
        rng = np.random.default_rng(0)
        p, q = rng.normal(0, 0.1, 1200), rng.normal(0.02, 0.1, 800)
        scaled = kl_divergence(p * scale, q * scale, bandwidth=0.01 * scale)
        assert_allclose(scaled, kl_divergence(p, q), rtol=0.01)

    def test_mirror_image(self) -> None:
        rng = np.random.default_rng(0)
        p, q = rng.normal(0.1, 0.1, 500), rng.normal(0, 0.1, 500)
        assert_allclose(kl_divergence(-p, -q), kl_divergence(p, q), rtol=1e-9)

    @pytest.mark.parametrize("q", [1.0, 5.0, 1e6, -1e308, [7.0, -7.0]])
    def test_disjoint_supports_are_finite(self, q: Any) -> None:
        found = kl_divergence([0.0, 0.1, 0.2], q)
        # No part of p is more than log(p / floor) away, and p at most .1 at a point.
        assert 10 < found < np.log(0.1 / 1e-10)

    def test_beyond_the_floor_distance_is_of_no_importance(self) -> None:
        assert_allclose(kl_divergence([0.0], 1.0), kl_divergence([0.0], 50.0), rtol=1e-4)
        assert kl_divergence([0.0], 1.0, floor=1e-6) < kl_divergence([0.0], 1.0, floor=1e-12)

    def test_one_far_weight_counts_for_its_share(self) -> None:
        p = normal(0, 0.1, 10_000)
        moved = p.copy()
        moved[0] = 1000.0
        assert 0 < kl_divergence(moved, p) < 1e-4 * np.log(1 / 1e-10)

    def test_never_negative(self) -> None:
        rng = np.random.default_rng(0)
        for n in (1, 2, 10, 1000):
            assert kl_divergence(rng.normal(0, 0.1, n), rng.normal(0, 0.1, n)) >= 0

    def test_sampling_error_falls_with_n_as_the_notes_say(self) -> None:
        # Uniform over 100 bandwidths: about 100 (1/n + 1/m) / 7.
        rng = np.random.default_rng(0)
        for n in (2000, 20_000):
            found = [kl_divergence(*rng.random((2, n))) for _ in range(30)]
            assert_allclose(np.mean(found), 100 * (2 / n) / 7, rtol=0.2)

    def test_a_wider_kernel_sees_less(self) -> None:
        p, q = normal(0, 0.05), normal(0.02, 0.05)
        found = [kl_divergence(p, q, bandwidth=h) for h in (0.005, 0.01, 0.05, 0.2)]
        assert found == sorted(found, reverse=True)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
    def test_any_type_of_number(self, dtype: Any) -> None:
        p, q = np.array([0, 1, 1], dtype), np.array([0, 0, 1], dtype)
        assert_allclose(kl_divergence(p, q), np.log(2) / 3, rtol=1e-6)

    def test_empty(self) -> None:
        assert np.isnan(kl_divergence([], [0.0]))
        assert np.isnan(kl_divergence([0.0], []))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"sample": [np.nan]}, "sample must be finite"),
        ({"reference": [0.0, np.inf]}, "reference must be finite"),
        ({"bandwidth": 0}, "'bandwidth' parameter of kl_divergence"),
        ({"floor": 0.0}, "'floor' parameter of kl_divergence"),
        ({"floor": 0.1}, "'floor' parameter of kl_divergence"),
    ],
)
def test_bad_input(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kl_divergence(**{"sample": [0.0], "reference": [0.0], **arguments})
