"""``sifal ranks``: strategies ranked over a folder of comparisons."""

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from sklearn_sifal._whole_files import replacing as replacing_bytes
from sklearn_sifal.cli._console import Console
from sklearn_sifal.cli._errors import UserError, counted, in_short
from sklearn_sifal.cli._outputs import (
    TABLE_FORMATS,
    OutputForm,
    check_outputs,
    errors_of_writing,
    format_of,
    replacing,
    write_records,
)
from sklearn_sifal.cli._wording import listed, quoted, visible

_PICTURE_FORMATS = ("png", "svg", "pdf")
_DOTS_PER_INCH = 150
# What the Python function calls its parameters, in its errors.
_TERMS = {
    "With common_only=True those that all have are ranked.": "--common ranks those that all have.",
    "Choose one that all have by 'metric'": "Choose one that all have by --metric",
    "metric must be": "--metric must be",
    "budget must be": "--budget must be",
    "The 'yardstick' parameter of rank_strategies must be None or": "--yardstick must be",
    "rank_strategies needs": "A ranking needs",
    "StrategyComparison.to_json writes them, and 'sifal": "Write them by 'sifal",
    "StrategyComparison.to_json writes one, and 'sifal": "Write one by 'sifal",
}


def run(options: Namespace, console: Console) -> None:
    """Carry out ``sifal ranks``.

    Raises
    ------
    UserError
        If the folder, a file in it or an option is not as it must be.
    """
    _check_folder(options.folder)
    with _errors_of_reading(options.folder):
        _check_outputs(options)
        ranks = _ranks(options)
    console.message(f"{counted(len(ranks.data_sets), 'comparison')}: {listed(ranks.data_sets)}.\n")
    _write(ranks, options)
    console.result(f"{ranks!r}\n\n{ranks.verdict()}")
    for path in (options.plot, options.out):
        if path is not None:
            console.message(f"Written: {visible(path)}")


def _check_outputs(options: Namespace) -> None:
    # By a link, an output may lead to a comparison.
    names = [name for name in os.listdir(options.folder) if name.lower().endswith(".json")]
    inputs = [os.path.join(options.folder, name) for name in names]
    check_outputs({"--plot": options.plot, "--out": options.out}, inputs)
    if options.out is not None:
        format_of(options.out, TABLE_FORMATS, "--out")
    if options.plot is not None:
        format_of(options.plot, _PICTURE_FORMATS, "--plot")
        if find_spec("matplotlib") is None:
            raise UserError("--plot needs matplotlib: pip install matplotlib, or leave --plot out.")


def _check_folder(folder: str) -> None:
    if not os.path.isdir(folder):
        there = "is no folder" if os.path.exists(folder) else "is not there"
        raise UserError(
            f"{quoted(folder, 200)} {there}. Name a folder with comparisons in it, written by "
            "'sifal compare FILE --out FOLDER/NAME.json'."
        )


def _ranks(options: Namespace) -> Any:
    from sklearn_sifal.comparison._ranks import rank_strategies

    return rank_strategies(
        options.folder,
        metric=options.metric,
        budget=options.budget,
        yardstick=options.yardstick,
        common_only=options.common,
    )


@contextmanager
def _errors_of_reading(folder: str) -> Iterator[None]:
    """Turn what is wrong with files and options into a message in the command's own words."""
    try:
        yield
    except OSError as error:
        about = error.filename if isinstance(error.filename, str) else folder
        raise UserError(f"{about} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        message = in_short(error)
        for said, term in _TERMS.items():
            message = message.replace(said, term)
        raise UserError(message) from error


def _write(ranks: Any, options: Namespace) -> None:
    """Both files, or none of them."""
    from sklearn_sifal.comparison._saved_comparisons import plain_record

    with ExitStack() as stack:
        if options.out is not None:
            kind = format_of(options.out, TABLE_FORMATS, "--out")
            # Comparisons may come from others, and with them the names in them.
            form = OutputForm(kind, "\t" if kind == "tsv" else ",", escape_formulas=True)
            file = stack.enter_context(replacing(options.out, form.encoding))
            write_records(file, map(plain_record, ranks.summary()), form)
            file.flush()
        if options.plot is not None:
            picture = _picture(ranks, format_of(options.plot, _PICTURE_FORMATS, "--plot"))
            with errors_of_writing(options.plot), replacing_bytes(options.plot) as plot:
                plot.write(picture)


def _picture(ranks: Any, kind: str) -> bytes:
    import matplotlib.pyplot as plt

    figure = ranks.plot().figure_
    content = BytesIO()
    try:
        figure.savefig(content, format=kind, dpi=_DOTS_PER_INCH)
    finally:
        plt.close(figure)
    return content.getvalue()
