"""Tables for a terminal."""

from collections.abc import Collection, Sequence


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[int]
) -> str:
    """Lines of aligned cells.

    Parameters
    ----------
    header : sequence of str
        Titles.
    rows : sequence of sequence of str
        As many cells as titles.
    left : collection of int
        Columns aligned to the left; the others are numbers.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [header, *rows]
    )
