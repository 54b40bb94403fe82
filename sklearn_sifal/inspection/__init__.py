"""Numbers to look inside with: what is hard, what was chosen, what became of the weights.

The functions take arrays, such as the fitted attributes of an estimator, and return small
objects of arrays with a method `to_frame`. `sklearn_sifal.plotting` draws them.
"""

from sklearn_sifal.inspection._data_map import DataMap, data_map
from sklearn_sifal.inspection._deciles import LossDeciles, loss_deciles
from sklearn_sifal.inspection._groups import GroupReport, group_report
from sklearn_sifal.inspection._instances import InstanceTable, ranked_instances
from sklearn_sifal.inspection._kl_divergence import kl_divergence
from sklearn_sifal.inspection._selections import (
    SelectionLabels,
    SelectionLosses,
    SelectionOverlap,
    selection_labels,
    selection_losses,
    selection_overlap,
)
from sklearn_sifal.inspection._visits import (
    VisitHistory,
    VisitsByGroup,
    visit_history,
    visits_by_decile,
    visits_by_label,
)
from sklearn_sifal.inspection._weights import (
    WeightHistogram,
    WeightStatistics,
    weight_histogram,
    weight_statistics,
    weight_trajectory,
)

__all__ = [
    "DataMap",
    "GroupReport",
    "InstanceTable",
    "LossDeciles",
    "SelectionLabels",
    "SelectionLosses",
    "SelectionOverlap",
    "VisitHistory",
    "VisitsByGroup",
    "WeightHistogram",
    "WeightStatistics",
    "data_map",
    "group_report",
    "kl_divergence",
    "loss_deciles",
    "ranked_instances",
    "selection_labels",
    "selection_losses",
    "selection_overlap",
    "visit_history",
    "visits_by_decile",
    "visits_by_label",
    "weight_histogram",
    "weight_statistics",
    "weight_trajectory",
]
