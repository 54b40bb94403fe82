"""One `random_state` gives independent streams and leaves global states alone."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from sklearn_sifal._seeding import Streams, make_streams, numpy_seed, torch_seed

NAMES = [field.name for field in fields(Streams)]


def states(streams: Streams) -> dict[str, tuple[int, ...]]:
    return {name: tuple(getattr(streams, name).generate_state(4).tolist()) for name in NAMES}


def test_names() -> None:
    assert NAMES == ["weights", "order", "selection", "dropout", "split", "folds"]


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**80, np.int64(5), np.uint8(7)])
def test_an_integer_fixes_every_stream(seed: Any) -> None:
    assert states(make_streams(seed)) == states(make_streams(seed))


def test_numpy_integers_are_integers() -> None:
    assert states(make_streams(np.int32(5))) == states(make_streams(5))


def test_streams_differ_from_each_other_and_between_seeds() -> None:
    everything = [state for seed in range(50) for state in states(make_streams(seed)).values()]
    assert len(set(everything)) == 50 * len(NAMES)


def test_streams_are_not_correlated() -> None:
    streams = make_streams(0)
    draws = np.stack(
        [np.random.default_rng(getattr(streams, name)).normal(size=20_000) for name in NAMES]
    )
    correlation = np.corrcoef(draws) - np.eye(len(NAMES))
    assert abs(correlation).max() < 5 / np.sqrt(20_000)


def test_none_takes_fresh_entropy_and_not_the_global_state() -> None:
    state = np.random.get_state()  # noqa: NPY002
    first = states(make_streams(None))
    np.random.set_state(state)  # noqa: NPY002
    assert states(make_streams(None)) != first


@pytest.mark.parametrize("random_state", [None, 0, np.random.RandomState(0)])
def test_the_global_state_is_left_alone(random_state: Any) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    streams = make_streams(random_state)
    torch_seed(streams.weights)
    numpy_seed(streams.split)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_random_state_moves_and_repeats() -> None:
    random_state = np.random.RandomState(3)
    first, second = states(make_streams(random_state)), states(make_streams(random_state))
    assert first != second
    again = np.random.RandomState(3)
    assert [states(make_streams(again)), states(make_streams(again))] == [first, second]


def test_seeds_repeat_and_fit_their_takers() -> None:
    for seed in range(200):
        stream = make_streams(seed).weights
        assert torch_seed(stream) == torch_seed(stream)
        assert 0 <= torch_seed(stream) < 2**63
        assert 0 <= numpy_seed(stream) < 2**32
        assert type(torch_seed(stream)) is int
        assert type(numpy_seed(stream)) is int


def test_seeds_differ_between_streams() -> None:
    streams = make_streams(0)
    assert len({torch_seed(getattr(streams, name)) for name in NAMES}) == len(NAMES)


def test_streams_are_frozen() -> None:
    with pytest.raises(AttributeError):
        make_streams(0).weights = np.random.SeedSequence(1)  # type: ignore[misc]


def test_known_numbers() -> None:
    # A change of these changes every seeded result of the package: say so in the changelog.
    streams = make_streams(0)
    assert [numpy_seed(getattr(streams, name)) for name in NAMES] == [
        3757552657,
        673228719,
        3241444873,
        3685993406,
        1216546553,
        2078861726,
    ]
