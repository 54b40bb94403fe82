"""Several processes: refused where each would train by losses of its own, right where shared."""

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.multiprocessing import get_context
from torch.utils.data import DataLoader, IterableDataset

from sklearn_sifal import InvalidParameterError, LossSampledClassifier, LossSampledNet
from sklearn_sifal._processes import n_processes
from sklearn_sifal.samplers import LossSampler

N = 40
SECONDS = 120  # after which processes are taken to wait for each other
needs_gloo = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="needs torch.distributed, gloo"
)
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
Y = np.arange(N) % 3


def losses_of(rows: Any, epoch: int) -> Any:
    return 0.1 + np.abs(np.sin(12.3 * np.asarray(rows) + 0.4 * epoch))


def make_net() -> LossSampledNet:
    return LossSampledNet(nn.Linear(5, 3), max_epochs=1, verbose=0, random_state=0)


def complaint_of(function: Any) -> str | None:
    try:
        function()
    except RuntimeError as error:
        return str(error)
    return None


def train_shared(strategy: str, batch_size: int | None) -> tuple[bytes, list[int]]:
    """Rounds as the docs show them: own share of every batch, the losses of all."""
    sampler = LossSampler(
        N, strategy, batch_size=batch_size, random_state=0, shared_losses=True, shuffle=False
    )
    loader: Any = sampler
    if batch_size is None:
        loader = DataLoader(range(N), batch_size=4, sampler=sampler, collate_fn=list)  # type: ignore[arg-type]
    for _ in range(4):
        for rows in loader:
            own = rows[dist.get_rank() :: dist.get_world_size()]
            losses = losses_of(own, sampler.epoch).tolist()
            parts: list[Any] = [None] * dist.get_world_size()
            dist.all_gather_object(parts, list(zip(own, losses, strict=True)))
            pairs = [pair for part in parts for pair in part]
            sampler.update([row for row, _ in pairs], [loss for _, loss in pairs])
    return sampler.loss_table.tobytes(), sampler.pending_rows.tolist()


def work(rank: int, store: str, results: Any) -> None:
    """What each of two processes does; puts what came of it into a queue."""
    sampler = LossSampler(N, "percentile", batch_size=4, random_state=0)  # before the group is
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    net, classifier = make_net(), LossSampledClassifier(budget=2, random_state=0)
    found = {
        "iterate": complaint_of(lambda: next(iter(sampler))),
        "load": complaint_of(lambda: next(iter(DataLoader(range(N), batch_sampler=sampler)))),
        "update": complaint_of(lambda: sampler.update([0], [1.0])),
        "net": complaint_of(lambda: net.fit(X, Y)),
        "partial_fit": complaint_of(lambda: net.partial_fit(X, Y)),
        "classifier": classifier.fit(X, Y).predict_proba(X).tobytes(),
        "visits": sampler.visit_counts.sum(),
    }
    for strategy in ("percentile", "importance", "heap"):
        for batch_size in (4, None):
            found[strategy, batch_size] = train_shared(strategy, batch_size)
    dist.destroy_process_group()
    results.put((rank, found))


