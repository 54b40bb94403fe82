"""The arguments of the command ``sifal``. Imports nothing but the standard library."""

import argparse
import codecs
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn, TypeVar

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
# What a column that is learnt from can be; the options have these names.
KINDS = ("text", "numeric", "categorical")
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
_RANKS_EXAMPLES = """\
examples:
  sifal compare iris.csv --label species --out results/iris.json
  sifal compare wine.csv --label cultivar --out results/wine.json
  (and so on, for as many files as you can)
  sifal ranks results --plot ranks.png
  sifal ranks results --metric nll --budget 4 --out ranks.csv
"""


# Python's own, of host names and of its sources.
_NOT_OF_FILES = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")

_T = TypeVar("_T")


class _Parser(argparse.ArgumentParser):
    """Errors go the way of all errors of the command."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}. See: {self.prog} --help")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; the subcommand is ``command``."""
    parser = _Parser(
        prog="sifal",
        description="Compare strategies of choosing training rows by their loss, on the rows of "
        "a file or over many files, and find labels that may be wrong.",
        epilog="sifal COMMAND --help has the options and examples of each.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"sifal {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_compare(commands)
    _add_audit(commands)
    _add_ranks(commands)
    return parser


def _version() -> str:
    # By name: modules of the package import nothing from its __init__.
    version: str = import_module("sklearn_sifal").__version__
    return version


def _add_command(commands: Any, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
    """A command without arguments yet."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary[0].lower() + summary[1:],
        description=f"{summary}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return parser


def _add_file(parser: argparse.ArgumentParser) -> None:
    """The file to learn from, and how it is read."""
    parser.add_argument(
        "file",
        help="CSV, TSV, JSON lines (.jsonl) or Parquet (with pandas), also gzipped (.gz); "
        "- for CSV from standard input",
    )
    _add_columns(parser)
    _add_form(parser)


def _add_columns(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("columns").add_argument
    add("--label", metavar="NAME", help="column of the labels (required)")
    for kind in KINDS:
        what = f"column of {kind} contents; may be repeated, or NAME,NAME"
        if kind == "text":
            what += ". Without any of these three the other columns are guessed"
        add(f"--{kind}", metavar="NAME", action="append", help=what)
    add("--drop-missing", action="store_true", help="leave out rows without a label")
    add(
        "--drop-rare",
        metavar="N",
        nargs="?",
        const=2,
        type=_integer(2),
        help="leave out labels with fewer than N rows (2 if N is not given)",
    )


def _add_form(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("form of the file").add_argument
    add(
        "--delimiter",
        metavar="CHAR",
        type=_delimiter,
        help="between the cells of a line; found from the header if not given. 'tab' for a tab",
    )
    add("--encoding", metavar="NAME", type=_encoding, help="such as cp1252 (default: utf-8)")
    add("--no-quotes", action="store_true", help="quotation marks are ordinary characters")


def _add_training(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("training").add_argument
    add(
        "--hidden",
        metavar="WIDTHS",
        type=_several(_integer(1)),
        help="widths of the hidden layers, such as 256 or 256,128",
    )
    add("--seed", metavar="N", type=_integer(0, _LARGEST_SEED), default=0, help="default: 0")
    add("--jobs", metavar="N", type=_jobs, default=1, help="processes, -1 for all (default: 1)")
    _add_quiet(parser)


def _add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="results and errors only")


def _add_compare(commands: Any) -> None:
    parser = _add_command(
        commands,
        "compare",
        "Compare strategies at equal row visits, each trained from the same initial weights",
        _COMPARE_EXAMPLES,
    )
    _add_file(parser)
    add = parser.add_argument_group("test rows").add_mutually_exclusive_group().add_argument
    add("--test-file", metavar="FILE", help="rows to test on, with the same columns")
    add(
        "--test-size",
        metavar="SHARE",
        type=_number(math.nextafter(1, 0), "a share of the rows between 0 and 1, such as 0.2"),
        help="share of the rows to test on, drawn by label anew for each of the --seeds (default: "
        "as many folds as --seeds, so that every row is tested once)",
    )
    _add_compared(parser)
    add = parser.add_argument_group("outputs").add_argument
    add("--report", metavar="FILE.html", help="one page with tables and pictures")
    add(
        "--out",
        metavar="FILE",
        help="every training: .csv, .tsv, .jsonl, or .json with the summary",
    )
    add(
        "--rows-out",
        metavar="FILE",
        help="what every training predicted for every test row, and its loss: .csv, .tsv or .jsonl",
    )
    _add_training(parser)


def _add_compared(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what is compared").add_argument
    add(
        "--strategies",
        metavar="NAMES",
        type=_several(str),
        default="base,random,percentage,importance,guarded_importance",
        help="such as base,percentage:90,importance; a number after the colon is its percentage. "
        "base and random are always among them (default: %(default)s)",
    )
    add(
        "--percentage",
        metavar="P",
        type=_number(100, "a percentage above 0 and up to 100"),
        help="percentage of every strategy that has one and is given none of its own",
    )
    add(
        "--budget",
        metavar="PASSES",
        type=_several(_budget),
        help="row visits in units of the training rows; several, such as 1.5,4, are separate "
        "trainings (default: enough for a model of its own, 4 for 6,400 texts or more)",
    )
    add(
        "--lr",
        metavar="RATES",
        type=_several(_number(sys.float_info.max, "a number above 0")),
        help="learning rates; of several, each strategy gets its best one by a validation part "
        "of the training rows",
    )
    add(
        "--seeds",
        metavar="N",
        type=_integer(1),
        default=5,
        help="trainings of each strategy, on as many splits if there is no test file (default: 5)",
    )


def _add_audit(commands: Any) -> None:
    parser = _add_command(
        commands, "audit", "Rank the rows by suspicion that their label is wrong", _AUDIT_EXAMPLES
    )
    _add_file(parser)
    add = parser.add_argument_group("outputs").add_argument
    add("--out", metavar="FILE", help="the ranking, .csv, .tsv or .jsonl; - for standard output")
    add("--format", choices=("csv", "tsv", "jsonl"), help="of --out, whatever its ending")
    add(
        "--escape-formulas",
        action="store_true",
        help="put an apostrophe in front of cells that a spreadsheet would compute, such as "
        "=1+1; numbers stay as they are",
    )
    add("--top", metavar="N", type=_integer(1), help="write only the N most suspicious rows")
    _add_training(parser)
    parser.add_argument(
        "--budget",
        metavar="PASSES",
        type=_budget,
        help="passes over the rows (default: 3, more on files of a few hundred rows)",
    )


def _add_ranks(commands: Any) -> None:
    parser = _add_command(
        commands, "ranks", "Rank strategies over the comparisons of many files", _RANKS_EXAMPLES
    )
    parser.add_argument(
        "folder", help="its .json files are comparisons that 'sifal compare --out NAME.json' wrote"
    )
    add = parser.add_argument_group("what is ranked").add_argument
    add("--metric", metavar="NAME", help="such as accuracy, f1, nll (default: the main figure)")
    add(
        "--budget",
        metavar="PASSES",
        type=_budget,
        help="one that every comparison has (default: the largest of each)",
    )
    add(
        "--yardstick",
        metavar="NAME",
        default="base",
        help="the strategy that the others are held against (default: base)",
    )
    add(
        "--common",
        action="store_true",
        help="leave out strategies that some comparisons lack, which otherwise are an error",
    )
    add = parser.add_argument_group("outputs").add_argument
    add("--plot", metavar="FILE", help="a picture of the mean ranks: .png, .svg or .pdf")
    add("--out", metavar="FILE", help="a row for each strategy: .csv, .tsv or .jsonl")
    _add_quiet(parser)


# ---------------------------------------------------------------------- types of values


def _several(one: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    def parse(text: str) -> list[Any]:
        parts = [part.strip() for part in text.split(",")]
        if not all(parts):
            raise argparse.ArgumentTypeError(f"must be a list such as A,B. Got {quoted(text)}")
        return [one(part) for part in parts]

    return parse


def _value(
    convert: Callable[[str], _T], is_allowed: Callable[[_T], bool], expected: str
) -> Callable[[str], _T]:
    """The type of an option, with errors that say what is expected."""

    def parse(text: str) -> _T:
        with suppress(LookupError, TypeError, ValueError):
            value = convert(text)
            if is_allowed(value):
                return value
        raise argparse.ArgumentTypeError(f"must be {expected}. Got {quoted(text)}")

    return parse


def _number(most: float, expected: str) -> Callable[[str], float]:
    """Numbers above 0 and up to another one."""
    return _value(float, lambda value: 0 < value <= most, expected)


_budget = _number(_LARGEST_BUDGET, f"a number of passes above 0 and up to {_LARGEST_BUDGET:,}")


def _integer(low: int, high: float = math.inf) -> Callable[[str], int]:
    """Whole numbers between two others, both of them included."""
    limits = f"of at least {low}" if high == math.inf else f"from {low} to {high}"
    return _value(int, lambda value: low <= value <= high, f"a whole number {limits}")


def _jobs(text: str) -> int:
    if text == "-1":
        return -1
    try:
        return _integer(1)(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; -1 is for all processors") from None


_delimiter = _value(
    lambda text: {"tab": "\t", "\\t": "\t"}.get(text.lower(), text),
    lambda character: len(character) == 1 and character not in '"\r\n',
    "one character, or tab",
)


def _encoding_name(text: str) -> str:
    name = codecs.lookup(text).name
    "".encode(name)  # there are codecs from bytes to bytes, too
    # As for the default: a byte order mark is no part of the first column's name.
    return "utf-8-sig" if name == "utf-8" else name


_encoding = _value(
    _encoding_name,
    lambda name: name not in _NOT_OF_FILES,
    "an encoding that Python knows, such as cp1252",
)
