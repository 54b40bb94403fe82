"""From the figures of every training to tables and words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._text_table import text_table
from sklearn_sifal.comparison._candidates import YARDSTICK
from sklearn_sifal.comparison._fit_results import FitResults
from sklearn_sifal.comparison._recordings import Recording
from sklearn_sifal.comparison._savings import time_to_base
from sklearn_sifal.comparison._savings_words import savings_in_words
from sklearn_sifal.comparison._scores import Metric
from sklearn_sifal.comparison._statistics import PairedDifference, paired_difference
from sklearn_sifal.comparison._summary import Runs, most_frequent, summarise
from sklearn_sifal.comparison._verdict import Circumstances, Verdict, give_verdict, signed


@dataclass(eq=False, repr=False)
class ComparisonTables:
    """Figures of trainings, and the tables and words that are made of them.

    The fields are described in `StrategyComparison`.
    """

    runs: list[dict[str, Any]]
    rounds: list[dict[str, Any]]
    strategies: tuple[str, ...]
    budgets: tuple[float, ...]
    seeds: tuple[int, ...]
    metrics: tuple[Metric, ...]
    parameters: dict[str, dict[str, str]]
    rate_search: list[dict[str, Any]]
    labels: NDArray[Any] | None
    settings: dict[str, Any]
    _per_class: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    _support: NDArray[np.int64] | None = None
    _results: FitResults = field(default_factory=FitResults)
    _recordings: dict[str, Recording] = field(default_factory=dict)
    _contents: dict[int, Any] = field(default_factory=dict)

    # ------------------------------------------------------------------ tables

    def summary(
        self, *, metric: str | None = None, budget: float | None = None
    ) -> list[dict[str, Any]]:
        """One record a strategy: means over the seeds, and differences to base.

        Parameters
        ----------
        metric : str, default=None
            Figure that differences are of; None for the first of `metrics`.
        budget : float, default=None
            One of `budgets`; None for the largest.

        Returns
        -------
        records : list of dict
            In the order of `strategies`. The means of all figures and of the costs under
            their names; 'seconds' are medians, 'seconds_ratio' is the median over seeds of
            the ratio to base, 'seconds_ratio_low' and 'seconds_ratio_high' are the least and
            the largest. '<metric>_std' is a standard deviation over the seeds.
            'difference' is the mean of the differences to base, paired by seed, in points for
            shares, with the ends of its 95 % interval, 'difference_low' and
            'difference_high', over trainings and test rows together (see
            :func:`paired_difference`), its p-value 'difference_p_value' and, for
            all but base and random, 'difference_p_adjusted', after Holm; 'row_error' and
            'fit_error' are its standard errors over test rows and over trainings;
            'difference_to_random' has the same ends. 'worst_seed', 'worst' and
            'worst_difference' are of the training that was worst in comparison with base.
            'against_base' is 'better' or 'worse' where the adjusted p-value is below 0.05,
            'unstable' where a training collapsed and the mean is not worse for certain: it is
            off the upper quartile by five times what test rows and the trainings of random do,
            and by a quarter of base's error; else 'not told apart', 'identical' (no figure
            differs in any training), 'unknown' (one training), 'failed' or 'the yardstick'.
            'lr' is the rate of most trainings; 'lr_at_edge' is 'lowest' or 'highest' where
            it is an end of the grid.
        """
        shown = self._metric(metric)
        at = self._budget(budget)
        runs = Runs(self.runs, self.strategies, at, self._results)
        return summarise(runs, self.metrics, shown, edges=self._edges(at))

    def per_class(self, strategy: str) -> list[dict[str, Any]]:
        """How a strategy does on each class at the largest budget.

        Parameters
        ----------
        strategy : str
            One of `strategies`.

        Returns
        -------
        records : list of dict
            One a label: 'label', 'support' (test rows), 'precision', 'recall' and 'f1',
            means over the trainings as shares, and 'recall_difference', that of the recall to
            base in points, with the ends of its 95 % interval, 'recall_difference_low' and
            'recall_difference_high'. Of as many intervals as there are classes one in twenty
            leaves out zero by chance. NaN for the recall of a label without test rows.

        Raises
        ------
        ValueError
            If there is no such strategy, or the estimator is a regressor.
        """
        if self.labels is None or self._support is None:
            raise ValueError("per_class is about classes: the estimator is a regressor.")
        if strategy not in self.strategies:
            raise ValueError(
                f"No strategy {strategy!r} was compared. There are: {', '.join(self.strategies)}."
            )
        figures = _means(self._per_class[strategy])
        records = []
        for code, (label, support) in enumerate(zip(self.labels, self._support, strict=True)):
            precision, recall, f1 = figures[:, code]
            records.append(
                {
                    "label": label.item() if isinstance(label, np.generic) else label,
                    "support": int(support),
                    "precision": float(precision),
                    "recall": float(recall),
                    "f1": float(f1),
                    **self._difference_in_recall(strategy, code)._named("recall_difference"),
                }
            )
        return records

    def _difference_in_recall(self, strategy: str, label: int) -> PairedDifference:
        keys = (strategy, self.budgets[-1]), (YARDSTICK, self.budgets[-1])
        if self._results.knows(*keys):
            found = self._results.difference_in_recall(label, *keys)
            if found is not None:
                return found._times(100)
        recalls = (self._per_class[name][:, 1, label] for name in (strategy, YARDSTICK))
        return paired_difference(*recalls)._times(100)

    def time_to_base(self, *, metric: str | None = None) -> list[dict[str, Any]]:
        """With what cost each strategy reaches what base does with its largest budget.

        Every point is trainings of its own, whose learning rate falls over just that budget. The
        `rounds` on the way of one training are none: their rate has not fallen yet, so
        that they are worse than a training that is made to end there.

        Parameters
        ----------
        metric : str, default=None
            Which figure; None for the first of `metrics`.

        Returns
        -------
        records : list of dict
            In the order of `strategies`. 'target' is base's mean figure with its largest budget.
            'visits' (rows trained on), 'forward' (rows passed forward in all, scored ones
            included), both in units of the training rows, and 'seconds' are what it takes
            until the mean over the trainings is there: no more than one test row below it
            for shares, read between budgets by straight lines; NaN if it is at no budget, and
            an upper bound if it is at the smallest ('at_smallest'). '<cost>_low' and
            '<cost>_high' are the least and the largest of the trainings by themselves
            ('reached' of 'n_seeds' are there; with fewer than all, the largest is NaN).
            '<cost>_ratio' is a multiple of what base needs by the same rule, which may be less
            than its largest budget. 'budget' is the least that shows a saving, else the least
            whose mean is there, else None; 'difference' is that to base with its largest budget
            there, or with the largest, in points for shares, with the ends of its 95 % interval.
            'outcome' is 'saves', 'not told', 'does not reach' (worse than that with every
            budget, by its intervals), 'one budget only', 'unknown' (one training), 'failed' or 'the
            yardstick'; '<cost>_saved' is the share saved in per cent where that is shown, else
            NaN.

        Notes
        -----
        Curves cross by chance: of a strategy that is base with other seeds, half the curves come
        to base's figure before their last budget or not at all. A saving is therefore claimed by
        the law of :func:`paired_difference`, and only where at one of the budgets

        - the strategy is better than base for the same cost, with Holm's adjustment for the number
          of strategies and budgets: than base with each budget that costs no more,
          and than base between two budgets, read there by a straight line over the logarithm of
          the cost; and
        - it is not worse than base with the largest budget by a margin or more: the interval ends
          above that. 'margin' is a tenth of base's error (or loss), at least one test row,

        and where the mean comes to need at least 5 % less than base itself. The cost is that of the
        training that did worst beside base's, since seconds are noisy.

        Budgets far from each other hide savings: what costs the strategy between half and all of
        base's budget is shown only by a budget there.
        """
        return time_to_base(
            self.runs,
            self._metric(metric),
            n_train=self.settings["n_train"],
            n_test=self.settings["n_test"],
            results=self._results,
        )

    def _savings_in_words(self, records: Sequence[Mapping[str, Any]], metric: Metric) -> list[str]:
        return savings_in_words(
            records, metric, largest=self.budgets[-1], n_test=self.settings["n_test"]
        )

    # ------------------------------------------------------------------ words

    def verdict(self, *, metric: str | None = None) -> str:
        """What the figures say, in words, at the largest budget.

        Parameters
        ----------
        metric : str, default=None
            Figure that it is about; None for the first of `metrics`.

        Returns
        -------
        text : str
            First whether any strategy was better than base, then what was found, then what
            to keep in mind. 'Better', 'worse' and 'unstable' are as in `summary`.
        """
        return str(self._verdict(metric))

    def _verdict(self, metric: str | None = None) -> Verdict:
        shown = self._metric(metric)
        curve = []
        for budget in self.budgets:
            base = Runs(self.runs, self.strategies, budget)
            seconds = float(np.median(base.values(YARDSTICK, "seconds")))
            curve.append((seconds, float(base.values(YARDSTICK, shown.name).mean())))
        rates = self.settings["lr"]
        about = Circumstances(
            metric=shown,
            n_seeds=len(self.seeds),
            n_splits=self.settings.get("n_splits", 1),
            n_test=self.settings["n_test"],
            resolution=100 / self.settings["n_test"] if shown.name == "accuracy" else None,
            n_rates=len(rates) if isinstance(rates, Sequence) else 1,
            own_rates=bool(self.settings.get("own_rates")),
            trivial=self._trivial(shown),
            n_jobs=self.settings.get("n_jobs", 1),
            base_curve=curve,
        )
        smaller = {b: self.summary(metric=metric, budget=b) for b in self.budgets[:-1]}
        others = [(m, self.summary(metric=m.name)) for m in self.metrics if _is_beside(m, shown)]
        savings = self._savings_in_words(self.time_to_base(metric=metric), shown)
        verdict = give_verdict(self.summary(metric=metric), about, smaller, others, savings)
        return verdict.worded(self.settings.get("terms", {}))

    def __repr__(self) -> str:
        metric = self.metrics[0]
        head = (
            f"StrategyComparison of {len(self.strategies)} strategies, {self._trainings()}, "
            f"budget {self.budgets[-1]:g}"
        )
        titles = ("strategy", metric.label, "to base", "95 % interval", "seconds", "")
        rows = [_text_cells(record, metric) for record in self.summary()]
        return f"{head}\n{text_table(titles, rows, left={0, 5})}"

    # ------------------------------------------------------------------ private

    def _trainings(self) -> str:
        """How many there are of each strategy, in words."""
        n_seeds, n_splits = len(self.seeds), self.settings.get("n_splits", 1)
        if n_splits > 1:
            each = "" if n_seeds == n_splits else f", {n_seeds} seeds in all"
            return f"{n_splits} splits{each}"
        return f"{n_seeds} seed" + ("s" if n_seeds > 1 else "")

    def _metric(self, name: str | None) -> Metric:
        if name is None:
            return self.metrics[0]
        for metric in self.metrics:
            if metric.name == name:
                return metric
        known = ", ".join(repr(metric.name) for metric in self.metrics)
        raise ValueError(f"metric must be one of {known}. Got {name!r}.")

    def _budget(self, budget: float | None) -> float:
        if budget is None:
            return self.budgets[-1]
        if budget not in self.budgets:
            known = ", ".join(f"{b:g}" for b in self.budgets)
            raise ValueError(f"budget must be one of {known}. Got {budget!r}.")
        return float(budget)

    def _trivial(self, metric: Metric) -> float | None:
        """The figure of a constant answer, where it is known."""
        if metric.name == "r2":
            return 0.0
        return self.settings.get("trivial_accuracy") if metric.name == "accuracy" else None

    def _edges(self, budget: float) -> dict[str, str]:
        """Strategies whose best rate is an end of the grid."""
        rates = self.settings["lr"]
        if not self.rate_search or not isinstance(rates, Sequence):
            return {}
        searched = {record["strategy"] for record in self.rate_search}
        ends: Mapping[float, str] = {rates[0]: "lowest", rates[-1]: "highest"}
        found = {}
        for name in searched:
            of = [r["lr"] for r in self.runs if (r["strategy"], r["budget"]) == (name, budget)]
            rate = most_frequent(of) if of else None
            if rate is not None and rate in ends:
                found[name] = ends[rate]
        return found


def _is_beside(metric: Metric, shown: Metric) -> bool:
    """Whether a verdict on accuracy says something of a figure, too."""
    return shown.name == "accuracy" and metric.name in ("f1", "nll")


def _means(by_fit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over the trainings, of those whose test part has the label."""
    known = ~np.isnan(by_fit)
    counts = known.sum(axis=0)
    totals = np.where(known, by_fit, 0.0).sum(axis=0)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def _text_cells(record: Mapping[str, Any], metric: Metric) -> tuple[str, ...]:
    low, high = (signed(record[f"difference_{end}"], metric) for end in ("low", "high"))
    is_base = record["strategy"] == YARDSTICK
    has_none = is_base or record["against_base"] == "identical"
    return (
        record["strategy"],
        f"{metric.factor * record[metric.name]:.{metric.digits}f}",
        "" if has_none else signed(record["difference"], metric),
        "" if has_none or np.isnan(record["difference_low"]) else f"{low} to {high}",
        f"{record['seconds']:.2f}",
        record["against_base"],
    )
