"""WeightTrajectoryDisplay: norms, sparsity and divergences of the weights over the rounds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal.plotting._figures import (
    add_grid,
    add_legend,
    integer_ticks,
    make_axes,
    panels_to_draw,
)
from sklearn_sifal.plotting._fitted_records import last_step, recorded
from sklearn_sifal.plotting._style import marker_step, shown, styles_of

if TYPE_CHECKING:
    from sklearn_sifal.inspection._weights import WeightTrajectory

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
_DEFAULT = ("l2_norm", "sparsity", "kl_from_initial")


class WeightTrajectoryDisplay:
    """What became of the weights, round by round: one line per layer, or one per model.

    Parameters
    ----------
    trajectories : WeightTrajectory, or mapping of str to WeightTrajectory
        Of one model, or of several by name.
    visits : array-like of shape (n_rounds,), or mapping of str to such, default=None
        Row visits spent until the end of each round. With them the horizontal axis has
        visits, at which strategies can be compared; without them rounds.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first of the axes.
    axes_ : ndarray of matplotlib Axes
        One per panel that was drawn.
    figure_ : matplotlib Figure
        The figure with the axes.
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
        trajectories: "WeightTrajectory | Mapping[str, WeightTrajectory]",
        *,
        visits: ArrayLike | Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self.trajectories = trajectories
        self.visits = visits

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        reference: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the weights of one or several fits.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline, or mapping of str to such
            Fitted with ``record='history'``; several by name.
        X, y : None
            Not used; here for the convention.
        reference : fitted estimator or Pipeline, or mapping of str to array, default=None
            Another model, or its weights, for the panel 'kl_from_reference'.
        ax : matplotlib Axes or sequence of them, default=None
            See `plot`.
        **kwargs : dict
            See `plot`.

        Returns
        -------
        display : WeightTrajectoryDisplay

        Raises
        ------
        ValueError
            If an estimator was not fitted with ``record='history'``.
        """
        from sklearn_sifal.inspection._weights import weight_trajectory

        if reference is not None and not isinstance(reference, Mapping):
            reference = last_step(reference).weights_
        several = isinstance(estimator, Mapping)
        by_name = dict(estimator) if several else {"": estimator}
        trajectories = {
            str(name): weight_trajectory(
                recorded(each, "weight_history_"),
                initial=last_step(each).initial_weights_,
                reference=reference,
            )
            for name, each in by_name.items()
        }
        visits = {
            str(name): np.cumsum([record["visits"] for record in last_step(each).history_])
            for name, each in by_name.items()
        }
        if several:
            return cls(trajectories, visits=visits).plot(ax, **kwargs)
        return cls(trajectories[""], visits=visits[""]).plot(ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
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
        ax : matplotlib Axes or sequence of them, default=None
            One per panel. None makes a figure.
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
        styles : mapping of str to dict, default=None
            Styles by name, such as those of `strategy_styles` for a longer list, so that a strategy
            looks the same in several pictures. None is that of the names drawn.
        **kwargs : dict
            Passed to the lines (:meth:`matplotlib.axes.Axes.plot`).

        Returns
        -------
        self : WeightTrajectoryDisplay

        Raises
        ------
        ValueError
            If a panel, layer or threshold does not exist, or there is another number of axes.
        """
        trajectories: dict[str, Any] = (
            dict(self.trajectories)
            if isinstance(self.trajectories, Mapping)
            else {"": self.trajectories}
        )
        if not trajectories:
            raise ValueError("trajectories must have at least one model. Got none.")
        first = next(iter(trajectories.values()))
        known = tuple(name for name in _NAMES if not np.isnan(getattr(first, name)).all())
        wanted = (*_DEFAULT, "kl_from_reference")
        default = tuple(name for name in wanted if name in known)
        names = panels_to_draw("WeightTrajectoryDisplay.plot", panels, known, default, ax)
        columns = 2 if len(names) == 4 else min(3, len(names))
        rows = -(-len(names) // columns)
        self.figure_, self.axes_ = make_axes(
            "WeightTrajectoryDisplay.plot",
            ax,
            len(names),
            size=(1.6 + 3.3 * columns, 0.4 + 2.9 * rows),
            n_columns=columns,
        )
        self.ax_ = self.axes_[0]
        self.lines_: list[dict[str, Any]] = []
        position = _position(first.thresholds, threshold)
        for name, axes in zip(names, self.axes_, strict=True):
            lines = _values_of(trajectories, self._at(trajectories), name, layer, position)
            self._draw(axes, lines, styles, kwargs)
            label = _NAMES[name].format(threshold=first.thresholds[position])
            axes.set(xlabel="round" if self.visits is None else "row visits", ylabel=label)
            integer_ticks(axes)
            if name == "sparsity":  # a share: never below 0, and all 0 is no line in mid-air
                axes.set_ylim(0, max(1.0, axes.get_ylim()[1]))
            if self.visits is not None:
                axes.set_xlim(left=0)
                axes.locator_params(axis="x", nbins=5)
            add_grid(axes, "both")
        if legend:
            drawn = self.lines_[min(columns, len(names)) - 1]
            names_shown = [shown(name) for name in drawn]
            add_legend(self.axes_[min(columns, len(names)) - 1], drawn.values(), names_shown)
        return self

    def _at(self, trajectories: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """Where the rounds of each model lie on the horizontal axis."""
        if self.visits is None:
            return {model: trajectory.rounds for model, trajectory in trajectories.items()}
        given = self.visits if isinstance(self.visits, Mapping) else {"": self.visits}
        missing = [model for model in trajectories if model not in given]
        if missing:
            raise ValueError(f"visits must have those of every model. Got none of {missing}.")
        visits = {model: np.asarray(given[model]) for model in trajectories}
        for model, trajectory in trajectories.items():
            if visits[model].shape != trajectory.rounds.shape:
                raise ValueError(
                    f"visits must have one number per round, shape {trajectory.rounds.shape}. "
                    f"Got shape {visits[model].shape}."
                )
        return visits

    def _draw(
        self,
        axes: Any,
        lines: dict[str, tuple[Any, Any]],
        styles: Mapping[str, Mapping[str, Any]] | None,
        kwargs: dict[str, Any],
    ) -> None:
        looks = styles_of(lines, styles, axes)
        drawn = {}
        for name, (rounds, values) in lines.items():
            style = {**looks[name], "markersize": 4.0, "linewidth": 1.5}
            style = {**style, "markevery": marker_step(len(values)), **kwargs}
            (drawn[name],) = axes.plot(rounds, values, label=shown(name), **style)
        self.lines_.append(drawn)


def _position(thresholds: tuple[float, ...], threshold: float | None) -> int:
    if threshold is None:
        return len(thresholds) // 2
    if threshold not in thresholds:
        raise ValueError(f"threshold must be among {list(thresholds)}. Got {threshold!r} instead.")
    return thresholds.index(threshold)


def _values_of(
    trajectories: dict[str, Any],
    at: dict[str, NDArray[Any]],
    name: str,
    layer: str,
    position: int,
) -> dict[str, tuple[Any, Any]]:
    """Places and values of each line: layers of the one model, or models at the one layer."""
    if "" not in trajectories:
        for model, trajectory in trajectories.items():
            if layer not in trajectory.layers:
                raise ValueError(
                    f"layer must be among {list(trajectory.layers)} of {model!r}. Got {layer!r}."
                )
        return {
            model: (at[model], _field(trajectory, name, position)[:, number])
            for model, trajectory in trajectories.items()
            for number in [trajectory.layers.index(layer)]
        }
    (trajectory,) = trajectories.values()
    values = _field(trajectory, name, position)
    layers = list(trajectory.layers)
    # One layer and all layers together are the same line.
    shown_layers = [each for each in layers if each != "all"] if len(layers) == 2 else layers
    return {each: (at[""], values[:, layers.index(each)]) for each in shown_layers}


def _field(trajectory: Any, name: str, position: int) -> NDArray[np.float64]:
    values = np.asarray(getattr(trajectory, name))
    return 100 * values[:, :, position] if name == "sparsity" else values
