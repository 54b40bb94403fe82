"""Comparisons as JSON: what the command and `to_json` write, and what is read of it again."""

import json
import math
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from sklearn_sifal._whole_files import without_surrogates
from sklearn_sifal.comparison._scores import Metric
from sklearn_sifal.comparison._tables import ComparisonTables

FORMAT, VERSION = "sklearn_sifal.comparison", 1
# 25 strategies at 4 budgets with 10 seeds take one.
_MOST_BYTES = 64 * 2**20
_LONGEST_NAME = 200
# Single precision squared is 1e77; what is larger would overflow in sums.
_LARGEST = 1e100
_ENDING = ".json"


@dataclass(frozen=True, eq=False)
class SavedComparison:
    """A comparison read from a file, as far as ranks need it.

    Attributes
    ----------
    runs : list of dict
        One a training, as in `StrategyComparison`; None where a figure was not finite.
    strategies : tuple of str
        Names, base and random first.
    budgets : tuple of float
        Ascending.
    metrics : tuple of Metric
        The figures, with their directions; the first is the main one.
    parameters : dict of str to dict
        Estimator parameters that each strategy stands for, as text.
    verdict : str
        The verdict at the time of writing.

    See Also
    --------
    StrategyComparison.to_json : Writes such a file.
    rank_strategies : Ranks strategies over many of them.
    """

    runs: list[dict[str, Any]]
    strategies: tuple[str, ...]
    budgets: tuple[float, ...]
    metrics: tuple[Metric, ...]
    parameters: dict[str, dict[str, str]]
    verdict: str

    def __repr__(self) -> str:
        return (
            f"SavedComparison of {len(self.strategies)} strategies, {len(self.runs)} training(s), "
            f"budget {self.budgets[-1]:g}"
        )


# ---------------------------------------------------------------------------- writing


def comparison_as_json(comparison: ComparisonTables) -> str:
    """The text of a file.

    Raises
    ------
    ValueError
        If the name of a strategy could not be read again.
    """
    for name in comparison.strategies:
        _name(name)
    found = {
        "format": FORMAT,
        "version": VERSION,
        "verdict": comparison.verdict(),
        "metrics": [vars(metric) for metric in comparison.metrics],
        "strategies": comparison.strategies,
        "budgets": comparison.budgets,
        "parameters": comparison.parameters,
        "summary": list(map(plain_record, comparison.summary())),
        "runs": list(map(plain_record, comparison.runs)),
    }
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return without_surrogates(text)


def plain_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with Python's own numbers, and None for what JSON has no word for."""
    plain = {}
    for name, value in record.items():
        value = value.item() if isinstance(value, np.generic) else value
        plain[name] = None if isinstance(value, float) and not math.isfinite(value) else value
    return plain


# ---------------------------------------------------------------------------- reading


def read_comparison(path: str | os.PathLike[str]) -> SavedComparison:
    """Read a comparison that was written as JSON.

    Parameters
    ----------
    path : str or path-like
        What `StrategyComparison.to_json` or ``sifal compare --out NAME.json`` wrote.

    Returns
    -------
    comparison : SavedComparison
        Its figures. No code runs, whatever is in the file.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file, or something in it is not as it must be; it names the file.

    Examples
    --------
    >>> from sklearn_sifal.comparison import read_comparison
    >>> read_comparison("iris.json")  # doctest: +SKIP
    SavedComparison of 5 strategies, 15 training(s), budget 4
    """
    try:
        return _checked(_parsed(_content_of(path)))
    except _UnreadableError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


def read_comparisons(folder: str | os.PathLike[str]) -> dict[str, SavedComparison]:
    """Read every comparison of a folder, by the names of the files without their ending.

    Other endings than .json, folders below and names that begin with a dot are left out.

    Raises
    ------
    OSError
        If the folder or a file cannot be read.
    ValueError
        If there is none, or a file is not as it must be.
    """
    paths = sorted(
        path
        for path in Path(folder).iterdir()
        if path.suffix.lower() == _ENDING and not path.name.startswith(".")
    )
    if not paths:
        raise ValueError(
            f"{os.fspath(folder)} has no comparison in it: no file that ends in {_ENDING}. "
            "StrategyComparison.to_json writes them, and 'sifal compare --out NAME.json'."
        )
    found: dict[str, SavedComparison] = {}
    for path in paths:
        name = path.stem if path.stem not in found else path.name
        found[name] = read_comparison(path)
    return found


class _UnreadableError(ValueError):
    """What is wrong with a file."""


def _content_of(path: str | os.PathLike[str]) -> str:
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
        raise _UnreadableError("this is no regular file.")
    if found.st_size > _MOST_BYTES:
        raise _UnreadableError(
            f"{found.st_size / 2**20:,.0f} MiB are more than any comparison has "
            f"({_MOST_BYTES // 2**20} MiB at most)."
        )
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _UnreadableError(f"not UTF-8, as JSON has to be (byte {error.start}).") from error


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _UnreadableError(
            f"not JSON ({error.msg}, line {error.lineno}, character {error.colno})."
        ) from error
    except RecursionError as error:
        raise _UnreadableError("lists or objects are nested too deeply.") from error
    except _UnreadableError:
        raise
    except ValueError as error:  # what Python says of whole numbers beyond a limit of its own
        raise _UnreadableError("a whole number has too many digits.") from error


