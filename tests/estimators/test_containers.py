"""Dense and sparse input in every form: never made dense, never changed, one result."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal.strategies import STRATEGIES, Percentile

N, D = 90, 40


def small(strategy: Any = "importance", **parameters: Any) -> LossSampledClassifier:
    settings = {"hidden_layer_sizes": (8,), "budget": 4, "batch_size": 8, "random_state": 0}
    return LossSampledClassifier(strategy, **{**settings, **parameters})


@pytest.fixture
def counts() -> Any:
    """Bags of words as canonical CSR, float32; the last five words never occur."""
    rng = np.random.default_rng(0)
    X = rng.poisson(0.15, (N, D)).astype(np.float32)
    X[:, -5:] = 0
    X[3] = 0  # a row without words
    return sp.csr_array(X)


@pytest.fixture
def labels(counts: Any) -> Any:
    scores = counts.toarray() @ np.random.default_rng(1).normal(size=(D, 3))
    return np.array(["a", "b", "c"])[scores.argmax(axis=1)]


def unsorted(X: Any) -> Any:
    X = X.copy()
    for start, stop in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        X.indices[start:stop] = X.indices[start:stop][::-1]
        X.data[start:stop] = X.data[start:stop][::-1]
    X.has_sorted_indices = False
    return X


def with_duplicates(X: Any) -> Any:
    """Every value as two halves."""
    return type(X)((np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), X.indptr * 2), shape=X.shape)


def with_explicit_zeros(X: Any) -> Any:
    dense = X.toarray()
    rows, columns = np.indices(X.shape).reshape(2, -1)
    return sp.coo_array((dense.ravel(), (rows, columns)), shape=X.shape).tocsr()


def with_index_type(X: Any, dtype: Any) -> Any:
    X = X.copy()
    # The constructor would choose the smallest type that does.
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    return X


FORMS: dict[str, Callable[[Any], Any]] = {
    **{
        f"{kind}_{form}": getattr(sp, f"{kind}_{form}")
        for kind in ("csr", "csc", "coo", "lil", "dok")
        for form in ("array", "matrix")
    },
    "int32 indices": lambda X: with_index_type(X, np.int32),
    "int64 indices": lambda X: with_index_type(X, np.int64),
    "unsorted": unsorted,
    "duplicates": with_duplicates,
    "explicit zeros": with_explicit_zeros,
    "int64": lambda X: X.astype(np.int64),
    "uint8": lambda X: X.astype(np.uint8),
}

SETTINGS = [
    {},
    {"input_dropout": 0.3, "dropout": 0.2},
    {"sparse_optimizer": "adam", "weight_decay": 0.1},
]


class TestForms:
    @pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "dropout", "adam with decay"])
    @pytest.mark.parametrize("form", FORMS)
    def test_same_result_bit_for_bit(
        self, counts: Any, labels: Any, form: str, settings: dict[str, Any]
    ) -> None:
        expected = small(**settings).fit(counts, labels)
        given = FORMS[form](counts)
        model = small(**settings).fit(given, labels)
        np.testing.assert_array_equal(model.predict_proba(counts), expected.predict_proba(counts))
        np.testing.assert_array_equal(model.predict_proba(given), expected.predict_proba(counts))
        np.testing.assert_array_equal(model.loss_table_, expected.loss_table_)

    def test_bool(self, counts: Any, labels: Any) -> None:
        present = counts.astype(bool)
        assert present.dtype == bool
        np.testing.assert_array_equal(
            small().fit(present, labels).predict_proba(present),
            small().fit(present.astype(np.float32), labels).predict_proba(present),
        )

    def test_float64_computes_in_float64(self, counts: Any, labels: Any) -> None:
        wide, narrow = (small("base").fit(counts.astype(t), labels) for t in ("f8", "f4"))
        assert wide.predict_proba(counts).dtype == np.float64
        assert narrow.predict_proba(counts).dtype == np.float32
        np.testing.assert_allclose(
            wide.predict_proba(counts), narrow.predict_proba(counts), atol=1e-4
        )
        for name, values in narrow.initial_weights_.items():
            np.testing.assert_array_equal(wide.initial_weights_[name], values)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_dense_forms(self, counts: Any, labels: Any, dtype: Any) -> None:
        X = counts.toarray().astype(dtype)
        expected = small().fit(X, labels).predict_proba(X)
        readonly = X.copy()
        readonly.flags.writeable = False
        for given in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], readonly):
            model = small().fit(given, labels)
            np.testing.assert_array_equal(model.predict_proba(given), expected)

    def test_list_begins_like_the_array(self, counts: Any, labels: Any) -> None:
        X = counts.toarray().astype(np.float64)
        lists, array = small("base").fit(X.tolist(), labels), small("base").fit(X, labels)
        np.testing.assert_allclose(lists.predict_proba(X), array.predict_proba(X), atol=1e-4)

    @pytest.mark.parametrize(
        "form", ["csr_array", "csr_matrix", "csc_array", "coo_array", "unsorted", "duplicates"]
    )
    def test_input_is_not_changed(self, counts: Any, labels: Any, form: str) -> None:
        X = FORMS[form](counts)
        names = ("data", "coords") if X.format == "coo" else ("data", "indices", "indptr")
        before = [np.array(getattr(X, name)) for name in names]
        model = small(early_stopping=True).fit(X, labels, np.arange(float(N)))
        model.predict(X)
        model.set_params(early_stopping=False).partial_fit(X, labels)
        for name, values in zip(names, before, strict=True):
            np.testing.assert_array_equal(np.array(getattr(X, name)), values)

    def test_dense_input_is_not_changed(self, counts: Any, labels: Any) -> None:
        X = counts.toarray()
        before, y, w = X.copy(), labels.copy(), np.arange(float(N))
        small(input_dropout=0.5).fit(X, y, w).predict(X)
        np.testing.assert_array_equal(X, before)
        np.testing.assert_array_equal(y, labels)
        np.testing.assert_array_equal(w, np.arange(float(N)))

    def test_nothing_stored_at_all(self, labels: Any) -> None:
        X = sp.csr_array((N, D), dtype=np.float32)
        proba = small().fit(X, labels).predict_proba(X)
        assert np.isfinite(proba).all()
        assert (proba == proba[0]).all()


class TestSparseAndDense:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("hidden", [(), (8,), (8, 6)])
    def test_either_predicts_on_the_other(
        self, counts: Any, labels: Any, dtype: Any, hidden: tuple[int, ...]
    ) -> None:
        X = counts.astype(dtype)
        for fitted_on in (X, X.toarray()):
            model = small(hidden_layer_sizes=hidden).fit(fitted_on, labels)
            np.testing.assert_allclose(
                model.predict_proba(X), model.predict_proba(X.toarray()), atol=1e-6
            )
            np.testing.assert_allclose(
                model.instance_losses(X, labels),
                model.instance_losses(X.toarray(), labels),
                atol=1e-6,
            )

    def test_initial_weights_depend_on_neither_container_nor_strategy(
        self, counts: Any, labels: Any
    ) -> None:
        expected = small("base").fit(counts, labels).initial_weights_
        for strategy in [*STRATEGIES, Percentile(20), lambda losses, rng: losses > 1]:
            for X in (counts, counts.toarray()):
                initial = small(strategy, budget=0.1).fit(X, labels).initial_weights_
                assert initial.keys() == expected.keys()
                for name, values in expected.items():
                    np.testing.assert_array_equal(initial[name], values)

    def test_first_epoch_is_the_same_but_for_the_optimiser(self, counts: Any, labels: Any) -> None:
        """Losses of a first batch are those of the initial weights, whatever the container."""
        tables = [
            small("base", budget=1, batch_size=N).fit(X, labels).loss_table_
            for X in (counts, counts.toarray())
        ]
        np.testing.assert_allclose(tables[0]["loss"], tables[1]["loss"], rtol=1e-5)


@pytest.fixture
def densifying_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("sparse input was made dense")

    for kind in ("csr", "csc", "coo", "bsr", "lil", "dok", "dia"):
        for form in ("array", "matrix"):
            for method in ("toarray", "todense"):
                monkeypatch.setattr(getattr(sp, f"{kind}_{form}"), method, refuse)
    monkeypatch.setattr(torch.Tensor, "to_dense", refuse)


class TestNeverDense:
    @pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "dropout", "adam with decay"])
    @pytest.mark.parametrize("form", ["csr_array", "csr_matrix", "csc_array", "coo_matrix"])
    def test_fit_and_predict(
        self,
        counts: Any,
        labels: Any,
        form: str,
        settings: dict[str, Any],
        request: pytest.FixtureRequest,
    ) -> None:
        X, y = FORMS[form](counts), labels
        request.getfixturevalue("densifying_raises")
        with pytest.raises(AssertionError, match="made dense"):
            X.toarray()
        model = small("percentage", record="history", early_stopping=True, **settings)
        model.fit(X, y, np.linspace(0, 1, N), X_val=X, y_val=y)
        model.fit(X, y)
        model.predict(X)
        model.predict_proba(X)
        model.instance_losses(X, y)
        model.score(X, y)
        model.set_params(early_stopping=False).partial_fit(X, y, sample_ids=np.arange(N))

    def test_gradient_of_the_first_layer_has_the_touched_rows_only(
        self, counts: Any, labels: Any
    ) -> None:
        model = small("base", budget=0.1, batch_size=9, shuffle=False).fit(counts, labels)
        weight = model.net_.module_.input.weight
        assert weight.grad.is_sparse
        rows = weight.grad.coalesce().indices()[0].numpy()
        batch = np.flatnonzero(model.visit_counts_)
        np.testing.assert_array_equal(rows, np.unique(counts[batch].indices))

    @pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "dropout", "adam with decay"])
    def test_only_rows_of_features_that_occur_change(
        self, counts: Any, labels: Any, settings: dict[str, Any]
    ) -> None:
        model = small(**settings).fit(counts, labels)
        before, after = model.initial_weights_, model.net_.get_weights()
        changed = (before["input.weight"] != after["input.weight"]).any(axis=1)
        np.testing.assert_array_equal(np.flatnonzero(changed), np.unique(counts.indices))

    def test_dense_input_decays_every_row(self, counts: Any, labels: Any) -> None:
        model = small(weight_decay=0.1).fit(counts.toarray(), labels)
        before, after = model.initial_weights_, model.net_.get_weights()
        assert (before["input.weight"] != after["input.weight"]).any(axis=1).all()
