"""Names of strategies and what they stand for."""

import pytest

from sklearn_sifal import LossSampledClassifier, LossSampledRegressor
from sklearn_sifal.comparison._candidates import resolve_candidates
from sklearn_sifal.strategies import Base, Percentile, Random


def resolve(strategies, **parameters):
    return resolve_candidates(LossSampledClassifier(**parameters), strategies)


@pytest.mark.parametrize("strategies", [[], ["random"], ["random", "base"], {"random": Random()}])
def test_base_and_random_are_always_there_and_first(strategies):
    assert list(resolve(strategies)) == ["base", "random"]


def test_names_instances_and_mappings():
    of = resolve(["heap", Percentile(), Percentile(percentage=30)])
    assert list(of) == ["base", "random", "heap", "percentile", "Percentile(percentage=30)"]
    assert of["Percentile(percentage=30)"].sampling_strategy.percentage == 30
    p30 = {"sampling_strategy": "percentile", "sampling_percentage": 30}
    of = resolve({"p30": p30, "wide": {"hidden_layer_sizes": (200,)}, "base": Base()})
    assert list(of) == ["base", "random", "p30", "wide"]
    assert of["p30"].sampling_percentage == 30
    assert of["wide"].hidden_layer_sizes == (200,)
    assert of["wide"].sampling_strategy == LossSampledClassifier().sampling_strategy


def test_one_strategy_needs_no_list():
    assert list(resolve("heap"))[2:] == ["heap"]
    assert list(resolve(Percentile(20)))[2:] == ["Percentile(percentage=20)"]


def test_percentage_of_the_estimator_holds_for_names_that_have_one():
    of = resolve(
        {"a": "percentile", "b": "instance_early_stopping", "c": Percentile(10)},
        sampling_percentage=30,
    )
    found = {name: candidate.sampling_percentage for name, candidate in of.items()}
    assert found == {"base": 30, "random": 30, "a": 30, "b": None, "c": None}


def test_callables_have_a_name_of_their_own():
    of = resolve({"mine": lambda losses, rng: losses.argsort()[-5:]})
    assert callable(of["mine"].sampling_strategy)


def test_the_estimator_is_left_alone():
    estimator = LossSampledClassifier()
    resolve_candidates(estimator, ["heap"])
    assert estimator.sampling_strategy == LossSampledClassifier().sampling_strategy


@pytest.mark.parametrize(
    "strategies, error, message",
    [
        (["no_such"], ValueError, "Unknown sampling_strategy 'no_such'"),
        (["heap", "heap"], ValueError, "'heap' twice"),
        ([{"sampling_strategy": "heap"}], TypeError, "must be a name or a SamplingStrategy"),
        (3, TypeError, "strategies must be names"),
        ({3: "heap"}, TypeError, "must be non-empty strings"),
        ({" ": "heap"}, TypeError, "must be non-empty strings"),
        ({"base": "heap"}, ValueError, "'base' is that of the strategy Base"),
        ({"random": {"sampling_strategy": "base"}}, ValueError, "'random' is that of"),
        ({"a": {"budget": 8}}, ValueError, "'a' has budget=8"),
        ({"a": {"nonsense": 8}}, ValueError, "The strategy 'a': .*nonsense"),
        ({"a": Percentile(300)}, ValueError, "The strategy 'a': .*percentage"),
    ],
)
def test_errors_name_what_is_wrong(strategies, error, message):
    with pytest.raises(error, match=message):
        resolve(strategies)


def test_a_strategy_that_is_about_classes_is_refused_for_a_regressor():
    with pytest.raises(ValueError, match=r"'kakurenbo'.*classes only"):
        resolve_candidates(LossSampledRegressor(), ["kakurenbo"])
