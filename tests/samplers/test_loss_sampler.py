"""The sampler without a loader: rounds, pending rows, scoring, bad input."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from sklearn_sifal import InvalidParameterError, NonFiniteLossError
from sklearn_sifal.samplers import IndexedDataset, LossSampler
from sklearn_sifal.samplers._indexed_dataset import WeightedRow
from sklearn_sifal.strategies import Importance, Percentage, Percentile, SamplingStrategy
from sklearn_sifal.strategies._presample import PresampleStrategy
from sklearn_sifal.strategies._ranking import top_k
from sklearn_sifal.strategies._selection import Selection

N = 40
LOSSES = np.linspace(0.1, 4.0, N).astype(np.float32)  # row 39 is the hardest


def train_round(sampler: LossSampler, losses: Any = LOSSES) -> list[Any]:
    """One round; returns what the sampler handed out."""
    handed_out = []
    for batch in sampler:
        handed_out.append(batch)
        rows = [batch] if isinstance(batch, int) else batch
        sampler.update(rows, losses[rows])
    return handed_out


def flat(batches: list[Any]) -> list[int]:
    return sorted(row for batch in batches for row in batch)


class Hardest(PresampleStrategy):
    """Scores a presample and keeps its largest losses."""

    def __init__(self, percentage: float = 50.0, *, warmup_epochs: int = 1) -> None:
        super().__init__(percentage, warmup_epochs=warmup_epochs)

    def _keep(self, candidates: Any, n: int, measured: Any, context: Any) -> Any:
        return top_k(measured["loss"], n, context.rng), None


class Greedy(SamplingStrategy):
    """Draws the largest losses again and again, batch by batch: what prefetching makes worse."""

    per_batch: ClassVar[bool] = True
    repeats: int = 3

    def draw(self, table: Any, context: Any) -> Iterator[Selection]:
        losses = np.nan_to_num(table.loss, nan=np.inf)
        for _ in range(self.repeats):
            yield Selection(top_k(losses, context.batch_size, context.rng))


class GreedyWithRepeats(Greedy):
    replacement: ClassVar[bool] = True


class Confident(SamplingStrategy):
    """Looks at another measure than the loss."""

    measures: ClassVar[tuple[str, ...]] = ("loss", "max_probability")

    def __init__(self, refresh: str = "once") -> None:
        super().__init__(refresh=refresh)
        self.seen_: dict[int, float] = {}

    def observe(self, rows: Any, measured: Any, *, training: bool) -> None:
        self.seen_.update(zip(rows.tolist(), measured["max_probability"].tolist(), strict=True))

    def _select(self, losses: Any, rng: Any) -> Any:
        return top_k(losses, 5, rng), None


def test_a_round_is_the_selection_in_random_order() -> None:
    sampler = LossSampler(N, Percentile(25), batch_size=4, random_state=0)
    first = train_round(sampler)
    assert flat(first) == list(range(N))
    assert [len(batch) for batch in first] == [4] * 10
    second = train_round(sampler)
    assert flat(second) == list(range(30, 40))  # the ten largest losses of forty
    assert [len(batch) for batch in second] == [4, 4, 2]
    assert [row for batch in second for row in batch] != list(range(30, 40))
    assert sampler.visit_counts.tolist() == [1] * 30 + [2] * 10
    assert sampler.epoch == 1
    table = sampler.loss_table
    np.testing.assert_array_equal(table["loss"], LOSSES)
    assert table["loss_epoch"].tolist() == [0] * 30 + [1] * 10


def test_single_rows_without_batch_size_and_strategy_order_without_shuffle() -> None:
    sampler = LossSampler(range(N), Percentile(25), shuffle=False, random_state=0)
    assert train_round(sampler) == list(range(N))
    assert train_round(sampler) == list(range(30, 40))


def test_two_samplers_with_one_seed_agree_and_leave_global_states_alone() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    drawn = []
    for seed in (0, 0, 1):
        sampler = LossSampler(N, "importance", batch_size=4, random_state=seed)
        drawn.append([train_round(sampler) for _ in range(3)])
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_weights_come_with_the_rows() -> None:
    strategy = Importance(25, alpha=1.0, uniform=0.0, epsilon=1e-9)
    sampler = LossSampler(N, strategy, batch_size=2, random_state=0)
    assert not any(isinstance(row, WeightedRow) for batch in train_round(sampler) for row in batch)
    rows = [row for batch in train_round(sampler) for row in batch]
    # q = min(1, S l / sum l) with S = 10: no q reaches 1, since 10 * 4 / 82 < 1.
    q = 10 * LOSSES.astype(np.float64) / LOSSES.sum(dtype=np.float64)
    assert q.max() < 1
    for row in rows:
        assert row.weight == pytest.approx(0.25 / q[row], rel=1e-6)


def test_lost_weights_are_warned_of_once() -> None:
    dataset = IndexedDataset(list(range(N)))
    sampler = LossSampler(dataset, "importance", batch_size=4, random_state=0)
    train_round(sampler)
    with pytest.warns(UserWarning, match="weighted=True"):
        train_round(sampler)
    train_round(sampler)
    weighted = IndexedDataset(list(range(N)), weighted=True)
    sampler = LossSampler(weighted, "importance", batch_size=4, random_state=0)
    train_round(sampler)
    train_round(sampler)


@pytest.mark.filterwarnings("ignore:LossSampler. no losses were reported:UserWarning")
def test_pending_rows_are_not_drawn_again() -> None:
    sampler = LossSampler(N, Greedy(), batch_size=4, random_state=0)
    sampler.update(np.arange(N), LOSSES)
    # Drawn three times over, with nothing reported in between.
    assert flat(list(sampler)) == [36, 37, 38, 39]
    assert sampler.pending_rows.tolist() == [36, 37, 38, 39]
    # Reported in time, they may come back.
    assert flat(train_round(sampler)) == sorted(3 * [36, 37, 38, 39])
    assert sampler.pending_rows.tolist() == []


def test_partly_pending_selection_gives_the_rest() -> None:
    sampler = LossSampler(N, Greedy(), batch_size=4, random_state=0)
    sampler.update(np.arange(N), LOSSES)
    batches = iter(sampler)
    assert sorted(next(batches)) == [36, 37, 38, 39]
    sampler.update([36, 39], [3.7, 4.0])
    assert sorted(next(batches)) == [36, 39]


def test_a_strategy_with_replacement_keeps_track_itself() -> None:
    sampler = LossSampler(N, GreedyWithRepeats(), batch_size=4, random_state=0)
    sampler.update(np.arange(N), LOSSES)
    assert flat(list(sampler)) == sorted(3 * [36, 37, 38, 39])
    sampler.update([39, 39, 38], [1.0, 2.0, 3.0])
    assert sampler.visit_counts[[38, 39]].tolist() == [2, 3]
    assert sampler.table.loss[39] == 2.0
    assert sampler.pending_rows.tolist() == [36, 37, 38, 39]  # each was out three times


def test_a_break_releases_what_is_pending() -> None:
    sampler = LossSampler(N, Percentile(25), batch_size=4, random_state=0)
    batches = iter(sampler)
    first = next(batches)
    assert sampler.pending_rows.tolist() == sorted(first)
    assert flat(train_round(sampler)) == list(range(N))  # no loss is known yet
    assert sampler.pending_rows.tolist() == []
    with pytest.raises(RuntimeError, match="iterator of round 0 was used after round 1 began"):
        next(batches)


def test_asking_for_an_iterator_begins_nothing() -> None:
    sampler = LossSampler(N, "percentile", batch_size=4, max_epochs=1, random_state=0)
    iter(sampler)
    iter(sampler)
    assert sampler.epoch == -1
    train_round(sampler)
    with pytest.raises(RuntimeError, match="max_epochs=1"):
        iter(sampler)


def test_schedule_follows_max_epochs() -> None:
    strategy = Percentile(25, final_epochs=1)
    sampler = LossSampler(N, strategy, batch_size=4, max_epochs=3, random_state=0)
    assert [len(flat(train_round(sampler))) for _ in range(3)] == [N, 10, N]
    with pytest.raises(InvalidParameterError, match=r"Percentile\(.*needs the 'max_epochs'"):
        LossSampler(N, strategy)


def test_lr_scale_of_the_latest_selection() -> None:
    class Larger(Percentile):
        def _lr_scale(self, n_chosen: int, n_active: int) -> float:
            return n_active / n_chosen

    sampler = LossSampler(N, Larger(25), batch_size=4, random_state=0)
    train_round(sampler)
    assert sampler.lr_scale == 1.0
    train_round(sampler)
    assert sampler.lr_scale == 4.0


@pytest.mark.parametrize("form", ["array", "tensor", "mapping"])
def test_score_is_recorded_and_used(form: str) -> None:
    calls = []
    fresh = LOSSES[::-1].copy()

    def score(rows: Any, measures: Sequence[str]) -> Any:
        calls.append((rows.copy(), measures))
        losses = fresh[rows]
        rows[:] = 0  # a copy: it may be written to
        return {
            "array": losses,
            "tensor": torch.tensor(losses, requires_grad=True),
            "mapping": {"loss": losses, "unasked": "for"},
        }[form]

    strategy = Percentile(25, refresh="once")
    sampler = LossSampler(N, strategy, batch_size=4, score=score, random_state=0)
    train_round(sampler)
    assert calls == []
    assert flat(train_round(sampler)) == list(range(10))  # hardest by the fresh losses
    ((rows, measures),) = calls
    assert rows.tolist() == list(range(N))
    assert measures == ("loss",)
    assert sampler.loss_table["fresh"].tolist() == [False] * 10 + [True] * 30
    assert sampler.visit_counts.tolist() == [2] * 10 + [1] * 30


def test_presamples_are_scored_as_they_are_drawn() -> None:
    calls = []

    def score(rows: Any, measures: Any) -> Any:
        calls.append(rows)
        return LOSSES[rows]

    sampler = LossSampler(N, Hardest(), batch_size=4, score=score, random_state=0)
    train_round(sampler)
    batches = train_round(sampler)
    assert [len(rows) for rows in calls] == [8] * 5
    for batch, rows in zip(batches, calls, strict=True):
        assert sorted(batch) == sorted(rows)[4:]


@pytest.mark.parametrize("strategy", [Percentile(refresh="epoch"), Percentile(refresh=2)])
def test_a_strategy_that_needs_scores_says_so(strategy: Any) -> None:
    with pytest.raises(InvalidParameterError, match=r"Percentile\(.*needs the 'score' parameter"):
        LossSampler(N, strategy)
    with pytest.raises(InvalidParameterError, match=r"Hardest\(.*needs the 'score' parameter"):
        LossSampler(N, Hardest())


def test_other_measures_are_asked_for_and_observed() -> None:
    sampler = LossSampler(N, Confident(), batch_size=4, random_state=0)
    batch = next(iter(sampler))
    with pytest.raises(ValueError, match="Confident needs 'max_probability'"):
        sampler.update(batch, LOSSES[batch])
    with pytest.raises(ValueError, match="given max_probability nan for row"):
        sampler.update(batch, LOSSES[batch], max_probability=[0.5, np.nan, 0.5, 0.5])
    with pytest.raises(ValueError, match="needs one max_probability per row"):
        sampler.update(batch, LOSSES[batch], max_probability=[0.5])
    with pytest.raises(ValueError, match=r"max_probability between 0 and 1\. Got 3\.0 for row"):
        sampler.update(batch, LOSSES[batch], max_probability=[0.5, 3.0, 0.5, 0.5])
    assert sampler.visit_counts.sum() == 0
    sampler.update(batch, LOSSES[batch], max_probability=torch.full((4,), 0.25))
    assert sampler.strategy.seen_ == dict.fromkeys(batch, 0.25)

    sampler = LossSampler(N, Confident("epoch"), batch_size=4, score=lambda rows, _: LOSSES[rows])
    for batch in sampler:
        sampler.update(batch, LOSSES[batch], max_probability=[0.5] * 4)
    with pytest.raises(TypeError, match="mapping with 'loss', 'max_probability'"):
        next(iter(sampler))


@pytest.mark.parametrize(
    "returned, error, message",
    [
        (LOSSES[:3], ValueError, r"score needs one loss per row, shape \(40,\). Got shape \(3,\)"),
        (np.full(N, np.nan), NonFiniteLossError, "loss of row 0 is nan"),
        ({"margin": LOSSES}, ValueError, "must return 'loss'"),
        (np.full(N, -1.0), ValueError, "needs non-negative losses"),
        (None, ValueError, r"score needs one loss per row, shape \(40,\). Got NoneType"),
        ("low", ValueError, r"score needs one loss per row, shape \(40,\). Got str"),
        ((loss for loss in LOSSES), ValueError, "one loss per row.*Got generator"),
        (torch.tensor(1.0), ValueError, "score needs one loss per row, 40 of them. Got a single"),
        (LOSSES[:, None], ValueError, r"Got shape \(40, 1\)"),
        ((torch.ones(N), torch.ones(N, 3)), ValueError, "Got sequences of different lengths"),
        (torch.ones(N, dtype=torch.complex64), ValueError, "needs numbers as loss"),
    ],
)
def test_bad_scores(returned: Any, error: Any, message: str) -> None:
    sampler = LossSampler(
        N, Percentage(), batch_size=4, score=lambda rows, measures: returned, random_state=0
    )
    train_round(sampler)
    before = sampler.loss_table.tobytes()  # NaN is not equal to itself
    with pytest.raises(error, match=message):
        next(iter(sampler))
    assert sampler.loss_table.tobytes() == before


@pytest.mark.parametrize(
    "rows, losses, error, message",
    [
        ([0, 1], [1.0], ValueError, r"needs one loss per row, shape \(2,\). Got shape \(1,\)"),
        ([0, 1], [[1.0], [1.0]], ValueError, r"Got shape \(2, 1\)"),
        ([0, 1], torch.tensor(1.0), ValueError, "reduction='none'"),
        ([0, N], [1.0, 1.0], ValueError, "takes rows from 0 to 39. Got 0 to 40"),
        ([-1, 0], [1.0, 1.0], ValueError, "takes rows from 0 to 39. Got -1 to 0"),
        ([0.0, 1.0], [1.0, 1.0], ValueError, "1-D array of integers"),
        ([3, 3], [1.0, 1.0], ValueError, "row 3 more than once"),
        ([0, 1], ["a", "b"], ValueError, "needs numbers as loss"),
        ([0, 7], [1.0, np.nan], NonFiniteLossError, "row 7 is nan"),
        ([0, 7], torch.tensor([1.0, torch.inf]), NonFiniteLossError, "row 7 is inf"),
        ([0, 7], [1.0, 1e39], NonFiniteLossError, "row 7 is 1e"),  # beyond float32
        ([0, 7], [1.0, -0.5], ValueError, "non-negative losses.*-0.5 for row 7"),
        ([[0], [1, 2]], [1.0, 1.0], ValueError, "1-D array of integers. Got sequences of"),
        ([0, 7], [[1.0], [1.0, 2.0]], ValueError, r"one loss per row, shape \(2,\). Got sequences"),
        ([0, 7], 1.5, ValueError, "2 of them. Got a single number.*reduction='none'"),
        ([0, 7], None, ValueError, r"one loss per row, shape \(2,\). Got NoneType"),
        ([], None, ValueError, r"one loss per row, shape \(0,\). Got NoneType"),
        (3, 1.5, ValueError, r"1-D array of integers. Got shape \(\) and dtype int64"),
        ([True, False], [1.0, 1.0], ValueError, "1-D array of integers. Got .* dtype bool"),
        (torch.tensor([0, 40], dtype=torch.uint8), [1.0, 1.0], ValueError, "Got 0 to 40"),
        ([0, 7], [torch.tensor(1.0), torch.tensor(torch.nan)], NonFiniteLossError, "row 7 is nan"),
        ([0, 7], [torch.ones(2), torch.ones(2)], ValueError, r"Got shape \(2, 2\)"),
    ],
)
def test_bad_updates_leave_the_table_unchanged(
    rows: Any, losses: Any, error: Any, message: str
) -> None:
    sampler = LossSampler(N, "percentage", batch_size=4, random_state=0)
    sampler.update([0, 5], [1.0, 2.0])
    before = sampler.loss_table.tobytes()  # NaN is not equal to itself
    with pytest.raises(error, match=message):
        sampler.update(rows, losses)
    assert sampler.loss_table.tobytes() == before


def test_negative_losses_are_fine_where_the_rule_only_ranks() -> None:
    sampler = LossSampler(N, "percentile", batch_size=4, random_state=0)
    train_round(sampler, LOSSES - 10)
    assert flat(train_round(sampler, LOSSES - 10)) == list(range(20, 40))


@pytest.mark.parametrize(
    "losses",
    [
        torch.tensor([1.5, 2.5], requires_grad=True),
        torch.tensor([1.5, 2.5], dtype=torch.bfloat16),
        torch.tensor([1.5, 2.5], dtype=torch.float64),
        torch.tensor([1.5, 2.5]).to(torch.float8_e5m2),
        [1.5, 2.5],
        [torch.tensor(1.5, requires_grad=True), torch.tensor(2.5, requires_grad=True)],
        (torch.tensor(1.5, dtype=torch.bfloat16), torch.tensor(2.5, requires_grad=True)),
        [1.5, torch.tensor(2.5, requires_grad=True)],
        [np.float32(1.5), torch.tensor(2.5)],
    ],
)
def test_losses_of_any_kind(losses: Any) -> None:
    sampler = LossSampler(N, "percentile", batch_size=4, random_state=0)
    sampler.update(torch.tensor([3, 1]), losses)
    assert sampler.table.loss[[3, 1]].tolist() == [1.5, 2.5]
    sampler.update([], [])
    assert sampler.visit_counts.sum() == 2


def test_a_round_without_any_report_is_warned_of_once() -> None:
    sampler = LossSampler(N, "percentile", batch_size=4, random_state=0)
    next(iter(sampler))  # a break is no such round
    train_round(sampler)
    first, *_ = sampler  # in part
    sampler.update(first, LOSSES[first])
    n_rows = sum(len(rows) for rows in sampler)  # not at all
    with pytest.warns(
        UserWarning, match=rf"no losses .* the {n_rows} rows of round 3.*call update"
    ):
        list(sampler)
    list(sampler)


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.uint16, torch.int64]
)
def test_rows_as_tensors_of_any_integers(dtype: torch.dtype) -> None:
    sampler = LossSampler(N, "percentile", batch_size=4, random_state=0)
    sampler.update(torch.tensor([3, 39], dtype=dtype), [1.5, 2.5])
    sampler.update([torch.tensor(1, dtype=dtype), torch.tensor(0)], [3.5, 4.5])
    assert sampler.table.loss[[3, 39, 1, 0]].tolist() == [1.5, 2.5, 3.5, 4.5]


def test_every_report_is_a_visit() -> None:
    # Rows that were not handed out, whose loss is known beforehand, and steps done twice.
    sampler = LossSampler(N, Percentile(25), batch_size=4, random_state=0)
    sampler.update(np.arange(N), LOSSES)
    rows = next(iter(sampler))
    sampler.update(rows, LOSSES[rows])
    sampler.update(rows, LOSSES[rows] + 1)
    assert sampler.visit_counts[rows].tolist() == [3] * 4
    assert sampler.visit_counts.sum() == N + 8
    np.testing.assert_array_equal(sampler.table.loss[rows], LOSSES[rows] + 1)
    assert sampler.pending_rows.tolist() == []


def test_losses_for_a_sampler_that_no_loader_uses_are_warned_of_once() -> None:
    sampler = LossSampler(N, "percentile", batch_size=4, random_state=0)
    sampler.update(np.arange(N), LOSSES)  # known beforehand
    with pytest.warns(UserWarning, match=r"reported again, and no round.*batch_sampler=sampler"):
        sampler.update([0, 1], [1.0, 1.0])
    sampler.update([0, 1], [1.0, 1.0])


def report(sampler: LossSampler, is_reported: Any) -> None:
    """A round to its end, of which the rows are reported for which a function says so."""
    batches = list(sampler)
    for number, batch in enumerate(batches):
        rows = np.array([row for row in batch if is_reported(row, number, len(batches))], int)
        sampler.update(rows, LOSSES[rows])


SKIPPED = "were handed out in two complete rounds up to round 2 and reported in neither"


@pytest.mark.parametrize(
    "is_reported, n, first",
    [
        (lambda row, *_: row % 10 != 7, 4, 7),  # a fixed part
        (lambda row, number, _: row > 12 or number == 9, 13, 0),
    ],
)
def test_rows_that_complete_rounds_skip_are_warned_of_once(
    is_reported: Any, n: int, first: int
) -> None:
    sampler = LossSampler(N, "base", batch_size=4, random_state=0, shuffle=False)
    train_round(sampler)
    for _ in range(2):
        report(sampler, is_reported)
    with pytest.warns(UserWarning, match=f"LossSampler: {n} rows, row {first} .* {SKIPPED}"):
        report(sampler, is_reported)
    report(sampler, is_reported)


def test_every_second_batch_alone_is_warned_of() -> None:
    sampler = LossSampler(N, "percentile", batch_size=4, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(5):
            report(sampler, lambda row, number, _: number % 2 == 0)
    (warning,) = caught
    assert "call update(rows, losses) with all rows of every batch" in str(warning.message)


@pytest.mark.parametrize("batch_size", [4, None])
def test_rows_left_out_at_the_end_or_once_are_not_warned_of(batch_size: int | None) -> None:
    # A loader that drops its last batch, a loop that skips it or ends early, a bad batch.
    sampler = LossSampler(N + 3, "base", batch_size=batch_size, random_state=0, shuffle=False)
    handed_out = (
        sampler
        if batch_size
        else DataLoader(
            range(N + 3),
            batch_size=4,
            sampler=sampler,
            drop_last=True,
            collate_fn=list,  # type: ignore[arg-type]
        )
    )
    losses = np.ones(N + 3)
    for bad in (None, None, 2, None, 5, None):
        for number, rows in enumerate(handed_out):
            if len(rows) == 4 and number != bad:
                sampler.update(rows, losses[rows])
    for _ in range(4):
        for number, rows in enumerate(handed_out):
            if number == 3:
                break
            if number:
                sampler.update(rows, losses[rows])
    for _ in range(3):
        first, *_ = handed_out  # all fetched, and left
        sampler.update(first, losses[first])


def test_late_reports_are_not_warned_of() -> None:
    sampler = LossSampler(N, "base", batch_size=4, random_state=0)
    waiting: list[Any] = []
    for _ in range(4):
        for rows in sampler:
            waiting.append(rows)
            if len(waiting) > 2:
                late = waiting.pop(0)
                sampler.update(late, LOSSES[late])


@pytest.mark.parametrize(
    "dataset", [TensorDataset(torch.zeros(N)), IndexedDataset(list(range(N))), list(range(N))]
)
@pytest.mark.parametrize("n_workers", [0, 1])
def test_single_rows_passed_as_batches(dataset: Any, n_workers: int) -> None:
    sampler: Any = LossSampler(N, "percentile", random_state=0)
    loader = DataLoader(
        dataset, batch_sampler=sampler, num_workers=n_workers, generator=torch.Generator()
    )
    with pytest.raises(TypeError, match=r"is one row, where a batch .* as sampler: DataLoader"):
        next(iter(loader))


def test_torch_says_what_does_not_go_with_a_sampler() -> None:
    sampler = LossSampler(N, "percentile", random_state=0)
    data = list(range(N))
    with pytest.raises(ValueError, match="sampler option is mutually exclusive with shuffle"):
        DataLoader(data, sampler=sampler, shuffle=True)
    batches: Any = LossSampler(N, "percentile", batch_size=4, random_state=0)
    for option in ({"shuffle": True}, {"batch_size": 4}, {"drop_last": True}):
        with pytest.raises(ValueError, match="batch_sampler option is mutually exclusive"):
            DataLoader(data, batch_sampler=batches, **option)


def test_rows_are_numbers_whether_or_not_they_could_be_batches() -> None:
    rows = list(LossSampler(N, "percentile", random_state=0))
    assert sorted(rows) == list(range(N))
    assert torch.tensor(rows).tolist() == np.array(rows).tolist() == [int(row) for row in rows]
    assert [f"{row:03d}" for row in rows] == [f"{int(row):03d}" for row in rows]


def test_a_dataset_that_changes_its_length() -> None:
    data = list(range(N))
    sampler = LossSampler(data, "percentile", batch_size=4, random_state=0)
    train_round(sampler)
    data.append(N)
    with pytest.raises(ValueError, match="made for 40 rows, and its data_source now has 41"):
        iter(sampler)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"data_source": object()}, "'data_source'"),
        ({"data_source": 0}, "at least one row"),
        ({"data_source": True}, "'data_source'"),
        ({"sampling_strategy": "best"}, "Unknown sampling_strategy 'best'"),
        ({"sampling_strategy": Percentile(0)}, "'percentage'"),
        ({"batch_size": 0}, "'batch_size'"),
        ({"max_epochs": 2.5}, "'max_epochs'"),
        ({"score": "fresh"}, "'score'"),
        ({"random_state": -1}, "'random_state'"),
        ({"shuffle": None}, "'shuffle'"),
        ({"y": [0, 1]}, "'y' parameter"),
        ({"y": [None] * N}, "'y' parameter of LossSampler must have labels that can be compared"),
        ({"irreducible_losses": [np.nan] * N}, "irreducible_losses contains NaN"),
        ({"irreducible_losses": np.ones(3)}, "irreducible_losses must have one number per row"),
        ({"trusted": np.zeros(N)}, r"trusted must be a mask, one bool per row, \(40,\)"),
        ({"trusted": torch.ones(3).bool()}, r"trusted must be a mask, one bool per row, \(40,\)"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str) -> None:
    settings = {"data_source": N, "sampling_strategy": "percentile", **parameters}
    with pytest.raises(ValueError, match=message):
        LossSampler(**settings)


def test_row_aligned_metadata_reaches_the_strategy() -> None:
    class Nosy(Percentile):
        def begin(self, table: Any, setup: Any) -> Any:
            self.setup_ = setup
            return super().begin(table, setup)

    y = np.array(["b", "a"] * (N // 2))
    floor = np.zeros(N, np.float32)
    sampler = LossSampler(
        N, Nosy(), batch_size=4, y=y, irreducible_losses=floor, trusted=torch.ones(N).bool()
    )
    setup = sampler.strategy.setup_
    assert setup.y.tolist() == [1, 0] * (N // 2)
    assert setup.irreducible_losses.dtype == np.float64
    assert setup.trusted.all()
    assert setup.batch_size == 4


def test_the_given_strategy_is_cloned_and_functions_are_taken() -> None:
    strategy = Percentile(25)
    assert LossSampler(N, strategy).strategy is not strategy
    sampler = LossSampler(N, lambda losses, rng: losses > 2.05, batch_size=4, random_state=0)
    train_round(sampler)
    assert flat(train_round(sampler)) == list(range(20, 40))


def test_a_user_written_draw_is_checked() -> None:
    class Wrong(SamplingStrategy):
        def draw(self, table: Any, context: Any) -> Any:
            yield [0, 1]

    with pytest.raises(TypeError, match=r"Wrong.draw must yield Selection"):
        next(iter(LossSampler(N, Wrong())))


def test_there_is_no_length() -> None:
    with pytest.raises(TypeError):
        len(LossSampler(N, "percentile"))  # type: ignore[arg-type]


def test_what_a_mask_hides_is_not_reported() -> None:
    sampler = LossSampler(4, "importance", batch_size=2)
    masked = np.ma.masked_array([1, 2], mask=[False, True])
    with pytest.raises(ValueError, match=r"numbers as loss\. Got dtype object"):
        sampler.update([0, 1], masked)
    with pytest.raises(ValueError, match=r"row numbers as a 1-D array of integers\. Got"):
        sampler.update(masked, [1.0, 2.0])
    sampler.update([0, 1], np.ma.masked_array([1, 2]))
    assert sampler.table.loss[:2].tolist() == [1, 2]
