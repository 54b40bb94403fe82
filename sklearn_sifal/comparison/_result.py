"""What a comparison found: figures of every training, tables, words and a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn_sifal.comparison._tables import ComparisonTables
from sklearn_sifal.inspection._tabular import make_frame


@dataclass(eq=False, repr=False)
class StrategyComparison(ComparisonTables):
    """Result of :func:`compare_strategies`.

    It holds figures, and predictions for the test rows, neither data nor models, and can be
    pickled.

    Attributes
    ----------
    runs : list of dict
        One a training: 'strategy', 'seed', 'split' (0 with a test part), 'budget', 'lr' (None for
        the estimator's own),
        the figures of the test part, 'visits', 'scored' (rows scored without training),
        'steps', 'rounds', 'seconds' (of the fit) and of these 'seconds_select',
        'seconds_score', 'seconds_train'; 'error', the message if a loss was infinite or NaN,
        else None. Figures of a classifier are 'accuracy', 'balanced_accuracy', 'precision',
        'recall' and 'f1' (means over the labels of the test part) as shares, and 'nll' in
        nats; of a regressor 'r2', 'mse' and 'mae'.
    rounds : list of dict
        Test figures on the way of the first seed's trainings at the largest budget:
        'strategy', 'round', 'visits' (up to there) and the figures. Half-finished nets, with
        a learning rate that has not fallen yet: not what a training with so few visits gives.
    strategies : tuple of str
        Names, base and random first.
    budgets : tuple of float
        Ascending.
    seeds : tuple of int
        `random_state` of the trainings, those of the first split first.
    metrics : tuple of Metric
        The figures and how they are shown; the first is the main one.
    parameters : dict of str to dict
        Estimator parameters that each strategy stands for, as text.
    rate_search : list of dict
        Trainings on validation splits, by which rates were chosen; empty if they were not.
    labels : ndarray of shape (n_classes,) or None
        Labels; None for a regressor.
    settings : dict
        How it was done: sizes of the data, versions and the like.
    """

    def to_frame(self, *, per: str = "fit") -> Any:
        """The trainings, or their results for every test row, as a pandas DataFrame.

        Parameters
        ----------
        per : {'fit', 'row'}, default='fit'
            What a row of the frame is: a training, or a training and a test row.

        Returns
        -------
        frame : pandas.DataFrame
            For 'fit' the keys of `runs` as columns. For 'row' the columns 'strategy', 'budget',
            'split', 'seed', 'row' (its number in `X_test`, or in `X_train` with splits), 'group'
            if there are groups, 'y', 'predicted' and 'loss' (as the estimator is trained with,
            in nats for labels). With :func:`paired_difference`, every verdict can be computed
            from it again. Trainings that broke down are left out.

        Raises
        ------
        ImportError
            Without pandas.
        ValueError
            If `per` is something else.
        """
        if per == "fit":
            return make_frame(self.runs, " Without it, `runs` has the same as a list of dicts.")
        if per != "row":
            raise ValueError(f"per must be 'fit' or 'row'. Got {per!r}.")
        return make_frame(self._results.columns(self.seeds, self.labels))

    def plot(self, ax: Any = None, *, metric: str | None = None, **kwargs: Any) -> Any:
        """Draw a figure of the test part against visits and against seconds.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            One against visits, two for seconds as well. None makes a figure.
        metric : str, default=None
            Which figure; None for the first of `metrics`.
        **kwargs : dict
            Passed to :meth:`sklearn_sifal.plotting.LossCurveDisplay.plot`.

        Returns
        -------
        display : LossCurveDisplay
            Each point is trainings of its own, a mean over the seeds; bands are their range.

        Raises
        ------
        ImportError
            Without matplotlib, which the extra ``plot`` brings.
        """
        from sklearn_sifal.plotting._loss_curve import LossCurveDisplay
        from sklearn_sifal.plotting._style import strategy_styles

        kwargs.setdefault("styles", strategy_styles(self.strategies))
        name = self._metric(metric).name
        runs = [run for run in self.runs if run["error"] is None]
        return LossCurveDisplay.from_runs(runs, metric=name, ax=ax, **kwargs)

    def to_json(self, path: Any) -> None:
        """Write the verdict, the summary and all trainings as JSON.

        It is what ``sifal compare --out NAME.json`` writes, and what `read_comparison` and
        `rank_strategies` read.

        Parameters
        ----------
        path : str, bytes or path-like
            The file. An existing one is replaced once the new one is complete, as by `to_html`.

        Raises
        ------
        ValueError
            If the name of a strategy is empty, longer than 200 characters or not printable.
        OSError
            If the file cannot be written, or if `path` leads to anything else than a regular
            file.
        """
        from sklearn_sifal._whole_files import replacing_text
        from sklearn_sifal.comparison._saved_comparisons import comparison_as_json

        text = comparison_as_json(self)
        with replacing_text(path) as file:
            file.write(text)

    def to_html(
        self,
        path: Any,
        *,
        title: str | None = None,
        contents: Any = None,
        image_shape: Sequence[int] | None = None,
    ) -> None:
        """Write a page that needs nothing but a browser.

        It begins with the verdict in words, and goes on with a table, curves, classes, loss
        deciles, weights, the hardest training rows, and how it was done.

        Parameters
        ----------
        path : str, bytes or path-like
            The file. An existing one is replaced once the new one is complete, and hands on
            its mode; of a link, the file that it leads to.
        title : str, default=None
            Heading of the page.
        contents : sequence with an entry for each row of `X_train`, default=None
            What the rows are, to show the hardest: texts, a data frame, images. None
            for what `compare_strategies` was given, as far as it can be shown.
        image_shape : sequence of int, default=None
            Height and width (and channels) of the rows if they are images. It is not guessed
            from the number of columns, which tables can have as well.

        Raises
        ------
        ImportError
            Without matplotlib, which the extra ``plot`` brings.
        ValueError
            If `contents` has another length, or does not fit `image_shape`.
        OSError
            If the file cannot be written, or if `path` leads to a folder, a pipe, a device or
            anything else that is no regular file.
        """
        from sklearn_sifal.comparison._page import write_page

        write_page(self, path, title=title, contents=contents, image_shape=image_shape)
