"""What the next release will say stands above the releases, as towncrier writes it."""

import subprocess
import sys
from typing import Any

from repository_links import ROOT, rewrite_links
from sphinx.application import Sphinx

START = "<!-- towncrier release notes start -->"


def unreleased() -> str:
    """The fragments in ``changelog.d``, in Markdown."""
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "Unreleased"]
    command += ["--date", ""]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.replace("## Unreleased ()", "## Unreleased")


def add_unreleased(app: Sphinx, docname: str, source: list[str]) -> None:
    """Fill the page of the changelog."""
    if docname == "changelog":
        head, _, releases = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition(START)
        source[0] = rewrite_links(f"{head}\n{unreleased()}\n{releases}", ROOT)


def setup(app: Sphinx) -> dict[str, Any]:
    """Fill the page before its links are looked at."""
    app.connect("source-read", add_unreleased, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
