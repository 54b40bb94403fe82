"""Pictures of what `inspection` and `comparison` compute, after scikit-learn's convention.

A Display keeps the numbers and draws them with `plot`. matplotlib, which the extra ``plot``
brings, is imported there and not before.
"""

from sklearn_sifal.plotting._critical_difference import CriticalDifferenceDisplay
from sklearn_sifal.plotting._data_map import DataMapDisplay
from sklearn_sifal.plotting._eviction import EvictionDisplay
from sklearn_sifal.plotting._group_report import GroupReportDisplay
from sklearn_sifal.plotting._instance_gallery import InstanceGalleryDisplay
from sklearn_sifal.plotting._loss_curve import LossCurveDisplay
from sklearn_sifal.plotting._loss_decile import LossDecileDisplay
from sklearn_sifal.plotting._selection import SelectionDisplay
from sklearn_sifal.plotting._selection_label import SelectionLabelDisplay
from sklearn_sifal.plotting._selection_loss import SelectionLossDisplay
from sklearn_sifal.plotting._selection_overlap import SelectionOverlapDisplay
from sklearn_sifal.plotting._strategy_curves import StrategyCurve
from sklearn_sifal.plotting._style import strategy_styles
from sklearn_sifal.plotting._visit_count import VisitCountDisplay
from sklearn_sifal.plotting._weight_distribution import WeightDistributionDisplay
from sklearn_sifal.plotting._weight_trajectory import WeightTrajectoryDisplay

__all__ = [
    "CriticalDifferenceDisplay",
    "DataMapDisplay",
    "EvictionDisplay",
    "GroupReportDisplay",
    "InstanceGalleryDisplay",
    "LossCurveDisplay",
    "LossDecileDisplay",
    "SelectionDisplay",
    "SelectionLabelDisplay",
    "SelectionLossDisplay",
    "SelectionOverlapDisplay",
    "StrategyCurve",
    "VisitCountDisplay",
    "WeightDistributionDisplay",
    "WeightTrajectoryDisplay",
    "strategy_styles",
]
