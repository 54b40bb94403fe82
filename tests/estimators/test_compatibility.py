"""The classifier among scikit-learn's tools: pipelines, searches, copies, routing, display."""

import copy
import io
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils._repr_html.estimator import estimator_html_repr

from sklearn_sifal import LossSampledClassifier, RegexPreprocessor
from sklearn_sifal.strategies import Importance, Percentage, Percentile

TEMPLATES = {
    "card_arrival": ["where is my {} card", "my {} card is not here", "{} card still missing"],
    "top_up": ["my {} top up failed", "{} top up is gone", "cannot top up my {} account"],
    "refund": ["i want my {} money back", "refund the {} payment", "give back {} money please"],
}
WORDS = ["new", "old", "first", "second", "blue", "lost", "other", "dear"]


def small(strategy: Any = "importance", **parameters: Any) -> LossSampledClassifier:
    settings = {"hidden_layer_sizes": (8,), "budget": 4, "batch_size": 8, "random_state": 0}
    return LossSampledClassifier(strategy, **{**settings, **parameters})


@pytest.fixture
def queries() -> tuple[list[str], list[str]]:
    pairs = [
        (template.format(word), intent)
        for word in WORDS
        for intent, templates in TEMPLATES.items()
        for template in templates
    ]
    texts, intents = zip(*pairs, strict=True)
    return list(texts), list(intents)


@pytest.fixture
def text_pipeline() -> Pipeline:
    return make_pipeline(RegexPreprocessor(), CountVectorizer(ngram_range=(1, 2)), small(budget=8))


@pytest.fixture
def numbers() -> tuple[Any, Any]:
    X, y = make_classification(90, 6, n_informative=4, n_classes=3, random_state=0)
    return X.astype(np.float32), y


@pytest.fixture
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


class TestPipelines:
    def test_text_pipeline(self, queries: Any, text_pipeline: Pipeline) -> None:
        texts, intents = queries
        text_pipeline.fit(texts, intents)
        assert text_pipeline.score(texts, intents) == 1.0
        assert text_pipeline.predict(["Where is my CARD?"]) == ["card_arrival"]
        assert len(text_pipeline[-1].loss_table_) == len(texts)
        assert len(pd.DataFrame(text_pipeline[-1].loss_table_)) == len(texts)

    @pytest.mark.parametrize(
        "grid",
        [
            {"losssampledclassifier__sampling_percentage": [25, 100]},
            {"losssampledclassifier__sampling_strategy": ["base", "percentile", Percentage(80)]},
            {
                "losssampledclassifier__sampling_strategy": [Percentage(80)],
                "losssampledclassifier__sampling_strategy__refresh": ["table", "epoch"],
            },
        ],
        ids=["percentage", "strategy", "nested"],
    )
    def test_grid_search_in_two_processes(
        self, queries: Any, text_pipeline: Pipeline, grid: dict[str, Any]
    ) -> None:
        texts, intents = queries
        search = GridSearchCV(text_pipeline, grid, cv=2, n_jobs=2, error_score="raise")
        search.fit(texts, intents)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.best_score_ > 0.8
        alone = GridSearchCV(text_pipeline, grid, cv=2, error_score="raise").fit(texts, intents)
        for fold in ("split0_test_score", "split1_test_score"):
            np.testing.assert_array_equal(search.cv_results_[fold], alone.cv_results_[fold])

    def test_grid_over_a_nested_parameter_of_an_instance(self, numbers: Any) -> None:
        grid = {"sampling_strategy__refresh": ["table", "epoch"]}
        search = GridSearchCV(small(Percentile(50)), grid, cv=2, error_score="raise")
        search.fit(*numbers)
        assert search.best_estimator_.sampling_strategy_.refresh == search.best_params_.popitem()[1]

    def test_cross_val_score(self, numbers: Any) -> None:
        assert cross_val_score(small(), *numbers, cv=3).shape == (3,)


