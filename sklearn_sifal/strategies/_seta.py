"""SeTa: a window over groups of similar loss that slides from easy to hard."""

from typing import ClassVar

from sklearn_sifal._fields import integer, real
from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._loss_groups import loss_groups
from sklearn_sifal.strategies._ranking import count_for
from sklearn_sifal.strategies._selection import Chosen, DrawContext, Rows
from sklearn_sifal.strategies._share import ShareStrategy


class SeTa(ShareStrategy):
    """Train on some neighbouring groups of similar loss, other ones each round.

    Round j = 0, 1, ... after the warm-up, with N rows of known loss, g = `n_groups` and a
    window of w = round(alpha g) groups, at least one:

    - ceil(percentage N / 100) rows are drawn, all with the same probability;
    - these are cut into g groups of similar loss, numbered 0 to g - 1 from easy to hard;
    - the rows in groups s to s + w - 1 take part, with s = j mod (g - w + 1). For j = 0
      all groups do.

    From ``progress >= delta`` on, the rows of the first step all take part. There are no
    weights. So the window slides from easy to hard, and starts over.

    Losses come from the training steps, so that rows left out keep their old one;
    `refresh` can ask for more, before every window. Cost per round, in passes over all
    rows: percentage / 100 times the share of rows in the window. Groups are uneven: in
    the usual case of many small losses and few large ones the easiest group holds most
    rows, and a window without it so few that `min_fraction` decides.

    The gradient is biased, another way each round. The hardest group is in one window of
    g - w + 1: good where labels are wrong, bad for rare classes.

    Parameters
    ----------
    percentage : float, default=100.0
        Share of the rows drawn at first, 100 (1 - r), in (0, 100]. At 100 the window still
        chooses: this is not the same as `Base`.
    n_groups : int, default=10
        Number of groups.
    alpha : float, default=0.5
        Share of the groups in a window, in (0, 1]; at 1 losses are not looked at.
    delta : float, default=0.875
        Share of the training, in [0, 1], after which the window is given up.
    {{warmup_epochs}}
        The published code has none, and its first round on all groups instead.
    {{final_epochs, refresh}}
        The paper's form is 'table'.
    {{exploration, max_visits, min_fraction}}
        Where the window holds fewer, others join at random.

    Notes
    -----
    Departures from the published code, on purpose:

    - There groups come from k-means with random starts. In one dimension the groups are
      intervals, so that a deterministic search finds as good ones in a fraction of the
      time; see the module ``_loss_groups``.
    - If there are fewer distinct losses than groups, groups are equal parts of the rows in
      order of loss, ties in random order. There this holds for all losses equal, and
      the order is the one of the rows.
    - There losses start at 3.0, and the global generators are seeded anew every epoch.
      Here rows never seen take part in any case, and draws come from the training's own
      stream.

    References
    ----------
    Zhou, Gao and Wang, "Scale efficient training for large datasets", CVPR 2025.

    Examples
    --------
    >>> from sklearn_sifal.strategies import SeTa
    >>> SeTa(percentage=90, n_groups=5, alpha=0.9)
    SeTa(alpha=0.9, n_groups=5, percentage=90)
    """

    percentage = 100.0
    n_groups: int = integer(1, default=10)
    alpha: float = real(0, 1, default=0.5, open_low=True)
    delta: float = real(0, 1, default=0.875)
    refresh = "table"

    _adaptive_size: ClassVar[bool] = True

    @property
    def needs_end(self) -> bool:
        return self.delta < 1 or super().needs_end

    def _takes_everything(self) -> bool:
        # The window chooses even where the percentage does not.
        return float(self.percentage) == 100.0 and self._window() == self.n_groups

    def _refresh_is_due(self, context: DrawContext) -> bool:
        return self._has_window(context) and super()._refresh_is_due(context)

    def _select_rows(self, rows: Rows, table: LossTable, context: DrawContext) -> Chosen:
        n, rng = len(rows), context.rng
        drawn = rng.choice(n, count_for(self.percentage, n), replace=False)
        if not self._has_window(context):
            return drawn, None
        groups = loss_groups(table.loss[rows[drawn]], self.n_groups, rng)
        window = self._window()
        start = self._choices_before(context) % (self.n_groups - window + 1)
        return drawn[(groups >= start) & (groups < start + window)], None

    def _has_window(self, context: DrawContext) -> bool:
        if self._window() == self.n_groups:
            return False
        return self._choices_before(context) > 0 and context.progress < self.delta

    def _choices_before(self, context: DrawContext) -> int:
        """Number of the round after the warm-up, from 0."""
        return context.round - self.warmup_epochs

    def _window(self) -> int:
        """Number of groups in a window."""
        return max(1, round(self.alpha * self.n_groups))
