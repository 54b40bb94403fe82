"""InstanceGalleryDisplay: the instances themselves, with what is known of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_sifal._parameters import check_choice, check_integer_value
from sklearn_sifal.inspection._instances import InstanceTable, ranked_instances
from sklearn_sifal.plotting._display import Display
from sklearn_sifal.plotting._figures import AxesLike
from sklearn_sifal.plotting._fitted_estimators import (
    LOSS_OF_LABELS,
    Predictor,
    last_step,
    loss_name,
    losses_of,
)
from sklearn_sifal.plotting._image_grid import draw_image_grid
from sklearn_sifal.plotting._images import as_images
from sklearn_sifal.plotting._row_texts import as_texts, holds_strings, value_text
from sklearn_sifal.plotting._style import BLACK, DARK_GREY, LOSS_COLOR, printable
from sklearn_sifal.plotting._text_list import Column, draw_text_list

if TYPE_CHECKING:
    from matplotlib.image import AxesImage
    from matplotlib.text import Text


class InstanceGalleryDisplay(Display):
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

    Attributes
    ----------
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
        instances: InstanceTable,
        *,
        kind: str | None = None,
        image_shape: Sequence[int] | None = None,
        loss_label: str = LOSS_OF_LABELS,
    ) -> None:
        self.instances = instances
        self.kind = kind
        self.image_shape = image_shape
        self.loss_label = loss_label

    @classmethod
    def from_estimator(
        cls,
        estimator: Predictor,
        X: Any = None,
        y: Any = None,
        *,
        contents: Any = None,
        order: str = "hardest",
        n_instances: int = 10,
        is_training: bool = False,
        kind: str | None = None,
        image_shape: Sequence[int] | None = None,
        ax: AxesLike = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the hardest, easiest or most visited instances of a fitted estimator.

        Parameters
        ----------
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
        instances = ranked_instances(
            losses_of(estimator, X, y),
            n_instances,
            order=order,
            visits=visits,
            y=y,
            y_pred=None if X is None else estimator.predict(X),
            contents=X if contents is None else contents,
        )
        label = loss_name(estimator)
        display = cls(instances, kind=kind, image_shape=image_shape, loss_label=label)
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
        ax: AxesLike = None,
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
        """
        instances = ranked_instances(
            losses,
            n_instances,
            order=order,
            visits=visits,
            y=y,
            y_pred=y_pred,
            contents=contents,
        )
        return cls(instances, kind=kind, image_shape=image_shape).plot(ax, **kwargs)

    def plot(
        self,
        ax: AxesLike = None,
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

        Raises
        ------
        ValueError
            If there are no contents, or they are no images of `image_shape`.
        """
        check_integer_value("InstanceGalleryDisplay.plot", "n_columns", n_columns, 1, none=True)
        check_integer_value("InstanceGalleryDisplay.plot", "max_lines", max_lines, 1)
        check_choice(self, "kind", ("text", "image"), none=True)
        if self.instances.contents is None or not len(self.instances.rows):
            raise ValueError("instances must have contents and at least one row.")
        caller = "InstanceGalleryDisplay.plot"
        self.texts_: list[Text]
        self.images_: list[AxesImage] = []
        if self.kind == "image" or (self.kind is None and self.image_shape is not None):
            images = as_images(self.instances.contents, self.image_shape)
            titles = [self._title(number) for number in range(len(images))]
            self.figure_, self.ax_, self.texts_, self.images_ = draw_image_grid(
                caller, ax, images, titles, n_columns, kwargs
            )
        else:
            self.figure_, self.ax_, self.texts_ = draw_text_list(
                caller, ax, self._columns(), max_lines, kwargs
            )
        return self

    def _is_wrong(self) -> NDArray[np.bool_]:
        """Which predictions are no class that was given: those of a number are hardly ever it."""
        table = self.instances
        if table.predictions is None or table.labels is None or self.loss_label != LOSS_OF_LABELS:
            return np.zeros(len(table.rows), dtype=bool)
        return np.asarray(table.predictions != table.labels)

    def _columns(self) -> list[Column]:
        """Columns of the list of texts."""
        table = self.instances
        heading = "text" if holds_strings(table.contents) else "values"
        columns = [
            Column("row", [printable(row) for row in table.rows]),
            Column(heading, as_texts(table.contents), is_text=True),
        ]
        if table.labels is not None:
            name = "label" if self.loss_label == LOSS_OF_LABELS else "target"
            columns.append(Column(name, [value_text(label) for label in table.labels]))
        if table.predictions is not None:
            wrong = self._is_wrong()
            pairs = zip(table.predictions, wrong, strict=True)
            names = [f"✗\xa0{value_text(p)}" if bad else value_text(p) for p, bad in pairs]
            colors = {int(row): LOSS_COLOR for row in np.flatnonzero(wrong)}
            columns.append(Column("predicted", names, colors=colors))
        if table.losses is not None:
            columns.append(Column(self.loss_label, [_loss_text(loss) for loss in table.losses]))
        if table.visits is not None:
            columns.append(Column("visits", [str(int(visits)) for visits in table.visits]))
        return columns

    def _title(self, number: int) -> list[tuple[str, str]]:
        """Lines above an image, with their colours."""
        table = self.instances
        lines: list[tuple[str, str]] = []
        if table.labels is not None:
            lines.append((value_text(table.labels[number]), BLACK))
        if table.predictions is not None:
            name = value_text(table.predictions[number])
            wrong = self._is_wrong()[number]
            lines.append((f"✗ {name}", LOSS_COLOR) if wrong else (f"→ {name}", DARK_GREY))
        facts = []
        if table.losses is not None:
            facts.append(f"loss {_loss_text(table.losses[number])}")
        if table.visits is not None:
            facts.append(f"{int(table.visits[number])}×")
        lines.append((", ".join(facts) or f"row {table.rows[number]}", DARK_GREY))
        return lines


def _loss_text(loss: float) -> str:
    return f"{loss:.2f}" if abs(loss) < 1000 else f"{loss:,.0f}"