class TestParameters:
    def test_nested_parameters_of_an_instance(self) -> None:
        model = small(Percentile(50))
        model.set_params(sampling_strategy__percentage=20, sampling_strategy__refresh="epoch")
        assert model.get_params()["sampling_strategy__percentage"] == 20
        assert model.sampling_strategy.refresh == "epoch"

    def test_instance_and_its_parameter_in_one_call(self) -> None:
        model = small().set_params(sampling_strategy=Importance(), sampling_strategy__alpha=1.0)
        assert model.sampling_strategy.alpha == 1.0

    @pytest.mark.parametrize("strategy", ["percentile", lambda losses, rng: losses > 1])
    def test_nested_parameter_without_an_instance(self, strategy: Any) -> None:
        model = small(strategy)
        with pytest.raises(ValueError, match=r"sampling_strategy__refresh.*pass an instance"):
            model.set_params(sampling_strategy__refresh="epoch", lr=5.0)
        assert model.lr == "auto"

    def test_fit_leaves_the_instance_alone(self, numbers: Any) -> None:
        strategy = Percentile(50)
        model = small(strategy).fit(*numbers)
        assert model.sampling_strategy is strategy
        assert vars(strategy) == vars(Percentile(50))
        assert isinstance(model.sampling_strategy_, Percentile)

    def test_clone_has_no_fitted_state(self, numbers: Any) -> None:
        model = small(Percentile(50)).fit(*numbers)
        copied = clone(model)
        assert not hasattr(copied, "net_")
        assert copied.get_params()["sampling_strategy__percentage"] == 50
        np.testing.assert_array_equal(
            copied.fit(*numbers).predict_proba(numbers[0]), model.predict_proba(numbers[0])
        )

    def test_tags(self) -> None:
        tags = get_tags(small())
        assert tags.input_tags.sparse
        assert tags.estimator_type == "classifier"
        assert tags.classifier_tags.multi_class
        assert tags.target_tags.required

    def test_repr(self) -> None:
        assert repr(LossSampledClassifier()) == "LossSampledClassifier()"
        text = repr(LossSampledClassifier(Percentage(80), lr=0.1))
        assert text == "LossSampledClassifier(lr=0.1, sampling_strategy=Percentage(percentage=80))"

    def test_html(self, numbers: Any) -> None:
        for model in (small(Percentile(50)), small().fit(*numbers)):
            assert "LossSampledClassifier" in model._repr_html_()
        assert "CountVectorizer" in estimator_html_repr(make_pipeline(CountVectorizer(), small()))


def joblib_round_trip(model: Any) -> Any:
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


class TestCopies:
    @pytest.mark.parametrize(
        "round_trip",
        [lambda model: pickle.loads(pickle.dumps(model)), joblib_round_trip, copy.deepcopy],
        ids=["pickle", "joblib", "deepcopy"],
    )
    @pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
    def test_round_trip(
        self, numbers: Any, make: Callable[[Any], Any], round_trip: Callable[[Any], Any]
    ) -> None:
        X, y = make(numbers[0]), numbers[1]
        model = small(record="history", dropout=0.2, early_stopping=True).fit(X, y)
        copied = round_trip(model)
        np.testing.assert_array_equal(copied.predict_proba(X), model.predict_proba(X))
        # Bytes, since NaN is not equal to NaN.
        assert copied.loss_table_.tobytes() == model.loss_table_.tobytes()
        assert repr(copied.history_) == repr(model.history_)

    def test_a_copy_goes_on_as_the_original_would(self, numbers: Any) -> None:
        X, y = numbers
        model = small("percentile", warm_start=True, dropout=0.2).fit(X, y)
        copied = pickle.loads(pickle.dumps(model))
        for either in (model, copied):
            either.fit(X, y).partial_fit(X[:20], y[:20])
        np.testing.assert_array_equal(copied.predict_proba(X), model.predict_proba(X))

    def test_a_copy_is_independent(self, numbers: Any) -> None:
        X, y = numbers
        model = small().fit(X, y)
        before = model.predict_proba(X)
        copy.deepcopy(model).partial_fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(X), before)


