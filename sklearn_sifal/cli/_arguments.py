"""The arguments of the command ``sifal``. Imports nothing but the standard library."""

import argparse
import codecs
import math
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

from sklearn_sifal.cli._errors import UserError
from sklearn_sifal.cli._wording import quoted

_COMPARE_EXAMPLES = """\
examples:
  sifal compare queries.csv --text text --label intent \\
      --strategies base,percentage,importance --budget 4 --report report.html
  sifal compare train.csv --test-file test.csv --label intent --jobs 2
  sifal compare customers.csv --label churn --numeric age,income --categorical region
  sifal compare queries.csv --label intent --strategies percentage:90,percentage:97.5 \\
      --lr 0.01,0.03,0.1 --seeds 5 --out runs.csv
"""
# Beyond it a slip of the finger is likelier than a purpose, and the training takes for ever.
_LARGEST_BUDGET = 10_000
# What numpy takes. The trainings of a comparison count up from the seed.
_LARGEST_SEED = 2**32 - 1
_AUDIT_EXAMPLES = """\
examples:
  sifal audit queries.csv --text text --label intent --out suspects.csv
  sifal audit queries.jsonl --label intent --top 200 --out suspects.tsv
  sifal audit - --label intent < queries.csv
"""


# Python's own, of host names and of its sources.
_NOT_OF_FILES = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")


