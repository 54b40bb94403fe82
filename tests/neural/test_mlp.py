"""The module: initial weights and dropout from generators of their own."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_sifal.batches._row_batches import SparseRows
from sklearn_sifal.neural._mlp import MLP, SeededDropout


def sparse_rows(X: np.ndarray) -> SparseRows:
    matrix = sp.csr_array(X)
    parts = (matrix.indptr, matrix.indices, matrix.data)
    return SparseRows(*map(torch.from_numpy, parts), n_features=X.shape[1])


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class TestInitialWeights:
    def test_seed_alone_decides(self) -> None:
        torch_before = torch.get_rng_state()
        first, second, other = (MLP(5, 3, seed=seed) for seed in (1, 1, 2))
        for name, values in first.state_dict().items():
            assert torch.equal(values, second.state_dict()[name])
        assert not torch.equal(first.input.weight, other.input.weight)
        assert torch.equal(torch.get_rng_state(), torch_before)

    def test_type_does_not(self) -> None:
        narrow, wide = (MLP(5, 3, seed=1, dtype=t) for t in (torch.float32, torch.float64))
        for name, values in narrow.state_dict().items():
            assert torch.equal(values.double(), wide.state_dict()[name])


class TestForward:
    @pytest.mark.parametrize("hidden", [(), (4,), (4, 3)])
    def test_sparse_equals_dense(self, hidden: tuple[int, ...]) -> None:
        X = np.random.default_rng(0).poisson(0.5, (7, 5)).astype(np.float64)
        module = MLP(5, 3, hidden_layer_sizes=hidden, dtype=torch.float64, seed=0)
        expected = module(torch.from_numpy(X))
        assert expected.shape == (7, 3)
        torch.testing.assert_close(module(sparse_rows(X)), expected)


class TestDropout:
    def test_off_in_evaluation_and_at_zero(self) -> None:
        x = torch.ones(3, 4)
        assert SeededDropout(0.0)(x) is x
        assert SeededDropout(0.9).eval()(x) is x

    def test_share_and_scale(self) -> None:
        dropout = SeededDropout(0.25)
        dropout.generator = seeded(0)
        found = dropout(torch.ones(200, 200))
        assert found.unique().tolist() == pytest.approx([0.0, 4 / 3])
        assert float(found.mean()) == pytest.approx(1.0, abs=0.01)

    def test_sparse_values_are_taken_out(self) -> None:
        X = np.random.default_rng(0).poisson(0.5, (300, 50)).astype(np.float32)
        rows = sparse_rows(X)
        dropout = SeededDropout(0.4)
        dropout.generator = seeded(0)
        found = dropout(rows)
        assert len(found) == 300
        assert len(found.values) == len(found.indices) == int(found.indptr[-1])
        assert len(found.values) / len(rows.values) == pytest.approx(0.6, abs=0.02)
        kept = sp.csr_array(
            (found.values.numpy(), found.indices.numpy(), found.indptr.numpy()), shape=X.shape
        ).toarray()
        np.testing.assert_allclose(kept[kept > 0], X[kept > 0] / 0.6, rtol=1e-6)

    def test_own_generator(self) -> None:
        module = MLP(20, 3, dropout=0.5, input_dropout=0.5, seed=0)
        before = torch.get_rng_state()
        outputs = []
        for seed in (1, 1, 2):
            module.set_dropout_generator(seeded(seed))
            outputs.append(module(torch.ones(4, 20)))
        assert torch.equal(outputs[0], outputs[1])
        assert not torch.equal(outputs[0], outputs[2])
        assert torch.equal(torch.get_rng_state(), before)
        module.set_dropout_generator(None)
        assert all(m.generator is None for m in module.modules() if isinstance(m, SeededDropout))
