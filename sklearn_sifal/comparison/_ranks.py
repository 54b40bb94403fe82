"""Strategies ranked over many data sets: the function, and what it finds."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._parameters import reject_value
from sklearn_sifal._text_table import text_table
from sklearn_sifal.comparison._candidates import YARDSTICK
from sklearn_sifal.comparison._rank_scores import ScoreTable, score_table
from sklearn_sifal.comparison._rank_tests import (
    FriedmanTest,
    friedman_test,
    gains_over,
    groups_of,
    needed_data_sets,
    nemenyi_difference,
    p_values_of_pairs,
    rank_rows,
    signed_rank_test,
)
from sklearn_sifal.comparison._rank_verdict import RankCircumstances, p_shown, rank_verdict
from sklearn_sifal.comparison._saved_comparisons import read_comparisons
from sklearn_sifal.comparison._scores import Metric
from sklearn_sifal.comparison._statistics import LEVEL, holm_adjusted
from sklearn_sifal.comparison._verdict import signed
from sklearn_sifal.inspection._tabular import make_frame

_TESTS = ("wilcoxon", "nemenyi")


@dataclass(frozen=True, eq=False, repr=False)
class StrategyRanks:
    """Result of :func:`rank_strategies`.

    Attributes
    ----------
    strategies : tuple of str
        Names, in the order of the comparisons.
    data_sets : tuple of str
        Names.
    scores : ndarray of shape (n_data_sets, n_strategies)
        The figure, a mean over the trainings; shares are percentages (0 to 100). NaN where a
        training failed.
    metric : Metric
        What the figure is, and which way is up.
    yardstick : str or None
        The strategy that the others are held against.
    budgets : tuple of float
        That of each data set; empty for figures of other origin.
    ranks : ndarray of shape (n_data_sets, n_strategies)
        1 for the best on a data set; ties have the mean of their ranks, and NaN is last.
    friedman : FriedmanTest or None
        Whether the strategies differ at all: 'statistic' and 'p_value' of Friedman's
        chi-squared, adjusted for ties; 'f_statistic', 'f_p_value' and 'degrees_of_freedom' of
        Iman and Davenport's F, by which it is decided. None for fewer than two data sets or
        three strategies.
    p_values : ndarray of shape (n_strategies, n_strategies)
        Of Wilcoxon's test for each pair; NaN on the diagonal, and for a single data set.
    p_adjusted : ndarray of shape (n_strategies, n_strategies)
        The same, adjusted for the number of all pairs after Holm.
    notes : tuple of str
        What to keep in mind of the comparisons.
    """

    strategies: tuple[str, ...]
    data_sets: tuple[str, ...]
    scores: NDArray[np.float64]
    metric: Metric
    yardstick: str | None
    budgets: tuple[float, ...]
    ranks: NDArray[np.float64]
    friedman: FriedmanTest | None
    p_values: NDArray[np.float64]
    p_adjusted: NDArray[np.float64]
    notes: tuple[str, ...]

    @property
    def mean_ranks(self) -> NDArray[np.float64]:
        """Means of `ranks` over the data sets, of shape (n_strategies,)."""
        return np.asarray(self.ranks.mean(axis=0))

    @property
    def too_few(self) -> bool:
        """Whether Wilcoxon's test could tell no pair of all pairs apart, whatever the figures.

        Of fewer pairs, those with the yardstick, it may tell some; see the verdict.
        """
        n_pairs = len(self.strategies) * (len(self.strategies) - 1) // 2
        return len(self.data_sets) < needed_data_sets(n_pairs)

    # ------------------------------------------------------------------ tables

    def summary(self) -> list[dict[str, Any]]:
        """One record a strategy, the best mean rank first.

        Returns
        -------
        records : list of dict
            'strategy', 'mean_rank', 'n_failed' (data sets without a figure), and against the
            yardstick 'wins', 'ties' and 'losses' (data sets), 'median_difference' of the figure
            (in points for shares), 'p_value' of Wilcoxon's test, 'p_adjusted' for the number of
            strategies held against the yardstick, after Holm, and 'outcome': 'better' or
            'worse' where Friedman's test tells the strategies apart and the adjusted p-value
            is below 0.05, 'not told apart', 'identical' (no difference on any data set),
            'unknown' (one data set) or 'the yardstick'. Without a yardstick only the first three.
        """
        return [dict(self._records[k]) for k in self._order]

    def to_frame(self) -> Any:
        """`summary` as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a strategy.

        Raises
        ------
        ImportError
            Without pandas.
        """
        return make_frame(self.summary(), " Without it, `summary` has the same as a list of dicts.")

    def groups(self, *, test: str = "wilcoxon") -> tuple[tuple[str, ...], ...]:
        """Strategies beside each other in the order of ranks of which no two are told apart.

        Parameters
        ----------
        test : {'wilcoxon', 'nemenyi'}, default='wilcoxon'
            Wilcoxon's test with Holm's adjustment for all pairs, or mean ranks that differ by
            less than `critical_difference`. Where Friedman's test does not tell the strategies
            apart, all of them are one group.

        Returns
        -------
        groups : tuple of tuple of str
            Groups of two or more, each as large as it can be, the best ranks first.
        """
        if test not in _TESTS:
            reject_value("StrategyRanks.groups", "test", f"one of {set(_TESTS)}", test)
        order = self._order
        return tuple(
            tuple(self.strategies[k] for k in order[first : last + 1])
            for first, last in groups_of(order, self._apart(test))
        )

    def critical_difference(self) -> float:
        """The difference of mean ranks at which Nemenyi's test tells two strategies apart.

        Returns
        -------
        difference : float
            At the level of 5 % for all pairs together.
        """
        return nemenyi_difference(len(self.data_sets), len(self.strategies))

    # ------------------------------------------------------------------ words and picture

    def verdict(self) -> str:
        """What the ranks say, in words.

        Returns
        -------
        text : str
            First whether anything was told apart, or whether there are too few data sets for
            that; then what was found, then what to keep in mind.
        """
        return rank_verdict(
            self.summary(),
            RankCircumstances(
                metric=self.metric,
                yardstick=self.yardstick,
                n_data_sets=len(self.data_sets),
                friedman=self.friedman,
                groups=self.groups() if len(self.data_sets) > 1 else (),
                failed={
                    name: tuple(np.array(self.data_sets)[np.isnan(column)])
                    for name, column in zip(self.strategies, self.scores.T, strict=True)
                    if np.isnan(column).any()
                },
                notes=self.notes,
            ),
        )

    def plot(self, ax: Any = None, **kwargs: Any) -> Any:
        """Draw the mean ranks, with bars that join what is not told apart.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Passed to :meth:`sklearn_sifal.plotting.CriticalDifferenceDisplay.from_ranks`.

        Returns
        -------
        display : CriticalDifferenceDisplay

        Raises
        ------
        ImportError
            Without matplotlib, which the extra ``plot`` brings.
        """
        from sklearn_sifal.plotting._critical_difference import CriticalDifferenceDisplay

        return CriticalDifferenceDisplay.from_ranks(self, ax=ax, **kwargs)

    def __repr__(self) -> str:
        n = len(self.data_sets)
        head = (
            f"StrategyRanks of {len(self.strategies)} strategies on {n} data "
            f"set{'' if n == 1 else 's'}, by {self.metric.label}"
        )
        if self.yardstick is None:
            titles: tuple[str, ...] = ("strategy", "mean rank")
        else:
            to = f"median to {self.yardstick}"
            titles = ("strategy", "mean rank", "won", "tied", "lost", to, "p (Holm)", "")
        rows = [_cells(record, self.metric)[: len(titles)] for record in self.summary()]
        return f"{head}\n{text_table(titles, rows, left={0, 7})}"

    # ------------------------------------------------------------------ private

    @property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self.mean_ranks, kind="stable")

    @property
    def _differ(self) -> bool:
        """Whether Friedman's test leaves it to the pairs; of two strategies there is one pair."""
        return self.friedman is None or self.friedman.f_p_value < LEVEL

    def _apart(self, test: str) -> NDArray[np.bool_]:
        if not self._differ:
            return np.zeros(self.p_values.shape, bool)
        if test == "wilcoxon":
            return self.p_adjusted < LEVEL
        distances = np.abs(self.mean_ranks[:, None] - self.mean_ranks)
        return distances >= self.critical_difference()

    @cached_property
    def _records(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = [
            {"strategy": name, "mean_rank": float(rank), "n_failed": int(np.isnan(column).sum())}
            for name, rank, column in zip(
                self.strategies, self.mean_ranks, self.scores.T, strict=True
            )
        ]
        if self.yardstick is None:
            return records
        base = self.strategies.index(self.yardstick)
        adjusted = holm_adjusted(self.p_values[base].tolist())
        for k, record in enumerate(records):
            record |= self._against_yardstick(k, base)
            record["p_adjusted"] = float(adjusted[k])
            record["outcome"] = self._outcome(record)
            del record["_balance"]
        return records

    def _against_yardstick(self, k: int, base: int) -> dict[str, Any]:
        upwards = self.metric.higher_is_better
        gains = gains_over(self.scores[:, k], self.scores[:, base], higher_is_better=upwards)
        middle = np.sort(gains)[[(len(gains) - 1) // 2, len(gains) // 2]]
        # Of an infinite gain and an infinite loss there is no mean.
        median = float(middle.mean()) if np.isfinite(middle).all() else float("nan")
        return {
            "wins": int((gains > 0).sum()),
            "ties": int((gains == 0).sum()),
            "losses": int((gains < 0).sum()),
            "median_difference": (median if upwards else -median) + 0.0,
            "p_value": float(self.p_values[base, k]),
            "_balance": signed_rank_test(gains).balance,
        }

    def _outcome(self, record: Mapping[str, Any]) -> str:
        if record["strategy"] == self.yardstick:
            return "the yardstick"
        if np.isnan(record["p_value"]):
            return "unknown"
        if record["ties"] == len(self.data_sets):
            return "identical"
        if not self._differ or record["p_adjusted"] >= LEVEL:
            return "not told apart"
        return "better" if record["_balance"] > 0 else "worse"


def rank_strategies(
    comparisons: Any,
    *,
    metric: str | None = None,
    budget: float | None = None,
    higher_is_better: bool | None = None,
    yardstick: str | None = YARDSTICK,
    common_only: bool = False,
) -> StrategyRanks:
    """Rank strategies over many data sets, and test what is more than chance.

    After Demšar [1]_: Friedman's test [2]_ in Iman and Davenport's form [3]_ asks whether the
    strategies differ at all. If they do, Wilcoxon's signed-rank test [4]_ asks it of pairs,
    with Holm's adjustment [5]_ for their number: of each strategy and the yardstick for the
    table and the verdict, of all pairs for the picture. Each data set counts once, whatever
    its size. Of two strategies there is Wilcoxon's test alone.

    Wilcoxon's test is exact, ties included (up to 100 data sets; beyond, a normal
    approximation). Differences of zero are ranked and speak for neither side [6]_: leaving
    them out, as is often done, would forget that a strategy was mostly without effect.

    Parameters
    ----------
    comparisons : str, path-like, mapping or pandas.DataFrame
        A folder of saved comparisons (`StrategyComparison.to_json`, ``sifal compare --out``);
        a mapping from names of data sets to `StrategyComparison` or what `read_comparison`
        gives; or figures: a data frame with a row for each data set and a column for each
        strategy, or a mapping of mappings like that. Every data set has to be there once:
        other splits of a file are no other data sets.
    metric : str, default=None
        Which figure; None for the main one of the comparisons. A name for figures.
    budget : float, default=None
        At which budget; None for the largest of each comparison.
    higher_is_better : bool, default=None
        Which way is up, of figures; None for what is known of `metric`, or True. Comparisons
        know it themselves.
    yardstick : str, default='base'
        The strategy that the others are held against. None holds none.
    common_only : bool, default=False
        Whether strategies that some data sets lack are left out, and said to be; otherwise they
        are an error.

    Returns
    -------
    ranks : StrategyRanks
        With the verdict in words, tables, and a picture. A strategy that failed on a data
        set (a training had an infinite or NaN loss) is last there.

    Raises
    ------
    TypeError
        If `comparisons` or a figure is something else.
    ValueError
        If there is no data set or only one strategy, if data sets have not the same strategies,
        if a comparison lacks the figure or the budget, if two are copies of each other, or if a
        file is no saved comparison.
    OSError
        If the folder or a file cannot be read.

    See Also
    --------
    compare_strategies : The comparison on one data set.
    sklearn_sifal.plotting.CriticalDifferenceDisplay : The picture.

    Notes
    -----
    With few data sets nothing can be told apart, whatever they say: the smallest two-sided
    p-value of Wilcoxon's test is ``2 ** (1 - n_data_sets)``, 0.0625 for five, before Holm's
    adjustment. The verdict says so, and how many it would take.

    References
    ----------
    .. [1] Demšar, "Statistical comparisons of classifiers over multiple data sets", Journal of
       Machine Learning Research 7, 2006.
    .. [2] Friedman, "The use of ranks to avoid the assumption of normality implicit in the
       analysis of variance", Journal of the American Statistical Association 32, 1937.
    .. [3] Iman and Davenport, "Approximations of the critical region of the Friedman
       statistic", Communications in Statistics A9, 1980.
    .. [4] Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1, 1945.
    .. [5] Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
       of Statistics 6, 1979.
    .. [6] Pratt, "Remarks on zeros and ties in the Wilcoxon signed rank procedures", Journal of
       the American Statistical Association 54, 1959.

    Examples
    --------
    >>> from sklearn_sifal.comparison import rank_strategies
    >>> accuracies = {
    ...     f"file {i}": {"base": 0.80 + i / 100, "mine": 0.82 + i / 90} for i in range(8)
    ... }
    >>> ranks = rank_strategies(accuracies, metric="accuracy")
    >>> ranks.mean_ranks
    array([2., 1.])
    >>> print(ranks.verdict().splitlines()[0])
    Better than base over 8 data sets by more than chance: mine.
    """
    if isinstance(comparisons, str | os.PathLike):
        comparisons = read_comparisons(comparisons)
    table = score_table(
        comparisons,
        metric=metric,
        budget=budget,
        higher_is_better=higher_is_better,
        common_only=common_only,
    )
    if yardstick is not None and yardstick not in table.strategies:
        expected = f"None or one of {', '.join(map(repr, table.strategies))}"
        reject_value("rank_strategies", "yardstick", expected, yardstick)
    return _ranked(table, yardstick)


def _ranked(table: ScoreTable, yardstick: str | None) -> StrategyRanks:
    k = len(table.strategies)
    ranks = rank_rows(table.scores, higher_is_better=table.metric.higher_is_better)
    p_values = p_values_of_pairs(table.scores, higher_is_better=table.metric.higher_is_better)
    above = np.triu_indices(k, 1)
    p_adjusted = np.full((k, k), np.nan)
    p_adjusted[above] = holm_adjusted(p_values[above].tolist())
    p_adjusted.T[above] = p_adjusted[above]
    return StrategyRanks(
        strategies=table.strategies,
        data_sets=table.data_sets,
        scores=table.scores,
        metric=table.metric,
        yardstick=yardstick,
        budgets=table.budgets,
        ranks=ranks,
        friedman=friedman_test(ranks),
        p_values=p_values,
        p_adjusted=p_adjusted,
        notes=table.notes,
    )


def _cells(record: Mapping[str, Any], metric: Metric) -> tuple[str, ...]:
    name = (record["strategy"], f"{record['mean_rank']:.2f}")
    if "outcome" not in record:
        return name
    if record["outcome"] == "the yardstick":
        return (*name, "", "", "", "", "", record["outcome"])
    return (
        *name,
        *(str(record[count]) for count in ("wins", "ties", "losses")),
        "" if np.isnan(median := record["median_difference"]) else signed(median, metric),
        "" if np.isnan(p_value := record["p_adjusted"]) else p_shown(p_value),
        record["outcome"],
    )
