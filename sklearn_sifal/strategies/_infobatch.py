"""InfoBatch: some of the easy rows stand for all of them."""

from typing import ClassVar

import numpy as np

from sklearn_sifal._fields import real
from sklearn_sifal.strategies._selection import Chosen, DrawContext, Losses
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
    {{warmup_epochs, final_epochs, refresh}}
        The paper's form is 'table'.
    {{exploration}}
        Above 0 the estimate is no longer unbiased.
    {{max_visits, min_fraction}}
        More easy rows are kept if need be.

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

    delta: float = real(0, 1, default=0.875)
    refresh = "table"

    _adaptive_size: ClassVar[bool] = True

    @property
    def needs_end(self) -> bool:
        return self.delta < 1 or super().needs_end

    def _is_full_round(self, n_active: int, context: DrawContext) -> bool:
        return context.progress >= self.delta or super()._is_full_round(n_active, context)

    def _lr_scale(self, n_chosen: int, n_active: int) -> float:
        return n_active / n_chosen

    def _select(self, losses: Losses, rng: np.random.Generator) -> Chosen:
        return self._prune(losses, 1, rng)

    def _select_at_least(
        self, n: int, losses: Losses, chosen: Chosen, rng: np.random.Generator
    ) -> Chosen:
        # Rows added with weight 1 would make the estimate biased: keep more easy ones.
        return self._prune(losses, n, rng)

    def _prune(self, losses: Losses, least: int, rng: np.random.Generator) -> Chosen:
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
