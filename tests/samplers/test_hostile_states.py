"""States of a sampler that were tampered with: refused, or good for another round."""

import copy
import os
import pickle
import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from sklearn_sifal import InconsistentVersionWarning
from sklearn_sifal.samplers import LossSampler
from sklearn_sifal.strategies import STRATEGIES, HeapQueue, Percentile, Robust

N = 24


@pytest.fixture
def make(make_sampler: Any) -> Any:
    return partial(make_sampler, N, max_epochs=30)


def leaves(node: Any) -> Iterator[tuple[Any, Any]]:
    """Containers and the keys of what is in them, all the way down."""
    items = enumerate(node) if isinstance(node, list) else node.items()
    for key, value in list(items):
        yield node, key
        if isinstance(value, dict | list):
            yield from leaves(value)


def values_instead(value: Any) -> Iterator[Any]:
    """What may stand in the place of a leaf."""
    yield from (None, "?", -1, -7, 2**40, 2**70, -(2**70), 0.5, np.nan, np.inf, -np.inf, True)
    yield from ([], {}, [None], {"kind": "shared", "value": "?"}, torch.zeros(0), torch.eye(3))
    if isinstance(value, torch.Tensor) and value.ndim:
        yield from (value[1:], value.double(), value.to(torch.int16), value[None], value.tolist())
        wrong = (-7, 2**31 - 1, 0, 1e30, np.nan, np.inf, -np.inf)
        for new in wrong:
            changed = value.clone()
            try:
                changed[-1:] = new
            except (RuntimeError, OverflowError, ValueError):
                continue
            yield changed


MISSING = object()
# A change in so many is tried; with 1 all of them are, some 60,000, in a few minutes.
EVERY = int(os.environ.get("SIFAL_EVERY", "11"))