class _Parser(argparse.ArgumentParser):
    """Errors go the way of all errors of the command."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}. See: {self.prog} --help")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; the subcommand is ``command``."""
    parser = _Parser(
        prog="sifal",
        description="Compare strategies of choosing training rows by their loss, and find "
        "labels that may be wrong, for the rows of a file.",
        epilog="sifal COMMAND --help has the options and examples of each.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"sifal {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_compare(commands)
    _add_audit(commands)
    return parser


def _version() -> str:
    # By name: modules of the package import nothing from its __init__.
    version: str = import_module("sklearn_sifal").__version__
    return version


def _add_command(commands: Any, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary[0].lower() + summary[1:],
        description=f"{summary}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_data(parser)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        help="CSV, TSV, JSON lines (.jsonl) or Parquet (with pandas), also gzipped (.gz); "
        "- for CSV from standard input",
    )
    data = parser.add_argument_group("columns")
    data.add_argument("--label", metavar="NAME", help="column of the labels (required)")
    for kind in ("text", "numeric", "categorical"):
        data.add_argument(
            f"--{kind}",
            metavar="NAME",
            action="append",
            help=f"column of {kind} contents; may be repeated, or NAME,NAME"
            + (". Without any of these three the other columns are guessed" * (kind == "text")),
        )
    data.add_argument("--drop-missing", action="store_true", help="leave out rows without a label")
    data.add_argument(
        "--drop-rare",
        metavar="N",
        nargs="?",
        const=2,
        type=_integer(2),
        help="leave out labels with fewer than N rows (2 if N is not given)",
    )
    form = parser.add_argument_group("form of the file")
    form.add_argument(
        "--delimiter",
        metavar="CHAR",
        type=_delimiter,
        help="between the cells of a line; found from the header if not given. 'tab' for a tab",
    )
    form.add_argument(
        "--encoding", metavar="NAME", type=_encoding, help="such as cp1252 (default: utf-8)"
    )
    form.add_argument(
        "--no-quotes", action="store_true", help="quotation marks are ordinary characters"
    )


def _add_training(parser: argparse.ArgumentParser) -> None:
    training = parser.add_argument_group("training")
    training.add_argument(
        "--hidden",
        metavar="WIDTHS",
        type=_several(_integer(1)),
        help="widths of the hidden layers, such as 256 or 256,128",
    )
    training.add_argument(
        "--seed", metavar="N", type=_integer(0, _LARGEST_SEED), default=0, help="default: 0"
    )
    training.add_argument(
        "--jobs", metavar="N", type=_jobs, default=1, help="processes, -1 for all (default: 1)"
    )
    parser.add_argument("--quiet", action="store_true", help="results and errors only")


def _add_compare(commands: Any) -> None:
    parser = _add_command(
        commands,
        "compare",
        "Compare strategies at equal row visits, each trained from the same initial weights",
        _COMPARE_EXAMPLES,
    )
    test = parser.add_argument_group("test rows").add_mutually_exclusive_group()
    test.add_argument("--test-file", metavar="FILE", help="rows to test on, with the same columns")
    test.add_argument(
        "--test-size",
        metavar="SHARE",
        type=_number(0, 1, "a share of the rows between 0 and 1, such as 0.2"),
        default=0.2,
        help="share of the rows to test on, drawn by label (default: 0.2)",
    )
    what = parser.add_argument_group("what is compared")
    what.add_argument(
        "--strategies",
        metavar="NAMES",
        type=_several(str),
        default="base,random,percentage,importance,guarded_importance",
        help="such as base,percentage:90,importance; a number after the colon is its percentage. "
        "base and random are always among them (default: %(default)s)",
    )
    what.add_argument(
        "--percentage",
        metavar="P",
        type=_percentage,
        help="percentage of every strategy that has one and is given none of its own",
    )
    what.add_argument(
        "--budget",
        metavar="PASSES",
        type=_several(_budget),
        help="row visits in units of the training rows; several, such as 1.5,4, are separate "
        "trainings (default: enough for a model of its own, 4 for 6,400 texts or more)",
    )
    what.add_argument(
        "--lr",
        metavar="RATES",
        type=_several(_number(0, math.inf, "a number above 0")),
        help="learning rates; of several, each strategy gets its best one by a validation part "
        "of the training rows",
    )
    what.add_argument(
        "--seeds",
        metavar="N",
        type=_integer(1),
        default=3,
        help="trainings of each strategy (default: 3)",
    )
    outputs = parser.add_argument_group("outputs")
    outputs.add_argument("--report", metavar="FILE.html", help="one page with tables and pictures")
    outputs.add_argument(
        "--out",
        metavar="FILE",
        help="every training: .csv, .tsv, .jsonl, or .json with the summary",
    )
    _add_training(parser)


def _add_audit(commands: Any) -> None:
    parser = _add_command(
        commands,
        "audit",
        "Rank the rows by suspicion that their label is wrong",
        _AUDIT_EXAMPLES,
    )
    outputs = parser.add_argument_group("outputs")
    outputs.add_argument(
        "--out", metavar="FILE", help="the ranking, .csv, .tsv or .jsonl; - for standard output"
    )
    outputs.add_argument(
        "--format", choices=("csv", "tsv", "jsonl"), help="of --out, whatever its ending"
    )
    outputs.add_argument(
        "--escape-formulas",
        action="store_true",
        help="put an apostrophe in front of cells that a spreadsheet would compute, such as "
        "=1+1; numbers stay as they are",
    )
    outputs.add_argument(
        "--top", metavar="N", type=_integer(1), help="write only the N most suspicious rows"
    )
    _add_training(parser)
    parser.add_argument(
        "--budget",
        metavar="PASSES",
        type=_budget,
        help="passes over the rows (default: 3, more on files of a few hundred rows)",
    )


# ---------------------------------------------------------------------- types of values


def _several(one: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    def parse(text: str) -> list[Any]:
        parts = [part.strip() for part in text.split(",")]
        if not all(parts):
            raise argparse.ArgumentTypeError(f"must be a list such as A,B. Got {quoted(text)}")
        return [one(part) for part in parts]

    return parse


def _number(low: float, high: float, expected: str) -> Callable[[str], float]:
    """Numbers between two others, neither of them included."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low < value < high:
            raise argparse.ArgumentTypeError(f"must be {expected}. Got {quoted(text)}")
        return value

    return parse


def _integer(low: int, high: int | None = None) -> Callable[[str], int]:
    """Whole numbers between two others, both of them included."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low or (high is not None and value > high):
            limits = f"of at least {low}" if high is None else f"from {low} to {high}"
            raise argparse.ArgumentTypeError(f"must be a whole number {limits}. Got {quoted(text)}")
        return value

    return parse


def _jobs(text: str) -> int:
    if text == "-1":
        return -1
    try:
        return _integer(1)(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; -1 is for all processors") from None


def _percentage(text: str) -> float:
    expected = "a percentage above 0 and up to 100"
    return 100.0 if text.strip() in ("100", "100.0") else _number(0, 100, expected)(text)


def _budget(text: str) -> float:
    beyond = math.nextafter(_LARGEST_BUDGET, math.inf)
    return _number(0, beyond, f"a number of passes above 0 and up to {_LARGEST_BUDGET:,}")(text)


def _delimiter(text: str) -> str:
    character = {"tab": "\t", "\\t": "\t"}.get(text.lower(), text)
    if len(character) != 1 or character in '"\r\n':
        raise argparse.ArgumentTypeError(f"must be one character, or tab. Got {quoted(text)}")
    return character


def _encoding(text: str) -> str:
    try:
        name = codecs.lookup(text).name
        if name in _NOT_OF_FILES:
            raise LookupError(name)
        "".encode(name)  # there are codecs from bytes to bytes, too
    except (LookupError, TypeError, ValueError):
        raise argparse.ArgumentTypeError(
            f"must be an encoding that Python knows, such as cp1252. Got {quoted(text)}"
        ) from None
    # As for the default: a byte order mark is no part of the first column's name.
    return "utf-8-sig" if name == "utf-8" else name
