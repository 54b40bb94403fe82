"""InstanceGalleryDisplay: the instances themselves, with what is known of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._parameters import check_integer_value, reject_value
from sklearn_sifal.plotting._contents import as_texts, value_text
from sklearn_sifal.plotting._figures import make_axes
from sklearn_sifal.plotting._fitted_records import last_step, losses_of
from sklearn_sifal.plotting._images import as_images
from sklearn_sifal.plotting._style import BLACK, LIGHT_GREY, LOSS_COLOR, printable
from sklearn_sifal.plotting._text_layout import cut, text_measure, wrapped

if TYPE_CHECKING:
    from sklearn_sifal.inspection._instances import InstanceTable

_ORDERS = ("hardest", "easiest", "most_visited")
_TEXT_SIZE = 9.0
_TITLE_SIZE = 8.0
_SMALLEST_SIZE = 4.0
_LINE = 1.35  # height of a line by the font size
_LINE_SPACING = 1.3  # what matplotlib calls it, for DejaVu Sans
_DARK_GREY = "#555555"
_WIDTH = 9.0  # of a figure with texts, in inches
_CELL = 1.35  # width of an image, in inches


class InstanceGalleryDisplay:
    """Single instances to look at: a list of texts, or a grid of images.

    Each comes with its row number and, as far as the table has them, label, prediction,
    loss and visits. A prediction other than the label is marked by a cross and in colour.

    Parameters
    ----------
    instances : InstanceTable
        Rows in the order in which they are shown, with their contents.
    kind : {'text', 'image'}, default=None
        What the contents are; None is images if there is an `image_shape`, else texts.
    image_shape : tuple of int, default=None
        Shape of an image: (height, width), (height, width, channels) or
        (channels, height, width), with one, three or four channels. None takes contents that
        have such a shape themselves.
    loss_label : str, default='loss (nats)'
        Name and unit of the losses.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with all instances.
    figure_ : matplotlib Figure
        The figure with the axes.
    texts_ : list of matplotlib Text
        Contents of the texts, or titles of the images.
    images_ : list of matplotlib AxesImage
        The images; empty for texts.

    See Also
    --------
    LossDecileDisplay : Labels of all rows by their loss.

    Examples
    --------
    >>> from sklearn_sifal.plotting import InstanceGalleryDisplay
    >>> display = InstanceGalleryDisplay.from_arrays(
    ...     ["card not here", "top up failed", "what"], [0.1, 2.5, 4.0], n_instances=2
    ... )
    >>> [text.get_text() for text in display.texts_]
    ['what', 'top up failed']
    """

    def __init__(
        self,
        instances: "InstanceTable",
        *,
        kind: str | None = None,
        image_shape: Sequence[int] | None = None,
        loss_label: str = "loss (nats)",
    ) -> None:
        self.instances = instances
        self.kind = kind
        self.image_shape = image_shape
        self.loss_label = loss_label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        contents: Any = None,
        order: str = "hardest",
        n_instances: int = 10,
        is_training: bool = False,
        kind: str | None = None,
        image_shape: Sequence[int] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the hardest, easiest or most visited instances of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            One of sklearn_sifal's, or a pipeline that ends in one.
        X : array-like, default=None
            Rows as the pipeline takes them: they get fresh losses and predictions. None
            for the training rows with their last known losses.
        y : array-like, default=None
            Labels of the rows; needed with `X`.
        contents : sequence of str, or array-like, default=None
            What is shown of the rows; None is `X` itself.
        order : {'hardest', 'easiest', 'most_visited'}, default='hardest'
            Which instances; 'most_visited' is about training rows.
        n_instances : int, default=10
            How many.
        is_training : bool, default=False
            Whether `X` are the rows that `fit` was given, in their order, so that their
            visits are known.
        kind : {'text', 'image'}, default=None
            See the class.
        image_shape : tuple of int, default=None
            See the class.
        ax : matplotlib Axes, default=None
            See `plot`.
        **kwargs : dict
            See `plot`.

        Returns
        -------
        display : InstanceGalleryDisplay

        Raises
        ------
        ValueError
            If neither `X` nor `contents` is given, or 'most_visited' is asked for other
            rows than those of the training.
        """
        net = last_step(estimator)
        if X is None and contents is None:
            raise ValueError("contents must be given without X: there is nothing to show.")
        visits = np.asarray(net.visit_counts_) if X is None or is_training else None
        # A regressor's predictions are hardly ever equal to the targets.
        is_classifier = hasattr(net, "classes_")
        instances = _choose(
            order,
            n_instances,
            losses_of(estimator, X, y),
            visits,
            y=y,
            y_pred=None if X is None else estimator.predict(X),
            contents=X if contents is None else contents,
        )
        loss_label = "loss (nats)" if is_classifier else "loss"
        display = cls(instances, kind=kind, image_shape=image_shape, loss_label=loss_label)
        return display.plot(ax, **kwargs)

    @classmethod
    def from_arrays(
        cls,
        contents: Any,
        losses: ArrayLike,
        *,
        y: ArrayLike | None = None,
        y_pred: ArrayLike | None = None,
        visits: ArrayLike | None = None,
        order: str = "hardest",
        n_instances: int = 10,
        kind: str | None = None,
        image_shape: Sequence[int] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw instances with losses of any origin.

        Parameters
        ----------
        contents : sequence of str, or array-like of shape (n_samples, ...)
            Texts or images.
        losses : array-like of shape (n_samples,)
            Their losses.
        y : array-like of shape (n_samples,), default=None
            Labels.
        y_pred : array-like of shape (n_samples,), default=None
            Predicted labels.
        visits : array-like of shape (n_samples,), default=None
            Visits; needed for the order 'most_visited'.
        order : {'hardest', 'easiest', 'most_visited'}, default='hardest'
            Which instances.
        n_instances : int, default=10
            How many.
        kind : {'text', 'image'}, default=None
            See the class.
        image_shape : tuple of int, default=None
            See the class.
        ax : matplotlib Axes, default=None
            See `plot`.
        **kwargs : dict
            See `plot`.

        Returns
        -------
        display : InstanceGalleryDisplay
        """
        instances = _choose(
            order, n_instances, losses, visits, y=y, y_pred=y_pred, contents=contents
        )
        return cls(instances, kind=kind, image_shape=image_shape).plot(ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        n_columns: int | None = None,
        max_lines: int = 4,
        **kwargs: Any,
    ) -> Self:
        """Draw the instances.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; the font gets smaller where there is little room. None makes a
            figure of the size that the instances need.
        n_columns : int, default=None
            Images beside each other; None is at most five.
        max_lines : int, default=4
            Most lines of a text; what is longer ends in an ellipsis.
        **kwargs : dict
            Passed to :meth:`matplotlib.axes.Axes.imshow` for images, to
            :meth:`matplotlib.axes.Axes.text` for texts.

        Returns
        -------
        self : InstanceGalleryDisplay

        Raises
        ------
        ValueError
            If there are no contents, or they are no images of `image_shape`.
        """
        check_integer_value("InstanceGalleryDisplay.plot", "n_columns", n_columns, 1, none=True)
        check_integer_value("InstanceGalleryDisplay.plot", "max_lines", max_lines, 1)
        kind = self._checked_kind()
        if self.instances.contents is None or not len(self.instances.rows):
            raise ValueError("instances must have contents and at least one row.")
        self.texts_: list[Any] = []
        self.images_: list[Any] = []
        if kind == "image":
            self._plot_images(ax, n_columns, kwargs)
        else:
            self._plot_texts(ax, max_lines, kwargs)
        return self

    def _checked_kind(self) -> str:
        if self.kind is None:
            return "text" if self.image_shape is None else "image"
        if self.kind not in ("text", "image"):
            expected = "one of {'image', 'text'} or None"
            reject_value("InstanceGalleryDisplay", "kind", expected, self.kind)
        return self.kind

    # ------------------------------------------------------------------ texts

    def _plot_texts(self, ax: Any, max_lines: int, kwargs: dict[str, Any]) -> None:
        cells = self._cells()
        if ax is None:
            size, width = _TEXT_SIZE, 72 * (_WIDTH - 0.25)
            rows, lefts = self._laid_out(cells, size, width, max_lines)
            height = _LINE * size * _n_lines(rows)
            figure_size = (_WIDTH, height / 72 + 0.2)
            self.figure_, (self.ax_,) = make_axes(
                "InstanceGalleryDisplay.plot", None, size=figure_size
            )
        else:
            self.figure_, (self.ax_,) = make_axes("InstanceGalleryDisplay.plot", ax, size=(1, 1))
            width, room = self._points()
            size = _TEXT_SIZE
            while True:  # a smaller font needs fewer lines, so the size is tried out
                rows, lefts = self._laid_out(cells, size, width, max_lines)
                height = _LINE * size * _n_lines(rows)
                # Names are better small than broken.
                short = ("label", "predicted")
                crowded = size > 0.7 * _TEXT_SIZE and any(
                    len(row[name]) > 1 for row in rows for name in short if name in row
                )
                if (height <= room and not crowded) or size <= _SMALLEST_SIZE:
                    break
                size = max(_SMALLEST_SIZE, 0.93 * size)
            height = max(height, room)
        self.ax_.set_axis_off()
        self._write(rows, [left / width for left in lefts], size, _LINE * size / height, kwargs)

    def _points(self) -> tuple[float, float]:
        """Width and height of the given axes in points, after the figure's layout."""
        if self.figure_.get_layout_engine() is not None:
            self.figure_.draw_without_rendering()
        box = self.ax_.get_window_extent()
        points = 72 / self.figure_.dpi
        return box.width * points, box.height * points

    def _cells(self) -> dict[str, list[str]]:
        """What the columns say, by heading."""
        table = self.instances
        cells = {"row": [printable(row) for row in table.rows]}
        cells["text"] = as_texts(table.contents)
        if table.labels is not None:
            cells["label"] = [value_text(label) for label in table.labels]
        if table.predictions is not None:
            wrong = self._is_wrong()
            names = [value_text(label) for label in table.predictions]
            cells["predicted"] = [
                f"✗\xa0{name}" if bad else name for name, bad in zip(names, wrong, strict=True)
            ]
        if table.losses is not None:
            cells[self.loss_label] = [_loss_text(loss) for loss in table.losses]
        if table.visits is not None:
            cells["visits"] = [str(int(visits)) for visits in table.visits]
        return cells

    def _titles(self) -> dict[str, str]:
        """Headings of columns that are not called what they are by default."""
        first = next(iter(self.instances.contents), None) if self._are_listed() else None
        titles = {} if isinstance(first, str) else {"text": "values"}
        return titles if self.loss_label == "loss (nats)" else {**titles, "label": "target"}

    def _are_listed(self) -> bool:
        """Whether the contents are rows by themselves, rather than those of a matrix."""
        return getattr(self.instances.contents, "ndim", 1) == 1

    def _is_wrong(self) -> NDArray[np.bool_]:
        table = self.instances
        if table.predictions is None or table.labels is None or self.loss_label != "loss (nats)":
            return np.zeros(len(table.rows), dtype=bool)
        wrong: NDArray[np.bool_] = np.asarray(table.predictions) != np.asarray(table.labels)
        return wrong

    def _laid_out(
        self, cells: dict[str, list[str]], size: float, width: float, max_lines: int
    ) -> tuple[list[dict[str, list[str]]], list[float]]:
        """Lines of each cell, the headings first, and the columns' left edges in points."""
        measure = text_measure(size)
        gap = 1.2 * size
        widths: dict[str, float] = {}
        for heading, column in cells.items():
            needed = max(measure(cell) for cell in [heading, *column]) if heading != "text" else 0
            widths[heading] = min(needed, 0.19 * width)
        widths["text"] = width - sum(widths.values()) - gap * (len(cells) - 1)
        lefts = np.concatenate([[0], np.cumsum([w + gap for w in widths.values()])])[:-1].tolist()
        titles = self._titles()
        rows = [{heading: [titles.get(heading, heading)] for heading in cells}]
        rows += [
            {
                heading: wrapped(cell, widths[heading], measure, max_lines)
                for heading, cell in zip(cells, row, strict=True)
            }
            for row in zip(*cells.values(), strict=True)
        ]
        return rows, lefts

    def _write(
        self,
        rows: list[dict[str, list[str]]],
        lefts: list[float],
        size: float,
        line: float,
        kwargs: dict[str, Any],
    ) -> None:
        """Put the laid out rows into the axes; `line` is a line's share of their height."""
        wrong = [False, *self._is_wrong()]
        y = 1.0
        for number, row in enumerate(rows):
            # "top" is that of the tallest letter, so words of one line go by their baseline.
            n_lines = max(map(len, row.values()))
            va, at = ("baseline", y - 0.85 * line) if n_lines == 1 else ("top", y)
            for left, (heading, lines) in zip(lefts, row.items(), strict=True):
                style = {"fontsize": size, "linespacing": _LINE_SPACING, "va": va, "ha": "left"}
                style["color"] = _DARK_GREY if number == 0 else BLACK
                if heading == "predicted" and wrong[number]:
                    style["color"] = LOSS_COLOR
                if heading == "text" and number:
                    style.update(kwargs)
                text = self.ax_.text(
                    left,
                    at,
                    "\n".join(lines),
                    transform=self.ax_.transAxes,
                    parse_math=False,  # a price is no formula
                    **style,
                )
                if heading == "text" and number:
                    self.texts_.append(text)
            y -= line * (n_lines + 0.25)
            self.ax_.plot(
                [0, 1],
                [y + 0.12 * line] * 2,
                transform=self.ax_.transAxes,
                color=LIGHT_GREY if number else BLACK,
                linewidth=0.6,
            )
            y -= 0.1 * line

    # ------------------------------------------------------------------ images

    def _plot_images(self, ax: Any, n_columns: int | None, kwargs: dict[str, Any]) -> None:
        images = as_images(self.instances.contents, self.image_shape)
        columns = min(len(images), n_columns or 5)
        rows = -(-len(images) // columns)
        aspect = images.shape[1] / images.shape[2]
        n_lines = 1 + sum(
            part is not None for part in (self.instances.labels, self.instances.predictions)
        )
        pitch, size = 1.12, _TITLE_SIZE  # a cell with its gap, in widths of an image
        if ax is None:
            cell = 72 * _CELL
            title = (n_lines + 0.6) * _LINE * size / cell
            height = rows * (aspect + title) * _CELL
            self.figure_, (self.ax_,) = make_axes(
                "InstanceGalleryDisplay.plot",
                None,
                size=(columns * pitch * _CELL + 0.1, height + 0.1),
            )
        else:
            self.figure_, (self.ax_,) = make_axes("InstanceGalleryDisplay.plot", ax, size=(1, 1))
            width, room = self._points()
            # Smaller images until the titles, at a size that goes with them, fit as well.
            cell = width / (columns * pitch)
            while True:
                size = min(_TITLE_SIZE, max(_SMALLEST_SIZE, _TITLE_SIZE * cell / (72 * _CELL)))
                title = (n_lines + 0.6) * _LINE * size / cell
                if rows * (aspect + title) * cell <= room or cell < 10:
                    break
                cell *= 0.95
        self._place(images, columns, pitch, aspect + title, kwargs)
        measure = text_measure(size)
        for number, (x, y) in enumerate(self._corners(len(images), columns, pitch, aspect + title)):
            self._entitle(number, x, y, cell, size, measure)
        self.ax_.set(
            xlim=(-0.01, columns * pitch), ylim=(-rows * (aspect + title) - 0.02, 0), aspect="equal"
        )
        self.ax_.set_axis_off()

    @staticmethod
    def _corners(n: int, columns: int, pitch: float, height: float) -> list[tuple[float, float]]:
        """Upper left corners of the cells; the axes go down from 0."""
        return [((k % columns) * pitch, -(k // columns) * height) for k in range(n)]

    def _place(
        self,
        images: NDArray[Any],
        columns: int,
        pitch: float,
        height: float,
        kwargs: dict[str, Any],
    ) -> None:
        aspect = images.shape[1] / images.shape[2]
        settings: dict[str, Any] = {"interpolation": "nearest"}
        if images.ndim == 3:  # one grey scale for all of them
            settings |= {"cmap": "gray_r", "vmin": images.min(), "vmax": images.max()}
        for image, (x, y) in zip(
            images, self._corners(len(images), columns, pitch, height), strict=True
        ):
            bottom = y - height
            extent = (x, x + 1, bottom, bottom + aspect)
            self.images_.append(self.ax_.imshow(image, extent=extent, **{**settings, **kwargs}))
            self.ax_.plot(
                [x, x + 1, x + 1, x, x],
                [bottom, bottom, bottom + aspect, bottom + aspect, bottom],
                color=LIGHT_GREY,
                linewidth=0.6,
            )

    def _entitle(
        self, number: int, x: float, y: float, cell: float, size: float, measure: Any
    ) -> None:
        """Write what is known of an image above it."""
        table = self.instances
        lines: list[tuple[str, str]] = []
        if table.labels is not None:
            lines.append((value_text(table.labels[number]), BLACK))
        if table.predictions is not None:
            wrong = self._is_wrong()[number]
            mark = "✗" if wrong else "→"
            name = value_text(table.predictions[number])
            lines.append((f"{mark} {name}", LOSS_COLOR if wrong else _DARK_GREY))
        facts = []
        if table.losses is not None:
            facts.append(f"loss {_loss_text(table.losses[number])}")
        if table.visits is not None:
            facts.append(f"{int(table.visits[number])}×")
        lines.append((", ".join(facts) or f"row {table.rows[number]}", _DARK_GREY))
        step = _LINE * size / cell
        for position, (line, color) in enumerate(lines):
            self.texts_.append(
                self.ax_.text(
                    x,
                    y - (position + 0.4) * step,
                    cut(line, cell * 1.08, measure),
                    fontsize=size,
                    color=color,
                    va="top",
                    ha="left",
                    parse_math=False,
                )
            )


def _loss_text(loss: float) -> str:
    return f"{loss:.2f}" if abs(loss) < 1000 else f"{loss:,.0f}"


def _n_lines(rows: list[dict[str, list[str]]]) -> float:
    """Height of laid out rows in lines, with the space between them."""
    return sum(max(map(len, row.values())) + 0.35 for row in rows)


def _choose(
    order: str, n_instances: int, losses: Any, visits: Any, **columns: Any
) -> "InstanceTable":
    from sklearn_sifal.inspection._instances import (
        easiest_instances,
        hardest_instances,
        most_visited_instances,
    )

    if order not in _ORDERS:
        reject_value("InstanceGalleryDisplay", "order", f"one of {list(_ORDERS)}", order)
    if order == "most_visited":
        if visits is None:
            raise ValueError("order='most_visited' needs the visits of the training rows.")
        return most_visited_instances(visits, n_instances, losses=losses, **columns)
    choose = hardest_instances if order == "hardest" else easiest_instances
    return choose(losses, n_instances, visits=visits, **columns)
