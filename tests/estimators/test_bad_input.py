"""Bad input: an error that names the parameter or the row, and nothing is changed."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from sklearn_sifal import LossSampledClassifier
from sklearn_sifal._exceptions import InvalidParameterError, NonFiniteLossError
from sklearn_sifal.strategies import STRATEGIES, Importance, Percentage, Percentile

N, D = 40, 6


def small(sampling_strategy: Any = "importance", **parameters: Any) -> LossSampledClassifier:
    settings = {"hidden_layer_sizes": (8,), "budget": 3, "batch_size": 8, "random_state": 0}
    return LossSampledClassifier(sampling_strategy, **{**settings, **parameters})


X = np.random.default_rng(0).poisson(1.0, (N, D)).astype(np.float32)
Y = np.arange(N) % 3


def with_value(row: int, value: float) -> Any:
    changed = X.copy()
    changed[row, 2] = value
    return changed


def assert_refused(
    fit: Callable[[Any], Any], kind: type[BaseException], match: str, **parameters: Any
) -> None:
    """On a new estimator and on fitted ones; neither is changed."""
    new = small().set_params(**parameters)
    before = vars(new).copy()
    with pytest.raises(kind, match=match):
        fit(new)
    assert vars(new) == before
    for warm_start in (False, True):
        fitted = small(warm_start=warm_start).fit(X, Y)
        proba = fitted.predict_proba(X)
        fitted.set_params(**parameters)
        before = vars(fitted).copy()
        with pytest.raises(kind, match=match):
            fit(fitted)
        assert vars(fitted) == before
        fitted.set_params(**small(warm_start=warm_start).get_params(deep=False))
        np.testing.assert_array_equal(fitted.predict_proba(X), proba)


BAD_PARAMETERS: list[tuple[dict[str, Any], str]] = [
    *(
        ({"sampling_percentage": value}, "'sampling_percentage' parameter .* must be a number")
        for value in (0, -1, 100.1, np.nan, np.inf, "50", True, [50])
    ),
    (
        {"sampling_strategy": Percentile(20), "sampling_percentage": 50},
        "'sampling_percentage' parameter must be None .*Got 50 with Percentile",
    ),
    (
        {"sampling_strategy": lambda losses, rng: losses > 0, "sampling_percentage": 50},
        "'sampling_percentage' parameter must be None",
    ),
    (
        {"sampling_strategy": "percentle"},
        "Unknown sampling_strategy 'percentle'. Known names: " + ", ".join(map(repr, STRATEGIES)),
    ),
    ({"sampling_strategy": Percentile}, "'sampling_strategy' parameter must be a name"),
    ({"sampling_strategy": 5}, "'sampling_strategy' parameter must be a name"),
    ({"sampling_strategy": None}, "'sampling_strategy' parameter must be a name"),
    ({"sampling_strategy": Percentage(0)}, "'percentage' parameter of Percentage"),
    ({"sampling_strategy": Percentage(refresh="never")}, "'refresh' parameter of Percentage"),
    ({"sampling_strategy": Importance(alpha=2)}, "'alpha' parameter of Importance"),
    *(
        ({"hidden_layer_sizes": value}, "'hidden_layer_sizes' parameter")
        for value in (0, 2.5, (0,), (-3,), (2.5,), "10", ("10",), None)
    ),
    ({"activation": "sigmoid"}, "'activation' parameter .*'logistic'"),
    *(
        ({name: value}, f"'{name}' parameter")
        for name in ("dropout", "input_dropout")
        for value in (1, -0.1, np.nan, None, "0.5")
    ),
    *(({"budget": value}, "'budget' parameter") for value in (0, -1, np.inf, "all", None)),
    ({"budget_unit": "epochs"}, "'budget_unit' parameter"),
    *(({"max_epochs": value}, "'max_epochs' parameter") for value in (0, 1.5, "auto")),
    *(({"batch_size": value}, "'batch_size' parameter") for value in (0, 1.5, None, True)),
    *(({"lr": value}, "'lr' parameter") for value in (0, -1, np.nan, None, "high")),
    ({"lr_schedule": "step"}, "'lr_schedule' parameter"),
    *(
        ({"optimizer": value}, "'optimizer' parameter")
        for value in ("adam", torch.optim.LBFGS, dict, 3, None)
    ),
    ({"sparse_optimizer": "sgd"}, "'sparse_optimizer' parameter"),
    *(({"weight_decay": value}, "'weight_decay' parameter") for value in (-1, np.nan, None)),
    *(
        ({name: value}, f"'{name}' parameter .* must be a bool")
        for name in ("shuffle", "early_stopping")
        for value in (1, "yes", None)
    ),
    *(
        ({"validation_fraction": value}, "'validation_fraction' parameter")
        for value in (0, 1, 1.5, None)
    ),
    ({"n_iter_no_change": 0}, "'n_iter_no_change' parameter"),
    ({"tol": -1e-3}, "'tol' parameter"),
    *(({"class_weight": value}, "'class_weight' parameter") for value in ("even", [1, 2, 3])),
    *(
        ({"class_weight": value}, "'class_weight' parameter must have finite, non-negative")
        for value in ({0: "a"}, {0: None}, {0: -1}, {1: np.nan}, {0: 0, 1: 0, 2: 0})
    ),
    ({"class_weight": {0: 1, 7: 2}}, "not in class_weight"),
    ({"record": "all"}, "'record' parameter"),
    *(({"device": value}, "'device' parameter") for value in ("gpu", "meta", "cuda:99", None)),
    *(({"n_threads": value}, "'n_threads' parameter") for value in (0, 1.5, "auto")),
    *(({"callbacks": value}, "'callbacks' parameter") for value in (5, "early", Callback())),
    *(({"verbose": value}, "'verbose' parameter") for value in (-1, "yes", None)),
    *(({"random_state": value}, "'random_state' parameter") for value in (-1, 1.5, "seed")),
    ({"early_stopping": True, "validation_fraction": 0.02}, "validation_fraction=0.02 of 40"),
]


class TestParameters:
    @pytest.mark.parametrize(
        "parameters, match", BAD_PARAMETERS, ids=[" ".join(row[0]) for row in BAD_PARAMETERS]
    )
    def test_refused(self, parameters: dict[str, Any], match: str) -> None:
        assert_refused(lambda model: model.fit(X, Y), ValueError, match, **parameters)

    def test_kind_of_error(self) -> None:
        for kind in (InvalidParameterError, ValueError, TypeError):
            with pytest.raises(kind):
                small(lr=-1).fit(X, Y)

    def test_warm_start_flag(self) -> None:
        with pytest.raises(ValueError, match="'warm_start' parameter"):
            small(warm_start="yes").fit(X, Y)

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
    def test_cuda_where_there_is_none(self) -> None:
        assert_refused(
            lambda model: model.fit(X, Y),
            ValueError,
            "'device' parameter names a device that is not available here: 'cuda'",
            device="cuda",
        )

    def test_partial_fit_checks_them_too(self) -> None:
        with pytest.raises(ValueError, match="'lr' parameter"):
            small(lr=-1).partial_fit(X, Y, classes=[0, 1, 2])


def sparse_with_nan() -> Any:
    changed = sp.csr_array(X)
    changed.data[5] = np.nan
    return changed


BAD_DATA: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("NaN", (with_value(3, np.nan), Y), {}, "Input X contains NaN"),
    ("infinity", (with_value(3, np.inf), Y), {}, "Input X contains infinity"),
    ("sparse NaN", (sparse_with_nan(), Y), {}, "Input X contains NaN"),
    ("1-D X", (X[:, 0], Y), {}, "Expected 2D array"),
    ("texts", (["a text"] * N, Y), {}, r"X is raw text.*make_pipeline\(CountVectorizer"),
    ("no rows", (X[:0], Y[:0]), {}, "0 sample"),
    ("shorter y", (X, Y[:-1]), {}, "X and y have inconsistent numbers of samples: 40 and 39"),
    ("one class", (X, np.ones(N, int)), {}, r"at least 2 classes in y.*1 class|Got \[1\] in y"),
    (
        "one class kept",
        (X, Y, (Y == 1).astype(float)),
        {},
        r"at least 2 .*weight above zero|Got \[1\]",
    ),
    ("no y", (X, None), {}, "requires y to be passed"),
    ("real y", (X, Y + 0.5), {}, "continuous"),
    ("2-D y", (X, np.eye(3)[Y]), {}, "y should be a 1d array"),
    ("None in y", (X, np.array([None, *["a", "b"] * 19, "a"], dtype=object)), {}, "position 0"),
    ("NaN in y", (X, np.r_[np.nan, np.ones(N - 1)]), {}, "Input y contains NaN.* position 0"),
    ("negative weight", (X, Y, np.r_[1, -2, np.ones(38)]), {}, "sample_weight.*-2 for row 1"),
    ("NaN weight", (X, Y, np.r_[np.nan, np.ones(39)]), {}, "sample_weight contains NaN"),
    ("few weights", (X, Y, np.ones(39)), {}, r"sample_weight must have one .*\(40,\).*\(39,\)"),
    ("2-D weights", (X, Y, np.ones((N, 2))), {}, "sample_weight must be a 1-D array"),
    ("no weight", (X, Y, np.zeros(N)), {}, "sample_weight.*at least one non-zero"),
    ("no y_val", (X, Y), {"X_val": X}, "X_val was given without y_val"),
    ("no X_val", (X, Y), {"y_val": Y}, "y_val was given without X_val"),
    ("no X_val", (X, Y), {"sample_weight_val": Y}, "sample_weight_val was given without X_val"),
    ("y_val", (X, Y), {"X_val": X, "y_val": Y + 1}, "y_val contains labels .* not seen in fit: 3"),
    ("y_val type", (X, Y), {"X_val": X, "y_val": Y.astype(str)}, "y_val contains labels"),
    ("y_val length", (X, Y), {"X_val": X, "y_val": Y[:5]}, "X_val and y_val have inconsistent"),
    ("X_val", (X, Y), {"X_val": X[:, :3], "y_val": Y}, "X_val: X has 3 features"),
    ("X_val NaN", (X, Y), {"X_val": with_value(0, np.nan), "y_val": Y}, "X_val: Input X contains"),
    (
        "weights of X_val",
        (X, Y),
        {"X_val": X, "y_val": Y, "sample_weight_val": -np.ones(N)},
        "sample_weight_val must not be negative",
    ),
]


class TestData:
    @pytest.mark.parametrize(
        "arguments, keywords, match",
        [row[1:] for row in BAD_DATA],
        ids=[row[0] for row in BAD_DATA],
    )
    def test_refused(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any], match: str
    ) -> None:
        assert_refused(lambda model: model.fit(*arguments, **keywords), ValueError, match)

    @pytest.mark.parametrize(
        "texts",
        [
            ["a text"] * 3,
            ("a text", "b", "c"),
            np.array(["a text"] * 3),
            np.array(["a text"] * 3, dtype=object),
            pd.Series(["a text"] * 3, index=[5, 6, 7]),
        ],
        ids=["list", "tuple", "array", "object array", "Series"],
    )
    def test_raw_text_as_validation_inputs(self, texts: Any) -> None:
        assert_refused(
            lambda model: model.fit(X, Y, X_val=texts, y_val=Y[:3]),
            ValueError,
            r"X_val is raw text \('a text'\).*transform_input=\[\"X_val\"\]",
        )

    @pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
    def test_inputs_of_predictions(self, method: str) -> None:
        model = small().fit(X, Y)
        for wrong, match in (
            (X[:, :3], "X has 3 features.* expecting 6"),
            (sp.csr_array(X)[:, :3], "X has 3 features.* expecting 6"),
            (with_value(0, np.nan), "Input X contains NaN"),
            (sparse_with_nan(), "Input X contains NaN"),
            (X[0], "Expected 2D array"),
        ):
            with pytest.raises(ValueError, match=match):
                getattr(model, method)(wrong)

    def test_labels_of_instance_losses(self) -> None:
        model = small().fit(X, Y)
        for labels, match in (
            (np.where(Y == 1, 9, Y), "y contains labels that were not seen in fit: 9"),
            (Y.astype(str), "y contains labels that were not seen in fit: '0', '1', '2'"),
            (100 + np.arange(N) % 7, "100, 101, 102, 103, 104 and 2 more"),
            (Y[:-1], "X and y have inconsistent numbers of samples: 40 and 39"),
        ):
            with pytest.raises(ValueError, match=match):
                model.instance_losses(X, labels)

    @pytest.mark.parametrize(
        "call",
        [
            lambda model: model.predict(X),
            lambda model: model.predict_proba(X),
            lambda model: model.predict_log_proba(X),
            lambda model: model.score(X, Y),
            lambda model: model.instance_losses(X, Y),
            lambda model: model.save_weights("weights.safetensors"),
        ],
    )
    def test_unfitted(self, call: Any) -> None:
        with pytest.raises(NotFittedError, match="LossSampledClassifier"):
            call(small())


class TestWeightsFiles:
    def refused(self, source: Any, kind: type[Exception], match: str) -> None:
        # warm_start goes on from the weights it has.
        with pytest.raises(kind, match=match):
            small(init_weights=source).fit(X, Y)
        fitted = small().fit(X, Y)
        before, proba = vars(fitted).copy(), fitted.predict_proba(X)
        with pytest.raises(kind, match=match):
            fitted.set_params(init_weights=source).fit(X, Y)
        assert vars(fitted.set_params(init_weights=None)) == before
        np.testing.assert_array_equal(fitted.predict_proba(X), proba)

    def test_another_shape(self, tmp_path: Path) -> None:
        path = tmp_path / "weights"
        small(hidden_layer_sizes=(9,)).fit(X, Y).save_weights(path)
        self.refused(
            path,
            ValueError,
            r"'init_weights' do not fit the net: 'input.weight' must have .*\(6, 8",
        )

    def test_other_layers(self, tmp_path: Path) -> None:
        path = tmp_path / "weights"
        small(hidden_layer_sizes=(8, 8)).fit(X, Y).save_weights(path)
        self.refused(path, ValueError, r"unknown \['layers.1.bias', 'layers.1.weight'\]")
        small(hidden_layer_sizes=()).fit(X, Y).save_weights(path)
        self.refused(path, ValueError, r"missing \['layers.0.bias', 'layers.0.weight'\]")

    def test_no_such_file(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "absent", FileNotFoundError, "'init_weights'.*absent")

    def test_not_a_weights_file(self, tmp_path: Path) -> None:
        path = tmp_path / "weights"
        path.write_text("these are no weights")
        self.refused(str(path), ValueError, "'init_weights' file .* is not a safetensors file")

    def test_numbers_that_are_none(self) -> None:
        weights = small().fit(X, Y).initial_weights_
        weights["layers.0.bias"][1] = np.nan
        self.refused(weights, ValueError, r"'init_weights' contain NaN .*'layers.0.bias'")

    @pytest.mark.parametrize("source", [5, [1, 2], True])
    def test_wrong_type(self, source: Any) -> None:
        self.refused(source, TypeError, "'init_weights' parameter must be a path, a mapping")

    def test_without_safetensors(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
        self.refused(tmp_path / "weights", ImportError, r"sklearn_sifal\[persist\]")
        with pytest.raises(ImportError, match=r"sklearn_sifal\[persist\]"):
            small().fit(X, Y).save_weights(tmp_path / "weights")
        assert not list(tmp_path.iterdir())

    def test_failed_writing_leaves_the_old_file(self, tmp_path: Path) -> None:
        target = tmp_path / "folder"
        target.mkdir()
        with pytest.raises(OSError, match="folder"):
            small().fit(X, Y).save_weights(target)
        assert [p.name for p in tmp_path.iterdir()] == ["folder"]


# All logits of a row of such numbers are infinite.
LARGE = 3e38
WEIGHTS = {"input.weight": np.full((D, 3), 2.0), "input.bias": np.zeros(3)}


class TestLossThatIsNoNumber:
    @pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
    @pytest.mark.parametrize("strategy", ["base", "importance", Percentile(20, refresh="epoch")])
    def test_says_where_and_what_to_try(self, make: Any, strategy: Any) -> None:
        assert_refused(
            lambda model: model.fit(make(X), Y),
            NonFiniteLossError,
            r"epoch \d+, after 8 visits.*row \d+ .*lr=1e\+30 .*smaller lr.*StandardScaler",
            sampling_strategy=strategy,
            optimizer=torch.optim.SGD,
            lr=1e30,
        )

    def test_is_both_kinds_of_error(self) -> None:
        for kind in (ValueError, FloatingPointError):
            with pytest.raises(kind, match="epoch 0"):
                small(lr=1e30, optimizer=torch.optim.SGD).fit(X, Y)

    def test_row_is_the_one_given(self) -> None:
        weights = np.where(np.arange(N) < 5, 0.0, 1.0)
        bad = np.where(np.arange(N)[:, None] == 7, np.float32(LARGE), X)
        for early_stopping in (False, True):
            model = small(hidden_layer_sizes=(), init_weights=WEIGHTS, random_state=1)
            model.set_params(early_stopping=early_stopping)
            with pytest.raises(NonFiniteLossError, match="row 7 "):
                model.fit(bad, Y, weights)

    @pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
    def test_weights_after_the_last_step(self, make: Any) -> None:
        """No loss was measured after it."""
        assert_refused(
            lambda model: model.fit(make(100 * X), Y),
            NonFiniteLossError,
            r"infinite or NaN weights in .*lr=1e\+38 .*smaller lr",
            optimizer=torch.optim.SGD,
            lr=1e38,
            batch_size=N,
            budget=1,
        )

    def test_in_partial_fit(self) -> None:
        model = small(hidden_layer_sizes=(), optimizer=torch.optim.SGD, batch_size=N)
        model.partial_fit(X, Y, classes=[0, 1, 2])
        before = model.predict_proba(X)
        with pytest.raises(NonFiniteLossError, match="infinite or NaN weights"):
            model.set_params(lr=1e38).partial_fit(100 * X, Y)
        np.testing.assert_array_equal(model.predict_proba(X), before)


class TestFunctions:
    @pytest.mark.parametrize(
        "rows, match",
        [
            (np.array([0, 0]), "repeated row numbers"),
            (np.array([-1]), "from -1 to -1"),
            (np.array([N]), "from 40 to 40"),
            (np.array([0.5]), "dtype float64"),
            (np.ones(3, bool), "shape"),
        ],
    )
    def test_rows_of_a_callable(self, rows: Any, match: str) -> None:
        assert_refused(
            lambda model: model.fit(X, Y),
            ValueError,
            match,
            sampling_strategy=lambda losses, rng: rows,
        )

    def test_its_own_errors_pass_through(self) -> None:
        def broken(losses: Any, rng: Any) -> Any:
            raise ZeroDivisionError("in the user's code")

        assert_refused(
            lambda model: model.fit(X, Y),
            ZeroDivisionError,
            "in the user's code",
            sampling_strategy=broken,
        )
