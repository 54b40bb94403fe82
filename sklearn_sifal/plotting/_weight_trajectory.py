"""WeightTrajectoryDisplay: norms, sparsity and divergences of the weights over the rounds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal.inspection._weights import WeightStatistics, weight_trajectory
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import (
    AxesLike,
    add_grid,
    add_legend,
    draw_line,
    integer_ticks,
    panels_to_draw,
)
from sklearn_sifal.plotting._fitted_estimators import last_step, of_history
from sklearn_sifal.plotting._style import shown, styles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_NAMES = {
    "l2_norm": "Euclidean norm of the weights",
    "sparsity": "weights with |w| ≤ {threshold:g} (%)",
    "kl_from_initial": "KL from the initial weights (nats)",
    "kl_from_reference": "KL from the reference (nats)",
    "kl_from_zero": "KL from zero (nats)",
    "kl_from_one": "KL from one (nats)",
    "l1_norm": "sum of |w|",
    "largest": "largest |w|",
    "mean": "mean weight",
    "std": "standard deviation of the weights",
}
# As far as they are known.
_DEFAULT = ("l2_norm", "sparsity", "kl_from_initial", "kl_from_reference")
_Courses = Mapping[str, WeightStatistics]


class WeightTrajectoryDisplay(Display, axes_per="panel"):
    """What became of the weights, round by round: one line per layer, or one per model.

    Parameters
    ----------
    trajectories : WeightStatistics, or mapping of str to WeightStatistics
        Of one model, or of several by name.
    visits : array-like of shape (n_rounds,), or mapping of str to such, default=None
        Row visits spent until the end of each round. With them the horizontal axis has
        visits, at which strategies can be compared; without them rounds.

    Attributes
    ----------
    lines_ : list of dict of str to matplotlib Line2D
        Per axes the lines, by layer or model.

    See Also
    --------
    WeightDistributionDisplay : Histograms of the weights.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sifal.inspection import weight_trajectory
    >>> from sklearn_sifal.plotting import WeightTrajectoryDisplay
    >>> rounds = [{"layer": np.array([[3.0, 4.0]])}, {"layer": np.array([[6.0, 8.0]])}]
    >>> display = WeightTrajectoryDisplay(weight_trajectory(rounds)).plot(panels="l2_norm")
    >>> display.lines_[0]["layer"].get_ydata().tolist()
    [5.0, 10.0]
    """

    def __init__(
        self,
        trajectories: WeightStatistics | Mapping[str, WeightStatistics],
        *,
        visits: ArrayLike | Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self.trajectories = trajectories
        self.visits = visits

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: Any = None,
        y: Any = None,
        *,
        reference: Any = None,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the weights of one or several fits.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline, or mapping of str to such
            Fitted with ``record='history'``; several by name.
        reference : fitted estimator or Pipeline, or mapping of str to array, default=None
            Another model, or its weights, for the panel 'kl_from_reference'.

        Raises
        ------
        ValueError
            If an estimator was not fitted with ``record='history'``.
        """
        if reference is not None and not isinstance(reference, Mapping):
            reference = last_step(reference).weights_
        by_name = estimator if isinstance(estimator, Mapping) else {"": estimator}
        courses, visits = {}, {}
        for name, each in by_name.items():
            net = last_step(each)
            history = of_history(net, "weight_history_")
            courses[str(name)] = weight_trajectory(
                history, initial=net.initial_weights_, reference=reference
            )
            visits[str(name)] = np.cumsum([round_["visits"] for round_ in net.history_])
        if isinstance(estimator, Mapping):
            return cls(courses, visits=visits).plot(ax, **kwargs)
        return cls(courses[""], visits=visits[""]).plot(ax, **kwargs)

    def plot(
        self,
        ax: AxesLike = None,
        *,
        panels: Any = None,
        layer: str = "all",
        threshold: float | None = None,
        legend: bool = True,
        styles: Mapping[str, Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the course of the weights.

        Parameters
        ----------
        panels : str or sequence of str, default=None
            Fields of the trajectory: 'l2_norm', 'sparsity', 'kl_from_initial',
            'kl_from_reference', 'kl_from_zero', 'kl_from_one', 'l1_norm', 'largest', 'mean',
            'std'. None is the first three, as far as they are known, and the divergence from
            a reference.
        layer : str, default='all'
            The layer that several models are compared by. One model shows all its layers.
        threshold : float, default=None
            The one of the trajectory's thresholds that sparsity is drawn for; None is the
            middle one.
        legend : bool, default=True
            Whether to draw a legend, to the right of the last axes.
        **kwargs : dict
            Passed to the lines (:meth:`matplotlib.axes.Axes.plot`).

        Raises
        ------
        ValueError
            If a panel, layer or threshold does not exist, or there is another number of axes.
        """
        given = self.trajectories
        courses = dict(given) if isinstance(given, Mapping) else {"": given}
        if not courses:
            raise ValueError("trajectories must have at least one model. Got none.")
        if any(course.rounds is None for course in courses.values()):
            raise ValueError("trajectories must have rounds, as those of weight_trajectory have.")
        first = next(iter(courses.values()))
        known = tuple(name for name in _NAMES if not np.isnan(getattr(first, name)).all())
        default = tuple(name for name in _DEFAULT if name in known)
        names = panels_to_draw("WeightTrajectoryDisplay.plot", panels, known, default, ax)
        columns = 2 if len(names) == 4 else min(3, len(names))
        size = (1.6 + 3.3 * columns, 0.4 + 2.9 * -(-len(names) // columns))
        self.axes_ = self._make_axes(ax, len(names), size=size, n_columns=columns)
        self.lines_: list[dict[str, Line2D]] = []
        position = _position(first.thresholds, threshold)
        for name, axes in zip(names, self.axes_, strict=True):
            lines = _values_of(courses, self._at(courses), name, layer, position)
            looks = styles_of(lines, styles, axes)
            self.lines_.append({})
            for line, (at, values) in lines.items():
                style = {**looks[line], "markersize": 4.0, "linewidth": 1.5, **kwargs}
                self.lines_[-1][line] = draw_line(axes, at, values, shown(line), style)
            axes.set_ylabel(_NAMES[name].format(threshold=first.thresholds[position]))
            self._finish(axes, is_share=name == "sparsity")
        if legend:
            add_legend(self.axes_[columns - 1], self.lines_[columns - 1].values())
        return self

    def _finish(self, axes: "Axes", *, is_share: bool) -> None:
        """Scales and grid, once the lines are drawn."""
        integer_ticks(axes)
        if is_share:  # never below 0, and all 0 is no line in mid-air
            axes.set_ylim(0, max(1.0, axes.get_ylim()[1]))
        axes.set_xlabel("round" if self.visits is None else "row visits")
        if self.visits is not None:
            axes.set_xlim(left=0)
            axes.locator_params(axis="x", nbins=5)
        add_grid(axes, "both")

    def _at(self, courses: _Courses) -> dict[str, NDArray[Any]]:
        """Where the rounds of each model lie on the horizontal axis."""
        rounds = {model: np.arange(len(course.mean)) for model, course in courses.items()}
        if self.visits is None:
            return rounds
        given = self.visits if isinstance(self.visits, Mapping) else {"": self.visits}
        missing = [model for model in courses if model not in given]
        if missing:
            raise ValueError(f"visits must have those of every model. Got none of {missing}.")
        visits = {model: np.asarray(given[model]) for model in courses}
        for model, numbers in rounds.items():
            if visits[model].shape != numbers.shape:
                raise ValueError(
                    f"visits must have one number per round, shape {numbers.shape}. "
                    f"Got shape {visits[model].shape}."
                )
        return visits


def _position(thresholds: tuple[float, ...], threshold: float | None) -> int:
    if threshold is None:
        return len(thresholds) // 2
    if threshold not in thresholds:
        raise ValueError(f"threshold must be among {list(thresholds)}. Got {threshold!r} instead.")
    return thresholds.index(threshold)


def _values_of(
    courses: _Courses, at: dict[str, NDArray[Any]], name: str, layer: str, position: int
) -> dict[str, tuple[NDArray[Any], NDArray[np.float64]]]:
    """Places and values of each line: layers of the one model, or models at the one layer."""
    fields = {model: getattr(course, name) for model, course in courses.items()}
    if name == "sparsity":
        fields = {model: 100 * values[:, :, position] for model, values in fields.items()}
    layers_of = {model: list(course.layers) for model, course in courses.items()}
    if "" in courses:
        layers = layers_of[""]
        # One layer and all layers together are the same line.
        shown_layers = layers[:-1] if len(layers) == 2 else layers
        return {each: (at[""], fields[""][:, layers.index(each)]) for each in shown_layers}
    for model, layers in layers_of.items():
        if layer not in layers:
            raise ValueError(f"layer must be among {layers} of {model!r}. Got {layer!r}.")
    return {
        model: (at[model], fields[model][:, layers.index(layer)])
        for model, layers in layers_of.items()
    }