@pytest.mark.usefixtures("routing")
class TestMetadataRouting:
    def test_weights_and_validation_texts_through_a_pipeline(self, queries: Any) -> None:
        texts, intents = queries
        weights = np.arange(1.0, len(texts) + 1)
        last = small(early_stopping=True)
        last.set_fit_request(sample_weight=True, X_val=True, y_val=True, sample_weight_val=True)
        pipe = Pipeline([("words", CountVectorizer()), ("net", last)], transform_input=["X_val"])
        pipe.fit(
            texts,
            intents,
            sample_weight=weights,
            X_val=texts[:9],
            y_val=intents[:9],
            sample_weight_val=weights[:9],
        )
        X = CountVectorizer().fit_transform(texts)
        by_hand = small(early_stopping=True).fit(
            X,
            intents,
            weights,
            X_val=X[:9],
            y_val=intents[:9],
            sample_weight_val=weights[:9],
        )
        np.testing.assert_array_equal(pipe.predict_proba(texts), by_hand.predict_proba(X))
        assert pipe[-1].validation_scores_ == by_hand.validation_scores_
        assert len(pipe[-1].loss_table_) == len(texts)

    def test_raw_validation_texts_name_the_way_out(self, queries: Any) -> None:
        texts, intents = queries
        pipe = make_pipeline(CountVectorizer(), small().set_fit_request(X_val=True, y_val=True))
        with pytest.raises(ValueError, match=r'X_val is raw text.*transform_input=\["X_val"\]'):
            pipe.fit(texts, intents, X_val=texts[:5], y_val=intents[:5])

    def test_grid_search_slices_the_weights(self, numbers: Any) -> None:
        X, y = numbers
        model = small().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"lr": [0.01, 0.1]}, cv=2, error_score="raise")
        search.fit(X, y, sample_weight=np.linspace(0.5, 2, len(y)))
        assert search.best_score_ > 0


class TestLabelsAndFrames:
    @pytest.mark.parametrize(
        "labels",
        [
            np.array(["no", "yes", "perhaps"]),
            np.array(["no", "yes", "perhaps"], dtype=object),
            np.array([7, -3, 1000]),
            np.array([2.0, 3.0, 5.0]),
            np.array([False, True, True]),
        ],
        ids=["str", "object", "int", "float", "bool"],
    )
    def test_label_types(self, numbers: Any, labels: Any) -> None:
        X, codes = numbers
        y = labels[codes]
        model = small(budget=20).fit(X, y)
        np.testing.assert_array_equal(model.classes_, np.unique(y))
        assert model.classes_.dtype == model.predict(X).dtype == np.unique(y).dtype
        assert model.score(X, y) > 0.7
        np.testing.assert_allclose(
            model.instance_losses(X, y),
            -model.predict_log_proba(X)[np.arange(90), np.searchsorted(model.classes_, y)],
        )

    def test_labels_in_other_containers(self, numbers: Any) -> None:
        X, codes = numbers
        y = np.array(["a", "b", "c"])[codes]
        expected = small().fit(X, y).predict_proba(X)
        series = pd.Series(y, index=np.arange(90)[::-1])
        for given in (y.tolist(), series, series.astype("category"), series.astype("string")):
            model = small().fit(X, given)
            np.testing.assert_array_equal(model.predict_proba(X), expected)
            assert list(model.classes_) == ["a", "b", "c"]

    def test_data_frame(self, numbers: Any) -> None:
        X, y = numbers
        frame = pd.DataFrame(X, columns=list("abcdef"))
        model = small(early_stopping=True).fit(frame, y, X_val=frame[:20], y_val=y[:20])
        assert list(model.feature_names_in_) == list("abcdef")
        np.testing.assert_array_equal(
            model.predict_proba(frame),
            small(early_stopping=True).fit(X, y, X_val=X[:20], y_val=y[:20]).predict_proba(X),
        )
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(frame[list("fedcba")])

    def test_set_output_of_earlier_steps(self, numbers: Any) -> None:
        X, y = numbers
        pipe = make_pipeline(StandardScaler(), small()).set_output(transform="pandas")
        pipe.fit(pd.DataFrame(X, columns=list("abcdef")), y)
        assert list(pipe[-1].feature_names_in_) == list("abcdef")

    def test_score_counts_unseen_labels_as_errors(self, numbers: Any) -> None:
        X, y = numbers
        model = small(budget=20).fit(X, y)
        predicted = model.predict(X)
        assert model.score(X, np.where(np.arange(90) < 45, predicted, 99)) == 0.5
