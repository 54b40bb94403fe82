"""A torch sampler that draws rows by their loss, for a training loop of one's own."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler, get_worker_info

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import (
    check_flag,
    check_integer_value,
    check_random_state_value,
    check_real_value,
    is_integer,
    reject,
)
from sklearn_sifal._processes import (
    n_unconnected_processes,
    refuse_several_processes,
)
from sklearn_sifal._saved_states import (
    VERSION_KEY,
    SavedState,
    current_version,
    warn_of_other_version,
)
from sklearn_sifal._seeding import make_streams
from sklearn_sifal._training_data import validate_row_metadata
from sklearn_sifal.samplers._given_values import (
    as_rows,
    as_targets,
    as_values,
    check_measure,
)
from sklearn_sifal.samplers._indexed_dataset import IndexedDataset, SingleRow, WeightedRow
from sklearn_sifal.samplers._saved_state import (
    Restoration,
    StateCodec,
    as_restored,
    check_columns,
    check_names,
    decoded_generator,
    generator_state,
    state_names,
    written_parameters,
)
from sklearn_sifal.strategies._base import LOWEST_LOSS, SamplingStrategy
from sklearn_sifal.strategies._registry import resolve_strategy
from sklearn_sifal.strategies._selection import DrawContext, Selection, Setup, check_selection
from sklearn_sifal.strategies._state_checks import LAST_ROUND

Score = Callable[[NDArray[np.int64], Sequence[str]], Any]

_STATE_FORMAT = 1
_PART = 4096  # rows that are made Python numbers at once, where they are handed out singly
_ONE = np.int32(1)  # of the type of the counts: a Python 1 would be cast row by row
_ALTERNATIVES = (
    "Train in one process. Or make a LossSampler with shared_losses=True and the same random_state "
    "in every process, iterate it in each of them, train on a share of every batch, and give "
    "update the rows and losses of all processes: see 'Several processes' in the page 'A training "
    "loop of your own'."
)
_WHY_NEEDED = {
    "score": "it measures rows before it chooses, score(rows, measures)",
    "max_epochs": "what it does depends on how many rounds are left",
}


class LossSampler(SavedState, Sampler[Any]):
    """Draw the rows of every round by their last known loss, in any PyTorch loop.

    Iterating once is a round: the rows that the strategy chose, in random order. With a
    `batch_size` it is a batch sampler and yields lists of rows; without, it yields rows. The
    loop hands the losses back with `update`. Rows are chosen in the process that iterates;
    worker processes of a DataLoader only fetch them.

    A row that was handed out and not yet updated is pending. Loaders fetch batches in advance,
    and a strategy that draws batch by batch would see old losses and draw the same rows again:
    pending rows are left out, except by strategies that allow repeats (`replacement`) and keep
    track of them themselves. A visit counts when `update` reports it. What is still pending
    when the next round begins, after a ``break``, is released and counts nothing.

    There is no length: how many rows a round has often follows from the losses.

    Parameters
    ----------
    data_source : sized object or int
        The dataset, or its number of rows. Only its length is looked at.
    sampling_strategy : str, SamplingStrategy or callable, default="importance"
        A name from `STRATEGIES`, an instance, which is cloned, or a function
        ``(losses, rng) -> rows``.
    batch_size : int, default=None
        Rows per optimiser step; the sampler is then passed as ``batch_sampler``. A selection
        whose size is no multiple of it ends in a smaller batch. None for single rows, passed
        as ``sampler``. A strategy with a least number of rows then takes a batch to be one row.
    max_epochs : int, default=None
        Number of rounds, for strategies that follow a schedule or treat the last rounds
        differently. None for no limit, which they refuse.
    score : callable, default=None
        ``score(rows, measures)``, a forward pass without gradient in evaluation mode over an
        int64 array of rows. It returns a mapping with an array of shape (len(rows),) for "loss"
        and for each name in `measures`; if nothing but the loss is asked for, the array of
        losses will do. It runs in the process that iterates, when a selection is drawn: with
        prefetching, that is a few optimiser steps before the selection is trained on. Without
        it, ``refresh='once'`` goes by the losses of the training steps.
    random_state : int, RandomState instance or None, default=None
        Seed of the choice and of the order. Global random states are not touched.
    y : array-like of shape (n_rows,), default=None
        Targets, for strategies that look at classes: labels or numbers, none missing. None
        puts all rows into one class.
    irreducible_losses : array-like of shape (n_rows,), default=None
        Losses, in nats, that training is not expected to go below, for strategies that ask
        for them.
    trusted : array-like of shape (n_rows,), bool, default=None
        Rows whose targets are known to be right, for strategies that ask for them.
    shuffle : bool, default=True
        Whether the rows of a selection come in random order; False for the strategy's.
    shared_losses : bool, default=False
        Only used where several processes train together, which is refused otherwise. True
        says that every process iterates a sampler of its own, all of them made alike, and
        that each gives `update` the losses of all of them.

    Attributes
    ----------
    strategy : SamplingStrategy
        The strategy at work.
    table : LossTable
        The losses and visits; only to be read.

    Raises
    ------
    InvalidParameterError
        For a parameter with a wrong value, for a strategy that needs `score` or `max_epochs`
        and did not get it, and for `shared_losses` without a `random_state`.
    ValueError
        If `y`, `irreducible_losses` or `trusted` do not fit the rows.
    RuntimeError
        When it is iterated or updated: if several processes train together (a process group
        of ``torch.distributed``, as Lightning makes one too, accelerate, torch_xla) and
        `shared_losses` is not True, and in a worker process of a DataLoader.

    Warns
    -----
    UserWarning
        Once each: if the strategy gives weights and `data_source` is an `IndexedDataset` that
        does not pass them on; if a round begins and nothing was reported of the one before,
        which went to its end; if rows were handed out and not reported in two such rounds,
        while rows after them were; if rows are reported again and again and no round was
        begun; if a launcher says that it started several processes, and they do not seem to
        work together.

    See Also
    --------
    IndexedDataset : Makes the loader return row numbers and weights.

    Notes
    -----
    One process draws: in distributed training each would draw for itself, which is refused
    without `shared_losses`. With worker processes the last batches of a round are drawn
    before the ones just ahead of them are trained on, so their losses are a few steps old.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import DataLoader, TensorDataset
    >>> from sklearn_sifal.samplers import IndexedDataset, LossSampler
    >>> X = torch.linspace(0, 1, 8)
    >>> dataset = IndexedDataset(TensorDataset(X))
    >>> sampler = LossSampler(dataset, "percentile", batch_size=2, random_state=0)
    >>> loader = DataLoader(dataset, batch_sampler=sampler)
    >>> for _ in range(2):
    ...     for x, rows in loader:
    ...         losses = x**2
    ...         sampler.update(rows, losses)
    >>> sampler.visit_counts
    array([1, 1, 1, 1, 2, 2, 2, 2], dtype=int32)
    """

    _is_complete: bool  # whether all rows of the round were handed out

    def __init__(
        self,
        data_source: Any,
        sampling_strategy: Any = "importance",
        *,
        batch_size: int | None = None,
        max_epochs: int | None = None,
        score: Score | None = None,
        random_state: Any = None,
        y: Any = None,
        irreducible_losses: Any = None,
        trusted: Any = None,
        shuffle: bool = True,
        shared_losses: bool = False,
    ) -> None:
        self.data_source = data_source
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.score = score
        self.shuffle = shuffle
        self.shared_losses = shared_losses
        self._check_parameters(random_state)
        n = self._count_rows()
        if n == 0:
            raise InvalidParameterError("LossSampler needs at least one row. Got 0.")
        streams = make_streams(random_state)
        self._selection_rng = np.random.default_rng(streams.selection)
        self._order_rng = np.random.default_rng(streams.order)
        self.table = LossTable(n)
        self.strategy: SamplingStrategy = resolve_strategy(sampling_strategy)
        self.strategy.begin(self.table, self._setup(y, irreducible_losses, trusted))
        self._check_needs()
        self._epoch = -1
        self._lr_scale = 1.0
        self._pending = np.zeros(n, np.int32)  # how often a row is out
        self._handed_out_at = np.zeros(n, np.int32)  # as which row of the round, from 1
        self._was_skipped = np.zeros(n, bool)  # in an earlier round, and not reported since
        self._begin_count()
        self._warned_of: set[str] = set()
        # What `begin` set is in every state of the strategy.
        self._lasting_names = tuple(state_names(self.strategy))

    def __iter__(self) -> Iterator[Any]:
        self._check_round()
        # Only the first `next` begins the round: a DataLoader with workers asks for two
        # iterators at its start and uses the second.
        return self._round()

    def update(self, rows: Any, losses: Any, **measured: Any) -> None:
        """Report the losses of a training step; each of its rows counts one visit.

        Parameters
        ----------
        rows : array-like or Tensor of shape (n,), integer
            Row numbers, as they came with the batch.
        losses : array-like or Tensor of shape (n,)
            Loss of each row in nats, without weights; a tensor may be on any device and
            still have its gradient.
        **measured : array-like or Tensor of shape (n,)
            What else the strategy wants to see, by name; see its `measures`.

        Raises
        ------
        ValueError
            For rows out of range; for repeated ones unless the strategy draws with
            replacement; if there is not one loss per row; for a negative loss if the strategy
            needs non-negative ones; for a missing, infinite or NaN measure.
        NonFiniteLossError
            If a loss is infinite or NaN. After any error the table is unchanged.
        """
        self._check_process()
        origin = "LossSampler.update"
        replacement = self.strategy.replacement
        row_numbers = as_rows(rows, len(self.table), origin, replacement=replacement)
        values = self._checked_values(row_numbers, {**measured, "loss": losses}, origin)
        self.table.record(row_numbers, values["loss"], epoch=max(self._epoch, 0), training=True)
        self.strategy.observe(row_numbers, values, training=True)
        np.subtract.at(self._pending, row_numbers, _ONE)
        # A row may be reported that was not out, or had been released.
        self._pending[row_numbers] = np.maximum(self._pending[row_numbers], 0)
        if self._epoch < 0:
            self._warn_of_idleness(row_numbers)

    @property
    def epoch(self) -> int:
        """Number of the latest round, from 0, as in the table's `loss_epoch`; -1 before it."""
        return self._epoch

    @property
    def lr_scale(self) -> float:
        """Factor on the learning rate that the latest selection asks for.

        It differs from 1 for methods whose paper takes larger steps on fewer rows. The
        sampler does nothing with it; a loop that wants the paper's step multiplies it in.
        """
        return self._lr_scale

    @property
    def loss_table(self) -> NDArray[Any]:
        """One record per row: loss, when and how it was measured, visits; a copy."""
        return self.table.to_structured(np.arange(len(self.table)))

    @property
    def visit_counts(self) -> NDArray[np.int32]:
        """How often each row was trained on, shape (n_rows,); a copy."""
        return self.table.visits.copy()

    @property
    def pending_rows(self) -> NDArray[np.int64]:
        """Rows that were handed out in this round and not yet updated, ascending."""
        return np.flatnonzero(self._pending)

    def state_dict(self) -> dict[str, Any]:
        """Everything that later rounds depend on.

        Returns
        -------
        state : dict
            Tensors, numbers, strings, lists and dicts only, so that a file written by
            ``torch.save`` can be read with ``weights_only=True``. Taken in the middle of a
            round, it resumes with the next one; what is pending is not part of it.

        Raises
        ------
        TypeError
            If a strategy of the user's own holds something that cannot be written this way.
        """
        return {
            **self._written_settings(),
            VERSION_KEY: current_version(),
            "epoch": self._epoch,
            "lr_scale": self._lr_scale,
            "table": StateCodec().state_of(self.table),
            "strategy": self._codec().state_of(self.strategy),
            "order_stream": generator_state(self._order_rng),
            "selection_stream": generator_state(self._selection_rng),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another sampler, made with the same parameters, was.

        Parameters
        ----------
        state : mapping
            From `state_dict`. The next round is then the same, row by row.

        Raises
        ------
        ValueError
            If the state is not one of a LossSampler, is broken, or comes from another number of
            rows, strategy, `batch_size` or `shuffle`; the sampler is then unchanged. `max_epochs`
            may differ.

        Warns
        -----
        InconsistentVersionWarning
            If another version of this package wrote the state.
        """
        self._check_settings(state)
        streams = {"order_stream": self._order_rng, "selection_stream": self._selection_rng}
        missing = {"epoch", "lr_scale", "table", "strategy", *streams} - set(state)
        if missing:
            raise ValueError(f"This state cannot be loaded: it has no {min(missing)!r}.")
        try:
            loaded = {name: decoded_generator(state[name], s) for name, s in streams.items()}
            restorations = self._prepared(state)
        except Exception as error:  # whatever a file may hold
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(f"This state cannot be loaded, it is broken. {reason}.") from error
        warn_of_other_version("This state of a LossSampler", state.get(VERSION_KEY))
        # From here on nothing can fail.
        for restoration in restorations:
            restoration.apply()
        for name, stream in streams.items():
            stream.bit_generator.state = loaded[name].bit_generator.state
        self._epoch = int(state["epoch"])
        self._lr_scale = float(state["lr_scale"])
        self._was_skipped[:] = False
        self._begin_count()

    def _written_settings(self) -> dict[str, Any]:
        """What has to be the same on both sides of a checkpoint."""
        return {
            "format": _STATE_FORMAT,
            "n_rows": len(self.table),
            "strategy_name": type(self.strategy).__name__,
            "strategy_parameters": written_parameters(self.strategy),
            "batch_size": None if self.batch_size is None else int(self.batch_size),
            "shuffle": bool(self.shuffle),
        }

    def _check_settings(self, state: Any) -> None:
        if not isinstance(state, Mapping):
            raise ValueError(f"This state cannot be loaded: it is a {type(state).__name__}.")
        for name, value in self._written_settings().items():
            given = state.get(name)
            if type(given) is dict and type(value) is dict:  # only what differs
                names = sorted(given.keys() | value.keys(), key=str)
                names = [n for n in names if not _is_same_setting(given.get(n), value.get(n))]
                given, value = ({n: d.get(n) for n in names} for d in (given, value))
            if not _is_same_setting(given, value):
                raise ValueError(
                    f"This state cannot be loaded: its {name!r} is {given!r}, and the "
                    f"sampler's is {value!r}."
                )

    def _prepared(self, state: Mapping[str, Any]) -> list[Restoration]:
        """Table and strategy, decoded and checked."""
        if not (is_integer(state["epoch"], -1) and state["epoch"] < LAST_ROUND):
            raise ValueError(f"'epoch' is {state['epoch']!r}")
        check_real_value("a state", "lr_scale", state["lr_scale"], 0, open_low=True)
        table = StateCodec().prepare(self.table, state["table"])
        check_columns(table[0])
        new_table = as_restored(table)
        new_table.check_state(int(state["epoch"]))
        strategy = self._codec().prepare(self.strategy, state["strategy"])
        check_names(strategy[0], self._lasting_names)
        as_restored(strategy)._check_state(new_table)
        return [*table, *strategy]

    def _codec(self) -> StateCodec:
        # The strategy may hold on to what it was given at its start.
        return StateCodec({"table": self.table, "selection_stream": self._selection_rng})

    def _check_parameters(self, random_state: Any) -> None:
        owner = type(self).__name__
        check_integer_value(owner, "batch_size", self.batch_size, 1, none=True)
        check_integer_value(owner, "max_epochs", self.max_epochs, 1, none=True)
        if not (self.score is None or callable(self.score)):
            reject(self, "score", "a callable (rows, measures) or None", self.score)
        for name in ("shuffle", "shared_losses"):
            check_flag(self, name)
        check_random_state_value(owner, random_state)
        if self.shared_losses and random_state is None:
            expected = "an int or a RandomState, the same in every process, with shared_losses=True"
            reject(self, "random_state", expected, random_state)

    def _count_rows(self) -> int:
        if is_integer(self.data_source, 0):
            return int(self.data_source)
        try:
            return len(self.data_source)
        except TypeError:
            expected = "a dataset with a length, or a number of rows"
            reject(self, "data_source", expected, self.data_source)

    def _setup(self, y: Any, irreducible_losses: Any, trusted: Any) -> Setup:
        n = len(self.table)
        targets = as_targets(y, n, type(self).__name__)
        n_classes = None  # of floats as well: they may be codes of classes
        if targets is None:
            targets = np.zeros(n, np.int64)
        elif targets.dtype.kind != "f":  # labels of any kind, as codes
            labels, targets = np.unique(targets, return_inverse=True)
            n_classes = len(labels)
        metadata = validate_row_metadata(irreducible_losses, trusted, n)
        return Setup(
            n_rows=n,
            y=targets,
            batch_size=self.batch_size or 1,
            rng=self._selection_rng,
            n_classes=n_classes,
            irreducible_losses=metadata.irreducible_losses,
            trusted=metadata.trusted,
        )

    def _check_needs(self) -> None:
        if self.strategy.needs_score and self.score is None:
            self._reject_none("score")
        if self.strategy.needs_end and self.max_epochs is None:
            self._reject_none("max_epochs")

    def _reject_none(self, name: str) -> NoReturn:
        raise InvalidParameterError(
            f"{self.strategy!r} needs the {name!r} parameter of LossSampler: {_WHY_NEEDED[name]}. "
            "Got None."
        )

    def _check_process(self) -> None:
        """Raise where the losses of the training do not come together."""
        if not self.shared_losses:
            refuse_several_processes("LossSampler", _ALTERNATIVES)
        worker = get_worker_info()
        if worker is not None:
            raise RuntimeError(
                f"LossSampler was used in worker process {worker.id} of a DataLoader, where it is "
                "a copy. Choose rows and report losses in the process that trains: pass the "
                "sampler to the DataLoader, not to the dataset."
            )

    def _check_round(self) -> None:
        self._check_process()
        n = self._count_rows()
        if n != len(self.table):
            raise ValueError(
                f"LossSampler was made for {len(self.table)} rows, and its data_source now has "
                f"{n}. Make a new sampler for a dataset that has changed."
            )
        if self.max_epochs is not None and self._epoch + 1 >= self.max_epochs:
            raise RuntimeError(
                f"LossSampler has made all of its rounds, max_epochs={self.max_epochs}. Raise "
                "max_epochs, or iterate less often; every iteration is a round."
            )

    def _round(self) -> Iterator[Any]:
        self._check_round()
        self._warn_of_loneliness()
        if self._is_complete:
            self._warn_of_silence()
            self._warn_of_skipped()
        self._epoch += 1
        self._lr_scale = 1.0
        self._begin_count()
        epoch = self._epoch
        for drawn in self.strategy.draw(self.table, self._context()):
            selection = check_selection(drawn, len(self.table), self.strategy)
            self._lr_scale = float(selection.lr_scale)
            self._warn_of_lost_weights(selection)
            for handed_out in self._hand_out(selection):
                yield handed_out
                if self._epoch != epoch:
                    raise RuntimeError(
                        f"The iterator of round {epoch} was used after round {self._epoch} began."
                    )
        self._is_complete = True

    def _begin_count(self) -> None:
        """Note that nothing of the round was handed out yet."""
        self._pending[:] = 0
        self._handed_out_at[:] = 0
        self._n_handed_out = 0
        self._is_complete = False

    def _warn_of_silence(self) -> None:
        if 0 < self._n_handed_out == self._pending.sum():
            self._warn_once(
                "silence",
                f"LossSampler: no losses were reported of the {self._n_handed_out} rows of round "
                f"{self._epoch}. Without them the strategy cannot tell rows apart: call "
                "update(rows, losses) after every training step.",
            )

    def _warn_of_skipped(self) -> None:
        rows = self._skipped_again()
        if len(rows):
            self._warn_once(
                "skipped",
                f"LossSampler: {len(rows)} rows, row {rows[0]} for example, were handed out in "
                f"two complete rounds up to round {self._epoch} and reported in neither, while "
                "others were. The strategy goes by old losses or none for them: call "
                "update(rows, losses) with all rows of every batch.",
            )

    def _skipped_again(self) -> NDArray[np.int64]:
        """Rows of a complete round that were not reported, nor the last time they were out."""
        is_out = self._pending > 0
        reported = (self._handed_out_at > 0) & ~is_out
        # The last rows are another matter: a loader drops them, or a loop was left early.
        last = self._handed_out_at[reported].max(initial=0)
        skipped = is_out & (self._handed_out_at <= last)
        again = np.flatnonzero(skipped & self._was_skipped)
        self._was_skipped[reported] = False
        self._was_skipped |= skipped
        return again

    def _warn_of_idleness(self, rows: NDArray[np.int64]) -> None:
        """Warn of losses of a training whose rows this sampler did not choose."""
        if self.table.visits[rows].max(initial=0) > 1:
            self._warn_once(
                "idleness",
                "LossSampler: losses of the same rows are reported again, and no round was begun. "
                "Pass the sampler to the loader, DataLoader(dataset, batch_sampler=sampler), or "
                "rows are not chosen by it.",
            )

    def _warn_of_loneliness(self) -> None:
        """Warn of processes that may train together in a way that is not known here."""
        n = 1 if self.shared_losses else n_unconnected_processes()
        if n > 1:
            self._warn_once(
                "loneliness",
                f"LossSampler: {n} processes were started (WORLD_SIZE), and torch.distributed is "
                "not initialised. Processes that each train a model of their own are fine. If "
                f"they train one together: {_ALTERNATIVES}",
            )

    def _warn_once(self, name: str, message: str) -> None:
        if name not in self._warned_of:
            self._warned_of.add(name)
            warnings.warn(message, UserWarning, stacklevel=4)

    def _context(self) -> DrawContext:
        ahead = None if self.max_epochs is None else self.max_epochs - self._epoch
        return DrawContext(
            epoch=self._epoch,
            progress=0.0 if self.max_epochs is None else self._epoch / self.max_epochs,
            batch_size=self.batch_size or 1,
            rng=self._selection_rng,
            score=self._score_rows,
            rounds_left=ahead,
            can_score=self.score is not None,
            one_by_one=self.batch_size is None,
        )

    def _hand_out(self, selection: Selection) -> Iterator[Any]:
        """Yield the rows of a selection, or lists of them, and note that they are out."""
        if selection.ahead is not None:
            return self._one_by_one(selection.ahead)
        rows, weights = selection.rows, selection.weights
        positions = np.arange(len(rows))
        if not self.strategy.replacement:
            positions = positions[self._pending[rows] == 0]
        if self.shuffle:
            positions = self._order_rng.permutation(positions)
        parts = self._parts(rows, weights, positions)
        if self.batch_size is None:
            return self._one_by_one(chain.from_iterable(numbers for numbers, _ in parts))
        return self._in_batches(parts)

    def _parts(
        self, rows: NDArray[np.int64], weights: NDArray[np.float64] | None, positions: NDArray[Any]
    ) -> Iterator[tuple[list[int], NDArray[np.int64]]]:
        """Rows as numbers with their weights, batch by batch, and as an array."""
        size = self.batch_size or _PART
        for start in range(0, len(positions), size):
            chosen = positions[start : start + size]
            part = rows[chosen]
            numbers: list[int] = part.tolist()
            if weights is not None:
                pairs = zip(numbers, weights[chosen].tolist(), strict=True)
                numbers = [WeightedRow(row, weight) for row, weight in pairs]
            yield numbers, part

    def _in_batches(
        self, parts: Iterable[tuple[list[int], NDArray[np.int64]]]
    ) -> Iterator[list[int]]:
        for numbers, rows in parts:
            np.add.at(self._pending, rows, _ONE)
            self._n_handed_out += len(rows)
            self._handed_out_at[rows] = self._n_handed_out
            yield numbers

    def _one_by_one(self, rows: Iterable[int]) -> Iterator[int]:
        pending, handed_out_at = self._pending, self._handed_out_at
        for row in rows:
            self._n_handed_out = number = self._n_handed_out + 1
            pending[row] += _ONE
            handed_out_at[row] = number
            # The first is enough to stop a loader that takes them for batches.
            is_plain = number > 1 or isinstance(row, SingleRow)
            yield row if is_plain else SingleRow(row)

    def _score_rows(
        self, rows: NDArray[np.int64], measures: Sequence[str]
    ) -> dict[str, NDArray[Any]]:
        """What the user's function says of rows, checked and recorded."""
        if self.score is None:
            self._reject_none("score")
        wanted = tuple(dict.fromkeys(("loss", *measures)))
        if len(rows) == 0:
            return {name: np.empty(0, np.float32) for name in wanted}
        given = self.score(rows.copy(), tuple(measures))
        if not isinstance(given, Mapping):
            if wanted != ("loss",):
                raise TypeError(
                    f"score must return a mapping with {', '.join(map(repr, wanted))} here. "
                    f"Got {type(given).__name__}."
                )
            given = {"loss": given}
        if "loss" not in given:
            raise ValueError("score must return 'loss', whatever else it returns.")
        given = {name: given[name] for name in wanted if name in given}
        measured = self._checked_values(rows, given, "score")
        self.table.record(rows, measured["loss"], epoch=self._epoch, training=False)
        self.strategy.observe(rows, measured, training=False)
        return measured

    def _checked_values(
        self, rows: NDArray[np.int64], values: Mapping[str, Any], origin: str
    ) -> dict[str, NDArray[Any]]:
        """Losses and measures as arrays, all of them checked before any is recorded."""
        name = type(self.strategy).__name__
        missing = [key for key in self.strategy.measures if key not in values]
        if missing:
            raise ValueError(
                f"{name} needs {missing[0]!r} for every row, beside the loss: {origin} has to "
                f"be given or to return {missing[0]}=..."
            )
        checked = {key: as_values(value, len(rows), key, origin) for key, value in values.items()}
        for key, array in checked.items():
            if key != "loss":
                check_measure(array, rows, key, origin)
        losses = checked["loss"]  # infinite and NaN ones are refused by the table
        if self.strategy.non_negative and losses.min(initial=0.0) < LOWEST_LOSS:
            lowest = int(losses.argmin())
            raise ValueError(
                f"{name} needs non-negative losses. {origin} was given {losses[lowest]} for row "
                f"{rows[lowest]}."
            )
        return checked

    def _warn_of_lost_weights(self, selection: Selection) -> None:
        if selection.weights is None or "weights" in self._warned_of:
            return
        if isinstance(self.data_source, IndexedDataset) and not self.data_source.weighted:
            self._warn_once(
                "weights",
                f"{type(self.strategy).__name__} weighs its rows, and the dataset does not pass "
                "the weights on: wrap it as IndexedDataset(dataset, weighted=True) and multiply "
                "the losses with them, or the training is biased towards what is drawn often.",
            )


def _is_same_setting(given: Any, value: Any) -> bool:
    """Whether a setting of a state is the sampler's, whatever a file may have in its place."""
    if type(value) is dict:
        if type(given) is not dict or given.keys() != value.keys():
            return False
        return all(_is_same_setting(given[name], value[name]) for name in value)
    are_numbers = {type(given), type(value)} <= {int, float}
    return (are_numbers or type(given) is type(value)) and bool(given == value)
