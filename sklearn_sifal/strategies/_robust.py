"""Any strategy, with a score that is less led by noise in place of the loss."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._fields import attribute, choice, integer, parameter, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal._parameters import reject
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._scores import (
    LEAST_POINTS,
    AverageScores,
    TrajectoryScores,
)
from sklearn_sifal.strategies._selection import (
    DrawContext,
    Measured,
    Rows,
    Selection,
    Setup,
    as_context,
)
from sklearn_sifal.strategies._state_checks import check_part


def _check_strategy(owner: Any, name: str) -> None:
    strategy = getattr(owner, name)
    if not isinstance(strategy, SamplingStrategy):
        reject(owner, name, "an instance of SamplingStrategy", strategy)
    if isinstance(strategy, Robust):
        raise InvalidParameterError("Robust cannot be put around another Robust.")


def _of_strategy(name: str, doc: str | None = None) -> Any:
    """A property that is the wrapped strategy's."""
    doc = doc or getattr(SamplingStrategy, name).__doc__
    return property(attrgetter(f"strategy.{name}"), doc=doc)


class Robust(SamplingStrategy):
    """Let a strategy choose by a score over several rounds instead of the last loss.

    The wrapped strategy sees the score wherever it looks at losses: in the table, in what a
    scoring pass returns and in `observe`. What it draws, weights, refreshes and evicts is
    up to it. The table itself keeps the losses.

    score='ema' is the weight of Evolved Sampling: with s the moving average of a row's
    losses l, the score is beta1 s + (1 - beta1) l and s becomes beta2 s + (1 - beta2) l.
    It begins with s = l. Scores are in nats.

    score='trajectory' is that of AlignPrune: 1 + r, with r the Pearson correlation of the
    row's last `window` losses with the mean losses of the trusted rows in the same rounds.
    Rows that are learnt along with the trusted ones have a score near 2; a wrong label, of
    which the loss rises while that of clean rows falls, one near 0. A row with fewer than 3
    losses has a score of 2, a row or a mean that does not change one of 1. So the score
    has its use with strategies that prefer large losses; those that prefer small ones
    would be turned around.

    In both a row has one loss per round, the last measured. Other measures than the loss
    are passed on as they are.

    Cost: none in passes; 16 bytes a row for 'ema' and 8 (1 + window) for 'trajectory'.

    'ema' with the default betas is 80 % the last loss: it smooths losses that jump, and
    does not tell wrong labels from hard rows. 'trajectory' needs trusted rows that are like the
    rest: classes without any are judged by the others'. In the first three rounds it does
    not tell rows apart, and late in training correlations are mostly noise.

    Parameters
    ----------
    strategy : SamplingStrategy
        An instance. It has the shared knobs, such as `warmup_epochs`, as in
        ``Robust(Percentile(30, warmup_epochs=2))``; nested names reach them, as in
        ``set_params(strategy__percentage=20)``.
    score : {'ema', 'trajectory'}, default='ema'
        What stands in for the loss.
    beta1 : float, default=0.2
        Share of the past in the score, in [0, 1]. Only for 'ema'.
    beta2 : float, default=0.8
        Share of the past in the moving average, in [0, 1]. Only for 'ema'.
    window : int, default=10
        Losses of a row that are looked at, at least 3. Only for 'trajectory'.

    Attributes
    ----------
    strategy_ : SamplingStrategy
        The copy of `strategy` that chooses.
    scores_ : ndarray of shape (n_rows,), float32
        The scores; NaN for rows never measured.

    Notes
    -----
    Evolved Sampling starts the average at 1 / N. Here rows may have been measured more or
    less often, and those measured seldom would seem easy: hence the first loss. AlignPrune
    is given with InfoBatch, where rows left out repeat their last loss; here trajectories
    have no repeats, and each loss is compared with the trusted mean of its own round.

    References
    ----------
    Cheng, Li and Bian, "Data-efficient training by evolved sampling", arXiv 2509.23461,
    2025. Qin, Yang, Goenawan, Wang, Wang, Hu, Peng and Zhu, "Beyond loss values: robust
    dynamic pruning via loss trajectory alignment", CVPR 2026 (AlignPrune).

    Examples
    --------
    >>> from sklearn_sifal.strategies import Percentile
    >>> from sklearn_sifal.strategies import Robust
    >>> Robust(Percentile(percentage=30)).set_params(strategy__percentage=20)
    Robust(strategy=Percentile(percentage=20))
    """

    strategy: SamplingStrategy = parameter(_check_strategy, kw_only=False)
    score: str = choice("ema", "trajectory", default="ema")
    beta1: float = real(0, 1, default=0.2)
    beta2: float = real(0, 1, default=0.8)
    window: int = integer(LEAST_POINTS, default=10)
    # These are the wrapped strategy's.
    warmup_epochs: int = attribute(1)
    final_epochs: int = attribute(0)
    refresh: str | int = attribute("table")
    exploration: float = attribute(0.0)
    max_visits: int | None = attribute(None)
    min_fraction: float = attribute(0.0)

    measures = _of_strategy("measures", "What a scoring pass has to return.")
    per_batch = _of_strategy("per_batch", "Whether losses are seen before the next selection.")
    replacement = _of_strategy("replacement", "Whether a row may come back within a round.")
    non_negative = _of_strategy("non_negative", "Whether a negative loss is an error.")
    needs_score = _of_strategy("needs_score")
    needs_end = _of_strategy("needs_end")

    @property
    def scores_(self) -> NDArray[np.float32]:
        """The score of every row."""
        return self.row_scores_.scores

    def begin(self, table: LossTable, setup: Setup) -> Self:
        """Check the parameters and start anew; called once before the first round.

        Parameters
        ----------
        table : LossTable
            The losses; those known already are the first of the scores.
        setup : Setup
            Rows, targets, batch size, generator and, for 'trajectory', trusted rows.

        Returns
        -------
        self : Robust

        Raises
        ------
        InvalidParameterError
            If a parameter, here or of the wrapped strategy, is not allowed, or
            score='trajectory' is asked for a strategy that `reads_nats`.
        ValueError
            If score='trajectory' comes without trusted rows among those trained on.
        """
        self._check_parameters()
        self.row_scores_ = self._new_scores(setup)
        self._seed(table)
        self.strategy_: SamplingStrategy = clone(self.strategy)
        self.strategy_.begin(self._table_of_scores(table), setup)
        return self

    def draw(self, table: LossTable, context: DrawContext) -> Iterator[Selection]:
        context = as_context(context)
        self._seed(table)
        self.row_scores_.next_round()

        def score(rows: Rows, measures: Sequence[str]) -> Measured:
            # The caller of `draw` passes what it measures to `observe` first.
            return {**context.score(rows, measures), "loss": self.scores_[rows]}

        table_of_scores = self._table_of_scores(table)
        yield from self.strategy_.draw(table_of_scores, replace(context, score=score))

    def observe(self, rows: Rows, measured: Measured, *, training: bool) -> None:
        self.row_scores_.update(rows, measured["loss"])
        scores = {**measured, "loss": self.scores_[rows]}
        self.strategy_.observe(rows, scores, training=training)

    def _check_state(self, table: LossTable) -> None:
        kind = AverageScores if self.score == "ema" else TrajectoryScores
        check_part(self, "row_scores_", kind).check_state(len(table))
        check_part(self, "strategy_", type(self.strategy))
        self.strategy_._check_state(self._table_of_scores(table))

    def _new_scores(self, setup: Setup) -> AverageScores | TrajectoryScores:
        if self.score == "ema":
            return AverageScores(setup.n_rows, float(self.beta1), float(self.beta2))
        if setup.trusted is None or not np.any(setup.trusted):
            raise ValueError(
                "Robust(score='trajectory') compares rows with trusted ones: pass trusted, a "
                "mask of the rows with labels known to be right. Got "
                f"{'None' if setup.trusted is None else 'a mask without any row trained on'}."
            )
        trusted = np.asarray(setup.trusted, dtype=bool)
        return TrajectoryScores(setup.n_rows, int(self.window), trusted)

    def _seed(self, table: LossTable) -> None:
        """Take in losses that the table knows and `observe` was not told of."""
        untold = np.flatnonzero(np.isnan(self.scores_) & (table.loss_epoch >= 0))
        if len(untold):
            self.row_scores_.update(untold, table.loss[untold])

    def _table_of_scores(self, table: LossTable) -> LossTable:
        """The table with scores for losses; all other columns are the table's own."""
        shadow = copy.copy(table)
        shadow.loss = self.scores_
        return shadow

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.score == "trajectory" and self.strategy.reads_nats:
            raise InvalidParameterError(
                f"Robust(score='trajectory') cannot be put around {type(self.strategy).__name__}, "
                "which goes by how large losses are in nats: a trajectory's score only ranks the "
                "rows. Use score='ema'."
            )
        self.strategy._check_parameters()
