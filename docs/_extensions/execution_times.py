"""The table of how long the examples took, without the scripts that it wants from the network."""

import re
from typing import Any

from sphinx.application import Sphinx

_SCRIPTS = re.compile(r"^\.\. container::\n.*?(?=^  \.\. list-table::)", re.DOTALL | re.MULTILINE)
_MEMORY = re.compile(r"^     - (Mem \(MB\)|0\.0)\n", re.MULTILINE)  # it is not measured


def simplify_table(app: Sphinx, docname: str, source: list[str]) -> None:
    """Leave the plain table of sphinx-gallery's page."""
    if docname.endswith("sg_execution_times"):
        head, table = _SCRIPTS.split(source[0])
        source[0] = head + re.sub(r"^  ", "", _MEMORY.sub("", table), flags=re.MULTILINE)


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at every text before it is parsed."""
    app.connect("source-read", simplify_table)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
