"""From the figures of every training to tables and words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_sifal._text_table import text_table
from sklearn_sifal.comparison._candidates import YARDSTICK
from sklearn_sifal.comparison._recordings import Recording
from sklearn_sifal.comparison._scores import Metric
from sklearn_sifal.comparison._statistics import paired_difference
from sklearn_sifal.comparison._summary import Runs, summarise
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
    _row_errors: dict[tuple[str, float, str], float] = field(default_factory=dict)
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
            shares, with the ends of its 95 % t interval, 'difference_low' and
            'difference_high', its p-value 'difference_p_value' and, for
            all but base and random, 'difference_p_adjusted', after Holm; 'difference_to_random'
            with the same ends. 'against_base' is 'better' or 'worse' where the adjusted
            p-value is below 0.05, 'not told apart', 'identical' (no figure differs with any
            seed), 'unknown' (one seed), 'failed' or 'the yardstick'. 'row_error' is the
            standard error of the difference over test rows: another test part might well
            move it by twice that; NaN for balanced accuracy, macro recall, precision and F1.
            'lr_at_edge' is 'lowest' or 'highest' where the best rate is an end of the grid.
        """
        shown = self._metric(metric)
        at = self._budget(budget)
        row_errors = {
            name: shown.factor * error
            for (name, of, of_metric), error in self._row_errors.items()
            if of == at and of_metric == shown.name
        }
        return summarise(
            Runs(self.runs, self.strategies, at),
            self.metrics,
            shown,
            resolution=self._resolution(shown) or 0.0,
            row_errors=row_errors,
            edges=self._edges(at),
        )

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
            means over the seeds as shares, and 'recall_difference', that of the recall to base
            in points, with the ends of its 95 % t interval, 'recall_difference_low' and
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
        mine, base = self._per_class[strategy], self._per_class[YARDSTICK]
        records = []
        for code, (label, support) in enumerate(zip(self.labels, self._support, strict=True)):
            precision, recall, f1 = mine[:, :, code].mean(axis=0)
            recalls = (100 * each[:, 1, code] for each in (mine, base))
            difference = paired_difference(*recalls, resolution=100 / max(int(support), 1))
            records.append(
                {
                    "label": label.item() if isinstance(label, np.generic) else label,
                    "support": int(support),
                    "precision": float(precision),
                    "recall": float(recall),
                    "f1": float(f1),
                    **difference.named("recall_difference"),
                }
            )
        return records

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
            to keep in mind. 'Better' and 'worse' are as in `summary`.
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
            n_test=self.settings["n_test"],
            resolution=self._resolution(shown),
            n_rates=len(rates) if isinstance(rates, Sequence) else 1,
            own_rates=bool(self.settings.get("own_rates")),
            trivial=self._trivial(shown),
            n_jobs=self.settings.get("n_jobs", 1),
            base_curve=curve,
        )
        smaller = {b: self.summary(metric=metric, budget=b) for b in self.budgets[:-1]}
        verdict = give_verdict(self.summary(metric=metric), about, smaller)
        return verdict.worded(self.settings.get("terms", {}))

    def __repr__(self) -> str:
        metric = self.metrics[0]
        head = (
            f"StrategyComparison of {len(self.strategies)} strategies, {len(self.seeds)} seed(s), "
            f"budget {self.budgets[-1]:g}"
        )
        titles = ("strategy", metric.label, "to base", "95 % interval", "seconds", "")
        rows = [_text_cells(record, metric) for record in self.summary()]
        return f"{head}\n{text_table(titles, rows, left={0, 5})}"

    # ------------------------------------------------------------------ private

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

    def _resolution(self, metric: Metric) -> float | None:
        """Points of accuracy that one test row is worth."""
        return 100 / self.settings["n_test"] if metric.name == "accuracy" else None

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
        return {
            run["strategy"]: ends[run["lr"]]
            for run in self.runs
            if run["budget"] == budget and run["strategy"] in searched and run["lr"] in ends
        }


def _text_cells(record: Mapping[str, Any], metric: Metric) -> tuple[str, ...]:
    low, high = (signed(record[f"difference_{end}"], metric) for end in ("low", "high"))
    is_base = record["strategy"] == YARDSTICK
    return (
        record["strategy"],
        f"{metric.factor * record[metric.name]:.{metric.digits}f}",
        "" if is_base else signed(record["difference"], metric),
        "" if is_base or np.isnan(record["difference_low"]) else f"{low} to {high}",
        f"{record['seconds']:.2f}",
        record["against_base"],
    )
