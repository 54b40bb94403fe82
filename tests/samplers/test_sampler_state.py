"""Checkpoints of the sampler: written and read without pickled code, resumed bit for bit."""

import io
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from sklearn_sifal.samplers import LossSampler
from sklearn_sifal.samplers._saved_state import StateCodec
from sklearn_sifal.strategies import STRATEGIES, HeapQueue, Importance, Percentile, Robust

N = 40


def saved_and_loaded(state: Any) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.fixture
def make(make_sampler: Any) -> Any:
    return partial(make_sampler, N, max_epochs=12)


class Remembering(Percentile):
    """Keeps state of every kind that can be written down, and uses it."""

    def begin(self, table: Any, setup: Any) -> Any:
        super().begin(table, setup)
        self.table_, self.rng_ = table, setup.rng
        self.own_rng_ = np.random.default_rng(7)
        self.recent_: Any = deque(maxlen=3)
        self.nested_ = {"pairs": [(1, 2.5)], 3: {4}, "scalar": np.float32(0.1), "none": None}
        self.keys_ = np.arange(3, dtype=np.uint64) << np.uint64(60)
        self.inner_ = Percentile(30).begin(table, setup)
        return self

    def _select(self, losses: Any, rng: Any) -> Any:
        assert self.rng_ is rng
        assert not np.isnan(self.table_.loss).any()
        self.recent_.append(float(self.own_rng_.random()))
        self.inner_.refreshed_at_ = len(self.recent_)
        positions, weights = super()._select(losses, rng)
        return np.roll(positions, int(100 * sum(self.recent_)))[:-1], weights


WITH_STATE = [
    *STRATEGIES,
    Percentile(30, max_visits=3),
    HeapQueue(max_visits=10),
    Remembering(),
]


@pytest.mark.parametrize("strategy", WITH_STATE)
def test_a_resumed_sampler_goes_on_bit_for_bit(strategy: Any, make: Any, train_round: Any) -> None:
    original = make(strategy)
    for _ in range(5):
        train_round(original)
    state = original.state_dict()
    kept = saved_and_loaded(state)
    expected = [train_round(original) for _ in range(3)]  # must not change the saved state

    resumed = make(strategy, seed=99)
    resumed.load_state_dict(kept)
    assert resumed.epoch == 4
    assert [train_round(resumed) for _ in range(3)] == expected
    np.testing.assert_array_equal(resumed.loss_table, original.loss_table)

    used = make(strategy, seed=5)  # loading replaces whatever was there
    train_round(used)
    train_round(used)
    used.load_state_dict(state)
    assert [train_round(used) for _ in range(3)] == expected


def test_a_state_from_the_middle_of_a_round_resumes_with_the_next(
    make: Any, train_round: Any
) -> None:
    original = make(Percentile(30))
    train_round(original)
    next(iter(original))
    resumed = make(Percentile(30))
    resumed.load_state_dict(original.state_dict())
    assert resumed.pending_rows.tolist() == []
    train_round(resumed)
    assert resumed.epoch == 2


def test_states_that_do_not_fit_change_nothing(make: Any) -> None:
    state = make(Percentile(30)).state_dict()
    other = make(Importance(30))
    before = other.loss_table.tobytes()
    with pytest.raises(ValueError, match=r"'strategy_name' is 'Percentile'.*'Importance'"):
        other.load_state_dict(state)
    with pytest.raises(ValueError, match=r"'n_rows' is 40.*41"):
        LossSampler(41, Percentile(30)).load_state_dict(state)
    with pytest.raises(ValueError, match="'format' is None"):
        other.load_state_dict({})
    del state["strategy"]
    with pytest.raises(ValueError, match="has no 'strategy'"):
        make(Percentile(30)).load_state_dict(state)
    assert other.loss_table.tobytes() == before


def test_parameters_have_to_be_the_same_but_for_max_epochs(train_round: Any) -> None:
    original = LossSampler(N, Robust(Percentile(10)), batch_size=4, max_epochs=2)
    train_round(original)
    state = saved_and_loaded(original.state_dict())
    for message, strategy, settings in [
        (r"strategy__percentage': 10\}, .*'strategy__percentage': 90\}", Percentile(90), {}),
        ("'strategy': 'Percentile'.*'strategy': 'Importance'", Importance(10), {}),
        ("'batch_size' is 4, .* 5", Percentile(10), {"batch_size": 5}),
        ("'shuffle' is True, .* False", Percentile(10), {"shuffle": False}),
    ]:
        with pytest.raises(ValueError, match=message):
            LossSampler(N, Robust(strategy), **{"batch_size": 4, **settings}).load_state_dict(state)
    resumed = LossSampler(N, Robust(Percentile(10.0)), batch_size=np.int64(4), max_epochs=7)
    resumed.load_state_dict(state)
    assert resumed.epoch == 0


def damages() -> Iterator[Any]:
    """Names and functions that break a state."""
    for name in ("epoch", "lr_scale", "table", "strategy", "order_stream", "selection_stream"):
        yield name, lambda state, name=name: state.update({name: "?"})
        yield f"no {name}", lambda state, name=name: state.pop(name)
    loss = np.zeros(N, np.float32)
    for what, column in {
        "short": loss[1:],
        "dtype": loss.astype(np.float64),
        "object": [1.0] * N,
    }.items():
        values = torch.from_numpy(column) if what != "object" else column
        broken = {"kind": "array", "value": values}
        yield what, lambda state, broken=broken: state["table"].update(loss=broken)
    yield "no column", lambda state: state["table"].pop("visits")
    yield "no kind", lambda state: state["table"].update(visits={})
    yield "empty strategy", lambda state: state["strategy"].clear()
    yield "nested", lambda state: state["strategy"]["strategy_"].update(value={"x": {"kind": 1}})
    yield "stream", lambda state: state["order_stream"]["value"]["value"].pop()


@pytest.mark.parametrize("damage", [pytest.param(f, id=name) for name, f in damages()])
def test_a_broken_state_changes_nothing(damage: Any, make: Any, train_round: Any) -> None:
    # The wrapped strategy's state is put back in place, which is where half a load would show.
    original, sampler = (make(Robust(Percentile(30)), seed=seed) for seed in (0, 1))
    for _ in range(3):
        train_round(original)
    train_round(sampler)
    same = make(Robust(Percentile(30)))
    same.load_state_dict(sampler.state_dict())
    state = saved_and_loaded(original.state_dict())
    damage(state)
    with pytest.raises(ValueError, match="This state cannot be loaded"):
        sampler.load_state_dict(state)
    assert sampler.epoch == 0
    assert [train_round(sampler) for _ in range(3)] == [train_round(same) for _ in range(3)]


class Holder:
    """Of a module that a state may not name."""

    value: Any = 1


def test_state_that_cannot_be_written_or_put_back() -> None:
    holder = Holder()
    for value in (lambda: 1, len, np.array(["text"]), Holder, (i for i in "ab")):
        holder.value = value
        with pytest.raises(TypeError, match=r"Holder\.value holds"):
            StateCodec().state_of(holder)
    holder.value = Holder()
    state = StateCodec().state_of(holder)
    with pytest.raises(TypeError, match="can only be put back into one"):
        StateCodec().restore(Holder(), state)