@pytest.fixture(scope="module")
def of_ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """What `work` found in two processes that are connected."""
    context = get_context("spawn")
    results = context.Queue()
    store = str(tmp_path_factory.mktemp("group") / "store")
    processes = [
        context.Process(target=work, args=(rank, store, results), daemon=True) for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    try:
        return dict(results.get(timeout=SECONDS) for _ in processes)
    finally:
        for process in processes:
            process.join(timeout=10)
            if process.is_alive():
                process.kill()


@needs_gloo
def test_a_sampler_and_a_net_are_refused_in_a_group(of_ranks: dict[int, Any]) -> None:
    for found in of_ranks.values():
        for what in ("iterate", "load", "update", "net", "partial_fit"):
            assert "2 processes train together here" in found[what]
        assert found["iterate"].startswith("LossSampler chooses rows")
        assert "shared_losses=True" in found["update"]
        assert found["net"].startswith("LossSampledNet chooses rows")
        assert "Train the net in one process." in found["net"]
        assert found["visits"] == 0


@needs_gloo
def test_estimators_train_each_for_itself_in_a_group(of_ranks: dict[int, Any]) -> None:
    # Every process has all rows and its own model: the same as in one process.
    alone = LossSampledClassifier(budget=2, random_state=0).fit(X, Y).predict_proba(X).tobytes()
    assert [found["classifier"] for found in of_ranks.values()] == [alone, alone]


@needs_gloo
@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize("strategy", ["percentile", "importance", "heap"])
def test_shared_losses_make_every_table_that_of_one_process(
    strategy: str, batch_size: int | None, of_ranks: dict[int, Any]
) -> None:
    sampler = LossSampler(N, strategy, batch_size=batch_size, random_state=0, shuffle=False)
    loader: Any = sampler
    if batch_size is None:
        loader = DataLoader(range(N), batch_size=4, sampler=sampler, collate_fn=list)  # type: ignore[arg-type]
    for _ in range(4):
        for rows in loader:
            # In the order in which two processes gather them.
            rows = [*rows[::2], *rows[1::2]]
            sampler.update(rows, losses_of(rows, sampler.epoch))
    expected = sampler.loss_table.tobytes(), []
    assert [found[strategy, batch_size] for found in of_ranks.values()] == [expected, expected]


@pytest.fixture
def group_of_one(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@needs_gloo
@pytest.mark.usefixtures("group_of_one")
def test_a_group_of_one_process_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")  # of a launcher of processes that are groups of their own
    monkeypatch.setenv("WORLD_SIZE", "8")
    sampler = LossSampler(N, "percentile", batch_size=4, random_state=0)
    for rows in sampler:
        sampler.update(rows, losses_of(rows, 0))
    assert sampler.visit_counts.tolist() == [1] * N
    make_net().fit(X, Y)


class FakeState:
    """Of accelerate: making one sets it up, if that was not done before."""

    _shared_state: dict[str, Any] = {}  # noqa: RUF012  # shared on purpose, as there
    was_made = False

    def __init__(self) -> None:
        type(self).was_made = True
        self.num_processes = self._shared_state.get("num_processes", 1)


@pytest.mark.parametrize(
    "name, module",
    [
        (
            "accelerate.state",
            SimpleNamespace(
                PartialState=type("S", (FakeState,), {"_shared_state": {"num_processes": 4}})
            ),
        ),
        ("torch_xla.runtime", SimpleNamespace(world_size=lambda: 4)),
    ],
)
def test_other_ways_to_be_many_are_found(
    name: str, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, module)
    sampler = LossSampler(N, "percentile", batch_size=4, random_state=0)
    for refused in (
        lambda: next(iter(sampler)),
        lambda: sampler.update([0], [1.0]),
        lambda: make_net().fit(X, Y),
    ):
        with pytest.raises(RuntimeError, match="4 processes train together here"):
            refused()
    assert sampler.epoch == -1
    shared = LossSampler(N, batch_size=4, random_state=0, shared_losses=True)
    assert len(next(iter(shared))) == 4


def test_accelerate_is_not_set_up_by_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate.state", SimpleNamespace(PartialState=FakeState))
    assert n_processes() == 1
    assert not FakeState.was_made


def test_libraries_are_not_imported_for_the_question() -> None:
    before = set(sys.modules)
    n_processes()
    assert set(sys.modules) - before == set()


def test_started_processes_without_a_group_are_warned_of_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "3")
    sampler = LossSampler(N, "percentile", batch_size=4, random_state=0)
    with pytest.warns(UserWarning, match=r"3 processes were started \(WORLD_SIZE\)"):
        next(iter(sampler))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        next(iter(sampler))
        next(iter(LossSampler(N, "percentile", random_state=0, shared_losses=True)))
        for size in ("1", "", "many"):
            monkeypatch.setenv("WORLD_SIZE", size)
            next(iter(LossSampler(N, "percentile", random_state=0)))


class Choosing(IterableDataset[Any]):
    """Iterates a sampler where the dataset is iterated: in a worker, if there is one."""

    def __init__(self, sampler: LossSampler, what: str) -> None:
        self.sampler, self.what = sampler, what

    def __iter__(self) -> Iterator[Any]:
        if self.what == "update":
            self.sampler.update([0], [1.0])
        yield from self.sampler


@pytest.mark.parametrize("what", ["iterate", "update"])
def test_a_copy_in_a_worker_process_is_refused(what: str) -> None:
    dataset = Choosing(LossSampler(N, "percentile", random_state=0), what)
    loader = DataLoader(dataset, batch_size=4, num_workers=1, generator=torch.Generator())
    with pytest.raises(RuntimeError, match="worker process 0 of a DataLoader, where it is a copy"):
        next(iter(loader))
    assert len(next(iter(DataLoader(dataset, batch_size=4)))) == 4


def test_shared_losses_need_a_seed() -> None:
    for seed in (0, np.random.RandomState(0)):
        LossSampler(N, random_state=seed, shared_losses=True)
    with pytest.raises(InvalidParameterError, match=r"'random_state'.*the same in every process"):
        LossSampler(N, shared_losses=True)
    with pytest.raises(InvalidParameterError, match=r"'shared_losses' .* a bool"):
        LossSampler(N, shared_losses=1)  # type: ignore[arg-type]