def mutations(state: dict[str, Any], first: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The state with one leaf missing or changed, for each leaf."""
    number = first
    for position, (container, key) in enumerate(leaves(state)):
        for new in (MISSING, *values_instead(container[key])):
            number += 1
            if number % EVERY:
                continue
            changed = copy.deepcopy(state)
            target, _ = next(islice(leaves(changed), position, None))
            if new is MISSING:
                del target[key]
            else:
                target[key] = new
            yield f"{key!r} is {new!r}", changed


def assert_sound(sampler: LossSampler, what: str) -> None:
    table = sampler.table
    assert (table.visits >= 0).all(), what
    assert (np.isfinite(table.loss) == (table.loss_epoch >= 0)).all(), what
    assert np.isnan(table.loss[table.loss_epoch < 0]).all(), what


CASES = [*STRATEGIES, Robust(Percentile(30)), HeapQueue(max_visits=2), Percentile(30, max_visits=2)]
CASES += [Robust(Percentile(30), score="trajectory")]


@pytest.mark.parametrize(("number", "strategy"), [*enumerate(CASES)], ids=str)
@pytest.mark.filterwarnings("ignore:.*all evictions are lifted:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn_sifal.InconsistentVersionWarning")
def test_a_changed_leaf_is_refused_or_harmless(
    number: int, strategy: Any, make: Any, train_round: Any
) -> None:
    original = make(strategy)
    for _ in range(3):
        train_round(original)
    state = original.state_dict()
    refused = accepted = 0
    for what, changed in mutations(state, number):
        sampler = make(strategy)
        before = repr(sampler.state_dict())
        try:
            sampler.load_state_dict(changed)
        except ValueError:
            assert repr(sampler.state_dict()) == before, what
            refused += 1
            continue
        accepted += 1
        try:
            if sampler.epoch < 29:
                train_round(sampler)
        except Exception as error:
            raise AssertionError(what) from error
        assert_sound(sampler, what)
    assert refused > 5 * accepted > 0


def test_extreme_values_that_a_training_could_leave_are_loaded(make: Any, train_round: Any) -> None:
    original = make("percentile")
    train_round(original)
    state = original.state_dict()
    columns = {name: column["value"] for name, column in state["table"].items() if column}
    columns["visits"][0] = 2**30
    columns["loss"][0], columns["loss"][1] = float(np.finfo(np.float32).max), 0.0
    columns["loss_epoch"][2] = 2**31 - 3
    state["epoch"] = 2**31 - 3
    state["lr_scale"] = 1e300
    sampler = make("percentile")
    sampler.load_state_dict(state)
    assert sampler.epoch == 2**31 - 3
    assert sampler.visit_counts[0] == 2**30


@pytest.mark.parametrize(
    ("column", "row", "value", "match"),
    [
        ("visits", 3, -1, "'visits' are negative, first in row 3"),
        ("loss", 4, np.nan, "'loss' is not finite where it was measured, first in row 4"),
        ("loss", 5, -np.inf, "'loss' is not finite where it was measured, first in row 5"),
        ("loss_epoch", 6, 7, "'loss_epoch' is of no round so far, first in row 6"),
        ("loss_epoch", 6, -1, "'visits' were made to rows without a loss, first in row 6"),
        ("evicted", 7, True, "'n_evictions' and 'n_restored' are 0 and 0 with 1 rows evicted"),
    ],
)
def test_the_error_says_what_is_wrong_and_where(
    column: str, row: int, value: Any, match: str, make: Any, train_round: Any
) -> None:
    sampler = make("percentile")
    train_round(sampler)
    state = copy.deepcopy(sampler.state_dict())
    state["table"][column]["value"][row] = value
    with pytest.raises(ValueError, match=match):
        sampler.load_state_dict(state)


def test_a_round_beyond_what_the_table_can_note_is_refused(make: Any) -> None:
    sampler = make("percentile")
    with pytest.raises(ValueError, match="'epoch' is 1180591620717411303424"):
        sampler.load_state_dict({**sampler.state_dict(), "epoch": 2**70})


def test_states_of_other_versions_warn_once_and_are_loaded(make: Any) -> None:
    sampler = make("percentile")
    state = sampler.state_dict()
    sampler.load_state_dict(state)
    with pytest.warns(InconsistentVersionWarning, match="LossSampler was saved with .* 0.0.1") as w:
        sampler.load_state_dict({**state, "sklearn_sifal_version": "0.0.1"})
    assert len(w) == 1
    assert (w[0].message.saved_version, w[0].filename) == ("0.0.1", __file__)
    del state["sklearn_sifal_version"]
    with pytest.warns(InconsistentVersionWarning, match="an unknown, earlier version"):
        sampler.load_state_dict(state)


@pytest.mark.parametrize(
    "name",
    [
        "sklearn_sifal.datasets._remote_file:TemporaryDirectory",  # imported there
        "sklearn_sifal.comparison._comparison_plan:Parallel",
        "sklearn_sifal.strategies._base:SamplingStrategy",  # an estimator
        "sklearn_sifal.strategies._heap:HeapQueue",
        "sklearn_sifal.strategies._base:check_choice",  # no class
        "sklearn_sifal.nowhere:Anything",
        "sklearn_sifal.strategies._loss_groups:",
        "sklearn_sifal:LossSampler",
        "tempfile:TemporaryDirectory",
    ],
)
def test_a_state_names_no_class_but_those_of_the_package_itself(name: str, make: Any) -> None:
    sampler = make("percentile")
    state = sampler.state_dict()
    state["strategy"]["more"] = {"kind": "object", "class": name, "value": {}}
    with pytest.raises(ValueError, match="can only be put back into one"):
        sampler.load_state_dict(state)


def test_a_state_imports_nothing(make: Any) -> None:
    sampler = make("percentile")
    state = sampler.state_dict()
    module = "sklearn_sifal.__main__"
    assert module not in sys.modules
    state["strategy"]["more"] = {"kind": "object", "class": f"{module}:main", "value": {}}
    with pytest.raises(ValueError, match="can only be put back into one"):
        sampler.load_state_dict(state)
    assert module not in sys.modules


def test_a_pickled_sampler_of_another_version_warns_once(
    monkeypatch: pytest.MonkeyPatch, make: Any, train_round: Any
) -> None:
    sampler = make("heap")
    train_round(sampler)
    sampler.score = None  # a lambda cannot be pickled
    content = pickle.dumps(sampler)
    monkeypatch.setattr("sklearn_sifal.__version__", "99.0")
    with pytest.warns(InconsistentVersionWarning, match="LossSampler was saved with") as caught:
        loaded = pickle.loads(content)
    assert len(caught) == 1
    assert list(loaded) == list(sampler)
