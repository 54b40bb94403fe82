"""Pictures of what `sklearn_sifal.inspection` computes, after scikit-learn's convention.

A Display keeps the numbers and draws them with `plot`. matplotlib, which the extra ``plot``
brings, is imported there and not before.
"""

from sklearn_sifal.plotting._instance_gallery import InstanceGalleryDisplay
from sklearn_sifal.plotting._loss_curve import LossCurveDisplay
from sklearn_sifal.plotting._selection import SelectionDisplay
from sklearn_sifal.plotting._strategy_curves import StrategyCurve
from sklearn_sifal.plotting._style import strategy_styles
from sklearn_sifal.plotting._visit_count import VisitCountDisplay

__all__ = [
    "InstanceGalleryDisplay",
    "LossCurveDisplay",
    "SelectionDisplay",
    "StrategyCurve",
    "VisitCountDisplay",
    "strategy_styles",
]
