"""What all Displays have in common: how they get their axes, and how both are described."""

import inspect
import re
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from sklearn_sifal._descriptions import entries_of
from sklearn_sifal.plotting._figures import AxesLike, make_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)


class Display:
    """Base class of the Displays.

    What is said here of parameters and attributes is filled into the docstrings of subclasses
    that have such parameters and say nothing else of them. So is what a class says of those of
    its constructor, and `from_estimator` of its own, for the methods below them.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
        One of sklearn_sifal's, or a pipeline that ends in one.
    X, y : None
        Not used; here for the convention.
    loss_label : str, default='loss (nats)'
        Name and unit of the losses.
    legend : bool, default=True
        Whether to draw a legend, to the right of the axes.
    styles : mapping of str to dict, default=None
        Styles by name, such as those of `strategy_styles` for a longer list, so that a strategy
        looks the same in several pictures. None is that of the names drawn.
    **kwargs : dict
        See `plot`.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure with the axes.
    """

    figure_: "Figure"
    ax_: "Axes"

    def __init_subclass__(cls, *, axes_per: str = "") -> None:
        """Complete the docstrings; `axes_per` says what has axes of its own, if several do."""
        # Subclasses of a Display, which may be a user's, speak for themselves; and python -OO.
        if Display not in cls.__bases__ or not cls.__doc__ or not Display.__doc__:
            return
        known = entries_of(Display.__doc__)
        kind, axes = "matplotlib Axes", "The axes that are drawn into."
        if axes_per:
            kind = "matplotlib Axes or sequence of them"
            axes = (
                "The first of the axes.\n"
                f"axes_ : ndarray of matplotlib Axes\n    One per {axes_per} that was drawn."
            )
        attributes = f"ax_ : matplotlib Axes\n    {axes}\n{known['figure_']}"
        cls.__doc__ = _completed(cls.__doc__, cls.__init__, known, "Attributes", attributes)
        where = f"One per {axes_per}." if axes_per else "Where to draw;"
        for name, member in vars(cls).items():
            method = getattr(member, "__func__", member)
            if name.startswith("_") or not inspect.isfunction(method) or not method.__doc__:
                continue
            is_plot = name == "plot"
            said = f"{where} None makes a figure." if is_plot else "See `plot`."
            known["ax"] = f"ax : {kind}, default=None\n    {said}"
            returned = f"{'self' if is_plot else 'display'} : {cls.__name__}"
            method.__doc__ = _completed(method.__doc__, method, known, "Returns", returned)

    def _make_axes(
        self,
        ax: AxesLike,
        n_axes: int = 1,
        *,
        size: tuple[float, float],
        n_columns: int | None = None,
    ) -> NDArray[Any]:
        """The axes to draw into; see `make_axes`."""
        caller = f"{type(self).__name__}.plot"
        self.figure_, axes = make_axes(caller, ax, n_axes, size=size, n_columns=n_columns)
        self.ax_ = axes[0]
        return axes


def _completed(
    docstring: str, function: Any, known: dict[str, str], heading: str, text: str
) -> str:
    """A docstring with all parameters of a function, and a section that begins with a text.

    What the docstring itself says of parameters is added to what is `known`.
    """
    known |= entries_of(docstring)
    begin, *rest = _HEADING.split(inspect.cleandoc(docstring))
    sections = dict(zip(rest[::2], rest[1::2], strict=True))
    found = [known[name] for name in inspect.signature(function).parameters if name in known]
    first = {
        "Parameters": "\n".join(dict.fromkeys(found)),  # one entry may be about several
        heading: f"{text}\n{sections.get(heading, '')}",
    }
    bodies = (first | sections | first).items()  # in this order, and with these bodies
    written = (f"{name}\n{'-' * len(name)}\n{body.strip()}" for name, body in bodies)
    return "\n\n".join([begin.strip(), *written])
