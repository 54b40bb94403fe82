"""Statistics, histograms and trajectories of weights."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.inspection import (
    kl_divergence,
    weight_histogram,
    weight_statistics,
    weight_trajectory,
)

WEIGHTS = {
    "input.weight": np.array([[3.0, -4.0], [0.0, 0.01]], np.float32),
    "input.bias": np.array([9.0, 9.0]),
    "layers.0.weight": np.array([[1.0, 1.0]]),
}


class TestStatistics:
    def test_by_hand(self) -> None:
        found = weight_statistics(WEIGHTS, thresholds=(0, 0.1, 1))
        assert found.layers == ("input.weight", "layers.0.weight", "all")
        assert_array_equal(found.n_weights, [4, 2, 6])
        assert_allclose(found.mean, [-0.2475, 1, 1.01 / 6], rtol=1e-6)
        assert_allclose(found.l1_norm, [7.01, 2, 9.01], rtol=1e-6)
        assert_allclose(found.l2_norm, np.sqrt([25.0001, 2, 27.0001]), rtol=1e-6)
        assert_allclose(found.std[0], np.std([3, -4, 0, 0.01]), rtol=1e-6)
        assert_allclose(found.std[2], np.std([3, -4, 0, 0.01, 1, 1]), rtol=1e-6)
        assert found.std[1] == 0
        assert_array_equal(found.largest, [4, 1, 4])
        assert_allclose(found.sparsity, [[0.25, 0.5, 0.5], [0, 0, 1], [1 / 6, 2 / 6, 4 / 6]])
        assert np.isnan(found.kl_from_initial).all()
        assert np.isnan(found.kl_from_reference).all()

    def test_biases_on_request(self) -> None:
        found = weight_statistics(WEIGHTS, include_bias=True)
        assert found.layers[1] == "input.bias"
        assert found.n_weights[-1] == 8

    def test_divergences_are_those_of_the_function(self) -> None:
        rng = np.random.default_rng(0)
        one, two, other = (
            {"a": rng.normal(0, s, (30, 4)), "b": rng.normal(s, 0.1, 50)} for s in (0.1, 0.2, 0.3)
        )
        found = weight_statistics(one, initial=two, reference=other, bandwidth=0.02, floor=1e-8)
        settings = {"bandwidth": 0.02, "floor": 1e-8}
        pooled = [np.concatenate([w["a"].ravel(), w["b"]]) for w in (one, two, other)]
        for number, name in enumerate("ab"):
            p = one[name]
            assert found.kl_from_zero[number] == kl_divergence(p, 0.0, **settings)
            assert found.kl_from_one[number] == kl_divergence(p, 1.0, **settings)
            assert found.kl_from_initial[number] == kl_divergence(p, two[name], **settings)
            assert found.kl_from_reference[number] == kl_divergence(p, other[name], **settings)
        assert found.kl_from_zero[2] == kl_divergence(pooled[0], 0.0, **settings)
        assert found.kl_from_initial[2] == kl_divergence(pooled[0], pooled[1], **settings)
        assert found.bandwidth == 0.02

    def test_the_reference_may_have_other_shapes_and_more_layers(self) -> None:
        other = {**WEIGHTS, "input.weight": np.zeros((7, 2)), "more.weight": np.ones(3)}
        assert weight_statistics(WEIGHTS, reference=other).kl_from_reference[1] == 0

    def test_zeros_and_ones(self) -> None:
        found = weight_statistics({"a": np.zeros(5), "b": np.ones(3)})
        assert_allclose([found.kl_from_zero[0], found.kl_from_one[1]], 0, atol=1e-12)
        assert_allclose(found.kl_from_zero[1], found.kl_from_one[0])
        assert found.kl_from_zero[1] > 10

    def test_pieces_add_up(self) -> None:
        # Over the size of a piece, with an offset that would show a cancellation.
        weights = np.random.default_rng(0).normal(1e4, 1e-3, 2**18 + 1001)
        found = weight_statistics(weights, bandwidth=1000)
        assert found.layers == ("weights", "all")
        assert_allclose(found.mean, weights.mean(), rtol=1e-12)
        assert_allclose(found.std, weights.std(), rtol=1e-6)
        assert_array_equal(found.n_weights, len(weights))

    @pytest.mark.parametrize("function", [weight_statistics, weight_histogram])
    def test_a_large_layer_is_not_copied(self, function: Any) -> None:
        weights = {"input.weight": np.zeros((2**13, 2**10), np.float32)}
        tracemalloc.start()
        try:
            function(weights)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < weights["input.weight"].nbytes / 2

    def test_layers_without_weights(self) -> None:
        found = weight_statistics(
            {"empty": np.zeros((0, 3)), "b": np.ones(2)},
            initial=WEIGHTS | {"empty": np.zeros(0), "b": np.ones(1)},
        )
        assert np.isnan([found.mean[0], found.std[0], found.largest[0], found.sparsity[0, 0]]).all()
        assert np.isnan(found.kl_from_zero[0])
        assert_array_equal(found.mean[1:], 1)

    def test_saved_weights_and_tensors(self, tmp_path: Path) -> None:
        torch = pytest.importorskip("torch")
        file = pytest.importorskip("safetensors.numpy")
        weights = {name: values.astype(np.float32) for name, values in WEIGHTS.items()}
        expected = repr(weight_statistics(weights))
        file.save_file(weights, tmp_path / "net.safetensors")
        assert repr(weight_statistics(tmp_path / "net.safetensors")) == expected
        state = {name: torch.from_numpy(values) for name, values in weights.items()}
        assert repr(weight_statistics(state)) == expected

    def test_statistics_of_normalising_layers_are_no_weights(self) -> None:
        torch = pytest.importorskip("torch")
        module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
        assert weight_statistics(module.state_dict()).layers == ("0.weight", "1.weight", "all")

    @pytest.mark.parametrize("function", [weight_statistics, weight_histogram])
    def test_bad_weights(self, function: Any) -> None:
        with pytest.raises(ValueError, match="b must be finite"):
            function({"a": np.zeros(2), "b": np.array([np.nan])})
        for nothing in ({}, {"a.bias": np.ones(2)}, {"a": np.zeros(0)}, []):
            with pytest.raises(ValueError, match="weights must have at least one weight"):
                function(nothing)
        with pytest.raises(FileNotFoundError, match="'weights' parameter"):
            function("nowhere.safetensors")

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match=r"initial lacks the weights \['layers.0.weight'\]"):
            weight_statistics(WEIGHTS, initial={"input.weight": np.ones(1)})
        with pytest.raises(ValueError, match="thresholds must be numbers of at least 0"):
            weight_statistics(WEIGHTS, thresholds=[-1])
        with pytest.raises(ValueError, match="'bandwidth' parameter of weight_statistics"):
            weight_statistics(WEIGHTS, bandwidth=0)


class TestHistogram:
    def test_by_hand(self) -> None:
        found = weight_histogram(WEIGHTS, bins=4)
        assert found.layers == ("input.weight", "layers.0.weight", "all")
        assert_array_equal(found.edges, [-4, -2.25, -0.5, 1.25, 3])
        assert_array_equal(found.counts, [[1, 0, 2, 1], [0, 0, 2, 0], [1, 0, 4, 1]])
        assert_allclose(found.density[1], [0, 0, 1 / 1.75, 0])
        assert_allclose((found.density * 1.75).sum(axis=1), 1)
        assert_array_equal(found.n_outside, 0)

    def test_a_given_range(self) -> None:
        found = weight_histogram(WEIGHTS, bins=2, value_range=(0, 2))
        assert_array_equal(found.counts, [[2, 0], [0, 2], [2, 2]])
        assert_array_equal(found.n_outside, [2, 0, 2])
        assert_allclose(found.density.sum(axis=1), [0.5, 1, 4 / 6])

    def test_edges_of_another_model(self) -> None:
        first = weight_histogram(WEIGHTS, bins=5)
        again = weight_histogram(WEIGHTS, bins=first.edges)
        assert_array_equal(again.counts, first.counts)
        other = weight_histogram({"input.weight": np.array([100.0, 0.5])}, bins=first.edges)
        assert_array_equal(other.n_outside, [1, 1])

    @pytest.mark.parametrize("n_weights, n_bins", [(1, 1), (50, 8), (9_000, 95), (40_000, 100)])
    def test_bins_are_the_root_of_the_largest_layer(self, n_weights: int, n_bins: int) -> None:
        layers = {"a": np.arange(n_weights), "b": np.zeros(1)}
        assert weight_histogram(layers).counts.shape == (3, n_bins)

    def test_all_weights_equal(self) -> None:
        assert weight_histogram(np.ones(3), bins=4).counts.sum() == 6

    @pytest.mark.parametrize("bins", [0, "auto", 2.5])
    def test_bad_bins(self, bins: Any) -> None:
        with pytest.raises(ValueError, match="'bins' parameter of weight_histogram"):
            weight_histogram(WEIGHTS, bins=bins)

    def test_bad_edges_and_range(self) -> None:
        with pytest.raises(ValueError, match="bins must increase"):
            weight_histogram(WEIGHTS, bins=[1.0, 0.0])
        with pytest.raises(ValueError, match="range"):
            weight_histogram(WEIGHTS, value_range=(1, 0))


class TestTrajectory:
    def test_rounds_are_those_of_single_statistics(self) -> None:
        rng = np.random.default_rng(0)
        history = [{"a": rng.normal(size=(3, 2)), "b": rng.normal(size=4)} for _ in range(3)]
        found = weight_trajectory(iter(history), initial=history[0], reference=history[2])
        assert_array_equal(found.rounds, [0, 1, 2])
        for number, weights in enumerate(history):
            single = weight_statistics(weights, initial=history[0], reference=history[2])
            for name in ("mean", "std", "l2_norm", "largest", "sparsity", "kl_from_zero"):
                assert_array_equal(getattr(found, name)[number], getattr(single, name))
            assert_array_equal(found.kl_from_reference[number], single.kl_from_reference)
            assert single.rounds is None
        assert_array_equal(found.kl_from_initial[0], 0)
        assert found.sparsity.shape == (3, 3, 3)
        assert_array_equal(found.n_weights, [6, 4, 10])

    def test_of_a_fitted_classifier(self) -> None:
        X, y = load_iris(return_X_y=True)
        model = LossSampledClassifier(record="history", budget=4, random_state=0).fit(X, y)
        found = weight_trajectory(model.weight_history_, initial=model.initial_weights_)
        assert found.mean.shape == (model.n_iter_, 3)
        last = weight_statistics(model.weights_, initial=model.initial_weights_)
        assert_array_equal(found.kl_from_initial[-1], last.kl_from_initial)
        # Training moves them away from where they began.
        assert found.kl_from_initial[-1, -1] > found.kl_from_initial[0, -1] > 0

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match="at least one round"):
            weight_trajectory([])
        with pytest.raises(ValueError, match=r"weight_history\[1\] must have the layers"):
            weight_trajectory([{"a": np.ones(1)}, {"b": np.ones(1)}])
        with pytest.raises(ValueError, match="'floor' parameter of weight_trajectory"):
            weight_trajectory([WEIGHTS], floor=1)
