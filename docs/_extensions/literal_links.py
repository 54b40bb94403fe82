"""Names of public objects that stand as code in a text lead to their page of the reference.

The Markdown pages and the docstrings name classes and functions in backticks; this makes
links of them without a role that GitHub, or a reader of the docstring, would stumble over.
"""

from typing import Any

from api_pages import public_objects
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

_NO_LINKS_IN = (nodes.reference, nodes.title, nodes.rubric, addnodes.pending_xref, nodes.term)


class LinkNames(SphinxTransform):
    """Wrap the literals that are names of public objects."""

    default_priority = 600  # after the roles, before references are resolved

    def apply(self, **options: Any) -> None:
        """Look at all literals of a page."""
        objects = public_objects()
        known = set(objects.values())
        own = self.env.docname.rpartition("/")[2]
        for literal in list(self.document.findall(nodes.literal)):
            name = literal.astext().removesuffix("()")
            spellings = (objects.get(name, ""), name, f"sklearn_sifal.{name}")
            full_name = next((spelling for spelling in spellings if spelling in known), None)
            if full_name in (None, own) or _is_inside(literal):
                continue
            link = addnodes.pending_xref(
                "", refdomain="py", reftype="obj", reftarget=full_name, refexplicit=True,
                refdoc=self.env.docname, refwarn=True,
            )  # fmt: skip
            literal.replace_self(link)
            link += literal


def _is_inside(node: nodes.Node) -> bool:
    while (node := node.parent) is not None:
        if isinstance(node, _NO_LINKS_IN):
            return True
    return False


def setup(app: Sphinx) -> dict[str, Any]:
    """Apply it to every page."""
    app.add_transform(LinkNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