def _no_constant(written: str) -> NoReturn:
    raise _UnreadableError(f"not JSON: it has {written}, for which a comparison has null.")


def _checked(found: Any) -> SavedComparison:
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise _UnreadableError(
            f"no comparison of strategies: it does not begin with "
            f'{{"format": "{FORMAT}"}}. StrategyComparison.to_json writes one, and '
            "'sifal compare --out NAME.json'; those of earlier versions have to be made anew."
        )
    if found.get("version") != VERSION or isinstance(found["version"], bool):
        raise _UnreadableError(
            f"a comparison in version {_cut(found.get('version'))} of the format; this version of "
            f"sklearn_sifal reads version {VERSION}."
        )
    strategies = tuple(map(_name, _several(found, "strategies")))
    budgets = tuple(_number(b, "a budget") for b in _several(found, "budgets"))
    metrics = tuple(map(_metric, _several(found, "metrics")))
    for what, names in (
        ("strategies", strategies),
        ("budgets", budgets),
        ("metrics", [metric.name for metric in metrics]),
    ):
        if len(set(names)) < len(names):
            raise _UnreadableError(f"'{what}' has something twice.")
    known = (set(strategies), set(budgets), [metric.name for metric in metrics])
    runs = [_run(run, number, *known) for number, run in enumerate(_several(found, "runs"), 1)]
    return SavedComparison(
        runs,
        strategies,
        tuple(sorted(budgets)),
        metrics,
        _parameters(found.get("parameters"), strategies),
        _text(found.get("verdict"), "'verdict'"),
    )


def _run(
    run: Any, number: int, strategies: set[str], budgets: set[float], metrics: Iterable[str]
) -> dict[str, Any]:
    where = f"run {number}"
    if not isinstance(run, dict):
        raise _UnreadableError(f"{where} must be an object. It is {_cut(run)}.")
    strategy, budget = run.get("strategy"), run.get("budget")
    if not isinstance(strategy, str) or strategy not in strategies:
        raise _UnreadableError(f"{where}: 'strategy' is {_cut(strategy)}, none of 'strategies'.")
    if _number(budget, f"{where}: 'budget'") not in budgets:
        raise _UnreadableError(f"{where}: 'budget' is {_cut(budget)}, none of 'budgets'.")
    for name in metrics:
        if name not in run:
            raise _UnreadableError(f"{where} has no {name!r}.")
        if run[name] is not None:
            _number(run[name], f"{where}: {name!r}")
    if run.get("error") is not None:
        _text(run["error"], f"{where}: 'error'")
    # A training has no lists, which could be nested as deeply as one likes.
    return {name: value for name, value in run.items() if not isinstance(value, list | dict)}


def _metric(found: Any) -> Metric:
    expected = {"label": str, "factor": float, "unit": str, "higher_is_better": bool, "digits": int}
    if not isinstance(found, dict) or set(found) != {field.name for field in fields(Metric)}:
        raise _UnreadableError(f"'metrics' has {_cut(found)}, which describes no figure.")
    for name, kind in expected.items():
        value = found[name]
        if kind is float:
            _number(value, f"'metrics': {name!r}")
        elif type(value) is not kind:
            raise _UnreadableError(f"'metrics': {name!r} is {_cut(value)}.")
    if not 0 <= found["digits"] <= 20:
        raise _UnreadableError(f"'metrics': 'digits' is {_cut(found['digits'])}.")
    for name in ("name", "label"):
        _name(found[name])
    if found["unit"]:
        _name(found["unit"])
    return Metric(**found)


def _parameters(found: Any, strategies: Iterable[str]) -> dict[str, dict[str, str]]:
    if not isinstance(found, dict) or not all(
        isinstance(of, dict) and all(isinstance(value, str) for value in of.values())
        for of in found.values()
    ):
        raise _UnreadableError(f"'parameters' must be objects of texts. It is {_cut(found)}.")
    return {name: found.get(name, {}) for name in strategies}


def _several(found: Mapping[str, Any], key: str) -> list[Any]:
    values = found.get(key)
    if not isinstance(values, list) or not values:
        raise _UnreadableError(f"{key!r} must be a list that has entries. It is {_cut(values)}.")
    return values


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= _LONGEST_NAME:
        raise _UnreadableError(
            f"{_cut(value)} is no name: names have up to {_LONGEST_NAME:,} characters, which are "
            "printable."
        )
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise _UnreadableError(f"{what} must be a text. It is {_cut(value)}.")
    return value


def _number(value: Any, what: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if abs(number) <= _LARGEST:  # and no NaN
            return number
    raise _UnreadableError(
        f"{what} must be a number from {-_LARGEST:g} to {_LARGEST:g}. It is {_cut(value)}."
    )


def _cut(value: Any) -> str:
    """A value as in Python, or its beginning."""
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value):,}"
    if isinstance(value, int) and abs(value) >= 10**15:
        return "a whole number of many digits"
    shown = repr(value[:60] if isinstance(value, str) else value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
