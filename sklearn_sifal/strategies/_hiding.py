"""Base of the strategies that leave rows out and keep measuring them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sklearn_sifal._loss_table import LossTable
from sklearn_sifal.strategies._base import SamplingStrategy
from sklearn_sifal.strategies._selection import DrawContext, Rows, Selection


class HidingStrategy(SamplingStrategy):
    """A strategy that measures the rows left out of a round once the round is trained.

    Subclasses write `_select_rows` alone. The measurement is left out where no choice
    follows that could use it: in the last round, before the final epochs, where the budget
    does not pay for it, and where `refresh` measures all rows before the next choice.

    Parameters
    ----------
    {{warmup_epochs, final_epochs, refresh, exploration, max_visits, min_fraction}}
    """

    @property
    def needs_score(self) -> bool:
        """Whether a round cannot do without a scoring pass: always, unless it has all rows."""
        return not self._takes_everything()

    def _draw_round(
        self, active: Rows, table: LossTable, context: DrawContext
    ) -> Iterator[Selection]:
        room = self._room(len(active), context) - self._refresh(active, context)
        selection = self._leave_room(self._choose(active, table, context), room, context)
        yield selection
        hidden = np.setdiff1d(active, selection.rows, assume_unique=True)
        room -= len(selection) + context.scored_row_cost * len(hidden)
        if len(hidden) and room > 0 and self._next_choice_needs_hidden(context):
            context.score(hidden, self.measures)

    def _next_choice_needs_hidden(self, context: DrawContext) -> bool:
        if not context.can_score:
            return False
        if context.rounds_left is not None and context.rounds_left - 1 <= self.final_epochs:
            return False
        return not self._refresh_is_due(replace(context, epoch=context.epoch + 1))
