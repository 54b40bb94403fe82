"""RHO-LOSS: the rows whose loss is largest compared with what training can reach."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._fields import attribute, integer, parameter
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._presample import PresampleStrategy
from sklearn_sifal.strategies._ranking import top_k
from sklearn_sifal.strategies._selection import Chosen, DrawContext, Measured, Rows, Setup
from sklearn_sifal.strategies._state_checks import check_column


class ReducibleLoss(PresampleStrategy):
    """Train on the rows with the largest reducible holdout loss (RHO-LOSS).

    Of each presample, scored just before with the present weights, the percentage with
    the largest l_i - IL_i is trained on, without weights; ties are drawn. l_i is the loss
    of row i now and IL_i its irreducible loss: what a model that was trained without the
    row makes of it. So rows that are learnt already and rows that cannot be learnt, such
    as wrong labels, both stay out. A presample is so large that one batch is kept.

    The irreducible losses are those given to `fit`, or else the out-of-fold losses of
    `estimator` over `cv` folds. They are found once, in `begin`, and never refreshed. The
    fits for it are paid outside the budget: at equal budgets this strategy does more work
    than the others, and the time is in the first round's ``seconds_select``.

    Losses l_i are fresh: every row is scored once in a round.

    Cost per round, in passes over all rows: one forward pass for scoring, and
    percentage / 100 forward and backward; so with the default, a step costs as much as
    four to six plain ones.

    It is robust to wrong labels as far as the irreducible losses are: if they come from
    a model that fits the noise, it fails. At a fixed amount of computation the published
    gains over plain training largely vanish.

    Parameters
    ----------
    percentage : float, default=10.0
        Kept share of each presample, in (0, 100]; at 100 every round has all rows and no
        irreducible losses are needed.
    estimator : estimator, default=None
        Classifier whose out-of-fold losses are used if none are given; None for a small
        one like the caller's.
    cv : int, default=5
        Number of folds, at least 2.
    {{warmup_epochs, final_epochs, max_visits}}

    Attributes
    ----------
    irreducible_losses_ : ndarray of shape (n_rows,), float64, or None
        The losses IL, in nats. None where every round has all rows.

    Raises
    ------
    ValueError
        In `begin`, if irreducible losses are neither given nor to be had, or are not one
        finite number per row.

    Notes
    -----
    The paper trains its second model on data held out for it; out-of-fold losses spare
    that, at `cv` fits. The paper has no warm-up. Here rows never seen are trained on in
    their first round anyway, whatever the rule, so that the first round has all rows in
    either case; ``warmup_epochs=1`` only says so. The paper keeps 32 of 320 rows: batches
    are filled up here too, to the caller's batch size.

    References
    ----------
    Mindermann et al., "Prioritized training on points that are learnable, worth learning,
    and not yet learnt", ICML 2022, arXiv:2206.07137.

    Examples
    --------
    >>> from sklearn_sifal.strategies import ReducibleLoss
    >>> ReducibleLoss(percentage=25, cv=3)
    ReducibleLoss(cv=3, percentage=25)
    """

    percentage = 10.0
    estimator: Any = parameter(default=None)
    cv: int = integer(2, default=5)

    reads_nats: ClassVar[bool] = True  # against the irreducible losses

    irreducible_losses_: NDArray[np.float64] | None = attribute(None)

    def begin(self, table: LossTable, setup: Setup) -> Self:
        super().begin(table, setup)
        # Where every round has all rows there is nothing to choose and nothing to fit.
        idle = self._takes_everything() or setup.n_rows <= setup.batch_size
        given = setup.irreducible_losses is not None
        self.is_idle_ = idle and not given
        self.irreducible_losses_ = None if self.is_idle_ else self._find_losses(setup)
        return self

    def _check_state(self, table: LossTable) -> None:
        super()._check_state(table)
        if not (self.irreducible_losses_ is None and self.is_idle_):
            check_column(self, "irreducible_losses_", (len(table),), np.float64)

    def _find_losses(self, setup: Setup) -> NDArray[np.float64]:
        if setup.irreducible_losses is not None:
            return _checked_losses(setup.irreducible_losses, setup.n_rows, "irreducible_losses")
        if setup.out_of_fold_losses is None:
            raise ValueError(
                f"{type(self).__name__} needs irreducible_losses: one loss for each row, in nats, "
                "from a model that was not trained on the row. None were given, and there is no "
                "data here to fit such a model on: pass them to a net as "
                "fit(..., irreducible_losses=...), to a sampler as "
                "LossSampler(..., irreducible_losses=...)."
            )
        losses = setup.out_of_fold_losses(self.estimator, self.cv)
        return _checked_losses(losses, setup.n_rows, "out_of_fold_losses")

    def _keep(self, candidates: Rows, n: int, measured: Measured, context: DrawContext) -> Chosen:
        assert self.irreducible_losses_ is not None
        reducible = measured["loss"].astype(np.float64) - self.irreducible_losses_[candidates]
        return top_k(reducible, n, context.rng), None


def _checked_losses(losses: Any, n_rows: int, origin: str) -> NDArray[np.float64]:
    array = np.asarray(losses)
    wrong = None
    if array.shape != (n_rows,) or array.dtype.kind not in "fiu":
        wrong = f"an array of shape {array.shape} and dtype {array.dtype}"
    elif not np.isfinite(array).all():
        wrong = "infinite or NaN losses"
    if wrong is not None:
        raise ValueError(
            f"{origin} must be one finite loss for each of the {n_rows} rows. Got {wrong}."
        )
    return array.astype(np.float64)
