"""InfoBatch: some of the easy rows stand for all of them."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._parameters import check_real
from sklearn_sifal.strategies._selection import DrawContext
from sklearn_sifal.strategies._share import ShareStrategy


class InfoBatch(ShareStrategy):
    r"""Leave out a part of the easy rows and let the others of them count for more.

    With N rows of known loss l, of mean m, and keep = percentage / 100 = 1 - r:

    - the rows with l >= m all take part;
    - of the n rows with l < m, k = floor(keep n), at least one, are drawn without
      replacement;
    - relative weights are n / k for these k and 1 for the others; all are multiplied by
      S / N, S = N - n + k the number of rows chosen, so that their mean is 1.

    So the weighted mean over the chosen rows is an unbiased estimate of the mean over
    all N. From ``progress >= delta`` on, all rows take part without weights.

    The paper does not multiply by S / N, which amounts to a step N / S times as large.
    That factor is the selection's `lr_scale`.

    Losses come from the training steps, and are those of an earlier round for rows that
    were left out since; `refresh` can ask for more. Cost per round, in passes over all
    rows: 1 - r n / N forward and backward. n / N is the share of rows below the mean, so
    the saving depends on how skewed the losses are; it is at most r.

    It fails where few rows lie below the mean, since nothing is saved then. Wrong labels
    have large losses and always take part. A small percentage makes for large weights
    and noisy gradients.

    Parameters
    ----------
    percentage : float, default=50.0
        Kept share of the easy rows, 100 (1 - r), in (0, 100]. At 100 every round has all
        rows.
    delta : float, default=0.875
        Share of the training, in [0, 1], after which all rows take part. A round that
        has begun is not cut short; for a last full round with a budget of a few epochs,
        use `final_epochs`.
    warmup_epochs : int, default=1
        Rounds on all rows at the start.
    final_epochs : int, default=0
        Rounds on all rows at the end, taken out of the budget.
    refresh : {'once', 'table', 'epoch'} or int, default='table'
        When all losses are measured anew; see `SamplingStrategy`. The paper's form is
        'table'.
    exploration : float, default=0.0
        Share of the rows not chosen that join at random with weight 1; above 0 the
        estimate is no longer unbiased.
    max_visits : int, default=None
        Rows with this many visits sit out; see `SamplingStrategy`.
    min_fraction : float, default=0.05
        Least share of the rows in a round, in [0, 1]; more easy rows are kept if need be.

    Notes
    -----
    Departures from the published code, on purpose:

    - There the weights are set back to 1 only in the epoch whose number equals
      ``num_epochs * delta + 1``. If that is no whole number they never are, and the last
      epochs train on all rows with the old weights. Here full rounds have no weights.
    - There the global generator of numpy is seeded anew with the number of the epoch, so
      that every training leaves out rows by the same random numbers. Here the draws come
      from the training's own stream.
    - There losses start at 3.0, or at 1.0 in another version, and rows not seen yet are
      compared with the mean under that made-up loss. Here they take part in any case.
    - There 1 / (1 - r) is the weight although floor(keep n) rows are kept. Here n / k
      makes the estimate unbiased exactly.
    - Multiplying the weights by N / S and the learning rate by N / S is the same for
      plain gradient descent only. Optimisers that divide by the size of the gradient,
      such as Adam, undo the former but not the latter.

    References
    ----------
    Qin et al., "InfoBatch: lossless training speed up by unbiased dynamic data pruning",
    ICLR 2024.

    Examples
    --------
    >>> from sklearn_sifal.strategies import InfoBatch
    >>> InfoBatch(percentage=30, delta=0.9)
    InfoBatch(delta=0.9, percentage=30)
    """

    _adaptive_size: ClassVar[bool] = True

    def __init__(
        self,
        percentage: float = 50.0,
        *,
        delta: float = 0.875,
        warmup_epochs: int = 1,
        final_epochs: int = 0,
        refresh: str | int = "table",
        exploration: float = 0.0,
        max_visits: int | None = None,
        min_fraction: float = 0.05,
    ) -> None:
        super().__init__(
            percentage,
            warmup_epochs=warmup_epochs,
            final_epochs=final_epochs,
            refresh=refresh,
            exploration=exploration,
            max_visits=max_visits,
            min_fraction=min_fraction,
        )
        self.delta = delta

    @property
    def needs_end(self) -> bool:
        """Whether the rule depends on how much of the training is left."""
        return self.delta < 1 or super().needs_end

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_real(self, "delta", 0, 1)

    def _is_full_round(self, n_active: int, context: DrawContext) -> bool:
        return context.progress >= self.delta or super()._is_full_round(n_active, context)

    def _lr_scale(self, n_chosen: int, n_active: int) -> float:
        return n_active / n_chosen

    def _select(
        self, losses: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        return self._prune(losses, 1, rng)

    def _select_at_least(
        self, n: int, losses: NDArray[np.float32], chosen: Any, rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        # Rows added with weight 1 would make the estimate biased: keep more easy ones.
        return self._prune(losses, n, rng)

    def _prune(
        self, losses: NDArray[np.float32], least: int, rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """Leave out easy rows, as far as `least` rows are left."""
        values = losses.astype(np.float64)  # equal losses must not differ from their mean
        is_easy = values < values.mean()
        easy, hard = np.flatnonzero(is_easy), np.flatnonzero(~is_easy)
        if len(easy) == 0:
            return hard, None
        n_kept = max(1, int(self.percentage * len(easy) / 100 + 1e-9), least - len(hard))
        kept = rng.choice(easy, n_kept, replace=False)
        chosen = np.concatenate([hard, kept])
        weights = np.ones(len(chosen))
        weights[len(hard) :] = len(easy) / n_kept
        return chosen, weights * (len(chosen) / len(values))
