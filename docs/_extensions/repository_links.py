"""Links that are right on GitHub become links that are right on the built pages.

The Markdown pages link to files beside and outside of ``docs``, relative to themselves. A
link to an example leads to its page of the gallery, one to a file of the repository that
has a page to that page; of a link to anything else outside of ``docs`` the text is left.
"""

import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

# Files of the repository that have a page, relative to its root.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "changelog.d/README.md": "contributing.md#changelog",
    "examples": "auto_examples/index.rst",
}
_EXAMPLE = re.compile(r"examples/(plot_\w+)\.py")
_LINK = re.compile(
    r"(?<!!)\[([^\]\[]*(?:\[[^\]]*\][^\]\[]*)*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)"
)
_CODE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)


def page_of(target: str) -> str | None:
    """Page of a file, given relative to the root; None if it has none."""
    if target in PAGES:
        return PAGES[target]
    if example := _EXAMPLE.fullmatch(target):
        return f"auto_examples/{example[1]}.rst"
    return target.removeprefix("docs/") if target.startswith("docs/") else None


def rewrite_links(text: str, folder: Path) -> str:
    """Lead the links of a Markdown text that stands in `folder` to pages below ``docs``."""

    def lead(link: re.Match[str]) -> str:
        label, target, anchor = link.groups()
        path = Path(os.path.normpath(folder / target))
        page = page_of(path.relative_to(ROOT).as_posix()) if path.is_relative_to(ROOT) else None
        return label if page is None else f"[{label}]({page}{anchor or ''})"

    pieces, end = [], 0
    for block in _CODE.finditer(text):  # code is left alone
        pieces += [_LINK.sub(lead, text[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*pieces, _LINK.sub(lead, text[end:])])


def rewrite_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Rewrite the links of a page of ours; generated ones know where they are."""
    if (path := DOCS / f"{docname}.md").exists():
        source[0] = rewrite_links(source[0], path.parent)


def rewrite_included(app: Sphinx, path: Path, parent: str, source: list[str]) -> None:
    """Rewrite the links of a file that a page includes."""
    whole = DOCS / path
    if whole.suffix == ".md":
        source[0] = rewrite_links(source[0], whole.resolve().parent)


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at every text before it is parsed."""
    app.connect("source-read", rewrite_page)
    app.connect("include-read", rewrite_included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
